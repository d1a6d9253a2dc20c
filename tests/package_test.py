#!/usr/bin/env python3
"""What is installed: units, settings, man pages and completion, and the list of what packages are built with. What needs
whole systems to install into is tools/package-check."""

import configparser
import functools
import glob
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("BT_SOURCE_ROOT", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BT_BUILD_ROOT", os.path.join(SOURCE, "build"))
UNITS = os.path.join(SOURCE, "deploy", "systemd")
DEBIAN = os.path.join(SOURCE, "deploy", "debian")
PROGRAMS = {name: os.path.join(BUILD, room, name) for name, room in
            (("bangtin", "cli"), ("bangtin-player", "player"), ("bangtin-server", "server"), ("bangtin-update", "update"))}
# Of those that systemd names when they are wrong; a unit's programs are not on the machine that tests.
NOT_WRONG = re.compile(r"is not executable: No such file|Command 'man .*' failed|Failed to open .*bus|^$")
HIGHEST_EXPOSURE = 2.0


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


@functools.cache
def told(name, *words):
    """What a program says to --help."""
    return subprocess.run([PROGRAMS[name], *words, "--help"], capture_output=True, text=True, check=True).stdout


def unit(name):
    """The settings of a unit, the last of those that are said twice."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str
    parser.read_string(read(UNITS, name))
    return parser


class UnitsTest(unittest.TestCase):
    def setUp(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")

    def test_units_are_what_systemd_understands(self):
        names = sorted(path for kind in ("service", "socket", "timer", "path") for path in glob.glob(f"{UNITS}/*.{kind}"))
        self.assertGreater(len(names), 4)
        with tempfile.TemporaryDirectory() as directory:
            # Beside each other, so that they find one another, and what they start is a program.
            for name in names:
                text = re.sub(r"(?m)^(Exec\w+=[-+!:]*)\S+", r"\1/bin/true", read(name))
                with open(os.path.join(directory, os.path.basename(name)), "w", encoding="utf-8") as file:
                    file.write(re.sub(r"(?m)^Documentation=.*\n", "", text))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", *sorted(glob.glob(directory + "/*"))],
                                  env=dict(os.environ, SYSTEMD_UNIT_PATH=directory + ":"), capture_output=True, text=True,
                                  timeout=180, check=False)
        wrong = [line for line in done.stderr.splitlines() if "bangtin" in line and not NOT_WRONG.search(line)]
        self.assertEqual(wrong, [])

    def test_what_runs_for_long_is_little_exposed(self):
        with tempfile.TemporaryDirectory() as directory:
            for path in sorted(path for name in ("server", "player", "media") for path in glob.glob(f"{UNITS}/bangtin-{name}*.service")):
                self.look_at(shutil.copy(path, directory))

    def look_at(self, path):
        with self.subTest(os.path.basename(path)):
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={int(HIGHEST_EXPOSURE * 10)}",
                                   "--no-pager", path], capture_output=True, text=True, timeout=180, check=False)
            found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
            self.assertIsNotNone(found, done.stdout + done.stderr)
            self.assertLessEqual(float(found.group(1)), HIGHEST_EXPOSURE, done.stdout)
            self.assertEqual(done.returncode, 0)

    def test_services_run_as_users_that_packages_make(self):
        users = {line.split()[1] for path in glob.glob(DEBIAN + "/*.sysusers") for line in read(path).splitlines()
                 if line.startswith("u ")}
        for path in glob.glob(os.path.join(UNITS, "bangtin-server*.service")) + glob.glob(os.path.join(UNITS, "bangtin-player*.service")):
            with self.subTest(os.path.basename(path)):
                service = unit(os.path.basename(path))["Service"]
                self.assertIn(service["User"], users)
                self.assertEqual(service["CapabilityBoundingSet"], "")
                self.assertEqual(service["NoNewPrivileges"], "yes")
                self.assertEqual(service["ProtectSystem"], "strict")

    def test_the_player_waits_for_no_network(self):
        text = read(UNITS, "bangtin-player.service")
        self.assertNotIn("network", re.sub(r"(?m)^#.*$", "", text))

    def test_what_hangs_is_started_anew_and_the_server_is_tried_for_ever(self):
        for name in ("server", "player", "player-card"):
            service = unit(f"bangtin-{name}.service")["Service"]
            self.assertEqual(service["Type"], "notify")
            self.assertIn("WatchdogSec", service)
            self.assertIn(service["Restart"], ("always", "on-failure"))
        self.assertEqual(unit("bangtin-server.service")["Unit"]["StartLimitIntervalSec"], "0")

    def test_a_player_that_dies_again_and_again_becomes_a_card_and_gets_another_hour(self):
        player, again = unit("bangtin-player.service"), unit("bangtin-player-again.timer")
        self.assertEqual(player["Unit"]["StartLimitBurst"], "4")
        # Later than the last of those starts, or the one after the card would be refused, and nothing be there.
        self.assertEqual((player["Unit"]["StartLimitIntervalSec"], again["Timer"]["OnActiveSec"]), ("1h", "62min"))
        for name in player["Unit"]["OnFailure"].split():
            self.assertTrue(os.path.exists(os.path.join(UNITS, name)), name)
        self.assertIn("bangtin-player-card.service", player["Unit"]["Conflicts"])
        self.assertEqual(again["Timer"]["Unit"], "bangtin-player.service")


class LauncherTest(unittest.TestCase):
    """deploy/update/bangtin-player-current: which of two versions it starts."""

    def started(self, current, installed, whole=True, words=("a b",), card=""):
        with tempfile.TemporaryDirectory() as directory:
            for name, place in (("installed", "installed"), (current, f"state/versions/{current}/usr/bin/bangtin-player")):
                path = os.path.join(directory, place)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/sh\necho {name} \"$@\"\n" if whole or name == "installed" else "#!/bin/no-such-loader\n")
                os.chmod(path, 0o755)
            if current:
                os.symlink(f"versions/{current}", os.path.join(directory, "state", "current"))
            return subprocess.run([os.path.join(SOURCE, "deploy", "update", "bangtin-player-current"), "run", *words],
                                  env=dict(os.environ, BANGTIN_PLAYER=os.path.join(directory, "installed"), BANGTIN_INSTALLED=installed,
                                           BANGTIN_UPDATE_STATE=os.path.join(directory, "state"),
                                           BANGTIN_CARD_OPTIONS=card),
                                  capture_output=True, text=True, check=True).stdout.strip()

    def test_what_a_card_says_holds_where_the_settings_say_nothing(self):
        card = "--server https://the.vn --pin sha256//A= --root-sha256 ab"
        for words, wanted in (
                ("--rate 9", card), ("--server https://moi.vn", "--root-sha256 ab"), ("--server=https://moi.vn --pin x", "--root-sha256 ab"),
                ("--pin x", "--server https://the.vn --root-sha256 ab"), ("--root-sha256 cd --servers", "--server https://the.vn --pin sha256//A="),
                ("", card)):
            self.assertEqual(self.started("", "0.1.0", words=["--data", "/x", *words.split()], card=card),
                             " ".join(["installed run --data /x", *words.split(), wanted]), words)
        self.assertEqual(self.started("0.2.0", "0.1.0", card=card), "0.2.0 run a b " + card)
        self.assertEqual(self.started("", "0.1.0", card=""), "installed run a b")

    def test_the_newer_one_is_started_and_the_installed_one_in_doubt(self):
        for current, installed, wanted in (
                ("0.2.0", "0.1.0", "0.2.0"), ("0.2.0", "0.2.0", "installed"), ("0.2.0", "0.3.0", "installed"), ("0.10.0", "0.9.9", "0.10.0"),
                ("1.0.0", "0.9.9", "1.0.0"), ("0.9.9", "1.0.0", "installed"), ("0.2.1", "0.2.0", "0.2.1"), ("0.2.0", "", "0.2.0"),
                ("abc", "0.1.0", "installed"), ("", "0.1.0", "installed")):
            self.assertEqual(self.started(current, installed), wanted + " run a b", (current, installed))

    def test_one_that_cannot_run_any_more_is_left(self):
        self.assertEqual(self.started("0.2.0", "0.1.0", whole=False), "installed run a b")


class SettingsTest(unittest.TestCase):
    def test_settings_are_read_by_systemd_and_the_shell_alike_and_hold_nothing_yet(self):
        for name, variable in (("server", "BANGTIN_SERVER_OPTIONS"), ("player", "BANGTIN_PLAYER_OPTIONS")):
            path = os.path.join(DEBIAN, name + ".env")
            done = subprocess.run(["env", "-i", "sh", "-euc", f'. "{path}"; printf "%s" "${{{variable}-unset}}"'],
                                  capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout, "")
            self.assertIn(f"EnvironmentFile=-/etc/bangtin/{name}.env", read(UNITS, f"bangtin-{name}.service"))
            self.assertIn("$" + variable, read(UNITS, f"bangtin-{name}.service"))

    def test_what_the_settings_give_as_examples_are_options_of_the_programs(self):
        for name, words in (("server", []), ("player", ["run"])):
            text = read(DEBIAN, name + ".env").replace("--keep", "")  # the backup's
            for option in set(re.findall(r"--[a-z0-9-]{3,}", text)) - {"--now", "--help"}:
                self.assertIn(f"    {option} ", told("bangtin-" + name, *words))

    def test_programs_in_units_take_the_options_that_units_give(self):
        for path in glob.glob(os.path.join(UNITS, "bangtin-*.service")):
            for line in re.findall(r"(?m)^ExecStart=/usr/(?:bin|libexec/bangtin)/(bangtin-(?:player|server|update))\S* (.*)$", read(path)):
                words = line[1].split()
                command = [word for word in words[:1] if re.fullmatch("[a-z]+", word)]
                for option in (word for word in words if word.startswith("--")):
                    self.assertIn(f"    {option} ", told(line[0], *command), path)

    def test_the_keys_of_a_store_are_no_setting(self):
        for name in ("bangtin-server", "bangtin-server-backup"):
            # Without a path before it: one that is missing is then no failure (systemd.exec(5)).
            self.assertEqual(unit(name + ".service")["Service"]["LoadCredential"], "s3:bangtin-s3")
        self.assertIn("/etc/credstore/bangtin-s3", read(DEBIAN, "server.env"))

    @unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
    def test_the_card_is_the_one_that_the_player_falls_back_on(self):
        with tempfile.TemporaryDirectory() as directory:
            pictures = [os.path.join(directory, name) for name in ("card.png", "card.tga")]
            subprocess.run([PROGRAMS["bangtin-player"], "render", os.path.join(DEBIAN, "card.json"), "--assets", directory, "--at",
                            "2026-11-22T10:00", "--out", pictures[0]], check=True, timeout=180)
            subprocess.run([PROGRAMS["bangtin-player"], "card", "--size", "960x540", "--out", pictures[1]], check=True, timeout=180)
            shown = [subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", picture, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                                    check=True, capture_output=True).stdout for picture in pictures]
            self.assertEqual(len(shown[0]), 960 * 540 * 3)
            self.assertEqual(shown[0], shown[1])

    def test_the_card_can_be_drawn_and_is_not_black(self):
        with tempfile.TemporaryDirectory() as directory:
            out = os.path.join(directory, "card.png")
            subprocess.run([PROGRAMS["bangtin-player"], "render", os.path.join(DEBIAN, "card.json"), "--assets", directory, "--at",
                            "2026-11-22T10:00", "--out", out], check=True, timeout=180)
            black = os.path.join(directory, "black.png")
            with open(os.path.join(directory, "black.json"), "w", encoding="utf-8") as file:
                file.write(read(DEBIAN, "card.json").replace("Bảng tin\", \"seconds", ".\", \"seconds"))
            subprocess.run([PROGRAMS["bangtin-player"], "render", file.name, "--assets", directory, "--at", "2026-11-22T10:00",
                            "--out", black], check=True, timeout=180)
            self.assertGreater(os.path.getsize(out), os.path.getsize(black))


class ManualTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        subprocess.run([os.path.join(SOURCE, "tools", "manual.py"), "--out", cls.directory.name, *PROGRAMS.values()], check=True,
                       timeout=300)

    def commands(self, name):
        """Each command's words and options, as the program lists them; counted here without tools/manual.py."""
        top = told(name)
        groups = re.findall(r"(?m)^  ([a-z]+) {2,}\S", top) or ["", "backup", "restore", "migrate"][:4 if name == "bangtin-server" else 1]
        for group in groups:
            found = []
            for line in (told(name, group) if group else top).splitlines():
                if line.startswith("  " + name):
                    words = itertools.takewhile(re.compile("[a-z][a-z-]*").fullmatch, line.split())
                    found.append((" ".join(words), []))
                elif line.startswith("Ví dụ"):
                    break
                elif line.startswith("    --"):
                    found[-1][1].append(line.split()[0])
            yield from ((called, options) for called, options in found if options)

    def test_man_pages_know_every_option(self):
        for name in PROGRAMS:
            page = read(self.directory.name, name + ".1").replace("\\-", "-")
            count = 0
            for called, options in self.commands(name):
                at = page.index(f".B {called}")
                for option in options:
                    count += 1
                    self.assertIn(f"\\fB{option}\\fR", page[at:], called)
            self.assertGreater(count, 5)

    def test_completion_offers_every_option_of_the_command_that_was_begun(self):
        for name in PROGRAMS:
            script = os.path.join(self.directory.name, name + ".bash-completion")
            calls, wanted = [], []
            for called, options in self.commands(name):
                words = called.split()
                calls.append(f"COMP_WORDS=({called} --); COMP_CWORD={len(words)}; _{name.replace('-', '_')}; echo \"${{COMPREPLY[*]}}\"")
                wanted.append((called, options))
            done = subprocess.run(["bash", "-euc", f". {script}\n" + "\n".join(calls)], capture_output=True, text=True, check=True)
            for (called, options), line in zip(wanted, done.stdout.splitlines(), strict=True):
                self.assertEqual(sorted({*options, "--help"}), sorted(line.split()), called)

    def test_man_pages_are_what_troff_understands(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        for name in PROGRAMS:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", os.path.join(self.directory.name, name + ".1")],
                                  env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="120", MANROFFSEQ=""), capture_output=True,
                                  text=True, timeout=180, check=False)
            self.assertEqual(done.stderr, "", name)


