package warehousetest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

func valuesComeBack(t *testing.T, open Open) {
	s := fresh(t, open)
	for _, c := range []struct {
		typ  string
		give any
		want any
	}{
		{"text", "洪山区关山街道", "洪山区关山街道"},
		{"text", "", ""},
		{"text", nil, nil},
		{"text", "𠮷野家 👩‍👩‍👧 e\u0301", "𠮷野家 👩‍👩‍👧 e\u0301"},
		{"text", "one\x00two\r\n\"'`;--", "one\x00two\r\n\"'`;--"},
		{"text", strings.Repeat("长", 100_000), strings.Repeat("长", 100_000)},
		{"integer", 7, int64(7)},
		{"integer", int64(-9223372036854775808), int64(-9223372036854775808)},
		{"integer", int64(9223372036854775807), int64(9223372036854775807)},
		{"integer", nil, nil},
		{"decimal(18,2)", warehouse.Decimal("12.5"), warehouse.Decimal("12.50")},
		{"decimal(18,2)", warehouse.Decimal("-0.05"), warehouse.Decimal("-0.05")},
		{"decimal(18,2)", warehouse.Decimal("-0"), warehouse.Decimal("0.00")},
		{"decimal(18,2)", 3, warehouse.Decimal("3.00")},
		{"decimal(18,2)", warehouse.Decimal("9999999999999999.99"), warehouse.Decimal("9999999999999999.99")},
		{"decimal(4,4)", warehouse.Decimal("-0.1234"), warehouse.Decimal("-0.1234")},
		{"decimal(9,0)", warehouse.Decimal("-999999999"), warehouse.Decimal("-999999999")},
		{"decimal(38,10)", warehouse.Decimal("1234567890123456789012345678.0123456789"), warehouse.Decimal("1234567890123456789012345678.0123456789")},
		{"decimal(38,0)", warehouse.Decimal("-99999999999999999999999999999999999999"), warehouse.Decimal("-99999999999999999999999999999999999999")},
		{"decimal(18,2)", nil, nil},
		{"date", warehouse.Date("1949-10-01"), warehouse.Date("1949-10-01")},
		{"date", warehouse.Date("0001-01-01"), warehouse.Date("0001-01-01")},
		{"date", warehouse.Date("9999-12-31"), warehouse.Date("9999-12-31")},
		{"date", warehouse.Date("2024-02-29"), warehouse.Date("2024-02-29")},
		{"date", time.Date(2023, 4, 30, 20, 0, 0, 0, time.UTC), warehouse.Date("2023-05-01")},
		{"date", nil, nil},
		{"datetime", time.Date(1911, 10, 10, 23, 59, 59, 999999999, warehouse.Zone()), time.Date(1911, 10, 10, 23, 59, 59, 999999000, warehouse.Zone())},
		{"datetime", time.Date(2023, 5, 1, 0, 30, 0, 1000, time.UTC), time.Date(2023, 5, 1, 8, 30, 0, 1000, warehouse.Zone())},
		{"datetime", nil, nil},
		{"boolean", true, true},
		{"boolean", false, false},
		{"boolean", nil, nil},
	} {
		var typ warehouse.Type
		if err := typ.UnmarshalText([]byte(c.typ)); err != nil {
			t.Fatal(err)
		}
		v := load(t, s, []warehouse.Column{{Name: "值", Type: typ, Title: "值（元）"}}, []any{c.give})
		same(t, c.typ, ask(t, s, warehouse.Query{From: v.ID}), [][]any{{c.want}})
		if c.want != nil {
			same(t, c.typ+" found", ask(t, s, warehouse.Query{From: v.ID, Where: warehouse.Eq("值", c.give)}), [][]any{{c.want}})
			same(t, c.typ+" in", ask(t, s, warehouse.Query{From: v.ID, Where: warehouse.In("值", c.give)}), [][]any{{c.want}})
			same(t, c.typ+" not found", ask(t, s, warehouse.Query{From: v.ID, Where: warehouse.Ne("值", c.give)}), nil)
		}
		got, err := s.Version(t.Context(), v.ID)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("version: %+v, %v", got, err)
		}
		if err := s.Drop(t.Context(), v.ID); err != nil {
			t.Error(err)
		}
	}
	empty(t, "dropping all", s)
}

