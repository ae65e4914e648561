package org

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// unitScope is the reach over a table whose units stand in column.
func unitScope(ctx context.Context, column, street string) store.Scope {
	return authz.WhereCols(ctx, "org.read", authz.Cols{Unit: column, Street: street, Sections: true})
}

type branchesIn struct {
	Parent string `query:"parent" maxLength:"40" doc:"empty for the top"`
	AsOf   string `query:"asOf" maxLength:"10" doc:"the chart at the end of that day, 2022-12-31; today's when empty"`
	Closed bool   `query:"closed" doc:"closed units too; today's chart only"`
}

type branchesOut struct {
	Body struct {
		Items []Branch `json:"items" nullable:"false"`
	}
}

func (o *Org) listUnits(ctx context.Context, in *branchesIn) (*branchesOut, error) {
	at, err := asOf(in.AsOf)
	if err != nil {
		return nil, err
	}
	var all []Branch
	if at.IsZero() {
		all, err = branches(ctx, o.db, unitScope(ctx, "u.id", "u.street"), in.Parent, in.Closed)
	} else {
		all, err = branchesAt(ctx, o.db, unitScope(ctx, "s.unit_id", "s.street"), in.Parent, at)
	}
	out := &branchesOut{}
	if out.Body.Items = all; all == nil {
		out.Body.Items = []Branch{}
	}
	return out, err
}

type unitIn struct {
	ID string `path:"id" maxLength:"40"`
}

// UnitRef names a unit.
type UnitRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type unitOut struct {
	Body struct {
		Unit
		Path      []UnitRef  `json:"path" nullable:"false" doc:"from the top down, the unit itself last"`
		Relations []Relation `json:"relations" nullable:"false" doc:"those that last, in both directions"`
		MayEdit   bool       `json:"mayEdit"`
	}
}

func (o *Org) showUnit(ctx context.Context, in *unitIn) (*unitOut, error) {
	scope := unitScope(ctx, "u.id", "u.street").Cond()
	u, err := oneUnit(ctx, o.db, store.And(store.C("u.id = $1", in.ID), scope))
	if err != nil {
		return nil, err
	}
	out := &unitOut{}
	out.Body.Unit, out.Body.Path = u, []UnitRef{}
	path, err := unitPath(ctx, o.db, u.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range path {
		out.Body.Path = append(out.Body.Path, UnitRef{p.ID, p.Name})
	}
	if out.Body.Relations, err = relations(ctx, o.db, u.ID); err != nil {
		return nil, err
	}
	err = mayUnit(ctx, o.db, u.ID)
	out.Body.MayEdit = err == nil
	if errs.Is(err, errs.Denied) {
		err = nil
	}
	return out, err
}

// UnitSpan is what a unit was for a time.
type UnitSpan struct {
	From       store.Time `json:"from"`
	Until      store.Time `json:"until" doc:"null while it lasts"`
	Code       string     `json:"code"`
	Name       string     `json:"name"`
	Short      string     `json:"short"`
	Kind       Kind       `json:"kind"`
	Parent     string     `json:"parent"`
	ParentName string     `json:"parentName" doc:"as the parent was called when the span began"`
	Street     string     `json:"street"`
}

type unitHistoryOut struct {
	Body struct {
		Items []UnitSpan `json:"items" nullable:"false"`
	}
}

func (o *Org) unitHistory(ctx context.Context, in *unitIn) (*unitHistoryOut, error) {
	if _, err := oneUnit(ctx, o.db, store.And(store.C("u.id = $1", in.ID), unitScope(ctx, "u.id", "u.street").Cond())); err != nil {
		return nil, err
	}
	all, err := store.All(ctx, o.db, func(s *UnitSpan) []any {
		return []any{&s.From, &s.Until, &s.Code, &s.Name, &s.Short, &s.Kind, &s.Parent, &s.Street, &s.ParentName}
	}, `SELECT s.from_at, s.until_at, s.code, s.name, s.short, s.kind, s.parent, s.street,
		COALESCE((SELECT p.name FROM org_unit_span p WHERE p.unit_id = s.parent AND p.from_at <= s.from_at AND (p.until_at = 0 OR p.until_at > s.from_at)), '')
		FROM org_unit_span s WHERE s.unit_id = $1 ORDER BY s.from_at DESC`, in.ID)
	out := &unitHistoryOut{}
	if out.Body.Items = all; all == nil {
		out.Body.Items = []UnitSpan{}
	}
	return out, err
}

type createUnitIn struct {
	Body struct {
		UnitForm
		Parent string `json:"parent" required:"false" maxLength:"40" doc:"empty for the top"`
		Since  string `json:"since" required:"false" maxLength:"10" doc:"the day it was set up, today when empty"`
	}
}

type unitDone struct {
	Body struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
	}
}

