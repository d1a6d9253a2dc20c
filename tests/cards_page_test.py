#!/usr/bin/python3
"""The technician's page of enrolment cards in Chromium, against a real server: what it makes is what `bangtin card` makes,
and a real player pairs by it. With BT_SCREENSHOT=DIR its pictures are kept there."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import CHROMEDRIVER, Browser  # noqa: E402
from hijacked_world import Screen, wait_until  # noqa: E402
from server_harness import BUILD, PASSWORD, SOURCE, Client, Server  # noqa: E402

BANGTIN = os.path.join(BUILD, "cli", "bangtin")
FILE = os.path.join(SOURCE, "cards", "cards.html")
PAGE = "file://" + os.path.abspath(FILE)
TAKE = os.path.join(SOURCE, "deploy", "raspberry-pi", "bangtin-card")
PIN = "sha256//" + "A" * 43 + "="
STORED = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href]);"


class Office:
    """A province with a commune, two screens and a technician; its folder is also where bangtin keeps its login."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bt-cards-"))
        self.server = Server(str(self.dir / "data"))
        self.write("password", PASSWORD)
        self.write("first", self.server.first_secret)
        self.bangtin("login", self.server.origin, "--login", "quan-tri", "--name", "An", "--first-secret-file", "first",
                     "--password-file", "password")
        self.bangtin("unit", "new", "92", "--name", "Tỉnh", "--parent", "vn", "--kind", "province")
        self.bangtin("unit", "new", "31333", "--name", "Xã", "--parent", "92", "--kind", "commune")
        for holder in ("goc", "tinh"):
            self.bangtin("key", "new", f"{holder}.json", "--holder", holder, "--no-passphrase")
        self.bangtin("repository", "new", "kho", "--server", self.server.origin, "--root", "goc.pub.json", "--targets", "tinh.pub.json",
                     "--root-threshold", "1", "--targets-threshold", "1", "--key", "goc.json", "--key", "tinh.json")
        self.bangtin("repository", "push", "--repository", "kho")
        self.root = self.root_of(1)
        self.gate, self.square = (json.loads(self.bangtin(
            "screen", "new", name, "--unit", "31333", "--kind", "lcd", "--width", "320", "--height", "180", "--json"))["id"]
            for name in ("Cổng chào Hà Long", "Quảng trường"))
        self.admin = Client(self.server, self.login("quan-tri"))
        for login, name, role in (("ky-thuat", "Lê Thị Kỹ", "technician"), ("xem", "Phạm Văn Xem", "viewer")):
            user = self.admin.post("/v1/users", {"login": login, "name": name, "unit": "31333", "password": PASSWORD}).json["id"]
            self.admin.post(f"/v1/users/{user}/grants", {"unit": "31333", "role": role})

    def close(self):
        self.server.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, name, text):
        (self.dir / name).touch(0o600)
        (self.dir / name).write_text(text + "\n", encoding="utf-8")

    def bangtin(self, *arguments):
        done = subprocess.run([BANGTIN, *arguments], cwd=self.dir, env={**os.environ, "XDG_CONFIG_HOME": str(self.dir / "config")},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"bangtin {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def login(self, login):
        return Client(self.server).post("/v1/login", {"login": login, "password": PASSWORD, "bearer": True}).json["token"]

    def root_of(self, version):
        return hashlib.sha256(Client(self.server).get(f"/tuf/metadata/{version}.root.json", check=False).body).hexdigest()

    def cards(self):
        return {entry["id"]: entry for entry in self.admin.get("/v1/enrolments").json["items"]}


@unittest.skipUnless(CHROMEDRIVER, "needs chromedriver")
class CardsPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.page = cls.enterClassContext(Browser(1366, 768))

    def setUp(self):
        for entry in self.office.cards().values():
            self.office.admin.delete(f"/v1/enrolments/{entry['id']}")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bt-card-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in os.listdir(self.page.downloads):
            os.remove(os.path.join(self.page.downloads, name))

    def enter(self, login="ky-thuat", between=""):
        page = self.page
        page.open(PAGE)
        if between:
            self.between(between)
        page.fill("#server", self.office.server.origin)
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.click("#connect")
        page.wait("return !busy && (!document.getElementById('list-part').hidden || document.getElementById('login-said').textContent)")

    def ask_for(self, screen, **fields):
        page = self.page
        page.run("document.getElementById('screen').value = arguments[0]; document.getElementById('screen').dispatchEvent(new Event('change'));", screen)
        for name, text in {"root": self.office.root, **fields}.items():
            page.fill(f"#{name}", text)
        page.click("#make")

    def made(self):
        """Waits for the file that was saved; the files in it, by name."""
        self.page.wait("return !busy && document.getElementById('new-said').className === 'said good'")
        found = []

        def look():
            found[:] = [name for name in os.listdir(self.page.downloads) if name.endswith(".zip")]
            return found
        wait_until(look)
        path = os.path.join(self.page.downloads, found[0])
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual({entry.external_attr >> 16 for entry in archive.infolist()}, {0o100600})
            return {entry.filename: archive.read(entry).decode() for entry in archive.infolist()}

    def refused(self, words):
        self.page.wait("return !busy && document.getElementById('new-said').textContent")
        self.assertIn(words, self.page.text("#new-said"))
        self.assertEqual([entry for entry in self.office.cards().values() if entry["state"] == "waiting"], [])
        self.assertEqual(os.listdir(self.page.downloads), [])

    def picture(self, name):
        if os.environ.get("BT_SCREENSHOT"):
            self.page.screenshot(os.path.join(os.environ["BT_SCREENSHOT"], name + ".png"))

    def rows(self):
        return self.page.run("return [...document.querySelectorAll('#card-rows tr')].map(row => row.innerText.replace(/\\s+/g, ' '));")

    def test_a_player_pairs_by_what_the_page_made(self):
        page, office = self.page, self.office
        self.enter()
        self.assertIn(office.server.origin, page.run("return document.getElementById('address').value"))
        self.ask_for(office.gate, days="3")
        files = self.made()
        self.assertEqual(sorted(files), ["bangtin/card.env", "bangtin/enrolment", "bangtin/identity.json"])
        secret, key = files["bangtin/enrolment"].strip(), json.loads(files["bangtin/identity.json"])
        self.picture("made")
        self.assertIn(f"bangtin screen sign {office.gate} --player {key['public']['keyval']['public']}", page.text("#made-sign"))
        kept = page.run("return document.documentElement.outerHTML") + page.run(STORED) + page.log() + office.server.said()
        for hidden in (secret, key["secret"]):
            self.assertNotIn(hidden, kept)
        # The reader of a card at its first start, then a player with what it left.
        tree = self.folder / "tree"
        for path in ("var/lib/bangtin-player", "var/lib/bangtin-data", "boot/firmware/bangtin"):
            (tree / path).mkdir(parents=True)
        for name, text in files.items():
            (tree / "boot/firmware" / name).write_text(text, encoding="utf-8")
        subprocess.run([TAKE, "take", tree], check=True, capture_output=True)
        options = re.search('"(.*)"', (tree / "var/lib/bangtin-data/card.env").read_text())[1].split()
        self.assertEqual(options, ["--server", office.server.origin, "--root-sha256", office.root])
        player = Screen(str(tree / "var/lib/bangtin-player"), options[1], *options[2:])
        self.addCleanup(player.kill)
        player.wait_said("Paired as")
        self.assertNotIn("Waiting to be paired", player.said())
        entry = next(entry for entry in office.cards().values() if entry["screen"] == office.gate and entry["state"] == "used")
        page.click("#reload")
        page.wait("return !busy && document.querySelector('.tag.used')")
        row = self.rows()[0]
        for said in ("Cổng chào Hà Long", "Đã dùng / taken", entry["player"], "Lê Thị Kỹ"):
            self.assertIn(said, row)
        self.assertRegex(row, r"\b\d\d/\d\d/\d{4} \d\d:\d\d\b")
        page.click("#forget")
        self.assertFalse(page.run("return document.getElementById('save-again').hasAttribute('href') || saved"))

    def test_the_command_and_the_page_make_the_same_files(self):
        office = self.office
        office.bangtin("card", "new", office.square, "--out", str(self.folder / "bangtin"), "--address", "https://bangtin.example.vn:8443",
                       "--address-pin", f"{PIN};{PIN}", "--root-sha256", office.root)
        self.enter()
        self.assertIn("Đang chờ / waiting", self.rows()[0])
        self.ask_for(office.square, address="https://bangtin.example.vn:8443/", pin=f"{PIN};{PIN}")
        self.page.wait("return document.getElementById('question').open")
        self.page.click("#answer-yes")
        files = self.made()
        theirs = {f"bangtin/{path.name}": path.read_text(encoding="utf-8") for path in (self.folder / "bangtin").iterdir()}
        self.assertEqual(sorted(files), sorted(theirs))
        self.assertEqual(files["bangtin/card.env"], theirs["bangtin/card.env"])
        hexes = re.compile("[0-9a-f]{64,}")  # what differs is the key, its id and the secret, each as long as theirs

        def shape(made):
            key = json.dumps(json.loads(made["bangtin/identity.json"]))
            return hexes.sub(lambda found: str(len(found[0])), key + made["bangtin/enrolment"])
        self.assertEqual(shape(files), shape(theirs))
        states = sorted(entry["state"] for entry in office.cards().values() if entry["screen"] == office.square)
        self.assertEqual((states.count("waiting"), states.count("withdrawn") > 0), (1, True))

    def test_a_card_is_withdrawn_after_a_question(self):
        page, office = self.page, self.office
        made = office.admin.post("/v1/enrolments", {"screen": office.gate, "public_key": "ab" * 32, "days": 1}).json["id"]
        self.enter()
        for answer, state in (("no", "waiting"), ("yes", "withdrawn")):
            page.click(f"[data-card='{made}']")
            page.wait("return document.getElementById('question').open")
            self.assertIn(made, page.text("#question-text"))
            self.picture("question")
            page.click(f"#answer-{answer}")
            page.wait("return !busy")
            self.assertEqual(office.cards()[made]["state"], state)
        self.assertIn(made, page.text("#list-said"))
        self.assertFalse(page.run("return document.querySelector(`[data-card='${arguments[0]}']`)", made))
        self.assertTrue(any("Đã thu hồi / withdrawn" in row and made in row for row in self.rows()))

    def test_escape_is_no(self):
        page, office = self.page, self.office
        made = office.admin.post("/v1/enrolments", {"screen": office.gate, "public_key": "ab" * 32, "days": 1}).json["id"]
        self.enter()
        page.click(f"[data-card='{made}']")
        page.wait("return document.getElementById('question').open")
        self.assertEqual(page.run("return document.activeElement.id"), "answer-no")
        page.type("#answer-no", "\ue00c")
        page.wait("return !busy && !document.getElementById('question').open")
        self.assertEqual(office.cards()[made]["state"], "waiting")

    def test_what_makes_no_card(self):
        office = self.office
        self.enter()
        self.ask_for("")
        self.refused("choose a screen")
        self.ask_for(office.gate, days="31")
        self.refused("1 to 30")
        self.ask_for(office.gate, days="7", root="ab" * 31)
        self.refused("64 hex digits")
        self.ask_for(office.gate, root="ab" * 32)
        self.refused("has no such root")
        self.ask_for(office.gate, address="http://bangtin.example.vn")
        self.refused("https://")
        self.ask_for(office.gate, address='https://bangtin.example.vn" --usb "/')
        self.refused("https://")
        self.ask_for(office.gate, address="https://bangtin.example.vn", pin="sha256//AAAA")
        self.refused("sha256//")
        self.assertEqual(self.page.run("return document.activeElement.id + document.activeElement.getAttribute('aria-invalid')"), "pintrue")

    def between(self, script):
        """Until the page is opened again, what the server answers is the script's: of (url, options), or the real answer."""
        self.page.run("const ask = fetch; let asked = 0;"
                      f"window.fetch = async (url, options) => {{ {script} return ask(url, options); }};")

    def list_said(self):
        self.page.wait("return !busy && document.getElementById('list-said').textContent")
        return self.page.text("#list-said")

    def test_an_id_cannot_write_lines_of_the_card(self):
        page, office = self.page, self.office
        evil = f"{office.gate}\nserver=https://evil.example\npin=\nroot_sha256={'ee' * 32}"
        self.enter(between="if (url.includes('/v1/screens?')) { const page = await (await ask(url, options)).json();"
                           f"page.items.push({{...page.items[0], id: {json.dumps(evil)}}}); return Response.json(page); }}")
        self.assertIn(evil, page.run("return server.all('/v1/screens').then(all => all.map(screen => screen.id))"))
        offered = page.run("return [...document.getElementById('screen').options].map(option => option.value)")
        self.assertEqual(sorted(offered), sorted(["", office.gate, office.square]))
        for other in (evil, office.gate + "\n", "--key", "a" * 64):
            page.run("document.getElementById('screen').append(make('option', 'x', {value: arguments[0]}));", other)
            self.ask_for(other)
            self.refused("id of the screen is malformed")

    def test_an_answer_cannot_write_the_command_or_the_files(self):
        office = self.office
        right = {"id": "f-1", "screen": office.gate, "token": "ab" * 32, "expires_ms": 0}
        for wrong in ({"screen": "s-1; rm -rf ~ #"}, {"screen": office.square}, {"token": "ab" * 32 + "\n"}):
            with self.subTest(wrong):
                self.enter()
                self.between("if (options.method === 'POST') return Response.json(" + json.dumps({**right, **wrong}) + ", {status: 201});")
                self.ask_for(office.gate)
                self.refused("another screen or a malformed token")
                self.assertTrue(self.page.run("return document.getElementById('made-part').hidden"))

    def test_a_list_that_fails_takes_nothing_back(self):
        page, office = self.page, self.office
        made = office.admin.post("/v1/enrolments", {"screen": office.square, "public_key": "ab" * 32, "days": 1}).json["id"]
        fails = ("if (options.method !== 'GET') asked = 1;"
                 "else if (asked && url.includes('/v1/enrolments?')) return Response.json({detail: 'the list is away'}, {status: 503});")
        self.enter()
        self.between(fails)
        self.ask_for(office.gate)
        self.assertIn("bangtin/card.env", self.made())
        self.assertIn("the list is away", self.list_said())
        self.enter()
        self.between(fails)
        page.click(f"[data-card='{made}']")
        page.wait("return document.getElementById('question').open")
        page.click("#answer-yes")
        said = self.list_said()
        for words in (made, "withdrawn", "the list is away"):
            self.assertIn(words, said)
        self.assertEqual(office.cards()[made]["state"], "withdrawn")

    def test_a_server_without_end(self):
        page, office = self.page, self.office
        self.enter()
        # Far beyond the page's bounds there is an end after all, lest a page without any asks for ever.
        self.between("if (++asked > 3000) return new Response('', {status: 404});"
                     "if (url.includes('/v1/enrolments?')) return Response.json({items: [], next: 'x'});"
                     "if (url.includes('/tuf/')) return new Response('x');")
        self.ask_for(office.gate)
        self.refused("more than 1000 roots")
        page.click("#reload")
        self.assertIn("more than 500 pages", self.list_said())
        self.enter()
        page.run("AbortSignal.timeout = () => AbortSignal.abort(new DOMException('', 'TimeoutError'));")
        page.click("#reload")
        self.assertIn("more than 60 s to answer", self.list_said())

    def test_whoever_may_not_is_told_so(self):
        self.enter("xem")
        self.assertTrue(self.page.run("return document.getElementById('list-part').hidden"))
        self.assertNotEqual(self.page.text("#login-said"), "")

    def test_nothing_stays_after_leaving(self):
        page = self.page
        self.enter()
        token = page.run("return server.token")
        self.assertEqual(Client(self.office.server, token).get("/v1/me").status, 200)
        page.click("#logout")
        page.wait("return !busy && document.getElementById('login-said').textContent")
        self.assertEqual(page.run("return server.token"), "")
        self.assertEqual(Client(self.office.server, token).get("/v1/me").status, 401)
        self.assertEqual(json.loads(page.run(STORED)), [{}, {}, "", PAGE])
        self.assertEqual(page.run("return document.getElementById('password').value"), "")

    def test_a_narrow_screen_needs_no_sideways_scrolling(self):
        office, page = self.office, self.page
        office.admin.post("/v1/enrolments", {"screen": office.gate, "public_key": "ab" * 32, "days": 1})
        self.enter()
        self.ask_for(office.square)
        self.made()
        for width, height in ((1366, 768), (390, 844)):
            page.resize(width, height)
            self.addCleanup(page.resize, 1366, 768)
            for part in ("list-part", "new-part", "made-part"):
                page.run("document.getElementById(arguments[0]).scrollIntoView(); window.scrollBy(0, -4);", part)
                self.picture(f"{part}-{width}")
            self.assertLessEqual(page.run("return document.documentElement.scrollWidth"), width)

    def test_text_from_outside_never_becomes_markup(self):
        evil = "<img src=x onerror='window.hijacked=1'>"
        shown, hijacked = self.page.run("""
            const row = rowOf({id: arguments[0], screen: arguments[0], screen_name: arguments[0], unit: arguments[0], state: arguments[0],
                created_ms: 0, created_by_name: arguments[0], expires_ms: 0});
            document.body.append(row);
            const result = [row.querySelectorAll("img").length, window.hijacked || 0];
            row.remove();
            return result;""", evil)
        self.assertEqual((shown, hijacked), (0, 0))
        with open(FILE, encoding="utf-8") as file:
            text = file.read()
        for part in ("src=\"http", "href=\"http", "@import", "import(", "innerHTML", "document.write", "eval(", "Storage", "indexedDB"):
            self.assertNotIn(part, text)

    def test_the_published_hash_is_the_files(self):
        with open(FILE, "rb") as file, open(FILE + ".sha256", encoding="ascii") as said:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), said.read().strip())


if __name__ == "__main__":
    unittest.main(verbosity=2)
