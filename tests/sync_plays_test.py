#!/usr/bin/python3
"""Plays on their way home, against a server that counts as docs/plays.md says and one that fails: a
lost answer, a restored database, a copied card, too much to do, kill -9. What it has counted in the end
is the journal, each record once."""

import ctypes
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import side_by_side
    import wire_house
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from wire_house import BUILD, Driver, Handler, House, now_ms, wait_until
except ImportError as missing:
    print(f"cannot run here: {missing}")
    sys.exit(77)

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZERO = "0" * 64
MAX_TEXT = 4 << 20


def unpack(packed):
    room = ctypes.create_string_buffer(MAX_TEXT)
    size = ZSTD.ZSTD_decompress(room, ctypes.c_size_t(MAX_TEXT), packed, ctypes.c_size_t(len(packed)))
    assert size <= MAX_TEXT, "not a batch"
    return room.raw[:size]


class Plays(Handler):
    def do_GET(self):
        if self.path.startswith("/v1/player/plays?"):
            self.server.house.asked.append(self.path)
            self.answer(*self.server.house.ask(parse_qs(urlsplit(self.path).query)["journal"][0]))
        else:
            super().do_GET()

    def do_POST(self):
        if self.path == "/v1/player/plays":
            assert self.headers["Content-Type"] == "application/vnd.bangtin.plays"
            assert self.headers["Authorization"].startswith("Bearer ")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(*self.server.house.take(body))
        else:
            super().do_POST()

    def answer(self, status, body, headers=()):
        if status is None:  # the answer is lost
            self.close_connection = True
            return
        self.reply(status, body, kind="application/json" if status == 200 else "application/problem+json", headers=headers)


class Counter(House):
    """Counts. `faults` are what the next batches meet."""

    def __init__(self):
        super().__init__()
        self.server.RequestHandlerClass = Plays
        self.journals, self.batches, self.faults, self.asked = {}, [], [], []
        self.every_s = 1
        self.sent_away, self.came = [], []
        self.public_key = None
        self.problems = []

    def pair(self, body):
        self.public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(body["public_key"]))
        return super().pair(body)

    def of(self, journal):
        return self.journals.setdefault(journal, {"hashes": [ZERO], "records": [], "state": "open"})

    def far(self, journal):
        entry = self.of(journal)
        return 200, {"journal": journal, "last": len(entry["records"]), "hash": entry["hashes"][-1], "state": entry["state"],
                     "every_s": self.every_s}

    def ask(self, journal):
        with self.lock:
            return self.far(journal)

    def take(self, body):
        with self.lock:
            self.came.append(time.monotonic())
            fault = self.faults.pop(0) if self.faults else None
            if fault == "busy":
                return 429, {"type": "urn:bangtin:busy"}, [("Retry-After", "1")]
            if isinstance(fault, float):
                self.sent_away.append((time.monotonic(), fault))
                return 429, {"type": "urn:bangtin:plays-later"}, [("Retry-After", f"{fault:.0f}")]
            if fault in (400, 403, 413, 500):
                return fault, {"type": "urn:bangtin:other"}
            answer = self.count(body)
            return (None, None) if fault == "lost" else answer

    def count(self, body):
        text = unpack(body)
        line, signature, rest = text.split(b"\n", 2)
        self.public_key.verify(bytes.fromhex(signature.decode()), b"bangtin-plays\n" + line)
        header = json.loads(line)
        records = rest.split(b"\n")[:-1]
        assert len(records) == header["count"] <= 1000, header
        self.batches.append(header)
        entry = self.of(header["journal"])
        return self.advance(header, records, entry)

    def advance(self, header, records, entry):
        if entry["state"] == "forked":
            return 409, {"type": "urn:bangtin:plays-forked"}
        done = len(entry["records"])
        while done < header["base_seq"] and header["first"] > done + 1:
            entry["records"].append(None)
            entry["hashes"].append(header["prev"] if done + 1 == header["base_seq"] else None)
            done += 1
        if header["first"] > done + 1:
            return 409, {"type": "urn:bangtin:plays-gap", "expected": done + 1}
        if entry["hashes"][header["first"] - 1] != header["prev"]:
            entry["state"] = "forked"
            return 409, {"type": "urn:bangtin:plays-forked"}
        digest = bytes.fromhex(header["prev"])
        for number, record in enumerate(records, header["first"]):
            digest = hashlib.sha256(digest + record).digest()
            assert json.loads(record)["seq"] == number
            if number <= len(entry["records"]) and entry["hashes"][number] != digest.hex():
                entry["state"] = "forked"
                return 409, {"type": "urn:bangtin:plays-forked"}
            if number > len(entry["records"]):
                entry["records"].append(record)
                entry["hashes"].append(digest.hex())
        assert digest.hex() == header["head"]
        return self.far(header["journal"])


