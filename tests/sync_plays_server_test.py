#!/usr/bin/env python3
"""Plays come home to the real server, through its kills and the player's: in the end it has counted what the
journal says, each play once."""

import os
import sqlite3
import subprocess

import sync_server_test
from server_harness import main
from wire_house import BUILD, Driver, wait_until

PLAYS = 12000


class PlaysComeHome(sync_server_test.Player):
    def start_player(self, server=None):
        pin = {"pin": self.server.pin} if server and self.server.pin else {}
        return Driver(self.folder, server, retry_s=1, poll_s=1, plays=self.journal, **pin)

    @property
    def journal(self):
        return os.path.join(self.folder, "plays.db")

    def write(self, plays):
        subprocess.run([os.path.join(BUILD, "tests", "make_journal"), self.journal, str(plays)], check=True, timeout=180)

    def last_seq(self):
        with sqlite3.connect(self.journal) as db:
            return db.execute("SELECT max(seq) FROM record").fetchone()[0]

    def query(self, statement):
        if self.database:
            done = subprocess.run(["psql", "--quiet", "-At", self.database, "-c", statement], check=True,
                                  stdout=subprocess.PIPE)
            return int(done.stdout.split()[0])
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
        try:
            return database.execute(statement).fetchone()[0]
        finally:
            database.close()

    def counted_seq(self):
        return self.query("SELECT coalesce(max(last_seq), 0) FROM play_journal")

    def wait_home(self, timeout=180):
        last = self.last_seq()
        wait_until(lambda: self.counted_seq() >= last, timeout)
        self.assertEqual(self.counted_seq(), last)

    def plays(self):
        return self.query("SELECT CAST(coalesce(sum(complete), 0) AS BIGINT) FROM play_daily")

    def again(self):
        """The player is killed, and started again."""
        self.driver.kill()
        self.driver = self.start_player()

    def test_a_journal_comes_home_through_kills_on_both_sides(self):
        self.write(PLAYS)
        self.again()
        wait_until(self.counted_seq)
        self.again()  # in the middle
        self.server.process.kill()
        self.server.stop(expected=-9)
        before = self.counted_seq()
        self._server = self.start()
        self.assertGreaterEqual(self.counted_seq(), before)
        self.wait_home()
        self.assertEqual(self.plays(), PLAYS)
        self.write(5)
        self.again()
        self.wait_home()
        self.assertEqual(self.plays(), PLAYS + 5)
        self.assertEqual(self.query("SELECT count(*) FROM play_loss"), 0)
        self.assertEqual(self.query("SELECT count(*) FROM play_quarantine"), 0)

    def test_a_damaged_journal_and_the_one_after_it_come_home(self):
        self.write(40)
        os.rename(self.journal, self.journal + ".damaged-1")
        self.write(30)
        self.again()
        wait_until(lambda: self.query("SELECT count(*) FROM play_journal") == 2)
        wait_until(lambda: self.plays() == 70)

    def lose_journal(self):
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.journal + suffix):
                os.unlink(self.journal + suffix)

    def knows_a_journal(self):
        state = sqlite3.connect(os.path.join(self.folder, "state.db"), timeout=180)
        try:
            return state.execute("SELECT count(*) FROM value WHERE key = 'first_journal'").fetchone()[0]
        finally:
            state.close()

    def test_a_journal_lost_before_anybody_heard_of_it_is_declared(self):
        self.server.process.kill()
        self.server.stop(expected=-9)
        self.driver.kill()
        self.write(40)
        self.driver = self.start_player()
        wait_until(self.knows_a_journal)
        self.driver.kill()
        self.lose_journal()
        self.write(7)
        self._server = self.start()
        self.driver = self.start_player()
        self.wait_home()
        self.assertEqual(self.plays(), 7)
        gone = "FROM play_loss WHERE cause = 'journal damaged or gone' AND plays = 0"
        self.assertEqual(self.query(f"SELECT count(*) {gone}"), 1)
        self.assertEqual(self.query(f"SELECT count(*) {gone} AND start_ms <= end_ms"), 1)
        # The one after it had a journal before that is known: its end is what is missing.
        self.driver.kill()
        self.lose_journal()
        self.write(3)
        self.driver = self.start_player()
        wait_until(lambda: self.plays() == 10)
        self.assertEqual(self.query("SELECT count(*) FROM play_loss"), 2)
        self.assertEqual(self.query("SELECT count(*) FROM play_loss WHERE cause = 'journal replaced'"), 1)

    def test_a_copied_card_is_counted_no_further(self):
        self.write(10)
        copy = self.journal + ".copy"
        with sqlite3.connect(self.journal) as db, sqlite3.connect(copy) as other:
            db.backup(other)
        self.write(3)
        self.again()
        self.wait_home()
        self.driver.close()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.journal + suffix):
                os.unlink(self.journal + suffix)
        os.rename(copy, self.journal)
        self.write(3)  # other plays under the same numbers
        self.driver = self.start_player()
        wait_until(lambda: any(t["code"] == "plays-forked" for t in
                               (self.status().get("status") or {}).get("troubles", [])))
        self.assertEqual(self.plays(), 13)


if __name__ == "__main__":
    main()
