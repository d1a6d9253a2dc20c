#!/usr/bin/env python3
"""New versions of the programs: announced with `bangtin software`, signed by the province, served by a real
server to everybody once they are signed for, and to nobody before."""

import hashlib
import json
import os
import pathlib
import subprocess
import unittest
import urllib.error
import urllib.request

import bangtin_server_test

ROOT = pathlib.Path(os.environ["BT_SOURCE_ROOT"])
PLATFORM = "debian-13-arm64"


def package(text):
    """What a server can see of a Debian package: its beginning."""
    return b"!<arch>\ndebian-binary   1795240000  0     0     100644  4         `\n2.0\n" + text.encode()


class Software(bangtin_server_test.Walk):
    def fetch(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=180) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def add(self, name, version, *options, fails=False):
        (self.dir / name).write_bytes(package(version))
        return self.bangtin("software", "add", name, "--version", version, "--platform", PLATFORM, "--repository",
                            "kho", "--key", "tinh.json", *options, fails=fails)

    def published(self):
        """software.json as players find it."""
        _, timestamp = self.fetch("/tuf/metadata/timestamp.json")
        number = json.loads(timestamp)["signed"]["meta"]["snapshot.json"]["version"]
        _, snapshot = self.fetch(f"/tuf/metadata/{number}.snapshot.json")
        number = json.loads(snapshot)["signed"]["meta"]["targets.json"]["version"]
        _, targets = self.fetch(f"/tuf/metadata/{number}.targets.json")
        named = json.loads(targets)["signed"]["targets"].get("software.json")
        if named is None:
            return None
        status, text = self.fetch(f"/tuf/targets/{named['hashes']['sha256']}.software.json")
        self.assertEqual((status, hashlib.sha256(text).hexdigest()), (200, named["hashes"]["sha256"]))
        return json.loads(text)

    def test_a_version_for_one_screen_then_for_all(self):
        self.prepare()
        self.assertIsNone(self.published())
        self.add("moi.deb", "0.2.0", "--screen", "HOI-TRUONG")
        self.add("moi.deb", "0.2.0", "--from", "2027-01-01T00:00:00+07:00", "--hours", "22:00-04:00")
        releases = self.published()["releases"]
        digest = hashlib.sha256(package("0.2.0")).hexdigest()
        self.assertEqual([each["sha256"] for each in releases], [digest, digest])
        self.assertEqual([each["who"]["screens"] for each in releases], [["HOI-TRUONG"], []])
        self.assertEqual([each["hours"] for each in releases], ["01:00-04:00", "22:00-04:00"])
        self.assertEqual(self.fetch(f"/blobs/{digest}"), (200, package("0.2.0")))
        self.assertIn("HOI-TRUONG", self.bangtin("software", "show", "--repository", "kho"))
        self.bangtin("software", "remove", "0.2.0", "--repository", "kho", "--key", "tinh.json")
        self.assertEqual(self.published()["releases"], [])

    def test_a_package_is_nobodys_before_it_is_signed_for(self):
        self.prepare()
        self.bangtin("key", "new", "khac.json", "--holder", "khac", "--no-passphrase")
        (self.dir / "moi.deb").write_bytes(package("0.2.0"))
        # Somebody else's key: the package is sent, and nothing is announced.
        self.bangtin("software", "add", "moi.deb", "--version", "0.2.0", "--platform", PLATFORM, "--repository", "kho",
                     "--key", "khac.json")
        digest = hashlib.sha256(package("0.2.0")).hexdigest()
        self.assertEqual(self.fetch(f"/blobs/{digest}")[0], 404)
        self.assertIsNone(self.published())

    def test_what_is_no_version_is_refused_where_it_is_written(self):
        self.prepare()
        self.assertIn("'version'", self.add("moi.deb", "0.2", fails=True))
        self.assertIn("'hours'", self.add("moi.deb", "0.2.0", "--hours", "1-4", fails=True))
        self.assertIn("who: units[0]", self.add("moi.deb", "0.2.0", "--unit", "a/b", fails=True))
        self.assertIsNone(self.published())
        (self.dir / "anh.deb").write_bytes(b"not a package, but long enough to be one")
        self.assertIn("not a Debian package",
                      self.bangtin("software", "add", "anh.deb", "--version", "0.2.0", "--platform", PLATFORM,
                                   "--repository", "kho", "--key", "tinh.json", fails=True))


class Schema(unittest.TestCase):
    def test_it_says_what_the_reader_says(self):
        try:
            import jsonschema
            validator = jsonschema.Draft202012Validator(json.loads((ROOT / "trust/software.schema.json").read_text()))
        except (ImportError, AttributeError):
            self.skipTest("needs python3-jsonschema 4 or later")
        page = (ROOT / "docs/software.md").read_text(encoding="utf-8")
        good = json.loads(page.split("```json\n")[1].split("```")[0])
        validator.validate(good)
        release = good["releases"][0]
        for key, wrong in (("version", "1.2"), ("version", "1.02.3"), ("hours", "1-4"), ("hours", "24:30-01:00"), ("size", 0),
                           ("sha256", "00"), ("platform", "../x"), ("who", {"all": True}), ("from_ms", -1), ("more", 1)):
            self.assertFalse(validator.is_valid({"format": 1, "releases": [{**release, key: wrong}]}), (key, wrong))
        self.assertFalse(validator.is_valid({"format": 2, "releases": []}))


# Of the walk through the whole program only its legs are wanted here.
for inherited in unittest.defaultTestLoader.getTestCaseNames(bangtin_server_test.Walk):
    setattr(Software, inherited, None)

if __name__ == "__main__":
    unittest.main()
