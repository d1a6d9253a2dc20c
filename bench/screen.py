"""An X server to measure on, the observer, and what its lines mean."""

import os
import signal
import subprocess
import tempfile
import time


class Screen:
    """A private Xvfb whose memory the observer maps."""

    def __init__(self, width=1920, height=1080):
        self.directory = tempfile.mkdtemp(prefix="bt-bench-")
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-fbdir", self.directory,
             "-nolisten", "tcp"], pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as file:
            self.display = ":" + file.readline().strip()
        self.environment = dict(os.environ, DISPLAY=self.display, SDL_VIDEODRIVER="x11")

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def close(self):
        self.process.terminate()
        self.process.wait()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0


def observe(observer, screen, seconds, zones=(), output=None):
    """Starts the observer; its lines go to a file."""
    path = output or os.path.join(screen.directory, "seen.txt")
    file = open(path, "w")
    process = subprocess.Popen(
        [observer, screen.directory, str(seconds), *[",".join(map(str, z)) for z in zones]], stdout=file)
    process.seen_path = path
    return process


def read_seen(path):
    """[(t_ns, zone, clip, frame)], clip -1 for black and -2 for unreadable; and the sampling line."""
    seen, samples = [], ""
    with open(path) as file:
        for line in file:
            parts = line.split()
            if parts[0] == "samples":
                samples = line.strip()
            elif parts[2] == "black":
                seen.append((int(parts[0]), int(parts[1]), -1, 0))
            elif parts[2] == "other":
                seen.append((int(parts[0]), int(parts[1]), -2, 0))
            else:
                seen.append((int(parts[0]), int(parts[1]), int(parts[2]), int(parts[3])))
    return seen, samples


class Load:
    """Keeps both cores busy with others' work."""

    def __init__(self, wanted):
        count = os.cpu_count() if wanted else 0
        self.processes = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(count)]

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def stop(process, seconds=5):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def quantiles(values):
    """min, median, 99 %, max."""
    ordered = sorted(values)
    if not ordered:
        return (0, 0, 0, 0)
    pick = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return ordered[0], pick(0.5), pick(0.99), ordered[-1]


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
