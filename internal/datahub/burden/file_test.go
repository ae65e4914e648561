package burden

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// bring uploads a file as somebody.
func (w *town) bring(as, name string, content []byte) string {
	w.t.Helper()
	var up, f struct{ ID string }
	w.Get(w.t, w.who[as], "POST /api/file/uploads", fmt.Sprintf(`{"name":%q,"size":%d}`, name, len(content)), &up)
	w.Get(w.t, w.who[as], "PUT /api/file/uploads/"+up.ID+"?offset=0", string(content), nil)
	w.Get(w.t, w.who[as], "POST /api/file/uploads/"+up.ID+"/done", "{}", &f)
	return f.ID
}

// The heading of a workbook becomes fields; a filled-in workbook becomes rows, with what is wrong said row by row and nothing lost.
func TestWorkbooks(t *testing.T) {
	each(t, func(w *town) {
		form := sheetOf(t, [][2]string{{"A1", "C1"}}, []any{"垃圾分类督导登记表"}, []any{"序号", "督导员姓名", "督导次数（次）"}, []any{1, "", ""})
		var head ReadHead
		w.Get(t, w.who["民政"], "POST /api/burden/read", fmt.Sprintf(`{"fileId":%q}`, w.bring("民政", "登记表.xlsx", form)), &head)
		if len(head.Fields) != 2 || head.Fields[1].Measure != "次" || head.Fields[1].Kind != "number" || head.Title != "登记表" || head.Skipped[0] != "序号" {
			t.Fatalf("%+v", head)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "another's file is not there", As: w.who["卫健"], Call: "POST /api/burden/read", Body: fmt.Sprintf(`{"fileId":%q}`, w.bring("民政", "表.xlsx", form)), Status: 404},
			{Name: "no table", As: w.who["民政"], Call: "POST /api/burden/read", Body: fmt.Sprintf(`{"fileId":%q}`, w.bring("民政", "表.pdf", []byte("%PDF-1.7\n..."))), Status: 422},
		})
		report := w.form("垃圾分类督导登记", asks("f1", "督导员姓名", "name", "required", true), asks("f2", "督导次数", "number", "measure", "次", "required", true))
		report["list"], report["expected"] = true, 5
		r := w.approved("民政", report)
		if r.Asked != 5*80 {
			t.Fatalf("%+v", r.ReportLine)
		}
		s := w.sheet("石牌", w.send("民政", r.ID).ID)
		filled := sheetOf(t, nil, []any{"督导员姓名", "督导次数（次）"}, []any{"张伟", 12}, []any{"李芳", "很多"}, []any{"", 3})
		var got struct {
			Sheet  SheetBody
			Taken  int
			Faults []Unread
		}
		w.Get(t, w.who["石牌"], "POST /api/burden/sheets/"+s.ID+"/upload", fmt.Sprintf(`{"fileId":%q,"version":%d}`, w.bring("石牌", "填好.xlsx", filled), s.Version), &got)
		if got.Taken != 3 || len(got.Sheet.Rows) != 3 || len(got.Faults) != 2 || got.Faults[0].Row != 3 || got.Faults[1].Row != 4 || got.Sheet.Rows[1]["f2"].Value != "很多" {
			t.Fatalf("%+v", got)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "another form", As: w.who["石牌"], Call: "POST /api/burden/sheets/" + s.ID + "/upload", Body: fmt.Sprintf(`{"fileId":%q,"version":%d}`, w.bring("石牌", "别的.xlsx", sheetOf(t, nil, []any{"甲", "乙"}, []any{"1", "2"})), got.Sheet.Version), Status: 422, Want: []string{"下载的表格"}},
		})
		w.submit("石牌", got.Sheet, 0, map[string]string{"f1": "张伟", "f2": "12"}, map[string]string{"f1": "李芳", "f2": "9"})
	})
}

