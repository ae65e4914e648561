-- +goose Up
ALTER TABLE burden_fix ADD COLUMN ticket TEXT NOT NULL DEFAULT '';        -- id of the quality ticket it became, '' where no data is mounted
ALTER TABLE burden_fix ADD COLUMN ticket_number TEXT NOT NULL DEFAULT '';
CREATE INDEX burden_fix_ticket ON burden_fix (ticket) WHERE ticket <> '';
