#!/usr/bin/python3
"""bangtin-server backup, restore and migrate against real databases: what is there before is there after, a half is never
taken for a whole, kill -9 costs nothing, and players and their plays go on."""

import glob
import hashlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time

from server_harness import PROGRAM, SOURCE, PostgreSQL, main
from server_plays_test import PlaysTest
from steady import PATIENCE_S

NASTY = ["", "'; DROP TABLE unit; --", "Ủy ban nhân dân xã Hà Long", "\n\t\\\"", "$1", "𠀋 😀", "a" * 5000, "\x01\x7f", "ẤẦẨ" * 40]
NUMBERS = [0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -2**63]
BLOBS = [b"", b"\x00\xff" * 3, bytes(range(256)), os.urandom(70000)]
ROWS = 12
MANY = 6000  # of the counts, so that a copy takes a while
MIGRATIONS = "".join(open(path, encoding="utf-8").read() for path in glob.glob(f"{SOURCE}/server/db/migrations/*.sql"))
SMALL = set(re.findall(r"(\w+) SMALLINT", MIGRATIONS))
ALONE = ("audit_head", "first_secret")  # one row by their nature


def blob(path, content):
    name = hashlib.sha256(content).hexdigest()
    os.makedirs(f"{path}/{name[:2]}", exist_ok=True)
    with open(f"{path}/{name[:2]}/{name}", "wb") as file:
        file.write(content)
    return f"{path}/{name[:2]}/{name}"


class Filler:
    """Rows in every table: what is nasty, what is long, what is missing, and what refers to others."""

    def __init__(self, path, seed=7):
        self.random = random.Random(seed)
        self.database = sqlite3.connect(path)
        self.count = 0

    def tables(self):
        left = [name for name, in self.database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                                                        "'sqlite%' AND name <> 'schema_migration' ORDER BY name")]
        while left:
            for name in left:
                if not {to for to in self.references(name).values() if to[0] != name and to[0] in left}:
                    yield name
                    left.remove(name)
                    break

    def references(self, table):
        return {row[3]: (row[2], row[4]) for row in self.database.execute(f'PRAGMA foreign_key_list("{table}")')}

    def value(self, table, column):
        _, name, kind, needed, _, key = column
        self.count += 1
        refers = self.references(table).get(name)
        if refers:
            if refers[0] == table:
                return None if self.count % 3 == 0 else f"~{self.random.randrange(ROWS)}"
            found = self.database.execute(f'SELECT "{refers[1]}" FROM "{refers[0]}" ORDER BY random() LIMIT 1').fetchone()
            return found[0]
        if not needed and not key and self.random.random() < 0.3:
            return None
        if name in SMALL:
            return self.count % 2
        if kind == "INTEGER":
            return self.count - 5000 if key else self.random.choice(NUMBERS)
        if kind == "BLOB":
            return self.random.choice(BLOBS)
        return f"{self.random.choice(NASTY)}{self.count}"

    def fill(self):
        for table in self.tables():
            columns = self.database.execute(f'PRAGMA table_info("{table}")').fetchall()
            marks = ", ".join("?" * len(columns))
            for number in range(0 if table in ALONE else MANY if table == "play_daily" else ROWS):
                row = [self.value(table, column) for column in columns]
                if table == "unit":
                    row[0] = f"~{number}"  # half of them refer to one that sorts behind them
                self.database.execute(f'INSERT OR IGNORE INTO "{table}" VALUES ({marks})', row)
        self.database.commit()
        assert not self.database.execute("PRAGMA foreign_key_check").fetchall()
        self.database.close()


