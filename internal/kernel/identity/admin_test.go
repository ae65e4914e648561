package identity_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
	"qushu/internal/room"
)

// GB/T 22239-2019 8.1.5: what one administrator may, the two others may not.
func TestThreeAdministratorsAreSeparate(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, aud := e.administrators(t)
		b := e.in(t, "zhang")
		zhang := e.account(t, "zhang")
		for _, c := range []struct {
			call string
			body any
			who  *browser
			want int
		}{
			{"POST /api/identity/accounts", obj{"login": "li", "person": "li"}, sys, 200},
			{"POST /api/identity/accounts/" + zhang + "/activation", obj{"reason": "忘记密码"}, sys, 200},
			{"POST /api/identity/accounts/" + zhang + "/disable", obj{"reason": "试一下"}, sys, 204},
			{"POST /api/identity/accounts/" + zhang + "/enable", nil, sys, 204},
			{"GET /api/identity/accounts/" + zhang + "/tokens", nil, sys, 403}, // a person's
			{"POST /api/identity/accounts/" + zhang + "/unlock", nil, sec, 204},
			{"POST /api/identity/accounts/" + zhang + "/totp/reset", obj{"reason": "丢失"}, sec, 409}, // has none
			{"POST /api/identity/accounts/" + zhang + "/approve", nil, sec, 409},                    // is none
			{"GET /api/identity/online", nil, sec, 200},
			{"GET /api/identity/selfcheck", nil, sec, 200},
		} {
			for _, who := range []*browser{sys, sec, aud, b} {
				a := who.call(c.call, c.body)
				if who == c.who && a.status != c.want {
					t.Errorf("%s by its administrator: %d %s", c.call, a.status, a.body)
				}
				if who != c.who && who != b && (a.status != 403 || a.key() != "web.denied") {
					t.Errorf("%s by another: %d %s", c.call, a.status, a.body)
				}
				if who == b && a.status != 403 && a.status != 401 {
					t.Errorf("%s by a person: %d %s", c.call, a.status, a.body)
				}
			}
		}
		for who, want := range map[*browser]int{sys: 200, sec: 200, aud: 403} {
			who.call("GET /api/identity/accounts", nil).want(t, "list", want, "")
			who.call("GET /api/identity/accounts/"+zhang, nil).want(t, "one", want, "")
		}
		sec.call("POST /api/identity/accounts", obj{"login": "x1", "person": "wang"}).want(t, "the security administrator makes no accounts", 403, "web.denied")
	})
}

func TestAnotherAdministrator(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, _ := e.administrators(t)
		sys.call("POST /api/identity/accounts", obj{"login": "aud2", "admin": "audit", "name": "李审计", "person": "li"}).want(t, "both", 422, "identity.person_or_admin")
		sys.call("POST /api/identity/accounts", obj{"login": "aud2"}).want(t, "neither", 422, "identity.person_or_admin")
		id := sys.call("POST /api/identity/accounts", obj{"login": "aud2", "admin": "audit", "name": "李审计"}).want(t, "proposed", 200, "").str("id")
		sys.call("POST /api/identity/accounts/"+id+"/activation", nil).want(t, "not by himself", 403, "identity.admin_without_factor")
		sys.call("POST /api/identity/accounts/"+id+"/approve", nil).want(t, "nor approve", 403, "web.denied")
		code := sec.call("POST /api/identity/accounts/"+id+"/approve", nil).want(t, "approved", 200, "").str("code")
		sec.call("POST /api/identity/accounts/"+id+"/approve", nil).want(t, "twice", 409, "identity.not_waiting")
		b := e.browser(t)
		activate := obj{"account": "aud2", "code": code, "password": "Li#Lantian-2023"}
		b.call("POST /api/identity/activate", obj{"account": "aud2", "code": code, "password": pw1[:10]}).want(t, "an administrator's password is longer", 422, "identity.bad_password")
		if a := b.call("POST /api/identity/activate", activate).want(t, "activated", 200, ""); a.next() != "enroll" {
			t.Fatal(a.body)
		}
		b.enroll()
		// Now there are two auditors: one may go, the last may not.
		sys.call("POST /api/identity/accounts/"+e.account(t, "auditadmin")+"/disable", obj{"reason": "换人"}).want(t, "one of two", 204, "")
		sys.call("POST /api/identity/accounts/"+id+"/disable", obj{"reason": "换人"}).want(t, "the last", 409, "identity.last_admin")
		sys.call("POST /api/identity/accounts/"+e.account(t, "sysadmin")+"/disable", obj{"reason": "换人"}).want(t, "himself", 403, "identity.not_yourself")
		sys.call("POST /api/identity/accounts/"+e.account(t, "secadmin")+"/disable", obj{"reason": "换人"}).want(t, "the last of security", 409, "identity.last_admin")
		// The code of an administrator with a second factor may be issued by the system administrator: it is half the way in.
		sys.call("POST /api/identity/accounts/"+e.account(t, "sysadmin")+"/activation", nil).want(t, "his own", 403, "identity.not_yourself")
		code = sys.call("POST /api/identity/accounts/"+id+"/activation", nil).want(t, "with a factor", 200, "").str("code")
		activate["code"], activate["password"] = code, "Zai#Lantian-2023"
		if a := e.browser(t).call("POST /api/identity/activate", activate).want(t, "reset", 200, ""); a.next() != "totp" {
			t.Error(a.body)
		}
	})
}

