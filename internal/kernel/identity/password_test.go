package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
)

func TestForcedChange(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		if err := e.id.SetPassword(t.Context(), "zhang", pw2, false); err != nil {
			t.Fatal(err)
		}
		b := e.browser(t)
		if a := b.signIn("zhang", pw2).want(t, "password", 200, ""); a.next() != "change" {
			t.Fatal(a.body)
		}
		me := b.call("GET /api/identity/me", nil).want(t, "me", 200, "")
		if me.json["mustChangePassword"] != true || len(me.json["perms"].([]any)) != 0 {
			t.Error(me.body)
		}
		b.call("GET /api/probe", nil).want(t, "nobody until then", 401, "web.unsigned")
		for _, c := range []struct{ password, key, words string }{
			{"short1A", "identity.bad_password", "至少 8 位"},
			{"alllowercase", "identity.bad_password", "3 种"},
			{"Zhang#20231", "identity.bad_password", "登录名"},
			{"张三丰#Aa2023", "identity.bad_password", "姓名"},
			{"Aa#13800005678", "identity.bad_password", "手机号"},
			{"Aa1区数据局ok", "identity.bad_password", "单位"},
			{"P@ssw0rd", "identity.bad_password", "太常见"},
			{pw2, "identity.bad_password", "最近 5 次"},
			{pw1, "identity.bad_password", "最近 5 次"},
		} {
			a := b.call("POST /api/identity/password", obj{"new": c.password}).want(t, c.password, 422, c.key)
			if !strings.Contains(a.body, c.words) || !strings.Contains(a.body, `"name":"new"`) {
				t.Errorf("%s: %s", c.password, a.body)
			}
		}
		if a := b.call("POST /api/identity/password", obj{"new": pw3}).want(t, "changed", 200, ""); a.next() != "done" {
			t.Fatal(a.body)
		}
		b.call("GET /api/probe", nil).want(t, "in", 200, "")
		e.browser(t).signIn("zhang", pw2).want(t, "the old one", 401, "identity.wrong")
	})
}

func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		left := func() (float64, any) {
			me := b.call("GET /api/identity/me", nil).want(t, "me", 200, "")
			return me.json["passwordDaysLeft"].(float64), me.json["passwordWarn"]
		}
		if n, warn := left(); n != 90 || warn != false {
			t.Error(n, warn)
		}
		e.move(83 * 24 * time.Hour)
		b.signIn("zhang", pw1).want(t, "in the last week", 200, "")
		if n, warn := left(); n != 7 || warn != true {
			t.Error(n, warn)
		}
		e.move(7 * 24 * time.Hour)
		if a := b.signIn("zhang", pw1).want(t, "after 90 days", 200, ""); a.next() != "change" {
			t.Fatal(a.body)
		}
		if a := b.call("POST /api/identity/password", obj{"new": pw2}); a.next() != "done" {
			t.Fatal(a.body)
		}
		if n, _ := left(); n != 90 {
			t.Error(n)
		}
		e.set(t, "password_days", "0")
		e.move(80 * 24 * time.Hour)
		if a := b.signIn("zhang", pw2); a.next() != "done" {
			t.Error(a.body)
		}
		if n, warn := left(); n != -1 || warn != false {
			t.Error(n, warn)
		}
	})
}

func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		old := pw1
		change := func(to string) answer {
			return b.call("POST /api/identity/password", obj{"old": old, "new": to})
		}
		for n := range 5 {
			to := fmt.Sprintf("Yun#Wu-%d%d%d", n+1, n+2, n+3)
			change(to).want(t, to, 200, "")
			if n < 4 {
				change0 := b.call("POST /api/identity/password", obj{"old": to, "new": pw1})
				change0.want(t, "the first again", 422, "identity.bad_password")
			}
			old = to
		}
		change(pw1).want(t, "five others later", 200, "")
	})
}

