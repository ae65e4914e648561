package library_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/library"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// town names every unit and person after its id; "nobody" does not exist.
type town struct{}

func (town) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if id != "nobody" {
			out[id] = "单位" + id
		}
	}
	return out, nil
}

func (t town) People(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	return t.Units(ctx, q, ids)
}

func engine(t *testing.T) warehouse.Store {
	s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &gate{Store: s}
}

func rooms(kit *kernel.Kit) []*room.Room { return []*room.Room{library.New(kit, town{})} }

var houses = &kerneltest.Houses{Rooms: rooms, Warehouse: engine}

// env is a house with the verbs of this room.
type env struct {
	*kerneltest.Env
	t *testing.T
}

func each(t *testing.T, fn func(e env)) {
	t.Helper()
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { fn(env{e, t}) })
}

func officer(name, unit string) *room.Actor {
	return kerneltest.Actor(name, unit, room.Unit, "library.read", "library.load", "library.grant")
}

// load is what the tests read of a load.
type load struct {
	ID, State, Name, Title, Error, Sheet, Encoding, Format, RejectedFile string
	Columns                                                              []map[string]any
	Problems, Notes, Faults                                              []struct{ Message string }
	Samples                                                              []struct{ Cells []string }
	Rows, Rejected, Version                                              int64
	First, Last, Seen                                                    int
	MadeDataset                                                          string
	MadeNumber                                                           int
	Drift                                                                *struct{ Added, Removed, Retyped, Rekeyed, Opened []string }
}

// upload sends a file in one chunk and returns its id.
func (e env) upload(who *room.Actor, name, content string) string {
	e.t.Helper()
	var up struct{ ID string }
	e.Get(e.t, who, "POST /api/file/uploads", fmt.Sprintf(`{"name":%q,"size":%d}`, name, len(content)), &up)
	e.Get(e.t, who, "PUT /api/file/uploads/"+up.ID+"?offset=0", content, nil)
	var f struct{ ID string }
	e.Get(e.t, who, "POST /api/file/uploads/"+up.ID+"/done", "{}", &f)
	return f.ID
}

// draft uploads and looks at a file.
func (e env) draft(who *room.Actor, name, content, dataset string) load {
	e.t.Helper()
	var ld load
	e.Get(e.t, who, "POST /api/library/loads", fmt.Sprintf(`{"fileId":%q,"dataset":%q}`, e.upload(who, name, content), dataset), &ld)
	return ld
}

// choose sends the plan back as it was proposed, after change.
func (e env) choose(who *room.Actor, ld load, dataset string, change func(m map[string]any)) load {
	e.t.Helper()
	m := map[string]any{"dataset": dataset, "name": ld.Name, "title": ld.Title, "columns": ld.Columns, "onBad": "reject", "version": ld.Version}
	if change != nil {
		change(m)
	}
	b, _ := json.Marshal(m)
	var out load
	e.Get(e.t, who, "PUT /api/library/loads/"+ld.ID, string(b), &out)
	return out
}

func (e env) start(who *room.Actor, ld load, confirm bool) (int, string) {
	e.t.Helper()
	return e.Call(e.t, kerneltest.Case{As: who, Call: "POST /api/library/loads/" + ld.ID + "/start", Body: fmt.Sprintf(`{"version":%d,"confirm":%t}`, ld.Version, confirm)})
}

// until reads a load until it is as wanted.
func (e env) until(who *room.Actor, id string, ok func(load) bool) load {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for {
		var ld load
		e.Get(e.t, who, "GET /api/library/loads/"+id, "", &ld)
		if ok(ld) {
			return ld
		}
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("the load stays %+v", ld)
		}
	}
}

func ended(ld load) bool {
	return ld.State == "done" || ld.State == "failed" || ld.State == "cancelled"
}

// gather brings a file into a dataset and waits.
func (e env) gather(who *room.Actor, name, content, dataset string, change func(m map[string]any)) load {
	e.t.Helper()
	ld := e.choose(who, e.draft(who, name, content, dataset), dataset, change)
	if status, body := e.start(who, ld, true); status != 200 {
		e.t.Fatal(status, body)
	}
	return e.until(who, ld.ID, ended)
}

// column finds a column of a plan by its header.
func column(m map[string]any, header string) map[string]any {
	for _, c := range m["columns"].([]map[string]any) {
		if c["header"] == header {
			return c
		}
	}
	return map[string]any{}
}

// rowsOf reads a whole dataset from the warehouse.
func (e env) rowsOf(id string) [][]any {
	e.t.Helper()
	ds, err := e.Kit.Datasets.Get(e.t.Context(), e.Kit.DB, id, store.Unscoped("a test"))
	if err != nil {
		e.t.Fatal(err)
	}
	q := warehouse.Query{From: ds.Current}
	res, err := e.Kit.Warehouse.Query(e.t.Context(), q)
	if err != nil {
		e.t.Fatal(err)
	}
	rows, err := res.All()
	if err != nil {
		e.t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b []any) int { // a sealed key has no order of its own
		if n, ok := a[0].(int64); ok {
			return cmp.Compare(n, b[0].(int64))
		}
		return strings.Compare(warehouse.Format(a[0]), warehouse.Format(b[0]))
	})
	return rows
}

