#!/usr/bin/env python3
"""Holds the demo campaign to its promises, without drawing it.

Every fact names its source; drawings are well-formed, in composed Unicode, and refer only to parts
that exist; the report clip's chapters are as long as they say; the publication refers to what is
made and satisfies the JSON Schema.
"""

import json
import os
import pathlib
import re
import sys
import unicodedata
import xml.etree.ElementTree

ROOT = pathlib.Path(os.environ.get("BT_SOURCE_ROOT", "."))
DEMO = ROOT / "assets" / "demo"
sys.dont_write_bytecode = True
sys.path.insert(0, str(DEMO))
import campaign  # noqa: E402
import drawing  # noqa: E402
import motion  # noqa: E402
import report  # noqa: E402

SHA = "0" * 64


def wrong_text(name, svg):
    """Flaws of one drawing with its parts put in."""
    try:
        xml.etree.ElementTree.fromstring(svg)
    except xml.etree.ElementTree.ParseError as error:
        yield f"{name}: {error}"
    if unicodedata.normalize("NFC", svg) != svg:
        yield f"{name}: text that is not composed Unicode (NFC)"
    for part in re.findall(r'xlink:href="#([^"]*)"', svg):
        if f'id="{part}"' not in svg:
            yield f"{name}: there is no part '{part}'"


def wrong_drawings():
    for path in sorted(DEMO.glob("**/*.svg")):
        name = str(path.relative_to(DEMO))[:-len(".svg")]
        if name in ("parts", "scenery"):
            continue
        svg = drawing.drawing(name)
        yield from wrong_text(name, svg)
        if name.split("/")[0] in ("cards", "facts", "panel") and "Nguồn: " not in svg:
            yield f"{name}: no source"
    for number, name in enumerate(campaign.CARDS, 1):
        if f">{number}/{len(campaign.CARDS)}<" not in drawing.drawing(f"cards/{name}"):
            yield f"{name}: not numbered {number}/{len(campaign.CARDS)}"


def wrong_clips():
    for frame in range(0, motion.FRAMES, 25):
        yield from wrong_text(f"frame {frame}", drawing.page(motion.body(frame)))
    for short in (False, True):
        chapters = report.SHORT if short else report.CHAPTERS
        for i, chapter in enumerate(chapters):
            svgs, _, seconds, title = report.pieces(i, chapter, len(chapters), short)
            if seconds != (report.SHORT_S if short else report.CHAPTER_S):
                yield f"chapter '{title}' has {seconds} s"
            for svg in svgs:
                yield from wrong_text(title, svg)


def wrong_publication():
    names = ["khung", "clip-nq57", "phong-su", *(f"the-{name}" for name in campaign.CARDS),
             *(f"ben-{name}" for name in campaign.PANELS)]
    assets = [{"name": name, "sha256": SHA, "size": 1, "type": "image/png"} for name in names]
    document = campaign.publication(assets, short=False)
    used = set(re.findall(r'"asset": "([^"]*)"', json.dumps(document)))
    for name in used ^ set(names):
        yield f"asset '{name}' is {'used but not made' if name in used else 'made but not used'}"
    try:
        import jsonschema
        validator = jsonschema.Draft202012Validator
    except (ImportError, AttributeError):
        return
    schema = json.loads((ROOT / "playlists" / "publication.schema.json").read_text("utf-8"))
    for error in validator(schema).iter_errors(document):
        yield f"publication: {error.json_path}: {error.message}"


def main():
    wrong = [*wrong_drawings(), *wrong_clips(), *wrong_publication()]
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
