#!/usr/bin/env python3
"""The real player when things go wrong: clips that break off, a journal nobody can write, being told to stop."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from player_harness import PlayerCase, main, make_clip

SECOND_NS = 1000000000


class BreakingDisplay:
    """Passes on to an X server, and breaks the connection after so many of its bytes, once."""

    def __init__(self, display, after):
        self.target, self.left = f"/tmp/.X11-unix/X{display[1:]}", after
        self.listener, self.open = socket.socket(socket.AF_UNIX), []
        self.number = next(n for n in range(200, 1000) if self.binds(f"/tmp/.X11-unix/X{n}"))
        self.path = f"/tmp/.X11-unix/X{self.number}"
        self.listener.listen()
        threading.Thread(target=self.run, daemon=True).start()

    def binds(self, path):
        try:
            self.listener.bind(path)
        except OSError:
            return False  # somebody has it
        return True

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            self.open += [client, server]
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                self.left -= len(data) if answers else 0
                if answers and self.left < 0 <= self.left + len(data):
                    break
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        for each in (self.listener, *self.open):
            each.close()
        os.unlink(self.path)


class FaultsTest(PlayerCase):
    def test_nobody_is_asked_for_a_message_bus(self):
        buses = {}
        for kind in ("SESSION", "SYSTEM"):
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(os.path.join(self.directory, kind))
            listener.listen()
            listener.setblocking(False)
            buses[listener] = f"DBUS_{kind}_BUS_ADDRESS", f"unix:path={listener.getsockname()}"
        self.campaign.image("a", "red", 1)
        environment = dict(self.environment(self.start_display().name), **dict(buses.values()))
        player = self.start(self.campaign.write(), environment=environment)
        self.wait_for(lambda: "a" in self.shown_items(), player)
        self.stop(player)
        for listener in buses:
            self.assertRaises(BlockingIOError, listener.accept)

    def test_a_display_that_breaks_while_it_is_opened_ends_the_player_at_once(self):
        self.campaign.image("a", "red", 1)
        publication, display = self.campaign.write(), self.start_display()
        whole = BreakingDisplay(display.name, 1 << 30)
        self.addCleanup(whole.close)
        player = self.start(publication, environment=self.environment(f":{whole.number}"))
        self.wait_for(lambda: "a" in self.shown_items(), player)
        self.stop(player)
        said = []
        for percent in (50, 60, 70, 80):  # while SDL asks what screens there are, and makes the window
            breaking = BreakingDisplay(display.name, ((1 << 30) - whole.left) * percent // 100)
            self.addCleanup(breaking.close)
            player = self.start(publication, environment=self.environment(f":{breaking.number}"))
            said.append(player.communicate(timeout=180)[1])
            self.assertEqual(player.returncode, 1, said[-1])
        self.assertTrue(all("while it was opened; ending" in each for each in said), said)

    def gap_before(self, item):
        """Nanoseconds from the last new frame of what stood before to the item's first present."""
        last_new_ns = None
        for frame, shown in self.frames_of("chinh"):
            if shown["item"] == item:
                return frame["t_ns"] - last_new_ns
            if shown["state"] == "new":
                last_new_ns = frame["t_ns"]
        self.fail(f"'{item}' was never shown")

    def test_a_clip_that_is_rubbish_from_its_middle_on_is_left(self):
        path = self.campaign.path("nua.mp4")
        make_clip(path, 6)
        with open(path, "r+b") as file:
            data = file.read()
            start, length = data.index(b"mdat") + 4, data.index(b"moov") - data.index(b"mdat") - 8
            file.seek(start + length // 2)
            file.write(b"\0" * (length // 2))
        self.campaign.file("nua", path, "video/mp4", 6000)
        self.campaign.image("tot", "green", 1)
        player = self.start(self.campaign.write(), "--refresh", "50")
        self.wait_for(lambda: "tot" in self.shown_items(), player)
        self.stop(player)
        self.assertEqual(self.shown_items()[:2], ["nua", "tot"])
        self.assertLess(self.gap_before("tot"), 2 * SECOND_NS)
        clip = next(p for p in self.plays() if p["item"] == "nua")
        self.assertFalse(clip["complete"])
        self.assertGreater(clip["presented"], 25)

    @unittest.skipIf(shutil.which("strace") is None, "strace is not installed")
    def test_a_clip_whose_disk_stops_answering_is_left(self):
        path = self.campaign.path("ket.mp4")
        make_clip(path, 8, rate=50)
        entry = self.campaign.file("ket", path, "video/mp4", 8000)
        self.campaign.image("tot", "green", 1)
        stored = self.campaign.store_path(entry["sha256"])
        publication = self.campaign.write()
        # The content is verified first, in whole; then the clip is opened, and then it stops.
        reads = -(-entry["size"] // 65536) + 1
        self.assertGreater(entry["size"], 400000, "too small to stop in its middle")
        tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", stored, "-e", "trace=read", "-e",
                  f"inject=read:delay_enter=6s:when={reads + 8}+"]
        asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        player = subprocess.Popen(tracer + self.command(publication, "--headless", "--refresh", "50"),
                                  env=dict(os.environ, ASAN_OPTIONS=asan), stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(player.wait)
        self.addCleanup(os.killpg, player.pid, signal.SIGKILL)  # strace alone would leave the player
        self.wait_for(lambda: "tot" in self.shown_items())
        self.assertEqual(self.shown_items()[:2], ["ket", "tot"])
        self.assertLess(self.gap_before("tot"), 3 * SECOND_NS)

    def test_plays_go_on_without_a_journal_and_are_written_when_there_is_one(self):
        self.campaign.image("do", "red", 0.2)
        self.campaign.image("xanh", "blue", 0.2)
        place = os.path.join(self.directory, "chua-co")
        self.journal = os.path.join(place, "plays.db")
        player = self.start(self.campaign.write())
        self.wait_for(lambda: len(self.frames()) > 8, player)
        self.assertEqual(self.plays(), [])
        os.mkdir(place)
        said = self.stop(player)
        self.assertIn("plays wait in memory", said)
        self.assertGreaterEqual(len(self.plays()), 4)
        self.assertEqual(self.plays()[-1]["why_ended"], "stopped")

    def test_a_full_disk_stops_no_picture_and_loses_no_play(self):
        self.campaign.image("do", "red", 0.2)
        self.campaign.image("xanh", "blue", 0.2)
        publication = self.campaign.write()

        def allow_small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (24 * 1024, resource.RLIM_INFINITY))

        player = self.start(publication, preexec_fn=allow_small_files)
        self.wait_for(lambda: len(self.frames()) > 20, player)
        resource.prlimit(player.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.stop(player)
        order = self.shown_items()
        self.assertEqual(order, [("do", "xanh")[i % 2] for i in range(len(order))])
        self.assertEqual([p["item"] for p in self.plays()], order)
        self.assertEqual([r["seq"] for r in self.records()], list(range(1, len(self.records()) + 1)))

    def test_sigterm_closes_the_plays_of_all_zones(self):
        self.campaign.video("phim", 20)
        clip = self.campaign.take_items()
        self.campaign.image("anh", "red", 3600)
        still = self.campaign.take_items()
        publication = self.campaign.write(
            playlists=[{"name": "p", "items": clip}, {"name": "q", "items": still}],
            zones=[{"name": "chinh", "width": 160, "height": 90, "playlist": "p"},
                   {"name": "ben", "x": 160, "width": 160, "height": 90, "playlist": "q"}])
        player = self.start(publication)
        self.wait_for(lambda: len(self.frames_of("chinh")) > 10, player)
        self.stop(player)
        self.assertEqual(sorted((p["item"], p["why_ended"], p["complete"]) for p in self.plays()),
                         [("anh", "stopped", False), ("phim", "stopped", False)])
        self.assertEqual(self.records()[-1]["kind"], "stop")
        clip = next(p for p in self.plays() if p["item"] == "phim")
        new = [shown for _, shown in self.frames_of("chinh") if shown["state"] == "new"]
        self.assertEqual(clip["presented"], len(new))

    def test_systemd_hears_that_it_is_ready_after_the_first_present(self):
        self.campaign.image("anh", "red", 3600)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(self.directory, "notify"))
        listener.settimeout(180)
        environment = dict(self.environment(self.start_display().name),
                           NOTIFY_SOCKET=os.path.join(self.directory, "notify"))
        player = self.start(self.campaign.write(), environment=environment)
        heard = []
        while sum("WATCHDOG=1" in text for _, text in heard) < 3:
            text = listener.recv(4096).decode()
            heard.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC), text))
        self.stop(player)
        self.assertIn("READY=1", heard[0][1])
        self.assertEqual(sum("READY=1" in text for _, text in heard), 1)
        self.assertGreaterEqual(heard[0][0], self.frames()[0]["t_ns"])
        while "STOPPING=1" not in heard[-1][1]:  # or nothing more comes, and that is said
            heard.append((0, listener.recv(4096).decode()))


if __name__ == "__main__":
    main()
