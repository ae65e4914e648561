// Package lookup finds one record in a dataset by its key (数据查询): the person states a purpose, sees the
// record masked, and may reveal one field with a reason when that is granted. Every look stands in the
// ledger and in the audit, found or not; the key itself stands in neither.
package lookup

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/flow"
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

// Names tells what units are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// Staff knows who of the district's people has a mobile number.
type Staff interface {
	ByMobile(ctx context.Context, q store.Queryer, number string) ([]Member, error)
}

// Member is one of the district's people in one of his posts: the unit, and the body that answers for it.
type Member struct{ Person, Unit, Home string }

// Lookup is the room.
type Lookup struct {
	db       *store.DB
	audit    *audit.Log
	datasets *dataset.Datasets
	settings *settings.Settings
	ring     *secret.Ring
	now      func() time.Time
	names    Names
	staff    Staff
	authz    *authz.Authz
	notify   *notify.Notes
	flow     *flow.Flow
}

func build(kit *kernel.Kit, names Names, staff Staff) *Lookup {
	return &Lookup{db: kit.DB, audit: kit.Audit, datasets: kit.Datasets, settings: kit.Settings, ring: kit.Ring, now: kit.Now, names: names,
		staff: staff, authz: kit.Authz, notify: kit.Notify, flow: kit.Flow}
}

// New declares the room. lookup.reveal is the right to reveal what one's own units answer for; what others have granted
// for revealing needs no more than lookup.find.
func New(kit *kernel.Kit, names Names, staff Staff) *room.Room {
	l := build(kit, names, staff)
	return &room.Room{
		Name: "lookup", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "lookup.find"}, {Name: "lookup.reveal"}, {Name: "lookup.ledger"}, {Name: "lookup.subject"}},
		Menu: []room.Menu{{Name: "find", Path: "/lookup", Perm: "lookup.find", Rank: 320},
			{Name: "ledger", Path: "/lookup/ledger", Perm: "lookup.ledger", Rank: 330},
			{Name: "subject", Path: "/lookup/subject", Perm: "lookup.subject", Rank: 331}},
		Routes: []room.Route{
			room.Get("/datasets", "lookup.find", l.list),
			room.Get("/datasets/{id}/versions", "lookup.find", l.past),
			room.Post("/find", "lookup.find", l.find).Secrets(),
			room.Post("/reveal", "lookup.find", l.reveal).Secrets(),
			room.Get("/mine", "lookup.find", l.mine),
			room.Get("/kin", "lookup.find", l.declared),
			room.Post("/kin", "lookup.find", l.declare).Secrets(),
			room.Delete("/kin/{id}", "lookup.find", l.withdraw),
			room.Get("/ledger", "lookup.ledger", l.ledger),
			room.Post("/subject", "lookup.subject", l.subject),
		},
		Raws: []room.Raw{{Method: "GET", Path: "/pack", Perm: "lookup.ledger", Doc: "the ledger of one's units as a signed pack, checked by qushu ledger verify", Serve: l.pack}},
		Jobs: []jobs.Handler{jobs.Periodic("lookup.forget", jobs.Every(5*time.Minute), l.forget)},
		Sealed: []room.Sealed{{Table: "lookup_look", ID: "id", Column: "sealed", Place: placeOf},
			{Table: "lookup_kin", ID: "id", Column: "sealed", Place: kinPlace, Index: "key_index", IndexName: kinName}},
		Settings: []room.Setting{{Name: "per_hour", Default: 200, Min: 1, Max: 100_000, Admin: room.Security},
			{Name: "day_from", Default: 7, Min: 0, Max: 12, Admin: room.Security}, {Name: "day_until", Default: 19, Min: 12, Max: 24, Admin: room.Security},
			{Name: "household_most", Default: 15, Min: 2, Max: 100, Admin: room.Security}, {Name: "small_list", Default: 100, Min: 0, Max: 100_000, Admin: room.Security}},
		Actions: []string{"lookup.find", "lookup.reveal", "lookup.subject", "lookup.export", "lookup.declare", "lookup.withdraw"},
	}
}

// forget empties the sealed keys of looks nothing can be revealed of any more, and drops declarations that no longer count.
func (l *Lookup) forget(ctx context.Context) error {
	if err := store.Exec(ctx, l.db, `DELETE FROM lookup_kin WHERE ended_at > 0 AND ended_at <= $1`, store.At(l.now().AddDate(0, 0, -counting))); err != nil {
		return err
	}
	return store.Exec(ctx, l.db, `UPDATE lookup_look SET sealed = '' WHERE sealed <> '' AND at < $1`, store.At(l.now().Add(-revealFor)))
}
