package table

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestGuess(t *testing.T) {
	for values, want := range map[string]string{
		"1|2|-3":                       "integer []",
		"1|2.50|-3":                    "decimal []",
		"1,234.50|12":                  "decimal []",
		"00123|2":                      "text []",
		"0|0.5":                        "decimal []",
		"420199199001011234|1":         "text []",
		"123456789012345":              "integer []",
		"1234567890123456":             "text []",
		"+8613800138000":               "text []",
		"2024-01-05|2024/1/5|2024.1.5": "date []",
		"2024年1月5日|20240105":           "date []",
		"20240105|20241231":            "date []",
		"20240105|20249999":            "integer []",
		"2024-01-05|2024-01-05 08:30":  "datetime []",
		"2024-01-05T08:30:00Z":         "datetime []",
		"是|否":                          "boolean []",
		"TRUE|false":                   "boolean []",
		"1|0":                          "integer []",
		"1|无|-|/||无":                   "integer [无 - /]",
		"张三|无":                         "text [无]",
		"无|":                           "text [无]",
		"":                             "text []",
		"1|x":                          "text []",
		"12%":                          "text []",
		"1.5E+3":                       "text []",
		"027-87654321":                 "text []",
		"2024-13-01":                   "text []",
	} {
		var rows []Row
		for _, v := range strings.Split(values, "|") {
			rows = append(rows, Row{Cells: []string{v}})
		}
		rows = append(rows, Row{Cells: []string{"broken"}, Reasons: keysToFields("x")}, Row{})
		c := Guess([]string{"n"}, rows)[0]
		if got := fmt.Sprint(c.Type, " ", c.Nulls); got != want || c.Name != "n" {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		t    Type
		in   string
		want any
		key  string
	}{
		{TypeText, " a ", " a ", ""},
		{TypeText, "  ", nil, ""},
		{TypeInteger, " 12 ", int64(12), ""},
		{TypeInteger, "-0012", int64(-12), ""},
		{TypeInteger, "1,234", int64(1234), ""},
		{TypeInteger, "12,34", nil, "table.not_integer"},
		{TypeInteger, "1.0", nil, "table.not_integer"},
		{TypeInteger, "9223372036854775808", nil, "table.not_integer"},
		{TypeInteger, "１２", nil, "table.not_integer"},
		{TypeDecimal, "+1,234.50", "1234.50", ""},
		{TypeDecimal, "-0.00", "0.00", ""},
		{TypeDecimal, "007.5", "7.5", ""},
		{TypeDecimal, "1.", nil, "table.not_decimal"},
		{TypeDecimal, ".5", nil, "table.not_decimal"},
		{TypeDecimal, "--1", nil, "table.not_decimal"},
		{TypeDecimal, "1e5", nil, "table.not_decimal"},
		{TypeDecimal, strings.Repeat("9", 39), nil, "table.not_decimal"},
		{TypeDate, "2024-2-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), ""},
		{TypeDate, "2023-2-29", nil, "table.not_date"},
		{TypeDate, "2024年 2月 9日", time.Date(2024, 2, 9, 0, 0, 0, 0, time.UTC), ""},
		{TypeDate, "2024-02-09 00:00:00", time.Date(2024, 2, 9, 0, 0, 0, 0, time.UTC), ""},
		{TypeDate, "2024-02-09 01:00:00", nil, "table.not_date"},
		{TypeDate, "24-02-09", nil, "table.not_date"},
		{TypeDate, "1799-02-09", nil, "table.not_date"},
		{TypeDateTime, "2024-01-05 8:30", "2024-01-05T08:30:00+08:00", ""},
		{TypeDateTime, "2024/1/5T08:30:15.5", "2024-01-05T08:30:15.5+08:00", ""},
		{TypeDateTime, "2024-01-05T20:30:00Z", "2024-01-06T04:30:00+08:00", ""},
		{TypeDateTime, "2024-01-05 20:30:00 +09:00", "2024-01-05T19:30:00+08:00", ""},
		{TypeDateTime, "2024年1月5日8时30分", "2024-01-05T08:30:00+08:00", ""},
		{TypeDateTime, "2024年1月5日 8时30分5秒", "2024-01-05T08:30:05+08:00", ""},
		{TypeDateTime, "2024-01-05", "2024-01-05T00:00:00+08:00", ""},
		{TypeDateTime, "2024-01-05 24:00", nil, "table.not_datetime"},
		{TypeDateTime, "2024-01-05 08:60", nil, "table.not_datetime"},
		{TypeDateTime, "2024-01-05 08:30:1e9", nil, "table.not_datetime"},
		{TypeDateTime, "08:30", nil, "table.not_datetime"},
		{TypeBoolean, "是", true, ""},
		{TypeBoolean, "N", false, ""},
		{TypeBoolean, "1", nil, "table.not_boolean"},
	} {
		got, key := Parse(c.t, c.in)
		if at, ok := got.(time.Time); ok && c.t == TypeDateTime {
			got = at.Format(time.RFC3339Nano)
		}
		if got != c.want || key != c.key {
			t.Errorf("%s %q: %v %q, want %v %q", c.t, c.in, got, key, c.want, c.key)
		}
	}
}

func TestColumnParse(t *testing.T) {
	c := Column{Type: TypeInteger, Nulls: []string{"无"}}
	if v, key := c.Parse(" 无 "); v != nil || key != "" {
		t.Error(v, key)
	}
	if v, key := c.Parse("-"); v != nil || key != "table.not_integer" {
		t.Error("only the listed texts are no value:", v, key)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1,234.5", "2024-01-05 08:30:15.123+08:00", "2024年1月5日8时30分", "是", "-0", "20240105", "2024-01-05T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range Types() {
			v, key := Parse(typ, s)
			if key != "" && v != nil {
				t.Fatal(typ, v, key)
			}
			if v == nil || typ == TypeText {
				continue
			}
			again, key := Parse(typ, strings.TrimPrefix(show(v), "'"))
			if at, ok := v.(time.Time); ok {
				v, again = at.Truncate(time.Second).Unix(), again.(time.Time).Unix()
			}
			if key != "" || again != v {
				t.Fatalf("%s %q gives %v, which gives %v %s", typ, s, v, again, key)
			}
		}
	})
}
