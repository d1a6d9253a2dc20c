-- Uploads that have not ended, where several servers share a store: a row for each piece that came, there before its object
-- is and until it is gone.
CREATE TABLE upload_piece (
    object TEXT PRIMARY KEY,            -- its key in the store
    upload TEXT NOT NULL,
    at BIGINT NOT NULL,                 -- where in the upload it begins
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL,                -- coming, here
    made_ms BIGINT NOT NULL
);
CREATE INDEX upload_piece_by_upload ON upload_piece (upload, at);
