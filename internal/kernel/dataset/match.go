package dataset

import (
	"context"
	"iter"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Matching is a list of keys that is held against a dataset.
type Matching struct {
	Key     string   // name of a key column
	Values  []any    // as Column.Value gives them for that column, each once, none nil
	Columns []string // names to be shown of what is found
	Clear   []string // of these, names to be shown in clear
}

// Found is one key of the list that a record has.
type Found struct {
	Place  int      // in Matching.Values
	Rows   int64    // how many records have it
	Values []any    // of the first of them, by Columns
	Texts  []string // the same for people, masked by right; both are good until the next Found
}

// One narrows a right to what a list is run under: ownership, or the one grant that alone shows columns and reveals
// those in clear. The longest lasting is taken. Denied when there is none.
func (r Right) One(ds Dataset, columns, clear []string) (Right, error) {
	bare := func(have []string) string {
		for _, c := range clear {
			if !slices.Contains(have, c) {
				return c
			}
		}
		return ""
	}
	if r.Owned {
		if len(clear) > 0 && !r.Bare {
			return Right{}, errs.New(errs.Denied, "dataset.clear_denied", ds.titleOf(clear[0]))
		}
		return Right{Owned: true, Bare: r.Bare}, nil
	}
	var fit []Grant
	denied := ""
	for _, g := range r.Grants {
		if !g.Covers(columns) {
			continue
		}
		if c := bare(g.Reveal); c != "" {
			denied = c
			continue
		}
		fit = append(fit, g)
	}
	if g, ok := (Right{Grants: fit}).Covering(columns); ok {
		return Right{Grants: []Grant{g}}, nil
	}
	if denied != "" {
		return Right{}, errs.New(errs.Denied, "dataset.clear_denied", ds.titleOf(denied))
	}
	for _, c := range columns {
		if !r.MaySee(c) {
			return Right{}, errs.New(errs.Denied, "dataset.column_denied", ds.Title, ds.titleOf(c))
		}
	}
	return Right{}, errs.New(errs.Denied, "dataset.no_single", ds.Title)
}

func (d Dataset) titleOf(column string) string {
	if c, ok := d.Column(column); ok {
		return c.Title
	}
	return column
}

// Match holds a list against the version of ds that serves, under a right narrowed by Right.One: only rows its grant
// reaches are found, and only columns it shows. Keys come back in the order of the list; those nobody has are left out.
// The caller leaves the record of the look.
func (d *Datasets) Match(ctx context.Context, ds Dataset, right Right, m Matching) (iter.Seq2[Found, error], error) {
	wh, err := d.store()
	if err != nil {
		return nil, err
	}
	key, ok := ds.Column(m.Key)
	if !ok || !key.Key {
		return nil, errs.New(errs.Invalid, "dataset.no_key", m.Key)
	}
	if right, err = right.One(ds, append([]string{m.Key}, m.Columns...), m.Clear); err != nil {
		return nil, err
	}
	q := warehouse.Matching{From: ds.Current, Column: m.Key, Keys: m.Values, Select: m.Columns}
	if len(right.Grants) > 0 && len(right.Grants[0].Filter) > 0 {
		if q.Where, err = right.Grants[0].Filter.Cond(ds); err != nil {
			return nil, errs.Wrap(err, errs.Denied, "dataset.filter_stale", ds.Title)
		}
	}
	cols := make([]Column, len(m.Columns))
	clear := make([]bool, len(cols))
	for i, name := range m.Columns {
		if cols[i], ok = ds.Column(name); !ok {
			return nil, errs.New(errs.Invalid, "dataset.no_column", name)
		}
		clear[i] = slices.Contains(m.Clear, name)
	}
	rows, err := wh.Match(ctx, q)
	if err != nil {
		return nil, err
	}
	return func(yield func(Found, error) bool) {
		texts := make([]string, len(cols))
		for r, err := range rows {
			if err != nil {
				yield(Found{}, err)
				return
			}
			for i, v := range r.Values {
				texts[i] = cols[i].Show(v, clear[i])
			}
			if !yield(Found{Place: r.Key, Rows: r.Rows, Values: r.Values, Texts: texts}, nil) {
				return
			}
		}
	}, nil
}
