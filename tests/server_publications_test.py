#!/usr/bin/env python3
"""From a draft to what players fetch: keys held elsewhere, proposals, signatures, takedowns,
emergencies; through the real server, with our own TUF client as the judge."""

import concurrent.futures
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
    import jsonschema
except ImportError:
    print("python3-cryptography or python3-jsonschema is not installed")
    sys.exit(77)

from server_harness import BUILD, PASSWORD, ServerCase, main

BANGTIN = os.path.join(BUILD, "cli", "bangtin")
PICTURE = hashlib.sha256(b"a picture").hexdigest()
LATER = "2036-01-01T00:00:00Z"


def canonical(value):
    """OLPC's canonical JSON, for values without control characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Key:
    """Somebody's Ed25519 key, never seen by the server."""

    def __init__(self, holder, key_class="file"):
        self.private = ed25519.Ed25519PrivateKey.generate()
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        bare = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw.hex()}}
        self.keyid = hashlib.sha256(canonical(bare)).hexdigest()
        self.public = {**bare, "x-holder": holder, "x-class": key_class}

    def sign(self, signed):
        return {"keyid": self.keyid, "sig": self.private.sign(canonical(signed)).hex()}


def table(keys):
    return {key.keyid: key.public for key in keys}


def ring(keys, threshold):
    return {"keyids": [key.keyid for key in keys], "threshold": threshold}


def envelope(signed, *keys):
    return {"signed": signed, "signatures": [key.sign(signed) for key in keys]}


def listed(text):
    raw = text.encode()
    return {"length": len(raw), "hashes": {"sha256": hashlib.sha256(raw).hexdigest()}}


def recipe(text="Kính chào quý khách", item="chao", **more):
    return {"playlists": [{"name": "chung", "items": [{"id": item, "type": "text", "text": text, "seconds": 8}]}],
            "canvas": {"width": 320, "height": 180}, "zones": [{"name": "chinh", "playlist": "chung"}], **more}


def picture_recipe(**more):
    items = [{"id": "anh", "type": "image", "asset": PICTURE, "seconds": 10}]
    return recipe(playlists=[{"name": "chung", "items": items}], **more)


