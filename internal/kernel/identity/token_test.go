package identity_test

import (
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
)

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.rights.perms["p-zhang"] = []string{"probe.read", "probe.write"}
		b := e.in(t, "zhang")
		var all identity.Tokens
		decode(t, b.call("GET /api/identity/tokens", nil).want(t, "list", 200, ""), &all)
		if len(all.Items) != 0 || strings.Join(all.Scopes, " ") != "probe.read probe.write" || all.Titles[0].Title != "看" || all.MaxDays != 365 {
			t.Errorf("%+v", all)
		}
		make := func(days int, scopes ...string) answer {
			return b.call("POST /api/identity/tokens", obj{"name": "对接程序", "scopes": scopes, "days": days})
		}
		make(30, "identity.manage").want(t, "a right he has not", 403, "identity.not_your_scope")
		make(366, "probe.read").want(t, "too long", 422, "")
		make(30).want(t, "for nothing", 422, "")
		a := make(30, "probe.read").want(t, "made", 200, "")
		p := e.browser(t)
		p.bearer = a.str("token")
		if !strings.HasPrefix(p.bearer, "qs_") {
			t.Error(p.bearer)
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_token WHERE hash = $1`, p.bearer); err != nil || n != 0 {
			t.Error("the token itself is at rest", n, err)
		}
		if a := p.call("GET /api/probe", nil).want(t, "in its scope", 200, ""); a.str("person") != "zhang" || a.str("unit") != "u1" {
			t.Error(a.body)
		}
		for name, header := range map[string]string{"bare, as clients of CKAN show it": "Authorization", "under their own name": "X-CKAN-API-Key"} {
			bare := e.browser(t)
			bare.headers = map[string]string{header: p.bearer}
			if a := bare.call("GET /api/probe", nil).want(t, name, 200, ""); a.str("person") != "zhang" {
				t.Error(a.body)
			}
			bare.headers[header] = "qs_nobody"
			bare.call("GET /api/probe", nil).want(t, "a wrong one "+name, 401, "identity.bad_token")
		}
		p.call("GET /api/probe/write", nil).want(t, "its owner's, not its own", 403, "web.denied")
		for _, call := range []string{"GET /api/identity/tokens", "GET /api/identity/sessions", "POST /api/identity/enroll", "DELETE /api/identity/tokens/x"} {
			if a := p.call(call, nil); a.status != 403 && a.status != 401 {
				t.Error("a token did", call, a.body)
			}
		}
		p.call("POST /api/identity/tokens", obj{"name": "x", "scopes": []string{"probe.read"}, "days": 1}).want(t, "a token makes no token", 403, "identity.session_only")
		var me identity.Me
		decode(t, p.call("GET /api/identity/me", nil).want(t, "me", 200, ""), &me)
		if len(me.Perms) != 1 || me.Person.ID != "zhang" {
			t.Errorf("%+v", me)
		}
		e.rights.mu.Lock()
		e.rights.perms["p-zhang"] = []string{"probe.write"}
		e.rights.mu.Unlock()
		p.call("GET /api/probe", nil).want(t, "lost by the owner, lost by the token", 403, "web.denied")
		e.rights.mu.Lock()
		e.rights.perms["p-zhang"] = []string{"probe.read"}
		e.rights.mu.Unlock()
		li := e.in(t, "li")
		li.call("DELETE /api/identity/tokens/"+a.str("id"), nil).want(t, "somebody else's", 404, "identity.no_token")
		b.call("DELETE /api/identity/tokens/"+a.str("id"), nil).want(t, "revoke", 204, "")
		p.call("GET /api/probe", nil).want(t, "at once", 401, "identity.bad_token")
		p.call("GET /api/probe/open", nil).want(t, "a bad token is told, even where nobody is asked", 401, "identity.bad_token")
		p.bearer = make(10, "probe.read").want(t, "another", 200, "").str("token")
		e.move(10 * 24 * time.Hour)
		if a := p.call("GET /api/probe", nil).want(t, "expired", 401, "identity.token_expired"); !strings.Contains(a.body, "对接程序") || !strings.Contains(a.body, "2023-06-11") {
			t.Error(a.body)
		}
	})
}

func TestServiceAccount(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, _ := e.administrators(t)
		id := sys.call("POST /api/identity/accounts", obj{"login": "etl", "person": "etl", "service": true}).want(t, "made", 200, "").str("id")
		sys.call("POST /api/identity/accounts/"+id+"/activation", nil).want(t, "no password", 403, "identity.service_no_password")
		path := "POST /api/identity/accounts/" + id + "/tokens"
		sys.call(path, obj{"name": "夜间同步", "scopes": []string{"probe.write"}, "days": 90}).want(t, "not approved", 403, "identity.waiting")
		sys.call("POST /api/identity/accounts/"+id+"/approve", nil).want(t, "by who made it", 403, "web.denied")
		if a := sec.call("POST /api/identity/accounts/"+id+"/approve", nil).want(t, "approved", 200, ""); a.str("code") != "" {
			t.Error("a program has no code", a.body)
		}
		body := obj{"name": "夜间同步", "scopes": []string{"probe.write"}, "days": 90}
		sec.call(path, body).want(t, "not the security administrator's", 403, "web.denied")
		sys.call(path, obj{"name": "x", "scopes": []string{"identity.unit_manage"}, "days": 90}).want(t, "beyond its post", 403, "identity.not_your_scope")
		a := sys.call(path, body).want(t, "token", 200, "")
		if made, token := e.told(t, "etl", "identity.told_service"), e.told(t, "etl", "identity.told_service_token"); made != 1 || token != 1 {
			t.Error("whose post it is was not told", made, token)
		}
		p := e.browser(t)
		p.bearer = a.str("token")
		if a := p.call("GET /api/probe/write", nil).want(t, "works", 200, ""); a.str("person") != "etl" {
			t.Error(a.body)
		}
		p.call("GET /api/probe", nil).want(t, "no more", 403, "web.denied")
		p.signIn("etl", "x").want(t, "no way in by password", 401, "")
		sys.call("POST /api/identity/tokens", body).want(t, "an administrator has no token", 403, "identity.no_admin_token")
		e.user(t, "zhang")
		sys.call("POST /api/identity/accounts/"+e.account(t, "zhang")+"/tokens", body).want(t, "nor makes a person's", 403, "identity.not_a_service")
		sys.call("DELETE /api/identity/accounts/"+id+"/tokens/"+a.str("id"), nil).want(t, "revoke", 204, "")
		p.bearer = sys.call(path, body).want(t, "another", 200, "").str("token")
		sys.call("POST /api/identity/accounts/"+id+"/disable", obj{"reason": "停用"}).want(t, "disable", 204, "")
		p.call("GET /api/probe/write", nil).want(t, "at once", 401, "identity.bad_token")
	})
}
