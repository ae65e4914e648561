package library_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/kerneltest"
)

// way is how a feed is collected, as the page sends it.
func way(mode, schedule, drift string) func(m map[string]any) {
	return func(m map[string]any) {
		w := map[string]any{}
		if err := json.Unmarshal([]byte(fmt.Sprintf(`{"mode":%s,"schedule":%s,"drift":%q}`, mode, schedule, drift)), &w); err != nil {
			panic(err)
		}
		m["way"] = w
	}
}

const (
	whole  = `{"kind":"full"}`
	byHand = `{"every":""}`
	daily  = `{"every":"daily","at":"02:30"}`
)

const roster = `CREATE TABLE roster (id BIGINT PRIMARY KEY, phone TEXT, note TEXT, pay INTEGER)`

// A column renamed overnight, one more, one gone, one of another type: nothing is loaded until the owner has decided.
func TestColumnsChange(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		far.do(t, roster, `INSERT INTO roster VALUES (1, '13900000001', 'a', 10), (2, '13900000002', 'b', 20)`)
		f := e.agree(zhang, e.pick(zhang, e.connect(zhang, "名册", far.spec()), "public.roster")[0], way(whole, byHand, "ask"))
		f, _ = e.settled(zhang, f.ID)
		far.do(t, `ALTER TABLE roster RENAME COLUMN phone TO phone_no`, `ALTER TABLE roster DROP COLUMN note`, `ALTER TABLE roster ADD COLUMN mobile2 TEXT`, `ALTER TABLE roster ALTER COLUMN pay TYPE NUMERIC(10,2)`,
			`UPDATE roster SET mobile2 = '13700000009', pay = pay + 0.5`)
		f, r := e.again(zhang, f.ID)
		if r.Items[0].State != "decide" || f.State != "decide" || len(f.Changes) != 4 {
			t.Fatalf("%+v %+v", f, r)
		}
		what := map[string]string{}
		for _, c := range f.Changes {
			what[c.Header] = c.What + " " + c.To
		}
		if what["phone"] != "renamed phone_no" || what["note"] != "removed " || what["mobile2"] != "added " || what["pay"] != "retyped " {
			t.Error(what)
		}
		if rows := e.rowsOf(f.MadeDataset); rows[0][1] != "13900000001" {
			t.Error("the last version does not serve", rows)
		}
		decide := func(choices string) kerneltest.Case {
			return kerneltest.Case{As: zhang, Call: "POST /api/library/feeds/" + f.ID + "/decide", Body: fmt.Sprintf(`{"choices":[%s],"version":%d}`, choices, f.Version)}
		}
		half, wrong := decide(`{"header":"phone","do":"map","to":"phone_no"}`), decide(`{"header":"phone","do":"map","to":"pay"},{"header":"note","do":"empty"},{"header":"mobile2","do":"take"},{"header":"pay","do":"retype"}`)
		half.Name, half.Status, half.Want = "every difference is decided", 422, []string{"请说明列“"}
		wrong.Name, wrong.Status = "a column goes on under a new one only", 422
		e.Run(t, []kerneltest.Case{half, wrong,
			{Name: "told of it", As: zhang, Call: "GET /api/notify", Status: 200, Want: []string{"列有变化", "请决定怎样处理"}},
			{Name: "no run before that", As: zhang, Call: "POST /api/library/feeds/" + f.ID + "/run", Body: fmt.Sprintf(`{"version":%d}`, f.Version), Status: 409, Want: []string{"请先处理变化"}}})
		ok := decide(`{"header":"phone","do":"map","to":"phone_no"},{"header":"note","do":"empty"},{"header":"mobile2","do":"take"},{"header":"pay","do":"retype"}`)
		ok.Status = 200
		e.Run(t, []kerneltest.Case{ok})
		f, r = e.settled(zhang, f.ID)
		if r.Items[0].State != "done" || f.State != "on" || r.Items[0].MadeNumber != 2 {
			t.Fatalf("%+v %+v", f, r)
		}
		rows := e.rowsOf(f.MadeDataset)
		if got := fmt.Sprint(rows[0]); got != "[1 13900000001 <nil> 10.50 13700000009]" {
			t.Error(got)
		}
		e.Run(t, []kerneltest.Case{{Name: "the new column is masked", As: zhang, Call: "GET /api/library/datasets/" + f.MadeDataset, Status: 200,
			Want: []string{`"name":"mobile2","title":"mobile2","type":"text","key":false,"kind":"mobile","level":"L3","masked":true`, `"name":"phone"`}}})

		// New columns may be taken without asking; anything else is still asked.
		f = e.settle(zhang, f, way(whole, byHand, "accept"))
		far.do(t, `ALTER TABLE roster ADD COLUMN street TEXT`, `UPDATE roster SET street = '关山街道'`)
		if f, r = e.again(zhang, f.ID); r.Items[0].State != "done" || fmt.Sprint(e.rowsOf(f.MadeDataset)[0][5]) != "关山街道" {
			t.Errorf("%+v", r)
		}
		f = e.settle(zhang, f, way(whole, byHand, "stop"))
		far.do(t, `ALTER TABLE roster ADD COLUMN more TEXT`)
		if f, r = e.again(zhang, f.ID); r.Items[0].State != "failed" || !strings.Contains(f.Error, "more") {
			t.Errorf("%+v", r)
		}
	})
}

