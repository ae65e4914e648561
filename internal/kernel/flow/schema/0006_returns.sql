-- +goose Up
-- how often a step was sent back to, and who had done it: what the sums of steps and persons are made anew from
CREATE TABLE flow_return (
    case_id TEXT NOT NULL REFERENCES flow_case (id),
    at      BIGINT NOT NULL,
    dim     TEXT NOT NULL,                -- step, person
    key     TEXT NOT NULL                 -- name of the step, id of the person
);
CREATE INDEX flow_return_at ON flow_return (at);
CREATE INDEX flow_return_case ON flow_return (case_id);
-- what was returned before stands in the trace with the step it led to
INSERT INTO flow_return (case_id, at, dim, key) SELECT s.case_id, s.at, 'step', s.onto FROM flow_step s WHERE s.verb = 'return' AND s.onto <> '';
