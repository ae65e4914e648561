package forms

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// Slot is one reserved interval as those who may start the application see it.
type Slot struct {
	From   store.Time `json:"from"`
	Until  store.Time `json:"until" doc:"not included"`
	Name   string     `json:"name" doc:"who has it"`
	Number string     `json:"number"`
	Title  string     `json:"title" doc:"of the entry; empty where the application is private"`
}

// ResourceSlots is one thing with what is reserved of it.
type ResourceSlots struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Note  string `json:"note"`
	Seats int    `json:"seats"`
	Open  bool   `json:"open"`
	Busy  []Slot `json:"busy" nullable:"false"`
}

type calendarIn struct {
	App  string     `path:"app" maxLength:"24"`
	Kind string     `path:"kind" maxLength:"30"`
	From store.Time `query:"from" required:"true"`
	To   store.Time `query:"to" required:"true" doc:"at most 62 days after from"`
}

type calendarOut struct {
	Body struct {
		Items []ResourceSlots `json:"items" nullable:"false"`
	}
}

// calendar answers what is free and what is not.
func (f *Forms) calendar(ctx context.Context, in *calendarIn) (*calendarOut, error) {
	c, _, err := f.published(ctx, f.db, in.App)
	if err != nil {
		return nil, err
	}
	roles, err := f.carried(ctx, f.db)
	if err != nil {
		return nil, err
	}
	if l := line(ctx, c.App, roles); c.Resource(in.Kind) == nil || !l.MayStart && !l.MayRead {
		return nil, errs.New(errs.Missing, "forms.no_resource")
	}
	if !in.To.After(in.From.Time) || in.To.Sub(in.From.Time) > 62*24*time.Hour {
		return nil, errs.New(errs.Invalid, "forms.span", 62)
	}
	all, err := resources(ctx, f.db, store.C("app = $1 AND kind = $2", in.App, in.Kind))
	if err != nil {
		return nil, err
	}
	var ids []string
	out := &calendarOut{}
	out.Body.Items = []ResourceSlots{}
	for _, r := range all {
		ids = append(ids, r.ID)
		out.Body.Items = append(out.Body.Items, ResourceSlots{r.ID, r.Title, r.Note, r.Seats, r.Open, []Slot{}})
	}
	taken, err := bookings(ctx, f.db, ids, in.From.Time, in.To.Time)
	for _, b := range taken {
		i := slices.Index(ids, b.Resource)
		s := Slot{From: b.From, Until: b.Until, Name: b.Name, Number: b.Number, Title: b.Title}
		if c.Private {
			s.Title = ""
		}
		out.Body.Items[i].Busy = append(out.Body.Items[i].Busy, s)
	}
	return out, err
}

type resourcesIn struct {
	App  string `query:"app" maxLength:"24"`
	Kind string `query:"kind" maxLength:"30"`
}

type resourcesOut struct {
	Body struct {
		Items []Resource `json:"items" nullable:"false"`
	}
}

func (f *Forms) listResources(ctx context.Context, in *resourcesIn) (*resourcesOut, error) {
	which := store.C("TRUE")
	if in.App != "" {
		which = store.And(which, store.C("app = $1", in.App))
	}
	if in.Kind != "" {
		which = store.And(which, store.C("kind = $1", in.Kind))
	}
	all, err := resources(ctx, f.db, which)
	out := &resourcesOut{}
	out.Body.Items = append([]Resource{}, all...)
	return out, err
}

// ResourceForm is what an administrator writes of a resource.
type ResourceForm struct {
	Title string `json:"title" minLength:"1" maxLength:"60"`
	Note  string `json:"note" required:"false" maxLength:"200"`
	Seats int    `json:"seats" required:"false" minimum:"0" maximum:"10000"`
	Open  bool   `json:"open" doc:"may be reserved"`
	Rank  int    `json:"rank" required:"false" minimum:"0" maximum:"10000"`
}

type addResourceIn struct {
	Body struct {
		App  string `json:"app" maxLength:"24"`
		Kind string `json:"kind" maxLength:"30"`
		Key  string `json:"key" pattern:"^[a-z0-9][a-z0-9_]{0,39}$"`
		ResourceForm
	}
}

type resourceOut struct{ Body Resource }

func (f *Forms) addResource(ctx context.Context, in *addResourceIn) (*resourceOut, error) {
	b := &in.Body
	r := Resource{App: b.App, Kind: b.Kind, Key: b.Key}
	b.put(&r)
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, _, err := f.published(ctx, tx, b.App)
		if err != nil {
			return err
		}
		if c.Resource(b.Kind) == nil {
			return errs.New(errs.Missing, "forms.no_resource")
		}
		fresh, err := insertResource(ctx, tx, &r)
		if err != nil {
			return err
		}
		if !fresh {
			return errs.New(errs.Conflict, "forms.key_taken", b.Key)
		}
		return f.audit.Record(ctx, tx, resourceEntry(&r))
	})
	return &resourceOut{r}, err
}

func (r *ResourceForm) put(to *Resource) {
	to.Title, to.Note, to.Seats, to.Open, to.Rank = r.Title, r.Note, r.Seats, r.Open, r.Rank
}

func resourceEntry(r *Resource) audit.Entry {
	return audit.Entry{Action: "forms.resource", Object: "forms_resource", ID: r.ID, Title: r.Title, Detail: map[string]any{"app": r.App, "kind": r.Kind, "open": r.Open}}
}

type saveResourceIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		ResourceForm
		Version int64 `json:"version"`
	}
}

// saveResource changes a resource. What is reserved of one that is closed stays reserved.
func (f *Forms) saveResource(ctx context.Context, in *saveResourceIn) (*resourceOut, error) {
	out := &resourceOut{}
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "forms_resource", in.ID); err != nil {
			return err
		}
		r, err := oneResource(ctx, tx, store.C("id = $1", in.ID))
		if err != nil {
			return err
		}
		if r.Version != in.Body.Version {
			return errs.New(errs.Conflict, "forms.changed")
		}
		in.Body.put(&r)
		if err := saveResource(ctx, tx, &r); err != nil {
			return err
		}
		out.Body = r
		return f.audit.Record(ctx, tx, resourceEntry(&r))
	})
	return out, err
}
