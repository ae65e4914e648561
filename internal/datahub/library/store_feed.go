package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
)

const sourceColumns = `id, name, spec, secret, owner, owner_name, unit_id, street, at, version`

func scanSource(s *Source) []any {
	return []any{&s.ID, &s.Name, store.Into[source.Spec]{&s.Spec}, &s.Secret, &s.Owner, &s.OwnerName, &s.Unit, &s.Street, &s.At, &s.Version}
}

func findSource(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Source, error) {
	where := store.And(store.C("id = $1", id), scope)
	s, err := store.One(ctx, q, scanSource, `SELECT `+sourceColumns+` FROM library_source WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "library.no_source")
	}
	return s, err
}

func listSources(ctx context.Context, q store.Queryer, scope store.Scope, page store.Page) (store.Listed[Source], error) {
	return store.List(ctx, q, store.Query[Source]{Select: `SELECT ` + sourceColumns + ` FROM library_source`, Scope: scope,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanSource, Cursor: func(s *Source) []any { return []any{s.At, s.ID} }})
}

func insertSource(ctx context.Context, tx *store.Tx, s *Source) error {
	return store.Exec(ctx, tx, `INSERT INTO library_source (id, name, kind, spec, secret, owner, owner_name, unit_id, street, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		s.ID, s.Name, string(s.Spec.Kind), store.JSON[source.Spec]{V: s.Spec}, s.Secret, s.Owner, s.OwnerName, s.Unit, s.Street, s.At, s.Version)
}

// saveSource replaces the version before s's; Conflict when that is not the present one.
func saveSource(ctx context.Context, tx *store.Tx, s *Source) error {
	return store.ExecOne(ctx, tx, `UPDATE library_source SET name = $1, kind = $2, spec = $3, secret = $4, version = $5 WHERE id = $6 AND version = $7`,
		s.Name, string(s.Spec.Kind), store.JSON[source.Spec]{V: s.Spec}, s.Secret, s.Version, s.ID, s.Version-1)
}

func deleteSource(ctx context.Context, tx *store.Tx, s *Source) error {
	return store.ExecOne(ctx, tx, `DELETE FROM library_source WHERE id = $1 AND version = $2`, s.ID, s.Version)
}

// feedsOf counts the feeds of sources, and those among them that need somebody.
func feedsOf(ctx context.Context, q store.Queryer, sources []string) (map[string][2]int64, error) {
	type line struct {
		id          string
		all, unwell int64
	}
	in := store.In("source", sources)
	rows, err := store.All(ctx, q, func(l *line) []any { return []any{&l.id, &l.all, &l.unwell} },
		`SELECT source, count(*), count(*) FILTER (WHERE fails > 0 OR state = 'decide') FROM library_feed WHERE `+in.SQL+` GROUP BY source`, in.Args...)
	out := map[string][2]int64{}
	for _, l := range rows {
		out[l.id] = [2]int64{l.all, l.unwell}
	}
	return out, err
}

const feedColumns = `id, source, object, state, plan, way, mark, fault, fails, next_at, good_at, load, lang, owner, owner_name, unit_id, street, at, version`

func scanFeed(f *Feed) []any {
	return []any{&f.ID, &f.Source, &f.Object, &f.State, store.Into[Plan]{&f.Plan}, store.Into[Way]{&f.Way}, store.Into[Mark]{&f.Mark}, store.Into[Reason]{&f.Fault}, &f.Fails, &f.Next, &f.Good,
		&f.Load, &f.Lang, &f.Owner, &f.OwnerName, &f.Unit, &f.Street, &f.At, &f.Version}
}

func findFeed(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Feed, error) {
	where := store.And(store.C("id = $1", id), scope)
	f, err := store.One(ctx, q, scanFeed, `SELECT `+feedColumns+` FROM library_feed WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "library.no_feed")
	}
	return f, err
}

func listFeeds(ctx context.Context, q store.Queryer, scope store.Scope, where []store.Cond, page store.Page) (store.Listed[Feed], error) {
	return store.List(ctx, q, store.Query[Feed]{Select: `SELECT ` + feedColumns + ` FROM library_feed`, Scope: scope, Where: where,
		Keys: []string{"at", "id"}, Desc: true, Page: page, Scan: scanFeed, Cursor: func(f *Feed) []any { return []any{f.At, f.ID} }})
}

func insertFeed(ctx context.Context, tx *store.Tx, f *Feed) error {
	return store.Exec(ctx, tx, `INSERT INTO library_feed (id, source, object, state, plan, way, mark, lang, owner, owner_name, unit_id, street, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, f.ID, f.Source, f.Object, f.State, store.JSON[Plan]{V: f.Plan}, store.JSON[Way]{V: f.Way},
		store.JSON[Mark]{V: f.Mark}, f.Lang, f.Owner, f.OwnerName, f.Unit, f.Street, f.At, f.Version)
}

// saveFeed replaces the version before f's; Conflict when that is not the present one.
func saveFeed(ctx context.Context, tx *store.Tx, f *Feed) error {
	return store.ExecOne(ctx, tx, `UPDATE library_feed SET state = $1, plan = $2, way = $3, mark = $4, fault = $5, fails = $6, next_at = $7, good_at = $8, load = $9,
		lang = $10, version = $11 WHERE id = $12 AND version = $13`, f.State, store.JSON[Plan]{V: f.Plan}, store.JSON[Way]{V: f.Way}, store.JSON[Mark]{V: f.Mark},
		store.JSON[Reason]{V: f.Fault}, f.Fails, f.Next, f.Good, f.Load, f.Lang, f.Version, f.ID, f.Version-1)
}

func deleteFeed(ctx context.Context, tx *store.Tx, f *Feed) error {
	return store.ExecOne(ctx, tx, `DELETE FROM library_feed WHERE id = $1 AND version = $2`, f.ID, f.Version)
}

// due returns the feeds whose time has come.
func due(ctx context.Context, q store.Queryer, now store.Time) ([]Feed, error) {
	return store.All(ctx, q, scanFeed, `SELECT `+feedColumns+` FROM library_feed WHERE state = 'on' AND next_at > 0 AND next_at <= $1 ORDER BY next_at, id LIMIT 200`, now)
}

// busyFeed reports whether a run of the feed is under way.
func busyFeed(ctx context.Context, q store.Queryer, id string) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM library_load WHERE feed = $1 AND state IN ('queued', 'running')`, id)
	return n > 0, err
}

// feedsOfAll returns what health looks at: every feed with a schedule, or one that waits or fails.
func feedsOfAll(ctx context.Context, q store.Queryer) ([]Feed, error) {
	return store.All(ctx, q, scanFeed, `SELECT `+feedColumns+` FROM library_feed WHERE state IN ('on', 'decide') ORDER BY id`)
}

// insertRun adds a run of a feed, which waits for its worker.
func insertRun(ctx context.Context, tx *store.Tx, l *Load, beat store.Time) error {
	err := store.Exec(ctx, tx, `INSERT INTO library_load (id, state, file, file_name, file_size, plan, finding, run, feed, outcome, lang, owner, owner_name, unit_id, street, at, started_at, beat_at, version)
		VALUES ($1, $2, '', $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		l.ID, string(l.State), l.FileName, store.JSON[Plan]{V: l.Plan}, store.JSON[finding]{V: l.Finding}, l.Run, l.Feed, store.JSON[Outcome]{V: l.Outcome}, l.Lang,
		l.Owner, l.OwnerName, l.Unit, l.Street, l.At, l.Started, beat, l.Version)
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "library.feed_running")
	}
	return err
}

// objectsOf returns the feeds of a source by what they collect.
func objectsOf(ctx context.Context, q store.Queryer, source string) (map[string]string, error) {
	type line struct{ object, id string }
	rows, err := store.All(ctx, q, func(l *line) []any { return []any{&l.object, &l.id} }, `SELECT object, id FROM library_feed WHERE source = $1 ORDER BY at, id`, source)
	out := map[string]string{}
	for _, l := range rows {
		out[l.object] = l.id
	}
	return out, err
}
