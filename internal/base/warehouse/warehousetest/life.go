package warehousetest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

var wide = []warehouse.Column{col("!证件号", warehouse.KindText), col("姓名", warehouse.KindText), col("街道", warehouse.KindInteger), money("额"),
	col("生日", warehouse.KindDate)}

// person makes row i of a table whose sums are easy: streets 0–16, amounts i.25.
func person(i int) []any {
	return []any{fmt.Sprintf("420199%012d", i), "张三", i % 17, warehouse.Decimal(fmt.Sprintf("%d.25", i)), warehouse.DateOf(start.AddDate(0, 0, -i%30000))}
}

func bigTable(t *testing.T, open Open) {
	s := fresh(t, open)
	const n = 200_000
	v, err := s.Load(t.Context(), warehouse.Spec{Table: "人口", Columns: wide}, numbers(n, person))
	if err != nil || v.Rows != n {
		t.Fatal(v, err)
	}
	for _, i := range []int{0, 1, 99_999, n - 1} {
		got, err := warehouse.Get(t.Context(), s, v.ID, person(i)[0])
		if err != nil {
			t.Error(err)
		}
		same(t, "get", got, ask(t, s, warehouse.Query{From: v.ID, Where: warehouse.In("证件号", person(i)[0].(string))}))
		if len(got) != 1 {
			t.Errorf("row %d: %v", i, got)
		}
	}
	same(t, "sums", ask(t, s, warehouse.Query{From: v.ID, Where: warehouse.Eq("街道", 16), Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Sum, Col: "额"}}}),
		[][]any{{int64(11764), warehouse.Decimal("1176420587.00")}})
	// Every way to read all rows gives each exactly once.
	for name, q := range map[string]warehouse.Query{
		"scan":        {From: v.ID},
		"filtered":    {From: v.ID, Where: warehouse.Ge("街道", 0)},
		"sorted":      {From: v.ID, Order: []warehouse.Sort{{By: "证件号"}}},
		"long limit":  {From: v.ID, Limit: n - 1},
		"short limit": {From: v.ID, Limit: 10},
		"joined":      {From: v.ID, Join: []warehouse.Join{{Version: v.ID, As: "b", On: [][2]string{{"证件号", "证件号"}}}}},
	} {
		q.Select = []warehouse.Item{{Col: ".证件号"}}
		res, err := s.Query(t.Context(), q)
		if err != nil {
			t.Fatal(name, err)
		}
		seen := map[any]bool{}
		var last string
		for row, err := range res.Rows {
			if err != nil {
				t.Fatal(name, err)
			}
			if name == "sorted" && row[0].(string) <= last {
				t.Fatalf("%v after %s", row[0], last)
			}
			last = row[0].(string)
			seen[row[0]] = true
		}
		want := n
		if q.Limit > 0 {
			want = int(q.Limit)
		}
		if len(seen) != want {
			t.Errorf("%s: %d rows, want %d", name, len(seen), want)
		}
	}
	// A table may be made of another one.
	res, err := s.Query(t.Context(), warehouse.Query{From: v.ID, Group: []string{"街道"}, Select: []warehouse.Item{{Col: "街道"}, {Agg: warehouse.Count, As: "人数"}}})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Load(t.Context(), warehouse.Spec{Table: "街道人数", Columns: res.Columns}, func(yield func(warehouse.Row, error) bool) {
		for row, err := range res.Rows {
			if !yield(warehouse.Row{Values: row}, err) {
				return
			}
		}
	})
	if err != nil || made.Rows != 17 {
		t.Errorf("made of another: %+v, %v", made, err)
	}
	if err := s.Drop(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Versions != 1 || st.Rows != n || st.Memory <= 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func readersKeepTheirVersion(t *testing.T, open Open) {
	s := fresh(t, open)
	const n = 120_000
	spec := warehouse.Spec{Table: "人口", Columns: []warehouse.Column{col("!号", warehouse.KindInteger), col("版", warehouse.KindInteger)}}
	first, err := s.Load(t.Context(), spec, numbers(n, func(i int) []any { return []any{i, 1} }))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Query(t.Context(), warehouse.Query{From: first.ID, Where: warehouse.Eq("版", 1)})
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for row, err := range res.Rows {
		if err != nil || row[1] != int64(1) {
			t.Fatal(row, err)
		}
		if got++; got != 10 {
			continue
		}
		// In the middle of the read the next version comes and the old one goes.
		second, err := s.Load(t.Context(), spec, numbers(n, func(i int) []any { return []any{i, 2} }))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Drop(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		same(t, "the new version", ask(t, s, warehouse.Query{From: second.ID, Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Min, Col: "版"}}}), [][]any{{int64(n), int64(2)}})
	}
	if got != n {
		t.Errorf("read %d of %d rows", got, n)
	}
	for range 2 {
		_, err = res.All()
		wants(t, "dropped", err, errs.Missing, "warehouse.no_version")
		err = s.Drop(t.Context(), first.ID)
		wants(t, "dropped twice", err, errs.Missing, "warehouse.no_version")
	}
}

