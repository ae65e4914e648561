package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pquerna/otp/totp"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/identity"
	"qushu/internal/room"
)

// people is an org of few: who holds which posts.
type people struct {
	mu    sync.Mutex
	posts map[string][]identity.Post
}

func (p *people) Posts(_ context.Context, _ store.Queryer, person string) ([]identity.Post, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.posts[person]), nil
}

func (p *people) Person(_ context.Context, _ store.Queryer, who string) (identity.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.posts[who]; !ok {
		return identity.Person{}, errs.New(errs.Missing, "store.missing")
	}
	return identity.Person{ID: who, Name: names[who], Words: []string{who}, Phone: "13800005678", Units: []string{"区数据局"}}, nil
}

func (p *people) Members(_ context.Context, _ store.Queryer, unit string) ([]identity.Member, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []identity.Member
	for who, posts := range p.posts {
		if len(posts) > 0 && (unit == "" || posts[0].Unit == unit) {
			out = append(out, identity.Member{ID: who, Name: names[who], StaffNo: "HS-" + who, Unit: posts[0].Unit})
		}
	}
	return out, nil
}

func (p *people) UnitNames(_ context.Context, _ store.Queryer, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		out[id] = "单位" + id
	}
	return out, nil
}

var names = map[string]string{"zhang": "张三丰", "li": "李时珍", "wang": "王安石", "etl": "数据同步程序"}

// rights grants permissions by post, over the post's unit.
type rights struct {
	db    *store.DB
	mu    sync.Mutex
	perms map[string][]string
	rooms []*room.Room
	epoch int64
}

func (r *rights) Epoch(ctx context.Context, q store.Queryer) (int64, error) {
	n, err := store.Value[int64](ctx, q, `SELECT count(*) FROM probe_epoch`) // a query as the real one makes
	r.mu.Lock()
	defer r.mu.Unlock()
	return n + r.epoch, err
}

func (r *rights) GrantsAt(_ context.Context, _ store.Queryer, h authz.Holder, _ int64) (map[string][]room.Grant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]room.Grant{}
	for _, p := range r.perms[h.Post] {
		out[p] = []room.Grant{{Scope: room.Unit, Person: h.Person, Unit: h.Home, Street: h.Street}}
	}
	return out, nil
}

func (r *rights) AdminGrants(kind room.Admin) map[string][]room.Grant {
	out := map[string][]room.Grant{}
	all := []room.Grant{{Scope: room.All}}
	for _, m := range r.rooms {
		for _, p := range m.Perms {
			if p.Admin == kind {
				out[p.Name] = all
			}
		}
	}
	if kind == room.System {
		out["identity.unit_manage"] = all
	}
	return out
}

// hasher counts what is asked of a cheap but real one.
type hasher struct {
	*secret.Hasher
	mu     sync.Mutex
	checks int
	params []string // the hashes checked, "" for a login nobody has
}

func (h *hasher) Check(ctx context.Context, hash, pw string) (bool, bool, error) {
	h.mu.Lock()
	h.checks++
	h.params = append(h.params, hash)
	h.mu.Unlock()
	return h.Hasher.Check(ctx, hash, pw)
}

func (h *hasher) count() int { h.mu.Lock(); defer h.mu.Unlock(); return h.checks }

// env is one house with identity's own door.
type env struct {
	*kernel.House
	t      *testing.T
	id     *identity.Identity
	url    string
	people *people
	rights *rights
	hasher *hasher
	real   bool // the kit's own org and authz behind the ports, and jobs that run

	mu  sync.Mutex
	now time.Time
}

func (e *env) move(d time.Duration) { e.mu.Lock(); defer e.mu.Unlock(); e.now = e.now.Add(d) }

func (e *env) time() time.Time { e.mu.Lock(); defer e.mu.Unlock(); return e.now }

