package forms

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// heap is an application as an administrator draws it: conditional limits, statistics by street, a print form, reminders.
const heap = `key: heaps
title: 共享单车淤积上报
summary: 上报淤积点并清运
group: 城市管理
subject: note
place: spot
level: grade
levels: [{key: big, title: 重大, colour: red}, {key: small, title: 一般, colour: blue}]
number: {prefix: DC, street: true}
limit: [{n: 2, unit: work_day, when: 'grade == "big"'}, {n: 7, unit: work_day}]
fields:
  - {key: spot, title: 地点, type: place, required: true}
  - {key: note, title: 说明, type: text, required: true}
  - {key: grade, title: 程度, type: choice, required: true, options: [{key: big, title: 重大}, {key: small, title: 一般}]}
  - {key: bikes, title: 辆数, type: number, unit: 辆, min: 1}
  - {key: tel, title: 电话, type: phone}
  - {key: who, title: 联系人, type: person}
  - {key: cleared, title: 清运数, type: number}
list: {columns: [note, bikes]}
steps:
  - {key: report, title: 上报, write: [spot, note, grade, bikes, tel, who]}
  - {key: clear, title: 清运, who: [{kind: staff, of: place, level: street}], limit: [{n: 4, unit: day}], write: [cleared]}
`

// publish puts a declaration into use through the doors of the designer.
func publish(t *testing.T, e *kerneltest.Env, as *room.Actor, source string) {
	t.Helper()
	var key string
	for _, line := range strings.Split(source, "\n") {
		if k, ok := strings.CutPrefix(line, "key: "); ok {
			key = k
		}
	}
	var d DraftBody
	if status, _ := e.Call(t, kerneltest.Case{As: as, Call: "GET /api/forms/apps/" + key + "/draft"}); status == 200 {
		e.Get(t, as, "PUT /api/forms/apps/"+key+"/draft", quoted(map[string]any{"source": source, "version": 0}), &d)
	} else {
		e.Get(t, as, "POST /api/forms/apps", quoted(map[string]any{"source": source}), &d)
	}
	if len(d.Findings) > 0 {
		t.Fatal(d.Findings)
	}
	e.Get(t, as, "POST /api/forms/apps/"+key+"/publish", fmt.Sprintf(`{"version":%d}`, d.Version), nil)
}

func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func heapAt(street, note, grade string, bikes int) string {
	community := communityCode // says which street it is in
	if street != streetCode {
		community = ""
	}
	return fmt.Sprintf(`{"spot":{"text":"路口","street":%q,"community":%q},"note":%q,"grade":%q,"bikes":%d,"tel":"13800005678"}`, street, community, note, grade, bikes)
}

// What the browser edits and writes reads back the same, for every application that comes with the program.
func TestDrawnRoundTrip(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		designer := kerneltest.Actor("designer", "u1", room.All, "forms.use", "forms.design")
		all, err := versions(t.Context(), e.Kit.DB, store.C("state = 'published'"))
		if err != nil || len(all) != 12 {
			t.Fatal(len(all), err)
		}
		for _, v := range all {
			var before, saved, after DraftBody
			e.Get(t, designer, "GET /api/forms/apps/"+v.Key+"/draft", "", &before)
			e.Get(t, designer, "PUT /api/forms/apps/"+v.Key+"/draft", quoted(map[string]any{"app": before.App, "version": 0}), &saved)
			e.Get(t, designer, "PUT /api/forms/apps/"+v.Key+"/draft", quoted(map[string]any{"source": saved.Source, "version": saved.Version}), &after)
			if x, y, z := quoted(before.App), quoted(saved.App), quoted(after.App); x != y || y != z || len(after.Findings) != len(before.Findings) {
				t.Errorf("%s is not the same after it was drawn and written: %v", v.Key, after.Findings)
			}
		}
	})
}

