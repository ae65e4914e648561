package catalog

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/kerneltest"
)

// TestLarge measures, when QUSHU_BENCH_CATALOG says at how many published entries; it asserts nothing about time.
func TestLarge(t *testing.T) {
	most, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_CATALOG"))
	if err != nil {
		t.Skip("QUSHU_BENCH_CATALOG is not set")
	}
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			w := newTown(t, houses.Start(t, engine))
			say := func(format string, args ...any) { fmt.Printf("bench %s: %s\n", engine, fmt.Sprintf(format, args...)) }
			for n := range 253 {
				w.gather(fmt.Sprintf("t%d", n), fmt.Sprintf("登记表%d", n), "人社局", firms, []any{"A1", "制造"})
			}
			began := time.Now()
			var run RunBody
			w.Get(t, w.who["编目人社局"], "POST /api/catalog/drafts", `{"class":"3","item":"01","subject":"001","cycle":"monthly"}`, &run)
			run = w.ran("编目人社局", run.ID)
			say("%d tables drafted in %.1f s", run.Made, time.Since(began).Seconds())
			began = time.Now()
			w.fill(most)
			say("%d published entries made in %.0f s", most, time.Since(began).Seconds())
			for name, call := range map[string]string{
				"first page": "/api/catalog/entries?limit=20", "page of a filter": "/api/catalog/entries?share=conditional&node=203&limit=20", "page found by words": "/api/catalog/entries?text=%E7%99%BB%E8%AE%B07&limit=20",
				"facets": "/api/catalog/facets", "facets under a filter": "/api/catalog/facets?share=conditional", "figures": "/api/catalog/figures",
			} {
				say("%s at %d entries: p95 %s", name, most, p95(40, func() {
					if s, b := w.Call(t, kerneltest.Case{As: w.who["路人"], Call: "GET " + call}); s != http.StatusOK {
						t.Error(s, b)
					}
				}))
			}
		})
	}
}

// fill publishes entries below the doors.
func (w *town) fill(most int) {
	w.t.Helper()
	now := store.At(w.Now)
	for start := 0; start < most; start += 500 {
		err := w.Kit.DB.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for n := start; n < min(start+500, most); n++ {
				b := entry.Body{Class: strconv.Itoa(1 + n%3), Item: fmt.Sprintf("%02d", 1+n%5), Subject: "001", Name: fmt.Sprintf("洪山区登记%d信息", n), Unit: w.units[[]string{"人社局", "民政局", "数据中心"}[n%3]],
					Summary: "业务系统归集", Format: "database", Share: entry.Shares[n%3], Cycle: entry.Cycles[n%9], Items: []entry.Item{{Name: "登记号", Type: "C", Length: 20, Level: "L1"}, {Name: "行业", Type: "C", Length: 20, Level: "L2"}}}
				b.Tidy()
				e := &Entry{ID: id.New(), Code: fmt.Sprintf("%s/%06d", b.Classification(), n), State: Published, Serving: 1, Newest: 1, Owner: "p", OwnerName: "某", Changed: store.At(w.Now.Add(time.Duration(n) * time.Second)), At: now, Version: 1}
				e.wear(&b)
				if err := insertEntry(ctx, tx, e); err != nil {
					return err
				}
				if err := insertVersion(ctx, tx, &version{Entry: e.ID, Number: 1, State: "published", Body: store.JSON[entry.Body]{V: b}, At: now}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func p95(times int, fn func()) time.Duration {
	all := make([]time.Duration, times)
	for i := range all {
		at := time.Now()
		fn()
		all[i] = time.Since(at)
	}
	slices.Sort(all)
	return all[len(all)*95/100].Round(100 * time.Microsecond)
}
