package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/id"
	"qushu/internal/base/store/storetest"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// cataloguer is somebody of a department who collects and catalogues.
func (w *liveTown) cataloguer() {
	w.t.Helper()
	a := w.who["编目"]
	for _, p := range []string{"library.source"} {
		a.Grants[p] = []room.Grant{{Scope: room.Unit, Person: a.Person, Unit: a.Home}}
	}
}

type draftRun struct {
	ID, State                  string
	Total, Done, Made, Skipped int64
	Remarks                    []struct{ Title, Message string }
}

// drafts a whole source in one command.
func (w *liveTown) drafted(source string) draftRun {
	w.t.Helper()
	var run draftRun
	w.get("编目", "POST /api/catalog/drafts", fmt.Sprintf(`{"class":"3","item":"01","subject":"001","detail":"420111","cycle":"monthly","contact":"信息科","phone":"027-87678888","source":%q}`, source), &run)
	w.until("编目", "GET /api/catalog/runs/"+run.ID, &run, func() bool { return run.State == "done" })
	return run
}

func (w *liveTown) source(name, spec string) string {
	w.t.Helper()
	var out struct{ ID string }
	w.get("编目", "POST /api/library/sources", fmt.Sprintf(`{"name":%q,"spec":%s,"secret":"x"}`, name, spec), &out)
	return out.ID
}

// The files of a watched folder become drafts of the catalogue in one command, before anything is brought in.
func TestDraftedFolder(t *testing.T) {
	liveHouses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newLiveTown(t, e)
		w.cataloguer()
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "civil"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"低保名册.csv": "姓名,公民身份号码,街道\n王某一,420199198506150017,关山街道\n", "养老机构.csv": "机构名称,床位数\n夕阳红养老院,120\n", "坏.xlsx": "%PDF-1.7 no sheet at all"} {
			file := filepath.Join(root, "civil", name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, e.Now, e.Now.Add(-time.Hour)); err != nil { // long enough ago to be whole
				t.Fatal(err)
			}
		}
		e.Get(t, e.Administrator(room.System), "PUT /api/settings/library.watch_root", fmt.Sprintf(`{"value":%s,"reason":"试验","version":0}`, strconv.Quote(root)), nil)
		source := w.source("民政局前置机", `{"kind":"folder","path":"civil"}`)
		run := w.drafted(source)
		if run.Made != 2 || run.Skipped != 1 || !strings.Contains(run.Remarks[0].Title, "坏.xlsx") {
			t.Fatalf("%+v", run)
		}
		var all struct{ Items []liveEntry }
		w.get("编目", "GET /api/catalog/entries?view=work&text="+url.QueryEscape("低保名册"), "", &all)
		if len(all.Items) != 1 {
			t.Fatal(all)
		}
		w.Run(t, []kerneltest.Case{{Name: "classified by its content", As: w.who["编目"], Call: "GET /api/catalog/entries/" + all.Items[0].ID, Status: 200,
			Want: []string{`"name":"公民身份号码"`, `"kind":"id"`, `"level":"L3"`, `"format":"sheet"`, `"sub":"csv"`, `"share":"conditional"`}, Not: []string{"420199198506150017"}}})
		if again := w.drafted(source); again.Made != 0 || again.Total != 1 {
			t.Errorf("drafted twice: %+v", again)
		}
	})
}

// The tables of another system's live database become drafts in one command. QUSHU_BENCH_TABLES says of how many, and has the
// time told; nothing is asserted about it.
func TestDraftedDatabase(t *testing.T) {
	at := os.Getenv("QUSHU_TEST_POSTGRES")
	if at == "" {
		t.Skip("QUSHU_TEST_POSTGRES names no server to draft from")
	}
	tables, err := strconv.Atoi(os.Getenv("QUSHU_BENCH_TABLES"))
	bench := err == nil
	if !bench {
		tables = 7
	}
	u, name := foreign(t, at, tables)
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			e := liveHouses.Start(t, engine)
			w := newLiveTown(t, e)
			w.cataloguer()
			e.Get(t, e.Administrator(room.Security), "PUT /api/settings/library.allowed_hosts", `{"value":["127.0.0.0/8"],"reason":"试验","version":0}`, nil)
			source := w.source("人社业务系统", fmt.Sprintf(`{"kind":"postgres","host":%q,"port":%s,"database":%q,"user":%q}`, u.Hostname(), u.Port(), name, u.User.Username()))
			began := time.Now()
			run := w.drafted(source)
			if bench {
				fmt.Printf("bench %s: catalogue of %d tables drafted from a live PostgreSQL database: %.1f s\n", engine, run.Made, time.Since(began).Seconds())
			}
			if run.Made != int64(tables) || run.Skipped != 0 {
				t.Fatalf("%+v", run)
			}
			w.Run(t, []kerneltest.Case{{Name: "as the database names it", As: w.who["编目"], Call: "GET /api/catalog/entries?view=work&text=" + url.QueryEscape("业务登记表3"), Status: 200, Want: []string{"业务登记表3", `"itemCount":8`}}})
		})
	}
}

// foreign makes a database that belongs to somebody else, with tables of two thousand rows.
func foreign(t *testing.T, at string, tables int) (*url.URL, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	name := "foreign_" + id.New()
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	in := *u
	in.Path = "/" + name
	db, err := sql.Open("pgx", in.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Close()
		_, _ = admin.ExecContext(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		admin.Close()
	})
	for n := range tables {
		if _, err := db.Exec(fmt.Sprintf(`CREATE TABLE biz_%d (id BIGINT PRIMARY KEY, full_name TEXT, card_no CHAR(18), phone TEXT, street TEXT, registered DATE, amount NUMERIC(12,2), changed TIMESTAMPTZ);
			COMMENT ON TABLE biz_%[1]d IS '业务登记表%[1]d'; COMMENT ON COLUMN biz_%[1]d.full_name IS '姓名'; COMMENT ON COLUMN biz_%[1]d.card_no IS '公民身份号码'; COMMENT ON COLUMN biz_%[1]d.phone IS '联系电话';
			INSERT INTO biz_%[1]d SELECT g, '王某' || g %% 9, '42019919850615' || lpad(CAST(g %% 10000 AS TEXT), 4, '0'), '139' || lpad(CAST(g AS TEXT), 8, '0'), '关山街道', DATE '2022-01-01' + g %% 500, g, now() FROM generate_series(1, 2000) g`, n)); err != nil {
			t.Fatal(err)
		}
	}
	return u, name
}
