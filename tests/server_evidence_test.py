#!/usr/bin/python3
"""Heads and evidence over HTTP, on both engines: who may have them, and what lies in the file (docs/evidence.md)."""

import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys

from fleet_test import FleetCase
from server_harness import main
from server_plays_test import BEGIN_MS, Journal

DAY = datetime.datetime.fromtimestamp(BEGIN_MS / 1000, datetime.timezone(datetime.timedelta(hours=7))).date()


class EvidenceTest(FleetCase):
    def setUp(self):
        super().setUp()
        self.screen = self.add_screen()
        self.player = self.pair(self.screen)
        self.journal = Journal(self.player)
        self.journal.start()
        for _ in range(20):
            self.journal.play()
        self.batches = [self.journal.batch(1, 11), self.journal.batch(12, 10)]
        for body in self.batches:
            answer = self.player.client.post("/v1/player/plays", body, Content_Type="application/vnd.bangtin.plays")
            self.assertEqual(answer.status, 200, answer)

    def fetch(self, **query):
        query = {"from": DAY.isoformat(), "to": DAY.isoformat(), **query}
        answer = self.admin.get("/v1/plays/evidence?" + "&".join(f"{k}={v}" for k, v in query.items()))
        if answer.status != 200:
            return answer
        lines = subprocess.run(["zstd", "-dcq"], input=answer.body, stdout=subprocess.PIPE, check=True).stdout
        return [json.loads(line) for line in lines.decode().splitlines()]

    def test_the_batches_lie_in_it_as_they_came(self):
        lines = self.fetch(unit="31333")
        self.assertEqual([line["kind"] for line in lines],
                         ["evidence", "metadata", "journal", "batch", "batch", "end"])
        self.assertEqual(lines[0]["units"], ["31333"])
        self.assertEqual((lines[0]["from_day"], lines[0]["until_day"]), (DAY.isoformat(), DAY.isoformat()))
        self.assertEqual(lines[2]["player"], self.player.id)
        self.assertEqual(lines[2]["public_key"], self.player.public_key)
        self.assertEqual((lines[2]["last_seq"], lines[2]["last_hash"]), (21, self.journal.hashes[21]))
        self.assertEqual([base64.b64decode(line["body"]) for line in lines[3:5]], self.batches)
        self.assertEqual(lines[-1]["lines"], len(lines))

    def test_other_days_and_units_have_other_plays(self):
        self.add_unit("31334", "Phường khác")
        self.assertNotIn("batch", [line["kind"] for line in self.fetch(unit="31334")])
        self.assertIn("batch", [line["kind"] for line in self.fetch()])
        # What came since the last heads before belongs to it; without any heads that is everything.
        self.assertIn("batch", [line["kind"] for line in self.fetch(to="2027-01-31")])

    def test_the_seal_is_about_the_frame_and_ranges_are_served(self):
        path = f"/v1/plays/evidence?from={DAY}&to={DAY}"
        answer = self.admin.get(path)
        self.assertEqual(answer.headers["Content-Type"], "application/vnd.bangtin.evidence")
        at = answer.body.rfind(b"\x50\x2a\x4d\x18")
        seal = json.loads(answer.body[at + 8:])
        self.assertEqual(int.from_bytes(answer.body[at + 4:at + 8], "little"), len(answer.body) - at - 8)
        self.assertEqual(seal["signed"], {"_type": "plays-evidence",
                                          "sha256": hashlib.sha256(answer.body[:at]).hexdigest()})
        self.assertEqual([name for name in os.listdir(os.path.join(self.directory, "data")) if "part" in name],
                         ["evidence.part.lock"])

    def test_heads_are_listed(self):
        self.assertEqual(self.admin.get("/v1/plays/heads?from=2026-11-01&to=2026-11-30").json, {"items": []})
        for wrong in ("", "?from=2026-11-01", "?from=x&to=y", "?from=2026-11-02&to=2026-11-01",
                      "?from=2026-01-01&to=2026-12-31"):
            self.assertEqual(self.admin.get("/v1/plays/heads" + wrong).status, 400, wrong)

    def test_what_is_asked_for_wrongly_is_refused(self):
        self.assertProblem(self.fetch(unit="none"), 404, "no-such-unit")
        self.assertProblem(self.fetch(report="r-none"), 404, "not-found")
        self.assertProblem(self.fetch(to="2030-01-01"), 400, "bad-span")
        self.assertProblem(self.fetch(to="tomorrow"), 400, "bad-day")
        self.assertEqual(self.player.client.get(f"/v1/plays/evidence?from={DAY}&to={DAY}").status, 401)


if __name__ == "__main__":
    if subprocess.run(["zstd", "--version"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print("zstd is not installed")
        sys.exit(77)
    main()