func TestUnitAdministrator(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		w := e.in(t, "wang") // may manage u1
		for _, p := range []string{"zhang", "li"} {
			if _, err := e.id.CreateAccount(t.Context(), p, p); err != nil {
				t.Fatal(err)
			}
		}
		sys, _, _ := e.administrators(t)
		var page store.Listed[identity.AccountRow]
		decode(t, w.call("GET /api/identity/accounts", nil).want(t, "his unit's", 200, ""), &page)
		if got := logins(page); got != "wang zhang" || page.Items[1].UnitName != "单位u1" || page.Items[1].State != "new" {
			t.Errorf("%s %+v", got, page.Items)
		}
		w.call("POST /api/identity/accounts/"+e.account(t, "li")+"/activation", nil).want(t, "another unit's", 403, "authz.other_unit")
		w.call("GET /api/identity/accounts/"+e.account(t, "li"), nil).want(t, "another unit's", 404, "identity.no_account")
		w.call("POST /api/identity/accounts/"+e.account(t, "wang")+"/activation", nil).want(t, "his own", 403, "identity.not_yourself")
		w.call("POST /api/identity/accounts/"+e.account(t, "sysadmin")+"/activation", nil).want(t, "an administrator's", 403, "identity.admin_by_system")
		w.call("POST /api/identity/accounts/"+e.account(t, "zhang")+"/disable", obj{"reason": "试试"}).want(t, "not his to disable", 403, "web.denied")
		code := w.call("POST /api/identity/accounts/"+e.account(t, "zhang")+"/activation", nil).want(t, "his unit's", 200, "").str("code")
		e.browser(t).call("POST /api/identity/activate", obj{"account": "zhang", "code": code, "password": pw1}).want(t, "activated", 200, "")
		sys.call("POST /api/identity/accounts/"+e.account(t, "li")+"/disable", obj{"reason": "离岗"}).want(t, "disabled", 204, "")
		sys.call("POST /api/identity/accounts/"+e.account(t, "li")+"/activation", nil).want(t, "disabled", 409, "identity.enable_first")
	})
}

func logins(page store.Listed[identity.AccountRow]) string {
	var out []string
	for _, a := range page.Items {
		out = append(out, a.Login)
	}
	return strings.Join(out, " ")
}

