-- +goose Up
CREATE TABLE file (
    id     TEXT PRIMARY KEY,
    room   TEXT NOT NULL,
    object TEXT NOT NULL,
    name   TEXT NOT NULL,
    size   BIGINT NOT NULL,
    media  TEXT NOT NULL,
    hash   TEXT NOT NULL,
    person TEXT NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX file_owner ON file (room, object, at, id);
CREATE INDEX file_hash ON file (hash);
CREATE TABLE file_upload (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    name     TEXT NOT NULL,
    size     BIGINT NOT NULL,
    received BIGINT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX file_upload_at ON file_upload (at);
CREATE TABLE file_part (
    upload TEXT NOT NULL,
    start  BIGINT NOT NULL,
    hash   TEXT NOT NULL,
    PRIMARY KEY (upload, start)
);
CREATE INDEX file_part_hash ON file_part (hash);
