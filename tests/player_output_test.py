#!/usr/bin/env python3
"""Where the real player puts the pixels: folded, turned and cut canvases on a real X server, against what render draws."""

import ctypes
import json
import os
import subprocess

from player_harness import PLAYER, PlayerCase, ffmpeg, main, time_text

SCREEN = (640, 480)
BACKENDS = ("soft", "gles2")


def rows(raw, width):
    """Red, green, blue bytes → one bytes object for each row."""
    return [raw[at:at + width * 3] for at in range(0, len(raw), width * 3)]


def part(picture, x, y, width, height):
    return [row[x * 3:(x + width) * 3] for row in picture[y:y + height]]


class ClientMessage(ctypes.Structure):
    """Xlib's XClientMessageEvent, with the room of an XEvent."""
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 24)]


def windows_at(xlib, display, x, y):
    """Those whose left top corner is there; no window manager puts frames around them."""
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    top = xlib.XDefaultRootWindow(display)
    xlib.XQueryTree(display, top, ctypes.byref(root), ctypes.byref(parent), ctypes.byref(children), ctypes.byref(count))
    for window in children[:count.value]:
        at, size = [ctypes.c_int(), ctypes.c_int()], [ctypes.c_uint() for _ in range(4)]
        xlib.XGetGeometry(display, window, ctypes.byref(root), *map(ctypes.byref, at + size))
        if [at[0].value, at[1].value] == [x, y] and size[0].value > 1:
            yield window
    xlib.XFree(children)


def close_window(display_name, x, y):
    """What a window manager does when somebody clicks on the cross."""
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(xlib.XOpenDisplay(display_name.encode()))
    for name in ("XDefaultRootWindow", "XInternAtom"):
        getattr(xlib, name).restype = ctypes.c_ulong
    for name in ("XQueryTree", "XGetGeometry"):
        getattr(xlib, name).argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    xlib.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    client_message = 33
    closed = list(windows_at(xlib, display, x, y))
    for window in closed:
        event = ClientMessage(type=client_message, window=window, format=32,
                              message_type=xlib.XInternAtom(display, b"WM_PROTOCOLS", False))
        event.data[0] = xlib.XInternAtom(display, b"WM_DELETE_WINDOW", False)
        xlib.XSendEvent(display, window, False, 0, ctypes.byref(event))
    xlib.XCloseDisplay(display)
    assert len(closed) == 1, closed


