-- Content by hash, and what people call it.

CREATE TABLE asset (
    sha256 TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    type TEXT NOT NULL,                 -- media type
    kind TEXT NOT NULL,                 -- picture, animation, clip
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,        -- 0 of a picture
    state TEXT NOT NULL,                -- ready, taken-down
    report TEXT NOT NULL,               -- JSON: the verdict of the check
    thumbnail TEXT,                     -- SHA-256 of a JPEG
    filmstrip TEXT,
    created_ms BIGINT NOT NULL
);

CREATE TABLE media (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    title TEXT NOT NULL,
    note TEXT NOT NULL,                 -- where it comes from, who gave the right to show it
    asset TEXT NOT NULL REFERENCES asset (sha256),
    revision BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    hidden_ms BIGINT                    -- no longer offered; what names it goes on
);
CREATE INDEX media_by_unit ON media (unit, id);

CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    title TEXT NOT NULL,
    size BIGINT NOT NULL,
    state TEXT NOT NULL,                -- receiving, inspecting, ready, refused
    report TEXT,                        -- JSON, once inspected
    media TEXT REFERENCES media (id),
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE INDEX upload_by_state ON upload (state, changed_ms);
