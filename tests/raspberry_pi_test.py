#!/usr/bin/env python3
"""deploy/raspberry-pi/setup on a made-up Raspberry Pi OS in a directory: what it makes of it, that it gives it back to the
byte, also when it is cut off anywhere, what it refuses, and that it never formats what is not empty. apt and the tools for
disks are stand-ins; what needs a board is in docs/hardware-tests.md."""

import concurrent.futures
import json
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("BT_BUILD_ROOT", "build")
PLAYER = os.path.abspath(os.path.join(BUILD, "player/bangtin-player"))
SPLASH = os.path.abspath(os.path.join(BUILD, "player/bangtin-splash"))
SETUP = os.path.join(os.environ.get("BT_SOURCE_ROOT", os.getcwd()), "deploy/raspberry-pi/setup")
LONG = os.environ.get("BT_LONG") == "1"

TREE = {
    "boot/firmware/cmdline.txt": "console=serial0,115200 console=tty1 root=PARTUUID=7351b90c-02 rootfstype=ext4 fsck.repair=yes "
                                 "rootwait splash video=HDMI-A-1:800x600@60 cfg80211.ieee80211_regdom=VN\n",
    "boot/firmware/config.txt": "dtparam=audio=on\ncamera_auto_detect=1\nauto_initramfs=1\ndtoverlay=vc4-kms-v3d\n"
                                "max_framebuffers=2\n\n[cm4]\notg_mode=1\n\n[pi4]\narm_boost=1\n",
    "etc/fstab": "proc            /proc           proc    defaults          0       0\n"
                 "PARTUUID=7351b90c-01  /boot/firmware  vfat    defaults          0       2\n"
                 "PARTUUID=7351b90c-02  /               ext4    defaults,noatime  0       1\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
    "etc/rpi-issue": "Raspberry Pi reference\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/:/x\nan:x:1000:1000::/var/lib/an:/bin/bash\n",
    "etc/shadow": "root:*:1:0:99999:7:::\n_apt:!:1:0:99999:7:::\nan:$y$abc:1:0:99999:7:::\n",
    "etc/systemd/system/multi-user.target.wants/keep": "",
    "etc/cloud/cloud.cfg": "",
    "etc/ssh/sshd_config": "",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/meminfo": "MemTotal:        4049196 kB\n",
    "var/lib/private": "",
}
INSTALLED = {"dpkg": "1.22", "systemd-timesyncd": "1"}
# What the stand-in for apt installs.
PACKAGES = """
FILES = {
    "bangtin-player": {"usr/lib/systemd/system/bangtin-player.service": "[Unit]\\n", "var/lib/bangtin-player/": "",
                       "usr/libexec/bangtin/bangtin-splash": "",
                       "etc/bangtin/player.env": '# Cài đặt\\nBANGTIN_PLAYER_OPTIONS=""\\n\\n#SDL_VIDEODRIVER=kmsdrm\\n'},
    "chrony": {"etc/default/chrony": 'DAEMON_OPTS="-F 1"\\n', "etc/chrony/conf.d/": "", "var/lib/chrony/": ""},
    "overlayroot": {"etc/overlayroot.conf": 'overlayroot=""\\n'},
}
"""
APT = PACKAGES + '''
import os, shutil, subprocess, sys
root, *words = sys.argv[1:]
if words[0] == "/usr/bin/bangtin-player":
    # In its place the one that was built, where a test looks at what it draws.
    sys.exit(subprocess.call([os.environ.get("PLAYER", "echo"), *words[1:]]))
simulated = "--simulate" in words
if not simulated:
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(" ".join(words) + "\\n")
words = [word for word in words if not word.startswith("-") and "=" not in word and word != "env"]
status = root + "/var/lib/dpkg/status"
known = dict(line.split() for line in open(root + "/known"))
def write():
    with open(root + "/known", "w") as out:
        out.writelines(f"{name} {known[name]}\\n" for name in sorted(known))
    with open(status, "w") as out:
        out.writelines(f"Package: {name}\\nStatus: install ok installed\\nArchitecture: arm64\\nMaintainer: x\\n"
                       f"Description: x\\nVersion: {known[name]}\\n\\n" for name in sorted(known))
def of(name):
    if not name.endswith(".deb"):
        return name, "1"
    ask = lambda field: subprocess.check_output(["dpkg-deb", "--field", root + name, field], text=True).strip()
    return ask("Package"), ask("Version")
if simulated:
    for name in words[2:]:
        name, version = of(name)
        print(f"Purg {name} [{version}]" if words[1] == "purge" else f"Inst {name} [0] ({version} x)" if name in known
              else f"Inst {name} ({version} x [arm64])\\nConf {name}")
    if words[1] == "purge" and "needs-chrony" in known:
        print("Remv needs-chrony [1]")
    if "chrony" in words and words[1] == "install" and "systemd-timesyncd" in known:
        print("Remv systemd-timesyncd [1]")
    sys.exit()
if words[:2] == ["apt-get", "install"]:
    for name in words[2:]:
        name, version = of(name)
        fresh = name not in known
        known[name] = version
        write()  # cut off from here on, it is known to be half there, as dpkg knows it
        for path, text in FILES.get(name, {}).items():
            place = os.path.join(root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if not path.endswith("/") and (fresh or not os.path.exists(place)):
                open(place, "w").write(text)
                os.chmod(place, 0o755 if "/libexec/" in place else 0o644)
    if "chrony" in words:
        known.pop("systemd-timesyncd", None)
    write()
if words[:2] == ["apt-get", "purge"]:
    for name in words[2:]:
        for path in FILES.get(name, {}):
            place = os.path.join(root, path)
            if os.path.isdir(place):
                shutil.rmtree(place)
            elif os.path.exists(place):
                os.remove(place)
            place = os.path.dirname(place.rstrip("/"))
            while not os.path.isdir(place) or not os.listdir(place):
                if os.path.isdir(place):
                    os.rmdir(place)
                place = os.path.dirname(place)
        known.pop(name)
    write()
'''
# Stands before the real tool, and ends everything at the Nth change, half of the time after it was made.
CUT = '''#!/bin/sh
read -r number <"$COUNT"
number=$((number + 1))
echo "$number" >"$COUNT"
if [ "$number" = "$CUT_AT" ]; then
    [ $((number % 2)) = 0 ] || /usr/bin/TOOL "$@"
    kill -KILL 0
fi
exec /usr/bin/TOOL "$@"
'''
CHANGES = ("cp", "install", "ln", "mkdir", "mv", "rm", "rmdir")
DISK = '''#!/bin/bash
echo "$(basename "$0") $*" >>"$CALLS"
case $(basename "$0") in
blkid) [[ ! -s $DISK_PART ]] || cat "$DISK_PART" ;;
blockdev) echo "$DISK_SIZE" ;;
sfdisk)
    case "$*" in
    *--dump*) echo "/dev/x1 : start=16384, size=1048576, type=c"; echo "/dev/x2 : start=     1064960, size=     4751360, type=83" ;;
    *--append*) cat >>"$CALLS"; : >"$DISK_PART" ;;
    *) cat >>"$CALLS" ;;
    esac ;;
esac
'''
PICTURE = "usr/local/share/bangtin/splash.tga"
MACHINE = "etc/initramfs-tools/scripts/init-bottom/bangtin-machine"
SERVER = ["--server", "https://bangtin.tinh.gov.vn", "--pin", "sha256//abc="]


