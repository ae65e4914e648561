package main

import (
	"context"

	"qushu/internal/apps/forms"
	"qushu/internal/apps/iot"
	"qushu/internal/base/config"
	"qushu/internal/base/store"
	"qushu/internal/datahub/batch"
	"qushu/internal/datahub/burden"
	"qushu/internal/datahub/cascade"
	"qushu/internal/datahub/catalog"
	"qushu/internal/datahub/exchange"
	"qushu/internal/datahub/library"
	"qushu/internal/datahub/lookup"
	"qushu/internal/datahub/quality"
	"qushu/internal/datahub/query"
	"qushu/internal/datahub/theme"
	"qushu/internal/kernel"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/portal/desk"
	"qushu/internal/room"
)

// rooms is the list of rooms of this program, with the adapters between them.
func rooms(kit *kernel.Kit, cfg *config.Config) []*room.Room {
	judge, err := quality.New(kit)
	if err != nil {
		panic("the code lists are embedded at build time: " + err.Error())
	}
	themes, err := theme.New(kit, names{kit.Org}, loads{}, theme.Rights{Read: []string{"library.read", "query.use", "lookup.find", "quality.read"}, Ask: "query.use", Bare: "query.reveal"})
	if err != nil {
		panic("the code lists are embedded at build time: " + err.Error())
	}
	devices, err := iot.New(kit, names{kit.Org}, iot.Options{Listen: cfg.MQTT.Listen, Cert: cfg.TLS.Cert, Key: cfg.TLS.Key, Lenient: cfg.Origin("mqtt.listen") == "default"})
	if err != nil {
		panic("the kinds of devices are embedded at build time: " + err.Error())
	}
	entries := catalog.New(kit, catalogSources{library.NewSources(kit)})
	book := runLedger{lookup.NewLedger(kit)}
	return []*room.Room{
		desk.New(kit, desk.Ports{Units: deskUnits{kit.Org}, People: deskPeople{kit.Org}, Pages: deskPages{kit}, Inbox: kit.Notify, Teller: deskTeller{kit.Notify}, Calendar: kit.Settings.Days}),
		library.New(kit, names{kit.Org}),
		themes,
		judge.Room(),
		entries.Room(),
		query.New(kit, names{kit.Org}, tree{kit.Org}),
		lookup.New(kit, names{kit.Org}, staff{kit.Org}),
		batch.New(kit, names{kit.Org}, book, book),
		exchange.New(kit, sharedEntries{entries}),
		cascade.New(kit, names{kit.Org}, cascadeCatalogue{entries}),
		burden.New(kit, heldEntries{entries}, judge),
		forms.New(kit),
		devices,
	}
}

// sharedEntries tells the exchange what the catalogue says of data that may be applied for.
type sharedEntries struct{ catalog *catalog.Catalog }

func (s sharedEntries) ByID(ctx context.Context, q store.Queryer, id string) (exchange.Entry, bool, error) {
	l, ok, err := s.catalog.ByID(ctx, q, id)
	if err != nil || !ok {
		return exchange.Entry{}, false, err
	}
	return s.entry(ctx, q, l)
}

func (s sharedEntries) ByDataset(ctx context.Context, q store.Queryer, dataset string) (exchange.Entry, bool, error) {
	l, ok, err := s.catalog.ByDataset(ctx, q, dataset)
	if err != nil || !ok {
		return exchange.Entry{}, false, err
	}
	return s.entry(ctx, q, l)
}

func (s sharedEntries) entry(ctx context.Context, q store.Queryer, l catalog.Listing) (exchange.Entry, bool, error) {
	dataset, columns, err := s.catalog.Bound(ctx, q, l.ID)
	e := exchange.Entry{ID: l.ID, Code: l.Code, Name: l.Name, Unit: l.Unit, Share: l.Share, Condition: l.Condition, Basis: l.Basis, Dataset: dataset}
	for _, i := range l.Items {
		e.Items = append(e.Items, exchange.Item{Name: i.Name, Column: columns[i.Name], Share: i.Share, Level: i.Level, Key: i.Key})
	}
	return e, err == nil, err
}

// heldEntries tells the check of reports what the district already holds.
type heldEntries struct{ catalog *catalog.Catalog }

