#!/usr/bin/env python3
"""A player's records agree with its plan: the timeline that is counted as scheduled is the one that is shown."""

import json
import os
import subprocess
from collections import Counter

from player_harness import PLAYER, PlayerCase, main

PLAYS = 20


class PlanTest(PlayerCase):
    def planned(self, publication, first, last):
        done = subprocess.run([PLAYER, "plan", publication, "--from", first, "--to", last], capture_output=True, text=True, timeout=180,
                              check=True, env=dict(os.environ))
        return [json.loads(line)["item"] for line in done.stdout.splitlines()]

    def test_records_follow_the_plan(self):
        text = [("a", "x"), ("b", "y"), ("c", "x")]
        items = [{"id": name, "type": "text", "text": name, "seconds": 1, "campaign": campaign} for name, campaign in text]
        publication = self.campaign.write(
            assets=None,
            playlists=[{"name": "p", "items": items}],
            campaigns=[{"id": "x", "name": "X", "weight": 3}, {"id": "y", "name": "Y", "weight": 1}])
        os.makedirs(os.path.join(self.directory, "assets"))
        player = self.start(publication, environment=self.environment(self.start_display().name))
        self.wait_for(lambda: len(self.plays()) >= PLAYS, player)
        self.stop(player)
        shown = [play["item"] for play in self.plays()][:PLAYS]
        # What begins in so many seconds, whenever they are: nothing here depends on the time of day.
        planned = self.planned(publication, "2026-11-16T08:00:00+07:00", f"2026-11-16T08:00:{PLAYS:02}+07:00")
        self.assertEqual(Counter(planned), {"a": 8, "c": 7, "b": 5})
        self.assertEqual(shown, planned)

    def texts(self, text, zone, kind="text", size=40):
        publication = self.campaign.write(
            assets=None, zones=[{"name": "chinh", **zone, "playlist": "p"}], fallback=[{"zone": "chinh", "playlist": "p"}],
            playlists=[{"name": "p", "items": [{"id": "a", "type": kind, "text": text, "seconds": 1, "style": {"size": size}},
                                               {"id": "b", "type": "colour", "colour": "#ff0000"}]}])
        done = subprocess.run([PLAYER, "texts", publication], capture_output=True, text=True, timeout=180, check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(t["item"], t["type"], t["zone"], t["size"]) for t in told], [("a", kind, "chinh", size)], done.stderr)
        return done.returncode, told[0]

    def test_texts_that_do_not_fit_their_zones_are_named(self):
        status, told = self.texts("Nghị quyết", {"width": 320, "height": 100})
        self.assertEqual((status, told["verdict"], told["shown_size"], told["advice_vi"]), (0, "fits", 40, ""))
        status, told = self.texts("Nghị quyết\nsố 57-NQ/TW\nvề chuyển đổi số", {"width": 320, "height": 50})
        self.assertEqual((status, told["verdict"], told["lines_left_out"]), (1, "smaller", 0))
        self.assertIn("viết ngắn lại", told["advice_vi"])
        status, told = self.texts("\n".join("một hai ba bốn"), {"width": 320, "height": 40})
        self.assertEqual((status, told["verdict"], told["shown_size"]), (2, "left-out", 8))

    def test_crawls_that_do_not_fit_their_zones_are_named(self):
        status, told = self.texts("Chào mừng quý khách " * 20, {"width": 320, "height": 60}, "crawl")
        self.assertEqual((status, told["verdict"], told["shown_size"], told["advice_vi"]), (0, "fits", 40, ""))
        status, told = self.texts("Chào mừng\nquý khách", {"width": 320, "height": 40}, "crawl")
        self.assertEqual((status, told["verdict"], told["shown_size"]), (1, "smaller", 16))
        status, told = self.texts("W" * 8192, {"width": 320, "height": 120}, "crawl", 100)
        self.assertEqual((status, told["verdict"]), (2, "left-out"))
        self.assertIn("không chiếu được", told["advice_vi"])


if __name__ == "__main__":
    main()
