#!/usr/bin/env python3
"""From starting a paired player without any network to the first picture of what was approved: a 1080p still, then a 1080p clip
that came through the server. The server is gone and the player was killed; each start is killed again.

  bench/paired_start.py BUILD_DIR [--runs 15] [--cold]
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import push_house  # noqa: E402
import report  # noqa: E402
from media import Studio  # noqa: E402
from screen import Screen, quantiles  # noqa: E402

LIMIT_MS = 1000

OPTIONS = (
    ("--runs", dict(type=int, default=15)),
    ("--cold", dict(action="store_true", help="without anything in the page cache: the programs and libraries neither")),
)


def kill(process):
    process.kill()
    process.wait()


def forget_files():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def start_ms(house, life, cold):
    """Until the first present with an item of ours on it."""
    if cold:
        forget_files()
    began_ns = time.monotonic_ns()
    house.run_player(0, life)
    log = push_house.FrameLog(house.path(f"p0{life}.jsonl"))
    end = time.monotonic() + push_house.WAIT_S
    first = None
    while first is None and time.monotonic() < end:
        time.sleep(0.02)
        if os.path.exists(log.path):
            first = log.first(began_ns, lambda items: any(item and item.startswith("muc-") for item in items))
    kill(house.processes.pop())
    return float("inf") if first is None else (first - began_ns) / 1e6


def show(house, number, kind, path):
    """What the player shows from now on, as everybody brings it there."""
    before_ns = time.monotonic_ns()
    media = house.ask("upload", path, "--unit", push_house.UNIT)["media"]
    proposal = house.propose(number, [media], kind)
    house.bangtin("approve", proposal, "--yes", "--key", "an.json", unheard=True)
    house.until_all(before_ns, lambda items: f"muc-{number}-0" in items)


def measure(house, options, kind, number, path):
    show(house, number, kind, path)
    server, player = house.processes
    kill(player)
    kill(server)
    house.processes.clear()
    times = [start_ms(house, f"-{kind}-{i}", options.cold) for i in range(options.runs + 1)][1:]
    house.run("server.log", [os.path.join(house.build, "server", "bangtin-server"), "--data", house.path("server"), "--listen",
                             house.url.removeprefix("http://")], house.environment)
    house.find("server.log", r"Bangtin server: (\S+)")
    house.run_player(0, f"-{kind}-after")
    house.logs = [push_house.FrameLog(house.path(f"p0-{kind}-after.jsonl"))]
    return times


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    push_house.WIDTH, push_house.HEIGHT = 1920, 1080
    push_house.SCREEN["canvas"] = {"width": 1920, "height": 1080}
    studio = Studio(options.work, options.build)
    subjects = {"image": studio.still(11, 1920, 1080, "png", 600), "video": studio.clip(23, 1920, 1080, 25, 15, bitrate="8M")}
    rows, worst = [], 0
    with Screen() as screen, push_house.House(options.build, screen) as house:
        house.open()
        house.add_player(0)
        for number, (kind, item) in enumerate(subjects.items()):
            times = measure(house, options, kind, number, item["path"])
            low, middle, _, high = quantiles(times)
            rows.append((kind, options.runs, f"{low:.0f}", f"{middle:.0f}", f"{high:.0f}"))
            worst = max(worst, high)
    print(f"A paired player without a network: from its start to its first picture, ms{', nothing cached' if options.cold else ''}")
    report.table(("shows", "runs", "min", "median", "max"), rows)
    report.floor("start to first content, most", worst, LIMIT_MS, " ms")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
