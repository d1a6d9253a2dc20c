#!/usr/bin/env python3
"""What a player says of the machine it stands on, through the real doors: a player in a window on a private X server, over
a /sys of its own, and the real server. The display goes dark and is lit again, the board gets hot: the server hears of it
at once, people are told, and plays that nobody could see are not verified."""

import json
import os
import sqlite3
import time
import unittest

from player_server_test import UNIT, House, Window
from server_care_test import Smtp, heading, text_of

LATE_S = 180  # before the ten minutes after which a status comes by itself


class Kernel:
    """A /sys with one connector, one thermal zone and a Raspberry Pi's firmware."""

    def __init__(self, root):
        self.root = root
        self.display("connected", "enabled", "On")
        self.put("class/thermal/thermal_zone0/temp", "51000")
        self.put("devices/platform/soc/soc:firmware/get_throttled", "0")

    def put(self, name, text):
        path = os.path.join(self.root, "sys", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(path + ".new", path)

    def display(self, status, enabled, dpms):
        for name, text in (("status", status), ("enabled", enabled), ("dpms", dpms)):
            self.put(f"class/drm/card1-HDMI-A-1/{name}", text)


class CareHouse(House):
    def setUp(self):
        os.environ["BT_CARE_EVERY_MS"] = "100"
        self.addCleanup(os.environ.pop, "BT_CARE_EVERY_MS")
        super().setUp()
        self.kernel = Kernel(self.path("kernel"))
        self.smtp = Smtp()
        self.addCleanup(self.smtp.server_close)
        self.addCleanup(self.smtp.shutdown)
        for name, value in (("mail_server", f"smtp://127.0.0.1:{self.smtp.server_address[1]}"), ("alert_quiet_from", "0"),
                            ("mail_from", "bang-tin@tinh.test"), ("alert_mail_to", "an@tinh.test"), ("plays_every_s", "10"),
                            ("alert_quiet_until", "0")):
            self.bangtin("setting", "set", "vn", name, value)

    def environment(self, display):
        return dict(super().environment(display), BT_SYS_ROOT=self.path("kernel"))

    def ask(self, database, statement):
        with sqlite3.connect(database, timeout=180) as connection:
            return connection.execute(statement).fetchall()

    def on_server(self, statement):
        return self.ask(os.path.join(self.path("server"), "bangtin.db"), statement)

    def status(self, screen):
        """What the player last said; nothing before it has."""
        return self.bangtin("status", screen, as_json=True)["status"] or {"display": {}, "machine": {}}

    def within(self, question, what):
        deadline = time.monotonic() + LATE_S
        while not (answer := question()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)
        return answer

    def start_playing(self):
        red, red_list = self.picture("do.png", "red")
        self.publish("bang", "an", playlist=red_list)
        window = Window(self, "mot", "+0+0")
        screen = self.new_screen("mot")
        self.pair(window, screen)
        window.wait_item(red)
        return window, screen

    def picture(self, name, colour):
        self.write_picture(name, colour)
        return self.upload(self.path(name), seconds=2)

    def write_picture(self, name, colour):
        from player_harness import make_still
        make_still(self.path(name), colour)


class CareTest(CareHouse):
    def kinds(self):
        return sorted(alert["kind"] for alert in self.bangtin("alert", "list", as_json=True))

    def no_holding(self):
        """Whatever was noticed has been there for long enough."""
        self.on_server("UPDATE alert SET seen_ms = 1000 WHERE raised_ms IS NULL")

    def raised(self, kind):
        def look():
            self.no_holding()
            return kind in self.kinds()
        self.within(look, f"no alert '{kind}'")

    def test_a_display_that_goes_dark_and_a_board_that_gets_hot_are_heard_of_at_once(self):
        window, screen = self.start_playing()
        self.within(lambda: self.status(screen)["display"].get("state") == "on", "the display is not said")
        journal = os.path.join(self.path("mot"), "plays.db")

        def records(display):
            return self.ask(journal, "SELECT count(*) FROM record WHERE body LIKE "
                            f"'%\"display\":\"{display}\",\"display_evidence\":\"hpd\"%'")[0][0]
        self.within(lambda: records("on") >= 2, "no play says that the display was lit")

        self.kernel.display("connected", "enabled", "Off")
        self.within(lambda: self.status(screen)["display"].get("state") == "off", "the server does not hear of it")
        self.raised("dark")
        letter = self.smtp.wait(1)
        self.assertIn("1 cảnh báo mới", heading(letter, "Subject"))
        self.assertIn("màn hình đang tắt trong giờ mở", text_of(letter))
        self.assertIn("the display is off in opening hours", text_of(letter))
        self.within(lambda: records("off") >= 2, "no play says that the display was dark")

        self.kernel.put("class/thermal/thermal_zone0/temp", "88000")
        self.kernel.put("devices/platform/soc/soc:firmware/get_throttled", "50005")
        self.within(lambda: self.status(screen)["machine"] == {"celsius": 88, "throttled": True, "low_power": True},
                    "the heat is not said")
        self.raised("hot")
        self.raised("throttled")

        self.kernel.display("connected", "enabled", "On")
        self.kernel.put("class/thermal/thermal_zone0/temp", "51000")
        self.kernel.put("devices/platform/soc/soc:firmware/get_throttled", "0")
        self.within(lambda: self.status(screen)["display"].get("state") == "on", "the light is not said")
        self.within(lambda: self.status(screen)["machine"]["celsius"] == 51, "the cold is not said")

        def over():
            self.on_server("UPDATE alert SET calm_ms = 1000 WHERE calm_ms IS NOT NULL")
            return self.kinds() == []
        self.within(over, "the alerts do not end")
        self.within(lambda: any("đã hết" in heading(letter, "Subject") for letter in self.smtp.letters), "the end is not told")

        # What is verified is what was lit, to the play.
        def counted():
            rows = self.on_server("SELECT evidence, sum(complete), sum(verified) FROM play_daily GROUP BY evidence")
            return {evidence: (complete, verified) for evidence, complete, verified in rows}
        counts = self.within(lambda: (c := counted()).keys() >= {"hpd:on", "hpd:off"} and c, "no plays come home")
        for evidence, (complete, verified) in counts.items():
            self.assertEqual(verified, complete if evidence == "hpd:on" else 0, counts)

    def test_no_display_at_all(self):
        window, screen = self.start_playing()
        self.within(lambda: self.status(screen)["display"].get("state") == "on", "the display is not said")
        window.kill()
        self.display.close()
        window.start()  # as its supervisor would; it waits for a display and says so
        said = self.within(lambda: (s := self.status(screen))["display"].get("state") == "none" and s, "nothing is said")
        self.assertEqual((said["display"]["width"], said["display"]["height"]), (0, 0))
        self.raised("dark")
        self.assertIn("máy phát không thấy màn hình nào", text_of(self.smtp.wait(1)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
