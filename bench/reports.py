#!/usr/bin/env python3
"""Reports over a month of 300 screens with 50 million plays, on each engine: how long forms and slices take, and the server's memory.

    bench/reports.py [--build BUILD] [--rounds N] [--engines sqlite,postgresql]

The plays are there as ingestion leaves them: counts by the day for three months, by the hour for one. Everything goes through the
server's own door; a form is made, kept and fetched as XLSX, a slice is answered and not kept. Of several rounds the longest counts. Each line ends with
its floor and whether that holds; the exit status is 1 when one does not. Wants a release build and a quiet machine:

    chrt -r 1 bench/reports.py
"""

import argparse
import os
import statistics
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests"))

SCREENS, ITEMS, UNITS, HOURS = 300, 30, 38, range(5, 23)
FIRST = 20727  # 2026-10-01
PLAYS_A_DAY = 180  # of one item on one screen: 31 · 300 · 30 · 180 = 50,220,000 a month

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399) "
WORLD = [
    "INSERT INTO unit VALUES('92', 'vn', 'province', 'Tỉnh Bắc Ninh', '/vn/92/', NULL, NULL, 1)",
    f"INSERT INTO unit {NUMBERS} SELECT 'c' || i, '92', 'commune', 'Xã số ' || i, '/vn/92/c' || i || '/', NULL, NULL, 1 FROM n"
    f" WHERE i < {UNITS}",
    "INSERT INTO screen(id, unit, name, kind, width, height, place, duty_name, duty_phone, open_min, close_min, volume_max_percent,"
    f" brightness_max_percent, note, revision, created_ms) {NUMBERS} SELECT 's-' || i, 'c' || (i % {UNITS}), 'Màn hình ' || i, 'led', 64,"
    f" 32, '', '', '', 0, 0, 100, 100, '', 1, 0 FROM n WHERE i < {SCREENS}",
    f"INSERT INTO arrangement {NUMBERS} SELECT 'c-' || i, 'campaign', '92', 'Chiến dịch ' || i, '{{\"goal_plays\": 9000000}}', '', 0, 1"
    " FROM n WHERE i < 6",
    f"INSERT INTO play_subject {NUMBERS} SELECT i, 'p.chung', 'i' || i, substr('{'0' * 64}' || i, length('' || i) + 1), 'image',"
    f" 'c-' || (i % 6), 'unit', 'normal' FROM n WHERE i < {ITEMS}",
    f"INSERT INTO play_daily {NUMBERS} SELECT {FIRST} - 61 + d.i, 's-' || s.i, 'c' || (s.i % {UNITS}), t.i, 'schedule', 'present',"
    f" {PLAYS_A_DAY - 2}, 2, 20, 0, {PLAYS_A_DAY * 10000}, {PLAYS_A_DAY}, 0, 0, 0 FROM n d JOIN n s ON s.i < {SCREENS}"
    f" JOIN n t ON t.i < {ITEMS} WHERE d.i < 92",
    f"INSERT INTO play_hourly {NUMBERS} SELECT {FIRST} + d.i, h.i, 's-' || s.i, 'c' || (s.i % {UNITS}), t.i, 10, 0, 1, 0, 100000"
    f" FROM n d JOIN n h ON h.i >= {HOURS[0]} AND h.i <= {HOURS[-1]} JOIN n s ON s.i < {SCREENS} JOIN n t ON t.i < {ITEMS}"
    " WHERE d.i < 31",
]

FORMS = [["item"], ["unit"], ["screen", "day"], ["unit", "screen", "item"], ["day", "unit", "item"]]
SLICES = [([], {}), (["campaign"], {}), (["unit"], {}), (["day"], {}), (["screen"], {"campaign": "c-1"}), (["hour"], {"screen": "s-7"}),
          (["day"], {"screen": "s-7"}), (["hour"], {"to": "2026-10-01"})]
