#!/usr/bin/env python3
"""bangtin plays: a journal exported, verified, tampered with, and verified again."""

import csv
import io
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])


def bangtin(*arguments):
    return subprocess.run([BUILD / "cli" / "bangtin", "plays", *map(str, arguments)],
                          capture_output=True, check=False)


class Plays(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.journal = self.folder / "plays.db"
        subprocess.run([BUILD / "tests" / "make_journal", self.journal], check=True)

    def export(self, *arguments):
        done = bangtin("export", "--journal", self.journal, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_json_lines_hold_every_play(self):
        records = [json.loads(line)["record"] for line in self.export().splitlines()]
        plays = [record for record in records if record["kind"] == "play"]
        self.assertEqual([play["item"] for play in plays], ["anh"] * 3)
        self.assertEqual([play["why_ended"] for play in plays], ["schedule", "schedule", "stopped"])

    def test_the_table_opens_in_a_spreadsheet(self):
        table = self.export("--format", "csv")
        self.assertEqual(table[:3], b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig")), delimiter=";"))
        self.assertEqual(len(rows), 1 + 3)
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        commas = self.export("--format", "csv", "--separator", ",").decode("utf-8-sig")
        self.assertEqual(len(next(csv.reader(io.StringIO(commas)))), len(rows[0]))

    def test_the_summary_counts_for_people(self):
        done = bangtin("summary", "--journal", self.journal)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("anh", done.stdout.decode())

    def test_days_bound_the_export(self):
        self.assertEqual(len(self.export("--format", "csv", "--from", "2026-11-21", "--to",
                                         "2026-11-22").splitlines()), 4)
        self.assertEqual(len(self.export("--format", "csv", "--from", "2026-11-22").splitlines()), 1)

    def test_a_whole_journal_verifies(self):
        done = bangtin("verify", "--journal", self.journal)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.decode().splitlines()), 2)
        copy = self.folder / "plays.jsonl"
        copy.write_bytes(self.export())
        self.assertEqual(bangtin("verify", "--export", copy).returncode, 0)

    def test_a_changed_record_does_not(self):
        copy = self.folder / "plays.jsonl"
        copy.write_bytes(self.export().replace(b"stopped", b"schedul"))
        done = bangtin("verify", "--export", copy)
        self.assertEqual(done.returncode, 1)
        self.assertNotEqual(done.stdout, b"")

    def test_a_lost_record_is_missed(self):
        database = sqlite3.connect(self.journal)
        tables = [name for name, in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%seq%'")]
        for table in tables:
            database.execute(f"DELETE FROM {table} WHERE seq = (SELECT max(seq) - 1 FROM {table})")
        database.commit()
        database.close()
        self.assertEqual(bangtin("verify", "--journal", self.journal).returncode, 1)

    def test_what_is_wrong_is_said(self):
        missing = self.folder / "none.db"
        done = bangtin("verify", "--journal", missing)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(missing), done.stderr.decode())
        self.assertFalse(missing.exists())
        for arguments in (["export"], ["verify"], ["summary"], ["export", "--journal", "x", "--format", "xml"],
                          ["count"], [], ["export", "--jurnal", "x"]):
            self.assertEqual(bangtin(*arguments).returncode, 2, arguments)
        self.assertEqual(bangtin("export", "--journal", self.journal, "--from", "hôm qua").returncode,
                         1)
        self.assertEqual(bangtin("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
