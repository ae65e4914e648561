package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/org"
)

type createIn struct {
	Body entry.Body
}

// create keeps a new draft. What is missing is said when it is submitted; only what could not be shown is refused now.
func (c *Catalog) create(ctx context.Context, in *createIn) (*entryOut, error) {
	b := in.Body
	var e Entry
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if b.Unit == "" {
			b.Unit = authz.From(ctx).Home
		}
		made, err := c.draft(ctx, tx, &b)
		if err != nil {
			return err
		}
		e = *made
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.draft", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"items": e.Items}})
	})
	if err != nil {
		return nil, err
	}
	return c.shown(ctx, &e, true)
}

// draft inserts an entry with its first version in work, for a unit the actor drafts for.
func (c *Catalog) draft(ctx context.Context, tx *store.Tx, b *entry.Body) (*Entry, error) {
	me, now := authz.From(ctx), store.At(c.now())
	street, err := c.provider(ctx, tx, b)
	if err != nil {
		return nil, err
	}
	b.Tidy()
	if bad := entry.CheckDraft(b, c.rules(ctx)); len(bad) > 0 {
		return nil, errs.New(errs.Invalid, "catalog.bad_draft", len(bad)).With(bad...)
	}
	e := &Entry{ID: id.New(), State: Draft, Working: 1, Newest: 1, Work: workDraft, Street: street, Owner: me.Person, OwnerName: me.Name, Changed: now, At: now, Version: 1}
	e.wear(b)
	if err := insertEntry(ctx, tx, e); err != nil {
		return nil, err
	}
	return e, insertVersion(ctx, tx, &version{Entry: e.ID, Number: 1, State: "work", Body: store.JSON[entry.Body]{V: *b}, By: me.Person, ByName: me.Name, At: now})
}

// provider fills in what the organisation knows of the providing unit and says whether the actor drafts for it. It returns
// the street the unit answers for.
func (c *Catalog) provider(ctx context.Context, tx *store.Tx, b *entry.Body) (street string, err error) {
	path, err := c.org.UnitPath(ctx, tx, b.Unit)
	if err != nil {
		return "", err
	}
	if len(path) == 0 {
		return "", errs.New(errs.Invalid, "catalog.bad_draft", 1).With(errs.Field{Name: "unit", Key: "catalog.no_unit"})
	}
	u := path[len(path)-1]
	for i := len(path) - 1; i > 0 && u.Kind == org.Section; i-- { // a section provides nothing: its body does
		u = path[i-1]
	}
	b.Unit = u.ID
	if b.UnitCode == "" && len(u.Code) == 18 {
		b.UnitCode = u.Code
	}
	return u.Street, authz.MayUnit(ctx, tx, "catalog.edit", b.Unit)
}

type saveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		entry.Body
		Reason  string `json:"reason" required:"false" maxLength:"300" doc:"why a published entry is changed"`
		Version int64  `json:"version"`
	}
}

// save keeps the version in work.
func (c *Catalog) save(ctx context.Context, in *saveIn) (*entryOut, error) {
	return c.alter(ctx, in.ID, in.Body.Version, "catalog.edit", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
		a := audit.Entry{Action: "catalog.save"}
		if e.Working == 0 || e.Work != workDraft {
			return a, errs.New(errs.Conflict, "catalog.not_draft")
		}
		b := in.Body.Body
		street, err := c.provider(ctx, tx, &b)
		if err != nil {
			return a, err
		}
		b.Tidy()
		if bad := entry.CheckDraft(&b, c.rules(ctx)); len(bad) > 0 {
			return a, errs.New(errs.Invalid, "catalog.bad_draft", len(bad)).With(bad...)
		}
		if e.Serving == 0 {
			e.wear(&b)
			e.Street = street
		}
		e.Changed = store.At(c.now())
		me := authz.From(ctx)
		a.Detail = map[string]any{"number": e.Working, "items": len(b.Items), "share": b.Share}
		return a, saveWork(ctx, tx, &version{Entry: e.ID, Number: e.Working, Body: store.JSON[entry.Body]{V: b}, Reason: strings.TrimSpace(in.Body.Reason), By: me.Person, ByName: me.Name, At: e.Changed})
	})
}

// alter runs fn on an entry perm reaches, at the version it was read at, saves it and records what fn says.
func (c *Catalog) alter(ctx context.Context, id string, version int64, perm string, fn func(context.Context, *store.Tx, *Entry) (audit.Entry, error)) (*entryOut, error) {
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return c.within(ctx, tx, id, version, perm, fn)
	})
	if err != nil {
		return nil, err
	}
	return c.show(ctx, &entryIn{id})
}

