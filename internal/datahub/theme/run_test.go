package theme_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// ready is a library that has run once.
func (e env) ready(as *room.Actor, steps ...step) (lib, run) {
	e.t.Helper()
	l := e.release(as, e.draft(as, "people", steps...))
	r := e.whole(as, l.ID)
	if r.State != "done" {
		e.t.Fatalf("%+v", r)
	}
	return l, r
}

// A test that blocks keeps every dataset of the library as it was; one that advises is told. Rows that fail are masked.
func TestBlocks(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(300))
		zhang := builder("zhang", "u1")
		all := step{"name": "every", "title": "全部人口", "sql": "SELECT * FROM population", "tests": []any{
			step{"kind": "rows_change", "percent": 50, "blocking": true}, step{"kind": "not_null", "columns": []string{"xm"}},
			step{"kind": "values", "columns": []string{"jd"}, "values": []string{"关山街道", "珞南街道", "洪山街道"}, "blocking": true},
			step{"kind": "between", "columns": []string{"nl"}, "low": "0", "high": "120", "blocking": true},
			step{"kind": "rows_min", "rows": 10, "blocking": true},
			step{"kind": "sql", "title": "有人没有街道", "sql": "SELECT sfzh, upper(xm) AS ming FROM every WHERE jd IS NULL", "blocking": true},
		}}
		sums := step{"name": "sums", "title": "街道合计", "sql": "SELECT jd, count(*) AS n FROM every GROUP BY jd"}
		l, r := e.ready(zhang, all, sums)
		advice := r.Results[0].Tests[1]
		if advice.Passed || advice.Failing != 1 || len(advice.Rows) != 1 || strings.Contains(fmt.Sprint(advice.Rows), codes.Fictional(9)) {
			t.Errorf("%+v", advice)
		}
		before := e.versions()
		bad := people(300)
		bad[7][2], bad[8][2], bad[9][3] = "城外", nil, int64(130)
		ds = e.publish(ds, "population", "u1", bad)
		r = e.whole(zhang, l.ID)
		if r.State != "failed" || !strings.Contains(r.Error, "步骤“全部人口”") || !strings.Contains(r.Error, "街道 在允许的值之内") {
			t.Fatalf("%+v", r)
		}
		tests := r.Results[0].Tests
		for i, want := range []int64{300, 1, 1, 1, 300, 1} {
			if tests[i].Failing != want {
				t.Errorf("test %d: %+v, want %d", i, tests[i], want)
			}
		}
		if got := fmt.Sprint(tests[5].Rows); strings.Contains(got, "王8") || strings.Contains(got, codes.Fictional(8)) || !strings.Contains(got, "＊＊＊") {
			t.Error("shown in clear:", got)
		}
		if n := e.versions(); n != before+1 { // that of the population
			t.Error("a staged version stays:", n, before)
		}
		if got := e.get(zhang, l.ID); got.State != "failed" || got.Datasets[0].Number != 1 || got.Datasets[1].Number != 1 {
			t.Errorf("%+v", got)
		}
		e.publish(ds, "population", "u1", people(100)) // fewer than half
		if r = e.whole(zhang, l.ID); r.State != "failed" || !strings.Contains(r.Error, "相差不超过 50%") {
			t.Errorf("%+v", r)
		}
	})
}

