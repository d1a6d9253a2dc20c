"""A province for tests of reports: two years of plays on screens that move between communes, communes that merge, and the
counts that a server would have of them. Everything is counted again here, from the plays alone.

    world = World(seed)
    world.sql()                       statements that put it into a database with all migrations
    world.recount(by, plays)          {keys: measures} from the plays themselves
"""

import calendar
import datetime
import hashlib
import json
import random
from collections import defaultdict

EPOCH = datetime.date(1970, 1, 1)
ZONE_MS = 7 * 3600 * 1000
DAY_MS = 86400000
MERGED = datetime.date(2026, 3, 1)
FIRST, LAST = datetime.date(2025, 1, 1), datetime.date(2026, 10, 31)
REASONS = ["schedule", "window", "preempted", "power lost", "removed", "display", "error", "stopped"]
EVIDENCES = ["present", "page-flip", "hpd:on"]
# code, parent, name, ended
UNITS = [("92", "vn", "Tỉnh Bắc Ninh", None), ("c1", "92", "Phường Kinh Bắc", None), ("c2", "92", "Xã Đông Cứu", None),
         ("c3", "92", "Xã Ốc Ẩn", MERGED), ("91", "vn", "Tỉnh Phú Thọ", None), ("d1", "91", "Xã Ẫ Ổ Ệ", None)]
PARENTS = {code: parent for code, parent, _, _ in UNITS}
HOUR_MS = 3600 * 1000
SUCCESSOR = {"c3": "c2", "cu": "c1"}  # "cu" is a former code alone


def day_number(date):
    return (date - EPOCH).days


def day_ms(date):
    return day_number(date) * DAY_MS - ZONE_MS


def quote(value):
    return str(value) if isinstance(value, int) else "NULL" if value is None else "'" + value.replace("'", "''") + "'"


PLAYER_COLUMNS = ("(id,screen,unit,public_key,state,model,version,paired_ms,paired_by,ended_ms,last_order,order_ms,channel,channel_ms,"
                  "seen_ms)")


def insert(table, rows, columns=""):
    for at in range(0, len(rows), 200):
        values = ",".join("(" + ",".join(quote(value) for value in row) + ")" for row in rows[at:at + 200])
        yield f"INSERT INTO {table}{columns} VALUES {values};\n"


class Play:
    """One showing, as it was."""

    def __init__(self, screen, unit, date, hour, subject, reason, evidence, complete, verified, cards, shown_ms):
        self.screen, self.unit, self.date, self.hour, self.subject = screen, unit, date, hour, subject
        self.reason, self.evidence, self.complete, self.verified = reason, evidence, complete, verified
        self.cards, self.shown_ms = cards, shown_ms


