package forms

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
)

// sealedAt is where the sealed values of an entry are kept, for the seal.
func sealedAt(entry string) string { return "forms_entry.data/" + entry }

// sealed reports whether the values of a field are kept sealed.
func sealed(f *app.Field) bool { return f.Type == app.IDCard || f.Type == app.Phone }

// open returns an entry's values in clear.
func (f *Forms) open(c *app.Compiled, e *Entry) (app.Data, error) {
	data := app.Clone(e.Data)
	err := c.Each(data, sealed, func(_ *app.Field, _, s string) (string, error) {
		b, err := f.ring.Unseal(sealedAt(e.ID), s)
		return string(b), err
	})
	return data, err
}

// seal puts values into an entry as they are kept.
func (f *Forms) seal(c *app.Compiled, e *Entry, data app.Data) error {
	e.Data = app.Clone(data)
	return c.Each(e.Data, sealed, func(_ *app.Field, _, s string) (string, error) { return f.ring.Seal(sealedAt(e.ID), []byte(s)), nil })
}

// facts are what expressions may ask of an entry.
func (f *Forms) facts(e *Entry) app.Facts {
	return app.Facts{Number: e.Number, State: e.State, Step: e.AtStep, Outcome: e.Outcome, Level: e.Level, Starter: e.Owner, StarterName: e.OwnerName, StarterUnit: e.FromUnit,
		Begun: e.At.Time, Closed: e.Closed.Time, Late: e.Late, Now: f.now()}
}

// startFacts are those of an entry the actor is about to file.
func (f *Forms) startFacts(ctx context.Context) app.Facts {
	me := authz.From(ctx)
	return app.Facts{State: stateDraft, Starter: me.Person, StarterName: me.Name, StarterUnit: me.Home, Begun: f.now(), Now: f.now()}
}

// object is what the files of a field hang on.
func object(entry, field string) string { return entry + "/" + field }

// world is what values of an entry are checked against in tx. Files that hang on nothing are claimed for the entry.
func (f *Forms) world(ctx context.Context, tx *store.Tx, c *app.Compiled, entry string) *app.World {
	me := authz.From(ctx)
	w := f.look(ctx, tx, c)
	w.Me, w.MyName = me.Person, me.Name
	names := map[string]map[string]string{} // by field and file
	w.File = func(field, id string) (string, bool, error) {
		if names[field] == nil {
			have, err := f.files.Of(ctx, tx, "forms", object(entry, field))
			if err != nil {
				return "", false, err
			}
			names[field] = map[string]string{}
			for _, it := range have {
				names[field][it.ID] = it.Name
			}
		}
		if name, ok := names[field][id]; ok {
			return name, true, nil
		}
		it, err := f.files.Claim(ctx, tx, id, "forms", object(entry, field))
		if errs.Is(err, errs.Missing) {
			return "", false, nil
		}
		names[field][id] = it.Name
		return it.Name, err == nil, err
	}
	return w
}

// look is a world that changes nothing: every file is taken for granted.
func (f *Forms) look(ctx context.Context, q store.Queryer, c *app.Compiled) *app.World {
	found := func(name string, err error) (string, bool, error) {
		if errs.Is(err, errs.Missing) {
			return "", false, nil
		}
		return name, err == nil, err
	}
	return &app.World{Now: f.now(), Lang: web.From(ctx).Lang,
		Person: func(id string) (string, bool, error) { return found(f.org.PersonName(ctx, q, id)) },
		Unit: func(id string) (string, bool, error) {
			u, err := f.org.Unit(ctx, q, id)
			return found(u.Name, err)
		},
		Resource: func(kind, id string) (string, bool, error) {
			r, err := oneResource(ctx, q, store.C("app = $1 AND kind = $2 AND id = $3", c.Key, kind, id))
			return found(r.Title, err)
		},
		File: func(string, string) (string, bool, error) { return "", true, nil },
	}
}

// derive works out of an entry's values what its row says of it: title, level, unit in charge, street.
func (f *Forms) derive(c *app.Compiled, e *Entry, data app.Data) error {
	vars := c.Vars(data, f.facts(e))
	title, err := c.Text("subject", vars)
	if err != nil {
		return err
	}
	e.Title = short(cmp.Or(title, c.Title.ZH), 120)
	if c.Level != "" {
		level, err := c.Text("level", vars)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Levels, func(l app.Level) bool { return l.Key == level }) {
			e.Level = level
		}
	}
	e.Unit = e.FromUnit
	if u := partyID(data[c.Unit]); u != "" {
		e.Unit = u
	}
	if m, ok := data[c.Place].(map[string]any); ok {
		if s, _ := m["street"].(string); s != "" {
			e.Street = s
		}
	}
	return nil
}

// partyID is that of a person, unit or resource value.
func partyID(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["id"].(string)
	return s
}

func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// follow writes what follows from an entry's values: the index, reservations, reminders.
func (f *Forms) follow(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data) error {
	facts := f.facts(e)
	if err := f.index(ctx, tx, c, e, data); err != nil {
		return err
	}
	vars := c.Vars(data, facts)
	if err := f.reserve(ctx, tx, c, e, data, vars); err != nil {
		return err
	}
	return f.plan(ctx, tx, c, e, data)
}

// reserve books what an entry asks for, or lets go of it. Resources are taken in one order, so that two entries that ask
// for the same two never wait for one another.
func (f *Forms) reserve(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data, vars map[string]any) error {
	var all []Booking
	for i := range c.Fields {
		fd := &c.Fields[i]
		if fd.Type != app.Booked {
			continue
		}
		b := Booking{Entry: e.ID, Field: fd.Key, App: e.App, Resource: partyID(data[fd.Key])}
		if p, ok := data[fd.Period].(map[string]any); ok {
			from, until := app.Moment(p["from"]), app.Moment(p["until"])
			b.From, b.Until = store.At(from), store.At(until)
		}
		k := slices.IndexFunc(c.Resources, func(r app.Resource) bool { return r.Key == fd.Resource })
		holds, err := c.Truth(fmt.Sprintf("resources[%d].hold", k), vars, e.State != "stopped" && e.Outcome != "refuse" && e.Outcome != absent)
		if err != nil {
			return err
		}
		if !holds || b.Resource == "" || b.From.IsZero() {
			b.Resource = ""
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b Booking) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Field, b.Field))
	})
	for _, b := range all {
		do := func() error { return book(ctx, tx, b) }
		if b.Resource == "" {
			do = func() error { return release(ctx, tx, b.Entry, b.Field) }
		}
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
