package dataset

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
)

// Face is one dataset of a reader's SQL with what he sees of it.
type Face struct {
	Dataset Dataset
	Columns []Column // open to him, in the order of the dataset
	Used    []Column // of these, those the text names, or all when it asks for all
	Filter  Filter   // rows he sees, all when empty
	Grants  []Grant  // through which, none when it is his unit's own
	Own     bool     // a table the caller brought, which is no dataset
}

// Personal reports whether the text uses columns that are masked for others.
func (f Face) Personal() bool {
	return slices.ContainsFunc(f.Used, func(c Column) bool { return c.Masked })
}

// Question is a reader's SQL with the faces of the datasets it names.
type Question struct {
	Faces   []Face
	Params  []string
	reading *warehouse.Reading
}

// Question reads SQL and finds what the actor may see of each dataset it names: those he reads with perm, or by grants
// for a mode; of these the columns that are open to him, masked ones only where he may reveal them, by a grant or by
// bare for what perm reaches. Of a dataset granted him in part he sees the rows of the one grant that shows him most of
// the columns the text names. A dataset he may not read is as one that is not there.
func (d *Datasets) Question(ctx context.Context, q store.Queryer, perm, bare string, m Mode, text string) (*Question, error) {
	return d.QuestionOver(ctx, q, perm, bare, m, text, nil)
}

// QuestionAt is Question of datasets as they stood at a time, unless the text says of one which version it means; the
// zero time asks those that serve.
func (d *Datasets) QuestionAt(ctx context.Context, q store.Queryer, perm, bare string, m Mode, text string, at time.Time) (*Question, error) {
	return d.question(ctx, q, perm, bare, m, text, nil, at)
}

// QuestionOver is Question for a text that may also name tables the caller brings, all of whose columns are open: results
// on their way to be datasets. A name of own hides the dataset of that name.
func (d *Datasets) QuestionOver(ctx context.Context, q store.Queryer, perm, bare string, m Mode, text string, own []Table) (*Question, error) {
	return d.question(ctx, q, perm, bare, m, text, own, time.Time{})
}

func (d *Datasets) question(ctx context.Context, q store.Queryer, perm, bare string, m Mode, text string, own []Table, at time.Time) (*Question, error) {
	rd, err := engine[warehouse.Reader](d)
	if err != nil {
		return nil, err
	}
	r, err := rd.Read(ctx, text)
	if err != nil {
		return nil, err
	}
	scope, err := d.Readable(ctx, q, perm, m)
	if err != nil {
		return nil, err
	}
	out := &Question{reading: r, Params: r.Params}
	for _, t := range r.Tables {
		if i := slices.IndexFunc(own, func(o Table) bool { return strings.EqualFold(o.Name, t.Name) }); i >= 0 {
			if !t.At.Zero() {
				return nil, errs.New(errs.Invalid, "dataset.sql_own_at", own[i].Title)
			}
			out.Faces = append(out.Faces, own[i].face(t))
			continue
		}
		ds, err := d.Named(ctx, q, strings.ToLower(t.Name), scope)
		if errs.Is(err, errs.Missing) {
			return nil, errs.New(errs.Invalid, "dataset.sql_missing", cut(t.Name, 60))
		}
		if err == nil && ds.IsLive() {
			err = errs.New(errs.Invalid, "dataset.sql_live", ds.Title)
		}
		if err != nil {
			return nil, err
		}
		if t.At.Zero() {
			t.At.Time = at
		}
		if ds, err = d.Then(ctx, q, ds, t.At); err != nil {
			return nil, err
		}
		right, err := d.Right(ctx, q, ds, perm, bare, m)
		if err != nil {
			return nil, err
		}
		f := (granted{ds, right, authz.From(ctx).IsJob}).face(t)
		if len(f.Columns) == 0 {
			return nil, errs.New(errs.Denied, "dataset.sql_closed", ds.Title)
		}
		out.Faces = append(out.Faces, f)
	}
	return out, nil
}

// face chooses what of a dataset a reader sees in one question: what holds of every row, or one grant for some rows when
// that shows more of the columns he names.
func (g granted) face(t warehouse.Named) Face {
	whole := g.whole()
	best := g.seen(whole, nil, t)
	for i, one := range g.right.Grants {
		if len(one.Filter) == 0 || g.job {
			continue
		}
		f := g.seen(Right{Owned: whole.Owned, Bare: whole.Bare, Grants: append(slices.Clone(whole.Grants), one)}, g.right.Grants[i].Filter, t)
		if len(f.Used) > len(best.Used) || len(best.Columns) == 0 {
			best = f
		}
	}
	return best
}

