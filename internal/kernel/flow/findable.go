package flow

import (
	"context"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/find"
)

// foundAs is what a case is called in the search.
const foundAs = "flow_case"

// findable lets cases be found by their number and title; those one takes part in come first.
func (f *Flow) findable() {
	if f.find == nil {
		return
	}
	f.find.Add(find.Source{Kind: foundAs, Personal: true,
		IDs: func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
			return store.Column[string](ctx, q, `SELECT id FROM flow_case WHERE id > $1 ORDER BY id LIMIT `+strconv.Itoa(n), after)
		},
		Docs: caseDocs,
		Exact: func(ctx context.Context, q store.Queryer, text string) ([]string, error) {
			number := numberIn(text)
			if number == "" {
				return nil, nil
			}
			return store.Column[string](ctx, q, `SELECT id FROM flow_case WHERE number = $1`, number)
		},
		Show: func(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
			out := map[string]find.Shown{}
			for _, id := range ids {
				c, err := f.readable(ctx, q, id)
				if errs.Is(err, errs.Missing) || errs.Is(err, errs.Denied) {
					continue
				}
				if err != nil {
					return nil, err
				}
				out[id] = find.Shown{Title: c.Title, Where: c.Number, Link: f.link(c)}
			}
			return out, nil
		}})
}

func caseDocs(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
	in := store.In("id", ids)
	docs, err := store.All(ctx, q, func(d *find.Doc) []any { return []any{&d.ID, &d.Title, &d.Text, &d.At} },
		`SELECT id, title, number, begun_at FROM flow_case WHERE `+in.SQL, in.Args...)
	if err != nil {
		return nil, err
	}
	for i := range docs {
		if docs[i].Parties, err = store.Column[string](ctx, q, `SELECT person FROM flow_party WHERE case_id = $1 UNION SELECT person FROM flow_todo WHERE case_id = $2`, docs[i].ID, docs[i].ID); err != nil {
			return nil, err
		}
	}
	return docs, nil
}
