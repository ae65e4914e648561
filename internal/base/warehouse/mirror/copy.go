package mirror

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// take returns a copy that holds columns of a version, which may still be under way, and begins one where there is none.
func (s *Store) take(v warehouse.Version, columns []string) (*held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errs.New(errs.Busy, "warehouse.closed")
	}
	if v.Rows > s.options.Rows {
		return nil, errs.New(errs.Invalid, "warehouse.copy_rows", v.Rows, s.options.Rows)
	}
	s.clock++
	for _, h := range s.copies {
		if h.of.ID == v.ID && !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(h.columns, c) }) {
			h.used, h.users = s.clock, h.users+1
			return h, nil
		}
	}
	h := &held{of: v, columns: columns, ready: make(chan struct{}), used: s.clock, users: 1}
	s.copies = append(s.copies, h)
	s.work.Go(func() { s.copy(h) })
	return h, nil
}

// copy makes a copy. One that failed is forgotten, so that the next question tries again.
func (s *Store) copy(h *held) {
	local, err := s.fetch(h)
	s.mu.Lock()
	h.local, h.err = local, err
	if err != nil {
		s.copies = slices.DeleteFunc(s.copies, func(o *held) bool { return o == h })
	}
	s.mu.Unlock()
	close(h.ready)
	if err == nil {
		s.prune(s.ctx)
	}
}

func (s *Store) fetch(h *held) (warehouse.Version, error) {
	spec := warehouse.Spec{Table: h.of.Table}
	q := warehouse.Query{From: h.of.ID}
	for _, c := range h.of.Columns {
		if slices.Contains(h.columns, c.Name) {
			c.Key = false // a copy is read whole or by condition, never by key
			spec.Columns = append(spec.Columns, c)
			q.Select = append(q.Select, warehouse.Item{Col: c.Name})
		}
	}
	res, err := s.Query(s.ctx, q)
	if err != nil {
		return warehouse.Version{}, err
	}
	l, err := s.local.Load(s.ctx, spec, func(yield func(warehouse.Row, error) bool) {
		for row, err := range res.Rows {
			h.done.Add(1)
			if !yield(warehouse.Row{Values: row}, err) {
				return
			}
		}
	})
	return l.Version, err
}

// prune drops copies of versions that are gone and, while there are too many, those nobody has asked for longest. A copy in use
// stays until it is not.
func (s *Store) prune(ctx context.Context) {
	all, err := s.Versions(ctx)
	if err != nil {
		return // the next one tries again
	}
	stand := map[string]bool{}
	for _, v := range all {
		stand[v.ID] = true
	}
	for _, h := range s.spare(stand) {
		_ = s.local.Drop(context.WithoutCancel(ctx), h.local.ID) // failing, it goes at the next start
	}
}

// spare takes copies that are to go off the list.
func (s *Store) spare(stand map[string]bool) (out []*held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum int64
	for _, h := range s.copies {
		sum += h.local.Bytes
	}
	slices.SortFunc(s.copies, func(a, b *held) int { return int(a.used - b.used) })
	s.copies = slices.DeleteFunc(s.copies, func(h *held) bool {
		if h.users > 0 || h.local.ID == "" || stand[h.of.ID] && sum <= s.options.Bytes {
			return false
		}
		sum -= h.local.Bytes
		out = append(out, h)
		return true
	})
	return out
}
