package org

import (
	"context"
	"iter"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const unitColumns = `u.id, u.code, u.name, u.short, u.aliases, u.pinyin, u.initials, u.kind, u.parent, u.rank, u.path, u.street_own, u.street, u.since, u.closed_at, u.version`

func scanUnit(u *Unit) []any {
	return []any{&u.ID, &u.Code, &u.Name, &u.Short, (*aliases)(&u.Aliases), &u.Pinyin, &u.Initials, &u.Kind, &u.Parent, &u.Rank, &u.path, &u.StreetOwn, &u.Street, &u.Since, &u.Closed, &u.Version}
}

// aliases reads a JSON array into a list that is never nil.
type aliases []string

// Scan implements sql.Scanner.
func (a *aliases) Scan(v any) error {
	var j store.JSON[[]string]
	err := j.Scan(v)
	if *a = j.V; j.V == nil {
		*a = aliases{}
	}
	return err
}

// units returns the units of cond in the tree's order.
func units(ctx context.Context, q store.Queryer, cond store.Cond) ([]Unit, error) {
	return store.All(ctx, q, scanUnit, `SELECT `+unitColumns+` FROM org_unit u WHERE `+cond.SQL+` ORDER BY u.path, u.id`, cond.Args...)
}

func oneUnit(ctx context.Context, q store.Queryer, cond store.Cond) (Unit, error) {
	u, err := store.One(ctx, q, scanUnit, `SELECT `+unitColumns+` FROM org_unit u WHERE `+cond.SQL, cond.Args...)
	if errs.Is(err, errs.Missing) {
		err = missingUnit()
	}
	return u, err
}

func missingUnit() error { return errs.New(errs.Missing, "org.no_unit") }

func unitPath(ctx context.Context, q store.Queryer, unit string) ([]Unit, error) {
	return store.All(ctx, q, scanUnit, `SELECT `+unitColumns+` FROM org_below b JOIN org_unit u ON u.id = b.unit WHERE b.below = $1 ORDER BY b.depth DESC`, unit)
}

// pathNames is the names from the top down to each of ids, joined by "/".
func pathNames(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	type row struct{ below, name string }
	out := map[string]string{}
	for part := range chunks(ids, 500) {
		in := store.In("b.below", part)
		all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.below, &r.name} },
			`SELECT b.below, u.name FROM org_below b JOIN org_unit u ON u.id = b.unit WHERE `+in.SQL+` ORDER BY b.below, b.depth DESC`, in.Args...)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if out[r.below] != "" {
				out[r.below] += "/"
			}
			out[r.below] += r.name
		}
	}
	return out, nil
}

// searchUnits ranks in memory: a district has hundreds of units.
func searchUnits(ctx context.Context, q store.Queryer, text string, limit int) ([]Unit, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil, nil
	}
	all, err := units(ctx, q, store.C("u.closed_at = 0"))
	if err != nil {
		return nil, err
	}
	place := func(u Unit) int {
		names := append([]string{u.Name, u.Short}, u.Aliases...)
		switch {
		case slices.ContainsFunc(names, func(s string) bool { return strings.ToLower(s) == text }):
			return 0
		case slices.ContainsFunc(names, func(s string) bool { return strings.HasPrefix(strings.ToLower(s), text) }):
			return 1
		case strings.HasPrefix(u.Initials, text), strings.HasPrefix(u.Pinyin, text), u.Code != "" && strings.EqualFold(u.Code, text):
			return 2
		case slices.ContainsFunc(names, func(s string) bool { return strings.Contains(strings.ToLower(s), text) }):
			return 3
		}
		return -1
	}
	all = slices.DeleteFunc(all, func(u Unit) bool { return place(u) < 0 })
	slices.SortStableFunc(all, func(a, b Unit) int { return place(a) - place(b) })
	return all[:min(limit, len(all))], nil
}

// chunks cuts all into parts of at most n, since engines bound the placeholders of a statement.
func chunks[T any](all []T, n int) iter.Seq[[]T] { return slices.Chunk(all, n) }
