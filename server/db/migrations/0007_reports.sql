-- Settings of units, and reports that were made.

-- What a unit and everything below it does differently. server/settings/definitions.c says what there is.
CREATE TABLE setting (
    unit TEXT NOT NULL REFERENCES unit (code),
    name TEXT NOT NULL,
    value TEXT,                      -- NULL: again as the unit above has it
    revision BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (unit, name)
);

-- A report is never changed. `document` is docs/reports.md's; whatever is exported is drawn from it.
CREATE TABLE report (
    id TEXT PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES unit (code),
    kind TEXT NOT NULL,              -- SHA-256 of all that was asked for but the days: equal ones follow each other
    preset TEXT NOT NULL,            -- "" without
    title TEXT NOT NULL,
    from_day BIGINT NOT NULL,        -- since 1970-01-01; the last one belongs to it
    until_day BIGINT NOT NULL,
    rows_count BIGINT NOT NULL,
    complete BIGINT NOT NULL,        -- the official number
    sha256 TEXT NOT NULL,            -- of the document
    document TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX report_by_unit ON report (unit, created_ms);
CREATE INDEX report_by_kind ON report (kind, unit, created_ms);

-- What was counted for each day and screen when a report was made, so that the next one knows what
-- came after it.
CREATE TABLE report_day (
    report TEXT NOT NULL REFERENCES report (id),
    day BIGINT NOT NULL,
    screen TEXT NOT NULL,
    complete BIGINT NOT NULL,
    partial BIGINT NOT NULL,
    shown_ms BIGINT NOT NULL,
    PRIMARY KEY (report, day, screen)
);

-- The first play of each version of a document on each screen, for "how soon was it shown".
CREATE TABLE play_first (
    publication TEXT NOT NULL,       -- as records name it
    version BIGINT NOT NULL,
    screen TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    PRIMARY KEY (publication, version, screen)
);

-- How often the schedule asks for an item, computed from the documents in force.
CREATE TABLE plan_daily (
    day BIGINT NOT NULL,             -- since 1970-01-01, in the screen's time zone
    screen TEXT NOT NULL,
    unit TEXT NOT NULL,
    publication TEXT NOT NULL,
    item TEXT NOT NULL,
    campaign TEXT NOT NULL,
    priority TEXT NOT NULL,
    planned BIGINT NOT NULL,
    PRIMARY KEY (day, screen, unit, publication, item, campaign, priority)
);
