package burden

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/kernel/kerneltest"
)

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}

// What is held and shared may not be asked again: it is refused by name, then filled in, and the meter says what was saved.
func TestHeldIsFilledIn(t *testing.T) {
	each(t, func(w *town) {
		w.grant(w.ds, "民政局", "code", "staff")
		form := w.form("社区治理力量月报", asks("f1", "社区", "unit"), asks("f2", "网格员数量", "number"), asks("f3", "垃圾投放点数", "number", "required", true), asks("f4", "高龄老人数", "number"), asks("f5", "带宽", "number"))
		r := w.draft("民政", form)
		if r.Recipients != 3 || r.Asked != 10+4*60 || r.Left != 4*60 {
			t.Fatalf("%+v", r.ReportLine)
		}
		at := "/api/burden/reports/" + r.ID
		var m struct{ Items []Match }
		w.Get(t, w.who["民政"], "GET "+at+"/matches", "", &m)
		states := ""
		for _, x := range m.Items {
			states += x.State + " "
		}
		if states != "auto held new own closed " || m.Items[1].Proposals[0].Why != "synonym" || m.Items[1].Proposals[0].EntryName != "社区网格划分信息" || m.Items[4].Proposals[0].Note != "《网络安全法》第二十一条" {
			t.Fatal(states, said(m.Items))
		}
		w.Run(t, []kerneltest.Case{
			{Name: "fields may be taken from the catalogue", As: w.who["民政"], Call: "GET /api/burden/items?text=%E7%BD%91%E6%A0%BC%E5%91%98", Status: 200, Want: []string{"社区网格划分信息", "网格员数"}},
			{Name: "a draft is its unit's alone", As: w.who["卫健"], Call: "GET " + at, Status: 404},
			{Name: "nor the checker's yet", As: w.who["审查"], Call: "GET " + at, Status: 404},
			{Name: "held: refused by field, entry, owner and rule", As: w.who["民政"], Call: "POST " + at + "/file", Body: fmt.Sprintf(`{"version":%d}`, r.Version), Status: 422,
				Want: []string{"网格员数量", "数据中心", "社区网格划分信息", "国发〔2016〕51号", "fields.f2"}, Not: []string{"垃圾投放点"}},
			{Name: "another's item cannot be chosen", As: w.who["民政"], Call: "PUT " + at, Body: said(map[string]any{"form": w.form("社区治理力量月报", asks("f2", "网格员数量", "number", "decide", "prefill", "entry", "e-none", "item", "x")), "version": r.Version}), Status: 200},
			{Name: "and is said when it is filed", As: w.who["民政"], Call: "POST " + at + "/file", Body: fmt.Sprintf(`{"version":%d}`, r.Version+1), Status: 422, Want: []string{"已不在目录里"}},
		})
		form["fields"].([]map[string]any)[1] = asks("f2", "网格员数量", "number", "decide", "prefill", "entry", "e-grid", "item", "网格员数")
		w.Get(t, w.who["民政"], "PUT "+at, said(map[string]any{"form": form, "version": r.Version + 1}), &r)
		r = w.file("民政", r)
		if r.State != Review || r.Holder != "审查" || !strings.HasPrefix(r.Number, "BB2023-") || r.Left != 180 {
			t.Fatalf("%+v", r.ReportLine)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "not to be sent before it is approved", As: w.who["民政"], Call: "POST " + at + "/send", Body: `{"due":"2023-06-25"}`, Status: 409},
			{Name: "another department does not see what is checked", As: w.who["卫健"], Call: "GET " + at, Status: 404},
			{Name: "the checker does", As: w.who["审查"], Call: "GET " + at, Status: 200},
		})
		w.must("审查", r.Case, `"verb":"submit","outcome":"pass","data":{"struck":[{"key":"f5","reason":"与社区工作无关"}],"exempt":[]}`)
		if r = w.show("民政", r.ID); r.State != Approved || r.Left != 120 || r.Struck != 60 || r.Form.Fields[4].Final != "struck" {
			t.Fatalf("%+v", r)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "what is approved is everybody's to know", As: w.who["南湖"], Call: "GET /api/burden/reports?view=admitted", Status: 200, Want: []string{"社区治理力量月报"}},
			{Name: "and found by the search", As: w.who["南湖"], Call: "GET /api/find?text=%E6%B2%BB%E7%90%86%E5%8A%9B%E9%87%8F", Status: 200, Want: []string{"/burden/reports/" + r.ID}},
			{Name: "but not to be sent by others", As: w.who["卫健"], Call: "POST " + at + "/send", Body: `{"due":"2023-06-25"}`, Status: 403},
		})
		o := w.send("民政", r.ID)
		if o.Title != "2023年6月" || o.Recipients != 3 || len(o.Lacking) != 0 || len(o.Streets) != 2 {
			t.Fatalf("%+v", o)
		}
		if status, body := w.Call(t, kerneltest.Case{As: w.who["民政"], Call: "POST " + at + "/send", Body: `{"due":"2023-06-25"}`}); status != 409 || !strings.Contains(body, "2023年6月") {
			t.Error(status, body)
		}
		s := w.sheet("石牌", o.ID)
		row := s.Rows[0]
		if row["f1"].Value != "石牌社区" || row["f2"].Value != "6" || row["f2"].From != "社区网格划分信息" || row["f2"].At.IsZero() || len(s.Fields) != 4 || !s.MayFill {
			t.Fatalf("%+v", s)
		}
		on := "/api/burden/sheets/" + s.ID
		w.Run(t, []kerneltest.Case{
			{Name: "a neighbour does not see it", As: w.who["当代"], Call: "GET " + on, Status: 404},
			{Name: "its street does", As: w.who["街道"], Call: "GET " + on, Status: 200},
			{Name: "another department does not", As: w.who["卫健"], Call: "GET " + on, Status: 404},
			{Name: "the sender sees it and may not write", As: w.who["民政"], Call: "PUT " + on, Body: `{"rows":[{}],"version":1}`, Status: 404},
			{Name: "what is missing and wrong is said by row", As: w.who["石牌"], Call: "POST " + on + "/submit", Body: fmt.Sprintf(`{"rows":[{"f4":"很多","f2":"99"}],"version":%d}`, s.Version), Status: 422, Want: []string{"垃圾投放点数", "高龄老人数", `"row":1`}},
		})
		w.Move(10 * time.Minute)
		if s = w.submit("石牌", s, 150, map[string]string{"f2": "99", "f3": "14", "f4": "２０"}); s.State != "submitted" || s.Rows[0]["f2"].Value != "6" || s.Rows[0]["f4"].Value != "20" || s.Spent != 150 {
			t.Fatalf("%+v", s)
		}
		m1 := w.meter("审查", "")
		if m1.Whole.Asked != 3*250 || m1.Whole.Prefilled != 3*70 || m1.Whole.Refused != 3*60 || m1.Whole.Left != 3*120 || m1.Whole.Actual != 150 || m1.Whole.Guess != 120 || m1.Units != 3 || len(m1.Lines) != 2 || len(m1.Months) != 1 {
			t.Fatalf("%+v", m1)
		}
		if m := w.meter("石牌", "?by=report"); m.Whole.Sheets != 1 || m.Lines[0].Name != "社区治理力量月报" {
			t.Fatalf("%+v", m)
		}
		if m := w.meter("街道", "?by=community"); m.Whole.Sheets != 2 {
			t.Fatalf("%+v", m)
		}
		w.returned(o, s)
	})
}

