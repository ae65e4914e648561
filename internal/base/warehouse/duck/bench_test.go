package duck

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
)

func person(i int) []any {
	return []any{fmt.Sprintf("420199%08d%04d", i*7919%100_000_000, i%10_000), "张三", fmt.Sprintf("洪山区关山街道第%d社区", i%327), int64(i % 17),
		warehouse.Decimal("1234.50"), warehouse.Date("1985-06-01"), i%2 == 0, time.Unix(int64(i), 0), fmt.Sprintf("1390000%04d", i%10_000), "未婚", nil, int64(i)}
}

func personColumns() []warehouse.Column {
	kinds := []warehouse.Type{{Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindInteger},
		warehouse.DecimalType(18, 2), {Kind: warehouse.KindDate}, {Kind: warehouse.KindBoolean}, {Kind: warehouse.KindDatetime},
		{Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindInteger}}
	cols := make([]warehouse.Column, len(kinds))
	for i, k := range kinds {
		cols[i] = warehouse.Column{Name: fmt.Sprintf("列%d", i), Type: k, Key: i == 0}
	}
	return cols
}

func persons(n int) func(func(warehouse.Row, error) bool) {
	return func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			if !yield(warehouse.Row{Values: person(i)}, nil) {
				return
			}
		}
	}
}

// BenchmarkLoad loads tables of 200 000 rows and 12 columns.
func BenchmarkLoad(b *testing.B) {
	const n = 200_000
	s := open(b, Options{})
	for b.Loop() {
		if _, err := s.Load(b.Context(), warehouse.Spec{Table: "人口", Columns: personColumns(), OnDuplicate: warehouse.KeepFirst}, persons(n)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// million is a store with one table of a million rows.
func million(b *testing.B) (*Store, warehouse.Version) {
	b.Helper()
	s := open(b, Options{})
	l, err := s.Load(b.Context(), warehouse.Spec{Table: "人口", Columns: personColumns(), OnDuplicate: warehouse.KeepFirst}, persons(1_000_000))
	if err != nil {
		b.Fatal(err)
	}
	s.checkpoint(b.Context())
	return s, l.Version
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkGet looks up one row by key among a million; "bare" is the same question as SQL on the driver, the peer to
// compare with, and "unsorted" what it costs without the hash.
func BenchmarkGet(b *testing.B) {
	s, v := million(b)
	bare := func(q string, args func(key string) []any) func(i int) (int, error) {
		return func(i int) (int, error) {
			rows, err := s.db.QueryContext(b.Context(), q, args(person(i)[0].(string))...)
			if err != nil {
				return 0, err
			}
			defer rows.Close()
			n := 0
			into := make([]any, 12)
			for i := range into {
				into[i] = new(any)
			}
			for rows.Next() {
				n++
				if err := rows.Scan(into...); err != nil {
					return n, err
				}
			}
			return n, rows.Err()
		}
	}
	all := "SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 FROM " + table(v.ID)
	for _, c := range []struct {
		name string
		get  func(i int) (int, error)
	}{
		{"ours", func(i int) (int, error) {
			rows, err := warehouse.Get(b.Context(), s, v.ID, person(i)[0])
			return len(rows), err
		}},
		{"bare", bare(all+" WHERE _k = $1 AND c0 = $2", func(key string) []any { return []any{warehouse.KeyHash([]any{key}), key} })},
		{"unsorted", bare(all+" WHERE c0 = $1", func(key string) []any { return []any{key} })},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				at := time.Now()
				if n, err := c.get(i * 7919 % 1_000_000); err != nil || n != 1 {
					b.Fatal(n, err)
				}
				took = append(took, time.Since(at))
			}
			percentiles(b, took)
		})
	}
}

// BenchmarkQuery groups a million rows, and reads 345 000 of them by key.
func BenchmarkQuery(b *testing.B) {
	s, v := million(b)
	keys := make([]string, 345_000)
	for i := range keys {
		keys[i] = person(i * 2)[0].(string)
	}
	ask := func(b *testing.B, q warehouse.Query, want int) {
		for b.Loop() {
			res, err := s.Query(b.Context(), q)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for _, err := range res.Rows {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != want {
				b.Fatal(n)
			}
		}
	}
	b.Run("group", func(b *testing.B) {
		ask(b, warehouse.Query{From: v.ID, Group: []string{"列3"}, Select: []warehouse.Item{{Col: "列3"}, {Agg: warehouse.Count, As: "n"}, {Agg: warehouse.Sum, Col: "列4"}}}, 17)
	})
	b.Run("group bare", func(b *testing.B) {
		for b.Loop() {
			rows, err := s.db.QueryContext(b.Context(), "SELECT c3, count(*), sum(c4) FROM "+table(v.ID)+" GROUP BY c3")
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				if err := rows.Scan(new(any), new(any), new(any)); err != nil {
					b.Fatal(err)
				}
			}
			rows.Close()
		}
	})
	b.Run("match", func(b *testing.B) {
		ask(b, warehouse.Query{From: v.ID, Where: warehouse.In("列0", keys...)}, len(keys))
	})
	b.Run("page", func(b *testing.B) {
		ask(b, warehouse.Query{From: v.ID, Order: []warehouse.Sort{{By: "列11"}}, Limit: 50, Offset: 1000}, 50)
	})
}

// A statement over a million rows becomes a version laid out by its key.
func BenchmarkMake(b *testing.B) {
	s, v := million(b)
	r, err := s.Read(b.Context(), `SELECT * FROM people`)
	if err != nil {
		b.Fatal(err)
	}
	face := warehouse.Face{Version: v.ID}
	for _, c := range v.Columns {
		face.Columns = append(face.Columns, c.Name)
	}
	for b.Loop() {
		if _, err := s.Make(b.Context(), warehouse.Spec{Table: "made", Columns: v.Columns}, r, []warehouse.Face{face}, warehouse.Limits{Now: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}
