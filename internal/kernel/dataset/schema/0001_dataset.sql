-- +goose Up
CREATE TABLE dataset (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,      -- what programs call it
    title      TEXT NOT NULL,
    summary    TEXT NOT NULL,
    room       TEXT NOT NULL,             -- which room publishes it
    unit_id    TEXT NOT NULL,             -- who answers for it
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    level      TEXT NOT NULL,             -- the highest of its columns'
    columns    JSONB NOT NULL,
    current    TEXT NOT NULL,             -- warehouse version that serves
    number     BIGINT NOT NULL,           -- of that version
    newest     BIGINT NOT NULL,           -- highest number ever given
    row_count  BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX dataset_updated ON dataset (updated_at, id);
CREATE INDEX dataset_unit ON dataset (unit_id, updated_at, id);

CREATE TABLE dataset_version (
    id          TEXT PRIMARY KEY,         -- warehouse version
    dataset_id  TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    columns     JSONB NOT NULL,
    row_count   BIGINT NOT NULL,
    byte_count  BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    source      TEXT NOT NULL,            -- name of the file it was made from
    person      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    replaced_at BIGINT NOT NULL DEFAULT 0 -- when it stopped serving, 0 while it serves
);
CREATE UNIQUE INDEX dataset_version_number ON dataset_version (dataset_id, number);

CREATE TABLE dataset_grant (
    id         TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    unit_id    TEXT NOT NULL,             -- to a unit and all below it, or
    person     TEXT NOT NULL,             -- to one person
    columns    JSONB NOT NULL,            -- names that may be shown, masked where the column is
    reveal     JSONB NOT NULL,            -- of these, names that may be shown in clear
    purpose    TEXT NOT NULL,
    basis      TEXT NOT NULL,             -- legal basis
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    given_by   TEXT NOT NULL,
    given_at   BIGINT NOT NULL,
    revoked_by TEXT NOT NULL DEFAULT '',
    revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX dataset_grant_of ON dataset_grant (dataset_id, given_at, id);
CREATE INDEX dataset_grant_unit ON dataset_grant (unit_id) WHERE unit_id <> '';
CREATE INDEX dataset_grant_person ON dataset_grant (person) WHERE person <> '';
