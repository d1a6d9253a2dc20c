#!/usr/bin/env python3
"""From a click on the central server to the frame on the screens.

A real server, its operators' own commands and real players in windows of one X server: how long from the
start of the command that gives the last needed signature, the takedown, the emergency or its end, to the
first present of each player that shows it (or no longer shows it). Times are the players' own frame logs'.
The commands' own start and their checking of every hash are inside the figures.

  bench/push.py BUILD_DIR [--players 20] [--rounds 20]
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
from screen import Screen, stop  # noqa: E402

WIDTH, HEIGHT, COLUMNS = 320, 180, 6
UNIT = "31333"
WAIT_S = 60

OPTIONS = (
    ("--players", dict(type=int, default=20, metavar="N")),
    ("--rounds", dict(type=int, default=20, metavar="N")),
)

WARNING = {
    "activate": "now", "fields": [{"name": "ten", "type": "text", "max_bytes": 60}],
    "playlists": [{"name": "tin", "items": [{"id": "tin-khan", "type": "text", "text": "{ten}", "seconds": 60,
                                             "style": {"size": 24, "background": "#a4161a"}}]}],
    "schedule": [{"layout": "khan-cap"}, {"zone": "dai", "playlist": "tin"}],
}
SCREEN = {
    "canvas": {"width": WIDTH, "height": HEIGHT}, "carries": [f"u/{UNIT}/chung"],
    "layouts": [{"name": "thuong", "zones": [{"name": "chinh"}]},
                {"name": "khan-cap", "zones": [{"name": "chinh"}, {"name": "dai", "x": 0, "y": 0, "width": WIDTH, "height": 60, "order": 9}]}],
}


class FrameLog:
    """What one player presented, read as it grows: (monotonic ns, ids of the items on)."""

    def __init__(self, path):
        self.path, self.at, self.rest, self.presents = path, 0, b"", []

    def read(self):
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        self.at += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            row = json.loads(line)
            self.presents.append((row["t_ns"], {zone["item"] for zone in row["zones"]}))

    def first(self, after_ns, wanted):
        self.read()
        return next((t for t, items in self.presents if t > after_ns and wanted(items)), None)

    def now(self):
        self.read()
        return self.presents[-1][1] if self.presents else set()


class House:
    """The server, its operators and the players."""

    def __init__(self, build, screen):
        self.build, self.screen = build, screen
        self.dir = tempfile.mkdtemp(prefix="bangtin-push-")
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.dir, "config"))
        self.processes, self.logs = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, value):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(value if isinstance(value, str) else json.dumps(value))
        os.chmod(self.path(name), 0o600)
        return name

    def run(self, name, command, environment):
        with open(self.path(name), "wb") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.dir, env=environment))

    def find(self, name, pattern):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                found = re.search(pattern, file.read())
            if found:
                return found
            time.sleep(0.02)
        raise SystemExit(f"{self.path(name)}: '{pattern}' did not come")

    def bangtin(self, *arguments, unheard=False):
        """`unheard`: exit status 1 says that some screens have not confirmed yet, which is for us to see."""
        done = subprocess.run([os.path.join(self.build, "cli", "bangtin"), *arguments], cwd=self.dir, env=self.environment,
                              capture_output=True, text=True, check=False)
        if done.returncode > unheard:
            raise SystemExit(f"bangtin {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments, **more):
        return json.loads(self.bangtin(*arguments, "--json", **more))

    def open(self, players_url=None):
        """`players_url` makes of the server's address the one that players are given."""
        self.run("server.log", [os.path.join(self.build, "server", "bangtin-server"), "--data", self.path("server"), "--listen", "127.0.0.1:0"],
                 self.environment)
        self.url = self.find("server.log", r"Bangtin server: (\S+)")[1]
        self.players_url = players_url(self.url) if players_url else self.url
        self.write("secret", self.find("server.log", r"#first=(\w+)")[1] + "\n")
        self.write("password", "mat khau dai de do\n")
        self.bangtin("login", self.url, "--login", "do", "--name", "Do", "--first-secret-file", "secret", "--password-file", "password")
        self.bangtin("unit", "new", "92", "--name", "Tỉnh", "--parent", "vn", "--kind", "province")
        self.bangtin("unit", "new", UNIT, "--name", "Xã", "--parent", "92", "--kind", "commune")
        for key in ("tinh", "an", "kt", "truc"):
            self.bangtin("key", "new", f"{key}.json", "--holder", key, "--no-passphrase")
        self.bangtin("repository", "new", "kho", "--server", self.url, "--players-url", self.players_url, "--root", "tinh.pub.json", "--targets", "tinh.pub.json",
                     "--root-threshold", "1", "--targets-threshold", "1", "--key", "tinh.json")
        for role, key in (("u", "an"), ("s", "kt"), ("em", "truc")):
            self.bangtin("key", "enrol", f"{role}-{UNIT}", f"{key}.pub.json", "--threshold", "1", "--repository", "kho", "--key", "tinh.json")
        self.bangtin("repository", "push", "--repository", "kho")

    def add_player(self, number):
        screen = self.ask("screen", "new", f"Màn hình {number}", "--unit", UNIT, "--kind", "lcd", "--width", str(WIDTH), "--height", str(HEIGHT))["id"]
        self.bangtin("publish", screen, "--unit", UNIT, "--layer", "screen", "--recipe", self.write("screen.json", SCREEN), "--yes", "--key", "kt.json")
        place = f"{WIDTH}x{HEIGHT}+{number % COLUMNS * WIDTH}+{number // COLUMNS * HEIGHT}"
        self.run(f"player-{number}.log", [os.path.join(self.build, "player", "bangtin-player"), "run", "--data", self.path(f"p{number}"), "--server",
                                          self.players_url, "--clock", "trusted", "--window", place, "--frame-log", self.path(f"p{number}.jsonl")],
                 self.screen.environment)
        code = self.find(f"player-{number}.log", r"code '(.*?)', words '(.*?)'")
        self.bangtin("pair", code[1], "--screen", screen, "--words", code[2])
        self.logs.append(FrameLog(self.path(f"p{number}.jsonl")))

    def upload(self, name, colour):
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color={colour}:size={WIDTH}x{HEIGHT}", "-frames:v", "1", self.path(name)],
                       check=True)
        return self.ask("upload", name, "--unit", UNIT)["media"]

    def propose(self, number, media):
        """Items named by the round, so that the log tells them apart."""
        recipe = {"activate": "now", "schedule": [{"zone": "chinh", "playlist": "chung"}], "playlists": [{"name": "chung", "items": [
            {"id": f"muc-{number}-{i}", "type": "image", "asset": self.ask("media", "show", each)["sha256"], "seconds": 3600}
            for i, each in enumerate(media)]}]}
        return self.ask("propose", "chung", "--unit", UNIT, "--recipe", self.write("recipe.json", recipe))["id"]

    def until_all(self, after_ns, wanted):
        """Milliseconds from the instant to each player's first present that is wanted."""
        end, times = time.monotonic() + WAIT_S, {}
        while len(times) < len(self.logs) and time.monotonic() < end:
            for i, log in enumerate(self.logs):
                if i not in times:
                    t = log.first(after_ns, wanted)
                    if t is not None:
                        times[i] = (t - after_ns) / 1e6
            time.sleep(0.02)
        if len(times) < len(self.logs):
            raise SystemExit(f"{len(self.logs) - len(times)} players did not follow; {self.dir}")
        return list(times.values())


