package cascade_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/datahub/cascade"
	"qushu/internal/kernel"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type town struct{}

func (town) Units(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if id != "" {
			out[id] = "单位" + id
		}
	}
	return out, nil
}

// shelf is a catalogue.
type shelf struct {
	mu  sync.Mutex
	all map[string]cascade.Entry
}

func (s *shelf) Entry(_ context.Context, _ store.Queryer, id string) (cascade.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.all[id]
	return e, ok, nil
}

func (s *shelf) After(_ context.Context, _ store.Queryer, id string, n int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, one := range slices.Sorted(maps.Keys(s.all)) {
		if strings.HasPrefix(one, "before") && one > id && len(out) < n { // what stood there before the nodes were paired
			out = append(out, one)
		}
	}
	return out, nil
}

func (s *shelf) Count(ctx context.Context, q store.Queryer) (int64, error) {
	all, err := s.After(ctx, q, "", 1<<30)
	return int64(len(all)), err
}

// stand puts entries on the shelf without telling anybody.
func (s *shelf) stand(t *testing.T, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		s.all[fmt.Sprintf("before%04d", i)] = cascade.Entry{Code: fmt.Sprintf("306420111001/%06d", i), Name: fmt.Sprintf("配对前的目录%04d", i), Provider: "u1", Share: "unconditional", Cycle: "daily", Level: "L2", Number: 1,
			Items: []cascade.Item{{Name: "企业名称", Share: "unconditional", Level: "L1"}}}
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range n {
			delete(s.all, fmt.Sprintf("before%04d", i))
		}
	})
}

var books = &shelf{all: map[string]cascade.Entry{}}

type told struct {
	Entry  string `json:"entry"`
	Code   string `json:"code"`
	Number int64  `json:"number"`
}

// catalogue stands in for the room that publishes entries.
func catalogue() *room.Room {
	words := &fstest.MapFile{Data: []byte(`{"room.catalog":"catalog"}`)}
	return &room.Room{Name: "catalog", Pillar: room.Datahub, Text: fstest.MapFS{"text/zh.json": words, "text/en.json": words}, Emits: []bus.Event{bus.Emits[told]("catalog.published"), bus.Emits[told]("catalog.offline")}}
}

var houses = &kerneltest.Houses{
	Rooms: func(kit *kernel.Kit) []*room.Room { return []*room.Room{catalogue(), cascade.New(kit, town{}, books)} },
	Warehouse: func(t *testing.T) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 128 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

// node is one side of an exchange.
type node struct {
	*kerneltest.Env
	t     *testing.T
	admin *room.Actor
	clerk *room.Actor
	peer  string // id of the other side here
}

type card struct {
	Self struct {
		Code, PublicKey, Fingerprint string
		Version                      int64
	}
	Nodes []struct {
		ID, Why string
		Version int64
	}
}

func start(t *testing.T, engine store.Engine, code, name string) *node {
	t.Helper()
	n := &node{Env: houses.Start(t, engine), t: t, admin: kerneltest.Actor("admin", "it", room.All, "cascade.pair"),
		clerk: kerneltest.Actor("clerk", "u1", room.All, "cascade.read", "cascade.run", "cascade.offer")}
	n.do(n.admin, "PUT /api/cascade/self", map[string]any{"code": code, "name": name, "version": 0}, nil)
	return n
}

func (n *node) do(who *room.Actor, call string, in, out any) {
	n.t.Helper()
	body := ""
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			n.t.Fatal(err)
		}
		body = string(b)
	}
	n.Get(n.t, who, call, body, out)
}

func (n *node) card() (c card) {
	n.t.Helper()
	n.do(n.admin, "GET /api/cascade/pairing", nil, &c)
	return c
}

// pair makes a lower and an upper node know each other; change bends what each is told of the other.
func pair(t *testing.T, low, up *node, change func(inLow, inUp map[string]any)) {
	t.Helper()
	a, b := low.card().Self, up.card().Self
	inLow := map[string]any{"code": b.Code, "name": "武汉市", "role": "upper", "publicKey": b.PublicKey, "transport": "https", "url": up.URL, "token": "node_shared", "unit": "u9"}
	inUp := map[string]any{"code": a.Code, "name": "洪山区", "role": "lower", "publicKey": a.PublicKey, "transport": "https", "url": low.URL, "token": "node_shared"}
	if change != nil {
		change(inLow, inUp)
	}
	var made struct{ ID string }
	low.do(low.admin, "POST /api/cascade/nodes", inLow, &made)
	low.peer = made.ID
	up.do(up.admin, "POST /api/cascade/nodes", inUp, &made)
	up.peer = made.ID
}

