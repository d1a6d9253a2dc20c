#!/usr/bin/env python3
"""A machine on which packages were installed boots: server, workshop, player, card, timers run as units, within all their walls. Packages
are upgraded, taken back and removed beneath them while a picture stands on the wall. Run as root by tools/package-check --boot.

Usage: tests/booted.py begin|again DIR DIR [forward]

DIR: the packages from before, which are installed, and those of now; `forward`: there is no way back (a migration). `again` is the next start of the same machine, without a hand.
"""

import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from installed import DISPLAY, PATIENCE_S, Service, bangtin, counted, make_person_and_display, say, set_options, set_up

SERVER, PLAYER, CARD, AGAIN = "bangtin-server", "bangtin-player", "bangtin-player-card", "bangtin-player-again.timer"
HOUR_S = 180  # the hour of the restart budget, here
PROGRAMS = ("bangtin-server", "bangtin-player", "bangtin-media")


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def shown(unit, name):
    return run("systemctl", "show", f"--property={name}", "--value", unit).strip()


def wait(what, told):
    """Until `what` is true; `told` says what was wanted."""
    until = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > until:
            sys.exit(f"waited in vain: {told}\n" + run("journalctl", "--boot", "--no-pager", "--lines=120"))
        time.sleep(0.2)


def drop_in(unit, text):
    directory = f"/etc/systemd/system/{unit}.d"
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/thu.conf", "w", encoding="utf-8") as file:
        file.write(text)


class Unit(Service):
    """A unit of this machine's, and the process it had when it was looked at last."""

    def __init__(self, name):
        self.name = name
        self.pid = self.main_pid()

    def said(self):
        return run("journalctl", f"_SYSTEMD_INVOCATION_ID={shown(self.name, 'InvocationID')}", "--output=cat", "--no-pager")

    def main_pid(self):
        return int(shown(self.name, "MainPID"))

    def ended(self):
        return shown(self.name, "ActiveState") if shown(self.name, "ActiveState") == "failed" else None

    def await_another_process(self):
        """It was started anew, and runs a program that is on the disk."""
        wait(lambda: self.main_pid() not in (0, self.pid) and shown(self.name, "ActiveState") == "active", f"{self.name}: another process")
        self.pid = self.main_pid()
        if "deleted" in os.readlink(f"/proc/{self.pid}/exe"):
            sys.exit(f"{self.name} runs a program that is not there any more")


def await_plays():
    """Each item was shown twice more than now."""
    before = counted()
    wait(lambda: len(counted()) == 2 and all(count >= before.get(item, 0) + 2 for item, count in counted().items()), "plays go on")
    say(f"played: {sorted(counted().values())} times, before: {sorted(before.values())}")


def install(directory):
    run("dpkg", "--force-confold", "--install", *sorted(glob.glob(directory + "/*.deb")))


def exchange(directory, server, player, what):
    """Other packages beneath what runs: both are started anew, by nobody's hand, and go on."""
    install(directory)
    for service in (server, player):
        service.await_another_process()
    for unit in ("bangtin-server-backup.timer", "bangtin-media.socket", "bangtin-update.path"):
        if shown(unit, "LoadState") == "loaded" and shown(unit, "ActiveState") != "active":
            sys.exit(f"{what}: {unit} was stopped, and not started again")
    await_plays()
    say(what)


