"""What the observer saw, told as spells: an item on the screen from its first picture to the next one's."""

from screen import BLACK, UNREADABLE

# A picture without marks counts as a text card when it stays; shorter, it was being drawn.
CARD_MIN_NS = 200_000_000

# Later than this is late.
MAX_GAP_MS = 4

KINDS = {"video": "clip", "image": "still", "text": "card"}


class Spell:
    def __init__(self, t_ns, clip, frame):
        self.t_ns = t_ns
        self.clip = clip
        self.first = self.last = frame
        self.frames = {frame}

    def see(self, frame):
        self.frames.add(frame)
        self.last = frame


def tell(seen, zone=0):
    """The spells of a zone in order, and the black between them: [(t_ns, length_ms)].

    Neighbours in the order are different items, so the same clip again is the same spell.
    """
    seen = [sighting for sighting in seen if sighting[1] == zone]
    spells, black = [], []
    dark_since = None
    for i, (t_ns, _, clip, frame, _) in enumerate(seen):
        until_ns = seen[i + 1][0] if i + 1 < len(seen) else t_ns
        if clip == BLACK:
            dark_since = dark_since or t_ns
            continue
        if clip == UNREADABLE and until_ns - t_ns < CARD_MIN_NS:
            continue
        if dark_since is not None:
            black += [(dark_since, (t_ns - dark_since) / 1e6)] if spells else []
            dark_since = None
        if not spells or spells[-1].clip != clip:
            spells.append(Spell(t_ns, clip, frame))
        else:
            spells[-1].see(frame)
    return spells, black


class Boundaries:
    """Every boundary between two spells, held against the order in which the items should come."""

    def __init__(self, seen, order, pauses=None):
        self.pauses = pauses or {}
        self.blind = 0  # boundaries that were late, but by no more than the observer was
        self.spells, self.black = tell(seen)
        self.gaps = {}  # "clip→still": [ms]
        self.late = []  # (monotonic ns of the first sight, kind, ms)
        self.first_missing = self.last_missing = self.frames_missing = self.skipped = 0
        place = None
        for before, after in zip(self.spells[:-1], self.spells[1:]):
            place = self._find(order, before, 0 if place is None else place)
            if place is None:
                self.skipped += 1
                continue
            following = (place + 1) % len(order)
            self._count_frames(order[place], before)
            if order[following]["id"] == after.clip:
                self._measure(order[place], order[following], before, after)
            place = following

    def _find(self, order, spell, place):
        """Where in the order the spell is, from `place` on; items passed over are counted."""
        for ahead in range(len(order)):
            if order[(place + ahead) % len(order)]["id"] == spell.clip:
                self.skipped += ahead
                return (place + ahead) % len(order)
        return None

    def _count_frames(self, item, spell):
        self.first_missing += spell.first != 0
        self.last_missing += spell.last != item["frames"] - 1
        self.frames_missing += item["frames"] - len(spell.frames)

    def _measure(self, item, following, before, after):
        # Had the item begun with its first picture, it would have begun so much earlier.
        start_ms = before.t_ns / 1e6 - before.first * item["frame_ms"]
        kind = f"{KINDS[item['type']]}→{KINDS[following['type']]}"
        gap = after.t_ns / 1e6 - start_ms - item["ms"]
        self.blind += MAX_GAP_MS < gap <= MAX_GAP_MS + self.pauses.get(after.t_ns, 0)
        self.gaps.setdefault(kind, []).append(gap)
        if gap > MAX_GAP_MS:
            self.late.append((after.t_ns, f"{kind} {item['id']}→{following['id']}", gap))

    def all_gaps(self):
        return [gap for gaps in self.gaps.values() for gap in gaps]


class Tally:
    """Frames of one clip, played round and round in a zone, between two instants."""

    def __init__(self, seen, clip, zone=0, from_ns=0, until_ns=1 << 63):
        shown = [(t, frame) for t, z, number, frame, _ in seen
                 if z == zone and number == clip["id"] and from_ns <= t <= until_ns]
        self.due = self.missed = self.in_a_row = self.held = 0
        for (t0, f0), (t1, f1) in zip(shown[:-1], shown[1:]):
            step = (f1 - f0) % clip["frames"]
            if step == 0:
                continue  # seen again after something unreadable
            self.due += step
            self.missed += step - 1
            self.in_a_row += step > 2
            self.held += (t1 - t0) / 1e6 > (step + 0.5) * clip["frame_ms"]
        # Whole rounds that were never seen would otherwise count as shown.
        if len(shown) > 1:
            expected = round((shown[-1][0] - shown[0][0]) / 1e6 / clip["frame_ms"])
            self.missed += max(0, expected - self.due - 2)
            self.due = max(self.due, expected)

    def presented_percent(self):
        return 100.0 * (self.due - self.missed) / self.due if self.due else 0.0

    def add(self, other):
        self.due += other.due
        self.missed += other.missed
        self.in_a_row += other.in_a_row
        self.held += other.held
