package query

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const savedColumns = `s.id, s.name, s.summary, s.number, s.owner, s.owner_name, s.unit_id, s.street, s.at, s.version`

func scanSaved(s *Saved) []any {
	return []any{&s.ID, &s.Name, &s.Summary, &s.Number, &s.Owner, &s.OwnerName, &s.Unit, &s.Street, &s.At, &s.Version}
}

func findSaved(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Saved, error) {
	where := store.And(store.C("s.id = $1", id), scope)
	s, err := store.One(ctx, q, scanSaved, `SELECT `+savedColumns+` FROM query_saved s WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "query.no_saved")
	}
	return s, err
}

func listSaved(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Saved], error) {
	return store.List(ctx, q, store.Query[Saved]{Select: `SELECT ` + savedColumns + ` FROM query_saved s`, Scope: scope, Where: where,
		Keys: []string{"s.at", "s.id"}, Desc: true, Page: page, Scan: scanSaved, Cursor: func(s *Saved) []any { return []any{s.At, s.ID} }})
}

func insertSaved(ctx context.Context, tx *store.Tx, s Saved) error {
	return store.Exec(ctx, tx, `INSERT INTO query_saved (id, name, summary, number, owner, owner_name, unit_id, street, at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.ID, s.Name, s.Summary, s.Number, s.Owner, s.OwnerName, s.Unit, s.Street, s.At, s.Version)
}

// saveSaved replaces the version before s's; Conflict when that is not the present one.
func saveSaved(ctx context.Context, tx *store.Tx, s Saved) error {
	return store.ExecOne(ctx, tx, `UPDATE query_saved SET name = $1, summary = $2, number = $3, at = $4, version = $5 WHERE id = $6 AND version = $7`,
		s.Name, s.Summary, s.Number, s.At, s.Version, s.ID, s.Version-1)
}

const editionColumns = `saved_id, number, engine, plan, person, person_name, at`

func scanEdition(e *Edition) []any {
	return []any{&e.Saved, &e.Number, &e.Engine, store.Into[Plan]{&e.Plan}, &e.Person, &e.PersonName, &e.At}
}

func insertEdition(ctx context.Context, tx *store.Tx, e Edition) error {
	return store.Exec(ctx, tx, `INSERT INTO query_saved_version (`+editionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.Saved, e.Number, e.Engine, store.JSON[Plan]{V: e.Plan}, e.Person, e.PersonName, e.At)
}

// editions returns the newest states of a saved question, newest first.
func editions(ctx context.Context, q store.Queryer, saved string) ([]Edition, error) {
	return store.All(ctx, q, scanEdition, `SELECT `+editionColumns+` FROM query_saved_version WHERE saved_id = $1 ORDER BY number DESC LIMIT 50`, saved)
}

func newest(ctx context.Context, q store.Queryer, s Saved) (Edition, error) {
	return store.One(ctx, q, scanEdition, `SELECT `+editionColumns+` FROM query_saved_version WHERE saved_id = $1 AND number = $2`, s.ID, s.Number)
}

func shares(ctx context.Context, q store.Queryer, saved string) ([]Share, error) {
	out, err := store.All(ctx, q, func(s *Share) []any { return []any{&s.Unit, &s.Person} },
		`SELECT unit_id, person FROM query_share WHERE saved_id = $1 ORDER BY unit_id, person`, saved)
	if out == nil {
		out = []Share{}
	}
	return out, err
}

func setShares(ctx context.Context, tx *store.Tx, saved string, to []Share) error {
	if err := store.Exec(ctx, tx, `DELETE FROM query_share WHERE saved_id = $1`, saved); err != nil {
		return err
	}
	for _, s := range to {
		if err := store.Exec(ctx, tx, `INSERT INTO query_share (saved_id, unit_id, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, saved, s.Unit, s.Person); err != nil {
			return err
		}
	}
	return nil
}
