#!/usr/bin/env python3
"""What the schedule asked for, planned by a server at its start, stands in its reports beside what was shown."""

import csv
import datetime
import hashlib
import io
import json
import time

from report_world import ZONE_MS, day_ms, day_number, insert
from server_harness import main
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
        yield from insert("player", [("d-A", "A", "c1", "00", "active", "", "", 0, "", None, 0, 0, "obeys", 0, None)])
        yield from insert("play_journal", [("d-A", "j", "A", "c1", "open", 1, "00", "", "[]", 0, 0, day_ms(day) + 26 * HOUR_MS)],
                          "(player,journal,screen,unit,state,last_seq,last_hash,tally,boots,first_ms,received_ms,known_ms)")
        yield from insert("play_subject", [(number, "u.c1.bang", item, "", "text", "", "unit", "normal")
                                           for number, item in ((1, "a"), (2, "b"))])
        counts = [(1, "schedule", 4000, 0), (1, "power lost", 0, 20), (2, "schedule", 1440, 0)]
        yield from insert("play_daily", [(day_number(day), "A", "c1", subject, reason, "present", complete, partial, 0, 0, complete * 1000,
                                          0, 0, 0, 0) for subject, reason, complete, partial in counts])

    def planned_server(self, day):
        self.administrator()
        self.server.stop()
        self.sql("".join(self.world_sql(day)))
        self._server = None
        self.admin = self.client().login("quan-tri")

    def wait_for_plan(self, day):
        """The housekeeper begins when the server does."""
        end = time.monotonic() + 60
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

    def test_scheduled_stands_beside_complete_with_reasons(self):
        day = today() - datetime.timedelta(days=1)
        self.planned_server(day)
        self.wait_for_plan(day)
        kept = self.ask("c1", day, day, by=["screen"])["id"]
        report = self.admin.get(f"/v1/reports/{kept}?format=json").json
        # Twelve hours of ten seconds, twelve of thirty.
        self.assertEqual(self.cells(report), {"A": [5760, 5440, 320], "B": [5760, 0, 5760]})
        self.assertEqual(report["shortfall"], {"scheduled": 11520, "complete": 5440, "missing": 6080, "reasons": [
            {"reason": "cut short", "plays": 20}, {"reason": "not reported", "plays": 5760}, {"reason": "not shown", "plays": 300}]})
        by_item = self.cells(self.ask("c1", day, day, by=["item"], keep=False))
        self.assertEqual(by_item, {"u.c1.bang/a": [8640, 4000, 4640], "u.c1.bang/b": [2880, 1440, 1440]})
        text = self.admin.get(f"/v1/reports/{kept}?format=csv&separator=,").body.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        heading = next(row for row in rows if "Theo lịch" in row)
        total = next(row for row in rows if row and row[0] == "Tổng cộng")
        self.assertEqual((total[heading.index("Theo lịch")], total[heading.index("Còn thiếu")]), ("11520", "6080"))
        # Days without a plan say nothing of it.
        before = self.ask("c1", day - datetime.timedelta(days=9), day - datetime.timedelta(days=8), by=["screen"], keep=False)
        self.assertEqual(before["shortfall"]["scheduled"], 0)


if __name__ == "__main__":
    main()