// By a growing column, only what is new is read and merged.
func TestWatermark(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		far.do(t, `CREATE TABLE visit (id BIGINT PRIMARY KEY, words TEXT, changed TIMESTAMP)`,
			`INSERT INTO visit SELECT g, 'w' || g, TIMESTAMP '2023-05-01 08:00:00' + g * INTERVAL '1 minute' FROM generate_series(1, 100) g`)
		draft := e.pick(zhang, e.connect(zhang, "走访", far.spec()), "public.visit")[0]
		if strings.Join(draft.Proposes, " ") != "id changed" {
			t.Error(draft.Proposes)
		}
		f := e.agree(zhang, draft, way(`{"kind":"watermark","column":"changed","overlap":10}`, byHand, "ask"))
		f, r := e.settled(zhang, f.ID)
		if r.Items[0].Rows != 100 || !r.Items[0].Outcome.Whole || f.Seen != "2023-05-01 09:40:00" {
			t.Fatalf("%+v %+v", f, r)
		}
		f, r = e.again(zhang, f.ID)
		if o := r.Items[0].Outcome; !o.Unchanged || o.Fetched != 11 || o.Same != 11 {
			t.Fatalf("%+v", r)
		}
		far.do(t, `UPDATE visit SET words = 'x', changed = '2023-05-02 08:00:00' WHERE id = 7`, `INSERT INTO visit VALUES (101, 'new', '2023-05-02 08:00:01.5')`, `DELETE FROM visit WHERE id = 50`)
		f, r = e.again(zhang, f.ID)
		if o := r.Items[0].Outcome; o.Inserted != 1 || o.Updated != 1 || o.Same != 11 || r.Items[0].Rows != 101 || f.Seen != "2023-05-02 08:00:01.5" {
			t.Fatalf("%+v %+v", f, r)
		}
		rows := e.rowsOf(f.MadeDataset)
		if len(rows) != 101 || rows[6][1] != "x" || warehouse.Format(rows[100][2]) != "2023-05-02 08:00:01.5" {
			t.Error(len(rows), rows[6])
		}
		// What was deleted is seen when everything is collected.
		e.Get(t, zhang, "POST /api/library/feeds/"+f.ID+"/run", fmt.Sprintf(`{"whole":true,"version":%d}`, f.Version), nil)
		if f, r = e.settled(zhang, f.ID); r.Items[0].Rows != 100 {
			t.Fatalf("%+v", r)
		}
		// Somebody goes back to an older version: changes no longer fit onto what serves, so everything comes.
		var ds struct {
			Version  int64
			Versions []struct{ ID string }
		}
		e.Get(t, zhang, "GET /api/library/datasets/"+f.MadeDataset, "", &ds)
		e.Get(t, zhang, "POST /api/library/datasets/"+f.MadeDataset+"/rollback", fmt.Sprintf(`{"to":%q,"reason":"试一试","version":%d}`, ds.Versions[2].ID, ds.Version), nil)
		if _, r = e.again(zhang, f.ID); r.Items[0].Rows != 100 || !r.Items[0].Outcome.Whole {
			t.Fatalf("%+v", r)
		}
		e.Run(t, []kerneltest.Case{{Name: "without a key there is nothing to merge by", As: zhang, Call: "PUT /api/library/feeds/" + f.ID, Status: 422, Want: []string{"至少把一列设为查询键"},
			Body: planned(e.look(zhang, f.ID), func(m map[string]any) { column(m, "id")["key"] = false })}})
	})
}

func planned(f feed, change func(m map[string]any)) string {
	m := map[string]any{"dataset": "", "name": f.Name, "title": f.Title, "columns": f.Columns, "onBad": "reject", "way": f.Way, "version": f.Version}
	change(m)
	b, _ := json.Marshal(m)
	return string(b)
}

