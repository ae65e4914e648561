package org

import (
	"context"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// UnitChanged is the payload of org.unit_changed: units made, changed, moved, closed or opened again.
type UnitChanged struct {
	Units []string `json:"units"`
}

// PersonChanged is the payload of org.person_changed: persons made or changed.
type PersonChanged struct {
	People []string `json:"people"`
}

// PostChanged is the payload of org.post_changed: the persons whose posts began, changed or ended.
type PostChanged struct {
	People []string `json:"people"`
}

// Left is the payload of org.left: a person has left, and these posts of his have ended.
type Left struct {
	Person string   `json:"person"`
	Posts  []string `json:"posts"`
}

func emits() []bus.Event {
	return []bus.Event{bus.Emits[UnitChanged]("org.unit_changed"), bus.Emits[PersonChanged]("org.person_changed"),
		bus.Emits[PostChanged]("org.post_changed"), bus.Emits[Left]("org.left")}
}

// eventSize is how many ids one event carries at most.
const eventSize = 500

func (o *Org) tellUnits(ctx context.Context, tx *store.Tx, ids ...string) error {
	for part := range chunks(ids, eventSize) {
		if err := o.bus.Emit(ctx, tx, "org.unit_changed", UnitChanged{part}); err != nil {
			return err
		}
	}
	return nil
}

func (o *Org) tellPeople(ctx context.Context, tx *store.Tx, ids ...string) error {
	for part := range chunks(ids, eventSize) {
		if err := o.bus.Emit(ctx, tx, "org.person_changed", PersonChanged{part}); err != nil {
			return err
		}
	}
	return nil
}

// tellPosts says whose posts changed; rights follow from posts, so they are read again.
func (o *Org) tellPosts(ctx context.Context, tx *store.Tx, people ...string) error {
	if err := o.authz.Touch(ctx, tx); err != nil {
		return err
	}
	for part := range chunks(people, eventSize) {
		if err := o.bus.Emit(ctx, tx, "org.post_changed", PostChanged{part}); err != nil {
			return err
		}
	}
	return nil
}

// change runs one verb: in a transaction, one after the other (verbs of this package decide on the tree
// and on who stands where), with an audit record at its end.
func (o *Org) change(ctx context.Context, fn func(ctx context.Context, tx *store.Tx, now store.Time) (audit.Entry, error)) error {
	return o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "org", ""); err != nil {
			return err
		}
		e, err := fn(ctx, tx, store.At(o.now()))
		if err != nil {
			return err
		}
		if e.ID != "" { // an import names none and has touched what it wrote
			if err := o.find.Touch(ctx, tx, e.Object, e.ID); err != nil {
				return err
			}
		}
		return o.audit.Record(ctx, tx, e)
	})
}

// mayUnit says why the caller may not change unit or who stands in it.
func mayUnit(ctx context.Context, q store.Queryer, unit string) error {
	if unit == "" {
		return mayAll(ctx, q)
	}
	return authz.MayUnit(ctx, q, "org.unit_manage", unit)
}

// mayAll says why the caller may not change what concerns more than one unit: the top of the tree,
// which street a unit answers for, persons without a post.
func mayAll(ctx context.Context, q store.Queryer) error {
	r, err := authz.Reach(ctx, q, "org.unit_manage")
	if err == nil && !r.All() {
		err = errs.New(errs.Denied, "org.whole_only")
	}
	return err
}
