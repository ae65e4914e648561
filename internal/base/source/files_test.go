package source

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"qushu/internal/base/errs"
)

// put writes a file that was finished a minute ago.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(p, time.Time{}, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// watched tries what every shelf must do with the files of dir.
func watched(t *testing.T, dir string, c Conn) {
	put(t, dir, "人员_20230501.csv", "编号,姓名\n1,张三\n2,李四\n")
	put(t, dir, "人员_20230502.csv", "编号,姓名\n1,张三\n3,\"王,五\"\nx\n")
	put(t, dir, "其他.json", `[{"a":1}]`)
	put(t, dir, ".hidden.csv", "a\n1\n")
	put(t, dir, "half.csv.part", "a\n1\n")
	if err := os.WriteFile(filepath.Join(dir, "now.csv"), []byte("a\n"), 0o600); err != nil { // just being written
		t.Fatal(err)
	}
	tables, err := c.Tables(t.Context(), "", 10)
	if err != nil || len(tables) != 2 || tables[0].Name != "人员_*.csv" || tables[1].Name != "其他.json" {
		t.Fatal(tables, err)
	}
	cols, err := c.Columns(t.Context(), "人员_*.csv")
	if err != nil || len(cols) != 2 || cols[1].Name != "姓名" {
		t.Fatal(cols, err)
	}
	var refused []string
	ask := Ask{Object: "人员_*.csv", Columns: []Column{cols[1], cols[0]}, Refused: func(row int, cells []string, why []errs.Field) error {
		refused = append(refused, fmt.Sprint(row, " ", why[0].Key))
		return nil
	}}
	if rows := all(t, c, ask); len(rows) != 2 || rows[1][0] != "王,五" || rows[1][1] != "3" {
		t.Error("the newest", rows)
	}
	if fmt.Sprint(refused) != "[4 table.row_narrow]" {
		t.Error(refused)
	}
	ask.Every = true
	if rows := all(t, c, ask); len(rows) != 4 || rows[0][1] != "1" {
		t.Error("all of them", rows)
	}
	taker := c.(Taker)
	if len(taker.Read()) != 2 {
		t.Fatal(taker.Read())
	}
	if err := taker.Taken(t.Context(), taker.Read()[:1], ""); err != nil {
		t.Fatal(err)
	}
	if err := taker.Taken(t.Context(), taker.Read()[1:], "第 3 行缺少列"); err != nil {
		t.Fatal(err)
	}
	done, _ := filepath.Glob(filepath.Join(dir, "done", "*_人员_20230501.csv"))
	failed, _ := filepath.Glob(filepath.Join(dir, "failed", "*_人员_20230502.csv.txt"))
	if len(done) != 1 || len(failed) != 1 {
		t.Fatal(done, failed)
	}
	if b, err := os.ReadFile(failed[0]); err != nil || !strings.Contains(string(b), "缺少列") {
		t.Error(string(b), err)
	}
	if _, err := c.Columns(t.Context(), "人员_*.csv"); errs.KeyOf(err) != "source.no_file" {
		t.Error(err)
	}
}

func TestFolder(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	f := Fence{Root: root}
	c, err := Open(t.Context(), Spec{Kind: Folder, Path: "in"}, "", f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	watched(t, filepath.Join(root, "in"), c)
	if _, err := Open(t.Context(), Spec{Kind: Folder, Path: "in"}, "", Fence{}); errs.KeyOf(err) != "source.no_root" {
		t.Error(err)
	}
	// Nothing leads out.
	if err := os.Symlink("/etc", filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"../..", "out", "/etc", "in/../../etc", "nowhere"} {
		c, err := Open(t.Context(), Spec{Kind: Folder, Path: p}, "", f)
		if err != nil {
			continue
		}
		tables, err := c.Tables(t.Context(), "", 100)
		for _, x := range tables {
			if strings.Contains(x.Name, "passwd") {
				t.Errorf("%s leads out: %v %v", p, tables, err)
			}
		}
		c.Close()
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "in", "p.csv")); err != nil {
		t.Fatal(err)
	}
	if tables, err := c.Tables(t.Context(), "p.csv", 10); err != nil || len(tables) != 0 {
		t.Error("a link is followed", tables, err)
	}
}

// sftpServer serves this machine's files to user up with password Rain-5.
func sftpServer(t *testing.T) (port int, fingerprint string) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if c.User() == "up" && string(p) == "Rain-5" {
			return nil, nil
		}
		return nil, errors.New("no")
	}}
	cfg.AddHostKey(key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serveSFTP(c, cfg)
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port, ssh.FingerprintSHA256(key.PublicKey())
}

