#!/usr/bin/env python3
"""Live streams on the real player: what is shown when they come, when they do not, and when they want what they may not."""

import os
import json
import socket
import subprocess
import threading
import time

import broadcast
from player_harness import SIZE, WIDTH, HEIGHT, PlayerCase, main_at_once, pixels

STRIP = 20  # the height of a zone where several play at once


class LiveCase(PlayerCase):
    def setUp(self):
        super().setUp()
        self.key, self.pin = broadcast.make_key(self.directory, "dai")
        self.servers = []
        os.makedirs(os.path.join(self.directory, "assets"), exist_ok=True)

    def serve(self, key=None, port=0):
        server = broadcast.Server(key, port)
        self.servers.append(server)
        self.addCleanup(server.close)
        return server

    def https(self, port=0):
        return self.serve(self.key, port)

    def streams(self, private=True, **local):
        """What the installer wrote down on this machine."""
        path = os.path.join(self.directory, "streams.json")
        with open(path, "w") as file:
            json.dump({"private_addresses": private,
                       "streams": [{"name": name.replace("_", "-"), "url": url} for name, url in local.items()]}, file)
        return ["--streams", path]

    def item(self, url, name="tv", **more):
        return {"id": name, "type": "stream", "url": url, "pins": [self.pin], **more}

    def screen(self, *items, live=True, seconds=60):
        """A zone for each item, each with a fallback of its own."""
        count = len(items)
        height = HEIGHT if count == 1 else STRIP
        document = {
            "format": 1, "id": "man-hinh", "version": 1, "layer": "screen", "unit": "UBND xã Thử",
            "limits": {"live": live}, "canvas": {"width": WIDTH, "height": HEIGHT},
            "zones": [{"name": f"z{i}", "y": i * height, "height": height, "playlist": f"p{i}"} for i in range(count)],
            "playlists": [{"name": f"p{i}", "items": [item]} for i, item in enumerate(items)] +
                         [{"name": f"f{i}", "items": [{"id": f"cho-{i}", "type": "text", "text": "Chờ", "seconds": seconds}]}
                          for i in range(count)],
            "fallback": [{"zone": f"z{i}", "playlist": f"f{i}"} for i in range(count)]}
        path = os.path.join(self.directory, "publication.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def segments(self, name="a", seconds=60, *output, size=SIZE, **more):
        return broadcast.encode_segments(self.directory, name, seconds, size, *output, **more)

    def new_frames(self, item, zone="z0"):
        return sum(1 for _, shown in self.frames_of(zone) if shown["item"] == item and shown["state"] == "new")

    def say_all(self, player):
        """Reads what the player says, so that it never waits for us."""
        said = []
        thread = threading.Thread(target=lambda: said.extend(player.stderr), daemon=True)
        thread.start()
        return said

    def wait_until_said(self, said, words):
        return self.wait_for(lambda: any(words in line for line in said))


class Plays(LiveCase):
    def test_a_stream_takes_over_from_the_fallback_and_its_frames_are_counted(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.segments())
        display = self.start_display()
        player = self.start(self.screen(self.item(server.url("/k/1.m3u8"))), *self.streams(), "--refresh", "50",
                            environment=self.environment(display.name))
        self.wait_for(lambda: self.new_frames("tv") >= 50, player)
        seen = display.pixels()
        self.assertGreater(len(set(seen[i:i + 3] for i in range(0, len(seen), 3))), 50)  # a test picture, not a card
        self.stop(player)
        self.assertEqual(self.shown_items("z0"), ["cho-0", "tv"])
        waited, tv = [play for play in self.plays() if play["item"] in ("cho-0", "tv")]
        self.assertEqual((tv["type"], waited["type"]), ("stream", "text"))
        self.assertEqual(tv["presented"], self.new_frames("tv"))
        self.assertEqual(waited["why_ended"], "schedule")

    def test_progressive_streams_in_both_containers(self):
        server = self.https()
        ts = broadcast.encode(self.directory, "a.ts", 30, SIZE)
        mp4 = broadcast.encode(self.directory, "a.mp4", 30, SIZE, "-movflags",
                               "frag_keyframe+empty_moov+default_base_moof")
        server.progressive("/a.ts", ts, 30)
        server.progressive("/a.mp4", mp4, 30)
        player = self.start(self.screen(self.item(server.url("/a.ts"), "ts"), self.item(server.url("/a.mp4"), "mp4")),
                            *self.streams())
        self.wait_for(lambda: self.new_frames("ts", "z0") >= 25 and self.new_frames("mp4", "z1") >= 25, player)
        self.stop(player)

    def test_a_stream_that_changes_its_size_goes_on(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.segments("a", 8), self.segments("b", 60, size="160x120"))
        player = self.start(self.screen(self.item(server.url("/k/1.m3u8"))), *self.streams())
        said = self.say_all(player)
        self.wait_until_said(said, "160x120")
        shown = self.new_frames("tv")
        self.wait_for(lambda: self.new_frames("tv") >= shown + 100, player)
        self.assertIn("320x180", "".join(said))
        player.terminate()

    def test_what_dies_gives_way_to_the_fallback_and_comes_back(self):
        segments = self.segments()
        server = self.https()
        server.hls("/k/1.m3u8", segments)
        player = self.start(self.screen(self.item(server.url("/k/1.m3u8"))), *self.streams())
        self.wait_for(lambda: self.new_frames("tv") >= 25, player)
        paths, server.paths = server.paths, {}
        self.wait_for(lambda: self.shown_items("z0") == ["cho-0", "tv", "cho-0"], player)
        frames = [(frame["t_ns"], shown) for frame, shown in self.frames_of("z0")]
        last_new = max(at for at, shown in frames if shown["item"] == "tv" and shown["state"] == "new")
        gone = min(at for at, shown in frames if shown["item"] == "cho-0" and at > last_new)
        self.assertLess(gone - last_new, 10e9)
        server.hls("/k/1.m3u8", segments)
        self.wait_for(lambda: self.shown_items("z0") == ["cho-0", "tv", "cho-0", "tv"], player)
        self.stop(player)
        first, second = [play for play in self.plays() if play["item"] == "tv"]
        self.assertEqual((first["why_ended"], second["why_ended"]), ("error", "stopped"))

    def test_a_local_stream_is_received_by_name_and_marked(self):
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        sender = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i",
                                   f"testsrc2=size={SIZE}:rate=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune",
                                   "zerolatency", "-g", "12", "-f", "mpegts", f"udp://127.0.0.1:{port}?pkt_size=1316"])
        self.addCleanup(sender.wait)
        self.addCleanup(sender.kill)
        local = {"id": "hop", "type": "stream", "local": "hoi-truong"}
        unknown = {"id": "la", "type": "stream", "local": "khong-co"}
        player = self.start(self.screen(local, unknown), *self.streams(hoi_truong=f"udp://127.0.0.1:{port}"))
        self.wait_for(lambda: self.new_frames("hop") >= 25, player)
        said = self.stop(player)
        self.assertIn("no stream 'khong-co' of its own", said)
        self.assertEqual(self.shown_items("z1"), ["cho-1"])
        self.assertEqual({play["type"] for play in self.plays() if play["item"] == "hop"}, {"local-stream"})


    def test_a_stream_takes_turns_with_others(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.segments())
        with open(self.screen(self.item(server.url("/k/1.m3u8"), seconds=1)), encoding="utf-8") as file:
            document = json.load(file)
        document["playlists"][0]["items"].insert(0, {"id": "chu", "type": "text", "text": "Chữ", "seconds": 1})
        path = os.path.join(self.directory, "turns.json")
        with open(path, "w") as file:
            json.dump(document, file)
        player = self.start(path, *self.streams())
        self.wait_for(lambda: self.shown_items("z0")[-5:] == ["tv", "chu", "tv", "chu", "tv"], player)
        self.stop(player)
        self.assertNotIn("cho-0", self.shown_items("z0"))

    def test_what_stands_in_is_relieved_also_while_the_next_item_is_looked_for(self):
        server, segments = self.https(), self.segments()
        for attempt in range(4):  # by chance it comes when what stands in is just over
            server.paths.clear()
            self.journal = os.path.join(self.directory, f"plays-{attempt}.db")
            self.frame_log = os.path.join(self.directory, f"frames-{attempt}.jsonl")
            player = self.start(self.screen(self.item(server.url("/k/1.m3u8")), seconds=5), *self.streams())
            self.wait_for(lambda: self.new_frames("cho-0") >= 2, player)
            server.hls("/k/1.m3u8", segments)
            self.wait_for(lambda: self.new_frames("tv") >= 5, player)
            self.stop(player)
            last = [play for play in self.plays() if play["item"] == "cho-0"][-1]
            if not last["complete"]:
                break
        self.assertFalse(last["complete"], last)

    def test_a_camera_that_wants_a_password(self):
        camera = broadcast.Camera(broadcast.encode(self.directory, "a.ts", 60, SIZE), 60, "nguoi-xem:mat-khau-cua-may")
        self.addCleanup(camera.close)
        player = self.start(self.screen({"id": "may", "type": "stream", "local": "cong"}), *self.streams(cong=camera.url))
        self.wait_for(lambda: self.new_frames("may") >= 25, player)
        self.assertNotIn("mat-khau-cua-may", self.stop(player))


