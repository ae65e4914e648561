package sealed_test

import (
	"fmt"
	"iter"
	"os"
	"strconv"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
)

// BenchmarkBeside loads a table of twelve columns, two of them identifiers, and holds a list against it, plain and sealed in
// turn on one engine: QUSHU_ROWS=300000 go test -bench Beside -benchtime 3x ./internal/base/warehouse/sealed
func BenchmarkBeside(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("QUSHU_ROWS"))
	if n == 0 {
		n = 20_000
	}
	h := embedded(b)
	spec := func(keep warehouse.Keep) warehouse.Spec {
		s := people(keep)
		for i := range 8 {
			s.Columns = append(s.Columns, text(fmt.Sprint("c", i), "", warehouse.Plain, false))
		}
		return s
	}
	var wide iter.Seq2[warehouse.Row, error] = func(yield func(warehouse.Row, error) bool) {
		values := make([]any, 12)
		for i := range n {
			values[0], values[1], values[2], values[3] = number(i), mobile(i), "张三", int64(i)
			for j := range 8 {
				values[4+j] = strconv.Itoa(i % (1000 * (j + 1)))
			}
			if !yield(warehouse.Row{Values: values}, nil) {
				return
			}
		}
	}
	keys := make([]any, n/70) // as 345 000 of 24 million
	for i := range keys {
		keys[i] = number(i * 70)
	}
	took := map[string]time.Duration{}
	least := func(what string, fn func()) {
		at := time.Now()
		fn()
		if d := time.Since(at); took[what] == 0 || d < took[what] {
			took[what] = d
		}
	}
	for b.Loop() {
		for name, keep := range map[string]warehouse.Keep{"plain": warehouse.Plain, "sealed": warehouse.Sealed} {
			var v warehouse.Version
			least(name+"-load", func() { v = load(b, h, spec(keep), wide) })
			least(name+"-match", func() {
				found, err := h.Match(b.Context(), warehouse.Matching{From: v.ID, Column: "sfzh", Keys: keys, Select: []string{"sjh", "xm", "c0", "c1"}})
				if err != nil {
					b.Fatal(err)
				}
				all := 0
				for _, err := range found {
					if err != nil {
						b.Fatal(err)
					}
					all++
				}
				if all != len(keys) {
					b.Fatal(all)
				}
			})
			least(name+"-look", func() {
				for i := range 100 {
					if _, err := warehouse.Get(b.Context(), h, v.ID, number(i*9)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(v.Bytes)/float64(n), name+"-bytes/row")
			if err := h.Drop(b.Context(), v.ID); err != nil {
				b.Fatal(err)
			}
		}
	}
	for what, d := range took {
		b.ReportMetric(float64(d.Microseconds())/1000, what+"-ms")
	}
}
