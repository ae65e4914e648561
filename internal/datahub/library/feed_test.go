package library_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// abroad is another system's PostgreSQL, reached through a wire that can be cut.
type abroad struct {
	*sql.DB
	name string
	port int
	left atomic.Int64 // bytes the wire still lets through, less than 0 for any number
}

// other opens a database that belongs to somebody else.
func other(t *testing.T) *abroad {
	t.Helper()
	at := os.Getenv("QUSHU_TEST_POSTGRES")
	if at == "" {
		t.Skip("QUSHU_TEST_POSTGRES names no server to collect from")
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	a := &abroad{name: "abroad_" + id.New()}
	if _, err := admin.Exec("CREATE DATABASE " + a.name); err != nil {
		t.Fatal(err)
	}
	host := u.Host
	u.Path = "/" + a.name
	if a.DB, err = sql.Open("pgx", u.String()); err != nil {
		t.Fatal(err)
	}
	a.left.Store(-1)
	a.wire(t, host)
	t.Cleanup(func() {
		a.Close()
		_, _ = admin.Exec("DROP DATABASE IF EXISTS " + a.name + " WITH (FORCE)")
		admin.Close()
	})
	return a
}

// wire passes bytes on to host until it is cut.
func (a *abroad) wire(t *testing.T, host string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	a.port = ln.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", host)
			if err != nil {
				in.Close()
				continue
			}
			pass := func(to, from net.Conn, count bool) {
				defer in.Close()
				defer out.Close()
				buf := make([]byte, 4096)
				for {
					n, err := from.Read(buf)
					if err != nil {
						return
					}
					if count && a.left.Load() >= 0 && a.left.Add(-int64(n)) < 0 {
						a.left.Store(0)
						return
					}
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}
			go pass(out, in, false)
			go pass(in, out, true)
		}
	}()
}

func (a *abroad) do(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := a.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func (a *abroad) spec() string {
	return fmt.Sprintf(`{"kind":"postgres","host":"127.0.0.1","port":%d,"database":%q,"user":"qushu"}`, a.port, a.name)
}

// collector may set up sources, too.
func collector(name, unit string) *room.Actor {
	return kerneltest.Actor(name, unit, room.Unit, "library.read", "library.load", "library.grant", "library.source")
}

// allow lets this machine be collected from, which the default does not.
func (e env) allow(hosts ...string) {
	e.t.Helper()
	e.set(room.Security, "library.allowed_hosts", hosts)
}

// set changes a setting as the administrator whose it is.
func (e env) set(admin room.Admin, name string, value any) {
	e.t.Helper()
	b, _ := json.Marshal(value)
	var s struct {
		Groups []struct {
			Items []struct {
				Name    string
				Version int64
			}
		}
	}
	who := e.Administrator(admin)
	e.Get(e.t, who, "GET /api/settings", "", &s)
	version := int64(0)
	for _, g := range s.Groups {
		for _, i := range g.Items {
			if i.Name == name {
				version = i.Version
			}
		}
	}
	e.Get(e.t, who, "PUT /api/settings/"+name, fmt.Sprintf(`{"value":%s,"reason":"测试环境","version":%d}`, b, version), nil)
}

// feed is what the tests read of a feed.
type feed struct {
	ID, State, Name, Title, Object, Error, MadeDataset, Seen string
	Columns                                                  []map[string]any
	Way                                                      map[string]any
	Changes                                                  []struct{ What, Header, To, Was, Is string }
	Proposes                                                 []string
	NextAt, GoodAt                                           *time.Time
	Late, Running                                            bool
	Fails, Version                                           int64
}

// connect makes a source of the other side.
func (e env) connect(who *room.Actor, name, spec string) string {
	e.t.Helper()
	var s struct{ ID string }
	e.Get(e.t, who, "POST /api/library/sources", fmt.Sprintf(`{"name":%q,"spec":%s,"secret":"wood-Lamp-7"}`, name, spec), &s)
	return s.ID
}

// pick chooses tables and returns the drafts.
func (e env) pick(who *room.Actor, source string, objects ...string) []feed {
	e.t.Helper()
	b, _ := json.Marshal(objects)
	var made struct {
		Made   []string
		Failed []struct{ Message string }
	}
	e.Get(e.t, who, "POST /api/library/feeds", fmt.Sprintf(`{"source":%q,"objects":%s}`, source, b), &made)
	if len(made.Made) != len(objects) {
		e.t.Fatal(made)
	}
	var out []feed
	for _, id := range made.Made {
		out = append(out, e.look(who, id))
	}
	return out
}

func (e env) look(who *room.Actor, id string) (f feed) {
	e.t.Helper()
	e.Get(e.t, who, "GET /api/library/feeds/"+id, "", &f)
	return f
}

// agree sends a draft back as it was proposed, after change, and switches it on.
func (e env) agree(who *room.Actor, f feed, change func(m map[string]any)) feed {
	e.t.Helper()
	f = e.settle(who, f, change)
	var on feed
	e.Get(e.t, who, "POST /api/library/feeds/"+f.ID+"/turn", fmt.Sprintf(`{"on":true,"version":%d}`, f.Version), &on)
	return on
}

func (e env) settle(who *room.Actor, f feed, change func(m map[string]any)) (out feed) {
	e.t.Helper()
	m := map[string]any{"dataset": "", "name": f.Name, "title": f.Title, "columns": f.Columns, "onBad": "reject", "way": f.Way, "version": f.Version}
	if change != nil {
		change(m)
	}
	b, _ := json.Marshal(m)
	e.Get(e.t, who, "PUT /api/library/feeds/"+f.ID, string(b), &out)
	return out
}

// runs are those of a feed, newest first.
type runs struct {
	Items []struct {
		ID, State, Error string
		Rows, Rejected   int64
		MadeNumber       int64
		Outcome          struct {
			Inserted, Updated, Deleted, Same, Fetched int64
			Unchanged, Whole, ByHand                  bool
		}
	}
}

// settled waits until no run of the feed is under way.
func (e env) settled(who *room.Actor, id string) (feed, runs) {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for {
		f := e.look(who, id)
		var r runs
		e.Get(e.t, who, "GET /api/library/loads?feed="+id, "", &r)
		if !f.Running && len(r.Items) > 0 && r.Items[0].State != "queued" && r.Items[0].State != "running" {
			return e.look(who, id), r
		}
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("the feed stays %+v %+v", f, r)
		}
	}
}

