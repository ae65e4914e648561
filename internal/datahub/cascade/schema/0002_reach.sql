-- +goose Up
ALTER TABLE cascade_node ADD COLUMN pin TEXT NOT NULL DEFAULT ''; -- SHA-256 of the peer's certificate, '' where its authority is trusted

-- cascade_sync is the first telling of a node paired after entries had been published; one row a node.
CREATE TABLE cascade_sync (
    node     TEXT PRIMARY KEY REFERENCES cascade_node (id),
    state    TEXT NOT NULL,                  -- running, done
    place    TEXT NOT NULL DEFAULT '',       -- id of the last entry that was marked
    total    BIGINT NOT NULL DEFAULT 0,
    done     BIGINT NOT NULL DEFAULT 0,
    at       BIGINT NOT NULL,
    ended_at BIGINT NOT NULL DEFAULT 0
);
