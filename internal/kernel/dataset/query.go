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
	wh, err := d.over(ds)
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

func all(ctx context.Context, wh asker, q warehouse.Query) ([][]any, error) {
	res, err := wh.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return res.All()
}

func byText(a, b any) int { return strings.Compare(warehouse.Format(a), warehouse.Format(b)) }

// Query answers a tree whose From and Join name datasets, by Name. Every column it touches must be one the actor may
// see with perm, and in clear: a masked column needs a grant to reveal it, since a condition on it tells its values. Of
// a dataset that is granted him in part he sees the rows of one grant that shows him all he asks for.
// Without Select it gives every such column of From. A job of the system sees all.
func (d *Datasets) Query(ctx context.Context, q store.Queryer, perm string, tree warehouse.Query) (*warehouse.Result, error) {
	scope, err := d.Readable(ctx, q, perm, Look)
	if err != nil {
		return nil, err
	}
	var sources []granted
	resolve := func(name string) (string, error) {
		ds, err := d.Named(ctx, q, name, scope)
		if err != nil {
			return "", err
		}
		right, err := d.Right(ctx, q, ds, perm, "", Look)
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
	for _, s := range sources {
		if s.IsLive() && len(sources) > 1 {
			return nil, errs.New(errs.Invalid, "dataset.live_join", s.Title)
		}
	}
	wh, err := d.over(sources[0].Dataset)
	if err != nil {
		return nil, err
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
	rows, err := allowed(plan, sources, tree)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		if tree.Where.Op != "" {
			rows = append(rows, tree.Where)
		}
		tree.Where = warehouse.And(rows...)
	}
	return wh.Query(ctx, tree)
}

// granted is one source of a query with what the actor may see of it.
type granted struct {
	Dataset
	right Right
	job   bool
}

// open reports whether a column may be used in clear.
func (g granted) open(name string) bool { return g.job || g.through(g.right, name) }

func (g granted) through(r Right, name string) bool {
	c, ok := g.Column(name)
	return ok && r.MaySee(name) && (!c.Masked || r.MayReveal(name))
}

// whole is what the actor may see of every row.
func (g granted) whole() Right {
	r := g.right
	r.Grants = slices.DeleteFunc(slices.Clone(r.Grants), func(g Grant) bool { return len(g.Filter) > 0 })
	return r
}

// reach finds the rows in which all of columns may be seen: all of them, or those of a grant. Without such a grant, the
// column that may not be seen is named.
func (g granted) reach(columns []string) (f Filter, denied string) {
	if g.job {
		return nil, ""
	}
	lacks := func(r Right) string {
		for _, c := range columns {
			if !g.through(r, c) {
				return c
			}
		}
		return ""
	}
	whole := g.whole()
	if denied = lacks(whole); denied == "" {
		return nil, ""
	}
	for _, one := range g.right.Grants {
		if r := (Right{Grants: append(slices.Clone(whole.Grants), one)}); len(one.Filter) > 0 && lacks(r) == "" {
			return one.Filter, ""
		}
	}
	if d := lacks(g.right); d != "" {
		denied = d
	}
	return nil, denied
}

// all selects every open column of the first source.
func (g granted) all(tree warehouse.Query) []warehouse.Item {
	prefix := before(tree, tree.As)
	var out []warehouse.Item
	for _, c := range g.Columns {
		if g.open(c.Name) {
			out = append(out, warehouse.Item{Col: prefix + c.Name, As: c.Name})
		}
	}
	return out
}

// before is what stands before the name of a column of the source with an alias.
func before(tree warehouse.Query, alias string) string {
	if alias != "" || len(tree.Join) > 0 {
		return alias + "."
	}
	return ""
}

// allowed says which column of a checked plan the actor may not use, and else which rows he is to see.
func allowed(p *warehouse.Plan, sources []granted, tree warehouse.Query) (rows []warehouse.Cond, err error) {
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
	used := make([][]string, len(sources))
	for _, f := range fields {
		used[f.Source] = append(used[f.Source], p.Sources[f.Source].Version.Columns[f.Column].Name)
	}
	for i, s := range sources {
		f, denied := s.reach(used[i])
		if denied != "" {
			return nil, errs.New(errs.Denied, "dataset.column_denied", s.Title, denied)
		}
		if len(f) == 0 {
			continue
		}
		alias := tree.As
		if i > 0 {
			alias = tree.Join[i-1].As
			if tree.Join[i-1].Outer {
				return nil, errs.New(errs.Denied, "dataset.filter_outer", s.Title)
			}
		}
		c, err := f.Cond(s.Dataset)
		if err != nil {
			return nil, errs.Wrap(err, errs.Denied, "dataset.filter_stale", s.Title)
		}
		for j := range c.Kids {
			c.Kids[j].Col = before(tree, alias) + c.Kids[j].Col
		}
		rows = append(rows, c)
	}
	return rows, nil
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
