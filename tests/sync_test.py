#!/usr/bin/python3
"""The player's side of the wire against a server that does what docs/protocol.md says, and one that
does not: kill -9, power cuts, a server that is gone, moved, silent, lying."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import side_by_side  # noqa: E402

try:
    from wire_house import (BUILD, SCREEN, UNIT, ChaosProxy, Driver, House, Key, certificate, now_ms, screen_document, sha256,
                            template_document, unit_document, wait_until)
except ImportError as missing:
    print(f"cannot run here: {missing}")
    sys.exit(77)

CHUNG, OWN, TEMPLATE = f"u/{UNIT}/chung", f"s/{UNIT}/{SCREEN}", f"u/{UNIT}/template-bao"


def is_order(kind):
    return lambda news: news["news"] == "order" and news["order"] == kind


class Wire(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bt-sync-")
        self.house = House()
        self.drivers = []
        self.addCleanup(self.clean)

    def clean(self):
        for driver in self.drivers:
            if not driver.log.closed:
                driver.close()
        self.house.close()
        try:
            self.check_log()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def check_log(self):
        """What a sanitizer found is a failure, whoever else noticed."""
        if not self.drivers:
            return
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            text = file.read()
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
                     "Assertion"):
            self.assertNotIn(sign, text, text[-8000:])

    def start(self, server=None, **options):
        options = dict({"retry_s": 1, "poll_s": 1, "stall_s": 3}, **options)
        driver = Driver(self.directory, server, **options)
        self.drivers.append(driver)
        return driver

    def pair(self, version=1, assets=(), server=None, **options):
        began = time.monotonic()
        self.house.repository.put(OWN, screen_document())
        self.house.repository.put(CHUNG, unit_document(version, assets))
        self.house.publish()
        self.house.claim()
        driver = self.start(server or self.house.url, **options)
        driver.wait(lambda news: news["news"] == "paired")
        driver.wait_content(version)
        wait_until(lambda: self.house.streams)
        self.took_ms = int((time.monotonic() - began) * 1000)
        return driver

    def in_ms(self, ms):
        """A moment that is not over before the player has heard of it: later where the machine was slow so far."""
        return now_ms() + ms + 4 * self.took_ms

    def publish(self, version, assets=(), **more):
        self.house.repository.put(CHUNG, unit_document(version, assets, **more))
        self.house.publish()

    def answered(self, n):
        wait_until(lambda: n in self.house.results)
        return self.house.results[n]

    def status(self, test):
        """The newest, once it passes the test."""
        found = []

        def look():
            found[:] = self.house.statuses[-1:]
            return found and test(found[0])
        wait_until(look)
        return found[0]

    def trouble(self, code):
        self.status(lambda status: any(t["code"] == code for t in status["troubles"]))

    def no_trouble(self):
        self.status(lambda status: not status["troubles"])


class Content(Wire):
    def test_both_sides_show_the_same_words(self):
        driver = self.start(self.house.url)
        news = driver.wait(lambda n: n["news"] == "pairing")
        self.assertEqual(news["code"], "K7WQ-2MXB")
        self.assertEqual(len(news["words"].split()), 4)
        self.assertIn("K7WQ-2MXB", news["url"])

    def test_content_comes_whole_and_with_its_assets(self):
        picture = os.urandom(200000)
        driver = self.pair(1, [self.house.blob(picture)])
        content = driver.wait_content(1)
        self.assertEqual(content["missing"], 0)
        self.assertTrue(content["demo"])
        self.publish(2, [self.house.blob(os.urandom(5000))])
        self.assertEqual(driver.wait_content(2)["missing"], 0)
        self.status(lambda status: [p["version"] for p in status["publications"][1:]] == [2])

    def test_a_role_that_nobody_signed_in_is_waited_for(self):
        """No trouble, and at the hint it is there."""
        repository = self.house.repository
        write = repository.write

        def without(role, signed, name):
            if role == "snapshot":
                signed = dict(signed, meta={key: value for key, value in signed["meta"].items() if key[0] not in "us"})
            write(role, signed, name)
        repository.write = without
        repository.issue()
        self.house.claim()
        driver = self.start(self.house.url, retry_s=600, poll_s=600)
        driver.wait(lambda news: news["news"] == "unbound")
        wait_until(lambda: self.house.streams)
        repository.write = write
        repository.put(OWN, screen_document())
        repository.put(CHUNG, unit_document(1))
        self.house.publish()
        driver.wait_content(1)
        self.no_trouble()

    def test_the_last_content_is_there_without_any_network(self):
        self.pair(7, [self.house.blob(os.urandom(5000))]).kill()
        self.house.close()
        driver = self.start()
        self.assertEqual(driver.wait_content(7)["missing"], 0)

    def test_new_content_waits_for_its_last_asset(self):
        driver = self.pair(1)
        asset = self.house.blob(os.urandom(5000))
        data = self.house.blobs.pop(asset["sha256"])
        self.publish(2, [asset])
        waits = self.status(lambda status: [w for w in status["waiting"] if w["version"] == 2])
        self.assertEqual(waits["waiting"][0]["missing_bytes"], 5000)
        self.assertEqual([n for n in driver.news if n["news"] == "content"][-1]["publications"][1]["version"], 1)
        self.house.blobs[asset["sha256"]] = data
        self.assertEqual(driver.wait_content(2)["missing"], 0)

    def test_a_refused_document_leaves_the_one_before(self):
        driver = self.pair(1)
        self.house.repository.put("p/tinh", unit_document(1))  # of the layer unit, where province belongs
        self.house.repository.put(OWN, screen_document(2, [CHUNG, "p/tinh"]))
        self.house.repository.put(CHUNG, unit_document(2))
        self.house.publish()
        driver.wait_content(2)
        self.trouble("publication-refused")
        self.house.repository.put("p/tinh", dict(unit_document(2), id="tinh", layer="province"))
        self.house.publish()
        driver.wait_content(2, "p/tinh")
        self.no_trouble()

    def test_content_changes_over_at_its_time(self):
        driver = self.pair(1)
        at_ms = self.in_ms(2500)
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ms // 1000)) + f".{at_ms % 1000:03d}Z"
        self.publish(2, activate=text)
        news = driver.wait_content(2)
        self.assertTrue(news["urgent"])
        self.assertGreaterEqual(news["wall_ms"], at_ms)

    def test_nothing_signed_by_others_is_taken(self):
        driver = self.pair(1)
        own = self.house.repository.keys[f"u-{UNIT}"]
        self.house.repository.keys[f"u-{UNIT}"] = Key("a thief")
        # The delegation still names the old key.
        thief, self.house.repository.keys[f"u-{UNIT}"] = self.house.repository.keys[f"u-{UNIT}"], own
        original = own.sign
        own.sign = thief.sign
        self.publish(2)
        self.trouble("signature-refused")
        own.sign = original
        self.publish(3)
        driver.wait_content(3)
        self.assertFalse([n for n in driver.news if n["news"] == "content" and n["publications"][1]["version"] == 2])

    def test_what_is_withdrawn_is_not_shown_any_more(self):
        driver = self.pair(1)
        self.house.repository.remove(CHUNG)
        self.house.publish()
        driver.wait(lambda n: n["news"] == "content" and [p["target"] for p in n["publications"]] == [OWN])
        self.house.repository.remove(OWN)
        self.house.publish()
        driver.wait(lambda n: n["news"] == "content" and not n["publications"])

    def test_garbled_metadata_are_asked_for_again(self):
        proxy = ChaosProxy(self.house.port)
        driver = self.pair(1, server=proxy.url)
        for version, at in enumerate((400, 1200, 2000, 3000, 4000, 5000), 2):  # timestamp, snapshot, ...
            proxy.arm("garble", at)
            self.publish(version)
            driver.wait_content(version)
        self.assertGreater(proxy.struck, 3)
        proxy.close()

    def test_a_gap_in_the_network_changes_nothing(self):
        proxy = ChaosProxy(self.house.port)
        driver = self.pair(1, server=proxy.url)
        proxy.refusing = True
        proxy.cut_all()
        wait_until(lambda: not self.house.streams)
        self.publish(2)
        proxy.refusing = False
        driver.wait_content(2)
        proxy.close()


class Disk(Wire):
    def setUp(self):
        super().setUp()
        self.outer, disk = self.directory, os.path.join(self.directory, "disk")
        os.mkdir(disk)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=False,
                                               capture_output=True).returncode:
            self.skipTest("a small disk needs root")
        self.directory = disk

    def clean(self):
        super().clean()
        subprocess.run(["umount", "-l", os.path.join(self.outer, "disk")], check=False, capture_output=True)
        shutil.rmtree(self.outer, ignore_errors=True)

    def test_a_full_disk_is_told_and_content_that_fits_comes(self):
        driver = self.pair(1, [self.house.blob(os.urandom(3500000))])
        self.publish(2, [self.house.blob(os.urandom(4200000))])  # beside what is shown it does not fit
        self.trouble("disk-full")
        self.publish(3, [self.house.blob(os.urandom(500000))])
        self.assertEqual(driver.wait_content(3)["missing"], 0)
        self.no_trouble()
        # The first is not shown any more and makes room.
        self.publish(4, [self.house.blob(os.urandom(3700000))])
        self.assertEqual(driver.wait_content(4)["missing"], 0)


class Channel(Wire):
    def test_a_ping_goes_through_the_main_loop(self):
        self.pair()
        self.house.say("ping", {"ping": 88})
        wait_until(lambda: 88 in self.house.pongs)

    def test_a_channel_without_pings_is_built_anew(self):
        driver = self.pair(ping_s=1)
        opened = []
        real, self.house.open_stream = self.house.open_stream, lambda: opened.append(real()) or opened[-1]
        wait_until(lambda: len(opened) >= 2)
        n = self.house.order("blank", until_ms=0)
        driver.wait(is_order("blank"))
        self.answered(n)

    def test_without_a_stream_orders_are_polled(self):
        driver = self.pair()
        real, self.house.open_stream = self.house.open_stream, None  # the stream handler fails
        self.house.streaming = False
        wait_until(lambda: not self.house.streams)
        self.house.order("blank", until_ms=0)
        driver.wait(is_order("blank"))
        self.house.open_stream, self.house.streaming = real, True

    def test_each_order_is_carried_out_once(self):
        driver = self.pair()
        n = self.house.order("identify", seconds=10)
        driver.wait(is_order("identify"))
        self.answered(n)
        self.house.say("order", self.house.orders[n - 1])
        self.house.order("unblank")
        driver.wait(is_order("unblank"))
        self.assertEqual(len([x for x in driver.news if is_order("identify")(x)]), 1)

    def test_unknown_and_broken_orders_are_refused(self):
        self.pair()
        self.assertEqual(self.answered(self.house.order("dance"))["state"], "refused")
        self.assertEqual(self.answered(self.house.order("volume", percent=200))["state"], "refused")
        self.assertIn("percent", self.house.results[2]["detail"])
        self.house.say("order", {"kind": "blank"})  # without a number it cannot even be answered
        self.assertEqual(self.answered(self.house.order("volume", percent=20))["state"], "done")

    def test_an_answer_that_the_server_had_no_time_for_comes_again(self):
        """It is kept until the server has taken it, whatever else there is to say."""
        self.pair()
        real, refusals = self.house.done, [503, 429, 500]
        self.house.done = lambda body: (refusals.pop(0), {}) if refusals else real(body)
        self.assertEqual(self.answered(self.house.order("identify", seconds=1))["state"], "done")
        self.assertEqual(refusals, [])
        self.no_trouble()

    def test_a_server_that_has_no_time_keeps_its_stream(self):
        """As while its database is away: what it says is heard, and all need not come anew."""
        self.pair()
        wait_until(lambda: self.house.streams)
        opened, open_stream = [], self.house.open_stream
        self.house.open_stream = lambda: opened.append(1) or open_stream()
        real, refused = self.house.pong, []
        self.house.pong = lambda body: refused.append(body["ping"]) or (503, {})
        for ping in (1, 2):
            self.house.say("ping", {"ping": ping})
            wait_until(lambda n=ping: n in refused)
        self.house.pong = real
        self.house.say("ping", {"ping": 3})
        wait_until(lambda: 3 in self.house.pongs)
        self.no_trouble()
        self.assertEqual(opened, [])

    def test_a_screenshot_is_sent_and_answered(self):
        self.pair()
        n = self.house.order("screenshot")
        self.assertEqual(self.answered(n)["state"], "done")
        self.assertTrue(self.house.screenshots[n].startswith(b"\x89PNG"))

    def test_a_screenshot_that_is_cut_off_has_failed(self):
        self.pair()
        self.house.before_screenshot = lambda connection: connection.shutdown(socket.SHUT_RDWR)
        self.assertEqual(self.answered(self.house.order("screenshot"))["state"], "failed")

    def test_a_restart_is_answered_by_the_next_life(self):
        driver = self.pair()
        n = self.house.order("restart")
        self.assertEqual(driver.process.wait(180), 0)
        self.assertNotIn(n, self.house.results)
        driver = self.start()
        self.assertEqual(self.answered(n)["state"], "done")
        self.assertFalse([x for x in driver.news if is_order("restart")(x)])

    def test_what_was_set_is_set_again_after_a_power_cut(self):
        driver = self.pair()
        for n in (self.house.order("blank", until_ms=0), self.house.order("volume", percent=30)):
            self.answered(n)
        driver.kill()
        self.house.close()
        driver = self.start()
        self.assertEqual(driver.wait(is_order("blank"))["n"], 0)
        self.assertEqual(driver.wait(is_order("volume"))["value"], 30)

    def test_kill_9_at_any_time_loses_no_order_and_doubles_none(self):
        driver = self.pair()
        for round_ in range(12):
            n = self.house.order("takedown", id=f"t-{round_}", assets=[sha256(b"%d" % round_)], items=[], issued_ms=0)
            time.sleep(0.004 * round_)  # sooner or later than the order is kept and answered
            driver.kill()
            driver = self.start()
            self.answered(n)
        driver.kill()
        self.house.close()
        content = self.start().wait(lambda news: news["news"] == "content")
        self.assertEqual(sorted(content["assets"]), sorted(sha256(b"%d" % r) for r in range(12)))

    def test_the_server_moves(self):
        driver = self.pair()
        other = House()
        self.addCleanup(other.close)
        other.repository = self.house.repository
        other.orders = self.house.orders
        self.house.repository.put("servers", {"format": 1, "servers": [{"url": other.url, "pins": []}]})
        self.house.publish()
        wait_until(lambda: other.streams)
        self.house.close()
        other.order("blank", until_ms=0)
        driver.wait(is_order("blank"))
        driver.kill()
        driver = self.start()  # knows where to go from its own disk
        wait_until(lambda: other.streams)


class Certificates(Wire):
    def over_tls(self, days):
        self.house.close()
        path, pin = certificate(self.directory, days)
        self.house = House(path)
        return self.pair(1, pin=pin)

    def test_a_certificate_that_is_over_is_told_and_its_key_goes_on(self):
        driver = self.over_tls(-1)
        self.trouble("certificate-expired")
        self.publish(2)
        driver.wait_content(2)

    def test_a_good_one_is_no_trouble(self):
        self.over_tls(30)
        self.no_trouble()

    def test_without_a_pin_the_systems_authorities_decide(self):
        self.house.close()
        self.house = House(certificate(self.directory, 30)[0])
        driver = self.start(self.house.url)
        log = os.path.join(self.directory, "log")
        wait_until(lambda: "certificate" in open(log, encoding="utf-8").read())
        self.assertEqual(driver.news, [])


class Takedown(Wire):
    def test_what_was_taken_down_is_gone_and_stays_gone(self):
        picture = os.urandom(5000)
        asset = self.house.blob(picture)
        driver = self.pair(1, [asset])
        path = os.path.join(self.directory, "assets", asset["sha256"][:2], asset["sha256"])
        self.assertTrue(os.path.exists(path))
        n = self.house.order("takedown", id="t-1", assets=[asset["sha256"]], items=[{"publication": "chung", "item": "chu"}],
                             issued_ms=0)
        news = driver.wait(is_order("takedown"))
        self.assertEqual(news["assets"], [asset["sha256"]])
        self.assertEqual(news["items"], ["chung/chu"])
        self.answered(n)
        wait_until(lambda: not os.path.exists(path))
        before = len(self.house.ranges)
        self.publish(2, [asset])
        content = driver.wait_content(2)
        self.assertEqual(content["assets"], [asset["sha256"]])
        driver.kill()
        driver = self.start()
        self.assertEqual(driver.wait_content(2)["items"], ["chung/chu"])
        self.assertEqual(len(self.house.ranges), before)
        self.assertFalse(os.path.exists(path))

    def test_only_a_newer_publication_that_names_it_lifts_it(self):
        asset = self.house.blob(os.urandom(5000))
        driver = self.pair(5, [asset])
        self.answered(self.house.order("takedown", id="t-1", assets=[asset["sha256"]], items=[], issued_ms=0))
        self.publish(5, [asset], lifts=["t-1"], title="không mới hơn")
        self.publish(6, [asset], lifts=["t-2"])
        self.assertEqual(driver.wait_content(6)["assets"], [asset["sha256"]])
        self.publish(7, [asset], lifts=["t-1"])
        content = driver.wait_content(7)
        self.assertEqual((content["assets"], content["missing"]), ([], 0))
        # The same order once more, from a server that replays: it is down again, and 7 does not lift it.
        after = len(driver.news)
        self.house.order("takedown", id="t-1", assets=[asset["sha256"]], items=[], issued_ms=0)
        driver.wait(is_order("takedown"), after=after)
        self.publish(8, [asset])
        self.assertEqual(driver.wait_content(8)["assets"], [asset["sha256"]])

    def test_an_offline_player_obeys_before_it_takes_anything_new(self):
        asset = self.house.blob(os.urandom(5000))
        driver = self.pair(1)
        driver.kill()
        self.house.order("takedown", id="t-1", assets=[asset["sha256"]], items=[], issued_ms=0)
        self.publish(2, [asset])
        driver = self.start()
        content = driver.wait_content(2)
        self.assertEqual(content["assets"], [asset["sha256"]])
        orders = [i for i, n in enumerate(driver.news) if is_order("takedown")(n)]
        self.assertLess(orders[0], driver.news.index(content))
        self.assertEqual(self.house.ranges, [])

    def test_it_does_not_wait_for_a_download(self):
        big = self.house.blob(os.urandom(3000000))
        driver = self.pair(1, cap=200000)
        self.publish(2, [big])
        wait_until(lambda: self.house.ranges)
        self.house.order("takedown", id="t-1", assets=[big["sha256"]], items=[], issued_ms=0)
        taken = driver.wait(is_order("takedown"))
        content = driver.wait_content(2)  # all that is left of it is there
        self.assertLess(driver.news.index(taken), driver.news.index(content))


    def test_a_slow_disk_and_a_download_come_after_it(self):
        big = self.house.blob(os.urandom(3000000))
        self.pair(1).close()
        driver = self.start(cap=200000, slow_sync_ms=500)
        driver.wait_content(1)
        wait_until(lambda: self.house.streams)
        self.publish(2, [big])
        wait_until(lambda: self.house.ranges)
        real, synced = self.house.done, {}

        def done(body):
            synced.update({result["n"]: self.synced() for result in body["results"]})
            return real(body)
        self.house.done = done
        for round_ in range(6):
            before = self.synced()
            n = self.house.order("takedown", id=f"t-{round_}", assets=[sha256(b"%d" % round_)], items=[], issued_ms=0)
            driver.wait(lambda news, id_=f"t-{round_}": is_order("takedown")(news) and news["id"] == id_)
            self.answered(n)
            self.assertGreater(synced[n], before)  # answered only when the disk has it

    def synced(self):
        """How often the slow disk has finished."""
        return os.path.getsize(os.path.join(self.directory, "synced"))


class Emergency(Wire):
    def prepare(self, **more):
        self.digest = self.house.repository.put(TEMPLATE, template_document(**more))
        driver = self.pair()
        self.house.publish()
        return driver

    def activate(self, **changes):
        changes = dict({"fields": {"ten": "số 9", "cap": "12"}}, **changes)
        return self.house.order("emergency", activation=self.house.repository.activation(TEMPLATE, self.digest, **changes))

    @staticmethod
    def shows(news):
        return news["news"] == "content" and any("template-" in p["target"] for p in news["publications"])

    @staticmethod
    def shows_none(news):
        return news["news"] == "content" and not Emergency.shows(news)

    def test_it_is_filled_and_shown_and_ended(self):
        driver = self.prepare()
        n = self.activate()
        news = driver.wait(self.shows)
        self.assertTrue(news["urgent"])
        self.assertIn("Bão số 9 cấp 12 {khac", news["publications"][-1]["text"])
        self.assertEqual(self.answered(n)["state"], "done")
        self.status(lambda status: status["emergency"] == ["e-1"])
        after = len(driver.news)
        self.answered(self.house.order("emergency_end", id="e-1", at_ms=now_ms()))
        driver.wait(self.shows_none, after=after)
        # The server may not bring it back.
        self.assertEqual(self.answered(self.activate(until_ms=now_ms() + 90000))["state"], "refused")

    def test_it_ends_by_itself(self):
        driver = self.prepare()
        until_ms = self.in_ms(2500)
        self.activate(until_ms=until_ms)
        shown = driver.wait(self.shows)
        ended = driver.wait(self.shows_none, after=driver.news.index(shown))
        self.assertGreaterEqual(ended["wall_ms"], until_ms)
        self.assertTrue(ended["urgent"])

    def test_a_power_cut_does_not_end_it_and_does_not_prolong_it(self):
        driver = self.prepare()
        until_ms = self.in_ms(5000)
        self.answered(self.activate(until_ms=until_ms))
        before = driver.wait(self.shows)
        driver.kill()
        self.house.close()
        driver = self.start()
        after = driver.wait(self.shows)
        self.assertEqual(after["publications"][-1]["text"], before["publications"][-1]["text"])  # and its end in it
        ended = driver.wait(self.shows_none, after=driver.news.index(after))
        self.assertGreaterEqual(ended["wall_ms"], until_ms)

    def test_the_highest_level_is_shown_and_then_the_one_before(self):
        driver = self.prepare()
        self.answered(self.activate(id="e-low", level=2, fields={"ten": "nhẹ", "cap": "2"}))
        driver.wait(self.shows)
        after = len(driver.news)
        self.answered(self.activate(id="e-high", level=5, fields={"ten": "nặng", "cap": "5"}))
        self.assertIn("nặng", driver.wait(self.shows, after=after)["publications"][-1]["text"])
        after = len(driver.news)
        self.answered(self.activate(id="e-middle", level=3, fields={"ten": "vừa", "cap": "3"}))
        self.house.order("emergency_end", id="e-high", at_ms=now_ms())
        driver.wait(lambda n: self.shows(n) and "vừa" in n["publications"][-1]["text"], after=after)

    def unanswered(self, n, order, driver):
        """Told to the main loop, which is killed before it has seen it on the screen."""
        self.assertEqual(driver.wait(lambda news: is_order(order)(news) and news["n"] == n)["id"], "e-1")
        driver.kill()
        self.assertNotIn(n, self.house.results)

    def test_it_is_not_answered_before_the_main_loop_says_so_and_asked_again_after_a_kill(self):
        self.prepare().close()
        driver = self.start(mute=1)
        n = self.activate()
        driver.wait(self.shows)
        self.unanswered(n, "emergency", driver)
        driver = self.start()
        driver.wait(self.shows)
        self.assertEqual(self.answered(n)["state"], "done")
        driver.close()
        driver = self.start(mute=1)
        n = self.house.order("emergency_end", id="e-1", at_ms=now_ms())
        driver.wait(self.shows_none)
        self.unanswered(n, "emergency_end", driver)
        driver = self.start()
        self.assertEqual(self.answered(n)["state"], "done")
        driver.wait(self.shows_none)  # killed before its disk knew of the end, it learns it again

    def test_it_is_renewed_by_a_later_end(self):
        driver = self.prepare()
        first_ms = self.in_ms(3000)
        self.answered(self.activate(until_ms=first_ms))
        shown = driver.wait(self.shows)
        until_ms = first_ms + 2000
        self.answered(self.activate(until_ms=until_ms))
        ended = driver.wait(self.shows_none, after=driver.news.index(shown))
        self.assertGreaterEqual(ended["wall_ms"], until_ms)

    def test_what_is_not_signed_or_meant_for_others_is_refused(self):
        driver = self.prepare()
        activation = self.house.repository.activation
        fields = {"ten": "x", "cap": "1"}
        lies = [
            activation(TEMPLATE, self.digest, "targets", fields=fields),  # another role's key
            activation(TEMPLATE, self.digest, "em-p", fields=fields),
            activation(TEMPLATE, self.digest, scope=["99999"], fields=fields),
            activation(TEMPLATE, self.digest, scope=[UNIT, "99999"], fields=fields),
            activation(TEMPLATE, self.digest, screens=["s-OTHER"], fields=fields),
            activation(TEMPLATE, self.digest, until_ms=now_ms() + 25 * 3600000, fields=fields),
            activation(TEMPLATE, self.digest, from_ms=now_ms() - 5000, until_ms=now_ms() - 1000, fields=fields),
            activation(TEMPLATE, self.digest, fields=fields).replace('"level": 3', '"level": 5'),
            activation(TEMPLATE, self.digest, fields={"ten": "x"}),
            activation(TEMPLATE, self.digest, fields={"ten": "x", "cap": "many"}),
            activation(TEMPLATE, self.digest, fields={"ten": "x" * 65, "cap": "1"}),
            "{}", "not json",
        ]
        for lie in lies:
            n = self.house.order("emergency", activation=lie)
            self.assertEqual(self.answered(n)["state"], "refused", lie)
        self.assertFalse([news for news in driver.news if self.shows(news)])

    def test_keys_that_came_with_newer_metadata_are_believed(self):
        driver = self.prepare()
        self.house.repository.keys[f"em-{UNIT}"] = Key("new duty officer")
        self.house.repository.issue()  # nobody is told
        n = self.activate()
        driver.wait(self.shows)
        self.assertEqual(self.answered(n)["state"], "done")


class Transfers(Wire):
    def test_a_cut_transfer_goes_on_at_the_byte(self):
        proxy = ChaosProxy(self.house.port)
        driver = self.pair(1, server=proxy.url)
        asset = self.house.blob(os.urandom(2000000))
        proxy.arm("cut", 1000000)
        self.publish(2, [asset])
        self.assertEqual(driver.wait_content(2)["missing"], 0)
        starts = [start for name, start in self.house.ranges if name == asset["sha256"]]
        self.assertEqual((len(starts), starts[0]), (2, 0))
        self.assertGreater(starts[1], 1000000 - 65536)
        proxy.close()

    def test_a_killed_player_goes_on_at_the_byte(self):
        driver = self.pair(1, cap=600000)
        asset = self.house.blob(os.urandom(6000000))
        self.publish(2, [asset])
        partial = os.path.join(self.directory, "assets", "partial", asset["sha256"])
        wait_until(lambda: os.path.exists(partial) and os.path.getsize(partial) > 300000)
        driver.kill()
        size = os.path.getsize(partial)
        driver = self.start()
        driver.wait_content(2)
        starts = [start for name, start in self.house.ranges if name == asset["sha256"]]
        self.assertEqual(starts, [0, size])

    def test_garbled_bytes_are_never_shown(self):
        proxy = ChaosProxy(self.house.port)
        driver = self.pair(1, server=proxy.url)
        asset = self.house.blob(os.urandom(500000))
        proxy.arm("garble", 300000)
        self.publish(2, [asset])
        self.assertEqual(driver.wait_content(2)["missing"], 0)
        self.assertEqual(len(self.house.ranges), 2)
        proxy.close()

    def test_a_server_that_knows_no_ranges_is_borne(self):
        proxy = ChaosProxy(self.house.port)
        driver = self.pair(1, server=proxy.url)
        asset = self.house.blob(os.urandom(500000))
        self.house.no_ranges = True
        proxy.arm("cut", 300000)
        self.publish(2, [asset])
        self.assertEqual(driver.wait_content(2)["missing"], 0)
        proxy.close()

    def test_what_passes_the_months_budget_waits(self):
        driver = self.pair(1, month=100000)
        self.publish(2, [self.house.blob(os.urandom(60000))])
        driver.wait_content(2)
        self.publish(3, [self.house.blob(os.urandom(60000))])
        self.status(lambda status: [w for w in status["waiting"] if w["version"] == 3])
        asset = self.house.blob(os.urandom(70000))
        digest = self.house.repository.put(TEMPLATE, template_document(assets=[asset]))
        self.house.publish()
        wait_until(lambda: any(name == asset["sha256"] for name, _ in self.house.ranges))
        self.assertTrue(digest)
        self.assertFalse([n for n in driver.news if n["news"] == "content" and n["publications"][1]["version"] == 3])


if __name__ == "__main__":
    side_by_side.main(sys.modules["__main__"])
