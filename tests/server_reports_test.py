#!/usr/bin/env python3
"""Reports through the server's own door: every slice and every form against a recount from the plays themselves."""

import csv
import datetime
import hashlib
import io
import json
import os
import random
import re
import sqlite3
import subprocess
import threading
import xml.etree.ElementTree as xml
import zipfile
from collections import defaultdict

from report_world import FIRST, HOUR_MS, LAST, MERGED, SUCCESSOR, World, day_ms, insert
from server_harness import BUILD, PASSWORD, Client, ServerCase, main
from fleet_test import ROOT
from server_plays_test import BEGIN_MS, JOURNAL, PlaysTest

DIMENSIONS = ["campaign", "item", "unit", "screen", "day", "month", "hour", "priority", "reason", "evidence"]
KEYS = {"campaign": "campaign_id", "item": "item_id", "unit": "unit_code", "screen": "screen_id"}
MEASURES = ["complete", "partial", "verified", "cards", "shown_ms", "screens"]
SLICES = [[], *([dimension] for dimension in DIMENSIONS), ["campaign", "item"], ["unit", "screen"], ["screen", "day"],
          ["month", "unit"], ["day", "hour"], ["campaign", "item", "unit", "screen", "month", "priority", "reason", "evidence"]]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class ReportsCase(ServerCase):
    prepared = True

    def sql(self, script):
        if self.database:
            subprocess.run(["psql", "--quiet", "--set=ON_ERROR_STOP=1", self.database], input=script, text=True, check=True)
            return
        connection = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
        connection.executescript(script)
        connection.close()

    def prepare(self, seed=1, plays=4000):
        self.world = World(seed, plays)
        self.admin = self.administrator()
        self.sql(self.world.sql())
        return self.admin

    def ask(self, unit="92", first=FIRST, last=LAST, by=(), **more):
        answer = self.admin.post("/v1/reports", {"unit": unit, "from": first.isoformat(), "to": last.isoformat(), "by": list(by), **more})
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json

    def report(self, **more):
        return self.ask(keep=False, **more)

    @staticmethod
    def rows(report):
        """{keys: measures} of a document, by the keys behind the names."""
        names = [column["name"] for column in report["columns"]]
        keys = [names.index(KEYS.get(dimension, dimension)) for dimension in report["by"]]
        measures = [names.index(name) for name in MEASURES]
        return {tuple(row[i] for i in keys): [row[i] for i in measures] for row in report["rows"]}

    @staticmethod
    def total(report, name):
        return report["total"][[column["name"] for column in report["columns"]].index(name)]

    def assertRecounted(self, report, wanted):
        rows = self.rows(report)
        if not report["by"] and not wanted:
            wanted = {(): [0] * 6}
        self.assertEqual(rows, wanted)
        for i, name in enumerate(MEASURES[:5]):
            self.assertEqual(self.total(report, name), sum(row[i] for row in wanted.values()), name)


