-- +goose Up

-- The end of the chain, marked: who cuts the tail and this row cannot make a fitting one without the key.
CREATE TABLE audit_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL,
    mac  TEXT NOT NULL
);

CREATE TABLE audit_root (
    id       BIGINT PRIMARY KEY,
    kind     TEXT NOT NULL,
    from_seq BIGINT NOT NULL,
    to_seq   BIGINT NOT NULL,
    records  BIGINT NOT NULL,
    head     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    signer   TEXT NOT NULL,
    sig      TEXT NOT NULL
);

-- A range of records that was written to a file, proved there, and deleted here.
CREATE TABLE audit_archive (
    id       BIGINT PRIMARY KEY,
    from_seq BIGINT NOT NULL,
    to_seq   BIGINT NOT NULL,
    head     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    file     TEXT NOT NULL,
    digest   TEXT NOT NULL,
    signer   TEXT NOT NULL,
    sig      TEXT NOT NULL
);

CREATE TABLE audit_check (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    beat_at  BIGINT NOT NULL,
    ended_at BIGINT NOT NULL DEFAULT 0,
    state    TEXT NOT NULL,
    done     BIGINT NOT NULL DEFAULT 0,
    total    BIGINT NOT NULL DEFAULT 0,
    report   JSONB NOT NULL
);

-- What an auditor looks for is rare among the rest; a partial index costs other writes nothing.
CREATE INDEX audit_refused ON audit (at, id) WHERE result <> 'ok';
CREATE INDEX audit_personal ON audit (at, id) WHERE personal;
CREATE INDEX audit_auditors ON audit (at, id) WHERE admin = 'audit';
