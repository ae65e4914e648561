package burden

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/kernel"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// shelf is a catalogue of a test.
type shelf struct {
	mu      sync.Mutex
	entries []Entry
	bound   map[string]string
	columns map[string]map[string]string
	tickets []string
}

func (s *shelf) Published(_ context.Context, _ store.Queryer, mark string) ([]Entry, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := strconv.Itoa(len(s.entries))
	if now == mark {
		return nil, now, nil
	}
	return append([]Entry{}, s.entries...), now, nil
}

func (s *shelf) Bound(_ context.Context, _ store.Queryer, entry string) (string, map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound[entry], s.columns[entry], nil
}

func (s *shelf) put(entry, ds string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound[entry] = ds
}

// Report keeps no ticket but counts it: what becomes of one is the room of quality's to show.
func (s *shelf) Report(_ context.Context, _ *store.Tx, dataset, column, words string) (ticket, number string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = append(s.tickets, dataset+" "+column+" "+words)
	return "ticket-1", "ZL2023-00001", nil
}

// shelves keeps the catalogue of each house by its kit.
var shelves sync.Map

var houses = &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
	s := &shelf{bound: map[string]string{}, columns: map[string]map[string]string{}}
	shelves.Store(kit, s)
	return []*room.Room{New(kit, s, s)}
},
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}}

// town is a small district: civil affairs and health ask, the centre checks and holds the grid table, two communities of one street and one of another fill in.
type town struct {
	*kerneltest.Env
	t     *testing.T
	shelf *shelf
	units map[string]string
	who   map[string]*room.Actor
	ds    dataset.Dataset
}

var (
	text    = warehouse.Type{Kind: warehouse.KindText}
	integer = warehouse.Type{Kind: warehouse.KindInteger}
)

var grid = []dataset.Column{
	{Name: "code", Title: "社区代码", Type: text, Key: true, Level: dataset.L2},
	{Name: "staff", Title: "网格员数", Type: integer, Level: dataset.L2},
	{Name: "low", Title: "低保户数", Type: integer, Level: dataset.L2},
}

func each(t *testing.T, fn func(w *town)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(newTown(t, e)) })
}

func newTown(t *testing.T, e *kerneltest.Env) *town {
	t.Helper()
	s, _ := shelves.Load(e.Kit)
	w := &town{Env: e, t: t, shelf: s.(*shelf), units: map[string]string{}, who: map[string]*room.Actor{}}
	w.Drawn(w.t, "burden.check")
	w.unit("区", "district", "", "420111")
	for _, u := range []string{"民政局", "卫健局", "数据中心"} {
		w.unit(u, "department", "区", "")
	}
	w.unit("关山街道", "street", "区", "420111005")
	w.unit("狮子山街道", "street", "区", "420111006")
	w.unit("石牌社区", "community", "关山街道", "420111005001")
	w.unit("当代社区", "community", "关山街道", "420111005002")
	w.unit("南湖社区", "community", "狮子山街道", "420111006001")
	w.person("民政", "民政局", "burden_editor")
	w.person("卫健", "卫健局", "burden_editor")
	w.person("审查", "数据中心", "burden_checker")
	w.person("街道", "关山街道", "burden_street")
	w.person("石牌", "石牌社区")
	w.person("当代", "当代社区")
	w.person("南湖", "南湖社区")
	w.ds = w.gather("grid", "社区网格", "数据中心", grid, []any{"420111005001", int64(6), int64(31)}, []any{"420111005002", int64(8), int64(12)}, []any{"420111006001", int64(5), int64(40)})
	w.put(Entry{ID: "e-grid", Code: "210001/000001", Name: "社区网格划分信息", Unit: w.units["数据中心"], Share: unconditional,
		Items: []Item{{Name: "社区代码", Type: "C", Share: unconditional}, {Name: "网格员数", Type: "I", Share: unconditional}, {Name: "低保户数", Type: "I", Share: unconditional}}},
		w.ds.ID, map[string]string{"社区代码": "code", "网格员数": "staff", "低保户数": "low"})
	w.put(Entry{ID: "e-old", Code: "203001/000002", Name: "高龄老人信息", Unit: w.units["民政局"], Share: conditional, Condition: "限养老服务使用",
		Items: []Item{{Name: "高龄老人数", Type: "I", Share: conditional}, {Name: "公民身份号码", Type: "C", Kind: "id", Share: conditional}}}, "", nil)
	w.put(Entry{ID: "e-line", Code: "301001/000003", Name: "网络线路信息", Unit: w.units["数据中心"], Share: "refused", Condition: "", Basis: "《网络安全法》第二十一条",
		Items: []Item{{Name: "带宽", Type: "I", Share: "refused"}}}, "", nil)
	return w
}

