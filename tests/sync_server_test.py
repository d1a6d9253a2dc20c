#!/usr/bin/env python3
"""The player's side of the wire against the real server: from the code on the screen to a campaign, a
takedown and an emergency, with the times it took."""

import hashlib
import json
import os
import sys
import tempfile
import time

import server_publications_test as publications
from server_harness import main
from steady import own_port
from wire_house import PLAYER_HEX, Driver, wait_until

SHOWN = "u/31333/quang-truong"


def now_ms():
    return int(time.time() * 1000)


class Player(publications.PublicationCase):
    """A commune's screen with a paired player, and content on it."""

    def setUp(self):
        self.port = own_port(self)  # of one server after the other
        super().setUp()
        self.found()
        self.screen = self.admin.post("/v1/screens", {"unit": "31333", "name": "Cổng chào", "kind": "gate", "width": 320,
                                                      "height": 180}).json["id"]
        self.folder = tempfile.mkdtemp(prefix="bt-player-")
        self.map_screen()
        self.publish(self.draft(publications.recipe("Một", canvas=None, zones=None)))
        self.driver = self.start_player(self.server.origin)
        self.addCleanup(lambda: self.driver.log.closed or self.driver.kill())
        self.pair()

    def start(self, *options, **more):
        return super().start(*options, listen=f"127.0.0.1:{self.port}", **more)

    def draft(self, content=None, **more):
        content = {key: value for key, value in (content or publications.recipe()).items() if value is not None}
        if "fields" not in content:
            content.setdefault("schedule", [{"zone": "chinh", "playlist": "chung"}])
        return super().draft(content, **more)

    def start_player(self, server=None):
        pin = {"pin": self.server.pin} if server and self.server.pin else {}
        return Driver(self.folder, server, retry_s=1, poll_s=1, **pin)

    def map_screen(self):
        text = json.dumps({"format": 1, "id": "man-hinh", "version": 1, "layer": "screen", "carries": [SHOWN],
                           "players": [PLAYER_HEX], "canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh"}]})
        path = f"s/31333/{self.screen}.json"
        signed = {"_type": "targets", "spec_version": "1.0.31", "version": 1, "expires": publications.LATER,
                  "targets": {path: publications.listed(text)}}
        answer = self.submit("s-31333", publications.envelope(signed, self.technician), files={path: text})
        self.assertEqual(answer.status, 201, answer)

    def pair(self):
        shown = self.driver.wait(lambda news: news["news"] == "pairing")
        asked = self.admin.get(f"/v1/pairings/{shown['code']}").json
        self.assertEqual(asked["words"], shown["words"])
        answer = self.admin.post(f"/v1/pairings/{shown['code']}/claim", {"screen": self.screen, "words": shown["words"]})
        self.assertLess(answer.status, 300, answer)
        self.driver.wait_content(1, SHOWN)

    def outcome(self, path):
        entry, = self.admin.get(path).json["screens"]
        return entry["state"]

    def status(self):
        answer = self.admin.get(f"/v1/screens/{self.screen}/status", check=False)
        return answer.json if answer.status == 200 else {}


