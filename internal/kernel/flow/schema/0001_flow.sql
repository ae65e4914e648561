-- +goose Up
-- versions of drawings; a running case keeps the one it began with
CREATE TABLE flow_def (
    id     TEXT PRIMARY KEY,
    kind   TEXT NOT NULL,
    number BIGINT NOT NULL,
    title  TEXT NOT NULL,
    body   JSONB NOT NULL,                -- the drawing
    hash   TEXT NOT NULL,                 -- SM3 of body: the same drawing is not deployed twice
    at     BIGINT NOT NULL,
    by_id  TEXT NOT NULL
);
CREATE UNIQUE INDEX flow_def_number ON flow_def (kind, number);

CREATE TABLE flow_case (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    room       TEXT NOT NULL,
    object     TEXT NOT NULL,             -- id of the room's own row
    def_id     TEXT NOT NULL REFERENCES flow_def (id),
    number     TEXT NOT NULL,
    title      TEXT NOT NULL,
    level      TEXT NOT NULL,
    state      TEXT NOT NULL,             -- open, suspended, closed, stopped
    step       TEXT NOT NULL,             -- names of the steps it stands at
    holder     TEXT NOT NULL,             -- names of those who have it
    place      TEXT NOT NULL,
    street     TEXT NOT NULL,
    community  TEXT NOT NULL,             -- 12-digit division code, '' for none
    unit_id    TEXT NOT NULL,             -- in charge
    owner      TEXT NOT NULL,             -- who began it
    owner_name TEXT NOT NULL,
    from_unit  TEXT NOT NULL,             -- body of who began it
    begun_at   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,           -- business clock; 0 for none
    due_unit   TEXT NOT NULL,
    paused_at  BIGINT NOT NULL DEFAULT 0,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    late       BOOLEAN NOT NULL DEFAULT FALSE,
    outcome    TEXT NOT NULL DEFAULT '',
    reopened   BIGINT NOT NULL DEFAULT 0,
    tokens     JSONB NOT NULL,
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX flow_case_number ON flow_case (number);
CREATE UNIQUE INDEX flow_case_object ON flow_case (room, object);
CREATE INDEX flow_case_owner ON flow_case (owner, begun_at, id);
CREATE INDEX flow_case_kind ON flow_case (kind, state, begun_at, id);
CREATE INDEX flow_case_open ON flow_case (state, begun_at, id) WHERE state = 'open' OR state = 'suspended';

-- one thing somebody has to do, or to read
CREATE TABLE flow_task (
    id        TEXT PRIMARY KEY,
    case_id   TEXT NOT NULL REFERENCES flow_case (id),
    node      TEXT NOT NULL,
    name      TEXT NOT NULL,
    token     BIGINT NOT NULL,            -- 0 for a copy to read
    box       TEXT NOT NULL,              -- do or read
    state     TEXT NOT NULL,              -- open, wait (its turn comes), done, gone
    share     TEXT NOT NULL,
    rank      BIGINT NOT NULL,            -- order among those of one token
    person    TEXT NOT NULL,              -- whose alone it is, '' when several may take it
    chosen    JSONB NOT NULL,             -- whom it was put before
    seen_at   BIGINT NOT NULL DEFAULT 0,
    begun_at  BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    due_unit  TEXT NOT NULL,
    late      BOOLEAN NOT NULL DEFAULT FALSE,
    done_at   BIGINT NOT NULL DEFAULT 0,
    done_by   TEXT NOT NULL DEFAULT '',
    outcome   TEXT NOT NULL DEFAULT '',
    asked_until BIGINT NOT NULL DEFAULT 0 -- an extension that waits for an answer
);
CREATE INDEX flow_task_case ON flow_task (case_id, state);

-- whom a task waits for; what a to-do page shows and sorts by is repeated here so that one index answers it
CREATE TABLE flow_todo (
    person  TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES flow_task (id) ON DELETE CASCADE,
    case_id TEXT NOT NULL,
    box     TEXT NOT NULL,
    at      BIGINT NOT NULL,
    due_at  BIGINT NOT NULL,
    PRIMARY KEY (person, task_id)
);
CREATE INDEX flow_todo_box ON flow_todo (person, box, at, task_id);
CREATE INDEX flow_todo_task ON flow_todo (task_id);
CREATE INDEX flow_todo_case ON flow_todo (case_id);

-- who takes part, how: started, done, copied, supervised
CREATE TABLE flow_party (
    case_id TEXT NOT NULL REFERENCES flow_case (id),
    person  TEXT NOT NULL,
    part    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (case_id, person, part)
);
CREATE INDEX flow_party_person ON flow_party (person, part, at, case_id);

-- the trace: only ever inserted
CREATE TABLE flow_step (
    id        TEXT PRIMARY KEY,
    case_id   TEXT NOT NULL REFERENCES flow_case (id),
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    verb      TEXT NOT NULL,
    person    TEXT NOT NULL,
    name      TEXT NOT NULL,              -- as he was called then
    post      TEXT NOT NULL,              -- title of the post then
    unit_id   TEXT NOT NULL,
    unit_name TEXT NOT NULL,
    task_id   TEXT NOT NULL,
    step      TEXT NOT NULL,              -- name of the step it was done at
    onto      TEXT NOT NULL,              -- names of the steps or persons it led to
    outcome   TEXT NOT NULL,
    opinion   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    took      BIGINT NOT NULL,            -- microseconds since the step began
    due_at    BIGINT NOT NULL,
    late      BOOLEAN NOT NULL,
    UNIQUE (case_id, seq)
);

CREATE TABLE flow_timer (
    id      TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES flow_case (id),
    task_id TEXT NOT NULL,                -- '' for the whole case or a boundary event
    token   BIGINT NOT NULL,
    kind    TEXT NOT NULL,                -- warn, due, escalate, boundary
    arg     TEXT NOT NULL,                -- percent, or the boundary event
    at      BIGINT NOT NULL,
    unit    TEXT NOT NULL,
    paused  BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX flow_timer_at ON flow_timer (at, id) WHERE paused = FALSE;
CREATE INDEX flow_timer_case ON flow_timer (case_id);

CREATE TABLE flow_number (
    rule   TEXT NOT NULL,
    period TEXT NOT NULL,
    last   BIGINT NOT NULL,
    PRIMARY KEY (rule, period)
);

CREATE TABLE flow_phrase (
    person TEXT NOT NULL,
    rank   BIGINT NOT NULL,
    words  TEXT NOT NULL,
    PRIMARY KEY (person, rank)
);
