-- +goose Up

-- The place of a record stands beside it: a plain insert, where a place in the wide row had to write that row and all
-- its indexes a second time.
CREATE TABLE audit_link (
    seq    BIGINT PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    hash   TEXT NOT NULL
);
INSERT INTO audit_link (seq, record, hash) SELECT seq, id, hash FROM audit WHERE seq > 0;

-- The number of the transaction that wrote the row (store.Moment); a row that stands in the chain already needs none.
ALTER TABLE audit ADD COLUMN tx BIGINT NOT NULL DEFAULT -1;
UPDATE audit SET tx = 0 WHERE seq = 0;
CREATE INDEX audit_tx ON audit (tx, id);

-- Up to which moment everything that was committed stands in the chain: all below seen, but those in flight.
ALTER TABLE audit_head ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_head ADD COLUMN flight TEXT NOT NULL DEFAULT '';

DROP INDEX audit_open;
DROP INDEX audit_seq;
ALTER TABLE audit DROP COLUMN seq;
ALTER TABLE audit DROP COLUMN hash;
