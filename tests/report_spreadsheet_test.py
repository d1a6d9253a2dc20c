#!/usr/bin/env python3
"""Reports as LibreOffice opens them: letters with their marks, numbers that are numbers, sums that are equal. Slow: ./check --long."""

import csv
import os
import shutil
import subprocess
import sys

from server_harness import main
from server_reports_test import FormsTest, ReportsCase
from report_world import FIRST, LAST

if not os.environ.get("BT_LONG"):
    print("takes long; BT_LONG=1")
    sys.exit(77)
if not shutil.which("soffice"):
    print("LibreOffice is not installed")
    sys.exit(77)

# Separator ;, quotes ", UTF-8, from line 1; what looks like a number in Vietnamese (1066) is one.
READ_CSV = "CSV:59,34,76,1,,1066,false,true"
# As it is shown: no; every sheet into a file of its own.
WRITE_CSV = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,false,false,false,false,-1"
NAMES = ["Phường Kinh Bắc", "Xã Đông Cứu", "Xã Ốc Ẩn", "Thị trấn cũ", "Tuần lễ chuyển đổi số"]


class SpreadsheetTest(ReportsCase):
    engines = ["sqlite"]
    get, cells = FormsTest.get, FormsTest.cells

    def convert(self, name, target, *options):
        profile = os.path.join(self.directory, "office")
        done = subprocess.run(["soffice", f"-env:UserInstallation=file://{profile}", "--headless", *options, "--convert-to", target,
                               "--outdir", self.directory, os.path.join(self.directory, name)],
                              capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done)

    def write(self, name, body):
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(body)

    def make(self):
        self.prepare()
        return self.ask(by=["campaign", "unit"]), self.world.recount(["campaign", "unit"], "92", FIRST, LAST)

    def test_the_spreadsheet(self):
        item, wanted = self.make()
        self.write("bieu.xlsx", self.get(item["id"], "xlsx").body)
        self.convert("bieu.xlsx", WRITE_CSV)
        with open(os.path.join(self.directory, "bieu-Lượt phát.csv"), encoding="utf-8") as file:
            lines = list(csv.reader(file, delimiter=";"))
        text = "\n".join(";".join(line) for line in lines)
        for name in NAMES + ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "NGƯỜI LẬP BIỂU", "chưa báo về"]:
            self.assertIn(name, text)
        heading = [line[0] for line in lines].index("STT")
        complete, partial = (lines[heading + 1].index(title) for title in ("Trọn vẹn", "Dở dang"))
        table = lines[heading + 2:heading + 2 + len(wanted)]
        total = lines[heading + 2 + len(wanted)]
        self.assertEqual(total[0], "TỔNG CỘNG")
        for column, measure in ((complete, 0), (partial, 1)):
            self.assertEqual(sum(int(line[column]) for line in table), sum(row[measure] for row in wanted.values()))
            self.assertEqual(int(total[column]), sum(row[measure] for row in wanted.values()))
        self.assertTrue(os.path.exists(os.path.join(self.directory, "bieu-Độ đầy đủ.csv")))

    def test_the_csv(self):
        item, wanted = self.make()
        self.write("bang.csv", self.get(item["id"], "csv").body)
        self.convert("bang.csv", "xlsx", f"--infilter={READ_CSV}")
        with open(os.path.join(self.directory, "bang.xlsx"), "rb") as file:
            sheet = next(self.cells(file.read(), sheets=1))
        titles = {value: column for (row, column), value in sheet.items() if row == 1}
        self.assertLessEqual({"Phường Kinh Bắc", "Xã Ốc Ẩn", "Thị trấn cũ", "Tuần lễ chuyển đổi số", "Tổng cộng"}, set(sheet.values()))
        for title, measure, scale in (("Trọn vẹn", 0, 1), ("Thời lượng phát (giây)", 4, 1000)):
            numbers = [sheet[row, titles[title]] for row in range(2, 2 + len(wanted))]
            self.assertTrue(all(isinstance(number, float) for number in numbers), numbers)
            self.assertAlmostEqual(sum(numbers), sum(row[measure] for row in wanted.values()) / scale, 3)
            self.assertAlmostEqual(sheet[2 + len(wanted), titles[title]], sum(numbers), 3)


if __name__ == "__main__":
    del FormsTest, ReportsCase
    main()