// A draft's figures are tried over the entries the designer sees, and nothing is kept; once published, older entries count.
func TestFiguresOfDraft(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", w.units["区"], room.All, "forms.use", "forms.design", "forms.read")
		publish(t, e, designer, heap)
		grid := w.who["grid"]
		for i, grade := range []string{"big", "small", "small"} {
			filed(t, e, grid, "heaps", heapAt(streetCode, fmt.Sprint("堆", i), grade, 10*(i+1)))
		}
		filed(t, e, grid, "heaps", heapAt("", "不知哪里", "big", 40))
		var d DraftBody
		e.Get(t, designer, "GET /api/forms/apps/heaps/draft", "", &d)
		d.App.Stats = []app.Stat{
			{Key: "all", Title: app.Words{ZH: "件数"}, Kind: "count", By: "spot_street", Chart: "pie"},
			{Key: "bikes", Title: app.Words{ZH: "辆数"}, Kind: "sum", Of: "bikes", By: "month", Chart: "column"},
			{Key: "grave", Title: app.Words{ZH: "重大率"}, Kind: "rate", Of: `grade == "big"`},
		}
		var got struct {
			Items   []Figure
			Entries int
			More    bool
		}
		e.Get(t, designer, "POST /api/forms/apps/figures", quoted(map[string]any{"app": d.App}), &got)
		say := func(all []Figure) string {
			var out []string
			for _, f := range all {
				if f.Value == nil { // nothing counted yet
					continue
				}
				s := fmt.Sprintf("%s %s %v", f.Key, f.Chart, *f.Value)
				for _, p := range f.Parts {
					s += fmt.Sprintf(" %s=%v", p.Title, *p.Value)
				}
				out = append(out, s)
			}
			return strings.Join(out, "; ")
		}
		want := "all pie 3 420111001=3; bikes column 100 2023-06=100; grave  0.5"
		if s := say(got.Items); s != want || got.Entries != 4 || got.More {
			t.Errorf("%s of %d\nwant %s", s, got.Entries, want)
		}
		blind := kerneltest.Actor("blind", w.units["区"], room.All, "forms.use", "forms.design")
		e.Get(t, blind, "POST /api/forms/apps/figures", quoted(map[string]any{"app": d.App}), &got)
		if got.Entries != 0 {
			t.Error("counted what he may not read", got)
		}
		// A draft that opens what is private opens nothing yet.
		closed := strings.Replace(heap, "place: spot", "place: spot\nprivate: true", 1)
		publish(t, e, designer, closed)
		e.Get(t, designer, "POST /api/forms/apps/figures", quoted(map[string]any{"app": d.App}), &got)
		if got.Entries != 0 {
			t.Error("a draft let him read what is private", got)
		}
		publish(t, e, designer, heap)
		bad := d.App
		bad.Stats = []app.Stat{{Key: "x", Title: app.Words{ZH: "无"}, Kind: "count", Of: "nothing == 1", By: "tel"}}
		e.Run(t, []kerneltest.Case{
			{Name: "what is wrong, by place", As: designer, Call: "POST /api/forms/apps/figures", Body: quoted(map[string]any{"app": bad}), Status: 422, Want: []string{`"stats[0].of"`, `"stats[0].by"`}},
			{Name: "a key and a prefix", As: designer, Call: "GET /api/forms/suggest?title=%E5%85%B1%E4%BA%AB%E5%8D%95%E8%BD%A6", Status: 200, Want: []string{`"key":"gxdc"`, `"prefix":"GXDC"`}},
			{Name: "never one that is taken", As: designer, Call: "GET /api/forms/suggest?title=heaps", Status: 200, Want: []string{`"key":"heaps2"`, `"prefix":"HEAP"`}},
			{Name: "of a title without letters", As: designer, Call: "GET /api/forms/suggest?title=123", Status: 200, Want: []string{`"key":"app123"`, `"prefix":"APP"`}},
		})

		// Published, the figures count what was filed before there were any.
		text, err := app.YAML(&d.App)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, e, designer, string(text))
		var kept struct{ Items []Figure }
		deadline := time.Now().Add(20 * time.Second)
		for time.Now().Before(deadline) {
			if e.Get(t, designer, "GET /api/forms/apps/heaps/stats", "", &kept); say(kept.Items) == want {
				break
			}
		}
		if s := say(kept.Items); s != want {
			t.Errorf("kept: %s", s)
		}
		// An older entry that is saved again stays counted by the newest version.
		one, err := findEntry(t.Context(), e.Kit.DB, store.C("e.title = '堆0'"))
		if err != nil {
			t.Fatal(err)
		}
		w.person("sweeper", "狮子山街道", false)
		if status, body := w.deed(t, "mediator2", &one, `"verb":"submit","data":{"cleared":9}`); status != 200 {
			t.Fatal(status, body)
		}
		e.Get(t, designer, "GET /api/forms/apps/heaps/stats", "", &kept)
		if s := say(kept.Items); s != want {
			t.Errorf("after a deed: %s", s)
		}
	})
}

// A number carries the street, each street counts for itself; the limit goes by the choice.
func TestNumberAndLimitByChoice(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", w.units["区"], room.All, "forms.use", "forms.design")
		publish(t, e, designer, heap)
		grid := w.who["grid"]
		for _, c := range []struct{ street, grade, number, due string }{
			{streetCode, "big", "DC0012023-00001", "06-05"}, {streetCode, "small", "DC0012023-00002", "06-12"}, {"420111009", "big", "DC0092023-00001", "06-05"},
		} {
			l := filed(t, e, grid, "heaps", heapAt(c.street, "堆", c.grade, 5))
			now := w.now(t, l.ID)
			if now.Number != c.number || now.Due.Format("01-02") != c.due {
				t.Errorf("%s in %s: %s until %s", c.grade, c.street, now.Number, now.Due)
			}
		}
	})
}

