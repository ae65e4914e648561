package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// probe is a small room that shows what the house does for every room.
type probe struct {
	db    *store.DB
	audit *audit.Log
}

type probeIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Name string `json:"name" minLength:"2" maxLength:"10"`
	}
}

type probeRow struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone" mask:"phone,probe.full"`
}

type probeOut struct{ Body probeRow }

type probeListIn struct{ store.Page }

type probeListOut struct{ Body store.Listed[probeRow] }

func (p *probe) write(ctx context.Context, in *probeIn) (*probeOut, error) {
	me := authz.From(ctx)
	err := p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO probe (id, name, unit_id, owner) VALUES ($1, $2, $3, $4)`, in.ID, in.Body.Name, me.Unit, me.Person); err != nil {
			return err
		}
		return p.audit.Record(ctx, tx, audit.Entry{Action: "probe.write", Object: "probe", ID: in.ID})
	})
	return &probeOut{probeRow{in.ID, in.Body.Name, "13800005678"}}, err
}

func (p *probe) list(ctx context.Context, in *probeListIn) (*probeListOut, error) {
	rows, err := store.List(ctx, p.db, store.Query[probeRow]{Select: `SELECT id, name FROM probe`, Scope: authz.WhereCols(ctx, "probe.read", authz.Cols{Unit: "unit_id", Owner: "owner"}),
		Keys: []string{"id"}, Page: in.Page, Scan: func(r *probeRow) []any { return []any{&r.ID, &r.Name} }, Cursor: func(r *probeRow) []any { return []any{r.ID} }})
	return &probeListOut{rows}, err
}

func (p *probe) silent(ctx context.Context, in *struct{}) (*struct{}, error) { return nil, nil }

func (p *probe) crash(ctx context.Context, in *struct{}) (*struct{}, error) {
	panic("the secret is xyzzy")
}

func (p *probe) broken(ctx context.Context, in *struct{}) (*struct{}, error) {
	return nil, errors.New("the secret is xyzzy")
}

func newProbe(kit *kernel.Kit) []*room.Room {
	p := &probe{kit.DB, kit.Audit}
	text := func(room, read, full, write, action string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, `{"room.probe":%q,"perm.probe.read":%q,"perm.probe.full":%q,"perm.probe.write":%q,"action.probe.write":%q}`, room, read, full, write, action)}
	}
	return []*room.Room{{Name: "probe", Pillar: room.Apps,
		Schema: fstest.MapFS{"schema/0001_probe.sql": {Data: []byte("-- +goose Up\nCREATE TABLE probe (id TEXT PRIMARY KEY, name TEXT NOT NULL, unit_id TEXT NOT NULL, owner TEXT NOT NULL);\nINSERT INTO org_below (unit, below, depth) VALUES ('u1','u1',0),('u1','u11',1);\n")}},
		Text:   fstest.MapFS{"text/zh.json": text("探针", "查看", "看全", "登记", "登记"), "text/en.json": text("Probe", "Read", "See in full", "Write", "Written")},
		Perms:  []room.Perm{{Name: "probe.read"}, {Name: "probe.full"}, {Name: "probe.write"}}, Actions: []string{"probe.write"},
		Routes: []room.Route{room.Put("/{id}", "probe.write", p.write), room.Get("", "probe.read", p.list), room.Post("/silent", "probe.write", p.silent).NoAudit("a test"),
			room.Get("/crash", "probe.read", p.crash), room.Get("/broken", "probe.read", p.broken)},
	}}
}

var houses = &kerneltest.Houses{Rooms: newProbe}

func TestHouse(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		zhang := kerneltest.Actor("zhang", "u1", room.Unit, "probe.read", "probe.write")
		li := kerneltest.Actor("li", "u2", room.Unit, "probe.read", "probe.full")
		boss := kerneltest.Actor("boss", "u1", room.Below, "probe.read")
		sub := kerneltest.Actor("sub", "u11", room.Self, "probe.read", "probe.write", "probe.full")
		e.Run(t, []kerneltest.Case{
			{"written", zhang, "PUT /api/probe/a", `{"name":"洪山"}`, "k1", "", 200, []string{"138****5678"}, []string{"13800005678"}},
			{"the repeat gets the same answer", zhang, "PUT /api/probe/a", `{"name":"洪山"}`, "k1", "", 200, []string{"138****5678"}, nil},
			{"a new key meets the row", zhang, "PUT /api/probe/a", `{"name":"洪山"}`, "k2", "", 409, []string{"相同的记录", `"trace"`}, nil},
			{"a key for other content", zhang, "PUT /api/probe/a", `{"name":"洪山区"}`, "k1", "", 422, []string{"防重复"}, nil},
			{"too short", zhang, "PUT /api/probe/b", `{"name":"洪"}`, "", "", 422, []string{"不能少于 2 个字符", `"name":"name"`}, nil},
			{"too short in English", zhang, "PUT /api/probe/b", `{"name":"洪"}`, "", "en-GB,zh;q=0.5", 422, []string{"at least 2 characters"}, nil},
			{"missing field", zhang, "PUT /api/probe/b", `{}`, "", "", 422, []string{"必须填写"}, nil},
			{"not JSON", zhang, "PUT /api/probe/b", `{"name`, "", "", 422, []string{"无法读取"}, nil},
			{"unknown query", zhang, "GET /api/probe?color=red", "", "", "", 422, nil, nil},
			{"no such route", zhang, "GET /api/probe/x/y/z", "", "", "", 404, []string{"没有这个"}, nil},
			{"panic", zhang, "GET /api/probe/crash", "", "", "", 500, []string{"编号"}, []string{"xyzzy"}},
			{"broken", zhang, "GET /api/probe/broken", "", "", "", 500, []string{"编号"}, []string{"xyzzy"}},
			{"in full with the right", sub, "PUT /api/probe/c", `{"name":"下级"}`, "", "", 200, []string{"13800005678"}, nil},
			{"own unit", zhang, "GET /api/probe", "", "", "", 200, []string{"洪山"}, []string{"下级"}},
			{"other unit", li, "GET /api/probe", "", "", "", 200, []string{`"items":[]`}, nil},
			{"unit and below", boss, "GET /api/probe", "", "", "", 200, []string{"洪山", "下级"}, nil},
			{"self", sub, "GET /api/probe", "", "", "", 200, []string{"下级"}, []string{"洪山"}},
			{"may not write", boss, "PUT /api/probe/d", `{"name":"洪山"}`, "", "", 403, []string{"登记"}, nil},
		})
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "probe.write")
		if err != nil || n != 2 {
			t.Error("audit rows:", n, err)
		}
		if n, _ := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE result = $1 AND person = $2`, "denied", "boss"); n != 1 {
			t.Error("the refused call left", n, "records")
		}
	})
}

// Twenty copies of one request race: one change, and everyone who is answered is answered the same.
func TestIdempotentRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		who := kerneltest.Actor("zhang", "u1", room.Unit, "probe.write")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				status, body := e.Call(t, kerneltest.Case{As: who, Call: "PUT /api/probe/r", Body: `{"name":"并发"}`, Key: "same"})
				if status != 200 && status != 409 {
					t.Error(status, body)
				}
			})
		}
		wg.Wait()
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1`, "probe.write"); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

