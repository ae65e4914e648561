-- +goose Up
CREATE TABLE talk (
    id     TEXT PRIMARY KEY,
    room   TEXT NOT NULL,
    object TEXT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX talk_object ON talk (room, object);
CREATE TABLE talk_message (
    id          TEXT PRIMARY KEY,
    thread      TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    client      TEXT NOT NULL,
    author      TEXT NOT NULL,
    body        TEXT NOT NULL,
    mentions    JSONB NOT NULL,
    files       JSONB NOT NULL,
    at          BIGINT NOT NULL,
    recalled_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX talk_message_seq ON talk_message (thread, seq);
CREATE UNIQUE INDEX talk_message_client ON talk_message (thread, author, client);
-- Who has a mark takes part: he wrote, was mentioned (seq 0 until he reads) or has read.
CREATE TABLE talk_mark (
    thread TEXT NOT NULL,
    person TEXT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (thread, person)
);
