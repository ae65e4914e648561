-- +goose Up
-- days off and make-up workdays of a year, as its notice was entered; what the program carries holds for the others
CREATE TABLE settings_calendar (
    year       BIGINT PRIMARY KEY,
    body       JSONB NOT NULL,
    version    BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    reason     TEXT NOT NULL
);
