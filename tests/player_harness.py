"""What tests of the real player share: a campaign in a temporary directory, a private X server,
and what the player left behind: its frame log and its journal."""

import concurrent.futures
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from steady import PATIENCE_S

PLAYER = os.path.join(os.environ.get("BT_BUILD_ROOT", "build"), "player", "bangtin-player")
WIDTH, HEIGHT = 320, 180
SIZE = f"{WIDTH}x{HEIGHT}"


def ffmpeg(*arguments):
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout


def make_clip(path, seconds, size=SIZE, rate=25, source="testsrc2="):
    ffmpeg("-f", "lavfi", "-i", f"{source}size={size}:rate={rate}:duration={seconds}", "-c:v", "libx264", "-preset",
           "ultrafast", "-pix_fmt", "yuv420p", path)


def make_still(path, colour, size=SIZE):
    ffmpeg("-f", "lavfi", "-i", f"color={colour}:size={size}", "-frames:v", "1", path)


def pixels(*source):
    """Red, green, blue of each pixel of a picture that ffmpeg can read, row by row."""
    raw = ffmpeg(*source, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    assert len(raw) == WIDTH * HEIGHT * 3, len(raw)
    return raw


def time_text(seconds_from_now):
    at = time.time() + seconds_from_now
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


class Display:
    """A private X server. One that begins anew when its last window goes throws out whoever comes at that moment: the
    player then ends and its supervisor starts it again, which nobody does here."""

    def __init__(self, number=None, size="640x480"):
        self.size = size
        # One that takes its number from another that is just ending finds that one's lock, and gives up.
        if not any(self.start([f":{number}"] if number else []) for _ in range(50)):
            raise AssertionError("no X server starts")

    def start(self, number):
        read_end, write_end = os.pipe()
        command = ["Xvfb", *number, "-displayfd", str(write_end), "-screen", "0", self.size + "x24", "-noreset", "-nolisten", "tcp"]
        self.process = subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as file:
            self.name = ":" + file.readline().strip()
        if self.name == ":":
            self.process.wait()
        return self.name != ":"

    def close(self):
        self.process.terminate()
        self.process.wait()

    def pixels(self):
        raw = subprocess.run(["import", "-display", self.name, "-window", "root", "-crop", f"{SIZE}+0+0", "-depth", "8",
                              "rgb:-"], check=True, capture_output=True).stdout
        assert len(raw) == WIDTH * HEIGHT * 3, len(raw)
        return raw


def free_display_number():
    """One that nobody else is given: X servers that choose theirs take the lowest."""
    return 1000 + os.getpid() % 50000


class Campaign:
    """A publication with a store, built in a temporary directory."""

    def __init__(self, directory):
        self.directory = directory
        self.assets = []
        self.items = []

    def path(self, name):
        return os.path.join(self.directory, name)

    def store_path(self, sha):
        return os.path.join(self.directory, "assets", sha[:2], sha)

    def asset(self, path, kind, duration_ms=None):
        with open(path, "rb") as file:
            sha = hashlib.sha256(file.read()).hexdigest()
        os.makedirs(os.path.dirname(self.store_path(sha)), exist_ok=True)
        shutil.copy(path, self.store_path(sha))
        entry = {"name": f"a{len(self.assets)}", "sha256": sha, "size": os.path.getsize(path), "type": kind}
        if duration_ms:
            entry["duration_ms"] = duration_ms
        self.assets.append(entry)
        return entry

    def file(self, name, path, kind, duration_ms=None, **more):
        """An item of any file."""
        entry = self.asset(path, kind, duration_ms)
        self.items.append({"id": name, "type": kind.split("/")[0], "asset": entry["name"], **more})
        return entry

    def video(self, name, seconds, rate=25, source="testsrc2=", **more):
        make_clip(self.path(name + ".mp4"), seconds, rate=rate, source=source)
        return self.file(name, self.path(name + ".mp4"), "video/mp4", int(seconds * 1000), **more)

    def image(self, name, colour, seconds, **more):
        make_still(self.path(name + ".png"), colour)
        return self.file(name, self.path(name + ".png"), "image/png", seconds=seconds, **more)

    def take_items(self):
        """What was made since the last call, as the items of a playlist of its own."""
        items, self.items = self.items, []
        return items

    def write(self, name="publication.json", **more):
        publication = {
            "format": 1, "id": "thu", "version": 1, "layer": "unit", "unit": "UBND xã Thử", "title": "Thử",
            "canvas": {"width": WIDTH, "height": HEIGHT, "time_zone": "Asia/Ho_Chi_Minh", "background": "#000000"},
            "assets": self.assets, "playlists": [{"name": "p", "items": self.items}],
            "zones": [{"name": "chinh", "x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "playlist": "p"}]}
        publication.update(more)
        publication = {key: value for key, value in publication.items() if value is not None}
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump(publication, file, ensure_ascii=False)
        return self.path(name)


class PlayerCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bt-player-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.campaign = Campaign(self.directory)
        self.journal = os.path.join(self.directory, "plays.db")
        self.frame_log = os.path.join(self.directory, "frames.jsonl")
        self.displays = []

    def start_display(self, number=None, **more):
        display = Display(number, **more)
        self.displays.append(display)
        self.addCleanup(display.close)
        return display

    def command(self, *arguments):
        """Publications and options; plays in a window."""
        return [PLAYER, "play", *arguments, "--assets", os.path.join(self.directory, "assets"), "--plays", self.journal,
                "--frame-log", self.frame_log, "--clock", "trusted", "--window", f"{SIZE}+0+0"]

    def environment(self, display):
        return dict(os.environ, DISPLAY=display, SDL_VIDEODRIVER="x11")

    def play(self, *arguments, environment=None):
        """Plays to the end, in a window on a display of its own; gives what it said."""
        display = None if "--headless" in arguments else self.start_display().name
        if environment is None:
            environment = self.environment(display) if display else dict(os.environ)
        done = subprocess.run(self.command(*arguments), env=environment, timeout=PATIENCE_S, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def start(self, *arguments, environment=None, **more):
        """A player that goes on until it is stopped; headless unless there is an environment."""
        headless = ["--headless"] if environment is None else []
        player = subprocess.Popen(self.command(*arguments, *headless), env=environment or dict(os.environ),
                                  stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(player.stderr.close)
        self.addCleanup(player.wait)
        self.addCleanup(player.kill)
        return player

    def stop(self, player):
        """Gives what it said."""
        player.send_signal(signal.SIGTERM)
        _, said = player.communicate(timeout=PATIENCE_S)
        self.assertEqual(player.returncode, 0, said)
        return said

    def wait_for(self, what, player=None, seconds=PATIENCE_S):
        """Looks until `what` gives something; a player that ends before is a failure."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            result = what()
            if result:
                return result
            if player is not None and player.poll() is not None:
                self.fail(f"the player ended: {player.stderr.read()}")
            time.sleep(0.02)
        self.fail("it never came" + self.logs())

    def logs(self):
        """The ends of what the programs of this test wrote, for whoever reads of the failure."""
        states = [(display.name, "runs" if display.process.poll() is None else "has ended") for display in self.displays]
        tails = [f"\n--- X server {name} {state}" for name, state in states]
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log") or name.endswith(".jsonl"):
                with open(os.path.join(self.directory, name), encoding="utf-8", errors="replace") as file:
                    tails.append(f"\n--- {name}\n" + "".join(file.readlines()[-25:])[-6000:])
        return "".join(tails)

    def frames(self):
        if not os.path.exists(self.frame_log):
            return []
        with open(self.frame_log, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def frames_of(self, zone):
        """(present, what the zone showed) for each present on which it showed something."""
        return [(frame, shown) for frame in self.frames() for shown in frame["zones"] if shown["zone"] == zone]

    def records(self):
        """What the journal holds, as the player's own records say it."""
        try:
            journal = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=10)
            try:
                rows = journal.execute("SELECT body FROM record ORDER BY seq").fetchall()
            finally:
                journal.close()
        except sqlite3.OperationalError:
            return []  # not there yet
        return [json.loads(row[0]) for row in rows]

    def plays(self):
        return [record for record in self.records() if record["kind"] == "play"]

    def shown_items(self, zone="chinh"):
        order = []
        for _, shown in self.frames_of(zone):
            if not order or order[-1] != shown["item"]:
                order.append(shown["item"])
        return order


def need_tools():
    for tool in ("Xvfb", "ffmpeg", "import"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed")
            sys.exit(77)


def main():
    need_tools()
    unittest.main(verbosity=2)


def names_of(tests):
    for test in tests:
        yield from names_of(test) if isinstance(test, unittest.TestSuite) else [test.id().partition(".")[2]]


def main_at_once(longest=(), workers=6):
    """For tests that mostly wait: each in a process of its own, several at a time, those with these names first."""
    need_tools()
    if len(sys.argv) > 1:
        unittest.main(verbosity=2)
    names = list(names_of(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    names.sort(key=lambda name: name.partition(".")[2] not in longest)

    def run(name):
        return subprocess.run([sys.executable, sys.argv[0], name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        failed = 0
        for done in pool.map(run, names):
            print(done.stdout, end="", flush=True)
            failed += done.returncode != 0
    print(f"{len(names)} tests, {failed} failed")
    sys.exit(1 if failed or not names else 0)
