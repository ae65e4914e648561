package dataset

import (
	"context"
	"strconv"

	"qushu/internal/base/store"
	"qushu/internal/kernel/find"
)

// kind is what a dataset is called in the search.
const kind = "dataset"

// Findable tells where changes are entered. Nothing is until a room shows datasets by Shown.
func (d *Datasets) Findable(f *find.Find) { d.find = f }

// Shown lets datasets be found by who may read them with perm, on a room's page; called once, when the room is made.
func (d *Datasets) Shown(perm string, link func(id string) string) {
	d.find.Add(find.Source{Kind: kind,
		IDs: func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
			return store.Column[string](ctx, q, `SELECT id FROM dataset WHERE id > $1 ORDER BY id LIMIT `+strconv.Itoa(n), after)
		},
		Docs: func(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
			all, err := among(ctx, q, store.In("d.id", ids))
			docs := make([]find.Doc, len(all))
			for i, ds := range all { // not by its columns: who is granted some would learn of the others
				docs[i] = find.Doc{ID: ds.ID, Title: ds.Title, Text: ds.Name + " " + ds.Summary, At: ds.Updated}
			}
			return docs, err
		},
		Show: func(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
			scope, err := d.Readable(ctx, q, perm, "")
			if err != nil {
				return nil, err
			}
			all, err := among(ctx, q, store.And(store.In("d.id", ids), scope.Cond()))
			out := make(map[string]find.Shown, len(all))
			for _, ds := range all {
				out[ds.ID] = find.Shown{Title: ds.Title, Where: ds.Name, Link: link(ds.ID)}
			}
			return out, err
		}})
}

// Among returns those of some datasets that scope shows, by id.
func (d *Datasets) Among(ctx context.Context, q store.Queryer, ids []string, scope store.Scope) (map[string]Dataset, error) {
	all, err := among(ctx, q, store.And(store.In("d.id", ids), scope.Cond()))
	out := make(map[string]Dataset, len(all))
	for _, ds := range all {
		out[ds.ID] = d.fresh(ds)
	}
	return out, err
}

func among(ctx context.Context, q store.Queryer, which store.Cond) ([]Dataset, error) {
	return store.All(ctx, q, scan, `SELECT `+columns+` FROM dataset d WHERE `+which.SQL, which.Args...)
}
