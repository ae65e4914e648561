// Package library is where data is gathered (数据归集): a spreadsheet is uploaded, what it holds is guessed
// and corrected, and it becomes a dataset, or the next version of one, as a whole or not at all. The unit
// that gathered it grants it to others and may go back to an older version.
//
// Or it is collected: a source is another system's database, folder or API, a feed is one table of it that is
// brought in by schedule, whole or what has changed. A run of a feed is a load like any other; its rows are
// fetched to a nameless file of this machine first, so a source that dies in the middle leaves nothing.
//
// A load is atomic: rows go into a new warehouse version, and the transaction that publishes it is the
// last step. A worker that dies leaves nothing; the load is run again from its beginning.
//
// Identifiers of persons lie in the warehouse sealed (docs/adr/0017); other values in the clear, for whoever can read the
// server's disk. Whoever comes through this program sees sensitive columns masked. Uploaded files and lists of refused rows
// hold personal data too, so they are removed after library.keep_days.
package library

import (
	"context"
	"embed"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/kernel/settings"
	"qushu/internal/kernel/system"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Names tells what units and persons are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
	People(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// Library is the room.
type Library struct {
	db       *store.DB
	jobs     *jobs.Client
	audit    *audit.Log
	files    *file.Files
	datasets *dataset.Datasets
	org      *org.Org
	settings *settings.Settings
	notify   *notify.Notes
	wh       warehouse.Store
	words    *errs.Catalog
	ring     *secret.Ring
	now      func() time.Time
	names    Names
}

// New declares the room.
func New(kit *kernel.Kit, names Names) *room.Room {
	l := &Library{db: kit.DB, jobs: kit.Jobs, audit: kit.Audit, files: kit.Files, datasets: kit.Datasets, org: kit.Org, settings: kit.Settings, notify: kit.Notify,
		wh: kit.Warehouse, words: kit.Words, ring: kit.Ring, now: kit.Now, names: names}
	kit.Files.Readers("library", l.mayReadFile)
	kit.Datasets.Shown("library.read", func(id string) string { return "/library/datasets/" + id })
	kit.System.Add(system.Check{Name: "feeds", Run: l.health})
	load := jobs.Handle("library.load", l.work)
	load.Timeout, load.Attempts = maxRun, 5
	rekeep := jobs.Handle("library.rekeep", l.rekeep)
	rekeep.Timeout, rekeep.Attempts = maxRekeep, 5
	const draft = "a draft shows nobody anything; starting it is recorded with all it says"
	return &room.Room{
		Name: "library", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "library.read"}, {Name: "library.load"}, {Name: "library.source"}, {Name: "library.grant"}, {Name: "library.plain"}, {Name: "library.keys", Admin: room.Security}},
		Menu: []room.Menu{{Name: "loads", Path: "/library", Perm: "library.load", Rank: 310},
			{Name: "sources", Path: "/library/sources", Perm: "library.load", Rank: 311},
			{Name: "datasets", Path: "/library/datasets", Perm: "library.read", Rank: 312},
			{Name: "keys", Path: "/library/keys", Perm: "library.keys", Rank: 313}},
		Routes: slices.Concat(l.feedRoutes(), l.keyRoutes(), []room.Route{
			room.Post("/loads", "library.load", l.create).Secrets(),
			room.Get("/loads", "library.load", l.list),
			room.Get("/loads/{id}", "library.load", l.get),
			room.Post("/loads/{id}/inspect", "library.load", l.inspect).Secrets().NoAudit(draft),
			room.Put("/loads/{id}", "library.load", l.put).Body(4 << 20).NoAudit(draft),
			room.Delete("/loads/{id}", "library.load", l.discard),
			room.Post("/loads/{id}/start", "library.load", l.start),
			room.Post("/loads/{id}/cancel", "library.load", l.cancel),
			room.Get("/loads/{id}/rejected", "library.load", l.rejected),

			room.Get("/live", "library.load", l.listLive),
			room.Post("/live/{name}", "library.load", l.takeUp),

			room.Get("/datasets", "library.read", l.listDatasets),
			room.Get("/datasets/{id}", "library.read", l.getDataset),
			room.Put("/datasets/{id}", "library.load", l.describe).Body(4 << 20),
			room.Post("/datasets/{id}/rollback", "library.load", l.rollback),
			room.Delete("/datasets/{id}", "library.load", l.remove),
			room.Post("/datasets/{id}/grants", "library.grant", l.grant),
			room.Delete("/datasets/{id}/grants/{grant}", "library.grant", l.revoke),
		}),
		Jobs: []jobs.Handler{load, rekeep, jobs.Periodic("library.watch", jobs.Every(time.Minute), l.watch), jobs.Periodic("library.purge", jobs.Daily{Hour: 3, Minute: 10}, l.purge),
			jobs.Periodic("library.due", jobs.Every(30*time.Second), l.due)},
		Sealed: []room.Sealed{{Table: "library_source", ID: "id", Column: "secret", Place: placeOf}},
		Settings: []room.Setting{{Name: "keep_days", Default: 30, Min: 1, Max: 365, Admin: room.Security},
			{Name: "allowed_hosts", Default: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, Admin: room.Security},
			{Name: "watch_root", Default: "", Admin: room.System}},
		Actions: []string{"library.draft", "library.discard", "library.start", "library.cancel", "library.load",
			"library.describe", "library.rollback", "library.remove", "library.grant", "library.revoke",
			"library.try", "library.source_add", "library.source_change", "library.source_remove", "library.feed_add", "library.feed_change", "library.feed_turn",
			"library.feed_run", "library.feed_remove", "library.decide", "library.take_up", "library.differs", "library.same", "library.peek",
			"library.key_rotate", "library.key_retire", "library.rekeep", "library.rekeep_cancel", "library.rekept"},
	}
}

// feedRoutes are those of sources and of what is collected from them.
func (l *Library) feedRoutes() []room.Route {
	return []room.Route{
		room.Get("/sources", "library.load", l.listSources),
		room.Post("/sources", "library.source", l.createSource),
		room.Post("/sources/try", "library.source", l.try),
		room.Get("/sources/{id}", "library.load", l.getSource),
		room.Put("/sources/{id}", "library.source", l.putSource),
		room.Delete("/sources/{id}", "library.source", l.removeSource),
		room.Get("/sources/{id}/tables", "library.load", l.tables),

		room.Get("/feeds", "library.load", l.listFeeds),
		room.Post("/feeds", "library.load", l.addFeeds),
		room.Get("/feeds/{id}", "library.load", l.getFeed),
		room.Put("/feeds/{id}", "library.load", l.putFeed).Body(4 << 20),
		room.Delete("/feeds/{id}", "library.load", l.removeFeed),
		room.Post("/feeds/{id}/peek", "library.load", l.peek).Secrets(),
		room.Post("/feeds/{id}/turn", "library.load", l.turn),
		room.Post("/feeds/{id}/run", "library.load", l.run),
		room.Post("/feeds/{id}/decide", "library.load", l.decide).Body(4 << 20),
	}
}
