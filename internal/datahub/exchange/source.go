package exchange

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Entry is what the catalogue says of data that may be applied for.
type Entry struct {
	ID, Code, Name, Unit, Share, Condition, Basis string
	Dataset                                       string // id of the stored table it is bound to, "" for none
	Items                                         []Item
}

// Item is one item of an entry.
type Item struct {
	Name, Column, Share string // Column is "" while the entry is bound to none
	Level               dataset.Level
	Key                 bool
}

// Catalogue tells of published entries; false when there is none.
type Catalogue interface {
	ByID(ctx context.Context, q store.Queryer, id string) (Entry, bool, error)
	ByDataset(ctx context.Context, q store.Queryer, dataset string) (Entry, bool, error)
}

// Field is one column that may be asked for.
type Field struct {
	Name   string        `json:"name" doc:"of the column, or of the item while the entry is bound to no data"`
	Title  string        `json:"title"`
	Type   string        `json:"type" doc:"empty while nothing is bound"`
	Share  string        `json:"share" enum:"unconditional,conditional,refused"`
	Level  dataset.Level `json:"level"`
	Masked bool          `json:"masked" doc:"given masked unless the provider grants it in clear"`
	Key    bool          `json:"key" doc:"rows are looked up by it"`
}

// Source is what an application is about.
type Source struct {
	Entry     string  `json:"entry"`
	Code      string  `json:"code"`
	Title     string  `json:"title"`
	Dataset   string  `json:"dataset" doc:"empty while the entry is bound to no data"`
	Unit      string  `json:"unit" doc:"provider"`
	UnitName  string  `json:"unitName"`
	Share     string  `json:"share" enum:"unconditional,conditional,refused"`
	Condition string  `json:"condition"`
	Basis     string  `json:"basis" doc:"why it is not shared, where it is not"`
	Columns   []Field `json:"columns" nullable:"false"`

	street string
}

func (s *Source) column(name string) (Field, bool) {
	i := slices.IndexFunc(s.Columns, func(c Field) bool { return c.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Columns[i], true
}

// source finds what may be applied for: a published entry, or a dataset. One that is in no entry is there for those alone
// who may see it anyhow.
func (x *Exchange) source(ctx context.Context, q store.Queryer, entry, ds string) (Source, error) {
	var e Entry
	ok := false
	var err error
	switch {
	case entry != "":
		if e, ok, err = x.catalogue.ByID(ctx, q, entry); err == nil && !ok {
			err = errs.New(errs.Missing, "exchange.no_entry")
		}
		ds = e.Dataset
	case ds != "":
		e, ok, err = x.catalogue.ByDataset(ctx, q, ds)
	default:
		err = errs.New(errs.Invalid, "exchange.no_entry")
	}
	if err != nil {
		return Source{}, err
	}
	s := Source{Entry: e.ID, Code: e.Code, Title: e.Name, Dataset: ds, Unit: e.Unit, Share: e.Share, Condition: e.Condition, Basis: e.Basis, Columns: []Field{}}
	var d dataset.Dataset
	if ds != "" {
		scope := store.Unscoped("what a published entry is bound to may be applied for by everybody")
		if !ok {
			if scope, err = x.datasets.Readable(ctx, q, "exchange.apply", ""); err != nil {
				return s, err
			}
		}
		if d, err = x.datasets.Get(ctx, q, ds, scope); err != nil {
			return s, err
		}
	}
	if !ok {
		s.Title, s.Unit, s.Share = d.Title, d.Unit, conditional
		for _, c := range d.Columns {
			s.Columns = append(s.Columns, Field{Name: c.Name, Title: c.Title, Type: c.Type.String(), Share: conditional, Level: c.Level, Masked: c.Masked, Key: c.Key})
		}
	} else {
		s.items(e, d)
	}
	units, err := x.org.Units(ctx, q, []string{s.Unit})
	u := units[s.Unit]
	s.UnitName, s.street = u.Name, u.Street
	return s, err
}

// items takes the items of an entry, as columns where it is bound.
func (s *Source) items(e Entry, d dataset.Dataset) {
	for _, i := range e.Items {
		f := Field{Name: i.Name, Title: i.Name, Share: i.Share, Level: i.Level, Key: i.Key}
		if d.ID != "" {
			c, ok := d.Column(i.Column)
			if !ok {
				continue
			}
			f.Name, f.Title, f.Type, f.Level, f.Masked, f.Key = c.Name, c.Title, c.Type.String(), c.Level, c.Masked, c.Key
		}
		s.Columns = append(s.Columns, f)
	}
}

type sourceIn struct {
	Entry   string `query:"entry" maxLength:"40"`
	Dataset string `query:"dataset" maxLength:"40"`
}
type sourceOut struct{ Body Source }

func (x *Exchange) showSource(ctx context.Context, in *sourceIn) (*sourceOut, error) {
	s, err := x.source(ctx, x.db, in.Entry, in.Dataset)
	return &sourceOut{s}, err
}

var (
	ownCols      = authz.Cols{Unit: "a.unit_id", Street: "a.street", Owner: "a.owner"}
	providerCols = authz.Cols{Unit: "a.provider", Street: "a.provider_street"}
)

// asking is which rows a the actor sees as one who asks; providing as one who provides, or who checks for the platform.
func asking(ctx context.Context) store.Cond {
	return store.Or(authz.WhereCols(ctx, "exchange.apply", ownCols).Cond(), authz.WhereCols(ctx, "exchange.use", ownCols).Cond())
}

func providing(ctx context.Context) store.Cond {
	return store.Or(authz.WhereCols(ctx, "exchange.provide", providerCols).Cond(), authz.WhereCols(ctx, "exchange.check", providerCols).Cond())
}
