// Package sealed keeps personal identifiers encrypted on disk, behind any engine: it stands before a warehouse and puts
// sealed texts in the place of values on their way in, and values in the place of sealed texts on their way out. In
// between the engine holds nothing but texts it can compare for equality. See docs/adr/0017.
//
// How a column is kept is said by its Spec and stays with its version, with the id of the key; so versions under different
// keys stand beside each other, and what is looked for is sealed under the key of the version it is looked for in. Values of one
// realm under one key are sealed alike in all tables, which is why they can be joined.
package sealed

import (
	"context"
	"iter"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/warehouse"
)

// Store is a warehouse whose sealed columns are sealed.
type Store struct {
	warehouse.Store
	ring *secret.Ring
}

// New returns inner with sealed columns, under keys of ring: as an Archive, a Reader or a Maker where inner is one.
func New(inner warehouse.Store, ring *secret.Ring) warehouse.Store {
	s := &Store{inner, ring}
	arch, isArchive := inner.(warehouse.Archive)
	read, isReader := inner.(warehouse.Reader)
	mk, isMaker := inner.(warehouse.Maker)
	switch {
	case isMaker && isArchive:
		return &maker{reader{archive{s, arch}, read}, mk}
	case isReader && isArchive:
		return &reader{archive{s, arch}, read}
	case isArchive:
		return &archive{s, arch}
	}
	return s
}

// Inner returns the engine behind, which holds what is sealed as it is sealed.
func (s *Store) Inner() warehouse.Store { return s.Store }

// archive adds snapshots, which are sealed as the versions are.
type archive struct {
	*Store
	arch warehouse.Archive
}

// Snapshot implements warehouse.Archive.
func (a archive) Snapshot(ctx context.Context, dir string, ids []string) error {
	return a.arch.Snapshot(ctx, dir, ids)
}

// Restore implements warehouse.Archive.
func (a archive) Restore(ctx context.Context, dir string) ([]warehouse.Version, error) {
	return a.arch.Restore(ctx, dir)
}

// Load implements warehouse.Store. Columns that name no key are kept under the current one.
func (s *Store) Load(ctx context.Context, spec warehouse.Spec, rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
	if err := spec.Check(); err != nil {
		return warehouse.Loaded{}, err
	}
	spec.Columns = append([]warehouse.Column(nil), spec.Columns...)
	type place struct {
		at int
		*column
	}
	var kept []place
	for i := range spec.Columns {
		c := &spec.Columns[i]
		if c.Keep == warehouse.Plain {
			c.Realm, c.Under = "", ""
			continue
		}
		x, err := s.ring.Identifiers(c.Under, c.Realm)
		if err != nil {
			return warehouse.Loaded{}, err
		}
		c.Under = x.Key()
		kept = append(kept, place{i, &column{Column: *c, ring: s.ring, last: x}})
	}
	if kept == nil {
		return s.Store.Load(ctx, spec, rows)
	}
	return s.Store.Load(ctx, spec, func(yield func(warehouse.Row, error) bool) {
		var values []any
		for r, err := range rows {
			if err == nil {
				values = append(values[:0], r.Values...)
				for _, k := range kept {
					if k.at < len(values) { // too few are the engine's to refuse
						values[k.at] = k.seal(values[k.at])
					}
				}
				r.Values = values
			}
			if !yield(r, err) {
				return
			}
		}
	})
}

// column seals and opens values of one column. For one goroutine.
type column struct {
	warehouse.Column
	ring  *secret.Ring
	last  *secret.Identifiers
	known map[string]*secret.Identifiers
}

func (s *Store) column(c warehouse.Column) (*column, error) {
	x, err := s.ring.Identifiers(c.Under, c.Realm)
	return &column{Column: c, ring: s.ring, last: x}, err
}

// seal returns what stands for a value on disk. What is no text is the engine's to refuse.
func (c *column) seal(v any) any {
	text, ok := v.(string)
	if !ok || !utf8.ValidString(text) {
		return v
	}
	if c.Keep == warehouse.Hashed {
		return c.last.Hash(text)
	}
	return c.last.Seal(text)
}

// open returns the value of what stands on disk. What was hashed stays as it is. A text that does not open is stated, not
// served.
func (c *column) open(text string) (string, error) {
	if c.Keep != warehouse.Sealed || text == "" {
		return text, nil
	}
	if id := secret.SealedUnder(text); id != c.last.Key() {
		next, err := c.under(id)
		if err != nil {
			return "", errs.Wrap(err, errs.Conflict, "warehouse.sealed_broken", c.Called())
		}
		c.last = next
	}
	value, err := c.last.Open(text)
	if err != nil {
		return "", errs.Wrap(err, errs.Conflict, "warehouse.sealed_broken", c.Called())
	}
	return value, nil
}

func (c *column) under(id string) (*secret.Identifiers, error) {
	if c.known == nil {
		c.known = map[string]*secret.Identifiers{c.last.Key(): c.last}
	}
	if x, ok := c.known[id]; ok {
		return x, nil
	}
	x, err := c.ring.Identifiers(id, c.Realm)
	if err == nil {
		c.known[id] = x
	}
	return x, err
}

// opening are the columns of an answer that are to be opened, by place; nil for the others.
type opening []*column

func (s *Store) opening(cols []warehouse.Column) (opening, error) {
	out := make(opening, len(cols))
	some := false
	for i, c := range cols {
		if c.Keep != warehouse.Sealed {
			continue
		}
		var err error
		if out[i], err = s.column(c); err != nil {
			return nil, err
		}
		some = true
	}
	if !some {
		return nil, nil
	}
	return out, nil
}

// row opens the values of a row where they stand.
func (o opening) row(row []any) error {
	for i, c := range o {
		if c == nil {
			continue
		}
		if text, ok := row[i].(string); ok {
			value, err := c.open(text)
			if err != nil {
				return err
			}
			row[i] = value
		}
	}
	return nil
}
