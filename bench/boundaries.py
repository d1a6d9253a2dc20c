#!/usr/bin/env python3
"""What happens where one item ends and the next begins, seen from outside.

Plays clips and stills of mixed sizes, codecs and frame rates, an 8K JPEG among them, and reads the
frame-number marks off the X screen. A boundary's gap is the lateness of the next item's first
picture against the due end of the one before: when that was first seen plus its length.

  bench/boundaries.py BUILD_DIR [--boundaries N] [--busy] [--work DIR]
"""

import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from media import Studio, campaign  # noqa: E402
from screen import Load, Screen, observe, peak_memory_mib, quantiles, read_seen, stop  # noqa: E402


def make_items(studio):
    clips = [
        studio.clip(1, 1920, 1080, 25, 1.2, "h264"),
        studio.clip(2, 1280, 720, 30, 1.0, "h264", "mkv"),
        studio.clip(3, 960, 540, 50, 0.8, "h264", "ts"),
        studio.clip(4, 1920, 1080, (30000, 1001), 1.0, "hevc"),
        studio.clip(5, 640, 360, 25, 1.0, "hevc", "mkv"),
        studio.clip(6, 1920, 1080, 60, 0.7, "h264"),
    ]
    stills = [
        studio.still(11, 1920, 1080, "png", 0.8),
        studio.still(12, 7680, 4320, "jpg", 1.0),
        studio.still(13, 1280, 720, "webp", 0.6),
        studio.still(14, 3840, 2160, "png", 0.9),
    ]
    v, s = clips, stills
    # video→video, video→still, still→video, still→still, in every pairing of neighbours.
    order = [v[0], v[1], s[0], v[2], s[1], s[2], v[3], v[4], v[5], s[3], s[0], v[0], s[1], v[5], v[2], v[4], s[2],
             v[1], v[3], v[0], s[3], v[5], s[1], s[0]]
    return order


def analyse(seen, items):
    """Per boundary: gap, missing first and last pictures; over all: black, frames missing."""
    by_id = {item["id"]: item for item in items}
    runs = []  # [clip, first seen, last frame seen, frames seen]
    black = [0, 0]
    for i, (t, _, clip, frame) in enumerate(seen):
        until = seen[i + 1][0] if i + 1 < len(seen) else t
        if clip == -1 and runs:
            black[0] += 1
            black[1] += until - t
        if clip < 0:
            continue
        if not runs or runs[-1]["clip"] != clip or frame < runs[-1]["last"]:
            runs.append({"clip": clip, "t": t, "first": frame, "last": frame, "count": 0, "until": t})
        run = runs[-1]
        run["count"] += frame != run["last"] or run["count"] == 0
        run["last"] = frame
        run["until"] = until
    gaps, missing_first, missing_last, missing = [], 0, 0, 0
    for before, after in zip(runs[:-1], runs[1:]):
        item = by_id[before["clip"]]
        gaps.append((after["t"] - before["t"]) / 1e6 - item["frames"] * item["frame_ms"])
        missing_first += after["first"] != 0
        missing_last += before["last"] != item["frames"] - 1
        missing += item["frames"] - before["count"]
    return runs, gaps, missing_first, missing_last, missing, black


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--boundaries", type=int, default=1000)
    parser.add_argument("--busy", action="store_true", help="keep every core busy with other work")
    parser.add_argument("--work", default="/tmp/bangtin-bench")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    studio = Studio(os.path.join(arguments.work, "media"), os.path.join(build, "bench", "make-marks"))
    items = make_items(studio)
    publication = campaign(os.path.join(arguments.work, "boundaries"), items)
    round_s = sum(item["ms"] for item in items) / 1000
    seconds = int(round_s * (arguments.boundaries / len(items)) + 4)
    screen = Screen()
    load = Load(arguments.busy)
    watcher = observe(os.path.join(build, "bench", "observer"), screen, seconds + 2)
    player = subprocess.Popen(
        [os.path.join(build, "player", "bangtin-player"), "play", publication, "--assets",
         os.path.join(os.path.dirname(publication), "assets"), "--window", "1920x1080+0+0", "--clock", "trusted",
         "--plays", os.path.join(screen.directory, "plays.db"), "--for", str(seconds)],
        env=screen.environment)
    fds = []
    for _ in range(seconds - 2):
        try:
            player.wait(1)
            break
        except subprocess.TimeoutExpired:
            fds.append(len(os.listdir(f"/proc/{player.pid}/fd")))
    memory = peak_memory_mib(player.pid) if player.poll() is None else 0
    player.wait()
    watcher.wait()
    load.close()
    screen.close()
    seen, samples = read_seen(watcher.seen_path)
    runs, gaps, first, last, missing, black = analyse(seen, items)
    low, middle, high, worst = quantiles(gaps[:-1])
    over = sum(gap > 4 for gap in gaps[:-1])
    print(f"boundaries {len(gaps) - 1}  gap ms min {low:.1f} median {middle:.1f} p99 {high:.1f} max {worst:.1f}  "
          f"over 4 ms: {over}")
    print(f"black pictures {black[0]} ({black[1] / 1e6:.0f} ms)  first frame missing {first}  last frame missing {last}  "
          f"frames missing {missing}")
    print(f"peak memory {memory:.0f} MiB  descriptors {min(fds, default=0)}..{max(fds, default=0)}  observer: {samples}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
