package authz_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// world is the naive model: who carries which role, what each role grants, what is lent.
type world struct {
	roles map[string]map[string]room.Scope // role → permission → scope
	has   map[string]map[string]bool       // post → roles
	lent  []loan
}

type loan struct {
	from, to   *room.Actor
	perms      []string
	start, end time.Time
	id         string
	over       bool
}

// own is what a holds by himself.
func (m *world) own(a *room.Actor, perm string) []room.Grant {
	var out []room.Grant
	grant := func(s room.Scope) {
		if g := (room.Grant{Scope: s, Person: a.Person, Unit: a.Unit, Street: a.Street}); !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	if perm == "visit.mine" {
		grant(room.Self)
	}
	for role := range m.has[a.Post] {
		if s, ok := m.roles[role][perm]; ok {
			grant(s)
		}
	}
	return out
}

// may is all a holds at now.
func (m *world) may(a *room.Actor, perm string, now time.Time) []room.Grant {
	out := m.own(a, perm)
	for _, l := range m.lent {
		if l.to == a && !l.over && !now.Before(l.start) && now.Before(l.end) && slices.Contains(l.perms, perm) {
			for _, g := range m.own(l.from, perm) {
				if !slices.Contains(out, g) {
					out = append(out, g)
				}
			}
		}
	}
	return out
}

// Whatever is granted, taken, lent, revoked or runs out: nobody holds anything but by a role of his
// post, a default, or a valid delegation whose giver holds it; and an administrator's permission never
// stands on a post, not even when a row says so.
func TestNobodyHoldsMore(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		r := rand.New(rand.NewPCG(1, 7))
		m := &world{roles: map[string]map[string]room.Scope{}, has: map[string]map[string]bool{}}
		var people []*room.Actor
		for i := range 4 {
			unit := w.unit(w.district, fmt.Sprintf("单位%d", i), "department")
			for j := range 2 {
				a := w.person(unit, fmt.Sprintf("张%c%c", '甲'+rune(i), '甲'+rune(j)))
				people, m.has[a.Post] = append(people, a), map[string]bool{}
			}
		}
		perms := []string{"visit.read", "visit.file", "visit.mine"}
		var roles []string
		for i := range 5 {
			grants, text := map[string]room.Scope{}, ""
			for _, p := range perms[:2+r.IntN(2)] {
				if len(grants) == 0 || r.IntN(2) == 0 {
					grants[p] = room.Scopes[r.IntN(len(room.Scopes))]
					text += p + ":" + string(grants[p]) + " "
				}
			}
			id := w.role(fmt.Sprintf("角色%d", i), text)
			roles, m.roles[id] = append(roles, id), grants
		}
		// a row nobody could have written through the doors
		if err := store.Exec(t.Context(), e.Kit.DB, `INSERT INTO authz_role_perm (role_id, perm, scope) VALUES ($1, 'visit.setup', 'all'), ($1, 'authz.manage', 'all')`, roles[0]); err != nil {
			t.Fatal(err)
		}
		for step := range 120 {
			a, b, role := people[r.IntN(len(people))], people[r.IntN(len(people))], roles[r.IntN(len(roles))]
			switch r.IntN(6) {
			case 0, 1:
				w.assign(a, role)
				m.has[a.Post][role] = true
			case 2:
				if m.has[a.Post][role] {
					w.Get(t, w.sec, "DELETE /api/authz/posts/"+a.Post+"/roles/"+role, "", nil)
					delete(m.has[a.Post], role)
				}
			case 3, 4:
				m.lend(t, w, r, a, b, perms[r.IntN(len(perms))])
			case 5:
				w.Move(time.Duration(r.IntN(40)) * time.Hour)
			}
			m.check(t, w, people, append(perms, "visit.setup", "authz.manage", "authz.unit_manage"), step)
			if t.Failed() {
				return
			}
		}
	})
}

// lend tries to lend, or revokes an earlier loan.
func (m *world) lend(t *testing.T, w *town, r *rand.Rand, a, b *room.Actor, perm string) {
	if len(m.lent) > 0 && r.IntN(3) == 0 {
		l := &m.lent[r.IntN(len(m.lent))]
		status, _ := w.Call(t, kerneltest.Case{As: w.now(l.from), Call: "DELETE /api/authz/delegations/" + l.id})
		if live := !l.over && w.Now.Before(l.end); (status == 204) != live {
			t.Errorf("revoking gave %d, live %v", status, live)
		}
		l.over = true
		return
	}
	start, length := time.Duration(r.IntN(30))*time.Hour, time.Duration(1+r.IntN(60))*time.Hour
	status, body := w.delegate(a, b, start, length, perm)
	allowed := a != b && len(m.own(a, perm)) > 0
	if (status == 200) != allowed {
		t.Errorf("%s lends %s: %d, allowed %v: %s", a.Name, perm, status, allowed, body)
	}
	if status == 200 {
		m.lent = append(m.lent, loan{from: a, to: b, perms: []string{perm}, start: w.Now.Add(start), end: w.Now.Add(start + length), id: body[len(`{"id":"`) : len(`{"id":"`)+26]})
	}
}

func (m *world) check(t *testing.T, w *town, people []*room.Actor, perms []string, step int) {
	t.Helper()
	for _, a := range people {
		w.now(a)
		for _, perm := range perms {
			want := m.may(a, perm, w.Now)
			got := a.Grants[perm]
			if len(got) != len(want) {
				t.Errorf("step %d: %s holds %s as %v, want %v", step, a.Name, perm, got, want)
			}
			for _, g := range got {
				if !slices.Contains(want, g) {
					t.Errorf("step %d: %s holds %s as %v, which nobody gave him", step, a.Name, perm, g)
				}
			}
		}
	}
}
