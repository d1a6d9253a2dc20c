"""What tests of the real server share: a bangtin-server in a directory of its own on a free port,
with SQLite or a real PostgreSQL, and a client that holds every answer against the API's description.

    class LibraryTest(ServerCase):
        def test_a_sentence(self):
            admin = self.administrator()
            answer = admin.post("/v1/units", {"code": "31333", …})
            self.assertEqual(answer.status, 201)

    if __name__ == "__main__":
        main()

Every test runs on each engine that is installed, with an empty database (BT_ENGINES=sqlite chooses). An
answer that openapi.json does not describe is a failure, and so is any 500.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from parts import each, part_of

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

SOURCE = os.environ.get("BT_SOURCE_ROOT", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BT_BUILD_ROOT", os.path.join(SOURCE, "build"))
PROGRAM = os.path.join(BUILD, "server", "bangtin-server")
POSTGRES = os.path.join(SOURCE, "tools", "postgres.sh")
PASSWORD = "mật khẩu dài để thử"
START_S = 180  # a machine that does much else, with sanitizers


class Spec:
    """The API's description, and whether an answer is one that it describes."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.paths = [(self.pattern(path), path) for path in document["paths"]]
        # The path with the most literal parts is meant, as in the server.
        self.paths.sort(key=lambda entry: entry[1].count("{"))

    @staticmethod
    def pattern(path):
        parts = re.split(r"\{[^}]*\}", path)
        return re.compile("[^/]+".join(map(re.escape, parts)) + "$")

    def operation(self, method, path):
        methods = [self.document["paths"][template] for pattern, template in self.paths if pattern.match(path)]
        for operations in methods:
            found = operations.get(method.lower()) or (operations.get("get") if method == "HEAD" else None)
            if found:
                return found
        return None

    def resolve(self, value):
        while "$ref" in value:
            _, value = self.resolver.resolve(value["$ref"])
        return value

    def validate(self, value, schema, where):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(value)]
        if errors:
            raise AssertionError(f"{where}: not as described: {'; '.join(errors[:5])}; it is {str(value)[:600]}")

    def described(self, operation, status):
        """What the operation says of the status. Refusals that any address may give need no mention."""
        responses = operation["responses"] if operation else {}
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return self.resolve(responses[key])
        return self.document["components"]["responses"]["Problem"] if status >= 400 else None

    def check(self, method, path, answer):
        path = urllib.parse.urlsplit(path).path
        where = f"{method} {path} -> {answer.status}"
        if method == "OPTIONS" and answer.status == 204:
            return
        operation = self.operation(method, path)
        if operation is None and answer.status not in (400, 404, 405, 431, 503):
            raise AssertionError(f"{where}: no such operation is described")
        response = self.described(operation, answer.status)
        if response is None:
            raise AssertionError(f"{where}: this status is not described; {answer.body[:300]!r}")
        self.check_content(response.get("content", {}), method, answer, where)

    def check_content(self, content, method, answer, where):
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        if not answer.body:
            if content and method != "HEAD" and answer.headers.get("Content-Length", "0") == "0" and "*/*" not in content:
                raise AssertionError(f"{where}: a body is described, and there is none")
            return
        media = content.get(kind) or content.get(kind.split("/")[0] + "/*") or content.get("*/*")
        if media is None:
            raise AssertionError(f"{where}: content '{kind}' is not described; {answer.body[:300]!r}")
        if "schema" in media and kind.endswith("json"):
            self.validate(answer.json, media["schema"], where)
        elif "schema" in media and kind.startswith("text/") and method != "HEAD":
            self.validate(answer.body.decode(), media["schema"], where)


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def etag(self):
        return self.headers["ETag"]

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


class Stream:
    """Server-sent events as they come. Each is a dictionary of its fields."""

    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def next(self, wanted=None):
        """The next event; with `wanted`, the next of that kind, others are skipped. None at the end."""
        event = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif not line and event:
                if wanted is None or event.get("event") == wanted:
                    return event
                event = {}

    def close(self):
        self.response.close()
        self.connection.close()


