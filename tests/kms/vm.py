"""A virtual machine with a graphics card: Debian's kernel in QEMU, this machine's files under a layer of its own (9p and
overlayfs; nothing here is changed), systemd, and QEMU's virtio-gpu, whose plug is pulled and put in through VNC.

Its clock counts instructions, one a nanosecond: however busy this machine is, the guest finds itself on a processor of
that speed, and its seconds can be compared. Needs no root and no /dev/kvm. The kernel is fetched with apt once, into $BT_KMS_ROOT (build-kms/)."""

import fcntl
import glob
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

SOURCE = os.environ.get("BT_SOURCE_ROOT", os.getcwd())
ROOT = os.environ.get("BT_KMS_ROOT", os.path.join(SOURCE, "build-kms"))

# What must be there before the root file system is, and what the guest uses.
MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay", "evdev", "virtio-gpu"]

PATIENCE_S = 1800  # for whatever the guest is waited for: a machine that is emulated on a busy one
TOOLS = ["qemu-system-x86_64", "busybox", "cpio", "modinfo", "depmod", "dpkg-deb", "apt-get", "/lib/systemd/systemd"]

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /dev /sys /host /layer /r
$b mount -t proc proc /proc; $b mount -t devtmpfs dev /dev; $b mount -t sysfs sys /sys
for module in $($b cat /modules/order); do $b insmod /modules/$module; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
$b mount -t tmpfs layer /layer; $b mkdir -p /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /r
for place in proc sys dev run tmp; do $b mkdir -p /r/$place; done
$b mount -t proc proc /r/proc; $b mount -t sysfs sys /r/sys; $b mount -t devtmpfs dev /r/dev
$b mount -t tmpfs run /r/run; $b mount -t tmpfs tmp /r/tmp; $b mkdir -p /r/dev/shm /r/dev/pts
$b cp -r /units/. /r/run/
$b mount -t tmpfs none /r/usr/lib/systemd/system-generators  # of no use here, and slow
$b rm -f /r/.dockerenv  # else systemd believes that it is in a container
exec $b switch_root /r PROGRAM
"""

SYSTEMD = "/lib/systemd/systemd --unit=kms.target --show-status=no"
AGENT_ALONE = "/usr/bin/python3 /run/agent.py"  # where nothing supervises


# Runs in the guest: a command per line in, what came of it out.
AGENT = """import glob, json, os, subprocess
port = os.open(glob.glob("/dev/vport*p1")[0], os.O_RDWR)
reader = os.fdopen(os.dup(port), "r")
while True:
    line = reader.readline()
    if line.strip():
        done = subprocess.run(["sh", "-c", json.loads(line)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        answer = json.dumps([done.returncode, done.stdout.decode("utf-8", "replace")[-100000:]]) + "\\n"
        answer = answer.encode()
        while answer:
            answer = answer[os.write(port, answer):]
"""

AGENT_UNIT = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/python3 /run/agent.py
StandardInput=null
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
"""

TARGET = """[Unit]
DefaultDependencies=no
Wants=agent.service
"""


def missing():
    """What keeps this machine from running one; None: nothing."""
    for tool in TOOLS:
        if shutil.which(tool) is None and not os.path.exists(tool):
            return f"{tool} is not installed (deploy/install-deps --long)"
    return None


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, **more).stdout


def fetch_kernel():
    """Debian's newest kernel, unpacked and not installed. Gives the directory."""
    os.makedirs(ROOT, exist_ok=True)
    with open(os.path.join(ROOT, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests may want it
        return unpack_kernel()


def unpack_kernel():
    kernel = os.path.join(ROOT, "kernel")
    if os.path.exists(os.path.join(kernel, "made")):
        return kernel
    shutil.rmtree(kernel, ignore_errors=True)
    os.makedirs(kernel)
    depends = run("apt-cache", "depends", "linux-image-amd64", text=True)
    package = next(line.split()[1] for line in depends.splitlines() if line.strip().startswith("Depends:"))
    run("apt-get", "download", package, cwd=kernel)
    run("dpkg-deb", "--extract", glob.glob(kernel + "/*.deb")[0], kernel)
    run("depmod", "--basedir", kernel, os.path.basename(glob.glob(kernel + "/lib/modules/*")[0]))
    os.remove(glob.glob(kernel + "/*.deb")[0])
    with open(os.path.join(kernel, "made"), "w", encoding="ascii"):
        return kernel


def module_files(kernel, names):
    """The modules and what they need, in the order in which they can be loaded."""
    files = {}
    for path in glob.glob(kernel + "/lib/modules/*/kernel/**/*.ko*", recursive=True):
        files[os.path.basename(path).split(".")[0].replace("-", "_")] = path
    order = []

    def add(name):
        path = files.get(name.replace("-", "_"))
        if path is None or path in order:
            return  # built in
        for needed in run("modinfo", "--field", "depends", path, text=True).strip().split(","):
            if needed:
                add(needed)
        order.append(path)

    for name in names:
        add(name)
    return order


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def make_initrd(kernel, directory, units, modules, program):
    """The first files of the guest, with `units` (name → text) for its systemd."""
    tree = os.path.join(directory, "initrd")
    os.makedirs(tree + "/bin")
    os.makedirs(tree + "/modules")
    shutil.copy(shutil.which("busybox"), tree + "/bin/busybox")
    names = []
    for path in module_files(kernel, [*MODULES, *modules]):
        shutil.copy(path, tree + "/modules")
        names.append(os.path.basename(path))
    write(tree + "/modules/order", "\n".join(names) + "\n")
    write(tree + "/init", INIT.replace("PROGRAM", program), 0o755)
    write(tree + "/units/agent.py", AGENT)
    for name, text in {"agent.service": AGENT_UNIT, "kms.target": TARGET, **units}.items():
        write(f"{tree}/units/systemd/system/{name}", text)
    packed = os.path.join(directory, "initrd.cpio")
    listing = run("find", ".", cwd=tree)
    with open(packed, "wb") as out:
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], input=listing, cwd=tree, stdout=out, check=True)
    return packed


def connect(path):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            link = socket.socket(socket.AF_UNIX)
            link.connect(path)
            link.settimeout(PATIENCE_S)
            return link
        except OSError:
            link.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def receive(link, count):
    parts = b""
    while len(parts) < count:
        part = link.recv(count - len(parts))
        if not part:
            raise EOFError("QEMU hung up")
        parts += part
    return parts


def fat_image(path, folder, mib):
    """A FAT file system with the folder's files, in a partition as sticks have it."""
    with open(path, "wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["sfdisk", "-q", path], input=b"2048,,c", check=True, stdout=subprocess.DEVNULL)
    run("mkfs.vfat", "-F", "32", "--offset", "2048", path, str((mib << 10) - 1024))
    for entry in os.listdir(folder):
        run("mcopy", "-s", "-i", path + "@@1M", os.path.join(folder, entry), "::")


class Plug:
    """The cable of the guest's display: a VNC client that says how large its window is (RFB's SetDesktopSize, which QEMU
    hands to the card as a hot-plug). Nothing is ever drawn here."""

    def __init__(self, path):
        self.link = connect(path)
        receive(self.link, 12)
        self.link.sendall(b"RFB 003.008\n")
        receive(self.link, receive(self.link, 1)[0])
        self.link.sendall(b"\1")  # no password
        receive(self.link, 4)
        self.link.sendall(b"\1")  # shared
        start = receive(self.link, 24)
        receive(self.link, struct.unpack(">I", start[20:24])[0])
        self.link.sendall(struct.pack(">BxHii", 2, 2, 0, -308))  # raw, ExtendedDesktopSize
        self.set(1024, 768)  # QEMU takes no notice of a first 0 × 0

    def set(self, width, height):
        """Another display; 0 × 0: none."""
        self.link.sendall(struct.pack(">BxHHBx", 251, width, height, 1) + struct.pack(">IHHHHI", 0, 0, 0, width, height, 0))

    def pull(self):
        self.set(0, 0)


class Picture:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        header, self.pixels = data.split(b"\n255\n", 1)
        self.width, self.height = (int(number) for number in header.split()[1:3])

    def at(self, x, y):
        place = 3 * (y * self.width + x)
        return tuple(self.pixels[place:place + 3])

    def is_black(self, width, height):
        """Whether nothing at all is in its left top corner."""
        rows = (self.pixels[3 * y * self.width:][:3 * width] for y in range(height))
        return not any(any(row) for row in rows)

    def is_empty(self):
        return not any(self.pixels)


class Monitor:
    """A line to QEMU itself (QMP)."""

    def __init__(self, path, shots):
        self.qmp = connect(path).makefile("rw")
        self.shots, self.count = shots, 0
        json.loads(self.qmp.readline())
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        """QEMU's own answer."""
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def plug_stick(self, name, path):
        """A USB stick whose bytes are the file's, into the port of a machine that has a bus "usb"."""
        self.ask("blockdev-add", **{"node-name": name, "driver": "raw", "file": {"driver": "file", "filename": path}})
        self.ask("device_add", driver="usb-storage", id=name, drive=name, bus="usb.0")

    def pull_stick(self, name):
        self.ask("device_del", id=name)

    def picture(self):
        """What the card scans out now, as QEMU sees it; None while it scans nothing."""
        path = f"{self.shots}-{self.count}.ppm"
        self.count += 1
        try:
            self.ask("screendump", filename=path)
            return Picture(path)
        except RuntimeError:
            return None
        finally:
            if os.path.exists(path):
                os.remove(path)


class Witness(threading.Thread):
    """Looks at the scan-out all the time. `judge` names a picture; equal names in a row are one."""

    def __init__(self, monitor, judge):
        super().__init__(daemon=True)
        self.monitor, self.judge = monitor, judge
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        # Protected by lock.
        self.runs = []  # [name, so many pictures]

    def run(self):
        while not self.stopped.wait(0.03):
            name = self.judge(self.monitor.picture())
            with self.lock:
                if not self.runs or self.runs[-1][0] != name:
                    self.runs.append([name, 0])
                self.runs[-1][1] += 1

    def take(self):
        """What was seen since the last time, in order."""
        with self.lock:
            runs, self.runs = self.runs, []
        return runs

    def stop(self):
        self.stopped.set()
        self.join()


class Machine:
    def __init__(self, directory, units, memory_mb=2048, width=1024, height=768, modules=(), program=SYSTEMD, more=()):
        kernel = fetch_kernel()
        self.directory = directory
        initrd = make_initrd(kernel, directory, units, modules, program)
        place = lambda name: os.path.join(directory, name)
        self.serial = place("serial.log")
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0", "-m", str(memory_mb), "-nodefaults", "-no-reboot",
            "-kernel", glob.glob(kernel + "/boot/vmlinuz-*")[0], "-initrd", initrd,
            "-append", "console=ttyS0 quiet panic=-1 vt.global_cursor_default=0",
            "-serial", "file:" + self.serial, "-display", "vnc=unix:" + place("vnc"),
            "-device", f"virtio-gpu-pci,xres={width},yres={height}",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={place('agent')},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,nr=1",
            "-qmp", f"unix:{place('qmp')},server=on,wait=off", "-qmp", f"unix:{place('witness')},server=on,wait=off", *more],
            stdin=subprocess.DEVNULL)
        self.plug = Plug(place("vnc"))
        self.monitor = Monitor(place("qmp"), place("shot"))
        self.agent = connect(place("agent")).makefile("rw")

    def witness(self, judge):
        witness = Witness(Monitor(os.path.join(self.directory, "witness"), os.path.join(self.directory, "seen")), judge)
        witness.start()
        return witness

    def run(self, command):
        """(status, what it said) of a shell's command in the guest."""
        self.agent.write(json.dumps(command) + "\n")
        self.agent.flush()
        return tuple(json.loads(self.agent.readline()))

    def sh(self, command):
        status, said = self.run(command)
        if status != 0:
            raise RuntimeError(f"{command}: {status}: {said}")
        return said

    def picture(self):
        return self.monitor.picture()

    def close(self):
        self.process.kill()
        self.process.wait()