// probeRoom has a page and a route that need a right, so that the tests see who has it.
func probeRoom() *room.Room {
	type out struct {
		Body struct {
			Person string `json:"person"`
			Unit   string `json:"unit"`
		}
	}
	text := `{"room.probe":"探针","perm.probe.read":"看","perm.probe.write":"写","menu.probe.main":"探针"}`
	who := func(ctx context.Context, _ *struct{}) (*out, error) {
		o := &out{}
		if a := room.ActorOf(ctx); a != nil {
			o.Body.Person, o.Body.Unit = a.Person, a.Unit
		}
		return o, nil
	}
	return &room.Room{Name: "probe", Pillar: room.Apps, Perms: []room.Perm{{Name: "probe.read"}, {Name: "probe.write"}},
		Schema: fstest.MapFS{"schema/0001_probe.sql": {Data: []byte("-- +goose Up\nCREATE TABLE probe_epoch (n BIGINT);\n")}},
		Text:   fstest.MapFS{"text/zh.json": {Data: []byte(text)}, "text/en.json": {Data: []byte(strings.ReplaceAll(text, `"menu.probe.main":"探针"`, `"menu.probe.main":"Probe"`))}},
		Menu:   []room.Menu{{Name: "main", Path: "/probe", Perm: "probe.read", Rank: 10}},
		Routes: []room.Route{room.Get("", "probe.read", who), room.Get("/write", "probe.write", who), room.Get("/any", room.Signed, who), room.Get("/open", room.Open, who)}}
}

var templates = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error {
	ring, err := secret.OpenWith(secret.Options{File: tempKeys()})
	if err != nil {
		return err
	}
	e := &env{}
	h, err := e.open(db, ring, identity.Options{})
	if err != nil {
		return err
	}
	return h.Migrate(ctx)
}}

func (e *env) open(db *store.DB, ring *secret.Ring, o identity.Options) (*kernel.House, error) {
	kit := kernel.NewKit(kernel.Base{DB: db, Ring: ring, Now: e.time})
	e.people = &people{posts: map[string][]identity.Post{
		"zhang": {{ID: "p-zhang", Title: "数据专员", Unit: "u1", UnitName: "区数据局", Home: "u1", HomeName: "区数据局", Street: "420111003", Main: true}, {ID: "p-zhang2", Title: "兼职", Unit: "u2", UnitName: "区民政局", Home: "u2", HomeName: "区民政局"}},
		"li":    {{ID: "p-li", Title: "科员", Unit: "u2", UnitName: "区民政局", Home: "u2", HomeName: "区民政局", Main: true}},
		"wang":  {{ID: "p-wang", Title: "单位管理员", Unit: "u1", UnitName: "区数据局", Home: "u1", HomeName: "区数据局", Main: true}},
		"etl":   {{ID: "p-etl", Title: "接口", Unit: "u1", UnitName: "区数据局", Home: "u1", HomeName: "区数据局", Main: true}},
	}}
	e.rights = &rights{db: db, perms: map[string][]string{"p-zhang": {"probe.read"}, "p-zhang2": {"probe.write"}, "p-li": {"probe.read"}, "p-wang": {"identity.unit_manage"},
		"p-etl": {"probe.read", "probe.write"}}}
	e.hasher = &hasher{Hasher: secret.NewHasher(secret.Params{MemoryKiB: 64, Time: 1, Threads: 1}, 4)}
	deps := identity.Deps{DB: db, Ring: ring, Log: kit.Audit, Bus: kit.Bus, Settings: kit.Settings, Now: kit.Now, People: e.people, Rights: e.rights, Hasher: e.hasher}
	if e.real {
		deps.People, deps.Rights = identity.FromOrg(kit.Org), kit.Authz
	}
	e.id = identity.New(deps, o)
	e.id.Tell = kit.Identity.Tell
	kit.Identity = e.id
	house, err := kernel.Open(kit, []*room.Room{probeRoom()}, kernel.Options{Work: e.real, Web: web.Options{Version: "test"}, Unaudited: func(_ context.Context, route string) {
		e.t.Errorf("%s changed something without an audit record", route)
	}})
	if err != nil {
		return nil, err
	}
	e.rights.rooms = house.Rooms
	return house, nil
}

