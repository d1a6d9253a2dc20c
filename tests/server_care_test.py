#!/usr/bin/env python3
"""Care: alerts come, are told of by a real SMTP server and a real webhook, are acknowledged and end; the fleet on one
page; old batches move into packs, also through kill -9."""

import base64
import datetime
import email
import email.header
import functools
import hashlib
import hmac
import http.server
import json
import os
import signal
import socketserver
import sqlite3
import ssl
import subprocess
import threading
import time

from fleet_test import PNG, FleetCase
from server_harness import BUILD, PASSWORD, Client, Psql, main
from server_plays_test import BEGIN_MS, Journal
from steady import own_port

WAIT_S = 180
MAIL_PASSWORD = "mật khẩu thư"
DAY_MS = 86400000


class Smtp(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as a client needs; STARTTLS when it has a certificate, AUTH PLAIN when it wants a password."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, certificate=None, password=None):
        super().__init__(("127.0.0.1", 0), SmtpTalk)
        self.certificate, self.password = certificate, password
        self.letters, self.refuse, self.attempts = [], False, 0
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, count):
        with self.changed:
            self.changed.wait_for(lambda: len(self.letters) >= count, WAIT_S)
            return self.letters[count - 1]


class SmtpTalk(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def hear(self):
        return self.rfile.readline().decode().rstrip("\r\n")

    def handle(self):
        self.secure, self.known, self.to = False, False, []
        self.say("220 thu.test ESMTP")
        while line := self.hear():
            verb, _, rest = line.partition(" ")
            getattr(self, "do_" + verb.lower(), self.do_other)(rest)
            if verb.upper() == "QUIT":
                return

    def do_ehlo(self, _):
        offers = ["STARTTLS"] if self.server.certificate and not self.secure else []
        offers += ["AUTH PLAIN"] if self.server.password and (self.secure or not self.server.certificate) else []
        lines = ["thu.test"] + offers
        for i, line in enumerate(lines):
            self.say(f"250{' ' if i + 1 == len(lines) else '-'}{line}")

    def do_starttls(self, _):
        self.say("220 go")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.certificate)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.secure = True

    def do_auth(self, rest):
        text = rest.partition(" ")[2]
        if not text:
            self.say("334 ")
            text = self.hear()
        _, self.login, password = base64.b64decode(text).decode().split("\0")
        self.known = password == self.server.password
        self.say("235 ok" if self.known else "535 no")

    def do_mail(self, rest):
        with self.server.changed:
            self.server.attempts += 1
            self.server.changed.notify_all()
        if self.server.refuse or (self.server.password and not self.known):
            self.say("451 not now")
            return
        self.sender = rest
        self.say("250 ok")

    def do_rcpt(self, rest):
        self.to.append(rest)
        self.say("250 ok")

    def do_data(self, _):
        self.say("354 go")
        lines = []
        while (line := self.hear()) != ".":
            lines.append(line)
        with self.server.changed:
            self.server.letters.append({"text": "\r\n".join(lines), "to": self.to, "from": self.sender, "tls": self.secure})
            self.server.changed.notify_all()
        self.say("250 ok")

    def do_quit(self, _):
        self.say("221 bye")

    def do_other(self, _):
        self.say("500 what")


