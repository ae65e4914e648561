package dataset

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const columns = `d.id, d.name, d.title, d.summary, d.room, d.unit_id, d.street, d.owner, d.level, d.columns, d.current, d.number, d.newest,
	d.row_count, d.byte_count, d.hash, d.updated_at, d.version, d.live`

func scan(d *Dataset) []any {
	return []any{&d.ID, &d.Name, &d.Title, &d.Summary, &d.Room, &d.Unit, &d.Street, &d.Owner, &d.Level, list[Column]{&d.Columns}, &d.Current, &d.Number, &d.newest,
		&d.Rows, &d.Bytes, &d.Hash, &d.Updated, &d.Version, &d.Live}
}

// list reads a JSON array into a slice that is never nil.
type list[T any] struct{ to *[]T }

// Scan implements sql.Scanner.
func (l list[T]) Scan(v any) error {
	var j store.JSON[[]T]
	err := j.Scan(v)
	if *l.to = j.V; j.V == nil {
		*l.to = []T{}
	}
	return err
}

func one(ctx context.Context, q store.Queryer, which store.Cond) (Dataset, error) {
	d, err := store.One(ctx, q, scan, `SELECT `+columns+` FROM dataset d WHERE `+which.SQL, which.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "dataset.missing")
	}
	return d, err
}

