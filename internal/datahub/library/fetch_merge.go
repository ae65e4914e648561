package library

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/datahub/library/internal/merge"
	"qushu/internal/kernel/dataset"
)

// add sums up a row of a full run, in whatever order they come.
func (f *fetched) add(values []any) {
	f.buf = f.buf[:0]
	for _, v := range values {
		if v == nil {
			f.buf = append(f.buf, 0)
			continue
		}
		s := warehouse.Format(v)
		f.buf = binary.AppendUvarint(append(f.buf, 1), uint64(len(s)))
		f.buf = append(f.buf, s...)
	}
	h := sha256.Sum256(f.buf)
	f.print[0] += binary.LittleEndian.Uint64(h[:8])
	f.print[1] += binary.LittleEndian.Uint64(h[8:16])
	f.n++
}

// same reports whether a full run came to what serves already.
func (f *fetched) same(refused int64) bool {
	f.mark.Print = fmt.Sprintf("%x-%x-%d-%d", f.print[0], f.print[1], f.n, refused)
	was := f.feed.Mark
	return f.ds != nil && was.Print == f.mark.Print && was.Version == f.ds.Current && refused == 0
}

// merge makes the next version of the one that serves and the rows that came.
func (r *run) merge(ctx context.Context) (warehouse.Loaded, error) {
	f := r.feed
	cols, err := r.goesOn(ctx)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	delta := merge.New(warehouse.KeyColumns(cols))
	for row, err := range r.changed(ctx, true) {
		if err == nil {
			err = delta.Put(row.Line, row.Values, row.gone)
		}
		if err != nil {
			return warehouse.Loaded{}, err
		}
	}
	old, err := r.serving(ctx, cols)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	counts, err := delta.Against(old)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	r.load.Outcome.Counts = counts
	if counts.None() && f.ds != nil {
		return warehouse.Loaded{}, errSame
	}
	r.rows.Store(0)
	rows := delta.Merged(old, func(yield func(merge.Row, error) bool) {
		for row, err := range r.changed(ctx, false) {
			if !yield(row.Row, err) {
				return
			}
		}
	})
	counted := func(yield func(warehouse.Row, error) bool) {
		for row, err := range rows {
			r.rows.Add(1)
			if !yield(row, err) {
				return
			}
		}
	}
	return r.wh.Load(ctx, warehouse.Spec{Table: "library." + r.load.Plan.Name, Columns: cols, OnDuplicate: warehouse.Reject}, counted)
}

// goesOn are the columns of what is merged with the version that serves. What was hashed cannot be hashed anew, so it stays
// under its key; and rows cannot be told apart by what nobody can read.
func (r *run) goesOn(ctx context.Context) ([]warehouse.Column, error) {
	cols := dataset.Physical(intake.Kept(r.load.Plan.Columns))
	if r.feed.ds == nil {
		return cols, nil
	}
	was, err := r.wh.Version(ctx, r.feed.ds.Current)
	if err != nil {
		return nil, err
	}
	for i, c := range cols {
		if c.Keep == warehouse.Hashed && c.Key {
			return nil, errs.New(errs.Invalid, "library.hashed_key", c.Called())
		}
		for _, o := range was.Columns {
			if o.Name == c.Name && o.Keep == warehouse.Hashed { // and so it stays, whatever was decided
				cols[i].Keep, cols[i].Realm, cols[i].Under = o.Keep, o.Realm, o.Under
			}
		}
	}
	return cols, nil
}

// changing is one row of a change.
type changing struct {
	merge.Row
	gone bool
}

// changed yields the changes that can be loaded; the first time the others are kept for the list.
func (r *run) changed(ctx context.Context, first bool) iter.Seq2[changing, error] {
	return func(yield func(changing, error) bool) {
		deletes := r.feed.feed.Way.Mode.Deletes
		n := 0
		for row, err := range r.in.Rows() {
			if n++; err == nil && n%1024 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				yield(changing{}, err)
				return
			}
			gone := r.feed.op >= 0 && isDelete(row.Cells[r.feed.op], deletes)
			values, why := r.conv.Row(row)
			if why != nil {
				if !first {
					continue
				}
				if r.load.Plan.OnBad == failAll {
					yield(changing{}, errs.New(errs.Invalid, "library.bad_rows", 1))
					return
				}
				if err := r.refuse(row, why); err != nil {
					yield(changing{}, err)
					return
				}
				continue
			}
			if !yield(changing{merge.Row{Line: int64(row.Number), Values: values}, gone}, nil) {
				return
			}
		}
	}
}

// serving yields the rows that serve, in the columns of the new version; new columns are empty.
func (r *run) serving(ctx context.Context, cols []warehouse.Column) (iter.Seq2[[]any, error], error) {
	ds := r.feed.ds
	if ds == nil {
		return func(func([]any, error) bool) {}, nil
	}
	q := warehouse.Query{From: ds.Current}
	kept := intake.Kept(r.load.Plan.Columns)
	place, turned := make([]int, len(cols)), make([]bool, len(cols))
	for i, c := range cols {
		place[i] = -1
		if was, ok := ds.Column(c.Name); ok {
			place[i], turned[i] = len(q.Select), was.Type != c.Type
			q.Select = append(q.Select, warehouse.Item{Col: c.Name})
		}
	}
	res, err := r.wh.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return func(yield func([]any, error) bool) {
		out := make([]any, len(cols))
		for row, err := range res.Rows {
			if err != nil {
				yield(nil, err)
				return
			}
			for i, p := range place {
				if out[i] = nil; p >= 0 {
					out[i] = row[p]
				}
				if turned[i] && out[i] != nil { // its type has changed since
					if out[i], err = kept[i].Value(warehouse.Format(out[i])); err != nil {
						yield(nil, err)
						return
					}
				}
			}
			if !yield(out, nil) {
				return
			}
		}
	}, nil
}

// isDelete reports whether a change says that its row is gone.
func isDelete(said string, deletes []string) bool {
	said = strings.TrimSpace(said)
	return slices.ContainsFunc(deletes, func(d string) bool { return strings.EqualFold(d, said) })
}