func (h heldEntries) Published(ctx context.Context, q store.Queryer, mark string) ([]burden.Entry, string, error) {
	all, now, err := h.catalog.Published(ctx, q, mark)
	out := make([]burden.Entry, len(all))
	for i, e := range all {
		out[i] = burden.Entry{ID: e.ID, Code: e.Code, Name: e.Name, Unit: e.Unit, Share: e.Share, Condition: e.Condition, Basis: e.Basis}
		for _, it := range e.Items {
			out[i].Items = append(out[i].Items, burden.Item{Name: it.Name, Column: it.Field, Type: it.Type, Kind: it.Kind, Share: it.Share})
		}
	}
	return out, now, err
}

func (h heldEntries) Bound(ctx context.Context, q store.Queryer, entry string) (string, map[string]string, error) {
	return h.catalog.Bound(ctx, q, entry)
}

// deskUnits shows the org to the desk.
type deskUnits struct{ org *org.Org }

func (d deskUnits) Above(ctx context.Context, q store.Queryer, unit string) ([]desk.Unit, error) {
	path, err := d.org.UnitPath(ctx, q, unit)
	out := make([]desk.Unit, len(path))
	for i, u := range path {
		out[len(path)-1-i] = desk.Unit{ID: u.ID, Name: u.Name}
	}
	return out, err
}

func (d deskUnits) Named(ctx context.Context, q store.Queryer, ids []string) ([]desk.Unit, error) {
	all, err := d.org.Units(ctx, q, ids)
	out := make([]desk.Unit, 0, len(all))
	for _, u := range all {
		out = append(out, desk.Unit{ID: u.ID, Name: u.Name})
	}
	return out, err
}

type deskPeople struct{ org *org.Org }

func (d deskPeople) ListIn(ctx context.Context, q store.Queryer, units []string, after string, limit int) ([]desk.Member, error) {
	all, err := d.org.Members(ctx, q, units, after, limit)
	out := make([]desk.Member, len(all))
	for i, m := range all {
		out[i] = desk.Member{ID: m.ID, Name: m.Name, Unit: desk.Unit{ID: m.Unit, Name: m.UnitName}}
	}
	return out, err
}

type deskTeller struct{ notes *notify.Notes }

func (d deskTeller) Tell(ctx context.Context, tx *store.Tx, to []string, key string, args []any, link, id string, must bool) error {
	return d.notes.Send(ctx, tx, notify.Notice{To: to, Key: key, Args: args, Link: link, Object: "desk_notice", ID: id, Must: must})
}

type deskPages struct{ kit *kernel.Kit }

func (d deskPages) Pages(ctx context.Context) []desk.Page {
	var out []desk.Page
	for _, m := range d.kit.Identity.Menu(ctx) {
		out = append(out, desk.Page{Room: m.Room, Path: m.Path, Title: m.Title})
	}
	return out
}

// catalogSources shows other systems' tables and files to the catalogue.
type catalogSources struct{ sources *library.Sources }

func (c catalogSources) List(ctx context.Context, q store.Queryer) ([]catalog.Source, error) {
	all, err := c.sources.List(ctx, q)
	out := make([]catalog.Source, len(all))
	for i, s := range all {
		out[i] = catalog.Source{ID: s.ID, Name: s.Name, Kind: string(s.Spec.Kind), Unit: s.Unit}
	}
	return out, err
}

func (c catalogSources) Collected(ctx context.Context, q store.Queryer, id string) (map[string]string, error) {
	return c.sources.Collected(ctx, q, id)
}

func (c catalogSources) Open(ctx context.Context, id string) (catalog.Looker, error) {
	open, err := c.sources.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return catalogLooker{open}, nil
}

type catalogLooker struct{ *library.Looker }

func (c catalogLooker) Objects(ctx context.Context, n int) ([]catalog.Object, error) {
	all, err := c.Tables(ctx, n)
	out := make([]catalog.Object, len(all))
	for i, t := range all {
		if out[i] = (catalog.Object{Name: t.Name, Title: t.Comment}); t.Comment == "" {
			out[i].Title = library.TitleOf(t.Name)
		}
	}
	return out, err
}

// cascadeCatalogue shows the catalogue to the exchange with other nodes.
type cascadeCatalogue struct{ catalog *catalog.Catalog }

