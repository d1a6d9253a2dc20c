#!/usr/bin/env python3
"""The whole way through the real doors: a server, its command line, and players in windows. What is published is seen, what
is taken down goes, a warning cuts in and the clip resumes, orders are answered, and a killed player goes on alone."""

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import unittest

import player_harness
from player_harness import PLAYER, SIZE, Display, PlayerCase, make_clip, make_still
from steady import own_port, patiently

BUILD = os.environ.get("BT_BUILD_ROOT", "build")
SERVER = os.path.join(BUILD, "server", "bangtin-server")
BANGTIN = os.path.join(BUILD, "cli", "bangtin")
UNIT = "31333"
HOLDERS = ("goc", "tinh", "an", "ky-thuat", "truc-ban")


class Window:
    """A player of the server's, in a window."""

    def __init__(self, house, name, place):
        self.house = house
        self.name = name
        self.frame_log = house.path(name + ".jsonl")
        self.log = house.path(name + ".log")
        self.place = place
        self.process = None
        self.start()
        house.addCleanup(self.kill)

    def start(self):
        log = open(self.log, "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [PLAYER, "run", "--data", self.house.path(self.name), "--server", self.house.url, "--clock", "trusted",
             "--window", SIZE + self.place, "--frame-log", self.frame_log],
            stderr=log, env=self.house.environment(self.house.display.name))
        log.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def shown(self, zone="chinh"):
        """(time, item, place in it) of each present; no item when the zone showed none."""
        try:
            with open(self.frame_log, encoding="utf-8") as file:
                frames = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [(frame["t_ns"], *next(((entry["item"], entry["pts_ms"]) for entry in frame["zones"] if entry["zone"] == zone),
                                      (None, -1))) for frame in frames]

    def wait_item(self, item, zone="chinh", after_ns=0):
        return self.house.wait_for(
            lambda: next((shown for shown in self.shown(zone) if shown[0] >= after_ns and shown[1] == item), None), self)

    def poll(self):
        return self.process.poll()

    @property
    def stderr(self):
        return open(self.log, encoding="utf-8")


