package batch

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
)

type askIn struct {
	Body struct {
		File    string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished: the list"`
		Dataset string `json:"dataset" minLength:"1" maxLength:"40" doc:"id"`
		Wanted  string `json:"wanted" maxLength:"300" doc:"what is to come back, in words"`
		Purpose string `json:"purpose" maxLength:"200"`
		Basis   string `json:"basis" maxLength:"200"`
	}
}

type askOut struct{ Body Ask }

// ask files a request with who answers for a dataset, and begins its case.
func (b *Batch) ask(ctx context.Context, in *askIn) (*askOut, error) {
	me := authz.From(ctx)
	ds, err := b.datasets.Get(ctx, b.db, in.Body.Dataset, store.Unscoped("that a dataset is there is no secret to who may ask for it; nothing of it is shown"))
	if err != nil {
		return nil, err
	}
	a := Ask{ID: id.New(), Dataset: ds.ID, Title: ds.Title, toUnit: ds.Unit, toStreet: ds.Street, file: in.Body.File, owner: me.Person, Name: me.Name, unit: me.Home, street: me.Street, At: store.At(b.now())}
	for _, part := range []struct {
		name, text string
		least      int
		to         *string
	}{{"wanted", in.Body.Wanted, 2, &a.Wanted}, {"purpose", in.Body.Purpose, 4, &a.Purpose}, {"basis", in.Body.Basis, 2, &a.Basis}} {
		if *part.to, err = cleanReason(part.name, part.text, part.least); err != nil {
			return nil, err
		}
	}
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err := b.files.Claim(ctx, tx, a.file, "batch", "ask/"+a.ID)
		if err != nil {
			return err
		}
		a.FileName = f.Name
		if err := insertAsk(ctx, tx, a); err != nil {
			return err
		}
		// drawn again it changes nothing, unless the days were set anew since
		if _, err := b.flow.Deploy(ctx, tx, askKind().Key, askFlow(float64(b.settings.Int(ctx, "batch.ask_days")))); err != nil {
			return err
		}
		c, err := b.flow.Begin(ctx, tx, flow.NewCase{Kind: askKind(), Object: a.ID, Title: a.Title + "：" + a.Purpose, Unit: a.toUnit, Street: a.street})
		if err != nil {
			return err
		}
		a.Case, a.Number = c.ID, c.Number
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.ask", Object: "batch_ask", ID: a.ID, Title: a.Title, Purpose: a.Purpose, Detail: map[string]any{"dataset": a.Dataset, "basis": a.Basis, "number": a.Number}})
	})
	if err != nil {
		return nil, err
	}
	return b.getAsk(ctx, &runIn{ID: a.ID})
}

func (b *Batch) nameAsks(ctx context.Context, all []Ask) error {
	var units []string
	for _, a := range all {
		units = append(units, a.unit, a.toUnit)
	}
	names, err := b.names.Units(ctx, b.db, units)
	if err != nil {
		return err
	}
	reach, err := authz.Reach(ctx, b.db, "batch.run")
	for i := range all {
		a := &all[i]
		a.UnitName, a.ToName, a.Mine = names[a.unit], names[a.toUnit], a.owner == authz.From(ctx).Person
		a.Handles = reach.Has(a.toUnit, a.toStreet, "")
	}
	return err
}

func (b *Batch) getAsk(ctx context.Context, in *runIn) (*askOut, error) {
	a, err := findAsk(ctx, b.db, in.ID, askScope(ctx).Cond())
	if err != nil {
		return nil, err
	}
	one := []Ask{a}
	err = b.nameAsks(ctx, one)
	return &askOut{one[0]}, err
}

type asksIn struct{ store.Page }

type asksOut struct{ Body store.Listed[Ask] }

func (b *Batch) listAsks(ctx context.Context, in *asksIn) (*asksOut, error) {
	all, err := store.List(ctx, b.db, store.Query[Ask]{Select: `SELECT ` + askColumns + ` FROM batch_ask`, Scope: askScope(ctx),
		Keys: []string{"at", "id"}, Desc: true, Page: in.Page, Scan: scanAsk, Cursor: func(a *Ask) []any { return []any{a.At, a.ID} }})
	if err != nil {
		return nil, err
	}
	if all.Items == nil {
		all.Items = []Ask{}
	}
	return &asksOut{all}, b.nameAsks(ctx, all.Items)
}

// answer makes a draft of the list of an ask, for who answers for the data and has taken the ask on.
func (b *Batch) answerAsk(ctx context.Context, in *runIn) (*runOut, error) {
	me := authz.From(ctx)
	a, err := findAsk(ctx, b.db, in.ID, authz.WhereCols(ctx, "batch.run", authz.Cols{Unit: "to_unit", Street: "to_street"}).Cond())
	if err != nil {
		return nil, err
	}
	steps, _, err := b.flow.Holds(ctx, b.db, a.Case, me.Person)
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 || steps[0] != "run" {
		return nil, errs.New(errs.Conflict, "batch.ask_not_yours")
	}
	ds, right, err := b.openDataset(ctx, a.Dataset)
	if err != nil {
		return nil, err
	}
	r := &Run{ID: id.New(), State: Draft, File: a.file, Owner: me.Person, OwnerName: me.Name, PostUnit: me.Unit, Unit: me.Home, Street: me.Street, At: store.At(b.now()), Version: 1,
		Ask: a.ID, Matter: a.Number, Plan: Plan{At: -1, Mode: Exists, Columns: []string{}, Clear: []string{}, Compare: []Pair{}}}
	if err := r.aim(ds, a.Purpose, a.Basis); err != nil {
		return nil, err
	}
	var samples [][]string
	r.FileName = a.FileName
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE batch_ask SET run_id = $1 WHERE id = $2`, r.ID, a.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.draft", Object: "batch_run", ID: r.ID, Title: r.Title, Purpose: r.Purpose, Detail: map[string]any{"ask": a.ID, "number": a.Number, "file": r.File}})
	})
	if err != nil {
		return nil, err
	}
	if samples, err = b.look(ctx, r, ds, right, guessed); err != nil {
		return nil, err
	}
	r.Version++
	if err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, r) }); err != nil {
		return nil, err
	}
	out, err := b.shown(ctx, r)
	out.Body.Samples = samples
	return out, err
}

// Askable is a dataset one may ask for: its name, who answers for it, and nothing of what is in it.
type Askable struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	UnitName string `json:"unitName"`
}

type askableOut struct {
	Body struct {
		Items []Askable `json:"items" nullable:"false"`
	}
}

type askableIn struct {
	Text string `query:"text" maxLength:"100"`
}

func (b *Batch) askable(ctx context.Context, in *askableIn) (*askableOut, error) {
	all, err := b.datasets.List(ctx, b.db, store.Unscoped("titles of datasets are the catalogue that one asks by"), in.Text, store.Page{Limit: 50})
	if err != nil {
		return nil, err
	}
	var units []string
	for _, d := range all.Items {
		units = append(units, d.Unit)
	}
	names, err := b.names.Units(ctx, b.db, units)
	out := &askableOut{}
	out.Body.Items = []Askable{}
	for _, d := range all.Items {
		if len(d.Keys()) > 0 {
			out.Body.Items = append(out.Body.Items, Askable{d.ID, d.Title, names[d.Unit]})
		}
	}
	return out, err
}
