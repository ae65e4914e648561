package main

import (
	"context"
	"slices"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// builtinRoles are the roles every installation begins with. The scopes unit and below begin at the body (本单位) of
// the post that carries the role. A permission of a room that is not installed is left out.
func builtinRoles() []authz.Role {
	at := func(s room.Scope, perms ...string) (out []authz.RolePerm) {
		for _, p := range perms {
			out = append(out, authz.RolePerm{Perm: p, Scope: s})
		}
		return out
	}
	phones := at(room.All, "org.phone_leader", "org.phone_full")
	return []authz.Role{
		{Key: "leader", Name: "领导", NameEN: "Leader", Perms: slices.Concat(at(room.Below, "library.read", "theme.read", "lookup.ledger", "quality.read", "query.use", "forms.read", "flow.supervise", "burden.watch", "signal.read", "iot.read"), phones)},
		{Key: "unit_admin", Name: "单位管理员", NameEN: "Unit administrator", Perms: at(room.Below, "org.unit_manage", "org.export", "identity.unit_manage", "authz.unit_manage", "flow.manage")},
		{Key: "data_officer", Name: "数据专员", NameEN: "Data officer",
			Perms: at(room.Unit, "library.read", "library.load", "library.source", "library.grant", "lookup.ledger", "lookup.find", "lookup.reveal", "quality.read", "quality.manage", "theme.read", "theme.build", "theme.release", "query.use", "query.sql", "query.reveal", "batch.run", "batch.reveal", "batch.trace", "batch.ask", "lookup.subject")},
		{Key: "data_reader", Name: "数据查询员", NameEN: "Data reader", Perms: at(room.Unit, "lookup.find", "query.use", "batch.run", "batch.ask")},
		{Key: "reviewer", Name: "审核员", NameEN: "Reviewer", Perms: at(room.All, "library.read", "theme.read", "lookup.ledger", "quality.read", "batch.trace")},
		{Key: "notice_publisher", Name: "信息发布员", NameEN: "Notice publisher", Perms: at(room.Below, "desk.publish")},
		{Key: "district_publisher", Name: "区级通知发布员", NameEN: "District notice publisher", Perms: at(room.All, "desk.publish")},
		{Key: "duty_officer", Name: "值班员", NameEN: "Duty officer", Perms: slices.Concat(phones, at(room.All, "desk.publish", "signal.read", "signal.handle", "iot.read"))},
		{Key: "iot_keeper", Name: "物联设备管理员", NameEN: "Keeper of devices", Perms: at(room.Unit, "iot.read", "iot.manage", "signal.read", "signal.handle", "signal.define")},
		{Key: "grid_worker", Name: "网格员", NameEN: "Grid worker", Perms: at(room.Street, "lookup.find")},
		{Key: "enterprise_service", Name: "企业服务专员", NameEN: "Enterprise service officer", Perms: at(room.Unit, "lookup.find")},
	}
}

// roles writes the built-in roles that are not there yet; what the security administrator made of the others stays.
func (a *app) roles(ctx context.Context) error {
	return a.kit.DB.Tx(terminal(ctx), func(ctx context.Context, tx *store.Tx) error { return a.kit.Authz.Ensure(ctx, tx, builtinRoles()) })
}
