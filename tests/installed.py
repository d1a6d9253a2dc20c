#!/usr/bin/env python3
"""A server and a player as packages install them, started by the lines of their units: an account, a screen, a picture and a drawing
that are uploaded, signed and shown in a window, and counted. Run inside a root by tools/package-check, as root.

Usage: tests/installed.py begin|again

`again`, after an upgrade or a downgrade: nothing is set up, what `begin` left behind goes on.
"""

import datetime
import fcntl
import json
import os
import pwd
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib

import workshop_hatch

HOME = "/srv/an"
FACTS = "/check/facts.json"
UNIT = "31333"
SIZE = (320, 180)
PATIENCE_S = 1800  # two systems below emulators may do this at once, and a busy machine this at all


def say(text):
    print("    " + text, flush=True)


def unit_of(name):
    """The file of an installed unit."""
    return next(path for path in (f"/usr/lib/systemd/system/{name}", f"/lib/systemd/system/{name}") if os.path.exists(path))


def settings(path):
    """What is set in a file of settings, as systemd reads it."""
    with open(path, encoding="utf-8") as file:
        return dict(re.findall(r'(?m)^([A-Z_]+)="(.*)"$', file.read()))


class Service:
    """What a started unit says, and waiting for it."""

    def said(self):
        raise NotImplementedError

    def ended(self):
        """How, when it runs no more; else None."""
        raise NotImplementedError

    def wait(self, what):
        """Until `what`, a pattern of its log or a function, is there."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = re.search(what, self.said()) if isinstance(what, str) else what()
            if found:
                return found
            if self.ended() is not None:
                break
            time.sleep(0.5)
        sys.exit(f"waited for {what}, in vain; it {self.ended() or 'runs'}\n{self.said()}")


class Line(Service):
    """Without a service manager: the unit's line, its user, its directories."""

    def __init__(self, name):
        with open(unit_of(name + ".service"), encoding="utf-8") as file:
            text = file.read()
        setting = dict(re.findall(r"(?m)^(\w+)=(.*)$", text))
        self.user = setting["User"]
        self.log = f"/tmp/{name}.log"
        for kind, place in (("StateDirectory", "/var/lib"), ("RuntimeDirectory", "/run")):
            path = f"{place}/{setting[kind]}"
            os.makedirs(path, exist_ok=True)
            os.chmod(path, int(setting[kind + "Mode"], 8))
            owner = pwd.getpwnam(self.user)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        environment = dict(line.split("=", 1) for part in re.findall(r"(?m)^Environment=(.*)$", text) for line in part.split())
        for path in re.findall(r"(?m)^EnvironmentFile=-(.*)$", text):
            if os.path.exists(path):
                environment.update(settings(path))
        words = []
        for word in setting["ExecStart"].split():
            if word.startswith("${"):  # one word, whatever is in it; $NAME are as many as there are
                words.append(environment.get(word[2:-1], ""))
            else:
                words += environment.get(word[1:], "").split() if word.startswith("$") else [word]
        command = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", "--no-new-privs", "--bounding-set=-all",
                   "--inh-caps=-all", *words]
        with open(self.log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(command, cwd=setting["WorkingDirectory"], stdout=file, stderr=file, stdin=subprocess.DEVNULL,
                                            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment})

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def ended(self):
        status = self.process.poll()
        return None if status is None else f"ended with status {status}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=PATIENCE_S) != 0:
            sys.exit(f"it {self.ended()}\n{self.said()}")


def open_loopback():
    """A network of one's own has one, which is down."""
    flags = 0x8914, struct.pack("16sh14x", b"lo", 0x1)  # SIOCSIFFLAGS, IFF_UP
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, *flags)


