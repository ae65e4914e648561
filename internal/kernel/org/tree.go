package org

import (
	"context"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// The tree as it is kept: the closure org_below, and on each unit a path that sorts the whole tree and
// the street it answers for. All three are changed in the transaction of the change.

// segment is a unit's part of its path: the rank, then the part of the id that says when it was made,
// so that of two with one rank the older comes first.
func segment(rank int, id string) string {
	return strconv.Itoa(100_000+rank) + id[:min(len(id), 13)]
}

// place is a unit's path and street below its parent's.
func place(parentPath, parentStreet string, u Unit) (path, street string) {
	street = parentStreet
	if u.StreetOwn != "" {
		street = u.StreetOwn
	}
	return parentPath + segment(u.Rank, u.ID), street
}

// hang adds a new unit below parent ("" for the top) to the closure.
func hang(ctx context.Context, q store.Queryer, unit, parent string) error {
	if err := store.Exec(ctx, q, `INSERT INTO org_below (unit, below, depth) VALUES ($1, $2, 0)`, unit, unit); err != nil {
		return err
	}
	return store.Exec(ctx, q, `INSERT INTO org_below (unit, below, depth) SELECT unit, CAST($1 AS TEXT), depth + 1 FROM org_below WHERE below = $2`, unit, parent)
}

// rehang moves the subtree of unit below parent ("" for the top) in the closure. The caller has made
// sure that parent does not stand in that subtree.
func rehang(ctx context.Context, q store.Queryer, unit, parent string) error {
	err := store.Exec(ctx, q, `DELETE FROM org_below WHERE below IN (SELECT s.below FROM org_below s WHERE s.unit = $1)
		AND unit NOT IN (SELECT s.below FROM org_below s WHERE s.unit = $1)`, unit)
	if err != nil {
		return err
	}
	return store.Exec(ctx, q, `INSERT INTO org_below (unit, below, depth) SELECT a.unit, b.below, a.depth + b.depth + 1
		FROM org_below a JOIN org_below b ON b.unit = $1 WHERE a.below = $2`, unit, parent)
}

// rehome marks for every unit at or below top the body that answers for it; see schema/0002_home.sql.
func rehome(ctx context.Context, q store.Queryer, top string) error {
	return store.Exec(ctx, q, `UPDATE org_below SET home = (org_below.unit = COALESCE((SELECT b.unit FROM org_below b JOIN org_unit u ON u.id = b.unit
		WHERE b.below = org_below.below AND u.kind <> 'section' ORDER BY b.depth LIMIT 1), org_below.below))
		WHERE below IN (SELECT s.below FROM org_below s WHERE s.unit = $1)`, top)
}

// isBelow reports whether unit stands in the subtree of top, which includes top itself.
func isBelow(ctx context.Context, q store.Queryer, top, unit string) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM org_below WHERE unit = $1 AND below = $2`, top, unit)
	return n > 0, err
}

// replant writes path and street anew for unit and everything below it, and the order of the people
// there, and which body answers for each. It returns the units whose street became another: what rights over streets reach.
func (o *Org) replant(ctx context.Context, tx *store.Tx, unit string) (restreeted []string, err error) {
	all, err := store.All(ctx, tx, scanUnit, `SELECT `+unitColumns+` FROM org_below b JOIN org_unit u ON u.id = b.below WHERE b.unit = $1 ORDER BY b.depth, u.id`, unit)
	if err != nil {
		return nil, err
	}
	if err := rehome(ctx, tx, unit); err != nil {
		return nil, err
	}
	placed := map[string]Unit{}
	if top := all[0].Parent; top != "" {
		if placed[top], err = oneUnit(ctx, tx, store.C("u.id = $1", top)); err != nil {
			return nil, err
		}
	}
	moved := false
	for _, u := range all {
		parent := placed[u.Parent]
		path, street := place(parent.path, parent.Street, u)
		if len(path) > MaxDepth*len(segment(0, u.ID)) {
			return nil, errs.New(errs.Invalid, "org.too_deep", MaxDepth)
		}
		if path != u.path || street != u.Street {
			if err := store.Exec(ctx, tx, `UPDATE org_unit SET path = $1, street = $2 WHERE id = $3`, path, street, u.ID); err != nil {
				return nil, err
			}
			if street != u.Street {
				restreeted = append(restreeted, u.ID)
			}
			moved = moved || path != u.path
			u.path, u.Street = path, street
		}
		placed[u.ID] = u
	}
	if moved {
		return restreeted, resort(ctx, tx, store.C(`unit_id IN (SELECT below FROM org_below WHERE unit = $1)`, unit))
	}
	return restreeted, nil
}

// resort writes for the persons of cond what follows from their current posts: the main unit and
// title, whether they are leaders, and their place in the address book. Whoever has no post comes last.
func resort(ctx context.Context, q store.Queryer, cond store.Cond) error {
	const main = `FROM org_post p JOIN org_unit u ON u.id = p.unit_id WHERE p.person = org_person.id AND p.main AND p.until_at = 0`
	return store.Exec(ctx, q, `UPDATE org_person SET
		unit_id = COALESCE((SELECT p.unit_id `+main+`), ''),
		title = COALESCE((SELECT p.title `+main+`), ''),
		leader = EXISTS (SELECT 1 FROM org_post p WHERE p.person = org_person.id AND p.until_at = 0 AND (p.leader OR p.rank <= `+itoa(LeaderRank)+`)),
		sort = COALESCE((SELECT u.path || ' ' || CAST(100000 + p.rank AS TEXT) || ' ' `+main+`), '~ ') || pinyin || ' ' || id
		WHERE `+cond.SQL, cond.Args...)
}

// sortKey is the same place in the address book, for rows written at once.
func sortKey(path string, rank int, pinyin, id string) string {
	return path + " " + strconv.Itoa(100_000+rank) + " " + pinyin + " " + id
}

// spanUnits ends what is kept of the units as they were and opens what they are at at; a closed unit gets none.
func spanUnits(ctx context.Context, q store.Queryer, at store.Time, ids ...string) error {
	for part := range chunks(ids, 500) {
		if err := endSpans(ctx, q, `DELETE FROM org_unit_span WHERE `, `UPDATE org_unit_span SET until_at = $1 WHERE `, "unit_id", at, part); err != nil {
			return err
		}
		in := store.In("id", part)
		if err := store.Exec(ctx, q, `INSERT INTO org_unit_span (unit_id, from_at, code, name, short, kind, parent, rank, street)
			SELECT id, `+micros(at)+`, code, name, short, kind, parent, rank, street FROM org_unit WHERE closed_at = 0 AND `+in.SQL, in.Args...); err != nil {
			return err
		}
	}
	return nil
}

// spanPosts is spanUnits for posts; an ended post gets none.
func spanPosts(ctx context.Context, q store.Queryer, at store.Time, ids ...string) error {
	for part := range chunks(ids, 500) {
		if err := endSpans(ctx, q, `DELETE FROM org_post_span WHERE `, `UPDATE org_post_span SET until_at = $1 WHERE `, "post_id", at, part); err != nil {
			return err
		}
		in := store.In("id", part)
		if err := store.Exec(ctx, q, `INSERT INTO org_post_span (post_id, from_at, person, unit_id, title, rank, leader, main)
			SELECT id, `+micros(at)+`, person, unit_id, title, rank, leader, main FROM org_post WHERE until_at = 0 AND `+in.SQL, in.Args...); err != nil {
			return err
		}
	}
	return nil
}

// endSpans closes the open spans of ids at at. One that began at the same instant never was.
func endSpans(ctx context.Context, q store.Queryer, remove, end, column string, at store.Time, ids []string) error {
	began := store.And(store.C("until_at = 0 AND from_at >= $1", at), store.In(column, ids))
	if err := store.Exec(ctx, q, remove+began.SQL, began.Args...); err != nil {
		return err
	}
	lasted := store.And(store.C("until_at = 0 AND from_at < $1", at), store.In(column, ids))
	return store.Exec(ctx, q, end+lasted.SQL, lasted.Args...)
}

// micros is a time as an integer literal.
func micros(t store.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
