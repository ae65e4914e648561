-- +goose Up
-- lookup_kin is what a person who looks has declared of himself and his relatives, so that a look at them is noticed
-- (公务员回避). It is shown to him alone; what is withdrawn still counts for a year.
CREATE TABLE lookup_kin (
    id        TEXT PRIMARY KEY,
    person    TEXT NOT NULL,
    home_id   TEXT NOT NULL,              -- the body he works in, as of his last look or declaration
    relation  TEXT NOT NULL,              -- self, spouse, parent, child, sibling, other
    key_index TEXT NOT NULL,              -- blind index of the resident number
    sealed    TEXT NOT NULL,              -- the number under a field key
    at        BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL DEFAULT 0   -- withdrawn
);
CREATE INDEX lookup_kin_person ON lookup_kin (person, at, id);
CREATE INDEX lookup_kin_key ON lookup_kin (key_index);
CREATE INDEX lookup_kin_home ON lookup_kin (home_id) WHERE relation = 'self';
CREATE INDEX lookup_look_batch ON lookup_look (batch) WHERE batch <> '';