class SlicesTest(ReportsCase):
    def test_every_slice_is_the_recount(self):
        self.prepare()
        for by in SLICES:
            with self.subTest(by=by):
                report = self.report(by=by)
                self.assertRecounted(report, self.world.recount(by, "92", FIRST, LAST))
                everything = self.world.recount([], "92", FIRST, LAST)[()]
                self.assertEqual(self.total(report, "screens"), everything[5])

    def question(self, pick):
        """A report as anybody may ask for it, and what its rows are to be."""
        by = pick.sample(DIMENSIONS, pick.randrange(5))
        if "hour" in by:
            by = [dimension for dimension in by if dimension not in ("reason", "evidence")]
        first = FIRST + datetime.timedelta(days=pick.randrange((LAST - FIRST).days))
        last = min(LAST, first + datetime.timedelta(days=pick.choice([0, 6, 30, 180, 700])))
        unit, now, below = pick.choice(["vn", "92", "91", "c1", "c2", "c3", "d1"]), pick.random() < 0.3, pick.random() < 0.3
        subject, screen = pick.choice(self.world.subjects), pick.choice(sorted(self.world.homes))
        filters = {"campaign": (subject["campaign"], lambda play: play.subject["campaign"] == subject["campaign"]),
                   "item": (subject["asset"] or subject["item"], lambda play: play.subject["asset"] == subject["asset"] if subject["asset"]
                            else play.subject["item"] == subject["item"]),
                   "screen": (screen, lambda play: play.screen == screen)}
        chosen = {name: filters[name] for name in pick.sample(sorted(filters), pick.choice([0, 0, 1, 2])) if filters[name][0]}
        asked = {"unit": unit, "first": first, "last": last, "by": by, **({"units": "now"} if now else {}),
                 **({"level": "below"} if below else {}), **{name: value for name, (value, _) in chosen.items()}}
        wanted = self.world.recount(by, unit, first, last, lambda play: all(holds(play) for _, holds in chosen.values()),
                                    lambda code: self.world.place(code, unit, now, below))
        cut = self.world.recount(["reason"], unit, first, last,
                                 lambda play: not play.complete and all(holds(play) for _, holds in chosen.values()))
        return asked, wanted, {reason: measures[1] for (reason,), measures in cut.items()}

    def assertFile(self, identity, asked, wanted):
        """The CSV has the rows, too."""
        body = self.admin.get(f"/v1/reports/{identity}?format=csv&separator=%2C").body.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(body, newline="")))
        table, columns = lines[1:lines.index([])], {title: i for i, title in enumerate(lines[0])}
        keys = {"campaign": "Mã chiến dịch", "item": "Mã nội dung", "unit": "Mã đơn vị", "screen": "Mã màn hình"}
        keyed = [keys[dimension] for dimension in asked["by"] if dimension in keys]
        counts = [columns[title] for title in ("Trọn vẹn", "Dở dang", "Xác minh hiển thị", "Lượt thẻ")]

        def sums(rows):
            found = defaultdict(lambda: [0] * len(counts))
            for key, numbers in rows:
                found[key] = [a + b for a, b in zip(found[key], numbers)]
            return found
        places = [i for i, dimension in enumerate(asked["by"]) if dimension in keys]
        self.assertEqual(sums((tuple(line[columns[title]] for title in keyed), [int(line[i]) for i in counts]) for line in table[:-1]),
                         sums((tuple(key[i] for i in places), measures[:4]) for key, measures in wanted.items()) or
                         ({(): [0] * 4} if not asked["by"] else {}))
        self.assertEqual([int(table[-1][i]) for i in counts], [sum(measures[i] for measures in wanted.values()) for i in range(4)])

    def test_whatever_is_asked_for_is_the_recount(self):
        long = bool(os.environ.get("BT_LONG"))
        self.prepare(seed=10, plays=0)
        for seed in range(10, 20 if long else 12):
            self.world = World(seed, 4000)
            self.sql("DELETE FROM play_daily; DELETE FROM play_hourly; DELETE FROM play_subject;")
            self.sql("".join([*self.world.subjects_sql(), *self.world.counts_sql(self.world.plays)]))
            late = [self.world.make_play() for _ in range(300)]
            self.world.plays += late
            self.sql("".join(self.world.counts_sql(late)))
            pick = random.Random(seed)
            for number in range(60 if long else 30):
                asked, wanted, cut = self.question(pick)
                with self.subTest(seed=seed, number=number, asked=asked):
                    report = self.report(**asked)
                    self.assertRecounted(report, wanted)
                    self.assertEqual({item["reason"]: item["partial"] for item in report["reasons"]}, cut)
                    if number % 10 == 0:
                        self.assertFile(self.ask(**asked)["id"], asked, wanted)

    def test_a_reason_of_a_newer_player_is_told(self):
        self.prepare(seed=6, plays=200)
        play = self.world.make_play(LAST, LAST)
        play.complete, play.verified, play.reason, play.screen, play.unit = False, False, "sét đánh", "s-1", "c2"
        self.sql("".join(self.world.counts_sql([play])))
        told = {item["reason"]: item["partial"] for item in self.report(by=["unit"])["reasons"]}
        cut = self.world.recount(["reason"], "92", FIRST, LAST, lambda play: not play.complete, plays=[*self.world.plays, play])
        self.assertEqual(told, {reason: measures[1] for (reason,), measures in cut.items()})
        self.assertEqual(told["sét đánh"], 1)

    def test_units_ranges_and_filters(self):
        self.prepare(seed=2)
        first, last = datetime.date(2026, 2, 20), datetime.date(2026, 3, 19)
        asset = self.world.subjects[0]["asset"]
        for unit in ("vn", "92", "91", "c1", "c2", "c3", "d1"):
            report = self.report(unit=unit, first=first, last=last, by=["unit", "day"])
            self.assertRecounted(report, self.world.recount(["unit", "day"], unit, first, last))
        filters = {"campaign": ("c-A", lambda play: play.subject["campaign"] == "c-A"),
                   "item": ("i3", lambda play: play.subject["item"] == "i3"),
                   "screen": ("s-2", lambda play: play.screen == "s-2")}
        for name, (value, where) in filters.items():
            report = self.report(by=["screen", "reason"], **{name: value})
            self.assertRecounted(report, self.world.recount(["screen", "reason"], "92", FIRST, LAST, where))
        report = self.report(by=["month"], item=asset)
        self.assertRecounted(report, self.world.recount(["month"], "92", FIRST, LAST, lambda play: play.subject["asset"] == asset))
        self.sql("INSERT INTO screen_group VALUES('g-1', '92', 'Nhóm', 1, 0); INSERT INTO screen_group_member VALUES('g-1', 's-5');")
        report = self.report(by=["hour"], group="g-1")
        self.assertRecounted(report, self.world.recount(["hour"], "92", FIRST, LAST, lambda play: play.screen == "s-5"))

    def test_merged_communes_stand_under_what_they_are_now_if_so_asked(self):
        self.prepare(seed=3)
        then, now = self.report(by=["unit"]), self.report(by=["unit"], units="now")
        self.assertIn(("c3",), self.rows(then))
        self.assertIn(("cu",), self.rows(then))
        self.assertRecounted(now, self.world.recount(["unit"], "92", FIRST, LAST, named=lambda code: SUCCESSOR.get(code, code)))
        names = {row[1]: row[0] for row in then["rows"]}
        self.assertEqual((names["c3"], names["cu"]), ("Xã Ốc Ẩn", "Thị trấn cũ"))
        below = self.report(unit="vn", by=["unit"], level="below")
        self.assertRecounted(below, self.world.recount(["unit"], "vn", FIRST, LAST, named=lambda code: "91" if code == "d1" else "92"))
        # The merger itself changes no sum.
        before = self.report(by=[], last=MERGED - datetime.timedelta(days=1))
        after = self.report(by=[], first=MERGED)
        self.assertEqual(self.total(before, "complete") + self.total(after, "complete"), self.total(then, "complete"))

    def test_goals_and_plans(self):
        self.prepare(seed=4)
        rows = {row[1]: row for row in self.report(by=["campaign"])["rows"]}
        names = [column["name"] for column in self.report(by=["campaign"])["columns"]]
        goal, shortfall, complete = (names.index(name) for name in ("goal", "shortfall", "complete"))
        self.assertEqual((rows["c-A"][goal], rows["c-A"][shortfall]), (100000, 100000 - rows["c-A"][complete]))
        self.assertIsNone(rows["c-B"][goal])
        self.assertEqual(rows["c-A"][0], "Tuần lễ chuyển đổi số")
        self.assertIsNone(self.total(self.report(by=["screen"]), "scheduled"))
        day = datetime.date(2026, 10, 7)
        plan = [((day - datetime.date(1970, 1, 1)).days, screen, "c2", "u.c1.bang", "i3", "c-A", "normal", planned)
                for screen, planned in (("s-1", 40), ("s-7", 60))]
        self.sql("".join(insert("plan_daily", plan, "(day,screen,unit,publication,item,campaign,priority,planned)")))
        report = self.report(by=["screen"], first=day, last=day)
        names = [column["name"] for column in report["columns"]]
        scheduled = {row[1]: row[names.index("scheduled")] for row in report["rows"]}
        self.assertEqual((scheduled["s-1"], scheduled["s-7"]), (40, 60))
        self.assertEqual(self.total(report, "scheduled"), 100)
        silent = [row for row in report["rows"] if row[1] == "s-7"][0]
        self.assertEqual((silent[names.index("complete")], silent[names.index("shortfall")]), (0, 60))
        self.assertIsNone(self.total(self.report(by=["reason"], first=day, last=day), "scheduled"))

    def test_wrong_requests_are_refused(self):
        self.prepare(plays=10)
        for wrong in ({"from": "2026-10-01"}, {"preset": "week"}, {"from": "2026-10-02", "to": "2026-10-01"},
                      {"from": "2016-01-01", "to": "2026-12-31"}, {"preset": "month", "period": "2026"},
                      {"from": "2026-10-01", "to": "2026-10-02", "by": ["hour", "reason"]}):
            answer = self.admin.post("/v1/reports", {"unit": "92", **wrong})
            self.assertProblem(answer, 400, "fields")
        self.assertEqual(self.admin.post("/v1/reports", {"unit": "nowhere", "preset": "month"}).status, 403)


