"""Two more measures of bench/push.py: takedowns during a download on a slow disk, and a clip that a warning interrupts."""

import json
import os
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


def fetched(house):
    """Bytes of the unfinished film that each player has."""
    found = []
    for number in range(len(house.logs)):
        partial = house.path(f"p{number}/assets/partial")
        names = os.listdir(partial) if os.path.isdir(partial) else []
        found.append(max((os.stat(os.path.join(partial, name)).st_size for name in names), default=0))
    return found


def upload_film(house, mib):
    """A short clip, and then nothing for as long as wanted."""
    path = house.path("film.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:duration=2", "-c:v", "libx264",
                    "-pix_fmt", "yuv420p", path], check=True)
    with open(path, "ab") as file:
        end = file.tell() + (mib << 20)
        file.write((1).to_bytes(4, "big") + b"free" + (mib << 20).to_bytes(8, "big"))
        file.truncate(end)
    return house.ask("upload", "film.mp4", "--unit", UNIT)["media"]


def publish_film(house, mib):
    """What will not become complete: it is being fetched from now on."""
    film = house.ask("media", "show", upload_film(house, mib))["sha256"]
    recipe = {"activate": "now", "schedule": [{"zone": "chinh", "playlist": "phim"}],
              "playlists": [{"name": "phim", "items": [{"id": "phim", "type": "video", "asset": film}]}]}
    proposal = house.ask("propose", "phim", "--unit", UNIT, "--recipe", house.write("film.json", recipe))["id"]
    house.bangtin("approve", proposal, "--yes", "--key", "an.json")
    end = time.monotonic() + WAIT_S
    while min(fetched(house)) < 1 << 16:
        if time.monotonic() > end:
            raise SystemExit(f"the film is not being fetched; {house.dir}")
        time.sleep(0.1)


def measure_during_download(house, options):
    """Items leave one after the other while the set with the film never becomes complete."""
    media = [house.upload(f"x{i}.png", f"0x{i * 7919 % 0xffffff:06x}") for i in range(options.rounds + 1)]
    house.until_all(publish(house, 0, media), lambda items: "muc-0-0" in items)
    slow_down(house, options.rate, options.sync_ms)
    house.until_all(0, lambda items: "muc-0-0" in items)
    publish_film(house, options.film_mib)
    before, times = fetched(house), []
    for number in range(options.rounds):
        time.sleep(number * 0.37 % 2)  # now while the disk still writes the last one, now after
        began = time.monotonic_ns()
        house.bangtin("takedown", "now", "--unit", UNIT, "--media", media[number], "--reason", "đo", "--wait", "0", unheard=True)
        times += house.until_all(began, lambda items, n=number: f"muc-0-{n + 1}" in items)
        progress(number, options.rounds)
    after = fetched(house)
    print(f"\n  of {options.film_mib} MiB each player had {min(before) / 2**20:.1f} to {max(before) / 2**20:.1f} MiB before the rounds, "
          f"{min(after) / 2**20:.1f} to {max(after) / 2**20:.1f} after")
    report.floor("players that fetched all the while", sum(a > b for a, b in zip(after, before)), len(house.logs), at_least=True)
    return {"takedown → gone": times}


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
        self.times["end → gone"] += self.house.until_all(began, lambda items: "muc-0-0" in items)

    def wait_for_its_end(self, emergency):
        """How long after the signed end each screen was without it, ms."""
        until_ms = self.house.ask("emergency", "show", emergency)["until_ms"]
        began = time.monotonic_ns()
        gone = self.house.until_all(began, lambda items: "muc-0-0" in items, WAIT_S + 30)
        wall_ms = (time.time_ns() - time.monotonic_ns() + began) / 1e6
        return sorted(wall_ms + ms - until_ms for ms in gone)


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
