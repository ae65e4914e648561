package exchange

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
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// shelf is a catalogue of a test.
type shelf struct {
	mu      sync.Mutex
	entries map[string]Entry
	room    *Exchange
}

func (s *shelf) ByID(_ context.Context, _ store.Queryer, id string) (Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	return e, ok, nil
}

func (s *shelf) ByDataset(_ context.Context, _ store.Queryer, dataset string) (Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Dataset == dataset {
			return e, true, nil
		}
	}
	return Entry{}, false, nil
}

func (s *shelf) put(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[e.ID] = e
}

// shelves keeps the catalogue of each house by its kit.
var shelves sync.Map

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
	s := &shelf{entries: map[string]Entry{}}
	s.room = hosted(kit, s)
	shelves.Store(kit, s)
	return []*room.Room{s.room.room()}
},
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}}

// town is a small district: civil affairs asks, public security provides, the data centre checks.
type town struct {
	*kerneltest.Env
	t     *testing.T
	shelf *shelf
	units map[string]string
	who   map[string]*room.Actor
	ds    dataset.Dataset
}

var text = warehouse.Type{Kind: warehouse.KindText}

// persons are the columns of the one dataset of the town.
var persons = []dataset.Column{
	{Name: "id", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "name", Title: "姓名", Type: text, Kind: codes.KindName, Level: dataset.L3, Masked: true},
	{Name: "street", Title: "街道", Type: text, Level: dataset.L2},
	{Name: "age", Title: "年龄", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2},
	{Name: "note", Title: "备注", Type: text, Level: dataset.L2},
}

func idOf(n int) string { return fmt.Sprintf("42019919850615%04d", n) }

func each(t *testing.T, fn func(w *town)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(newTown(t, e)) })
}

func newTown(t *testing.T, e *kerneltest.Env) *town {
	t.Helper()
	s, _ := shelves.Load(e.Kit)
	w := &town{Env: e, t: t, shelf: s.(*shelf), units: map[string]string{}, who: map[string]*room.Actor{}}
	w.Drawn(w.t, "exchange.apply")
	w.unit("区", "district", "")
	for _, u := range []string{"民政局", "公安分局", "教育局", "数据中心"} {
		w.unit(u, "department", "区")
	}
	w.person("申请", "民政局", "exchange_applicant")
	w.person("同事", "民政局", "exchange_applicant")
	w.person("提供", "公安分局", "exchange_provider")
	w.person("审查", "数据中心", "exchange_centre")
	w.person("旁人", "教育局", "exchange_applicant", "exchange_provider")
	var rows [][]any
	for n := range 25 {
		rows = append(rows, []any{idOf(n), "王某" + string(rune('甲'+n%3)), []string{"关山街道", "狮子山街道"}[n%2], int64(20 + n), "n"})
	}
	w.ds = w.gather("persons", "常住人口", "公安分局", persons, rows...)
	w.shelf.put(w.entry("e1", conditional))
	return w
}

// entry is a published entry about the town's dataset.
func (w *town) entry(id, share string) Entry {
	e := Entry{ID: id, Code: "301001/000001", Name: "常住人口信息", Unit: w.units["公安分局"], Share: share, Condition: "限民政救助", Dataset: w.ds.ID}
	for _, c := range persons[:4] {
		e.Items = append(e.Items, Item{Name: c.Title, Column: c.Name, Share: share, Level: c.Level, Key: c.Key})
	}
	return e
}

