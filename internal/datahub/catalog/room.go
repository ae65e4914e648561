// Package catalog is the catalogue of government data (编目): what data the district has, who provides it, item by item, how
// it is shared and opened and under which law. An entry is drafted, reviewed by its department and by the bureau, published,
// bound to the data itself (挂接), changed and taken offline; each of these is a case of kernel/flow. While a change is being
// reviewed the version published last goes on serving.
//
// What is open is told to everybody as DCAT (JSON-LD, Turtle) and through the reading part of CKAN's Action API.
package catalog

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/find"
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

//go:embed flow/*.bpmn
var drawings embed.FS

// Catalog is the room.
type Catalog struct {
	db       *store.DB
	jobs     *jobs.Client
	bus      *bus.Bus
	audit    *audit.Log
	authz    *authz.Authz
	org      *org.Org
	datasets *dataset.Datasets
	settings *settings.Settings
	flow     *flow.Flow
	notify   *notify.Notes
	find     *find.Find
	words    *errs.Catalog
	now      func() time.Time
	sources  Sources // nil where nothing is collected
}

// New makes the room's service.
func New(kit *kernel.Kit, sources Sources) *Catalog {
	c := &Catalog{db: kit.DB, jobs: kit.Jobs, bus: kit.Bus, audit: kit.Audit, authz: kit.Authz, org: kit.Org, datasets: kit.Datasets, settings: kit.Settings,
		flow: kit.Flow, notify: kit.Notify, find: kit.Find, words: kit.Words, now: kit.Now, sources: sources}
	kit.Flow.Host("catalog", c.host())
	c.findable()
	return c
}

// Room declares the room.
func (c *Catalog) Room() *room.Room {
	draft := jobs.Handle("catalog.draft", c.work)
	draft.Timeout = time.Hour
	return &room.Room{
		Name: "catalog", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "catalog.read", Default: room.All}, {Name: "catalog.edit"}, {Name: "catalog.review"}, {Name: "catalog.mount"}, {Name: "catalog.manage"}},
		Menu: []room.Menu{{Name: "entries", Path: "/catalog", Perm: "catalog.read", Rank: 301}, {Name: "mine", Path: "/catalog/mine", Perm: "catalog.edit", Rank: 302},
			{Name: "demands", Path: "/catalog/demands", Perm: "catalog.read", Rank: 303}, {Name: "reports", Path: "/catalog/reports", Perm: "catalog.review", Rank: 304}},
		Routes:   append(append(c.entryRoutes(), c.mountRoutes()...), c.otherRoutes()...),
		Raws:     c.raws(),
		Services: []room.Service{{Name: "install", Once: true, Run: c.install}},
		Jobs:     []jobs.Handler{draft, jobs.Periodic("catalog.refresh", jobs.Every(time.Minute), c.refresh), jobs.Periodic("catalog.recheck", jobs.Daily{Hour: 4, Minute: 20}, c.recheck)},
		Emits:    []bus.Event{bus.Emits[Released]("catalog.published"), bus.Emits[Withdrawn]("catalog.offline")},
		Hears:    []bus.Listener{bus.On("settings.changed", c.settingChanged)},
		Settings: declared(),
		Actions: []string{"catalog.draft", "catalog.save", "catalog.drop", "catalog.submit", "catalog.publish", "catalog.change", "catalog.offline", "catalog.restore", "catalog.archive",
			"catalog.mount", "catalog.unmount", "catalog.propose", "catalog.run", "catalog.cancel", "catalog.import", "catalog.export", "catalog.class", "catalog.watch", "catalog.demand", "catalog.answer"},
	}
}

func (c *Catalog) entryRoutes() []room.Route {
	return []room.Route{
		room.Get("/entries", "catalog.read", c.list),
		room.Get("/facets", "catalog.read", c.facets),
		room.Get("/figures", "catalog.read", c.figures),
		room.Get("/entries/{id}", "catalog.read", c.show),
		room.Get("/entries/{id}/versions/{number}", "catalog.read", c.showVersion),
		room.Get("/entries/{id}/diff", "catalog.read", c.diff),
		room.Post("/entries", "catalog.edit", c.create).Body(4 << 20),
		room.Put("/entries/{id}/draft", "catalog.edit", c.save).Body(4 << 20),
		room.Delete("/entries/{id}/draft", "catalog.edit", c.drop),
		room.Post("/entries/{id}/check", "catalog.edit", c.check).NoAudit("only says what is wrong"),
		room.Post("/entries/{id}/change", "catalog.edit", c.change),
		room.Post("/entries/{id}/submit", "catalog.edit", c.submit),
		room.Post("/submit", "catalog.edit", c.submitMany).NoAudit("each entry that is submitted leaves its own record"),
		room.Post("/entries/{id}/offline", "catalog.edit", c.offline),
		room.Post("/entries/{id}/restore", "catalog.manage", c.restore),
		room.Post("/entries/{id}/archive", "catalog.manage", c.archive),
		room.Get("/classes", "catalog.read", c.listClasses),
		room.Put("/classes/{code}", "catalog.manage", c.saveClass),
	}
}

func (c *Catalog) mountRoutes() []room.Route {
	return []room.Route{
		room.Get("/datasets", "catalog.read", c.listDatasets),
		room.Post("/entries/{id}/fit", "catalog.read", c.fit).NoAudit("only says what fits"),
		room.Post("/entries/{id}/mounts", "catalog.read", c.mount),
		room.Post("/entries/{id}/mounts/{mount}/end", "catalog.read", c.unmount),
		room.Post("/mount-ready", "catalog.mount", c.mountReady).NoAudit("each entry that is bound leaves its own record"),
		room.Get("/sources", "catalog.edit", c.listSources),
		room.Post("/drafts", "catalog.edit", c.startDrafts),
		room.Get("/runs", "catalog.edit", c.listRuns),
		room.Get("/runs/{id}", "catalog.edit", c.showRun),
		room.Post("/runs/{id}/cancel", "catalog.edit", c.cancelRun),
	}
}

// install puts the roles and drawings of this room where there are none yet.
func (c *Catalog) install(ctx context.Context) error {
	ctx = room.BySystem(ctx)
	role := func(key, name, en string, perms ...authz.RolePerm) authz.Role {
		return authz.Role{Key: key, Name: name, NameEN: en, Perms: append([]authz.RolePerm{{Perm: "catalog.read", Scope: room.All}}, perms...)}
	}
	roles := []authz.Role{
		role("catalog_editor", "编目员", "Cataloguer", authz.RolePerm{Perm: "catalog.edit", Scope: room.Unit}, authz.RolePerm{Perm: "catalog.review", Scope: room.Unit}),
		role("catalog_reviewer", "编目部门审核员", "Catalogue reviewer of a department", authz.RolePerm{Perm: "catalog.review", Scope: room.Unit}),
		role("catalog_bureau", "编目主管部门审核员", "Catalogue reviewer of the bureau", authz.RolePerm{Perm: "catalog.review", Scope: room.All}, authz.RolePerm{Perm: "catalog.manage", Scope: room.All}),
		role("catalog_centre", "数据中心挂接员", "Mounting officer of the data centre", authz.RolePerm{Perm: "catalog.review", Scope: room.All}, authz.RolePerm{Perm: "catalog.mount", Scope: room.All},
			authz.RolePerm{Perm: "catalog.edit", Scope: room.Unit}),
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := c.authz.Ensure(ctx, tx, roles); err != nil {
			return err
		}
		return c.deploy(ctx, tx)
	})
}
