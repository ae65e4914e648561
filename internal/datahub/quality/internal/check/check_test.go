package check

import (
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

var (
	text  = warehouse.Type{Kind: warehouse.KindText}
	table = dataset.Dataset{Columns: []dataset.Column{
		{Name: "id", Title: "身份证号", Type: text, Kind: codes.KindID, Level: dataset.L3, Masked: true},
		{Name: "sex", Title: "性别", Type: text},
		{Name: "age", Title: "年龄", Type: warehouse.Type{Kind: warehouse.KindInteger}},
		{Name: "from", Title: "开始", Type: warehouse.Type{Kind: warehouse.KindDate}},
		{Name: "until", Title: "结束", Type: warehouse.Type{Kind: warehouse.KindDate}},
		{Name: "why", Title: "原因", Type: text},
	}}
	today = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
)

func TestRules(t *testing.T) {
	dicts, err := codes.LoadDictionaries()
	if err != nil {
		t.Fatal(err)
	}
	good := codes.Fictional(7)
	bad := good[:17] + string(rune('0'+(good[17]-'0'+1)%10))
	has := func(s string) bool { return s == good }
	date := func(s string) any { return warehouse.Date(s) }
	for _, c := range []struct {
		rule         Rule
		row          []any // in the order of Needs
		counts, good bool
	}{
		{Rule{Kind: Required, Column: "sex"}, []any{nil}, true, false},
		{Rule{Kind: Required, Column: "sex"}, []any{"  "}, true, false},
		{Rule{Kind: Required, Column: "sex"}, []any{"男"}, true, true},
		{Rule{Kind: Conditional, Column: "why", Other: "sex", Values: []string{"未知"}}, []any{nil, "未知"}, true, false},
		{Rule{Kind: Conditional, Column: "why", Other: "sex", Values: []string{"未知"}}, []any{nil, "男"}, false, false},
		{Rule{Kind: Pattern, Column: "sex", Pattern: "男|女"}, []any{"男女"}, true, false},
		{Rule{Kind: Pattern, Column: "sex", Pattern: "男|女"}, []any{nil}, false, false},
		{Rule{Kind: Length, Column: "sex", Max: "1"}, []any{"男"}, true, true},
		{Rule{Kind: Length, Column: "sex", Max: "1"}, []any{"男性"}, true, false},
		{Rule{Kind: Range, Column: "age", Min: "0", Max: "130"}, []any{int64(131)}, true, false},
		{Rule{Kind: Range, Column: "from", Min: "1949-10-01"}, []any{date("1900-01-01")}, true, false},
		{Rule{Kind: Range, Column: "from", Min: "1949-10-01"}, []any{date("2020-01-01")}, true, true},
		{Rule{Kind: Allowed, Column: "sex", Values: []string{"男", "女"}}, []any{"男"}, true, true},
		{Rule{Kind: Dictionary, Column: "sex", Other: "sex"}, []any{"女性"}, true, true},
		{Rule{Kind: Dictionary, Column: "sex", Other: "sex"}, []any{"甲"}, true, false},
		{Rule{Kind: CheckDigit, Column: "id"}, []any{good}, true, true},
		{Rule{Kind: CheckDigit, Column: "id"}, []any{bad}, true, false},
		{Rule{Kind: Compare, Column: "from", Op: warehouse.OpLe, Other: "until"}, []any{date("2024-02-01"), date("2024-01-31")}, true, false},
		{Rule{Kind: Compare, Column: "from", Op: warehouse.OpLe, Other: "until"}, []any{date("2024-02-01"), nil}, false, false},
		{Rule{Kind: Reference, Column: "id", Other: "people"}, []any{good}, true, true},
		{Rule{Kind: Reference, Column: "id", Other: "people"}, []any{bad}, true, false},
		{Rule{Kind: Expression, Expr: `age < 18 or why != ""`}, []any{int64(30), nil}, true, false},
		{Rule{Kind: Expression, Expr: `age < 18 or why != ""`}, []any{int64(3), nil}, true, true},
	} {
		j, err := Compile(c.rule, table, dicts, today, has)
		if err != nil {
			t.Errorf("%+v: %v", c.rule, err)
			continue
		}
		counts, ok := j.Row(c.row)
		if counts != c.counts || counts && ok != c.good {
			t.Errorf("%+v over %v: counts %t good %t", c.rule, c.row, counts, ok)
		}
	}
	for want, r := range map[string]Rule{
		"quality.no_kind":      {Kind: "x"},
		"dataset.no_column":    {Kind: Required, Column: "x"},
		"quality.bad_pattern":  {Kind: Pattern, Column: "sex", Pattern: "("},
		"quality.no_bounds":    {Kind: Range, Column: "age", Min: "9", Max: "1"},
		"quality.no_values":    {Kind: Allowed, Column: "sex"},
		"quality.no_digit":     {Kind: CheckDigit, Column: "sex"},
		"quality.no_days":      {Kind: Freshness},
		"quality.other_type":   {Kind: Compare, Column: "from", Other: "age", Op: warehouse.OpLe},
		"quality.no_indicator": {Kind: Required, Column: "sex", Indicator: "0999"},
	} {
		if _, err := Compile(r, table, dicts, today, nil); errs.KeyOf(err) != want {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
	if _, err := Compile(Rule{Kind: Expression, Expr: "age +"}, table, dicts, today, nil); err == nil {
		t.Error("half an expression")
	}
}

// catalogue.md §8: 98, 92, 99, 100, 80, 100 give 94.85.
func TestScoreVector(t *testing.T) {
	w := Weights{"01": 15, "02": 20, "03": 25, "04": 15, "05": 15, "06": 10}
	var found []Found
	for i, passed := range []int64{98, 92, 99, 100, 80, 100} {
		found = append(found, Found{Measure: Dimensions[i] + "01", Weight: 1, Checked: 100, Passed: passed})
	}
	if got := Sum(found, w); got.Score != 9485 || got.Grade != "good" {
		t.Error(got)
	}
	got := Sum(append(found[:2:2], Found{Measure: "0301", Weight: 1}), w) // nothing was checked: it cannot be assessed
	if got.Score != int64((98*15+92*20)*100/35) || got.Parts[2].Rules != 0 {
		t.Error(got)
	}
	if got := Sum(nil, w); got.Grade != "" {
		t.Error("nothing assessed is graded", got)
	}
	if s, _ := (Found{Checked: 1_000_000, Passed: 999_999}).Score(); s != 9999 {
		t.Error("one bad row of a million is no hundred:", s)
	}
}
