package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var liveHouses = &kerneltest.Houses{Rooms: everything.Rooms, Warehouse: func(t *testing.T) warehouse.Store {
	s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}}

// liveTown is a small district that shares what its own rooms know.
type liveTown struct {
	*kerneltest.Env
	t     *testing.T
	units map[string]string
	who   map[string]*room.Actor
}

func newLiveTown(t *testing.T, e *kerneltest.Env) *liveTown {
	w := &liveTown{e, t, map[string]string{}, map[string]*room.Actor{}}
	for _, kind := range []string{"exchange.apply", "catalog.publish", "catalog.mount"} {
		e.Drawn(t, kind)
	}
	for _, u := range [][3]string{{"区", "district", ""}, {"编办", "department", "区"}, {"民政局", "department", "区"}, {"数据中心", "institution", "区"}, {"关山街道", "street", "区"}, {"关山社区", "community", "关山街道"}} {
		var out struct{ ID string }
		code := ""
		if u[1] == "district" {
			var err error
			if code, err = codes.MakeCreditCode("11", "420111", "MB0000011"[:8]); err != nil {
				t.Fatal(err)
			}
		}
		e.Get(t, e.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q,"code":%q}`, "洪山区"+u[0], u[1], w.units[u[2]], code), &out)
		w.units[u[0]] = out.ID
	}
	w.person("编目", "区", "catalog_editor", "catalog_reviewer", "exchange_provider")
	w.person("主管", "区", "catalog_bureau", "catalog_centre", "exchange_centre")
	w.person("申请", "民政局", "exchange_applicant")
	for name, perms := range map[string][]string{"编目": {"library.read", "library.load", "library.grant", "lookup.ledger", "query.use", "query.sql", "quality.read", "cascade.offer"}, "申请": {"lookup.find", "lookup.reveal", "query.use"}} {
		a := w.who[name]
		for _, p := range perms {
			a.Grants[p] = []room.Grant{{Scope: room.Unit, Person: a.Person, Unit: a.Home}}
		}
	}
	return w
}

func (w *liveTown) person(name, unit string, roles ...string) {
	w.t.Helper()
	w.who[name] = w.Employ(w.t, name, name, w.units[unit], false, roles...)
}

func (w *liveTown) get(as, call, body string, out any) {
	w.t.Helper()
	w.Get(w.t, w.who[as], call, body, out)
}

func (w *liveTown) deed(as, caseID, body string) {
	w.t.Helper()
	var of struct{ Mine []struct{ ID string } }
	w.get(as, "GET /api/flow/cases/"+caseID, "", &of)
	if len(of.Mine) == 0 {
		w.t.Fatal(as, "has nothing to do in", caseID)
	}
	w.get(as, "POST /api/flow/cases/"+caseID+"/deeds", fmt.Sprintf(`{"task":%q,%s}`, of.Mine[0].ID, body), nil)
}

// until asks again until ready is true of the answer.
func (w *liveTown) until(as, call string, out any, ready func() bool) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		w.get(as, call, "", out)
		if ready() {
			return
		}
		<-tick.C
	}
	w.t.Fatalf("%s: %+v", call, out)
}

type liveSet struct {
	ID, Name, Live string
	Number, Rows   int64
}

type liveEntry struct {
	ID, State, Case, Name, Cycle, Mount string
	Version                             int64
	DataAt, StaleAt                     *string
	Mounts                              []struct{ ID, Kind, State string }
}

// catalogued drafts every dataset that is in no entry, and takes the one of a name through review to being mounted.
func (w *liveTown) catalogued(title string) liveEntry {
	w.t.Helper()
	var run struct {
		ID, State     string
		Made, Skipped int64
		Remarks       []any
	}
	w.get("编目", "POST /api/catalog/drafts", `{"class":"3","item":"01","subject":"001","detail":"420111","cycle":"monthly","contact":"信息科","phone":"027-87678888"}`, &run)
	w.until("编目", "GET /api/catalog/runs/"+run.ID, &run, func() bool { return run.State == "done" })
	if run.Skipped > 0 {
		w.t.Fatalf("%+v", run)
	}
	var all struct{ Items []liveEntry }
	w.get("编目", "GET /api/catalog/entries?view=work&limit=50", "", &all)
	var e liveEntry
	for _, one := range all.Items {
		if one.Name == title {
			e = one
		}
	}
	w.get("编目", "GET /api/catalog/entries/"+e.ID, "", &e)
	if e.Cycle != "realtime" || len(e.Mounts) != 1 || e.Mounts[0].Kind != "live" || e.Mounts[0].State != "drafted" {
		w.t.Fatalf("%+v", e)
	}
	w.get("编目", "POST /api/catalog/entries/"+e.ID+"/submit", fmt.Sprintf(`{"version":%d}`, e.Version), &e)
	for _, s := range [][2]string{{"编目", "agree"}, {"主管", "agree"}, {"主管", "publish"}} {
		w.deed(s[0], e.Case, fmt.Sprintf(`"verb":"submit","outcome":%q`, s[1]))
	}
	var ready struct {
		Mounted int
		Left    []any
	}
	w.get("主管", "POST /api/catalog/mount-ready", "", &ready)
	w.get("编目", "GET /api/catalog/entries/"+e.ID, "", &e)
	if ready.Mounted != 1 || e.Mount != "mounted" || e.DataAt != nil || e.StaleAt != nil {
		w.t.Fatalf("%+v %+v", ready, e)
	}
	return e
}

// asked signs a call of a program.
func (w *liveTown) asked(key, plain, path string, n int) (int, string) {
	w.t.Helper()
	q, err := http.NewRequestWithContext(w.t.Context(), "GET", w.URL+"/api/exchange/v1/resources/"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	at, nonce := fmt.Sprint(w.Kit.Now().Unix()), fmt.Sprintf("nonce-%020d", n)
	message := strings.Join([]string{"GET", q.URL.EscapedPath(), q.URL.RawQuery, at, nonce, secret.SM3Hex(nil)}, "\n")
	for name, v := range map[string]string{"Key": key, "Time": at, "Nonce": nonce, "Signature": hex.EncodeToString(secret.HMACSM3([]byte(plain), []byte(message)))} {
		q.Header.Set("X-Qushu-"+name, v)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// The directory of units is taken up, drafted, reviewed, mounted, applied for, granted, looked up, asked by a program and
// delivered like a stored table; what it says is of now.
func TestLiveStory(t *testing.T) {
	liveHouses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newLiveTown(t, e)
		w.Run(t, []kerneltest.Case{
			{Name: "what rooms offer", As: w.who["编目"], Call: "GET /api/library/live", Status: 200, Want: []string{`"name":"case_statistics"`, `"name":"org_units"`, `"name":"workdays"`, "单位机构目录", `"taken":[]`}},
			{Name: "another unit's is not taken up", As: w.who["编目"], Call: "POST /api/library/live/org_units", Body: fmt.Sprintf(`{"unit":%q}`, w.units["民政局"]), Status: 403},
			{Name: "nothing that is not offered", As: w.who["编目"], Call: "POST /api/library/live/secrets", Body: `{}`, Status: 404},
		})
		var set liveSet
		w.get("编目", "POST /api/library/live/org_units", `{}`, &set)
		w.Run(t, []kerneltest.Case{
			{Name: "once a unit", As: w.who["编目"], Call: "POST /api/library/live/org_units", Body: `{"name":"other"}`, Status: 409, Want: []string{"dataset.live_taken"}},
			{Name: "listed with the others", As: w.who["编目"], Call: "GET /api/library/datasets", Status: 200, Want: []string{`"live":"org_units"`, `"name":"org_units"`}},
			{Name: "no file replaces it", As: w.who["编目"], Call: "POST /api/library/loads", Body: fmt.Sprintf(`{"fileId":"x","dataset":%q}`, set.ID), Status: 409, Want: []string{"dataset.live_fixed"}},
			{Name: "not asked with SQL", As: w.who["编目"], Call: "POST /api/query/run", Body: `{"sql":"select * from org_units","purpose":"统计各类单位"}`, Status: 422, Want: []string{"dataset.sql_live", "定时投递"}},
			{Name: "nor offered there", As: w.who["编目"], Call: "GET /api/query/sources", Status: 200, Want: []string{`"items":[]`}},
			{Name: "nor checked by version", As: w.who["编目"], Call: "GET /api/quality/datasets/" + set.ID, Status: 422, Want: []string{"quality.live"}},
		})
		entry := w.catalogued("单位机构目录")
		w.Move(400 * 24 * time.Hour) // never overdue, though its cycle is real time
		w.Run(t, []kerneltest.Case{
			{Name: "not overdue", As: w.who["主管"], Call: "GET /api/catalog/entries?mount=stale", Status: 200, Want: []string{`"items":[]`}},
			{Name: "nor in the report", As: w.who["主管"], Call: "GET /api/catalog/reports", Status: 200, Want: []string{`"stale":0`}},
		})
		grant := w.granted(entry)
		w.looked(set)
		w.programmed(grant)
		w.delivered(grant)
	})
}

// granted applies for four of the columns, communities and streets alone, sixty records a day.
func (w *liveTown) granted(entry liveEntry) string {
	w.t.Helper()
	var a struct {
		ID, Case, State, Grant string
		Version                int64
	}
	w.get("申请", "POST /api/exchange/applications", fmt.Sprintf(`{"entry":%q,"phone":"027-87678888","wish":{"columns":["name","code","kind","parent"],"reveal":[],"modes":["look","api","push"],"days":180,"quota":60,
		"filter":[{"column":"kind","op":"in","values":["街道","社区"]}],"purpose":"核对救助对象所在社区","basis":"《社会救助暂行办法》第五十八条","matter":"最低生活保障审核","scenario":"受理窗口逐个核对","frequency":"daily","contact":"李慧","pledge":true}}`, entry.ID), &a)
	w.get("申请", "POST /api/exchange/applications/"+a.ID+"/file", fmt.Sprintf(`{"version":%d}`, a.Version), &a)
	w.deed("主管", a.Case, `"verb":"submit","outcome":"pass"`) // shared without conditions: the platform's check is all
	w.until("申请", "GET /api/exchange/applications/"+a.ID, &a, func() bool { return a.State == "granted" })
	return a.Grant
}

// looked finds units by their name, as far as the grant reaches, and a unit that was renamed a moment ago.
func (w *liveTown) looked(set liveSet) {
	w.t.Helper()
	find := func(name, value string, want ...string) kerneltest.Case {
		return kerneltest.Case{Name: name, As: w.who["申请"], Call: "POST /api/lookup/find", Status: 200, Want: want, Body: fmt.Sprintf(`{"dataset":%q,"column":"name","value":%q,"purpose":"核对张家湾社区归属"}`, set.ID, value)}
	}
	department := find("a department is outside the grant", "洪山区编办", `"rows":[]`)
	w.Run(w.t, []kerneltest.Case{
		{Name: "among the sources", As: w.who["申请"], Call: "GET /api/lookup/datasets", Status: 200, Want: []string{`"live":true`, `"title":"单位名称"`}},
		find("a community", "洪山区关山社区", `"洪山区关山社区"`, `"社区"`, `"洪山区关山街道"`),
		department,
	})
	var u struct{ Version int64 }
	w.Get(w.t, w.Administrator(room.System), "GET /api/org/units/"+w.units["关山社区"], "", &u)
	w.Get(w.t, w.Administrator(room.System), "PUT /api/org/units/"+w.units["关山社区"], fmt.Sprintf(`{"name":"洪山区光谷社区","kind":"community","version":%d}`, u.Version), nil)
	w.Run(w.t, []kerneltest.Case{
		find("its new name at once", "洪山区光谷社区", `"洪山区光谷社区"`), find("and not the old one", "洪山区关山社区", `"rows":[]`),
		{Name: "in the ledger of who answers for it", As: w.who["编目"], Call: "GET /api/lookup/ledger", Status: 200, Want: []string{"核对张家湾社区归属", `"title":"单位机构目录"`}},
	})
}

// programmed asks with a signature: page by page, within the grant, until the quota of the day is spent.
func (w *liveTown) programmed(grant string) {
	w.t.Helper()
	var key struct{ ID, Secret string }
	w.get("申请", "POST /api/exchange/grants/"+grant+"/keys", `{"program":"救助系统","addresses":[]}`, &key)
	status, body := w.asked(key.ID, key.Secret, "org_units?limit=1", 1)
	var page struct {
		Updated string `json:"updatedAt"`
		Next    string
		Items   []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 || len(page.Items) != 1 || page.Next == "" || page.Updated == "" {
		w.t.Fatal(status, body)
	}
	status, rest := w.asked(key.ID, key.Secret, "org_units?cursor="+url.QueryEscape(page.Next)+"&limit=50", 2)
	if status != 200 || strings.Contains(body+rest, "编办") || !strings.Contains(body+rest, "洪山区光谷社区") || !strings.Contains(body+rest, "洪山区关山街道") || strings.Contains(body+rest, "since") {
		w.t.Error(status, body, rest)
	}
	if status, body := w.asked(key.ID, key.Secret, "org_units?columns=since", 3); status != 403 {
		w.t.Error("a column that was not granted:", status, body)
	}
}

// delivered sends it to a folder by hand; a schedule by version is refused in words.
func (w *liveTown) delivered(grant string) {
	w.t.Helper()
	root := w.t.TempDir()
	w.Get(w.t, w.Administrator(room.System), "PUT /api/settings/exchange.folder", fmt.Sprintf(`{"value":%s,"reason":"试验投递","version":0}`, strconv.Quote(root)), nil)
	plan := func(kind string) string {
		return fmt.Sprintf(`{"title":"每日投递","plan":{"target":{"kind":"folder","path":"civil"},"format":"csv","schedule":{"kind":%q,"hour":6}}}`, kind)
	}
	w.Run(w.t, []kerneltest.Case{{Name: "it has no versions to wait for", As: w.who["申请"], Call: "POST /api/exchange/grants/" + grant + "/deliveries", Body: plan("version"), Status: 422, Want: []string{"没有版本更新"}}})
	var d struct{ ID string }
	w.get("申请", "POST /api/exchange/grants/"+grant+"/deliveries", plan("daily"), &d)
	var runs struct {
		Items []struct {
			State, File, Reason string
			Rows                int64
		}
	}
	w.get("申请", "POST /api/exchange/deliveries/"+d.ID+"/runs", "", nil)
	w.until("申请", "GET /api/exchange/deliveries/"+d.ID+"/runs", &runs, func() bool {
		return len(runs.Items) > 0 && runs.Items[0].State != "queued" && runs.Items[0].State != "running"
	})
	r := runs.Items[0]
	data, err := os.ReadFile(filepath.Join(root, "civil", r.File))
	if r.State != "done" || r.Rows != 2 || err != nil || !strings.Contains(string(data), "洪山区光谷社区") || strings.Contains(string(data), "编办") || strings.Contains(r.File, "-v") {
		w.t.Fatalf("%+v %s %v", r, data, err)
	}
}

// What a room knows of persons is masked, revealed and scoped as if it were stored; the function sees only what the unit that
// took it up may see.
func TestLivePersons(t *testing.T) {
	liveHouses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newLiveTown(t, e)
		text := warehouse.Type{Kind: warehouse.KindText}
		asked := 0
		people := dataset.Live{Name: "on_duty", Title: "值班人员", Summary: "今日值班", Room: "org", Perm: "org.read",
			Columns: []dataset.Column{{Name: "id", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true},
				{Name: "phone", Title: "手机号", Type: text, Kind: codes.KindMobile, Level: dataset.L3, Masked: true}, {Name: "street", Title: "街道", Type: text, Level: dataset.L2}},
			Rows: func(ctx context.Context, _ store.Queryer, wanted dataset.Wanted) iter.Seq2[[]any, error] {
				me := room.ActorOf(ctx)
				if reach := me.Reach("org.read"); len(reach) != 1 || reach[0].Unit != w.units["区"] || reach[0].Scope != room.Below || me.Can("library.load") {
					t.Errorf("the function acts as %+v", me)
				}
				if only, ok := wanted.Only("id"); ok && len(only) == 1 {
					asked++
				}
				return func(yield func([]any, error) bool) {
					for n := range 40 {
						if !yield([]any{fmt.Sprintf("42019919850615%04d", n), fmt.Sprintf("1380000%04d", n), []string{"关山街道", "狮子山街道"}[n%2]}, nil) {
							return
						}
					}
				}
			}}
		if err := e.Kit.Datasets.Declare(people); err != nil {
			t.Fatal(err)
		}
		var set liveSet
		w.get("编目", "POST /api/library/live/on_duty", `{}`, &set)
		w.get("编目", "POST /api/library/datasets/"+set.ID+"/grants", fmt.Sprintf(`{"unit":%q,"columns":["id","phone","street"],"reveal":["phone"],"purpose":"通知值班人员","basis":"值班制度","until":%q,
			"filter":[{"column":"street","op":"eq","values":["关山街道"]}]}`, w.units["民政局"], e.Now.Add(time.Hour).Format(time.RFC3339)), nil)
		find := func(name string, n int, want ...string) kerneltest.Case {
			return kerneltest.Case{Name: name, As: w.who["申请"], Call: "POST /api/lookup/find", Status: 200, Want: want, Not: []string{"42019919850615", "13800000"},
				Body: fmt.Sprintf(`{"dataset":%q,"column":"id","value":"42019919850615%04d","purpose":"通知今日值班人员"}`, set.ID, n)}
		}
		w.Run(t, []kerneltest.Case{find("masked", 4, "420199********0004", "138****0004"), find("outside the grant", 5, `"rows":[]`), find("nobody", 99, `"rows":[]`)})
		if asked != 3 {
			t.Error("a look-up tells the function its key:", asked)
		}
		var look struct{ Look string }
		c := find("again", 4)
		w.get("申请", c.Call, c.Body, &look)
		w.Run(t, []kerneltest.Case{
			{Name: "revealed", As: w.who["申请"], Call: "POST /api/lookup/reveal", Status: 200, Want: []string{"13800000004"}, Body: fmt.Sprintf(`{"look":%q,"row":0,"column":"phone","reason":"电话通知到岗"}`, look.Look)},
			{Name: "not what was not granted in clear", As: w.who["申请"], Call: "POST /api/lookup/reveal", Status: 403, Body: fmt.Sprintf(`{"look":%q,"row":0,"column":"id","reason":"电话通知到岗"}`, look.Look)},
		})
		as := room.Acting(t.Context(), w.who["编目"])
		ds, err := e.Kit.Datasets.Get(as, e.Kit.DB, set.ID, store.Unscoped("a test"))
		if err != nil {
			t.Fatal(err)
		}
		matched, err := e.Kit.Datasets.Match(as, ds, dataset.Right{Owned: true}, dataset.Matching{Key: "id", Values: []any{"420199198506150007", "nobody", "420199198506150002"}, Columns: []string{"phone", "street"}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for m, err := range matched {
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprint(m.Place, m.Rows, m.Texts)
		}
		if got != "0 1 [138****0007 狮子山街道]2 1 [138****0002 关山街道]" {
			t.Error("a list held against it:", got)
		}
	})
}

// What was done of cases is counted for the unit that asks for the figures; nobody is named.
func TestLiveStatistics(t *testing.T) {
	liveHouses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newLiveTown(t, e)
		var stats, days liveSet
		w.get("编目", "POST /api/library/live/case_statistics", `{"name":"ban_jian","title":"全区办件统计"}`, &stats)
		w.get("编目", "POST /api/library/live/workdays", `{}`, &days)
		ask := func(name string, q warehouse.Query) [][]any {
			t.Helper()
			res, err := e.Kit.Datasets.Query(room.BySystem(t.Context()), e.Kit.DB, "library.read", warehouse.Query{From: name, Select: q.Select, Where: q.Where, Group: q.Group, Order: q.Order, Limit: q.Limit})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := res.All()
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		if rows := ask("ban_jian", warehouse.Query{}); len(rows) != 0 {
			t.Error("cases that were done before any was:", rows)
		}
		w.catalogued("工作日历") // eight deeds of two cases
		rows := ask("ban_jian", warehouse.Query{})
		if len(rows) != 1 || rows[0][0] != e.Now.In(warehouse.Zone()).Format("2006-01") || rows[0][1] != "catalog.publish" || rows[0][3] != "洪山区区" || rows[0][4] != int64(1) || rows[0][5] != int64(0) {
			t.Error(rows)
		}
		spring := ask("workdays", warehouse.Query{Where: warehouse.And(warehouse.Ge("day", warehouse.Date("2024-02-01")), warehouse.Le("day", warehouse.Date("2024-02-29"))),
			Select: []warehouse.Item{{Col: "workday"}, {Agg: warehouse.Count, As: "n"}}, Group: []string{"workday"}, Order: []warehouse.Sort{{By: "workday"}}})
		if fmt.Sprint(spring) != "[[false 11] [true 18]]" { // 国办发明电〔2023〕7号: 10–17 February off, the 4th and the 18th worked
			t.Error("days of February 2024:", spring)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "a day by its key", As: w.owner("编目", "lookup.find"), Call: "POST /api/lookup/find", Status: 200, Want: []string{`"2024-02-18"`, `"true"`}, Body: fmt.Sprintf(`{"dataset":%q,"column":"day","value":"2024-02-18","purpose":"核对春节后上班日期"}`, days.ID)},
			{Name: "given back", As: w.who["编目"], Call: "DELETE /api/library/datasets/" + stats.ID + "?version=1", Status: 204},
			{Name: "and taken up anew", As: w.who["编目"], Call: "POST /api/library/live/case_statistics", Body: `{}`, Status: 200, Want: []string{`"name":"case_statistics"`}},
		})
	})
}

// owner is somebody with one permission more.
func (w *liveTown) owner(name, perm string) *room.Actor {
	a := *w.who[name]
	a.Account = name + "+" + perm
	a.Grants = map[string][]room.Grant{perm: {{Scope: room.Unit, Person: a.Person, Unit: a.Home}}}
	return &a
}