def rows(path):
    with sqlite3.connect(path) as db:
        return [row[0].encode() for row in db.execute("SELECT body FROM record ORDER BY seq")]


def journal_id(path):
    with sqlite3.connect(path) as db:
        return db.execute("SELECT value FROM meta WHERE key='journal_id'").fetchone()[0]


class PlaysCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bt-plays-")
        self.journal = os.path.join(self.directory, "plays.db")
        self.house = Counter()
        self.house.claim()
        self.drivers = []
        self.addCleanup(self.clean)

    def clean(self):
        for driver in self.drivers:
            if not driver.log.closed:
                self.assertEqual(driver.close(), 0)
        self.house.close()
        self.house.server.server_close()
        try:
            with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
                text = file.read()
            for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:"):
                self.assertNotIn(sign, text, text[-8000:])
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, plays, path=None):
        subprocess.run([os.path.join(BUILD, "tests", "make_journal"), path or self.journal, str(plays)], check=True, timeout=180)

    def start(self):
        driver = Driver(self.directory, self.house.url, retry_s=1, poll_s=1, stall_s=3, plays=self.journal)
        self.drivers.append(driver)
        return driver

    def counted(self, path=None):
        path = path or self.journal
        return self.house.journals.get(journal_id(path), {"records": []})["records"]

    def wait_home(self, path=None):
        truth = rows(path or self.journal)
        wait_until(lambda: len(self.counted(path)) >= len(truth))
        self.assertEqual(self.counted(path), truth)

    def status(self, test):
        wait_until(lambda: any(test(status) for status in list(self.house.statuses)))

    def has_trouble(self, code):
        return lambda status: any(trouble["code"] == code for trouble in status["troubles"])


class Home(PlaysCase):
    """All of it, each once, whatever breaks on the way."""

    def test_a_journal_comes_home_and_what_is_added_follows(self):
        self.write(2500)
        self.start()
        self.wait_home()
        self.assertEqual([batch["count"] for batch in self.house.batches[:3]], [1000, 1000, 502])
        self.assertEqual([batch["more"] for batch in self.house.batches[:3]], [True, True, False])
        self.write(3)
        self.wait_home()
        empty = lambda: [b for b in self.house.batches if b["count"] == 0 and not b["more"]]  # noqa: E731
        wait_until(empty)  # nothing is missing up to now
        self.assertEqual(empty()[-1]["first"], len(rows(self.journal)) + 1)

    def test_answers_are_lost_and_nothing_counts_twice(self):
        self.write(2500)
        self.house.faults = ["lost", 500, "lost", "busy", "lost"]
        self.start()
        self.wait_home()
        self.assertEqual(self.house.faults, [])

    def test_a_batch_that_is_too_long_comes_in_pieces(self):
        self.write(1500)
        self.house.faults = [413]
        self.start()
        self.wait_home()
        self.assertEqual(self.house.batches[0]["count"], 500)

    def test_killed_in_the_middle_it_goes_on(self):
        self.write(5000)
        for number in range(1, 4):
            driver = self.start()
            wait_until(lambda: len(self.house.batches) >= number)
            driver.kill()
        self.start()
        self.wait_home()

    def test_a_server_that_was_restored_is_given_the_rest_again(self):
        self.write(1500)
        self.start()
        self.wait_home()
        with self.house.lock:
            entry = self.house.of(journal_id(self.journal))
            entry["records"], entry["hashes"] = entry["records"][:700], entry["hashes"][:701]
        self.write(1)
        self.wait_home()

    def test_pairing_comes_first(self):
        self.house.claimed = {"state": "waiting"}
        self.write(3)
        driver = self.start()
        driver.wait(lambda news: news["news"] == "pairing")
        self.assertEqual(self.house.asked, [])
        self.house.claim()
        self.wait_home()


