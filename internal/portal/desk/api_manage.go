package desk

import (
	"cmp"
	"context"
	"net/http"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

type editIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Draft
		Again   bool  `json:"again" required:"false" doc:"ask everybody for a receipt once more"`
		Version int64 `json:"version" doc:"the version this change was made from"`
	}
}

// edit replaces what a notice says and whom it is addressed to.
func (d *Desk) edit(ctx context.Context, in *editIn) (*noticeOut, error) {
	var out *Notice
	err := d.change(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, n *Notice) (*audit.Entry, error) {
		now, draft := d.now(), &in.Body.Draft
		if err := draft.clean(now, n.PinnedUntil); err != nil {
			return nil, err
		}
		fields := draft.changed(n)
		n.take(draft)
		n.EditedAt, n.EditedBy = store.At(now), authz.From(ctx).Name
		if in.Body.Again {
			n.asked = n.EditedAt
		}
		if err := d.mayAddress(ctx, tx, n); err != nil {
			return nil, err
		}
		if in.Body.Again {
			if err := d.tell(ctx, tx, n); err != nil {
				return nil, err
			}
		}
		out = n
		return &audit.Entry{Action: "desk.edit", Detail: map[string]any{"fields": fields, "all": n.All, "units": n.units, "must": n.Must, "again": in.Body.Again}}, nil
	})
	if err != nil {
		return nil, err
	}
	r, err := myReceipt(ctx, d.db, out.ID, authz.From(ctx).Person)
	out.mark(r.seen, r.read)
	return &noticeOut{*out}, err
}

type withdrawIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"200"`
		Version int64  `json:"version" doc:"the version this change was made from"`
	}
}

// withdraw takes a notice from its readers; publishers still see it and its receipts.
func (d *Desk) withdraw(ctx context.Context, in *withdrawIn) (*noticeOut, error) {
	var out *Notice
	err := d.change(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, n *Notice) (*audit.Entry, error) {
		n.WithdrawnAt, n.WithdrawnBy, n.WithdrawnWhy = store.At(d.now()), authz.From(ctx).Name, in.Body.Reason
		out = n
		return &audit.Entry{Action: "desk.withdraw", Purpose: in.Body.Reason}, d.complete(ctx, tx, n)
	})
	if err != nil {
		return nil, err
	}
	return &noticeOut{*out}, nil
}

// change saves what fn makes of a notice within the actor's right to publish, with fn's record.
func (d *Desk) change(ctx context.Context, id string, version int64, fn func(context.Context, *store.Tx, *Notice) (*audit.Entry, error)) error {
	return d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "desk_notice", id); err != nil {
			return err
		}
		n, err := findNotice(ctx, tx, id, authz.Where(ctx, "desk.publish").Cond())
		if err != nil {
			return err
		}
		if !n.WithdrawnAt.IsZero() {
			return errs.New(errs.Conflict, "desk.withdrawn_already", n.WithdrawnBy)
		}
		if n.Version != version {
			return errs.New(errs.Conflict, "desk.changed", cmp.Or(n.EditedBy, n.By), n.Title)
		}
		n.Mine = true
		n.Version++
		e, err := fn(ctx, tx, n)
		if err != nil {
			return err
		}
		if err := saveNotice(ctx, tx, n); err != nil {
			return err
		}
		if err := d.finds.Touch(ctx, tx, kind, n.ID); err != nil {
			return err
		}
		e.Object, e.ID, e.Title = "desk_notice", n.ID, n.Title
		return d.audit.Record(ctx, tx, *e)
	})
}

type receiptsOut struct {
	Body struct {
		Reading
		Units []UnitReading `json:"units" nullable:"false" doc:"those first in which most have not answered"`
	}
}

// receipts answers how far a notice has been read, by unit.
func (d *Desk) receipts(ctx context.Context, in *idIn) (*receiptsOut, error) {
	n, err := findNotice(ctx, d.db, in.ID, authz.Where(ctx, "desk.publish").Cond())
	if err != nil {
		return nil, err
	}
	all, err := d.readers(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &receiptsOut{}
	out.Body.Reading, out.Body.Units = tally(all, n.Must)
	return out, nil
}

// batch is how many people are asked for at once.
const batch = 1000

// readers returns everybody addressed with what he has done; people who have left are no longer among them.
func (d *Desk) readers(ctx context.Context, n *Notice) ([]Reader, error) {
	by, err := receiptsOf(ctx, d.db, n.ID)
	if err != nil {
		return nil, err
	}
	var out []Reader
	after := ""
	for {
		people, err := d.People.ListIn(ctx, d.db, n.units, after, batch)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			out = append(out, reader(p, by[p.ID], n))
			after = p.ID
		}
		if len(people) < batch {
			return out, nil
		}
	}
}

func reader(p Member, r receipt, n *Notice) Reader {
	out := Reader{Person: p.ID, Name: p.Name, Unit: p.Unit, SeenAt: r.seen}
	if counts(r.read, n.asked) {
		out.ReadAt = r.read
	}
	return out
}

type peopleIn struct {
	ID    string `path:"id" maxLength:"40"`
	State string `query:"state" enum:"unread,opened,read" doc:"all when left out"`
	Unit  string `query:"unit" maxLength:"40" doc:"of the main post"`
	store.Page
}

type peopleOut struct{ Body store.Listed[Reader] }

// people lists who is addressed and what he has done.
func (d *Desk) people(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	n, err := findNotice(ctx, d.db, in.ID, authz.Where(ctx, "desk.publish").Cond())
	if err != nil {
		return nil, err
	}
	all, err := d.readers(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &peopleOut{store.Listed[Reader]{Items: []Reader{}}}
	for _, r := range all { // by person, which is the cursor too
		if r.Person <= in.After || in.State != "" && r.State() != in.State || in.Unit != "" && r.Unit.ID != in.Unit {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next = out.Body.Items[in.Limit-1].Person
			break
		}
		out.Body.Items = append(out.Body.Items, r)
	}
	return out, nil
}

// export writes everybody addressed and what he has done as CSV.
func (d *Desk) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	n, err := findNotice(ctx, d.db, r.PathValue("id"), authz.Where(ctx, "desk.publish").Cond())
	if err != nil {
		return err
	}
	all, err := d.readers(ctx, n)
	if err != nil {
		return err
	}
	if err := d.audit.Note(ctx, audit.Entry{Action: "desk.export", Object: "desk_notice", ID: n.ID, Title: n.Title, Subjects: len(all)}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="receipts-`+n.ID+`.csv"`)
	say := func(key string) string { return d.words.Text(web.From(ctx).Lang, "desk.csv_"+key) }
	out := table.NewCSV(w, table.CSVOptions{})
	if err := out.Write(say("unit"), say("name"), say("state"), say("seen_at"), say("read_at")); err != nil {
		return err
	}
	for _, p := range all {
		if err := out.Write(p.Unit.Name, p.Name, say(p.State()), cell(p.SeenAt), cell(p.ReadAt)); err != nil {
			return err
		}
	}
	return out.Close()
}

// cell is a time for a table, nothing for none.
func cell(t store.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Time
}
