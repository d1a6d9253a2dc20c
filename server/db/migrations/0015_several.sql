-- Several servers on one database.

-- The server that knows whether the player obeys: the one that has its stream, or had it last; '' on SQLite, where
-- there is one.
ALTER TABLE player ADD COLUMN hub TEXT NOT NULL DEFAULT '';
CREATE INDEX player_by_end ON player (ended_ms);
