package theme

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const themeColumns = `id, name, title, kind, summary, unit_id, street, owner, owner_name, draft, changed, released, release, released_by, released_name, released_at,
	next_at, run, state, good_at, fails, warned, fault, lang, at, version`

func scanTheme(t *Theme) []any {
	return []any{&t.ID, &t.Name, &t.Title, &t.Kind, &t.Summary, &t.Unit, &t.Street, &t.Owner, &t.OwnerName, store.Into[Definition]{&t.Draft}, &t.Changed, store.Into[Definition]{&t.Released},
		&t.Release, &t.ReleasedBy, &t.ReleasedName, &t.ReleasedAt, &t.Next, &t.Run, &t.State, &t.Good, &t.Fails, &t.Warned, store.Into[Reason]{&t.Fault}, &t.Lang, &t.At, &t.Version}
}

func findTheme(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Theme, error) {
	where := store.And(store.C("id = $1", id), scope)
	t, err := store.One(ctx, q, scanTheme, `SELECT `+themeColumns+` FROM theme WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "theme.missing")
	}
	return t, err
}

func listThemes(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Theme], error) {
	return store.List(ctx, q, store.Query[Theme]{Select: `SELECT ` + themeColumns + ` FROM theme`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanTheme, Cursor: func(t *Theme) []any { return []any{t.At, t.ID} }})
}

func insertTheme(ctx context.Context, tx *store.Tx, t *Theme) error {
	err := store.Exec(ctx, tx, `INSERT INTO theme (id, name, title, kind, summary, unit_id, street, owner, owner_name, draft, changed, lang, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, TRUE, $11, $12, $13)`,
		t.ID, t.Name, t.Title, t.Kind, t.Summary, t.Unit, t.Street, t.Owner, t.OwnerName, store.JSON[Definition]{V: t.Draft}, t.Lang, t.At, t.Version)
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "theme.name_taken", t.Name)
	}
	return err
}

// saveTheme replaces the version before t's; Conflict when that is not the present one.
func saveTheme(ctx context.Context, tx *store.Tx, t *Theme) error {
	return store.ExecOne(ctx, tx, `UPDATE theme SET title = $1, kind = $2, summary = $3, draft = $4, changed = $5, released = $6, release = $7, released_by = $8, released_name = $9,
		released_at = $10, next_at = $11, lang = $12, version = $13 WHERE id = $14 AND version = $15`, t.Title, t.Kind, t.Summary, store.JSON[Definition]{V: t.Draft}, t.Changed,
		store.JSON[Definition]{V: t.Released}, t.Release, t.ReleasedBy, t.ReleasedName, t.ReleasedAt, t.Next, t.Lang, t.Version, t.ID, t.Version-1)
}

// saveOutcome notes how the last run ended. It is no change of what the library is, so its version stays.
func saveOutcome(ctx context.Context, tx *store.Tx, t *Theme) error {
	return store.Exec(ctx, tx, `UPDATE theme SET run = $1, state = $2, good_at = $3, fails = $4, warned = $5, fault = $6 WHERE id = $7`,
		t.Run, string(t.State), t.Good, t.Fails, t.Warned, store.JSON[Reason]{V: t.Fault}, t.ID)
}

// saveNext sets when a library is due.
func saveNext(ctx context.Context, tx *store.Tx, id string, next store.Time) error {
	return store.Exec(ctx, tx, `UPDATE theme SET next_at = $1 WHERE id = $2`, next, id)
}

func deleteTheme(ctx context.Context, tx *store.Tx, t *Theme) error {
	return store.ExecOne(ctx, tx, `DELETE FROM theme WHERE id = $1 AND version = $2`, t.ID, t.Version)
}

// dueThemes are the released libraries whose time has come.
func dueThemes(ctx context.Context, q store.Queryer, now store.Time) ([]Theme, error) {
	return store.All(ctx, q, scanTheme, `SELECT `+themeColumns+` FROM theme WHERE next_at > 0 AND next_at <= $1 AND release > 0 ORDER BY next_at, id LIMIT 200`, now)
}

// readersOf are the released libraries that read a dataset and run when it is renewed.
func readersOf(ctx context.Context, q store.Queryer, dataset string) ([]Theme, error) {
	return store.All(ctx, q, scanTheme, `SELECT `+themeColumns+` FROM theme WHERE release > 0 AND CAST(released -> 'schedule' ->> 'every' AS TEXT) = 'input'
		AND id IN (SELECT theme_id FROM theme_input WHERE dataset_id = $1) ORDER BY id`, dataset)
}

// outputOwner is the library that makes the dataset of a name, "" for none.
func outputOwner(ctx context.Context, q store.Queryer, name string) (string, error) {
	return store.Value[string](ctx, q, `SELECT coalesce(max(theme_id), '') FROM theme_output WHERE name = $1`, name)
}

// makersOf are the libraries that make one of some datasets.
func makersOf(ctx context.Context, q store.Queryer, datasets []string) ([]Theme, error) {
	in := store.In("dataset_id", datasets)
	return store.All(ctx, q, scanTheme, `SELECT `+themeColumns+` FROM theme WHERE id IN (SELECT theme_id FROM theme_output WHERE `+in.SQL+`) ORDER BY id`, in.Args...)
}

func inputsOf(ctx context.Context, q store.Queryer, theme string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT dataset_id FROM theme_input WHERE theme_id = $1 ORDER BY dataset_id`, theme)
}

