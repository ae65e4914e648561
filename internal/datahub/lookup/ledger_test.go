package lookup_test

import (
	"context"
	"fmt"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/datahub/lookup"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// enter writes a run of a list into the ledger.
func enter(t *testing.T, e *kerneltest.Env, ds dataset.Dataset, person string, keys ...string) string {
	t.Helper()
	book := lookup.NewLedger(e.Kit)
	index := book.Indexer(ds.Name, "sfzh")
	var subjects []uint64
	for _, k := range keys {
		subjects = append(subjects, index(k))
	}
	root := ""
	err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		root, err = book.Enter(ctx, tx, lookup.Look{Dataset: ds.ID, Title: ds.Title, Store: ds.Current, OwnerUnit: ds.Unit, Column: "sfzh", Purpose: "年度参保核对", Basis: "社会保险法", Person: person, PersonName: person,
			Unit: "u8", Home: "u8", At: store.At(e.Now), Hits: len(keys), Batch: "run-" + person}, ds.Name, subjects)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Who looked at one's data is counted over single looks and lists, by unit and purpose, without a name.
func TestSubject(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
		e.Run(t, []kerneltest.Case{{Name: "a look", As: reader("li", "u2"), Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 200}})
		var many []string
		for i := range 3000 {
			many = append(many, fmt.Sprintf("4201991985%07dX", i))
		}
		a := enter(t, e, ds, "wu", append(many, zhangID)...)
		if b := enter(t, e, ds, "zheng", append([]string{zhangID}, many...)...); a != b || len(a) != 64 {
			t.Error("the root goes by the order of the list:", a, b)
		}
		if c := enter(t, e, ds, "feng", many...); c == a {
			t.Error("one subject less, the same root")
		}
		counter := kerneltest.Actor("sun", "u5", room.Unit, "lookup.subject")
		body := func(id string) string {
			return fmt.Sprintf(`{"number":%q,"purpose":"本人到窗口查询，已核验身份证"}`, id)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "counted", As: counter, Call: "POST /api/lookup/subject", Body: body(zhangID), Status: 200,
				Want: []string{`"looks":3,"lists":2`, "单位u2", "单位u8", why, "年度参保核对", `"lists":2`}, Not: []string{zhangID, "zheng", `"li"`}},
			{Name: "never looked at", As: counter, Call: "POST /api/lookup/subject", Body: body(liID), Status: 200, Want: []string{`"looks":0,"lists":0,"askers":[]`}},
			{Name: "no number", As: counter, Call: "POST /api/lookup/subject", Body: body("420199198506150018"), Status: 422, Want: []string{"公民身份号码"}},
			{Name: "lists stand in the ledger", As: kerneltest.Actor("zhang", "u1", room.Unit, "lookup.ledger"), Call: "GET /api/lookup/ledger?batch=true", Status: 200,
				Want: []string{`"asked":3001`, `"batch":"run-wu"`, a}, Not: []string{why}},
			{Name: "of one's own units alone", As: kerneltest.Actor("qian", "u9", room.Unit, "lookup.ledger"), Call: "GET /api/lookup/ledger", Status: 200, Want: []string{`"items":[]`}},
		})
	})
}
