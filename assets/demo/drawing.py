"""From the hand-written SVG to pictures: parts and style are put into each drawing, so that what is
rendered stands alone, and rsvg-convert makes a PNG of it."""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
FONT = "Noto Sans"


def _parts():
    text = "".join(re.search(r"<defs>.*</defs>", (HERE / name).read_text(encoding="utf-8"), re.S)[0]
                   for name in ("parts.svg", "scenery.svg"))
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return "<style>" + style + "</style>" + re.sub(r">\s+<", "><", text)


PARTS = _parts()


def page(body, width=1920, height=1080):
    """A whole SVG around drawing commands."""
    return ('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">{PARTS}{body}</svg>')


def drawing(name, ground=True):
    """A drawing of ours with its parts; without the ground it can lie over something that moves."""
    text = (HERE / f"{name}.svg").read_text(encoding="utf-8")
    if not ground:
        text = text.replace('"#card"', '"#trim"')
    return re.sub(r"(<svg[^>]*>)", lambda m: m[1] + PARTS, text, count=1)


def size_of(svg):
    found = re.search(r'<svg[^>]* width="(\d+)" height="(\d+)"', svg)
    return int(found[1]), int(found[2])


def render(svg, path):
    subprocess.run(["rsvg-convert", "--format=png", f"--output={path}"], input=svg.encode(),
                   check=True)


def check_font():
    """Another family would be drawn without a word, and wider than the cards have room for."""
    found = subprocess.run(["fc-match", "--format=%{family}", FONT], capture_output=True, text=True,
                           check=True).stdout
    if FONT not in found:
        raise SystemExit(f"Thiếu phông chữ {FONT} / the font is missing: fonts-noto-core")