func gbk(s string) string {
	b, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return b
}

// people is a file as a data officer has it: GBK, a title above the header, a sensitive column in each style.
const people = "洪山区人口信息表\r\n身份证号,姓名,手机号,家庭住址,出生日期,补贴金额,备注\r\n" +
	"420199198506150017,张三,13800005678,武汉市洪山区狮子山街道1号,1985-06-15,120.50,无\r\n" +
	"42019919900101003x,李小四,13900001234,武汉市洪山区关山街道2号,1990/1/1,80,\r\n" +
	"420199197001010030,欧阳小三,13700002222,武汉市洪山区珞南街道3号,1970年1月1日,\"1,200.5\",低保\r\n"

func TestGather(t *testing.T) {
	each(t, func(e env) {
		t := e.t
		zhang := officer("zhang", "u1")
		ld := e.draft(zhang, "人口信息.csv", gbk(people), "")
		if ld.State != "draft" || ld.Encoding != "GB18030" || ld.First != 2 || ld.Title != "人口信息" || ld.Name != "rkxx" || len(ld.Samples) != 3 || ld.Samples[0].Cells[1] != "张三" {
			t.Errorf("draft %+v", ld)
		}
		for header, want := range map[string][4]any{
			"身份证号": {"text", "id", "L3", true}, "姓名": {"text", "name", "L3", true}, "手机号": {"text", "mobile", "L3", true}, "家庭住址": {"text", "address", "L3", true},
			"出生日期": {"date", "birth", "L3", true}, "补贴金额": {"decimal(18,2)", "", "L2", false}, "备注": {"text", "", "L2", false},
		} {
			c := column(map[string]any{"columns": ld.Columns}, header)
			if got := [4]any{c["type"], c["kind"], c["level"], c["masked"]}; got != want {
				t.Errorf("%s: %v, want %v", header, got, want)
			}
		}
		if c := column(map[string]any{"columns": ld.Columns}, "身份证号"); c["key"] != true {
			t.Error("the identity number is not proposed as key", c)
		}
		ld = e.gather(zhang, "人口信息.csv", gbk(people), "", nil)
		if ld.State != "done" || ld.Rows != 3 || ld.Rejected != 0 || ld.MadeNumber != 1 {
			t.Fatalf("%+v", ld)
		}
		rows := e.rowsOf(ld.MadeDataset)
		if len(rows) != 3 || rows[1][0] != "420199198506150017" || rows[1][5] != warehouse.Decimal("120.50") || rows[2][0] != "42019919900101003X" || rows[0][4] != warehouse.Date("1970-01-01") {
			t.Error("rows", rows)
		}
		if rows[1][6] != nil {
			t.Error("无 is not null:", rows[1][6])
		}
		e.Run(t, []kerneltest.Case{
			{Name: "told of it", As: zhang, Call: "GET /api/notify", Status: 200, Want: []string{"“人口信息”已归集入库，共 3 行", "/library/loads/" + ld.ID}},
			{Name: "in the list", As: zhang, Call: "GET /api/library/datasets", Status: 200, Want: []string{`"title":"人口信息"`, `"unitName":"单位u1"`, `"rows":3`, `"level":"L3"`}},
			{Name: "in full", As: zhang, Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 200, Want: []string{`"owned":true`, `"mayLoad":true`, `"source":"人口信息.csv"`, `"current":true`}},
			{Name: "a colleague sees the load", As: officer("wang", "u1"), Call: "GET /api/library/loads", Status: 200, Want: []string{`"title":"人口信息"`, `"mine":false`}, Not: []string{"张三"}},
			{Name: "another unit sees no load", As: officer("li", "u2"), Call: "GET /api/library/loads", Status: 200, Want: []string{`"items":[]`}},
			{Name: "another unit sees no dataset", As: officer("li", "u2"), Call: "GET /api/library/datasets", Status: 200, Want: []string{`"items":[]`}},
			{Name: "nor asks for it", As: officer("li", "u2"), Call: "GET /api/library/datasets/" + ld.MadeDataset, Status: 404},
			{Name: "a file is claimed once", As: zhang, Call: "POST /api/library/loads", Body: `{"fileId":"none"}`, Status: 404, Want: []string{"重新上传"}},
			{Name: "done is done", As: zhang, Call: "POST /api/library/loads/" + ld.ID + "/start", Body: fmt.Sprintf(`{"version":%d}`, ld.Version), Status: 409},
			{Name: "nothing to cancel", As: zhang, Call: "POST /api/library/loads/" + ld.ID + "/cancel", Body: "{}", Status: 409},
		})
		if texts, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT title || CAST(detail AS TEXT) || purpose FROM audit`); err != nil || len(texts) < 4 {
			t.Error(texts, err)
		} else if all := strings.Join(texts, "\n"); strings.Contains(all, "420199") || strings.Contains(all, "张三") || strings.Contains(all, "13800005678") {
			t.Error("personal data in the audit:", all)
		}
	})
}

func TestStrangers(t *testing.T) {
	each(t, func(e env) { e.Strangers(e.t) })
}