class Client:
    """Somebody who asks the server: nobody, a session (cookie and token), or a bearer of a token."""

    def __init__(self, server, bearer=None):
        self.server = server
        self.headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self.connection = None

    def open(self):
        return self.server.connect()

    def send(self, connection, method, path, body, headers):
        connection.request(method, path, body=body, headers={**self.headers, **headers})
        return connection.getresponse()

    def request(self, method, path, body=None, headers=None, check=True, **more):
        """`body`: an object is sent as JSON, bytes as they are. `more` are headers, If_Match=etag."""
        headers = dict(headers or {}, **{name.replace("_", "-"): value for name, value in more.items()})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        if self.connection is None:
            self.connection = self.open()
        try:
            response = self.send(self.connection, method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()  # an idle connection may be closed at any time
            response = self.send(self.connection, method, path, body, headers)
        answer = Answer(response, response.read())
        if response.will_close:
            self.connection.close()
        if answer.status == 500:
            raise AssertionError(f"{method} {path}: 500; the server said: {self.server.said()[-2000:]}")
        if check and self.server.spec is not None:
            self.server.spec.check(method, path, answer)
        return answer

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def stream(self, path, **more):
        connection = self.open()
        response = self.send(connection, "GET", path, None, {n.replace("_", "-"): v for n, v in more.items()})
        if response.status != 200:
            raise AssertionError(f"GET {path}: {response.status} {response.read()!r}")
        return Stream(connection, response)

    def login(self, login, password=PASSWORD):
        """Becomes a session."""
        self.headers = {}
        answer = self.post("/v1/login", {"login": login, "password": password})
        if answer.status not in (200, 201):
            raise AssertionError(f"cannot log in: {answer}")
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.headers = {"Cookie": cookie, "X-Bangtin-Token": answer.json["token"], "Origin": self.server.origin}
        return self


class Server:
    """A bangtin-server that runs until stop()."""

    def __init__(self, directory, *options, database=None, listen="127.0.0.1:0", program=PROGRAM, environment=None):
        self.directory = directory
        self.lines, self.errors = [], []
        self.spec = None
        command = [program, "--data", directory, "--listen", listen, *options]
        if database:
            command += ["--database", database]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **(environment or {})))
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        self.ready = threading.Event()
        for reader in self.readers:
            reader.start()
        self.wait_until_it_listens()
        self.first_secret = self.find(r"#first=(\S+)")
        self.pin = self.find(r"(sha256//\S+)")
        self.origin = self.find(r"Bangtin server: (\S+)")
        url = urllib.parse.urlsplit(self.origin)
        self.tls, self.host, self.port = url.scheme == "https", url.hostname, url.port
        self.unix = self.origin[5:] if self.origin.startswith("unix:") else None
        self.spec = self.read_spec()

    def read(self, pipe, lines):
        for line in pipe:
            lines.append(line)
            if "Bangtin server:" in line:
                self.ready.set()
        self.ready.set()

    def wait_until_it_listens(self):
        """The line that says where, then the first request: the link comes in between."""
        if not self.ready.wait(START_S) or self.find(r"Bangtin server: (\S+)") is None:
            self.process.kill()
            self.process.wait(180)
            raise AssertionError(f"the server did not start: {self.said()}")
        deadline = time.monotonic() + START_S
        while not any("ready" in line for line in self.lines) and time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.said()}")
            time.sleep(0.005)

    def find(self, pattern):
        match = re.search(pattern, "".join(self.lines))
        return match[1] if match else None

    def said(self):
        """All that it said on stderr, once it has ended; until then, what it has said so far."""
        if self.process.poll() is not None:
            for reader in self.readers:
                reader.join(10)
        return "".join(self.errors)

    def connect(self):
        if self.unix:
            return UnixConnection(self.unix)
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(self.host, self.port, timeout=180, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=180)

    def read_spec(self):
        return Spec(Client(self).get("/openapi.json", check=False).json)

    def socket(self):
        """A plain TCP connection, for what http.client would never send."""
        return socket.create_connection((self.host, self.port), timeout=180)

    def metric(self, name):
        text = Client(self).get("/metrics").body.decode()
        match = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
        return int(match[1]) if match else None

    def stop(self, expected=0):
        """Ends it with SIGTERM; gives what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(180)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        if status != expected:
            raise AssertionError(f"the server ended with {status}: {self.said()}")
        return self.said()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=180)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(180)
        self.sock.connect(self.path)


class PostgreSQL:
    """One for all tests of the process; each test has a database of its own."""

    shared = None

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="bt-pg-")
        shutil.rmtree(self.directory)  # postgres.sh makes it
        done = subprocess.run([POSTGRES, "start", self.directory, str(os.getpid())], check=True, capture_output=True,
                              text=True)
        self.where = done.stdout.strip()
        self.count = 0

    def new_database(self, template="template1"):
        """Empty, or a copy of one that nobody is connected to."""
        self.count += 1
        name = f"bt_{self.count}"
        subprocess.run(["psql", "--quiet", self.where, "-c", f"CREATE DATABASE {name} TEMPLATE {template}"], check=True)
        return self.where.replace("dbname=postgres", f"dbname={name}")

    def postmaster(self):
        with open(os.path.join(self.directory, "data", "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def kill(self):
        """All of it, at once."""
        pid = self.postmaster()
        children = subprocess.run(["ps", "--no-headers", "-o", "pid", "--ppid", str(pid)], check=False, capture_output=True,
                                  text=True).stdout.split()
        os.kill(pid, signal.SIGKILL)
        while any(os.path.exists(f"/proc/{one}") for one in [pid, *children]):
            time.sleep(0.01)

    def start_again(self):
        """With BT_POSTGRES_OPTIONS as they are now."""
        subprocess.run([POSTGRES, "start-again", self.directory], check=True, capture_output=True)

    @staticmethod
    def installed():
        return os.path.exists(POSTGRES) and subprocess.run([POSTGRES, "installed"], check=False).returncode == 0

    @classmethod
    def get(cls):
        if cls.shared is None:
            cls.shared = cls()
        return cls.shared

    @classmethod
    def stop(cls):
        if cls.shared is not None:
            subprocess.run([POSTGRES, "stop", cls.shared.directory], check=False)
            cls.shared = None


class Psql:
    """One that stays, for a test that looks again and again: to begin one costs more than most of what it is asked."""

    END = "--- end of the answer"

    def __init__(self, where):
        self.process = subprocess.Popen(["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", where],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, statement):
        """The lines of the answer."""
        self.process.stdin.write(f"{statement};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != self.END:
            lines.append(line)
            if self.process.poll() is not None:
                raise AssertionError(f"{statement}: {lines} {self.process.stdout.read()}")
        return lines

    def close(self):
        self.process.communicate()


class Prepared:
    """A server's data with its first administrator in a session, made once for each engine: a copy of it costs a test
    neither migrations nor two passwords."""

    made = {}

    def __init__(self, engine):
        self.directory = tempfile.mkdtemp(prefix="bt-prepared-")
        self.database = PostgreSQL.get().new_database() if engine == "postgresql" else None
        server = Server(os.path.join(self.directory, "data"), database=self.database)
        client = Client(server)
        first_administrator(client)
        client.connection.close()
        server.stop()
        self.headers = {name: value for name, value in client.headers.items() if name != "Origin"}

    def copy_to(self, directory):
        """Gives the copy's database."""
        shutil.copytree(os.path.join(self.directory, "data"), os.path.join(directory, "data"))
        return PostgreSQL.get().new_database(self.database.rpartition("dbname=")[2]) if self.database else None

    @classmethod
    def get(cls, engine):
        if engine not in cls.made:
            cls.made[engine] = cls(engine)
        return cls.made[engine]

    @classmethod
    def clear(cls):
        for prepared in cls.made.values():
            shutil.rmtree(prepared.directory, ignore_errors=True)
        cls.made = {}