func insert(ctx context.Context, tx *store.Tx, d Dataset) error {
	err := store.Exec(ctx, tx, `INSERT INTO dataset (id, name, title, summary, room, unit_id, street, owner, level, columns, current, number, newest,
		row_count, byte_count, hash, updated_at, version, live) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		d.ID, d.Name, d.Title, d.Summary, d.Room, d.Unit, d.Street, d.Owner, string(d.Level), store.JSON[[]Column]{V: d.Columns}, d.Current, d.Number, d.newest,
		d.Rows, d.Bytes, d.Hash, d.Updated, d.Version, d.Live)
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "dataset.name_taken", d.Name)
	}
	return err
}

// save replaces the version before d's; Conflict when that is not the present one.
func save(ctx context.Context, tx *store.Tx, d Dataset) error {
	return store.ExecOne(ctx, tx, `UPDATE dataset SET title = $1, summary = $2, level = $3, columns = $4, current = $5, number = $6, newest = $7,
		row_count = $8, byte_count = $9, hash = $10, updated_at = $11, version = $12 WHERE id = $13 AND version = $14`,
		d.Title, d.Summary, string(d.Level), store.JSON[[]Column]{V: d.Columns}, d.Current, d.Number, d.newest,
		d.Rows, d.Bytes, d.Hash, d.Updated, d.Version, d.ID, d.Version-1)
}

const versionColumns = `id, number, columns, row_count, byte_count, hash, source, person, at, replaced_at`

func scanVersion(v *Version) []any {
	return []any{&v.ID, &v.Number, list[Column]{&v.Columns}, &v.Rows, &v.Bytes, &v.Hash, &v.Source, &v.Person, &v.At, &v.Replaced}
}

func versions(ctx context.Context, q store.Queryer, dataset string) ([]Version, error) {
	return store.All(ctx, q, scanVersion, `SELECT `+versionColumns+` FROM dataset_version WHERE dataset_id = $1 ORDER BY number DESC`, dataset)
}

func findVersion(ctx context.Context, q store.Queryer, dataset, id string) (Version, error) {
	v, err := store.One(ctx, q, scanVersion, `SELECT `+versionColumns+` FROM dataset_version WHERE dataset_id = $1 AND id = $2`, dataset, id)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "dataset.no_version")
	}
	return v, err
}

func insertVersion(ctx context.Context, tx *store.Tx, dataset string, v Version) error {
	return store.Exec(ctx, tx, `INSERT INTO dataset_version (id, dataset_id, number, columns, row_count, byte_count, hash, source, person, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		v.ID, dataset, v.Number, store.JSON[[]Column]{V: v.Columns}, v.Rows, v.Bytes, v.Hash, v.Source, v.Person, v.At)
}

// serve marks which version of the dataset serves from at on.
func serve(ctx context.Context, tx *store.Tx, dataset, id string, at store.Time) error {
	if err := store.Exec(ctx, tx, `UPDATE dataset_version SET replaced_at = $1 WHERE dataset_id = $2 AND id <> $3 AND replaced_at = 0`, at, dataset, id); err != nil {
		return err
	}
	return store.ExecOne(ctx, tx, `UPDATE dataset_version SET replaced_at = 0 WHERE dataset_id = $1 AND id = $2`, dataset, id)
}

// prune forgets versions beyond the newest that were replaced before a time.
func prune(ctx context.Context, tx *store.Tx, before store.Time, stay int) error {
	return store.Exec(ctx, tx, `DELETE FROM dataset_version WHERE replaced_at > 0 AND replaced_at < $1 AND id NOT IN (
		SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY dataset_id ORDER BY number DESC) AS place FROM dataset_version) ranked WHERE place <= $2)`, before, stay)
}

const grantColumns = `g.id, g.dataset_id, g.unit_id, g.person, g.columns, g.reveal, g.purpose, g.basis, g.from_at, g.until_at, g.given_by, g.given_at, g.revoked_by, g.revoked_at,
	g.may_look, g.may_batch, g.may_api, g.may_push, g.filter, g.quota, g.case_id`

func scanGrant(g *Grant) []any {
	return []any{&g.ID, &g.dataset, &g.Unit, &g.Person, list[string]{&g.Columns}, list[string]{&g.Reveal}, &g.Purpose, &g.Basis, &g.From, &g.Until, &g.By, &g.At, &g.RevokedBy, &g.Revoked,
		mode{g, Look}, mode{g, Batch}, mode{g, API}, mode{g, Push}, list[Rule]{(*[]Rule)(&g.Filter)}, &g.Quota, &g.Case}
}

// mode reads whether a grant may be used in one.
type mode struct {
	g  *Grant
	is Mode
}

// Scan implements sql.Scanner.
func (m mode) Scan(v any) error {
	if m.is == Look {
		m.g.Modes = []Mode{}
	}
	if v == true || v == int64(1) {
		m.g.Modes = append(m.g.Modes, m.is)
	}
	return nil
}

func grants(ctx context.Context, q store.Queryer, which store.Cond) ([]Grant, error) {
	return store.All(ctx, q, scanGrant, `SELECT `+grantColumns+` FROM dataset_grant g WHERE `+which.SQL+` ORDER BY g.given_at DESC, g.id DESC`, which.Args...)
}

func insertGrant(ctx context.Context, tx *store.Tx, g Grant) error {
	return store.Exec(ctx, tx, `INSERT INTO dataset_grant (id, dataset_id, unit_id, person, columns, reveal, purpose, basis, from_at, until_at, given_by, given_at,
		may_look, may_batch, may_api, may_push, filter, quota, case_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		g.ID, g.dataset, g.Unit, g.Person, store.JSON[[]string]{V: g.Columns}, store.JSON[[]string]{V: g.Reveal}, g.Purpose, g.Basis, g.From, g.Until, g.By, g.At,
		g.May(Look), g.May(Batch), g.May(API), g.May(Push), store.JSON[[]Rule]{V: g.Filter}, g.Quota, g.Case)
}

// spend adds records to what a grant gave out on a day, and returns the sum.
func spend(ctx context.Context, tx *store.Tx, grant, day string, records int64) (int64, error) {
	return store.Value[int64](ctx, tx, `INSERT INTO dataset_spent (grant_id, day, records) VALUES ($1, $2, $3)
		ON CONFLICT (grant_id, day) DO UPDATE SET records = dataset_spent.records + excluded.records RETURNING records`, grant, day, records)
}

// modeOf is true of the grants g that may be used in a mode.
func modeOf(m Mode) store.Cond {
	switch m {
	case Look:
		return store.C("g.may_look")
	case Batch:
		return store.C("g.may_batch")
	case API:
		return store.C("g.may_api")
	case Push:
		return store.C("g.may_push")
	}
	return store.C("TRUE")
}

// holds is true of the grants g that hold at a time for a person or one of units.
func holds(units []string, person string, at store.Time) store.Cond {
	in := store.In("g.unit_id", units)
	return store.And(store.C(`g.revoked_at = 0 AND g.from_at <= $1 AND g.until_at > $2`, at, at),
		store.Or(store.And(store.C("g.unit_id <> ''"), in), store.C("g.person <> '' AND g.person = $1", person)))
}
