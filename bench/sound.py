#!/usr/bin/env python3
"""How far sound is from its picture: the real player in a window, a sound card of ours at the other end of a pipe (SDL's disk
driver), which takes samples at its own pace, off by --drift, and knows when each was heard. A clip beeps once a second; each
beep's first sample is compared with the instant at which its picture was presented.

  bench/sound.py BUILD_DIR [--minutes 60] [--drift 0.003]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "tests")]

def median(values):
    return sorted(values)[len(values) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--drift", type=float, default=0.0, help="of the card's clock; 0.003 is 0.3 %% fast")
    options = parser.parse_args()
    os.environ["BT_BUILD_ROOT"] = os.path.abspath(options.build)
    import player_harness
    import player_sound_test
    with tempfile.TemporaryDirectory(prefix="bt-sound-") as directory:
        campaign = player_harness.Campaign(directory)
        player_sound_test.make_beeps(campaign.path("beep.mp4"), 30)
        campaign.file("beep", campaign.path("beep.mp4"), "video/mp4", 30000, volume_percent=100)
        publication = campaign.write()
        display = player_harness.Display()
        card = player_sound_test.Card(campaign.path("card"), options.drift)
        environment = dict(os.environ, DISPLAY=display.name, SDL_VIDEODRIVER="x11", SDL_AUDIODRIVER="disk",
                           SDL_DISKAUDIOFILE=card.path, SDL_DISKAUDIODELAY="0")
        print(f"load at the start: {os.getloadavg()[0]:.2f}", flush=True)
        player = subprocess.Popen([player_harness.PLAYER, "play", publication, "--assets", campaign.path("assets"),
                                   "--frame-log", campaign.path("frames"), "--window", f"{player_harness.SIZE}+0+0"],
                                  env=environment, stderr=subprocess.DEVNULL)
        time.sleep(options.minutes * 60)
        player.terminate()
        player.wait()
        display.close()
        report(card, campaign.path("frames"), options)


def report(card, path, options):
    import json
    pictures = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            frame = json.loads(line)
            for zone in frame["zones"]:
                if zone["state"] == "new" and zone["pts_ms"] % 1000 == 480:
                    pictures.append(frame["t_ns"] + 20e6)  # the beep lies between two pictures
    beeps = card.onsets()
    offsets = [min((beep - at for at in pictures), key=abs) / 1e6 for beep in beeps]
    middle = median(offsets)
    late = sum(abs(offset) > 40 for offset in offsets)
    quarter = max(len(offsets) // 4, 1)
    print(f"{options.minutes:g} minutes, a card {options.drift * 100:+.2f} %: {len(pictures)} beeps shown, {len(offsets)} heard")
    print(f"sound after picture, ms: median {middle:+.1f}, least {min(offsets):+.1f}, most {max(offsets):+.1f}; "
          f"of the first quarter {median(offsets[:quarter]):+.1f}, of the last {median(offsets[-quarter:]):+.1f}")
    print(f"more than 40 ms off: {late} of {len(offsets)}; load at the end: {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
