-- Signed metadata: every version of root, targets and the delegated roles, the newest snapshots, the
-- newest timestamp. `body` is the exact text that is served.
CREATE TABLE tuf_metadata (
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (role, version)
);

CREATE TABLE tuf_target (
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (path, sha256)
);

-- Assets that a signed document names or has named: these are public.
CREATE TABLE published_asset (
    sha256 TEXT PRIMARY KEY,
    first_ms BIGINT NOT NULL
);

-- Playlists, campaigns and schedules: what documents are composed of. `body` is JSON.
CREATE TABLE arrangement (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL REFERENCES unit (code),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX arrangement_unit ON arrangement (unit);

-- One row for each version of a document, from its draft on. `document` is the exact text once it is
-- proposed.
CREATE TABLE publication (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    layer TEXT NOT NULL,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    recipe TEXT NOT NULL,
    document TEXT,
    sha256 TEXT,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    published_ms BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX publication_target ON publication (target, version);
CREATE INDEX publication_unit ON publication (unit);

-- `number` counts a role's proposals; the lowest that is not finished is open, the others wait.
-- `signed` is what signers sign: the canonical text of the role's next metadata. Each rebase begins
-- a round.
CREATE TABLE proposal (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    number BIGINT NOT NULL,
    unit TEXT NOT NULL REFERENCES unit (code),
    state TEXT NOT NULL,
    round BIGINT NOT NULL,
    version BIGINT NOT NULL,
    signed TEXT,
    note TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (role, number)
);

CREATE TABLE proposal_change (
    proposal TEXT NOT NULL REFERENCES proposal (id),
    position BIGINT NOT NULL,
    publication TEXT NOT NULL REFERENCES publication (id),
    action TEXT NOT NULL,
    PRIMARY KEY (proposal, position)
);
CREATE INDEX proposal_change_publication ON proposal_change (publication);

-- `documents`: the hashes of what was signed, so that after a rebase only the rest is new.
CREATE TABLE proposal_signature (
    proposal TEXT NOT NULL REFERENCES proposal (id),
    round BIGINT NOT NULL,
    keyid TEXT NOT NULL,
    holder TEXT NOT NULL,
    signature TEXT NOT NULL,
    documents TEXT NOT NULL,
    by_user TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (proposal, round, keyid)
);

CREATE TABLE takedown (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    assets TEXT NOT NULL,
    items TEXT NOT NULL,
    reason TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_ms BIGINT NOT NULL
);
CREATE TABLE takedown_lift (
    takedown TEXT NOT NULL REFERENCES takedown (id),
    target TEXT NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (takedown, target, version)
);

CREATE TABLE emergency (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    template TEXT NOT NULL,
    level BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    activation TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    ended_by TEXT
);
