#!/usr/bin/python3
"""The approver's page against a real server: open from disk, key, log in, look, sign; what was signed is what is served."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import CHROMEDRIVER, Browser  # noqa: E402
from server_harness import BUILD, PASSWORD, SOURCE, Client, Server  # noqa: E402
from server_media_test import picture  # noqa: E402

BANGTIN = os.path.join(BUILD, "cli", "bangtin")
PAGE = "file://" + os.path.abspath(os.path.join(SOURCE, "approve", "approve.html"))
PASSPHRASE = "mat khau cua khoa"


@unittest.skipUnless(CHROMEDRIVER, "needs chromedriver")
class ApproveTest(unittest.TestCase):
    """A province, a commune with two approvers, a proposal that waits for them."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bt-approve-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.server = Server(str(self.dir / "data"))
        self.addCleanup(self.server.stop)
        self.write("mat-khau", PASSWORD)
        self.write("secret", self.server.first_secret)
        self.write("mat-khau-khoa", PASSPHRASE)
        self.bangtin("login", self.server.origin, "--login", "quan-tri", "--name", "An", "--first-secret-file", "secret",
                     "--password-file", "mat-khau")
        self.bangtin("unit", "new", "92", "--name", "Tỉnh", "--parent", "vn", "--kind", "province")
        self.bangtin("unit", "new", "31333", "--name", "Xã", "--parent", "92", "--kind", "commune")
        for holder in ("goc", "tinh"):
            self.bangtin("key", "new", f"{holder}.json", "--holder", holder, "--no-passphrase")
        for holder in ("an", "binh"):
            self.bangtin("key", "new", f"{holder}.json", "--holder", holder, "--passphrase-file", "mat-khau-khoa")
        self.bangtin("repository", "new", "kho", "--server", self.server.origin, "--root", "goc.pub.json", "--targets", "tinh.pub.json",
                     "--root-threshold", "1", "--targets-threshold", "1", "--key", "goc.json", "--key", "tinh.json")
        self.bangtin("key", "enrol", "u-31333", "an.pub.json", "binh.pub.json", "--threshold", "2", "--repository", "kho", "--key", "tinh.json")
        self.bangtin("repository", "push", "--repository", "kho")
        (self.dir / "anh.png").write_bytes(picture())
        self.media = self.ask("upload", "anh.png", "--unit", "31333")["media"]

    def write(self, name, text):
        path = self.dir / name
        path.touch(0o600)
        path.write_text(text + "\n", encoding="utf-8")

    def bangtin(self, *arguments):
        done = subprocess.run([BANGTIN, *arguments], cwd=self.dir, env={**os.environ, "XDG_CONFIG_HOME": str(self.dir / "config")},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"bangtin {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments):
        return json.loads(self.bangtin(*arguments, "--json"))

    def propose(self, seconds):
        playlist = self.ask("playlist", "new", f"Danh sách {seconds}", self.media, "--unit", "31333", "--seconds", str(seconds))["id"]
        return self.ask("propose", "quang-truong", "--unit", "31333", "--playlist", playlist, "--replace")["id"]

    def enter(self, page, holder):
        page.open(PAGE)
        page.type("#key-file", str(self.dir / f"{holder}.json"))
        page.fill("#passphrase", PASSPHRASE)
        page.click("#open-key")
        page.wait("return !document.getElementById('server-part').classList.contains('hidden')")
        page.fill("#server", self.server.origin)
        page.fill("#login", "quan-tri")
        page.fill("#password", PASSWORD)
        page.click("#connect")
        page.wait("return document.getElementById('server-state').textContent")
        self.assertIn("connected", page.text("#server-state"))

    def look(self, page, proposal):
        page.wait("return document.querySelector('[data-proposal]')")
        page.click(f"[data-proposal='{proposal}']")
        page.wait("return !document.getElementById('decide').classList.contains('hidden') || document.getElementById('review-state').textContent")
        self.assertEqual(page.text("#review-state"), "", page.text("#checks"))

    def sign(self, page):
        self.assertFalse(page.run("return !document.getElementById('sign').disabled"))
        page.click("#seen")
        page.click("#sign")
        page.wait("return document.getElementById('review-state').textContent")
        return page.text("#review-state")

    def test_two_approvers_sign_in_the_browser_and_it_is_published(self):
        proposal = self.propose(5)
        with Browser() as page:
            self.enter(page, "an")
            self.look(page, proposal)
            self.assertTrue(page.wait("const i = document.querySelector('#changes img'); return i && i.complete && i.naturalWidth === 64"))
            self.assertIn("signed, waiting", self.sign(page))
        with Browser() as page:
            self.enter(page, "binh")
            self.look(page, proposal)
            if os.environ.get("BT_SCREENSHOT"):
                page.screenshot(os.environ["BT_SCREENSHOT"])
            self.assertIn("published", self.sign(page))
        metadata = Client(self.server).get("/tuf/metadata/1.u-31333.json", check=False).json
        self.assertEqual(len(metadata["signatures"]), 2)

    def test_the_next_proposal_shows_what_changes_beside_what_is_on(self):
        first = self.propose(5)
        self.bangtin("approve", first, "--yes", "--key", "an.json", "--passphrase-file", "mat-khau-khoa")
        with Browser() as page:
            self.enter(page, "binh")
            self.look(page, first)
            self.sign(page)
            second = self.propose(9)
            self.enter(page, "binh")
            self.look(page, second)
            checks = page.text("#checks")
            self.assertIn("signed", checks)
            self.assertEqual(page.run("return document.querySelectorAll('#changes .tag.changed').length"), 1)
            sides = page.run("return [...document.querySelectorAll('#changes .pair .side')].map(s => s.textContent)")
            self.assertTrue(any("5 giây" in side for side in sides) and any("9 giây" in side for side in sides), sides)

    def test_a_refusal_gives_its_reason(self):
        proposal = self.propose(5)
        with Browser() as page:
            self.enter(page, "an")
            self.look(page, proposal)
            page.fill("#reason", "Sai số liệu")
            page.click("#refuse")
            page.wait("return document.getElementById('review-state').textContent")
            self.assertIn("refused", page.text("#review-state"))
        self.assertEqual(self.ask("proposal", "show", proposal)["state"], "refused")

    def test_a_key_that_may_not_sign_is_told_so(self):
        proposal = self.propose(5)
        self.bangtin("key", "new", "la.json", "--holder", "nguoi-la", "--passphrase-file", "mat-khau-khoa")
        with Browser() as page:
            self.enter(page, "la")
            page.wait("return document.querySelector('[data-proposal]')")
            page.click(f"[data-proposal='{proposal}']")
            page.wait("return document.getElementById('review-state').textContent")
            self.assertIn("may not sign", page.text("#review-state"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
