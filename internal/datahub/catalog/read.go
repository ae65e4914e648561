package catalog

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/dataset"
)

// Listing is what the catalogue says of a dataset, for rooms that share, check or show it.
type Listing struct {
	ID        string
	Code      string
	Name      string
	Unit      string // provider
	Share     string // unconditional, conditional, refused
	Condition string
	Basis     string
	Open      bool
	Cycle     string
	Level     dataset.Level
	Number    int64 // version that serves
	Items     []ListedItem
}

// ListedItem is one item of a listing with the column that holds it.
type ListedItem struct {
	Name   string
	Column string        // of the dataset, "" where the listing is not of one
	Share  string        // that holds for the item
	Level  dataset.Level //
	Open   bool          // the public may see it
	Key    bool
}

// ByDataset finds the published entry a dataset is bound to; false when there is none.
func (c *Catalog) ByDataset(ctx context.Context, q store.Queryer, id string) (Listing, bool, error) {
	all, err := bindings(ctx, q, store.C("m.dataset = $1 AND m.state = 'mounted' AND m.entry IN (SELECT id FROM catalog WHERE state = 'published')", id))
	if err != nil || len(all) == 0 {
		return Listing{}, false, err
	}
	l, ok, err := c.ByID(ctx, q, all[0].Entry)
	column := map[string]string{}
	for _, p := range all[0].Pairs.V {
		column[p.Item] = p.Column
	}
	for i := range l.Items {
		l.Items[i].Column = column[l.Items[i].Name]
	}
	return l, ok, err
}

// ByID finds a published entry; false when there is none.
func (c *Catalog) ByID(ctx context.Context, q store.Queryer, id string) (Listing, bool, error) {
	found, err := store.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE c.id = $1 AND c.state = 'published'`, id)
	if err != nil || len(found) == 0 {
		return Listing{}, false, err
	}
	e := found[0]
	v, err := findVersion(ctx, q, e.ID, e.Serving)
	if err != nil {
		return Listing{}, false, err
	}
	b := &v.Body.V
	l := Listing{ID: e.ID, Code: e.Code, Name: e.Name, Unit: e.Unit, Share: e.Share, Condition: b.Condition, Basis: b.Basis, Open: e.Open, Cycle: e.Cycle, Level: e.Level, Number: e.Serving}
	open := map[string]bool{}
	for _, i := range b.OpenItems() {
		open[i.Name] = true
	}
	for _, i := range b.Items {
		l.Items = append(l.Items, ListedItem{Name: i.Name, Share: i.ShareIn(b), Level: i.Level, Open: open[i.Name], Key: i.Key})
	}
	return l, true, nil
}
