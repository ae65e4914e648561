package theme_test

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
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/theme"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// town names every unit after its id, and says that every first version of a dataset of the library came from a file.
type town struct{}

func (town) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		out[id] = "单位" + id
	}
	return out, nil
}

func (town) Of(_ context.Context, _ store.Queryer, _ string, number int64) (theme.Load, bool, error) {
	return theme.Load{Kind: "file", Name: fmt.Sprintf("人口%d.csv", number)}, true, nil
}

// gate is a warehouse whose next making can be held up.
type gate struct {
	*duck.Store
	mu   sync.Mutex
	hook func(ctx context.Context, make func() (warehouse.Loaded, error)) (warehouse.Loaded, error)
}

func (g *gate) Make(ctx context.Context, spec warehouse.Spec, r *warehouse.Reading, faces []warehouse.Face, l warehouse.Limits) (warehouse.Loaded, error) {
	g.mu.Lock()
	hook := g.hook
	g.hook = nil
	g.mu.Unlock()
	make := func() (warehouse.Loaded, error) { return g.Store.Make(ctx, spec, r, faces, l) }
	if hook == nil {
		return make()
	}
	return hook(ctx, make)
}

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room {
		r, err := theme.New(kit, town{}, town{}, theme.Rights{Read: []string{"theme.read"}, Ask: "theme.build", Bare: "theme.build"})
		if err != nil {
			panic(err)
		}
		return []*room.Room{r}
	},
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return &gate{Store: s}
	},
}

var (
	text    = warehouse.Type{Kind: warehouse.KindText}
	whole   = warehouse.Type{Kind: warehouse.KindInteger}
	columns = []dataset.Column{
		{Name: "sfzh", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
		{Name: "xm", Title: "姓名", Type: text, Kind: codes.KindName, Level: dataset.L3, Masked: true},
		{Name: "jd", Title: "街道", Type: text, Level: dataset.L2},
		{Name: "nl", Title: "年龄", Type: whole, Level: dataset.L1},
	}
)

// env is a house with the verbs of this room.
type env struct {
	*kerneltest.Env
	t *testing.T
}

func each(t *testing.T, fn func(e env)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(env{e, t}) })
}

func builder(name, unit string) *room.Actor {
	a := kerneltest.Actor(name, unit, room.Unit, "theme.read", "theme.build", "theme.release")
	a.Grants["theme.trace"] = []room.Grant{{Scope: room.All}}
	return a
}

// people is n persons in three streets; the name of the ninth is missing.
func people(n int) [][]any {
	out := make([][]any, n)
	for i := range out {
		name := any(fmt.Sprintf("王%d", i))
		if i == 9 {
			name = nil
		}
		out[i] = []any{codes.Fictional(i), name, []string{"关山街道", "珞南街道", "洪山街道"}[i%3], int64(i % 100)}
	}
	return out
}

// publish makes a dataset of a unit, or its next version.
func (e env) publish(was dataset.Dataset, name, unit string, rows [][]any) dataset.Dataset {
	e.t.Helper()
	loaded, err := e.Kit.Warehouse.Load(e.t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(columns)}, func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	})
	if err != nil {
		e.t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.Kit.DB.Tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: was.ID, Expect: was.Version, Name: name, Title: "人口" + unit, Room: "library", Unit: unit, Owner: "zhang", Columns: columns, Loaded: loaded.Version})
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return ds
}

