"""A central server in wrong hands. It has taken over the data directory of a real bangtin-server: its database, its blobs, the
keys of snapshot and timestamp. It has no approver's key. From these it serves players whatever it likes."""

import copy
import json
import os
import sqlite3

from cryptography.hazmat.primitives import serialization

from wire_house import EXPIRES, House, Key, canonical, now_ms, sha256


class FileKey(Key):
    """A key file without a passphrase: the server's own, or one that its holder lost."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = json.load(file)
        self.id, self.object = text["keyid"], text["public"]
        self.private = serialization.load_der_private_key(bytes.fromhex(text["secret"]), None)


def signatures(signed, keys):
    """A document with a signature of each of the keys."""
    return {"signed": signed, "signatures": [key.sign(signed)["signatures"][0] for key in keys]}


class Loot:
    """What lay in the directory, served as tests/wire_house.py serves a repository."""

    def __init__(self, data):
        database = sqlite3.connect(f"file:{data}/bangtin.db?mode=ro", uri=True)
        self.metadata = {(role, version): json.loads(body) for role, version, body in
                         database.execute("SELECT role, version, body FROM tuf_metadata")}
        self.bodies = {f"metadata/{version}.{role}.json": body.encode() for role, version, body in
                       database.execute("SELECT role, version, body FROM tuf_metadata")}
        self.targets = {(path, digest): body.encode() for path, digest, body in
                        database.execute("SELECT path, sha256, body FROM tuf_target")}
        database.close()
        self.versions = {}
        for role, version in self.metadata:
            self.versions[role] = max(version, self.versions.get(role, 0))
        self.files = dict(self.bodies)
        self.files["metadata/timestamp.json"] = self.bodies[f"metadata/{self.versions['timestamp']}.timestamp.json"]
        for (path, digest), body in self.targets.items():
            self.put_target(path, body, digest)
        self.root = self.bodies[f"metadata/{self.versions['root']}.root.json"].decode()
        self.online = {role: FileKey(os.path.join(data, "keys", role + ".json")) for role in ("snapshot", "timestamp")}
        self.blobs = {}
        for directory, _, names in os.walk(os.path.join(data, "blobs")):
            for name in names:
                with open(os.path.join(directory, name), "rb") as file:
                    self.blobs[name] = file.read()

    def document(self, role, version=None):
        return copy.deepcopy(self.metadata[role, version or self.versions[role]])

    def approved(self, path, version=None):
        """The text of a target as its role's metadata of that version name it."""
        role = {"u": "u-", "s": "s-"}[path[0]] + path.split("/")[1]
        digest = self.document(role, version)["signed"]["targets"][path]["hashes"]["sha256"]
        return self.targets[path, digest]

    def put_target(self, path, body, digest=None):
        """Under the name that consistent snapshots give it."""
        directory, _, name = path.rpartition("/")
        self.files[f"targets/{directory + '/' if directory else ''}{digest or sha256(body)}.{name}"] = body

    def put(self, role, document):
        """As the newest of a role, whoever signed it."""
        version = document["signed"]["version"]
        self.metadata[role, version] = document
        self.versions[role] = version
        self.files[f"metadata/{version}.{role}.json"] = json.dumps(document, ensure_ascii=False).encode()

    def forge(self, role, changes, keys, **more):
        """The role's next metadata with other targets (path: document, or None to withdraw), signed by whom we have."""
        signed = self.document(role)["signed"]
        signed["version"] += 1
        for path, document in changes.items():
            if document is None:
                del signed["targets"][path]
                continue
            body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
            signed["targets"][path] = {"length": len(body), "hashes": {"sha256": sha256(body)}}
            self.put_target(path, body)
        signed.update(more)
        self.put(role, signatures(signed, keys))

    def issue(self, meta=None, snapshot=None, timestamp=None, expires=EXPIRES):
        """What the online keys may sign: which versions are the newest. `meta` overrides some, None leaves a role out."""
        versions = {f"{role}.json": {"version": version} for role, version in self.versions.items()
                    if role not in ("root", "snapshot", "timestamp")}
        for role, version in (meta or {}).items():
            versions[f"{role}.json"] = {"version": version}
            if version is None:
                del versions[f"{role}.json"]
        number = snapshot or self.versions["snapshot"] + 1
        signed = {"_type": "snapshot", "spec_version": "1.0.31", "version": number, "expires": EXPIRES, "meta": versions}
        self.put("snapshot", self.online["snapshot"].sign(signed))
        self.stamp(number, timestamp, expires)

    def stamp(self, snapshot, version=None, expires=EXPIRES):
        signed = {"_type": "timestamp", "spec_version": "1.0.31", "version": version or self.versions["timestamp"] + 1,
                  "expires": expires, "meta": {"snapshot.json": {"version": snapshot}}}
        self.put("timestamp", self.online["timestamp"].sign(signed))
        self.files["metadata/timestamp.json"] = json.dumps(self.document("timestamp")).encode()


class Hijacked(House):
    """Serves the loot, and speaks to players as their server does."""

    def __init__(self, data, last_order=0):
        loot = Loot(data)
        self.first_order = last_order + 1
        self.says_ms = now_ms  # what time it tells
        super().__init__(repository=loot)
        self.loot = loot
        self.blobs = loot.blobs

    def order(self, kind, **keys):
        with self.lock:
            order = dict({"n": self.first_order + len(self.orders), "kind": kind}, **keys)
            self.orders.append(order)
        self.say("order", order)
        return order["n"]

    def hint(self, version=None):
        self.say("hint", {"timestamp": version or self.loot.versions["timestamp"], "priority": "now"})

    def session(self, body):
        return 200, {"token": "t" * 32, "expires_s": 3600, "now_ms": self.says_ms()}


def activation(key, template, body, unit, **changes):
    """A warning of that template, signed by that key (None: by nobody)."""
    signed = {"_type": "emergency", "format": 1, "id": "e-1", "template": template, "template_sha256": sha256(body),
              "scope": [unit], "screens": [], "level": 3, "from_ms": now_ms() - 1000, "until_ms": now_ms() + 3600000,
              "fields": {"cap": "9"}}
    signed.update(changes)
    document = signatures(signed, [key] if key else [])
    return canonical(document).decode()
