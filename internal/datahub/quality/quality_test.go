package quality_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/quality"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var made sync.Map // kit → *quality.Quality

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room {
		q, err := quality.New(kit)
		if err != nil {
			panic(err)
		}
		made.Store(kit, q)
		return []*room.Room{q.Room()}
	},
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
	day     = warehouse.Type{Kind: warehouse.KindDate}
	columns = []dataset.Column{
		{Name: "sfzh", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
		{Name: "xb", Title: "性别", Type: text, Level: dataset.L2},
		{Name: "kh", Title: "卡号", Type: text, Level: dataset.L2},
		{Name: "ks", Title: "开始日期", Type: day, Level: dataset.L2},
		{Name: "js", Title: "结束日期", Type: day, Level: dataset.L2},
	}
	officer  = kerneltest.Actor("zhang", "u1", room.Unit, "quality.read", "quality.manage", "quality.report")
	reader   = kerneltest.Actor("li", "u2", room.Unit, "quality.report")
	outsider = kerneltest.Actor("wang", "u3", room.Unit, "quality.read", "quality.manage", "quality.report")
)

// rows are n people; of each hundred one has no sex, one a sex nobody knows, one an end before its beginning.
func rows(n int) [][]any {
	out := make([][]any, n)
	for i := range out {
		sex, until := any([]string{"男", "女"}[i%2]), "2024-06-30"
		switch i % 100 {
		case 3:
			sex = nil
		case 4:
			sex = "甲"
		case 5:
			until = "2023-01-01"
		}
		out[i] = []any{codes.Fictional(i), sex, fmt.Sprintf("K-%06d", i), warehouse.Date("2024-01-01"), warehouse.Date(until)}
	}
	return out
}

func load(t *testing.T, e *kerneltest.Env, rows [][]any) warehouse.Version {
	t.Helper()
	loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(columns), OnDuplicate: warehouse.KeepAll}, func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Version
}

func publish(t *testing.T, e *kerneltest.Env, id string, expect int64, v warehouse.Version) dataset.Dataset {
	t.Helper()
	var ds dataset.Dataset
	err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: id, Expect: expect, Name: "people", Title: "人口", Room: "library", Unit: "u1", Owner: "zhang", Columns: columns, Loaded: v})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// checked waits until the newest check of version number is done.
func checked(t *testing.T, e *kerneltest.Env, ds dataset.Dataset) quality.Body {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var b quality.Body
		e.Get(t, officer, "GET /api/quality/datasets/"+ds.ID, "", &b)
		if b.Newest != nil && b.Newest.Number == ds.Number && b.Running == nil {
			return b
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("never checked", b)
		}
	}
}

func ruleOf(t *testing.T, b quality.Body, kind, column string) quality.Rule {
	t.Helper()
	for _, r := range b.RuleList {
		if string(r.Body.Kind) == kind && r.Body.Column == column {
			return r
		}
	}
	t.Fatalf("no rule %s on %s in %+v", kind, column, b.RuleList)
	return quality.Rule{}
}

