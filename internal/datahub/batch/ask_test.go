package batch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// person is somebody in a unit of the organisation, with permissions of that unit.
func (e env) person(unit, name string, leader bool, perms ...string) *room.Actor {
	e.t.Helper()
	var p struct{ ID string }
	e.Get(e.t, e.Administrator(room.System), "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q,"leader":%t,"title":"干部"}`, name, unit, leader), &p)
	posts, err := e.Kit.Org.Posts(e.t.Context(), e.Kit.DB, p.ID)
	if err != nil {
		e.t.Fatal(err)
	}
	a := kerneltest.Actor(p.ID, unit, room.Unit, perms...)
	a.Name, a.Post = name, posts[0].ID
	return a
}

func (e env) unit(name string) string {
	e.t.Helper()
	var u struct{ ID string }
	e.Get(e.t, e.Administrator(room.System), "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":"department"}`, name), &u)
	return u.ID
}

// submit ends the step somebody holds.
func (e env) submit(who *room.Actor, caseID, outcome string) (int, string) {
	e.t.Helper()
	var d flow.Detail
	e.Get(e.t, who, "GET /api/flow/cases/"+caseID, "", &d)
	if len(d.Mine) == 0 {
		e.t.Fatal("nothing is before him:", d.Step, d.Holder)
	}
	return e.Call(e.t, kerneltest.Case{As: who, Call: "POST /api/flow/cases/" + caseID + "/deeds", Body: fmt.Sprintf(`{"verb":"submit","task":%q,"outcome":%q,"reason":"说明"}`, d.Mine[0].ID, outcome)})
}

// A bureau asks, the centre takes it on, runs the list and hands the result over; the bureau fetches it and rates.
func TestAsk(t *testing.T) {
	each(t, func(e env) {
		centre, bureau := e.unit("区大数据中心"), e.unit("区医疗保障局")
		chief := e.person(centre, "陈立明", true, "batch.run", "batch.ask")
		asker := e.person(bureau, "刘敏", false, "batch.ask")
		loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: "people", Columns: dataset.Physical(columns), OnDuplicate: warehouse.KeepAll}, feed(people(20)))
		if err != nil {
			t.Fatal(err)
		}
		var ds dataset.Dataset
		err = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: "people", Title: "参保人口", Room: "library", Unit: centre, Columns: columns, Loaded: loaded.Version})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		e.Run(t, []kerneltest.Case{{Name: "what one may ask for", As: asker, Call: "GET /api/batch/askable", Status: 200, Want: []string{"参保人口", "单位" + centre}, Not: []string{"sfzh"}}})
		var ask struct{ ID, Case, Number, Step, Run, Rating, State string }
		body := fmt.Sprintf(`{"fileId":%q,"dataset":%q,"wanted":"是否参保","purpose":%q,"basis":%q}`, e.upload(asker, "名单.csv", listOf("身份证号", codes.Fictional(1), codes.Fictional(900))), ds.ID, purpose, basis)
		e.Get(t, asker, "POST /api/batch/asks", body, &ask)
		if ask.Step != "受理" || !strings.HasPrefix(ask.Number, "XZHY2023-") {
			t.Fatalf("%+v", ask)
		}
		answer := "POST /api/batch/asks/" + ask.ID + "/answer"
		e.Run(t, []kerneltest.Case{
			{Name: "others see nothing", As: e.person(e.unit("区水务局"), "王治水", false, "batch.ask", "batch.run"), Call: "GET /api/batch/asks/" + ask.ID, Status: 404},
			{Name: "not before it is taken on", As: chief, Call: answer, Body: "{}", Status: 409, Want: []string{"受理"}},
		})
		if s, b := e.submit(chief, ask.Case, "agree"); s != 200 {
			t.Fatal(s, b)
		}
		if s, b := e.submit(chief, ask.Case, "deliver"); s != 422 || !strings.Contains(b, "还没有完成核验") {
			t.Error("handed over without a result:", s, b)
		}
		var r run
		e.Get(t, chief, answer, "{}", &r)
		if r.Valid != 2 || len(r.Samples) != 2 {
			t.Fatalf("%+v", r)
		}
		if done := e.ended(chief, r); done.Hits != 1 {
			t.Fatalf("%+v", done)
		}
		copies := "POST /api/batch/runs/" + r.ID + "/copies"
		e.Run(t, []kerneltest.Case{{Name: "not before it is handed over", As: asker, Call: copies, Body: `{"format":"csv"}`, Status: 404}})
		if s, b := e.submit(chief, ask.Case, "deliver"); s != 200 {
			t.Fatal(s, b)
		}
		if _, note, rows := e.fetch(asker, r.ID); len(rows) != 3 || !strings.Contains(note, "刘敏") {
			t.Error(note, rows)
		}
		if s, b := e.submit(asker, ask.Case, "good"); s != 200 {
			t.Fatal(s, b)
		}
		e.Get(t, asker, "GET /api/batch/asks/"+ask.ID, "", &ask)
		if ask.Rating != "good" || ask.State != "closed" || ask.Run != r.ID {
			t.Errorf("%+v", ask)
		}
		if last := book.entries[len(book.entries)-1]; last.Matter != ask.Number {
			t.Error("the ledger does not name the case:", last)
		}
	})
}
