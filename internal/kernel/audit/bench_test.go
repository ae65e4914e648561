package audit_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// benchDB opens a migrated database with a business table, on PostgreSQL when QUSHU_TEST_POSTGRES names one.
func benchDB(b *testing.B, engine store.Engine) *store.DB {
	b.Helper()
	dbURL := ""
	if engine == store.Postgres {
		at := os.Getenv("QUSHU_TEST_POSTGRES")
		if at == "" {
			b.Skip("QUSHU_TEST_POSTGRES names no server")
		}
		admin, err := sql.Open("pgx", at)
		if err != nil {
			b.Fatal(err)
		}
		defer admin.Close()
		name := "qushu_b_" + id.New()
		if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
			b.Fatal(err)
		}
		u, err := url.Parse(at)
		if err != nil {
			b.Fatal(err)
		}
		u.Path = "/" + name
		dbURL = u.String()
	}
	db, err := store.Open(b.Context(), dbURL, filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := templates.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	if err := store.Exec(b.Context(), db, `CREATE TABLE audit_bench (id TEXT PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, at BIGINT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	if err := store.Exec(b.Context(), db, `CREATE INDEX audit_bench_unit ON audit_bench (unit, at)`); err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkWrite compares a write alone, with its record, and with its record while the service chains: the last
// includes chaining everything that was written. Each is the best of several rounds by turns, so that a busy machine
// troubles them alike. chain-% is what the third takes over the second, audit-% over the first; cpu-chain-% is the
// same in processor time of this process, which on SQLite is all there is; allcpu-chain-% counts the database server's too.
func BenchmarkWrite(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/writers=%d", engine, writers), func(b *testing.B) {
				db := benchDB(b, engine)
				ring, err := secret.Open(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				l := audit.NewLog(db, ring, nil, time.Now)
				const rounds = 8
				n := max(b.N/rounds, writers)
				var plain, recorded, chained best
				used, wal := serverCPU(b, db), walBytes(b, db)
				for _, m := range []*best{&plain, &recorded, &chained} {
					m.server, m.log = used, wal
				}
				b.ResetTimer()
				for range rounds {
					plain.run(func() { writing(b, db, nil, n, writers) })
					recorded.run(func() { writing(b, db, l, n, writers) })
					b.StopTimer()
					if _, err := l.Chain(b.Context()); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					chained.run(func() { serving(b, l, func() { writing(b, db, l, n, writers) }) })
				}
				per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
				b.ReportMetric(per(plain.wall), "µs/write")
				b.ReportMetric(per(recorded.wall), "µs/recorded")
				b.ReportMetric(per(chained.wall), "µs/chained")
				b.ReportMetric(100*(per(chained.wall)/per(recorded.wall)-1), "chain-%")
				b.ReportMetric(100*(per(chained.wall)/per(plain.wall)-1), "audit-%")
				b.ReportMetric(100*(per(chained.cpu)/per(recorded.cpu)-1), "cpu-chain-%")
				all := func(m best) float64 { return float64(m.total.Microseconds()) / float64(n*rounds) }
				b.ReportMetric(all(plain), "cpuµs/write")
				b.ReportMetric(all(recorded), "cpuµs/recorded")
				b.ReportMetric(all(chained), "cpuµs/chained")
				b.ReportMetric(100*(all(chained)/all(recorded)-1), "allcpu-chain-%")
				if engine == store.Postgres {
					b.ReportMetric(float64(recorded.logged)/float64(n*rounds), "wal-B/recorded")
					b.ReportMetric(float64(chained.logged)/float64(n*rounds), "wal-B/chained")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// best keeps the shortest of several runs.
type best struct {
	wall, cpu time.Duration
	total     time.Duration        // processor time of all runs, the database server's included
	logged    int64                // bytes of PostgreSQL's write-ahead log, of all runs
	server    func() time.Duration // processor time of the database server
	log       func() int64         // bytes of its log
}

func (m *best) run(fn func()) {
	logged, theirs := m.log(), m.server()
	began, used := time.Now(), cpu()
	fn()
	wall, spent := time.Since(began), cpu()-used
	m.total += spent + m.server() - theirs
	m.logged += m.log() - logged
	if m.wall == 0 || wall < m.wall {
		m.wall = wall
	}
	if m.cpu == 0 || spent < m.cpu {
		m.cpu = spent
	}
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU returns what reads the processor time of a PostgreSQL on this machine, with all its processes; of SQLite it is nothing.
func serverCPU(b *testing.B, db *store.DB) func() time.Duration {
	if db.Engine() == store.SQLite {
		return func() time.Duration { return 0 }
	}
	pid, err := store.Value[int](b.Context(), db, `SELECT pg_backend_pid()`)
	if err != nil {
		b.Fatal(err)
	}
	master := procStat(pid)[1]
	return func() time.Duration {
		ticks := int64(0)
		if s := procStat(int(master)); s != nil {
			ticks += s[14] + s[13] + s[12] + s[11]
		}
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range all {
			if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
				if s := procStat(pid); s != nil && s[1] == master {
					ticks += s[12] + s[11]
				}
			}
		}
		return time.Duration(ticks) * 10 * time.Millisecond
	}
}

// walBytes returns what reads how much PostgreSQL has written ahead: unlike time, no neighbour on the machine changes it.
func walBytes(b *testing.B, db *store.DB) func() int64 {
	return func() int64 {
		if db.Engine() == store.SQLite {
			return 0
		}
		n, err := store.Value[int64](b.Context(), db, `SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS BIGINT)`)
		if err != nil {
			b.Error(err)
		}
		return n
	}
}

// procStat returns the numbers behind the name in /proc/<pid>/stat: [1] is the parent, [11] … [14] are the processor times.
func procStat(pid int) []int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	var out []int64
	for _, f := range append([]string{"0"}, strings.Fields(rest)[1:]...) {
		n, _ := strconv.ParseInt(f, 10, 64)
		out = append(out, n)
	}
	return out
}

// serving runs fn while the service chains, and ends when everything is chained.
func serving(b *testing.B, l *audit.Log, fn func()) {
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- l.Room().Services[0].Run(ctx) }()
	fn()
	if _, err := l.Chain(b.Context()); err != nil {
		b.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// writing makes n writes, recorded when l is given.
func writing(b *testing.B, db *store.DB, l *audit.Log, n, writers int) {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	began := time.Now()
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				key := id.New()
				err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := store.Exec(ctx, tx, `INSERT INTO audit_bench (id, name, unit, at) VALUES ($1, $2, $3, $4)`, key, "洪山区某街道某社区", "unit-17", store.At(began)); err != nil {
						return err
					}
					if l == nil {
						return nil
					}
					return l.Record(ctx, tx, audit.Entry{Action: "visit.file", Object: "visit", ID: key, Title: "企业走访登记", Detail: map[string]any{"fields": []string{"note"}}})
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkChain is how fast a backlog is chained, and how long one transaction holds the writer at most.
func BenchmarkChain(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			db := benchDB(b, engine)
			ring, err := secret.Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			l := audit.NewLog(db, ring, nil, time.Now)
			for left := b.N; left > 0; left -= 1000 {
				err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
					for range min(left, 1000) {
						if err := l.Record(ctx, tx, audit.Entry{Action: "visit.file", Object: "visit", ID: "v1", Title: "企业走访登记", Detail: map[string]any{"fields": []string{"note"}}}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			used := cpu()
			b.ResetTimer()
			n, err := l.Chain(b.Context())
			if err != nil || n != b.N {
				b.Fatal(n, err)
			}
			took, used := b.Elapsed(), cpu()-used
			b.ReportMetric(float64(used.Microseconds())/float64(n), "cpu-µs/row")
			b.ReportMetric(float64(n)/took.Seconds(), "rows/s")
			b.ReportMetric(took.Seconds()*1000*512/float64(n), "ms/batch")
			b.StopTimer()
			began := time.Now()
			r, err := l.Verify(b.Context(), nil)
			if err != nil || !r.OK {
				b.Fatal(r, err)
			}
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), "verified/s")
		})
	}
}