// returned goes on: the sender returns what was submitted, urges, takes the result and closes the round.
func (w *town) returned(o RoundBody, s SheetBody) {
	t := w.t
	on := "/api/burden/sheets/" + s.ID
	w.Run(t, []kerneltest.Case{
		{Name: "submitted, it is not written any more", As: w.who["石牌"], Call: "PUT " + on, Body: fmt.Sprintf(`{"rows":[{}],"version":%d}`, s.Version), Status: 409},
		{Name: "returned with a reason", As: w.who["民政"], Call: "POST " + on + "/return", Body: `{"reason":"请核对投放点"}`, Status: 200, Want: []string{"returned"}},
		{Name: "the result has nothing yet", As: w.who["民政"], Call: "GET /api/burden/rounds/" + o.ID, Status: 200, Want: []string{`"submitted":0`}},
		{Name: "urged", As: w.who["民政"], Call: "POST /api/burden/rounds/" + o.ID + "/urge", Status: 200, Want: []string{`"told":3`}},
		{Name: "once a day", As: w.who["民政"], Call: "POST /api/burden/rounds/" + o.ID + "/urge", Status: 200, Want: []string{`"told":0`}},
	})
	w.Get(t, w.who["石牌"], "GET "+on, "", &s)
	if s.Reason != "请核对投放点" || s.Rows[0]["f4"].Value == "" {
		t.Fatalf("%+v", s)
	}
	w.Move(time.Minute)
	w.submit("石牌", s, 10, map[string]string{"f3": "15", "f4": "20"})
	w.Run(t, []kerneltest.Case{
		{Name: "as a workbook", As: w.who["民政"], Call: "GET /api/burden/rounds/" + o.ID + "/result.xlsx", Status: 200, Want: []string{"PK"}},
		{Name: "not for another unit", As: w.who["卫健"], Call: "GET /api/burden/rounds/" + o.ID + "/result.xlsx", Status: 404},
		{Name: "the sheet as a workbook", As: w.who["石牌"], Call: "GET " + on + "/form.xlsx", Status: 200, Want: []string{"PK"}},
		{Name: "the meter as a workbook", As: w.who["审查"], Call: "GET /api/burden/meter.xlsx?by=sender", Status: 200, Want: []string{"PK"}},
		{Name: "closed", As: w.who["民政"], Call: "POST /api/burden/rounds/" + o.ID + "/close", Status: 200, Want: []string{`"state":"closed"`}},
	})
	w.Move(31 * 24 * time.Hour)
	if next := w.sheet("石牌", w.send("民政", o.Report).ID); next.RoundTitle != "2023年7月" || next.Before["f3"] != "15" || next.Before["f2"] != "" {
		t.Fatalf("%+v", next)
	}
	if m := w.meter("审查", "?to=2023-06"); m.Whole.Actual != 160 || m.Whole.Done != 1 {
		t.Fatalf("%+v", m.Whole)
	}
}

