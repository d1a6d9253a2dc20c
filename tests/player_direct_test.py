#!/usr/bin/env python3
"""The real player, told by a script what a server would tell it: content that changes while it plays,
takedowns, warnings, orders, the cards it shows before there is content."""

import json
import os
import signal
import subprocess
import time
import unittest

import player_harness
from player_harness import HEIGHT, SIZE, WIDTH, Display, PlayerCase, make_still, pixels, time_text

SCRIPTED = os.path.join(os.environ.get("BT_BUILD_ROOT", "build"), "tests", "scripted_player")
GROUND = (16, 42, 67)  # of the program's own cards
WORDS = "an bình cầu đá"


def near(pixel, colour, delta=6):
    return all(abs(a - b) <= delta for a, b in zip(pixel, colour))


class Scripted:
    """A player with its script."""

    def __init__(self, case, directory, display=None, place="+0+0", options=()):
        self.case = case
        self.directory = directory
        where = ["--headless"] if not display else ["--window", SIZE + place] if place else []
        environment = dict(os.environ, **({"DISPLAY": display, "SDL_VIDEODRIVER": "x11"} if display else {}))
        self.born_s = time.monotonic()
        self.process = subprocess.Popen(
            [SCRIPTED, "--directory", directory, "--frame-log", os.path.join(directory, "frames.jsonl"), "--clock", "trusted",
             *where, *options],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        case.addCleanup(self.close)

    def age_s(self):
        """Until something is shown: how fast this machine is now, with all else that it does."""
        return time.monotonic() - self.born_s

    def close(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def say(self, **news):
        self.process.stdin.write(json.dumps(news) + "\n")
        self.process.stdin.flush()
        return time.monotonic_ns()

    def content(self, *paths, **more):
        return self.say(news="content", publications=[{"target": target, "file": path} for target, path in paths], **more)

    def order(self, order, number, **more):
        return self.say(news="order", order=order, number=number, **more)

    def lines(self, name):
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def answers(self):
        return self.lines("answers.jsonl")

    def frames(self):
        return self.lines("frames.jsonl")

    def items(self, zone="chinh"):
        """What the zone showed, in order, each with when it came on and its last frame's place."""
        shown = []
        for frame in self.frames():
            for entry in frame["zones"]:
                if entry["zone"] != zone:
                    continue
                if not shown or shown[-1]["item"] != entry["item"]:
                    shown.append({"item": entry["item"], "t_ns": frame["t_ns"], "first_ms": entry["pts_ms"]})
                shown[-1].update(last_ns=frame["t_ns"], last_ms=entry["pts_ms"])
        return shown

    def wait_item(self, item, zone="chinh"):
        return self.case.wait_for(lambda: next((s for s in reversed(self.items(zone)) if s["item"] == item), None), self.process)

    def wait_answer(self, key, value):
        return self.case.wait_for(lambda: next((a for a in self.answers() if a.get(key) == value), None), self.process)

    def wait_status(self, what):
        def look():
            told = [a["status"] for a in self.answers() if "status" in a]
            return told[-1] if told and what(told[-1]) else None
        return self.case.wait_for(look, self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=180)
        self.case.assertEqual(self.process.returncode, 0, said)
        return said


class DirectCase(PlayerCase):
    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.directory, "assets"), exist_ok=True)

    def player(self, display=None, **more):
        return Scripted(self, self.directory, display, **more)

    def unit(self, version, name=None, **more):
        """The unit's publication of all items made since the last one."""
        items = more.pop("items", None) or self.campaign.take_items()
        name = name or f"unit-{version}.json"
        return "u/x/bang", self.campaign.write(name, version=version, playlists=[{"name": "p", "items": items}], **more)

    def warning(self, until_s=3600, zone="chinh", layout=None, version=1, **more):
        publication = {
            "format": 1, "id": "bao", "version": version, "layer": "emergency", "unit": "BCH", "activate": "now",
            "valid": {"from": time_text(-10), "until": time_text(until_s)},
            "playlists": [{"name": "w", "items": [{"id": "bao", "type": "colour", "colour": "#ff0000"}]}],
            "schedule": [{"id": "z", "zone": zone, "playlist": "w"}] + ([{"id": "l", "layout": layout}] if layout else []), **more}
        path = self.campaign.path("bao.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(publication, file)
        return "u/x/template-bao", path

    def close_plays(self, player):
        player.stop()
        return self.plays()


class ChangeTest(DirectCase):
    def test_a_boundary_change_waits_for_the_end_of_the_item(self):
        self.campaign.image("mot", "red", 2)
        one = self.unit(1)
        self.campaign.image("hai", "blue", 1)
        two = self.unit(2)
        player = self.player()
        player.content(one)
        player.wait_item("mot")
        player.content(two)
        player.wait_item("hai")
        plays = self.close_plays(player)
        # A busy machine may hear of it when the item has begun once more.
        first = next(i for i, play in enumerate(plays) if play["item"] == "hai")
        self.assertEqual({(p["item"], p["why_ended"], p["complete"]) for p in plays[:first]}, {("mot", "schedule", True)})
        self.assertEqual({p["item"] for p in plays[first:]}, {"hai"})
        self.assertIn(plays[first]["why_ended"], ("schedule", "stopped"))

    def test_now_replaces_at_once_and_same_items_go_on(self):
        self.campaign.image("mot", "red", 60)
        items = self.campaign.take_items()
        one = self.unit(1, items=items)
        again = self.unit(2, items=items, title="Tên khác", activate="now")
        self.campaign.image("hai", "blue", 60)
        two = self.unit(3, activate="now")
        player = self.player()
        player.content(one)
        player.wait_item("mot")
        player.content(again)
        player.wait_status(lambda s: [p["version"] for p in s["publications"]] == [2])
        player.content(two)
        player.wait_item("hai")
        plays = self.close_plays(player)
        self.assertEqual([(p["item"], p["why_ended"]) for p in plays], [("mot", "removed"), ("hai", "stopped")])

    def test_refused_content_changes_nothing(self):
        self.campaign.image("mot", "red", 60)
        one = self.unit(1)
        bad = self.campaign.path("bad.json")
        with open(bad, "w") as file:
            file.write('{"format": 99}')
        player = self.player()
        player.content(one)
        player.wait_item("mot")
        player.content(one, ("p/chung", bad))
        player.say(news="ping", ping=7)
        player.wait_answer("pong", 7)
        player.order("identify", 1, value=1)
        player.wait_answer("done", 1)
        said = player.stop()
        self.assertIn("p/chung", said)
        self.assertEqual([p["why_ended"] for p in self.plays()], ["stopped"])

    def test_a_change_at_a_time_keeps_the_old_until_then(self):
        self.campaign.image("mot", "red", 60)
        one = self.unit(1)
        self.campaign.image("hai", "blue", 60)
        at = time.time() + 2.5
        two = self.unit(2, activate=time_text(2.5))
        player = self.player()
        player.content(one)
        player.wait_item("mot")
        player.content(two)
        came = player.wait_item("hai")
        wall = time.time() - (time.monotonic_ns() - came["t_ns"]) / 1e9
        self.assertGreaterEqual(wall, at - 0.05)
        self.assertEqual([s["item"] for s in player.items()], ["mot", "hai"])
        player.stop()

    def test_a_restart_before_the_time_still_shows_the_old(self):
        self.campaign.image("mot", "red", 60)
        old = self.campaign.take_items()
        self.campaign.image("hai", "blue", 60)
        new = self.campaign.take_items()
        for version, patience in ((1, 4), (3, 40)):  # how much slower it may be next time
            player = self.player()
            player.content(self.unit(version, items=old))
            player.wait_item("mot")
            two = self.unit(version + 1, items=new, activate=time_text(2 + patience * player.age_s()))
            player.content(two)
            self.wait_for(lambda: os.path.exists(self.campaign.path("held.json")), player.process)
            player.close()
            os.remove(self.campaign.path("frames.jsonl"))
            player = self.player()
            player.content(two)
            player.wait_item("hai")
            if len(player.items()) > 1:
                break
            player.close()
            os.remove(self.campaign.path("frames.jsonl"))
        self.assertEqual([s["item"] for s in player.items()], ["mot", "hai"])
        self.wait_for(lambda: not os.path.exists(self.campaign.path("held.json")), player.process)
        player.stop()

    def test_a_clip_loses_no_frame_while_another_zone_changes_many_times(self):
        self.campaign.video("clip", 8)
        clip = self.campaign.take_items()
        zones = [{"name": "chinh", "width": WIDTH, "height": 120, "playlist": "p"},
                 {"name": "duoi", "y": 120, "width": WIDTH, "height": 60, "playlist": "q"}]
        player = self.player(self.start_display().name)
        for version in range(1, 16):
            text = f"so-{version}"
            player.content(("u/x/bang", self.campaign.write(
                f"u{version}.json", version=version, activate="now", zones=zones,
                playlists=[{"name": "p", "items": clip},
                           {"name": "q", "items": [{"id": text, "type": "text", "text": text, "seconds": 60}]}])))
            player.wait_item(text, "duoi")
        self.wait_for(lambda: max((s["last_ms"] for s in player.items()), default=0) >= 7960, player.process)
        shown = [entry["pts_ms"] for frame in player.frames() for entry in frame["zones"]
                 if entry["zone"] == "chinh" and entry["state"] == "new"]
        self.assertEqual(shown[:200], [i * 40 for i in range(200)])
        play = self.wait_for(lambda: next((p for p in self.plays() if p["item"] == "clip"), None), player.process)
        self.assertEqual((play["presented"], len(play.get("segments", [1]))), (200, 1))
        player.stop()

    def test_zones_change_at_their_own_items_and_the_canvas_may_change(self):
        zones = [{"name": "chinh", "width": WIDTH, "height": 120, "playlist": "p"},
                 {"name": "duoi", "y": 120, "width": WIDTH, "height": 60, "playlist": "q"}]
        def publication(version, first, second, **more):
            return "u/x/bang", self.campaign.write(
                f"u{version}.json", version=version, assets=None,
                playlists=[{"name": "p", "items": [{"id": first, "type": "text", "text": first, "seconds": 1.5}]},
                           {"name": "q", "items": [{"id": second, "type": "colour", "colour": "#00ff00", "seconds": 3}]}],
                **{"zones": zones, **more})
        player = self.player(self.start_display().name)
        player.content(publication(1, "a", "b"))
        player.wait_item("b", "duoi")
        player.content(publication(2, "c", "b"))
        player.wait_item("c")
        player.content(publication(3, "d", "e", canvas={"width": 160, "height": 90},
                                   zones=[{"name": "chinh", "width": 160, "height": 90, "playlist": "p"}]))
        player.wait_item("d")
        player.stop()
        self.assertEqual([s["item"] for s in player.items("duoi")], ["b"])
        times = [frame["t_ns"] for frame in player.frames()]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 5e9)


