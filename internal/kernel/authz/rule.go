package authz

import (
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/room"
)

// The rules of this package, one function each.

// MaxDelegation is how long a delegation may last, and how far ahead it may begin.
const MaxDelegation = 90 * 24 * time.Hour

// grantable says why a role may not hold a permission: it is unknown here, or it belongs to one of the
// three administrators, whose duties never meet a business post (GB/T 22239-2019 §8.1.4).
func (z *Authz) grantable(r RolePerm) error {
	p, ok := z.perms[r.Perm]
	switch {
	case !ok:
		return errs.New(errs.Invalid, "authz.unknown_perm", r.Perm)
	case p.Admin != "":
		return errs.New(errs.Denied, "authz.admin_perm", r.Perm)
	case !slices.Contains(room.Scopes[:], r.Scope):
		return errs.New(errs.Invalid, "authz.unknown_scope", string(r.Scope))
	}
	return nil
}

// delegable reports whether a permission may be lent at all: not an administrator's, and not the right
// to hand out rights, which would pass on more than was lent.
func (z *Authz) delegable(perm string) bool {
	p, ok := z.perms[perm]
	return ok && p.Admin == "" && !strings.HasPrefix(perm, "authz.")
}

// covers reports whether somebody holding own reaches every row that want reaches. above holds the
// unit of want and all units over it.
func covers(own []room.Grant, want room.Grant, above map[string]bool) bool {
	for _, g := range own {
		switch {
		case g.Scope == room.All,
			want.Scope == room.Self, // one's own rows are never more than what the giver reaches of his own
			want.Scope == room.Unit && g.Scope == room.Unit && g.Unit == want.Unit,
			(want.Scope == room.Unit || want.Scope == room.Below) && g.Scope == room.Below && above[g.Unit],
			want.Scope == room.Street && g.Scope == room.Street && g.Street != "" && g.Street == want.Street:
			return true
		}
	}
	return false
}

// mayAssign says why by may not give role to, or take it from, the post of to. Nobody changes the
// roles of his own posts. The security administrator may otherwise assign any role; a unit's
// administrator, whose reach over the unit is checked by MayUnit, only one whose every permission he
// himself (own: without what is lent to him) holds at least as far as the post would.
func mayAssign(by *room.Actor, own map[string][]room.Grant, role Role, to Holder, above map[string]bool) error {
	if to.Person == by.Person {
		return errs.New(errs.Denied, "authz.not_yourself")
	}
	if by.Admin == room.Security && by.Can("authz.manage") {
		return nil
	}
	for _, p := range role.Perms {
		want := room.Grant{Scope: p.Scope, Person: to.Person, Unit: to.Home, Street: to.Street}
		if !covers(own[p.Perm], want, above) {
			return errs.New(errs.Denied, "authz.not_yours", role.Name)
		}
	}
	return nil
}

// mayDelegate says why giver may not lend perms: he must hold each by himself, lend to somebody else,
// with a reason, for a dated period not over MaxDelegation that is not over yet.
func (z *Authz) mayDelegate(giver *room.Actor, own map[string][]room.Grant, d Delegation, now time.Time) error {
	switch {
	case giver.Admin != "" || giver.Post == "":
		return errs.New(errs.Denied, "authz.no_post")
	case d.ToPerson == giver.Person:
		return errs.New(errs.Invalid, "authz.to_yourself")
	case !d.Until.After(d.From.Time) || !d.Until.After(now):
		return errs.New(errs.Invalid, "authz.period")
	case d.Until.Sub(d.From.Time) > MaxDelegation || d.From.Sub(now) > MaxDelegation:
		return errs.New(errs.Invalid, "authz.too_long", int(MaxDelegation.Hours()/24))
	case len(d.perms) == 0:
		return errs.New(errs.Invalid, "authz.no_perms")
	}
	for _, perm := range d.perms {
		if !z.delegable(perm) || len(own[perm]) == 0 {
			return errs.New(errs.Denied, "authz.not_held", perm)
		}
	}
	return nil
}
