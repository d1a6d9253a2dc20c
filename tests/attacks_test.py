#!/usr/bin/env python3
"""Who may put what on a screen: each attacker of docs/trust.md against a real player that was paired with a real
server. The frame log is the judge: not one present shows what was not approved for this very screen, nor what was taken
down."""

import datetime
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import broadcast
import parts

try:
    from hijacked_server import FileKey, Hijacked, Key, Loot, activation, canonical, now_ms, sha256, signatures
    from hijacked_world import A, B, BANGTIN, BOARD, PLAYER, SERVER, Screen, World, middle, picture
    from steady import PATIENCE_S
except ImportError as missing:
    print(f"cannot run here: {missing}")
    sys.exit(77)

DAY_MS = 24 * 3600000
TEMPLATE_A, TEMPLATE_B = f"u/{A}/template-bao", f"u/{B}/template-bao"
GREEN, RED = (0, 204, 0), (204, 0, 0)  # at the 80 % of light that the screen allows
WORLD = None


def setUpModule():
    global WORLD
    WORLD = World()


def tearDownModule():
    if WORLD:
        WORLD.close()


def near(pixel, colour):
    return all(abs(a - b) <= 8 for a, b in zip(pixel, colour))


def listening(pid):
    listing = subprocess.run(["ss", "-H", "-l", "-n", "-p", "-t", "-u", "-x", "-w"], capture_output=True, text=True,
                             check=True).stdout
    return [line for line in listing.splitlines() if f"pid={pid}," in line]


def asset_of(colour):
    """The hash of the picture."""
    name = {"red": "do.png", "green": "xanh.png", "blue": "lam.png"}[colour]
    with open(WORLD.path(name), "rb") as file:
        return sha256(file.read())


class AttackCase(unittest.TestCase):
    """A copy of the player, and a hijacked server at its server's address."""

    def setUp(self):
        self.world = WORLD
        self.directory = tempfile.mkdtemp(prefix="bt-attack-", dir=WORLD.directory)
        self.data = os.path.join(self.directory, "player")
        shutil.copytree(WORLD.player, self.data)
        self.house = self.hijack()
        self.screen = None
        self.approved = self.items(BOARD)
        self.addCleanup(self.check_log)

    def hijack(self):
        house = Hijacked(WORLD.data)
        self.addCleanup(house.close)
        WORLD.proxy.target = house.port
        return house

    def key(self, name):
        return FileKey(WORLD.key(name))

    def items(self, path, version=None):
        """What an approved document lets a screen show."""
        document = json.loads(self.house.loot.approved(path, version))
        assets = {asset["name"]: asset["sha256"] for asset in document.get("assets", ())}
        return {(item["id"], assets.get(item.get("asset"), ""))
                for playlist in document["playlists"] for item in playlist["items"]}

    def start(self, *options):
        self.screen = Screen(self.data, WORLD.proxy.url, *options)
        self.addCleanup(self.screen.kill)
        self.screen.wait_item(WORLD.green)  # from its own disk, whoever answers
        return self.screen

    def meet(self):
        """The player is connected and has heard everything there was to say."""
        self.screen.wait(lambda: self.house.streams)
        self.ping()

    def ping(self):
        """Through the queue that carries out orders; asked again on whatever stream is opened meanwhile."""
        number = len(self.house.pongs) + 1000
        asked = []

        def look():
            streams = list(self.house.streams)
            if streams != asked:
                asked[:] = streams
                self.house.say("ping", {"ping": number})
            return number in self.house.pongs
        self.screen.wait(look)

    def answer(self, kind, **keys):
        number = self.house.order(kind, **keys)
        self.screen.wait(lambda: number in self.house.results)
        return self.house.results[number]

    def looks(self):
        """The colour of what is presented now."""
        number = self.house.order("screenshot")
        self.screen.wait(lambda: number in self.house.results and number in self.house.screenshots)
        return middle(self.house.screenshots[number])

    def judge(self, colour=GREEN):
        """One more present, then all there were: none showed what was not approved."""
        self.meet()
        self.assertTrue(near(self.looks(), colour))
        self.assertLessEqual(self.screen.shown(), self.approved)
        return self.screen.shown()

    def refused(self, code="signature-refused"):
        """The lie was looked at, and not believed."""
        self.screen.wait_said(code + ": ")

    def lie(self, code="signature-refused"):
        """What the house has prepared is served from the first request on."""
        self.start()
        self.meet()
        self.house.hint(10 ** 9)
        self.refused(code)
        self.judge()

    def document(self, **changes):
        """A publication as the thief would like it: red, or any text."""
        document = json.loads(self.house.loot.approved(BOARD, 1))
        return dict(document, version=99, **changes)

    def check_log(self):
        if self.screen:
            said = self.screen.said()
            for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
                         "Assertion"):
                self.assertNotIn(sign, said, said[-8000:])


class Honest(AttackCase):
    """That the judge can see: with everybody's signatures all of it appears."""

    def test_what_enough_people_signed_is_shown(self):
        self.house.loot.forge(f"u-{A}", {BOARD: self.document()}, [self.key("an"), self.key("binh")])
        self.house.loot.issue()
        self.start()
        self.screen.wait_item(WORLD.red)
        self.approved |= self.items(BOARD, 1)
        self.judge(RED)

    def test_a_warning_of_the_duty_officer_is_shown(self):
        self.start()
        self.meet()
        body = self.house.loot.approved(TEMPLATE_A + ".json")
        text = activation(self.key("truc-a"), TEMPLATE_A, body, A)
        self.assertEqual(self.answer("emergency", activation=text)["state"], "done")
        self.screen.wait_item("bao")