// The second step fails: the first, though made, is not published either. The gate on quality is asked like the tests.
func TestAllOrNothing(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang := builder("zhang", "u1")
		second := step{"name": "second", "title": "第二步", "sql": "SELECT jd, max(nl) AS m FROM clean GROUP BY jd", "tests": []any{step{"kind": "between", "columns": []string{"m"}, "high": "50", "blocking": true}}}
		l, _ := e.ready(zhang, clean, second)
		ds = e.publish(ds, "population", "u1", people(90))
		n := e.versions()
		if r := e.whole(zhang, l.ID); r.State != "failed" || r.Results[0].State != "done" || r.Results[1].State != "failed" {
			t.Fatalf("%+v", r)
		}
		if got := e.get(zhang, l.ID); got.Datasets[0].Number != 1 || got.Datasets[1].Number != 1 || e.versions() != n {
			t.Errorf("%+v, %d versions", got, e.versions())
		}
		e.publish(ds, "population", "u1", people(40))
		e.Kit.Datasets.Judged(func(_ context.Context, ds dataset.Dataset, _ string) error {
			if ds.Name == "second" {
				return errs.New(errs.Invalid, "theme.test_failed", "质量规则")
			}
			return nil
		})
		if r := e.whole(zhang, l.ID); r.State != "failed" || !strings.Contains(r.Error, "质量规则") {
			t.Errorf("%+v", r)
		}
		e.Kit.Datasets.Judged(nil)
		if r := e.whole(zhang, l.ID); r.State != "done" || r.Results[1].Number != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// A library reads what is granted to its unit for batch use: the columns, the rows, what may be revealed, the quota. What is
// granted to a person of it, or only for looking, is not read. When the grant ends the run fails and the old version stays.
func TestGrants(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(300))
		li := builder("li", "u2")
		count := step{"name": "streets", "title": "街道人数", "sql": "SELECT jd, count(*) AS n FROM population GROUP BY jd"}
		l := e.draft(li, "granted", count)
		missing := func(why string) {
			t.Helper()
			l = e.put(li, l, count)
			if len(l.Problems) != 1 || !strings.Contains(l.Problems[0].Message, "population") {
				t.Errorf("%s: %+v", why, l.Problems)
			}
		}
		missing("nothing granted")
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "xm"}, Modes: []dataset.Mode{dataset.Look}})
		missing("for looking only")
		e.grant(ds, dataset.Grant{Person: "li", Columns: []string{"jd", "xm"}, Modes: []dataset.Mode{dataset.Batch}})
		missing("to a person")
		g := e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "xm"}, Modes: []dataset.Mode{dataset.Batch}, Quota: 3, Filter: dataset.Filter{{Column: "jd", Op: warehouse.OpNe, Values: []string{"洪山街道"}}}})
		l = e.put(li, l, count)
		if len(l.Problems) > 0 {
			t.Fatal(l.Problems)
		}
		if x := e.put(li, l, step{"name": "streets", "title": "街道", "sql": "SELECT xm FROM population"}); len(x.Problems) != 1 || !strings.Contains(x.Problems[0].Message, "姓名") {
			t.Error("a masked column is not open without a grant to reveal it:", x.Problems)
		} else {
			l = e.put(li, x, count)
		}
		l = e.release(li, l)
		r := e.whole(li, l.ID)
		if r.State != "done" || fmt.Sprint(e.rows(r.Results[0].Dataset)) != "[[关山街道 100] [珞南街道 100]]" {
			t.Fatalf("%+v", r)
		}
		if n, err := e.Kit.Datasets.Spent(t.Context(), e.Kit.DB, g.ID); err != nil || n != 2 {
			t.Error("spent", n, err)
		}
		if over := e.whole(li, l.ID); over.State != "failed" || !strings.Contains(over.Error, "每日限额") {
			t.Errorf("%+v", over)
		}
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.Kit.Datasets.Revoke(ctx, tx, ds, g.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if gone := e.whole(li, l.ID); gone.State != "failed" || !strings.Contains(gone.Error, "population") || !strings.Contains(gone.Error, "授权") {
			t.Errorf("%+v", gone)
		}
		if got := e.rows(r.Results[0].Dataset); len(got) != 2 {
			t.Error("the last version is gone:", got)
		}
	})
}

