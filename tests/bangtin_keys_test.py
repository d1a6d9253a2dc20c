#!/usr/bin/env python3
"""bangtin key, bangtin repository: who may sign what, made on the holders' own machines."""

import datetime
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BT_BUILD_ROOT"])

# Opens a key file as the approver's page does, with WebCrypto alone, and signs with it.
WEBCRYPTO = """
const fs = require('fs');
const {subtle} = require('crypto').webcrypto;
const file = JSON.parse(fs.readFileSync(process.argv[1], 'utf8'));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
(async () => {
  const typed = await subtle.importKey('raw', new TextEncoder().encode(process.argv[2].normalize('NFC')),
    'PBKDF2', false, ['deriveKey']);
  const p = file.protection;
  const aes = await subtle.deriveKey(
    {name: 'PBKDF2', hash: 'SHA-256', salt: bytes(p.salt), iterations: p.iterations}, typed,
    {name: 'AES-GCM', length: 256}, false, ['decrypt']);
  const pkcs8 = await subtle.decrypt({name: 'AES-GCM', iv: bytes(p.iv)}, aes, bytes(file.secret));
  const kind = file.public.keytype === 'ed25519' ? {name: 'Ed25519'} : {name: 'ECDSA', namedCurve: 'P-256'};
  const key = await subtle.importKey('pkcs8', pkcs8, kind, false, ['sign']);
  const how = kind.name === 'ECDSA' ? {name: 'ECDSA', hash: 'SHA-256'} : kind;
  const signature = await subtle.sign(how, key, new TextEncoder().encode('xin chào'));
  const text = file.public.keyval.public;
  const publicKey = kind.name === 'Ed25519' ?
    await subtle.importKey('raw', bytes(text), kind, false, ['verify']) :
    await subtle.importKey('spki', Buffer.from(text.replace(/-----[^-]+-----|\\s/g, ''), 'base64'), kind,
      false, ['verify']);
  console.log(await subtle.verify(how, publicKey, signature, new TextEncoder().encode('xin chào')));
})().catch((error) => { console.log('refused', error.name); });
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {**os.environ, "XDG_CONFIG_HOME": str(self.dir / "config")}
        self.repository = self.dir / "kho"

    def bangtin(self, *arguments, fails=False, **kwargs):
        done = subprocess.run([BUILD / "cli" / "bangtin", *map(str, arguments)], cwd=self.dir,
                              env=self.env, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **kwargs)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stderr if fails else done.stdout

    def key(self, holder, *options):
        self.bangtin("key", "new", f"{holder}.json", "--holder", holder, *(options or ["--no-passphrase"]))
        return json.loads((self.dir / f"{holder}.json").read_text(encoding="utf-8"))

    def change(self, *arguments, keys=(), fails=False):
        signing = [word for key in keys for word in ("--key", f"{key}.json")]
        return self.bangtin(*arguments, "--repository", self.repository, "--offline", *signing, fails=fails)

    def document(self, name):
        return json.loads((self.repository / f"{name}.json").read_text(encoding="utf-8"))

    def delegation(self, role, document=None):
        delegations = (document or self.document("targets"))["signed"]["delegations"]
        found = [each for each in delegations["roles"] if each["name"] == role]
        return (found[0], delegations["keys"]) if found else (None, delegations["keys"])

    def holders(self, role):
        entry, keys = self.delegation(role)
        return sorted(keys[keyid]["x-holder"] for keyid in entry["keyids"])

    def make_repository(self, root_threshold=1, targets_threshold=1):
        online = {role: self.key(role)["public"] for role in ("snapshot", "timestamp")}
        (self.dir / "online.json").write_text(json.dumps(online), encoding="utf-8")
        for holder in ("goc", "tinh", "an", "binh"):
            self.key(holder)
        return self.bangtin("repository", "new", self.repository, "--server", "http://127.0.0.1:9",
                            "--offline", "--online-keys", "online.json", "--root", "goc.json",
                            "--root", "tinh.pub.json", "--targets", "tinh.json",
                            "--targets", "an.pub.json", "--root-threshold", root_threshold,
                            "--targets-threshold", targets_threshold)


class Keys(Folder):
    def test_a_key_opens_in_a_browser(self):
        if shutil.which("node") is None:
            self.skipTest("needs node")
        (self.dir / "mat-khau").write_text("Bốn từ khó đoán\n", encoding="utf-8")
        for holder, kind in (("an", "ed25519"), ("binh", "p256")):
            self.key(holder, "--kind", kind, "--passphrase-file", "mat-khau")
            for typed, answer in (("Bốn từ khó đoán", "true"), ("sai", "refused OperationError")):
                done = subprocess.run(["node", "-e", WEBCRYPTO, self.dir / f"{holder}.json", typed],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(done.stdout.strip(), answer)

    def test_both_ways_of_writing_a_letter_are_one_passphrase(self):
        (self.dir / "nfd").write_text("B\u00f4\u0301n tu\u031b\u0300 kho\u0301 \u0111oa\u0301n\n", encoding="utf-8")
        (self.dir / "nfc").write_text("B\u1ed1n t\u1eeb kh\u00f3 \u0111o\u00e1n\r\n", encoding="utf-8")
        self.make_repository()
        self.key("truc", "--passphrase-file", "nfd")
        self.change("key", "enrol", "targets", "truc.pub.json", keys=["goc", "tinh"])
        self.bangtin("repository", "renew", "targets", "--repository", self.repository, "--offline",
                     "--key", "truc.json", "--passphrase-file", "nfc")
        self.assertEqual(self.document("targets")["signed"]["version"], 3)

    def test_a_passphrase_comes_over_a_descriptor(self):
        reading, writing = os.pipe()
        os.write(writing, "Bốn từ khó đoán\n".encode())
        os.close(writing)
        self.bangtin("key", "new", "an.json", "--holder", "an", "--passphrase-fd", reading,
                     pass_fds=[reading])
        os.close(reading)
        self.assertIn("PBKDF2", (self.dir / "an.json").read_text(encoding="utf-8"))

    def at_terminal(self, arguments, answers):
        """Runs bangtin at a terminal of its own; (what was asked, answer) in their order."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.dir)
            os.execve(BUILD / "cli" / "bangtin", ["bangtin", *arguments], self.env)
        shown = b""

        def read_on():
            try:
                return os.read(terminal, 4096)
            except OSError:  # how a terminal says that nobody is left at its other end
                return b""
        for question, answer in answers:
            seen = len(shown)
            while question not in shown[seen:]:
                more = read_on()
                self.assertTrue(more, shown.decode(errors="replace"))
                shown += more
            os.write(terminal, answer)
        while more := read_on():
            shown += more
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown

    def test_the_terminal_asks_twice_and_shows_nothing(self):
        typed = "Bốn từ khó đoán\n".encode()
        new = ["key", "new", "an.json", "--holder", "an"]
        status, shown = self.at_terminal(new, [(b"new passphrase: ", typed), (b"again: ", b"khac\n")])
        self.assertEqual((status, (self.dir / "an.json").exists()), (1, False))
        status, shown = self.at_terminal(new, [(b"new passphrase: ", typed), (b"again: ", typed)])
        self.assertEqual(status, 0, shown)
        self.assertNotIn("khó đoán", shown.decode())

    def test_nobody_to_ask_is_said(self):
        if os.path.exists("/dev/tty") and os.isatty(0):
            self.skipTest("somebody is there")
        words = self.bangtin("key", "new", "an.json", "--holder", "an", fails=True, start_new_session=True)
        self.assertIn("--passphrase-file", words)
        self.assertFalse((self.dir / "an.json").exists())

    def test_a_key_is_never_overwritten_and_never_open(self):
        before = self.key("an")
        self.bangtin("key", "new", "an.json", "--holder", "an", "--no-passphrase", fails=True)
        self.assertEqual(json.loads((self.dir / "an.json").read_text(encoding="utf-8")), before)
        self.assertEqual((self.dir / "an.json").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("secret", (self.dir / "an.pub.json").read_text(encoding="utf-8"))


class Repository(Folder):
    def test_each_holder_signs_on_their_own_machine(self):
        words = self.make_repository(root_threshold=2, targets_threshold=2)
        self.assertEqual(len(self.document("root")["signatures"]), 2)
        self.assertIn("'targets' chưa đủ chữ ký", words)
        self.assertFalse((self.repository / "targets.json").exists())
        words = self.change("repository", "sign", keys=["binh"])
        self.assertIn("2 signatures needed, 1 valid", words)
        self.change("repository", "sign", keys=["an"])
        self.assertEqual(len(self.document("targets")["signatures"]), 2)
        self.assertEqual(list((self.repository / "pending").iterdir()), [])

    def test_a_commune_with_one_officer_borrows(self):
        self.make_repository()
        words = self.change("key", "enrol", "u-31333", "an.pub.json", keys=["tinh"], fails=True)
        self.assertIn("Threshold 2", words)
        self.change("key", "enrol", "u-31333", "an.pub.json", "--threshold", 1, keys=["tinh"])
        self.change("key", "lend", "tinh", "--to", "u-31333", "--threshold", 2, keys=["tinh"])
        self.assertEqual(self.holders("u-31333"), ["an", "tinh"])
        entry, _ = self.delegation("u-31333")
        self.assertEqual((entry["threshold"], entry["paths"], entry["terminating"]),
                         (2, ["u/31333/*"], True))

    def test_roles_have_their_paths_and_thresholds(self):
        self.make_repository()
        for role, paths, threshold in (("s-31333", ["s/31333/*"], 1), ("em-31333", [], 1),
                                       ("em-p", [], 1)):
            self.change("key", "enrol", role, "binh.pub.json", keys=["tinh"])
            entry, _ = self.delegation(role)
            self.assertEqual((entry["paths"], entry["threshold"]), (paths, threshold))
        for role in ("x-31333", "u-", "u-A", "u-" + "1" * 25, "snapshots"):
            self.change("key", "enrol", role, "binh.pub.json", keys=["tinh"], fails=True)

    def test_revoking_leaves_enough_or_refuses(self):
        self.make_repository()
        self.change("key", "enrol", "u-31333", "an.pub.json", "binh.pub.json", keys=["tinh"])
        self.change("key", "revoke", "binh", keys=["tinh"], fails=True)
        self.assertEqual(self.holders("u-31333"), ["an", "binh"])
        self.change("key", "lend", "goc", "--to", "u-31333", keys=["tinh"])
        self.change("key", "revoke", "binh", keys=["tinh"])
        self.assertEqual(self.holders("u-31333"), ["an", "goc"])
        self.assertIn("nobody", self.change("key", "revoke", "binh", keys=["tinh"], fails=True))

    def test_revoking_from_the_province_signs_targets_anew(self):
        self.make_repository()
        self.change("key", "revoke", "an", "--role", "targets", keys=["goc"])
        # The new root is complete; what is in force waits for those who may sign now.
        self.assertTrue((self.repository / "pending" / "targets.json").exists())
        self.change("repository", "sign", keys=["tinh"])
        self.assertEqual(self.document("targets")["signed"]["version"], 2)
        self.assertEqual(self.document("root")["signed"]["version"], 2)

    def test_rotating_replaces_in_every_role(self):
        self.make_repository()
        self.change("key", "enrol", "u-31333", "an.pub.json", "binh.pub.json", keys=["tinh"])
        self.bangtin("key", "new", "an2.json", "--holder", "an", "--no-passphrase")
        self.change("key", "rotate", "an", "an2.pub.json", keys=["goc", "tinh"])
        new = json.loads((self.dir / "an2.json").read_text(encoding="utf-8"))["keyid"]
        self.assertIn(new, self.delegation("u-31333")[0]["keyids"])
        self.assertIn(new, self.document("root")["signed"]["roles"]["targets"]["keyids"])
        self.assertEqual(self.holders("u-31333"), ["an", "binh"])

    def test_a_root_key_replaced_needs_the_old_root(self):
        self.make_repository()
        self.change("key", "revoke", "goc", "--role", "root", keys=["binh"])
        self.assertEqual(self.document("root")["signed"]["version"], 1)
        self.change("repository", "sign", keys=["goc"])
        self.assertEqual(self.document("root")["signed"]["version"], 1)  # the new one has not signed
        self.change("repository", "sign", keys=["tinh"])
        self.assertEqual(self.document("root")["signed"]["version"], 2)

    def test_renewal_is_one_step_and_reminded_of(self):
        self.make_repository()
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=6, hours=12)
        config = self.dir / "config" / "bangtin" / "expiries.json"
        expiries = json.loads(config.read_text(encoding="utf-8"))
        self.assertEqual(sorted(expiries), ["root", "targets"])
        expiries["targets"] = int(soon.timestamp() * 1000)
        config.write_text(json.dumps(expiries), encoding="utf-8")
        done = subprocess.run([BUILD / "cli" / "bangtin", "key", "list", "an.json"], cwd=self.dir,
                              env=self.env, capture_output=True, text=True, check=True)
        self.assertIn("'targets' còn 6 ngày / 6 days left", done.stderr)
        self.assertIn("bangtin repository renew targets", done.stderr)
        self.change("repository", "renew", keys=["goc", "tinh"])
        self.assertEqual(self.document("targets")["signed"]["version"], 2)
        self.assertEqual(self.document("root")["signed"]["version"], 2)
        done = subprocess.run([BUILD / "cli" / "bangtin", "key", "list", "an.json"], cwd=self.dir,
                              env=self.env, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")

    def test_a_folder_that_somebody_changed_is_refused(self):
        self.make_repository()
        for name in ("root", "targets"):
            good = (self.repository / f"{name}.json").read_text(encoding="utf-8")
            changed = json.loads(good)
            changed["signed"]["expires"] = "2099-01-01T00:00:00Z"
            (self.repository / f"{name}.json").write_text(json.dumps(changed), encoding="utf-8")
            words = self.change("repository", "sign", keys=["tinh"], fails=True)
            self.assertIn("signatures", words)
            (self.repository / f"{name}.json").write_text(good, encoding="utf-8")

    def test_a_servers_new_keys_take_the_place_of_the_old(self):
        self.make_repository()
        same = self.change("repository", "online", "--online-keys", "online.json", keys=["goc"], fails=True)
        self.assertIn("the trusted one", same)
        new = {role: self.key(role + "-moi")["public"] for role in ("snapshot", "timestamp")}
        (self.dir / "new.json").write_text(json.dumps(new), encoding="utf-8")
        self.change("repository", "online", "--online-keys", "new.json", keys=["goc"])
        root = self.document("root")["signed"]
        self.assertEqual(root["version"], 2)
        for role in ("snapshot", "timestamp"):
            keys = [root["keys"][keyid]["keyval"] for keyid in root["roles"][role]["keyids"]]
            self.assertEqual(keys, [new[role]["keyval"]])
            self.assertEqual(root["roles"][role]["threshold"], 1)
        (self.dir / "half.json").write_text(json.dumps({"snapshot": new["timestamp"]}), encoding="utf-8")
        self.change("repository", "online", "--online-keys", "half.json", keys=["goc"], fails=True)
        self.assertEqual(self.document("root")["signed"]["version"], 2)

    def test_https_needs_a_spare_pin(self):
        self.make_repository()
        one = ["--pin", "sha256//" + "A" * 43 + "="]
        self.change("repository", "servers", "https://bangtin.example.vn", *one, keys=["tinh"], fails=True)
        two = ["--pin", "sha256//" + "B" * 43 + "="]
        self.change("repository", "servers", "https://bangtin.example.vn", *one, *two, keys=["tinh"])
        servers = json.loads((self.repository / "files" / "servers.json").read_text(encoding="utf-8"))
        self.assertEqual(len(servers["servers"][0]["pins"]), 2)


if __name__ == "__main__":
    unittest.main()