func (e env) grant(ds dataset.Dataset, g dataset.Grant) dataset.Grant {
	e.t.Helper()
	g.Purpose, g.Basis, g.Until = "建设主题库", "数据安全法", store.At(e.Now.Add(240*time.Hour))
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

// lib is what the tests read of a library.
type lib struct {
	ID, State, Error, Running string
	Version, Release          int64
	Steps                     []map[string]any
	Schedule                  map[string]any
	Problems                  []struct {
		Step, Part, Message string
		Row, Column         int
	}
	Order    []string
	Datasets []struct {
		Step, Dataset string
		Number, Rows  int64
	}
	NextAt *time.Time
}

// run is what they read of a run.
type run struct {
	ID, State, Error, Why string
	Number, Rows          int64
	Results               []struct {
		Name, State, Dataset string
		Rows, Number         int64
		Tests                []struct {
			Title, Kind            string
			Blocking, Passed, More bool
			Failing                int64
			Rows                   [][]string
		}
	}
}

type step map[string]any

func body(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// draft makes a library with steps.
func (e env) draft(as *room.Actor, name string, steps ...step) lib {
	e.t.Helper()
	var l lib
	e.Get(e.t, as, "POST /api/theme/libraries", body(map[string]any{"name": name, "title": name + "主题库", "kind": "theme"}), &l)
	return e.put(as, l, steps...)
}

func (e env) put(as *room.Actor, l lib, steps ...step) lib {
	e.t.Helper()
	var out lib
	steps = append([]step{}, steps...)
	schedule := l.Schedule
	if schedule == nil {
		schedule = map[string]any{}
	}
	e.Get(e.t, as, "PUT /api/theme/libraries/"+l.ID, body(map[string]any{"title": "人口主题库", "kind": "theme", "steps": steps, "schedule": schedule, "version": l.Version}), &out)
	return out
}

func (e env) release(as *room.Actor, l lib) lib {
	e.t.Helper()
	var out lib
	e.Get(e.t, as, "POST /api/theme/libraries/"+l.ID+"/release", body(map[string]any{"version": l.Version}), &out)
	return out
}

func (e env) get(as *room.Actor, id string) (l lib) {
	e.t.Helper()
	e.Get(e.t, as, "GET /api/theme/libraries/"+id, "", &l)
	return l
}

func (e env) start(as *room.Actor, id string) (r run) {
	e.t.Helper()
	e.Get(e.t, as, "POST /api/theme/libraries/"+id+"/run", "{}", &r)
	return r
}

// until asks for a run until it is as wanted.
func (e env) until(as *room.Actor, id string, is func(run) bool) run {
	e.t.Helper()
	late := time.After(30 * time.Second)
	for {
		var r run
		e.Get(e.t, as, "GET /api/theme/runs/"+id, "", &r)
		if is(r) {
			return r
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			e.t.Fatalf("the run stays %+v", r)
		}
	}
}

func ended(r run) bool { return r.State == "done" || r.State == "failed" || r.State == "cancelled" }

// whole starts a library and waits for its end.
func (e env) whole(as *room.Actor, id string) run {
	e.t.Helper()
	return e.until(as, e.start(as, id).ID, ended)
}

// call runs a job of the room as the scheduler would.
func (e env) call(name string) {
	e.t.Helper()
	for _, r := range e.Rooms {
		for _, j := range r.Jobs {
			if j.Name == name {
				if err := j.Run(e.t.Context(), []byte("{}")); err != nil {
					e.t.Fatal(err)
				}
				return
			}
		}
	}
	e.t.Fatal("no job", name)
}

func (e env) versions() int {
	e.t.Helper()
	all, err := e.Kit.Warehouse.Versions(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return len(all)
}

func (e env) rows(id string) [][]any {
	e.t.Helper()
	ds, err := e.Kit.Datasets.Get(e.t.Context(), e.Kit.DB, id, store.Unscoped("a test"))
	if err != nil {
		e.t.Fatal(err)
	}
	q := warehouse.Query{From: ds.Current}
	for _, c := range ds.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c.Name})
	}
	res, err := e.Kit.Warehouse.Query(e.t.Context(), q)
	if err != nil {
		e.t.Fatal(err)
	}
	out, err := res.All()
	if err != nil {
		e.t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b []any) int { return strings.Compare(warehouse.Format(a[0]), warehouse.Format(b[0])) })
	return out
}

var (
	clean = step{"name": "clean", "title": "清洗后的人口", "sql": "SELECT sfzh, xm, jd, nl FROM population WHERE xm IS NOT NULL",
		"columns": []any{map[string]any{"name": "sfzh", "title": "公民身份号码", "type": "text", "key": true, "kind": "id", "level": "L3", "masked": true}},
		"tests":   []any{step{"kind": "not_null", "columns": []string{"xm"}, "blocking": true}, step{"kind": "unique", "columns": []string{"sfzh"}, "blocking": true}}}
	byStreet = step{"name": "by_street", "title": "分街道人口", "sql": "SELECT jd, count(*) AS rs, count(*) FILTER (WHERE nl >= 60) AS lr FROM clean GROUP BY jd"}
)

