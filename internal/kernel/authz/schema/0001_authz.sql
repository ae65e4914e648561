-- +goose Up
-- one row; every change of what anybody may do adds one to it in its own transaction
CREATE TABLE authz_epoch (
    one   BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL
);
INSERT INTO authz_epoch (one, epoch) VALUES (1, 1);

CREATE TABLE authz_role (
    id         TEXT PRIMARY KEY,
    key        TEXT NOT NULL,           -- of a built-in role, '' otherwise
    name       TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    note       TEXT NOT NULL,
    builtin    BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX authz_role_key ON authz_role (key) WHERE key <> '';
CREATE UNIQUE INDEX authz_role_name ON authz_role (name);

CREATE TABLE authz_role_perm (
    role_id TEXT NOT NULL REFERENCES authz_role (id) ON DELETE CASCADE,
    perm    TEXT NOT NULL,
    scope   TEXT NOT NULL,
    PRIMARY KEY (role_id, perm)
);
CREATE INDEX authz_role_perm_perm ON authz_role_perm (perm);

CREATE TABLE authz_post_role (
    post_id TEXT NOT NULL,
    role_id TEXT NOT NULL REFERENCES authz_role (id),
    unit_id TEXT NOT NULL,              -- of the post, which never changes its unit
    by_id   TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (post_id, role_id)
);
CREATE INDEX authz_post_role_role ON authz_post_role (role_id, post_id);
CREATE INDEX authz_post_role_unit ON authz_post_role (unit_id);

CREATE TABLE authz_delegation (
    id          TEXT PRIMARY KEY,
    from_person TEXT NOT NULL,
    from_post   TEXT NOT NULL,
    from_name   TEXT NOT NULL,
    to_person   TEXT NOT NULL,
    to_name     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    from_at     BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    made_at     BIGINT NOT NULL,
    revoked_at  BIGINT NOT NULL DEFAULT 0,
    revoked_by  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX authz_delegation_to ON authz_delegation (to_person, until_at);
CREATE INDEX authz_delegation_from ON authz_delegation (from_person, id);

CREATE TABLE authz_delegation_perm (
    delegation_id TEXT NOT NULL REFERENCES authz_delegation (id) ON DELETE CASCADE,
    perm          TEXT NOT NULL,
    PRIMARY KEY (delegation_id, perm)
);