// A general word is no proof: it is held only where the same entry holds other fields of the report.
func TestGeneralWords(t *testing.T) {
	each(t, func(w *town) {
		w.put(Entry{ID: "e-shop", Code: "203001/000009", Name: "定点药店名录", Unit: w.units["数据中心"], Share: unconditional, Items: []Item{{Name: "地址", Type: "C", Share: unconditional}, {Name: "药店等级", Type: "C", Share: unconditional}}}, "", nil)
		states := func(fields ...map[string]any) string {
			r := w.draft("民政", w.form("走访登记表", fields...))
			var m struct{ Items []Match }
			w.Get(t, w.who["民政"], "GET /api/burden/reports/"+r.ID+"/matches", "", &m)
			out := ""
			for _, x := range m.Items {
				out += x.State + " "
			}
			return out
		}
		if got := states(asks("f1", "地址", "text"), asks("f2", "走访次数", "number")); got != "new new " {
			t.Error(got)
		}
		if got := states(asks("f1", "地址", "text"), asks("f2", "药店等级", "text")); got != "held held " {
			t.Error(got)
		}
	})
}

// An exemption is asked with a reason: granted, the field is filled in by hand; not granted, it is filled in from the data.
func TestExemption(t *testing.T) {
	each(t, func(w *town) {
		form := w.form("低保户走访月报", asks("f1", "低保户数", "number", "decide", "exempt", "why", "需要社区逐户核实当月实际数"), asks("f2", "网格员数", "number", "decide", "exempt", "why", "想再核对一遍"), asks("f3", "走访户数", "number"))
		r := w.file("民政", w.draft("民政", form))
		w.must("审查", r.Case, `"verb":"submit","outcome":"pass","data":{"exempt":["f1"]}`)
		r = w.show("民政", r.ID)
		if f := r.Form.Fields; f[0].Final != "hand" || f[1].Final != "prefill" || f[1].Refusal == "" || f[2].Final != "hand" {
			t.Fatalf("%+v", f)
		}
		// Without a reason it is not asked at all.
		bad := w.draft("民政", w.form("另一张月报", asks("f1", "低保户数", "number", "decide", "exempt")))
		if status, body := w.Call(t, kerneltest.Case{As: w.who["民政"], Call: "POST /api/burden/reports/" + bad.ID + "/file", Body: fmt.Sprintf(`{"version":%d}`, bad.Version)}); status != 422 || !strings.Contains(body, "理由") {
			t.Error(status, body)
		}
		// It is sent without a grant: nothing is filled in, and the sender is told what to apply for.
		o := w.send("民政", r.ID)
		if len(o.Lacking) != 1 || o.Lacking[0].Why != "no_grant" || o.Lacking[0].Fields[0] != "网格员数" {
			t.Fatalf("%+v", o.Lacking)
		}
	})
}

