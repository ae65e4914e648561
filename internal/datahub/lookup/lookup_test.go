package lookup_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/lookup"
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

// ByMobile knows li, of u2, and his colleague zhao.
func (town) ByMobile(_ context.Context, _ store.Queryer, number string) ([]lookup.Member, error) {
	return map[string][]lookup.Member{"13900000001": {{Person: "li", Unit: "u2", Home: "u2"}}, "13900000002": {{Person: "zhao", Unit: "u21", Home: "u2"}}, "13900000003": {{Person: "qian", Unit: "u7", Home: "u7"}}}[number], nil
}

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room { return []*room.Room{lookup.New(kit, town{}, town{})} },
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

const (
	zhangID = "420199198506150017"
	liID    = "42019919900101003X"
)

var columns = []dataset.Column{
	{Name: "sfzh", Title: "身份证号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "xm", Title: "姓名", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindName, Level: dataset.L3, Masked: true},
	{Name: "sjh", Title: "手机号", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindMobile, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "je", Title: "金额", Type: warehouse.DecimalType(18, 2), Level: dataset.L2},
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
func publish(t *testing.T, e *kerneltest.Env, id string, expect int64, name string, rows ...[]any) dataset.Dataset {
	t.Helper()
	loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(columns), OnDuplicate: warehouse.KeepAll}, feed(rows))
	if err != nil {
		t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: id, Expect: expect, Name: name, Title: "人口信息", Room: "library", Unit: "u1", Owner: "zhang", Columns: columns, Loaded: loaded.Version})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// grant shares ds for an hour of the house's clock.
func grant(t *testing.T, e *kerneltest.Env, ds dataset.Dataset, g dataset.Grant) dataset.Grant {
	t.Helper()
	g.Purpose, g.Basis, g.Until = "核对低保资格", "社会救助暂行办法", store.At(e.Now.Add(time.Hour))
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

func reader(name, unit string) *room.Actor {
	return kerneltest.Actor(name, unit, room.Unit, "lookup.find")
}

func ask(ds, value, purpose string) string {
	return fmt.Sprintf(`{"dataset":%q,"column":"sfzh","value":%q,"purpose":%q}`, ds, value, purpose)
}

type answer struct {
	Look    string
	Rows    [][]string
	More    bool
	Columns []struct {
		Name               string
		Masked, Revealable bool
	}
}

const why = "核对张家湾街道低保申请"

func people(t *testing.T, e *kerneltest.Env) dataset.Dataset {
	return publish(t, e, "", 0, "people", []any{zhangID, "张三", "13800005678", warehouse.Decimal("120.50")}, []any{liID, "李小四", nil, warehouse.Decimal("80.00")})
}

func TestFind(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		ds := people(t, e)
		li, wang := reader("li", "u2"), reader("wang", "u3")
		e.Run(t, []kerneltest.Case{
			{Name: "nothing to look into", As: li, Call: "GET /api/lookup/datasets", Status: 200, Want: []string{`"items":[]`}},
			{Name: "not granted", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 404, Not: []string{"人口"}},
		})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh"}, Reveal: []string{"sjh"}})
		grant(t, e, ds, dataset.Grant{Person: "wang", Columns: []string{"xm", "je"}})
		masked := []string{"420199********0017", "张*", "138****5678", "人口信息"}
		clear := []string{zhangID, "张三", "13800005678", "120.50"}
		e.Run(t, []kerneltest.Case{
			{Name: "listed", As: li, Call: "GET /api/lookup/datasets", Status: 200, Want: []string{"人口信息", "核对低保资格", `"unitName":"单位u1"`, `"name":"sfzh"`, `"owned":false`}},
			{Name: "listed without a key", As: wang, Call: "GET /api/lookup/datasets", Status: 200, Want: []string{`"keys":[]`}},
			{Name: "masked, and what is granted", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 200, Want: masked, Not: clear},
			{Name: "in full width and spaces", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, " ４２０１９９ 19850615 0017", why), Status: 200, Want: masked, Not: clear},
			{Name: "x in small", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, strings.ToLower(liID), why), Status: 200, Want: []string{"李*四"}},
			{Name: "no hit", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, "420199197001010030", why), Status: 200, Want: []string{`"rows":[]`}},
			{Name: "a key one may not see", As: wang, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 422},
			{Name: "no key", As: li, Call: "POST /api/lookup/find", Body: fmt.Sprintf(`{"dataset":%q,"column":"xm","value":"张三","purpose":%q}`, ds.ID, why), Status: 422},
			{Name: "no such column", As: li, Call: "POST /api/lookup/find", Body: fmt.Sprintf(`{"dataset":%q,"column":"\" OR 1=1","value":"张三","purpose":%q}`, ds.ID, why), Status: 422},
			{Name: "blank value", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, "   ", why), Status: 422},
			{Name: "no purpose", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, ""), Status: 422, Want: []string{"用途"}},
			{Name: "purpose too short", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, "查询"), Status: 422, Want: []string{"至少 4 个字"}},
			{Name: "purpose of one letter", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, "1111111"), Status: 422, Want: []string{"至少 4 个字"}},
			{Name: "purpose tells the key", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, "核对 420199 19850615 0017 的低保"), Status: 422, Want: []string{"不能出现个人信息"}},
			{Name: "no such dataset", As: li, Call: "POST /api/lookup/find", Body: ask("x", zhangID, why), Status: 404},
			{Name: "without the right", As: kerneltest.Actor("li", "u2", room.Unit, "lookup.ledger"), Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 403},
			{Name: "owned, masked all the same", As: reader("zhang", "u1"), Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 200, Want: []string{"张*", "120.50"}, Not: clear[:3]},
		})
		type row struct {
			n, personal, subjects, purposes int
		}
		got, err := store.One(t.Context(), e.Kit.DB, func(r *row) []any { return []any{&r.n, &r.personal, &r.subjects, &r.purposes} },
			`SELECT count(*), count(*) FILTER (WHERE personal), CAST(sum(subjects) AS BIGINT), count(*) FILTER (WHERE purpose = $1) FROM audit WHERE action = $2`, why, "lookup.find")
		if err != nil || got != (row{5, 5, 4, 5}) {
			t.Errorf("audit %+v %v", got, err)
		}
		for _, q := range []string{`SELECT title || CAST(detail AS TEXT) || purpose FROM audit`, `SELECT title || key_index || sealed || purpose FROM lookup_look`, `SELECT answer FROM web_request`} {
			texts, err := store.Column[string](t.Context(), e.Kit.DB, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{zhangID, "19850615", "张三", "13800005678"} {
				if strings.Contains(strings.Join(texts, "\n"), secret) {
					t.Errorf("%s is in the answer of %s", secret, q)
				}
			}
		}
	})
}

