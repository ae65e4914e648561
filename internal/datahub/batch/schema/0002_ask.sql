-- +goose Up
-- batch_ask is a unit's request that who answers for a dataset holds a list against it (协助核验).
CREATE TABLE batch_ask (
    id         TEXT PRIMARY KEY,
    dataset    TEXT NOT NULL,               -- id
    title      TEXT NOT NULL,               -- as it was called then
    wanted     TEXT NOT NULL,               -- what is to come back, in words
    purpose    TEXT NOT NULL,
    basis      TEXT NOT NULL,
    file       TEXT NOT NULL,               -- id of the list
    file_name  TEXT NOT NULL,
    run_id     TEXT NOT NULL DEFAULT '',    -- the run that answers it
    to_unit    TEXT NOT NULL,               -- who answers for the dataset
    to_street  TEXT NOT NULL,
    rating     TEXT NOT NULL DEFAULT '',    -- good, fair, poor
    case_id    TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL DEFAULT '',
    state      TEXT NOT NULL DEFAULT '',
    step       TEXT NOT NULL DEFAULT '',
    holder     TEXT NOT NULL DEFAULT '',
    due_at     BIGINT NOT NULL DEFAULT 0,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    late       BOOLEAN NOT NULL DEFAULT FALSE,
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX batch_ask_at ON batch_ask (at, id);
CREATE INDEX batch_ask_unit ON batch_ask (unit_id, at, id);
CREATE INDEX batch_ask_to ON batch_ask (to_unit, at, id);
ALTER TABLE batch_run ADD COLUMN ask_id TEXT NOT NULL DEFAULT '';
ALTER TABLE batch_run ADD COLUMN matter TEXT NOT NULL DEFAULT ''; -- number of the case it is for
