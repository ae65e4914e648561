// Package library is where data is gathered (数据归集): a spreadsheet is uploaded, what it holds is guessed
// and corrected, and it becomes a dataset, or the next version of one, as a whole or not at all. The unit
// that gathered it grants it to others and may go back to an older version.
//
// A load is atomic: rows go into a new warehouse version, and the transaction that publishes it is the
// last step. A worker that dies leaves nothing; the load is run again from its beginning.
//
// Values lie in the warehouse's file in the clear, for whoever can read the server's disk; whoever comes
// through this program sees sensitive columns masked. Uploaded files and lists of refused rows hold
// personal data too, so they are removed after library.keep_days.
package library

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/settings"
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
	settings *settings.Settings
	notify   *notify.Notes
	wh       warehouse.Store
	words    *errs.Catalog
	now      func() time.Time
	names    Names
}

// New declares the room.
func New(kit *kernel.Kit, names Names) *room.Room {
	l := &Library{db: kit.DB, jobs: kit.Jobs, audit: kit.Audit, files: kit.Files, datasets: kit.Datasets, settings: kit.Settings, notify: kit.Notify,
		wh: kit.Warehouse, words: kit.Words, now: kit.Now, names: names}
	kit.Files.Readers("library", l.mayReadFile)
	kit.Datasets.Shown("library.read", func(id string) string { return "/library/datasets/" + id })
	load := jobs.Handle("library.load", l.work)
	load.Timeout, load.Attempts = maxRun, 5
	const draft = "a draft shows nobody anything; starting it is recorded with all it says"
	return &room.Room{
		Name: "library", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "library.read"}, {Name: "library.load"}, {Name: "library.grant"}},
		Menu: []room.Menu{{Name: "loads", Path: "/library", Perm: "library.load", Rank: 310},
			{Name: "datasets", Path: "/library/datasets", Perm: "library.read", Rank: 311}},
		Routes: []room.Route{
			room.Post("/loads", "library.load", l.create).Secrets(),
			room.Get("/loads", "library.load", l.list),
			room.Get("/loads/{id}", "library.load", l.get),
			room.Post("/loads/{id}/inspect", "library.load", l.inspect).Secrets().NoAudit(draft),
			room.Put("/loads/{id}", "library.load", l.put).Body(4 << 20).NoAudit(draft),
			room.Delete("/loads/{id}", "library.load", l.discard),
			room.Post("/loads/{id}/start", "library.load", l.start),
			room.Post("/loads/{id}/cancel", "library.load", l.cancel),
			room.Get("/loads/{id}/rejected", "library.load", l.rejected),

			room.Get("/datasets", "library.read", l.listDatasets),
			room.Get("/datasets/{id}", "library.read", l.getDataset),
			room.Put("/datasets/{id}", "library.load", l.describe).Body(4 << 20),
			room.Post("/datasets/{id}/rollback", "library.load", l.rollback),
			room.Delete("/datasets/{id}", "library.load", l.remove),
			room.Post("/datasets/{id}/grants", "library.grant", l.grant),
			room.Delete("/datasets/{id}/grants/{grant}", "library.grant", l.revoke),
		},
		Jobs:     []jobs.Handler{load, jobs.Periodic("library.watch", jobs.Every(time.Minute), l.watch), jobs.Periodic("library.purge", jobs.Daily{Hour: 3, Minute: 10}, l.purge)},
		Settings: []room.Setting{{Name: "keep_days", Default: 30, Min: 1, Max: 365, Admin: room.Security}},
		Actions: []string{"library.draft", "library.discard", "library.start", "library.cancel", "library.load",
			"library.describe", "library.rollback", "library.remove", "library.grant", "library.revoke"},
	}
}
