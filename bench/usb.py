#!/usr/bin/env python3
"""What a USB stick costs the picture, and what pulling it does.

A real server, a real player in a window that has no network any more and plays a clip over and over, a bundle made by the
command line on a file system in a file. The stick is a loop device, mounted as bangtin-usb@.service mounts it. Said: how long the
import took, and of the time before (the player's own floor) and of the import: presents that showed nothing, frames that stood
for more than one and a half of their time, the longest of them; then how often the player showed old, new or anything else over
pulls at random bytes: the file under the loop device is cut while it is read. Needs root.

  bench/usb.py BUILD_DIR [--mib 4096] [--pulls 100] [--quiet-s 120]
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))

PARSER = argparse.ArgumentParser()
PARSER.add_argument("build")
PARSER.add_argument("--mib", type=int, default=4096, help="of the bundle")
PARSER.add_argument("--pulls", type=int, default=100)
PARSER.add_argument("--seed", type=int, default=1)
PARSER.add_argument("--quiet-s", type=int, default=20, help="how long the floor is measured")
OPTIONS = PARSER.parse_args()
os.environ["BT_BUILD_ROOT"] = os.path.abspath(OPTIONS.build)
os.environ.setdefault("BT_SOURCE_ROOT", ROOT)

from player_harness import make_clip  # noqa: E402
from usb_test import Pulled, UsbHouse  # noqa: E402

PART_MIB = 12  # of one asset
HELD_NS = 60_000_000  # one and a half frames of the clip


class Bench(UsbHouse):
    def run_command(self, *command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def make_stick(self):
        """A bundle of so many MiB on a file system in a file."""
        parts = max(OPTIONS.mib // PART_MIB, 1)
        media = []
        for number in range(parts):
            path = self.path(f"phan-{number}.png")
            Pulled.big_picture(path, 2000)
            media.append(self.bangtin("upload", path, "--unit", "31333", as_json=True)["media"])
            os.remove(path)
        playlist = self.bangtin("playlist", "new", "moi", *media, "--unit", "31333", "--seconds", "2", as_json=True)["id"]
        self.publish("bang", "an", playlist=playlist)
        image, mount = self.path("usb.img"), self.path("mount")
        os.makedirs(mount)
        with open(image, "wb") as file:
            file.truncate((OPTIONS.mib + OPTIONS.mib // 8 + 128) << 20)
        self.run_command("mkfs.ext4", "-q", "-m", "0", image)
        self.run_command("mount", "-o", "loop", image, mount)
        try:
            self.bangtin("bundle", "--unit", "31333", "--to", mount)
        finally:
            self.run_command("umount", mount)
        return image, set(media)

    def mount(self, image):
        self.sticks += 1
        place = os.path.join(self.path("usb"), f"s{self.sticks}")
        os.makedirs(place)
        self.run_command("mount", "-o", "loop,ro,nosuid,noexec,nodev", image, place)
        self.addCleanup(subprocess.run, ["umount", "-l", place], stderr=subprocess.DEVNULL)
        with open(place + ".go", "w", encoding="utf-8"):
            pass
        return place

    def gaps(self, from_ns, until_ns):
        """What the frame log says of that time, in words."""
        shown = [entry for entry in self.kiosk.shown() if from_ns <= entry[0] <= until_ns]
        times = [entry[0] for entry in shown]
        gaps = sorted(b - a for a, b in zip(times, times[1:])) or [0]
        return (f"{(until_ns - from_ns) / 1e9:.1f} s: {len(shown)} presents, of nothing {sum(entry[1] is None for entry in shown)}, "
                f"held {sum(gap > HELD_NS for gap in gaps)}, p99.9 {gaps[len(gaps) * 999 // 1000] / 1e6:.1f} ms, "
                f"longest {gaps[-1] / 1e6:.1f} ms")

    def begin_anew(self, clip):
        """The player as it was before it saw the stick."""
        self.kiosk.kill()
        shutil.rmtree(self.path("mot"), ignore_errors=True)
        shutil.copytree(self.path("old"), self.path("mot"))
        os.remove(self.kiosk.frame_log)
        self.kiosk.start()
        self.kiosk.wait_item(clip)

    def pull_once(self, clip, image, chance):
        """Cuts the file under the loop device when so many bytes have come; what is on after that."""
        copy = self.path("pulled.img")
        shutil.copyfile(image, copy)
        store = os.path.join(self.path("mot"), "assets")
        wanted = self.bytes_in(store) + chance.randrange(OPTIONS.mib << 20)
        place = self.mount(copy)
        while self.bytes_in(store) < wanted and not os.path.exists(place + ".back/done"):
            time.sleep(0.02)
        os.truncate(copy, chance.randrange(os.path.getsize(copy)))
        with open("/proc/sys/vm/drop_caches", "w", encoding="utf-8") as file:
            file.write("1\n")
        self.finish(place)
        subprocess.run(["umount", "-l", place], check=False)
        shown = [item for _, item, _ in self.kiosk.shown()]
        return set(shown[shown.index(clip):]), shown[-1]

    def test_costs_and_pulls(self):
        make_clip(self.path("clip.mp4"), 10)
        clip, clips = self.upload(self.path("clip.mp4"), seconds=10)
        self.publish("bang", "an", playlist=clips)
        self.kiosk.wait_item(clip)
        self.kiosk.kill()
        image, new = self.make_stick()
        self.cut_the_line()
        shutil.copytree(self.path("mot"), self.path("old"))
        print("the stick is made", flush=True)
        self.begin_anew(clip)
        quiet_ns = time.monotonic_ns()
        time.sleep(OPTIONS.quiet_s)
        print("before:", self.gaps(quiet_ns, time.monotonic_ns()), flush=True)
        begun_ns = time.monotonic_ns()
        place = self.mount(image)
        self.finish(place, seconds=3600)
        done_ns = time.monotonic_ns()
        print("import:", self.gaps(begun_ns, done_ns), flush=True)
        self.wait_for(lambda: self.kiosk.shown()[-1][1] in new, self.kiosk)
        subprocess.run(["umount", "-l", place], check=False)
        chance = random.Random(OPTIONS.seed)
        seen = {"old": 0, "new": 0, "else": 0}
        for _ in range(OPTIONS.pulls):
            self.begin_anew(clip)
            all_shown, now = self.pull_once(clip, image, chance)
            seen["old" if now == clip else "new" if now in new else "else"] += 1
            self.assertLessEqual(all_shown, {clip, *new})
        print(f"pulls: {OPTIONS.pulls}, on after them: {seen}", flush=True)
        self.assertEqual(seen["else"], 0)

    @staticmethod
    def bytes_in(directory):
        total = 0
        for folder, _, names in os.walk(directory):
            for name in names:
                try:
                    total += os.path.getsize(os.path.join(folder, name))
                except FileNotFoundError:
                    pass
        return total


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", "Bench"])
