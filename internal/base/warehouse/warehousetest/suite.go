// Package warehousetest is the suite every warehouse engine passes.
package warehousetest

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Open returns an empty store whose clock is now. The suite closes it.
type Open func(t *testing.T, now func() time.Time) warehouse.Store

// Suite runs every test on stores made by open.
func Suite(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"values come back", valuesComeBack},
		{"keys", keys},
		{"duplicates", duplicates},
		{"bad rows", badRows},
		{"names", names},
		{"failed loads leave nothing", failedLoads},
		{"filters", filters},
		{"injection", injection},
		{"groups", groups},
		{"joins", joins},
		{"matches", matches},
		{"order and pages", orderAndPages},
		{"wrong queries", wrongQueries},
		{"big table", bigTable},
		{"readers keep their version", readersKeepTheirVersion},
		{"readers beside a writer", readersBesideAWriter},
		{"sweep", sweep},
		{"closed", closed},
		{"archive", archive},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

var start = time.Date(2023, 5, 1, 8, 30, 0, 0, warehouse.Zone())

func fresh(t *testing.T, open Open) warehouse.Store {
	t.Helper()
	s := open(t, func() time.Time { return start })
	t.Cleanup(func() { s.Close() })
	return s
}

// col makes a column; a name that begins with ! is a key.
func col(name string, kind warehouse.Kind) warehouse.Column {
	if name[0] == '!' {
		return warehouse.Column{Name: name[1:], Type: warehouse.Type{Kind: kind}, Key: true}
	}
	return warehouse.Column{Name: name, Type: warehouse.Type{Kind: kind}}
}

func money(name string) warehouse.Column {
	return warehouse.Column{Name: name, Type: warehouse.DecimalType(18, 2)}
}

func feed(rows ...[]any) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	}
}

// numbers feeds n rows made by row(0), row(1) …
func numbers(n int, row func(i int) []any) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			if !yield(warehouse.Row{Values: row(i)}, nil) {
				return
			}
		}
	}
}

func load(t *testing.T, s warehouse.Store, cols []warehouse.Column, rows ...[]any) warehouse.Version {
	t.Helper()
	l, err := s.Load(t.Context(), warehouse.Spec{Table: "试验", Columns: cols}, feed(rows...))
	if err != nil {
		t.Fatal(err)
	}
	return l.Version
}

func ask(t *testing.T, s warehouse.Store, q warehouse.Query) [][]any {
	t.Helper()
	res, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := res.All()
	if err != nil {
		t.Fatal(err)
	}
	over(t, s, q, rows)
	return rows
}

// over makes sure that a plan over rows in memory means what the engine means.
func over(t *testing.T, s warehouse.Store, q warehouse.Query, want [][]any) {
	t.Helper()
	v, err := s.Version(t.Context(), q.From)
	if err != nil || len(q.Join) > 0 || v.Rows > 1000 || len(q.Order) == 0 && (q.Limit > 0 || q.Offset > 0) {
		return
	}
	p, err := warehouse.NewPlan(q, func(id string) (warehouse.Version, bool) { return v, id == q.From })
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Query(t.Context(), warehouse.Query{From: q.From})
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&warehouse.Result{Rows: p.Over(all.Rows)}).All()
	if err != nil {
		t.Fatal(err)
	}
	if len(q.Order) == 0 {
		byText := func(rows [][]any) [][]any {
			rows = slices.Clone(rows)
			slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			return rows
		}
		got, want = byText(got), byText(want)
	}
	same(t, fmt.Sprintf("in memory: %+v", q), got, want)
}

// same compares rows by what people would read, times as moments.
func same(t *testing.T, what string, got, want [][]any) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(words(got), words(want)) {
		t.Errorf("%s:\n got %v\nwant %v", what, words(got), words(want))
	}
}

func words(rows [][]any) (out [][]string) {
	for _, r := range rows {
		var w []string
		for _, v := range r {
			w = append(w, fmt.Sprintf("%T %s", v, warehouse.Format(v)))
		}
		out = append(out, w)
	}
	return out
}

func wants(t *testing.T, what string, err error, kind errs.Kind, key string) {
	t.Helper()
	if !errs.Is(err, kind) || errs.KeyOf(err) != key {
		t.Errorf("%s: got %v, want %s %s", what, err, kind, key)
	}
}

// empty checks that the store holds nothing.
func empty(t *testing.T, what string, s warehouse.Store) {
	t.Helper()
	all, err := s.Versions(context.Background())
	if err != nil || len(all) != 0 {
		t.Errorf("%s left %v, %v", what, all, err)
	}
}
