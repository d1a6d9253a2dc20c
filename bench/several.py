#!/usr/bin/python3
"""Several servers on one PostgreSQL behind nginx while thousands of simulated players play and administrators work, and
one process after another is killed: is any play lost or doubled, does anybody see an error twice, how late are hints?

    bench/several.py [--players 200] [--kills 10] [--servers 3] [--seed 1] [--send 1] [--away 2] [--store]

Everything on one machine. The players (bench/fleet) speak to nginx over a unix socket without TLS, each with its own
stream; two administrators write and read through nginx' TLS, a third uploads pictures. Between kills something is
published to all players. --store: content lies in Swift behind its S3 API, not in a folder that all servers see.

What is killed with SIGKILL, and when it is there again: a server (two seconds, --away), nginx with its workers (0.4),
PostgreSQL's postmaster and with it all of it, or only one of its sessions, in which case it ends all others itself
(half a second), a workshop that looks into an upload, one of Swift's servers (two seconds). As with Restart=always.
A request that fails is tried again after a second: a second failure of the same one counts. An upload asks how far it
came and goes on."""

import hashlib
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from http.client import HTTPException

from fleet import Fleet, PlayedProvince
from options import read_options
from swift import Swift

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_harness import PostgreSQL  # noqa: E402
from server_media_test import begin, send  # noqa: E402
from several_house import Nginx, Several  # noqa: E402

NUMBERS = {"players": 200, "kills": 10, "servers": 3, "seed": 1, "send": 1, "speed": 20, "away": 2}
SWITCHES = {"store": None}
DOOR_AWAY_S, DATABASE_AWAY_S, CALM_S = 0.4, 0.5, 3


class SeveralProvince(PlayedProvince):
    """Its first server is the one at whose own door the province is founded."""

    engine = "postgresql"
    servers = 3
    in_store = False

    def start(self, *options, **more):
        self.swift = Swift(self.directory) if self.in_store else None
        self.addCleanup(lambda: self.swift and self.swift.stop())
        self.house = Several(self.directory, self.database)
        self.addCleanup(lambda: self.house.stop())
        for number in range(self.servers):
            self.start_one(number)
        return self.house.servers[0]

    def start_one(self, number):
        return self.house.start(number, *(self.swift.store.options() if self.swift else ()))

    def kill_and_start_one(self, number, away_s):
        self.house.kill(number)
        time.sleep(away_s)
        server = self.start_one(number)
        if number == 0:
            self._server = server
            self.admin.server, self.admin.connection = server, None


def children(pid):
    done = subprocess.run(["ps", "--no-headers", "-o", "pid,args", "--ppid", str(pid)], check=False, capture_output=True,
                          text=True)
    return [(int(line.split()[0]), line) for line in done.stdout.splitlines()]



class Administrator(threading.Thread):
    """Writes and reads through nginx, and notes what it was refused once and twice."""

    def __init__(self, nginx, number):
        super().__init__(daemon=True)
        self.client, self.number, self.stopped = nginx.client(), number, threading.Event()
        self.client.login("quan-tri")
        self.client.headers.update(Host="bangtin.example.vn", Origin="https://bangtin.example.vn")
        self.asked, self.once, self.twice, self.done = 0, [], [], []

    def ask(self, client, call):
        self.asked += 1
        for fault in (self.once, self.twice):
            try:
                answer = call(client)
                if answer.status in (200, 201):
                    return answer
                fault.append(f"{answer.status} {answer.body[:120]!r}")
            except (OSError, AssertionError, HTTPException) as error:
                fault.append(repr(error)[:120])
                client.connection = None
            time.sleep(1)
        return None

    def run(self):
        client = self.client
        for count in range(100000):
            if self.stopped.is_set():
                return
            code = f"{self.number}{count:05}"
            body = {"code": code, "parent": "vn", "kind": "commune", "name": f"Xã {code}"}
            if self.ask(client, lambda c, b=body, k=code: c.post("/v1/units", b, Idempotency_Key=f"k-{k}")):
                self.done.append(code)
            self.ask(client, lambda c: c.get("/v1/units?limit=1"))
            self.stopped.wait(0.2)


