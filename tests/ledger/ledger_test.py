#!/usr/bin/python3
"""The ledger: after any number of rounds of killed players, power cuts, a network at its worst, clocks that jump, and a
server that is killed and restored, it has counted exactly what the journals say, or has declared what it has not.

    ledger_test.py [--rounds N] [--seed N] [--players N] [NAME…]

The same seed makes the same faults; when a process is killed the kernel decides. BT_LONG: 1,000 rounds."""

import collections
import csv
import io
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import recount  # pylint: disable=wrong-import-position
import server_harness  # pylint: disable=wrong-import-position
from server_harness import BUILD, ServerCase  # pylint: disable=wrong-import-position

PLAYERS = os.path.join(BUILD, "tests", "ledger", "ledger_players")
SCREEN = ("INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name, duty_phone, open_min, close_min,"
          " volume_max_percent, brightness_max_percent, note, revision, created_ms)"
          " VALUES('s-{0}', 'vn', 's-{0}', 'led', 1, 1, '', '', '', 0, 0, 0, 0, '', 1, 0)")
PLAYER = ("INSERT INTO player(id, screen, unit, public_key, state, model, version, paired_ms, paired_by, last_order,"
          " order_ms, channel, channel_ms) VALUES('d-{0}', 's-{0}', 'vn', '{1}', 'active', '', '', 0, 'u-1', 0, 0,"
          " 'obeys', 0)")

# What happens beside the players in a round, and in how many of a hundred. A short test sees each once.
EVENTS = {"copy": 8, "kill": 8, "restore": 4, "replace": 8, "prune": 8}
FIRST_ROUNDS = ["copy", None, "replace", "kill", "prune", "restore"]


class Options:
    rounds, seed, players, power = 6, 1, 50, 10


class Database:
    """Asked and copied beside the server."""

    def __init__(self, path, where):
        self.path, self.where = path, where

    def ask(self, statement):
        if self.where:
            text = subprocess.run(["psql", "--quiet", "--csv", "-t", self.where, "-c", statement], check=True,
                                  stdout=subprocess.PIPE, encoding="utf-8").stdout
            return [[int(cell) if re.fullmatch(r"-?\d+", cell) else cell for cell in row]
                    for row in csv.reader(io.StringIO(text))]
        database = sqlite3.connect(self.path, timeout=30)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    def run(self, statements):
        if self.where:
            subprocess.run(["psql", "--quiet", "-v", "ON_ERROR_STOP=1", self.where], input=";\n".join(statements),
                           check=True, text=True, stdout=subprocess.DEVNULL)
            return
        with sqlite3.connect(self.path, timeout=30) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def copy(self, to):
        """While the server runs."""
        if self.where:
            subprocess.run(["pg_dump", "--clean", "--if-exists", "-f", to, self.where], check=True)
            return
        source, target = sqlite3.connect(self.path, timeout=30), sqlite3.connect(to)
        source.backup(target)
        source.close()
        target.close()

    def restore(self, copy):
        """While it does not."""
        if self.where:
            subprocess.run(["psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, self.where, "-f", copy],
                           check=True, stdout=subprocess.DEVNULL)
            return
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.path + suffix):
                os.remove(self.path + suffix)
        shutil.copyfile(copy, self.path)


