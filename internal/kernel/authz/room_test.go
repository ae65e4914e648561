package authz_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// visits is a room with a permission of each sort.
func visits(*kernel.Kit) []*room.Room {
	words := fstest.MapFS{}
	for lang, name := range map[string]string{"zh": "走访", "en": "Visits"} {
		words["text/"+lang+".json"] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"room.visit":%q,"perm.visit.read":"%s read","perm.visit.file":"%s file","perm.visit.mine":"%s mine","perm.visit.setup":"%s setup"}`, name, name, name, name, name)}
	}
	return []*room.Room{{Name: "visit", Pillar: room.Apps, Text: words, Perms: []room.Perm{
		{Name: "visit.read"}, {Name: "visit.file"}, {Name: "visit.mine", Default: room.Self}, {Name: "visit.setup", Admin: room.System}}}}
}

var houses = &kerneltest.Houses{Rooms: visits}

// town is a house with a district of three streets of units and the administrators.
type town struct {
	*kerneltest.Env
	t        *testing.T
	sys, sec *room.Actor
	district string
}

func newTown(t *testing.T, e *kerneltest.Env) *town {
	w := &town{Env: e, t: t, sys: e.Administrator(room.System), sec: e.Administrator(room.Security)}
	w.sys.Grants, w.sec.Grants = e.Kit.Authz.AdminGrants(room.System), e.Kit.Authz.AdminGrants(room.Security)
	w.district = w.unit("", "洪山区", "district")
	return w
}

// made posts and returns the id of what was made.
func (w *town) made(as *room.Actor, call, body string) string {
	w.t.Helper()
	var out struct{ ID string }
	w.Get(w.t, as, call, body, &out)
	return out.ID
}

func (w *town) unit(parent, name, kind string) string {
	w.t.Helper()
	return w.made(w.sys, "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q}`, name, kind, parent))
}

