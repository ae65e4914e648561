-- +goose Up
CREATE TABLE iot_device (
    id           TEXT PRIMARY KEY,
    code         TEXT NOT NULL UNIQUE,        -- also its user name at the broker and the word in its topics
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,               -- of data/kinds.json
    model        TEXT NOT NULL,               -- what the maker calls it
    vendor       TEXT NOT NULL,
    serial_no    TEXT NOT NULL,
    cadence      BIGINT NOT NULL,             -- seconds between two messages
    lon          DOUBLE PRECISION NOT NULL,   -- CGCS2000
    lat          DOUBLE PRECISION NOT NULL,
    address      TEXT NOT NULL,
    division     TEXT NOT NULL,               -- code of the division it stands in, '' unknown
    datum        TEXT NOT NULL,               -- of water levels: 吴淞, 黄海1985
    installed_at BIGINT NOT NULL,
    state        TEXT NOT NULL,               -- active, stopped
    key_hash     TEXT NOT NULL DEFAULT '',    -- of the key it shows, '' before it has one
    key_at       BIGINT NOT NULL DEFAULT 0,
    seen_at      BIGINT NOT NULL DEFAULT 0,   -- last message, written behind by a second or two
    messages     BIGINT NOT NULL DEFAULT 0,
    refused      BIGINT NOT NULL DEFAULT 0,   -- values that were not kept
    trouble      JSONB NOT NULL DEFAULT '{}', -- why, of the last one
    level        BIGINT NOT NULL DEFAULT 0,   -- gravest of its signals, follows the alarms
    unit_id      TEXT NOT NULL,
    street       TEXT NOT NULL,
    owner        TEXT NOT NULL,
    owner_name   TEXT NOT NULL,
    at           BIGINT NOT NULL,
    version      BIGINT NOT NULL
);
CREATE INDEX iot_device_unit ON iot_device (unit_id, code);
CREATE INDEX iot_device_kind ON iot_device (kind, code);
CREATE TABLE iot_service (
    id      TEXT PRIMARY KEY,
    device  TEXT NOT NULL REFERENCES iot_device (id),
    kind    TEXT NOT NULL,                    -- inspect, repair, replace, clean, move
    note    TEXT NOT NULL,
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX iot_service_device ON iot_service (device, at);
