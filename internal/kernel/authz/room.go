package authz

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Authz keeps roles, which posts carry them, and delegations.
type Authz struct {
	db    *store.DB
	audit *audit.Log
	bus   *bus.Bus
	now   func() time.Time
	posts Posts

	order []room.Perm          // of all installed rooms, in their order
	perms map[string]room.Perm // the same by name
	words *errs.Catalog

	cache cache
}

// New makes the service. Before it serves it is told of the installed rooms (Furnish) and of the
// keeper of posts (Serve).
func New(db *store.DB, log *audit.Log, b *bus.Bus, now func() time.Time) *Authz {
	return &Authz{db: db, audit: log, bus: b, now: now, posts: noPosts{}, perms: map[string]room.Perm{}}
}

// Furnish tells which rooms there are and the words of their permissions. Called once, before serving.
func (z *Authz) Furnish(rooms []*room.Room, words *errs.Catalog) {
	z.words = words
	for _, r := range rooms {
		for _, p := range r.Perms {
			z.order = append(z.order, p)
			z.perms[p.Name] = p
		}
	}
}

// Serve tells who keeps people and posts. Called once, before serving.
func (z *Authz) Serve(p Posts) { z.posts = p }

// noPosts stands where nobody keeps posts: no delegation is valid and no post can be given a role.
type noPosts struct{}

func (noPosts) Holdings(context.Context, store.Queryer, []string) (map[string]Holding, error) {
	return nil, nil
}

func (noPosts) PersonName(context.Context, store.Queryer, string) (string, error) {
	return "", errs.New(errs.Missing, "authz.no_person")
}

// Room declares the package. Its text is among the kernel's, since every room's refusals use it.
func (z *Authz) Room() *room.Room {
	return &room.Room{Name: "authz", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{
			{Name: "authz.manage", Admin: room.Security},
			{Name: "authz.unit_manage"},
			{Name: "authz.delegate", Default: room.Self},
		},
		Menu: []room.Menu{
			{Name: "roles", Path: "/authz", Perm: "authz.unit_manage", Rank: 920},
			{Name: "delegations", Path: "/authz/delegations", Perm: "authz.delegate", Rank: 930},
		},
		Routes: []room.Route{
			room.Get("/permissions", "authz.unit_manage", z.permissions),
			room.Get("/names", room.Signed, z.roleNames),
			room.Get("/roles", "authz.unit_manage", z.listRoles),
			room.Get("/roles/{id}", "authz.unit_manage", z.showRole),
			room.Post("/roles", "authz.manage", z.createRole),
			room.Put("/roles/{id}", "authz.manage", z.updateRole),
			room.Delete("/roles/{id}", "authz.manage", z.removeRole),
			room.Get("/members", "authz.unit_manage", z.listMembers),
			room.Get("/posts/{post}/roles", "authz.unit_manage", z.postRoles),
			room.Put("/posts/{post}/roles/{role}", "authz.unit_manage", z.assignRole),
			room.Delete("/posts/{post}/roles/{role}", "authz.unit_manage", z.takeRole),
			room.Get("/delegations", "authz.delegate", z.myDelegations),
			room.Get("/delegations/options", "authz.delegate", z.delegationOptions),
			room.Post("/delegations", "authz.delegate", z.delegate),
			room.Delete("/delegations/{id}", "authz.delegate", z.revokeMine),
			room.Get("/delegations/all", "authz.manage", z.allDelegations),
			room.Delete("/delegations/all/{id}", "authz.manage", z.revokeAny),
		},
		Emits:   []bus.Event{bus.Emits[Changed]("authz.changed")},
		Actions: []string{"authz.role_create", "authz.role_update", "authz.role_delete", "authz.assign", "authz.unassign", "authz.delegate", "authz.revoke"},
	}
}

// changed ends every change: rights are read again everywhere, the audit has it, listeners are told.
func (z *Authz) changed(ctx context.Context, tx *store.Tx, what string, e audit.Entry) error {
	if err := z.Touch(ctx, tx); err != nil {
		return err
	}
	if err := z.audit.Record(ctx, tx, e); err != nil {
		return err
	}
	return z.bus.Emit(ctx, tx, "authz.changed", Changed{What: what, ID: e.ID})
}