// A library of two steps: written, released, run, and what it made answers like any dataset.
func TestLibrary(t *testing.T) {
	each(t, func(e env) {
		e.publish(dataset.Dataset{}, "population", "u1", people(300))
		zhang := builder("zhang", "u1")
		l := e.draft(zhang, "people", byStreet, clean) // written in the wrong order: they are made in the right one
		if len(l.Problems) > 0 || fmt.Sprint(l.Order) != "[clean by_street]" {
			t.Fatal(l.Problems, l.Order)
		}
		cols := l.Steps[1]["columns"].([]any)
		id := cols[0].(map[string]any)
		if id["title"] != "公民身份号码" || id["key"] != true || id["floor"] != "L3" || id["how"] != "copy" || fmt.Sprint(id["from"]) != "[population.sfzh]" {
			t.Error("columns are proposed by what they come from:", id)
		}
		if n := l.Steps[0]["columns"].([]any)[1].(map[string]any); n["level"] != "L2" || n["how"] != "aggregate" || n["type"] != "integer" {
			t.Error(n)
		}
		sealed := e.draft(zhang, "parts", step{"name": "parts", "title": "按证号前六位", "sql": "SELECT left(sfzh, 6) AS qh, count(*) AS n FROM population GROUP BY 1", "columns": []any{}, "tests": []any{}})
		if len(sealed.Problems) != 1 || !strings.Contains(fmt.Sprint(sealed.Problems), "加密保存") || !strings.Contains(fmt.Sprint(sealed.Problems), "left") {
			t.Error("what would see a sealed value is refused by name:", sealed.Problems)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "not run before it is released", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/run", Body: "{}", Status: 409, Want: []string{"还没有发布"}},
			{Name: "another unit sees nothing", As: builder("li", "u2"), Call: "GET /api/theme/libraries/" + l.ID, Status: 404},
			{Name: "the preview is masked", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/preview", Body: `{"step":"clean"}`, Status: 200, Want: []string{`"masked":true`, "关山街道"}, Not: []string{codes.Fictional(3), "王3"}},
			{Name: "a step of a step waits for a run", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/preview", Body: `{"step":"by_street"}`, Status: 409, Want: []string{"清洗后的人口"}},
			{Name: "an old version is refused", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/release", Body: `{"version":1}`, Status: 409, Want: []string{"刚被别人修改过"}},
		})
		l = e.release(zhang, l)
		r := e.whole(zhang, l.ID)
		if r.State != "done" || r.Rows != 302 || len(r.Results) != 2 || r.Results[1].Rows != 299 || r.Results[1].Number != 1 || !r.Results[1].Tests[0].Passed {
			t.Fatalf("%+v", r)
		}
		got := e.rows(r.Results[0].Dataset)
		if want := "[[关山街道 99 40] [洪山街道 100 40] [珞南街道 100 40]]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
		if again := e.whole(zhang, l.ID); again.State != "done" || again.Results[0].Number != 2 || again.Results[0].Dataset != r.Results[0].Dataset || again.Number != 2 {
			t.Errorf("%+v", again)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "previewed now", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/preview", Body: `{"step":"by_street"}`, Status: 200, Want: []string{"关山街道", `"99"`}},
			{Name: "its runs", As: zhang, Call: "GET /api/theme/libraries/" + l.ID + "/runs", Status: 200, Want: []string{`"number":2`, `"number":1`, `"why":"hand"`}},
			{Name: "in the list", As: zhang, Call: "GET /api/theme/libraries?text=人口", Status: 200, Want: []string{`"state":"done"`, `"unitName":"单位u1"`, `"stepCount":2`}},
			{Name: "what it may read", As: zhang, Call: "GET /api/theme/libraries/" + l.ID + "/sources", Status: 200, Want: []string{"population", "身份证号"}},
			{Name: "code lists", As: zhang, Call: "GET /api/theme/dictionaries", Status: 200, Want: []string{`"sex"`}},
			{Name: "removed by its unit alone", As: builder("li", "u2"), Call: "DELETE /api/theme/libraries/" + l.ID, Status: 404},
			{Name: "removed", As: zhang, Call: fmt.Sprintf("DELETE /api/theme/libraries/%s?version=%d", l.ID, l.Version), Status: 204},
			{Name: "its datasets stay", As: zhang, Call: "GET /api/theme/lineage?dataset=" + r.Results[0].Dataset, Status: 200, Want: []string{"人口1.csv"}},
		})
	})
}

// What is wrong with a draft is told by step, line and character, and keeps it from being released; nothing typed is lost.
func TestDraft(t *testing.T) {
	each(t, func(e env) {
		e.publish(dataset.Dataset{}, "population", "u1", people(20))
		e.publish(dataset.Dataset{}, "others", "u2", people(20))
		zhang := builder("zhang", "u1")
		one := func(name, sql string) step { return step{"name": name, "title": "步骤" + name, "sql": sql} }
		l := e.draft(zhang, "faulty")
		for _, c := range []struct {
			steps []step
			want  string
		}{
			{[]step{one("aa", "SELECT jd\nFORM population")}, "步骤“步骤aa”：第 2 行第 6 个字：语句在“population”附近写错了"},
			{[]step{one("aa", "SELECT jd FROM nowhere")}, "没有代码为“nowhere”的数据资源"},
			{[]step{one("aa", "SELECT jd FROM others")}, "没有代码为“others”的数据资源"},
			{[]step{one("aa", "SELECT jd FROM bb"), one("bb", "SELECT jd FROM aa")}, "循环依赖：aa → bb → aa"},
			{[]step{one("aa", "SELECT jd FROM aa")}, "循环依赖：aa → aa"},
			{[]step{one("aa", "SELECT jd, nl AS jd FROM population")}, "重复"},
			{[]step{one("aa", "SELECT count(*) FROM population")}, "列名“count_star()”不能用"},
			{[]step{one("aa", "SELECT jd FROM population WHERE nl > $n")}, "不能使用参数“$n”"},
			{[]step{one("aa", "")}, "请写一条 SELECT"},
			{[]step{one("aa", "DELETE FROM population")}, "只能写一条 SELECT"},
			{[]step{one("population", "SELECT 1 AS x")}, "已被其他数据资源使用"},
			{[]step{one("Aa", "SELECT 1 AS x")}, "代码“Aa”不能用"},
			{[]step{one("aa", "SELECT 1 AS x"), one("aa", "SELECT 2 AS x")}, "有两个步骤都叫“aa”"},
			{[]step{{"name": "aa", "title": "甲甲", "sql": "SELECT xm FROM population", "columns": []any{map[string]any{"name": "xm", "title": "姓名", "type": "text", "kind": "", "level": "L2"}}}}, "需要写明理由"},
			{[]step{{"name": "aa", "title": "甲甲", "sql": "SELECT jd FROM population", "tests": []any{step{"kind": "not_null", "columns": []string{"xx"}}}}}, "检查用到的列“xx”不在结果里"},
			{[]step{{"name": "aa", "title": "甲甲", "sql": "SELECT jd FROM population", "tests": []any{step{"kind": "sql", "title": "查一查", "sql": "SELECT nothing FROM aa"}}}}, "没有“nothing”这一列"},
		} {
			l = e.put(zhang, l, c.steps...)
			found := false
			for _, p := range l.Problems {
				found = found || strings.Contains(p.Message, c.want)
			}
			if !found {
				t.Errorf("%v: %+v, want %s", c.steps, l.Problems, c.want)
			}
			if status, b := e.Call(t, kerneltest.Case{As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/release", Body: body(map[string]any{"version": l.Version})}); status != 422 || !strings.Contains(b, "theme.not_ready") {
				t.Error(c.want, status, b)
			}
			if back := e.get(zhang, l.ID); back.Steps[0]["sql"] != c.steps[0]["sql"] {
				t.Error("what was typed is lost:", back.Steps[0]["sql"])
			}
		}
		// A reason lets a column be classified lower.
		l = e.put(zhang, l, step{"name": "aa", "title": "甲甲", "sql": "SELECT substring(xm, 1, 1) AS xing, count(*) AS n FROM population GROUP BY 1",
			"columns": []any{map[string]any{"name": "xing", "title": "姓氏", "type": "text", "kind": "", "level": "L2", "reason": "姓氏不能识别个人"}}})
		if len(l.Problems) > 0 {
			t.Fatal(l.Problems)
		}
		l = e.release(zhang, l)
		if c := l.Steps[0]["columns"].([]any)[0].(map[string]any); c["level"] != "L2" || c["floor"] != "L3" || c["masked"] == true {
			t.Error(c)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "nothing to release", As: zhang, Call: "POST /api/theme/libraries/" + e.draft(zhang, "empty").ID + "/release", Body: `{"version":0}`, Status: 422, Want: []string{"还没有步骤"}},
			{Name: "a name is given once", As: zhang, Call: "POST /api/theme/libraries", Body: `{"name":"empty","title":"又一个","kind":"topic"}`, Status: 409},
			{Name: "overtaken", As: zhang, Call: "PUT /api/theme/libraries/" + l.ID, Body: `{"title":"人口","kind":"theme","steps":[],"version":1}`, Status: 409},
		})
	})
}
