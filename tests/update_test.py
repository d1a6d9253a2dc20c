#!/usr/bin/env python3
"""A new version from the province's signature to the screen and back: announced with `bangtin software` at a real
server, fetched from it, installed by the real bangtin-update, which restarts what stands for the player here: a
program that says its frames as a player does. The trial's every step is cut off in update/trial_test.c."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

import bangtin_software_test

if shutil.which("dpkg-deb") is None:
    print("needs dpkg-deb")
    sys.exit(77)

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])
PLATFORM = bangtin_software_test.PLATFORM

# Says its frames five times a second: of 600 that were due, so many were missing.
PLAYER = """#!/bin/sh
n=0
while :; do
    n=$((n + 600))
    printf '{"start":%d,"presented":%d,"due":%d,"missing":%d}' $$ $n $n $((n * MISSING / 600)) > "$1/frames.next"
    mv "$1/frames.next" "$1/frames.json"
    echo VERSION > "$1/version"
    sleep 0.2
done
"""

# What systemd does: the old process ends, the new one is there when this returns.
RESTART = """#!/bin/sh
cd DIR
kill "$(cat run/pid 2> /dev/null)" 2> /dev/null
rm -f run/frames.json run/version
program=./state/current/usr/bin/bangtin-player
[ -x $program ] || program=./installed
$program run > /dev/null 2>&1 &
echo $! > run/pid
until [ -e run/version ]; do sleep 0.05; done
"""


class Update(bangtin_software_test.Software):
    def program(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def settle(self):
        """The installed version runs."""
        self.prepare()
        self.update = self.dir / "player" / "update"
        self.metadata = self.dir / "player" / "metadata"
        for folder in (self.update, self.metadata, self.dir / "run"):
            folder.mkdir(parents=True)
        self.program(self.dir / "installed", PLAYER.replace("MISSING", "0").replace("VERSION", "installed"))
        self.program(self.dir / "restart", RESTART.replace("DIR", str(self.dir)))
        subprocess.run([self.dir / "restart"], check=True)
        self.addCleanup(lambda: os.kill(int((self.dir / "run" / "pid").read_text()), signal.SIGTERM))

    def package(self, version, missing):
        tree = self.dir / f"tree-{version}"
        self.program(tree / "usr/bin/bangtin-player", PLAYER.replace("MISSING", str(missing)).replace("VERSION", version))
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            f"Package: bangtin-player\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.vn>\n"
            "Description: for a test\n", encoding="utf-8")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, self.dir / f"{version}.deb"],
                       check=True, capture_output=True)

    def announce(self, version, missing, platform=PLATFORM):
        self.package(version, missing)
        self.bangtin("software", "add", f"{version}.deb", "--version", version, "--platform", platform, "--repository",
                     "kho", "--key", "tinh.json")

    def save(self, role, version):
        status, text = self.fetch(f"/tuf/metadata/{version}{role}.json")
        self.assertEqual(status, 200)
        (self.metadata / f"{role.lstrip('.')}.json").write_bytes(text)
        return json.loads(text)["signed"]

    def hand_over(self, version):
        """What a player has verified and saved, and the package."""
        self.save(".root", 1)
        timestamp = self.save("timestamp", "")
        snapshot = self.save(".snapshot", timestamp["meta"]["snapshot.json"]["version"])
        targets = self.save(".targets", snapshot["meta"]["targets.json"]["version"])
        named = targets["targets"]["software.json"]["hashes"]["sha256"]
        text = self.fetch(f"/tuf/targets/{named}.software.json")[1]
        (self.update / "software.json").write_bytes(text)
        release = [each for each in json.loads(text)["releases"] if each["version"] == version][0]
        status, package = self.fetch(f"/blobs/{release['sha256']}")
        self.assertEqual((status, hashlib.sha256(package).hexdigest()), (200, release["sha256"]))
        (self.update / "goi.deb").write_bytes(package)
        (self.update / "offer.json").write_text(json.dumps({"version": version, "file": "goi.deb"}))

    def install(self, fails=False):
        done = subprocess.run(
            [BUILD / "update" / "bangtin-update", "--platform", PLATFORM, "--installed", "0.1.0", "--state",
             self.dir / "state", "--player", self.dir / "player", "--frames", self.dir / "run", "--watch", "2",
             "--restart", self.dir / "restart"], capture_output=True, text=True, check=False, timeout=600)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stderr

    def running(self):
        return (self.dir / "run" / "version").read_text().strip()

    def record(self):
        return json.loads((self.dir / "state" / "record.json").read_text())

    def test_worse_goes_back_by_itself_and_better_stays(self):
        self.settle()
        self.assertEqual(self.running(), "installed")
        self.announce("0.2.0", missing=60)
        self.hand_over("0.2.0")
        self.install()
        self.assertEqual(self.running(), "installed")
        self.assertEqual((self.record()["outcome"], self.record()["bad"]), ("missing-frames", ["0.2.0"]))
        self.assertIn("played worse before", self.install(fails=True))
        self.announce("0.2.1", missing=0)
        self.hand_over("0.2.1")
        self.install()
        self.assertEqual((self.running(), self.record()["outcome"]), ("0.2.1", "kept"))
        # An older one, signed as it is; another platform's; and other bytes.
        self.announce("0.1.9", missing=0)
        self.hand_over("0.1.9")
        self.assertIn("not above the one that runs", self.install(fails=True))
        self.announce("0.3.0", missing=0, platform="debian-12-amd64")
        self.hand_over("0.3.0")
        self.assertIn("Nobody signed version 0.3.0", self.install(fails=True))
        self.announce("0.2.2", missing=0)
        self.hand_over("0.2.2")
        (self.update / "goi.deb").write_bytes((self.dir / "0.3.0.deb").read_bytes())
        self.assertIn("not the one that was signed", self.install(fails=True))
        self.assertEqual(self.running(), "0.2.1")


# Of announcing only its means are wanted here.
for inherited in unittest.defaultTestLoader.getTestCaseNames(bangtin_software_test.Software):
    setattr(Update, inherited, None)

if __name__ == "__main__":
    unittest.main()