def picture(number, size=120):
    """Nobody has it yet, and it does not shrink."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    chance = random.Random(number)
    rows = b"".join(b"\0" + chance.randbytes(3 * size) for _ in range(size))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


class Uploader(Administrator):
    """Uploads pictures in two pieces; one that stops goes on where it is."""

    LOOKED_INTO_S = 300

    def __init__(self, nginx, number):
        super().__init__(nginx, number)
        self.stumbles, self.refused = [], []

    def until_whole(self, client, place, content):
        for _ in range(1000):
            state = self.ask(client, lambda c: c.get(place))
            if state is None or state.json["offset"] == len(content):
                return
            offset = state.json["offset"]
            try:
                answer = send(client, place, content, offset, max(offset + 1, len(content) // 2) if offset == 0 else None)
                if answer.status != 204:
                    self.stumbles.append(f"{answer.status} {answer.body[:120]!r}")
                    time.sleep(1)
            except (OSError, AssertionError, HTTPException) as error:
                self.stumbles.append(repr(error)[:120])
                client.connection = None
                time.sleep(1)

    def run(self):
        client = self.client
        for number in range(100000):
            if self.stopped.is_set():
                return
            content = picture(self.number * 100000 + number)
            made = self.ask(client, lambda c, k=number, size=len(content): begin(c, size))
            if made is None:
                continue
            place = made.headers["Location"]
            self.until_whole(client, place, content)
            end = time.monotonic() + self.LOOKED_INTO_S
            while time.monotonic() < end:
                state = self.ask(client, lambda c: c.get(place))
                if state is not None and state.json["state"] in ("ready", "refused"):
                    break
                time.sleep(0.2)
            if state is not None and state.json["state"] == "ready":
                self.done.append(content)
            else:
                self.refused.append(state and state.json)
            self.stopped.wait(0.5)


class Run:
    def __init__(self, province, options):
        self.province, self.options = province, options
        self.slowest_s = {}
        self.random, self.hints, self.faults, self.refused = random.Random(options.seed), [], {}, 0
        sockets = [province.house.socket(n) for n in range(options.servers)]
        self.nginx = Nginx(province.directory, sockets, plain=os.path.join(province.directory, "nginx.sock"))
        self.fleet = None

    def begin(self):
        self.province.put_players(Fleet.keys(self.options.players))
        self.fleet = Fleet(os.path.join(self.province.directory, "nginx.sock"), self.options)
        self.fleet.do(f"start {max(50, self.options.players // 10)}")
        self.note(self.fleet.wait_for(lambda s: s["streams"] == self.fleet.count))
        print(f"load {os.getloadavg()[0]:.1f}; {self.fleet.count} players have their stream at {self.options.servers} servers",
              flush=True)

    def note(self, stats):
        for what, times in stats["faults"].items():
            self.faults[what] = self.faults.get(what, 0) + times
        self.refused += stats["refused"]

    def publish(self, number):
        call = self.province.last_signature(number)
        self.fleet.mark()
        call()
        stats = self.fleet.wait_for(lambda s: s["hint_ms"]["count"] >= self.fleet.count)
        self.note(stats)
        self.hints.append(stats["hint_ms"])
        return stats["hint_ms"]

    def victims(self):
        kinds = [(f"server {n}", lambda n=n: self.province.kill_and_start_one(n, self.options.away))
                 for n in range(self.options.servers)]
        kinds += [("nginx", self.kill_nginx), ("postgresql", self.kill_database),
                  ("a session of postgresql", self.kill_session),
                  ("a workshop", self.kill_workshop)]
        if self.province.swift:
            kinds += [(f"swift's {name}", lambda name=name: self.kill_store(name)) for name in self.province.swift.commands]
        return kinds

    def kill_nginx(self):
        self.nginx.kill()
        time.sleep(DOOR_AWAY_S)
        self.nginx.start()

    def kill_database(self):
        PostgreSQL.get().kill()
        time.sleep(DATABASE_AWAY_S)
        PostgreSQL.get().start_again()

    def kill_session(self):
        """Of a server: the postmaster ends all others, too, and begins anew."""
        sessions = [pid for pid, line in children(PostgreSQL.get().postmaster()) if "bangtin bt_" in line]
        os.kill(self.random.choice(sessions), signal.SIGKILL)

    def kill_store(self, name):
        self.province.swift.kill(name)
        time.sleep(self.options.away)
        self.province.swift.start(name)

    def kill_workshop(self):
        """One lives for an upload only."""
        servers = [server.process.pid for server in self.province.house.servers.values()]
        end = time.monotonic() + 60
        while time.monotonic() < end:
            workers = [pid for server in servers for pid, line in children(server) if "bangtin-media" in line]
            try:
                if workers:
                    os.kill(self.random.choice(workers), signal.SIGKILL)
                    return
            except ProcessLookupError:
                pass  # it was done
        print("no workshop at work in a minute", flush=True)

    def kill_one(self, number):
        what, kill = self.random.choice(self.victims())
        self.fleet.mark()
        begun = time.monotonic()
        kill()
        stats = self.fleet.wait_for(lambda s: s["streams"] == self.fleet.count)
        back_s = time.monotonic() - begun
        self.slowest_s[what] = max(self.slowest_s.get(what, 0), back_s)
        self.note(stats)
        time.sleep(CALM_S)
        hint = self.publish(number)
        print(f"load {os.getloadavg()[0]:.1f}; {number}: killed {what}; {stats['lost']} streams lost, all there after {back_s:.1f} s;"
              f" {stats['unreached']} requests in vain, {stats['busy']} told to come again; then a hint p50 {hint['p50']} ms,"
              f" p99 {hint['p99']} ms", flush=True)

    def total(self):
        """Every record but the start is a play, and every play is complete."""
        last, journals, complete, partial = self.province.ask(
            "SELECT (SELECT CAST(sum(last_seq) AS BIGINT) FROM play_journal), (SELECT count(*) FROM play_journal),"
            " (SELECT CAST(sum(complete) AS BIGINT) FROM play_daily),"
            " (SELECT CAST(sum(partial) AS BIGINT) FROM play_daily)")
        print(f"{journals} journals, {last - journals} plays said to be counted, {complete} counted, {partial} partial")
        return complete == last - journals and partial == 0


def whole_ones(nginx, uploader):
    client = nginx.client()
    client.login("quan-tri")
    return sum(client.get(f"/blobs/{hashlib.sha256(content).hexdigest()}").body == content for content in uploader.done)


def main():
    options = read_options(__doc__, NUMBERS, SWITCHES)
    if options.store and not Swift.installed():
        sys.exit("--store: apt install swift swift-proxy swift-account swift-container swift-object memcached")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["BT_POSTGRES_OPTIONS"] = ("-c autovacuum=on -c shared_buffers=128MB -c max_connections=200"
                                          " -c synchronous_commit=on")  # what was said to be kept outlives its process
    SeveralProvince.servers, SeveralProvince.in_store = options.servers, options.store
    province, run = SeveralProvince("setUp"), None
    try:
        province.setUp()
        province.found()
        run = Run(province, options)
        run.begin()
        people = [Administrator(run.nginx, n) for n in (5, 6)] + [uploader := Uploader(run.nginx, 7)]
        for person in people:
            person.start()
        for number in range(1, options.kills + 1):
            run.kill_one(number)
        for person in people:
            person.stopped.set()
            person.join()
        exact = run.total()
        kept, = province.ask("SELECT count(*) FROM unit WHERE code ~ '^[56][0-9]{5}$'")
        done = sum(len(person.done) for person in people if person is not uploader)
        whole = whole_ones(run.nginx, uploader)
        twice = sum((person.twice for person in people), [])
        print(f"people: {sum(p.asked for p in people)} requests, {sum(len(p.once) for p in people)} failed once,"
              f" {len(twice)} twice {twice[:3]}; {done} units made, {kept} there")
        print(f"uploads: {len(uploader.done)} ready, {whole} given out whole, {len(uploader.refused)} not ready"
              f" {uploader.refused[:2]}; {len(uploader.stumbles)} pieces tried again {uploader.stumbles[:3]}")
        print("all streams there again at the latest after: "
              + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in sorted(run.slowest_s.items())))
        worst = max(hint["p99"] for hint in run.hints)
        print(f"hints p99, worst of {len(run.hints)} publications: {worst} ms; answers that nobody expects: {run.faults or 'none'};"
              f" batches refused: {run.refused}; totals {'exact' if exact else 'WRONG'}")
    finally:
        if run and run.fleet:
            run.fleet.close()
        if run:
            run.nginx.stop()
        province.doCleanups()
        PostgreSQL.stop()
    sys.exit(0 if exact and not twice and kept >= done and whole == len(uploader.done) and not uploader.refused else 1)


if __name__ == "__main__":
    main()
