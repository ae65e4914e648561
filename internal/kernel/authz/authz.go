// Package authz says what an actor may do and which rows he may do it to. Rooms declare permissions;
// roles grant them with a scope; a post carries roles; a delegation lends for a dated period what its
// giver holds. Default is no.
package authz

import (
	"context"
	"embed"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// From returns who acts. A route behind a permission always has somebody; elsewhere it is an empty
// actor who may nothing.
func From(ctx context.Context) *room.Actor {
	if a := room.ActorOf(ctx); a != nil {
		return a
	}
	return &room.Actor{}
}

// Cols names the columns that say whose a row is. An empty name means the table has none, so that a
// grant of that scope shows nothing of it.
type Cols struct {
	Unit, Street, Owner string
	// Sections says that Unit may name a section: the rows are people, posts or units. What a room keeps
	// belongs to the body (Actor.Home), and needs no look at the tree.
	Sections bool
}

// usual are the names rooms use.
var usual = Cols{Unit: "unit_id", Street: "street", Owner: "owner"}

// Where is the scope of perm over a table with the columns unit_id, street and owner.
func Where(ctx context.Context, perm string) store.Scope { return WhereCols(ctx, perm, usual) }

// WhereCols is Where over columns of other names, with a table's alias for instance.
func WhereCols(ctx context.Context, perm string, c Cols) store.Scope {
	a := From(ctx)
	if a.IsJob {
		return store.Unscoped("a job of the system")
	}
	var any []store.Cond
	for _, g := range a.Reach(perm) {
		if g.Scope == room.All {
			return store.Unscoped("granted over all rows")
		}
		if cond, ok := reach(g, c); ok {
			any = append(any, cond)
		}
	}
	return store.Scoped(store.Or(any...))
}

func reach(g room.Grant, c Cols) (store.Cond, bool) {
	switch {
	case g.Scope == room.Self && c.Owner != "" && g.Person != "":
		return store.C(c.Owner+" = $1", g.Person), true
	case g.Scope == room.Unit && c.Unit != "" && g.Unit != "" && c.Sections:
		return store.C("("+c.Unit+" = $1 OR "+c.Unit+" IN (SELECT below FROM org_below WHERE unit = $2 AND home = TRUE))", g.Unit, g.Unit), true
	case g.Scope == room.Unit && c.Unit != "" && g.Unit != "":
		return store.C(c.Unit+" = $1", g.Unit), true
	case g.Scope == room.Below && c.Unit != "" && g.Unit != "":
		return store.C(c.Unit+" IN (SELECT below FROM org_below WHERE unit = $1)", g.Unit), true
	case g.Scope == room.Street && c.Street != "" && g.Street != "":
		return store.C(c.Street+" = $1", g.Street), true
	}
	return store.Cond{}, false
}

// MayUnit reports whether perm reaches the rows of one unit. The scope unit reaches the sections of the body too.
func MayUnit(ctx context.Context, q store.Queryer, perm, unit string) error {
	a := From(ctx)
	for _, g := range a.Reach(perm) {
		switch {
		case g.Scope == room.All, (g.Scope == room.Unit || g.Scope == room.Below) && g.Unit == unit:
			return nil
		case g.Scope == room.Below, g.Scope == room.Unit:
			n, err := store.Value[int](ctx, q, `SELECT count(*) FROM org_below WHERE unit = $1 AND below = $2 AND (home = TRUE OR $3 = 'below')`, g.Unit, unit, string(g.Scope))
			if err != nil {
				return err
			}
			if n > 0 {
				return nil
			}
		}
	}
	if a.IsJob {
		return nil
	}
	return errs.New(errs.Denied, "authz.other_unit")
}

// Reached is the rows a permission reaches, for deciding row by row what to show of them.
type Reached struct {
	all     bool
	units   map[string]bool
	streets map[string]bool
	persons map[string]bool
}

// Reach reads how far the caller's perm reaches; nowhere when he does not hold it. One small query for
// each grant of the scopes Unit and Below.
func Reach(ctx context.Context, q store.Queryer, perm string) (Reached, error) {
	a := From(ctx)
	r := Reached{all: a.IsJob, units: map[string]bool{}, streets: map[string]bool{}, persons: map[string]bool{}}
	for _, g := range a.Reach(perm) {
		switch g.Scope {
		case room.All:
			r.all = true
		case room.Self:
			r.persons[g.Person] = true
		case room.Street:
			r.streets[g.Street] = true
		case room.Unit, room.Below:
			below, err := store.Column[string](ctx, q, `SELECT below FROM org_below WHERE unit = $1 AND (home = TRUE OR $2 = 'below')`, g.Unit, string(g.Scope))
			if err != nil {
				return Reached{}, err
			}
			r.units[g.Unit] = true
			for _, u := range below {
				r.units[u] = true
			}
		}
	}
	return r, nil
}

// All reports whether every row is reached.
func (r Reached) All() bool { return r.all }

// Has reports whether a row of that unit, street and owner is reached; "" is never reached but by All.
func (r Reached) Has(unit, street, owner string) bool {
	return r.all || unit != "" && r.units[unit] || street != "" && r.streets[street] || owner != "" && r.persons[owner]
}
