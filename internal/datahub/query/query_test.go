package query_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/query"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type town struct{}

func (town) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	return called("单位", ids), nil
}

func (town) People(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	return called("人员", ids), nil
}

func (town) Above(_ context.Context, _ store.Queryer, unit string) ([]string, error) {
	return []string{unit}, nil
}

func called(prefix string, ids []string) map[string]string {
	out := map[string]string{}
	for _, id := range ids {
		if id != "" && id != "nowhere" {
			out[id] = prefix + id
		}
	}
	return out
}

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room { return []*room.Room{query.New(kit, town{}, town{})} },
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

var (
	text    = warehouse.Type{Kind: warehouse.KindText}
	whole   = warehouse.Type{Kind: warehouse.KindInteger}
	day     = warehouse.Type{Kind: warehouse.KindDate}
	columns = []dataset.Column{
		{Name: "sfzh", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
		{Name: "xm", Title: "姓名", Type: text, Kind: codes.KindName, Level: dataset.L3, Masked: true},
		{Name: "jd", Title: "街道", Type: text, Level: dataset.L2},
		{Name: "nl", Title: "年龄", Type: whole, Level: dataset.L2},
		{Name: "je", Title: "金额", Type: warehouse.DecimalType(18, 2), Level: dataset.L2},
		{Name: "rq", Title: "登记日期", Type: day, Level: dataset.L2},
	}
)

func feed(rows [][]any) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	}
}

// publish makes a dataset of a unit.
func publish(t testing.TB, e *kerneltest.Env, name, title, unit string, cols []dataset.Column, rows iter.Seq2[warehouse.Row, error]) dataset.Dataset {
	t.Helper()
	loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, rows)
	if err != nil {
		t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: name, Title: title, Room: "library", Unit: unit, Owner: "zhang", Columns: cols, Loaded: loaded.Version, Source: title + ".csv", Person: "zhang"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func grant(t testing.TB, e *kerneltest.Env, ds dataset.Dataset, g dataset.Grant) dataset.Grant {
	t.Helper()
	g.Purpose, g.Basis, g.Until = "核对低保资格", "社会救助暂行办法", store.At(e.Now.Add(24*time.Hour))
	err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		g, err = e.Kit.Datasets.Grant(ctx, tx, ds, g)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// people makes 600 persons in three streets; grandma is the one of 100.
func people(t testing.TB, e *kerneltest.Env) dataset.Dataset {
	var rows [][]any
	for n := range 600 {
		rows = append(rows, []any{fmt.Sprintf("42019919850615%04d", n), fmt.Sprintf("王%d", n), []string{"关山街道", "珞南街道", "洪山街道"}[n%3], int64(n % 100),
			warehouse.Decimal(fmt.Sprintf("%d.50", n)), warehouse.Date(fmt.Sprintf("2023-%02d-01", n%12+1))})
	}
	return publish(t, e, "population", "人口信息", "u1", columns, feed(rows))
}

func analyst(name, unit string) *room.Actor {
	return kerneltest.Actor(name, unit, room.Unit, "query.use", "query.sql")
}

type answer struct {
	Run     string
	Columns []struct{ Name, Title, Kind string }
	Rows    [][]string
	More    bool
	SQL     string
	Sources []struct {
		Name, Title, File, LoadedBy string
		Number                      int64
		Columns                     []string
		Part, Past                  bool
	}
	Personal bool
}

func sql(text string) string { return fmt.Sprintf(`{"sql":%q}`, text) }

func ask(t *testing.T, e *kerneltest.Env, as *room.Actor, text string) answer {
	t.Helper()
	var a answer
	e.Get(t, as, "POST /api/query/run", sql(text), &a)
	return a
}

func TestSQL(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people(t, e)
		publish(t, e, "streets", "街道信息", "u1", []dataset.Column{{Name: "jd", Title: "街道", Type: text, Key: true, Level: dataset.L2}, {Name: "mj", Title: "面积", Type: whole, Level: dataset.L2}},
			feed([][]any{{"关山街道", int64(10)}, {"珞南街道", int64(20)}}))
		zhang := analyst("zhang", "u1")
		a := ask(t, e, zhang, "SELECT p.jd, count(*) AS n, sum(p.je) total, max(s.mj) FROM population p LEFT JOIN streets s ON s.jd = p.jd GROUP BY 1 ORDER BY p.jd")
		if len(a.Rows) != 3 || a.Rows[0][0] != "关山街道" || a.Rows[0][1] != "200" || a.Rows[0][2] != "59800.00" || a.Rows[0][3] != "10" || a.Columns[0].Title != "街道" {
			t.Errorf("%+v", a)
		}
		if len(a.Sources) != 2 || a.Sources[0].File != "人口信息.csv" || a.Sources[0].LoadedBy != "人员zhang" || a.Sources[0].Number != 1 || strings.Join(a.Sources[0].Columns, ",") != "街道,金额" {
			t.Errorf("sources %+v", a.Sources)
		}
		if a := ask(t, e, zhang, "SELECT * FROM population ORDER BY nl DESC, je"); len(a.Rows) != 600 || len(a.Columns) != 4 || a.Personal {
			t.Errorf("star: %d rows, %+v", len(a.Rows), a.Columns)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "masked", As: zhang, Call: "POST /api/query/run", Body: sql("SELECT xm FROM population"), Status: 403, Want: []string{"dataset.column_denied", "姓名"}},
			{Name: "a stranger's table", As: analyst("li", "u2"), Call: "POST /api/query/run", Body: sql("SELECT jd FROM population"), Status: 422, Want: []string{"dataset.sql_missing"}},
			{Name: "without the right", As: kerneltest.Actor("wang", "u1", room.Unit, "query.use"), Call: "POST /api/query/run", Body: sql("SELECT 1"), Status: 403},
			{Name: "place of an error", As: zhang, Call: "POST /api/query/run", Body: sql("SELECT jd\nFORM population"), Status: 422, Want: []string{"warehouse.sql_near", `"row":2`, "第 2 行第 6 个字"}},
			{Name: "own history", As: zhang, Call: "GET /api/query/runs", Status: 200, Want: []string{"LEFT JOIN streets", `"state":"failed"`, "FORM population", "您没有在"}},
			{Name: "not others'", As: analyst("li", "u2"), Call: "GET /api/query/runs", Status: 200, Not: []string{"LEFT JOIN streets"}},
			{Name: "the auditor sees all", As: e.Administrator(room.Auditor), Call: "GET /api/query/history?state=failed", Status: 200, Want: []string{"SELECT xm FROM population", "单位u1"}},
			{Name: "nobody else", As: zhang, Call: "GET /api/query/history", Status: 403},
			{Name: "parameters", As: zhang, Call: "POST /api/query/run", Body: `{"sql":"SELECT count(*) FROM population WHERE jd = $street AND nl >= $age AND nl >= $age","params":[{"name":"street","kind":"text","value":"关山街道"},{"name":"age","kind":"integer","value":"50"}]}`, Status: 200, Want: []string{`"rows":[["100"]]`}},
			{Name: "missing parameter", As: zhang, Call: "POST /api/query/run", Body: sql("SELECT $x"), Status: 422, Want: []string{"warehouse.sql_param_missing"}},
			{Name: "bad parameter", As: zhang, Call: "POST /api/query/run", Body: `{"sql":"SELECT $x","params":[{"name":"x","kind":"integer","value":"abc"}]}`, Status: 422, Want: []string{"query.param", "params.x"}},
		})
	})
}

