// Command bench measures what the project promises and writes docs/benchmarks.md. Figures with a peer
// are ratios of one run; the others name the machine. `make bench` builds the program first.
package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qushu/internal/base/store"
)

type row struct{ what, target, measured, command string }

func main() {
	log.SetFlags(0)
	most, many := cmp.Or(os.Getenv("QUSHU_BENCH_CASES"), "1000000"), cmp.Or(os.Getenv("QUSHU_BENCH_ROWS"), "24000000")
	check(errors.Join(os.Unsetenv("QUSHU_BENCH_CASES"), os.Unsetenv("QUSHU_BENCH_ROWS"))) // the program refuses what it does not know
	dir, err := os.MkdirTemp("", "qushu-bench-")
	check(err)
	defer os.RemoveAll(dir)
	var rows []row
	began := busy()
	add := func(what, target, measured, command string) {
		rows = append(rows, row{what, target, measured, command})
		log.Printf("%-60s %-22s %s", what, target, measured)
	}
	data := filepath.Join(dir, "demo")
	out := demo(data)
	add("demo district, 10 000 people, 200 000 rows and a year of 500 cases, whole", "≤ 60 s, ≤ 300 MB", fmt.Sprintf("%s s, %s MB", find(out, `ready \((\d+) s\)`), megabytes(data)), "qushu demo")
	add("import of 718 units and 10 000 people from XLSX (10 089 posts)", "< 5 s", find(out, `units and people\s+([\d.]+) s`)+" s", "qushu demo, step “units and people”")
	add("population table: write, upload, check and load 200 000 × 14 from GB18030 CSV", "", find(out, `population table\s+([\d.]+) s`)+" s", "qushu demo, step “the population table”")
	add("a year of 500 cases, 11 months of it: filed and handled over HTTP one after the other", "", find(out, `a year of cases\s+([\d.]+) s`)+" s", "qushu demo, step “a year of cases”")
	serveFigures(data, find(out, `chengguan\.staff\s+(\S+)`), add)
	commits(dir, add)
	goBench(add, "./internal/kernel/audit", "BenchmarkWrite", "48000x", "cost of chaining, of a recorded write (both engines durable: every commit is on disk)", "< 15 %")
	goBench(add, "./internal/base/warehouse/duck", "BenchmarkGet", "2s", "point look-up in 1 000 000 rows against bare DuckDB SQL", "")
	goBench(add, "./internal/kernel/identity", "BenchmarkAuthenticate", "2s", "authenticating one request (session and rights)", "< 0.3 ms")
	goBench(add, "./internal/apps/iot", "BenchmarkPersisted", "20000x", "points kept by MQTT with QoS 1, ten in a message, 40 devices; beside it the same broker that keeps nothing", "≥ 20 000 points/s")
	cases(add, most)
	dataFigures(add, many)
	add("first load of the workbench, gzip", "≤ 250 KB", find(run("web", "npm", "run", "-s", "size"), `([\d.]+) KB gz\s+first load`)+" KB", "cd web && npm run size")
	check(os.WriteFile("docs/benchmarks.md", page(rows, began), 0o644))
}

// cases measures the engine of cases at a million closed ones, on both engines; QUSHU_BENCH_CASES names another number.
func cases(add func(what, target, measured, command string), most string) {
	said(add, "./internal/kernel/flow", "TestMillion", "QUSHU_BENCH_CASES="+most)
}

// dataFigures measures the data platform at 24 million records beside bare DuckDB and PostgreSQL; QUSHU_BENCH_ROWS names another number.
func dataFigures(add func(what, target, measured, command string), many string) {
	rows := "QUSHU_BENCH_ROWS=" + many
	said(add, "./internal/datahub/batch", "TestMillion", rows, "QUSHU_BENCH_IDS=345000")
	said(add, "./internal/datahub/lookup", "TestMillion", rows)
	said(add, "./internal/datahub/query", "TestDashboardsBesidePostgres", rows)
	said(add, "./internal/datahub/catalog", "TestLarge", "QUSHU_BENCH_CATALOG=10000")
	said(add, "./cmd/qushu", "TestDraftedDatabase", "QUSHU_BENCH_TABLES=253")
}

