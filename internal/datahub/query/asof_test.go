package query_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// next makes another version of a dataset serve.
func next(t *testing.T, e *kerneltest.Env, ds dataset.Dataset, cols []dataset.Column, rows ...[]any) dataset.Dataset {
	t.Helper()
	loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: ds.Name, Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, feed(rows))
	if err != nil {
		t.Fatal(err)
	}
	err = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: ds.ID, Expect: ds.Version, Title: ds.Title, Room: "library", Columns: cols, Loaded: loaded.Version, Source: "第二批.csv", Person: "zhang"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// A question may be asked of older versions, by number or by time, put in a form, in SQL, saved or by a program; columns are
// guarded as they are today, and the answer says which versions it was made from.
func TestAsOf(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		open := []dataset.Column{{Name: "jd", Title: "街道", Type: text, Key: true, Level: dataset.L2}, {Name: "rk", Title: "人口", Type: whole, Level: dataset.L2}, {Name: "bz", Title: "备注", Type: text, Level: dataset.L2}}
		shut := append([]dataset.Column{}, open...)
		shut[2].Level, shut[2].Masked = dataset.L3, true
		ds := publish(t, e, "streets", "街道信息", "u1", open, feed([][]any{{"关山街道", int64(10), "甲"}, {"珞南街道", int64(20), "乙"}}))
		first := e.Now
		e.Move(24 * time.Hour)
		ds = next(t, e, ds, shut, []any{"关山街道", int64(15), "丙"})
		e.Move(24 * time.Hour)
		zhang := kerneltest.Actor("zhang", "u1", room.Unit, "query.use", "query.sql")
		robot := kerneltest.Actor("robot", "u2", room.Unit, "query.api")
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "rk"}, Modes: []dataset.Mode{dataset.API}})
		const run = "POST /api/query/run"
		at := func(text string, when time.Time) string {
			return fmt.Sprintf(`{"sql":%q,"asOf":%q}`, text, when.Format(time.RFC3339))
		}
		s := keep(t, e, zhang, "各街道人口", `{"sql":"SELECT jd, rk FROM streets ORDER BY jd"}`)
		e.Get(t, zhang, "PUT /api/query/saved/"+s.ID+"/shares", `{"shares":[{"unit":"u2"}],"version":1}`, nil)
		saved := "/api/query/saved/" + s.ID
		then, now := []string{`["关山街道","10"],["珞南街道","20"]`, `"number":1`, `"past":true`, "街道信息.csv"}, []string{`[["关山街道","15"]]`, `"number":2`, `"past":false`}
		e.Run(t, []kerneltest.Case{
			{Name: "now", As: zhang, Call: run, Body: sql("SELECT jd, rk FROM streets ORDER BY jd"), Status: 200, Want: now},
			{Name: "by number", As: zhang, Call: run, Body: sql("SELECT jd, rk FROM streets AT (VERSION => 1) ORDER BY jd"), Status: 200, Want: then},
			{Name: "by the end of a day", As: zhang, Call: run, Body: at("SELECT jd, rk FROM streets ORDER BY jd", first.Add(time.Hour)), Status: 200, Want: then},
			{Name: "by a time in the text", As: zhang, Call: run, Body: sql(fmt.Sprintf("SELECT jd, rk FROM streets AT (TIMESTAMP => '%s') ORDER BY jd", first.Add(time.Hour).In(warehouse.Zone()).Format(time.DateTime))), Status: 200, Want: then},
			{Name: "the text goes before the page", As: zhang, Call: run, Body: at("SELECT jd, rk FROM streets AT (VERSION => 2) ORDER BY jd", first.Add(time.Hour)), Status: 200, Want: now},
			{Name: "both beside each other", As: zhang, Call: run, Body: sql("SELECT a.jd, b.rk - a.rk AS more FROM streets a AT (VERSION => 1) JOIN streets b USING (jd)"), Status: 200, Want: []string{`[["关山街道","5"]]`, `"number":1`, `"number":2`}},
			{Name: "in a form", As: zhang, Call: "POST /api/query/build", Body: `{"build":{"dataset":"streets","version":1,"columns":["jd","rk"],"sort":[{"by":1}]}}`, Status: 200, Want: append(then, "AT (VERSION => 1)")},
			{Name: "a form by time", As: zhang, Call: "POST /api/query/build", Body: fmt.Sprintf(`{"build":{"dataset":"streets","columns":["jd","rk"],"sort":[{"by":1}]},"asOf":%q}`, first.Add(time.Hour).Format(time.RFC3339)), Status: 200, Want: then},
			{Name: "a saved one", As: zhang, Call: "POST " + saved + "/run", Body: fmt.Sprintf(`{"asOf":%q}`, first.Add(time.Hour).Format(time.RFC3339)), Status: 200, Want: then},
			{Name: "by a program, of a day", As: robot, Call: "GET " + saved + "/rows?as_of=" + first.In(warehouse.Zone()).Format(time.DateOnly), Status: 200, Want: []string{`"rk":10`, `"number":1`}},
			{Name: "by a program, now", As: robot, Call: "GET " + saved + "/rows", Status: 200, Want: []string{`"rk":15`, `"number":2`}},
			{Name: "of no day", As: robot, Call: "GET " + saved + "/rows?as_of=gestern", Status: 422, Want: []string{"query.bad_moment"}},
			{Name: "a column that was open then and is masked today", As: zhang, Call: run, Body: sql("SELECT bz FROM streets AT (VERSION => 1)"), Status: 403, Want: []string{"dataset.column_denied", "备注"}, Not: []string{"甲"}},
			{Name: "a star keeps to today's rights", As: zhang, Call: run, Body: sql("SELECT * FROM streets AT (VERSION => 1) ORDER BY jd"), Status: 200, Want: []string{`["关山街道","10"]`}, Not: []string{"甲"}},
			{Name: "a version there is not", As: zhang, Call: run, Body: sql("SELECT jd FROM streets AT (VERSION => 9)"), Status: 404, Want: []string{"历史版本已经清理"}},
			{Name: "before there was one", As: zhang, Call: run, Body: at("SELECT jd FROM streets", first.Add(-time.Hour)), Status: 404, Want: []string{"dataset.version_then"}},
			{Name: "not one's own", As: analyst("li", "u2"), Call: run, Body: sql("SELECT jd FROM streets AT (VERSION => 1)"), Status: 422, Want: []string{"dataset.sql_missing"}},
			{Name: "a number that is worked out", As: zhang, Call: run, Body: sql("SELECT jd FROM streets AT (VERSION => 1 + 1)"), Status: 422, Want: []string{"warehouse.sql_at"}},
			{Name: "a number that is asked for", As: zhang, Call: run, Body: sql("SELECT jd FROM streets AT (VERSION => (SELECT 1))"), Status: 422},
			{Name: "another unit", As: zhang, Call: run, Body: sql("SELECT jd FROM streets AT (SNAPSHOT => 1)"), Status: 422},
			{Name: "of a part of the text", As: zhang, Call: run, Body: sql("WITH w AS (SELECT 1 AS n) SELECT n FROM w AT (VERSION => 1)"), Status: 422, Want: []string{"warehouse.sql_at"}},
			{Name: "versions to choose from", As: zhang, Call: "GET /api/query/sources/" + ds.ID + "/versions", Status: 200, Want: []string{`"number":2,"rows":1`, `"number":1,"rows":2`}},
			{Name: "not a stranger's", As: analyst("li", "u2"), Call: "GET /api/query/sources/" + ds.ID + "/versions", Status: 404},
		})
		kept := keep(t, e, zhang, "去年的人口", fmt.Sprintf(`{"sql":"SELECT jd, rk FROM streets ORDER BY jd","asOf":%q}`, first.Add(time.Hour).Format(time.RFC3339)))
		e.Run(t, []kerneltest.Case{{Name: "kept with its moment", As: zhang, Call: "POST /api/query/saved/" + kept.ID + "/run", Body: `{}`, Status: 200, Want: then},
			{Name: "the history says which versions", As: zhang, Call: "GET /api/query/runs", Status: 200, Want: []string{`"past":true`, `"number":1`}}})
	})
}
