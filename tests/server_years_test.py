#!/usr/bin/python3
"""Two years of plays of five screens, brought home as the world does it (twice, out of order, in pieces, late, with holes),
against reports: every slice equals a recount from the plays that were made, and every loss is said. Screens move, communes
merge, the server is killed in between."""

import datetime
import hashlib
import os
import random

from fleet_test import FleetCase, Player
from report_world import DAY_MS, EPOCH, FIRST, LAST, MERGED, REASONS, UNITS, World, day_ms
from server_harness import main
from server_plays_test import Journal
from server_reports_test import SLICES, ReportsCase

MOVED = datetime.date(2026, 6, 1)
PLAYS = 1200 if os.environ.get("BT_LONG") else 150  # of each span of a screen
PENDING = 0.3  # of them come home after the first reports
BATCH = 40
HALVES = [(datetime.date(2025, 1, 1), datetime.date(2025, 6, 30)), (datetime.date(2025, 7, 1), datetime.date(2025, 12, 31)),
          (datetime.date(2025, 12, 15), datetime.date(2026, 6, 14)), (FIRST, LAST)]


class Shown:
    """A play, as report_world.World counts it again."""

    def __init__(self, screen, unit, at_ms, subject, reason, complete, lit, shown_ms):
        self.screen, self.unit, self.at_ms, self.subject, self.reason = screen, unit, at_ms, subject, reason
        local = at_ms + 7 * 3600000
        self.date, self.hour = EPOCH + datetime.timedelta(days=local // DAY_MS), local % DAY_MS // 3600000
        self.evidence = "hpd:on" if lit else "present"
        self.complete, self.verified, self.cards, self.shown_ms = complete, complete and lit, 0, shown_ms

    def keys(self, run):
        subject = self.subject
        optional = {key: subject[key] for key in ("asset", "campaign") if subject[key]}
        lit = {"display": "on", "display_evidence": "hpd"} if self.evidence == "hpd:on" else {}
        return dict(item=subject["item"], type=subject["type"], zone="main", publication=subject["publication"], version=1,
                    layer="unit", priority=subject["priority"], run=run, why_started="schedule", why_ended=self.reason,
                    start_ms=self.at_ms, end_ms=self.at_ms + self.shown_ms, mono_ms=self.at_ms - day_ms(FIRST) + 1000, clock="synced",
                    planned_ms=self.shown_ms, shown_ms=self.shown_ms, presented=1, repeated=0, dropped=0, complete=self.complete,
                    evidence="present", **optional, **lit)


class Diary(Journal):
    """A journal of which it is known which records are plays."""

    def __init__(self, player, name):
        super().__init__(player, name)
        self.shown = [None]  # by sequence number
        self.losses = {}  # likewise
        self.base = 0  # pruned up to here
        self.now_ms = 0

    def add(self, kind, **keys):
        super().add(kind, **keys)
        if len(self.shown) < len(self.bodies) + 1:
            self.shown.append(None)

    def play_of(self, shown):
        self.shown.append(shown)
        self.now_ms = shown.at_ms + shown.shown_ms
        self.add("play", **shown.keys(len(self.bodies)))

    def lose(self, plays, from_ms, until_ms):
        self.losses[len(self.bodies) + 1] = plays
        self.add("loss", plays=plays, cause="journal unwritable", start_ms=from_ms, end_ms=until_ms, clock="synced")


class YearsTest(FleetCase, ReportsCase):
    def setUp(self):
        super().setUp()
        self.pick = random.Random(int(os.environ.get("BT_SEED", "7")))
        self.world = World(1, plays=0)
        self.counted, self.lost, self.holes = [], 0, 0
        for code, parent, name, _ in UNITS:
            self.add_unit(code, name, parent)
        path = "/v1/settings/keep_hours_months?unit=vn"  # all of the years, also by the hour
        etag = self.admin.get(path).etag
        self.assertEqual(self.admin.request("PUT", path, {"value": "240"}, If_Match=etag).status, 200)

    def spans(self):
        """The machines: which unit they stood in, from when until when."""
        return [[("c1", FIRST, LAST)], [("c2", FIRST, LAST)], [("c3", FIRST, MERGED - datetime.timedelta(days=1))],
                [("d1", FIRST, LAST)], [("c2", FIRST, MOVED - datetime.timedelta(days=1)), ("d1", MOVED, LAST)]]

    def machine(self, unit, key=None):
        """Stands in a unit from now on; the one that had this key before is moved."""
        screen = self.add_screen(unit=unit)
        player = Player(self)
        if key is not None:
            player.key, player.public_key = key.key, key.public_key
        player.begin()
        answer = self.claim(player, screen)
        self.assertEqual(answer.status, 201, answer)
        player.id, player.screen = answer.json["player"], screen
        player.open_session()
        return player

    def live(self, diary, player, unit, first, last):
        """A life in a diary: plays in order, and sometimes some that could not be written down."""
        begin, end = day_ms(first), day_ms(last) + DAY_MS - 60000
        for at in sorted(self.pick.sample(range(begin, end), PLAYS)):
            complete = self.pick.random() < 0.85
            diary.play_of(Shown(player.screen, unit, at, self.pick.choice(self.world.subjects),
                                "schedule" if complete else self.pick.choice(REASONS[1:]), complete, self.pick.random() < 0.4,
                                self.pick.randrange(1000, 30000)))
            if self.pick.random() < 0.01:
                diary.lose(self.pick.randrange(1, 9), at, at + 60000)

    def send(self, diary, first, count, cut=None):
        now = {"wall_ms": diary.now_ms, "mono_ms": 5000, "boot": "b-1", "clock": "synced"}
        body = diary.batch(first, count, base_seq=diary.base, now=now)
        return diary.player.client.post("/v1/player/plays", body[:cut], Content_Type="application/vnd.bangtin.plays")

    def bring_home(self, diary, last, start=1):
        """Up to that record, as a bad line does it: everything is counted once all the same."""
        at = start
        while at <= last:
            count = min(self.pick.randrange(1, BATCH), last - at + 1)
            chance = self.pick.random()
            if chance < 0.15:
                self.assertProblem(self.send(diary, at, count, cut=-self.pick.randrange(1, 20)), 400, "plays-malformed")
            if chance > 0.85 and at + count <= last:
                self.assertProblem(self.send(diary, at + count, 1), 409, "plays-gap")
            if diary.player.kills and at > last // 2:
                self.kill_and_start_again()
                diary.player.kills -= 1
                for player in self.players:
                    player.client = self.client(player.token)
            if 0.4 < chance < 0.5 and start < at < last - 12:  # the player had to prune before it could send
                hole = self.pick.randrange(1, 6)
                diary.base = at + hole - 1
                self.holes += 1
                at += hole
                count = min(count, last - at + 1)
            for _ in range(1 + (chance < 0.3)):
                answer = self.send(diary, at, count)
                self.assertEqual((answer.status, answer.json["last"]), (200, at + count - 1), answer)
            back = self.pick.randrange(0, 10)
            if back < at - diary.base - 1:
                self.assertEqual(self.send(diary, at - back, count + back).json["last"], at + count - 1)
            self.lost += sum(diary.losses.get(seq, 0) for seq in range(at, at + count))
            self.counted += [shown for shown in diary.shown[at:at + count] if shown]
            at += count
        return at

    def merge(self, gone, into):
        unit = self.admin.get(f"/v1/units/{gone}")
        body = {key: unit.json[key] for key in ("parent", "kind", "name")}
        answer = self.admin.request("PUT", f"/v1/units/{gone}", {**body, "until_ms": day_ms(MERGED)}, If_Match=unit.etag)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.admin.post(f"/v1/units/{into}/aliases", {"code": gone, "name": body["name"]}).status, 204)

    def assertYears(self):
        self.world.plays = self.counted
        for by in SLICES:
            with self.subTest(by=by):
                self.assertRecounted(self.report(by=by), self.world.recount(by, "92", FIRST, LAST))
        for unit in ("vn", "92", "91", "c1", "c2", "c3", "d1"):
            for first, last in HALVES:
                with self.subTest(unit=unit, first=first, last=last):
                    report = self.report(unit=unit, first=first, last=last, by=["unit", "campaign", "reason"])
                    self.assertRecounted(report, self.world.recount(["unit", "campaign", "reason"], unit, first, last))

    def test_whatever_came_home_however_is_counted_once(self):
        self.players, waiting = [], []
        for number, spans in enumerate(self.spans()):
            unit, first, last = spans[0]
            player = self.machine(unit)
            player.kills = 1
            self.players.append(player)
            diary = Diary(player, hashlib.sha256(b"%d" % number).hexdigest()[:32])
            diary.add("start", journal=diary.name, player="0.2", start_ms=day_ms(FIRST), mono_ms=1000, clock="synced", recovered=0)
            self.live(diary, player, unit, first, last)
            if len(spans) == 1:
                until = int(len(diary.bodies) * (1 - PENDING))
                waiting.append((diary, self.bring_home(diary, until)))
                continue
            # It goes home with all it has, moves, and goes on in the same journal.
            at = self.bring_home(diary, len(diary.bodies))
            unit, first, last = spans[1]
            moved = self.machine(unit, key=player)
            moved.kills = 0
            self.players[-1] = diary.player = moved
            self.live(diary, moved, unit, first, last)
            waiting.append((diary, self.bring_home(diary, len(diary.bodies) - 50, start=at)))
        self.merge("c3", "c2")
        self.assertYears()
        for diary, at in waiting:
            self.bring_home(diary, len(diary.bodies), start=at)
        self.assertYears()
        self.assertTrue(self.lost and self.holes and not any(player.kills for player in self.players), "nothing much happened")
        told = self.report(unit="vn")["completeness"]
        self.assertEqual((told["lost_plays"], told["lost_unknown"]), (self.lost, self.holes), told)


if __name__ == "__main__":
    main()
