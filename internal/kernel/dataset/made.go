package dataset

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/warehouse"
)

// Table is a table of a reader's SQL besides the datasets: a result on its way to be one.
type Table struct {
	Name    string
	Title   string
	Version string // of the warehouse, "" as long as nobody asks for rows
	Columns []Column
}

func (t Table) face(n warehouse.Named) Face {
	f := Face{Dataset: Dataset{Name: t.Name, Title: t.Title, Columns: t.Columns, Current: t.Version}, Own: true}
	for _, c := range t.Columns {
		f.show(c, n)
	}
	return f
}

// Names reads SQL and tells the tables it names and its parameters, whoever may see them.
func (d *Datasets) Names(ctx context.Context, text string) (tables, params []string, err error) {
	rd, err := engine[warehouse.Reader](d)
	if err != nil {
		return nil, nil, err
	}
	r, err := rd.Read(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range r.Tables {
		tables = append(tables, t.Name)
	}
	return tables, r.Params, nil
}

// Traced is one column of a question's answer with what it is made of.
type Traced struct {
	warehouse.Column
	Alias string // what the text calls it, "" where it does not
	How   warehouse.How
	From  []warehouse.Origin // Table is a place in Question.Faces
}

// Sources are the columns a traced column is made of, as catalogued.
func (x *Question) Sources(t Traced) []Column {
	var out []Column
	for _, o := range t.From {
		if c, ok := x.Faces[o.Table].Dataset.Column(o.Column); ok {
			out = append(out, c)
		}
	}
	return out
}

// Trace tells the columns of a question's answer and what decides about its rows. No row is read.
func (d *Datasets) Trace(ctx context.Context, x *Question, now time.Time) (cols []Traced, conditions []warehouse.Origin, err error) {
	mk, err := engine[warehouse.Maker](d)
	if err != nil {
		return nil, nil, err
	}
	tables, names := make([][]warehouse.Column, len(x.Faces)), make([][]string, len(x.Faces))
	for i, f := range x.Faces {
		tables[i] = d.physical(ctx, f)
		for _, c := range f.Columns {
			names[i] = append(names[i], c.Name)
		}
	}
	shape, err := mk.Shape(ctx, x.reading, tables, now)
	if err != nil {
		return nil, nil, x.closed(err)
	}
	traced, err := mk.Trace(x.reading, names)
	if err != nil {
		return nil, nil, err
	}
	cols = make([]Traced, len(shape))
	for i, c := range shape {
		cols[i].Column = c
		if len(traced.Outputs) == len(shape) {
			cols[i].Alias, cols[i].How, cols[i].From = traced.Outputs[i].Name, traced.Outputs[i].How, traced.Outputs[i].From
			continue
		}
		cols[i].How, cols[i].From = warehouse.Derived, x.all() // we and the engine read it differently: rather too many
	}
	return cols, traced.Conditions, nil
}

// physical are the columns of a face as the version behind it keeps them; what has none yet, as it is said to be kept.
func (d *Datasets) physical(ctx context.Context, f Face) []warehouse.Column {
	out := Physical(f.Columns)
	if f.Dataset.Current == "" {
		return out
	}
	v, err := d.wh.Version(ctx, f.Dataset.Current)
	if err != nil { // who asks for rows is told
		return out
	}
	for i := range out {
		for _, c := range v.Columns {
			if c.Name == out[i].Name {
				out[i].Keep, out[i].Realm, out[i].Under = c.Keep, c.Realm, c.Under
			}
		}
	}
	return out
}

// all are the columns the text names.
func (x *Question) all() []warehouse.Origin {
	var out []warehouse.Origin
	for i, f := range x.Faces {
		for _, c := range f.Used {
			out = append(out, warehouse.Origin{Table: i, Column: c.Name})
		}
	}
	return out
}

// Make answers a question into a version of the warehouse called table, which no dataset names yet; cols are those of the
// answer in order. Several rows may have one key with repeats.
func (d *Datasets) Make(ctx context.Context, x *Question, table string, cols []Column, repeats bool, l warehouse.Limits) (warehouse.Loaded, error) {
	mk, err := engine[warehouse.Maker](d)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	faces, err := x.faces()
	if err != nil {
		return warehouse.Loaded{}, err
	}
	spec := warehouse.Spec{Table: table, Columns: Physical(cols)}
	if repeats {
		spec.OnDuplicate = warehouse.KeepAll
	}
	out, err := mk.Make(ctx, spec, x.reading, faces, l)
	return out, x.closed(err)
}

// Lowest is the least sensitive a column made of others may be: L1 of none.
func Lowest(sources []Column) Level {
	out := L1
	for _, c := range sources {
		out = max(out, c.Level)
	}
	return out
}

// Inherited is a column made of sources as it is classified unless somebody decides otherwise: it has the level of
// the highest of its sources, L2 of none, and is masked from L3 on; a copy keeps kind and title, what no aggregate has
// blurred keeps the mask, and what is sealed stays so.
func Inherited(t Traced, sources []Column) Column {
	out := Column{Name: t.Name, Title: t.Name, Type: t.Type, Level: L2, Keep: Keep(t.Keep)}
	if len(sources) > 0 {
		out.Level = Lowest(sources)
	}
	if t.How == warehouse.Copied && len(sources) > 0 {
		first := sources[0]
		out.Title = first.Title
		if !slices.ContainsFunc(sources, func(c Column) bool { return c.Kind != first.Kind }) {
			out.Kind = first.Kind
		}
	}
	shown := t.How != warehouse.Aggregated && slices.ContainsFunc(sources, func(c Column) bool { return c.Masked })
	out.Masked = shown || out.Level >= L3 || guarded(out.Kind)
	return out
}
