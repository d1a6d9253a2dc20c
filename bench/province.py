"""A province that publishes, whose server listens on a unix socket, as behind a proxy."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from server_publications_test import PublicationCase, recipe  # noqa: E402


class Province(PublicationCase):
    def start(self, *options, **more):
        return super().start(*options, listen=f"unix:{os.path.join(self.directory, 'http.sock')}", **more)

    def administrator(self):
        client = super().administrator()
        del client.headers["Origin"]  # no browser: the socket has none
        return client

    def last_signature(self, number, content=None):
        """A publication that wants one more signature: the call that brings it."""
        content = content or recipe(f"Bản tin số {number}")
        proposal = self.propose(self.draft(content, name=f"ban-tin-{number:04}"))
        self.sign(proposal, self.commune[0])
        signed = self.admin.get(f"/v1/proposals/{proposal}/to-sign").json["metadata"]
        signature = self.commune[1].sign(signed)
        return lambda: self.admin.request("POST", f"/v1/proposals/{proposal}/signatures", signature, check=False)