// Without a grant nothing of the data is shown, and the sender is told which entry to apply for.
func TestNoGrantNothingFilledIn(t *testing.T) {
	each(t, func(w *town) {
		r := w.approved("卫健", w.form("网格员情况月报", asks("f1", "网格员数", "number", "decide", "prefill", "entry", "e-grid", "item", "网格员数"), asks("f2", "培训人数", "number")))
		o := w.send("卫健", r.ID)
		if len(o.Lacking) != 1 || o.Lacking[0].Why != "no_grant" || o.Lacking[0].Entry != "e-grid" || o.Lacking[0].Fields[0] != "网格员数" {
			t.Fatalf("%+v", o.Lacking)
		}
		if s := w.sheet("石牌", o.ID); s.Rows[0]["f1"].Value != "" {
			t.Fatalf("%+v", s.Rows)
		}
	})
}

// A report is refused: its recipients are spared one filling in, and the meter says so.
func TestRefused(t *testing.T) {
	each(t, func(w *town) {
		r := w.file("卫健", w.draft("卫健", w.form("重复的年度普查", asks("f1", "垃圾投放点数", "number"), asks("f2", "联系人", "name"))))
		if status, body := w.deed("审查", r.Case, `"verb":"submit","outcome":"refuse"`); status != 422 {
			t.Error("no reason is needed:", status, body)
		}
		w.must("审查", r.Case, `"verb":"submit","outcome":"refuse","reason":"城管部门已有台账，不得重复采集","data":{"struck":[{"key":"f1","reason":"已有台账"}]}`)
		r = w.show("卫健", r.ID)
		if r.State != Refused || r.Reason != "城管部门已有台账，不得重复采集" || r.Form.Fields[0].Refusal != "已有台账" {
			t.Fatalf("%+v", r)
		}
		m := w.meter("审查", "?by=sender")
		if m.Whole.Asked != 3*80 || m.Whole.Refused != 3*80 || m.Whole.Left != 0 || m.Lines[0].Name != "卫健局" {
			t.Fatalf("%+v", m)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "not open to others", As: w.who["民政"], Call: "GET /api/burden/reports/" + r.ID, Status: 404},
			{Name: "not to be sent", As: w.who["卫健"], Call: "POST /api/burden/reports/" + r.ID + "/send", Body: `{"due":"2023-06-25"}`, Status: 409},
		})
	})
}

// Two departments ask the same: each sees the other, one collection is shared, and the second is filled in with what the first was told.
func TestSameQuestionIsShared(t *testing.T) {
	each(t, func(w *town) {
		first := w.approved("民政", w.form("垃圾分类月报", asks("f1", "垃圾投放点数", "number", "required", true)))
		o := w.send("民政", first.ID)
		w.submit("石牌", w.sheet("石牌", o.ID), 0, map[string]string{"f1": "14"})
		second := w.draft("卫健", w.form("环境卫生月报", asks("f1", "垃圾投放点数", "number"), asks("f2", "消杀次数", "number")))
		var m struct{ Items []Match }
		w.Get(t, w.who["卫健"], "GET /api/burden/reports/"+second.ID+"/matches", "", &m)
		if m.Items[0].State != "asked" || m.Items[0].Same[0].UnitName != "民政局" || m.Items[0].Same[0].Report != first.ID {
			t.Fatalf("%+v", m.Items[0])
		}
		var s Share
		w.Get(t, w.who["卫健"], "POST /api/burden/reports/"+second.ID+"/shares", fmt.Sprintf(`{"field":"f1","other":%q,"otherField":"f1"}`, first.ID), &s)
		w.Run(t, []kerneltest.Case{
			{Name: "the asker does not answer himself", As: w.who["卫健"], Call: "POST /api/burden/shares/" + s.ID + "/answer", Body: `{"agree":true}`, Status: 403},
			{Name: "the other is told", As: w.who["民政"], Call: "GET /api/notify", Status: 200, Want: []string{"环境卫生月报", "垃圾投放点数"}},
			{Name: "and agrees", As: w.who["民政"], Call: "POST /api/burden/shares/" + s.ID + "/answer", Body: `{"agree":true}`, Status: 200, Want: []string{"agreed"}},
			{Name: "once", As: w.who["民政"], Call: "POST /api/burden/shares/" + s.ID + "/answer", Body: `{"agree":false}`, Status: 409},
		})
		second = w.file("卫健", w.show("卫健", second.ID))
		if second.Shared != 60 || second.Left != 60 {
			t.Fatalf("%+v", second.ReportLine)
		}
		// the first now shows the second on its own page
		w.Get(t, w.who["民政"], "GET /api/burden/reports/"+first.ID+"/matches", "", &m)
		if len(m.Items[0].Same) != 1 || m.Items[0].Same[0].UnitName != "卫健局" {
			t.Fatalf("%+v", m.Items[0])
		}
		w.must("审查", second.Case, `"verb":"submit","outcome":"pass"`)
		o = w.send("卫健", second.ID)
		if x := w.sheet("石牌", o.ID); x.Rows[0]["f1"].Value != "14" || x.Rows[0]["f1"].From != "垃圾分类月报" {
			t.Fatalf("%+v", x.Rows)
		}
	})
}