// Records of change with delete marks become the state they tell of.
func TestChanges(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		far.do(t, `CREATE TABLE log (seq BIGINT PRIMARY KEY, op TEXT, id TEXT, name TEXT)`, `INSERT INTO log VALUES (3, 'U', 'a', 'A2'), (1, 'I', 'a', 'A'), (2, 'I', 'b', 'B'), (4, 'd', 'b', NULL), (5, 'I', 'c', 'C')`)
		draft := e.pick(zhang, e.connect(zhang, "变更", far.spec()), "public.log")[0]
		f := e.agree(zhang, draft, func(m map[string]any) {
			way(`{"kind":"changes","column":"seq","op":"op"}`, byHand, "ask")(m)
			column(m, "seq")["skip"], column(m, "op")["skip"], column(m, "seq")["key"], column(m, "id")["key"] = true, true, false, true
		})
		f, r := e.settled(zhang, f.ID)
		if o := r.Items[0].Outcome; r.Items[0].State != "done" || o.Inserted != 2 {
			t.Fatalf("%+v %+v", f, r)
		}
		far.do(t, `INSERT INTO log VALUES (6, '删除', 'a', NULL), (7, 'I', 'd', 'D'), (8, 'U', 'c', 'C')`)
		f, r = e.again(zhang, f.ID)
		if o := r.Items[0].Outcome; o.Inserted != 1 || o.Deleted != 1 || o.Updated != 0 {
			t.Fatalf("%+v", r)
		}
		if got := fmt.Sprint(e.rowsOf(f.MadeDataset)); got != "[[c C] [d D]]" {
			t.Error(got)
		}
		if _, r = e.again(zhang, f.ID); !r.Items[0].Outcome.Unchanged {
			t.Errorf("%+v", r)
		}
	})
}

// A feed runs when it is due, once for what was missed; a failure is tried again after a while, then its owner is told.
func TestSchedule(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		far.do(t, roster, `INSERT INTO roster VALUES (1, 'x', 'a', 10)`)
		f := e.agree(zhang, e.pick(zhang, e.connect(zhang, "名册", far.spec()), "public.roster")[0], way(whole, daily, "ask"))
		f, _ = e.settled(zhang, f.ID)
		if f.NextAt == nil || f.NextAt.UTC().Format(time.DateTime) != "2023-06-01 18:30:00" { // 02:30 of 2 June, +08:00
			t.Fatal(f.NextAt)
		}
		far.do(t, `UPDATE roster SET pay = 11`)
		e.run("library.due")
		if _, r := e.settled(zhang, f.ID); len(r.Items) != 1 {
			t.Error("not due yet", r)
		}
		e.Move(72 * time.Hour)
		e.run("library.due")
		e.run("library.due")
		f, r := e.settled(zhang, f.ID)
		if len(r.Items) != 2 || r.Items[0].State != "done" || r.Items[0].Outcome.ByHand || f.NextAt.UTC().Format(time.DateTime) != "2023-06-04 18:30:00" {
			t.Fatalf("%+v %+v", f, r)
		}
		far.left.Store(0) // the other side is gone
		e.Move(24 * time.Hour)
		for i, wait := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour} {
			e.run("library.due")
			f, r = e.settled(zhang, f.ID)
			if f.Fails != int64(i+1) || r.Items[0].State != "failed" || f.NextAt.Sub(e.Now) != wait {
				t.Fatalf("try %d: %+v", i, f)
			}
			e.Run(t, []kerneltest.Case{{Name: "nobody is told yet", As: zhang, Call: "GET /api/notify", Status: 200, Not: []string{"归集失败"}}})
			e.Move(wait)
		}
		e.run("library.due")
		if f, _ = e.settled(zhang, f.ID); f.Fails != 4 || f.NextAt.Sub(e.Now) < 2*time.Hour {
			t.Fatalf("%+v", f)
		}
		e.Run(t, []kerneltest.Case{{Name: "told of it", As: zhang, Call: "GET /api/notify", Status: 200, Want: []string{"“roster”归集失败"}},
			{Name: "health says so", As: e.Administrator("system"), Call: "GET /api/system/health", Status: 200, Want: []string{"1 项连续失败"}}})
		far.left.Store(-1)
		if f, r = e.again(zhang, f.ID); f.Fails != 0 || f.Error != "" {
			t.Errorf("%+v", f)
		}
		e.Get(t, zhang, "POST /api/library/feeds/"+f.ID+"/turn", fmt.Sprintf(`{"on":false,"version":%d}`, f.Version), &f)
		e.Move(72 * time.Hour)
		e.run("library.due")
		if f, now := e.settled(zhang, f.ID); len(now.Items) != len(r.Items) || f.NextAt != nil {
			t.Error("a paused feed ran")
		}
	})
}
