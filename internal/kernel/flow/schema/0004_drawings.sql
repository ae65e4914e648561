-- +goose Up
-- where a version came from: its room ('room'), or an administrator who drew it ('drawn')
ALTER TABLE flow_def ADD COLUMN source TEXT NOT NULL DEFAULT 'room';
ALTER TABLE flow_def ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- a drawing under way, one a kind
CREATE TABLE flow_draft (
    kind    TEXT PRIMARY KEY,
    body    JSONB NOT NULL,
    at      BIGINT NOT NULL,
    by_id   TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- running cases being taken over to another version
CREATE TABLE flow_move (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    def_id  TEXT NOT NULL REFERENCES flow_def (id),
    steps   JSONB NOT NULL,               -- node of now → node of then, where they differ
    state   TEXT NOT NULL,                -- running, done, cancelled
    total   BIGINT NOT NULL,
    moved   BIGINT NOT NULL DEFAULT 0,
    kept    BIGINT NOT NULL DEFAULT 0,    -- that could not be moved
    reason  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    ended_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX flow_move_kind ON flow_move (kind, at);
-- those that stayed, and why
CREATE TABLE flow_move_kept (
    move_id TEXT NOT NULL REFERENCES flow_move (id),
    case_id TEXT NOT NULL REFERENCES flow_case (id),
    text_key TEXT NOT NULL,
    args    JSONB NOT NULL,
    PRIMARY KEY (move_id, case_id)
);
CREATE INDEX flow_case_def ON flow_case (def_id, id) WHERE state = 'open' OR state = 'suspended';
