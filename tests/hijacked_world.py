"""What the attacks of tests/attacks_test.py are played in: a real server with a province and two communes, who have
published with everybody's signatures, and a real player that has shown it. Made once; each attack gets a copy of what it
may ruin."""

import json
import os
import re
import shutil
import subprocess
import tempfile

from player_harness import PLAYER, make_still, pixels
from steady import PATIENCE_S, hold_port, patiently
from wire_house import ChaosProxy, Key, wait_until

BUILD = os.environ.get("BT_BUILD_ROOT", "build")
SERVER = os.path.join(BUILD, "server", "bangtin-server")
BANGTIN = os.path.join(BUILD, "cli", "bangtin")
A, B = "31333", "31334"
BOARD = f"u/{A}/bang.json"
PEOPLE = {"goc": "goc", "tinh-1": "tinh-1", "tinh-2": "tinh-2",  # file: who holds it
          "an": "an", "an-2": "an", "binh": "binh", "chi": "chi", "dung": "dung",
          "ky-thuat-a": "ky-thuat-a", "ky-thuat-b": "ky-thuat-b", "truc-a": "truc-a", "truc-b": "truc-b"}
SCREEN = {"canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh"}]}
TEMPLATE = {"fields": [{"name": "cap", "type": "number", "max_bytes": 2}],
            "playlists": [{"name": "w", "items": [{"id": "bao", "type": "text", "text": "BÃO CẤP {cap}", "seconds": 10}]}],
            "schedule": [{"id": "z", "zone": "chinh", "playlist": "w"}]}


class Screen:
    """A running player, without a display: what it showed, what it said."""

    def __init__(self, data, url, *options):
        self.data = data
        self.frame_log = os.path.join(data, "frames.jsonl")
        self.log = os.path.join(data, "player.log")
        os.makedirs(data, exist_ok=True)
        self.seen = set()
        self.command = [PLAYER, "run", "--data", data, "--server", url, "--headless", "--clock", "trusted", "--frame-log",
                        self.frame_log, *options]
        self.start()

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.seen |= self.shown()
        if os.path.exists(self.frame_log):
            os.remove(self.frame_log)  # its last line may be half a line

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def presents(self):
        """Of each present what the zones showed: [(item, asset)]."""
        try:
            with open(self.frame_log, encoding="utf-8") as file:
                frames = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [[(entry["item"], entry["asset"]) for entry in frame["zones"]] for frame in frames]

    def shown(self):
        """In all its lives."""
        return self.seen | {entry for present in self.presents() for entry in present}

    def wait(self, test, timeout=180):
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"the player ended: {self.said()[-4000:]}")
            return test()
        wait_until(look, timeout)

    def wait_said(self, text, times=1):
        self.wait(lambda: self.said().count(text) >= times)

    def wait_item(self, item, timeout=180):
        self.wait(lambda: any(entry[0] == item for present in self.presents()[-1:] for entry in present), timeout)