// A report is returned, mended and filed again; what nobody would fill in is not approved.
func TestReturnedAndFiledAgain(t *testing.T) {
	each(t, func(w *town) {
		r := w.file("卫健", w.draft("卫健", w.form("消杀情况月报", asks("f1", "网格员数", "number", "decide", "prefill", "entry", "e-grid", "item", "网格员数"))))
		if status, body := w.deed("审查", r.Case, `"verb":"submit","outcome":"pass"`); status != 409 || !strings.Contains(body, "没有需要基层填报的字段") {
			t.Fatal(status, body)
		}
		w.must("审查", r.Case, `"verb":"return","reason":"请补充要社区填的内容"`)
		if r = w.show("卫健", r.ID); r.State != Returned || !r.MayEdit || r.Reason != "请补充要社区填的内容" {
			t.Fatalf("%+v", r)
		}
		w.Get(t, w.who["卫健"], "PUT /api/burden/reports/"+r.ID, said(map[string]any{"form": w.form("消杀情况月报", asks("f2", "消杀次数", "number")), "version": r.Version}), &r)
		if r = w.file("卫健", r); r.State != Review {
			t.Fatalf("%+v", r.ReportLine)
		}
		w.must("审查", r.Case, `"verb":"submit","outcome":"pass"`)
		// An approval runs out.
		w.Move(366 * 24 * time.Hour)
		if status, body := w.Call(t, kerneltest.Case{As: w.who["卫健"], Call: "POST /api/burden/reports/" + r.ID + "/send", Body: `{"due":"2024-06-25"}`}); status != 409 || !strings.Contains(body, "到期") {
			t.Error(status, body)
		}
	})
}

