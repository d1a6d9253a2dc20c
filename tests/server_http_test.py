#!/usr/bin/env python3
"""The real server's door: starting, stopping, what it serves of its own, and whatever can be sent to
a port, by raw sockets."""

import base64
import ctypes
import glob
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse
import warnings

from browser import CHROMEDRIVER, Browser
from server_harness import PASSWORD, PROGRAM, Client, ServerCase, main

REQUESTS = os.path.join(os.environ.get("BT_MEDIA", ""), "http", "requests")


def read_all(connection):
    """Until the other side closes; a reset is an end, too."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except (ConnectionResetError, ssl.SSLError):
        pass
    return b"".join(parts)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=180, check=False)


class StartTest(ServerCase):
    def test_help_teaches_in_both_languages(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for text in ("thư mục dữ liệu", "data directory", "--database", "--unix", "bangtin-server --data"):
            self.assertIn(text, done.stdout)

    def test_what_makes_no_sense_is_said(self):
        for arguments in ([], ["--data"], ["--nothing"], ["--data", "x", "more"], ["--data", "x", "--workers", "-1"],
                          ["--data", "x", "--tls-cert", "a"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage", done.stderr)

    def test_an_address_that_is_taken_or_none_is_said(self):
        taken = f"127.0.0.1:{self.server.port}"
        for listen in (taken, "nowhere:80", "127.0.0.1:99999"):
            done = run("--data", os.path.join(self.directory, "other"), "--listen", listen)
            self.assertEqual(done.returncode, 1)
            self.assertIn(listen, done.stderr)

    def test_one_directory_has_one_server(self):
        done = run("--data", self.server.directory, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Another server", done.stderr)

    def test_nobody_else_can_read_the_directory(self):
        self.server.stop()
        for root, directories, files in os.walk(self.server.directory):
            for name in directories + files:
                mode = os.lstat(os.path.join(root, name)).st_mode
                self.assertEqual(mode & 0o007, 0, name)
        self.assertEqual(os.stat(self.server.directory).st_mode & 0o777, 0o700)

    def test_the_link_comes_until_somebody_used_it(self):
        first = self.server.first_secret
        self.assertIsNotNone(first)
        self.server.stop()
        self._server = self.start()
        self.assertIsNotNone(self.server.first_secret)
        self.assertNotEqual(self.server.first_secret, first)
        self.administrator()
        self.server.stop()
        self._server = self.start()
        self.assertIsNone(self.server.first_secret)
        self.client().login("quan-tri")

    def test_the_link_is_good_once(self):
        body = {"secret": self.server.first_secret, "login": "a", "name": "A", "password": PASSWORD}
        self.assertLess(self.client().post("/v1/first-administrator", body).status, 300)
        self.assertGreaterEqual(self.client().post("/v1/first-administrator", dict(body, login="b")).status, 400)

    def test_a_server_that_was_killed_starts_again(self):
        self.administrator()
        self.server.process.send_signal(signal.SIGKILL)
        self.server.stop(expected=-signal.SIGKILL)
        self._server = self.start()
        self.client().login("quan-tri")

    def test_streams_and_idle_connections_do_not_delay_the_end(self):
        admin = self.administrator()
        stream = admin.stream("/v1/events")
        idle = self.server.socket()
        self.server.stop()  # waits a minute at most
        self.assertIsNone(stream.next("nothing"))
        self.assertEqual(read_all(idle), b"")


class Freezer:
    """Stops one thread of a process, as a deadlock would, and lets it go on."""

    SEIZE, DETACH, INTERRUPT, WALL = 0x4206, 17, 0x4207, 0x40000000

    def __init__(self, pid, name):
        self.thread = next(int(task) for task in os.listdir(f"/proc/{pid}/task") if self.name(pid, task) == name)

    @staticmethod
    def name(pid, task):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
            return file.read().strip()

    def ask(self, what):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        if libc.ptrace(what, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self.ask(self.SEIZE)
        self.ask(self.INTERRUPT)
        os.waitpid(self.thread, self.WALL)

    def __exit__(self, *_):
        self.ask(self.DETACH)


class WatchdogTest(ServerCase):
    """What systemd hears (WatchdogSec= of the unit), from a server that works and from one that does not."""

    engines = ["sqlite"]

    def setUp(self):
        super().setUp()
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.heard.close)
        self.heard.bind(os.path.join(self.directory, "notify"))
        self.heard.settimeout(180)

    def start_watched(self, **more):
        environment = {"NOTIFY_SOCKET": os.path.join(self.directory, "notify"), "WATCHDOG_USEC": "400000"}
        return self.start(environment=environment, **more)

    def hear(self, what):
        while what not in self.heard.recv(4096).decode():
            pass

    def warnings(self, server):
        return server.said().count("unless it does again")

    def wait_for_warnings(self, server, count):
        deadline = time.monotonic() + 180
        while self.warnings(server) < count:
            self.assertLess(time.monotonic(), deadline, server.said())
            time.sleep(0.01)

    def look_at(self, server):
        self.hear("READY=1")
        for _ in range(3):
            self.hear("WATCHDOG=1")
        with Freezer(server.process.pid, "MHD-single"):
            self.wait_for_warnings(server, self.warnings(server) + 2)
            self.heard.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    self.heard.recv(4096)  # what was said before
            self.wait_for_warnings(server, self.warnings(server) + 2)
            self.assertRaises(BlockingIOError, self.heard.recv, 4096)
            self.heard.settimeout(180)
        self.hear("WATCHDOG=1")
        self.assertIn("Our own listener does not answer", server.stop())
        self.hear("STOPPING=1")

    def test_it_is_fed_while_the_loop_turns_and_no_longer(self):
        self.look_at(self.start_watched())

    def test_it_is_fed_behind_a_unix_socket(self):
        self.look_at(self.start_watched(listen=f"unix:{self.directory}/socket"))

    def test_it_is_fed_behind_tls(self):
        self.options = ("--tls",)
        self.look_at(self.start_watched(listen="[::]:0"))

    def test_nobody_is_fed_who_does_not_ask(self):
        environment = {"NOTIFY_SOCKET": os.path.join(self.directory, "notify")}
        self.start(environment=environment).stop()
        said = ""
        while "STOPPING=1" not in said:
            said = self.heard.recv(4096).decode()
            self.assertNotIn("WATCHDOG", said)


class OwnRoutesTest(ServerCase):
    def test_health_readiness_metrics_and_description(self):
        client = self.client()
        for path in ("/healthz", "/readyz", "/openapi.json", "/", "/start.js", "/start.css", "/metrics"):
            answer = client.get(path)
            self.assertEqual(answer.status, 200, path)
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
            self.assertEqual(client.request("HEAD", path).body, b"")
        self.assertIn("bangtin_http_answers_total", client.get("/metrics").body.decode())

    def test_unknown_addresses_and_methods_are_problems(self):
        client = self.client()
        self.assertProblem(client.get("/nothing"), 404, "not-found")
        self.assertProblem(client.get("/v1/../healthz"), 404, "not-found")
        answer = client.post("/healthz", b"")
        self.assertProblem(answer, 405, "method")
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")
        self.assertIn(" / ", answer.json["detail"])

    def test_pages_of_other_origins_may_ask_without_cookies(self):
        answer = self.client().request("OPTIONS", "/v1/me", Origin="null", Access_Control_Request_Method="GET")
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        self.assertIn("Authorization", answer.headers["Access-Control-Allow-Headers"])
        self.assertNotIn("Access-Control-Allow-Credentials", answer.headers)

    def test_the_database_is_asked_whether_it_is_there(self):
        self.assertEqual(self.client().get("/readyz").status, 200)
        self.assertEqual(self.client().get("/healthz").body, b"ok\n")

    def test_every_operation_that_is_described_is_there_and_guarded(self):
        """Without a login an address either is public or answers 401; none answers 404 for its method."""
        client = self.client()
        for path, operations in self.server.spec.document["paths"].items():
            url = path.replace("{", "").replace("}", "")
            for method in operations:
                if method not in ("get", "post", "put", "patch", "delete"):
                    continue
                if method == "get" and "text/event-stream" in str(operations[method]):
                    continue
                answer = client.request(method.upper(), url, body={} if method != "get" else None)
                self.assertNotEqual(answer.status, 405, f"{method} {path}")
                if answer.status == 404:
                    self.assertNotEqual(answer.json["detail"], "Không có địa chỉ này / There is no such address",
                                        f"{method} {path}")


class StartPageTest(ServerCase):
    engines = ["sqlite"]

    def test_the_link_makes_an_administrator_in_a_browser(self):
        if CHROMEDRIVER is None:
            self.skipTest("chromedriver is not installed")
        with Browser() as page:
            page.open(f"{self.server.origin}/#first={self.server.first_secret}")
            page.fill("[name=login]", "quan-tri")
            page.fill("[name=name]", "Nguyễn Thị Quản Trị")
            page.fill("[name=password]", PASSWORD)
            page.click("#first button")
            said = page.wait("return document.getElementById('said').textContent")
            self.assertIn("Đã tạo", said)
            self.assertNotIn("#", page.run("return location.href"))  # nobody reads the secret off the screen
        self.client().login("quan-tri")


class TlsTest(ServerCase):
    engines = ["sqlite"]
    options = ("--tls",)

    def test_its_certificate_is_made_and_its_pin_is_said(self):
        self.assertEqual(self.client().get("/healthz").body, b"ok\n")
        der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((self.server.host, self.server.port)))
        key = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=der, capture_output=True,
                             check=True).stdout
        spki = base64.b64decode(b"".join(key.split(b"-----")[2].split()))
        self.assertEqual(self.server.pin, "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode())

    def test_the_pin_stays(self):
        pin = self.server.pin
        self.server.stop()
        self._server = self.start()
        self.assertEqual(self.server.pin, pin)

    def test_old_versions_of_tls_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        with self.server.socket() as plain, self.assertRaises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(plain)

    def test_a_cookie_over_tls_is_for_this_host_alone(self):
        admin = self.administrator()
        self.assertTrue(admin.headers["Cookie"].startswith("__Host-bangtin="))

    def test_what_others_can_reach_is_never_plain(self):
        self.options = ()
        server = self.start(listen="0.0.0.0:0")
        self.assertTrue(server.tls)

    def test_who_listens_everywhere_names_addresses_that_open(self):
        self.options = ()
        server = self.start(listen="[::]:0")
        links = re.findall(r"  (https://\S+)/#first=(\w+)", "".join(server.lines))
        self.assertEqual(links[0][0], server.origin)
        self.assertEqual(len({secret for _, secret in links}), 1)
        for url, _ in links:
            host = urllib.parse.urlsplit(url).hostname
            self.assertNotIn(host, ("::", "0.0.0.0"))
            if host != socket.gethostname():  # which others may know, and this machine need not
                server.host = host
                self.assertEqual(Client(server).get("/healthz").status, 200)


class ProxyTest(ServerCase):
    engines = ["sqlite"]

    def test_a_unix_socket_takes_the_proxys_word(self):
        server = self.start(listen=f"unix:{self.directory}/socket")
        client = Client(server)
        self.assertEqual(client.get("/healthz").status, 200)
        self.assertEqual(os.stat(f"{self.directory}/socket").st_mode & 0o777, 0o660)
        # Metrics are for this machine alone, and behind a proxy everybody comes over the socket.
        self.assertEqual(client.get("/metrics", X_Forwarded_For="203.0.113.7").status, 403)
        self.assertEqual(client.get("/metrics", X_Forwarded_For="127.0.0.1, 203.0.113.7").status, 403)
        self.assertEqual(client.get("/metrics").status, 200)
        server.stop()
        self.assertEqual(Client(self.start(listen=f"unix:{self.directory}/socket")).get("/healthz").status, 200)

    def test_nobody_elses_word_is_taken(self):
        self.assertEqual(self.client().get("/metrics", X_Forwarded_For="203.0.113.7").status, 200)

    def test_a_trusted_proxys_word_is_taken(self):
        server = self.start("--trusted-proxy", "127.0.0.1")
        self.assertEqual(Client(server).get("/metrics", X_Forwarded_For="203.0.113.7").status, 403)


class LimitsTest(ServerCase):
    engines = ["sqlite"]

    def send(self, raw):
        with self.server.socket() as connection:
            connection.settimeout(180)
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass
            return read_all(connection)

    def status(self, raw):
        answer = self.send(raw)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else None

    def test_one_address_has_only_so_many_connections(self):
        server = self.start("--connections-per-address", "8")
        held = [server.socket() for _ in range(16)]
        answered = 0
        for connection in held:
            try:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                answered += b"200 OK" in connection.recv(4096)
            except OSError:
                pass
        for connection in held:
            connection.close()
        self.assertLessEqual(answered, 8)
        self.assertGreater(answered, 4)  # the harness has some of its own

    def test_smuggling_is_refused(self):
        body = b'{"login": "a", "password": "b"}'
        length = b"Content-Length: %d\r\n" % len(body)
        head = b"POST /v1/login HTTP/1.1\r\nHost: a\r\n"
        for fields in (length + b"Content-Length: 0\r\n", length + length, length + b"Transfer-Encoding: chunked\r\n",
                       b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                       b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: chunked, identity\r\n",
                       b"Content-Length: 0x1f\r\n", b"Content-Length: -1\r\n", b"Content-Length: 1 1\r\n"):
            smuggled = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
            answer = self.send(head + fields + b"\r\n" + body + smuggled)
            self.assertIn(answer[:12], (b"HTTP/1.1 400",), fields)
            self.assertNotIn(b"HTTP/1.1 2", answer, fields)  # the second request is not seen as one

    def test_paths_never_leave_their_place(self):
        for path in (b"/../etc/passwd", b"/blobs/../../bangtin.db", b"/blobs/%2e%2e%2fbangtin.db", b"/tuf/metadata/..%2f..",
                     b"/tuf/targets/../../bangtin.db", b"/blobs/..", b"//etc/passwd", b"/blobs/%00", b"/\\..\\x"):
            status = self.status(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertIn(status, (400, 404), path)

    def test_too_much_is_refused(self):
        head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        self.assertEqual(self.status(head + b"X: " + b"a" * 20000 + b"\r\n\r\n"), 431)
        self.assertEqual(self.status(head + b"".join(b"X%d: a\r\n" % i for i in range(1000)) + b"\r\n"), 431)
        self.assertEqual(self.status(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 414)
        self.assertEqual(self.status(b"POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"), 413)

    def refusal_of(self, method, path, fields):
        """The first line of what is answered to the head of a request, whose body never comes."""
        with self.server.socket() as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
            return read_all(connection).split(b"\r\n")[0]

    def test_the_bodies_of_strangers_are_not_read(self):
        """Each address that is not for everybody says who it is that may not before it looks at a body."""
        document, asked = self.server.spec.document, 0
        for path, operations in document["paths"].items():
            for method in ("post", "put", "patch"):
                operation = operations.get(method)
                if operation is None or operation.get("security") == [] or "requestBody" not in operation:
                    continue
                fields = f"Content-Type: {next(iter(operation['requestBody']['content']))}\r\nTus-Resumable: 1.0.0\r\n"
                for expect in ("", "Expect: 100-continue\r\n"):
                    line = self.refusal_of(method.upper(), path.replace("{", "").replace("}", ""),
                                           fields + expect + "Transfer-Encoding: chunked\r\n")
                    self.assertIn(line[9:12], (b"401",), f"{method} {path}: {line}")
                asked += 1
        self.assertGreater(asked, 30)

    def test_a_strangers_gibibyte_is_not_taken(self):
        head = (b"POST /v1/publications HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        chunk, sent = b"10000\r\n" + b" " * 65536 + b"\r\n", 0
        with self.server.socket() as connection:
            try:
                connection.sendall(head)
                while sent < 1 << 30:
                    connection.sendall(chunk)
                    sent += len(chunk)
            except OSError:
                pass
            self.assertEqual(read_all(connection).split(b"\r\n")[0], b"HTTP/1.1 401 Unauthorized")
        self.assertLess(sent, 64 << 20)  # what the kernel takes for us

    def test_whose_body_may_be_read(self):
        """Who may do a thing nowhere is refused before the body; whether here, may be in the body."""
        admin = self.administrator()
        admin.post("/v1/units", {"code": "92", "parent": "vn", "name": "A", "kind": "commune"})
        admin.post("/v1/units", {"code": "93", "parent": "vn", "name": "B", "kind": "commune"})
        user = admin.post("/v1/users", {"login": "lan", "name": "Lan", "unit": "92", "password": PASSWORD}).json["id"]
        lan = self.client()
        lan.login("lan")
        cookie = "".join(f"{name}: {value}\r\n" for name, value in lan.headers.items())
        fields = cookie + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        self.assertIn(b" 403 ", self.refusal_of("POST", "/v1/groups", fields))
        admin.post(f"/v1/users/{user}/grants", {"unit": "92", "role": "publisher"})
        self.assertEqual(lan.post("/v1/groups", {"unit": "92", "name": "G"}).status, 201)
        self.assertProblem(lan.post("/v1/groups", {"unit": "93", "name": "G"}), 403, "not-allowed")
        self.assertIn(b" 413 ", self.refusal_of("POST", "/v1/groups", cookie + "Content-Length: 1073741824\r\n"))

    def send_all_at_once(self, paths):
        """Each on its own connection, whose sending side is then closed; what came back, by name."""
        connections = {}
        for path in paths:
            with open(path, "rb") as file:
                raw = file.read()
            connection = connections[os.path.basename(path)] = self.server.socket()
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        answers = {name: read_all(connection) for name, connection in connections.items()}
        for connection in connections.values():
            connection.close()
        return answers

    def test_requests_of_other_programs(self):
        """Whatever they are, each gets an answer or an end, and the server goes on."""
        paths = sorted(glob.glob(os.path.join(REQUESTS, "*.raw")))
        if not paths:
            self.skipTest("no requests of other programs here")
        for name, answer in self.send_all_at_once(paths).items():
            status = int(answer.split(b" ", 2)[1]) if answer else None
            if name.startswith("invalid"):
                self.assertTrue(status is None or 400 <= status < 600, f"{name}: {status}")
            self.assertNotEqual(status, 500, name)
        self.assertEqual(self.client().get("/healthz").status, 200)
        self.assertEqual(self.server.said(), "")


if __name__ == "__main__":
    main()
