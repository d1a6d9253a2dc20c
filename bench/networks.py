#!/usr/bin/env python3
"""Push, takedown, emergency and download over networks as communes have them.

The server stands in one network namespace, each player in another; between them is a line with a rate, a delay
and a loss (link.py), TLS and TCP are the real ones. For each network, times from the command's start to the
present; then a clip is fetched while the connections are cut (as a modem with a new address does) and the line
is dead for a while, and a takedown is given into the dead line.

Always: what stands on a screen is one item of one publication, and no publication returns that was replaced;
what was taken down does not come back; for each interruption at most 64 KiB of a file are read twice.

  bench/networks.py BUILD_DIR [--players 2] [--rounds 5] [--network NAME]        as root
"""

import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
from link import Link, Namespace  # noqa: E402
from push_house import HEIGHT, UNIT, WARNING, WIDTH, House  # noqa: E402
from screen import Screen  # noqa: E402

SERVER, PORT = "10.77.255.1", 8443
PATIENCE_S = 300
AGAIN_BYTES = 65536
# TLS's own bytes, heads of answers, metadata, orders and pings that pass while a clip is fetched.
BESIDE_BYTES, BESIDE_PART = 48 * 1024, 0.02

NETWORKS = {
    "adsl": {"kbit": 4000, "rtt_ms": 60, "loss": 0.005, "clip_kib": 4096, "says": "4 Mbit/s, 60 ms, 0.5 % lost"},
    "3g": {"kbit": 1000, "rtt_ms": 300, "loss": 0.05, "clip_kib": 2048, "says": "1 Mbit/s, 300 ms, 5 % lost"},
    "edge": {"kbit": 160, "rtt_ms": 600, "loss": 0.02, "clip_kib": 384, "says": "160 kbit/s, 600 ms, 2 % lost"},
}
OPTIONS = (
    ("--players", dict(type=int, default=2, metavar="N")),
    ("--rounds", dict(type=int, default=5, metavar="N")),
    ("--network", dict(choices=[*NETWORKS, "all"], default="all")),
    ("--outage", dict(type=int, default=20, metavar="S", help="how long the line is dead")),
)


class FarHouse(House):
    """Server and operators in one namespace, each player in its own at the other end of a line."""

    server_options = ("--listen", f"{SERVER}:{PORT}")

    def __init__(self, build, screen, network):
        super().__init__(build, screen)
        self.network, self.far, self.links = network, [], []
        self.centre = Namespace("server")
        self.centre.ip("address", "add", SERVER, "dev", "lo")

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        for part in (*self.links, *self.far, self.centre):
            part.close()

    def inside(self, name, command):
        number = re.match(r"player-(\d+)", name)
        return (self.far[int(number[1])] if number else self.centre).command(command)

    def add_player(self, number):
        self.far.append(Namespace(f"player{number}"))
        self.links.append(Link(number, self.centre, self.far[-1], self.network, seed=number + 1))
        self.far[-1].ip("route", "add", "default", "dev", f"bt{number}")
        super().add_player(number)

    def said(self, number):
        with open(self.path(f"player-{number}.log"), encoding="utf-8") as file:
            return file.read()

    def cut(self):
        """Every connection of every player is reset, on the player's side; the server learns of it by itself."""
        for namespace in self.far:
            subprocess.run(namespace.command(["ss", "-K", "dst", SERVER]), check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)  # of those that are closing already

    def set_down(self, down):
        for link in self.links:
            link.down = down

    def received(self):
        """Bytes of TCP that each player got: what it could read, and with what came after a gap."""
        return [link.ways[0].received.bytes() for link in self.links]


def find_wrong(presents, taken):
    """Presents that show other than one item of the newest publication seen or of its successor, or what has left. Nothing
    may stand only where an item stood that was taken down, until the next one is there."""
    wrong, newest, before, left = [], -1, None, set()
    for t_ns, items in presents:
        shown = sorted(items - {"tin-khan"})
        if not shown:
            if before is not None and before not in taken:
                wrong.append((t_ns, shown))
            continue
        if shown[0] != before:
            left.add(before)
        before = shown[0]
        publication = int(before.split("-")[1])
        if len(shown) > 1 or publication < newest or before in left:
            wrong.append((t_ns, shown))
        newest = max(newest, publication)
    return wrong


class Field:
    """One network, what is done over it, and the times."""

    def __init__(self, house):
        self.house = house
        self.times = {"signature → frame": [], "takedown → gone": [], "emergency → frame": [], "end → gone": []}
        self.taken = set()

    def measure(self, what, wanted, began):
        found = self.house.until_all(began, wanted, PATIENCE_S)
        self.times.setdefault(what, []).extend(found)
        return found

    def publish(self, number, media, kind="image"):
        proposal = self.house.propose(number, media, kind)
        began = time.monotonic_ns()
        self.house.bangtin("approve", proposal, "--yes", "--key", "an.json")
        return began

    def take_down(self, number, media):
        self.house.bangtin("takedown", "now", "--unit", UNIT, "--media", media, "--reason", "đo", "--wait", "0", unheard=True)
        self.taken.add(f"muc-{number}-0")

    def round(self, number, rest):
        house = self.house
        extra = house.upload(f"x{number}.png", f"0x{number * 7919 % 0xffffff:06x}")
        self.measure("signature → frame", lambda items: f"muc-{number}-0" in items, self.publish(number, [extra, *rest]))
        began = time.monotonic_ns()
        self.take_down(number, extra)
        self.measure("takedown → gone", lambda items: f"muc-{number}-1" in items, began)
        began = time.monotonic_ns()
        emergency = house.ask("emergency", "start", f"u/{UNIT}/template-tin", "--field", "ten=BÃO", "--minutes", "5", "--key",
                              "truc.json", "--wait", "0", unheard=True)["id"]
        self.measure("emergency → frame", lambda items: "tin-khan" in items, began)
        began = time.monotonic_ns()
        house.bangtin("emergency", "end", emergency, "--wait", "0", unheard=True)
        self.measure("end → gone", lambda items: items and "tin-khan" not in items, began)