func (c cascadeCatalogue) Entry(ctx context.Context, q store.Queryer, id string) (cascade.Entry, bool, error) {
	l, ok, err := c.catalog.ByID(ctx, q, id)
	e := cascade.Entry{Code: l.Code, Name: l.Name, Provider: l.Unit, Share: l.Share, Condition: l.Condition, Basis: l.Basis, Open: l.Open, Cycle: l.Cycle, Level: l.Level, Number: l.Number, Items: []cascade.Item{}}
	for _, i := range l.Items {
		e.Items = append(e.Items, cascade.Item{Name: i.Name, Share: i.Share, Level: i.Level, Open: i.Open, Key: i.Key})
	}
	return e, ok, err
}

func (c cascadeCatalogue) After(ctx context.Context, q store.Queryer, id string, n int) ([]string, error) {
	return c.catalog.PublishedAfter(ctx, q, id, n)
}

func (c cascadeCatalogue) Count(ctx context.Context, q store.Queryer) (int64, error) {
	return c.catalog.PublishedCount(ctx, q)
}

// names tells the data rooms what units and persons are called.
type names struct{ org *org.Org }

func (n names) Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	return n.org.UnitNames(ctx, q, ids)
}

func (n names) People(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	all, err := n.org.People(ctx, q, ids)
	out := make(map[string]string, len(all))
	for id, p := range all {
		out[id] = p.Name
	}
	return out, err
}

// tree tells the data rooms which units stand above one.
type tree struct{ org *org.Org }

func (t tree) Above(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	path, err := t.org.UnitPath(ctx, q, unit)
	out := make([]string, len(path))
	for i, u := range path {
		out[i] = u.ID
	}
	return out, err
}

// staff tells the look-up which of the district's people has a mobile number.
type staff struct{ org *org.Org }

func (s staff) ByMobile(ctx context.Context, q store.Queryer, number string) ([]lookup.Member, error) {
	all, err := s.org.PeopleByMobile(ctx, q, number)
	if err != nil {
		return nil, err
	}
	var out []lookup.Member
	for _, p := range all {
		posts, err := s.org.Posts(ctx, q, p.ID)
		if err != nil {
			return nil, err
		}
		for _, post := range posts {
			out = append(out, lookup.Member{Person: p.ID, Unit: post.Unit, Home: post.Home})
		}
		if len(posts) == 0 {
			out = append(out, lookup.Member{Person: p.ID})
		}
	}
	return out, nil
}

// runLedger enters runs of the batch desk into the ledger of looks.
type runLedger struct{ book *lookup.Ledger }

func (r runLedger) Indexer(dataset, column string) func(string) uint64 {
	return r.book.Indexer(dataset, column)
}

func (r runLedger) Enter(ctx context.Context, tx *store.Tx, e batch.Entry) (string, error) {
	return r.book.Enter(ctx, tx, r.look(e), e.DatasetName, e.Subjects)
}

func (r runLedger) Related(ctx context.Context, e batch.Entry) ([]string, error) {
	return r.book.Related(ctx, r.look(e), e.DatasetName, e.Subjects)
}

func (r runLedger) Differs(ctx context.Context, e batch.Entry, runs []string, least int) (bool, error) {
	return r.book.Differs(ctx, e.DatasetName, e.Column, runs, e.Subjects, least)
}

func (runLedger) look(e batch.Entry) lookup.Look {
	return lookup.Look{Dataset: e.Dataset, Title: e.Title, Store: e.Store, OwnerUnit: e.OwnerUnit, OwnerStreet: e.OwnerStreet, Column: e.Column, Purpose: e.Purpose, Basis: e.Basis,
		Person: e.Person, PersonName: e.PersonName, Unit: e.Unit, Home: e.Home, At: e.At, Hits: int(e.Hits), Batch: e.ID, Clear: e.Clear, Matter: e.Matter, Marks: e.Marks}
}

// loads tells the lineage which file or table of another system a version was loaded from.
type loads struct{}

func (loads) Of(ctx context.Context, q store.Queryer, dataset string, number int64) (theme.Load, bool, error) {
	o, ok, err := library.OriginOf(ctx, q, dataset, number)
	l := theme.Load{Kind: "file", Name: o.File}
	if o.Feed != "" {
		l = theme.Load{Kind: "feed", Name: o.Object, Source: o.Source, Feed: o.Feed}
	}
	return l, ok, err
}
