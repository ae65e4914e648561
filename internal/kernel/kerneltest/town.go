package kerneltest

import (
	"fmt"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// Employ takes a person on in a unit, through the doors of a house with organisation and rights, gives his post roles by their
// keys, and returns him as an actor called account.
func (e *Env) Employ(t *testing.T, account, name, unit string, leader bool, roles ...string) *room.Actor {
	t.Helper()
	var out struct{ ID string }
	e.Get(t, e.Administrator(room.System), "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q,"leader":%t,"title":"干部"}`, name, unit, leader), &out)
	posts, err := e.Kit.Org.Posts(t.Context(), e.Kit.DB, out.ID)
	if err != nil || len(posts) != 1 {
		t.Fatal(posts, err)
	}
	p := posts[0]
	for _, key := range roles {
		r, err := e.Kit.Authz.RoleByKey(t.Context(), e.Kit.DB, key)
		if err != nil {
			t.Fatal(key, err)
		}
		e.Get(t, e.Administrator(room.Security), "PUT /api/authz/posts/"+p.ID+"/roles/"+r.ID, "", nil)
	}
	grants, err := e.Kit.Authz.Grants(t.Context(), e.Kit.DB, authz.Holder{Person: out.ID, Post: p.ID, Unit: p.Unit, Home: p.Home, Street: p.Street})
	if err != nil {
		t.Fatal(err)
	}
	return &room.Actor{Person: out.ID, Account: account, Name: name, Post: p.ID, Unit: p.Unit, Home: p.Home, Street: p.Street, Grants: grants}
}

// Drawn waits until a room that draws its own flow has put it in place.
func (e *Env) Drawn(t *testing.T, kind string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM flow_def WHERE kind = $1`, kind)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		<-tick.C
	}
	t.Fatal("the drawing is not there:", kind)
}
