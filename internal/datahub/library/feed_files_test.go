package library_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// drop puts a finished file into a watched folder.
func drop(t *testing.T, dir, name, text string) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(p, time.Time{}, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, pattern string) string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range all {
		_, all[i], _ = strings.Cut(filepath.Base(n), "_")
	}
	return strings.Join(all, " ")
}

// Files put into a folder are taken in and moved away; what cannot be used lies beside its reason.
func TestWatchedFolder(t *testing.T) {
	each(t, func(e env) {
		t := e.t
		zhang := collector("zhang", "u1")
		root := t.TempDir()
		in := filepath.Join(root, "civil")
		if err := os.Mkdir(in, 0o700); err != nil {
			t.Fatal(err)
		}
		e.set(room.System, "library.watch_root", root)
		source := e.connect(zhang, "民政局前置机", `{"kind":"folder","path":"civil"}`)
		drop(t, in, "变更_20230501.csv", gbk("操作,编号,姓名\r\nI,a,张三\r\nI,b,李四\r\n"))
		drop(t, in, "变更_20230502.csv", gbk("操作,编号,姓名\r\nD,a,\r\nU,b,李小四\r\nI,c,王五,多\r\n"))
		e.Run(t, []kerneltest.Case{{Name: "files of a sort", As: zhang, Call: "GET /api/library/sources/" + source + "/tables", Status: 200, Want: []string{`"name":"变更_*.csv"`}}})
		f := e.agree(zhang, e.pick(zhang, source, "变更_*.csv")[0], func(m map[string]any) {
			way(`{"kind":"changes","op":"操作"}`, daily, "ask")(m)
			column(m, "操作")["skip"], column(m, "编号")["key"] = true, true
		})
		f, r := e.settled(zhang, f.ID)
		if o := r.Items[0].Outcome; r.Items[0].State != "done" || o.Inserted != 1 || r.Items[0].Rejected != 1 {
			t.Fatalf("%+v %+v", f, r)
		}
		if got := fmt.Sprint(e.rowsOf(f.MadeDataset)); got != "[[b 李小四]]" {
			t.Error(got)
		}
		e.until2(func() bool {
			return names(t, filepath.Join(in, "done", "*")) == "变更_20230501.csv 变更_20230502.csv"
		})
		if f, r = e.again(zhang, f.ID); !r.Items[0].Outcome.Unchanged || f.Fails != 0 {
			t.Errorf("nothing new: %+v", r)
		}
		drop(t, in, "变更_20230503.csv", "%PDF-1.7")
		if f, r = e.again(zhang, f.ID); r.Items[0].State != "failed" || f.Fails != 1 {
			t.Errorf("%+v", r)
		}
		e.until2(func() bool {
			return names(t, filepath.Join(in, "failed", "*")) == "变更_20230503.csv 变更_20230503.csv.txt"
		})
		if got := fmt.Sprint(e.rowsOf(f.MadeDataset)); got != "[[b 李小四]]" {
			t.Error("the last version does not serve", got)
		}
	})
}

// until2 waits for what comes right after a run has ended.
func (e env) until2(ok func() bool) {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatal("it does not come")
		}
	}
}

// An API is read page by page.
func TestCollectHTTP(t *testing.T) {
	each(t, func(e env) {
		t := e.t
		zhang := collector("zhang", "u1")
		e.allow("127.0.0.1")
		var broken atomic.Bool
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer wood-Lamp-7" || broken.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			switch r.URL.Query().Get("page") {
			case "1":
				_, _ = fmt.Fprint(w, `{"data":[{"id":1,"name":"甲","pay":1.5},{"id":2,"name":"乙","pay":2e1}]}`)
			case "2":
				_, _ = fmt.Fprint(w, `{"data":[{"id":3,"name":null,"pay":0}]}`)
			default:
				_, _ = fmt.Fprint(w, `{"data":[]}`)
			}
		}))
		defer srv.Close()
		source := e.connect(zhang, "接口", fmt.Sprintf(`{"kind":"http","api":{"url":%q,"rows":"data","paging":"page","param":"page","first":1,"pace":1000}}`, srv.URL+"/list"))
		f := e.agree(zhang, e.pick(zhang, source, "list")[0], nil)
		f, r := e.settled(zhang, f.ID)
		if r.Items[0].State != "done" || fmt.Sprint(e.rowsOf(f.MadeDataset)) != "[[1 甲 1.50] [2 乙 20.00] [3 <nil> 0.00]]" {
			t.Fatalf("%+v %v", r, f.Error)
		}
		broken.Store(true)
		if f, r = e.again(zhang, f.ID); r.Items[0].State != "failed" || !strings.Contains(f.Error, "令牌") {
			t.Errorf("%+v %v", r, f.Error)
		}
	})
}

// JSON and Parquet are uploaded as CSV is.
func TestUploadJSON(t *testing.T) {
	each(t, func(e env) {
		t := e.t
		zhang := officer("zhang", "u1")
		ld := e.gather(zhang, "人员.json", `[{"身份证号":"420199198506150017","姓名":"张三"},{"身份证号":"x","姓名":"李四"}]`, "", nil)
		if ld.State != "done" || ld.Format != "json" || ld.Rows != 2 || ld.First != 1 {
			t.Errorf("%+v", ld)
		}
	})
}
