package desk

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// topMost is how many notices the workbench shows.
const topMost = 5

// Home is the workbench. What has no source is left out.
type Home struct {
	Date    string `json:"date" format:"date" doc:"civil date"`
	Weekday int    `json:"weekday" minimum:"1" maximum:"7" doc:"1 is Monday"`
	Workday bool   `json:"workday"`
	Holiday string `json:"holiday,omitempty" doc:"the holiday because of which the day is off, or worked although it is a weekend"`
	Counts  Counts `json:"counts"`
	Notices []Line `json:"notices" nullable:"false" doc:"pinned first, then the newest"`
	Apps    []App  `json:"apps" nullable:"false" doc:"pinned first in the person's order, then by the menu"`
}

// App is a page of the grid.
type App struct {
	Room   string `json:"room"`
	Path   string `json:"path"`
	Title  string `json:"title"`
	Pinned bool   `json:"pinned"`
}

type homeOut struct{ Body Home }

// home answers the workbench in one call and a handful of indexed queries.
func (d *Desk) home(ctx context.Context, _ *struct{}) (*homeOut, error) {
	me, now := authz.From(ctx), d.now()
	units, err := d.mine(ctx, d.db)
	if err != nil {
		return nil, err
	}
	h := Home{Date: when.FormatDate(now), Weekday: (int(now.In(when.Zone).Weekday())+6)%7 + 1,
		Workday: d.Calendar().IsWorkday(now), Holiday: d.Calendar().Name(now), Notices: []Line{}}
	if h.Counts, err = countNotices(ctx, d.db, me.Person, units, now); err != nil {
		return nil, err
	}
	top, err := topNotices(ctx, d.db, units, now, topMost)
	if err != nil {
		return nil, err
	}
	h.Notices = append(h.Notices, top...)
	if err := markLines(ctx, d.db, me.Person, h.Notices); err != nil {
		return nil, err
	}
	if d.Inbox != nil {
		n, err := d.Inbox.Unread(ctx, d.db, me.Person)
		if err != nil {
			return nil, err
		}
		h.Counts.Messages = &n
	}
	pinned, err := pins(ctx, d.db, me.Person)
	if err != nil {
		return nil, err
	}
	h.Apps = grid(d.Pages.Pages(ctx), pinned)
	return &homeOut{h}, nil
}

// mine returns the ids of the actor's unit and those above it.
func (d *Desk) mine(ctx context.Context, q store.Queryer) ([]string, error) {
	unit := authz.From(ctx).Unit
	if unit == "" {
		return nil, nil
	}
	above, err := d.Units.Above(ctx, q, unit)
	out := make([]string, len(above))
	for i, u := range above {
		out[i] = u.ID
	}
	return out, err
}

// grid puts the pinned pages first; the workbench itself is no app, nor is a pin whose page the actor may not open now.
func grid(pages []Page, pinned []string) []App {
	out := []App{}
	for _, p := range pages {
		if p.Path != "/desk" {
			out = append(out, App{p.Room, p.Path, p.Title, slices.Contains(pinned, p.Path)})
		}
	}
	rank := func(a App) int {
		if i := slices.Index(pinned, a.Path); i >= 0 {
			return i
		}
		return len(pinned)
	}
	slices.SortStableFunc(out, func(a, b App) int { return rank(a) - rank(b) })
	return out
}

type pinIn struct {
	Body struct {
		Paths []string `json:"paths" maxItems:"24" uniqueItems:"true" doc:"pages in their order"`
	}
}

type pinOut struct {
	Body struct {
		Apps []App `json:"apps" nullable:"false"`
	}
}

// pin replaces the person's pins among the pages of his present post; those of his other posts stay.
func (d *Desk) pin(ctx context.Context, in *pinIn) (*pinOut, error) {
	me, pages := authz.From(ctx), d.Pages.Pages(ctx)
	has := func(path string) bool { return slices.ContainsFunc(pages, func(p Page) bool { return p.Path == path }) }
	if i := slices.IndexFunc(in.Body.Paths, func(p string) bool { return !has(p) }); i >= 0 {
		return nil, errs.New(errs.Invalid, "desk.no_page").With(errs.Field{Name: "paths", Key: "desk.no_page"})
	}
	all := slices.Clone(in.Body.Paths)
	err := d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "desk_pin", me.Person); err != nil {
			return err
		}
		old, err := pins(ctx, tx, me.Person)
		if err != nil {
			return err
		}
		all = append(all, slices.DeleteFunc(old, has)...)
		return savePins(ctx, tx, me.Person, all)
	})
	out := &pinOut{}
	out.Body.Apps = grid(pages, all)
	return out, err
}

