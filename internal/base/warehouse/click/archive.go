package click

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/internal/snapshot"
)

// Snapshot implements warehouse.Archive. The files are those of the embedded engine: a district moves from one to the
// other by backup and restore.
func (s *Store) Snapshot(ctx context.Context, dir string, ids []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("click: %w", err)
	}
	for _, of := range ids {
		v, err := s.Version(ctx, of)
		if err != nil {
			return err
		}
		if snapshot.Written(dir, of) {
			continue // by an earlier snapshot, and versions never change
		}
		if err := s.export(ctx, dir, v); err != nil {
			return s.failed(ctx, err)
		}
	}
	return nil
}

// export writes the rows of v in the order of its table.
func (s *Store) export(ctx context.Context, dir string, v warehouse.Version) error {
	err := snapshot.Replace(snapshot.Rows(dir, v.ID), func(w io.Writer) error { return s.dump(ctx, w, v) })
	if err != nil {
		return err
	}
	sum, err := snapshot.Sum(ctx, io.Discard, snapshot.Rows(dir, v.ID))
	if err != nil {
		return err
	}
	return snapshot.Seal(dir, v, sum)
}

func (s *Store) dump(ctx context.Context, w io.Writer, v warehouse.Version) error {
	names, order := snapshot.Columns(v.Columns), "_n"
	if names[0] == "_k" {
		order = "_k, _n"
	}
	out := newRowWriter(w, v.Columns)
	cells := make([]cell, len(v.Columns))
	var key int64
	var into []any
	if names[0] == "_k" {
		into = append(into, &key)
	}
	for i, c := range v.Columns {
		cells[i].out = warehouse.Out{Type: c.Type}
		into = append(into, cells[i].into())
	}
	values := make([]any, len(cells))
	err := s.each(ctx, "SELECT "+list(names)+" FROM "+table(v.ID)+" ORDER BY "+order, nil, into, func() error {
		for i := range cells {
			var err error
			if values[i], err = cells[i].value(); err != nil {
				return err
			}
		}
		return out.write(key, values)
	})
	return errors.Join(err, out.close())
}

// Restore implements warehouse.Archive.
func (s *Store) Restore(ctx context.Context, dir string) ([]warehouse.Version, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("click: %w", err)
	}
	var out []warehouse.Version
	for _, f := range files {
		of, is := strings.CutSuffix(f.Name(), ".json")
		if !is {
			continue
		}
		find, err := s.finder(ctx)
		if err != nil {
			return out, err
		}
		if _, held := find(of); held {
			continue
		}
		v, err := s.restore(ctx, dir, of)
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Store) restore(ctx context.Context, dir, of string) (warehouse.Version, error) {
	m, err := snapshot.Read(dir, of)
	if err != nil {
		return m.Version, err
	}
	v, name := m.Version, snapshot.Rows(dir, of)
	sum, err := snapshot.Sum(ctx, io.Discard, name)
	switch {
	case ctx.Err() != nil:
		return v, ctx.Err()
	case errors.Is(err, fs.ErrNotExist), err == nil && sum != m.SHA256:
		return v, errs.Wrap(err, errs.Invalid, "warehouse.bad_snapshot", name)
	case err != nil:
		return v, fmt.Errorf("click: %w", err)
	}
	return v, s.build(ctx, of, func() error {
		if err := s.exec(ctx, create(table(of), v.Columns)); err != nil {
			return err
		}
		b, err := s.begin(ctx, table(of), v.Columns)
		if err != nil {
			return err
		}
		defer b.abort()
		n := int64(0)
		err = readRows(name, v.Columns, func(key int64, values []any) error {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return b.add(ctx, n, key, values) // the order of the file is that of the table
		})
		if err == nil && n != v.Rows {
			err = errs.New(errs.Invalid, "warehouse.bad_snapshot", name)
		}
		if err != nil {
			return err
		}
		if err := b.end(ctx); err != nil {
			return err
		}
		if err := s.unite(ctx, of); err != nil {
			return err
		}
		return s.register(ctx, v)
	})
}
