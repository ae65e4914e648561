-- +goose Up
-- batch_run is one list held against a dataset.
CREATE TABLE batch_run (
    id          TEXT PRIMARY KEY,
    state       TEXT NOT NULL,               -- draft, queued, running, done, failed, cancelled
    file        TEXT NOT NULL,               -- id of the uploaded list, '' once it is gone
    file_name   TEXT NOT NULL,
    file_size   BIGINT NOT NULL,
    plan        JSONB NOT NULL,              -- what is asked of it, as the person decided
    finding     JSONB NOT NULL,              -- what was found in the file; no cells
    counts      JSONB NOT NULL,              -- rows, valid, invalid, repeated … and why
    purpose     TEXT NOT NULL,
    basis       TEXT NOT NULL,
    dataset     TEXT NOT NULL,               -- id
    title       TEXT NOT NULL,               -- as it was called then
    owner_unit  TEXT NOT NULL,               -- who answers for the dataset
    owner_street TEXT NOT NULL,
    store       TEXT NOT NULL DEFAULT '',    -- version of the dataset that answered
    number      BIGINT NOT NULL DEFAULT 0,   -- and its number
    fresh_at    BIGINT NOT NULL DEFAULT 0,   -- since when it serves
    grant_id    TEXT NOT NULL DEFAULT '',    -- the grant it runs under, '' when the dataset is in the runner's reach
    bare        BOOLEAN NOT NULL DEFAULT FALSE,
    run         BIGINT NOT NULL DEFAULT 0,   -- counts starts; a worker of an older run stops
    stage       TEXT NOT NULL DEFAULT '',    -- read, match, write
    done        BIGINT NOT NULL DEFAULT 0,   -- rows of that stage so far
    hits        BIGINT NOT NULL DEFAULT 0,
    missed      BIGINT NOT NULL DEFAULT 0,
    changed     BIGINT NOT NULL DEFAULT 0,
    result      TEXT NOT NULL DEFAULT '',    -- id of the sealed result, '' once it is gone
    header      JSONB NOT NULL DEFAULT '[]', -- names of its columns
    groups      JSONB NOT NULL DEFAULT '[]', -- the answer to a count by groups
    sealed      TEXT NOT NULL DEFAULT '',    -- key of the result under a field key; emptied, the result is gone for good
    root        TEXT NOT NULL DEFAULT '',    -- over the subjects, as the ledger has it
    expires_at  BIGINT NOT NULL DEFAULT 0,
    copies      BIGINT NOT NULL DEFAULT 0,
    fault       JSONB NOT NULL DEFAULT '{}', -- why it failed
    lang        TEXT NOT NULL DEFAULT 'zh',
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    post_unit   TEXT NOT NULL,               -- of the post, which may be a section
    unit_id     TEXT NOT NULL,
    street      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    started_at  BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    beat_at     BIGINT NOT NULL DEFAULT 0,   -- last sign of life of its worker, by the machine's clock
    version     BIGINT NOT NULL
);
CREATE INDEX batch_run_at ON batch_run (at, id);
CREATE INDEX batch_run_unit ON batch_run (unit_id, at, id);
CREATE INDEX batch_run_owner ON batch_run (owner, at, id);
CREATE INDEX batch_run_busy ON batch_run (beat_at) WHERE state IN ('queued', 'running');
CREATE INDEX batch_run_kept ON batch_run (at) WHERE file <> '' OR result <> '';

-- batch_copy is one copy of a result, made for one person.
CREATE TABLE batch_copy (
    code     TEXT PRIMARY KEY,               -- stands in the file, seen and unseen
    run_id   TEXT NOT NULL REFERENCES batch_run (id) ON DELETE CASCADE,
    format   TEXT NOT NULL,                  -- csv, xlsx
    person   TEXT NOT NULL,
    name     TEXT NOT NULL,
    unit_id  TEXT NOT NULL,
    sealed   TEXT NOT NULL,                  -- the password, until the copy is fetched
    at       BIGINT NOT NULL,
    taken_at BIGINT NOT NULL DEFAULT 0       -- when it was fetched, 0 before
);
CREATE INDEX batch_copy_run ON batch_copy (run_id, at, code);
CREATE INDEX batch_copy_sealed ON batch_copy (at) WHERE sealed <> '';
