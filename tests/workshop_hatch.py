"""What the service manager does at the hatch of the workshop (base/hatch.h, deploy/systemd/bangtin-media.socket): a socket,
and behind it one worker for each connection; and workers of all kinds that a hostile file could make of one."""

import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

MEDIA = os.path.join(os.environ.get("BT_BUILD_ROOT", "build"), "workshop", "bangtin-media")
MAGIC, OUTSIDE_MAGIC = 0x31484d42, 0x31504d42
REPORT, THUMBNAIL, FILMSTRIP, CONVERTED, END = range(5)
MOST = 68157440


def parcel(number, content=b"", length=None):
    return struct.pack("=IIQ", MAGIC, number, len(content) if length is None else length) + content


def drawing(width, height, content=b"", magic=OUTSIDE_MAGIC):
    return struct.pack("=IiiiII", magic, 0, width, height, 0, 0) + content


class Hatch:
    """`worker`: "serve", the real one; or a function of the connection, after the file was taken in."""

    def __init__(self, worker="serve", path=None, **process):
        self.directory = tempfile.mkdtemp(prefix="bt-hatch-")
        os.chmod(self.directory, 0o755)
        self.path = path or os.path.join(self.directory, "socket")
        self.option = ["--workshop", "unix:" + self.path]
        self.worker, self.process = worker, process
        self.turned_away = self.jobs = 0
        self.turn_away = 0
        self.ending = threading.Event()
        self.waker = socket.socketpair()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen(64)
        self.threads = [threading.Thread(target=self.receive, daemon=True)]
        self.threads[0].start()

    def receive(self):
        while True:
            ready, _, _ = select.select([self.socket, self.waker[1]], [], [])
            if self.waker[1] in ready:
                return
            connection, _ = self.socket.accept()
            if self.turned_away < self.turn_away:
                self.turned_away += 1
                connection.close()
                continue
            self.jobs += 1
            work = self.serve if self.worker == "serve" else self.pretend
            self.threads.append(threading.Thread(target=work, args=(connection,), daemon=True))
            self.threads[-1].start()

    def serve(self, connection):
        with connection:
            subprocess.run([MEDIA, "serve"], stdin=connection, check=False, **self.process)

    def pretend(self, connection):
        with connection:
            _, files, _, _ = socket.recv_fds(connection, 16, 1)
            try:
                connection.sendall(struct.pack("=Ii", MAGIC, 0))
                self.worker(self, connection)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had enough
            for file in files:
                os.close(file)

    def close(self):
        self.ending.set()
        self.waker[0].send(b"x")
        for thread in self.threads:
            thread.join(180)
        for end in (self.socket, *self.waker):
            end.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def hangs(hatch, connection):
    """Until the client hangs up or the test ends it."""
    while not hatch.ending.is_set() and not select.select([connection], [], [], 0.05)[0]:
        pass


def dies(_hatch, _connection):
    pass


def says(*words):
    def talk(_hatch, connection):
        for word in words:
            connection.sendall(word)
    return talk


def never_ends(word):
    def talk(hatch, connection):
        while not hatch.ending.is_set():
            connection.sendall(word)
    return talk


GOOD = b'{"verdict":"plays","advice_vi":"","advice_en":"","kind":"picture"}'
NO_PNG = b'{"verdict":"plays","advice_vi":"","advice_en":"","kind":"picture","made_from":"SVG"}'

INSPECTORS_IN_WRONG_HANDS = {
    "dies": dies,
    "garbage": says(os.urandom(100000)),
    "no end": says(parcel(REPORT, GOOD)),
    "half a report": says(parcel(REPORT, GOOD[:20], len(GOOD))),
    "no report": says(parcel(END)),
    "a report that is none": says(parcel(REPORT, b"not JSON"), parcel(END)),
    "too long a report": says(parcel(REPORT, b" " * 100000), parcel(END)),
    "more than may be": says(parcel(REPORT, GOOD), parcel(THUMBNAIL, length=MOST + 1)),
    "more than there is": says(parcel(REPORT, GOOD), parcel(THUMBNAIL, length=2**64 - 1)),
    "a product twice": says(parcel(REPORT, GOOD), parcel(REPORT, GOOD), parcel(END)),
    "out of order": says(parcel(THUMBNAIL, b"x"), parcel(REPORT, GOOD), parcel(END)),
    "no such product": says(parcel(REPORT, GOOD), parcel(77, b"x"), parcel(END)),
    "products without end": never_ends(parcel(REPORT, GOOD)),
    "it broke down": says(parcel(REPORT, GOOD), parcel(END, length=139)),
    "something else for a PNG": says(parcel(REPORT, NO_PNG), parcel(CONVERTED, b"<svg/>"), parcel(END)),
}

PAINTERS_IN_WRONG_HANDS = {
    "hangs": hangs,
    "dies": dies,
    "garbage": says(os.urandom(100000)),
    "half a picture": says(drawing(320, 180, b"x" * 5000)),
    "too large": says(drawing(16384, 16384, b"x" * 100000)),
    "less than nothing": says(drawing(-1, 1 << 30, b"x" * 100000)),
    "another program": says(drawing(32, 18, b"\xff" * 32 * 18 * 4, magic=1)),
}
