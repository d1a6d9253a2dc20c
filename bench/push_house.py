"""A central server, its operators and players, as bench/push.py and others measure them."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from screen import stop

WIDTH, HEIGHT, COLUMNS = 320, 180, 6
UNIT = "31333"
WAIT_S = 60

WARNING = {
    "activate": "now", "fields": [{"name": "ten", "type": "text", "max_bytes": 60}],
    "playlists": [{"name": "tin", "items": [{"id": "tin-khan", "type": "text", "text": "{ten}", "seconds": 60,
                                             "style": {"size": 24, "background": "#a4161a"}}]}],
    "schedule": [{"layout": "khan-cap"}, {"zone": "dai", "playlist": "tin"}],
}
SCREEN = {
    "canvas": {"width": WIDTH, "height": HEIGHT}, "carries": [f"u/{UNIT}/chung", f"u/{UNIT}/phim"],
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

    server_options = ("--listen", "127.0.0.1:0")

    def __init__(self, build, screen):
        self.build, self.screen = build, screen
        self.dir = tempfile.mkdtemp(prefix="bangtin-push-")
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.dir, "config"))
        self.processes, self.logs, self.pins = [], [], []

    @staticmethod
    def inside(_name, command):
        """What runs the command where it belongs, by the name of its log."""
        return command

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
            self.processes.append(subprocess.Popen(self.inside(name, command), stdout=log, stderr=log, cwd=self.dir, env=environment))

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
        done = subprocess.run(self.inside("bangtin", [os.path.join(self.build, "cli", "bangtin"), *arguments]), cwd=self.dir,
                              env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode > unheard:
            raise SystemExit(f"bangtin {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments, **more):
        return json.loads(self.bangtin(*arguments, "--json", **more))

    def open(self, players_url=None):
        """`players_url` makes of the server's address the one that players are given."""
        self.run("server.log", [os.path.join(self.build, "server", "bangtin-server"), "--data", self.path("server"), *self.server_options],
                 self.environment)
        self.url = self.find("server.log", r"Bangtin server: (\S+)")[1]
        if self.url.startswith("https:"):
            self.pins = ["--pin", self.find("server.log", r"TLS pin: (\S+)")[1]]
        self.players_url = players_url(self.url) if players_url else self.url
        self.write("secret", self.find("server.log", r"#first=(\w+)")[1] + "\n")
        self.write("password", "mat khau dai de do\n")
        self.bangtin("login", self.url, *self.pins, "--login", "do", "--name", "Do", "--first-secret-file", "secret", "--password-file", "password")
        self.bangtin("unit", "new", "92", "--name", "Tỉnh", "--parent", "vn", "--kind", "province")
        self.bangtin("unit", "new", UNIT, "--name", "Xã", "--parent", "92", "--kind", "commune")
        for key in ("tinh", "an", "kt", "truc"):
            self.bangtin("key", "new", f"{key}.json", "--holder", key, "--no-passphrase")
        spare = ["--pin", f"sha256//{'A' * 43}="] if self.pins else []
        self.bangtin("repository", "new", "kho", "--server", self.url, "--players-url", self.players_url, *self.pins, *spare,
                     "--root", "tinh.pub.json", "--targets", "tinh.pub.json", "--root-threshold", "1", "--targets-threshold", "1",
                     "--key", "tinh.json")
        for role, key in (("u", "an"), ("s", "kt"), ("em", "truc")):
            self.bangtin("key", "enrol", f"{role}-{UNIT}", f"{key}.pub.json", "--threshold", "1", "--repository", "kho", "--key", "tinh.json")
        self.bangtin("repository", "push", "--repository", "kho")

    def add_player(self, number):
        screen = self.ask("screen", "new", f"Màn hình {number}", "--unit", UNIT, "--kind", "lcd", "--width", str(WIDTH), "--height", str(HEIGHT))["id"]
        self.bangtin("publish", screen, "--unit", UNIT, "--layer", "screen", "--recipe", self.write("screen.json", SCREEN), "--yes", "--key", "kt.json")
        self.run_player(number)
        code = self.find(f"player-{number}.log", r"code '(.*?)', words '(.*?)'")
        self.bangtin("pair", code[1], "--screen", screen, "--words", code[2], "--yes", "--key", "kt.json")
        self.logs.append(FrameLog(self.path(f"p{number}.jsonl")))

    @staticmethod
    def place(number):
        return number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT

    def run_player(self, number, life="", options=(), **environment):
        x, y = self.place(number)
        self.run(f"player-{number}{life}.log", [
            os.path.join(self.build, "player", "bangtin-player"), "run", "--data", self.path(f"p{number}"), "--server", self.players_url, *self.pins,
            "--clock", "trusted", "--window", f"{WIDTH}x{HEIGHT}+{x}+{y}", "--frame-log", self.path(f"p{number}{life}.jsonl"),
            *options], dict(self.screen.environment, **environment))

    def upload(self, name, colour):
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color={colour}:size={WIDTH}x{HEIGHT}", "-frames:v", "1", self.path(name)],
                       check=True)
        return self.ask("upload", name, "--unit", UNIT)["media"]

    def propose(self, number, media, kind="image"):
        """Items named by the round, so that the log tells them apart."""
        length = {"seconds": 3600} if kind == "image" else {}
        recipe = {"activate": "now", "schedule": [{"zone": "chinh", "playlist": "chung"}], "playlists": [{"name": "chung", "items": [
            {"id": f"muc-{number}-{i}", "type": kind, "asset": self.ask("media", "show", each)["sha256"], **length}
            for i, each in enumerate(media)]}]}
        return self.ask("propose", "chung", "--unit", UNIT, "--recipe", self.write("recipe.json", recipe))["id"]

    def until_all(self, after_ns, wanted, wait_s=WAIT_S):
        """Milliseconds from the instant to each player's first present that is wanted."""
        end, times = time.monotonic() + wait_s, {}
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