func TestAccountList(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, _, _ := e.administrators(t)
		e.user(t, "zhang")
		e.user(t, "li")
		for range 5 {
			e.browser(t).signIn("li", "wrong")
		}
		sys.call("POST /api/identity/accounts", obj{"login": "etl", "person": "etl", "service": true}).want(t, "service", 200, "")
		sys.call("POST /api/identity/accounts", obj{"login": "Zhang2", "person": "zhang"}).want(t, "a person's second", 409, "identity.login_taken")
		sys.call("POST /api/identity/accounts", obj{"login": "ZHANG", "person": "wang"}).want(t, "the login in other case", 409, "identity.login_taken")
		sys.call("POST /api/identity/accounts", obj{"login": "a b", "person": "wang"}).want(t, "a bad login", 422, "identity.bad_login")
		sys.call("POST /api/identity/accounts", obj{"login": "nobody", "person": "nobody"}).want(t, "an unknown person", 404, "")
		sys.call("POST /api/identity/accounts", obj{"login": "wang", "person": "wang"}).want(t, "new", 200, "")
		sys.call("POST /api/identity/accounts", obj{"login": "sys2", "admin": "system", "name": "周系统"}).want(t, "waiting", 200, "")
		for _, c := range []struct{ query, want string }{
			{"", "auditadmin etl li secadmin sys2 sysadmin wang zhang"},
			{"?state=locked", "li"},
			{"?state=new", "wang"},
			{"?state=waiting", "etl sys2"},
			{"?state=disabled", ""},
			{"?state=active", "auditadmin secadmin sysadmin zhang"},
			{"?kind=admin", "auditadmin secadmin sys2 sysadmin"},
			{"?kind=service", "etl"},
			{"?kind=person", "li wang zhang"},
			{"?q=%E5%BC%A0%E4%B8%89", "zhang"},
			{"?q=ZHANG", "zhang"},
			{"?q=%25", ""},
			{"?q=_", ""},
			{"?unit=u2", "li"},
			{"?limit=3", "auditadmin etl li"},
		} {
			var page store.Listed[identity.AccountRow]
			decode(t, sys.call("GET /api/identity/accounts"+c.query, nil).want(t, c.query, 200, ""), &page)
			if got := logins(page); got != c.want {
				t.Errorf("%s: %s, want %s", c.query, got, c.want)
			}
			if c.query == "?limit=3" {
				decode(t, sys.call("GET /api/identity/accounts?limit=3&after="+page.Next, nil), &page)
				if got := logins(page); got != "secadmin sys2 sysadmin" {
					t.Error("second page:", got)
				}
			}
		}
	})
}

