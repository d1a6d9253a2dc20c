#!/usr/bin/python3
"""Reads what meson says about tests.

tools/test-report.py LOG COUNTS      prints the output of failed tests from a testlog.json and
                                     writes "passed failed skipped" to COUNTS
tools/test-report.py --names DIR WORD...   names of the tests whose name or suite has a WORD in it
"""

import json
import subprocess
import sys

MAX_LINES = 60
PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def tail(text):
    lines = (text or "").rstrip().split("\n")
    cut = len(lines) - MAX_LINES
    return ([f"… {cut} lines before this …"] if cut > 0 else []) + lines[-MAX_LINES:]


def print_failure(test):
    print(f"    {test['result']}: {test['name']}  ({' '.join(test['command'])})")
    for stream in ("stdout", "stderr"):
        if test.get(stream):
            print("\n".join("      " + line for line in tail(test[stream])))


def report(log_path, counts_path):
    passed = failed = skipped = 0
    try:
        with open(log_path, encoding="utf-8", errors="replace") as log:
            tests = [json.loads(line) for line in log]
    except FileNotFoundError:
        tests = []
    for test in tests:
        if test["result"] in PASSED:
            passed += 1
        elif test["result"] in SKIPPED:
            skipped += 1
            print(f"    skipped: {test['name']}")
        else:
            failed += 1
            print_failure(test)
    if not tests:
        failed += 1  # meson itself stopped; its output follows
    with open(counts_path, "w", encoding="utf-8") as counts:
        counts.write(f"{passed} {failed} {skipped}\n")
    return 0 if tests else 1


def names(build, words):
    output = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True,
                            text=True, check=True).stdout
    for test in json.loads(output):
        places = [test["name"]] + [suite.split(":")[-1] for suite in test["suite"]]
        if any(word in place for word in words for place in places):
            print(test["name"])


if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1] == "--names":
        names(sys.argv[2], sys.argv[3:])
    elif len(sys.argv) == 3:
        sys.exit(report(*sys.argv[1:]))
    else:
        sys.exit(__doc__)
