package forms

import (
	"context"
	"maps"
	"slices"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// entryCols are the columns of the alias e.
var entryCols = authz.Cols{Unit: "e.unit_id", Street: "e.street", Owner: "e.owner"}

// carried returns the keys of the roles the actor's post carries.
func (f *Forms) carried(ctx context.Context, q store.Queryer) ([]string, error) {
	post := authz.From(ctx).Post
	if post == "" {
		return nil, nil
	}
	return f.authz.RoleKeys(ctx, q, post)
}

// mayStart reports whether somebody with these roles may file an entry of an application.
func mayStart(a *app.App, roles []string) bool {
	return len(a.Start.Roles) == 0 || slices.ContainsFunc(a.Start.Roles, func(key string) bool { return slices.Contains(roles, a.RoleKey(key)) })
}

// reading returns ctx in which the actor's forms.read is what he reads of one application: what its own roles give him,
// and unless it is private, what he may read of every application.
func reading(ctx context.Context, a *app.App, roles []string) context.Context {
	me := authz.From(ctx)
	if me.IsJob {
		return ctx
	}
	as := *me
	as.Grants = maps.Clone(me.Grants)
	if as.Grants == nil {
		as.Grants = map[string][]room.Grant{}
	}
	var all []room.Grant
	if !a.Private {
		all = append(all, me.Reach("forms.read")...)
	}
	for _, r := range a.Roles {
		if r.Read != "" && slices.Contains(roles, a.RoleKey(r.Key)) {
			all = append(all, room.Grant{Scope: room.Scope(r.Read), Person: me.Person, Unit: me.Home, Street: me.Street})
		}
	}
	as.Grants["forms.read"] = all
	if as.Limits != nil && slices.Contains(as.Limits, "forms.use") {
		as.Limits = append(slices.Clone(as.Limits), "forms.read")
	}
	return room.Acting(ctx, &as)
}

// scope is which entries of an application the actor sees in a list: those he filed, and those he reads.
func (f *Forms) scope(ctx context.Context, q store.Queryer, a *app.App) (store.Scope, error) {
	roles, err := f.carried(ctx, q)
	if err != nil {
		return store.Scope{}, err
	}
	read := authz.WhereCols(reading(ctx, a, roles), "forms.read", entryCols)
	return store.Scoped(store.Or(store.C("e.owner = $1", authz.From(ctx).Person), read.Cond())), nil
}

// reads says why the actor may not read an entry beyond taking part in its case: Missing, so that nobody learns of it.
func (f *Forms) reads(ctx context.Context, q store.Queryer, e *Entry) error {
	c, err := f.of(ctx, q, e)
	if err != nil {
		return err
	}
	s, err := f.scope(ctx, q, c.App)
	if err != nil {
		return err
	}
	if e.State == stateDraft {
		s = store.Scoped(store.C("e.owner = $1", authz.From(ctx).Person))
	}
	where := store.And(store.C("e.id = $1", e.ID), s.Cond())
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM forms_entry e WHERE `+where.SQL, where.Args...)
	if err == nil && n == 0 {
		err = errs.New(errs.Missing, "forms.no_entry")
	}
	return err
}

// clears reports whether the actor may show a masked value of an entry: his own, or by a role of the application's
// that may.
func (f *Forms) clears(ctx context.Context, q store.Queryer, a *app.App, e *Entry) (bool, error) {
	if f.owns(ctx, e) {
		return true, nil
	}
	roles, err := f.carried(ctx, q)
	return slices.ContainsFunc(a.Roles, func(r app.Role) bool { return r.Clear && slices.Contains(roles, a.RoleKey(r.Key)) }), err
}

// owns reports whether the actor filed the entry.
func (f *Forms) owns(ctx context.Context, e *Entry) bool {
	me := authz.From(ctx).Person
	return me != "" && e.Owner == me
}

// lang is the caller's language.
func lang(ctx context.Context) string { return web.From(ctx).Lang }
