package district

import (
	"io"
	"testing"
)

// BenchmarkPopulation writes rows of the population as CSV and reports rows a second.
func BenchmarkPopulation(b *testing.B) {
	for _, as := range []Encoding{UTF8, GB18030} {
		b.Run(string(as), func(b *testing.B) {
			p, err := NewPopulation(Options{Rows: b.N, Seed: 1, Flaws: 0.01})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if err := WriteCSV(io.Discard, p.All(), as); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