class House(PlayerCase):
    def setUp(self):
        super().setUp()
        for program in (SERVER, BANGTIN, os.path.join(BUILD, "workshop", "bangtin-media")):
            if not os.path.exists(program):
                self.skipTest(f"{program} is not built")
        self.display = self.start_display()
        self.port = self.choose_port()
        self.start_server()
        self.sign_in()

    def choose_port(self):
        return own_port(self)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_file(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start_server(self):
        listen = f"127.0.0.1:{self.port}"
        log = open(self.path("server.log"), "a", encoding="utf-8")
        self.server = subprocess.Popen([SERVER, "--data", self.path("server"), "--listen", listen], stdout=log, stderr=log)
        log.close()
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)

    def server_said(self, pattern):
        with open(self.path("server.log"), encoding="utf-8") as file:
            return re.search(pattern, file.read())

    def bangtin(self, *arguments, fails=False, as_json=False):
        environment = dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.path("config"))
        done = subprocess.run([BANGTIN, *patiently(arguments), *(["--json"] if as_json else [])], env=environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=180)
        if fails is not None:
            self.assertEqual(done.returncode != 0, fails, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if as_json and not fails else done.stdout + done.stderr

    def key(self, name):
        return self.path(name + ".json")

    def pins(self):
        """What is said of the server's TLS, which on the loopback it has none of: for the login, for the players."""
        return (), ()

    def sign_in(self):
        secret = self.wait_for(lambda: self.server_said(r"(?s)(https?://[0-9.:]+)/#first=(\w+).*ready"))
        self.url = secret.group(1)
        of_login, of_players = self.pins()
        first = self.write_file("first", secret.group(2) + "\n")
        password = self.write_file("password", "mat khau du dai 2026\n")
        self.bangtin("login", self.url, *of_login, "--login", "an", "--name", "An", "--first-secret-file", first, "--password-file",
                     password)
        for holder in HOLDERS:
            self.bangtin("key", "new", self.key(holder), "--holder", holder, "--no-passphrase")
        signs = ["--key", self.key("goc"), "--key", self.key("tinh")]
        self.bangtin("repository", "new", self.path("kho"), "--server", self.url, *of_players, "--root", self.key("goc"), "--targets",
                     self.key("tinh"), "--root-threshold", "1", "--targets-threshold", "1", *signs)
        self.bangtin("unit", "new", UNIT, "--name", "Xã Thử", "--parent", "vn", "--kind", "commune")
        for role, holder in (("u-", "an"), ("s-", "ky-thuat"), ("em-", "truc-ban")):
            self.bangtin("key", "enrol", role + UNIT, self.path(holder + ".pub.json"), "--threshold", "1", "--repository",
                         self.path("kho"), *signs)

    def new_screen(self, name, **recipe):
        screen = self.bangtin("screen", "new", name, "--unit", UNIT, "--kind", "lcd", "--width", "320", "--height", "180",
                              as_json=True)["id"]
        recipe = {"canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh"}], "carries": [f"u/{UNIT}/bang"], **recipe}
        recipe = {key: value for key, value in recipe.items() if value is not None}
        self.publish(screen, "ky-thuat", layer="screen", recipe=recipe, title="Màn hình " + name)
        return screen

    def publish(self, name, holder, layer="unit", recipe=None, playlist=None, title="Thử", activate="now"):
        content = ["--recipe", self.write_file("recipe.json", json.dumps(recipe))] if recipe else ["--playlist", playlist, "--replace"]
        self.bangtin("publish", name, "--unit", UNIT, "--layer", layer, "--title", title, "--activate", activate, "--key",
                     self.key(holder), "--yes", *content)

    def upload(self, path, seconds=60):
        """A playlist of the one file: (media, playlist)."""
        media = self.bangtin("upload", path, "--unit", UNIT, as_json=True)["media"]
        playlist = self.bangtin("playlist", "new", os.path.basename(path), media, "--unit", UNIT, "--seconds", str(seconds),
                                as_json=True)["id"]
        return media, playlist

    def picture(self, name, colour, seconds=60):
        make_still(self.path(name), colour)
        return self.upload(self.path(name), seconds)

    def pair(self, window, screen):
        code = self.wait_for(lambda: re.search(r"code '([^']+)', words '([^']+)'", window.said()), window)
        self.bangtin("pair", code.group(1), "--screen", screen, "--words", code.group(2), "--yes", "--key",
                     self.key("ky-thuat"))


