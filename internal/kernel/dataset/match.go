package dataset

import (
	"context"
	"iter"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
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
	Place int      // in Matching.Values
	Rows  int64    // how many records have it
	Whole []string // of the first of them, by Columns, as it stands there: to compare with, not to show
	Texts []string // the same masked by right; both are good until the next Found
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
	wh, err := d.over(ds)
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
	masks := make([]*masker, len(m.Columns))
	for i, name := range m.Columns {
		c, ok := ds.Column(name)
		if !ok {
			return nil, errs.New(errs.Invalid, "dataset.no_column", name)
		}
		if c.Masked && !slices.Contains(m.Clear, name) {
			masks[i] = &masker{kind: c.Kind, known: map[string]string{}}
		}
	}
	rows, err := wh.Match(ctx, q)
	if err != nil {
		return nil, err
	}
	return func(yield func(Found, error) bool) {
		texts := make([]string, len(masks))
		for r, err := range ahead(rows, len(masks)) {
			if err != nil {
				yield(Found{}, err)
				return
			}
			for i, s := range r.Texts {
				if masks[i] != nil {
					s = masks[i].mask(s)
				}
				texts[i] = s
			}
			if !yield(Found{Place: r.Key, Rows: r.Rows, Whole: r.Texts, Texts: texts}, nil) {
				return
			}
		}
	}, nil
}

// Rows gives values of one column of the rows of ds whose key is value, each once, in order and in clear, under a right narrowed by
// Right.One for both: at most limit, more says whether there are others. The caller leaves the record of the look.
func (d *Datasets) Rows(ctx context.Context, ds Dataset, right Right, key string, value any, column string, limit int) (texts []string, more bool, err error) {
	wh, err := d.store()
	if err != nil {
		return nil, false, err
	}
	c, ok := ds.Column(column)
	if !ok {
		return nil, false, errs.New(errs.Invalid, "dataset.no_column", column)
	}
	clear := []string{}
	if c.Masked {
		clear = append(clear, column)
	}
	if right, err = right.One(ds, []string{key, column}, clear); err != nil {
		return nil, false, err
	}
	q := warehouse.Query{From: ds.Current, Where: warehouse.Eq(key, value), Select: []warehouse.Item{{Col: column}}, Group: []string{column}, Order: []warehouse.Sort{{By: column}}, Limit: int64(limit) + 1}
	if len(right.Grants) > 0 && len(right.Grants[0].Filter) > 0 {
		own, err := right.Grants[0].Filter.Cond(ds)
		if err != nil {
			return nil, false, errs.Wrap(err, errs.Denied, "dataset.filter_stale", ds.Title)
		}
		q.Where = warehouse.And(q.Where, own)
	}
	rows, err := all(ctx, wh, q)
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows[:min(len(rows), limit)] {
		if row[0] != nil {
			texts = append(texts, warehouse.Format(row[0]))
		}
	}
	return texts, len(rows) > limit, nil
}

// masker masks one column. Many values of a column are the same: a name, a birth date.
type masker struct {
	kind  codes.Kind
	known map[string]string
}

// remembered bounds what a masker remembers; a column of values that are all different gains nothing from more.
const remembered = 10_000

func (m *masker) mask(s string) string {
	if out, ok := m.known[s]; ok {
		return out
	}
	out := codes.Mask(m.kind, s)
	if len(m.known) < remembered {
		m.known[s] = out
	}
	return out
}

// block is how many matches are read ahead at once.
const block = 1024

// ahead reads rows in a goroutine of its own, so that the engine works while the reader does.
func ahead(rows iter.Seq2[warehouse.Match, error], width int) iter.Seq2[warehouse.Match, error] {
	type page struct {
		all []warehouse.Match
		err error
	}
	return func(yield func(warehouse.Match, error) bool) {
		pages, stop := make(chan page, 4), make(chan struct{})
		defer close(stop)
		go func() {
			defer close(pages)
			var p page
			var texts []string
			send := func() bool {
				select {
				case pages <- p:
					p, texts = page{}, nil
					return true
				case <-stop:
					return false
				}
			}
			for r, err := range rows {
				if err != nil {
					p.err = err
					break
				}
				if p.all == nil {
					p.all, texts = make([]warehouse.Match, 0, block), make([]string, 0, block*width)
				}
				texts = append(texts, r.Texts...)
				r.Texts = texts[len(texts)-width:]
				if p.all = append(p.all, r); len(p.all) == block && !send() {
					return
				}
			}
			send()
		}()
		for p := range pages {
			for _, r := range p.all {
				if !yield(r, nil) {
					return
				}
			}
			if p.err != nil {
				yield(warehouse.Match{}, p.err)
				return
			}
		}
	}
}
