-- +goose Up
CREATE TABLE notify (
    id        TEXT PRIMARY KEY,
    person    TEXT NOT NULL,
    at        BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    room      TEXT NOT NULL,
    object    TEXT NOT NULL,
    object_id TEXT NOT NULL,
    key       TEXT NOT NULL,
    args      JSONB NOT NULL,
    body      TEXT NOT NULL,
    link      TEXT NOT NULL,
    must      BOOLEAN NOT NULL,
    read_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX notify_person ON notify (person, id);
-- The unread are few however long the list grows: counting them reads this index alone.
CREATE INDEX notify_unread ON notify (person, id, must) WHERE read_at = 0;