// person makes somebody with one post and returns him as he would act.
func (w *town) person(unit, name string) *room.Actor {
	w.t.Helper()
	p := w.made(w.sys, "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q,"title":"科员"}`, name, unit))
	posts, err := w.Kit.Org.Posts(w.t.Context(), w.Kit.DB, p)
	if err != nil || len(posts) != 1 {
		w.t.Fatal(posts, err)
	}
	return &room.Actor{Person: p, Account: p, Name: name, Post: posts[0].ID, Unit: unit, Home: posts[0].Home}
}

// now gives a the rights he has at this moment.
func (w *town) now(a *room.Actor) *room.Actor {
	w.t.Helper()
	g, err := w.Kit.Authz.Grants(w.t.Context(), w.Kit.DB, authz.Holder{Person: a.Person, Post: a.Post, Unit: a.Unit, Home: a.Home, Street: a.Street})
	if err != nil {
		w.t.Fatal(err)
	}
	a.Grants = g
	return a
}

// role makes a role: "visit.read:below visit.file:unit".
func (w *town) role(name, perms string) string {
	w.t.Helper()
	var list []string
	for _, p := range strings.Fields(perms) {
		perm, scope, _ := strings.Cut(p, ":")
		list = append(list, fmt.Sprintf(`{"perm":%q,"scope":%q}`, perm, scope))
	}
	return w.made(w.sec, "POST /api/authz/roles", fmt.Sprintf(`{"name":%q,"perms":[%s]}`, name, strings.Join(list, ",")))
}

func (w *town) assign(a *room.Actor, role string) {
	w.t.Helper()
	w.Get(w.t, w.sec, "PUT /api/authz/posts/"+a.Post+"/roles/"+role, "", nil)
}

// expect checks what a may do with perm now, as "scope:unit scope:unit".
func (w *town) expect(a *room.Actor, perm string, want ...string) {
	w.t.Helper()
	var got []string
	for _, g := range w.now(a).Grants[perm] {
		got = append(got, string(g.Scope)+":"+g.Unit)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s holds %s as %v, want %v", a.Name, perm, got, want)
	}
}

func TestRoles(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		e.Strangers(t)
		street := w.unit(w.district, "狮子山街道", "street")
		li := w.person(street, "李明")
		reader := w.role("走访查看", "visit.read:below")
		e.Run(t, []kerneltest.Case{
			{Name: "permissions in Chinese", As: w.sec, Call: "GET /api/authz/permissions", Status: 200, Want: []string{`"title":"走访"`, `"visit.read"`, `"admin":"system"`}},
			{Name: "permissions in English", As: w.sec, Call: "GET /api/authz/permissions", Lang: "en", Status: 200, Want: []string{`"title":"Visits"`}},
			{Name: "the system administrator grants nothing", As: w.sys, Call: "POST /api/authz/roles", Body: `{"name":"偷权","perms":[{"perm":"visit.read","scope":"all"}]}`, Status: 403},
			{Name: "an administrator's permission", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"偷权","perms":[{"perm":"visit.setup","scope":"all"}]}`, Status: 403, Want: []string{"走访 setup", "三员"}},
			{Name: "unknown permission", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"偷权","perms":[{"perm":"no.such","scope":"all"}]}`, Status: 422, Want: []string{"no.such"}},
			{Name: "unknown scope", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"偷权","perms":[{"perm":"visit.read","scope":"world"}]}`, Status: 422},
			{Name: "permission twice", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"重复","perms":[{"perm":"visit.read","scope":"all"},{"perm":"visit.read","scope":"self"}]}`, Status: 422, Want: []string{"重复"}},
			{Name: "blank name", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"    ","perms":[{"perm":"visit.read","scope":"all"}]}`, Status: 422, Want: []string{"两个字"}},
			{Name: "name taken", As: w.sec, Call: "POST /api/authz/roles", Body: `{"name":"走访查看","perms":[{"perm":"visit.read","scope":"all"}]}`, Status: 409, Want: []string{"走访查看"}},
			{Name: "changed", As: w.sec, Call: "PUT /api/authz/roles/" + reader, Body: `{"name":"走访查看","note":"各街道","perms":[{"perm":"visit.read","scope":"unit"}],"version":1}`, Status: 200, Want: []string{`"version":2`}},
			{Name: "changed twice", As: w.sec, Call: "PUT /api/authz/roles/" + reader, Body: `{"name":"走访查看","perms":[{"perm":"visit.read","scope":"all"}],"version":1}`, Status: 409},
			{Name: "assigned", As: w.sec, Call: "PUT /api/authz/posts/" + li.Post + "/roles/" + reader, Status: 204},
			{Name: "assigned again", As: w.sec, Call: "PUT /api/authz/posts/" + li.Post + "/roles/" + reader, Status: 204},
			{Name: "no such post", As: w.sec, Call: "PUT /api/authz/posts/none/roles/" + reader, Status: 404, Want: []string{"岗位"}},
			{Name: "no such role", As: w.sec, Call: "PUT /api/authz/posts/" + li.Post + "/roles/none", Status: 404, Want: []string{"角色"}},
			{Name: "members", As: w.sec, Call: "GET /api/authz/members?role=" + reader, Status: 200, Want: []string{"李明", "狮子山街道", "走访查看"}},
			{Name: "who has a permission", As: w.sec, Call: "GET /api/authz/members?perm=visit.read&unit=" + w.district, Status: 200, Want: []string{"李明"}},
			{Name: "who has another", As: w.sec, Call: "GET /api/authz/members?perm=visit.file", Status: 200, Not: []string{"李明"}},
			{Name: "roles count members", As: w.sec, Call: "GET /api/authz/roles", Status: 200, Want: []string{`"members":1`}},
			{Name: "in use", As: w.sec, Call: "DELETE /api/authz/roles/" + reader + "?version=2", Status: 409, Want: []string{"1 个岗位"}},
		})
		w.expect(li, "visit.read", "unit:"+street)
		e.Run(t, []kerneltest.Case{
			{Name: "taken", As: w.sec, Call: "DELETE /api/authz/posts/" + li.Post + "/roles/" + reader, Status: 204},
			{Name: "taken again", As: w.sec, Call: "DELETE /api/authz/posts/" + li.Post + "/roles/" + reader, Status: 409},
			{Name: "deleted", As: w.sec, Call: "DELETE /api/authz/roles/" + reader + "?version=2", Status: 204},
			{Name: "gone", As: w.sec, Call: "GET /api/authz/roles/" + reader, Status: 404},
		})
		w.expect(li, "visit.read")
	})
}

// A unit's administrator hands out only what he holds, only where he reaches.
func TestUnitAdministrator(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		street, other := w.unit(w.district, "狮子山街道", "street"), w.unit(w.district, "关山街道", "street")
		community := w.unit(street, "珞珈社区", "community")
		boss, li, zhao := w.person(street, "周管"), w.person(community, "李明"), w.person(other, "赵强")
		manager := w.role("单位管理员", "authz.unit_manage:below visit.read:below")
		w.assign(boss, manager)
		reader, filer, wide := w.role("走访查看", "visit.read:below"), w.role("走访登记", "visit.read:below visit.file:self"), w.role("全区查看", "visit.read:all")
		w.now(boss)
		put := func(a *room.Actor, role string) string { return "PUT /api/authz/posts/" + a.Post + "/roles/" + role }
		e.Run(t, []kerneltest.Case{
			{Name: "what he holds, where he reaches", As: boss, Call: put(li, reader), Status: 204},
			{Name: "what he does not hold", As: boss, Call: put(li, filer), Status: 403, Want: []string{"走访登记"}},
			{Name: "wider than his", As: boss, Call: put(li, wide), Status: 403},
			{Name: "another unit's post", As: boss, Call: put(zhao, reader), Status: 403, Want: []string{"单位"}},
			{Name: "his own post", As: boss, Call: put(boss, reader), Status: 403, Want: []string{"自己"}},
			{Name: "he makes no roles", As: boss, Call: "POST /api/authz/roles", Body: `{"name":"自制","perms":[{"perm":"visit.read","scope":"all"}]}`, Status: 403},
			{Name: "what he may give", As: boss, Call: "GET /api/authz/posts/" + li.Post + "/roles", Status: 200, Want: []string{`"assignable":["` + manager + `","` + reader + `"]`}},
			{Name: "another unit's roles are not his to see", As: boss, Call: "GET /api/authz/posts/" + zhao.Post + "/roles", Status: 403},
			{Name: "an ordinary person", As: w.now(li), Call: put(zhao, reader), Status: 403},
		})
		w.assign(zhao, reader)
		e.Run(t, []kerneltest.Case{
			{Name: "he sees members below him only", As: boss, Call: "GET /api/authz/members", Status: 200, Want: []string{"李明", "周管"}, Not: []string{"赵强"}},
			{Name: "he may take it back", As: boss, Call: "DELETE /api/authz/posts/" + li.Post + "/roles/" + reader, Status: 204},
			{Name: "but not elsewhere", As: boss, Call: "DELETE /api/authz/posts/" + zhao.Post + "/roles/" + reader, Status: 403},
		})
	})
}

func (w *town) delegate(from, to *room.Actor, start, length time.Duration, perms ...string) (int, string) {
	w.t.Helper()
	body := fmt.Sprintf(`{"to":%q,"perms":["%s"],"from":%q,"until":%q,"reason":"外出学习"}`, to.Person, strings.Join(perms, `","`),
		w.Now.Add(start).UTC().Format(time.RFC3339), w.Now.Add(start+length).UTC().Format(time.RFC3339))
	return w.Call(w.t, kerneltest.Case{As: w.now(from), Call: "POST /api/authz/delegations", Body: body})
}

func TestDelegation(t *testing.T) {
	const day = 24 * time.Hour
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		street, other := w.unit(w.district, "狮子山街道", "street"), w.unit(w.district, "关山街道", "street")
		zhang, li, wang := w.person(street, "张伟"), w.person(other, "李明"), w.person(other, "王芳")
		role := w.role("走访", "visit.read:below visit.file:unit")
		w.assign(zhang, role)
		must := func(status int, body string) {
			t.Helper()
			if status != 200 {
				t.Fatal(status, body)
			}
		}
		must(w.delegate(zhang, li, day, 3*day, "visit.read"))
		w.expect(li, "visit.read") // planned
		w.Move(day)
		w.expect(li, "visit.read", "below:"+street) // the giver's unit, not his own
		if g := li.Grants["visit.read"][0]; g.Person != zhang.Person {
			t.Error("a delegated grant speaks for", g.Person)
		}
		w.expect(li, "visit.file")
		if status, body := w.delegate(li, wang, 0, day, "visit.read"); status != 403 {
			t.Error("a delegation was passed on:", status, body)
		}
		must(w.delegate(li, wang, 0, 9*day, "visit.mine")) // what everybody holds of his own may be lent
		if g := w.now(wang).Grants["visit.mine"]; len(g) != 2 || g[1].Person != li.Person {
			t.Error(g)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "given", As: w.now(zhang), Call: "GET /api/authz/delegations", Status: 200, Want: []string{"李明", `"state":"valid"`, `"held":true`, "外出学习", "走访 read"}},
			{Name: "received", As: w.now(li), Call: "GET /api/authz/delegations?side=received", Status: 200, Want: []string{"张伟"}, Not: []string{"王芳"}},
			{Name: "not a third person's", As: w.now(wang), Call: "GET /api/authz/delegations", Status: 200, Want: []string{`"items":[]`}},
			{Name: "the security administrator sees all", As: w.sec, Call: "GET /api/authz/delegations/all?valid=true", Status: 200, Want: []string{"张伟", "王芳"}},
			{Name: "options", As: w.now(zhang), Call: "GET /api/authz/delegations/options", Status: 200, Want: []string{"visit.file", `"maxDays":90`}, Not: []string{"authz.", "visit.setup"}},
			{Name: "an administrator holds nothing to lend", As: w.sys, Call: "GET /api/authz/delegations/options", Status: 403},
		})
		w.Move(3 * day)
		w.expect(li, "visit.read") // over, with nobody doing anything

		must(w.delegate(zhang, li, 0, 9*day, "visit.read", "visit.file"))
		w.expect(li, "visit.file", "unit:"+street)
		w.Get(t, w.sec, "DELETE /api/authz/posts/"+zhang.Post+"/roles/"+role, "", nil) // the giver loses the right
		w.expect(li, "visit.read")
		e.Run(t, []kerneltest.Case{{Name: "the list says so", As: w.now(zhang), Call: "GET /api/authz/delegations", Status: 200, Want: []string{`"held":false`, `"state":"valid"`}}})
		w.assign(zhang, role)
		w.expect(li, "visit.read", "below:"+street)
		w.Get(t, w.sys, "POST /api/org/posts/"+zhang.Post+"/end", "", nil) // the giver loses his post
		w.expect(li, "visit.read")
		w.expect(zhang, "visit.read")
	})
}

func TestDelegationRefusedAndRevoked(t *testing.T) {
	const day = 24 * time.Hour
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		zhang, li, wang := w.person(w.district, "张伟"), w.person(w.district, "李明"), w.person(w.district, "王芳")
		w.assign(zhang, w.role("走访", "visit.read:below"))
		for _, c := range []struct {
			name   string
			to     *room.Actor
			length time.Duration
			perm   string
			status int
			want   string
		}{
			{"not held", li, day, "visit.file", 403, "走访 file"},
			{"an administrator's", li, day, "visit.setup", 403, "走访 setup"},
			{"too long", li, 91 * day, "visit.read", 422, "90 天"},
			{"to himself", zhang, day, "visit.read", 422, "自己"},
			{"to nobody", &room.Actor{Person: "nobody"}, day, "visit.read", 404, "人员"},
			{"to an administrator's account", w.sys, day, "visit.read", 404, "人员"},
		} {
			if status, body := w.delegate(zhang, c.to, 0, c.length, c.perm); status != c.status || !strings.Contains(body, c.want) {
				t.Error(c.name, status, body)
			}
		}
		status, body := w.delegate(zhang, li, 0, day, "visit.read")
		if status != 200 {
			t.Fatal(body)
		}
		id := strings.Split(body, `"`)[3]
		e.Run(t, []kerneltest.Case{
			{Name: "the receiver cannot revoke", As: w.now(li), Call: "DELETE /api/authz/delegations/" + id, Status: 404},
			{Name: "nor a stranger", As: w.now(wang), Call: "DELETE /api/authz/delegations/" + id, Status: 404},
			{Name: "the giver can", As: w.now(zhang), Call: "DELETE /api/authz/delegations/" + id, Status: 204},
			{Name: "once", As: zhang, Call: "DELETE /api/authz/delegations/" + id, Status: 409},
		})
		w.expect(li, "visit.read")
		_, body = w.delegate(zhang, li, 0, day, "visit.read")
		id = strings.Split(body, `"`)[3]
		w.expect(li, "visit.read", "below:"+w.district)
		e.Run(t, []kerneltest.Case{{Name: "the security administrator ends any", As: w.sec, Call: "DELETE /api/authz/delegations/all/" + id, Status: 204}})
		w.expect(li, "visit.read")
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action IN ('authz.delegate', 'authz.revoke') AND result = 'ok'`)
		if err != nil || n != 4 {
			t.Error("audit records:", n, err)
		}
		w.Get(t, w.sys, "POST /api/org/people/"+wang.Person+"/leave", `{"version":1}`, nil)
		if status, body := w.delegate(zhang, wang, 0, day, "visit.read"); status != 404 || !strings.Contains(body, "离职") {
			t.Error("to who has left:", status, body)
		}
	})
}

// counting counts the statements that go through it.
type counting struct {
	store.Queryer
	n int
}

func (c *counting) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	c.n++
	return c.Queryer.QueryContext(ctx, q, args...)
}

// A second replica sees a change at once, and rights that have not changed cost one read of the epoch.
func TestReplicasAndCache(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		zhang := w.person(w.district, "张伟")
		replica := authz.New(e.Kit.DB, e.Kit.Audit, e.Kit.Bus, func() time.Time { return w.Now })
		replica.Furnish(e.Rooms, e.Catalog)
		replica.Serve(e.Kit.Org)
		h := authz.Holder{Person: zhang.Person, Post: zhang.Post, Unit: zhang.Unit, Home: zhang.Home}
		held := func(q store.Queryer) int {
			g, err := replica.Grants(t.Context(), q, h)
			if err != nil {
				t.Fatal(err)
			}
			return len(g["visit.read"])
		}
		if held(e.Kit.DB) != 0 {
			t.Fatal("held before it was granted")
		}
		role := w.role("走访", "visit.read:below")
		w.assign(zhang, role)
		q := &counting{Queryer: e.Kit.DB}
		if held(q) != 1 {
			t.Error("the other replica does not see the role")
		}
		first := q.n
		if held(q) != 1 || q.n != first+1 {
			t.Errorf("rights unchanged cost %d statements", q.n-first)
		}
		// what a transaction that is rolled back saw is not kept
		_ = e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := e.Kit.Authz.DropPosts(ctx, tx, []string{zhang.Post}); err != nil {
				t.Error(err)
			}
			if g, err := replica.Grants(ctx, tx, h); err != nil || len(g["visit.read"]) != 0 {
				t.Error("inside:", g["visit.read"], err)
			}
			return context.Canceled
		})
		w.role("别的", "visit.file:below") // raises the epoch to the number the lost transaction had
		if held(e.Kit.DB) != 1 {
			t.Error("a rolled back transaction's view was kept")
		}
	})
}

func TestEnsure(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		builtin := []authz.Role{{Key: "reader", Name: "查看员", NameEN: "Reader", Perms: []authz.RolePerm{{Perm: "visit.read", Scope: room.Unit}, {Perm: "gone.read", Scope: room.All}, {Perm: "visit.setup", Scope: room.All}}}}
		ensure := func() {
			t.Helper()
			if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return e.Kit.Authz.Ensure(ctx, tx, builtin) }); err != nil {
				t.Fatal(err)
			}
		}
		ensure()
		r, err := e.Kit.Authz.RoleByKey(t.Context(), e.Kit.DB, "reader")
		if err != nil || !r.Builtin || len(r.Perms) != 1 || r.Perms[0].Perm != "visit.read" {
			t.Fatalf("%+v %v", r, err)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "cannot be deleted", As: w.sec, Call: "DELETE /api/authz/roles/" + r.ID + "?version=1", Status: 422, Want: []string{"内置"}},
			{Name: "can be changed", As: w.sec, Call: "PUT /api/authz/roles/" + r.ID, Body: `{"name":"查看员","perms":[{"perm":"visit.file","scope":"self"}],"version":1}`, Status: 200},
		})
		ensure()
		if r, err = e.Kit.Authz.RoleByKey(t.Context(), e.Kit.DB, "reader"); err != nil || r.Perms[0].Perm != "visit.file" {
			t.Error("what the administrator changed was put back:", r.Perms, err)
		}
	})
}

// A post ends while roles are given to it: none is left on it.
func TestAssignRacesEnd(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		role := w.role("走访", "visit.read:below")
		var wg sync.WaitGroup
		for i := range 8 {
			a := w.person(w.district, "张"+string('甲'+rune(i)))
			wg.Go(func() {
				e.Call(t, kerneltest.Case{As: w.sec, Call: "PUT /api/authz/posts/" + a.Post + "/roles/" + role})
			})
			wg.Go(func() {
				e.Call(t, kerneltest.Case{As: w.sys, Call: "POST /api/org/posts/" + a.Post + "/end"})
			})
		}
		wg.Wait()
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM authz_post_role`)
		if err != nil || n != 0 {
			t.Error("roles on ended posts:", n, err)
		}
	})
}