// saveInputs notes which datasets of others a library reads.
func saveInputs(ctx context.Context, tx *store.Tx, theme string, datasets []string) error {
	if err := store.Exec(ctx, tx, `DELETE FROM theme_input WHERE theme_id = $1`, theme); err != nil {
		return err
	}
	for _, id := range datasets {
		if err := store.Exec(ctx, tx, `INSERT INTO theme_input (theme_id, dataset_id) VALUES ($1, $2)`, theme, id); err != nil {
			return err
		}
	}
	return nil
}

// saveOutputs notes which datasets a library makes; ids of those there are stay.
func saveOutputs(ctx context.Context, tx *store.Tx, theme string, names []string) error {
	in := store.And(store.C("theme_id = $1", theme), store.C("NOT ("+store.In("name", names).SQL+")", store.In("name", names).Args...))
	if err := store.Exec(ctx, tx, `DELETE FROM theme_output WHERE `+in.SQL, in.Args...); err != nil {
		return err
	}
	for _, name := range names {
		if err := saveOutput(ctx, tx, theme, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// saveOutput notes the dataset of one step; Conflict when another library makes it.
func saveOutput(ctx context.Context, tx *store.Tx, theme, name, dataset string) error {
	n, err := store.Value[string](ctx, tx, `INSERT INTO theme_output (name, theme_id, dataset_id) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET dataset_id = CASE WHEN excluded.dataset_id <> '' THEN excluded.dataset_id ELSE theme_output.dataset_id END RETURNING theme_id`, name, theme, dataset)
	if err == nil && n != theme {
		err = errs.New(errs.Conflict, "dataset.name_taken", name)
	}
	return err
}

const runColumns = `id, theme_id, number, state, why, try, steps, results, row_count, fault, lang, person, person_name, unit_id, street, at, started_at, ended_at`

func scanRun(r *Run) []any {
	return []any{&r.ID, &r.Theme, &r.Number, &r.State, &r.Why, &r.Try, store.Into[Definition]{&r.Steps}, store.Into[[]Result]{&r.Results}, &r.Rows, store.Into[Reason]{&r.Fault}, &r.Lang,
		&r.Person, &r.PersonName, &r.Unit, &r.Street, &r.At, &r.Started, &r.Ended}
}

func findRun(ctx context.Context, q store.Queryer, id string, which store.Cond) (Run, error) {
	where := store.And(store.C("id = $1", id), which)
	r, err := store.One(ctx, q, scanRun, `SELECT `+runColumns+` FROM theme_run WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "theme.no_run")
	}
	return r, err
}

func listRuns(ctx context.Context, q store.Queryer, scope store.Scope, theme string, page store.Page) (store.Listed[Run], error) {
	return store.List(ctx, q, store.Query[Run]{Select: `SELECT ` + runColumns + ` FROM theme_run`, Scope: scope, Where: []store.Cond{store.C("theme_id = $1", theme)},
		Keys: []string{"number"}, Desc: true, Page: page, Scan: scanRun, Cursor: func(r *Run) []any { return []any{r.Number} }})
}

// busyRun is the run of a library that waits or runs; Missing for none.
func busyRun(ctx context.Context, q store.Queryer, theme string) (Run, error) {
	return store.One(ctx, q, scanRun, `SELECT `+runColumns+` FROM theme_run WHERE theme_id = $1 AND state IN ('queued', 'running')`, theme)
}

// insertRun adds a run, which waits for its worker; Conflict when one is under way.
func insertRun(ctx context.Context, tx *store.Tx, r *Run) error {
	var err error
	if r.Number, err = store.Value[int64](ctx, tx, `SELECT coalesce(max(number), 0) + 1 FROM theme_run WHERE theme_id = $1`, r.Theme); err != nil {
		return err
	}
	err = store.Exec(ctx, tx, `INSERT INTO theme_run (id, theme_id, number, state, why, try, steps, results, lang, person, person_name, unit_id, street, at, beat_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, r.ID, r.Theme, r.Number, string(r.State), r.Why, r.Try, store.JSON[Definition]{V: r.Steps},
		store.JSON[[]Result]{V: r.Results}, r.Lang, r.Person, r.PersonName, r.Unit, r.Street, r.At, store.At(time.Now()))
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "theme.running")
	}
	return err
}

// saveBeat notes how far the worker of r's try is; Conflict when the run is no longer its.
func saveBeat(ctx context.Context, q store.Queryer, r *Run) error {
	return store.ExecOne(ctx, q, `UPDATE theme_run SET state = 'running', results = $1, row_count = $2, started_at = $3, beat_at = $4 WHERE id = $5 AND try = $6 AND state IN ('queued', 'running')`,
		store.JSON[[]Result]{V: r.Results}, r.Rows, r.Started, store.At(time.Now()), r.ID, r.Try)
}

// saveEnd ends the run of r's try; Conflict when it is no longer the worker's.
func saveEnd(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `UPDATE theme_run SET state = $1, results = $2, row_count = $3, fault = $4, ended_at = $5 WHERE id = $6 AND try = $7 AND state IN ('queued', 'running')`,
		string(r.State), store.JSON[[]Result]{V: r.Results}, r.Rows, store.JSON[Reason]{V: r.Fault}, r.Ended, r.ID, r.Try)
}

// silent returns the busy runs whose worker has given no sign of life since.
func silent(ctx context.Context, q store.Queryer, since time.Time) ([]Run, error) {
	return store.All(ctx, q, scanRun, `SELECT `+runColumns+` FROM theme_run WHERE state IN ('queued', 'running') AND beat_at < $1 ORDER BY id`, store.At(since))
}

// again gives a silent run to another worker; Conflict when it has come back or ended meanwhile.
func again(ctx context.Context, tx *store.Tx, r Run) error {
	return store.ExecOne(ctx, tx, `UPDATE theme_run SET state = 'queued', try = try + 1, beat_at = $1 WHERE id = $2 AND try = $3 AND state IN ('queued', 'running')`,
		store.At(time.Now()), r.ID, r.Try)
}

// forgetRuns keeps the newest runs of a library.
func forgetRuns(ctx context.Context, tx *store.Tx, theme string, keep int) error {
	return store.Exec(ctx, tx, `DELETE FROM theme_run WHERE theme_id = $1 AND state NOT IN ('queued', 'running') AND number <= (SELECT max(number) FROM theme_run WHERE theme_id = $2) - $3`, theme, theme, keep)
}

// Made is what a version of a dataset was made of.
type Made struct {
	Version string
	Dataset string
	Theme   string
	Run     string
	Step    string
	Lineage Lineage
	At      store.Time
}

const madeColumns = `m.version_id, m.dataset_id, m.theme_id, m.run_id, m.step, m.lineage, m.at`

func scanMade(m *Made) []any {
	return []any{&m.Version, &m.Dataset, &m.Theme, &m.Run, &m.Step, store.Into[Lineage]{&m.Lineage}, &m.At}
}

// madeOf finds what versions were made of, by version.
func madeOf(ctx context.Context, q store.Queryer, versions []string) (map[string]Made, error) {
	in := store.In("m.version_id", versions)
	all, err := store.All(ctx, q, scanMade, `SELECT `+madeColumns+` FROM theme_made m WHERE `+in.SQL, in.Args...)
	out := make(map[string]Made, len(all))
	for _, m := range all {
		out[m.Version] = m
	}
	return out, err
}

// saveMade notes what a version was made of, and the edges of the dataset it is the newest of.
func saveMade(ctx context.Context, tx *store.Tx, m Made) error {
	if err := store.Exec(ctx, tx, `INSERT INTO theme_made (version_id, dataset_id, theme_id, run_id, step, lineage, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m.Version, m.Dataset, m.Theme, m.Run, m.Step, store.JSON[Lineage]{V: m.Lineage}, m.At); err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `DELETE FROM theme_edge WHERE dataset_id = $1`, m.Dataset); err != nil {
		return err
	}
	for _, in := range m.Lineage.Inputs {
		if err := store.Exec(ctx, tx, `INSERT INTO theme_edge (dataset_id, input_id) VALUES ($1, $2)`, m.Dataset, in.ID); err != nil {
			return err
		}
	}
	return nil
}

// madeFrom are the ids of datasets made from some.
func madeFrom(ctx context.Context, q store.Queryer, inputs []string) ([]string, error) {
	in := store.In("input_id", inputs)
	return store.Column[string](ctx, q, `SELECT DISTINCT dataset_id FROM theme_edge WHERE `+in.SQL+` ORDER BY dataset_id`, in.Args...)
}

// forgetMade forgets what versions that are gone were made of.
func forgetMade(ctx context.Context, tx *store.Tx, dataset string, kept []string) error {
	gone := store.And(store.C("dataset_id = $1", dataset), store.C("NOT ("+store.In("version_id", kept).SQL+")", store.In("version_id", kept).Args...))
	return store.Exec(ctx, tx, `DELETE FROM theme_made WHERE `+gone.SQL, gone.Args...)
}

// saveResults writes what became of each step after the run has ended.
func saveResults(ctx context.Context, tx *store.Tx, r *Run) error {
	return store.ExecOne(ctx, tx, `UPDATE theme_run SET results = $1 WHERE id = $2`, store.JSON[[]Result]{V: r.Results}, r.ID)
}
