#!/usr/bin/env python3
"""The player on a graphics card without a desktop (KMSDRM), in a virtual machine: no display at the start, cables that are
pulled and put in again, another display, a page flip that never ends. The witness is what the card scans out. systemd
supervises, with the unit that docs/player.md asks for. Minutes long, so only with BT_LONG=1."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import vm  # noqa: E402
from player_harness import PLAYER, Campaign  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BT_BUILD_ROOT", "build"))
UNPLUGS = int(os.environ.get("BT_KMS_UNPLUGS", "20"))

COLOURS = {"red": (253, 0, 0), "blue": (0, 0, 254)}  # as ffmpeg makes them
SAFE_GROUND = (16, 42, 67)  # of the safe card, and no text in its corner
CANVAS = (320, 180)  # which stands in the corner; nothing is around it
MIDDLE = (160, 90)

UNIT = """[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
Type=notify
WatchdogSec=10
Restart=always
RestartSec=100ms
TimeoutStartSec=infinity
Environment=SDL_VIDEODRIVER=kmsdrm HOME=/root XDG_RUNTIME_DIR=/run LD_PRELOAD={build}/tests/kms/liblose_flip.so
ExecStart={player} play {publication} --assets {assets} --plays /run/plays.db --clock trusted
StandardError=append:/run/player.log
LimitCORE=0
"""


def judge(picture):
    """A word for what is scanned out. QEMU's own picture, when nothing is, has words in its middle."""
    if picture is None:
        return "nothing"
    if picture.is_black(*CANVAS):
        return "black" if picture.is_empty() else "nothing"
    shown = picture.at(*MIDDLE)
    for name, colour in COLOURS.items():
        if all(abs(a - b) <= 4 for a, b in zip(shown, colour)):
            return name
    return "safe card" if picture.at(5, 5) == SAFE_GROUND else "something else"


class KmsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Where the guest sees it: its own /tmp hides this machine's.
        cls.directory = tempfile.mkdtemp(prefix="kms-", dir=BUILD)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        campaign = Campaign(cls.directory)
        campaign.image("do", "red", 1)
        campaign.image("xanh", "blue", 1)
        publication = campaign.write(canvas={"width": 320, "height": 180, "time_zone": "Asia/Ho_Chi_Minh",
                                             "background": "#204060"})
        unit = UNIT.format(build=BUILD, player=os.path.abspath(PLAYER), publication=publication,
                           assets=os.path.join(cls.directory, "assets"))
        cls.vm = vm.Machine(cls.directory, {"player.service": unit})
        cls.addClassCleanup(cls.vm.close)
        cls.witness = cls.vm.witness(judge)
        cls.addClassCleanup(cls.witness.stop)

    def fail_with_log(self, what):
        self.fail(f"{what}\n" + self.vm.run("tail -n 40 /run/player.log; systemctl --no-pager status player.service; "
                                            "grep . /sys/class/drm/card*-*/status /sys/class/drm/card*-*/modes")[1])

    def wait_for(self, what, look):
        """Gives the guest's own seconds that it took."""
        began, deadline = self.uptime(), time.monotonic() + vm.PATIENCE_S
        while not look():
            if time.monotonic() > deadline:
                self.fail_with_log(what)
            time.sleep(0.05)  # asking costs the guest its time
        return self.uptime() - began

    def uptime(self):
        return float(self.vm.sh("cat /proc/uptime").split()[0])

    def colour(self, size=None):
        """What the canvas shows, by name; None: nothing is scanned out, or not in that size."""
        picture = self.vm.picture()
        if picture is None or (size is not None and (picture.width, picture.height) != size):
            return None
        shown = picture.at(*MIDDLE)
        return next((name for name, colour in COLOURS.items()
                     if all(abs(a - b) <= 4 for a, b in zip(shown, colour))), shown)

    def wait_for_picture(self, size=None):
        """The picture is there and moves: both items are seen."""
        took = self.wait_for("no picture came", lambda: self.colour(size) in ("red", "blue"))
        for colour in ("red", "blue"):
            self.wait_for("the picture stands still", lambda: self.colour(size) == colour)
        return took

    def assert_never_black(self, what, console_first=False):
        """Of all that was seen since the last time. The kernel's console, which comes with the first display, is
        empty until somebody can paint it: after the first picture nothing is."""
        runs = self.witness.take()
        seen = [name for name, _ in runs]
        if console_first and "black" in seen:
            total, empty = (sum(count for name, count in runs if name in names) for names in (set(seen), {"black"}))
            print(f"{what}: the console was empty in {empty} of {total} pictures", flush=True)
            ours = [i for i, name in enumerate(seen) if name not in ("black", "nothing")]
            seen = seen[ours[0]:] if ours else seen
        if "black" in seen or "something else" in seen:
            self.fail_with_log(f"{what}: {runs}")

    def unplug_and_return(self, size):
        before = self.log().count("waiting for a display")
        self.vm.plug.pull()
        self.wait_for("nobody noticed", lambda: self.log().count("waiting for a display") > before)
        self.vm.plug.set(*size)
        return self.wait_for_picture(size)

    def status(self, key):
        return self.vm.sh(f"systemctl show --value --property {key} player.service").strip()

    def log(self):
        return self.vm.sh("cat /run/player.log")

    def test_a_display_that_comes_and_goes(self):
        guest = self.vm
        guest.plug.pull()
        self.wait_for("the cable is not out", lambda: "disconnected" in guest.sh("cat /sys/class/drm/card*-*/status"))
        guest.sh("systemctl --no-block start player.service")
        self.wait_for("it does not wait", lambda: "waiting for a display" in guest.run("cat /run/player.log")[1])
        self.wait_for("systemd hears nothing", lambda: self.status("ActiveState") == "active")

        with self.subTest("a display comes"):
            guest.plug.set(1024, 768)
            print(f"picture {self.wait_for_picture((1024, 768)):.1f} s after the first display", flush=True)
            self.assert_never_black("the first display", console_first=True)
            self.assertEqual(guest.picture().at(700, 500), (0, 0, 0))
        process = self.status("MainPID")

        with self.subTest("it goes and returns"):
            took = [self.unplug_and_return((1024, 768)) for _ in range(UNPLUGS)]
            self.assert_never_black("it goes and returns")
            print(f"{UNPLUGS} unplugs: picture back after {sorted(took)[len(took) // 2]:.1f} s, "
                  f"at most {max(took):.1f} s", flush=True)

        with self.subTest("another display"):
            for size in ((1280, 720), (800, 600), (1024, 768)):
                took = self.unplug_and_return(size)
                self.assert_never_black(f"a display of {size[0]}x{size[1]}")
                print(f"picture {took:.1f} s after a display of {size[0]}x{size[1]} came", flush=True)
        with self.subTest("it is gone for a moment only"):
            before = self.log().count("Output: ")
            guest.plug.pull()
            self.wait_for("the cable is not out", lambda: "disconnected" in guest.sh("cat /sys/class/drm/card*-*/status"))
            guest.plug.set(1024, 768)
            self.wait_for("nobody noticed", lambda: self.log().count("Output: ") > before)
            self.wait_for_picture((1024, 768))
            self.assert_never_black("it is gone for a moment only")
        self.assertEqual(self.status("MainPID"), process, "one process did it all")
        self.assertEqual(self.status("NRestarts"), "0")

        with self.subTest("a page flip never ends"):
            guest.sh("touch /run/lose-a-flip")
            self.wait_for("no flip was lost", lambda: guest.run("test -e /run/lose-a-flip")[0] != 0)
            seen = set()

            def restarted():
                seen.add(self.colour())
                return self.status("NRestarts") == "1"

            took = self.wait_for("systemd does not see that it hangs", restarted)
            took += self.wait_for_picture((1024, 768))
            self.assert_never_black("a page flip never ends")
            print(f"picture back {took:.1f} s after a page flip was lost; meanwhile {seen}", flush=True)

        with self.subTest("nothing but the safe card is seen when no program draws"):
            guest.sh("systemctl stop player.service")
            self.wait_for("no safe card", lambda: guest.picture().at(5, 5) == SAFE_GROUND)
            guest.sh("systemctl start player.service")
            self.wait_for_picture()
            self.assert_never_black("nobody draws")

        with self.subTest("the boot picture, until the player's first one"):
            guest.sh("systemctl stop player.service")
            self.boot_picture()
            guest.sh("systemctl start player.service")
            self.wait_for_picture()
            self.assert_never_black("the boot picture")

        with self.subTest("it ends in order"):
            guest.sh("systemctl stop player.service")
            self.assertEqual(self.status("Result"), "success")
        self.check_plays()

    def boot_picture(self):
        """The console is painted, as a rule of udev has it done when the kernel makes one (deploy/raspberry-pi/setup)."""
        guest, picture = self.vm, os.path.join(self.directory, "splash.tga")
        subprocess.run([PLAYER, "card", "--size", "1024x768", "--out", picture], check=True, timeout=180)
        guest.sh("dd if=/dev/zero of=/dev/fb0 bs=1M; true")
        self.wait_for("the console is not empty", lambda: guest.picture().is_empty())
        self.witness.take()
        guest.sh(f"{BUILD}/player/bangtin-splash {picture}")
        shown = guest.picture()
        self.assertEqual(shown.at(*CANVAS), SAFE_GROUND)
        self.assertEqual(shown.at(1023, 767), SAFE_GROUND)
        self.assertFalse(shown.is_black(0, 0))
        self.witness.take()

    def check_plays(self):
        """What was shown is in the journal, and it holds; what was cut is told apart."""
        print(self.vm.sh(f"{BUILD}/cli/bangtin plays verify --journal /run/plays.db"), flush=True)


if __name__ == "__main__":
    if os.environ.get("BT_LONG") != "1":
        print("only with BT_LONG=1 (./check --long)")
        sys.exit(77)
    why = vm.missing() or (shutil.which("ffmpeg") is None and "ffmpeg is not installed")
    if why:
        print(why)
        sys.exit(77)
    unittest.main(verbosity=2)
