package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

// Sealed declares a column whose texts base/secret has sealed, so that they can be sealed anew under a new key and
// an old one can go.
type Sealed struct {
	Table, Column string
	ID            string                 // the table's primary key, TEXT
	By            string                 // the column whose value names the place, ID when empty
	Place         func(by string) string // what the text is bound to (the aad of secret.Ring.Seal)
	Index         string                 // column with the blind index of the same value, "" for none
	IndexName     string                 // the name that index is made under
	// Inside says that the column is JSON in which single texts are sealed, all at one place.
	Inside bool
}

// resealPage is how many rows are read at once; each is written in a transaction of its own with the others of its page.
const resealPage = 200

type sealedRow struct{ id, by, text, index string }

// Reseal walks the column and seals again what an older key sealed. Rows that change meanwhile are left to their
// writer, who uses the new key. It may be broken off at any moment and run again: what is done is skipped. told hears
// of every page: rows looked at, rows sealed anew.
func (s Sealed) Reseal(ctx context.Context, db *store.DB, ring *secret.Ring, told func(seen, changed int)) error {
	after, seen, changed := "", 0, 0
	for {
		rows, err := s.page(ctx, db, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		n, err := s.resealPage(ctx, db, ring, rows)
		if err != nil {
			return err
		}
		after, seen, changed = rows[len(rows)-1].id, seen+len(rows), changed+n
		told(seen, changed)
	}
}

func (s Sealed) page(ctx context.Context, q store.Queryer, after string) ([]sealedRow, error) {
	by, index := s.By, s.Index
	if by == "" {
		by = s.ID
	}
	if index == "" {
		index = "''"
	}
	return store.All(ctx, q, func(r *sealedRow) []any { return []any{&r.id, &r.by, &r.text, &r.index} },
		"SELECT "+s.ID+", "+by+", "+s.text()+", "+index+" FROM "+s.Table+" WHERE "+s.ID+" > $1 AND "+s.text()+" <> '' ORDER BY "+s.ID+" LIMIT "+strconv.Itoa(resealPage), after)
}

// text is the column as text.
func (s Sealed) text() string {
	if s.Inside {
		return "CAST(" + s.Column + " AS TEXT)"
	}
	return s.Column
}

func (s Sealed) resealPage(ctx context.Context, db *store.DB, ring *secret.Ring, rows []sealedRow) (n int, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n = 0
		for _, r := range rows {
			fresh, err := s.fresh(ring, r)
			if err != nil {
				return err
			}
			if fresh.text == r.text && fresh.index == r.index {
				continue
			}
			if err := s.write(ctx, tx, r, fresh); errs.Is(err, errs.Conflict) {
				continue // somebody changed the row since it was read
			} else if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// fresh is the row under the current keys.
func (s Sealed) fresh(ring *secret.Ring, r sealedRow) (sealedRow, error) {
	if s.Inside {
		return s.freshInside(ring, r)
	}
	if !ring.NeedsReseal(r.text) && s.Index == "" {
		return r, nil
	}
	place := s.Place(r.by)
	plain, err := ring.Unseal(place, r.text)
	if err != nil {
		return r, err
	}
	if ring.NeedsReseal(r.text) {
		r.text = ring.Seal(place, plain)
	}
	if s.Index != "" {
		r.index = ring.Index(s.IndexName, string(plain))
	}
	return r, nil
}

// freshInside seals the texts within a JSON value anew.
func (s Sealed) freshInside(ring *secret.Ring, r sealedRow) (sealedRow, error) {
	d := json.NewDecoder(strings.NewReader(r.text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return r, fmt.Errorf("%s.%s of %s is not JSON: %w", s.Table, s.Column, r.id, err)
	}
	changed := false
	var walk func(v any) (any, error)
	walk = func(v any) (any, error) {
		var err error
		switch v := v.(type) {
		case string:
			if !ring.NeedsReseal(v) {
				return v, nil
			}
			plain, err := ring.Unseal(s.Place(r.by), v)
			if e, ok := errors.AsType[*errs.Error](err); ok && e.Key == "secret.key_unknown" {
				return v, nil // somebody typed it: no key of this ring sealed it, and nothing could open it
			}
			if err != nil {
				return nil, err
			}
			changed = true
			return ring.Seal(s.Place(r.by), plain), nil
		case []any:
			for i := range v {
				if v[i], err = walk(v[i]); err != nil {
					return nil, err
				}
			}
		case map[string]any:
			for k := range v {
				if v[k], err = walk(v[k]); err != nil {
					return nil, err
				}
			}
		}
		return v, nil
	}
	doc, err := walk(doc)
	if err != nil || !changed {
		return r, err
	}
	b, err := json.Marshal(doc)
	r.text = string(b)
	return r, err
}

func (s Sealed) write(ctx context.Context, tx *store.Tx, old, fresh sealedRow) error {
	if s.Inside {
		return store.ExecOne(ctx, tx, "UPDATE "+s.Table+" SET "+s.Column+" = $1 WHERE "+s.ID+" = $2 AND "+s.text()+" = $3", store.JSON[json.RawMessage]{V: json.RawMessage(fresh.text)}, old.id, old.text)
	}
	if s.Index == "" {
		return store.ExecOne(ctx, tx, "UPDATE "+s.Table+" SET "+s.Column+" = $1 WHERE "+s.ID+" = $2 AND "+s.Column+" = $3", fresh.text, old.id, old.text)
	}
	return store.ExecOne(ctx, tx, "UPDATE "+s.Table+" SET "+s.Column+" = $1, "+s.Index+" = $2 WHERE "+s.ID+" = $3 AND "+s.Column+" = $4", fresh.text, fresh.index, old.id, old.text)
}

// Under counts the rows whose text a key has sealed.
func (s Sealed) Under(ctx context.Context, q store.Queryer, key string) (int, error) {
	from, to := secret.SealedBy(key)
	if s.Inside {
		return store.Value[int](ctx, q, "SELECT count(*) FROM "+s.Table+" WHERE "+s.text()+" LIKE $1 ESCAPE '!'", "%"+from+"%")
	}
	return store.Value[int](ctx, q, "SELECT count(*) FROM "+s.Table+" WHERE "+s.Column+" >= $1 AND "+s.Column+" < $2", from, to)
}
