package find_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var houses = &kerneltest.Houses{}

// made returns the id of what a call makes.
func made(t *testing.T, e *kerneltest.Env, as *room.Actor, call, body string) string {
	t.Helper()
	var out struct{ ID string }
	e.Get(t, as, call, body, &out)
	return out.ID
}

func TestFind(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		sys := e.Administrator(room.System)
		sys.Grants = e.Kit.Authz.AdminGrants(room.System)
		unit := made(t, e, sys, "POST /api/org/units", `{"parent":"","name":"区大数据中心","kind":"department","street":""}`)
		person := made(t, e, sys, "POST /api/org/people", fmt.Sprintf(`{"name":"欧阳建国","unit":%q,"title":"科长"}`, unit))
		group := made(t, e, sys, "POST /api/org/groups", `{"name":"防汛领导小组","duty":"防汛抗旱"}`)
		reader := kerneltest.Actor("reader", unit, room.All, "org.read")
		nobody := kerneltest.Actor("nobody", unit, room.All)
		ask := func(name, text, more, want, not string) kerneltest.Case {
			c := kerneltest.Case{Name: name, As: reader, Call: "GET /api/find?text=" + text + more, Status: 200}
			if want != "" {
				c.Want = []string{want}
			}
			if not != "" {
				c.Not = []string{not}
			}
			return c
		}
		all := []kerneltest.Case{
			ask("by characters", "%E6%AC%A7%E9%98%B3", "", `"link":"/org/people/`+person, ""),
			ask("by initials", "oyjg", "", "区大数据中心 · 科长", ""),
			ask("by pinyin", "dashuju", "", `/org/units/`+unit, ""),
			ask("by what a group does", "%E6%8A%97%E6%97%B1", "", `/org/groups/`+group, ""),
			ask("of one kind", "oyjg", "&kinds=org_unit", "", person),
			ask("nothing asked", "", "", `"groups":[]`, ""),
			{Name: "without the right to read", As: nobody, Call: "GET /api/find?text=oyjg", Status: 200, Want: []string{`"groups":[]`}},
			{Name: "nor may everybody rebuild", As: reader, Call: "POST /api/find/rebuild", Status: 403},
		}
		e.Run(t, all)

		e.Run(t, []kerneltest.Case{{Name: "empties and fills", As: sys, Call: "POST /api/find/rebuild", Status: 204}})
		filled(t, e)
		e.Run(t, all) // as the changes themselves had entered it

		e.Get(t, sys, "POST /api/org/people/"+person+"/leave", `{"version":1,"reason":"退休"}`, nil)
		e.Run(t, []kerneltest.Case{ask("who has left", "oyjg", "", `"groups":[]`, person)})
		e.Run(t, []kerneltest.Case{{Name: "once more", As: sys, Call: "POST /api/find/rebuild", Status: 204}})
		filled(t, e)
		e.Run(t, []kerneltest.Case{ask("nor after it", "oyjg", "", `"groups":[]`, person)})
	})
}

// A district whose index is empty is entered by itself.
func TestBegins(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		sys := e.Administrator(room.System)
		sys.Grants = e.Kit.Authz.AdminGrants(room.System)
		made(t, e, sys, "POST /api/org/units", `{"parent":"","name":"区大数据中心","kind":"department","street":""}`)
		filled(t, e)
		if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return store.Exec(ctx, tx, `DELETE FROM search_doc`)
		}); err != nil {
			t.Fatal(err)
		}
		for _, s := range e.Kit.Find.Room().Services {
			if err := s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		filled(t, e)
		e.Run(t, []kerneltest.Case{{Name: "found", As: kerneltest.Actor("reader", "u", room.All, "org.read"), Call: "GET /api/find?text=dsj", Status: 200, Want: []string{"区大数据中心"}}})
	})
}

// filled waits until every kind has been filled.
func filled(t *testing.T, e *kerneltest.Env) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		open, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FILTER (WHERE done_at = 0) + CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM find_build`)
		if err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			return
		}
	}
	t.Fatal("never filled")
}
