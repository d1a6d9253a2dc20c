#!/usr/bin/env python3
"""A restored server that has lost what people signed: players bring it back, and nobody else can; what nobody brings is signed
anew above it. On both engines."""

import json

from fleet_test import Player
from server_harness import main
from server_publications_test import LATER, Key, PublicationCase, envelope, listed, recipe

ROLE, PATH = "u-31333", "u/31333/quang-truong.json"


class ReturnedTest(PublicationCase):
    def setUp(self):
        super().setUp()
        self.found()
        screen = self.admin.post("/v1/screens", {"unit": "31333", "name": "Cổng chào", "kind": "gate", "width": 320,
                                                 "height": 180}).json["id"]
        self.player = Player(self)
        self.player.begin()
        answer = self.admin.post(f"/v1/pairings/{self.player.code}/claim", {"screen": screen, "words": self.player.words})
        self.player.id = answer.json["player"]
        self.player.open_session()
        self.publish(self.draft(recipe("Một")))
        self.publish(self.draft(recipe("Hai")))
        self.document, self.text = self.metadata(2), self.fetch(PATH)
        version = self.timestamp()["meta"]["snapshot.json"]["version"]
        self.held = self.client().get(f"/tuf/metadata/{version}.snapshot.json").json

    def metadata(self, version, role=ROLE):
        return self.client().get(f"/tuf/metadata/{version}.{role}.json").json

    def lose(self):
        """As a backup from before the second one has it; the snapshot it issues then names the first."""
        self.execute("DELETE FROM proposal_signature WHERE proposal IN (SELECT id FROM proposal WHERE version = 2)")
        self.execute("DELETE FROM proposal_change WHERE proposal IN (SELECT id FROM proposal WHERE version = 2)")
        self.execute("DELETE FROM proposal WHERE version = 2")
        self.execute("DELETE FROM publication WHERE version = 2")
        self.execute("UPDATE publication SET state = 'published' WHERE version = 1")
        self.execute(f"DELETE FROM tuf_metadata WHERE role = '{ROLE}' AND version = 2")
        self.execute(f"DELETE FROM tuf_target WHERE path = '{PATH}' AND body LIKE '%Hai%'")

    def give(self, role, document, files=None):
        body = {"role": role, "document": document}
        return self.player.client.post("/v1/player/repository", body if files is None else {**body, "files": files})

    def lost(self):
        return self.admin.get("/v1/repository").json["lost"]

    def test_what_players_hold_comes_back(self):
        self.lose()
        self.assertEqual(self.give("snapshot", self.held).json, {"role": "snapshot", "news": True})
        self.assertEqual(self.lost(), [{"role": ROLE, "version": 2}])
        self.assertEqual(self.snapshot()[ROLE + ".json"]["version"], 2)  # so that nothing goes back
        version = self.timestamp()["meta"]["snapshot.json"]["version"]
        asked = self.client().get(f"/tuf/metadata/{version}.snapshot.json").json["signed"]["x-lost"]
        self.assertEqual(asked, [{"role": ROLE, "version": 2}])
        self.assertEqual(self.give("snapshot", self.held).json["news"], False)
        # The metadata alone are not all of it.
        self.assertEqual(self.give(ROLE, self.document).json["news"], True)
        self.assertEqual(len(self.lost()), 1)
        self.assertEqual(self.metadata(2), self.document)
        self.assertEqual(self.give(ROLE, self.document, {PATH: self.text}).json["news"], True)
        self.assertEqual(self.lost(), [])
        self.assertEqual(self.fetch(PATH), self.text)
        states = {item["version"]: item["state"] for item in self.admin.get("/v1/publications?unit=31333").json["items"]}
        self.assertEqual(states, {1: "superseded", 2: "published"})
        self.publish(self.draft(recipe("Ba")))
        self.assertEqual(self.snapshot()[ROLE + ".json"]["version"], 3)
        self.assertIn("Ba", self.fetch(PATH))
        verbs = [entry["verb"] for entry in self.admin.get("/v1/audit?limit=50").json["items"]]
        self.assertEqual(verbs.count("repository.return"), 3)

    def test_only_what_was_signed_counts(self):
        self.lose()
        stranger = Key("la")
        signed = dict(self.held["signed"], meta={ROLE + ".json": {"version": 9}})
        for document in (envelope(signed, stranger), envelope(signed, *self.heads), {**self.held, "signed": signed}, {}, 7,
                         self.document):
            answer = self.give("snapshot", document)
            self.assertEqual(answer.status, 422, answer)
        self.assertEqual(self.lost(), [])
        # Nothing is taken that no snapshot of ours has named.
        self.assertEqual(self.give(ROLE, self.document, {PATH: self.text}).json["news"], False)
        self.give("snapshot", self.held)
        other = recipe("Khác")
        forged = {"_type": "targets", "spec_version": "1.0.31", "version": 2, "expires": LATER,
                  "targets": {PATH: listed(json.dumps(other))}}
        self.assertProblem(self.give(ROLE, envelope(forged, self.commune[0])), 422, "signature-refused")
        self.assertProblem(self.give(ROLE, self.document, {PATH: self.text + " "}), 422, "metadata-refused")
        self.assertEqual(self.give(ROLE, self.metadata(1)).json["news"], False)
        for role in ("root", "timestamp", "em-31333", "x", "u-31334"):
            self.assertIn(self.give(role, self.document).json.get("news", "refused"), (False, "refused"))
        self.assertEqual(self.lost(), [{"role": ROLE, "version": 2}])
        self.assertEqual(self.client().post("/v1/player/repository", {"role": "snapshot", "document": self.held}).status, 401)

    def test_meanwhile_nobody_signs_beside_it_and_what_nobody_brings_is_signed_anew(self):
        self.lose()
        waiting = self.propose(self.draft(recipe("Ba")))
        self.give("snapshot", self.held)
        self.assertProblem(self.admin.get(f"/v1/proposals/{waiting}/to-sign"), 409, "signed-version-lost")
        answer = self.admin.post("/v1/proposals", {"role": ROLE, "publications": [self.draft(recipe("Bốn"), name="khac")]})
        self.assertEqual(answer.status, 409, answer)
        again = self.admin.get(f"/v1/repository/metadata/{ROLE}").json["signed"]
        for version in (2, 4):
            answer = self.submit(ROLE, envelope({**again, "version": version}, *self.commune[:2]))
            self.assertProblem(answer, 409, "metadata-refused")
        self.assertEqual(self.submit(ROLE, envelope({**again, "version": 3}, *self.commune[:2])).status, 201)
        self.assertEqual(self.lost(), [])
        self.assertIn("Một", self.fetch(PATH))
        for key in self.commune[:2]:
            self.assertEqual(self.sign(waiting, key).status, 200)
        self.assertEqual(self.snapshot()[ROLE + ".json"]["version"], 4)
        self.assertIn("Ba", self.fetch(PATH))

    def test_targets_may_be_handed_in_again(self):
        second, third = (envelope(self.targets(version), *self.province) for version in (2, 3))
        for document in (second, third):
            self.assertEqual(self.submit("targets", document).status, 201)
        version = self.timestamp()["meta"]["snapshot.json"]["version"]
        held = self.client().get(f"/tuf/metadata/{version}.snapshot.json").json
        self.execute("DELETE FROM tuf_metadata WHERE role = 'targets' AND version > 1")
        self.give("snapshot", held)
        self.assertEqual(self.lost(), [{"role": "targets", "version": 3}])
        for document in (second, third):
            self.assertEqual(self.submit("targets", document).status, 201)
        self.assertEqual(self.submit("targets", envelope(self.targets(4), *self.province)).status, 201)
        self.assertEqual(self.lost(), [])


if __name__ == "__main__":
    main()
