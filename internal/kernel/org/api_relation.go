package org

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

func scanRelation(r *Relation) []any {
	return []any{&r.ID, &r.Kind, &r.From, &r.FromName, &r.To, &r.ToName, &r.Since, &r.Until}
}

const relationSelect = `SELECT r.id, r.kind, r.from_unit, f.name, r.to_unit, t.name, r.from_at, r.until_at FROM org_relation r
	JOIN org_unit f ON f.id = r.from_unit JOIN org_unit t ON t.id = r.to_unit WHERE `

// relations returns the lasting relations of a unit, those in which it guides first.
func relations(ctx context.Context, q store.Queryer, unit string) ([]Relation, error) {
	all, err := store.All(ctx, q, scanRelation, relationSelect+`r.until_at = 0 AND (r.from_unit = $1 OR r.to_unit = $1)
		ORDER BY CASE WHEN r.from_unit = $1 THEN 0 ELSE 1 END, r.kind, r.from_at, r.id`, unit)
	if all == nil {
		all = []Relation{}
	}
	return all, err
}

// Guides returns the units that stand over unit by a lasting relation of kind, beside the line of command.
func (o *Org) Guides(ctx context.Context, q store.Queryer, unit string, kind RelationKind) ([]Unit, error) {
	return units(ctx, q, store.C(`u.id IN (SELECT r.from_unit FROM org_relation r WHERE r.to_unit = $1 AND r.kind = $2 AND r.until_at = 0)`, unit, string(kind)))
}

type relateIn struct {
	ID   string `path:"id" maxLength:"40" doc:"the unit that guides"`
	Body struct {
		Kind  RelationKind `json:"kind" enum:"guidance,dual,custody"`
		To    string       `json:"to" minLength:"1" maxLength:"40" doc:"the unit that is guided"`
		Since string       `json:"since" required:"false" maxLength:"10" doc:"the day it began, today when empty"`
	}
}

type idOut struct {
	Body struct {
		ID string `json:"id"`
	}
}

func made(id string) *idOut {
	out := &idOut{}
	out.Body.ID = id
	return out
}

func (o *Org) relate(ctx context.Context, in *relateIn) (*idOut, error) {
	rel := id.New()
	err := o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.relate", Object: "org_relation", ID: rel, Detail: map[string]any{"kind": in.Body.Kind, "from": in.ID, "to": in.Body.To}}
		if in.ID == in.Body.To {
			return e, errs.New(errs.Invalid, "org.relation_self")
		}
		var names [2]string
		for i, unit := range []string{in.ID, in.Body.To} {
			u, err := oneUnit(ctx, tx, store.C("u.id = $1 AND u.closed_at = 0", unit))
			if err != nil {
				return e, err
			}
			names[i] = u.Name
		}
		if err := mayUnit(ctx, tx, in.Body.To); err != nil { // who is guided, not who would guide
			return e, err
		}
		from, err := since(in.Body.Since, now.Time)
		if err != nil {
			return e, err
		}
		e.Title = names[0] + " → " + names[1]
		err = store.Exec(ctx, tx, `INSERT INTO org_relation (id, kind, from_unit, to_unit, from_at) VALUES ($1, $2, $3, $4, $5)`, rel, string(in.Body.Kind), in.ID, in.Body.To, from)
		if store.IsDuplicate(err) {
			return e, errs.New(errs.Conflict, "org.related", names[0], names[1])
		}
		if err != nil {
			return e, err
		}
		return e, o.tellUnits(ctx, tx, in.ID, in.Body.To)
	})
	return made(rel), err
}

func (o *Org) unrelate(ctx context.Context, in *unitIn) (*struct{}, error) {
	return nil, o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.unrelate", Object: "org_relation", ID: in.ID}
		r, err := store.One(ctx, tx, scanRelation, relationSelect+`r.id = $1 AND r.until_at = 0`, in.ID)
		if errs.Is(err, errs.Missing) {
			err = errs.New(errs.Missing, "org.no_relation")
		}
		if err != nil {
			return e, err
		}
		if err := mayUnit(ctx, tx, r.To); err != nil {
			return e, err
		}
		e.Title = r.FromName + " → " + r.ToName
		if err := store.Exec(ctx, tx, `UPDATE org_relation SET until_at = $1 WHERE id = $2`, now, in.ID); err != nil {
			return e, err
		}
		return e, o.tellUnits(ctx, tx, r.From, r.To)
	})
}
