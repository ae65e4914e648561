package theme

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
)

// publish makes every dataset of the library serve what was made, in one transaction.
func (r *running) publish(ctx context.Context) error {
	rolledBack := false
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := r.serve(ctx, tx)
		rolledBack = err != nil
		return err
	})
	if err != nil && !rolledBack { // the commit may have happened, and the sweep judges by the rows
		r.made = nil
	}
	return err
}

func (r *running) serve(ctx context.Context, tx *store.Tx) error {
	run := r.seen()
	run.State, run.Ended = Done, store.At(r.now())
	t, err := r.ended(ctx, tx, &run)
	if err != nil {
		return err
	}
	ids := map[string]Input{} // of the steps so far, by name
	var warned int64
	personal, subjects := false, int64(0)
	for _, m := range r.made {
		ds, err := r.one(ctx, tx, t, m, ids)
		if err != nil {
			return r.inStep(m.step, err)
		}
		ids[m.step.Name] = Input{ID: ds.ID, Name: ds.Name, Number: ds.Number, Version: ds.Current}
		for i := range run.Results {
			if one := &run.Results[i]; one.Name == m.step.Name {
				one.Dataset, one.Number = ds.ID, ds.Number
				warned += advised(one.Tests)
			}
		}
		for _, c := range m.step.Columns {
			if c.Masked {
				personal, subjects = true, max(subjects, m.loaded.Rows)
			}
		}
	}
	if err := saveResults(ctx, tx, &run); err != nil {
		return err
	}
	t.State, t.Fault, t.Run, t.Fails, t.Good, t.Warned = Done, Reason{}, run.ID, 0, run.Ended, warned
	if err := saveOutcome(ctx, tx, t); err != nil {
		return err
	}
	if run.Why == "hand" {
		if err := r.tell(ctx, tx, notify.Info, t, "theme.told_done", t.Title, len(r.made), run.Rows); err != nil {
			return err
		}
	}
	e := audit.Entry{Action: "theme.made", Object: "theme", ID: t.ID, Title: t.Title, Personal: personal, Detail: map[string]any{"run": run.ID, "number": run.Number, "rows": run.Rows, "steps": summary(run.Results), "warned": warned}}
	if personal {
		e.Subjects = int(subjects)
	}
	return r.audit.Record(ctx, tx, e)
}

func summary(all []Result) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, one := range all {
		out[i] = map[string]any{"step": one.Name, "dataset": one.Dataset, "number": one.Number, "rows": one.Rows}
	}
	return out
}

// one publishes the result of one step, counts what grants gave for it, and notes what it was made of.
func (r *running) one(ctx context.Context, tx *store.Tx, t *Theme, m made, ids map[string]Input) (dataset.Dataset, error) {
	for _, f := range m.question.Faces {
		for _, g := range f.Grants {
			if err := r.datasets.Spend(ctx, tx, g, m.loaded.Rows); err != nil {
				return dataset.Dataset{}, err
			}
		}
	}
	was, err := r.target(ctx, tx, t, m.step.Name)
	if err != nil {
		return was, err
	}
	p := dataset.Publication{ID: was.ID, Expect: was.Version, Name: m.step.Name, Title: m.step.Title, Summary: m.step.Summary, Room: "theme", Unit: t.Unit, Street: t.Street, Owner: r.run.Person,
		Columns: asToday(m.step.columns(), was), Loaded: m.loaded.Version, Source: t.Title, Person: r.run.Person}
	ds, err := r.datasets.Publish(ctx, tx, p)
	if err != nil {
		return ds, err
	}
	if err := saveOutput(ctx, tx, t.ID, m.step.Name, ds.ID); err != nil {
		return ds, err
	}
	made := Made{Version: ds.Current, Dataset: ds.ID, Theme: t.ID, Run: r.run.ID, Step: m.step.Name, Lineage: lineageOf(m, ids), At: store.At(r.now())}
	if err := saveMade(ctx, tx, made); err != nil {
		return ds, err
	}
	all, err := r.datasets.Versions(ctx, tx, ds.ID)
	if err != nil {
		return ds, err
	}
	kept := make([]string, len(all))
	for i, v := range all {
		kept[i] = v.ID
	}
	return ds, forgetMade(ctx, tx, ds.ID, kept)
}

// asToday keeps closed what somebody has closed since in the dataset itself.
func asToday(cols []dataset.Column, was dataset.Dataset) []dataset.Column {
	for i, c := range cols {
		if o, ok := was.Column(c.Name); ok {
			cols[i].Level, cols[i].Masked = max(c.Level, o.Level), c.Masked || o.Masked
		}
	}
	return cols
}

// lineageOf tells what a step was made of; ids are the datasets of the steps before it.
func lineageOf(m made, ids map[string]Input) Lineage {
	l := Lineage{Inputs: []Input{}, Columns: []Link{}, Conditions: []Source{}}
	at := make([]string, len(m.question.Faces))
	for i, f := range m.question.Faces {
		in := Input{ID: f.Dataset.ID, Name: f.Dataset.Name, Number: f.Dataset.Number, Version: f.Dataset.Current, Part: len(f.Filter) > 0}
		if f.Own {
			in = ids[f.Dataset.Name]
		}
		at[i] = in.ID
		l.Inputs = append(l.Inputs, in)
	}
	sources := func(all []warehouse.Origin) []Source {
		out := []Source{}
		for _, o := range all {
			out = append(out, Source{at[o.Table], o.Column})
		}
		return out
	}
	for _, c := range m.traced {
		l.Columns = append(l.Columns, Link{c.Name, c.How, sources(c.From)})
	}
	l.Conditions = sources(m.conditions)
	return l
}
