package lookup_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/lookup"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// runningCase writes a case that concerns a unit, as flow keeps it.
func runningCase(t *testing.T, e *kerneltest.Env, number, unit, state string) {
	t.Helper()
	err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO flow_def (id, kind, number, title, body, hash, at, by_id) VALUES ('d', 'x', 1, '', '{}', '', 0, '') ON CONFLICT DO NOTHING`); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `INSERT INTO flow_case (id, kind, room, object, def_id, number, title, level, state, step, holder, place, street, community, unit_id, owner, owner_name, from_unit, begun_at, due_at, due_unit, tokens, version)
			VALUES ($1, 'x', 'x', $2, 'd', $3, '低保申请', '', $4, '', '', '', '', '', $5, 'somebody', '', '', 0, 0, '', '{}', 1)`, number, number, number, state, unit)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newest returns the marks of the newest look in the ledger, and how many looks a filter leaves.
func newest(t *testing.T, e *kerneltest.Env, query string) (marks string, n int) {
	t.Helper()
	var got struct{ Items []struct{ Marks []string } }
	e.Get(t, kerneltest.Actor("zhang", "u1", room.Unit, "lookup.ledger"), "GET /api/lookup/ledger"+query, "", &got)
	if len(got.Items) == 0 {
		return "", 0
	}
	return strings.Join(got.Items[0].Marks, " "), len(got.Items)
}

func lookFor(t *testing.T, e *kerneltest.Env, ds dataset.Dataset, id, matter string) {
	t.Helper()
	body := fmt.Sprintf(`{"dataset":%q,"column":"sfzh","value":%q,"purpose":%q,"matter":%q}`, ds.ID, id, why, matter)
	if s, b := e.Call(t, kerneltest.Case{As: reader("li", "u2"), Call: "POST /api/lookup/find", Body: body}); s != 200 {
		t.Fatal(s, b)
	}
}

// A look at one's own record or a colleague's, at night, or for no running case of one's own, is marked.
func TestMarks(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		const own, mate, other, matter = "420199198001010019", "420199199102150023", "420199200109300034", "SQ2023-00012"
		ds := publish(t, e, "", 0, "people", []any{own, "李四", "13900000001", nil}, []any{mate, "赵六", "13900000002", nil}, []any{other, "钱七", "13900000003", nil})
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
		runningCase(t, e, matter, "u2", "open")
		runningCase(t, e, "SQ2023-00013", "u7", "open")
		runningCase(t, e, "SQ2023-00014", "u2", "closed")
		for _, c := range []struct {
			name, id, matter, want string
			later                  time.Duration
		}{
			{"a stranger's, for a case", other, "sq2023-00012 ", "", 0},
			{"for no case", other, "", "no_case", 0},
			{"for words", other, "低保核对", "no_case", 0},
			{"for another unit's case", other, "SQ2023-00013", "no_case", 0},
			{"for a case that is closed", other, "SQ2023-00014", "no_case", 0},
			{"for one that is not there", other, "SQ2023-00099", "no_case", 0},
			{"his own", own, matter, "self", 0},
			{"a colleague's of another section", mate, matter, "colleague", 0},
			{"at night", other, matter, "off_hours", 12 * time.Hour},
			{"on Saturday", other, matter, "off_hours", 36 * time.Hour},
		} {
			if e.Move(c.later); c.later > 0 {
				grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
			}
			lookFor(t, e, ds, c.id, c.matter)
			if marks, _ := newest(t, e, ""); marks != c.want {
				t.Errorf("%s: %q, want %q", c.name, marks, c.want)
			}
		}
		for query, want := range map[string]int{"": 10, "?mark=any": 4, "?mark=off_hours": 2, "?mark=self": 1, "?mark=no_case": 5} {
			if _, n := newest(t, e, query); n != want {
				t.Errorf("%q: %d looks, want %d", query, n, want)
			}
		}
		e.Run(t, []kerneltest.Case{{Name: "who looked is not told whose record it is", As: reader("li", "u2"), Call: "GET /api/lookup/mine", Status: 200, Want: []string{"no_case", "off_hours"}, Not: []string{`"self"`, `"colleague"`}}})
	})
}

// register is a dataset that says who lives with whom.
func register(t *testing.T, e *kerneltest.Env, rows ...[]any) dataset.Dataset {
	t.Helper()
	cols := []dataset.Column{
		{Name: "sfzh", Title: "身份证号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true},
		{Name: "hh", Title: "户号", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindHousehold, Level: dataset.L3, Masked: true},
	}
	loaded, err := e.Kit.Warehouse.Load(t.Context(), warehouse.Spec{Table: "register", Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, feed(rows))
	if err != nil {
		t.Fatal(err)
	}
	var ds dataset.Dataset
	err = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = e.Kit.Datasets.Publish(ctx, tx, dataset.Publication{Name: "register", Title: "户籍人口", Room: "library", Unit: "u9", Owner: "zhang", Columns: cols, Loaded: loaded.Version})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// A look at a relative one has declared, or at who is of a household with oneself or a relative, is marked; a colleague who
// declared himself is known without his mobile number. What is withdrawn counts for a year.
func TestHousehold(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		number := codes.Fictional
		self, wife, mother, lodger, stranger, mate, soldier := number(1), number(2), number(3), number(4), number(5), number(6), number(7)
		ds := publish(t, e, "", 0, "people", []any{self, "李四", nil, nil}, []any{wife, "王五", nil, nil}, []any{mother, "陈六", nil, nil}, []any{lodger, "赵七", nil, nil},
			[]any{stranger, "钱八", nil, nil}, []any{mate, "孙九", nil, nil}, []any{soldier, "周十", nil, nil})
		home := [][]any{{self, "H1"}, {lodger, "H1"}, {mother, "H2"}, {stranger, "H3"}, {mate, nil}}
		for i := range 20 { // a collective register is nobody's family
			home = append(home, []any{number(100 + i), "H2"})
		}
		home = append(home, []any{soldier, "H2"})
		reg := register(t, e, home...)
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
		grant(t, e, reg, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "hh"}})
		runningCase(t, e, "SQ2023-00012", "u2", "open")
		li := reader("li", "u2")
		const path = "POST /api/lookup/kin"
		say := func(relation, number string) string {
			return fmt.Sprintf(`{"relation":%q,"number":%q}`, relation, number)
		}
		lookFor(t, e, ds, lodger, "SQ2023-00012")
		if marks, _ := newest(t, e, ""); marks != "" {
			t.Error("nothing is known of who declared nothing:", marks)
		}
		var kin struct{ ID string }
		e.Get(t, li, path, say("self", " "+strings.ToLower(self)), nil)
		e.Get(t, li, path, say("spouse", wife), &kin)
		e.Run(t, []kerneltest.Case{
			{Name: "the mother", As: li, Call: path, Body: say("parent", mother), Status: 200, Not: []string{mother}},
			{Name: "a colleague for himself", As: reader("sun", "u2"), Call: path, Body: say("self", mate), Status: 200},
			{Name: "no number", As: li, Call: path, Body: say("child", "42019920010930003"), Status: 422, Want: []string{"公民身份号码"}},
			{Name: "twice", As: li, Call: path, Body: say("other", mother), Status: 409},
			{Name: "himself twice", As: li, Call: path, Body: say("self", number(8)), Status: 409},
			{Name: "a relation that is none", As: li, Call: path, Body: say("boss", number(8)), Status: 422},
			{Name: "masked", As: li, Call: "GET /api/lookup/kin", Status: 200, Want: []string{"self", "spouse", "parent"}, Not: []string{self, wife, mother}},
			{Name: "another's are not to be seen", As: reader("sun", "u2"), Call: "GET /api/lookup/kin", Status: 200, Want: []string{"self"}, Not: []string{"spouse"}},
			{Name: "nor withdrawn", As: reader("sun", "u2"), Call: "DELETE /api/lookup/kin/" + kin.ID, Status: 404},
		})
		each := func(ds dataset.Dataset, want map[string]string) {
			t.Helper()
			for id, marks := range want {
				lookFor(t, e, ds, id, "SQ2023-00012")
				if got, _ := newest(t, e, "?dataset="+ds.ID); ds.ID != reg.ID && got != marks {
					t.Errorf("%s: %q, want %q", id, got, marks)
				}
				// the register is another unit's: its ledger is asked by the mark
				book := lookup.NewLedger(e.Kit)
				got, err := book.Related(t.Context(), lookup.Look{Person: "li", Unit: "u2", Home: "u2", Column: "sfzh", Dataset: ds.ID}, ds.Name, []uint64{book.Indexer(ds.Name, "sfzh")(id), 7})
				if err != nil || strings.Join(got, " ") != marks {
					t.Errorf("on a list %s: %q %v, want %q", id, got, err, marks)
				}
			}
		}
		want := map[string]string{self: "self", wife: "household", mother: "household", lodger: "household", stranger: "", mate: "colleague", soldier: ""}
		each(ds, want)
		delete(want, wife) // who is not in the register
		each(reg, want)
		e.Run(t, []kerneltest.Case{{Name: "withdrawn", As: li, Call: "DELETE /api/lookup/kin/" + kin.ID, Status: 204}})
		lookFor(t, e, ds, wife, "SQ2023-00012")
		if marks, _ := newest(t, e, ""); marks != "household" {
			t.Error("withdrawn, looked and declared again:", marks)
		}
		var long []uint64
		for i := range 200 {
			long = append(long, uint64(i))
		}
		book := lookup.NewLedger(e.Kit)
		if got, err := book.Related(t.Context(), lookup.Look{Person: "li", Home: "u2", Column: "sfzh"}, ds.Name, append(long, book.Indexer(ds.Name, "sfzh")(self))); err != nil || got != nil {
			t.Error("a long list holds everybody:", got, err)
		}
		texts, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT sealed || key_index || relation FROM lookup_kin UNION ALL SELECT CAST(detail AS TEXT) FROM audit`)
		for _, n := range []string{self, wife, mother} {
			if err != nil || strings.Contains(strings.Join(texts, "\n"), n) {
				t.Error("a number stands open", err)
			}
		}
	})
}
