package query_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

func TestBuild(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people(t, e)
		wang := kerneltest.Actor("wang", "u1", room.Unit, "query.use")
		bare := kerneltest.Actor("bare", "u1", room.Unit, "query.use", "query.reveal")
		build := func(as *room.Actor, name, b string, status int, want ...string) kerneltest.Case {
			return kerneltest.Case{Name: name, As: as, Call: "POST /api/query/build", Body: `{"build":` + b + `}`, Status: status, Want: want}
		}
		e.Run(t, []kerneltest.Case{
			build(wang, "grouped", `{"dataset":"population","where":[{"column":"nl","op":"ge","values":["50"]},{"column":"jd","op":"in","values":["关山街道","珞南街道"]}],"group":[{"column":"jd"}],"measures":[{"agg":"count"},{"agg":"sum","column":"je"},{"agg":"count_distinct","column":"nl"}],"sort":[{"by":2,"desc":true},{"by":1}]}`,
				200, `[["关山街道","100","32300.00","50"],["珞南街道","100",`, `金额合计`, `FROM population\nWHERE`),
			build(wang, "by month", `{"dataset":"population","group":[{"column":"rq","by":"month"}],"measures":[{"agg":"count"}],"sort":[{"by":1}],"limit":2}`, 200, `[["2023-01","50"],["2023-02","50"]]`, "登记日期（月）"),
			build(wang, "by quarter", `{"dataset":"population","group":[{"column":"rq","by":"quarter"}],"measures":[{"agg":"avg","column":"nl"}],"sort":[{"by":1}],"limit":1}`, 200, `2023-Q1`),
			build(wang, "listed", `{"dataset":"population","where":[{"column":"jd","op":"prefix","values":["关山"]},{"column":"rq","op":"lt","values":["2023-02-01"]},{"column":"je","op":"le","values":["100.50"]}],"columns":["jd","je"],"sort":[{"by":2}]}`, 200, `[["关山街道","0.50"],["关山街道","12.50"]`),
			build(wang, "quotes in values", `{"dataset":"population","where":[{"column":"jd","op":"eq","values":["' OR 1=1 --"]}],"columns":["jd"]}`, 200, `"rows":[]`),
			build(wang, "a list and a group", `{"dataset":"population","columns":["jd"],"measures":[{"agg":"count"}]}`, 422, "query.list_or_group"),
			build(wang, "a sum of texts", `{"dataset":"population","measures":[{"agg":"sum","column":"jd"}]}`, 422, "warehouse.bad_aggregate"),
			build(wang, "no such column", `{"dataset":"population","columns":["nix"]}`, 422, "dataset.no_column"),
			build(wang, "masked", `{"dataset":"population","where":[{"column":"xm","op":"prefix","values":["王"]}],"measures":[{"agg":"count"}]}`, 403, "dataset.column_denied"),
			build(wang, "sorted beyond", `{"dataset":"population","columns":["jd"],"sort":[{"by":3}]}`, 422, "query.bad_sort"),
			build(bare, "one's unit's own, with a purpose", `{"dataset":"population","where":[{"column":"xm","op":"eq","values":["王5"]}],"measures":[{"agg":"count"}]}`, 422, "query.purpose"),
			{Name: "sources", As: wang, Call: "GET /api/query/sources", Status: 200, Want: []string{`"closed":2`, `"name":"population"`}, Not: []string{`"sfzh"`}},
		})
	})
}

type savedBody struct {
	ID      string
	Version int64
	Number  int64
	Mine    bool
	Shares  []struct{ Unit, Person, Name string }
}

func keep(t *testing.T, e *kerneltest.Env, as *room.Actor, name, plan string) savedBody {
	t.Helper()
	var s savedBody
	e.Get(t, as, "POST /api/query/saved", fmt.Sprintf(`{"name":%q,"plan":%s}`, name, plan), &s)
	return s
}

