package identity_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
	"qushu/internal/room"
)

func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		for range 4 {
			e.move(29 * time.Minute)
			b.call("GET /api/probe", nil).want(t, "in use", 200, "")
		}
		e.move(30 * time.Minute)
		cookie := b.cookie
		b.call("GET /api/identity/sessions", nil).want(t, "unused", 401, "identity.session_idle")
		if b.cookie != "" {
			t.Error("the dead cookie was not taken back")
		}
		b.cookie = cookie
		b.call("GET /api/identity/sessions", nil).want(t, "told again to whoever still has it", 401, "identity.session_idle")
		b.call("GET /api/probe/open", nil).want(t, "what is open to all stays open", 200, "")
		b.cookie = cookie
		b.signIn("zhang", pw1).want(t, "with the dead cookie", 200, "")
		if e.audited(t, "identity.session_end", "ok") != 1 {
			t.Error("the end was recorded", e.audited(t, "identity.session_end", "ok"), "times")
		}
	})
}

func TestAdministratorsIdleSooner(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		_, sec, _ := e.administrators(t)
		e.move(11 * time.Minute)
		sec.call("GET /api/identity/me", nil).want(t, "in use", 200, "")
		if a := sec.call("GET /api/identity/rules", nil); a.json["idleMinutes"] != 15.0 || a.json["minLength"] != 12.0 {
			t.Error(a.body)
		}
		e.move(15 * time.Minute)
		sec.call("GET /api/identity/online", nil).want(t, "unused", 401, "identity.session_idle")
	})
}

func TestAbsolute(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		for range 25 {
			e.move(28 * time.Minute)
			b.call("GET /api/probe", nil).want(t, "in use", 200, "")
		}
		e.move(20 * time.Minute)
		b.call("GET /api/probe", nil).want(t, "twelve hours", 401, "identity.session_absolute")
	})
}

func TestStepsExpire(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.administrators(t)
		b := e.browser(t)
		b.secret = e.secretOf(t, "sysadmin")
		b.signIn("sysadmin", admins[0].Password).want(t, "password", 200, "")
		e.move(10 * time.Minute)
		b.call("POST /api/identity/totp", obj{"code": b.code()}).want(t, "too late", 401, "identity.start_over")
	})
}

func TestConcurrentSessions(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		pc, phone, other := e.in(t, "zhang"), e.phone(t), e.browser(t)
		phone.signIn("zhang", pw1).want(t, "one phone beside one PC", 200, "")
		pc.call("GET /api/probe", nil).want(t, "the PC stays", 200, "")
		other.agent = "Mozilla/5.0 (X11; Linux) Firefox/121"
		other.signIn("zhang", pw1).want(t, "a second PC", 200, "")
		if a := pc.call("GET /api/probe", nil).want(t, "the first PC", 401, "identity.session_elsewhere"); !strings.Contains(a.body, "Firefox · Linux") || !strings.Contains(a.body, "09:00") {
			t.Error(a.body)
		}
		phone.call("GET /api/probe", nil).want(t, "the phone stays", 200, "")
		e.set(t, "max_pc", "2")
		pc.signIn("zhang", pw1).want(t, "two PCs allowed", 200, "")
		other.call("GET /api/probe", nil).want(t, "the other stays", 200, "")
		var all struct{ Items []identity.SessionShown }
		decode(t, pc.call("GET /api/identity/sessions", nil), &all)
		if len(all.Items) != 3 || !all.Items[0].Current || all.Items[2].Kind != "mobile" {
			t.Errorf("%+v", all.Items)
		}
		pc.call("DELETE /api/identity/sessions/"+all.Items[2].ID, nil).want(t, "end the phone's", 204, "")
		phone.call("GET /api/probe", nil).want(t, "at once", 401, "identity.session_revoked")
		pc.call("DELETE /api/identity/sessions/"+all.Items[2].ID, nil).want(t, "twice", 404, "identity.no_session")
		li := e.in(t, "li")
		li.call("DELETE /api/identity/sessions/"+all.Items[0].ID, nil).want(t, "somebody else's", 404, "identity.no_session")
	})
}

