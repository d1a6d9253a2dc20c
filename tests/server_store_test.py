#!/usr/bin/python3
"""Content in an S3-compatible store, through the real server: all that the library does with a folder, several servers on one
store, and a store that fails, lies and goes away."""

import hashlib
import json
import os
import random
import secrets
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import s3_store  # noqa: E402
import server_media_test as media  # noqa: E402
from server_harness import BUILD, PASSWORD, PROGRAM, Client, PostgreSQL, Server, ServerCase, load_tests, main  # noqa: E402, F401
from server_media_test import begin, long_picture, picture, send, upload, wait  # noqa: E402
from steady import own_port  # noqa: E402

BANGTIN = os.path.join(BUILD, "cli", "bangtin")
PATIENCE_S = 180
LONG = os.environ.get("BT_LONG") == "1"


def until(fact, what):
    end = time.monotonic() + PATIENCE_S
    while not fact():
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}")
        time.sleep(0.02)


class StoreCase(ServerCase):
    """Each test has a prefix of its own in the store."""

    engines = ["sqlite"]
    prepared = True
    own_store = False  # one that fails on demand

    def setUp(self):
        super().setUp()
        self.store = s3_store.Store() if self.own_store else s3_store.open_store()
        self.addCleanup(self.store.stop)
        self.prefix = f"{secrets.token_hex(6)}/tinh"
        self.options = self.store.options(self.prefix, *self.more_options)

    more_options = ("--s3-timeout", "60")

    def keys(self, below):
        return [key.removeprefix(self.prefix + "/") for key in self.store.keys(f"{self.prefix}/{below}")]

    def cached(self):
        """What of the store lies here."""
        place = os.path.join(self.directory, "data", "blobs-cache")
        return sorted(name for _, _, names in os.walk(place) for name in names if len(name) == 64)

    def forget_cache(self):
        place = os.path.join(self.directory, "data", "blobs-cache")
        for folder, _, names in os.walk(place):
            for name in names:
                os.unlink(os.path.join(folder, name))

    def wait_for_an_empty_quarantine(self):
        super_wait = getattr(super(), "wait_for_an_empty_quarantine", None)
        if super_wait:
            super_wait()
        until(lambda: self.keys("quarantine/") == [], "an empty quarantine")

    def quarantined(self, place):
        return bool(self.keys(f"quarantine/{place.rsplit('/', 1)[1]}"))


def some_of(case, *names):
    """These of its tests; with BT_LONG=1 all."""
    hidden = [] if LONG else [name for name in dir(case) if name.startswith("test_") and name not in names]
    return type(case.__name__, (case,), dict.fromkeys(hidden))


class UploadInStoreTest(StoreCase, some_of(media.UploadTest, "test_a_picture_becomes_an_asset_with_a_thumbnail",
                                           "test_an_upload_that_is_given_up_leaves_nothing",
                                           "test_a_server_killed_between_content_and_its_row_takes_it_up_again")):
    kept_in = "blobs-cache"
    # Of a folder's quarantine; where the pieces are in the store, WritingTest kills the server.
    test_an_upload_that_was_whole_when_the_server_died_is_looked_into = None
    test_a_long_request_is_brought_to_the_disk_while_it_comes = None


class LibraryInStoreTest(StoreCase, some_of(media.LibraryTest, "test_content_is_for_those_who_are_logged_in_until_it_is_published")):
    pass


def blob_of(content):
    return hashlib.sha256(content).hexdigest()


def noise(seed, width=120, height=90):
    """A picture of some size: what is random is not packed."""
    rows = b"".join(b"\0" + random.Random(seed * 1000 + y).randbytes(width) for y in range(height))
    flat = picture(width, height)
    at = flat.index(b"IDAT")
    data = b"IDAT" + zlib.compress(rows)
    return flat[:at - 4] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + flat[flat.index(b"IEND") - 4:]


