package catalog

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// The kinds and states of a binding.
const (
	byTable = "table"
	byLive  = "live"

	drafted  = "drafted"  // the entry was drafted from it
	proposed = "proposed" // the centre checks it
	mounted  = "mounted"
	refused  = "refused"
	ended    = "ended"
)

// binding is a physical resource bound to an entry (挂接).
type binding struct {
	ID, Entry, Kind, Dataset, Name, Title string
	Pairs                                 store.JSON[[]entry.Pair]
	State                                 string
	Faults                                store.JSON[[]fault]
	Rows                                  int64
	DataAt                                store.Time
	DataVersion                           int64
	Reason, By, ByName                    string
	At, MountedAt, EndedAt                store.Time
	Case, Number, Holder                  string
}

// kindOf is how data is bound: a table, or a function that answers of now.
func kindOf(ds dataset.Dataset) string {
	if ds.IsLive() {
		return byLive
	}
	return byTable
}

// fault is a reason as kept: worded when it is read.
type fault struct {
	Item string   `json:"item"`
	Key  string   `json:"key"`
	Args []string `json:"args"`
}

const mountColumns = `m.id, m.entry, m.kind, m.dataset, m.name, m.title, m.pairs, m.state, m.faults, m.data_rows, m.data_at, m.data_version, m.reason, m.by_id, m.by_name, m.at, m.mounted_at, m.ended_at, m.case_id, m.number, m.holder`

func scanMount(m *binding) []any {
	return []any{&m.ID, &m.Entry, &m.Kind, &m.Dataset, &m.Name, &m.Title, &m.Pairs, &m.State, &m.Faults, &m.Rows, &m.DataAt, &m.DataVersion, &m.Reason, &m.By, &m.ByName, &m.At, &m.MountedAt, &m.EndedAt, &m.Case, &m.Number, &m.Holder}
}

func bindings(ctx context.Context, q store.Queryer, where store.Cond) ([]binding, error) {
	return store.All(ctx, q, scanMount, `SELECT `+mountColumns+` FROM catalog_mount m WHERE `+where.SQL+` ORDER BY m.at DESC, m.id DESC`, where.Args...)
}

func oneBinding(ctx context.Context, q store.Queryer, id string) (binding, error) {
	all, err := bindings(ctx, q, store.C("m.id = $1", id))
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "catalog.no_mount")
	}
	if err != nil {
		return binding{}, err
	}
	return all[0], nil
}