class OnTheScreen(Player):
    def test_what_two_approvers_signed_is_there_in_a_moment(self):
        began = now_ms()
        self.publish(self.draft(publications.recipe("Hai", canvas=None, zones=None)))
        signed = now_ms()
        news = self.driver.wait_content(2, SHOWN)
        self.assertEqual((news["missing"], news["screen"]), (0, self.screen))
        self.assertFalse(news["demo"])  # two people signed it
        print(f"proposed, signed twice: {signed - began} ms; content: {news['wall_ms'] - signed} ms", file=sys.stderr)
        wait_until(lambda: "quang-truong" in json.dumps(self.status()))

    def test_a_takedown_is_obeyed_and_confirmed(self):
        began = now_ms()
        answer = self.admin.post("/v1/takedowns", {"unit": "31333", "items": [{"publication": "u.31333.quang-truong",
                                                                                "item": "chao"}], "reason": "Sai"})
        self.assertEqual(answer.status, 201, answer)
        news = self.driver.wait(lambda n: n["news"] == "order")
        self.assertEqual(news["items"], ["u.31333.quang-truong/chao"])
        print(f"takedown: {news['wall_ms'] - began} ms", file=sys.stderr)
        takedown = answer.json["id"]
        wait_until(lambda: self.outcome(f"/v1/takedowns/{takedown}") == "done")
        self.driver.kill()
        self.driver = self.start_player()
        self.assertEqual(self.driver.wait_content(1, SHOWN)["items"], ["u.31333.quang-truong/chao"])
        lifting = publications.recipe("Hai", canvas=None, zones=None, lifts=[takedown])
        self.publish(self.draft(lifting))
        self.assertEqual(self.driver.wait_content(2, SHOWN)["items"], [])

    def test_an_emergency_is_shown_and_ended(self):
        template = publications.recipe("Bão {ten}", fields=[{"name": "ten", "type": "text"}], canvas=None, zones=None,
                                       schedule=[{"zone": "chinh", "playlist": "chung"}])
        self.publish(self.draft(template, name="bao", layer="template"))
        text = self.fetch("u/31333/template-bao.json")
        signed = {"_type": "emergency", "format": 1, "id": "e-7K3QZ5", "template": "u/31333/template-bao",
                  "template_sha256": hashlib.sha256(text.encode()).hexdigest(), "scope": ["31333"], "screens": [], "level": 3,
                  "from_ms": now_ms(), "until_ms": now_ms() + 3600000, "fields": {"ten": "số 9"}}
        began = now_ms()
        answer = self.admin.post("/v1/emergencies", {"activation": publications.envelope(signed, self.duty)})
        self.assertEqual(answer.status, 201, answer)
        news = self.driver.wait(lambda n: n["news"] == "content" and "số 9" in json.dumps(n, ensure_ascii=False))
        print(f"emergency: {news['wall_ms'] - began} ms", file=sys.stderr)
        after, began = len(self.driver.news), now_ms()
        self.assertEqual(self.admin.post("/v1/emergencies/e-7K3QZ5/end").status, 200)
        news = self.driver.wait(lambda n: n["news"] == "content" and "số 9" not in json.dumps(n, ensure_ascii=False),
                                after=after)
        print(f"its end: {news['wall_ms'] - began} ms", file=sys.stderr)

    def test_orders_are_answered(self):
        for kind, more in (("screenshot", {}), ("identify", {"seconds": 5}), ("blank", {"until_ms": 0}), ("unblank", {}),
                           ("volume", {"percent": 30})):
            answer = self.admin.post(f"/v1/screens/{self.screen}/orders", dict(more, kind=kind), check=False)
            self.assertLess(answer.status, 300, answer)
            self.driver.wait(lambda n, kind=kind: n["news"] == "order" and n["order"] == kind)
        wait_until(lambda: all(o["state"] == "done" for o in self.admin.get(f"/v1/screens/{self.screen}/orders").json["items"]))
        self.assertTrue(self.admin.get(f"/v1/screens/{self.screen}/screenshot", check=False).body.startswith(b"\x89PNG"))

    def test_the_server_goes_and_comes_back(self):
        self.server.stop()
        self.driver.kill()
        self.driver = self.start_player()
        self.driver.wait_content(1, SHOWN)
        self._server = self.start()
        self.admin = self.client().login("quan-tri")
        self.publish(self.draft(publications.recipe("Hai", canvas=None, zones=None)))
        self.driver.wait_content(2, SHOWN)


class OverTls(Player):
    options = ("--tls",)
    engines = ["sqlite"]

    def test_only_the_pinned_key_is_talked_to(self):
        self.assertTrue(self.server.origin.startswith("https://"))
        self.publish(self.draft(publications.recipe("Hai", canvas=None, zones=None)))
        self.driver.wait_content(2, SHOWN)
        self.driver.kill()
        before = len(self.log(self.folder))
        self.driver = self.start_player()  # knows address and pin from its own disk
        wait_until(lambda: "Connected" in self.log(self.folder)[before:])
        folder = tempfile.mkdtemp(prefix="bt-player-")
        stranger = Driver(folder, self.server.origin, retry_s=1, pin="sha256//" + "A" * 43 + "=")
        wait_until(lambda: "captive-portal" in self.log(folder))
        self.assertEqual(stranger.news, [])
        stranger.kill()

    @staticmethod
    def log(folder):
        with open(os.path.join(folder, "log"), encoding="utf-8") as file:
            return file.read()


if __name__ == "__main__":
    main()