class FactsTest(ReportsCase):
    def test_who_has_not_reported_and_what_is_lost_is_said(self):
        self.prepare()
        first, last = datetime.date(2026, 10, 1), datetime.date(2026, 10, 31)
        facts = self.report(first=first, last=last)["completeness"]
        # s-3 is the other province's; s-4 has moved there and showed nothing for this one in October.
        self.assertEqual((facts["screens"], facts["forked"]), (5, 1))
        # The journals are known into 2027: in full; s-0 in part, and s-1, whose journal was copied.
        self.assertEqual({item["screen"] for item in facts["silent"]}, {"s-0", "s-1"})
        self.assertEqual((facts["full"], facts["part"], facts["none"]), (3, 2, 0))
        self.assertEqual([(loss["screen"], loss["plays"]) for loss in facts["losses"]], [("s-1", 12)])
        before = self.report(first=datetime.date(2026, 8, 1), last=datetime.date(2026, 8, 31))["completeness"]
        self.assertEqual((before["losses"], before["full"]), ([], 4))
        other = self.report(unit="91", first=first, last=last)
        self.assertEqual({item["screen"]: item["known_ms"] for item in other["completeness"]["silent"]}, {"s-7": 0})
        self.assertEqual(other["completeness"]["none"], 1)
        self.assertEqual([item["screen"] for item in other["coverage"]["missing"]], ["s-7"])
        self.assertEqual((other["coverage"]["screens_shown"], other["coverage"]["units"], other["coverage"]["units_shown"]), (2, 1, 1))
        self.assertEqual(self.report()["watermarks"]["d-s-2/j"], 100)

    def test_minutes_from_publishing_to_the_first_play(self):
        self.prepare(plays=50)
        published = day_ms(datetime.date(2026, 10, 3)) + 8 * 3600000
        row = ("n-1", "c2", "unit", "bang", "u/c2/bang.json", "u-c2", 4, "published", "Bảng", "{}", "{}", "00", "u", 0, 0, published, 1)
        self.sql("".join(insert("publication", [row])))
        firsts = [("u.c2.bang", 3, "s-1", published - 9000000), ("u.c2.bang", 4, "s-1", published + 2 * 60000),
                  ("u.c2.bang", 5, "s-5", published + 12 * 60000), ("u.c2.bang", 3, "s-6", published - 8000000),
                  ("u.c2.bang", 4, "s-3", published + 60000)]
        self.sql("".join(insert("play_first", firsts)))
        said = self.report(first=datetime.date(2026, 10, 1), last=datetime.date(2026, 10, 31))["timeliness"]
        self.assertEqual((said["counted"], said["median_min"], said["p95_min"], said["never"]), (2, 2, 12, 1))

    def test_what_comes_late_is_in_the_next_report(self):
        self.prepare()
        periods = [("2026-08", datetime.date(2026, 7, 20), datetime.date(2026, 8, 19)),
                   ("2026-09", datetime.date(2026, 8, 20), datetime.date(2026, 9, 19)),
                   ("2026-10", datetime.date(2026, 9, 20), datetime.date(2026, 10, 19))]
        made, late = [], []
        for period, first, last in periods:
            item = self.admin.post("/v1/reports", {"unit": "92", "preset": "month", "period": period, "by": ["unit"]})
            self.assertEqual(item.status, 201, item)
            self.assertEqual((item.json["from_day"], item.json["until_day"]), (first.isoformat(), last.isoformat()))
            document = self.admin.get(f"/v1/reports/{item.json['id']}").json
            supplement = document["supplement"]
            self.assertEqual(supplement["of"], made[-1]["id"] if made else None)
            wanted = self.world.recount(["day", "screen"], "92", periods[0][1], first - datetime.timedelta(days=1), plays=late)
            self.assertEqual({(row["day"], row["screen"]): (row["complete"], row["partial"]) for row in supplement["rows"]},
                             {key: (measures[0], measures[1]) for key, measures in wanted.items()})
            self.world.plays += late
            self.assertRecounted(document, self.world.recount(["unit"], "92", first, last))
            made.append(item.json)
            # What comes after the report: for its own days, for days before it, and for days of no report.
            late = [self.world.make_play(datetime.date(2026, 7, 1), last) for _ in range(40)]
            self.sql("".join(self.world.counts_sql(late)))
        self.assertEqual([item["id"] for item in self.admin.get("/v1/reports?limit=2").json["items"]], [made[2]["id"], made[1]["id"]])
        after = self.admin.get(f"/v1/reports?limit=2&after={made[1]['id']}").json
        self.assertEqual(([item["id"] for item in after["items"]], after["next"]), ([made[0]["id"]], None))


