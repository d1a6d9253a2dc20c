-- Care: alerts and how people hear of them, until when there is content, packs of old batches.

-- One row from when something was first seen to be wrong until long after it was over.
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,              -- server/care/rules.c
    object TEXT NOT NULL,            -- a screen's id; 'role/NAME'; 'server'
    screen TEXT,                     -- NULL: of no screen
    unit TEXT NOT NULL REFERENCES unit (code),
    severity TEXT NOT NULL,          -- notice, warning, urgent
    vi TEXT NOT NULL,                -- what was found, in a sentence
    en TEXT NOT NULL,
    since_ms BIGINT NOT NULL,        -- it is wrong since
    seen_ms BIGINT NOT NULL,         -- and was noticed
    raised_ms BIGINT,                -- NULL: noticed, and not yet for long enough
    calm_ms BIGINT,                  -- not seen any more since; NULL: still there
    until_ms BIGINT,                 -- it was over; NULL: it is not
    told_ms BIGINT,                  -- people were told last
    end_told SMALLINT NOT NULL DEFAULT 0,
    acknowledged_ms BIGINT,
    acknowledged_by TEXT NOT NULL DEFAULT '',  -- user id
    note TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alert_open ON alert (object, kind) WHERE until_ms IS NULL;
CREATE INDEX alert_by_unit ON alert (unit, id);
CREATE INDEX alert_by_end ON alert (until_ms);

-- What is to be sent, until it was; at most twice.
CREATE TABLE care_outbox (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,           -- mail, webhook
    address TEXT NOT NULL,           -- e-mail addresses, commas between; a webhook's id
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,         -- not before
    attempts BIGINT NOT NULL,
    error TEXT NOT NULL,             -- of the last attempt
    done_ms BIGINT,                  -- sent or given up; NULL: waits
    sent SMALLINT NOT NULL DEFAULT 0
);
CREATE INDEX care_outbox_by_turn ON care_outbox (next_ms) WHERE done_ms IS NULL;

CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),  -- its alerts, and those of all below it
    url TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX webhook_by_unit ON webhook (unit);

-- Work that one server of several does at a time.
CREATE TABLE care_lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- When a published document has nothing more to show; 0: it shows nothing, NULL: never.
CREATE TABLE content_end (
    publication TEXT PRIMARY KEY REFERENCES publication (id),
    end_ms BIGINT
);

-- What a screen's document carries.
CREATE TABLE content_carry (
    publication TEXT NOT NULL REFERENCES publication (id),
    target TEXT NOT NULL,
    PRIMARY KEY (publication, target)
);

-- Batches of a day of some players, one after the other in a blob.
CREATE TABLE play_pack (
    sha256 TEXT PRIMARY KEY,
    day BIGINT NOT NULL,             -- they were received on, since 1970-01-01 UTC
    batches BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX play_pack_by_day ON play_pack (day);
-- What is still to be packed, player by player; the other index found nothing that this one does not.
DROP INDEX play_batch_by_receipt;
CREATE INDEX play_batch_to_pack ON play_batch (player, received_ms) WHERE pack IS NULL;
CREATE INDEX play_batch_by_pack ON play_batch (pack) WHERE pack IS NOT NULL;
