// Package cascade is the exchange between two installations, district and city (级联): the catalogue goes up, receipts come
// back, data comes down (回流). What travels are batches: a signed manifest and chunks whose hashes it names, numbered without
// gaps in each direction. A batch is applied when all of it is there and fits, in one transaction; until then, and when it never
// does, what served before goes on serving.
//
// A peer is reached over HTTPS, or through two folders which a one-way gate empties and fills.
package cascade

import (
	"context"
	"embed"
	"sync"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Names tells what units are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// Catalogue is the catalogue of this node.
type Catalogue interface {
	// Entry returns what a published entry says; false when there is none. Provider is the id of the unit.
	Entry(ctx context.Context, q store.Queryer, id string) (Entry, bool, error)
	// After returns the ids of published entries after one, in order, at most n.
	After(ctx context.Context, q store.Queryer, id string, n int) ([]string, error)
	// Count returns how many are published.
	Count(ctx context.Context, q store.Queryer) (int64, error)
}

// Cascade is the room.
type Cascade struct {
	db       *store.DB
	authz    *authz.Authz
	jobs     *jobs.Client
	audit    *audit.Log
	datasets *dataset.Datasets
	wh       warehouse.Store
	files    *file.Files
	settings *settings.Settings
	ring     *secret.Ring
	words    *errs.Catalog
	now      func() time.Time
	names    Names
	catalog  Catalogue

	mu   sync.Mutex
	busy map[string]bool // node → somebody asked again while its turn ran
}

// New declares the room. cascade.pair is the system administrator's: it names peers, keys, addresses and folders.
func New(kit *kernel.Kit, names Names, catalog Catalogue) *room.Room {
	c := &Cascade{db: kit.DB, authz: kit.Authz, jobs: kit.Jobs, audit: kit.Audit, datasets: kit.Datasets, wh: kit.Warehouse, files: kit.Files, settings: kit.Settings,
		ring: kit.Ring, words: kit.Words, now: kit.Now, names: names, catalog: catalog, busy: map[string]bool{}}
	kit.Files.Readers("cascade", func(context.Context, string) error { return errs.New(errs.Missing, "cascade.missing") }) // chunks are no files of anybody
	turn := jobs.Handle("cascade.turn", c.work)
	turn.Timeout = 2 * time.Hour
	return &room.Room{
		Name: "cascade", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "cascade.read"}, {Name: "cascade.run"}, {Name: "cascade.offer"}, {Name: "cascade.pair", Admin: room.System}},
		Menu: []room.Menu{{Name: "nodes", Path: "/cascade", Perm: "cascade.read", Rank: 340}, {Name: "batches", Path: "/cascade/batches", Perm: "cascade.read", Rank: 341},
			{Name: "entries", Path: "/cascade/entries", Perm: "cascade.read", Rank: 342}, {Name: "feeds", Path: "/cascade/feeds", Perm: "cascade.read", Rank: 343},
			{Name: "pairing", Path: "/cascade/pairing", Perm: "cascade.pair", Rank: 344}},
		Routes:   c.routes(),
		Raws:     c.wire(),
		Services: []room.Service{{Name: "install", Once: true, Run: c.install}},
		Jobs: []jobs.Handler{turn, jobs.Handle("cascade.sync", c.sync), jobs.Periodic("cascade.tick", jobs.Every(time.Minute), c.tick),
			jobs.Periodic("cascade.forget", jobs.Daily{Hour: 3, Minute: 40}, c.forget)},
		Hears: []bus.Listener{bus.On("catalog.published", c.published), bus.On("catalog.offline", c.withdrawn), bus.On("dataset.rekept", c.rekept)},
		Settings: []room.Setting{{Name: "overdue_hours", Default: 24, Min: 1, Max: 720, Admin: room.System},
			{Name: "chunk_kb", Default: 4096, Min: 1, Max: 16384, Admin: room.System}, {Name: "keep_days", Default: 30, Min: 1, Max: 3650, Admin: room.System}},
		Sealed: []room.Sealed{{Table: "cascade_node", ID: "id", Column: "token", Place: tokenPlace}},
		Actions: []string{"cascade.self", "cascade.pair", "cascade.change", "cascade.run", "cascade.sync", "cascade.resend", "cascade.retry", "cascade.offer", "cascade.stop",
			"cascade.made", "cascade.applied", "cascade.refused", "cascade.acknowledged", "cascade.damaged"},
	}
}

func (c *Cascade) routes() []room.Route {
	return []room.Route{
		room.Get("/pairing", "cascade.pair", c.pairing),
		room.Put("/self", "cascade.pair", c.saveSelf),
		room.Post("/nodes", "cascade.pair", c.addNode).Secrets(),
		room.Put("/nodes/{id}", "cascade.pair", c.saveNode).Secrets(),
		room.Get("/nodes", "cascade.read", c.listNodes),
		room.Get("/nodes/{id}/account", "cascade.read", c.account),
		room.Post("/nodes/{id}/run", "cascade.run", c.runNow),
		room.Post("/nodes/{id}/sync", "cascade.run", c.syncNow),
		room.Post("/nodes/{id}/resend", "cascade.run", c.resend),
		room.Get("/batches", "cascade.read", c.listBatches),
		room.Get("/links", "cascade.read", c.listLinks),
		room.Post("/links/retry", "cascade.run", c.retryLink),
		room.Get("/entries", "cascade.read", c.listEntries),
		room.Get("/feeds", "cascade.read", c.listFeeds),
		room.Get("/offerable", "cascade.offer", c.offerable),
		room.Post("/feeds", "cascade.offer", c.offer),
		room.Post("/feeds/{id}/stop", "cascade.offer", c.stopFeed),
		room.Get("/sources", "cascade.read", c.listSources),
	}
}

// install puts the role of this room where there is none yet.
func (c *Cascade) install(ctx context.Context) error {
	officer := authz.Role{Key: "cascade_officer", Name: "级联专员", NameEN: "Cascade officer"}
	for _, p := range []string{"cascade.read", "cascade.run", "cascade.offer"} {
		officer.Perms = append(officer.Perms, authz.RolePerm{Perm: p, Scope: room.All})
	}
	return c.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error { return c.authz.Ensure(ctx, tx, []authz.Role{officer}) })
}
