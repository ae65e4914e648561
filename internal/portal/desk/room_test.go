package desk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/portal/desk"
	"qushu/internal/room"
)

// town is a small district: d over e (with section e1) and h.
type town struct{ members []desk.Member }

func (town) unit(id string) desk.Unit {
	return desk.Unit{ID: id, Name: map[string]string{"d": "洪山区", "e": "区教育局", "e1": "区教育局办公室", "h": "区卫生健康局"}[id]}
}

func (w town) above(id string) []desk.Unit {
	switch id {
	case "d":
		return []desk.Unit{w.unit("d")}
	case "e", "h":
		return []desk.Unit{w.unit(id), w.unit("d")}
	case "e1":
		return []desk.Unit{w.unit("e1"), w.unit("e"), w.unit("d")}
	}
	return nil
}

func (w town) Above(_ context.Context, _ store.Queryer, id string) ([]desk.Unit, error) {
	return w.above(id), nil
}

func (w town) Named(_ context.Context, _ store.Queryer, ids []string) ([]desk.Unit, error) {
	var out []desk.Unit
	for _, id := range ids {
		if u := w.unit(id); u.Name != "" {
			out = append(out, u)
		}
	}
	return out, nil
}

func (w town) ListIn(_ context.Context, _ store.Queryer, units []string, after string, limit int) ([]desk.Member, error) {
	var out []desk.Member
	for _, m := range w.members {
		in := units == nil || slices.ContainsFunc(w.above(m.Unit.ID), func(u desk.Unit) bool { return slices.Contains(units, u.ID) })
		if in && m.ID > after && len(out) < limit {
			out = append(out, m)
		}
	}
	return out, nil
}

func (town) Pages(ctx context.Context) []desk.Page {
	return []desk.Page{{Room: "desk", Path: "/desk", Title: "工作台"}, {Room: "desk", Path: "/desk/notices", Title: "通知公告"}, {Room: "lookup", Path: "/lookup", Title: "数据查询"}}
}

func (town) Unread(_ context.Context, _ store.Queryer, person string) (int, error) {
	return len(person), nil
}

func newTown() town {
	var w town
	for _, m := range []struct{ id, name, unit string }{{"p1", "张建国", "e1"}, {"p2", "李秀英", "e"}, {"p3", "王强", "h"}, {"p4", "刘敏", "d"}} {
		w.members = append(w.members, desk.Member{ID: m.id, Name: m.name, Unit: w.unit(m.unit)})
	}
	return w
}

func ports() desk.Ports {
	cal, err := when.Load()
	if err != nil {
		panic(err)
	}
	w := newTown()
	return desk.Ports{Units: w, People: w, Pages: w, Inbox: w, Calendar: when.Always(cal)}
}

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room { return []*room.Room{desk.New(kit, ports())} }}

// The cast: readers in three units, and publishers of each reach.
var (
	zhang   = kerneltest.Actor("p1", "e1", room.All, "desk.read")
	li      = kerneltest.Actor("p2", "e", room.All, "desk.read")
	wang    = kerneltest.Actor("p3", "h", room.All, "desk.read")
	ofUnit  = publisher("edu", "e", room.Unit)
	ofAll   = publisher("office", "d", room.All)
	nowhere = publisher("nowhere", "", room.All)
)

func publisher(person, unit string, scope room.Scope) *room.Actor {
	a := kerneltest.Actor(person, unit, scope, "desk.publish")
	a.Grants["desk.read"] = []room.Grant{{Scope: room.All}}
	return a
}

// say publishes and returns the notice's id.
func say(t *testing.T, e *kerneltest.Env, as *room.Actor, body string) string {
	t.Helper()
	var n desk.Notice
	e.Get(t, as, "POST /api/desk/notices", body, &n)
	return n.ID
}