class World:
    def __init__(self, seed, plays=4000):
        self.random = random.Random(seed)
        self.subjects = [self.make_subject(i) for i in range(12)]
        self.homes = {f"s-{i}": ["c1", "c2", "c3", "d1"][i % 4] for i in range(8)}
        self.plays = [self.make_play() for _ in range(plays)]

    def make_subject(self, number):
        drawn = number % 4 == 3
        asset = "" if drawn else hashlib.sha256(b"%d" % (number % 5)).hexdigest()
        subject = {"publication": f"u.c{number % 3 + 1}.bang", "item": f"i{number}", "asset": asset,
                   "type": "text" if drawn else "image", "campaign": ["", "c-A", "c-B"][number % 3], "layer": "unit",
                   "priority": ["normal", "priority", "emergency"][number // 3 % 3]}
        subject["id"] = int.from_bytes(hashlib.sha256(repr(sorted(subject.items())).encode()).digest()[:8], "big") >> 2
        return subject

    def unit_of(self, screen, date):
        """Where the screen stood: s-4 moved to another province, c3 became part of c2, c1 had another code."""
        unit = self.homes[screen]
        if screen == "s-4" and date >= datetime.date(2026, 6, 1):
            return "d1"
        if unit == "c3" and date >= MERGED:
            return "c2"
        return "cu" if unit == "c1" and date < datetime.date(2025, 7, 1) else unit

    def make_play(self, first=FIRST, last=LAST):
        pick = self.random
        date = first + datetime.timedelta(days=pick.randrange((last - first).days + 1))
        screen = pick.choice(sorted(self.homes)[:7])  # s-7 shows nothing
        complete = pick.random() < 0.9
        return Play(screen, self.unit_of(screen, date), date, pick.randrange(5, 23), pick.choice(self.subjects), pick.choice(REASONS),
                    pick.choice(EVIDENCES), complete, complete and pick.random() < 0.3, pick.randrange(2), pick.randrange(1000, 60000))

    @staticmethod
    def keys(play):
        subject = play.subject
        return {"campaign": subject["campaign"], "item": subject["asset"] or f"{subject['publication']}/{subject['item']}",
                "unit": play.unit, "screen": play.screen, "day": play.date.isoformat(), "month": play.date.isoformat()[:7],
                "hour": f"{play.hour:02}", "priority": subject["priority"], "reason": play.reason, "evidence": play.evidence}

    @staticmethod
    def is_below(code, unit):
        code = code if code in PARENTS else SUCCESSOR[code]
        while code != unit:
            if code == "vn":
                return False
            code = PARENTS[code]
        return True

    def belongs(self, code, unit):
        return self.is_below(code, unit) or (code in SUCCESSOR and self.is_below(SUCCESSOR[code], unit))

    @staticmethod
    def place(code, unit, now, below):
        """What a code counts as in a unit's report: as it is now, or summed up right below the unit."""
        named = SUCCESSOR.get(code, code) if now else code
        for at in [named, SUCCESSOR.get(named)] if below else []:
            while at in PARENTS:
                if PARENTS[at] == unit:
                    return at
                at = PARENTS[at]
        return named

    def recount(self, by, unit, first, last, where=lambda play: True, named=lambda code: code, plays=None):
        """{keys: [complete, partial, verified, cards, shown_ms, screens]}"""
        sums, screens = defaultdict(lambda: [0] * 5), defaultdict(set)
        for play in self.plays if plays is None else plays:
            if first <= play.date <= last and self.belongs(play.unit, unit) and where(play):
                keys = self.keys(play)
                keys["unit"] = named(play.unit)
                key = tuple(keys[dimension] for dimension in by)
                for i, value in enumerate((int(play.complete), int(not play.complete), int(play.verified), play.cards, play.shown_ms)):
                    sums[key][i] += value
                screens[key].add(play.screen)
        return {key: [*measures, len(screens[key])] for key, measures in sums.items()}

    def people_sql(self):
        ended = {code: day_ms(date) if date else None for code, _, _, date in UNITS}
        paths = {"vn": "/vn/"}
        for code, parent, _, _ in UNITS:
            paths[code] = f"{paths[parent]}{code}/"
        yield from insert("unit", [(code, parent, "commune", name, paths[code], None, ended[code], 1) for code, parent, name, _ in UNITS])
        yield from insert("unit_alias", [("c2", "c3", "Xã Ốc Ẩn", None, None), ("c1", "cu", "Thị trấn cũ", None, None)])
        screens = [(name, self.unit_of(name, LAST), f"Màn hình {name}", "led", 64, 32, "", None, None, "", "", 0, 0, 100, 100, "", 1,
                    day_ms(FIRST), None) for name in sorted(self.homes)]
        yield from insert("screen", screens, "(id,unit,name,kind,width,height,place,latitude_e6,longitude_e6,duty_name,duty_phone,"
                          "open_min,close_min,volume_max_percent,brightness_max_percent,note,revision,created_ms,retired_ms)")
        yield from insert("player", [(f"d-{name}", name, self.unit_of(name, LAST), "00" + name, "active", "", "", 0, "", None, 0, 0,
                                      "obeys", 0, None) for name in sorted(self.homes)], PLAYER_COLUMNS)
        yield from insert("arrangement", [
            ("c-A", "campaign", "92", "Tuần lễ chuyển đổi số", '{"goal_plays": 100000}', "", 0, 1),
            ("c-B", "campaign", "92", "=Cài đặt định danh", "{}", "", 0, 1)])
        yield from self.subjects_sql()

    def subjects_sql(self):
        yield from insert("play_subject", [tuple(subject[key] for key in (
            "id", "publication", "item", "asset", "type", "campaign", "layer", "priority")) for subject in self.subjects])

    def counts_sql(self, plays):
        """What ingestion adds for these plays."""
        daily, hourly = defaultdict(lambda: [0] * 9), defaultdict(lambda: [0] * 5)
        for play in plays:
            measures = [int(play.complete), int(not play.complete), int(play.verified), play.cards, play.shown_ms]
            day = (day_number(play.date), play.screen, play.unit, play.subject["id"], play.reason, play.evidence)
            hour = (day_number(play.date), play.hour, play.screen, play.unit, play.subject["id"])
            for i, value in enumerate(measures):
                daily[day][i] += value
                hourly[hour][i] += value
        yield from self.add("play_daily", "day,screen,unit,subject,reason,evidence",
                            "complete,partial,verified,cards,shown_ms,presented,dropped,repaired,undated", daily)
        yield from self.add("play_hourly", "day,hour,screen,unit,subject", "complete,partial,verified,cards,shown_ms", hourly)

    @staticmethod
    def add(table, keys, measures, rows):
        update = ",".join(f"{name}={table}.{name}+excluded.{name}" for name in measures.split(","))
        for statement in insert(table, [(*key, *values) for key, values in rows.items()], f"({keys},{measures})"):
            yield statement.replace(";\n", f" ON CONFLICT({keys}) DO UPDATE SET {update};\n")

    def journals_sql(self):
        """s-0 is silent since 2026-10-10, s-7 was never heard of, s-1 has a copied journal and a loss."""
        known = day_ms(datetime.date(2027, 1, 1))
        rows = [(f"d-{name}", "j", name, self.unit_of(name, LAST), "forked" if name == "s-1" else "open", 100, "", "", "", 0, 0,
                 day_ms(datetime.date(2026, 10, 10)) if name == "s-0" else known) for name in sorted(self.homes) if name != "s-7"]
        yield from insert("play_journal", rows, "(player,journal,screen,unit,state,last_seq,last_hash,tally,boots,first_ms,"
                          "received_ms,known_ms)")
        lost = day_ms(datetime.date(2026, 10, 5))
        yield from insert("play_loss", [("d-s-1", "j", 7, "s-1", "c2", 12, "journal unwritable", lost, lost + 3600000, "synced")])

    # October 2026: [id, unit, what, why, from, until]
    TAKEN = [("t-1", "c2", '{"publication": "u.c1.bang", "item": "i0"}', "Sai số liệu", datetime.date(2026, 9, 28), datetime.date(2026, 10, 3)),
             ("t-2", "92", '{"publication": "u.c1.bang", "item": "i3"}', "", datetime.date(2026, 10, 20), None),
             ("t-3", "c1", '{"publication": "u.c1.bang", "item": "i6"}', "", datetime.date(2026, 8, 1), datetime.date(2026, 8, 2)),
             ("t-4", "91", '{"publication": "u.c1.bang", "item": "i6"}', "", datetime.date(2026, 10, 1), None)]
    # The screens they hold on in the report of 92.
    TAKEN_FROM = {"t-1": 4, "t-2": 5}
    WARNED_MS = day_ms(datetime.date(2026, 10, 12)) + 8 * HOUR_MS
    # screen, told, what, from, until
    TROUBLES = [("s-0", True, "im lặng từ 10/10", datetime.date(2026, 10, 10), None),
                ("s-1", True, "màn hình tối", datetime.date(2026, 9, 30), datetime.date(2026, 10, 1)),
                ("s-1", False, "nóng", datetime.date(2026, 10, 5), datetime.date(2026, 10, 6)),
                ("s-2", True, "nóng", datetime.date(2026, 9, 1), datetime.date(2026, 9, 2)),
                ("s-3", True, "im lặng", datetime.date(2026, 10, 10), None)]

    def activation(self, screens):
        signed = {"_type": "emergency", "format": 1, "id": "e-bao", "template": "u/c2/template-bao", "template_sha256": "0" * 64,
                  "scope": ["c2"], "screens": screens, "level": 3, "from_ms": 0, "until_ms": 1, "fields": {}}
        return json.dumps({"signed": signed, "signatures": []})

    def orders_sql(self):
        """A warning that was renewed for one screen alone after an hour and ended after three; takedowns; troubles."""
        yield from insert("takedown", [(taken, unit, "[]", f"[{item}]", reason, "", day_ms(given))
                                       for taken, unit, item, reason, given, _ in self.TAKEN])
        yield from insert("takedown_lift", [(taken, "u/c2/bang.json", 9, day_ms(lifted))
                                            for taken, _, _, _, _, lifted in self.TAKEN if lifted])
        begun = self.WARNED_MS
        yield from insert("emergency", [("e-bao", "c2", "u/c2/template-bao.json", 3, begun, begun + 9 * HOUR_MS, self.activation(["s-1"]),
                                         "", begun + HOUR_MS, begun + 3 * HOUR_MS, "")])
        yield from insert("emergency_before", [("e-bao", begun, begun + HOUR_MS, self.activation([]))])
        yield from insert("alert", [(f"a-{i}", "silent", screen, screen, self.unit_of(screen, LAST), "warning", text, "", day_ms(since),
                                     day_ms(since), day_ms(since) if told else None, day_ms(until) if until else None)
                                    for i, (screen, told, text, since, until) in enumerate(self.TROUBLES)],
                          "(id,kind,object,screen,unit,severity,vi,en,since_ms,seen_ms,raised_ms,until_ms)")

    def sql(self):
        return "".join([*self.people_sql(), *self.counts_sql(self.plays), *self.journals_sql(), *self.orders_sql()])


def month_ends(year, month):
    return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])
