package catalog

import (
	"context"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/find"
)

// foundAs is what an entry is called in the search.
const foundAs = "catalog"

// findable lets published entries be found by who may read the catalogue.
func (c *Catalog) findable() {
	c.find.Add(find.Source{Kind: foundAs,
		IDs: func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
			return store.Column[string](ctx, q, `SELECT id FROM catalog WHERE id > $1 ORDER BY id LIMIT `+strconv.Itoa(n), after)
		},
		Docs: func(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
			where := store.And(store.In("c.id", ids), store.C("c.state = 'published'"))
			all, err := store.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE `+where.SQL, where.Args...)
			docs := make([]find.Doc, len(all))
			for i, e := range all {
				docs[i] = find.Doc{ID: e.ID, Title: e.Name, Text: e.Code + " " + e.Summary + " " + e.Words, At: e.Changed}
			}
			return docs, err
		},
		Show: func(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
			out := map[string]find.Shown{}
			if !authz.From(ctx).Can("catalog.read") {
				return out, nil
			}
			where := store.And(store.In("c.id", ids), visible(ctx).Cond())
			all, err := store.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE `+where.SQL, where.Args...)
			for _, e := range all {
				out[e.ID] = find.Shown{Title: e.Name, Where: e.Code, Link: "/catalog/entries/" + e.ID}
			}
			return out, err
		}})
}

type watchIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		On bool `json:"on"`
	}
}

// watch lets the actor be told of changes of an entry, or no longer (订阅).
func (c *Catalog) watch(ctx context.Context, in *watchIn) (*struct{}, error) {
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, _, err := c.seen(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		me := authz.From(ctx)
		if me.Person == "" {
			return errs.New(errs.Denied, "catalog.no_person")
		}
		if in.Body.On {
			err = store.Exec(ctx, tx, `INSERT INTO catalog_watch (entry, person, at) VALUES ($1, $2, $3) ON CONFLICT (entry, person) DO NOTHING`, e.ID, me.Person, store.At(c.now()))
		} else {
			err = store.Exec(ctx, tx, `DELETE FROM catalog_watch WHERE entry = $1 AND person = $2`, e.ID, me.Person)
		}
		if err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.watch", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"on": in.Body.On}})
	})
}
