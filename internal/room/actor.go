package room

import (
	"context"
	"slices"
)

// Admin is one of the three separated administrators, or nobody of them.
// GB/T 22239-2019 §8.1.4 asks that their duties never meet.
type Admin string

// The administrators.
const (
	System   Admin = "system"   // 系统管理员
	Security Admin = "security" // 安全管理员
	Auditor  Admin = "audit"    // 审计管理员
)

// Scope is how far a permission reaches over rows.
type Scope string

// The scopes, narrow to wide.
const (
	Self   Scope = "self"   // rows one owns
	Unit   Scope = "unit"   // rows of one's body (本单位), its sections included
	Below  Scope = "below"  // rows of one's body and the units below
	Street Scope = "street" // rows of one's street, whoever holds them
	All    Scope = "all"    // every row
)

// Scopes lists them, narrow to wide.
var Scopes = [...]Scope{Self, Unit, Below, Street, All}

// Grant is a permission with its reach: held by one's post, or delegated by somebody.
type Grant struct {
	Scope  Scope
	Person string // whose rows Self means
	Unit   string // whose rows Unit and Below mean: the holder's Home
	Street string // 9-digit division code, "" for none
}

// Actor is who acts: a person in one post at a time, one of the three administrators, or the system.
type Actor struct {
	Person  string // id, "" for the system
	Account string
	Name    string
	Admin   Admin
	Post    string   // id of the acting post
	Unit    string   // id of its unit, which may be a section of the body (内设机构): whose notices he reads
	Home    string   // id of the body that answers for it (本单位): the nearest unit at or above that is no section; owns what he makes
	Street  string   // 9-digit division code its unit answers for
	Session string   // id of the session or token
	Limits  []string // of a token: the permissions it is cut down to, nil for all
	Grants  map[string][]Grant
	IsJob   bool
}

// Can reports whether the actor holds perm, however far.
func (a *Actor) Can(perm string) bool {
	if a.IsJob {
		return true
	}
	if a.Limits != nil && !slices.Contains(a.Limits, perm) {
		return false
	}
	return len(a.Grants[perm]) > 0
}

// Reach returns the grants behind perm, none when the actor may not.
func (a *Actor) Reach(perm string) []Grant {
	if !a.Can(perm) {
		return nil
	}
	return a.Grants[perm]
}

type actorKey struct{}

// Acting returns ctx with a as who acts.
func Acting(ctx context.Context, a *Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// BySystem returns ctx in which a room itself acts: what it installs, what runs by its clock.
func BySystem(ctx context.Context) context.Context {
	return Acting(ctx, &Actor{IsJob: true, Name: "system"})
}

// ActorOf returns who acts, nil for nobody.
func ActorOf(ctx context.Context) *Actor {
	a, _ := ctx.Value(actorKey{}).(*Actor)
	return a
}

type traceKey struct{}

// audited is a mark a mutating request must carry at its end.
type audited struct{ done bool }

// MarkAudited notes that the change of this request stands in the audit; kernel/audit calls it.
func MarkAudited(ctx context.Context) {
	if a, ok := ctx.Value(traceKey{}).(*audited); ok {
		a.done = true
	}
}