type listIn struct {
	State   string `query:"state" enum:"all,unread,must" default:"all" doc:"unread: of the last 30 days, not opened; must: of the last 180 days, a receipt is outstanding"`
	Text    string `query:"text" maxLength:"50" doc:"in the title"`
	Unit    string `query:"unit" maxLength:"40" doc:"published by"`
	Managed bool   `query:"managed" doc:"those the caller may edit, withdrawn ones too, instead of those addressed to him"`
	store.Page
}

type listOut struct{ Body store.Listed[Line] }

func (d *Desk) list(ctx context.Context, in *listIn) (*listOut, error) {
	scope := authz.Where(ctx, "desk.publish")
	if !in.Managed {
		units, err := d.mine(ctx, d.db)
		if err != nil {
			return nil, err
		}
		scope = store.Scoped(visible(units))
	}
	f := filter{person: authz.From(ctx).Person, state: in.State, text: in.Text, unit: in.Unit, now: d.now()}
	out, err := listNotices(ctx, d.db, scope, f, in.Page)
	return &listOut{out}, err
}

type idIn struct {
	ID string `path:"id" maxLength:"40"`
}

type noticeOut struct{ Body Notice }

// get answers one notice and notes that the reader has opened it.
func (d *Desk) get(ctx context.Context, in *idIn) (*noticeOut, error) {
	me := authz.From(ctx)
	n, toMe, err := d.readable(ctx, d.db, in.ID)
	if err != nil {
		return nil, err
	}
	if err := d.complete(ctx, d.db, n); err != nil {
		return nil, err
	}
	if toMe && !n.Seen && n.WithdrawnAt.IsZero() {
		if err := see(ctx, d.db, n.ID, me.Person, d.now()); err != nil {
			return nil, err
		}
		n.Seen = true
	}
	return &noticeOut{*n}, nil
}

// readable returns a notice the actor may read: one addressed to him and not withdrawn, or one he may edit.
func (d *Desk) readable(ctx context.Context, q store.Queryer, id string) (n *Notice, toMe bool, err error) {
	units, err := d.mine(ctx, q)
	if err != nil {
		return nil, false, err
	}
	managed := authz.Where(ctx, "desk.publish").Cond()
	if n, err = findNotice(ctx, q, id, store.Or(addressed(units), managed)); err != nil {
		return nil, false, err
	}
	if authz.From(ctx).Can("desk.publish") {
		if n.Mine, err = holds(ctx, q, id, managed); err != nil {
			return nil, false, err
		}
	}
	if !n.WithdrawnAt.IsZero() && !n.Mine {
		return nil, false, errs.New(errs.Missing, "desk.withdrawn", n.Unit.Name)
	}
	toMe = n.All || slices.ContainsFunc(n.units, func(u string) bool { return slices.Contains(units, u) })
	return n, toMe, nil
}

// complete adds the names of the units addressed and the actor's own marks.
func (d *Desk) complete(ctx context.Context, q store.Queryer, n *Notice) error {
	if len(n.units) > 0 {
		named, err := d.Units.Named(ctx, q, n.units)
		if err != nil {
			return err
		}
		n.To = append(n.To, named...)
	}
	r, err := myReceipt(ctx, q, n.ID, authz.From(ctx).Person)
	n.mark(r.seen, r.read)
	return err
}

type receiveOut struct {
	Body struct {
		ReadAt store.Time `json:"readAt"`
	}
}

