package batch

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const runColumns = `id, state, file, file_name, file_size, plan, finding, counts, purpose, basis, dataset, title, owner_unit, owner_street, store, number, fresh_at, grant_id, bare,
	run, stage, done, hits, missed, changed, result, header, groups, sealed, root, expires_at, copies, fault, lang, owner, owner_name, post_unit, unit_id, street, at, started_at, ended_at, version, ask_id, matter`

func scanRun(r *Run) []any {
	return []any{&r.ID, &r.State, &r.File, &r.FileName, &r.FileSize, store.Into[Plan]{&r.Plan}, store.Into[finding]{&r.Finding}, store.Into[Counts]{&r.Counts}, &r.Purpose, &r.Basis,
		&r.Dataset, &r.Title, &r.OwnerUnit, &r.OwnerStreet, &r.Store, &r.Number, &r.Fresh, &r.Grant, &r.Bare, &r.Run, &r.Stage, &r.Done, &r.Hits, &r.Missed, &r.Changed, &r.Result,
		store.Into[[]string]{&r.Header}, store.Into[[]Group]{&r.Groups}, &r.sealed, &r.Root, &r.Expires, &r.Copies, store.Into[Reason]{&r.Fault}, &r.Lang, &r.Owner, &r.OwnerName, &r.PostUnit, &r.Unit, &r.Street,
		&r.At, &r.Started, &r.Ended, &r.Version, &r.Ask, &r.Matter}
}

func findRun(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Run, error) {
	where := store.And(store.C("id = $1", id), scope)
	r, err := store.One(ctx, q, scanRun, `SELECT `+runColumns+` FROM batch_run WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "batch.missing")
	}
	return r, err
}

func listRuns(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Run], error) {
	return store.List(ctx, q, store.Query[Run]{Select: `SELECT ` + runColumns + ` FROM batch_run`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanRun, Cursor: func(r *Run) []any { return []any{r.At, r.ID} }})
}

func insertRun(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.Exec(ctx, tx, `INSERT INTO batch_run (id, state, file, file_name, file_size, plan, finding, counts, purpose, basis, dataset, title, owner_unit, owner_street,
		owner, owner_name, post_unit, unit_id, street, at, version, ask_id, matter) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		r.ID, string(r.State), r.File, r.FileName, r.FileSize, store.JSON[Plan]{V: r.Plan}, store.JSON[finding]{V: r.Finding}, store.JSON[Counts]{V: r.Counts}, r.Purpose, r.Basis,
		r.Dataset, r.Title, r.OwnerUnit, r.OwnerStreet, r.Owner, r.OwnerName, r.PostUnit, r.Unit, r.Street, r.At, r.Version, r.Ask, r.Matter)
}

// savePlan replaces the version before r's; Conflict when that is not the present one.
func savePlan(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `UPDATE batch_run SET plan = $1, finding = $2, counts = $3, purpose = $4, basis = $5, dataset = $6, title = $7, owner_unit = $8, owner_street = $9, version = $10
		WHERE id = $11 AND version = $12`, store.JSON[Plan]{V: r.Plan}, store.JSON[finding]{V: r.Finding}, store.JSON[Counts]{V: r.Counts}, r.Purpose, r.Basis,
		r.Dataset, r.Title, r.OwnerUnit, r.OwnerStreet, r.Version, r.ID, r.Version-1)
}

func saveStart(ctx context.Context, tx *store.Tx, r *Run, beat time.Time) error {
	return store.ExecOne(ctx, tx, `UPDATE batch_run SET state = $1, run = $2, grant_id = $3, bare = $4, lang = $5, started_at = $6, ended_at = 0, stage = '', done = 0, hits = 0, missed = 0, changed = 0,
		fault = '{}', beat_at = $7, plan = $8, version = $9 WHERE id = $10 AND version = $11`,
		string(r.State), r.Run, r.Grant, r.Bare, r.Lang, r.Started, store.At(beat), store.JSON[Plan]{V: r.Plan}, r.Version, r.ID, r.Version-1)
}

// saveBeat writes a sign of life and how far the run is; Conflict when the run is no longer the worker's.
func saveBeat(ctx context.Context, q store.Queryer, r *Run, state State, stage string, done int64, at time.Time) error {
	return store.ExecOne(ctx, q, `UPDATE batch_run SET state = $1, stage = $2, done = $3, beat_at = $4 WHERE id = $5 AND run = $6 AND state IN ('queued', 'running')`,
		string(state), stage, done, store.At(at), r.ID, r.Run)
}

// saveEnd writes how a run ended; Conflict when it was cancelled or given to another worker.
func saveEnd(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `UPDATE batch_run SET state = $1, store = $2, number = $3, fresh_at = $4, stage = '', done = $5, hits = $6, missed = $7, changed = $8, result = $9, header = $10, groups = $11,
		sealed = $12, root = $13, expires_at = $14, fault = $15, ended_at = $16, counts = $17, version = version + 1 WHERE id = $18 AND run = $19 AND state IN ('queued', 'running')`,
		string(r.State), r.Store, r.Number, r.Fresh, r.Done, r.Hits, r.Missed, r.Changed, r.Result, store.JSON[[]string]{V: r.Header}, store.JSON[[]Group]{V: r.Groups},
		r.sealed, r.Root, r.Expires, store.JSON[Reason]{V: r.Fault}, r.Ended, store.JSON[Counts]{V: r.Counts}, r.ID, r.Run)
}

