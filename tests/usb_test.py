#!/usr/bin/env python3
"""USB sticks through the real doors: a bundle from a running server, a player in a window that has no network any more, what
it shows and says, and its plays on the way home, counted once. Then sticks that are refused, and sticks that are pulled."""

import ctypes
import glob
import itertools
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import unittest
import zlib

from player_harness import PATIENCE_S, PLAYER, SIZE, PlayerCase, make_clip
from player_server_test import UNIT, House, Window
from steady import hold_port

SLOW_SYNC = os.path.abspath(os.path.join(os.environ.get("BT_BUILD_ROOT", "build"), "tests", "libslow_sync.so"))
LONG = os.environ.get("BT_LONG") == "1"
BOM = "\ufeff"


class Kiosk(Window):
    """A player that takes sticks."""

    def start(self):
        os.makedirs(self.house.path("usb"), exist_ok=True)
        log = open(self.log, "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [PLAYER, "run", "--data", self.house.path(self.name), "--server", self.house.url, "--clock", "trusted", "--usb",
             self.house.path("usb"), "--window", SIZE + self.place, "--frame-log", self.frame_log],
            stderr=log, env=self.house.environment(self.house.display.name))
        log.close()


class UsbHouse(House):
    """A house with a paired player that shows red. It is founded once; each test gets a copy, at the same address."""

    founded = None  # (a copy of its directory, its server's address, what is red)
    holder = None  # of the port

    def choose_port(self):
        UsbHouse.holder = UsbHouse.holder or hold_port()
        return UsbHouse.holder.getsockname()[1]

    def setUp(self):
        if UsbHouse.founded is None:
            self.found()
        PlayerCase.setUp(self)
        self.port = self.choose_port()
        folder, self.url, self.red = UsbHouse.founded
        shutil.copytree(folder, self.directory, dirs_exist_ok=True)
        self.display = self.start_display()
        self.start_server()
        self.wait_for(lambda: self.server_said("ready"))
        self.kiosk = Kiosk(self, "mot", "+0+0")
        self.kiosk.wait_item(self.red)
        self.sticks = 0

    def found(self):
        House.setUp(self)
        red, red_list = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=red_list)
        self.kiosk = Kiosk(self, "mot", "+0+0")
        self.pair(self.kiosk, self.new_screen("mot"))
        self.kiosk.wait_item(red)
        self.kiosk.kill()
        self.cut_the_line()
        for log in (self.kiosk.frame_log, self.kiosk.log, self.path("server.log")):
            os.remove(log)
        folder = tempfile.mkdtemp(prefix="bt-usb-")
        shutil.copytree(self.directory, folder, dirs_exist_ok=True)
        unittest.addModuleCleanup(shutil.rmtree, folder, True)
        unittest.addModuleCleanup(UsbHouse.holder.close)
        self.doCleanups()
        UsbHouse.founded = (folder, self.url, red)

    def bundle(self, name, *arguments, unit=UNIT, fails=False):
        stick = self.path(name)
        os.makedirs(stick, exist_ok=True)
        return stick, self.bangtin("bundle", "--unit", unit, "--valid", "30d", "--to", stick, *arguments, fails=fails)

    def cut_the_line(self):
        self.server.kill()
        self.server.wait()

    def begin(self, stick):
        """Handed over as bangtin-usb@.service does it; the stick's name there."""
        self.sticks += 1
        place = os.path.join(self.path("usb"), f"s{self.sticks}")
        shutil.copytree(stick, place, symlinks=True)
        with open(place + ".go", "w", encoding="utf-8"):
            pass
        return place

    def finish(self, place, seconds=PATIENCE_S):
        """What is to be written to the stick: KET-QUA.txt, without its mark; None when there is none."""
        self.wait_for(lambda: os.path.exists(place + ".back/done"), self.kiosk, seconds)
        os.remove(place + ".go")
        try:
            with open(place + ".back/KET-QUA.txt", encoding="utf-8", newline="") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        self.assertTrue(text.startswith(BOM))
        self.assertNotIn("\n", text.replace("\r\n", ""))
        return text[len(BOM):]

    def insert(self, stick):
        return self.finish(self.begin(stick))

    def ask(self, database, statement):
        with sqlite3.connect(database, timeout=180) as connection:
            return connection.execute(statement).fetchone()

    def change_state(self, statement):
        """Of the running player's own database: its disk has room for nothing more, or has again."""
        with sqlite3.connect(os.path.join(self.path("mot"), "state.db"), timeout=180) as connection:
            connection.execute(statement)

    def recorded(self, statement):
        return self.ask(os.path.join(self.path("mot"), "plays.db"), statement)

    def counted(self, statement):
        return self.ask(os.path.join(self.path("server"), "bangtin.db"), statement)


