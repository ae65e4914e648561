package batch_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/batch"
	"qushu/internal/datahub/batch/internal/parcel/parceltest"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type town struct{}

func (town) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		out[id] = "单位" + id
	}
	return out, nil
}

// ledger keeps what runs enter.
type ledger struct {
	mu      sync.Mutex
	entries []batch.Entry
}

func (*ledger) Indexer(dataset, column string) func(string) uint64 {
	return func(key string) (h uint64) {
		for _, c := range dataset + column + key {
			h = h*31 + uint64(c)
		}
		return h
	}
}

func (l *ledger) Enter(_ context.Context, _ *store.Tx, e batch.Entry) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return fmt.Sprintf("root of %d", len(e.Subjects)), nil
}

// Related finds nothing: what it finds is the look-up's own.
func (*ledger) Related(context.Context, batch.Entry) ([]string, error) { return nil, nil }

// Differs holds a list against those of earlier runs.
func (l *ledger) Differs(_ context.Context, e batch.Entry, runs []string, least int) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, old := range l.entries {
		n := 0
		for _, s := range e.Subjects {
			if !slices.Contains(old.Subjects, s) {
				n++
			}
		}
		for _, s := range old.Subjects {
			if !slices.Contains(e.Subjects, s) {
				n++
			}
		}
		if slices.Contains(runs, old.ID) && n > 0 && n < least {
			return true, nil
		}
	}
	return false, nil
}

var book = &ledger{}

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room { return []*room.Room{batch.New(kit, town{}, book, book)} },
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

var columns = []dataset.Column{
	{Name: "sfzh", Title: "身份证号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "xm", Title: "姓名", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindName, Level: dataset.L3, Masked: true},
	{Name: "sjh", Title: "手机号", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindMobile, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "jd", Title: "街道", Type: warehouse.Type{Kind: warehouse.KindText}, Level: dataset.L2},
	{Name: "cbrq", Title: "参保日期", Type: warehouse.Type{Kind: warehouse.KindDate}, Level: dataset.L2},
}

// env is a house with the verbs of this room.
type env struct {
	*kerneltest.Env
	t *testing.T
}

func each(t *testing.T, fn func(e env)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(env{e, t}) })
}

func feed(rows [][]any) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	}
}

// publish makes a dataset of unit u1, or the next version of one.
func (e env) publish(id string, expect int64, rows ...[]any) dataset.Dataset {
	e.t.Helper()
	loaded, err := e.Kit.Warehouse.Load(e.t.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(columns), OnDuplicate: warehouse.KeepAll}, feed(rows))
	if err != nil {
		e.t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.Kit.DB.Tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: id, Expect: expect, Name: "people", Title: "参保人口", Room: "library", Unit: "u1", Owner: "zhang", Columns: columns, Loaded: loaded.Version})
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return ds
}

// people are n fictional insured persons: 张一 …, in two streets.
func people(n int) [][]any {
	out := make([][]any, n)
	for i := range out {
		out[i] = []any{codes.Fictional(i), "张某" + fmt.Sprint(i), fmt.Sprintf("138%08d", i), []string{"关山街道", "珞南街道"}[i%2], warehouse.Date("2020-03-01")}
	}
	return out
}

func (e env) grant(ds dataset.Dataset, g dataset.Grant) dataset.Grant {
	e.t.Helper()
	g.Purpose, g.Basis, g.Until = "核对参保状态", "社会保险法第八十三条", store.At(e.Now.Add(30*24*time.Hour))
	if g.Modes == nil {
		g.Modes = []dataset.Mode{dataset.Batch}
	}
	err := e.Kit.DB.Tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		g, err = e.Kit.Datasets.Grant(ctx, tx, ds, g)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return g
}

func officer(name, unit string) *room.Actor {
	return kerneltest.Actor(name, unit, room.Unit, "batch.run", "batch.ask")
}

// run is what the tests read of a run.
type run struct {
	ID, State, Error, Root, Format, Encoding, Grant string
	Rows, Valid, Invalid, Repeated, Upgraded        int64
	Hits, Missed, Changed, Version, CopyCount       int64
	Ready                                           bool
	Plan                                            map[string]any
	Problems, Notes, Why                            []struct{ Message string }
	Groups                                          []batch.Group
	FileColumns                                     []struct{ Header, Kind string }
	Samples                                         [][]string
}

// upload sends a file in one chunk and returns its id.
func (e env) upload(who *room.Actor, name, content string) string {
	e.t.Helper()
	var up, f struct{ ID string }
	e.Get(e.t, who, "POST /api/file/uploads", fmt.Sprintf(`{"name":%q,"size":%d}`, name, len(content)), &up)
	e.Get(e.t, who, "PUT /api/file/uploads/"+up.ID+"?offset=0", content, nil)
	e.Get(e.t, who, "POST /api/file/uploads/"+up.ID+"/done", "{}", &f)
	return f.ID
}