func both(t *testing.T, change func(inLow, inUp map[string]any), fn func(t *testing.T, low, up *node)) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			low, up := start(t, engine, "420111", "洪山区"), start(t, engine, "420100", "武汉市")
			pair(t, low, up, change)
			fn(t, low, up)
		})
	}
}

// emit tells a house that an entry was published or went offline.
func (n *node) emit(event, id string, number int64) {
	n.t.Helper()
	if err := n.Kit.DB.Tx(n.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return n.Kit.Bus.Emit(ctx, tx, event, told{id, "306420111001/000017", number})
	}); err != nil {
		n.t.Fatal(err)
	}
}

// entry puts an entry on the shelf and publishes it.
func (n *node) entry(id, name string, number int64, bend func(*cascade.Entry)) {
	n.t.Helper()
	e := cascade.Entry{Code: "306420111001/000017", Name: name, Provider: "u1", Share: "conditional", Condition: "仅限本市使用", Cycle: "daily", Level: "L2", Number: number,
		Items: []cascade.Item{{Name: "企业名称", Share: "conditional", Level: "L1"}}}
	if bend != nil {
		bend(&e)
	}
	books.mu.Lock()
	books.all[id] = e
	books.mu.Unlock()
	n.emit("catalog.published", id, number)
}

func (n *node) run() { n.do(n.clerk, "POST /api/cascade/nodes/"+n.peer+"/run", nil, nil) }

// eventually asks until the answer holds all of want.
func (n *node) eventually(call string, want ...string) string {
	n.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(90 * time.Second)
	body := ""
	for {
		missing := false
		_, body = n.Call(n.t, kerneltest.Case{As: n.clerk, Call: call})
		for _, w := range want {
			missing = missing || !strings.Contains(body, w)
		}
		if !missing {
			return body
		}
		select {
		case <-tick.C:
		case <-end:
			n.t.Fatalf("%s never held %q: %s", call, want, body)
		}
	}
}

func (n *node) account() string { return "GET /api/cascade/nodes/" + n.peer + "/account" }

const whole = "两边一致"

var columns = []dataset.Column{
	{Name: "sfzh", Title: "身份证号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true, Kind: codes.KindID, Level: dataset.L3, Masked: true, Keep: dataset.KeepSealed},
	{Name: "xm", Title: "姓名", Type: warehouse.Type{Kind: warehouse.KindText}, Kind: codes.KindName, Level: dataset.L3, Masked: true},
	{Name: "rs", Title: "人数", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L2},
}

// library publishes a version of a dataset with rows, and returns it.
func (n *node) library(id string, expect int64, rows int) dataset.Dataset {
	n.t.Helper()
	var feed iter.Seq2[warehouse.Row, error] = func(yield func(warehouse.Row, error) bool) {
		for i := range rows {
			var name any = fmt.Sprintf("张%d", i)
			if i%7 == 0 {
				name = nil
			}
			if !yield(warehouse.Row{Values: []any{fmt.Sprintf("42019919850615%04d", i), name, int64(i)}}, nil) {
				return
			}
		}
	}
	loaded, err := n.Kit.Warehouse.Load(n.t.Context(), warehouse.Spec{Table: "population", Columns: dataset.Physical(columns), OnDuplicate: warehouse.KeepAll}, feed)
	if err != nil {
		n.t.Fatal(err)
	}
	var ds dataset.Dataset
	if err := n.Kit.DB.Tx(n.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ds, err = n.Kit.Datasets.Publish(ctx, tx, dataset.Publication{ID: id, Expect: expect, Name: "population", Title: "人口库", Room: "library", Unit: "u1", Owner: "clerk", Columns: columns, Loaded: loaded.Version})
		return err
	}); err != nil {
		n.t.Fatal(err)
	}
	return ds
}

func (n *node) offer(ds dataset.Dataset) {
	n.t.Helper()
	n.do(n.clerk, "POST /api/cascade/feeds", map[string]any{"node": n.peer, "dataset": ds.ID, "columns": []string{"sfzh", "xm", "rs"}, "purpose": "区级业务使用"}, nil)
}

// held is the dataset that came down.
func (n *node) held() (dataset.Dataset, error) {
	return n.Kit.Datasets.Named(n.t.Context(), n.Kit.DB, "population", store.Unscoped("a test"))
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		e.Run(t, []kerneltest.Case{
			{Name: "no such node", Call: "POST /api/cascade/v1/batches", Body: `{}`, Status: 401},
			{Name: "no such node", Call: "POST /api/cascade/v1/acks", Body: `{}`, Status: 401},
			{Name: "no such node", Call: "PUT /api/cascade/v1/batches/1/chunks/0", Body: `{}`, Status: 401},
		})
	})
}

