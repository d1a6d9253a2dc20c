#!/usr/bin/python3
"""Uploads and the library through the real server: tus, the sandboxed workshop, content by hash."""

import base64
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server_harness import BUILD, PROGRAM, ServerCase, load_tests, main  # noqa: E402, F401

DIE_AT = os.path.abspath(os.path.join(BUILD, "tests", "libdie_at.so"))

TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
INSPECT_S = 180


def picture(width=64, height=36, shade=200):
    """A grey PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes([shade]) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def long_picture(size, seed=61):
    """One of about so many bytes: an unknown part of a PNG makes it long."""
    content, long = picture(), b"viDu" + random.Random(seed).randbytes(size)
    return content[:33] + struct.pack(">I", len(long) - 4) + long + struct.pack(">I", zlib.crc32(long)) + content[33:]


def metadata(**values):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begin(client, size, unit="vn", title="Ảnh bìa"):
    return client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(size),
                                               "Upload-Metadata": metadata(unit=unit, title=title)})


def send(client, place, content, offset=0, upto=None):
    return client.request("PATCH", place, content[offset:upto], headers={**PART, "Upload-Offset": str(offset)})


def wait(client, place):
    """Until the workshop has looked at it."""
    end = time.monotonic() + INSPECT_S
    while time.monotonic() < end:
        state = client.get(place).json
        if state["state"] in ("ready", "refused"):
            return state
        time.sleep(0.02)
    raise AssertionError(f"still being looked at: {state}")


def upload(client, content, **more):
    place = begin(client, len(content), **more).headers["Location"]
    answer = send(client, place, content)
    assert answer.status == 204, answer
    return wait(client, place)


def until(fact):
    end = time.monotonic() + INSPECT_S
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.02)


class UploadTest(ServerCase):
    kept_in = "blobs"

    def quarantined(self, place):
        return os.path.exists(os.path.join(self.directory, "data", "quarantine", place.rsplit("/", 1)[1]))

    def test_a_picture_becomes_an_asset_with_a_thumbnail(self):
        admin = self.administrator()
        content = picture()
        state = upload(admin, content)
        self.assertEqual(state["state"], "ready")
        media = admin.get(f"/v1/media/{state['media']}")
        self.assertEqual(media.json["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual((media.json["width"], media.json["height"], media.json["kind"]), (64, 36, "picture"))
        self.assertEqual(media.json["title"], "Ảnh bìa")
        thumbnail = admin.get(f"/v1/media/{state['media']}/thumbnail")
        self.assertEqual(thumbnail.body[:3], b"\xff\xd8\xff")
        self.assertEqual(admin.get(f"/v1/media/{state['media']}/filmstrip").status, 404)

    def test_a_clip_has_a_filmstrip(self):
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "clip.mp4")
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=2", "-pix_fmt",
                            "yuv420p", path], check=True)
            with open(path, "rb") as file:
                content = file.read()
        admin = self.administrator()
        state = upload(admin, content, title="Phóng sự")
        media = admin.get(f"/v1/media/{state['media']}").json
        self.assertEqual((media["kind"], media["duration_ms"], media["type"]), ("clip", 2000, "video/mp4"))
        self.assertEqual(admin.get(f"/v1/media/{state['media']}/filmstrip").status, 200)

    def execute(self, sql):
        if self.engine == "postgresql":
            subprocess.run(["psql", "--quiet", self.database, "-c", sql], check=True)
            return
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
        with database:
            database.execute(sql)
        database.close()

    def test_unfinished_uploads_are_bounded(self):
        admin = self.administrator()
        places = [begin(admin, 1000).headers["Location"] for _ in range(50)]
        answer = begin(admin, 1000)
        self.assertProblem(answer, 429, "too-many-uploads")
        self.assertEqual(admin.request("DELETE", places[0], headers=TUS).status, 204)
        self.assertEqual(begin(admin, 1000).status, 201)
        self.assertEqual(begin(admin, 1000).status, 429)
        self.assertEqual(send(admin, places[1], b"x" * 10).status, 204)
        self.assertTrue(self.quarantined(places[1]))
        self.execute("UPDATE upload SET changed_ms = changed_ms - 8 * 86400000")
        self.assertEqual(send(admin, places[2], b"x" * 10).status, 204)
        self.assertEqual(begin(admin, 1000).status, 201)
        until(lambda: not self.quarantined(places[1]))
        self.assertEqual(admin.get(places[1]).status, 404)
        self.assertEqual(admin.get(places[2]).json["offset"], 10)

    def test_an_upload_goes_on_where_its_bytes_end(self):
        admin = self.administrator()
        content = picture(300, 200)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, 100).headers["Upload-Offset"], "100")
        self.assertEqual(admin.request("HEAD", place, headers=TUS).headers["Upload-Offset"], "100")
        self.assertProblem(send(admin, place, content, 50), 409, "upload-offset")
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self._server = None
        admin = self.client().login("quan-tri")
        offset = int(admin.request("HEAD", place, headers=TUS).headers["Upload-Offset"])
        self.assertEqual(offset, 100)
        self.assertEqual(send(admin, place, content, offset).status, 204)
        self.assertEqual(wait(admin, place)["state"], "ready")

    def test_an_upload_that_was_whole_when_the_server_died_is_looked_into(self):
        admin = self.administrator()
        content = picture(300, 200)
        place = begin(admin, len(content)).headers["Location"]
        self.assertEqual(send(admin, place, content, 0, len(content) - 1).status, 204)
        # As if the server that took the last byte was killed before it could note that.
        with open(os.path.join(self.directory, "data", "quarantine", place.rsplit("/", 1)[1]), "ab") as file:
            file.write(content[-1:])
        self.assertEqual(wait(admin, place)["state"], "ready")

    def test_the_same_content_twice_is_one_asset_under_two_names(self):
        admin = self.administrator()
        first, second = (upload(admin, picture(), title=title) for title in ("Một", "Hai"))
        self.assertNotEqual(first["media"], second["media"])
        both = admin.get("/v1/media").json["items"]
        self.assertEqual({item["title"] for item in both}, {"Một", "Hai"})
        self.assertEqual(len({item["sha256"] for item in both}), 1)

    def test_what_will_not_play_is_refused_with_advice(self):
        admin = self.administrator()
        for content in (b"not a picture", picture()[:-30], b"#EXTM3U\nhttp://127.0.0.1/\n", b"\0" * 5000):
            state = upload(admin, content)
            self.assertEqual(state["state"], "refused")
            self.assertTrue(state["report"]["verdict"].startswith("refused:"), state)
            self.assertTrue(state["report"]["advice_vi"])
        self.assertEqual(admin.get("/v1/media").json["items"], [])

    def made(self, name, *options):
        """A picture or clip that ffmpeg makes."""
        path = os.path.join(tempfile.mkdtemp(dir=self.directory), name)
        subprocess.run(["ffmpeg", "-v", "error", *options, path], check=True, stdin=subprocess.DEVNULL)
        with open(path, "rb") as file:
            return file.read()

    def odd_pictures(self):
        still = ["-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1"]
        yield "svg", (b"<svg xmlns='http://www.w3.org/2000/svg' width='32' height='18'>"
                      b"<rect width='32' height='18' fill='#da251d'/></svg>"), (3840, 2160)
        yield "bmp", self.made("anh.bmp", *still), (320, 180)
        yield "tiff", self.made("anh.tiff", *still), (320, 180)
        phone = os.path.join(os.environ.get("BT_MEDIA", ""), "image", "androidx_heif_sample_MP.heic")
        if os.path.exists(phone):
            with open(phone, "rb") as file:
                yield "heif", file.read(), None

    def test_pictures_that_browsers_show_otherwise_become_png(self):
        admin = self.administrator()
        for kind, content, size in self.odd_pictures():
            with self.subTest(kind):
                state = upload(admin, content, title="Ảnh " + kind)
                self.assertEqual((state["state"], state["report"]["verdict"]), ("ready", "plays-with-notice:converted"), state)
                media = admin.get(f"/v1/media/{state['media']}").json
                self.assertEqual((media["type"], media["title"]), ("image/png", "Ảnh " + kind))
                if size:
                    self.assertEqual((media["width"], media["height"]), size)
                report = media["report"]
                self.assertEqual((report["made_from"], report["original_sha256"], report["original_size"]),
                                 (kind.upper(), hashlib.sha256(content).hexdigest(), len(content)))
                blob = admin.get(f"/blobs/{media['sha256']}").body
                self.assertEqual(hashlib.sha256(blob).hexdigest(), media["sha256"])
                self.assertEqual(blob[:8], b"\x89PNG\r\n\x1a\n")
                self.assertEqual(admin.get(f"/v1/media/{state['media']}/thumbnail").status, 200)
                self.assertEqual(admin.get(f"/blobs/{report['original_sha256']}").status, 404)
        self.wait_for_an_empty_quarantine()

    def test_a_workshop_in_wrong_hands_cannot_pass_something_else_for_a_png(self):
        """What a hostile picture makes of the program that reads it; the file is to blame, and those behind it go on."""
        script = ("#!/usr/bin/sh\n"
                  "head -c 4 \"$2\" | grep -q '<svg' && made=',\"made_from\":\"SVG\"' && cat \"$2\" >\"$3/converted.png\"\n"
                  "echo '{\"verdict\":\"plays\",\"advice_vi\":\"\",\"advice_en\":\"\",\"kind\":\"picture\"'$made'}' >\"$3/report.json\"\n")
        server, workshop = (os.path.join(self.directory, "bin", name) for name in ("server/bangtin-server", "workshop/bangtin-media"))
        for path in (server, workshop):
            os.makedirs(os.path.dirname(path))
        shutil.copy(PROGRAM, server)
        with open(workshop, "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(workshop, 0o755)
        self._server = self.start(program=server)
        admin = self.administrator()
        state = upload(admin, b"<svg xmlns='http://www.w3.org/2000/svg' width='32' height='18'/>")
        self.assertEqual((state["state"], state["report"]["verdict"]), ("refused", "refused:unreadable"), state)
        self.assertIn("no PNG", state["report"]["detail"])
        self.assertEqual(upload(admin, picture())["state"], "ready")

    def test_a_clip_of_which_browsers_may_show_another_track_is_refused(self):
        clip = self.made("hai.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=0.4", "-f", "lavfi", "-i",
                         "color=red:size=128x72:rate=25:duration=0.4", "-map", "0", "-map", "1", "-pix_fmt", "yuv420p")
        state = upload(self.administrator(), clip)
        self.assertEqual((state["state"], state["report"]["verdict"]), ("refused", "refused:many-pictures"))
        self.assertIn("một luồng hình", state["report"]["advice_vi"])

    def test_a_server_killed_while_it_looks_at_a_file_takes_it_up_again(self):
        admin = self.administrator()
        content = picture(2000, 1500)
        place = begin(admin, len(content)).headers["Location"]
        send(admin, place, content)
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self._server = None
        self.assertEqual(wait(self.client().login("quan-tri"), place)["state"], "ready")

    def upload_and_die(self, content, **moment):
        """A server that is killed at this moment of looking at the upload; what the next one makes of it."""
        self.administrator()
        self.server.stop()
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self._server = self.start(environment=dict(moment, LD_PRELOAD=DIE_AT, ASAN_OPTIONS=options))
        client = self.client().login("quan-tri")
        place = begin(client, len(content)).headers["Location"]
        send(client, place, content)
        self.assertEqual(self.server.process.wait(INSPECT_S), -signal.SIGKILL)
        self._server = self.start()
        return wait(self.client().login("quan-tri"), place)

    def go_on_where_it_ended(self, place, content):
        """After a server died within one long request, at any server: its offset, before the rest was sent."""
        client = self.client().login("quan-tri")
        offset = client.get(place).json["offset"]
        self.assertEqual(send(client, place, content, offset).status, 204)
        state = wait(client, place)
        self.assertEqual(state["state"], "ready", state)
        self.assertEqual(client.get(f"/v1/media/{state['media']}").json["sha256"], hashlib.sha256(content).hexdigest())
        return offset

    def test_a_long_request_is_brought_to_the_disk_while_it_comes(self):
        content = long_picture(20 * 1024**2)
        self.administrator()
        self.server.stop()
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self._server = self.start(environment=dict(BT_DIE_AFTER_SYNC_IN="quarantine", LD_PRELOAD=DIE_AT, ASAN_OPTIONS=options))
        client = self.client().login("quan-tri")
        place = begin(client, len(content)).headers["Location"]
        with self.assertRaises(OSError):
            send(client, place, content)
        self.assertEqual(self.server.process.wait(INSPECT_S), -signal.SIGKILL)
        self._server = self.start()
        self.assertLess(self.go_on_where_it_ended(place, content), 9 * 1024**2)

    def wait_for_an_empty_quarantine(self):
        path, end = os.path.join(self.server.directory, "quarantine"), time.monotonic() + INSPECT_S
        while os.listdir(path) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(os.listdir(path), [])

    def test_a_server_killed_between_content_and_its_row_takes_it_up_again(self):
        content = picture(shade=31)
        state = self.upload_and_die(content, BT_DIE_AFTER_LINK_TO=self.kept_in)
        self.assertEqual(state["state"], "ready", state)
        media = self.client().login("quan-tri").get(f"/v1/media/{state['media']}")
        self.assertEqual(media.json["sha256"], hashlib.sha256(content).hexdigest())
        self.wait_for_an_empty_quarantine()

    def test_a_server_killed_after_the_row_leaves_no_file_behind(self):
        state = self.upload_and_die(picture(shade=32), BT_DIE_BEFORE_UNLINK_IN="quarantine")
        self.assertEqual(state["state"], "ready", state)
        self.wait_for_an_empty_quarantine()

    def test_what_is_no_upload_is_refused(self):
        admin = self.administrator()
        self.assertProblem(admin.post("/v1/uploads", headers={"Upload-Length": "5", "Upload-Metadata": metadata(unit="vn", title="x")}),
                           412, "tus-version")
        self.assertEqual(begin(admin, 5 * 1024**3).status, 413)
        self.assertEqual(begin(admin, 0).status, 400)
        self.assertIn(begin(admin, 5, unit="khong-co").status, (403, 404))
        place = begin(admin, 5).headers["Location"]
        self.assertEqual(send(admin, place, b"more than five bytes").status, 413)
        self.assertEqual(admin.request("PATCH", place, b"12345", headers={**TUS, "Upload-Offset": "0"}).status, 415)
        self.assertEqual(admin.request("HEAD", "/v1/uploads/x-AAAAAAAAAA", headers=TUS).status, 404)
        self.assertEqual(self.client().request("HEAD", place, headers=TUS).status, 401)

    def test_no_name_from_outside_becomes_a_path(self):
        admin = self.administrator()
        upload(admin, picture(), title="../../../tmp/x")
        for name in ("..%2f..%2fbangtin.db", "%2e%2e", "a" * 64, "A" * 64, "0" * 63):
            self.assertEqual(admin.get(f"/blobs/{name}").status, 404)

    def test_an_upload_that_is_given_up_leaves_nothing(self):
        admin = self.administrator()
        place = begin(admin, 10).headers["Location"]
        send(admin, place, b"123456789", 0, 5)
        self.assertEqual(admin.delete(place, headers=TUS).status, 204)
        self.assertEqual(admin.get(place).status, 404)
        self.wait_for_an_empty_quarantine()


class LibraryTest(ServerCase):
    def test_titles_are_edited_by_whoever_saw_the_newest(self):
        admin = self.administrator()
        place = f"/v1/media/{upload(admin, picture())['media']}"
        etag = admin.get(place).etag
        self.assertEqual(admin.patch(place, {"title": "Tên mới"}).status, 428)
        changed = admin.patch(place, {"title": "Tên mới"}, If_Match=etag)
        self.assertEqual((changed.status, changed.json["title"]), (200, "Tên mới"))
        self.assertEqual(admin.patch(place, {"title": "Cũ"}, If_Match=etag).status, 412)
        self.assertEqual(admin.patch(place, {"tilte": "x"}, If_Match=changed.etag).status, 400)

    def test_what_is_hidden_is_offered_no_more(self):
        admin = self.administrator()
        place = f"/v1/media/{upload(admin, picture())['media']}"
        self.assertEqual(admin.delete(place, If_Match=admin.get(place).etag).status, 204)
        self.assertEqual(admin.get(place).status, 404)
        self.assertEqual(admin.get("/v1/media").json["items"], [])

    def test_content_is_for_those_who_are_logged_in_until_it_is_published(self):
        admin = self.administrator()
        content = picture(shade=90)
        upload(admin, content)
        place = f"/blobs/{hashlib.sha256(content).hexdigest()}"
        self.assertEqual(self.client().get(place).status, 404)
        whole = admin.get(place)
        self.assertEqual(whole.body, content)
        part = admin.get(place, Range="bytes=10-19")
        self.assertEqual((part.status, part.body), (206, content[10:20]))
        self.assertEqual(admin.get(place, If_None_Match=whole.etag).status, 304)


if __name__ == "__main__":
    main()
