#!/usr/bin/env python3
"""Accounts through the server's own door: the first administrator, logging in, roles, units, tokens, the audit log."""

import base64
import hashlib
import http.client
import json
import os
import re
import sqlite3
import subprocess
import threading
import time

from server_harness import PASSWORD, SOURCE, Client, ServerCase, main
from steady import PATIENCE_S

ZEROS = "0" * 64
CLOCK = {"id": "gio", "type": "clock", "seconds": 5}


class AccountsCase(ServerCase):
    prepared = True

    def sql(self, statement):
        """Does to the database what a program with the right to it could do."""
        if self.database:
            subprocess.run(["psql", "--quiet", "--set=ON_ERROR_STOP=1", self.database, "-c", statement], check=True)
            return
        with sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180) as connection:
            connection.execute(statement)
        connection.close()

    def unit(self, admin, code, parent="vn", **more):
        answer = admin.post("/v1/units", {"code": code, "parent": parent, "kind": "commune", "name": f"Xã {code}", **more})
        self.assertEqual(answer.status, 201, answer)
        return answer

    def user(self, admin, login, unit, *roles):
        """An account with roles, logged in."""
        answer = admin.post("/v1/users", {"login": login, "name": login.title(), "unit": unit, "password": PASSWORD})
        self.assertEqual(answer.status, 201, answer)
        client = Client(self.server)
        client.id = answer.json["id"]
        for role in roles:
            self.assertEqual(self.grant(admin, client, unit, role).status, 204)
        return client.login(login)

    def grant(self, admin, user, unit, role):
        return admin.post(f"/v1/users/{user.id}/grants", {"unit": unit, "role": role})

    def pages(self, client, path, limit):
        path += f"{'&' if '?' in path else '?'}limit={limit}"
        items, after = [], ""
        while after is not None:
            answer = client.get(path + after)
            self.assertEqual(answer.status, 200, answer)
            self.assertLessEqual(len(answer.json["items"]), limit)
            items += answer.json["items"]
            after = answer.json["next"] and f"&after={answer.json['next']}"
        return items


class FirstAdministratorTest(AccountsCase):
    prepared = False

    def first(self, secret, **more):
        return self.client().post("/v1/first-administrator", {
            "secret": secret, "login": "dau-tien", "name": "Người Đầu Tiên", "password": PASSWORD, **more})

    def test_the_link_is_good_once(self):
        self.assertProblem(self.first(ZEROS), 403, "secret-refused")
        self.assertProblem(self.first(self.server.first_secret, password="ngắn"), 400, "fields")
        self.assertEqual(self.first(self.server.first_secret).status, 201)
        self.assertProblem(self.first(self.server.first_secret), 403, "secret-refused")
        me = self.client().login("dau-tien").get("/v1/me").json
        self.assertEqual([(grant["unit"], grant["role"]) for grant in me["grants"]], [("vn", "administrator")])
        self.assertFalse(me["change_password"])

    def test_the_next_start_makes_a_new_link_until_there_is_an_account(self):
        old = self.server.first_secret
        self.server.stop()
        server = self._server = self.start()
        self.assertNotEqual(server.first_secret, old)
        self.assertProblem(self.first(old), 403, "secret-refused")
        self.assertEqual(self.first(server.first_secret).status, 201)
        server.stop()
        self.assertIsNone(self.start().first_secret)

    def test_secrets_are_in_no_log_and_no_row(self):
        admin = self.administrator()
        self.client().post("/v1/login", {"login": PASSWORD, "password": "bí mật lắm đấy"})
        token = admin.post("/v1/tokens", {"name": "Máy", "scopes": ["view"], "days": 1},
                                Idempotency_Key="mot-lan").json["token"]
        cookie = admin.headers["Cookie"].split("=")[1]
        self.client().request("GET", "/v1/me", Authorization=f"Bearer {token}")
        secrets = [PASSWORD, "bí mật lắm đấy", token, cookie, admin.headers["X-Bangtin-Token"], self.server.first_secret]
        said = self.server.stop() + self.stored()
        for secret in secrets:
            self.assertNotIn(secret, said)

    def stored(self):
        if self.database:
            dump = "/usr/bin/pg_dump"
            return subprocess.run([dump, self.database], check=True, capture_output=True, text=True).stdout
        with sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db")) as connection:
            return "\n".join(connection.iterdump())