func insertBinding(ctx context.Context, tx *store.Tx, m *binding) error {
	return store.Exec(ctx, tx, `INSERT INTO catalog_mount (id, entry, kind, dataset, name, title, pairs, state, faults, data_rows, data_at, data_version, by_id, by_name, at, mounted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		m.ID, m.Entry, m.Kind, m.Dataset, m.Name, m.Title, m.Pairs, m.State, m.Faults, m.Rows, m.DataAt, m.DataVersion, m.By, m.ByName, m.At, m.MountedAt)
}

func saveBinding(ctx context.Context, tx *store.Tx, m *binding) error {
	return store.ExecOne(ctx, tx, `UPDATE catalog_mount SET title = $1, state = $2, faults = $3, data_rows = $4, data_at = $5, data_version = $6, reason = $7, mounted_at = $8, ended_at = $9,
		case_id = $10, number = $11, holder = $12 WHERE id = $13`,
		m.Title, m.State, m.Faults, m.Rows, m.DataAt, m.DataVersion, m.Reason, m.MountedAt, m.EndedAt, m.Case, m.Number, m.Holder, m.ID)
}

// physical reads what a binding stands for; Missing when it is gone. It acts for the room: whether the caller may bind it was
// asked when he did.
func (c *Catalog) physical(ctx context.Context, q store.Queryer, m *binding) ([]dataset.Column, error) {
	ds, err := c.datasets.Get(room.BySystem(ctx), q, m.Dataset, store.Unscoped("a binding is looked after by the room"))
	if err != nil {
		return nil, err
	}
	m.Kind, m.Title, m.Name, m.Rows, m.DataAt, m.DataVersion = kindOf(ds), ds.Title, ds.Name, ds.Rows, ds.Updated, ds.Version
	if ds.IsLive() { // always of now, so never overdue
		m.DataAt = store.Time{}
	}
	return ds.Columns, nil
}

// refit checks a binding against the items of a body and the data as it stands, and keeps what no longer fits.
func (c *Catalog) refit(ctx context.Context, q store.Queryer, m *binding, b *entry.Body) error {
	m.Faults.V = []fault{}
	cols, err := c.physical(ctx, q, m)
	if errs.Is(err, errs.Missing) {
		m.Faults.V = append(m.Faults.V, fault{Key: "catalog.fit_gone", Args: []string{m.Title}})
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range entry.Fit(b.Items, cols, m.Pairs.V) {
		m.Faults.V = append(m.Faults.V, fault{f.Name, f.Key, argued(f.Args)})
	}
	return nil
}

// weigh reads the bindings of an entry anew and gives its row what follows: how many there are, how much data, how old.
func (c *Catalog) weigh(ctx context.Context, tx *store.Tx, e *Entry, b *entry.Body) error {
	all, err := bindings(ctx, tx, store.C("m.entry = $1 AND m.state = 'mounted'", e.ID))
	if err != nil {
		return err
	}
	e.Mounts, e.Rows, e.Broken, e.DataAt = int64(len(all)), 0, false, store.Time{}
	for i := range all {
		m := &all[i]
		if err := c.refit(ctx, tx, m, b); err != nil {
			return err
		}
		if err := saveBinding(ctx, tx, m); err != nil {
			return err
		}
		e.Rows += m.Rows
		e.Broken = e.Broken || len(m.Faults.V) > 0
		if !m.DataAt.IsZero() && (e.DataAt.IsZero() || m.DataAt.Before(e.DataAt.Time)) { // the oldest decides whether it is in time
			e.DataAt = m.DataAt
		}
	}
	e.StaleAt = store.At(entry.StaleAt(e.Cycle, e.DataAt.Time, c.graces(ctx)))
	if e.DataAt.IsZero() || e.StaleAt.Time.IsZero() {
		e.StaleAt = store.Time{}
	}
	return nil
}

// checkMount refuses to bind what does not fit.
func (c *Catalog) checkMount(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	m, err := oneBinding(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	e, b, err := c.serving(ctx, tx, m.Entry)
	if err != nil {
		return err
	}
	if err := c.refit(ctx, tx, &m, b); err != nil {
		return err
	}
	return c.fits(&m, &e)
}

// fits is the refusal of a binding that does not fit.
func (c *Catalog) fits(m *binding, e *Entry) error {
	if len(m.Faults.V) == 0 {
		return nil
	}
	bad := errs.New(errs.Invalid, "catalog.not_fit", m.Title, e.Name, len(m.Faults.V))
	for _, f := range m.Faults.V {
		bad = bad.With(errs.Field{Name: f.Item, Key: f.Key, Args: anys(f.Args)})
	}
	return bad
}

func anys(all []string) []any {
	out := make([]any, len(all))
	for i, a := range all {
		out[i] = a
	}
	return out
}

// serving returns a published entry nobody else decides on, with the body that serves.
func (c *Catalog) serving(ctx context.Context, tx *store.Tx, id string) (Entry, *entry.Body, error) {
	e, err := c.locked(ctx, tx, id)
	if err != nil {
		return e, nil, err
	}
	if e.State != Published {
		return e, nil, errs.New(errs.Conflict, "catalog.not_published", e.Name)
	}
	v, err := findVersion(ctx, tx, id, e.Serving)
	return e, &v.Body.V, err
}

// mountChanged writes where the check of a binding stands, and binds when it ends well.
func (c *Catalog) mountChanged(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	m, err := oneBinding(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	m.Case, m.Number, m.Holder = k.ID, k.Number, k.Holder
	switch {
	case k.State == flow.Closed && m.State == proposed:
		e, b, err := c.serving(ctx, tx, m.Entry)
		if err != nil {
			return err
		}
		m.State, m.MountedAt = mounted, store.At(c.now())
		if err := saveBinding(ctx, tx, &m); err != nil {
			return err
		}
		return c.bound(ctx, tx, &m, &e, b)
	case (k.State == flow.Stopped || k.State == flow.Merged) && m.State == proposed:
		m.State, m.EndedAt = refused, store.At(c.now())
	}
	return saveBinding(ctx, tx, &m)
}

// bound keeps the entry right after a binding began or ended, and leaves the record.
func (c *Catalog) bound(ctx context.Context, tx *store.Tx, m *binding, e *Entry, b *entry.Body) error {
	if err := c.weigh(ctx, tx, e, b); err != nil {
		return err
	}
	if err := saveEntry(ctx, tx, e); err != nil {
		return err
	}
	action := "catalog.mount"
	if m.State == ended {
		action = "catalog.unmount"
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "catalog", ID: e.ID, Title: e.Name, Purpose: m.Reason,
		Detail: map[string]any{"mount": m.ID, "kind": m.Kind, "dataset": m.Dataset, "name": m.Name, "items": len(m.Pairs.V)}})
}

// refresh looks which bound datasets have changed since, and tells providers once of data that has become overdue.
func (c *Catalog) refresh(ctx context.Context) error {
	if err := c.moved(ctx); err != nil {
		return err
	}
	now := store.At(c.now())
	all, err := store.All(ctx, c.db, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE c.stale_at > 0 AND c.stale_at <= $1 AND c.state = 'published' AND c.reminded_at < c.data_at ORDER BY c.stale_at, c.id LIMIT 200`, now)
	if err != nil {
		return err
	}
	for _, e := range all {
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := store.Exec(ctx, tx, `UPDATE catalog SET reminded_at = data_at WHERE id = $1`, e.ID); err != nil {
				return err
			}
			return c.notify.Send(ctx, tx, notify.Notice{To: []string{e.Owner}, Kind: notify.Alarm, Key: "catalog.told_stale", Args: []any{e.Name, e.DataAt.In(time.FixedZone("+08:00", 8*3600)).Format(time.DateOnly)}, Link: "/catalog/entries/" + e.ID, Object: "catalog", ID: e.ID})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moved weighs the entries whose datasets were updated since this room last looked. Datasets come newest first, so it stops at
// the first that nothing can have happened to since.
func (c *Catalog) moved(ctx context.Context) error {
	since, err := store.Value[store.Time](ctx, c.db, `SELECT coalesce(max(data_at), 0) FROM catalog_mount WHERE state = 'mounted'`)
	if err != nil || since.IsZero() {
		return err
	}
	page := store.Page{Limit: 200}
	for {
		all, err := c.datasets.List(ctx, c.db, store.Unscoped("bindings are looked after by the room"), "", page)
		if err != nil {
			return err
		}
		for _, ds := range all.Items {
			if ds.IsLive() { // of now whenever one looks: nothing has happened to it
				continue
			}
			if !ds.Updated.After(since.Time) {
				return nil
			}
			if err := c.reweigh(ctx, store.C("m.dataset = $1", ds.ID)); err != nil {
				return err
			}
		}
		if all.Next == "" {
			return nil
		}
		page.After = all.Next
	}
}

// recheck weighs every binding: columns may be classed anew and datasets may go without a new version.
func (c *Catalog) recheck(ctx context.Context) error {
	return c.reweigh(ctx, store.C("TRUE"))
}

func (c *Catalog) reweigh(ctx context.Context, where store.Cond) error {
	ids, err := store.Column[string](ctx, c.db, `SELECT DISTINCT m.entry FROM catalog_mount m JOIN catalog c ON c.id = m.entry WHERE m.state = 'mounted' AND c.state = 'published' AND (`+where.SQL+`) ORDER BY m.entry`, where.Args...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			e, b, err := c.serving(ctx, tx, id)
			if errs.Is(err, errs.Conflict) || errs.Is(err, errs.Missing) {
				return nil
			}
			if err != nil {
				return err
			}
			was := e.Broken
			if err := c.weigh(ctx, tx, &e, b); err != nil {
				return err
			}
			if e.Broken && !was {
				slog.InfoContext(ctx, "catalog: a binding no longer fits", "entry", e.ID)
				if err := c.notify.Send(ctx, tx, notify.Notice{To: []string{e.Owner}, Kind: notify.Alarm, Key: "catalog.told_broken", Args: []any{e.Name}, Link: "/catalog/entries/" + e.ID, Object: "catalog", ID: e.ID}); err != nil {
					return err
				}
			}
			return saveEntry(ctx, tx, &e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