func readersBesideAWriter(t *testing.T, open Open) {
	s := fresh(t, open)
	const rows, loads, readers = 10_000, 4, 8
	spec := warehouse.Spec{Table: "人口", Columns: wide}
	v, err := s.Load(t.Context(), spec, numbers(rows, person))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for r := range readers {
		wg.Go(func() {
			for i := r; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				got, err := warehouse.Get(t.Context(), s, v.ID, person(i % rows)[0])
				if err != nil || len(got) != 1 || got[0][2] != int64(i%rows%17) {
					t.Errorf("reader %d: %v, %v", r, got, err)
					return
				}
				if n, err := warehouse.CountRows(t.Context(), s, warehouse.Query{From: v.ID, Where: warehouse.Lt("街道", 17)}); err != nil || n != rows {
					t.Errorf("reader %d counted %d, %v", r, n, err)
					return
				}
			}
		})
	}
	for range loads {
		l, err := s.Load(t.Context(), spec, numbers(rows, person))
		if err == nil {
			err = s.Drop(t.Context(), l.ID)
		}
		if err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	wg.Wait()
	var both sync.WaitGroup // and two writers take turns
	for range 2 {
		both.Go(func() {
			if _, err := s.Load(t.Context(), spec, numbers(rows, person)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
}

func sweep(t *testing.T, open Open) {
	now := start
	s := open(t, func() time.Time { return now })
	defer s.Close()
	cols := []warehouse.Column{col("名", warehouse.KindText)}
	old, live := load(t, s, cols, []any{"old"}), load(t, s, cols, []any{"live"})
	now = now.Add(25 * time.Hour)
	young := load(t, s, cols, []any{"young"})
	if !young.Made.Equal(now) {
		t.Errorf("made at %s", young.Made)
	}
	gone, err := s.Sweep(t.Context(), func(id string) bool { return id == live.ID }, now.Add(-24*time.Hour))
	if err != nil || !slices.Equal(gone, []string{old.ID}) {
		t.Errorf("swept %v, %v", gone, err)
	}
	all, err := s.Versions(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != live.ID || all[1].ID != young.ID {
		t.Errorf("left %v, %v", all, err)
	}
}

func closed(t *testing.T, open Open) {
	s := open(t, nil)
	v := load(t, s, []warehouse.Column{col("名", warehouse.KindText)}, []any{"一"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Load(t.Context(), warehouse.Spec{Table: "t", Columns: v.Columns}, feed())
	wants(t, "load", err, errs.Busy, "warehouse.closed")
	res, err := s.Query(t.Context(), warehouse.Query{From: v.ID})
	if err == nil {
		_, err = res.All()
	}
	wants(t, "query", err, errs.Busy, "warehouse.closed")
	if err := s.Close(); err != nil {
		t.Error("closing twice:", err)
	}
}

func archive(t *testing.T, open Open) {
	s, ok := fresh(t, open).(warehouse.Archive)
	if !ok {
		t.Skip("this engine keeps no archive")
	}
	dir := filepath.Join(t.TempDir(), "it's a 备份")
	keyed, err := s.Load(t.Context(), warehouse.Spec{Table: "人口", Columns: wide}, numbers(5000, person))
	if err != nil {
		t.Fatal(err)
	}
	all := load(t, s, []warehouse.Column{col("文", warehouse.KindText), col("数", warehouse.KindInteger), {Name: "额", Type: warehouse.DecimalType(38, 10)},
		col("日", warehouse.KindDate), col("时", warehouse.KindDatetime), col("否", warehouse.KindBoolean)},
		[]any{"汉字\x00\n", -1, warehouse.Decimal("-1.0000000001"), warehouse.Date("1911-10-10"), start.Add(time.Microsecond), false}, make([]any, 6))
	none := load(t, s, []warehouse.Column{col("文", warehouse.KindText)})
	ids := []string{keyed.ID, all.ID, none.ID}
	for range 2 { // the second writes nothing new
		if err := s.Snapshot(t.Context(), dir, ids); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, "unknown version", s.Snapshot(t.Context(), dir, []string{"nosuch"}), errs.Missing, "warehouse.no_version")

	other := fresh(t, open).(warehouse.Archive)
	got, err := other.Restore(t.Context(), dir)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	for _, id := range ids {
		a, _ := s.Version(t.Context(), id)
		b, err := other.Version(t.Context(), id)
		if err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%+v, %+v, %v", a, b, err)
		}
		same(t, "restored", ask(t, other, warehouse.Query{From: id}), ask(t, s, warehouse.Query{From: id}))
	}
	if rows, err := warehouse.Get(t.Context(), other, keyed.ID, person(4321)[0]); err != nil || len(rows) != 1 {
		t.Errorf("look-up after restore: %v, %v", rows, err)
	}
	if got, err := other.Restore(t.Context(), dir); err != nil || len(got) != 0 {
		t.Errorf("restoring twice: %v, %v", got, err)
	}

	file := filepath.Join(dir, keyed.ID+".parquet")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	manifest := filepath.Join(dir, all.ID+".json")
	for _, damage := range []func() error{
		func() error { return os.WriteFile(file, b, 0o600) },
		func() error { return os.WriteFile(file, b[:100], 0o600) },
		func() error { return os.Remove(file) },
		func() error { return os.WriteFile(manifest, []byte("{"), 0o600) },
		func() error { return os.WriteFile(manifest, []byte(`{"version":{"id":"../../x"}}`), 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		third := fresh(t, open).(warehouse.Archive)
		_, err := third.Restore(t.Context(), dir)
		wants(t, "damaged", err, errs.Invalid, "warehouse.bad_snapshot")
		if _, err := third.Version(t.Context(), keyed.ID); !errs.Is(err, errs.Missing) {
			t.Error("a damaged version must not be there")
		}
	}
}
