package catalog

import (
	"context"
	"errors"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// Drafts are made of a whole database, watched folder or SFTP server without bringing its data in: an entry for each table or
// file, its items from the columns and what a sample says of them. What is collected afterwards is bound to the entry that
// was drafted from it.

// Source is another system data is collected from.
type Source struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind" enum:"postgres,mysql,sqlserver,oracle,folder,sftp,http"`
	Unit string `json:"unit"`
}

// Object is a table or file of a source.
type Object struct{ Name, Title string }

// Sources tells what there is to be catalogued in other systems.
type Sources interface {
	// List returns the sources the actor collects from.
	List(ctx context.Context, q store.Queryer) ([]Source, error)
	// Collected returns the datasets that objects of a source are collected into.
	Collected(ctx context.Context, q store.Queryer, id string) (map[string]string, error)
	// Open opens a source the actor collects from.
	Open(ctx context.Context, id string) (Looker, error)
}

// Looker is an open source.
type Looker interface {
	// Objects lists what stands there, at most n.
	Objects(ctx context.Context, n int) ([]Object, error)
	// Look proposes the columns of one object, classified.
	Look(ctx context.Context, object string) ([]dataset.Column, error)
	Close() error
}

// bySource is a binding that only says what an entry was drafted from: its data is not here yet.
const bySource = "source"

// mostObjects bounds one run.
const mostObjects = 5000

func placeIn(source, object string) string { return source + "/" + object }

// sourcesOut lists the sources of the caller.
type sourcesOut struct {
	Body struct {
		Items []Source `json:"items" nullable:"false"`
	}
}

func (c *Catalog) listSources(ctx context.Context, _ *struct{}) (*sourcesOut, error) {
	out := &sourcesOut{}
	out.Body.Items = []Source{}
	if c.sources == nil {
		return out, nil
	}
	all, err := c.sources.List(ctx, c.db)
	for _, s := range all {
		if authz.MayUnit(ctx, c.db, "catalog.edit", s.Unit) == nil {
			out.Body.Items = append(out.Body.Items, s)
		}
	}
	return out, err
}

// ofSource plans a run over a whole source: what is in no entry yet.
func (c *Catalog) ofSource(ctx context.Context, r *run, source string) error {
	var src Source
	all, err := c.listSources(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range all.Body.Items {
		if s.ID == source {
			src = s
		}
	}
	if src.ID == "" {
		return errs.New(errs.Missing, "catalog.no_source")
	}
	open, err := c.sources.Open(ctx, src.ID)
	if err != nil {
		return err
	}
	defer open.Close()
	objects, err := open.Objects(ctx, mostObjects+1)
	if err != nil {
		return err
	}
	if len(objects) > mostObjects {
		return errs.New(errs.Invalid, "catalog.source_large", mostObjects)
	}
	collected, err := c.sources.Collected(ctx, c.db, src.ID)
	if err != nil {
		return err
	}
	var places []string
	for _, o := range objects {
		places = append(places, placeIn(src.ID, o.Name))
		if ds := collected[o.Name]; ds != "" {
			places = append(places, ds)
		}
	}
	at, err := c.catalogued(ctx, c.db, places)
	if err != nil {
		return err
	}
	r.Title, r.Plan.V.Source = src.Name, &src
	for _, o := range objects {
		_, drafted := at[placeIn(src.ID, o.Name)]
		if _, bound := at[collected[o.Name]]; !drafted && !bound {
			r.Plan.V.Objects = append(r.Plan.V.Objects, o)
		}
	}
	r.Total = int64(len(r.Plan.V.Objects))
	return nil
}

// drafting is one look at an object of a source, for the transaction that drafts it.
type drafting struct {
	object Object
	ds     dataset.Dataset
	place  string // of its binding
	kind   string
}

// subs are what a source of a kind is called among the formats of 1272号.
var subs = map[string][2]string{"postgres": {"database", "postgresql"}, "mysql": {"database", "mysql"}, "sqlserver": {"database", "sql server"}, "oracle": {"database", "oracle"}, "http": {"service", "REST"}}

// lookAt looks at the next object of a run, before the transaction that drafts it.
func (c *Catalog) lookAt(ctx context.Context, open Looker, r *run) (drafting, error) {
	src, o := r.Plan.V.Source, r.Plan.V.Objects[r.Done]
	d := drafting{object: o, place: placeIn(src.ID, o.Name), kind: bySource}
	cols, err := open.Look(ctx, o.Name)
	d.ds = dataset.Dataset{Title: o.Title, Summary: c.words.Text("zh", "catalog.source_summary", src.Name, o.Name), Unit: src.Unit, Columns: cols}
	return d, err
}

// format says what an entry drafted from an object is kept in.
func (d *drafting) format(b *entry.Body, src *Source) {
	if f, ok := subs[src.Kind]; ok {
		b.Format, b.Sub = f[0], f[1]
		return
	}
	b.Format, b.Sub, b.Mode = "sheet", "csv", "file"
	for _, format := range []string{"sheet", "file"} {
		for _, sub := range entry.Subs[format] {
			if strings.HasSuffix(strings.ToLower(d.object.Name), "."+sub) {
				b.Format, b.Sub = format, sub
			}
		}
	}
}

// workSource drafts the objects of a run over a source one after the other.
func (c *Catalog) workSource(ctx context.Context, r *run) error {
	open, err := c.sources.Open(room.BySystem(ctx), r.Plan.V.Source.ID)
	if err != nil {
		return c.endRun(ctx, r, err)
	}
	defer open.Close()
	for {
		var d drafting
		var looked error
		if r.Done < r.Total {
			if d, looked = c.lookAt(ctx, open, r); looked != nil && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if r.State = "running"; r.Done == r.Total {
				r.State, r.Ended = "done", store.At(c.now())
				return saveRun(ctx, tx, r)
			}
			r.Done++
			return c.draftObject(ctx, tx, r, d, looked)
		})
		if err != nil || r.State == "done" {
			return err
		}
	}
}

