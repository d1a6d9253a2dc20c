"""A strict S3 store for tests: the part of the API that the server uses, with signatures that it verifies itself from the
specification (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), and faults on demand. What is not
signed rightly, or whose body is not what its signature says, is refused.

    store = Store()
    store.plan("GET", "blobs/", garble())            # the next answers are others
    Server(directory, *store.options(), …)

With BT_S3 (https://HOST/BUCKET) and BT_S3_CREDENTIALS (a file) the tests that need no faults use that store instead.
"""

import calendar
import hashlib
import hmac
import http.client
import http.server
import os
import re
import secrets
import shutil
import socket
import socketserver
import tempfile
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

REGION = "us-east-1"
BUCKET = "bangtin"
PATIENCE_S = 180
HANG_S = 180


def quote(text):
    return urllib.parse.quote(text, safe="-._~")


def canonical_query(query):
    """Sorted and encoded anew, whatever order it came in."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(pairs))


def sign(secret, region, date, signed, method, path, query, headers, payload):
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    request = "\n".join([method, path, canonical_query(query), lines, ";".join(signed), payload])
    scope = f"{date[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in (date[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return scope, hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Refusal(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


# Faults: each is asked before the answer goes out, and changes it.

def status(number, code="InternalError"):
    def change(_handler, _answer):
        raise Refusal(number, code)
    return change


def cut(after):
    """The connection ends in the middle of the body."""
    def change(_handler, answer):
        answer["cut"] = after
    return change


def hang(after=0):
    """The body stops and the connection stays, until the store is closed."""
    def change(_handler, answer):
        answer["hang"] = after
    return change


def garble(at=0):
    """One wrong byte, as a store in wrong hands would give."""
    def change(_handler, answer):
        body = bytearray(answer["body"])
        body[min(at, len(body) - 1)] ^= 1
        answer["body"] = bytes(body)
    return change


def instead(other):
    """Other bytes altogether."""
    def change(_handler, answer):
        answer["body"] = other
        answer["status"] = 200
        answer["headers"].pop("Content-Range", None)
    return change


def pause(event):
    """Waits until the test says so."""
    def change(_handler, _answer):
        event.wait(PATIENCE_S)
    return change


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one(self):
        store = self.server.store
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if store.closed:
            self.close_connection = True
            return
        key = url.path.removeprefix(f"/{BUCKET}").removeprefix("/")
        store.note(self.command, key)
        try:
            self.verify(store, url, body)
            answer = self.answer(store, url, key, body)
            for change in store.changes(self.command, key):
                change(self, answer)
        except Refusal as refusal:
            answer = self.refuse(refusal)
        self.send(answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one

    def refuse(self, refusal):
        body = f"<?xml version=\"1.0\"?><Error><Code>{refusal.code}</Code><Message>no</Message></Error>".encode()
        return {"status": refusal.status, "headers": {"Content-Type": "application/xml"}, "body": body}

    def send(self, answer):
        body = answer["body"]
        self.send_response(answer["status"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        if answer["status"] != 204:
            self.send_header("Content-Length", str(answer.get("length", len(body))))
        self.end_headers()
        if self.command == "HEAD":
            return
        end = answer.get("cut", answer.get("hang"))
        try:
            self.wfile.write(body if end is None else body[:end])
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        if "hang" in answer:
            self.server.store.ending.wait(HANG_S)
        if end is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def verify(self, store, url, body):
        said = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/,]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                            self.headers.get("Authorization", ""))
        date, payload = self.headers.get("x-amz-date", ""), self.headers.get("x-amz-content-sha256", "")
        if not said:
            raise Refusal(403, "AccessDenied")
        access, scope, signed, signature = said.groups()
        signed = signed.split(";")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if access != store.access:
            raise Refusal(403, "InvalidAccessKeyId")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed) or signed != sorted(signed):
            raise Refusal(403, "AccessDenied")
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        if not re.fullmatch(r"\d{8}T\d{6}Z", date) or abs(self.seconds(date) - self.seconds(now)) > 900:
            raise Refusal(403, "RequestTimeTooSkewed")
        expected = sign(store.secret, REGION, date, signed, self.command, url.path, url.query, headers, payload)
        if (scope, signature) != expected:
            raise Refusal(403, "SignatureDoesNotMatch")
        if hashlib.sha256(body).hexdigest() != payload:
            raise Refusal(400, "XAmzContentSHA256Mismatch")

    @staticmethod
    def seconds(date):
        return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))

    def answer(self, store, url, key, body):
        if not url.path.startswith(f"/{BUCKET}"):
            raise Refusal(404, "NoSuchBucket")
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        if not key:
            return self.list(store, query) if self.command == "GET" else {"status": 200, "headers": {}, "body": b""}
        with store.lock:
            if "uploads" in query or "uploadId" in query:
                return self.parts(store, key, query, body)
            return getattr(self, f"object_{self.command.lower()}")(store, key, body)

    @staticmethod
    def object_put(store, key, body):
        store.objects[key] = body
        return {"status": 200, "headers": {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, "body": b""}

    def object_get(self, store, key, _):
        if key not in store.objects:
            raise Refusal(404, "NoSuchKey")
        body = store.objects[key]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        store.ranges += [self.headers["Range"]] if asked else []
        if not asked:
            return {"status": 200, "headers": {"ETag": '"x"'}, "body": body}
        first = int(asked[1])
        if first >= len(body):
            raise Refusal(416, "InvalidRange")
        return {"status": 206, "headers": {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}, "body": body[first:]}

    object_head = object_get

    @staticmethod
    def object_delete(store, key, _):
        store.objects.pop(key, None)
        return {"status": 204, "headers": {}, "body": b""}

    def list(self, store, query):
        if query.get("list-type") != "2":
            raise Refusal(400, "InvalidArgument")
        with store.lock:
            keys = sorted(key for key in store.objects if key.startswith(query.get("prefix", "")))
            sizes = {key: len(store.objects[key]) for key in keys}
        after = query.get("continuation-token", "")
        keys = [key for key in keys if not after or key > after.removeprefix("after ")]
        page, more = keys[:store.page], len(keys) > store.page
        entries = "".join(f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-22T00:00:00.000Z</LastModified>"
                          f"<Size>{sizes[key]}</Size></Contents>" for key in page)
        following = f"<NextContinuationToken>after {escape(page[-1])}</NextContinuationToken>" if more else ""
        body = (f"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{BUCKET}</Name>"
                f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{following}{entries}</ListBucketResult>")
        return {"status": 200, "headers": {"Content-Type": "application/xml"}, "body": body.encode()}

    def parts(self, store, key, query, body):
        xml = {"Content-Type": "application/xml"}
        if self.command == "POST" and "uploads" in query:
            upload = secrets.token_hex(8) + "/+="  # what has to be encoded
            store.uploads[upload] = {}
            return {"status": 200, "headers": xml, "body": f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>"
                                                           "</InitiateMultipartUploadResult>".encode()}
        upload = query["uploadId"]
        if upload not in store.uploads:
            raise Refusal(404, "NoSuchUpload")
        if self.command == "PUT":
            etag = f'"{hashlib.md5(body).hexdigest()}"'
            store.uploads[upload][int(query["partNumber"])] = (etag, body)
            return {"status": 200, "headers": {"ETag": etag}, "body": b""}
        if self.command == "DELETE":
            del store.uploads[upload]
            return {"status": 204, "headers": {}, "body": b""}
        named = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag>", body.decode())
        there = store.uploads.pop(upload)
        if [(int(number), etag) for number, etag in named] != [(number, there[number][0]) for number in sorted(there)]:
            raise Refusal(400, "InvalidPart")
        if any(len(there[number][1]) < 5 * 1024**2 for number in sorted(there)[:-1]):
            raise Refusal(400, "EntityTooSmall")
        store.objects[key] = b"".join(there[number][1] for number in sorted(there))
        return {"status": 200, "headers": xml, "body": b"<CompleteMultipartUploadResult><ETag>\"x-1\"</ETag></CompleteMultipartUploadResult>"}


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # whoever is cut off is cut off


class Store:
    def __init__(self, port=0):
        self.access, self.secret = "bangtin-test", secrets.token_hex(20)
        self.objects, self.uploads, self.requests, self.planned, self.ranges = {}, {}, [], [], []
        self.page = 1000
        self.closed = False
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.store = self
        self.directory = tempfile.mkdtemp(prefix="bt-s3-")
        self.credentials = os.path.join(self.directory, "keys")
        with open(self.credentials, "w", encoding="utf-8") as file:
            file.write(f"[default]\naws_access_key_id = {self.access}\naws_secret_access_key = {self.secret}\n")
        os.chmod(self.credentials, 0o600)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{BUCKET}"

    def options(self, prefix="", *more):
        return ("--blobs", f"{self.url}/{prefix}".rstrip("/"), "--s3-credentials", self.credentials, *more)

    def plan(self, method, key, change, times=1):
        """The next `times` answers to this method about keys with this text are changed."""
        with self.lock:
            self.planned.append([method, key, change, times])

    def changes(self, method, key):
        with self.lock:
            for entry in self.planned:
                if entry[0] == method and entry[1] in key and entry[3] > 0:
                    entry[3] -= 1
                    return [entry[2]]
        return []

    def note(self, method, key):
        with self.lock:
            self.requests.append((method, key))

    def count(self, method, key):
        with self.lock:
            return sum(1 for m, k in self.requests if m == method and key in k)

    def keys(self, prefix=""):
        with self.lock:
            return sorted(key for key in self.objects if key.startswith(prefix))

    def stop(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)


class OtherStore:
    """One that runs elsewhere. Lists by itself, with a signature of ours."""

    def __init__(self, url, credentials):
        self.url, self.credentials = url, credentials
        with open(self.credentials, encoding="utf-8") as file:
            lines = dict(line.split("=", 1) for line in file if "=" in line)
        self.access, self.secret = (lines[f"aws_{name} "].strip() for name in ("access_key_id", "secret_access_key"))

    def options(self, prefix="", *more):
        return ("--blobs", f"{self.url}/{prefix}".rstrip("/"), "--s3-credentials", self.credentials, *more)

    def request(self, method, path, query=""):
        url = urllib.parse.urlsplit(self.url)
        headers = {"host": url.netloc, "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
                   "x-amz-content-sha256": hashlib.sha256(b"").hexdigest()}
        scope, signature = sign(self.secret, REGION, headers["x-amz-date"], sorted(headers), method, url.path + path, query, headers,
                                headers["x-amz-content-sha256"])
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access}/{scope},SignedHeaders={';'.join(sorted(headers))},"
                                    f"Signature={signature}")
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.netloc, timeout=PATIENCE_S)
        connection.request(method, url.path + path + ("?" + query if query else ""), headers=headers)
        return connection.getresponse().read()

    def keys(self, prefix=""):
        return sorted(re.findall(r"<Key>(.*?)</Key>", self.request("GET", "", f"list-type=2&prefix={quote(prefix)}").decode()))

    def stop(self):
        pass


def open_store():
    """Of one that runs elsewhere BT_S3 and BT_S3_CREDENTIALS tell."""
    if "BT_S3" in os.environ:
        return OtherStore(os.environ["BT_S3"], os.environ["BT_S3_CREDENTIALS"])
    return Store()