func (w *town) unit(name, kind, parent string) {
	w.t.Helper()
	var out struct{ ID string }
	w.Get(w.t, w.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q}`, "洪山区"+name, kind, w.units[parent]), &out)
	w.units[name] = out.ID
}

func (w *town) person(name, unit string, roles ...string) {
	w.t.Helper()
	w.who[name] = w.Employ(w.t, name, name, w.units[unit], false, roles...)
}

// gather puts a dataset of a unit in place, or its next version.
func (w *town) gather(name, title, unit string, cols []dataset.Column, rows ...[]any) dataset.Dataset {
	w.t.Helper()
	loaded, err := w.Kit.Warehouse.Load(w.t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var ds dataset.Dataset
	err = w.Kit.DB.Tx(room.BySystem(w.t.Context()), func(ctx context.Context, tx *store.Tx) error {
		p := dataset.Publication{Name: name, Title: title, Room: "library", Unit: w.units[unit], Columns: cols, Loaded: loaded.Version}
		if old, err := w.Kit.Datasets.Named(ctx, tx, name, store.Unscoped("a test")); err == nil {
			p.ID, p.Expect = old.ID, old.Version
		}
		ds, err = w.Kit.Datasets.Publish(ctx, tx, p)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

// wish is an application's form, with what change makes of it.
func wish(change ...string) map[string]any {
	m := map[string]any{}
	whole := `{"columns":["id","name","street","age"],"reveal":[],"modes":["api","look"],"days":180,"quota":0,"filter":[],"purpose":"核对社会救助申请人的户籍","basis":"《社会救助暂行办法》第五十八条",
		"matter":"最低生活保障审核","scenario":"受理窗口逐人核对","frequency":"daily","contact":"李慧","pledge":true}`
	for _, part := range append([]string{whole}, change...) {
		if err := json.Unmarshal([]byte(part), &m); err != nil {
			panic(part)
		}
	}
	return m
}

func said(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// create drafts an application.
func (w *town) create(as, entry string, change ...string) ApplicationBody {
	w.t.Helper()
	var out ApplicationBody
	w.Get(w.t, w.who[as], "POST /api/exchange/applications", said(map[string]any{"entry": entry, "wish": wish(change...), "phone": "027-87678888"}), &out)
	return out
}

func (w *town) show(as, id string) ApplicationBody {
	w.t.Helper()
	var out ApplicationBody
	w.Get(w.t, w.who[as], "GET /api/exchange/applications/"+id, "", &out)
	return out
}

// file drafts an application and hands it in.
func (w *town) file(as, entry string, change ...string) ApplicationBody {
	w.t.Helper()
	a := w.create(as, entry, change...)
	w.Get(w.t, w.who[as], "POST /api/exchange/applications/"+a.ID+"/file", fmt.Sprintf(`{"version":%d}`, a.Version), &a)
	return a
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

func (w *town) must(as, caseID, body string) {
	w.t.Helper()
	if status, text := w.deed(as, caseID, body); status != 200 {
		w.t.Fatal(as, body, status, text)
	}
}

// until waits for the job that grants.
func (w *town) until(id string, is State) ApplicationBody {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if a := w.show("申请", id); a.State == is {
			return a
		}
		<-tick.C
	}
	w.t.Fatalf("%+v", w.show("申请", id).ApplicationLine)
	return ApplicationBody{}
}

// granted takes an application to its grant, on terms that change what was asked for.
func (w *town) granted(change ...string) GrantBody {
	w.t.Helper()
	a := w.file("申请", "e1", change...)
	w.must("审查", a.Case, `"verb":"submit","outcome":"pass"`)
	w.must("提供", a.Case, `"verb":"submit","outcome":"agree"`)
	return w.grantOf(w.until(a.ID, Granted).Grant)
}

func (w *town) grantOf(id string) GrantBody {
	w.t.Helper()
	var g GrantBody
	w.Get(w.t, w.who["申请"], "GET /api/exchange/grants/"+id, "", &g)
	return g
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}

// A provider refuses, then grants three fields for ninety days.
func TestRefusedThenGranted(t *testing.T) {
	each(t, func(w *town) {
		a := w.create("申请", "e1")
		at := "/api/exchange/applications/" + a.ID
		w.Run(t, []kerneltest.Case{
			{Name: "a draft is the applicant's unit's", As: w.who["同事"], Call: "GET " + at, Status: 200},
			{Name: "not the provider's yet", As: w.who["提供"], Call: "GET " + at, Status: 404},
			{Name: "a colleague does not file it", As: w.who["同事"], Call: "POST " + at + "/file", Body: `{"version":1}`, Status: 403},
			{Name: "an old version", As: w.who["申请"], Call: "POST " + at + "/file", Body: `{"version":7}`, Status: 409},
		})
		w.Get(t, w.who["申请"], "POST "+at+"/file", `{"version":1}`, &a)
		if a.State != Review || a.Share != conditional || a.Holder != "审查" || !strings.HasPrefix(a.Number, "GX2023-") || a.Due.IsZero() {
			t.Fatalf("%+v", a.ApplicationLine)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "filed, the provider sees it", As: w.who["提供"], Call: "GET " + at, Status: 200, Want: []string{"027-87678888"}},
			{Name: "another unit does not", As: w.who["旁人"], Call: "GET " + at, Status: 404},
			{Name: "nor in the list", As: w.who["旁人"], Call: "GET /api/exchange/applications", Status: 200, Want: []string{`"items":[]`}},
			{Name: "it is not changed any more", As: w.who["申请"], Call: "PUT " + at, Body: said(map[string]any{"wish": wish(), "version": a.Version}), Status: 409},
		})
		w.must("审查", a.Case, `"verb":"return","reason":"请补充使用场景"`)
		if a = w.show("申请", a.ID); a.State != Returned || a.Reason != "请补充使用场景" || !a.MayEdit {
			t.Fatalf("%+v", a)
		}
		w.Get(t, w.who["申请"], "PUT "+at, said(map[string]any{"wish": wish(`{"scenario":"街道受理窗口逐人核对"}`), "phone": "027-87678888", "version": a.Version}), &a)
		w.Get(t, w.who["申请"], "POST "+at+"/file", fmt.Sprintf(`{"version":%d}`, a.Version), &a)
		w.must("审查", a.Case, `"verb":"submit","outcome":"pass"`)
		if a = w.show("提供", a.ID); a.Holder != "提供" || len(a.Steps) != 1 || a.Steps[0] != "provide" {
			t.Fatalf("%+v", a)
		}
		if status, text := w.deed("提供", a.Case, `"verb":"submit","outcome":"refuse"`); status != 422 || !strings.Contains(text, `"reason"`) {
			t.Error("refused without a reason:", status, text)
		}
		w.must("提供", a.Case, `"verb":"submit","outcome":"refuse","reason":"范围过大，只需街道和年龄"`)
		if a = w.show("申请", a.ID); a.State != Refused || a.Reason != "范围过大，只需街道和年龄" || a.Grant != "" {
			t.Fatalf("%+v", a)
		}

		b := w.file("申请", "e1")
		w.must("审查", b.Case, `"verb":"submit","outcome":"pass"`)
		wider := `"verb":"submit","outcome":"agree","data":{"columns":["id","street","note"],"modes":["api"],"days":365,"reveal":["id"]}`
		if status, text := w.deed("提供", b.Case, wider); status != 422 || !strings.Contains(text, "不能扩大") || !strings.Contains(text, `"days"`) || !strings.Contains(text, `"reveal"`) {
			t.Error("wider than asked for:", status, text)
		}
		w.must("提供", b.Case, `"verb":"submit","outcome":"agree","data":{"columns":["id","street","age"],"modes":["api"],"days":90,"quota":100,"filter":[{"column":"street","op":"eq","values":["关山街道"]}]}`)
		b = w.until(b.ID, Granted)
		g := w.grantOf(b.Grant)
		if g.State != standing || g.Columns != 3 || g.Left != 91 && g.Left != 90 || g.Terms.Quota != 100 || len(g.Terms.Filter) != 1 || g.MayDecide || !g.MayUse {
			t.Fatalf("%+v", g)
		}
		given, err := w.Kit.Datasets.Grants(t.Context(), w.Kit.DB, w.ds.ID)
		if err != nil || len(given) != 1 || given[0].Case != b.Case || given[0].By != w.who["提供"].Person || given[0].Unit != w.units["民政局"] {
			t.Errorf("%+v %v", given, err)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "the applicant is told", As: w.who["申请"], Call: "GET /api/notify", Status: 200, Want: []string{"已授权", "范围过大", "请补充使用场景"}},
			{Name: "figures", As: w.who["申请"], Call: "GET /api/exchange/figures", Status: 200, Want: []string{`"applications":2`, `"granted":1`, `"refused":1`, `"finished":2`, `"inTime":2`, `"standing":1`}},
			{Name: "figures of others", As: w.who["旁人"], Call: "GET /api/exchange/figures", Status: 200, Want: []string{`"applications":0`, `"standing":0`}},
			{Name: "the grant is nobody else's", As: w.who["旁人"], Call: "GET /api/exchange/grants/" + g.ID, Status: 404},
			{Name: "the provider sees it", As: w.who["提供"], Call: "GET /api/exchange/grants?view=provided", Status: 200, Want: []string{g.ID}},
			{Name: "he does not use it", As: w.who["提供"], Call: "GET /api/exchange/grants/" + g.ID + "/keys", Status: 403},
		})
	})
}

func TestShareTypes(t *testing.T) {
	each(t, func(w *town) {
		law := w.entry("e3", refused)
		law.Dataset, law.Basis = "", "《中华人民共和国个人信息保护法》第十三条"
		w.shelf.put(law)
		open := w.entry("e1", unconditional)
		w.shelf.put(open)
		bare := Entry{ID: "e4", Code: "301001/000004", Name: "婚姻登记", Unit: w.units["公安分局"], Share: unconditional, Items: []Item{{Name: "身份证号", Share: unconditional}, {Name: "街道", Share: unconditional}}}
		w.shelf.put(bare)
		w.Run(t, []kerneltest.Case{
			{Name: "what is not shared is refused by its law", As: w.who["申请"], Call: "POST /api/exchange/applications", Body: said(map[string]any{"entry": "e3", "wish": wish()}), Status: 403, Want: []string{"个人信息保护法》第十三条"}},
			{Name: "nothing there", As: w.who["申请"], Call: "POST /api/exchange/applications", Body: said(map[string]any{"entry": "e9", "wish": wish()}), Status: 404},
			{Name: "one's own data", As: w.who["提供"], Call: "GET /api/exchange/source?entry=e1", Status: 200, Want: []string{`"share":"unconditional"`, "身份证号"}, Not: []string{"备注"}},
		})
		a := w.create("提供", "e1")
		w.Run(t, []kerneltest.Case{{Name: "needs no application", As: w.who["提供"], Call: "POST /api/exchange/applications/" + a.ID + "/file", Body: `{"version":1}`, Status: 409, Want: []string{"本单位"}}})
		a = w.create("申请", "e1", `{"columns":["note"],"modes":[],"pledge":false,"days":0,"purpose":"x"}`)
		w.Run(t, []kerneltest.Case{
			{Name: "what is missing", As: w.who["申请"], Call: "POST /api/exchange/applications/" + a.ID + "/file", Body: `{"version":1}`, Status: 422, Want: []string{"5 处", "没有信息项“note”", "安全承诺", "使用期限"}},
			{Name: "a colleague does not drop it", As: w.who["同事"], Call: "DELETE /api/exchange/applications/" + a.ID + "?version=1", Status: 403},
			{Name: "dropped", As: w.who["申请"], Call: "DELETE /api/exchange/applications/" + a.ID + "?version=1", Status: 204},
		})

		a = w.file("申请", "e1")
		w.must("审查", a.Case, `"verb":"submit","outcome":"pass"`) // nobody else is asked
		if a = w.until(a.ID, Granted); a.Share != unconditional || len(a.Terms.Columns) != 4 {
			t.Fatalf("%+v", a)
		}
		b := w.file("申请", "e1", `{"reveal":["id"]}`)
		if b.Share != conditional {
			t.Error("in clear without the provider:", b.Share)
		}

		c := w.file("申请", "e4", `{"columns":["身份证号","街道"]}`)
		w.must("审查", c.Case, `"verb":"submit","outcome":"pass"`)
		if c = w.show("提供", c.ID); c.Holder != "提供" || c.Steps[0] != "supply" {
			t.Fatalf("%+v", c)
		}
		if status, text := w.deed("提供", c.Case, `"verb":"submit","outcome":"done"`); status != 409 || !strings.Contains(text, "还没有挂接") {
			t.Error(status, text)
		}
		bare.Dataset, bare.Items[0].Column, bare.Items[1].Column = w.ds.ID, "id", "street"
		w.shelf.put(bare)
		w.must("提供", c.Case, `"verb":"submit","outcome":"done"`)
		if c = w.until(c.ID, Granted); strings.Join(c.Terms.Columns, ",") != "id,street" {
			t.Fatalf("%+v", c.Terms)
		}
	})
}

// The answer may be put off once; a late step counts as late, and grants are reminded of, suspended, resumed and ended.
func TestClocks(t *testing.T) {
	each(t, func(w *town) {
		a := w.file("申请", "e1")
		w.must("审查", a.Case, `"verb":"submit","outcome":"pass"`)
		w.must("提供", a.Case, `"verb":"submit","outcome":"later","reason":"需要商法制部门"`)
		if status, text := w.deed("提供", a.Case, `"verb":"submit","outcome":"later","reason":"再等等"`); status != 422 {
			t.Error("put off twice:", status, text)
		}
		w.Move(30 * 24 * time.Hour)
		if err := w.Kit.Flow.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.must("提供", a.Case, `"verb":"submit","outcome":"agree"`)
		a = w.until(a.ID, Granted)
		if !a.Late {
			t.Error("thirty days are in time")
		}
		g := w.grantOf(a.Grant)
		verb := func(name string) string { return "POST /api/exchange/grants/" + g.ID + "/" + name }
		body := func() string { return fmt.Sprintf(`{"reason":"核查使用情况","version":%d}`, g.Version) }
		w.Run(t, []kerneltest.Case{
			{Name: "who uses it does not decide", As: w.who["申请"], Call: verb("suspend"), Body: body(), Status: 403, Want: []string{"提供单位"}},
			{Name: "another unit", As: w.who["旁人"], Call: verb("revoke"), Body: body(), Status: 404},
			{Name: "without a reason", As: w.who["提供"], Call: verb("revoke"), Body: fmt.Sprintf(`{"reason":"","version":%d}`, g.Version), Status: 422},
		})
		w.Get(t, w.who["提供"], verb("suspend"), body(), &g)
		if given, _ := w.Kit.Datasets.Grants(t.Context(), w.Kit.DB, w.ds.ID); g.State != suspended || given[0].Revoked.IsZero() {
			t.Fatalf("%+v", g.GrantLine)
		}
		w.Get(t, w.who["提供"], verb("resume"), body(), &g)
		if given, _ := w.Kit.Datasets.Grants(t.Context(), w.Kit.DB, w.ds.ID); g.State != standing || !given[0].Active(w.Now) || !given[0].Until.Equal(g.Until.Time) {
			t.Fatalf("%+v", g.GrantLine)
		}
		tick := func(days int) {
			w.Move(time.Duration(days) * 24 * time.Hour)
			for range 2 {
				if err := w.shelf.room.remind(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		tick(151)
		tick(23)
		w.Run(t, []kerneltest.Case{{Name: "both sides are reminded", As: w.who["提供"], Call: "GET /api/notify", Status: 200, Want: []string{"不到 30 天", "不到 7 天"}},
			{Name: "and who uses it", As: w.who["申请"], Call: "GET /api/notify", Status: 200, Want: []string{"不到 30 天", "不到 7 天", "已恢复"}},
			{Name: "coming to an end", As: w.who["申请"], Call: "GET /api/exchange/grants?state=ending", Status: 200, Want: []string{g.ID}}})
		var again ApplicationBody
		w.Get(t, w.who["申请"], verb("renew"), "", &again)
		if again.Renews != g.ID || again.Wish.Days != 180 || again.Wish.Pledge || again.Phone != "027-87678888" {
			t.Errorf("%+v", again)
		}
		w.Run(t, []kerneltest.Case{{Name: "renewed twice", As: w.who["申请"], Call: verb("renew"), Status: 409}})
		tick(8)
		if g = w.grantOf(g.ID); g.State != over {
			t.Fatalf("%+v", g.GrantLine)
		}
		w.Run(t, []kerneltest.Case{{Name: "it has ended", As: w.who["提供"], Call: verb("suspend"), Body: body(), Status: 409},
			{Name: "told", As: w.who["提供"], Call: "GET /api/notify", Status: 200, Want: []string{"已到期"}}})
	})
}
