-- What SQLite needs beside 0001_first.sql, because there one thread makes all moves of a process.
-- What was used, and pushed requests, are written one behind the other and found, and swept, by that thread's own index (see store/sqlite/appended.rs).
CREATE TABLE used (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE pushed_request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);