// again collects now and waits.
func (e env) again(who *room.Actor, id string) (feed, runs) {
	e.t.Helper()
	e.Get(e.t, who, "POST /api/library/feeds/"+id+"/run", fmt.Sprintf(`{"version":%d}`, e.look(who, id).Version), nil)
	return e.settled(who, id)
}

const staff = `CREATE TABLE staff (id BIGINT PRIMARY KEY, name VARCHAR(30), card CHAR(18), phone TEXT, pay NUMERIC(12,2), joined DATE, seen TIMESTAMPTZ, active BOOLEAN, rate DOUBLE PRECISION, photo BYTEA, memo TEXT)`

func people100(n int) string {
	return fmt.Sprintf(`INSERT INTO staff SELECT g, '王某' || g, '42019919850615' || lpad(CAST(g %% 10000 AS TEXT), 4, '0'), '139' || lpad(CAST(g AS TEXT), 8, '0'), g * 1.25, DATE '2020-01-01' + CAST(g %% 900 AS INTEGER),
		TIMESTAMPTZ '2023-05-01 00:00:00+00' + g * INTERVAL '1 second', g %% 2 = 0, g / 3.0, NULL, CASE WHEN g %% 3 = 0 THEN '无' END FROM generate_series(1, %d) g`, n)
}

