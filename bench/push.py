#!/usr/bin/env python3
"""From a click on the central server to the frame on the screens.

A real server, its operators' own commands and real players in windows of one X server: how long from the
start of the command that gives the last needed signature, the takedown, the emergency or its end, to the
first present of each player that shows it (or no longer shows it). Times are the players' own frame logs'.
The commands' own start and their checking of every hash are inside the figures.

--during-download: takedowns only, while each player fetches a film that does not come to its end and every
sync of its disk takes 2 s longer. --clip: a numbered clip plays, the warning takes the whole screen and is
ended, and at last one ends by itself: where the clip goes on, read off the screen, and when the end was.

  bench/push.py BUILD_DIR [--players 20] [--rounds 20] [--during-download | --clip]
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
from push_house import UNIT, WARNING, House  # noqa: E402
from push_more import measure_clip, measure_during_download  # noqa: E402
from screen import Screen  # noqa: E402

OPTIONS = (
    ("--players", dict(type=int, default=20, metavar="N")),
    ("--rounds", dict(type=int, default=20, metavar="N")),
    ("--during-download", dict(action="store_true")),
    ("--film-mib", dict(type=int, default=4096, metavar="MIB", help="size of what is being downloaded")),
    ("--rate", dict(type=int, default=0, metavar="BYTES", help="a second and player at most, so that it lasts; 0: no limit")),
    ("--sync-ms", dict(type=int, default=2000, metavar="MS", help="more for each fsync, with --during-download")),
    ("--clip", dict(action="store_true")),
)


def measure(house, rounds):
    media = [house.upload("a.png", "red"), house.upload("b.png", "blue")]
    times = {"signature → frame": [], "takedown → gone": [], "emergency → frame": [], "end → gone": []}
    house.bangtin("publish", "tin", "--unit", UNIT, "--layer", "template", "--recipe", house.write("template.json", WARNING), "--yes", "--key", "an.json")
    for number in range(rounds):
        extra = house.upload(f"x{number}.png", f"0x{number * 7919 % 0xffffff:06x}")
        proposal = house.propose(number, [extra, *media])
        began = time.monotonic_ns()
        house.bangtin("approve", proposal, "--yes", "--key", "an.json")
        times["signature → frame"] += house.until_all(began, lambda items, n=number: f"muc-{n}-0" in items)
        began = time.monotonic_ns()
        house.bangtin("takedown", "now", "--unit", UNIT, "--media", extra, "--reason", "đo", "--wait", "0", unheard=True)
        times["takedown → gone"] += house.until_all(began, lambda items, n=number: f"muc-{n}-1" in items)
        began = time.monotonic_ns()
        emergency = house.ask("emergency", "start", f"u/{UNIT}/template-tin", "--field", "ten=BÃO", "--minutes", "5", "--key", "truc.json", "--wait", "0", unheard=True)
        times["emergency → frame"] += house.until_all(began, lambda items: "tin-khan" in items)
        began = time.monotonic_ns()
        house.bangtin("emergency", "end", emergency["id"], "--wait", "0", unheard=True)
        times["end → gone"] += house.until_all(began, lambda items: items and "tin-khan" not in items)
        print(f"\r  round {number + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return times


LIMITS = {"signature → frame": (2000, None), "takedown → gone": (1000, 3000), "emergency → frame": (2000, None), "end → gone": (1000, None)}


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    with Screen() as screen, House(options.build, screen) as house:
        house.open()
        for number in range(options.players):
            house.add_player(number)
        if options.during_download:
            times = measure_during_download(house, options)
        elif options.clip:
            times = measure_clip(house, options, screen)
        else:
            times = measure(house, options.rounds)
    print(f"{options.players} players, {options.rounds} rounds, ms from the command's start to the present")
    rows = {what: sorted(values) for what, values in times.items()}
    report.table(("", "n", "median", "p95", "max"),
                 [(what, len(v), *(f"{v[min(len(v) - 1, int(len(v) * q))]:.0f}" for q in (0.5, 0.95, 1))) for what, v in rows.items()])
    for what, values in rows.items():
        p95, most = LIMITS[what]
        report.floor(f"{what}, p95", values[min(len(values) - 1, int(len(values) * 0.95))], p95, " ms")
        if most:
            report.floor(f"{what}, most", values[-1], most, " ms")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
