-- What PostgreSQL needs beside 0001_first.sql, because there moves are committed side by side.
-- A publication has no place until it is committed: places are given out afterwards, one turn after the other (see store/postgres.rs).
ALTER TABLE publication ADD COLUMN place BIGINT;
CREATE UNIQUE INDEX publication_place ON publication (place);
CREATE INDEX publication_without_place ON publication (cursor) WHERE place IS NULL;
CREATE TABLE feed (last_place BIGINT NOT NULL);
INSERT INTO feed (last_place) VALUES (0);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);
CREATE INDEX code_expiry ON code (expires_at);
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX consent_expiry ON consent (expires_at);
CREATE INDEX backchannel_request_expiry ON backchannel_request (expires_at);
CREATE TABLE used (
    key BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE TABLE pushed_request (
    key BYTEA PRIMARY KEY,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pushed_request_expiry ON pushed_request (expires_at);
CREATE INDEX used_expiry ON used (expires_at);
