package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// made keeps the service of each house by its kit, for what no route shows.
var made sync.Map

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
	c := New(kit, fakeSources{})
	made.Store(kit, c)
	return []*room.Room{c.Room()}
},
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}}

// town is a small district: a bureau, a data centre, and two departments that catalogue.
type town struct {
	*kerneltest.Env
	t     *testing.T
	units map[string]string
	who   map[string]*room.Actor
}

func (w *town) catalog() *Catalog {
	c, _ := made.Load(w.Kit)
	return c.(*Catalog)
}

func each(t *testing.T, fn func(w *town)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(newTown(t, e)) })
}

func newTown(t *testing.T, e *kerneltest.Env) *town {
	t.Helper()
	w := &town{e, t, map[string]string{}, map[string]*room.Actor{}}
	w.installed()
	w.unit("区", "district", "", 0)
	w.unit("行政审批局", "department", "区", 11)
	w.unit("数据中心", "institution", "区", 12)
	w.unit("人社局", "department", "区", 13)
	w.unit("民政局", "department", "区", 14)
	for _, unit := range []string{"人社局", "民政局"} {
		w.person("编目"+unit, unit, "catalog_editor")
		w.person("审核"+unit, unit, "catalog_reviewer")
	}
	w.person("主管", "行政审批局", "catalog_bureau")
	w.person("中心", "数据中心", "catalog_centre")
	w.person("路人", "民政局")
	return w
}

// installed waits for the drawings, which a service puts in place.
func (w *town) installed() {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		n, err := store.Value[int](w.t.Context(), w.Kit.DB, `SELECT count(*) FROM flow_def WHERE kind LIKE 'catalog.%' ESCAPE '!' AND lower(kind) = kind`)
		if err != nil {
			w.t.Fatal(err)
		}
		if n == len(prefixes) {
			return
		}
		<-tick.C
	}
	w.t.Fatal("the drawings are not there")
}