func TestReveal(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		li := reader("li", "u2")
		g := grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh"}, Reveal: []string{"sjh"}})
		find := func(value string) (a answer) {
			e.Get(t, li, "POST /api/lookup/find", ask(ds.ID, value, why), &a)
			return a
		}
		show := func(look string, row int, column, reason string) string {
			return fmt.Sprintf(`{"look":%q,"row":%d,"column":%q,"reason":%q}`, look, row, column, reason)
		}
		const need = "电话通知本人补交材料"
		a, none := find(zhangID), find("420199197001010030")
		if len(a.Columns) != 3 || a.Columns[0].Revealable || !a.Columns[2].Revealable {
			t.Errorf("%+v", a.Columns)
		}
		reveal := "POST /api/lookup/reveal"
		e.Run(t, []kerneltest.Case{
			{Name: "granted", As: li, Call: reveal, Body: show(a.Look, 0, "sjh", need), Key: "k", Status: 200, Want: []string{"13800005678"}, Not: []string{"张三", zhangID}},
			{Name: "the repeat does not tell it again", As: li, Call: reveal, Body: show(a.Look, 0, "sjh", need), Key: "k", Status: 409, Not: []string{"13800005678"}},
			{Name: "not granted", As: li, Call: reveal, Body: show(a.Look, 0, "xm", need), Status: 403, Want: []string{"姓名"}, Not: []string{"张三"}},
			{Name: "not even shown", As: li, Call: reveal, Body: show(a.Look, 0, "je", need), Status: 422, Not: []string{"120.50"}},
			{Name: "no reason", As: li, Call: reveal, Body: show(a.Look, 0, "sjh", "看看"), Status: 422},
			{Name: "the key as reason", As: li, Call: reveal, Body: show(a.Look, 0, "sjh", "联系"+zhangID), Status: 422},
			{Name: "no such row", As: li, Call: reveal, Body: show(a.Look, 3, "sjh", need), Status: 422},
			{Name: "nothing was found", As: li, Call: reveal, Body: show(none.Look, 0, "sjh", need), Status: 422},
			{Name: "another's look", As: reader("zhao", "u2"), Call: reveal, Body: show(a.Look, 0, "sjh", need), Status: 404},
			{Name: "the owner's without the right", As: reader("zhang", "u1"), Call: reveal, Body: show(a.Look, 0, "sjh", need), Status: 404},
		})
		publish(t, e, ds.ID, ds.Version, "people", []any{zhangID, "张三", "13900000000", nil})
		e.Run(t, []kerneltest.Case{{Name: "of the version looked in, though the data has changed", As: li, Call: reveal, Body: show(a.Look, 0, "sjh", need), Status: 200, Want: []string{"13800005678"}, Not: []string{"13900000000"}}})
		b := find(zhangID)
		e.Move(9 * time.Minute)
		e.Run(t, []kerneltest.Case{{Name: "in time", As: li, Call: reveal, Body: show(b.Look, 0, "sjh", need), Status: 200, Want: []string{"13900000000"}}})
		e.Move(time.Minute)
		e.Run(t, []kerneltest.Case{{Name: "too late", As: li, Call: reveal, Body: show(b.Look, 0, "sjh", need), Status: 409, Want: []string{"超过 10 分钟"}}})
		c := find(zhangID)
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.Kit.Datasets.Revoke(ctx, tx, ds, g.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "revoked at once", As: li, Call: reveal, Body: show(c.Look, 0, "sjh", need), Status: 404},
			{Name: "for looks too", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 404},
		})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "sjh"}})
		e.Run(t, []kerneltest.Case{{Name: "granted again", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 200}})
		e.Move(time.Hour)
		e.Run(t, []kerneltest.Case{{Name: "the grant has run out", As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 404}})
		owner := kerneltest.Actor("zhang", "u1", room.Unit, "lookup.find", "lookup.reveal")
		var own answer
		e.Get(t, owner, "POST /api/lookup/find", ask(ds.ID, zhangID, why), &own)
		e.Run(t, []kerneltest.Case{{Name: "the owner with the right", As: owner, Call: reveal, Body: show(own.Look, 0, "xm", need), Status: 200, Want: []string{"张三"}}})
		counts, err := store.Column[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = 'lookup.reveal' GROUP BY result ORDER BY result`)
		if err != nil || len(counts) != 2 || counts[0] != 1 || counts[1] != 4 {
			t.Error("denied and revealed:", counts, err)
		}
		for _, r := range e.Rooms {
			for _, j := range r.Jobs {
				if j.Name == "lookup.forget" {
					e.Move(time.Hour)
					if err := j.Run(t.Context(), []byte("{}")); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM lookup_look WHERE sealed <> ''`); err != nil || n != 0 {
			t.Error("sealed keys stay:", n, err)
		}
	})
}

