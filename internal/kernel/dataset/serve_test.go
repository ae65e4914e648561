package dataset_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var houses = &kerneltest.Houses{Warehouse: func(t *testing.T) warehouse.Store {
	s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}}

var text = warehouse.Type{Kind: warehouse.KindText}

var columns = []dataset.Column{
	{Name: "id", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "street", Title: "街道", Type: text, Level: dataset.L2},
	{Name: "money", Title: "金额", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2},
}

// env is a house with the verbs of this package; a unit "u2x" stands below "u2".
type env struct {
	*kerneltest.Env
	t *testing.T
	d *dataset.Datasets
}

func each(t *testing.T, fn func(e env)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Kit.Datasets.Serve(func(_ context.Context, _ store.Queryer, unit string) ([]string, error) {
			if unit == "u2x" {
				return []string{"u2"}, nil
			}
			return nil, nil
		})
		fn(env{e, t, e.Kit.Datasets})
	})
}

func (e env) as(name, unit string, perms ...string) context.Context {
	return room.Acting(e.t.Context(), kerneltest.Actor(name, unit, room.Unit, perms...))
}

func (e env) tx(ctx context.Context, fn func(ctx context.Context, tx *store.Tx) error) error {
	e.t.Helper()
	return e.Kit.DB.Tx(ctx, fn)
}

func feed(n int) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			if !yield(warehouse.Row{Values: []any{fmt.Sprintf("42019919850615%04d", i), "狮子山街道", int64(i)}}, nil) {
				return
			}
		}
	}
}

// publish makes a dataset of unit u1 with n rows, or the next version of one.
func (e env) publish(id string, expect int64, name string, n int) (dataset.Dataset, error) {
	e.t.Helper()
	loaded, err := e.Kit.Warehouse.Load(e.t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(columns)}, feed(n))
	if err != nil {
		e.t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		ds, err = e.d.Publish(ctx, tx, dataset.Publication{ID: id, Expect: expect, Name: name, Title: "资源" + name, Unit: "u1", Owner: "zhang", Columns: columns, Loaded: loaded.Version})
		return err
	})
	return ds, err
}

func (e env) must(ds dataset.Dataset, err error) dataset.Dataset {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
	return ds
}

func (e env) grant(ds dataset.Dataset, g dataset.Grant) dataset.Grant {
	e.t.Helper()
	if g.Until.IsZero() {
		g.Until = store.At(e.Now.Add(time.Hour))
	}
	err := e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		g, err = e.d.Grant(ctx, tx, ds, g)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return g
}

func TestWhoReads(t *testing.T) {
	each(t, func(e env) {
		ds := e.must(e.publish("", 0, "people", 3))
		sees := func(ctx context.Context) bool {
			scope, err := e.d.Readable(ctx, e.Kit.DB, "x.read", "")
			if err != nil {
				e.t.Fatal(err)
			}
			_, err = e.d.Get(ctx, e.Kit.DB, ds.ID, scope)
			if err != nil && !errs.Is(err, errs.Missing) {
				e.t.Fatal(err)
			}
			return err == nil
		}
		check := func(name string, ctx context.Context, want bool) {
			e.t.Helper()
			if got := sees(ctx); got != want {
				e.t.Errorf("%s: %t", name, got)
			}
		}
		li, below, wang := e.as("li", "u2", "x.read"), e.as("sub", "u2x", "x.read"), e.as("wang", "u3", "x.read")
		check("the owner's unit", e.as("any", "u1", "x.read"), true)
		check("the owner's unit without the right", e.as("any", "u1"), false)
		check("another unit", li, false)
		check("a job", room.Acting(e.t.Context(), &room.Actor{IsJob: true}), true)
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: []string{"street"}})
		check("a unit that is granted", li, true)
		check("a unit below it", below, true)
		check("without the right", e.as("li", "u2"), false)
		check("a third unit", wang, false)
		e.grant(ds, dataset.Grant{Person: "wang", Columns: []string{"street"}, From: store.At(e.Now.Add(30 * time.Minute))})
		check("a person, not yet", wang, false)
		e.Move(31 * time.Minute)
		check("a person", wang, true)
		check("in another post too", e.as("wang", "", "x.read"), true)
		check("nobody", e.as("", "", "x.read"), false)
		e.Move(29 * time.Minute)
		check("the grants have run out", li, false)
		check("for a person too", wang, false)
	})
}