func (g granted) seen(r Right, rows Filter, t warehouse.Named) Face {
	f := Face{Dataset: g.Dataset, Filter: rows}
	for _, c := range g.Dataset.Columns {
		if g.job || g.through(r, c.Name) {
			f.show(c, t)
		}
	}
	if r.Owned || g.job {
		return f
	}
	for _, one := range r.Grants { // those it rests on
		if slices.ContainsFunc(f.Used, func(c Column) bool { return slices.Contains(one.Columns, c.Name) }) || len(f.Used) == 0 {
			f.Grants = append(f.Grants, one)
		}
	}
	return f
}

// show opens a column, and notes whether the text names it.
func (f *Face) show(c Column, t warehouse.Named) {
	f.Columns = append(f.Columns, c)
	is := func(name string) bool { return strings.EqualFold(name, c.Name) }
	if t.All && !slices.ContainsFunc(t.Except, is) || slices.ContainsFunc(t.Columns, is) {
		f.Used = append(f.Used, c)
	}
}

// Open returns the columns of ds the actor may use in SQL or in a condition, masked ones where he may reveal them.
func (d *Datasets) Open(ctx context.Context, q store.Queryer, ds Dataset, perm, bare string, m Mode) ([]Column, error) {
	right, err := d.Right(ctx, q, ds, perm, bare, m)
	if err != nil {
		return nil, err
	}
	g := granted{ds, right, authz.From(ctx).IsJob}
	out := []Column{}
	for _, c := range ds.Columns {
		if g.open(c.Name) {
			out = append(out, c)
		}
	}
	return out, nil
}

// Answer answers a question. A column the text names that is there and not open to the reader is Denied, by name.
func (d *Datasets) Answer(ctx context.Context, x *Question, args map[string]any, l warehouse.Limits) (*warehouse.Answer, error) {
	rd, err := engine[warehouse.Reader](d)
	if err != nil {
		return nil, err
	}
	faces, err := x.faces()
	if err != nil {
		return nil, err
	}
	a, err := rd.Ask(ctx, x.reading, faces, args, l)
	return a, x.closed(err)
}

// faces are what the engine is to put in the places of the tables.
func (x *Question) faces() ([]warehouse.Face, error) {
	faces := make([]warehouse.Face, len(x.Faces))
	for i, f := range x.Faces {
		faces[i].Version = f.Dataset.Current
		for _, c := range f.Columns {
			faces[i].Columns = append(faces[i].Columns, c.Name)
		}
		if len(f.Filter) == 0 {
			continue
		}
		var err error
		if faces[i].Where, err = f.Filter.Cond(f.Dataset); err != nil {
			return nil, errs.Wrap(err, errs.Denied, "dataset.filter_stale", f.Dataset.Title)
		}
	}
	return faces, nil
}

// closed tells a column that is not open from one that is not there: by the name the engine missed or, where it only
// missed the table before it, by the names the text holds. Any other error stays.
func (x *Question) closed(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Args) != 1 || e.Key != "warehouse.no_column" && e.Key != "warehouse.sql_no_alias" {
		return err
	}
	missed, _ := e.Args[0].(string)
	for i, f := range x.Faces {
		names := []string{missed}
		if e.Key == "warehouse.sql_no_alias" {
			names = x.reading.Tables[i].Columns
		}
		for _, c := range f.Dataset.Columns {
			is := func(name string) bool { return strings.EqualFold(name, c.Name) }
			open := slices.ContainsFunc(f.Columns, func(o Column) bool { return o.Name == c.Name })
			if !open && slices.ContainsFunc(names, is) {
				return errs.New(errs.Denied, "dataset.column_denied", f.Dataset.Title, c.Title)
			}
		}
	}
	return err
}

// engine returns the warehouse as one that answers texts of readers, or makes versions of them; not every one does.
func engine[T warehouse.Reader](d *Datasets) (T, error) {
	var none T
	wh, err := d.store()
	if err != nil {
		return none, err
	}
	e, ok := wh.(T)
	if !ok {
		return none, errs.New(errs.Invalid, "dataset.no_sql")
	}
	return e, nil
}
