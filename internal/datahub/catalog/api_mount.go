package catalog

import (
	"context"
	"errors"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// MountLine is a binding as the caller may see it.
type MountLine struct {
	ID        string       `json:"id"`
	Kind      string       `json:"kind" enum:"table,live,source" doc:"source: only what the entry was drafted from, its data is not here yet"`
	Dataset   string       `json:"dataset" doc:"id, to those at work on the entry"`
	Name      string       `json:"name" doc:"of the dataset, to those at work on the entry"`
	Title     string       `json:"title"`
	State     string       `json:"state" enum:"drafted,proposed,mounted,refused,ended" doc:"drafted: the entry was made from it, and it may be bound once that is published"`
	Pairs     []entry.Pair `json:"pairs" nullable:"false"`
	Faults    []Fault      `json:"faults" nullable:"false" doc:"why it no longer fits"`
	Rows      int64        `json:"rows"`
	DataAt    store.Time   `json:"dataAt"`
	Reason    string       `json:"reason" doc:"why it ended"`
	ByName    string       `json:"byName"`
	At        store.Time   `json:"at"`
	MountedAt store.Time   `json:"mountedAt"`
	EndedAt   store.Time   `json:"endedAt"`
	Case      string       `json:"case" doc:"of its check, to those at work on the entry"`
	Number    string       `json:"number"`
	Holder    string       `json:"holder"`
}

func (c *Catalog) mountsOf(ctx context.Context, q store.Queryer, e *Entry, works bool) ([]MountLine, error) {
	all, err := bindings(ctx, q, store.C("m.entry = $1", e.ID))
	out := []MountLine{}
	for _, m := range all {
		l := MountLine{ID: m.ID, Kind: m.Kind, Title: m.Title, State: m.State, Pairs: []entry.Pair{}, Faults: []Fault{}, Rows: m.Rows, DataAt: m.DataAt, MountedAt: m.MountedAt, At: m.At}
		if works {
			l.Dataset, l.Name, l.Reason, l.ByName, l.EndedAt, l.Case, l.Number, l.Holder = m.Dataset, m.Name, m.Reason, m.ByName, m.EndedAt, m.Case, m.Number, m.Holder
			l.Pairs = append(l.Pairs, m.Pairs.V...)
			for _, f := range m.Faults.V {
				l.Faults = append(l.Faults, Fault{f.Item, c.words.Text(web.From(ctx).Lang, f.Key, anys(f.Args)...)})
			}
			if m.State != proposed {
				l.Holder = ""
			}
		} else if m.State != mounted {
			continue
		}
		out = append(out, l)
	}
	return out, err
}

// bindable is which datasets the actor may bind: those he catalogues or mounts for.
func bindable(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(dataset.Reach(ctx, "catalog.edit").Cond(), dataset.Reach(ctx, "catalog.mount").Cond()))
}

// DatasetLine is a dataset that may be bound, or drafted from.
type DatasetLine struct {
	ID        string        `json:"id"`
	Kind      string        `json:"kind" enum:"table,live"`
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	Unit      string        `json:"unit"`
	UnitName  string        `json:"unitName"`
	Level     dataset.Level `json:"level"`
	Columns   int           `json:"columnCount"`
	Rows      int64         `json:"rows"`
	UpdatedAt store.Time    `json:"updatedAt"`
	Entry     string        `json:"entry" doc:"id of the entry it is bound to or drafted as, empty for none"`
	EntryName string        `json:"entryName"`
}

type datasetsIn struct {
	Text string `query:"text" maxLength:"100"`
	store.Page
}
type datasetsOut struct{ Body store.Listed[DatasetLine] }

func (c *Catalog) listDatasets(ctx context.Context, in *datasetsIn) (*datasetsOut, error) {
	all, err := c.datasets.List(ctx, c.db, bindable(ctx), in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	out := &datasetsOut{store.Listed[DatasetLine]{Items: []DatasetLine{}, Next: all.Next}}
	var ids, units []string
	for _, d := range all.Items {
		ids, units = append(ids, d.ID), append(units, d.Unit)
	}
	at, err := c.catalogued(ctx, c.db, ids)
	if err != nil {
		return nil, err
	}
	n, err := c.org.UnitNames(ctx, c.db, units)
	for _, d := range all.Items {
		out.Body.Items = append(out.Body.Items, DatasetLine{ID: d.ID, Kind: kindOf(d), Name: d.Name, Title: d.Title, Unit: d.Unit, UnitName: n[d.Unit], Level: d.Level, Columns: len(d.Columns),
			Rows: d.Rows, UpdatedAt: d.Updated, Entry: at[d.ID].ID, EntryName: at[d.ID].Name})
	}
	return out, err
}

// catalogued finds the entries datasets are bound to, or proposed to.
func (c *Catalog) catalogued(ctx context.Context, q store.Queryer, datasets []string) (map[string]RelatedLine, error) {
	type row struct {
		dataset string
		RelatedLine
	}
	where := store.In("m.dataset", datasets)
	all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.dataset, &r.ID, &r.Code, &r.Name} },
		`SELECT m.dataset, c.id, c.code, c.name FROM catalog_mount m JOIN catalog c ON c.id = m.entry WHERE m.state IN ('drafted', 'mounted', 'proposed') AND c.state <> 'archived' AND `+where.SQL, where.Args...)
	out := map[string]RelatedLine{}
	for _, r := range all {
		out[r.dataset] = r.RelatedLine
	}
	return out, err
}

type mountIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Kind    string       `json:"kind" required:"false" enum:",table,live" doc:"is the dataset's own, whatever is said here"`
		Dataset string       `json:"dataset" minLength:"1" maxLength:"60" doc:"id"`
		Pairs   []entry.Pair `json:"pairs" required:"false" maxItems:"1000" doc:"item → column; proposed by name when left out"`
	}
}

type fitOut struct {
	Body struct {
		Title   string       `json:"title"`
		Pairs   []entry.Pair `json:"pairs" nullable:"false"`
		Columns []FitColumn  `json:"columns" nullable:"false"`
		Faults  []Fault      `json:"faults" nullable:"false"`
		Spare   []string     `json:"spare" nullable:"false" doc:"columns no item stands for"`
	}
}

// FitColumn is a column that may hold an item.
type FitColumn struct {
	Name  string        `json:"name"`
	Title string        `json:"title"`
	Type  string        `json:"type"`
	Level dataset.Level `json:"level"`
}

// bind makes a binding of an entry and a dataset the actor may bind, not yet kept.
func (c *Catalog) bind(ctx context.Context, q store.Queryer, in *mountIn, b *entry.Body) (*binding, []dataset.Column, error) {
	me := authz.From(ctx)
	m := &binding{ID: id.New(), Entry: in.ID, Kind: in.Body.Kind, Dataset: in.Body.Dataset, Name: in.Body.Dataset, By: me.Person, ByName: me.Name, At: store.At(c.now())}
	if _, err := c.datasets.Get(ctx, q, m.Dataset, bindable(ctx)); err != nil {
		return nil, nil, err
	}
	cols, err := c.physical(ctx, q, m)
	if err != nil {
		return nil, nil, err
	}
	if m.Pairs.V = in.Body.Pairs; len(m.Pairs.V) == 0 {
		m.Pairs.V = entry.Match(b.Items, cols)
	}
	return m, cols, c.refit(ctx, q, m, b)
}

// fit says how a dataset would fit an entry, and keeps nothing.
func (c *Catalog) fit(ctx context.Context, in *mountIn) (*fitOut, error) {
	e, works, err := c.seen(ctx, c.db, in.ID)
	if err != nil {
		return nil, err
	}
	if !works {
		return nil, errs.New(errs.Denied, "catalog.not_yours", e.Name)
	}
	number := e.Serving
	if number == 0 {
		number = e.Working
	}
	v, err := findVersion(ctx, c.db, e.ID, number)
	if err != nil {
		return nil, err
	}
	m, cols, err := c.bind(ctx, c.db, in, &v.Body.V)
	if err != nil {
		return nil, err
	}
	out := &fitOut{}
	out.Body.Title, out.Body.Pairs, out.Body.Columns, out.Body.Faults, out.Body.Spare = m.Title, m.Pairs.V, []FitColumn{}, []Fault{}, []string{}
	used := map[string]bool{}
	for _, p := range m.Pairs.V {
		used[p.Column] = true
	}
	for _, col := range cols {
		out.Body.Columns = append(out.Body.Columns, FitColumn{col.Name, col.Title, col.Type.String(), col.Level})
		if !used[col.Name] {
			out.Body.Spare = append(out.Body.Spare, col.Title)
		}
	}
	for _, f := range m.Faults.V {
		out.Body.Faults = append(out.Body.Faults, Fault{f.Item, c.words.Text(web.From(ctx).Lang, f.Key, anys(f.Args)...)})
	}
	return out, nil
}

// mount binds data to a published entry: at once for who checks bindings himself, by a case for who provides it.
func (c *Catalog) mount(ctx context.Context, in *mountIn) (*entryOut, error) {
	if err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.mountOne(ctx, tx, in) }); err != nil {
		return nil, err
	}
	return c.show(ctx, &entryIn{in.ID})
}

