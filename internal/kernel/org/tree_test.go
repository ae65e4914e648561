package org_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/org"
)

// After any order of making, moving, ranking, closing and opening units, what is kept about the tree
// (closure, paths, inherited streets, the people's order) is what the parents alone say.
func TestTreeIsWhatTheParentsSay(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		r := rand.New(rand.NewPCG(3, 5))
		ids := []string{w.district, w.department, w.street, w.street2, w.community}
		pick := func() string { return ids[r.IntN(len(ids))] }
		for i := range 6 {
			w.person(pick(), "张"+string('甲'+rune(i)), fmt.Sprintf(`"rank":%d`, 1+r.IntN(20)))
		}
		for step := range 80 {
			u, err := e.Kit.Org.Unit(t.Context(), e.Kit.DB, pick())
			if err != nil {
				t.Fatal(err)
			}
			var call, body string
			switch r.IntN(6) {
			case 0, 1:
				street := ""
				if r.IntN(3) == 0 {
					street = fmt.Sprintf("4201110%02d", 1+r.IntN(9))
				}
				call, body = "POST /api/org/units", fmt.Sprintf(`{"name":"单位%d","kind":"section","parent":%q,"rank":%d,"street":%q}`, step, u.ID, r.IntN(5), street)
			case 2, 3:
				call, body = "POST /api/org/units/"+u.ID+"/move", fmt.Sprintf(`{"parent":%q,"rank":%d,"version":%d}`, append(ids, "")[r.IntN(len(ids)+1)], r.IntN(9), u.Version)
			case 4:
				call, body = "PUT /api/org/units/"+u.ID, fmt.Sprintf(`{"name":%q,"kind":%q,"rank":%d,"street":%q,"version":%d}`, u.Name, u.Kind, r.IntN(9), []string{"", "420111003"}[r.IntN(2)], u.Version)
			case 5:
				call, body = "POST /api/org/units/"+u.ID+"/"+[]string{"close", "reopen"}[r.IntN(2)], fmt.Sprintf(`{"version":%d}`, u.Version)
			}
			status, answer := e.Call(t, kerneltest.Case{As: w.sys, Call: call, Body: body})
			if status != 200 && status != 409 && status != 422 {
				t.Fatal(step, call, body, status, answer)
			}
			if status == 200 && call == "POST /api/org/units" {
				ids = append(ids, answer[len(`{"id":"`):len(`{"id":"`)+26])
			}
			if checkTree(t, e); t.Failed() {
				t.Fatal(step, call, body)
			}
		}
	})
}

// checkTree computes everything anew from each unit's parent, rank and own street.
func checkTree(t *testing.T, e *kerneltest.Env) {
	t.Helper()
	type unit struct {
		id, parent, kind, path, own, street string
		rank                                int
	}
	all, err := store.All(t.Context(), e.Kit.DB, func(u *unit) []any { return []any{&u.id, &u.parent, &u.kind, &u.path, &u.own, &u.street, &u.rank} },
		`SELECT id, parent, kind, path, street_own, street, rank FROM org_unit`)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]unit{}
	for _, u := range all {
		byID[u.id] = u
	}
	var want, homes []string
	for _, u := range all {
		path, street, home := "", "", ""
		depth := 0
		for over := u; ; over = byID[over.parent] {
			want = append(want, fmt.Sprintf("%s %s %d", over.id, u.id, depth))
			if home == "" && over.kind != "section" {
				home = over.id
			}
			path = fmt.Sprintf("%d%s", 100_000+over.rank, over.id[:13]) + path
			if street == "" {
				street = over.own
			}
			if depth++; over.parent == "" || depth > len(all) {
				break
			}
		}
		if home == "" {
			home = u.id
		}
		homes = append(homes, home+" "+u.id)
		if path != u.path || street != u.street {
			t.Errorf("%s: path %s street %s, want %s %s", u.id, u.path, u.street, path, street)
		}
	}
	got, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT unit || ' ' || below || ' ' || CAST(depth AS TEXT) FROM org_below`)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the closure has %d rows, want %d", len(got), len(want))
	}
	marked, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT unit || ' ' || below FROM org_below WHERE home = TRUE`)
	slices.Sort(homes)
	if slices.Sort(marked); err != nil || !slices.Equal(marked, homes) {
		t.Errorf("bodies: %v, want %v, %v", marked, homes, err)
	}
	bad, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT e.name FROM org_person e JOIN org_post p ON p.person = e.id AND p.main AND p.until_at = 0 JOIN org_unit u ON u.id = p.unit_id
		WHERE e.sort <> u.path || ' ' || CAST(100000 + p.rank AS TEXT) || ' ' || e.pinyin || ' ' || e.id`)
	if err != nil || len(bad) > 0 {
		t.Error("people out of order:", bad, err)
	}
	twice, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT unit_id FROM org_unit_span WHERE until_at = 0 GROUP BY unit_id HAVING count(*) > 1
		UNION SELECT a.unit_id FROM org_unit_span a JOIN org_unit_span b ON b.unit_id = a.unit_id AND b.from_at > a.from_at WHERE a.until_at > b.from_at`)
	if err != nil || len(twice) > 0 {
		t.Error("spans overlap:", twice, err)
	}
}

