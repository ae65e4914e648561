-- +goose Up
ALTER TABLE lookup_look ADD COLUMN home_id TEXT NOT NULL DEFAULT ''; -- the body that unit_id is, or is a section of
UPDATE lookup_look SET home_id = unit_id;
