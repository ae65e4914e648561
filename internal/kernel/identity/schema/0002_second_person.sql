-- +goose Up
-- a new activation code for an account without a second factor that somebody asked for and another must release
ALTER TABLE identity_account ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';   -- Actor.Person of who asked, '' for nobody
ALTER TABLE identity_account ADD COLUMN asked_name TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_account ADD COLUMN asked_why TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_account ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX identity_account_asked ON identity_account (asked_at) WHERE asked_at > 0;
