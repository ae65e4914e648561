package dataset

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
)

// Lookup returns the rows of ds whose key column holds value, in an order that does not change: every column of
// ds.Columns, unmasked. At most limit rows; more says whether there are others. The caller has checked the right and
// leaves the record of the look.
func (d *Datasets) Lookup(ctx context.Context, ds Dataset, column string, value any, limit int) (rows [][]any, more bool, err error) {
	wh, err := d.store()
	if err != nil {
		return nil, false, err
	}
	c, ok := ds.Column(column)
	if !ok || !c.Key {
		return nil, false, errs.New(errs.Invalid, "dataset.no_key", column)
	}
	q := warehouse.Query{From: ds.Current, Where: warehouse.Eq(column, value), Limit: int64(limit) + 1}
	for _, c := range ds.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
	}
	if rows, err = all(ctx, wh, q); err != nil {
		return nil, false, err
	}
	if len(rows) <= limit { // nearly always: sorting them here costs nothing, in the engine as much as finding them
		slices.SortFunc(rows, func(a, b []any) int { return slices.CompareFunc(a, b, byText) })
		return rows, false, nil
	}
	for _, c := range ds.Columns {
		q.Order = append(q.Order, warehouse.Sort{By: c.Name})
	}
	q.Limit = int64(limit)
	rows, err = all(ctx, wh, q)
	return rows, true, err
}

func all(ctx context.Context, wh warehouse.Store, q warehouse.Query) ([][]any, error) {
	res, err := wh.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return res.All()
}

func byText(a, b any) int { return strings.Compare(warehouse.Format(a), warehouse.Format(b)) }

// Query answers a tree whose From and Join name datasets, by Name. Every column it touches must be one the actor may
// see with perm, and in clear: a masked column needs a grant to reveal it, since a condition on it tells its values.
// Without Select it gives every such column of From. A job of the system sees all.
func (d *Datasets) Query(ctx context.Context, q store.Queryer, perm string, tree warehouse.Query) (*warehouse.Result, error) {
	if l, ok := d.live[tree.From]; ok {
		return l.query(ctx, tree)
	}
	wh, err := d.store()
	if err != nil {
		return nil, err
	}
	scope, err := d.Readable(ctx, q, perm)
	if err != nil {
		return nil, err
	}
	var sources []granted
	resolve := func(name string) (string, error) {
		ds, err := d.Named(ctx, q, name, scope)
		if err != nil {
			return "", err
		}
		right, err := d.Right(ctx, q, ds, perm, "")
		sources = append(sources, granted{ds, right, authz.From(ctx).IsJob})
		return ds.Current, err
	}
	if tree.From, err = resolve(tree.From); err != nil {
		return nil, err
	}
	tree.Join = slices.Clone(tree.Join)
	for i := range tree.Join {
		if tree.Join[i].Version, err = resolve(tree.Join[i].Version); err != nil {
			return nil, err
		}
	}
	if len(tree.Select) == 0 {
		tree.Select = sources[0].all(tree)
	}
	plan, err := warehouse.NewPlan(tree, func(id string) (warehouse.Version, bool) {
		v, err := wh.Version(ctx, id)
		return v, err == nil
	})
	if err != nil {
		return nil, err
	}
	if err := allowed(plan, sources); err != nil {
		return nil, err
	}
	return wh.Query(ctx, tree)
}

// query asks a live dataset, whose function keeps to its own scope.
func (l Live) query(ctx context.Context, tree warehouse.Query) (*warehouse.Result, error) {
	if len(tree.Join) > 0 {
		return nil, errs.New(errs.Invalid, "dataset.live_join", l.Title)
	}
	v := warehouse.Version{ID: l.Name, Table: l.Name, Columns: Physical(l.Columns)}
	if _, err := warehouse.NewPlan(tree, func(id string) (warehouse.Version, bool) { return v, id == l.Name }); err != nil {
		return nil, err
	}
	return l.Query(ctx, tree)
}

// granted is one source of a query with what the actor may see of it.
type granted struct {
	Dataset
	right Right
	job   bool
}

// open reports whether a column may be used in clear.
func (g granted) open(name string) bool {
	c, ok := g.Column(name)
	return g.job || ok && g.right.MaySee(name) && (!c.Masked || g.right.MayReveal(name))
}

// all selects every open column of the first source.
func (g granted) all(tree warehouse.Query) []warehouse.Item {
	prefix := ""
	switch {
	case tree.As != "":
		prefix = tree.As + "."
	case len(tree.Join) > 0:
		prefix = "."
	}
	var out []warehouse.Item
	for _, c := range g.Columns {
		if g.open(c.Name) {
			out = append(out, warehouse.Item{Col: prefix + c.Name, As: c.Name})
		}
	}
	return out
}

// allowed says which column of a checked plan the actor may not use.
func allowed(p *warehouse.Plan, sources []granted) error {
	var fields []warehouse.Field
	for _, o := range p.Out {
		if !o.Rows {
			fields = append(fields, o.Field)
		}
	}
	for _, s := range p.Sources {
		for _, on := range s.On {
			fields = append(fields, on[0], on[1])
		}
	}
	fields = append(fields, p.Group...)
	for _, by := range p.Order {
		if by.Out < 0 {
			fields = append(fields, by.Field)
		}
	}
	fields = tested(p.Where, fields)
	for _, f := range fields {
		name := p.Sources[f.Source].Version.Columns[f.Column].Name
		if !sources[f.Source].open(name) {
			return errs.New(errs.Denied, "dataset.column_denied", sources[f.Source].Title, name)
		}
	}
	return nil
}

// tested adds the fields of a condition.
func tested(t warehouse.Test, to []warehouse.Field) []warehouse.Field {
	switch t.Op {
	case warehouse.OpAnd, warehouse.OpOr, warehouse.OpNot:
		for _, kid := range t.Kids {
			to = tested(kid, to)
		}
		return to
	}
	return append(to, t.Field)
}
