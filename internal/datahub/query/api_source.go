package query

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Column is a column that may be asked about.
type Column struct {
	Name   string         `json:"name"`
	Title  string         `json:"title"`
	Kind   warehouse.Kind `json:"kind" enum:"text,integer,decimal,date,datetime,boolean"`
	Sort   codes.Kind     `json:"sort" doc:"sort of personal data, empty for none"`
	Masked bool           `json:"masked" doc:"masked for others; using it asks for a purpose"`
	Key    bool           `json:"key"`
}

// Table is a dataset that may be asked about.
type Table struct {
	ID       string     `json:"id"`
	Name     string     `json:"name" doc:"code, which SQL names it by"`
	Title    string     `json:"title"`
	Summary  string     `json:"summary"`
	UnitName string     `json:"unitName" doc:"who answers for it"`
	Rows     int64      `json:"rows"`
	Number   int64      `json:"number" doc:"version that serves"`
	Updated  store.Time `json:"updatedAt"`
	Columns  []Column   `json:"columns" nullable:"false" doc:"open to the caller"`
	Closed   int        `json:"closed" doc:"how many columns are not"`
}

type sourcesIn struct {
	store.Page
	Text string `query:"text" maxLength:"100"`
}

type sourcesOut struct{ Body store.Listed[Table] }

// sources lists the datasets the actor may ask about, with the columns open to him.
func (x *Query) sources(ctx context.Context, in *sourcesIn) (*sourcesOut, error) {
	scope, err := x.datasets.Readable(ctx, x.db, "query.use", dataset.Look)
	if err != nil {
		return nil, err
	}
	all, err := x.datasets.List(ctx, x.db, dataset.WithVersions(scope), in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, d := range all.Items {
		units = append(units, d.Unit)
	}
	names, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	out := &sourcesOut{store.Listed[Table]{Items: []Table{}, Next: all.Next}}
	for _, d := range all.Items {
		open, err := x.datasets.Open(ctx, x.db, d, "query.use", "query.reveal", dataset.Look)
		if err != nil {
			return nil, err
		}
		t := Table{ID: d.ID, Name: d.Name, Title: d.Title, Summary: d.Summary, UnitName: names[d.Unit], Rows: d.Rows, Number: d.Number, Updated: d.Updated,
			Columns: []Column{}, Closed: len(d.Columns) - len(open)}
		for _, c := range open {
			t.Columns = append(t.Columns, Column{c.Name, c.Title, c.Type.Kind, c.Kind, c.Masked, c.Key})
		}
		out.Body.Items = append(out.Body.Items, t)
	}
	return out, nil
}

// Past is a version of a dataset that may be asked.
type Past struct {
	Number   int64      `json:"number"`
	Rows     int64      `json:"rows"`
	At       store.Time `json:"at" doc:"since when it served"`
	Replaced store.Time `json:"replacedAt" doc:"null while it serves"`
}

type pastIn struct {
	ID string `path:"id" maxLength:"40"`
}
type pastOut struct {
	Body struct {
		Items []Past `json:"items" nullable:"false" doc:"newest first"`
	}
}

// past lists the versions of a dataset that are still kept.
func (x *Query) past(ctx context.Context, in *pastIn) (*pastOut, error) {
	scope, err := x.datasets.Readable(ctx, x.db, "query.use", dataset.Look)
	if err != nil {
		return nil, err
	}
	ds, err := x.datasets.Get(ctx, x.db, in.ID, scope)
	if err != nil {
		return nil, err
	}
	all, err := x.datasets.Versions(ctx, x.db, ds.ID)
	out := &pastOut{}
	out.Body.Items = []Past{}
	for _, v := range all {
		out.Body.Items = append(out.Body.Items, Past{v.Number, v.Rows, v.At, v.Replaced})
	}
	return out, err
}

type buildIn struct {
	Body struct {
		Build   Build      `json:"build"`
		AsOf    store.Time `json:"asOf" required:"false" doc:"ask the dataset as it stood at this moment, unless the form names a version"`
		Purpose string     `json:"purpose" required:"false" maxLength:"200" doc:"needed when columns are used that are masked for others"`
	}
}

// build answers a question put together in a form, and shows it as SQL.
func (x *Query) build(ctx context.Context, in *buildIn) (*answerOut, error) {
	text, err := x.written(ctx, "query.use", dataset.Look, in.Body.Build, in.Body.AsOf)
	if err != nil {
		return nil, err
	}
	return x.show(ctx, question{sql: text, asOf: in.Body.AsOf, purpose: in.Body.Purpose, origin: "build"})
}

// written is a form as SQL.
func (x *Query) written(ctx context.Context, perm string, m dataset.Mode, b Build, asOf store.Time) (string, error) {
	scope, err := x.datasets.Readable(ctx, x.db, perm, m)
	if err != nil {
		return "", err
	}
	ds, err := x.datasets.Named(ctx, x.db, b.Dataset, scope)
	if err != nil {
		return "", err
	}
	if ds, err = x.datasets.Then(ctx, x.db, ds, warehouse.At{Number: b.Version, Time: asOf.Time}); err != nil {
		return "", err
	}
	lang := web.From(ctx).Lang
	return b.SQL(ds, func(key string, args ...any) string { return x.words.Text(lang, key, args...) })
}

// sentence is a reason in the caller's language.
func (x *Query) sentence(ctx context.Context, r Reason) string {
	if r.Key == "" {
		return ""
	}
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return x.words.Text(web.From(ctx).Lang, r.Key, args...)
}