func TestCatalogueGoesUp(t *testing.T) {
	both(t, nil, func(t *testing.T, low, up *node) {
		low.entry("e1", "企业登记信息", 1, nil)
		low.entry("e2", "不说依据的目录", 1, func(e *cascade.Entry) { e.Share, e.Basis = "refused", "" })
		low.eventually("GET /api/cascade/links?state=accepted", "企业登记信息", `"upperCode":"306420111001420111/00000`)
		low.eventually("GET /api/cascade/links?state=rejected", "不说依据的目录", "国务院政策依据")
		up.eventually("GET /api/cascade/entries?state=accepted", "企业登记信息", "单位u1", "洪山区", "仅限本市使用")
		up.eventually("GET /api/cascade/entries?state=rejected", "不说依据的目录", `"upperCode":""`)

		// A change that cannot be accepted leaves the version before it.
		low.entry("e1", "企业登记信息（新）", 2, func(e *cascade.Entry) { e.Condition = "" })
		low.eventually("GET /api/cascade/links?state=rejected&text=企业", "须写明共享条件", `"upperCode":"306420111001420111/00000`)
		up.eventually("GET /api/cascade/entries?text=企业登记", `"state":"rejected"`, `"number":1`, `"name":"企业登记信息"`)
		low.entry("e1", "企业登记信息（新）", 3, nil)
		up.eventually("GET /api/cascade/entries?text=企业登记", `"state":"accepted"`, `"number":3`, `"name":"企业登记信息（新）"`)
		low.emit("catalog.offline", "e1", 3)
		up.eventually("GET /api/cascade/entries?state=offline", "企业登记信息（新）")
		low.eventually("GET /api/cascade/links?text=企业", `"state":"accepted"`, `"offline":true`)
		low.eventually(low.account(), whole)
		up.eventually(up.account(), whole)
	})
}

func TestDataComesDown(t *testing.T) {
	both(t, nil, func(t *testing.T, low, up *node) {
		ds := up.library("", 0, 5000)
		up.offer(ds)
		low.eventually("GET /api/cascade/sources", "人口库", `"rows":5000`)
		got, err := low.held()
		if err != nil || got.Rows != 5000 || got.Unit != "u9" || got.Room != "cascade" || got.Level != dataset.L3 {
			t.Fatal(got, err)
		}
		above, err := up.Kit.Warehouse.Version(t.Context(), ds.Current)
		if err != nil {
			t.Fatal(err)
		}
		below, err := low.Kit.Warehouse.Version(t.Context(), got.Current)
		if err != nil || below.Columns[0].Keep != warehouse.Sealed || below.Columns[0].Under == above.Columns[0].Under {
			t.Error("each node seals under its own key:", above.Columns, below.Columns, err)
		}
		rows, _, err := low.Kit.Datasets.Lookup(t.Context(), got, "sfzh", "420199198506150008", 5)
		if err != nil || len(rows) != 1 || rows[0][1] != "张8" || rows[0][2] != int64(8) {
			t.Fatal(rows, err)
		}
		up.eventually("GET /api/cascade/batches?kind=data", `"state":"acknowledged"`, `"applied":5000`)
		// The next version replaces it, an empty one too.
		ds = up.library(ds.ID, ds.Version, 3)
		up.run()
		low.eventually("GET /api/cascade/sources", `"rows":3`)
		up.library(ds.ID, ds.Version, 0)
		up.run()
		low.eventually("GET /api/cascade/sources", `"rows":0`)
		low.eventually(low.account(), whole)
		up.eventually(up.account(), whole)
	})
}

// A city that is down for two days loses nothing, and the district says what waits.
func TestPeerDown(t *testing.T) {
	both(t, func(inLow, _ map[string]any) { inLow["paused"] = false }, func(t *testing.T, low, up *node) {
		bad := low.card().Nodes[0]
		form := map[string]any{"code": "420100", "name": "武汉市", "role": "upper", "publicKey": up.card().Self.PublicKey, "transport": "https", "url": "http://127.0.0.1:1", "unit": "u9", "version": bad.Version}
		low.do(low.admin, "PUT /api/cascade/nodes/"+low.peer, form, nil)
		low.entry("p1", "停机期间的目录", 1, nil)
		low.eventually("GET /api/cascade/batches", `"state":"made"`, "连不上 127.0.0.1:1")
		low.Move(48 * time.Hour)
		low.eventually("GET /api/cascade/batches", `"overdue":true`)
		low.eventually(low.account(), "没有成功", `"pending":1`)
		form["url"], form["version"] = up.URL, bad.Version+1
		low.do(low.admin, "PUT /api/cascade/nodes/"+low.peer, form, nil)
		low.eventually("GET /api/cascade/links?state=accepted", "停机期间的目录")
		low.eventually(low.account(), whole)
	})
}