func TestQuality(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := publish(t, e, "", 0, load(t, e, rows(1000)))
		b := checked(t, e, ds)
		if b.Score != -1 || b.Grade != "" {
			t.Error("without a rule in force nothing can be assessed:", b.Score, b.Grade)
		}
		if p := b.Profile[1]; p.Name != "xb" || p.Empty != 10 || p.Distinct != 3 || p.Values[0].Value != "女" && p.Values[0].Value != "男" {
			t.Errorf("profile: %+v", p)
		}
		if p := b.Profile[0]; p.Least != "" || len(p.Values) > 0 {
			t.Errorf("a masked column shows values: %+v", p)
		}
		for kind, column := range map[string]string{"check_digit": "sfzh", "unique": "sfzh", "dictionary": "xb", "compare": "ks", "pattern": "kh"} {
			r := ruleOf(t, b, kind, column)
			if r.State != "proposed" || r.Title == "" || strings.Contains(r.Title, "quality.") {
				t.Errorf("%+v", r)
			}
			body := fmt.Sprintf(`{"body":%s,"weight":%d,"state":"active","version":%d}`, jsonOf(t, r.Body), r.Weight, r.Version)
			e.Get(t, officer, "PUT /api/quality/datasets/"+ds.ID+"/rules/"+r.ID, body, &b)
			if s, out := e.Call(t, kerneltest.Case{As: officer, Call: "PUT /api/quality/datasets/" + ds.ID + "/rules/" + r.ID, Body: body}); s != 409 || !strings.Contains(out, "rule_changed") {
				t.Error("from an old page:", s, out)
			}
		}
		e.Get(t, officer, "POST /api/quality/datasets/"+ds.ID+"/check", "{}", &b)
		b = checked(t, e, ds)
		// 0301 and 0304 whole; 0105: 10 of 990 are in no dictionary; 0402: 10 of 1000 end before they begin; 0302 whole.
		want := map[string]int64{"01": 9898, "03": 10000, "04": 9900}
		for _, p := range b.Newest.Parts {
			if w, ok := want[p.Dimension]; ok != (p.Rules > 0) || ok && w != p.Score {
				t.Errorf("dimension %s: %+v", p.Dimension, p)
			}
		}
		if b.Score != (9898*15+10000*25+9900*15+27)/55 || b.Grade != "best" || b.Failing != 2 {
			t.Error(b.Score, b.Grade, b.Failing)
		}

		bad := ruleOf(t, b, "compare", "ks")
		var f struct {
			Columns []quality.Field
			Rows    []quality.Failing
			More    bool
		}
		e.Get(t, officer, "GET /api/quality/datasets/"+ds.ID+"/rules/"+bad.ID+"/rows", "", &f)
		if len(f.Rows) != 10 || f.More || len(f.Columns) != 3 || !strings.Contains(f.Rows[0].Values[0], "*") || f.Rows[0].Values[2] != "2023-01-01" {
			t.Errorf("%+v", f)
		}

		// Rows that fail a rule that blocks keep a version back, and say so.
		e.Get(t, officer, "PUT /api/quality/datasets/"+ds.ID+"/rules/"+bad.ID, fmt.Sprintf(`{"body":%s,"weight":10,"blocking":true,"state":"active","version":%d}`, jsonOf(t, bad.Body), bad.Version), &b)
		q, _ := made.Load(e.Kit)
		gate := q.(*quality.Quality).Gate
		worse := load(t, e, rows(500))
		err := gate(room.Acting(t.Context(), &room.Actor{IsJob: true}), ds, worse.ID)
		if errs.KeyOf(err) != "quality.blocked" || !strings.Contains(fmt.Sprint(err), "5") {
			t.Error("five rows fail:", err)
		}
		good := rows(500)
		for _, r := range good {
			r[4] = warehouse.Date("2024-06-30")
		}
		v := load(t, e, good)
		if err := gate(t.Context(), ds, v.ID); err != nil {
			t.Error(err)
		}
		ds = publish(t, e, ds.ID, ds.Version, v)
		if b = checked(t, e, ds); b.Newest.Number != 2 || len(b.History) < 3 || b.Failing != 1 {
			t.Errorf("the next version: %+v", b.Newest)
		}

		for _, c := range []struct{ name, call, body, key string }{
			{"no such column", "POST /rules", `{"body":{"kind":"required","column":"x"},"weight":1,"state":"active"}`, "dataset.no_column"},
			{"a pattern that is none", "POST /rules", `{"body":{"kind":"pattern","column":"kh","pattern":"("},"weight":1,"state":"active"}`, "quality.bad_pattern"},
			{"an expression that is none", "POST /rules", `{"body":{"kind":"expression","expr":"kh +"},"weight":1,"state":"active"}`, "rule."},
			{"a dataset nobody knows", "POST /rules", `{"body":{"kind":"reference","column":"kh","other":"nowhere"},"weight":1,"state":"active"}`, "quality.no_reference"},
			{"nothing to cancel", "POST /cancel", `{}`, "quality.not_running"},
		} {
			method, path, _ := strings.Cut(c.call, " ")
			if s, out := e.Call(t, kerneltest.Case{As: officer, Call: method + " /api/quality/datasets/" + ds.ID + path, Body: c.body}); s < 400 || s >= 500 || !strings.Contains(out, c.key) {
				t.Error(c.name, s, out)
			}
		}
		var list struct{ Items []quality.Line }
		e.Get(t, officer, "GET /api/quality/datasets?grade=best", "", &list)
		if len(list.Items) != 1 || list.Items[0].Score != b.Score {
			t.Errorf("%+v", list)
		}
		for _, path := range []string{"GET /api/quality/datasets/" + ds.ID, "POST /api/quality/datasets/" + ds.ID + "/check"} {
			if s, out := e.Call(t, kerneltest.Case{As: outsider, Call: path, Body: "{}"}); s != 404 {
				t.Error("another unit:", path, s, out)
			}
		}
		e.Get(t, outsider, "GET /api/quality/datasets", "", &list)
		if len(list.Items) != 0 {
			t.Error("another unit sees", list.Items)
		}
		e.Strangers(t)
	})
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := store.JSON[any]{V: v}.Value()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s", b)
}

