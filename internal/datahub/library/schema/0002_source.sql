-- +goose Up
-- library_source is where data is collected from: another system's database, a folder, an API.
CREATE TABLE library_source (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    spec       JSONB NOT NULL,              -- where it is; no secret
    secret     TEXT NOT NULL DEFAULT '',    -- sealed; '' for none
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX library_source_at ON library_source (at, id);
CREATE INDEX library_source_unit ON library_source (unit_id, at, id);

-- library_feed is one table of a source that is collected into one dataset.
CREATE TABLE library_feed (
    id         TEXT PRIMARY KEY,
    source     TEXT NOT NULL REFERENCES library_source (id),
    object     TEXT NOT NULL,               -- table or file of the source
    state      TEXT NOT NULL,               -- draft, on, paused, decide
    plan       JSONB NOT NULL,              -- what is to become of it, as a load's
    way        JSONB NOT NULL,              -- how it is collected: mode, schedule, what to do when columns change
    mark       JSONB NOT NULL,              -- how far it has come
    fault      JSONB NOT NULL DEFAULT '{}', -- why the last run failed
    fails      BIGINT NOT NULL DEFAULT 0,   -- runs that failed in a row
    next_at    BIGINT NOT NULL DEFAULT 0,   -- when it is due, 0 for by hand
    good_at    BIGINT NOT NULL DEFAULT 0,   -- when a run last went well
    load       TEXT NOT NULL DEFAULT '',    -- the last run
    lang       TEXT NOT NULL DEFAULT 'zh',
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX library_feed_at ON library_feed (at, id);
CREATE INDEX library_feed_unit ON library_feed (unit_id, at, id);
CREATE INDEX library_feed_source ON library_feed (source, at, id);
CREATE INDEX library_feed_due ON library_feed (next_at) WHERE state = 'on' AND next_at > 0;

ALTER TABLE library_load ADD COLUMN feed TEXT NOT NULL DEFAULT '';       -- whose run it is, '' for an upload
ALTER TABLE library_load ADD COLUMN outcome JSONB NOT NULL DEFAULT '{}'; -- what a run came to
CREATE INDEX library_load_feed ON library_load (feed, at, id);
CREATE UNIQUE INDEX library_load_one ON library_load (feed) WHERE feed <> '' AND state IN ('queued', 'running');
