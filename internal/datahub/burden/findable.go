package burden

import (
	"context"
	"strconv"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/find"
)

// foundAs is what an admitted report is called in the search.
const foundAs = "burden"

// findable lets reports be found once they are approved: before that their cases are.
func (b *Burden) findable() {
	b.find.Add(find.Source{Kind: foundAs,
		IDs: func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
			return store.Column[string](ctx, q, `SELECT id FROM burden WHERE id > $1 ORDER BY id LIMIT `+strconv.Itoa(n), after)
		},
		Docs: func(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
			where := store.And(store.In("id", ids), store.C("state = 'approved'"))
			return store.All(ctx, q, func(d *find.Doc) []any { return []any{&d.ID, &d.Title, &d.Text, &d.At} }, `SELECT id, title, number || ' ' || purpose, changed_at FROM burden WHERE `+where.SQL, where.Args...)
		},
		Show: func(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
			out := map[string]find.Shown{}
			if !authz.From(ctx).Can("burden.read") {
				return out, nil
			}
			where := store.And(store.In("a.id", ids), visible(ctx).Cond())
			all, err := store.All(ctx, q, scanReport, `SELECT `+reportColumns+` FROM burden a WHERE `+where.SQL, where.Args...)
			for _, r := range all {
				out[r.ID] = find.Shown{Title: r.Title, Where: r.Number, Link: "/burden/reports/" + r.ID}
			}
			return out, err
		}})
}
