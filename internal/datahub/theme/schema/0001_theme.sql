-- +goose Up
-- theme is a theme or topic library: steps of SQL that make datasets of datasets.
CREATE TABLE theme (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    title         TEXT NOT NULL,
    kind          TEXT NOT NULL,               -- theme (主题库), topic (专题库)
    summary       TEXT NOT NULL,
    unit_id       TEXT NOT NULL,               -- by whose right the steps read
    street        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    owner_name    TEXT NOT NULL,
    draft         JSONB NOT NULL,              -- steps and schedule as they are being written
    changed       BOOLEAN NOT NULL,            -- the draft is not what is released
    released      JSONB NOT NULL DEFAULT '{}', -- steps and schedule in force
    release       BIGINT NOT NULL DEFAULT 0,   -- counts releases, 0 before the first
    released_by   TEXT NOT NULL DEFAULT '',
    released_name TEXT NOT NULL DEFAULT '',
    released_at   BIGINT NOT NULL DEFAULT 0,
    next_at       BIGINT NOT NULL DEFAULT 0,   -- when it is due, 0 for by hand
    run           TEXT NOT NULL DEFAULT '',    -- the last one that ended
    state         TEXT NOT NULL DEFAULT '',    -- how that ended
    good_at       BIGINT NOT NULL DEFAULT 0,   -- when a run last went well
    fails         BIGINT NOT NULL DEFAULT 0,   -- runs that failed in a row
    warned        BIGINT NOT NULL DEFAULT 0,   -- tests of the last good run that advise against it
    fault         JSONB NOT NULL DEFAULT '{}', -- why the last run failed
    lang          TEXT NOT NULL DEFAULT 'zh',
    at            BIGINT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE INDEX theme_at ON theme (at, id);
CREATE INDEX theme_unit ON theme (unit_id, at, id);
CREATE INDEX theme_due ON theme (next_at) WHERE next_at > 0;

-- The datasets a library makes, by the name of their step; dataset_id is '' until the first run.
CREATE TABLE theme_output (
    name       TEXT PRIMARY KEY,
    theme_id   TEXT NOT NULL REFERENCES theme (id) ON DELETE CASCADE,
    dataset_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX theme_output_of ON theme_output (theme_id);
CREATE INDEX theme_output_dataset ON theme_output (dataset_id);

-- The datasets of others a library reads.
CREATE TABLE theme_input (
    theme_id   TEXT NOT NULL REFERENCES theme (id) ON DELETE CASCADE,
    dataset_id TEXT NOT NULL,
    PRIMARY KEY (theme_id, dataset_id)
);
CREATE INDEX theme_input_dataset ON theme_input (dataset_id);

CREATE TABLE theme_run (
    id          TEXT PRIMARY KEY,
    theme_id    TEXT NOT NULL REFERENCES theme (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,              -- of the library, from 1
    state       TEXT NOT NULL,                -- queued, running, done, failed, cancelled
    why         TEXT NOT NULL,                -- hand, input, daily
    try         BIGINT NOT NULL,              -- counts workers; one of an older try stops
    steps       JSONB NOT NULL,               -- as released when it began
    results     JSONB NOT NULL DEFAULT '[]',  -- step by step, with the tests; failing rows masked
    row_count   BIGINT NOT NULL DEFAULT 0,
    fault       JSONB NOT NULL DEFAULT '{}',
    lang        TEXT NOT NULL,
    person      TEXT NOT NULL,
    person_name TEXT NOT NULL,
    unit_id     TEXT NOT NULL,
    street      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    started_at  BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    beat_at     BIGINT NOT NULL               -- last sign of life of its worker, by the machine's clock
);
CREATE UNIQUE INDEX theme_run_number ON theme_run (theme_id, number);
CREATE UNIQUE INDEX theme_run_one ON theme_run (theme_id) WHERE state IN ('queued', 'running');
CREATE INDEX theme_run_busy ON theme_run (beat_at) WHERE state IN ('queued', 'running');

-- What a version of a dataset was made of.
CREATE TABLE theme_made (
    version_id TEXT PRIMARY KEY,              -- of the warehouse
    dataset_id TEXT NOT NULL,
    theme_id   TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    step       TEXT NOT NULL,
    lineage    JSONB NOT NULL,                -- versions read, and where each column comes from
    at         BIGINT NOT NULL
);
CREATE INDEX theme_made_dataset ON theme_made (dataset_id, at);

-- Which datasets the newest version of one was made of, to be asked the other way round.
CREATE TABLE theme_edge (
    dataset_id TEXT NOT NULL,
    input_id   TEXT NOT NULL,
    PRIMARY KEY (dataset_id, input_id)
);
CREATE INDEX theme_edge_input ON theme_edge (input_id);
