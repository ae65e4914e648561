package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/library"
	"qushu/internal/datahub/lookup"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// street names every unit and person after its id.
type street struct{}

func (street) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		out[id] = "单位" + id
	}
	return out, nil
}

func (s street) People(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	return s.Units(ctx, q, ids)
}

var dataHouses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room {
		return []*room.Room{library.New(kit, street{}), lookup.New(kit, street{}, street{})}
	},
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

// The story of the two rooms: a data officer brings in a spreadsheet as it is, a colleague of another unit finds one
// record in it, masked, and every look stands in the ledger.
func TestDataStory(t *testing.T) {
	dataHouses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		officer := kerneltest.Actor("officer", "data", room.Unit, "library.read", "library.load", "library.grant", "lookup.ledger")
		clerk := kerneltest.Actor("clerk", "welfare", room.Unit, "lookup.find")
		stranger := kerneltest.Actor("stranger", "roads", room.Unit, "lookup.find", "library.read", "lookup.ledger")
		const number = "420199198506150017"
		file := "常住人口登记表\r\n公民身份号码,姓名,联系电话,现住址,人数\r\n" + number + ",张三,13800005678,武汉市洪山区狮子山街道1号,3\r\n" +
			"42019919900101003X,李小四,13900001234,武汉市洪山区关山街道2号,四\r\n420199197001010030,王五,13700002222,武汉市洪山区珞南街道3号,2\r\n"
		set := gather(t, e, officer, "", file, 2, 1)
		find := func(who *room.Actor, value, purpose string) kerneltest.Case {
			return kerneltest.Case{Name: purpose, As: who, Call: "POST /api/lookup/find", Status: 200,
				Body: fmt.Sprintf(`{"dataset":%q,"column":"公民身份号码","value":%q,"purpose":%q}`, set, value, purpose)}
		}
		refused := find(clerk, number, "授权之前的查询")
		refused.Status = 404
		e.Run(t, []kerneltest.Case{refused})
		e.Get(t, officer, "POST /api/library/datasets/"+set+"/grants", fmt.Sprintf(`{"unit":"welfare","columns":["公民身份号码","姓名","联系电话"],"reveal":["联系电话"],"purpose":"核对低保资格","basis":"社会救助暂行办法","until":%q}`,
			e.Now.Add(time.Hour).Format(time.RFC3339)), nil)
		seen := find(clerk, number, "核对狮子山街低保申请")
		seen.Want, seen.Not = []string{"420199********0017", "张*", "138****5678"}, []string{number, "张三", "13800005678", "狮子山街道"}
		foreign := find(stranger, number, "随便看看有什么")
		foreign.Status = 404
		e.Run(t, []kerneltest.Case{seen, find(clerk, "420199200001010012", "核对不存在的人"), foreign})
		var a struct{ Look string }
		e.Get(t, clerk, seen.Call, seen.Body, &a)
		e.Run(t, []kerneltest.Case{
			{Name: "reveal", As: clerk, Call: "POST /api/lookup/reveal", Status: 200, Want: []string{"13800005678"}, Body: fmt.Sprintf(`{"look":%q,"row":0,"column":"联系电话","reason":"电话通知补交材料"}`, a.Look)},
			{Name: "the owner's ledger", As: officer, Call: "GET /api/lookup/ledger", Status: 200, Want: []string{"核对狮子山街低保申请", "核对不存在的人", "电话通知补交材料", "单位welfare", `"hits":0`}, Not: []string{number, "张三", "13800005678"}},
			{Name: "nobody else's", As: stranger, Call: "GET /api/lookup/ledger", Status: 200, Want: []string{`"items":[]`}},
			{Name: "nor datasets", As: stranger, Call: "GET /api/library/datasets", Status: 200, Want: []string{`"items":[]`}},
		})
		lookWhileReplaced(t, e, officer, set, strings.Replace(file, "13800005678", "13800009999", 1), seen)
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE personal AND action IN ('lookup.find', 'lookup.reveal', 'library.load')`)
		looks, err2 := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM lookup_look`)
		if err != nil || err2 != nil || n != looks+3 { // one reveal, two loads
			t.Error("looks and their records:", looks, n, err, err2)
		}
	})
}

// gather brings a GBK file into a dataset, new or the one given, and checks how many rows came in and were refused.
func gather(t *testing.T, e *kerneltest.Env, who *room.Actor, set, text string, rows, refused int64) string {
	t.Helper()
	content, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	var up, f struct{ ID string }
	e.Get(t, who, "POST /api/file/uploads", fmt.Sprintf(`{"name":"常住人口.csv","size":%d}`, len(content)), &up)
	e.Get(t, who, "PUT /api/file/uploads/"+up.ID+"?offset=0", content, nil)
	e.Get(t, who, "POST /api/file/uploads/"+up.ID+"/done", "{}", &f)
	var l struct {
		ID, State, Error, MadeDataset string
		Version, Rows, Rejected       int64
		Columns                       []map[string]any
	}
	e.Get(t, who, "POST /api/library/loads", fmt.Sprintf(`{"fileId":%q,"dataset":%q}`, f.ID, set), &l)
	l.Columns[0]["key"], l.Columns[4]["type"] = true, "integer"
	b, err := json.Marshal(map[string]any{"dataset": set, "name": "residents", "title": "常住人口", "columns": l.Columns, "onBad": "reject", "version": l.Version})
	if err != nil {
		t.Fatal(err)
	}
	e.Get(t, who, "PUT /api/library/loads/"+l.ID, string(b), &l)
	e.Get(t, who, "POST /api/library/loads/"+l.ID+"/start", fmt.Sprintf(`{"version":%d}`, l.Version), &l)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.State == "queued" || l.State == "running" {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the load does not end")
		}
		e.Get(t, who, "GET /api/library/loads/"+l.ID, "", &l)
	}
	if l.State != "done" || l.Rows != rows || l.Rejected != refused {
		t.Fatalf("%+v", l)
	}
	return l.MadeDataset
}

// lookWhileReplaced looks up one record again and again while a new version comes: every look finds the old or the new.
func lookWhileReplaced(t *testing.T, e *kerneltest.Env, who *room.Actor, set, text string, look kerneltest.Case) {
	t.Helper()
	e.Get(t, e.Administrator(room.Security), "PUT /api/settings/lookup.per_hour", `{"value":100000,"reason":"一直查询","version":0}`, nil)
	stop, ended := make(chan struct{}), make(chan struct{})
	last := ""
	go func() {
		defer close(ended)
		for {
			status, body := e.Call(t, look)
			if status != http.StatusOK || !strings.Contains(body, "张*") {
				t.Error(status, body)
				return
			}
			last = body
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	gather(t, e, who, set, text, 2, 1)
	if status, body := e.Call(t, look); status != http.StatusOK || !strings.Contains(body, "138****9999") {
		t.Error("after:", status, body)
	}
	close(stop)
	if <-ended; !strings.Contains(last, "138****9999") {
		t.Error("the last look:", last)
	}
}

func (street) ByMobile(context.Context, store.Queryer, string) ([]lookup.Member, error) {
	return nil, nil
}