func TestCollect(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		far.do(t, staff, `COMMENT ON TABLE staff IS '在职人员'`, `COMMENT ON COLUMN staff.card IS '公民身份号码，18 位'`, `COMMENT ON COLUMN staff.phone IS '手机号码'`, people100(50),
			`CREATE TABLE "部 门" ("编号" TEXT, "名.称" TEXT)`, `INSERT INTO "部 门" VALUES ('a', 'x')`, `CREATE VIEW v AS SELECT 1 AS n`)
		try := func(spec string) string {
			return fmt.Sprintf(`{"name":"人事库","spec":%s,"secret":"wood-Lamp-7"}`, spec)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "this machine is not collected from", As: zhang, Call: "POST /api/library/sources/try", Body: try(far.spec()), Status: 403, Want: []string{"不允许连接“127.0.0.1”"}},
			{Name: "nor what clouds keep keys at", As: zhang, Call: "POST /api/library/sources/try", Body: try(`{"kind":"postgres","host":"169.254.169.254","database":"x","user":"y"}`), Status: 403},
			{Name: "what is missing is named", As: zhang, Call: "POST /api/library/sources", Body: try(`{"kind":"postgres","host":"h/x"}`), Status: 422, Want: []string{`"database"`, `"user"`, "主机名"}},
			{Name: "who only loads sets up no source", As: officer("wang", "u1"), Call: "POST /api/library/sources", Body: try(far.spec()), Status: 403},
		})
		e.allow("127.0.0.0/8")
		source := e.connect(zhang, "人事库", far.spec())
		e.Run(t, []kerneltest.Case{
			{Name: "tried", As: zhang, Call: "POST /api/library/sources/try", Body: try(far.spec()), Status: 200, Want: []string{`"tables":3`}},
			{Name: "no such database", As: zhang, Call: "POST /api/library/sources/try", Body: try(strings.Replace(far.spec(), far.name, "nowhere", 1)), Status: 404, Want: []string{"没有这个数据库"}},
			{Name: "nobody answers", As: zhang, Call: "POST /api/library/sources/try", Body: try(strings.Replace(far.spec(), strconv.Itoa(far.port), "1", 1)), Status: 503, Want: []string{"连不上 127.0.0.1:1"}},
			{Name: "no secret comes back", As: zhang, Call: "GET /api/library/sources/" + source, Status: 200, Want: []string{`"hasSecret":true`}, Not: []string{"Lamp"}},
			{Name: "the secret goes nowhere else", As: zhang, Call: "PUT /api/library/sources/" + source, Body: fmt.Sprintf(`{"name":"人事库","spec":%s,"version":1}`, strings.Replace(far.spec(), "127.0.0.1", "10.9.9.9", 1)), Status: 422, Want: []string{"请重新填写密码"}},
			{Name: "tables", As: zhang, Call: "GET /api/library/sources/" + source + "/tables", Status: 200, Want: []string{`"name":"public.staff","comment":"在职人员"`, `"name":"public.部 门"`, `"name":"public.v","comment":"","view":true,"rows":-1`}},
			{Name: "by comment", As: zhang, Call: "GET /api/library/sources/" + source + "/tables?text=" + url.QueryEscape("在职"), Status: 200, Want: []string{"public.staff"}, Not: []string{"public.v"}},
			{Name: "another unit sees none", As: collector("li", "u2"), Call: "GET /api/library/sources", Status: 200, Want: []string{`"items":[]`}},
		})
		drafts := e.pick(zhang, source, "public.staff", "public.部 门")
		f := drafts[0]
		for header, want := range map[string][3]any{"id": {"integer", "", true}, "card": {"text", "id", false}, "phone": {"text", "mobile", false}, "pay": {"decimal(12,2)", "", false}, "joined": {"date", "", false},
			"seen": {"datetime", "", false}, "active": {"boolean", "", false}} {
			c := column(map[string]any{"columns": f.Columns}, header)
			if kind, _ := c["kind"].(string); [3]any{c["type"], kind, c["key"] == true} != want {
				t.Errorf("%s: %v", header, c)
			}
		}
		if f.Title != "在职人员" || column(map[string]any{"columns": f.Columns}, "card")["title"] != "公民身份号码" || column(map[string]any{"columns": f.Columns}, "photo")["skip"] != true {
			t.Errorf("%+v", f)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "the first rows, masked", As: zhang, Call: "POST /api/library/feeds/" + f.ID + "/peek", Body: "{}", Status: 200, Want: []string{"139****0001"}, Not: []string{"13900000001", "420199198506150001"}},
			{Name: "a draft is not run", As: zhang, Call: "POST /api/library/feeds/" + f.ID + "/run", Body: fmt.Sprintf(`{"version":%d}`, f.Version), Status: 409, Want: []string{"先核对"}},
			{Name: "another unit sees no feed", As: collector("li", "u2"), Call: "GET /api/library/feeds/" + f.ID, Status: 404},
		})
		f = e.agree(zhang, f, nil)
		f, r := e.settled(zhang, f.ID)
		if r.Items[0].State != "done" || r.Items[0].Rows != 50 || r.Items[0].Rejected != 0 || f.State != "on" || f.MadeDataset == "" {
			t.Fatalf("%+v %+v", f, r)
		}
		rows := e.rowsOf(f.MadeDataset)
		if got := fmt.Sprint(rows[2][:9]...); rows[2][0] != int64(3) || rows[2][4] != warehouse.Decimal("3.75") || rows[2][5] != warehouse.Date("2020-01-04") || rows[2][7] != false || rows[2][9] != nil ||
			warehouse.Format(rows[2][6]) != "2023-05-01 08:00:03" {
			t.Error(got, rows[2])
		}
		e.Run(t, []kerneltest.Case{{Name: "told of it", As: zhang, Call: "GET /api/notify", Status: 200, Want: []string{"“在职人员”已归集入库，共 50 行", "/library/sources/feeds/" + f.ID}},
			{Name: "the version says where it is from", As: zhang, Call: "GET /api/library/datasets/" + f.MadeDataset, Status: 200, Want: []string{`"source":"人事库 public.staff"`}},
			{Name: "runs are no uploads", As: zhang, Call: "GET /api/library/loads", Status: 200, Want: []string{`"items":[]`}},
			{Name: "a source in use stays", As: zhang, Call: "DELETE /api/library/sources/" + source + "?version=1", Status: 409, Want: []string{"还有 2 张表"}}})

		if _, r = e.again(zhang, f.ID); !r.Items[0].Outcome.Unchanged || r.Items[0].MadeNumber != 1 {
			t.Errorf("unchanged: %+v", r)
		}
		far.do(t, `UPDATE staff SET pay = 1 WHERE id = 7`)
		if _, r = e.again(zhang, f.ID); r.Items[0].State != "done" || r.Items[0].MadeNumber != 2 {
			t.Errorf("changed: %+v", r)
		}
	})
}