func (c *Catalog) mountOne(ctx context.Context, tx *store.Tx, in *mountIn) error {
	e, b, err := c.serving(ctx, tx, in.ID)
	if err != nil {
		return err
	}
	direct, err := c.reaches(ctx, tx, e.ID, "catalog.mount")
	if err != nil {
		return err
	}
	if edits, err := c.reaches(ctx, tx, e.ID, "catalog.edit"); err != nil {
		return err
	} else if !direct && !edits {
		return errs.New(errs.Denied, "catalog.not_yours", e.Name)
	}
	if err := store.Exec(ctx, tx, `DELETE FROM catalog_mount WHERE entry = $1 AND (dataset = $2 OR kind = 'source') AND state = 'drafted'`, e.ID, in.Body.Dataset); err != nil {
		return err
	}
	at, err := c.catalogued(ctx, tx, []string{in.Body.Dataset})
	if err != nil {
		return err
	}
	if other, taken := at[in.Body.Dataset]; taken {
		return errs.New(errs.Conflict, "catalog.mounted_already", other.Name)
	}
	m, _, err := c.bind(ctx, tx, in, b)
	if err != nil {
		return err
	}
	if err := c.fits(m, &e); err != nil {
		return err
	}
	if direct {
		m.State, m.MountedAt = mounted, m.At
		if err := insertBinding(ctx, tx, m); err != nil {
			return err
		}
		return c.bound(ctx, tx, m, &e, b)
	}
	m.State = proposed
	if err := insertBinding(ctx, tx, m); err != nil {
		return err
	}
	if err := c.begin(ctx, tx, kindMount, m.ID, e.Name+" ← "+m.Title, e.Unit, e.Street, ""); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.propose", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"mount": m.ID, "dataset": m.Dataset}})
}

// readyOut is what became of binding all that is ready.
type readyOut struct {
	Body struct {
		Mounted int      `json:"mounted"`
		Left    []Remark `json:"left" nullable:"false" doc:"what does not fit, and why"`
	}
}

// mountReady binds every published entry that was drafted from a dataset to it; what does not fit is told and left.
func (c *Catalog) mountReady(ctx context.Context, _ *struct{}) (*readyOut, error) {
	where := store.And(store.C("c.state = 'published' AND m.state = 'drafted'"), reach(ctx, "catalog.mount"))
	type ready struct{ entry, name, dataset, kind string }
	all, err := store.All(ctx, c.db, func(r *ready) []any { return []any{&r.entry, &r.name, &r.dataset, &r.kind} },
		`SELECT c.id, c.name, m.dataset, m.kind FROM catalog_mount m JOIN catalog c ON c.id = m.entry WHERE `+where.SQL+` ORDER BY m.at, m.id LIMIT 1000`, where.Args...)
	if err != nil {
		return nil, err
	}
	out := &readyOut{}
	out.Body.Left = []Remark{}
	for _, r := range all {
		if r.kind == bySource { // ready once it is collected
			if r.dataset, err = c.collectedAs(ctx, c.db, r.dataset); err != nil {
				return nil, err
			} else if r.dataset == "" {
				continue
			}
		}
		in := &mountIn{ID: r.entry}
		in.Body.Dataset = r.dataset
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.mountOne(ctx, tx, in) })
		if err == nil {
			out.Body.Mounted++
			continue
		}
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Kind == errs.Internal {
			return nil, err
		}
		why := c.words.Text(web.From(ctx).Lang, e.Key, e.Args...)
		for _, f := range c.say(ctx, e.Fields) {
			why += " " + f.Message
		}
		out.Body.Left = append(out.Body.Left, Remark{Title: r.name, Message: why, Refused: true})
	}
	return out, nil
}

type unmountIn struct {
	ID    string `path:"id" maxLength:"40"`
	Mount string `path:"mount" maxLength:"40"`
	Body  struct {
		Reason string `json:"reason" minLength:"2" maxLength:"300"`
	}
}

// unmount ends a binding; the entry stays published without it.
func (c *Catalog) unmount(ctx context.Context, in *unmountIn) (*entryOut, error) {
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, err := c.locked(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		direct, err := c.reaches(ctx, tx, e.ID, "catalog.mount")
		if err != nil {
			return err
		}
		if edits, err := c.reaches(ctx, tx, e.ID, "catalog.edit"); err != nil {
			return err
		} else if !direct && !edits {
			return errs.New(errs.Denied, "catalog.not_yours", e.Name)
		}
		m, err := oneBinding(ctx, tx, in.Mount)
		if err == nil && m.Entry != e.ID {
			err = errs.New(errs.Missing, "catalog.no_mount")
		}
		if err != nil {
			return err
		}
		switch m.State {
		case proposed:
			return errs.New(errs.Conflict, "catalog.mount_proposed", m.Number)
		case mounted:
		default:
			return errs.New(errs.Conflict, "catalog.mount_ended")
		}
		m.State, m.EndedAt, m.Reason = ended, store.At(c.now()), in.Body.Reason
		if err := saveBinding(ctx, tx, &m); err != nil {
			return err
		}
		v, err := findVersion(ctx, tx, e.ID, e.Serving)
		if err != nil {
			return err
		}
		return c.bound(ctx, tx, &m, &e, &v.Body.V)
	})
	if err != nil {
		return nil, err
	}
	return c.show(ctx, &entryIn{in.ID})
}
