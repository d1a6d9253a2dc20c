#!/usr/bin/python3
"""Screens, pairing, players' sessions, orders and the hint stream, against the real server on both engines. The
player here is written from docs/protocol.md alone."""

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

from server_harness import SOURCE, ServerCase, main

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    print("python3-cryptography is not installed")
    sys.exit(77)

ROOT = '{"signatures":[],"signed":{"_type":"root", "version":1}}\n'  # its exact text counts, not its meaning
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SCREEN = {"unit": "31333", "name": "Cổng chào Hà Long", "width": 960, "height": 480, "kind": "gate",
          "place": "Ngã ba Hà Long", "duty": {"name": "Trần Văn Trực", "phone": "0912 345 678"}}


def words_of(public_key, root_sha256, code):
    with open(os.path.join(SOURCE, "trust", "words.c"), encoding="utf-8") as file:
        syllables = re.findall(r'"(\w+)"', file.read().split("bt_words_list[BT_WORDS_COUNT] = {")[1].split("};")[0])
    salt = f"bangtin-words\n{public_key}\n{root_sha256}"
    return " ".join(syllables[byte] for byte in hashlib.pbkdf2_hmac("sha256", code.encode(), salt.encode(), 200000, 4))


def unchunked(answer):
    """The body of an answer in chunks, as far as it came."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]
    return body


class Player:
    """A player as the server sees it."""

    def __init__(self, case):
        self.case = case
        self.key = Ed25519PrivateKey.generate()
        self.public_key = self.key.public_key().public_bytes(serialization.Encoding.Raw,
                                                             serialization.PublicFormat.Raw).hex()
        self.id = None
        self.client = case.client()

    def sign(self, text):
        return self.key.sign(text.encode()).hex()

    def ask(self, **more):
        return self.case.client().post("/v1/pairings", {
            "public_key": self.public_key, "signature": self.sign(f"bangtin-pairing\n{self.public_key}"),
            "model": "Raspberry Pi 4", "version": "0.2.0", "new-key": "of a newer player", **more})

    def begin(self, **more):
        answer = self.ask(**more)
        self.case.assertEqual(answer.status, 201, answer)
        self.pairing, self.code = answer.json["pairing"], answer.json["code"]
        self.root_sha256 = answer.json["root_sha256"]
        self.case.assertEqual(hashlib.sha256(answer.json["root"].encode()).hexdigest(), self.root_sha256)
        self.words = words_of(self.public_key, self.root_sha256, self.code)

    def state(self, signature=None):
        return self.case.client().post(f"/v1/pairings/{self.pairing}/state", {
            "signature": signature or self.sign(f"bangtin-pairing-state\n{self.pairing}")})

    def challenge(self):
        return self.case.client().post("/v1/player/challenge", {"player": self.id}).json["nonce"]

    def prove(self, nonce):
        return self.case.client().post("/v1/player/session", {
            "player": self.id, "nonce": nonce, "signature": self.sign(f"bangtin-session\n{nonce}\n{self.id}")})

    def open_session(self):
        answer = self.prove(self.challenge())
        self.case.assertEqual(answer.status, 200, answer)
        self.token = answer.json["token"]
        self.client = self.case.client(self.token)

    def done(self, *numbers, state="done"):
        answer = self.client.post("/v1/player/done", {
            "results": [{"n": n, "state": state, "at_ms": 1795240000000 + n, "detail": "xong"} for n in numbers]})
        self.case.assertEqual(answer.status, 204, answer)


class FleetCase(ServerCase):
    prepared = True

    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        self.add_unit("31333", "Xã Hà Long")
        self.sql("INSERT INTO tuf_metadata(role, version, body, sha256, expires_ms) VALUES('root', 1, "
                 f"'{ROOT}', '{hashlib.sha256(ROOT.encode()).hexdigest()}', 4000000000000)")

    def add_unit(self, code, name, parent="vn"):
        answer = self.admin.post("/v1/units", {"code": code, "parent": parent, "kind": "commune", "name": name})
        self.assertEqual(answer.status, 201, answer)

    def sql(self, statement):
        if self.database:
            subprocess.run(["psql", "--quiet", self.database, "-c", statement], check=True)
            return
        with sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180) as database:
            database.execute(statement)
        database.close()

    def add_screen(self, **changes):
        answer = self.admin.post("/v1/screens", dict(SCREEN, **changes))
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def claim(self, player, screen, words=None):
        return self.admin.post(f"/v1/pairings/{player.code}/claim", {"screen": screen, "words": words or player.words})

    def pair(self, screen):
        player = Player(self)
        player.begin()
        answer = self.claim(player, screen)
        self.assertEqual(answer.status, 201, answer)
        player.id = answer.json["player"]
        player.open_session()
        return player

    def order(self, screen, kind, **more):
        answer = self.admin.post(f"/v1/screens/{screen}/orders", dict(more, kind=kind))
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def orders(self, screen, **query):
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return self.admin.get(f"/v1/screens/{screen}/orders?{text}").json["items"]

    def kill_and_start_again(self):
        self._server.process.send_signal(signal.SIGKILL)
        self._server.stop(expected=-signal.SIGKILL)
        self._server = self.start()
        self.admin.server = self._server
        self.admin.connection = None
        self.admin.headers["Origin"] = self._server.origin


class PairingTest(FleetCase):
    def test_a_player_is_paired_and_gets_a_session(self):
        screen = self.add_screen()
        player = Player(self)
        player.begin()
        self.assertEqual(player.state().json, {"state": "waiting"})
        shown = self.admin.get(f"/v1/pairings/{player.code.lower().replace('-', '')}").json
        self.assertEqual((shown["words"], shown["public_key"], shown["model"], shown["previous"]),
                         (player.words, player.public_key, "Raspberry Pi 4", []))
        answer = self.claim(player, screen)
        self.assertEqual(answer.status, 201, answer)
        state = player.state().json
        self.assertEqual(state, {"state": "claimed", "player": answer.json["player"], "unit": "31333", "screen": screen,
                                 "server": None})
        player.id = state["player"]
        player.open_session()
        self.assertEqual(player.client.get("/v1/player/orders").json, {"orders": [], "timestamp": 0})
        self.assertEqual(self.claim(player, screen).json["player"], player.id)  # its answer may have been lost
        self.assertProblem(self.claim(player, self.add_screen()), 409, "already-claimed")
        verbs = [entry["verb"] for entry in self.admin.get("/v1/audit").json["items"]]
        self.assertIn("player.pair", verbs)

    def test_other_words_are_refused(self):
        screen = self.add_screen()
        player = Player(self)
        player.begin()
        self.assertProblem(self.claim(player, screen, "sen sen sen sen"), 409, "words-differ")
        self.assertEqual(player.state().json, {"state": "waiting"})

    def test_five_wrong_codes_block_the_address(self):
        player = Player(self)
        player.begin()
        for _ in range(5):
            self.assertProblem(self.admin.get("/v1/pairings/2222-2222"), 404, "no-such-code")
        self.assertProblem(self.admin.get("/v1/pairings/2222-2222"), 429, "too-many-wrong-codes")
        self.assertProblem(self.claim(player, self.add_screen()), 429, "too-many-wrong-codes")

    def test_a_key_must_be_the_players_own(self):
        player, other = Player(self), Player(self)
        answer = self.client().post("/v1/pairings", {
            "public_key": player.public_key, "signature": other.sign(f"bangtin-pairing\n{player.public_key}")})
        self.assertProblem(answer, 400, "signature-wrong")
        player.begin()
        self.assertProblem(player.state(other.sign(f"bangtin-pairing-state\n{player.pairing}")), 404, "no-such-pairing")

    def test_a_pairing_ends_and_a_player_begins_again(self):
        player = Player(self)
        player.begin()
        first = player.code
        player.begin()
        self.assertNotEqual(first, player.code)
        self.assertProblem(self.admin.get(f"/v1/pairings/{first}"), 404, "no-such-code")
        self.sql("UPDATE pairing SET expires_ms = 1")
        self.assertProblem(player.state(), 404, "no-such-pairing")
        self.assertProblem(self.admin.get(f"/v1/pairings/{player.code}"), 404, "no-such-code")

    def test_an_address_may_have_fifty_pairings(self):
        for _ in range(50):
            Player(self).begin()
        player = Player(self)
        answer = self.client().post("/v1/pairings", {
            "public_key": player.public_key, "signature": player.sign(f"bangtin-pairing\n{player.public_key}")})
        self.assertProblem(answer, 429, "too-many-pairings")

    def enrol(self, screen, player, days=7):
        answer = self.admin.post("/v1/enrolments", {"screen": screen, "public_key": player.public_key, "days": days})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def enrolments(self):
        return {item["id"]: item for item in self.admin.get("/v1/enrolments").json["items"]}

    def test_a_prepared_player_pairs_by_itself_once(self):
        screen, player = self.add_screen(), Player(self)
        made = self.enrol(screen, player)
        self.assertEqual(self.enrolments()[made["id"]]["state"], "waiting")
        self.assertNotIn(made["token"], json.dumps(self.enrolments()))
        player.begin(token=made["token"])
        state = player.state().json
        self.assertEqual((state["state"], state["screen"], state["unit"]), ("claimed", screen, "31333"))
        player.id = state["player"]
        player.open_session()
        item = self.enrolments()[made["id"]]
        self.assertEqual((item["state"], item["player"], item["withdrawn_ms"]), ("used", player.id, None))
        self.assertEqual((item["screen_name"], item["created_by_name"]), (SCREEN["name"], self.admin.get("/v1/me").json["name"]))
        entry = next(e for e in self.admin.get("/v1/audit").json["items"] if e["verb"] == "player.pair")
        self.assertEqual(entry["actor"], f"enrolment/{made['id']}")
        self.assertNotIn(made["token"], json.dumps(self.admin.get("/v1/audit").json))
        # Its answer was lost: the same player once more, not another one.
        player.begin(token=made["token"])
        self.assertEqual(player.state().json["player"], player.id)
        self.assertEqual(player.client.get("/v1/player/orders").status, 200)
        self.sql("UPDATE enrolment SET used_ms = used_ms - 700000")
        self.assertProblem(player.ask(token=made["token"]), 403, "token-refused")
        self.assertEqual(self.admin.get(f"/v1/players/{player.id}").json["pairing"], "active")
        self.assertNotIn(made["token"], self.server.said())

    def test_an_enrolment_is_refused(self):
        screen, player, thief = self.add_screen(), Player(self), Player(self)
        first, second = self.enrol(screen, player), self.enrol(screen, player)
        self.assertEqual(self.enrolments()[first["id"]]["state"], "withdrawn")
        self.assertEqual(self.enrolments()[first["id"]]["withdrawn_ms"], self.enrolments()[second["id"]]["created_ms"])

        def refused(token, who=player):
            self.assertProblem(who.ask(token=token), 403, "token-refused")
            self.assertEqual(self.admin.get("/v1/players").json["items"], [])
        refused(first["token"])
        refused("0" * 64)
        refused(second["token"], thief)
        self.sql("UPDATE enrolment SET expires_ms = 1")
        refused(second["token"])
        self.assertEqual(self.enrolments()[second["id"]]["state"], "expired")
        third = self.enrol(screen, player)
        self.assertEqual(self.admin.delete(f"/v1/enrolments/{third['id']}").status, 204)
        self.assertEqual(self.admin.delete(f"/v1/enrolments/{third['id']}").status, 204)
        refused(third["token"])
        fourth = self.enrol(screen, player)
        self.sql("UPDATE user_account SET state = 'disabled'")
        self.assertProblem(player.ask(token=fourth["token"]), 403, "token-refused")
        self.sql("UPDATE user_account SET state = 'active'")
        etag = self.admin.get(f"/v1/screens/{screen}").etag
        self.assertEqual(self.admin.delete(f"/v1/screens/{screen}", If_Match=etag).status, 204)
        self.assertProblem(player.ask(token=fourth["token"]), 403, "token-refused")
        # By its code it may still be paired.
        player.begin()
        self.assertEqual(player.state().json, {"state": "waiting"})

    def test_an_enrolment_replaces_the_screens_player_when_it_is_used(self):
        screen, player = self.add_screen(), Player(self)
        before = self.pair(screen)
        made = self.enrol(screen, player)
        self.assertEqual(before.client.get("/v1/player/orders").status, 200)
        player.begin(token=made["token"])
        self.assertEqual(before.client.get("/v1/player/orders").status, 401)

    def add_root(self, version):
        text = ROOT.replace('"version":1', f'"version":{version}') + " " * version
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.sql("INSERT INTO tuf_metadata(role, version, body, sha256, expires_ms) VALUES('root', "
                 f"{version}, '{text}', '{digest}', 4000000000000)")
        return digest

    def test_a_card_of_before_a_new_root(self):
        """It is given the root it was made for, and its token is used by no other answer."""
        screen, player = self.add_screen(), Player(self)
        before, made = self.pair(screen), self.enrol(screen, player)
        first, newest = hashlib.sha256(ROOT.encode()).hexdigest(), self.add_root(2)
        self.assertProblem(player.ask(token=made["token"], root_sha256="ab" * 32), 409, "no-root")
        self.assertProblem(player.ask(token=made["token"], root_sha256="ab"), 400, "invalid-body")
        self.assertEqual(self.enrolments()[made["id"]]["state"], "waiting")
        self.assertEqual(before.client.get("/v1/player/orders").status, 200)
        player.begin(token=made["token"], root_sha256=first)
        self.assertEqual(player.root_sha256, first)
        self.assertEqual(player.state().json["screen"], screen)
        other = Player(self)
        other.begin()
        self.assertEqual(other.root_sha256, newest)

    def test_a_card_of_before_a_new_root_is_paired_by_hand(self):
        """Its secret is gone: it gets the way to the newest root, whose words people compare."""
        player, first = Player(self), hashlib.sha256(ROOT.encode()).hexdigest()
        for told in (first, None):  # nothing newer yet
            answer = player.ask(newer=True, **({"root_sha256": told} if told else {})).json
            self.assertEqual((answer["root_sha256"], "newer" in answer), (first, False))
        self.add_root(2)
        newest = self.add_root(3)
        answer = player.ask(root_sha256=first, newer=True).json
        self.assertEqual(answer["root_sha256"], first)
        self.assertEqual([json.loads(text)["signed"]["version"] for text in answer["newer"]], [2, 3])
        self.assertEqual(hashlib.sha256(answer["newer"][-1].encode()).hexdigest(), newest)
        shown = self.admin.get(f"/v1/pairings/{answer['code']}").json
        self.assertEqual((shown["root_sha256"], shown["words"]), (newest, words_of(player.public_key, newest, answer["code"])))
        player.code, player.words = answer["code"], shown["words"]
        self.assertEqual(self.claim(player, self.add_screen()).status, 201)
        # Whoever did not ask for them keeps to the root it was told.
        answer = player.ask(root_sha256=first).json
        self.assertNotIn("newer", answer)
        self.assertEqual(self.admin.get(f"/v1/pairings/{answer['code']}").json["root_sha256"], first)
        for version in range(4, 67):
            self.add_root(version)
        self.assertNotIn("newer", player.ask(root_sha256=first, newer=True).json)

    def test_what_is_no_enrolment(self):
        screen = self.add_screen()
        for body in ({"screen": screen, "public_key": "A" * 64, "days": 1}, {"screen": screen, "public_key": "a" * 64, "days": 31},
                     {"screen": screen, "public_key": "a" * 63, "days": 1}, {"screen": screen, "days": 1}):
            self.assertProblem(self.admin.post("/v1/enrolments", body), 400, "fields")
        self.assertProblem(self.admin.post("/v1/enrolments", {"screen": "s-XXXXXXXXXX", "public_key": "a" * 64, "days": 1}),
                           404, "not-found")

    def test_without_a_root_nobody_is_paired(self):
        self.sql("DELETE FROM tuf_metadata")
        player = Player(self)
        answer = self.client().post("/v1/pairings", {
            "public_key": player.public_key, "signature": player.sign(f"bangtin-pairing\n{player.public_key}")})
        self.assertProblem(answer, 409, "no-root")


class SessionTest(FleetCase):
    def test_a_nonce_opens_one_session_for_its_player(self):
        player, other = self.pair(self.add_screen()), self.pair(self.add_screen())
        nonce = player.challenge()
        self.assertEqual(player.prove(nonce).status, 200)
        self.assertProblem(player.prove(nonce), 401, "session-refused")
        self.assertProblem(other.prove(player.challenge()), 401, "session-refused")
        self.assertProblem(player.prove("00" * 40), 401, "session-refused")
        player.key = other.key
        self.assertProblem(player.prove(player.challenge()), 401, "session-refused")

    def test_a_session_ends(self):
        player = self.pair(self.add_screen())
        self.sql("UPDATE player_session SET expires_ms = 1")
        self.assertProblem(player.client.get("/v1/player/orders"), 401, "no-session")
        player.open_session()
        self.assertEqual(player.client.get("/v1/player/orders").status, 200)
        self.assertProblem(self.client("f" * 64).get("/v1/player/orders"), 401, "no-session")
        self.assertProblem(self.client().get("/v1/player/orders"), 401, "no-session")

    def test_a_player_keeps_four_sessions(self):
        player = self.pair(self.add_screen())
        first = player.client
        for _ in range(4):
            player.open_session()
        self.assertEqual(first.get("/v1/player/orders").status, 401)
        self.assertEqual(player.client.get("/v1/player/orders").status, 200)

    def test_a_revoked_player_is_out_at_once(self):
        player = self.pair(self.add_screen())
        stream = player.client.stream("/v1/player/stream")
        self.assertEqual(stream.next("ping")["event"], "ping")
        self.assertEqual(self.admin.delete(f"/v1/players/{player.id}").status, 204)
        self.assertIsNone(stream.next())
        self.assertProblem(player.client.get("/v1/player/orders"), 401, "no-session")
        self.assertProblem(player.prove(player.challenge()), 401, "session-refused")
        self.assertEqual(self.admin.get(f"/v1/players/{player.id}").json["pairing"], "revoked")
        self.assertEqual(self.admin.delete(f"/v1/players/{player.id}").status, 204)

    def test_people_and_players_have_different_doors(self):
        player = self.pair(self.add_screen())
        self.assertEqual(player.client.get("/v1/screens").status, 401)
        self.assertEqual(self.admin.get("/v1/player/orders").status, 401)


class OrderTest(FleetCase):
    def test_an_order_comes_through_the_stream_and_is_answered(self):
        screen = self.add_screen()
        player = self.pair(screen)
        watcher = self.admin.stream("/v1/events")
        stream = player.client.stream("/v1/player/stream")
        self.assertEqual(stream.next()["retry"], "5000")
        given = self.order(screen, "identify", seconds=5)
        self.assertEqual(given["orders"][0]["state"], "waiting")
        self.assertEqual(given["orders"][0]["duty"], SCREEN["duty"])
        event = stream.next("order")
        self.assertEqual(event["id"], "1")
        self.assertEqual(event["data"], '{"n":1,"kind":"identify","seconds":5}')
        player.done(1)
        found = self.orders(screen, reference=given["reference"])
        self.assertEqual([(o["n"], o["state"], o["detail"]) for o in found], [(1, "done", "xong")])
        self.assertIn('"state":"done"', watcher.next("order")["data"])
        player.done(1, state="failed")  # the first answer counts
        self.assertEqual(self.orders(screen)[0]["state"], "done")
        stream.close()
        watcher.close()

    def test_the_poll_gives_the_same_orders(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.order(screen, "volume", percent=30)
        self.order(screen, "blank", until_ms=0)
        answer = player.client.get("/v1/player/orders?after=0").json
        self.assertEqual(answer["orders"], [{"n": 1, "kind": "volume", "percent": 30},
                                            {"n": 2, "kind": "blank", "until_ms": 0}])
        self.assertEqual(len(player.client.get("/v1/player/orders?after=1").json["orders"]), 1)
        self.assertEqual(player.client.get("/v1/player/orders?after=x").status, 400)

    def test_nothing_is_lost_or_doubled_when_the_server_is_killed(self):
        screen = self.add_screen()
        player = self.pair(screen)
        for percent in (10, 20):
            self.order(screen, "volume" if percent == 10 else "brightness", percent=percent)
        stream = player.client.stream("/v1/player/stream")
        self.assertEqual([stream.next("order")["id"] for _ in range(2)], ["1", "2"])
        self.order(screen, "identify", seconds=3)
        self.kill_and_start_again()
        player.client = self.client(player.token)  # tokens outlive the server
        self.order(screen, "screenshot")
        stream = player.client.stream("/v1/player/stream", Last_Event_ID="2")
        self.assertEqual([stream.next("order")["id"] for _ in range(2)], ["3", "4"])
        self.order(screen, "restart")
        self.assertEqual(stream.next("order")["id"], "5")
        player.done(1, 2, 3, 4, 5)
        self.assertEqual({o["state"] for o in self.orders(screen)}, {"done"})
        stream.close()

    def test_a_second_stream_ends_the_first(self):
        screen = self.add_screen()
        player = self.pair(screen)
        first = player.client.stream("/v1/player/stream")
        self.assertEqual(first.next("ping")["event"], "ping")
        second = player.client.stream("/v1/player/stream")
        self.assertIsNone(first.next("order"))
        self.order(screen, "screenshot")
        self.assertEqual(second.next("order")["id"], "1")
        second.close()

    def test_a_newer_order_of_a_kind_replaces_an_older_one(self):
        screen = self.add_screen()
        player = self.pair(screen)
        for percent in (10, 20, 30):
            self.order(screen, "volume", percent=percent)
        self.assertEqual([o["percent"] for o in player.client.get("/v1/player/orders").json["orders"]], [30])
        states = [o["state"] for o in self.orders(screen)]
        self.assertIn(states[0], ("waiting", "sent"))
        self.assertEqual(states[1:], ["failed", "failed"])

    def rows(self, query):
        if self.database:
            done = subprocess.run(["psql", "--quiet", "-At", self.database, "-c", query], check=True,
                                  stdout=subprocess.PIPE, text=True)
            return [tuple(line.split("|")) for line in done.stdout.split()]
        with sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180) as database:
            rows = [tuple(map(str, row)) for row in database.execute(query)]
        database.close()
        return rows

    def put_screens(self, count, without_player, retired):
        """Screens with players that were given 0, 1, 2, … orders so far."""
        screens = [f"('s-{n:03}', '31333', 'm', 'led', 320, 180, '', '', '', 0, 0, 0, 100, '', 1, 0,"
                   f" {1 if n in retired else 'NULL'})" for n in range(count)]
        players = [f"('d-{n:03}-{state}', 's-{n:03}', '31333', '{n}', '{state}', '', '', 0, '', {n}, 0, 'never-seen', 0)"
                   for n in range(count) if n not in without_player for state in ("replaced", "active")]
        self.sql("INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name, duty_phone, open_min,"
                 " close_min, volume_max_percent, brightness_max_percent, note, revision, created_ms, retired_ms) VALUES "
                 + ", ".join(screens))
        self.sql("INSERT INTO player(id, screen, unit, public_key, state, model, version, paired_ms, paired_by, last_order,"
                 " order_ms, channel, channel_ms) VALUES " + ", ".join(players))

    def test_an_order_to_many_screens_reaches_each_of_them_once(self):
        without_player, retired = {0, 89, 90, 184}, {1, 91, 180}
        self.put_screens(185, without_player, retired)
        listed = {f"s-{n:03}" for n in range(185) if n not in retired}
        have = [n for n in range(185) if n not in without_player | retired]
        for turn in 1, 2:
            answer = self.admin.post("/v1/takedowns", {"unit": "31333", "assets": ["ab" * 32]})
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual({screen["screen"] for screen in answer.json["screens"]}, listed)
            self.assertEqual(len(answer.json["screens"]), len(listed))
            reference = answer.json["id"]
            self.assertEqual(
                self.rows(f"SELECT player, n, screen, kind FROM player_order WHERE reference = '{reference}' ORDER BY player"),
                [(f"d-{n:03}-active", str(n + turn), f"s-{n:03}", "takedown") for n in have])
            self.assertEqual(self.rows(f"SELECT count(*) FROM screen_standing WHERE reference = '{reference}'"),
                             [(str(len(listed)),)])
        self.assertEqual(self.rows("SELECT count(*) FROM player WHERE state = 'active' AND order_ms > 0"), [(str(len(have)),)])
        self.assertEqual(self.rows("SELECT id FROM player WHERE state <> 'active' AND order_ms > 0"), [])

    def test_orders_are_listed_in_pages_newest_first(self):
        screen = self.add_screen()
        self.pair(screen)
        for kind in ("screenshot", "restart", "unblank", "blank", "screenshot"):
            self.order(screen, kind)
        self.sql("UPDATE player_order SET given_ms = 1795240000000")  # all at once
        first = self.admin.get(f"/v1/screens/{screen}/orders?limit=3").json
        second = self.admin.get(f"/v1/screens/{screen}/orders?limit=3&after={first['next']}").json
        self.assertEqual([o["n"] for o in first["items"] + second["items"]], [5, 4, 3, 2, 1])
        self.assertIsNone(second["next"])
        self.assertEqual(self.admin.get(f"/v1/screens/{screen}/orders?after=yesterday").status, 400)

    def test_what_nobody_fetched_in_ten_minutes_is_not_carried_out(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.order(screen, "restart")
        self.sql("UPDATE player_order SET given_ms = given_ms - 660000")
        self.assertEqual(player.client.get("/v1/player/orders").json["orders"], [])
        self.assertEqual(self.orders(screen)[0]["state"], "failed")

    def test_what_stands_for_a_screen_is_given_to_its_next_player(self):
        screen = self.add_screen()
        first = self.pair(screen)
        self.order(screen, "blank", until_ms=0)
        first.done(1)
        self.order(screen, "restart")
        second = self.pair(screen)
        self.assertEqual(second.client.get("/v1/player/orders").json["orders"], [{"n": 1, "kind": "blank", "until_ms": 0}])
        self.assertEqual(first.client.get("/v1/player/orders").status, 401)
        self.order(screen, "unblank")
        third = self.pair(screen)
        self.assertEqual(third.client.get("/v1/player/orders").json["orders"], [])
        players = self.admin.get("/v1/players").json["items"]
        self.assertEqual(sorted(p["pairing"] for p in players), ["active", "replaced", "replaced"])

    def test_a_blank_waits_for_the_first_player(self):
        screen = self.add_screen()
        given = self.order(screen, "blank", until_ms=0)
        self.assertEqual([(o["player"], o["state"]) for o in given["orders"]], [(None, "waiting")])
        self.assertProblem(self.admin.post(f"/v1/screens/{screen}/orders", {"kind": "restart"}), 409, "no-player")

    def test_numbers_go_on_after_a_backup_was_restored(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.order(screen, "identify", seconds=1)  # number 1 once more: the player has heard up to 50
        stream = player.client.stream("/v1/player/stream?after=50")
        self.assertEqual(int(stream.next("order")["id"]), 51)
        self.order(screen, "screenshot")
        self.assertEqual(int(stream.next("order")["id"]), 52)
        stream.close()

    def test_what_is_no_command_is_refused(self):
        screen = self.add_screen()
        self.pair(screen)
        for body in ({"kind": "takedown", "assets": []}, {"kind": "emergency", "activation": "x"}, {"kind": "volume"},
                     {"kind": "volume", "percent": 101}, {"kind": "restart", "percent": 1}, {"kind": "identify", "seconds": 0},
                     {"kind": 7}, {}, {"kind": "blank", "until_ms": -1}):
            answer = self.admin.post(f"/v1/screens/{screen}/orders", body)
            self.assertEqual(answer.status, 400, (body, answer))
        self.assertEqual(self.orders(screen), [])

    def test_broken_answers_are_refused_whole(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.order(screen, "screenshot")
        good = {"n": 1, "state": "done", "at_ms": 1}
        for results in ("x", [good] * 101, [good, {"n": 0, "state": "done", "at_ms": 1}], [{"n": 1, "state": "fine", "at_ms": 1}],
                        [dict(good, detail="x" * 513)]):
            answer = player.client.post("/v1/player/done", {"results": results})
            self.assertEqual(answer.status, 400, answer)
        self.assertNotEqual(self.orders(screen)[0]["state"], "done")
        player.done(1, 4711)  # numbers that were never given are passed over
        self.assertEqual(self.orders(screen)[0]["state"], "done")


class SlowReaderTest(FleetCase):
    """Over a unix socket, whose buffers are small."""

    engines = ["sqlite"]
    ORDERS = 14

    def start(self, *options, **more):
        return super().start(*options, listen=f"unix:{self.directory}/http.sock", **more)

    def administrator(self):
        admin = super().administrator()
        del admin.headers["Origin"]  # there is none that a browser would send
        admin.headers["Sec-Fetch-Site"] = "same-origin"
        return admin

    def test_who_does_not_read_is_dropped_and_loses_nothing(self):
        screen = self.add_screen()
        player = self.pair(screen)
        body = json.dumps({"id": "t-1", "assets": ["a" * 64] * 440})
        self.sql("INSERT INTO player_order(player, n, screen, kind, body, reference, state, given_ms, detail) WITH RECURSIVE "
                 f"c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {self.ORDERS}) SELECT '{player.id}', n, "
                 f"'{screen}', 'takedown', '{body}', 't-1', 'waiting', 0, '' FROM c")
        self.sql(f"UPDATE player SET last_order = {self.ORDERS}")
        deaf = self.server.connect()
        deaf.connect()
        deaf.sock.sendall(f"GET /v1/player/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {player.token}\r\n\r\n".encode())
        deadline = time.monotonic() + 180
        while self.server.metric("bangtin_streams_dropped_total") != 1:
            self.assertLess(time.monotonic(), deadline, "it was never dropped")
        text = b""
        while piece := deaf.sock.recv(65536):
            text += piece
        got = [int(event[1]) for event in re.finditer(rb"(?<=\n\n)id: (\d+)\nevent: order\ndata: {[^}]*}\n\n", unchunked(text))]
        self.assertEqual(got, list(range(1, len(got) + 1)))
        self.assertLess(len(got), self.ORDERS)
        deaf.close()
        # On a busy machine this one may be too slow as well. It comes again and loses nothing.
        deadline = time.monotonic() + 180
        while len(got) < self.ORDERS:
            self.assertLess(time.monotonic(), deadline, got)
            stream = player.client.stream(f"/v1/player/stream?after={len(got)}")
            while len(got) < self.ORDERS and (order := stream.next("order")) is not None:
                got.append(int(order["id"]))
            stream.close()
        self.assertEqual(got, list(range(1, self.ORDERS + 1)))


class StatusTest(FleetCase):
    STATUS = {"at_ms": 1, "clock": {"trust": "synchronised", "offset_ms": -13}, "version": "0.3.0", "timestamp": 4711,
              "publications": [{"target": "u/31333/a", "id": "u.31333.a", "version": 42, "since_ms": 5}], "waiting": [],
              "on": [{"zone": "chinh", "publication": "u.31333.a", "item": "bìa", "since_ms": 5}], "emergency": [],
              "takedowns": ["t-4QX2M9"], "blank": False, "volume_percent": 0, "brightness_percent": 100,
              "plays": {"last": 7, "counted": 5, "since_ms": 1},
              "storage": {"free_bytes": 1 << 40, "assets_bytes": 0}, "display": {"width": 960, "height": 480, "refresh_hz": 60},
              "troubles": [{"code": "disk-full", "detail": "đầy", "since_ms": 3}]}

    def test_the_newest_status_is_kept_and_shown(self):
        screen = self.add_screen()
        player = self.pair(screen)
        before = self.admin.get(f"/v1/screens/{screen}/status").json
        self.assertEqual((before["state"], before["status"], before["received_ms"]), ("never-seen", None, None))
        many = [{"code": f"{i:032d}", "detail": "", "since_ms": 0} for i in range(64)]
        self.assertEqual(player.client.post("/v1/player/status", dict(self.STATUS, troubles=many)).status, 204)
        answer = player.client.post("/v1/player/status", dict(self.STATUS, later="key"))
        self.assertEqual(answer.status, 204, answer)
        after = self.admin.get(f"/v1/screens/{screen}/status").json
        self.assertEqual(after["status"], self.STATUS)
        listed = self.admin.get("/v1/screens").json["items"][0]["player"]
        self.assertEqual((listed["version"], listed["timestamp"], listed["troubles"]), ("0.3.0", 4711, ["disk-full"]))

    def test_a_wrong_status_is_refused_and_changes_nothing(self):
        screen = self.add_screen()
        player = self.pair(screen)
        for change in ({"at_ms": "x"}, {"volume_percent": 101}, {"on": {}}, {"takedowns": [7]}, {"troubles": [[]]},
                       {"clock": "good"}, {"timestamp": 1.5}, {"publications": [{"id": "x" * 64}]}, {"on": [{}] * 65}):
            answer = player.client.post("/v1/player/status", dict(self.STATUS, **change))
            self.assertEqual(answer.status, 400, (change, answer))
        self.assertEqual(player.client.post("/v1/player/status", b"[]").status, 400)
        self.assertEqual(player.client.post("/v1/player/status", b'{"at_ms": 1, "x": "' + b"y" * 70000 + b'"}').status, 413)
        self.assertIsNone(self.admin.get(f"/v1/screens/{screen}/status").json["status"])

    def test_who_answers_a_ping_obeys(self):
        screen = self.add_screen()
        player = self.pair(screen)
        watcher = self.admin.stream("/v1/events")
        stream = player.client.stream("/v1/player/stream")
        ping = int(re.search(r"\d+", stream.next("ping")["data"])[0])
        self.assertEqual(player.client.post("/v1/player/pong", {"ping": ping}).status, 204)
        self.assertIn('"state":"obeys"', watcher.next("player")["data"])
        self.assertEqual(player.client.post("/v1/player/pong", {"ping": "1"}).status, 400)
        stream.close()
        watcher.close()

    def test_a_screenshot_answers_its_order(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.assertEqual(self.admin.get(f"/v1/screens/{screen}/screenshot").status, 404)
        self.order(screen, "screenshot")
        for number, body, status in ((1, PNG, 204), (2, PNG, 404), (1, b"GIF89a" + bytes(100), 415), ("x", PNG, 404)):
            answer = player.client.post(f"/v1/player/screenshots/{number}", body, Content_Type="image/png")
            self.assertEqual(answer.status, status, answer)
        answer = self.admin.get(f"/v1/screens/{screen}/screenshot")
        self.assertEqual((answer.body, answer.headers["Content-Type"], answer.headers["X-Bangtin-Order"]), (PNG, "image/png", "1"))


class ScreenTest(FleetCase):
    def test_a_screen_is_edited_by_revision(self):
        screen = self.add_screen()
        shown = self.admin.get(f"/v1/screens/{screen}")
        self.assertEqual(shown.json["player"], None)
        self.assertEqual({key: shown.json[key] for key in SCREEN}, SCREEN)
        path, edited = f"/v1/screens/{screen}", dict(SCREEN, name="Cổng mới", hours={"from_min": 300, "until_min": 1320},
                                                      location={"latitude_e6": 19990000, "longitude_e6": 105800000})
        self.assertEqual(self.admin.put(path, edited).status, 428)
        self.assertEqual(self.admin.put(path, edited, If_Match='"7"').status, 412)
        answer = self.admin.put(path, edited, If_Match=shown.etag)
        self.assertEqual((answer.status, answer.json["name"], answer.json["revision"]), (200, "Cổng mới", 2), answer)
        self.assertEqual(answer.json["location"], edited["location"])
        self.assertEqual(self.admin.put(path, edited, If_Match=shown.etag).status, 412)
        self.assertEqual(self.admin.put(path, dict(edited, width=0), If_Match=answer.etag).status, 400)
        self.assertEqual(self.admin.put(path, dict(edited, colour=1), If_Match=answer.etag).status, 400)
        self.assertEqual(self.admin.delete(path, If_Match=answer.etag).status, 204)
        self.assertEqual(self.admin.get(path).status, 404)

    def test_a_screen_with_a_player_stays_in_its_unit(self):
        self.add_unit("31334", "Xã bên")
        screen = self.add_screen()
        player = self.pair(screen)
        moved = dict(SCREEN, unit="31334")
        self.assertProblem(self.admin.put(f"/v1/screens/{screen}", moved, If_Match='"1"'), 409, "player-attached")
        self.admin.delete(f"/v1/players/{player.id}")
        self.assertEqual(self.admin.put(f"/v1/screens/{screen}", moved, If_Match='"1"').status, 200)

    def test_a_screen_out_of_use_takes_its_player_along(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.assertEqual(self.admin.delete(f"/v1/screens/{screen}", If_Match='"1"').status, 204)
        self.assertEqual(player.client.get("/v1/player/orders").status, 401)

    def test_lists_come_in_pages_and_by_unit(self):
        self.add_unit("31334", "Xã bên")
        here = sorted(self.add_screen(name=f"Màn {i}") for i in range(5))
        there = self.add_screen(unit="31334")
        first = self.admin.get("/v1/screens?unit=31333&limit=3").json
        second = self.admin.get(f"/v1/screens?unit=31333&limit=3&after={first['next']}").json
        self.assertEqual([s["id"] for s in first["items"] + second["items"]], here)
        self.assertIsNone(second["next"])
        self.assertEqual([s["id"] for s in self.admin.get("/v1/screens?unit=31334").json["items"]], [there])
        self.assertEqual(self.admin.get("/v1/screens?unit=99").status, 404)
        self.assertEqual(self.admin.get("/v1/screens?limit=201").status, 400)

    def test_groups_hold_screens_of_their_unit(self):
        self.add_unit("31334", "Xã bên")
        mine, other = self.add_screen(), self.add_screen(unit="31334")
        group = self.admin.post("/v1/groups", {"unit": "31333", "name": "Quảng trường"})
        path = f"/v1/groups/{group.json['id']}"
        answer = self.admin.put(f"{path}/screens", {"screens": [mine]}, If_Match=group.etag)
        self.assertEqual(answer.json, {"screens": [mine]}, answer)
        self.assertProblem(self.admin.put(f"{path}/screens", {"screens": [mine, other]}, If_Match=answer.etag), 409,
                           "screen-elsewhere")
        self.assertEqual(self.admin.get(f"{path}/screens").json, {"screens": [mine]})
        renamed = self.admin.put(path, {"unit": "31333", "name": "Chợ"}, If_Match='"2"')
        self.assertEqual((renamed.status, renamed.json["revision"]), (200, 3), renamed)
        self.assertEqual([g["name"] for g in self.admin.get("/v1/groups").json["items"]], ["Chợ"])
        self.assertEqual(self.admin.delete(path, If_Match='"3"').status, 204)
        self.assertEqual(self.admin.get(path).status, 404)


if __name__ == "__main__":
    main()