class PublicationCase(ServerCase):
    """A province with one commune, and everybody's keys."""

    def setUp(self):
        super().setUp()
        self.admin = self.administrator()
        for code, parent, kind in (("92", "vn", "province"), ("31333", "92", "commune"), ("31334", "92", "commune")):
            answer = self.admin.post("/v1/units", {"code": code, "parent": parent, "kind": kind, "name": f"Đơn vị {code}"})
            self.assertEqual(answer.status, 201, answer)
        self.heads = [Key("truong"), Key("pho")]
        self.province = [Key("an"), Key("binh")]
        self.commune = [Key("chi"), Key("dung"), Key("chi"), Key("giang", "browser"), Key("hai", "browser")]
        self.technician, self.duty = Key("ky-thuat"), Key("truc")

    def execute(self, sql):
        if self.engine == "postgresql":
            subprocess.run(["psql", "--quiet", self.database, "-c", sql], check=True)
        else:
            database = sqlite3.connect(os.path.join(self.directory, "data", "bangtin.db"), timeout=180)
            with database:
                database.execute(sql)
            database.close()

    def add_asset(self, state="ready"):
        self.execute("INSERT INTO asset (sha256, size, type, kind, width, height, duration_ms, state, report, created_ms) "
                     f"VALUES ('{PICTURE}', 9, 'image/png', 'picture', 320, 180, 0, '{state}', '{{}}', 0)")

    def root(self, version=1, **more):
        online = self.admin.get("/v1/repository/keys").json
        keys = table(self.heads + self.province)
        roles = {"root": ring(self.heads, 2), "targets": ring(self.province, 2)}
        for role, public in online.items():
            bare = {name: public[name] for name in ("keytype", "scheme", "keyval")}
            keyid = hashlib.sha256(canonical(bare)).hexdigest()
            keys[keyid] = public
            roles[role] = {"keyids": [keyid], "threshold": 1}
        return {"_type": "root", "spec_version": "1.0.31", "version": version, "expires": LATER,
                "consistent_snapshot": True, "keys": keys, "roles": roles, **more}

    def targets(self, version=1, **more):
        def delegation(role, keys, threshold, path):
            return {"name": role, "paths": [path], "terminating": True, **ring(keys, threshold)}
        roles = [delegation("u-31333", self.commune, 2, "u/31333/*"),
                 delegation("s-31333", [self.technician], 1, "s/31333/*"),
                 delegation("em-31333", [self.duty], 1, "em/31333/*")]
        keys = table(self.commune + [self.technician, self.duty])
        return {"_type": "targets", "spec_version": "1.0.31", "version": version, "expires": LATER, "targets": {},
                "delegations": {"keys": keys, "roles": roles}, **more}

    def submit(self, role, document, client=None, **more):
        return (client or self.admin).post("/v1/repository/metadata", {"role": role, "document": document, **more})

    def found(self):
        """Root and targets, as the province's heads and approvers make them."""
        answer = self.submit("root", envelope(self.root(), *self.heads))
        self.assertEqual(answer.status, 201, answer)
        answer = self.submit("targets", envelope(self.targets(), *self.province))
        self.assertEqual(answer.status, 201, answer)

    def draft(self, content=None, name="quang-truong", layer="unit", unit="31333"):
        answer = self.admin.post("/v1/publications", {"unit": unit, "layer": layer, "name": name, "title": "Thử",
                                                      "recipe": content or recipe()})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def propose(self, *publications, role="u-31333", **more):
        answer = self.admin.post("/v1/proposals", {"role": role, "publications": list(publications), **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def sign(self, proposal, key, signed=None):
        if signed is None:
            answer = self.admin.get(f"/v1/proposals/{proposal}/to-sign")
            self.assertEqual(answer.status, 200, answer)
            signed = answer.json["metadata"]
        return self.admin.post(f"/v1/proposals/{proposal}/signatures", key.sign(signed))

    def publish(self, *publications, **more):
        proposal = self.propose(*publications, **more)
        for key in self.commune[:2]:
            answer = self.sign(proposal, key)
            self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["state"], "published", answer)
        return proposal

    def state(self, publication):
        return self.admin.get(f"/v1/publications/{publication}").json["state"]

    def timestamp(self):
        return self.client().get("/tuf/metadata/timestamp.json").json["signed"]

    def snapshot(self):
        version = self.timestamp()["meta"]["snapshot.json"]["version"]
        return self.client().get(f"/tuf/metadata/{version}.snapshot.json").json["signed"]["meta"]

    def tuf(self, *command):
        base = f"{self.server.origin}/tuf"
        folder = os.path.join(self.directory, "tuf")
        os.makedirs(os.path.join(folder, "targets"), exist_ok=True)
        return subprocess.run([BANGTIN, "tuf", "--metadata-dir", os.path.join(folder, "metadata"), "--metadata-url",
                               f"{base}/metadata", "--target-dir", os.path.join(folder, "targets"), "--target-base-url",
                               f"{base}/targets", *command], capture_output=True, text=True, check=False)

    def fetch(self, target):
        """The target's text by our own TUF client from the pinned root on; None when there is none."""
        folder = os.path.join(self.directory, "tuf")
        os.makedirs(os.path.join(folder, "metadata"), exist_ok=True)
        if not os.path.exists(os.path.join(folder, "root.json")):
            with open(os.path.join(folder, "root.json"), "wb") as file:
                file.write(self.client().get("/tuf/metadata/1.root.json").body)
            done = self.tuf("init", os.path.join(folder, "root.json"))
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.tuf("refresh")
        self.assertEqual(done.returncode, 0, done.stderr)
        if self.tuf("--target-name", target, "download").returncode != 0:
            return None
        found = [os.path.join(path, name) for path, _, names in os.walk(os.path.join(folder, "targets"))
                 for name in names]
        texts = []
        for path in found:
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
            os.remove(path)
        self.assertEqual(len(texts), 1)
        return texts[0]


class Publishing(PublicationCase):
    def test_two_approvers_sign_and_a_tuf_client_sees_it(self):
        self.found()
        publication = self.draft()
        self.assertEqual(self.state(publication), "draft")
        self.assertIsNone(self.fetch("u/31333/quang-truong.json"))
        before = self.timestamp()["version"]
        proposal = self.propose(publication)
        self.assertEqual(self.state(publication), "proposed")
        answer = self.sign(proposal, self.commune[0])
        self.assertEqual((answer.status, answer.json["state"]), (200, "open"))
        self.assertEqual(self.timestamp()["version"], before)
        self.assertIsNone(self.fetch("u/31333/quang-truong.json"))
        answer = self.sign(proposal, self.commune[1])
        self.assertEqual((answer.status, answer.json["state"]), (200, "published"))
        self.assertEqual(self.state(publication), "published")
        self.assertEqual(self.timestamp()["version"], before + 1)
        document = json.loads(self.fetch("u/31333/quang-truong.json"))
        self.assertEqual((document["id"], document["version"], document["layer"], document["unit"]),
                         ("u.31333.quang-truong", 1, "unit", "Đơn vị 31333"))
        self.assertEqual(self.snapshot()["u-31333.json"]["version"], 1)

    def test_what_is_signed_is_shown_whole(self):
        self.found()
        self.add_asset()
        self.publish(self.draft(picture_recipe()))
        second = recipe(playlists=[{"name": "chung", "items": [{"id": "moi", "type": "clock"}]}])
        answer = self.admin.get(f"/v1/proposals/{self.propose(self.draft(second))}/to-sign").json
        change, = answer["changes"]
        self.assertEqual((answer["role"], answer["threshold"], change["change"]), ("u-31333", 2, "changed"))
        self.assertEqual(set(answer["keys"]), {key.keyid for key in self.commune})
        self.assertEqual(answer["metadata"]["version"], answer["base"]["signed"]["version"] + 1)
        self.assertEqual(answer["metadata"]["targets"], {change["path"]: listed(change["document"])})
        self.assertEqual(answer["base"]["signed"]["targets"], {change["path"]: listed(change["present"])})
        self.assertEqual([(item["id"], item["change"]) for item in change["items"]], [("moi", "added"), ("anh", "removed")])
        self.assertEqual((change["assets"], change["parts"]), ([], ["playlists"]))
        self.assertEqual(json.loads(change["document"])["version"], 2)

    def test_people_are_counted_not_keys(self):
        self.found()
        proposal = self.propose(self.draft())
        for key in (self.commune[0], self.commune[2], self.commune[0]):  # one person, two keys
            self.assertEqual(self.sign(proposal, key).json["state"], "open")
        self.assertEqual(self.sign(proposal, self.commune[1]).json["state"], "published")
        proposal = self.propose(self.draft())
        for key in self.commune[3:]:  # two people, both in a browser
            self.assertEqual(self.sign(proposal, key).json["state"], "open")
        self.assertEqual(self.sign(proposal, self.commune[0]).json["state"], "published")

    def test_signatures_of_others_or_of_something_else_are_refused(self):
        self.found()
        proposal = self.propose(self.draft())
        signed = self.admin.get(f"/v1/proposals/{proposal}/to-sign").json["metadata"]
        self.assertProblem(self.sign(proposal, self.province[0], signed), 422, "signature-refused")
        self.assertProblem(self.sign(proposal, self.commune[0], {**signed, "version": 9}), 422, "signature-refused")
        answer = self.admin.post(f"/v1/proposals/{proposal}/signatures", {"keyid": self.commune[0].keyid, "sig": "xy"})
        self.assertProblem(answer, 422, "signature-refused")
        self.assertEqual(self.admin.get(f"/v1/proposals/{proposal}").json["signatures"], [])

    def test_one_is_open_and_the_others_are_rebased_in_turn(self):
        self.found()
        first, second = self.draft(), self.draft(recipe("Hai"), name="cong-chao")
        open_one, waiting = self.propose(first), self.propose(second)
        self.assertEqual(self.admin.get(f"/v1/proposals/{waiting}").json["state"], "queued")
        self.assertProblem(self.admin.get(f"/v1/proposals/{waiting}/to-sign"), 409, "not-open")
        for key in self.commune[:2]:
            self.sign(open_one, key)
        answer = self.admin.get(f"/v1/proposals/{waiting}/to-sign").json
        self.assertEqual(answer["metadata"]["version"], 2)
        self.assertEqual(set(answer["metadata"]["targets"]), {"u/31333/quang-truong.json", "u/31333/cong-chao.json"})
        self.assertEqual([change["path"] for change in answer["changes"]], ["u/31333/cong-chao.json"])
        for key in self.commune[:2]:
            self.sign(waiting, key)
        self.assertEqual(self.state(second), "published")
        self.assertEqual(self.state(first), "published")

    def test_a_base_that_moves_takes_the_signatures_along_and_says_who_had_signed(self):
        self.found()
        proposal = self.propose(self.draft())
        old = self.admin.get(f"/v1/proposals/{proposal}/to-sign").json
        self.sign(proposal, self.commune[0])
        elsewhere = {"_type": "targets", "spec_version": "1.0.31", "version": 1, "expires": LATER, "targets": {}}
        answer = self.submit("u-31333", envelope(elsewhere, *self.commune[:2]))
        self.assertEqual(answer.status, 201, answer)
        new = self.admin.get(f"/v1/proposals/{proposal}/to-sign").json
        self.assertEqual((new["round"], new["metadata"]["version"], new["signatures"]), (old["round"] + 1, 2, []))
        self.assertEqual(new["changes"][0]["signed_before"], ["chi"])
        self.assertEqual(new["changes"][0]["document"], old["changes"][0]["document"])
        self.assertProblem(self.sign(proposal, self.commune[1], old["metadata"]), 422, "signature-refused")

    def test_a_refused_proposal_gives_its_draft_back(self):
        self.found()
        publication = self.draft()
        proposal = self.propose(publication)
        answer = self.admin.post(f"/v1/proposals/{proposal}/refuse", {"reason": "Sai chính tả"})
        self.assertEqual((answer.json["state"], answer.json["reason"]), ("refused", "Sai chính tả"))
        self.assertEqual(self.state(publication), "draft")
        self.assertProblem(self.sign(proposal, self.commune[0], {}), 409, "not-open")
        answer = self.admin.post(f"/v1/proposals/{self.propose(publication)}/withdraw")
        self.assertEqual((answer.json["state"], self.state(publication)), ("withdrawn", "draft"))
        row = self.admin.get(f"/v1/publications/{publication}")
        answer = self.admin.put(f"/v1/publications/{publication}", {"title": "Hai", "recipe": recipe("Đúng")},
                                If_Match=row.etag)
        self.assertEqual(answer.status, 200, answer)
        self.publish(publication)
        document = json.loads(self.fetch("u/31333/quang-truong.json"))
        self.assertEqual((document["version"], document["title"]), (3, "Hai"))

    def test_the_newer_version_supersedes_and_a_withdrawn_one_is_gone(self):
        self.found()
        first = self.draft()
        self.publish(first)
        second = self.draft(recipe("Hai"))
        self.publish(second)
        self.assertEqual((self.state(first), self.state(second)), ("superseded", "published"))
        self.publish(withdraw=[second])
        self.assertEqual(self.state(second), "withdrawn")
        self.assertIsNone(self.fetch("u/31333/quang-truong.json"))

    def test_a_withdrawal_that_waited_leaves_the_newer_version(self):
        self.found()
        first = self.draft()
        self.publish(first)
        second = self.draft(recipe("Hai"))
        newer, withdrawal = self.propose(second), self.propose(withdraw=[first])
        for key in self.commune[:2]:
            self.sign(newer, key)
        self.assertEqual(self.admin.get(f"/v1/proposals/{withdrawal}/to-sign").json["changes"], [])
        for key in self.commune[:2]:
            self.sign(withdrawal, key)
        self.assertEqual((self.state(first), self.state(second)), ("superseded", "published"))
        self.assertIn("Hai", self.fetch("u/31333/quang-truong.json"))

    def test_metadata_are_renewed_without_a_change(self):
        self.found()
        self.publish(self.draft())
        self.publish()
        self.assertEqual(self.snapshot()["u-31333.json"]["version"], 2)
        self.assertIsNotNone(self.fetch("u/31333/quang-truong.json"))

    def test_drafts_are_edited_by_revision_and_only_while_they_are_drafts(self):
        self.found()
        publication = self.draft()
        path, body = f"/v1/publications/{publication}", {"title": "", "recipe": recipe("Hai")}
        self.assertEqual(self.admin.put(path, body).status, 428)
        self.assertEqual(self.admin.put(path, body, If_Match='"77"').status, 412)
        etag = self.admin.put(path, body, If_Match=self.admin.get(path).etag).etag
        self.propose(publication)
        self.assertNotEqual(self.admin.get(path).etag, etag)
        answer = self.admin.put(path, body, If_Match=self.admin.get(path).etag)
        self.assertProblem(answer, 409, "not-a-draft")

    def test_a_draft_that_would_not_play_is_not_proposed(self):
        self.found()
        draft = self.draft(picture_recipe())
        answer = self.admin.post("/v1/proposals", {"role": "u-31333", "publications": [draft]})
        self.assertProblem(answer, 422, "not-proposable")
        self.add_asset("taken-down")
        self.assertProblem(self.admin.get(f"/v1/publications/{draft}/document"), 422, "invalid")
        draft = self.draft(recipe(zone=[]))
        answer = self.admin.get(f"/v1/publications/{draft}/document")
        self.assertIn("'zone' is not known here", answer.json["detail"])
        self.assertEqual(self.admin.get("/v1/proposals").json["items"], [])

    def test_a_proposal_goes_to_its_own_role(self):
        self.found()
        for body in ({"role": "targets", "publications": [self.draft()]}, {"role": "u-31334", "publications": []},
                     {"role": "u-31333", "publications": ["n-KHONGCOGI2"]}, {"role": "snapshot", "publications": []}):
            answer = self.admin.post("/v1/proposals", body)
            self.assertIn(answer.status, (403, 404, 422), answer)

    def test_parts_are_shared_and_composed(self):
        self.found()
        self.add_asset()
        campaign = self.admin.post("/v1/campaigns", {"unit": "92", "name": "Tết", "weight": 3})
        self.assertEqual(campaign.status, 201, campaign)
        playlist = self.admin.post("/v1/playlists", {"unit": "31333", "name": "Chung", "items": [
            {"id": "anh", "type": "image", "asset": PICTURE, "seconds": 10, "campaign": campaign.json["id"]}]})
        self.assertEqual(playlist.status, 201, playlist)
        schedule = self.admin.post("/v1/schedules", {"unit": "31333", "name": "Sáng", "rules": [
            {"zone": "chinh", "playlist": "chung", "times": "06:00-22:00"}]})
        self.assertEqual(schedule.status, 201, schedule)
        content = recipe(playlists=[{"name": "chung", "playlist": playlist.json["id"]}], schedule=[schedule.json["id"]],
                         zones=[{"name": "chinh"}])
        draft = self.draft(content)
        document = self.admin.get(f"/v1/publications/{draft}/document").json
        self.assertEqual(document["campaigns"], [{"id": campaign.json["id"], "name": "Tết", "weight": 3}])
        self.assertEqual([asset["sha256"] for asset in document["assets"]], [PICTURE])
        self.assertEqual(document["schedule"], schedule.json["rules"])
        path = f"/v1/playlists/{playlist.json['id']}"
        answer = self.admin.put(path, {"name": "Khác", "items": [{"id": "anh", "type": "clock", "x": 1}]},
                                If_Match=playlist.etag)
        self.assertProblem(answer, 422, "invalid")
        answer = self.admin.put(path, {"name": "Khác", "items": [{"id": "gio", "type": "clock"}]}, If_Match=playlist.etag)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.admin.delete(path, If_Match=playlist.etag).status, 412)
        self.assertEqual(self.admin.delete(path, If_Match=answer.etag).status, 204)
        self.assertEqual(self.admin.get(path).status, 404)

    def test_an_asset_becomes_public_with_its_document(self):
        self.found()
        self.add_asset()
        self.publish(self.draft(picture_recipe()))
        self.assertEqual(json.loads(self.fetch("u/31333/quang-truong.json"))["assets"][0]["sha256"], PICTURE)

    def test_a_list_does_not_grow_with_what_it_lists(self):
        words = "repeat('x', 1000000)" if self.engine == "postgresql" else "replace(hex(zeroblob(500000)), '0', 'x')"
        seventy = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 70) INSERT INTO"
        large = f"""'{{"x": "' || {words} || '"}}'"""
        self.execute(f"{seventy} publication (id, unit, layer, name, target, role, version, state, title, recipe, created_by,"
                     " created_ms, changed_ms, revision) SELECT 'n-' || CAST(n AS TEXT), '31334', 'unit', 'a', 'u/31334/a.json',"
                     f" 'u-31334', 0, 'draft', '', {large}, 'u', 1, 1, 1 FROM c")
        self.execute(f"{seventy} arrangement (id, kind, unit, name, body, changed_by, changed_ms, revision)"
                     f" SELECT 'l-' || CAST(n AS TEXT), 'playlist', '31334', 'a', {large}, 'u', 1, 1 FROM c")
        for word in ("publications", "playlists"):
            answer = self.admin.get(f"/v1/{word}?limit=1", check=False)
            self.assertEqual((answer.status, len(answer.json.get("items", []))), (200, 1), word)

    def test_a_list_is_filtered_before_it_is_cut_into_pages(self):
        """Whatever others have between two of ours, pages are full and end where the list does."""
        many = "WITH RECURSIVE c(n) AS (SELECT 10000 UNION ALL SELECT n + 1 FROM c WHERE n < 15000) INSERT INTO"
        ours = "CASE WHEN n % 1000 = 0 THEN '31333' ELSE '31334' END"
        self.execute(f"{many} publication (id, unit, layer, name, target, role, version, state, title, recipe, created_by,"
                     f" created_ms, changed_ms, revision) SELECT 'n-' || CAST(n AS TEXT), {ours}, 'unit', 'a',"
                     " 'u/' || CAST(n AS TEXT), 'u', 0, CASE WHEN n = 14000 THEN 'published' ELSE 'draft' END, '', '{}', 'u',"
                     " 1, 1, 1 FROM c")
        self.admin.post("/v1/users", {"login": "lan", "name": "Lan", "unit": "31333", "password": PASSWORD})
        user = next(u["id"] for u in self.admin.get("/v1/users").json["items"] if u["login"] == "lan")
        self.admin.post(f"/v1/users/{user}/grants", {"unit": "31333", "role": "viewer"})
        lan = self.client().login("lan")
        whole = [f"n-{n}" for n in range(10000, 15001, 1000)]
        first = lan.get("/v1/publications?limit=4").json
        second = lan.get(f"/v1/publications?limit=4&after={first['next']}").json
        self.assertEqual([p["id"] for p in first["items"]], whole[:4])
        self.assertEqual(([p["id"] for p in second["items"]], second["next"]), (whole[4:], None))
        for query, found in (("limit=6", whole), ("state=published", ["n-14000"]), ("unit=31334", []),
                             ("target=u/13000", ["n-13000"]), ("unit=31333&state=draft&target=u/14000", [])):
            page = lan.get(f"/v1/publications?{query}").json
            self.assertEqual(([p["id"] for p in page["items"]], page["next"]), (found, None), query)

    def test_a_misspelt_key_is_told(self):
        self.found()
        draft = {"unit": "31333", "layer": "unit", "name": "a", "recipe": {}, "titel": ""}
        answers = [self.admin.post("/v1/proposals", {"role": "u-31333", "publication": []}),
                   self.admin.post("/v1/publications", draft),
                   self.admin.post("/v1/takedowns", {"unit": "31333", "assets": [PICTURE], "asset": PICTURE})]
        for answer in answers:
            self.assertProblem(answer, 400, "invalid")

    def test_signatures_that_come_at_once_publish_once(self):
        self.found()
        proposal = self.propose(self.draft())
        before = self.timestamp()["version"]
        signed = self.admin.get(f"/v1/proposals/{proposal}/to-sign").json["metadata"]
        clients = [self.client().login("quan-tri") for _ in self.commune]
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(lambda pair: pair[0].post(f"/v1/proposals/{proposal}/signatures", pair[1].sign(signed)),
                                    zip(clients, self.commune)))
        self.assertTrue(set(answer.status for answer in answers) <= {200, 409}, answers)
        self.assertEqual(self.admin.get(f"/v1/proposals/{proposal}").json["state"], "published")
        self.assertEqual(self.timestamp()["version"], before + 1)
        self.assertIsNotNone(self.fetch("u/31333/quang-truong.json"))

    def test_a_key_sent_twice_does_it_once(self):
        self.found()
        body = {"role": "u-31333", "publications": [self.draft()]}
        answers = [self.admin.post("/v1/proposals", body, Idempotency_Key="mot") for _ in range(2)]
        self.assertEqual(answers[0].json["id"], answers[1].json["id"])
        self.assertEqual(len(self.admin.get("/v1/proposals").json["items"]), 1)


