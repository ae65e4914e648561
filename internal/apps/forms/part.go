package forms

import (
	"context"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
)

// part files a part of an entry as an entry of its own: what was said at the first step goes with it, under another title and, when
// one is named, in another unit's charge. Files stay with the whole.
func (f *Forms) part(ctx context.Context, tx *store.Tx, c *flow.Case, title, unit string) (*flow.Case, error) {
	whole, err := findEntry(ctx, tx, store.C("e.id = $1", c.Object))
	if err != nil {
		return nil, err
	}
	a, err := f.of(ctx, tx, &whole)
	if err != nil {
		return nil, err
	}
	called := a.Field(a.Subject)
	if called == nil || called.Type != app.Text {
		return nil, errs.New(errs.Denied, "flow.no_parts")
	}
	all, err := f.open(a, &whole)
	if err != nil {
		return nil, err
	}
	me := authz.From(ctx)
	e := &Entry{ID: id.New(), App: whole.App, AppNumber: whole.AppNumber, State: stateDraft, FromUnit: me.Home, Unit: me.Home, Street: whole.Street, Owner: me.Person, OwnerName: me.Name, At: store.At(f.now()), Version: 1}
	data := a.Begin(f.facts(e))
	for key, may := range a.Rights(f.first(a.App)) {
		fd := a.Field(key)
		if may == app.Hide || fd == nil || fd.Type == app.Photo || fd.Type == app.File || fd.Type == app.Signature || fd.Type == app.Booked || all[key] == nil {
			continue
		}
		data[key] = all[key]
	}
	data[a.Subject] = title
	if unit != "" && a.Unit != "" {
		u, err := f.org.Unit(ctx, tx, unit)
		if err != nil {
			return nil, err
		}
		data[a.Unit] = map[string]any{"id": u.ID, "name": u.Name}
	}
	if err := f.seal(a, e, data); err != nil {
		return nil, err
	}
	if err := f.derive(a, e, data); err != nil {
		return nil, err
	}
	if err := insertEntry(ctx, tx, e); err != nil {
		return nil, err
	}
	if err := f.start(ctx, tx, a, e, data); err != nil {
		return nil, err
	}
	begun, err := findEntry(ctx, tx, store.C("e.id = $1", e.ID))
	if err != nil {
		return nil, err
	}
	return f.flow.Case(ctx, tx, begun.Case)
}