func TestWrongKeyAndToken(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			low, up, other := start(t, engine, "420111", "洪山区"), start(t, engine, "420100", "武汉市"), start(t, engine, "420102", "江岸区")
			pair(t, low, up, func(_, inUp map[string]any) { inUp["publicKey"] = other.card().Self.PublicKey })
			low.entry("k1", "密钥不对的目录", 1, nil)
			low.eventually("GET /api/cascade/batches", `"state":"made"`, "签名与")
			up.eventually("GET /api/cascade/nodes", "签名与“洪山区”登记的公钥不符")
			up.eventually("GET /api/cascade/entries", `"items":[]`)
			form := map[string]any{"code": "420100", "name": "武汉市", "role": "upper", "publicKey": up.card().Self.PublicKey, "transport": "https", "url": up.URL, "token": "node_other", "unit": "u9", "version": 1}
			low.do(low.admin, "PUT /api/cascade/nodes/"+low.peer, form, nil)
			low.eventually("GET /api/cascade/batches", "节点代码或令牌不对")
		})
	}
}

// folders puts two folders between the nodes, as one-way gates do, and returns what goes up and what comes down.
func folders(t *testing.T, low, up *node) (upward, downward string) {
	t.Helper()
	upward, downward = t.TempDir(), t.TempDir()
	pair(t, low, up, func(inLow, inUp map[string]any) {
		inLow["transport"], inLow["out"], inLow["in"] = "folder", upward, downward
		inUp["transport"], inUp["out"], inUp["in"] = "folder", downward, upward
	})
	return upward, downward
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lie waits until a file of a pattern lies in a folder, or none does.
func lie(t *testing.T, dir, pattern string, any bool) {
	t.Helper()
	end := time.After(60 * time.Second)
	for (len(files(t, dir, pattern)) > 0) != any {
		select {
		case <-end:
			t.Fatalf("%s in the folder: never %v", pattern, any)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestThroughFolders(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			low, up := start(t, engine, "420111", "洪山区"), start(t, engine, "420100", "武汉市")
			upward, downward := folders(t, low, up)
			low.entry("f1", "过网闸的目录", 1, nil)
			low.eventually("GET /api/cascade/batches", `"state":"sent"`)
			low.entry("f2", "第二批目录", 1, nil)
			low.eventually("GET /api/cascade/batches?state=sent", `"seq":2`)

			// The second alone: it waits for the first, and the city says which is missing.
			first := files(t, upward, "420111-420100-0000000001-*.zip")
			if len(first) != 1 {
				t.Fatal(first)
			}
			kept, err := os.ReadFile(first[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(first[0]); err != nil {
				t.Fatal(err)
			}
			up.run()
			up.eventually("GET /api/cascade/batches?way=in", `"seq":2`, `"state":"received"`)
			up.eventually(up.account(), "第 1 至 1 号批次没有到达")
			up.eventually("GET /api/cascade/entries", `"items":[]`)

			// The first with one byte flipped: put aside, said so, and sent again by itself.
			for _, at := range []int{len(kept) / 2, 60} {
				bent := append([]byte{}, kept...)
				bent[at] ^= 1
				if err := os.WriteFile(first[0], bent, 0o600); err != nil {
					t.Fatal(err)
				}
				up.run()
				up.eventually("GET /api/cascade/nodes", "等待重发")
				lie(t, upward, "bad/*.zip", true)
				lie(t, upward, "bad/*.txt", true)
				lie(t, upward, "*.zip", false)
				up.eventually("GET /api/cascade/entries", `"items":[]`)
			}
			low.run() // reads that the first was damaged, and sends it again
			lie(t, upward, "420111-420100-0000000001-*.zip", true)
			up.run()
			up.eventually("GET /api/cascade/entries?state=accepted", "过网闸的目录", "第二批目录")
			// Receipts and acks come down when the district looks.
			tick := 0
			for !strings.Contains(low.eventually("GET /api/cascade/links", "items"), `"upperCode":"3064`) {
				if tick++; tick > 500 {
					t.Fatal("no receipt came down", files(t, downward, "*"))
				}
				low.run()
				up.run()
			}
			// The same file once more changes nothing.
			if err := os.WriteFile(first[0], kept, 0o600); err != nil {
				t.Fatal(err)
			}
			up.run()
			lie(t, upward, "*.zip", false)
			var all struct{ Items []struct{ ID string } }
			up.do(up.clerk, "GET /api/cascade/entries", nil, &all)
			if len(all.Items) != 2 {
				t.Errorf("a batch that came twice made %d entries of two", len(all.Items))
			}
		})
	}
}
