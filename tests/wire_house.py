"""The wire of docs/protocol.md from the other side, for faults that a real server does not make: a
server in a few lines with a signed repository, a proxy that breaks what passes through it, and the
player's side run without a player (tests/sync_driver.c)."""

import base64
import datetime
import hashlib
import json
import os
import queue
import select
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BUILD = os.environ.get("BT_BUILD_ROOT", "build")
DRIVER = os.path.join(BUILD, "tests", "sync_driver")
SLOW_SYNC = os.path.abspath(os.path.join(BUILD, "tests", "libslow_sync.so"))
UNIT, SCREEN, PLAYER = "31333", "s-AAAAAAAAAA", "d-AAAAAAAAAA"
PLAYER_KEY = Ed25519PrivateKey.generate()  # of every player that a Driver runs
PLAYER_HEX = PLAYER_KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
EXPIRES = "2099-01-01T00:00:00Z"


def now_ms():
    return int(time.time() * 1000)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Key:
    def __init__(self, holder):
        self.private = Ed25519PrivateKey.generate()
        public = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        core = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public.hex()}}
        self.id = sha256(canonical(core))
        self.object = dict(core, **{"x-holder": holder, "x-class": "file"})

    def sign(self, signed):
        return {"signed": signed, "signatures": [{"keyid": self.id, "sig": self.private.sign(canonical(signed)).hex()}]}


