-- +goose Up
-- Runs of the batch desk stand in the same ledger: asked is how many keys were asked for at once, 0 for a single look;
-- root is over the blind indexes of those keys, whose pages lie in lookup_page. index_name is what keys were indexed under.
ALTER TABLE lookup_look ADD COLUMN batch TEXT NOT NULL DEFAULT '';
ALTER TABLE lookup_look ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lookup_look ADD COLUMN clear BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lookup_look ADD COLUMN root TEXT NOT NULL DEFAULT '';
ALTER TABLE lookup_look ADD COLUMN index_name TEXT NOT NULL DEFAULT '';
ALTER TABLE lookup_look ADD COLUMN matter TEXT NOT NULL DEFAULT ''; -- number of the case it was for
ALTER TABLE lookup_look ADD COLUMN marks TEXT NOT NULL DEFAULT '';  -- what a detector noticed, words between spaces
CREATE INDEX lookup_look_marked ON lookup_look (at, id) WHERE marks <> '';
CREATE INDEX lookup_look_key ON lookup_look (key_index);

-- lookup_page holds the subjects of a batch whose blind index begins with the same byte, eight bytes each, sorted: who
-- looked at one person is one small page a batch.
CREATE TABLE lookup_page (
    bucket  BIGINT NOT NULL,              -- first byte of the indexes
    look_id TEXT NOT NULL REFERENCES lookup_look (id) ON DELETE CASCADE,
    indexes TEXT NOT NULL,                -- in base64
    PRIMARY KEY (bucket, look_id)
);
