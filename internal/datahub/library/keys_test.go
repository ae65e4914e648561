package library_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// keys is what the security administrator sees.
type keys struct {
	Keys []struct {
		ID                               string
		Current                          bool
		Datasets, Versions, Rows, Hashed int64
	}
	Sealing               bool
	Sealed, Plain, Behind int
	Runs                  []struct {
		ID, State, Error          string
		Total, Done, Rows, Failed int64
	}
}

func (e env) keys(as *room.Actor) (k keys) {
	e.t.Helper()
	e.Get(e.t, as, "GET /api/library/keys", "", &k)
	return k
}

// rekept starts a run and waits for its end.
func (e env) rekept(as *room.Actor) keys {
	e.t.Helper()
	e.Get(e.t, as, "POST /api/library/keys/rekeep", "{}", nil)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if k := e.keys(as); k.Runs[0].State != "queued" && k.Runs[0].State != "running" {
			return k
		}
		<-tick.C
	}
	e.t.Fatal("the run does not end")
	return keys{}
}

// stored is the version of the warehouse that serves a dataset.
func (e env) stored(id string) warehouse.Version {
	e.t.Helper()
	ds, err := e.Kit.Datasets.Get(e.t.Context(), e.Kit.DB, id, store.Unscoped("a test"))
	if err != nil {
		e.t.Fatal(err)
	}
	v, err := e.Kit.Warehouse.Version(e.t.Context(), ds.Current)
	if err != nil {
		e.t.Fatal(err)
	}
	return v
}

