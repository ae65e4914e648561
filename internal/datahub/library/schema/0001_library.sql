-- +goose Up
-- library_load is one file on its way into a dataset.
CREATE TABLE library_load (
    id         TEXT PRIMARY KEY,
    state      TEXT NOT NULL,               -- draft, queued, running, done, failed, cancelled
    file       TEXT NOT NULL,               -- id of the uploaded file, '' once cleaned up
    file_name  TEXT NOT NULL,
    file_size  BIGINT NOT NULL,
    plan       JSONB NOT NULL,              -- what is to become of it, as the user corrected it
    finding    JSONB NOT NULL,              -- what was found at the file's beginning; no cells
    run        BIGINT NOT NULL DEFAULT 0,   -- counts starts; a worker of an older run stops
    expect     BIGINT NOT NULL DEFAULT 0,   -- version of the dataset it replaces, when it was started
    rows_done  BIGINT NOT NULL DEFAULT 0,   -- rows loaded so far
    bytes_done BIGINT NOT NULL DEFAULT 0,
    bytes_all  BIGINT NOT NULL DEFAULT 0,   -- 0 when unknown
    rejected   BIGINT NOT NULL DEFAULT 0,
    reject     TEXT NOT NULL DEFAULT '',    -- id of the file that lists them
    fault      JSONB NOT NULL DEFAULT '{}', -- why it failed
    dataset    TEXT NOT NULL DEFAULT '',    -- id of what it became
    number     BIGINT NOT NULL DEFAULT 0,   -- and which version of it
    lang       TEXT NOT NULL DEFAULT 'zh',
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    started_at BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    beat_at    BIGINT NOT NULL DEFAULT 0,   -- last sign of life of its worker, by the machine's clock
    version    BIGINT NOT NULL
);
CREATE INDEX library_load_at ON library_load (at, id);
CREATE INDEX library_load_unit ON library_load (unit_id, at, id);
CREATE INDEX library_load_busy ON library_load (beat_at) WHERE state IN ('queued', 'running');
CREATE INDEX library_load_dataset ON library_load (dataset, at, id);