class ServerTest(House):
    def test_a_screen_made_and_paired_during_an_emergency_shows_it_at_once(self):
        red, red_list = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=red_list)
        self.publish("bao", "an", layer="template", recipe={
            "fields": [{"name": "cap", "type": "number"}], "playlists": [{"name": "w", "items": [
                {"id": "bao", "type": "text", "text": "BÃO CẤP {cap}", "seconds": 10}]}],
            "schedule": [{"id": "z", "zone": "chinh", "playlist": "w"}]})
        self.bangtin("emergency", "start", f"u/{UNIT}/template-bao", "--field", "cap=9", "--minutes", "5", "--key",
                     self.key("truc-ban"))
        window = Window(self, "mot", "+0+0")
        self.pair(window, self.new_screen("mot"))
        window.wait_item("bao")

    def test_an_asset_that_is_damaged_on_the_disk_is_fetched_again_and_the_rest_plays_on(self):
        make_still(self.path("do.png"), "red")
        red, red_list = self.upload(self.path("do.png"), seconds=2)
        self.publish("bang", "an", playlist=red_list)
        window = Window(self, "mot", "+0+0")
        self.pair(window, self.new_screen("mot"))
        window.wait_item(red)
        window.kill()
        os.remove(window.frame_log)
        whole = self.read(self.path("do.png"))
        name = hashlib.sha256(whole).hexdigest()
        path = os.path.join(self.path("mot"), "assets", name[:2], name)
        with open(path, "r+b") as file:
            file.write(b"X" * 32)
        window.start()
        self.wait_for(lambda: "asset-damaged: " in window.said(), window)
        window.wait_item(red)
        self.assertEqual(self.read(path), whole)

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def test_a_campaign_reaches_two_players_and_goes_again(self):
        red, red_list = self.picture("do.png", "red")
        blue, blue_list = self.picture("xanh.png", "blue")
        self.publish("bang", "an", playlist=red_list)
        windows = [Window(self, name, place) for name, place in (("mot", "+0+0"), ("hai", "+320+0"))]
        screens = [self.new_screen(window.name) for window in windows]
        for window, screen in zip(windows, screens):
            self.pair(window, screen)
            window.wait_item(red)
        self.publish("bang", "an", playlist=blue_list)
        for window in windows:
            window.wait_item(blue)
        asked_ns = time.monotonic_ns()
        said = self.bangtin("takedown", "now", "--unit", UNIT, "--media", blue, "--reason", "thử")
        gone_ns = time.monotonic_ns()  # each of them has said so
        for window in windows:
            self.assertNotEqual(window.shown()[-1][1], blue, said)
        self.publish("bang", "an", playlist=red_list)
        for window in windows:
            window.wait_item(red, after_ns=asked_ns)
            self.assertFalse([s for s in window.shown() if s[0] > gone_ns and s[1] == blue], said)

    def test_plays_of_a_player_that_was_killed_come_home(self):
        make_still(self.path("do.png"), "red")
        red, red_list = self.upload(self.path("do.png"), seconds=2)
        self.publish("bang", "an", playlist=red_list)
        window = Window(self, "mot", "+0+0")
        screen = self.new_screen("mot")
        self.pair(window, screen)
        journal = os.path.join(self.path("mot"), "plays.db")

        def ask(database, statement):
            with sqlite3.connect(database, timeout=180) as connection:
                return connection.execute(statement).fetchone()

        def complete():
            return ask(journal, "SELECT count(*) FROM record WHERE body LIKE '%\"complete\":true%'")[0]

        self.wait_for(lambda: complete() >= 3, window)
        window.kill()
        window.start()  # closes what was cut, and sends what is there
        server = os.path.join(self.path("server"), "bangtin.db")
        self.wait_for(lambda: ask(server, "SELECT count(*) FROM play_run WHERE kind = 'start'")[0] == 2, window)
        window.kill()
        sums = "(SELECT sum(complete) FROM play_daily), (SELECT sum(partial) FROM play_daily)"
        last, here, *counted = ask(server, f"SELECT last_seq, journal, {sums} FROM play_journal")
        self.assertEqual(ask(journal, "SELECT value FROM meta WHERE key = 'journal_id'")[0], here)
        rows = f"FROM record WHERE seq <= {last} AND body LIKE '%\"kind\":\"play\"%' AND body LIKE "
        truth = tuple(ask(journal, f"SELECT count(*) {rows} '%\"complete\":{word}%'")[0] for word in ("true", "false"))
        self.assertGreaterEqual(truth[0], 3)
        self.assertGreaterEqual(truth[1], 1)  # the one that was cut
        self.assertEqual(tuple(counted), truth)
        self.assertEqual(ask(server, "SELECT DISTINCT screen FROM play_daily"), (screen,))

    def test_orders_are_answered_and_a_killed_player_goes_on_without_the_server(self):
        red, red_list = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=red_list)
        window = Window(self, "mot", "+0+0")
        screen = self.new_screen("mot", limits={"brightness_percent": 80})
        self.pair(window, screen)
        window.wait_item(red)
        picture = self.path("shot.png")
        self.bangtin("command", "screenshot", screen, "--to", picture)
        corner = player_harness.pixels("-i", picture)[-3:]
        self.assertGreater(corner[0], 190)  # of 80 % light, below the demo mark
        self.bangtin("command", "identify", screen, "1")
        self.bangtin("command", "brightness", screen, "40")
        self.assertIn("80", self.bangtin("command", "brightness", screen, "90", fails=True))
        self.bangtin("command", "volume", screen, "10")
        self.bangtin("command", "blank", screen)
        window.kill()
        self.server.kill()
        self.server.wait()
        os.remove(window.frame_log)
        window.start()
        raw = self.wait_for(lambda: self.blank_pixels(), window)
        self.assertEqual(set(raw), {0})
        self.start_server()
        self.wait_for(lambda: self.server_said(r"(?s)ready.*ready"))
        self.bangtin("command", "unblank", screen)
        window.wait_item(red)
        self.assertEqual(listening_sockets(window.process.pid), 0)

    def blank_pixels(self):
        raw = self.display.pixels()
        return raw if set(raw) == {0} else None

    def screen_state(self, emergency, state):
        """What the officer reads of the only screen, once it has that state."""
        def look():
            screens = self.bangtin("emergency", "show", emergency, as_json=True)["screens"]
            return screens[0] if screens[0]["state"] == state else None
        return self.wait_for(look)

    def test_an_emergency_is_done_when_it_is_seen_even_if_the_player_is_killed_before(self):
        red, red_list = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=red_list)
        for name, zone in (("bao", "chinh"), ("lac", "khong-co")):
            self.publish(name, "an", layer="template", title="Bão", recipe={
                "fields": [{"name": "cap", "type": "number", "max_bytes": 2}],
                "playlists": [{"name": "w", "items": [{"id": name, "type": "text", "text": "BÃO CẤP {cap}", "seconds": 10}]}],
                "schedule": [{"id": "z", "zone": zone, "playlist": "w"}]})
        window = Window(self, "mot", "+0+0")
        self.pair(window, self.new_screen("mot"))
        window.wait_item(red)
        signed = ["--field", "cap=12", "--key", self.key("truc-ban")]
        said = self.bangtin("emergency", "start", f"u/{UNIT}/template-lac", *signed, fails=True)
        self.assertIn("không có vùng 'khong-co' / no zone 'khong-co'", said)
        begun = self.bangtin("emergency", "start", f"u/{UNIT}/template-bao", "--level", "5", *signed, as_json=True)["id"]
        window.wait_item("bao")
        self.screen_state(begun, "done")
        self.bangtin("emergency", "end", begun)
        self.assertNotEqual(window.shown()[-1][1], "bao")
        again = self.bangtin("emergency", "start", f"u/{UNIT}/template-bao", "--level", "5", "--wait", "0", *signed, as_json=True,
                             fails=None)["id"]
        self.wait_for(lambda: window.said().count("'emergency' ") >= 3, window)
        window.kill()
        killed_ns = time.monotonic_ns()
        window.start()
        window.wait_item("bao", after_ns=killed_ns)
        self.screen_state(again, "done")

    def test_a_warning_cuts_in_and_the_clip_resumes(self):
        make_clip(self.path("clip.mp4"), 20)
        clip, clips = self.upload(self.path("clip.mp4"))
        self.publish("bang", "an", playlist=clips)
        self.publish("bao", "an", layer="template", title="Bão", recipe={
            "fields": [{"name": "cap", "type": "number", "max_bytes": 2}],
            "playlists": [{"name": "w", "items": [{"id": "bao", "type": "text", "text": "BÃO CẤP {cap}", "seconds": 10}]}],
            "schedule": [{"id": "z", "zone": "chinh", "playlist": "w"}]})
        window = Window(self, "mot", "+0+0")
        self.pair(window, self.new_screen("mot"))
        window.wait_item(clip)
        time.sleep(1)
        begun = self.bangtin("emergency", "start", f"u/{UNIT}/template-bao", "--field", "cap=12", "--key", self.key("truc-ban"),
                             as_json=True)
        warned = window.wait_item("bao")
        self.bangtin("emergency", "end", begun["id"])
        back = window.wait_item(clip, after_ns=warned[0])
        last = [s for s in window.shown() if s[1] == clip and s[0] < warned[0]][-1]
        self.journal = self.path("mot/plays.db")
        play = self.wait_for(lambda: next((p for p in self.plays() if p["item"] == clip), None), window)
        # A busy machine leaves out frames, which are counted.
        self.assertLessEqual(abs(back[2] - (last[2] + 40)), 40 * (1 + play["dropped"]), (last, back))


def listening_sockets(pid):
    listing = subprocess.run(["ss", "-H", "-l", "-n", "-p", "-t", "-u"], capture_output=True, text=True, check=True).stdout
    return sum(f"pid={pid}," in line for line in listing.splitlines())


if __name__ == "__main__":
    player_harness.main()