func done(id string, version int64) *unitDone {
	out := &unitDone{}
	out.Body.ID, out.Body.Version = id, version
	return out
}

func (o *Org) createUnit(ctx context.Context, in *createUnitIn) (*unitDone, error) {
	u := Unit{ID: id.New(), Parent: in.Body.Parent, Version: 1}
	if err := in.Body.apply(&u); err != nil {
		return nil, err
	}
	err := o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: "org.unit_create", Object: "org_unit", ID: u.ID, Title: u.Name, Detail: map[string]any{"unit": u}}
		var err error
		if u.Since, err = since(in.Body.Since, now.Time); err != nil {
			return e, err
		}
		if err := openParent(ctx, tx, u.Parent); err != nil {
			return e, err
		}
		if u.StreetOwn != "" { // the street decides which rows rights reach
			if err := mayAll(ctx, tx); err != nil {
				return e, err
			}
		}
		if err := unitTaken(ctx, tx, u); err != nil {
			return e, err
		}
		if err := insertUnit(ctx, tx, u); err != nil {
			return e, err
		}
		if err := hang(ctx, tx, u.ID, u.Parent); err != nil {
			return e, err
		}
		return e, o.settle(ctx, tx, u.ID, u.Since)
	})
	return done(u.ID, 1), err
}

// openParent says why nothing can be put below parent: the caller may not, or it is closed.
func openParent(ctx context.Context, q store.Queryer, parent string) error {
	if err := mayUnit(ctx, q, parent); err != nil || parent == "" {
		return err
	}
	p, err := oneUnit(ctx, q, store.C("u.id = $1", parent))
	if err == nil && !p.Closed.IsZero() {
		err = errs.New(errs.Invalid, "org.parent_closed", p.Name)
	}
	return err
}

// settle ends every change of a unit: path and street of its subtree, its dated rows, rights, listeners.
func (o *Org) settle(ctx context.Context, tx *store.Tx, unit string, at store.Time) error {
	restreeted, err := o.replant(ctx, tx, unit)
	if err != nil {
		return err
	}
	changed := []string{unit}
	for _, r := range restreeted {
		if r != unit {
			changed = append(changed, r)
		}
	}
	if err := spanUnits(ctx, tx, at, changed...); err != nil {
		return err
	}
	if err := o.authz.Touch(ctx, tx); err != nil { // “unit and below” reaches other rows now
		return err
	}
	return o.tellUnits(ctx, tx, changed...)
}

type updateUnitIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		UnitForm
		Version int64 `json:"version" minimum:"1"`
	}
}

func (o *Org) updateUnit(ctx context.Context, in *updateUnitIn) (*unitDone, error) {
	err := o.changeUnit(ctx, in.ID, in.Body.Version, "org.unit_update", func(ctx context.Context, tx *store.Tx, u *Unit) error {
		before := *u
		if err := in.Body.apply(u); err != nil {
			return err
		}
		if reachChanges(before, *u) {
			if err := mayAll(ctx, tx); err != nil {
				return err
			}
		}
		return unitTaken(ctx, tx, *u)
	})
	return done(in.ID, in.Body.Version+1), err
}

