-- +goose Up
-- the files that came with a message, which go when it is taken back; others it names hung on the object before
ALTER TABLE talk_message ADD COLUMN claimed JSONB NOT NULL DEFAULT '[]';