class UsbTest(UsbHouse):
    def test_new_content_comes_by_stick_and_plays_go_home_on_it_and_count_once(self):
        clip_path = self.path("clip.mp4")
        make_clip(clip_path, 1)
        clip, clips = self.upload(clip_path, seconds=1)
        self.kiosk.kill()
        self.publish("bang", "an", playlist=clips)
        stick, said = self.bundle("stick")
        self.assertIn("USB đã xong", said)
        self.cut_the_line()
        self.kiosk.start()
        self.assertNotIn(clip, {item for _, item, _ in self.kiosk.shown()})
        place = self.begin(stick)
        said = self.finish(place)
        self.assertIn("Màn hình đã nhận nội dung trên USB.", said)
        self.assertIn("The screen has taken what is on the stick.", said)
        self.kiosk.wait_item(clip)
        complete = "SELECT count(*) FROM record WHERE body LIKE '%\"complete\":true%' AND body LIKE '%video%'"
        self.wait_for(lambda: self.recorded(complete)[0] >= 2, self.kiosk)
        # What is on it is for the server alone, and the stick itself was not touched.
        back = place + ".back"
        self.assertEqual(self.insert(stick).split("\r\n")[0], "BẢNG TIN - KẾT QUẢ CẮM USB")
        back = os.path.join(self.path("usb"), "s2.back")
        boxes = glob.glob(back + "/TRA-VE/*/*.bin")
        self.assertTrue(boxes)
        for box in boxes:
            with open(box, "rb") as file:
                self.assertNotIn(b"\x28\xb5\x2f\xfd", file.read())  # zstd, unsealed
        self.start_server()
        self.wait_for(lambda: self.server_said(r"(?s)ready.*ready"))
        for _ in range(2):  # the network brings the same, before, between or after
            self.assertIn("từ chối 0", self.bangtin("bundle", "return", back))
        self.wait_for(lambda: self.counted("SELECT sum(complete) FROM play_daily")[0] == self.recorded(
            "SELECT count(*) FROM record WHERE body LIKE '%\"complete\":true%' AND body LIKE '%\"kind\":\"play\"%' AND seq <= "
            + str(self.counted("SELECT last_seq FROM play_journal")[0]))[0] and self.counted(
                "SELECT last_seq FROM play_journal")[0] > 2, self.kiosk)
        self.assertEqual(self.counted("SELECT count(*) FROM play_journal"), (1,))
        self.kiosk.kill()

    def test_plays_come_home_by_stick_alone(self):
        stick, _ = self.bundle("stick")
        self.cut_the_line()
        self.kiosk.kill()  # what was on is recorded at the next start
        self.kiosk.start()
        before = self.counted("SELECT coalesce(max(last_seq), 0) FROM play_journal")[0]
        self.wait_for(lambda: self.recorded("SELECT max(seq) FROM record")[0] > before + 1, self.kiosk)
        self.insert(stick)
        self.kiosk.kill()
        last = self.recorded("SELECT max(seq) FROM record")[0]
        self.start_server()
        self.wait_for(lambda: self.server_said(r"(?s)ready.*ready"))
        back = os.path.join(self.path("usb"), "s1.back")
        said = self.bangtin("bundle", "return", back)
        self.assertIn("máy chủ đã có 1", said)
        self.assertEqual(self.counted("SELECT last_seq FROM play_journal"), (last,))
        plays = self.counted("SELECT sum(complete), sum(partial) FROM play_daily")
        self.bangtin("bundle", "return", back)
        self.assertEqual(self.counted("SELECT sum(complete), sum(partial) FROM play_daily"), plays)
        # A bit turned on the way is no play.
        with open(glob.glob(back + "/TRA-VE/*/*.bin")[0], "r+b") as file:
            file.seek(100)
            byte = file.read(1)
            file.seek(100)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn("từ chối 1", self.bangtin("bundle", "return", back, fails=True))

    def test_a_takedown_comes_by_stick(self):
        self.kiosk.kill()
        self.bangtin("takedown", "now", "--unit", UNIT, "--media", self.red, "--reason", "thử", "--wait", "0", fails=None)
        stick, _ = self.bundle("stick")
        self.cut_the_line()
        os.remove(self.kiosk.frame_log)
        self.kiosk.start()
        self.kiosk.wait_item(self.red)
        self.change_state("CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'no room'); END")
        said = self.insert(stick)
        self.assertIn("Trong đó 1 lệnh gỡ không ghi được lên đĩa", said)
        self.wait_for(lambda: self.kiosk.shown()[-1][1] != self.red, self.kiosk)
        self.change_state("DROP TRIGGER full")
        said = self.insert(stick)
        self.assertIn("1 lệnh gỡ trên USB đã có hiệu lực", said)
        self.assertNotIn("không ghi được", said)
        self.kiosk.kill()
        os.remove(self.kiosk.frame_log)
        self.kiosk.start()  # and stays down
        self.wait_for(self.kiosk.shown, self.kiosk)
        self.assertNotIn(self.red, {item for _, item, _ in self.kiosk.shown()})
        self.assertIn("1 lệnh gỡ", self.insert(stick))
        # And the server hears of it before the player ever does.
        self.kiosk.kill()
        self.start_server()
        self.wait_for(lambda: self.server_said(r"(?s)ready.*ready"))
        state = "SELECT state FROM player_order WHERE kind = 'takedown'"
        self.assertNotEqual(self.counted(state), ("done",))
        self.bangtin("bundle", "return", os.path.join(self.path("usb"), "s1.back"))
        self.assertNotEqual(self.counted(state), ("done",))  # it would not have outlived the player
        self.bangtin("bundle", "return", os.path.join(self.path("usb"), "s3.back"))
        self.assertEqual(self.counted(state), ("done",))

    def test_what_the_disk_does_not_have_yet_goes_home_as_carried_out_by_no_stick(self):
        self.kiosk.kill()
        self.bangtin("takedown", "now", "--unit", UNIT, "--media", self.red, "--reason", "thử", "--wait", "0", fails=None)
        stick, _ = self.bundle("stick")
        self.cut_the_line()
        fails = self.path("fails")
        calm = self.environment
        self.environment = lambda display: dict(
            calm(display), LD_PRELOAD=SLOW_SYNC, BT_SYNC_FAILS_OF="/state.db-wal", BT_SYNC_FAILS_WHILE=fails,
            ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        os.remove(self.kiosk.frame_log)
        self.kiosk.start()
        self.kiosk.wait_item(self.red)
        with open(fails, "w", encoding="utf-8"):
            pass
        said = self.insert(stick)
        self.wait_for(lambda: self.kiosk.shown()[-1][1] != self.red, self.kiosk)
        self.assertIn("Trong đó 1 lệnh gỡ không ghi được lên đĩa", said)
        back = os.path.join(self.path("usb"), "s1.back")
        self.assertEqual(glob.glob(back + "/TRA-VE/*/status.seal"), [])
        self.assertTrue(glob.glob(back + "/TRA-VE/*/*.bin"))
        with open(self.kiosk.log, encoding="utf-8") as log:  # nor was it tried: the disk might say otherwise by then
            self.assertIn("The disk did not keep all of it", log.read())
        os.remove(fails)
        said = self.insert(stick)
        self.assertIn("1 lệnh gỡ trên USB đã có hiệu lực", said)
        self.assertNotIn("không ghi được", said)
        self.assertTrue(glob.glob(os.path.join(self.path("usb"), "s2.back", "TRA-VE/*/status.seal")))
        self.kiosk.kill()

    def test_sticks_that_are_refused_say_why_and_change_nothing(self):
        blue, blue_list = self.picture("xanh.png", "blue")
        old, _ = self.bundle("old")
        self.kiosk.kill()
        self.publish("bang", "an", playlist=blue_list)
        self.bangtin("unit", "new", "31334", "--name", "Xã Khác", "--parent", "vn", "--kind", "commune")
        elsewhere, _ = self.bundle("elsewhere", unit="31334")
        good, _ = self.bundle("good")
        self.cut_the_line()
        self.kiosk.start()
        self.kiosk.wait_item(self.red)

        def altered(name, change):
            shutil.copytree(good, self.path(name))
            change(os.path.join(self.path(name), "BANGTIN"))
            return self.path(name)

        def rewrite(path, change):
            with open(path, encoding="utf-8") as file:
                text = change(file.read())
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        def longer(folder):
            def change(text):
                word = json.loads(text)
                word["signed"]["expires"] = "2030-01-01T00:00:00Z"
                return json.dumps(word)
            rewrite(os.path.join(folder, "stick.json"), change)

        def later(folder):
            def change(text):
                word = json.loads(text)
                word["signed"].update({"x-issued": "2099-01-01T00:00:00Z", "expires": "2099-01-20T00:00:00Z"})
                return json.dumps({**word, "signatures": []})
            rewrite(os.path.join(folder, "stick.json"), change)

        def unsigned(folder):
            rewrite(os.path.join(folder, "stick.json"), lambda text: json.dumps({**json.loads(text), "signatures": []}))

        def linked(folder):
            os.rename(os.path.join(folder, "stick.json"), self.path("elsewhere.json"))
            os.symlink(self.path("elsewhere.json"), os.path.join(folder, "stick.json"))

        def told(folder):
            rewrite(os.path.join(folder, "told.json"), lambda text: text.replace('"counted"', '"Counted"'))

        def garble(folder):
            for path in glob.glob(folder + "/blobs/*/*"):
                with open(path, "r+b") as file:
                    file.write(b"xxxx")

        def targets(folder):
            shutil.rmtree(os.path.join(folder, "targets"))

        stranger = "USB này không do máy chủ của màn hình ký"
        for stick, sentence in ((altered("later", later), stranger), (altered("longer", longer), stranger),
                                (altered("unsigned", unsigned), stranger),
                                (altered("linked", linked), stranger), (altered("empty", lambda f: rewrite(
                                    os.path.join(f, "stick.json"), lambda _: "{}")), stranger),
                                (elsewhere, "dành cho đơn vị hoặc màn hình khác"),
                                (altered("torn", targets), "USB thiếu tệp đã ký")):
            self.assertIn(sentence, self.insert(stick))
        self.assertIsNone(self.insert(altered("photos", shutil.rmtree)))
        self.assertNotIn(blue, {item for _, item, _ in self.kiosk.shown()})
        self.assertIn(stranger, self.insert(altered("told", told)))
        # Files that are damaged are not taken, and a whole stick completes them.
        said = self.insert(altered("bad", garble))
        self.assertRegex(said, "[12] tệp trên USB bị hỏng")
        self.assertIn("còn thiếu tệp", said)
        self.assertEqual(self.kiosk.shown()[-1][1], self.red)
        # Nobody's word moved the clock: for who is in 2099, this one has expired.
        said = self.insert(good)
        self.assertIn("đã nhận nội dung", said)
        self.assertIn("đang chiếu", said)
        self.kiosk.wait_item(blue)
        self.assertIn("USB cũ hơn nội dung", self.insert(old))
        self.assertEqual(self.kiosk.shown()[-1][1], blue)


class Hanging:
    """Reads below a folder wait, as those of a stick that is dying do: whoever listens to them (fanotify) does not answer."""

    CLASS_CONTENT, MARK_ADD, ACCESS_PERM, ON_CHILD = 4, 1, 0x20000, 0x08000000

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.listener = libc.fanotify_init(self.CLASS_CONTENT, os.O_RDONLY)
        if self.listener < 0:
            raise unittest.SkipTest("only root can make a stick hang")
        for folder in folders:
            if libc.fanotify_mark(self.listener, self.MARK_ADD, ctypes.c_uint64(self.ACCESS_PERM | self.ON_CHILD), -100,
                                  folder.encode()) < 0:
                raise OSError(ctypes.get_errno(), folder)

    def release(self):
        if self.listener is not None:
            os.close(self.listener)
        self.listener = None


@unittest.skipUnless(LONG, "BT_LONG=1: a stick that hangs is given up after 20 seconds")
class Hung(UsbHouse):
    def hang(self, stick, *folders):
        """Handed over while reads of these folders of it hang."""
        self.sticks += 1
        place = os.path.join(self.path("usb"), f"s{self.sticks}")
        shutil.copytree(stick, place)
        hanging = Hanging(*(path for folder in folders for path in glob.glob(place + folder)))
        self.addCleanup(hanging.release)
        with open(place + ".go", "w", encoding="utf-8"):
            pass
        self.wait_for(lambda: f"handed over: '{place}'" in self.kiosk.said(), self.kiosk)
        return place, hanging

    def test_the_network_goes_on_while_a_stick_hangs_and_it_is_given_up(self):
        stick, _ = self.bundle("stick")
        for name, colour, folder in (("xanh.png", "blue", "/BANGTIN/metadata"), ("vang.png", "yellow", "/BANGTIN")):
            media, playlist = self.picture(name, colour)
            place, hanging = self.hang(stick, folder)
            self.publish("bang", "an", playlist=playlist)
            self.kiosk.wait_item(media)
            self.assertFalse(os.path.exists(place + ".back/done"), "the stick did not hang")
            self.assertIn("USB không trả lời hoặc đọc quá chậm", self.finish(place))
            hanging.release()

    def test_assets_that_hang_are_given_up_and_plays_come_back(self):
        blue, blue_list = self.picture("xanh.png", "blue")
        self.kiosk.kill()
        self.publish("bang", "an", playlist=blue_list)
        stick, _ = self.bundle("stick")
        self.cut_the_line()
        self.kiosk.start()
        place, hanging = self.hang(stick, "/BANGTIN/blobs/*")
        said = self.finish(place)
        self.assertIn("USB không trả lời hoặc đọc quá chậm", said)
        self.assertIn("còn thiếu tệp", said)
        self.assertTrue(glob.glob(place + ".back/TRA-VE/*/*.bin"))
        self.assertNotIn(blue, {item for _, item, _ in self.kiosk.shown()})
        hanging.release()
        self.assertIn("đang chiếu", self.insert(stick))
        self.kiosk.wait_item(blue)


class Pulled(UsbHouse):
    """Sticks that go away while they are read: old or new, never half."""

    def pull(self, place, after_bytes):
        """Takes the stick away when so much of its files has come, as seen in the store."""
        partial = os.path.join(self.path("mot"), "assets", "partial-usb")

        def size(name):
            try:
                return os.path.getsize(os.path.join(partial, name))
            except FileNotFoundError:
                return 0  # it has just become whole

        def come():
            names = os.listdir(partial) if os.path.isdir(partial) else ()
            return sum(map(size, names)) >= after_bytes or os.path.exists(place + ".back/done")
        self.wait_for(come, self.kiosk)
        # Files that are open can be cut, those that are not yet are gone: what a pulled stick is to its reader.
        for path in glob.glob(place + "/BANGTIN/blobs/*/*"):
            os.truncate(path, min(os.path.getsize(path), after_bytes))
        shutil.rmtree(place + "/BANGTIN")

    def test_pulled_twenty_times_it_shows_old_or_new_and_is_complete_in_the_end(self):
        side = 2000
        noise = self.path("lon.png")
        self.big_picture(noise, side)
        size = os.path.getsize(noise)
        big, big_list = self.upload(noise)
        self.kiosk.kill()
        self.publish("bang", "an", playlist=big_list)
        stick, _ = self.bundle("stick")
        self.cut_the_line()
        self.kiosk.start()
        self.kiosk.wait_item(self.red)
        pulls = 20 if LONG else 3
        for number in range(pulls):
            place = self.begin(stick)
            self.pull(place, size * number // pulls)
            said = self.finish(place)
            shown = {item for _, item, _ in self.kiosk.shown()} - {None}
            self.assertLessEqual(shown, {self.red, big})
            if said and "bang, bản 2: đang chiếu" in said:
                self.kiosk.wait_item(big)
        self.assertIn("đang chiếu", self.insert(stick))
        self.kiosk.wait_item(big)
        begun = itertools.dropwhile(lambda shown: shown[1] is None, self.kiosk.shown())  # until red was loaded again
        self.assertEqual([], [shown for shown in begun if shown[1] is None])  # never nothing

    @staticmethod
    def big_picture(path, side):
        """Noise that nobody packs: so many bytes as three a pixel."""
        def chunk(name, body):
            return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                       chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def main():
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
