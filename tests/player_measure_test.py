#!/usr/bin/env python3
"""bangtin-player measure, on a private X server and with a /sys and /proc of its own: what it counts is what was presented."""

import json
import os
import subprocess
import unittest

from player_harness import PLAYER, SIZE, PlayerCase, main


class MeasureTest(PlayerCase):
    def setUp(self):
        super().setUp()
        self.root = os.path.join(self.directory, "root")
        self.campaign.items = [{"id": "chay", "type": "crawl", "text": "Bảng tin", "speed": 2}]
        self.publication = self.campaign.write(assets=None)
        os.makedirs(os.path.join(self.directory, "assets"))

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def measure(self, seconds=3):
        result = os.path.join(self.directory, "result.json")
        command = [PLAYER, "measure", self.publication, "--assets", os.path.join(self.directory, "assets"), "--json", result,
                   "--frame-log", self.frame_log, "--clock", "trusted", "--window", f"{SIZE}+0+0", "--refresh", "50",
                   "--for", str(seconds)]
        environment = dict(self.environment(self.start_display().name), BT_SYS_ROOT=self.root)
        done = subprocess.run(command, env=environment, timeout=180, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(result, encoding="utf-8") as file:
            return json.load(file), done.stdout

    def test_it_counts_what_was_presented(self):
        result, said = self.measure()
        frames = self.frames()
        self.assertEqual(result["presents"], len(frames))
        self.assertEqual(result["evidence"], "present")  # Xvfb has no refreshes
        self.assertIsNone(result["refreshes"])
        seconds = (frames[-1]["t_ns"] - frames[0]["t_ns"]) / 1e9
        self.assertAlmostEqual(result["seconds"], seconds, delta=0.06)
        self.assertAlmostEqual(result["presents_per_s"], (len(frames) - 1) / seconds, delta=0.06)
        between = sorted(b["t_ns"] - a["t_ns"] for a, b in zip(frames, frames[1:]))
        self.assertAlmostEqual(result["interval_median_ms"], between[len(between) // 2] / 1e6, delta=1)
        self.assertAlmostEqual(result["interval_longest_ms"], between[-1] / 1e6, delta=0.06)
        self.assertEqual((result["backend"], result["width"], result["height"]), ("soft", 320, 180))
        self.assertIn("số lần hiện / presents", said)

    def test_what_the_board_says_is_told(self):
        self.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
        self.put("proc/meminfo", "MemTotal:        3884360 kB\nCmaTotal:         524288 kB\nCmaFree:          31744 kB\n")
        self.put("sys/class/thermal/thermal_zone0/temp", "81234\n")
        self.put("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
        result, said = self.measure()
        self.assertEqual(result["model"], "Raspberry Pi 4 Model B Rev 1.5")
        self.assertEqual((result["celsius"], result["celsius_max"]), (81, 81))
        self.assertEqual((result["cma_total_mib"], result["cma_free_min_mib"]), (512, 31))
        self.assertGreaterEqual(result["throttled_s"], 1)
        self.assertEqual(result["throttled_s"], result["low_power_s"])
        self.assertIn("Raspberry Pi 4", said)

    def test_what_is_not_known_is_said_so(self):
        self.campaign.items = [{"id": "chu", "type": "text", "text": "Đứng yên", "seconds": 60}]
        self.publication = self.campaign.write(assets=None)
        result, said = self.measure(seconds=1)
        for name in ("model", "celsius", "celsius_max", "throttled_s", "low_power_s", "cma_total_mib", "cma_free_min_mib",
                     "refreshes", "refreshes_without", "renderer"):
            self.assertIsNone(result[name], name)
        self.assertIn(" -  ", said)


if __name__ == "__main__":
    main()
