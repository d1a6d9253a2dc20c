#!/usr/bin/env python3
"""Holds playlists/publication.schema.json against the documents the reader's own tests use.

Every example, also the one in docs/publication.md, is valid. Every case of publication_refused.json is invalid, except those marked
as beyond a schema; those are valid, so that the mark stays true. Each object is strict.
"""

import json
import os
import pathlib
import sys

try:
    import jsonschema
    Validator = jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("needs python3-jsonschema 4 or later")
    sys.exit(77)

ROOT = pathlib.Path(os.environ.get("BT_SOURCE_ROOT", "."))
PLAYLISTS = ROOT / "playlists"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def fill(template, value):
    """Puts a case into its template; see "about" in publication_refused.json."""
    if template == "@":
        return value
    if isinstance(template, dict):
        if isinstance(template.get("@"), dict):
            return {**template["@"], **value}
        return {key: fill(part, value) for key, part in template.items()}
    if isinstance(template, list):
        return [fill(part, value) for part in template]
    return template


def wrong_cases(validator):
    refused = load(PLAYLISTS / "publication_refused.json")
    for case in refused["cases"]:
        name = next(iter(case))
        document = fill(refused["templates"][name], case[name])
        if validator.is_valid(document) != ("schema" in case):
            yield f"{json.dumps(document, ensure_ascii=False)}\n  {case['message']}"


def wrong_examples(validator):
    for path in sorted((PLAYLISTS / "examples").glob("*.json")):
        for error in validator.iter_errors(load(path)):
            yield f"{path.name}: {error.json_path}: {error.message}"


def wrong_in_docs(validator):
    text = (ROOT / "docs" / "publication.md").read_text(encoding="utf-8")
    for block in text.split("```json\n")[1:]:
        for error in validator.iter_errors(json.loads(block.split("```")[0])):
            yield f"docs/publication.md: {error.json_path}: {error.message}"


def loose_keys(validator, document, place="$"):
    """Adds a key nobody knows to each object in turn; the schema must notice."""
    root = document

    def walk(value, place):
        if isinstance(value, dict):
            value["unheard-of"] = 1
            if validator.is_valid(root):
                yield place
            del value["unheard-of"]
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in list(parts):
            if isinstance(part, (dict, list)):
                yield from walk(part, f"{place}.{key}")

    yield from walk(root, place)


def main():
    schema = load(PLAYLISTS / "publication.schema.json")
    Validator.check_schema(schema)
    validator = Validator(schema)
    wrong = [*wrong_cases(validator), *wrong_examples(validator), *wrong_in_docs(validator)]
    for path in sorted((PLAYLISTS / "examples").glob("*.json")):
        wrong += [f"{path.name}: {p} takes any key" for p in loose_keys(validator, load(path))]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
