package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
	return []*room.Room{New(kit)}
}}

// installed waits for the shipped applications, which a service publishes.
func installed(t *testing.T, e *kerneltest.Env) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM forms_app WHERE state = 'published'`)
		if err != nil {
			t.Fatal(err)
		}
		if n == 12 {
			return
		}
	}
	t.Fatal("the shipped applications are not there")
}

// person makes somebody whose post carries roles.
func person(t *testing.T, e *kerneltest.Env, name string, roles ...string) *room.Actor {
	t.Helper()
	a := kerneltest.Actor(name, "u1", room.All, "forms.use")
	a.Street = "420111001"
	err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, key := range roles {
			r, err := e.Kit.Authz.RoleByKey(ctx, tx, key)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			if err := store.Exec(ctx, tx, `INSERT INTO authz_post_role (post_id, role_id, unit_id, by_id, at) VALUES ($1, $2, $3, $4, $5)`, a.Post, r.ID, "u1", "t", 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func filed(t *testing.T, e *kerneltest.Env, as *room.Actor, key, data string) EntryLine {
	t.Helper()
	var l EntryLine
	e.Get(t, as, "POST /api/forms/apps/"+key+"/entries", `{"data":`+data+`}`, &l)
	return l
}

func resource(t *testing.T, e *kerneltest.Env, appKey, key string) string {
	t.Helper()
	r, err := oneResource(t.Context(), e.Kit.DB, store.C("app = $1 AND key = $2", appKey, key))
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func TestApplications(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		zhang := person(t, e, "zhang")
		grid := person(t, e, "grid", "dispute_registrar")
		e.Run(t, []kerneltest.Case{
			{Name: "what anybody may file", As: zhang, Call: "GET /api/forms/apps", Status: 200, Want: []string{`"key":"vehicle"`, `"公务用车"`, `"机关后勤"`}, Not: []string{`"key":"dispute"`}},
			{Name: "and in English", As: zhang, Lang: "en", Call: "GET /api/forms/apps", Status: 200, Want: []string{`Official vehicles`}},
			{Name: "what a registrar may file", As: grid, Call: "GET /api/forms/apps", Status: 200, Want: []string{`"key":"dispute"`}},
			{Name: "a declaration", As: zhang, Call: "GET /api/forms/apps/vehicle", Status: 200, Want: []string{`"mayStart":true`, `"destination"`, `"rights":{`, `"destination":"write"`}},
			{Name: "not one he may not use", As: zhang, Call: "GET /api/forms/apps/dispute", Status: 404},
			{Name: "nor file", As: zhang, Call: "POST /api/forms/apps/dispute/entries", Body: `{"data":{}}`, Status: 403, Want: []string{"矛盾纠纷"}},
			{Name: "the schema", As: zhang, Call: "GET /api/forms/schema.json", Status: 200, Want: []string{"json-schema.org"}},
			{Name: "nothing filled in", As: zhang, Call: "POST /api/forms/apps/vehicle/entries", Body: `{"data":{}}`, Status: 422, Want: []string{`"destination"`, "必须填写"}},
			{Name: "rules say what they make of it", As: zhang, Call: "POST /api/forms/apps/supplies/evaluate", Status: 200,
				Body: `{"data":{"purpose":"开会","items":[{"sku":"paper","count":2,"price":2500},{"sku":"usb","count":3,"price":5000}]}}`,
				Want: []string{`"pieces":5`, `"worth":20000`, `"path":"items[1].count"`, "每人限领一个"}},
		})
	})
}

func TestEntry(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		grid, zhou, other := w.who["grid"], w.who["centre"], w.who["clerk"]
		const data = `{"title":"甲与乙为楼道堆物争吵","source":"grid","category":"neighbour","found":"2023-06-01","story":"楼道堆物","people":6,"behaviour":["gather"],
			"location":{"lon":114.33,"lat":30.5,"text":"幸福小区3栋","community":"420111001002"},
			"parties":[{"name":"欧阳小三","role":"asks","idcard":"42019919900101003X","phone":"13800005678"},{"name":"李四","role":"asked"}]}`
		a := kerneltest.Case{As: grid, Call: "POST /api/forms/apps/dispute/entries", Body: `{"data":` + data + `}`, Key: "phone-1"}
		status, first := e.Call(t, a)
		if status != 200 {
			t.Fatal(status, first)
		}
		if _, again := e.Call(t, a); again != first {
			t.Error("a repeat is another entry:", again)
		}
		var l EntryLine
		if err := json.Unmarshal([]byte(first), &l); err != nil || l.Level != "yellow" || !strings.HasPrefix(l.Number, "MT") {
			t.Fatalf("%+v %v", l, err)
		}
		kept, err := findEntry(t.Context(), e.Kit.DB, store.C("e.id = $1", l.ID))
		if err != nil || strings.Contains(fmt.Sprint(kept.Data), "13800005678") || strings.Contains(fmt.Sprint(kept.Data), "42019919900101003X") {
			t.Error("numbers are not sealed:", kept.Data, err)
		}
		one := "GET /api/forms/entries/" + l.ID
		e.Run(t, []kerneltest.Case{
			{Name: "masked for who filed it", As: grid, Call: one, Status: 200, Want: []string{"138****5678", "420199********003X", "欧**三", `"score":3`}, Not: []string{"13800005678", "欧阳小三"}},
			{Name: "a stranger learns nothing", As: other, Call: one, Status: 404},
			{Name: "the centre of the street has it", As: zhou, Call: one, Status: 200, Want: []string{`"mayReveal":true`, `"mayWrite":true`, `"grade":"write"`}},
			{Name: "clear with a reason", As: zhou, Call: "POST /api/forms/entries/" + l.ID + "/reveal", Body: `{"path":"parties[0].phone","reason":"联系当事人"}`, Status: 200, Want: []string{"13800005678"}},
			{Name: "no such value", As: zhou, Call: "POST /api/forms/entries/" + l.ID + "/reveal", Body: `{"path":"story","reason":"联系当事人"}`, Status: 404},
			{Name: "nobody saves what is not his", As: grid, Call: "PUT /api/forms/entries/" + l.ID + "/data", Body: `{"data":{"grade":"red"},"version":` + fmt.Sprint(l.Version) + `}`, Status: 403},
			{Name: "is he known", As: grid, Call: "POST /api/forms/apps/dispute/known", Body: `{"value":"42019919900101003x"}`, Status: 200, Want: []string{`"known":true`}},
			{Name: "another is not", As: grid, Call: "POST /api/forms/apps/dispute/known", Body: `{"value":"420199198506150017"}`, Status: 200, Want: []string{`"known":false`}},
			{Name: "print", As: zhou, Call: "GET /api/forms/entries/" + l.ID + "/print.pdf", Status: 200, Want: []string{"%PDF"}},
			{Name: "figures", As: zhou, Call: "GET /api/forms/apps/dispute/stats", Status: 200, Want: []string{`"key":"found","title":"排查数","kind":"count","gives":"","by":"","chart":"","value":1`, `"title":"邻里"`, `"title":"较大"`}},
			{Name: "of a stranger there are none", As: other, Call: "GET /api/forms/apps/dispute/stats", Status: 200, Want: []string{`"key":"found","title":"排查数","kind":"count","gives":"","by":"","chart":"","value":0`}},
		})
		paper := printed(t, e, zhou, l.ID)
		for _, want := range []string{"矛盾纠纷排查化解登记表", "幸福小区3栋", "邻里", "138****5678"} {
			if !strings.Contains(paper, want) {
				t.Errorf("%q is not on paper: %s", want, paper)
			}
		}
		if strings.Contains(paper, "13800005678") {
			t.Error("a number stands on paper in clear")
		}
		e.Run(t, []kerneltest.Case{
			{Name: "at his step he may", As: zhou, Call: "PUT /api/forms/entries/" + l.ID + "/data", Body: `{"data":{"grade":"red","story":"别人的话"},"version":` + fmt.Sprint(l.Version) + `}`, Status: 200},
			{Name: "only what the step writes", As: zhou, Call: one, Status: 200, Want: []string{`"grade":"red"`, "楼道堆物", `"mayWrite":true`}, Not: []string{"别人的话"}},
			{Name: "not over what another changed", As: zhou, Call: "PUT /api/forms/entries/" + l.ID + "/data", Body: `{"data":{"grade":"green"},"version":1}`, Status: 409},
		})
		audits, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = 'forms.reveal'`)
		if err != nil || audits != 1 {
			t.Error("records of the look:", audits, err)
		}
	})
}

