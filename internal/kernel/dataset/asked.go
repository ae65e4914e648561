package dataset

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
)

// Of is the id of the dataset a grant shares.
func (g Grant) Of() string { return g.dataset }

// Given returns grants by their ids, whatever has become of them since, by id.
func (d *Datasets) Given(ctx context.Context, q store.Queryer, ids []string) (map[string]Grant, error) {
	all, err := grants(ctx, q, store.In("g.id", ids))
	out := make(map[string]Grant, len(all))
	for _, g := range all {
		out[g.ID] = g
	}
	return out, err
}

// Day is what a grant gave out on one civil day.
type Day struct {
	Day     string `json:"day"`
	Records int64  `json:"records"`
}

// Days lists what grants gave out, by civil day from one on.
func (d *Datasets) Days(ctx context.Context, q store.Queryer, ids []string, from string) ([]Day, error) {
	in := store.And(store.In("s.grant_id", ids), store.C("s.day >= $1", from))
	return store.All(ctx, q, func(x *Day) []any { return []any{&x.Day, &x.Records} },
		`SELECT s.day, CAST(sum(s.records) AS BIGINT) FROM dataset_spent s WHERE `+in.SQL+` GROUP BY s.day ORDER BY s.day`, in.Args...)
}

// Asked is what a program asks of a dataset under one grant.
type Asked struct {
	Columns []string // all that are granted when empty
	Rules   Filter   // all must hold
	After   *Place   // nil from the beginning
	Limit   int      // rows of one answer
}

// Place is where an answer ended: the value of the first key, and how many rows with it were given.
type Place struct {
	Key  string `json:"key,omitempty"`
	Null bool   `json:"null,omitempty"`
	Skip int64  `json:"skip"`
}

// Answer is what a grant shows of a dataset.
type Answer struct {
	Columns []Column // in the order of the values
	Rows    [][]any  // nil, bool, int64 or text; what is masked is masked
	Next    *Place   // nil at the end
}

// Clear reports whether a column of ds is shown unmasked under the grant.
func (g Grant) Clear(c Column) bool { return !c.Masked || slices.Contains(g.Reveal, c.Name) }

// Shows lists the columns of ds the grant shows, of those asked for; all when none are named. A column that is not
// granted is Denied by its name.
func (g Grant) Shows(ds Dataset, asked []string) ([]Column, error) {
	var out []Column
	if len(asked) == 0 {
		for _, c := range ds.Columns {
			if slices.Contains(g.Columns, c.Name) {
				out = append(out, c)
			}
		}
		return out, nil
	}
	for _, name := range asked {
		c, ok := ds.Column(name)
		if !ok || !slices.Contains(g.Columns, name) {
			return nil, errs.New(errs.Denied, "dataset.column_denied", ds.Title, cut(name, 64))
		}
		out = append(out, c)
	}
	return out, nil
}

// scope says which rows a grant reaches, of those the rules mean. A rule on a column that is not granted is Denied, and so
// is one on a masked column, since it tells its values; but a whole key may be asked for, as in a look-up.
func (g Grant) scope(ds Dataset, rules Filter) (warehouse.Cond, error) {
	own, err := g.Filter.Cond(ds)
	if err != nil {
		return own, errs.Wrap(err, errs.Denied, "dataset.filter_stale", ds.Title)
	}
	for _, r := range rules {
		c, ok := ds.Column(r.Column)
		exact := c.Key && (r.Op == warehouse.OpEq || r.Op == warehouse.OpIn)
		if !ok || !slices.Contains(g.Columns, r.Column) || !g.Clear(c) && !exact {
			return own, errs.New(errs.Denied, "dataset.column_denied", ds.Title, cut(r.Column, 64))
		}
	}
	said, err := rules.Cond(ds)
	return warehouse.And(own, said), err
}

// holds says why a grant does not share ds now.
func (d *Datasets) holds(ds Dataset, g Grant) error {
	if g.dataset != ds.ID {
		return errs.New(errs.Denied, "dataset.no_grant")
	}
	if !g.Active(d.now()) {
		return errs.New(errs.Denied, "dataset.grant_over")
	}
	return nil
}

// Ask gives the rows of ds a grant shows, in an order that does not change while the version serves: by the first key,
// then by every column. The caller has checked who asks and in which mode, and spends the rows.
func (d *Datasets) Ask(ctx context.Context, ds Dataset, g Grant, a Asked) (Answer, error) {
	var out Answer
	if err := d.holds(ds, g); err != nil {
		return out, err
	}
	wh, err := d.over(ds)
	if err != nil {
		return out, err
	}
	if out.Columns, err = g.Shows(ds, a.Columns); err != nil {
		return out, err
	}
	q := warehouse.Query{From: ds.Current, Limit: int64(a.Limit) + 1}
	if q.Where, err = g.scope(ds, a.Rules); err != nil {
		return out, err
	}
	lead := leading(ds)
	if a.After != nil {
		if q.Offset = a.After.Skip; lead != nil {
			from, err := after(*lead, *a.After)
			if err != nil {
				return out, err
			}
			q.Where = warehouse.And(q.Where, from)
		}
	}
	for _, c := range out.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
	}
	if lead != nil {
		q.Select = append(q.Select, warehouse.Item{Col: lead.Name, As: "lead__"})
		q.Order = append(q.Order, warehouse.Sort{By: lead.Name})
	}
	for _, c := range ds.Columns {
		if lead == nil || c.Name != lead.Name {
			q.Order = append(q.Order, warehouse.Sort{By: c.Name})
		}
	}
	rows, err := all(ctx, wh, q)
	if err != nil {
		return out, err
	}
	if len(rows) > a.Limit {
		rows = rows[:a.Limit]
		out.Next = ended(rows, lead != nil, a.After)
	}
	out.Rows = g.shown(out.Columns, rows)
	return out, nil
}

