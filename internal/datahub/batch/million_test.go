package batch_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/jackc/pgx/v5"

	"qushu/internal/base/blob"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/web"
	"qushu/internal/datahub/batch"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// measured has the twelve columns of a big table.
var measured = append(append([]dataset.Column{}, columns...),
	dataset.Column{Name: "xb", Title: "性别", Type: warehouse.Type{Kind: warehouse.KindText}, Level: dataset.L2},
	dataset.Column{Name: "csrq", Title: "出生日期", Type: warehouse.Type{Kind: warehouse.KindDate}, Kind: codes.KindBirth, Level: dataset.L3, Masked: true},
	dataset.Column{Name: "dz", Title: "住址", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindAddress, Level: dataset.L3, Masked: true},
	dataset.Column{Name: "sq", Title: "社区", Type: warehouse.Type{Kind: warehouse.KindText}, Level: dataset.L2},
	dataset.Column{Name: "zt", Title: "参保状态", Type: warehouse.Type{Kind: warehouse.KindText}, Level: dataset.L2},
	dataset.Column{Name: "jfje", Title: "缴费金额", Type: warehouse.DecimalType(18, 2), Level: dataset.L2},
	dataset.Column{Name: "gxsj", Title: "更新时间", Type: warehouse.Type{Kind: warehouse.KindDatetime}, Level: dataset.L2})

func measuredRow(i int) []any {
	id := codes.Fictional(i)
	return []any{id, "张某" + strconv.Itoa(i%1000), fmt.Sprintf("138%08d", i%100_000_000), []string{"关山街道", "珞南街道", "梨园街道"}[i%3], warehouse.Date("2020-03-01"),
		[]string{"男", "女"}[i%2], warehouse.Date(id[6:10] + "-" + id[10:12] + "-" + id[12:14]), "武汉市洪山区书城路" + strconv.Itoa(i%5000) + "号", "第" + strconv.Itoa(i%327) + "社区", []string{"正常参保", "暂停参保"}[i%7/6],
		warehouse.Decimal(strconv.Itoa(i%400) + ".50"), time.Date(2023, 5, 1, 8, i%60, 0, 0, time.UTC)}
}

// TestMillion measures, when QUSHU_BENCH_ROWS says against how many records and QUSHU_BENCH_IDS with how many numbers; it
// asserts nothing about time. bench/ runs it and writes what it prints into docs/benchmarks.md. Under
// scripts/with-postgres the bare match of PostgreSQL is measured too.
func TestMillion(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_ROWS"))
	if err != nil {
		t.Skip("QUSHU_BENCH_ROWS is not set")
	}
	ids, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_IDS"))
	if err != nil {
		t.Fatal("QUSHU_BENCH_IDS is not set")
	}
	say := func(format string, args ...any) { fmt.Printf("bench batch: %s\n", fmt.Sprintf(format, args...)) }
	b := newBench(t, rows)
	say("%d records of %d columns loaded in %.0f s", rows, len(measured), b.loaded.Seconds())
	list := benchList(rows, ids)
	for range 3 {
		b.measure(say, list, ids)
	}
	bare := b.bare(t, rows, ids)
	say("the engine's own join and CSV, %d numbers: %s", ids, bare.Round(time.Millisecond))
	if url := os.Getenv("QUSHU_TEST_POSTGRES"); url != "" {
		say("PostgreSQL's own match and CSV, %d numbers: %s", ids, postgres(t, url, rows, ids).Round(time.Millisecond))
	}
}

// benchList is a list of as many numbers, every tenth of them in no record.
func benchList(rows, ids int) string {
	var s strings.Builder
	s.WriteString("序号,身份证号\r\n")
	for i := range ids {
		fmt.Fprintf(&s, "%d,%s\r\n", i+1, codes.Fictional(asked(i, rows, ids)))
	}
	return s.String()
}

func asked(i, rows, ids int) int {
	if i%10 == 9 {
		return rows + i // nobody
	}
	return int(int64(i) * int64(rows) / int64(ids))
}

