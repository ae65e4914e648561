package series_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

var templates = &storetest.Templates{Migrate: func(context.Context, *store.DB) error { return nil }}

// noon is the end of May by the district's clock, so that the tests cross a month.
var noon = time.Date(2023, 5, 31, 23, 30, 0, 0, time.FixedZone("+08:00", 8*3600))

type world struct {
	*series.Store
	db  *store.DB
	dir string
	mu  sync.Mutex
	at  time.Time
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }
func (w *world) move(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{db: db, dir: t.TempDir(), at: noon}
		w.open(t)
		fn(t, w)
	})
}

func (w *world) open(t *testing.T) {
	w.Store = series.Open(series.Options{Rows: w.db, Dir: w.dir, Now: w.now})
	s := w.Store
	t.Cleanup(func() { s.Close() })
}

func (w *world) roll(t *testing.T) {
	t.Helper()
	if _, err := w.Roll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) put(t *testing.T, xs ...series.Sample) {
	t.Helper()
	if err := w.Append(t.Context(), xs); err != nil {
		t.Fatal(err)
	}
}

// model is what rollups must say, reckoned plainly from samples.
func model(xs []series.Sample, l series.Level) map[int64][]series.Sample {
	out := map[int64][]series.Sample{}
	for _, x := range xs {
		at := x.At.Add(8 * time.Hour).Truncate(l.Width()).Add(-8 * time.Hour)
		out[at.UnixMicro()] = append(out[at.UnixMicro()], x)
	}
	return out
}

// Whatever comes in which order, twice or late, rolled or not: buckets say what the samples say, and quantiles are as near as stated.
func TestBucketsAreThoseOfTheSamples(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := rand.New(rand.NewPCG(1, 2))
		kept := map[int64]series.Sample{}
		for round := range 6 {
			var xs []series.Sample
			for range 150 {
				x := series.Sample{Series: 7, At: noon.Add(-2*time.Hour + time.Duration(r.IntN(4*3600))*time.Second), Value: math.Round(r.NormFloat64()*1000) / 10}
				if r.IntN(5) == 0 {
					x.Value = 0
				}
				xs = append(xs, x)
				if _, twice := kept[x.At.UnixMicro()]; !twice {
					kept[x.At.UnixMicro()] = x
				}
			}
			w.put(t, xs...)
			w.put(t, xs[:20]...) // again
			w.put(t, series.Sample{Series: 8, At: noon, Value: 1})
			if round%2 == 0 {
				w.move(30 * time.Minute)
				w.roll(t)
			}
			var all []series.Sample
			for _, x := range kept {
				all = append(all, x)
			}
			compare(t, w, all)
		}
		w.move(10 * time.Hour)
		w.roll(t)
		if n, err := w.Roll(t.Context()); n != 0 || err != nil {
			t.Errorf("rolled again: %d, %v", n, err)
		}
		months, err := w.Months(t.Context())
		if err != nil || !slices.Equal(months, []string{"202305", "202306"}) {
			t.Errorf("months %v, %v", months, err)
		}
	})
}

func compare(t *testing.T, w *world, all []series.Sample) {
	t.Helper()
	for _, l := range []series.Level{series.Minute, series.Hour, series.Day} {
		want := model(all, l)
		got, err := w.Buckets(t.Context(), l, 7, noon.Add(-48*time.Hour), noon.Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("level %d: %d buckets, want %d", l, len(got), len(want))
		}
		for _, b := range got {
			xs := want[b.At.UnixMicro()]
			if int64(len(xs)) != b.N {
				t.Fatalf("level %d at %s: %d samples, want %d", l, b.At, b.N, len(xs))
			}
			slices.SortFunc(xs, func(a, b series.Sample) int { return a.At.Compare(b.At) })
			var values []float64
			sum := 0.0
			for _, x := range xs {
				values, sum = append(values, x.Value), sum+x.Value
			}
			slices.Sort(values)
			if b.Least != values[0] || b.Most != values[len(values)-1] || b.Last != xs[len(xs)-1].Value || math.Abs(b.Sum-sum) > 1e-6 {
				t.Fatalf("level %d at %s: %+v, want %v", l, b.At, b, values)
			}
			for _, q := range []float64{0, 0.5, 0.95, 1} {
				rank := q * float64(len(values)-1) // between two samples either will do
				low, high := values[int(math.Floor(rank))], values[int(math.Ceil(rank))]
				near := func(v, want float64) bool { return math.Abs(v-want) <= series.Accuracy*math.Abs(want)+1e-9 }
				if v := b.Quantile(q); !near(v, low) && !near(v, high) {
					t.Fatalf("level %d at %s: quantile %v is %v, want %v or %v of %v", l, b.At, q, v, low, high, values)
				}
			}
		}
	}
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, x := range map[string]series.Sample{
			"series.not_a_number": {Series: 1, At: noon, Value: math.NaN()},
			"series.year":         {Series: 1, At: time.Unix(0, 0), Value: 1},
		} {
			if err := w.Append(t.Context(), []series.Sample{{Series: 1, At: noon, Value: 3}, x}); errs.KeyOf(err) != name {
				t.Errorf("%s: %v", name, err)
			}
		}
		if xs, err := w.Samples(t.Context(), 1, noon.Add(-time.Hour), noon.Add(time.Hour), 0); len(xs) != 0 || err != nil {
			t.Errorf("a call that was refused left %v, %v", xs, err)
		}
		w.put(t, series.Sample{Series: 1, At: noon, Value: 900, Flag: series.Odd}, series.Sample{Series: 1, At: noon.Add(time.Second), Value: 3})
		bs, err := w.Buckets(t.Context(), series.Minute, 1, noon, noon.Add(time.Minute))
		if err != nil || len(bs) != 1 || bs[0].Most != 3 {
			t.Errorf("an odd sample is kept and left out of rollups: %+v, %v", bs, err)
		}
	})
}

