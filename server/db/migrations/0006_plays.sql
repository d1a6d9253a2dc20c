-- Proof of play: what came home, and what it adds up to. docs/plays.md says what is counted.

-- How far each journal has come home. A journal belongs to one player for ever.
CREATE TABLE play_journal (
    player TEXT NOT NULL REFERENCES player (id),
    journal TEXT NOT NULL,
    screen TEXT NOT NULL REFERENCES screen (id),
    unit TEXT NOT NULL,              -- of the player, as pinned when it was paired
    state TEXT NOT NULL,             -- open, closed (a newer journal of this player has begun), forked
    last_seq BIGINT NOT NULL,        -- counted up to this record
    last_hash TEXT NOT NULL,         -- and the chain there
    tally TEXT NOT NULL,             -- plays/tally.h: showings that are still going on
    boots TEXT NOT NULL,             -- JSON: offsets of the newest boots
    first_ms BIGINT NOT NULL,        -- first batch received
    received_ms BIGINT NOT NULL,     -- newest batch received
    known_ms BIGINT NOT NULL,        -- everything shown before this moment is counted
    stopped SMALLINT NOT NULL DEFAULT 0,  -- 1: ended in order, and nothing of it is missing
    step_from BIGINT NOT NULL DEFAULT 0,  -- last_seq before the newest step: compare and set
    resolved_ms BIGINT,              -- forked: when people said that it is settled
    PRIMARY KEY (player, journal)
);
CREATE INDEX play_journal_by_journal ON play_journal (journal);
CREATE INDEX play_journal_by_screen ON play_journal (screen);

-- The batches as they came, for whoever wants to count again. `body` is NULL once it lies in a pack.
CREATE TABLE play_batch (
    player TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_seq BIGINT NOT NULL,       -- of what was counted of it; records before overlap others
    last_seq BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,         -- earliest and latest play in it, as counted
    until_ms BIGINT NOT NULL,
    body {BLOB},
    pack TEXT,                       -- SHA-256 of the pack among the blobs
    pack_at BIGINT NOT NULL,
    pack_len BIGINT NOT NULL,
    PRIMARY KEY (player, journal, first_seq)
);
CREATE INDEX play_batch_by_receipt ON play_batch (received_ms);

-- What does not fit the chain: a copied card, or a changed journal. Never counted.
CREATE TABLE play_quarantine (
    id TEXT PRIMARY KEY,
    player TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    body {BLOB} NOT NULL
);
CREATE INDEX play_quarantine_by_journal ON play_quarantine (player, journal);

-- What was shown. `id` is the first 62 bits of the SHA-256 over all columns.
CREATE TABLE play_subject (
    id BIGINT PRIMARY KEY,
    publication TEXT NOT NULL,
    item TEXT NOT NULL,
    asset TEXT NOT NULL,             -- "" of a whole set and of what is drawn
    type TEXT NOT NULL,
    campaign TEXT NOT NULL,
    layer TEXT NOT NULL,
    priority TEXT NOT NULL
);

-- For ever.
CREATE TABLE play_daily (
    day BIGINT NOT NULL,             -- since 1970-01-01, in the screen's time zone
    screen TEXT NOT NULL,
    unit TEXT NOT NULL,              -- at that date
    subject BIGINT NOT NULL,
    reason TEXT NOT NULL,            -- why it ended
    evidence TEXT NOT NULL,
    complete BIGINT NOT NULL,
    partial BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    cards BIGINT NOT NULL,
    shown_ms BIGINT NOT NULL,
    presented BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    repaired BIGINT NOT NULL,
    undated BIGINT NOT NULL,
    PRIMARY KEY (day, screen, unit, subject, reason, evidence)
);

-- For 13 months (a setting).
CREATE TABLE play_hourly (
    day BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    screen TEXT NOT NULL,
    unit TEXT NOT NULL,
    subject BIGINT NOT NULL,
    complete BIGINT NOT NULL,
    partial BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    cards BIGINT NOT NULL,
    shown_ms BIGINT NOT NULL,
    PRIMARY KEY (day, hour, screen, unit, subject)
);

-- What is missing, by the player's own word or by ours.
CREATE TABLE play_loss (
    player TEXT NOT NULL,
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,             -- of the record; of the first missing one when we say so
    screen TEXT NOT NULL,
    unit TEXT NOT NULL,
    plays BIGINT NOT NULL,           -- 0: their number is not known
    cause TEXT NOT NULL,             -- the record's; 'records pruned', 'journal replaced', 'journal forked',
                                     -- 'player replaced', 'record unreadable'
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    clock TEXT NOT NULL,             -- synced, unknown; server when we say so
    PRIMARY KEY (player, journal, seq, cause)
);
CREATE INDEX play_loss_by_screen ON play_loss (screen, start_ms);

-- When players ran: starts and orderly stops.
CREATE TABLE play_run (
    player TEXT NOT NULL,
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    screen TEXT NOT NULL,
    kind TEXT NOT NULL,              -- start, stop
    at_ms BIGINT NOT NULL,
    dated TEXT NOT NULL,             -- synced, repaired, unknown
    recovered BIGINT NOT NULL,       -- start: plays closed as 'power lost'
    PRIMARY KEY (player, journal, seq)
);
CREATE INDEX play_run_by_screen ON play_run (screen, at_ms);

-- Where all journals stood when a day was over, signed by the server; each names the one before.
CREATE TABLE play_heads (
    day BIGINT PRIMARY KEY,
    body TEXT NOT NULL,              -- {"signed": …, "signatures": […]}
    sha256 TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- Days and hours of a screen are those on its own wall.
ALTER TABLE screen ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'Asia/Ho_Chi_Minh';