// Scopes begin at the body, not at the section a post stands in.
func TestSections(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		health, school := w.unit(w.district, "区医保局", "department"), w.unit(w.district, "区教育局", "department")
		office, finance := w.unit(health, "办公室", "section"), w.unit(health, "规划财务科", "section")
		deep, centre := w.unit(finance, "会计组", "section"), w.unit(health, "医保中心", "institution")
		other := w.unit(school, "办公室", "section")
		zhang, li, wang, zhao := w.person(office, "张三"), w.person(deep, "李四"), w.person(other, "王五"), w.person(centre, "赵六")
		w.assign(zhang, w.role("本单位", "visit.read:unit authz.unit_manage:unit"))
		w.assign(li, w.role("本单位及下级", "visit.read:below"))
		w.assign(wang, w.role("别的单位", "visit.file:unit"))
		w.assign(zhao, w.role("下级单位", "visit.file:unit"))
		w.expect(zhang, "visit.read", "unit:"+health)
		w.expect(li, "visit.read", "below:"+health)
		may := func(a *room.Actor) string {
			ctx, out := room.Acting(t.Context(), w.now(a)), ""
			reach, err := authz.Reach(ctx, e.Kit.DB, "visit.read")
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range []struct{ name, id string }{{"body", health}, {"office", office}, {"group", deep}, {"centre", centre}, {"school", school}, {"its office", other}, {"district", w.district}} {
				one := authz.MayUnit(ctx, e.Kit.DB, "visit.read", u.id) == nil
				if one != reach.Has(u.id, "", "") {
					t.Errorf("%s: MayUnit says %v of the %s, Reach does not", a.Name, one, u.name)
				}
				if one {
					out += u.name + ","
				}
			}
			return out
		}
		if got := may(zhang); got != "body,office,group," {
			t.Error("unit reaches", got)
		}
		if got := may(li); got != "body,office,group,centre," {
			t.Error("below reaches", got)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "who stands in another section", As: zhang, Call: "GET /api/authz/members", Status: 200, Want: []string{"张三", "李四"}, Not: []string{"王五", "赵六"}},
			{Name: "an administrator of his unit makes no section of it", As: kerneltest.Actor("boss", health, room.Below, "org.unit_manage"), Call: "PUT /api/org/units/" + health,
				Body: `{"name":"区医保局","kind":"section","version":1}`, Status: 403},
			{Name: "a section becomes a body", As: w.sys, Call: "PUT /api/org/units/" + finance, Body: `{"name":"规划财务科","kind":"institution","version":1}`, Status: 200},
		})
		post, err := e.Kit.Org.Post(t.Context(), e.Kit.DB, li.Post)
		if err != nil || post.Home != finance || post.HomeName != "规划财务科" || post.UnitName != "会计组" {
			t.Fatalf("%+v %v", post, err)
		}
		li.Home = post.Home
		w.expect(li, "visit.read", "below:"+finance)
		if got := may(zhang); got != "body,office," {
			t.Error("unit reaches", got)
		}
	})
}