// endRun ends a run whose source cannot be reached, and says so.
func (c *Catalog) endRun(ctx context.Context, r *run, why error) error {
	e, ok := errors.AsType[*errs.Error](why)
	if !ok {
		return why
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r.State, r.Ended = "done", store.At(c.now())
		r.Skipped = r.Total - r.Done
		r.Reasons.V = append(r.Reasons.V, remark{Title: r.Plan.V.Source.Name, Key: e.Key, Args: argued(e.Args), Refused: true})
		return saveRun(ctx, tx, r)
	})
}

// draftObject makes the draft of one object, or says why there is none.
func (c *Catalog) draftObject(ctx context.Context, tx *store.Tx, r *run, d drafting, looked error) error {
	skip := func(err error) error {
		e, ok := errors.AsType[*errs.Error](err)
		if !ok {
			return err
		}
		key, args := e.Key, e.Args
		if len(e.Fields) > 0 {
			key, args = e.Fields[0].Key, e.Fields[0].Args
		}
		r.Skipped++
		r.Reasons.V = append(r.Reasons.V, remark{Title: d.object.Name, Key: key, Args: argued(args), Refused: true})
		return saveRun(ctx, tx, r)
	}
	if looked != nil {
		return skip(looked)
	}
	at, err := c.catalogued(ctx, tx, []string{d.place})
	if err != nil {
		return err
	}
	if other, done := at[d.place]; done {
		return skip(errs.New(errs.Conflict, "catalog.mounted_already", other.Name))
	}
	like := r.Plan.V.Like
	b := entry.Draft(d.ds, like)
	d.format(&b, r.Plan.V.Source)
	e, err := c.draft(ctx, tx, &b)
	if errs.Is(err, errs.Invalid) {
		return skip(err)
	}
	if err != nil {
		return err
	}
	m := &binding{ID: id.New(), Entry: e.ID, Kind: d.kind, Dataset: d.place, Name: d.object.Name, Title: r.Plan.V.Source.Name + " · " + d.object.Name,
		Pairs: store.JSON[[]entry.Pair]{V: entry.Match(b.Items, d.ds.Columns)}, State: drafted, Faults: store.JSON[[]fault]{V: []fault{}}, By: r.Owner, ByName: r.OwnerName, At: store.At(c.now())}
	if err := insertBinding(ctx, tx, m); err != nil {
		return err
	}
	r.Made++
	if err := saveRun(ctx, tx, r); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.draft", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"run": r.ID, "source": r.Plan.V.Source.ID, "object": d.object.Name, "items": e.Items}})
}

// collectedAs is the dataset that what an entry was drafted from is collected into by now; "" for none.
func (c *Catalog) collectedAs(ctx context.Context, q store.Queryer, place string) (string, error) {
	source, object, _ := strings.Cut(place, "/")
	if c.sources == nil {
		return "", nil
	}
	all, err := c.sources.Collected(ctx, q, source)
	return all[object], err
}