class SessionTest(AccountsCase):
    def setUp(self):
        super().setUp()
        self.admin = self.administrator()

    def test_a_wrong_password_and_an_unknown_login_look_alike(self):
        answers = [self.client().post("/v1/login", {"login": login, "password": "sai mật khẩu rồi"})
                   for login in ("quan-tri", "không ai")]
        for answer in answers:
            self.assertProblem(answer, 401, "login-refused")
            self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(answers[0].body, answers[1].body)

    def test_the_cookie_is_for_us_alone(self):
        answer = self.client().post("/v1/login", {"login": "QUAN-TRI", "password": PASSWORD})
        self.assertRegex(answer.headers["Set-Cookie"], r"^bangtin=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict$")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_writing_needs_the_token_and_our_own_page(self):
        self.unit(self.admin, "92")
        body = {"code": "93", "parent": "vn", "kind": "commune", "name": "Xã"}
        cookie = {"Cookie": self.admin.headers["Cookie"]}
        token = {"X-Bangtin-Token": self.admin.headers["X-Bangtin-Token"]}
        nobody = self.client()
        for headers, name in ((cookie, "token-missing"), ({**cookie, "X-Bangtin-Token": ZEROS}, "token-missing"),
                              ({**cookie, **token, "Origin": "https://xau.example"}, "other-origin"),
                              ({**cookie, **token, "Origin": "null"}, "other-origin"),
                              ({**cookie, **token, "Sec-Fetch-Site": "cross-site"}, "other-origin")):
            self.assertProblem(nobody.post("/v1/units", body, headers=headers), 403, name)
        self.assertEqual(nobody.get("/v1/units", headers=cookie).status, 200)
        self.assertEqual(nobody.post("/v1/units", body, headers={**cookie, **token}).status, 201)

    def test_another_sites_page_cannot_log_a_browser_in(self):
        answer = self.client().post("/v1/login", {"login": "quan-tri", "password": PASSWORD}, Origin="https://xau.example")
        self.assertProblem(answer, 403, "other-origin")

    def test_a_program_carries_its_session_as_a_bearer(self):
        answer = self.client().post("/v1/login", {"login": "quan-tri", "password": PASSWORD, "bearer": True})
        self.assertNotIn("Set-Cookie", answer.headers)
        program = self.client(answer.json["token"])
        self.unit(program, "92")  # no X-Bangtin-Token: no page of another site could send this
        self.assertNotIn("token", program.get("/v1/me").json)
        self.assertEqual(program.post("/v1/tokens", {"name": "Máy", "scopes": ["view"], "days": 1}).status, 201)
        self.assertEqual(program.post("/v1/logout").status, 204)
        self.assertEqual(program.get("/v1/me").status, 401)

    def test_logging_out_ends_the_session(self):
        self.assertEqual(self.admin.get("/v1/me").status, 200)
        answer = self.admin.post("/v1/logout")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])
        self.assertProblem(self.admin.get("/v1/me"), 401, "login-needed")

    def test_sessions_end_when_idle_and_when_old(self):
        for column, ago_ms in (("seen_ms", 30 * 60000 + 1000), ("created_ms", 12 * 3600000 + 1000)):
            client = self.client().login("quan-tri")
            self.assertEqual(client.get("/v1/me").status, 200)
            self.sql(f"UPDATE user_session SET {column} = {column} - {ago_ms}")
            self.assertProblem(client.get("/v1/me"), 401, "login-needed")

    def test_a_session_that_is_used_lives_on(self):
        admin = self.client().login("quan-tri")  # the prepared one has been idle since then
        self.sql("UPDATE user_session SET seen_ms = seen_ms - 25 * 60000")
        self.assertEqual(admin.get("/v1/me").status, 200)  # notes that it was used
        self.sql("UPDATE user_session SET seen_ms = seen_ms - 25 * 60000")
        self.assertEqual(admin.get("/v1/me").status, 200)

    def test_changing_the_password_ends_the_other_sessions(self):
        other = self.client().login("quan-tri")
        wrong = self.admin.put("/v1/me/password", {"old": "sai mật khẩu", "password": "mật khẩu mới dài"})
        self.assertProblem(wrong, 403, "password-wrong")
        self.assertProblem(self.admin.put("/v1/me/password", {"old": PASSWORD, "password": "ngắn"}), 400, "fields")
        self.assertEqual(self.admin.put("/v1/me/password", {"old": PASSWORD, "password": "mật khẩu mới dài"}).status, 204)
        self.assertEqual(self.admin.get("/v1/me").status, 200)
        self.assertEqual(other.get("/v1/me").status, 401)
        self.assertEqual(self.client().post("/v1/login", {"login": "quan-tri", "password": PASSWORD}).status, 401)
        self.client().login("quan-tri", "mật khẩu mới dài")

    def test_guessing_is_slowed_down_where_it_comes_from_and_for_nobody_else(self):
        an = self.user(self.admin, "an", "vn")
        began, guesses = time.monotonic(), self.guess_until_refused()
        self.assertGreaterEqual(guesses, 10)
        self.assertLessEqual(guesses, 11 + (time.monotonic() - began) // 20)  # one more is allowed every 20 s
        answer = self.client().post("/v1/login", {"login": "an", "password": PASSWORD})
        while answer.status != 429:  # a busy machine took so long that one was allowed again
            self.assertLess(time.monotonic() - began, PATIENCE_S)
            self.guess_until_refused()
            answer = self.client().post("/v1/login", {"login": "an", "password": PASSWORD})
        self.assertProblem(answer, 429, "too-many-tries")
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.client().login("quan-tri")
        # Whoever has the right password comes in from any other address, as often as they like.
        for _ in range(3):
            owner = self.client()
            owner.connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=180,
                                                          source_address=("127.0.0.2", 0))
            self.assertEqual(owner.login("an").get("/v1/me").json["id"], an.id)

    def guess_until_refused(self):
        """How many guesses were looked at."""
        for count in range(1000):
            status = self.client().post("/v1/login", {"login": "an", "password": "đoán mò một cái"}).status
            if status == 429:
                return count
            self.assertEqual(status, 401)
        self.fail("anybody may guess for ever")