func TestWorkbench(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		old := say(t, e, ofAll, `{"title":"关于置顶的通知","body":"正文","all":true,"pinnedUntil":"2023-06-10T00:00:00Z"}`)
		for i := range 6 {
			e.Move(time.Minute)
			say(t, e, ofAll, fmt.Sprintf(`{"title":"第%d号通知","body":"正文","all":true,"must":%v}`, i, i < 2))
		}
		say(t, e, ofAll, `{"title":"只给卫健局","body":"正文","units":["h"],"must":true}`)
		var h desk.Home
		e.Get(t, zhang, "GET /api/desk", "", &h)
		if h.Date != "2023-06-01" || h.Weekday != 4 || !h.Workday || h.Holiday != "" {
			t.Errorf("%+v", h)
		}
		if h.Counts.Unread != 7 || h.Counts.Must != 2 || h.Counts.Messages == nil || *h.Counts.Messages != 2 {
			t.Errorf("%+v", h.Counts)
		}
		if len(h.Notices) != 5 || h.Notices[0].ID != old || h.Notices[1].Title != "第5号通知" {
			t.Errorf("%+v", h.Notices)
		}
		if len(h.Apps) != 2 || h.Apps[0].Path != "/desk/notices" || h.Apps[0].Pinned {
			t.Errorf("%+v", h.Apps)
		}
		e.Get(t, wang, "GET /api/desk", "", &h)
		if h.Counts.Unread != 8 || h.Counts.Must != 3 {
			t.Errorf("%+v", h.Counts)
		}
		e.Move(21 * 24 * time.Hour) // the Dragon Boat Festival, and the pin has run out
		e.Get(t, zhang, "GET /api/desk", "", &h)
		if h.Date != "2023-06-22" || h.Workday || h.Holiday != "端午" || h.Notices[0].ID == old {
			t.Errorf("%+v", h)
		}
		e.Move(200 * 24 * time.Hour)
		h = desk.Home{}
		e.Get(t, zhang, "GET /api/desk", "", &h)
		if h.Counts.Unread != 0 || h.Counts.Must != 0 || len(h.Notices) != 0 {
			t.Errorf("half a year later: %+v %+v", h.Counts, h.Notices)
		}
	})
}

func TestPins(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Run(t, []kerneltest.Case{
			{Name: "pin", As: zhang, Call: "PUT /api/desk/pins", Body: `{"paths":["/lookup"]}`, Key: "k1", Status: 200, Want: []string{`{"room":"lookup","path":"/lookup","title":"数据查询","pinned":true},{"room":"desk"`}},
			{Name: "again", As: zhang, Call: "PUT /api/desk/pins", Body: `{"paths":["/lookup"]}`, Key: "k1", Status: 200, Want: []string{`"path":"/lookup","title":"数据查询","pinned":true`}},
			{Name: "not in the menu", As: zhang, Call: "PUT /api/desk/pins", Body: `{"paths":["/audit"]}`, Status: 422, Want: []string{"不能打开"}},
			{Name: "twice", As: zhang, Call: "PUT /api/desk/pins", Body: `{"paths":["/lookup","/lookup"]}`, Status: 422},
			{Name: "kept", As: zhang, Call: "GET /api/desk", Status: 200, Want: []string{`"path":"/lookup","title":"数据查询","pinned":true`}},
			{Name: "not another's", As: li, Call: "GET /api/desk", Status: 200, Not: []string{`"pinned":true`}},
			{Name: "unpin", As: zhang, Call: "PUT /api/desk/pins", Body: `{"paths":[]}`, Status: 200, Not: []string{`"pinned":true`}},
		})
	})
}

