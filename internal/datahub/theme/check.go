package theme

import (
	"context"
	"errors"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// asUnit lets a library read by the right of its unit, and nobody's of its people: what the unit answers for, and of others
// what is granted to it, or to a unit above, for batch use.
func asUnit(ctx context.Context, t *Theme) context.Context {
	grant := []room.Grant{{Scope: room.Unit, Unit: t.Unit}}
	return room.Acting(ctx, &room.Actor{Name: t.Title, Unit: t.Unit, Home: t.Unit, Street: t.Street, Grants: map[string][]room.Grant{"theme.build": grant}})
}

// read reads the SQL of a library by its unit's right; own are the results of steps before.
func (x *Themes) read(ctx context.Context, q store.Queryer, t *Theme, sql string, own []dataset.Table) (*dataset.Question, error) {
	out, err := x.datasets.QuestionOver(asUnit(ctx, t), q, "theme.build", "theme.build", dataset.Batch, sql, own)
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Key == "dataset.sql_missing" {
		return nil, errs.New(errs.Invalid, "theme.no_dataset", e.Args...)
	}
	if err == nil && len(out.Params) > 0 {
		return nil, errs.New(errs.Invalid, "theme.no_params", out.Params[0])
	}
	return out, err
}

// planned is a step that was read and may be made.
type planned struct {
	step       *Step
	question   *dataset.Question
	traced     []dataset.Traced
	conditions []warehouse.Origin
	tests      []asked
	dataset    dataset.Dataset // it goes on with, zero for none yet
}

// checked is a definition that was looked through, its columns filled in.
type checked struct {
	def    Definition
	steps  []planned // in the order they are to be made; only those without fault
	faults []Reason
	inputs []string // ids of the datasets of others, each once
}

// check reads every step of a definition with the rights its unit has now. Faults of the definition come back as such; an
// error is ours, or the store's. With run what has become more sensitive is raised instead of asked about.
func (x *Themes) check(ctx context.Context, q store.Queryer, t *Theme, def Definition, run bool) (checked, error) {
	out := checked{def: def, faults: def.shape()}
	out.def.Steps = slices.Clone(def.Steps)
	if len(out.faults) > 0 {
		return out, nil
	}
	places, err := x.arrange(ctx, &out)
	if err != nil {
		return out, err
	}
	var own []dataset.Table
	broken := map[string]bool{}
	for _, at := range places {
		s := &out.def.Steps[at]
		p, why, err := x.plan(ctx, q, t, s, own, broken, run)
		if err != nil {
			return out, err
		}
		out.faults = append(out.faults, why...)
		if p.question == nil {
			broken[s.Name] = true
			continue
		}
		for _, f := range p.question.Faces {
			if !f.Own && !slices.Contains(out.inputs, f.Dataset.ID) {
				out.inputs = append(out.inputs, f.Dataset.ID)
			}
		}
		out.steps = append(out.steps, p)
		own = append(own, dataset.Table{Name: s.Name, Title: s.Title, Columns: s.columns()})
	}
	slices.Sort(out.inputs)
	return out, nil
}

// arrange finds the order of steps by the names their SQL holds; a cycle is a fault.
func (x *Themes) arrange(ctx context.Context, out *checked) ([]int, error) {
	reads := map[string][]string{}
	for _, s := range out.def.Steps {
		tables, _, err := x.datasets.Names(ctx, s.SQL)
		if _, ok := errors.AsType[*errs.Error](err); err != nil && !ok {
			return nil, err
		}
		for _, name := range tables { // what cannot be read is told when its turn comes
			reads[s.Name] = append(reads[s.Name], strings.ToLower(name))
		}
	}
	places, chain := order(out.def.Steps, reads)
	if chain != nil {
		i := slices.IndexFunc(out.def.Steps, func(s Step) bool { return s.Name == chain[0] })
		out.faults = append(out.faults, out.def.Steps[i].about("sql", errs.New(errs.Invalid, "theme.cycle", strings.Join(chain, " → ")))...)
	}
	return places, nil
}

// plan reads one step and fills in its columns. Without a question in it the step cannot be made.
func (x *Themes) plan(ctx context.Context, q store.Queryer, t *Theme, s *Step, own []dataset.Table, broken map[string]bool, run bool) (planned, []Reason, error) {
	out := planned{step: s}
	fault := func(part string, err error) ([]Reason, error) {
		if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind != errs.Internal && e.Kind != errs.Busy {
			return s.about(part, e), nil
		}
		return nil, err
	}
	if names, _, err := x.datasets.Names(ctx, s.SQL); err == nil && slices.ContainsFunc(names, func(n string) bool { return broken[strings.ToLower(n)] }) {
		return out, nil, nil // it waits for what it reads to be put right
	}
	question, err := x.read(ctx, q, t, s.SQL, own)
	if err != nil {
		why, err := fault("sql", err)
		return out, why, err
	}
	if out.traced, out.conditions, err = x.datasets.Trace(ctx, question, x.now()); err != nil {
		why, err := fault("sql", err)
		return out, why, err
	}
	var faults []Reason
	s.Columns = columnsOf(question, out.traced, s, run, &faults)
	if err := dataset.CheckColumns(s.columns()); err != nil {
		why, err := fault("columns", err)
		return out, append(faults, why...), err
	}
	if out.dataset, err = x.target(ctx, q, t, s.Name); err != nil {
		why, err := fault("step", err)
		return out, append(faults, why...), err
	}
	out.question = question
	tables := append(slices.Clone(own), dataset.Table{Name: s.Name, Title: s.Title, Columns: s.columns()})
	for _, one := range s.Tests {
		a, err := one.ready(*s, x.dicts)
		if err == nil && a.sql != "" {
			err = x.binds(ctx, q, t, a.sql, tables)
		}
		if err != nil {
			why, err := fault("tests", err)
			if err != nil {
				return out, faults, err
			}
			faults = append(faults, why...)
		}
		out.tests = append(out.tests, a)
	}
	return out, faults, nil
}

// binds says what is wrong with the SQL of a test.
func (x *Themes) binds(ctx context.Context, q store.Queryer, t *Theme, sql string, own []dataset.Table) error {
	question, err := x.read(ctx, q, t, sql, own)
	if err == nil {
		_, _, err = x.datasets.Trace(ctx, question, x.now())
	}
	return err
}

// columnsOf are the columns of a step: what follows from where they come from, and what was decided about them.
func columnsOf(x *dataset.Question, traced []dataset.Traced, s *Step, run bool, faults *[]Reason) []Column {
	out := make([]Column, len(traced))
	for i, one := range traced {
		if one.Alias != "" { // the engine numbers what stands twice, where it is to be refused
			one.Name = one.Alias
		}
		c := Column{Column: dataset.Inherited(one, x.Sources(one)), How: one.How, From: []string{}}
		c.Floor = dataset.L1
		if len(one.From) > 0 {
			c.Floor = c.Level
		}
		for _, o := range one.From {
			c.From = append(c.From, x.Faces[o.Table].Dataset.Name+"."+o.Column)
		}
		var given *Column
		if at := slices.IndexFunc(s.Columns, func(g Column) bool { return g.Name == one.Name }); at >= 0 {
			given = &s.Columns[at]
		}
		var why []Reason
		out[i], why = settle(given, c, run)
		for _, r := range why {
			r.Step, r.Name, r.Part = s.called(), s.Name, "columns"
			*faults = append(*faults, r)
		}
	}
	return out
}

// target is the dataset a step goes on with: one of this library, or one a library of the unit has left. Conflict when the
// name is another's.
func (x *Themes) target(ctx context.Context, q store.Queryer, t *Theme, name string) (dataset.Dataset, error) {
	taken := errs.New(errs.Conflict, "dataset.name_taken", name)
	owner, err := outputOwner(ctx, q, name)
	if err != nil {
		return dataset.Dataset{}, err
	}
	if owner != "" && owner != t.ID {
		return dataset.Dataset{}, taken
	}
	ds, err := x.datasets.Named(ctx, q, name, store.Unscoped("names of datasets are one for all; only the unit's own is gone on with"))
	if errs.Is(err, errs.Missing) {
		if is, err := x.datasets.Taken(ctx, q, name); err != nil || is {
			return dataset.Dataset{}, errors.Join(err, taken)
		}
		return dataset.Dataset{}, nil
	}
	if err == nil && (ds.Room != "theme" || ds.Unit != t.Unit) {
		return dataset.Dataset{}, taken
	}
	return ds, err
}

// loop finds a way from what a library makes back to what it reads through other libraries, by their titles; "" for none.
func (x *Themes) loop(ctx context.Context, q store.Queryer, t *Theme, inputs []string) (string, error) {
	type step struct {
		id   string
		path string
	}
	seen := map[string]bool{}
	next := []step{}
	add := func(ids []string, path string) error {
		makers, err := makersOf(ctx, q, ids)
		for _, m := range makers {
			next = append(next, step{m.ID, path + " → " + m.Title})
		}
		return err
	}
	if err := add(inputs, t.Title); err != nil {
		return "", err
	}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at.id == t.ID {
			return at.path, nil
		}
		if seen[at.id] {
			continue
		}
		seen[at.id] = true
		ids, err := inputsOf(ctx, q, at.id)
		if err != nil {
			return "", err
		}
		if err := add(ids, at.path); err != nil {
			return "", err
		}
	}
	return "", nil
}
