package batch_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/batch/internal/parcel/parceltest"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var all = []string{"sfzh", "xm", "sjh", "jd", "cbrq"}

// Nothing but what is asked for comes back: yes or no, what differs, or counts without small groups.
func TestModes(t *testing.T) {
	each(t, func(e env) {
		rows := people(40)
		for i := range 3 {
			rows[i][3] = "梨园街道"
		}
		ds := e.publish("", 0, rows...)
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: all})
		li := officer("li", "u2")

		r := e.draft(li, ds, "a.csv", listOf("身份证号", codes.Fictional(1), codes.Fictional(900)))
		if done := e.ended(li, r); done.Hits != 1 || done.Missed != 1 {
			t.Fatalf("%+v", done)
		}
		if _, _, got := e.fetch(li, r.ID); len(got[0]) != 7 || got[1][2] != "命中" || got[2][2] != "未命中" || got[2][3] != "数据里没有这个号码" {
			t.Error(got)
		}

		line := func(i int, name, mobile, date string) string {
			return strings.Join([]string{codes.Fictional(i), name, mobile, date}, ",")
		}
		r = e.draft(li, ds, "b.csv", listOf("身份证号,姓名,手机号,参保日期", line(1, "张某1", "13800000001", "2020/3/1"), line(2, "张 某2", "１３８００００００９９", "2020年3月1日"), line(4, "李四", "13800000004", "43891"), line(800, "无", "无", "")))
		if n := len(r.Plan["compare"].([]any)); n != 3 {
			t.Fatalf("%d pairs were guessed: %+v", n, r.Plan)
		}
		r = e.choose(li, r, map[string]any{"mode": "changed"})
		if done := e.ended(li, r); done.Hits != 3 || done.Changed != 2 {
			t.Fatalf("%+v", done)
		}
		_, _, got := e.fetch(li, r.ID)
		want := []string{"一致|||", "有变化：手机号||138****0002|", "有变化：姓名|张*||", "|||"}
		for i, w := range want {
			if line := strings.Join(got[i+1][4:8], "|"); line != w {
				t.Errorf("row %d: %s, want %s", i, line, w)
			}
		}

		var keys []string
		for i := range 40 {
			keys = append(keys, codes.Fictional(i))
		}
		r = e.choose(li, e.draft(li, ds, "c.csv", listOf("身份证号", keys...)), map[string]any{"mode": "counts", "group": "jd"})
		done := e.ended(li, r)
		if fmt.Sprint(done.Groups) != "[{珞南街道 19 false} { 0 true}]" {
			t.Error("the small group is told:", done.Groups)
		}
		count := func(name string, keys ...string) run {
			return e.ended(li, e.choose(li, e.draft(li, ds, name, listOf("身份证号", keys...)), map[string]any{"mode": "counts", "group": "jd"}))
		}
		if one := count("one.csv", codes.Fictional(1)); fmt.Sprint(one.Groups) != "[{ 0 true}]" {
			t.Error("a list of one tells the group of that one:", one.Groups)
		}
		if same := count("same.csv", codes.Fictional(5), codes.Fictional(7), codes.Fictional(9), codes.Fictional(11), codes.Fictional(13), codes.Fictional(15)); fmt.Sprint(same.Groups) != "[{ 0 true}]" {
			t.Error("a short list that is of one group tells it of each:", same.Groups)
		}
		if again := count("again.csv", keys...); again.State != "done" || fmt.Sprint(again.Groups) != fmt.Sprint(done.Groups) {
			t.Error("the same list again:", again.State, again.Groups)
		}
		if less := count("less.csv", keys[1:]...); less.State != "failed" || len(less.Groups) != 0 || !strings.Contains(less.Error, "名单只差几个人") {
			t.Error("one person less tells his group:", less.State, less.Error, less.Groups)
		}
		if other := count("other.csv", append(keys[8:], codes.Fictional(700))...); other.State != "done" {
			t.Error("a list that differs more:", other.State, other.Error)
		}
		if done.Ready {
			t.Error("counts have no rows to fetch")
		}
		bad := e.draft(li, ds, "d.csv", listOf("身份证号", keys...))
		e.Run(t, []kerneltest.Case{
			{Name: "no counts by what is sensitive", As: li, Call: "PUT /api/batch/runs/" + bad.ID, Body: fmt.Sprintf(`{"at":0,"key":"sfzh","mode":"counts","group":"sjh","purpose":%q,"basis":%q,"version":1}`, purpose, basis), Status: 422, Want: []string{"敏感列"}},
			{Name: "nothing clear without a grant to reveal", As: li, Call: "PUT /api/batch/runs/" + bad.ID, Body: fmt.Sprintf(`{"at":0,"key":"sfzh","mode":"fields","columns":["sjh"],"clear":["sjh"],"reason":"电话通知本人","purpose":%q,"basis":%q,"version":1}`, purpose, basis), Status: 200},
			{Name: "told when it is started", As: li, Call: "POST /api/batch/runs/" + bad.ID + "/start", Body: `{"version":2}`, Status: 403, Want: []string{"手机号", "明文"}},
			{Name: "a number is no purpose", As: li, Call: "POST /api/batch/runs", Body: fmt.Sprintf(`{"fileId":"x","dataset":%q,"purpose":"核对 %s 的材料","basis":%q}`, ds.ID, codes.Fictional(1), basis), Status: 422, Want: []string{"证件号码"}},
			{Name: "no basis", As: li, Call: "POST /api/batch/runs", Body: fmt.Sprintf(`{"fileId":"x","dataset":%q,"purpose":%q,"basis":""}`, ds.ID, purpose), Status: 422, Want: []string{`"basis"`}},
		})
	})
}

