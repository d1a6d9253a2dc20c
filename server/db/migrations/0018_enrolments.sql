-- What lets a player that was prepared beforehand pair by itself, once.

CREATE TABLE enrolment (
    id TEXT PRIMARY KEY,
    secret_sha256 TEXT NOT NULL UNIQUE,
    screen TEXT NOT NULL REFERENCES screen (id),
    public_key TEXT NOT NULL,        -- the one player that may use it: Ed25519, hex
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,        -- user id
    expires_ms BIGINT NOT NULL,
    withdrawn_ms BIGINT,
    used_ms BIGINT,
    player TEXT                      -- what it made, once it was used
);
CREATE INDEX enrolment_by_screen ON enrolment (screen);
CREATE INDEX enrolment_by_expiry ON enrolment (expires_ms);
