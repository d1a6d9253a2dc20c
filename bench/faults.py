#!/usr/bin/python3
"""Network faults on the player's side of the wire, round after round: new content is published, and
somewhere on its way the network cuts, stalls, truncates or garbles, or the player is killed.

Each round must end with the new content, whole; at no moment is there anything but old or new; and
what a network fault makes come twice is at most 64 KiB (a garbled file comes anew).

Usage: bench/faults.py [--rounds N] [--seed N]       prints one line of JSON; exit status 0: all held
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from wire_house import SCREEN, UNIT, ChaosProxy, Driver, House, screen_document, unit_document, wait_until

FAULTS = ("cut", "stall", "truncate", "garble", "refuse", "kill")
CHUNG = f"u/{UNIT}/chung"


class Rounds:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.directory = tempfile.mkdtemp(prefix="bt-faults-")
        self.house = House()
        self.proxy = ChaosProxy(self.house.port)
        self.house.repository.put(f"s/{UNIT}/{SCREEN}", screen_document())
        self.version = 1
        self.publish(2000)
        self.house.claim()
        self.start(self.proxy.url)
        self.driver.wait_content(1)
        self.failures, self.slowest = [], 0.0
        self.repeats = dict.fromkeys(FAULTS, 0)
        self.struck = dict.fromkeys(FAULTS, 0)

    def start(self, server=None):
        self.driver = Driver(self.directory, server, retry_s=1, poll_s=1, stall_s=2, ping_s=5)

    def publish(self, size):
        asset = self.house.blob(self.chance.randbytes(size))
        self.house.repository.put(CHUNG, unit_document(self.version, [asset]))
        self.house.publish()
        return asset

    def strike(self, fault, size):
        """Somewhere in the answers of this round: metadata, documents, the asset, or the stream."""
        if fault == "refuse":
            self.proxy.refusing = True
            self.proxy.cut_all()
        elif fault != "kill":
            self.proxy.arm(fault, self.chance.randrange(1, 9000 + size))

    def recover(self, fault):
        if fault == "refuse":
            time.sleep(self.chance.uniform(0, 0.2))
            self.proxy.refusing = False
        elif fault == "kill":
            time.sleep(self.chance.uniform(0, 0.15))
            self.driver.kill()
            self.check_news()
            self.start()

    def check_news(self):
        """Whatever was told is one of the published versions, never going back, with all of its assets."""
        for news in self.driver.news:
            if news["news"] != "content":
                continue
            seen = [p["version"] for p in news["publications"] if p["target"] == CHUNG]
            if news["missing"] or len(seen) != 1 or seen[0] > self.version or seen[0] < self.oldest:
                self.failures.append({"round": self.version, "news": news})
            self.oldest = max(self.oldest, *seen)

    def count_repeats(self, asset, passed, fault):
        """Bytes of the asset that reached the player's side of the network, beyond its size."""
        repeated = max(0, passed - asset["size"])
        self.repeats[fault] = max(self.repeats[fault], repeated)

    def round(self):
        fault = self.chance.choice(FAULTS)
        size = int(2 ** self.chance.uniform(8, 19))
        self.oldest = self.version
        self.version += 1
        before_bytes, before_struck = self.proxy.blob_bytes, self.proxy.struck
        self.driver.news.clear()
        began = time.monotonic()
        self.strike(fault, size)
        asset = self.publish(size)
        self.recover(fault)
        try:
            self.driver.wait_content(self.version, timeout=60)
        except AssertionError as problem:
            self.failures.append({"round": self.version, "fault": fault, "problem": str(problem)})
        self.proxy.disarm()
        self.check_news()
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.struck[fault] += self.proxy.struck - before_struck or fault in ("refuse", "kill")
        self.count_repeats(asset, self.proxy.blob_bytes - before_bytes, fault)
        self.house.blobs = {asset["sha256"]: self.house.blobs[asset["sha256"]]}

    def close(self):
        self.driver.kill()
        self.proxy.close()
        self.house.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rounds = Rounds(options.seed)
    began = time.monotonic()
    for _ in range(options.rounds):
        rounds.round()
        if rounds.failures:
            break
    result = {"rounds": rounds.version - 1, "seconds": round(time.monotonic() - began), "struck": rounds.struck,
              "repeated_bytes_most": rounds.repeats, "slowest_round_s": round(rounds.slowest, 1),
              "failures": rounds.failures[:3]}
    if rounds.failures:
        with open(os.path.join(rounds.directory, "log"), encoding="utf-8", errors="replace") as log:
            sys.stderr.write(log.read()[-6000:])
    rounds.close()
    print(json.dumps(result, ensure_ascii=False))
    # A garbled file comes anew, and what a killed player had not read from its socket is lost.
    worst = max(most for fault, most in rounds.repeats.items() if fault not in ("garble", "kill"))
    return 0 if not rounds.failures and worst <= 65536 else 1


if __name__ == "__main__":
    sys.exit(main())
