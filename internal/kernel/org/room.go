package org

import (
	"qushu/internal/kernel/org/internal/sheet"
	"qushu/internal/room"
)

// importBody is the largest file a person fills in by hand and uploads.
const importBody = sheet.MaxBytes

// Room declares the package. What a unit's administrator does in his unit (org.unit_manage, reaching
// “unit and below”) the system administrator does everywhere: authz.AdminGrants gives it to whoever
// holds org.manage.
func (o *Org) Room() *room.Room {
	const read, edit, manage, export = "org.read", "org.unit_manage", "org.manage", "org.export"
	return &room.Room{Name: "org", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{
			{Name: read, Default: room.All},
			{Name: manage, Admin: room.System},
			{Name: edit},
			{Name: "org.phone_full", Default: room.Self},
			{Name: "org.phone_leader"},
			{Name: export},
		},
		Menu: []room.Menu{
			{Name: "units", Path: "/org", Perm: read, Rank: 890},
			{Name: "people", Path: "/org/people", Perm: read, Rank: 891},
			{Name: "groups", Path: "/org/groups", Perm: read, Rank: 892},
		},
		Routes: []room.Route{
			room.Get("/search", room.Signed, o.search),

			room.Get("/units", read, o.listUnits),
			room.Get("/units/{id}", read, o.showUnit),
			room.Get("/units/{id}/history", read, o.unitHistory),
			room.Get("/units/{id}/staff", read, o.unitStaff),
			room.Post("/units", edit, o.createUnit),
			room.Put("/units/{id}", edit, o.updateUnit),
			room.Post("/units/{id}/move", edit, o.moveUnit),
			room.Post("/units/{id}/close", edit, o.closeUnit),
			room.Post("/units/{id}/reopen", edit, o.reopenUnit),
			room.Post("/units/{id}/relations", edit, o.relate),
			room.Delete("/relations/{id}", edit, o.unrelate),

			room.Get("/people", read, o.listPeople),
			room.Get("/people/{id}", read, o.showPerson),
			room.Get("/people/{id}/mobile", "org.phone_full", o.showMobile),
			room.Post("/people", edit, o.createPerson),
			room.Put("/people/{id}", edit, o.updatePerson),
			room.Post("/people/{id}/leave", edit, o.leave),
			room.Post("/people/{id}/return", edit, o.comeBack),
			room.Post("/people/{id}/posts", edit, o.addPost),
			room.Put("/posts/{id}", edit, o.updatePost),
			room.Post("/posts/{id}/main", edit, o.mainPost),
			room.Post("/posts/{id}/end", edit, o.endPost),

			room.Get("/groups", read, o.listGroups),
			room.Get("/groups/{id}", read, o.showGroup),
			room.Post("/groups", manage, o.createGroup),
			room.Put("/groups/{id}", manage, o.updateGroup),
			room.Post("/groups/{id}/dissolve", manage, o.dissolveGroup),
			room.Post("/groups/{id}/members", manage, o.joinGroup),
			room.Delete("/groups/{id}/members/{member}", manage, o.leaveGroup),

			room.Post("/import/units", edit, o.importUnits).Body(importBody),
			room.Post("/import/units/check", edit, o.checkUnitFile).Body(importBody).NoAudit("it writes nothing"),
			room.Post("/import/people", edit, o.importPeople).Body(importBody),
			room.Post("/import/people/check", edit, o.checkPeopleFile).Body(importBody).NoAudit("it writes nothing"),
		},
		Raws: []room.Raw{
			{Method: "GET", Path: "/import/units/template", Perm: edit, Doc: "an empty XLSX to fill in with units", Serve: template("单位", unitSheet())},
			{Method: "GET", Path: "/import/people/template", Perm: edit, Doc: "an empty XLSX to fill in with people", Serve: template("人员", personSheet())},
			{Method: "GET", Path: "/export/units", Perm: export, Doc: "the units as XLSX", Serve: o.exportUnits},
			{Method: "GET", Path: "/export/people", Perm: export, Doc: "the people of ?unit= and below as XLSX", Serve: o.exportPeople},
		},
		Sealed: []room.Sealed{{Table: "org_person", ID: "id", Column: "mobile", Place: aad, Index: "mobile_idx", IndexName: mobileColumn}},
		Emits:  emits(),
		Actions: []string{"org.unit_create", "org.unit_update", "org.unit_move", "org.unit_close", "org.unit_reopen", "org.relate", "org.unrelate",
			"org.person_create", "org.person_update", "org.leave", "org.return", "org.post_begin", "org.post_update", "org.post_main", "org.post_end", "org.see_mobile",
			"org.group_create", "org.group_update", "org.group_dissolve", "org.group_join", "org.group_leave",
			"org.import_units", "org.import_people", "org.export_units", "org.export_people"},
	}
}
