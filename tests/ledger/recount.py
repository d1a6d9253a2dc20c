"""The ledger's other pair of eyes: what journals say, counted again from docs/plays.md alone, and what a server says.

Nothing here is shared with the programs that are tested."""

import collections
import json

COUNTS = ("complete", "partial", "verified", "cards", "shown_ms", "presented", "dropped")
SUBJECT = ("publication", "item", "asset", "type", "campaign", "layer", "priority")
UTC_PLUS_7_S = 7 * 3600


class Journal:
    """All records that a journal ever had, and up to which its player has pruned them."""

    def __init__(self):
        self.records, self.base = {}, 0

    @property
    def last(self):
        return max(self.records, default=0)


def read_journals(path):
    """Of one player, in the order in which it had them."""
    journals, journal = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if "kind" in record:
                journal.records[record["seq"]] = record
            else:
                journal = journals.setdefault(record["journal"], Journal())
                journal.base = record["base_seq"]
    return journals


def day_of(record):
    """Of what a trusted clock dated; None: which day it is depends on when it came."""
    return (record["start_ms"] // 1000 + UTC_PLUS_7_S) // 86400 if record["item"].endswith("-s") else None


class Set:
    """One showing of a set that is going on."""

    def __init__(self, record):
        self.first, self.told, self.failed = record, record, False
        self.complete, self.lit = set(), True

    def is_whole(self):
        return len(self.complete) == self.first["cards"]

    def add(self, record):
        if record["complete"]:
            self.complete.add(record["card"])
            self.lit = self.lit and is_lit(record)
        if self.is_whole() or not record["complete"] or not self.failed:
            self.failed, self.told = not record["complete"], record


def is_lit(record):
    return record["complete"] and record.get("display") == "on" and "display_evidence" in record


def evidence_of(record):
    if "display" in record and "display_evidence" in record:
        return f"{record['display_evidence']}:{record['display']}"
    return record["evidence"]


class Counts:
    def __init__(self):
        self.sums = collections.Counter()
        self.untrusted = 0  # showings that no trusted clock dated

    def add(self, screen, subject, told, day, **counts):
        key = (screen, *subject, told["why_ended"], evidence_of(told), day)
        for name, count in counts.items():
            if count:
                self.sums[key + (name,)] += count

    def subject(self, record, of_set=False):
        return tuple("" if of_set and key == "asset" else record.get(key, "") for key in SUBJECT)

    def single(self, screen, record):
        self.untrusted += record["clock"] != "synced"
        self.add(screen, self.subject(record), record, day_of(record), complete=record["complete"],
                 partial=not record["complete"], verified=is_lit(record), shown_ms=record["shown_ms"],
                 presented=record["presented"], dropped=record["dropped"])

    def card(self, screen, record):
        self.add(screen, self.subject(record), record, day_of(record), cards=record["complete"],
                 shown_ms=record["shown_ms"], presented=record["presented"], dropped=record["dropped"])

    def end_set(self, screen, showing):
        whole = showing.is_whole()
        self.untrusted += showing.first["clock"] != "synced"
        self.add(screen, self.subject(showing.first, of_set=True), showing.told, day_of(showing.first), complete=whole,
                 partial=not whole, verified=whole and showing.lit)

    def journal(self, screen, records, ended_in_order):
        """Records in their order. A journal that ended in order has no showing that goes on."""
        going_on = {}
        for record in records:
            if record["kind"] == "start":
                for showing in going_on.values():
                    self.end_set(screen, showing)
                going_on = {}
            elif record["kind"] == "play" and record["evidence"] != "simulated":
                if "cards" in record:
                    self.card(screen, record)
                    self.set_goes_on(screen, going_on, record)
                else:
                    self.single(screen, record)
        if ended_in_order:
            for showing in going_on.values():
                self.end_set(screen, showing)

    def set_goes_on(self, screen, going_on, record):
        place = (record["publication"], record["item"], record["zone"])
        showing = going_on.get(place)
        if showing and (showing.first["run"], showing.first["version"]) != (record["run"], record["version"]):
            self.end_set(screen, showing)
            showing = None
        showing = showing or Set(record)
        going_on[place] = showing
        showing.add(record)
        if showing.is_whole():
            self.end_set(screen, going_on.pop(place))


def server_counts(ask):
    """What the server has counted, under the same names."""
    counts = Counts()
    rows = ask(f"SELECT d.screen, {', '.join('s.' + key for key in SUBJECT)}, d.reason, d.evidence, d.day,"
               f" {', '.join('d.' + name for name in COUNTS)}, d.repaired + d.undated"
               " FROM play_daily d JOIN play_subject s ON s.id = d.subject")
    for row in rows:
        screen, subject, (reason, evidence, day) = row[0], row[1:8], row[8:11]
        key = (screen, *subject, reason, evidence, day if subject[1].endswith("-s") else None)
        for name, count in zip(COUNTS, row[11:18]):
            if count:
                counts.sums[key + (name,)] += count
        counts.untrusted += row[18]
    return counts


def ranges_of(ask):
    """{(player, journal): [(first, last)…]}: the records that the server says it has counted."""
    ranges = collections.defaultdict(list)
    for player, journal, first, last in ask("SELECT player, journal, first_seq, last_seq FROM play_batch"
                                            " ORDER BY player, journal, first_seq"):
        ranges[player, journal].append((first, last))
    return ranges


def missing(ranges, last):
    """[(first, last)…] of 1 … last that are in none of them. They must not overlap."""
    holes, expected = [], 1
    for first, end in ranges:
        if first < expected:
            raise AssertionError(f"record {first} is counted twice")
        if first > expected:
            holes.append((expected, first - 1))
        expected = end + 1
    if expected <= last:
        holes.append((expected, last))
    return holes
