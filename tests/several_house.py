"""Several servers on one PostgreSQL, and nginx in front of them with the site file that we hand out."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import http.client

from server_harness import SOURCE, START_S, Client, Server, Spec

SITE = os.path.join(SOURCE, "deploy", "nginx", "bangtin.conf")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Several:
    """Servers by number, with a shared folder, each on a unix socket."""

    def __init__(self, directory, database):
        self.directory, self.database, self.servers = directory, database, {}

    def socket(self, number):
        return os.path.join(self.directory, f"http-{number}.sock")

    def start(self, number, *options):
        self.servers[number] = Server(os.path.join(self.directory, f"data-{number}"), "--shared",
                                      os.path.join(self.directory, "shared"), *options, database=self.database,
                                      listen=f"unix:{self.socket(number)}")
        return self.servers[number]

    def kill(self, number):
        server = self.servers.pop(number)
        server.process.send_signal(signal.SIGKILL)
        server.stop(expected=-signal.SIGKILL)

    def stop(self):
        for server in self.servers.values():
            server.stop()


class Nginx:
    """The site as we hand it out; only its names, ports and the folders are this test's."""

    def __init__(self, directory, sockets, plain=None):
        """`plain`: a unix socket without TLS, too."""
        self.plain = plain
        self.directory = tempfile.mkdtemp(prefix="nginx-", dir=directory)
        self.port, self.spec, self.host, self.tls = free_port(), None, "127.0.0.1", True
        self.origin = f"https://bangtin.example.vn:{self.port}"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem"), "-days", "2", "-subj",
                        "/CN=bangtin.example.vn"], check=True, capture_output=True)
        self.write(sockets)
        self.command = [NGINX, "-p", self.directory, "-e", self.path("error.log"), "-c", self.path("nginx.conf")]
        done = subprocess.run(self.command + ["-t"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.process = None
        self.start()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, sockets):
        with open(SITE, encoding="utf-8") as file:
            site = file.read()
        own = "".join(f"    server unix:{one} max_fails=0;\n" for one in sockets)
        site, count = re.subn(r"    server unix:/run/bangtin-server/http\.sock [^;]*;\n", own, site)
        assert count == 1
        for old, new in (("listen 80;", f"listen 127.0.0.1:{free_port()};"), ("listen [::]:80;", ""),
                         ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
                         ("listen [::]:443 ssl http2;", ""), ("/etc/ssl/bangtin/fullchain.pem", self.path("cert.pem")),
                         ("/etc/ssl/bangtin/privkey.pem", self.path("key.pem")),
                         ("/var/cache/nginx/bangtin", self.path("cache")), ("rate=2r/s", "rate=1000r/s")):
            assert old in site, old
            site = site.replace(old, new)
        if self.plain:
            site = site.replace(f"listen 127.0.0.1:{self.port} ssl http2;",
                                f"listen 127.0.0.1:{self.port} ssl http2; listen unix:{self.plain};")
            site = site.replace("limit_conn bangtin_address 1024;", "limit_conn bangtin_address 65000;")
        with open(self.path("site.conf"), "w", encoding="utf-8") as file:
            file.write(site)
        user = "user root;" if os.getuid() == 0 else ""
        temporary = " ".join(f"{kind}_temp_path {self.path(kind)};" for kind in
                             ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as file:
            file.write(f"{user} daemon off; worker_processes 2; pid {self.path('pid')};"
                       f" events {{ worker_connections 8192; }}"
                       f" http {{ access_log {self.path('access.log')}; {temporary} include {self.path('site.conf')}; }}\n")

    def start(self):
        if self.plain and os.path.exists(self.plain):
            os.unlink(self.plain)  # one that was killed leaves it
        with open(self.path("output"), "a", encoding="utf-8") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output)
        deadline = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"nginx did not start: {self.said()}")

    def kill(self):
        """As when the power goes: the master and its workers."""
        children = subprocess.run(["ps", "--no-headers", "-o", "pid", "--ppid", str(self.process.pid)], check=False,
                                  capture_output=True, text=True).stdout.split()
        for pid in [self.process.pid, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(180)

    def stop(self):
        self.process.terminate()
        self.process.wait(180)

    def said(self):
        with open(self.path("error.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def connect(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=180, context=context)

    def client(self, headers=None):
        client = Client(self)
        client.headers = dict(headers or {}, Host="bangtin.example.vn")
        if self.spec is None:
            self.spec = Spec(Client(self).get("/openapi.json", check=False).json)
        return client
