#!/usr/bin/env python3
"""The workshop as a service of its own: uploads over HTTP and a player's pictures through the hatch, with good workers and
with those that a hostile file has taken over."""

import os
import shutil
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import player_harness  # noqa: E402
import server_harness  # noqa: E402
from server_harness import PROGRAM, ServerCase  # noqa: E402
from server_media_test import INSPECT_S, begin, picture, send, upload, wait  # noqa: E402
from workshop_hatch import (INSPECTORS_IN_WRONG_HANDS, MEDIA, PAINTERS_IN_WRONG_HANDS, Hatch, dies, drawing, hangs,  # noqa: E402
                            says)

SVG = (b"<svg xmlns='http://www.w3.org/2000/svg' width='320' height='180'>"
       b"<rect width='320' height='180' fill='#da251d'/></svg>")
NOBODY = 65534


class UploadTest(ServerCase):
    engines = ["sqlite"]
    prepared = True

    def hatch(self, *arguments, **more):
        hatch = Hatch(*arguments, **more)
        self.addCleanup(hatch.close)
        return hatch

    def serve(self, *options):
        """A server that has no workshop of its own."""
        program = os.path.join(self.directory, "bin", "bangtin-server")
        if not os.path.exists(program):
            os.makedirs(os.path.dirname(program))
            shutil.copy(PROGRAM, program)
        self._server = self.start(*options, program=program)
        return self.administrator()

    def wait_for(self, what):
        end = time.monotonic() + INSPECT_S
        while not what():
            self.assertLess(time.monotonic(), end, "it never came")
            time.sleep(0.02)

    def left_over(self):
        data = os.path.join(self.directory, "data")
        return os.listdir(os.path.join(data, "workshop")) + os.listdir(os.path.join(data, "quarantine"))

    def test_uploads_are_looked_at_by_the_service(self):
        hatch = self.hatch()
        admin = self.serve(*hatch.option)
        state = upload(admin, picture())
        self.assertEqual((state["state"], state["report"]["verdict"]), ("ready", "plays"))
        place = f"/v1/media/{state['media']}"
        self.assertEqual(admin.get(place + "/thumbnail").body[:3], b"\xff\xd8\xff")
        self.assertEqual(admin.get(place + "/filmstrip").status, 404)
        state = upload(admin, SVG)
        self.assertEqual(state["report"]["verdict"], "plays-with-notice:converted")
        media = admin.get(f"/v1/media/{state['media']}").json
        self.assertEqual((media["type"], media["width"], media["height"]), ("image/png", 3840, 2160))
        self.assertEqual(admin.get(f"/blobs/{media['sha256']}").body[:8], b"\x89PNG\r\n\x1a\n")
        path = os.path.join(self.directory, "clip.mp4")
        player_harness.make_clip(path, 1)
        with open(path, "rb") as file:
            state = upload(admin, file.read())
        self.assertEqual(admin.get(f"/v1/media/{state['media']}/filmstrip").status, 200)
        state = upload(admin, b"not a picture")
        self.assertEqual((state["state"], state["report"]["verdict"]), ("refused", "refused:not-media"))
        self.assertEqual(hatch.jobs, 4)

    @unittest.skipUnless(os.geteuid() == 0, "only root can make somebody else look")
    def test_the_service_is_another_user_who_sees_this_file_only(self):
        home = os.path.join(self.directory, "of-nobody")
        os.mkdir(home)
        os.chown(home, NOBODY, NOBODY)
        os.chmod(self.directory, 0o755)
        program = os.path.join(home, "bangtin-media")
        shutil.copy(MEDIA, program)

        def work(hatch, connection):
            subprocess.run([program, "serve"], stdin=connection, check=False, user=NOBODY, group=NOBODY, extra_groups=[],
                           env=dict(os.environ, TMPDIR=home))

        hatch = self.hatch()
        hatch.serve = lambda connection: work(hatch, connection)
        admin = self.serve(*hatch.option)
        for content in (picture(), SVG):
            self.assertEqual(upload(admin, content)["state"], "ready")
        self.assertEqual(os.listdir(home), ["bangtin-media"])
        data = os.path.join(self.directory, "data")
        for folder, _, names in os.walk(os.path.join(data, "blobs")):
            for name in names:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode & 0o007, 0, name)
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)

    def test_with_the_service_managers_own_hatch(self):
        activate = shutil.which("systemd-socket-activate")
        if activate is None:
            self.skipTest("systemd-socket-activate is not installed")
        path = os.path.join(self.directory, "hatch")
        launcher = subprocess.Popen([activate, "--accept", "--inetd", "-l", path, MEDIA, "serve"],
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(launcher.wait)
        self.addCleanup(launcher.kill)
        self.wait_for(lambda: os.path.exists(path))
        admin = self.serve("--workshop", "unix:" + path)
        self.assertEqual(upload(admin, picture())["state"], "ready")
        self.assertEqual(upload(admin, b"not a picture")["state"], "refused")

    def test_a_worker_in_wrong_hands_harms_its_own_file_alone(self):
        hatch = self.hatch()
        admin = self.serve(*hatch.option)
        for name, worker in INSPECTORS_IN_WRONG_HANDS.items():
            with self.subTest(name):
                hatch.worker = worker
                state = upload(admin, picture(shade=7))
                self.assertEqual((state["state"], state["report"]["verdict"]), ("refused", "refused:unreadable"), state)
                self.assertTrue(state["report"]["detail"])
                self.wait_for(lambda: self.left_over() == [])
        hatch.worker = "serve"
        self.assertEqual(upload(admin, picture())["state"], "ready")

    def test_a_service_that_is_stopped_is_not_the_files_fault(self):
        hatch = self.hatch(hangs)
        admin = self.serve(*hatch.option)
        place = begin(admin, len(SVG)).headers["Location"]
        send(admin, place, SVG)
        self.wait_for(lambda: hatch.jobs == 1)
        hatch.worker = "serve"  # who comes after it
        hatch.ending.set()
        state = wait(admin, place)
        self.assertEqual((state["state"], state["report"]["verdict"]), ("ready", "plays-with-notice:converted"))
        self.assertEqual(hatch.jobs, 2)

    def test_while_a_worker_hangs_the_server_goes_on(self):
        hatch = self.hatch(hangs)
        admin = self.serve(*hatch.option)
        place = begin(admin, len(SVG)).headers["Location"]
        send(admin, place, SVG)
        self.wait_for(lambda: hatch.jobs > 0)
        self.assertEqual(admin.get("/v1/media").status, 200)
        self.assertEqual(admin.get(place).json["state"], "inspecting")
        hatch.worker = dies
        hatch.ending.set()
        self.assertEqual(wait(admin, place)["report"]["verdict"], "refused:unreadable")
        self.assertEqual(hatch.jobs, 3)
        hatch.worker = "serve"
        self.assertEqual(upload(admin, picture())["state"], "ready")

    @unittest.skipUnless(os.environ.get("BT_LONG"), "takes a minute and a half (BT_LONG=1)")
    def test_a_worker_that_hangs_is_given_up(self):
        hatch = self.hatch(hangs)
        state = upload(self.serve(*hatch.option), picture())
        self.assertEqual(state["state"], "refused")
        self.assertIn("too long", state["report"]["detail"])

    def test_who_is_turned_away_waits_for_its_turn(self):
        hatch = self.hatch()
        hatch.turn_away = 3
        admin = self.serve(*hatch.option)
        self.assertEqual(upload(admin, picture())["state"], "ready")
        self.assertEqual(hatch.turned_away, 3)

    def test_without_its_service_nothing_is_blamed_and_nothing_lost(self):
        path = os.path.join(self.directory, "hatch")
        admin = self.serve("--workshop", "unix:" + path)
        place = begin(admin, len(SVG)).headers["Location"]
        send(admin, place, SVG)
        self.wait_for(lambda: "no workshop for us" in self.server.said())
        self.assertIn(path, self.server.said())
        self.assertEqual(admin.get(place).json["state"], "inspecting")
        self.hatch(path=path)
        self.assertEqual(upload(admin, picture())["state"], "ready")
        self.assertEqual(wait(admin, place)["state"], "ready")

    def test_a_service_of_another_version_is_no_fault_of_the_file(self):
        hatch = self.hatch()
        hatch.serve = lambda connection: (connection.sendall(b"\0" * 8), connection.close())
        admin = self.serve(*hatch.option)
        place = begin(admin, len(SVG)).headers["Location"]
        send(admin, place, SVG)
        self.wait_for(lambda: "another version" in self.server.said())
        self.assertEqual(admin.get(place).json["state"], "inspecting")

    def test_a_wrong_word_on_the_command_line_is_said(self):
        for word in ("bubblewrap", "unix:relative", ""):
            done = subprocess.run([PROGRAM, "--data", self.directory, "--workshop", word], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--workshop", done.stderr)


class PlayerTest(player_harness.PlayerCase):
    def hatch(self, *arguments):
        hatch = Hatch(*arguments)
        self.addCleanup(hatch.close)
        return hatch

    def publish(self, seconds):
        """Red, the drawing for so long, blue."""
        path = self.campaign.path("ve.svg")
        with open(path, "wb") as file:
            file.write(SVG.replace(b"#da251d", b"#00ff00"))
        self.campaign.image("do", "red", 0.3)
        self.campaign.file("ve", path, "image/svg+xml", seconds=seconds)
        self.campaign.image("xanh", "blue", 0.3)
        return self.campaign.write()

    def watch(self, hatch, what, seconds=3600):
        display = self.start_display()
        player = self.start(self.publish(seconds), *hatch.option, environment=self.environment(display.name))
        self.wait_for(lambda: what(display), player)
        return self.stop(player)

    def test_a_drawing_comes_from_the_service(self):
        hatch = self.hatch()
        middle = (player_harness.HEIGHT // 2 * player_harness.WIDTH + player_harness.WIDTH // 2) * 3
        self.watch(hatch, lambda display: tuple(display.pixels()[middle:middle + 3]) == (0, 255, 0))
        self.assertGreaterEqual(hatch.jobs, 2)  # measured and drawn

    def test_what_the_service_draws_is_what_is_shown(self):
        hatch = self.hatch(says(drawing(2, 1, b"\xff\x00\xff\xff" * 2)))
        middle = (player_harness.HEIGHT // 2 * player_harness.WIDTH + player_harness.WIDTH // 2) * 3
        self.watch(hatch, lambda display: tuple(display.pixels()[middle:middle + 3]) == (255, 0, 255))

    def test_a_painter_in_wrong_hands_leaves_the_other_pictures_alone(self):
        for name, worker in PAINTERS_IN_WRONG_HANDS.items():
            with self.subTest(name):
                self.setUp()
                hatch = self.hatch(worker)
                self.watch(hatch, lambda _: hatch.jobs > 0 and self.shown_items().count("do") >= 2, 0.3)
                self.assertEqual(self.shown_items()[:3], ["do", "xanh", "do"])
                hatch.ending.set()


def main():
    player_harness.need_tools()
    loader = unittest.defaultTestLoader
    suite = server_harness.load_tests(loader, sys.modules["__main__"])
    suite.addTests(loader.loadTestsFromTestCase(PlayerTest))
    suite = server_harness.chosen(suite, [a for a in sys.argv[1:] if not a.startswith("-")])
    try:
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        server_harness.Prepared.clear()
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
