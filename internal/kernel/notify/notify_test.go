package notify_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// A room with words of its own, as every sender is.
func speaker(*kernel.Kit) []*room.Room {
	return []*room.Room{{Name: "probe", Pillar: room.Apps, Text: fstest.MapFS{
		"text/zh.json": {Data: []byte(`{"room.probe":"探针","probe.assigned":"{0}交给您第 {1} 号事项"}`)},
		"text/en.json": {Data: []byte(`{"room.probe":"Probe","probe.assigned":"{0} assigned matter {1} to you"}`)}}}}
}

var houses = &kerneltest.Houses{Rooms: speaker}

// heard is what was pushed.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) push(person string, payload any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := payload.(notify.Pushed)
	h.all = append(h.all, fmt.Sprint(person, " ", p.Topic, " ", p.Kind, " ", p.ID != ""))
}

func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.all
	h.all = nil
	slices.Sort(out)
	return out
}

func send(t *testing.T, e *kerneltest.Env, x notify.Notice) error {
	t.Helper()
	return e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return e.Kit.Notify.Send(ctx, tx, x) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, e *kerneltest.Env, who *room.Actor) (u notify.Unread) {
	t.Helper()
	e.Get(t, who, "GET /api/notify/count", "", &u)
	return u
}

func TestNotices(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		h := &heard{}
		e.Kit.Notify.Push = h.push
		zhang, li := kerneltest.Actor("zhang", "u1", room.Unit), kerneltest.Actor("li", "u2", room.Unit)
		must(t, send(t, e, notify.Notice{To: []string{"zhang", "li", "zhang", ""}, Kind: notify.Task, Key: "probe.assigned", Args: []any{"王\x00五", 1000000}, Link: "/probe/7", Object: "probe_matter", ID: "7"}))
		must(t, send(t, e, notify.Notice{To: []string{"zhang"}, Text: "  关于放假的通知 ", Object: "probe_notice", ID: "9", Must: true}))
		if got := h.take(); !slices.Equal(got, []string{"li notify.unread task true", "zhang notify.unread info true", "zhang notify.unread task true"}) {
			t.Error(got)
		}
		var page store.Listed[notify.Row]
		e.Get(t, zhang, "GET /api/notify", "", &page)
		if len(page.Items) != 2 || page.Items[0].Title != "关于放假的通知" || page.Items[0].Room != "probe" || !page.Items[0].Must ||
			page.Items[1].Title != "王五交给您第 1000000 号事项" || page.Items[1].Kind != notify.Task || page.Items[1].Link != "/probe/7" {
			t.Fatalf("%+v", page.Items)
		}
		holiday, matter := page.Items[0].ID, page.Items[1].ID
		if u := count(t, e, zhang); u != (notify.Unread{Count: 2, Must: 1}) {
			t.Error(u)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "in English", As: li, Call: "GET /api/notify", Lang: "en", Status: 200, Want: []string{"王五 assigned matter 1000000 to you", `"readAt":null`}, Not: []string{"放假"}},
			{Name: "another's notice is not there", As: li, Call: "POST /api/notify/" + holiday + "/read", Status: 404},
			{Name: "nor is one that never was", As: li, Call: "POST /api/notify/nothing/read", Status: 404},
			{Name: "all but what must be opened", As: zhang, Call: "POST /api/notify/read-all", Status: 200, Want: []string{`{"count":1,"must":1}`}},
			{Name: "only the unread", As: zhang, Call: "GET /api/notify?unread=true", Status: 200, Want: []string{"放假"}, Not: []string{"1000000"}},
			{Name: "opened", As: zhang, Call: "POST /api/notify/" + holiday + "/read", Status: 200, Want: []string{`{"count":0,"must":0}`}},
			{Name: "opened again", As: zhang, Call: "POST /api/notify/" + holiday + "/read", Status: 200},
			{Name: "nothing unread", As: zhang, Call: "GET /api/notify?unread=true", Status: 200, Want: []string{`"items":[]`}},
			{Name: "they stay", As: zhang, Call: "GET /api/notify", Status: 200, Want: []string{"放假", matter}, Not: []string{`"readAt":null`}},
		})
		if u := count(t, e, li); u.Count != 1 {
			t.Error("another's reading changed it:", u)
		}
		if got := h.take(); !slices.Equal(got, []string{"zhang notify.unread  false", "zhang notify.unread  false", "zhang notify.unread  false"}) {
			t.Error("the other windows were told:", got)
		}
		e.Strangers(t)
	})
}

