#!/usr/bin/env python3
"""USB sticks as the kernel sees them, in a virtual machine: FAT and exFAT on a USB port, put in and pulled out as hardware is,
handed over by deploy/usb/bangtin-usb itself to a player that runs as its own user. What udev and systemd do around the script is
tried on the machines of docs/hardware-tests.md. Minutes long, so only with BT_LONG=1."""

import json
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
from player_harness import PLAYER  # noqa: E402
from usb_test import Pulled, UsbHouse  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BT_BUILD_ROOT", "build"))
PULLS = int(os.environ.get("BT_STICK_PULLS", "5"))
SCRIPT = os.path.join(vm.SOURCE, "deploy", "usb", "bangtin-usb")
MODULES = ("xhci-pci", "usb-storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "exfat")
TOOLS = ("mkfs.vfat", "mkfs.exfat", "mcopy", "sfdisk")
IMAGE_MIB = 64
STRANGER = "USB này không do máy chủ của màn hình ký"

USER = """echo bangtin-player:x:990:990::/var/lib/bangtin-player:/usr/sbin/nologin >> /etc/passwd
echo bangtin-player:x:990: >> /etc/group
mkdir -p /run/bangtin-usb /mnt; cp -r {data} /var/lib/bangtin-player; chown -R 990:990 /var/lib/bangtin-player"""
PLAY = """cd /var/lib/bangtin-player; setsid setpriv --reuid 990 --regid 990 --clear-groups {player} run --data . \
--server http://127.0.0.1:9 --clock trusted --usb /run/bangtin-usb --headless --frame-log frames.jsonl >/dev/null 2>player.log &"""


class StickTest(UsbHouse):
    def setUp(self):
        super().setUp()
        # Where the guest sees it: its own /tmp hides this machine's.
        self.shared = tempfile.mkdtemp(prefix="stick-", dir=BUILD)
        self.addCleanup(shutil.rmtree, self.shared, True)
        self.plugged = 0

    def image(self, name, folder):
        """A FAT file system with the folder's files, in a partition as sticks have it."""
        path = os.path.join(self.shared, name + ".img")
        vm.fat_image(path, folder, IMAGE_MIB)
        return path

    def guest(self, command):
        return self.vm.sh("export PATH=/usr/sbin:/usr/bin:/sbin:/bin; " + command)

    def boot(self):
        self.vm = vm.Machine(self.shared, {}, modules=MODULES, program=vm.AGENT_ALONE, more=("-device", "qemu-xhci,id=usb"))
        self.addCleanup(self.vm.close)
        self.guest(USER.format(data=os.path.join(self.shared, "mot")))
        self.guest(PLAY.format(player=os.path.abspath(PLAYER)))
        self.wait_shown(self.red)

    def items(self):
        """What the player presented, in order, without repetitions, from the first thing on."""
        lines = self.guest("cat /var/lib/bangtin-player/frames.jsonl").splitlines()
        shown = [frame["zones"][0]["item"] if frame["zones"] else None for frame in map(json.loads, lines[:-1])]
        first = next((number for number, item in enumerate(shown) if item is not None), len(shown))
        return [item for number, item in enumerate(shown) if number == first or (number > first and item != shown[number - 1])]

    def wait_guest(self, what, look):
        deadline = time.monotonic() + vm.PATIENCE_S
        while not look():
            if time.monotonic() > deadline:
                self.fail(f"{what}\n" + self.guest("tail -n 30 /var/lib/bangtin-player/player.log; ls -lR /run/bangtin-usb; dmesg"))
            time.sleep(1)  # asking costs the guest its time

    def wait_shown(self, item):
        self.wait_guest(f"{item} never came", lambda: self.guest(
            "test -e /var/lib/bangtin-player/frames.jsonl && echo yes || echo no").strip() == "yes" and self.items()[-1:] == [item])

    def plug(self, path, part=True):
        """Puts it in; the name of its file system's device."""
        self.plugged += 1
        name = f"stick{self.plugged}"
        self.vm.monitor.plug_stick(name, path)
        pattern = "sd?1" if part else "sd?"
        self.wait_guest("no stick came", lambda: self.guest(f"cd /dev; ls {pattern} 2>/dev/null || :").strip())
        return name, self.guest(f"cd /dev; ls {pattern}").strip()

    def unplug(self, name, device):
        self.vm.monitor.pull_stick(name)
        self.wait_guest("the stick stays", lambda: self.guest(f"test -b /dev/{device} && echo there || :").strip() == "")

    def hand_over(self, device):
        """What udev would have done; KET-QUA.txt as it lies on the stick afterwards, "" when there is none."""
        self.guest(f"{SCRIPT} {device}")
        self.guest(f"test -z \"$(ls -A /run/bangtin-usb)\" && mount -o ro /dev/{device} /mnt")
        said = self.guest("cat /mnt/KET-QUA.txt 2>/dev/null || :")
        self.back = self.guest("cd /mnt; ls TRA-VE/*/* 2>/dev/null || :").split()
        self.guest("umount /mnt")
        return said

    def insert(self, path, part=True):
        name, device = self.plug(path, part)
        said = self.hand_over(device)
        self.unplug(name, device)
        return said

    def pull(self, path, number):
        """Out again while it is read, sooner or later."""
        name, device = self.plug(path)
        self.guest(f"{{ {SCRIPT} {device}; {SCRIPT} --clean {device}; : > /run/pulled-{number}; }} >/dev/null 2>&1 &")
        self.wait_guest("nobody handed it over", lambda: self.guest(
            f"ls /run/bangtin-usb/{device}.go /run/pulled-{number} 2>/dev/null || :").strip())
        self.guest(f"sleep 0.{number % 10}")
        self.unplug(name, device)
        self.wait_guest("the script stays", lambda: self.guest(f"ls /run/pulled-{number} 2>/dev/null || :").strip())
        self.assertEqual(self.guest("ls -A /run/bangtin-usb").strip(), "")

    def fill_exfat(self, folder):
        path = os.path.join(self.shared, "exfat.img")
        with open(path, "wb") as file:
            file.truncate(IMAGE_MIB << 20)
        subprocess.run(["mkfs.exfat", path], check=True, stdout=subprocess.DEVNULL)
        name, device = self.plug(path, part=False)
        self.guest(f"mount /dev/{device} /mnt && cp -r {folder}/. /mnt/ && umount /mnt")
        self.unplug(name, device)
        return path

    def make_sticks(self):
        """Images of what is carried, by name; what the good one shows."""
        old, _ = self.bundle("old")
        noise = self.path("lon.png")
        Pulled.big_picture(noise, 2000)
        big, big_list = self.upload(noise)
        self.kiosk.kill()
        self.publish("bang", "an", playlist=big_list)
        self.bangtin("unit", "new", "31334", "--name", "Xã Khác", "--parent", "vn", "--kind", "commune")
        elsewhere, _ = self.bundle("elsewhere", unit="31334")
        good, _ = self.bundle("good")
        altered = self.path("altered")
        shutil.copytree(good, altered)
        with open(altered + "/BANGTIN/stick.json", "r+b") as file:
            text = file.read().replace(b'"x-stick":"y', b'"x-stick":"z')
            file.seek(0)
            file.write(text)
        photos = self.path("photos")
        os.makedirs(photos + "/DCIM")
        shutil.copy(self.path("do.png"), photos + "/DCIM")
        self.cut_the_line()
        shutil.copytree(self.path("mot"), os.path.join(self.shared, "mot"))
        shutil.copytree(good, os.path.join(self.shared, "good"))
        folders = {"old": old, "good": good, "elsewhere": elsewhere, "altered": altered, "photos": photos}
        return {name: self.image(name, folder) for name, folder in folders.items()}, big

    def test_sticks_of_fat_and_exfat_as_hardware(self):
        images, big = self.make_sticks()
        self.boot()
        with open(images["photos"], "rb") as file:
            before = file.read()
        self.assertEqual(self.insert(images["photos"]), "")
        with open(images["photos"], "rb") as file:
            self.assertEqual(file.read(), before, "something was written to a stick of photos")
        self.assertIn(STRANGER, self.insert(images["altered"]))
        self.assertEqual([name for name in self.back if not name.endswith("/KET-QUA.txt")], [])
        self.assertIn("dành cho đơn vị hoặc màn hình khác", self.insert(images["elsewhere"]))
        for number in range(PULLS):
            self.pull(images["good"], number)
            self.assertLessEqual(set(self.items()), {self.red, big})
        self.assertIn("đang chiếu", self.insert(images["good"]))
        self.assertTrue(any(name.endswith(".bin") for name in self.back), self.back)
        self.wait_shown(big)
        self.assertIn("USB cũ hơn nội dung", self.insert(images["old"]))
        self.assertIn("đang chiếu", self.insert(self.fill_exfat(os.path.join(self.shared, "good")), part=False))
        self.assertEqual(self.items()[-1], big)
        self.assertNotIn(None, self.items())  # never nothing


if __name__ == "__main__":
    if os.environ.get("BT_LONG") != "1":
        print("only with BT_LONG=1 (./check --long)")
        sys.exit(77)
    absent = (f"{tool} is not installed (deploy/install-deps --long)" for tool in TOOLS if shutil.which(tool) is None)
    why = vm.missing() or next(absent, None)
    if why:
        print(why)
        sys.exit(77)
    unittest.main(verbosity=2, argv=[sys.argv[0], "StickTest"])
