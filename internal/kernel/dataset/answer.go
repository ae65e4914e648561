package dataset

import (
	"context"

	"qushu/internal/base/store"
)

// Stored returns the ids of every warehouse version a row names, for a backup.
func (d *Datasets) Stored(ctx context.Context, q store.Queryer) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT id FROM dataset_version ORDER BY id`)
}