class ReadingTest(StoreCase):
    own_store = True
    more_options = ("--s3-timeout", "600")

    def with_a_picture(self, shade=77):
        admin = self.administrator()
        content = picture(shade=shade)
        upload(admin, content)
        self.forget_cache()
        return admin, content, f"/blobs/{blob_of(content)}"

    def test_what_is_not_here_is_fetched_once(self):
        admin, content, place = self.with_a_picture()
        go_on = threading.Event()
        self.store.plan("GET", blob_of(content), s3_store.pause(go_on))
        clients = [self.client() for _ in range(6)]
        answers = []
        for client in clients:
            client.headers = dict(admin.headers)
        threads = [threading.Thread(target=lambda c=client: answers.append(c.get(place))) for client in clients]
        for thread in threads:
            thread.start()
        until(lambda: self.store.count("GET", blob_of(content)) == 1, "the store is asked")
        self.assertEqual(admin.get("/v1/media").status, 200)  # no worker waits
        go_on.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        # One that waited for too long was told so, and comes again.
        self.assertTrue({answer.status for answer in answers} <= {200, 503}, answers)
        self.assertEqual(admin.get(place).body, content)
        self.assertEqual(admin.get(place, Range="bytes=5-9").body, content[5:10])
        self.assertEqual(self.store.count("GET", blob_of(content)), 1)

    def test_who_waits_too_long_is_told_and_the_content_comes(self):
        admin, content, place = self.with_a_picture()
        go_on = threading.Event()
        self.store.plan("GET", blob_of(content), s3_store.pause(go_on))
        answer = admin.get(place)
        self.assertProblem(answer, 503, "blob-coming")
        self.assertTrue(answer.headers["Retry-After"])
        go_on.set()
        until(lambda: blob_of(content) in self.cached(), "the content is here")
        self.assertEqual(admin.get(place).body, content)
        self.assertEqual(self.store.count("GET", blob_of(content)), 1)

    def test_wrong_bytes_are_given_to_nobody(self):
        admin, content, place = self.with_a_picture()
        other = picture(shade=78)
        for change in (s3_store.garble(50), s3_store.instead(other), s3_store.instead(content + b"x"), s3_store.instead(content[:-1]),
                       s3_store.instead(b"")):
            self.store.plan("GET", blob_of(content), change, 2)
            answer = admin.get(place)
            self.assertProblem(answer, 503, "store")
            self.assertIn("other bytes", answer.json["detail"])
            self.assertNotIn(blob_of(content), self.cached())
        self.assertEqual(admin.get(place).body, content)  # a store that has come to its senses
        self.assertEqual(self.server.metric("bangtin_blob_store_wrong_total"), 10)
        self.assertIn("it is given to nobody", self.server.said())

    def test_one_garbled_answer_is_asked_for_again(self):
        admin, content, place = self.with_a_picture()
        self.store.plan("GET", blob_of(content), s3_store.garble(3))
        self.assertEqual(admin.get(place).body, content)

    def test_a_store_that_stumbles_is_asked_again(self):
        self.options = self.store.options(self.prefix, "--s3-timeout", "3")
        admin, content, place = self.with_a_picture()
        half = len(content) // 2
        for changes in ([s3_store.status(500), s3_store.status(503, "SlowDown")], [s3_store.cut(half), s3_store.cut(half // 2)],
                        [s3_store.cut(0)], [s3_store.hang(half)]):
            self.forget_cache()
            for change in changes:
                self.store.plan("GET", blob_of(content), change)
            answer = admin.get(place)
            if answer.status == 503:  # a slow machine: it came later
                until(lambda: blob_of(content) in self.cached(), "the content is here")
                answer = admin.get(place)
            self.assertEqual(answer.body, content)

    def test_what_was_cut_goes_on_at_the_byte(self):
        admin, content, place = self.with_a_picture()
        self.store.plan("GET", blob_of(content), s3_store.cut(40))
        self.assertEqual(admin.get(place).body, content)
        self.assertEqual(self.store.ranges, ["bytes=40-"])

    def test_a_store_that_is_away(self):
        admin, content, place = self.with_a_picture()
        kept = picture(shade=79)
        upload(admin, kept)
        self.store.closed = True
        self.assertEqual(admin.get(place).status, 503)  # it is away, or has not answered yet
        self.assertEqual(admin.get(f"/blobs/{blob_of(kept)}").body, kept)
        until(lambda: self.server.metric("bangtin_blob_store_away") == 1, "it is noticed")
        ready = self.client().get("/readyz")
        self.assertEqual((ready.status, ready.body), (200, b"ready\nblob store: away\n"))
        self.assertProblem(admin.get(place), 503, "store")
        upload_place = begin(admin, 100).headers["Location"]
        self.assertProblem(send(admin, upload_place, b"x" * 100), 503, "store")
        self.assertEqual(admin.get(upload_place).json["offset"], 0)
        self.store.closed = False
        until(lambda: self.server.metric("bangtin_blob_store_away") == 0, "it is noticed")
        self.assertEqual(admin.get(place).body, content)
        self.assertEqual(send(admin, upload_place, b"x" * 100).status, 204)
        self.assertEqual(self.client().get("/readyz").body, b"ready\n")

    def test_a_server_begins_while_the_store_is_away(self):
        admin, content, place = self.with_a_picture()
        self.server.stop()
        self.store.closed = True
        self._server = self.start()
        admin = self.administrator()
        until(lambda: self.server.metric("bangtin_blob_store_away") == 1, "it is noticed")
        self.assertProblem(admin.get(place), 503, "store")
        self.store.closed = False
        until(lambda: self.server.metric("bangtin_blob_store_away") == 0, "it is noticed")
        self.assertEqual(admin.get(place).body, content)

    def test_a_store_that_does_not_let_us_in(self):
        self.store.secret, ours = secrets.token_hex(20), self.store.secret
        admin = self.administrator()
        until(lambda: self.server.metric("bangtin_blob_store_away") == 1, "it is noticed")
        self.assertEqual(admin.get("/v1/media").status, 200)
        until(lambda: "SignatureDoesNotMatch" in self.server.said() or "403" in self.server.said(), "it is said")
        self.assertNotIn(ours, self.server.said())

    def test_content_that_is_gone_is_not_there(self):
        admin, content, place = self.with_a_picture()
        with self.store.lock:
            for key in [key for key in self.store.objects if blob_of(content) in key]:
                del self.store.objects[key]
        self.assertEqual(admin.get(place).status, 404)


class OptionsTest(StoreCase):
    own_store = True

    def refused(self, *options):
        done = subprocess.run([PROGRAM, "--data", os.path.join(self.directory, "other"), "--listen", "127.0.0.1:0", *options],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stdout + done.stderr

    def test_what_is_no_store_is_refused(self):
        for url in ("ftp://x/y", "https://x", "https://x/", "http://kho.example.vn/bangtin", "https://u:p@x/y", "https://x/y?z=1",
                    "https://x/../y", "https://x/a//b", "/var/lib/blobs", "https://x/y z"):
            with self.subTest(url):
                self.assertIn("is no store", self.refused("--blobs", url, "--s3-credentials", self.store.credentials))

    def test_keys_that_others_can_read_are_refused(self):
        os.chmod(self.store.credentials, 0o644)
        self.assertIn("chmod 600", self.refused(*self.store.options()))

    def test_a_file_without_keys_is_refused_without_its_words(self):
        with open(self.store.credentials, "w", encoding="utf-8") as file:
            file.write("bi-mat-lam\naws_access_key_id=\n")
        said = self.refused(*self.store.options())
        self.assertIn("aws_secret_access_key", said)
        self.assertNotIn("bi-mat", said)


class SharedFolderTest(StoreCase):
    prepared = False  # whose folders are not shared ones

    def test_a_folder_beside_the_store_is_warned_of_when_it_has_content(self):
        shared = os.path.join(self.directory, "shared")
        self.options = (*self.options, "--shared", shared)
        self.assertNotIn("still has content", self.server.stop())
        os.makedirs(os.path.join(shared, "blobs", "ab"))
        self.assertIn("still has content", self.start().stop())


class WritingTest(StoreCase):
    own_store = True
    more_options = ("--s3-timeout", "600")

    def test_an_upload_survives_a_store_that_stumbles(self):
        admin = self.administrator()
        content = noise(41)
        self.store.plan("PUT", "quarantine/", s3_store.status(500))
        self.store.plan("PUT", "quarantine/", s3_store.cut(0))
        self.store.plan("PUT", "blobs/", s3_store.status(503, "SlowDown"), 2)
        self.assertEqual(upload(admin, content)["state"], "ready")
        self.assertEqual(self.store.objects[f"{self.prefix}/blobs/{blob_of(content)[:2]}/{blob_of(content)}"], content)

    @unittest.skipUnless(LONG, "BT_LONG=1: the next look is ten seconds later")
    def test_an_upload_is_looked_into_when_the_store_is_back(self):
        admin = self.administrator()
        content = noise(42)
        self.store.plan("PUT", "blobs/", s3_store.status(500), 4)
        self.assertEqual(upload(admin, content)["state"], "ready")

    def test_pieces_that_the_store_changes_are_not_looked_into(self):
        admin = self.administrator()
        content = noise(43)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 1000).status, 204)
        self.store.plan("GET", "quarantine/", s3_store.garble(10))
        self.assertEqual(send(admin, place, content, 1000).status, 204)
        until(lambda: "gives other bytes" in self.server.said(), "it is said")
        self.assertEqual(wait(admin, place)["state"], "ready")  # the next time the store is honest

    def test_an_upload_whose_piece_is_gone_is_refused_and_the_next_has_its_turn(self):
        admin = self.administrator()
        content = noise(45)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 700).status, 204)
        with self.store.lock:
            for key in [key for key in self.store.objects if "/quarantine/" in key]:
                del self.store.objects[key]
        self.assertEqual(send(admin, place, content, 700).status, 204)
        state = wait(admin, place)
        self.assertEqual((state["state"], state["report"]["detail"]), ("refused", "A piece is gone"))
        self.assertEqual(upload(admin, noise(46))["state"], "ready")
        self.wait_for_an_empty_quarantine()

    @unittest.skipUnless(LONG, "BT_LONG=1: the next look is ten seconds later")
    def test_an_upload_that_always_fails_does_not_keep_the_others_waiting(self):
        admin = self.administrator()
        content = noise(47)
        place = begin(admin, len(content)).headers["Location"]
        self.store.plan("GET", f"quarantine/{place.rsplit('/', 1)[1]}", s3_store.garble(10), 1000)
        self.assertEqual(send(admin, place, content).status, 204)
        until(lambda: "gives other bytes" in self.server.said(), "it is said")
        self.assertEqual(upload(admin, noise(48))["state"], "ready")
        self.assertEqual(admin.get(place).json["state"], "inspecting")

    def test_an_upload_from_the_days_of_a_folder_is_looked_into(self):
        kept, self.options = self.options, ()
        admin = self.administrator()
        content = noise(49)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, len(content) - 1).status, 204)
        self.server.stop()
        name = place.rsplit("/", 1)[1]
        with open(os.path.join(self.directory, "data", "quarantine", name), "ab") as file:
            file.write(content[-1:])
        self.execute(f"UPDATE upload SET state = 'inspecting' WHERE id = '{name}'")
        self.options = kept
        self._server = self.start()
        admin = self.administrator()
        state = wait(admin, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(admin.get(f"/blobs/{blob_of(content)}").body, content)

    def test_an_upload_is_killed_between_its_pieces(self):
        admin = self.administrator()
        content = noise(44)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 700).status, 204)
        go_on = threading.Event()
        self.store.plan("PUT", "quarantine/", s3_store.pause(go_on))

        def send_and_be_cut():
            try:
                send(admin, place, content, 700, 1200)
            except OSError:
                pass
        thread = threading.Thread(target=send_and_be_cut)
        thread.start()
        until(lambda: self.store.count("PUT", "quarantine/") == 2, "the second piece is on its way")
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        go_on.set()
        thread.join(PATIENCE_S)
        self._server = None
        admin = self.administrator()
        offset = admin.get(place).json["offset"]
        self.assertEqual(offset, 700)
        self.assertEqual(send(admin, place, content, offset).status, 204)
        self.assertEqual(wait(admin, place)["state"], "ready")
        media_id = admin.get(place).json["media"]
        self.assertEqual(admin.get(f"/v1/media/{media_id}").json["sha256"], blob_of(content))

    def test_an_upload_is_killed_within_one_long_request(self):
        admin = self.administrator()
        content = long_picture(20 * 1024**2)
        place = begin(admin, len(content)).headers["Location"]
        for _ in range(2):
            self.store.plan("PUT", "quarantine/", lambda *_: None)
        go_on = threading.Event()
        self.store.plan("PUT", "quarantine/", s3_store.pause(go_on))
        thread = self.send_and_be_cut(admin, place, content)
        until(lambda: self.store.count("PUT", "quarantine/") == 3, "the third piece is on its way")
        offset = self.client_of(admin).get(place).json["offset"]
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        go_on.set()
        thread.join(PATIENCE_S)
        self._server = None
        admin = self.administrator()
        self.assertEqual(admin.get(place).json["offset"], offset)
        self.assertGreaterEqual(offset, 16 * 1024**2)
        self.assert_goes_on(admin, place, content, offset)
        self.wait_for_an_empty_quarantine()

    def client_of(self, admin):
        client = self.client()
        client.headers = dict(admin.headers)
        return client

    def send_and_be_cut(self, admin, place, content):
        def send_all():
            try:
                send(admin, place, content)
            except OSError:
                pass
        thread = threading.Thread(target=send_all)
        thread.start()
        return thread

    def assert_goes_on(self, client, place, content, offset):
        self.assertEqual(send(client, place, content, offset).status, 204)
        state = wait(client, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(client.get(f"/v1/media/{state['media']}").json["sha256"], blob_of(content))

    def test_a_store_that_stumbles_within_a_long_request_costs_nothing(self):
        admin = self.administrator()
        content = long_picture(20 * 1024**2)
        place = begin(admin, len(content)).headers["Location"]
        self.store.plan("PUT", "quarantine/", s3_store.status(500), 4)  # the first piece, for good
        self.assert_goes_on(admin, place, content, 0)
        self.assertIn("would be lost with this server", self.server.said())
        # The second has the first's bytes, too, and so goes in two parts.
        self.assertEqual(self.store.count("PUT", "quarantine/"), 4 + 2 + 1)

    def test_whoever_went_on_elsewhere_meanwhile_has_the_upload(self):
        admin = self.administrator()
        content = long_picture(20 * 1024**2)
        place = begin(admin, len(content)).headers["Location"]
        go_on, answers = threading.Event(), []
        self.store.plan("PUT", "quarantine/", s3_store.pause(go_on))
        thread = threading.Thread(target=lambda: answers.append(send(admin, place, content)))
        thread.start()
        until(lambda: self.store.planned[0][3] == 0, "the first piece is on its way")
        other = self.client_of(admin)
        self.assertEqual(send(other, place, content, 0, 1000).status, 204)
        go_on.set()
        thread.join(PATIENCE_S)
        self.assertProblem(answers[0], 409, "upload-offset")
        self.assertEqual(answers[0].headers["Upload-Offset"], "1000")
        self.assert_goes_on(other, place, content, 1000)

    def test_the_last_piece_and_that_it_was_the_last_are_one(self):
        admin = self.administrator()
        content = noise(53)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 900).status, 204)
        self.execute("CREATE TRIGGER cut BEFORE UPDATE OF state ON upload WHEN NEW.state = 'inspecting'"
                     " BEGIN SELECT RAISE(ABORT, 'cut'); END")
        with self.assertRaisesRegex(AssertionError, "500"):
            send(admin, place, content, 900)
        self.execute("DROP TRIGGER cut")
        self.assertEqual(admin.get(place).json["offset"], 900)
        self.assertEqual(send(admin, place, content, 900).status, 204)
        self.assertEqual(wait(admin, place)["state"], "ready")
        self.wait_for_an_empty_quarantine()

    def execute(self, sql):
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=PATIENCE_S)
        with database:
            database.execute(sql)
        database.close()

    def test_no_secret_is_ever_said(self):
        admin = self.administrator()
        self.store.plan("PUT", "quarantine/", s3_store.status(403, "SignatureDoesNotMatch"))
        place = begin(admin, 10).headers["Location"]
        self.assertProblem(send(admin, place, b"0123456789"), 503, "store")
        with open(f"/proc/{self.server.process.pid}/cmdline", encoding="utf-8") as file:
            said = self.server.said() + file.read() + self.client().get("/metrics").body.decode()
        self.assertIn("SignatureDoesNotMatch", said)
        self.assertNotIn(self.store.secret, said)