// A grant opens columns, rows, masked columns for a purpose, and counts what it gives out.
func TestGranted(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		li := analyst("li", "u2")
		part := grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl", "xm"}, Reveal: []string{"xm"}, Filter: dataset.Filter{{Column: "jd", Op: warehouse.OpEq, Values: []string{"关山街道"}}}, Quota: 350})
		if a := ask(t, e, li, "WITH w AS (SELECT * EXCLUDE (xm) FROM population) SELECT * FROM w ORDER BY nl LIMIT 100"); len(a.Columns) != 2 || len(a.Rows) != 100 || a.Personal {
			t.Errorf("%+v", a)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "only the rows granted", As: li, Call: "POST /api/query/run", Body: sql("SELECT jd, count(*) FROM population GROUP BY jd"), Status: 200, Want: []string{`[["关山街道","200"]]`, `"part":true`}},
			{Name: "a column not granted", As: li, Call: "POST /api/query/run", Body: sql("SELECT je FROM population"), Status: 403, Want: []string{"dataset.column_denied"}},
			{Name: "personal asks why", As: li, Call: "POST /api/query/run", Body: sql("SELECT xm FROM population"), Status: 422, Want: []string{"query.purpose"}},
			{Name: "and is told", As: li, Call: "POST /api/query/run", Body: `{"sql":"SELECT xm, jd FROM population","purpose":"核对低保申请"}`, Status: 200, Want: []string{`"personal":true`}},
			{Name: "the quota ends", As: li, Call: "POST /api/query/run", Body: sql("SELECT nl FROM population LIMIT 100"), Status: 429, Want: []string{"dataset.quota"}},
		})
		spent, err := e.Kit.Datasets.Spent(t.Context(), e.Kit.DB, part.ID)
		if err != nil || spent != 301 {
			t.Errorf("spent %d, %v", spent, err)
		}
	})
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}
