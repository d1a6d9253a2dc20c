-- Blobs that come before the row that names them: a row is there before the blob is, and goes with the transaction that names
-- it, or after the blob that nobody came to name.
CREATE TABLE blob_arrival (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL,                -- coming, going: it is being removed
    changed_ms BIGINT NOT NULL
);
CREATE INDEX blob_arrival_by_sha256 ON blob_arrival (sha256);
CREATE INDEX blob_arrival_by_change ON blob_arrival (changed_ms);
