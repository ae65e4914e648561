-- +goose Up
CREATE TABLE identity_account (
    id           TEXT PRIMARY KEY,
    login        TEXT NOT NULL,             -- as written by whoever made it
    login_key    TEXT NOT NULL UNIQUE,      -- lower case: what is signed in with
    name         TEXT NOT NULL,
    find         TEXT NOT NULL,             -- lower case login, name and pinyin, for the list's search
    person       TEXT NOT NULL DEFAULT '',  -- of the org, '' for administrators
    unit_id      TEXT NOT NULL DEFAULT '',  -- unit of the person's main post
    admin        TEXT NOT NULL DEFAULT '',  -- system, security, audit or ''
    service      BOOLEAN NOT NULL DEFAULT FALSE, -- a program: tokens only
    hash         TEXT NOT NULL DEFAULT '',  -- '' until activated
    must_change  BOOLEAN NOT NULL DEFAULT FALSE,
    changed_at   BIGINT NOT NULL DEFAULT 0,
    failed       BIGINT NOT NULL DEFAULT 0,
    failed_at    BIGINT NOT NULL DEFAULT 0, -- first of the failures counted
    locked_until BIGINT NOT NULL DEFAULT 0,
    manual_lock  BOOLEAN NOT NULL DEFAULT FALSE,
    disabled     BOOLEAN NOT NULL DEFAULT FALSE,
    disabled_for TEXT NOT NULL DEFAULT '',
    waiting      BOOLEAN NOT NULL DEFAULT FALSE, -- a new administrator the security administrator has not approved
    last_at      BIGINT NOT NULL DEFAULT 0, -- last sign-in
    active_at    BIGINT NOT NULL DEFAULT 0, -- what dormancy is counted from: sign-in, password set, enabled again
    created_at   BIGINT NOT NULL,
    totp         TEXT NOT NULL DEFAULT '',  -- sealed
    totp_step    BIGINT NOT NULL DEFAULT 0, -- last step accepted
    totp_wanted  BOOLEAN NOT NULL DEFAULT FALSE,
    code         TEXT NOT NULL DEFAULT '',  -- hash of the activation code
    code_until   BIGINT NOT NULL DEFAULT 0,
    version      BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX identity_account_person ON identity_account (person) WHERE person <> '' AND service = FALSE;
CREATE INDEX identity_account_unit ON identity_account (unit_id, login_key);
CREATE INDEX identity_account_admin ON identity_account (admin) WHERE admin <> '';

-- what was used before, newest last
CREATE TABLE identity_password (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_account (id),
    hash    TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX identity_password_account ON identity_password (account, id);

CREATE TABLE identity_recovery (
    account TEXT NOT NULL REFERENCES identity_account (id),
    hash    TEXT NOT NULL,
    PRIMARY KEY (account, hash)
);

CREATE TABLE identity_session (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE,      -- of the cookie's value
    account TEXT NOT NULL REFERENCES identity_account (id),
    kind    TEXT NOT NULL,             -- pc or mobile
    state   TEXT NOT NULL,             -- full, or the step that is outstanding: totp, change, enroll
    proved  BOOLEAN NOT NULL DEFAULT FALSE, -- the second factor was shown
    created BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    ip      TEXT NOT NULL,
    agent   TEXT NOT NULL,
    device  TEXT NOT NULL,
    post    TEXT NOT NULL DEFAULT '',
    enroll  TEXT NOT NULL DEFAULT '',  -- sealed secret of a second factor being bound
    ended   BIGINT NOT NULL DEFAULT 0,
    reason  TEXT NOT NULL DEFAULT '',
    note    TEXT NOT NULL DEFAULT ''   -- which device took its place
);
CREATE INDEX identity_session_account ON identity_session (account, created) WHERE ended = 0;
CREATE INDEX identity_session_seen ON identity_session (seen, id) WHERE ended = 0;
CREATE INDEX identity_session_ended ON identity_session (ended) WHERE ended > 0;

CREATE TABLE identity_token (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES identity_account (id),
    name    TEXT NOT NULL,
    perms   JSONB NOT NULL,
    made_by TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT NOT NULL DEFAULT 0,
    revoked BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX identity_token_account ON identity_token (account, id);

-- failures of what is no account: an address, a login name nobody has
CREATE TABLE identity_failure (
    key          TEXT PRIMARY KEY,
    failed       BIGINT NOT NULL,
    failed_at    BIGINT NOT NULL,
    locked_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX identity_failure_at ON identity_failure (failed_at);

-- the one-time token of the first start
CREATE TABLE identity_setup (
    id   TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    at   BIGINT NOT NULL
);
