package forms

import (
	"fmt"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
)

// now returns an entry as it is kept.
func (w *town) now(t *testing.T, id string) *Entry {
	t.Helper()
	e, err := findEntry(t.Context(), w.Kit.DB, store.C("e.id = $1", id))
	if err != nil {
		t.Fatal(err)
	}
	return &e
}

// deed does something to a case in words of the test.
func (w *town) deed(t *testing.T, who string, e *Entry, body string) (int, string) {
	t.Helper()
	var of struct{ Mine []struct{ ID string } }
	as := w.who[who]
	w.Get(t, as, "GET /api/flow/cases/"+e.Case, "", &of)
	task := ""
	if len(of.Mine) > 0 {
		task = of.Mine[0].ID
	}
	return w.Call(t, kerneltest.Case{As: as, Call: "POST /api/flow/cases/" + e.Case + "/deeds", Body: fmt.Sprintf(`{"task":%q,%s}`, task, body)})
}

const quarrel = `{"title":"甲与乙为楼道堆物争吵","source":"grid","category":"neighbour","story":"楼道堆物","people":2,"location":` + place + `,"parties":[{"name":"李四","role":"asks"},{"name":"王五","role":"asked"}]}`

// Returned to who filed it, an entry is his to correct, and goes on from there.
func TestReturned(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		grid := w.who["grid"]
		l := filed(t, e, grid, "dispute", quarrel)
		if status, text := w.deed(t, "centre", w.now(t, l.ID), `"verb":"return","reason":"请补充人数"`); status != 200 {
			t.Fatal(status, text)
		}
		if at := w.now(t, l.ID); at.AtStep != "register" || at.Holder != grid.Name {
			t.Fatalf("%+v", at)
		}
		e.Run(t, []kerneltest.Case{{Name: "his again", As: grid, Call: "GET /api/forms/entries/" + l.ID, Status: 200, Want: []string{`"mayWrite":true`, `"title":"need"`}}})
		if status, text := w.deed(t, "grid", w.now(t, l.ID), `"verb":"submit","data":{"title":" "}`); status != 422 {
			t.Fatal("what must be given was taken away:", status, text)
		}
		if status, text := w.deed(t, "grid", w.now(t, l.ID), `"verb":"submit","data":{"people":60,"behaviour":["threat"],"grade":"green"}`); status != 200 {
			t.Fatal(status, text)
		}
		at := w.now(t, l.ID)
		if at.AtStep != "grading" || at.Level != "orange" || at.Data["grade"] != nil {
			t.Fatalf("%+v", at)
		}
	})
}

// A refusal gives back what was reserved, and so does the end of a case that is stopped.
func TestRefusedGivesBack(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		clerk := w.who["clerk"]
		body := w.fill(clerk, `{"topic":"大会","slot":{"from":"2023-06-02T09:00:00+08:00","until":"2023-06-02T11:00:00+08:00"},"room":"$res:meetingroom/r101;","people":120}`)
		again := kerneltest.Case{As: w.who["boss"], Call: "POST /api/forms/apps/meetingroom/entries", Body: `{"data":` + body + `}`}
		l := filed(t, e, clerk, "meetingroom", body)
		if status, _ := e.Call(t, again); status != 409 {
			t.Fatal("it is reserved:", status)
		}
		if status, text := w.deed(t, "meetingroom_keeper", w.now(t, l.ID), `"verb":"submit","outcome":"refuse","reason":"另有安排"`); status != 200 {
			t.Fatal(status, text)
		}
		if at := w.now(t, l.ID); at.State != "closed" || at.Outcome != "refuse" {
			t.Fatalf("%+v", at)
		}
		if status, text := e.Call(t, again); status != 200 {
			t.Error("it is free again:", status, text)
		}
	})
}

// Where a booking would clash, a step that moves it is refused as a whole.
func TestMovedOntoAnother(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		clerk := w.who["clerk"]
		trip := func(from string) string {
			return `{"reason":"survey","destination":"光谷","trip":{"from":"2023-06-02T` + from + `:00:00+08:00","until":"2023-06-02T12:00:00+08:00"},"riders":3,"phone":"13800005678"}`
		}
		a, b := filed(t, e, clerk, "vehicle", trip("09")), filed(t, e, clerk, "vehicle", trip("11"))
		car := w.fill(clerk, `"data":{"car":"$res:vehicle/a1;","driver":"王师傅"}`)
		for _, id := range []string{a.ID, b.ID} {
			if status, text := w.deed(t, "boss", w.now(t, id), `"verb":"submit","outcome":"agree"`); status != 200 {
				t.Fatal(status, text)
			}
		}
		if status, text := w.deed(t, "vehicle_dispatcher", w.now(t, a.ID), `"verb":"submit","outcome":"sent",`+car); status != 200 {
			t.Fatal(status, text)
		}
		status, text := w.deed(t, "vehicle_dispatcher", w.now(t, b.ID), `"verb":"submit","outcome":"sent",`+car)
		if at := w.now(t, b.ID); status != 409 || at.AtStep != "dispatch" || at.Data["car"] != nil {
			t.Error(status, text, at)
		}
	})
}

// A part of an entry is an entry of its own with what was said of the whole, and repeated ones are merged into one.
func TestPartAndMerge(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		grid := w.who["grid"]
		l := filed(t, e, grid, "dispute", quarrel)
		if status, text := w.deed(t, "centre", w.now(t, l.ID), `"verb":"split","title":"清理三楼堆物"`); status != 200 {
			t.Fatal(status, text)
		}
		all, err := listAll(t, e)
		if err != nil || len(all) != 2 {
			t.Fatal(len(all), err)
		}
		for _, x := range all {
			if x.ID == l.ID {
				continue
			}
			c, err := w.Kit.Flow.Case(t.Context(), e.Kit.DB, x.Case)
			if err != nil || c.Title != "清理三楼堆物" || x.Data["story"] != "楼道堆物" || x.Number == l.Number || x.Owner != w.who["centre"].Person {
				t.Errorf("%+v %+v %v", c, x, err)
			}
		}
		twice := filed(t, e, grid, "dispute", quarrel)
		boss := w.who["centre"]
		boss.Grants["flow.supervise"] = boss.Grants["forms.use"]
		if status, text := w.Call(t, kerneltest.Case{As: boss, Call: "POST /api/flow/cases/" + w.now(t, twice.ID).Case + "/deeds", Body: fmt.Sprintf(`{"verb":"merge","other":%q,"reason":"同一件事"}`, w.now(t, l.ID).Number)}); status != 200 {
			t.Fatal(status, text)
		}
		if at := w.now(t, twice.ID); at.State != "merged" {
			t.Errorf("%+v", at)
		}
	})
}

func listAll(t *testing.T, e *kerneltest.Env) ([]Entry, error) {
	t.Helper()
	page, err := listEntries(t.Context(), e.Kit.DB, "dispute", store.Scoped(store.C("TRUE")), nil, "", true, store.Page{Limit: 50})
	return page.Items, err
}
