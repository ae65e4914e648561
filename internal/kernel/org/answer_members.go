package org

import (
	"context"
	"strconv"

	"qushu/internal/base/store"
)

// Addressee is a person with the unit of his main post.
type Addressee struct{ ID, Name, Unit, UnitName string }

// Members lists up to limit people who have a post in one of units or below, each once, in the order of
// their ids beginning after the id after; no units means everybody who has not left.
func (o *Org) Members(ctx context.Context, q store.Queryer, units []string, after string, limit int) ([]Addressee, error) {
	conds := []store.Cond{store.C("p.left_at = 0"), store.C("p.id > $1", after)}
	if len(units) > 0 {
		in := store.In("b.unit", units)
		conds = append(conds, store.Cond{SQL: "p.id IN (SELECT s.person FROM org_post s JOIN org_below b ON b.below = s.unit_id WHERE s.until_at = 0 AND " + in.SQL + ")", Args: in.Args})
	}
	where := store.And(conds...)
	return store.All(ctx, q, func(m *Addressee) []any { return []any{&m.ID, &m.Name, &m.Unit, &m.UnitName} },
		`SELECT p.id, p.name, p.unit_id, coalesce(u.name, '') FROM org_person p LEFT JOIN org_unit u ON u.id = p.unit_id WHERE `+where.SQL+` ORDER BY p.id LIMIT `+strconv.Itoa(limit), where.Args...)
}

// Leaders returns the persons who hold a leading post in exactly that unit, in the order of its chart.
func (o *Org) Leaders(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT person FROM org_post WHERE unit_id = $1 AND leader = TRUE AND until_at = 0 ORDER BY rank, id`, unit)
}

// Sections returns the sections a body answers for.
func (o *Org) Sections(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT below FROM org_below WHERE unit = $1 AND home = TRUE AND below <> $2 ORDER BY below`, unit, unit)
}

// At returns the persons who hold a post in exactly that unit.
func (o *Org) At(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT DISTINCT person FROM org_post WHERE unit_id = $1 AND until_at = 0 ORDER BY person`, unit)
}

// GroupPeople returns the members of a group who have not left it.
func (o *Org) GroupPeople(ctx context.Context, q store.Queryer, group string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT person FROM org_group_member WHERE group_id = $1 AND until_at = 0 ORDER BY rank, id`, group)
}

// Staff returns everybody who has not left and whose main post stands in unit or below, in any unit for "", in
// the order of the address book.
func (o *Org) Staff(ctx context.Context, q store.Queryer, unit string) ([]Person, error) {
	c := store.C("e.left_at = 0 AND e.unit_id <> ''")
	if unit != "" {
		c = store.And(c, store.C("e.unit_id IN (SELECT below FROM org_below WHERE unit = $1)", unit))
	}
	return people(ctx, q, c)
}