// Whom a row of a list is about is written by hand; what is held of him is filled in under a grant, masked, and recorded as a look.
func TestListIsFilledInByKey(t *testing.T) {
	elder, nobody := codes.Fictional(7), codes.Fictional(8)
	each(t, func(w *town) {
		people := w.gather("people", "高龄老人", "数据中心", []dataset.Column{
			{Name: "id", Title: "公民身份号码", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
			{Name: "name", Title: "姓名", Type: text, Kind: codes.KindName, Level: dataset.L3, Masked: true},
			{Name: "age", Title: "年龄", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2},
		}, []any{elder, "王桂英", int64(86)})
		w.put(Entry{ID: "e-people", Code: "101001/000001", Name: "高龄老人名册", Unit: w.units["数据中心"], Share: unconditional, Items: []Item{{Name: "公民身份号码", Kind: "id", Type: "C", Share: unconditional}, {Name: "姓名", Kind: "name", Type: "C", Share: unconditional}, {Name: "年龄", Type: "I", Share: unconditional}}},
			people.ID, map[string]string{"公民身份号码": "id", "姓名": "name", "年龄": "age"})
		w.grant(people, "民政局", "id", "name", "age")
		form := w.form("高龄老人走访登记", asks("f1", "身份证号", "id", "rowKey", true), asks("f2", "姓名", "name", "decide", "prefill", "entry", "e-people", "item", "姓名"),
			asks("f3", "年龄", "number", "decide", "prefill", "entry", "e-people", "item", "年龄"), asks("f4", "走访情况", "text"))
		form["list"], form["expected"] = true, 10
		r := w.approved("民政", form)
		s := w.sheet("石牌", w.send("民政", r.ID).ID)
		var got struct {
			SheetBody
			Found   int
			Lacking []Lack
		}
		w.Get(t, w.who["石牌"], "POST /api/burden/sheets/"+s.ID+"/fetch", fmt.Sprintf(`{"rows":[{"f1":%q,"f4":"已走访"},{"f1":%q}],"version":%d}`, elder, nobody, s.Version), &got)
		row := got.Rows[0]
		if got.Found != 1 || len(got.Lacking) != 0 || row["f2"].Value == "王桂英" || row["f2"].Value == "" || row["f3"].Value != "86" || row["f3"].From != "高龄老人名册" || row["f4"].Value != "已走访" || got.Rows[1]["f3"].Value != "" {
			t.Fatalf("%+v", got)
		}
	})
}

// A list may begin with whom the data knows of each recipient, and with whom it told another department; each is used only as
// far as a grant lets it be, and what recipients corrected stays theirs.
func TestListBeginsWithRows(t *testing.T) {
	one, two, three, far := codes.Fictional(11), codes.Fictional(12), codes.Fictional(13), codes.Fictional(14)
	each(t, func(w *town) {
		people := w.gather("people", "高龄老人", "数据中心", []dataset.Column{
			{Name: "id", Title: "公民身份号码", Type: text, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true},
			{Name: "code", Title: "社区代码", Type: text, Key: true, Level: dataset.L2},
			{Name: "age", Title: "年龄", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2},
		}, []any{one, "420111005001", int64(86)}, []any{two, "420111005001", int64(91)}, []any{far, "420111006001", int64(80)})
		w.put(Entry{ID: "e-people", Code: "101001/000001", Name: "高龄老人名册", Unit: w.units["数据中心"], Share: unconditional, Items: []Item{{Name: "公民身份号码", Kind: "id", Type: "C", Share: unconditional}, {Name: "年龄", Type: "I", Share: unconditional}}},
			people.ID, map[string]string{"公民身份号码": "id", "年龄": "age"})
		list := func(title string, fields ...map[string]any) map[string]any {
			form := w.form(title, append([]map[string]any{asks("f1", "身份证号", "id", "rowKey", true), asks("f9", "社区", "unit")}, fields...)...)
			form["list"], form["expected"] = true, 10
			return form
		}
		r := w.approved("民政", list("高龄老人走访登记", asks("f3", "年龄", "number", "decide", "prefill", "entry", "e-people", "item", "年龄"), asks("f4", "走访情况", "text")))
		var o RoundBody
		send := func(title string) {
			t.Helper()
			o = RoundBody{}
			w.Get(t, w.who["民政"], "POST /api/burden/reports/"+r.ID+"/send", fmt.Sprintf(`{"due":"2023-07-25","title":%q,"rows":true}`, title), &o)
		}
		w.grant(people, "民政局", "id", "code", "age")
		if send("未授权明文"); len(o.Lacking) != 1 || o.Lacking[0].Why != "masked" || o.Lacking[0].Name != "高龄老人名册" || len(w.sheet("石牌", o.ID).Rows) != 0 {
			t.Fatalf("%+v", o.Lacking)
		}
		err := w.Kit.DB.Tx(room.BySystem(t.Context()), func(ctx context.Context, tx *store.Tx) error {
			_, err := w.Kit.Datasets.Grant(ctx, tx, people, dataset.Grant{Unit: w.units["民政局"], Columns: []string{"id", "code", "age"}, Reveal: []string{"id"}, Modes: []dataset.Mode{dataset.Batch}, Purpose: "走访", Basis: "试验", Until: store.At(w.Now.AddDate(0, 6, 0))})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		send("六月")
		s := w.sheet("石牌", o.ID)
		slices.SortFunc(s.Rows, func(a, b Row) int { return strings.Compare(a["f3"].Value, b["f3"].Value) })
		if len(o.Lacking) != 0 || len(s.Rows) != 2 || s.Rows[0]["f1"].Value != one || s.Rows[0]["f3"].Value != "86" || s.Rows[0]["f3"].From != "高龄老人名册" || s.Rows[0]["f9"].Value != "石牌社区" || len(w.sheet("当代", o.ID).Rows) != 0 || len(w.sheet("南湖", o.ID).Rows) != 1 {
			t.Fatalf("%+v %+v", o.Lacking, s.Rows)
		}
		s = w.submit("石牌", s, 0, map[string]string{"f1": one, "f4": "健在"}, map[string]string{"f1": three, "f4": "新增"})
		if len(s.Rows) != 2 || s.Rows[0]["f3"].Value != "86" || s.Rows[1]["f1"].Value != three {
			t.Fatalf("struck one, added one: %+v", s.Rows)
		}
		n, err := store.Value[int](t.Context(), w.Kit.DB, `SELECT count(*) FROM audit WHERE action = 'burden.send' AND personal AND subjects = 3`)
		if err != nil || n != 1 {
			t.Error("a list about persons is a look at them:", n, err)
		}

		second := w.draft("卫健", list("老人健康随访", asks("f4", "走访情况", "text"), asks("f5", "血压", "text")))
		w.Run(t, []kerneltest.Case{
			{Name: "whom a row is about is not shared by itself", As: w.who["卫健"], Call: "POST /api/burden/reports/" + second.ID + "/shares", Body: fmt.Sprintf(`{"field":"f1","other":%q,"otherField":"f1"}`, r.ID), Status: 422, Want: []string{"burden.cannot_share"}},
		})
		var h Share
		w.Get(t, w.who["卫健"], "POST /api/burden/reports/"+second.ID+"/shares", fmt.Sprintf(`{"field":"f4","other":%q,"otherField":"f4"}`, r.ID), &h)
		w.Get(t, w.who["民政"], "POST /api/burden/shares/"+h.ID+"/answer", `{"agree":true}`, nil)
		second = w.file("卫健", w.show("卫健", second.ID))
		w.must("审查", second.Case, `"verb":"submit","outcome":"pass"`)
		x := w.sheet("石牌", w.send("卫健", second.ID).ID)
		if len(x.Rows) != 2 || x.Rows[1]["f1"].Value != three || x.Rows[1]["f4"].Value != "新增" || x.Rows[1]["f4"].From != "高龄老人走访登记" {
			t.Fatalf("%+v", x.Rows)
		}
		single := w.draft("卫健", w.form("走访小结", asks("f1", "走访情况", "text"), asks("f2", "血压", "text")))
		w.Run(t, []kerneltest.Case{{Name: "a list is not shared with one row", As: w.who["卫健"], Call: "POST /api/burden/reports/" + single.ID + "/shares", Body: fmt.Sprintf(`{"field":"f1","other":%q,"otherField":"f4"}`, r.ID), Status: 422, Want: []string{"burden.cannot_share"}}})
	})
}
