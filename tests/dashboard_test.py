#!/usr/bin/python3
"""The dashboard and the alert rules speak of metrics that the server has, and of all of them."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server_harness import SOURCE, Client, ServerCase, load_tests, main  # noqa: E402, F401

DASHBOARD = os.path.join(SOURCE, "deploy", "grafana", "bangtin.json")
ALERTS = os.path.join(SOURCE, "deploy", "grafana", "alerts.yml")
RUNBOOK = os.path.join(SOURCE, "docs", "vi", "van-hanh-may-chu.md")
NAMES = re.compile(r"\b(?:bangtin|process)_[a-z_]+")
PROMTOOL = shutil.which("promtool")


class DashboardTest(ServerCase):
    engines = ["sqlite"]

    def served(self):
        text = Client(self.server).get("/metrics").body.decode()
        return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}

    def test_they_name_what_the_server_has(self):
        served = self.served()
        with open(DASHBOARD, encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        shown = set(NAMES.findall(" ".join(t["expr"] for panel in panels for t in panel["targets"])))
        with open(ALERTS, encoding="utf-8") as file:
            expressions = re.findall(r"^\s+expr: (.*)$", file.read(), re.M)
        alerted = set(NAMES.findall(" ".join(expressions)))
        self.assertGreater(len(expressions), 5)
        self.assertEqual((shown | alerted) - served, set())
        self.assertEqual(served - shown, set(), "these are on no panel")

    def test_the_runbook_says_what_to_do_about_each_alert(self):
        with open(ALERTS, encoding="utf-8") as file:
            alerts = set(re.findall(r"- alert: (\w+)", file.read()))
        with open(RUNBOOK, encoding="utf-8") as file:
            told = set(re.findall(r"^\| `(Bangtin\w+)`", file.read(), re.M))
        self.assertEqual(alerts, told)

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_prometheus_takes_the_rules(self):
        done = subprocess.run([PROMTOOL, "check", "rules", ALERTS], check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
