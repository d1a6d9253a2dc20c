#!/usr/bin/env python3
"""What happens where one item ends and the next begins, seen from outside.

Plays clips and stills of mixed sizes, codecs and frame rates, cards and an 8K JPEG among them, and
reads the frame-number marks off the X screen. A boundary's gap is the lateness of the next item's
first picture against the due end of the one before: when that was first seen plus its length.
The peers play the same files (no text cards, and all stills equally long).

With --transitions every item comes in by another transition in turn. Marks cannot be read while
pictures move, so it is the player's own frame log that says when each item began and how many
refreshes each transition was drawn at; black is still looked for from outside.

  bench/boundaries.py BUILD_DIR [--boundaries 1000] [--busy] [--x-realtime] [--peers all] [--peer-boundaries 24]
                      [--transitions] [--backend soft]
"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contestants  # noqa: E402
import report  # noqa: E402
from media import Studio, full_screen, text_card  # noqa: E402
from screen import Load, Screen, Watch, merge_sizes, quantiles, stop  # noqa: E402
from spells import MAX_GAP_MS, Boundaries  # noqa: E402

PEER_STILL_S = 1

# Of the pictures below, for players that do not scale.
SIZES = ("0,0,1920,1080", "0,0,1280,720", "0,0,960,540", "0,0,640,360", "0,0,3840,2160", "0,0,7680,4320")

OPTIONS = (
    ("--boundaries", dict(type=int, default=1000, metavar="N")),
    ("--busy", dict(action="store_true", help="keep every core busy with other work")),
    ("--x-realtime", dict(action="store_true", help="give the X server real-time priority, too")),
    ("--transitions", dict(action="store_true", help="every item comes in by another transition")),
    ("--backend", dict(default="auto", help="auto, soft, gles2")),
    ("--peer-boundaries", dict(type=int, default=24, metavar="N")),
)


# Half of the shortest item and a little less.
TRANSITION_MS = 280
TRANSITIONS = [{"type": "cut"}, {"type": "crossfade"}, {"type": "fade", "colour": "#0b1f3a"},
               *({"type": kind, "towards": towards} for kind in ("slide", "push", "wipe")
                 for towards in ("left", "right", "up", "down"))]

# A refresh takes 16.7 ms; a step of a transition that took longer than this left one out.
MAX_STEP_MS = 25


def make_items(studio):
    """Every pairing of neighbours: clip or still, then clip or still; and cards in between."""
    v = [
        studio.clip(1, 1920, 1080, 25, 1.2, "h264"),
        studio.clip(2, 1280, 720, 30, 1.0, "h264", "mkv", "4M"),
        studio.clip(3, 960, 540, 50, 0.8, "h264", "ts", "3M"),
        studio.clip(4, 1920, 1080, (30000, 1001), 1.0, "hevc"),
        studio.clip(5, 640, 360, 25, 1.0, "hevc", "mkv", "1M"),
        studio.clip(6, 1920, 1080, 60, 0.7, "h264", bitrate="8M"),
    ]
    s = [
        studio.still(11, 1920, 1080, "png", 0.8),
        studio.still(12, 7680, 4320, "jpg", 1.0),
        studio.still(13, 1280, 720, "webp", 0.6),
        studio.still(14, 3840, 2160, "png", 0.9, noise=2),
    ]
    card = text_card(0.7)
    return [v[0], v[1], s[0], v[2], s[1], s[2], card, v[3], v[4], v[5], s[3], s[0], v[0], s[1], v[5], card, s[2],
            v[2], v[4], v[1], v[3], v[0], s[3], v[5], s[1], s[0]]


def round_seconds(items):
    return sum(item["ms"] for item in items) / 1000


def watch(build, screen, command, seconds, order, zones=()):
    """Runs a contestant for so long and judges what was seen."""
    watch_ = Watch(build, screen, seconds + 10, zones)
    player = screen.start(command)
    end = time.monotonic() + seconds
    while time.monotonic() < end and player.poll() is None:
        time.sleep(0.1)
    stop(player)
    seen = watch_.finish()
    if zones:
        seen = merge_sizes(seen)
    return Boundaries(seen, order, watch_.pauses), watch_


def rows_of(name, seen):
    for kind, gaps in sorted(seen.gaps.items()):
        low, middle, high, worst = quantiles(gaps)
        late = sum(gap > MAX_GAP_MS for gap in gaps)
        early = sum(gap < -MAX_GAP_MS for gap in gaps)
        yield (name, kind, len(gaps), f"{low:.1f}", f"{middle:.1f}", f"{high:.1f}", f"{worst:.1f}", late, early)


def summary_of(name, seen):
    return (name, len(seen.all_gaps()), len(seen.black), f"{sum(ms for _, ms in seen.black):.0f}",
            seen.first_missing, seen.last_missing, seen.frames_missing, seen.skipped)


def play_ours(options, publication, items, boundaries, screen, prefix=()):
    seconds = round_seconds(items) * boundaries / len(items) + 3
    journal = os.path.join(screen.directory, "plays.db")
    log = os.path.join(os.path.dirname(publication), "frames.jsonl")
    command = [*prefix, *contestants.ours(options.build, publication, "--plays", journal, "--frame-log", log,
                                          "--backend", options.backend)]
    return watch(options.build, screen, command, seconds, items)


def play_peer(options, name, make, items, screen):
    order = [dict(item, ms=PEER_STILL_S * 1000, frame_ms=PEER_STILL_S * 1000) if item["type"] == "image" else item
             for item in items if item["type"] != "text"]
    count = options.peer_boundaries
    files = [item["path"] for item in (order * (count // len(order) + 1))[:count + 1]]
    # Twice the time it should take, for those that dwell on an item.
    seconds = 2 * round_seconds(order) * count / len(order) + 5
    return watch(options.build, screen, make(files, PEER_STILL_S), seconds, order,
                 SIZES if name in contestants.OWN_SIZE else ())[0]


def add_transitions(publication):
    """As many rounds of the playlist as it takes for every item to come in by every transition."""
    with open(publication, encoding="utf-8") as file:
        document = json.load(file)
    items = document["playlists"][0]["items"]
    rounds = [dict(item, id=f"{item['id']}-{n}") for n in range(len(TRANSITIONS)) for item in items]
    for place, item in enumerate(rounds):
        transition = dict(TRANSITIONS[(place + place // len(items)) % len(TRANSITIONS)])
        if transition["type"] != "cut":
            transition["ms"] = TRANSITION_MS
        item["transition"] = transition
    document["playlists"][0]["items"] = rounds
    with open(publication, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
    return rounds


class Logged:
    """Boundaries by the frame log: {type of transition: [(gap ms, steps, longest step ms)]}."""

    def __init__(self, log, rounds, lengths_ms):
        self.rows = {}
        transitions = {item["id"]: item["transition"]["type"] for item in rounds}
        presents = []
        with open(log, encoding="utf-8") as file:
            for line in file:
                try:
                    frame = json.loads(line)
                except ValueError:
                    break  # the player was stopped in the middle of it
                presents += [(frame["t_ns"] / 1e6, zone["item"]) for zone in frame["zones"]]
        starts = [i for i in range(1, len(presents)) if presents[i][1] != presents[i - 1][1]]
        for last, this in zip(starts[:-1], starts[1:]):
            t_ms, item = presents[this]
            if presents[-1][0] < t_ms + TRANSITION_MS:
                break  # the player was stopped in its middle
            gap = t_ms - presents[last][0] - lengths_ms[presents[last][1]]
            steps = [t for t, _ in presents[this:this + 64] if t <= t_ms + TRANSITION_MS]
            pauses = [b - a for a, b in zip(steps[:-1], steps[1:])]
            self.rows.setdefault(transitions[item], []).append((gap, len(steps), max(pauses, default=0)))

    def table(self):
        for kind, rows in self.rows.items():
            gaps = sorted(gap for gap, _, _ in rows)
            low, middle, high, worst = quantiles(gaps)
            moving = kind != "cut"
            yield (kind, len(rows), f"{low:.1f}", f"{middle:.1f}", f"{high:.1f}", f"{worst:.1f}",
                   sum(gap > MAX_GAP_MS for gap in gaps),
                   min(steps for _, steps, _ in rows) if moving else "",
                   f"{max(pause for _, _, pause in rows):.1f}" if moving else "",
                   sum(pause > MAX_STEP_MS for _, _, pause in rows) if moving else "")

    def all(self):
        return [row for rows in self.rows.values() for row in rows]


def measure_transitions(options, items, publication, screen):
    rounds = add_transitions(publication)
    lengths_ms = {item["id"]: items[place % len(items)]["ms"] for place, item in enumerate(rounds)}
    seen, watch_ = play_ours(options, publication, items, options.boundaries, screen)
    logged = Logged(os.path.join(os.path.dirname(publication), "frames.jsonl"), rounds, lengths_ms)
    print(f"Boundaries with a transition of {TRANSITION_MS} ms, {options.backend}, by the frame log: ms")
    report.table(("transition", "n", "min", "median", "p99", "max", f">{MAX_GAP_MS}", "fewest steps", "longest step",
                  f">{MAX_STEP_MS}"), list(logged.table()))
    print(f"bangtin; {watch_.describe()}")
    report.floor("black between items", len(seen.black), 0)
    report.floor("latest start after the due end", max((gap for gap, _, _ in logged.all()), default=float("inf")),
                 MAX_GAP_MS, " ms")


def judge(seen):
    gaps = seen.all_gaps()
    report.floor("black between items", len(seen.black), 0)
    report.floor("first frames missing", seen.first_missing, 0)
    report.floor("last frames missing", seen.last_missing, 0)
    report.floor("items not shown or out of turn", seen.skipped, 0)
    report.floor("latest start after the due end", max(gaps, default=float("inf")), MAX_GAP_MS, " ms")
    print(f"  later than {MAX_GAP_MS} ms: {sum(gap > MAX_GAP_MS for gap in gaps)} of {len(gaps)}; {seen.blind} of them "
          "when the system held the observer up, too")
    for t_ns, what, gap in seen.late:
        print(f"    {what}: {gap:.1f} ms late, first seen at {t_ns / 1e6:.1f} ms of the monotonic clock")


def main():
    options = report.arguments(__doc__, OPTIONS)
    report.describe_machine()
    items = make_items(Studio(options.work, options.build))
    publication = full_screen(options.work, "boundaries", items)
    if options.transitions:
        with Screen(realtime=options.x_realtime) as screen, Load(options.busy):
            measure_transitions(options, items, publication, screen)
        return report.exit_status(options)
    with Screen(realtime=options.x_realtime) as screen, Load(options.busy):
        ours, judge_ = play_ours(options, publication, items, options.boundaries, screen)
        results = {"bangtin": ours}
        if options.busy:
            results["bangtin, ordinary priority"], _ = play_ours(options, publication, items, options.peer_boundaries,
                                                                 screen, contestants.ORDINARY)
        for name, make in contestants.chosen_peers(options.peers).items():
            results[name] = play_peer(options, name, make, items, screen)
    print(f"Item boundaries, {'every core kept busy' if options.busy else 'idle machine'}: gaps in ms")
    report.table(("player", "boundary", "n", "min", "median", "p99", "max", f">{MAX_GAP_MS}", f"<-{MAX_GAP_MS}"),
                 [row for name, seen in results.items() for row in rows_of(name, seen)])
    print("Over all boundaries")
    report.table(("player", "n", "black", "black ms", "first missing", "last missing", "frames missing", "not shown"),
                 [summary_of(name, seen) for name, seen in results.items()])
    print(f"bangtin; {judge_.describe()}")
    judge(ours)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