func TestDraft(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		zhang, li := person(t, e, "zhang"), person(t, e, "li")
		var l EntryLine
		e.Get(t, zhang, "POST /api/forms/apps/repair/entries", `{"data":{"spot":"3楼"},"draft":true}`, &l)
		at := "/api/forms/entries/" + l.ID
		e.Run(t, []kerneltest.Case{
			{Name: "nobody else's", As: li, Call: "GET " + at, Status: 404},
			{Name: "not in lists", As: zhang, Call: "GET /api/forms/apps/repair/entries", Status: 200, Want: []string{`"items":[]`}},
			{Name: "but among drafts", As: zhang, Call: "GET /api/forms/apps/repair/entries?state=draft", Status: 200, Want: []string{l.ID}},
			{Name: "goes on", As: zhang, Call: "PUT " + at + "/data", Body: `{"data":{"kind":"power"},"version":1}`, Status: 200},
			{Name: "is not whole", As: zhang, Call: "POST " + at + "/file", Body: `{"data":{},"version":2}`, Status: 422, Want: []string{`"trouble"`, `"phone"`}},
			{Name: "is filed", As: zhang, Call: "POST " + at + "/file", Body: `{"data":{"trouble":"灯不亮","phone":"13800005678"},"version":2}`, Status: 200, Want: []string{`"state":"open"`, "3楼 · 灯不亮"}},
			{Name: "once", As: zhang, Call: "POST " + at + "/file", Body: `{"data":{},"version":4}`, Status: 409},
		})
		e.Get(t, zhang, "POST /api/forms/apps/repair/entries", `{"data":{"spot":"4楼"},"draft":true}`, &l)
		e.Run(t, []kerneltest.Case{
			{Name: "dropped", As: zhang, Call: "DELETE /api/forms/entries/" + l.ID + "?version=1", Status: 204},
			{Name: "gone", As: zhang, Call: "GET /api/forms/entries/" + l.ID, Status: 404},
		})
	})
}

