#!/usr/bin/python3
"""Plays come home: batches over HTTP against the real server on both engines. The player here, its journal and its
batches are written from docs/plays.md and docs/protocol.md alone."""

import datetime
import hashlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

from fleet_test import FleetCase
from server_harness import BUILD, main

DIE_AT = os.path.abspath(os.path.join(BUILD, "tests", "libdie_at.so"))
JOURNAL = "0123456789abcdef0123456789abcdef"
BEGIN_MS = 1795240000000
ZEROS = "0" * 64


def packed(text):
    return subprocess.run(["zstd", "-q", f"--stream-size={len(text)}", "-c"], input=text, stdout=subprocess.PIPE,
                          check=True).stdout


class Journal:
    """Records as a player keeps them: exact bytes and their chain."""

    def __init__(self, player, name=JOURNAL):
        self.player, self.name = player, name
        self.bodies, self.hashes = [], [ZEROS]

    def add(self, kind, **keys):
        seq = len(self.bodies) + 1
        record = dict({"format": 1, "seq": seq, "kind": kind, "boot": "b-1"}, **keys)
        body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        self.bodies.append(body)
        self.hashes.append(hashlib.sha256(bytes.fromhex(self.hashes[-1]) + body).hexdigest())

    def start(self):
        self.add("start", journal=self.name, player="0.2", start_ms=BEGIN_MS, mono_ms=1000, clock="synced", recovered=0)

    def play(self, item="the-1", complete=True, at_ms=None):
        at = at_ms - BEGIN_MS if at_ms else len(self.bodies) * 10000
        self.add("play", item=item, type="image", zone="main", publication="p-1", version=1, layer="unit",
                 priority="normal", campaign="cds-10-10", run=len(self.bodies), why_started="schedule",
                 why_ended="schedule", start_ms=BEGIN_MS + at, end_ms=BEGIN_MS + at + 10000, mono_ms=1000 + at,
                 clock="synced", planned_ms=10000, shown_ms=10000, presented=1, repeated=5, dropped=0, complete=complete,
                 evidence="present")

    def batch(self, first, count, key=None, **changes):
        header = dict({"format": 1, "player": self.player.id, "journal": self.name, "first": first, "count": count,
                       "prev": self.hashes[first - 1], "head": self.hashes[first - 1 + count], "base_seq": 0,
                       "more": first + count <= len(self.bodies),
                       "now": {"wall_ms": int(time.time() * 1000), "mono_ms": 5000, "boot": "b-1", "clock": "synced"},
                       "boots": []}, **changes)
        line = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        signature = (key or self.player.key).sign(b"bangtin-plays\n" + line).hex().encode()
        return packed(b"\n".join([line, signature, *self.bodies[first - 1:first - 1 + count], b""]))