class Receiver(http.server.ThreadingHTTPServer):
    """A webhook's other end; answers with the next of `statuses`, then 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverTalk)
        self.posts, self.statuses = [], []
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/canh-bao"

    def wait(self, count):
        with self.changed:
            self.changed.wait_for(lambda: len(self.posts) >= count, WAIT_S)
            return self.posts[count - 1]


class ReceiverTalk(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.changed:
            status = self.server.statuses.pop(0) if self.server.statuses else 200
            self.server.posts.append({"headers": self.headers, "body": body, "path": self.path})
            self.server.changed.notify_all()
        self.send_response(status)
        self.send_header("Location", self.server.url + "-khac")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class CareCase(FleetCase):
    environment = {"BT_CARE_EVERY_MS": "50"}

    def start(self, *options, **more):
        return super().start(*options, environment=self.environment, **more)

    @functools.cached_property
    def psql(self):
        psql = Psql(self.database)
        self.addCleanup(psql.close)
        return psql

    def sql(self, statement):
        if self.database:
            self.psql.ask(statement)
        else:
            super().sql(statement)

    def query(self, statement):
        """The first cell."""
        if self.database:
            return int(self.psql.ask(statement)[0])
        database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
        try:
            return database.execute(statement).fetchone()[0]
        finally:
            database.close()

    def set(self, name, value, unit="vn"):
        path = f"/v1/settings/{name}?unit={unit}"
        answer = self.admin.put(path, {"value": value}, If_Match=self.admin.get(path).etag)
        self.assertEqual(answer.status, 200, answer)

    def now_ms(self):
        return int(time.time() * 1000)

    def alerts(self, state="open", client=None):
        return (client or self.admin).get(f"/v1/alerts?state={state}").json["items"]

    def until(self, question, what):
        deadline = time.monotonic() + WAIT_S
        while not (answer := question()):
            if time.monotonic() > deadline:
                self.fail(f"{what}; the server said: {self.server.said()[-2000:]}")
            time.sleep(0.02)
        return answer

    def some_rounds(self):
        """Three more rounds of the watch have ended: it lengthens its lease in each."""
        lease = "SELECT COALESCE(max(until_ms), 0) FROM care_lease WHERE name = 'watch'"
        for _ in range(4):
            before = self.query(lease)
            self.until(lambda: self.query(lease) != before, "the watch does not go round")

    def kinds(self, screen=None):
        return sorted(a["kind"] for a in self.alerts() if screen is None or a["screen"] == screen)

    def report(self, player, **more):
        status = {"at_ms": self.now_ms(), "clock": {"trust": "synced", "offset_ms": 0}, **more}
        self.assertEqual(player.client.post("/v1/player/status", status).status, 204)

    def quiet_never(self):
        self.set("alert_quiet_from", "0")
        self.set("alert_quiet_until", "0")


def heading(letter, name):
    message = email.message_from_string(letter["text"])
    return str(email.header.make_header(email.header.decode_header(message[name])))


def text_of(letter):
    return email.message_from_string(letter["text"]).get_payload(decode=True).decode()


class AlertTest(CareCase):
    def test_an_alert_comes_is_acknowledged_and_ends(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.report(player, troubles=[{"code": "signature-refused", "detail": "", "since_ms": 0}])
        found = self.until(lambda: self.alerts(), "no alert came")[0]
        self.assertEqual((found["kind"], found["severity"], found["screen"], found["unit"]),
                         ("signature-refused", "urgent", screen, "31333"))
        self.assertIn("chữ ký", found["vi"])
        fleet = self.admin.get("/v1/fleet").json
        self.assertEqual(fleet["items"][0]["state"], "trouble")
        self.assertEqual(fleet["items"][0]["alerts"], ["signature-refused"])
        answer = self.admin.post(f"/v1/alerts/{found['id']}/acknowledge", {"note": "An đang xem"})
        self.assertEqual((answer.status, answer.json["note"]), (200, "An đang xem"))
        self.sql("UPDATE alert SET calm_ms = 1000 WHERE calm_ms IS NOT NULL")
        self.report(player, troubles=[])
        self.until(lambda: self.query("SELECT count(calm_ms) FROM alert"), "it did not become calm")
        self.assertEqual(len(self.alerts()), 1, "half an hour of calm is wanted")
        self.sql(f"UPDATE alert SET calm_ms = {self.now_ms() - 1800001}")
        self.until(lambda: not self.alerts(), "it did not end")
        over = self.alerts("all")[0]
        self.assertIsNotNone(over["until_ms"])
        self.assertProblem(self.admin.post(f"/v1/alerts/{over['id']}/acknowledge", {}), 409, "alert-over")

    def test_hot_full_and_not_flapping(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.report(player, machine={"celsius": 85, "throttled": True}, storage={"free_bytes": 1 << 20, "assets_bytes": 1})
        self.until(lambda: self.query("SELECT count(*) FROM alert") == 3, "nothing was noticed")
        self.assertEqual(self.kinds(), [], "none of them is there for long enough")
        self.sql("UPDATE alert SET seen_ms = 1000")
        self.until(lambda: self.kinds(screen) == ["hot", "storage", "throttled"], "not raised")
        # Cooler than the limit, and not by enough.
        self.report(player, machine={"celsius": 77, "throttled": True}, storage={"free_bytes": 1 << 20, "assets_bytes": 1})
        self.some_rounds()
        self.assertEqual(self.query("SELECT count(calm_ms) FROM alert"), 0)
        self.assertEqual(self.admin.get("/v1/fleet").json["items"][0]["celsius"], 77)

    def test_silent_only_in_opening_hours(self):
        screen = self.add_screen()
        player = self.pair(screen)
        self.report(player)
        old = self.now_ms() - 3 * 3600000
        self.sql(f"UPDATE player SET seen_ms = {old}, channel = 'not-obeying', paired_ms = {old}")
        self.some_rounds()
        self.assertEqual(self.kinds(), [], "the server itself was not there to hear")
        self.assertEqual(self.admin.get("/v1/fleet?state=silent").json["items"][0]["id"], screen)
        self.assertEqual(self.admin.get("/v1/fleet?state=ok").json["items"], [])

    def test_signatures_that_end(self):
        self.sql(f"UPDATE tuf_metadata SET expires_ms = {self.now_ms() + 5 * DAY_MS}")
        found = self.until(self.alerts, "no alert came")
        self.assertEqual([(a["kind"], a["object"], a["unit"]) for a in found], [("expiry-7", "role/root", "vn")])
        self.sql(f"UPDATE tuf_metadata SET expires_ms = {self.now_ms() + 3600000}")
        self.until(lambda: self.kinds() == ["expiry-1"], "it did not become urgent")

    def test_a_server_that_stops_hands_its_work_over(self):
        held = "SELECT count(*) FROM care_lease WHERE name IN ('watch', 'archive', 'chores')"
        self.until(lambda: self.query(held) == 3, "nobody looks after the screens")
        self.server.stop()
        self.assertEqual(self.query(held), 0)

    def test_no_backup_for_too_long(self):
        os.utime(os.path.join(self.directory, "data", "lock"), (1, 1))
        self.until(lambda: self.kinds() == ["backup"], "no alert came")
        with open(os.path.join(self.directory, "data", "last-backup"), "w"):
            pass
        self.until(lambda: self.kinds() == [], "it did not end")

    def publish(self, layer, name, document):
        recipe = {"canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh", "playlist": "c"}],
                  "playlists": [{"name": "c", "items": [{"id": "gio", "type": "clock", "seconds": 5}]}]}
        answer = self.admin.post("/v1/publications", {"unit": "31333", "layer": layer, "name": name, "title": name,
                                                      "recipe": recipe})
        self.assertEqual(answer.status, 201, answer)
        self.sql(f"UPDATE publication SET state = 'published', document = '{json.dumps(document)}' "
                 f"WHERE id = '{answer.json['id']}'")
        return answer.json["id"]

    def test_content_that_ends(self):
        screen = self.add_screen()
        self.report(self.pair(screen))

        def programme(days):
            until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))
            return {"zones": [{"name": "chinh", "playlist": "c"}],
                    "playlists": [{"name": "c", "items": [{"id": "a", "type": "text", "text": "a", "until": until}]}]}
        first = self.publish("unit", "quang-truong", programme(2))
        self.publish("screen", screen, {"carries": ["u/31333/quang-truong", "p/chung"]})
        found = self.until(self.alerts, "no alert came")
        self.assertEqual([(a["kind"], a["screen"]) for a in found], [("content", screen)])
        self.assertIn("còn 1 ngày 23 giờ", found[0]["vi"])
        self.sql(f"UPDATE publication SET state = 'superseded' WHERE id = '{first}'")
        self.publish("unit", "quang-truong", programme(30))
        self.until(lambda: self.kinds() == [], "it did not end")

    def test_who_sees_what(self):
        self.add_unit("91", "Xã khác")
        people = {}
        for login, unit, role in (("xem", "31333", "viewer"), ("khac", "91", "administrator")):
            made = self.admin.post("/v1/users", {"login": login, "name": login, "unit": unit, "password": PASSWORD})
            self.admin.post(f"/v1/users/{made.json['id']}/grants", {"unit": unit, "role": role})
            people[login] = Client(self.server).login(login)
        screen = self.add_screen()
        self.report(self.pair(screen), troubles=[{"code": "signature-refused", "detail": "", "since_ms": 0}])
        found = self.until(self.alerts, "no alert came")[0]
        self.assertEqual(len(self.alerts(client=people["xem"])), 1)
        self.assertEqual(self.alerts(client=people["khac"]), [])
        self.assertEqual(len(people["xem"].get("/v1/fleet").json["items"]), 1)
        self.assertEqual(people["khac"].get("/v1/fleet").json["items"], [])
        for who in people.values():
            self.assertEqual(who.post(f"/v1/alerts/{found['id']}/acknowledge", {}).status, 403)
        self.assertEqual(people["khac"].get("/v1/messages").status, 403)

    def test_the_fleet_says_when_nothing_has_changed(self):
        screen = self.add_screen()
        self.add_screen()
        self.report(self.pair(screen), on=[{"zone": "chinh", "publication": "p", "item": "bia", "since_ms": 5}])
        first = self.admin.get("/v1/fleet")
        self.assertEqual(first.json["counts"]["no-player"], 1)
        mine = [item for item in first.json["items"] if item["id"] == screen][0]
        self.assertEqual(mine["on"][0]["item"], "bia")
        self.assertEqual(self.admin.get("/v1/fleet", If_None_Match=first.etag).status, 304)
        self.assertEqual(self.admin.get("/v1/fleet?unit=31333").json["items"], first.json["items"])
        self.assertEqual(self.admin.get("/v1/fleet?unit=nowhere").status, 404)
        self.assertEqual(self.admin.get("/v1/fleet?state=odd").status, 400)

    def test_the_command_line_tool(self):
        screen = self.add_screen(name="Cổng chào")
        self.add_screen(name="Chưa lắp")
        player = self.pair(screen)
        self.report(player, troubles=[{"code": "signature-refused", "detail": "", "since_ms": 0}])
        found = self.until(self.alerts, "no alert came")[0]
        token = self.admin.post("/v1/tokens", {"name": "thu", "scopes": ["view", "operate", "administer"], "days": 1})
        secret = os.path.join(self.directory, "token")
        with open(secret, "w") as file:
            file.write(token.json["token"])

        def bangtin(*arguments):
            done = subprocess.run([os.path.join(BUILD, "cli", "bangtin"), *arguments], capture_output=True, text=True,
                                  timeout=180, env={**os.environ, "XDG_CONFIG_HOME": self.directory})
            self.assertEqual(done.returncode, 0, done)
            return done.stdout
        bangtin("login", self.server.origin, "--token-file", secret)
        lines = bangtin("status").splitlines()
        self.assertEqual(lines[0], "2 màn hình / screens: 1 có trục trặc / in trouble, 1 chưa ghép / without a player")
        self.assertIn("có trục trặc / trouble", lines[2])
        self.assertIn("từ chối chữ ký / signature refused", lines[2])
        self.assertIn("chưa ghép", lines[3])
        shown = json.loads(bangtin("status", "--unit", "31333", "--state", "trouble", "--json"))
        self.assertEqual([item["id"] for item in shown], [screen])
        self.assertIn("Cổng chào", bangtin("alert", "list"))
        one = bangtin("status", screen)
        for word in ("Cổng chào", "0912 345 678", "KHẨN / urgent", "máy phát từ chối một chữ ký", "đúng / synced"):
            self.assertIn(word, one)
        self.assertNotIn("0 B", one, "what is not known is not said")
        self.order(screen, "screenshot")
        player.client.post("/v1/player/screenshots/1", PNG, Content_Type="image/png")
        self.assertIn("thu.png", bangtin("status", screen, "--picture", os.path.join(self.directory, "thu.png")))
        with open(os.path.join(self.directory, "thu.png"), "rb") as file:
            self.assertEqual(file.read(), PNG)
        bangtin("alert", "ack", found["id"], "An đang đến")
        self.assertIn("An đang đến", bangtin("alert", "history"))
        self.assertIn("https://", bangtin("alert", "hook", "https://canh-bao.test/x", "--unit", "31333"))
        hook = json.loads(bangtin("alert", "hooks", "--json"))[0]["id"]
        bangtin("alert", "unhook", hook)
        self.assertEqual(json.loads(bangtin("alert", "messages", "--json")), [])


class MailTest(CareCase):
    def start(self, *options, **more):
        os.makedirs(self.directory, exist_ok=True)
        self.password_file = os.path.join(self.directory, "mat-khau")
        if not os.path.exists(self.password_file):
            with open(self.password_file, "w", encoding="utf-8") as file:
                file.write(MAIL_PASSWORD + "\n")
            self.certificate = (os.path.join(self.directory, "thu.pem"), os.path.join(self.directory, "thu.key"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-out", self.certificate[0], "-keyout",
                            self.certificate[1]], check=True, capture_output=True)
        return super().start("--mail-password-file", self.password_file, "--mail-ca", self.certificate[0], *options, **more)

    def setUp(self):
        super().setUp()
        self.smtp = Smtp(self.certificate, MAIL_PASSWORD)
        self.addCleanup(self.smtp.server_close)
        self.addCleanup(self.smtp.shutdown)
        self.set("mail_server", f"smtp://127.0.0.1:{self.smtp.server_address[1]}")
        self.set("mail_from", "bang-tin@tinh.test")
        self.set("alert_mail_to", "an@tinh.test, binh@tinh.test")
        self.quiet_never()

    def trouble(self, *codes):
        return [{"code": code, "detail": "", "since_ms": 0} for code in codes]

    def test_one_letter_for_what_is_wrong_and_one_when_it_is_over(self):
        screen = self.add_screen(name="Quảng trường")
        player = self.pair(screen)
        self.report(player, troubles=self.trouble("signature-refused", "emergency-not-shown"))
        letter = self.smtp.wait(1)
        self.assertTrue(letter["tls"])
        self.assertEqual([to.split()[0] for to in letter["to"]], ["TO:<an@tinh.test>", "TO:<binh@tinh.test>"])
        self.assertIn("[KHẨN] Bảng tin: 2 cảnh báo mới", heading(letter, "Subject"))
        self.assertIn("Xã Hà Long", heading(letter, "Subject"))
        text = text_of(letter)
        self.assertIn("Quảng trường", text)
        self.assertIn("máy phát từ chối một chữ ký", text)
        self.assertIn("--- English ---", text)
        self.assertTrue(all(len(line) < 79 for line in letter["text"].split("\r\n")))
        self.report(player, troubles=[])
        self.until(lambda: self.query("SELECT count(calm_ms) FROM alert") == 2, "not calm")
        self.sql("UPDATE alert SET calm_ms = 1000")
        self.assertIn("2 đã hết", heading(self.smtp.wait(2), "Subject"))
        self.some_rounds()
        self.assertEqual(len(self.smtp.letters), 2, "nothing is said twice")
        self.until(lambda: self.query("SELECT count(*) FROM care_outbox WHERE sent = 1") == 2, "not noted as sent")
        messages = self.admin.get("/v1/messages").json["items"]
        self.assertEqual([m["state"] for m in messages], ["sent", "sent"])
        self.assertNotIn(MAIL_PASSWORD, self.server.said() + json.dumps(messages))

    def test_what_could_not_be_sent_waits_through_a_kill(self):
        self.smtp.refuse = True
        self.report(self.pair(self.add_screen()), troubles=self.trouble("signature-refused"))
        self.until(lambda: self.query("SELECT COALESCE(MAX(attempts), 0) FROM care_outbox"), "nothing was tried")
        self.kill_and_start_again()
        self.assertEqual(self.admin.get("/v1/messages").json["items"][0]["state"], "waiting")
        self.assertIn("451", self.admin.get("/v1/messages").json["items"][0]["error"])
        self.smtp.refuse = False
        self.sql("UPDATE care_outbox SET next_ms = 0")
        self.assertIn("1 cảnh báo mới", heading(self.smtp.wait(1), "Subject"))

    def test_reminders_until_somebody_takes_care(self):
        self.report(self.pair(self.add_screen()), troubles=self.trouble("signature-refused"))
        self.smtp.wait(1)
        self.until(lambda: self.query("SELECT count(*) FROM care_outbox WHERE sent = 1") == 1, "not noted as sent")
        self.sql(f"UPDATE alert SET told_ms = {self.now_ms() - DAY_MS - 1000}")
        self.assertIn("1 vẫn còn", heading(self.smtp.wait(2), "Subject"))
        found = self.alerts()[0]
        self.assertEqual(self.admin.post(f"/v1/alerts/{found['id']}/acknowledge", {"note": "biết rồi"}).status, 200)
        self.sql(f"UPDATE alert SET told_ms = {self.now_ms() - DAY_MS - 1000}")
        self.some_rounds()
        self.assertEqual(len(self.smtp.letters), 2)

    def test_quiet_hours_keep_all_but_the_urgent(self):
        hour = time.gmtime(time.time() + 7 * 3600).tm_hour
        self.set("alert_quiet_from", str(hour))
        self.set("alert_quiet_until", str((hour + 2) % 24))
        player = self.pair(self.add_screen())
        self.report(player, troubles=self.trouble("not-bound"))
        self.until(lambda: self.query("SELECT count(*) FROM alert"), "nothing was noticed")
        self.sql("UPDATE alert SET seen_ms = 1000")
        self.until(lambda: self.kinds() == ["not-bound"], "not raised")
        self.report(player, troubles=self.trouble("not-bound", "emergency-not-shown"))
        self.assertIn("[KHẨN] Bảng tin: 1 cảnh báo mới", heading(self.smtp.wait(1), "Subject"))
        self.quiet_never()
        self.assertIn("1 cảnh báo mới", heading(self.smtp.wait(2), "Subject"))
        self.assertIn("chưa ký", text_of(self.smtp.wait(2)))


# What goes wrong, how it begins and how it ends, by the screen's own words where it says them; and what people read of it.
# `sql` is for what takes its time: nobody waits half an hour here.
KINDS = [
    {"kind": "dark", "title": "Màn hình tối", "vi": "màn hình đang tắt trong giờ mở", "en": "the display is off in opening hours",
     "begin": {"display": {"width": 320, "height": 180, "refresh_hz": 60, "state": "off"}},
     "end": {"display": {"width": 320, "height": 180, "refresh_hz": 60, "state": "on"}}},
    {"kind": "hot", "title": "Nóng", "vi": "máy phát nóng 86 °C", "en": "the player is at 86 °C",
     "begin": {"machine": {"celsius": 86}}, "end": {"machine": {"celsius": 60}}},
    {"kind": "throttled", "title": "Chạy chậm", "vi": "máy phát phải chạy chậm lại", "en": "slows itself down",
     "begin": {"machine": {"throttled": True, "low_power": False}}, "end": {"machine": {"throttled": False, "low_power": False}}},
    {"kind": "storage", "title": "Sắp hết chỗ", "vi": "thẻ nhớ của máy phát còn 100 MiB", "en": "100 MiB are left",
     "begin": {"storage": {"free_bytes": 100 << 20, "assets_bytes": 1}},
     "end": {"storage": {"free_bytes": 9 << 30, "assets_bytes": 1}}},
    {"kind": "went-back", "title": "Quay về bản cũ", "vi": "máy phát đã bỏ bản 0.2.0 và quay về bản trước (missing-frames)",
     "en": "the player went back from version 0.2.0 (missing-frames)",
     "begin": {"update": {"platform": "debian-13-arm64", "state": "none", "last": "0.2.0", "outcome": "missing-frames"}},
     "end": {"update": {"platform": "debian-13-arm64", "state": "none", "last": "0.2.1", "outcome": "kept"}}},
    {"kind": "content", "title": "Sắp hết nội dung", "vi": "là hết nội dung, chưa có gì tiếp theo", "en": "and nothing follows",
     "begin": {"days": 2}, "end": {"days": 30}},
    {"kind": "not-obeying", "title": "Không nhận lệnh", "vi": "máy phát báo về nhưng không nhận lệnh",
     "en": "the player reports, and does not answer orders",
     "begin": {"sql": "UPDATE player SET channel = 'not-obeying'"}, "end": {"sql": "UPDATE player SET channel = 'obeys'"}},
    {"kind": "silent", "title": "Im lặng", "vi": "không có tin gì của máy phát", "en": "nothing is heard of the player",
     "begin": {"sql": "UPDATE player SET channel = 'not-obeying', seen_ms = seen_ms - 7200000"},
     "end": {"sql": "UPDATE player SET channel = 'obeys'"}},
]


class KindTest(CareCase):
    """Every kind of alert through mail and webhook: it begins, is not said twice, and ends."""
    options = ("--webhooks-inside",)
    environment = {**CareCase.environment, "BT_CARE_WATCHED_MS": "80000000"}
    publish = AlertTest.publish

    def setUp(self):
        super().setUp()
        self.smtp, self.receiver = Smtp(), Receiver()
        for sink in (self.smtp, self.receiver):
            self.addCleanup(sink.server_close)
            self.addCleanup(sink.shutdown)
        self.set("mail_server", f"smtp://127.0.0.1:{self.smtp.server_address[1]}")
        self.set("mail_from", "bang-tin@tinh.test")
        self.set("alert_mail_to", "an@tinh.test")
        self.quiet_never()
        self.assertEqual(self.admin.post("/v1/webhooks", {"unit": "31333", "url": self.receiver.url}).status, 201)
        self.screen = self.add_screen(name="Quảng trường")
        self.player = self.pair(self.screen)
        self.sql("UPDATE player SET channel = 'obeys'")
        self.versions = 0

    def carry(self, days):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))
        document = {"zones": [{"name": "chinh", "playlist": "c"}],
                    "playlists": [{"name": "c", "items": [{"id": "a", "type": "text", "text": "a", "until": until}]}]}
        self.sql("UPDATE publication SET state = 'superseded' WHERE layer = 'unit'")
        self.publish("unit", "quang-truong", document)
        if days == 2:
            self.publish("screen", self.screen, {"carries": ["u/31333/quang-truong"]})

    def happen(self, what):
        what = dict(what)
        if "days" in what:
            self.carry(what.pop("days"))
        sql = what.pop("sql", None)
        self.report(self.player, **what)
        if sql:
            self.sql(sql)

    def hurried(self, done):
        """Whatever was noticed was there for long enough, and whatever is calm has been so."""
        def look():
            self.sql("UPDATE alert SET seen_ms = 1000 WHERE raised_ms IS NULL")
            self.sql("UPDATE alert SET calm_ms = 1000 WHERE calm_ms IS NOT NULL AND until_ms IS NULL")
            return done()
        return look

    def test_each_kind_begins_once_and_ends(self):
        self.happen(KINDS[0]["end"])
        for number, case in enumerate(KINDS):
            with self.subTest(case["kind"]):
                count = 2 * number
                self.happen(case["begin"])
                self.until(self.hurried(lambda: self.kinds() == [case["kind"]]), f"{case['kind']} does not begin")
                letter, post = self.smtp.wait(count + 1), self.receiver.wait(count + 1)
                self.check(letter, post, case, "1 cảnh báo mới", f"* {case['title']}: Quảng trường", "", "on")
                self.some_rounds()
                self.assertEqual((len(self.smtp.letters), len(self.receiver.posts)), (count + 1, count + 1), "said again")
                self.happen(case["end"])
                self.until(self.hurried(lambda: self.kinds() == []), f"{case['kind']} does not end")
                letter, post = self.smtp.wait(count + 2), self.receiver.wait(count + 2)
                self.check(letter, post, case, "1 đã hết", f"* ĐÃ HẾT – {case['title']}: Quảng trường", "OVER – ", "ended")

    def check(self, letter, post, case, subject, vi, en, news):
        self.assertIn(subject, heading(letter, "Subject"))
        self.assertNotIn("vẫn còn", heading(letter, "Subject"))
        vietnamese, _, english = text_of(letter).partition("--- English ---")
        self.assertIn(vi, vietnamese)
        self.assertIn(case["vi"], vietnamese)
        self.assertIn("* " + en, english)
        self.assertIn(case["en"], english)
        said, = json.loads(post["body"])["alerts"]
        self.assertEqual((said["kind"], said["news"], said["screen_name" if "screen_name" in said else "name"]),
                         (case["kind"], news, "Quảng trường"))
        self.assertIn(case["vi"], said["vi"])
        self.assertIn(case["en"], said["en"])
        self.assertEqual(said["until_ms"] is not None, news == "ended")


class TrialTest(CareCase):
    """`bangtin alert test`: each way is tried once, and what became of it is said."""
    options = ("--webhooks-inside",)
    def setUp(self):
        super().setUp()
        self.smtp, self.receiver = Smtp(), Receiver()
        for sink in (self.smtp, self.receiver):
            self.addCleanup(sink.server_close)
            self.addCleanup(sink.shutdown)
        token = self.admin.post("/v1/tokens", {"name": "thu", "scopes": ["view", "operate", "administer"], "days": 1})
        secret = os.path.join(self.directory, "token")
        with open(secret, "w") as file:
            file.write(token.json["token"])
        self.assertEqual(self.bangtin("login", self.server.origin, "--token-file", secret)[0], 0)

    def bangtin(self, *arguments):
        done = subprocess.run([os.path.join(BUILD, "cli", "bangtin"), *arguments], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "XDG_CONFIG_HOME": self.directory})
        return done.returncode, done.stdout + done.stderr

    def ways(self, *arguments):
        status, said = self.bangtin("alert", "test", "--json", *arguments)
        items = json.loads(said[:said.rindex("]") + 1])
        return status, {item["address"]: (item["state"], item["error"]) for item in items}

    def test_each_way_is_tried_and_says_how_it_went(self):
        status, said = self.bangtin("alert", "test")
        self.assertNotEqual(status, 0)
        self.assertIn("Chưa ai nhận cảnh báo", said)
        self.set("alert_mail_to", "an@tinh.test, binh@tinh.test")
        status, ways = self.ways()
        self.assertNotEqual(status, 0)
        self.assertEqual({state for state, _ in ways.values()}, {"failed"})
        self.assertIn("chưa đặt máy chủ gửi thư", ways["an@tinh.test"][1])

        self.set("mail_server", f"smtp://127.0.0.1:{self.smtp.server_address[1]}")
        self.set("mail_from", "bang-tin@tinh.test")
        self.add_unit("91", "Xã khác")
        for unit, path in (("31333", ""), ("91", "-91")):
            self.assertEqual(self.admin.post("/v1/webhooks", {"unit": unit, "url": self.receiver.url + path}).status, 201)
        self.receiver.statuses = [500]
        status, ways = self.ways("--unit", "31333")
        self.assertNotEqual(status, 0)
        self.assertEqual(ways, {"an@tinh.test": ("sent", ""), "binh@tinh.test": ("sent", ""),
                                self.receiver.url: ("failed", "It answered 500")})
        letter = self.smtp.wait(2)
        self.assertIn("thư thử", heading(letter, "Subject"))
        vietnamese, _, english = text_of(letter).partition("--- English ---")
        self.assertIn("Đây là thư thử", vietnamese)
        self.assertIn("This is a test", english)

        status, said = self.bangtin("alert", "test", "--unit", "31333")
        self.assertEqual(status, 0, said)
        self.assertIn("thư / e-mail", said)
        self.assertIn("đã gửi / sent", said)
        body = json.loads(self.receiver.wait(2)["body"])
        self.assertEqual((body["test"], body["alerts"]), (True, []))
        self.assertEqual({post["path"] for post in self.receiver.posts}, {"/canh-bao"}, "not that of another unit")

    def test_what_cannot_be_reached_is_said_and_not_tried_again(self):
        port = own_port(self)  # where nobody listens
        self.set("mail_server", f"smtp://127.0.0.1:{port}")
        self.set("mail_from", "bang-tin@tinh.test")
        self.set("alert_mail_to", "an@tinh.test")
        status, ways = self.ways()
        self.assertNotEqual(status, 0)
        self.assertEqual(ways["an@tinh.test"][0], "failed")
        self.assertIn("connect", ways["an@tinh.test"][1].lower())
        self.assertEqual(self.query("SELECT count(*) FROM care_outbox WHERE done_ms IS NULL"), 0)
        self.assertProblem(self.admin.get("/v1/alerts/test/o-nichts"), 404, "not-found")
        self.assertProblem(self.admin.post("/v1/alerts/test", {"unit": "khong"}), 404, "not-found")


class HookTest(CareCase):
    options = ("--webhooks-inside",)
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.server_close)
        self.addCleanup(self.receiver.shutdown)
        self.quiet_never()

    def hook(self, url=None, unit="31333"):
        answer = self.admin.post("/v1/webhooks", {"unit": unit, "url": url or self.receiver.url})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def test_a_signed_post_and_again_when_it_fails(self):
        hook = self.hook()
        self.receiver.statuses = [500, 302]
        self.report(self.pair(self.add_screen()), troubles=[{"code": "signature-refused", "detail": "", "since_ms": 0}])
        first = self.receiver.wait(1)
        for count in (2, 3):
            self.until(lambda: self.query("SELECT attempts FROM care_outbox") == count - 1, "not noted")
            self.sql("UPDATE care_outbox SET next_ms = 0")
            self.receiver.wait(count)
        self.until(lambda: self.query("SELECT sent FROM care_outbox") == 1, "not noted as sent")
        third = self.receiver.wait(3)
        self.assertEqual([post["path"] for post in self.receiver.posts], ["/canh-bao"] * 3, "no redirect is followed")
        self.assertEqual(first["headers"]["X-Bangtin-Delivery"], third["headers"]["X-Bangtin-Delivery"])
        signed = third["headers"]["X-Bangtin-Time"].encode() + b"." + third["body"]
        mac = hmac.new(hook["secret"].encode(), signed, hashlib.sha256).hexdigest()
        self.assertEqual(third["headers"]["X-Bangtin-Signature"], "sha256=" + mac)
        body = json.loads(third["body"])
        self.assertEqual([(a["kind"], a["news"]) for a in body["alerts"]], [("signature-refused", "on")])
        self.assertNotIn(hook["secret"], json.dumps(self.admin.get("/v1/webhooks").json))

    def test_addresses_that_are_no_webhooks(self):
        for url in ("ftp://x/", "https://user:pw@x/", "/nur", "https://x y/", "file:///etc/passwd"):
            self.assertProblem(self.admin.post("/v1/webhooks", {"unit": "vn", "url": url}), 400, "fields")
        made = self.hook()
        self.assertEqual(self.admin.delete(f"/v1/webhooks/{made['id']}").status, 204)
        self.assertEqual(self.admin.get("/v1/webhooks").json["items"], [])


class InsideTest(CareCase):
    def test_a_webhook_does_not_come_to_this_machine(self):
        self.quiet_never()
        receiver = Receiver()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        self.assertProblem(self.admin.post("/v1/webhooks", {"unit": "vn", "url": receiver.url}), 400, "fields")
        url = f"https://localhost:{receiver.server_port}/"
        self.assertEqual(self.admin.post("/v1/webhooks", {"unit": "vn", "url": url}).status, 201)
        self.report(self.pair(self.add_screen()), troubles=[{"code": "signature-refused", "detail": "", "since_ms": 0}])
        self.until(lambda: self.query("SELECT COALESCE(MAX(attempts), 0) FROM care_outbox"), "nothing was tried")
        self.assertIn("connect", self.admin.get("/v1/messages").json["items"][0]["error"].lower())
        self.assertEqual(receiver.posts, [])


class PackTest(CareCase):
    BATCHES = 400

    def evidence(self):
        day = datetime.datetime.fromtimestamp(BEGIN_MS / 1000, datetime.timezone(datetime.timedelta(hours=7))).date()
        answer = self.admin.get(f"/v1/plays/evidence?unit=31333&from={day}&to={day}")
        self.assertEqual(answer.status, 200, answer)
        lines = subprocess.run(["zstd", "-dcq"], input=answer.body, stdout=subprocess.PIPE, check=True).stdout
        return [line for line in lines.decode().splitlines() if json.loads(line)["kind"] in ("journal", "batch")]

    def counts(self):
        return [self.query(f"SELECT CAST(sum({column}) AS BIGINT) FROM {table}")
                for table in ("play_daily", "play_hourly") for column in ("complete", "partial", "shown_ms")]

    def packed(self):
        return self.query("SELECT count(pack) FROM play_batch")

    def test_counts_and_evidence_stay_through_packing_and_kills(self):
        player = self.pair(self.add_screen())
        journal = Journal(player)
        journal.start()
        for _ in range(self.BATCHES):
            journal.play()
        for first in range(1, self.BATCHES + 1):
            answer = player.client.post("/v1/player/plays", journal.batch(first, 1),
                                        Content_Type="application/vnd.bangtin.plays")
            self.assertEqual(answer.status, 200, answer)
        evidence, counts = self.evidence(), self.counts()
        self.assertEqual(len(evidence), self.BATCHES + 1)
        self.sql(f"UPDATE play_batch SET received_ms = received_ms - {2 * DAY_MS}")
        # Whoever reads them does not see when they came; the batches in the evidence say it.
        evidence = [line.replace(str(json.loads(line).get("received_ms")), "") for line in evidence]
        before = -1
        while self.packed() < self.BATCHES:
            self.kill_and_start_again()
            before = self.packed()
            self.until(lambda: self.packed() > before or self.packed() == self.BATCHES, "nothing was packed")
        self.kill_and_start_again()
        self.assertEqual(self.query("SELECT count(body) FROM play_batch"), 0)
        after = [line.replace(str(json.loads(line).get("received_ms")), "") for line in self.evidence()]
        self.assertEqual(after, evidence)
        self.assertEqual(self.counts(), counts)
        # What comes now comes on top of it.
        player.client.server, player.client.connection = self.server, None
        journal.play()
        answer = player.client.post("/v1/player/plays", journal.batch(self.BATCHES + 1, 1),
                                    Content_Type="application/vnd.bangtin.plays")
        self.assertEqual(answer.json["last"], self.BATCHES + 1)

    def play_and_send(self, player, journal, count):
        """Batches of one play each; every one is counted."""
        for _ in range(count):
            journal.play()
            journal.sent = getattr(journal, "sent", 0) + 1
            answer = player.client.post("/v1/player/plays", journal.batch(journal.sent, 1),
                                        Content_Type="application/vnd.bangtin.plays")
            self.assertEqual((answer.status, answer.json["last"]), (200, journal.sent), answer)
            yield

    def test_packing_and_sweeping_beside_ingestion(self):
        """What is two days old goes into packs and hours of long ago go away, while plays come in: nothing waits, nothing
        is lost, nothing is counted twice."""
        player, old_hours = self.pair(self.add_screen()), 40000
        journal = Journal(player)
        journal.start()
        for _ in self.play_and_send(player, journal, self.BATCHES):
            pass
        self.sql(f"UPDATE play_batch SET received_ms = received_ms - {2 * DAY_MS}")
        before = self.counts()
        old = "SELECT count(*) FROM play_hourly WHERE screen = 's-LONGAGO'"
        long_ms = self.query("SELECT CAST(sum(shown_ms) / sum(complete) AS BIGINT) FROM play_daily")
        seen, sent = [], 0
        more = self.play_and_send(player, journal, 100000)
        while not [left for left in seen if 0 < left < old_hours]:  # until some came in between
            self.sql("INSERT INTO play_hourly(day, hour, screen, unit, subject, complete, partial, verified, cards, shown_ms) "
                     f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {old_hours}) "
                     "SELECT 1000 + i / 24, i % 24, 's-LONGAGO', '31333', 1, 1, 0, 0, 0, 10 FROM n")
            self.kill_and_start_again()  # and the day's archive begins
            player.client.server, player.client.connection = self.server, None
            seen = [old_hours]
            while seen[-1] > 0:
                next(more)
                sent += 1
                seen.append(self.query(old))
        self.until(lambda: self.packed() == self.BATCHES, "what is old was not packed")
        self.assertEqual(self.query("SELECT count(*) FROM play_batch WHERE pack IS NULL"), sent, "what is new stays as it is")
        complete, partial, shown, hourly, hourly_partial, hourly_shown = before
        self.assertEqual(self.counts(), [complete + sent, partial, shown + sent * long_ms,
                                         hourly + sent, hourly_partial, hourly_shown + sent * long_ms])
        self.assertEqual(len(self.evidence()), self.BATCHES + sent + 1)


if __name__ == "__main__":
    main()
