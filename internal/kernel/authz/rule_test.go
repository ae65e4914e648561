package authz

import (
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

// rights has one permission of each sort.
func rights() *Authz {
	z := New(nil, nil, nil, time.Now)
	z.Furnish([]*room.Room{
		{Name: "visit", Perms: []room.Perm{{Name: "visit.read"}, {Name: "visit.mine", Default: room.Self}, {Name: "visit.manage", Admin: room.System}, {Name: "visit.unit_manage"}}},
		{Name: "authz", Perms: []room.Perm{{Name: "authz.manage", Admin: room.Security}, {Name: "authz.unit_manage"}, {Name: "authz.delegate", Default: room.Self}}},
		{Name: "org", Perms: []room.Perm{{Name: "org.read", Default: room.All}}},
	}, nil)
	return z
}

func TestGrantable(t *testing.T) {
	z := rights()
	for _, c := range []struct {
		name string
		perm RolePerm
		want string
	}{
		{"business", RolePerm{"visit.read", room.Below}, ""},
		{"everybody's, wider", RolePerm{"visit.mine", room.Unit}, ""},
		{"an administrator's", RolePerm{"visit.manage", room.All}, "authz.admin_perm"},
		{"unknown", RolePerm{"gone.read", room.All}, "authz.unknown_perm"},
		{"no such scope", RolePerm{"visit.read", "galaxy"}, "authz.unknown_scope"},
	} {
		if got := errs.KeyOf(z.grantable(c.perm)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDelegable(t *testing.T) {
	z := rights()
	for perm, want := range map[string]bool{"visit.read": true, "visit.mine": true, "visit.manage": false, "authz.unit_manage": false, "authz.delegate": false, "gone.read": false} {
		if z.delegable(perm) != want {
			t.Error(perm)
		}
	}
}

func TestCovers(t *testing.T) {
	above := map[string]bool{"district": true, "street": true, "community": true} // the target stands in community
	grant := func(s room.Scope, unit, street string) room.Grant {
		return room.Grant{Scope: s, Person: "giver", Unit: unit, Street: street}
	}
	want := func(s room.Scope) room.Grant {
		return room.Grant{Scope: s, Person: "target", Unit: "community", Street: "420111001"}
	}
	for _, c := range []struct {
		name string
		own  []room.Grant
		want room.Grant
		ok   bool
	}{
		{"nothing held", nil, want(room.Self), false},
		{"self by self", []room.Grant{grant(room.Self, "street", "")}, want(room.Self), true},
		{"unit by self", []room.Grant{grant(room.Self, "community", "")}, want(room.Unit), false},
		{"unit by the same unit", []room.Grant{grant(room.Unit, "community", "")}, want(room.Unit), true},
		{"unit by another unit", []room.Grant{grant(room.Unit, "street", "")}, want(room.Unit), false},
		{"unit by below from over it", []room.Grant{grant(room.Below, "street", "")}, want(room.Unit), true},
		{"unit by below from elsewhere", []room.Grant{grant(room.Below, "other", "")}, want(room.Unit), false},
		{"below by below from over it", []room.Grant{grant(room.Below, "district", "")}, want(room.Below), true},
		{"below by unit", []room.Grant{grant(room.Unit, "community", "")}, want(room.Below), false},
		{"street by the same street", []room.Grant{grant(room.Street, "street", "420111001")}, want(room.Street), true},
		{"street by another street", []room.Grant{grant(room.Street, "street", "420111002")}, want(room.Street), false},
		{"street by below", []room.Grant{grant(room.Below, "district", "420111001")}, want(room.Street), false},
		{"all by below", []room.Grant{grant(room.Below, "district", "")}, want(room.All), false},
		{"all by all", []room.Grant{grant(room.All, "district", "")}, want(room.All), true},
		{"the second of two", []room.Grant{grant(room.Self, "x", ""), grant(room.All, "x", "")}, want(room.Street), true},
	} {
		if covers(c.own, c.want, above) != c.ok {
			t.Error(c.name)
		}
	}
	none := room.Grant{Scope: room.Street, Person: "target", Unit: "community"}
	if covers([]room.Grant{grant(room.Street, "x", "")}, none, above) {
		t.Error("two units without a street are not the same street")
	}
}

func TestMayAssign(t *testing.T) {
	role := Role{Name: "巡查员", Perms: []RolePerm{{"visit.read", room.Unit}, {"visit.mine", room.Self}}}
	above := map[string]bool{"street": true, "community": true}
	own := map[string][]room.Grant{"visit.read": {{Scope: room.Below, Unit: "street"}}, "visit.mine": {{Scope: room.Self}}}
	to := Holder{Person: "target", Post: "p", Unit: "community", Home: "community"}
	security := &room.Actor{Person: "sec", Admin: room.Security, Grants: map[string][]room.Grant{"authz.manage": {{Scope: room.All}}}}
	unit := &room.Actor{Person: "boss"}
	for _, c := range []struct {
		name string
		by   *room.Actor
		own  map[string][]room.Grant
		to   Holder
		want string
	}{
		{"security", security, nil, to, ""},
		{"security to himself", security, nil, Holder{Person: "sec", Unit: "community"}, "authz.not_yourself"},
		{"unit administrator with all of it", unit, own, to, ""},
		{"unit administrator without one", unit, map[string][]room.Grant{"visit.read": own["visit.read"]}, to, "authz.not_yours"},
		{"unit administrator with less reach", unit, map[string][]room.Grant{"visit.read": {{Scope: room.Unit, Unit: "street"}}, "visit.mine": own["visit.mine"]}, to, "authz.not_yours"},
		{"unit administrator to himself", unit, own, Holder{Person: "boss", Unit: "community"}, "authz.not_yourself"},
		{"another administrator", &room.Actor{Person: "sys", Admin: room.System}, nil, to, "authz.not_yours"},
		{"security by a token cut down", &room.Actor{Person: "sec", Admin: room.Security, Limits: []string{"org.read"}, Grants: security.Grants}, nil, to, "authz.not_yours"},
	} {
		if got := errs.KeyOf(mayAssign(c.by, c.own, role, c.to, above)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestMayDelegate(t *testing.T) {
	z := rights()
	now := time.Date(2023, 6, 1, 9, 0, 0, 0, time.UTC)
	giver := &room.Actor{Person: "zhang", Post: "post"}
	own := map[string][]room.Grant{"visit.read": {{Scope: room.Unit, Unit: "u"}}, "authz.unit_manage": {{Scope: room.Below, Unit: "u"}}}
	give := func(from, until time.Duration, perms ...string) Delegation {
		return Delegation{ToPerson: "li", From: store.At(now.Add(from)), Until: store.At(now.Add(until)), perms: perms}
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		name  string
		giver *room.Actor
		d     Delegation
		want  string
	}{
		{"good", giver, give(0, 10*day, "visit.read"), ""},
		{"ninety days", giver, give(0, 90*day, "visit.read"), ""},
		{"longer", giver, give(0, 90*day+time.Second, "visit.read"), "authz.too_long"},
		{"far ahead", giver, give(91*day, 92*day, "visit.read"), "authz.too_long"},
		{"backwards", giver, give(2*day, day, "visit.read"), "authz.period"},
		{"over", giver, give(-2*day, -day, "visit.read"), "authz.period"},
		{"nothing", giver, give(0, day), "authz.no_perms"},
		{"not held", giver, give(0, day, "visit.mine"), "authz.not_held"},
		{"one of two not held", giver, give(0, day, "visit.read", "visit.unit_manage"), "authz.not_held"},
		{"the right to hand out rights", giver, give(0, day, "authz.unit_manage"), "authz.not_held"},
		{"to himself", &room.Actor{Person: "li", Post: "x"}, give(0, day, "visit.read"), "authz.to_yourself"},
		{"an administrator", &room.Actor{Person: "sys", Post: "x", Admin: room.System}, give(0, day, "visit.read"), "authz.no_post"},
		{"without a post", &room.Actor{Person: "zhang"}, give(0, day, "visit.read"), "authz.no_post"},
	} {
		if got := errs.KeyOf(z.mayDelegate(c.giver, own, c.d, now)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAdminGrants(t *testing.T) {
	z := rights()
	for _, c := range []struct {
		kind room.Admin
		has  []string
		not  []string
	}{
		{room.System, []string{"visit.manage", "visit.unit_manage", "org.read"}, []string{"visit.read", "authz.manage", "authz.unit_manage", "visit.mine"}},
		{room.Security, []string{"authz.manage", "authz.unit_manage", "org.read"}, []string{"visit.manage", "visit.unit_manage", "authz.delegate"}},
		{room.Auditor, []string{"org.read"}, []string{"authz.manage", "visit.manage", "visit.unit_manage", "authz.unit_manage"}},
		{"", nil, []string{"org.read", "visit.read"}},
	} {
		got := z.AdminGrants(c.kind)
		for _, p := range c.has {
			if len(got[p]) != 1 || got[p][0].Scope != room.All {
				t.Errorf("%q lacks %s: %v", c.kind, p, got[p])
			}
		}
		for _, p := range c.not {
			if len(got[p]) > 0 {
				t.Errorf("%q has %s", c.kind, p)
			}
		}
	}
}

func TestState(t *testing.T) {
	at := func(h int) store.Time { return store.At(time.Date(2023, 6, 1, h, 0, 0, 0, time.UTC)) }
	d := Delegation{From: at(9), Until: at(17)}
	for h, want := range map[int]string{8: "planned", 9: "valid", 16: "valid", 17: "ended"} {
		if got := d.State(at(h).Time); got != want {
			t.Errorf("%d o'clock: %s, want %s", h, got, want)
		}
	}
	d.Revoked = at(10)
	if got := d.State(at(11).Time); got != "revoked" {
		t.Error(got)
	}
}
