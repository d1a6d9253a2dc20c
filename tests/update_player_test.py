#!/usr/bin/env python3
"""Updates with the real player: a real server announces, the player in its window fetches and hands over, the real bangtin-update
installs, watches, keeps or goes back; what became of it is read at the server. The player's later versions are builds of this very
tree, one of which presents each picture a second late (tests/held_presents.c). BT_WATCH_S=600 watches as long as machines do, with the
figures in docs/software.md."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import player_harness
import player_server_test
from player_harness import SIZE, make_clip
from player_server_test import BUILD, House

SOURCE = os.environ["BT_SOURCE_ROOT"]
INSTALLER = os.path.join(BUILD, "update", "bangtin-update")
PLATFORM = "debian-13-arm64"
WATCH_S = os.environ.get("BT_WATCH_S")  # None: as short as it can be

# What systemd does: it is started again whenever it ends.
SUPERVISOR = """#!/bin/sh
cd DIR
while [ ! -e over ]; do
    LAUNCHER run COMMAND >> mot.log 2>&1 &
    echo $! > pid.next && mv pid.next pid
    wait $!
done
"""

# `systemctl restart` of a Type=notify unit: returns once the new process has presented; here, too, once something was due.
RESTART = """#!/bin/sh
cd DIR
old=$(cat pid)
rm -f mot/frames.json
kill "$old"
while [ "$(cat pid)" = "$old" ] || ! grep -q "$(cat wanted)" mot/frames.json 2> /dev/null; do
    sleep 0.05
done
"""


class Paired:
    """Stands for player_server_test's Window: the log of a player that is started elsewhere."""

    def __init__(self, house):
        self.house = house

    said = player_server_test.Window.said
    shown = player_server_test.Window.shown
    wait_item = player_server_test.Window.wait_item

    @property
    def log(self):
        return self.house.path("mot.log")

    @property
    def frame_log(self):
        return self.house.path("mot.jsonl")

    def poll(self):
        return None


class UpdateTest(House):
    def setUp(self):
        super().setUp()
        for program in ("dpkg-deb", "strip"):
            if shutil.which(program) is None:
                self.skipTest(f"needs {program}")

    def script(self, name, text):
        command = (f"--data mot --server {self.url} --clock trusted --window {SIZE}+0+0 --frame-log mot.jsonl --platform {PLATFORM} "
                   "--installer state")
        text = text.replace("DIR", self.directory).replace("COMMAND", command)
        path = self.write_file(name, text.replace("LAUNCHER", os.path.join(SOURCE, "deploy/update/bangtin-player-current")))
        os.chmod(path, 0o755)
        return path

    def start_player(self):
        self.write_file("mot.log", "")
        self.script("restart", RESTART)
        environment = dict(self.environment(self.display.name), BANGTIN_PLAYER=os.path.join(BUILD, "player", "bangtin-player"),
                           BANGTIN_UPDATE_STATE=self.path("state"), BANGTIN_INSTALLED="0.1.0")
        self.supervisor = subprocess.Popen([self.script("supervisor", SUPERVISOR)], env=environment)
        self.addCleanup(self.end_player)

    def end_player(self):
        self.write_file("over", "")
        with open(self.path("pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        self.supervisor.wait()

    def announce(self, version, build, *more):
        tree = self.path("tree-" + version)
        os.makedirs(os.path.join(tree, "usr/bin"))
        os.makedirs(os.path.join(tree, "DEBIAN"))
        subprocess.run(["strip", "-o", os.path.join(tree, "usr/bin/bangtin-player"), os.path.join(BUILD, "player", build)], check=True)
        with open(os.path.join(tree, "DEBIAN/control"), "w", encoding="utf-8") as file:
            file.write(f"Package: bangtin-player\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.vn>\n"
                       "Description: for a test\n")
        package = self.path(version + ".deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, package], check=True, capture_output=True)
        self.bangtin("software", "add", package, "--version", version, "--platform", PLATFORM, "--hours", "00:00-24:00", "--repository",
                     self.path("kho"), "--key", self.key("tinh"), *more)

    def offered(self):
        try:
            with open(self.path("mot/update/offer.json"), encoding="utf-8") as file:
                return json.load(file)["version"]
        except FileNotFoundError:
            return None

    def install(self, version, watch_s, wanted):
        """What bangtin-update.path does once the offer is there."""
        self.wait_for(lambda: self.offered() == version)
        self.write_file("wanted", wanted)
        done = subprocess.run([INSTALLER, "--platform", PLATFORM, "--installed", "0.1.0", "--state", self.path("state"), "--player",
                               self.path("mot"), "--frames", self.path("mot"), "--watch", WATCH_S or str(watch_s), "--restart",
                               self.path("restart")], capture_output=True, text=True, check=False, timeout=1800)
        self.assertEqual(done.returncode, 0, done.stderr + self.logs())
        return done.stderr

    def record(self):
        with open(self.path("state/record.json"), encoding="utf-8") as file:
            return json.load(file)

    def reported(self, screen, version, last, outcome):
        """At the server: what runs, and what became of what was tried."""
        def look():
            status = self.bangtin("status", screen, as_json=True)["status"] or {}
            update = status.get("update", {})
            return (status.get("version"), update.get("last"), update.get("outcome")) == (version, last, outcome)
        self.wait_for(look)

    def test_one_that_plays_well_stays_and_one_that_drops_frames_goes_back_and_the_server_knows(self):
        red, reds = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=reds)
        self.start_player()
        window, screen = Paired(self), self.new_screen("mot")
        self.pair(window, screen)
        window.wait_item(red)
        # To this screen first; nothing moves, so nothing can be missed on a busy machine.
        self.announce("0.2.0", "next-player", "--screen", screen)
        began = time.monotonic()
        self.install("0.2.0", 3, '"presented":[1-9]')
        kept = time.monotonic()
        self.assertEqual((self.record()["outcome"], self.record()["version"]), ("kept", "0.2.0"))
        self.reported(screen, "0.2.0", "0.2.0", "kept")
        print(f"kept after {kept - began:.0f} s, reported after {time.monotonic() - began:.0f} s")
        self.assertTrue(self.wait_for(lambda: self.offered() is None))
        make_clip(self.path("clip.mp4"), 20)
        clip, clips = self.upload(self.path("clip.mp4"))
        self.publish("bang", "an", playlist=clips)
        window.wait_item(clip, after_ns=time.monotonic_ns())
        self.announce("0.3.0", "worse-player")
        began = time.monotonic()
        self.install("0.3.0", 12, '"due":[1-9]')
        self.assertEqual((self.record()["outcome"], self.record()["bad"]), ("missing-frames", ["0.3.0"]))
        self.assertEqual(os.readlink(self.path("state/current")), "versions/0.2.0")
        back = time.monotonic()
        self.reported(screen, "0.2.0", "0.3.0", "missing-frames")
        print(f"back after {back - began:.0f} s, reported after {time.monotonic() - began:.0f} s")
        self.assertIn("0.3.0", self.bangtin("status", screen))
        window.wait_item(clip, after_ns=time.monotonic_ns())
        # It is never tried again, whoever offers it.
        self.assertTrue(self.wait_for(lambda: self.offered() is None))


if __name__ == "__main__":
    if os.environ.get("BT_LONG") != "1" and WATCH_S is None:
        print("only with BT_LONG=1 (./check --long), or BT_WATCH_S=600")
        raise SystemExit(77)
    player_harness.main()
