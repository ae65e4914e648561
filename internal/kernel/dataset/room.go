package dataset

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/find"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// keep is how many versions of a dataset stay unless the setting dataset.keep_versions says otherwise; older ones go a day
// after they were replaced.
const (
	keep  = 3
	grace = 24 * time.Hour
)

// Live is a dataset a room answers for with a function instead of a stored table. Query sees who asks in ctx and
// keeps to what he may see; tree.From is the dataset's name, and there are no joins.
type Live struct {
	Name    string
	Title   string
	Columns []Column
	Query   func(ctx context.Context, tree warehouse.Query) (*warehouse.Result, error)
}

// Above returns the ids of every unit above a unit; itself may be among them.
type Above func(ctx context.Context, q store.Queryer, unit string) ([]string, error)

// Datasets serves the package.
type Datasets struct {
	db    *store.DB
	wh    warehouse.Store // nil where nothing is stored
	now   func() time.Time
	above Above
	live  map[string]Live
	find  *find.Find // nil where nothing is found
	bus   *bus.Bus   // nil where nobody listens
	judge Judge      // nil where nobody judges

	// Keep tells how many versions of a dataset stay. Set once, before serving.
	Keep func(ctx context.Context) int
	// Seal tells whether identifiers are sealed when nobody decides. Set once, before serving.
	Seal func(ctx context.Context) bool
}

// New makes the service over db and the warehouse wh. Until Serve tells who knows the tree of units, a grant to a
// unit reaches that unit alone.
func New(db *store.DB, wh warehouse.Store, now func() time.Time) *Datasets {
	alone := func(context.Context, store.Queryer, string) ([]string, error) { return nil, nil }
	return &Datasets{db: db, wh: wh, now: now, above: alone, live: map[string]Live{}, Keep: func(context.Context) int { return keep }, Seal: func(context.Context) bool { return true }}
}

// Serve tells who knows the tree of units. Called once, before serving.
func (d *Datasets) Serve(above Above) { d.above = above }

// Told lets rooms hear what happens to datasets. Called once, before serving.
func (d *Datasets) Told(b *bus.Bus) { d.bus = b }

// Served is told as dataset.served when another version of a dataset begins to serve.
type Served struct {
	Dataset string `json:"dataset"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Number  int64  `json:"number"`
	Rows    int64  `json:"rows"`
}

// Removed is told as dataset.removed.
type Removed struct {
	Dataset string `json:"dataset"`
	Name    string `json:"name"`
}

func (d *Datasets) served(ctx context.Context, tx *store.Tx, ds Dataset) error {
	if d.bus == nil {
		return nil
	}
	return d.bus.Emit(ctx, tx, "dataset.served", Served{ds.ID, ds.Name, ds.Current, ds.Number, ds.Rows})
}

// Judge says whether a version may be published as ds, which stands as it will: Invalid with what keeps it back.
type Judge func(ctx context.Context, ds Dataset, version string) error

// Judged names who is asked before a version is published. Called once, before serving.
func (d *Datasets) Judged(j Judge) { d.judge = j }

// Check asks whether a loaded version may become the next of a dataset with columns. A publisher calls it before the
// transaction that publishes: it may read every row.
func (d *Datasets) Check(ctx context.Context, q store.Queryer, id string, columns []Column, version string) error {
	if d.judge == nil || id == "" {
		return nil
	}
	ds, err := one(ctx, q, store.C("d.id = $1", id))
	if err != nil {
		return err
	}
	ds.Columns = columns
	return d.judge(ctx, ds, version)
}

// Declare adds a live dataset. A room calls it once when it is made.
func (d *Datasets) Declare(l Live) error {
	if err := CheckName(l.Name); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := CheckColumns(l.Columns); err != nil {
		return fmt.Errorf("dataset: %s: %w", l.Name, err)
	}
	if _, twice := d.live[l.Name]; twice || l.Query == nil {
		return fmt.Errorf("dataset: live dataset %s is declared twice or answers nothing", l.Name)
	}
	d.live[l.Name] = l
	return nil
}

// Declared returns the live dataset of a name.
func (d *Datasets) Declared(name string) (Live, bool) {
	l, ok := d.live[name]
	return l, ok
}

// AllDeclared returns every live dataset, by name.
func (d *Datasets) AllDeclared() []Live {
	out := make([]Live, 0, len(d.live))
	for _, name := range slices.Sorted(maps.Keys(d.live)) {
		out = append(out, d.live[name])
	}
	return out
}

// Room declares the package. It has no routes: rooms show datasets.
func (d *Datasets) Room() *room.Room {
	sweep := jobs.Periodic("dataset.sweep", jobs.Daily{Hour: 2, Minute: 50}, d.Sweep)
	sweep.Timeout = time.Hour
	return &room.Room{Name: "dataset", Pillar: room.Kernel, Schema: schema, Text: Text, Jobs: []jobs.Handler{sweep},
		Emits:    []bus.Event{bus.Emits[Served]("dataset.served"), bus.Emits[Removed]("dataset.removed"), bus.Emits[Rekept]("dataset.rekept")},
		Settings: []room.Setting{{Name: "keep_versions", Default: keep, Min: 2, Max: 60, Admin: room.System},
			{Name: "seal_identifiers", Default: true, Admin: room.Security}}}
}

// store returns the warehouse, Busy where there is none.
func (d *Datasets) store() (warehouse.Store, error) {
	if d.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	return d.wh, nil
}

// Sweep forgets versions beyond the newest few that were replaced a day ago, and drops from the warehouse what no
// row names. A version is written before its row, so only those older than a day are judged.
func (d *Datasets) Sweep(ctx context.Context) error {
	if d.wh == nil {
		return nil
	}
	before, stay := d.now().Add(-grace), d.Keep(ctx)
	err := d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return prune(ctx, tx, store.At(before), stay) })
	if err != nil {
		return err
	}
	ids, err := store.Column[string](ctx, d.db, `SELECT id FROM dataset_version`)
	if err != nil {
		return err
	}
	live := make(map[string]bool, len(ids))
	for _, id := range ids {
		live[id] = true
	}
	_, err = d.wh.Sweep(ctx, func(id string) bool { return live[id] }, before)
	return err
}
