#!/usr/bin/env python3
"""bangtin against a real server: from an empty directory to a screen that obeys, and what a lying
server gets: nothing signed, nothing paired."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import zlib

from steady import PATIENCE_S, own_port, patiently

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])
SERVER = BUILD / "server" / "bangtin-server"
if not SERVER.exists() or shutil.which("openssl") is None:
    print("needs bangtin-server and openssl")
    sys.exit(77)

PASSWORD = "mật khẩu dài để thử"


def picture(colour):
    """A PNG of one colour, 64 by 36."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    rows = b"".join(b"\0" + bytes(colour) * 64 for _ in range(36))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 36, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Player:
    """The wire's other end, as far as orders go; its identity is made with openssl."""

    def __init__(self, folder, url):
        self.folder, self.url, self.token = folder, url, None
        self.key = folder / "player.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key], check=True,
                       capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = der[-32:].hex()
        self.refuses = set()
        self.stopped = threading.Event()

    def sign(self, text):
        (self.folder / "to-sign").write_text(text, encoding="utf-8")
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in",
                               self.folder / "to-sign"], check=True, capture_output=True).stdout.hex()

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=180) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def begin(self):
        return self.call("POST", "/v1/pairings", {
            "public_key": self.public, "signature": self.sign("bangtin-pairing\n" + self.public),
            "model": "thử", "version": "0.0"})

    def log_in(self, pairing):
        state = self.call("POST", f"/v1/pairings/{pairing['pairing']}/state",
                          {"signature": self.sign("bangtin-pairing-state\n" + pairing["pairing"])})
        self.id = state["player"]
        nonce = self.call("POST", "/v1/player/challenge", {"player": self.id})["nonce"]
        signature = self.sign(f"bangtin-session\n{nonce}\n{self.id}")
        self.token = self.call("POST", "/v1/player/session", {
            "player": self.id, "nonce": nonce, "signature": signature})["token"]
        return state

    def obey(self):
        """Answers orders until it is stopped."""
        after = 0
        while not self.stopped.is_set():
            for order in self.call("GET", f"/v1/player/orders?after={after}")["orders"]:
                after = order["n"]
                state = "refused" if order["kind"] in self.refuses else "done"
                if order["kind"] == "screenshot":
                    self.screenshot(order["n"])
                self.call("POST", "/v1/player/done", {"results": [
                    {"n": order["n"], "state": state, "at_ms": int(time.time() * 1000), "detail": ""}]})
            self.stopped.wait(0.05)

    def screenshot(self, number):
        request = urllib.request.Request(
            f"{self.url}/v1/player/screenshots/{number}", method="POST", data=picture((0, 128, 128)),
            headers={"Content-Type": "image/png", "Authorization": "Bearer " + self.token})
        urllib.request.urlopen(request, timeout=180).close()


