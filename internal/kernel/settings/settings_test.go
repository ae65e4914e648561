package settings_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

// heard collects the names of changed settings.
type heard struct {
	got chan string
}

func knobs(kit *kernel.Kit, got chan string) *room.Room {
	zh := `{"room.knob":"旋钮","option.knob.mode.admins":"管理员","setting.knob.minutes":"分钟","setting.knob.on":"开启","setting.knob.mode":"方式","setting.knob.words":"词","setting.knob.district":"区名"}`
	return &room.Room{Name: "knob", Pillar: room.Apps,
		Text: fstest.MapFS{"text/zh.json": {Data: []byte(zh)}, "text/en.json": {Data: []byte(strings.Replace(zh, "分钟", "Minutes", 1))}},
		Settings: []room.Setting{
			{Name: "minutes", Default: 30, Min: 1, Max: 120, Admin: room.Security},
			{Name: "on", Default: true, Admin: room.Security},
			{Name: "mode", Default: "admins", Admin: room.Security},
			{Name: "words", Default: []string{"甲"}, Admin: room.System},
			{Name: "district", Default: "洪山区", Admin: room.System, Public: true},
		},
		Hears: []bus.Listener{bus.On("settings.changed", func(_ context.Context, c struct {
			Name string `json:"name"`
		}) error {
			got <- c.Name
			return nil
		})},
	}
}

func houses(h *heard) *kerneltest.Houses {
	return &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
		kit.Settings.Options("knob.mode", "admins", "all", "none")
		return []*room.Room{knobs(kit, h.got)}
	}}
}