class EmulatorTest(unittest.TestCase):
    """Roots of another kind of machine, in a user namespace: since Linux 6.7 each has handlers of its own."""

    MOUNT = "mount -t tmpfs tmpfs /proc/sys/fs/binfmt_misc"

    def emulate(self, *first, arch="arm64"):
        script = "\n".join([*first, f". {SOURCE}/tools/debian-root.sh", f"root_emulate {arch}", "ls /proc/sys/fs/binfmt_misc"])
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "bash", "-euc", script], capture_output=True, text=True,
                              timeout=180, check=False)

    def setUp(self):
        if not os.path.exists("/usr/lib/binfmt.d/qemu-aarch64.conf") or os.uname().machine != "x86_64":
            self.skipTest("qemu-user-static for arm64 is not installed")
        tried = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
                                "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc"], capture_output=True, check=False)
        if tried.returncode != 0:
            self.skipTest("handlers cannot be mounted in a user namespace")

    def test_the_handler_is_registered_where_nobody_did(self):
        done = self.emulate(self.MOUNT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split(), ["qemu-aarch64", "register", "status"])

    def test_what_is_registered_stays(self):
        mine = r"printf '%s' ':qemu-aarch64:E::bangtin::/bin/true:' >/proc/sys/fs/binfmt_misc/register"
        done = self.emulate("mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc", mine, "trap 'cat /proc/sys/fs/binfmt_misc/q*' EXIT")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("interpreter /bin/true", done.stdout)

    def test_without_the_package_it_is_said_what_to_install(self):
        done = self.emulate(self.MOUNT, "mount -t tmpfs tmpfs /usr/lib/binfmt.d")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not start programs for arm64", done.stderr)
        self.assertIn("deploy/install-deps --package", done.stderr)

    def test_this_machines_own_programs_need_nobody(self):
        done = self.emulate(self.MOUNT, arch="$(dpkg --print-architecture)")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


