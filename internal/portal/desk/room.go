// Package desk is the workbench: the first page after signing in, with the notices a person must know
// of and the pages he uses most. A notice is addressed to everybody or to units with all below them;
// opening it is noted, and one that must be read asks for a receipt (已阅).
package desk

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/find"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Unit is an org unit as this room names it.
type Unit struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Units tells where a unit stands.
type Units interface {
	// Above returns the unit and every unit above it, the unit itself first; none when it is unknown.
	Above(ctx context.Context, q store.Queryer, unit string) ([]Unit, error)
	// Named returns those of the units that exist, in any order.
	Named(ctx context.Context, q store.Queryer, ids []string) ([]Unit, error)
}

// Member is a person with the unit of his main post.
type Member struct {
	ID, Name string
	Unit     Unit
}

// People lists who is addressed.
type People interface {
	// ListIn returns up to limit people, each once, who have a post in one of units or below it, ordered by
	// ID beginning after the ID after; no units means everybody.
	ListIn(ctx context.Context, q store.Queryer, units []string, after string, limit int) ([]Member, error)
}

// Page is an entry of the menu in the language of the request.
type Page struct{ Room, Path, Title string }

// Pages knows what the actor of ctx may open, in the order of the menu.
type Pages interface {
	Pages(ctx context.Context) []Page
}

// Inbox counts a person's unread notifications.
type Inbox interface {
	Unread(ctx context.Context, q store.Queryer, person string) (int, error)
}

// Ports are what the room asks of others. Inbox and Teller may be nil: then the count is left out, and nobody is told.
type Ports struct {
	Units    Units
	People   People
	Pages    Pages
	Inbox    Inbox
	Teller   Teller
	Calendar when.Days
}

// Desk is the room.
type Desk struct {
	Ports
	db    *store.DB
	bus   *bus.Bus
	audit *audit.Log
	words *errs.Catalog
	finds *find.Find
	now   func() time.Time
}

// Published is the event of a notice that is new, or for which receipts are asked once more. Units are those
// addressed, none for everybody.
type Published struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Unit  Unit     `json:"unit"`
	By    string   `json:"by"`
	Must  bool     `json:"must"`
	Units []string `json:"units"`
}

// New declares the room.
func New(kit *kernel.Kit, p Ports) *room.Room {
	d := &Desk{Ports: p, db: kit.DB, bus: kit.Bus, audit: kit.Audit, words: kit.Words, finds: kit.Find, now: kit.Now}
	d.findable()
	return &room.Room{
		Name: "desk", Pillar: room.Portal, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "desk.read", Default: room.All}, {Name: "desk.publish"}},
		Menu: []room.Menu{{Name: "home", Path: "/desk", Perm: "desk.read", Rank: 10},
			{Name: "notices", Path: "/desk/notices", Perm: "desk.read", Rank: 20}},
		Routes: []room.Route{
			room.Get("", "desk.read", d.home),
			room.Put("/pins", "desk.read", d.pin).NoAudit("how a person arranges his own page"),
			room.Get("/notices", "desk.read", d.list),
			room.Get("/notices/{id}", "desk.read", d.get),
			room.Post("/notices/{id}/receipt", "desk.read", d.receive),
			room.Post("/notices", "desk.publish", d.publish),
			room.Put("/notices/{id}", "desk.publish", d.edit),
			room.Post("/notices/{id}/withdraw", "desk.publish", d.withdraw),
			room.Get("/notices/{id}/receipts", "desk.publish", d.receipts),
			room.Get("/notices/{id}/people", "desk.publish", d.people),
		},
		Raws:    []room.Raw{{Method: "GET", Path: "/notices/{id}/receipts.csv", Perm: "desk.publish", Doc: "who has read a notice and who has not, as CSV", Serve: d.export}},
		Emits:   []bus.Event{bus.Emits[Published]("desk.published")},
		Hears:   []bus.Listener{bus.On("desk.published", d.inform)},
		Actions: []string{"desk.publish", "desk.edit", "desk.withdraw", "desk.receipt", "desk.export"},
	}
}