func keys(t *testing.T, open Open) {
	s := fresh(t, open)
	v := load(t, s, []warehouse.Column{col("!证件号", warehouse.KindText), col("姓名", warehouse.KindText)},
		[]any{"420199195001010012", "王一"}, []any{"420199195001010039", "李二"}, []any{" 42", "空格"})
	get := func(id string, key ...any) [][]any {
		t.Helper()
		rows, err := warehouse.Get(t.Context(), s, id, key...)
		if err != nil {
			t.Error(err)
		}
		return rows
	}
	same(t, "one", get(v.ID, "420199195001010039"), [][]any{{"420199195001010039", "李二"}})
	same(t, "none", get(v.ID, "420199195001010040"), nil)
	same(t, "spaces count", get(v.ID, "42"), nil)
	two := load(t, s, []warehouse.Column{col("!日", warehouse.KindDate), col("值", warehouse.KindInteger), col("!街道", warehouse.KindText)},
		[]any{warehouse.Date("2023-01-01"), 1, "珞南街道"}, []any{warehouse.Date("2023-01-02"), 2, "珞南街道"}, []any{warehouse.Date("2023-01-01"), 3, "关山街道"})
	same(t, "two columns", get(two.ID, warehouse.Date("2023-01-01"), "关山街道"), [][]any{{warehouse.Date("2023-01-01"), int64(3), "关山街道"}})
	_, err := warehouse.Get(t.Context(), s, two.ID, "关山街道")
	wants(t, "half a key", err, errs.Invalid, "warehouse.key_width")
	_, err = warehouse.Get(t.Context(), s, v.ID, 42)
	wants(t, "wrong type", err, errs.Invalid, "warehouse.bad_literal")
	none := load(t, s, []warehouse.Column{col("姓名", warehouse.KindText)}, []any{"王一"})
	_, err = warehouse.Get(t.Context(), s, none.ID, "王一")
	wants(t, "no key", err, errs.Invalid, "warehouse.no_key")
	_, err = warehouse.Get(t.Context(), s, "nosuch", "王一")
	wants(t, "no version", err, errs.Missing, "warehouse.no_version")
}

func duplicates(t *testing.T, open Open) {
	s := fresh(t, open)
	spec := warehouse.Spec{Table: "人口", Columns: []warehouse.Column{col("!号", warehouse.KindText), col("!组", warehouse.KindInteger), col("名", warehouse.KindText)}}
	rows := feed([]any{"a", 1, "first"}, []any{"b", 1, "b"}, []any{"a", 1, "second"}, []any{"a", 2, "other"}, []any{"a", 1, "third"}, []any{"b", 1, "b"})
	_, err := s.Load(t.Context(), spec, rows)
	wants(t, "reject", err, errs.Invalid, "warehouse.duplicate_keys")
	e, _ := errors.AsType[*errs.Error](err)
	if e == nil || e.Args[0] != int64(3) || len(e.Fields) != 3 || e.Fields[1].Row != 5 || e.Fields[1].Args[0] != int64(1) {
		t.Errorf("reject: %v", err)
	}
	empty(t, "reject", s)

	spec.OnDuplicate, spec.ListAtMost = warehouse.KeepFirst, 2
	l, err := s.Load(t.Context(), spec, rows)
	if err != nil || l.Rows != 3 || l.Duplicates != 3 || !reflect.DeepEqual(l.Listed, []warehouse.Repeat{{Line: 3, First: 1}, {Line: 5, First: 1}}) {
		t.Errorf("keep first: %+v, %v", l, err)
	}
	same(t, "keep first", ask(t, s, warehouse.Query{From: l.ID, Order: []warehouse.Sort{{By: "号"}, {By: "组"}}}),
		[][]any{{"a", int64(1), "first"}, {"a", int64(2), "other"}, {"b", int64(1), "b"}})

	spec.OnDuplicate = warehouse.KeepAll
	if l, err = s.Load(t.Context(), spec, rows); err != nil || l.Rows != 6 || l.Duplicates != 0 {
		t.Errorf("keep all: %+v, %v", l, err)
	}
	got, err := warehouse.Get(t.Context(), s, l.ID, "a", 1)
	same(t, "keep all", got, [][]any{{"a", int64(1), "first"}, {"a", int64(1), "second"}, {"a", int64(1), "third"}})
	if err != nil {
		t.Error(err)
	}

	lines := func(yield func(warehouse.Row, error) bool) {
		_ = yield(warehouse.Row{Line: 10, Values: []any{"a", 1, ""}}, nil) &&
			yield(warehouse.Row{Line: 20, Values: []any{"b", 1, ""}}, nil) &&
			yield(warehouse.Row{Values: []any{"a", 1, ""}}, nil)
	}
	spec.OnDuplicate = warehouse.KeepFirst
	if l, err = s.Load(t.Context(), spec, lines); err != nil || !reflect.DeepEqual(l.Listed, []warehouse.Repeat{{Line: 21, First: 10}}) {
		t.Errorf("lines: %+v, %v", l, err)
	}
}

