package settings

import (
	"qushu/internal/base/bus"
	"qushu/internal/room"
)

// Room declares the package. The page is the same for the three administrators; each edits what is his.
func (s *Settings) Room() *room.Room {
	return &room.Room{Name: "settings", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "settings.system", Admin: room.System}, {Name: "settings.security", Admin: room.Security}, {Name: "settings.audit", Admin: room.Auditor}},
		Menu: []room.Menu{{Name: "system", Path: "/settings", Perm: "settings.system", Rank: 900}, {Name: "calendar", Path: "/settings/calendar", Perm: "settings.system", Rank: 905}, {Name: "security", Path: "/settings", Perm: "settings.security", Rank: 900},
			{Name: "audit", Path: "/settings", Perm: "settings.audit", Rank: 900}},
		Routes: []room.Route{
			room.Get("", room.Signed, s.list),
			room.Put("/{name}", room.Signed, s.put),
			room.Get("/calendar", room.Signed, s.calendarYears),
			room.Put("/calendar/{year}", "settings.system", s.putYear),
		},
		Emits:   []bus.Event{bus.Emits[Changed]("settings.changed"), bus.Emits[CalendarChanged]("settings.calendar")},
		Actions: []string{"settings.change", "settings.refused", "settings.calendar"},
	}
}
