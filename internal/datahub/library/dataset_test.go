package library_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

func body(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// What a person decides is checked before anything is loaded.
func TestPlan(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		taken := e.gather(zhang, "aa.csv", small, "", func(m map[string]any) { m["name"] = "taken" })
		ld := e.draft(zhang, "人口.csv", people, "")
		plan := func(change func(m map[string]any)) string {
			var m map[string]any
			if err := json.Unmarshal([]byte(body(map[string]any{"name": ld.Name, "title": ld.Title, "columns": ld.Columns, "onBad": "reject", "version": ld.Version})), &m); err != nil {
				e.t.Fatal(err)
			}
			change(m)
			return body(m)
		}
		col := func(m map[string]any, i int) map[string]any { return m["columns"].([]any)[i].(map[string]any) }
		put := "PUT /api/library/loads/" + ld.ID
		e.Run(e.t, []kerneltest.Case{
			{Name: "no title", As: zhang, Call: put, Body: plan(func(m map[string]any) { m["title"] = " " }), Status: 422, Want: []string{"资源名称"}},
			{Name: "bad code", As: zhang, Call: put, Body: plan(func(m map[string]any) { m["name"] = "人口" }), Status: 422, Want: []string{"小写字母"}},
			{Name: "taken code", As: zhang, Call: put, Body: plan(func(m map[string]any) { m["name"] = "taken" }), Status: 409, Want: []string{"taken"}},
			{Name: "an identity number laid open", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 0)["masked"] = false }), Status: 422, Want: []string{"身份证号", "脱敏"}},
			{Name: "or made public", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 0)["level"] = "L1" }), Status: 422, Want: []string{"L3"}},
			{Name: "unknown type", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["type"] = "money" }), Status: 422},
			{Name: "unknown kind", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["kind"] = "soul" }), Status: 422},
			{Name: "two columns of one name", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["name"] = "姓名" }), Status: 422, Want: []string{"重复"}},
			{Name: "a name that is none", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["name"] = "a b; drop" }), Status: 422, Want: []string{"列名"}},
			{Name: "a column twice", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["at"] = 0 }), Status: 422, Want: []string{"对不上"}},
			{Name: "a column beyond the file", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 5)["at"] = 99 }), Status: 422, Want: []string{"对不上"}},
			{Name: "nothing kept", As: zhang, Call: put, Body: plan(func(m map[string]any) {
				for i := range m["columns"].([]any) {
					col(m, i)["skip"] = true
				}
			}), Status: 422, Want: []string{"至少保留一列"}},
			{Name: "another's draft", As: officer("wang", "u1"), Call: put, Body: plan(func(map[string]any) {}), Status: 403, Want: []string{"zhang"}},
			{Name: "another unit", As: officer("li", "u2"), Call: put, Body: plan(func(map[string]any) {}), Status: 404},
			{Name: "another unit's dataset", As: officer("li", "u2"), Call: "POST /api/library/loads", Body: fmt.Sprintf(`{"fileId":%q,"dataset":%q}`, e.upload(officer("li", "u2"), "aa.csv", small), taken.MadeDataset), Status: 404},
			{Name: "well", As: zhang, Call: put, Body: plan(func(m map[string]any) { col(m, 6)["skip"] = true; col(m, 0)["kind"] = "id_strict" }), Status: 200},
			{Name: "from an old page", As: zhang, Call: put, Body: plan(func(map[string]any) {}), Status: 409},
		})
	})
}