func TestSettings(t *testing.T) {
	h := &heard{got: make(chan string, 10)}
	houses(h).Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		sec, sys, aud := e.Administrator(room.Security), e.Administrator(room.System), e.Administrator(room.Auditor)
		zhang := kerneltest.Actor("zhang", "u1", room.All)
		put := func(name, value, reason, version string) (string, string) {
			return "PUT /api/settings/" + name, `{"value":` + value + `,"reason":"` + reason + `","version":` + version + `}`
		}
		type step struct {
			name   string
			as     *room.Actor
			set    string // name of the setting
			value  string
			reason string
			ver    string
			status int
			want   string
		}
		for _, c := range []step{
			{name: "a person may not", as: zhang, set: "knob.minutes", value: "20", reason: "试试", ver: "0", status: 403, want: "三类管理员"},
			{name: "the auditor may not", as: aud, set: "knob.minutes", value: "20", reason: "试试", ver: "0", status: 403, want: "安全管理员"},
			{name: "another administrator's", as: sys, set: "knob.minutes", value: "20", reason: "试试", ver: "0", status: 403, want: "“分钟”由安全管理员修改"},
			{name: "no reason", as: sec, set: "knob.minutes", value: "20", reason: "", ver: "0", status: 422, want: "不能少于 2 个字符"},
			{name: "unknown", as: sec, set: "knob.none", value: "20", reason: "试试", ver: "0", status: 404, want: "knob.none"},
			{name: "too great", as: sec, set: "knob.minutes", value: "121", reason: "试试", ver: "0", status: 422, want: "应在 1 到 120 之间"},
			{name: "not whole", as: sec, set: "knob.minutes", value: "1.5", reason: "试试", ver: "0", status: 422, want: "应为整数"},
			{name: "text for a number", as: sec, set: "knob.minutes", value: `"20"`, reason: "试试", ver: "0", status: 422, want: "应为整数"},
			{name: "nothing for a number", as: sec, set: "knob.minutes", value: `null`, reason: "试试", ver: "0", status: 422, want: ""},
			{name: "number for a yes", as: sec, set: "knob.on", value: `1`, reason: "试试", ver: "0", status: 422, want: "“是”或“否”"},
			{name: "not an option", as: sec, set: "knob.mode", value: `"some"`, reason: "试试", ver: "0", status: 422, want: "admins, all, none"},
			{name: "text for a list", as: sys, set: "knob.words", value: `"乙"`, reason: "试试", ver: "0", status: 422, want: "文字列表"},
			{name: "mixed list", as: sys, set: "knob.words", value: `["乙",1]`, reason: "试试", ver: "0", status: 422, want: "文字列表"},
			{name: "endless text", as: sys, set: "knob.district", value: `"` + strings.Repeat("区", 501) + `"`, reason: "试试", ver: "0", status: 422, want: "最多 500"},
			{name: "changed", as: sec, set: "knob.minutes", value: "20", reason: "值班室大屏", ver: "0", status: 200, want: `"value":20`},
			{name: "from an old version", as: sec, set: "knob.minutes", value: "25", reason: "试试", ver: "0", status: 409, want: "被 security 改为 20"},
			{name: "changed again", as: sec, set: "knob.minutes", value: "25", reason: "试试", ver: "1", status: 200, want: `"version":2`},
			{name: "an option", as: sec, set: "knob.mode", value: `"all"`, reason: "试试", ver: "0", status: 200, want: `"value":"all"`},
			{name: "a list", as: sys, set: "knob.words", value: `["乙","丙"]`, reason: "试试", ver: "0", status: 200, want: `"value":["乙","丙"]`},
			{name: "off", as: sec, set: "knob.on", value: `false`, reason: "试试", ver: "0", status: 200, want: `"value":false`},
		} {
			call, body := put(c.set, c.value, c.reason, c.ver)
			if status, got := e.Call(t, kerneltest.Case{As: c.as, Call: call, Body: body}); status != c.status || !strings.Contains(got, c.want) {
				t.Errorf("%s: %d %s", c.name, status, got)
			}
		}
		ctx, set := t.Context(), e.Kit.Settings
		if n, m, on, w := set.Int(ctx, "knob.minutes"), set.String(ctx, "knob.mode"), set.Bool(ctx, "knob.on"), set.Strings(ctx, "knob.words"); n != 25 || m != "all" || on || len(w) != 2 || w[1] != "丙" {
			t.Error("read back:", n, m, on, w)
		}
		if p := set.Public(ctx); p["knob.district"] != "洪山区" || p["knob.minutes"] != nil {
			t.Error("public:", p)
		}
		if got := []string{<-h.got, <-h.got, <-h.got, <-h.got, <-h.got}; !strings.Contains(strings.Join(got, " "), "knob.words") {
			t.Error("events:", got)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "list", As: aud, Call: "GET /api/settings", Status: 200, Want: []string{`"title":"旋钮"`, `"reason":"试试"`, `"default":30`, `"changed":true`, `"options":[{"value":"admins","title":"管理员"},{"value":"all","title":"all"},{"value":"none","title":"none"}]`, `"mine":false`}, Not: []string{`"mine":true`}},
			{Name: "list in English", As: sec, Call: "GET /api/settings", Lang: "en", Status: 200, Want: []string{`"title":"Minutes"`, `"mine":true`}},
			{Name: "no list for a person", As: zhang, Call: "GET /api/settings", Status: 403, Want: []string{"三类管理员"}},
		})
		detail, err := store.Column[string](ctx, e.Kit.DB, `SELECT detail FROM audit WHERE action = $1 AND object_id = $2 ORDER BY at, id`, "settings.change", "knob.minutes")
		if err != nil || len(detail) != 2 || !strings.Contains(strings.ReplaceAll(detail[1], " ", ""), `"after":25,"before":20`) {
			t.Error("audit:", detail, err)
		}
		if n, err := store.Value[int](ctx, e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1 AND result = $2`, "settings.refused", "denied"); err != nil || n != 2 {
			t.Error("refusals recorded:", n, err)
		}
	})
}

// Two replicas over one database: a change here is seen here at once, there within two seconds.
func TestReplicas(t *testing.T) {
	h := &heard{got: make(chan string, 10)}
	houses(h).Each(t, func(t *testing.T, e *kerneltest.Env) {
		ctx, sec := t.Context(), e.Administrator(room.Security)
		now := e.Now
		other := settings.New(e.Kit.DB, e.Kit.Audit, e.Kit.Bus, func() time.Time { return now })
		other.Furnish(e.Rooms, e.Catalog)
		if a, b := e.Kit.Settings.Int(ctx, "knob.minutes"), other.Int(ctx, "knob.minutes"); a != 30 || b != 30 {
			t.Fatal(a, b)
		}
		e.Get(t, sec, "PUT /api/settings/knob.minutes", `{"value":45,"reason":"试试","version":0}`, nil)
		if a := e.Kit.Settings.Int(ctx, "knob.minutes"); a != 45 {
			t.Error("not seen where it was changed:", a)
		}
		// Days off are in force at once for deadlines that are reckoned in a transaction, there too.
		newYear := time.Date(2027, 1, 1, 9, 0, 0, 0, when.Zone)
		e.Get(t, e.Administrator(room.System), "PUT /api/settings/calendar/2027", `{"holidays":{"2027-01-01":"元旦"},"workdays":{},"reason":"国办发明电","version":0}`, nil)
		days, err := other.DaysIn(ctx, e.Kit.DB)
		if err != nil || days.IsWorkday(newYear) || !other.Days().IsWorkday(newYear) {
			t.Error("the other replica reckons by the old calendar:", err)
		}
		now = now.Add(2 * time.Second)
		if days, err = other.DaysIn(ctx, e.Kit.DB); err != nil || days != other.Days() || days.IsWorkday(newYear) {
			t.Error("not read anew:", err)
		}
		if b := other.Int(ctx, "knob.minutes"); b != 45 {
			t.Error("not seen on the other replica:", b)
		}
	})
}

// A setting may be read inside a transaction, where reading the database is an error.
func TestReadInsideTx(t *testing.T) {
	h := &heard{got: make(chan string, 10)}
	houses(h).Each(t, func(t *testing.T, e *kerneltest.Env) {
		stop := errors.New("nothing to keep")
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if n := e.Kit.Settings.Int(ctx, "knob.minutes"); n != 30 {
				t.Error(n)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
	})
}

// Transactions that hold every connection there is still read settings: none waits for what the others hold.
func TestReadWhileAllConnectionsAreHeld(t *testing.T) {
	h := &heard{got: make(chan string, 10)}
	houses(h).Each(t, func(t *testing.T, e *kerneltest.Env) {
		if e.Kit.DB.Engine() != store.Postgres {
			t.Skip("SQLite's one writer is no pool")
		}
		e.Get(t, e.Administrator(room.Security), "PUT /api/settings/knob.minutes", `{"value":45,"reason":"试试","version":0}`, nil)
		db, err := store.Open(t.Context(), e.Kit.DB.Pool().Config().ConnString(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s := settings.New(db, e.Kit.Audit, e.Kit.Bus, time.Now)
		s.Furnish(e.Rooms, e.Catalog)
		var begun, done sync.WaitGroup
		all := int(db.Pool().Config().MaxConns)
		begun.Add(all)
		for range all {
			done.Go(func() {
				err := db.Tx(t.Context(), func(ctx context.Context, _ *store.Tx) error {
					begun.Done()
					begun.Wait()
					if n := s.Int(ctx, "knob.minutes"); n != 45 { // the default, where the table could not be read
						t.Error(n)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	})
}

// A value kept by an older program that no longer fits gives way to the default, and so does everything while
// the database is away.
func TestDefaultHolds(t *testing.T) {
	h := &heard{got: make(chan string, 10)}
	houses(h).Each(t, func(t *testing.T, e *kerneltest.Env) {
		if err := store.Exec(t.Context(), e.Kit.DB, `INSERT INTO settings (name, value, version, changed_by, changed_at, reason) VALUES ($1, $2, 1, '', 0, '')`,
			"knob.minutes", `{"v":9999}`); err != nil {
			t.Fatal(err)
		}
		if n := e.Kit.Settings.Int(t.Context(), "knob.minutes"); n != 30 {
			t.Error(n)
		}
		away, err := store.Open(t.Context(), "", t.TempDir()+"/q.db")
		if err != nil {
			t.Fatal(err)
		}
		away.Close()
		s := settings.New(away, e.Kit.Audit, e.Kit.Bus, time.Now)
		s.Furnish(e.Rooms, e.Catalog)
		if n := s.Int(t.Context(), "knob.minutes"); n != 30 {
			t.Error(n)
		}
	})
}

func TestUndeclared(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an undeclared setting was read")
		}
	}()
	settings.New(nil, nil, nil, time.Now).Int(t.Context(), "knob.none")
}
