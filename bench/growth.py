"""Whether what a player takes grows with the boundaries it has shown."""

import json
import statistics

import report

GROWTH_LIMIT_MIB = 5


class BoundaryCount:
    """Reads the frame log as it grows."""

    def __init__(self, path):
        self.path, self.file, self.rest = path, None, ""
        self.items, self.count = {}, 0

    def update(self):
        if self.file is None:
            self.file = open(self.path)
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        for line in lines:
            for zone in json.loads(line)["zones"]:
                self.count += self.items.get(zone["zone"], zone["item"]) != zone["item"]
                self.items[zone["zone"]] = zone["item"]
        return self.count


def judge_growth(samples, count, wanted, minutes):
    """`samples`: (boundaries so far, MiB now, peak MiB, descriptors). The second tenth, when every item has been shown many
    times, against the last."""
    tenth = wanted / 10
    early = [sample for sample in samples if tenth <= sample[0] < 2 * tenth]
    late = [sample for sample in samples if sample[0] >= 9 * tenth]
    if not early or not late:
        print(f"  The player ended after {count} boundaries.")
        report.floor("boundaries", count, wanted, at_least=True)
        return
    print(f"{count} boundaries in {minutes:.1f} minutes")
    report.table(("boundaries", "median MiB", "most MiB", "peak MiB", "descriptors"), [
        (f"{part[0][0]}..{part[-1][0]}", f"{statistics.median(s[1] for s in part):.1f}",
         f"{max(s[1] for s in part):.1f}", f"{part[-1][2]:.1f}", f"{min(s[3] for s in part)}..{max(s[3] for s in part)}")
        for part in (early, late)])
    tenths = [[s[1] for s in samples if i * tenth <= s[0] < (i + 1) * tenth] for i in range(10)]
    print("  medians of the tenths, MiB: " + ", ".join(f"{statistics.median(part):.1f}" for part in tenths if part))
    report.floor("growth of the median", statistics.median(s[1] for s in late) -
                 statistics.median(s[1] for s in early), GROWTH_LIMIT_MIB, " MiB")
    report.floor("growth of the most", max(s[1] for s in late) - max(s[1] for s in early), GROWTH_LIMIT_MIB, " MiB")
    report.floor("descriptors more", max(s[3] for s in late) - max(s[3] for s in early), 0)
