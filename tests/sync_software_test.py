#!/usr/bin/python3
"""New versions of the player, from the wire to what is handed over to the installer: which one is taken, when, with what
beside it, and what the server is told of it."""

import datetime
import json
import os
import sys

import side_by_side
import sync_test
from wire_house import SCREEN, UNIT, sha256, template_document, wait_until

PLATFORM = "debian-13-arm64"
PACKAGE = b"!<arch>\n" + b"mot goi" * 30000


def release(version, package=PACKAGE, **more):
    return dict({"program": "bangtin-player", "platform": PLATFORM, "version": version, "sha256": sha256(package),
                 "size": len(package), "who": {"units": [], "screens": []}, "from_ms": 0, "hours": "00:00-24:00"}, **more)


def hours_from_now(begin, end):
    """Of a screen in Vietnam."""
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7)))
    return [now + datetime.timedelta(hours=hours) for hours in (begin, end)]


class Software(sync_test.Wire):
    def announce(self, *releases):
        text = json.dumps({"format": 1, "releases": list(releases)}).encode()
        self.house.blobs[sha256(PACKAGE)] = PACKAGE
        self.house.repository.put("software", text)
        self.house.publish()
        return text

    def run_player(self, **options):
        self.record = os.path.join(self.directory, "installer", "record.json")
        os.makedirs(os.path.dirname(self.record), exist_ok=True)
        return self.pair(platform=PLATFORM, installer=os.path.dirname(self.record), runs="0.1.0", **options)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def offer(self):
        try:
            with open(self.path("update", "offer.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def update(self, test):
        return self.status(lambda status: test(status["update"]))["update"]

    def not_fetched(self):
        self.assertNotIn(sha256(PACKAGE), [name for name, _ in self.house.ranges])

    def installed(self, **said):
        """What the installer writes of a trial."""
        record = dict({"phase": "idle", "version": "0.0.0", "before": "0.0.0", "tries": 0, "outcome": "", "bad": []}, **said)
        with open(self.record + ".next", "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.rename(self.record + ".next", self.record)


class Handover(Software):
    def test_it_is_handed_over_and_what_became_of_it_is_told(self):
        self.run_player()
        self.assertEqual(self.update(lambda update: True), {"platform": PLATFORM, "state": "none"})
        self.house.repository.renew_root()
        self.house.repository.renew_root()
        text = self.announce(release("0.2.0", who={"units": [], "screens": [SCREEN]}))
        wait_until(self.offer)
        self.assertEqual(self.offer(), {"version": "0.2.0", "file": sha256(PACKAGE) + ".deb"})
        for name, whole in ((self.offer()["file"], PACKAGE), ("software.json", text)):
            with open(self.path("update", name), "rb") as file:
                self.assertEqual(file.read(), whole)
        # From whichever root the installer pinned there is a way to the newest.
        for number in (1, 2):
            with open(self.path("metadata", f"{number}.root.json"), "rb") as file:
                self.assertEqual(file.read(), self.house.repository.files[f"metadata/{number}.root.json"])
        self.update(lambda update: update["state"] == "offered" and update["next"] == "0.2.0")
        self.installed(phase="trying", version="0.2.0", tries=1)
        self.installed(outcome="missing-frames", bad=["0.2.0"])
        self.update(lambda update: update == {"platform": PLATFORM, "state": "none", "last": "0.2.0", "outcome": "missing-frames"})
        self.assertIsNone(self.offer())
        self.assertEqual(os.listdir(self.path("update")), [])


class Choice(Software):
    def test_what_is_not_for_this_player_is_not_even_fetched(self):
        self.run_player()
        tomorrow = int(hours_from_now(24, 25)[0].timestamp() * 1000)
        self.announce(release("0.2.0", platform="debian-12-amd64"), release("0.2.1", program="bangtin-server"),
                      release("0.2.2", from_ms=tomorrow), release("0.2.3", who={"units": ["99999"], "screens": []}),
                      release("0.1.0"), release("0.0.9"))
        before = len(self.house.statuses)
        # What comes after it was looked at: the newest metadata, and a status.
        self.publish(2)
        self.drivers[0].wait_content(2)
        wait_until(lambda: len(self.house.statuses) > before)
        self.assertEqual(self.update(lambda update: True)["state"], "none")
        self.not_fetched()
        # And what is, of two the newer, is.
        self.announce(release("0.2.0", who={"units": [UNIT], "screens": []}), release("0.1.1"))
        wait_until(self.offer)
        self.assertEqual(self.offer()["version"], "0.2.0")


class Hours(Software):
    def test_it_waits_for_its_hour_and_for_warnings_to_end(self):
        self.run_player()
        later = "-".join(at.strftime("%H:%M") for at in hours_from_now(6, 7))
        self.announce(release("0.2.0", hours=later))
        self.update(lambda update: (update["state"], update.get("why")) == ("waiting", "hours"))
        digest = self.house.repository.put(sync_test.TEMPLATE, template_document())
        self.announce(release("0.2.0"))
        wait_until(self.offer)
        warning = self.house.order("emergency", activation=self.house.repository.activation(
            sync_test.TEMPLATE, digest, fields={"ten": "số 9", "cap": "12"}))
        self.answered(warning)
        self.update(lambda update: update.get("why") == "emergency")
        self.assertIsNone(self.offer())
        self.announce(release("0.2.0", now=True))
        wait_until(self.offer)


class Closed(Software):
    def test_it_waits_until_the_screen_is_closed(self):
        opened, closes = hours_from_now(-3, 3)
        self.house.hours = {"from_min": opened.hour * 60, "until_min": closes.hour * 60 + 59}
        self.run_player()
        self.announce(release("0.2.0"))
        self.update(lambda update: update.get("why") == "open")
        self.not_fetched()
        # What a session said is known in the next life, too, before anybody says it again.
        self.drivers[0].close()
        self.house.hours = None
        self.announce(release("0.2.0", now=True))
        self.start(self.house.url, platform=PLATFORM, installer=os.path.dirname(self.record), runs="0.1.0")
        wait_until(self.offer)

    def test_the_version_that_runs_is_not_handed_over_again(self):
        self.run_player()
        self.announce(release("0.2.0"))
        wait_until(self.offer)
        self.drivers[0].close()
        self.installed(version="0.2.0", outcome="kept")
        self.start(self.house.url, platform=PLATFORM, installer=os.path.dirname(self.record), runs="0.2.0")
        wait_until(lambda: self.offer() is None)
        self.update(lambda update: update == {"platform": PLATFORM, "state": "none", "last": "0.2.0", "outcome": "kept"})


if __name__ == "__main__":
    side_by_side.main(sys.modules["__main__"])