func TestIdentifiersAreSealedByRule(t *testing.T) {
	each(t, func(e env) {
		zhang, security := officer("zhang", "u1"), e.Administrator(room.Security)
		bold := officer("bold", "u1")
		bold.Grants["library.plain"] = []room.Grant{{Scope: room.Unit, Person: "bold", Unit: "u1"}}
		keep := func(header, how string) func(m map[string]any) {
			return func(m map[string]any) { column(m, header)["keep"] = how }
		}
		ld := e.gather(zhang, "人口信息.csv", gbk(people), "", nil)
		v := e.stored(ld.MadeDataset)
		for i, want := range []warehouse.Keep{warehouse.Sealed, "", warehouse.Sealed, "", "", "", ""} {
			if v.Columns[i].Keep != want {
				t.Errorf("%s is kept %q", v.Columns[i].Name, v.Columns[i].Keep)
			}
		}
		if v.Columns[0].Realm != "id" || v.Columns[2].Realm != "mobile" || v.Columns[0].Under != e.Kit.Ring.Current(secret.Identifier) {
			t.Error(v.Columns)
		}
		if rows := e.rowsOf(ld.MadeDataset); len(rows) != 3 {
			t.Error(rows)
		}
		draft := e.draft(zhang, "人口信息.csv", gbk(people), ld.MadeDataset)
		plain := func(ld load, header, how string) string {
			m := map[string]any{"dataset": "", "name": "other", "title": "另一张表", "columns": ld.Columns, "onBad": "reject", "version": ld.Version}
			keep(header, how)(m)
			defer keep(header, "")(m)
			return body(m)
		}
		fresh := e.draft(zhang, "人口信息.csv", gbk(people), "")
		e.Run(t, []kerneltest.Case{
			{Name: "the dataset says how it is kept", As: zhang, Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 200, Want: []string{`"keep":"sealed"`}},
			{Name: "the draft says what is the rule", As: zhang, Call: "GET /api/library/loads/" + fresh.ID, Status: 200, Want: []string{`"sealing":true`}},
			{Name: "weaker takes a right", As: zhang, Call: "PUT /api/library/loads/" + fresh.ID, Body: plain(fresh, "身份证号", "plain"), Status: 403, Want: []string{"身份证号", "library.plain"}},
			{Name: "a date is not sealed", As: zhang, Call: "PUT /api/library/loads/" + fresh.ID, Body: plain(fresh, "出生日期", "sealed"), Status: 422, Want: []string{"出生日期"}},
			{Name: "closer is free", As: zhang, Call: "PUT /api/library/loads/" + fresh.ID, Body: plain(fresh, "姓名", "hashed"), Status: 200, Want: []string{`"keep":"hashed"`}},
			{Name: "nobody but the administrator", As: zhang, Call: "GET /api/library/keys", Status: 403},
		})
		if draft.Columns[0]["keep"] != "sealed" {
			t.Error("what is replaced goes on as it was:", draft.Columns[0])
		}
		open := e.gather(bold, "明文.csv", gbk(people), "", func(m map[string]any) { keep("身份证号", "plain")(m); m["name"] = "mingwen" })
		if v := e.stored(open.MadeDataset); v.Columns[0].Keep != warehouse.Plain || v.Columns[2].Keep != warehouse.Sealed {
			t.Error(v.Columns)
		}
		said, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT CAST(detail AS TEXT) FROM audit WHERE action = 'library.start' ORDER BY id DESC LIMIT 1`)
		if err != nil || !strings.Contains(strings.ReplaceAll(strings.Join(said, ""), " ", ""), `"keep":"plain"`) {
			t.Error("the record says how columns are kept:", said, err)
		}
		if k := e.keys(security); k.Sealed != 2 || k.Plain != 1 || k.Behind != 0 || !k.Sealing {
			t.Errorf("%+v", k)
		}
	})
}

func TestKeysRotate(t *testing.T) {
	each(t, func(e env) {
		zhang, security := officer("zhang", "u1"), e.Administrator(room.Security)
		first := e.gather(zhang, "人口信息.csv", gbk(people), "", nil)
		e.gather(zhang, "人口信息.csv", gbk(people), first.MadeDataset, nil) // the first version is history now
		old := e.Kit.Ring.Current(secret.Identifier)
		e.Get(t, security, "POST /api/library/keys/rotate", "{}", nil)
		second := e.gather(zhang, "人员.csv", gbk(people), "", nil)
		k := e.keys(security)
		if len(k.Keys) != 2 || k.Keys[1].ID != old || k.Keys[1].Datasets != 1 || k.Keys[1].Versions != 2 || k.Keys[0].Datasets != 1 || !k.Keys[0].Current || k.Behind != 2 {
			t.Errorf("%+v", k)
		}
		find := func(id string) string {
			res, err := e.Kit.Warehouse.Query(t.Context(), warehouse.Query{From: e.stored(id).ID, Select: []warehouse.Item{{Col: "姓名"}}, Where: warehouse.Eq("身份证号", "420199198506150017")})
			if err != nil {
				return err.Error()
			}
			rows, err := res.All()
			return fmt.Sprint(rows, err)
		}
		for _, ds := range []string{first.MadeDataset, second.MadeDataset} {
			if got := find(ds); got != "[[张三]] <nil>" {
				t.Error("found under both keys:", got)
			}
		}
		before := e.stored(first.MadeDataset)
		e.Run(t, []kerneltest.Case{{Name: "in use", As: security, Call: "DELETE /api/library/keys/" + old, Status: 409, Want: []string{"2 个数据版本"}},
			{Name: "the current one", As: security, Call: "DELETE /api/library/keys/" + k.Keys[0].ID, Status: 409},
			{Name: "none", As: security, Call: "DELETE /api/library/keys/" + e.Kit.Ring.Current(secret.Field), Status: 404}})
		k = e.rekept(security)
		if r := k.Runs[0]; r.State != "done" || r.Done != 2 || r.Rows != 6 || r.Failed != 0 || k.Behind != 0 {
			t.Errorf("%+v", k)
		}
		after := e.stored(first.MadeDataset)
		if after.ID == before.ID || after.Rows != before.Rows || after.Columns[0].Under == old {
			t.Error(before, after)
		}
		var d dataset
		e.Get(t, zhang, "GET /api/library/datasets/"+first.MadeDataset, "", &d)
		if d.Number != 2 || len(d.Versions) != 2 {
			t.Errorf("the history is what it was: %+v", d)
		}
		// the sweep takes what was replaced; then the key can go
		if err := e.Kit.Datasets.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.Move(50 * time.Hour)
		if err := e.Kit.Datasets.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := e.Kit.Warehouse.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all { // versions are as old as the machine's clock says, the house's stands in another year
			if v.Columns[0].Under == old {
				if err := e.Kit.Warehouse.Drop(t.Context(), v.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.Run(t, []kerneltest.Case{{Name: "retired", As: security, Call: "DELETE /api/library/keys/" + old, Status: 200, Not: []string{old}}})
		for _, ds := range []string{first.MadeDataset, second.MadeDataset} {
			if got := find(ds); got != "[[张三]] <nil>" {
				t.Error("found after the old key is gone:", got)
			}
		}
		if len(e.rowsOf(first.MadeDataset)) != 3 {
			t.Error("rows")
		}
		e.Run(t, []kerneltest.Case{{Name: "it says who did what", As: security, Call: "GET /api/library/keys", Status: 200, Want: []string{`"state":"done"`, `"behind":0`}}})
	})
}

// What was loaded before there was a rule is kept anew by a run, and what somebody decided to keep open stays so.
func TestKeepAnew(t *testing.T) {
	each(t, func(e env) {
		zhang, security := officer("zhang", "u1"), e.Administrator(room.Security)
		e.Get(t, security, "PUT /api/settings/dataset.seal_identifiers", `{"value":false,"reason":"迁移","version":0}`, nil)
		ld := e.gather(zhang, "人口信息.csv", gbk(people), "", nil)
		if v := e.stored(ld.MadeDataset); v.Columns[0].Keep != warehouse.Plain {
			t.Fatal(v.Columns)
		}
		if k := e.keys(security); k.Behind != 0 || k.Plain != 0 || k.Sealing {
			t.Errorf("without the rule nothing is to be done: %+v", k)
		}
		e.Get(t, security, "PUT /api/settings/dataset.seal_identifiers", `{"value":true,"reason":"迁移","version":1}`, nil)
		if k := e.keys(security); k.Behind != 1 || k.Plain != 1 {
			t.Errorf("%+v", k)
		}
		if k := e.rekept(security); k.Runs[0].State != "done" || k.Behind != 0 || k.Plain != 0 || k.Sealed != 1 {
			t.Errorf("%+v", k)
		}
		if v := e.stored(ld.MadeDataset); v.Columns[0].Keep != warehouse.Sealed || v.Columns[2].Keep != warehouse.Sealed || v.Columns[1].Keep != warehouse.Plain {
			t.Error(v.Columns)
		}
		if rows := e.rowsOf(ld.MadeDataset); len(rows) != 3 || !strings.Contains(fmt.Sprint(rows), "420199198506150017 张三 13800005678") {
			t.Error(rows)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "the dataset says so", As: zhang, Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 200, Want: []string{`"keep":"sealed"`, `"number":1`}},
			{Name: "nothing to stop", As: security, Call: "POST /api/library/keys/rekeep/none/cancel", Body: "{}", Status: 409},
		})
	})
}

// Nothing of an identifier stands in the files of the warehouse after a spreadsheet was loaded.
func TestAtRest(t *testing.T) {
	dir := t.TempDir()
	h := &kerneltest.Houses{Rooms: rooms, Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: dir, Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}}
	e := env{h.Start(t, store.SQLite), t}
	zhang := officer("zhang", "u1")
	var b strings.Builder
	b.WriteString("身份证号,姓名,手机号\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "4201991985%08d,张三丰,138%08d\n", i, i)
	}
	ld := e.gather(zhang, "大表.csv", b.String(), "", func(m map[string]any) {
		column(m, "身份证号")["kind"], column(m, "身份证号")["level"], column(m, "身份证号")["masked"] = "id", "L3", true
		column(m, "手机号")["kind"], column(m, "手机号")["level"], column(m, "手机号")["masked"] = "mobile", "L3", true
	})
	if ld.Rows != 5000 {
		t.Fatalf("%+v", ld)
	}
	if err := e.Kit.Warehouse.Close(); err != nil {
		t.Fatal(err)
	}
	names := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, what := range []string{"4201991985", "13800000", "00004999"} {
			if strings.Contains(string(raw), what) {
				t.Errorf("%s stands in %s", what, filepath.Base(path))
			}
		}
		names += strings.Count(string(raw), "张三丰")
		return err
	})
	if err != nil || names == 0 {
		t.Error("what is not sealed is found there:", names, err)
	}
}
