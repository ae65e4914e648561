package lookup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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

// A look at one's own record or a colleague's, at night, or for no case, is marked.
func TestMarks(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		const own, mate, other = "420199198001010019", "420199199102150023", "420199200109300034"
		ds := publish(t, e, "", 0, "people", []any{own, "李四", "13900000001", nil}, []any{mate, "赵六", "13900000002", nil}, []any{other, "钱七", "13900000003", nil})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
		find := func(id, matter string) {
			body := fmt.Sprintf(`{"dataset":%q,"column":"sfzh","value":%q,"purpose":%q,"matter":%q}`, ds.ID, id, why, matter)
			if s, b := e.Call(t, kerneltest.Case{As: reader("li", "u2"), Call: "POST /api/lookup/find", Body: body}); s != 200 {
				t.Fatal(s, b)
			}
		}
		boss := kerneltest.Actor("zhang", "u1", room.Unit, "lookup.ledger")
		newest := func(query string) (marks []string, n int) {
			var got struct{ Items []struct{ Marks []string } }
			e.Get(t, boss, "GET /api/lookup/ledger"+query, "", &got)
			if len(got.Items) == 0 {
				return nil, 0
			}
			return got.Items[0].Marks, len(got.Items)
		}
		for _, c := range []struct {
			name, id, matter, want string
			later                  time.Duration
		}{
			{"a stranger's, for a case", other, "SQ2023-00012", "[]", 0},
			{"for no case", other, "", "[no_case]", 0},
			{"his own", own, "SQ2023-00012", "[self]", 0},
			{"a colleague's", mate, "SQ2023-00012", "[colleague]", 0},
			{"at night", other, "SQ2023-00012", "[off_hours]", 12 * time.Hour},
			{"on Saturday", other, "SQ2023-00012", "[off_hours]", 36 * time.Hour},
		} {
			if e.Move(c.later); c.later > 0 {
				grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
			}
			find(c.id, c.matter)
			if marks, _ := newest(""); fmt.Sprint(marks) != c.want {
				t.Errorf("%s: %v, want %s", c.name, marks, c.want)
			}
		}
		for query, want := range map[string]int{"": 6, "?mark=any": 4, "?mark=off_hours": 2, "?mark=self": 1} {
			if _, n := newest(query); n != want {
				t.Errorf("%q: %d looks, want %d", query, n, want)
			}
		}
	})
}
