package theme

import (
	"context"
	"fmt"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

const mostNodes = 200 // of a lineage

// sees is the scope of the datasets a person may know about: those he reads with any right to read data.
func (x *Themes) sees(ctx context.Context, q store.Queryer) (store.Scope, error) {
	var any []store.Cond
	for _, perm := range append([]string{"theme.read"}, x.rights.Read...) {
		if !authz.From(ctx).Can(perm) {
			continue
		}
		scope, err := x.datasets.Readable(ctx, q, perm, "")
		if err != nil {
			return store.Scope{}, err
		}
		any = append(any, scope.Cond())
	}
	return store.Scoped(store.Or(any...)), nil
}

// drawer puts a lineage together.
type drawer struct {
	*Themes
	Graph
	scope  store.Scope
	known  map[string]dataset.Dataset // by id, also those not seen
	seen   map[string]bool            // ids of those that may be read
	at     map[string]string          // id of a dataset → id of its node
	may    map[string]map[string]bool // by id of a dataset, the columns he may know of
	steps  map[string]bool            // versions whose steps are drawn
	hidden int
}

func (x *Themes) drawer(ctx context.Context) (*drawer, error) {
	scope, err := x.sees(ctx, x.db)
	return &drawer{Themes: x, Graph: Graph{Nodes: []Node{}, Edges: []Edge{}}, scope: scope, known: map[string]dataset.Dataset{}, seen: map[string]bool{}, at: map[string]string{}, may: map[string]map[string]bool{}, steps: map[string]bool{}}, err
}

// place makes the nodes of datasets that have none, and returns the ids of those that are new and may be read.
func (d *drawer) place(ctx context.Context, ids []string) ([]string, error) {
	var ask []string
	for _, id := range ids {
		if _, ok := d.at[id]; !ok && id != "" {
			ask = append(ask, id)
		}
	}
	all, err := d.datasets.Among(ctx, d.db, ask, store.Unscoped("of what he may not read a person is told only the unit"))
	if err != nil {
		return nil, err
	}
	mine, err := d.datasets.Among(ctx, d.db, ask, d.scope)
	if err != nil {
		return nil, err
	}
	var units, fresh []string
	for _, ds := range all {
		units = append(units, ds.Unit)
	}
	called, err := d.names.Units(ctx, d.db, units)
	if err != nil {
		return nil, err
	}
	for _, id := range ask {
		ds, there := all[id]
		if _, twice := d.at[id]; twice {
			continue
		}
		if len(d.Nodes) >= mostNodes {
			d.More = true
			break
		}
		d.known[id] = ds
		n := Node{Kind: "dataset", UnitName: called[ds.Unit], Columns: []NodeColumn{}, Links: []Link{}, Conditions: []Source{}}
		if _, ok := mine[id]; !ok || !there {
			d.hidden++
			n.ID, n.Hidden = fmt.Sprintf("h%d", d.hidden), true
			d.at[id] = n.ID
			d.Nodes = append(d.Nodes, n)
			continue
		}
		n.ID, n.Title, n.Name, n.Dataset, n.Number, n.Rows, n.Updated = "d:"+id, ds.Title, ds.Name, id, ds.Number, ds.Rows, ds.Updated
		if d.may[id], err = d.open(ctx, ds); err != nil {
			return nil, err
		}
		for _, c := range ds.Columns {
			if d.may[id][c.Name] {
				n.Columns = append(n.Columns, NodeColumn{Name: c.Name, Title: c.Title, Level: string(c.Level), Masked: c.Masked})
			}
		}
		d.at[id], d.seen[id] = n.ID, true
		d.Nodes = append(d.Nodes, n)
		fresh = append(fresh, id)
	}
	return fresh, nil
}

// open tells the columns of a dataset the caller may know of: all where a permission of his reaches it, else those granted.
func (d *drawer) open(ctx context.Context, ds dataset.Dataset) (map[string]bool, error) {
	out := map[string]bool{}
	for _, perm := range append([]string{"theme.read"}, d.rights.Read...) {
		if !authz.From(ctx).Can(perm) {
			continue
		}
		r, err := d.datasets.Right(ctx, d.db, ds, perm, "", "")
		if err != nil {
			return nil, err
		}
		for _, c := range ds.Columns {
			out[c.Name] = out[c.Name] || r.MaySee(c.Name)
		}
	}
	return out, nil
}

// step makes the node between what was read and what was made of it.
func (d *drawer) step(ctx context.Context, m Made, to string) error {
	if d.steps[m.Version] || d.at[to] == "" {
		return nil
	}
	d.steps[m.Version] = true
	id := "s:" + m.Version
	if !d.seen[to] {
		id = "s:" + d.at[to]
	}
	n := Node{ID: id, Kind: "step", Columns: []NodeColumn{}, Links: []Link{}, Conditions: []Source{}, Hidden: !d.seen[to]}
	if !n.Hidden {
		n.Title, n.Name = d.known[to].Title, m.Step
		n.Links, n.Conditions = d.links(to, m.Lineage.Columns), d.sources(m.Lineage.Conditions)
		t, err := d.find(ctx, d.db, m.Theme, "theme.read")
		switch {
		case err == nil:
			n.Library, n.Of = t.ID, t.Title
			for _, s := range t.Released.Steps {
				if s.Name == m.Step {
					n.SQL = s.SQL
				}
			}
		case !errs.Is(err, errs.Missing):
			return err
		}
	}
	d.Nodes = append(d.Nodes, n)
	d.join(Edge{From: id, To: d.at[to]})
	for _, in := range m.Lineage.Inputs {
		if d.at[in.ID] == "" {
			continue
		}
		e := Edge{From: d.at[in.ID], To: id, Number: in.Number, Part: in.Part, Stale: d.known[in.ID].Current != in.Version}
		if !d.seen[in.ID] {
			e.Number, e.Part, e.Stale = 0, false, false
		}
		d.join(e)
	}
	return nil
}

// links and sources name nodes in the place of datasets; of what may not be read no column is told.
func (d *drawer) links(to string, all []Link) []Link {
	out := []Link{}
	for _, l := range all {
		if d.may[to][l.Name] {
			out = append(out, Link{l.Name, l.How, d.sources(l.From)})
		}
	}
	return out
}

func (d *drawer) sources(all []Source) []Source {
	out := []Source{}
	for _, s := range all {
		one := Source{d.at[s.Dataset], s.Column}
		if !d.may[s.Dataset][s.Column] {
			one.Column = ""
		}
		if one.Dataset != "" && !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// up draws what datasets that may be read come from, down to the files. Beyond what may not be read nothing is told.
func (d *drawer) up(ctx context.Context, ids []string) error {
	for len(ids) > 0 {
		versions := map[string]string{}
		var asked []string
		for _, id := range ids {
			versions[id] = d.known[id].Current
			asked = append(asked, versions[id])
		}
		made, err := madeOf(ctx, d.db, asked)
		if err != nil {
			return err
		}
		var next []string
		for _, id := range ids {
			m, ok := made[versions[id]]
			if !ok {
				if err := d.load(ctx, id); err != nil {
					return err
				}
				continue
			}
			var inputs []string
			for _, in := range m.Lineage.Inputs {
				inputs = append(inputs, in.ID)
			}
			fresh, err := d.place(ctx, inputs)
			if err != nil {
				return err
			}
			if err := d.step(ctx, m, id); err != nil {
				return err
			}
			next = append(next, fresh...)
		}
		ids = next
	}
	return nil
}

// load draws the file or the table of another system a dataset was loaded from.
func (d *drawer) load(ctx context.Context, id string) error {
	ds := d.known[id]
	l, ok, err := d.loads.Of(ctx, d.db, id, ds.Number)
	if err != nil {
		return err
	}
	n := Node{ID: "f:" + id, Kind: l.Kind, Title: l.Name, Of: l.Source, Columns: []NodeColumn{}, Links: []Link{}, Conditions: []Source{}}
	if !ok {
		all, err := d.datasets.Versions(ctx, d.db, id)
		if err != nil {
			return err
		}
		n.Kind = "other"
		for _, v := range all {
			if v.ID == ds.Current {
				n.Title, n.Updated = v.Source, v.At
			}
		}
	}
	d.Nodes = append(d.Nodes, n)
	d.join(Edge{From: n.ID, To: d.at[id]})
	return nil
}

// down draws what is made of datasets that may be read.
func (d *drawer) down(ctx context.Context, ids []string) error {
	for len(ids) > 0 && !d.More {
		from, err := madeFrom(ctx, d.db, ids)
		if err != nil {
			return err
		}
		var next []string
		fresh, err := d.place(ctx, from)
		if err != nil {
			return err
		}
		next = append(next, fresh...)
		var versions []string
		for _, id := range from {
			versions = append(versions, d.known[id].Current)
		}
		made, err := madeOf(ctx, d.db, versions)
		if err != nil {
			return err
		}
		for _, id := range from {
			if m, ok := made[d.known[id].Current]; ok {
				if err := d.step(ctx, m, id); err != nil {
					return err
				}
			}
		}
		ids = next
	}
	return nil
}

type lineageIn struct {
	Dataset string `query:"dataset" required:"true" maxLength:"40" doc:"id"`
	Column  string `query:"column" maxLength:"64" doc:"name; only what it comes from and goes into is given"`
}
type graphOut struct{ Body Graph }

// lineage tells what a dataset comes from, down to the files, and what is made of it.
func (x *Themes) lineage(ctx context.Context, in *lineageIn) (*graphOut, error) {
	d, err := x.drawer(ctx)
	if err != nil {
		return nil, err
	}
	ds, err := x.datasets.Get(ctx, x.db, in.Dataset, d.scope)
	if err != nil {
		return nil, err
	}
	ids, err := d.place(ctx, []string{ds.ID})
	if err != nil {
		return nil, err
	}
	if in.Column != "" && !d.may[ds.ID][in.Column] {
		return nil, errs.New(errs.Invalid, "dataset.no_column", in.Column)
	}
	if err := d.up(ctx, ids); err != nil {
		return nil, err
	}
	if err := d.down(ctx, ids); err != nil {
		return nil, err
	}
	d.Focus = d.at[ds.ID]
	if in.Column != "" {
		d.narrow(in.Column)
	}
	d.layers()
	return &graphOut{d.Graph}, nil
}

type traceIn struct {
	Body struct {
		SQL string `json:"sql" maxLength:"20000"`
	}
}

// trace tells where the numbers of a question come from. It reads no row.
func (x *Themes) trace(ctx context.Context, in *traceIn) (*graphOut, error) {
	q, err := x.datasets.Question(ctx, x.db, x.rights.Ask, x.rights.Bare, dataset.Look, in.Body.SQL)
	if err != nil {
		return nil, err
	}
	cols, conditions, err := x.datasets.Trace(ctx, q, x.now())
	if err != nil {
		return nil, err
	}
	d, err := x.drawer(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range q.Faces {
		ids = append(ids, f.Dataset.ID)
	}
	fresh, err := d.place(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := d.up(ctx, fresh); err != nil {
		return nil, err
	}
	n := Node{ID: "answer", Kind: "answer", Columns: []NodeColumn{}, Links: []Link{}}
	sources := func(all []warehouse.Origin) []Source {
		out := []Source{}
		for _, o := range all {
			out = append(out, Source{q.Faces[o.Table].Dataset.ID, o.Column})
		}
		return d.sources(out)
	}
	for _, c := range cols {
		made := dataset.Inherited(c, q.Sources(c))
		n.Columns = append(n.Columns, NodeColumn{Name: c.Name, Title: made.Title})
		n.Links = append(n.Links, Link{c.Name, c.How, sources(c.From)})
	}
	n.Conditions = sources(conditions)
	d.Nodes, d.Focus = append(d.Nodes, n), n.ID
	for _, f := range q.Faces {
		if at := d.at[f.Dataset.ID]; at != "" {
			d.join(Edge{From: at, To: n.ID, Number: f.Dataset.Number, Part: len(f.Filter) > 0})
		}
	}
	d.layers()
	return &graphOut{d.Graph}, nil
}

// Known is a dataset whose lineage may be asked for.
type Known struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	UnitName string     `json:"unitName"`
	Rows     int64      `json:"rows"`
	Number   int64      `json:"number"`
	Made     bool       `json:"made" doc:"a library makes it"`
	Updated  store.Time `json:"updatedAt"`
}

type knownIn struct {
	Text string `query:"text" maxLength:"100"`
	store.Page
}
type knownOut struct{ Body store.Listed[Known] }

// known lists the datasets the caller may read in any way.
func (x *Themes) known(ctx context.Context, in *knownIn) (*knownOut, error) {
	scope, err := x.sees(ctx, x.db)
	if err != nil {
		return nil, err
	}
	all, err := x.datasets.List(ctx, x.db, scope, in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, ds := range all.Items {
		units = append(units, ds.Unit)
	}
	called, err := x.names.Units(ctx, x.db, units)
	out := &knownOut{store.Listed[Known]{Items: []Known{}, Next: all.Next}}
	for _, ds := range all.Items {
		out.Body.Items = append(out.Body.Items, Known{ds.ID, ds.Name, ds.Title, called[ds.Unit], ds.Rows, ds.Number, ds.Room == "theme", ds.Updated})
	}
	return out, err
}
