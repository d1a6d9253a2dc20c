"""Media with frame-number marks, and campaigns made of them, for the measuring programs."""

import hashlib
import json
import os
import subprocess

# Like what offices hand in: High profile, B-frames, closed groups of two seconds.
ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
    "hevc": ["-c:v", "libx265", "-preset", "veryfast", "-x265-params", "log-level=none",
             "-pix_fmt", "yuv420p"],
}
TYPES = {"mp4": "video/mp4", "mkv": "video/x-matroska", "ts": "video/mp2t", "png": "image/png",
         "jpg": "image/jpeg", "webp": "image/webp"}

TEXT_CARD = -2  # what the observer says of a picture without marks


class Studio:
    """Makes clips and stills once and keeps them in a directory."""

    def __init__(self, work, build):
        self.directory = os.path.join(work, "media")
        self.make_marks = os.path.join(build, "bench", "make-marks")
        os.makedirs(self.directory, exist_ok=True)

    def _make(self, path, marks, encode):
        if os.path.exists(path):
            return
        extension = path.rsplit(".", 1)[1]
        aside = f"{path}.part.{extension}"
        maker = subprocess.Popen(["nice", self.make_marks, *map(str, marks)], stdout=subprocess.PIPE)
        subprocess.run(["nice", "ffmpeg", "-nostdin", "-y", "-v", "error", "-i", "-", *encode, aside],
                       check=True, stdin=maker.stdout)
        maker.stdout.close()
        maker.wait()
        os.rename(aside, path)

    def clip(self, number, width, height, fps, seconds, codec="h264", container="mp4", bitrate="6M",
             noise=12):
        num, den = fps if isinstance(fps, tuple) else (fps, 1)
        frames = round(seconds * num / den)
        path = os.path.join(self.directory, f"{number}-{width}x{height}-{num}-{den}-{frames}-{codec}"
                                            f"-{bitrate}-{noise}.{container}")
        self._make(path, [width, height, num, den, frames, number, noise],
                   ["-r", f"{num}/{den}", *ENCODERS[codec], "-b:v", bitrate, "-maxrate", bitrate,
                    "-bufsize", bitrate, "-g", str(2 * num // den)])
        return {"id": number, "path": path, "type": "video", "frames": frames,
                "ms": frames * 1000 * den / num, "frame_ms": 1000 * den / num}

    def still(self, number, width, height, extension, seconds, noise=12):
        path = os.path.join(self.directory, f"{number}-{width}x{height}-{noise}.{extension}")
        self._make(path, [width, height, 25, 1, 1, number, noise], ["-frames:v", "1", "-q:v", "3"])
        return {"id": number, "path": path, "type": "image", "frames": 1, "ms": seconds * 1000,
                "frame_ms": seconds * 1000}


def text_card(seconds, text="Phường chuyển đổi số:\nhồ sơ trực tuyến cả ngày lẫn đêm"):
    return {"id": TEXT_CARD, "path": None, "type": "text", "frames": 1, "ms": seconds * 1000,
            "frame_ms": seconds * 1000, "text": text}


def crawl(name, x, y, width, height, speed=2):
    """A zone with a crawl, and its playlist."""
    text = " · ".join([
        "Bộ phận một cửa làm việc từ 7 giờ 30 đến 17 giờ, cả sáng thứ Bảy",
        "Nộp hồ sơ trực tuyến tại Cổng dịch vụ công quốc gia", "Gọi 115 khi cần cấp cứu",
        "Tiêm nhắc lại cho trẻ dưới 5 tuổi tại trạm y tế phường"]) + " · "
    style = {"size": height * 3 // 5, "colour": "#ffffff", "background": "#7a1020"}
    return ({"name": name, "x": x, "y": y, "width": width, "height": height, "order": 1, "playlist": name},
            {"name": name, "items": [{"id": name, "type": "crawl", "text": text, "speed": speed,
                                      "style": style}]})


def clock(name, x, y, width, height, pattern="%H:%M\n%A, %d/%m/%Y"):
    """A zone with a clock, and its playlist."""
    style = {"size": height // 3, "background": "#12345a"}
    return ({"name": name, "x": x, "y": y, "width": width, "height": height, "order": 2, "playlist": name},
            {"name": name, "items": [{"id": name, "type": "clock", "pattern": pattern, "style": style}]})


class Campaign:
    """A publication and its content store in a directory of their own."""

    def __init__(self, work, name, canvas=(1920, 1080)):
        self.directory = os.path.join(work, name)
        self.store = os.path.join(self.directory, "assets")
        self.canvas = canvas
        self.assets = {}
        self.zones = []
        self.playlists = []

    def _store(self, item):
        with open(item["path"], "rb") as file:
            content = file.read()
        sha = hashlib.sha256(content).hexdigest()
        folder = os.path.join(self.store, sha[:2])
        os.makedirs(folder, exist_ok=True)
        stored = os.path.join(folder, sha)
        if not os.path.exists(stored) or os.path.getsize(stored) != len(content):
            with open(stored, "wb") as file:
                file.write(content)
        entry = {"name": f"a{len(self.assets)}", "sha256": sha, "size": len(content),
                 "type": item.get("mime") or TYPES[item["path"].rsplit(".", 1)[1]]}
        if item["type"] == "video":
            entry["duration_ms"] = round(item.get("length_ms", item["ms"]))
        return entry

    def asset(self, item):
        """The name of what is stored once for all items that show this file."""
        if item["path"] not in self.assets:
            self.assets[item["path"]] = self._store(item)
        return self.assets[item["path"]]["name"]

    def _entry(self, zone, place, item):
        entry = {"id": f"{zone}-{place}", "type": item["type"]}
        if item["path"] is not None:
            entry["asset"] = self.asset(item)
        else:
            entry["text"] = item["text"]
            entry["style"] = {"size": 90, "background": "#2b5d34"}
        if item["type"] != "video":
            entry["seconds"] = item["ms"] / 1000
        return entry

    def add_zone(self, rectangle, items):
        name = f"z{len(self.zones)}"
        x, y, width, height = rectangle
        self.zones.append({"name": name, "x": x, "y": y, "width": width, "height": height,
                           "playlist": name})
        self.playlists.append({"name": name, "items": [self._entry(name, i, item)
                                                       for i, item in enumerate(items)]})

    def add(self, zone, playlist):
        self.zones.append(zone)
        self.playlists.append(playlist)

    def write(self):
        """The publication's path."""
        document = {
            "format": 1, "id": "bench", "version": 1, "unit": "Đo", "title": "Đo",
            "canvas": {"width": self.canvas[0], "height": self.canvas[1],
                       "time_zone": "Asia/Ho_Chi_Minh", "background": "#000000"},
            "zones": self.zones, "playlists": self.playlists}
        if self.assets:
            document["assets"] = list(self.assets.values())
        os.makedirs(self.store, exist_ok=True)
        path = os.path.join(self.directory, "publication.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
        return path


def full_screen(work, name, items):
    """A publication with one zone that fills the canvas."""
    campaign = Campaign(work, name)
    campaign.add_zone((0, 0, *campaign.canvas), items)
    return campaign.write()
