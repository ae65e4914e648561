-- +goose Up
-- A function of a room that answers instead of a stored table, as the room declares it; '' for a table.
ALTER TABLE dataset ADD COLUMN live TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX dataset_live ON dataset (live, unit_id) WHERE live <> '';