class TlsSessionTest(AccountsCase):
    engines = ["sqlite"]
    options = ("--tls",)
    prepared = False  # the cookie of a session over TLS has another name

    def test_over_tls_the_cookie_is_bound_to_this_host(self):
        admin = self.administrator()
        answer = self.client().post("/v1/login", {"login": "quan-tri", "password": PASSWORD})
        self.assertRegex(answer.headers["Set-Cookie"],
                         r"^__Host-bangtin=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict; Secure$")
        secret = admin.headers["Cookie"].split("=")[1]
        self.assertEqual(admin.get("/v1/me").status, 200)
        self.assertEqual(self.client().get("/v1/me", headers={"Cookie": f"bangtin={secret}"}).status, 401)


class UsersTest(AccountsCase):
    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        self.unit(self.admin, "92")
        self.unit(self.admin, "31333", "92")
        self.unit(self.admin, "93")

    def test_an_account_is_edited_by_its_revision(self):
        an = self.user(self.admin, "an", "31333", "viewer")
        path = f"/v1/users/{an.id}"
        etag = self.admin.get(path).etag
        body = {"name": "Nguyễn Văn An", "phone": "0900 000 001", "unit": "92", "state": "active"}
        self.assertEqual(self.admin.put(path, body).status, 428)
        answer = self.admin.put(path, body, If_Match=etag)
        self.assertEqual((answer.status, answer.json["name"], answer.json["unit"]), (200, "Nguyễn Văn An", "92"))
        self.assertNotEqual(answer.etag, etag)
        self.assertEqual(self.admin.put(path, body, If_Match=etag).status, 412)
        self.assertEqual(self.admin.put(path, {**body, "la": 1}, If_Match=answer.etag).status, 400)

    def test_a_login_is_taken_once(self):
        self.user(self.admin, "an", "92")
        body = {"login": "an", "name": "An", "unit": "93", "password": PASSWORD}
        self.assertProblem(self.admin.post("/v1/users", body), 409, "login-taken")
        self.assertProblem(self.admin.post("/v1/users", {**body, "login": "An Nguyễn"}), 400, "login-letters")
        self.assertProblem(self.admin.post("/v1/users", {**body, "login": "binh", "unit": "99"}), 400, "no-such-unit")

    def test_disabling_ends_everything_at_once(self):
        an = self.user(self.admin, "an", "92", "viewer")
        token = an.post("/v1/tokens", {"name": "Máy", "scopes": ["view"], "days": 1}).json["token"]
        self.assertEqual(self.client(token).get("/v1/units").status, 200)
        path = f"/v1/users/{an.id}"
        self.client().login("an")
        disabled = self.admin.put(path, {"name": "An", "unit": "92", "state": "disabled"},
                                  If_Match=self.admin.get(path).etag)
        self.assertEqual((disabled.status, disabled.json["ended"]), (200, {"sessions": 2, "tokens": 1}))
        self.assertEqual(an.get("/v1/me").status, 401)
        self.assertEqual(self.client(token).get("/v1/units").status, 401)
        self.assertEqual(self.client().post("/v1/login", {"login": "an", "password": PASSWORD}).status, 401)

    def test_another_password_from_an_administrator_ends_everything_and_says_how_much(self):
        an = self.user(self.admin, "an", "92", "viewer")
        binh = self.user(self.admin, "binh", "92", "viewer")
        token = {"name": "Máy", "scopes": ["view"], "days": 1}
        good, old = (an.post("/v1/tokens", token).json for _ in range(2))
        other = binh.post("/v1/tokens", token).json["token"]
        self.sql(f"UPDATE api_token SET expires_ms = 1 WHERE id = '{old['id']}'")
        path = f"/v1/users/{an.id}"
        reset = self.admin.put(f"{path}/password", {"password": "do người khác đặt"}, If_Match=self.admin.get(path).etag)
        self.assertEqual((reset.status, reset.json["ended"]), (200, {"sessions": 1, "tokens": 1}))
        self.assertEqual(self.client(good["token"]).get("/v1/units").status, 401)
        self.assertEqual(an.get("/v1/me").status, 401)
        # Nobody else's ended, and the log says what did.
        self.assertEqual(self.client(other).get("/v1/units").status, 200)
        self.assertEqual(binh.get("/v1/me").status, 200)
        written = [entry for entry in self.pages(self.admin, "/v1/audit", 200) if entry["verb"] == "user.password"]
        self.assertEqual(json.loads(written[0]["body"])["details"]["ended"], {"sessions": 1, "tokens": 1})
        # The next time there is nothing left to end.
        again = self.admin.put(f"{path}/password", {"password": PASSWORD}, If_Match=reset.etag)
        self.assertEqual(again.json["ended"], {"sessions": 0, "tokens": 0})

    def test_a_password_that_somebody_else_gave_is_to_be_changed(self):
        an = self.user(self.admin, "an", "92", "viewer")
        self.assertTrue(an.get("/v1/me").json["change_password"])
        self.assertEqual(an.put("/v1/me/password", {"old": PASSWORD, "password": "của riêng tôi thôi"}).status, 204)
        self.assertFalse(an.get("/v1/me").json["change_password"])
        path = f"/v1/users/{an.id}"
        self.assertEqual(self.admin.put(f"{path}/password", {"password": PASSWORD}).status, 428)
        etag = self.admin.get(path).etag
        self.assertEqual(self.admin.put(f"{path}/password", {"password": PASSWORD}, If_Match=etag).status, 200)
        self.assertEqual(an.get("/v1/me").status, 401)
        self.assertTrue(an.login("an").get("/v1/me").json["change_password"])

    def test_lists_show_what_the_caller_administers_page_by_page(self):
        for number in range(5):
            self.user(self.admin, f"xa-{number}", "31333")
        self.user(self.admin, "noi-khac", "93")
        chief = self.user(self.admin, "chu-tich", "92", "administrator")
        logins = [user["login"] for user in self.pages(chief, "/v1/users", 2)]
        self.assertEqual(logins, ["chu-tich"] + [f"xa-{number}" for number in range(5)])
        self.assertEqual(len(self.pages(self.admin, "/v1/users", 3)), 8)
        self.assertEqual([user["login"] for user in self.pages(self.admin, "/v1/users?unit=93", 3)], ["noi-khac"])
        for query in ("limit=0", "limit=201", "limit=x"):
            self.assertEqual(self.admin.get(f"/v1/users?{query}").status, 400)

    def test_an_administrator_of_a_commune_cannot_climb(self):
        chief = self.user(self.admin, "chu-tich", "31333", "administrator")
        an = self.user(self.admin, "an", "31333", "viewer")
        self.assertEqual(self.grant(chief, an, "31333", "publisher").status, 204)
        for unit in ("92", "93", "vn"):
            self.assertProblem(self.grant(chief, chief, unit, "administrator"), 403, "not-allowed")
        # Whoever could give this account another password would have its role in the province.
        self.assertEqual(self.grant(self.admin, an, "92", "administrator").status, 204)
        path = f"/v1/users/{an.id}"
        etag = chief.get(path).etag
        self.assertProblem(chief.put(f"{path}/password", {"password": PASSWORD}, If_Match=etag), 403, "not-allowed")
        edit = {"name": "An", "unit": "31333", "state": "disabled"}
        self.assertProblem(chief.put(path, edit, If_Match=etag), 403, "not-allowed")
        self.assertProblem(chief.get("/v1/audit/check"), 403, "not-allowed")

    def test_the_last_administrator_stays(self):
        me = self.admin.get("/v1/me").json
        path = f"/v1/users/{me['id']}"
        self.assertProblem(self.admin.delete(f"{path}/grants/vn/administrator"), 409, "last-administrator")
        disable = {"name": "Tôi", "unit": "vn", "state": "disabled"}
        self.assertProblem(self.admin.put(path, disable, If_Match=self.admin.get(path).etag), 409, "last-administrator")
        self.user(self.admin, "thu-hai", "vn", "administrator")
        self.assertEqual(self.admin.delete(f"{path}/grants/vn/administrator").status, 204)
        self.assertEqual(self.admin.get("/v1/users").status, 403)

    def test_roles_are_given_listed_and_taken(self):
        an = self.user(self.admin, "an", "92")
        self.assertProblem(an.get("/v1/units"), 403, "not-allowed")
        self.assertProblem(self.grant(self.admin, an, "92", "owner"), 400, "no-such-role")
        for role in ("viewer", "viewer", "technician"):
            self.assertEqual(self.grant(self.admin, an, "92", role).status, 204)
        grants = self.pages(self.admin, f"/v1/users/{an.id}/grants", 1)
        self.assertEqual([(g["unit"], g["role"]) for g in grants], [("92", "technician"), ("92", "viewer")])
        self.assertEqual([unit["code"] for unit in an.get("/v1/units").json["items"]], ["92", "31333"])
        self.assertEqual(self.admin.delete(f"/v1/users/{an.id}/grants/92/viewer").status, 204)
        self.assertEqual(self.admin.delete(f"/v1/users/{an.id}/grants/92/viewer").status, 404)
        self.assertEqual(self.admin.delete(f"/v1/users/{an.id}/grants/92/technician").status, 204)
        self.assertEqual(an.get("/v1/units").status, 403)


