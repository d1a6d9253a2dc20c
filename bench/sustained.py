#!/usr/bin/env python3
"""Clips that go on and on: which of their frames were on the screen, seen from outside.

Clips of a minute with frame-number marks, round and round: 1080p25 and 1080p30 for ten minutes,
1080p60 for two, four zones of 540p25 for ten. A frame is dropped when the observer never saw it,
held when it stood for more than half a frame too long. The player's own count, in its frame log,
stands beside the observer's; the observer judges.

  bench/sustained.py BUILD_DIR [--minutes 10] [--only 1080p25,1080p30,1080p60,4x540p25]
"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Campaign, Studio  # noqa: E402
from screen import Screen, Watch, cpu_seconds, memory_mib, stop  # noqa: E402
from spells import Tally  # noqa: E402

WHOLE = [(0, 0, 1920, 1080)]
QUARTERS = [(x, y, 960, 540) for y in (0, 540) for x in (0, 960)]
SETTLE_S = 2

# name, zones, clips' numbers, size, frames per second, bit rate, noise, part of --minutes
SESSIONS = (
    ("1080p25", WHOLE, [101], (1920, 1080), 25, "8M", 24, 1),
    ("1080p30", WHOLE, [102], (1920, 1080), 30, "8M", 12, 1),
    ("1080p60", WHOLE, [103], (1920, 1080), 60, "12M", 12, 0.2),
    ("4x540p25", QUARTERS, [111, 112, 113, 114], (960, 540), 25, "2M", 8, 1),
)

OPTIONS = (
    ("--minutes", dict(type=float, default=10)),
    ("--only", dict(default="", metavar="NAMES")),
)


def own_count(path, zones):
    """Pictures the player says it presented anew, per zone."""
    count = {f"z{i}": 0 for i in range(zones)}
    with open(path) as file:
        for line in file:
            for zone in json.loads(line)["zones"]:
                count[zone["zone"]] += zone["state"] == "new"
    return sum(count.values())


def play(options, session, studio):
    name, rectangles, numbers, size, fps, bitrate, noise, part = session
    seconds = options.minutes * 60 * part
    # The cost is measured on a longer clip of the same kind; one of them will do.
    clips = [studio.clip(number, *size, fps, 65 if number == 101 else 60, bitrate=bitrate, noise=noise)
             for number in numbers]
    campaign = Campaign(options.work, f"sustained-{name}")
    for rectangle, clip in zip(rectangles, clips):
        campaign.add_zone(rectangle, [clip])
    publication = campaign.write()
    with Screen() as screen:
        log = os.path.join(screen.directory, "frames.jsonl")
        watch = Watch(options.build, screen, seconds + 30, [",".join(map(str, zone)) for zone in rectangles])
        player = screen.start(contestants.ours(options.build, publication, "--frame-log", log, "--plays",
                                               os.path.join(screen.directory, "plays.db")))
        time.sleep(SETTLE_S)
        from_ns, cpu = time.monotonic_ns(), cpu_seconds(player.pid)
        time.sleep(seconds)
        until_ns, cpu = time.monotonic_ns(), cpu_seconds(player.pid) - cpu
        memory = memory_mib(player.pid)
        stop(player)
        seen = watch.finish()
        own = own_count(log, len(rectangles))
    tallies = [Tally(seen, clip, zone, from_ns, until_ns) for zone, clip in enumerate(clips)]
    return tallies, cpu * 60 / seconds, memory, own, watch


def add_up(tallies):
    total = Tally([], {"id": 0, "frames": 1, "frame_ms": 1})
    for tally in tallies:
        total.add(tally)
    return total


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    studio = Studio(options.work, options.build)
    rows, verdicts = [], []
    for session in SESSIONS:
        if options.only and session[0] not in options.only.split(","):
            continue
        tallies, cpu, memory, own, watch = play(options, session, studio)
        total = add_up(tallies)
        rows.append((session[0], total.due, total.missed, f"{total.presented_percent():.3f}", total.in_a_row, total.held,
                     own, f"{cpu:.1f}", f"{memory:.0f}"))
        verdicts.append((session[0], total, watch))
        print(f"  {session[0]}: {total.due} frames due, {total.missed} not seen", flush=True)
    report.table(("clips", "frames due", "not seen", "% shown", "two in a row", "held", "player's count*", "CPU-s/min",
                  "peak MiB"), rows)
    print("  * from start to stop, a few seconds longer")
    for name, total, watch in verdicts:
        print(f"{name}; {watch.describe()}")
        report.floor("frames presented", total.presented_percent(), 99.9, " %", at_least=True)
        report.floor("two dropped in a row", total.in_a_row, 0)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