def first_administrator(client):
    """Made through the one-time secret, in a session."""
    answer = client.post("/v1/first-administrator", {
        "secret": client.server.first_secret, "login": "quan-tri", "name": "Nguyễn Thị Quản Trị", "password": PASSWORD})
    if answer.status not in (200, 201):
        raise AssertionError(f"no first administrator: {answer}")
    return client.login("quan-tri")


def engines():
    chosen = os.environ.get("BT_ENGINES")
    if chosen:
        return chosen.split(",")
    return ["sqlite"] + (["postgresql"] if PostgreSQL.installed() else [])


class ServerCase(unittest.TestCase):
    engine = "sqlite"
    engines = None  # or a list: a test that has nothing to do with the database runs on one
    options = ()
    prepared = False  # begins with a copy of data that has its first administrator

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bt-server-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        if self.prepared:
            self.database = Prepared.get(self.engine).copy_to(self.directory)
        else:
            self.database = PostgreSQL.get().new_database() if self.engine == "postgresql" else None
        self._server = None

    def start(self, *options, **more):
        """A server on this test's data; the one before must have been stopped."""
        server = Server(os.path.join(self.directory, "data"), *self.options, *options, database=self.database, **more)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        if server.process.poll() is None:
            server.stop()

    @property
    def server(self):
        if self._server is None:
            self._server = self.start()
        return self._server

    def client(self, bearer=None):
        return Client(self.server, bearer)

    def administrator(self):
        """The first administrator, made through the one-time secret, in a session."""
        client = self.client()
        if not self.prepared:
            return first_administrator(client)
        client.headers = {**Prepared.get(self.engine).headers, "Origin": self.server.origin}
        return client

    def assertProblem(self, answer, status, name):
        self.assertEqual((answer.status, answer.json["type"]), (status, f"urn:bangtin:{name}"), answer)


def load_tests(loader, module):
    """Each case once for each engine."""
    suite = unittest.TestSuite()
    for case in list(vars(module).values()):
        if isinstance(case, type) and issubclass(case, ServerCase) and case is not ServerCase:
            for engine in [e for e in engines() if e in (case.engines or engines())]:
                named = type(f"{case.__name__}_{engine}", (case,), {"engine": engine, "__module__": case.__module__})
                for name in loader.getTestCaseNames(named):
                    suite.addTest(named(name))
    return suite


def chosen(suite, patterns):
    """Tests whose name contains one of the words of the command line."""
    return unittest.TestSuite(t for t in suite if not patterns or any(p in t.id() for p in patterns))


def main():
    suite = load_tests(unittest.defaultTestLoader, sys.modules["__main__"])
    # An engine's tests share what it begins with, so they stay in one piece.
    suite = unittest.TestSuite(part_of(sorted(each(suite), key=lambda test: engines().index(test.engine))))
    suite = chosen(suite, [a for a in sys.argv[1:] if not a.startswith("-")])
    try:
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        Prepared.clear()
        PostgreSQL.stop()
    sys.exit(0 if result.wasSuccessful() else 1)