class UnitsTest(AccountsCase):
    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        for code, parent in (("92", "vn"), ("916", "92"), ("31333", "916"), ("31336", "916"), ("93", "vn")):
            self.unit(self.admin, code, parent)

    def put(self, code, **body):
        path = f"/v1/units/{code}"
        now = self.admin.get(path)
        return self.admin.put(path, {"kind": "commune", "name": f"Xã {code}", **body}, If_Match=now.etag)

    def paths(self, client=None):
        return {unit["code"]: unit["path"] for unit in self.pages(client or self.admin, "/v1/units", 2)}

    def test_the_tree_comes_in_order_page_by_page(self):
        units = self.pages(self.admin, "/v1/units", 2)
        self.assertEqual([unit["code"] for unit in units], ["vn", "92", "916", "31333", "31336", "93"])
        self.assertEqual(self.paths()["31333"], "/vn/92/916/31333/")

    def test_when_districts_are_abolished_communes_move_up(self):
        an = self.user(self.admin, "an", "916", "viewer")
        binh = self.user(self.admin, "binh", "31333", "viewer")
        for code in ("31333", "31336"):
            answer = self.put(code, parent="92")
            self.assertEqual((answer.status, answer.json["path"]), (200, f"/vn/92/{code}/"))
        self.assertEqual(self.put("916", parent="92", until_ms=1751328000000).json["until_ms"], 1751328000000)
        self.assertEqual(set(self.paths(an)), {"916"})
        self.assertEqual(set(self.paths(binh)), {"31333"})

    def test_a_unit_moves_with_all_below_it(self):
        etag = self.admin.get("/v1/units/31333").etag
        self.assertEqual(self.put("916", parent="93").status, 200)
        self.assertEqual(self.paths()["31333"], "/vn/93/916/31333/")
        moved = self.admin.get("/v1/units/31333")
        self.assertEqual(moved.json["parent"], "916")
        self.assertNotEqual(moved.etag, etag)

    def test_a_unit_does_not_move_below_itself_or_out_of_the_movers_hands(self):
        for parent in ("916", "31333", "999"):
            self.assertProblem(self.put("916", parent=parent), 409, "parent-refused")
        chief = self.user(self.admin, "chu-tich", "92", "administrator")
        body = {"parent": "93", "kind": "district", "name": "Huyện"}
        self.assertProblem(chief.put("/v1/units/916", body, If_Match=chief.get("/v1/units/916").etag), 403, "not-allowed")
        self.assertProblem(chief.get("/v1/units/93"), 403, "not-allowed")
        self.assertProblem(chief.get("/v1/units/999"), 404, "no-such-unit")
        root = self.admin.get("/v1/units/vn")
        self.assertEqual(self.admin.put("/v1/units/vn", {**body}, If_Match=root.etag).status, 400)
        named = self.admin.put("/v1/units/vn", {"kind": "province", "name": "Thành phố Cần Thơ"}, If_Match=root.etag)
        self.assertEqual((named.status, named.json["name"]), (200, "Thành phố Cần Thơ"))

    def test_which_unit_is_the_province_is_said_at_the_top(self):
        chief = self.user(self.admin, "chu-tich", "92", "administrator")
        body = {"kind": "province", "name": "Tỉnh khác"}
        self.assertProblem(chief.post("/v1/units", {**body, "code": "95", "parent": "92"}), 403, "not-allowed")
        etag = chief.get("/v1/units/916").etag
        self.assertProblem(chief.put("/v1/units/916", {**body, "parent": "92"}, If_Match=etag), 403, "not-allowed")
        self.assertEqual(self.put("92", **body, parent="vn").status, 200)
        etag = chief.get("/v1/units/92").etag
        self.assertProblem(chief.put("/v1/units/92", {**body, "parent": "vn", "kind": "office"}, If_Match=etag), 403, "not-allowed")
        renamed = chief.put("/v1/units/92", {**body, "parent": "vn", "name": "Tỉnh này"}, If_Match=etag)
        self.assertEqual((renamed.status, renamed.json["name"]), (200, "Tỉnh này"))

    def test_the_tree_has_a_depth(self):
        parent = "93"
        for level in range(20):
            answer = self.admin.post("/v1/units", {"code": f"{level:023}", "parent": parent, "kind": "x", "name": "x"})
            if answer.status != 201:
                break
            parent = f"{level:023}"
        self.assertProblem(answer, 409, "too-deep")
        self.assertProblem(self.put("93", parent="31333"), 409, "too-deep")
        self.assertEqual(self.paths()["93"], "/vn/93/")

    def test_what_is_no_unit_is_refused(self):
        body = {"code": "94", "parent": "vn", "kind": "commune", "name": "Xã"}
        for wrong in ({"code": "A B"}, {"code": "../92"}, {"code": ""}, {"code": "9" * 25}, {"name": ""}, {"parent": "999"},
                      {"from_ms": 10, "until_ms": 10}, {"from_ms": 0.5}, {"until_ms": "sau"}, {"la": True}):
            self.assertEqual(self.admin.post("/v1/units", {**body, **wrong}).status, 400, wrong)
        self.assertProblem(self.admin.post("/v1/units", {**body, "code": "92"}), 409, "code-taken")

    def test_former_codes_lead_to_the_unit(self):
        alias = {"code": "31339", "name": "Xã Cũ", "until_ms": 1751328000000}
        self.assertEqual(self.admin.post("/v1/units/31333/aliases", alias).status, 204)
        self.assertProblem(self.admin.post("/v1/units/31333/aliases", alias), 409, "alias-taken")
        self.assertEqual(self.admin.get("/v1/units/31333/aliases").json["items"], [{**alias, "from_ms": None}])
        self.assertEqual([unit["code"] for unit in self.admin.get("/v1/units?alias=31339").json["items"]], ["31333"])
        self.assertEqual(self.admin.delete("/v1/units/31333/aliases/31339").status, 204)
        self.assertEqual(self.admin.get("/v1/units?alias=31339").json["items"], [])

    def test_only_what_nobody_uses_is_removed(self):
        def remove(code):
            return self.admin.delete(f"/v1/units/{code}", If_Match=self.admin.get(f"/v1/units/{code}").etag)
        self.user(self.admin, "an", "31333", "viewer")
        for code in ("vn", "916", "31333"):
            self.assertProblem(remove(code), 409, "unit-used")
        self.assertEqual(self.admin.delete("/v1/units/31336").status, 428)
        self.assertEqual(remove("31336").status, 204)
        self.assertEqual(self.admin.get("/v1/units/31336").status, 404)

    def test_the_same_request_again_is_done_once(self):
        body = {"code": "94", "parent": "vn", "kind": "commune", "name": "Xã"}
        first, again = [self.admin.post("/v1/units", body, Idempotency_Key="k-1") for _ in range(2)]
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first.body, again.body)
        self.assertProblem(self.admin.post("/v1/units", body), 409, "code-taken")