class Refused(PlaysCase):
    """What the server does not take, or not now."""

    def test_plays_that_are_refused_are_said(self):
        self.write(10)
        self.house.faults = [403] * 1000
        self.start()
        self.status(self.has_trouble("plays-refused"))
        said = self.house.statuses[-1]["plays"]
        self.assertEqual((said["last"], said["counted"]), (12, 0))
        self.assertLess(abs(said["since_ms"] - now_ms()), 60000)
        with self.house.lock:
            self.house.faults.clear()
        self.wait_home()
        self.status(lambda status: status.get("plays") == {"last": 12, "counted": 12, "since_ms": 0})

    def test_who_is_sent_away_with_a_time_stays_away_for_it(self):
        self.write(10)
        self.house.faults = [1.0, 2.0]
        self.start()
        self.wait_home()
        self.assertEqual(len(self.house.sent_away), 2)
        for number, (when, wait_s) in enumerate(self.house.sent_away):
            self.assertGreaterEqual(self.house.came[number + 1] - when, wait_s - 0.01)

    def test_a_batch_that_nobody_can_read_is_said_and_hastens_nothing(self):
        self.write(10)
        self.house.faults = [400] * 1000
        self.start()
        self.status(self.has_trouble("plays-refused"))
        wait_until(lambda: len(self.house.came) >= 5)
        with self.house.lock:
            came = list(self.house.came)
            self.house.faults.clear()
        # At least a tenth of a second between two: it does not go round and round.
        self.assertGreaterEqual(came[4] - came[0], 0.39)
        self.wait_home()
        self.house.statuses.clear()
        self.status(lambda status: not self.has_trouble("plays-refused")(status))

    def test_orders_are_not_held_up_by_a_server_that_is_slow_to_count(self):
        self.write(10)
        release = threading.Event()
        take = self.house.take

        def slowly(body):
            release.wait(600)
            return take(body)
        self.house.take = slowly
        driver = self.start()
        wait_until(lambda: self.house.asked)
        driver.wait(lambda news: news["news"] == "paired")
        wait_until(lambda: self.house.streams)
        n = self.house.order("identify", seconds=1)
        driver.wait(lambda news: news["news"] == "order" and news["n"] == n)
        self.assertEqual(self.counted(), [])
        release.set()
        self.wait_home()


class Journals(PlaysCase):
    """Those that were set aside, hurt, lost or copied."""

    def test_a_journal_that_was_set_aside_comes_first(self):
        self.write(20)
        aside = self.journal + ".damaged-1"
        os.rename(self.journal, aside)
        self.write(30)
        self.start()
        self.wait_home()
        self.wait_home(aside)
        self.assertEqual([b["journal"] for b in self.house.batches[:2]], [journal_id(aside), journal_id(self.journal)])
        self.house.batches.clear()
        wait_until(lambda: self.house.batches)
        self.assertEqual({b["journal"] for b in self.house.batches}, {journal_id(self.journal)})

    def test_a_journal_that_was_set_aside_and_is_refused_holds_up_nothing(self):
        self.write(20)
        aside = self.journal + ".damaged-2"
        os.rename(self.journal, aside)
        self.write(30)
        self.house.faults = [403] * 6
        self.start()
        self.wait_home()
        self.assertEqual(self.house.faults, [])
        self.assertEqual(self.counted(aside), [])

    def test_a_damaged_record_stays_and_the_others_come(self):
        self.write(20)
        with sqlite3.connect(self.journal) as db:
            db.execute("UPDATE record SET body = body || ' ' WHERE seq = 7")
        self.start()
        wait_until(lambda: len(self.counted()) >= 22)
        truth = rows(self.journal)
        truth[6] = None
        self.assertEqual(self.counted(), truth)

    def test_a_journal_lost_before_anybody_heard_of_it_is_told(self):
        self.write(10)
        self.house.faults = [500] * 1000
        driver = self.start()
        wait_until(lambda: self.house.came)
        driver.kill()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.journal + suffix):
                os.unlink(self.journal + suffix)
        self.write(5)
        self.house.faults.clear()
        self.start()
        self.wait_home()
        self.assertLess(abs(self.house.batches[0]["since_ms"] - now_ms()), 60000)
        wait_until(lambda: len(self.house.batches) > 1)
        self.assertNotIn("since_ms", self.house.batches[-1])

    def test_a_copied_card_is_noticed_and_said(self):
        self.write(10)
        self.start()
        self.wait_home()
        with self.house.lock:  # another card under the same name was quicker
            entry = self.house.of(journal_id(self.journal))
            entry["records"].append(b"{}")
            entry["hashes"].append("1" * 64)
        count = len(self.house.batches)
        self.write(2)
        self.status(self.has_trouble("plays-forked"))
        asked = len(self.house.asked)
        wait_until(lambda: len(self.house.asked) > asked + 1)  # it goes on asking
        self.assertLessEqual(len(self.house.batches), count + 1)  # and sends nothing
        with self.house.lock:  # people have put it right
            entry["records"].pop()
            entry["hashes"].pop()
            entry["state"] = "open"
        self.wait_home()
        self.house.statuses.clear()
        self.status(lambda status: not self.has_trouble("plays-forked")(status))

    def test_a_server_that_has_another_chain_gets_nothing(self):
        self.write(10)
        with self.house.lock:
            entry = self.house.of(journal_id(self.journal))
            entry["records"], entry["hashes"] = [b"{}"] * 3, [ZERO, "1" * 64, "2" * 64, "3" * 64]
        self.start()
        self.status(self.has_trouble("plays-forked"))
        self.assertEqual(self.house.batches, [])


if __name__ == "__main__":
    assert wire_house
    side_by_side.main(sys.modules["__main__"])
