#!/usr/bin/env python3
"""Every real clip and picture we have: its verdict, and what is seen of it beside FFmpeg's own picture. BT_LONG=1: also the
long ones."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(os.environ.get("BT_BUILD_ROOT", "build"))
MEDIA = os.environ.get("BT_MEDIA", "")
PLAYER = os.path.join(BUILD, "player", "bangtin-player")
SHOW_FRAMES = os.path.join(BUILD, "tests", "show_frames")
VERDICTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "media_verdicts.txt")
LONG = os.environ.get("BT_LONG") == "1"
SHORT_S = 3
LEAST_DB = 40


def verdicts():
    with open(VERDICTS, encoding="utf-8") as file:
        return [line.split() for line in file if line.strip() and not line.startswith("#")]


def probe(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def picture_stream(facts):
    streams = [s for s in facts["streams"] if s["codec_type"] == "video" and not s["disposition"].get("attached_pic")]
    return max(streams, key=lambda s: (s["disposition"]["default"], s.get("width", 0) * s.get("height", 0), -s["index"]))


def matrix_of(path, stream):
    """What the decoder says of its frames; some containers say nothing."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", str(stream["index"]), "-read_intervals", "%+#1", "-show_entries",
                           "frame=color_space", "-of", "json", path], capture_output=True, text=True, check=True)
    frames = json.loads(done.stdout).get("frames", [])
    return frames[0].get("color_space", "unknown") if frames else "unknown"


def is_short(path):
    try:
        duration = float(probe(path)["format"].get("duration", SHORT_S + 1))
    except (subprocess.CalledProcessError, KeyError):
        return True  # refused soon
    return duration <= SHORT_S


def reference(path, numbers, size):
    """FFmpeg's own frames, with the conversion docs/media.md states."""
    stream = picture_stream(probe(path))
    unmarked = matrix_of(path, stream) in ("unknown", "reserved", "gbr")
    matrix = "" if not unmarked else ":in_color_matrix=" + ("bt601" if stream["height"] <= 576 else "bt709")
    chosen = "+".join(f"eq(n\\,{n})" for n in numbers)
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{stream['index']}", "-fps_mode", "passthrough", "-vf",
                           f"select={chosen},scale=flags=accurate_rnd+neighbor{matrix},format=bgra", "-f", "rawvideo", "-"],
                          capture_output=True, check=False)
    frame = size[0] * size[1] * 4
    return [done.stdout[i:i + frame] for i in range(0, len(done.stdout), frame)]


def decibels(one, other):
    step = max(1, len(one) // 400000)  # a sample of the pixels will do
    pairs = [(one[i + c], other[i + c]) for i in range(0, len(one), 4 * step) for c in range(3)]
    error = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    return 99 if error == 0 else 10 * math.log10(255 ** 2 / error)


class CorpusTest(unittest.TestCase):
    def test_each_file_has_its_verdict(self):
        wanted = {name: verdict for name, verdict in verdicts() if os.path.exists(os.path.join(MEDIA, name))}
        done = subprocess.run([PLAYER, "check", "--", *wanted], capture_output=True, text=True, cwd=MEDIA, timeout=500, check=False)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([one["file"] for one in said], list(wanted))
        for one in said:
            with self.subTest(one["file"]):
                self.assertEqual(one["verdict"], wanted[one["file"]], one["detail"])
                self.assertTrue(one["advice_vi"] and one["advice_en"] or one["verdict"] == "plays")

    def test_what_is_seen_is_what_ffmpeg_sees(self):
        for name, wanted in verdicts():
            path = os.path.join(MEDIA, name)
            # What is shown of HDR is no simple conversion; media/tone_test.c has its numbers.
            plays = name.startswith("video/") and not re.match("refused|.*:hdr", wanted) and os.path.exists(path)
            if not plays or not (LONG or is_short(path)):
                continue
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="bt-corpus-") as directory:
                out = os.path.join(directory, "frame")
                done = subprocess.run([SHOW_FRAMES, path, out], capture_output=True, text=True, timeout=600, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                width, height, frames, middle = map(int, done.stdout.split())
                numbers = sorted({0, middle, frames - 1} if frames > 1 else {0})
                others = reference(path, numbers, (width, height))
                self.assertEqual(len(others), len(numbers), f"{width}x{height}, {frames} frames")
                for number, other in zip(numbers, others):
                    index = 0 if number == 0 else 2 if number == frames - 1 else 1
                    with open(f"{out}.{index}", "rb") as file:
                        ours = file.read()
                    self.assertEqual(len(ours), len(other))
                    self.assertGreaterEqual(decibels(ours, other), LEAST_DB,
                                            f"frame {number} of {frames}")


if __name__ == "__main__":
    if not os.path.isdir(os.path.join(MEDIA, "video")):
        print("there are no real clips here")
        sys.exit(77)
    unittest.main(verbosity=2)