// A filter of the grant is part of the question: rows out of its reach are not found, and nothing tells they are there.
func TestFilteredGrant(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish("", 0, people(10)...)
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: all, Filter: dataset.Filter{{Column: "jd", Op: warehouse.OpEq, Values: []string{"关山街道"}}}})
		li := officer("li", "u2")
		r := e.draft(li, ds, "a.csv", listOf("身份证号", codes.Fictional(0), codes.Fictional(1), codes.Fictional(700)))
		if done := e.ended(li, r); done.Hits != 1 || done.Missed != 2 {
			t.Fatalf("%+v", done)
		}
		_, _, got := e.fetch(li, r.ID)
		if got[2][2] != "未命中" || got[2][3] != got[3][3] || !strings.Contains(got[2][3], "授权") {
			t.Error(got[2:])
		}
	})
}

// The quota is spent in the transaction that ends the run: what does not fit leaves nothing to fetch.
func TestQuota(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish("", 0, people(20)...)
		e.grant(ds, dataset.Grant{Unit: "u2", Columns: all, Quota: 5})
		li := officer("li", "u2")
		many := func(n int) run {
			var keys []string
			for i := range n {
				keys = append(keys, codes.Fictional(i))
			}
			return e.draft(li, ds, "a.csv", listOf("身份证号", keys...))
		}
		if done := e.ended(li, many(4)); done.State != "done" {
			t.Fatalf("%+v", done)
		}
		failed := e.ended(li, many(3))
		if failed.State != "failed" || failed.Ready || !strings.Contains(failed.Error, "每日限额为 5 条，今天还可以使用 1 条") {
			t.Errorf("%+v", failed)
		}
		if done := e.ended(li, many(1)); done.State != "done" {
			t.Errorf("one more fits: %+v", done)
		}
		r := many(1)
		if s, b := e.start(li, r); s != 429 || !strings.Contains(b, "限额") {
			t.Error("told before anything is matched:", s, b)
		}
		e.Move(24 * time.Hour)
		if done := e.ended(li, r); done.State != "done" {
			t.Errorf("the next day: %+v", done)
		}
	})
}

