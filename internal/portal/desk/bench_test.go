package desk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/portal/desk"
	"qushu/internal/room"
)

// The bench district: 10 000 people in 200 units below one, a year's notices, half of them opened.
const (
	benchPeople  = 10_000
	benchUnits   = 200
	benchNotices = 2_000
)

func benchUnit(i int) string { return fmt.Sprintf("u%03d", i) }

// wide is town with many units, and with a closure in the database as org has one.
type wide struct{ town }

func (wide) Above(ctx context.Context, q store.Queryer, id string) ([]desk.Unit, error) {
	return store.All(ctx, q, func(u *desk.Unit) []any { return []any{&u.ID, &u.Name} },
		`SELECT unit, unit FROM bench_above WHERE below = $1 ORDER BY depth`, id)
}

// BenchmarkHome calls GET /api/desk through the whole chain of handlers, on SQLite, as different people and reports
// requests a second and the 99th percentile.
func BenchmarkHome(b *testing.B) {
	handler := benchHouse(b).Handler()
	var n atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			q := httptest.NewRequest("GET", "/api/desk", nil)
			q.Header.Set("X-Person", strconv.FormatInt(n.Add(7919)%benchPeople, 10))
			w := httptest.NewRecorder()
			at := time.Now()
			handler.ServeHTTP(w, q)
			mine = append(mine, time.Since(at))
			if w.Code != 200 {
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
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// benchHouse opens a house with the desk alone, filled below its doors.
func benchHouse(b *testing.B) *kernel.House {
	b.Helper()
	now := time.Date(2023, 6, 1, 9, 0, 0, 0, time.FixedZone("+08:00", 8*3600))
	ring, err := secret.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(b.Context(), "", filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring, Now: func() time.Time { return now }})
	p := ports()
	p.Units = wide{newTown()}
	auth := func(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
		i, err := strconv.Atoi(r.Header.Get("X-Person"))
		return room.Acting(r.Context(), &room.Actor{Person: fmt.Sprintf("p%05d", i), Unit: benchUnit(i % benchUnits),
			Grants: map[string][]room.Grant{"desk.read": {{Scope: room.All}}}}), err
	}
	h, err := kernel.Open(kit, []*room.Room{desk.New(kit, p)}, kernel.Options{Web: web.Options{Authenticate: auth}})
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error { return benchFill(ctx, tx, now) }); err != nil {
		b.Fatal(err)
	}
	return h
}

// benchFill makes a notice every four hours: a quarter to everybody, the others to one unit; every person has opened half
// of what reaches him.
func benchFill(ctx context.Context, tx *store.Tx, now time.Time) error {
	exec := func(q string, args ...any) error { return store.Exec(ctx, tx, q, args...) }
	if err := exec(`CREATE TABLE bench_above (below TEXT, unit TEXT, depth BIGINT, PRIMARY KEY (below, depth))`); err != nil {
		return err
	}
	for i := range benchUnits {
		for depth, u := range []string{benchUnit(i), "bureau", "district"} {
			if err := exec(`INSERT INTO bench_above (below, unit, depth) VALUES ($1, $2, $3)`, benchUnit(i), u, depth); err != nil {
				return err
			}
		}
	}
	for i := range benchNotices {
		id, at, unit := fmt.Sprintf("n%05d", i), store.At(now.Add(-time.Duration(i)*4*time.Hour)), benchUnit(i%benchUnits)
		if i%4 == 0 {
			unit = ""
		}
		if err := exec(`INSERT INTO desk_notice (id, title, body, unit_id, unit_name, street, owner, owner_name, published_at, asked_at, must_read, version)
			VALUES ($1, $2, '正文', 'd', '洪山区', '', 'p', '张三', $3, $4, $5, 1)`, id, "关于做好第"+id+"号工作的通知", at, at, i%3 == 0); err != nil {
			return err
		}
		if err := exec(`INSERT INTO desk_notice_unit (notice_id, unit_id, at, must_read, asked_at, pinned_until, live) VALUES ($1, $2, $3, $4, $5, 0, TRUE)`, id, unit, at, i%3 == 0, at); err != nil {
			return err
		}
	}
	return exec(`INSERT INTO desk_receipt (notice_id, person_id, seen_at) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
		SELECT d.id, 'p' || substr('0000' || CAST(n.i AS TEXT), length(CAST(n.i AS TEXT)), 5), d.published_at FROM n, desk_notice d
		JOIN desk_notice_unit u ON u.notice_id = d.id WHERE u.unit_id = '' AND n.i % 2 = 0 AND d.published_at > $1`, store.At(now.Add(-90*24*time.Hour)))
}