// A source that dies in the middle publishes nothing: the last version goes on serving, and the words say so.
func TestCut(t *testing.T) {
	each(t, func(e env) {
		t, far := e.t, other(e.t)
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		far.do(t, staff, people100(20_000))
		f := e.agree(zhang, e.pick(zhang, e.connect(zhang, "人事库", far.spec()), "public.staff")[0], func(m map[string]any) {
			m["way"] = map[string]any{"mode": map[string]any{"kind": "full"}, "schedule": map[string]any{"every": "daily", "at": "02:30"}, "drift": "ask"}
		})
		f, r := e.settled(zhang, f.ID)
		if r.Items[0].State != "done" || r.Items[0].Rows != 20_000 {
			t.Fatalf("%+v", r)
		}
		far.do(t, `UPDATE staff SET pay = 0`)
		versions := e.versions()
		far.left.Store(900_000)
		if f, r = e.again(zhang, f.ID); r.Items[0].State != "failed" || f.Fails != 1 || !strings.Contains(f.Error, "仍在使用第 1 版") || !strings.Contains(f.Error, "行时中断") {
			t.Fatalf("%+v %+v", f, r)
		}
		if e.versions() != versions {
			t.Error("something half stays in the warehouse")
		}
		if rows := e.rowsOf(f.MadeDataset); len(rows) != 20_000 || rows[0][4] != warehouse.Decimal("1.25") {
			t.Error("the last version does not serve", len(rows))
		}
		// The other side ends the session itself.
		far.left.Store(-1)
		far.do(t, `CREATE FUNCTION die(n BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$ BEGIN IF n = 15000 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN n; END $$`,
			`CREATE VIEW dying AS SELECT die(id) AS id, name FROM staff`)
		d := e.agree(zhang, e.pick(zhang, e.look2(zhang, f.ID), "public.dying")[0], nil)
		if d, r = e.settled(zhang, d.ID); r.Items[0].State != "failed" || !strings.Contains(d.Error, "没有发布任何数据") || !strings.Contains(d.Error, "对方中断了连接") {
			t.Fatalf("%+v %+v", d, r)
		}
	})
}

// look2 returns the source of a feed.
func (e env) look2(who *room.Actor, id string) string {
	var f struct{ Source string }
	e.Get(e.t, who, "GET /api/library/feeds/"+id, "", &f)
	return f.Source
}
