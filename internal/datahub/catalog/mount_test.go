package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

var text = warehouse.Type{Kind: warehouse.KindText}

// firms are columns anybody may see.
var firms = []dataset.Column{
	{Name: "no", Title: "登记号", Type: text, Key: true, Level: dataset.L1},
	{Name: "industry", Title: "行业", Type: text, Level: dataset.L1},
}

// gather puts a dataset of a unit in place.
func (w *town) gather(name, title, unit string, cols []dataset.Column, rows ...[]any) dataset.Dataset {
	w.t.Helper()
	loaded, err := w.Kit.Warehouse.Load(w.t.Context(), warehouse.Spec{Table: name, Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, func(yield func(warehouse.Row, error) bool) {
		for _, r := range rows {
			if !yield(warehouse.Row{Values: r}, nil) {
				return
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var ds dataset.Dataset
	err = w.Kit.DB.Tx(room.BySystem(w.t.Context()), func(ctx context.Context, tx *store.Tx) error {
		p := dataset.Publication{Name: name, Title: title, Summary: "由业务系统归集", Room: "library", Unit: w.units[unit], Columns: cols, Loaded: loaded.Version}
		if old, err := w.Kit.Datasets.Named(ctx, tx, name, store.Unscoped("a test")); err == nil {
			p.ID, p.Expect = old.ID, old.Version
		}
		ds, err = w.Kit.Datasets.Publish(ctx, tx, p)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

func TestMounted(t *testing.T) {
	each(t, func(w *town) {
		ds := w.gather("firms", "就业登记表", "人社局", firms, []any{"A1", "制造"}, []any{"A2", "教育"})
		other := w.gather("other", "婚姻登记表", "民政局", firms, []any{"B1", "无"})
		e := w.publish(w.create("编目人社局", w.body("洪山区就业登记信息")))
		mount := func(dataset string) string { return fmt.Sprintf(`{"kind":"table","dataset":%q}`, dataset) }
		w.Run(t, []kerneltest.Case{
			{Name: "how it fits", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/fit", Body: mount(ds.ID), Status: 200, Want: []string{`"faults":[]`, `"column":"industry"`}},
			{Name: "another unit's data", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts", Body: mount(other.ID), Status: 404},
			{Name: "a stranger", As: w.who["路人"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts", Body: mount(ds.ID), Status: 403},
			{Name: "proposed by the provider", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts", Body: mount(ds.ID), Status: 200, Want: []string{`"state":"proposed"`, `"holder":"中心"`}},
			{Name: "and again", As: w.who["编目人社局"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts", Body: mount(ds.ID), Status: 409, Want: []string{"已经挂接"}},
		})
		e = w.show("编目人社局", e.ID)
		w.agree(e.Mounts[0].Case, [2]string{"中心", "agree"})
		if e = w.show("路人", e.ID); e.Mount != "mounted" || e.Rows != 2 || len(e.Mounts) != 1 || e.Mounts[0].Dataset != "" {
			t.Fatalf("%+v", e)
		}
		if got, ok, err := w.catalog().ByDataset(t.Context(), w.Kit.DB, ds.ID); err != nil || !ok || got.Code != e.Code || got.Items[1].Column != "industry" || got.Items[1].Share != "unconditional" {
			t.Errorf("%+v %v", got, err)
		}

		w.Move(60 * 24 * time.Hour)
		if err := w.catalog().refresh(room.BySystem(t.Context())); err != nil {
			t.Fatal(err)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "overdue after a month and its grace", As: w.who["路人"], Call: "GET /api/catalog/entries?mount=stale", Status: 200, Want: []string{e.ID}},
			{Name: "its editor is told, once", As: w.who["编目人社局"], Call: "GET /api/notify", Status: 200, Want: []string{"超期未更新"}},
			{Name: "in the report", As: w.who["主管"], Call: "GET /api/catalog/reports", Status: 200, Want: []string{`"stale":1`, `"datasets":2,"covered":1`}},
			{Name: "of one's own units", As: w.who["编目民政局"], Call: "GET /api/catalog/reports", Status: 200, Want: []string{`"datasets":1,"covered":0`}, Not: []string{"人社局"}},
		})
		w.gather("firms", "就业登记表", "人社局", firms, []any{"A1", "制造"}, []any{"A2", "教育"}, []any{"A3", "农业"})
		if err := w.catalog().refresh(room.BySystem(t.Context())); err != nil {
			t.Fatal(err)
		}
		if e = w.show("编目人社局", e.ID); e.Mount != "mounted" || e.Rows != 3 {
			t.Fatalf("%+v", e.EntryLine)
		}
		closed := []dataset.Column{firms[0], {Name: "industry", Title: "行业", Type: text, Level: dataset.L2}}
		w.Move(time.Hour)
		w.gather("firms", "就业登记表", "人社局", closed, []any{"A1", "制造"})
		if err := w.catalog().refresh(room.BySystem(t.Context())); err != nil {
			t.Fatal(err)
		}
		if e = w.show("编目人社局", e.ID); e.Mount != "broken" || len(e.Mounts[0].Faults) != 1 || !strings.Contains(e.Mounts[0].Faults[0].Message, "低于数据列的 L2") {
			t.Fatalf("%+v", e.Mounts)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "ended", As: w.who["中心"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts/" + e.Mounts[0].ID + "/end", Body: `{"reason":"级别不符"}`, Status: 200, Want: []string{`"mount":"none"`}},
			{Name: "what does not fit is not bound", As: w.who["中心"], Call: "POST /api/catalog/entries/" + e.ID + "/mounts", Body: mount(ds.ID), Status: 422, Want: []string{"低于数据列的 L2"}},
		})
	})
}

// A whole database is drafted in one command; what is known of the data stands in the drafts.
func TestDrafts(t *testing.T) {
	each(t, func(w *town) {
		people := []dataset.Column{{Name: "id", Title: "身份证号", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true}, {Name: "age", Title: "年龄", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2}}
		for n := range 5 {
			w.gather(fmt.Sprintf("t%d", n), fmt.Sprintf("登记表%d", n), "人社局", people, []any{"420111198506150015", int64(n)})
		}
		w.gather("theirs", "婚姻登记表", "民政局", firms, []any{"B1", "无"})
		var run RunBody
		w.Get(t, w.who["编目人社局"], "POST /api/catalog/drafts", `{"class":"3","item":"01","subject":"001","cycle":"monthly"}`, &run)
		run = w.ran("编目人社局", run.ID)
		if run.State != "done" || run.Made != 5 || run.Total != 5 {
			t.Fatalf("%+v", run)
		}
		var list store.Listed[EntryLine]
		w.Get(t, w.who["编目人社局"], "GET /api/catalog/entries?view=work", "", &list)
		if len(list.Items) != 5 || list.Items[0].Share != "conditional" || list.Items[0].Level != "L3" || list.Items[0].Items != 2 {
			t.Fatalf("%+v", list)
		}
		e := w.show("编目人社局", list.Items[0].ID)
		if e.Draft.Items[0].Kind != codes.KindID || e.Draft.UnitCode == "" || len(e.Mounts) != 1 || e.Mounts[0].State != "drafted" {
			t.Fatalf("%+v", e)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "nothing is drafted twice", As: w.who["编目人社局"], Call: "POST /api/catalog/drafts", Body: `{"class":"3","item":"01","subject":"001","cycle":"monthly"}`, Status: 409, Want: []string{"都已编目"}},
			{Name: "many are handed in at once, each with what it lacks", As: w.who["编目人社局"], Call: "POST /api/catalog/submit", Body: fmt.Sprintf(`{"ids":[%q,"nothing"]}`, e.ID), Status: 200, Want: []string{`"ok":false`, "共享条件", "没有这条目录"}},
			{Name: "a run is its owner's", As: w.who["编目民政局"], Call: "GET /api/catalog/runs/" + run.ID, Status: 404},
		})
		body, _ := json.Marshal(e.Draft)
		m := map[string]any{}
		_ = json.Unmarshal(body, &m)
		m["condition"], m["version"] = "限社会保险经办使用", e.Version
		body, _ = json.Marshal(m)
		w.Get(t, w.who["编目人社局"], "PUT /api/catalog/entries/"+e.ID+"/draft", string(body), &e)
		e = w.publish(e)
		var ready readyOut
		w.Get(t, w.who["中心"], "POST /api/catalog/mount-ready", "", &ready.Body)
		if ready.Body.Mounted != 1 || w.show("路人", e.ID).Mount != "mounted" {
			t.Fatalf("%+v", ready)
		}
	})
}

// ran waits for a run to end.
func (w *town) ran(as, id string) RunBody {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		var run RunBody
		w.Get(w.t, w.who[as], "GET /api/catalog/runs/"+id, "", &run)
		if run.State == "done" || run.State == "cancelled" {
			return run
		}
		<-tick.C
	}
	w.t.Fatal("the run does not end")
	return RunBody{}
}

func (w *town) bytes(as, call string, body []byte) (int, []byte) {
	w.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	q, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("X-Test-Actor", w.who[as].Person)
	if body != nil {
		q.Header.Set("Content-Type", "application/octet-stream")
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
	return r.StatusCode, b
}

// A workbook goes out and comes in; what cannot be read is refused row by row, the rest is kept.
func TestWorkbook(t *testing.T) {
	each(t, func(w *town) {
		e := w.publish(w.create("编目人社局", w.body("洪山区就业登记信息")))
		status, book := w.bytes("编目人社局", "GET /api/catalog/entries.xlsx?view=work", nil)
		if status != 200 {
			t.Fatal(status, string(book))
		}
		f, err := excelize.OpenReader(bytes.NewReader(book))
		if err != nil {
			t.Fatal(err)
		}
		set := func(sheet, cell, value string) {
			if err := f.SetCellStr(sheet, cell, value); err != nil {
				t.Fatal(err)
			}
		}
		row := func(n int, number, name, unit, share string) {
			for cell, v := range map[string]string{"A": number, "C": name, "D": "部门信息资源", "E": "01", "F": "001", "H": unit, "J": "全区失业登记的情况", "L": "数据库", "M": "mysql", "N": share, "T": "每月"} {
				set("目录", fmt.Sprint(cell, n), v)
			}
		}
		set("目录", "J2", "改过的摘要说明")
		row(3, "2", "洪山区失业登记信息", "洪山区人社局", "无条件共享")
		row(4, "3", "洪山区别局信息", "没有这个局", "无条件共享")
		row(5, "4", "洪山区技能培训信息", "洪山区人社局", "随便共享")
		row(6, "5", "洪山区工伤信息", "洪山区人社局", "不予共享")
		for n, number := range map[int]string{4: "2", 5: "5", 6: "99"} {
			for cell, v := range map[string]string{"A": number, "B": "登记号", "D": "字符型C", "E": "20", "K": "L1"} {
				set("信息项", fmt.Sprint(cell, n), v)
			}
		}
		var out bytes.Buffer
		if err := f.Write(&out); err != nil {
			t.Fatal(err)
		}
		status, answer := w.bytes("编目人社局", "POST /api/catalog/import/check?name=a.xlsx", out.Bytes())
		var run RunBody
		if err := json.Unmarshal(answer, &run); status != 200 || err != nil || run.Made != 3 || run.Skipped != 2 {
			t.Fatal(status, string(answer))
		}
		status, answer = w.bytes("编目人社局", "POST /api/catalog/import?name=a.xlsx", out.Bytes())
		if err := json.Unmarshal(answer, &run); status != 200 || err != nil || run.Made != 3 || run.Total != 5 {
			t.Fatal(status, string(answer))
		}
		for _, want := range []string{"没有找到单位“没有这个局”", "“随便共享”不在可选范围内", "没有序号“99”", "不予共享要写明法律"} {
			if !strings.Contains(string(answer), want) {
				t.Error(want, "is not in", string(answer))
			}
		}
		if e = w.show("编目人社局", e.ID); e.Working != 2 || e.Draft.Summary != "改过的摘要说明" || e.Body.Summary == e.Draft.Summary || e.State != Published || len(e.Draft.Items) != 2 {
			t.Errorf("%+v", e)
		}
		status, list := w.bytes("编目人社局", "GET /api/catalog/runs/"+run.ID+"/remarks.xlsx", nil)
		if f, err = excelize.OpenReader(bytes.NewReader(list)); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		rows, err := f.GetRows("问题清单")
		if err != nil || len(rows) < 5 {
			t.Error(rows, err)
		}
		status, answer = w.bytes("编目人社局", "POST /api/catalog/import?name=a.csv", []byte("a,b\n1,2\n"))
		if status != 422 || !strings.Contains(string(answer), "两张表") {
			t.Error(status, string(answer))
		}
		if status, _ = w.bytes("编目人社局", "GET /api/catalog/template.xlsx", nil); status != 200 {
			t.Error(status)
		}
	})
}

// What nobody has catalogued is asked for, answered, and rated by who asked.
func TestDemand(t *testing.T) {
	each(t, func(w *town) {
		e := w.publish(w.create("编目人社局", w.body("洪山区就业登记信息")))
		var d DemandBody
		w.Get(t, w.who["路人"], "POST /api/catalog/demands", `{"title":"需要就业登记信息","purpose":"核定低保待遇","basis":"社会救助暂行办法","wanted":"登记号、行业"}`, &d)
		if d.Step != "确认责任部门" || d.Holder != "主管" || !strings.HasPrefix(d.Number, "XQ2023-") {
			t.Fatalf("%+v", d)
		}
		if status, text := w.deed("主管", d.Case, `"verb":"submit","outcome":"assign","data":{}`); status != 422 || !strings.Contains(text, "哪个单位") {
			t.Fatal(status, text)
		}
		if status, text := w.deed("主管", d.Case, fmt.Sprintf(`"verb":"submit","outcome":"assign","data":{"provider":%q}`, w.units["人社局"])); status != 200 {
			t.Fatal(status, text)
		}
		if status, text := w.deed("审核人社局", d.Case, `"verb":"submit","outcome":"build","data":{"note":"两周内编目"}`); status != 200 {
			t.Fatal(status, text)
		}
		if status, text := w.deed("编目人社局", d.Case, fmt.Sprintf(`"verb":"submit","outcome":"done","data":{"entry":%q}`, e.ID)); status != 200 {
			t.Fatal(status, text)
		}
		if status, text := w.deed("路人", d.Case, `"verb":"submit","outcome":"met","data":{"score":5}`); status != 200 {
			t.Fatal(status, text)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "met", As: w.who["编目民政局"], Call: "GET /api/catalog/demands/" + d.ID, Status: 200, Want: []string{`"met":"met"`, `"score":5`, `"entryName":"洪山区就业登记信息"`, "两周内编目"}},
			{Name: "who answered what", As: w.who["编目民政局"], Call: "GET /api/catalog/demands?list=duty", Status: 200, Want: []string{d.ID}},
			{Name: "not among what may not be had", As: w.who["编目民政局"], Call: "GET /api/catalog/demands?list=negative", Status: 200, Want: []string{`"items":[]`}},
			{Name: "figures", As: w.who["编目民政局"], Call: "GET /api/catalog/demand-figures", Status: 200, Want: []string{`"all":1`, `"met":1`, `"score":5`}},
		})
	})
}