class Repository(PublicationCase):
    def test_the_first_root_needs_its_signatures_and_this_servers_keys(self):
        good = self.root()
        foreign = self.root()
        keyid, = foreign["roles"]["snapshot"]["keyids"]
        foreign["roles"]["snapshot"] = ring(self.heads[:1], 1)
        self.assertIn(keyid, good["keys"])
        for document in (envelope(good, self.heads[0]), envelope(foreign, *self.heads), envelope(self.root(2), *self.heads),
                         envelope(self.root(expires="2020-01-01T00:00:00Z"), *self.heads),
                         envelope(self.root(consistent_snapshot=False), *self.heads), {"signed": {}, "signatures": []}, 7):
            answer = self.submit("root", document)
            self.assertIn(answer.status, (409, 422), answer)
        self.assertEqual(self.submit("targets", envelope(self.targets(), *self.province)).status, 403)
        self.assertEqual(self.client().get("/tuf/metadata/timestamp.json").status, 404)
        self.assertEqual(self.submit("root", envelope(good, *self.heads)).status, 201)

    def test_a_new_root_needs_the_old_and_the_new_ones_signatures(self):
        self.found()
        old = self.heads
        self.heads = [Key("moi-1"), Key("moi-2")]
        signed = self.root(2)
        self.assertProblem(self.submit("root", envelope(signed, *self.heads)), 422, "signature-refused")
        self.assertProblem(self.submit("root", envelope(signed, *old)), 422, "signature-refused")
        self.assertEqual(self.submit("root", envelope(signed, *old, *self.heads)).status, 201)
        self.assertEqual(self.client().get("/tuf/metadata/2.root.json").status, 200)
        self.assertIsNone(self.fetch("u/31333/quang-truong.json"))

    def test_only_the_next_version_that_is_signed_for_is_taken(self):
        self.found()
        for document in (envelope(self.targets(1), *self.province), envelope(self.targets(3), *self.province)):
            self.assertProblem(self.submit("targets", document), 409, "metadata-refused")
        self.assertProblem(self.submit("targets", envelope(self.targets(2), *self.heads)), 422, "signature-refused")
        self.assertProblem(self.submit("targets", envelope(self.targets(2), self.province[0])), 422, "signature-refused")
        self.assertEqual(self.submit("targets", envelope(self.targets(2), *self.province)).status, 201)
        self.assertEqual(self.admin.get("/v1/repository/metadata/targets").json["signed"]["version"], 2)

    def test_documents_made_elsewhere_come_with_their_files(self):
        self.found()
        text = json.dumps({"format": 1, "id": "s", "version": 1, "layer": "screen", "canvas": {"width": 320, "height": 180},
                           "zones": [{"name": "chinh"}]})
        path = "s/31333/s-7K3QZ5MX2A.json"

        def signed(name, content, **more):
            return envelope({"_type": "targets", "spec_version": "1.0.31", "version": 1, "expires": LATER,
                             "targets": {name: listed(content)}, **more}, self.technician)
        for name, content, files in ((path, text, {}), (path, text, {path: text + " "}), ("u/31333/a.json", text, None),
                                     (path, text.replace("screen", "unit"), None), (path, text.replace("zones", "zone"), None),
                                     ("s/31334/a.json", text, None)):
            answer = self.submit("s-31333", signed(name, content), files={name: content} if files is None else files)
            self.assertProblem(answer, 422, "metadata-refused")
        answer = self.submit("s-31333", signed(path, text, delegations={"keys": {}, "roles": []}), files={path: text})
        self.assertProblem(answer, 422, "metadata-refused")
        self.assertEqual(self.submit("s-31333", signed(path, text), files={path: text}).status, 201)
        self.assertEqual(self.fetch(path), text)

    def test_whoever_lost_the_right_to_sign_does_not_count(self):
        self.found()
        proposal = self.propose(self.draft())
        self.sign(proposal, self.commune[0])
        self.commune = self.commune[1:2] + self.commune[3:]
        self.assertEqual(self.submit("targets", envelope(self.targets(2), *self.province)).status, 201)
        self.assertEqual(self.sign(proposal, self.commune[0]).json["state"], "open")
        self.assertEqual(self.sign(proposal, self.commune[1]).json["state"], "published")
        self.assertIsNotNone(self.fetch("u/31333/quang-truong.json"))

    def test_the_timestamp_is_asked_for_again_cheaply(self):
        self.found()
        first = self.client().get("/tuf/metadata/timestamp.json")
        self.assertEqual(self.client().get("/tuf/metadata/timestamp.json", If_None_Match=first.etag).status, 304)
        self.publish(self.draft())
        self.assertEqual(self.client().get("/tuf/metadata/timestamp.json", If_None_Match=first.etag).status, 200)
        self.assertRegex(self.timestamp()["x-audit-head"], "^[0-9a-f]{64}$")

    def test_nothing_else_is_served(self):
        self.found()
        self.publish(self.draft())
        names = list(self.admin.get("/v1/repository/metadata/u-31333").json["signed"]["targets"].values())
        sha = names[0]["hashes"]["sha256"]
        self.assertEqual(self.client().get(f"/tuf/targets/u/31333/{sha}.quang-truong.json").status, 200)
        for path in ("metadata/root.json", "metadata/0.root.json", "metadata/01.root.json", "metadata/9.root.json",
                     "metadata/1.root", "targets/u/31333/quang-truong.json", f"targets/u/31334/{sha}.quang-truong.json",
                     f"targets/{sha}.quang-truong.json", f"targets/u/31333/{'0' * 64}.quang-truong.json"):
            self.assertEqual(self.client().get(f"/tuf/{path}").status, 404, path)

    def test_the_keys_stay_through_a_restart(self):
        self.found()
        keys = self.admin.get("/v1/repository/keys").json
        self.server.stop()
        self._server = self.start()
        self.admin = self.client().login("quan-tri")
        self.assertEqual(self.admin.get("/v1/repository/keys").json, keys)
        folder = os.path.join(self.directory, "data", "keys")
        self.assertEqual({name: os.stat(os.path.join(folder, name)).st_mode & 0o777 for name in os.listdir(folder)},
                         {"snapshot.json": 0o600, "timestamp.json": 0o600})
        self.publish(self.draft())
        self.assertIsNotNone(self.fetch("u/31333/quang-truong.json"))


