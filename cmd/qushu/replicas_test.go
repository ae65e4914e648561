package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"qushu/internal/base/config"
	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
)

// peer returns what a script has put beside the test, and skips without it.
func peer(t *testing.T, name, script string) string {
	t.Helper()
	at := os.Getenv(name)
	if at == "" {
		t.Skipf("%s is not set: scripts/%s sets it", name, script)
	}
	return at
}

// clickhouse is a database of the test's own.
func clickhouse(t *testing.T) string {
	return peer(t, "QUSHU_TEST_CLICKHOUSE", "with-clickhouse") + "/q_" + id.New()
}

// replica opens and serves one program of several on the same PostgreSQL, Redis, files and ClickHouse.
func replica(t *testing.T, shared map[string]string, roles string, now func() time.Time) (*app, string) {
	t.Helper()
	settings := map[string]string{"data": filepath.Join(t.TempDir(), "data"), "roles": roles}
	for k, v := range shared {
		settings[k] = v
	}
	cfg, err := config.Load("", nil, settings)
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), cfg, opening{work: cfg.Has(config.RoleJobs), now: now, demo: true})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- web.Serve(serving, l, a.house.Handler(), 10*time.Second) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, a.stop(context.Background()), a.Close()); err != nil {
			t.Error(err)
		}
	})
	return a, "http://" + l.Addr().String()
}

// Two replicas with their roles split are one portal: whoever is connected to the one that answers browsers hears of a
// load done by the one that works, is seen there, and reads what it has loaded.
func TestReplicas(t *testing.T) {
	peer(t, "QUSHU_TEST_POSTGRES", "with-postgres")
	dir := t.TempDir()
	files := "file://" + filepath.Join(dir, "files")
	if s3 := os.Getenv("QUSHU_TEST_S3"); s3 != "" {
		files = strings.Replace(s3, "?", "/replicas-"+id.New()+"?", 1)
	}
	rows, _ := (&storetest.Templates{}).Clone(t, store.Postgres)
	shared := map[string]string{"database.url": rows, "redis.url": peer(t, "QUSHU_TEST_REDIS", "with-redis"), "warehouse.url": clickhouse(t), "blob.url": files,
		"keys.file": filepath.Join(dir, secret.FileName), "limits.rate_per_second": "0"}
	b := &builder{out: t.Output(), clock: &clock{}, rows: 2000, seed: 420111, began: time.Now(), person: map[string]string{}, papers: map[string][]byte{}}
	b.clock.set(time.Now())
	var works *app
	b.a, b.base = replica(t, shared, "web", b.clock.now)
	works, _ = replica(t, shared, "jobs", b.clock.now)
	d := officer(t, b)
	var me struct{ Person struct{ ID string } }
	if err := d.call(t.Context(), "GET", "/api/identity/me", nil, &me); err != nil {
		t.Fatal(err)
	}
	ws := listenTo(t, d)
	if n, err := works.kit.Hub.Online(me.Person.ID); err != nil || n != 1 {
		t.Errorf("the replica that works sees %d browsers of %s, %v", n, me.Person.ID, err)
	}
	csv := "公民身份号码,姓名\r\n420199198506150017,张三\r\n42019919900101003X,李小四\r\n"
	file, err := d.upload(t.Context(), "人口.csv", strings.NewReader(csv), int64(len(csv)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.loadAs(t.Context(), d, file, plan{name: "population", title: "常住人口", key: "公民身份号码"}); err != nil {
		t.Fatal(err)
	}
	for heard := ""; !strings.Contains(heard, "notify.unread"); {
		if err := websocket.Message.Receive(ws, &heard); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.a.kit.Warehouse.Versions(t.Context())
	if err != nil || len(all) != 1 || all[0].Rows != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if got, err := warehouse.Get(t.Context(), b.a.kit.Warehouse, all[0].ID, "42019919900101003X"); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// officer makes the administrators, one unit and one data officer in it, who has signed in.
func officer(t *testing.T, b *builder) *door {
	t.Helper()
	if err := b.administrators(t.Context()); err != nil {
		t.Fatal(err)
	}
	sys, sec := b.named("hs.system").door, b.named("hs.security").door
	type made struct {
		ID    string
		Posts []struct{ ID string }
	}
	var unit, person made
	var roles struct{ Items []struct{ ID, Key string } }
	do := func(d *door, method, path string, in, out any) {
		t.Helper()
		if err := d.call(t.Context(), method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	do(sys, "POST", "/api/org/units", map[string]string{"name": "洪山区", "kind": "district", "code": "", "parent": ""}, &unit)
	do(sys, "POST", "/api/org/people", map[string]string{"name": "陈立明", "unit": unit.ID, "title": "数据专员"}, &person)
	do(sys, "GET", "/api/org/people/"+person.ID, nil, &person)
	do(sec, "GET", "/api/authz/roles", nil, &roles)
	for _, r := range roles.Items {
		if r.Key == "data_officer" {
			do(sec, "PUT", "/api/authz/posts/"+person.Posts[0].ID+"/roles/"+r.ID, struct{}{}, nil)
		}
	}
	do(sys, "POST", "/api/identity/accounts", map[string]string{"login": "centre.officer", "person": person.ID}, nil)
	d, err := b.awake(t.Context(), "centre.officer", newPassword())
	if err == nil {
		_, _, err = d.bind(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// listenTo opens the connection a browser keeps for what is pushed to it.
func listenTo(t *testing.T, d *door) *websocket.Conn {
	t.Helper()
	cfg, err := websocket.NewConfig(strings.Replace(d.base, "http", "ws", 1)+"/realtime/connection/websocket", d.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.client.Jar.Cookies(cfg.Origin) {
		cfg.Header.Add("Cookie", c.Name+"="+c.Value)
	}
	ws, err := websocket.DialConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	var frame string
	err = websocket.Message.Send(ws, `{"id":1,"connect":{}}`)
	if err == nil {
		err = websocket.Message.Receive(ws, &frame)
	}
	if err != nil || !strings.Contains(frame, `"connect"`) {
		t.Fatal(frame, err)
	}
	return ws
}

// An embedded district moves onto ClickHouse by backup and restore, and back.
func TestMoveToClickHouse(t *testing.T) {
	url := clickhouse(t)
	empty := &storetest.Templates{}
	from := place(t, store.SQLite, empty)
	a, err := open(t.Context(), from, opening{})
	if err != nil {
		t.Fatal(err)
	}
	hash := fill(t, a)
	for i, at := range []string{url, ""} {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("backup", i))
		if err := backup(t.Context(), a, []string{dir}, t.Output()); err != nil {
			t.Fatal(err)
		}
		a.Close()
		m, err := readManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		to := place(t, store.SQLite, empty)
		to.Warehouse.URL = at
		if err := restore(t.Context(), to, dir, m, t.Output()); err != nil {
			t.Fatal(err)
		}
		whole(t, to, hash)
		if a, err = open(t.Context(), to, opening{}); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	// Its database is taken: another installation is refused, in words.
	other := place(t, store.SQLite, empty)
	other.Warehouse.URL = url
	if _, err := open(t.Context(), other, opening{}); err == nil || !strings.Contains(err.Error(), "another installation") {
		t.Error(err)
	}
}