// A community says that what was filled in is wrong; who provides the data hears of it and answers.
func TestFix(t *testing.T) {
	each(t, func(w *town) {
		w.grant(w.ds, "民政局", "code", "staff")
		w.person("数据", "数据中心", "burden_editor")
		r := w.approved("民政", w.form("网格员情况月报", asks("f1", "网格员数", "number", "decide", "prefill", "entry", "e-grid", "item", "网格员数"), asks("f2", "培训人数", "number")))
		o := w.send("民政", r.ID)
		s := w.sheet("石牌", o.ID)
		on := "/api/burden/sheets/" + s.ID
		w.Run(t, []kerneltest.Case{
			{Name: "by hand there is nothing to correct", As: w.who["石牌"], Call: "POST " + on + "/fixes", Body: `{"row":1,"field":"f2","value":"7","reason":"上月新增一人"}`, Status: 422},
			{Name: "a word is no number", As: w.who["石牌"], Call: "POST " + on + "/fixes", Body: `{"row":1,"field":"f1","value":"七","reason":"上月新增一人"}`, Status: 422},
			{Name: "corrected", As: w.who["石牌"], Call: "POST " + on + "/fixes", Body: `{"row":1,"field":"f1","value":"7","reason":"上月新增一人"}`, Status: 200, Want: []string{`"fixed":true`, `"v":"7"`}},
			{Name: "a neighbour does not see it", As: w.who["当代"], Call: "GET /api/burden/fixes", Status: 200, Want: []string{`"items":[]`}},
		})
		var all struct{ Items []Fix }
		w.Get(t, w.who["数据"], "GET /api/burden/fixes?open=true", "", &all)
		if len(all.Items) != 1 || all.Items[0].Was != "6" || all.Items[0].Now != "7" || all.Items[0].Provides || all.Items[0].UnitName != "石牌社区" || all.Items[0].Number != "ZL2023-00001" {
			t.Fatalf("%+v", all.Items)
		}
		if len(w.shelf.tickets) != 1 || w.shelf.tickets[0] != w.ds.ID+" staff 报表《网格员情况月报》预填的“网格员数”与实际不符：上月新增一人" {
			t.Errorf("%q", w.shelf.tickets)
		}
		heard := func(answer string) {
			t.Helper()
			for _, r := range w.Rooms {
				for _, l := range r.Hears {
					if r.Name == "burden" && l.Name == "quality.answered" {
						if err := l.Run(t.Context(), []byte(fmt.Sprintf(`{"ticket":"ticket-1","answer":%q}`, answer))); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		heard("later")
		w.Run(t, []kerneltest.Case{
			{Name: "answered by its ticket, not here", As: w.who["数据"], Call: "POST /api/burden/fixes/" + all.Items[0].ID + "/answer", Body: `{"answer":"mended"}`, Status: 409, Want: []string{"ZL2023-00001"}},
			{Name: "what the ticket says stands here", As: w.who["石牌"], Call: "GET /api/burden/fixes", Status: 200, Want: []string{`"answer":"later"`}},
			{Name: "and who said so is told", As: w.who["石牌"], Call: "GET /api/notify", Status: 200, Want: []string{"随下次更新改正"}},
		})
		heard("mended")
		heard("mended") // an event may come twice
		w.Run(t, []kerneltest.Case{{Name: "answered again", As: w.who["石牌"], Call: "GET /api/burden/fixes?open=true", Status: 200, Want: []string{`"items":[]`}}})

		// Where no data is behind it any more, the provider answers here.
		w.shelf.put("e-grid", "")
		w.Get(t, w.who["石牌"], "POST "+on+"/fixes", `{"row":1,"field":"f1","value":"8","reason":"本月又增一人"}`, nil)
		w.Get(t, w.who["数据"], "GET /api/burden/fixes?open=true", "", &all)
		if len(all.Items) != 1 || !all.Items[0].Provides || all.Items[0].Ticket != "" {
			t.Fatalf("%+v", all.Items)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "the sender does not answer", As: w.who["民政"], Call: "POST /api/burden/fixes/" + all.Items[0].ID + "/answer", Body: `{"answer":"mended"}`, Status: 404},
			{Name: "the provider does", As: w.who["数据"], Call: "POST /api/burden/fixes/" + all.Items[0].ID + "/answer", Body: `{"answer":"mended","note":"已更新"}`, Status: 204},
			{Name: "who said so is told", As: w.who["石牌"], Call: "GET /api/notify", Status: 200, Want: []string{"已更正"}},
		})
	})
}

// A form that nobody approved is reported; only who checks sees who said so.
func TestTip(t *testing.T) {
	each(t, func(w *town) {
		var x Tip
		w.Get(t, w.who["石牌"], "POST /api/burden/tips", `{"title":"反诈宣传日报","sender":"某部门","words":"每天在微信群里催"}`, &x)
		w.Run(t, []kerneltest.Case{
			{Name: "a neighbour does not see it", As: w.who["当代"], Call: "GET /api/burden/tips", Status: 200, Want: []string{`"items":[]`}},
			{Name: "who checks does", As: w.who["审查"], Call: "GET /api/burden/tips?state=open", Status: 200, Want: []string{"反诈宣传日报", `"mayAnswer":true`}},
			{Name: "answered", As: w.who["审查"], Call: "POST /api/burden/tips/" + x.ID + "/answer", Body: `{"state":"confirmed","answer":"已责令停止"}`, Status: 204},
			{Name: "once", As: w.who["审查"], Call: "POST /api/burden/tips/" + x.ID + "/answer", Body: `{"state":"confirmed","answer":"已责令停止"}`, Status: 409},
			{Name: "told", As: w.who["石牌"], Call: "GET /api/notify", Status: 200, Want: []string{"已责令停止"}},
		})
	})
}