class Removing(PublicationCase):
    def screen(self, unit="31333"):
        answer = self.admin.post("/v1/screens", {"unit": unit, "name": f"Màn hình {unit}", "kind": "led", "width": 320,
                                                 "height": 180}, check=False)
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def test_a_takedown_reaches_the_unit_and_all_below(self):
        self.found()
        screens = {self.screen(), self.screen("31334")}
        answer = self.admin.post("/v1/takedowns", {"unit": "92", "assets": [PICTURE], "reason": "Tin giả"})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual({entry["screen"] for entry in answer.json["screens"]}, screens)
        answer = self.admin.post("/v1/takedowns", {"unit": "31334", "items": [{"publication": "p", "item": "i"}]})
        self.assertEqual(len(answer.json["screens"]), 1)
        self.assertEqual(len(self.admin.get("/v1/takedowns").json["items"]), 2)

    def player(self, screen):
        """A paired player's session, as a client."""
        private = ed25519.Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()

        def sign(text):
            return private.sign(text.encode()).hex()
        nobody = self.client()
        pairing = nobody.post("/v1/pairings", {"public_key": public, "signature": sign(f"bangtin-pairing\n{public}"),
                                               "model": "thu", "version": "0"}, check=False).json
        words = self.admin.get(f"/v1/pairings/{pairing['code']}", check=False).json["words"]
        answer = self.admin.post(f"/v1/pairings/{pairing['code']}/claim", {"screen": screen, "words": words}, check=False)
        self.assertLess(answer.status, 300, answer)
        state = nobody.post(f"/v1/pairings/{pairing['pairing']}/state",
                            {"signature": sign(f"bangtin-pairing-state\n{pairing['pairing']}")}, check=False).json
        nonce = nobody.post("/v1/player/challenge", {"player": state["player"]}, check=False).json["nonce"]
        session = nobody.post("/v1/player/session", {"player": state["player"], "nonce": nonce,
                                                     "signature": sign(f"bangtin-session\n{nonce}\n{state['player']}")},
                              check=False).json
        return self.client(session["token"])

    def test_players_are_told_at_once(self):
        self.found()
        player = self.player(self.screen())
        stream = player.stream("/v1/player/stream")
        self.addCleanup(stream.close)
        hint = json.loads(stream.next("hint")["data"])
        self.assertEqual(hint["timestamp"], self.timestamp()["version"])
        self.publish(self.draft(recipe(activate="now")))
        hint = json.loads(stream.next("hint")["data"])
        self.assertEqual((hint["timestamp"], hint["priority"]), (self.timestamp()["version"], "now"))
        takedown = self.admin.post("/v1/takedowns", {"unit": "92", "assets": [PICTURE]}).json
        self.assertEqual([entry["state"] for entry in takedown["screens"]], ["waiting"])
        order = json.loads(stream.next("order")["data"])
        self.assertEqual((order["kind"], order["id"], order["assets"]), ("takedown", takedown["id"], [PICTURE]))
        answer = player.post("/v1/player/done", {"results": [{"n": order["n"], "state": "done", "at_ms": 1, "detail": ""}]},
                             check=False)
        self.assertEqual(answer.status, 204, answer)
        outcome, = self.admin.get(f"/v1/takedowns/{takedown['id']}").json["screens"]
        self.assertEqual(outcome["state"], "done")
        text = self.template()
        document = envelope(self.activation(text), self.duty)
        self.admin.post("/v1/emergencies", {"activation": document})
        order = json.loads(stream.next("order")["data"])
        self.assertEqual((order["kind"], json.loads(order["activation"])), ("emergency", document))
        self.admin.post("/v1/emergencies/e-7K3QZ5/end")
        order = json.loads(stream.next("order")["data"])
        self.assertEqual((order["kind"], order["id"]), ("emergency_end", "e-7K3QZ5"))

    def test_a_takedown_names_something(self):
        for body in ({}, {"assets": []}, {"assets": ["x"]}, {"assets": PICTURE}, {"items": [{"item": "i"}]},
                     {"assets": [PICTURE] * 257}, {"items": [{"publication": "p" * 60, "item": "i" * 60}] * 256},
                     {"items": [{"publication": "p", "item": "i", "x": "y"}]}):
            self.assertProblem(self.admin.post("/v1/takedowns", {"unit": "31333", **body}), 422, "invalid")

    def test_a_stick_is_issued_to_who_installs_and_says_what_stands(self):
        self.assertProblem(self.admin.post("/v1/sticks", {"unit": "31333"}), 422, "invalid")  # nothing was published yet
        self.found()
        screen, elsewhere = self.screen(), self.screen("31334")
        above = self.admin.post("/v1/takedowns", {"unit": "92", "assets": [PICTURE]}).json["id"]
        self.admin.post("/v1/takedowns", {"unit": "31334", "assets": [PICTURE]})
        for body in ({"days": 0}, {"days": 32}, {"screens": [elsewhere]}, {"screens": ["s-?"]}, {"screens": 7}, {"screens": [7]},
                     {"unit": "nowhere"}):
            answer = self.admin.post("/v1/sticks", {"unit": "31333", **body})
            self.assertIn(answer.status, (403, 422), answer)
        whole = self.admin.post("/v1/sticks", {"unit": "92"}).json
        self.assertLessEqual({"92", "31333", "31334"}, set(whole["units"]))
        answer = self.admin.post("/v1/sticks", {"unit": "31333", "screens": [screen], "days": 30})
        self.assertEqual(answer.status, 201, answer)
        word, told = json.loads(answer.json["word"]), json.loads(answer.json["told"])
        with open(os.path.join(os.environ.get("BT_SOURCE_ROOT", "."), "docs", "usb.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        for part, document in (("stick", word), ("told", told)):
            jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}).validate(document)
        signed = word["signed"]
        self.assertEqual((signed["x-units"], signed["x-screens"]), ([], [screen]))
        self.assertEqual(signed["x-told"]["sha256"], hashlib.sha256(answer.json["told"].encode()).hexdigest())
        self.assertEqual([(t["id"], t["units"]) for t in told["takedowns"]], [(above, ["31333"])])
        self.assertEqual(signed["meta"], self.timestamp()["meta"])
        verbs = [entry["verb"] for entry in self.admin.get("/v1/audit?limit=200").json["items"]]
        self.assertEqual(verbs.count("stick.issue"), 2)
        self.assertProblem(self.admin.post("/v1/sticks/plays", b"x" * 200, headers={"Content-Type": "application/vnd.bangtin.sealed"}),
                           400, "plays-malformed")
        self.assertProblem(self.admin.post("/v1/sticks/status", b"x" * 200, headers={"Content-Type": "application/vnd.bangtin.sealed"}),
                           422, "status-refused")

    def test_only_a_document_that_lifts_it_shows_it_again(self):
        self.found()
        self.add_asset()
        self.publish(self.draft(picture_recipe()))
        takedown = self.admin.post("/v1/takedowns", {"unit": "92", "assets": [PICTURE]}).json["id"]
        again = self.draft(picture_recipe())
        answer = self.admin.post("/v1/proposals", {"role": "u-31333", "publications": [again]})
        self.assertProblem(answer, 422, "not-proposable")
        self.assertIn(takedown, answer.json["detail"])
        self.publish(self.draft(picture_recipe(lifts=[takedown])))
        lifts = self.admin.get(f"/v1/takedowns/{takedown}").json["lifts"]
        self.assertEqual([(lift["target"], lift["version"]) for lift in lifts], [("u/31333/quang-truong.json", 2)])

    def template(self):
        self.publish(self.draft(recipe("{ten}", fields=[{"name": "ten", "type": "text"}]), name="bao", layer="template"))
        return self.fetch("u/31333/template-bao.json")

    def activation(self, text, **more):
        now = int(time.time() * 1000)
        return {"_type": "emergency", "format": 1, "id": "e-7K3QZ5", "template": "u/31333/template-bao",
                "template_sha256": hashlib.sha256(text.encode()).hexdigest(), "scope": ["31333"], "screens": [], "level": 3,
                "from_ms": now, "until_ms": now + 3600000, "fields": {"ten": "Bão số 9"}, **more}

    def test_an_emergency_is_given_renewed_and_ended(self):
        self.found()
        screen, _ = self.screen(), self.screen("31334")
        text = self.template()
        signed = self.activation(text)
        answer = self.admin.post("/v1/emergencies", {"activation": envelope(signed, self.duty)})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual([entry["screen"] for entry in answer.json["screens"]], [screen])
        self.assertEqual(answer.json["state"], "active")
        self.assertEqual(self.admin.post("/v1/emergencies", {"activation": envelope(signed, self.duty)}).status, 409)
        renewed = {**signed, "until_ms": signed["until_ms"] + 1000}
        answer = self.admin.post("/v1/emergencies", {"activation": json.dumps(envelope(renewed, self.duty))})
        self.assertEqual((answer.status, answer.json["until_ms"]), (201, renewed["until_ms"]))
        issued_ms = answer.json["issued_ms"]
        answer = self.admin.post("/v1/emergencies/e-7K3QZ5/end")
        self.assertEqual((answer.status, answer.json["state"]), (200, "ended"))
        # Reports tell that it stood from when it was first given, not from its renewal.
        days = {"from": "2026-01-01", "to": "2030-12-31"}
        told, = self.admin.post("/v1/reports", {"unit": "31333", **days, "keep": False}).json["incidents"]["emergencies"]
        self.assertEqual((told["id"], told["until_ms"], told["screens"]), ("e-7K3QZ5", answer.json["ended_ms"], 1))
        self.assertTrue(signed["from_ms"] <= told["from_ms"] < issued_ms, (signed, told, issued_ms))
        self.assertEqual(self.admin.post("/v1/emergencies/e-7K3QZ5/end").status, 200)
        late = {**renewed, "until_ms": renewed["until_ms"] + 1000}
        self.assertEqual(self.admin.post("/v1/emergencies", {"activation": envelope(late, self.duty)}).status, 409)
        items = self.admin.get("/v1/emergencies?state=ended").json["items"]
        self.assertEqual([item["id"] for item in items], ["e-7K3QZ5"])
        self.assertEqual(self.admin.get("/v1/emergencies?state=active").json["items"], [])

    def test_a_takedown_holds_for_screens_that_come_later(self):
        self.found()
        issued = [self.admin.post("/v1/takedowns", {"unit": unit, "assets": [PICTURE]}).json["id"] for unit in ("92", "31333")]
        elsewhere = self.admin.post("/v1/takedowns", {"unit": "31334", "items": [{"publication": "p", "item": "i"}]}).json["id"]
        screen = self.screen()
        for _ in "first", "replacement":
            orders = self.player(screen).get("/v1/player/orders", check=False).json["orders"]
            self.assertEqual([(order["kind"], order["id"], order["assets"]) for order in orders],
                             [("takedown", id_, [PICTURE]) for id_ in issued])
        self.assertEqual([entry["screen"] for entry in self.admin.get(f"/v1/takedowns/{issued[0]}").json["screens"]], [screen])
        self.assertEqual(self.admin.get(f"/v1/takedowns/{elsewhere}").json["screens"], [])

    def province_template(self):
        """A template for all units, and the duty officer's key for it and for both communes."""
        delegations = self.targets()["delegations"]
        keys = {"keys": {**delegations["keys"], self.duty.keyid: self.duty.public},
                "roles": [*(role for role in delegations["roles"] if not role["name"].startswith("em-")),
                          *({"name": f"em-{of}", "paths": [f"em/{of}/*"], "terminating": True, **ring([self.duty], 1)}
                            for of in ("p", "31333", "31334"))]}
        text = json.dumps({"format": 1, "id": "p.template-bao", "version": 1, "layer": "emergency",
                           "fields": [{"name": "ten", "type": "text"}], **recipe("{ten}")})
        signed = self.targets(2, delegations=keys, targets={"p/template-bao.json": listed(text)})
        answer = self.submit("targets", envelope(signed, *self.province), files={"p/template-bao.json": text})
        self.assertEqual(answer.status, 201, answer)
        return text

    def test_another_units_emergency_is_not_renewed(self):
        self.found()
        wide, text = self.province_template(), self.template()
        of_province = self.activation(wide, template="p/template-bao")
        self.assertEqual(self.admin.post("/v1/emergencies", {"activation": envelope(of_province, self.duty)}).status, 201)
        stolen = self.activation(text, until_ms=of_province["until_ms"] + 1000)
        answer = self.admin.post("/v1/emergencies", {"activation": envelope(stolen, self.duty)})
        self.assertEqual(answer.status, 409, answer)
        shown = self.admin.get("/v1/emergencies/e-7K3QZ5").json
        self.assertEqual(json.loads(shown["activation"])["signed"], of_province)

    def test_an_end_reaches_screens_that_a_renewal_left_out(self):
        self.found()
        text = self.province_template()
        screens = [self.screen(), self.screen("31334")]
        wide = self.activation(text, template="p/template-bao", scope=["31333", "31334"])
        narrow = {**wide, "scope": ["31333"], "until_ms": wide["until_ms"] + 1000}
        for signed in (wide, narrow):
            answer = self.admin.post("/v1/emergencies", {"activation": envelope(signed, self.duty)})
            self.assertEqual(answer.status, 201, answer)
        self.assertEqual(self.admin.post("/v1/emergencies/e-7K3QZ5/end").status, 200)
        for screen in screens:
            order, = self.player(screen).get("/v1/player/orders", check=False).json["orders"]
            self.assertEqual((order["kind"], order["id"]), ("emergency_end", "e-7K3QZ5"))

    def test_units_that_lie_in_each_other_get_an_emergency_once(self):
        self.found()
        players = [self.player(self.screen(unit)) for unit in ("31333", "31334")]
        wide = self.activation(self.province_template(), template="p/template-bao", scope=["31333", "92", "31333"])
        answer = self.admin.post("/v1/emergencies", {"activation": envelope(wide, self.duty)})
        self.assertEqual((answer.status, len(answer.json["screens"])), (201, 2), answer)
        for player in players:
            order, = player.get("/v1/player/orders", check=False).json["orders"]
            self.assertEqual((order["kind"], order["n"]), ("emergency", 1))

    def test_an_emergency_for_units_that_do_not_exist_is_refused(self):
        self.found()
        keys = {"keys": {**self.targets()["delegations"]["keys"], self.duty.keyid: self.duty.public},
                "roles": [*self.targets()["delegations"]["roles"],
                          {"name": "em-p", "paths": ["em/p/*"], "terminating": True, **ring([self.duty], 1)}]}
        text = json.dumps({"format": 1, "id": "p.template-bao", "version": 1, "layer": "emergency",
                           "fields": [{"name": "ten", "type": "text"}], **recipe("{ten}")})
        signed = self.targets(2, delegations=keys, targets={"p/template-bao.json": listed(text)})
        answer = self.submit("targets", envelope(signed, *self.province), files={"p/template-bao.json": text})
        self.assertEqual(answer.status, 201, answer)
        screens = {self.screen(), self.screen("31334")}
        activation = self.activation(text, template="p/template-bao", scope=["99999"])
        self.assertEqual(self.admin.post("/v1/emergencies", {"activation": envelope(activation, self.duty)}).status, 422)
        activation["scope"] = ["31333", "31334"]
        answer = self.admin.post("/v1/emergencies", {"activation": envelope(activation, self.duty)})
        self.assertEqual({entry["screen"] for entry in answer.json["screens"]}, screens, answer)
        one = min(screens)
        activation = {**activation, "id": "e-MOT", "screens": [one]}
        answer = self.admin.post("/v1/emergencies", {"activation": envelope(activation, self.duty)})
        self.assertEqual([entry["screen"] for entry in answer.json["screens"]], [one])

    def test_an_emergency_of_others_keys_or_of_another_template_is_refused(self):
        self.found()
        text = self.template()
        signed = self.activation(text)
        for document in (envelope(signed, self.commune[0]), envelope(signed), envelope({**signed, "level": 9}, self.duty),
                         envelope(self.activation(text + " "), self.duty),
                         envelope({**signed, "scope": ["31334"]}, self.duty),
                         envelope({**signed, "until_ms": signed["from_ms"] + 86400001}, self.duty),
                         envelope({**signed, "fields": {"ten": "x" * 5000}}, self.duty)):
            answer = self.admin.post("/v1/emergencies", {"activation": document})
            self.assertEqual(answer.status, 422, answer)
        self.assertEqual(self.admin.get("/v1/emergencies").json["items"], [])


if __name__ == "__main__":
    main()