class EmergencyTest(DirectCase):
    def resume(self, layouts=None, ends=False, **warning):
        self.campaign.video("clip", 6)
        more = {"layouts": layouts, "zones": None} if layouts else {}
        one = self.unit(1, **more)
        player = self.player()
        player.content(one)
        player.wait_item("clip")
        until_s = 1 + 3 * player.age_s() if ends else 3600
        self.wait_for(lambda: player.items()[-1]["last_ms"] >= 1000)
        player.content(one, self.warning(until_s, **warning), urgent=True)
        return player, one

    def goes_on_at_its_place(self, player):
        """But for frames that a busy machine left out and counted. Gives the clip's play."""
        before, _, after = player.items()[:3]
        play = self.wait_for(lambda: next((p for p in self.plays() if p["item"] == "clip"), None), player.process)
        self.assertLessEqual(abs(after["first_ms"] - (before["last_ms"] + 40)), 40 * (1 + play["dropped"]))
        return play

    def test_a_full_screen_warning_and_the_clip_resumes_at_its_place(self):
        player, one = self.resume()
        player.wait_item("bao")
        time.sleep(0.3)
        player.content(one, urgent=True)
        self.wait_for(lambda: len(player.items()) >= 3 and player.items()[2]["last_ms"] > 3000)
        self.assertEqual([s["item"] for s in player.items()[:3:2]], ["clip", "clip"])
        play = self.goes_on_at_its_place(player)
        self.assertEqual(len(play["segments"]), 2)
        self.assertTrue(play["complete"], play)
        player.stop()

    def test_a_warning_ends_by_itself(self):
        player, _ = self.resume(ends=True)
        player.wait_item("bao")
        self.wait_for(lambda: len(player.items()) >= 3)
        self.goes_on_at_its_place(player)
        player.stop()

    def test_a_strip_stands_over_the_clip_which_plays_on(self):
        chinh = {"name": "chinh", "width": WIDTH, "height": HEIGHT}
        layouts = [{"name": "thuong", "zones": [{**chinh, "playlist": "p"}]},
                   {"name": "khan", "zones": [{**chinh, "playlist": "p"},
                                              {"name": "dai", "width": WIDTH, "height": 40, "order": 10}]}]
        player, one = self.resume(layouts, zone="dai", layout="khan")
        player.wait_item("bao", "dai")
        time.sleep(0.3)
        player.content(one, urgent=True)
        self.wait_for(lambda: player.items()[-1]["last_ms"] > 5500)
        self.assertEqual([s["item"] for s in player.items()], ["clip"])
        shown = [entry["pts_ms"] for frame in player.frames() for entry in frame["zones"]
                 if entry["zone"] == "chinh" and entry["state"] == "new"]
        self.assertEqual(shown, sorted(shown))
        player.stop()


    def stand(self, player, one, number=1, ident="e-1", **warning):
        """The content with a warning, and the question whether it is shown."""
        player.content(one, self.warning(**warning), urgent=True, id=ident)
        return player.order("emergency", number, id=ident, value=int((time.time() + 3600) * 1000))

    def still(self, **more):
        self.campaign.image("anh", "green", 60)
        one = self.unit(1, **more)
        player = self.player()
        player.content(one)
        player.wait_item("anh")
        return player, one

    def test_it_is_answered_by_a_present_that_shows_it_and_its_end_by_one_that_does_not(self):
        player, one = self.still()
        self.stand(player, one)
        answer = player.wait_answer("done", 1)
        self.assertEqual(answer["state"], "done")
        self.assertLess(player.wait_item("bao")["t_ns"], answer["t_ns"])
        player.wait_status(lambda s: s["emergency"] == ["e-1"])
        player.order("emergency_end", 2, id="e-1")
        player.say(news="ping", ping=1)
        player.wait_answer("pong", 1)
        self.assertFalse([a for a in player.answers() if a.get("done") == 2])  # it is on the screen
        player.content(one, urgent=True)
        answer = player.wait_answer("done", 2)
        self.assertEqual(answer["state"], "done")
        self.assertLess(player.items()[1]["last_ns"], answer["t_ns"])
        player.wait_status(lambda s: s["emergency"] == [])
        self.assertEqual([s["item"] for s in player.items()], ["anh", "bao", "anh"])
        player.stop()

    def test_a_screen_without_its_zone_says_so(self):
        player, one = self.still()
        self.stand(player, one, zone="dai", layout="khan")
        answer = player.wait_answer("done", 1)
        self.assertEqual((answer["state"], answer["detail"]),
                         ("failed", "không có vùng 'dai' / no zone 'dai'; không có bố cục 'khan' / no layout 'khan'"))
        status = player.wait_status(lambda s: s.get("troubles"))
        self.assertEqual([(t["code"], t["detail"]) for t in status["troubles"]], [("emergency-not-shown", answer["detail"])])
        self.assertEqual(status["emergency"], [])
        player.order("emergency_end", 2, id="e-1")
        player.content(one, urgent=True)
        self.assertEqual(player.wait_answer("done", 2)["state"], "done")
        player.wait_status(lambda s: not s.get("troubles"))
        player.stop()

    def test_one_whose_zone_is_in_no_layout_in_force_is_not_done(self):
        chinh = {"name": "chinh", "width": WIDTH, "height": HEIGHT, "playlist": "p"}
        layouts = [{"name": "thuong", "zones": [chinh]}, {"name": "khac", "zones": [chinh, {"name": "dai", "width": WIDTH, "height": 40}]}]
        player, one = self.still(layouts=layouts, zones=None)
        self.stand(player, one, zone="dai", layout="khan")
        answer = player.wait_answer("done", 1)
        self.assertEqual((answer["state"], answer["detail"]), ("failed", "không có bố cục 'khan' / no layout 'khan'"))
        player.stop()

    def test_one_that_cannot_be_read_or_stands_below_another_is_not_done(self):
        player, one = self.still()
        self.stand(player, one, format=99)
        self.assertEqual(player.wait_answer("done", 1)["state"], "failed")
        player.order("emergency", 2, id="e-low", value=int((time.time() + 3600) * 1000))
        player.order("emergency", 3, id="e-late", value=int((time.time() + 1) * 1000))
        self.stand(player, one, 4, "e-high", version=2)
        self.assertEqual(player.wait_answer("done", 4)["state"], "done")
        self.assertEqual(player.wait_answer("done", 3)["state"], "failed")
        self.assertFalse([a for a in player.answers() if a.get("done") == 2])
        player.content(one, self.warning(version=3), urgent=True, id="e-low")
        self.assertEqual(player.wait_answer("done", 2)["state"], "done")
        player.order("emergency", 5, id="e-none", value=int((time.time() + 3600) * 1000))
        player.order("emergency_end", 6, id="e-none")
        self.assertEqual(player.wait_answer("done", 5)["state"], "failed")
        self.assertEqual(player.wait_answer("done", 6)["state"], "done")
        player.stop()


