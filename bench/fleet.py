#!/usr/bin/python3
"""Thousands of simulated players on one server: they log in and a day passes, in which something is published to all of
them and taken down from all, a part of them fetches a picture, and the server is killed and all come back.

    bench/fleet.py [--players 10000] [--minutes 5] [--speed 20] [--send 5] [--publications 5] [--takedowns 1]
                   [--restarts 2] [--restores 0] [--start 400] [--seed 1] [--away PLAYS] [--postgresql] [--strict]

Players and server share the machine, over a unix socket, as behind a proxy: each player has its stream, requests go
over at most 256 connections that are kept. Players are put into the database directly; everything else goes through
the server's door. A play lasts a minute of the day that is played, and every five (--send) a player's plays go home;
one player in 50 has a slow line, and one batch in 20 a wrong clock. Every second publication has a picture, which one
player in five fetches; at every second restart all sessions are forgotten. With --away 172800 one more comes home
after 30 days over 10 Mbit/s."""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from options import read_options
from province import Province, recipe

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_harness import BUILD, PROGRAM, PostgreSQL  # noqa: E402

NUMBERS = {"players": 10000, "minutes": 5.0, "speed": 20, "send": 5, "publications": 5, "takedowns": 1, "restarts": 2, "restores": 0,
           "start": 400, "seed": 1, "away": 0}
SWITCHES = {"postgresql": None, "strict": "status 1 when a floor is missed"}
AWAY = os.path.join(BUILD, "bench", "away-bench")
MAKE_JOURNAL = os.path.join(BUILD, "tests", "make_journal")
FLEET = os.path.join(BUILD, "bench", "fleet-bench")
PICTURE_BYTES, RANGE_BYTES, BLOB_ONE_IN = (1 << 20) - 1, 256 << 10, 5  # as bench/fleet/member.c asks for them
WAIT_S = 600
LOOK_S = 180  # an hour of a day at 20 times its speed
FLOORS = {"hint p99, ms": 1000, "takedown p99, ms": 3000, "reconnected, s": 120, "memory, MiB": 256, "home after 30 days, s": 60}
LINE_BITS = 10e6