// Signing in from many PCs at once leaves as many sessions as are allowed.
func TestConcurrentSignIns(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { e.browser(t).signIn("zhang", pw1) })
		}
		wg.Wait()
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_session WHERE ended = 0`)
		if err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

func TestSignOut(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		cookie := b.cookie
		b.call("POST /api/identity/signout", nil).want(t, "out", 204, "")
		if b.cookie != "" {
			t.Error("the cookie stays")
		}
		b.cookie = cookie
		b.call("GET /api/probe", nil).want(t, "out", 401, "web.unsigned")
		b.call("POST /api/identity/signout", nil).want(t, "out again", 204, "")
		b.call("GET /api/identity/me", nil).want(t, "me", 401, "web.unsigned")
	})
}

func TestRevokedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, aud := e.administrators(t)
		b := e.in(t, "zhang")
		var online struct{ Items []identity.OnlineRow }
		decode(t, sec.call("GET /api/identity/online?q=zhang", nil).want(t, "online", 200, ""), &online)
		if len(online.Items) != 1 || online.Items[0].Account != "zhang" || online.Items[0].Device != "Chrome · Windows" {
			t.Fatalf("%+v", online)
		}
		for _, who := range []*browser{sys, aud, b} {
			who.call("DELETE /api/identity/online/"+online.Items[0].ID, nil).want(t, "not his to end", 403, "web.denied")
		}
		sec.call("DELETE /api/identity/online/"+online.Items[0].ID, nil).want(t, "end", 204, "")
		b.call("GET /api/probe", nil).want(t, "the very next request", 401, "identity.session_revoked")
		b.signIn("zhang", pw1).want(t, "back", 200, "")
		sys.call("POST /api/identity/accounts/"+e.account(t, "zhang")+"/disable", obj{"reason": "借调结束"}).want(t, "disable", 204, "")
		b.call("GET /api/probe", nil).want(t, "the very next request", 401, "identity.session_disabled")
		if a := b.signIn("zhang", pw1).want(t, "shut", 403, "identity.disabled"); !strings.Contains(a.body, "借调结束") {
			t.Error(a.body)
		}
		b.signIn("zhang", "wrong").want(t, "only who knows the password hears why", 401, "identity.wrong")
		sys.call("POST /api/identity/accounts/"+e.account(t, "zhang")+"/enable", nil).want(t, "enable", 204, "")
		b.signIn("zhang", pw1).want(t, "back", 200, "")
		e.people.mu.Lock()
		e.people.posts["zhang"] = nil // leaves
		e.people.mu.Unlock()
		e.rights.mu.Lock()
		e.rights.epoch++
		e.rights.mu.Unlock()
		b.call("GET /api/probe", nil).want(t, "his rights go with the post", 403, "web.denied")
	})
}

func TestMe(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		var me identity.Me
		decode(t, b.call("GET /api/identity/me", nil).want(t, "me", 200, ""), &me)
		if me.Person != (identity.MePerson{ID: "zhang", Name: "张三丰", Account: "zhang"}) || me.Post == nil || me.Post.ID != "p-zhang" || me.Post.Unit.Name != "区数据局" || len(me.Posts) != 2 ||
			me.Admin != "" || len(me.Perms) != 1 || me.District != "洪山区" || me.Lang != "zh" || me.Demo {
			t.Errorf("%+v", me)
		}
		if m := own(me.Menu); len(m) != 1 || m[0] != (identity.MenuItem{Room: "probe", Pillar: "apps", Name: "main", Path: "/probe", Title: "探针", Perm: "probe.read", Rank: 10}) {
			t.Errorf("%+v", me.Menu)
		}
		b.call("GET /api/probe/write", nil).want(t, "not in this post", 403, "web.denied")
		b.call("POST /api/identity/post", obj{"postId": "p-li"}).want(t, "somebody else's post", 422, "identity.not_your_post")
		b.call("POST /api/identity/post", obj{"postId": "p-zhang2"}).want(t, "the other post", 204, "")
		if a := b.call("GET /api/probe/write", nil).want(t, "in the other post", 200, ""); a.str("unit") != "u2" {
			t.Error(a.body)
		}
		b.call("GET /api/probe", nil).want(t, "not in the other post", 403, "web.denied")
		b.lang = "en"
		decode(t, b.call("GET /api/identity/me", nil), &me)
		if me.Post.ID != "p-zhang2" || me.Lang != "en" || len(own(me.Menu)) != 0 {
			t.Errorf("%+v", me)
		}
		_, sec, _ := e.administrators(t)
		sec.lang = "en"
		decode(t, sec.call("GET /api/identity/me", nil), &me)
		var paths []string
		for _, m := range own(me.Menu) {
			paths = append(paths, m.Path)
		}
		if me.Admin != string(room.Security) || me.Post != nil || len(me.Posts) != 0 || !me.HasTotp || strings.Join(paths, " ") != "/identity /identity/sessions /identity/selfcheck /settings" {
			t.Errorf("%+v %v", me, paths)
		}
	})
}

// own leaves out what other packages of the kernel put into the menu.
func own(all []identity.MenuItem) []identity.MenuItem {
	return slices.DeleteFunc(all, func(m identity.MenuItem) bool {
		return m.Room != "probe" && m.Room != "identity" && m.Room != "settings"
	})
}

// The last use is written behind the request and survives a restart.
func TestLastUseIsWritten(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		e.move(5 * time.Minute)
		b.call("GET /api/probe", nil).want(t, "in use", 200, "")
		want := store.At(e.time())
		deadline := time.Now().Add(10 * time.Second)
		for {
			seen, err := store.Value[store.Time](t.Context(), e.Kit.DB, `SELECT seen FROM identity_session WHERE ended = 0`)
			if err != nil {
				t.Fatal(err)
			}
			if seen.Equal(want.Time) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("not written:", seen, want)
			}
		}
	})
}

func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.in(t, "zhang")
		e.user(t, "li")
		e.move(25 * time.Minute)
		e.browser(t).signIn("li", pw1).want(t, "li", 200, "")
		alive := func() int {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_session WHERE ended = 0`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		e.move(6 * time.Minute)
		if err := e.id.Sweep(t.Context()); err != nil || alive() != 2 {
			t.Error("swept within the slack", alive(), err)
		}
		e.move(time.Minute)
		if err := e.id.Sweep(t.Context()); err != nil || alive() != 1 {
			t.Error("not swept:", alive(), err)
		}
	})
}