func TestPublish(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Run(t, []kerneltest.Case{
			{Name: "a reader may not", As: zhang, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true}`, Status: 403, Want: []string{"发布通知公告"}},
			{Name: "own unit", As: ofUnit, Call: "POST /api/desk/notices", Body: `{"title":"  教育局  通知 ","body":"正文","units":["e"]}`, Key: "k1", Status: 200, Want: []string{`"title":"教育局 通知"`, `"to":[{"id":"e","name":"区教育局"}]`, `"unit":{"id":"e","name":"区教育局"}`, `"mine":true`}},
			{Name: "the repeat makes no second", As: ofUnit, Call: "POST /api/desk/notices", Body: `{"title":"  教育局  通知 ","body":"正文","units":["e"]}`, Key: "k1", Status: 200, Want: []string{`"title":"教育局 通知"`}},
			{Name: "another unit", As: ofUnit, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","units":["e","h"]}`, Status: 403, Want: []string{"区卫生健康局"}},
			{Name: "everybody from a unit", As: ofUnit, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true}`, Status: 403, Want: []string{"全体人员"}},
			{Name: "everybody", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"全区通知","body":"正文","all":true}`, Status: 200, Want: []string{`"all":true`, `"unit":{"id":"d","name":"洪山区"}`}},
			{Name: "without a unit", As: nowhere, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true}`, Status: 403, Want: []string{"没有在任何单位任职"}},
			{Name: "nobody addressed", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文"}`, Status: 422, Want: []string{"发送范围", `"name":"units"`}},
			{Name: "both", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true,"units":["e"]}`, Status: 422, Want: []string{"发送范围"}},
			{Name: "the sign for everybody as a unit", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","units":[""]}`, Status: 422, Want: []string{"发送范围"}},
			{Name: "unknown unit", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","units":["x"]}`, Status: 422, Want: []string{"不存在"}},
			{Name: "blank texts", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"    ","body":"  ","all":true}`, Status: 422, Want: []string{"请填写标题", "请填写正文"}},
			{Name: "pinned in the past", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true,"pinnedUntil":"2023-01-01T00:00:00Z"}`, Status: 422, Want: []string{"置顶"}},
			{Name: "pinned for ever", As: ofAll, Call: "POST /api/desk/notices", Body: `{"title":"通知","body":"正文","all":true,"pinnedUntil":"2024-01-01T00:00:00Z"}`, Lang: "en", Status: 422, Want: []string{"90 days"}},
			{Name: "the section below sees its bureau's", As: zhang, Call: "GET /api/desk/notices", Status: 200, Want: []string{"教育局 通知", "全区通知"}},
			{Name: "another bureau does not", As: wang, Call: "GET /api/desk/notices", Status: 200, Want: []string{"全区通知"}, Not: []string{"教育局 通知"}},
			{Name: "text", As: zhang, Call: "GET /api/desk/notices?text=%E5%85%A8%E5%8C%BA", Status: 200, Want: []string{"全区通知"}, Not: []string{"教育局 通知"}},
			{Name: "text takes signs as they are", As: zhang, Call: "GET /api/desk/notices?text=%25", Status: 200, Want: []string{`"items":[]`}},
			{Name: "by publisher", As: zhang, Call: "GET /api/desk/notices?unit=d", Status: 200, Want: []string{"全区通知"}, Not: []string{"教育局 通知"}},
			{Name: "managed by the bureau", As: ofUnit, Call: "GET /api/desk/notices?managed=true", Status: 200, Want: []string{"教育局 通知"}, Not: []string{"全区通知"}},
			{Name: "managed by a reader", As: zhang, Call: "GET /api/desk/notices?managed=true", Status: 200, Want: []string{`"items":[]`}},
			{Name: "first page", As: zhang, Call: "GET /api/desk/notices?limit=1", Status: 200, Want: []string{"全区通知"}, Not: []string{"教育局 通知", `"next":""`}},
		})
		var first, second store.Listed[desk.Line]
		e.Get(t, zhang, "GET /api/desk/notices?limit=1", "", &first)
		e.Get(t, zhang, "GET /api/desk/notices?limit=1&after="+first.Next, "", &second)
		if len(second.Items) != 1 || second.Items[0].ID == first.Items[0].ID || second.Next != "" {
			t.Errorf("%+v", second)
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "desk.publish"); err != nil || n != 2 {
			t.Error("records:", n, err)
		}
	})
}

