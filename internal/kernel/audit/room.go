package audit

import (
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/room"
)

// Action is one declared action with its title in the caller's language.
type Action struct {
	Name      string `json:"name"`
	Room      string `json:"room"`
	RoomTitle string `json:"roomTitle"`
	Title     string `json:"title"`
}

// Furnish tells the log which actions the installed rooms write, and the words for them. It comes
// before the first request.
func (l *Log) Furnish(rooms []*room.Room, words *errs.Catalog) {
	l.words = words
	for _, r := range rooms {
		for _, a := range r.Actions {
			l.declared = append(l.declared, Action{Name: a, Room: r.Name})
		}
	}
	slices.SortFunc(l.declared, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
}

// Room declares the package.
func (l *Log) Room() *room.Room {
	check := jobs.Handle("audit.verify", l.work)
	check.Timeout, check.Attempts = 12*time.Hour, 3
	nightly := jobs.Periodic("audit.nightly", jobs.Daily{Hour: 3, Minute: 30}, l.nightly)
	nightly.Timeout = 12 * time.Hour
	return &room.Room{Name: "audit", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "audit.read", Admin: room.Auditor}, {Name: "audit.verify", Admin: room.Auditor}, {Name: "audit.export", Admin: room.Auditor},
			{Name: "audit.read_auditors", Admin: room.Security}},
		Menu: []room.Menu{{Name: "log", Path: "/audit", Perm: "audit.read", Rank: 905}, {Name: "verify", Path: "/audit/verify", Perm: "audit.verify", Rank: 906},
			{Name: "auditors", Path: "/audit/auditors", Perm: "audit.read_auditors", Rank: 907}},
		Routes: []room.Route{
			room.Get("", "audit.read", l.list),
			room.Get("/{id}", "audit.read", l.show),
			room.Get("/mine", room.Signed, l.mine),
			room.Get("/auditors", "audit.read_auditors", l.auditors),
			room.Get("/actions", room.Signed, l.actions),
			room.Get("/roots", "audit.verify", l.roots),
			room.Get("/keys", "audit.verify", l.keys),
			room.Post("/verify", "audit.verify", l.startCheck),
			room.Get("/verify", "audit.verify", l.lastCheck),
		},
		Raws:     []room.Raw{{Method: "GET", Path: "/export", Perm: "audit.export", Doc: "the records and signed roots of a range as a pack that is verified offline", Serve: l.export}},
		Services: []room.Service{{Name: "chain", Once: true, Run: l.serve}},
		Jobs:     []jobs.Handler{check, nightly},
		Settings: []room.Setting{{Name: "retain_days", Default: 365, Min: leastDays, Max: 3650, Admin: room.Security}},
		Actions:  []string{"audit.denied", "audit.read", "audit.verify", "audit.verified", "audit.export", "audit.archive", "audit.head_lost"},
	}
}
