#!/usr/bin/env python3
"""The real player, in a window on a real X server: what it shows, records and survives."""

import os
import signal
import subprocess
import time

from player_harness import PLAYER, PlayerCase, free_display_number, main, pixels


class PlayerTest(PlayerCase):
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
        self.assertEqual((clip["presented"], clip.get("dropped", 0)), (25, 0))
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
        player = self.start(publication, environment=self.environment(f":{number}"))
        time.sleep(late_s)
        self.assertIsNone(player.poll())
        self.assertEqual(self.plays(), [])
        display_at_ms = int(time.time() * 1000)
        self.start_display(number)
        self.wait_for(lambda: len(self.plays()) >= 3, player)
        self.stop(player)
        plays = self.plays()
        self.assertTrue(all(p["start_ms"] >= display_at_ms for p in plays))

    def test_kill_9_leaves_a_power_lost_play_and_no_other_loss(self):
        self.campaign.image("anh", "red", 0.5)
        self.campaign.image("hai", "blue", 3600)
        publication = self.campaign.write()
        display = self.start_display()
        player = subprocess.Popen(self.command(publication), env=self.environment(display.name),
                                  stderr=subprocess.DEVNULL)
        self.wait_for(lambda: any(p["item"] == "anh" for p in self.plays()) and "hai" in self.shown_items())
        player.send_signal(signal.SIGKILL)
        player.wait()
        self.play(publication, "--for", "1")
        reasons = [(p["item"], p["why_ended"]) for p in self.plays()]
        self.assertEqual(reasons[0], ("anh", "schedule"))
        self.assertEqual(reasons[1], ("hai", "power lost"))

    def test_render_draws_the_moment(self):
        self.campaign.image("do", "red", 10)
        self.campaign.image("xanh", "blue", 10)
        publication = self.campaign.write()
        for at, colour in (("2026-10-10T19:00:05", (254, 0, 0)), ("2026-10-10T19:00:15", (0, 0, 254))):
            out = os.path.join(self.directory, "moment.png")
            subprocess.run([PLAYER, "render", publication, "--assets", os.path.join(self.directory, "assets"), "--at",
                            at, "--out", out], check=True)
            raw = pixels("-i", out)
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
    main()
