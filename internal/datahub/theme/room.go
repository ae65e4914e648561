// Package theme makes data of data (主题库加工): a theme library (主题库) or topic library (专题库) is steps of SQL, each of
// which makes one dataset of datasets and of the steps before it.
//
// A library belongs to a unit and reads by the unit's right: what the unit answers for, and of others what is granted to it
// for batch use. What a person of it may read besides counts for nothing, so a library goes on when he leaves, and ends when
// a grant does.
//
// Steps are written as drafts and take effect by a release. A run makes all of them, in the order they need, as versions
// nobody sees yet; makes their tests; and publishes all datasets in one transaction, or none. A worker that dies leaves
// nothing; the run begins anew.
//
// For each version it is kept which versions it was made of and which columns each of its columns comes from. Lineage is
// read from that, down to the files and tables the first datasets were loaded from.
package theme

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
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

// Names tells what units are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// Load is where the rows of a version came from outside the program.
type Load struct {
	Kind   string // file, or feed for a table of another system
	Name   string // of the file, or of the table there
	Source string // name of the other system, "" for a file
	Feed   string // id of the feed
}

// Loads tells how a version of a dataset was loaded; false when it was not, or nobody knows any more.
type Loads interface {
	Of(ctx context.Context, q store.Queryer, dataset string, number int64) (Load, bool, error)
}

// Rights are the permissions of other rooms the lineage goes by: with any of Read a person sees what a dataset is, and with
// Ask, and Bare for masked columns, he asks questions whose origin he may be told.
type Rights struct {
	Read      []string
	Ask, Bare string
}

// Themes is the room.
type Themes struct {
	db       *store.DB
	wh       warehouse.Store
	jobs     *jobs.Client
	audit    *audit.Log
	datasets *dataset.Datasets
	settings *settings.Settings
	notify   *notify.Notes
	words    *errs.Catalog
	dicts    *codes.Dictionaries
	now      func() time.Time
	names    Names
	loads    Loads
	rights   Rights
}

// New declares the room. The error is a fault of the build.
func New(kit *kernel.Kit, names Names, loads Loads, rights Rights) (*room.Room, error) {
	dicts, err := codes.LoadDictionaries()
	if err != nil {
		return nil, err
	}
	x := &Themes{db: kit.DB, wh: kit.Warehouse, jobs: kit.Jobs, audit: kit.Audit, datasets: kit.Datasets, settings: kit.Settings, notify: kit.Notify, words: kit.Words,
		dicts: dicts, now: kit.Now, names: names, loads: loads, rights: rights}
	kit.System.Add(system.Check{Name: "themes", Run: x.health})
	run := jobs.Handle("theme.run", x.work)
	run.Timeout, run.Attempts = maxRun, 5
	const asks = "it changes nothing; whoever asks is told what he may read"
	return &room.Room{
		Name: "theme", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "theme.read"}, {Name: "theme.build"}, {Name: "theme.release"}, {Name: "theme.trace", Default: room.All}},
		Menu:  []room.Menu{{Name: "libraries", Path: "/theme", Perm: "theme.read", Rank: 313}, {Name: "lineage", Path: "/theme/lineage", Perm: "theme.trace", Rank: 314}},
		Routes: []room.Route{
			room.Get("/libraries", "theme.read", x.list),
			room.Post("/libraries", "theme.build", x.create),
			room.Get("/libraries/{id}", "theme.read", x.get),
			room.Put("/libraries/{id}", "theme.build", x.put).Body(4 << 20),
			room.Delete("/libraries/{id}", "theme.build", x.remove),
			room.Post("/libraries/{id}/release", "theme.release", x.release),
			room.Post("/libraries/{id}/run", "theme.build", x.run),
			room.Post("/libraries/{id}/preview", "theme.build", x.preview).Secrets(),
			room.Get("/libraries/{id}/sources", "theme.build", x.sources),
			room.Get("/libraries/{id}/runs", "theme.read", x.runs),
			room.Get("/runs/{id}", "theme.read", x.getRun),
			room.Post("/runs/{id}/cancel", "theme.build", x.cancel),
			room.Get("/dictionaries", "theme.read", x.dictionaries),
			room.Get("/datasets", "theme.trace", x.known),
			room.Get("/lineage", "theme.trace", x.lineage),
			room.Post("/trace", "theme.trace", x.trace).NoAudit(asks),
		},
		Jobs:  []jobs.Handler{run, jobs.Periodic("theme.watch", jobs.Every(time.Minute), x.watch), jobs.Periodic("theme.due", jobs.Every(30*time.Second), x.due)},
		Hears: []bus.Listener{bus.On("dataset.served", x.served), bus.On("dataset.rekept", x.rekept), bus.On("dataset.removed", x.removed)},
		Settings: []room.Setting{{Name: "step_minutes", Default: 30, Min: 1, Max: 300, Admin: room.System}, {Name: "most_rows", Default: 50_000_000, Min: 1000, Max: 1_000_000_000, Admin: room.System},
			{Name: "settle_minutes", Default: 5, Min: 0, Max: 240, Admin: room.System}, {Name: "keep_runs", Default: 100, Min: 5, Max: 1000, Admin: room.System}},
		Actions: []string{"theme.create", "theme.save", "theme.remove", "theme.release", "theme.run", "theme.cancel", "theme.made", "theme.preview"},
	}, nil
}

// removed forgets the edges of a dataset that is gone. What later versions were made of stays with them.
func (x *Themes) removed(ctx context.Context, e struct {
	Dataset string `json:"dataset"`
}) error {
	return x.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		for _, sql := range []string{`DELETE FROM theme_edge WHERE dataset_id = $1`, `DELETE FROM theme_made WHERE dataset_id = $1`, `UPDATE theme_output SET dataset_id = '' WHERE dataset_id = $1`} {
			if err := store.Exec(ctx, tx, sql, e.Dataset); err != nil {
				return err
			}
		}
		return nil
	})
}