def contents(path):
    """Every row of every table."""
    database = sqlite3.connect(path)
    names = [name for name, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    rows = {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in names if name != "schema_migration"}
    database.close()
    return rows


class BackupTest(PlaysTest):
    """One server with a player, plays and blobs."""

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def command(self, *arguments, fails=None):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=400, check=False)
        if fails is None:
            self.assertEqual(done.returncode, 0, done.stderr)
        else:
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(fails, done.stderr)
        return done.stdout + done.stderr

    def where(self):
        return ["--database", self.database] if self.database else []

    def backup(self, *more, **keys):
        return self.command("backup", "--data", self.path("data"), "--to", self.path("kept"), *self.where(), *more, **keys)

    def restore(self, *more, **keys):
        return self.command("restore", "--from", self.path("kept"), "--data", self.path("data"), *self.where(), *more, **keys)

    def generations(self):
        return sorted(name for name in os.listdir(self.path("kept")) if name[0] == "2")

    def lose_everything(self):
        """The machine burns; what is left is the backup."""
        self._server.stop()
        shutil.rmtree(self.path("data"))
        if self.database:
            self.database = PostgreSQL.get().new_database()

    def start_again(self):
        self._server = self.start()
        self.admin.server = self._server
        self.admin.connection = None
        self.admin.login("quan-tri")
        self.player.open_session()

    def test_a_player_and_its_plays_go_on_after_a_restore(self):
        blob(self.path("data", "blobs"), b"a picture")
        self.send(self.journal.batch(1, 11))
        self.order(self.screen, "identify", seconds=1)
        self.player.done(1)
        said = self.backup()
        self.assertIn("keys", said)
        self.send(self.journal.batch(12, 5))
        self.order(self.screen, "screenshot")
        self.assertEqual(self.counted(), 15)
        old_session, old_token = dict(self.admin.headers), self.player.token
        self.lose_everything()
        self.restore()
        self.start_again()
        for bearer, headers in ((old_token, {}), (None, old_session)):
            stranger = self.client(bearer)
            stranger.headers.update(headers, Origin=self._server.origin)
            self.assertEqual(stranger.get("/v1/player/orders" if bearer else "/v1/me").status, 401)
        self.assertEqual(self.counted(), 10)
        self.assertEqual(self.asked()["last"], 11)  # the player goes on from there
        self.send(self.journal.batch(12, 5))
        self.send(self.journal.batch(1, 21))
        self.assertEqual(self.counted(), 20)
        stream = self.player.client.stream("/v1/player/stream?after=2")  # number 2 was given by the lost one
        self.order(self.screen, "identify", seconds=1)
        self.assertGreater(int(stream.next("order")["id"]), 2)
        stream.close()
        entries = self.admin.get("/v1/audit?limit=100").json["items"]
        self.assertIn("server.restore", [entry["verb"] for entry in entries])
        self.assertFalse(os.path.exists(self.path("data", "restoring")))
        with open(blob(self.path("again"), b"a picture").replace("again", "data/blobs"), "rb") as file:
            self.assertEqual(file.read(), b"a picture")
        self.assertEqual(os.stat(self.path("data", "keys", "timestamp.json")).st_mode & 0o777, 0o600)

    def test_backups_share_blobs_and_old_ones_go(self):
        first = blob(self.path("data", "blobs"), b"first" * 1000)
        self.backup("--keep", "2")
        blob(self.path("data", "blobs"), b"second")
        os.unlink(first)
        for _ in range(2):
            self.assertTrue(os.path.exists(first.replace("data/", "kept/")))
            self.backup("--keep", "2")
        self.assertEqual(len(self.generations()), 2)
        self.assertFalse(os.path.exists(first.replace("data/", "kept/")))  # none of the two needs it
        with open(self.path("kept", self.generations()[1], "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual((manifest["blobs"], manifest["engine"]), (1, self.engine))
        for file in manifest["files"]:
            with open(self.path("kept", self.generations()[1], file["path"]), "rb") as opened:
                self.assertEqual(hashlib.sha256(opened.read()).hexdigest(), file["sha256"], file)
        self.assertEqual(os.stat(self.path("kept")).st_mode & 0o777, 0o700)

    def test_what_is_damaged_is_said_and_never_restored(self):
        good = blob(self.path("data", "blobs"), b"good")
        bad = blob(self.path("data", "blobs"), b"bad")
        with open(bad, "wb") as file:
            file.write(b"BAD")
        self.backup(fails=os.path.basename(bad))
        self.assertEqual(len(self.generations()), 1)
        with open(good.replace("data/", "kept/"), "r+b") as file:  # the same file: hard links share it
            file.write(b"GOOD")
        self.lose_everything()
        self.restore(fails="is damaged")
        with self.assertRaisesRegex(AssertionError, "half of a backup"):
            self.start()
        blob(self.path("kept", "blobs"), b"good")
        self.restore()
        self.start_again()
        self._server.stop()
        self.restore(fails="not empty")
        place = self.path("kept", self.generations()[0])
        for name in ("bangtin.db", "blobs.txt", "keys/snapshot.json"):
            with open(os.path.join(place, name), "r+b") as file:
                byte = file.read(1)
                file.seek(0)
                file.write(bytes([byte[0] ^ 1]))
            shutil.rmtree(self.path("data"))
            self.restore(fails="not as the manifest says")
            with open(os.path.join(place, name), "r+b") as file:
                file.write(byte)
        os.unlink(os.path.join(place, "manifest.json"))
        self.restore(fails="manifest.json")

    def test_the_server_backs_itself_up_once_a_night(self):
        self.send(self.journal.batch(1, 11))
        self._server.stop()
        options = ["--backup-to", self.path("kept"), "--backup-keep", "3"]

        def start_and_wait(count):
            self._server = self.start(*options)
            self.wait(lambda: os.path.exists(self.path("kept")) and len(self.generations()) == count and
                      os.path.exists(self.path("data", "last-backup")))
            self._server.stop()
        start_and_wait(1)
        start_and_wait(1)  # not twice in a night
        os.utime(self.path("data", "last-backup"), (time.time() - 86400 * 2,) * 2)
        start_and_wait(2)
        self.lose_everything()
        self.restore()
        self.start_again()
        self.assertEqual(self.counted(), 10)

    def wait(self, what):
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), deadline, "it did not come")
            time.sleep(0.05)

    def test_a_backup_that_is_killed_is_none_and_the_next_one_is_whole(self):
        for number in range(40):
            blob(self.path("data", "blobs"), os.urandom(200000) + bytes([number]))
        process = subprocess.Popen([PROGRAM, "backup", "--data", self.path("data"), "--to", self.path("kept"), *self.where()],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not os.path.exists(self.path("kept", "unfinished")):
            time.sleep(0.001)
        process.kill()
        process.wait()
        self.restore("--generation", "20260101T000000.000Z", fails="no such backup")
        whole = len(self.generations())  # none, unless we were too slow to kill it
        self.backup()
        self.assertEqual(len(self.generations()), whole + 1)
        self.lose_everything()
        for moment in ("blobs", "keys"):
            process = subprocess.Popen([PROGRAM, "restore", "--from", self.path("kept"), "--data", self.path("data"),
                                        *self.where()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(self.path("data", moment)):
                time.sleep(0.001)
            process.kill()
            process.wait()
        self.restore()
        self.start_again()
        self.assertEqual(self.asked()["last"], 0)
        left = [name for place in ("data", "kept") for _, _, names in os.walk(self.path(place)) for name in names
                if ".new" in name or name.startswith("restoring") or "db.tmp" in name]
        self.assertEqual(left, [])


class MigrateTest(BackupTest):
    """SQLite to PostgreSQL and back."""

    engines = ["postgresql"]
    prepared = False  # its PostgreSQL is empty, and waits

    def start(self, *options, **more):
        chosen, self.database = self.database, None  # it begins on SQLite
        try:
            return super().start(*options, **more)
        finally:
            self.database = chosen

    def sql(self, statement):
        chosen, self.database = self.database, None
        try:
            super().sql(statement)
        finally:
            self.database = chosen

    def migrate(self, source, target, **keys):
        return self.command("migrate", "--from", source, "--to", target, **keys)

    def rows_in(self, where):
        if where.startswith("sqlite:"):
            try:
                with sqlite3.connect(where[7:], timeout=180) as database:
                    return database.execute("SELECT count(*) FROM play_daily").fetchone()[0]
            except sqlite3.OperationalError:
                return 0
        done = subprocess.run(["psql", "--quiet", "-At", where, "-c", "SELECT count(*) FROM play_daily"], capture_output=True,
                              check=False)
        return int(done.stdout or 0)

    def migrate_with_kills(self, source, target):
        """Killed when it has begun, and again each time it has got further."""
        seen = -1
        for _ in range(3):
            process = subprocess.Popen([PROGRAM, "migrate", "--from", source, "--to", target], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            while process.poll() is None and self.rows_in(target) <= seen:
                pass
            seen = self.rows_in(target)
            process.kill()
            if process.wait() == 0:
                return  # it was faster, and will not begin again
        self.migrate(source, target)

    def test_everything_arrives_and_comes_back_however_often_it_is_killed(self):
        self.server.stop()
        here, back = self.path("data", "bangtin.db"), self.path("back.db")
        Filler(here).fill()
        before = contents(here)
        self.assertFalse([name for name, rows in before.items() if not rows and name not in ALONE])
        self.migrate_with_kills(f"sqlite:{here}", self.database)
        self.migrate_with_kills(self.database, f"sqlite:{back}")
        after = contents(back)
        self.assertEqual(before.keys(), after.keys())
        for name, rows in before.items():
            self.assertEqual(rows, after[name], name)

    def test_what_must_not_be_done_is_refused(self):
        here = f"sqlite:{self.path('data', 'bangtin.db')}"
        self.migrate(here, self.database, fails="is in use")
        self.server.stop()
        self.migrate(f"sqlite:{self.path('none.db')}", self.database, fails="Cannot find")
        self.migrate(here, self.database)
        self.migrate(here, self.database, fails="not empty")
        other = PostgreSQL.get().new_database()
        subprocess.run(["psql", "--quiet", other, "-c", "CREATE TABLE theirs(x int); CREATE TABLE unit(code text)"], check=True)
        self.migrate(here, other, fails="unit")
        self.assertGreater(len(contents(self.path("data", "bangtin.db"))["audit"]), 0)

    def test_half_a_copy_is_no_database(self):
        self.server.stop()
        here = self.path("data", "bangtin.db")
        self.migrate(f"sqlite:{here}", self.database)
        subprocess.run(["psql", "--quiet", self.database, "-c",
                        "INSERT INTO schema_migration VALUES(0, 'copy of something', 0)"], check=True)
        self.migrate(f"sqlite:{here}", self.database, fails="of something else")
        with self.assertRaisesRegex(AssertionError, "half of a copy"):
            super().start()

    def test_a_player_goes_on_with_the_new_database(self):
        self.send(self.journal.batch(1, 11))
        self.server.stop()
        self.migrate(f"sqlite:{self.path('data', 'bangtin.db')}", self.database)
        self._server = self.start("--database", self.database)
        self.admin.server, self.admin.connection = self._server, None
        self.admin.headers["Origin"] = self._server.origin
        self.assertEqual(self.admin.get("/v1/me").status, 200)
        self.player.client = self.client(self.player.token)  # even its session
        self.send(self.journal.batch(1, 21))
        self.assertEqual(self.counted(), 20)
        self.migrate(self.database, f"sqlite:{self.path('back.db')}", fails="A server uses this database")


def inherited():
    """The plays' own tests run in their own file."""
    for name in [name for name in dir(PlaysTest) if name.startswith("test_")]:
        setattr(BackupTest, name, None)
    for name in [name for name in vars(BackupTest) if name.startswith("test_")]:
        if getattr(BackupTest, name) is not None:
            setattr(MigrateTest, name, None)


inherited()
del PlaysTest

if __name__ == "__main__":
    main()
