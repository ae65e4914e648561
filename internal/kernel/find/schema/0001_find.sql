-- +goose Up
-- how far the index is filled with what stood there before it
CREATE TABLE find_build (
    kind     TEXT PRIMARY KEY,
    after_id TEXT NOT NULL,               -- the last one entered
    done_at  BIGINT NOT NULL DEFAULT 0
);