class SlowStoreTest(StoreCase):
    """Few workers, of which one may wait for the store; and uploads by the command."""

    own_store = True
    more_options = ("--s3-timeout", "600", "--workers", "4")

    def setUp(self):
        super().setUp()
        self.listen, self.go_on = f"127.0.0.1:{own_port(self)}", threading.Event()
        self._server = self.start(listen=self.listen)
        self.admin = self.administrator()
        self.addCleanup(self.go_on.set)
        with open(os.path.join(self.directory, "mat-khau"), "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        self.bangtin("login", self.server.origin, "--login", "quan-tri", "--password-file", os.path.join(self.directory, "mat-khau"))

    def bangtin(self, *words):
        done = subprocess.run([BANGTIN, *words], capture_output=True, text=True, timeout=400, check=False,
                              env=dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.directory, "config")))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def upload_by_command(self, content):
        """On a thread; what it prints comes into the list."""
        path, said = os.path.join(self.directory, "anh.png"), []
        with open(path, "wb") as file:
            file.write(content)
        thread = threading.Thread(target=lambda: said.append(self.bangtin("upload", path, "--unit", "vn", "--json")))
        thread.start()
        return thread, said

    def assert_arrived(self, thread, said, content):
        thread.join(PATIENCE_S)
        media_id = json.loads(said[0])["media"]
        self.assertEqual(self.admin.get(f"/v1/media/{media_id}").json["sha256"], blob_of(content))

    def refused(self):
        return self.server.metric('bangtin_http_answers_total{status="5xx"}') or 0

    def test_few_uploads_wait_for_the_store_and_the_others_come_again(self):
        first = noise(54)
        self.store.plan("PUT", "quarantine/", s3_store.pause(self.go_on))
        place, answers = begin(self.admin, len(first)).headers["Location"], []
        waits = threading.Thread(target=lambda: answers.append(send(Client(self.server).login("quan-tri"), place, first)))
        waits.start()
        until(lambda: self.store.count("PUT", "quarantine/") == 1, "it is on its way")
        for shade in range(55, 60):
            content = noise(shade)
            answer = send(self.admin, begin(self.admin, len(content)).headers["Location"], content)
            self.assertProblem(answer, 503, "busy")
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertEqual(self.store.count("PUT", "quarantine/"), 1)
        before = self.refused()
        thread, said = self.upload_by_command(noise(60))
        until(lambda: self.refused() > before, "the command is told to come again")
        self.go_on.set()
        waits.join(PATIENCE_S)
        self.assertEqual(answers[0].status, 204)
        self.assert_arrived(thread, said, noise(60))

    def test_the_command_goes_on_where_a_server_died(self):
        content = long_picture(9 * 1024**2)  # two requests
        # The first piece is there; the second is lost with the server, wherever it was.
        self.store.plan("PUT", "quarantine/", lambda *_: None)
        self.store.plan("PUT", "quarantine/", s3_store.pause(self.go_on))
        thread, said = self.upload_by_command(content)
        until(lambda: self.store.count("PUT", "quarantine/") == 2, "the second piece is on its way")
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.go_on.set()
        self._server = self.start(listen=self.listen)
        self.admin = Client(self.server).login("quan-tri")
        self.assert_arrived(thread, said, content)
        self.assertEqual(self.store.count("PUT", "quarantine/"), 3)  # the first piece was not sent again


