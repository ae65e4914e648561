package org

import (
	"context"
	"strings"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/find"
)

// Findable enters persons, units and groups into the search. Whoever may read the address book may open each.
func (o *Org) Findable(f *find.Find) {
	o.find = f
	f.Add(find.Source{Kind: "org_person", IDs: idsOf(`SELECT id FROM org_person WHERE id > $1 ORDER BY id LIMIT `), Docs: personDocs, Show: showPeople},
		find.Source{Kind: "org_unit", IDs: idsOf(`SELECT id FROM org_unit WHERE id > $1 ORDER BY id LIMIT `), Docs: unitDocs, Show: showUnits},
		find.Source{Kind: "org_group", IDs: idsOf(`SELECT id FROM org_group WHERE id > $1 ORDER BY id LIMIT `), Docs: groupDocs, Show: showGroups})
}

func idsOf(query string) func(context.Context, store.Queryer, string, int) ([]string, error) {
	return func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error) {
		return store.Column[string](ctx, q, query+itoa(n), after)
	}
}

func mayFind(ctx context.Context) bool { return authz.From(ctx).Can("org.read") }

func standingPeople(ctx context.Context, q store.Queryer, ids []string) ([]Person, error) {
	return people(ctx, q, store.And(store.C("e.left_at = 0"), store.In("e.id", ids)))
}

func personDocs(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
	all, err := standingPeople(ctx, q, ids)
	docs := make([]find.Doc, len(all))
	for i, p := range all {
		docs[i] = find.Doc{ID: p.ID, Title: p.Name, Text: p.StaffNo}
	}
	return docs, err
}

func showPeople(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
	if !mayFind(ctx) {
		return nil, nil
	}
	all, err := standingPeople(ctx, q, ids)
	out := make(map[string]find.Shown, len(all))
	for _, p := range all {
		out[p.ID] = find.Shown{Title: p.Name, Where: strings.Trim(p.UnitName+" · "+p.Title, " ·"), Link: "/org/people/" + p.ID}
	}
	return out, err
}

// standingUnits returns those of ids that are not closed.
func standingUnits(ctx context.Context, o store.Queryer, ids []string) ([]Unit, error) {
	return units(ctx, o, store.And(store.C("u.closed_at = 0"), store.In("u.id", ids)))
}

func unitDocs(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
	all, err := standingUnits(ctx, q, ids)
	docs := make([]find.Doc, len(all))
	for i, u := range all { // pinyin finds the short name and the others too
		docs[i] = find.Doc{ID: u.ID, Title: strings.Join(append([]string{u.Name, u.Short}, u.Aliases...), " "), Text: u.Code}
	}
	return docs, err
}

func showUnits(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
	if !mayFind(ctx) {
		return nil, nil
	}
	all, err := standingUnits(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]find.Shown, len(all))
	for _, u := range all {
		path, err := unitPath(ctx, q, u.ID)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, over := range path {
			if over.ID != u.ID {
				names = append(names, over.Label())
			}
		}
		out[u.ID] = find.Shown{Title: u.Name, Where: strings.Join(names, " / "), Link: "/org/units/" + u.ID}
	}
	return out, nil
}

type groupLine struct{ id, name, duty string }

func standingGroups(ctx context.Context, q store.Queryer, ids []string) ([]groupLine, error) {
	in := store.In("id", ids)
	return store.All(ctx, q, func(g *groupLine) []any { return []any{&g.id, &g.name, &g.duty} }, `SELECT id, name, duty FROM org_group WHERE until_at = 0 AND `+in.SQL, in.Args...)
}

func groupDocs(ctx context.Context, q store.Queryer, ids []string) ([]find.Doc, error) {
	all, err := standingGroups(ctx, q, ids)
	docs := make([]find.Doc, len(all))
	for i, g := range all {
		docs[i] = find.Doc{ID: g.id, Title: g.name, Text: g.duty}
	}
	return docs, err
}

func showGroups(ctx context.Context, q store.Queryer, ids []string) (map[string]find.Shown, error) {
	if !mayFind(ctx) {
		return nil, nil
	}
	all, err := standingGroups(ctx, q, ids)
	out := make(map[string]find.Shown, len(all))
	for _, g := range all {
		out[g.id] = find.Shown{Title: g.name, Link: "/org/groups/" + g.id}
	}
	return out, err
}