func (w *town) unit(name, kind, parent string, n int) {
	w.t.Helper()
	code := ""
	if n > 0 {
		var err error
		if code, err = codes.MakeCreditCode("11", "420111", fmt.Sprintf("MB%06d", n)); err != nil {
			w.t.Fatal(err)
		}
	}
	var out struct{ ID string }
	w.Get(w.t, w.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q,"code":%q}`, "洪山区"+name, kind, w.units[parent], code), &out)
	w.units[name] = out.ID
}

func (w *town) person(name, unit string, roles ...string) {
	w.t.Helper()
	w.who[name] = w.Employ(w.t, name, name, w.units[unit], false, roles...)
}

// body is an entry that is ready, with what change makes of it.
func (w *town) body(name string, change ...string) string {
	m := map[string]any{}
	whole := fmt.Sprintf(`{"class":"3","item":"01","subject":"001","detail":"420111","name":%q,"unit":%q,"summary":"全区单位就业登记的基本情况","format":"database","sub":"mysql",
		"share":"unconditional","mode":"table","cycle":"monthly","items":[{"name":"登记号","field":"no","type":"C","length":20,"key":true,"level":"L1"},{"name":"行业","field":"industry","type":"C","length":40,"level":"L1"}]}`, name, w.units["人社局"])
	for _, part := range append([]string{whole}, change...) {
		if err := json.Unmarshal([]byte(part), &m); err != nil {
			w.t.Fatal(err, part)
		}
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func (w *town) create(as, body string) EntryBody {
	w.t.Helper()
	var out EntryBody
	w.Get(w.t, w.who[as], "POST /api/catalog/entries", body, &out)
	return out
}

func (w *town) show(as, id string) EntryBody {
	w.t.Helper()
	var out EntryBody
	w.Get(w.t, w.who[as], "GET /api/catalog/entries/"+id, "", &out)
	return out
}

func (w *town) post(as, id, verb, body string, e EntryBody) EntryBody {
	w.t.Helper()
	var out EntryBody
	w.Get(w.t, w.who[as], "POST /api/catalog/entries/"+id+"/"+verb, fmt.Sprintf(`{%s"version":%d}`, body, e.Version), &out)
	return out
}

// deed does something to a case at the task somebody holds.
func (w *town) deed(as, caseID, body string) (int, string) {
	w.t.Helper()
	var of struct{ Mine []struct{ ID string } }
	w.Get(w.t, w.who[as], "GET /api/flow/cases/"+caseID, "", &of)
	task := ""
	if len(of.Mine) > 0 {
		task = of.Mine[0].ID
	}
	return w.Call(w.t, kerneltest.Case{As: w.who[as], Call: "POST /api/flow/cases/" + caseID + "/deeds", Body: fmt.Sprintf(`{"task":%q,%s}`, task, body)})
}

func (w *town) agree(caseID string, steps ...[2]string) {
	w.t.Helper()
	for _, s := range steps {
		if status, text := w.deed(s[0], caseID, fmt.Sprintf(`"verb":"submit","outcome":%q`, s[1])); status != 200 {
			w.t.Fatal(s, status, text)
		}
	}
}

// publish takes an entry from its draft to the catalogue.
func (w *town) publish(e EntryBody) EntryBody {
	w.t.Helper()
	e = w.post("编目人社局", e.ID, "submit", "", e)
	w.agree(e.Case, [2]string{"审核人社局", "agree"}, [2]string{"主管", "agree"}, [2]string{"主管", "publish"})
	return w.show("编目人社局", e.ID)
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}

func TestPublished(t *testing.T) {
	each(t, func(w *town) {
		e := w.create("编目人社局", w.body("洪山区就业登记信息"))
		if e.State != Draft || e.Work != workDraft || e.Code != "" || !e.May.Submit {
			t.Fatalf("%+v", e)
		}
		at := "GET /api/catalog/entries/" + e.ID
		w.Run(t, []kerneltest.Case{
			{Name: "a draft is nobody else's", As: w.who["路人"], Call: at, Status: 404},
			{Name: "nor another department's editor's", As: w.who["编目民政局"], Call: at, Status: 404},
			{Name: "its reviewer sees it", As: w.who["审核人社局"], Call: at, Status: 200},
			{Name: "it is not in the catalogue", As: w.who["路人"], Call: "GET /api/catalog/entries", Status: 200, Want: []string{`"items":[]`}},
			{Name: "another department hands it in", As: w.who["编目民政局"], Call: "POST /api/catalog/entries/" + e.ID + "/submit", Body: `{"version":1}`, Status: 404},
			{Name: "an old version", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/submit", Body: `{"version":9}`, Status: 409, Want: []string{"刷新"}},
		})
		e = w.post("编目人社局", e.ID, "submit", "", e)
		if e.Work != workDept || e.Code != "301001420111/000001" || e.Holder != "审核人社局" || !strings.HasPrefix(e.Number, "ML2023-") {
			t.Fatalf("%+v", e.EntryLine)
		}
		if status, text := w.deed("审核人社局", e.Case, `"verb":"return","reason":"摘要太短"`); status != 200 {
			t.Fatal(status, text)
		}
		if e = w.show("编目人社局", e.ID); e.Work != workDraft || !e.May.Edit || !e.Running {
			t.Fatalf("%+v", e)
		}
		w.Run(t, []kerneltest.Case{{Name: "what is in review cannot be dropped", As: w.who["编目人社局"], Call: fmt.Sprintf("DELETE /api/catalog/entries/%s/draft?version=%d", e.ID, e.Version), Status: 409, Want: []string{e.Number}}})
		if e = w.post("编目人社局", e.ID, "submit", "", e); e.Work != workDept || e.Code != "301001420111/000001" {
			t.Fatalf("%+v", e.EntryLine)
		}
		w.agree(e.Case, [2]string{"审核人社局", "agree"})
		if e = w.show("主管", e.ID); e.Work != workBureau {
			t.Fatalf("%+v", e.EntryLine)
		}
		w.agree(e.Case, [2]string{"主管", "agree"})
		if e = w.show("主管", e.ID); e.Work != workApproved || e.State != Draft {
			t.Fatalf("%+v", e.EntryLine)
		}
		w.agree(e.Case, [2]string{"主管", "publish"})
		if e = w.show("编目人社局", e.ID); e.State != Published || e.Serving != 1 || e.Working != 0 || e.Running || !e.May.Change {
			t.Fatalf("%+v", e.EntryLine)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "everybody sees it", As: w.who["路人"], Call: at, Status: 200, Want: []string{`"code":"301001420111/000001"`, "洪山区人社局", `"unitCode":"11420111`}, Not: []string{`"case":"0`, e.Number}},
			{Name: "in the list", As: w.who["路人"], Call: "GET /api/catalog/entries?text=" + "%E8%A1%8C%E4%B8%9A", Status: 200, Want: []string{e.ID}},
			{Name: "by a facet it has not", As: w.who["路人"], Call: "GET /api/catalog/entries?share=refused", Status: 200, Want: []string{`"items":[]`}},
			{Name: "counted", As: w.who["路人"], Call: "GET /api/catalog/facets?share=refused", Status: 200, Want: []string{`"total":0`, `"share":[{"value":"unconditional","name":"","count":1}]`}},
			{Name: "figures", As: w.who["路人"], Call: "GET /api/catalog/figures", Status: 200, Want: []string{`"entries":1`, `"items":2`, `"mounted":0`}},
			{Name: "found", As: w.who["路人"], Call: "GET /api/find?kinds=catalog&text=%E5%B0%B1%E4%B8%9A", Status: 200, Want: []string{e.ID}},
			{Name: "he may not change it", As: w.who["路人"], Call: "POST /api/catalog/entries/" + e.ID + "/change", Body: `{"reason":"改","version":1}`, Status: 403},
		})
	})
}

func TestChanged(t *testing.T) {
	each(t, func(w *town) {
		e := w.publish(w.create("编目人社局", w.body("洪山区就业登记信息")))
		w.Get(t, w.who["路人"], "PUT /api/catalog/entries/"+e.ID+"/watch", `{"on":true}`, nil)
		e = w.post("编目人社局", e.ID, "change", `"reason":"新增信息项",`, e)
		if e.Working != 2 || e.Draft == nil || e.State != Published {
			t.Fatalf("%+v", e)
		}
		body := w.body("洪山区就业登记信息", `{"share":"conditional","condition":"限社会保险经办使用","reason":"收紧","version":`+fmt.Sprint(e.Version)+`}`)
		w.Get(t, w.who["编目人社局"], "PUT /api/catalog/entries/"+e.ID+"/draft", body, &e)
		if e.Body.Share != "unconditional" || e.Draft.Share != "conditional" {
			t.Fatal(e.Body.Share, e.Draft.Share)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "others see what serves", As: w.who["路人"], Call: "GET /api/catalog/entries/" + e.ID, Status: 200, Want: []string{`"share":"unconditional"`}, Not: []string{"限社会保险", `"draft"`}},
			{Name: "not the version in work", As: w.who["路人"], Call: "GET /api/catalog/entries/" + e.ID + "/versions/2", Status: 404},
			{Name: "the difference", As: w.who["审核人社局"], Call: "GET /api/catalog/entries/" + e.ID + "/diff?from=1&to=2", Status: 200, Want: []string{`"field":"share"`, `"narrowed":true`}},
			{Name: "a class that is published stays", As: w.who["编目人社局"], Call: "PUT /api/catalog/entries/" + e.ID + "/draft", Body: w.body("洪山区就业登记信息", `{"subject":"002","version":`+fmt.Sprint(e.Version)+`}`), Status: 200},
		})
		e = w.show("编目人社局", e.ID)
		w.Run(t, []kerneltest.Case{{Name: "when handed in", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/submit", Body: fmt.Sprintf(`{"version":%d}`, e.Version), Status: 422, Want: []string{"已经发布，不能改分类"}}})
		w.Get(t, w.who["编目人社局"], "PUT /api/catalog/entries/"+e.ID+"/draft", w.body("洪山区就业登记信息", `{"share":"conditional","condition":"限社会保险经办使用","reason":"收紧","version":`+fmt.Sprint(e.Version)+`}`), &e)
		e = w.publish(e)
		if e.Serving != 2 || e.Share != "conditional" || e.Code != "301001420111/000001" || len(e.Versions) != 2 || e.Versions[1].State != "replaced" {
			t.Fatalf("%+v", e)
		}
		w.Run(t, []kerneltest.Case{{Name: "who watches is told that it offers less", As: w.who["路人"], Call: "GET /api/notify", Status: 200, Want: []string{"有收窄", "/catalog/entries/" + e.ID}}})

		e = w.post("编目人社局", e.ID, "offline", `"reason":"业务停办",`, e)
		if e.State != Published || e.Work != workOffline {
			t.Fatalf("%+v", e.EntryLine)
		}
		w.agree(e.Case, [2]string{"审核人社局", "agree"}, [2]string{"主管", "agree"})
		w.Run(t, []kerneltest.Case{{Name: "it is gone", As: w.who["路人"], Call: "GET /api/catalog/entries/" + e.ID, Status: 404}})
		if e = w.show("主管", e.ID); e.State != Offline || !e.May.Archive {
			t.Fatalf("%+v", e.EntryLine)
		}
		e = w.post("主管", e.ID, "restore", `"reason":"恢复业务",`, e)
		if e.State != Published {
			t.Fatalf("%+v", e.EntryLine)
		}
	})
}

// A code is given once: what was dropped, or classed anew, leaves a hole.
func TestCodes(t *testing.T) {
	each(t, func(w *town) {
		one := w.post("编目人社局", w.create("编目人社局", w.body("洪山区就业登记信息")).ID, "submit", "", EntryBody{EntryLine: EntryLine{Version: 1}})
		if status, text := w.deed("审核人社局", one.Case, `"verb":"return","reason":"分类不对"`); status != 200 {
			t.Fatal(status, text)
		}
		one = w.show("编目人社局", one.ID)
		w.Get(t, w.who["编目人社局"], "PUT /api/catalog/entries/"+one.ID+"/draft", w.body("洪山区就业登记信息", `{"subject":"002","version":`+fmt.Sprint(one.Version)+`}`), &one)
		if one = w.post("编目人社局", one.ID, "submit", "", one); one.Code != "301002420111/000001" {
			t.Fatal(one.Code)
		}
		two := w.create("编目人社局", w.body("洪山区失业登记信息"))
		if two = w.post("编目人社局", two.ID, "submit", "", two); two.Code != "301001420111/000002" {
			t.Error("a retired code was given again:", two.Code)
		}
		n, err := store.Value[int](t.Context(), w.Kit.DB, `SELECT count(*) FROM catalog_code WHERE code = $1 AND retired_at > 0`, "301001420111/000001")
		if err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

func TestRefused(t *testing.T) {
	each(t, func(w *town) {
		for _, c := range []struct{ name, change, want string }{
			{"not shared without a law", `{"share":"refused"}`, "不予共享要写明法律"},
			{"conditions without one", `{"share":"conditional"}`, "有条件共享要写明共享条件"},
			{"population that is not for all", `{"class":"1","item":"01","share":"conditional","condition":"限核验"}`, "必须无条件共享"},
			{"open with what is internal", `{"open":true,"items":[{"name":"登记号","type":"C","length":20,"level":"L2"}]}`, "必须全部是 L1"},
			{"a number that identifies, at L1", `{"items":[{"name":"身份证号","type":"C","length":18,"level":"L1","kind":"id"}]}`, "至少定为 L3"},
			{"L3 for everybody", `{"items":[{"name":"姓名","type":"C","length":18,"level":"L3","kind":"name"}]}`, "不能无条件共享"},
			{"an item wider than its resource", `{"share":"conditional","condition":"限核验","items":[{"name":"行业","type":"C","length":18,"level":"L1","share":"unconditional"}]}`, "不能比整个资源更宽"},
			{"one name twice", `{"items":[{"name":"行业","type":"C","length":18,"level":"L1"},{"name":"行业","type":"I","level":"L1"}]}`, "重名"},
			{"no items", `{"items":[]}`, "要列出信息项"},
			{"no such class", `{"item":"77"}`, "没有“377”"},
			{"a subject of two digits", `{"subject":"01"}`, "3 位数字"},
			{"a link to nothing", `{"related":["301001/000777"]}`, "301001/000777"},
		} {
			e := w.create("编目人社局", w.body("洪山区就业登记信息", c.change))
			w.Run(t, []kerneltest.Case{
				{Name: c.name, As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/submit", Body: `{"version":1}`, Status: 422, Want: []string{c.want}},
				{Name: c.name + ", said beforehand", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/check", Status: 200, Want: []string{c.want}},
			})
			if e = w.show("编目人社局", e.ID); e.Work != workDraft || e.Code != "" || e.Case != "" {
				t.Errorf("%s left something: %+v", c.name, e.EntryLine)
			}
		}
		w.Run(t, []kerneltest.Case{
			{Name: "for another unit", As: w.who["编目人社局"], Call: "POST /api/catalog/entries", Body: w.body("洪山区婚姻登记信息", fmt.Sprintf(`{"unit":%q}`, w.units["民政局"])), Status: 403},
			{Name: "without a name", As: w.who["编目人社局"], Call: "POST /api/catalog/entries", Body: w.body("x"), Status: 422, Want: []string{"资源名称"}},
		})
	})
}

// The bureau and the limits are the district's to set; what is set holds for the next case.
func TestSettings(t *testing.T) {
	each(t, func(w *town) {
		w.person("别局", "数据中心", "catalog_bureau")
		code := ""
		if err := w.Kit.DB.Tx(room.BySystem(t.Context()), func(ctx context.Context, tx *store.Tx) error {
			u, err := w.Kit.Org.Unit(ctx, tx, w.units["行政审批局"])
			code = u.Code
			return err
		}); err != nil {
			t.Fatal(err)
		}
		holders := func() string {
			e := w.create("编目人社局", w.body("洪山区就业登记信息"))
			e = w.post("编目人社局", e.ID, "submit", "", e)
			w.agree(e.Case, [2]string{"审核人社局", "agree"})
			return w.show("编目人社局", e.ID).Holder
		}
		if got := holders(); !strings.Contains(got, "别局") || !strings.Contains(got, "主管") {
			t.Error("without a bureau everybody with the role has it:", got)
		}
		set := func(name string, value any) {
			b, _ := json.Marshal(map[string]any{"value": value, "reason": "调整", "version": 0})
			w.Get(t, w.Administrator(room.System), "PUT /api/settings/catalog."+name, string(b), nil)
		}
		set("bureau", code)
		if got := holders(); got != "主管" {
			t.Error("the bureau's alone:", got)
		}
		set("bureau_days", 7)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range 2000 {
			n, err := store.Value[int](t.Context(), w.Kit.DB, `SELECT max(number) FROM flow_def WHERE kind = 'catalog.publish'`)
			if err != nil {
				t.Fatal(err)
			}
			if n > 1 {
				return
			}
			<-tick.C
		}
		t.Error("the flow was not drawn again")
	})
}