class OrderTest(DirectCase):
    def test_a_takedown_leaves_the_screen_and_never_black(self):
        display = self.start_display()
        taken = self.campaign.image("xau", "white", 60)
        self.campaign.image("tot", "green", 60)
        one = self.unit(1)
        player = self.player(display.name)
        player.content(one)
        player.wait_item("xau")
        player.order("takedown", 5, id="t-1", assets=[taken["sha256"]])
        answer = player.wait_answer("done", 5)
        self.assertEqual(answer["state"], "done")
        self.assertLess(player.items()[0]["last_ns"], answer["t_ns"])
        player.wait_item("tot")
        middle = (HEIGHT // 2 * WIDTH + WIDTH // 2) * 3
        self.assertTrue(near(self.wait_pixels(display)[middle:middle + 3], (0, 128, 0)))
        plays = self.close_plays(player)
        self.assertEqual([(p["item"], p["why_ended"]) for p in plays], [("xau", "removed"), ("tot", "stopped")])

    def wait_pixels(self, display):
        return display.pixels()

    def test_what_was_taken_down_does_not_come_with_new_content(self):
        taken = self.campaign.image("xau", "white", 0.5)
        self.campaign.image("tot", "green", 0.5)
        player = self.player()
        player.content(self.unit(1), assets=[taken["sha256"]])
        player.wait_item("tot")
        self.wait_for(lambda: len(self.plays()) >= 3)
        player.stop()
        self.assertEqual({s["item"] for s in player.items()}, {"tot"})

    def test_taking_down_everything_leaves_the_safe_card(self):
        self.campaign.image("xau", "white", 60)
        player = self.player()
        player.content(self.unit(1))
        player.wait_item("xau")
        player.order("takedown", 6, id="t-2", items=[{"publication": "thu", "item": "xau"}])
        player.wait_answer("done", 6)
        player.order("screenshot", 7)
        player.wait_answer("screenshot", 7)
        raw = pixels("-i", self.campaign.path("screenshot-7.png"))
        self.assertTrue(near(raw[:3], GROUND), raw[:3])
        player.stop()

    def test_blank_and_unblank(self):
        self.campaign.image("anh", "white", 60)
        player = self.player()
        player.content(self.unit(1))
        player.wait_item("anh")
        player.order("blank", 1, value=0)
        player.wait_answer("done", 1)
        player.order("screenshot", 2)
        player.wait_answer("done", 2)
        self.assertEqual(set(pixels("-i", self.campaign.path("screenshot-2.png"))), {0})
        player.wait_status(lambda s: s["blank"] and s["on"] == [])
        player.order("unblank", 3)
        player.wait_answer("done", 3)
        player.order("screenshot", 4)
        player.wait_answer("done", 4)
        self.assertGreater(min(pixels("-i", self.campaign.path("screenshot-4.png"))), 250)
        plays = self.close_plays(player)
        self.assertEqual([(p["item"], p["why_ended"]) for p in plays], [("anh", "removed"), ("anh", "stopped")])

    def test_light_is_dimmed_and_sound_is_lowered_within_the_limits(self):
        make_still(self.campaign.path("x.png"), "white")
        self.campaign.file("anh", self.campaign.path("x.png"), "image/png", seconds=60)
        screen = self.campaign.path("screen.json")
        with open(screen, "w") as file:
            json.dump({"format": 1, "id": "man", "version": 1, "layer": "screen", "title": "Màn hình chợ", "unit": "Xã Thử",
                       "limits": {"volume_percent": 30, "brightness_percent": 80}}, file)
        player = self.player()
        player.content(("s/x/man", screen), self.unit(1))
        player.wait_item("anh")
        self.assertEqual(player.wait_status(lambda s: s["publications"])["brightness_percent"], 80)
        player.order("brightness", 1, value=90)
        self.assertEqual(player.wait_answer("done", 1)["state"], "refused")
        player.order("brightness", 2, value=50)
        self.assertEqual(player.wait_answer("done", 2)["state"], "done")
        player.order("screenshot", 3)
        player.wait_answer("screenshot", 3)
        self.assertTrue(near(pixels("-i", self.campaign.path("screenshot-3.png"))[:3], (128, 128, 128)))
        player.order("volume", 4, value=31)
        self.assertEqual(player.wait_answer("done", 4)["state"], "refused")
        player.order("volume", 5, value=10)
        self.assertEqual(player.wait_answer("done", 5)["state"], "done")
        status = player.wait_status(lambda s: s["volume_percent"] == 10)
        self.assertEqual(status["sound"], {"state": "none"})
        player.order("identify", 6, value=1)
        player.wait_answer("done", 6)
        player.order("restart", 7)
        player.wait_answer("done", 7)
        _, said = player.process.communicate(timeout=180)
        self.assertEqual(player.process.returncode, 0, said)

    def test_pings_are_answered_and_killed_players_come_back(self):
        self.campaign.image("anh", "red", 0.5)
        self.campaign.image("hai", "blue", 3600)
        one = self.unit(1)
        states = [lambda p: None,
                  lambda p: p.content(one, self.warning(), urgent=True),
                  lambda p: p.order("blank", 1, value=0)]
        for number, bring in enumerate(states):
            player = self.player()
            player.content(one)
            self.wait_for(lambda: sum(p["item"] == "anh" for p in self.plays()) == number + 1, player.process)
            bring(player)
            player.say(news="ping", ping=number)
            player.wait_answer("pong", number)
            player.close()
        player = self.player()
        player.content(one)
        self.wait_for(lambda: sum(p["item"] == "anh" for p in self.plays()) == 4, player.process)
        player.stop()
        ended = [p["why_ended"] for p in self.plays() if p["item"] == "hai"]
        self.assertEqual(len(ended), 4)
        self.assertLessEqual(set(ended), {"power lost", "removed", "stopped"})


class ModeTest(DirectCase):
    """A full screen whose display is not what the screen's publication says."""
    GOT = (1280, 720)

    def screen(self, version, width, height, output):
        path = self.campaign.path(f"mau-{width}.png")
        if not os.path.exists(path):
            player_harness.ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={width}x{height}", "-frames:v", "1", path)
        self.campaign.file(f"mau-{width}", path, "image/png", seconds=3600)
        written = self.campaign.write(f"man-hinh-{version}.json", id="man-hinh", version=version, layer="screen", activate="now",
                                      canvas={"width": width, "height": height}, output=output,
                                      playlists=[{"name": "p", "items": self.campaign.take_items()}],
                                      zones=[{"name": "chinh", "playlist": "p"}])
        return ("s/man-hinh", written), path

    def rows(self, raw, width):
        return [raw[at:at + width * 3] for at in range(0, len(raw), width * 3)]

    def grab(self, display):
        raw = subprocess.run(["import", "-display", display.name, "-window", "root", "-depth", "8", "rgb:-"], check=True,
                             capture_output=True).stdout
        return self.rows(raw, self.GOT[0])

    def wait_mode(self, player, version, detail):
        """What the status says of the display while this version is on."""
        def told(status):
            said = [trouble["detail"] for trouble in status.get("troubles", []) if trouble["code"] == "wrong-mode"]
            return [p["version"] for p in status["publications"]] == [version] and said == ([detail] if detail else [])
        return player.wait_status(told)

    def test_a_mode_that_was_not_asked_for_is_said_and_the_picture_not_scaled(self):
        display = self.start_display(size="1280x720")
        player = self.player(display.name, place=None)
        asked, picture = self.screen(1, 1366, 768, {"mode": {"width": 1366, "height": 768}})
        player.content(asked)
        player.wait_item("mau-1366")
        status = self.wait_mode(player, 1, "asked 1366 × 768, got 1280 × 720")
        self.assertEqual((status["display"]["width"], status["display"]["height"]), self.GOT)
        whole = self.rows(player_harness.ffmpeg("-i", picture, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"), 1366)
        self.assertEqual(self.grab(display), [row[:1280 * 3] for row in whole[:720]], "not 1:1 from the left top corner")

        right, picture = self.screen(2, 1280, 720, {"mode": {"width": 1280, "height": 720}})
        player.content(right)
        player.wait_item("mau-1280")
        self.wait_mode(player, 2, None)

        window = {"name": "trai", "display": 1, "width": 1280, "height": 720,
                  "slices": [{"from": {"width": 1280, "height": 720}, "to": {"x": 0, "y": 0}, "rotation": 180}]}
        windows, _ = self.screen(3, 1280, 720, {"windows": [window, {**window, "name": "phai", "display": 2}]})
        player.content(windows)
        self.wait_mode(player, 3, "window 'phai': closed, or its display is missing")
        turned = self.rows(player_harness.ffmpeg("-i", picture, "-vf", "hflip,vflip", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
                           1280)
        self.wait_for(lambda: self.grab(display) == turned, player.process)
        said = player.stop()
        self.assertIn("The display has another mode: asked 1366 × 768, got 1280 × 720", said)
        self.assertIn("there is no display 2; the others go on without it", said)


class CardTest(DirectCase):
    def test_the_pairing_card_and_then_content(self):
        display = self.start_display()
        player = self.player(display.name)
        code = "K7WQ-2MXB"
        player.say(news="pairing", code=code, words=WORDS, url="https://bangtin.example.vn/ghep#" + code)
        raw = self.wait_for(lambda: (lambda p: p if any(near(p[i:i + 3], (255, 204, 0)) for i in range(0, len(p), 3)) else None)(
            display.pixels()), player.process)
        self.assertTrue(near(raw[:3], GROUND))
        player.say(news="paired")
        self.campaign.image("anh", "red", 60)
        player.content(self.unit(1), demo=True)
        player.wait_item("anh")
        corner = 3 * (WIDTH - 2)
        self.wait_for(lambda: near(display.pixels()[corner:corner + 3], (176, 0, 0), 40), player.process)
        player.stop()

    def test_a_code_that_is_none_is_not_shown(self):
        player = self.player()
        player.say(news="pairing", code="XIN CHAO", words=WORDS, url="")
        player.say(news="ping", ping=1)
        player.wait_answer("pong", 1)
        time.sleep(0.3)
        self.assertIn("not a pairing code", player.stop())

    def test_two_players_on_one_display(self):
        display = self.start_display()
        self.campaign.image("anh", "red", 60)
        one = self.unit(1)
        players = []
        for place in ("+0+0", "+320+0"):
            directory = os.path.join(self.directory, "p" + str(len(players)))
            os.makedirs(directory)
            os.symlink(os.path.join(self.directory, "assets"), os.path.join(directory, "assets"))
            players.append(Scripted(self, directory, display.name, place))
        for player in players:
            player.content(one)
        for player in players:
            player.wait_item("anh")
        for player in players:
            player.stop()


if __name__ == "__main__":
    player_harness.main()
