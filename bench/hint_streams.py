#!/usr/bin/python3
"""Hint streams on one server: what each costs in memory, and how long a hint takes to reach everybody.

    bench/hint_streams.py [STREAMS] [ROUNDS]        (default: 10,000 and 5)

Readers and server share the machine, over a unix socket, as behind a proxy. Players and their sessions are put into
the database directly; a round is a publication, and times are counted from the call of the API that brings its last
needed signature to each reader's having the hint. Memory is that of the second half of the streams: by then the
database's caches, which do not grow with streams, are full."""

import hashlib
import os
import resource
import select
import socket
import sqlite3
import sys
import threading
import time

from province import Province

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


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def processor_ms(pid):
    """User and system time of all its threads so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


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
            for fd, _ in self.poll.poll(0.2, 1024):
                data = self.sockets[fd].recv(65536)
                if not data:
                    raise SystemExit("the server ended a stream")
                if mark in data:
                    seen.setdefault(fd, time.monotonic())
        return sorted(seen.values())


def open_all(readers, count, pid):
    """Memory before, with half of the streams, and with all."""
    memory = [memory_kib(pid)]
    for first in range(0, count, 200):
        batch = range(first, min(first + 200, count))
        for number in batch:
            readers.open(number)
        if len(readers.wait_for(b"event: ping", len(batch), 60)) < len(batch):
            raise SystemExit(f"not all of {batch} were let in")
        if batch.stop == count // 400 * 200 or batch.stop == count:
            memory.append(memory_kib(pid))
    return memory


def broadcast(province, readers, number, count):
    """Milliseconds from the call to each reader; of the processor, by the server and by the readers."""
    call = threading.Thread(target=province.last_signature(number))
    pid, started = province.server.process.pid, time.monotonic()
    used = [processor_ms(pid), processor_ms(os.getpid())]
    call.start()
    times = readers.wait_for(b"event: hint", count, 30)
    call.join()
    used = [processor_ms(pid) - used[0], processor_ms(os.getpid()) - used[1]]
    return [(t - started) * 1000 for t in times], used


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    province = Province("setUp")
    try:
        province.setUp()
        province.found()
        put_players(os.path.join(province.directory, "data", "bangtin.db"), count)
        readers, pid = Readers(province.server.unix), province.server.process.pid
        started = time.monotonic()
        memory = open_all(readers, count, pid)
        half = count - count // 400 * 200
        print(f"{count} streams in {time.monotonic() - started:.1f} s; server {memory[0]} KiB before, {memory[1]} KiB with"
              f" half of them, {memory[2]} KiB with all; {(memory[2] - memory[1]) / half:.2f} KiB each in the second half")
        for number in range(1, rounds + 1):
            after_ms, used = broadcast(province, readers, number, count)
            print(f"publication {number}: {len(after_ms)} readers; first {after_ms[0]:.0f} ms after the call,"
                  f" p50 {after_ms[len(after_ms) // 2]:.0f} ms, p99 {after_ms[len(after_ms) * 99 // 100]:.0f} ms,"
                  f" last {after_ms[-1]:.0f} ms; processor: server {used[0]:.0f} ms, readers {used[1]:.0f} ms")
        print(f"server {memory_kib(pid)} KiB at the end")
    finally:
        province.doCleanups()


if __name__ == "__main__":
    main()
