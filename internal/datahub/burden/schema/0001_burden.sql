-- +goose Up
-- burden is a report (报表) a department wants filled in, and what became of its check.
CREATE TABLE burden (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    basis       TEXT NOT NULL,
    period      TEXT NOT NULL,              -- once, monthly, quarterly, halfyear, yearly
    level       TEXT NOT NULL,              -- community, street: who fills it in
    is_list     BOOLEAN NOT NULL,           -- many rows a recipient, else one
    expected    BIGINT NOT NULL,            -- rows a recipient is thought to fill in
    due         TEXT NOT NULL,              -- first day it is due, YYYY-MM-DD
    targets     JSONB NOT NULL,             -- ids of units; who is of the level in or below them receives it
    recipients  BIGINT NOT NULL,
    fields      JSONB NOT NULL,
    state       TEXT NOT NULL,              -- draft, review, returned, approved, refused, stopped
    verdict     TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    asked       BIGINT NOT NULL,            -- seconds a recipient, one time, before the check
    prefilled   BIGINT NOT NULL,            -- of these, taken off by data that is held
    shared      BIGINT NOT NULL,            -- by another's collection
    struck      BIGINT NOT NULL,            -- by fields that were refused
    unit_id     TEXT NOT NULL,
    street      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    at          BIGINT NOT NULL,
    filed_at    BIGINT NOT NULL DEFAULT 0,
    changed_at  BIGINT NOT NULL,
    approved_at BIGINT NOT NULL DEFAULT 0,
    until_at    BIGINT NOT NULL DEFAULT 0,  -- of the approval
    version     BIGINT NOT NULL,
    case_id     TEXT NOT NULL DEFAULT '',
    number      TEXT NOT NULL DEFAULT '',
    step        TEXT NOT NULL DEFAULT '',
    case_state  TEXT NOT NULL DEFAULT '',
    holder      TEXT NOT NULL DEFAULT '',
    due_at      BIGINT NOT NULL DEFAULT 0,
    closed_at   BIGINT NOT NULL DEFAULT 0,
    late        BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX burden_at ON burden (at, id);
CREATE INDEX burden_unit ON burden (unit_id, at, id);
CREATE INDEX burden_filed ON burden (state, filed_at);

-- burden_round is one sending of an approved report.
CREATE TABLE burden_round (
    id         TEXT PRIMARY KEY,
    report     TEXT NOT NULL REFERENCES burden (id),
    title      TEXT NOT NULL,               -- of the period
    due        TEXT NOT NULL,               -- YYYY-MM-DD
    state      TEXT NOT NULL,               -- open, closed
    recipients BIGINT NOT NULL,
    lacking    JSONB NOT NULL,              -- entries whose data no grant lets in
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX burden_round_report ON burden_round (report, at, id);
CREATE UNIQUE INDEX burden_round_title ON burden_round (report, title);

-- burden_sheet is what one recipient fills in for one round.
CREATE TABLE burden_sheet (
    id           TEXT PRIMARY KEY,
    round_id     TEXT NOT NULL REFERENCES burden_round (id) ON DELETE CASCADE,
    report       TEXT NOT NULL,
    title        TEXT NOT NULL,
    round_title  TEXT NOT NULL,
    due          TEXT NOT NULL,
    state        TEXT NOT NULL,             -- todo, filling, submitted, returned
    body         JSONB NOT NULL,            -- rows of cells
    unit_id      TEXT NOT NULL,
    unit_name    TEXT NOT NULL,
    street       TEXT NOT NULL,             -- 9-digit division code
    street_unit  TEXT NOT NULL,             -- id, '' when the recipient stands below no street
    sender       TEXT NOT NULL,
    sender_street TEXT NOT NULL,
    opened_at    BIGINT NOT NULL DEFAULT 0, -- first
    touched_at   BIGINT NOT NULL DEFAULT 0, -- when time was last counted
    spent        BIGINT NOT NULL DEFAULT 0, -- seconds its page stood open before somebody
    submitted_at BIGINT NOT NULL DEFAULT 0,
    by_id        TEXT NOT NULL DEFAULT '',
    by_name      TEXT NOT NULL DEFAULT '',
    reason       TEXT NOT NULL DEFAULT '',  -- why it was returned
    urged_at     BIGINT NOT NULL DEFAULT 0,
    at           BIGINT NOT NULL,
    version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX burden_sheet_round ON burden_sheet (round_id, unit_id);
CREATE INDEX burden_sheet_unit ON burden_sheet (unit_id, at, id);
CREATE INDEX burden_sheet_report ON burden_sheet (report, unit_id, submitted_at);

-- burden_meter is what one report asks of one recipient once: of a round, or of a report that was refused.
CREATE TABLE burden_meter (
    id          TEXT PRIMARY KEY,           -- of the sheet where there is one
    report      TEXT NOT NULL,
    title       TEXT NOT NULL,
    month       TEXT NOT NULL,              -- YYYY-MM
    unit_id     TEXT NOT NULL,
    unit_name   TEXT NOT NULL,
    street      TEXT NOT NULL,
    street_unit TEXT NOT NULL,
    street_name TEXT NOT NULL,
    sender      TEXT NOT NULL,
    sender_street TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    asked       BIGINT NOT NULL,            -- seconds, all of them
    prefilled   BIGINT NOT NULL,
    shared      BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    actual      BIGINT NOT NULL DEFAULT 0,  -- measured, of what was submitted
    done        BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX burden_meter_month ON burden_meter (month, unit_id);
CREATE INDEX burden_meter_unit ON burden_meter (unit_id, month);
CREATE INDEX burden_meter_sender ON burden_meter (sender, month);

-- burden_fix is what a recipient says is wrong in data that was filled in for it (校核纠错).
CREATE TABLE burden_fix (
    id          TEXT PRIMARY KEY,
    sheet       TEXT NOT NULL,
    report      TEXT NOT NULL,
    field       TEXT NOT NULL,
    field_name  TEXT NOT NULL,
    line        BIGINT NOT NULL,            -- of the sheet, from 1
    was         TEXT NOT NULL,
    now_is      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    entry       TEXT NOT NULL,
    entry_name  TEXT NOT NULL,
    provider    TEXT NOT NULL,
    provider_street TEXT NOT NULL,
    answer      TEXT NOT NULL DEFAULT '',   -- mended, right
    answer_note TEXT NOT NULL DEFAULT '',
    answered_at BIGINT NOT NULL DEFAULT 0,
    unit_id     TEXT NOT NULL,
    unit_name   TEXT NOT NULL,
    street      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX burden_fix_at ON burden_fix (at, id);
CREATE INDEX burden_fix_provider ON burden_fix (provider, at, id);

-- burden_tip is a report somebody was sent without approval (这张表没批过).
CREATE TABLE burden_tip (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,              -- what the form is called
    sender      TEXT NOT NULL,              -- who sent it, in words
    words       TEXT NOT NULL,
    state       TEXT NOT NULL,              -- open, confirmed, unfounded
    answer      TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',
    answered_at BIGINT NOT NULL DEFAULT 0,
    unit_id     TEXT NOT NULL,
    unit_name   TEXT NOT NULL,
    street      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX burden_tip_at ON burden_tip (at, id);

-- burden_share is one department's proposal to use what another collects (共用一次采集).
CREATE TABLE burden_share (
    id          TEXT PRIMARY KEY,
    report      TEXT NOT NULL,              -- that asks
    field       TEXT NOT NULL,
    field_name  TEXT NOT NULL,
    other       TEXT NOT NULL,              -- report that collects it
    other_field TEXT NOT NULL,
    other_title TEXT NOT NULL,
    other_unit  TEXT NOT NULL,
    state       TEXT NOT NULL,              -- proposed, agreed, declined
    reason      TEXT NOT NULL DEFAULT '',
    unit_id     TEXT NOT NULL,
    street      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    at          BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX burden_share_field ON burden_share (report, field);
CREATE INDEX burden_share_other ON burden_share (other);
