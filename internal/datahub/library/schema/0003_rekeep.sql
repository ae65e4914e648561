-- +goose Up
-- Runs that keep every stored version anew: by what is decided of its columns, under the current key.
CREATE TABLE library_rekeep (
    id         TEXT PRIMARY KEY,
    state      TEXT NOT NULL,               -- queued, running, done, failed, cancelled
    run        BIGINT NOT NULL,             -- counts the workers that took it up
    total      BIGINT NOT NULL DEFAULT 0,   -- versions to be kept anew
    done       BIGINT NOT NULL DEFAULT 0,
    rows_done  BIGINT NOT NULL DEFAULT 0,
    failed     BIGINT NOT NULL DEFAULT 0,   -- versions that could not be
    fault      JSONB NOT NULL DEFAULT '{}', -- the first reason
    person     TEXT NOT NULL,
    name       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    beat_at    BIGINT NOT NULL
);
CREATE INDEX library_rekeep_at ON library_rekeep (at, id);
CREATE UNIQUE INDEX library_rekeep_one ON library_rekeep (ended_at) WHERE ended_at = 0;
