package identity_test

import (
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
)

// Nobody alone takes over an account that was used and has no second factor.
func TestNewCodeTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		owner, chief := e.in(t, "zhang"), e.in(t, "wang") // wang manages the unit of zhang
		sys, sec, aud := e.administrators(t)
		path := "/api/identity/accounts/" + e.account(t, "zhang") + "/activation"
		why := obj{"reason": "手机和密码都忘了，已当面核实"}

		sys.call("POST "+path, nil).want(t, "without a reason", 422, "web.invalid")
		sys.call("POST "+path+"/confirm", nil).want(t, "nothing is asked", 409, "identity.not_asked")
		if a := sys.call("POST "+path, why).want(t, "asked", 200, ""); a.str("code") != "" || !strings.Contains(string(a.body), `"waiting":true`) {
			t.Error(a.body)
		}
		owner.call("GET /api/probe", nil).want(t, "still in", 200, "")
		chief.call("POST "+path, why).want(t, "asked by another already", 409, "identity.asked_already")
		sys.call("POST "+path+"/confirm", nil).want(t, "by himself", 403, "identity.second_person")
		owner.call("POST "+path+"/confirm", nil).want(t, "by the owner", 403, "identity.not_yourself")
		aud.call("POST "+path+"/confirm", nil).want(t, "by one without the right", 404, "identity.no_account")
		var page store.Listed[identity.AccountRow]
		decode(t, sec.call("GET /api/identity/accounts?state=asked", nil).want(t, "waiting", 200, ""), &page)
		if len(page.Items) != 1 || page.Items[0].AskedBy != "赵系统" || page.Items[0].AskedByMe || !page.Items[0].NeedsSecond {
			t.Errorf("%+v", page.Items)
		}

		// Its owner sees it and may refuse.
		if a := owner.call("GET /api/identity/me", nil).want(t, "me", 200, ""); !strings.Contains(string(a.body), "赵系统") || !strings.Contains(string(a.body), "已当面核实") {
			t.Error(a.body)
		}
		owner.call("POST "+path+"/refuse", obj{"reason": "不是我要的"}).want(t, "refused", 204, "")
		sec.call("POST "+path+"/confirm", nil).want(t, "refused", 409, "identity.not_asked")

		// What somebody asked for falls when he is shut out.
		chief.call("POST "+path, why).want(t, "asked", 200, "")
		sys.call("POST /api/identity/accounts/"+e.account(t, "wang")+"/disable", obj{"reason": "调查"}).want(t, "disabled", 204, "")
		sec.call("POST "+path+"/confirm", nil).want(t, "its asker is out", 409, "identity.not_asked")
		sys.call("POST /api/identity/accounts/"+e.account(t, "wang")+"/enable", nil).want(t, "enabled", 204, "")
		chief = e.browser(t)
		chief.signIn("wang", pw1).want(t, "in again", 200, "")

		// A unit's administrator asks, the security administrator confirms and hands over.
		chief.call("POST "+path, why).want(t, "asked", 200, "")
		code := sec.call("POST "+path+"/confirm", nil).want(t, "confirmed", 200, "").str("code")
		owner.call("GET /api/probe", nil).want(t, "out", 401, "identity.session_password")
		if asked, confirmed := e.told(t, "zhang", "identity.told_asked"), e.told(t, "zhang", "identity.told_confirmed"); asked != 3 || confirmed != 1 {
			t.Error("its owner was not told", asked, confirmed)
		}
		e.browser(t).call("POST /api/identity/activate", obj{"account": "zhang", "code": code, "password": pw2}).want(t, "in again", 200, "")
		for action, n := range map[string]int{"identity.ask": 3, "identity.confirm": 1, "identity.refuse": 1, "identity.issue": 0} {
			if got := e.audited(t, action, "ok"); got != n {
				t.Errorf("%s: %d records, want %d", action, got, n)
			}
		}
	})
}

// told counts what a person was told under a key.
func (e *env) told(t *testing.T, person, key string) int {
	t.Helper()
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM notify WHERE person = $1 AND key = $2`, person, key)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A request nobody confirms runs out; whom a code is due without a second person is not made to wait.
func TestRequestRunsOut(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.in(t, "zhang")
		sys, _, _ := e.administrators(t)
		path := "/api/identity/accounts/" + e.account(t, "zhang") + "/activation"
		sys.call("POST "+path, obj{"reason": "忘记密码"}).want(t, "asked", 200, "")
		e.move(24 * time.Hour)
		again(t, e, 1).call("POST "+path+"/confirm", nil).want(t, "a day later", 409, "identity.not_asked")

		// Behind a second factor the code is half the way in, so one may hand it out.
		b := e.browser(t)
		b.signIn("zhang", pw1).want(t, "in", 200, "")
		b.enroll()
		if a := again(t, e, 0).call("POST "+path, nil).want(t, "with a factor", 200, ""); a.str("code") == "" {
			t.Error(a.body)
		}
		if n := e.told(t, "zhang", "identity.told_issued"); n != 1 {
			t.Error("its owner was not told", n)
		}
	})
}

// Whoever asks can be a unit's administrator a second time, by a program's token or an account nobody has used yet;
// that is no second person.
func TestSecondPersonIsNotMade(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.in(t, "zhang")
		sys, sec, _ := e.administrators(t)
		path := "/api/identity/accounts/" + e.account(t, "zhang") + "/activation"
		sys.call("POST "+path, obj{"reason": "忘记密码"}).want(t, "asked", 200, "")

		bot := sys.call("POST /api/identity/accounts", obj{"login": "bot", "person": "wang", "service": true}).want(t, "a program", 200, "").str("id")
		sec.call("POST /api/identity/accounts/"+bot+"/approve", nil).want(t, "approved", 200, "")
		program := e.browser(t)
		program.bearer = sys.call("POST /api/identity/accounts/"+bot+"/tokens", obj{"name": "同步", "scopes": []string{"identity.unit_manage"}, "days": 1}).want(t, "its token", 200, "").str("token")
		program.call("POST "+path+"/confirm", nil).want(t, "by a token", 403, "identity.security_confirms")

		fresh := sys.call("POST /api/identity/accounts", obj{"login": "wang", "person": "wang"}).want(t, "made", 200, "").str("id")
		code := sys.call("POST /api/identity/accounts/"+fresh+"/activation", nil).want(t, "first code", 200, "").str("code")
		b := e.browser(t)
		b.call("POST /api/identity/activate", obj{"account": "wang", "code": code, "password": pw2}).want(t, "activated", 200, "")
		b.call("POST "+path+"/confirm", nil).want(t, "by a fresh account", 403, "identity.security_confirms")
	})
}
