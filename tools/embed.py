#!/usr/bin/python3
"""Builds files into a program: writes C source with one struct bt_embedded for each.

Usage: tools/embed.py OUTPUT.c HEADER NAME=FILE...
"""

import sys

ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', ord("?"): "\\?", ord("\n"): "\\n"}
LINE_BYTES = 96


def literal(content):
    """The bytes as adjacent C string literals."""
    lines = []
    for start in range(0, len(content), LINE_BYTES):
        part = content[start:start + LINE_BYTES]
        text = "".join(ESCAPES.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\{b:03o}") for b in part)
        lines.append(f'    "{text}"')
    return "\n".join(lines) or '    ""'


def main():
    output, header, *entries = sys.argv[1:]
    parts = [f'// Made by tools/embed.py.\n#include "{header}"\n']
    for entry in entries:
        name, path = entry.split("=", 1)
        with open(path, "rb") as file:
            content = file.read()
        parts.append(f"static const char {name}_bytes[] =\n{literal(content)};\n"
                     f"const struct bt_embedded {name} = {{{name}_bytes, {len(content)}}};\n")
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(parts))


if __name__ == "__main__":
    main()