// One may look at how it was: in a version that is still kept, guarded as the data is today.
func TestAsOf(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		li := reader("li", "u2")
		past := "GET /api/lookup/datasets/" + ds.ID + "/versions"
		then := func(n int) string {
			return strings.Replace(ask(ds.ID, zhangID, why), "{", fmt.Sprintf(`{"version":%d,`, n), 1)
		}
		e.Run(t, []kerneltest.Case{{Name: "not granted", As: li, Call: past, Status: 404}})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh"}, Reveal: []string{"sjh"}})
		e.Move(time.Minute)
		publish(t, e, ds.ID, ds.Version, "people", []any{zhangID, "张三", "13900000000", nil})
		e.Run(t, []kerneltest.Case{
			{Name: "listed", As: li, Call: past, Status: 200, Want: []string{`"number":2,"rows":1`, `"number":1,"rows":2`, `"replacedAt":null`}},
			{Name: "now", As: li, Call: "POST /api/lookup/find", Body: then(0), Status: 200, Want: []string{"139****0000", `"number":2`}},
			{Name: "then", As: li, Call: "POST /api/lookup/find", Body: then(1), Status: 200, Want: []string{"138****5678", `"number":1`}, Not: []string{"13800005678"}},
			{Name: "never", As: li, Call: "POST /api/lookup/find", Body: then(9), Status: 404, Want: []string{"历史版本已经清理"}},
		})
		var a answer
		e.Get(t, li, "POST /api/lookup/find", then(1), &a)
		e.Run(t, []kerneltest.Case{{Name: "a field of then", As: li, Call: "POST /api/lookup/reveal", Body: fmt.Sprintf(`{"look":%q,"row":0,"column":"sjh","reason":"核对变更前的号码"}`, a.Look), Status: 200, Want: []string{"13800005678"}}})
	})
}

