-- +goose Up
CREATE TABLE org_unit (
    id         TEXT PRIMARY KEY,
    code       TEXT NOT NULL,              -- unified social credit code or division code, '' for none
    name       TEXT NOT NULL,
    short      TEXT NOT NULL,
    aliases    JSONB NOT NULL,
    pinyin     TEXT NOT NULL,
    initials   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    parent     TEXT NOT NULL,              -- '' at the top
    rank       BIGINT NOT NULL,            -- order among its siblings
    path       TEXT NOT NULL,              -- sorts the whole tree in the order it is read
    street_own TEXT NOT NULL,              -- 9-digit division code set on the unit itself
    street     TEXT NOT NULL,              -- the same, or that of the nearest unit above that has one
    since      BIGINT NOT NULL,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    version    BIGINT NOT NULL
);
CREATE INDEX org_unit_parent ON org_unit (parent, path);
CREATE INDEX org_unit_path ON org_unit (path);
CREATE UNIQUE INDEX org_unit_name ON org_unit (parent, name) WHERE closed_at = 0;
CREATE UNIQUE INDEX org_unit_code ON org_unit (code) WHERE code <> '' AND closed_at = 0;

-- closure of the line of command, each unit below itself
CREATE TABLE org_below (
    unit  TEXT NOT NULL,
    below TEXT NOT NULL,
    depth BIGINT NOT NULL,
    PRIMARY KEY (unit, below)
);
CREATE INDEX org_below_below ON org_below (below, unit);

-- what a unit was, and when; until_at 0 is today
CREATE TABLE org_unit_span (
    unit_id  TEXT NOT NULL REFERENCES org_unit (id),
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0,
    code     TEXT NOT NULL,
    name     TEXT NOT NULL,
    short    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    parent   TEXT NOT NULL,
    rank     BIGINT NOT NULL,
    street   TEXT NOT NULL,
    PRIMARY KEY (unit_id, from_at)
);
CREATE INDEX org_unit_span_parent ON org_unit_span (parent, from_at);

CREATE TABLE org_relation (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    from_unit TEXT NOT NULL REFERENCES org_unit (id),   -- who guides
    to_unit   TEXT NOT NULL REFERENCES org_unit (id),   -- who is guided
    from_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX org_relation_from ON org_relation (from_unit);
CREATE INDEX org_relation_to ON org_relation (to_unit);
CREATE UNIQUE INDEX org_relation_open ON org_relation (kind, from_unit, to_unit) WHERE until_at = 0;

CREATE TABLE org_person (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    pinyin       TEXT NOT NULL,
    initials     TEXT NOT NULL,
    sex          TEXT NOT NULL,
    staff_no     TEXT NOT NULL,
    mobile       TEXT NOT NULL,            -- sealed
    mobile_idx   TEXT NOT NULL,            -- blind index
    office_phone TEXT NOT NULL,
    unit_id      TEXT NOT NULL,            -- of the main post, '' without one
    title        TEXT NOT NULL,            -- of the main post
    leader       BOOLEAN NOT NULL,         -- of any current post
    sort         TEXT NOT NULL,            -- the unit's path, the post's rank, the pinyin, the id
    made_at      BIGINT NOT NULL,
    left_at      BIGINT NOT NULL DEFAULT 0,
    version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX org_person_sort ON org_person (sort);
CREATE UNIQUE INDEX org_person_staff ON org_person (staff_no) WHERE staff_no <> '';
CREATE INDEX org_person_unit ON org_person (unit_id, sort);
CREATE INDEX org_person_pinyin ON org_person (pinyin);
CREATE INDEX org_person_initials ON org_person (initials);
CREATE INDEX org_person_name ON org_person (name);
CREATE INDEX org_person_mobile ON org_person (mobile_idx) WHERE mobile_idx <> '';

CREATE TABLE org_post (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL REFERENCES org_person (id),
    unit_id  TEXT NOT NULL REFERENCES org_unit (id),
    title    TEXT NOT NULL,
    rank     BIGINT NOT NULL,              -- order within the unit, leaders first
    leader   BOOLEAN NOT NULL,
    main     BOOLEAN NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0,
    version  BIGINT NOT NULL
);
CREATE INDEX org_post_person ON org_post (person);
CREATE INDEX org_post_unit ON org_post (unit_id, person) WHERE until_at = 0;
CREATE UNIQUE INDEX org_post_main ON org_post (person) WHERE main AND until_at = 0;

CREATE TABLE org_post_span (
    post_id  TEXT NOT NULL REFERENCES org_post (id),
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0,
    person   TEXT NOT NULL,
    unit_id  TEXT NOT NULL,
    title    TEXT NOT NULL,
    rank     BIGINT NOT NULL,
    leader   BOOLEAN NOT NULL,
    main     BOOLEAN NOT NULL,
    PRIMARY KEY (post_id, from_at)
);
CREATE INDEX org_post_span_unit ON org_post_span (unit_id, from_at);
CREATE INDEX org_post_span_person ON org_post_span (person, from_at);

CREATE TABLE org_group (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    pinyin   TEXT NOT NULL,
    initials TEXT NOT NULL,
    duty     TEXT NOT NULL,
    office   TEXT NOT NULL,                -- the unit that is its office, '' for none
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0,
    version  BIGINT NOT NULL
);
CREATE UNIQUE INDEX org_group_name ON org_group (name) WHERE until_at = 0;
CREATE INDEX org_group_pinyin ON org_group (pinyin, id);

CREATE TABLE org_group_member (
    id       TEXT PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES org_group (id),
    person   TEXT NOT NULL REFERENCES org_person (id),
    role     TEXT NOT NULL,                -- head, deputy, office_head, member
    rank     BIGINT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX org_group_member_group ON org_group_member (group_id, rank);
CREATE INDEX org_group_member_person ON org_group_member (person);
CREATE UNIQUE INDEX org_group_member_open ON org_group_member (group_id, person) WHERE until_at = 0;
