package lookup

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

const lookColumns = `id, dataset, title, store, owner_unit, owner_street, key_column, key_index, sealed, purpose, basis, person, person_name, unit_id, home_id, at, hits, revealed,
	batch, asked, clear, root, index_name, matter, marks`

func scanLook(l *Look) []any {
	return []any{&l.ID, &l.Dataset, &l.Title, &l.Store, &l.OwnerUnit, &l.OwnerStreet, &l.Column, &l.Index, &l.sealed, &l.Purpose, &l.Basis, &l.Person, &l.PersonName, &l.Unit, &l.Home,
		&l.At, &l.Hits, &l.Revealed, &l.Batch, &l.Asked, &l.Clear, &l.Root, &l.IndexName, &l.Matter, words{&l.Marks}}
}

// words reads words between spaces.
type words struct{ to *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(v any) error {
	s, _ := v.(string)
	*w.to = append([]string{}, strings.Fields(s)...)
	return nil
}

func insertLook(ctx context.Context, tx *store.Tx, l Look) error {
	return store.Exec(ctx, tx, `INSERT INTO lookup_look (`+lookColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
		$19, $20, $21, $22, $23, $24, $25)`,
		l.ID, l.Dataset, l.Title, l.Store, l.OwnerUnit, l.OwnerStreet, l.Column, l.Index, l.sealed, l.Purpose, l.Basis, l.Person, l.PersonName, l.Unit, l.Home, l.At, l.Hits, l.Revealed,
		l.Batch, l.Asked, l.Clear, l.Root, l.IndexName, l.Matter, strings.Join(l.Marks, " "))
}

// findLook returns a person's own look; Missing otherwise.
func findLook(ctx context.Context, q store.Queryer, id, person string) (Look, error) {
	l, err := store.One(ctx, q, scanLook, `SELECT `+lookColumns+` FROM lookup_look WHERE id = $1 AND person = $2`, id, person)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "lookup.missing")
	}
	return l, err
}

// since returns how many looks a person has made since a time, and when the first of them was.
func since(ctx context.Context, q store.Queryer, person string, from time.Time) (n int, first store.Time, err error) {
	type row struct {
		n  int
		at store.Time
	}
	r, err := store.One(ctx, q, func(r *row) []any { return []any{&r.n, &r.at} },
		`SELECT count(*), coalesce(min(at), 0) FROM lookup_look WHERE person = $1 AND at > $2 AND batch = ''`, person, store.At(from))
	return r.n, r.at, err
}

func insertReveal(ctx context.Context, tx *store.Tx, r Reveal) error {
	if err := store.Exec(ctx, tx, `INSERT INTO lookup_reveal (id, look_id, col, title, place, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.id, r.look, r.Column, r.Title, r.Row, r.Reason, r.At); err != nil {
		return err
	}
	return store.ExecOne(ctx, tx, `UPDATE lookup_look SET revealed = revealed + 1 WHERE id = $1`, r.look)
}

// revealsOf returns the reveals of looks by look.
func revealsOf(ctx context.Context, q store.Queryer, looks []Look) (map[string][]Reveal, error) {
	var ids []string
	for _, l := range looks {
		if l.Revealed > 0 {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	in := store.In("look_id", ids)
	all, err := store.All(ctx, q, func(r *Reveal) []any { return []any{&r.look, &r.Column, &r.Title, &r.Row, &r.Reason, &r.At} },
		`SELECT look_id, col, title, place, reason, at FROM lookup_reveal WHERE `+in.SQL+` ORDER BY at, id`, in.Args...)
	out := map[string][]Reveal{}
	for _, r := range all {
		out[r.look] = append(out[r.look], r)
	}
	return out, err
}

func listLooks(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Look], error) {
	return store.List(ctx, q, store.Query[Look]{Select: `SELECT ` + lookColumns + ` FROM lookup_look`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanLook, Cursor: func(l *Look) []any { return []any{l.At, l.ID} }})
}

// owned is the scope of the looks at datasets that the actor's units answer for.
func owned(ctx context.Context) store.Scope {
	return authz.WhereCols(ctx, "lookup.ledger", authz.Cols{Unit: "owner_unit", Street: "owner_street"})
}
