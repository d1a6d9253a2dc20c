#!/usr/bin/env python3
"""Whatever offices hand in, one file after another, each coming in by another transition.

Chooses files of a directory that `bangtin-player check` would play, whatever their format, size and rate, and shows them in
random order in several zones at once. The canvas behind the zones is of a colour nobody has in a picture: a zone whose every
looked-at point has it, or is black (black files are left out), showed nothing at that instant. The screen is looked at from
outside, 250 times a second; when each item began is told by the player's frame log. Memory and descriptors are judged as by
memory.py.

  bench/odd_files.py BUILD_DIR DIR [--files 30] [--boundaries 10000] [--zones 4] [--backend soft] [--seed 1]
"""

import json
import mmap
import os
import random
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import media  # noqa: E402
import report  # noqa: E402
from boundaries import TRANSITIONS, TRANSITION_MS  # noqa: E402
from growth import judge_growth  # noqa: E402
from screen import Screen, descriptors, memory_mib, quantiles, stop  # noqa: E402
from spells import MAX_GAP_MS  # noqa: E402

NOTHING = "#ff00ff"
EMPTY = (0xff00ff, 0)
POINTS = 5  # of each row and column of a zone
LOOK_S = 0.004
SAMPLE_S = 0.5
WORST = 8
MOST_S, LEAST_S = 0.9, 0.6
LONGEST_MS = 86400000  # that a publication may say; some files lie
SLOTS = {1: (1, 1), 2: (2, 1), 4: (2, 2), 8: (4, 2)}  # zones: columns, rows

OPTIONS = (
    ("directory", dict(metavar="DIR", help="where the files are")),
    ("--files", dict(type=int, default=30)),
    ("--boundaries", dict(type=int, default=10000, metavar="N")),
    ("--zones", dict(type=int, default=4, choices=SLOTS)),
    ("--backend", dict(default="soft", help="auto, soft, gles2")),
    ("--seed", dict(type=int, default=1)),
    ("--x-realtime", dict(action="store_true", help="give the X server real-time priority, too")),
)