// What is acknowledged is there after the store is opened anew, marked minutes included.
func TestOpenedAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				for i := range 25 {
					if err := w.Append(context.Background(), []series.Sample{{Series: int64(n), At: noon.Add(time.Duration(i) * time.Second), Value: float64(i)}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.Close()
		if err := w.Append(t.Context(), []series.Sample{{Series: 1, At: noon, Value: 1}}); errs.KeyOf(err) != "series.closed" {
			t.Errorf("closed: %v", err)
		}
		w.open(t)
		w.move(time.Hour)
		w.roll(t)
		for n := range 20 {
			bs, err := w.Buckets(t.Context(), series.Hour, int64(n), noon.Add(-time.Hour), noon.Add(time.Hour))
			if err != nil || len(bs) != 1 || bs[0].N != 25 {
				t.Fatalf("%d: %+v, %v", n, bs, err)
			}
		}
	})
}

// A month whose samples are no longer kept has its rollups; what comes late for it is refused in words.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 100 {
			w.put(t, series.Sample{Series: 1, At: noon.Add(time.Duration(i) * time.Minute), Value: float64(i)})
		}
		june := noon.AddDate(0, 0, 1)
		w.move(30 * 24 * time.Hour)
		if err := w.Forget(t.Context(), june, noon.AddDate(0, -3, 0)); err != nil {
			t.Fatal(err)
		}
		if xs, err := w.Samples(t.Context(), 1, noon.Add(-time.Hour), noon.Add(30*time.Minute), 0); len(xs) != 0 || err != nil {
			t.Errorf("samples of May: %d, %v", len(xs), err)
		}
		if err := w.Append(t.Context(), []series.Sample{{Series: 1, At: noon, Value: 1}}); errs.KeyOf(err) != "series.too_old" {
			t.Errorf("late for May: %v", err)
		}
		l, bs, err := w.Chart(t.Context(), 1, noon.Add(-time.Hour), noon.Add(2*time.Hour), 400)
		n := int64(0)
		for _, b := range bs {
			n += b.N
		}
		if err != nil || l != series.Minute || n != 100 {
			t.Errorf("chart over both months: level %d, %d samples, %v", l, n, err)
		}
		if err := w.Forget(t.Context(), june, june); err != nil {
			t.Fatal(err)
		}
		if months, err := w.Months(t.Context()); err != nil || fmt.Sprint(months) != "[202306]" {
			t.Errorf("months %v, %v", months, err)
		}
	})
}

// A chart is about as many points as it is wide, whatever it spans.
func TestChart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var xs []series.Sample
		for i := range 4000 {
			xs = append(xs, series.Sample{Series: 1, At: noon.Add(time.Duration(-i) * 5 * time.Minute), Value: float64(i % 50)})
		}
		w.put(t, xs...)
		w.roll(t)
		for _, c := range []struct {
			span  time.Duration
			width int
			level series.Level
		}{{time.Hour, 600, series.Raw}, {36 * time.Hour, 600, series.Raw}, {14 * 24 * time.Hour, 600, series.Hour}, {12 * 30 * 24 * time.Hour, 600, series.Day}} {
			l, bs, err := w.Chart(t.Context(), 1, noon.Add(-c.span), noon, c.width)
			if err != nil || l != c.level || len(bs) == 0 || len(bs) > 2*c.width {
				t.Errorf("%s: level %d, %d points, %v", c.span, l, len(bs), err)
			}
		}
	})
}

// A snapshot of an embedded installation is whole, and goes into another store, rollups of months without samples too.
func TestMovesIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := noon.AddDate(0, 0, 40)
		from := series.Open(series.Options{Dir: t.TempDir(), Now: func() time.Time { return at }})
		defer from.Close()
		for i := range 90 {
			if err := from.Append(t.Context(), []series.Sample{{Series: 1, At: noon.Add(time.Duration(i) * time.Minute), Value: float64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := from.Forget(t.Context(), noon.AddDate(0, 0, 1), noon.AddDate(-1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if n, err := from.Snapshot(t.Context(), dir); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		w.put(t, series.Sample{Series: 1, At: noon.Add(31 * time.Minute), Value: 31})
		for range 2 { // broken off and run again
			if _, err := w.Take(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []*series.Store{from, w.Store} {
			bs, err := s.Buckets(t.Context(), series.Hour, 1, noon.Add(-time.Hour), noon.Add(3*time.Hour))
			n, sum := int64(0), 0.0
			for _, b := range bs {
				n, sum = n+b.N, sum+b.Sum
			}
			if err != nil || n != 90 || sum != 89*90/2 {
				t.Errorf("%d samples of %v, %v", n, sum, err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := series.Open(series.Options{Dir: b.TempDir()})
	defer s.Close()
	var at int64
	var mu sync.Mutex
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			at++
			n := at
			mu.Unlock()
			if err := s.Append(context.Background(), []series.Sample{{Series: n % 1000, At: noon.Add(time.Duration(n) * time.Millisecond), Value: float64(n)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
