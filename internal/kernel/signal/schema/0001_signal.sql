-- +goose Up
-- signal is one thing that is measured over time; its samples lie in base/series under num.
CREATE TABLE signal (
    id         TEXT PRIMARY KEY,
    num        BIGINT NOT NULL UNIQUE,
    code       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    measure    TEXT NOT NULL,               -- the unit it is measured in: m, cm, %LEL
    room       TEXT NOT NULL,               -- that declared it; 'signal' when an administrator made it
    object     TEXT NOT NULL,               -- of that room
    link       TEXT NOT NULL,               -- page that shows where it comes from
    kind       TEXT NOT NULL,               -- measured, derived
    formula    TEXT NOT NULL,               -- of a derived one
    inputs     JSONB NOT NULL,              -- name in the formula → code of a signal
    cadence    BIGINT NOT NULL,             -- seconds between samples
    decimals   BIGINT NOT NULL,
    direction  TEXT NOT NULL,               -- up, down, band, info: which way is good
    rule       JSONB NOT NULL,
    lon        DOUBLE PRECISION NOT NULL,   -- CGCS2000; 0, 0 for nowhere
    lat        DOUBLE PRECISION NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    at         BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    retired    BOOLEAN NOT NULL DEFAULT FALSE,
    version    BIGINT NOT NULL
);
CREATE INDEX signal_unit ON signal (unit_id, code);
CREATE INDEX signal_object ON signal (room, object);
CREATE INDEX signal_changed ON signal (changed_at);
-- signal_state is what a signal remembers between samples, written behind by a second or two and at every change.
CREATE TABLE signal_state (
    num   BIGINT PRIMARY KEY,
    state JSONB NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    at    BIGINT NOT NULL,                  -- of the latest sample, 0 before the first
    level BIGINT NOT NULL                   -- the gravest of what is wrong, 0 to 4
);
CREATE INDEX signal_state_level ON signal_state (level, num) WHERE level > 0;
CREATE TABLE signal_alarm (
    id            TEXT PRIMARY KEY,
    signal        TEXT NOT NULL REFERENCES signal (id),
    kind          TEXT NOT NULL,            -- level, rate, odd, silent
    state         TEXT NOT NULL,            -- raised, acknowledged, shelved, cleared
    active        BOOLEAN NOT NULL,         -- what it is about still holds
    level         BIGINT NOT NULL,          -- now, 0 when cleared
    peak          BIGINT NOT NULL,          -- gravest so far
    value         DOUBLE PRECISION NOT NULL, -- at which it was raised
    worst         DOUBLE PRECISION NOT NULL, -- farthest value of its gravest level
    rule          JSONB NOT NULL,           -- as it was
    raised_at     BIGINT NOT NULL,
    acked_at      BIGINT NOT NULL DEFAULT 0,
    acked_by      TEXT NOT NULL DEFAULT '',
    acked_name    TEXT NOT NULL DEFAULT '',
    note          TEXT NOT NULL DEFAULT '',
    shelved_until BIGINT NOT NULL DEFAULT 0,
    shelved_by    TEXT NOT NULL DEFAULT '',
    shelved_name  TEXT NOT NULL DEFAULT '',
    shelved_why   TEXT NOT NULL DEFAULT '',
    cleared_at    BIGINT NOT NULL DEFAULT 0,
    cleared_value DOUBLE PRECISION NOT NULL DEFAULT 0,
    useless       BIGINT NOT NULL DEFAULT 0, -- votes
    told_at       BIGINT NOT NULL DEFAULT 0, -- when its owner was last to be told of it
    unit_id       TEXT NOT NULL,
    street        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE UNIQUE INDEX signal_alarm_open ON signal_alarm (signal, kind) WHERE state <> 'cleared';
CREATE INDEX signal_alarm_at ON signal_alarm (raised_at, id);
CREATE INDEX signal_alarm_unit ON signal_alarm (unit_id, raised_at, id);
CREATE INDEX signal_alarm_signal ON signal_alarm (signal, raised_at, id);
CREATE INDEX signal_alarm_told ON signal_alarm (owner, told_at);
CREATE INDEX signal_alarm_shelved ON signal_alarm (shelved_until) WHERE state = 'shelved';
CREATE TABLE signal_vote (
    alarm  TEXT NOT NULL REFERENCES signal_alarm (id),
    person TEXT NOT NULL,
    name   TEXT NOT NULL,
    why    TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (alarm, person)
);
CREATE TABLE signal_calibration (
    id      TEXT PRIMARY KEY,
    signal  TEXT NOT NULL REFERENCES signal (id),
    before  DOUBLE PRECISION NOT NULL,      -- what the sensor showed
    truth   DOUBLE PRECISION NOT NULL,      -- what was measured beside it
    note    TEXT NOT NULL,
    due_at  BIGINT NOT NULL,                -- when the next is due, 0 for never
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX signal_calibration_signal ON signal_calibration (signal, at);