class OutputTest(PlayerCase):
    def picture(self, path, width):
        return rows(ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"), width)

    def grab(self, display):
        raw = subprocess.run(["import", "-display", display.name, "-window", "root", "-depth", "8", "rgb:-"], check=True,
                             capture_output=True).stdout
        return rows(raw, SCREEN[0])

    def write_screen(self, width, height, output):
        """A picture over all of the canvas, and words over it."""
        path = self.campaign.path("mau.png")
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={width}x{height}", "-frames:v", "1", path)
        self.campaign.file("mau", path, "image/png", seconds=3600)
        still = self.campaign.take_items()
        words = [{"id": "chu", "type": "text", "text": "Chào mừng quý khách", "seconds": 3600, "style": {"size": 40}}]
        return self.campaign.write(
            "man-hinh.json", id="man-hinh", layer="screen", canvas={"width": width, "height": height}, output=output,
            playlists=[{"name": "p", "items": still}, {"name": "t", "items": words}],
            zones=[{"name": "chinh", "playlist": "p"},
                   {"name": "chu", "x": width // 4, "width": width // 2, "height": 48, "order": 1, "playlist": "t"}])

    def drawn(self, publication, width, *options):
        out = self.campaign.path("ve.png")
        subprocess.run([PLAYER, "render", publication, "--assets", os.path.join(self.directory, "assets"), "--at",
                        time_text(0), "--out", out, *options], check=True)
        return self.picture(out, width)

    def start_player(self, publication, display, *options):
        environment = self.environment(display.name)
        if "gles2" in options:
            environment["ASAN_OPTIONS"] = "detect_leaks=0"  # Mesa keeps what it allocated
        player = subprocess.Popen([PLAYER, "play", publication, "--assets", os.path.join(self.directory, "assets"),
                                   "--frame-log", self.frame_log, "--plays", self.journal, "--clock", "trusted", *options],
                                  env=environment, stderr=subprocess.PIPE, text=True)
        self.addCleanup(player.stderr.close)
        self.addCleanup(player.wait)
        self.addCleanup(player.kill)
        self.wait_for(lambda: self.frames_of("chu") and self.frames_of("chinh"), player)
        return player

    def shown(self, publication, *options):
        """What stands on the screen, and what the player said."""
        display = self.start_display()
        player = self.start_player(publication, display, *options)
        screen = self.grab(display)
        return screen, self.stop(player)

    def test_a_folded_gate_stands_as_the_plan_says(self):
        publication = self.write_screen(1600, 96, {"mode": {"width": 640, "height": 480}, "fold": {"width": 640}})
        canvas = self.drawn(publication, 1600)
        for backend in ("soft", "gles2"):
            with self.subTest(backend):
                if os.path.exists(self.frame_log):
                    os.remove(self.frame_log)
                screen, said = self.shown(publication, "--backend", backend)
                self.assertNotIn("another mode", said)
                for index, width in enumerate((640, 640, 320)):
                    wanted = part(canvas, index * 640, 0, width, 96)
                    self.assertEqual(part(screen, 0, index * 96, width, 96), wanted, f"slice {index}")
                self.assertEqual(set(b"".join(part(screen, 320, 192, 320, 96))), {0})
                self.assertEqual(set(b"".join(part(screen, 0, 288, 640, 192))), {0})
        self.assertEqual(self.drawn(publication, 640, "--raster"), screen)

    def test_a_display_of_another_mode_is_reported_and_never_scaled_to(self):
        publication = self.write_screen(800, 400, {"mode": {"width": 1366, "height": 768}, "x": 8, "y": 120})
        canvas = self.drawn(publication, 800)
        screen, said = self.shown(publication)
        self.assertIn("asked 1366 × 768, got 640 × 480", said)
        self.assertEqual(part(screen, 8, 120, 632, 360), part(canvas, 0, 0, 632, 360))
        self.assertEqual(set(b"".join(part(screen, 0, 0, 640, 120))), {0})
        self.assertEqual(set(b"".join(part(screen, 0, 0, 8, 480))), {0})

    def test_a_turned_screen_with_curves_and_dimming_in_a_window(self):
        publication = self.write_screen(240, 400, {"mode": {"width": 480, "height": 300}, "rotation": 90, "x": 40, "y": 20,
                                                   "curves": {"red": [0, 200]}, "dimming_percent": 50})
        raster = self.drawn(publication, 480, "--raster")
        screen, said = self.shown(publication, "--backend", "soft")
        self.assertIn("costs levels of grey", said)
        self.assertEqual(part(screen, 0, 0, 480, 300), raster)
        self.assertGreater(len(set(b"".join(raster))), 50)
        self.assertEqual(max(byte for row in raster for byte in row[0::3]), 100)

    def test_the_pattern_goes_through_the_same_mapping(self):
        publication = self.write_screen(1600, 96, {"mode": {"width": 640, "height": 480}, "fold": {"width": 640}})
        out = self.campaign.path("mau-thu.png")
        options = ["pattern", "--screen", publication, "--module", "32x32"]
        subprocess.run([PLAYER, *options, "--out", out], check=True)
        drawn = self.picture(out, 640)
        display = self.start_display()
        player = subprocess.Popen([PLAYER, *options], env=self.environment(display.name), stderr=subprocess.PIPE, text=True)
        self.addCleanup(player.stderr.close)
        self.addCleanup(player.wait)
        self.addCleanup(player.kill)
        # The lines that move are the only difference.
        def differing():
            shown = self.grab(display)
            return sum(a != b for left, right in zip(drawn, shown) for a, b in zip(left, right))
        self.wait_for(lambda: differing() < 3 * 2 * (1600 + 96) * 2, player)
        self.stop(player)
        self.assertEqual(drawn[0][:3], b"\xff\x00\x00")

    # A wall on two senders: the left one upright, of the right one a half hangs upside down.
    WINDOWS = [
        {"name": "trai", "x": 0, "y": 0, "width": 300, "height": 200,
         "slices": [{"from": {"width": 240, "height": 160}, "to": {"x": 10, "y": 20}}]},
        {"name": "phai", "x": 320, "y": 230, "width": 320, "height": 250,
         "slices": [{"from": {"x": 240, "width": 120, "height": 160}, "to": {"x": 0, "y": 0}, "rotation": 180},
                    {"from": {"x": 360, "width": 120, "height": 160}, "to": {"x": 150, "y": 120}, "rotation": 90}]}]

    def window_of(self, picture, index):
        """A window's part of the desktop."""
        window = self.WINDOWS[index]
        return part(picture, window["x"], window["y"], window["width"], window["height"])

    def wanted_windows(self, publication):
        """What each is to show: without a display they stand beside each other."""
        raster = self.drawn(publication, 620, "--raster")
        return part(raster, 0, 0, 300, 200), part(raster, 300, 0, 320, 250)

    def test_two_windows_show_their_parts_of_one_canvas(self):
        publication = self.write_screen(480, 160, {"windows": self.WINDOWS})
        left, right = self.wanted_windows(publication)
        for backend in BACKENDS:
            with self.subTest(backend):
                for path in (self.frame_log, self.journal):
                    if os.path.exists(path):
                        os.remove(path)
                screen, said = self.shown(publication, "--backend", backend)
                self.assertNotIn("Not every window", said)
                self.assertEqual(self.window_of(screen, 0), left)
                self.assertEqual(self.window_of(screen, 1), right)
                self.assertEqual(set(b"".join(part(screen, 320, 0, 320, 230))), {0})
                self.assertEqual(sorted(play["item"] for play in self.plays()), ["chu", "mau"])
        self.assertGreater(len(set(b"".join(left))), 50)

    def test_the_pattern_draws_each_window_with_its_number(self):
        publication = self.write_screen(480, 160, {"windows": self.WINDOWS})
        out = self.campaign.path("mau-thu.png")
        subprocess.run([PLAYER, "pattern", "--screen", publication, "--out", out], check=True)
        drawn = self.picture(out, 620)
        self.assertEqual(len(drawn), 250)
        self.assertEqual(drawn[20][30:33], b"\xff\x00\x00", "the canvas's left top corner")
        for left, width in ((0, 300), (300, 320)):
            label = b"".join(part(drawn, left, 0, width, 250))
            self.assertIn(b"\xff\xd2\x00" * 20, label, "no number")

    def test_a_window_that_is_closed_does_not_stop_the_other(self):
        publication = self.write_screen(480, 160, {"windows": self.WINDOWS})
        left, right = self.wanted_windows(publication)
        for closed, kept, wanted in ((1, 0, left), (0, 1, right)):
            with self.subTest(self.WINDOWS[closed]["name"]):
                if os.path.exists(self.frame_log):
                    os.remove(self.frame_log)
                display = self.start_display()
                player = self.start_player(publication, display, "--backend", "soft")
                close_window(display.name, self.WINDOWS[closed]["x"], self.WINDOWS[closed]["y"])
                self.wait_for(lambda: set(b"".join(self.window_of(self.grab(display), closed))) == {0}, player)
                presents = len(self.frames())
                self.wait_for(lambda: len(self.frames()) > presents + 1, player)
                self.assertEqual(self.window_of(self.grab(display), kept), wanted)
                self.assertIn(f"window '{self.WINDOWS[closed]['name']}': closed", self.stop(player))

    def test_a_window_without_its_display_leaves_the_others(self):
        windows = [dict(self.WINDOWS[0]), dict(self.WINDOWS[1])]
        del windows[1]["x"], windows[1]["y"]
        windows[1]["display"] = 2
        publication = self.write_screen(480, 160, {"windows": windows})
        screen, said = self.shown(publication, "--backend", "soft")
        self.assertEqual(self.window_of(screen, 0), self.wanted_windows(publication)[0])
        self.assertIn("there is no display 2", said)
        self.assertIn("window 'phai': closed, or its display is missing", said)

    def test_what_a_pattern_cannot_be_drawn_for_is_said(self):
        path = self.campaign.path("hong.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": 1, "id": "a", "version": 1, "layer": "screen"}, file)
        for options in (["--screen", path], ["--module", "64"], ["--screen", "/nowhere.json"]):
            done = subprocess.run([PLAYER, "pattern", "--headless", "--for", "1", *options], capture_output=True, text=True,
                                  timeout=120)
            self.assertNotEqual(done.returncode, 0, options)
            self.assertNotEqual(done.stderr, "")


if __name__ == "__main__":
    main()