// start opens a house on one engine.
func start(t testing.TB, engine store.Engine, o identity.Options) *env {
	t.Helper()
	return startEnv(t, engine, o, false)
}

// startReal opens one with the real org and authz, and its jobs running.
func startReal(t *testing.T, engine store.Engine) *env {
	t.Helper()
	e := startEnv(t, engine, identity.Options{}, true)
	if err := e.House.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.House.Stop(context.Background()) })
	return e
}

func startEnv(t testing.TB, engine store.Engine, o identity.Options, real bool) *env {
	t.Helper()
	tt, ok := t.(*testing.T)
	if !ok {
		tt = &testing.T{}
	}
	e := &env{t: tt, real: real, now: time.Date(2023, 6, 1, 9, 0, 0, 0, time.FixedZone("+08:00", 8*3600))}
	ring, err := secret.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var db *store.DB
	if ok {
		db = templates.Open(tt, engine)
	} else {
		if db, err = store.Open(t.Context(), "", t.TempDir()+"/q.db"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
	}
	if e.House, err = e.open(db, ring, o); err != nil {
		t.Fatal(err)
	}
	if !ok {
		if err := e.House.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(e.House.Handler())
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

func each(t *testing.T, fn func(t *testing.T, e *env)) {
	t.Helper()
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) { fn(t, start(t, engine, identity.Options{District: "洪山区"})) })
	}
}

// browser keeps a cookie as a browser does, and the secret of its authenticator app.
type browser struct {
	e       *env
	t       *testing.T
	cookie  string
	agent   string
	bearer  string
	headers map[string]string
	secret  string
	lang    string
}

func (e *env) browser(t *testing.T) *browser {
	return &browser{e: e, t: t, agent: "Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537"}
}

func (e *env) phone(t *testing.T) *browser {
	b := e.browser(t)
	b.agent = "Mozilla/5.0 (Linux; Android 13) Chrome/120 Mobile Safari/537"
	return b
}

// answer is what came back.
type answer struct {
	status int
	body   string
	json   map[string]any
}

func (a answer) next() string { s, _ := a.json["next"].(string); return s }
func (a answer) key() string  { s, _ := a.json["key"].(string); return s }
func (a answer) str(k string) string {
	s, _ := a.json[k].(string)
	return s
}