class Fleet:
    """The simulator."""

    def __init__(self, path, options):
        self.count = options.players
        self.process = subprocess.Popen([FLEET, "run", path, str(options.players), str(options.seed),
                                         str(options.speed), str(options.send * 60000 // options.speed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def keys(count):
        return subprocess.run([FLEET, "keys", str(count)], check=True, stdout=subprocess.PIPE, text=True).stdout.split()

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def stats(self):
        self.do("stats")
        return json.loads(self.process.stdout.readline())

    def mark(self):
        self.do("mark")
        self.stats()  # it is done now

    def wait_for(self, condition):
        until = time.monotonic() + WAIT_S
        while not condition(stats := self.stats()):
            if time.monotonic() > until:
                print(f"waited in vain: {stats}", flush=True)
                stats["faults"]["waited in vain"] = 1
                break
            time.sleep(0.2)
        return stats

    def close(self):
        self.process.kill()
        self.process.wait()


class PlayedProvince(Province):
    """Its players are simulated."""

    def ask(self, statement):
        if self.database:
            done = subprocess.run(["psql", "--quiet", "-At", self.database, "-c", statement], check=True,
                                  stdout=subprocess.PIPE, text=True)
            return [int(cell or 0) for cell in done.stdout.strip().split("|")]
        import sqlite3
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=60)
        row = database.execute(statement).fetchone()
        database.close()
        return [cell or 0 for cell in row]

    def put_players(self, keys, name=None):
        names = [name] if name else [f"{number:06}" for number in range(len(keys))]
        screens = ",".join(f"('s-{one}','31333','s-{one}','led',320,180,'','','',0,0,0,100,'',1,0)" for one in names)
        players = ",".join(f"('d-{one}','s-{one}','31333','{key}','active','','',0,'',0,0,'never-seen',0)"
                           for one, key in zip(names, keys))
        self.run_sql("INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name, duty_phone, open_min,"
                     " close_min, volume_max_percent, brightness_max_percent, note, revision, created_ms) VALUES "
                     + screens)
        self.run_sql("INSERT INTO player(id, screen, unit, public_key, state, model, version, paired_ms, paired_by,"
                     " last_order, order_ms, channel, channel_ms) VALUES " + players)

    def run_sql(self, statement):
        if self.database:
            subprocess.run(["psql", "--quiet", self.database], input=statement + "; ANALYZE;", check=True, text=True)
        else:
            self.execute(statement)

    def picture(self, number):
        """A recipe with a picture that nobody has yet."""
        content = random.Random(number).randbytes(PICTURE_BYTES)
        name = hashlib.sha256(content).hexdigest()
        path = os.path.join(self.directory, "data", "blobs", name[:2], name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        self.run_sql("INSERT INTO asset(sha256, size, type, kind, width, height, duration_ms, state, report, created_ms)"
                     f" VALUES('{name}', {PICTURE_BYTES}, 'image/png', 'picture', 320, 180, 0, 'ready', '{{}}', 0)")
        items = [{"id": "anh", "type": "image", "asset": name, "seconds": 10}]
        return recipe(playlists=[{"name": "chung", "items": items}])

    def kill_and_start(self):
        self._server.process.send_signal(signal.SIGKILL)
        self._server.stop(expected=-signal.SIGKILL)
        self._server = self.start()
        self.admin.server, self.admin.connection = self._server, None

    def run_program(self, *arguments):
        where = ("--database", self.database) if self.database else ()
        done = subprocess.run([PROGRAM, *arguments, "--data", os.path.join(self.directory, "data"), *where], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def back_up(self):
        self.run_program("backup", "--to", os.path.join(self.directory, "kept"))

    def burn(self):
        self._server.process.send_signal(signal.SIGKILL)
        self._server.stop(expected=-signal.SIGKILL)
        shutil.rmtree(os.path.join(self.directory, "data"))
        if self.database:
            self.database = PostgreSQL.get().new_database()

    def restore(self):
        self.run_program("restore", "--from", os.path.join(self.directory, "kept"))
        self._server = self.start()
        self.admin.server, self.admin.connection = self._server, None

    def memory_mib(self):
        """The most it had."""
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def processor_s(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Link:
    """A line of so many bits in a second each way, to the server's unix socket."""

    STEP_S = 0.01

    def __init__(self, path, bits):
        self.path, self.step_bytes = path, int(bits / 8 * self.STEP_S)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.carried = self.listener.getsockname()[1], 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.path)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, source, target):
        """Each piece takes its time on the line."""
        free = time.monotonic()
        while data := source.recv(self.step_bytes):
            free = max(free, time.monotonic()) + len(data) / self.step_bytes * self.STEP_S
            time.sleep(max(0, free - time.monotonic()))
            target.sendall(data)
            self.carried += len(data)
        target.shutdown(socket.SHUT_WR)


class Run:
    def __init__(self, province, options):
        self.province, self.options = province, options
        self.fleet = None
        self.worst = dict.fromkeys(FLOORS, 0)
        self.faults, self.refused, self.away_exact = {}, 0, True

    def note(self, stats):
        for what, times in stats["faults"].items():
            self.faults[what] = self.faults.get(what, 0) + times
        self.refused += stats["refused"]

    def most(self, name, value):
        self.worst[name] = max(self.worst[name], value)

    def begin(self):
        self.province.put_players(Fleet.keys(self.options.players))
        self.fleet = Fleet(self.province.server.unix, self.options)
        begun = time.monotonic()
        self.fleet.mark()
        self.fleet.do(f"start {self.options.start}")
        stats = self.fleet.wait_for(lambda s: s["streams"] == self.fleet.count)
        self.note(stats)
        print(f"load {os.getloadavg()[0]:.1f}; {self.fleet.count} players, {self.options.start} a second: all have their stream after"
              f" {time.monotonic() - begun:.1f} s; {stats['logins']} logins,"
              f" {stats['unreached']} not reached, {stats['busy']} told to come again; half had it after"
              f" {stats['stream_ms']['p50'] / 1000:.1f} s, 99 of 100 after {stats['stream_ms']['p99'] / 1000:.1f} s", flush=True)

    def day(self):
        """What happens in it comes at even distances, a quarter of one apart from the others."""
        options, begun = self.options, time.monotonic()
        plan = [((number + offset) / times, act, number + 1)
                for times, offset, act in ((options.publications, 0.25, self.publish),
                                           (options.takedowns, 0.5, self.take_down), (options.restarts, 0.75, self.restart),
                                           (options.restores, 0.3, self.back_up), (options.restores, 0.6, self.restore))
                for number in range(times)]
        for part, act, number in sorted(plan, key=lambda entry: entry[0]):
            self.pass_time(begun + part * options.minutes * 60)
            act(number)
        self.pass_time(begun + options.minutes * 60)

    def pass_time(self, until):
        while (seconds := min(until - time.monotonic(), LOOK_S)) > 0:
            self.look(seconds)

    def look(self, seconds):
        self.fleet.mark()
        used, begun = self.province.processor_s(), time.monotonic()
        time.sleep(seconds)
        seconds = time.monotonic() - begun
        stats = self.fleet.stats()
        self.note(stats)
        print(f"{time.strftime('%H:%M:%S')} {seconds:.0f} s: {stats['plays']} plays in {stats['batches']} batches"
              f" ({stats['plays'] / seconds:.0f} plays/s), p50 {stats['batch_ms']['p50']} ms,"
              f" p99 {stats['batch_ms']['p99']} ms; {stats['pings']} pings, {stats['statuses']} statuses,"
              f" {stats['same']} times 304; {stats['lost']} streams lost, {stats['unreached']} not reached,"
              f" {stats['busy']} told to come again, {stats['refused']} batches refused, {stats['gaps']} gaps;"
              f" server {(self.province.processor_s() - used) / seconds * 100:.0f} % of a processor,"
              f" {self.province.memory_mib():.0f} MiB; load {os.getloadavg()[0]:.1f}", flush=True)

    def publish(self, number):
        pictured = number % 2 == 0
        content = self.province.picture(number) if pictured else None
        call = threading.Thread(target=self.province.last_signature(number, content))
        self.fleet.mark()
        call.start()
        stats = self.fleet.wait_for(lambda s: s["hint_ms"]["count"] >= self.fleet.count)
        hint = stats["hint_ms"]
        call.join()
        begun = time.monotonic()
        ranges = pictured * (self.fleet.count // BLOB_ONE_IN) * (PICTURE_BYTES // RANGE_BYTES + 1)
        stats = self.fleet.wait_for(lambda s: s["documents"] >= self.fleet.count * 3 and s["ranges"] >= ranges)
        self.note(stats)
        self.most("hint p99, ms", hint["p99"])
        print(f"load {os.getloadavg()[0]:.1f}; publication {number}: hint p50 {hint['p50']} ms, p99 {hint['p99']} ms, last {hint['last']} ms after the"
              f" call; everybody has fetched it {time.monotonic() - begun:.1f} s after that, {stats['ranges']} parts of a"
              f" picture; {stats['unreached']} not reached", flush=True)

    def away(self):
        """One comes home after 30 days, while something is published and taken down."""
        directory = os.path.join(self.province.directory, "away")
        journal = os.path.join(directory, "plays.db")
        key = subprocess.run([AWAY, directory], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        subprocess.run([MAKE_JOURNAL, journal, str(self.options.away)], check=True)
        self.province.put_players([key], "away")
        link = Link(self.province.server.unix, LINE_BITS)
        coming = subprocess.Popen([AWAY, directory, "d-away", f"http://127.0.0.1:{link.port}", journal],
                                  stdout=subprocess.PIPE, text=True)
        self.publish(1001)
        self.take_down(0)
        self.publish(1003)
        print(f"{'still coming' if coming.poll() is None else 'it was home'} by then")
        seconds = int(coming.communicate(timeout=600)[0]) / 1000
        self.most("home after 30 days, s", seconds)
        counted, = self.province.ask("SELECT CAST(sum(complete) AS BIGINT) FROM play_daily WHERE screen = 's-away'")
        print(f"{self.options.away} plays over {LINE_BITS / 1e6:.0f} Mbit/s: {seconds:.1f} s, {link.carried / 1e6:.1f} MB;"
              f" {counted} counted")
        self.away_exact = counted == self.options.away

    def take_down(self, _):
        self.fleet.mark()
        begun = time.monotonic()
        answer = self.province.admin.post("/v1/takedowns", {"unit": "31333", "reason": "thử", "assets": ["ab" * 32]},
                                          check=False)
        self.province.assertEqual(answer.status, 201, f"{answer}\n{self.province.server.said()[-2000:]}")
        called = time.monotonic() - begun
        order = self.fleet.wait_for(lambda s: s["order_ms"]["count"] >= self.fleet.count)["order_ms"]
        self.most("takedown p99, ms", order["p99"])
        print(f"load {os.getloadavg()[0]:.1f}; takedown: answered after {called:.2f} s, p50 {order['p50']} ms, p99 {order['p99']} ms, last {order['last']} ms after the call")

    def restart(self, number):
        """Every second time nobody has a session any more."""
        self.most("memory, MiB", self.province.memory_mib())
        self.fleet.mark()
        self.province.kill_and_start()
        if number % 2 == 0:
            self.fleet.do("forget")
        stats = self.fleet.wait_for(lambda s: s["lost"] >= self.fleet.count and s["streams"] == self.fleet.count)
        self.note(stats)
        self.most("reconnected, s", stats["stream_ms"]["last"] / 1000)
        print(f"load {os.getloadavg()[0]:.1f}; killed: half are back after {stats['stream_ms']['p50'] / 1000:.1f} s, 99 of 100 after"
              f" {stats['stream_ms']['p99'] / 1000:.1f} s, all after {stats['stream_ms']['last'] / 1000:.1f} s;"
              f" {stats['logins']} logins, {stats['unreached']} tries in vain, {stats['busy']} told to come again, {stats['refused']} batches"
              f" refused, {stats['gaps']} gaps")

    def counted(self):
        return self.province.ask("SELECT CAST(sum(complete + partial) AS BIGINT) FROM play_daily")[0]

    def back_up(self, _):
        self.fleet.mark()
        begun = time.monotonic()
        self.province.back_up()
        stats = self.fleet.stats()
        self.note(stats)
        print(f"load {os.getloadavg()[0]:.1f}; backup: {time.monotonic() - begun:.1f} s, in which {stats['batches']} batches of"
              f" plays were taken, p99 {stats['batch_ms']['p99']} ms; {self.counted()} plays by then", flush=True)

    def restore(self, _):
        """All of them come back and send what the backup did not have."""
        before = self.counted()
        self.fleet.mark()
        self.province.burn()
        begun = time.monotonic()
        self.province.restore()
        restored_s, kept = time.monotonic() - begun, self.counted()
        stats = self.fleet.wait_for(lambda s: s["lost"] >= self.fleet.count and s["streams"] == self.fleet.count)
        self.note(stats)
        streams_s = time.monotonic() - begun
        while self.counted() < before and time.monotonic() - begun < WAIT_S:
            time.sleep(1)
        print(f"load {os.getloadavg()[0]:.1f}; burnt with {before} plays; restored and started in {restored_s:.1f} s with {kept}; all"
              f" streams there after {streams_s:.1f} s, as many plays again after {time.monotonic() - begun:.1f} s;"
              f" {stats['logins']} logins, {stats['unreached']} tries in vain, {stats['forgotten']} tokens refused,"
              f" {stats['gaps']} gaps; half of the streams after {stats['stream_ms']['p50'] / 1000:.1f} s", flush=True)

    def total(self):
        """Every record but the start is a play, and every play is complete."""
        self.most("memory, MiB", self.province.memory_mib())
        last, journals, complete, partial = self.province.ask(  # at one moment
            "SELECT (SELECT CAST(sum(last_seq) AS BIGINT) FROM play_journal), (SELECT count(*) FROM play_journal),"
            " (SELECT CAST(sum(complete) AS BIGINT) FROM play_daily),"
            " (SELECT CAST(sum(partial) AS BIGINT) FROM play_daily)")
        print(f"{journals} journals, {last - journals} plays said to be counted, {complete} counted, {partial} partial")
        if self.options.away:  # its journal says when it stopped, too
            complete += 1
        return complete == last - journals and partial == 0 and self.away_exact

    def judge(self, exact):
        fine = exact and not self.faults and self.refused == 0
        for name, floor in FLOORS.items():
            fine = fine and self.worst[name] <= floor
            print(f"{name}: {self.worst[name]:.1f} (floor {floor})")
        print(f"answers that nobody expects: {self.faults or 'none'}; batches refused: {self.refused};"
              f" totals {'exact' if exact else 'WRONG'}")
        return fine


def main():
    options = read_options(__doc__, NUMBERS, SWITCHES)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # As it comes out of the box: tables of thousands of rows that change all the time want to be looked after.
    os.environ["BT_POSTGRES_OPTIONS"] = "-c autovacuum=on -c autovacuum_naptime=15s -c shared_buffers=128MB"
    PlayedProvince.engine = "postgresql" if options.postgresql else "sqlite"
    province, run = PlayedProvince("setUp"), None
    try:
        province.setUp()
        province.found()
        run = Run(province, options)
        run.begin()
        run.day()
        if options.away:
            run.away()
        fine = run.judge(run.total())
    finally:
        if run and run.fleet:
            run.fleet.close()
        province.doCleanups()
        PostgreSQL.stop()
    sys.exit(0 if fine or not options.strict else 1)


if __name__ == "__main__":
    main()