class RepositoryTest(unittest.TestCase):
    """Signed, in two channels, and read by apt itself."""

    def setUp(self):
        for program in ("apt-ftparchive", "gpg", "dpkg-deb", "apt-get"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.environment = dict(os.environ, GNUPGHOME=self.path("gnupg"), LC_ALL="C.UTF-8")
        os.mkdir(self.path("gnupg"), 0o700)
        self.addCleanup(self.run_program, "gpgconf", "--kill", "all")
        self.run_program("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "kho@example", "ed25519", "sign", "never")
        for place in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "state/lists/partial", "cache/archives/partial"):
            os.makedirs(self.path(place))

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def run_program(self, *command, fails=False):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=180, check=False)
        self.assertEqual(done.returncode != 0, fails, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def package(self, version, about="one"):
        self.write(f"{version}/DEBIAN/control", f"Package: bangtin-thu\nVersion: {version}\nArchitecture: amd64\nMaintainer: a <a@example>\n"
                   f"Description: {about}\n")
        self.run_program("dpkg-deb", "--build", "--root-owner-group", self.path(version), self.path(f"bangtin-thu_{version}_amd64.deb"))
        return self.path(f"bangtin-thu_{version}_amd64.deb")

    def repository(self, verb, *packages, key="kho@example", fails=False):
        return self.run_program(os.path.join(SOURCE, "deploy", "apt-repository"), verb, "--repo", self.path("repo"), "--key", key,
                                "--suite", "trixie", *packages, fails=fails)

    def apt(self, program, *words, fails=False):
        options = {"Dir::Etc": self.path("etc/apt"), "Dir::State": self.path("state"), "Dir::Cache": self.path("cache"),
                   "Dir::State::status": "/dev/null", "APT::Architecture": "amd64", "APT::Architectures": "amd64",
                   "APT::Sandbox::User": "root", "Acquire::Languages": "none"}
        return self.run_program(program, *(f"-o{key}={value}" for key, value in options.items()), *words, fails=fails)

    def offered(self, channel):
        self.write("etc/apt/sources.list", f"deb [signed-by={self.path('repo/bangtin-archive.asc')}] file:{self.path('repo')} {channel} main\n")
        self.apt("apt-get", "update", "--error-on=any")
        found = re.search(r"Candidate: (\S+)", self.apt("apt-cache", "policy", "bangtin-thu"))
        return found.group(1) if found else None

    def test_what_is_staged_comes_to_everybody_when_it_is_promoted(self):
        self.repository("stage", self.package("1.0"))
        self.assertEqual((self.offered("trixie-staged"), self.offered("trixie")), ("1.0", None))
        self.repository("promote")
        self.repository("stage", self.package("1.1"))
        self.assertEqual((self.offered("trixie-staged"), self.offered("trixie")), ("1.1", "1.0"))

    def test_who_read_the_signature_before_finds_the_lists_it_signed(self):
        self.repository("stage", self.package("1.0"))
        lists = "dists/trixie-staged/main/binary-amd64/by-hash/SHA256"
        before = set(os.listdir(self.path("repo", lists)))
        self.repository("stage", self.package("1.1"))
        after = set(os.listdir(self.path("repo", lists)))
        self.assertEqual(len(before), 2)  # as it is, and packed
        self.assertEqual((before - after, len(after)), (set(), 4))
        self.assertIn("Acquire-By-Hash: yes", read(self.path("repo/dists/trixie-staged/InRelease")))
        self.assertEqual(self.offered("trixie-staged"), "1.1")

    def test_a_version_that_was_given_out_is_never_another_one(self):
        package = self.package("1.0")
        self.repository("stage", package)
        self.repository("stage", package)
        self.assertIn("with other content", self.repository("stage", self.package("1.0", "two"), fails=True))
        self.assertIn("Description: one", read(self.path("repo/dists/trixie-staged/main/binary-amd64/Packages")))

    def test_a_key_that_is_not_there_changes_nothing(self):
        self.repository("stage", self.package("1.0"))
        key, lists = read(self.path("repo/bangtin-archive.asc")), sorted(os.listdir(self.path("repo/dists")))
        self.repository("refresh", key="nobody@example", fails=True)
        self.assertEqual((read(self.path("repo/bangtin-archive.asc")), sorted(os.listdir(self.path("repo/dists")))), (key, lists))

    def test_what_was_changed_behind_the_signature_is_refused(self):
        self.repository("stage", self.package("1.0"))
        path = self.path("repo/dists/trixie-staged/InRelease")
        self.write(path, read(path).replace("Label: Bangtin", "Label: Bangtln"))
        self.write("etc/apt/sources.list", f"deb [signed-by={self.path('repo/bangtin-archive.asc')}] file:{self.path('repo')} trixie-staged main\n")
        self.assertRegex(self.apt("apt-get", "update", "--error-on=any", fails=True), "BADSIG|not valid|[Ii]nvalid")


class ControlTest(unittest.TestCase):
    def test_packages_are_built_with_what_everybody_installs_to_build(self):
        control = re.search(r"(?s)Build-Depends:\n(.*?)\n\n", read(DEBIAN, "control")).group(1)
        named = {re.split(r"[ :,(|]", line.strip())[0] for line in control.splitlines()}
        listed = subprocess.run([os.path.join(SOURCE, "deploy", "install-deps"), "--build", "--list"], capture_output=True, text=True,
                                check=True).stdout.split()
        # Part of every root in which packages are built, or of another's business.
        others = {"gcc", "libc6-dev", "ninja-build", "libcmocka-dev"}
        self.assertEqual({name for name in named if name.startswith("lib")}, {name for name in listed if name.startswith("lib")} - others)
        self.assertEqual(set(listed) - named, others)


def main():
    for program in PROGRAMS.values():
        if not os.path.exists(program):
            print(f"{program} is not built")
            sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