func TestSaved(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		zhang, li, wang := analyst("zhang", "u1"), kerneltest.Actor("li", "u2", room.Self, "query.use"), kerneltest.Actor("wang", "u3", room.Self, "query.use")
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl"}, Filter: dataset.Filter{{Column: "jd", Op: warehouse.OpEq, Values: []string{"关山街道"}}}})
		const plan = `{"sql":"SELECT jd, count(*) AS n FROM population WHERE nl >= $least GROUP BY jd ORDER BY jd","params":[{"name":"least","title":"最小年龄","kind":"integer","value":"0"}],"chart":{"kind":"bar","x":1,"series":[2]}}`
		s := keep(t, e, zhang, "各街道人数", plan)
		at := "/api/query/saved/" + s.ID
		e.Run(t, []kerneltest.Case{
			{Name: "with its parameter", As: zhang, Call: "POST " + at + "/run", Body: `{"values":{"least":"50"}}`, Status: 200, Want: []string{`["关山街道","100"]`, `"file":"人口信息.csv"`}},
			{Name: "as it stands", As: zhang, Call: "POST " + at + "/run", Body: `{}`, Status: 200, Want: []string{`["关山街道","200"]`, `["珞南街道","200"]`}},
			{Name: "no such parameter", As: zhang, Call: "POST " + at + "/run", Body: `{"values":{"x":"1"}}`, Status: 422, Want: []string{"query.no_param"}},
			{Name: "a parameter is a value, not SQL", As: zhang, Call: "POST " + at + "/run", Body: `{"values":{"least":"0 OR TRUE"}}`, Status: 422, Want: []string{"query.param"}},
			{Name: "not shared", As: li, Call: "GET " + at, Status: 404},
			{Name: "nor run", As: li, Call: "POST " + at + "/run", Body: `{}`, Status: 404},
			{Name: "shared with a unit there is not", As: zhang, Call: "PUT " + at + "/shares", Body: `{"shares":[{"unit":"nowhere"}],"version":1}`, Status: 422, Want: []string{"query.share_whom"}},
			{Name: "only by the owner", As: li, Call: "PUT " + at + "/shares", Body: `{"shares":[{"unit":"u2"}],"version":1}`, Status: 404},
			{Name: "shared", As: zhang, Call: "PUT " + at + "/shares", Body: `{"shares":[{"unit":"u2"},{"person":"wang"}],"version":1}`, Status: 200, Want: []string{"单位u2", "人员wang"}},
			{Name: "each with his own rights", As: li, Call: "POST " + at + "/run", Body: `{}`, Status: 200, Want: []string{`"rows":[["关山街道","200"]]`, `"part":true`}},
			{Name: "who has none", As: wang, Call: "POST " + at + "/run", Body: `{}`, Status: 422, Want: []string{"dataset.sql_missing"}},
			{Name: "in his list", As: li, Call: "GET /api/query/saved", Status: 200, Want: []string{"各街道人数", `"mine":false`}},
			{Name: "he may not change it", As: li, Call: "PUT " + at, Body: `{"name":"我的","plan":{"build":{"dataset":"population","measures":[{"agg":"count"}]}},"version":2}`, Status: 404},
			{Name: "nor delete it", As: li, Call: "DELETE " + at + "?version=2", Status: 404},
			{Name: "the owner on an old state", As: zhang, Call: "PUT " + at, Body: `{"name":"新名","plan":` + plan + `,"version":1}`, Status: 409},
			{Name: "the next version", As: zhang, Call: "PUT " + at, Body: `{"name":"新名","plan":` + plan + `,"version":2}`, Status: 200, Want: []string{`"number":2`, `"number":1`, `"engine":"duckdb"`}},
			{Name: "SQL without the right", As: li, Call: "POST /api/query/saved", Body: `{"name":"我的","plan":{"sql":"SELECT 1"}}`, Status: 403, Want: []string{"query.no_sql"}},
			{Name: "a form without it", As: li, Call: "POST /api/query/saved", Body: `{"name":"我的","plan":{"build":{"dataset":"population","measures":[{"agg":"count"}]}}}`, Status: 200, Want: []string{`"form":true`}},
			{Name: "what cannot be asked", As: zhang, Call: "POST /api/query/saved", Body: `{"name":"坏的","plan":{"sql":"SELECT * FROM secrets"}}`, Status: 422, Want: []string{"dataset.sql_missing"}},
			{Name: "a parameter nobody declared", As: zhang, Call: "POST /api/query/saved", Body: `{"name":"坏的","plan":{"sql":"SELECT jd FROM population WHERE nl = $a"}}`, Status: 422, Want: []string{"query.param_undeclared"}},
			{Name: "a chart of nothing", As: zhang, Call: "POST /api/query/saved", Body: `{"name":"坏的","plan":{"sql":"SELECT 1","chart":{"kind":"bar"}}}`, Status: 422, Want: []string{"请选择图表要画的列"}},
			{Name: "deleted", As: zhang, Call: "DELETE " + at + "?version=3", Status: 204},
			{Name: "gone", As: li, Call: "GET " + at, Status: 404},
		})
	})
}