// The chart of any earlier day is the chart as it was on that day.
func TestHistory(t *testing.T) {
	const day = 24 * time.Hour
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { // the clock stands at 2023-06-01
		w := newTown(t, e)
		w.Get(t, w.sys, "POST /api/org/units", `{"name":"区科技局","kind":"department","parent":"`+w.department+`","since":"2022-01-01"}`, nil)
		li := w.person(w.street, "李明", `"title":"科员","since":"2023-01-15"`)
		charts := map[string]string{}
		step := func(change func()) {
			t.Helper()
			w.Move(10 * day)
			change()
			charts[w.Now.Format("2006-01-02")] = w.tree("")
		}
		charts["2023-06-01"] = w.tree("")
		post := w.posts(li)[0]
		step(func() {
			w.Get(t, w.sys, "POST /api/org/units/"+w.community+"/move", `{"parent":"`+w.street2+`","version":1}`, nil)
		})
		step(func() {
			w.Get(t, w.sys, "PUT /api/org/units/"+w.street, `{"name":"狮子山街","kind":"street","street":"420111001","version":1}`, nil)
		})
		step(func() {
			w.Get(t, w.sys, "POST /api/org/people/"+li+"/posts", `{"unit":"`+w.community+`","title":"书记","main":true}`, nil)
		})
		step(func() { w.Get(t, w.sys, "POST /api/org/posts/"+post.ID+"/end", "", nil) })
		step(func() {
			w.Get(t, w.sys, "POST /api/org/people/"+li+"/leave", `{"version":1}`, nil)
			w.Get(t, w.sys, "POST /api/org/units/"+w.community+"/close", `{"version":2}`, nil)
		})
		step(func() { w.Get(t, w.sys, "POST /api/org/units/"+w.community+"/reopen", `{"version":3}`, nil) })
		for date, want := range charts {
			if got := w.tree(date); got != want {
				t.Errorf("on %s: %s, want %s", date, got, want)
			}
		}
		if len(charts) != 7 {
			t.Error(charts)
		}
		staff := func(unit, date string) string {
			t.Helper()
			var out struct{ Items []org.PostSpan }
			w.Get(t, w.reader, "GET /api/org/units/"+unit+"/staff?asOf="+date, "", &out)
			var parts []string
			for _, s := range out.Items {
				parts = append(parts, fmt.Sprintf("%s:%s:%s:%v", s.Name, s.UnitName, s.Title, s.Main))
			}
			return strings.Join(parts, " ")
		}
		for _, c := range []struct{ unit, date, want string }{
			{w.street, "2023-01-14", ""},
			{w.street, "2023-06-01", "李明:狮子山街道:科员:true"},
			{w.street, "2023-06-25", "李明:狮子山街:科员:true"},
			{w.street, "2023-07-01", "李明:狮子山街:科员:false"},
			{w.community, "2023-07-01", "李明:珞珈社区:书记:true"},
			{w.street, "2023-07-11", ""},
			{w.community, "2023-07-21", ""},
		} {
			if got := staff(c.unit, c.date); got != c.want {
				t.Errorf("%s: %q, want %q", c.date, got, c.want)
			}
		}
		if got := w.tree("2022-06-30"); got != "" { // only what is dated before it began: its parent was not there yet
			t.Error(got)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "its history", As: w.reader, Call: "GET /api/org/units/" + w.community + "/history", Status: 200, Want: []string{`"parentName":"狮子山街道"`, `"parentName":"关山街道"`}},
			{Name: "no date", As: w.reader, Call: "GET /api/org/units?asOf=2022-13-01", Status: 422, Want: []string{"2022-12-31"}},
		})
	})
}

