"""A bad network between two network namespaces: what the kernel's netem would do, where there is none.

A TUN device in each namespace, and a thread that carries the packets from one to the other: late, no faster
than the line, with a queue as long as a modem's, and not all of them. TCP on both sides is the kernel's own, so
that loss is loss, with its retransmissions and time-outs. Needs root and /dev/net/tun.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
QUEUE_S = 1.0  # of a modem: what would wait longer is dropped
MTU = 1400


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Namespace:
    """A network namespace of its own, with its loopback up."""

    def __init__(self, name):
        self.name = f"bt-{os.getpid()}-{name}"
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        ip("-n", self.name, *arguments)

    def command(self, command):
        """What runs the command inside; its process is the command's own."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def enter(self):
        """The calling thread, for good."""
        with open(f"/run/netns/{self.name}") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Flow:
    """One direction of a TCP connection: what came of it."""

    def __init__(self, begin):
        self.begin, self.spans = begin, [(0, 0)]  # spans: from `begin` on, apart from each other

    def take(self, sequence, length):
        begin = (sequence - self.begin) & 0xFFFFFFFF
        if begin >= 1 << 31:
            return  # before the first byte: a probe
        end = begin + length
        joined = [span for span in self.spans if span[1] >= begin and span[0] <= end]
        whole = (min([begin, *(span[0] for span in joined)]), max([end, *(span[1] for span in joined)]))
        self.spans = [*(span for span in self.spans if span not in joined), whole]

    def in_order(self):
        """Bytes that the program behind could read."""
        return next(span[1] for span in self.spans if span[0] == 0)

    def all(self):
        return sum(span[1] - span[0] for span in self.spans)


class Received:
    """Bytes of TCP that came, each counted once, however often it was sent."""

    def __init__(self):
        self.flows, self.over = {}, []

    def take(self, packet):
        head = (packet[0] & 15) * 4
        if packet[0] >> 4 != 4 or packet[9] != 6:
            return
        ports, sequence = packet[head:head + 4], struct.unpack_from("!I", packet, head + 4)[0]
        if packet[head + 13] & 2:  # SYN
            flow = self.flows.get(ports)
            if flow is None or flow.begin != sequence + 1 & 0xFFFFFFFF:
                self.over.extend([flow] if flow else [])
                self.flows[ports] = Flow(sequence + 1 & 0xFFFFFFFF)
            return
        length = struct.unpack_from("!H", packet, 2)[0] - head - (packet[head + 12] >> 4) * 4
        if length > 0 and ports in self.flows:
            self.flows[ports].take(sequence, length)

    def bytes(self):
        """In order, and all."""
        flows = [*self.over, *self.flows.values()]
        return sum(flow.in_order() for flow in flows), sum(flow.all() for flow in flows)


class Way:
    """One direction."""

    def __init__(self, rate, delay_s, loss, chance):
        self.rate, self.delay_s, self.loss, self.chance = rate, delay_s, loss, chance
        self.free_at, self.waiting, self.count, self.lost = 0.0, [], 0, 0
        self.received = Received()

    def take(self, packet, now, down):
        begins = max(now, self.free_at)
        if down or self.chance.random() < self.loss or begins - now > QUEUE_S:
            self.lost += 1
            return
        self.free_at = begins + len(packet) / self.rate
        self.count += 1
        heapq.heappush(self.waiting, (self.free_at + self.delay_s, self.count, packet))

    def give(self, fd, now):
        while self.waiting and self.waiting[0][0] <= now:
            packet = heapq.heappop(self.waiting)[2]
            self.received.take(packet)
            try:
                os.write(fd, packet)
            except OSError:
                pass  # the device is going

    def next(self):
        return self.waiting[0][0] if self.waiting else float("inf")


class Link:
    """Between two namespaces; `here` and `there` are the addresses of their ends of it."""

    def __init__(self, number, one, other, network, seed=1):
        chance = random.Random(seed)
        self.ends = [self.open(one, f"bt{number}", f"10.77.{number}.1", f"10.77.{number}.2"),
                     self.open(other, f"bt{number}", f"10.77.{number}.2", f"10.77.{number}.1")]
        self.ways = [Way(network["kbit"] * 125, network["rtt_ms"] / 2000, network["loss"], chance) for _ in range(2)]
        self.down = False
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def open(namespace, name, address, peer):
        """The device stays in the namespace of the thread that made it, its descriptor is everybody's."""
        found = []

        def make():
            namespace.enter()
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            found.append(fd)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        namespace.ip("address", "add", address, "peer", peer, "dev", name)
        namespace.ip("link", "set", name, "mtu", str(MTU), "up")
        return found[0]

    def run(self):
        while not self.stopping:
            wait = min(way.next() for way in self.ways) - time.monotonic()
            ready, _, _ = select.select(self.ends, [], [], min(max(wait, 0), 0.1))
            now = time.monotonic()
            for fd in ready:
                way = self.ways[self.ends.index(fd)]
                try:
                    way.take(os.read(fd, 65536), now, self.down)
                except OSError:
                    continue
            for i, way in enumerate(self.ways):
                way.give(self.ends[1 - i], now)

    def close(self):
        self.stopping = True
        self.thread.join()
        for fd in self.ends:
            os.close(fd)