class OnlineKeys(AttackCase):
    """The server with its keys of snapshot and timestamp and its database."""

    def test_a_publication_signed_with_online_keys_alone(self):
        loot = self.house.loot
        loot.forge(f"u-{A}", {BOARD: self.document()}, loot.online.values())
        loot.issue()
        self.lie()

    def test_a_publication_signed_by_nobody(self):
        self.house.loot.forge(f"u-{A}", {BOARD: self.document()}, [])
        self.house.loot.issue()
        self.lie()

    def test_old_signatures_over_a_new_publication(self):
        loot = self.house.loot
        old = loot.document(f"u-{A}")["signatures"]
        loot.forge(f"u-{A}", {BOARD: self.document()}, [])
        loot.put(f"u-{A}", {"signed": loot.document(f"u-{A}")["signed"], "signatures": old})
        loot.issue()
        self.lie()

    def test_other_delegations(self):
        """The province's targets with the thief's key for the unit."""
        loot, thief = self.house.loot, Key("an")
        delegations = loot.document("targets")["signed"]["delegations"]
        delegations["keys"][thief.id] = thief.object
        for role in delegations["roles"]:
            role["keyids"], role["threshold"] = [thief.id], 1
        loot.forge("targets", {}, loot.online.values(), delegations=delegations)
        loot.forge(f"u-{A}", {BOARD: self.document()}, [thief])
        loot.issue()
        self.lie()

    def test_another_root(self):
        loot, thief = self.house.loot, Key("goc")
        signed = loot.document("root")["signed"]
        signed["version"] += 1
        signed["keys"][thief.id] = thief.object
        for role in signed["roles"].values():
            role["keyids"], role["threshold"] = [thief.id], 1
        loot.put("root", signatures(signed, [thief, *loot.online.values()]))
        loot.forge("targets", {BOARD: self.document()}, [thief])
        loot.issue()
        self.lie()

    def test_an_older_approved_publication(self):
        """Rollback: the first version of the commune's metadata was signed by everybody, too."""
        self.house.loot.issue(meta={f"u-{A}": 1})
        self.lie()

    def test_an_older_timestamp_and_snapshot(self):
        loot = self.house.loot
        signed = dict(loot.document("timestamp")["signed"], version=1, meta={"snapshot.json": {"version": 2}})
        loot.files["metadata/timestamp.json"] = json.dumps(loot.online["timestamp"].sign(signed)).encode()
        self.lie()

    def test_an_older_snapshot_under_a_new_timestamp(self):
        loot = self.house.loot
        loot.stamp(loot.versions["snapshot"] - 1)
        self.lie()

    def test_a_frozen_timestamp(self):
        """Served for ever it keeps away what is new; it changes nothing."""
        self.start()
        self.meet()
        self.house.hint(10 ** 9)
        self.screen.wait(lambda: "metadata/timestamp.json" in self.house.fetched)
        self.judge()

    def test_a_frozen_timestamp_expires(self):
        """What was approved plays on, nothing new is accepted, and the player says so."""
        loot = self.house.loot
        loot.forge(f"u-{A}", {BOARD: self.document()}, [self.key("an"), self.key("binh")])
        loot.issue(expires="2026-01-01T00:00:00Z")
        self.lie("metadata-expired")

    def test_metadata_of_different_days(self):
        """Mix and match: the older publication's metadata under the newer's name."""
        loot = self.house.loot
        newest = loot.versions[f"u-{A}"]
        loot.files[f"metadata/{newest + 1}.u-{A}.json"] = loot.bodies[f"metadata/1.u-{A}.json"]
        loot.issue(meta={f"u-{A}": newest + 1})
        self.lie()

    def test_a_unit_that_vanishes_from_the_snapshot(self):
        self.house.loot.issue(meta={f"u-{A}": None})
        self.lie()

    def test_versions_counted_up_to_the_end(self):
        """Fast-forward: nothing new comes until the keys are changed; nothing false comes either."""
        self.house.loot.issue(snapshot=2 ** 52, timestamp=2 ** 52)
        self.start()
        self.screen.wait(lambda: f"metadata/{2 ** 52}.snapshot.json" in self.house.fetched)
        self.judge()

    def test_the_publication_of_another_unit(self):
        """B's approved metadata and document in the place of A's."""
        loot = self.house.loot
        version = loot.versions[f"u-{A}"] + 1
        theirs = loot.document(f"u-{B}")
        loot.files[f"metadata/{version}.u-{A}.json"] = json.dumps(theirs).encode()
        loot.put_target(BOARD, loot.approved(f"u/{B}/bang.json"), sha256(loot.approved(BOARD)))
        loot.issue(meta={f"u-{A}": version})
        self.lie()

    def test_the_text_of_another_unit_under_our_name(self):
        """The metadata are ours, the document under its hash is B's."""
        loot = self.house.loot
        loot.forge(f"u-{A}", {}, [self.key("an"), self.key("binh")])  # an honest renewal: all is fetched anew
        loot.put_target(BOARD, loot.approved(f"u/{B}/bang.json"), sha256(loot.approved(BOARD)))
        loot.issue()
        self.start()
        self.screen.wait(lambda: f"metadata/{loot.versions[f'u-{A}']}.u-{A}.json" in self.house.fetched)
        self.judge()

    def test_the_layer_of_another_screen(self):
        """What another screen of the commune carries, approved, in the place of ours."""
        loot = self.house.loot
        theirs, ours = f"s/{A}/{WORLD.gate}.json", f"s/{A}/{WORLD.screen}.json"
        loot.forge(f"s-{A}", {ours: loot.approved(theirs)}, loot.online.values())
        loot.issue()
        self.lie()

    def test_the_layer_of_a_screen_of_another_unit(self):
        loot = self.house.loot
        theirs, ours = f"s/{B}/{WORLD.other}.json", f"s/{A}/{WORLD.screen}.json"
        loot.forge(f"s-{A}", {ours: loot.approved(theirs)}, [self.key("ky-thuat-b")])
        loot.issue()
        self.lie()

    def test_other_bytes_under_the_name_of_an_asset(self):
        """An honest change whose picture the server has swapped: the old one stays."""
        loot = self.house.loot
        shutil.rmtree(os.path.join(self.data, "assets", asset_of("red")[:2]), ignore_errors=True)
        loot.forge(f"u-{A}", {BOARD: self.document()}, [self.key("an"), self.key("binh")])
        loot.issue()
        loot.blobs[asset_of("red")] = loot.blobs[asset_of("blue")]
        self.lie("asset-damaged")

    def show_otherwise(self, content, kind, said):
        """A file with everybody's signatures, whose browsers showed them something else: only what is beside it appears."""
        loot = self.house.loot
        loot.blobs[sha256(content)] = content
        document = self.document()
        asset = {"name": "hinh", "sha256": sha256(content), "size": len(content),
                 "type": {"image": "image/png", "video": "video/mp4"}[kind]}
        document["assets"].append(asset)
        items = document["playlists"][0]["items"]
        items.append({"id": "hinh", "type": kind, "asset": "hinh", "seconds": 2})
        items[0]["seconds"] = 2
        loot.forge(f"u-{A}", {BOARD: document}, [self.key("an"), self.key("binh")])
        loot.issue()
        self.approved |= self.items(BOARD, 1)
        self.start()
        self.screen.wait_said(said)
        self.screen.wait_item(WORLD.red)
        self.judge(RED)

    def test_a_picture_that_browsers_show_otherwise(self):
        svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='32' height='18'><rect width='32' height='18' fill='blue'/></svg>"
        self.show_otherwise(svg, "image", "no reviewer's browser shows")

    def test_a_clip_of_which_browsers_show_another_track(self):
        path = os.path.join(self.data, "hai.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:size=32x18:rate=25:duration=3", "-f", "lavfi", "-i",
                        "color=blue:size=64x36:rate=25:duration=3", "-map", "0", "-map", "1", "-pix_fmt", "yuv420p", path],
                       check=True, stdin=subprocess.DEVNULL)
        with open(path, "rb") as file:
            self.show_otherwise(file.read(), "video", "may have seen another track")

    def test_servers_json_forged(self):
        elsewhere = Hijacked(WORLD.data)
        self.addCleanup(elsewhere.close)
        loot = self.house.loot
        servers = {"format": 1, "servers": [{"url": elsewhere.url, "pins": []}]}
        loot.forge("targets", {"servers.json": servers}, loot.online.values())
        loot.issue()
        self.lie()
        self.assertEqual((elsewhere.fetched, elsewhere.streams), ([], []))

    def test_a_template_that_nobody_signed(self):
        loot = self.house.loot
        path = f"u/{A}/template-xau.json"
        body = json.dumps({"format": 1, "id": "xau", "version": 1, "layer": "emergency", "playlists": [
            {"name": "w", "items": [{"id": "xau", "type": "text", "text": "XẤU", "seconds": 9}]}],
            "schedule": [{"zone": "chinh", "playlist": "w"}]}).encode()
        loot.forge(f"u-{A}", {path: body}, loot.online.values())
        loot.forge("targets", {"p/template-xau.json": body}, loot.online.values())
        loot.issue()
        self.start()
        self.refused()
        for target in (path[:-5], "p/template-xau"):
            text = activation(loot.online["timestamp"], target, body, A, fields={})
            self.assertEqual(self.answer("emergency", activation=text)["state"], "refused")
        self.judge()


class Warnings(AttackCase):
    """Emergencies: what a server gets on the screen with the activations it has seen, and those it would like."""

    def setUp(self):
        super().setUp()
        self.body = self.house.loot.approved(TEMPLATE_A + ".json")
        self.duty = self.key("truc-a")

    def refuses(self, *texts):
        self.start()
        self.meet()
        for text in texts:
            self.assertEqual(self.answer("emergency", activation=text)["state"], "refused", text)
        self.judge()

    def test_not_signed(self):
        good = activation(self.duty, TEMPLATE_A, self.body, A)
        self.refuses(activation(None, TEMPLATE_A, self.body, A), good.replace('"cap":"9"', '"cap":"8"'), "{}", "not json")

    def test_signed_with_online_keys(self):
        self.refuses(*[activation(key, TEMPLATE_A, self.body, A) for key in self.house.loot.online.values()])

    def test_signed_by_the_duty_key_of_another_unit(self):
        theirs = self.house.loot.approved(TEMPLATE_B + ".json")
        self.refuses(activation(self.key("truc-b"), TEMPLATE_A, self.body, A),
                     activation(self.key("truc-b"), TEMPLATE_B, theirs, A),
                     activation(self.key("truc-b"), TEMPLATE_B, theirs, B))

    def test_signed_by_approvers_who_are_not_on_duty(self):
        self.refuses(*[activation(self.key(name), TEMPLATE_A, self.body, A) for name in ("an", "ky-thuat-a", "tinh-1", "goc")])

    def test_beyond_its_scope(self):
        self.refuses(activation(self.duty, TEMPLATE_A, self.body, A, scope=[A, B]),
                     activation(self.duty, TEMPLATE_A, self.body, A, scope=[B]),
                     activation(self.duty, TEMPLATE_A, self.body, A, screens=[WORLD.gate]),
                     activation(self.duty, "p/template-bao", self.body, A))

    def test_longer_than_a_day(self):
        later = now_ms() + 2 * DAY_MS
        self.refuses(activation(self.duty, TEMPLATE_A, self.body, A, until_ms=now_ms() + DAY_MS + 60000),
                     activation(self.duty, TEMPLATE_A, self.body, A, from_ms=later, until_ms=later + 1))

    def test_from_an_earlier_storm(self):
        past = now_ms() - 3 * DAY_MS
        self.refuses(activation(self.duty, TEMPLATE_A, self.body, A, from_ms=past, until_ms=past + DAY_MS))

    def test_values_that_break_out_of_the_template(self):
        self.refuses(activation(self.duty, TEMPLATE_A, self.body, A, fields={"cap": "9\",\"text\":\"XẤU"}),
                     activation(self.duty, TEMPLATE_A, self.body, A, fields={"cap": "9", "text": "XẤU"}),
                     activation(self.duty, TEMPLATE_A, self.body, A, fields={}))

    def test_another_template_than_the_one_signed(self):
        """It waits for that template for ever; nothing is shown."""
        self.start()
        self.meet()
        self.house.order("emergency", activation=activation(self.duty, TEMPLATE_A, b"{}", A))
        self.judge()

    def test_invented_ends_leave_room_for_what_is_signed(self):
        self.start()
        self.meet()
        numbers = [self.house.order("emergency_end", id=f"e-x{i}", at_ms=now_ms()) for i in range(100)]
        self.screen.wait_said(f"Order {numbers[-1]}: ")
        text = activation(self.duty, TEMPLATE_A, self.body, A)
        self.house.order("emergency", activation=text)
        self.screen.wait_item("bao")

    def test_replayed_after_it_was_ended(self):
        self.start()
        self.meet()
        text = activation(self.duty, TEMPLATE_A, self.body, A)
        self.assertEqual(self.answer("emergency", activation=text)["state"], "done")
        self.screen.wait_item("bao")
        self.assertEqual(self.answer("emergency_end", id="e-1", at_ms=now_ms())["state"], "done")
        self.screen.wait_item(WORLD.green)
        self.assertEqual(self.answer("emergency", activation=text)["state"], "refused")
        self.screen.kill()
        self.screen.seen.clear()
        self.screen.start()  # the end outlives a restart
        self.meet()
        self.assertEqual(self.answer("emergency", activation=text)["state"], "refused")
        self.judge()


