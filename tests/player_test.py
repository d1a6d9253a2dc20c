#!/usr/bin/env python3
"""The real player, in a window on a real X server: what it shows, records and survives."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

PLAYER = os.path.join(os.environ.get("BT_BUILD_ROOT", "build"), "player", "bangtin-player")


def make_clip(path, seconds, size="320x180", rate=25):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                    f"testsrc2=size={size}:rate={rate}:duration={seconds}", "-c:v", "libx264", "-preset", "ultrafast",
                    "-pix_fmt", "yuv420p", path], check=True)


def make_still(path, colour, size="320x180"):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"color={colour}:size={size}",
                    "-frames:v", "1", path], check=True)


class Display:
    """A private X server."""

    def __init__(self, number=None):
        read_end, write_end = os.pipe()
        command = ["Xvfb"] + ([f":{number}"] if number else []) + [
            "-displayfd", str(write_end), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
        self.process = subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as file:
            self.name = ":" + file.readline().strip()

    def close(self):
        self.process.terminate()
        self.process.wait()


def free_display_number():
    display = Display()
    display.close()
    return int(display.name[1:])


class Campaign:
    """A publication with a store, built in a temporary directory."""

    def __init__(self, directory):
        self.directory = directory
        self.assets = []
        self.items = []

    def store_path(self, sha):
        return os.path.join(self.directory, "assets", sha[:2], sha)

    def asset(self, path, kind, duration_ms=None):
        with open(path, "rb") as file:
            sha = hashlib.sha256(file.read()).hexdigest()
        os.makedirs(os.path.dirname(self.store_path(sha)), exist_ok=True)
        shutil.copy(path, self.store_path(sha))
        entry = {"name": f"a{len(self.assets)}", "sha256": sha, "size": os.path.getsize(path), "type": kind}
        if duration_ms:
            entry["duration_ms"] = duration_ms
        self.assets.append(entry)
        return entry

    def video(self, name, seconds):
        path = os.path.join(self.directory, name + ".mp4")
        make_clip(path, seconds)
        entry = self.asset(path, "video/mp4", int(seconds * 1000))
        self.items.append({"id": name, "type": "video", "asset": entry["name"]})
        return entry

    def image(self, name, colour, seconds):
        path = os.path.join(self.directory, name + ".png")
        make_still(path, colour)
        entry = self.asset(path, "image/png")
        self.items.append({"id": name, "type": "image", "asset": entry["name"], "seconds": seconds})
        return entry

    def write(self, **more):
        publication = {
            "format": 1, "id": "thu", "version": 1, "layer": "unit", "unit": "UBND xã Thử", "title": "Thử",
            "canvas": {"width": 320, "height": 180, "time_zone": "Asia/Ho_Chi_Minh", "background": "#000000"},
            "assets": self.assets, "playlists": [{"name": "p", "items": self.items}],
            "zones": [{"name": "chinh", "x": 0, "y": 0, "width": 320, "height": 180, "playlist": "p"}]}
        publication.update(more)
        path = os.path.join(self.directory, "publication.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(publication, file, ensure_ascii=False)
        return path


class PlayerTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bt-player-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.campaign = Campaign(self.directory)
        self.journal = os.path.join(self.directory, "plays.db")

    def start_display(self, number=None):
        display = Display(number)
        self.addCleanup(display.close)
        return display

    def command(self, publication, *options):
        return [PLAYER, "play", publication, "--assets", os.path.join(self.directory, "assets"), "--plays", self.journal, "--frame-log", os.path.join(self.directory, "frames.jsonl"),
                "--clock", "trusted", "--window", "320x180+0+0", *options]

    def environment(self, display):
        return dict(os.environ, DISPLAY=display, SDL_VIDEODRIVER="x11")

    def play(self, publication, *options):
        display = self.start_display()
        done = subprocess.run(self.command(publication, *options), env=self.environment(display.name), timeout=120,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def frames(self):
        with open(os.path.join(self.directory, "frames.jsonl")) as file:
            return [json.loads(line) for line in file]

    def plays(self):
        """What the journal holds, as the player's own records say it."""
        journal = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=10)
        try:
            rows = journal.execute("SELECT body FROM record ORDER BY seq").fetchall()
        finally:
            journal.close()
        records = [json.loads(row[0]) for row in rows]
        return [record for record in records if record["kind"] == "play"]

    def shown_items(self):
        order = []
        for frame in self.frames():
            for zone in frame["zones"]:
                if not order or order[-1] != zone["item"]:
                    order.append(zone["item"])
        return order

    def test_items_follow_each_other_and_every_frame_is_presented(self):
        self.campaign.video("clip", 1)
        self.campaign.image("anh", "red", 1)
        self.campaign.video("phim", 0.6)
        self.play(self.campaign.write(), "--for", "4")
        order = self.shown_items()
        self.assertEqual(order[:4], ["clip", "anh", "phim", "clip"])
        first_round = []
        for frame in self.frames():
            zone = frame["zones"][0]
            if zone["item"] == "anh":
                break
            if zone["state"] == "new":
                first_round.append(zone["pts_ms"])
        self.assertEqual(first_round, [i * 40 for i in range(25)])

    def test_plays_are_recorded_with_the_frames_presented(self):
        self.campaign.video("clip", 1)
        self.campaign.image("anh", "blue", 1)
        self.play(self.campaign.write(), "--for", "5")
        plays = self.plays()
        complete = [p for p in plays if p["complete"]]
        self.assertGreaterEqual(len(complete), 3)
        clip = next(p for p in plays if p["item"] == "clip")
        self.assertEqual((clip["presented"], clip["dropped"]), (25, 0))
        self.assertEqual(plays[-1]["why_ended"], "stopped")

    def test_a_missing_a_damaged_and_a_broken_item_are_never_seen(self):
        self.campaign.image("tot", "green", 0.6)
        missing = self.campaign.image("mat", "red", 0.6)
        damaged = self.campaign.image("hong", "blue", 0.6)
        broken = self.campaign.video("vo", 1)
        os.remove(self.campaign.store_path(missing["sha256"]))
        with open(self.campaign.store_path(damaged["sha256"]), "r+b") as file:
            file.seek(30)
            file.write(b"\0\0\0\0")
        # A file that is what its hash says, and no clip all the same.
        text = os.path.join(self.directory, "text.mp4")
        with open(text, "w") as file:
            file.write("không phải phim\n" * 100)
        entry = self.campaign.asset(text, "video/mp4", 1000)
        self.campaign.items[-1]["asset"] = entry["name"]
        self.assertNotEqual(entry["sha256"], broken["sha256"])
        said = self.play(self.campaign.write(), "--for", "3")
        self.assertEqual(set(self.shown_items()), {"tot"})
        self.assertIn("mat", said)
        self.assertIn("hong", said)
        self.assertIn("vo", said)

    def test_the_safe_card_comes_when_nothing_is_left(self):
        missing = self.campaign.image("mat", "red", 1)
        os.remove(self.campaign.store_path(missing["sha256"]))
        self.play(self.campaign.write(), "--for", "2")
        self.assertEqual(set(self.shown_items()), {"safe-card"})

    def test_a_display_that_comes_late_is_waited_for_and_nothing_is_recorded_before(self):
        late_s = 20 if os.environ.get("BT_LONG") else 3
        number = free_display_number()
        self.campaign.image("anh", "red", 0.5)
        publication = self.campaign.write()
        player = subprocess.Popen(self.command(publication, "--for", "2"), env=self.environment(f":{number}"),
                                  stderr=subprocess.PIPE, text=True)
        time.sleep(late_s)
        self.assertIsNone(player.poll())
        self.assertEqual(self.plays(), [])
        display_at_ms = int(time.time() * 1000)
        self.start_display(number)
        _, said = player.communicate(timeout=60)
        self.assertEqual(player.returncode, 0, said)
        plays = self.plays()
        self.assertGreaterEqual(len(plays), 3)
        self.assertTrue(all(p["start_ms"] >= display_at_ms for p in plays))

    def test_kill_9_leaves_a_power_lost_play_and_no_other_loss(self):
        self.campaign.image("anh", "red", 0.5)
        self.campaign.image("hai", "blue", 3600)
        publication = self.campaign.write()
        display = self.start_display()
        player = subprocess.Popen(self.command(publication), env=self.environment(display.name),
                                  stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(p["item"] == "anh" for p in self.plays_if_any()):
            time.sleep(0.2)
        player.send_signal(signal.SIGKILL)
        player.wait()
        self.play(publication, "--for", "1")
        reasons = [(p["item"], p["why_ended"]) for p in self.plays()]
        self.assertEqual(reasons[0], ("anh", "schedule"))
        self.assertEqual(reasons[1], ("hai", "power lost"))

    def plays_if_any(self):
        try:
            return self.plays()
        except sqlite3.OperationalError:
            return []  # not there yet

    def test_render_draws_the_moment(self):
        self.campaign.image("do", "red", 10)
        self.campaign.image("xanh", "blue", 10)
        publication = self.campaign.write()
        for at, colour in (("2026-10-10T19:00:05", (254, 0, 0)), ("2026-10-10T19:00:15", (0, 0, 254))):
            out = os.path.join(self.directory, "moment.png")
            subprocess.run([PLAYER, "render", publication, "--assets", os.path.join(self.directory, "assets"), "--at",
                            at, "--out", out], check=True)
            raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", out, "-f", "rawvideo", "-pix_fmt",
                                  "rgb24", "-"], check=True, capture_output=True).stdout
            self.assertEqual(len(raw), 320 * 180 * 3)
            for channel in range(3):
                self.assertAlmostEqual(raw[channel], colour[channel], delta=3)

    def test_bad_command_lines_are_explained(self):
        for command in (["play"], ["play", "x.json"], ["render", "x.json"], ["nonsense"], ["play", "--window", "9"]):
            done = subprocess.run([PLAYER, *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, command)
            self.assertIn("bangtin-player", done.stderr)
        done = subprocess.run([PLAYER, "play", "/nonexistent.json", "--assets", self.directory], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.json", done.stderr)


if __name__ == "__main__":
    for tool in ("Xvfb", "ffmpeg"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed")
            sys.exit(77)
    unittest.main(verbosity=2)