class Players:
    """The process that has them all, and the chaos."""

    def __init__(self, directory, options):
        self.process = subprocess.Popen([PLAYERS, directory, str(options.players), str(options.power),
                                         str(options.seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.keys = dict(self.process.stdout.readline().split() for _ in range(options.players))
        self.happened = {}

    def begin(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def end(self):
        answer = self.process.stdout.readline().rstrip("\n").split("\t")
        if answer[0] != "ok":
            raise AssertionError(f"the players: {answer[0] or 'have ended'}")
        self.happened = dict(pair.split("=") for pair in answer[1:])

    def do(self, command):
        self.begin(command)
        self.end()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


class LedgerTest(ServerCase):
    def setUp(self):
        super().setUp()
        # Journals are killed, not unplugged: memory is disk enough for them.
        self.home = tempfile.mkdtemp(prefix="bt-ledger-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.chance = random.Random(Options.seed)
        self.books = Database(os.path.join(self.directory, "data", "bangtin.db"), self.database)
        self.copies, self.replaced = [], set()
        self.happened = collections.Counter()

    def kill_server(self):
        self._server.process.send_signal(signal.SIGKILL)
        self._server.stop(expected=-signal.SIGKILL)

    def start_server(self):
        self._server = self.start()
        self.players.do(f"upstream {self._server.port}")

    def before(self, event):
        """What happens before the players live; during() while they do."""
        if event == "copy":
            self.copies.append(os.path.join(self.directory, f"copy-{len(self.copies)}"))
            self.books.copy(self.copies[-1])
        elif event == "replace":
            number = self.chance.randrange(Options.players - Options.power)
            self.replaced.add(number)
            self.players.do(f"replace {number}")
        elif event == "prune":
            for number in self.chance.sample(range(Options.players - Options.power), 5):
                self.players.do(f"prune {number}")
        elif event == "restore" and self.copies:
            self.kill_server()
            self.books.restore(self.chance.choice(self.copies[-5:]))
            self.start_server()

    def live(self, number, event):
        self.before(event)
        self.happened[event or "nothing"] += 1
        self.players.begin(f"round {number}")
        if event != "kill":
            self.players.end()
            return
        time.sleep(self.chance.uniform(0, 1))
        self.kill_server()
        server = self.start()
        self.players.end()
        self._server = server
        self.players.do(f"upstream {server.port}")

    def event(self, number):
        if number < len(FIRST_ROUNDS):
            return FIRST_ROUNDS[number]
        at = self.chance.randrange(100)
        for event, percent in EVENTS.items():
            if at < percent:
                return event
            at -= percent
        return None

    def test_what_was_shown_is_counted_once_or_declared(self):
        self.players = Players(self.home, Options)
        self.addCleanup(self.players.close)
        self.start_with_players()
        begun = time.monotonic()
        for number in range(Options.rounds):
            self.live(number, self.event(number))
            if number % 50 == 49:
                print(f"  {number + 1} rounds, {time.monotonic() - begun:.0f} s", flush=True)
        self.players.do("settle")
        self.judge(time.monotonic() - begun)

    def start_with_players(self):
        self._server = self.start()
        statements = []
        for number in range(Options.players):
            statements += [SCREEN.format(number), PLAYER.format(number, self.players.keys[f"d-{number}"])]
        self.books.run(statements)
        self.players.do(f"upstream {self._server.port}")

    def judge(self, seconds):
        truth, plays, lost = recount.Counts(), 0, 0
        self.ranges = recount.ranges_of(self.books.ask)
        self.losses = {tuple(row) for row in self.books.ask("SELECT player, journal, cause, seq FROM play_loss")}
        self.stopped = {tuple(row) for row in self.books.ask("SELECT player, journal FROM play_journal"
                                                             " WHERE stopped = 1 AND state = 'closed'")}
        for number in range(Options.players):
            journals = recount.read_journals(os.path.join(self.home, f"{number}.jsonl"))
            self.hold_against_the_truth(number, journals)
            names = list(journals)
            for name, journal in journals.items():
                plays += sum(record["kind"] == "play" for record in journal.records.values())
                lost += self.add_journal(truth, number, name, journal, name == names[-1])
                unheard = journal.last > 0 and name != names[-1] and not self.ranges[(f"d-{number}", name)]
                self.assertTrue(not unheard or self.is_declared(number, names, name), (number, name))
        counted = recount.server_counts(self.books.ask)
        wrong = [(key, truth.sums[key], counted.sums[key]) for key in truth.sums.keys() | counted.sums.keys()
                 if truth.sums[key] != counted.sums[key]]
        self.assertEqual(wrong, [], "what the journals say, and what the server has counted")
        self.assertEqual(truth.untrusted, counted.untrusted)
        self.assertEqual(self.books.ask("SELECT count(*) FROM play_journal WHERE state = 'forked'")[0][0], 0)
        self.say(plays, lost, seconds)

    def say(self, plays, lost, seconds):
        beside = ", ".join(f"{count} {event}" for event, count in sorted(self.happened.items()))
        network = ", ".join(f"{count} {fault}" for fault, count in self.players.happened.items())
        print(f"{self.engine}: {Options.rounds} rounds of {Options.players} players, seed {Options.seed}: {plays} plays,"
              f" {lost} declared lost, count error 0, {seconds:.0f} s\n  rounds: {beside}\n  requests: {network}")

    def hold_against_the_truth(self, number, journals):
        """The journals have what a commit has acknowledged, and nothing twice."""
        seen = collections.Counter(record["approval"] for journal in journals.values()
                                   for record in journal.records.values() if record["kind"] == "play")
        with open(os.path.join(self.home, f"{number}.truth"), "rb") as file:
            for play, byte in enumerate(file.read()):
                acknowledged = byte & 3
                times = seen[f"n-{play}"]
                self.assertLessEqual(times, 1, (number, play))
                # A new card takes what was open on the old one with it.
                if acknowledged == 2 or acknowledged == 1 and number not in self.replaced:
                    self.assertEqual(times, 1, (number, play))

    def is_declared(self, number, names, name):
        """One that the server never heard of is declared with the end of one before it; where there is none, with the
        first that came, if the player had lived long enough to remember that there was one."""
        before, after = names[:names.index(name)], names[names.index(name) + 1:]
        causes = {(journal, cause) for player, journal, cause, _ in self.losses if player == f"d-{number}"}
        if any((journal, "journal replaced") in causes for journal in before):
            return True
        state = sqlite3.connect(os.path.join(self.home, str(number), "state.db"))
        remembered = state.execute("SELECT value FROM value WHERE key = 'first_journal'").fetchall()
        state.close()
        return (any((journal, "journal damaged or gone") in causes for journal in after)
                or not any(first in (*before, name) for first, in remembered))

    def add_journal(self, truth, number, name, journal, is_newest):
        """Adds what of it is to be counted; how many plays are not, each of them in a declared loss."""
        who = f"d-{number}", name
        ranges = self.ranges[who]
        holes = recount.missing(ranges, journal.last)
        for first, last in holes:
            pruned = (*who, "records pruned", first) in self.losses and last <= journal.base
            # Of one that the server never heard of: is_declared.
            gone = not is_newest and last == journal.last and (
                not ranges or (*who, "journal replaced", first) in self.losses)
            self.assertTrue(pruned or gone, f"records {first} to {last} of {who} are neither counted nor declared")
        counted = [journal.records[seq] for first, last in ranges for seq in range(first, last + 1)]
        in_order = not is_newest and who in self.stopped
        truth.journal(f"s-{number}", counted, in_order)
        return sum(journal.records[seq]["kind"] == "play" for first, last in holes for seq in range(first, last + 1))


def read_options(arguments):
    """What remains are names of tests."""
    if os.environ.get("BT_LONG"):
        Options.rounds = 1000
    rest = []
    while arguments:
        argument = arguments.pop(0)
        if argument.startswith("--") and hasattr(Options, argument[2:]):
            setattr(Options, argument[2:], int(arguments.pop(0)))
        else:
            rest.append(argument)
    Options.power = min(Options.power, Options.players // 2)
    return rest


if __name__ == "__main__":
    sys.argv[1:] = read_options(sys.argv[1:])
    server_harness.main()
