-- +goose Up
-- every version of every declaration. At most one of a key is published and one is a draft.
CREATE TABLE forms_app (
    key          TEXT NOT NULL,
    number       BIGINT NOT NULL,             -- 1, 2, 3 …
    state        TEXT NOT NULL,               -- draft, published, past, retired
    body         JSONB NOT NULL,
    source       TEXT NOT NULL,               -- YAML as it was dropped in, '' when drawn in the browser
    shipped      BOOLEAN NOT NULL,            -- comes with the program
    digest       TEXT NOT NULL,               -- of the source of a shipped one
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    at           BIGINT NOT NULL,             -- last written
    published_at BIGINT NOT NULL DEFAULT 0,
    version      BIGINT NOT NULL,
    PRIMARY KEY (key, number)
);
CREATE UNIQUE INDEX forms_app_published ON forms_app (key) WHERE state = 'published';
CREATE UNIQUE INDEX forms_app_draft ON forms_app (key) WHERE state = 'draft';

CREATE TABLE forms_entry (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL,
    app_number BIGINT NOT NULL,               -- version of the declaration it was filed by
    data       JSONB NOT NULL,                -- numbers of persons and telephones sealed
    title      TEXT NOT NULL,
    level      TEXT NOT NULL DEFAULT '',
    outcome    TEXT NOT NULL DEFAULT '',      -- of the last step
    case_id    TEXT NOT NULL DEFAULT '',      -- '' of a draft
    number     TEXT NOT NULL DEFAULT '',
    step       TEXT NOT NULL DEFAULT '',      -- what it waits for, as people call it
    at_step    TEXT NOT NULL DEFAULT '',      -- its key
    state      TEXT NOT NULL,                 -- draft, then what the case is
    holder     TEXT NOT NULL DEFAULT '',
    late       BOOLEAN NOT NULL DEFAULT FALSE,
    due_at     BIGINT NOT NULL DEFAULT 0,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    unit_id    TEXT NOT NULL,                 -- in charge
    from_unit  TEXT NOT NULL,                 -- of who filed it
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,                 -- who filed it
    owner_name TEXT NOT NULL,
    at         BIGINT NOT NULL,               -- filed
    version    BIGINT NOT NULL
);
CREATE INDEX forms_entry_by_app ON forms_entry (app, at, id);
CREATE INDEX forms_entry_by_unit ON forms_entry (app, unit_id, at, id);
CREATE INDEX forms_entry_by_owner ON forms_entry (app, owner, at, id);
CREATE INDEX forms_entry_by_state ON forms_entry (app, state, at, id);
CREATE INDEX forms_entry_by_case ON forms_entry (case_id);

-- what entries are filtered, sorted and counted by; figures of statistics stand under '=<figure>'.
CREATE TABLE forms_index (
    entry TEXT NOT NULL REFERENCES forms_entry (id) ON DELETE CASCADE,
    app   TEXT NOT NULL,
    field TEXT NOT NULL,
    n     BIGINT NOT NULL,                    -- of several values
    text  TEXT NOT NULL,
    num   BIGINT NOT NULL,                    -- a number ×10000, a time in µs
    PRIMARY KEY (entry, field, n)
);
CREATE INDEX forms_index_text ON forms_index (app, field, text, entry);
CREATE INDEX forms_index_num ON forms_index (app, field, num, entry);

CREATE TABLE forms_resource (
    id      TEXT PRIMARY KEY,
    app     TEXT NOT NULL,
    kind    TEXT NOT NULL,                    -- key of the declaration's resource
    key     TEXT NOT NULL,
    title   TEXT NOT NULL,
    note    TEXT NOT NULL,
    seats   BIGINT NOT NULL,
    open    BOOLEAN NOT NULL,
    rank    BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (app, kind, key)
);

-- [from_at, until_at) of one resource; no two overlap
CREATE TABLE forms_booking (
    entry    TEXT NOT NULL REFERENCES forms_entry (id) ON DELETE CASCADE,
    field    TEXT NOT NULL,
    app      TEXT NOT NULL,
    resource TEXT NOT NULL REFERENCES forms_resource (id),
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (entry, field)
);
CREATE INDEX forms_booking_now ON forms_booking (until_at, from_at);
CREATE INDEX forms_booking_until ON forms_booking (resource, until_at, from_at);

CREATE TABLE forms_reminder (
    entry TEXT NOT NULL REFERENCES forms_entry (id) ON DELETE CASCADE,
    key   TEXT NOT NULL,
    at    BIGINT NOT NULL,
    sent  BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (entry, key)
);
CREATE INDEX forms_reminder_due ON forms_reminder (at) WHERE NOT sent;
