#!/usr/bin/python3
"""Several servers on one PostgreSQL: what happens on one reaches streams on another, uploads are looked into by a
worker, and behind nginx nobody notices that a server was killed."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet_test import FleetCase  # noqa: E402
from server_harness import PASSWORD, POSTGRES, Client, PostgreSQL, ServerCase, load_tests, main  # noqa: E402, F401
from server_media_test import begin, picture, send, upload  # noqa: E402
from several_house import NGINX, Nginx, Several  # noqa: E402
from workshop_hatch import END, GOOD, REPORT, Hatch, parcel, says  # noqa: E402

del FleetCase.prepared  # the first administrator comes through each test's own door
LONG = os.environ.get("BT_LONG") == "1"


class SeveralCase(FleetCase):
    engines = ["postgresql"]
    roles = ((), ())

    def setUp(self):
        self.house = None
        super().setUp()

    def start(self, *options, **more):
        """All of them; the first is the one that tests speak to. One of those with a door for people has the link."""
        self.house = Several(self.directory, self.database)
        self.addCleanup(lambda: self.house.stop())
        for number, role in enumerate(self.roles):
            self.house.start(number, *role)
        return self.house.servers[0]

    def on(self, number):
        """The administrator at another server."""
        client = Client(self.house.servers[number])
        client.headers = dict(self.admin.headers)
        return client

    def administrator(self):
        client = super().administrator()
        client.headers.pop("Origin", None)  # no browser: the socket has none
        return client

    def channel(self, screen):
        return self.admin.get(f"/v1/screens/{screen}").json["player"]["channel"]

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 180
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)


class AcrossTest(SeveralCase):
    def listening_player(self, number):
        screen = self.add_screen()
        player = self.pair(screen)
        away = Client(self.house.servers[number])
        away.headers = dict(player.client.headers)
        stream = away.stream("/v1/player/stream")
        self.addCleanup(stream.close)
        ping = json.loads(stream.next("ping")["data"])["ping"]
        return screen, player, stream, ping

    def test_what_happens_on_one_reaches_the_stream_on_another(self):
        screen, player, stream, ping = self.listening_player(1)
        watch = self.on(1).stream("/v1/events")
        # A pong that came to the server without the stream counts.
        answer = player.client.post("/v1/player/pong", {"ping": ping})
        self.assertEqual(answer.status, 204)
        self.assertEqual(json.loads(watch.next("player")["data"])["state"], "obeys")
        self.wait_until(lambda: self.house.servers[1].metric("bangtin_players_obeying") == 1, "it does not obey")
        self.order(screen, "identify", seconds=5)
        self.assertEqual(json.loads(stream.next("order")["data"])["kind"], "identify")
        # News of one are heard on the other.
        player.done(1)
        self.assertEqual(json.loads(watch.next("order")["data"])["state"], "done")
        watch.close()
        # Who is ended on one has no stream on the other.
        answer = self.admin.delete(f"/v1/players/{player.id}")
        self.assertEqual(answer.status, 204, answer)
        while (event := stream.next()) is not None:
            self.assertNotEqual(event.get("event"), "order")
        self.assertGreater(self.house.servers[1].metric("bangtin_hints_heard_total"), 1)

    def test_an_upload_goes_on_at_another_server(self):
        content = picture(200, 100)
        place = begin(self.admin, len(content)).headers["Location"]
        self.assertEqual(send(self.admin, place, content, 0, 100).status, 204)
        other = self.on(1)
        self.assertEqual(other.get(place).json["offset"], 100)
        self.assertEqual(send(other, place, content, 100).status, 204)
        self.wait_until(lambda: self.admin.get(place).json["state"] == "ready", "nobody looks at it")
        media = self.admin.get("/v1/media").json["items"]
        self.assertEqual(len(media), 1)
        for number in (0, 1):
            self.assertEqual(self.on(number).get(f"/blobs/{hashlib.sha256(content).hexdigest()}").body, content)

    def test_one_answer_to_a_key_whichever_server_is_asked(self):
        unit = {"code": "31400", "parent": "vn", "kind": "commune", "name": "Xã Thử"}
        first = self.admin.post("/v1/units", unit, Idempotency_Key="mot-lan")
        again = self.on(1).post("/v1/units", unit, Idempotency_Key="mot-lan")
        self.assertEqual((first.status, again.status, again.body), (201, 201, first.body))


class FirstLinkTest(SeveralCase):
    def setUp(self):
        ServerCase.setUp(self)
        self.house = Several(self.directory, self.database)
        self.addCleanup(lambda: self.house.stop())

    def test_one_link_counts_and_the_others_say_where_it_is(self):
        servers = [self.house.start(number) for number in range(3)]
        self.assertEqual([server.first_secret is None for server in servers], [False, True, True])
        for server in servers[1:]:
            self.assertIn("The link for the first administrator stands in the log", "".join(server.lines))
        # Who begins again makes a new one, whatever the others say.
        old = servers[0].first_secret
        self.house.kill(0)
        again = self.house.start(0)
        self.assertIsNotNone(again.first_secret)
        self.assertNotEqual(again.first_secret, old)
        # When that one has ended, the next makes one, and it is good at any door.
        self.house.servers.pop(0).stop()
        self.house.servers.pop(1).stop()
        last = self.house.start(1).first_secret
        for secret, status in ((old, 403), (again.first_secret, 403), (last, 201)):
            answer = Client(servers[2]).post("/v1/first-administrator", {
                "secret": secret, "login": "quan-tri", "name": "Nguyễn Thị Quản Trị", "password": PASSWORD})
            self.assertEqual(answer.status, status, answer)
        self.assertIsNone(self.house.start(3).first_secret)


class LeaseTest(SeveralCase):
    """Whoever looks into an upload keeps its lease; whoever has lost it publishes nothing."""

    roles = ((),)

    def setUp(self):
        self.go_on = threading.Event()
        self.hatch = Hatch(self.refuse_when_told)
        self.addCleanup(self.hatch.close)
        self.addCleanup(self.go_on.set)
        self.roles = (self.hatch.option,)
        super().setUp()

    def refuse_when_told(self, hatch, connection):
        self.go_on.wait(180)
        says(parcel(REPORT, GOOD.replace(b"plays", b"refused:late")), parcel(END))(hatch, connection)

    def test_what_a_server_found_counts_only_while_it_has_the_lease(self):
        content = picture(200, 100)
        place = begin(self.admin, len(content)).headers["Location"]
        self.assertEqual(send(self.admin, place, content).status, 204)
        self.wait_until(lambda: self.hatch.jobs == 1, "nobody looks at it")
        # It stood still for so long that another one has taken it up.
        self.sql("UPDATE care_lease SET holder = 'b', until_ms = until_ms + 3600000 WHERE name LIKE 'inspect/%'")
        self.hatch.worker = "serve"
        self.go_on.set()
        self.wait_until(lambda: "left to another server" in self.house.servers[0].said(), "it does not notice")
        self.assertEqual(self.admin.get(place).json["state"], "inspecting")
        self.assertEqual(os.listdir(os.path.join(self.directory, "shared", "workshop")), [])
        # And that one has died.
        self.sql("DELETE FROM care_lease WHERE name LIKE 'inspect/%'")
        self.wait_until(lambda: self.admin.get(place).json["state"] == "ready", "nobody takes it up")


class RolesTest(SeveralCase):
    roles = (("--role", "web"), ("--role", "worker"), ("--role", "worker"))

    def test_a_worker_looks_into_what_the_web_was_given(self):
        state = upload(self.admin, picture())
        self.assertEqual(state["state"], "ready")
        self.assertEqual(len(self.admin.get("/v1/media").json["items"]), 1)
        worker = Client(self.house.servers[1])
        self.assertEqual(worker.get("/healthz", check=False).status, 200)
        self.assertEqual(worker.get("/v1/units", check=False).status, 404)
        # One of the two does the chores, and the web does none.
        self.wait_until(lambda: sorted(self.house.servers[n].metric("bangtin_chores") for n in (1, 2)) == [0, 1],
                        "nobody does the chores")
        self.assertIsNone(self.house.servers[0].metric("bangtin_chores"))

    @unittest.skipUnless(LONG, "BT_LONG=1: a lease runs out")
    def test_the_chores_of_a_killed_worker_are_done_by_another(self):
        self.wait_until(lambda: 1 in [self.house.servers[n].metric("bangtin_chores") for n in (1, 2)], "nobody")
        chores = {n: self.house.servers[n].metric("bangtin_chores") for n in (1, 2)}
        busy = next(n for n in chores if chores[n] == 1)
        self.house.kill(busy)
        deadline = time.monotonic() + 400
        while self.house.servers[3 - busy].metric("bangtin_chores") != 1:
            self.assertLess(time.monotonic(), deadline, "nobody took over")
            time.sleep(1)

    def test_a_worker_needs_postgresql_and_no_public_door(self):
        program = self.house.servers[0].process.args[0]
        for options in (["--role", "worker"], ["--role", "king"],
                        ["--role", "worker", "--database", self.database, "--listen", "0.0.0.0:0"]):
            done = subprocess.run([program, "--data", os.path.join(self.directory, "x"), *options], check=False,
                                  capture_output=True, text=True, timeout=180)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn("--role", done.stderr)


class DatabaseAwayTest(ServerCase):
    """PostgreSQL, one of its own, is killed and started again."""

    engines = ["postgresql"]
    prepared = False

    def setUp(self):
        # What was committed outlives it.
        with unittest.mock.patch.dict(os.environ, BT_POSTGRES_OPTIONS="-c synchronous_commit=on"):
            self.postgresql = PostgreSQL()
        self.addCleanup(lambda: subprocess.run([POSTGRES, "stop", self.postgresql.directory], check=False))
        super().setUp()
        self.database = self.postgresql.new_database()
        self.admin = self.administrator()

    def make(self, code):
        unit = {"code": code, "parent": "vn", "kind": "commune", "name": f"Xã {code}"}
        return self.admin.post("/v1/units", unit, check=False, Idempotency_Key=f"k-{code}")

    def test_who_asks_while_it_starts_anew_waits_and_is_served(self):
        answers = []
        self.postgresql.kill()
        asking = threading.Thread(target=lambda: answers.append(self.make("31401")))
        asking.start()
        self.wait_for_waiting()
        self.postgresql.start_again()
        asking.join()
        self.assertEqual(answers[0].status, 201, answers[0])
        self.assertEqual(self.make("31401").status, 201)
        self.assertEqual([u["code"] for u in self.admin.get("/v1/units").json["items"] if u["code"] == "31401"], ["31401"])

    def wait_for_waiting(self):
        """Until somebody has found it away. What needs no database goes on."""
        deadline = time.monotonic() + 180
        while self.server.metric("bangtin_database_away") != 1:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_when_it_does_not_come_all_are_told_so(self):
        self.postgresql.kill()
        answer = self.make("31402")
        self.assertProblem(answer, 503, "database")
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertProblem(self.admin.get("/v1/units", check=False), 503, "database")
        self.postgresql.start_again()
        deadline = time.monotonic() + 180
        while (answer := self.make("31402")).status == 503:  # somebody looks each second
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.server.metric("bangtin_database_away"), 0)


@unittest.skipUnless(NGINX, "nginx is not installed")
class NginxTest(SeveralCase):
    roles = ((), (), ())

    def setUp(self):
        super().setUp()
        self.nginx = Nginx(self.directory, [self.house.socket(n) for n in range(3)])
        self.addCleanup(self.nginx.stop)

    def outside(self):
        client = self.nginx.client()
        client.login("quan-tri")
        client.headers["Host"] = "bangtin.example.vn"
        client.headers["Origin"] = "https://bangtin.example.vn"
        return client

    def test_everything_goes_through_it(self):
        admin = self.outside()
        self.assertEqual(admin.get("/").status, 200)
        self.assertEqual(admin.get("/v1/units").status, 200)
        self.assertEqual(admin.get("/metrics", check=False).status, 404)
        content = picture(300, 200)
        self.assertEqual(upload(admin, content)["state"], "ready")
        blob = f"/blobs/{hashlib.sha256(content).hexdigest()}"
        self.assertEqual(admin.get(blob).body, content)
        # Not for everybody yet: what a person with a name fetched is not kept for others.
        self.assertEqual(self.nginx.client().get(blob).status, 404)
        self.sql(f"INSERT INTO published_asset(sha256, first_ms) VALUES('{blob[7:]}', 0)")
        anybody = self.nginx.client()
        self.assertEqual([anybody.get(blob).headers["X-Cache"] for _ in range(2)], ["MISS", "HIT"])
        part = anybody.get(blob, Range="bytes=5-9")
        self.assertEqual((part.status, part.body), (206, content[5:10]))
        screen = self.add_screen()
        player = self.pair(screen)
        through = self.nginx.client(player.client.headers)
        stream = through.stream("/v1/player/stream")
        ping = json.loads(stream.next("ping")["data"])["ping"]
        self.assertEqual(through.post("/v1/player/pong", {"ping": ping}).status, 204)
        self.order(screen, "identify", seconds=5)
        self.assertEqual(json.loads(stream.next("order")["data"])["kind"], "identify")
        stream.close()

    def test_nobody_notices_that_a_server_was_killed(self):
        faults, done, stop = [], [], threading.Event()

        def work(number):
            client = self.outside()
            for round_ in range(100000):
                if stop.is_set():
                    return
                code = f"{number}{round_:05}"
                body = {"code": code, "parent": "vn", "kind": "commune", "name": f"Xã {code}"}
                for call in (lambda: client.get("/v1/units"),
                             lambda: client.post("/v1/units", body, Idempotency_Key=f"k-{code}")):
                    answer = call()
                    if answer.status not in (200, 201):
                        faults.append((answer.status, answer.body[:200]))
                done.append(code)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 4)]
        for thread in threads:
            thread.start()
        for number in (2, 1, 0):
            count = len(done)
            self.wait_until(lambda: len(done) > count + 6 or faults, "nothing is done")
            self.house.kill(number)
            count = len(done)
            self.wait_until(lambda: len(done) > count + 6 or faults, "nothing is done")
            self.house.start(number)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        codes = {unit["code"] for unit in self.on(0).get("/v1/units?limit=200").json["items"]}
        self.assertTrue(set(done) <= codes or len(codes) == 200)


if __name__ == "__main__":
    main()