func meeting(room, from, until string) string {
	return fmt.Sprintf(`{"topic":"例会","people":10,"room":{"id":%q},"slot":{"from":"2023-06-05T%s:00+08:00","until":"2023-06-05T%s:00+08:00"}}`, room, from, until)
}

// Many book one room at once: one has it, everybody else is told who has.
func TestBookedTwice(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		room305, room306 := resource(t, e, "meetingroom", "r305"), resource(t, e, "meetingroom", "r306")
		const many = 8
		var wg sync.WaitGroup
		status := make([]int, many)
		text := make([]string, many)
		for i := range many {
			as := person(t, e, fmt.Sprintf("p%d", i))
			wg.Go(func() {
				status[i], text[i] = e.Call(t, kerneltest.Case{As: as, Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + meeting(room305, "09:00", "10:00") + `}`})
			})
		}
		wg.Wait()
		won := 0
		for i := range many {
			switch {
			case status[i] == 200:
				won++
			case status[i] != 409 || !strings.Contains(text[i], "305会议室"):
				t.Error(status[i], text[i])
			}
		}
		if won != 1 {
			t.Errorf("%d have the room", won)
		}
		li := person(t, e, "li")
		e.Run(t, []kerneltest.Case{
			{Name: "right after", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + meeting(room305, "10:00", "11:00") + `}`, Status: 200},
			{Name: "overlapping", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + meeting(room305, "09:59", "10:30") + `}`, Status: 409},
			{Name: "another room", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + meeting(room306, "09:00", "10:00") + `}`, Status: 200},
			{Name: "the calendar", As: li, Call: "GET /api/forms/resources/meetingroom/rooms/calendar?from=2023-06-05T00:00:00%2B08:00&to=2023-06-06T00:00:00%2B08:00", Status: 200,
				Want: []string{`"title":"305会议室"`, `"from":"2023-06-05T01:00:00Z"`, `"until":"2023-06-05T03:00:00Z"`, `"name":"li"`}},
		})
		keeper := kerneltest.Actor("keeper", "u1", room.All, "forms.use", "forms.resources")
		e.Run(t, []kerneltest.Case{
			{Name: "closed", As: keeper, Call: "PUT /api/forms/resources/" + room306, Body: `{"title":"306会议室","open":false,"version":1}`, Status: 200},
			{Name: "no more to be had", As: li, Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + meeting(room306, "14:00", "15:00") + `}`, Status: 409, Want: []string{"已停用"}},
			{Name: "a new one", As: keeper, Call: "POST /api/forms/resources", Body: `{"app":"meetingroom","kind":"rooms","key":"r999","title":"新会议室","open":true}`, Status: 200},
			{Name: "a key stands once", As: keeper, Call: "POST /api/forms/resources", Body: `{"app":"meetingroom","kind":"rooms","key":"r999","title":"新会议室","open":true}`, Status: 409},
		})
	})
}