const purpose, basis = "核对两病患者参保状态", "医疗保障基金使用监督管理条例"

func (e env) body(file string, ds dataset.Dataset) string {
	return fmt.Sprintf(`{"fileId":%q,"dataset":%q,"purpose":%q,"basis":%q}`, file, ds.ID, purpose, basis)
}

func (e env) draft(who *room.Actor, ds dataset.Dataset, name, content string) run {
	e.t.Helper()
	var r run
	e.Get(e.t, who, "POST /api/batch/runs", e.body(e.upload(who, name, content), ds), &r)
	return r
}

// choose sends the plan back as it was proposed, after change.
func (e env) choose(who *room.Actor, r run, change map[string]any) run {
	e.t.Helper()
	m := map[string]any{"purpose": purpose, "basis": basis, "version": r.Version}
	for k, v := range r.Plan {
		m[k] = v
	}
	for k, v := range change {
		m[k] = v
	}
	b, _ := json.Marshal(m)
	var out run
	e.Get(e.t, who, "PUT /api/batch/runs/"+r.ID, string(b), &out)
	return out
}

func (e env) start(who *room.Actor, r run) (int, string) {
	e.t.Helper()
	return e.Call(e.t, kerneltest.Case{As: who, Call: "POST /api/batch/runs/" + r.ID + "/start", Body: fmt.Sprintf(`{"version":%d}`, r.Version)})
}

// ended starts a run and waits for its end.
func (e env) ended(who *room.Actor, r run) run {
	e.t.Helper()
	if s, b := e.start(who, r); s != 200 {
		e.t.Fatal(s, b)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var now run
		e.Get(e.t, who, "GET /api/batch/runs/"+r.ID, "", &now)
		if now.State != "queued" && now.State != "running" {
			return now
		}
		select {
		case <-tick.C:
		case <-e.t.Context().Done():
			e.t.Fatal("never ended")
		}
	}
}

type copied struct{ Code, Password, Link string }

// fetch makes a copy of a result and opens it: the note above it, its header, its rows.
func (e env) fetch(who *room.Actor, id string) (c copied, note string, rows [][]string) {
	e.t.Helper()
	e.Get(e.t, who, "POST /api/batch/runs/"+id+"/copies", `{"format":"csv"}`, &c)
	status, b := e.Call(e.t, kerneltest.Case{As: who, Call: "GET " + c.Link})
	if status != 200 {
		e.t.Fatal(status, b)
	}
	name, plain, err := parceltest.Open([]byte(b), c.Password)
	if err != nil || !strings.Contains(name, c.Code) || !strings.HasPrefix(string(plain), "\uFEFF") {
		e.t.Fatal(name, err)
	}
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(plain), "\uFEFF")))
	in.FieldsPerRecord = -1
	rows, err = in.ReadAll()
	if err != nil {
		e.t.Fatal(err)
	}
	return c, rows[0][0], rows[1:]
}

func listOf(header string, keys ...string) string {
	return header + "\n" + strings.Join(keys, "\n") + "\n"
}

