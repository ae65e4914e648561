-- +goose Up
-- how long a case took from its beginning to its end, and how often it was returned; for statistics and for taking out again
-- what was counted when it is reopened
ALTER TABLE flow_case ADD COLUMN took BIGINT NOT NULL DEFAULT 0;     -- seconds
ALTER TABLE flow_case ADD COLUMN returned BIGINT NOT NULL DEFAULT 0;
CREATE INDEX flow_case_closed ON flow_case (closed_at, id) WHERE closed_at > 0;
CREATE INDEX flow_task_done ON flow_task (done_at) WHERE done_at > 0;

-- what deeds add to the statistics, written with them; a service folds it into the sums a moment later
CREATE TABLE flow_tally (
    id       TEXT PRIMARY KEY,
    month    BIGINT NOT NULL,             -- 202611, of civil time
    kind     TEXT NOT NULL,
    unit_id  TEXT NOT NULL,               -- in charge of the case
    street   TEXT NOT NULL,
    dim      TEXT NOT NULL,               -- case, place, step, person
    key      TEXT NOT NULL,               -- '' of case; division code, name of the step, person
    n        BIGINT NOT NULL,
    late     BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    took     BIGINT NOT NULL              -- seconds
);
CREATE TABLE flow_sum (
    month    BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    unit_id  TEXT NOT NULL,
    street   TEXT NOT NULL,
    dim      TEXT NOT NULL,
    key      TEXT NOT NULL,
    n        BIGINT NOT NULL,
    late     BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    took     BIGINT NOT NULL,
    spread   JSONB NOT NULL,              -- bucket of the duration → how many
    PRIMARY KEY (dim, month, kind, unit_id, street, key)
);
