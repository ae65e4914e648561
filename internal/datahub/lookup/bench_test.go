package lookup_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
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

const benchRows = 200_000

func benchID(i int) string { return fmt.Sprintf("4201991985%07dX", i) }

func benchFeed(yield func(warehouse.Row, error) bool) {
	for i := range benchRows {
		if !yield(warehouse.Row{Values: []any{benchID(i), "张三", "13800005678", warehouse.Decimal("1.00")}}, nil) {
			return
		}
	}
}

// BenchmarkFind looks up records of a dataset of 200 000 rows through the whole chain of handlers, on SQLite, as 50 people
// at once: the right, the record, the ledger and the audit on disk. It reports looks a second and the 99th percentile.
func BenchmarkFind(b *testing.B) {
	handler, id := benchHouse(b)
	var n atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(25)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			i := int(n.Add(7919))
			q := httptest.NewRequest("POST", "/api/lookup/find", strings.NewReader(ask(id, benchID(i%benchRows), why)))
			q.Header.Set("Content-Type", "application/json")
			q.Header.Set("X-Person", strconv.Itoa(i%5000))
			w := httptest.NewRecorder()
			at := time.Now()
			handler.ServeHTTP(w, q)
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

func benchHouse(b *testing.B) (http.Handler, string) {
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
	loaded, err := wh.Load(b.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(columns)}, iter.Seq2[warehouse.Row, error](benchFeed))
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
