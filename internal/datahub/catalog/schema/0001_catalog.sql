-- +goose Up
-- catalog is one entry: its columns are those of the version that serves, of the draft while none ever has.
CREATE TABLE catalog (
    id           TEXT PRIMARY KEY,
    code         TEXT NOT NULL,              -- resource code, '' until the first submission
    node         TEXT NOT NULL,              -- 类+项
    name         TEXT NOT NULL,
    summary      TEXT NOT NULL,
    words        TEXT NOT NULL,              -- names of items and keywords, for the search
    unit_id      TEXT NOT NULL,              -- provider
    street       TEXT NOT NULL,
    owner        TEXT NOT NULL,              -- who drafted it
    owner_name   TEXT NOT NULL,
    state        TEXT NOT NULL,              -- draft, published, offline, archived
    serving      BIGINT NOT NULL DEFAULT 0,  -- number of the version that serves, 0 for none yet
    working      BIGINT NOT NULL DEFAULT 0,  -- number of the version in work, 0 for none
    newest       BIGINT NOT NULL DEFAULT 0,  -- last number given
    work         TEXT NOT NULL DEFAULT '',   -- '', draft, dept, bureau, approved: where the version in work stands; offline_…: where going offline does
    format       TEXT NOT NULL,
    share        TEXT NOT NULL,
    is_open      BOOLEAN NOT NULL,
    cycle        TEXT NOT NULL,
    level        TEXT NOT NULL,
    items        BIGINT NOT NULL,
    mounts       BIGINT NOT NULL DEFAULT 0,  -- bound physical resources
    broken       BOOLEAN NOT NULL DEFAULT FALSE, -- one of them no longer fits
    data_rows    BIGINT NOT NULL DEFAULT 0,
    data_at      BIGINT NOT NULL DEFAULT 0,  -- when the data was last updated
    stale_at     BIGINT NOT NULL DEFAULT 0,  -- when it counts as overdue, 0 for never
    reminded_at  BIGINT NOT NULL DEFAULT 0,  -- for which data_at the provider was told that it is overdue
    published_at BIGINT NOT NULL DEFAULT 0,
    changed_at   BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    case_id      TEXT NOT NULL DEFAULT '',   -- the last case about it
    case_kind    TEXT NOT NULL DEFAULT '',
    number       TEXT NOT NULL DEFAULT '',
    step         TEXT NOT NULL DEFAULT '',
    case_state   TEXT NOT NULL DEFAULT '',
    holder       TEXT NOT NULL DEFAULT '',
    due_at       BIGINT NOT NULL DEFAULT 0,
    closed_at    BIGINT NOT NULL DEFAULT 0,
    late         BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX catalog_by_code ON catalog (code) WHERE code <> '';
CREATE INDEX catalog_changed ON catalog (changed_at, id);
CREATE INDEX catalog_state ON catalog (state, changed_at, id);
CREATE INDEX catalog_unit ON catalog (unit_id, changed_at, id);
CREATE INDEX catalog_owner ON catalog (owner, changed_at, id);
-- what the facets and the figures count, so that they need not read the rows
CREATE INDEX catalog_facets ON catalog (state, node, unit_id, cycle, share, level, is_open, mounts, broken, stale_at, items, data_rows);
CREATE INDEX catalog_stale ON catalog (stale_at) WHERE stale_at > 0;

-- catalog_version is one state of what an entry says. A published one never changes.
CREATE TABLE catalog_version (
    entry        TEXT NOT NULL REFERENCES catalog (id) ON DELETE CASCADE,
    number       BIGINT NOT NULL,
    state        TEXT NOT NULL,              -- work, published, replaced
    body         JSONB NOT NULL,
    reason       TEXT NOT NULL,              -- why it was changed
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    at           BIGINT NOT NULL,
    published_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (entry, number)
);

-- catalog_code holds every code ever given, so that a retired one is never given again.
CREATE TABLE catalog_code (
    code       TEXT PRIMARY KEY,
    entry      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    retired_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE catalog_sequence (
    classification TEXT PRIMARY KEY,
    last           BIGINT NOT NULL
);

-- catalog_class names the 项 of each class.
CREATE TABLE catalog_class (
    code    TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    name_en TEXT NOT NULL,
    retired BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL DEFAULT 1
);
INSERT INTO catalog_class (code, name, name_en) VALUES
    ('101', '人口', 'Population'), ('102', '法人单位', 'Legal persons'), ('103', '自然资源和空间地理', 'Natural resources and geography'),
    ('104', '社会信用', 'Social credit'), ('105', '电子证照', 'Electronic licences'),
    ('201', '公共服务', 'Public services'), ('202', '健康保障', 'Health'), ('203', '社会保障', 'Social security'), ('204', '食品药品安全', 'Food and drug safety'),
    ('205', '安全生产', 'Work safety'), ('206', '价格监管', 'Price supervision'), ('207', '能源安全', 'Energy security'), ('208', '信用体系', 'Credit system'),
    ('209', '城乡建设', 'Urban and rural construction'), ('210', '社区治理', 'Community governance'), ('211', '生态环保', 'Environment'), ('212', '应急维稳', 'Emergencies and stability'),
    ('213', '城市运行', 'City operations'), ('301', '区级部门', 'Departments of the district'), ('302', '街道（乡）', 'Streets and townships');

-- catalog_mount binds a physical resource to an entry (挂接).
CREATE TABLE catalog_mount (
    id         TEXT PRIMARY KEY,
    entry      TEXT NOT NULL REFERENCES catalog (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,                -- table, live
    dataset    TEXT NOT NULL,                -- id of a table, name of a live one
    name       TEXT NOT NULL,
    title      TEXT NOT NULL,
    pairs      JSONB NOT NULL,               -- item → column
    state      TEXT NOT NULL,                -- proposed, mounted, refused, ended
    faults     JSONB NOT NULL,               -- why it no longer fits
    data_rows  BIGINT NOT NULL DEFAULT 0,
    data_at    BIGINT NOT NULL DEFAULT 0,
    data_version BIGINT NOT NULL DEFAULT 0,
    reason     TEXT NOT NULL DEFAULT '',
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    mounted_at BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    case_id    TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL DEFAULT '',
    holder     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX catalog_mount_entry ON catalog_mount (entry, at);
CREATE INDEX catalog_mount_dataset ON catalog_mount (dataset, state);

-- catalog_watch is who is told of changes of an entry.
CREATE TABLE catalog_watch (
    entry  TEXT NOT NULL REFERENCES catalog (id) ON DELETE CASCADE,
    person TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (entry, person)
);
CREATE INDEX catalog_watch_person ON catalog_watch (person, at, entry);

-- catalog_run is one making of drafts from many datasets, or one file read in.
CREATE TABLE catalog_run (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,                -- draft, import
    state      TEXT NOT NULL,                -- queued, running, done, cancelled
    title      TEXT NOT NULL,
    plan       JSONB NOT NULL,
    total      BIGINT NOT NULL,
    done       BIGINT NOT NULL DEFAULT 0,
    made       BIGINT NOT NULL DEFAULT 0,
    skipped    BIGINT NOT NULL DEFAULT 0,
    reasons    JSONB NOT NULL,
    lang       TEXT NOT NULL,
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    street     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX catalog_run_at ON catalog_run (at, id);

-- catalog_demand is data somebody needs (供需对接).
CREATE TABLE catalog_demand (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    basis       TEXT NOT NULL,
    wanted      TEXT NOT NULL,               -- items, in words
    mode        TEXT NOT NULL,
    cycle       TEXT NOT NULL,
    unit_id     TEXT NOT NULL,               -- who needs it
    street      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    provider    TEXT NOT NULL DEFAULT '',    -- unit that answers
    answer      TEXT NOT NULL DEFAULT '',    -- have, build, none, refuse
    answer_note TEXT NOT NULL DEFAULT '',
    entry       TEXT NOT NULL DEFAULT '',    -- that meets it
    met         TEXT NOT NULL DEFAULT '',    -- met, unmet
    score       BIGINT NOT NULL DEFAULT 0,   -- 1 to 5
    at          BIGINT NOT NULL,
    answered_at BIGINT NOT NULL DEFAULT 0,
    case_id     TEXT NOT NULL DEFAULT '',
    number      TEXT NOT NULL DEFAULT '',
    step        TEXT NOT NULL DEFAULT '',
    case_state  TEXT NOT NULL DEFAULT '',
    holder      TEXT NOT NULL DEFAULT '',
    due_at      BIGINT NOT NULL DEFAULT 0,
    closed_at   BIGINT NOT NULL DEFAULT 0,
    late        BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX catalog_demand_at ON catalog_demand (at, id);
CREATE INDEX catalog_demand_unit ON catalog_demand (unit_id, at, id);
CREATE INDEX catalog_demand_provider ON catalog_demand (provider, at, id);
