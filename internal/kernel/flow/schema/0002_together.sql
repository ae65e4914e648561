-- +goose Up
-- how two cases belong together: merged (from is the same matter as to), part (from is a part of to), called (from was begun by an
-- activity of to and lets it go on), related
CREATE TABLE flow_link (
    from_case TEXT NOT NULL REFERENCES flow_case (id),
    to_case   TEXT NOT NULL REFERENCES flow_case (id),
    kind      TEXT NOT NULL,
    token     BIGINT NOT NULL DEFAULT 0,  -- of called: where the other waits
    at        BIGINT NOT NULL,
    by_id     TEXT NOT NULL,
    PRIMARY KEY (from_case, to_case, kind)
);
CREATE INDEX flow_link_to ON flow_link (to_case, kind);

-- who asked for a task beside the drawing (加签), and what the last try of an automatic step said
ALTER TABLE flow_task ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE flow_task ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE flow_task ADD COLUMN aside_at BIGINT NOT NULL DEFAULT 0; -- its holder asked others first, then

-- in whose place somebody has a task before him, and did it
ALTER TABLE flow_todo ADD COLUMN for_person TEXT NOT NULL DEFAULT '';
ALTER TABLE flow_step ADD COLUMN for_name TEXT NOT NULL DEFAULT '';

-- 委托: for a time somebody acts in another's place
CREATE TABLE flow_deputy (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    deputy   TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    reason   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    stands   BOOLEAN NOT NULL DEFAULT FALSE, -- his lists are filled
    ended_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX flow_deputy_person ON flow_deputy (person, ended_at);
CREATE INDEX flow_deputy_deputy ON flow_deputy (deputy, ended_at);
CREATE INDEX flow_todo_for ON flow_todo (for_person) WHERE for_person <> '';
