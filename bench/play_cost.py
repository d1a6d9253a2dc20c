#!/usr/bin/env python3
"""What it costs to play one 1080p25 clip full screen: CPU against decoding alone, and memory.

Ours and every peer that is installed, in turn. CPU is user + system of the player's process, and in
a column of its own the X server's. Decoding alone is `ffmpeg -threads 1 -i CLIP -an -f null -`,
measured before and after the players and taken in the middle.

  bench/play_cost.py BUILD_DIR [--bitrate 8M,2500k] [--seconds 60] [--peers all]
"""

import os
import resource
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Studio, full_screen  # noqa: E402
from screen import Screen, Watch, cpu_seconds, memory_mib, merge_sizes, stop  # noqa: E402
from spells import Tally  # noqa: E402

# Starting up is not what is measured here.
SETTLE_S = 3

# bit rate: the clip's number and noise, and what a minute may cost in terms of decoding
CLIPS = {"8M": (101, 24, 1.2), "2500k": (104, 9, 1.5)}
CLIP_S = 65

OPTIONS = (
    ("--bitrate", dict(default="8M,2500k", metavar="RATES")),
    ("--seconds", dict(type=int, default=60)),
)


def decode_per_minute(clip, pace=(), seconds=None):
    """CPU seconds for a minute of the clip, as fast as it goes or, with `-re`, at its own pace."""
    seconds = seconds or clip["ms"] / 1000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", *pace, "-t", str(seconds), "-i", clip["path"],
                    "-an", "-f", "null", "-"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 60 / seconds


def play(build, command, clip, seconds):
    """CPU seconds a minute, the X server's, peak MiB, and what was seen of the frames."""
    with Screen() as screen:
        watch = Watch(build, screen, seconds + 20)
        player = screen.start(command)
        time.sleep(SETTLE_S)
        cpu, x_cpu, from_ns = cpu_seconds(player.pid), screen.cpu_seconds(), time.monotonic_ns()
        time.sleep(min(seconds, CLIP_S - 2) - SETTLE_S)
        minutes = (time.monotonic_ns() - from_ns) / 60e9
        cpu, x_cpu = cpu_seconds(player.pid) - cpu, screen.cpu_seconds() - x_cpu
        until_ns, memory = time.monotonic_ns(), memory_mib(player.pid)
        stop(player)
        seen = merge_sizes(watch.finish())
    return cpu / minutes, x_cpu / minutes, memory, Tally(seen, clip, 0, from_ns, until_ns)


def compare(options, studio, rate):
    number, noise, limit = CLIPS[rate]
    clip = studio.clip(number, 1920, 1080, 25, CLIP_S, bitrate=rate, noise=noise)
    commands = {"bangtin": contestants.ours(options.build, full_screen(options.work, f"cost-{rate}", [clip]))}
    commands.update({name: make([clip["path"]], 1) for name, make in contestants.chosen_peers(options.peers).items()})
    decode = [decode_per_minute(clip) for _ in range(2)]
    costs = {name: play(options.build, command, clip, options.seconds) for name, command in commands.items()}
    decode = sorted([*decode, decode_per_minute(clip)])
    paced = decode_per_minute(clip, ["-re"], options.seconds)
    print(f"1080p25, {os.path.getsize(clip['path']) * 8 / clip['ms'] / 1000:.1f} Mbit/s; decoding alone "
          f"{decode[0]:.2f} {decode[1]:.2f} {decode[2]:.2f} CPU-s per minute")
    print(f"  decoding alone at the clip's own pace, asleep between frames: {paced:.2f}, {paced / decode[1]:.2f} × the above")
    report.table(("player", "CPU-s/min", "+X", "× decoding", "× bangtin", "peak MiB", "frames due", "not seen", "held"),
                 [(name, f"{cpu:.2f}", f"{x_cpu:.2f}", f"{cpu / decode[1]:.2f}", f"{cpu / costs['bangtin'][0]:.2f}",
                   f"{memory:.0f}", tally.due, tally.missed, tally.held)
                  for name, (cpu, x_cpu, memory, tally) in costs.items()])
    ours = costs.pop("bangtin")[0]
    report.floor("CPU against decoding alone", ours / decode[1], limit, " ×")
    if costs:
        name, thriftiest = min(((name, cost[0]) for name, cost in costs.items()), key=lambda pair: pair[1])
        report.floor(f"CPU against {name}, the thriftiest peer", ours / thriftiest, 1.0, " ×")


def main():
    options = report.arguments(__doc__, OPTIONS)
    report.describe_machine()
    studio = Studio(options.work, options.build)
    for rate in options.bitrate.split(","):
        compare(options, studio, rate)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
