package catalog

import (
	"cmp"
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/dcat"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// offered is a published entry as the open doors show it.
type offered struct {
	Entry
	body   entry.Body
	mounts []binding
}

// offering is which entries the caller of an open door sees: what is published and open; with a token that may read the
// catalogue, all that is published.
func offering(ctx context.Context) store.Cond {
	if authz.From(ctx).Can("catalog.read") {
		return store.C("c.state = 'published'")
	}
	return store.C("c.state = 'published' AND c.is_open")
}

// offers reads entries with what serves of them and what is bound to them.
func (c *Catalog) offers(ctx context.Context, q store.Queryer, where store.Cond, order string) ([]offered, error) {
	where = store.And(offering(ctx), where)
	all, err := store.All(ctx, q, func(o *offered) []any {
		return append(scanEntry(&o.Entry), bodyIn{&o.body})
	}, `SELECT `+entryColumns+`, v.body FROM catalog c JOIN catalog_version v ON v.entry = c.id AND v.number = c.serving WHERE `+where.SQL+order, where.Args...)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	at := map[string]int{}
	for i := range all {
		all[i].body.Tidy()
		ids[i], at[all[i].ID] = all[i].ID, i
	}
	for part := range slices.Chunk(ids, 300) {
		bound, err := bindings(ctx, q, store.And(store.C("m.state = 'mounted'"), store.In("m.entry", part)))
		if err != nil {
			return nil, err
		}
		for _, m := range bound {
			all[at[m.Entry]].mounts = append(all[at[m.Entry]].mounts, m)
		}
	}
	return all, nil
}

// bodyIn scans the JSON of a version into a body.
type bodyIn struct{ to *entry.Body }

// Scan implements sql.Scanner.
func (b bodyIn) Scan(v any) error {
	var j store.JSON[entry.Body]
	err := j.Scan(v)
	*b.to = j.V
	return err
}

// origin is the address this program is reached at: as it is set, else as the caller wrote it.
func (c *Catalog) origin(r *http.Request) string {
	if set := strings.TrimRight(c.settings.String(r.Context(), "catalog.address"), "/"); set != "" {
		return set
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// dcat writes the open catalogue. The whole of it is one document: what is open of a district is hundreds of entries.
func (c *Catalog) dcat(turtle bool) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		all, err := c.offers(ctx, c.db, store.C("c.is_open"), ` ORDER BY c.code`)
		if err != nil {
			return err
		}
		doc, err := c.document(ctx, c.origin(r), all)
		if err != nil {
			return err
		}
		if turtle {
			w.Header().Set("Content-Type", "text/turtle; charset=utf-8")
			return doc.Turtle(w)
		}
		w.Header().Set("Content-Type", "application/ld+json; charset=utf-8")
		return doc.JSONLD(w)
	}
}

func (c *Catalog) document(ctx context.Context, base string, all []offered) (*dcat.Catalog, error) {
	var units []string
	for _, o := range all {
		units = append(units, o.Unit)
	}
	n, err := c.names(ctx, c.db, units)
	if err != nil {
		return nil, err
	}
	lang := cmp.Or(web.From(ctx).Lang, "zh")
	district := c.settings.String(ctx, "system.district")
	doc := &dcat.Catalog{IRI: base + "/api/catalog/dcat", Lang: lang, Title: c.words.Text(lang, "catalog.dcat_title", district), Description: c.words.Text(lang, "catalog.dcat_summary"),
		Publisher: dcat.Agent{Name: district}, Service: base + "/api/3/action/datastore_search"}
	code := map[string]string{}
	for _, o := range all {
		code[o.Code] = o.ID
	}
	for i := range all {
		o := &all[i]
		if o.Changed.After(doc.Modified) {
			doc.Modified = o.Changed.Time
		}
		d := dcat.Dataset{IRI: base + "/catalog/entries/" + o.ID, Title: o.Name, Description: o.Summary, Code: o.Code, Publisher: dcat.Agent{Name: n.units[o.Unit], Code: o.body.UnitCode},
			Contact: cmp.Or(o.body.Contact, n.units[o.Unit]), Phone: o.body.Phone, Theme: n.classes[o.Node], ThemeCode: o.Node, Keywords: o.body.Keywords, Cycle: o.Cycle, Share: o.Share,
			Issued: o.Published.Time, Modified: latest(o.Changed, o.DataAt).Time, Space: o.body.Space, Since: o.body.Since, Until: o.body.Until, Version: o.Serving}
		for _, related := range o.body.Related {
			if id := code[related]; id != "" {
				d.Related = append(d.Related, base+"/catalog/entries/"+id)
			}
		}
		for _, item := range o.body.OpenItems() {
			d.Items = append(d.Items, dcat.Item{Name: item.Name, Field: item.Field, Type: item.Type})
		}
		for _, m := range o.mounts {
			d.Distributions = append(d.Distributions, dcat.Distribution{IRI: base + "/api/catalog/open/" + m.ID, Title: m.Title, Access: base + "/api/3/action/datastore_search?resource_id=" + m.ID,
				Download: base + "/api/catalog/open/" + m.ID + ".csv", Media: "text/csv", Modified: m.DataAt.Time})
		}
		doc.Datasets = append(doc.Datasets, d)
	}
	return doc, nil
}

func latest(a, b store.Time) store.Time {
	if b.After(a.Time) {
		return b
	}
	return a
}

// openTable is a bound table as far as everybody may read it.
type openTable struct {
	dataset.Dataset
	cols []dataset.Column // L1 and unmasked, of items that are open
}

// opened finds an open, bound table: the entry is published and open, the binding fits, and of the columns only those that
// stand for open items and are L1 and unmasked themselves, whatever the catalogue says.
func (c *Catalog) opened(ctx context.Context, id string) (openTable, error) {
	gone := errs.New(errs.Missing, "catalog.no_mount")
	m, err := oneBinding(ctx, c.db, id)
	if err != nil {
		return openTable{}, err
	}
	if m.State != mounted || len(m.Faults.V) > 0 {
		return openTable{}, gone
	}
	l, ok, err := c.ByID(ctx, c.db, m.Entry)
	if err != nil {
		return openTable{}, err
	}
	if !ok || !l.Open {
		return openTable{}, gone
	}
	ds, err := c.datasets.Get(room.BySystem(ctx), c.db, m.Dataset, store.Unscoped("what is open is everybody's"))
	if err != nil {
		return openTable{}, err
	}
	out := openTable{Dataset: ds}
	for _, i := range l.Items {
		for _, p := range m.Pairs.V {
			if p.Item != i.Name || !i.Open {
				continue
			}
			if col, ok := ds.Column(p.Column); ok && col.Level == dataset.L1 && !col.Masked {
				out.cols = append(out.cols, col)
			}
		}
	}
	if len(out.cols) == 0 {
		return openTable{}, gone
	}
	return out, nil
}

// ask queries an open table; what it does not show cannot be asked about either.
func (c *Catalog) ask(ctx context.Context, t openTable, q warehouse.Query) ([][]any, error) {
	q.From = t.Name
	res, err := c.datasets.Query(room.BySystem(ctx), c.db, "catalog.read", q)
	if err != nil {
		return nil, err
	}
	return res.All()
}

// mostRows bounds one answer, as CKAN does.
const mostRows = 32_000

// openCSV writes an open table, page by page.
func (c *Catalog) openCSV(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, csvFile := strings.CutSuffix(r.PathValue("id"), ".csv")
	if !csvFile {
		return errs.New(errs.Missing, "catalog.no_mount")
	}
	t, err := c.opened(ctx, id)
	if err != nil {
		return err
	}
	q := warehouse.Query{}
	head := make([]string, len(t.cols))
	for i, col := range t.cols {
		q.Select = append(q.Select, warehouse.Item{Col: col.Name})
		q.Order = append(q.Order, warehouse.Sort{By: col.Name})
		head[i] = col.Title
	}
	q.From = t.Name
	res, err := c.datasets.Query(room.BySystem(ctx), c.db, "catalog.read", q)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(t.Title+".csv"))
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	line := make([]string, len(t.cols))
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		for i, v := range row {
			line[i] = guardCSV(warehouse.Format(v))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// guardCSV keeps a spreadsheet from taking a cell for a formula.
func guardCSV(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
