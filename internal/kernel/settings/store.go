package settings

import (
	"context"

	"qushu/internal/base/store"
)

// boxed keeps any value in an object, as JSON columns hold objects only.
type boxed struct {
	V any `json:"v"`
}

// row is one changed setting.
type row struct {
	Name    string
	Value   store.JSON[boxed]
	Version int64
	By      string // name of who changed it last
	At      store.Time
	Reason  string
}

func scan(r *row) []any {
	return []any{&r.Name, &r.Value, &r.Version, &r.By, &r.At, &r.Reason}
}

func list(ctx context.Context, q store.Queryer) ([]row, error) {
	return store.All(ctx, q, scan, `SELECT name, value, version, changed_by, changed_at, reason FROM settings ORDER BY name`)
}

func find(ctx context.Context, q store.Queryer, name string) (row, error) {
	return store.One(ctx, q, scan, `SELECT name, value, version, changed_by, changed_at, reason FROM settings WHERE name = $1`, name)
}

// save inserts version 1, or replaces the version before r's; Conflict when that is not the present one.
func save(ctx context.Context, q store.Queryer, r row) error {
	if r.Version == 1 {
		return store.Exec(ctx, q, `INSERT INTO settings (name, value, version, changed_by, changed_at, reason) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.Name, r.Value, r.Version, r.By, r.At, r.Reason)
	}
	return store.ExecOne(ctx, q, `UPDATE settings SET value = $1, version = $2, changed_by = $3, changed_at = $4, reason = $5 WHERE name = $6 AND version = $7`,
		r.Value, r.Version, r.By, r.At, r.Reason, r.Name, r.Version-1)
}
