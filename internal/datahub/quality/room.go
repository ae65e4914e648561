// Package quality says how good data is (数据质量, GB/T 36344-2018): it profiles every version of a dataset, proposes rules
// from what it saw, judges every row by the rules in force, makes scores of that, and has what is wrong put right as a case.
// A rule that blocks keeps a new version from being published; the last good one goes on serving.
package quality

import (
	"embed"
	"sync"
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
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Quality is the room.
type Quality struct {
	db       *store.DB
	wh       warehouse.Store
	jobs     *jobs.Client
	audit    *audit.Log
	org      *org.Org
	datasets *dataset.Datasets
	settings *settings.Settings
	flow     *flow.Flow
	bus      *bus.Bus
	notify   *notify.Notes
	words    *errs.Catalog
	dicts    *codes.Dictionaries
	now      func() time.Time

	turn sync.Mutex // one check of this process at a time: it reads every row
}

// New makes the room's service.
func New(kit *kernel.Kit) (*Quality, error) {
	dicts, err := codes.LoadDictionaries()
	if err != nil {
		return nil, err
	}
	q := &Quality{db: kit.DB, wh: kit.Warehouse, jobs: kit.Jobs, audit: kit.Audit, org: kit.Org, datasets: kit.Datasets, settings: kit.Settings,
		flow: kit.Flow, bus: kit.Bus, notify: kit.Notify, words: kit.Words, dicts: dicts, now: kit.Now}
	kit.Flow.Host("quality", q.host())
	kit.Datasets.Judged(q.Gate)
	return q, nil
}

// Room declares the room.
func (q *Quality) Room() *room.Room {
	check := jobs.Handle("quality.check", q.work)
	check.Timeout = mostRun
	weight := func(d string, n int) room.Setting {
		return room.Setting{Name: "weight_" + d, Default: n, Min: 0, Max: 100, Admin: room.System}
	}
	return &room.Room{
		Name: "quality", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "quality.read"}, {Name: "quality.manage"}, {Name: "quality.report", Default: room.All}},
		Menu:  []room.Menu{{Name: "scores", Path: "/quality", Perm: "quality.read", Rank: 315}, {Name: "tickets", Path: "/quality/tickets", Perm: "quality.report", Rank: 316}},
		Routes: []room.Route{
			room.Get("/datasets", "quality.read", q.list),
			room.Get("/figures", "quality.read", q.figures),
			room.Get("/datasets/{id}", "quality.read", q.show),
			room.Post("/datasets/{id}/check", "quality.manage", q.begin),
			room.Post("/datasets/{id}/cancel", "quality.manage", q.cancel),
			room.Post("/datasets/{id}/rules", "quality.manage", q.addRule),
			room.Put("/datasets/{id}/rules/{rule}", "quality.manage", q.putRule),
			room.Delete("/datasets/{id}/rules/{rule}", "quality.manage", q.dropRule),
			room.Get("/datasets/{id}/rules/{rule}/rows", "quality.read", q.failing),
			room.Get("/dictionaries", "quality.read", q.dictionaries),
			room.Get("/tickets", "quality.report", q.tickets),
			room.Get("/tickets/{id}", "quality.report", q.ticket),
			room.Post("/tickets", "quality.report", q.raise),
		},
		Jobs:     []jobs.Handler{check, jobs.Periodic("quality.watch", jobs.Every(time.Minute), q.watch), jobs.Periodic("quality.fresh", jobs.Daily{Hour: 5, Minute: 10}, q.fresh)},
		Services: []room.Service{{Name: "install", Once: true, Run: q.install}},
		Emits:    []bus.Event{bus.Emits[Answered]("quality.answered")},
		Hears:    []bus.Listener{bus.On("dataset.served", q.served), bus.On("dataset.removed", q.removed)},
		Settings: []room.Setting{weight("01", 15), weight("02", 20), weight("03", 25), weight("04", 15), weight("05", 15), weight("06", 10),
			{Name: "mend_days", Default: 10, Min: 1, Max: 60, Admin: room.System}, {Name: "keep_checks", Default: 30, Min: 2, Max: 1000, Admin: room.System}},
		Actions: []string{"quality.check", "quality.cancel", "quality.rule", "quality.drop_rule", "quality.failing", "quality.ticket", "quality.answer"},
	}
}
