package desk

import (
	"context"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/find"
)

// kind is what a notice is called in the search.
const kind = "desk_notice"

// findable lets notices be found by whom they are addressed to, as long as they are not withdrawn.
func (d *Desk) findable() {
	d.finds.Add(find.Source{Kind: kind,
		IDs: func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
			return store.Column[string](ctx, q, `SELECT id FROM desk_notice WHERE id > $1 ORDER BY id LIMIT `+strconv.Itoa(n), after)
		},
		Docs: func(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
			in := store.In("id", ids)
			return store.All(ctx, q, func(f *find.Doc) []any { return []any{&f.ID, &f.Title, &f.Text, &f.At} },
				`SELECT id, title, body, published_at FROM desk_notice WHERE withdrawn_at = 0 AND `+in.SQL, in.Args...)
		},
		Show: d.showFound})
}

func (d *Desk) showFound(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
	if !authz.From(ctx).Can("desk.read") {
		return nil, nil
	}
	out := map[string]find.Shown{}
	for _, id := range ids {
		n, _, err := d.readable(ctx, q, id)
		if errs.Is(err, errs.Missing) || errs.Is(err, errs.Denied) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n.WithdrawnAt.IsZero() {
			out[id] = find.Shown{Title: n.Title, Where: n.Unit.Name, Link: "/desk/notices/" + id}
		}
	}
	return out, nil
}
