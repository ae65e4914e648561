// Package query answers questions over many rows (数据分析): conditions chosen in a form, or SQL for those who may write it;
// questions kept under a name, shared, drawn as charts, asked by programs, and given out as files.
//
// Every question, however it was put, is one SELECT of the reader, read as a tree and answered from what he himself may
// see (dataset.Question): a question shared with him answers with his rights, never with those of its author. Each run
// stands in the history and the audit, those refused included; who sees a number sees which version of which dataset it
// came from, and which file made that.
package query

import (
	"context"
	"embed"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
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

// Tree tells which units stand above one; itself may be among them.
type Tree interface {
	Above(ctx context.Context, q store.Queryer, unit string) ([]string, error)
}

// Query is the room.
type Query struct {
	db       *store.DB
	jobs     *jobs.Client
	audit    *audit.Log
	files    *file.Files
	datasets *dataset.Datasets
	settings *settings.Settings
	notify   *notify.Notes
	ring     *secret.Ring
	words    *errs.Catalog
	now      func() time.Time
	names    Names
	tree     Tree

	mu      sync.Mutex
	running map[string]context.CancelFunc // by person, on this replica
}

// New declares the room. query.use is the right to ask with a form, query.sql to write SQL, query.api to ask by a program;
// query.reveal uses masked columns of what one's own units answer for, and query.audit sees what everybody asked.
func New(kit *kernel.Kit, names Names, tree Tree) *room.Room {
	x := &Query{db: kit.DB, jobs: kit.Jobs, audit: kit.Audit, files: kit.Files, datasets: kit.Datasets, settings: kit.Settings, notify: kit.Notify,
		ring: kit.Ring, words: kit.Words, now: kit.Now, names: names, tree: tree, running: map[string]context.CancelFunc{}}
	kit.Files.Readers("query", x.mayReadFile)
	export := jobs.Handle("query.export", x.work)
	export.Timeout, export.Attempts = maxExport, 3
	return &room.Room{
		Name: "query", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "query.use"}, {Name: "query.sql"}, {Name: "query.api"}, {Name: "query.reveal"}, {Name: "query.audit", Admin: room.Auditor}},
		Menu: []room.Menu{{Name: "ask", Path: "/query", Perm: "query.use", Rank: 330}, {Name: "sql", Path: "/query/sql", Perm: "query.sql", Rank: 331},
			{Name: "saved", Path: "/query/saved", Perm: "query.use", Rank: 332}, {Name: "history", Path: "/query/history", Perm: "query.audit", Rank: 333}},
		Routes: []room.Route{
			room.Get("/sources", "query.use", x.sources),
			room.Get("/sources/{id}/versions", "query.use", x.past),
			room.Post("/run", "query.sql", x.run).Secrets(),
			room.Post("/build", "query.use", x.build).Secrets(),
			room.Post("/cancel", "query.use", x.cancel).NoAudit("the run it ends is recorded as cancelled"),
			room.Get("/runs", "query.use", x.mine),
			room.Get("/history", "query.audit", x.history),

			room.Get("/saved", "query.use", x.listSaved),
			room.Post("/saved", "query.use", x.create),
			room.Get("/saved/{id}", "query.use", x.getSaved),
			room.Put("/saved/{id}", "query.use", x.change),
			room.Delete("/saved/{id}", "query.use", x.remove),
			room.Put("/saved/{id}/shares", "query.use", x.share),
			room.Post("/saved/{id}/run", "query.use", x.runSaved).Secrets(),

			room.Post("/exports", "query.use", x.export),
			room.Get("/exports", "query.use", x.exports),
		},
		Raws:   []room.Raw{{Method: "GET", Path: "/saved/{id}/rows", Perm: "query.api", Doc: "the rows of a saved query for a program, its parameters in the query string, with limit, purpose and as_of beside them", Serve: x.rows}},
		Jobs:   []jobs.Handler{export, jobs.Periodic("query.purge", jobs.Daily{Hour: 3, Minute: 20}, x.purge)},
		Sealed: []room.Sealed{{Table: "query_run", ID: "id", Column: "sealed", Place: placeOf}},
		Settings: []room.Setting{{Name: "seconds", Default: 30, Min: 1, Max: 600, Admin: room.System},
			{Name: "rows", Default: 10_000, Min: 100, Max: 50_000, Admin: room.System},
			{Name: "export_rows", Default: 100_000, Min: 100, Max: 500_000, Admin: room.Security},
			{Name: "keep_days", Default: 7, Min: 1, Max: 90, Admin: room.Security}},
		Actions: []string{"query.run", "query.save", "query.remove", "query.share", "query.export", "query.deliver"},
	}
}
