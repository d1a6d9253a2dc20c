#!/usr/bin/python3
"""Batches of plays per second, beside what the engines themselves do with the same rows: SQLite with synchronous=FULL
and PostgreSQL with fsync and synchronous_commit=on, in a directory on the disk that is measured.

    bench/ingest.py --build build-rel [--dir DIR] [--players 200] [--batches 21] [--readers 2] [--rounds 3]
"""

import argparse
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class PostgreSQL:
    """One that is durable, unlike the tests'."""

    def __init__(self, directory):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.directory = directory
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        os.makedirs(directory)
        if self.user:
            os.chown(directory, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", f"--pgdata={directory}/data", "--username=bangtin", "--auth=trust", "--encoding=UTF8",
                 "--locale=C")
        self.run("pg_ctl", "start", f"--pgdata={directory}/data", "--wait", "--silent", f"--log={directory}/data/log",
                 "-o", f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=on"
                 " -c synchronous_commit=on -c shared_buffers=128MB -c max_wal_size=2GB")

    def run(self, program, *arguments):
        more = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        subprocess.run([os.path.join(self.bin, program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       **more)

    def create(self, name):
        where = f"host={self.directory} user=bangtin dbname=postgres"
        subprocess.run(["psql", "--quiet", where, "-c", f"CREATE DATABASE {name}"], check=True)
        return f"host={self.directory} user=bangtin dbname={name}"

    def stop(self):
        self.run("pg_ctl", "stop", f"--pgdata={self.directory}/data", "--mode=fast", "--silent")


def measure(options, where, other):
    program = os.path.join(options.build, "bench", "ingest-bench")
    subprocess.run([program, where, other, str(options.players), str(options.batches), str(options.readers)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build-rel"))
    parser.add_argument("--dir", default="/var/tmp")
    parser.add_argument("--engines", default="sqlite postgresql")
    for name, value in (("players", 200), ("batches", 21), ("readers", 2), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="bt-ingest-", dir=options.dir)
    os.chmod(directory, 0o711)
    postgresql = PostgreSQL(os.path.join(directory, "pg")) if "postgresql" in options.engines else None
    try:
        for i in range(options.rounds):
            if "sqlite" in options.engines:
                measure(options, f"sqlite:{directory}/a{i}.db", f"sqlite:{directory}/b{i}.db")
            if postgresql:
                measure(options, postgresql.create(f"a{i}"), postgresql.create(f"b{i}"))
    finally:
        if postgresql:
            postgresql.stop()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
