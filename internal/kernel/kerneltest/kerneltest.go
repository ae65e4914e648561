// Package kerneltest starts rooms over a real store in a test and calls them over HTTP as any actor.
package kerneltest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/blob"
	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/room"
)

// Rooms makes the rooms under test over a kit. Declare one Houses per test package.
type Rooms func(*kernel.Kit) []*room.Room

// Houses start houses on clones of one migrated template.
type Houses struct {
	Rooms Rooms
	// Warehouse opens a store for one house; nil leaves it without one.
	Warehouse func(t *testing.T) warehouse.Store

	once sync.Once
	tpl  *storetest.Templates
}

// Env is one house on a database of its own.
type Env struct {
	*kernel.House
	T   *testing.T
	URL string
	// Now is the house's clock; a test may move it.
	Now time.Time

	mu     sync.Mutex
	actors map[string]*room.Actor
}

// Each runs fn on every engine.
func (h *Houses) Each(t *testing.T, fn func(t *testing.T, e *Env)) {
	t.Helper()
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) { fn(t, h.Start(t, engine)) })
	}
}

// Start opens a house on engine with jobs and services running.
func (h *Houses) Start(t *testing.T, engine store.Engine) *Env {
	t.Helper()
	h.template()
	return h.on(t, h.tpl.Open(t, engine), t.TempDir())
}

func (h *Houses) template() {
	h.once.Do(func() {
		h.tpl = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error {
			dir, err := os.MkdirTemp("", "qushu-keys-") // not t's: the second engine's template is made in another test
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			ring, err := secret.Open(dir)
			if err != nil {
				return err
			}
			kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring})
			house, err := kernel.Open(kit, h.rooms(kit), kernel.Options{})
			if err != nil {
				return err
			}
			return house.Migrate(ctx)
		}}
	})
}

// Clone makes a database of its own, for a test whose house is opened more than once.
func (h *Houses) Clone(t *testing.T, engine store.Engine) (dbURL, file string) {
	t.Helper()
	h.template()
	return h.tpl.Clone(t, engine)
}

// At starts a house on a database that Clone made, with its keys in dir.
func (h *Houses) At(t *testing.T, dbURL, file, dir string) *Env {
	t.Helper()
	db, err := store.Open(context.Background(), dbURL, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return h.on(t, db, dir)
}

// on starts a house on db.
func (h *Houses) on(t *testing.T, db *store.DB, dir string) *Env {
	t.Helper()
	ring, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{T: t, Now: time.Date(2023, 6, 1, 9, 0, 0, 0, time.FixedZone("+08:00", 8*3600)), actors: map[string]*room.Actor{}}
	blobs, err := blob.OpenURL(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	base := kernel.Base{DB: db, Ring: ring, Blobs: blobs, MaxUpload: 64 << 20, Now: func() time.Time { e.mu.Lock(); defer e.mu.Unlock(); return e.Now }}
	if h.Warehouse != nil {
		base.Warehouse = h.Warehouse(t)
	}
	base.Series = series.Open(series.Options{Rows: db, Dir: t.TempDir(), Now: base.Now})
	kit := kernel.NewKit(base)
	o := kernel.Options{Work: true, Devices: true, Web: web.Options{Version: "test", Authenticate: e.authenticate},
		Unaudited: func(_ context.Context, route string) { t.Errorf("%s changed something without an audit record", route) }}
	if e.House, err = kernel.Open(kit, h.rooms(kit), o); err != nil {
		t.Fatal(err)
	}
	if err := e.House.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(e.House.Handler())
	e.URL = srv.URL
	t.Cleanup(func() { srv.Close(); e.House.Stop(context.Background()); base.Series.Close() })
	return e
}

func (h *Houses) rooms(kit *kernel.Kit) []*room.Room {
	if h.Rooms == nil {
		return nil
	}
	return h.Rooms(kit)
}

// Move sets the house's clock.
func (e *Env) Move(d time.Duration) { e.mu.Lock(); defer e.mu.Unlock(); e.Now = e.Now.Add(d) }

// authenticate trusts a header that only this package sets.
func (e *Env) authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	ctx := r.Context()
	name := r.Header.Get("X-Test-Actor")
	if name == "" {
		return ctx, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.actors[name]
	if a == nil {
		return nil, errs.New(errs.Unsigned, "web.unsigned")
	}
	web.From(ctx).Who = a.Person
	return room.Acting(ctx, a), nil
}

// Actor makes a person in a unit with permissions of one scope: Actor("zhang", "u1", room.Unit, "visit.read").
func Actor(person, unit string, scope room.Scope, perms ...string) *room.Actor {
	a := &room.Actor{Person: person, Account: person, Name: person, Unit: unit, Home: unit, Post: "post-" + person, Grants: map[string][]room.Grant{}}
	for _, p := range perms {
		a.Grants[p] = []room.Grant{{Scope: scope, Person: person, Unit: unit}}
	}
	return a
}

// Administrator makes one of the three administrators with the permissions he has.
func (e *Env) Administrator(kind room.Admin) *room.Actor {
	return &room.Actor{Person: "admin-" + string(kind), Account: string(kind), Name: string(kind), Admin: kind, Grants: e.Kit.Authz.AdminGrants(kind)}
}

// Case is one call and what must come of it.
type Case struct {
	Name   string
	As     *room.Actor // nil for nobody
	Call   string      // "POST /api/visit/v1/file"
	Body   string      // JSON, "" for none
	Key    string      // Idempotency-Key
	Lang   string
	Status int
	Want   []string // all stand in the answer
	Not    []string // none stands in the answer
}

// Run makes the calls in order, each a subtest.
func (e *Env) Run(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			status, body := e.Call(t, c)
			if status != c.Status {
				t.Errorf("%s: status %d, want %d: %s", c.Call, status, c.Status, body)
			}
			for _, w := range c.Want {
				if !strings.Contains(body, w) {
					t.Errorf("%s: %q is not in %s", c.Call, w, body)
				}
			}
			for _, w := range c.Not {
				if strings.Contains(body, w) {
					t.Errorf("%s: %q must not be in %s", c.Call, w, body)
				}
			}
		})
	}
}