// said runs a test that measures and takes what it says in lines "bench <of>: <what>: <figures>".
func said(add func(what, target, measured, command string), pkg, test string, env ...string) {
	command := []string{"go", "test", "-count=1", "-timeout", "90m", "-v", "-run", test + "$", pkg}
	out := run(".", "env", append(slices.Clone(env), command...)...)
	for _, m := range regexp.MustCompile(`(?m)^bench (\w+): *(.+)$`).FindAllStringSubmatch(out, -1) {
		what, figures, _ := strings.Cut(m[2], ": ")
		add(what+" ("+m[1]+")", "", figures, strings.Join(append(slices.Clone(env), command...), " "))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

func run(dir, name string, args ...string) string {
	c := exec.Command(name, args...)
	c.Dir = dir
	b, err := c.CombinedOutput()
	if err != nil {
		log.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

func demo(data string) string { return run(".", "./bin/qushu", "demo", "--data", data) }

func find(text, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return "?"
}

func megabytes(dir string) string {
	var n int64
	check(filepath.Walk(dir, func(_ string, i os.FileInfo, err error) error {
		if err == nil {
			n += i.Size()
		}
		return err
	}))
	return strconv.FormatInt(n>>20, 10)
}

// serveFigures starts the program on the existing directory and asks it for the workbench.
func serveFigures(data, password string, add func(what, target, measured, command string)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	addr := l.Addr().String()
	check(l.Close())
	start := time.Now()
	c := exec.Command("./bin/qushu", "serve", "--data", data, "--listen", addr, "--set", "limits.rate_per_second=0")
	c.Stderr = os.Stderr
	check(c.Start())
	defer func() { c.Process.Signal(os.Interrupt); c.Wait() }()
	base := "http://" + addr
	for {
		r, err := http.Get(base + "/")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == 200 {
				break
			}
		}
		if time.Since(start) > 30*time.Second {
			log.Fatal("bench: the server does not answer")
		}
		time.Sleep(5 * time.Millisecond)
	}
	add("serve on an existing directory: process start to first page", "< 1 s", time.Since(start).Round(10*time.Millisecond).String(), "qushu serve")
	time.Sleep(5 * time.Second)
	add("memory when idle (resident)", "< 200 MB", resident(c.Process.Pid)+" MB", "qushu serve")
	jar, err := cookiejar.New(nil)
	check(err)
	h := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	body, _ := json.Marshal(map[string]string{"account": "chengguan.staff", "password": password})
	r, err := h.Post(base+"/api/identity/signin", "application/json", bytes.NewReader(body))
	check(err)
	if b, _ := io.ReadAll(r.Body); r.StatusCode != 200 {
		log.Fatalf("bench: sign-in: %s", b)
	}
	perSecond, p50, p99 := load(h, base+"/api/desk", 8, 10*time.Second)
	add("workbench API GET /api/desk, 8 clients on the same 2 cores", "≥ 1000/s, p99 < 50 ms", fmt.Sprintf("%.0f/s, p50 %.1f ms, p99 %.1f ms", perSecond, p50, p99), "go run ./bench")
	add("memory after that", "", resident(c.Process.Pid)+" MB", "")
}

func resident(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(err)
	kb, _ := strconv.Atoi(find(string(b), `VmRSS:\s+(\d+) kB`))
	return strconv.Itoa(kb >> 10)
}

func load(h *http.Client, url string, clients int, d time.Duration) (perSecond, p50, p99 float64) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var mu sync.Mutex
	var took []float64
	var wg sync.WaitGroup
	start := time.Now()
	for range clients {
		wg.Go(func() {
			var own []float64
			for ctx.Err() == nil {
				at := time.Now()
				r, err := h.Get(url)
				check(err)
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if check(err); r.StatusCode != 200 {
					log.Fatal("bench: ", r.Status)
				}
				own = append(own, float64(time.Since(at).Microseconds())/1000)
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(took)
	return float64(len(took)) / time.Since(start).Seconds(), took[len(took)/2], took[len(took)*99/100]
}

// commits compares group commit with the bare engine at the same durability: 16 writers, one row each time.
func commits(dir string, add func(what, target, measured, command string)) {
	const d = 3 * time.Second
	db, err := store.Open(context.Background(), "", filepath.Join(dir, "ours.db"))
	check(err)
	defer db.Close()
	check(store.Exec(context.Background(), db, `CREATE TABLE t (n BIGINT)`))
	ours := writers(d, func() error { return store.Exec(context.Background(), db, `INSERT INTO t (n) VALUES ($1)`, 1) })
	bare, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	check(err)
	defer bare.Close()
	bare.SetMaxOpenConns(1)
	_, err = bare.Exec(`CREATE TABLE t (n BIGINT)`)
	check(err)
	theirs := writers(d, func() error { _, err := bare.Exec(`INSERT INTO t (n) VALUES (?)`, 1); return err })
	add("durable commits a second, 16 writers: group commit against bare SQLite, both synchronous=FULL", "", fmt.Sprintf("%.0f against %.0f: %.1f ×", ours, theirs, ours/theirs), "go run ./bench")
}

func writers(d time.Duration, write func() error) float64 {
	var n atomic.Int64
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for time.Now().Before(end) {
				check(write())
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / d.Seconds()
}

// goBench runs a package's own benchmark and quotes its lines.
func goBench(add func(what, target, measured, command string), pkg, name, times, what, target string) {
	out := run(".", "go", "test", "-run", "^$", "-bench", name, "-benchtime", times, pkg)
	var lines []string
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "Benchmark") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	add(what, target, strings.Join(lines, "<br>"), "go test -run ^$ -bench "+name+" -benchtime "+times+" "+pkg)
}

// busy is the load average of the last minute: above one a figure is worse than the machine can do.
func busy() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return find(string(b), `^([\d.]+)`)
}

func page(rows []row, began string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Benchmarks\n\n`make bench` measures and writes this page. Last run: %s, %s, %d cores, %s; load average when it began: %s.\nThe load generator runs on the same cores as the program.\n\n",
		time.Now().Format("2006-01-02"), strings.TrimSpace(cpu()), runtime.NumCPU(), runtime.Version(), began)
	b.WriteString("| what | promised | measured | command |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", r.what, r.target, r.measured, r.command)
	}
	return b.Bytes()
}

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	return find(string(b), `model name\s*:\s*(.*)`)
}
