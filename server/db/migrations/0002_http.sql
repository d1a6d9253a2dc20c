-- Answers to requests with an Idempotency-Key, for 24 hours. What was answered is sealed under the
-- key itself, of which only a hash is here: an answer may hold a token that is shown once.
CREATE TABLE http_answer (
    caller TEXT NOT NULL,
    key_sha256 TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    sealed {BLOB} NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (caller, key_sha256)
);
CREATE INDEX http_answer_made ON http_answer (made_ms);