class PlaysTest(FleetCase):
    def setUp(self):
        super().setUp()
        self.screen = self.add_screen()
        self.player = self.pair(self.screen)
        self.journal = Journal(self.player)
        self.journal.start()
        for _ in range(20):
            self.journal.play()

    def send(self, body, player=None):
        return (player or self.player).client.post("/v1/player/plays", body,
                                                   Content_Type="application/vnd.bangtin.plays")

    def counted(self):
        return self.query("SELECT CAST(coalesce(sum(complete), 0) AS BIGINT) FROM play_daily")

    def query(self, statement):
        """The first cell."""
        if self.database:
            done = subprocess.run(["psql", "--quiet", "-At", self.database, "-c", statement], check=True,
                                  stdout=subprocess.PIPE)
            return int(done.stdout.split()[0])
        return int(self.sqlite(statement))

    def sqlite(self, statement):
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
        try:
            return database.execute(statement).fetchone()[0]
        finally:
            database.close()

    def asked(self, journal=JOURNAL):
        return self.player.client.get(f"/v1/player/plays?journal={journal}").json

    def test_a_batch_is_counted_once_however_often_it_comes(self):
        self.assertEqual(self.asked(), {"journal": JOURNAL, "last": 0, "hash": ZEROS, "state": "open", "every_s": 300})
        body = self.journal.batch(1, 11)
        for _ in range(3):
            answer = self.send(body)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json, {"journal": JOURNAL, "last": 11, "hash": self.journal.hashes[11],
                                           "state": "open", "every_s": 300})
        self.assertEqual(self.counted(), 10)
        self.assertEqual(self.asked(), answer.json)
        self.assertEqual(self.send(self.journal.batch(5, 17)).json["last"], 21)
        self.assertEqual(self.counted(), 20)

    def test_the_province_says_how_often_players_send(self):
        path = "/v1/settings/plays_every_s?unit=vn"
        etag = self.admin.get(path).etag
        self.assertEqual(self.admin.request("PUT", path, {"value": "20"}, If_Match=etag).status, 200)
        self.assertEqual(self.asked()["every_s"], 20)
        self.assertEqual(self.send(self.journal.batch(1, 11)).json["every_s"], 20)

    def test_a_gap_says_what_is_wanted(self):
        answer = self.send(self.journal.batch(5, 3))
        self.assertProblem(answer, 409, "plays-gap")
        self.assertEqual(answer.json["expected"], 1)
        self.assertEqual(self.counted(), 0)

    def test_what_is_not_the_players_is_refused(self):
        other = self.pair(self.add_screen())
        self.assertProblem(self.send(self.journal.batch(1, 3, key=other.key)), 403, "plays-signature")
        self.assertProblem(self.send(self.journal.batch(1, 3), player=other), 403, "plays-signature")
        self.assertProblem(self.send(b"no batch"), 400, "plays-malformed")
        self.assertProblem(self.send(self.journal.batch(1, 3, head=ZEROS)), 400, "plays-malformed")
        self.assertProblem(self.player.client.get("/v1/player/plays?journal=x"), 400, "invalid")
        self.assertEqual(self.counted(), 0)

    def test_a_copied_card_is_noticed_and_people_hear_of_it(self):
        events = self.admin.stream("/v1/events")
        self.send(self.journal.batch(1, 11))
        copy = Journal(self.player)
        copy.start()
        for _ in range(20):
            copy.play("khac")
        self.assertProblem(self.send(copy.batch(12, 5)), 409, "plays-forked")
        self.assertProblem(self.send(self.journal.batch(12, 5)), 409, "plays-forked")
        self.assertEqual(self.asked()["state"], "forked")
        self.assertEqual(self.counted(), 10)
        told = events.next("plays")
        self.assertEqual(json.loads(told["data"])["state"], "forked")
        self.assertIn("plays.fork", [entry["verb"] for entry in self.admin.get("/v1/audit").json["items"]])

    def test_a_fork_is_settled_by_an_administrator_and_a_new_journal_counts(self):
        self.send(self.journal.batch(1, 11))
        copy, fresh = Journal(self.player), Journal(self.player, "f" * 32)
        for _ in range(3):
            copy.play("khac")
            fresh.play("moi")
        copy.start()
        for _ in range(20):
            copy.play("khac")
        self.assertProblem(self.send(copy.batch(11, 5)), 409, "plays-forked")
        path = f"/v1/plays/journals/{self.player.id}"
        screens = self.admin.get("/v1/plays/journals").json["items"]
        self.assertEqual([(s["screen"], s["state"]) for s in screens], [(self.screen, "forked")])
        aside = self.admin.get(f"{path}/{JOURNAL}/quarantine").json["items"]
        self.assertEqual([(a["first"], a["last"]) for a in aside], [(11, 15)])
        self.assertProblem(self.send(fresh.batch(1, 3)), 409, "plays-forked")  # nobody has settled it yet
        self.assertEqual(self.admin.post(f"{path}/{JOURNAL}/resolve", {"reason": "thẻ nhớ bị sao chép"}).status, 204)
        self.assertEqual(self.admin.post(f"{path}/{JOURNAL}/resolve", {"reason": "lần nữa"}).status, 204)
        self.assertEqual(self.send(fresh.batch(1, 3)).status, 200)
        self.assertProblem(self.send(self.journal.batch(12, 2)), 409, "plays-forked")
        self.assertEqual(self.counted(), 13)
        shown = self.admin.get(path).json
        self.assertEqual({j["journal"]: j["state"] for j in shown["items"]}, {JOURNAL: "forked", "f" * 32: "open"})
        self.assertEqual([(loss["cause"], loss["seq"]) for loss in shown["losses"]], [("journal forked", 12)])
        self.assertProblem(self.admin.post(f"{path}/{'f' * 32}/resolve", {"reason": "x"}), 409, "not-forked")
        self.assertProblem(self.admin.post(f"{path}/{'0' * 32}/resolve", {"reason": "x"}), 404, "not-found")

    def test_a_replaced_player_brings_home_what_it_showed_before(self):
        now_ms = int(time.time() * 1000)
        late = Journal(self.player, "e" * 32)
        late.play(at_ms=now_ms - 3600000)
        late.play(at_ms=now_ms + 3600000)
        self.pair(self.screen)
        proof = {"player": self.player.id}
        for plays, status in ((False, 401), (True, 200)):
            nonce = self.player.challenge()
            proof.update(nonce=nonce, signature=self.player.sign(f"bangtin-session\n{nonce}\n{self.player.id}"),
                         plays=plays)
            answer = self.client().post("/v1/player/session", proof)
            self.assertEqual(answer.status, status, answer)
        self.player.client = self.client(answer.json["token"])
        self.assertProblem(self.player.client.get("/v1/player/orders"), 401, "no-session")
        self.assertEqual(self.asked("e" * 32)["last"], 0)
        self.assertEqual(self.send(late.batch(1, 2)).json["last"], 2)
        self.assertEqual(self.counted(), 1)
        self.assertEqual(self.query("SELECT plays FROM play_loss WHERE cause = 'player replaced'"), 1)

    def test_what_was_answered_is_there_after_a_kill(self):
        self.assertEqual(self.send(self.journal.batch(1, 11)).status, 200)
        self.kill_and_start_again()
        self.player.client = self.client(self.player.token)
        self.assertEqual(self.asked()["last"], 11)
        self.assertEqual(self.send(self.journal.batch(1, 21)).json["last"], 21)
        self.assertEqual(self.counted(), 20)

    def start_with(self, **environment):
        self.server.stop()
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self._server = self.start(environment=dict(environment, LD_PRELOAD=DIE_AT, ASAN_OPTIONS=options))
        self.player.client = self.client(self.player.token)

    def test_killed_between_the_commit_and_the_answer_it_has_counted_once(self):
        moment = os.path.join(self.directory, "now")
        self.start_with(BT_DIE_BEFORE_ANSWER=moment)
        self.assertEqual(self.asked()["last"], 0)
        with open(moment, "wb"):
            pass
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.send(self.journal.batch(1, 11))
        self.assertEqual(self.server.process.wait(180), -signal.SIGKILL)
        self.assertEqual(self.counted(), 10)  # on the disk, and nobody was told
        self._server = self.start()
        self.player.client = self.client(self.player.token)
        self.assertEqual(self.send(self.journal.batch(1, 11)).json["last"], 11)
        self.assertEqual(self.counted(), 10)
        self.assertEqual(self.send(self.journal.batch(9, 13)).json["last"], 21)
        self.assertEqual(self.counted(), 20)
        self.assertEqual(self.query("SELECT count(*) FROM play_loss"), 0)

    def test_a_clock_that_nobody_trusts_is_dated_by_when_the_batch_came(self):
        days, boot = 3 * 86400000, "b-9"
        journal = Journal(self.player, "d" * 32)
        journal.play()
        journal.play()
        now_mono_ms = 7000000 + days
        for number in range(2):
            record = json.loads(journal.bodies[number])
            record.update(boot=boot, clock="unknown", mono_ms=7000000 + number, start_ms=86400000, end_ms=86410000)
            journal.bodies[number] = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        for number, body in enumerate(journal.bodies):
            journal.hashes[number + 1] = hashlib.sha256(bytes.fromhex(journal.hashes[number]) + body).hexdigest()
        now = {"wall_ms": 86500000, "mono_ms": now_mono_ms, "boot": boot, "clock": "unknown"}
        before_ms = int(time.time() * 1000)
        self.assertEqual(self.send(journal.batch(1, 2, now=now)).status, 200)
        after_ms = int(time.time() * 1000)
        epoch, zone = datetime.date(1970, 1, 1).toordinal(), datetime.timezone(datetime.timedelta(hours=7))
        local = [datetime.datetime.fromtimestamp((ms - days) / 1000, zone).date().toordinal() - epoch
                 for ms in (before_ms, after_ms)]
        self.assertIn(self.query("SELECT day FROM play_daily"), local)
        self.assertEqual(self.query("SELECT repaired FROM play_daily"), 2)
        known, = self.admin.get(f"/v1/plays/journals/{self.player.id}").json["items"]
        self.assertTrue(before_ms <= known["received_ms"] <= after_ms, known)
        self.assertTrue(before_ms <= known["known_ms"] <= after_ms, known)

    def test_a_screen_has_a_time_zone(self):
        self.assertEqual(self.admin.get(f"/v1/screens/{self.screen}").json["time_zone"], "Asia/Ho_Chi_Minh")
        elsewhere = self.add_screen(time_zone="Europe/Berlin")
        self.assertEqual(self.admin.get(f"/v1/screens/{elsewhere}").json["time_zone"], "Europe/Berlin")
        for wrong in ("Nowhere/Land", "../../etc/passwd", "", 7):
            answer = self.admin.post("/v1/screens", {"unit": "31333", "name": "x", "width": 1, "height": 1,
                                                     "time_zone": wrong})
            self.assertEqual(answer.status, 400, answer)


if __name__ == "__main__":
    if subprocess.run(["zstd", "--version"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print("zstd is not installed")
        sys.exit(77)
    main()
