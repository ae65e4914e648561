package room

import (
	"context"
	"strconv"

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
		"SELECT "+s.ID+", "+by+", "+s.Column+", "+index+" FROM "+s.Table+" WHERE "+s.ID+" > $1 AND "+s.Column+" <> '' ORDER BY "+s.ID+" LIMIT "+strconv.Itoa(resealPage), after)
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

func (s Sealed) write(ctx context.Context, tx *store.Tx, old, fresh sealedRow) error {
	if s.Index == "" {
		return store.ExecOne(ctx, tx, "UPDATE "+s.Table+" SET "+s.Column+" = $1 WHERE "+s.ID+" = $2 AND "+s.Column+" = $3", fresh.text, old.id, old.text)
	}
	return store.ExecOne(ctx, tx, "UPDATE "+s.Table+" SET "+s.Column+" = $1, "+s.Index+" = $2 WHERE "+s.ID+" = $3 AND "+s.Column+" = $4", fresh.text, fresh.index, old.id, old.text)
}

// Under counts the rows whose text a key has sealed.
func (s Sealed) Under(ctx context.Context, q store.Queryer, key string) (int, error) {
	from, to := secret.SealedBy(key)
	return store.Value[int](ctx, q, "SELECT count(*) FROM "+s.Table+" WHERE "+s.Column+" >= $1 AND "+s.Column+" < $2", from, to)
}