// receive notes the reader's receipt (已阅). Giving it twice changes nothing.
func (d *Desk) receive(ctx context.Context, in *idIn) (*receiveOut, error) {
	me, out := authz.From(ctx), &receiveOut{}
	err := d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "desk_notice", in.ID); err != nil {
			return err
		}
		n, toMe, err := d.readable(ctx, tx, in.ID)
		switch {
		case err != nil:
			return err
		case !toMe:
			return errs.New(errs.Missing, "desk.missing")
		case !n.WithdrawnAt.IsZero():
			return errs.New(errs.Conflict, "desk.withdrawn", n.Unit.Name)
		case !n.Must:
			return errs.New(errs.Invalid, "desk.no_receipt")
		}
		r, err := myReceipt(ctx, tx, n.ID, me.Person)
		if err != nil {
			return err
		}
		if counts(r.read, n.asked) {
			out.Body.ReadAt = r.read
			room.MarkAudited(ctx) // nothing changes
			return nil
		}
		out.Body.ReadAt = store.At(d.now())
		if err := confirm(ctx, tx, n.ID, me.Person, d.now()); err != nil {
			return err
		}
		return d.audit.Record(ctx, tx, audit.Entry{Action: "desk.receipt", Object: "desk_notice", ID: n.ID, Title: n.Title})
	})
	return out, err
}

type publishIn struct{ Body Draft }

// publish makes a notice in the name of the actor's body.
func (d *Desk) publish(ctx context.Context, in *publishIn) (*noticeOut, error) {
	me, draft, now := authz.From(ctx), &in.Body, d.now()
	if err := draft.clean(now, store.Time{}); err != nil {
		return nil, err
	}
	n := &Notice{Line: Line{ID: id.New(), PublishedAt: store.At(now), asked: store.At(now)}, By: me.Name, Version: 1, Mine: true}
	n.take(draft)
	err := d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		above, err := d.Units.Above(ctx, tx, me.Home)
		if err != nil {
			return err
		}
		if len(above) == 0 {
			return errs.New(errs.Denied, "desk.no_unit")
		}
		n.Unit = above[0]
		if err := d.mayAddress(ctx, tx, n); err != nil {
			return err
		}
		if err := insertNotice(ctx, tx, n, me.Person, me.Street); err != nil {
			return err
		}
		if err := d.finds.Touch(ctx, tx, kind, n.ID); err != nil {
			return err
		}
		if err := d.tell(ctx, tx, n); err != nil {
			return err
		}
		return d.audit.Record(ctx, tx, audit.Entry{Action: "desk.publish", Object: "desk_notice", ID: n.ID, Title: n.Title,
			Detail: map[string]any{"all": n.All, "units": n.units, "must": n.Must}})
	})
	if err != nil {
		return nil, err
	}
	return &noticeOut{*n}, nil
}

// tell emits the event of a notice that is new, or asked for again.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, n *Notice) error {
	return d.bus.Emit(ctx, tx, "desk.published", Published{ID: n.ID, Title: n.Title, Unit: n.Unit, By: n.By, Must: n.Must, Units: n.units})
}

// take puts the draft's fields into n.
func (n *Notice) take(f *Draft) {
	n.Title, n.Body, n.Must, n.PinnedUntil, n.All, n.units = f.Title, f.Body, f.Must, f.PinnedUntil, f.All, f.Units
}

// mayAddress reports whether the actor's right to publish reaches everybody n is addressed to, and names the units in n.
// A unit's publisher may address the unit, which means all below it too.
func (d *Desk) mayAddress(ctx context.Context, q store.Queryer, n *Notice) error {
	n.To = []Unit{}
	if n.All {
		me := authz.From(ctx)
		if me.IsJob || slices.ContainsFunc(me.Reach("desk.publish"), func(g room.Grant) bool { return g.Scope == room.All }) {
			return nil
		}
		return errs.New(errs.Denied, "desk.not_all")
	}
	named, err := d.Units.Named(ctx, q, n.units)
	if err != nil {
		return err
	}
	if len(named) != len(n.units) {
		return errs.New(errs.Invalid, "desk.draft").With(errs.Field{Name: "units", Key: "desk.unknown_unit"})
	}
	for _, u := range named {
		err := authz.MayUnit(ctx, q, "desk.publish", u.ID)
		if errs.Is(err, errs.Denied) {
			return errs.New(errs.Denied, "desk.not_unit", u.Name)
		}
		if err != nil {
			return err
		}
	}
	n.To = named
	return nil
}
