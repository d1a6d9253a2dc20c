#!/usr/bin/env python3
"""What a paired player costs on a SIM card while nothing changes.

A real server and one real player, whose every byte goes through a counting relay: both directions, HTTP
headers included, with --tls also TLS and its handshakes, the heads of TCP's packets not. Measured over some
minutes after the content has arrived, and made a day of.

  bench/idle_bytes.py BUILD_DIR [--minutes 10] [--tls]
"""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
from push_house import House  # noqa: E402
from screen import Screen, cpu_seconds, memory_mib  # noqa: E402

SETTLE_S = 15
MAX_MB_A_DAY = 5

OPTIONS = (("--minutes", dict(type=float, default=10)), ("--tls", dict(action="store_true")))


class Relay:
    """A TCP relay on loopback that counts."""

    def __init__(self, url):
        scheme, address = url.split("://")
        host, port = address.split(":")
        self.target, self.bytes, self.connections = (host, int(port)), 0, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, _ = self.listener.accept()
            there = socket.create_connection(self.target)
            with self.lock:
                self.connections += 1
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.bytes += len(data)
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main():
    options = report.arguments(__doc__, OPTIONS, peers=False)
    report.describe_machine()
    relays = []

    def relay(url):
        relays.append(Relay(url))
        return relays[0].url

    with Screen() as screen, House(options.build, screen) as house:
        if options.tls:
            house.server_options = (*house.server_options, "--tls")
        house.open(relay)
        house.add_player(0)
        media = [house.upload("a.png", "red"), house.upload("b.png", "blue")]
        proposal = house.propose(0, media)
        began = time.monotonic_ns()
        house.bangtin("approve", proposal, "--yes", "--key", "an.json")
        house.until_all(began, lambda items: "muc-0-0" in items)
        time.sleep(SETTLE_S)
        before, connections = relays[0].bytes, relays[0].connections
        player, server = house.processes[1].pid, house.processes[0].pid
        cpu = cpu_seconds(player)
        time.sleep(options.minutes * 60)
        spent, opened = relays[0].bytes - before, relays[0].connections - connections
        cpu, memory, server_memory = cpu_seconds(player) - cpu, memory_mib(player), memory_mib(server)
    print(f"  {spent} bytes in {options.minutes:g} minutes, {opened} connections opened")
    print(f"  the server's memory at its most: {server_memory:.0f} MiB, the player's: {memory:.0f} MiB")
    report.floor("CPU of a player that shows a still and is connected", cpu / options.minutes / 60 * 100, 1, " % of a core")
    report.floor("an idle player in a day", spent / options.minutes * 1440 / 1e6, MAX_MB_A_DAY, " MB")
    return report.exit_status(options)


if __name__ == "__main__":
    sys.exit(main())