class IngestedTest(PlaysTest):
    """From signed batches to a report, through the server's own doors alone."""

    def test_what_comes_home_is_reported(self):
        day = datetime.datetime.fromtimestamp(BEGIN_MS / 1000, datetime.timezone(datetime.timedelta(hours=7))).date().isoformat()
        self.assertEqual(self.send(self.journal.batch(1, 15)).status, 200)

        def report(**more):
            answer = self.admin.post("/v1/reports", {"unit": "31333", "from": day, "to": day, "by": ["campaign", "item"], **more})
            self.assertIn(answer.status, (200, 201), answer)
            identity = answer.json["id"]
            return self.admin.get(f"/v1/reports/{identity}").json if answer.status == 201 else answer.json
        first = report()
        names = [column["name"] for column in first["columns"]]
        self.assertEqual([row[names.index("complete")] for row in first["rows"]], [14])
        self.assertEqual(first["rows"][0][names.index("campaign_id")], "cds-10-10")
        self.assertEqual(first["watermarks"], {f"{self.player.id}/{JOURNAL}": 15})
        self.assertEqual(self.query("SELECT first_ms FROM play_first WHERE publication = 'p-1' AND version = 1"), BEGIN_MS + 10000)
        self.assertEqual(self.send(self.journal.batch(1, 21)).status, 200)
        second = report()
        self.assertEqual(second["total"][names.index("complete")], 20)
        self.assertEqual((second["supplement"]["of"], second["supplement"]["complete"]), (first["id"], 6))
        self.assertEqual(second["watermarks"], {f"{self.player.id}/{JOURNAL}": 21})
        self.assertEqual(report()["supplement"]["complete"], 0)
        self.assertEqual(report(by=["hour"], keep=False)["total"][2], 20)
        self.assertEqual(second["root_sha256"], hashlib.sha256(ROOT.encode()).hexdigest())