class Repository:
    """Root, targets, u-UNIT, s-UNIT, em-UNIT, em-p, snapshot and timestamp, each with one key."""

    def __init__(self):
        self.keys = {name: Key(name) for name in
                     ("root", "targets", "snapshot", "timestamp", f"u-{UNIT}", f"s-{UNIT}", f"em-{UNIT}", "em-p")}
        self.files = {}
        self.documents = {}
        self.versions = {"targets": 0, f"u-{UNIT}": 0, f"s-{UNIT}": 0, "snapshot": 0, "timestamp": 0}
        self.expires = {}
        roles = ("root", "targets", "snapshot", "timestamp")
        root = {"_type": "root", "spec_version": "1.0.31", "version": 1, "expires": EXPIRES, "consistent_snapshot": True,
                "keys": {self.keys[r].id: self.keys[r].object for r in roles},
                "roles": {r: {"keyids": [self.keys[r].id], "threshold": 1} for r in roles}}
        self.root = json.dumps(self.keys["root"].sign(root), ensure_ascii=False)
        self.files["metadata/1.root.json"] = self.root.encode()
        self.issue()

    def role_of(self, path):
        return f"{path[0]}-{UNIT}" if path[0] in "us" and path[1] == "/" else "targets"

    def targets_of(self, role):
        return {path: {"length": len(data), "hashes": {"sha256": sha256(data)}}
                for path, data in self.documents.items() if self.role_of(path) == role}

    def put(self, target, document):
        """Adds or replaces a target; issue() publishes it."""
        data = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        path = target + ".json"
        self.documents[path] = data
        directory, _, name = path.rpartition("/")
        self.files["targets/" + (directory + "/" if directory else "") + sha256(data) + "." + name] = data
        return sha256(data)

    def remove(self, target):
        del self.documents[target + ".json"]

    def renew_root(self):
        """Another version of it, with the same keys; issue() publishes it."""
        signed = json.loads(self.root)["signed"]
        signed["version"] += 1
        self.root = json.dumps(self.keys["root"].sign(signed), ensure_ascii=False)
        self.files[f"metadata/{signed['version']}.root.json"] = self.root.encode()

    def write(self, role, signed, name):
        self.versions[role] += 1
        signed = dict(signed, spec_version="1.0.31", version=self.versions[role], expires=self.expires.get(role, EXPIRES))
        text = json.dumps(self.keys[role].sign(signed), ensure_ascii=False).encode()
        self.files["metadata/" + name.format(self.versions[role])] = text

    def issue(self):
        delegated = {f"u-{UNIT}": [f"u/{UNIT}/*"], f"s-{UNIT}": [f"s/{UNIT}/*"], f"em-{UNIT}": [], "em-p": []}
        for role in (f"u-{UNIT}", f"s-{UNIT}"):
            self.write(role, {"_type": "targets", "targets": self.targets_of(role)}, "{}." + role + ".json")
        self.write("targets", {
            "_type": "targets", "targets": self.targets_of("targets"),
            "delegations": {
                "keys": {self.keys[r].id: self.keys[r].object for r in delegated},
                "roles": [{"name": r, "keyids": [self.keys[r].id], "threshold": 1, "terminating": True, "paths": p}
                          for r, p in delegated.items()]}}, "{}.targets.json")
        self.write("snapshot", {"_type": "snapshot", "meta": {
            f"{r}.json": {"version": self.versions[r]} for r in ("targets", f"u-{UNIT}", f"s-{UNIT}")}}, "{}.snapshot.json")
        self.write("timestamp", {"_type": "timestamp", "meta": {
            "snapshot.json": {"version": self.versions["snapshot"]}}}, "timestamp.json")

    def activation(self, template, template_sha256, key=None, **changes):
        signed = {"_type": "emergency", "format": 1, "id": "e-1", "template": template, "template_sha256": template_sha256,
                  "scope": [UNIT], "screens": [], "level": 3, "from_ms": now_ms() - 1000, "until_ms": now_ms() + 60000,
                  "fields": {}}
        signed.update(changes)
        role = f"em-{UNIT}" if template.startswith("u/") else "em-p"
        return json.dumps(self.keys[key or role].sign(signed), ensure_ascii=False)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", kind="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        house = self.server.house
        path = self.path.split("?")[0]
        if path.startswith("/tuf/"):
            self.tuf(house, path[5:])
        elif path.startswith("/blobs/"):
            self.blob(house, path[7:])
        elif path == "/v1/player/stream":
            self.stream(house)
        elif path == "/v1/player/orders":
            after = int(self.path.split("after=")[1])
            with house.lock:
                orders = [order for order in house.orders if order["n"] > after][:100]
                house.polls += 1
            self.reply(200, {"orders": orders, "timestamp": house.repository.versions["timestamp"]})
        else:
            self.reply(404, {})

    def tuf(self, house, path):
        data = house.repository.files.get(path)
        if data is None:
            self.reply(404, {})
            return
        etag = '"' + sha256(data)[:16] + '"'
        house.fetched.append(path)
        if path.endswith("timestamp.json") and self.headers.get("If-None-Match") == etag:
            self.reply(304, headers=[("ETag", etag)])
        else:
            self.reply(200, data, headers=[("ETag", etag)])

    def blob(self, house, name):
        data = house.blobs.get(name)
        if data is None:
            self.reply(404, {})
            return
        start = 0
        wanted = self.headers.get("Range")
        if wanted and not house.no_ranges and self.headers.get("If-Range", f'"{name}"') == f'"{name}"':
            start = int(wanted[len("bytes="):].rstrip("-"))
        body = data[start:]
        house.ranges.append((name, start))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{name}"')
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, house):
        after = int(self.headers.get("Last-Event-ID", "0"))
        events = house.open_stream()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b"retry: 1000\n\n")
            self.event("hint", {"timestamp": house.repository.versions["timestamp"], "priority": "normal"})
            with house.lock:
                waiting = [order for order in house.orders if order["n"] > after]
            for order in waiting:
                self.event("order", order)
            while house.streaming:
                try:
                    self.event(*events.get(timeout=0.2))
                except queue.Empty:
                    if select.select([self.connection], [], [], 0)[0]:
                        break  # the player has gone
        except OSError:
            pass
        house.close_stream(events)

    def event(self, name, data):
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def do_POST(self):
        house = self.server.house
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        answers = {"/v1/pairings": house.pair, "/v1/player/challenge": house.challenge, "/v1/player/session": house.session,
                   "/v1/player/done": house.done, "/v1/player/pong": house.pong, "/v1/player/status": house.status}
        if self.path.startswith("/v1/player/screenshots/"):
            house.before_screenshot(self.connection)
            house.screenshots[int(self.path.rsplit("/", 1)[1])] = body
            self.reply(204)
        elif self.path.endswith("/state"):
            self.reply(200, house.claimed)
        elif self.path in answers:
            self.reply(*answers[self.path](json.loads(body)))
        else:
            self.reply(404, {})


