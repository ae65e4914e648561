package catalog

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// EntryLine is an entry in a list.
type EntryLine struct {
	ID        string        `json:"id"`
	Code      string        `json:"code" doc:"resource code, empty before the first submission"`
	Node      string        `json:"node" doc:"类+项"`
	NodeName  string        `json:"nodeName"`
	Name      string        `json:"name"`
	Summary   string        `json:"summary"`
	Unit      string        `json:"unit"`
	UnitName  string        `json:"unitName"`
	State     State         `json:"state" enum:"draft,published,offline,archived"`
	Work      string        `json:"work" enum:",draft,dept,bureau,approved,offline" doc:"where the version in work stands, empty for none"`
	Format    string        `json:"format"`
	Share     string        `json:"share" enum:"unconditional,conditional,refused"`
	Open      bool          `json:"open" doc:"to the public"`
	Cycle     string        `json:"cycle"`
	Level     dataset.Level `json:"level" enum:"L1,L2,L3,L4"`
	Items     int64         `json:"itemCount"`
	Mount     string        `json:"mount" enum:"none,mounted,stale,broken"`
	Rows      int64         `json:"rows" doc:"of what is mounted"`
	DataAt    store.Time    `json:"dataAt" doc:"last update of the data"`
	StaleAt   store.Time    `json:"staleAt" doc:"when it counts as overdue"`
	Published store.Time    `json:"publishedAt"`
	Changed   store.Time    `json:"changedAt"`
	Serving   int64         `json:"serving" doc:"number of the version that serves, 0 for none"`
	Working   int64         `json:"working" doc:"number of the version in work, 0 for none"`
	Number    string        `json:"number" doc:"of the last case"`
	Step      string        `json:"step"`
	Holder    string        `json:"holder"`
	Late      bool          `json:"late"`
	OwnerName string        `json:"ownerName"`
	Version   int64         `json:"version" doc:"to be sent back with a change"`
}

// names are what classes and units are called.
type names struct{ classes, units map[string]string }

func (c *Catalog) names(ctx context.Context, q store.Queryer, units []string) (names, error) {
	all, err := classes(ctx, q)
	n := names{classes: map[string]string{}}
	for _, k := range all {
		n.classes[k.Code] = k.Name
		if web.From(ctx).Lang == "en" {
			n.classes[k.Code] = k.NameEN
		}
	}
	if err != nil {
		return n, err
	}
	n.units, err = c.org.UnitNames(ctx, q, units)
	return n, err
}

func (c *Catalog) line(e *Entry, n names) EntryLine {
	l := EntryLine{ID: e.ID, Code: e.Code, Node: e.Node, NodeName: n.classes[e.Node], Name: e.Name, Summary: e.Summary, Unit: e.Unit, UnitName: n.units[e.Unit],
		State: e.State, Work: e.Work, Format: e.Format, Share: e.Share, Open: e.Open, Cycle: e.Cycle, Level: e.Level, Items: e.Items, Mount: e.mount(store.At(c.now())),
		Rows: e.Rows, DataAt: e.DataAt, StaleAt: e.StaleAt, Published: e.Published, Changed: e.Changed, Serving: e.Serving, Working: e.Working,
		Number: e.Number, Step: e.Step, Holder: e.Holder, Late: e.Late, OwnerName: e.OwnerName, Version: e.Version}
	if e.CaseState != "open" && e.CaseState != "suspended" {
		l.Step, l.Holder = "", ""
	}
	return l
}

// mount is how an entry is bound to data at now.
func (e *Entry) mount(now store.Time) string {
	switch {
	case e.Mounts == 0:
		return "none"
	case e.Broken:
		return "broken"
	case !e.StaleAt.IsZero() && !e.StaleAt.After(now.Time):
		return "stale"
	}
	return "mounted"
}

const mountSQL = `CASE WHEN c.mounts = 0 THEN 'none' WHEN c.broken THEN 'broken' WHEN c.stale_at > 0 AND c.stale_at <= $1 THEN 'stale' ELSE 'mounted' END`

// Filter narrows the catalogue.
type Filter struct {
	Text  string `query:"text" maxLength:"100" doc:"in name, code, summary, keywords and names of items"`
	Class string `query:"class" maxLength:"1" doc:"1 base, 2 theme, 3 department"`
	Node  string `query:"node" maxLength:"10" doc:"类+项"`
	Unit  string `query:"unit" maxLength:"40"`
	Cycle string `query:"cycle" maxLength:"16"`
	Share string `query:"share" enum:",unconditional,conditional,refused"`
	Level string `query:"level" enum:",L1,L2,L3,L4"`
	Open  string `query:"open" enum:",yes,no"`
	Mount string `query:"mount" enum:",none,mounted,stale,broken"`
	State string `query:"state" enum:",draft,published,offline,archived,all" doc:"published unless told"`
}