// busyOf counts a person's runs under way beside one.
func busyOf(ctx context.Context, q store.Queryer, person, but string) (int, error) {
	return store.Value[int](ctx, q, `SELECT count(*) FROM batch_run WHERE owner = $1 AND id <> $2 AND state IN ('queued', 'running')`, person, but)
}

// working counts the runs that are being worked on beside one.
func working(ctx context.Context, q store.Queryer, but string, since time.Time) (int, error) {
	return store.Value[int](ctx, q, `SELECT count(*) FROM batch_run WHERE id <> $1 AND state = 'running' AND beat_at >= $2`, but, store.At(since))
}

// silent returns the busy runs whose worker has given no sign of life since.
func silent(ctx context.Context, q store.Queryer, since time.Time) ([]Run, error) {
	return store.All(ctx, q, scanRun, `SELECT `+runColumns+` FROM batch_run WHERE state IN ('queued', 'running') AND beat_at < $1 ORDER BY id`, store.At(since))
}

// again gives a silent run to a new worker; Conflict when it has come back or ended meanwhile.
func again(ctx context.Context, tx *store.Tx, r Run, beat time.Time) error {
	return store.ExecOne(ctx, tx, `UPDATE batch_run SET state = 'queued', run = run + 1, beat_at = $1 WHERE id = $2 AND run = $3 AND state IN ('queued', 'running')`, store.At(beat), r.ID, r.Run)
}

// over returns the runs whose list or result has been kept long enough.
func over(ctx context.Context, q store.Queryer, now, before store.Time) ([]Run, error) {
	return store.All(ctx, q, scanRun, `SELECT `+runColumns+` FROM batch_run WHERE (file <> '' OR result <> '') AND at < $1 AND state NOT IN ('queued', 'running')
		AND (state <> 'done' OR expires_at <= $2) AND ended_at < $3 ORDER BY id LIMIT 200`, before, now, now)
}

// forget empties what leads to the list and the result.
func forget(ctx context.Context, tx *store.Tx, id string) error {
	return store.Exec(ctx, tx, `UPDATE batch_run SET file = '', result = '', sealed = '', version = version + 1 WHERE id = $1 AND state NOT IN ('queued', 'running')`, id)
}

func deleteRun(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `DELETE FROM batch_run WHERE id = $1 AND version = $2`, r.ID, r.Version)
}

// Copy is one copy of a result as it is listed.
type Copy struct {
	Code   string     `json:"code" doc:"stands in the file, seen and unseen"`
	Format string     `json:"format" enum:"csv,xlsx"`
	Name   string     `json:"name" doc:"of the person it was made for"`
	At     store.Time `json:"at"`
	Taken  store.Time `json:"takenAt" doc:"null until it was fetched"`

	run, person, unit, sealed string
}

const copyColumns = `code, run_id, format, person, name, unit_id, sealed, at, taken_at`

func scanCopy(c *Copy) []any {
	return []any{&c.Code, &c.run, &c.Format, &c.person, &c.Name, &c.unit, &c.sealed, &c.At, &c.Taken}
}

func insertCopy(ctx context.Context, tx *store.Tx, c Copy) error {
	if err := store.Exec(ctx, tx, `INSERT INTO batch_copy (`+copyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`, c.Code, c.run, c.Format, c.person, c.Name, c.unit, c.sealed, c.At); err != nil {
		return err
	}
	return store.ExecOne(ctx, tx, `UPDATE batch_run SET copies = copies + 1 WHERE id = $1`, c.run)
}

func copiesOf(ctx context.Context, q store.Queryer, run string) ([]Copy, error) {
	return store.All(ctx, q, scanCopy, `SELECT `+copyColumns+` FROM batch_copy WHERE run_id = $1 ORDER BY at DESC, code LIMIT 200`, run)
}

func findCopy(ctx context.Context, q store.Queryer, code string) (Copy, error) {
	c, err := store.One(ctx, q, scanCopy, `SELECT `+copyColumns+` FROM batch_copy WHERE code = $1`, code)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "batch.no_copy")
	}
	return c, err
}

// take marks a copy as fetched and forgets its password; Conflict when it was.
func take(ctx context.Context, tx *store.Tx, code string, at store.Time) error {
	return store.ExecOne(ctx, tx, `UPDATE batch_copy SET sealed = '', taken_at = $1 WHERE code = $2 AND taken_at = 0 AND sealed <> ''`, at, code)
}

// dropPasswords forgets the passwords of copies nobody has fetched.
func dropPasswords(ctx context.Context, q store.Queryer, before store.Time) error {
	return store.Exec(ctx, q, `UPDATE batch_copy SET sealed = '' WHERE sealed <> '' AND at < $1`, before)
}

// counted lists the counts a body has made of a dataset by the same key since a time, the newest first.
func counted(ctx context.Context, q store.Queryer, r *Run, since store.Time) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT id FROM batch_run WHERE unit_id = $1 AND dataset = $2 AND id <> $3 AND state = 'done' AND at > $4 AND CAST(plan->>'mode' AS TEXT) = 'counts' AND CAST(plan->>'key' AS TEXT) = $5
		ORDER BY at DESC, id DESC LIMIT 500`, r.Unit, r.Dataset, r.ID, since, r.Plan.Key)
}
