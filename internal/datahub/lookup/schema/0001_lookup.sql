-- +goose Up
-- lookup_look is one look at a dataset, written whether it found anything or not.
CREATE TABLE lookup_look (
    id          TEXT PRIMARY KEY,
    dataset     TEXT NOT NULL,               -- id
    title       TEXT NOT NULL,               -- as it was called then
    store       TEXT NOT NULL,               -- version of the dataset that answered
    owner_unit  TEXT NOT NULL,               -- who answers for the dataset
    owner_street TEXT NOT NULL,
    key_column  TEXT NOT NULL,
    key_index   TEXT NOT NULL,               -- blind index of the key: equal keys of a column give equal texts
    sealed      TEXT NOT NULL,               -- the key itself under a field key, emptied when nothing can be revealed any more
    purpose     TEXT NOT NULL,
    basis       TEXT NOT NULL,
    person      TEXT NOT NULL,
    person_name TEXT NOT NULL,
    unit_id     TEXT NOT NULL,
    at          BIGINT NOT NULL,
    hits        BIGINT NOT NULL,
    revealed    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX lookup_look_person ON lookup_look (person, at, id);
CREATE INDEX lookup_look_owner ON lookup_look (owner_unit, at, id);
CREATE INDEX lookup_look_at ON lookup_look (at, id);
CREATE INDEX lookup_look_sealed ON lookup_look (at) WHERE sealed <> '';

-- lookup_reveal is one field that was shown in clear.
CREATE TABLE lookup_reveal (
    id      TEXT PRIMARY KEY,
    look_id TEXT NOT NULL REFERENCES lookup_look (id) ON DELETE CASCADE,
    col     TEXT NOT NULL,
    title   TEXT NOT NULL,                   -- of the column
    place   BIGINT NOT NULL,                 -- which row of the answer, from 0
    reason  TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX lookup_reveal_look ON lookup_reveal (look_id, at, id);