// The whole way: a list with what lists have wrong, a standing grant, a result of one row each in the list's order.
func TestRun(t *testing.T) {
	each(t, func(e env) {
		e.Strangers(t)
		ds := e.publish("", 0, people(40)...)
		li := officer("li", "u2")
		if s, b := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/batch/runs", Body: e.body(e.upload(li, "a.csv", listOf("身份证号", codes.Fictional(1))), ds)}); s != 404 {
			t.Fatal("without a grant:", s, b)
		}
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}, Modes: []dataset.Mode{dataset.Look}})
		e.Run(t, []kerneltest.Case{{Name: "a grant for looking is none for batches", As: li, Call: "GET /api/batch/datasets", Status: 200, Want: []string{`"items":[]`}}})
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh", "jd"}, Reveal: []string{"sjh"}, Quota: 100})
		e.Run(t, []kerneltest.Case{{Name: "listed", As: li, Call: "GET /api/batch/datasets", Status: 200, Want: []string{"参保人口", "社会保险法", `"quota":100`, `"owned":false`, `"clear":true`}, Not: []string{"参保日期"}}})
		full := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + '０'
			}
			return r
		}, codes.Fictional(3))
		old := codes.Fictional(5)
		old = old[:6] + old[8:17] // as it was before 1999
		r := e.draft(li, ds, "名单.csv", listOf("姓名,身份证号", "甲,"+codes.Fictional(7), "乙,"+full, "丙,无", "丁,"+codes.Fictional(7), "戊,"+old, "己,420199198506150018", "庚,"+codes.Fictional(5000), "辛,4.20199E+17", "壬,"))
		if r.Rows != 9 || r.Valid != 4 || r.Invalid != 4 || r.Repeated != 1 || r.Upgraded != 1 || r.Plan["key"] != "sfzh" || r.Plan["at"] != 1.0 {
			t.Fatalf("%+v", r)
		}
		e.Run(t, []kerneltest.Case{{Name: "row by row", As: li, Call: "GET /api/batch/runs/" + r.ID + "/faults", Status: 200, Want: []string{`"row":4`, `"row":7`, "没有填写号码", `"total":4`}},
			{Name: "nobody else's", As: officer("wang", "u2"), Call: "GET /api/batch/runs/" + r.ID + "/faults", Status: 403},
			{Name: "another unit's", As: officer("zhao", "u3"), Call: "GET /api/batch/runs/" + r.ID, Status: 404}})
		r = e.choose(li, r, map[string]any{"mode": "fields", "columns": []string{"sjh", "jd"}, "clear": []string{"sjh"}, "reason": "电话通知本人续保"})
		done := e.ended(li, r)
		if done.State != "done" || done.Hits != 3 || done.Missed != 1 || !done.Ready || done.Root != "root of 4" {
			t.Fatalf("%+v", done)
		}
		c, note, rows := e.fetch(li, r.ID)
		if !strings.Contains(note, c.Code) || !strings.Contains(note, "li") || !strings.Contains(note, purpose) {
			t.Error(note)
		}
		want := [][]string{
			{"2", "420199********" + codes.Fictional(7)[14:], "命中", "", "1", "13800000007", "珞南街道"},
			{"3", "420199********" + codes.Fictional(3)[14:], "命中", "", "1", "13800000003", "珞南街道"},
			{"4", "*", "证件无效", "没有填写号码", "", "", ""},
			{"5", "420199********" + codes.Fictional(7)[14:], "重复", "与第 2 行相同，结果见该行", "", "", ""},
			{"6", "420199********" + codes.Fictional(5)[14:], "命中", "", "1", "13800000005", "珞南街道"},
		}
		if len(rows) != 10 || !strings.HasPrefix(rows[0][2], "核验结果") || rows[0][2] == "核验结果" || rows[0][5] != "手机号" {
			t.Fatal(len(rows), rows[0])
		}
		for i, w := range want {
			if got := rows[i+1][:len(w)]; strings.Join(got, "|") != strings.Join(w, "|") {
				t.Errorf("%q, want %q", got, w)
			}
			if tail := rows[i+1][7:]; tail[0] != "参保人口" || tail[1] != "1" || !strings.HasPrefix(tail[2], "2023-06-01") {
				t.Error("source:", tail)
			}
		}
		if rows[7][2] != "未命中" || rows[8][2] != "证件无效" || rows[9][3] != "没有填写号码" {
			t.Error(rows[6:])
		}
		e.Run(t, []kerneltest.Case{
			{Name: "a copy is fetched once", As: li, Call: "GET " + c.Link, Status: 409, Want: []string{"已下载过"}},
			{Name: "by its owner", As: officer("wang", "u2"), Call: "POST /api/batch/runs/" + r.ID + "/copies", Body: `{"format":"csv"}`, Status: 403},
			{Name: "the sealed result is for nobody", As: li, Call: "GET /api/batch/runs/" + r.ID, Status: 200, Not: []string{codes.Fictional(7), "13800000007"}},
			{Name: "history of the unit", As: officer("wang", "u2"), Call: "GET /api/batch/runs", Status: 200, Want: []string{purpose, basis, `"ownerName":"li"`, `"mine":false`}},
			{Name: "quota", As: li, Call: "GET /api/batch/datasets", Status: 200, Want: []string{`"spent":3`}},
		})
		tracer := kerneltest.Actor("sun", "u1", room.Unit, "batch.trace")
		text, _ := json.Marshal(strings.Join(rows[0], ","))
		e.Run(t, []kerneltest.Case{
			{Name: "traced by the unseen mark", As: tracer, Call: "POST /api/batch/trace", Body: fmt.Sprintf(`{"text":%s}`, text), Status: 200, Want: []string{`"found":true`, `"unseen":true`, `"name":"li"`, "单位u2"}},
			{Name: "traced by the file's name", As: tracer, Call: "POST /api/batch/trace", Body: fmt.Sprintf(`{"text":"核验结果-参保人口-%s.csv"}`, c.Code), Status: 200, Want: []string{`"found":true`, `"unseen":false`, `"name":"li"`}},
			{Name: "a made-up code", As: tracer, Call: "POST /api/batch/trace", Body: `{"text":"ABCD-EFGH-2345"}`, Status: 200, Want: []string{`"found":false`}},
			{Name: "of data others answer for", As: kerneltest.Actor("qian", "u9", room.Unit, "batch.trace"), Call: "POST /api/batch/trace", Body: fmt.Sprintf(`{"text":%q}`, c.Code), Status: 404},
		})
	})
}

func decode(t *testing.T, b []byte, out any) {
	t.Helper()
	if out == nil {
		return
	}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
}
