package sealed

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// find gives versions to a plan.
func (s *Store) find(ctx context.Context) func(id string) (warehouse.Version, bool) {
	return func(id string) (warehouse.Version, bool) {
		v, err := s.Store.Version(ctx, id)
		return v, err == nil
	}
}

// keeps reports whether one of versions has a column that is not plain. A version that is not there is the engine's to tell.
func (s *Store) keeps(ctx context.Context, ids ...string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		v, err := s.Store.Version(ctx, id)
		return err == nil && slices.ContainsFunc(v.Columns, func(c warehouse.Column) bool { return c.Keep != warehouse.Plain })
	})
}

func columnOf(p *warehouse.Plan, f warehouse.Field) warehouse.Column {
	return p.Sources[f.Source].Version.Columns[f.Column]
}

// Query implements warehouse.Store. Of columns that are kept otherwise than plain it can be asked what they are equal to, how
// many there are, and their values.
func (s *Store) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	ids := []string{q.From}
	for _, j := range q.Join {
		ids = append(ids, j.Version)
	}
	if !s.keeps(ctx, ids...) {
		return s.Store.Query(ctx, q)
	}
	p, err := warehouse.NewPlan(q, s.find(ctx))
	if err != nil {
		return nil, err
	}
	for _, src := range p.Sources {
		for _, on := range src.On {
			if err := canCompare(columnOf(p, on[0]), columnOf(p, on[1])); err != nil {
				return nil, err
			}
		}
	}
	if q.Where, err = s.where(p, q.Where); err != nil {
		return nil, err
	}
	cols := make([]warehouse.Column, len(p.Out))
	for i, o := range p.Out {
		if o.Rows || o.Agg == warehouse.Count || o.Agg == warehouse.CountDistinct {
			continue
		}
		if cols[i] = columnOf(p, o.Field); o.Agg != "" && cols[i].Keep != warehouse.Plain {
			return nil, errs.New(errs.Invalid, "warehouse.sealed_op", cols[i].Called())
		}
	}
	res, err := s.Store.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(cols, func(c warehouse.Column) bool { return c.Keep == warehouse.Sealed }) {
		return res, nil
	}
	return &warehouse.Result{Columns: res.Columns, Rows: func(yield func([]any, error) bool) {
		open, err := s.opening(cols) // one for each run: they are for one goroutine
		if err != nil {
			yield(nil, err)
			return
		}
		for row, err := range res.Rows {
			if err == nil {
				err = open.row(row)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}}, nil
}

// canCompare says why two columns cannot be joined.
func canCompare(a, b warehouse.Column) error {
	switch {
	case a.Comparable(b):
		return nil
	case a.Keep == b.Keep && a.Realm == b.Realm:
		return errs.New(errs.Invalid, "warehouse.sealed_keys", a.Called(), b.Called())
	}
	return errs.New(errs.Invalid, "warehouse.sealed_join", a.Called(), b.Called())
}

// where is a condition as the engine can answer it; p is the plan it is part of.
func (s *Store) where(p *warehouse.Plan, c warehouse.Cond) (warehouse.Cond, error) {
	if c.Op == "" && c.Col == "" && c.Kids == nil {
		return c, nil
	}
	return s.cond(p, c, p.Where)
}

func (s *Store) cond(p *warehouse.Plan, c warehouse.Cond, t warehouse.Test) (warehouse.Cond, error) {
	switch c.Op {
	case warehouse.OpAnd, warehouse.OpOr, warehouse.OpNot:
		kids := make([]warehouse.Cond, len(c.Kids))
		for i := range c.Kids {
			var err error
			if kids[i], err = s.cond(p, c.Kids[i], t.Kids[i]); err != nil {
				return c, err
			}
		}
		c.Kids = kids
		return c, nil
	}
	col := columnOf(p, t.Field)
	if col.Keep == warehouse.Plain || c.Op == warehouse.OpIsNull {
		return c, nil
	}
	switch c.Op {
	case warehouse.OpEq, warehouse.OpNe, warehouse.OpIn, warehouse.OpFrom:
	default:
		return c, errs.New(errs.Invalid, "warehouse.sealed_op", col.Called())
	}
	var err error
	c.Values, err = s.all(col, t.Values)
	return c, err
}

// many is from how many values on all processors seal.
const many = 10_000

// all seals a list of values.
func (s *Store) all(col warehouse.Column, values []any) ([]any, error) {
	parts := 1
	if len(values) >= many {
		parts = runtime.GOMAXPROCS(0)
	}
	out := make([]any, len(values))
	var wg sync.WaitGroup
	for i := range parts {
		c, err := s.column(col)
		if err != nil {
			wg.Wait()
			return nil, err
		}
		wg.Go(func() {
			for j := i * len(values) / parts; j < (i+1)*len(values)/parts; j++ {
				out[j] = c.seal(values[j])
			}
		})
	}
	wg.Wait()
	return out, nil
}

// Match implements warehouse.Store.
func (s *Store) Match(ctx context.Context, m warehouse.Matching) (iter.Seq2[warehouse.Match, error], error) {
	if !s.keeps(ctx, m.From) {
		return s.Store.Match(ctx, m)
	}
	p, key, keys, err := warehouse.PlanMatch(m, s.find(ctx))
	if err != nil {
		return nil, err
	}
	if col := columnOf(p, key); col.Keep != warehouse.Plain {
		if m.Keys, err = s.all(col, keys); err != nil {
			return nil, err
		}
	}
	if m.Where, err = s.where(p, m.Where); err != nil {
		return nil, err
	}
	cols := make([]warehouse.Column, len(p.Out)-1)
	for i, o := range p.Out[1:] {
		cols[i] = columnOf(p, o.Field)
	}
	rows, err := s.Store.Match(ctx, m)
	if err != nil {
		return nil, err
	}
	return func(yield func(warehouse.Match, error) bool) {
		open, err := s.opening(cols)
		if err != nil {
			yield(warehouse.Match{}, err)
			return
		}
		texts := make([]string, len(cols))
		for r, err := range rows {
			if err == nil && open != nil {
				copy(texts, r.Texts)
				for i, c := range open {
					if c == nil {
						continue
					}
					if texts[i], err = c.open(texts[i]); err != nil {
						break
					}
				}
				r.Texts = texts
			}
			if err != nil {
				yield(warehouse.Match{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}, nil
}
