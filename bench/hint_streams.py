#!/usr/bin/python3
"""Hint streams on one server: what each costs in memory, and how long a hint takes to reach everybody.

    bench/hint_streams.py [STREAMS] [ROUNDS]        (default: 10,000 and 5)

Readers and server share the machine, over a unix socket, as behind a proxy. Players and their sessions are put into
the database directly; a round is a new version of the timestamp there, which the server notices within five seconds.
Times are counted from the first reader that has the hint to each of the others. Memory is that of the second half of the
streams: by then the database's caches, which do not grow with streams, are full."""

import hashlib
import os
import resource
import select
import socket
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_harness import Server  # noqa: E402

FAR = 4_000_000_000_000


def token_of(number):
    return hashlib.sha256(b"%d" % number).hexdigest()


def put_players(path, count):
    with sqlite3.connect(path, timeout=60) as database:
        names = [(f"s-{i:06}", f"d-{i:06}", hashlib.sha256(token_of(i).encode()).hexdigest()) for i in range(count)]
        database.executemany(
            "INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name, duty_phone, open_min, close_min,"
            " volume_max_percent, brightness_max_percent, note, revision, created_ms)"
            " VALUES(?1, 'vn', ?1, 'led', 320, 180, '', '', '', 0, 0, 0, 100, '', 1, 0)", [(n[0],) for n in names])
        database.executemany(
            "INSERT INTO player(id, screen, unit, public_key, state, model, version, paired_ms, paired_by, last_order,"
            " order_ms, channel, channel_ms) VALUES(?2, ?1, 'vn', ?2, 'active', '', '', 0, '', 0, 0, 'never-seen', 0)",
            [n[:2] for n in names])
        database.executemany("INSERT INTO player_session(token_sha256, player, created_ms, expires_ms) VALUES(?2, ?1, 0, ?3)",
                             [(n[1], n[2], FAR) for n in names])
    database.close()


def put_timestamp(path, version):
    with sqlite3.connect(path, timeout=60) as database:
        database.execute("INSERT INTO tuf_metadata(role, version, body, sha256, expires_ms) VALUES('timestamp', ?, '{}', '', ?)",
                         (version, FAR))
    database.close()


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Readers:
    def __init__(self, path):
        self.path, self.poll, self.sockets = path, select.epoll(), {}

    def open(self, number):
        reader = socket.socket(socket.AF_UNIX)
        reader.connect(self.path)
        reader.sendall(f"GET /v1/player/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token_of(number)}\r\n\r\n".encode())
        reader.setblocking(False)
        self.sockets[reader.fileno()] = reader
        self.poll.register(reader.fileno(), select.EPOLLIN)

    def wait_for(self, mark, count, seconds):
        """When each of `count` readers first had `mark`; those that come too late are left out."""
        seen, until = {}, time.monotonic() + seconds
        while len(seen) < count and time.monotonic() < until:
            for fd, _ in self.poll.poll(0.2):
                data = self.sockets[fd].recv(65536)
                if not data:
                    raise SystemExit("the server ended a stream")
                if mark in data:
                    seen.setdefault(fd, time.monotonic())
        return sorted(seen.values())


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="bt-streams-") as directory:
        path = os.path.join(directory, "http.sock")
        server = Server(os.path.join(directory, "data"), listen=f"unix:{path}")
        database = os.path.join(directory, "data", "bangtin.db")
        put_players(database, count)
        memory = [memory_kib(server.process.pid)]
        readers = Readers(path)
        started = time.monotonic()
        for first in range(0, count, 200):
            batch = range(first, min(first + 200, count))
            for number in batch:
                readers.open(number)
            if len(readers.wait_for(b"event: ping", len(batch), 60)) < len(batch):
                raise SystemExit(f"not all of {batch} were let in: {server.said()[-500:]}")
            if len(readers.sockets) >= count / 2 and len(memory) == 1:
                memory.append(memory_kib(server.process.pid))
                half = len(readers.sockets)
        memory.append(memory_kib(server.process.pid))
        print(f"{count} streams in {time.monotonic() - started:.1f} s; server {memory[0]} KiB before, {memory[1]} KiB with {half},"
              f" {memory[2]} KiB with all; {(memory[2] - memory[1]) / (count - half):.2f} KiB each in the second half")
        for version in range(1, rounds + 1):
            put_timestamp(database, version)
            times = readers.wait_for(b'"timestamp":%d,' % version, count, 30)
            after_ms = [(t - times[0]) * 1000 for t in times]
            print(f"hint {version}: {len(times)} readers; p50 {after_ms[len(times) // 2]:.0f} ms,"
                  f" p99 {after_ms[len(times) * 99 // 100]:.0f} ms, last {after_ms[-1]:.0f} ms")
        print(f"server {memory_kib(server.process.pid)} KiB at the end")
        server.stop()


if __name__ == "__main__":
    main()
