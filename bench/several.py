#!/usr/bin/python3
"""Several servers on one PostgreSQL behind nginx while thousands of simulated players play and administrators work, and
one process after another is killed: is any play lost or doubled, does anybody see an error twice, how late are hints?

    bench/several.py [--players 200] [--kills 10] [--servers 3] [--seed 1] [--send 1]

Everything on one machine. The players (bench/fleet) speak to nginx over a unix socket without TLS, each with its own
stream; two administrators write and read through nginx' TLS. Between kills something is published to all of them. What
is killed with SIGKILL: one of the servers (but for the first, at whose own door publications are signed), or nginx with
its workers; a server is there again after two seconds, nginx after half of one, as with Restart=always. A request that
fails is tried again after a second, as the command for people does: a second failure of the same one counts."""

import argparse
import os
import random
import resource
import sys
import threading
import time
from http.client import HTTPException

from fleet import Fleet, PlayedProvince

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_harness import PostgreSQL  # noqa: E402
from several_house import Nginx, Several  # noqa: E402

AWAY_S, DOOR_AWAY_S, CALM_S = 2, 0.4, 6


class SeveralProvince(PlayedProvince):
    """Its first server is the one at whose own door the province is founded."""

    engine = "postgresql"
    servers = 3

    def start(self, *options, **more):
        self.house = Several(self.directory, self.database)
        self.addCleanup(lambda: self.house.stop())
        for number in reversed(range(self.servers)):
            self.house.start(number, *options)
        return self.house.servers[0]


class Administrator(threading.Thread):
    """Writes and reads through nginx, and notes what it was refused once and twice."""

    def __init__(self, nginx, number):
        super().__init__(daemon=True)
        self.nginx, self.number, self.stopped = nginx, number, threading.Event()
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
        client = self.nginx.client()
        client.login("quan-tri")
        client.headers.update(Host="bangtin.example.vn", Origin="https://bangtin.example.vn")
        for count in range(100000):
            if self.stopped.is_set():
                return
            code = f"{self.number}{count:05}"
            body = {"code": code, "parent": "vn", "kind": "commune", "name": f"Xã {code}"}
            if self.ask(client, lambda c, b=body, k=code: c.post("/v1/units", b, Idempotency_Key=f"k-{k}")):
                self.done.append(code)
            self.ask(client, lambda c: c.get("/v1/units?limit=1"))
            self.stopped.wait(0.2)


class Run:
    def __init__(self, province, options):
        self.province, self.options = province, options
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

    def kill_one(self, number):
        """Not the first server: the province's own door, at which publications are signed, stays open."""
        whats = [f"server {n}" for n in range(1, self.options.servers)] + ["nginx"]
        what = self.random.choice(whats)
        self.fleet.mark()
        if what == "nginx":
            self.nginx.kill()
            time.sleep(DOOR_AWAY_S)
            self.nginx.start()
        else:
            victim = int(what.split()[1])
            self.province.house.kill(victim)
            time.sleep(AWAY_S)
            self.province.house.start(victim)
        stats = self.fleet.wait_for(lambda s: s["streams"] == self.fleet.count)
        self.note(stats)
        time.sleep(CALM_S)
        hint = self.publish(number)
        print(f"load {os.getloadavg()[0]:.1f}; {number}: killed {what}; {stats['lost']} streams lost, all back;"
              f" {stats['unreached']} requests in vain; then a hint p50 {hint['p50']} ms, p99 {hint['p99']} ms", flush=True)

    def total(self):
        """Every record but the start is a play, and every play is complete."""
        last, journals, complete, partial = self.province.ask(
            "SELECT (SELECT CAST(sum(last_seq) AS BIGINT) FROM play_journal), (SELECT count(*) FROM play_journal),"
            " (SELECT CAST(sum(complete) AS BIGINT) FROM play_daily),"
            " (SELECT CAST(sum(partial) AS BIGINT) FROM play_daily)")
        print(f"{journals} journals, {last - journals} plays said to be counted, {complete} counted, {partial} partial")
        return complete == last - journals and partial == 0


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("players", 200), ("kills", 10), ("servers", 3), ("seed", 1), ("send", 1), ("speed", 20)):
        parser.add_argument(f"--{name}", type=int, default=number)
    return parser.parse_args()


def main():
    options = read_options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["BT_POSTGRES_OPTIONS"] = "-c autovacuum=on -c shared_buffers=128MB -c max_connections=200"
    SeveralProvince.servers = options.servers
    province, run = SeveralProvince("setUp"), None
    try:
        province.setUp()
        province.found()
        run = Run(province, options)
        run.begin()
        people = [Administrator(run.nginx, n) for n in (5, 6)]
        for person in people:
            person.start()
        for number in range(1, options.kills + 1):
            run.kill_one(number)
        for person in people:
            person.stopped.set()
            person.join()
        exact = run.total()
        kept, = province.ask("SELECT count(*) FROM unit WHERE code ~ '^[56][0-9]{5}$'")
        done = sum(len(person.done) for person in people)
        twice = sum((person.twice for person in people), [])
        print(f"people: {sum(p.asked for p in people)} requests, {sum(len(p.once) for p in people)} failed once,"
              f" {len(twice)} twice {twice[:3]}; {done} units made, {kept} there")
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
    sys.exit(0 if exact and not twice and kept >= done else 1)


if __name__ == "__main__":
    main()