def write(place, text, mode=0o644):
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(place, mode)


def snapshot(tree, without=()):
    """Everything that is there: kind, mode, owner, content, and when files were written."""
    found = {}
    for folder, folders, files in os.walk(tree):
        for name in folders + files:
            place = os.path.join(folder, name)
            path = os.path.relpath(place, tree)
            if path.startswith(tuple(without)):
                continue
            state = os.lstat(place)
            what = None
            if stat.S_ISLNK(state.st_mode):
                what = os.readlink(place)
            elif stat.S_ISREG(state.st_mode):
                with open(place, "rb") as file:
                    what = file.read()
            found[path] = (state.st_mode, state.st_uid, state.st_gid, what)
    return found


class RaspberryPi(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.place)
        self.tools = os.path.join(self.place, "tools")
        write(os.path.join(self.place, "apt.py"), APT)
        write(os.path.join(self.tools, "chroot"), f'#!/bin/bash\nexec python3 -SE "{self.place}/apt.py" "$@"\n', 0o755)
        for name in ("sfdisk", "blkid", "blockdev", "partx", "resize2fs", "mkfs.ext4"):
            write(os.path.join(self.tools, name), DISK, 0o755)
        os.mkdir(os.path.join(self.place, "tmp"))
        self.debs = [self.deb(name) for name in ("bangtin-player", "bangtin-media")]
        self.tree = self.new_tree("pi")

    def count_changes(self):
        """From now on the tools that change something are counted, and may be cut off."""
        for name in CHANGES:
            write(os.path.join(self.tools, name), CUT.replace("TOOL", name), 0o755)

    def deb(self, name, version="0.1.0"):
        source = os.path.join(self.place, "source", name)
        write(os.path.join(source, "DEBIAN/control"), f"Package: {name}\nVersion: {version}\nArchitecture: arm64\n"
              "Maintainer: Bangtin <x@example.vn>\nDescription: x\n")
        folder = os.path.join(self.place, "debs")
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["dpkg-deb", "--build", "-Znone", source, f"{folder}/{name}.deb"], check=True, capture_output=True)

    def new_tree(self, name, changes=(), installed=None):
        tree = os.path.join(self.place, name)
        for path, text in {**TREE, **dict(changes)}.items():
            if text is not None:
                write(os.path.join(tree, path), text)
        os.chmod(os.path.join(tree, "etc/shadow"), 0o640)
        packages = {**INSTALLED, **(installed or {})}
        write(os.path.join(tree, "known"), "".join(f"{name} {packages[name]}\n" for name in sorted(packages)))
        write(os.path.join(tree, "var/lib/dpkg/status"), "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: arm64\nMaintainer: x\nDescription: x\n"
            f"Version: {packages[name]}\n\n" for name in sorted(packages)))
        return tree

    def run_setup(self, *arguments, tree=None, cut=0, **disk):
        count = os.path.join(self.place, f"count-{os.path.basename(tree or self.tree)}")
        write(count, "0")
        environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", "COUNT": count, "CUT_AT": str(cut),
                       "CALLS": os.path.join(self.place, "calls"), "TMPDIR": os.path.join(self.place, "tmp"), **disk}
        done = subprocess.run([SETUP, "--root", tree or self.tree, *arguments], env=environment, capture_output=True,
                              text=True, start_new_session=True, timeout=180, check=False)
        with open(count, encoding="utf-8") as file:
            self.count = int(file.read() or 0)
        return done

    def works(self, *arguments, **more):
        done = self.run_setup(*arguments, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def install(self, *arguments, **more):
        return self.works("--debs", os.path.join(self.place, "debs"), *SERVER, *arguments, **more)

    def text(self, path, tree=None):
        with open(os.path.join(tree or self.tree, path), encoding="utf-8") as file:
            return file.read()

    def calls(self):
        place = os.path.join(self.place, "calls")
        with open(place, encoding="utf-8") as file:
            text = file.read()
        os.remove(place)
        return text

    def assert_player(self):
        words = self.text("boot/firmware/cmdline.txt")
        self.assertEqual(words.count("\n"), 1)
        words = words.split()
        self.assertEqual([word for word in words if word.startswith("video=")], ["video=HDMI-A-1:1920x1080@60D"])
        for word in ("root=PARTUUID=7351b90c-02", "overlayroot=tmpfs:recurse=0", "quiet", "panic=10"):
            self.assertEqual(words.count(word), 1, word)
        self.assertNotIn("splash", words)
        config = self.text("boot/firmware/config.txt")
        self.assertTrue(config.startswith(TREE["boot/firmware/config.txt"]))
        self.assertEqual(config.count("dtoverlay=vc4-kms-v3d"), 1)
        self.assertIn("[all]\ndisable_fw_kms_setup=1\n", config)
        self.assertEqual([word for word in words if word.startswith("console=")], ["console=serial0,115200", "console=tty3"])
        self.assertEqual(self.text(PICTURE), "card --size 1920x1080 --out -\n")
        self.assertIn(f'KERNEL=="fb0", RUN+="/usr/libexec/bangtin/bangtin-splash /{PICTURE}"\n',
                      self.text("etc/udev/rules.d/80-bangtin-splash.rules"))
        self.assertIn("RuntimeWatchdogSec=14\n", self.text("etc/systemd/system.conf.d/80-bangtin-watchdog.conf"))
        self.assertIn("rtconutc\n", self.text("etc/chrony/conf.d/bangtin.conf"))
        self.assertIn("ConditionPathIsReadWrite=!/\n", self.text("etc/systemd/system/systemd-remount-fs.service.d/80-bangtin.conf"))
        self.assertIn("Storage=volatile\nRuntimeMaxUse=16M\n", self.text("etc/systemd/journald.conf.d/80-bangtin.conf"))
        self.assertIn("an:!$y$abc:", self.text("etc/shadow"))
        self.assertEqual(os.stat(os.path.join(self.tree, "etc/shadow")).st_mode & 0o777, 0o640)
        for unit in ("ssh.service", "ssh.socket", "sshswitch.service", "NetworkManager-wait-online.service",
                     "avahi-daemon.socket"):
            self.assertEqual(os.readlink(os.path.join(self.tree, "etc/systemd/system", unit)), "/dev/null")
        env = self.text("etc/bangtin/player.env")
        self.assertIn('BANGTIN_PLAYER_OPTIONS="--server https://bangtin.tinh.gov.vn --pin sha256//abc="\n', env)
        self.assertIn("\nSDL_VIDEODRIVER=kmsdrm\n", env)
        self.assertTrue(os.path.islink(os.path.join(
            self.tree, "etc/systemd/system/multi-user.target.wants/bangtin-player.service")))
        fstab = self.text("etc/fstab")
        self.assertIn("/boot/firmware  vfat    defaults,ro ", fstab)
        self.assertIn("/var/lib/bangtin-data/bangtin-player /var/lib/bangtin-player none bind,", fstab)
        self.assertIn("PARTUUID=7351b90c-03 /var/lib/bangtin-data ext4 ", fstab)
        self.assertEqual(fstab.count("bangtin-data ext4"), 1)
        self.assertNotIn("LABEL=", fstab)
        self.assertIn('-t "PARTUUID=7351b90c-03" ', self.text(MACHINE))
        self.assertTrue(os.access(os.path.join(self.tree, MACHINE), os.X_OK))
        keep = self.text("etc/systemd/system/bangtin-card-keep.service")
        self.assertIn("RequiresMountsFor=/var/lib/bangtin-data\nBefore=ssh.service\n", keep)

    def test_there_and_back(self):
        before = snapshot(self.tree)
        self.assertIn("/etc/fstab", self.works("--dry-run"))
        self.assertEqual(snapshot(self.tree), before)
        self.assertIn("sudo reboot", self.install())
        self.assert_player()
        self.assertIn("update-initramfs -u -k all\n", self.calls())
        once = snapshot(self.tree)
        # Again, as it is and with nothing said: the options are remembered.
        self.install()
        self.assertEqual(snapshot(self.tree), once)
        said = self.works()
        self.assertEqual(said.count("đã có / done"), 15, said)
        self.assertEqual(snapshot(self.tree), once)
        self.assertFalse(os.path.exists(os.path.join(self.place, "calls")))
        self.works("--undo")
        self.assertEqual(snapshot(self.tree), before)
        self.assertIn("chưa có gì", self.run_setup("--undo").stderr)

    def test_a_disk_without_a_number_has_its_data_by_the_label(self):
        for number, root in enumerate(("LABEL=goc", "/dev/sda2", "PARTUUID=8f1b5b6c-6e54-4f8e-9d38-2f1a3c5d7e9f", "PARTUUID=7351b90c-03")):
            tree = self.new_tree(f"l{number}", {"boot/firmware/cmdline.txt": f"root={root} rootwait\n"})
            self.install(tree=tree)
            self.assertIn("\nLABEL=bangtin-data /var/lib/bangtin-data ext4 ", self.text("etc/fstab", tree), root)
            self.assertIn('-t "LABEL=bangtin-data" ', self.text(MACHINE, tree), root)

    def test_systemd_understands_the_table(self):
        self.install()
        table = subprocess.run(["findmnt", "--verify", "--tab-file", os.path.join(self.tree, "etc/fstab")],
                               capture_output=True, text=True, check=False)
        self.assertIn("0 parse errors", table.stdout + table.stderr)

    def cut_points(self, total):
        return range(1, total + 1) if LONG else range(9, total + 1, total // 3 | 1)

    def test_cut_off_anywhere(self):
        before = snapshot(self.tree)
        self.count_changes()
        self.install()
        whole, total = snapshot(self.tree, ["var/lib/bangtin-setup"]), self.count
        self.assertGreater(total, 100)
        self.works("--undo")
        back = self.count

        def cut_off(cut):
            tree = self.new_tree(f"cut-{cut}")
            done = self.run_setup("--debs", os.path.join(self.place, "debs"), *SERVER, tree=tree, cut=cut)
            self.assertNotEqual(done.returncode, 0, cut)
            if cut % 2:
                self.install(tree=tree)
                self.assertEqual(snapshot(tree, ["var/lib/bangtin-setup"]), whole, cut)
            if os.path.exists(os.path.join(tree, "var/lib/bangtin-setup")):
                self.run_setup("--undo", tree=tree, cut=1 + cut % back)
                self.run_setup("--undo", tree=tree)
            self.assertEqual(snapshot(tree), before, cut)
            shutil.rmtree(tree)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(cut_off, self.cut_points(total)):
                pass

    def test_ssh_and_edid(self):
        before = snapshot(self.tree)
        block = bytes([0, 255, 255, 255, 255, 255, 255, 0] + [1] * 119)
        edid, keys = os.path.join(self.place, "tuong.bin"), os.path.join(self.place, "khoa.pub")
        with open(edid, "wb") as file:
            file.write(block + bytes([-sum(block) % 256]))
        write(keys, "ssh-ed25519 AAAA an\n")
        self.install()
        self.install("--ssh", keys, "--edid", edid, "--mode", "auto", "--connector", "HDMI-A-2")
        words = self.text("boot/firmware/cmdline.txt").split()
        self.assertIn("drm.edid_firmware=HDMI-A-2:edid/bangtin.bin", words)
        self.assertEqual([word for word in words if word.startswith("video=")], [])
        self.assertIn("HostKey /var/lib/bangtin-data/machine/ssh_host_ed25519_key\n", self.text("etc/ssh/sshd_config.d/00-bangtin.conf"))
        self.assertIn("PasswordAuthentication no\n", self.text("etc/ssh/sshd_config.d/00-bangtin.conf"))
        self.assertFalse(os.path.lexists(os.path.join(self.tree, "etc/systemd/system/ssh.service")))
        os.remove(edid)
        os.remove(keys)
        said = self.works()
        self.assertEqual(said.count("đã có / done"), 15, said)
        self.works("--undo")
        self.assertEqual(snapshot(self.tree), before)
        with open(edid, "wb") as file:
            file.write(block + b"\0")
        self.assertIn("EDID", self.run_setup("--edid", edid).stderr)
        self.assertEqual(snapshot(self.tree), before)

    def test_the_initramfs_is_made_again_when_something_of_ours_in_it_changed(self):
        self.install()
        self.calls()
        self.works()
        self.assertFalse(os.path.exists(os.path.join(self.place, "calls")))
        with open(os.path.join(self.tree, MACHINE), "a", encoding="utf-8") as file:
            file.write("# sửa tay\n")
        self.works()
        self.assertNotIn("sửa tay", self.text(MACHINE))
        write(os.path.join(self.tree, "var/lib/bangtin-setup/initramfs"), "1\n")
        self.works()
        self.assertIn("update-initramfs -u -k all\n", self.calls())

    def pixels(self, path, pix_fmt="rgb24", *before):
        return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *before, "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                               pix_fmt, "-"], check=True, capture_output=True).stdout

    def safe_card(self, width, height):
        """What the player shows of a publication of which nothing can be shown."""
        place = os.path.join(self.place, "trong.json")
        write(place, json.dumps({
            "format": 1, "id": "trong", "version": 1, "canvas": {"width": width, "height": height},
            "zones": [{"name": "chinh", "playlist": "chung"}],
            "assets": [{"name": "mat", "sha256": "0" * 64, "size": 1000, "type": "image/png"}],
            "playlists": [{"name": "chung", "items": [{"id": "anh", "type": "image", "asset": "mat", "seconds": 10}]}]}))
        out = os.path.join(self.place, "trong.png")
        subprocess.run([PLAYER, "render", place, "--assets", self.place, "--at", "2026-11-22T10:00", "--out", out], check=True,
                       capture_output=True, timeout=180)
        return self.pixels(out)

    @unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
    def test_the_boot_picture_is_the_safe_card(self):
        before = snapshot(self.tree)
        picture = os.path.join(self.tree, PICTURE)
        for mode, size in (("1280x720@60", (1280, 720)), ("auto", (1920, 1080)), ("1024x768@60", (1024, 768))):
            with self.subTest(mode):
                self.install("--mode", mode, PLAYER=PLAYER)
                self.assertIn("update-initramfs -u -k all\n", self.calls())
                with open(picture, "rb") as file:
                    header = file.read(18)
                self.assertEqual(header, struct.pack("<12xHHBB", *size, 24, 0x20).replace(b"\0\0\0", b"\0\0\x0a", 1))
                shown = self.pixels(picture)
                self.assertEqual(len(shown), size[0] * size[1] * 3)
                self.assertEqual(shown[:3], bytes((16, 42, 67)))
                self.assertGreater(len(set(zip(shown[::3], shown[1::3], shown[2::3]))), 2)
                self.assertEqual(shown, self.safe_card(*size))
        # The same picture is no change.
        self.assertIn("đã có / done", self.works(PLAYER=PLAYER))
        self.assertFalse(os.path.exists(os.path.join(self.place, "calls")))
        self.paint(picture, shown)
        self.works("--undo")
        self.assertEqual(snapshot(self.tree), before)

    def paint(self, picture, card):
        """The console that the kernel makes has the picture in its middle, in 32 bits a pixel and in 16."""
        root = os.path.join(self.place, "console")
        ground = bytes((16, 42, 67))
        for bits, (width, height) in ((32, (1024, 768)), (16, (1024, 768)), (32, (1100, 800)), (16, (640, 480))):
            with self.subTest(f"{width}x{height}, {bits}"):
                stride = width * bits // 8 + 64
                for name, text in {"virtual_size": f"{width},{height}", "bits_per_pixel": bits, "stride": stride}.items():
                    write(os.path.join(root, "sys/class/graphics/fb0", name), f"{text}\n")
                write(os.path.join(root, "dev/fb0"), "login: ")
                subprocess.run([SPLASH, picture, root], check=True, timeout=180)
                shown = self.pixels(os.path.join(root, "dev/fb0"), "rgb24", "-f", "rawvideo", "-pix_fmt", "bgr0" if bits == 32 else "rgb565le",
                                    "-s", f"{stride * 8 // bits}x{height}")
                for y in range(height):
                    from_y, left = y + (768 - height) // 2, (width - 1024) // 2
                    row = card[from_y * 3072:from_y * 3072 + 3072] if 0 <= from_y < 768 else ground * 1024
                    row = ground * left + row + ground * left if left >= 0 else row[-left * 3:(1024 + left) * 3]
                    is_row = shown[y * stride * 24 // bits:][:width * 3]
                    self.assertTrue(is_row == row if bits == 32 else all(abs(a - b) <= 8 for a, b in zip(is_row, row)), y)

    def test_a_picture_that_is_none_leaves_the_console(self):
        root = os.path.join(self.place, "console")
        write(os.path.join(root, "dev/fb0"), "as it was")
        for picture in ("none", "text"):
            write(os.path.join(self.place, "text"), "text")
            done = subprocess.run([SPLASH, os.path.join(self.place, picture), root], capture_output=True, text=True, timeout=180, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(picture, done.stderr)
            self.assertEqual(self.text("dev/fb0", root), "as it was")

    def test_a_player_that_draws_no_boot_picture_is_refused(self):
        before = snapshot(self.tree)
        done = self.run_setup("--debs", os.path.join(self.place, "debs"), *SERVER, PLAYER="false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("hình khởi động", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.tree, PICTURE)))
        # A newer package would come before the picture is asked for.
        self.assertIn("/" + PICTURE, self.works("--dry-run", PLAYER="false"))
        self.works("--undo")
        self.assertEqual(snapshot(self.tree), before)

    def test_undoing_that_was_cut_off_behind_the_packages_goes_on_there(self):
        before = snapshot(self.tree)
        self.install()
        write(os.path.join(self.tools, "mv"), '#!/bin/sh\ncase "$*" in *bangtin-setup.gone) kill -KILL 0 ;; esac\nexec /usr/bin/mv "$@"\n', 0o755)
        self.assertNotEqual(self.run_setup("--undo").returncode, 0)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "etc/bangtin")))
        os.remove(os.path.join(self.tools, "mv"))
        self.works("--undo")
        self.assertEqual(snapshot(self.tree), before)

    def test_what_was_changed_by_hand_is_kept(self):
        self.install()
        with open(os.path.join(self.tree, "boot/firmware/config.txt"), "a", encoding="utf-8") as file:
            file.write("dtparam=spi=on\n")
        self.works("--open")
        self.assertNotIn("overlayroot", self.text("boot/firmware/cmdline.txt"))
        self.works("--undo")
        self.assertEqual(os.listdir(os.path.join(self.tree, "var/lib/bangtin-setup.kept")), ["config.txt"])
        self.assertEqual(self.text("boot/firmware/config.txt"), TREE["boot/firmware/config.txt"])

    def test_refused(self):
        cases = {
            "32 bit": ({"etc/os-release": 'ID=raspbian\nVERSION_ID="13"\n'}, {}, []),
            "không phải Raspberry Pi OS": ({"etc/rpi-issue": None}, {}, []),
            "Raspberry Pi OS 13": ({"etc/os-release": 'ID=debian\nVERSION_ID="12"\n'}, {}, []),
            "bản Lite": ({}, {"lightdm": "1"}, []),
            "Raspberry Pi 4 (2 GB": ({"proc/device-tree/model": "Raspberry Pi 3 Model B\0"}, {}, []),
            "cần 2 GB": ({"proc/meminfo": "MemTotal: 900000 kB\n"}, {}, []),
            "SDL 2.26.5": ({}, {"libsdl2-2.0-0": "2.26.5"}, []),
            "một dòng": ({"boot/firmware/cmdline.txt": "root=x\nquiet\n"}, {}, []),
            "vc4-fkms-v3d": ({"boot/firmware/config.txt": "dtoverlay=vc4-fkms-v3d\n"}, {}, []),
            "--mode": ({}, {}, ["--mode", "1920x1080@60 init=/bin/sh"]),
            "--server": ({}, {}, ["--server", 'https://a" x']),
        }
        for number, (said, (changes, installed, arguments)) in enumerate(cases.items()):
            with self.subTest(said=said):
                tree = self.new_tree(f"r{number}", changes, installed)
                before = snapshot(tree)
                done = self.run_setup(*arguments, tree=tree)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)
                self.assertEqual(snapshot(tree), before)

    def disk(self, size, content=None):
        part = os.path.join(self.place, "the3")
        if content is not None:
            write(part, content)
        done = self.run_setup("--disk", os.path.join(self.place, "the"), *SERVER, "--debs", os.path.join(self.place, "debs"),
                              DISK_PART=part, DISK_SIZE=str(size))
        return done, self.calls()

    def test_the_data_partition(self):
        done, calls = self.disk(62333952)
        self.assertEqual(done.returncode, 0, done.stderr)
        start = (1064960 + 8 * 1024 * 2048 + 8191) // 8192 * 8192
        self.assertIn(f",{start - 1064960}\n", calls)
        self.assertIn(f"start={start}, type=83\n", calls)
        self.assertEqual(calls.count("mkfs.ext4 -q -L bangtin-data"), 1)

    def test_nothing_is_formatted_that_has_something_on_it(self):
        done, calls = self.disk(62333952, "LABEL=anh-cuoi\nTYPE=ext4\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("không xóa", done.stderr)
        self.assertNotIn("mkfs", calls)
        # The data of the player that was on this card before.
        done, calls = self.disk(62333952, "LABEL=bangtin-data\nTYPE=ext4\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("mkfs", calls)

    def test_a_card_without_room(self):
        done, calls = self.disk(1064960 + 4751360)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--card", done.stderr)
        self.assertNotIn("--append", calls)

    def test_a_fresh_card(self):
        card = os.path.join(self.place, "bootfs")
        write(os.path.join(card, "config.txt"), "")
        write(os.path.join(card, "cmdline.txt"), "root=PARTUUID=1-02 rootwait resize ds=nocloud\r\n")
        for _ in range(2):
            done = subprocess.run([SETUP, "--card", card], capture_output=True, text=True, check=True)
            self.assertIn("rút thẻ", done.stdout)
            self.assertEqual(self.text("cmdline.txt", card), "root=PARTUUID=1-02 rootwait ds=nocloud\n")
            self.assertEqual(self.text("user-data", card).count("growpart:\n  mode: \"off\"\n"), 1)

    def test_a_kernel_that_came_later_stays(self):
        """Undoing takes away what setup brought, and nothing that needs it without a word."""
        self.install()
        with open(os.path.join(self.tree, "known"), "a", encoding="utf-8") as file:
            file.write("linux-image-6.12.99 1\nneeds-chrony 1\n")
        said = self.run_setup("--undo")
        self.assertEqual(said.returncode, 1)
        self.assertIn("needs-chrony", said.stderr)
        with open(os.path.join(self.tree, "known"), encoding="utf-8") as file:
            left = file.read().replace("needs-chrony 1\n", "")
        write(os.path.join(self.tree, "known"), left)
        self.works("--undo")
        self.assertIn("linux-image-6.12.99 1\n", self.text("known"))
        self.assertNotIn("chrony 1\n", self.text("known"))
        self.assertIn("systemd-timesyncd 1\n", self.text("known"))

    def test_two_answers_of_blkid_are_not_none(self):
        write(os.path.join(self.tools, "blkid"), "#!/bin/bash\nexit 8\n", 0o755)
        done, calls = self.disk(62333952)
        self.assertEqual(done.returncode, 1)
        self.assertIn("không xóa", done.stderr)
        self.assertNotIn("mkfs", calls)

    def test_help(self):
        done = subprocess.run([SETUP, "--help"], capture_output=True, text=True, check=True)
        self.assertTrue(done.stdout.startswith("Biến Raspberry Pi OS Lite"))


PIN = "sha256//" + "A" * 43 + "="
CARD = {"identity.json": '{"key": 1}\n', "enrolment": "0123456789abcdef" * 4 + "\n",
        "card.env": f"screen=s-7K3QZ5MX2A\nserver=https://bangtin.tinh.gov.vn:8443\npin={PIN};{PIN}\nroot_sha256={'ab' * 32}\n"}


class Card(unittest.TestCase):
    """What "bangtin card new" made, copied to the boot partition."""

    def setUp(self):
        self.tree = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tree)
        self.tools = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tools)
        for path in ("boot/firmware", "var/lib/bangtin-player", "var/lib/bangtin-data"):
            os.makedirs(os.path.join(self.tree, path))

    def put(self, **changes):
        for name, text in {**CARD, **{name.replace("_", "."): text for name, text in changes.items()}}.items():
            write(os.path.join(self.tree, "boot/firmware/bangtin", name), text)

    def take(self, cut=0):
        write(os.path.join(self.tools, "count"), "0")
        environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", "CUT_AT": str(cut),
                       "COUNT": os.path.join(self.tools, "count")}
        return subprocess.run([os.path.join(os.path.dirname(SETUP), "bangtin-card"), "take", self.tree], env=environment,
                              capture_output=True, text=True, start_new_session=True, timeout=180, check=False)

    def files(self):
        return {path: content for path, (mode, _, _, content) in snapshot(self.tree).items() if stat.S_ISREG(mode)}

    def assert_taken(self):
        self.assertEqual(self.files(), {
            "var/lib/bangtin-player/identity.json": CARD["identity.json"].encode(),
            "var/lib/bangtin-player/enrolment": CARD["enrolment"].encode(),
            "var/lib/bangtin-data/card.env": f'BANGTIN_CARD_OPTIONS="--server https://bangtin.tinh.gov.vn:8443 --pin {PIN};{PIN} '
                                             f'--root-sha256 {"ab" * 32}"\n'.encode()})
        for name in ("identity.json", "enrolment"):
            self.assertEqual(os.stat(os.path.join(self.tree, "var/lib/bangtin-player", name)).st_mode & 0o777, 0o600)

    def test_it_is_taken_once_and_wiped(self):
        self.put()
        done = self.take()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_taken()
        self.assertEqual(os.listdir(os.path.join(self.tree, "boot/firmware")), [])
        self.assertNotIn(CARD["enrolment"].strip(), done.stdout + done.stderr)
        self.assertEqual(self.take().returncode, 0)
        self.assert_taken()

    def test_cut_off_anywhere(self):
        for name in ("cp", "mv", "rm", "dd"):
            write(os.path.join(self.tools, name), CUT.replace("TOOL", name), 0o755)
        for cut in range(1, 11):
            with self.subTest(cut=cut):
                self.put()
                self.assertNotEqual(self.take(cut).returncode, 0)
                self.assertEqual(self.take().returncode, 0)
                self.assertEqual(os.listdir(os.path.join(self.tree, "boot/firmware")), [])
                self.assert_taken()
                for path in self.files():
                    os.remove(os.path.join(self.tree, path))

    def test_a_link_that_the_player_left_is_not_followed(self):
        elsewhere = os.path.join(self.tools, "shadow")
        write(elsewhere, "root's\n")
        for name in ("identity.json", "enrolment"):
            os.symlink(elsewhere, os.path.join(self.tree, "var/lib/bangtin-player", name + "~"))
        self.put()
        done = self.take()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_taken()
        with open(elsewhere, encoding="utf-8") as file:
            self.assertEqual(file.read(), "root's\n")

    def test_refused(self):
        cases = {"server": {"card_env": CARD["card.env"].replace("8443", '8443" --usb "/')},
                 "pin": {"card_env": CARD["card.env"].replace("sha256//A", "sha256// --data /x")},
                 "root_sha256": {"card_env": CARD["card.env"].replace("ab" * 32, "ab")},
                 "root_sha256, server: nói hai lần / said twice": {"card_env": CARD["card.env"].replace(
                     "\nserver=", f"\nserver=https://evil.example\nroot_sha256={'ee' * 32}\nserver=")},
                 "enrolment": {"enrolment": "x" * 64}, "identity.json": {"identity.json": "x" * 20000}}
        for said, changes in cases.items():
            with self.subTest(said):
                self.put(**{name.replace(".", "_"): text for name, text in changes.items()})
                before = self.files()
                done = self.take()
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)
                self.assertEqual(self.files(), before)

    def keep(self, number, cut=0):
        write(os.path.join(self.tree, "etc/machine-id"), number)
        write(os.path.join(self.tools, "count"), "0")
        environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", "CUT_AT": str(cut),
                       "COUNT": os.path.join(self.tools, "count")}
        return subprocess.run([os.path.join(os.path.dirname(SETUP), "bangtin-card"), "keep", self.tree], env=environment,
                              capture_output=True, text=True, start_new_session=True, timeout=180, check=False)

    def kept(self):
        """The number, and what the host's key says of itself."""
        place = os.path.join(self.tree, "var/lib/bangtin-data/machine")
        self.assertEqual(sorted(os.listdir(place)), ["machine-id", "ssh_host_ed25519_key"])
        self.assertEqual(os.stat(place).st_mode & 0o777, 0o700)
        key = os.path.join(place, "ssh_host_ed25519_key")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        public = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
        return self.text("var/lib/bangtin-data/machine/machine-id"), public

    def text(self, path):
        with open(os.path.join(self.tree, path), encoding="utf-8") as file:
            return file.read()

    def test_a_machine_is_itself_from_its_first_start_on(self):
        done = self.keep("1a" * 16 + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SHA256:", done.stdout)
        first = self.kept()
        self.assertEqual(first[0], "1a" * 16 + "\n")
        # As if the initramfs had brought nothing: systemd made up another.
        done = self.keep("2b" * 16 + "\n")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(self.kept(), first)
        shutil.rmtree(os.path.join(self.tree, "var/lib/bangtin-data/machine"))
        self.assertEqual(self.keep("2b" * 16 + "\n").returncode, 0)
        self.assertNotEqual(self.kept()[1], first[1])

    def test_a_board_keeps_the_key_that_is_known(self):
        key = os.path.join(self.tree, "etc/ssh/ssh_host_ed25519_key")
        os.makedirs(os.path.dirname(key))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.assertEqual(self.keep("1a" * 16 + "\n").returncode, 0)
        public = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
        self.assertEqual(self.kept()[1], public)

    def test_becoming_itself_is_cut_off_anywhere(self):
        for name in ("mkdir", "rm", "ssh-keygen", "sync", "mv"):
            write(os.path.join(self.tools, name), CUT.replace("TOOL", name), 0o755)
        self.assertEqual(self.keep("1a" * 16 + "\n").returncode, 0)
        with open(os.path.join(self.tools, "count"), encoding="utf-8") as file:
            total = int(file.read())
        self.assertGreater(total, 9)
        for cut in range(1, total + 1):
            with self.subTest(cut=cut):
                shutil.rmtree(os.path.join(self.tree, "var/lib/bangtin-data/machine"))
                self.assertNotEqual(self.keep("1a" * 16 + "\n", cut).returncode, 0)
                self.assertEqual(self.keep("2b" * 16 + "\n").returncode, 0)
                kept = self.kept()
                self.assertIn(kept[0], ("1a" * 16 + "\n", "2b" * 16 + "\n"))
                self.assertEqual(self.keep("3c" * 16 + "\n").returncode, 0)
                self.assertEqual(self.kept(), kept)

    def test_no_number_is_kept_that_is_none(self):
        for number in ("", "uninitialized\n", "0" * 32 + "\n", "1A" * 16 + "\n", "1a" * 15 + "\n", "1a" * 17 + "\n"):
            with self.subTest(number):
                done = self.keep(number)
                self.assertEqual(done.returncode, 1)
                self.assertIn("machine-id", done.stderr)
                self.assertEqual(os.listdir(os.path.join(self.tree, "var/lib/bangtin-data/machine")), ["ssh_host_ed25519_key"])
        # What a disk's fault left is no number either.
        write(os.path.join(self.tree, "var/lib/bangtin-data/machine/machine-id"), "\0" * 33)
        self.assertEqual(self.keep("1a" * 16 + "\n").returncode, 0)
        self.assertEqual(self.kept()[0], "1a" * 16 + "\n")

    def start(self, shell, number, blkid="echo /dev/mmcblk0p3", mount="cp -a"):
        """What the initramfs makes of the system's number, by a shell of its kind."""
        system, run, data = (os.path.join(self.tree, name) for name in ("sysroot", "run", "disk"))
        for place in (system, run, data):
            shutil.rmtree(place, ignore_errors=True)
        os.makedirs(run)
        write(os.path.join(system, "etc/machine-id"), "of this start\n")
        if number is not None:
            write(os.path.join(data, "machine/machine-id"), number)
        os.makedirs(data, exist_ok=True)
        # Functions: busybox would take its own tools before those in PATH.
        tools = (f'blkid() {{ {blkid}; }}\nmount() {{ echo "$*" >{self.tree}/mounted; {mount} {data}/. "$6"; }}\n'
                 'umount() { rm -rf "$1"/*; }\n. "$0"\n')
        done = subprocess.run([*shell, "-c", tools, os.path.join(os.path.dirname(SETUP), "bangtin-machine")], capture_output=True,
                              text=True, timeout=180, check=False, env={**os.environ, "rootmnt": system, "BANGTIN_RUN": run})
        self.assertEqual((done.returncode, os.listdir(run)), (0, []), done.stderr)
        return self.text("sysroot/etc/machine-id")

    def test_the_initramfs_brings_the_number(self):
        for shell in (["sh"], ["busybox", "sh"]):
            if not shutil.which(shell[0]):
                continue
            with self.subTest(shell):
                self.assertEqual(self.start(shell, "1a" * 16 + "\n"), "1a" * 16 + "\n")
                self.assertIn("-o ro,", self.text("mounted"))
                for number in (None, "", "uninitialized\n", "1a" * 15 + "\n", "1a" * 17, "../" * 10 + "xy\n", "\0" * 33):
                    self.assertEqual(self.start(shell, number), "of this start\n", number)

    def test_no_start_fails_for_a_number(self):
        for more in ({"blkid": "return 2"}, {"blkid": "true"}, {"mount": "return 32;"}):
            self.assertEqual(self.start(["sh"], "1a" * 16 + "\n", **more), "of this start\n", more)
        done = subprocess.run(["sh", os.path.join(os.path.dirname(SETUP), "bangtin-machine"), "prereqs"], capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stdout, "overlayroot\n")

    def grow(self, mounted):
        """What is done to which disk, with a stick of the same label in the machine."""
        calls = os.path.join(self.tools, "calls")
        for name, text in {"findmnt": f"test {mounted!r} && echo {mounted!r}", "blkid": "echo /dev/stick1", "lsblk": 'basename "${4%p3}"',
                           "blockdev": "echo 62333952", "sfdisk": 'echo "sfdisk $*" >>"$CALLS"; printf "start=\\nstart=\\nstart=\\n"',
                           "partx": 'echo "partx $*" >>"$CALLS"', "resize2fs": 'echo "resize2fs $*" >>"$CALLS"'}.items():
            write(os.path.join(self.tools, name), f"#!/bin/bash\n{text}\n", 0o755)
        for name, text in {"partition": "3", "start": "20971520", "size": "524288"}.items():
            write(os.path.join(self.tree, "sys/class/block/mmcblk0p3", name), text + "\n")
        done = subprocess.run([os.path.join(os.path.dirname(SETUP), "bangtin-card"), "grow", self.tree], capture_output=True, text=True,
                              timeout=180, check=False, env={**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", "CALLS": calls})
        if not os.path.exists(calls):
            return done, ""
        with open(calls, encoding="utf-8") as file:
            return done, file.read()

    def test_what_is_mounted_grows_and_no_stick(self):
        done, calls = self.grow("/dev/mmcblk0p3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sfdisk --quiet --no-reread --force --partno 3 /dev/mmcblk0\n", calls)
        self.assertIn("resize2fs /dev/mmcblk0p3\n", calls)
        self.assertNotIn("stick", calls)

    def test_nothing_grows_that_is_not_mounted(self):
        done, calls = self.grow("")
        self.assertIn("chưa được gắn", done.stderr)
        self.assertEqual((done.returncode, calls), (1, ""))

    def test_a_player_stays_the_one_it_is(self):
        write(os.path.join(self.tree, "var/lib/bangtin-player/identity.json"), "another\n")
        self.put()
        before = self.files()
        self.assertIn("máy phát khác", self.take().stderr)
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main()