func (w *town) put(e Entry, ds string, columns map[string]string) {
	w.shelf.mu.Lock()
	defer w.shelf.mu.Unlock()
	w.shelf.entries = append(w.shelf.entries, e)
	w.shelf.bound[e.ID], w.shelf.columns[e.ID] = ds, columns
}

func (w *town) unit(name, kind, parent, code string) {
	w.t.Helper()
	var out struct{ ID string }
	called := name
	if name == "区" {
		called = "洪山区"
	}
	w.Get(w.t, w.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q,"code":%q}`, called, kind, w.units[parent], code), &out)
	w.units[name] = out.ID
}

func (w *town) person(name, unit string, roles ...string) {
	w.t.Helper()
	w.who[name] = w.Employ(w.t, name, name, w.units[unit], false, roles...)
}

// gather puts a dataset of a unit in place.
func (w *town) gather(name, title, unit string, cols []dataset.Column, rows ...[]any) (ds dataset.Dataset) {
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
	err = w.Kit.DB.Tx(room.BySystem(w.t.Context()), func(ctx context.Context, tx *store.Tx) error {
		ds, err = w.Kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: name, Title: title, Room: "library", Unit: w.units[unit], Columns: cols, Loaded: loaded.Version})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

// grant lets a unit use columns of a dataset.
func (w *town) grant(ds dataset.Dataset, unit string, columns ...string) {
	w.t.Helper()
	err := w.Kit.DB.Tx(room.BySystem(w.t.Context()), func(ctx context.Context, tx *store.Tx) error {
		_, err := w.Kit.Datasets.Grant(ctx, tx, ds, dataset.Grant{Unit: w.units[unit], Columns: columns, Modes: []dataset.Mode{dataset.Batch, dataset.Look}, Purpose: "预填报表", Basis: "试验", Until: store.At(w.Now.AddDate(0, 6, 0))})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func said(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// form is a report of one row a community, with what change makes of it.
func (w *town) form(title string, fields ...map[string]any) map[string]any {
	return map[string]any{"title": title, "purpose": "掌握社区治理力量底数", "basis": "《社区治理工作要点》", "period": "monthly", "level": "community", "due": "2023-06-25",
		"targets": []string{w.units["区"]}, "fields": fields}
}

func asks(key, name, kind string, more ...any) map[string]any {
	f := map[string]any{"key": key, "name": name, "kind": kind}
	for i := 0; i+1 < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return f
}

func (w *town) draft(as string, form map[string]any) (r ReportBody) {
	w.t.Helper()
	w.Get(w.t, w.who[as], "POST /api/burden/reports", said(form), &r)
	return r
}

func (w *town) show(as, id string) (r ReportBody) {
	w.t.Helper()
	w.Get(w.t, w.who[as], "GET /api/burden/reports/"+id, "", &r)
	return r
}

func (w *town) file(as string, r ReportBody) ReportBody {
	w.t.Helper()
	w.Get(w.t, w.who[as], "POST /api/burden/reports/"+r.ID+"/file", fmt.Sprintf(`{"version":%d}`, r.Version), &r)
	return r
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

// approved takes a report through its check.
func (w *town) approved(as string, form map[string]any) ReportBody {
	w.t.Helper()
	r := w.file(as, w.draft(as, form))
	w.must("审查", r.Case, `"verb":"submit","outcome":"pass"`)
	if r = w.show(as, r.ID); r.State != Approved || !r.MaySend {
		w.t.Fatalf("%+v", r.ReportLine)
	}
	return r
}

func (w *town) send(as, report string) (o RoundBody) {
	w.t.Helper()
	w.Get(w.t, w.who[as], "POST /api/burden/reports/"+report+"/send", `{"due":"2023-07-25"}`, &o)
	return o
}

// sheet is what a community has to fill in for a round.
func (w *town) sheet(as, round string) (s SheetBody) {
	w.t.Helper()
	var all struct{ Items []SheetLine }
	w.Get(w.t, w.who[as], "GET /api/burden/sheets?round="+round, "", &all)
	if len(all.Items) != 1 {
		w.t.Fatalf("%s has %d sheets", as, len(all.Items))
	}
	w.Get(w.t, w.who[as], "POST /api/burden/sheets/"+all.Items[0].ID+"/open", "", &s)
	return s
}

func (w *town) submit(as string, s SheetBody, spent int, rows ...map[string]string) SheetBody {
	w.t.Helper()
	w.Get(w.t, w.who[as], "POST /api/burden/sheets/"+s.ID+"/submit", said(map[string]any{"rows": rows, "version": s.Version, "spentSeconds": spent}), &s)
	return s
}

func (w *town) meter(as, query string) (m Meter) {
	w.t.Helper()
	w.Get(w.t, w.who[as], "GET /api/burden/meter"+query, "", &m)
	return m
}
