"""How to make each player show files one after the other, full screen, without sound."""

import os
import shutil

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
VLC_HOME = "/tmp/bangtin-bench-vlc"

# Without the right to real-time priority, which nobody gave the peers either.
ORDINARY = ["setpriv", "--bounding-set=-sys_nice"] if os.getuid() == 0 else []


def player(build):
    return os.path.join(build, "player", "bangtin-player")


def ours(build, publication, *options, window="1920x1080+0+0"):
    store = os.path.join(os.path.dirname(publication), "assets")
    return [player(build), "play", publication, "--assets", store, "--window", window, "--clock", "trusted",
            *options]


def mpv(files, still_s):
    return ["mpv", "--no-config", "--no-audio", "--vo=x11", "--fs", "--prefetch-playlist=yes", "--no-osc",
            "--really-quiet", f"--image-display-duration={still_s}", *files]


def vlc(files, still_s):
    os.makedirs(VLC_HOME, exist_ok=True)
    os.chmod(VLC_HOME, 0o777)
    # VLC does not run as root.
    return [*(NOBODY if os.getuid() == 0 else []), "env", f"HOME={VLC_HOME}", "vlc", "-I", "dummy",
            "--vout", "xcb_x11", "--no-audio", "--fullscreen", "--no-video-title-show", "--play-and-exit",
            "--image-duration", str(still_s), "--no-dbus", *files]


def gst_play(files, still_s):
    del still_s  # holds a still for one frame
    return ["gst-play-1.0", "--gapless", "--quiet", "--no-interactive", "--videosink=ximagesink",
            "--audiosink=fakesink", *files]


def ffplay(files, still_s):
    """One process per file; it has no list."""
    del still_s
    play = ["ffplay", "-noborder", "-x", "1920", "-y", "1080", "-left", "0", "-top", "0", "-an", "-autoexit", "-loglevel", "quiet"]
    if len(files) == 1:
        return [*play, files[0]]
    return ["sh", "-c", 'for file; do ' + " ".join(play) + ' "$file"; done', "sh", *files]


PEERS = {name: command for name, (command, program) in {
    "mpv": (mpv, "mpv"), "vlc": (vlc, "vlc"), "gst-play": (gst_play, "gst-play-1.0"),
    "ffplay": (ffplay, "ffplay")}.items() if shutil.which(program)}


# Without a window manager VLC makes its window as large as the picture and does not scale.
OWN_SIZE = {"vlc"}


def chosen_peers(names):
    """`names`: a list with commas, "all" or "none"."""
    if names == "none":
        return {}
    return {name: make for name, make in PEERS.items() if names == "all" or name in names.split(",")}