func badRows(t *testing.T, open Open) {
	s := fresh(t, open)
	cols := []warehouse.Column{col("!号", warehouse.KindText), money("额"), col("日", warehouse.KindDate), col("时", warehouse.KindDatetime)}
	good := []any{"1", 1, nil, nil}
	for _, c := range []struct {
		key, col string
		row      []any
	}{
		{"warehouse.width", "", []any{"2", 1}},
		{"warehouse.width", "", nil},
		{"warehouse.key_empty", "号", []any{nil, 1, nil, nil}},
		{"warehouse.key_empty", "号", []any{"", 1, nil, nil}},
		{"warehouse.no_text", "号", []any{2, 1, nil, nil}},
		{"warehouse.bad_encoding", "号", []any{"\xb9\xd8", 1, nil, nil}},
		{"warehouse.no_decimal", "额", []any{"2", 1.5, nil, nil}},
		{"warehouse.no_decimal", "额", []any{"2", warehouse.Decimal("1,000"), nil, nil}},
		{"warehouse.does_not_fit", "额", []any{"2", warehouse.Decimal("1.005"), nil, nil}},
		{"warehouse.does_not_fit", "额", []any{"2", warehouse.Decimal("10000000000000000"), nil, nil}},
		{"warehouse.no_date", "日", []any{"2", 1, warehouse.Date("2023-02-29"), nil}},
		{"warehouse.no_date", "日", []any{"2", 1, warehouse.Date("0000-01-01"), nil}},
		{"warehouse.no_datetime", "时", []any{"2", 1, nil, time.Date(10000, 1, 1, 0, 0, 0, 0, warehouse.Zone())}},
		{"warehouse.no_datetime", "时", []any{"2", 1, nil, "2023-01-01"}},
	} {
		_, err := s.Load(t.Context(), warehouse.Spec{Table: "试验", Columns: cols}, feed(good, c.row))
		wants(t, c.key, err, errs.Invalid, "warehouse.bad_row")
		e, _ := errors.AsType[*errs.Error](err)
		if e == nil || len(e.Fields) != 1 || e.Fields[0].Row != 2 || e.Fields[0].Name != c.col || e.Fields[0].Key != c.key {
			t.Errorf("%v: %v", c.row, err)
		}
	}
	back := func(yield func(warehouse.Row, error) bool) {
		if yield(warehouse.Row{Line: 2, Values: good}, nil) {
			yield(warehouse.Row{Line: 2, Values: good}, nil)
		}
	}
	if _, err := s.Load(t.Context(), warehouse.Spec{Table: "试验", Columns: cols}, back); err == nil {
		t.Error("lines must rise")
	}
	empty(t, "bad rows", s)
}