// Columns that change need a second thought; what is classified stays so.
func TestDrift(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		first := e.gather(zhang, "aa.csv", "身份证号,姓名,金额,旧列\n420199198506150017,张三,1,x\n", "", nil)
		ld := e.draft(zhang, "bb.csv", "身份证号,姓名,金额,新列\n420199198506150017,张三,很多,y\n", first.MadeDataset)
		if ld.Title != "aa" || ld.Drift == nil || strings.Join(ld.Drift.Added, ",") != "新列" || strings.Join(ld.Drift.Removed, ",") != "旧列" {
			e.t.Fatalf("%+v", ld)
		}
		if c := column(map[string]any{"columns": ld.Columns}, "金额"); c["type"] != "integer" {
			e.t.Error("the type there was is not kept:", c)
		}
		ld = e.choose(zhang, ld, first.MadeDataset, func(m map[string]any) { column(m, "金额")["type"] = "text"; column(m, "姓名")["key"] = true })
		status, body := e.start(zhang, ld, false)
		for _, w := range []string{"新增列“新列”", "缺少列“旧列”", "“金额”的类型变了", "“姓名”的查询键"} {
			if status != 409 || !strings.Contains(body, w) {
				e.t.Errorf("%s is not in %d %s", w, status, body)
			}
		}
		if status, body := e.start(zhang, ld, true); status != 200 {
			e.t.Fatal(status, body)
		}
		if done := e.until(zhang, ld.ID, ended); done.State != "done" || done.MadeNumber != 2 {
			e.t.Error(done)
		}
	})
}

// dataset is what the tests read of one.
type dataset struct {
	ID, Title         string
	Version, Number   int64
	Rows              int64
	Owned, MayLoad    bool
	Columns           []map[string]any
	Versions          []struct{ ID string }
	Grants            []struct{ ID, Whom string }
	UnitName, Summary string
}

