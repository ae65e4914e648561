-- +goose Up
-- How a dataset stands: its newest finished check.
CREATE TABLE quality (
    dataset_id TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    check_id   TEXT NOT NULL DEFAULT '',   -- the newest that is done
    score      BIGINT NOT NULL DEFAULT -1, -- hundredths; -1 while nothing could be assessed
    grade      TEXT NOT NULL DEFAULT '',
    rules      BIGINT NOT NULL DEFAULT 0,  -- in force
    failing    BIGINT NOT NULL DEFAULT 0,  -- rules with a row that fails
    rows_n     BIGINT NOT NULL DEFAULT 0,
    at         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX quality_score ON quality (score, dataset_id);
CREATE INDEX quality_unit ON quality (unit_id, score, dataset_id);

CREATE TABLE quality_rule (
    id         TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL,
    title      TEXT NOT NULL,
    body       JSONB NOT NULL,
    weight     BIGINT NOT NULL,
    blocking   BOOLEAN NOT NULL,
    state      TEXT NOT NULL,              -- proposed, active, off
    origin     TEXT NOT NULL,              -- program, person
    by_name    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX quality_rule_of ON quality_rule (dataset_id, state, at, id);

-- One look at every row of one version of a dataset.
CREATE TABLE quality_check (
    id         TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL,
    version_id TEXT NOT NULL,              -- of the warehouse
    number     BIGINT NOT NULL,
    state      TEXT NOT NULL,              -- queued, running, done, failed, cancelled
    why        TEXT NOT NULL DEFAULT '',
    rows_n     BIGINT NOT NULL,
    done       BIGINT NOT NULL DEFAULT 0,
    score      BIGINT NOT NULL DEFAULT -1,
    grade      TEXT NOT NULL DEFAULT '',
    parts      JSONB NOT NULL DEFAULT '[]',
    found      JSONB NOT NULL DEFAULT '[]',
    profile    JSONB NOT NULL DEFAULT '[]',
    at         BIGINT NOT NULL,
    beat_at    BIGINT NOT NULL,            -- by the machine's clock
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX quality_check_of ON quality_check (dataset_id, at, id);
CREATE INDEX quality_check_open ON quality_check (beat_at) WHERE ended_at = 0;

-- What is to be put right: rows that fail a rule (整改), or what a reader says is wrong (校核纠错).
CREATE TABLE quality_ticket (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,              -- rows, reader
    dataset_id TEXT NOT NULL,
    title      TEXT NOT NULL,              -- of the dataset
    rule_id    TEXT NOT NULL,
    failing    BIGINT NOT NULL,
    words      TEXT NOT NULL,              -- what is wrong; no personal data
    col        TEXT NOT NULL,
    answer     TEXT NOT NULL DEFAULT '',   -- mended, right, later
    unit_id    TEXT NOT NULL,              -- who answers for the data
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,              -- who said so
    owner_name TEXT NOT NULL,
    from_unit  TEXT NOT NULL,
    at         BIGINT NOT NULL,
    case_id    TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL DEFAULT '',
    step       TEXT NOT NULL DEFAULT '',
    case_state TEXT NOT NULL DEFAULT '',
    holder     TEXT NOT NULL DEFAULT '',
    due_at     BIGINT NOT NULL DEFAULT 0,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    late       BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX quality_ticket_unit ON quality_ticket (unit_id, at, id);
CREATE INDEX quality_ticket_owner ON quality_ticket (owner, at, id);
CREATE INDEX quality_ticket_of ON quality_ticket (dataset_id, at, id);