func TestQuery(t *testing.T) {
	each(t, func(e env) {
		a, b := e.must(e.publish("", 0, "people", 3)), e.must(e.publish("", 0, "other", 2))
		e.grant(a, dataset.Grant{Unit: "u2", Columns: []string{"id", "street", "money"}})
		e.grant(b, dataset.Grant{Unit: "u2", Columns: []string{"id", "street"}, Reveal: []string{"id"}})
		li, owner, job := e.as("li", "u2", "x.read"), e.as("zhang", "u1", "x.read"), room.Acting(e.t.Context(), &room.Actor{IsJob: true})
		live := dataset.Live{Name: "now", Title: "此刻", Room: "org", Perm: "org.read", Columns: columns[1:2], Rows: func(context.Context, store.Queryer, dataset.Wanted) iter.Seq2[[]any, error] {
			return func(yield func([]any, error) bool) { yield([]any{"关山街道"}, nil) }
		}}
		if err := e.d.Declare(live); err != nil {
			e.t.Fatal(err)
		}
		if err := e.d.Declare(live); err == nil {
			e.t.Error("a live dataset is declared twice")
		}
		var now dataset.Dataset
		if err := e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			now, err = e.d.TakeUp(ctx, tx, "now", dataset.TakenUp{Unit: "u1"})
			return err
		}); err != nil {
			e.t.Fatal(err)
		}
		e.grant(now, dataset.Grant{Unit: "u2", Columns: []string{"street"}})
		sel := func(cols ...string) (out []warehouse.Item) {
			for _, c := range cols {
				out = append(out, warehouse.Item{Col: c})
			}
			return out
		}
		join := []warehouse.Join{{Version: "other", As: "o", On: [][2]string{{"p.id", "id"}}}}
		for _, c := range []struct {
			name string
			ctx  context.Context
			tree warehouse.Query
			want string // rows×columns, or the key of the error
		}{
			{"what is open", li, warehouse.Query{From: "people"}, "3x2"},
			{"sum by street", li, warehouse.Query{From: "people", Select: []warehouse.Item{{Col: "street"}, {Agg: warehouse.Sum, Col: "money", As: "m"}}, Group: []string{"street"}}, "1x2"},
			{"count rows", li, warehouse.Query{From: "people", Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}}, "1x1"},
			{"a masked column", li, warehouse.Query{From: "people", Select: sel("id")}, "dataset.column_denied"},
			{"a condition on it", li, warehouse.Query{From: "people", Select: sel("street"), Where: warehouse.Not(warehouse.And(warehouse.Prefix("id", "42")))}, "dataset.column_denied"},
			{"an order by it", li, warehouse.Query{From: "people", Select: sel("street"), Order: []warehouse.Sort{{By: "id"}}}, "dataset.column_denied"},
			{"a group by it", li, warehouse.Query{From: "people", Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}, Group: []string{"id"}}, "dataset.column_denied"},
			{"distinct values of it", li, warehouse.Query{From: "people", Select: []warehouse.Item{{Agg: warehouse.CountDistinct, Col: "id", As: "n"}}}, "dataset.column_denied"},
			{"a join over it", li, warehouse.Query{From: "people", As: "p", Join: join, Select: sel("o.street")}, "dataset.column_denied"},
			{"revealed by grant", li, warehouse.Query{From: "other", Select: sel("id")}, "2x1"},
			{"not granted at all", li, warehouse.Query{From: "other", Select: sel("money")}, "dataset.column_denied"},
			{"masked for the owner too", owner, warehouse.Query{From: "people", Select: sel("id")}, "dataset.column_denied"},
			{"a job joins", job, warehouse.Query{From: "people", As: "p", Join: join, Select: sel("p.id", "o.money")}, "2x2"},
			{"an unknown column", li, warehouse.Query{From: "people", Select: sel("x")}, "warehouse.no_column"},
			{"an unknown dataset", li, warehouse.Query{From: "x"}, "dataset.missing"},
			{"a version by its id", li, warehouse.Query{From: a.Current}, "dataset.missing"},
			{"another unit", e.as("wang", "u3", "x.read"), warehouse.Query{From: "people"}, "dataset.missing"},
			{"live", li, warehouse.Query{From: "now"}, "1x1"},
			{"live, unknown column", li, warehouse.Query{From: "now", Select: sel("money")}, "warehouse.no_column"},
			{"live, joined", li, warehouse.Query{From: "now", As: "n", Join: join}, "dataset.live_join"},
		} {
			got := ""
			res, err := e.d.Query(c.ctx, e.Kit.DB, "x.read", c.tree)
			if err != nil {
				got = errs.KeyOf(err)
			} else {
				rows, err := res.All()
				if err != nil {
					e.t.Fatal(c.name, err)
				}
				got = fmt.Sprintf("%dx%d", len(rows), len(rows[0]))
			}
			if got != c.want {
				e.t.Errorf("%s: %s %v, want %s", c.name, got, err, c.want)
			}
		}
		if _, err := e.publish("", 0, "now", 1); errs.KeyOf(err) != "dataset.name_taken" {
			e.t.Error("a live dataset's name:", err)
		}
	})
}

