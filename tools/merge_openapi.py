#!/usr/bin/python3
"""Puts the API's description together: server/api/openapi.json and the parts' own fragments.

A fragment is {"paths": {…}, "components": {"schemas": {…}, …}}. Two parts that describe the same
thing are a mistake, and so is a reference to something that is described nowhere.

Usage: tools/merge_openapi.py DIRECTORY OUTPUT.json [DEPFILE]
"""

import json
import sys
from pathlib import Path


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))}: twice in one object")
    return dict(pairs)


def read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_duplicates)
    except ValueError as error:
        sys.exit(f"{path}: {error}")


def add(whole, part, path, where):
    """Adds entries; one that is there already is said with its place."""
    for name, value in part.items():
        if name in whole:
            sys.exit(f"{path}: {where}/{name} is described elsewhere, too")
        whole[name] = value


def merge_fragment(document, fragment, path):
    for key in set(fragment) - {"paths", "components", "tags"}:
        sys.exit(f"{path}: '{key}' does not belong into a fragment")
    for url, methods in fragment.get("paths", {}).items():
        add(document["paths"].setdefault(url, {}), methods, path, url)
    for kind, entries in fragment.get("components", {}).items():
        add(document["components"].setdefault(kind, {}), entries, path, kind)
    document.setdefault("tags", []).extend(fragment.get("tags", []))


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolves(document, reference):
    value = document
    for part in reference.removeprefix("#/").split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return reference.startswith("#/")


def main():
    directory, output = Path(sys.argv[1]), Path(sys.argv[2])
    base = directory / "openapi.json"
    document = read(base)
    fragments = sorted(path for path in directory.glob("*.json") if path != base)
    for path in fragments:
        merge_fragment(document, read(path), path)
    for reference in sorted(set(references(document))):
        if not resolves(document, reference):
            sys.exit(f"{reference} is described nowhere")
    output.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n",
                      encoding="utf-8")
    if len(sys.argv) > 3:
        needs = [directory, base, *fragments]
        Path(sys.argv[3]).write_text(f"{output}: {' '.join(map(str, needs))}\n")


if __name__ == "__main__":
    main()
