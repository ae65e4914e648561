-- +goose Up
-- cascade_self is how this node is known to others; one row.
CREATE TABLE cascade_self (
    id      TEXT PRIMARY KEY,                -- 'self'
    code    TEXT NOT NULL,                   -- division code or the like
    name    TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- cascade_node is a peer.
CREATE TABLE cascade_node (
    id          TEXT PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,               -- upper, lower
    public_key  TEXT NOT NULL,               -- PEM, SM2
    fingerprint TEXT NOT NULL,               -- SM3 of the key
    transport   TEXT NOT NULL,               -- https, folder
    url         TEXT NOT NULL,
    ca          TEXT NOT NULL,               -- PEM of the peer's certificate authority, '' for the system's
    token       TEXT NOT NULL,               -- sealed
    out_folder  TEXT NOT NULL,
    in_folder   TEXT NOT NULL,
    unit_id     TEXT NOT NULL,               -- who answers here for what comes down
    state       TEXT NOT NULL,               -- active, paused
    sent_seq    BIGINT NOT NULL DEFAULT 0,   -- last number given
    sent_hash   TEXT NOT NULL DEFAULT '',    -- of its manifest
    recv_seq    BIGINT NOT NULL DEFAULT 0,   -- last number applied or refused here
    recv_hash   TEXT NOT NULL DEFAULT '',
    want        BIGINT NOT NULL DEFAULT 1,   -- number the peer last said it waits for
    entry_seq   BIGINT NOT NULL DEFAULT 0,   -- last number given to one of its entries
    heard_at    BIGINT NOT NULL DEFAULT 0,   -- when it last gave a sign of life
    tried_at    BIGINT NOT NULL DEFAULT 0,
    next_at     BIGINT NOT NULL DEFAULT 0,   -- not before
    failures    BIGINT NOT NULL DEFAULT 0,   -- in a row
    fault       JSONB NOT NULL,              -- of the last turn
    damage      JSONB NOT NULL,              -- why what it brought last could not be taken, until something is
    at          BIGINT NOT NULL,
    version     BIGINT NOT NULL
);

-- cascade_batch is one batch in one direction.
CREATE TABLE cascade_batch (
    id          TEXT PRIMARY KEY,            -- <way>-<id the maker gave it>
    node        TEXT NOT NULL REFERENCES cascade_node (id),
    way         TEXT NOT NULL,               -- out, in
    seq         BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    title       TEXT NOT NULL,
    feed        TEXT NOT NULL,
    state       TEXT NOT NULL,               -- out: made, sent, acknowledged, refused; in: receiving, received, verified, applied, refused
    manifest    TEXT NOT NULL,               -- canonical text, as signed
    sig         TEXT NOT NULL,               -- base 64
    hash        TEXT NOT NULL,               -- SM3 of the manifest
    row_count   BIGINT NOT NULL,
    byte_count  BIGINT NOT NULL,
    chunks      BIGINT NOT NULL,
    have        BIGINT NOT NULL,             -- chunks there: here when in, at the receiver when out
    root        TEXT NOT NULL,
    watermark   BIGINT NOT NULL,
    applied     BIGINT NOT NULL DEFAULT 0,   -- rows the receiver counted
    applied_root TEXT NOT NULL DEFAULT '',   -- root the receiver worked out
    fault       JSONB NOT NULL,
    tries       BIGINT NOT NULL DEFAULT 0,
    ack         TEXT NOT NULL DEFAULT '',    -- the receiver's statement
    ack_sig     TEXT NOT NULL DEFAULT '',
    ack_due     BOOLEAN NOT NULL DEFAULT FALSE, -- in: still to be told to the maker
    made_at     BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL DEFAULT 0,
    got_at      BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    UNIQUE (node, way, seq)
);
CREATE INDEX cascade_batch_made ON cascade_batch (made_at, id);
CREATE INDEX cascade_batch_node ON cascade_batch (node, way, state, seq);
CREATE INDEX cascade_batch_ack ON cascade_batch (node, seq) WHERE ack_due;
CREATE INDEX cascade_batch_ended ON cascade_batch (ended_at) WHERE ended_at > 0;

-- cascade_chunk is one piece of a batch, kept as a file of this room.
CREATE TABLE cascade_chunk (
    batch TEXT NOT NULL REFERENCES cascade_batch (id) ON DELETE CASCADE,
    n     BIGINT NOT NULL,                   -- from 0
    file  TEXT NOT NULL,
    PRIMARY KEY (batch, n)
);

-- cascade_link is an entry of the own catalogue on its way to an upper node.
CREATE TABLE cascade_link (
    id         TEXT PRIMARY KEY,             -- <node>/<entry>
    node       TEXT NOT NULL REFERENCES cascade_node (id),
    entry      TEXT NOT NULL,
    local_code TEXT NOT NULL,
    name       TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    op         TEXT NOT NULL,                -- put, offline
    number     BIGINT NOT NULL,              -- version to be known above
    upper_code TEXT NOT NULL DEFAULT '',
    state      TEXT NOT NULL,                -- pending, sent, accepted, rejected
    fault      JSONB NOT NULL,
    batch      TEXT NOT NULL DEFAULT '',     -- that carries it
    synced_at  BIGINT NOT NULL DEFAULT 0,
    at         BIGINT NOT NULL,
    turn       BIGINT NOT NULL               -- rises with every change of what is to be sent
);
CREATE INDEX cascade_link_at ON cascade_link (at, id);
CREATE INDEX cascade_link_state ON cascade_link (node, state, at, id);
CREATE INDEX cascade_link_batch ON cascade_link (batch);

-- cascade_entry is an entry of a lower node's catalogue, as last accepted here.
CREATE TABLE cascade_entry (
    id         TEXT PRIMARY KEY,
    node       TEXT NOT NULL REFERENCES cascade_node (id),
    local_id   TEXT NOT NULL,
    local_code TEXT NOT NULL,
    upper_code TEXT NOT NULL,                -- '' while nothing was ever accepted
    name       TEXT NOT NULL,
    provider   TEXT NOT NULL,
    share      TEXT NOT NULL,
    is_open    BOOLEAN NOT NULL,
    cycle      TEXT NOT NULL,
    level      TEXT NOT NULL,
    items      BIGINT NOT NULL,
    body       JSONB NOT NULL,
    number     BIGINT NOT NULL,              -- version accepted
    state      TEXT NOT NULL,                -- accepted, offline, rejected
    fault      JSONB NOT NULL,               -- why the last one sent was not accepted
    last       BIGINT NOT NULL,              -- version last sent, accepted or not
    told       BOOLEAN NOT NULL,             -- the lower node has its receipt
    batch      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    UNIQUE (node, local_id)
);
CREATE UNIQUE INDEX cascade_entry_code ON cascade_entry (upper_code) WHERE upper_code <> '';
CREATE INDEX cascade_entry_at ON cascade_entry (at, id);
CREATE INDEX cascade_entry_due ON cascade_entry (node, id) WHERE NOT told;

-- cascade_feed is a dataset this node gives to a lower one.
CREATE TABLE cascade_feed (
    id         TEXT PRIMARY KEY,
    node       TEXT NOT NULL REFERENCES cascade_node (id),
    dataset    TEXT NOT NULL,
    name       TEXT NOT NULL,
    title      TEXT NOT NULL,
    columns    JSONB NOT NULL,               -- names
    filter     JSONB NOT NULL,
    purpose    TEXT NOT NULL,
    state      TEXT NOT NULL,                -- active, stopped
    sent       TEXT NOT NULL DEFAULT '',     -- version of the dataset last put into a batch
    batch      TEXT NOT NULL DEFAULT '',
    fault      JSONB NOT NULL,
    unit_id    TEXT NOT NULL,                -- of the dataset
    street     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX cascade_feed_at ON cascade_feed (at, id);
CREATE INDEX cascade_feed_node ON cascade_feed (node, state);

-- cascade_source is a dataset an upper node gives to this one.
CREATE TABLE cascade_source (
    id         TEXT PRIMARY KEY,             -- <node>/<feed>
    node       TEXT NOT NULL REFERENCES cascade_node (id),
    feed       TEXT NOT NULL,
    title      TEXT NOT NULL,
    dataset    TEXT NOT NULL,                -- id here
    name       TEXT NOT NULL,                -- of that
    number     BIGINT NOT NULL,              -- version at the upper node
    row_count  BIGINT NOT NULL,
    root       TEXT NOT NULL,
    batch      TEXT NOT NULL,
    watermark  BIGINT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX cascade_source_at ON cascade_source (at, id);
