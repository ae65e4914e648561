package dataset_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

// A grant may be for certain rows, certain ways of use, so many records a day.
func TestPartialGrants(t *testing.T) {
	each(t, func(e env) {
		ds := e.must(e.publish("", 0, "people", 9))
		b := e.must(e.publish("", 0, "other", 9))
		g := e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"street", "money"}, Quota: 10, Modes: []dataset.Mode{dataset.Look, dataset.Batch},
			Filter: dataset.Filter{{Column: "money", Op: warehouse.OpGe, Values: []string{"6"}}}})
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"street"}})
		e.grant(b, dataset.Grant{Unit: "u2", Columns: []string{"id", "street", "money"}, Reveal: []string{"id"}, Modes: []dataset.Mode{dataset.Batch}})
		li := e.as("li", "u2", "x.read")
		col := func(names ...string) (out []warehouse.Item) {
			for _, n := range names {
				out = append(out, warehouse.Item{Col: n})
			}
			return out
		}
		count := []warehouse.Item{{Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Min, Col: "money", As: "least"}}
		for _, c := range []struct {
			name string
			tree warehouse.Query
			want string
		}{
			{"what every row shows", warehouse.Query{From: "people", Select: col("street")}, "9"},
			{"what some rows show", warehouse.Query{From: "people", Select: col("street", "money")}, "3"},
			{"a condition beside it", warehouse.Query{From: "people", Select: col("money"), Where: warehouse.Lt("money", int64(8))}, "2"},
			{"a condition that would open it", warehouse.Query{From: "people", Select: col("money"), Where: warehouse.Or(warehouse.Ge("money", int64(0)))}, "3"},
			{"a condition alone", warehouse.Query{From: "people", Select: col("street"), Where: warehouse.Lt("money", int64(2))}, "0"},
			{"aggregates", warehouse.Query{From: "people", Select: count}, "1: [3 6]"},
			{"granted for batches only", warehouse.Query{From: "other", Select: col("street")}, "dataset.missing"},
		} {
			res, err := e.d.Query(li, e.Kit.DB, "x.read", c.tree)
			got := errs.KeyOf(err)
			if err == nil {
				rows, err := res.All()
				if err != nil {
					e.t.Fatal(c.name, err)
				}
				if got = fmt.Sprint(len(rows)); len(c.tree.Select) == 2 && c.tree.Select[0].Agg != "" {
					got += fmt.Sprintf(": %v", rows[0])
				}
			}
			if got != c.want {
				e.t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, err)
			}
		}
		right, err := e.d.Right(li, e.Kit.DB, ds, "x.read", "", dataset.Look)
		if err != nil || len(right.Grants) != 2 {
			e.t.Fatal(right, err)
		}
		in, out := []any{"42019919850615000X", "s", int64(7)}, []any{"42019919850615000X", "s", int64(5)}
		if !right.At(ds, in).MaySee("money") || right.At(ds, out).MaySee("money") || !right.At(ds, out).MaySee("street") {
			e.t.Error("row by row")
		}
		if r, err := e.d.Right(li, e.Kit.DB, ds, "x.read", "", dataset.API); err != nil || r.Any() {
			e.t.Error("as a program", r, err)
		}
		if c, ok := right.Covering([]string{"street", "money"}); !ok || c.ID != g.ID {
			e.t.Error("covering", c)
		}

		spend := func(n int64) error {
			return e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error { return e.d.Spend(ctx, tx, g, n) })
		}
		if err := spend(7); err != nil {
			e.t.Error(err)
		}
		if err := spend(4); errs.KeyOf(err) != "dataset.quota" {
			e.t.Error("over the quota:", err)
		}
		if n, err := e.d.Spent(e.t.Context(), e.Kit.DB, g.ID); err != nil || n != 7 {
			e.t.Error("what was refused was counted", n, err)
		}
		if err := spend(3); err != nil {
			e.t.Error("the rest:", err)
		}
		e.Move(24 * time.Hour)
		if err := spend(10); err != nil {
			e.t.Error("tomorrow:", err)
		}
	})
}

// A filter is judged in Go for single rows and by the engine for many: both must agree on every kind of value.
func TestFilterAgrees(t *testing.T) {
	each(t, func(e env) {
		ds := e.must(e.publish("", 0, "people", 40))
		owner := e.as("zhang", "u1", "x.read")
		for _, f := range []dataset.Filter{
			{{Column: "money", Op: warehouse.OpEq, Values: []string{"7"}}}, {{Column: "money", Op: warehouse.OpNe, Values: []string{"7"}}},
			{{Column: "money", Op: warehouse.OpLt, Values: []string{"10"}}, {Column: "money", Op: warehouse.OpGt, Values: []string{"2"}}},
			{{Column: "money", Op: warehouse.OpLe, Values: []string{"9"}}}, {{Column: "money", Op: warehouse.OpIn, Values: []string{"1", "99"}}},
			{{Column: "street", Op: warehouse.OpPrefix, Values: []string{"狮子"}}}, {{Column: "street", Op: warehouse.OpContains, Values: []string{"山街"}}},
			{{Column: "street", Op: warehouse.OpIsNull}}, {{Column: "street", Op: warehouse.OpEq, Values: []string{"关山街道"}}},
		} {
			cond, err := f.Cond(ds)
			if err != nil {
				e.t.Fatal(f, err)
			}
			every, err := e.d.Query(owner, e.Kit.DB, "x.read", warehouse.Query{From: "people"})
			if err != nil {
				e.t.Fatal(err)
			}
			some, err := e.d.Query(owner, e.Kit.DB, "x.read", warehouse.Query{From: "people", Where: cond})
			if err != nil {
				e.t.Fatal(err)
			}
			rows, err := every.All()
			if err != nil {
				e.t.Fatal(err)
			}
			kept, err := some.All()
			if err != nil {
				e.t.Fatal(err)
			}
			n := 0
			right := dataset.Right{Grants: []dataset.Grant{{Columns: []string{"street"}, Filter: f}}}
			for _, row := range rows { // the id is masked, and so not among what the owner asks for
				if right.At(ds, append([]any{"x"}, row...)).Any() {
					n++
				}
			}
			if n != len(kept) {
				e.t.Errorf("%v: %d rows in Go, %d in the engine", f, n, len(kept))
			}
		}
		for _, f := range []dataset.Filter{
			{{Column: "gone", Op: warehouse.OpEq, Values: []string{"1"}}}, {{Column: "money", Op: warehouse.OpEq}}, {{Column: "money", Op: warehouse.OpEq, Values: []string{"x"}}},
			{{Column: "money", Op: warehouse.OpPrefix, Values: []string{"1"}}}, {{Column: "street", Op: "or", Values: []string{"1"}}}, {{Column: "street", Op: warehouse.OpEq, Values: []string{" "}}},
		} {
			if _, err := f.Cond(ds); errs.KeyOf(err) != "dataset.filter" {
				e.t.Error(f, err)
			}
			if (dataset.Right{Grants: []dataset.Grant{{Filter: f}}}).At(ds, []any{"a", "b", nil}).Any() {
				e.t.Error("lets something through:", f)
			}
		}
	})
}
