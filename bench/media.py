"""Media with frame-number marks, and campaigns made of them, for the measuring programs."""

import hashlib
import json
import os
import subprocess

ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
    "hevc": ["-c:v", "libx265", "-preset", "veryfast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"],
}


def run_quietly(command, **kwargs):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)


class Studio:
    """Makes clips and stills once and keeps them in a directory."""

    def __init__(self, directory, make_marks):
        self.directory = directory
        self.make_marks = make_marks
        os.makedirs(directory, exist_ok=True)

    def _pipe(self, marks, encode):
        maker = subprocess.Popen([self.make_marks, *map(str, marks)], stdout=subprocess.PIPE)
        run_quietly(["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", "-", *encode], stdin=maker.stdout)
        maker.stdout.close()
        maker.wait()

    def clip(self, number, width, height, fps, seconds, codec="h264", container="mp4", bitrate=None, noise=0,
             name=None):
        num, den = fps if isinstance(fps, tuple) else (fps, 1)
        frames = round(seconds * num / den)
        tag = f"{name or number}-{width}x{height}-{num}-{den}-{frames}-{codec}-{bitrate}-{noise}.{container}"
        path = os.path.join(self.directory, tag)
        if not os.path.exists(path):
            rate = ["-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate] if bitrate else ["-crf", "23"]
            aside = path + ".part." + container
            self._pipe([width, height, num, den, frames, number, noise],
                       ["-r", f"{num}/{den}", *ENCODERS[codec], *rate, "-g", str(2 * num // den), aside])
            os.rename(aside, path)
        return {"id": number, "path": path, "type": "video", "frames": frames, "ms": round(frames * 1000 * den / num),
                "frame_ms": 1000 * den / num, "width": width, "height": height}

    def still(self, number, width, height, extension, seconds):
        path = os.path.join(self.directory, f"{number}-{width}x{height}.{extension}")
        if not os.path.exists(path):
            self._pipe([width, height, 25, 1, 1, number], ["-frames:v", "1", path])
        return {"id": number, "path": path, "type": "image", "frames": 1, "ms": round(seconds * 1000),
                "frame_ms": seconds * 1000, "width": width, "height": height}


def campaign(directory, items, zones=None, canvas=(1920, 1080), extra_zones=()):
    """Writes a publication and its store; `zones` is a list of (x, y, w, h, items)."""
    assets, known = [], {}

    def asset(item):
        if item["path"] in known:
            return known[item["path"]]
        with open(item["path"], "rb") as file:
            content = file.read()
        sha = hashlib.sha256(content).hexdigest()
        folder = os.path.join(directory, "assets", sha[:2])
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, sha), "wb") as file:
            file.write(content)
        name = f"a{len(assets)}"
        kinds = {"mp4": "video/mp4", "mkv": "video/x-matroska", "ts": "video/mp2t", "png": "image/png",
                 "jpg": "image/jpeg", "webp": "image/webp"}
        entry = {"name": name, "sha256": sha, "size": len(content),
                 "type": kinds[item["path"].rsplit(".", 1)[1]]}
        if item["type"] == "video":
            entry["duration_ms"] = item["ms"]
        assets.append(entry)
        known[item["path"]] = name
        return name

    def playlist(name, list_items):
        result = []
        for i, item in enumerate(list_items):
            entry = {"id": f"{name}-{i}-{item['id']}", "type": item["type"], "asset": asset(item)}
            if item["type"] == "image":
                entry["seconds"] = item["ms"] / 1000
            result.append(entry)
        return {"name": name, "items": result}

    zones = zones or [(0, 0, canvas[0], canvas[1], items)]
    publication = {
        "format": 1, "id": "bench", "version": 1, "layer": "unit", "unit": "Đo", "title": "Đo",
        "canvas": {"width": canvas[0], "height": canvas[1], "time_zone": "Asia/Ho_Chi_Minh", "background": "#000000"},
        "assets": assets,
        "playlists": [playlist(f"p{i}", zone[4]) for i, zone in enumerate(zones)],
        "zones": [{"name": f"z{i}", "x": z[0], "y": z[1], "width": z[2], "height": z[3], "playlist": f"p{i}"}
                  for i, z in enumerate(zones)],
    }
    for zone, zone_playlist in extra_zones:
        publication["zones"].append(zone)
        publication["playlists"].append(zone_playlist)
    path = os.path.join(directory, "publication.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(publication, file, ensure_ascii=False, indent=1)
    return path
