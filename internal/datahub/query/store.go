package query

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const runColumns = `id, origin, saved, state, sealed, digest, sources, personal, purpose, row_count, millis, fault, person, person_name, unit_id, at`

func scanRun(r *Run) []any {
	return []any{&r.ID, &r.Origin, &r.Saved, &r.State, &r.sealed, &r.Digest, store.Into[[]Source]{&r.Sources}, &r.Personal, &r.Purpose, &r.Rows, &r.Millis,
		store.Into[Reason]{&r.Fault}, &r.Person, &r.PersonName, &r.Unit, &r.At}
}

// begin takes the person's one slot; Busy while another of his questions runs.
func begin(ctx context.Context, tx *store.Tx, r *Run, dead store.Time) error {
	if err := store.Exec(ctx, tx, `UPDATE query_run SET state = 'failed', fault = $1 WHERE person = $2 AND state = 'running' AND at < $3`,
		store.JSON[Reason]{V: Reason{Key: "query.broken"}}, r.Person, dead); err != nil {
		return err
	}
	err := store.Exec(ctx, tx, `INSERT INTO query_run (`+runColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		r.ID, r.Origin, r.Saved, string(r.State), r.sealed, r.Digest, store.JSON[[]Source]{V: r.Sources}, r.Personal, r.Purpose, r.Rows, r.Millis,
		store.JSON[Reason]{V: r.Fault}, r.Person, r.PersonName, r.Unit, r.At)
	if store.IsDuplicate(err) {
		return errs.New(errs.Busy, "query.slot")
	}
	return err
}

// end writes how a run came out.
func end(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `UPDATE query_run SET state = $1, row_count = $2, millis = $3, fault = $4 WHERE id = $5`,
		string(r.State), r.Rows, r.Millis, store.JSON[Reason]{V: r.Fault}, r.ID)
}

func findRun(ctx context.Context, q store.Queryer, id, person string) (Run, error) {
	r, err := store.One(ctx, q, scanRun, `SELECT `+runColumns+` FROM query_run WHERE id = $1 AND person = $2`, id, person)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "query.no_run")
	}
	return r, err
}

func listRuns(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Run], error) {
	return store.List(ctx, q, store.Query[Run]{Select: `SELECT ` + runColumns + ` FROM query_run`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanRun, Cursor: func(r *Run) []any { return []any{r.At, r.ID} }})
}
