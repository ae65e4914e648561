package forms

import (
	"context"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Version is one version of a declaration.
type Version struct {
	Key       string
	Number    int64
	State     string // draft, published, past, retired
	Body      app.App
	Source    string
	Shipped   bool
	Digest    string
	By        string
	ByName    string
	At        store.Time
	Published store.Time
	Version   int64
}

const versionColumns = `key, number, state, body, source, shipped, digest, by_id, by_name, at, published_at, version`

func scanVersion(v *Version) []any {
	return []any{&v.Key, &v.Number, &v.State, bodyIn{&v.Body}, &v.Source, &v.Shipped, &v.Digest, &v.By, &v.ByName, &v.At, &v.Published, &v.Version}
}

type bodyIn struct{ to *app.App }

// Scan implements sql.Scanner.
func (b bodyIn) Scan(v any) error {
	var j store.JSON[app.App]
	err := j.Scan(v)
	*b.to = j.V
	return err
}

func versions(ctx context.Context, q store.Queryer, which store.Cond) ([]Version, error) {
	return store.All(ctx, q, scanVersion, `SELECT `+versionColumns+` FROM forms_app WHERE `+which.SQL+` ORDER BY key, number DESC`, which.Args...)
}

// oneVersion returns the newest version of which; Missing when there is none.
func oneVersion(ctx context.Context, q store.Queryer, which store.Cond) (Version, error) {
	all, err := versions(ctx, q, which)
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "forms.no_app")
	}
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

func insertVersion(ctx context.Context, tx *store.Tx, v *Version) error {
	return store.Exec(ctx, tx, `INSERT INTO forms_app (`+versionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		v.Key, v.Number, v.State, store.JSON[app.App]{V: v.Body}, v.Source, v.Shipped, v.Digest, v.By, v.ByName, v.At, v.Published, v.Version)
}

// saveVersion replaces the row's version before v's; Conflict when that is not the present one.
func saveVersion(ctx context.Context, tx *store.Tx, v *Version) error {
	v.Version++
	return store.ExecOne(ctx, tx, `UPDATE forms_app SET state = $1, body = $2, source = $3, by_id = $4, by_name = $5, at = $6, published_at = $7, version = $8
		WHERE key = $9 AND number = $10 AND version = $11`,
		v.State, store.JSON[app.App]{V: v.Body}, v.Source, v.By, v.ByName, v.At, v.Published, v.Version, v.Key, v.Number, v.Version-1)
}

func deleteVersion(ctx context.Context, tx *store.Tx, v *Version) error {
	return store.ExecOne(ctx, tx, `DELETE FROM forms_app WHERE key = $1 AND number = $2 AND version = $3 AND state = 'draft'`, v.Key, v.Number, v.Version)
}

// lastNumber is the highest number of a key, 0 for none.
func lastNumber(ctx context.Context, q store.Queryer, key string) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT coalesce(max(number), 0) FROM forms_app WHERE key = $1`, key)
}