type bench struct {
	t       *testing.T
	kit     *kernel.Kit
	wh      *duck.Store
	dir     string
	url     string
	ds      dataset.Dataset
	loaded  time.Duration
	house   *kernel.House
	version string
}

func newBench(t *testing.T, rows int) *bench {
	b := &bench{t: t, dir: t.TempDir()}
	ring, err := secret.Open(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "", filepath.Join(b.dir, "q.db"))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.OpenURL(t.Context(), "", filepath.Join(b.dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if b.wh, err = duck.Open(t.Context(), duck.Options{Dir: filepath.Join(b.dir, "wh")}); err != nil {
		t.Fatal(err)
	}
	b.kit = kernel.NewKit(kernel.Base{DB: db, Ring: ring, Blobs: blobs, MaxUpload: 1 << 30, Warehouse: b.wh})
	auth := func(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
		return room.Acting(r.Context(), officer("li", "u2")), nil
	}
	b.house, err = kernel.Open(b.kit, []*room.Room{batch.New(b.kit, town{}, book, book)}, kernel.Options{Work: true, Web: web.Options{Authenticate: auth}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.house.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.house.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b.house.Handler())
	b.url = srv.URL
	t.Cleanup(func() { srv.Close(); b.house.Stop(context.Background()); b.wh.Close(); db.Close() })
	b.load(rows)
	return b
}

func (b *bench) load(rows int) {
	began := time.Now()
	feed := iter.Seq2[warehouse.Row, error](func(yield func(warehouse.Row, error) bool) {
		for i := range rows {
			if !yield(warehouse.Row{Values: measuredRow(i)}, nil) {
				return
			}
		}
	})
	loaded, err := b.wh.Load(b.t.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(measured), OnDuplicate: warehouse.KeepAll}, feed)
	if err != nil {
		b.t.Fatal(err)
	}
	b.loaded, b.version = time.Since(began), loaded.ID
	err = b.kit.DB.Tx(b.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if b.ds, err = b.kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: "people", Title: "参保人口", Unit: "u1", Columns: measured, Loaded: loaded.Version}); err != nil {
			return err
		}
		var names []string
		for _, c := range measured {
			names = append(names, c.Name)
		}
		_, err := b.kit.Datasets.Grant(ctx, tx, b.ds, dataset.Grant{Unit: "u2", Columns: names, Modes: []dataset.Mode{dataset.Batch}, Until: store.At(time.Now().Add(time.Hour))})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) call(method, path, body string, out any) []byte {
	b.t.Helper()
	q, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode >= 300 {
		b.t.Fatal(path, r.StatusCode, string(got[:min(len(got), 500)]), err)
	}
	decode(b.t, got, out)
	return got
}

// measure runs one list the whole way and says what each part took.
func (b *bench) measure(say func(string, ...any), list string, ids int) {
	var up, f struct{ ID string }
	var r run
	began := time.Now()
	b.call("POST", "/api/file/uploads", fmt.Sprintf(`{"name":"名单.csv","size":%d}`, len(list)), &up)
	for at := 0; at < len(list); at += 8 << 20 {
		b.call("PUT", fmt.Sprintf("/api/file/uploads/%s?offset=%d", up.ID, at), list[at:min(len(list), at+8<<20)], nil)
	}
	b.call("POST", "/api/file/uploads/"+up.ID+"/done", "{}", &f)
	uploaded := time.Since(began)
	began = time.Now()
	b.call("POST", "/api/batch/runs", fmt.Sprintf(`{"fileId":%q,"dataset":%q,"purpose":%q,"basis":%q}`, f.ID, b.ds.ID, purpose, basis), &r)
	checked := time.Since(began)
	var names []string
	for _, c := range measured[1:] {
		names = append(names, strconv.Quote(c.Name))
	}
	b.call("PUT", "/api/batch/runs/"+r.ID, fmt.Sprintf(`{"at":1,"key":"sfzh","mode":"fields","columns":[%s],"purpose":%q,"basis":%q,"version":%d}`, strings.Join(names, ","), purpose, basis, r.Version), &r)
	began = time.Now()
	b.call("POST", "/api/batch/runs/"+r.ID+"/start", fmt.Sprintf(`{"version":%d}`, r.Version), nil)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for r.State != "done" {
		<-tick.C
		if b.call("GET", "/api/batch/runs/"+r.ID, "", &r); r.State == "failed" {
			b.t.Fatal(r.Error)
		}
	}
	ran := time.Since(began)
	began = time.Now()
	var c copied
	b.call("POST", "/api/batch/runs/"+r.ID+"/copies", `{"format":"csv"}`, &c)
	zip := b.call("GET", c.Link, "", nil)
	fetched := time.Since(began)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	say("%d numbers, %d found: upload %s, check %s, run (read, check, match, mask, ledger, seal) %s, sealed CSV fetched (%d MB) %s; run + fetch %s; process %d MB",
		ids, r.Hits, uploaded.Round(time.Millisecond), checked.Round(time.Millisecond), ran.Round(time.Millisecond), len(zip)>>20, fetched.Round(time.Millisecond), (ran + fetched).Round(time.Millisecond), resident()>>20)
}

// resident is the most memory the process has held.
func resident() int64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// bare is the engine alone on the same file: the keys appended to a temporary table, the join by the key's integer, the
// answer written as CSV by the engine itself.
func (b *bench) bare(t *testing.T, rows, ids int) time.Duration {
	if err := b.wh.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := duckdb.NewConnector(filepath.Join(b.dir, "wh", "warehouse.duckdb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	best := time.Hour
	for range 3 {
		began := time.Now()
		if _, err := conn.ExecContext(t.Context(), "CREATE OR REPLACE TEMP TABLE l (n BIGINT, k BIGINT, v VARCHAR)"); err != nil {
			t.Fatal(err)
		}
		err = conn.Raw(func(dc any) error {
			a, err := duckdb.NewAppender(dc.(driver.Conn), "temp", "main", "l")
			if err != nil {
				return err
			}
			for i := range ids {
				id := codes.Fictional(asked(i, rows, ids))
				if err := a.AppendRow(int64(i), warehouse.KeyHash([]any{id}), id); err != nil {
					return err
				}
			}
			return a.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), fmt.Sprintf("COPY (SELECT l.n, s.* EXCLUDE (_k) FROM l JOIN t_%s s ON s._k = l.k AND s.c0 = l.v ORDER BY l.n) TO '%s' (FORMAT csv, HEADER)", b.version, filepath.Join(t.TempDir(), "x.csv"))); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	return best
}

// postgres is PostgreSQL alone: the table with its primary key, the list copied to a temporary table, the join copied out.
func postgres(t *testing.T, url string, rows, ids int) time.Duration {
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	exec := func(q string) {
		if _, err := conn.Exec(ctx, q); err != nil {
			t.Fatal(q, err)
		}
	}
	var names, types []string
	for i := range measured {
		names, types = append(names, fmt.Sprintf("c%d", i)), append(types, fmt.Sprintf("c%d text", i))
	}
	exec("DROP TABLE IF EXISTS bench_people")
	exec("CREATE UNLOGGED TABLE bench_people (" + strings.Join(types, ", ") + ")")
	defer exec("DROP TABLE bench_people")
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"bench_people"}, names, pgx.CopyFromSlice(rows, func(i int) ([]any, error) {
		row := measuredRow(i)
		for j, v := range row {
			row[j] = warehouse.Format(v)
		}
		return row, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	exec("ALTER TABLE bench_people ADD PRIMARY KEY (c0)")
	exec("VACUUM ANALYZE bench_people")
	best := time.Hour
	for range 3 {
		began := time.Now()
		exec("DROP TABLE IF EXISTS l")
		exec("CREATE TEMP TABLE l (n bigint, v text)")
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"l"}, []string{"n", "v"}, pgx.CopyFromSlice(ids, func(i int) ([]any, error) { return []any{int64(i), codes.Fictional(asked(i, rows, ids))}, nil })); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.PgConn().CopyTo(ctx, io.Discard, "COPY (SELECT l.n, p.* FROM l JOIN bench_people p ON p.c0 = l.v ORDER BY l.n) TO STDOUT (FORMAT csv)"); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	return best
}