def upload_clip(house, kib, name):
    """A clip of so many bytes, none of which can be guessed."""
    path = house.path(name)
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:duration=2", "-c:v", "libx264",
                    "-pix_fmt", "yuv420p", "-movflags", "+faststart", path], check=True)
    with open(path, "ab") as file:
        rest = max(16, (kib << 10) - file.tell())
        file.write(rest.to_bytes(4, "big") + b"free" + os.urandom(rest - 8))
    return house.ask("upload", name, "--unit", UNIT)["media"], os.path.getsize(path)


def wait_connected(house, before):
    """Seconds until each player has said once more that it is connected."""
    began, times = time.monotonic(), {}
    while len(times) < len(before):
        for number, count in enumerate(before):
            if number not in times and house.said(number).count("Connected to") > count:
                times[number] = time.monotonic() - began
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"a player did not connect again; {house.dir}")
        time.sleep(0.05)
    return list(times.values())


def interrupt(field, rest, options):
    """A clip is fetched; its connections are cut twice, and the line is dead for a while, into which a takedown is given."""
    house, chance, number = field.house, random.Random(7), options.rounds
    clip, size = upload_clip(house, house.network["clip_kib"], "clip.mp4")
    extra = house.upload("z.png", "0x123456")
    base = field.publish(number, [extra, *rest])
    house.until_all(base, lambda items: f"muc-{number}-0" in items, PATIENCE_S)
    time.sleep(3)  # what follows a change has passed
    before, length_s = house.received(), size / (house.network["kbit"] * 125)
    began = field.publish(number + 1, [clip], "video")
    for _ in range(2):
        time.sleep(length_s * chance.uniform(0.2, 0.4))
        connected = [house.said(i).count("Connected to") for i in range(len(house.logs))]
        house.cut()
        field.times.setdefault("cut → hints again", []).extend(1000 * s for s in wait_connected(house, connected))
    house.set_down(True)
    fetching = sum(f"muc-{number + 1}-0" not in log.now() for log in house.logs)
    time.sleep(1)
    field.take_down(number, extra)
    time.sleep(options.outage)
    up = time.monotonic_ns()
    house.set_down(False)
    field.measure("line back → takedown given meanwhile", lambda items: items and f"muc-{number}-0" not in items, up)
    field.measure("clip → frame, with two cuts and the outage", lambda items: f"muc-{number + 1}-0" in items, began)
    beside = BESIDE_BYTES + round(BESIDE_PART * size)
    report.floor("\nplayers still fetching when the line died", fetching, len(house.logs), at_least=True)
    return [[max(0, got[i] - had[i] - size - beside) for had, got in zip(before, house.received())] for i in range(2)]


def measure_network(options, name):
    network = NETWORKS[name]
    with Screen() as screen, FarHouse(options.build, screen, network) as house:
        house.open()
        for number in range(options.players):
            house.add_player(number)
        house.bangtin("publish", "tin", "--unit", UNIT, "--layer", "template", "--recipe", house.write("template.json", WARNING),
                      "--yes", "--key", "an.json")
        rest = [house.upload("a.png", "red"), house.upload("b.png", "blue")]
        field = Field(house)
        for number in range(options.rounds):
            field.round(number, rest)
            print(f"\r  {name}: round {number + 1} of {options.rounds} ", end="", file=sys.stderr, flush=True)
        again, with_gaps = interrupt(field, rest, options)
        presents = [log.now() and log.presents for log in house.logs]
        wrong = [(number, *each) for number, log in enumerate(presents) for each in find_wrong(log, field.taken)]
        lost = [way.lost / max(1, way.lost + way.count) for link in house.links for way in link.ways]
    print(f"\n{name}: {network['says']}; {100 * min(lost):.1f} to {100 * max(lost):.1f} % of the packets did not arrive")
    rows = {what: sorted(values) for what, values in field.times.items()}
    report.table(("ms", "n", "median", "p95", "max"),
                 [(what, len(v), *(f"{v[min(len(v) - 1, int(len(v) * q))]:.0f}" for q in (0.5, 0.95, 1))) for what, v in rows.items()])
    report.floor(f"presents that show neither the old nor the new, of {sum(map(len, presents))}", len(wrong), 0)
    report.floor("bytes of the clip that were read twice, for three interruptions", max(again), 3 * AGAIN_BYTES)
    print(f"  of what came after a gap and was lost with its connection, too: {max(with_gaps)}")
    for each in wrong[:5]:
        print("   ", each)


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        raise SystemExit("root and /dev/net/tun are needed")
    report.describe_machine()
    for name in NETWORKS if options.network == "all" else [options.network]:
        measure_network(options, name)
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