func TestDatasets(t *testing.T) {
	each(t, func(e env) {
		zhang, li := officer("zhang", "u1"), officer("li", "u2")
		first := e.gather(zhang, "aa.csv", small, "", nil)
		e.gather(zhang, "bb.csv", small+"420199197001010030,王五\n", first.MadeDataset, nil)
		at := " /api/library/datasets/" + first.MadeDataset
		read := func(who *room.Actor) (d dataset) { e.Get(e.t, who, "GET"+at, "", &d); return d }
		d := read(zhang)
		if d.Number != 2 || d.Rows != 3 || len(d.Versions) != 2 {
			e.t.Fatalf("%+v", d)
		}
		to := func(to string, version int64) string {
			return fmt.Sprintf(`{"to":%q,"reason":"数据有误","version":%d}`, to, version)
		}
		e.Run(e.t, []kerneltest.Case{
			{Name: "back to what serves", As: zhang, Call: "POST" + at + "/rollback", Body: to(d.Versions[0].ID, d.Version), Status: 409},
			{Name: "back to nothing", As: zhang, Call: "POST" + at + "/rollback", Body: to("x", d.Version), Status: 404},
			{Name: "back from an old page", As: zhang, Call: "POST" + at + "/rollback", Body: to(d.Versions[1].ID, d.Version-1), Status: 409},
			{Name: "another unit", As: li, Call: "POST" + at + "/rollback", Body: to(d.Versions[1].ID, d.Version), Status: 404},
			{Name: "back", As: zhang, Call: "POST" + at + "/rollback", Body: to(d.Versions[1].ID, d.Version), Status: 200, Want: []string{`"rows":2`, `"number":1`}},
		})
		d = read(zhang)
		d.Columns[1]["title"], d.Columns[1]["level"] = "户主姓名", "L4"
		say := func(version int64) string {
			return body(map[string]any{"title": "人口清单", "summary": "一季度", "columns": d.Columns, "version": version})
		}
		until := e.Now.Add(24 * time.Hour).Format(time.RFC3339)
		grant := func(unit, person, columns, reveal, until string) string {
			return fmt.Sprintf(`{"unit":%q,"person":%q,"columns":[%s],"reveal":[%s],"purpose":"核对低保资格","basis":"社会救助暂行办法","until":%q}`, unit, person, columns, reveal, until)
		}
		e.Run(e.t, []kerneltest.Case{
			{Name: "described", As: zhang, Call: "PUT" + at, Body: say(d.Version), Status: 200, Want: []string{"户主姓名", `"level":"L4"`, "一季度"}},
			{Name: "described from an old page", As: zhang, Call: "PUT" + at, Body: say(d.Version), Status: 409},
			{Name: "described by another unit", As: li, Call: "PUT" + at, Body: say(d.Version + 1), Status: 404},
			{Name: "granted to nobody", As: zhang, Call: "POST" + at + "/grants", Body: grant("", "", `"姓名"`, "", until), Status: 422, Want: []string{"二者选一"}},
			{Name: "to two", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "li", `"姓名"`, "", until), Status: 422, Want: []string{"二者选一"}},
			{Name: "to who is not there", As: zhang, Call: "POST" + at + "/grants", Body: grant("nobody", "", `"姓名"`, "", until), Status: 422, Want: []string{"重新选择"}},
			{Name: "of a column that is not there", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "", `"年龄"`, "", until), Status: 422, Want: []string{"年龄"}},
			{Name: "revealing more than is shown", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "", `"姓名"`, `"身份证号"`, until), Status: 422, Want: []string{"不能单独"}},
			{Name: "that is over", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "", `"姓名"`, "", "2020-01-01T00:00:00Z"), Status: 422, Want: []string{"截止时间"}},
			{Name: "for a hundred years", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "", `"姓名"`, "", "2123-01-01T00:00:00Z"), Status: 422, Want: []string{"最长 3 年"}},
			{Name: "by another unit", As: li, Call: "POST" + at + "/grants", Body: grant("u2", "", `"姓名"`, "", until), Status: 404},
			{Name: "granted", As: zhang, Call: "POST" + at + "/grants", Body: grant("u2", "", `"姓名"`, `"姓名"`, until), Status: 200, Want: []string{`"whom":"单位u2"`, `"active":true`}},
		})
		if g := read(li); g.Owned || g.MayLoad || len(g.Columns) != 1 || g.Columns[0]["name"] != "姓名" || len(g.Versions)+len(g.Grants) != 0 {
			e.t.Errorf("what is granted: %+v", g)
		}
		mine := read(zhang).Grants[0].ID
		e.Run(e.t, []kerneltest.Case{
			{Name: "listed where it is granted", As: li, Call: "GET /api/library/datasets?text=人口", Status: 200, Want: []string{"人口清单"}},
			{Name: "not by other words", As: li, Call: "GET /api/library/datasets?text=法人%25", Status: 200, Want: []string{`"items":[]`}},
			{Name: "not in a third unit", As: officer("zhao", "u3"), Call: "GET" + at, Status: 404},
			{Name: "revoked by another unit", As: li, Call: "DELETE" + at + "/grants/" + mine, Status: 404},
			{Name: "revoked", As: zhang, Call: "DELETE" + at + "/grants/" + mine, Status: 200, Want: []string{`"active":false`}},
			{Name: "once", As: zhang, Call: "DELETE" + at + "/grants/" + mine, Status: 404},
			{Name: "at once", As: li, Call: "GET" + at, Status: 404},
			{Name: "removed by another unit", As: li, Call: "DELETE" + at + "?version=4", Status: 404},
			{Name: "removed from an old page", As: zhang, Call: "DELETE" + at + "?version=1", Status: 409},
			{Name: "removed", As: zhang, Call: "DELETE" + at + "?version=4", Status: 204},
			{Name: "gone", As: zhang, Call: "GET" + at, Status: 404},
			{Name: "its code is free", As: zhang, Call: "GET /api/library/datasets", Status: 200, Want: []string{`"items":[]`}},
		})
	})
}

// Who was lent another unit's right loads for that unit.
func TestLentRight(t *testing.T) {
	each(t, func(e env) {
		lent := kerneltest.Actor("lent", "u9", room.Unit)
		for _, p := range []string{"library.read", "library.load"} {
			lent.Grants[p] = []room.Grant{{Scope: room.Unit, Person: "giver", Unit: "u1"}}
		}
		ld := e.gather(lent, "aa.csv", small, "", nil)
		e.Run(e.t, []kerneltest.Case{
			{Name: "the unit's own see it", As: officer("zhang", "u1"), Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 200, Want: []string{`"unitName":"单位u1"`}},
			{Name: "his own unit does not", As: officer("wang", "u9"), Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 404},
		})
	})
}
