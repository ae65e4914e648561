package library

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const loadColumns = `id, state, file, file_name, file_size, plan, finding, run, expect, rows_done, bytes_done, bytes_all, rejected, reject, fault,
	dataset, number, lang, owner, owner_name, unit_id, street, at, started_at, ended_at, feed, outcome, version`

func scanLoad(l *Load) []any {
	return []any{&l.ID, &l.State, &l.File, &l.FileName, &l.FileSize, store.Into[Plan]{&l.Plan}, store.Into[finding]{&l.Finding}, &l.Run, &l.Expect, &l.Rows, &l.Bytes, &l.BytesAll,
		&l.Rejected, &l.Reject, store.Into[Reason]{&l.Fault}, &l.Dataset, &l.Number, &l.Lang, &l.Owner, &l.OwnerName, &l.Unit, &l.Street, &l.At, &l.Started, &l.Ended,
		&l.Feed, store.Into[Outcome]{&l.Outcome}, &l.Version}
}

func findLoad(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Load, error) {
	where := store.And(store.C("id = $1", id), scope)
	l, err := store.One(ctx, q, scanLoad, `SELECT `+loadColumns+` FROM library_load WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "library.missing")
	}
	return l, err
}

func listLoads(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Load], error) {
	return store.List(ctx, q, store.Query[Load]{Select: `SELECT ` + loadColumns + ` FROM library_load`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanLoad, Cursor: func(l *Load) []any { return []any{l.At, l.ID} }})
}

func insertLoad(ctx context.Context, tx *store.Tx, l *Load) error {
	return store.Exec(ctx, tx, `INSERT INTO library_load (id, state, file, file_name, file_size, plan, finding, owner, owner_name, unit_id, street, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		l.ID, string(l.State), l.File, l.FileName, l.FileSize, store.JSON[Plan]{V: l.Plan}, store.JSON[finding]{V: l.Finding}, l.Owner, l.OwnerName, l.Unit, l.Street, l.At, l.Version)
}

// savePlan replaces the version before l's; Conflict when that is not the present one.
func savePlan(ctx context.Context, tx *store.Tx, l *Load) error {
	return store.ExecOne(ctx, tx, `UPDATE library_load SET plan = $1, finding = $2, version = $3 WHERE id = $4 AND version = $5`,
		store.JSON[Plan]{V: l.Plan}, store.JSON[finding]{V: l.Finding}, l.Version, l.ID, l.Version-1)
}

// saveStart makes the load wait for a worker of its new run.
func saveStart(ctx context.Context, tx *store.Tx, l *Load, beat time.Time) error {
	return store.ExecOne(ctx, tx, `UPDATE library_load SET state = $1, run = $2, expect = $3, rows_done = 0, bytes_done = 0, bytes_all = 0, rejected = 0, reject = '',
		fault = $4, lang = $5, started_at = $6, ended_at = 0, beat_at = $7, version = $8 WHERE id = $9 AND version = $10`,
		string(l.State), l.Run, l.Expect, store.JSON[Reason]{}, l.Lang, l.Started, store.At(beat), l.Version, l.ID, l.Version-1)
}

// saveBeat notes how far the worker of l's run is; Conflict when the load is no longer its.
func saveBeat(ctx context.Context, q store.Queryer, l *Load, state State, beat time.Time) error {
	return store.ExecOne(ctx, q, `UPDATE library_load SET state = $1, rows_done = $2, bytes_done = $3, bytes_all = $4, rejected = $5, beat_at = $6
		WHERE id = $7 AND run = $8 AND state IN ('queued', 'running')`, string(state), l.Rows, l.Bytes, l.BytesAll, l.Rejected, store.At(beat), l.ID, l.Run)
}

// saveEnd ends the load of l's run; Conflict when it is no longer the worker's.
func saveEnd(ctx context.Context, tx *store.Tx, l *Load) error {
	return store.ExecOne(ctx, tx, `UPDATE library_load SET state = $1, rows_done = $2, bytes_done = $3, bytes_all = $4, rejected = $5, reject = $6, fault = $7,
		dataset = $8, number = $9, ended_at = $10, outcome = $11, version = version + 1 WHERE id = $12 AND run = $13 AND state IN ('queued', 'running')`,
		string(l.State), l.Rows, l.Bytes, l.BytesAll, l.Rejected, l.Reject, store.JSON[Reason]{V: l.Fault}, l.Dataset, l.Number, l.Ended, store.JSON[Outcome]{V: l.Outcome}, l.ID, l.Run)
}

// silent returns the busy loads whose worker has given no sign of life since.
func silent(ctx context.Context, q store.Queryer, since time.Time) ([]Load, error) {
	return store.All(ctx, q, scanLoad, `SELECT `+loadColumns+` FROM library_load WHERE state IN ('queued', 'running') AND beat_at < $1 ORDER BY id`, store.At(since))
}

// again gives a silent load to a new run; Conflict when it has come back or ended meanwhile.
func again(ctx context.Context, tx *store.Tx, l Load, beat time.Time) error {
	return store.ExecOne(ctx, tx, `UPDATE library_load SET state = 'queued', run = run + 1, beat_at = $1 WHERE id = $2 AND run = $3 AND state IN ('queued', 'running')`,
		store.At(beat), l.ID, l.Run)
}

// old returns the loads whose files have been kept long enough.
func old(ctx context.Context, q store.Queryer, before store.Time) ([]Load, error) {
	return store.All(ctx, q, scanLoad, `SELECT `+loadColumns+` FROM library_load WHERE (file <> '' OR reject <> '') AND at < $1 AND ended_at < $2 AND state NOT IN ('queued', 'running') ORDER BY id LIMIT 1000`, before, before)
}

func forgetFiles(ctx context.Context, tx *store.Tx, id string) error {
	return store.Exec(ctx, tx, `UPDATE library_load SET file = '', reject = '', version = version + 1 WHERE id = $1 AND state NOT IN ('queued', 'running')`, id)
}

func deleteLoad(ctx context.Context, tx *store.Tx, l *Load) error {
	return store.ExecOne(ctx, tx, `DELETE FROM library_load WHERE id = $1 AND version = $2`, l.ID, l.Version)
}