// Call makes one call.
func (e *Env) Call(t *testing.T, c Case) (status int, body string) {
	t.Helper()
	method, path, _ := strings.Cut(c.Call, " ")
	var in io.Reader
	if c.Body != "" {
		in = bytes.NewReader([]byte(c.Body))
	}
	q, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if c.Body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	if c.Key != "" {
		q.Header.Set("Idempotency-Key", c.Key)
	}
	q.Header.Set("Accept-Language", c.Lang)
	if c.As != nil {
		e.mu.Lock()
		e.actors[c.As.Person] = c.As
		e.mu.Unlock()
		q.Header.Set("X-Test-Actor", c.As.Person)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// Get calls and decodes a 200 answer into out.
func (e *Env) Get(t *testing.T, as *room.Actor, call, body string, out any) {
	t.Helper()
	status, b := e.Call(t, Case{As: as, Call: call, Body: body})
	if status != 200 && status != 204 {
		t.Fatalf("%s: %d %s", call, status, b)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(b), out); err != nil {
			t.Fatalf("%s: %v in %s", call, err, b)
		}
	}
}

// Strangers calls every route as nobody and as somebody without rights: 401 and 403, whatever the input.
func (e *Env) Strangers(t *testing.T) {
	t.Helper()
	nobody := &room.Actor{Person: "stranger", Account: "stranger", Name: "stranger"}
	for _, r := range e.Rooms {
		for _, route := range r.Routes {
			e.stranger(t, nobody, r.Name, route.Method, route.Path, route.Perm)
		}
		for _, raw := range r.Raws {
			if raw.At == "" { // what stands elsewhere is open, or not a room's
				e.stranger(t, nobody, r.Name, raw.Method, raw.Path, raw.Perm)
			}
		}
	}
}

func (e *Env) stranger(t *testing.T, nobody *room.Actor, name, method, path, perm string) {
	t.Helper()
	if perm == room.Open {
		return
	}
	if method == "" {
		method = "GET"
	}
	call := method + " /api/" + name + strings.NewReplacer("{", "", "}", "", "...", "").Replace(path)
	body := ""
	if method != "GET" && method != "DELETE" {
		body = "{}"
	}
	if status, b := e.Call(t, Case{Call: call, Body: body}); status != 401 {
		t.Errorf("%s as nobody: %d %s", call, status, b)
	}
	if perm == room.Signed {
		return
	}
	if status, b := e.Call(t, Case{Call: call, Body: body, As: nobody}); status != 403 {
		t.Errorf("%s as a stranger: %d %s", call, status, b)
	}
}