class Refused(LiveCase):
    def test_what_the_screen_does_not_allow_is_left_out_and_said(self):
        server = self.https()
        server.hls("/k/1.m3u8", self.segments(seconds=2))
        said = self.play(self.screen(self.item(server.url("/k/1.m3u8")), live=False), *self.streams(), "--for", "3",
                         "--headless")
        self.assertIn("does not allow live streams", said)
        self.assertEqual(self.shown_items("z0"), ["cho-0"])
        self.assertEqual(server.connections, 0)

    def test_hostile_streams_open_nothing(self):
        """Ways to have something else opened. The canaries are asked nothing; the fallbacks stay."""
        canary, other_key = self.serve(), broadcast.make_key(self.directory, "khac")[0]
        other = self.serve(other_key)
        server = self.https()
        good = self.segments(seconds=2)[0]
        body = {"/s.ts": good}
        for host in (server, other, canary):
            for path, bytes_ in body.items():
                host.paths[path] = lambda request, body=bytes_: request.send_body(body)
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
        secret = os.path.join(self.directory, "secret.ts")
        with open(secret, "wb") as file:
            file.write(good)
        segment = {
            "file": f"file://{secret}", "http": canary.url("/s.ts"), "concat": f"concat:{secret}|{secret}",
            "subfile": f"subfile,,start,0,end,0,,:{secret}", "path": secret, "crypto": f"crypto+file://{secret}",
            "other": other.url("/s.ts"),
        }
        for name, uri in segment.items():
            server.text(f"/{name}.m3u8", head + "".join(f"#EXTINF:1,\n{uri}\n" for _ in range(4)))
        items = [self.item(server.url(f"/{name}.m3u8"), name) for name in segment]
        self.refuse(items, canary, other)
        server.text("/key.m3u8", head + f'#EXT-X-KEY:METHOD=AES-128,URI="{canary.url("/s.ts")}"\n#EXTINF:1,\ns.ts\n')
        server.text("/map.m3u8", head + f'#EXT-X-MAP:URI="file://{secret}"\n#EXTINF:1,\ns.ts\n')
        server.text("/variant.m3u8", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{canary.url('/s.ts')}\n")
        server.paths["/loop.m3u8"] = lambda request: redirect(request, server.url("/loop.m3u8"))
        server.paths["/away.m3u8"] = lambda request: redirect(request, canary.url("/s.ts"))
        server.paths["/pinless.m3u8"] = lambda request: redirect(request, other.url("/s.ts"))
        server.paths["/flood.m3u8"] = lambda request: request.send_endless(flood(head))
        names = ["key", "map", "variant", "loop", "away", "pinless", "flood"]
        self.refuse([self.item(server.url(f"/{name}.m3u8"), name) for name in names], canary, other)
        self.assertLess(sum(path == "/loop.m3u8" for path in server.touched), 40)

    def refuse(self, items, canary, other):
        player = self.start(self.screen(*items), *self.streams())
        said = self.say_all(player)
        # Each has failed at least once: each receiver says why.
        self.wait_for(lambda: sum("trying again" in line for line in said) >= len(items), player)
        self.wait_for(lambda: all(self.shown_items(f"z{index}") for index in range(len(items))), player)
        player.terminate()
        player.wait(180)
        for index in range(len(items)):
            self.assertEqual(self.shown_items(f"z{index}"), [f"cho-{index}"])
        self.assertEqual(canary.touched, [])
        self.assertEqual(other.touched, [])  # it was met, and hung up on before a word was said
        os.remove(self.frame_log)

    def test_a_key_that_is_not_pinned_and_an_address_that_is_private(self):
        server = self.serve(broadcast.make_key(self.directory, "gia")[0])
        server.hls("/k/1.m3u8", self.segments(seconds=2))
        publication = self.screen(self.item(server.url("/k/1.m3u8")))
        for private, words in ((True, "none of those that are pinned"), (False, "not a public one")):
            before = server.connections
            player = self.start(publication, *self.streams(private))
            said = self.say_all(player)
            self.wait_until_said(said, words)
            self.wait_for(lambda: self.shown_items("z0"), player)
            player.terminate()
            player.wait(180)
            self.assertEqual(server.touched, [])
            self.assertEqual(server.connections > before, private)
            self.assertEqual(self.shown_items("z0"), ["cho-0"])

    def test_without_a_player_it_is_a_plain_field_with_words(self):
        publication = self.screen(self.item("https://truyen-hinh.example.vn/1.m3u8"))
        picture = os.path.join(self.directory, "moment.png")
        player = self.command()[0]
        subprocess.run([player, "render", publication, "--assets", os.path.join(self.directory, "assets"), "--at",
                        "2026-10-10T19:00", "--out", picture], check=True, capture_output=True)
        seen = pixels("-i", picture)
        self.assertIn((40, 40, 40), {tuple(seen[i:i + 3]) for i in range(0, len(seen), 3)})
        plan = subprocess.run([player, "plan", publication, "--from", "2026-10-10T19:00", "--to", "2026-10-10T20:00"],
                              check=True, capture_output=True, text=True).stdout
        self.assertEqual(json.loads(plan.splitlines()[0])["host"], "truyen-hinh.example.vn")


def redirect(request, to):
    request.send_response(302)
    request.send_header("Location", to)
    request.send_header("Content-Length", "0")
    request.end_headers()


def flood(head):
    yield head.encode()
    line = b"#EXTINF:1,\n" + b"a" * 1000 + b"\n"
    for _ in range(1_000_000):
        yield line


if __name__ == "__main__":
    main_at_once(longest=("test_what_dies_gives_way_to_the_fallback_and_comes_back", "test_a_stream_takes_turns_with_others",
                          "test_a_stream_that_changes_its_size_goes_on"))
