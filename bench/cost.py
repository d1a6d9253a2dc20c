#!/usr/bin/python3
"""What a player costs its server in a day, and whether that stays the same when there are more of them.

    bench/cost.py [--players 1000] [--minutes 15] [--speed 1] [--start 200] [--sqlite]

The players (bench/fleet) have their streams, answer pings, send a status every ten minutes, ask for what is new every
fifteen and send the plays of five minutes (a play lasts one) in batches, in the time that it really takes; nothing is
published. Measured from when all have their stream: processor time of the server and of PostgreSQL, their memory (PSS),
bytes to and from the server with HTTP's headers and without TLS, rows and bytes in the database. With --speed 144 a day
of plays passes in ten minutes: rows and bytes of a day are counted then, and processor time is that of plays alone."""

import os
import resource
import subprocess
import sys
import time

from fleet import Fleet, PlayedProvince
from options import read_options

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_harness import PostgreSQL  # noqa: E402

NUMBERS = {"players": 1000, "minutes": 15.0, "speed": 1, "start": 200, "seed": 1, "send": 5}
SWITCHES = {"sqlite": None}
DAY_S = 86400
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid):
    """With that of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


def memory_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024


def database_processes():
    if PostgreSQL.shared is None:
        return []
    pid = PostgreSQL.get().postmaster()
    done = subprocess.run(["ps", "--no-headers", "-o", "pid", "--ppid", str(pid)], check=False, capture_output=True, text=True)
    return [pid, *map(int, done.stdout.split())]


def total(measure, pids):
    sums = 0
    for pid in pids:
        try:
            sums += measure(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass  # a session that ended; the postmaster has its time
    return sums


class Cost:
    def __init__(self, province):
        self.province = province

    def tables(self):
        if self.province.database:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            done = subprocess.run(["psql", "--quiet", "-At", self.province.database, "-c", query], check=True,
                                  stdout=subprocess.PIPE, text=True)
            return done.stdout.split()
        import sqlite3
        database = sqlite3.connect(os.path.join(self.province.directory, "data", "bangtin.db"))
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT NULL")]
        database.close()
        return names

    def rows(self):
        names = self.tables()
        return dict(zip(names, self.province.ask("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in names))))

    def size(self):
        if self.province.database:
            return self.province.ask("SELECT pg_database_size(current_database())")[0]
        return self.province.ask("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")[0]

    def kept(self):
        return {"rows": self.rows(), "size": self.size()}

    def used(self, fleet):
        stats = fleet.stats()
        return {"time": time.monotonic(), "server_s": processor_s(self.province.server.process.pid),
                "database_s": total(processor_s, database_processes()), "sent": stats["sent_bytes"],
                "taken": stats["taken_bytes"], "stats": stats}


def report(options, before, after, server_mib, database_mib):
    seconds = after["time"] - before["time"]
    day = DAY_S / seconds / options.players

    def a_day(name):
        return (after[name] - before[name]) * day

    stats = after["stats"]
    print(f"{options.players} players, {seconds:.0f} s at {options.speed} times their speed, load {os.getloadavg()[0]:.1f}:"
          f" {stats['plays']} plays in {stats['batches']} batches, {stats['pings']} pings, {stats['statuses']} statuses,"
          f" {stats['lost']} streams lost, {stats['refused']} batches refused, faults {stats['faults'] or 'none'}")
    print(f"a player's day: server {a_day('server_s'):.3f} s, database {a_day('database_s'):.3f} s of a processor;"
          f" {a_day('sent') / 1e3:.0f} kB to the server, {a_day('taken') / 1e3:.0f} kB from it")
    print(f"all of them: {100 * (after['server_s'] - before['server_s']) / seconds:.1f} % and"
          f" {100 * (after['database_s'] - before['database_s']) / seconds:.1f} % of a processor; memory {server_mib:.0f} MiB and"
          f" {database_mib:.0f} MiB: {server_mib * 1024 / options.players:.1f} kB and"
          f" {database_mib * 1024 / options.players:.1f} kB a player")
    more = {name: after["rows"][name] - before["rows"].get(name, 0) for name in after["rows"]}
    print(f"database: {(after['size'] - before['size']) / options.players:.0f} bytes a player more, and rows a player: "
          + ", ".join(f"{name} {count / options.players:.2f}" for name, count in sorted(more.items()) if count))


def main():
    options = read_options(__doc__, NUMBERS, SWITCHES)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["BT_POSTGRES_OPTIONS"] = "-c autovacuum=on -c shared_buffers=128MB -c synchronous_commit=on"
    PlayedProvince.engine = "sqlite" if options.sqlite else "postgresql"
    province, fleet = PlayedProvince("setUp"), None
    try:
        province.setUp()
        province.found()
        province.put_players(Fleet.keys(options.players))
        fleet, cost = Fleet(province.server.unix, options), Cost(province)
        fleet.do(f"start {options.start}")
        fleet.wait_for(lambda s: s["streams"] == fleet.count)
        fleet.mark()
        before = cost.kept()
        before |= cost.used(fleet)
        time.sleep(options.minutes * 60)
        after = cost.used(fleet) | cost.kept()
        report(options, before, after, memory_bytes(province.server.process.pid) / 2**20,
               total(memory_bytes, database_processes()) / 2**20)
    finally:
        if fleet:
            fleet.close()
        province.doCleanups()
        PostgreSQL.stop()


if __name__ == "__main__":
    main()