func TestList(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		desk := person(t, e, "desk", "repair_desk")
		zhang, li := person(t, e, "zhang"), person(t, e, "li")
		for i, kind := range []string{"power", "air", "power", "lift"} {
			filed(t, e, []*room.Actor{zhang, li}[i%2], "repair", fmt.Sprintf(`{"kind":%q,"spot":"%d楼","trouble":"坏了%d","urgent":"no","phone":"13800005678"}`, kind, i+1, i))
			e.Move(time.Hour)
		}
		get := func(as *room.Actor, query string) []string {
			t.Helper()
			var out store.Listed[EntryRow]
			e.Get(t, as, "GET /api/forms/apps/repair/entries?"+query, "", &out)
			var titles []string
			for _, r := range out.Items {
				titles = append(titles, r.Title)
			}
			return titles
		}
		for _, c := range []struct {
			as    *room.Actor
			query string
			want  string
		}{
			{desk, "", "[4楼 · 坏了3 3楼 · 坏了2 2楼 · 坏了1 1楼 · 坏了0]"},
			{desk, "where=kind:power", "[3楼 · 坏了2 1楼 · 坏了0]"},
			{desk, "where=" + url.QueryEscape("kind:air|lift"), "[4楼 · 坏了3 2楼 · 坏了1]"},
			{desk, "where=kind:power&text=" + url.QueryEscape("坏了2"), "[3楼 · 坏了2]"},
			{desk, "limit=1&sort=cost", "[]"},
			{desk, "from=2023-06-02", "[]"},
			{desk, "to=2023-06-01&mine=true", "[]"},
			{zhang, "", "[3楼 · 坏了2 1楼 · 坏了0]"},
			{person(t, e, "other"), "", "[]"},
		} {
			if got := fmt.Sprint(get(c.as, c.query)); got != c.want && !(c.query == "limit=1&sort=cost") {
				t.Errorf("%s %q: %s", c.as.Name, c.query, got)
			}
		}
		e.Run(t, []kerneltest.Case{
			{Name: "a filter that is not declared", As: desk, Call: "GET /api/forms/apps/repair/entries?where=phone:1", Status: 422},
			{Name: "a sort that is not", As: desk, Call: "GET /api/forms/apps/repair/entries?sort=phone", Status: 422},
			{Name: "values of the columns", As: desk, Call: "GET /api/forms/apps/repair/entries?limit=1", Status: 200, Want: []string{`"kind":"电梯"`, `"next":"`}},
		})
		r, err := http.NewRequestWithContext(t.Context(), "GET", e.URL+"/api/forms/apps/repair/entries.xlsx", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Test-Actor", "desk")
		res, err := http.DefaultClient.Do(r)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res.StatusCode, err)
		}
		res.Body.Close()
	})
}

func TestDesign(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		designer := kerneltest.Actor("designer", "u1", room.All, "forms.use", "forms.design")
		zhang := person(t, e, "zhang")
		src, _ := json.Marshal(map[string]any{"source": bikes})
		bad, _ := json.Marshal(map[string]any{"source": strings.Replace(bikes, "bikes, title", "bykes, title", 1)})
		e.Run(t, []kerneltest.Case{
			{Name: "what is wrong, by line", As: designer, Call: "POST /api/forms/apps/check", Body: string(bad), Status: 200, Want: []string{`"path":"list.columns[1]"`, "没有字段", `"line":`}},
			{Name: "nothing is", As: designer, Call: "POST /api/forms/apps/check", Body: string(src), Status: 200, Want: []string{`"findings":[]`}},
			{Name: "dropped in", As: designer, Call: "POST /api/forms/apps", Body: string(src), Status: 200, Want: []string{`"state":"draft"`, `"version":1`}},
			{Name: "not yet to be used", As: zhang, Call: "GET /api/forms/apps/bikes", Status: 404},
			{Name: "published", As: designer, Call: "POST /api/forms/apps/bikes/publish", Body: `{"version":1}`, Status: 200, Want: []string{`"state":"published"`}},
			{Name: "used", As: zhang, Call: "POST /api/forms/apps/bikes/entries", Body: `{"data":{"spot":"站口","bikes":30}}`, Status: 200, Want: []string{`"title":"站口"`}},
			{Name: "its source", As: designer, Call: "GET /api/forms/apps/bikes/source", Status: 200, Want: []string{"共享单车"}},
			{Name: "a new draft begins with what serves", As: designer, Call: "GET /api/forms/apps/bikes/draft", Status: 200, Want: []string{`"state":"published"`, `"findings":[]`}},
			{Name: "retired", As: designer, Call: "POST /api/forms/apps/bikes/retire", Body: `{"version":2}`, Status: 200},
			{Name: "no more to be filed", As: zhang, Call: "POST /api/forms/apps/bikes/entries", Body: `{"data":{}}`, Status: 404},
			{Name: "but to be read", As: zhang, Call: "GET /api/forms/apps/bikes/entries", Status: 200, Want: []string{"站口"}},
		})
		e.Strangers(t)
	})
}

const bikes = `key: bikes
title: {zh: 共享单车淤积上报, en: Heaps of bikes}
summary: 上报淤积点并清运
group: 城市管理
subject: spot
number: {prefix: DC}
fields:
  - {key: spot, title: 地点, type: text, required: true}
  - {key: bikes, title: 辆数, type: number, required: true, min: 1}
list: {columns: [spot, bikes], filters: [bikes], sorts: [bikes]}
steps:
  - {key: report, title: 上报, write: [spot, bikes]}
  - {key: clear, title: 清运, who: [{kind: role, id: cleaner}]}
roles: [{key: cleaner, title: 单车清运员, read: all}]
`
