-- Roles of which players hold a newer version than this server has, or documents of it that are missing here: what was
-- signed after the backup that the server was restored from. A row goes when it is all here again, or signed anew.
CREATE TABLE tuf_seen (
    role TEXT PRIMARY KEY,
    version BIGINT NOT NULL
);
