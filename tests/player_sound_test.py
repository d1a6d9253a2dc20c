#!/usr/bin/env python3
"""What the player lets be heard. SDL's disk driver writes samples into a pipe; the other end is a sound card of ours, which
takes them at its own pace and knows at which instant each was heard, can be slow, hang, and be pulled out."""

import array
import fcntl
import math
import os
import select
import threading
import time
import unittest

import player_harness
from player_harness import SIZE, ffmpeg

RATE = 48000
FRAME_BYTES = 8
CHUNK = 480
F_SETPIPE_SZ = 1031


def make_beeps(path, seconds, tone=1000, period=1.0, level=0.5):
    """A clip that beeps for 50 ms half a second after each whole period."""
    sound = f"aevalsrc={level}*sin(2*PI*{tone}*t)*between(mod(t\\,{period})\\,0.5\\,0.55):s=48000:d={seconds}"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate=25:duration={seconds}", "-f", "lavfi", "-i", sound, "-c:v",
           "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k", path)


def make_tone(path, seconds, tone, level=0.3):
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate=25:duration={seconds}", "-f", "lavfi", "-i",
           f"aevalsrc={level}*sin(2*PI*{tone}*t):s=48000:d={seconds}", "-c:v", "libx264", "-preset", "ultrafast",
           "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k", path)


