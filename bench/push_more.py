"""Two more measures of bench/push.py: takedowns during a download on a slow disk, and a clip that a warning interrupts."""

import json
import os
import random
import subprocess
import sys
import time

import report
from media import Studio
from push_house import HEIGHT, UNIT, WAIT_S, WARNING, WIDTH, FrameLog
from screen import Watch, stop

WHOLE_SCREEN = {**WARNING, "schedule": [{"zone": "chinh", "playlist": "tin"}]}
CLIP = dict(number=1, width=WIDTH, height=HEIGHT, fps=25, seconds=120, bitrate="3M", noise=0)


def progress(number, rounds):
    print(f"\r  round {number + 1} of {rounds} ", end="", file=sys.stderr, flush=True)


def publish(house, number, media, kind="image"):
    began = time.monotonic_ns()
    house.bangtin("approve", house.propose(number, media, kind), "--yes", "--key", "an.json")
    return began


def slow_down(house, rate, sync_ms):
    """Every player begins another life with a slow disk."""
    for process in house.processes[1:]:
        stop(process)
    del house.processes[1:]
    slow = dict(LD_PRELOAD=os.path.join(house.build, "tests", "libslow_sync.so"), BT_SLOW_SYNC_MS=str(sync_ms))
    for number in range(len(house.logs)):
        house.run_player(number, "-slow", ["--rate", str(rate)] if rate else [], **slow)
        house.logs[number] = FrameLog(house.path(f"p{number}-slow.jsonl"))
        house.find(f"player-{number}-slow.log", "Connected to")


def upload_film(house, mib):
    """A short clip, and then nothing until it is as large as wanted."""
    path = house.path("film.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:duration=2", "-c:v", "libx264",
                    "-pix_fmt", "yuv420p", path], check=True)
    with open(path, "ab") as file:
        rest = (mib << 20) - file.tell()
        file.write((1).to_bytes(4, "big") + b"free" + rest.to_bytes(8, "big"))
        file.truncate(mib << 20)
    return house.ask("upload", "film.mp4", "--unit", UNIT)["media"]


class Duty:
    """The officer on duty, with a watch."""

    def __init__(self, house):
        self.house = house
        self.times = {"emergency → frame": [], "end → gone": []}

    def start(self, minutes):
        began = time.monotonic_ns()
        emergency = self.house.ask("emergency", "start", f"u/{UNIT}/template-tin", "--field", "ten=BÃO", "--minutes", str(minutes),
                                   "--key", "truc.json", "--wait", "0", unheard=True)
        self.times["emergency → frame"] += self.house.until_all(began, lambda items: "tin-khan" in items)
        return emergency["id"]

    def end(self, emergency):
        began = time.monotonic_ns()
        self.house.bangtin("emergency", "end", emergency, "--wait", "0", unheard=True)
        self.times["end → gone"] += self.house.until_all(began, lambda items: items and "tin-khan" not in items)

    def wait_for_its_end(self, emergency):
        """How long after the signed end each screen was without it, ms."""
        until_ms = self.house.ask("emergency", "show", emergency)["until_ms"]
        began = time.monotonic_ns()
        gone = self.house.until_all(began, lambda items: "muc-0-0" in items, WAIT_S + 30)
        wall_ms = (time.time_ns() - time.monotonic_ns() + began) / 1e6
        return sorted(wall_ms + ms - until_ms for ms in gone)


class Download:
    """The film on its way to every player."""

    def __init__(self, house, mib):
        self.house, self.bytes = house, mib << 20
        self.sha256 = house.ask("media", "show", upload_film(house, mib))["sha256"]

    def begin(self):
        recipe = {"activate": "now", "schedule": [{"zone": "chinh", "playlist": "phim"}],
                  "playlists": [{"name": "phim", "items": [{"id": "phim", "type": "video", "asset": self.sha256}]}]}
        proposal = self.house.ask("propose", "phim", "--unit", UNIT, "--recipe", self.house.write("film.json", recipe))["id"]
        self.house.bangtin("approve", proposal, "--yes", "--key", "an.json")
        self.wait(lambda: min(self.fetched()) >= 1 << 16, WAIT_S, "the film is not being fetched")

    def fetched(self):
        """Bytes of the unfinished film that each player has; all of them once it is complete."""
        found = []
        for number in range(len(self.house.logs)):
            assets = self.house.path(f"p{number}/assets")
            if os.path.exists(os.path.join(assets, self.sha256[:2], self.sha256)):
                found.append(self.bytes)
                continue
            partial = os.path.join(assets, "partial")
            names = os.listdir(partial) if os.path.isdir(partial) else []
            found.append(max((os.stat(os.path.join(partial, name)).st_size for name in names), default=0))
        return found

    def wait(self, what, seconds, problem):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise SystemExit(f"{problem}; {self.house.dir}")
            time.sleep(0.1)

    def is_over(self):
        return min(self.fetched()) >= self.bytes