// leading is the first key of a dataset, nil when it has none.
func leading(ds Dataset) *Column {
	if keys := ds.Keys(); len(keys) > 0 {
		return &keys[0]
	}
	return nil
}

// after is true of the rows from a place on; those with its key are skipped by number.
func after(c Column, p Place) (warehouse.Cond, error) {
	if p.Null {
		return warehouse.IsNull(c.Name), nil
	}
	v, err := c.Value(p.Key)
	if err != nil || v == nil {
		return warehouse.Cond{}, errs.New(errs.Invalid, "dataset.bad_place")
	}
	return warehouse.Or(warehouse.From(c.Name, v), warehouse.IsNull(c.Name)), nil
}

// ended is the place after the last of rows, whose last value is the leading key.
func ended(rows [][]any, keyed bool, before *Place) *Place {
	n := int64(len(rows))
	if !keyed {
		if before != nil {
			n += before.Skip
		}
		return &Place{Skip: n}
	}
	of := func(row []any) (string, bool) { v := row[len(row)-1]; return warehouse.Format(v), v == nil }
	p := &Place{}
	p.Key, p.Null = of(rows[n-1])
	for i := n - 1; i >= 0; i-- {
		if key, null := of(rows[i]); key != p.Key || null != p.Null {
			return p
		}
		p.Skip++
	}
	if before != nil && before.Key == p.Key && before.Null == p.Null {
		p.Skip += before.Skip
	}
	return p
}

// shown writes the first values of rows as the grant shows them.
func (g Grant) shown(cols []Column, rows [][]any) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		out[i] = make([]any, len(cols))
		for j, c := range cols {
			out[i][j] = g.value(c, row[j])
		}
	}
	return out
}

func (g Grant) value(c Column, v any) any {
	if v == nil {
		return nil
	}
	if !g.Clear(c) {
		return c.Show(v, false)
	}
	switch v.(type) {
	case bool, int64:
		return v
	}
	return warehouse.Format(v)
}

// Answered is what a look-up of many keys gives: for each row the place of its key among those asked.
type Answered struct {
	Columns []Column
	Keys    []int
	Rows    [][]any
	Wrong   []int // keys that cannot be one
	More    bool  // more rows than may be given at once
}

// mostFound bounds the rows of a look-up of many keys.
const mostFound = 20_000

// Find gives the rows of ds whose key column holds one of keys, as a grant shows them. Rows come in the order of the keys.
func (d *Datasets) Find(ctx context.Context, ds Dataset, g Grant, column string, keys, columns []string) (Answered, error) {
	var out Answered
	if err := d.holds(ds, g); err != nil {
		return out, err
	}
	wh, err := d.over(ds)
	if err != nil {
		return out, err
	}
	key, ok := ds.Column(column)
	if !ok || !key.Key || !slices.Contains(g.Columns, column) {
		return out, errs.New(errs.Denied, "dataset.no_key", cut(column, 64))
	}
	if out.Columns, err = g.Shows(ds, columns); err != nil {
		return out, err
	}
	at, values := map[string]int{}, []any{}
	for i, k := range keys {
		v, err := key.Value(k)
		if err != nil || v == nil {
			out.Wrong = append(out.Wrong, i)
			continue
		}
		if s := warehouse.Format(v); !has(at, s) {
			at[s], values = i, append(values, v)
		}
	}
	own, err := g.scope(ds, nil)
	if err != nil || len(values) == 0 {
		return out, err
	}
	q := warehouse.Query{From: ds.Current, Where: warehouse.And(own, warehouse.In(column, values...)), Limit: mostFound + 1}
	for _, c := range out.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
	}
	q.Select = append(q.Select, warehouse.Item{Col: column, As: "lead__"})
	rows, err := all(ctx, wh, q)
	if err != nil {
		return out, err
	}
	if out.More = len(rows) > mostFound; out.More {
		rows = rows[:mostFound]
	}
	place := func(row []any) int { return at[warehouse.Format(row[len(row)-1])] }
	slices.SortFunc(rows, func(a, b []any) int {
		if n := place(a) - place(b); n != 0 {
			return n
		}
		return slices.CompareFunc(a, b, byText)
	})
	for _, row := range rows {
		out.Keys = append(out.Keys, place(row))
	}
	out.Rows = g.shown(out.Columns, rows)
	return out, nil
}

func has(m map[string]int, k string) bool { _, ok := m[k]; return ok }

// Each runs through every row of ds a grant shows, for a delivery; values as in an Answer. What yield returns ends it.
func (d *Datasets) Each(ctx context.Context, ds Dataset, g Grant, yield func(row []any) error) ([]Column, error) {
	if err := d.holds(ds, g); err != nil {
		return nil, err
	}
	wh, err := d.over(ds)
	if err != nil {
		return nil, err
	}
	cols, err := g.Shows(ds, nil)
	if err != nil {
		return nil, err
	}
	q := warehouse.Query{From: ds.Current}
	if q.Where, err = g.scope(ds, nil); err != nil {
		return nil, err
	}
	for _, c := range cols {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
	}
	res, err := wh.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	for row, err := range res.Rows {
		if err != nil {
			return cols, err
		}
		if err := yield(g.shown(cols, [][]any{row})[0]); err != nil {
			return cols, err
		}
	}
	return cols, nil
}
