#!/usr/bin/env python3
"""bangtin tuf against a real HTTP server: the repositories under attack of tests/data/tuf, and what
a network can do besides."""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])
SOURCE = pathlib.Path(os.environ["BT_SOURCE_ROOT"])
# trust/tuf_attacks_test.c plays them all; these go through addresses, files and exit codes.
THROUGH_THE_DOOR = {
    "an honest repository", "without consistent snapshots", "content that was not signed",
    "one approver of two", "rollback of timestamp", "endless timestamp", "endless target",
    "the repository lacks what it names", "a chain of roots", "names of roles that look like paths",
}
ATTACKS = json.loads((SOURCE / "tests" / "data" / "tuf" / "attacks.json").read_text())


def bangtin(*arguments):
    return subprocess.run([BUILD / "cli" / "bangtin", "tuf", *map(str, arguments)],
                          capture_output=True, text=True, check=False)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # the name is http.server's
        text = self.server.files.get(self.path.lstrip("/"))
        if text is None:
            self.send_error(self.server.missing)
            return
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + self.server.promised_too_much))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Tuf(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files = dict(ATTACKS["files"])
        self.server.missing = 404
        self.server.promised_too_much = 0
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.metadata = self.folder / "metadata"
        self.targets = self.folder / "targets"
        self.targets.mkdir()

    def init(self, root=ATTACKS["root"]):
        path = self.folder / "root.json"
        path.write_text(root)
        return bangtin("--metadata-dir", self.metadata, "init", path)

    def refresh(self):
        return bangtin("--metadata-dir", self.metadata, "--metadata-url", f"{self.url}/metadata",
                       "refresh")

    def download(self, target):
        return bangtin("--metadata-dir", self.metadata, "--metadata-url", f"{self.url}/metadata",
                       "--target-name", target, "--target-dir", self.targets,
                       "--target-base-url", f"{self.url}/targets/", "download")

    def test_what_was_signed_is_kept_under_a_safe_name(self):
        self.assertEqual(self.init().returncode, 0)
        done = self.download("u/31333/a.json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([path.name for path in self.targets.iterdir()], ["u%2F31333%2Fa.json"])
        self.assertEqual((self.targets / "u%2F31333%2Fa.json").read_text(), "a1")
        self.assertEqual(sorted(path.name for path in self.metadata.iterdir()),
                         ["root.json", "snapshot.json", "targets.json", "timestamp.json",
                          "u-31333.json"])

    def test_what_is_there_is_not_fetched_again_and_what_was_changed_is(self):
        self.init()
        self.download("u/31333/a.json")
        kept = self.targets / "u%2F31333%2Fa.json"
        self.server.files = {path: text for path, text in self.server.files.items()
                             if not path.startswith("targets/")}
        self.assertEqual(self.download("u/31333/a.json").returncode, 0)
        kept.write_text("zz")
        self.assertEqual(self.download("u/31333/a.json").returncode, 1)
        self.server.files = dict(ATTACKS["files"])
        self.assertEqual(self.download("u/31333/a.json").returncode, 0)
        self.assertEqual(kept.read_text(), "a1")

    def test_a_root_is_pinned_once(self):
        self.assertEqual(self.init().returncode, 0)
        self.assertEqual(self.init().returncode, 0)
        other = next(case["root"] for case in ATTACKS["cases"] if "root" in case)
        self.assertEqual(self.init(other).returncode, 1)
        self.assertEqual(self.init("{}").returncode, 1)
        self.assertEqual(self.refresh().returncode, 0)

    def test_without_a_root_nothing_is_asked(self):
        self.server.files = None  # whoever asks breaks the handler
        self.assertEqual(self.refresh().returncode, 1)

    def test_what_a_network_can_do(self):
        self.init()
        self.server.missing = 500
        self.assertEqual(self.refresh().returncode, 1)
        self.server.missing = 403  # what stores of objects say for 404
        self.assertEqual(self.refresh().returncode, 0)
        self.server.promised_too_much = 7
        self.assertEqual(self.refresh().returncode, 1)
        self.server.promised_too_much = 0
        self.assertEqual(self.refresh().returncode, 0)

    def test_nobody_is_there(self):
        self.init()
        with socket.socket() as unused:  # bound and not listening
            unused.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            done = self.refresh()
        self.assertEqual(done.returncode, 1)
        self.assertIn("root.json", done.stderr)

    def test_other_protocols_are_not_spoken(self):
        self.init()
        self.url = f"file://{self.folder}"
        self.assertEqual(self.refresh().returncode, 1)

    def test_arguments(self):
        for arguments in ([], ["refresh"], ["init"], ["--metadata-dir", "x", "init"], ["fly"],
                          ["--metadata-dir", "x", "init", "y", "z"], ["--nonsense", "refresh"],
                          ["--metadata-dir", "x", "--metadata-url", "y", "download"]):
            with self.subTest(arguments):
                self.assertEqual(bangtin(*arguments).returncode, 2)
        self.assertEqual(bangtin("--help").returncode, 0)

    def test_repositories_under_attack(self):
        cases = [case for case in ATTACKS["cases"] if case["name"] in THROUGH_THE_DOOR]
        self.assertEqual(len(cases), len(THROUGH_THE_DOOR))
        for number, case in enumerate(cases):
            with self.subTest(case["name"]):
                self.metadata = self.folder / str(number)
                self.targets = self.folder / f"{number}-targets"
                self.targets.mkdir()
                self.server.files = {} if case["fresh"] else dict(ATTACKS["files"])
                self.assertEqual(self.init(case.get("root", ATTACKS["root"])).returncode, 0)
                self.play(case["steps"])

    def play(self, steps):
        refreshed = True
        for step in steps:
            self.server.files.update(step["files"])
            if step["do"] == "refresh":
                refreshed = step["expect"] == "OK"
                done = self.refresh()
            elif step["do"] in ("find", "download"):
                done = self.download(step["path"])
            else:
                continue
            fine = refreshed and step["expect"] == "OK"
            self.assertEqual(done.returncode, 0 if fine else 1, (step["do"], done.stderr))


if __name__ == "__main__":
    unittest.main()
