package org_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/room"
)

// district is a house on SQLite without a network, with a system administrator acting.
type district struct {
	b     *testing.B
	serve http.Handler
}

func newDistrict(b *testing.B) *district {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, "", filepath.Join(b.TempDir(), "q.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	ring, err := secret.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring})
	house, err := kernel.Open(kit, nil, kernel.Options{Web: web.Options{Version: "bench", Authenticate: func(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
		return room.Acting(r.Context(), &room.Actor{Person: "sys", Admin: room.System, Grants: kit.Authz.AdminGrants(room.System)}), nil
	}}})
	if err != nil {
		b.Fatal(err)
	}
	if err := house.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	return &district{b, house.Handler()}
}

func (d *district) call(method, path string, body []byte) string {
	d.b.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/octet-stream")
	w := httptest.NewRecorder()
	d.serve.ServeHTTP(w, r)
	if w.Code != 200 {
		d.b.Fatal(method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// workbooks are 340 units (17 streets with 19 communities each) and n people in them, as XLSX.
func workbooks(b *testing.B, n int) (units, people []byte) {
	b.Helper()
	write := func(fn func(w table.Writer)) []byte {
		var out bytes.Buffer
		w, err := table.NewXLSX(&out, "表")
		if err != nil {
			b.Fatal(err)
		}
		fn(w)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		return out.Bytes()
	}
	var names []string
	units = write(func(w table.Writer) {
		w.Write("单位名称", "上级单位", "类型", "辖区代码")
		w.Write("洪山区", "", "区", "")
		for s := range 17 {
			street := fmt.Sprintf("第%d街道", s+1)
			w.Write(street, "洪山区", "街道", fmt.Sprintf("420111%03d", s+1))
			for c := range 19 {
				w.Write(fmt.Sprintf("社区%d", c+1), street, "社区", "")
				names = append(names, fmt.Sprintf("%s/社区%d", street, c+1))
			}
		}
	})
	people = write(func(w table.Writer) {
		w.Write("姓名", "工号", "单位", "职务", "排序", "性别", "手机号", "办公电话")
		const surnames, given = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚"
		a, g := []rune(surnames), []rune(given)
		for i := range n {
			w.Write(string([]rune{a[i%10], g[i/10%20], g[i/200%20]}), fmt.Sprintf("HS%06d", i), names[i%len(names)], "工作人员", 1+i%50, "女", fmt.Sprintf("138%08d", i), "027-87654321")
		}
	})
	return units, people
}

// The issue asks for 10 000 people from XLSX in under 5 s.
func BenchmarkImport10000(b *testing.B) {
	units, people := workbooks(b, 10_000)
	for b.Loop() {
		b.StopTimer()
		d := newDistrict(b)
		d.call("POST", "/api/org/import/units", units)
		b.StartTimer()
		d.call("POST", "/api/org/import/people", people)
	}
}

func BenchmarkWith10000(b *testing.B) {
	units, people := workbooks(b, 10_000)
	d := newDistrict(b)
	d.call("POST", "/api/org/import/units", units)
	d.call("POST", "/api/org/import/people", people)
	for _, c := range []struct{ name, path string }{
		{"units at the top with head counts", "/api/org/units"},
		{"first page of people", "/api/org/people"},
		{"people by initials", "/api/org/people?q=wf"},
		{"people by part of a name", "/api/org/people?q=%E5%A8%9C"},
		{"palette by initials", "/api/org/search?q=zww"},
		{"palette by part of a name", "/api/org/search?q=%E5%A8%9C%E8%8A%B3"},
		{"palette without a hit", "/api/org/search?q=qqqq"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				d.call("GET", c.path, nil)
			}
		})
	}
}
