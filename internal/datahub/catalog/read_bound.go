package catalog

import (
	"context"

	"qushu/internal/base/store"
)

// Bound is the dataset a published entry is bound to, with the column of each item by its name; "" when there is none.
func (c *Catalog) Bound(ctx context.Context, q store.Queryer, entry string) (dataset string, columns map[string]string, err error) {
	all, err := bindings(ctx, q, store.C("m.entry = $1 AND m.state = 'mounted'", entry))
	if err != nil || len(all) == 0 {
		return "", nil, err
	}
	columns = map[string]string{}
	for _, p := range all[0].Pairs.V {
		columns[p.Item] = p.Column
	}
	return all[0].Dataset, columns, nil
}