func TestCheckRefuses(t *testing.T) {
	cat, err := errs.NewCatalog(fstest.MapFS{"text/zh.json": {Data: []byte(`{"room.x":"x","perm.x.read":"x"}`)}, "text/en.json": {Data: []byte(`{"room.x":"x","perm.x.read":"x"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(perm string) room.Route {
		return room.Get("/a", perm, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	}
	for _, c := range []struct {
		name string
		r    room.Room
		ok   bool
	}{
		{"good", room.Room{Name: "x", Perms: []room.Perm{{Name: "x.read"}}, Routes: []room.Route{get("x.read")}}, true},
		{"undeclared permission", room.Room{Name: "x", Routes: []room.Route{get("x.read")}}, false},
		{"another room's permission", room.Room{Name: "x", Perms: []room.Perm{{Name: "y.read"}}}, false},
		{"text missing", room.Room{Name: "x", Perms: []room.Perm{{Name: "x.write"}}}, false},
		{"menu outside", room.Room{Name: "x", Perms: []room.Perm{{Name: "x.read"}}, Menu: []room.Menu{{Name: "a", Path: "/y", Perm: "x.read"}}}, false},
		{"route twice", room.Room{Name: "x", Routes: []room.Route{get(room.Open), get(room.Open)}}, false},
		{"bad name", room.Room{Name: "X"}, false},
	} {
		if err := c.r.Check(cat); (err == nil) != c.ok {
			t.Error(c.name, err)
		}
	}
}