// What comes for a list, and the words for it. Nothing of a refused file is kept but what its person uploaded.
func TestBadLists(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish("", 0, people(50)...)
		li := officer("zhang", "u1")
		book := func(fill func(f *excelize.File), o ...excelize.Options) string {
			f := excelize.NewFile()
			fill(f)
			var b bytes.Buffer
			if err := f.Write(&b, o...); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		for _, c := range []struct{ name, file, content, words string }{
			{"a PDF", "a.csv", "%PDF-1.4 ...", "不是表格"},
			{"protected by a password", "a.xlsx", book(func(f *excelize.File) { f.SetCellStr("Sheet1", "A1", "身份证号") }, excelize.Options{Password: "x"}), "密码"},
			{"blank", "a.csv", "\r\n\r\n", ""},
		} {
			s, b := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/batch/runs", Body: e.body(e.upload(li, c.file, c.content), ds)})
			if s != 422 || !strings.Contains(b, c.words) {
				t.Errorf("%s: %d %s", c.name, s, b)
			}
		}
		if s, b := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/file/uploads", Body: `{"name":"a.csv","size":0}`}); s != 422 {
			t.Error("no bytes:", s, b)
		}

		gbk, err := simplifiedchinese.GBK.NewEncoder().String(listOf("患者姓名,证件号码", "甲,"+codes.Fictional(1), "乙,"+codes.Fictional(2)))
		if err != nil {
			t.Fatal(err)
		}
		if r := e.draft(li, ds, "a.csv", gbk); r.Encoding != "GB18030" || r.Valid != 2 {
			t.Errorf("GBK: %+v", r)
		}
		sheet := e.draft(li, ds, "a.xlsx", book(func(f *excelize.File) {
			f.SetCellStr("Sheet1", "A1", "两病患者名单（2023 年 5 月）")
			for i, row := range [][]any{{"序号", "身份证号"}, {1, codes.Fictional(1)}, {2, 420199198506150000.0}, {3, "　" + codes.Fictional(2) + " "}} {
				f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+2), &row)
			}
		}))
		if sheet.Format != "xlsx" || sheet.Rows != 3 || sheet.Valid != 2 || sheet.Invalid != 1 {
			t.Errorf("a workbook under a title: %+v", sheet)
		}

		var wrong []string
		for i := range 30 {
			wrong = append(wrong, fmt.Sprintf("A-%d,%s", i, codes.Fictional(i)))
		}
		r := e.draft(li, ds, "a.csv", listOf("编号,证件", wrong...))
		if r.Valid != 30 || r.Plan["at"] != 1.0 {
			t.Fatalf("the column is known by its values: %+v", r)
		}
		r = e.choose(li, r, map[string]any{"at": 0})
		if r.Valid != 0 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "“证件”看起来才是号码列") {
			t.Errorf("wrong column: %+v", r)
		}
		if s, b := e.start(li, r); s != 422 || !strings.Contains(b, "多半选错了列") {
			t.Error("it is started all the same:", s, b)
		}

		var mixed []string
		for i := range 50 {
			id := codes.Fictional(i)
			if i%5 < 2 { // 40 %
				id = id[:17] + string("10X98765432"[(strings.IndexByte("10X98765432", id[17])+1)%11])
			}
			mixed = append(mixed, id)
		}
		r = e.draft(li, ds, "a.csv", listOf("证件号码", mixed...))
		if r.Valid != 30 || r.Invalid != 20 || len(r.Problems) != 0 || !strings.Contains(r.Why[0].Message, "校验") {
			t.Errorf("40 %% wrong: %+v", r)
		}
		if done := e.ended(li, r); done.Hits != 30 || done.Grant != "" {
			t.Errorf("%+v", done)
		}
	})
}

// A worker that dies leaves nothing and the run is done again; one that was cancelled gives nothing out.
func TestResumeAndCancel(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish("", 0, people(10)...)
		li := officer("zhang", "u1")
		r := e.draft(li, ds, "a.csv", listOf("身份证号", codes.Fictional(1)))
		// as a dead worker leaves it
		if err := store.Exec(t.Context(), e.Kit.DB, `UPDATE batch_run SET state = 'running', run = 1, lang = 'zh', beat_at = 1, version = 2 WHERE id = $1`, r.ID); err != nil {
			t.Fatal(err)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "not while it runs", As: li, Call: "DELETE /api/batch/runs/" + r.ID, Status: 409},
			{Name: "nothing to fetch", As: li, Call: "POST /api/batch/runs/" + r.ID + "/copies", Body: `{"format":"csv"}`, Status: 409},
		})
		second := e.draft(li, ds, "b.csv", listOf("身份证号", codes.Fictional(2)))
		if s, b := e.start(li, second); s != 409 || !strings.Contains(b, "还有一次核验") {
			t.Error("two at once:", s, b)
		}
		e.periodic("batch.watch")
		e.wait(li, r.ID, "done")
		if done := e.ended(li, second); done.State != "done" {
			t.Fatalf("%+v", done)
		}

		third := e.draft(li, ds, "c.csv", listOf("身份证号", codes.Fictional(3)))
		if err := store.Exec(t.Context(), e.Kit.DB, `UPDATE batch_run SET state = 'running', run = 1, beat_at = $1, version = 2 WHERE id = $2`, store.At(time.Now()), third.ID); err != nil {
			t.Fatal(err)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "cancelled", As: li, Call: "POST /api/batch/runs/" + third.ID + "/cancel", Body: "{}", Status: 200, Want: []string{`"state":"cancelled"`}},
			{Name: "discarded", As: li, Call: "DELETE /api/batch/runs/" + third.ID, Status: 204},
			{Name: "done runs stay", As: li, Call: "DELETE /api/batch/runs/" + r.ID, Status: 409},
		})
	})
}