// wanted are the filters by the name of their facet; "" for none.
func (f Filter) wanted() map[string]string {
	state := f.State
	switch state {
	case "":
		state = string(Published)
	case "all":
		state = ""
	}
	return map[string]string{"node": f.Node, "unit": f.Unit, "cycle": f.Cycle, "share": f.Share, "level": f.Level, "open": f.Open, "mount": f.Mount, "state": state}
}

var facetSQL = map[string]string{"node": "c.node", "unit": "c.unit_id", "cycle": "c.cycle", "share": "c.share", "level": "c.level", "state": "c.state",
	"open": "CASE WHEN c.is_open THEN 'yes' ELSE 'no' END"}

func (f Filter) textual() []store.Cond {
	var out []store.Cond
	if t := strings.TrimSpace(f.Text); t != "" {
		like := store.Anywhere(t)
		out = append(out, store.C(`lower(c.name) LIKE lower($1) ESCAPE '!' OR lower(c.code) LIKE lower($2) ESCAPE '!' OR lower(c.summary) LIKE lower($3) ESCAPE '!' OR lower(c.words) LIKE lower($4) ESCAPE '!'`, like, like, like, like))
	}
	if f.Class != "" {
		out = append(out, store.C("c.node >= $1 AND c.node < $2", f.Class, f.Class+":"))
	}
	return out
}

func (f Filter) conds(now store.Time) []store.Cond {
	out := f.textual()
	for name, value := range f.wanted() {
		switch {
		case value == "":
		case name == "mount":
			out = append(out, store.C(mountSQL+" = $2", now, value))
		default:
			out = append(out, store.C(facetSQL[name]+" = $1", value))
		}
	}
	return out
}

type listIn struct {
	Filter
	View string `query:"view" enum:",work" doc:"work: what the caller drafts, reviews or mounts, whatever its state"`
	Work string `query:"work" enum:",draft,dept,bureau,approved,offline" doc:"where the version in work stands"`
	Sort string `query:"sort" enum:",changed,data,rows" doc:"newest or most first"`
	store.Page
}
type listOut struct{ Body store.Listed[EntryLine] }

func (c *Catalog) list(ctx context.Context, in *listIn) (*listOut, error) {
	now := store.At(c.now())
	scope, filter := visible(ctx), in.Filter
	if in.View == "work" {
		scope = store.Scoped(inWork(ctx))
		if filter.State == "" {
			filter.State = "all"
		}
	}
	where := filter.conds(now)
	if in.Work != "" {
		where = append(where, store.C("c.work = $1", in.Work))
	}
	key, cursor := "c.changed_at", func(e *Entry) any { return e.Changed }
	switch in.Sort {
	case "data":
		key, cursor = "c.data_at", func(e *Entry) any { return e.DataAt }
	case "rows":
		key, cursor = "c.data_rows", func(e *Entry) any { return e.Rows }
	}
	all, err := store.List(ctx, c.db, store.Query[Entry]{Select: `SELECT ` + entryColumns + ` FROM catalog c`, Scope: scope, Where: where,
		Keys: []string{key, "c.id"}, Desc: true, Page: in.Page, Scan: scanEntry, Cursor: func(e *Entry) []any { return []any{cursor(e), e.ID} }})
	if err != nil {
		return nil, err
	}
	out := &listOut{store.Listed[EntryLine]{Next: all.Next}}
	out.Body.Items, err = c.lines(ctx, c.db, all.Items)
	return out, err
}

func (c *Catalog) lines(ctx context.Context, q store.Queryer, all []Entry) ([]EntryLine, error) {
	var units []string
	for _, e := range all {
		units = append(units, e.Unit)
	}
	n, err := c.names(ctx, q, units)
	out := make([]EntryLine, len(all))
	for i := range all {
		out[i] = c.line(&all[i], n)
	}
	return out, err
}

// Facet is one value the catalogue can be narrowed by, with how many entries that would leave.
type Facet struct {
	Value string `json:"value"`
	Name  string `json:"name" doc:"of a class or a unit; other values are worded by the page"`
	Count int64  `json:"count"`
}

// Facets are the values by the filter they belong to. A filter's own choice does not narrow its own values.
type Facets struct {
	Total int64   `json:"total" doc:"entries that pass every filter"`
	Node  []Facet `json:"node" nullable:"false"`
	Unit  []Facet `json:"unit" nullable:"false"`
	Cycle []Facet `json:"cycle" nullable:"false"`
	Share []Facet `json:"share" nullable:"false"`
	Level []Facet `json:"level" nullable:"false"`
	Open  []Facet `json:"open" nullable:"false"`
	Mount []Facet `json:"mount" nullable:"false"`
	State []Facet `json:"state" nullable:"false"`
}

type facetsIn struct{ Filter }
type facetsOut struct{ Body Facets }

var facetNames = [...]string{"node", "unit", "cycle", "share", "level", "open", "state", "mount"}

// group is one combination of facet values and how many entries have it.
type group struct {
	is    [len(facetNames)]string
	count int64
}

