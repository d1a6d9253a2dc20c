#!/usr/bin/env python3
"""Settings through the server's own door: what a unit says holds below it, and only administrators say it."""

import json
import os
import subprocess

from server_harness import BUILD, PASSWORD, Client, ServerCase, main


class SettingsTest(ServerCase):
    def value(self, client, unit, name="report_month_day"):
        answer = client.get(f"/v1/settings/{name}?unit={unit}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json["value"], answer.json["from"]

    def put(self, client, unit, value, name="report_month_day", etag=None):
        etag = etag or client.get(f"/v1/settings/{name}?unit={unit}").etag
        return client.request("PUT", f"/v1/settings/{name}?unit={unit}", {"value": value}, If_Match=etag)

    def units(self, admin):
        for code, parent in (("92", "vn"), ("31333", "92"), ("91", "vn")):
            answer = admin.post("/v1/units", {"code": code, "parent": parent, "kind": "commune", "name": f"Xã {code}"})
            self.assertEqual(answer.status, 201, answer)

    def test_a_value_holds_below_the_unit_that_says_it(self):
        admin = self.administrator()
        self.units(admin)
        self.assertEqual(self.value(admin, "31333"), ("20", ""))
        self.assertEqual(self.put(admin, "92", "15").status, 200)
        self.assertEqual(self.value(admin, "31333"), ("15", "92"))
        self.assertEqual(self.value(admin, "91"), ("20", ""))
        self.assertProblem(self.put(admin, "92", "16", etag='"0"'), 412, "changed")
        for wrong in ("29", "x", ""):
            self.assertProblem(self.put(admin, "92", wrong), 400, "fields")
        self.assertProblem(self.put(admin, "92", "12", name="keep_batches_months"), 409, "setting-of-the-server")
        self.assertEqual(self.put(admin, "92", None).status, 200)
        self.assertEqual(self.value(admin, "31333"), ("20", ""))
        items = admin.get("/v1/settings?unit=31333").json["items"]
        self.assertIn("report_half_1", [item["name"] for item in items])
        self.assertEqual(admin.get("/v1/settings/nothing").status, 404)
        self.assertEqual(admin.get("/v1/settings?unit=nowhere").status, 404)
        verbs = [entry["verb"] for entry in admin.get("/v1/audit").json["items"]]
        self.assertEqual(verbs.count("setting.change"), 2)

    def test_only_administrators_of_the_unit_change_it(self):
        admin = self.administrator()
        self.units(admin)
        people = {}
        for login, unit, role in (("xem", "92", "viewer"), ("quan-tri-xa", "92", "administrator")):
            answer = admin.post("/v1/users", {"login": login, "name": login, "unit": unit, "password": PASSWORD})
            admin.post(f"/v1/users/{answer.json['id']}/grants", {"unit": unit, "role": role})
            people[login] = Client(self.server).login(login)
        self.assertEqual(self.value(people["xem"], "31333"), ("20", ""))
        self.assertEqual(self.put(people["xem"], "92", "15").status, 403)
        self.assertEqual(self.put(people["quan-tri-xa"], "92", "15").status, 200)
        self.assertEqual(people["quan-tri-xa"].request(
            "PUT", "/v1/settings/report_month_day", {"value": "9"}, If_Match='"0"').status, 403)

    def test_the_command_line_tool(self):
        admin = self.administrator()
        self.units(admin)
        environment = {**os.environ, "XDG_CONFIG_HOME": self.directory}
        program = os.path.join(BUILD, "cli", "bangtin")
        token = admin.post("/v1/tokens", {"name": "thu", "scopes": ["view", "administer"], "days": 1}).json["token"]
        secret = os.path.join(self.directory, "token")
        with open(secret, "w") as file:
            file.write(token)

        def bangtin(*arguments):
            return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=180)
        login = bangtin("login", self.server.origin, "--token-file", secret)
        self.assertEqual(login.returncode, 0, login)
        self.assertEqual(bangtin("setting", "set", "92", "report_half_1", "10/6").returncode, 0)
        listed = json.loads(bangtin("setting", "list", "--unit", "31333", "--json").stdout)
        found = [item for item in listed if item["name"] == "report_half_1"][0]
        self.assertEqual((found["value"], found["from"]), ("10/6", "92"))
        refused = bangtin("setting", "set", "92", "report_half_1", "31/6")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("15/6", refused.stderr)
        self.assertEqual(bangtin("setting", "reset", "92", "report_half_1").returncode, 0)
        self.assertEqual(self.value(admin, "31333", "report_half_1"), ("15/6", ""))


if __name__ == "__main__":
    main()