class SoftwareInStoreTest(StoreCase):
    """Packages of the programs: the store may take its time, and nobody else waits for it."""

    engines = None
    own_store = True
    more_options = ("--s3-timeout", "600", "--workers", "4")

    def setUp(self):
        super().setUp()
        self.admin, self.go_on = self.administrator(), threading.Event()
        self.addCleanup(self.go_on.set)

    @staticmethod
    def package(text):
        return b"!<arch>\ndebian-binary   " + text.encode()

    def put(self, text, client=None):
        package = self.package(text)
        return (client or self.admin).put(f"/v1/software/{blob_of(package)}", package,
                                          Content_Type="application/vnd.debian.binary-package")

    def put_slowly(self, text):
        """On a thread, until go_on; its answer comes into the list."""
        client, answers = self.client(), []
        client.headers = dict(self.admin.headers)
        self.store.plan("PUT", blob_of(self.package(text)), s3_store.pause(self.go_on))

        def put_or_be_cut():
            try:
                answers.append(self.put(text, client))
            except OSError:
                pass
        thread = threading.Thread(target=put_or_be_cut)
        thread.start()
        until(lambda: self.store.count("PUT", blob_of(self.package(text))) == 1, "it is on its way")
        return thread, answers

    def execute(self, sql):
        """What a question answers, as text."""
        if self.engine == "postgresql":
            return subprocess.run(["psql", "--quiet", "--tuples-only", "--no-align", self.database, "-c", sql], check=True,
                                  capture_output=True, text=True).stdout.strip()
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=PATIENCE_S)
        with database:
            rows = database.execute(sql).fetchall()
        database.close()
        return "\n".join("|".join(map(str, row)) for row in rows)

    def kept(self, text):
        return f"blobs/{blob_of(self.package(text))[:2]}/{blob_of(self.package(text))}" in self.keys("blobs/")

    def test_a_slow_store_holds_no_transaction(self):
        thread, answers = self.put_slowly("cham")
        answer = self.admin.post("/v1/units", {"code": "92", "parent": "vn", "kind": "province", "name": "Tỉnh"})
        self.assertEqual((answer.status, answers), (201, []))
        if self.engine == "postgresql":
            self.assertEqual(self.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                          " AND state LIKE 'idle in transaction%'"), "0")
        self.assertProblem(self.put("khac"), 503, "busy")  # as many wait as may
        self.go_on.set()
        thread.join(PATIENCE_S)
        self.assertEqual(answers[0].status, 204)
        self.assertEqual(self.execute("SELECT count(*) FROM asset"), "1")
        self.assertEqual(self.put("khac").status, 204)
        self.assertEqual(self.execute("SELECT count(*) FROM blob_arrival"), "0")

    def test_one_that_is_sent_again_is_noted_once(self):
        self.assertEqual([self.put("mot").status for _ in range(3)], [204] * 3)
        self.assertEqual(self.execute("SELECT count(*) FROM audit WHERE verb = 'software.upload'"), "1")

    def test_a_store_that_does_not_answer_is_said(self):
        self.store.plan("PUT", "blobs/", s3_store.status(500), 4)
        answer = self.put("hong")
        self.assertProblem(answer, 503, "store")
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertEqual(self.execute("SELECT count(*) FROM asset"), "0")
        self.assertEqual(self.put("hong").status, 204)

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self._server = None

    def age(self):
        self.execute("UPDATE blob_arrival SET changed_ms = changed_ms - 2 * 86400000")

    def test_one_that_was_killed_before_its_row_leaves_nothing_for_long(self):
        self.assertEqual(self.put("hai").status, 204)
        thread, answers = self.put_slowly("mot")
        self.kill()
        self.go_on.set()
        thread.join(PATIENCE_S)
        self.assertEqual(answers, [])
        self.assertTrue(self.kept("mot"))
        self.assertEqual(self.execute("SELECT count(*) FROM asset"), "1")
        self.age()
        self.admin = self.administrator()
        until(lambda: not self.kept("mot"), "what nobody named is gone")
        until(lambda: self.execute("SELECT count(*) FROM blob_arrival") == "0", "and its note")
        self.assertTrue(self.kept("hai"))
        self.assertEqual(self.put("mot").status, 204)
        self.assertTrue(self.kept("mot"))