// A draft prints the newest entry, personal data masked; what its reader's step hides is not on it.
func TestPrintOfDraft(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", w.units["区"], room.All, "forms.use", "forms.design", "forms.read")
		publish(t, e, designer, heap)
		var d DraftBody
		e.Get(t, designer, "GET /api/forms/apps/heaps/draft", "", &d)
		d.App.Print = app.Print{Title: &app.Words{ZH: "清运办理单"}, Cells: []app.PrintCell{{Field: "bikes", Width: "half"}, {Field: "grade", Width: "half"}, {Field: "tel"}, {Field: "cleared"}},
			Signs: []app.Sign{{Step: "clear", Title: app.Words{ZH: "清运意见"}}}}
		var got struct {
			PDF    string
			Number string
		}
		text := func() string {
			t.Helper()
			got.Number = ""
			e.Get(t, designer, "POST /api/forms/apps/print", quoted(map[string]any{"app": d.App}), &got)
			b, err := base64.StdEncoding.DecodeString(got.PDF)
			if err != nil || !strings.HasPrefix(string(b), "%PDF") {
				t.Fatal(err, len(b))
			}
			return strings.ReplaceAll(read(t, string(b)), "\n", "")
		}
		if s := text(); s != "" && !strings.Contains(s, "清运办理单") || got.Number != "" {
			t.Error("an empty form:", s, got.Number)
		}
		l := filed(t, e, w.who["grid"], "heaps", heapAt(streetCode, "不印的说明", "big", 25))
		s := text()
		if got.Number != l.Number {
			t.Error(got.Number)
		}
		if s == "" {
			t.Skip("pdftotext (poppler-utils) is not installed")
		}
		for _, want := range []string{"25 辆", "重大", "138****5678", "清运意见", l.Number} {
			if !strings.Contains(s, want) {
				t.Errorf("%q is not in %s", want, s)
			}
		}
		for _, not := range []string{"13800005678", "不印的说明"} {
			if strings.Contains(s, not) {
				t.Errorf("%q is in %s", not, s)
			}
		}
	})
}

const reminders = heap + `reminders:
  - {key: before, field: due, hours: -24, to: [leader, "role:sweeper"], text: '{title} 有 {bikes}，电话 {tel}，期限 {due}'}
  - {key: step, field: "step:clear", hours: -48, to: [holder, who], when: 'grade == "big"', text: '{step} {number}'}
roles: [{key: sweeper, title: 清运员, read: street}]
`

// Reminders go by the limit of the whole and of a step, to leaders, roles and whoever has it, with values in their words.
func TestReminders(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", w.units["区"], room.All, "forms.use", "forms.design")
		publish(t, e, designer, reminders)
		w.person("sweeper", "狮子山街道", false, "heaps_sweeper")
		grid := w.who["grid"]
		l := filed(t, e, grid, "heaps", heapAt(streetCode, "站口堆积", "big", 25))
		filed(t, e, grid, "heaps", heapAt(streetCode, "小堆", "small", 5))
		box := func(who string) string {
			t.Helper()
			_, body := e.Call(t, kerneltest.Case{As: w.who[who], Call: "GET /api/notify", Lang: "zh"})
			return body
		}
		e.Move(49 * time.Hour) // the step's four days less two
		job(t, e, "forms.remind")
		if s := box("mediator2"); !strings.Contains(s, "清运 "+l.Number) {
			t.Error("who has it is not told", s)
		}
		if n := told(t, e, "forms.reminder"); n == 0 {
			t.Error("nobody was told")
		}
		e.Move(30 * time.Hour) // the day before the 5th
		job(t, e, "forms.remind")
		job(t, e, "forms.remind")
		s := box("sweeper")
		for _, want := range []string{"站口堆积 有 25辆，电话 138****5678，期限 2023-06-05"} {
			if !strings.Contains(s, want) {
				t.Errorf("%q is not in %s", want, s)
			}
		}
		if strings.Contains(s, "小堆") || strings.Contains(s, "13800005678") || strings.Count(s, "站口堆积 有") != 1 {
			t.Error(s)
		}
		for _, c := range []struct{ from, to, want string }{
			{"{bikes}", "{bykes}", `reminders[0].text`}, {"hours: -24, to: [leader", "hours: -24, to: [nobody", `reminders[0].to[0]`}, {"step:clear", "step:nowhere", `reminders[1].field`},
			{"step:clear", "step:report", `reminders[1].field`}, {"role:sweeper", "role:emperor", `reminders[0].to[1]`}, {"field: due", "field: bikes", `reminders[0].field`},
		} {
			spoilt := strings.Replace(reminders, c.from, c.to, 1)
			e.Run(t, []kerneltest.Case{{Name: c.to, As: designer, Call: "POST /api/forms/apps/check", Body: quoted(map[string]any{"source": spoilt}), Status: 200, Want: []string{`"path":"` + c.want + `"`}}})
		}
	})
}
