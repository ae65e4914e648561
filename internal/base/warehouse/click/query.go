package click

import (
	"context"
	"errors"
	"math"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Query implements warehouse.Store. The driver reads the answer block by block, so its memory is bounded; what is
// sorted, joined or grouped stays with the server, which goes on on its disk where it can.
func (s *Store) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	ids := []string{q.From}
	for _, j := range q.Join {
		ids = append(ids, j.Version)
	}
	find, err := s.finder(ctx, ids...)
	if err != nil {
		return nil, err
	}
	p, err := warehouse.NewPlan(q, find)
	if err != nil {
		return nil, err
	}
	return &warehouse.Result{Columns: p.Columns(), Rows: func(yield func([]any, error) bool) {
		err := s.run(ctx, p, yield)
		s.read(ctx)
		switch {
		case err == nil || errors.Is(err, errStop):
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
		default:
			yield(nil, s.vanished(ctx, p, err))
		}
	}}, nil
}

// errStop ends a run whose reader has seen enough.
var errStop = errors.New("click: enough")

func (s *Store) run(ctx context.Context, p *warehouse.Plan, yield func([]any, error) bool) error {
	if err := s.stands(ctx, p); err != nil {
		return err
	}
	w := write(p)
	if w.err != nil {
		return w.err
	}
	cells := make([]cell, len(p.Out))
	checks := make([]*float64, w.checks)
	into := make([]any, 0, len(p.Out)+w.checks)
	for i, o := range p.Out {
		cells[i].out = o
		into = append(into, cells[i].into())
	}
	for i := range checks {
		into = append(into, &checks[i])
	}
	return s.each(ctx, w.text.String(), w.lists, into, func() error {
		for _, f := range checks {
			if f != nil && math.Abs(*f) >= 1.5e38 { // 128 bits go round at 1.7e38; what is below and too long for the type is seen exactly
				return errs.New(errs.Invalid, "warehouse.overflow")
			}
		}
		row := make([]any, len(cells))
		for i := range cells {
			var err error
			if row[i], err = cells[i].value(); err != nil {
				return err
			}
		}
		if !yield(row, nil) {
			return errStop
		}
		return nil
	})
}

// stands checks that every version of the plan is still one: its table may outlive it while others read.
func (s *Store) stands(ctx context.Context, p *warehouse.Plan) error {
	find, err := s.finder(ctx)
	if err != nil {
		return err
	}
	for _, src := range p.Sources {
		if _, ok := find(src.Version.ID); !ok {
			return errs.New(errs.Missing, "warehouse.no_version", src.Version.ID)
		}
	}
	return nil
}
