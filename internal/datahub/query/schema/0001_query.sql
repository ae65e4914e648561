-- +goose Up
-- query_run is one question as it was asked, answered or not.
CREATE TABLE query_run (
    id          TEXT PRIMARY KEY,
    origin      TEXT NOT NULL,               -- sql, build, saved, api or export
    saved       TEXT NOT NULL,               -- id of the saved query, '' for none
    state       TEXT NOT NULL,               -- running, done, failed or cancelled
    sealed      TEXT NOT NULL,               -- the text and its parameters under a field key: they may name a person
    digest      TEXT NOT NULL,               -- SHA-256 of the text
    sources     JSONB NOT NULL,              -- datasets with version and columns used
    personal    BOOLEAN NOT NULL,            -- columns were used that are masked for others
    purpose     TEXT NOT NULL,
    row_count   BIGINT NOT NULL,
    millis      BIGINT NOT NULL,
    fault       JSONB NOT NULL,              -- why it failed: key and arguments
    person      TEXT NOT NULL,
    person_name TEXT NOT NULL,
    unit_id     TEXT NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX query_run_person ON query_run (person, at, id);
CREATE INDEX query_run_at ON query_run (at, id);
CREATE UNIQUE INDEX query_run_slot ON query_run (person) WHERE state = 'running';

-- query_saved is a question kept under a name. What it asks stands in its versions.
CREATE TABLE query_saved (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    summary     TEXT NOT NULL,
    number      BIGINT NOT NULL,             -- newest version
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    unit_id     TEXT NOT NULL,
    street      TEXT NOT NULL,
    at          BIGINT NOT NULL,             -- last change
    version     BIGINT NOT NULL
);
CREATE INDEX query_saved_owner ON query_saved (owner, at, id);
CREATE INDEX query_saved_unit ON query_saved (unit_id, at, id);
CREATE INDEX query_saved_at ON query_saved (at, id);

CREATE TABLE query_saved_version (
    saved_id    TEXT NOT NULL REFERENCES query_saved (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    engine      TEXT NOT NULL,               -- whose SQL it is: duckdb
    plan        JSONB NOT NULL,              -- text or form, parameters, chart
    person      TEXT NOT NULL,
    person_name TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (saved_id, number)
);

-- query_share lets a unit and all below it, or a person, ask a saved question, each with his own rights.
CREATE TABLE query_share (
    saved_id TEXT NOT NULL REFERENCES query_saved (id) ON DELETE CASCADE,
    unit_id  TEXT NOT NULL,
    person   TEXT NOT NULL,
    PRIMARY KEY (saved_id, unit_id, person)
);
CREATE INDEX query_share_unit ON query_share (unit_id) WHERE unit_id <> '';
CREATE INDEX query_share_person ON query_share (person) WHERE person <> '';

-- query_export is an answer given out as a file.
CREATE TABLE query_export (
    id        TEXT PRIMARY KEY,
    run       TEXT NOT NULL,                 -- the run whose question it answers again
    title     TEXT NOT NULL,
    format    TEXT NOT NULL,                 -- csv or xlsx
    state     TEXT NOT NULL,                 -- queued, done or failed
    file      TEXT NOT NULL,                 -- '' until done and after it was removed
    row_count BIGINT NOT NULL,
    more      BOOLEAN NOT NULL,              -- cut at the limit
    fault     JSONB NOT NULL,
    actor     JSONB NOT NULL,                -- as whom it is asked: person, post and rights
    lang      TEXT NOT NULL,
    person    TEXT NOT NULL,
    at        BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL
);
CREATE INDEX query_export_person ON query_export (person, at, id);
CREATE INDEX query_export_file ON query_export (ended_at) WHERE file <> '';
