-- Screens and who looks after them, players and their identity, orders and what players say.

CREATE TABLE screen (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,              -- led, lcd, gate
    width BIGINT NOT NULL,           -- pixels of the canvas
    height BIGINT NOT NULL,
    place TEXT NOT NULL,
    latitude_e6 BIGINT,              -- millionths of a degree
    longitude_e6 BIGINT,
    duty_name TEXT NOT NULL,         -- whom to call when the screen cannot be reached
    duty_phone TEXT NOT NULL,
    open_min BIGINT NOT NULL,        -- minutes of the day; equal: all day
    close_min BIGINT NOT NULL,
    volume_max_percent BIGINT NOT NULL,
    brightness_max_percent BIGINT NOT NULL,
    note TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    retired_ms BIGINT                -- NULL: in use
);
CREATE INDEX screen_by_unit ON screen (unit);

CREATE TABLE screen_group (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX screen_group_by_unit ON screen_group (unit);

CREATE TABLE screen_group_member (
    group_id TEXT NOT NULL REFERENCES screen_group (id),
    screen TEXT NOT NULL REFERENCES screen (id),
    PRIMARY KEY (group_id, screen)
);
CREATE INDEX screen_group_of_screen ON screen_group_member (screen);

CREATE TABLE player (
    id TEXT PRIMARY KEY,
    screen TEXT NOT NULL REFERENCES screen (id),
    unit TEXT NOT NULL REFERENCES unit (code),  -- as pinned when it was paired
    public_key TEXT NOT NULL,        -- Ed25519, hex
    state TEXT NOT NULL,             -- active, replaced, revoked
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    paired_ms BIGINT NOT NULL,
    paired_by TEXT NOT NULL,         -- user id
    ended_ms BIGINT,
    last_order BIGINT NOT NULL,      -- the highest number given
    order_ms BIGINT NOT NULL,        -- when it was given
    channel TEXT NOT NULL,           -- never-seen, obeys, not-obeying
    channel_ms BIGINT NOT NULL,      -- since when
    seen_ms BIGINT                   -- last session or status
);
CREATE UNIQUE INDEX player_of_screen ON player (screen) WHERE state = 'active';
CREATE UNIQUE INDEX player_of_key ON player (public_key) WHERE state = 'active';
CREATE INDEX player_by_screen ON player (screen);
CREATE INDEX player_by_order ON player (order_ms);

-- Keys the fleet needs on every server: made at the first use.
CREATE TABLE fleet_secret (
    name TEXT PRIMARY KEY,
    secret {BLOB} NOT NULL
);

-- Nonces that were used, until they would have expired: each opens one session.
CREATE TABLE player_nonce (
    sha256 TEXT PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX player_nonce_by_expiry ON player_nonce (expires_ms);

CREATE TABLE player_session (
    token_sha256 TEXT PRIMARY KEY,
    player TEXT NOT NULL REFERENCES player (id),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX player_session_of_player ON player_session (player, created_ms);
CREATE INDEX player_session_by_expiry ON player_session (expires_ms);

CREATE TABLE pairing (
    id TEXT PRIMARY KEY,
    code_hash TEXT NOT NULL UNIQUE,  -- keyed with fleet_secret 'pairing'
    public_key TEXT NOT NULL UNIQUE, -- a player that begins again replaces its pairing
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    root_sha256 TEXT NOT NULL,
    remote TEXT NOT NULL,
    player TEXT,                     -- once claimed
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX pairing_by_expiry ON pairing (expires_ms);
CREATE INDEX pairing_by_remote ON pairing (remote);

-- Wrong codes by address.
CREATE TABLE pairing_block (
    remote TEXT PRIMARY KEY,
    wrong BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);

CREATE TABLE player_order (
    player TEXT NOT NULL REFERENCES player (id),
    n BIGINT NOT NULL,
    screen TEXT NOT NULL REFERENCES screen (id),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,              -- JSON object without "n" and "kind"
    reference TEXT NOT NULL,         -- takedown, emergency, command
    state TEXT NOT NULL,             -- waiting, sent, replaced; done, refused, failed
    given_ms BIGINT NOT NULL,
    at_ms BIGINT,                    -- of the answer, as the player says
    detail TEXT NOT NULL,
    PRIMARY KEY (player, n)
);
CREATE INDEX player_order_by_reference ON player_order (reference);
CREATE INDEX player_order_by_screen ON player_order (screen, given_ms);

-- What holds for a screen whichever player it gets: a new one is given these first.
CREATE TABLE screen_standing (
    screen TEXT NOT NULL REFERENCES screen (id),
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL,
    given_ms BIGINT NOT NULL,
    PRIMARY KEY (screen, kind, reference)
);
CREATE INDEX screen_standing_by_reference ON screen_standing (reference);

CREATE TABLE player_status (
    player TEXT PRIMARY KEY REFERENCES player (id),
    received_ms BIGINT NOT NULL,
    timestamp_version BIGINT NOT NULL,
    troubles TEXT NOT NULL,          -- codes, separated by spaces
    body TEXT NOT NULL               -- checked JSON
);

CREATE TABLE screenshot (
    screen TEXT PRIMARY KEY REFERENCES screen (id),
    player TEXT NOT NULL REFERENCES player (id),
    n BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body {BLOB} NOT NULL
);
