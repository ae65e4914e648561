package library_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/blob"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// population writes a population file of n rows: fictional identity numbers of the area 420199 with right check digits.
func population(n int) []byte {
	var b bytes.Buffer
	b.WriteString("公民身份号码,姓名,性别,出生日期,手机号,户籍地址,所属社区,补贴金额\n")
	for i := range n {
		born := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i%29000)
		id := fmt.Sprintf("420199%s%03d", born.Format("20060102"), i/29000%1000)
		sum := 0
		for k, w := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
			sum += int(id[k]-'0') * w
		}
		fmt.Fprintf(&b, "%s%c,张三%d,男,%s,138%08d,武汉市洪山区狮子山街道%d号,南湖社区,%d.50\n", id, "10X98765432"[sum%11], i%1000, born.Format(time.DateOnly), i, i%900, i%5000)
	}
	return b.Bytes()
}

// bench is a house on SQLite whose doors are called without a network.
type bench struct {
	*testing.B
	h http.Handler
}

func newBench(b *testing.B) bench {
	ring, err := secret.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(b.Context(), "", filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	blobs, err := blob.OpenURL(b.Context(), "", b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	wh, err := duck.Open(b.Context(), duck.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring, Blobs: blobs, MaxUpload: 4 << 30, Warehouse: wh})
	who := kerneltest.Actor("zhang", "u1", room.All, "library.load", "library.read")
	auth := func(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
		return room.Acting(r.Context(), who), nil
	}
	h, err := kernel.Open(kit, rooms(kit), kernel.Options{Work: true, Web: web.Options{Authenticate: auth}})
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := h.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { h.Stop(context.Background()); wh.Close(); db.Close() })
	return bench{b, h.Handler()}
}

func (b bench) call(call string, body io.Reader, out any) {
	method, path, _ := strings.Cut(call, " ")
	q := httptest.NewRequest(method, path, body)
	q.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if b.h.ServeHTTP(w, q); w.Code != 200 {
		b.Fatal(call, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLoad brings a population file of 200 000 rows through the doors, from the first chunk to the published dataset.
func BenchmarkLoad(b *testing.B) {
	const rows = 200_000
	content := population(rows)
	c := newBench(b)
	b.SetBytes(int64(len(content)))
	for n := 0; b.Loop(); n++ {
		c.gather(content, fmt.Sprintf("population%d", n), rows)
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func (b bench) gather(content []byte, name string, rows int64) {
	var up struct{ ID string }
	b.call("POST /api/file/uploads", strings.NewReader(fmt.Sprintf(`{"name":"人口.csv","size":%d}`, len(content))), &up)
	for at := 0; at < len(content); at += file.ChunkSize {
		b.call(fmt.Sprintf("PUT /api/file/uploads/%s?offset=%d", up.ID, at), bytes.NewReader(content[at:min(len(content), at+file.ChunkSize)]), new(any))
	}
	var f struct{ ID string }
	b.call("POST /api/file/uploads/"+up.ID+"/done", nil, &f)
	var ld load
	b.call("POST /api/library/loads", strings.NewReader(fmt.Sprintf(`{"fileId":%q}`, f.ID)), &ld)
	ld.Columns[0]["key"], ld.Columns[0]["strict"] = true, true
	b.call("PUT /api/library/loads/"+ld.ID, strings.NewReader(body(map[string]any{"name": name, "title": "人口", "columns": ld.Columns, "onBad": "reject", "version": ld.Version})), &ld)
	b.call("POST /api/library/loads/"+ld.ID+"/start", strings.NewReader(fmt.Sprintf(`{"version":%d}`, ld.Version)), &ld)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ended(ld) {
		<-tick.C
		b.call("GET /api/library/loads/"+ld.ID, nil, &ld)
	}
	if ld.State != "done" || ld.Rows != rows {
		b.Fatalf("%+v", ld)
	}
}