class Walk(unittest.TestCase):
    options = ()  # of the server

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {**os.environ, "XDG_CONFIG_HOME": str(self.dir / "config")}
        (self.dir / "mat-khau").write_text(PASSWORD + "\n", encoding="utf-8")
        self.start()

    def start(self):
        self.log = open(self.dir / "server.log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.server = subprocess.Popen([SERVER, "--data", self.dir / "data", "--listen", f"127.0.0.1:{own_port(self)}",
                                        *self.options],
                                       stdout=self.log, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop)
        deadline, found, text = time.monotonic() + PATIENCE_S, None, ""
        while not found and self.server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            text = (self.dir / "server.log").read_text(encoding="utf-8")
            found = re.search(r"(http://127\.0\.0\.1:\d+)/#first=([0-9a-f]+)", text) if "ready" in text else None
        self.assertTrue(found, text)
        self.url, secret = found.groups()
        (self.dir / "lien-ket").write_text(found.group(0) + "\n", encoding="utf-8")

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(180)

    def bangtin(self, *arguments, fails=False):
        done = subprocess.run([BUILD / "cli" / "bangtin", *patiently(tuple(map(str, arguments)))], cwd=self.dir, env=self.env,
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stderr if fails else done.stdout

    def json(self, *arguments):
        return json.loads(self.bangtin(*arguments, "--json"))

    def prepare(self):
        self.bangtin("login", self.url, "--login", "an", "--name", "Nguyễn Văn An", "--password-file",
                     "mat-khau", "--first-secret-file", "lien-ket")
        self.bangtin("unit", "new", "92", "--name", "Tỉnh Bắc Ninh", "--kind", "province", "--parent", "vn")
        self.bangtin("unit", "new", "31333", "--name", "Phường Kinh Bắc", "--kind", "commune",
                     "--parent", "92")
        for holder in ("goc", "tinh", "an", "ky-thuat", "truc"):
            self.bangtin("key", "new", f"{holder}.json", "--holder", holder, "--no-passphrase")
        self.bangtin("repository", "new", "kho", "--server", self.url, "--root", "goc.json", "--targets",
                     "tinh.json", "--root-threshold", 1, "--targets-threshold", 1)
        for role, *files in (("u-31333", "an.pub.json", "tinh.pub.json"), ("s-31333", "ky-thuat.pub.json"),
                             ("em-31333", "truc.pub.json")):
            self.bangtin("key", "enrol", role, *files, "--repository", "kho", "--key", "tinh.json")
        self.bangtin("screen", "new", "Quảng trường", "--unit", "31333", "--kind", "led", "--width", 320,
                     "--height", 180, "--duty-name", "An", "--duty-phone", "0912345678")
        self.screen = self.json("screen", "list")[0]["id"]

    def upload(self, name, colour):
        (self.dir / name).write_bytes(picture(colour))
        return self.json("upload", name, "--unit", "31333")["media"]

    def propose(self, *media):
        playlist = self.json("playlist", "new", "Danh sách", *media, "--unit", "31333")["id"]
        return self.json("propose", "quang-truong", "--unit", "31333", "--playlist", playlist, "--replace")["id"]

    def pair(self):
        player = Player(self.dir, self.url)
        pairing = player.begin()
        # What the player shows is made of its own key and of the root it was given.
        words = self.words(player.public, pairing["root"], pairing["code"])
        self.bangtin("pair", pairing["code"], "--screen", self.screen, "--words", words)
        state = player.log_in(pairing)
        self.assertEqual((state["screen"], state["unit"]), (self.screen, "31333"))
        thread = threading.Thread(target=player.obey)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(player.stopped.set)
        return player

    @staticmethod
    def words(public, root, code):
        source = (pathlib.Path(os.environ["BT_SOURCE_ROOT"]) / "trust" / "words.c").read_text(encoding="utf-8")
        table = re.search(r"bt_words_list\[BT_WORDS_COUNT\] = \{(.*?)\};", source, re.S).group(1)
        syllables = re.findall(r'"([^"]+)"', table)
        salt = f"bangtin-words\n{public}\n{hashlib.sha256(root.encode()).hexdigest()}"
        return " ".join(syllables[byte] for byte in hashlib.pbkdf2_hmac("sha256", code.encode(), salt.encode(), 200000, 4))

    def test_from_an_empty_directory_to_two_signatures(self):
        self.prepare()
        first = self.upload("mot.png", (200, 30, 30))
        proposal = self.propose(first)
        shown = self.bangtin("approve", proposal, "--key", "an.json", "--yes")
        self.assertIn("MỚI / NEW: u/31333/quang-truong.json", shown)
        self.assertEqual(self.json("proposal", "show", proposal)["state"], "open")
        self.bangtin("approve", proposal, "--key", "tinh.json", "--yes")
        self.assertEqual(self.json("proposal", "show", proposal)["state"], "published")
        # The player's own client finds it.
        root = urllib.request.urlopen(self.url + "/tuf/metadata/1.root.json").read()
        (self.dir / "root.json").write_bytes(root)
        (self.dir / "out").mkdir()
        self.bangtin("tuf", "--metadata-dir", "tuf", "init", "root.json")
        self.bangtin("tuf", "--metadata-dir", "tuf", "--metadata-url", self.url + "/tuf/metadata", "refresh")
        self.bangtin("tuf", "--metadata-dir", "tuf", "--metadata-url", self.url + "/tuf/metadata",
                     "--target-name", "u/31333/quang-truong.json", "--target-dir", "out",
                     "--target-base-url", self.url + "/tuf/targets", "download")
        # The technician says that the screen shows it, and where its canvas stands; who says nothing more of it keeps that.
        where = {"windows": [
            {"name": name, "display": display, "width": 1920, "height": 1080,
             "slices": [{"from": {"x": x, "width": 160, "height": 96}, "to": {"x": 64, "y": 32}, "rotation": rotation}]}
            for name, display, x, rotation in (("trai", 1, 0, 0), ("phai", 2, 160, 270))]}
        (self.dir / "output.json").write_text(json.dumps(where), encoding="utf-8")
        self.bangtin("screen", "sign", self.screen, "--carry", "u/31333/quang-truong", "--output", "output.json",
                     "--key", "ky-thuat.json", "--yes")
        self.bangtin("screen", "sign", self.screen, "--carry", "u/31333/quang-truong", "--volume-max", 40,
                     "--sound-time", "06:00-11:30", "--sound-time", "13:30-21:00", "--live", "--key", "ky-thuat.json", "--yes")
        self.bangtin("tuf", "--metadata-dir", "tuf", "--metadata-url", self.url + "/tuf/metadata",
                     "--target-name", f"s/31333/{self.screen}.json", "--target-dir", "out",
                     "--target-base-url", self.url + "/tuf/targets", "download")
        signed = next(path for path in (self.dir / "out").rglob("*") if self.screen in path.name)
        document = json.loads(signed.read_text(encoding="utf-8"))
        self.assertEqual(document["carries"], ["u/31333/quang-truong"])
        self.assertEqual(document["output"], where)
        self.assertEqual((document["canvas"]["width"], document["limits"]["volume_percent"]), (320, 40))
        self.assertEqual(document["limits"]["sound_times"], ["06:00-11:30", "13:30-21:00"])
        self.assertIs(document["limits"]["live"], True)
        # The next change shows only what differs, and files seen before are not fetched again.
        second = self.upload("hai.png", (30, 30, 200))
        shown = self.bangtin("approve", self.propose(first, second), "--key", "an.json", "--yes")
        self.assertIn("SỬA / CHANGED", shown)
        self.assertIn(second, shown)
        self.assertNotIn(f"mới / new: chung/{first}", shown)
        self.assertEqual(len(list((self.dir / "config/bangtin/assets").iterdir())), 2)
        self.assertIn("whole", self.bangtin("audit", "verify"))

    def sign(self, proposal):
        for key in ("an.json", "tinh.json"):
            self.bangtin("approve", proposal, "--key", key, "--yes")
        self.assertEqual(self.json("proposal", "show", proposal)["state"], "published")

    def published(self):
        entry, = self.json("publication", "list", "--unit", "31333", "--state", "published")
        return entry["id"], json.loads(self.bangtin("publication", "document", entry["id"]))

    def test_a_proposal_keeps_what_it_does_not_name(self):
        self.prepare()
        first, second = self.upload("mot.png", (200, 30, 30)), self.upload("hai.png", (30, 30, 200))
        one = self.json("playlist", "new", "Một", first, "--unit", "31333")["id"]
        two = self.json("playlist", "new", "Hai", second, first, "--unit", "31333")["id"]
        schedule = self.json("schedule", "new", "Buổi tối", "--unit", "31333", "--zone", "chinh", "--playlist", two,
                             "--times", "18:00-22:00")["id"]
        propose = ("propose", "quang-truong", "--unit", "31333")
        self.sign(self.json(*propose, "--playlist", one, "--title", "Quảng trường", "--activate", "now")["id"])
        # A second playlist joins the first; a third proposal builds on it before it is signed.
        waits = self.json(*propose, "--playlist", two, "--schedule", schedule)["id"]
        said = self.bangtin(*propose, "--playlist", one, "--zone", "tren")
        self.assertIn(f"keeping what version 2 has: {one}, {two}", said)
        self.sign(waits)
        self.sign(self.json("proposal", "list", "--state", "open")[0]["id"])
        _, document = self.published()
        items = {each["name"]: [item["id"] for item in each["items"]] for each in document["playlists"]}
        self.assertEqual(items, {"chung": [first], two: [second, f"{first}.{two}"]})
        self.assertEqual(document["schedule"], [
            {"zone": "chinh", "playlist": "chung"}, {"zone": "chinh", "playlist": two, "times": "18:00-22:00"},
            {"zone": "tren", "playlist": "chung"}])
        self.assertEqual(document["title"], "Quảng trường")
        self.assertNotEqual(document.get("activate"), "now")  # that was for the first alone
        # What is taken out goes with its rules; --replace keeps nothing.
        self.assertIn(two, self.bangtin(*propose, "--without", "l-KHONGCO", fails=True))
        self.sign(self.json(*propose, "--without", one)["id"])
        self.assertEqual([each["name"] for each in self.published()[1]["playlists"]], [two])
        self.sign(self.json(*propose, "--playlist", one, "--replace")["id"])
        self.assertEqual(self.published()[1]["schedule"], [{"zone": "chinh", "playlist": "chung"}])
        for wrong in ((), ("--replace",), ("--recipe", "x.json", "--replace"), ("--recipe", "x", "--playlist", one)):
            self.assertIn("--playlist", self.bangtin(*propose, *wrong, fails=True))

    def test_a_schedule_is_made_changed_and_removed_rule_by_rule(self):
        self.prepare()
        schedule = self.json("schedule", "new", "Giờ hành chính", "--unit", "31333", "--zone", "chinh", "--playlist", "chung",
                             "--times", "07:00-17:00", "--weekday", "mon", "--weekday", "tue")["id"]
        change = ("schedule", "change", schedule)
        rules = self.json(*change, "--add", "--zone", "chinh", "--playlist", "chung", "--repeat", "FREQ=MONTHLY;BYDAY=1SA",
                          "--repeat-start", "2026-12-05T19:00", "--repeat-seconds", 3600, "--priority", "priority")["rules"]
        self.assertEqual(rules[0], {"zone": "chinh", "playlist": "chung", "times": "07:00-17:00", "weekdays": ["mon", "tue"]})
        self.assertEqual(rules[1]["repeat"], {"rrule": "FREQ=MONTHLY;BYDAY=1SA", "start": "2026-12-05T19:00", "seconds": 3600})
        # What is not said stays; with several rules one says which.
        self.assertIn("--rule 1..2", self.bangtin(*change, "--weight", 3, fails=True))
        changed = self.json(*change, "--rule", 1, "--weekday", "sun", "--weight", 3, "--clear", "times")["rules"]
        self.assertEqual(changed, [{"zone": "chinh", "playlist": "chung", "weekdays": ["sun"], "weight": 3}, rules[1]])
        self.assertEqual(self.json(*change, "--name", "Tên mới")["rules"], changed)
        self.assertIn("times", self.bangtin(*change, "--rule", 1, "--times", "07:00-26:00", fails=True))
        (self.dir / "luat.json").write_text(json.dumps(rules), encoding="utf-8")
        self.assertEqual(self.json(*change, "--rules", "luat.json")["rules"], rules)
        self.assertIn("--rules", self.bangtin(*change, "--rules", "luat.json", "--weight", 1, fails=True))
        self.assertIn("FREQ=MONTHLY", self.bangtin("schedule", "show", schedule))
        self.assertEqual([each["name"] for each in self.json("schedule", "list", "--unit", "31333")], ["Tên mới"])
        self.bangtin("schedule", "remove", schedule, "--rule", 1)
        self.assertEqual(self.json("schedule", "show", schedule)["rules"], rules[1:])
        self.assertIn(f"schedule remove {schedule}", self.bangtin("schedule", "remove", schedule, "--rule", 1, fails=True))
        self.bangtin("schedule", "remove", schedule)
        self.assertEqual(self.json("schedule", "list"), [])

    def test_what_was_proposed_or_published_is_withdrawn(self):
        self.prepare()
        media = self.upload("mot.png", (200, 30, 30))
        waits = self.propose(media)
        self.bangtin("withdraw", waits)
        self.assertEqual(self.json("proposal", "show", waits)["state"], "withdrawn")
        self.bangtin("withdraw", waits, fails=True)
        # By its publication, too: a proposal that waits behind another.
        first, queued = self.propose(media), self.propose(media)
        publication = self.json("proposal", "show", queued)["publications"][0]
        self.assertEqual(self.json("withdraw", publication)["id"], queued)
        self.sign(first)
        # What is on the screens goes when enough have signed.
        on, _ = self.published()
        said = self.bangtin("withdraw", on, "--reason", "hết chiến dịch")
        self.assertIn("takedown now", said)
        self.published()
        proposal, = self.json("proposal", "list", "--state", "open")
        self.assertEqual(proposal["note"], "hết chiến dịch")
        self.sign(proposal["id"])
        self.assertEqual(self.json("publication", "show", on)["state"], "withdrawn")
        self.assertIn("nothing is left", self.bangtin("withdraw", on, fails=True))
        self.assertIn("bangtin proposal list", self.bangtin("withdraw", "quang-truong", fails=True))

    def test_a_screen_obeys_and_says_so(self):
        self.prepare()
        media = self.upload("mot.png", (200, 30, 30))
        player = self.pair()
        self.bangtin("command", "identify", self.screen, 5)
        player.refuses.add("volume")
        self.assertIn("not done", self.bangtin("command", "volume", self.screen, 80, fails=True))
        self.bangtin("command", "screenshot", self.screen, "--to", "anh.png")
        self.assertTrue((self.dir / "anh.png").read_bytes().startswith(b"\x89PNG"))
        shown = self.bangtin("takedown", "now", "--unit", "31333", "--media", media)
        self.assertIn("done", shown)
        # What was taken down is not proposed again without saying so.
        words = self.bangtin("playlist", "new", "Danh sách", media, "--unit", "31333", "--json")
        playlist = json.loads(words)["id"]
        takedown = self.json("takedown", "list")[0]["id"]
        again = ("propose", "quang-truong", "--unit", "31333", "--playlist", playlist)
        self.assertIn(takedown, self.bangtin(*again, fails=True))
        self.bangtin(*again, "--lift", takedown)

    def test_an_emergency_is_signed_by_the_duty_officer(self):
        self.prepare()
        template = {
            "canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh"}],
            "playlists": [{"name": "bao", "items": [
                {"id": "tin", "type": "text", "text": "Bão {ten} cấp {cap}", "seconds": 8}]}],
            "schedule": [{"zone": "chinh", "playlist": "bao", "priority": "emergency"}],
            "fields": [{"name": "ten", "type": "text"}, {"name": "cap", "type": "number"}]}
        (self.dir / "mau.json").write_text(json.dumps(template), encoding="utf-8")
        self.bangtin("publish", "bao", "--unit", "31333", "--layer", "template", "--recipe", "mau.json",
                     "--key", "an.json", "--key", "tinh.json", "--yes")
        self.pair()
        start = ("emergency", "start", "u/31333/template-bao", "--field", "ten=số 9", "--field", "cap=3")
        self.bangtin(*start, "--key", "an.json", fails=True)  # no duty officer
        self.bangtin(*start, "--key", "truc.json")
        emergency = self.json("emergency", "list")[0]
        self.assertEqual(emergency["state"], "active")
        self.bangtin("emergency", "renew", emergency["id"], "--minutes", 300, "--key", "truc.json")
        self.bangtin("emergency", "end", emergency["id"])
        self.assertEqual(self.json("emergency", "list")[0]["state"], "ended")

    def test_what_was_made_is_edited_and_deleted(self):
        self.prepare()
        media = self.upload("mot.png", (9, 9, 9))
        campaign = self.json("campaign", "new", "Đợt một", "--unit", "31333", "--goal", 10)["id"]
        self.assertEqual(self.json("campaign", "set", campaign, "--name", "Đợt hai", "--goal", 20)["name"], "Đợt hai")
        playlist = self.json("playlist", "new", "Một", media, "--unit", "31333", "--campaign", campaign)["id"]
        self.json("playlist", "set", playlist, media, "--append", "--seconds", 3)
        items = self.json("playlist", "show", playlist)["items"]
        self.assertEqual([(item["id"], item["seconds"]) for item in items], [(media, 10), (media + ".2", 3)])
        self.assertEqual(self.json("unit", "set", "31333", "--name", "Phường mới")["parent"], "92")
        changed = self.json("screen", "set", self.screen, "--duty-phone", "0999", "--place", "Chợ")
        self.assertEqual((changed["duty"], changed["width"]), ({"name": "An", "phone": "0999"}, 320))
        group = self.json("group", "new", "Tất cả", "--unit", "31333")["id"]
        self.bangtin("group", "screens", group, self.screen)
        self.assertEqual(self.json("group", "show", group)["screens"], [self.screen])
        for deleted in (("playlist", "delete", playlist), ("campaign", "delete", campaign), ("media", "hide", media),
                        ("screen", "retire", self.screen)):
            self.bangtin(*deleted)
        self.assertEqual(self.json("playlist", "list"), [])
        self.assertEqual(self.json("media", "list"), [])

    def test_a_program_does_what_its_token_says(self):
        self.prepare()
        token = self.json("token", "new", "thu", "--scope", "view", "--days", 1)
        (self.dir / "ma").write_text(token["token"] + "\n", encoding="utf-8")
        self.bangtin("login", self.url, "--token-file", "ma")
        self.assertEqual(len(self.json("screen", "list")), 1)
        self.bangtin("screen", "retire", self.screen, fails=True)

    def test_wrong_words_pair_nothing(self):
        self.prepare()
        pairing = Player(self.dir, self.url).begin()
        words = self.bangtin("pair", pairing["code"], "--screen", self.screen, "--words",
                             "một hai ba bốn", fails=True)
        self.assertIn("Not paired", words)
        self.assertIsNone(self.json("screen", "show", self.screen)["player"])

    def test_a_rewritten_audit_log_is_found(self):
        self.prepare()
        self.bangtin("audit", "verify")
        database = sqlite3.connect(self.dir / "data" / "bangtin.db", timeout=180)
        with database:
            database.execute("UPDATE audit SET body = replace(body, 'unit.create', 'unit.delete') WHERE seq = 4")
        database.close()
        self.assertIn("was changed", self.bangtin("audit", "verify", fails=True))

    def test_renewing_what_the_unit_signs(self):
        self.prepare()
        self.bangtin("approve", self.propose(self.upload("mot.png", (1, 2, 3))), "--key", "an.json", "--key",
                     "tinh.json", "--yes")
        self.bangtin("repository", "renew", "u-31333", "--repository", "kho", "--key", "an.json",
                     fails=True)  # one of two
        self.bangtin("repository", "renew", "u-31333", "--repository", "kho", "--key", "an.json", "--key",
                     "tinh.json")
        roles = json.loads(urllib.request.urlopen(self.url + "/tuf/metadata/2.u-31333.json").read())
        self.assertEqual(len(roles["signatures"]), 2)
        # As after a restore: what players are known to hold is gone here, and who may sign as well.
        database = sqlite3.connect(self.dir / "data" / "bangtin.db", timeout=180)
        with database:
            newest, = database.execute("SELECT MAX(version) FROM tuf_metadata WHERE role = 'targets'").fetchone()
            database.execute("DELETE FROM tuf_metadata WHERE (role = 'u-31333' AND version = 2) OR (role = 'targets' AND "
                             "version = ?)", (newest,))
            database.execute("INSERT INTO tuf_seen VALUES ('u-31333', 5), ('targets', ?)", (newest,))
        database.close()
        self.bangtin("repository", "push", "--repository", "kho")
        self.assertEqual(json.loads(urllib.request.urlopen(f"{self.url}/tuf/metadata/{newest}.targets.json").read())["signed"]
                         ["version"], newest)
        self.bangtin("repository", "renew", "u-31333", "--repository", "kho", "--key", "an.json", "--key", "tinh.json")
        signed = json.loads(urllib.request.urlopen(self.url + "/tuf/metadata/6.u-31333.json").read())["signed"]
        self.assertEqual((signed["version"], len(signed["targets"])), (6, 1))

    def test_an_upload_goes_on_where_it_was_cut(self):
        self.prepare()
        noise = base64.b64encode(os.urandom(9 * 1024 * 1024))
        (self.dir / "nhieu.bin").write_bytes(noise)
        config = self.dir / "config" / "bangtin"
        login = json.loads((config / "login.json").read_text(encoding="utf-8"))

        def call(method, path, body=None, **headers):
            request = urllib.request.Request(self.url + path, method=method, data=body, headers={
                "Cookie": login["cookie"], "X-Bangtin-Token": login["token"], "Tus-Resumable": "1.0.0",
                **{name.replace("_", "-"): value for name, value in headers.items()}})
            with urllib.request.urlopen(request, timeout=180) as answer:
                return answer.headers

        def encoded(text):
            return base64.b64encode(text.encode()).decode()
        location = call("POST", "/v1/uploads", b"", Upload_Length=str(len(noise)), Upload_Metadata=(
            f"unit {encoded('31333')},title {encoded('nhieu.bin')}"))["Location"]
        call("PATCH", location, noise[:5000], Upload_Offset="0",
             Content_Type="application/offset+octet-stream")
        key = f"{self.url} 31333 {hashlib.sha256(noise).hexdigest()}"
        (config / "uploads.json").write_text(json.dumps({key: location}), encoding="utf-8")
        words = self.bangtin("upload", "nhieu.bin", "--unit", "31333", fails=True)
        self.assertIn("cannot be used", words)  # it arrived whole, and is no picture
        self.assertEqual(json.loads((config / "uploads.json").read_text(encoding="utf-8")), {})

    def test_whoever_is_not_logged_in_is_told_how(self):
        words = self.bangtin("unit", "list", fails=True)
        self.assertIn("bangtin login", words)
        words = self.bangtin("login", self.url, "--login", "an", "--password-file", "mat-khau", fails=True)
        self.assertNotIn(PASSWORD, words)
        words = self.bangtin("login", "http://192.0.2.1:8080", "--login", "an", "--password-file",
                             "mat-khau", fails=True)
        self.assertIn("not encrypted", words)


if __name__ == "__main__":
    unittest.main()