def measure_during_download(house, options):
    """Items leave at random moments while the film is fetched, with a warning between; at last the film is there."""
    chance = random.Random(options.rounds)
    media = [house.upload(f"x{i}.png", f"0x{i * 7919 % 0xffffff:06x}") for i in range(options.rounds + 1)]
    house.bangtin("publish", "tin", "--unit", UNIT, "--layer", "template", "--recipe", house.write("template.json", WARNING),
                  "--yes", "--key", "an.json")
    house.until_all(publish(house, 0, media), lambda items: "muc-0-0" in items)
    slow_down(house, options.rate, options.sync_ms)
    house.until_all(0, lambda items: "muc-0-0" in items)
    download, duty, times, during = Download(house, options.film_mib), Duty(house), [], 0
    download.begin()
    began_s = time.monotonic()
    length_s = 0.9 * download.bytes / options.rate if options.rate else 2 * options.rounds
    for number, at in enumerate(sorted(chance.uniform(0, length_s) for _ in range(options.rounds))):
        time.sleep(max(0, began_s + at - time.monotonic()))
        before = download.fetched()
        began = time.monotonic_ns()
        house.bangtin("takedown", "now", "--unit", UNIT, "--media", media[number], "--reason", "đo", "--wait", "0", unheard=True)
        times += house.until_all(began, lambda items, n=number: f"muc-0-{n + 1}" in items)
        during += sum(fetched < download.bytes for fetched in before)
        if number % 5 == 2:
            duty.end(duty.start(5))
        progress(number, options.rounds)
    held = download.fetched()
    print(f"\n  of {options.film_mib} MiB each player had {min(held) / 2**20:.1f} to {max(held) / 2**20:.1f} MiB "
          f"{time.monotonic() - began_s:.0f} s after it had begun, at the end of the rounds")
    report.floor("takedowns while the player was still fetching", during, len(times), at_least=True)
    download.wait(download.is_over, length_s + 120, "the film did not come to its end")
    house.until_all(time.monotonic_ns(), lambda items: items, WAIT_S)
    print(f"  the film was whole everywhere {time.monotonic() - began_s:.0f} s after it had begun")
    return {"takedown → gone": times, **duty.times}


def frames_lost(seen, zone, clip):
    """Of each time the clip's marks went and came back: by how many frames it missed its place."""
    lost, last, gone = [], None, False
    for _, where, number, frame, torn in (sighting for sighting in seen if len(sighting) == 5):
        if where != zone:
            continue
        if number != clip:
            gone = last is not None
        elif not torn:
            if gone:
                lost.append(frame - last - 1)
            last, gone = frame, False
    return lost


def measure_clip(house, options, screen):
    clip = Studio(options.work, options.build).clip(**CLIP)
    media = house.ask("upload", clip["path"], "--unit", UNIT)["media"]
    house.bangtin("publish", "tin", "--unit", UNIT, "--layer", "template", "--recipe", house.write("template.json", WHOLE_SCREEN),
                  "--yes", "--key", "an.json")
    house.until_all(publish(house, 0, [media], "video"), lambda items: "muc-0-0" in items)
    zones = ["{},{},{},{}".format(*house.place(i), WIDTH, HEIGHT) for i in range(len(house.logs))]
    watch = Watch(options.build, screen, 3600, zones)
    duty = Duty(house)
    for number in range(options.rounds):
        time.sleep(1)  # of the clip
        duty.end(duty.start(5))
        progress(number, options.rounds)
    time.sleep(1)
    ends = duty.wait_for_its_end(duty.start(1))
    time.sleep(1)
    seen = watch.finish()
    lost = sorted(frames for i in range(len(house.logs)) for frames in frames_lost(seen, i, CLIP["number"]))
    print(f"\n  {watch.describe()}\n  ends by themselves, ms after the signed end: {', '.join(f'{ms:.0f}' for ms in ends)}")
    print(f"  clips that went on: {len(lost)}; frames left out (or, below 0, shown again): {json.dumps(lost)}")
    report.floor("clips seen to go on", len(lost), (options.rounds + 1) * len(house.logs), at_least=True)
    report.floor("farthest from its place", max(map(abs, lost), default=1000), 1, " frames")
    report.floor("farthest from the signed end", max(map(abs, ends)), 1000.0, " ms")
    return duty.times
