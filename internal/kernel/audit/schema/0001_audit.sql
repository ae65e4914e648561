-- +goose Up
CREATE TABLE audit (
    id        TEXT PRIMARY KEY,
    seq       BIGINT NOT NULL DEFAULT 0,
    at        BIGINT NOT NULL,
    person    TEXT NOT NULL,
    account   TEXT NOT NULL,
    name      TEXT NOT NULL,
    admin     TEXT NOT NULL,
    unit      TEXT NOT NULL,
    post      TEXT NOT NULL,
    session   TEXT NOT NULL,
    ip        TEXT NOT NULL,
    agent     TEXT NOT NULL,
    trace     TEXT NOT NULL,
    action    TEXT NOT NULL,
    object    TEXT NOT NULL,
    object_id TEXT NOT NULL,
    title     TEXT NOT NULL,
    personal  BOOLEAN NOT NULL,
    subjects  BIGINT NOT NULL,
    purpose   TEXT NOT NULL,
    result    TEXT NOT NULL,
    detail    JSONB NOT NULL,
    mac       TEXT NOT NULL,
    hash      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_open ON audit (id) WHERE seq = 0;
CREATE UNIQUE INDEX audit_seq ON audit (seq) WHERE seq > 0;
CREATE INDEX audit_person ON audit (person, at, id);
CREATE INDEX audit_object ON audit (object, object_id, at, id);
CREATE INDEX audit_action ON audit (action, at, id);