# Not a slice, but all there is: five million counts are read.
WHOLE = (["hour"], {})
FORM_S, SLICE_S, PEAK_MIB = 5, 1, 128


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(SOURCE, "build-rel"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines")
    return parser.parse_args()


OPTIONS = arguments()
os.environ["BT_BUILD_ROOT"] = os.path.abspath(OPTIONS.build)
if OPTIONS.engines:
    os.environ["BT_ENGINES"] = OPTIONS.engines
import server_harness  # pylint: disable=wrong-import-position
from server_reports_test import ReportsCase  # pylint: disable=wrong-import-position


class Bench(ReportsCase):
    def fill(self):
        self.admin = self.administrator()
        began = time.monotonic()
        self.sql(";\n".join(WORLD) + ";\n" + ("ANALYZE;\n" if self.database else ""))
        print(f"{self.engine}: filled in {time.monotonic() - began:.0f} s", flush=True)

    def peak_mib(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return [int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")][0]

    def backends(self):
        """PostgreSQL's processes for this database, which stay as long as the server's connections."""
        name = self.database.split("dbname=")[1].split()[0] if self.database else None
        for pid in filter(str.isdigit, os.listdir("/proc") if name else []):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if f" {name} [local]".encode() in file.read():
                        yield pid
            except OSError:
                pass

    def cpu_s(self):
        ticks = 0
        for pid in [self.server.process.pid, *self.backends()]:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def body(self, by, more):
        return {"unit": "92", "from": "2026-10-01", "to": "2026-10-31", "by": by, **more}

    failed = False

    def judge(self, value, floor):
        Bench.failed |= value > floor
        return f"floor {floor}: {'holds' if value <= floor else 'FALLS SHORT'}"

    def measure(self, what, floor_s, work):
        times, cpu = [], []
        for _ in range(OPTIONS.rounds):
            began, worked = time.monotonic(), self.cpu_s()
            said = work()
            times.append(time.monotonic() - began)
            cpu.append(self.cpu_s() - worked)
        print(f"{self.engine:11} {what:40} {statistics.median(times):6.2f} s (longest {max(times):5.2f}; processor"
              f" {statistics.median(cpu):5.2f})  {said}  peak {self.peak_mib():.0f} MiB  {self.judge(max(times), floor_s)}", flush=True)

    def form(self, by):
        made = self.admin.request("POST", "/v1/reports", self.body(by, {}), check=False)
        assert made.status == 201, made
        file = self.admin.request("GET", f"/v1/reports/{made.json['id']}?format=xlsx", check=False)
        assert file.status == 200 and made.json["complete"] == 31 * SCREENS * ITEMS * (PLAYS_A_DAY - 2), made
        return f"{made.json['rows']} rows, {len(file.body) // 1024} KiB"

    def slice(self, by, more):
        answer = self.admin.request("POST", "/v1/reports", self.body(by, {"keep": False, **more}), check=False)
        assert answer.status == 200, answer
        return f"{len(answer.json['rows'])} rows"

    def test_reports(self):
        self.fill()
        self.slice([], {})  # connections are made
        for by, more in SLICES:
            said = " ".join(f"{key}={value}" for key, value in more.items())
            self.measure(f"slice {','.join(by) or 'nothing'} {said}", SLICE_S, lambda by=by, more=more: self.slice(by, more))
        self.measure("the whole month by the hour", FORM_S, lambda: self.slice(*WHOLE))
        for by in FORMS:
            self.measure(f"form {','.join(by)} to XLSX", FORM_S, lambda by=by: self.form(by))
        print(f"{self.engine:11} {'the server at its peak':40} {self.peak_mib():6.0f} MiB  {self.judge(self.peak_mib(), PEAK_MIB)}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("BT_POSTGRES_OPTIONS", "-c shared_buffers=128MB -c autovacuum=on -c autovacuum_naptime=5s")
    print(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    for engine in server_harness.engines():
        case = type(f"Bench_{engine}", (Bench,), {"engine": engine})("test_reports")
        case.setUp()
        try:
            case.test_reports()
        finally:
            case.doCleanups()
    server_harness.PostgreSQL.stop()
    print(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())}; {'a floor falls short' if Bench.failed else 'all floors hold'}")
    sys.exit(Bench.failed)
