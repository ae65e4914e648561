package click

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
)

func person(i int) []any {
	return []any{fmt.Sprintf("420199%08d%04d", i*7919%100_000_000, i%10_000), "张三", fmt.Sprintf("洪山区关山街道第%d社区", i%327), int64(i % 17),
		warehouse.Decimal("1234.50"), warehouse.Date("1985-06-01"), i%2 == 0, time.Unix(int64(i), 0), fmt.Sprintf("1390000%04d", i%10_000), "未婚", nil, int64(i)}
}

var personSpec = func() warehouse.Spec {
	kinds := []warehouse.Type{{Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindInteger},
		warehouse.DecimalType(18, 2), {Kind: warehouse.KindDate}, {Kind: warehouse.KindBoolean}, {Kind: warehouse.KindDatetime},
		{Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindText}, {Kind: warehouse.KindInteger}}
	spec := warehouse.Spec{Table: "人口", OnDuplicate: warehouse.KeepFirst}
	for i, k := range kinds {
		spec.Columns = append(spec.Columns, warehouse.Column{Name: fmt.Sprintf("列%d", i), Type: k, Key: i == 0})
	}
	return spec
}()

// BenchmarkBeside loads a million rows of 12 columns, looks up one by its key and 10 000 by a list, here and in the
// embedded engine, one after the other.
func BenchmarkBeside(b *testing.B) {
	const n = 1_000_000
	d, err := duck.Open(b.Context(), duck.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	list := make([]any, 10_000)
	for i := range list {
		list[i] = person(i * 97 % n)[0]
	}
	for _, e := range []struct {
		name string
		s    warehouse.Store
	}{{"click", open(b, server(b), nil)}, {"duck", d}} {
		var v string
		b.Run(e.name+"/load", func(b *testing.B) {
			for b.Loop() {
				l, err := e.s.Load(b.Context(), personSpec, func(yield func(warehouse.Row, error) bool) {
					for i := range n {
						if !yield(warehouse.Row{Values: person(i)}, nil) {
							return
						}
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				v = l.ID
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(e.name+"/get", func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				at := time.Now()
				if rows, err := warehouse.Get(b.Context(), e.s, v, person(i * 7919 % n)[0]); err != nil || len(rows) != 1 {
					b.Fatal(rows, err)
				}
				took = append(took, time.Since(at))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
		b.Run(e.name+"/match", func(b *testing.B) {
			for b.Loop() {
				found := 0
				rows, err := e.s.Match(b.Context(), warehouse.Matching{From: v, Column: "列0", Keys: list, Select: []string{"列1", "列2", "列4"}})
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range rows {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
				if found != len(list) {
					b.Fatal(found)
				}
			}
		})
	}
}
