"""OpenStack Swift with its S3 API (Debian: swift-proxy, swift-account, swift-container, swift-object, memcached), whole on the loopback
of one machine: what a province's S3-compatible store may be. One replica, one device, a folder."""

import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from s3_store import OtherStore  # noqa: E402
from several_house import free_port  # noqa: E402

SWIFT_CONF = "/etc/swift/swift.conf"  # Swift reads this one, wherever the others are
KINDS = ("account", "container", "object")
START_S = 180
ACCESS, SECRET, BUCKET = "bangtin:server", "khoa-thu", "bangtin"

STORAGE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 1
user = root
swift_dir = {etc}
devices = {srv}
mount_check = false
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 1
user = root
swift_dir = {etc}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
# With one device there is no other to turn to, however often it failed.
error_suppression_interval = 0.5
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_bangtin_server = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


class Swift:
    """Its servers and their cache by name; each may be killed and started."""

    @staticmethod
    def installed():
        return os.path.exists("/usr/bin/swift-proxy-server") and os.path.exists(SWIFT_CONF)

    def __init__(self, directory):
        self.directory, self.processes, self.commands = os.path.join(directory, "swift"), {}, {}
        self.etc, srv = os.path.join(self.directory, "etc"), os.path.join(self.directory, "srv")
        for path in (self.etc, os.path.join(srv, "sda")):
            os.makedirs(path)
        for kind in KINDS:
            self.ring(kind, port := free_port())
            self.configure(kind, STORAGE.format(kind=kind, port=port, etc=self.etc, srv=srv), port)
        self.port, cache = free_port(), free_port()
        self.commands["cache"] = (cache, ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(cache)])
        self.configure("proxy", PROXY.format(port=self.port, cache=cache, etc=self.etc, secret=SECRET), self.port)
        self.credentials = os.path.join(self.directory, "credentials")
        with open(self.credentials, "w", encoding="ascii") as file:
            file.write(f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n")
        os.chmod(self.credentials, 0o600)
        for name in self.commands:
            self.start(name)
        self.store = OtherStore(f"http://127.0.0.1:{self.port}/{BUCKET}", self.credentials)
        self.store.request("PUT", "")

    def ring(self, kind, port):
        builder = os.path.join(self.etc, f"{kind}.builder")
        for arguments in (("create", "4", "1", "1"), ("add", f"r1z1-127.0.0.1:{port}/sda", "1"), ("rebalance",)):
            subprocess.run(["swift-ring-builder", builder, *arguments], check=True, stdout=subprocess.DEVNULL)

    def configure(self, name, text, port):
        path = os.path.join(self.etc, f"{name}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.commands[name] = (port, [f"/usr/bin/swift-{name}-server", path])

    def start(self, name):
        port, command = self.commands[name]
        with open(os.path.join(self.directory, f"{name}.log"), "a", encoding="utf-8") as output:
            self.processes[name] = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"swift's {name} server did not start: see {self.directory}/{name}.log")

    def kill(self, name):
        """With its workers."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        for name in list(self.processes):
            self.kill(name)