class FormsTest(ReportsCase):
    def get(self, identity, form, **query):
        query = "".join(f"&{name}={value}" for name, value in query.items())
        answer = self.admin.get(f"/v1/reports/{identity}?format={form}{query}")
        self.assertEqual(answer.status, 200, answer)
        return answer

    def cells(self, body, sheets=2):
        """The cells of each sheet: {(row, column letters): text or number}."""
        archive = zipfile.ZipFile(io.BytesIO(body))
        shared = [name for name in archive.namelist() if name == "xl/sharedStrings.xml"]  # long ones have none
        strings = ["".join(part.text or "" for part in item.iter(f"{SHEET}t"))
                   for name in shared for item in xml.fromstring(archive.read(name))]
        for name in [f"xl/worksheets/sheet{i + 1}.xml" for i in range(sheets)]:
            cells = {}
            for cell in xml.fromstring(archive.read(name)).iter(f"{SHEET}c"):
                value = cell.find(f"{SHEET}v")
                self.assertIsNone(cell.find(f"{SHEET}f"), "a formula")
                if cell.get("t") == "inlineStr":
                    column, row = re.match(r"([A-Z]+)(\d+)", cell.get("r")).groups()
                    cells[int(row), column] = "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))
                elif value is not None:
                    column, row = re.match(r"([A-Z]+)(\d+)", cell.get("r")).groups()
                    cells[int(row), column] = strings[int(value.text)] if cell.get("t") == "s" else float(value.text)
            yield cells

    def test_csv_and_xlsx_say_what_the_document_says(self):
        self.prepare()
        item = self.ask(by=["campaign", "unit"])
        document = self.admin.get(f"/v1/reports/{item['id']}").json
        wanted = self.world.recount(["campaign", "unit"], "92", FIRST, LAST)
        self.assertRecounted(document, wanted)
        for separator, comma in ((";", ","), (",", ".")):
            body = self.get(item["id"], "csv", separator="%2C" if separator == "," else "%3B").body
            self.assertTrue(body.startswith(b"\xef\xbb\xbf"))
            self.assertEqual(body.count(b"\n"), body.count(b"\r\n"))
            lines = list(csv.reader(io.StringIO(body[3:].decode(), newline=""), delimiter=separator))
            table = lines[:lines.index([])]
            self.assertEqual(table[0][:4], ["Chiến dịch", "Mã chiến dịch", "Đơn vị", "Mã đơn vị"])
            rows = {(line[1], line[3]): line for line in table[1:-1]}
            self.assertEqual(set(rows), set(wanted))
            at = {name: 4 + i for i, name in enumerate(("scheduled", "complete", "partial", "verified", "cards", "shown_ms", "screens"))}
            for key, measures in wanted.items():
                self.assertEqual([int(rows[key][at[name]]) for name in MEASURES if name != "shown_ms"], measures[:4] + measures[5:])
                self.assertEqual(rows[key][at["shown_ms"]], f"{measures[4] // 1000}{comma}{measures[4] % 1000:03}")
            self.assertEqual(int(table[-1][at["complete"]]), sum(measures[0] for measures in wanted.values()))
            self.assertEqual(table[-1][0], "Tổng cộng")
            self.assertEqual({line[0] for line in table if line[1] == "c-B"}, {"'=Cài đặt định danh"})
            self.assertTrue(any("chưa báo về" in line[0] for line in lines[len(table):] if line))

    def test_the_spreadsheet_has_the_same_numbers(self):
        self.prepare()
        item = self.ask(by=["campaign", "unit"])
        wanted = self.world.recount(["campaign", "unit"], "92", FIRST, LAST)
        answer = self.get(item["id"], "xlsx")
        self.assertIn(f'filename="BC_luot-phat_{FIRST}_{LAST}_BacNinh.xlsx"', answer.headers["Content-Disposition"])
        form, facts = self.cells(answer.body)
        heading = [row for (row, column), value in form.items() if column == "A" and value == "STT"][0]
        titles = {form[position]: position[1] for position in form if position[0] in (heading, heading + 1)}
        names = {code: name for code, _, name in [("c1", "", "Phường Kinh Bắc"), ("c2", "", "Xã Đông Cứu"), ("c3", "", "Xã Ốc Ẩn"),
                                                  ("cu", "", "Thị trấn cũ")]}
        campaigns = {"c-A": "Tuần lễ chuyển đổi số", "c-B": "=Cài đặt định danh", "": "(không thuộc chiến dịch)"}
        found = {}
        for row in range(heading + 2, heading + 2 + len(wanted)):
            found[form[row, "B"], form[row, "C"]] = [form[row, titles[title]] for title in (
                "Trọn vẹn", "Dở dang", "Xác minh hiển thị", "Lượt thẻ", "Tổng thời lượng (giờ)", "Số màn hình")]
        self.assertEqual(set(found), {(campaigns[campaign], names[unit]) for campaign, unit in wanted})
        for (campaign, unit), measures in wanted.items():
            row = found[campaigns[campaign], names[unit]]
            self.assertEqual(row[:4] + row[5:], [float(value) for value in measures[:4] + measures[5:]])
            self.assertAlmostEqual(row[4], measures[4] / 3600000, 9)
        total = heading + 2 + len(wanted)
        self.assertEqual(form[total, "A"], "TỔNG CỘNG")
        self.assertEqual(form[total, titles["Trọn vẹn"]], sum(measures[0] for measures in wanted.values()))
        self.assertIn("1. Màn hình chưa báo về đủ", facts.values())
        sheet = zipfile.ZipFile(io.BytesIO(answer.body)).read("xl/worksheets/sheet1.xml").decode()
        for part in ('orientation="landscape"', 'paperSize="9"', 'state="frozen"', "chưa báo về", "Vân tay gốc"):
            self.assertIn(part, sheet)
        self.assertIn("Times New Roman", zipfile.ZipFile(io.BytesIO(answer.body)).read("xl/styles.xml").decode())

    def test_form_05_is_the_recount(self):
        self.prepare(seed=5)
        first, last = datetime.date(2026, 10, 1), datetime.date(2026, 10, 31)
        # What stood and what was wrong is told whatever the report is about; what ended showings, of what it is about.
        for more, where in (({}, lambda play: True), ({"campaign": "c-A"}, lambda play: play.subject["campaign"] == "c-A")):
            item = self.ask(first=first, last=last, by=["unit"], **more)
            incidents = self.admin.get(f"/v1/reports/{item['id']}").json["incidents"]
            self.assertEqual({taken["id"]: taken["screens"] for taken in incidents["takedowns"]}, self.world.TAKEN_FROM)
            warned, = incidents["emergencies"]
            self.assertEqual((warned["from_ms"], warned["until_ms"], warned["screens"]),
                             (self.world.WARNED_MS, self.world.WARNED_MS + 3 * HOUR_MS, 4))
            self.assertEqual([trouble["content"] for trouble in incidents["troubles"]], ["màn hình tối", "im lặng từ 10/10"])
            shown = self.world.recount([], "92", first, last, lambda play: play.subject["priority"] == "emergency")[()]
            self.assertEqual(list(incidents["emergency_plays"].values()), [shown[0], shown[1], shown[4], shown[5]])
            cut = self.world.recount(["reason"], "92", first, last, lambda play, where=where: where(play) and not play.complete)
            *_, form = self.cells(self.get(item["id"], "xlsx").body, sheets=3)
            sums = {form[row, "A"]: form.get((row, "G")) for row, column in form if column == "A" and isinstance(form[row, "A"], str)}
            for text, number in {"Lượt phát khẩn cấp trọn vẹn": shown[0], "Lượt phát khẩn cấp dở dang": shown[1],
                                 "Số lượt đã khai báo mất (ít nhất)": 12,
                                 **{text: cut.get((reason,), [0, 0])[1] for text, reason in (
                                     ("Lượt đang phát thì bị gỡ", "removed"), ("Lượt dở dang vì mất điện", "power lost"),
                                     ("Lượt dở dang vì mất màn hình", "display"), ("Lượt dở dang vì lỗi", "error"),
                                     ("Lượt dở dang vì máy phát dừng", "stopped"))}}.items():
                self.assertEqual(sums[text], number, text)
            self.assertIn("TỔNG CỘNG: 2 lệnh gỡ, 1 đợt phát khẩn cấp, 2 sự cố, 1 khai báo mất", sums)
            self.assertIn("BIỂU 05: SỰ CỐ, GỠ BỎ, PHÁT KHẨN CẤP", form.values())
            self.assertNotIn("Lượt theo lịch không phát vì đang có lệnh gỡ", sums)  # nothing was planned

    def test_a_long_report_is_a_spreadsheet_too(self):
        self.prepare(plays=10000)
        by = ["item", "screen", "day", "hour"]
        item = self.ask(by=by, title="Dài")
        self.assertGreater(item["rows"], 5000)
        first, second = (self.get(item["id"], "xlsx").body for _ in range(2))
        self.assertEqual(first, second)
        form, _ = self.cells(first)
        heading = [row for (row, column), value in form.items() if column == "A" and value == "STT"][0]
        titles = {form[position]: position[1] for position in form if position[0] in (heading, heading + 1)}
        numbers = [form[row, titles["Trọn vẹn"]] for row in range(heading + 2, heading + 2 + item["rows"])]
        self.assertEqual(sum(numbers), item["complete"])
        self.assertEqual(form[heading + 2 + item["rows"], titles["Trọn vẹn"]], item["complete"])

    def test_the_same_report_gives_the_same_bytes(self):
        self.prepare(plays=500)
        item = self.ask(by=["item", "day"], title="Báo cáo & <thử>")
        before = {form: self.get(item["id"], form).body for form in ("json", "csv", "xlsx")}
        self.sql("".join(self.world.counts_sql([self.world.make_play() for _ in range(50)])))
        self.server.stop()
        self._server = self.start()
        self.admin = self.client().login("quan-tri")
        for form, body in before.items():
            self.assertEqual(self.get(item["id"], form).body, body, form)
        self.assertEqual(self.admin.get(f"/v1/reports/{item['id']}?format=pdf").status, 400)
        self.assertEqual(self.admin.get("/v1/reports/b-NONE").status, 404)

    def test_a_report_that_is_asked_for_again_is_made_once(self):
        self.prepare(plays=50)
        body = {"unit": "92", "from": "2026-10-01", "to": "2026-10-31", "by": ["unit"]}
        answers = []

        def ask(client):
            answers.append(client.post("/v1/reports", body, Idempotency_Key="mot"))
        askers = [threading.Thread(target=ask, args=(self.client().login("quan-tri"),)) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        ask(self.admin)
        self.assertEqual({answer.status for answer in answers}, {201}, answers)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(len(self.admin.get("/v1/reports").json["items"]), 1)
        for other in ({**body, "by": ["screen"]}, {**body, "keep": False}):
            self.assertProblem(self.admin.post("/v1/reports", other, Idempotency_Key="mot"), 422, "idempotency-key")
        self.assertEqual(self.admin.post("/v1/reports", body, Idempotency_Key="hai").status, 201)
        self.assertEqual(len(self.admin.get("/v1/reports").json["items"]), 2)

    def test_only_reporters_of_the_unit_see_it(self):
        self.prepare(plays=50)
        item = self.ask(by=["unit"])
        people = {}
        for login, unit, role in (("bao-cao", "92", "reporter"), ("xem", "92", "viewer"), ("xa", "c1", "reporter")):
            user = self.admin.post("/v1/users", {"login": login, "name": login, "unit": unit, "password": PASSWORD}).json
            self.admin.post(f"/v1/users/{user['id']}/grants", {"unit": unit, "role": role})
            people[login] = Client(self.server).login(login)
        statuses = {login: client.get(f"/v1/reports/{item['id']}").status for login, client in people.items()}
        self.assertEqual(statuses, {"bao-cao": 200, "xem": 403, "xa": 403})
        self.assertEqual(people["xa"].get("/v1/reports").json["items"], [])
        self.assertEqual(len(people["bao-cao"].get("/v1/reports").json["items"]), 1)
        self.assertEqual(people["xa"].post("/v1/reports", {"unit": "92", "preset": "month"}).status, 403)
        self.assertEqual(people["xa"].post("/v1/reports", {"unit": "c1", "preset": "month"}).status, 201)
        presets = people["xa"].get("/v1/report-presets?unit=c1").json["items"]
        self.assertEqual([preset["preset"] for preset in presets][:2], ["month", "half-year-1"])

    def test_the_command_line_tool(self):
        self.prepare(plays=300)
        environment = {**os.environ, "XDG_CONFIG_HOME": self.directory}
        user = self.admin.post("/v1/users", {"login": "bao-cao", "name": "Trần Thị Bé", "unit": "92", "password": PASSWORD}).json
        self.admin.post(f"/v1/users/{user['id']}/grants", {"unit": "92", "role": "reporter"})
        with open(os.path.join(self.directory, "password"), "w", encoding="utf-8") as file:
            file.write(PASSWORD)

        def bangtin(*arguments, fails=False):
            done = subprocess.run([os.path.join(BUILD, "cli", "bangtin"), *arguments], env=environment, capture_output=True, text=True,
                                  timeout=180, cwd=self.directory, check=False)
            self.assertEqual(done.returncode != 0, fails, done)
            return done.stderr if fails else done.stdout
        bangtin("login", self.server.origin, "--login", "bao-cao", "--password-file", "password")
        days = ("--from", "2026-10-01", "--to", "2026-10-31")
        shown = bangtin("report", *days, "--by", "campaign")
        complete = sum(play.complete for play in self.world.plays
                       if play.date.isoformat()[:7] == "2026-10" and self.world.belongs(play.unit, "92"))
        self.assertIn("Tuần lễ chuyển đổi số", shown)
        self.assertRegex(shown, rf"TỔNG CỘNG / TOTAL .* {complete} ")
        self.assertIn(f"đã phát {complete:02} lượt", shown)
        self.assertEqual(json.loads(bangtin("report", "list", "--json")), [])
        bangtin("report", *days, "--by", "unit,screen", "--output", "a.xlsx")
        kept = json.loads(bangtin("report", "list", "--json"))
        bangtin("report", "get", kept[0]["id"], "--output", "b.xlsx")
        first, second = (open(os.path.join(self.directory, name), "rb").read() for name in ("a.xlsx", "b.xlsx"))
        self.assertEqual(first, second)
        self.assertEqual(first[:2], b"PK")
        bangtin("report", "get", kept[0]["id"], "--output", "b.csv", "--separator", ",")
        with open(os.path.join(self.directory, "b.csv"), encoding="utf-8-sig") as file:
            self.assertEqual(next(csv.reader(file))[:2], ["Đơn vị", "Mã đơn vị"])
        self.assertIn("half-year-2", bangtin("report", "presets", "--unit", "92"))
        self.assertIn("--preset", bangtin("report", fails=True))
        self.assertIn("reason", bangtin("report", *days, "--by", "hour,reason", fails=True))


# Those of the parent run where they are written.
for name in [name for name in dir(PlaysTest) if name.startswith("test_")]:
    setattr(IngestedTest, name, None)
del PlaysTest


if __name__ == "__main__":
    main()
