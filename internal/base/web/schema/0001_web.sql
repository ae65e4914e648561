-- +goose Up
CREATE TABLE web_request (
    who      TEXT NOT NULL,
    key      TEXT NOT NULL,
    digest   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    answered BOOLEAN NOT NULL DEFAULT FALSE,
    answer   JSONB NOT NULL,
    PRIMARY KEY (who, key)
);
CREATE INDEX web_request_at ON web_request (at);