def facts_of(build, directory):
    """What `check` says of every file there that would play."""
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names)
    for start in range(0, len(paths), 50):
        said = subprocess.run([contestants.player(build), "check", "--", *paths[start:start + 50]], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        for line in said.stdout.splitlines():
            facts = json.loads(line)
            if facts["verdict"].startswith("plays") and not facts["alpha"] and min(facts["width"], facts["height"]) >= 16:
                yield facts


def is_black(path):
    """Whether any of its first pictures is all but black."""
    said = subprocess.run(["ffmpeg", "-nostdin", "-v", "info", "-t", str(MOST_S * 2), "-i", path, "-vf",
                           "blackdetect=d=0.01:pic_th=0.6:pix_th=0.1", "-an", "-f", "null", "-"],
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace")
    return "black_start" in said.stderr


def choose(options):
    """Items for media.Campaign; three clips for each picture."""
    clips, pictures = [], []
    for facts in facts_of(options.build, options.directory):
        moves = facts["kind"] == "clip"
        if not moves:
            pictures.append(facts)
        elif facts["duration_ms"] >= LEAST_S * 1000:
            clips.append(facts)
    draw = random.Random(options.seed)
    draw.shuffle(clips)
    draw.shuffle(pictures)
    chosen = []
    while len(chosen) < options.files and (clips or pictures):
        pile = pictures if len(chosen) % 4 == 3 and pictures or not clips else clips
        facts = pile.pop()
        if not is_black(facts["file"]):
            chosen.append(item_of(facts, draw))
    return chosen


def item_of(facts, draw):
    moves = facts["kind"] == "clip"
    seconds = round(draw.uniform(LEAST_S, MOST_S), 2)
    if moves:
        seconds = min(seconds, facts["duration_ms"] / 1000)
    return {"path": facts["file"], "type": "video" if moves else "image", "ms": seconds * 1000,
            "length_ms": min(facts["duration_ms"], LONGEST_MS), "mime": "video/mp4" if moves else "image/png"}


def write(options, items):
    """The publication, and how long each of its items lasts and of which file it is."""
    campaign = media.Campaign(options.work, f"odd-{options.zones}-{options.seed}")
    columns, rows = SLOTS[options.zones]
    width, height = campaign.canvas[0] // columns, campaign.canvas[1] // rows
    draw = random.Random(options.seed)
    lengths, files = {}, {}
    for zone in range(options.zones):
        name = f"z{zone}"
        entries = []
        for turn in range(len(TRANSITIONS)):
            draw.shuffle(items)
            entries += [entry_of(campaign, f"{name}-{turn}-{place}", item, TRANSITIONS[(place + turn) % len(TRANSITIONS)])
                        for place, item in enumerate(items)]
            files.update({f"{name}-{turn}-{place}": os.path.basename(item["path"]) for place, item in enumerate(items)})
        lengths.update({entry["id"]: entry["seconds"] * 1000 for entry in entries})
        campaign.add({"name": name, "x": zone % columns * width, "y": zone // columns * height, "width": width,
                      "height": height, "playlist": name}, {"name": name, "items": entries})
    path = campaign.write()
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    document["canvas"]["background"] = NOTHING
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
    return path, lengths, files


def entry_of(campaign, name, item, transition):
    entry = {"id": name, "type": item["type"], "asset": campaign.asset(item), "seconds": item["ms"] / 1000, "fit": "stretch"}
    if transition["type"] != "cut":
        entry["transition"] = dict(transition, ms=TRANSITION_MS)
    return entry


class Eye(threading.Thread):
    """Looks at points of every zone; `empty` are the looks at which a zone showed nothing."""

    def __init__(self, screen, zones):
        super().__init__(daemon=True)
        with open(os.path.join(screen.directory, "Xvfb_screen0"), "rb") as file:
            self.memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        header = struct.unpack(">25I", self.memory[:100])
        self.start_of_pixels, self.stride = header[0] + header[19] * 12, header[12]
        columns, rows = SLOTS[zones]
        width, height = header[4] // columns, header[5] // rows
        self.zones = [[self.offset(zone % columns * width, zone // columns * height, width, height, point)
                       for point in range(POINTS * POINTS)] for zone in range(zones)]
        self.looks, self.longest_s, self.empty = 0, 0.0, []
        self.sees_all, self.done = threading.Event(), threading.Event()

    def offset(self, x, y, width, height, point):
        x += (2 * (point % POINTS) + 1) * width // (2 * POINTS)
        y += (2 * (point // POINTS) + 1) * height // (2 * POINTS)
        return self.start_of_pixels + y * self.stride + x * 4

    def shows_nothing(self, points):
        """All of its points are of the one colour or of the other."""
        first = int.from_bytes(self.memory[points[0]:points[0] + 3], "little")
        return first in EMPTY and all(
            int.from_bytes(self.memory[at:at + 3], "little") == first for at in points[1:])

    def run(self):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
        except PermissionError:
            pass
        last = time.monotonic()
        while not self.done.is_set():
            empty = [zone for zone, points in enumerate(self.zones) if self.shows_nothing(points)]
            if not empty:
                self.sees_all.set()
            if self.sees_all.is_set():
                self.looks += 1
                self.empty += [(time.monotonic(), zone) for zone in empty]
            time.sleep(LOOK_S)
            now = time.monotonic()
            self.longest_s, last = max(self.longest_s, now - last), now


class Log:
    """The frame log as it grows: boundaries, and how late each item began after the one before should have ended."""

    def __init__(self, path, lengths):
        self.path, self.lengths, self.file, self.rest = path, lengths, None, ""
        self.now, self.count, self.gaps = {}, 0, []

    def update(self):
        if self.file is None:
            self.file = open(self.path, encoding="utf-8")
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        for line in lines:
            frame = json.loads(line)
            for zone in frame["zones"]:
                self.see(zone["zone"], zone["item"], frame["t_ns"] / 1e6)
        return self.count

    def see(self, zone, item, t_ms):
        before = self.now.get(zone)
        if before is None:
            self.now[zone] = (item, t_ms)
        elif before[0] != item:
            self.count += 1
            self.gaps.append((t_ms - before[1] - self.lengths[before[0]], before[0], item))
            self.now[zone] = (item, t_ms)


def watch(options, publication, lengths, screen):
    log = Log(os.path.join(screen.directory, "frames.jsonl"), lengths)
    eye, samples, started = Eye(screen, options.zones), [], time.monotonic()
    player = screen.start(contestants.ours(options.build, publication, "--frame-log", log.path, "--plays",
                                           os.path.join(screen.directory, "plays.db"), "--backend", options.backend))
    while not os.path.exists(log.path) and player.poll() is None:
        time.sleep(0.05)
    eye.start()
    eye.sees_all.wait(60)
    while log.update() < options.boundaries and player.poll() is None:
        samples.append((log.count, memory_mib(player.pid, "VmRSS"), memory_mib(player.pid), descriptors(player.pid)))
        time.sleep(SAMPLE_S)
    eye.done.set()
    eye.join()
    stop(player)
    return log, eye, samples, (time.monotonic() - started) / 60


def by_file(gaps, files):
    """Those that were late oftenest: (file, how often it was shown, late, worst)."""
    rows = {}
    for gap, _, item in gaps:
        rows.setdefault(files[item], []).append(gap)
    late = [(name, len(own), sum(gap > MAX_GAP_MS for gap in own), f"{max(own):.0f}") for name, own in rows.items()]
    return sorted((row for row in late if row[2]), key=lambda row: -row[2])[:WORST]


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    items = choose(options)
    publication, lengths, files = write(options, items)
    with Screen(realtime=options.x_realtime) as screen:
        log, eye, samples, minutes = watch(options, publication, lengths, screen)
    gaps = [gap for gap, _, _ in log.gaps]
    low, middle, high, worst = quantiles(gaps)
    print(f"{len(items)} files in {options.zones} zones, {options.backend}, every transition in turn ({TRANSITION_MS} ms)")
    report.table(("boundaries", "min", "median", "p99", "max", f">{MAX_GAP_MS} ms"),
                 [(len(gaps), f"{low:.1f}", f"{middle:.1f}", f"{high:.1f}", f"{worst:.1f}",
                   sum(gap > MAX_GAP_MS for gap in gaps))])
    report.table(("late oftenest", "shown", "late", "worst ms"), by_file(log.gaps, files))
    print(f"  {eye.looks} looks at every zone, longest pause {eye.longest_s * 1000:.1f} ms")
    report.floor("looks at which a zone showed nothing", len(eye.empty), 0)
    report.floor("latest start after the due end", worst, MAX_GAP_MS, " ms")
    judge_growth(samples, log.count, options.boundaries, minutes)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