// What is lent reaches from the giver's body.
func TestSectionDelegates(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		health, school := w.unit(w.district, "区医保局", "department"), w.unit(w.district, "区教育局", "department")
		giver, taker := w.person(w.unit(health, "办公室", "section"), "张三"), w.person(w.unit(school, "办公室", "section"), "李四")
		w.assign(giver, w.role("本单位", "visit.read:unit"))
		w.made(w.now(giver), "POST /api/authz/delegations", fmt.Sprintf(`{"to":%q,"perms":["visit.read"],"until":%q,"reason":"出差"}`, taker.Person, e.Now.Add(24*time.Hour).Format(time.RFC3339)))
		w.expect(taker, "visit.read", "unit:"+health)
	})
}

// A role the security administrator has made keeps its name.
func TestEnsureBesideOwn(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		w.role("查看员", "visit.read:unit")
		builtin := []authz.Role{{Key: "reader", Name: "查看员", Perms: []authz.RolePerm{{Perm: "visit.read", Scope: room.Unit}}}}
		if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return e.Kit.Authz.Ensure(ctx, tx, builtin) }); err != nil {
			t.Fatal(err)
		}
		if r, err := e.Kit.Authz.RoleByKey(t.Context(), e.Kit.DB, "reader"); err != nil || r.Name != "查看员（预置）" {
			t.Error(r.Name, err)
		}
	})
}
