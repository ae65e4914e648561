package audit_test

import (
	"context"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var houses = &kerneltest.Houses{}

// acts records an entry as somebody, as a room would.
func acts(t *testing.T, e *kerneltest.Env, who *room.Actor, entries ...audit.Entry) {
	t.Helper()
	ctx := room.Acting(web.With(t.Context(), &web.Request{IP: "10.1.2.3"}), who)
	err := e.Kit.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, x := range entries {
			if err := e.Kit.Audit.Record(ctx, tx, x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-t.Context().Done():
			t.Fatal("waited in vain for ", what)
		case <-tick.C:
		}
	}
}

func TestLog(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		auditor, security, system := e.Administrator(room.Auditor), e.Administrator(room.Security), e.Administrator(room.System)
		zhang := kerneltest.Actor("zhang", "u1", room.Unit)
		acts(t, e, zhang, audit.Entry{Action: "lookup.read", Object: "lookup", ID: "t1", Title: "人口基础表", Personal: true, Subjects: 1, Purpose: "核对救助资格", Detail: map[string]any{"fields": []string{"phone"}}},
			audit.Entry{Action: "audit.export", Object: "library_table", ID: "t2", Title: "企业名录", Result: audit.Failed})
		acts(t, e, kerneltest.Actor("li", "u2", room.Unit), audit.Entry{Action: "library.load", Object: "library_table", ID: "t3", Title: "用水量"})
		acts(t, e, auditor, audit.Entry{Action: "audit.export", Object: "audit"})
		var page store.Listed[audit.Item]
		e.Get(t, auditor, "GET /api/audit?account=zhang", "", &page)
		if len(page.Items) != 2 || page.Items[0].What != "导出审计日志" || page.Items[1].What != "lookup.read" || page.Items[1].Purpose != "核对救助资格" {
			t.Fatalf("%+v", page)
		}
		id := page.Items[1].ID
		at := url.QueryEscape(e.Now.Add(-time.Hour).Format(time.RFC3339))
		e.Run(t, []kerneltest.Case{
			{Name: "by person", As: auditor, Call: "GET /api/audit?person=li", Status: 200, Want: []string{"用水量"}, Not: []string{"人口"}},
			{Name: "by action's beginning", As: auditor, Call: "GET /api/audit?action=lookup.", Status: 200, Want: []string{"人口"}, Not: []string{"用水量", "企业"}},
			{Name: "by object", As: auditor, Call: "GET /api/audit?object=library_table&objectId=t3", Status: 200, Want: []string{"用水量"}, Not: []string{"企业"}},
			{Name: "failed", As: auditor, Call: "GET /api/audit?result=failed", Status: 200, Want: []string{"企业"}, Not: []string{"用水量"}},
			{Name: "succeeded", As: auditor, Call: "GET /api/audit?result=ok", Status: 200, Want: []string{"用水量"}, Not: []string{"企业"}},
			{Name: "looks at personal data", As: auditor, Call: "GET /api/audit?personal=yes", Status: 200, Want: []string{"人口"}, Not: []string{"用水量"}},
			{Name: "everything else", As: auditor, Call: "GET /api/audit?personal=no", Status: 200, Want: []string{"用水量"}, Not: []string{"人口"}},
			{Name: "words of the title", As: auditor, Call: "GET /api/audit?text=" + url.QueryEscape("水量"), Status: 200, Want: []string{"用水量"}, Not: []string{"人口"}},
			{Name: "a percent sign is no joker", As: auditor, Call: "GET /api/audit?text=%25", Status: 200, Want: []string{`"items":[]`}},
			{Name: "before", As: auditor, Call: "GET /api/audit?to=" + at, Status: 200, Want: []string{`"items":[]`}},
			{Name: "since", As: auditor, Call: "GET /api/audit?from=" + at, Status: 200, Want: []string{"用水量", "人口", "企业"}},
			{Name: "unit", As: auditor, Call: "GET /api/audit?unit=u2", Status: 200, Want: []string{"用水量"}, Not: []string{"人口"}},
			{Name: "a wrong action", As: auditor, Call: "GET /api/audit?action=a%27b", Status: 422},
			{Name: "one", As: auditor, Call: "GET /api/audit/" + id, Status: 200, Want: []string{`"detail":{"fields":["phone"]}`, `"intact":true`, "10.1.2.3"}},
			{Name: "none", As: auditor, Call: "GET /api/audit/nothing", Status: 404},
			{Name: "in English", As: auditor, Call: "GET /api/audit?result=failed", Lang: "en", Status: 200, Want: []string{"Audit log exported"}},
			{Name: "my own", As: zhang, Call: "GET /api/audit/mine", Status: 200, Want: []string{"人口"}, Not: []string{"用水量"}},
			{Name: "not others'", As: zhang, Call: "GET /api/audit", Status: 403},
			{Name: "the system's administrator sees nothing", As: system, Call: "GET /api/audit", Status: 403},
			{Name: "nor does the security one", As: security, Call: "GET /api/audit", Status: 403},
			{Name: "but he watches the auditors", As: security, Call: "GET /api/audit/auditors", Status: 200, Want: []string{`"admin":"audit"`, "导出审计日志"}, Not: []string{"人口", `"admin":""`}},
			{Name: "whom they do not watch", As: auditor, Call: "GET /api/audit/auditors", Status: 403},
			{Name: "actions", As: auditor, Call: "GET /api/audit/actions", Status: 200, Want: []string{`{"name":"audit.denied","room":"audit","roomTitle":"审计","title":"被拒绝的操作"}`}},
			{Name: "keys", As: auditor, Call: "GET /api/audit/keys", Status: 200, Want: []string{"BEGIN PUBLIC KEY"}},
			{Name: "no secret comes out", As: auditor, Call: "GET /api/audit?person=zhang", Status: 200, Not: []string{`"mac"`, `"session"`}},
		})
		reads := func() int {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "audit.read")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := reads(); n != 2 { // the auditor and the security administrator, many pages each
			t.Error("reading left", n, "entries")
		}
		e.Move(11 * time.Minute)
		e.Get(t, auditor, "GET /api/audit", "", nil)
		if n := reads(); n != 3 {
			t.Error("reading again left", n, "entries")
		}
		e.Strangers(t)
	})
}

