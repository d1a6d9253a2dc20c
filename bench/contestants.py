"""How to make each player show files one after the other, full screen, without sound."""

import os
import shutil

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def ours(build, publication, *options):
    store = os.path.join(os.path.dirname(publication), "assets")
    return [os.path.join(build, "player", "bangtin-player"), "play", publication, "--assets", store, "--window",
            "1920x1080+0+0", "--clock", "trusted", *options]


def mpv(files):
    return ["mpv", "--no-config", "--no-audio", "--vo=x11", "--fs", "--prefetch-playlist=yes", "--no-osc",
            "--really-quiet", "--image-display-duration=3", *files]


def vlc(files):
    # VLC does not run as root.
    return [*(NOBODY if os.getuid() == 0 else []), "env", "HOME=/tmp/bangtin-bench-vlc", "vlc", "-I", "dummy",
            "--vout", "xcb_x11", "--no-audio", "--fullscreen", "--no-video-title-show", "--play-and-exit",
            "--image-duration", "3", "--no-dbus", *files]


def gst(files):
    return ["gst-play-1.0", "--gapless", "--quiet", "--no-interactive", "--videosink=ximagesink",
            "--audiosink=fakesink", *files]


def ffplay(files):
    return ["ffplay", "-fs", "-an", "-autoexit", "-loglevel", "quiet", *files[:1]]


PEERS = {name: command for name, command, program in (
    ("mpv", mpv, "mpv"), ("vlc", vlc, "vlc"), ("gstreamer", gst, "gst-play-1.0"), ("ffplay", ffplay, "ffplay"))
    if shutil.which(program)}


def prepare():
    os.makedirs("/tmp/bangtin-bench-vlc", exist_ok=True)
    os.chmod("/tmp/bangtin-bench-vlc", 0o777)
