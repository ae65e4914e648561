// Package exchange is the sharing of data between units (数据共享): one unit applies for what another has, the platform checks,
// the provider agrees, narrows or refuses, and what is agreed becomes a grant of fields, rows, ways of use, a term and a
// quota. It is used on pages, by programs that sign what they ask, and by deliveries; it is reminded of before it ends, and
// suspended or revoked at once.
//
// What a grant reaches is enforced in one place, kernel/dataset; this room decides who gets one and carries the answers.
package exchange

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
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

// Exchange is the room.
type Exchange struct {
	db        *store.DB
	jobs      *jobs.Client
	bus       *bus.Bus
	audit     *audit.Log
	authz     *authz.Authz
	org       *org.Org
	files     *file.Files
	datasets  *dataset.Datasets
	settings  *settings.Settings
	flow      *flow.Flow
	notify    *notify.Notes
	ring      *secret.Ring
	words     *errs.Catalog
	now       func() time.Time
	catalogue Catalogue
	rates     *rates
}

// New declares the room.
func New(kit *kernel.Kit, catalogue Catalogue) *room.Room { return hosted(kit, catalogue).room() }

// hosted makes the room's service and lets it host its cases.
func hosted(kit *kernel.Kit, catalogue Catalogue) *Exchange {
	x := &Exchange{db: kit.DB, jobs: kit.Jobs, bus: kit.Bus, audit: kit.Audit, authz: kit.Authz, org: kit.Org, files: kit.Files, datasets: kit.Datasets, settings: kit.Settings,
		flow: kit.Flow, notify: kit.Notify, ring: kit.Ring, words: kit.Words, now: kit.Now, catalogue: catalogue, rates: newRates()}
	kit.Flow.Host("exchange", x.host())
	kit.Files.Readers("exchange", func(ctx context.Context, object string) error {
		_, err := x.seen(ctx, x.db, object)
		return err
	})
	return x
}

func (x *Exchange) room() *room.Room {
	return &room.Room{
		Name: "exchange", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "exchange.read", Default: room.All}, {Name: "exchange.apply", Default: room.Self}, {Name: "exchange.use"}, {Name: "exchange.provide"}, {Name: "exchange.check"}},
		Menu: []room.Menu{{Name: "applications", Path: "/exchange", Perm: "exchange.read", Rank: 306}, {Name: "grants", Path: "/exchange/grants", Perm: "exchange.read", Rank: 307},
			{Name: "figures", Path: "/exchange/figures", Perm: "exchange.read", Rank: 308}},
		Routes:   append(x.applyRoutes(), append(x.grantRoutes(), x.deliveryRoutes()...)...),
		Raws:     x.raws(),
		Services: []room.Service{{Name: "install", Once: true, Run: x.install}},
		Jobs: append([]jobs.Handler{jobs.Periodic("exchange.remind", jobs.Every(10*time.Minute), x.remind), jobs.Periodic("exchange.forget", jobs.Every(5*time.Minute), x.forget)},
			x.deliveryJobs()...),
		Emits: []bus.Event{bus.Emits[Told]("exchange.granted"), bus.Emits[Told]("exchange.stopped"), bus.Emits[Told]("exchange.ended")},
		Hears: []bus.Listener{bus.On("settings.changed", x.settingChanged)},
		Sealed: []room.Sealed{{Table: "exchange_application", ID: "id", Column: "phone", Place: phonePlace}, {Table: "exchange_key", ID: "id", Column: "sealed", Place: keyPlace},
			{Table: "exchange_delivery", ID: "id", Column: "sealed", Place: deliveryPlace}},
		Settings: declared(),
		Actions: []string{"exchange.draft", "exchange.save", "exchange.drop", "exchange.file", "exchange.grant", "exchange.suspend", "exchange.resume", "exchange.revoke", "exchange.ended",
			"exchange.key", "exchange.key_revoke", "exchange.call", "exchange.try", "exchange.delivery", "exchange.delivery_drop", "exchange.deliver", "exchange.delivered", "exchange.cancel"},
	}
}

func (x *Exchange) applyRoutes() []room.Route {
	return []room.Route{
		room.Get("/source", "exchange.read", x.showSource),
		room.Get("/applications", "exchange.read", x.list),
		room.Get("/applications/{id}", "exchange.read", x.show),
		room.Post("/applications", "exchange.apply", x.create),
		room.Put("/applications/{id}", "exchange.apply", x.save),
		room.Delete("/applications/{id}", "exchange.apply", x.drop),
		room.Post("/applications/{id}/file", "exchange.apply", x.hand),
		room.Get("/figures", "exchange.read", x.figures),
	}
}

func (x *Exchange) grantRoutes() []room.Route {
	return []room.Route{
		room.Get("/grants", "exchange.read", x.listGrants),
		room.Get("/grants/{id}", "exchange.read", x.showGrant),
		room.Post("/grants/{id}/suspend", "exchange.read", x.suspend),
		room.Post("/grants/{id}/resume", "exchange.read", x.resume),
		room.Post("/grants/{id}/revoke", "exchange.read", x.revoke),
		room.Post("/grants/{id}/renew", "exchange.apply", x.renew),
		room.Post("/grants/{id}/try", "exchange.use", x.try).Secrets(),
		room.Get("/grants/{id}/keys", "exchange.use", x.listKeys),
		room.Post("/grants/{id}/keys", "exchange.use", x.makeKey).Secrets(),
		room.Delete("/keys/{id}", "exchange.use", x.revokeKey),
	}
}

// install puts the roles and the drawing of this room where there are none yet.
func (x *Exchange) install(ctx context.Context) error {
	role := func(key, name, en string, perms ...authz.RolePerm) authz.Role {
		return authz.Role{Key: key, Name: name, NameEN: en, Perms: append([]authz.RolePerm{{Perm: "exchange.read", Scope: room.All}}, perms...)}
	}
	roles := []authz.Role{
		role("exchange_applicant", "共享申请员", "Data applicant", authz.RolePerm{Perm: "exchange.apply", Scope: room.Unit}, authz.RolePerm{Perm: "exchange.use", Scope: room.Unit}),
		role("exchange_provider", "共享提供方审批员", "Approver of the providing unit", authz.RolePerm{Perm: "exchange.provide", Scope: room.Unit}),
		role("exchange_centre", "共享符合性审查员", "Conformity officer of the data centre", authz.RolePerm{Perm: "exchange.check", Scope: room.All}),
		role("exchange_bureau", "共享主管部门监督员", "Supervisor of sharing", authz.RolePerm{Perm: "exchange.check", Scope: room.All}),
	}
	return x.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		if err := x.authz.Ensure(ctx, tx, roles); err != nil {
			return err
		}
		return x.deploy(ctx, tx)
	})
}