// Three versions stay, with the one that serves; what no row names leaves the warehouse after a day.
func TestVersions(t *testing.T) {
	each(t, func(e env) {
		ds := e.must(e.publish("", 0, "people", 1))
		for n := 2; n <= 5; n++ {
			ds = e.must(e.publish(ds.ID, ds.Version, "people", n))
		}
		if _, err := e.publish(ds.ID, ds.Version-1, "people", 9); errs.KeyOf(err) != "dataset.changed" {
			e.t.Error("from an old page:", err)
		}
		all, err := e.d.Versions(e.t.Context(), e.Kit.DB, ds.ID)
		if err != nil || len(all) != 5 || ds.Number != 5 || ds.Rows != 5 {
			e.t.Fatal(len(all), ds, err)
		}
		oldest := all[4].ID
		err = e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			ds, err = e.d.Rollback(ctx, tx, ds.ID, ds.Version, oldest)
			return err
		})
		if err != nil || ds.Number != 1 || ds.Rows != 1 {
			e.t.Fatal(ds, err)
		}
		left := func() (rows, stored int) {
			if err := e.d.Sweep(e.t.Context()); err != nil {
				e.t.Fatal(err)
			}
			v, err := e.d.Versions(e.t.Context(), e.Kit.DB, ds.ID)
			if err != nil {
				e.t.Fatal(err)
			}
			w, err := e.Kit.Warehouse.Versions(e.t.Context())
			if err != nil {
				e.t.Fatal(err)
			}
			return len(v), len(w)
		}
		if v, w := left(); v != 5 || w != 6 {
			e.t.Error("swept too early:", v, w)
		}
		e.Move(time.Until(e.Now) * -1) // the engine goes by the machine's clock
		e.Move(25 * time.Hour)
		if v, w := left(); v != 4 || w != 4 { // 5, 4, 3 and the one that serves
			e.t.Error("kept:", v, w)
		}
		if next := e.must(e.publish(ds.ID, ds.Version, "people", 7)); next.Number != 6 {
			e.t.Error("a number is given twice:", next.Number)
		}
		err = e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.d.Rollback(ctx, tx, ds.ID, ds.Version+1, all[3].ID)
			return err
		})
		if errs.KeyOf(err) != "dataset.no_version" {
			e.t.Error("back to what is gone:", err)
		}
	})
}

// What has been closed since stays closed when one goes back.
func TestClassificationStays(t *testing.T) {
	each(t, func(e env) {
		ds := e.must(e.publish("", 0, "people", 1))
		old := ds.Current
		ds = e.must(e.publish(ds.ID, ds.Version, "people", 2))
		to := dataset.Description{Title: "人口", Columns: []dataset.Column{{Name: "street", Title: "所在街道", Kind: codes.KindAddress, Level: dataset.L4, Masked: true}}}
		err := e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			if ds, err = e.d.Describe(ctx, tx, ds.ID, ds.Version, to); err != nil {
				return err
			}
			ds, err = e.d.Rollback(ctx, tx, ds.ID, ds.Version, old)
			return err
		})
		if c, _ := ds.Column("street"); err != nil || ds.Level != dataset.L4 || !c.Masked || c.Title != "所在街道" || ds.Rows != 1 {
			e.t.Errorf("%+v %v", ds, err)
		}
		bad := dataset.Description{Title: "人口", Columns: []dataset.Column{{Name: "id", Title: "号", Kind: codes.KindID, Level: dataset.L1}}}
		err = e.tx(e.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.d.Describe(ctx, tx, ds.ID, ds.Version, bad)
			return err
		})
		if !errs.Is(err, errs.Invalid) {
			e.t.Error("an identity number is laid open:", err)
		}
	})
}