def certificate(folder, days):
    """A certificate that ends so many days from now, with its key in one file, and its pin."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(1).not_valid_before(ends - datetime.timedelta(days=90)).not_valid_after(ends)
            .sign(private, hashes.SHA256()))
    path = os.path.join(folder, "certificate.pem")
    with open(path, "wb") as file:
        file.write(made.public_bytes(serialization.Encoding.PEM) + private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public = private.public_key().public_bytes(serialization.Encoding.DER,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
    return path, "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode()


class House:
    """The server."""

    def __init__(self, certificate_file=None, repository=None):
        self.repository = repository or Repository()
        self.blobs = {}
        self.orders = []
        self.results = {}
        self.done_log = []
        self.pongs, self.statuses, self.screenshots = [], [], {}
        self.before_screenshot = lambda connection: None
        self.ranges, self.fetched = [], []
        self.polls = 0
        self.no_ranges = False
        self.hours = None  # opening hours, as a session says them
        self.streams = []
        self.streaming = True
        self.claimed = {"state": "waiting"}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *arguments: None  # players are killed in the middle
        self.server.daemon_threads = True
        self.server.house = self
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if certificate_file else ''}://127.0.0.1:{self.port}"
        if certificate_file:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate_file)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()

    def close(self):
        self.streaming = False
        self.server.shutdown()
        self.server.server_close()

    def open_stream(self):
        events = queue.Queue()
        with self.lock:
            self.streams.append(events)
        return events

    def close_stream(self, events):
        with self.lock:
            self.streams.remove(events)

    def say(self, name, data):
        with self.lock:
            for events in self.streams:
                events.put((name, data))

    def claim(self, server=None):
        self.claimed = {"state": "claimed", "player": PLAYER, "unit": UNIT, "screen": SCREEN, "server": server}

    def pair(self, body):
        root = self.repository.root
        return 200, {"pairing": "i-1", "code": "K7WQ-2MXB", "expires_s": 600, "poll_s": 1, "root": root,
                     "root_sha256": sha256(root.encode())}

    def challenge(self, body):
        return 200, {"nonce": "0123456789abcdef"}

    def session(self, body):
        hours = {"hours": self.hours} if self.hours else {}
        return 200, {"token": "t" * 32, "expires_s": 3600, "now_ms": now_ms(), **hours}

    def done(self, body):
        with self.lock:
            for result in body["results"]:
                self.results[result["n"]] = result
                self.done_log.append(result)
        return (204,)

    def pong(self, body):
        self.pongs.append(body["ping"])
        return (204,)

    def status(self, body):
        self.statuses.append(body)
        return (204,)

    def order(self, kind, **keys):
        with self.lock:
            order = dict({"n": len(self.orders) + 1, "kind": kind}, **keys)
            self.orders.append(order)
        self.say("order", order)
        return order["n"]

    def publish(self, priority="now"):
        self.repository.issue()
        self.say("hint", {"timestamp": self.repository.versions["timestamp"], "priority": priority})

    def blob(self, data):
        self.blobs[sha256(data)] = data
        return {"name": "a" + sha256(data)[:12], "sha256": sha256(data), "size": len(data), "type": "image/png"}


def screen_document(version=1, carries=(f"u/{UNIT}/chung",), players=(PLAYER_HEX,), **more):
    document = dict({"format": 1, "id": "man-hinh", "version": version, "layer": "screen", "canvas": {"width": 320, "height": 180},
                     "zones": [{"name": "chinh"}], "carries": list(carries), "players": list(players)}, **more)
    return {key: value for key, value in document.items() if value}


def write_identity(directory):
    """A player's key file, before its first start."""
    path = os.path.join(directory, "identity.json")
    if os.path.exists(path):
        return
    core = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": PLAYER_HEX}}
    secret = PLAYER_KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        json.dump({"format": 1, "keyid": sha256(canonical(core)), "holder": "player", "class": "file", "label": "",
                   "public": core, "protection": None, "secret": secret.hex()}, file)


def unit_document(version=1, assets=(), **more):
    items = [{"id": f"anh-{i}", "type": "image", "asset": asset["name"], "seconds": 5} for i, asset in enumerate(assets)]
    items.append({"id": "chu", "type": "text", "text": f"Bản {version}", "seconds": 5})
    document = {"format": 1, "id": "chung", "version": version, "layer": "unit",
                "playlists": [{"name": "chung", "items": items}], "schedule": [{"zone": "chinh", "playlist": "chung"}]}
    if assets:
        document["assets"] = list(assets)
    return dict(document, **more)


