package lookup_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/web"
	"qushu/internal/datahub/lookup"
	"qushu/internal/kernel"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

func benchID(i int) string { return fmt.Sprintf("420199198%08dX", i) }

func benchFeed(rows int) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for i := range rows {
			if !yield(warehouse.Row{Values: []any{benchID(i), "张三", "13800005678", warehouse.Decimal("1.00")}}, nil) {
				return
			}
		}
	}
}

// TestMillion measures, when QUSHU_BENCH_ROWS says in how many records: looks are asked for at a steady 1000 a second, and each
// is timed from the moment it was due, so that waiting counts. It asserts nothing about time.
func TestMillion(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_ROWS"))
	if err != nil {
		t.Skip("QUSHU_BENCH_ROWS is not set")
	}
	handler, id := benchHouse(t, rows)
	const perSecond, seconds, warm = 1000, 20, 5
	took := make([]time.Duration, perSecond*(seconds+warm))
	var wg sync.WaitGroup
	began := time.Now()
	for i := range took {
		due := began.Add(time.Duration(i) * time.Second / perSecond)
		<-time.After(time.Until(due))
		wg.Go(func() {
			n := int(int64(i) * 7_368_787 % int64(rows))
			if w := benchAsk(handler, id, n, i%5000); w.Code != 200 || !strings.Contains(w.Body.String(), "138****5678") {
				t.Error(w.Code, w.Body)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	took = took[perSecond*warm:]
	slices.Sort(took)
	at := func(part int) time.Duration { return took[len(took)*part/1000].Round(10 * time.Microsecond) }
	fmt.Printf("bench lookup: point look-up by ID in %d records, 1000 a second through the handlers with right, ledger and audit: p50 %s, p99 %s, p99.9 %s\n", rows, at(500), at(990), at(999))
}

func benchAsk(h http.Handler, dataset string, n, person int) *httptest.ResponseRecorder {
	q := httptest.NewRequest("POST", "/api/lookup/find", strings.NewReader(ask(dataset, benchID(n), why)))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Person", strconv.Itoa(person))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// BenchmarkFind looks up records of a dataset of 200 000 rows through the whole chain of handlers, on SQLite, as 50 people
// at once: the right, the record, the ledger and the audit on disk. It reports looks a second and the 99th percentile.
func BenchmarkFind(b *testing.B) {
	const benchRows = 200_000
	handler, id := benchHouse(b, benchRows)
	var n atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(25)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			i := int(n.Add(7919))
			at := time.Now()
			w := benchAsk(handler, id, i%benchRows, i%5000)
			if mine = append(mine, time.Since(at)); w.Code != 200 || !strings.Contains(w.Body.String(), "138****5678") {
				b.Error(w.Code, w.Body)
				return
			}
		}
		mu.Lock()
		took = append(took, mine...)
		mu.Unlock()
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "looks/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func benchHouse(b testing.TB, rows int) (http.Handler, string) {
	ring, err := secret.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(b.Context(), "", filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	wh, err := duck.Open(b.Context(), duck.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { wh.Close(); db.Close() })
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring, Warehouse: wh})
	auth := func(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
		return room.Acting(r.Context(), kerneltest.Actor(r.Header.Get("X-Person"), "u2", room.Unit, "lookup.find")), nil
	}
	h, err := kernel.Open(kit, []*room.Room{lookup.New(kit, town{}, town{})}, kernel.Options{Web: web.Options{Authenticate: auth}})
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	loaded, err := wh.Load(b.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(columns)}, benchFeed(rows))
	if err != nil {
		b.Fatal(err)
	}
	var ds dataset.Dataset
	err = db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		if ds, err = kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: "people", Title: "人口", Unit: "u1", Columns: columns, Loaded: loaded.Version}); err != nil {
			return err
		}
		_, err := kit.Datasets.Grant(ctx, tx, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm", "sjh"}, Until: store.At(time.Now().Add(time.Hour))})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return h.Handler(), ds.ID
}