func TestDepth(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		parent := w.community // the third level
		for i := 4; i <= org.MaxDepth; i++ {
			parent = w.unit(parent, fmt.Sprintf("第%d级", i), "section", "")
		}
		e.Run(t, []kerneltest.Case{
			{Name: "one more", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"再下一级","kind":"section","parent":"` + parent + `"}`, Status: 422, Want: []string{"20 级"}},
			{Name: "by moving", As: w.sys, Call: "POST /api/org/units/" + w.street + "/move", Body: `{"parent":"` + w.street2 + `","version":1}`, Status: 422, Want: []string{"20 级"}},
		})
		if status, body := w.upload(w.sys, "units", "单位名称,上级单位,类型\n再下一级,第20级,科室\n"); status != 422 || !strings.Contains(body, "20 级") {
			t.Error(status, body)
		}
		checkTree(t, e)
	})
}

// Many change the same tree at once: no cycle comes of it, and the tree is what the parents say.
func TestMovesRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		var units []string
		for i := range 6 {
			units = append(units, w.unit(w.district, fmt.Sprintf("单位%d", i), "section", ""))
		}
		var wg sync.WaitGroup
		for i := range units {
			admin := *w.sys
			admin.Person = fmt.Sprintf("admin-%d", i)
			wg.Go(func() {
				for j := range units {
					e.Call(t, kerneltest.Case{As: &admin, Call: "POST /api/org/units/" + units[(i+j)%len(units)] + "/move",
						Body: fmt.Sprintf(`{"parent":%q,"version":%d}`, units[(i+2*j+1)%len(units)], 1+j)})
				}
			})
		}
		wg.Wait()
		checkTree(t, e)
		var cut []string
		for _, u := range units {
			path, err := e.Kit.Org.UnitPath(t.Context(), e.Kit.DB, u)
			if err != nil || len(path) == 0 || path[0].ID != w.district {
				cut = append(cut, u)
			}
		}
		if len(cut) > 0 {
			t.Error("cut off from the district:", cut)
		}
	})
}

// One person is given posts by many at once: one is the main one.
func TestPostsRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		li := w.person(w.street, "李明", "")
		var wg sync.WaitGroup
		for i := range 8 {
			admin := *w.sys
			admin.Person = fmt.Sprintf("admin-%d", i)
			wg.Go(func() {
				if status, body := e.Call(t, kerneltest.Case{As: &admin, Call: "POST /api/org/people/" + li + "/posts", Body: fmt.Sprintf(`{"unit":%q,"title":"职务%d","main":true}`, w.department, i)}); status != 200 {
					t.Error(status, body)
				}
			})
		}
		wg.Wait()
		mains := 0
		for _, p := range w.posts(li) {
			if p.Main {
				mains++
			}
		}
		if mains != 1 || len(w.posts(li)) != 9 {
			t.Error(mains, w.posts(li))
		}
	})
}

// A change is told to listeners and makes rights be read again.
func TestChangesTouchRights(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		li := w.person(w.street, "李明", "")
		epoch := func() int64 {
			n, err := e.Kit.Authz.Epoch(t.Context(), e.Kit.DB)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, c := range []struct{ name, call, body string }{
			{"a unit moves", "POST /api/org/units/" + w.community + "/move", `{"parent":"` + w.street2 + `","version":1}`},
			{"a post begins", "POST /api/org/people/" + li + "/posts", `{"unit":"` + w.community + `"}`},
			{"a post ends", "POST /api/org/posts/" + w.posts(li)[0].ID + "/end", ""},
			{"a person leaves", "POST /api/org/people/" + li + "/leave", `{"version":1}`},
		} {
			before := epoch()
			w.Get(t, w.sys, c.call, c.body, nil)
			if epoch() == before {
				t.Error(c.name)
			}
		}
		before := epoch()
		if status, _ := e.Call(t, kerneltest.Case{As: w.sys, Call: "POST /api/org/people/" + li + "/leave", Body: `{"version":2}`}); status != 409 || epoch() != before {
			t.Error("a refused change touched rights")
		}
	})
}