// What comes while somebody reads stays unread.
func TestReadUpTo(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		zhang := kerneltest.Actor("zhang", "u1", room.Unit)
		must(t, send(t, e, notify.Notice{To: []string{"zhang"}, Text: "一", Object: "probe"}))
		var page store.Listed[notify.Row]
		e.Get(t, zhang, "GET /api/notify", "", &page)
		must(t, send(t, e, notify.Notice{To: []string{"zhang"}, Text: "二", Object: "probe"}))
		e.Get(t, zhang, "POST /api/notify/read-all?upTo="+page.Items[0].ID, "", nil)
		if u := count(t, e, zhang); u.Count != 1 {
			t.Error(u)
		}
	})
}

// A change that does not stand tells nobody.
func TestRolledBack(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		h := &heard{}
		e.Kit.Notify.Push = h.push
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := e.Kit.Notify.Send(ctx, tx, notify.Notice{To: []string{"zhang"}, Text: "一", Object: "probe"}); err != nil {
				return err
			}
			return errs.New(errs.Conflict, "store.changed")
		})
		if !errs.Is(err, errs.Conflict) || len(h.take()) != 0 {
			t.Error(err)
		}
		if u := count(t, e, kerneltest.Actor("zhang", "u1", room.Unit)); u.Count != 0 {
			t.Error(u)
		}
	})
}

// Thousands at once, in every size of statement; and the count is what the rows say, whatever happened to them.
func TestThousands(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people := make([]string, 1100) // 17×64 + 8 + 4×1
		for i := range people {
			people[i] = fmt.Sprintf("p%04d", i)
		}
		must(t, send(t, e, notify.Notice{To: people, Text: "全区防汛提醒", Object: "probe"}))
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(DISTINCT person) FROM notify WHERE body = $1 AND room = 'probe'`, "全区防汛提醒")
		if err != nil || n != len(people) {
			t.Fatal(n, err)
		}
		p7 := kerneltest.Actor("p0007", "u1", room.Unit)
		for i := range 30 {
			must(t, send(t, e, notify.Notice{To: []string{"p0007", "p0008"}, Key: "probe.assigned", Args: []any{"甲", i}, Must: i%7 == 0}))
			if i%4 == 0 {
				var page store.Listed[notify.Row]
				e.Get(t, p7, "GET /api/notify?unread=true&limit=3", "", &page)
				e.Get(t, p7, "POST /api/notify/"+page.Items[len(page.Items)-1].ID+"/read", "", nil)
			}
			if i == 20 {
				e.Get(t, p7, "POST /api/notify/read-all", "", nil)
			}
			type rows struct{ all, must int }
			want, err := store.One(t.Context(), e.Kit.DB, func(r *rows) []any { return []any{&r.all, &r.must} },
				`SELECT count(*), coalesce(sum(CASE WHEN must THEN 1 ELSE 0 END), 0) FROM notify WHERE person = 'p0007' AND read_at = 0`)
			if u := count(t, e, p7); err != nil || u != (notify.Unread{Count: want.all, Must: want.must}) {
				t.Fatal(i, u, want, err)
			}
		}
		seen, after := 0, ""
		for {
			var page store.Listed[notify.Row]
			e.Get(t, p7, "GET /api/notify?limit=10&after="+after, "", &page)
			seen += len(page.Items)
			if after = page.Next; after == "" {
				break
			}
		}
		if seen != 31 {
			t.Error("paged through", seen)
		}
	})
}

func TestSlips(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		for _, c := range []struct {
			name string
			x    notify.Notice
			says string
		}{
			{"no words", notify.Notice{}, "needs a key or a text"},
			{"both", notify.Notice{Key: "probe.assigned", Text: "x"}, "not both"},
			{"unknown key", notify.Notice{Key: "probe.none"}, `no text "probe.none"`},
			{"another site", notify.Notice{Text: "x", Link: "//evil.example"}, "does not stay in the portal"},
			{"a scheme", notify.Notice{Text: "x", Link: "javascript:alert(1)"}, "does not stay in the portal"},
			{"unknown kind", notify.Notice{Text: "x", Kind: "loud"}, "unknown kind"},
			{"too long", notify.Notice{Text: strings.Repeat("长", 400)}, "notify.too_long"},
		} {
			c.x.To = []string{"zhang"}
			if err := send(t, e, c.x); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		must(t, send(t, e, notify.Notice{Text: "nobody to tell"}))
	})
}
