-- What SQLite needs beside 0001_first.sql, because there one thread makes all moves of a process.
-- What was used is written one behind the other, and found by that thread's own table (see store/sqlite/used.rs): by a key of SHA-256 each use
-- would change another page, and pages are what a commit writes. Identifiers are never given out twice: by them others' uses are found.
CREATE TABLE used (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_expiry ON used (expires_at);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);
