package settings

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// Item is one setting as the page shows it.
type Item struct {
	Name    string     `json:"name" doc:"<room>.<setting>"`
	Title   string     `json:"title"`
	Type    string     `json:"type" enum:"bool,int,string,strings"`
	Value   any        `json:"value"`
	Default any        `json:"default"`
	Min     int        `json:"min" doc:"least value of an int"`
	Max     int        `json:"max" doc:"greatest value of an int"`
	Options []Option   `json:"options" nullable:"false" doc:"what a string may be, empty for anything"`
	Admin   string     `json:"admin" enum:"system,security" doc:"who may edit it"`
	Mine    bool       `json:"mine" doc:"whether the caller may edit it"`
	Changed bool       `json:"changed" doc:"whether the value differs from the default"`
	Version int64      `json:"version" doc:"to be sent back with a change, 0 while never changed"`
	By      string     `json:"by" doc:"who changed it last"`
	At      store.Time `json:"at"`
	Reason  string     `json:"reason" doc:"why it was changed last"`
}

// Option is one value a text setting may have. Its title is the text "option.<setting>.<value>".
type Option struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// Group is the settings of one room.
type Group struct {
	Room  string `json:"room"`
	Title string `json:"title"`
	Items []Item `json:"items" nullable:"false"`
}

type listOut struct {
	Body struct {
		Groups []Group `json:"groups" nullable:"false"`
	}
}

func (s *Settings) list(ctx context.Context, _ *struct{}) (*listOut, error) {
	if authz.From(ctx).Admin == "" {
		return nil, errs.New(errs.Denied, "settings.not_administrator")
	}
	rows, err := list(ctx, s.db)
	if err != nil {
		return nil, err
	}
	kept := map[string]row{}
	for _, r := range rows {
		kept[r.Name] = r
	}
	out := &listOut{}
	out.Body.Groups = []Group{}
	at := map[string]int{}
	for _, name := range s.order {
		d := s.all[name]
		if d.Default == nil { // restricted by a room that is not installed
			continue
		}
		i, ok := at[d.Room]
		if !ok {
			i = len(out.Body.Groups)
			at[d.Room] = i
			out.Body.Groups = append(out.Body.Groups, Group{Room: d.Room, Title: s.words.Text(web.From(ctx).Lang, "room."+d.Room)})
		}
		out.Body.Groups[i].Items = append(out.Body.Groups[i].Items, s.item(ctx, name, d, kept[name]))
	}
	return out, nil
}

func (s *Settings) item(ctx context.Context, name string, d *declared, r row) Item {
	it := Item{Name: name, Title: s.title(ctx, name), Type: typeOf(d.Default), Value: d.Default, Default: d.Default, Min: d.Min, Max: d.Max,
		Options: s.options(ctx, name, d), Admin: string(d.Admin), Mine: d.Admin == authz.From(ctx).Admin,
		Version: r.Version, By: r.By, At: r.At, Reason: r.Reason}
	if r.Version > 0 {
		if v, bad := d.read(r.Value.V.V); bad == nil {
			it.Value = v
		}
	}
	it.Changed = !reflect.DeepEqual(it.Value, it.Default)
	return it
}

func (s *Settings) options(ctx context.Context, name string, d *declared) []Option {
	out := make([]Option, len(d.Options))
	for i, v := range d.Options {
		out[i] = Option{v, v}
		if key := "option." + name + "." + v; s.words.Has(key) {
			out[i].Title = s.words.Text(web.From(ctx).Lang, key)
		}
	}
	return out
}

func (s *Settings) title(ctx context.Context, name string) string {
	return s.words.Text(web.From(ctx).Lang, "setting."+name)
}

func typeOf(v any) string {
	switch v.(type) {
	case bool:
		return "bool"
	case int:
		return "int"
	case string:
		return "string"
	}
	return "strings"
}

type putIn struct {
	Name string `path:"name" maxLength:"100"`
	Body struct {
		Value   any    `json:"value" doc:"of the setting's type"`
		Reason  string `json:"reason" minLength:"2" maxLength:"200" doc:"why; kept with the value and in the audit"`
		Version int64  `json:"version" doc:"the version this change was made from"`
	}
}

type putOut struct{ Body Item }

// put changes one setting. Only the administrator it belongs to may; GB/T 22239-2019 8.1.4.2 d asks that
// access policy is set by its authorised subject.
func (s *Settings) put(ctx context.Context, in *putIn) (*putOut, error) {
	d, me := s.all[in.Name], authz.From(ctx)
	if me.Admin == "" {
		return nil, errs.New(errs.Denied, "settings.not_administrator")
	}
	if d == nil || d.Default == nil {
		return nil, errs.New(errs.Missing, "settings.unknown", in.Name)
	}
	if d.Admin != me.Admin {
		return nil, s.refused(ctx, in.Name, d)
	}
	if _, bad := d.read(in.Body.Value); bad != nil {
		return nil, errs.New(errs.Invalid, "settings.bad_value", s.title(ctx, in.Name)).With(*bad)
	}
	r := row{Name: in.Name, Value: store.JSON[boxed]{V: boxed{in.Body.Value}}, Version: in.Body.Version + 1, By: me.Name, At: store.At(s.now()), Reason: in.Body.Reason}
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return s.change(ctx, tx, d, r) })
	if err != nil {
		return nil, err
	}
	return &putOut{s.item(ctx, in.Name, d, r)}, nil
}

// change saves r, leaves a record of before and after, and tells the listeners.
func (s *Settings) change(ctx context.Context, tx *store.Tx, d *declared, r row) error {
	before := d.Default
	if err := store.Lock(ctx, tx, "settings", r.Name); err != nil {
		return err
	}
	old, err := find(ctx, tx, r.Name)
	if err != nil && !errs.Is(err, errs.Missing) {
		return err
	}
	if err == nil {
		before = old.Value.V.V
	}
	if old.Version != r.Version-1 {
		return errs.New(errs.Conflict, "settings.changed", s.title(ctx, r.Name), old.By, text(before))
	}
	if err := save(ctx, tx, r); err != nil {
		return err
	}
	tx.After(func() { s.gen.Add(1) })
	if err := s.bus.Emit(ctx, tx, "settings.changed", Changed{r.Name}); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, audit.Entry{Action: "settings.change", Object: "settings", ID: r.Name, Title: s.words.Text("zh", "setting."+r.Name), Purpose: r.Reason,
		Detail: map[string]any{"before": before, "after": r.Value.V.V, "default": d.Default}})
}

func (s *Settings) refused(ctx context.Context, name string, d *declared) error {
	if err := s.log.Note(ctx, audit.Entry{Action: "settings.refused", Object: "settings", ID: name, Result: audit.Denied}); err != nil {
		return err
	}
	return errs.New(errs.Denied, "settings.other_administrator", s.title(ctx, name), s.words.Text(web.From(ctx).Lang, "settings.admin."+string(d.Admin)))
}

// text is v as JSON writes it, without quotes around a text.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