func TestCreateMany(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		var list []identity.NewAccount
		for n := range 10_000 {
			list = append(list, identity.NewAccount{Person: fmt.Sprint("person", n), Login: fmt.Sprintf("u%05d", n), Name: "某某", Unit: "u1", Words: []string{"moumou"}})
		}
		create := func() error {
			return e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return e.id.CreateAccounts(ctx, tx, list) })
		}
		before, began := e.hasher.count(), time.Now()
		if err := create(); err != nil {
			t.Fatal(err)
		}
		t.Log("10 000 accounts in", time.Since(began).Round(time.Millisecond))
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_account WHERE hash = ''`)
		if err != nil || n != 10_000 || e.hasher.count() != before || list[7].ID == "" {
			t.Error(n, err)
		}
		if err := create(); err == nil {
			t.Error("made twice")
		}
	})
}

func TestDormant(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.administrators(t)
		e.in(t, "zhang")
		e.in(t, "li")
		if _, err := e.id.CreateAccount(t.Context(), "etl", "etl"); err != nil {
			t.Fatal(err)
		}
		app := e.browser(t) // wang uses the portal by a token only
		app.bearer = e.in(t, "wang").call("POST /api/identity/tokens", obj{"name": "手机", "scopes": []string{"identity.unit_manage"}, "days": 300}).want(t, "token", 200, "").str("token")
		e.move(60 * 24 * time.Hour)
		e.browser(t).signIn("li", pw1).want(t, "li", 200, "")
		app.call("GET /api/probe/open", nil).want(t, "by the token", 200, "")
		for deadline := time.Now().Add(10 * time.Second); ; { // the use is written a moment later
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_token WHERE used > 0`)
			if err != nil || time.Now().After(deadline) {
				t.Fatal("the use of a token is not written", err)
			}
			if n == 1 {
				break
			}
		}
		e.move(31 * 24 * time.Hour)
		if err := e.id.Daily(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT login FROM identity_account WHERE disabled = TRUE ORDER BY login`)
		if err != nil || !slices.Equal(got, []string{"zhang"}) { // not the last administrators, nor who never activated
			t.Error(got, err)
		}
		if e.audited(t, "identity.dormant", "ok") != 1 {
			t.Error("not recorded")
		}
	})
}

func TestSelfCheck(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		_, sec, _ := e.administrators(t)
		e.user(t, "zhang")
		if _, err := e.id.CreateAccount(t.Context(), "li", "test"); err != nil {
			t.Fatal(err)
		}
		e.set(t, "password_min", "6")
		var out struct{ Items []identity.Check }
		decode(t, sec.call("GET /api/identity/selfcheck", nil).want(t, "self-check", 200, ""), &out)
		got := map[string]string{}
		for _, c := range out.Items {
			got[c.Name] = fmt.Sprint(c.Result, " ", c.Count, " ", strings.Join(c.Items, ","))
			if c.Title == "" || strings.HasPrefix(c.Title, "identity.") || c.Clause == "" || (c.Advice == "") != (c.Result == identity.Conforms) {
				t.Errorf("%+v", c)
			}
		}
		for name, want := range map[string]string{"admin_factor": "ok 0 ", "factor": "part 1 zhang", "default_names": "no 1 test", "three_roles": "ok 0 ", "separate_people": "ok 0 ",
			"rules": "part 1 密码最短位数", "transport": "no 1 ", "expired": "ok 0 ", "dormant": "ok 0 ", "locked": "ok 0 ", "never_activated": "ok 0 ", "homeless": "ok 0 ", "first_change": "ok 0 "} {
			if got[name] != want {
				t.Errorf("%s: %q, want %q", name, got[name], want)
			}
		}
		sec.lang = "en"
		if a := sec.call("GET /api/identity/selfcheck", nil); !strings.Contains(a.body, "No default accounts") {
			t.Error(a.body)
		}
	})
}

func TestLeaver(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return e.id.DisablePerson(room.Acting(ctx, &room.Actor{IsJob: true}), tx, "zhang", "已离岗")
		})
		if err != nil {
			t.Fatal(err)
		}
		b.call("GET /api/probe", nil).want(t, "at once", 401, "identity.session_disabled")
	})
}

func TestBulkAccounts(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, _ := e.administrators(t)
		boss := e.in(t, "wang") // of u1: zhang and etl have no account there, li stands in u2
		sec.call("POST /api/identity/accounts/bulk", obj{}).want(t, "security makes no account", 403, "")
		boss.call("POST /api/identity/accounts/bulk", obj{"unit": "u2"}).want(t, "another unit", 403, "authz.other_unit")
		if _, err := e.id.CreateAccount(t.Context(), "li", "HS-zhang"); err != nil { // whose staff number it is not
			t.Fatal(err)
		}
		a := boss.call("POST /api/identity/accounts/bulk", obj{}).want(t, "his own unit", 200, "")
		skipped, _ := a.json["skipped"].([]any)
		if a.json["made"] != 1.0 || len(skipped) != 1 || !strings.Contains(a.body, `"person":"zhang"`) || !strings.Contains(a.body, "hs-zhang") {
			t.Error(a.body)
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_account WHERE login_key = 'hs-etl' AND person = 'etl' AND hash = '' AND unit_id = 'u1'`); err != nil || n != 1 {
			t.Error(n, err)
		}
		if a := sys.call("POST /api/identity/accounts/bulk", obj{"unit": "u2"}).want(t, "nobody is without", 200, ""); a.json["made"] != 0.0 {
			t.Error(a.body)
		}
	})
}