func TestOwnChange(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b, phone := e.in(t, "zhang"), e.phone(t)
		phone.signIn("zhang", pw1).want(t, "phone", 200, "")
		b.call("POST /api/identity/password", obj{"new": pw2}).want(t, "without the old one", 422, "")
		if a := b.call("POST /api/identity/password", obj{"old": "wrong", "new": pw2}).want(t, "with a wrong old one", 422, "identity.wrong_old"); !strings.Contains(a.body, `"name":"old"`) {
			t.Error(a.body)
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM web_request`); err != nil || n != 0 {
			t.Error("a digest of passwords is at rest", n, err)
		}
		was := b.cookie
		b.call("POST /api/identity/password", obj{"old": pw1, "new": pw2}).want(t, "changed", 200, "")
		if b.cookie == was {
			t.Error("the cookie stayed")
		}
		b.call("GET /api/probe", nil).want(t, "goes on", 200, "")
		phone.call("GET /api/probe", nil).want(t, "other sessions end", 401, "identity.session_password")
		for n := range 5 {
			key := "identity.wrong_old"
			if n == 4 {
				key = "identity.locked"
			}
			if a := b.call("POST /api/identity/password", obj{"old": "wrong", "new": pw3}); a.key() != key {
				t.Error(n, a.body)
			}
		}
		e.browser(t).signIn("zhang", pw2).want(t, "guessing the old one locks", 429, "identity.locked")
	})
}

func TestActivation(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, _, _ := e.administrators(t)
		a := sys.call("POST /api/identity/accounts", obj{"login": "zhang", "person": "zhang"}).want(t, "created", 200, "")
		id := a.str("id")
		issue := func() string {
			return sys.call("POST /api/identity/accounts/"+id+"/activation", nil).want(t, "code", 200, "").str("code")
		}
		b := e.browser(t)
		activate := func(code, password string) answer {
			return b.call("POST /api/identity/activate", obj{"account": "Zhang", "code": code, "password": password})
		}
		activate("aaaa-bbbb-cccc", pw1).want(t, "no code is out", 401, "identity.wrong_activation")
		code := issue()
		activate("aaaa-bbbb-cccc", pw1).want(t, "a wrong code", 401, "identity.wrong_activation")
		b.call("POST /api/identity/activate", obj{"account": "nobody", "code": code, "password": pw1}).want(t, "somebody else's", 401, "identity.wrong_activation")
		activate(code, "weak").want(t, "a weak password does not use it up", 422, "identity.bad_password")
		e.move(72 * time.Hour)
		activate(code, pw1).want(t, "after 72 hours", 403, "identity.code_expired")
		code = issueAgain(t, e, id)
		if a := activate(strings.ToUpper(strings.ReplaceAll(code, "-", "")), pw1).want(t, "typed by hand", 200, ""); a.next() != "done" {
			t.Fatal(a.body)
		}
		b.call("GET /api/probe", nil).want(t, "in", 200, "")
		e.browser(t).call("POST /api/identity/activate", obj{"account": "zhang", "code": code, "password": pw2}).want(t, "a second time", 401, "identity.wrong_activation")
		kept := e.audited(t, "identity.activate", "ok")
		if kept != 1 {
			t.Error("records:", kept)
		}
		// A forgotten password is a new code, which takes two: the old password is void when it is handed out, and so are the sessions.
		sys = again(t, e, 0)
		sys.call("POST /api/identity/accounts/"+id+"/activation", obj{"reason": "忘记密码，已当面核实"}).want(t, "asked", 200, "")
		b.call("GET /api/probe", nil).want(t, "nothing has changed", 200, "")
		code = again(t, e, 1).call("POST /api/identity/accounts/"+id+"/activation/confirm", nil).want(t, "confirmed", 200, "").str("code")
		b.call("GET /api/probe", nil).want(t, "ended", 401, "identity.session_password")
		b.signIn("zhang", pw1).want(t, "void", 401, "identity.wrong")
		activate(code, pw1).want(t, "the history holds", 422, "identity.bad_password")
		activate(code, pw2).want(t, "reset", 200, "")
	})
}

// again signs an administrator in anew, for time has passed.
func again(t *testing.T, e *env, n int) *browser {
	t.Helper()
	s := e.browser(t)
	s.secret = e.secretOf(t, admins[n].Account)
	s.signIn(admins[n].Account, admins[n].Password).want(t, admins[n].Account, 200, "")
	s.call("POST /api/identity/totp", obj{"code": s.code()}).want(t, admins[n].Account, 200, "")
	e.move(time.Minute)
	return s
}

// issueAgain issues a code after time has passed.
func issueAgain(t *testing.T, e *env, account string) string {
	t.Helper()
	return again(t, e, 0).call("POST /api/identity/accounts/"+account+"/activation", nil).want(t, "code", 200, "").str("code")
}

// A reset password leaves the second factor where it is.
func TestResetKeepsTheFactor(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		b.enroll()
		code, until, err := e.id.ResetPassword(t.Context(), "zhang", false)
		if err != nil || !until.Equal(e.time().Add(72*time.Hour)) {
			t.Fatal(code, until, err)
		}
		if a := b.call("POST /api/identity/activate", obj{"account": "zhang", "code": code, "password": pw2}).want(t, "activated", 200, ""); a.next() != "totp" {
			t.Error(a.body)
		}
		code, _, err = e.id.ResetPassword(t.Context(), "zhang", true)
		if err != nil {
			t.Fatal(err)
		}
		if a := b.call("POST /api/identity/activate", obj{"account": "zhang", "code": code, "password": pw3}).want(t, "activated", 200, ""); a.next() != "enroll" {
			t.Error(a.body)
		}
	})
}
