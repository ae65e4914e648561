-- +goose Up
-- whose deadlines were reckoned anew after a change of the calendar: once each, however often the job is delivered
CREATE TABLE flow_recount (
    change_id TEXT NOT NULL,
    case_id   TEXT NOT NULL REFERENCES flow_case (id),
    PRIMARY KEY (change_id, case_id)
);
