#!/usr/bin/env python3
"""From starting the program to the first picture on the screen, files in the page cache.

  bench/start.py BUILD_DIR [--runs 15] [--peers all]
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Studio, full_screen  # noqa: E402
from screen import Screen, Watch, merge_sizes, quantiles, stop  # noqa: E402

LIMIT_MS = 120
RUN_S = 0.8
REST_S = 0.3

OPTIONS = (("--runs", dict(type=int, default=15)),)


def starts_ms(build, command, runs):
    """Of one more run than asked; the first only fills the caches."""
    started = []
    with Screen() as screen:
        watch = Watch(build, screen, (runs + 1) * (RUN_S + REST_S + 5) + 5)
        time.sleep(REST_S)
        for _ in range(runs + 1):
            started.append(time.monotonic_ns())
            player = screen.start(command)
            time.sleep(RUN_S)
            stop(player)
            time.sleep(REST_S)
        seen = [t_ns for t_ns, _, clip, _, _ in merge_sizes(watch.finish()) if clip >= 0]
    result = []
    for begin, end in zip(started[1:], [*started[2:], 1 << 63]):
        result.append(next(((t - begin) / 1e6 for t in seen if begin < t < end), float("inf")))
    return result


def main():
    options = report.arguments(__doc__, OPTIONS)
    report.describe_machine()
    studio = Studio(options.work, options.build)
    subjects = {"clip": studio.clip(23, 1920, 1080, 25, 15, bitrate="8M"),
                "still": studio.still(11, 1920, 1080, "png", 600)}
    rows, worst = [], 0
    for subject, item in subjects.items():
        commands = {"bangtin": contestants.ours(options.build, full_screen(options.work, f"start-{subject}", [item]))}
        commands.update({name: make([item["path"]], 60)
                         for name, make in contestants.chosen_peers(options.peers).items()})
        for name, command in commands.items():
            low, middle, _, high = quantiles(starts_ms(options.build, command, options.runs))
            rows.append((name, subject, options.runs, f"{low:.0f}", f"{middle:.0f}", f"{high:.0f}"))
            worst = max(worst, middle) if name == "bangtin" else worst
    print("From start to the first picture, ms")
    report.table(("player", "shows", "runs", "min", "median", "max"), rows)
    report.floor("start to first content, median", worst, LIMIT_MS, " ms")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
