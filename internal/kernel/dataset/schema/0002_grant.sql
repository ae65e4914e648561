-- +goose Up
-- Ways a grant may be used; those given before were for looking.
ALTER TABLE dataset_grant ADD COLUMN may_look BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE dataset_grant ADD COLUMN may_batch BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE dataset_grant ADD COLUMN may_api BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE dataset_grant ADD COLUMN may_push BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE dataset_grant ADD COLUMN filter JSONB NOT NULL DEFAULT '[]'; -- rows it reaches, all when empty
ALTER TABLE dataset_grant ADD COLUMN quota BIGINT NOT NULL DEFAULT 0;    -- records a civil day, 0 without limit
ALTER TABLE dataset_grant ADD COLUMN case_id TEXT NOT NULL DEFAULT '';   -- where it was decided

CREATE TABLE dataset_spent (
    grant_id TEXT NOT NULL REFERENCES dataset_grant (id) ON DELETE CASCADE,
    day      TEXT NOT NULL,               -- civil, 2006-01-02
    records  BIGINT NOT NULL,
    PRIMARY KEY (grant_id, day)
);