// A run that is cancelled in the middle leaves nothing and can be started again.
func TestCancel(t *testing.T) {
	each(t, func(e env) {
		e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang := builder("zhang", "u1")
		l := e.release(zhang, e.draft(zhang, "people", clean, byStreet))
		inside := make(chan struct{})
		e.Kit.Warehouse.(interface{ Inner() warehouse.Store }).Inner().(*gate).hook = func(ctx context.Context, _ func() (warehouse.Loaded, error)) (warehouse.Loaded, error) {
			close(inside)
			<-ctx.Done()
			return warehouse.Loaded{}, ctx.Err()
		}
		r := e.start(zhang, l.ID)
		<-inside
		e.until(zhang, r.ID, func(r run) bool { return r.State == "running" })
		e.Run(t, []kerneltest.Case{
			{Name: "two never run", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/run", Body: "{}", Status: 409, Want: []string{"正在运行"}},
			{Name: "nor is it removed", As: zhang, Call: fmt.Sprintf("DELETE /api/theme/libraries/%s?version=%d", l.ID, l.Version), Status: 409},
			{Name: "not by another unit", As: builder("li", "u2"), Call: "POST /api/theme/runs/" + r.ID + "/cancel", Body: "{}", Status: 404},
			{Name: "cancelled", As: zhang, Call: "POST /api/theme/runs/" + r.ID + "/cancel", Body: "{}", Status: 200, Want: []string{`"state":"cancelled"`}},
			{Name: "once", As: zhang, Call: "POST /api/theme/runs/" + r.ID + "/cancel", Body: "{}", Status: 409},
		})
		if e.versions() != 1 {
			t.Error(e.versions())
		}
		if r := e.whole(zhang, l.ID); r.State != "done" {
			t.Errorf("%+v", r)
		}
	})
}

// A worker that dies is replaced; should it only have been slow, what it brings is dropped.
func TestDeadWorker(t *testing.T) {
	each(t, func(e env) {
		e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang := builder("zhang", "u1")
		l := e.release(zhang, e.draft(zhang, "people", clean, byStreet))
		inside, release, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		e.Kit.Warehouse.(interface{ Inner() warehouse.Store }).Inner().(*gate).hook = func(_ context.Context, make func() (warehouse.Loaded, error)) (warehouse.Loaded, error) {
			close(inside)
			<-release
			out, err := make()
			left <- err
			return out, err
		}
		r := e.start(zhang, l.ID)
		<-inside
		// as after a crash: no sign of life for long
		if err := store.Exec(t.Context(), e.Kit.DB, `UPDATE theme_run SET beat_at = 1, try = try + 1 WHERE id = $1`, r.ID); err != nil {
			t.Fatal(err)
		}
		e.call("theme.watch")
		if done := e.until(zhang, r.ID, ended); done.State != "done" || done.Results[1].Number != 1 {
			t.Fatalf("%+v", done)
		}
		close(release)
		if err := <-left; err != nil && err != context.Canceled {
			t.Error(err)
		}
		for e.versions() != 3 { // the slow one's goes as soon as it is refused
			select {
			case <-time.After(5 * time.Millisecond):
			case <-t.Context().Done():
				t.Fatal("versions stay:", e.versions())
			}
		}
		if got := e.get(zhang, l.ID); got.Datasets[0].Number != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// A library runs by itself when what it reads is renewed, once for several renewals, or at its time of day.
func TestSchedule(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish(dataset.Dataset{}, "population", "u1", people(30))
		zhang := builder("zhang", "u1")
		l := e.draft(zhang, "people")
		l.Schedule = map[string]any{"every": "input"}
		l = e.release(zhang, e.put(zhang, l, clean, byStreet))
		due := func() int64 {
			n, err := store.Value[int64](t.Context(), e.Kit.DB, `SELECT next_at FROM theme WHERE id = $1`, l.ID)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		wait := func(what string, is func() bool) {
			t.Helper()
			late := time.After(20 * time.Second)
			for !is() {
				select {
				case <-time.After(10 * time.Millisecond):
				case <-late:
					t.Fatal(what)
				}
			}
		}
		ds = e.publish(ds, "population", "u1", people(40))
		wait("never due", func() bool { return due() > 0 })
		first := due()
		e.Move(time.Minute)
		e.publish(ds, "population", "u1", people(50))
		wait("not put off", func() bool { return due() > first })
		e.call("theme.due") // not yet: more may come
		var runs struct{ Items []run }
		e.Get(t, zhang, "GET /api/theme/libraries/"+l.ID+"/runs", "", &runs)
		if len(runs.Items) != 0 {
			t.Fatalf("%+v", runs)
		}
		e.Move(10 * time.Minute)
		e.call("theme.due")
		wait("not run", func() bool {
			e.Get(t, zhang, "GET /api/theme/libraries/"+l.ID+"/runs", "", &runs)
			return len(runs.Items) == 1 && ended(runs.Items[0])
		})
		if r := runs.Items[0]; r.State != "done" || r.Why != "input" || r.Rows != 49+3 {
			t.Errorf("%+v", r)
		}
		if due() != 0 {
			t.Error("its own datasets made it due again")
		}
		l = e.get(zhang, l.ID)
		l.Schedule = map[string]any{"every": "daily", "at": "02:30"}
		l = e.release(zhang, e.put(zhang, l, clean, byStreet))
		if l.NextAt == nil || l.NextAt.UTC().Format("15:04") != "18:30" {
			t.Errorf("%v", l.NextAt)
		}
		e.Move(24 * time.Hour)
		e.call("theme.due")
		wait("not run daily", func() bool {
			e.Get(t, zhang, "GET /api/theme/libraries/"+l.ID+"/runs", "", &runs)
			return len(runs.Items) == 2 && ended(runs.Items[0])
		})
		if r := runs.Items[0]; r.Why != "daily" || due() == 0 {
			t.Errorf("%+v", r)
		}
	})
}

// Two libraries that read each other are refused when the circle closes.
func TestLoop(t *testing.T) {
	each(t, func(e env) {
		zhang := builder("zhang", "u1")
		e.publish(dataset.Dataset{}, "population", "u1", people(30))
		first := e.release(zhang, e.draft(zhang, "first", step{"name": "aa", "title": "甲甲", "sql": "SELECT jd FROM population"}))
		if r := e.whole(zhang, first.ID); r.State != "done" {
			t.Fatalf("%+v", r)
		}
		second := e.release(zhang, e.draft(zhang, "second", step{"name": "bb", "title": "乙乙", "sql": "SELECT jd FROM aa"}))
		if r := e.whole(zhang, second.ID); r.State != "done" {
			t.Fatalf("%+v", r)
		}
		l := e.put(zhang, e.get(zhang, first.ID), step{"name": "aa", "title": "甲甲", "sql": "SELECT jd FROM bb"})
		e.Run(t, []kerneltest.Case{{Name: "refused", As: zhang, Call: "POST /api/theme/libraries/" + l.ID + "/release", Body: body(map[string]any{"version": l.Version}), Status: 422, Want: []string{"循环依赖", "→"}}})
	})
}
