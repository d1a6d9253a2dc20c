#!/usr/bin/env python3
"""What the schedule asked for, planned by a server at its start, stands in its reports beside what was shown."""

import csv
import datetime
import hashlib
import io
import json
import os
import subprocess
import time

from report_world import PLAYER_COLUMNS, ZONE_MS, day_ms, day_number, insert
from server_harness import BUILD, PASSWORD, main
from server_reports_test import ReportsCase

HOUR_MS = 3600 * 1000
SCREEN_COLUMNS = ("(id,unit,name,kind,width,height,place,latitude_e6,longitude_e6,duty_name,duty_phone,open_min,close_min,"
                  "volume_max_percent,brightness_max_percent,note,revision,created_ms,retired_ms)")
PUBLICATION_COLUMNS = ("(id,unit,layer,name,target,role,version,state,title,recipe,document,sha256,created_by,created_ms,changed_ms,"
                       "published_ms,revision)")


def today():
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=(int(time.time() * 1000) + ZONE_MS) // 86400000)


def screen_document(screen):
    return {"format": 1, "id": f"s.c1.{screen}", "version": 1, "layer": "screen", "canvas": {"width": 64, "height": 32},
            "layouts": [{"name": "one", "zones": [{"name": "main"}]}], "carries": ["u/c1/bang"]}


def content(version, item, seconds):
    return {"format": 1, "id": "u.c1.bang", "version": version, "layer": "unit",
            "playlists": [{"name": "p", "items": [{"id": item, "type": "text", "text": "x", "seconds": seconds}]}],
            "schedule": [{"id": "r", "zone": "main", "playlist": "p"}]}