class DatabaseLostBetweenTest(StoreCase):
    """Requests that commit twice: the database is killed after the first time. Whoever sends the same again has done it once."""

    engines = ["postgresql"]
    own_store = True
    more_options = ("--s3-timeout", "600")

    def lose_database_in(self, request):
        """While it waits for the store; gives its answer, and then the database is there again."""
        go_on, answers = threading.Event(), []
        self.addCleanup(go_on.set)
        self.store.plan("PUT", "", s3_store.pause(go_on))
        thread = threading.Thread(target=lambda: answers.append(request()))
        thread.start()
        until(lambda: self.store.planned[-1][3] == 0, "it waits for the store")
        self.count("CHECKPOINT")  # tests' databases commit without waiting: what was committed is to outlive it
        PostgreSQL.get().kill()
        go_on.set()
        thread.join(PATIENCE_S)
        PostgreSQL.get().start_again()
        until(lambda: self.client().get("/readyz").status == 200, "the database is there again")
        return answers[0]

    def count(self, sql):
        return subprocess.run(["psql", "--quiet", "--tuples-only", "--no-align", self.database, "-c", sql], check=True,
                              capture_output=True, text=True).stdout.strip()

    def test_a_package_is_kept_once(self):
        admin = self.administrator()
        package = SoftwareInStoreTest.package("mat")

        def put():
            return admin.put(f"/v1/software/{blob_of(package)}", package, Content_Type="application/vnd.debian.binary-package")
        self.assertEqual(self.lose_database_in(put).status, 503)
        self.assertEqual(self.count("SELECT count(*) FROM asset"), "0")
        self.assertEqual(put().status, 204)
        self.assertEqual(self.count("SELECT count(*) FROM asset"), "1")
        self.assertEqual(self.count("SELECT count(*) FROM audit WHERE verb = 'software.upload'"), "1")

    def test_a_piece_of_an_upload_is_taken_once(self):
        admin = self.administrator()
        content = noise(70)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(self.lose_database_in(lambda: send(admin, place, content, 0, 900)).status, 503)
        self.assertEqual(admin.get(place).json["offset"], 0)
        self.assertEqual(send(admin, place, content, 0, 900).status, 204)
        self.assertProblem(send(admin, place, content, 0, 900), 409, "upload-offset")
        self.assertEqual(send(admin, place, content, 900).status, 204)
        state = wait(admin, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(admin.get(f"/blobs/{blob_of(content)}").body, content)


class MovingCase(StoreCase):
    def run_command(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=400, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def folder(self, name, *contents):
        for content in contents:
            place = os.path.join(self.directory, name, blob_of(content)[:2])
            os.makedirs(place, exist_ok=True)
            with open(os.path.join(place, blob_of(content)), "wb") as file:
                file.write(content)
        return os.path.join(self.directory, name)

    def found(self, name):
        there = {}
        for place, _, names in os.walk(os.path.join(self.directory, name)):
            for each in names:
                with open(os.path.join(place, each), "rb") as file:
                    there[each] = file.read()
        return there

    def move(self, source, target, *more, status=0):
        return self.run_command("blobs", "move", "--from", source, "--to", target, "--s3-credentials", self.store.credentials, *more,
                                status=status)

    @property
    def address(self):
        return f"{self.store.url}/{self.prefix}"


class MovingTest(MovingCase):
    """Between a folder and the store, and from both into backups."""

    def test_there_and_back_again(self):
        contents = [b"", b"one", secrets.token_bytes(100000), secrets.token_bytes(33 * 1024**2 + 7)]
        source = self.folder("source", *contents)
        self.assertIn("4 tệp", self.move(source, self.address))
        self.assertEqual(len(self.keys("blobs/")), 4)
        self.move(source, self.address, "--remove")
        self.assertEqual(self.found("source"), {})
        self.move(self.address, os.path.join(self.directory, "back"))
        self.assertEqual(self.found("back"), {blob_of(content): content for content in contents})
        self.move(self.address, os.path.join(self.directory, "back"), "--remove")
        self.assertEqual(self.keys("blobs/"), [])

    def test_what_is_damaged_stays_and_is_said(self):
        source = self.folder("source", b"good", b"bad")
        with open(os.path.join(source, blob_of(b"bad")[:2], blob_of(b"bad")), "wb") as file:
            file.write(b"Bad")
        said = self.move(source, self.address, "--remove", status=1)
        self.assertIn(blob_of(b"bad"), said)
        self.assertEqual(self.found("source"), {blob_of(b"bad"): b"Bad"})
        self.assertEqual(len(self.keys("blobs/")), 1)

    def test_what_lies_damaged_in_the_folder_is_fetched_before_the_store_loses_it(self):
        self.move(self.folder("source", b"good", b"bad"), self.address)
        target = self.folder("back", b"good", b"bad")
        with open(os.path.join(target, blob_of(b"bad")[:2], blob_of(b"bad")), "wb") as file:
            file.write(b"Bad")
        self.move(self.address, target, "--remove")
        self.assertEqual(self.found("back"), {blob_of(content): content for content in (b"good", b"bad")})
        self.assertEqual(self.keys("blobs/"), [])

    def test_a_backup_of_the_store_becomes_a_folder_or_a_store_again(self):
        admin = self.administrator()
        content = picture(200, 100, 91)
        upload(admin, content)
        data, kept = os.path.join(self.directory, "data"), os.path.join(self.directory, "kept")
        self.run_command("backup", "--data", data, "--to", kept, *self.store.options(self.prefix))
        self.server.stop()
        first = os.path.join(self.directory, "first")
        self.run_command("restore", "--from", kept, "--data", first)
        server = Server(first)
        self.addCleanup(self.end, server)
        self.assertEqual(Client(server).login("quan-tri").get(f"/blobs/{blob_of(content)}").body, content)
        second, other = os.path.join(self.directory, "second"), self.store.options(f"{self.prefix}/khac")
        self.run_command("restore", "--from", kept, "--data", second, *other)
        server = Server(second, *other)
        self.addCleanup(self.end, server)
        self.assertEqual(Client(server).login("quan-tri").get(f"/blobs/{blob_of(content)}").body, content)


class MovingFaultsTest(MovingCase):
    own_store = True

    def test_a_file_whose_last_answer_is_lost_is_there(self):
        content = secrets.token_bytes(17 * 1024**2)
        source = self.folder("source", content)
        self.store.plan("POST", blob_of(content), lambda *_: None)
        self.store.plan("POST", blob_of(content), s3_store.cut(0))
        self.move(source, self.address, "--remove")
        self.assertEqual(self.store.count("POST", blob_of(content)), 3)
        self.assertEqual(self.store.objects[f"{self.prefix}/blobs/{blob_of(content)[:2]}/{blob_of(content)}"], content)
        self.assertEqual(self.found("source"), {})


class TwoServersTest(StoreCase):
    engines = ["postgresql"]
    prepared = False

    def second(self):
        server = Server(os.path.join(self.directory, "second"), *self.options, database=self.database)
        self.addCleanup(self.end, server)
        return server

    def test_one_goes_on_where_the_other_has_died(self):
        admin = self.administrator()
        other = self.second()
        content = noise(51)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 900).status, 204)
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        client = Client(other).login("quan-tri")
        self.assertEqual(client.get(place).json["offset"], 900)
        self.assertEqual(send(client, place, content, 900).status, 204)
        state = wait(client, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(client.get(f"/blobs/{blob_of(content)}").body, content)
        self.assertEqual(len(client.get("/v1/media").json["items"]), 1)

    def test_one_goes_on_within_the_request_in_which_the_other_has_died(self):
        admin = self.administrator()
        client = Client(self.second()).login("quan-tri")
        content = long_picture(20 * 1024**2)
        place = begin(admin, len(content)).headers["Location"]
        connection = admin.open()  # sends half of what it promises
        connection.putrequest("PATCH", place)
        for name, value in {**admin.headers, **media.PART, "Upload-Offset": "0", "Content-Length": str(len(content))}.items():
            connection.putheader(name, value)
        connection.endheaders(content[:10 * 1024**2])
        until(lambda: client.get(place).json["offset"] > 0, "it is noted")
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        connection.close()
        offset = client.get(place).json["offset"]
        self.assertGreaterEqual(offset, 8 * 1024**2)
        self.assertEqual(send(client, place, content, offset).status, 204)
        state = wait(client, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(client.get(f"/blobs/{blob_of(content)}").body, content)

    def test_what_one_took_the_other_gives(self):
        admin = self.administrator()
        client = Client(self.second()).login("quan-tri")
        places = []
        for shade in range(60, 68):
            content = noise(shade)
            place = begin(admin, len(content)).headers["Location"]
            self.assertEqual(send(admin, place, content, 0, 200).status, 204)
            # The offset is the same everywhere, and only one of two goes on.
            self.assertEqual(send(client, place, content, 100).status, 409)
            self.assertEqual(send(client, place, content, 200).status, 204)
            places.append((place, content))
        for place, content in places:
            self.assertEqual(wait(admin, place)["state"], "ready")
            self.assertEqual(client.get(f"/blobs/{blob_of(content)}").body, content)
            self.assertEqual(admin.get(f"/blobs/{blob_of(content)}").body, content)
        self.assertEqual(len(admin.get("/v1/media").json["items"]), len(places))  # each looked into once
        until(lambda: self.keys("quarantine/") == [], "an empty quarantine")


if __name__ == "__main__":
    main()