// A program asks with its own right and the grants that allow programs.
func TestRows(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		zhang := analyst("zhang", "u1")
		robot := kerneltest.Actor("robot", "u2", room.Unit, "query.api")
		s := keep(t, e, zhang, "街道人数", `{"sql":"SELECT jd, count(*) AS n, max(rq) AS last FROM population WHERE nl >= $least GROUP BY jd ORDER BY jd","params":[{"name":"least","kind":"integer","value":"0"}]}`)
		e.Get(t, zhang, "PUT /api/query/saved/"+s.ID+"/shares", `{"shares":[{"unit":"u2"}],"version":1}`, nil)
		at := "GET /api/query/saved/" + s.ID + "/rows"
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl", "rq"}})
		e.Run(t, []kerneltest.Case{{Name: "a grant to look is none for programs", As: robot, Call: at, Status: 422, Want: []string{"dataset.sql_missing"}}})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl", "rq"}, Modes: []dataset.Mode{dataset.API}})
		e.Run(t, []kerneltest.Case{
			{Name: "rows as objects", As: robot, Call: at + "?least=50&limit=2", Status: 200, Want: []string{`{"jd":"关山街道","last":"2023-10-01","n":100}`, `"more":true`, `"number":1`}, Not: []string{"人员"}},
			{Name: "a wrong limit", As: robot, Call: at + "?limit=0", Status: 422, Want: []string{"query.bad_limit"}},
			{Name: "an unknown parameter", As: robot, Call: at + "?x=1", Status: 422, Want: []string{"query.no_param"}},
			{Name: "a wrong value", As: robot, Call: at + "?least=abc", Status: 422, Want: []string{"query.param"}},
			{Name: "without the right", As: zhang, Call: at, Status: 403},
			{Name: "not his", As: kerneltest.Actor("other", "u9", room.Unit, "query.api"), Call: at, Status: 404},
			{Name: "in the history", As: e.Administrator(room.Auditor), Call: "GET /api/query/history", Status: 200, Want: []string{`"origin":"api"`}},
		})
	})
}

func TestExport(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people(t, e)
		zhang, li := analyst("zhang", "u1"), analyst("li", "u2")
		a := ask(t, e, zhang, "SELECT jd, nl, je FROM population ORDER BY je")
		body := fmt.Sprintf(`{"run":%q,"title":"街道明细","format":"csv"}`, a.Run)
		e.Run(t, []kerneltest.Case{{Name: "only one's own run", As: li, Call: "POST /api/query/exports", Body: body, Status: 404}})
		e.Get(t, zhang, "POST /api/query/exports", body, nil)
		var list struct {
			Items []struct {
				State, File, Error string
				Rows               int
			}
		}
		deadline := time.Now().Add(20 * time.Second)
		for {
			e.Get(t, zhang, "GET /api/query/exports", "", &list)
			if len(list.Items) == 1 && list.Items[0].State != "queued" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v", list)
			}
		}
		if x := list.Items[0]; x.State != "done" || x.Rows != 600 {
			t.Fatalf("%+v", x)
		}
		status, csv := e.Call(t, kerneltest.Case{As: zhang, Call: "GET /api/file/content/" + list.Items[0].File})
		if lines := strings.Split(strings.TrimSpace(csv), "\n"); status != http.StatusOK || len(lines) != 601 || strings.TrimSpace(lines[2]) != "珞南街道,1,1.50" {
			t.Errorf("%d: %d lines, %q", status, len(lines), lines[min(2, len(lines)-1)])
		}
		if status, _ := e.Call(t, kerneltest.Case{As: li, Call: "GET /api/file/content/" + list.Items[0].File}); status == http.StatusOK {
			t.Error("a file of another person was given out")
		}
		e.Run(t, []kerneltest.Case{
			{Name: "it is a run of its own", As: zhang, Call: "GET /api/query/runs", Status: 200, Want: []string{`"origin":"export"`}},
			{Name: "a refused run has nothing to give", As: zhang, Call: "POST /api/query/exports", Body: strings.Replace(body, a.Run, "nix", 1), Status: 404},
		})
	})
}

// One question a person at a time; cancelling frees the slot at once.
func TestSlot(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		people(t, e)
		zhang := analyst("zhang", "u1")
		ended := make(chan string, 1)
		go func() {
			_, body := e.Call(t, kerneltest.Case{As: zhang, Call: "POST /api/query/run", Body: sql("SELECT count(*) FROM population a, population b, population c, population d WHERE a.nl + b.nl + c.nl + d.nl = 7")})
			ended <- body
		}()
		for {
			var runs struct{ Items []struct{ State string } }
			e.Get(t, zhang, "GET /api/query/runs", "", &runs)
			if len(runs.Items) == 1 && runs.Items[0].State == "running" {
				break
			}
		}
		e.Run(t, []kerneltest.Case{{Name: "a second", As: zhang, Call: "POST /api/query/run", Body: sql("SELECT 1"), Status: 503, Want: []string{"query.slot"}},
			{Name: "another person's", As: analyst("li", "u1"), Call: "POST /api/query/run", Body: sql("SELECT 1"), Status: 200}})
		for {
			var out struct{ Cancelled bool }
			e.Get(t, zhang, "POST /api/query/cancel", "{}", &out)
			if out.Cancelled {
				break
			}
		}
		if body := <-ended; !strings.Contains(body, "query.cancelled") {
			t.Errorf("cancelled: %s", body)
		}
		e.Run(t, []kerneltest.Case{{Name: "the slot is free", As: zhang, Call: "POST /api/query/run", Body: sql("SELECT 1"), Status: 200},
			{Name: "and it stands there", As: zhang, Call: "GET /api/query/runs", Status: 200, Want: []string{`"state":"cancelled"`}}})
	})
}