func (c *Catalog) within(ctx context.Context, tx *store.Tx, id string, version int64, perm string, fn func(context.Context, *store.Tx, *Entry) (audit.Entry, error)) error {
	e, err := c.locked(ctx, tx, id)
	if err != nil {
		return err
	}
	if ok, err := c.reaches(ctx, tx, id, perm); err != nil {
		return err
	} else if !ok {
		if e.State != Published {
			return errs.New(errs.Missing, "catalog.missing")
		}
		return errs.New(errs.Denied, "catalog.not_yours", e.Name)
	}
	if e.Version != version {
		return errs.New(errs.Conflict, "catalog.changed", e.Name)
	}
	a, err := fn(ctx, tx, &e)
	if err != nil {
		return err
	}
	if err := saveEntry(ctx, tx, &e); err != nil {
		return err
	}
	if err := c.find.Touch(ctx, tx, foundAs, e.ID); err != nil {
		return err
	}
	a.Object, a.ID, a.Title = "catalog", e.ID, e.Name
	return c.audit.Record(ctx, tx, a)
}

type dropIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

// drop throws the version in work away; an entry that was never published goes with it, its code stays used.
func (c *Catalog) drop(ctx context.Context, in *dropIn) (*struct{}, error) {
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		gone := false
		err := c.within(ctx, tx, in.ID, in.Version, "catalog.edit", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
			a := audit.Entry{Action: "catalog.drop", Detail: map[string]any{"number": e.Working, "code": e.Code}}
			switch {
			case e.Working == 0 || e.Work != workDraft:
				return a, errs.New(errs.Conflict, "catalog.not_draft")
			case e.CaseState == "open" || e.CaseState == "suspended":
				return a, errs.New(errs.Conflict, "catalog.has_case", e.Number)
			}
			if err := dropWork(ctx, tx, e.ID, e.Working); err != nil {
				return a, err
			}
			gone = e.Serving == 0
			e.Working, e.Work = 0, ""
			return a, store.Exec(ctx, tx, `UPDATE catalog_code SET retired_at = $1 WHERE entry = $2 AND $3 = 0`, store.At(c.now()), e.ID, e.Serving)
		})
		if err != nil || !gone {
			return err
		}
		return deleteEntry(ctx, tx, in.ID)
	})
}

type checkOut struct {
	Body struct {
		Faults []Fault `json:"faults" nullable:"false"`
	}
}

// Fault is one thing that is wrong, in the caller's language.
type Fault struct {
	Name    string `json:"name" doc:"element: summary, items[2].level"`
	Message string `json:"message"`
}

// check says what would be refused were the version in work submitted now.
func (c *Catalog) check(ctx context.Context, in *entryIn) (*checkOut, error) {
	e, works, err := c.seen(ctx, c.db, in.ID)
	if err != nil {
		return nil, err
	}
	out := &checkOut{}
	out.Body.Faults = []Fault{}
	if !works || e.Working == 0 {
		return out, nil
	}
	v, err := findVersion(ctx, c.db, e.ID, e.Working)
	if err != nil {
		return nil, err
	}
	bad, err := c.faults(ctx, c.db, &e, &v.Body.V)
	out.Body.Faults = c.say(ctx, bad)
	return out, err
}

func (c *Catalog) say(ctx context.Context, bad []errs.Field) []Fault {
	out := make([]Fault, len(bad))
	for i, f := range bad {
		out[i] = Fault{f.Name, c.words.Text(web.From(ctx).Lang, f.Key, f.Args...)}
	}
	return out
}

type versionedIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

type reasonedIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"300"`
		Version int64  `json:"version"`
	}
}

// change begins version n+1 in draft as a copy of the one that serves, which goes on serving.
func (c *Catalog) change(ctx context.Context, in *reasonedIn) (*entryOut, error) {
	return c.alter(ctx, in.ID, in.Body.Version, "catalog.edit", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
		a := audit.Entry{Action: "catalog.change", Detail: map[string]any{"number": e.Newest + 1, "reason": in.Body.Reason}}
		if e.Working > 0 || e.Work != "" || e.State != Published && e.State != Offline {
			return a, errs.New(errs.Conflict, "catalog.changing")
		}
		v, err := findVersion(ctx, tx, e.ID, e.Serving)
		if err != nil {
			return a, err
		}
		me, now := authz.From(ctx), store.At(c.now())
		e.Newest++
		e.Working, e.Work = e.Newest, workDraft
		return a, insertVersion(ctx, tx, &version{Entry: e.ID, Number: e.Working, State: "work", Body: v.Body, Reason: strings.TrimSpace(in.Body.Reason), By: me.Person, ByName: me.Name, At: now})
	})
}

// submit hands the version in work in for review: a case begins, or the one it was returned in goes on.
func (c *Catalog) submit(ctx context.Context, in *versionedIn) (*entryOut, error) {
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.handIn(ctx, tx, in.ID, in.Body.Version) })
	if err != nil {
		return nil, err
	}
	return c.show(ctx, &entryIn{in.ID})
}

func (c *Catalog) handIn(ctx context.Context, tx *store.Tx, id string, version int64) error {
	running, task := false, ""
	err := c.within(ctx, tx, id, version, "catalog.edit", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
		a := audit.Entry{Action: "catalog.submit", Detail: map[string]any{"number": e.Working}}
		if e.Working == 0 || e.Work != workDraft {
			return a, errs.New(errs.Conflict, "catalog.not_draft")
		}
		if _, err := c.ready(ctx, tx, e); err != nil {
			return a, err
		}
		a.Detail["code"] = e.Code
		running = e.CaseState == "open" || e.CaseState == "suspended"
		if !running {
			return a, nil
		}
		open, err := c.flow.Waiting(ctx, tx, e.Case)
		if err != nil {
			return a, err
		}
		for _, w := range open {
			if slices.Contains(w.People, authz.From(ctx).Person) {
				task = w.Task
			}
		}
		if task == "" {
			return a, errs.New(errs.Conflict, "catalog.others_turn", e.Number, e.Holder)
		}
		return a, nil
	})
	if err != nil {
		return err
	}
	e, err := findEntry(ctx, tx, store.C("c.id = $1", id))
	if err != nil {
		return err
	}
	if running {
		_, err := c.flow.Do(ctx, tx, flow.Deed{Case: e.Case, Verb: "submit", Task: task})
		return err
	}
	kind := kindPublish
	if e.Serving > 0 {
		kind = kindChange
	}
	return c.review(ctx, tx, kind, &e, "")
}

type submitManyIn struct {
	Body struct {
		IDs []string `json:"ids" minItems:"1" maxItems:"500"`
	}
}

// Handed is what became of one entry of many.
type Handed struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Why    string  `json:"why" doc:"in words, when it was refused"`
	Faults []Fault `json:"faults" nullable:"false"`
}

type submitManyOut struct {
	Body struct {
		Handed []Handed `json:"handed" nullable:"false"`
	}
}

// submitMany hands in many drafts; each stands alone, one that is not ready keeps none of the others back.
func (c *Catalog) submitMany(ctx context.Context, in *submitManyIn) (*submitManyOut, error) {
	out := &submitManyOut{}
	out.Body.Handed = []Handed{}
	for _, id := range in.Body.IDs {
		one := Handed{ID: id, Faults: []Fault{}}
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			e, err := findEntry(ctx, tx, store.C("c.id = $1", id))
			if err != nil {
				return err
			}
			one.Name = e.Name
			return c.handIn(ctx, tx, id, e.Version)
		})
		one.OK = err == nil
		if err != nil {
			e, ok := errors.AsType[*errs.Error](err)
			if !ok || e.Kind == errs.Internal {
				return nil, err
			}
			if e.Kind == errs.Missing || e.Kind == errs.Denied {
				one.Name = ""
			}
			one.Why, one.Faults = c.words.Text(web.From(ctx).Lang, e.Key, e.Args...), c.say(ctx, e.Fields)
		}
		out.Body.Handed = append(out.Body.Handed, one)
	}
	return out, nil
}

// offline asks for an entry to be taken offline; until that is granted it serves.
func (c *Catalog) offline(ctx context.Context, in *reasonedIn) (*entryOut, error) {
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := c.within(ctx, tx, in.ID, in.Body.Version, "catalog.edit", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
			a := audit.Entry{Action: "catalog.offline", Purpose: in.Body.Reason, Detail: map[string]any{"asked": true}}
			if e.State != Published || e.Working > 0 || e.Work != "" {
				return a, errs.New(errs.Conflict, "catalog.changing")
			}
			return a, nil
		})
		if err != nil {
			return err
		}
		e, err := findEntry(ctx, tx, store.C("c.id = $1", in.ID))
		if err != nil {
			return err
		}
		return c.review(ctx, tx, kindOffline, &e, in.Body.Reason)
	})
	if err != nil {
		return nil, err
	}
	return c.show(ctx, &entryIn{in.ID})
}

// restore publishes an entry that is offline as it last served.
func (c *Catalog) restore(ctx context.Context, in *reasonedIn) (*entryOut, error) {
	return c.turn(ctx, in, "catalog.restore", Published)
}

// archive ends an entry for good; its code is retired and never given again.
func (c *Catalog) archive(ctx context.Context, in *reasonedIn) (*entryOut, error) {
	return c.turn(ctx, in, "catalog.archive", Archived)
}

func (c *Catalog) turn(ctx context.Context, in *reasonedIn, action string, to State) (*entryOut, error) {
	return c.alter(ctx, in.ID, in.Body.Version, "catalog.manage", func(ctx context.Context, tx *store.Tx, e *Entry) (audit.Entry, error) {
		a := audit.Entry{Action: action, Purpose: in.Body.Reason}
		if e.State != Offline || e.Work != "" {
			return a, errs.New(errs.Conflict, "catalog.not_offline")
		}
		e.State, e.Changed = to, store.At(c.now())
		if to == Archived {
			return a, store.Exec(ctx, tx, `UPDATE catalog_code SET retired_at = $1 WHERE entry = $2 AND retired_at = 0`, e.Changed, e.ID)
		}
		return a, c.tellWatchers(ctx, tx, e, "catalog.told_restored")
	})
}

// ClassLine is one 项 of the classification.
type ClassLine struct {
	Code    string `json:"code" doc:"类+项"`
	Name    string `json:"name"`
	NameEN  string `json:"nameEn"`
	Retired bool   `json:"retired" doc:"no new entry may be put there"`
	Version int64  `json:"version"`
}
type classesOut struct {
	Body struct {
		Items   []ClassLine `json:"items" nullable:"false"`
		Subject int         `json:"subjectDigits"`
		Detail  int         `json:"detailDigits" doc:"at most"`
		Item    int         `json:"itemDigits"`
		Basic   []string    `json:"basic" nullable:"false" doc:"whose resources are shared unconditionally"`
	}
}

func (c *Catalog) listClasses(ctx context.Context, _ *struct{}) (*classesOut, error) {
	all, err := classes(ctx, c.db)
	out, shape := &classesOut{}, c.rules(ctx).Shape
	out.Body.Items = []ClassLine{}
	out.Body.Item, out.Body.Subject, out.Body.Detail, out.Body.Basic = shape.Item, shape.Subject, shape.Detail, c.rules(ctx).Basic
	for _, k := range all {
		out.Body.Items = append(out.Body.Items, ClassLine(k))
	}
	return out, err
}

type classIn struct {
	Code string `path:"code" maxLength:"10"`
	Body struct {
		Name    string `json:"name" minLength:"2" maxLength:"60"`
		NameEN  string `json:"nameEn" minLength:"2" maxLength:"80"`
		Retired bool   `json:"retired" required:"false"`
		Version int64  `json:"version" doc:"0 for a new one"`
	}
}

// saveClass adds a 项 or corrects one. What is retired takes no new entries; those it has stay.
func (c *Catalog) saveClass(ctx context.Context, in *classIn) (*struct{}, error) {
	shape := c.rules(ctx).Shape
	b, ok := shape.Split(in.Code + strings.Repeat("0", shape.Subject))
	if !ok || b.Node() != in.Code {
		return nil, errs.New(errs.Invalid, "catalog.bad_class_code", shape.Item)
	}
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if in.Body.Version == 0 {
			err = store.Exec(ctx, tx, `INSERT INTO catalog_class (code, name, name_en, retired) VALUES ($1, $2, $3, $4)`, in.Code, in.Body.Name, in.Body.NameEN, in.Body.Retired)
		} else {
			err = store.ExecOne(ctx, tx, `UPDATE catalog_class SET name = $1, name_en = $2, retired = $3, version = version + 1 WHERE code = $4 AND version = $5`,
				in.Body.Name, in.Body.NameEN, in.Body.Retired, in.Code, in.Body.Version)
		}
		if store.IsDuplicate(err) {
			return errs.New(errs.Conflict, "catalog.class_taken", in.Code)
		}
		if err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.class", Object: "catalog_class", ID: in.Code, Title: in.Body.Name, Detail: map[string]any{"retired": in.Body.Retired}})
	})
}