class TokensTest(AccountsCase):
    def setUp(self):
        super().setUp()
        self.admin = self.administrator()

    def token(self, *scopes, client=None):
        answer = (client or self.admin).post("/v1/tokens", {"name": "Máy", "scopes": list(scopes), "days": 30})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def test_a_token_does_what_its_scopes_name(self):
        viewer = self.client(self.token("view")["token"])
        self.assertEqual(viewer.get("/v1/units").status, 200)
        self.assertEqual(viewer.get("/v1/me").json["scopes"], ["view"])
        self.assertProblem(viewer.get("/v1/users"), 403, "not-allowed")
        body = {"code": "92", "parent": "vn", "kind": "province", "name": "Tỉnh"}
        self.assertProblem(viewer.post("/v1/units", body), 403, "not-allowed")
        ruler = self.client(self.token("administer")["token"])
        self.assertEqual(ruler.post("/v1/units", body).status, 201)
        self.assertProblem(ruler.get("/v1/units"), 403, "not-allowed")

    def test_a_token_gives_no_more_than_its_user_has(self):
        an = self.user(self.admin, "an", "vn", "viewer")
        token = self.client(self.token("view", "administer", client=an)["token"])
        self.assertEqual(token.get("/v1/units").status, 200)
        self.assertProblem(token.get("/v1/users"), 403, "not-allowed")

    def test_a_token_makes_no_tokens_and_changes_no_password(self):
        token = self.client(self.token("view", "administer")["token"])
        more = {"name": "Nữa", "scopes": ["view"], "days": 1}
        self.assertProblem(token.post("/v1/tokens", more), 403, "session-needed")
        change = {"old": PASSWORD, "password": "mật khẩu khác hẳn"}
        self.assertProblem(token.put("/v1/me/password", change), 403, "session-needed")

    def test_tokens_end(self):
        one, two = self.token("view"), self.token("view")
        self.assertEqual(len(self.pages(self.admin, "/v1/tokens", 1)), 2)
        self.assertEqual(self.admin.delete(f"/v1/tokens/{one['id']}").status, 204)
        self.assertEqual(self.client(one["token"]).get("/v1/me").status, 401)
        self.assertEqual(self.client(two["token"]).get("/v1/me").status, 200)
        self.sql("UPDATE api_token SET expires_ms = 1")
        self.assertEqual(self.client(two["token"]).get("/v1/me").status, 401)
        an = self.user(self.admin, "an", "vn", "viewer")
        self.assertEqual(an.delete(f"/v1/tokens/{two['id']}").status, 404)

    def test_what_is_no_token_is_refused(self):
        body = {"name": "Máy", "scopes": ["view"], "days": 1}
        for wrong in ({"scopes": []}, {"scopes": ["all"]}, {"scopes": ["none"]}, {"scopes": "view"}, {"scopes": [1]},
                      {"scopes": ["view upload"]}, {"scopes": ["view"] * 40}, {"days": 0}, {"days": 367}, {"name": ""}):
            self.assertEqual(self.admin.post("/v1/tokens", {**body, **wrong}).status, 400, wrong)
        for bearer in (ZEROS, "", "x", "Bearer", "é", "0" * 5000):
            headers = {"Authorization": f"Bearer {bearer}".encode()}
            self.assertEqual(self.client().get("/v1/me", headers=headers).status, 401, bearer[:10])


