#!/usr/bin/env python3
"""What the real player's picture does from refresh to refresh: clips, crawls, fades, animations."""

import os
import subprocess

from player_harness import HEIGHT, PLAYER, WIDTH, PlayerCase, ffmpeg, main, make_still, pixels, time_text


class PictureTest(PlayerCase):
    def new_slots(self, zone):
        return [(frame["slot"], shown["pts_ms"]) for frame, shown in self.frames_of(zone) if shown["state"] == "new"]

    def test_every_frame_of_a_clip_at_the_refresh_rate_has_its_refresh(self):
        self.campaign.video("nhanh", 2, rate=50)
        self.play(self.campaign.write(), "--refresh", "50", "--for", "5")
        first = self.new_slots("chinh")[:200]
        self.assertEqual([pts for _, pts in first], [i % 100 * 20 for i in range(200)])
        complete = [p["presented"] for p in self.plays() if p["complete"]]
        self.assertEqual(complete[:2], [100, 100])

    def test_a_crawl_beside_a_clock_and_a_clip_moves_on_every_refresh(self):
        self.campaign.video("phim", 1)
        items = {"p": self.campaign.take_items(),
                 "c": [{"id": "chu", "type": "crawl", "text": "Chuyển đổi số", "speed": 2, "style": {"size": 20}}],
                 "d": [{"id": "gio", "type": "clock", "pattern": "%H:%M:%S", "style": {"size": 20}}]}
        publication = self.campaign.write(
            playlists=[{"name": name, "items": list_} for name, list_ in items.items()],
            zones=[{"name": "chinh", "width": WIDTH, "height": 120, "playlist": "p"},
                   {"name": "chay", "y": 120, "width": 240, "height": 60, "playlist": "c"},
                   {"name": "gio", "x": 240, "y": 120, "width": 80, "height": 60, "playlist": "d"}])
        self.play(publication, "--refresh", "50", "--for", "4")
        slots = [slot for slot, _ in self.new_slots("chay")]
        # A refresh that a busy machine missed is a pause; it is never made up for with a second step.
        steps = [after - before for before, after in zip(slots, slots[1:])]
        self.assertGreater(min(steps), 0)
        self.assertGreater(steps.count(1), len(steps) * 0.9)
        self.assertGreater(len(slots), 100)
        seconds = [frame["t_ns"] for frame, shown in self.frames_of("gio") if shown["state"] == "new"]
        self.assertGreaterEqual(len(seconds), 4)
        self.assertEqual({p["item"] for p in self.plays()}, {"phim", "chu", "gio"})

    def test_animations_move_and_repeat(self):
        for name, kind, *options in (("gif", "image/gif"), ("apng", "image/png"), ("webp", "image/webp", "-lossless", "1")):
            with self.subTest(name):
                self.setUp()
                path = self.campaign.path("dong." + name)
                ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=0.5", *options, "-f", name, path)
                self.campaign.file("dong", path, kind, seconds=60)
                player = self.start(self.campaign.write())
                self.wait_for(lambda: len(self.new_slots("chinh")) >= 12, player)
                self.stop(player)
                self.assertEqual([pts for _, pts in self.new_slots("chinh")][:12], [i * 100 for i in range(12)])

    def test_a_still_after_a_clip_fades_in(self):
        self.campaign.video("phim", 2, source="color=red:")
        self.campaign.image("anh", "blue", 60, transition={"type": "crossfade", "ms": 5000})
        display = self.start_display()
        player = self.start(self.campaign.write(), "--refresh", "50", environment=self.environment(display.name))
        seen = []

        def half_way():
            middle = display.pixels()[(HEIGHT // 2 * WIDTH + WIDTH // 2) * 3:][:3]
            seen.append(tuple(middle))
            return 60 < middle[0] < 200 and 60 < middle[2] < 200

        self.wait_for(half_way, player)
        red, green, blue = seen[-1]
        self.assertAlmostEqual(red + blue, 254, delta=12, msg=seen)
        self.assertLess(green, 10)
        self.stop(player)
        self.assertEqual([p["item"] for p in self.plays()], ["phim", "anh"])

    def test_the_window_shows_what_render_draws(self):
        path = self.campaign.path("mau.png")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=500x333", "-frames:v", "1", path)
        self.campaign.file("mau", path, "image/png", seconds=3600)
        still = self.campaign.take_items()
        text = [{"id": "chu", "type": "text", "text": "Nghị quyết số 57", "seconds": 3600, "style": {"size": 24}}]
        publication = self.campaign.write(
            playlists=[{"name": "p", "items": still}, {"name": "t", "items": text}],
            zones=[{"name": "chinh", "width": WIDTH, "height": 130, "playlist": "p"},
                   {"name": "chu", "y": 130, "width": WIDTH, "height": 50, "playlist": "t"}])
        out = self.campaign.path("moment.png")
        subprocess.run([PLAYER, "render", publication, "--assets", os.path.join(self.directory, "assets"), "--at",
                        time_text(0), "--out", out], check=True)
        drawn = pixels("-i", out)
        display = self.start_display()
        player = self.start(publication, environment=self.environment(display.name))
        self.wait_for(lambda: len(self.frames_of("chu")) > 0 and len(self.frames_of("chinh")) > 0, player)
        shown = display.pixels()
        self.stop(player)
        self.assertGreater(len(set(drawn)), 100)
        self.assertLessEqual(max(abs(a - b) for a, b in zip(drawn, shown)), 2)

    def render(self, publication, seconds):
        out = self.campaign.path("moment.png")
        at = f"2026-11-21T00:00:{seconds:06.3f}Z"
        subprocess.run([PLAYER, "render", publication, "--assets", os.path.join(self.directory, "assets"),
                        "--anchor", "2026-11-21T00:00:00Z", "--at", at, "--out", out], check=True)
        return pixels("-i", out)

    def test_render_draws_the_middle_of_a_transition(self):
        red, blue = (254, 0, 0), (0, 0, 254)
        for transition, left, right in (({"type": "push"}, red, blue),
                                        ({"type": "slide", "towards": "right"}, blue, red),
                                        ({"type": "wipe", "towards": "left"}, red, blue),
                                        ({"type": "fade", "colour": "#00ff00"}, (0, 255, 0), (0, 255, 0)),
                                        ({"type": "crossfade"}, (127, 0, 127), (127, 0, 127))):
            with self.subTest(transition["type"]):
                self.setUp()
                self.campaign.image("do", "red", 10)
                self.campaign.image("xanh", "blue", 10, transition={**transition, "ms": 1000})
                publication = self.campaign.write()
                for seconds, wanted in ((10, (red, red)), (10.5, (left, right)), (11, (blue, blue))):
                    picture = self.render(publication, seconds)
                    for x, colour in zip((WIDTH // 4, WIDTH * 3 // 4), wanted):
                        at = (HEIGHT // 2 * WIDTH + x) * 3
                        for found, level in zip(picture[at:at + 3], colour):
                            self.assertAlmostEqual(found, level, delta=3, msg=(seconds, x))

    def test_a_still_that_moves_ends_as_its_part_in_full(self):
        path, part = self.campaign.path("mau.png"), self.campaign.path("goc.png")
        ffmpeg("-f", "lavfi", "-i", f"color=size={WIDTH * 2}x{HEIGHT * 2},format=rgb24,geq=r='X*255/W':g='Y*255/H':b='255-X*255/W'",
               "-frames:v", "1", path)
        ffmpeg("-i", path, "-vf", f"crop={WIDTH}:{HEIGHT}:{WIDTH}:{HEIGHT}", part)
        motion = {"from": {"x": 0.5, "y": 0.5, "zoom": 1}, "to": {"x": 0.75, "y": 0.75, "zoom": 2}}
        self.campaign.file("mau", path, "image/png", seconds=10, motion=motion)
        self.campaign.image("sau", "red", 10, transition={"type": "wipe", "ms": 1000})
        publication = self.campaign.write()
        last, first, wanted = self.render(publication, 9.999), self.render(publication, 0), pixels("-i", part)
        self.assertGreater(max(abs(a - b) for a, b in zip(first, wanted)), 30)
        self.assertLessEqual(max(abs(a - b) for a, b in zip(last, wanted)), 3)


if __name__ == "__main__":
    main()
