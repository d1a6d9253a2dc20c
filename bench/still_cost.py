#!/usr/bin/env python3
"""What it costs to show something that stands still: a picture, a text card, a clock.

CPU of the process, and of the X server in a column of its own, in percent of one core. The peers
show the same picture; they have no cards and no clock.

  bench/still_cost.py BUILD_DIR [--seconds 40] [--peers mpv,vlc]
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Campaign, Studio, clock, full_screen, text_card  # noqa: E402
from screen import Screen, cpu_seconds, memory_mib, stop  # noqa: E402

LIMIT_PERCENT = 1
SETTLE_S = 3
FOREVER_S = 3600

OPTIONS = (("--seconds", dict(type=int, default=40)),)


def measure(command, seconds):
    """CPU and the X server's, percent of a core; peak MiB."""
    with Screen() as screen:
        player = screen.start([word.replace("JOURNAL", os.path.join(screen.directory, "plays.db")) for word in command])
        time.sleep(SETTLE_S)
        cpu, x_cpu, from_s = cpu_seconds(player.pid), screen.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        length_s = time.monotonic() - from_s
        cpu, x_cpu = cpu_seconds(player.pid) - cpu, screen.cpu_seconds() - x_cpu
        memory = memory_mib(player.pid)
        stop(player)
    return 100 * cpu / length_s, 100 * x_cpu / length_s, memory


def clock_campaign(work, name, pattern):
    campaign = Campaign(work, name)
    campaign.add(*clock("clock", 0, 0, 1920, 1080, pattern))
    return campaign.write()


def main():
    options = report.arguments(__doc__, OPTIONS)
    report.describe_machine()
    still = Studio(options.work, options.build).still(11, 1920, 1080, "png", FOREVER_S)
    ours = {
        "still": full_screen(options.work, "still", [still]),
        "text card": full_screen(options.work, "card", [text_card(FOREVER_S)]),
        "clock": clock_campaign(options.work, "clock", "%H:%M\n%A, %d/%m/%Y"),
        "clock with seconds": clock_campaign(options.work, "clock-s", "%H:%M:%S"),
    }
    rows, worst = [], {}
    for what, publication in ours.items():
        cpu, x_cpu, memory = measure(contestants.ours(options.build, publication, "--plays", "JOURNAL"), options.seconds)
        rows.append(("bangtin", what, f"{cpu:.2f}", f"{x_cpu:.2f}", f"{memory:.0f}"))
        worst[what] = cpu
    for name, make in contestants.chosen_peers(options.peers).items():
        if name in ("mpv", "vlc"):
            cpu, x_cpu, memory = measure(make([still["path"]], FOREVER_S), options.seconds)
            rows.append((name, "still", f"{cpu:.2f}", f"{x_cpu:.2f}", f"{memory:.0f}"))
    print("Percent of one core")
    report.table(("player", "shows", "CPU %", "+X %", "peak MiB"), rows)
    for what, cpu in worst.items():
        report.floor(what, cpu, LIMIT_PERCENT, " %")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