// facets counts by one pass over the rows that match the text, folded here: each facet under the filters of the others.
func (c *Catalog) facets(ctx context.Context, in *facetsIn) (*facetsOut, error) {
	var cols []string
	for _, name := range facetNames[:len(facetNames)-1] {
		cols = append(cols, facetSQL[name])
	}
	where := store.And(append([]store.Cond{store.C("$1 > 0", store.At(c.now())), visible(ctx).Cond()}, in.textual()...)...)
	all, err := store.All(ctx, c.db, func(g *group) []any {
		out := []any{}
		for i := range g.is {
			out = append(out, &g.is[i])
		}
		return append(out, &g.count)
	}, `SELECT `+strings.Join(cols, ", ")+`, `+mountSQL+`, count(*) FROM catalog c WHERE `+where.SQL+` GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`, where.Args...)
	if err != nil {
		return nil, err
	}
	wanted, counts, out := in.wanted(), map[string]map[string]int64{}, &facetsOut{}
	for _, name := range facetNames {
		counts[name] = map[string]int64{}
	}
	for _, g := range all {
		misses, missed := 0, ""
		for i, name := range facetNames {
			if w := wanted[name]; w != "" && w != g.is[i] {
				misses, missed = misses+1, name
			}
		}
		for i, name := range facetNames {
			if misses == 0 || misses == 1 && missed == name {
				counts[name][g.is[i]] += g.count
			}
		}
		if misses == 0 {
			out.Body.Total += g.count
		}
	}
	var units []string
	for u := range counts["unit"] {
		units = append(units, u)
	}
	n, err := c.names(ctx, c.db, units)
	if err != nil {
		return nil, err
	}
	b := &out.Body
	b.Node, b.Unit = ranked(counts["node"], n.classes), ranked(counts["unit"], n.units)
	b.Cycle, b.Share = ordered(counts["cycle"], entry.Cycles), ordered(counts["share"], entry.Shares)
	b.Level, b.Open = ordered(counts["level"], []string{"L1", "L2", "L3", "L4"}), ordered(counts["open"], []string{"yes", "no"})
	b.Mount, b.State = ordered(counts["mount"], []string{"mounted", "stale", "broken", "none"}), ordered(counts["state"], []string{"published", "draft", "offline", "archived"})
	return out, nil
}

// ordered are the values in a fixed order; one nobody has is left out.
func ordered(counts map[string]int64, order []string) []Facet {
	out := []Facet{}
	for _, v := range order {
		if counts[v] > 0 {
			out = append(out, Facet{Value: v, Count: counts[v]})
		}
	}
	return out
}

// ranked are named values, the commonest first.
func ranked(counts map[string]int64, called map[string]string) []Facet {
	out := []Facet{}
	for v, n := range counts {
		out = append(out, Facet{Value: v, Name: called[v], Count: n})
	}
	slices.SortFunc(out, func(a, b Facet) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Value, b.Value)
	})
	return out
}

// Figures head the catalogue page, all counted from the rows.
type Figures struct {
	Entries int64 `json:"entries" doc:"published"`
	Items   int64 `json:"items"`
	Mounted int64 `json:"mounted" doc:"published entries bound to data"`
	Tables  int64 `json:"tables" doc:"bound physical resources"`
	Rows    int64 `json:"rows"`
	Open    int64 `json:"open"`
	Stale   int64 `json:"stale" doc:"mounted, but overdue"`
	Units   int64 `json:"units" doc:"that provide something"`
	People  int64 `json:"people" doc:"entries of the population library"`
	Legal   int64 `json:"legal" doc:"entries of the library of legal persons"`
	Work    int64 `json:"work" doc:"versions in work the caller may see"`
}

type figuresOut struct{ Body Figures }

func (c *Catalog) figures(ctx context.Context, _ *struct{}) (*figuresOut, error) {
	out, now := &figuresOut{}, store.At(c.now())
	f, err := store.One(ctx, c.db, func(f *Figures) []any {
		return []any{&f.Entries, &f.Items, &f.Mounted, &f.Tables, &f.Rows, &f.Open, &f.Stale, &f.Units, &f.People, &f.Legal}
	}, `SELECT count(*), CAST(coalesce(sum(c.items), 0) AS BIGINT), count(*) FILTER (WHERE c.mounts > 0), CAST(coalesce(sum(c.mounts), 0) AS BIGINT), CAST(coalesce(sum(c.data_rows), 0) AS BIGINT),
		count(*) FILTER (WHERE c.is_open), count(*) FILTER (WHERE c.mounts > 0 AND c.stale_at > 0 AND c.stale_at <= $1), count(DISTINCT c.unit_id),
		count(*) FILTER (WHERE c.node = '101'), count(*) FILTER (WHERE c.node = '102') FROM catalog c WHERE c.state = 'published'`, now)
	if err != nil {
		return nil, err
	}
	out.Body = f
	if me := authz.From(ctx); me.Can("catalog.edit") || me.Can("catalog.review") {
		where := store.And(store.C("c.work <> ''"), inWork(ctx))
		out.Body.Work, err = store.Value[int64](ctx, c.db, `SELECT count(*) FROM catalog c WHERE `+where.SQL, where.Args...)
	}
	return out, err
}