func (b *browser) call(call string, body any) answer {
	b.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(b.t.Context(), method, b.e.url+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if method != "GET" {
		q.Header.Set("Idempotency-Key", id.New()) // as the portal does
	}
	q.Header.Set("User-Agent", b.agent)
	q.Header.Set("Accept-Language", b.lang)
	if b.cookie != "" {
		q.AddCookie(&http.Cookie{Name: identity.CookieName, Value: b.cookie})
	}
	if b.bearer != "" {
		q.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	for name, value := range b.headers {
		q.Header.Set(name, value)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range r.Cookies() {
		if c.Name == identity.CookieName {
			b.cookie = c.Value
			if c.MaxAge < 0 {
				b.cookie = ""
			}
		}
	}
	a := answer{status: r.StatusCode, body: string(raw), json: map[string]any{}}
	_ = json.Unmarshal(raw, &a.json)
	return a
}

// want fails unless the answer has the status and, of a refusal, the key.
func (a answer) want(t *testing.T, what string, status int, key string) answer {
	t.Helper()
	if a.status != status || key != "" && a.key() != key {
		t.Fatalf("%s: %d %s, want %d %s: %s", what, a.status, a.key(), status, key, a.body)
	}
	return a
}

type obj = map[string]any

func (b *browser) signIn(account, password string) answer {
	b.t.Helper()
	return b.call("POST /api/identity/signin", obj{"account": account, "password": password})
}

// code is what the app shows now.
func (b *browser) code() string {
	b.t.Helper()
	c, err := totp.GenerateCode(b.secret, b.e.time())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// enroll binds a second factor and returns the recovery codes.
func (b *browser) enroll() (codes []string, next string) {
	b.t.Helper()
	a := b.call("POST /api/identity/enroll", nil).want(b.t, "enroll", 200, "")
	b.secret = a.str("secret")
	a = b.call("POST /api/identity/enroll/confirm", obj{"code": b.code()}).want(b.t, "confirm", 200, "")
	for _, c := range a.json["recoveryCodes"].([]any) {
		codes = append(codes, c.(string))
	}
	b.e.move(time.Minute) // the next code is a new one
	return codes, a.next()
}

// Passwords of the tests, all good.
const (
	pw1 = "Lan#Tian2023"
	pw2 = "Hong-Ye-7788"
	pw3 = "Qiu@Shui5566"
)

// user makes an account of a person with a password he may keep.
func (e *env) user(t *testing.T, person string) {
	t.Helper()
	ctx := t.Context()
	if _, err := e.id.CreateAccount(ctx, person, person); err != nil {
		t.Fatal(err)
	}
	if err := e.id.SetPassword(ctx, person, pw1, true); err != nil {
		t.Fatal(err)
	}
}

// in makes a user and signs him in.
func (e *env) in(t *testing.T, person string) *browser {
	t.Helper()
	e.user(t, person)
	b := e.browser(t)
	if a := b.signIn(person, pw1).want(t, "sign-in", 200, ""); a.next() != "done" {
		t.Fatal(a.body)
	}
	return b
}

var admins = []identity.NewAdmin{
	{Kind: room.System, Account: "sysadmin", Name: "赵系统", Password: "Sys#Lantian-2023", Keep: true},
	{Kind: room.Security, Account: "secadmin", Name: "钱安全", Password: "Sec#Lantian-2023", Keep: true},
	{Kind: room.Auditor, Account: "auditadmin", Name: "孙审计", Password: "Aud#Lantian-2023", Keep: true},
}

// admins makes the three administrators and signs them in with second factors.
func (e *env) administrators(t *testing.T) (sys, sec, aud *browser) {
	t.Helper()
	if err := e.id.CreateAdministrators(t.Context(), admins); err != nil {
		t.Fatal(err)
	}
	var out []*browser
	for _, a := range admins {
		b := e.browser(t)
		if got := b.signIn(a.Account, a.Password).want(t, a.Account, 200, ""); got.next() != "enroll" {
			t.Fatal(got.body)
		}
		if _, next := b.enroll(); next != "done" {
			t.Fatal(next)
		}
		out = append(out, b)
	}
	return out[0], out[1], out[2]
}

// account finds the id of a login through the Go side.
func (e *env) account(t *testing.T, login string) string {
	t.Helper()
	id, err := store.Value[string](t.Context(), e.Kit.DB, `SELECT id FROM identity_account WHERE login_key = $1`, login)
	if err != nil {
		t.Fatal(login, err)
	}
	return id
}

// audited counts records of an action.
func (e *env) audited(t *testing.T, action, result string) int {
	t.Helper()
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = $1 AND result = $2`, action, result)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// set changes a setting below the page, as another replica would.
func (e *env) set(t *testing.T, name, value string) {
	t.Helper()
	if err := store.Exec(t.Context(), e.Kit.DB, `INSERT INTO settings (name, value, version, changed_by, changed_at, reason) VALUES ($1, $2, 1, '', 0, '')`, "identity."+name, `{"v":`+value+`}`); err != nil {
		t.Fatal(err)
	}
	e.move(2 * time.Second)
}

// rawCookie signs in and returns the Set-Cookie header.
func (b *browser) rawCookie(account, password string) string {
	b.t.Helper()
	raw, err := json.Marshal(obj{"account": account, "password": password})
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.Post(b.e.url+"/api/identity/signin", "application/json", bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	for _, c := range r.Cookies() {
		b.cookie = c.Value
	}
	return r.Header.Get("Set-Cookie")
}

func decode(t *testing.T, a answer, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), out); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}