def measure(house, rounds):
    media = [house.upload("a.png", "red"), house.upload("b.png", "blue")]
    times = {"signature → frame": [], "takedown → gone": [], "emergency → frame": [], "end → gone": []}
    house.bangtin("publish", "tin", "--unit", UNIT, "--layer", "template", "--recipe", house.write("template.json", WARNING), "--yes", "--key", "an.json")
    for number in range(rounds):
        extra = house.upload(f"x{number}.png", f"0x{number * 7919 % 0xffffff:06x}")
        proposal = house.propose(number, [extra, *media])
        began = time.monotonic_ns()
        house.bangtin("approve", proposal, "--yes", "--key", "an.json")
        times["signature → frame"] += house.until_all(began, lambda items, n=number: f"muc-{n}-0" in items)
        began = time.monotonic_ns()
        house.bangtin("takedown", "now", "--unit", UNIT, "--media", extra, "--reason", "đo", "--wait", "0", unheard=True)
        times["takedown → gone"] += house.until_all(began, lambda items, n=number: f"muc-{n}-1" in items)
        began = time.monotonic_ns()
        emergency = house.ask("emergency", "start", f"u/{UNIT}/template-tin", "--field", "ten=BÃO", "--minutes", "5", "--key", "truc.json", "--wait", "0", unheard=True)
        times["emergency → frame"] += house.until_all(began, lambda items: "tin-khan" in items)
        began = time.monotonic_ns()
        house.bangtin("emergency", "end", emergency["id"], "--wait", "0", unheard=True)
        times["end → gone"] += house.until_all(began, lambda items: items and "tin-khan" not in items)
        print(f"\r  round {number + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return times


LIMITS = {"signature → frame": (2000, None), "takedown → gone": (1000, 3000), "emergency → frame": (2000, None), "end → gone": (1000, None)}


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    with Screen() as screen, House(options.build, screen) as house:
        house.open()
        for number in range(options.players):
            house.add_player(number)
        times = measure(house, options.rounds)
    print(f"{options.players} players, {options.rounds} rounds, ms from the command's start to the present")
    rows = {what: sorted(values) for what, values in times.items()}
    report.table(("", "n", "median", "p95", "max"),
                 [(what, len(v), *(f"{v[min(len(v) - 1, int(len(v) * q))]:.0f}" for q in (0.5, 0.95, 1))) for what, v in rows.items()])
    for what, values in rows.items():
        p95, most = LIMITS[what]
        report.floor(f"{what}, p95", values[min(len(values) - 1, int(len(values) * 0.95))], p95, " ms")
        if most:
            report.floor(f"{what}, most", values[-1], most, " ms")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
