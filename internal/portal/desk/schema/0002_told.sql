-- +goose Up
ALTER TABLE desk_notice ADD COLUMN told BIGINT NOT NULL DEFAULT 0; -- version of the notice its readers were told of
