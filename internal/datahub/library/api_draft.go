package library

import (
	"context"
	"errors"
	"io"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/room"
)

type createIn struct {
	Body struct {
		File    string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished"`
		Dataset string `json:"dataset" required:"false" maxLength:"40" doc:"id of the dataset it is to replace"`
	}
}

// create looks at an uploaded file and makes a draft of it. A file that is no table is refused and stays with its
// uploader.
func (l *Library) create(ctx context.Context, in *createIn) (*loadOut, error) {
	me := authz.From(ctx)
	if l.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	ds, err := l.replaced(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	ld := &Load{ID: id.New(), State: Draft, File: in.Body.File, Owner: me.Person, OwnerName: me.Name, At: store.At(l.now()), Version: 1}
	ld.Unit, ld.Street = loadsFor(me)
	ld.Plan.OnBad = rejectRows
	found, err := l.look(ctx, ld, true, "", 0, 0)
	if err != nil {
		return nil, err
	}
	ld.aim(ds)
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := l.files.Claim(ctx, tx, ld.File, "library", ld.ID); err != nil {
			return err
		}
		if err := insertLoad(ctx, tx, ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.draft", Object: "library_load", ID: ld.ID, Title: ld.FileName,
			Detail: map[string]any{"file": ld.File, "size": ld.FileSize, "replaces": ld.Plan.Dataset}})
	})
	if err != nil {
		return nil, err
	}
	b, err := l.body(ctx, ld)
	if err == nil {
		l.show(ctx, &b, found)
	}
	return &loadOut{b}, err
}

// loadsFor returns the body a person loads for: his own when his permission reaches it, else the one he was lent it in.
func loadsFor(me *room.Actor) (unit, street string) {
	reach := me.Reach("library.load")
	for _, g := range reach {
		if g.Scope == room.All || g.Scope == room.Self || g.Unit == me.Home {
			return me.Home, me.Street
		}
	}
	for _, g := range reach {
		return g.Unit, g.Street
	}
	return me.Home, me.Street
}

// replaced returns the dataset a load is to replace, nil for a new one. It must be one the person loads for.
func (l *Library) replaced(ctx context.Context, id string) (*dataset.Dataset, error) {
	if id == "" {
		return nil, nil
	}
	ds, err := l.datasets.Get(ctx, l.db, id, dataset.Reach(ctx, "library.load"))
	if err == nil && ds.IsLive() {
		err = errs.New(errs.Conflict, "dataset.live_fixed", ds.Title)
	}
	return &ds, err
}

// look reads the beginning of the load's file and takes over what it finds.
func (l *Library) look(ctx context.Context, ld *Load, fresh bool, sheet string, first, last int) (intake.Finding, error) {
	f, tab, done, err := l.open(ctx, ld, fresh)
	if err != nil {
		return intake.Finding{}, err
	}
	defer done()
	ld.FileName, ld.FileSize = f.Name, f.Size
	if sheet != "" {
		if err := tab.Use(sheet); err != nil {
			return intake.Finding{}, err
		}
	}
	found, err := intake.Inspect(tab.Reader, first, last)
	if err == nil {
		ld.found(found)
	}
	return found, err
}

// open opens the load's file as a table; done closes it. A fresh file is not claimed yet: only its uploader may.
func (l *Library) open(ctx context.Context, ld *Load, fresh bool) (f file.File, tab *opened, done func(), err error) {
	f, first, err := l.files.Open(ctx, l.db, ld.File)
	if errs.Is(err, errs.Missing) {
		return f, nil, nil, errs.New(errs.Missing, "library.no_file")
	}
	if err != nil {
		return f, nil, nil, err
	}
	if fresh && (f.Room != "file" || f.By != ld.Owner) {
		return f, nil, nil, errors.Join(errs.New(errs.Missing, "library.no_file"), first.Close())
	}
	src, err := intake.OpenSource(func() (io.ReadCloser, error) {
		if r := first; r != nil {
			first = nil
			return r, nil
		}
		_, r, err := l.files.Open(ctx, l.db, ld.File)
		return r, err
	}, f.Size, "")
	if err != nil {
		return f, nil, nil, err
	}
	t, err := src.Table(f.Name, table.Limits{})
	if err != nil {
		return f, nil, nil, errors.Join(err, src.Close())
	}
	return f, &opened{t, src}, func() { t.Close(); src.Close() }, nil
}

// opened is a table with the source it is read from.
type opened struct {
	*table.Reader
	src *intake.Source
}

type inspectIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Sheet   string `json:"sheet" required:"false" maxLength:"100"`
		First   int    `json:"first" required:"false" minimum:"0" doc:"first row of the header as Excel shows it, 0 to find it"`
		Last    int    `json:"last" required:"false" minimum:"0" doc:"last row of it, the same as first or the next"`
		Dataset string `json:"dataset" required:"false" maxLength:"40" doc:"id of the dataset it is to replace, empty for a new one"`
		Version int64  `json:"version"`
	}
}

// inspect looks at the file again, with another sheet, header or dataset to replace. What was corrected is guessed anew.
func (l *Library) inspect(ctx context.Context, in *inspectIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	ds, err := l.replaced(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	if in.Body.First > 0 && in.Body.Last == 0 {
		in.Body.Last = in.Body.First
	}
	found, err := l.look(ctx, &ld, false, in.Body.Sheet, in.Body.First, in.Body.Last)
	if err != nil {
		return nil, err
	}
	ld.aim(ds)
	ld.Version++
	if err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, &ld) }); err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	if err == nil {
		l.show(ctx, &b, found)
	}
	return &loadOut{b}, err
}

// mine returns a load the actor may change, as he last saw it.
func (l *Library) mine(ctx context.Context, id string, version int64) (Load, error) {
	ld, err := findLoad(ctx, l.db, id, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return ld, err
	}
	if err := ld.editable(authz.From(ctx).Person); err != nil {
		return ld, err
	}
	if ld.Version != version {
		return ld, errs.New(errs.Conflict, "store.changed")
	}
	return ld, nil
}

type putIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Choice
		Version int64 `json:"version"`
	}
}

func (l *Library) put(ctx context.Context, in *putIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	ds, err := l.replaced(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	if err := ld.settle(in.Body.Choice); err != nil {
		return nil, err
	}
	if err := l.mayKeep(ctx, intake.Kept(ld.Plan.Columns), ds); err != nil {
		return nil, err
	}
	if ld.Plan.Dataset == "" {
		taken, err := l.datasets.Taken(ctx, l.db, ld.Plan.Name)
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, errs.New(errs.Conflict, "dataset.name_taken", ld.Plan.Name)
		}
	}
	ld.Version++
	if err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, &ld) }); err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}