class Sticks(AttackCase):
    """A USB stick (docs/usb.md): what the network may not bring does not come by it either, and its longer word is no
    timestamp."""

    def word(self, days=30, **changes):
        loot = self.house.loot
        now = datetime.datetime.now(datetime.timezone.utc)
        signed = {"_type": "stick", "spec_version": "1.0.31", "version": loot.versions["timestamp"],
                  "expires": (now + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                  "meta": {"snapshot.json": {"version": loot.versions["snapshot"]}}, "x-stick": "y-1",
                  "x-issued": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "x-units": [A], "x-screens": [], "x-seal": "0" * 64,
                  "x-told": {"length": len(self.TOLD), "sha256": sha256(self.TOLD)}, **changes}
        return json.dumps(signatures(signed, loot.online.values())).encode()

    TOLD = b'{"takedowns":[],"counted":[]}'

    def insert(self, word, verdict):
        """Hands a stick over to a player that is off the line, and waits until it is done with it."""
        usb = os.path.join(self.directory, "usb")
        loot = self.house.loot
        blobs = {f"blobs/{name[:2]}/{name}": body for name, body in loot.blobs.items()}
        for path, body in {**loot.files, **blobs, "told.json": self.TOLD, "stick.json": word}.items():
            place = os.path.join(usb, "s1", "BANGTIN", path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(body)
        self.house.loot = loot
        WORLD.proxy.target = 1  # nobody
        self.start("--usb", usb)
        with open(os.path.join(usb, "s1.go"), "wb"):
            pass
        self.screen.wait(lambda: os.path.exists(os.path.join(usb, "s1.back", "done")))
        self.assertIn(f"verdict {verdict},", self.screen.said())
        self.assertLessEqual(self.screen.shown(), self.approved)

    TAKEN, STRANGER, EXPIRED, OLD, INCOMPLETE = 0, 2, 4, 5, 6

    def test_what_enough_people_signed_comes_by_stick(self):
        """That the judge can see."""
        self.house.loot.forge(f"u-{A}", {BOARD: self.document()}, [self.key("an"), self.key("binh")])
        self.house.loot.issue()
        self.approved |= self.items(BOARD, 1)
        self.insert(self.word(), self.TAKEN)
        self.screen.wait_item(WORLD.red)

    def test_a_publication_signed_with_online_keys_alone(self):
        loot = self.house.loot
        loot.forge(f"u-{A}", {BOARD: self.document()}, loot.online.values())
        loot.issue()
        self.insert(self.word(), self.INCOMPLETE)
        self.refused()

    def test_an_older_approved_publication(self):
        self.house.loot.issue(meta={f"u-{A}": 1})
        self.insert(self.word(), self.OLD)

    def test_a_word_that_one_online_key_signed(self):
        for role in ("snapshot", "timestamp"):
            loot = self.house.loot
            signed = json.loads(self.word())["signed"]
            self.insert(json.dumps(signatures(signed, [loot.online[role]])).encode(), self.STRANGER)
            self.screen.kill()
            shutil.rmtree(os.path.join(self.directory, "usb"))

    def test_a_word_for_longer_than_a_month(self):
        self.insert(self.word(days=40), self.STRANGER)

    def test_a_word_that_has_expired(self):
        self.insert(self.word(**{"x-issued": "2026-01-01T00:00:00Z", "expires": "2026-01-20T00:00:00Z"}), self.EXPIRED)

    def test_a_timestamp_as_a_sticks_word(self):
        self.insert(self.house.loot.files["metadata/timestamp.json"], self.STRANGER)

    def test_a_sticks_word_over_the_network(self):
        """The longer expiry is the stick's alone: as a timestamp it would keep the old alive for a month."""
        self.house.loot.files["metadata/timestamp.json"] = self.word(version=10 ** 6)
        self.lie("publication-refused")


class Takedowns(AttackCase):
    def take_down(self):
        self.start()
        self.meet()
        done = self.answer("takedown", id="t-1", assets=[asset_of("green")], items=[], issued_ms=0)
        self.assertEqual(done["state"], "done")
        return len(self.screen.presents())

    def gone(self, since):
        self.meet()
        self.looks()
        self.assertFalse(near(self.looks(), GREEN))
        self.assertNotIn(asset_of("green"), {asset for present in self.screen.presents()[since:] for _, asset in present})

    def test_the_same_publication_served_again(self):
        since = self.take_down()
        self.house.loot.issue()
        self.house.hint()
        self.screen.wait(lambda: f"metadata/{self.house.loot.versions['snapshot']}.snapshot.json" in self.house.fetched)
        self.gone(since)

    def test_a_lift_that_nobody_signed(self):
        since = self.take_down()
        loot = self.house.loot
        document = json.loads(loot.approved(BOARD))
        loot.forge(f"u-{A}", {BOARD: dict(document, version=99, lifts=["t-1"])}, loot.online.values())
        loot.issue()
        self.house.hint()
        self.refused()
        self.gone(since)

    def test_a_lift_in_a_publication_that_is_not_newer(self):
        """It was approved before, for an earlier takedown of that name."""
        loot = self.house.loot
        document = dict(json.loads(loot.approved(BOARD)), lifts=["t-1"])
        loot.forge(f"u-{A}", {BOARD: document}, [self.key("an"), self.key("binh")])
        loot.issue()
        since = self.take_down()
        loot.issue()
        self.house.hint()
        self.screen.wait(lambda: f"metadata/{loot.versions['snapshot']}.snapshot.json" in self.house.fetched)
        self.gone(since)

    def test_what_was_taken_down_stays_down_without_its_server(self):
        self.take_down()
        self.screen.kill()
        self.screen.seen.clear()
        self.house.close()
        self.screen.start()
        self.screen.wait(lambda: len(self.screen.presents()) >= 1)
        self.assertNotIn(asset_of("green"), {asset for _, asset in self.screen.shown()})


class Time(AttackCase):
    def test_moved_forward(self):
        """Beyond what is signed it is not believed; up to there nothing but the expiry of metadata comes of it."""
        said = 0
        for says_ms in (now_ms() + 3650 * DAY_MS, 2 ** 53, now_ms() + 2 * DAY_MS):
            with self.subTest(says_ms):
                self.house.says_ms = lambda says_ms=says_ms: says_ms
                self.start()
                self.meet()
                said += 1
                self.screen.wait_said("clock-wrong: ", said)
                self.judge()
                self.screen.kill()

    def test_moved_back(self):
        """A warning that has passed does not come back, nor does an old publication."""
        body = self.house.loot.approved(TEMPLATE_A + ".json")
        past = now_ms() - 2 * DAY_MS
        self.house.says_ms = lambda: past + 1000
        self.house.loot.issue(meta={f"u-{A}": 1})
        self.start()
        self.meet()
        text = activation(self.key("truc-a"), TEMPLATE_A, body, A, from_ms=past, until_ms=past + DAY_MS)
        self.assertEqual(self.answer("emergency", activation=text)["state"], "refused")
        self.refused()
        self.judge()

    def test_numbers_that_are_no_times(self):
        for says in (-1, 2 ** 63, 1.5, "now", None):
            self.house.says_ms = lambda says=says: says
            self.start()
            self.assertLessEqual(self.screen.shown(), self.approved)
            self.screen.kill()

    def test_a_publication_of_tomorrow(self):
        """Approved for later; a server that moves time does not bring it on early where the clock can be trusted."""
        loot = self.house.loot
        document = self.document()
        for playlist in document["playlists"]:
            for item in playlist["items"]:
                item["from"] = "2098-01-01T00:00:00+07:00"
        green = json.loads(loot.approved(BOARD))
        document["assets"] += green["assets"]
        document["playlists"][0]["items"] += green["playlists"][0]["items"]
        loot.forge(f"u-{A}", {BOARD: document}, [self.key("an"), self.key("binh")])
        loot.issue()
        self.house.says_ms = lambda: now_ms() + 2 * DAY_MS
        self.start()
        self.screen.wait_said("New content: ")
        self.judge()


class Orders(AttackCase):
    """What a server may say of its own: remove, ask, name what is signed."""

    def test_more_light_and_sound_than_the_screen_allows(self):
        self.start()
        self.meet()
        for kind, percent in (("brightness", 81), ("brightness", 100), ("brightness", 10 ** 9), ("volume", 31), ("volume", 100),
                              ("volume", -1), ("volume", 1.5), ("brightness", "100")):
            self.assertEqual(self.answer(kind, percent=percent)["state"], "refused", (kind, percent))
        self.assertEqual(self.answer("brightness", percent=40)["state"], "done")
        self.assertTrue(near(self.looks(), (0, 102, 0)))
        self.assertEqual(self.answer("brightness", percent=80)["state"], "done")
        self.judge()

    def test_limits_that_nobody_signed(self):
        loot = self.house.loot
        path = f"s/{A}/{WORLD.screen}.json"
        document = json.loads(loot.approved(path))
        loot.forge(f"s-{A}", {path: dict(document, version=99, limits={"brightness_percent": 100})}, loot.online.values())
        loot.issue()
        self.start()
        self.refused()
        self.meet()
        self.assertEqual(self.answer("brightness", percent=100)["state"], "refused")
        self.judge()

    def test_a_flood(self):
        """Hundreds of orders, hints and pings at once: all answered, nothing shown but what was approved."""
        self.start()
        self.meet()
        before = self.memory()
        kinds = [("volume", {"percent": 100}), ("brightness", {"percent": 100}), ("show", {"text": "XẤU"}), ("emergency", {}),
                 ("takedown", {"id": "t-x", "assets": ["zz"], "items": []}), ("identify", {"seconds": "XẤU"})]
        numbers = []
        for i in range(300):
            kind, keys = kinds[i % len(kinds)]
            numbers.append(self.house.order(kind, **keys))
            self.house.hint(10 ** 9 + i)
            self.house.say("ping", {"ping": i})
        self.screen.wait(lambda: all(number in self.house.results for number in numbers))
        self.assertEqual({self.house.results[number]["state"] for number in numbers}, {"refused"})
        self.judge()
        self.assertLess(self.memory() - before, 64 * 1024)

    def test_a_server_that_takes_no_answers(self):
        """What a player keeps for it on the disk has an end."""
        self.house.done = lambda body: (500, {})
        with sqlite3.connect(os.path.join(self.data, "state.db")) as state:
            state.executemany("INSERT INTO taken_order(n, body, state, at_ms, detail) VALUES(?, '', 'refused', 0, '')",
                              [(n,) for n in range(-3000, 0)])
        state.close()
        self.start()
        self.meet()
        number = self.house.order("show", text="x" * 100000)
        self.screen.wait_said(f"Order {number}: ")
        self.ping()
        self.screen.kill()
        with sqlite3.connect(os.path.join(self.data, "state.db")) as state:
            kept, longest, last = state.execute("SELECT count(*), max(length(body)), max(n) FROM taken_order").fetchone()
        state.close()
        self.assertEqual((kept, longest, last), (1024, 0, number))

    def memory(self):
        with open(f"/proc/{self.screen.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])

    def test_words_of_the_servers(self):
        """Identify shows the screen's own name, whatever the server adds."""
        self.start()
        self.meet()
        self.assertEqual(self.answer("identify", seconds=1, text="XẤU", name="XẤU", unit="XẤU")["state"], "done")
        self.assertEqual(self.answer("show", text="XẤU", asset=asset_of("red"))["state"], "refused")
        self.screen.wait(lambda: near(self.looks(), GREEN))  # the name stands for a second
        self.judge()

    def test_the_whole_picture(self):
        """Not only its middle: after all that was asked every pixel is of the approved picture."""
        self.start()
        self.meet()
        self.answer("show", text="XẤU")
        number = self.house.order("screenshot")
        self.screen.wait(lambda: number in self.house.results and number in self.house.screenshots)
        raw = picture(self.house.screenshots[number])
        self.assertTrue(all(near(raw[i:i + 3], GREEN) for i in range(0, len(raw), 3)))

    def test_a_picture_is_done_when_the_server_has_it(self):
        self.start()
        self.meet()
        begun, release = threading.Event(), threading.Event()

        def hold(_):
            begun.set()
            release.wait(PATIENCE_S)
        self.house.before_screenshot = hold
        number = self.house.order("screenshot")
        self.screen.wait(begun.is_set)
        self.answer("identify", seconds=1)  # whatever was answered before it is there, too
        self.assertNotIn(number, self.house.results)
        release.set()
        self.screen.wait(lambda: number in self.house.results)
        self.assertEqual(self.house.results[number]["state"], "done")
        self.assertIn(number, self.house.screenshots)

    def test_blank_is_all_it_can_do(self):
        self.start()
        self.meet()
        self.assertEqual(self.answer("blank", until_ms=0)["state"], "done")
        self.assertEqual(self.looks(), (0, 0, 0))
        self.assertEqual(self.answer("unblank")["state"], "done")
        self.judge()


class Garbage(AttackCase):
    """Answers of no good shape."""

    def test_metadata(self):
        loot = self.house.loot
        self.start()
        self.meet()
        for number, lie in enumerate((b"", b"\0" * 1000, b"{", b"[" * 100000, b'{"signed":' * 50000, b"x" * 20000000,
                                      b'{"signed":{},"signatures":{}}', b'{"signed":null}', "é".encode("utf-16"),
                                      loot.files["metadata/timestamp.json"][:-7])):
            with self.subTest(lie[:20]):
                loot.files["metadata/timestamp.json"] = lie
                before = self.house.fetched.count("metadata/timestamp.json")
                self.house.hint(10 ** 6 + number)
                self.screen.wait(lambda: self.house.fetched.count("metadata/timestamp.json") > before)
        self.judge()

    def test_signed_by_the_online_keys_and_still_garbage(self):
        loot = self.house.loot
        name = f"metadata/{loot.versions[f'u-{A}'] + 1}.u-{A}.json"
        self.start()
        self.meet()
        for lie in (b"[" * 100000, b"x" * 20000000, b"{}", b"null"):
            with self.subTest(lie[:20]):
                loot.files[name] = lie
                loot.issue(meta={f"u-{A}": loot.versions[f"u-{A}"] + 1})
                before = self.house.fetched.count(name)
                self.house.hint()
                self.screen.wait(lambda: self.house.fetched.count(name) > before)
        self.judge()

    def test_events_and_orders(self):
        deep = '{"a":' * 5000 + "1" + "}" * 5000
        self.start()
        self.meet()
        for data in (json.loads('{"n": 1e300, "kind": "blank"}'), {"n": -1, "kind": "blank"}, {"kind": "blank"},
                     {"n": 2 ** 62, "kind": "blank"}, [], "blank", None, {"n": 1, "kind": "x" * 300000}, {"text": deep}):
            with self.subTest(str(data)[:30]):
                self.screen.wait(lambda: self.house.streams)
                self.house.say("order", data)
        self.meet()
        self.judge()

    def test_answers_to_the_login(self):
        for lie in ((200, {}), (200, []), (500, {}), (302, {}), (200, {"token": "x" * 100000, "expires_s": 1, "now_ms": 0}),
                    (200, {"token": "a\r\nX: y", "expires_s": 3600, "now_ms": 1}),
                    (200, {"token": "", "expires_s": 2 ** 60, "now_ms": 2 ** 53})):
            with self.subTest(lie):
                asked = []
                self.house.session = lambda body, lie=lie, asked=asked: asked.append(body) or lie
                self.start()
                self.screen.wait(lambda: asked)
                self.assertLessEqual(self.screen.shown(), self.approved)
                self.screen.kill()
        del self.house.session
        self.start()
        self.judge()


class Streams(AttackCase):
    """Live streams: from where, and with which key, is signed, and so is whether the screen takes any. The installer allows
    private addresses here, so that nothing but that keeps the player from a broadcaster on this machine."""

    def setUp(self):
        super().setUp()
        key, self.pin = broadcast.make_key(self.directory, "dai")
        self.broadcaster = broadcast.Server(key)
        self.addCleanup(self.broadcaster.close)
        self.broadcaster.hls("/k/1.m3u8", broadcast.encode_segments(self.directory, "k", 60, "320x180"))
        self.streams = os.path.join(self.directory, "streams.json")
        with open(self.streams, "w") as file:
            json.dump({"private_addresses": True}, file)

    def start(self, *options):
        return super().start("--streams", self.streams, *options)

    def board(self, pin=None):
        """A stream, and the red picture as what there is without it."""
        red = self.document()
        stream = {"id": "kenh", "type": "stream", "url": self.broadcaster.url("/k/1.m3u8"), "pins": [pin or self.pin]}
        playlists = [{"name": "tv", "items": [stream]}, *red["playlists"]]
        return dict(red, playlists=playlists, zones=None, schedule=[{"zone": "chinh", "playlist": "tv"}],
                    fallback=[{"zone": "chinh", "playlist": red["playlists"][0]["name"]}])

    def forge_board(self, *keys, **more):
        document = {key: value for key, value in self.board(**more).items() if value is not None}
        self.house.loot.forge(f"u-{A}", {BOARD: document}, keys)

    def forge_screen(self, *keys, **more):
        loot, path = self.house.loot, f"s/{A}/{WORLD.screen}.json"
        document = dict(json.loads(loot.approved(path)), version=99, limits={"brightness_percent": 80, "live": True}, **more)
        loot.forge(f"s-{A}", {path: document}, keys)

    def test_what_is_signed_and_allowed_is_shown(self):
        """That the judge can see."""
        self.forge_board(self.key("an"), self.key("binh"))
        self.forge_screen(self.key("ky-thuat-a"))
        self.house.loot.issue()
        self.start()
        self.screen.wait_item("kenh")

    def test_a_stream_that_nobody_signed(self):
        self.forge_board(*self.house.loot.online.values())
        self.house.loot.issue()
        self.lie()
        self.assertEqual(self.broadcaster.connections, 0)

    def test_a_stream_where_the_screen_takes_none(self):
        """Signed by everybody of the commune; the technician has not allowed it."""
        self.forge_board(self.key("an"), self.key("binh"))
        self.house.loot.issue()
        self.start()
        self.screen.wait_item(WORLD.red)
        self.approved |= self.items(BOARD, 1)
        self.judge(RED)
        self.assertEqual(self.broadcaster.connections, 0)
        self.screen.wait(lambda: "streams-not-allowed" in self.troubles())

    def test_leave_to_stream_that_nobody_signed(self):
        self.forge_screen(*self.house.loot.online.values(), playlists=self.board()["playlists"][:1],
                          schedule=[{"zone": "chinh", "playlist": "tv", "priority": "emergency"}])
        self.house.loot.issue()
        self.lie()
        self.assertEqual(self.broadcaster.connections, 0)

    def test_another_key_at_the_address(self):
        """Whoever sits between player and broadcaster, or took its name."""
        other = broadcast.make_key(self.directory, "khac")[1]
        self.forge_board(self.key("an"), self.key("binh"), pin=other)
        self.forge_screen(self.key("ky-thuat-a"))
        self.house.loot.issue()
        self.start()
        self.screen.wait_item(WORLD.red)
        self.approved |= self.items(BOARD, 1)
        self.screen.wait(lambda: "stream-not-ready" in self.troubles())
        self.judge(RED)
        self.assertEqual(self.broadcaster.touched, [])

    def test_a_takedown_of_a_stream(self):
        self.forge_board(self.key("an"), self.key("binh"))
        self.forge_screen(self.key("ky-thuat-a"))
        self.house.loot.issue()
        self.start()
        self.screen.wait_item("kenh")
        self.meet()
        document = self.board()
        self.assertEqual(self.answer("takedown", id="t-x", assets=[], items=[
            {"publication": document["id"], "item": "kenh"}])["state"], "done")
        presents = len(self.screen.presents())
        self.screen.wait_item(WORLD.red)
        self.assertNotIn("kenh", {item for present in self.screen.presents()[presents:] for item, _ in present})

    def troubles(self):
        return {trouble["code"] for status in self.house.statuses[-1:] for trouble in status.get("troubles", [])}


class Approvers(AttackCase):
    """Too few of those who may sign, together with the hijacked server."""

    def forged_with(self, *keys, code="signature-refused"):
        self.house.loot.forge(f"u-{A}", {BOARD: self.document()}, keys)
        self.house.loot.issue()
        self.lie(code)

    def test_one_approver_of_two(self):
        self.forged_with(self.key("an"))

    def test_one_person_with_two_keys(self):
        self.forged_with(self.key("an"), self.key("an-2"))

    def test_two_browsers(self):
        self.forged_with(*WORLD.web.values())

    def test_one_signature_twice(self):
        self.forged_with(self.key("an"), self.key("an"), code="publication-refused")

    def test_one_approver_and_the_technician(self):
        self.forged_with(self.key("an"), self.key("ky-thuat-a"), self.key("truc-a"), *self.house.loot.online.values())

    def test_both_approvers_of_another_commune(self):
        self.forged_with(self.key("chi"), self.key("dung"))

    def test_an_approver_who_was_revoked(self):
        """Both could publish until the province took one of them out; from then on they cannot."""
        loot, gone = self.house.loot, self.key("binh").id
        delegations = loot.document("targets")["signed"]["delegations"]
        for role in delegations["roles"]:
            role["keyids"] = [keyid for keyid in role["keyids"] if keyid != gone]
        del delegations["keys"][gone]
        loot.forge("targets", {}, [self.key("tinh-1"), self.key("tinh-2")], delegations=delegations)
        self.forged_with(self.key("an"), self.key("binh"))

    def test_one_approver_of_the_province(self):
        loot = self.house.loot
        loot.forge("targets", {"p/xau.json": self.document(layer="province")}, [self.key("tinh-1")])
        loot.issue()
        self.lie()

    def test_a_technician_maps_another_units_publication(self):
        """Signed by who may sign this screen's layer, and still not shown: it carries what is not the unit's."""
        loot = self.house.loot
        path = f"s/{A}/{WORLD.screen}.json"
        document = dict(json.loads(loot.approved(path)), version=99, carries=[f"u/{A}/bang", f"u/{B}/bang"])
        loot.forge(f"s-{A}", {path: document}, [self.key("ky-thuat-a")])
        loot.issue()
        self.start()
        self.screen.wait(lambda: f"metadata/{loot.versions[f's-{A}']}.s-{A}.json" in self.house.fetched)
        self.judge()

    def test_a_technician_writes_content_into_the_layer(self):
        loot = self.house.loot
        path = f"u/{A}/bang.json"
        loot.forge(f"s-{A}", {path: self.document()}, [self.key("ky-thuat-a")])
        loot.issue()
        self.start()
        self.screen.wait(lambda: f"metadata/{loot.versions[f's-{A}']}.s-{A}.json" in self.house.fetched)
        self.judge()


class Network(AttackCase):
    def test_a_proxy_that_garbles_cuts_and_truncates(self):
        """Whatever byte is hit while an honest change comes: the old, then the new, nothing else."""
        loot = self.house.loot
        self.start()
        self.meet()
        loot.forge(f"u-{A}", {BOARD: self.document()}, [self.key("an"), self.key("binh")])
        loot.issue()
        self.approved |= self.items(BOARD, 1)
        self.addCleanup(WORLD.proxy.disarm)
        hints = itertools.count(10 ** 9)
        for fault, at in (("garble", 900), ("truncate", 600), ("cut", 300), ("garble", 100), ("garble", 0)):
            struck = WORLD.proxy.struck
            WORLD.proxy.arm(fault, at)
            self.screen.wait(lambda: self.house.hint(next(hints)) or WORLD.proxy.struck > struck, timeout=240)
        WORLD.proxy.disarm()
        # A length that was hit makes the player wait for bytes that nobody sends: 70 s, once for each.
        self.screen.wait_item(WORLD.red, timeout=240)
        self.judge(RED)

    def test_a_server_that_is_gone(self):
        """For so long that everything has expired, and over a power cut: what was approved plays on."""
        expiry = min(int(self.expires(role)) for role in ("root", "targets"))
        self.house.loot.issue()
        self.start()
        self.meet()
        self.house.says_ms = lambda: expiry - 60000
        self.screen.kill()
        self.screen.start()
        self.meet()
        self.screen.wait_said("clock-wrong: ")
        self.judge()
        self.screen.kill()
        WORLD.proxy.refusing = True
        self.addCleanup(setattr, WORLD.proxy, "refusing", False)
        WORLD.proxy.cut_all()
        self.screen.start()
        self.screen.wait(lambda: len(self.screen.presents()) >= 3)
        self.assertEqual(self.screen.shown(), self.approved)

    def expires(self, role):
        text = self.house.loot.document(role)["signed"]["expires"]
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000

    def test_a_player_listens_nowhere(self):
        self.start()
        self.meet()
        self.assertEqual(listening(self.screen.process.pid), [])
        self.assertTrue(listening(os.getpid()))  # that it would be seen


class AtTheServer(AttackCase):
    """Against the real server, through its own doors: who holds an account, a key, a player."""

    @classmethod
    def setUpClass(cls):
        data = os.path.join(WORLD.directory, "again")
        shutil.copytree(WORLD.data, data)
        cls.server, cls.url, _ = WORLD.start_server(data)
        cls.repository, cls.roots = data + "-kho", 1  # the folder of those who sign it, and their newest root
        shutil.copytree(WORLD.path("kho"), cls.repository)

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()

    def setUp(self):
        super().setUp()
        WORLD.proxy.target = int(self.url.rsplit(":", 1)[1])

    def call(self, method, path, body=None, token=None):
        """(status, answer)"""
        headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def administrator(self):
        return self.call("POST", "/v1/login", {"login": "an", "password": "mat khau du dai 2026", "bearer": True})[1]["token"]

    def nothing_new(self):
        """The player is there and obeys, and shows what it showed."""
        WORLD.bangtin("command", "identify", WORLD.screen, "1")
        WORLD.bangtin("command", "screenshot", WORLD.screen, "--to", os.path.join(self.directory, "shot.png"))
        self.assertLessEqual(self.screen.shown(), self.approved)

    def not_accepted(self, role, path, keys):
        """Metadata made elsewhere and brought by an administrator."""
        loot = Loot(WORLD.data)
        loot.forge(role, {path: self.document()}, keys)
        status, problem = self.call("POST", "/v1/repository/metadata", {
            "role": role, "document": loot.document(role), "files": {path: json.dumps(self.document(), ensure_ascii=False)}},
            self.administrator())
        self.assertIn(problem.get("type"), ("urn:bangtin:signature-refused", "urn:bangtin:metadata-refused"), problem)
        self.assertIn(status, (409, 422))

    def test_one_account_alone(self):
        """An administrator, who may do everything else, publishes nothing without the approvers' keys."""
        self.start()
        token = self.administrator()
        self.not_accepted(f"u-{A}", BOARD, self.house.loot.online.values())
        playlist = WORLD.json("playlist", "new", "Xấu", WORLD.red, "--unit", A)["id"]
        proposal = WORLD.json("propose", "bang", "--unit", A, "--playlist", playlist)["id"]
        key = self.key("an")
        for sig in ("00" * 64, key.private.sign(b"something else").hex()):
            status, problem = self.call("POST", f"/v1/proposals/{proposal}/signatures", {"keyid": key.id, "sig": sig}, token)
            self.assertGreaterEqual(status, 400, problem)
        for name in ("an", "an-2"):  # one person, both of whose keys are enrolled
            signed = self.call("GET", f"/v1/proposals/{proposal}/to-sign", token=token)[1]["metadata"]
            sig = self.key(name).private.sign(canonical(signed)).hex()
            self.call("POST", f"/v1/proposals/{proposal}/signatures", {"keyid": self.key(name).id, "sig": sig}, token)
        self.assertEqual(self.call("GET", f"/v1/proposals/{proposal}", token=token)[1]["state"], "open")
        self.nothing_new()
        self.call("POST", f"/v1/proposals/{proposal}/withdraw", {}, token)

    def test_the_keys_of_one_commune_at_another(self):
        self.start()
        self.not_accepted(f"u-{A}", BOARD, [self.key("chi"), self.key("dung")])
        self.not_accepted(f"u-{B}", f"u/{B}/bang.json", [self.key("an"), self.key("binh")])
        self.not_accepted(f"u-{B}", BOARD, [self.key("chi"), self.key("dung")])
        self.nothing_new()

    def pair_new(self, url, *options):
        """A new player and what it shows to whoever stands before it: (player, code, words)."""
        player = Screen(os.path.join(self.directory, "new"), url, *options)
        self.addCleanup(player.kill)
        player.wait_said("words '")
        shown = re.search(r"code '([^']+)', words '([^']+)'", player.said())
        return player, shown[1], shown[2]

    def log_in(self, player, key):
        status, answer = self.call("POST", "/v1/player/challenge", {"player": player})
        nonce = answer["nonce"] if status == 200 else "0"
        signature = key.private.sign(f"bangtin-session\n{nonce}\n{player}".encode()).hex()
        return self.call("POST", "/v1/player/session", {"player": player, "nonce": nonce, "signature": signature})

    def test_a_stolen_player(self):
        """Its key is its own: it is no other player, no person, and nothing once it is revoked."""
        player, code, words = self.pair_new(self.url)
        WORLD.bangtin("pair", code, "--screen", WORLD.gate, "--words", words)
        player.wait_said("Paired as")
        stolen = re.search(r"Paired as '([^']+)'", player.said())[1]
        token = self.administrator()
        players = {entry["screen"]: entry for entry in self.call("GET", "/v1/players", token=token)[1]["items"]
                   if entry["pairing"] == "active"}
        theirs = players[WORLD.screen]["id"]
        key = FileKey(os.path.join(player.data, "identity.json"))
        self.assertIn(self.log_in(theirs, key)[0], (401, 403))
        status, session = self.log_in(stolen, key)
        self.assertEqual(status, 200)
        takedown = {"unit": A, "assets": [asset_of("green")], "items": [], "reason": ""}
        proposal = {"role": f"u-{A}", "publications": [], "withdraw": [], "note": ""}
        for method, path, body in (
                ("GET", "/v1/users", None), ("GET", "/v1/players", None), ("GET", f"/v1/screens/{WORLD.screen}", None),
                ("POST", f"/v1/screens/{WORLD.screen}/orders", {"kind": "blank", "until_ms": 0}),
                ("POST", "/v1/takedowns", takedown), ("POST", "/v1/proposals", proposal),
                ("DELETE", f"/v1/players/{theirs}", None)):
            self.assertIn(self.call(method, path, body, session["token"])[0], (401, 403, 404), path)
        self.revoke(players[WORLD.gate], token)
        self.assertIn(self.call("GET", "/v1/player/orders?after=0", token=session["token"])[0], (401, 403))
        self.assertIn(self.log_in(stolen, key)[0], (401, 403, 404))

    def revoke(self, player, token):
        request = urllib.request.Request(f"{self.url}/v1/players/{player['id']}", method="DELETE", headers={
            "Authorization": "Bearer " + token, "If-Match": f'"{player.get("revision", 1)}"'})
        with urllib.request.urlopen(request, timeout=180) as answer:
            self.assertIn(answer.status, (200, 204))

    def test_a_forgotten_player_is_paired_again_by_the_key_that_is_signed(self):
        """Nobody stands before the screen, and the picture stays."""
        player, code, words = self.pair_new(self.url)
        signing = ("--yes", "--key", WORLD.key("ky-thuat-a"))
        WORLD.bangtin("pair", code, "--screen", WORLD.gate, "--words", words, *signing)
        player.wait_item(WORLD.red)
        token = self.administrator()
        self.revoke(next(entry for entry in self.call("GET", "/v1/players", token=token)[1]["items"]
                         if entry["screen"] == WORLD.gate and entry["pairing"] == "active"), token)
        player.wait_said("not-paired: ")
        player.wait_said("Waiting to be paired: ", 2)
        WORLD.bangtin("pair", "--again", "--screen", WORLD.gate)
        player.wait_said("Paired as", 2)
        WORLD.bangtin("command", "identify", WORLD.gate, "1")
        player.wait_said("not-paired: over")
        self.assertEqual({asset for _, asset in player.shown()}, {asset_of("red")})

    def new_card(self, *options):
        """What a technician makes for the gate's new player: (folder, settings, secret)."""
        folder = os.path.join(self.directory, "card")
        said = WORLD.bangtin("card", "new", WORLD.gate, "--out", folder, *options)
        with open(os.path.join(folder, "card.env"), encoding="utf-8") as file:
            settings = dict(line.strip().split("=", 1) for line in file)
        with open(os.path.join(folder, "enrolment"), encoding="utf-8") as file:
            secret = file.read().strip()
        self.assertNotIn(secret, said)
        self.assertEqual(os.stat(os.path.join(folder, "enrolment")).st_mode & 0o777, 0o600)
        return folder, settings, secret

    def plug_in(self, name, folder, *options, files=("identity.json", "enrolment")):
        data = os.path.join(self.directory, name)
        os.mkdir(data)
        for file in files:
            shutil.copy(os.path.join(folder, file), data)
        player = Screen(data, self.url, *options)
        self.addCleanup(player.kill)
        return player

    def test_a_card_pairs_its_player_once(self):
        """Nobody stands before the screen; what is shown is what the technician signed for the card's key."""
        folder, settings, secret = self.new_card()
        root = ("--root-sha256", settings["root_sha256"])
        thief = self.plug_in("thief", folder, *root, files=("enrolment",))
        thief.wait_said("refuses this player's enrolment")
        thief.wait_said("Waiting to be paired: ")
        player = self.plug_in("real", folder, *root)
        player.wait_said("Paired as")
        self.assertNotIn("Waiting to be paired", player.said())
        player.wait(lambda: not os.path.exists(os.path.join(player.data, "enrolment")))
        self.assertEqual(player.shown(), set())
        key = FileKey(os.path.join(folder, "identity.json")).object["keyval"]["public"]
        WORLD.bangtin("screen", "sign", WORLD.gate, "--player", key, "--yes", "--key", WORLD.key("ky-thuat-a"))
        player.wait_item(WORLD.red)
        self.assertLessEqual(thief.shown(), set())
        for said in (player.said(), thief.said(), WORLD.bangtin("card", "list"), *map(str, player.command)):
            self.assertNotIn(secret, said)

    def test_a_card_of_before_a_new_root(self):
        """It pairs with the root it was made for, walks on to the newest, and takes nothing of it from another one."""
        folder, settings, _ = self.new_card("--yes", "--key", WORLD.key("ky-thuat-a"))
        self.renew_root()
        wrong = self.plug_in("wrong", folder, "--root-sha256", "ab" * 32)
        wrong.wait_said("The server answers 409 to 'v1/pairings'")
        wrong.kill()
        self.assertTrue(os.path.exists(os.path.join(wrong.data, "enrolment")))
        player = self.plug_in("real", folder, "--root-sha256", settings["root_sha256"])
        player.wait_item(WORLD.red)
        self.assertNotIn("Waiting to be paired", player.said())

    def renew_root(self):
        """The text of the root that follows."""
        WORLD.bangtin("repository", "renew", "root", "--repository", self.repository, "--key", WORLD.key("goc"))
        type(self).roots += 1
        with urllib.request.urlopen(f"{self.url}/tuf/metadata/{self.roots}.root.json", timeout=180) as answer:
            return answer.read().decode()

    def plug_in_late(self, url):
        """(the player of a card of before two new roots, whose secret is gone; code, words, the newest root)"""
        folder, settings, _ = self.new_card()
        self.renew_root()
        newest = self.renew_root()
        self.url, ours = url, self.url
        player = self.plug_in("late", folder, "--root-sha256", settings["root_sha256"], files=("identity.json",))
        self.url = ours
        player.wait_said("words '")
        return (player, *re.search(r"code '([^']+)', words '([^']+)'", player.said()).groups(), newest)

    def test_a_card_of_before_a_new_root_whose_secret_is_gone(self):
        """People pair it as any other, with the words of the newest root, and that is what it pins."""
        player, code, words, newest = self.plug_in_late(self.url)
        self.not_paired(code, "sen sen sen sen", player)
        WORLD.bangtin("pair", code, "--screen", WORLD.gate, "--words", words, "--yes", "--key", WORLD.key("ky-thuat-a"))
        player.wait_said("Paired as")
        with open(os.path.join(player.data, "metadata", "root.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), newest)
        player.wait_item(WORLD.red)

    def test_a_relay_that_keeps_new_roots_from_a_card_of_before(self):
        """It hides from the server that they are wanted, or from the player that there are some, or the last of them."""
        def last(answer):
            answer["newer"].pop()
        for hide, from_ in ((lambda body: body.pop("newer"), "server"), (lambda answer: answer.pop("newer"), "player"), (last, "player")):
            with self.subTest(from_):
                def pair(body, hide=hide, from_=from_):
                    if from_ == "server":
                        hide(body)
                    status, answer = self.call("POST", "/v1/pairings", body)
                    if from_ == "player":
                        hide(answer)
                    return status, answer
                self.house.pair = pair
                player, code, words, _ = self.plug_in_late(self.house.url)
                self.not_paired(code, words, player)
                player.kill()
                shutil.rmtree(player.data)
                shutil.rmtree(os.path.join(self.directory, "card"))

    def test_a_lost_card(self):
        """Withdrawn: whoever finds it stands before a code that nobody claims."""
        folder, settings, _ = self.new_card()
        waiting = [entry for entry in WORLD.json("card", "list") if entry["state"] == "waiting"]
        self.assertEqual([entry["screen"] for entry in waiting], [WORLD.gate])
        WORLD.bangtin("card", "withdraw", waiting[0]["id"])
        player = self.plug_in("found", folder, "--root-sha256", settings["root_sha256"])
        player.wait_said("refuses this player's enrolment")
        player.wait_said("Waiting to be paired: ")
        self.assertNotIn("Paired as", player.said())

    def test_a_card_that_names_no_root(self):
        """Then somebody has to compare the words: the secret stays where it is."""
        folder, _, _ = self.new_card()
        player = self.plug_in("rootless", folder)
        player.wait_said("Waiting to be paired: ")
        self.assertTrue(os.path.exists(os.path.join(player.data, "enrolment")))

    def not_paired(self, code, words, player):
        said = WORLD.bangtin("pair", code, "--screen", WORLD.gate, "--words", words, fails=True)
        self.assertIn("Not paired", said)
        self.assertNotIn("Paired as", player.said())
        self.assertEqual(player.shown(), set())

    def test_a_relay_with_a_key_of_its_own(self):
        """It stands between a new player and the server, and would be paired in its place; the words differ."""
        thief = Key("thief")
        public = thief.object["keyval"]["public"]

        def pair(body):
            signature = thief.private.sign(f"bangtin-pairing\n{public}".encode()).hex()
            return self.call("POST", "/v1/pairings", dict(body, public_key=public, signature=signature))
        self.house.pair = pair
        player, code, words = self.pair_new(self.house.url)
        self.not_paired(code, words, player)

    def test_a_relay_with_a_root_of_its_own(self):
        def pair(body):
            status, answer = self.call("POST", "/v1/pairings", body)
            root = self.other_root()
            return status, dict(answer, root=root, root_sha256=sha256(root.encode()))
        self.house.pair = pair
        player, code, words = self.pair_new(self.house.url)
        self.not_paired(code, words, player)

    def other_root(self):
        return json.dumps(Key("thief").sign(self.house.loot.document("root")["signed"]))


class Pairing(AttackCase):
    """A hijacked server and a player that is new, which knows only what it was told when it was prepared."""

    def meets(self, pair, says, *options):
        asked = []
        self.house.pair = lambda body: asked.append(body) or pair
        self.house.claim()
        self.screen = Screen(os.path.join(self.directory, "new"), self.house.url, *options)
        self.addCleanup(self.screen.kill)
        self.screen.wait_said(says)
        self.assertTrue(asked)
        self.assertNotIn("Paired as", self.screen.said())
        self.assertEqual(self.screen.shown(), set())

    def answer_with(self, root, code="K7WQ-2MXB"):
        return 200, {"pairing": "i-1", "code": code, "expires_s": 600, "poll_s": 1, "root": root,
                     "root_sha256": sha256(root.encode())}

    def test_another_root_than_the_one_it_was_prepared_for(self):
        loot = self.house.loot
        other = json.dumps(Key("thief").sign(loot.document("root")["signed"]))
        self.meets(self.answer_with(other), "The server's root is not the one", "--root-sha256", sha256(loot.root.encode()))

    def test_another_root_than_that_on_its_card(self):
        loot = self.house.loot
        other = json.dumps(Key("thief").sign(loot.document("root")["signed"]))
        options, _ = self.card()
        self.meets(self.answer_with(other), "The server's root is not the one", *options)

    def test_a_newer_root_that_the_one_it_was_told_does_not_vouch_for(self):
        loot, thief, goc = self.house.loot, Key("goc"), FileKey(WORLD.key("goc"))

        def root(version, keys, holder=None):
            signed = dict(loot.document("root")["signed"], version=version)
            if holder:
                signed["keys"] = {**signed["keys"], holder.id: holder.object}
                signed["roles"] = {role: {"keyids": [holder.id], "threshold": 1} for role in signed["roles"]}
            return json.dumps(signatures(signed, keys))
        # Whatever else is no root that follows: trust/tuf_root_test.c.
        for newer in ([root(2, [thief], thief)], [root(2, [goc]), root(3, [thief], thief)], [root(3, [goc])], [7]):
            status, answer = self.answer_with(loot.root)
            self.meets((status, dict(answer, newer=newer)), "A root after the one that was told", "--root-sha256", answer["root_sha256"])
            self.assertNotIn("Waiting to be paired", self.screen.said())
            self.screen.kill()
            shutil.rmtree(self.screen.data)
        self.screen = None

    def card(self):
        """(the options of a player that came by a card, the place of its secret)"""
        os.mkdir(os.path.join(self.directory, "new"))
        secret = os.path.join(self.directory, "new", "enrolment")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("ab" * 32 + "\n")
        return ("--root-sha256", sha256(self.house.loot.root.encode())), secret

    def test_a_refusal_from_elsewhere_takes_no_card(self):
        """A proxy on the way refuses whatever it does not know."""
        options, secret = self.card()
        for answer in ({}, {"type": "urn:bangtin:forbidden"}, {"type": 7}, []):
            self.meets((403, answer), "The server answers 403 to 'v1/pairings'", *options)
            self.screen.kill()
            os.remove(self.screen.log)
            self.assertTrue(os.path.exists(secret), answer)
        self.meets((403, {"type": "urn:bangtin:token-refused"}), "refuses this player's enrolment", *options)
        self.screen.wait(lambda: not os.path.exists(secret))

    def test_a_server_that_knows_no_cards(self):
        """It answers as to any new player, and that shows the code for people."""
        options, _ = self.card()
        self.house.claimed = {"state": "waiting"}
        self.house.claim = lambda: None
        self.meets(self.answer_with(self.house.loot.root), "Waiting to be paired: code 'K7WQ-2MXB'", *options)

    def test_words_in_the_place_of_the_code(self):
        for code in ("BANG XAU", "XẤU-XẤU", "K7WQ2MXB-", "k7wq-2mxb", "K7WQ-2MXB\n"):
            with self.subTest(code):
                self.meets(self.answer_with(self.house.loot.root, code), "'code'")
                self.screen.kill()
                shutil.rmtree(self.screen.data)
        self.screen = None


class Binding(AttackCase):
    """Which screen a player is of, the server says; that it may show that screen, a technician signs."""

    def name(self, unit, screen):
        """What the server tells the player that pairs."""
        self.house.claimed = {"state": "claimed", "player": "d-BBBBBBBBBB", "unit": unit, "screen": screen, "server": None}

    def begin_new(self, unit, screen):
        self.name(unit, screen)
        self.screen = Screen(os.path.join(self.directory, "new" + unit), self.house.url)
        self.addCleanup(self.screen.kill)
        self.screen.wait_said("Paired as")
        self.screen.wait_said("not-bound: ")
        self.meet()

    def asked(self):
        """How often the player asked for what there is."""
        return len([path for path in self.house.fetched if path.endswith("timestamp.json")])

    def nothing_shown(self):
        self.ping()
        self.assertEqual(self.screen.shown(), set())

    def forget(self):
        """The server does not know the player any more until it has paired again."""
        asked = self.house.pair
        known = []
        self.house.session = lambda body: Hijacked.session(self.house, body) if known else (401, {})

        def pair(body):
            known.append(body)
            return asked(body)
        self.house.pair = pair

    def test_a_new_player_named_as_that_of_another_units_screen(self):
        """Its document is signed and valid, and names no player."""
        self.begin_new(B, WORLD.other)
        self.nothing_shown()

    def test_a_new_player_named_as_that_of_a_screen_that_has_one(self):
        self.begin_new(A, WORLD.screen)
        self.nothing_shown()

    def test_a_document_that_names_it_signed_with_online_keys(self):
        self.begin_new(A, WORLD.screen)
        key = FileKey(os.path.join(self.screen.data, "identity.json")).object["keyval"]["public"]
        loot, path = self.house.loot, f"s/{A}/{WORLD.screen}.json"
        document = dict(json.loads(loot.approved(path)), version=99, players=[key])
        loot.forge(f"s-{A}", {path: document}, loot.online.values())
        loot.issue()
        self.house.hint(10 ** 9)
        self.refused()
        self.nothing_shown()

    def test_a_true_warning_to_a_player_of_no_screen(self):
        """Signed for that very unit; whether the player is of it, nobody has signed."""
        self.begin_new(B, WORLD.other)
        body = self.house.loot.approved(TEMPLATE_B + ".json")
        number = self.house.order("emergency", activation=activation(self.key("truc-b"), TEMPLATE_B, body, B))
        asked = self.asked()
        self.house.hint(10 ** 9)
        self.screen.wait(lambda: self.asked() > asked)
        self.nothing_shown()
        self.assertNotIn(number, self.house.results)

    def test_a_player_that_is_told_to_pair_again_and_then_that_it_is_another_ones(self):
        """It shows what it was approved to show, and nothing of the other screen; nor any code over it."""
        self.forget()
        self.name(B, WORLD.other)
        self.start()
        self.screen.wait_said("not-paired: ")
        self.screen.wait_said("Paired as 'd-BBBBBBBBBB'")
        self.screen.wait_said("not-bound: ")
        self.judge()

    def test_a_player_that_is_told_to_pair_again_under_another_root(self):
        loot, thief = self.house.loot, Key("goc")
        signed = loot.document("root")["signed"]
        signed["keys"][thief.id] = thief.object
        for role in signed["roles"].values():
            role["keyids"], role["threshold"] = [thief.id], 1
        root = json.dumps(signatures(signed, [thief]))
        self.house.pair = lambda body: (200, {"pairing": "i-1", "code": "K7WQ-2MXB", "expires_s": 600, "poll_s": 1, "root": root,
                                              "root_sha256": sha256(root.encode())})
        self.forget()
        self.name(A, WORLD.screen)
        loot.forge("targets", {}, [thief])
        loot.forge(f"u-{A}", {BOARD: self.document()}, [thief])
        loot.issue()
        self.start()
        self.screen.wait_said("Paired as 'd-BBBBBBBBBB'")
        self.refused()
        self.judge()

    def test_a_player_that_pairs_again_is_walked_to_no_newer_root(self):
        """Not even to one that its own root vouches for: it follows what its repository has, as ever."""
        asked, loot = [], self.house.loot
        signed = dict(loot.document("root")["signed"], version=2)
        newer = json.dumps(signatures(signed, [FileKey(WORLD.key("goc"))]))

        def pair(body):
            asked.append(body)
            return 200, {"pairing": "i-1", "code": "K7WQ-2MXB", "expires_s": 600, "poll_s": 1, "root": loot.root,
                         "root_sha256": sha256(loot.root.encode()), "newer": [newer]}
        self.house.pair = pair
        self.forget()
        self.name(A, WORLD.screen)
        self.start("--root-sha256", sha256(loot.root.encode()))
        self.screen.wait_said("Paired as 'd-BBBBBBBBBB'")
        self.assertNotIn("newer", asked[0])
        with open(os.path.join(self.data, "metadata", "root.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), loot.root)
        self.judge()

    def test_a_player_that_was_forgotten_pairs_again_and_plays_on(self):
        self.forget()
        self.name(A, WORLD.screen)
        self.start()
        self.screen.wait_said("Paired as 'd-BBBBBBBBBB'")
        self.judge()
        self.assertEqual(self.answer("blank", until_ms=0)["state"], "done")


class Table(unittest.TestCase):
    def test_docs_name_every_attack_and_no_other(self):
        with open(os.path.join(os.environ.get("BT_SOURCE_ROOT", "."), "docs", "trust.md"), encoding="utf-8") as file:
            table = file.read().partition("## Attackers")[2].partition("\n## ")[0]
        tests = {(case.__name__, name) for case in AttackCase.__subclasses__() for name in dir(case) if name.startswith("test_")}
        named, of = set(), None
        for case, cut, name in re.findall(r"`(?:(\w+)\.|(…))(\w+)`", table):
            of = case or of
            found = {test for test in tests if test[0] == of and (test[1].endswith(name) if cut else test[1] == name)}
            self.assertTrue(found, (of, name))
            named |= found
        self.assertEqual(tests - named, set())


if __name__ == "__main__":
    for program in (SERVER, BANGTIN, PLAYER):
        if not os.path.exists(program):
            print(f"{program} is not built")
            sys.exit(77)
    for tool in ("ffmpeg", "ss"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed")
            sys.exit(77)
    parts.main()