// changeUnit finds a unit the caller may change, lets fn change it, and saves it over version.
func (o *Org) changeUnit(ctx context.Context, unit string, version int64, action string, fn func(context.Context, *store.Tx, *Unit) error) error {
	return o.change(ctx, func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error) {
		e := audit.Entry{Action: action, Object: "org_unit", ID: unit}
		u, err := oneUnit(ctx, tx, store.C("u.id = $1", unit))
		if err != nil {
			return e, err
		}
		if err := mayUnit(ctx, tx, unit); err != nil {
			return e, err
		}
		before := u
		if err := fn(ctx, tx, &u); err != nil {
			return e, err
		}
		e.Title, e.Detail = u.Name, map[string]any{"before": before, "after": u}
		u.Version = version
		if err := saveUnit(ctx, tx, u); err != nil {
			return e, err
		}
		return e, o.settle(ctx, tx, unit, now)
	})
}

type moveUnitIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Parent  string `json:"parent" required:"false" maxLength:"40" doc:"empty for the top"`
		Rank    int    `json:"rank" required:"false" minimum:"0" maximum:"9999" doc:"order there, unchanged when 0"`
		Version int64  `json:"version" minimum:"1"`
	}
}

func (o *Org) moveUnit(ctx context.Context, in *moveUnitIn) (*unitDone, error) {
	err := o.changeUnit(ctx, in.ID, in.Body.Version, "org.unit_move", func(ctx context.Context, tx *store.Tx, u *Unit) error {
		if !u.Closed.IsZero() {
			return errs.New(errs.Invalid, "org.unit_closed", u.Name)
		}
		if err := openParent(ctx, tx, in.Body.Parent); err != nil {
			return err
		}
		if inside, err := isBelow(ctx, tx, u.ID, in.Body.Parent); err != nil {
			return err
		} else if inside {
			return errs.New(errs.Invalid, "org.cycle", u.Name)
		}
		if err := mayUnit(ctx, tx, u.Parent); err != nil { // who takes a unit away must have it: not only its own administrator
			return err
		}
		u.Parent = in.Body.Parent
		if in.Body.Rank > 0 {
			u.Rank = in.Body.Rank
		}
		if err := unitTaken(ctx, tx, *u); err != nil {
			return err
		}
		return rehang(ctx, tx, u.ID, u.Parent)
	})
	return done(in.ID, in.Body.Version+1), err
}

type unitVersionIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version" minimum:"1"`
	}
}

func (o *Org) closeUnit(ctx context.Context, in *unitVersionIn) (*unitDone, error) {
	err := o.changeUnit(ctx, in.ID, in.Body.Version, "org.unit_close", func(ctx context.Context, tx *store.Tx, u *Unit) error {
		if !u.Closed.IsZero() {
			return errs.New(errs.Conflict, "org.unit_closed", u.Name)
		}
		children, posts, err := inUse(ctx, tx, u.ID)
		if err == nil && children+posts > 0 {
			err = errs.New(errs.Conflict, "org.unit_in_use", u.Name, children, posts)
		}
		u.Closed = store.At(o.now())
		return err
	})
	return done(in.ID, in.Body.Version+1), err
}

func (o *Org) reopenUnit(ctx context.Context, in *unitVersionIn) (*unitDone, error) {
	err := o.changeUnit(ctx, in.ID, in.Body.Version, "org.unit_reopen", func(ctx context.Context, tx *store.Tx, u *Unit) error {
		if u.Closed.IsZero() {
			return errs.New(errs.Conflict, "org.unit_open", u.Name)
		}
		if err := openParent(ctx, tx, u.Parent); err != nil {
			return err
		}
		u.Closed = store.Time{}
		return unitTaken(ctx, tx, *u)
	})
	return done(in.ID, in.Body.Version+1), err
}