// periodic runs a job of the room as the clock does.
func (e env) periodic(name string) {
	e.t.Helper()
	for _, r := range e.Rooms {
		for _, j := range r.Jobs {
			if j.Name == name {
				if err := runJob(e, j); err != nil {
					e.t.Fatal(err)
				}
			}
		}
	}
}

func runJob(e env, j jobs.Handler) error { return j.Run(e.t.Context(), []byte("{}")) }

func (e env) wait(who *room.Actor, id, state string) run {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var now run
		if e.Get(e.t, who, "GET /api/batch/runs/"+id, "", &now); now.State == state {
			return now
		}
		select {
		case <-tick.C:
		case <-e.t.Context().Done():
			e.t.Fatal("never", state)
		}
	}
}

// Results end: after the time set the list, the result and the key to it are gone; the history stays.
func TestExpiry(t *testing.T) {
	each(t, func(e env) {
		ds := e.publish("", 0, people(10)...)
		li := officer("zhang", "u1")
		r := e.draft(li, ds, "a.csv", listOf("身份证号", codes.Fictional(1), codes.Fictional(2)))
		left := e.draft(li, ds, "b.csv", listOf("身份证号", codes.Fictional(1)))
		e.ended(li, r)
		var c copied
		e.Get(t, li, "POST /api/batch/runs/"+r.ID+"/copies", `{"format":"xlsx"}`, &c)
		s, b := e.Call(t, kerneltest.Case{As: li, Call: "GET " + c.Link})
		name, plain, err := parceltest.Open([]byte(b), c.Password)
		if s != 200 || err != nil || !strings.HasSuffix(name, ".xlsx") {
			t.Fatal(s, name, err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.GetRows(c.Code)
		if err != nil || len(rows) != 4 || !strings.Contains(rows[0][0], c.Code) || rows[2][2] != "命中" {
			t.Error(rows, err)
		}
		e.Get(t, li, "POST /api/batch/runs/"+r.ID+"/copies", `{"format":"csv"}`, &c)
		e.Move(20 * time.Minute)
		e.Run(t, []kerneltest.Case{{Name: "a copy waits a quarter of an hour", As: li, Call: "GET " + c.Link, Status: 409}})
		e.Move(71 * time.Hour)
		e.periodic("batch.expire")
		var now run
		if e.Get(t, li, "GET /api/batch/runs/"+r.ID, "", &now); !now.Ready || now.CopyCount != 2 {
			t.Errorf("too early: %+v", now)
		}
		e.Move(2 * time.Hour)
		e.periodic("batch.expire")
		e.Run(t, []kerneltest.Case{
			{Name: "gone", As: li, Call: "POST /api/batch/runs/" + r.ID + "/copies", Body: `{"format":"csv"}`, Status: 409, Want: []string{"保留期"}},
			{Name: "history", As: li, Call: "GET /api/batch/runs/" + r.ID, Status: 200, Want: []string{`"ready":false`, `"hits":2`, purpose}},
			{Name: "a draft's list too", As: li, Call: "POST /api/batch/runs/" + left.ID + "/start", Body: `{"version":2}`, Status: 409, Want: []string{"重新上传"}},
		})
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM file WHERE room = 'batch'`)
		k, err2 := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM batch_run WHERE sealed <> ''`)
		p, err3 := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM batch_copy WHERE sealed <> ''`)
		if err != nil || err2 != nil || err3 != nil || n+k+p != 0 {
			t.Error("left behind:", n, k, p, err, err2, err3)
		}
	})
}
