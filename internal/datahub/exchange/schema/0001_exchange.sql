-- +goose Up
-- exchange_application is one unit's wish to use another's data, and what became of it.
CREATE TABLE exchange_application (
    id              TEXT PRIMARY KEY,
    title           TEXT NOT NULL,             -- of what is asked for
    entry           TEXT NOT NULL,             -- id in the catalogue, '' for a dataset in none
    entry_code      TEXT NOT NULL,
    dataset         TEXT NOT NULL,             -- id, '' while the entry is bound to none
    provider        TEXT NOT NULL,             -- unit that answers for the data
    provider_street TEXT NOT NULL,
    share           TEXT NOT NULL,             -- unconditional, conditional, refused: of what is wanted
    state           TEXT NOT NULL,             -- draft, review, returned, granted, refused, stopped
    wish            JSONB NOT NULL,
    phone           TEXT NOT NULL,             -- of the contact, sealed
    terms           JSONB NOT NULL,            -- what was agreed to
    verdict         TEXT NOT NULL DEFAULT '',
    decider         TEXT NOT NULL DEFAULT '',  -- person who agreed
    reason          TEXT NOT NULL DEFAULT '',  -- why it was returned or refused
    grant_id        TEXT NOT NULL DEFAULT '',  -- exchange_grant
    renews          TEXT NOT NULL DEFAULT '',  -- exchange_grant it goes on with
    unit_id         TEXT NOT NULL,             -- who asks
    street          TEXT NOT NULL,
    owner           TEXT NOT NULL,
    owner_name      TEXT NOT NULL,
    at              BIGINT NOT NULL,
    filed_at        BIGINT NOT NULL DEFAULT 0,
    changed_at      BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    case_id         TEXT NOT NULL DEFAULT '',
    number          TEXT NOT NULL DEFAULT '',
    step            TEXT NOT NULL DEFAULT '',
    case_state      TEXT NOT NULL DEFAULT '',
    holder          TEXT NOT NULL DEFAULT '',
    due_at          BIGINT NOT NULL DEFAULT 0,
    closed_at       BIGINT NOT NULL DEFAULT 0,
    late            BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX exchange_application_at ON exchange_application (at, id);
CREATE INDEX exchange_application_unit ON exchange_application (unit_id, at, id);
CREATE INDEX exchange_application_owner ON exchange_application (owner, at, id);
CREATE INDEX exchange_application_provider ON exchange_application (provider, at, id);

-- exchange_grant is what was agreed to, while it is used. Whether it holds is dataset_grant's to say; grant_id names that
-- one. A grant that was suspended goes on under a new one.
CREATE TABLE exchange_grant (
    id              TEXT PRIMARY KEY,
    application     TEXT NOT NULL,
    number          TEXT NOT NULL,
    title           TEXT NOT NULL,
    dataset         TEXT NOT NULL,
    name            TEXT NOT NULL,             -- of the dataset
    grant_id        TEXT NOT NULL,
    past            JSONB NOT NULL,            -- earlier ones
    provider        TEXT NOT NULL,
    provider_street TEXT NOT NULL,
    unit_id         TEXT NOT NULL,             -- who uses it
    street          TEXT NOT NULL,
    owner           TEXT NOT NULL,             -- who applied
    terms           JSONB NOT NULL,
    purpose         TEXT NOT NULL,
    basis           TEXT NOT NULL,
    state           TEXT NOT NULL,             -- standing, suspended, revoked, ended
    reason          TEXT NOT NULL DEFAULT '',
    by_name         TEXT NOT NULL DEFAULT '',  -- who suspended or revoked it
    from_at         BIGINT NOT NULL,
    until_at        BIGINT NOT NULL,
    stopped_at      BIGINT NOT NULL DEFAULT 0,
    reminded        BIGINT NOT NULL DEFAULT 0, -- days before the end of the last reminder, 0 for none yet
    at              BIGINT NOT NULL,
    version         BIGINT NOT NULL
);
CREATE INDEX exchange_grant_at ON exchange_grant (at, id);
CREATE INDEX exchange_grant_unit ON exchange_grant (unit_id, at, id);
CREATE INDEX exchange_grant_provider ON exchange_grant (provider, at, id);
CREATE INDEX exchange_grant_until ON exchange_grant (until_at) WHERE state IN ('standing', 'suspended');

-- exchange_key lets one program use one grant.
CREATE TABLE exchange_key (
    id         TEXT PRIMARY KEY,
    grant_id   TEXT NOT NULL REFERENCES exchange_grant (id) ON DELETE CASCADE,
    program    TEXT NOT NULL,
    sealed     TEXT NOT NULL,                  -- the secret
    addresses  JSONB NOT NULL,                 -- CIDR, every address when empty
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT NOT NULL DEFAULT 0,
    revoked_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX exchange_key_grant ON exchange_key (grant_id, at, id);

-- exchange_nonce remembers what was said once, as long as it could be said again.
CREATE TABLE exchange_nonce (
    key_id TEXT NOT NULL,
    nonce  TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX exchange_nonce_at ON exchange_nonce (at);

-- exchange_call counts the calls of a key on a civil day.
CREATE TABLE exchange_call (
    key_id   TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    day      TEXT NOT NULL,
    good     BIGINT NOT NULL,
    bad      BIGINT NOT NULL,
    records  BIGINT NOT NULL,
    PRIMARY KEY (key_id, day)
);
CREATE INDEX exchange_call_grant ON exchange_call (grant_id, day);
CREATE INDEX exchange_call_day ON exchange_call (day);

-- exchange_delivery sends what a grant shows to where the receiver wants it.
CREATE TABLE exchange_delivery (
    id         TEXT PRIMARY KEY,
    grant_id   TEXT NOT NULL REFERENCES exchange_grant (id) ON DELETE CASCADE,
    title      TEXT NOT NULL,
    plan       JSONB NOT NULL,
    sealed     TEXT NOT NULL,                  -- password or private key of the target, '' for none
    state      TEXT NOT NULL,                  -- active, paused
    next_at    BIGINT NOT NULL DEFAULT 0,
    sent       BIGINT NOT NULL DEFAULT 0,      -- number of the dataset's version delivered last
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX exchange_delivery_grant ON exchange_delivery (grant_id, at, id);
CREATE INDEX exchange_delivery_next ON exchange_delivery (next_at) WHERE state = 'active' AND next_at > 0;

-- exchange_run is one delivery.
CREATE TABLE exchange_run (
    id         TEXT PRIMARY KEY,
    delivery   TEXT NOT NULL REFERENCES exchange_delivery (id) ON DELETE CASCADE,
    state      TEXT NOT NULL,                  -- queued, running, done, failed, cancelled
    cause      TEXT NOT NULL,                  -- schedule, version, person
    number     BIGINT NOT NULL DEFAULT 0,      -- version of the dataset
    rows_done  BIGINT NOT NULL DEFAULT 0,
    bytes      BIGINT NOT NULL DEFAULT 0,
    file       TEXT NOT NULL DEFAULT '',
    hash       TEXT NOT NULL DEFAULT '',       -- SHA-256 of the file
    reason     TEXT NOT NULL DEFAULT '',
    at         BIGINT NOT NULL,
    begun_at   BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX exchange_run_delivery ON exchange_run (delivery, at, id);
CREATE INDEX exchange_run_open ON exchange_run (state, at) WHERE state IN ('queued', 'running');