def stop_thread(pid, name, what):
    """Stops one thread, as a deadlock would, until `what` has happened to the process."""
    thread = next(int(task) for task in os.listdir(f"/proc/{pid}/task")
                  if open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8").read().strip() == name)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
        if libc.ptrace(request, thread, None, None) != 0:
            sys.exit("ptrace: " + os.strerror(ctypes.get_errno()))
    os.waitpid(thread, 0x40000000)  # __WALL
    # Until whoever stopped it has seen its end, its process has none.
    threading.Thread(target=os.waitpid, args=(thread, 0x40000000), daemon=True).start()
    what()


def try_watchdogs(server, player):
    """A server whose loop hangs and a player that hangs are killed and come back."""
    drop_in("bangtin-server.service", "[Service]\nWatchdogSec=30s\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", SERVER)
    server.await_another_process()
    drop_in("bangtin-server.service", "")  # for the next one
    run("systemctl", "daemon-reload")
    stop_thread(server.pid, "MHD-single", server.await_another_process)
    say("a server that hung was started anew: " + re.search(r"(?m)^.*Watchdog timeout.*$", run("journalctl", "--unit", SERVER,
                                                                                           "--output=cat", "--no-pager")).group(0))
    os.kill(player.pid, signal.SIGSTOP)
    player.await_another_process()
    await_plays()
    say("a player that hung, too")


def try_budget(player):
    """Killed again and again it becomes the card; then it may try again."""
    started = time.monotonic()
    while shown(CARD, "ActiveState") != "active":
        run("systemctl", "kill", "--kill-who=main", "--signal=KILL", PLAYER, check=False)
        if time.monotonic() - started > PATIENCE_S:
            sys.exit("the card did not come\n" + run("journalctl", "--unit", PLAYER, "--unit", CARD, "--no-pager"))
        time.sleep(0.2)
    if shown(PLAYER, "ActiveState") != "failed" or shown(AGAIN, "ActiveState") != "active":
        sys.exit("the card stands, and " + shown(PLAYER, "ActiveState") + " " + shown(AGAIN, "ActiveState"))
    starts = run("journalctl", "--unit", PLAYER, "--output=cat", "--no-pager").count("Scheduled restart job")
    say(f"killed again and again: the card, after {time.monotonic() - started:.0f} s ({starts} restarts in all)")
    wait(lambda: shown(PLAYER, "ActiveState") == "active", "the player is tried again")
    if shown(CARD, "ActiveState") == "active":
        sys.exit("the card stands beside the player")
    player.pid = player.main_pid()
    await_plays()
    say("the player was tried again, and the card is gone")


def try_backup():
    run("systemctl", "start", "bangtin-server-backup.service")
    kept = [os.path.join(place, name) for place, _, names in os.walk("/var/backups/bangtin-server") for name in names]
    if shown("bangtin-server-backup.service", "Result") != "success" or not kept:
        sys.exit("no backup was made")
    if not shown("bangtin-server-backup.timer", "NextElapseUSecRealtime"):
        sys.exit("the backup's timer has no next time")
    say(f"a backup of {len(kept)} files; the next one {shown('bangtin-server-backup.timer', 'NextElapseUSecRealtime')}")


def look_at_the_workshop():
    accepted = int(shown("bangtin-media.socket", "NAccepted"))
    if accepted < 2:
        sys.exit(f"uploads did not pass through the workshop's unit: {accepted}")
    say(f"{accepted} files went through the workshop's unit")


def remove():
    """Nothing of ours runs on, nor comes back."""
    run("dpkg", "--remove", "bangtin-player", "bangtin-server", "bangtin", "bangtin-media")
    for unit in (SERVER, PLAYER, CARD, AGAIN, "bangtin-server-backup.timer", "bangtin-media.socket"):
        if shown(unit, "ActiveState") not in ("inactive", "failed"):
            sys.exit(f"{unit} is {shown(unit, 'ActiveState')} after its removal")
    running = [path for path in glob.glob("/proc/[0-9]*/exe") if os.path.exists(path) and
               os.path.basename(os.readlink(path)).split(" ")[0] in PROGRAMS]
    if running:
        sys.exit(f"still there after removal: {running}")
    for path in glob.glob("/etc/systemd/system/bangtin-*.d"):
        shutil.rmtree(path)
    say("removed; nothing runs")


def make_machine():
    """A display that is there at each start, and nothing that keeps packages from starting what they should."""
    with open("/etc/systemd/system/man-hinh.service", "w", encoding="utf-8") as file:
        file.write("[Unit]\nBefore=bangtin-player.service bangtin-player-card.service\n[Service]\nExecStart=" + " ".join(DISPLAY) +
                   "\n[Install]\nWantedBy=multi-user.target\n")
    run("systemctl", "enable", "--now", "man-hinh.service")
    os.unlink("/usr/sbin/policy-rc.d")
    make_person_and_display()


def begin(before, now, back):
    make_machine()
    # The X server's socket is in /tmp; on a wall there is none. And this machine may be a busy one.
    patient = "[Service]\nBindReadOnlyPaths=/tmp/.X11-unix\nWatchdogSec=60s\nTimeoutStartSec=10min\n"
    drop_in(PLAYER + ".service", f"[Unit]\nStartLimitIntervalSec={HOUR_S}s\n" + patient)
    drop_in(CARD + ".service", patient)
    drop_in(AGAIN, f"[Timer]\nOnActiveSec=\nOnActiveSec={HOUR_S + 10}s\n")
    run("systemctl", "daemon-reload")
    server = Unit(SERVER)
    server.wait("ready")
    url, screen = set_up(server)
    look_at_the_workshop()
    set_options("player", "BANGTIN_PLAYER_OPTIONS", f"--server {url} --window 320x180+0+0 --clock trusted")
    run("systemctl", "enable", "--now", "--no-block", PLAYER)
    run("systemctl", "enable", "--now", "bangtin-server-backup.timer")
    player = Unit(PLAYER)
    code, words = player.wait(r"code '([^']+)', words '([^']+)'").groups()
    bangtin("pair", code, "--screen", screen, "--words", words, "--yes", "--key", "/srv/an/ky-thuat.json")
    await_plays()
    player.pid = player.main_pid()
    exchange(now, server, player, "upgraded beneath it")
    try_backup()
    try_watchdogs(server, player)
    run("systemctl", "reset-failed", PLAYER)  # a new hour
    try_budget(player)
    if back:
        exchange(before, server, player, "downgraded beneath it")
        exchange(now, server, player, "upgraded once more")


def again(_before, _now, _back):
    """The machine was switched off and on again."""
    wait(lambda: shown(SERVER, "ActiveState") == "active" and shown(PLAYER, "ActiveState") == "active", "both run by themselves")
    await_plays()
    say("after another start of the machine both run by themselves")
    remove()


def main():
    """See the top of this file."""
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in ("begin", "again") or sys.argv[4:] not in ([], ["forward"]):
        sys.exit(__doc__)
    (begin if sys.argv[1] == "begin" else again)(*sys.argv[2:4], len(sys.argv) == 4)


if __name__ == "__main__":
    main()
