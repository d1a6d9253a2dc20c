#!/usr/bin/env python3
"""The server burns and comes back from its backup while a real player goes on: it shows what it has, comes to the restored
server by itself, takes what is published there, and every play it has made is counted once."""

import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from player_harness import make_still
from player_server_test import SERVER, UNIT, House, Window
from steady import PATIENCE_S


class BackupTest(House):
    def query(self, path, statement):
        try:
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=180)
            try:
                return database.execute(statement).fetchone()[0]
            finally:
                database.close()
        except sqlite3.OperationalError:
            return None

    def made(self, last=2**62):
        """Plays in the player's own journal, up to a record."""
        return self.query(self.path("mot", "plays.db"),
                          f"SELECT count(*) FROM record WHERE seq <= {last} AND json_extract(body, '$.kind') = 'play'")

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def counted(self):
        return self.query(self.path("server", "bangtin.db"), "SELECT coalesce(sum(complete + partial), 0) FROM play_daily")

    def here(self, statement):
        return self.query(self.path("server", "bangtin.db"), statement)

    def held(self, window, role):
        found = glob.glob(self.path(window.name, "**", role + ".json"), recursive=True)
        with open(found[0], encoding="utf-8") as file:
            return json.load(file)["signed"]["version"]

    def run_server(self, *arguments):
        done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def stop(self, process, how=signal.SIGTERM):
        process.send_signal(how)
        process.wait(180)

    def send_plays(self, window):
        """A player that starts sends what it has; returns how many plays it had made."""
        self.stop(window.process)
        made = self.made()
        window.start()
        self.wait_for(lambda: (self.counted() or 0) >= made, window)
        return made

    def test_a_player_goes_on_with_the_restored_server(self):
        make_still(self.path("do.png"), "red")
        red, red_list = self.upload(self.path("do.png"), seconds=1)
        blue, blue_list = self.picture("xanh.png", "blue")
        self.publish("bang", "an", playlist=red_list)
        window = Window(self, "mot", "+0+0")
        self.pair(window, self.new_screen("mot"))
        window.wait_item(red)
        self.wait_for(lambda: self.made() > 2, window)
        before = self.send_plays(window)
        self.run_server("backup", "--data", self.path("server"), "--to", self.path("kept"))
        after = self.counted()  # the player goes on meanwhile
        # What is signed and counted now is lost with the server.
        self.publish("bang", "an", playlist=blue_list)
        window.wait_item(blue)
        self.assertGreater(self.send_plays(window), after)
        self.bangtin("key", "enrol", "u-" + UNIT, self.path("truc-ban.pub.json"), "--repository", self.path("kho"), "--key",
                     self.key("tinh"))
        self.wait_for(lambda: self.held(window, "targets") == self.here("SELECT max(version) FROM tuf_metadata WHERE role = "
                                                                        "'targets'"), window)
        self.assertCountedOnce()
        self.stop(self.server, signal.SIGKILL)
        shutil.rmtree(self.path("server"))
        self.run_server("restore", "--from", self.path("kept"), "--data", self.path("server"))
        self.assertTrue(before <= self.counted() <= after, (before, self.counted(), after))
        self.assertCountedOnce()
        self.start_server()
        self.wait_for(lambda: self.server_said(r"(?s)ready.*ready"))
        # The player refuses to go back, shows what was signed, and gives the server what it has lost.
        said = self.wait_for(lambda: f"given 'u-{UNIT}' back" in window.said() and window.said(), window)
        self.assertIn("given 'snapshot' back", said)
        self.wait_for(lambda: "given 'targets' back" in window.said(), window)
        self.assertEqual(window.shown()[-1][1], blue)
        self.assertEqual(self.here("SELECT max(version) FROM tuf_metadata WHERE role = 'u-31333'"), 2)
        self.assertEqual(self.here("SELECT count(*) FROM tuf_seen"), 0)
        self.assertEqual(self.here("SELECT state || version FROM publication WHERE role = 'u-31333' ORDER BY version DESC"),
                         "published2")
        # What is signed next follows it, and comes at once.
        self.bangtin("login", self.url, "--login", "an", "--password-file", self.path("password"))
        after_ns = time.monotonic_ns()
        self.publish("bang", "an", playlist=red_list)
        window.wait_item(red, after_ns=after_ns)
        self.send_plays(window)
        self.stop(window.process)
        self.assertCountedOnce()

    def assertCountedOnce(self):
        """What is counted is what the player has made, up to the record the server has."""
        both = self.query(self.path("server", "bangtin.db"), "SELECT last_seq || ' ' || (SELECT sum(complete + partial) FROM "
                          "play_daily) FROM play_journal")
        last, counted = both.split()
        self.assertEqual(int(counted), self.made(last))


if __name__ == "__main__":
    unittest.main()