func TestPages(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		auditor := e.Administrator(room.Auditor)
		for range 3 {
			acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), make([]audit.Entry, 3)...) // the same microsecond, sorted by id
		}
		seen, after := map[string]bool{}, ""
		for range 20 {
			var page store.Listed[audit.Item]
			e.Get(t, auditor, "GET /api/audit?person=zhang&limit=2&after="+after, "", &page)
			for _, i := range page.Items {
				seen[i.ID] = true
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if len(seen) != 9 || after != "" {
			t.Error(len(seen), after)
		}
	})
}

// What is committed stands in the chain without anybody asking, and the first root is signed and exported.
func TestService(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		dir := t.TempDir()
		e.Kit.Audit.RootsIn(dir)
		acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), make([]audit.Entry, 700)...)
		left := func() int {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit LEFT JOIN audit_link ON record = id WHERE record IS NULL`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		until(t, "the chain", func() bool { return left() == 0 })
		until(t, "the root's file", func() bool { f, _ := filepath.Glob(filepath.Join(dir, "2023-06.jsonl")); return len(f) == 1 })
		e.Move(25 * time.Hour)
		auditor := e.Administrator(room.Auditor)
		until(t, "the next day's root", func() bool {
			var page store.Listed[audit.Root]
			e.Get(t, auditor, "GET /api/audit/roots", "", &page)
			return len(page.Items) > 1 && page.Items[0].Kind == "day" && page.Items[0].To >= 700
		})
		if err := e.Kit.Audit.Health(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type checked struct {
	Check *struct {
		State  string
		Done   int64
		Report *audit.Report
		Words  []string
	}
}

func TestVerifyByHand(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		auditor := e.Administrator(room.Auditor)
		var c checked
		if e.Get(t, auditor, "GET /api/audit/verify", "", &c); c.Check != nil {
			t.Errorf("%+v", c.Check)
		}
		acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), make([]audit.Entry, 30)...)
		if e.Get(t, auditor, "POST /api/audit/verify", "", &c); c.Check.State != "whole" || c.Check.Report.Rows < 30 || len(c.Check.Words) != 1 {
			t.Fatalf("%+v", c.Check)
		}
		_, first := e.Call(t, kerneltest.Case{As: auditor, Call: "POST /api/audit/verify", Key: "once"})
		if _, again := e.Call(t, kerneltest.Case{As: auditor, Call: "POST /api/audit/verify", Key: "once"}); again != first || !strings.Contains(first, `"state":"whole"`) {
			t.Errorf("the repeat began anew: %s %s", first, again)
		}
		if err := store.Exec(t.Context(), e.Kit.DB, `UPDATE audit SET title = 'x' WHERE `+at("seq = 7")); err != nil {
			t.Fatal(err)
		}
		e.Kit.Audit.AtOnce(10) // the rest is long: a job
		if e.Get(t, auditor, "POST /api/audit/verify", "", &c); c.Check.State != "running" {
			t.Fatalf("%+v", c.Check)
		}
		until(t, "the job", func() bool {
			e.Get(t, auditor, "GET /api/audit/verify", "", &c)
			return c.Check.State != "running"
		})
		if c.Check.State != "broken" || c.Check.Report.FirstBroken != 7 || !strings.Contains(strings.Join(c.Check.Words, ""), "第 7 条记录（编号") {
			t.Errorf("%+v", c.Check)
		}
		var asked, ended struct{ Items []audit.Item }
		e.Get(t, auditor, "GET /api/audit?action=audit.verify&result=ok", "", &asked)
		e.Get(t, auditor, "GET /api/audit?action=audit.verified&result=failed", "", &ended)
		if len(asked.Items) != 3 || len(ended.Items) != 1 { // "audit.verify" does not begin "audit.verified"
			t.Errorf("%d %d", len(asked.Items), len(ended.Items))
		}
	})
}

func TestExportOverHTTP(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		auditor := e.Administrator(room.Auditor)
		acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), make([]audit.Entry, 10)...)
		e.Move(24 * time.Hour)
		acts(t, e, kerneltest.Actor("zhang", "u1", room.Unit), make([]audit.Entry, 10)...)
		pem, err := e.Kit.Ring.PublicKeyPEM("")
		if err != nil {
			t.Fatal(err)
		}
		day := url.QueryEscape(e.Now.Add(-time.Hour).Format(time.RFC3339))
		for _, c := range []struct {
			name, query string
			from, rows  int64
		}{
			{"all", "", 1, 20},
			{"by records", "?fromSeq=5&toSeq=8", 5, 4},
			{"by time", "?to=" + day, 1, 10},
		} {
			status, body := e.Call(t, kerneltest.Case{As: auditor, Call: "GET /api/audit/export" + c.query})
			if status != 200 {
				t.Fatal(c.name, status, body)
			}
			r, err := audit.VerifyPack(strings.NewReader(body), audit.PackOptions{Trusted: [][]byte{pem}})
			if err != nil || !r.OK || r.From != c.from || r.Rows < c.rows || r.Rows > c.rows+5 {
				t.Errorf("%s: %+v %v", c.name, r, err)
			}
		}
		e.Run(t, []kerneltest.Case{
			{Name: "beyond", As: auditor, Call: "GET /api/audit/export?fromSeq=99", Status: 404, Want: []string{"没有从第 99 条开始的审计记录"}},
			{Name: "no number", As: auditor, Call: "GET /api/audit/export?fromSeq=x", Status: 422, Want: []string{"fromSeq"}},
			{Name: "no time", As: auditor, Call: "GET /api/audit/export?from=yesterday", Status: 422, Want: []string{"2023-06-01T09:00:00"}},
			{Name: "nothing then", As: auditor, Call: "GET /api/audit/export?to=2000-01-01T00:00:00Z", Status: 404, Want: []string{"换一个时间范围"}},
			{Name: "it was recorded", As: auditor, Call: "GET /api/audit?action=audit.export", Status: 200, Want: []string{"导出审计日志"}},
		})
	})
}

// The answer a browser reads holds no null where it expects a list.
func TestEmptyCheck(t *testing.T) {
	b, err := json.Marshal(audit.CheckView{Words: []string{}})
	if err != nil || !strings.Contains(string(b), `"words":[]`) {
		t.Error(string(b), err)
	}
}
