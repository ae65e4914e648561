package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

func people(t *testing.T, s warehouse.Store) string {
	t.Helper()
	return load(t, s, []warehouse.Column{col("!号", warehouse.KindInteger), col("街道", warehouse.KindText), money("额"),
		col("日", warehouse.KindDate), col("在", warehouse.KindBoolean)},
		[]any{1, "珞南街道", warehouse.Decimal("10.5"), warehouse.Date("1950-01-01"), true},
		[]any{2, "关山街道", warehouse.Decimal("-3"), warehouse.Date("2000-06-01"), false},
		[]any{3, "珞南街道", nil, nil, nil},
		[]any{4, nil, warehouse.Decimal("0.25"), warehouse.Date("2023-12-31"), true},
		[]any{5, "50%_街道", warehouse.Decimal("10.5"), warehouse.Date("2000-06-02"), true}).ID
}

func filters(t *testing.T, open Open) {
	s := fresh(t, open)
	id := people(t, s)
	for _, c := range []struct {
		name  string
		where warehouse.Cond
		want  string
	}{
		{"all", warehouse.Cond{}, "12345"},
		{"and of none", warehouse.And(), "12345"},
		{"or of none", warehouse.Or(), ""},
		{"eq", warehouse.Eq("街道", "珞南街道"), "13"},
		{"ne leaves NULL out", warehouse.Ne("街道", "珞南街道"), "25"},
		{"lt", warehouse.Lt("额", 0), "2"},
		{"le", warehouse.Le("额", warehouse.Decimal("0.25")), "24"},
		{"gt", warehouse.Gt("日", warehouse.Date("2000-06-01")), "45"},
		{"ge", warehouse.Ge("日", warehouse.Date("2000-06-01")), "245"},
		{"in", warehouse.In("号", 5, 1, 9), "15"},
		{"in texts", warehouse.In("街道", "关山街道", "没有"), "2"},
		{"in decimals", warehouse.In("额", warehouse.Decimal("10.50"), warehouse.Decimal("0.25")), "145"},
		{"in dates", warehouse.In("日", warehouse.Date("2023-12-31")), "4"},
		{"in booleans", warehouse.In("在", false), "2"},
		{"in none", warehouse.In[string]("街道"), ""},
		{"not in", warehouse.Not(warehouse.In("街道", "关山街道")), "135"},
		{"not in none", warehouse.Not(warehouse.In[string]("街道")), "12345"},
		{"is null", warehouse.IsNull("额"), "3"},
		{"is not null", warehouse.Not(warehouse.IsNull("街道")), "1235"},
		{"prefix", warehouse.Prefix("街道", "珞"), "13"},
		{"prefix is no pattern", warehouse.Prefix("街道", "50%_"), "5"},
		{"prefix is no pattern, %", warehouse.Prefix("街道", "%"), ""},
		{"contains", warehouse.Contains("街道", "南街"), "13"},
		{"contains is no pattern", warehouse.Contains("街道", "_"), "5"},
		{"contains nothing", warehouse.Contains("街道", ""), "1235"},
		{"boolean", warehouse.Eq("在", true), "145"},
		{"and", warehouse.And(warehouse.Eq("在", true), warehouse.Gt("额", 1)), "15"},
		{"or", warehouse.Or(warehouse.Eq("号", 3), warehouse.Lt("额", 0)), "23"},
		{"or in and", warehouse.And(warehouse.Or(warehouse.Eq("号", 1), warehouse.Eq("号", 2)), warehouse.Eq("在", true)), "1"},
		{"and in or", warehouse.Or(warehouse.Eq("号", 2), warehouse.And(warehouse.Eq("在", true), warehouse.Eq("额", warehouse.Decimal("0.25")))), "24"},
		{"not and with NULL", warehouse.Not(warehouse.And(warehouse.Eq("在", true), warehouse.Eq("街道", "珞南街道"))), "25"},
		{"key", warehouse.Eq("号", 4), "4"},
		{"key twice", warehouse.And(warehouse.Eq("号", 4), warehouse.Eq("号", 5)), ""},
		{"key or", warehouse.Or(warehouse.Eq("号", 4), warehouse.Eq("号", 5)), "45"},
		{"not key", warehouse.Not(warehouse.Eq("号", 4)), "1235"},
	} {
		q := warehouse.Query{From: id, Select: []warehouse.Item{{Col: "号"}}, Where: c.where, Order: []warehouse.Sort{{By: "号"}}}
		got := ""
		for _, r := range ask(t, s, q) {
			got += fmt.Sprint(r[0])
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if n, err := warehouse.CountRows(t.Context(), s, q); err != nil || int(n) != len(c.want) {
			t.Errorf("%s: counted %d, %v", c.name, n, err)
		}
	}
	many := make([]int64, 100_000)
	for i := range many {
		many[i] = int64(i * 2)
	}
	if n, err := warehouse.CountRows(t.Context(), s, warehouse.Query{From: id, Where: warehouse.In("号", many...)}); err != nil || n != 2 {
		t.Errorf("a hundred thousand values: %d, %v", n, err)
	}
}

var hostile = []string{`'; DROP TABLE version; --`, `" OR 1=1 --`, `x' OR 'x'='x`, `$1`, `?`, `\`, `%`, `{"a":1}`, `c0,1`, `read_csv('/etc/passwd')`, "a\x00b"}

func injection(t *testing.T, open Open) {
	s := fresh(t, open)
	cols := []warehouse.Column{col("!名", warehouse.KindText), col("值", warehouse.KindText)}
	var rows [][]any
	for _, h := range hostile {
		rows = append(rows, []any{h, h})
	}
	id := load(t, s, cols, rows...).ID
	for _, h := range hostile {
		got, err := warehouse.Get(t.Context(), s, id, h)
		if err != nil {
			t.Error(err)
		}
		same(t, "key "+h, got, [][]any{{h, h}})
		for _, where := range []warehouse.Cond{warehouse.Eq("值", h), warehouse.In("值", h, h), warehouse.Prefix("值", h), warehouse.And(warehouse.Contains("值", h), warehouse.Le("值", h), warehouse.Ge("值", h))} {
			same(t, string(where.Op)+" "+h, ask(t, s, warehouse.Query{From: id, Where: where}), [][]any{{h, h}})
		}
		for _, q := range []warehouse.Query{
			{From: id, Select: []warehouse.Item{{Col: h}}},
			{From: id, Select: []warehouse.Item{{Agg: warehouse.Count, As: h}}},
			{From: id, Where: warehouse.Eq(h, "x")},
			{From: id, Order: []warehouse.Sort{{By: h}}},
			{From: id, Group: []string{h}},
			{From: h},
			{From: id, Join: []warehouse.Join{{Version: id, As: "b", On: [][2]string{{"名", h}}}}},
			{From: id, Select: []warehouse.Item{{Col: "值", Agg: warehouse.Agg(h)}}},
			{From: id, Where: warehouse.Cond{Op: warehouse.Op(h), Col: "值", Values: []any{"x"}}},
		} {
			if _, err := s.Query(t.Context(), q); err == nil {
				t.Errorf("%q must not pass: %+v", h, q)
			}
		}
		if _, err := s.Version(t.Context(), h); !errs.Is(err, errs.Missing) {
			t.Error(err)
		}
		if err := s.Drop(t.Context(), h); !errs.Is(err, errs.Missing) {
			t.Error(err)
		}
	}
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func groups(t *testing.T, open Open) {
	s := fresh(t, open)
	id := people(t, s)
	same(t, "all aggregates", ask(t, s, warehouse.Query{From: id, Group: []string{"街道"}, Order: []warehouse.Sort{{By: "街道"}}, Select: []warehouse.Item{
		{Col: "街道"}, {Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Count, Col: "额", As: "有"}, {Agg: warehouse.CountDistinct, Col: "在", As: "种"},
		{Agg: warehouse.Sum, Col: "额", As: "合计"}, {Agg: warehouse.Sum, Col: "号", As: "号和"}, {Agg: warehouse.Min, Col: "日", As: "早"},
		{Agg: warehouse.Max, Col: "日", As: "晚"}, {Agg: warehouse.Avg, Col: "号", As: "均"}, {Agg: warehouse.Max, Col: "街道", As: "大"}}}), [][]any{
		{"50%_街道", int64(1), int64(1), int64(1), warehouse.Decimal("10.50"), int64(5), warehouse.Date("2000-06-02"), warehouse.Date("2000-06-02"), warehouse.Decimal("5.000000"), "50%_街道"},
		{"关山街道", int64(1), int64(1), int64(1), warehouse.Decimal("-3.00"), int64(2), warehouse.Date("2000-06-01"), warehouse.Date("2000-06-01"), warehouse.Decimal("2.000000"), "关山街道"},
		{"珞南街道", int64(2), int64(1), int64(1), warehouse.Decimal("10.50"), int64(4), warehouse.Date("1950-01-01"), warehouse.Date("1950-01-01"), warehouse.Decimal("2.000000"), "珞南街道"},
		{nil, int64(1), int64(1), int64(1), warehouse.Decimal("0.25"), int64(4), warehouse.Date("2023-12-31"), warehouse.Date("2023-12-31"), warehouse.Decimal("4.000000"), nil},
	})
	same(t, "of nothing", ask(t, s, warehouse.Query{From: id, Where: warehouse.Or(), Select: []warehouse.Item{
		{Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Sum, Col: "额", As: "s"}, {Agg: warehouse.Avg, Col: "额", As: "a"}, {Agg: warehouse.Max, Col: "日", As: "m"}}}),
		[][]any{{int64(0), nil, nil, nil}})
	same(t, "groups of nothing", ask(t, s, warehouse.Query{From: id, Where: warehouse.Or(), Group: []string{"街道"}, Select: []warehouse.Item{{Col: "街道"}, {Agg: warehouse.Count, As: "n"}}}), nil)
	same(t, "distinct", ask(t, s, warehouse.Query{From: id, Group: []string{"额"}, Select: []warehouse.Item{{Col: "额"}}, Order: []warehouse.Sort{{By: "额", Desc: true}}}),
		[][]any{{warehouse.Decimal("10.50")}, {warehouse.Decimal("0.25")}, {warehouse.Decimal("-3.00")}, {nil}})
	same(t, "average", ask(t, s, warehouse.Query{From: id, Select: []warehouse.Item{{Agg: warehouse.Avg, Col: "额"}}, Where: warehouse.In("号", 1, 2, 4)}),
		[][]any{{warehouse.Decimal("2.583333")}})
	huge := load(t, s, []warehouse.Column{col("数", warehouse.KindInteger)}, []any{int64(1) << 62}, []any{int64(1) << 62}).ID
	res, err := s.Query(t.Context(), warehouse.Query{From: huge, Select: []warehouse.Item{{Agg: warehouse.Sum, Col: "数"}}})
	if err == nil {
		_, err = res.All()
	}
	wants(t, "overflow", err, errs.Invalid, "warehouse.overflow")
}

func joins(t *testing.T, open Open) {
	s := fresh(t, open)
	id := people(t, s)
	streets := load(t, s, []warehouse.Column{col("!街道", warehouse.KindText), col("社区数", warehouse.KindInteger)},
		[]any{"珞南街道", 20}, []any{"关山街道", 30}, []any{"青菱街道", 40}).ID
	order := []warehouse.Sort{{By: "p.号"}}
	sel := []warehouse.Item{{Col: "号"}, {Col: "s.街道", As: "街"}, {Col: "社区数"}}
	on := [][2]string{{"p.街道", "s.街道"}}
	same(t, "inner", ask(t, s, warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: on}}, Select: sel, Order: order}),
		[][]any{{int64(1), "珞南街道", int64(20)}, {int64(2), "关山街道", int64(30)}, {int64(3), "珞南街道", int64(20)}})
	same(t, "outer", ask(t, s, warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: on, Outer: true}}, Select: sel, Order: order}),
		[][]any{{int64(1), "珞南街道", int64(20)}, {int64(2), "关山街道", int64(30)}, {int64(3), "珞南街道", int64(20)}, {int64(4), nil, nil}, {int64(5), nil, nil}})
	same(t, "without a partner", ask(t, s, warehouse.Query{From: streets, Join: []warehouse.Join{{Version: id, As: "p", On: [][2]string{{"街道", "街道"}}, Outer: true}},
		Where: warehouse.IsNull("号")}), [][]any{{"青菱街道", int64(40)}})
	same(t, "grouped", ask(t, s, warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: on}}, Group: []string{"社区数"},
		Select: []warehouse.Item{{Col: "社区数"}, {Agg: warehouse.Count, As: "人数"}}, Order: []warehouse.Sort{{By: "人数", Desc: true}}}),
		[][]any{{int64(20), int64(2)}, {int64(30), int64(1)}})
	same(t, "three, two columns", ask(t, s, warehouse.Query{From: id, As: "a", Select: []warehouse.Item{{Col: "a.号"}, {Col: "c.社区数"}}, Where: warehouse.Eq("a.号", 2), Join: []warehouse.Join{
		{Version: id, As: "b", On: [][2]string{{"a.号", "b.号"}, {"a.额", "b.额"}}}, {Version: streets, As: "c", On: [][2]string{{"b.街道", "c.街道"}}}}}),
		[][]any{{int64(2), int64(30)}})
	for _, c := range []struct {
		key string
		q   warehouse.Query
	}{
		{"warehouse.ambiguous_column", warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: on}}, Where: warehouse.Eq("街道", "x")}},
		{"warehouse.bad_alias", warehouse.Query{From: id, As: "s", Join: []warehouse.Join{{Version: streets, As: "s", On: on}}}},
		{"warehouse.bad_join", warehouse.Query{From: id, Join: []warehouse.Join{{Version: streets, As: "s"}}}},
		{"warehouse.bad_join", warehouse.Query{From: id, Join: []warehouse.Join{{Version: streets, On: on}}}},
		{"warehouse.join_types", warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: [][2]string{{"p.号", "s.街道"}}}}}},
		{"warehouse.no_column", warehouse.Query{From: id, As: "p", Join: []warehouse.Join{{Version: streets, As: "s", On: [][2]string{{"s.街道", "s.街道"}}}}}},
		{"warehouse.too_many_joins", warehouse.Query{From: id, Join: make([]warehouse.Join, warehouse.MaxJoins+1)}},
	} {
		_, err := s.Query(t.Context(), c.q)
		wants(t, c.key, err, errs.Invalid, c.key)
	}
}

func orderAndPages(t *testing.T, open Open) {
	s := fresh(t, open)
	id := people(t, s)
	for _, c := range []struct {
		name          string
		order         []warehouse.Sort
		limit, offset int64
		want          string
	}{
		{"NULL last", []warehouse.Sort{{By: "额"}, {By: "号"}}, 0, 0, "24153"},
		{"NULL last, falling", []warehouse.Sort{{By: "额", Desc: true}, {By: "号", Desc: true}}, 0, 0, "51423"},
		{"by a column not selected", []warehouse.Sort{{By: "日"}}, 0, 0, "12543"},
		{"text by bytes", []warehouse.Sort{{By: "街道"}, {By: "号"}}, 0, 0, "52134"},
		{"booleans", []warehouse.Sort{{By: "在"}, {By: "号"}}, 0, 0, "21453"},
		{"limit", []warehouse.Sort{{By: "号"}}, 2, 0, "12"},
		{"page", []warehouse.Sort{{By: "号"}}, 2, 2, "34"},
		{"last page", []warehouse.Sort{{By: "号"}}, 2, 4, "5"},
		{"past the end", []warehouse.Sort{{By: "号"}}, 2, 10, ""},
		{"offset alone", []warehouse.Sort{{By: "号"}}, 0, 3, "45"},
	} {
		got := ""
		for _, r := range ask(t, s, warehouse.Query{From: id, Select: []warehouse.Item{{Col: "号"}}, Order: c.order, Limit: c.limit, Offset: c.offset}) {
			got += fmt.Sprint(r[0])
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	res, err := s.Query(t.Context(), warehouse.Query{From: id, Select: []warehouse.Item{{Col: "号"}}, Order: []warehouse.Sort{{By: "号"}}})
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range res.Rows {
		if err != nil || row[0] != int64(1) {
			t.Error(row, err)
		}
		break // a reader may leave
	}
	if rows, err := res.All(); err != nil || len(rows) != 5 {
		t.Errorf("ranging again: %v, %v", rows, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, err = s.Query(ctx, warehouse.Query{From: id}); err == nil {
		_, err = res.All()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func wrongQueries(t *testing.T, open Open) {
	s := fresh(t, open)
	id := people(t, s)
	deep := warehouse.Eq("号", 1)
	for range warehouse.MaxDepth + 1 {
		deep = warehouse.Not(deep)
	}
	wide := make([]warehouse.Cond, warehouse.MaxTests)
	for i := range wide {
		wide[i] = warehouse.Eq("号", i)
	}
	for _, c := range []struct {
		key string
		q   warehouse.Query
	}{
		{"warehouse.no_column", warehouse.Query{Select: []warehouse.Item{{Col: "没有"}}}},
		{"warehouse.no_column", warehouse.Query{Select: []warehouse.Item{{Col: "x.号"}}}},
		{"warehouse.no_column", warehouse.Query{Where: warehouse.And(warehouse.Eq("号", 1), warehouse.Or(warehouse.IsNull("没有")))}},
		{"warehouse.no_column", warehouse.Query{Order: []warehouse.Sort{{By: "没有"}}}},
		{"warehouse.no_column", warehouse.Query{Group: []string{"没有"}}},
		{"warehouse.no_column", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Sum}}}},
		{"warehouse.bad_literal", warehouse.Query{Where: warehouse.Eq("号", "1")}},
		{"warehouse.bad_literal", warehouse.Query{Where: warehouse.Eq("街道", nil)}},
		{"warehouse.bad_literal", warehouse.Query{Where: warehouse.In("额", warehouse.Decimal("0.001"))}},
		{"warehouse.bad_literal", warehouse.Query{Where: warehouse.Eq("街道", "\xff")}},
		{"warehouse.not_text", warehouse.Query{Where: warehouse.Prefix("号", "1")}},
		{"warehouse.not_grouped", warehouse.Query{Group: []string{"街道"}}},
		{"warehouse.not_grouped", warehouse.Query{Select: []warehouse.Item{{Col: "号"}, {Agg: warehouse.Count, As: "n"}}}},
		{"warehouse.not_grouped", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}, Order: []warehouse.Sort{{By: "号"}}}},
		{"warehouse.bad_aggregate", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Sum, Col: "街道"}}}},
		{"warehouse.bad_aggregate", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Avg, Col: "日"}}}},
		{"warehouse.bad_aggregate", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Max, Col: "在"}}}},
		{"warehouse.name_twice", warehouse.Query{Select: []warehouse.Item{{Col: "号"}, {Col: "街道", As: "号"}}}},
		{"warehouse.bad_column", warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count}}}},
		{"warehouse.bad_column", warehouse.Query{Select: []warehouse.Item{{Col: "号", As: "a b"}}}},
		{"warehouse.bad_limit", warehouse.Query{Limit: -1}},
		{"warehouse.bad_limit", warehouse.Query{Offset: -1}},
		{"warehouse.too_deep", warehouse.Query{Where: deep}},
		{"warehouse.too_deep", warehouse.Query{Where: warehouse.Or(wide...)}},
		{"warehouse.too_many_values", warehouse.Query{Where: warehouse.In("号", make([]int, warehouse.MaxValues+1)...)}},
	} {
		c.q.From = id
		_, err := s.Query(t.Context(), c.q)
		wants(t, fmt.Sprint(c.q), err, errs.Invalid, c.key)
	}
	_, err := s.Query(t.Context(), warehouse.Query{From: "nosuch"})
	wants(t, "no version", err, errs.Missing, "warehouse.no_version")
	for _, where := range []warehouse.Cond{{Op: "like", Col: "街道", Values: []any{"x"}}, {Op: warehouse.OpNot}, {Op: warehouse.OpEq, Col: "号"}, {Op: warehouse.OpIsNull, Col: "号", Values: []any{1}}, {Col: "号"}} {
		if _, err := s.Query(t.Context(), warehouse.Query{From: id, Where: where}); err == nil {
			t.Errorf("%+v must be refused", where)
		}
	}
}
