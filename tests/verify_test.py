#!/usr/bin/env python3
"""An inspector with the root in their hand, and a server that they do not trust: a report is made, its evidence is
fetched, and `bangtin verify` says what holds, on every kind of file, before and after somebody changed something."""

import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import bangtin_server_test
import parts
from server_harness import PostgreSQL, engines
from server_plays_test import Journal
from steady import PATIENCE_S, hold_port

DAY_MS = 86400000
VIET_NAM = datetime.timezone(datetime.timedelta(hours=7))


class Key:
    """The player's key, as the journal wants to use it."""

    def __init__(self, player):
        self.player = player

    def sign(self, bytes_):
        return bytes.fromhex(self.player.sign(bytes_.decode()))


class VerifyTest(bangtin_server_test.Walk):
    # Its tests are another file's.
    locals().update({name: None for name in dir(bangtin_server_test.Walk) if name.startswith("test_")})

    def setUp(self):
        if "kept" not in vars(type(self)):
            self.make()
        self.begin()

    @classmethod
    def tearDownClass(cls):
        if "kept" in vars(cls):
            cls.kept.cleanup()
            cls.port.close()

    def make(self):
        """What every test begins with a copy of: made once for the class, by some thirty commands."""
        self.use_database()
        super().setUp()
        self.prepare()
        self.bangtin("screen", "sign", self.screen, "--carry", "u/31333/quang-truong", "--key", "ky-thuat.json", "--yes")
        self.player = self.pair()
        self.player.key_object = Key(self.player)
        (self.dir / "root.json").write_bytes(urllib.request.urlopen(self.url + "/tuf/metadata/1.root.json").read())
        # Three days ago, so that the day is over whenever the test runs.
        today = datetime.datetime.now(VIET_NAM).replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnight_ms = int(today.timestamp() * 1000) - 3 * DAY_MS
        self.day = datetime.datetime.fromtimestamp(self.midnight_ms / 1000, VIET_NAM).date().isoformat()
        self.play()
        self.start_again()
        self.stop()
        cls = type(self)
        cls.port = hold_port(int(self.url.rpartition(":")[2]))  # whoever is logged in is so at this address
        cls.kept = tempfile.TemporaryDirectory()
        shutil.copytree(self.dir, cls.kept.name, dirs_exist_ok=True)
        cls.made = {name: getattr(self, name) for name in ("url", "screen", "day", "where")}

    def begin(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        shutil.copytree(self.kept.name, self.dir, dirs_exist_ok=True)
        vars(self).update(self.made, env={**os.environ, "XDG_CONFIG_HOME": str(self.dir / "config")})
        self.copy_database()
        self.log = open(self.dir / "server.log", "a", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.listen()
        self.addCleanup(self.stop)
        self.wait_until(self.is_up, "the server does not come up")

    def bangtin(self, *arguments, fails=False):
        """Who pairs has the technician's key: what is signed then names the player's."""
        more = ("--key", "ky-thuat.json", "--yes") if arguments[0] == "pair" else ()
        return super().bangtin(*arguments, *more, fails=fails)

    def play(self):
        """40 plays, of which 36 are complete, in two batches."""
        class Sender:
            id, key = self.player.id, self.player.key_object
        journal = Journal(Sender)
        journal.add("start", journal=journal.name, player="0.2", start_ms=self.midnight_ms, mono_ms=0, clock="synced",
                    recovered=0)
        for i in range(40):
            at = 1000 + i * 10000
            journal.add("play", item="the-1", type="image", zone="main", publication="p-1", version=1, layer="unit",
                        priority="normal", campaign="cds-10-10", run=i, why_started="schedule", why_ended="schedule",
                        start_ms=self.midnight_ms + at, end_ms=self.midnight_ms + at + 10000, mono_ms=at,
                        clock="synced", planned_ms=10000, shown_ms=10000, presented=1, repeated=5, dropped=0,
                        complete=i % 10 != 0, evidence="present")
        for first, count in ((1, 21), (22, 20)):
            request = urllib.request.Request(
                self.url + "/v1/player/plays", method="POST", data=journal.batch(first, count),
                headers={"Content-Type": "application/vnd.bangtin.plays", "Authorization": "Bearer " + self.player.token})
            with urllib.request.urlopen(request, timeout=180) as answer:
                self.assertEqual(json.load(answer)["last"], first + count - 1)

    def start_again(self):
        """The heads of the day are made when the server wakes."""
        self.player.stopped.set()
        self.stop()
        self.listen()
        self.wait_until(lambda: self.sql("SELECT COUNT(*) FROM play_heads") == 1 and self.is_up(), "no heads were made")

    def listen(self):
        self.server = subprocess.Popen([bangtin_server_test.SERVER, "--data", self.dir / "data", "--listen",
                                        self.url.removeprefix("http://"), *self.options], stdout=self.log, stderr=subprocess.STDOUT)

    def wait_until(self, question, what):
        deadline = time.monotonic() + PATIENCE_S
        while not question():
            self.assertIsNone(self.server.poll())
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def is_up(self):
        try:
            return urllib.request.urlopen(self.url + "/readyz", timeout=5).status == 200
        except OSError:
            return False

    def sql(self, statement, *values):
        database = sqlite3.connect(self.dir / "data" / "bangtin.db", timeout=180)
        try:
            with database:
                row = database.execute(statement, values).fetchone()
            return row[0] if row else None
        finally:
            database.close()

    def use_database(self):
        """On SQLite the server's own."""
        self.where = None

    def copy_database(self):
        """On SQLite a file among the others."""

    def report(self, ending="csv", by="screen,campaign"):
        name = f"bao-cao.{ending}"
        self.bangtin("report", "--unit", "92", "--from", self.day, "--to", self.day, "--by", by, "--output", name)
        return name, self.sql("SELECT id FROM report ORDER BY created_ms DESC, id LIMIT 1")

    def evidence(self, *what):
        (self.dir / "e.btx").unlink(missing_ok=True)
        self.bangtin("evidence", "e.btx", *what)

    def verify(self, *more, fails=False):
        done = subprocess.run([os.environ["BT_BUILD_ROOT"] + "/cli/bangtin", "verify", "e.btx", "--root", "root.json",
                               "--json", *more], cwd=self.dir, capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 1 if fails else 0, done.stdout + done.stderr)
        self.verdict = json.loads(done.stdout)
        self.assertEqual(self.verdict["holds"], not fails)
        return {finding["code"]: finding["vi"] for finding in self.verdict["findings"]}

    def test_a_report_holds_and_the_one_altered_number_is_named(self):
        name, report = self.report()
        self.evidence("--for-report", report)
        found = self.verify("--report", name)
        self.assertEqual(self.verdict["complete"], 36)
        self.assertEqual(self.verdict["records"], 41)
        self.assertEqual(self.verdict["heads"], 1)
        self.assertIn("keys", found, "the technician named the player's key")
        self.assertIn("file", found)
        self.assertIn("report", found)
        # One number of one cell, by whoever passes the file on.
        text = (self.dir / name).read_bytes().decode("utf-8-sig")
        lines = text.split("\r\n")
        column = [cell.strip('"') for cell in lines[0].split(";")].index("Trọn vẹn")
        cells = lines[1].split(";")
        self.assertEqual(cells[column], "36")
        cells[column] = "1235"
        lines[1] = ";".join(cells)
        (self.dir / "sua.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8", newline="")
        found = self.verify("--report", "sua.csv", fails=True)
        self.assertEqual(found["file-cell"], "dòng 2, cột Trọn vẹn: báo cáo 1.235, đếm lại 36")
        shown = subprocess.run([os.environ["BT_BUILD_ROOT"] + "/cli/bangtin", "verify", "e.btx", "--root", "root.json",
                                "--report", "sua.csv"], cwd=self.dir, capture_output=True, text=True, check=False)
        self.assertEqual(shown.returncode, 1)
        self.assertIn("KHÔNG ĐÚNG", shown.stdout)
        self.assertIn("báo cáo 1.235, đếm lại 36", shown.stdout)
        # The fingerprint is the one that the report bears.
        fingerprint = re.search(r"\n  ([0-9a-f]{64})\n", shown.stdout).group(1)
        self.assertIn(fingerprint, text)

    def plan(self, *rows, made_ms=0):
        for item, campaign, planned in rows:
            self.sql("INSERT INTO plan_daily (day, screen, unit, publication, item, campaign, priority, planned) "
                     "VALUES (?, ?, '31333', 'p-1', ?, ?, 'normal', ?)",
                     datetime.date.fromisoformat(self.day).toordinal() - 719163, self.screen, item, campaign, planned)
        self.sql("INSERT INTO plan_done (screen, day, inputs, made_ms) VALUES (?, ?, 'x', ?)", self.screen,
                 datetime.date.fromisoformat(self.day).toordinal() - 719163, made_ms)

    def test_what_was_scheduled_follows_from_the_plan_of_each_day(self):
        self.plan(("the-1", "cds-10-10", 45), ("khac", "", 7))
        name, report = self.report()
        self.evidence("--for-report", report)
        found = self.verify("--report", name)
        self.assertIn("lời của máy chủ", found["plan-by-server"])
        # One number of the kept report, by whoever has the database.
        document = self.sql("SELECT document FROM report WHERE id = ?", report)
        self.assertIn(",45,36,4,", document)
        self.sql("UPDATE report SET document = ? WHERE id = ?", document.replace(",45,36,4,", ",40,36,4,"), report)
        self.evidence("--for-report", report)
        found = self.verify(fails=True)
        self.assertIn("cột Theo lịch: báo cáo 40, đếm lại 45", found["report-cell"])
        self.sql("UPDATE report SET document = ? WHERE id = ?", document, report)
        # By item, by unit and day: what was planned and never shown has its row.
        for by in ("item", "unit,day", "campaign", "reason"):
            name, report = self.report("json", by)
            self.evidence("--for-report", report)
            self.verify("--report", name)
        # A plan that was made after the report is not what it says.
        self.sql("UPDATE plan_done SET made_ms = 4000000000000")
        self.evidence("--for-report", report)
        self.assertIn("plan-later", self.verify())

    def test_every_kind_of_file_and_of_rows(self):
        for ending, by in (("xlsx", "item"), ("json", "unit,day"), ("csv", "hour,priority"), ("csv", "reason,evidence,month")):
            name, report = self.report(ending, by)
            self.evidence("--for-report", report)
            self.assertIn("file", self.verify("--report", name))
        path = self.dir / name
        path.write_bytes(path.read_bytes() + b" ")
        self.verify("--report", name, fails=True)

    def test_what_the_server_changes_in_its_database_is_found(self):
        _, report = self.report()
        document = self.sql("SELECT document FROM report WHERE id = ?", report)
        self.assertIn(",36,4,", document)
        self.sql("UPDATE report SET document = ? WHERE id = ?", document.replace(",36,4,", ",37,4,"), report)
        self.evidence("--for-report", report)
        self.assertIn("báo cáo 37, đếm lại 36", self.verify(fails=True)["report-cell"])
        # A day without a report: numbers are counted, and it holds.
        days = ("--from", self.day, "--to", self.day, "--unit", "92")
        self.evidence(*days)
        self.verify()
        body = bytearray(self.sql("SELECT body FROM play_batch WHERE first_seq = 1"))
        body[len(body) // 2] ^= 1
        self.sql("UPDATE play_batch SET body = ? WHERE first_seq = 1", bytes(body))
        self.evidence(*days)
        self.assertIn("batch-malformed", self.verify(fails=True))
        self.sql("DELETE FROM play_batch WHERE first_seq = 22")
        self.evidence(*days)
        self.assertIn("records-missing", self.verify(fails=True))
        self.sql("DELETE FROM play_batch")
        self.evidence(*days)
        self.assertIn("journal-missing", self.verify(fails=True))

    def test_without_its_technicians_a_server_invents_no_player(self):
        days = ("--from", self.day, "--to", self.day, "--unit", "92")
        self.sql("UPDATE player SET public_key = ?", "ab" * 32)
        self.evidence(*days)
        found = self.verify(fails=True)
        self.assertIn("player-unknown", found)
        self.assertIn("batch-signature", found)

    def test_only_reporters_fetch_it(self):
        self.bangtin("evidence", "x.btx", "--from", self.day, "--to", self.day, "--unit", "nowhere", fails=True)
        self.bangtin("evidence", "x.btx", "--for-report", "r-none", fails=True)
        self.bangtin("evidence", "x.btx", fails=True)
        self.bangtin("evidence", "x.btx", "--from", "2026-01-01", "--to", "2027-12-31", fails=True)
        self.assertFalse((self.dir / "x.btx").exists())
        self.bangtin("logout")
        self.bangtin("evidence", "x.btx", "--from", self.day, "--to", self.day, "--server", self.url, fails=True)


class OnPostgreSQL(VerifyTest):
    def use_database(self):
        self.where = PostgreSQL.get().new_database()
        self.options = ("--database", self.where)

    def copy_database(self):
        self.where = PostgreSQL.get().new_database(self.where.rpartition("dbname=")[2])
        self.options = ("--database", self.where)

    @classmethod
    def tearDownClass(cls):
        PostgreSQL.stop()
        super().tearDownClass()

    @staticmethod
    def literal(value):
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'"
        return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"

    def sql(self, statement, *values):
        parts = statement.split("?")
        text = parts[0] + "".join(self.literal(value) + part for value, part in zip(values, parts[1:]))
        done = subprocess.run(["psql", "--quiet", "-At", "-v", "ON_ERROR_STOP=1", self.where], input=text + ";",
                              capture_output=True, text=True, check=True)
        said = done.stdout.removesuffix("\n")
        if said.startswith("\\x"):
            return bytes.fromhex(said[2:])
        return int(said) if said.isdigit() else said


if "postgresql" not in engines():
    del OnPostgreSQL

if __name__ == "__main__":
    if subprocess.run(["zstd", "--version"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print("zstd is not installed")
        sys.exit(77)
    parts.main()