// Who may read data may say that it is wrong; who watches over it has failing rows put right. Nobody else can.
func TestTickets(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := publish(t, e, "", 0, load(t, e, rows(1000)))
		b := checked(t, e, ds)
		bad := ruleOf(t, b, "dictionary", "xb")
		e.Get(t, officer, "PUT /api/quality/datasets/"+ds.ID+"/rules/"+bad.ID, fmt.Sprintf(`{"body":%s,"weight":5,"state":"active","version":%d}`, jsonOf(t, bad.Body), bad.Version), &b)
		raise := func(as *room.Actor, body string) (int, string) {
			return e.Call(t, kerneltest.Case{As: as, Call: "POST /api/quality/tickets", Body: body})
		}
		rule := fmt.Sprintf(`{"dataset":%q,"rule":%q,"words":""}`, ds.ID, bad.ID)
		if s, out := raise(officer, rule); s != 409 || !strings.Contains(out, "none_fails") {
			t.Error("before it was checked:", s, out)
		}
		e.Get(t, officer, "POST /api/quality/datasets/"+ds.ID+"/check", "{}", &b)
		checked(t, e, ds)
		s, out := raise(officer, rule)
		if s != 200 || !strings.Contains(out, `"failing":10`) || !strings.Contains(out, `"number":"ZL`) || !strings.Contains(out, "10 行不合格") {
			t.Fatal(s, out)
		}
		if s, out := raise(officer, rule); s != 409 || !strings.Contains(out, "raised_already") {
			t.Error("twice:", s, out)
		}
		say := fmt.Sprintf(`{"dataset":%q,"column":"xb","words":"性别登记有误"}`, ds.ID)
		if s, out := raise(reader, say); s != 404 {
			t.Error("who may not read the data:", s, out)
		}
		err := e.Kit.DB.Tx(room.Acting(t.Context(), officer), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.Kit.Datasets.Grant(ctx, tx, ds, dataset.Grant{Unit: "u2", Columns: []string{"xb"}, Purpose: "核对", Basis: "办法", Until: store.At(e.Now.Add(time.Hour))})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if s, out := raise(reader, say); s != 200 || !strings.Contains(out, `"kind":"reader"`) {
			t.Error(s, out)
		}
		if s, out := raise(reader, fmt.Sprintf(`{"dataset":%q,"words":"错"}`, ds.ID)); s != 422 || !strings.Contains(out, "no_words") && !strings.Contains(out, "words") {
			t.Error("no words:", s, out)
		}
		if s, _ := raise(reader, rule); s != 404 {
			t.Error("a reader raises for a rule:", s)
		}
		var list struct{ Items []quality.Ticket }
		e.Get(t, reader, "GET /api/quality/tickets?open=true", "", &list)
		if len(list.Items) != 1 || list.Items[0].Kind != "reader" || list.Items[0].Step == "" {
			t.Errorf("his own: %+v", list.Items)
		}
		e.Get(t, officer, "GET /api/quality/tickets?dataset="+ds.ID, "", &list)
		if len(list.Items) != 2 {
			t.Errorf("those about his data: %+v", list.Items)
		}
		e.Get(t, outsider, "GET /api/quality/tickets", "", &list)
		if len(list.Items) != 0 {
			t.Errorf("another unit sees %+v", list.Items)
		}
	})
}