class AuditTest(AccountsCase):
    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        self.unit(self.admin, "92")
        self.unit(self.admin, "93")

    def test_anybody_can_follow_the_chain(self):
        an = self.user(self.admin, "an", "92", "viewer")
        self.admin.delete(f"/v1/users/{an.id}/grants/92/viewer")
        entries = self.pages(self.admin, "/v1/audit?order=oldest", 3)
        previous = bytes(32)
        for number, entry in enumerate(entries, 1):
            previous = hashlib.sha256(previous + entry["body"].encode()).digest()
            self.assertEqual((entry["seq"], entry["hash"]), (number, previous.hex()))
            body = json.loads(entry["body"])
            self.assertEqual({key: body[key] for key in ("seq", "at_ms", "actor", "verb", "object", "unit")},
                             {key: entry[key] for key in ("seq", "at_ms", "actor", "verb", "object", "unit")})
        verbs = [entry["verb"] for entry in entries]
        for verb in ("user.first", "session.open", "unit.create", "user.create", "grant.add", "grant.remove"):
            self.assertIn(verb, verbs)
        newest = self.pages(self.admin, "/v1/audit", 3)
        self.assertEqual(newest, entries[::-1])
        found = self.admin.get("/v1/audit/check").json
        self.assertEqual(found, {"intact": True, "entries": len(entries), "head": previous.hex(), "first_bad": None})

    def test_what_is_changed_behind_the_servers_back_is_found(self):
        self.sql("UPDATE audit SET body = replace(body, 'unit/92', 'unit/94') WHERE object = 'unit/92'")
        found = self.admin.get("/v1/audit/check").json
        self.assertFalse(found["intact"])
        self.assertEqual(found["first_bad"], next(
            entry["seq"] for entry in self.pages(self.admin, "/v1/audit", 50) if entry["object"] == "unit/92"))

    def test_administrators_see_their_own_units(self):
        chief = self.user(self.admin, "chu-tich", "92", "administrator")
        self.assertEqual({entry["unit"] for entry in self.pages(chief, "/v1/audit", 50)}, {"92"})
        self.assertEqual({entry["unit"] for entry in self.pages(self.admin, "/v1/audit?unit=93", 50)}, {"93"})
        self.assertProblem(self.user(self.admin, "an", "92", "viewer").get("/v1/audit"), 403, "not-allowed")

    def test_many_writers_make_one_chain(self):
        def write(client, writer):
            for number in range(10):
                body = {"code": f"w{writer}-{number}", "parent": "92", "kind": "x", "name": "x"}
                done.append(client.post("/v1/units", body).status)
        done, before = [], self.admin.get("/v1/audit/check").json["entries"]
        clients = [self.client().login("quan-tri") for _ in range(6)]
        threads = [threading.Thread(target=write, args=(client, writer)) for writer, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(done, [201] * 60)
        found = self.admin.get("/v1/audit/check").json
        self.assertEqual((found["intact"], found["entries"]), (True, before + 6 + 60))

    def test_what_was_refused_is_not_written_down_as_done(self):
        before = self.admin.get("/v1/audit/check").json["entries"]
        self.admin.post("/v1/units", {"code": "92", "parent": "vn", "kind": "x", "name": "x"})
        self.assertEqual(self.admin.get("/v1/audit/check").json["entries"], before)


def expected_routes():
    """Method, path, where and for whom, as tests/data/access.txt says."""
    with open(os.path.join(SOURCE, "tests", "data", "access.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                method, path, where, *who = line.split()
                yield method, path, where, who


class StrangerTest(AccountsCase):
    """Who may do everything in one commune may do nothing to what belongs to another."""

    ROLES = ("viewer", "uploader", "reviewer", "publisher", "screen-operator", "technician", "duty-officer", "reporter",
             "administrator")
    # What needs keys or a player to be there at all: tests of those parts try it.
    ELSEWHERE = ("/v1/players/", "/v1/pairings/", "/v1/media/", "/v1/proposals", "/v1/emergencies",
                 "/v1/settings", "/v1/plays/journals/", "/v1/reports/", "/v1/alerts/")

    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        self.unit(self.admin, "92")
        self.unit(self.admin, "93")
        self.stranger = self.user(self.admin, "nguoi-la", "92", *self.ROLES)
        self.owner = self.user(self.admin, "chu-nha", "93", "viewer")

    def make(self, path, **body):
        answer = self.admin.post(path, body if "screen" in body else {"unit": "93", **body})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def upload(self):
        answer = self.admin.post("/v1/uploads", headers={
            "Tus-Resumable": "1.0.0", "Upload-Length": "5",
            "Upload-Metadata": "unit " + base64.b64encode(b"93").decode() + ",title " + base64.b64encode(b"Anh").decode()})
        self.assertEqual(answer.status, 201, answer)
        return answer.headers["Location"].rsplit("/", 1)[1]

    def things(self):
        """What stands for the name in a path."""
        recipe = {"canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh", "playlist": "c"}],
                  "playlists": [{"name": "c", "items": [CLOCK]}]}
        screen = self.make("/v1/screens", name="Cổng chào", width=320, height=180, kind="gate")
        return {
            "/v1/enrolments/{enrolment}": self.make("/v1/enrolments", screen=screen, public_key="ab" * 32, days=1),
            "/v1/users/{user}": self.owner.id, "/v1/units/{unit}": "93", "/v1/uploads/{upload}": self.upload(),
            "/v1/screens/{screen}": screen,
            "/v1/groups/{group}": self.make("/v1/groups", name="Quảng trường"),
            "/v1/playlists/{id}": self.make("/v1/playlists", name="Chung", items=[CLOCK]),
            "/v1/campaigns/{id}": self.make("/v1/campaigns", name="Tết"),
            "/v1/schedules/{id}": self.make("/v1/schedules", name="Sáng", rules=[{"zone": "chinh", "playlist": "c"}]),
            "/v1/publications/{id}": self.make("/v1/publications", layer="unit", name="cho", title="Chợ", recipe=recipe),
            "/v1/webhooks/{webhook}": self.make("/v1/webhooks", url="https://canh-bao.test/"),
            "/v1/takedowns/{id}": self.make("/v1/takedowns", assets=[ZEROS], reason="Thử"),
        }

    def test_nothing_of_another_commune_is_touched(self):
        things, tried = self.things(), 0
        for method, template, where, _ in expected_routes():
            if where != "here" or template.startswith(self.ELSEWHERE):
                continue
            path = template
            for beginning, thing in things.items():
                if template.startswith(beginning):
                    path = beginning[:beginning.index("{")] + thing + template[len(beginning):]
            path = path.replace("{unit}/{role}", "93/viewer").replace("{alias}", "x")
            self.assertNotIn("{", path)
            body = {"unit": "93", "parent": "93", "screen": things["/v1/screens/{screen}"]} if method == "POST" and template != "/v1/uploads" else None
            more = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "unit OTM=,title eA==",
                    "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"} if "uploads" in path else {}
            answer = self.stranger.request(method, path, body, more, check=False)
            if answer.status == 413:  # wants no body
                answer = self.stranger.request(method, path, None, more, check=False)
            self.assertIn(b"urn:bangtin:not-allowed", answer.body, f"{method} {path}: {answer}")
            tried += 1
        self.assertGreater(tried, 45)