func names(t *testing.T, open Open) {
	s := fresh(t, open)
	good := []string{"姓名", "c0", "_k", "select", "rowid", "身份证号_1", "a1", "A", "ö", "名̄"}
	var cols []warehouse.Column
	for _, n := range good {
		cols = append(cols, col(n, warehouse.KindText))
	}
	row := make([]any, len(good))
	for i := range row {
		row[i] = good[i]
	}
	v := load(t, s, cols, row)
	same(t, "good names", ask(t, s, warehouse.Query{From: v.ID}), [][]any{row})
	same(t, "by name", ask(t, s, warehouse.Query{From: v.ID, Select: []warehouse.Item{{Col: "rowid"}, {Col: "_k", As: "钥"}},
		Where: warehouse.Eq("select", "select"), Order: []warehouse.Sort{{By: "c0"}}}), [][]any{{"rowid", "_k"}})
	if err := s.Drop(t.Context(), v.ID); err != nil {
		t.Error(err)
	}

	for _, n := range []string{"", "1a", "a b", "a.b", `a"b`, "a'b", "a;b", "x) --", "a\x00b", "a\xffb", "（元）", "%", strings.Repeat("名", 65)} {
		_, err := s.Load(t.Context(), warehouse.Spec{Table: "t", Columns: []warehouse.Column{{Name: n, Type: warehouse.Type{Kind: warehouse.KindText}}}}, feed())
		wants(t, n, err, errs.Invalid, "warehouse.bad_column")
		_, err = s.Load(t.Context(), warehouse.Spec{Table: "x." + n + ".", Columns: cols}, feed())
		wants(t, n, err, errs.Invalid, "warehouse.bad_table")
	}
	two := func(c ...warehouse.Column) error {
		_, err := s.Load(t.Context(), warehouse.Spec{Table: "library.人口_2023", Columns: c}, feed())
		return err
	}
	wants(t, "twice", two(col("ID", warehouse.KindText), col("id", warehouse.KindText)), errs.Invalid, "warehouse.column_twice")
	wants(t, "none", two(), errs.Invalid, "warehouse.no_columns")
	wants(t, "no type", two(col("a", "float")), errs.Invalid, "warehouse.bad_type")
	wants(t, "wide", two(warehouse.Column{Name: "a", Type: warehouse.DecimalType(39, 2)}), errs.Invalid, "warehouse.bad_type")
	wants(t, "many", two(make([]warehouse.Column, warehouse.MaxColumns+1)...), errs.Invalid, "warehouse.too_many_columns")
	empty(t, "bad names", s)
}

func failedLoads(t *testing.T, open Open) {
	s := fresh(t, open)
	spec := warehouse.Spec{Table: "试验", Columns: []warehouse.Column{col("!号", warehouse.KindInteger), col("名", warehouse.KindText)}}
	broken := errors.New("the source broke")
	_, err := s.Load(t.Context(), spec, func(yield func(warehouse.Row, error) bool) {
		for r := range numbers(30_000, func(i int) []any { return []any{i, "名"} }) {
			if !yield(r, nil) {
				return
			}
		}
		yield(warehouse.Row{}, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("the feed's error must come back: %v", err)
	}
	empty(t, "a broken feed", s)

	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	_, err = s.Load(ctx, spec, numbers(10_000_000, func(i int) []any {
		if asked++; i == 300_000 {
			cancel()
		}
		return []any{i, "名"}
	}))
	if !errors.Is(err, context.Canceled) || asked > 310_000 {
		t.Errorf("cancelled: %v after %d rows", err, asked)
	}
	empty(t, "a cancelled load", s)

	if _, err = s.Load(ctx, spec, feed()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	a, err := s.Load(t.Context(), spec, feed([]any{1, "一"}))
	if err != nil {
		t.Fatalf("the next load must work: %v", err)
	}
	b, err := s.Load(t.Context(), spec, feed([]any{1, "一"}))
	if err != nil || a.Hash != b.Hash || a.ID == b.ID || a.Bytes != b.Bytes || a.Bytes != int64(len("1")+len("一")) {
		t.Errorf("equal input, equal hash: %+v, %+v, %v", a, b, err)
	}
	if c, err := s.Load(t.Context(), spec, feed([]any{1, nil})); err != nil || c.Hash == a.Hash {
		t.Errorf("other input, other hash: %+v, %v", c, err)
	}
	if v, err := s.Load(t.Context(), spec, feed()); err != nil || v.Rows != 0 {
		t.Errorf("an empty table is a table: %+v, %v", v, err)
	}
}
