-- +goose Up
CREATE TABLE desk_notice (
    id            TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    body          TEXT NOT NULL,              -- Markdown
    unit_id       TEXT NOT NULL,              -- who publishes
    unit_name     TEXT NOT NULL,              -- as it was called then
    street        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    owner_name    TEXT NOT NULL,
    published_at  BIGINT NOT NULL,
    edited_at     BIGINT NOT NULL DEFAULT 0,
    edited_by     TEXT NOT NULL DEFAULT '',
    asked_at      BIGINT NOT NULL,            -- an older receipt does not count
    must_read     BOOLEAN NOT NULL,
    pinned_until  BIGINT NOT NULL DEFAULT 0,
    withdrawn_at  BIGINT NOT NULL DEFAULT 0,
    withdrawn_by  TEXT NOT NULL DEFAULT '',
    withdrawn_why TEXT NOT NULL DEFAULT '',
    version       BIGINT NOT NULL
);
CREATE INDEX desk_notice_at ON desk_notice (published_at, id);
CREATE INDEX desk_notice_by_unit ON desk_notice (unit_id, published_at, id);

-- whom a notice is addressed to: a unit means it and all below, '' means everybody. What a workbench counts and sorts
-- by is repeated here from the notice, so that one index answers it.
CREATE TABLE desk_notice_unit (
    notice_id    TEXT NOT NULL REFERENCES desk_notice (id) ON DELETE CASCADE,
    unit_id      TEXT NOT NULL,
    at           BIGINT NOT NULL,             -- published_at
    must_read    BOOLEAN NOT NULL,
    asked_at     BIGINT NOT NULL,
    pinned_until BIGINT NOT NULL,
    live         BOOLEAN NOT NULL,            -- not withdrawn
    PRIMARY KEY (notice_id, unit_id)
);
CREATE INDEX desk_notice_unit_live ON desk_notice_unit (unit_id, at, notice_id, must_read, asked_at, pinned_until) WHERE live;

CREATE TABLE desk_receipt (
    person_id TEXT NOT NULL,
    notice_id TEXT NOT NULL REFERENCES desk_notice (id) ON DELETE CASCADE,
    seen_at   BIGINT NOT NULL,                -- first opened
    read_at   BIGINT NOT NULL DEFAULT 0,      -- last confirmed by 已阅
    PRIMARY KEY (person_id, notice_id)
);
CREATE INDEX desk_receipt_notice ON desk_receipt (notice_id, person_id);

CREATE TABLE desk_pin (
    person_id TEXT NOT NULL,
    entry     TEXT NOT NULL,                  -- path of a page
    rank      BIGINT NOT NULL,
    PRIMARY KEY (person_id, entry)
);