def amplitude(samples, tone):
    turn = 2 * math.pi * tone / RATE
    real = sum(value * math.cos(turn * i) for i, value in enumerate(samples))
    imaginary = sum(value * math.sin(turn * i) for i, value in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


class Card(threading.Thread):
    """A sound card at the other end of a pipe, whose clock is `drift` off."""

    def __init__(self, path, drift=0.0):
        super().__init__(daemon=True)
        self.path = path
        self.chunk_ns = CHUNK / RATE / (1 + drift) * 1e9
        self.chunks = []  # (instant at which its first sample is heard, samples of the left channel)
        self.hangs = threading.Event()
        self.pulled = threading.Event()
        if not os.path.exists(path):
            os.mkfifo(path)
        self.pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.pipe, F_SETPIPE_SZ, 4096)
        self.start()

    def run(self):
        with open(self.pipe, "rb", buffering=0) as pipe:
            select.select([pipe], [], [])  # somebody writes
            os.set_blocking(self.pipe, True)
            due = None
            while not self.pulled.is_set():
                data = self.read(pipe)
                if data is None:
                    return
                now = time.monotonic_ns()
                # A card that was given nothing in time goes on when it is; one that was not woken catches up.
                due = now if due is None or now - due > 30e6 else due
                self.chunks.append((due, array.array("f", data)[::2]))
                due += self.chunk_ns
                time.sleep(max(due - time.monotonic_ns(), 0) / 1e9)
                while self.hangs.is_set() and not self.pulled.is_set():
                    time.sleep(0.01)

    def read(self, pipe):
        data = b""
        while len(data) < CHUNK * FRAME_BYTES:
            more = pipe.read(CHUNK * FRAME_BYTES - len(data))
            if not more and (self.chunks or self.pulled.is_set()):
                return None
            if not more:
                time.sleep(0.01)  # nobody has opened it yet
            data += more
        return data

    def heard(self):
        """(instant, loudest sample) of each hundredth of a second."""
        return [(at, max(abs(value) for value in samples)) for at, samples in list(self.chunks)]

    def onsets(self, quiet=0.004):
        """The instants at which something begins to be heard after a tenth of a second of silence."""
        found, silent = [], CHUNK * 10
        for at, samples in list(self.chunks):
            for i, value in enumerate(samples):
                if abs(value) > quiet:
                    if silent >= CHUNK * 10:
                        found.append(at + i / CHUNK * self.chunk_ns)
                    silent = 0
                else:
                    silent += 1
        return found

    def level(self, tone, since=0, until=math.inf):
        """The amplitude of one tone: the median over twentieths of a second, since it is played a little faster or slower."""
        chunks = [chunk for at, chunk in list(self.chunks) if since <= at <= until]
        found = sorted(amplitude(sum(chunks[i:i + 5], array.array("f")), tone) for i in range(0, len(chunks) - 5, 5))
        return found[len(found) // 2]


class Sound(player_harness.PlayerCase):
    def environment_with(self, display, card):
        return dict(self.environment(display), SDL_AUDIODRIVER="disk", SDL_DISKAUDIOFILE=card, SDL_DISKAUDIODELAY="0")

    def card(self, **more):
        return Card(self.campaign.path("card"), **more)

    def has_open(self, player, path):
        directory = f"/proc/{player.pid}/fd"
        return any(os.path.realpath(os.path.join(directory, name)) == path for name in os.listdir(directory))

    def listen(self, publication, seconds, *options, **more):
        """Plays for so long on a display and a card of their own."""
        card = self.card(**more)
        environment = self.environment_with(self.start_display().name, card.path)
        self.play(publication, "--for", str(seconds), *options, environment=environment)
        return card

    def play_some(self, display, card, *arguments):
        """Plays until a second of pictures was shown."""
        if os.path.exists(self.frame_log):
            os.remove(self.frame_log)
        player = self.start(*arguments, environment=self.environment_with(display, card))
        self.wait_for(lambda: len(self.frames_of("chinh")) > 25, player, seconds=180)
        self.stop(player)

    def beeps(self, name="tieng", seconds=4, **more):
        path = self.campaign.path(name + ".mp4")
        make_beeps(path, seconds)
        return self.campaign.file(name, path, "video/mp4", seconds * 1000, **more)

    def tone(self, name, seconds, tone, **more):
        path = self.campaign.path(name + ".mp4")
        make_tone(path, seconds, tone)
        return self.campaign.file(name, path, "video/mp4", seconds * 1000, **more)

    def offsets(self, card):
        """How much later than its picture each beep was heard, in seconds."""
        flashes = [frame["t_ns"] for frame, shown in self.frames_of("chinh") if shown["state"] == "new"
                   and shown["pts_ms"] % 1000 == 520]
        flashes = [at - 20e6 for at in flashes]  # pictures come every 40 ms; 500 lies between two of them
        return [min(((beep - flash) / 1e9 for flash in flashes), key=abs) for beep in card.onsets()]

    def test_beeps_come_with_their_pictures_on_a_card_that_drifts(self):
        self.beeps(volume_percent=100)
        card = self.card(drift=0.003)
        player = self.start(self.campaign.write(), environment=self.environment_with(self.start_display().name, card.path))
        self.wait_for(lambda: len(card.onsets()) >= 4, player, seconds=180)
        self.stop(player)
        # A busy machine delays both. How near they are is measured by bench/sound.py, and by the mixer's tests in
        # virtual time.
        offsets = self.offsets(card)
        self.assertLess(min(abs(offset) for offset in offsets), 0.15, offsets)

    def test_by_default_nothing_is_heard_and_no_device_is_opened(self):
        self.beeps()
        file = self.campaign.path("samples")
        player = self.start(self.campaign.write(), environment=self.environment_with(self.start_display().name, file))
        self.wait_for(lambda: len(self.frames_of("chinh")) > 40, player, seconds=180)
        self.stop(player)
        self.assertFalse(os.path.exists(file))

    def test_what_is_muted_limited_or_at_another_hour_opens_no_device(self):
        self.beeps(volume_percent=100)
        file = self.campaign.path("samples")
        then = time.gmtime(time.time() + 7 * 3600 + 3 * 3600)
        hours = f"{then.tm_hour:02d}:00-{then.tm_hour:02d}:30"
        unit = self.campaign.write(zones=None, canvas=None, schedule=[{"zone": "chinh", "playlist": "p"}])
        frame = {"canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh"}], "layer": "screen", "assets": None,
                 "playlists": None, "id": "man"}
        screens = [{"limits": {"volume_percent": 0}}, {"limits": {"sound_times": [hours]}},
                   {"sound": [{"times": hours, "volume_percent": 100}]},
                   {"zones": [{"name": "chinh", "volume_percent": 0}]}]
        display = self.start_display().name
        for number, screen in enumerate(screens):
            written = self.campaign.write(f"screen-{number}.json", **{**frame, **screen})
            self.play_some(display, file, unit, written)
        written = self.campaign.write("screen.json", **frame)
        self.play_some(display, file, unit, written, "--mute")
        self.assertFalse(os.path.exists(file))
        # The same without any of it opens one.
        player = self.start(unit, written, environment=self.environment_with(display, file))
        self.wait_for(lambda: os.path.exists(file), player, seconds=180)
        self.stop(player)

    def test_a_curfew_is_silence_from_its_second_on(self):
        self.tone("am", 60, 440, volume_percent=100)
        for patience in (7, 60):  # a busy machine takes its time to start
            before, after = self.hear_a_curfew(patience)
            if before and max(before) > 0.05:
                break
        self.assertGreater(max(before), 0.05)
        self.assertTrue(after)
        self.assertEqual(max(after), 0)

    def hear_a_curfew(self, patience):
        begins = int(time.time()) + patience
        hour, ends = (time.strftime("%H:%M:%S", time.gmtime(begins + later * 3600)) for later in (7, 9))
        curfew = begins * 1e9 + time.monotonic_ns() - time.time_ns()
        written = self.campaign.write(layer="screen", limits={"sound_times": [f"{ends}-{hour}"]})
        card = self.card()
        player = self.start(written, environment=self.environment_with(self.start_display().name, card.path))
        self.wait_for(lambda: time.monotonic_ns() > curfew + 1e9, player, seconds=180)
        self.stop(player)
        return ([peak for at, peak in card.heard() if at < curfew - 1e9],
                [peak for at, peak in card.heard() if at > curfew])

    def test_two_zones_are_mixed_as_loud_as_they_may_be(self):
        self.tone("tram", 6, 400, volume_percent=100)
        first = self.campaign.take_items()
        self.tone("cao", 6, 1500, volume_percent=100)
        second = self.campaign.take_items()
        card = self.listen(self.campaign.write(
            playlists=[{"name": "p", "items": first}, {"name": "q", "items": second}],
            zones=[{"name": "chinh", "width": 160, "playlist": "p"},
                   {"name": "ben", "x": 160, "width": 160, "volume_percent": 25, "playlist": "q"}]), 8)
        loud = [at for at, peak in card.heard() if peak > 0.02]
        low, high = (card.level(tone, loud[0] + 5e8, loud[-1] - 5e8) for tone in (400, 1500))
        # Both clips are as loud before; the zone's quarter is what remains.
        self.assertGreater(low, 0.02)
        self.assertLess(high, low / 2)

    def test_without_a_device_the_pictures_go_on(self):
        self.beeps(volume_percent=100)
        environment = dict(self.environment(self.start_display().name), SDL_AUDIODRIVER="nonsense")
        said = self.play(self.campaign.write(), "--for", "4", environment=environment)
        self.assertIn("No sound", said)
        self.assertTrue(self.frames_of("chinh"))
        self.assertEqual([play["sound"] for play in self.plays()][:1], ["on"])

    def test_a_card_is_pulled_out_comes_back_and_hangs(self):
        self.tone("am", 60, 440, volume_percent=100)
        card = self.card()
        environment = self.environment_with(self.start_display().name, card.path)
        player = self.start(self.campaign.write(), environment=environment)
        self.wait_for(lambda: any(peak > 0.02 for _, peak in card.heard()), player)
        card.pulled.set()
        card.join()
        self.wait_for(lambda: not self.has_open(player, card.path), player)
        again = self.card()
        self.wait_for(lambda: any(peak > 0.02 for _, peak in again.heard()), player)
        again.hangs.set()
        count = len(self.frames())
        self.wait_for(lambda: len(self.frames()) > count + 50, player)
        said = self.stop(player)
        again.pulled.set()
        self.assertIn("went away", said)
        self.assertIn("hangs", said)
        self.assertEqual([play["why_ended"] for play in self.plays()], ["stopped"])


if __name__ == "__main__":
    player_harness.main()
