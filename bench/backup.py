#!/usr/bin/env python3
"""How long backup, restore and migrate take, and how much memory: a database of a million rows and 200 blobs.

    bench/backup.py build-rel [--rows 1000000] [--work /tmp/bangtin-bench]
"""

import argparse
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POSTGRES = os.path.join(TOP, "tools", "postgres.sh")
FLOOR_MIB = 128


def start_once(server, data):
    """Makes the data directory with all tables."""
    process = subprocess.Popen([server, "--data", data, "--listen", f"unix:{data}.sock"], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "ready" in line:
            break
    process.terminate()
    process.wait()


def fill(data, rows):
    database = sqlite3.connect(f"{data}/bangtin.db")
    daily, hourly, batches = rows * 8 // 10, rows * 15 // 100, rows * 5 // 100
    database.executemany(
        "INSERT INTO play_daily VALUES(?, ?, '31333', ?, 'schedule', 'present', 100, 1, 99, 0, 1000000, 25000, 0, 0, 0)",
        ((20000 + n // 2400, f"s-{n % 300:05}", 2**61 + n % 2400 // 300) for n in range(daily)))
    database.executemany("INSERT INTO play_hourly VALUES(?, ?, ?, '31333', ?, 10, 0, 10, 0, 100000)",
                         ((20000 + n // 7200, n // 300 % 24, f"s-{n % 300:05}", 2**61) for n in range(hourly)))
    body = os.urandom(1000)
    database.executemany("INSERT INTO play_batch VALUES(?, ?, ?, ?, 1, 1, 1, ?, NULL, 0, 0)",
                         ((f"d-{n % 300:05}", "0" * 32, n, n + 59, body) for n in range(batches)))
    database.commit()
    database.close()
    for number in range(200):
        content = os.urandom(1 << 20) + bytes([number])
        name = hashlib.sha256(content).hexdigest()
        os.makedirs(f"{data}/blobs/{name[:2]}", exist_ok=True)
        with open(f"{data}/blobs/{name[:2]}/{name}", "wb") as file:
            file.write(content)
    return daily + hourly + batches


def measure(what, *command):
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{what}: failed")
    mib = usage.ru_maxrss / 1024
    print(f"{what:42} {time.monotonic() - begun:6.1f} s, {usage.ru_utime + usage.ru_stime:6.1f} s of a processor, {mib:5.0f} MiB"
          f"  {'holds' if mib <= FLOOR_MIB else 'MISSES'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--work", default="/tmp/bangtin-bench")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    place = tempfile.mkdtemp(prefix="backup-", dir=options.work)
    os.chmod(place, 0o711)  # PostgreSQL runs as somebody else
    server = os.path.join(options.build, "server", "bangtin-server")
    where = subprocess.run([POSTGRES, "start", f"{place}/pg", str(os.getpid())], check=True, capture_output=True,
                           text=True).stdout.strip()
    try:
        data = f"{place}/data"
        start_once(server, data)
        print(f"{fill(data, options.rows)} rows, {os.path.getsize(data + '/bangtin.db') >> 20} MiB, 200 blobs of 1 MiB; "
              f"load {os.getloadavg()[0]:.0f}; floor: memory {FLOOR_MIB} MiB", flush=True)
        for name in ("one", "two"):
            subprocess.run(["psql", "--quiet", where, "-c", f"CREATE DATABASE {name}"], check=True)
        one, two = (where.replace("dbname=postgres", f"dbname={name}") for name in ("one", "two"))
        measure("backup, SQLite", server, "backup", "--data", data, "--to", f"{place}/kept")
        measure("the next one", server, "backup", "--data", data, "--to", f"{place}/kept")
        measure("restore, SQLite", server, "restore", "--from", f"{place}/kept", "--data", f"{place}/back")
        measure("migrate, SQLite to PostgreSQL", server, "migrate", "--from", f"sqlite:{data}/bangtin.db", "--to", one)
        measure("migrate, PostgreSQL to SQLite", server, "migrate", "--from", one, "--to", f"sqlite:{place}/moved.db")
        measure("backup, PostgreSQL", server, "backup", "--data", data, "--database", one, "--to", f"{place}/kept-pg")
        measure("restore, PostgreSQL", server, "restore", "--from", f"{place}/kept-pg", "--data", f"{place}/back-pg",
                "--database", two)
    finally:
        subprocess.run([POSTGRES, "stop", f"{place}/pg"], check=False)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