func TestLedger(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh"}, Reveal: []string{"sjh"}})
		li, wang := reader("li", "u2"), reader("wang", "u2")
		var a answer
		e.Get(t, li, "POST /api/lookup/find", ask(ds.ID, zhangID, why), &a)
		e.Get(t, li, "POST /api/lookup/reveal", fmt.Sprintf(`{"look":%q,"row":0,"column":"sjh","reason":"电话通知本人"}`, a.Look), nil)
		e.Get(t, wang, "POST /api/lookup/find", ask(ds.ID, "420199197001010030", "核对残疾人补贴发放"), nil)
		keeper := kerneltest.Actor("keeper", "u1", room.Unit, "lookup.ledger")
		values := []string{zhangID, "张三", "13800005678", "420199197001010030"}
		var mine, all struct {
			Items []struct {
				PersonName, UnitName, Purpose, Title string
				Hits, Revealed                       int
				Reveals                              []struct{ Title, Reason string }
			}
		}
		e.Get(t, li, "GET /api/lookup/mine", "", &mine)
		if len(mine.Items) != 1 || mine.Items[0].Purpose != why || mine.Items[0].Revealed != 1 || mine.Items[0].Reveals[0].Reason != "电话通知本人" {
			t.Errorf("%+v", mine)
		}
		e.Get(t, keeper, "GET /api/lookup/ledger", "", &all)
		if len(all.Items) != 2 || all.Items[0].PersonName != "wang" || all.Items[0].Hits != 0 || all.Items[1].Hits != 1 || all.Items[1].UnitName != "单位u2" {
			t.Errorf("%+v", all)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "no values", As: keeper, Call: "GET /api/lookup/ledger", Status: 200, Not: values},
			{Name: "by person", As: keeper, Call: "GET /api/lookup/ledger?person=li", Status: 200, Want: []string{why}, Not: []string{"残疾人"}},
			{Name: "by time", As: keeper, Call: "GET /api/lookup/ledger?from=2024-01-01T00:00:00Z", Status: 200, Want: []string{`"items":[]`}},
			{Name: "revealed", As: keeper, Call: "GET /api/lookup/ledger?revealed=true", Status: 200, Want: []string{why}, Not: []string{"残疾人"}},
			{Name: "by dataset", As: keeper, Call: "GET /api/lookup/ledger?dataset=x", Status: 200, Want: []string{`"items":[]`}},
			{Name: "another unit's keeper", As: kerneltest.Actor("other", "u2", room.Unit, "lookup.ledger"), Call: "GET /api/lookup/ledger", Status: 200, Want: []string{`"items":[]`}},
			{Name: "a bad time", As: keeper, Call: "GET /api/lookup/ledger?from=yesterday", Status: 422},
		})
	})
}

// Twenty rows of one key are shown, and that there are more is said.
func TestManyRows(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		var rows [][]any
		for i := range 25 {
			rows = append(rows, []any{zhangID, fmt.Sprintf("张三%02d", 24-i), nil, nil})
		}
		ds := publish(t, e, "", 0, "many", rows...)
		var a, b answer
		owner := reader("zhang", "u1")
		e.Get(t, owner, "POST /api/lookup/find", ask(ds.ID, zhangID, why), &a)
		e.Get(t, owner, "POST /api/lookup/find", ask(ds.ID, zhangID, why), &b)
		if len(a.Rows) != 20 || !a.More || fmt.Sprint(a.Rows) != fmt.Sprint(b.Rows) {
			t.Error(len(a.Rows), a.More)
		}
	})
}

// The limit holds when many looks are made at once, and is lifted after an hour.
func TestLimit(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		li := reader("li", "u1")
		admin := e.Administrator(room.Security)
		e.Get(t, admin, "PUT /api/settings/lookup.per_hour", `{"value":5,"reason":"试验限次","version":0}`, nil)
		var wg sync.WaitGroup
		var mu sync.Mutex
		count := map[int]int{}
		e.Call(t, kerneltest.Case{As: li, Call: "GET /api/lookup/mine"}) // makes the actor known
		for range 12 {
			wg.Go(func() {
				status, body := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why)})
				mu.Lock()
				defer mu.Unlock()
				if count[status]++; status == 429 && !strings.Contains(body, "已查询 5 次") {
					t.Error(body)
				}
			})
		}
		wg.Wait()
		if count[200] != 5 || count[429] != 7 {
			t.Error(count)
		}
		e.Move(61 * time.Minute)
		if status, body := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why)}); status != 200 {
			t.Error(status, body)
		}
	})
}