func serveSFTP(c net.Conn, cfg *ssh.ServerConfig) {
	_, chans, reqs, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for n := range chans {
		ch, in, err := n.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range in {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		s, err := sftp.NewServer(ch)
		if err != nil {
			return
		}
		_ = s.Serve()
		ch.Close()
	}
}

func TestSFTP(t *testing.T) {
	port, print := sftpServer(t)
	dir := t.TempDir()
	s := Spec{Kind: SFTP, Host: "127.0.0.1", Port: port, User: "up", Path: dir, HostKey: print}
	c, err := Open(t.Context(), s, "Rain-5", here)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	watched(t, dir, c)
	if _, err := Open(t.Context(), s, "wrong", here); errs.KeyOf(err) != "source.no_login" {
		t.Error(err)
	}
	s.HostKey = "SHA256:another"
	if _, err := Open(t.Context(), s, "Rain-5", here); errs.KeyOf(err) != "source.other_host" || !strings.Contains(fmt.Sprint(err), print) {
		t.Error(err)
	}
	s.HostKey = print
	if _, err := Open(t.Context(), s, "Rain-5", Fence{}); errs.KeyOf(err) != "source.fenced" {
		t.Error(err)
	}
}

// api serves 25 rows in every way of paging, to who has the token; the third answer fails once.
func api(t *testing.T) string {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer tok" && r.Header.Get("X-Key") != "tok" {
			w.WriteHeader(401)
			return
		}
		if asked.Add(1) == 3 {
			w.WriteHeader(503)
			return
		}
		q := r.URL.Query()
		at := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return n }
		from := at("offset") + at("cursor") + at("from") + max(at("page")-1, 0)*10
		rows := []map[string]any{}
		for n := from; n < min(from+10, 25); n++ {
			rows = append(rows, map[string]any{"id": n + 1, "who": map[string]any{"name": "张三"}, "ok": n%2 == 0})
		}
		next := any(nil)
		if from+10 < 25 {
			next = strconv.Itoa(from + 10)
			w.Header().Set("Link", fmt.Sprintf(`<%s?from=%d>; rel="next"`, r.URL.Path, from+10))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"code": 0, "data": map[string]any{"list": rows, "next": next}})
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/people"
}

func TestHTTP(t *testing.T) {
	at := api(t)
	for name, a := range map[string]API{
		"page":   {Paging: "page", Param: "page", First: 1, SizeBy: "size", Size: 10},
		"offset": {Paging: "offset", Param: "offset"},
		"cursor": {Paging: "cursor", Param: "cursor", Next: "data.next", Header: "X-Key"},
		"link":   {Paging: "link"},
	} {
		a.URL, a.Rows, a.Pace = at, "data.list", 1000
		c, err := Open(t.Context(), Spec{Kind: HTTP, API: a}, "tok", here)
		if err != nil {
			t.Fatal(name, err)
		}
		cols, err := c.Columns(t.Context(), "people")
		if err != nil || len(cols) != 3 {
			t.Fatal(name, cols, err)
		}
		rows := all(t, c, Ask{Object: "people", Columns: cols})
		if len(rows) != 25 || rows[24][0] != "25" && rows[24][1] != "25" && rows[24][2] != "25" {
			t.Errorf("%s: %d %v", name, len(rows), rows)
		}
		if rows := all(t, c, Ask{Object: "people", Columns: cols, Limit: 3}); len(rows) != 3 {
			t.Error(rows)
		}
		c.Close()
	}
	for name, x := range map[string]struct {
		api    API
		secret string
		fence  Fence
		key    string
	}{
		"token": {API{URL: at}, "x", here, "source.no_token"}, "fence": {API{URL: at}, "tok", Fence{}, "source.fenced"}, "nothing there": {API{URL: "http://127.0.0.1:1/"}, "", here, "source.unreachable"},
		"scheme": {API{URL: "file:///etc/passwd"}, "", here, "source.incomplete"}, "password in it": {API{URL: "http://a:b@127.0.0.1/"}, "", here, "source.incomplete"},
	} {
		if _, err := Open(t.Context(), Spec{Kind: HTTP, API: x.api}, x.secret, x.fence); errs.KeyOf(err) != x.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Open(t.Context(), Spec{Kind: HTTP, API: API{URL: at, Rows: "data.list", Paging: "page", Param: "nothing", Pace: 1000, Max: 4}}, "tok", here)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Rows(t.Context(), Ask{Columns: []Column{{Name: "id"}}}) {
		if errs.KeyOf(err) != "source.too_many_pages" {
			t.Error("a list without end:", err)
		}
	}
}
