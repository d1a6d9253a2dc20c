-- Offices in a tree of any depth. `path` names all above it, '/vn/92/31333/', so that "everything
-- below" is a comparison of beginnings. Units that were merged away keep their row.
CREATE TABLE unit(
    code TEXT PRIMARY KEY,
    parent TEXT REFERENCES unit(code),  -- NULL: the root
    kind TEXT NOT NULL,                 -- 'root', 'province', 'commune', 'office' or what they call it
    name TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    from_ms BIGINT,                     -- NULL: always
    until_ms BIGINT,                    -- NULL: for ever
    revision BIGINT NOT NULL
);
CREATE INDEX unit_by_parent ON unit(parent);

INSERT INTO unit(code, parent, kind, name, path, from_ms, until_ms, revision)
    VALUES('vn', NULL, 'root', 'Việt Nam', '/vn/', NULL, NULL, 1);

-- What a unit was called before, and which units were merged into it.
CREATE TABLE unit_alias(
    unit TEXT NOT NULL REFERENCES unit(code) ON DELETE CASCADE,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    from_ms BIGINT,
    until_ms BIGINT,
    PRIMARY KEY(unit, code)
);
CREATE INDEX unit_alias_by_code ON unit_alias(code);

CREATE TABLE user_account(
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    unit TEXT NOT NULL REFERENCES unit(code),  -- whose administrators look after the account
    password TEXT NOT NULL,                    -- argon2id, as libsodium writes it
    password_given SMALLINT NOT NULL,          -- 1: by somebody else, to be changed
    state TEXT NOT NULL,                       -- 'active', 'disabled'
    created_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX user_account_by_unit ON user_account(unit);

CREATE TABLE role_grant(
    user_id TEXT NOT NULL REFERENCES user_account(id) ON DELETE CASCADE,
    unit TEXT NOT NULL REFERENCES unit(code),
    role TEXT NOT NULL,  -- as bt_role_word has it
    granted_by TEXT NOT NULL,
    granted_ms BIGINT NOT NULL,
    PRIMARY KEY(user_id, unit, role)
);
CREATE INDEX role_grant_by_unit ON role_grant(unit);

-- Only hashes of secrets are kept.
CREATE TABLE user_session(
    secret_sha256 TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user_account(id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);
CREATE INDEX user_session_by_user ON user_session(user_id);

CREATE TABLE api_token(
    id TEXT PRIMARY KEY,
    secret_sha256 TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES user_account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,  -- words of actions, one space between two
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    seen_ms BIGINT
);
CREATE INDEX api_token_by_user ON api_token(user_id);

-- The one-time secret that makes the first administrator; at most one row.
CREATE TABLE first_secret(
    id SMALLINT PRIMARY KEY,
    secret_sha256 TEXT NOT NULL
);

-- hash = SHA-256(previous hash, 32 bytes || body); body is the exact text that was hashed.
CREATE TABLE audit(
    seq BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    object TEXT NOT NULL,
    unit TEXT NOT NULL,
    path TEXT NOT NULL,  -- of the unit, then
    body TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- One row that every writer of the audit log changes: two at once become one after the other.
CREATE TABLE audit_head(
    id SMALLINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head(id, seq, hash)
    VALUES(1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