def template_document(version=1, **more):
    return dict({"format": 1, "id": "bao", "version": version, "layer": "emergency",
                 "fields": [{"name": "ten", "type": "text", "max_bytes": 64}, {"name": "cap", "type": "number", "max_bytes": 4}],
                 "playlists": [{"name": "bao", "items": [
                     {"id": "bao", "type": "text", "text": "Bão {ten} cấp {cap} {khac", "seconds": 10}]}],
                 "schedule": [{"zone": "chinh", "playlist": "bao"}]}, **more)


class Driver:
    """The player's side, running; its news are read as they come."""

    def __init__(self, directory, server=None, slow_sync_ms=0, **options):
        command = [DRIVER, "--dir", directory]
        write_identity(directory)
        environment = dict(os.environ)
        if slow_sync_ms:
            environment.update(LD_PRELOAD=SLOW_SYNC, BT_SLOW_SYNC_MS=str(slow_sync_ms),
                               BT_SYNCED_TO=os.path.join(directory, "synced"),
                               ASAN_OPTIONS=environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        if server:
            command += ["--server", server]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.log = open(os.path.join(directory, "log"), "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.news = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.news.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, test, timeout=180, after=0):
        """The first news after so many that passes the test."""
        until = time.monotonic() + timeout
        with self.changed:
            while True:
                for news in self.news[after:]:
                    if test(news):
                        return news
                left = until - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"nothing came; there is {self.news[after:][-5:]}")
                self.changed.wait(left)

    def wait_content(self, version, target=f"u/{UNIT}/chung", timeout=180, after=0):
        return self.wait(lambda n: n["news"] == "content" and
                         any(p["target"] == target and p["version"] == version for p in n["publications"]), timeout, after)

    def close(self):
        self.process.terminate()
        return self.finish()

    def kill(self):
        self.process.kill()
        self.finish()

    def finish(self):
        status = self.process.wait(180)
        self.reader.join()
        self.process.stdout.close()
        self.log.close()
        return status


def wait_until(test, timeout=180):
    until = time.monotonic() + timeout
    while not test():
        if time.monotonic() > until:
            raise AssertionError("it did not happen")
        time.sleep(0.01)


class ChaosProxy:
    """A TCP proxy that passes on, or after `at` bytes of answers cuts, stalls, truncates (half-close)
    or garbles, once."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.lock = threading.Lock()
        self.fault, self.at, self.passed, self.struck = None, 0, 0, 0
        self.refusing = False
        self.blob_bytes = 0  # of assets, passed on to the player
        self.open = set()
        threading.Thread(target=self.run, daemon=True).start()

    def arm(self, fault, at):
        with self.lock:
            self.fault, self.at, self.passed = fault, at, 0

    def disarm(self):
        with self.lock:
            self.fault = None

    def cut_all(self):
        with self.lock:
            sockets = list(self.open)
        for one in sockets:
            self.shut(one)

    @staticmethod
    def shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open |= {client, server}
            threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, True), daemon=True).start()

    def strike(self, data):
        """What becomes of a piece of an answer: (bytes to pass on, what happens then)."""
        with self.lock:
            before, self.passed = self.passed, self.passed + len(data)
            if self.fault is None or self.passed <= self.at:
                return data, None
            fault, self.fault = self.fault, None
            self.struck += 1
        cut = max(0, self.at - before)
        if fault == "garble":
            return data[:cut] + bytes([data[cut] ^ 0x55]) + data[cut + 1:], None
        return data[:cut], fault

    def count_blob(self, data, left):
        """Counts the bytes of assets in a piece of an answer; returns how many are to follow."""
        if left == 0 and b"application/octet-stream" in data:
            head, _, data = data.partition(b"\r\n\r\n")
            left = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        passed = min(left, len(data))
        self.blob_bytes += passed
        return left - passed

    def pump(self, source, sink, answers):
        fault, left = None, 0
        try:
            while fault is None:
                data = source.recv(65536)
                if not data:
                    break
                if answers:
                    data, fault = self.strike(data)
                    left = self.count_blob(data, left)
                sink.sendall(data)
        except OSError:
            pass
        if fault == "stall":
            time.sleep(3)
        elif fault == "truncate":
            try:
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            time.sleep(0.05)
        for one in (source, sink):
            self.shut(one)
        with self.lock:
            self.open -= {source, sink}
        if answers:
            source.close()
            sink.close()

    def close(self):
        self.listener.close()
        self.cut_all()