class PlanTest(ReportsCase):
    def publication(self, target, document, published_ms, ended_ms=None):
        text = json.dumps(document)
        return (f"d-{target}-{document['version']}", "c1", document["layer"], "x", target, "u-c1", document["version"],
                "superseded" if ended_ms else "published", "", "{}", text, hashlib.sha256(text.encode()).hexdigest(), "", 0,
                ended_ms or published_ms, published_ms, 1)

    def world_sql(self, day):
        """Two screens with the same content, changed at noon of the day; A showed most of it, B never reported."""
        begin_ms, noon_ms = day_ms(day) - 30 * HOUR_MS, day_ms(day) + 12 * HOUR_MS
        yield from insert("unit", [("c1", "vn", "commune", "Xã Đông Cứu", "/vn/c1/", None, None, 1)])
        yield from insert("screen", [(screen, "c1", f"Màn hình {screen}", "led", 64, 32, "", None, None, "", "", 0, 0, 100, 100, "", 1,
                                      begin_ms, None) for screen in "AB"], SCREEN_COLUMNS)
        yield from insert("publication", [
            *(self.publication(f"s/c1/{screen}.json", screen_document(screen), begin_ms) for screen in "AB"),
            self.publication("u/c1/bang.json", content(1, "a", 10), begin_ms, noon_ms),
            self.publication("u/c1/bang.json", content(2, "b", 30), noon_ms)], PUBLICATION_COLUMNS)
        yield from insert("player", [("d-A", "A", "c1", "00", "active", "", "", 0, "", None, 0, 0, "obeys", 0, None)], PLAYER_COLUMNS)
        yield from insert("play_journal", [("d-A", "j", "A", "c1", "open", 1, "00", "", "[]", 0, 0, day_ms(day) + 26 * HOUR_MS)],
                          "(player,journal,screen,unit,state,last_seq,last_hash,tally,boots,first_ms,received_ms,known_ms)")
        yield from insert("play_subject", [(number, "u.c1.bang", item, "", "text", "", "unit", "normal")
                                           for number, item in ((1, "a"), (2, "b"))])
        hour = day_ms(day) + 20 * HOUR_MS
        signed = {"_type": "emergency", "format": 1, "id": "e-bao", "template": "u/c1/template-bao", "template_sha256": "0" * 64,
                  "scope": ["c1"], "screens": [], "level": 3, "from_ms": hour, "until_ms": hour + HOUR_MS, "fields": {}}
        yield from insert("emergency", [("e-bao", "c1", "u/c1/template-bao", 3, hour, hour + HOUR_MS,
                                         json.dumps({"signed": signed, "signatures": []}), "", hour - 1000, None, None)])
        yield from insert("takedown", [("t-b", "c1", "[]", '[{"publication": "u.c1.bang", "item": "b"}]', "Sai số liệu", "",
                                        hour + 2 * HOUR_MS)])
        counts = [(1, "schedule", 4000, 0), (1, "power lost", 0, 20), (2, "schedule", 1040, 0)]
        yield from insert("play_daily", [(day_number(day), "A", "c1", subject, reason, "present", complete, partial, 0, 0, complete * 1000,
                                          0, 0, 0, 0) for subject, reason, complete, partial in counts])

    def planned_server(self, day):
        self.administrator()
        self.server.stop()
        self.sql("".join(self.world_sql(day)))
        self._server = None
        self.admin = self.client().login("quan-tri")

    def wait_for_plan(self, day):
        """The housekeeper begins when the server does; what a busy machine does not do at once comes a minute later."""
        end = time.monotonic() + 200
        while time.monotonic() < end:
            report = self.ask("c1", day, day, by=["screen"], keep=False)
            if len([row for row in report["rows"] if row[2]]) == 2:
                return
            time.sleep(0.2)
        self.fail("the day was not planned")

    def cells(self, report):
        names = [column["name"] for column in report["columns"]]
        at = [names.index(name) for name in ("scheduled", "complete", "shortfall")]
        return {row[1]: [row[i] for i in at] for row in report["rows"]}

    def assertShown(self, day, reasons):
        """In the table of the command line tool, too."""
        user = self.admin.post("/v1/users", {"login": "bao-cao", "name": "Trần Thị Bé", "unit": "c1", "password": PASSWORD}).json
        self.admin.post(f"/v1/users/{user['id']}/grants", {"unit": "c1", "role": "reporter"})
        with open(os.path.join(self.directory, "password"), "w", encoding="utf-8") as file:
            file.write(PASSWORD)

        def bangtin(*arguments):
            return subprocess.run([os.path.join(BUILD, "cli", "bangtin"), *arguments], capture_output=True, text=True, check=True,
                                  timeout=180, cwd=self.directory, env={**os.environ, "XDG_CONFIG_HOME": self.directory}).stdout
        bangtin("login", self.server.origin, "--login", "bao-cao", "--password-file", "password")
        shown = bangtin("report", "--from", day.isoformat(), "--to", day.isoformat(), "--by", "screen")
        for reason, plays in reasons.items():
            self.assertRegex(shown, rf"(?m)^{reason} / .* {plays:,}\s*$".replace(",", "."))

    def test_scheduled_stands_beside_complete_with_reasons(self):
        day = today() - datetime.timedelta(days=1)
        self.planned_server(day)
        self.wait_for_plan(day)
        kept = self.ask("c1", day, day, by=["screen"])["id"]
        report = self.admin.get(f"/v1/reports/{kept}?format=json").json
        # Twelve hours of ten seconds, twelve of thirty.
        self.assertEqual(self.cells(report), {"A": [5760, 5040, 720], "B": [5760, 0, 5760]})
        # A was warned for an hour, and what it showed was taken down for the last two.
        reasons = {"power lost": 20, "not reported": 5760, "taken down": 240, "emergency in force": 120, "not shown": 340}
        self.assertEqual(report["shortfall"], {"scheduled": 11520, "complete": 5040, "missing": 6480, "reasons": [
            {"reason": reason, "plays": plays} for reason, plays in reasons.items()]})
        by_item = self.cells(self.ask("c1", day, day, by=["item"], keep=False))
        self.assertEqual(by_item, {"u.c1.bang/a": [8640, 4000, 4640], "u.c1.bang/b": [2880, 1040, 1840]})
        text = self.admin.get(f"/v1/reports/{kept}?format=csv&separator=,").body.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        heading = next(row for row in rows if "Theo lịch" in row)
        total = next(row for row in rows if row and row[0] == "Tổng cộng")
        self.assertEqual((total[heading.index("Theo lịch")], total[heading.index("Còn thiếu")]), ("11520", "6480"))
        words = {"power lost": "Mất điện", "not reported": "Chưa báo về", "taken down": "Đang có lệnh gỡ",
                 "emergency in force": "Đang phát khẩn cấp", "not shown": "Không phát"}
        at = rows.index(["Theo lịch mà chưa phát trọn vẹn, theo lý do", "Số lượt"])
        self.assertEqual(rows[at + 1:at + 6], [[words[reason], str(plays)] for reason, plays in reasons.items()])
        self.assertEqual(rows[at + 7:at + 9], [["Lượt dở dang, theo lý do", "Số lượt"], ["Mất điện", "20"]])
        self.assertShown(day, {words[reason].lower(): plays for reason, plays in reasons.items()})
        # Days without a plan say nothing of it.
        before = self.ask("c1", day - datetime.timedelta(days=9), day - datetime.timedelta(days=8), by=["screen"], keep=False)
        self.assertEqual(before["shortfall"]["scheduled"], 0)


if __name__ == "__main__":
    main()
