package org

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

func insertUnit(ctx context.Context, q store.Queryer, u Unit) error {
	return store.Exec(ctx, q, `INSERT INTO org_unit (id, code, name, short, aliases, pinyin, initials, kind, parent, rank, path, street_own, street, since, closed_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		u.ID, u.Code, u.Name, u.Short, store.JSON[[]string]{V: u.Aliases}, u.Pinyin, u.Initials, string(u.Kind), u.Parent, u.Rank, u.path, u.StreetOwn, u.Street, u.Since, u.Closed, u.Version)
}

// saveUnit writes u over the version it was read at. Path and street are replant's.
func saveUnit(ctx context.Context, q store.Queryer, u Unit) error {
	return store.ExecOne(ctx, q, `UPDATE org_unit SET code = $1, name = $2, short = $3, aliases = $4, pinyin = $5, initials = $6, kind = $7, parent = $8, rank = $9,
		street_own = $10, closed_at = $11, version = version + 1 WHERE id = $12 AND version = $13`,
		u.Code, u.Name, u.Short, store.JSON[[]string]{V: u.Aliases}, u.Pinyin, u.Initials, string(u.Kind), u.Parent, u.Rank, u.StreetOwn, u.Closed, u.ID, u.Version)
}

// unitTaken says which of a unit's two unique things another has.
func unitTaken(ctx context.Context, q store.Queryer, u Unit) error {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM org_unit WHERE parent = $1 AND name = $2 AND closed_at = 0 AND id <> $3`, u.Parent, u.Name, u.ID)
	if err != nil {
		return err
	}
	if n > 0 {
		return errs.New(errs.Conflict, "org.unit_name_taken", u.Name)
	}
	if u.Code == "" {
		return nil
	}
	other, err := oneUnit(ctx, q, store.C("u.code = $1 AND u.closed_at = 0 AND u.id <> $2", u.Code, u.ID))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err == nil {
		err = errs.New(errs.Conflict, "org.unit_code_taken", u.Code, other.Name)
	}
	return err
}

// inUse counts what keeps a unit from being closed: open units right below and current posts.
func inUse(ctx context.Context, q store.Queryer, unit string) (units, posts int, err error) {
	if units, err = store.Value[int](ctx, q, `SELECT count(*) FROM org_unit WHERE parent = $1 AND closed_at = 0`, unit); err != nil {
		return 0, 0, err
	}
	posts, err = store.Value[int](ctx, q, `SELECT count(*) FROM org_post WHERE unit_id = $1 AND until_at = 0`, unit)
	return units, posts, err
}

// Branch is a unit in the tree with what stands below it.
type Branch struct {
	ID       string `json:"id"`
	Code     string `json:"code"`
	Name     string `json:"name"`
	Short    string `json:"short"`
	Kind     Kind   `json:"kind"`
	Parent   string `json:"parent"`
	Rank     int    `json:"rank"`
	Street   string `json:"street"`
	Closed   bool   `json:"closed"`
	Children int    `json:"children" doc:"units right below"`
	People   int    `json:"people" doc:"persons whose main post is in it or below"`

	path string
}

func scanBranch(b *Branch) []any {
	return []any{&b.ID, &b.Code, &b.Name, &b.Short, &b.Kind, &b.Parent, &b.Rank, &b.Street, &b.Closed, &b.Children, &b.People, &b.path}
}

// branches returns the units right below parent today, closed ones only when asked for.
func branches(ctx context.Context, q store.Queryer, scope store.Scope, parent string, closed bool) ([]Branch, error) {
	cond := store.And(scope.Cond(), store.C("u.parent = $1", parent))
	if !closed {
		cond = store.And(cond, store.C("u.closed_at = 0"))
	}
	return store.All(ctx, q, scanBranch, `SELECT u.id, u.code, u.name, u.short, u.kind, u.parent, u.rank, u.street, u.closed_at <> 0,
		(SELECT count(*) FROM org_unit c WHERE c.parent = u.id AND c.closed_at = 0),
		(SELECT count(*) FROM org_below b JOIN org_person e ON e.unit_id = b.below WHERE b.unit = u.id), u.path
		FROM org_unit u WHERE `+cond.SQL+` ORDER BY u.path, u.id`, cond.Args...)
}

// branchesAt returns the units that stood right below parent at at, as they were then.
func branchesAt(ctx context.Context, q store.Queryer, scope store.Scope, parent string, at store.Time) ([]Branch, error) {
	cond := store.And(store.C("s.parent = $1", parent), scope.Cond())
	return store.All(ctx, q, scanBranch, `WITH RECURSIVE org_chart (top, unit) AS (
			SELECT s.unit_id, s.unit_id FROM org_unit_span s WHERE s.parent = $1 AND `+then("s", at)+`
			UNION ALL SELECT org_chart.top, s.unit_id FROM org_chart JOIN org_unit_span s ON s.parent = org_chart.unit WHERE `+then("s", at)+`)
		SELECT s.unit_id, s.code, s.name, s.short, s.kind, s.parent, s.rank, s.street, FALSE,
		(SELECT count(*) FROM org_unit_span c WHERE c.parent = s.unit_id AND `+then("c", at)+`),
		(SELECT count(*) FROM org_chart JOIN org_post_span p ON p.unit_id = org_chart.unit WHERE org_chart.top = s.unit_id AND p.main AND `+then("p", at)+`), u.path
		FROM org_unit_span s JOIN org_unit u ON u.id = s.unit_id WHERE `+then("s", at)+` AND `+cond.SQL+` ORDER BY s.rank, u.path, s.unit_id`, cond.Args...)
}

// then is the condition that a span of the table alias lasted at at.
func then(alias string, at store.Time) string {
	t := micros(at)
	return `(` + alias + `.from_at <= ` + t + ` AND (` + alias + `.until_at = 0 OR ` + alias + `.until_at > ` + t + `))`
}
