-- Times are seconds since 1970. What is called a key is a SHA-256. Bodies are JSON.
CREATE TABLE client (
    client_id TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
CREATE TABLE person (
    name TEXT PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE TABLE session (
    key BYTEA PRIMARY KEY,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE consent (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX consent_client ON consent (client_id);
CREATE TABLE code (
    key BYTEA PRIMARY KEY,
    grant_id TEXT NOT NULL,
    body TEXT NOT NULL,
    good_until BIGINT NOT NULL,
    redeemed_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE TABLE refresh_token (
    key BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE access_token (
    key BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    grant_id TEXT,
    claims TEXT,
    counterfoil TEXT,
    revoked_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_token_grant ON access_token (grant_id);
CREATE INDEX access_token_expiry ON access_token (expires_at);

-- Requests to authenticate somebody on another device (CIBA). state: pending, approved or denied; redeemed when a poll has got the tokens, spent
-- when another one has come after it. granted: what was granted, as consent has it, so that one look at this row is enough. hurried: the last poll came before next_poll, and pause, in seconds, was made longer.
CREATE TABLE backchannel_request (
    key BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    granted TEXT,
    pause BIGINT NOT NULL,
    next_poll BIGINT NOT NULL,
    hurried BOOLEAN NOT NULL,
    good_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX backchannel_request_subject ON backchannel_request (subject);

-- What differs between SQLite and PostgreSQL is put in for the word in the at signs, or is in the file of either.
CREATE TABLE publication (
    cursor @growing_key@,
    kind TEXT NOT NULL,
    key BYTEA NOT NULL,
    counterfoil TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX publication_expiry ON publication (expires_at);
