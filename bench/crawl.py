#!/usr/bin/env python3
"""A crawl over many refreshes, watched on the screen: does it always move, and by as much?

The observer compares columns of pixels: a step is how far the text stands to the left of where it
was. Every step that is not the speed asked for is irregular, and so is anything else that happens
to the text. The time from step to step is told as well; a step that came half a refresh or more
after its time made the text stand still.

  bench/crawl.py BUILD_DIR [--refreshes 36000] [--refresh 60] [--speed 2] [--with-clip]
"""

import collections
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Campaign, Studio, crawl  # noqa: E402
from screen import Screen, Watch, cpu_seconds, quantiles, stop  # noqa: E402

SETTLE_S = 2

OPTIONS = (
    ("--refreshes", dict(type=int, default=36000, metavar="N")),
    ("--refresh", dict(type=int, default=60, metavar="HZ")),
    ("--speed", dict(type=int, default=2, metavar="PX", help="pixels per refresh, 1 to 3")),
    ("--with-clip", dict(action="store_true", help="a 1080p25 clip plays behind it")),
)


def publication(options):
    campaign = Campaign(options.work, f"crawl-{options.speed}-{options.with_clip}")
    if options.with_clip:
        clip = Studio(options.work, options.build).clip(104, 1920, 1080, 25, 65, bitrate="2500k", noise=9)
        campaign.add_zone((0, 0, 1920, 1080), [clip])
    campaign.add(*crawl("crawl", 0, 960, 1920, 120, options.speed))
    return campaign.write()


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    path = publication(options)
    seconds = options.refreshes / options.refresh
    with Screen() as screen:
        player = screen.start(contestants.ours(options.build, path, "--refresh", str(options.refresh)))
        time.sleep(SETTLE_S)
        cpu = cpu_seconds(player.pid)
        watch = Watch(options.build, screen, seconds + 1, ["crawl:0,960,1920,120"])
        time.sleep(seconds + 1)
        cpu = cpu_seconds(player.pid) - cpu
        stop(player)
        seen = watch.finish()
    steps = [(t_ns, step) for t_ns, _, step in seen[1:]][:options.refreshes]
    sizes = collections.Counter(step for _, step in steps)
    intervals = [(after[0] - before[0]) / 1e6 for before, after in zip(steps[:-1], steps[1:])]
    low, middle, high, worst = quantiles(intervals)
    held = sum(interval > 1500 / options.refresh for interval in intervals)
    print(f"Crawl of {options.speed} px at {options.refresh} Hz{', over a 1080p25 clip' if options.with_clip else ''}: "
          f"{len(steps)} steps in {(steps[-1][0] - steps[0][0]) / 1e9 if steps else 0:.1f} s; CPU {cpu / seconds * 100:.1f} %")
    report.table(("step px", "how often"), [(size or "jump", count) for size, count in sorted(sizes.items())])
    print(f"  ms from step to step: min {low:.1f}, median {middle:.1f}, p99 {high:.1f}, max {worst:.1f}; held {held}")
    print(f"{watch.describe()}")
    report.floor("steps seen", len(steps), options.refreshes, at_least=True)
    report.floor("irregular steps", len(steps) - sizes[options.speed], 0)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