def bangtin(*arguments, as_json=False):
    """The command, by a person who is nobody here."""
    done = subprocess.run(["setpriv", "--reuid=an", "--regid=an", "--init-groups", "/usr/bin/bangtin", *arguments,
                           *(["--json"] if as_json else [])], env={"PATH": "/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8"}, cwd=HOME,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        sys.exit(f"bangtin {' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout) if as_json else done.stdout


def write(name, content):
    """A file of that person's."""
    path = os.path.join(HOME, name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    owner = pwd.getpwnam("an")
    os.chown(path, owner.pw_uid, owner.pw_gid)
    return path


def red_png():
    """A picture, without a program that makes some."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = (b"\0" + b"\xff\0\0" * SIZE[0]) * SIZE[1]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def set_options(name, variable, options):
    """As an administrator does: the line in the settings."""
    path = f"/etc/bangtin/{name}.env"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(rf'(?m)^{variable}=.*$', f'{variable}="{options}"', text))


def publish(name, holder, layer, *content):
    bangtin("publish", name, "--unit", UNIT, "--layer", layer, "--title", name, "--activate", "now", "--key", f"{HOME}/{holder}.json",
            "--yes", *content)


def set_up(server):
    """Accounts, keys, a commune and its screen; what it shows: a picture and a drawing."""
    url, secret = server.wait(r"(?s)(http://[0-9.:]+)/#first=(\w+).*ready").groups()
    bangtin("login", url, "--login", "an", "--name", "An", "--first-secret-file", write("first", secret + "\n"), "--password-file",
            write("password", "mat khau du dai 2026\n"))
    for holder in ("goc", "tinh", "an", "ky-thuat"):
        bangtin("key", "new", f"{HOME}/{holder}.json", "--holder", holder, "--no-passphrase")
    signs = ["--key", f"{HOME}/goc.json", "--key", f"{HOME}/tinh.json"]
    bangtin("repository", "new", f"{HOME}/kho", "--server", url, "--root", f"{HOME}/goc.json", "--targets", f"{HOME}/tinh.json",
            "--root-threshold", "1", "--targets-threshold", "1", *signs)
    bangtin("unit", "new", UNIT, "--name", "Xã Thử", "--parent", "vn", "--kind", "commune")
    for role, holder in (("u-", "an"), ("s-", "ky-thuat")):
        bangtin("key", "enrol", role + UNIT, f"{HOME}/{holder}.pub.json", "--threshold", "1", "--repository", f"{HOME}/kho", *signs)
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180"><rect width="320" height="180" fill="blue"/></svg>'
    media = [bangtin("upload", write(name, content), "--unit", UNIT, as_json=True)["media"]
             for name, content in (("anh.png", red_png()), ("hinh.svg", drawing))]
    playlist = bangtin("playlist", "new", "Thử", *media, "--unit", UNIT, "--seconds", "2", as_json=True)["id"]
    publish("bang", "an", "unit", "--playlist", playlist, "--replace")
    screen = bangtin("screen", "new", "mot", "--unit", UNIT, "--kind", "lcd", "--width", str(SIZE[0]), "--height", str(SIZE[1]),
                     as_json=True)["id"]
    recipe = {"canvas": {"width": SIZE[0], "height": SIZE[1]}, "zones": [{"name": "chinh"}], "carries": [f"u/{UNIT}/bang"]}
    bangtin("setting", "set", UNIT, "plays_every_s", "10")
    publish(screen, "ky-thuat", "screen", "--recipe", write("recipe.json", json.dumps(recipe)))
    return url, screen


def counted():
    """How often each item was shown, by the player's own journal."""
    done = subprocess.run(["/usr/bin/bangtin", "plays", "export", "--journal", "/var/lib/bangtin-player/plays.db"], capture_output=True,
                          text=True, check=False)
    records = [json.loads(line)["record"] for line in done.stdout.splitlines()] if done.returncode == 0 else []
    plays = [record for record in records if record["kind"] == "play"]
    return {item: sum(play["item"] == item for play in plays) for item in {play["item"] for play in plays}}


def values_of(value, keys):
    """Each value that stands under one of the keys, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and not isinstance(inner, (dict, list)):
                yield inner
            yield from values_of(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            yield from values_of(inner, keys)


def known_plays():
    """How many whole plays the server counts."""
    days = [(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=7 - 24 * ago)).date().isoformat() for ago in (1, 0)]
    report = bangtin("report", "--unit", UNIT, "--from", days[0], "--to", days[1], "--by", "item", as_json=True)
    return report["total"][[column["name"] for column in report["columns"]].index("complete")]


def kept():
    """What people brought to the server: accounts, places, content, what was signed."""
    lists = {name: bangtin(name, "list", as_json=True) for name in ("user", "unit", "media", "playlist", "publication", "screen")}
    bangtin("audit", "verify")
    return {name: sorted(map(str, values_of(value, {"id", "login", "name", "title", "code", "sha256"}))) for name, value in lists.items()}


def look_at_what_was_kept():
    """What the server knew when it was stopped it knows now."""
    with open(FACTS, encoding="utf-8") as file:
        before = json.load(file)
    now = kept()
    for name, facts in before["kept"].items():
        if facts != now[name] or not facts:
            sys.exit(f"not kept: {name}: {facts}, and now {now[name]}")
    if known_plays() < before["plays"]:
        sys.exit(f"of {before['plays']} plays the server knows {known_plays()}")
    say(f"kept: {sum(map(len, now.values()))} facts, {before['plays']} plays")
    return before["plays"]


def note_what_is_kept(server, plays):
    """Once more plays have arrived than those."""
    server.wait(lambda: known_plays() > plays)
    with open(FACTS, "w", encoding="utf-8") as file:
        json.dump({"kept": kept(), "plays": known_plays()}, file)


def look_at_a_day(begins):
    """Both services, until each of two items was shown twice more than before."""
    server = Line("bangtin-server")
    server.wait("ready")
    said = set_up(server) if begins else None
    plays = 0 if begins else look_at_what_was_kept()
    before = counted()
    if begins:
        set_options("player", "BANGTIN_PLAYER_OPTIONS", f"--server {said[0]} --window 320x180+0+0 --clock trusted")
    player = Line("bangtin-player")
    if begins:
        code, words = player.wait(r"code '([^']+)', words '([^']+)'").groups()
        bangtin("pair", code, "--screen", said[1], "--words", words, "--yes", "--key", f"{HOME}/ky-thuat.json")
        say("paired")
    player.wait(lambda: len(counted()) == 2 and all(count >= before.get(item, 0) + 2 for item, count in counted().items()))
    say(f"played: {sorted(counted().values())} times, before: {sorted(before.values())}")
    if not begins and "code '" in player.said():
        sys.exit("the player had to be paired again")
    screens = bangtin("status", as_json=True)
    say(f"the server knows: {json.dumps(screens)[:150]}…")
    note_what_is_kept(server, plays)
    player.stop()
    server.stop()
    subprocess.run(["/usr/bin/bangtin", "plays", "verify", "--journal", "/var/lib/bangtin-player/plays.db"], check=True)


DISPLAY = ("/usr/bin/Xvfb", ":7", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-ac")


def make_person_and_display():
    """Who brings content, and where it is to be seen."""
    subprocess.run(["useradd", "--create-home", "--home-dir", HOME, "an"], check=True)
    with open("/etc/bangtin/player.env", "a", encoding="utf-8") as file:
        file.write('DISPLAY=":7"\nSDL_VIDEODRIVER="x11"\n')


def start_display():
    display = subprocess.Popen(DISPLAY, stderr=subprocess.DEVNULL)
    while not os.path.exists("/tmp/.X11-unix/X7"):
        if display.poll() is not None:
            sys.exit("Xvfb does not start")
        time.sleep(0.2)
    return display


def machine_of(program):
    """For which kind of machine it is built (e_machine of its ELF header)."""
    with open(program, "rb") as file:
        return struct.unpack_from("<H", file.read(20), 18)[0]


def open_workshop():
    """An emulator makes no namespaces, in which uploads are looked at where no service manager does it: here, by hand, as that does."""
    os.makedirs("/run/bangtin-media", exist_ok=True)
    workshop_hatch.MEDIA = "/usr/libexec/bangtin/bangtin-media"
    if os.path.exists("/run/bangtin-media/socket"):
        os.unlink("/run/bangtin-media/socket")
    workshop_hatch.Hatch(path="/run/bangtin-media/socket", user="bangtin-media", group="bangtin-media", extra_groups=[])


def main():
    """See the top of this file."""
    if sys.argv[1:] not in (["begin"], ["again"]):
        sys.exit(__doc__)
    open_loopback()
    if machine_of("/usr/bin/bangtin-server") != machine_of(sys.executable):
        open_workshop()
    display = start_display()
    begins = sys.argv[1] == "begin"
    if begins:
        make_person_and_display()
    try:
        look_at_a_day(begins)
    finally:
        display.terminate()
        display.wait()


if __name__ == "__main__":
    main()
