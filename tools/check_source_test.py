#!/usr/bin/python3
"""check-source.py finds what it is for, and lets good code pass."""

import importlib.util
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent

GOOD_HEADER = """#ifndef BT_MEDIA_THING_H
#define BT_MEDIA_THING_H

#include "base/error.h"

int bt_thing_open(const char *path);

#endif
"""
BASH = "#!/bin/bash\nset -euo pipefail\n"
LONG_FUNCTION = "int bt_long(void)\n{\n" + "    bt_step();\n" * 60 + "    return 0;\n}\n"

# path, content, words of the finding (None: there is none)
CASES = [
    ("media/thing.h", GOOD_HEADER, None),
    ("media/thing.h", GOOD_HEADER.replace("BT_MEDIA_THING_H", "THING_H"), "guard"),
    ("media/thing.h", GOOD_HEADER.replace("bt_thing_open", "thing_open"), "begins with bt_"),
    ("base/thing.c", '#include "media/real.h"\n', "may not use it"),
    ("plays/thing.c", '#include "media/real.h"\n', "may not use it"),
    ("render/thing.c", '#include "media/real.h"\n', None),
    ("tests/thing.c", '#include "media/real.h"\n', None),
    ("render/thing.c", '#include "media/gone.h"\n', "there is no"),
    ("media/thing.c", "    strcpy(a, b);\n", "strcpy"),
    ("media/thing.c", "    // strcpy(a, b) would overflow\n", None),
    ("media/thing.c", '    puts("strcpy(a, b)");\n', None),
    ("media/thing.c", "    thing->system(a);\n", None),
    ("media/thing.c", "    strcpy(a, b);  // allow: the reason\n", None),
    ("media/thing.c", "    strcpy(a, b);  // allow:\n", "strcpy"),
    ("media/thing.c", "    int fd = open(path, O_RDONLY);\n", "O_CLOEXEC"),
    ("media/thing.c", "    take(open(path,\n              O_RDONLY | O_CLOEXEC));\n", None),
    ("media/thing.c", "static int counter;\n", "global"),
    ("media/thing.c", "static const int counter = 1;\n", None),
    ("media/thing.c", "static const struct {\n    int a;\n} table[] = {\n    {1},\n};\n", None),
    ("media/thing.c", "typedef struct bt_thing thing;\n", "typedef"),
    ("media/thing.c", "typedef void (*bt_wake_fn)(void *context);\n", None),
    ("media/thing.c", LONG_FUNCTION, "64 lines"),
    ("media/thing.c", "// line\n" * 901, "its own file"),
    ("media/thing.c", "\tint x(void);\n", "tab"),
    ("media/thing.c", "int x(void); \n", "space at the end"),
    ("media/thing.c", "int x(void);", "no line break"),
    ("tools/thing", BASH + "list | head -n 1\n", "here string"),
    ("tools/thing", BASH + "list | sort | grep -qx one\n", "here string"),
    ("tools/thing", BASH + "list | grep -i --quiet one || true\n", "here string"),
    ("tools/thing.sh", "# shellcheck shell=bash\nlist | head -n 1\n", "here string"),
    ("tools/thing", BASH + "# list | head\nlist | grep -v q | tail -n 1\none || head -n 1 <file\n", None),
    ("tools/thing", "#!/bin/sh\nlist | head -n 1\n", None),
    ("docs/thing.md", "TO" + "DO: write this\n", "finish it"),
    ("docs/thing.md", "<" * 7 + " HEAD\n", "merge"),
    ("docs/thing.md", "see /ro" + "ot/notes\n", "machine"),
    ("docs/thing.md", "see [it](../media/real.h#part) and [them](https://example.org/x)\n", None),
    ("docs/thing.md", "see [it](gone.md)\n", "link"),
    ("docs/thing.md", "see https://example.org/work/x\n", None),
]


def findings_for(path, content):
    spec = importlib.util.spec_from_file_location("check_source", HERE / "check-source.py")
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    with tempfile.TemporaryDirectory() as root:
        checker.ROOT = Path(root)
        for name, text in (("base/error.h", ""), ("media/real.h", ""), (path, content)):
            (checker.ROOT / name).parent.mkdir(exist_ok=True)
            (checker.ROOT / name).write_text(text)
        checker.check_file(path)
        if path.endswith((".c", ".h")):
            checker.check_tags([path])
    return checker.findings


class CheckSource(unittest.TestCase):
    def test_cases(self):
        for path, content, wanted in CASES:
            with self.subTest(path=path, content=content[:60]):
                found = findings_for(path, content)
                if wanted is None:
                    self.assertEqual(found, [])
                else:
                    self.assertEqual(len(found), 1, found)
                    self.assertIn(wanted, found[0])


if __name__ == "__main__":
    if shutil.which("ctags") is None:
        print("needs universal-ctags")
        sys.exit(77)
    unittest.main()
