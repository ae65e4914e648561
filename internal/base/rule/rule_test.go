package rule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/when"
)

var env = map[string]rule.Type{"n": rule.Number, "zero": rule.Number, "cents": rule.Number, "s": rule.Words, "yes": rule.Bool, "at": rule.Time, "none": rule.Time,
	"tags": rule.List, "rows": rule.List, "item": rule.Any}

func vars() map[string]any {
	return map[string]any{"n": 7, "zero": 0.0, "cents": int64(12345), "s": "甲", "yes": true, "at": time.Date(2023, 6, 1, 23, 30, 0, 0, when.Zone), "none": time.Time{},
		"tags": []string{"x", "y"}, "rows": []any{map[string]any{"a": 1.5, "b": "k"}, map[string]any{"a": int64(2)}, map[string]any{}}, "item": nil,
		"now": time.Date(2023, 6, 10, 9, 0, 0, 0, when.Zone), "unread": make(chan int)}
}

func TestValue(t *testing.T) {
	calendar, err := when.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ src, want string }{
		{`n + 1`, "8"}, {`n / 2`, "3.5"}, {`7 / 2`, "3.5"}, {`7 % 4`, "3"}, {`cents * 2`, "24690"}, {`round(n / 3, 2)`, "2.33"}, {`round(2.5)`, "3"},
		{`s == "甲" && yes`, "true"}, {`"x" in tags`, "true"}, {`"z" in tags`, "false"}, {`not yes`, "false"}, {`len(tags)`, "2"}, {`max(1, n)`, "7"},
		{`sum(rows, "a")`, "3.5"}, {`sum([1, 2])`, "3"}, {`len(filter(rows, {.b == "k"}))`, "1"}, {`any(tags, {# == "y"})`, "true"},
		{`days(at, date("2023-06-02"))`, "1"}, {`days(date("2023-06-02"), at)`, "-1"}, {`days(at, today())`, "9"}, {`today() > at`, "true"},
		{`workdays(at, today())`, "6"}, {`yes ? "a" : "b"`, "a"}, {`string(n) + "人"`, "7人"}, {`item == nil`, "true"}, {`n > 5 ? 4 : (n > 3 ? 2 : 0)`, "4"},
		{`zero == 0 ? 0 : n / zero`, "0"}, {`let x = n; x * x`, "49"},
	} {
		r, err := rule.Compile(c.src, env, rule.Calendar(when.Always(calendar)))
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if v, err := r.Value(vars()); err != nil || fmt.Sprint(v) != c.want {
			t.Errorf("%s is %v, want %s: %v", c.src, v, c.want, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ src, key string }{
		{``, "rule.wrong"}, {`n +`, "rule.wrong"}, {`n + s`, "rule.wrong"}, {`m + 1`, "rule.unknown"}, {`s > 5`, "rule.wrong"}, {`nosuch(1)`, "rule.unknown"},
		{`n / m`, "rule.unknown"}, {`round(m, 1)`, "rule.unknown"}, {`workdays(at, at)`, "rule.unknown"}, {`1..1000000`, "rule.operator"}, {`s matches "(a+)+"`, "rule.operator"}, {`2 ** 400`, "rule.operator"},
		{`repeat("x", 9)`, "rule.unknown"}, {`map(rows, {map(rows, {map(rows, {1})})})`, "rule.deep"}, {strings.Repeat("(", 3000), "rule.wrong"}, {strings.Repeat("n+", 300) + "n", "rule.wrong"},
		{strings.Repeat("x", 5000), "rule.long"}, {`now()`, "rule.wrong"}, {`s / 2`, "rule.wrong"},
	} {
		if _, err := rule.Compile(c.src, env); errs.KeyOf(err) != c.key || !errs.Is(err, errs.Invalid) {
			t.Errorf("%.40s: %v, want %s", c.src, err, c.key)
		}
	}
}

func TestFails(t *testing.T) {
	for _, c := range []struct{ src, key string }{
		{`n / zero`, "rule.zero"}, {`n % zero`, "rule.zero"}, {`n / zero > 5`, "rule.zero"}, {`1 / 0`, "rule.zero"}, {`days(none, at)`, "rule.no_time"}, {`date(s) == at`, "rule.no_date"},
		{`sum(rows, "b") > 0`, "rule.not_number"}, {`sum(tags, "a") > 0`, "rule.not_list"}, {`rows[9].a > 1`, "rule.failed"}, {`item.x > 1`, "rule.failed"},
	} {
		r, err := rule.Compile(c.src, env)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if _, err := r.Value(vars()); errs.KeyOf(err) != c.key {
			t.Errorf("%s: %v, want %s", c.src, err, c.key)
		}
	}
	r, err := rule.Compile(`n + len(tags)`, env)
	if err != nil {
		t.Fatal(err)
	}
	less := vars()
	delete(less, "n")
	if _, err := r.Number(less); errs.KeyOf(err) != "rule.missing" {
		t.Error(err)
	}
	less["n"] = "7"
	if _, err := r.Number(less); errs.KeyOf(err) != "rule.other_type" {
		t.Error(err)
	}
	if _, err := r.Bool(vars()); errs.KeyOf(err) != "rule.not_bool" {
		t.Error(err)
	}
	if _, err := r.List(vars()); errs.KeyOf(err) != "rule.not_list" {
		t.Error(err)
	}
	less = vars()
	delete(less, "now")
	if r, err = rule.Compile(`today() == at`, env); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Bool(less); errs.KeyOf(err) != "rule.missing" {
		t.Error(err)
	}
}

// An evaluation ends by its count of steps, whatever the lists hold: loops in loops over long lists are refused, the same
// rule over a list as people fill them in is not.
func TestBoundedSteps(t *testing.T) {
	calendar, err := when.Load()
	if err != nil {
		t.Fatal(err)
	}
	rows := func(n int) map[string]any {
		v, all := vars(), make([]any, n)
		for i := range all {
			all[i] = map[string]any{"a": 1.0, "at": time.Date(2018, 1, 1, 0, 0, 0, 0, when.Zone)}
		}
		v["rows"] = all
		return v
	}
	for _, c := range []struct {
		src          string
		most, little int // rows with which it is refused, and with which it is not
	}{
		{`count(rows, {count(rows, {.a > 1}) > n}) > 1`, 10000, 500},
		{`all(rows, {sum(rows, "a") > 0})`, 10000, 500},
		{`all(rows, {workdays(.at, date("2026-06-01")) > 0})`, 10000, 500},
		{`all(rows, {not any(rows, {.a == 2}) and n > 0})`, 10000, 500},
	} {
		r, err := rule.Compile(c.src, env, rule.Calendar(when.Always(calendar)))
		if err != nil {
			t.Fatalf("%s: %v", c.src, err)
		}
		if v, err := r.Value(rows(c.most)); errs.KeyOf(err) != "rule.steps" {
			t.Errorf("%s over %d rows is %v: %v", c.src, c.most, v, err)
		}
		if _, err := r.Value(rows(c.little)); err != nil {
			t.Errorf("%s over %d rows: %v", c.src, c.little, err)
		}
	}
}

func TestTypesAndNames(t *testing.T) {
	for src, want := range map[string]rule.Type{`n + 1`: rule.Number, `s + "x"`: rule.Words, `n > 1`: rule.Bool, `tags`: rule.List, `at`: rule.Time, `n / 2`: rule.Number,
		`yes ? 1 : 2.5`: rule.Any, `filter(rows, {true})`: rule.List, `item`: rule.Any, `today()`: rule.Time, `sum(rows, "a")`: rule.Number} {
		r, err := rule.Compile(src, env)
		if err != nil || r.Type() != want {
			t.Errorf("%s gives %v, want %s: %v", src, r, want, err)
		}
	}
	names, err := rule.Names(`sum(rows, "a") / n > days(at, today()) ? s : item.x`)
	if err != nil || fmt.Sprint(names) != "[at item n rows s]" {
		t.Error(names, err)
	}
}

// Whatever is written, compiling and running end, with a value or with an error of ours.
func FuzzRule(f *testing.F) {
	for _, s := range []string{`n / zero`, `map(rows, {#.a + n})`, `let x = n; x * x`, `rows[0]?.a ?? 1`, `tags[0:1]`, `{"a": n}`, `[n, s][5]`, "`x`", `len(s) > 1 and s contains "甲"`, `item`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		r, err := rule.Compile(src, env)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		began := time.Now()
		if _, err := r.Value(vars()); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatal(took)
		}
	})
}
