package library

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// LiveLine is a live dataset that a room of this system offers, and who in the caller's reach has taken it up.
type LiveLine struct {
	Name     string           `json:"name"`
	Title    string           `json:"title"`
	Summary  string           `json:"summary"`
	RoomName string           `json:"roomName" doc:"that answers"`
	Columns  []dataset.Column `json:"columns" nullable:"false"`
	Taken    []LiveTaken      `json:"taken" nullable:"false"`
}

// LiveTaken is a dataset that was made of it.
type LiveTaken struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	UnitName string `json:"unitName"`
}

type liveOut struct {
	Body struct {
		Items []LiveLine `json:"items" nullable:"false"`
	}
}

// listLive lists what rooms offer as live datasets: a handful, so there are no pages.
func (l *Library) listLive(ctx context.Context, _ *struct{}) (*liveOut, error) {
	out := &liveOut{}
	out.Body.Items = []LiveLine{}
	mine, err := l.datasets.OfLive(ctx, l.db, dataset.Reach(ctx, "library.load"))
	if err != nil {
		return nil, err
	}
	var units []string
	for _, ds := range mine {
		units = append(units, ds.Unit)
	}
	names, err := l.names.Units(ctx, l.db, units)
	for _, one := range l.datasets.AllDeclared() {
		line := LiveLine{Name: one.Name, Title: one.Title, Summary: one.Summary, RoomName: l.words.Text(web.From(ctx).Lang, "room."+one.Room), Columns: one.Columns, Taken: []LiveTaken{}}
		for _, ds := range mine {
			if ds.Live == one.Name {
				line.Taken = append(line.Taken, LiveTaken{ds.ID, ds.Title, names[ds.Unit]})
			}
		}
		out.Body.Items = append(out.Body.Items, line)
	}
	return out, err
}

type takeUpIn struct {
	Name string `path:"name" maxLength:"60"`
	Body struct {
		Unit  string `json:"unit" required:"false" maxLength:"40" doc:"id of the unit that is to answer for it; the caller's when empty"`
		Name  string `json:"name" required:"false" maxLength:"50" doc:"what programs call it; as declared when empty"`
		Title string `json:"title" required:"false" maxLength:"100"`
	}
}

// takeUp makes a live dataset one of a unit: from now on it is catalogued, looked up and granted like any other.
func (l *Library) takeUp(ctx context.Context, in *takeUpIn) (*datasetOut, error) {
	b, me := in.Body, authz.From(ctx)
	unit := b.Unit
	if unit == "" {
		unit = me.Home
	}
	if err := authz.MayUnit(ctx, l.db, "library.load", unit); err != nil {
		return nil, err
	}
	units, err := l.org.Units(ctx, l.db, []string{unit})
	if err != nil {
		return nil, err
	}
	u, ok := units[unit]
	if !ok {
		return nil, errs.New(errs.Invalid, "library.no_unit")
	}
	var ds dataset.Dataset
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if ds, err = l.datasets.TakeUp(ctx, tx, in.Name, dataset.TakenUp{Name: strings.TrimSpace(b.Name), Title: strings.TrimSpace(b.Title), Unit: u.ID, Street: u.Street, Owner: me.Person}); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.take_up", Object: "dataset", ID: ds.ID, Title: ds.Title, Detail: map[string]any{"live": ds.Live, "name": ds.Name, "unit": ds.Unit, "columns": columnsSaid(ds.Columns)}})
	})
	if err != nil {
		return nil, err
	}
	return l.shown(ctx, ds)
}
