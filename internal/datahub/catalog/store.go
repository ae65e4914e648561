package catalog

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/dataset"
)

// State is how an entry stands.
type State string

// The states (1272号 and the practice of catalogue platforms).
const (
	Draft     State = "draft"     // 草稿: never published yet
	Published State = "published" // 已发布
	Offline   State = "offline"   // 已下线
	Archived  State = "archived"  // 已归档
)

// Where the version in work stands.
const (
	workDraft    = "draft"    // 编制
	workDept     = "dept"     // 待部门审核
	workBureau   = "bureau"   // 待主管部门审核
	workApproved = "approved" // 待发布
	workOffline  = "offline"  // going offline is being reviewed
)

// Entry is one row of the catalogue.
type Entry struct {
	ID        string
	Code      string
	Node      string
	Name      string
	Summary   string
	Words     string
	Unit      string
	Street    string
	Owner     string
	OwnerName string
	State     State
	Serving   int64
	Working   int64
	Newest    int64
	Work      string
	Format    string
	Share     string
	Open      bool
	Cycle     string
	Level     dataset.Level
	Items     int64
	Mounts    int64
	Broken    bool
	Rows      int64
	DataAt    store.Time
	StaleAt   store.Time
	Reminded  store.Time
	Published store.Time
	Changed   store.Time
	At        store.Time
	Version   int64
	Case      string
	CaseKind  string
	Number    string
	Step      string
	CaseState string
	Holder    string
	Due       store.Time
	Closed    store.Time
	Late      bool
}

// wear gives the row the columns of a body.
func (e *Entry) wear(b *entry.Body) {
	e.Node, e.Name, e.Summary, e.Unit = b.Node(), b.Name, b.Summary, b.Unit
	e.Format, e.Share, e.Open, e.Cycle, e.Level, e.Items = b.Format, b.Share, b.Open, b.Cycle, b.Highest(), int64(len(b.Items))
	e.Words = ""
	for _, k := range b.Keywords {
		e.Words += k + " "
	}
	for _, i := range b.Items {
		e.Words += i.Name + " "
	}
}

const entryColumns = `c.id, c.code, c.node, c.name, c.summary, c.words, c.unit_id, c.street, c.owner, c.owner_name, c.state, c.serving, c.working, c.newest, c.work,
	c.format, c.share, c.is_open, c.cycle, c.level, c.items, c.mounts, c.broken, c.data_rows, c.data_at, c.stale_at, c.reminded_at, c.published_at, c.changed_at, c.at, c.version,
	c.case_id, c.case_kind, c.number, c.step, c.case_state, c.holder, c.due_at, c.closed_at, c.late`

func scanEntry(e *Entry) []any {
	return []any{&e.ID, &e.Code, &e.Node, &e.Name, &e.Summary, &e.Words, &e.Unit, &e.Street, &e.Owner, &e.OwnerName, &e.State, &e.Serving, &e.Working, &e.Newest, &e.Work,
		&e.Format, &e.Share, &e.Open, &e.Cycle, &e.Level, &e.Items, &e.Mounts, &e.Broken, &e.Rows, &e.DataAt, &e.StaleAt, &e.Reminded, &e.Published, &e.Changed, &e.At, &e.Version,
		&e.Case, &e.CaseKind, &e.Number, &e.Step, &e.CaseState, &e.Holder, &e.Due, &e.Closed, &e.Late}
}

func findEntry(ctx context.Context, q store.Queryer, where store.Cond) (Entry, error) {
	e, err := store.One(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "catalog.missing")
	}
	return e, err
}

func insertEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	return store.Exec(ctx, tx, `INSERT INTO catalog (id, code, node, name, summary, words, unit_id, street, owner, owner_name, state, serving, working, newest, work,
		format, share, is_open, cycle, level, items, changed_at, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		e.ID, e.Code, e.Node, e.Name, e.Summary, e.Words, e.Unit, e.Street, e.Owner, e.OwnerName, string(e.State), e.Serving, e.Working, e.Newest, e.Work,
		e.Format, e.Share, e.Open, e.Cycle, string(e.Level), e.Items, e.Changed, e.At, e.Version)
}

// saveEntry writes all that may change of an entry over the version before e's; Conflict when that is not the present one.
func saveEntry(ctx context.Context, tx *store.Tx, e *Entry) error {
	e.Version++
	return store.ExecOne(ctx, tx, `UPDATE catalog SET code = $1, node = $2, name = $3, summary = $4, words = $5, unit_id = $6, street = $7, state = $8, serving = $9, working = $10, newest = $11, work = $12,
		format = $13, share = $14, is_open = $15, cycle = $16, level = $17, items = $18, mounts = $19, broken = $20, data_rows = $21, data_at = $22, stale_at = $23, reminded_at = $24, published_at = $25,
		changed_at = $26, case_id = $27, case_kind = $28, number = $29, step = $30, case_state = $31, holder = $32, due_at = $33, closed_at = $34, late = $35, version = $36 WHERE id = $37 AND version = $38`,
		e.Code, e.Node, e.Name, e.Summary, e.Words, e.Unit, e.Street, string(e.State), e.Serving, e.Working, e.Newest, e.Work,
		e.Format, e.Share, e.Open, e.Cycle, string(e.Level), e.Items, e.Mounts, e.Broken, e.Rows, e.DataAt, e.StaleAt, e.Reminded, e.Published,
		e.Changed, e.Case, e.CaseKind, e.Number, e.Step, e.CaseState, e.Holder, e.Due, e.Closed, e.Late, e.Version, e.ID, e.Version-1)
}

func deleteEntry(ctx context.Context, tx *store.Tx, id string) error {
	return store.ExecOne(ctx, tx, `DELETE FROM catalog WHERE id = $1`, id)
}

// version is one state of what an entry says.
type version struct {
	Entry, State, Reason, By, ByName string
	Number                           int64
	Body                             store.JSON[entry.Body]
	At, Published                    store.Time
}

const versionColumns = `entry, number, state, body, reason, by_id, by_name, at, published_at`

func scanVersion(v *version) []any {
	return []any{&v.Entry, &v.Number, &v.State, &v.Body, &v.Reason, &v.By, &v.ByName, &v.At, &v.Published}
}

func findVersion(ctx context.Context, q store.Queryer, id string, number int64) (version, error) {
	v, err := store.One(ctx, q, scanVersion, `SELECT `+versionColumns+` FROM catalog_version WHERE entry = $1 AND number = $2`, id, number)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "catalog.no_version", number)
	}
	v.Body.V.Tidy()
	return v, err
}

func versionsOf(ctx context.Context, q store.Queryer, id string) ([]version, error) {
	return store.All(ctx, q, scanVersion, `SELECT `+versionColumns+` FROM catalog_version WHERE entry = $1 ORDER BY number DESC`, id)
}

func insertVersion(ctx context.Context, tx *store.Tx, v *version) error {
	return store.Exec(ctx, tx, `INSERT INTO catalog_version (entry, number, state, body, reason, by_id, by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.Entry, v.Number, v.State, v.Body, v.Reason, v.By, v.ByName, v.At)
}

// saveWork keeps the version in work; Conflict when it is none any more.
func saveWork(ctx context.Context, tx *store.Tx, v *version) error {
	return store.ExecOne(ctx, tx, `UPDATE catalog_version SET body = $1, reason = $2, by_id = $3, by_name = $4, at = $5 WHERE entry = $6 AND number = $7 AND state = 'work'`,
		v.Body, v.Reason, v.By, v.ByName, v.At, v.Entry, v.Number)
}

func dropWork(ctx context.Context, tx *store.Tx, id string, number int64) error {
	return store.ExecOne(ctx, tx, `DELETE FROM catalog_version WHERE entry = $1 AND number = $2 AND state = 'work'`, id, number)
}

// publishVersion makes the version in work the one that serves.
func publishVersion(ctx context.Context, tx *store.Tx, id string, number int64, at store.Time) error {
	if err := store.Exec(ctx, tx, `UPDATE catalog_version SET state = 'replaced' WHERE entry = $1 AND state = 'published'`, id); err != nil {
		return err
	}
	return store.ExecOne(ctx, tx, `UPDATE catalog_version SET state = 'published', published_at = $1 WHERE entry = $2 AND number = $3 AND state = 'work'`, at, id, number)
}

// nextSerial gives the next serial under a classification. A serial is never given twice.
func nextSerial(ctx context.Context, tx *store.Tx, classification string) (int64, error) {
	if err := store.Lock(ctx, tx, "catalog_sequence", classification); err != nil {
		return 0, err
	}
	return store.Value[int64](ctx, tx, `INSERT INTO catalog_sequence (classification, last) VALUES ($1, 1)
		ON CONFLICT (classification) DO UPDATE SET last = catalog_sequence.last + 1 RETURNING last`, classification)
}

// class is one 项 of the classification.
type class struct {
	Code, Name, NameEN string
	Retired            bool
	Version            int64
}

func classes(ctx context.Context, q store.Queryer) ([]class, error) {
	return store.All(ctx, q, func(c *class) []any { return []any{&c.Code, &c.Name, &c.NameEN, &c.Retired, &c.Version} },
		`SELECT code, name, name_en, retired, version FROM catalog_class ORDER BY code`)
}

// known returns which of the codes were ever given to an entry that was published.
func knownCodes(ctx context.Context, q store.Queryer, codes []string) ([]string, error) {
	where := store.In("c.code", codes)
	return store.Column[string](ctx, q, `SELECT c.code FROM catalog c WHERE c.serving > 0 AND `+where.SQL, where.Args...)
}
