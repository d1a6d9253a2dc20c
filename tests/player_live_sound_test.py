#!/usr/bin/env python3
"""Live streams that are heard: a broadcaster over https, the real player, a display, and a sound card of ours."""

import os
import time

import player_harness
from player_harness import SIZE
from player_live_test import LiveCase
from player_sound_test import Card

LEVEL = 0.3
FREEZE_NS = 3e8


class Heard(LiveCase):
    def beeping(self):
        """The picture stands still for the second half of each second; when it goes on there is a beep."""
        sound = f"{LEVEL}*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.2)"
        return self.segments("beep", 40, "-vf", "select=lt(mod(t\\,1)\\,0.5)", "-fps_mode", "vfr",
                             "-force_key_frames", "expr:gte(t,n_forced)", sound=sound)

    def play_heard(self, publication):
        card = Card(os.path.join(self.directory, "card"))
        environment = dict(self.environment(self.start_display().name), SDL_AUDIODRIVER="disk", SDL_DISKAUDIOFILE=card.path,
                           SDL_DISKAUDIODELAY="0")
        return self.start(publication, *self.streams(), environment=environment), card

    def offsets(self, card):
        """How much later than its picture each beep was heard, in seconds."""
        new = [frame["t_ns"] for frame, shown in self.frames_of("z0") if shown["state"] == "new" and shown["item"] == "tv"]
        flashes = [at for before, at in zip(new, new[1:]) if at - before > FREEZE_NS]
        return [min(((beep - flash) / 1e9 for flash in flashes), key=abs) for beep in card.onsets() if flashes]

    def silence(self, card):
        """Whether the last second, longer than between two beeps, was nothing at all."""
        late = [peak for _, peak in card.heard()[-100:]]
        return len(late) == 100 and max(late) == 0

    def test_beeps_come_with_their_pictures_and_an_outage_is_silence(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.beeping())
        player, card = self.play_heard(self.screen(self.item(server.url("/k/1.m3u8"), volume_percent=100)))
        said = self.say_all(player)
        self.wait_for(lambda: len(self.offsets(card)) >= 4, player)
        # A busy machine delays both.
        offsets = self.offsets(card)
        self.assertLess(min(abs(offset) for offset in offsets), 0.15, offsets)
        paths, server.paths = server.paths, {}
        self.wait_until_said(said, "trying again")
        self.wait_for(lambda: self.silence(card), player)
        shown = self.new_frames("tv")
        since = time.monotonic_ns()
        server.paths = paths
        self.wait_for(lambda: self.new_frames("tv") > shown + 10, player)
        self.wait_for(lambda: any(at > since and peak > 0.1 for at, peak in card.heard()), player)
        player.terminate()
        player.wait(180)
        # Never anything but the beep.
        self.assertLess(max(peak for _, peak in card.heard()), LEVEL)
        self.assertIn("on", [play.get("sound") for play in self.plays() if play["item"] == "tv"])

    def test_by_default_a_stream_is_mute_and_opens_no_device(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.beeping())
        player, card = self.play_heard(self.screen(self.item(server.url("/k/1.m3u8"))))
        self.wait_for(lambda: self.new_frames("tv") >= 20, player)
        self.stop(player)
        self.assertEqual(card.chunks, [])
        card.pulled.set()


if __name__ == "__main__":
    player_harness.main()