func TestReadAndReceipt(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		must := say(t, e, ofUnit, `{"title":"必读通知","body":"正文","units":["e"],"must":true}`)
		e.Move(time.Second)
		plain := say(t, e, ofUnit, `{"title":"普通通知","body":"正文","units":["e"]}`)
		e.Run(t, []kerneltest.Case{
			{Name: "unread", As: zhang, Call: "GET /api/desk/notices?state=unread", Status: 200, Want: []string{"必读通知", "普通通知"}},
			{Name: "opened", As: zhang, Call: "GET /api/desk/notices/" + must, Status: 200, Want: []string{`"seen":true`, `"read":false`, `"mine":false`}},
			{Name: "no longer unread", As: zhang, Call: "GET /api/desk/notices?state=unread", Status: 200, Want: []string{"普通通知"}, Not: []string{"必读通知"}},
			{Name: "still asks for a receipt", As: zhang, Call: "GET /api/desk/notices?state=must", Status: 200, Want: []string{"必读通知"}, Not: []string{"普通通知"}},
			{Name: "another bureau", As: wang, Call: "GET /api/desk/notices/" + must, Status: 404, Want: []string{"不是发给您的"}},
			{Name: "another bureau's receipt", As: wang, Call: "POST /api/desk/notices/" + must + "/receipt", Status: 404},
			{Name: "no such notice", As: zhang, Call: "GET /api/desk/notices/x", Status: 404},
			{Name: "none asked", As: zhang, Call: "POST /api/desk/notices/" + plain + "/receipt", Status: 422, Want: []string{"不需要签收"}},
			{Name: "receipt", As: zhang, Call: "POST /api/desk/notices/" + must + "/receipt", Key: "r1", Status: 200, Want: []string{`"readAt":"2023-06-01T01:00:01Z"`}},
			{Name: "same key", As: zhang, Call: "POST /api/desk/notices/" + must + "/receipt", Key: "r1", Status: 200, Want: []string{`"readAt":"2023-06-01T01:00:01Z"`}},
		})
		e.Move(time.Hour)
		e.Run(t, []kerneltest.Case{
			{Name: "given twice counts once", As: zhang, Call: "POST /api/desk/notices/" + must + "/receipt", Key: "r2", Status: 200, Want: []string{`"readAt":"2023-06-01T01:00:01Z"`}},
			{Name: "nothing outstanding", As: zhang, Call: "GET /api/desk/notices?state=must", Status: 200, Want: []string{`"items":[]`}},
			{Name: "marked", As: zhang, Call: "GET /api/desk/notices", Status: 200, Want: []string{`"seen":true,"read":true`}},
			{Name: "without opening", As: li, Call: "POST /api/desk/notices/" + must + "/receipt", Status: 200},
			{Name: "seen with it", As: li, Call: "GET /api/desk/notices?state=unread", Status: 200, Want: []string{"普通通知"}, Not: []string{"必读通知"}},
			{Name: "who manages all is not addressed", As: ofAll, Call: "POST /api/desk/notices/" + must + "/receipt", Status: 404},
			{Name: "but may look", As: ofAll, Call: "GET /api/desk/notices/" + must, Status: 200, Want: []string{`"seen":false`, `"mine":true`}},
		})
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "desk.receipt"); err != nil || n != 2 {
			t.Error("records:", n, err)
		}
		var h desk.Home
		e.Get(t, zhang, "GET /api/desk", "", &h)
		if h.Counts.Must != 0 || h.Counts.Unread != 1 {
			t.Errorf("%+v", h.Counts)
		}
	})
}

