package sealed

import (
	"context"
	"errors"
	"slices"
	"time"

	"qushu/internal/base/warehouse"
)

// reader adds questions written by people.
type reader struct {
	archive
	read warehouse.Reader
}

// Read implements warehouse.Reader.
func (r reader) Read(ctx context.Context, text string) (*warehouse.Reading, error) {
	return r.read.Read(ctx, text)
}

// Bind implements warehouse.Reader.
func (r reader) Bind(rd *warehouse.Reading, tables [][]warehouse.Column, args map[string]any, seal func(c warehouse.Column, value string) (string, error)) (*warehouse.Reading, []warehouse.Column, error) {
	return r.read.Bind(rd, tables, args, seal)
}

// Ask implements warehouse.Reader.
func (r reader) Ask(ctx context.Context, rd *warehouse.Reading, faces []warehouse.Face, args map[string]any, l warehouse.Limits) (*warehouse.Answer, error) {
	b, err := r.bound(ctx, rd, faces, args)
	if err != nil {
		return nil, err
	}
	a, err := r.read.Ask(ctx, b.reading, b.faces, args, l)
	if err != nil || b.cols == nil {
		return a, err
	}
	if len(b.cols) != len(a.Columns) {
		return nil, errors.New("sealed: an answer has other columns than its statement")
	}
	open, err := r.opening(b.cols)
	if err != nil || open == nil {
		return a, err
	}
	out := &warehouse.Answer{Columns: a.Columns, More: a.More, Rows: make([][]any, len(a.Rows))} // the engine may keep its own
	for i, row := range a.Rows {
		out.Rows[i] = slices.Clone(row)
		if err := open.row(out.Rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bound is a question as the engine can answer it.
type bound struct {
	reading *warehouse.Reading
	faces   []warehouse.Face
	cols    []warehouse.Column // how the answer's columns are kept, nil when all are plain
}

func (r reader) bound(ctx context.Context, rd *warehouse.Reading, faces []warehouse.Face, args map[string]any) (bound, error) {
	b := bound{reading: rd, faces: slices.Clone(faces)}
	tables, kept := make([][]warehouse.Column, len(faces)), false
	for i, f := range faces {
		if !r.keeps(ctx, f.Version) {
			tables[i] = make([]warehouse.Column, len(f.Columns))
			for j, name := range f.Columns {
				tables[i][j].Name = name
			}
			continue
		}
		kept = true
		q := warehouse.Query{From: f.Version, Where: f.Where}
		for _, c := range f.Columns {
			q.Select = append(q.Select, warehouse.Item{Col: c})
		}
		p, err := warehouse.NewPlan(q, r.find(ctx))
		if err != nil {
			return b, err
		}
		if b.faces[i].Where, err = r.where(p, f.Where); err != nil {
			return b, err
		}
		for _, o := range p.Out {
			tables[i] = append(tables[i], columnOf(p, o.Field))
		}
	}
	if !kept || len(faces) != len(rd.Tables) {
		return b, nil
	}
	to, cols, err := r.read.Bind(rd, tables, args, r.literal)
	if err == nil && to != nil {
		b.reading, b.cols = to, cols
	}
	return b, err
}

// literal seals a value that stands in a text.
func (s *Store) literal(c warehouse.Column, value string) (string, error) {
	x, err := s.column(c)
	if err != nil {
		return "", err
	}
	text, _ := x.seal(value).(string)
	return text, nil
}

// maker adds versions made of answers.
type maker struct {
	reader
	make warehouse.Maker
}

// Shape implements warehouse.Maker. The columns it returns say how they will be kept.
func (m maker) Shape(ctx context.Context, r *warehouse.Reading, tables [][]warehouse.Column, now time.Time) ([]warehouse.Column, error) {
	to, cols, err := m.read.Bind(r, tables, nil, m.literal)
	if err != nil {
		return nil, err
	}
	if to == nil {
		to = r
	}
	out, err := m.make.Shape(ctx, to, tables, now)
	if err == nil && len(cols) == len(out) {
		for i, c := range cols {
			out[i].Keep, out[i].Realm, out[i].Under = c.Keep, c.Realm, c.Under
		}
	}
	return out, err
}

// Trace implements warehouse.Maker.
func (m maker) Trace(r *warehouse.Reading, tables [][]string) (*warehouse.Trace, error) {
	return m.make.Trace(r, tables)
}

// Make implements warehouse.Maker. No row passes through the program, so a column of the result is kept as what it is made
// of, whatever spec says.
func (m maker) Make(ctx context.Context, spec warehouse.Spec, r *warehouse.Reading, faces []warehouse.Face, l warehouse.Limits) (warehouse.Loaded, error) {
	b, err := m.bound(ctx, r, faces, nil)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	if b.cols != nil && len(b.cols) != len(spec.Columns) {
		return warehouse.Loaded{}, errors.New("sealed: an answer has other columns than its statement")
	}
	spec.Columns = slices.Clone(spec.Columns)
	for i := range spec.Columns {
		var c warehouse.Column
		if b.cols != nil {
			c = b.cols[i]
		}
		spec.Columns[i].Keep, spec.Columns[i].Realm, spec.Columns[i].Under = c.Keep, c.Realm, c.Under
	}
	return m.make.Make(ctx, spec, b.reading, b.faces, l)
}
