#!/usr/bin/env python3
"""bangtin new: somebody's own folder becomes a publication that the player accepts."""

import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

if shutil.which("ffmpeg") is None:
    print("needs ffmpeg")
    sys.exit(77)

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])


def bangtin(*arguments, cwd=None):
    return subprocess.run([BUILD / "cli" / "bangtin", "new", *map(str, arguments)], cwd=cwd,
                          capture_output=True, text=True, check=False)


def make(path, source, *options):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, *options,
                    f"file:{path}"], check=True)


def make_still(path, colour="teal"):
    make(path, f"color={colour}:size=320x180", "-frames:v", "1")


def make_clip(path):
    make(path, "testsrc2=size=320x180:rate=25:duration=2", "-pix_fmt", "yuv420p")


class New(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "quảng trường"
        self.mine = self.folder / "của tôi"
        self.mine.mkdir()

    def read(self):
        return json.loads((self.out / "publication.json").read_text(encoding="utf-8"))

    def items(self):
        return self.read()["playlists"][0]["items"]

    def test_a_folder_plays(self):
        make_still(self.mine / "10 Ảnh bìa.png")
        make_still(self.mine / "2 thẻ.jpg", "navy")
        make_clip(self.mine / "phóng sự.mp4")
        (self.mine / "ghi chú.txt").write_text("không phải ảnh", encoding="utf-8")
        whole = (self.mine / "2 thẻ.jpg").read_bytes()
        (self.mine / "hỏng.jpg").write_bytes(whole[:len(whole) // 2])
        done = bangtin(self.out, self.mine)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(item["id"], item["type"], item.get("seconds")) for item in self.items()],
                         [("2-the", "image", 10), ("10-anh-bia", "image", 10),
                          ("phong-su", "video", None)])
        for name in ("ghi chú.txt", "hỏng.jpg"):
            line = next(line for line in done.stdout.splitlines() if name in line)
            self.assertIn("bỏ qua", line)
        clip = self.read()["assets"][2]
        self.assertEqual((clip["duration_ms"], clip["width"], clip["height"], clip["type"]),
                         (2000, 320, 180, "video/mp4"))
        for asset in self.read()["assets"]:
            stored = self.out / "assets" / asset["sha256"][:2] / asset["sha256"]
            content = stored.read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), asset["sha256"])
            self.assertEqual(len(content), asset["size"])
        self.check_goodbye(done.stdout)

    def check_goodbye(self, text):
        """The command at the end can be copied: its paths exist."""
        line = next(line for line in text.splitlines() if " play " in line)
        words = shlex.split(line)
        self.assertEqual(words[2], str(self.out / "publication.json"))
        self.assertEqual(words[words.index("--assets") + 1], str(self.out / "assets"))
        count = next(line for line in text.splitlines() if " summary " in line)
        self.assertEqual(shlex.split(count)[0], str(BUILD / "cli" / "bangtin"))
        player = BUILD / "player" / "bangtin-player"
        if player.exists():
            self.assertEqual(words[0], str(player))
            plan = subprocess.run([player, "plan", words[2], "--from", "2026-11-21T08:00", "--to",
                                   "2026-11-21T08:01"], capture_output=True, text=True, check=False)
            self.assertEqual(plan.returncode, 0, plan.stderr)
            self.assertIn("phong-su", plan.stdout)

    def test_a_second_time_needs_replace(self):
        make_still(self.mine / "a.png")
        self.assertEqual(bangtin(self.out, self.mine).returncode, 0)
        again = bangtin(self.out, self.mine)
        self.assertEqual(again.returncode, 1)
        self.assertIn("--replace", again.stderr)
        self.assertEqual(self.read()["version"], 1)
        self.assertEqual(bangtin("--replace", "--seconds", 4, "--canvas", "960x480", "--title",
                                 "Cổng chào", self.out, self.mine).returncode, 0)
        publication = self.read()
        self.assertEqual((publication["version"], publication["title"]), (2, "Cổng chào"))
        self.assertEqual(publication["canvas"]["width"], 960)
        self.assertEqual(self.items()[0]["seconds"], 4)

    def test_odd_names(self):
        make_still(self.mine / "-a.png")
        make_still(self.mine / "x\n'y.png", "red")
        make_still(self.mine / "-a.jpg", "green")
        done = bangtin(self.out, "--", "-a.png", "x\n'y.png", "-a.jpg", cwd=self.mine)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([item["id"] for item in self.items()], ["a", "x-y", "a-2"])

    def test_nothing_usable_writes_nothing(self):
        (self.mine / "a.txt").write_text("a", encoding="utf-8")
        done = bangtin(self.out, self.mine)
        self.assertEqual(done.returncode, 1)
        self.assertFalse((self.out / "publication.json").exists())
        missing = bangtin(self.out, self.folder / "không có")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("không có", missing.stderr)

    def test_wrong_arguments_are_explained(self):
        for arguments in ([], [self.out], [self.out, "a.png", "--canvas", "wide"],
                          [self.out, "a.png", "--seconds", "0"], [self.out, "--bad", "a.png"]):
            done = bangtin(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("--help", done.stderr)
        self.assertEqual(bangtin("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