func TestEditAndWithdraw(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		id := say(t, e, ofUnit, `{"title":"防汛值守","body":"初稿","units":["e"],"must":true,"pinnedUntil":"2023-06-02T00:00:00Z"}`)
		at := "/api/desk/notices/" + id
		e.Get(t, zhang, "POST "+at+"/receipt", "", nil)
		e.Move(48 * time.Hour)
		e.Run(t, []kerneltest.Case{
			{Name: "a reader may not", As: zhang, Call: "PUT " + at, Body: `{"title":"改","body":"改","units":["e"],"version":1}`, Status: 403},
			{Name: "beyond his right", As: ofUnit, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"改","all":true,"version":1}`, Status: 403, Want: []string{"全体人员"}},
			{Name: "a typing error, with a pin that has run out", As: ofUnit, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"二稿","units":["e"],"must":true,"pinnedUntil":"2023-06-02T00:00:00Z","version":1}`, Key: "k1", Status: 200, Want: []string{"二稿", `"version":2`, `"editedBy":"edu"`}},
			{Name: "the repeat", As: ofUnit, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"二稿","units":["e"],"must":true,"pinnedUntil":"2023-06-02T00:00:00Z","version":1}`, Key: "k1", Status: 200, Want: []string{`"version":2`}},
			{Name: "the receipt still counts", As: zhang, Call: "GET " + at, Status: 200, Want: []string{"二稿", `"read":true`}},
			{Name: "somebody was first", As: ofAll, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"三稿","units":["e"],"version":1}`, Status: 409, Want: []string{"edu", "《防汛值守》"}},
			{Name: "asked again, of more", As: ofAll, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"三稿","all":true,"must":true,"again":true,"version":2}`, Status: 200, Want: []string{`"all":true`, `"to":[]`}},
			{Name: "the receipt counts no more", As: zhang, Call: "GET " + at, Status: 200, Want: []string{`"read":false`, `"seen":true`}},
			{Name: "now others see it", As: wang, Call: "GET " + at, Status: 200, Want: []string{"三稿"}},
			{Name: "why", As: ofUnit, Call: "POST " + at + "/withdraw", Body: `{"reason":"x","version":3}`, Status: 422},
			{Name: "withdrawn", As: ofUnit, Call: "POST " + at + "/withdraw", Body: `{"reason":"内容有误","version":3}`, Status: 200, Want: []string{`"withdrawnBy":"edu"`, "内容有误"}},
			{Name: "gone for readers, with a word", As: zhang, Call: "GET " + at, Status: 404, Want: []string{"已由区教育局撤回"}},
			{Name: "gone from the list", As: zhang, Call: "GET /api/desk/notices", Status: 200, Want: []string{`"items":[]`}},
			{Name: "no receipt any more", As: zhang, Call: "POST " + at + "/receipt", Status: 404},
			{Name: "not to be changed", As: ofAll, Call: "PUT " + at, Body: `{"title":"防汛值守","body":"四稿","all":true,"version":4}`, Status: 409, Want: []string{"不能再修改"}},
			{Name: "not twice", As: ofAll, Call: "POST " + at + "/withdraw", Body: `{"reason":"内容有误","version":4}`, Status: 409},
			{Name: "kept for publishers", As: ofUnit, Call: "GET /api/desk/notices?managed=true", Status: 200, Want: []string{"防汛值守"}, Not: []string{`"withdrawnAt":null`}},
		})
	})
}

func TestWhoHasRead(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		id := say(t, e, ofAll, `{"title":"必读通知","body":"正文","all":true,"must":true}`)
		at := "/api/desk/notices/" + id
		e.Get(t, zhang, "GET "+at, "", nil)
		e.Get(t, li, "POST "+at+"/receipt", "", nil)
		e.Run(t, []kerneltest.Case{
			{Name: "a reader may not", As: zhang, Call: "GET " + at + "/receipts", Status: 403},
			{Name: "not of his bureau", As: ofUnit, Call: "GET " + at + "/receipts", Status: 404},
			{Name: "not of his bureau, as a file", As: ofUnit, Call: "GET " + at + "/receipts.csv", Status: 404},
			{Name: "by unit, the worst first", As: ofAll, Call: "GET " + at + "/receipts", Status: 200, Want: []string{`"people":4,"seen":2,"read":1`, `{"unit":{"id":"e","name":"区教育局"},"people":1,"seen":1,"read":1}]`}},
			{Name: "unread", As: ofAll, Call: "GET " + at + "/people?state=unread", Status: 200, Want: []string{"王强", "刘敏"}, Not: []string{"张建国", "李秀英"}},
			{Name: "opened", As: ofAll, Call: "GET " + at + "/people?state=opened", Status: 200, Want: []string{"张建国"}, Not: []string{"王强", "李秀英"}},
			{Name: "read", As: ofAll, Call: "GET " + at + "/people?state=read", Status: 200, Want: []string{"李秀英"}, Not: []string{"王强", "张建国"}},
			{Name: "of a unit", As: ofAll, Call: "GET " + at + "/people?unit=h", Status: 200, Want: []string{"王强"}, Not: []string{"刘敏"}},
			{Name: "a page", As: ofAll, Call: "GET " + at + "/people?limit=2", Status: 200, Want: []string{"张建国", "李秀英", `"next":"p2"`}, Not: []string{"王强"}},
			{Name: "the next", As: ofAll, Call: "GET " + at + "/people?limit=2&after=p2", Status: 200, Want: []string{"王强", "刘敏", `"next":""`}},
			{Name: "as a file", As: ofAll, Call: "GET " + at + "/receipts.csv", Status: 200, Want: []string{"单位,姓名,状态,打开时间,签收时间\r\n", "区教育局办公室,张建国,已打开,2023-06-01 09:00:00,\r\n", "区教育局,李秀英,已阅,2023-06-01 09:00:00,2023-06-01 09:00:00\r\n", "王强,未读,,\r\n"}},
			{Name: "as a file in English", As: ofAll, Call: "GET " + at + "/receipts.csv", Lang: "en", Status: 200, Want: []string{"Unit,Name,State,Opened,Confirmed\r\n", ",unread,"}},
		})
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "desk.export"); err != nil || n != 2 {
			t.Error("records:", n, err)
		}
	})
}

// A publisher of a unit and those below may address one below alone, and sees what they publish.
func TestBelow(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		for _, pair := range [][2]string{{"e", "e"}, {"e", "e1"}, {"h", "h"}} {
			if err := store.Exec(t.Context(), e.Kit.DB, `INSERT INTO org_below (unit, below, depth) VALUES ($1, $2, 0)`, pair[0], pair[1]); err != nil {
				t.Fatal(err)
			}
		}
		bureau, section := publisher("bureau", "e", room.Below), publisher("section", "e1", room.Unit)
		id := say(t, e, section, `{"title":"科室通知","body":"正文","units":["e1"]}`)
		e.Run(t, []kerneltest.Case{
			{Name: "below", As: bureau, Call: "POST /api/desk/notices", Body: `{"title":"给办公室","body":"正文","units":["e1"]}`, Status: 200, Want: []string{"区教育局办公室"}},
			{Name: "beside", As: bureau, Call: "POST /api/desk/notices", Body: `{"title":"给卫健局","body":"正文","units":["h"]}`, Status: 403, Want: []string{"区卫生健康局"}},
			{Name: "above", As: section, Call: "POST /api/desk/notices", Body: `{"title":"给全局","body":"正文","units":["e"]}`, Status: 403, Want: []string{"区教育局"}},
			{Name: "only there", As: li, Call: "GET /api/desk/notices", Status: 200, Want: []string{`"items":[]`}},
			{Name: "there", As: zhang, Call: "GET /api/desk/notices", Status: 200, Want: []string{"给办公室", "科室通知"}},
			{Name: "the section's is the bureau's to manage", As: bureau, Call: "POST /api/desk/notices/" + id + "/withdraw", Body: `{"reason":"重复发布","version":1}`, Status: 200},
			{Name: "the bureau's is not the section's", As: section, Call: "GET /api/desk/notices?managed=true&text=%E7%BB%99", Status: 200, Want: []string{`"items":[]`}},
		})
	})
}

// Two publishers save the same version at once: one is told.
func TestEditRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		id := say(t, e, ofAll, `{"title":"通知","body":"正文","all":true}`)
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[int]int{}
		for i := range 8 {
			wg.Go(func() {
				status, _ := e.Call(t, kerneltest.Case{As: ofAll, Call: "PUT /api/desk/notices/" + id, Body: fmt.Sprintf(`{"title":"通知","body":"第%d稿","all":true,"version":1}`, i)})
				mu.Lock()
				got[status]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if got[200] != 1 || got[409] != 7 {
			t.Error(got)
		}
	})
}

// A listener hears of a notice once, with whom it is for, and again when receipts are asked once more.
func TestPublishedIsHeard(t *testing.T) {
	heard := make(chan desk.Published, 10)
	h := &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
		return []*room.Room{desk.New(kit, ports()), listener(heard)}
	}}
	h.Each(t, func(t *testing.T, e *kerneltest.Env) {
		id := say(t, e, ofUnit, `{"title":"必读通知","body":"正文","units":["e"],"must":true}`)
		got := <-heard
		b, err := json.Marshal(got)
		want := `{"id":"` + id + `","title":"必读通知","unit":{"id":"e","name":"区教育局"},"by":"edu","must":true,"units":["e"]}`
		if err != nil || strings.TrimSpace(string(b)) != want {
			t.Errorf("%s, want %s: %v", b, want, err)
		}
		at := "PUT /api/desk/notices/" + id
		e.Get(t, ofUnit, at, `{"title":"错字已改","body":"正文","units":["e"],"must":true,"version":1}`, nil)
		e.Get(t, ofUnit, at, `{"title":"内容已变","body":"正文","units":["e"],"must":true,"again":true,"version":2}`, nil)
		if got := <-heard; got.Title != "内容已变" || got.ID != id {
			t.Errorf("%+v", got)
		}
	})
}
