#!/usr/bin/env python3
"""How much memory playing takes, and whether it grows.

Peak: two 1080p clips in turn, the next one open before the first ends, with a crawl, a clock and a
journal; the peers play the clips alone. Growth: eight zones of short clips, stills and cards, a
boundary every 40 ms or so, each by another transition; resident memory and descriptors in the second tenth of the boundaries,
when every item has been shown many times, against the last tenth.

  bench/memory.py BUILD_DIR [--boundaries 10000] [--backend soft] [--seconds 40] [--peers all]
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from boundaries import TRANSITIONS  # noqa: E402
from growth import BoundaryCount, judge_growth  # noqa: E402
from media import Campaign, Studio, clock, crawl, text_card  # noqa: E402
from screen import Screen, descriptors, memory_mib, stop  # noqa: E402

PEAK_LIMIT_MIB = 128
SAMPLE_S = 0.5
GROWTH_TRANSITION_MS = 120

OPTIONS = (
    ("--boundaries", dict(type=int, default=10000, metavar="N", help="0: only the peak")),
    ("--backend", dict(default="soft", help="of the boundaries: auto, soft, gles2")),
    ("--seconds", dict(type=int, default=40, help="of playing for the peak")),
)


def peak_publication(work, clips):
    campaign = Campaign(work, "memory-peak")
    campaign.add_zone((0, 0, 1920, 1080), clips)
    campaign.add(*crawl("crawl", 0, 960, 1560, 120))
    campaign.add(*clock("clock", 1560, 960, 360, 120, "%H:%M:%S"))
    return campaign.write()


def peak_mib(command, seconds, journal_option=False):
    with Screen() as screen:
        if journal_option:
            command = [*command, "--plays", os.path.join(screen.directory, "plays.db")]
        player = screen.start(command)
        end, peak = time.monotonic() + seconds, 0
        while time.monotonic() < end and player.poll() is None:
            peak = max(peak, memory_mib(player.pid))
            time.sleep(SAMPLE_S)
        stop(player)
    return peak


def measure_peaks(options, studio):
    clips = [studio.clip(number, 1920, 1080, 25, 5, bitrate="8M") for number in (21, 22)]
    ours = peak_mib(contestants.ours(options.build, peak_publication(options.work, clips)), options.seconds, True)
    rows = [("bangtin", "clips, crawl, clock, journal", f"{ours:.0f}")]
    files = [clip["path"] for clip in clips] * 8
    for name, make in contestants.chosen_peers(options.peers).items():
        # ffplay takes one file, and would be measured through the shell that repeats it.
        command = make(files[:1] if name == "ffplay" else files, 5)
        rows.append((name, "clips", f"{peak_mib(command, options.seconds):.0f}"))
    print("Peak resident memory")
    report.table(("player", "shows", "MiB"), rows)
    report.floor("peak memory", ours, PEAK_LIMIT_MIB, " MiB")


def short_items(studio):
    return [
        studio.clip(31, 320, 180, 25, 0.4, bitrate="500k"), studio.still(33, 320, 180, "png", 0.3),
        text_card(0.3, "Đo"), studio.clip(32, 640, 360, 25, 0.4, "hevc", bitrate="500k"),
        studio.still(34, 1280, 720, "jpg", 0.35), studio.clip(35, 640, 360, 30, 0.4, container="ts", bitrate="500k"),
    ]


def growth_publication(work, items):
    campaign = Campaign(work, "memory-growth")
    for i in range(8):
        campaign.add_zone((i % 4 * 480, i // 4 * 540, 480, 540), items[i % len(items):] + items[:i % len(items)])
    for zone, playlist in enumerate(campaign.playlists):
        add_transitions(playlist, zone)
    return campaign.write()


def add_transitions(playlist, zone):
    """As many rounds as it takes for every item to come in by every transition."""
    rounds = []
    for turn in range(len(TRANSITIONS)):
        for place, item in enumerate(playlist["items"]):
            transition = TRANSITIONS[(zone + turn + place) % len(TRANSITIONS)]
            if transition["type"] != "cut":
                transition = dict(transition, ms=GROWTH_TRANSITION_MS)
            rounds.append(dict(item, id=f"{item['id']}-{turn}", transition=transition))
    playlist["items"] = rounds


def measure_growth(options, studio):
    publication = growth_publication(options.work, short_items(studio))
    samples = []  # (boundaries, MiB now, peak MiB, descriptors)
    with Screen() as screen:
        log = os.path.join(screen.directory, "frames.jsonl")
        player = screen.start(contestants.ours(options.build, publication, "--frame-log", log, "--plays",
                                               os.path.join(screen.directory, "plays.db"), "--backend", options.backend))
        count, started = BoundaryCount(log), time.monotonic()
        time.sleep(2)
        while count.update() < options.boundaries and player.poll() is None:
            samples.append((count.count, memory_mib(player.pid, "VmRSS"), memory_mib(player.pid),
                            descriptors(player.pid)))
            time.sleep(SAMPLE_S)
        minutes = (time.monotonic() - started) / 60
        stop(player)
    judge_growth(samples, count.count, options.boundaries, minutes)


def main():
    options = report.arguments(__doc__, OPTIONS)
    report.describe_machine()
    studio = Studio(options.work, options.build)
    if options.seconds > 0:
        measure_peaks(options, studio)
    if options.boundaries > 0:
        measure_growth(options, studio)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
