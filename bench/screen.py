"""An X server to measure on, the observer, and what the system says of a process."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

BLACK = -1
UNREADABLE = -2


class Screen:
    """A private Xvfb whose memory the observer maps."""

    def __init__(self, width=1920, height=1080, realtime=False):
        self.directory = tempfile.mkdtemp(prefix="bangtin-bench-")
        read_end, write_end = os.pipe()
        priority = ["chrt", "--fifo", "1"] if realtime else []
        self.process = subprocess.Popen(
            [*priority, "Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-fbdir",
             self.directory, "-nolisten", "tcp"], pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as file:
            self.display = ":" + file.readline().strip()
        self.environment = dict(os.environ, DISPLAY=self.display, SDL_VIDEODRIVER="x11")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def start(self, command, **kwargs):
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL,
                                stderr=kwargs.pop("stderr", subprocess.DEVNULL), **kwargs)


class Watch:
    """The observer at work; `finish` gives what it saw.

    A sighting is (t_ns, zone, clip, frame, torn): clip BLACK for a black zone, UNREADABLE for a
    picture without marks; torn: the picture's bottom shows another frame. Of a crawl it is
    (t_ns, zone, step), 0 for a jump. `pauses` says, in ms, how long the observer had been held up
    when it looked at that instant.
    """

    def __init__(self, build, screen, seconds, zones=()):
        self.path = os.path.join(screen.directory, "seen.txt")
        with open(self.path, "w") as file:
            self.process = subprocess.Popen(
                [os.path.join(build, "bench", "observer"), screen.directory, str(round(seconds)), *zones],
                stdout=file)

    def finish(self, early=True):
        if early:
            self.process.terminate()
        self.process.wait()
        seen = []
        self.looks, self.pauses = {}, {}
        with open(self.path) as file:
            for line in file:
                words = line.split()
                if words[0] == "looks":
                    self.looks = dict(zip(words[::2], map(int, words[1::2])))
                elif words[1] == "paused":
                    self.pauses[int(words[0])] = int(words[2]) / 1e6
                elif words[2] in ("black", "other"):
                    seen.append((int(words[0]), int(words[1]), BLACK if words[2] == "black" else UNREADABLE,
                                 0, 0))
                elif words[2] in ("moved", "jumped"):
                    seen.append((int(words[0]), int(words[1]), int(words[3]) if len(words) > 3 else 0))
                else:
                    seen.append(tuple(map(int, words)))
        return seen

    def describe(self):
        """Whether the judge itself was awake: 500 looks a second are the least."""
        looks = self.looks
        return (f"observer: {looks['looks']} looks, {looks['late']} later than 2 ms, longest pause "
                f"{looks['longest_us'] / 1000:.1f} ms, {'with' if looks['realtime'] else 'without'} real-time priority")


class Load:
    """Keeps every core busy with others' work."""

    def __init__(self, wanted=True):
        self.processes = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
                          for _ in range(os.cpu_count() if wanted else 0)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def merge_sizes(seen):
    """Of a player that shows pictures in their own size at the screen's corner, watched in zones of
    all those sizes: what the whole screen (zone 0) shows, read from whichever zone can be read."""
    state, merged = {}, []
    for sighting in seen:
        t_ns, zone, _, _, torn = sighting
        state[zone] = sighting if zone == 0 or not torn else (t_ns, zone, UNREADABLE, 0, 0)
        readable = [known for known in state.values() if known[2] >= 0]
        now = (readable or [state.get(0, (t_ns, 0, UNREADABLE, 0, 0))])[0]
        if not merged or merged[-1][2:4] != now[2:4]:
            merged.append((t_ns, 0, *now[2:]))
    return merged


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, field="VmHWM"):
    """VmHWM: the peak; VmRSS: now."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def stop(process, seconds=5):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def sleep_until(monotonic_s):
    time.sleep(max(0, monotonic_s - time.monotonic()))


def quantiles(values):
    """min, median, 99 %, max."""
    ordered = sorted(values)
    if not ordered:
        return (float("nan"),) * 4
    return tuple(ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0, 0.5, 0.99, 1))
