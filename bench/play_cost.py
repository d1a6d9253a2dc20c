#!/usr/bin/env python3
"""What it costs to play one clip full screen: CPU against decoding alone, memory, start, frames.

Ours and every peer that is installed, in turn in the same run. CPU is user + system of the process
tree; decoding alone is `ffmpeg -threads 1 -i CLIP -an -f null -`. The start is from fork to the
first frame seen on the screen, warm cache.

  bench/play_cost.py BUILD_DIR [--fps 25] [--bitrate 8M] [--seconds 60] [--only ours,mpv]
"""

import argparse
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
from media import Studio, campaign  # noqa: E402
from screen import Screen, cpu_seconds, observe, peak_memory_mib, read_seen, stop  # noqa: E402

START_RUNS = 5


def decode_cpu_per_minute(clip):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", clip["path"], "-an", "-f", "null",
                    "-"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 60000 / clip["ms"]


def count_frames(seen, clip, first_ns, last_ns):
    """Frames due in the span, missed ones, pairs of missed ones in a row, and held ones."""
    shown = [(t, frame) for t, _, number, frame in seen if number == clip["id"] and first_ns <= t <= last_ns]
    missed = pairs = held = total = 0
    for (t0, f0), (t1, f1) in zip(shown[:-1], shown[1:]):
        step = f1 - f0
        if step <= 0:
            continue
        total += step
        missed += step - 1
        pairs += step > 2
        held += (t1 - t0) / 1e6 > 1.5 * clip["frame_ms"] * step
    return total, missed, pairs, held


def first_frame_ms(command, observer, screen):
    watcher = observe(observer, screen, 4)
    time.sleep(0.3)
    started = time.monotonic_ns()
    player = subprocess.Popen(command, env=screen.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watcher.wait()
    stop(player)
    seen, _ = read_seen(watcher.seen_path)
    times = [t for t, _, clip, _ in seen if clip >= 0 and t > started]
    return (times[0] - started) / 1e6 if times else float("nan")


def play(command, observer, screen, clip, seconds):
    watcher = observe(observer, screen, seconds + 2)
    player = subprocess.Popen(command, env=screen.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    settle = 3
    time.sleep(settle)
    cpu0, x0, t0 = cpu_seconds(player.pid), screen.cpu_seconds(), time.monotonic_ns()
    time.sleep(seconds - settle - 2)
    cpu1, x1, t1 = cpu_seconds(player.pid), screen.cpu_seconds(), time.monotonic_ns()
    memory = peak_memory_mib(player.pid)
    stop(player)
    watcher.wait()
    seen, samples = read_seen(watcher.seen_path)
    minutes = (t1 - t0) / 60e9
    return (cpu1 - cpu0) / minutes, (x1 - x0) / minutes, memory, count_frames(seen, clip, t0, t1), samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--bitrate", default="8M")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--work", default="/tmp/bangtin-bench")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    observer = os.path.join(build, "bench", "observer")
    contestants.prepare()
    studio = Studio(os.path.join(arguments.work, "media"), os.path.join(build, "bench", "make-marks"))
    noise = {"8M": 24, "2500k": 6}.get(arguments.bitrate, 12)
    clip = studio.clip(101, 1920, 1080, arguments.fps, arguments.seconds + 10, bitrate=arguments.bitrate, noise=noise)
    publication = campaign(os.path.join(arguments.work, f"cost-{arguments.fps}-{arguments.bitrate}"), [clip])
    rate = os.path.getsize(clip["path"]) * 8 / clip["ms"] / 1000
    commands = {"ours": contestants.ours(build, publication)}
    commands.update({name: make([clip["path"]]) for name, make in contestants.PEERS.items()})
    decode = decode_cpu_per_minute(clip)
    print(f"1080p{arguments.fps}, {rate:.1f} Mbit/s; decoding alone {decode:.2f} CPU-s per minute")
    print("player       CPU-s/min  +X   × decode   peak MiB   start ms   frames  missed  pairs  held")
    for name, command in commands.items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        screen = Screen()
        starts = sorted(first_frame_ms(command, observer, screen) for _ in range(START_RUNS))
        cpu, x_cpu, memory, (total, missed, pairs, held), _ = play(command, observer, screen, clip, arguments.seconds)
        screen.close()
        print(f"{name:12} {cpu:8.2f} {x_cpu:5.2f} {cpu / decode:8.2f} {memory:10.0f} {starts[START_RUNS // 2]:10.0f} "
              f"{total:8} {missed:7} {pairs:6} {held:5}", flush=True)
    print(f"decode again {decode_cpu_per_minute(clip):.2f} CPU-s per minute")
    return 0


if __name__ == "__main__":
    sys.exit(main())