class GateTest(AccountsCase):
    """Every route, through the door: tests/data/access.txt says for whom it is."""

    def routes(self):
        for method, path, _, who in expected_routes():
            yield method, re.sub(r"\{[^}]*\}", "2", path), who[0]

    def ask(self, client, method, path):
        return client.request(method, path, check=False)

    def test_who_is_not_logged_in_gets_nowhere(self):
        client = self.client()
        for method, path, who in self.routes():
            if who != "anyone":
                self.assertEqual(self.ask(client, method, path).status, 401, f"{method} {path}")

    def test_who_has_no_role_gets_nowhere(self):
        an = self.user(self.administrator(), "an", "vn")
        for method, path, who in self.routes():
            if who == "player":
                self.assertEqual(self.ask(an, method, path).status, 401, f"{method} {path}")
            elif who not in ("anyone", "user"):
                self.assertIn(self.ask(an, method, path).status, (400, 403, 404), f"{method} {path}")

    def test_the_program_describes_every_route(self):
        described = self.server.spec.document["paths"]
        def is_described(method, path):
            if path.endswith("...}"):  # OpenAPI has no word for the rest of a path
                return any(other.startswith(path[:path.index("{")]) for other in described)
            return method.lower() in described.get(path, {})
        self.assertEqual([f"{method} {path}" for method, path, *_ in expected_routes() if not is_described(method, path)], [])


if __name__ == "__main__":
    main()
