"""What all measuring programs take and how they say whether a floor holds."""

import argparse
import os

missed = []  # the floors that did not hold


def arguments(description, options=(), peers=True):
    """`options`: (name, settings of argparse)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build directory; release builds give the figures that count")
    for name, settings in options:
        parser.add_argument(name, **settings)
    if peers:
        parser.add_argument("--peers", default="all", help="all, none, or some of mpv,vlc,gst-play,ffplay")
    parser.add_argument("--work", default="/tmp/bangtin-bench", help="where media are kept from run to run")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a floor is missed")
    chosen = parser.parse_args()
    chosen.build = os.path.abspath(chosen.build)
    return chosen


def floor(what, value, limit, unit="", at_least=False):
    """Prints a line with the measured value, the floor and whether it holds."""
    holds = value >= limit if at_least else value <= limit
    missed.extend([] if holds else [what])
    number = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    print(f"  {what}: {number}{unit}  (floor: {'≥' if at_least else '≤'} {limit}{unit})  "
          f"{'holds' if holds else 'MISSES'}", flush=True)


def exit_status(options):
    return 1 if options.strict and missed else 0


def table(heads, rows):
    """Columns as wide as they need; numbers to the right."""
    cells = [list(map(str, row)) for row in [heads, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))), flush=True)


def describe_machine():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    load = os.getloadavg()[0]
    print(f"{len(names)} × {names[0] if names else 'processor'}; load average at the start {load:.1f}", flush=True)