class World:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="bt-attacks-")
        self.proxy = None
        self.port = hold_port()  # the server's, when it comes again
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.proxy:
            self.proxy.close()
        self.port.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def key(self, name):
        return self.path(name + ".json")

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start_server(self, data):
        """(process, address, the first administrator's secret)"""
        listen = f"127.0.0.1:{self.port.getsockname()[1]}"
        log = data + ".log"
        with open(log, "w", encoding="utf-8") as file:
            server = subprocess.Popen([SERVER, "--data", data, "--listen", listen], stdout=file, stderr=file)
        found = []

        def look():
            if server.poll() is not None:
                raise AssertionError("the server ended")
            with open(log, encoding="utf-8") as file:
                text = file.read()
            found[:] = re.findall(r"(http://127\.0\.0\.1:\d+)(?:/#first=(\w+))?", text) if "ready" in text else []
            return found
        try:
            wait_until(look)
        except AssertionError:
            server.kill()
            server.wait()
            raise
        return server, found[0][0], next((secret for _, secret in found if secret), None)

    def bangtin(self, *arguments, fails=False, config=None):
        environment = dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=config or self.path("config"))
        done = subprocess.run([BANGTIN, *patiently(arguments)], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=2 * PATIENCE_S, check=False)
        if (done.returncode != 0) != fails:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def json(self, *arguments):
        return json.JSONDecoder().raw_decode(self.bangtin(*arguments, "--json"))[0]

    def build(self):
        self.data = self.path("server")
        server, self.url, secret = self.start_server(self.data)
        # Players keep the proxy's address; whom they reach there is the attack's choice.
        self.proxy = ChaosProxy(int(self.url.rsplit(":", 1)[1]))
        try:
            self.sign_in(secret)
            self.enrol()
            self.publish_all()
            self.pair()
        finally:
            server.kill()
            server.wait()

    def sign_in(self, secret):
        self.bangtin("login", self.url, "--login", "an", "--name", "An", "--first-secret-file",
                     self.write("first", secret + "\n"), "--password-file", self.write("password", "mat khau du dai 2026\n"))
        self.bangtin("unit", "new", "92", "--name", "Tỉnh Bắc Ninh", "--parent", "vn", "--kind", "province")
        self.bangtin("unit", "new", A, "--name", "Phường Kinh Bắc", "--parent", "92", "--kind", "commune")
        self.bangtin("unit", "new", B, "--name", "Phường Vũ Ninh", "--parent", "92", "--kind", "commune")
        for name, holder in PEOPLE.items():
            self.bangtin("key", "new", self.key(name), "--holder", holder, "--no-passphrase")
        self.web = {name: Key(name) for name in ("giang", "hoa")}
        for holder, key in self.web.items():
            key.object["x-class"] = "browser"
            core = {name: key.object[name] for name in ("keytype", "scheme", "keyval")}
            public = {"format": 1, "keyid": key.id, "holder": holder, "class": "browser", "label": "", "public": core}
            self.write(holder + ".pub.json", json.dumps(public))

    def enrol(self):
        province = ["--key", self.key("tinh-1"), "--key", self.key("tinh-2")]
        self.bangtin("repository", "new", self.path("kho"), "--server", self.url, "--players-url", self.proxy.url, "--root",
                     self.key("goc"), "--targets", self.key("tinh-1"), "--targets", self.key("tinh-2"), "--root-threshold",
                     "1", "--key", self.key("goc"), *province)
        for role, *people in ((f"u-{A}", "an", "an-2", "binh", "giang", "hoa"), (f"u-{B}", "chi", "dung"),
                              (f"s-{A}", "ky-thuat-a"), (f"s-{B}", "ky-thuat-b"), (f"em-{A}", "truc-a"), (f"em-{B}", "truc-b")):
            self.bangtin("key", "enrol", role, *[self.path(name + ".pub.json") for name in people], "--repository",
                         self.path("kho"), *province)

    def upload(self, name, colour, unit):
        """A playlist of one picture: (media, playlist)."""
        make_still(self.path(name), colour)
        media = self.json("upload", self.path(name), "--unit", unit)["media"]
        return media, self.json("playlist", "new", name, media, "--unit", unit, "--seconds", "60")["id"]

    def publish(self, name, unit, keys, *content, layer="unit"):
        signers = [word for key in keys for word in ("--key", self.key(key))]
        self.bangtin("publish", name, "--unit", unit, "--layer", layer, "--title", "Thử", "--activate", "now", "--yes", *signers,
                     *content)

    def publish_all(self):
        self.red, red = self.upload("do.png", "red", A)
        self.green, self.green_list = self.upload("xanh.png", "lime", A)
        self.blue, blue = self.upload("lam.png", "blue", B)
        self.publish("bang", A, ("an", "binh"), "--playlist", red)
        self.publish("bang", A, ("an", "binh"), "--playlist", self.green_list, "--replace")
        self.publish("cong", A, ("an", "binh"), "--playlist", red)  # for another screen of the commune
        self.publish("bang", B, ("chi", "dung"), "--playlist", blue)
        recipe = self.write("bao.recipe", json.dumps(TEMPLATE))
        self.publish("bao", A, ("an", "binh"), "--recipe", recipe, layer="template")
        self.publish("bao", B, ("chi", "dung"), "--recipe", recipe, layer="template")
        self.screen = self.new_screen(A, "ky-thuat-a", f"u/{A}/bang", limits={"brightness_percent": 80, "volume_percent": 30})
        self.gate = self.new_screen(A, "ky-thuat-a", f"u/{A}/cong")
        self.other = self.new_screen(B, "ky-thuat-b", f"u/{B}/bang")

    def new_screen(self, unit, technician, carries, **more):
        screen = self.json("screen", "new", "Màn hình " + carries, "--unit", unit, "--kind", "lcd", "--width", "320", "--height",
                           "180")["id"]
        recipe = self.write("screen.recipe", json.dumps({**SCREEN, "carries": [carries], **more}))
        self.publish(screen, unit, [technician], "--recipe", recipe, layer="screen")
        return screen

    def pair(self):
        self.player = self.path("player")
        screen = Screen(self.player, self.proxy.url)
        try:
            screen.wait_said("words '")
            code = re.search(r"code '([^']+)', words '([^']+)'", screen.said())
            self.bangtin("pair", code[1], "--screen", self.screen, "--words", code[2], "--yes", "--key", self.key("ky-thuat-a"))
            screen.wait_item(self.green)
        finally:
            screen.kill()
        os.remove(screen.log)


def picture(png):
    """Red, green, blue of each pixel of a screenshot."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(png)
        file.flush()
        return pixels("-i", file.name)


def middle(png):
    """The colour in its middle."""
    return tuple(picture(png)[(90 * 320 + 160) * 3:][:3])
