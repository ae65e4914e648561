package identity_test

import (
	"strings"
	"testing"
	"time"
)

func TestEnrolAtFirstSignIn(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		if err := e.id.CreateAdministrators(t.Context(), admins); err != nil {
			t.Fatal(err)
		}
		b := e.browser(t)
		if a := b.signIn("secadmin", admins[1].Password).want(t, "password", 200, ""); a.next() != "enroll" {
			t.Fatal(a.body)
		}
		me := b.call("GET /api/identity/me", nil).want(t, "me", 200, "")
		if me.json["mustEnrollTotp"] != true || len(me.json["perms"].([]any)) != 0 || len(me.json["menu"].([]any)) != 0 || me.json["admin"] != "security" {
			t.Error(me.body)
		}
		for _, call := range []string{"GET /api/identity/sessions", "GET /api/identity/online", "GET /api/probe/any", "GET /api/settings", "GET /api/identity/accounts"} {
			b.call(call, nil).want(t, "nobody yet: "+call, 401, "web.unsigned")
		}
		b.call("POST /api/identity/password", obj{"new": pw1}).want(t, "another step", 401, "identity.start_over")
		b.call("POST /api/identity/enroll/confirm", obj{"code": "123456"}).want(t, "confirm before begin", 409, "identity.enroll_again")
		a := b.call("POST /api/identity/enroll", nil).want(t, "enroll", 200, "")
		if !strings.HasPrefix(a.str("qr"), "data:image/png;base64,") || !strings.HasPrefix(a.str("uri"), "otpauth://totp/") || len(a.str("secret")) != 32 {
			t.Error(a.body)
		}
		b.call("POST /api/identity/enroll/confirm", obj{"code": "000000"}).want(t, "wrong code", 422, "identity.wrong_code")
		b.secret = a.str("secret")
		a = b.call("POST /api/identity/enroll/confirm", obj{"code": b.code()}).want(t, "confirm", 200, "")
		if len(a.json["recoveryCodes"].([]any)) != 10 || a.next() != "done" {
			t.Error(a.body)
		}
		b.call("GET /api/identity/online", nil).want(t, "now he may", 200, "")
	})
}

func TestCodeWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.administrators(t)
		secret := e.secretOf(t, "sysadmin")
		in := func() *browser {
			b := e.browser(t)
			b.secret = secret
			if a := b.signIn("sysadmin", admins[0].Password).want(t, "password", 200, ""); a.next() != "totp" {
				t.Fatal(a.body)
			}
			return b
		}
		one, two := in(), in()
		one.call("GET /api/probe/any", nil).want(t, "half signed in", 401, "web.unsigned")
		one.call("GET /api/identity/me", nil).want(t, "half signed in is nobody", 401, "web.unsigned")
		code := one.code()
		one.call("POST /api/identity/totp", obj{"code": code}).want(t, "first", 200, "")
		two.call("POST /api/identity/totp", obj{"code": code}).want(t, "replayed", 422, "identity.wrong_code")
		e.move(30 * time.Second)
		two.call("POST /api/identity/totp", obj{"code": code}).want(t, "replayed within the skew", 422, "identity.wrong_code")
		two.call("POST /api/identity/totp", obj{"code": two.code()}).want(t, "the next one", 200, "")
		two.call("POST /api/identity/totp", obj{"code": two.code()}).want(t, "no step is open", 401, "identity.start_over")
	})
}

func TestWrongCodesLock(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		b.enroll()
		again := e.browser(t)
		again.secret = b.secret
		for n := range 5 {
			// Showing the right password in between does not forget the wrong codes.
			if a := again.signIn("zhang", pw1); n < 5 && a.next() != "totp" {
				t.Fatal(n, a.body)
			}
			status, key := 422, "identity.wrong_code"
			if n == 4 {
				status, key = 429, "identity.locked"
			}
			again.call("POST /api/identity/totp", obj{"code": "000000"}).want(t, "wrong code", status, key)
		}
		again.call("POST /api/identity/totp", obj{"code": again.code()}).want(t, "the step is gone", 401, "")
		again.signIn("zhang", pw1).want(t, "locked", 429, "identity.locked")
		e.move(30 * time.Minute)
		again.signIn("zhang", pw1).want(t, "released", 200, "")
		again.call("POST /api/identity/totp", obj{"code": again.code()}).want(t, "in", 200, "")
	})
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		codes, _ := b.enroll()
		use := func(code string) answer {
			n := e.browser(t)
			n.signIn("zhang", pw1).want(t, "password", 200, "")
			return n.call("POST /api/identity/totp", obj{"recovery": code})
		}
		use(strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))).want(t, "typed from paper", 200, "")
		use(codes[0]).want(t, "a second time", 422, "identity.wrong_code")
		use(codes[1]).want(t, "another", 200, "")
		n := e.browser(t)
		n.secret = b.secret
		n.signIn("zhang", pw1)
		n.call("POST /api/identity/totp", obj{"code": n.code()}).want(t, "in", 200, "")
		e.move(time.Minute)
		a := n.call("POST /api/identity/recovery", obj{"code": n.code()}).want(t, "new codes", 200, "")
		if fresh := a.json["recoveryCodes"].([]any); len(fresh) != 10 || fresh[0] == codes[2] {
			t.Error(a.body)
		}
		use(codes[2]).want(t, "an old one", 422, "identity.wrong_code")
		if e.audited(t, "identity.recovery", "ok") != 2 {
			t.Error("uses recorded:", e.audited(t, "identity.recovery", "ok"))
		}
	})
}

func TestLostPhone(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		sys, sec, _ := e.administrators(t)
		b := e.in(t, "zhang")
		b.enroll()
		zhang, reset := e.account(t, "zhang"), "POST /api/identity/accounts/%/totp/reset"
		reset = strings.Replace(reset, "%", zhang, 1)
		sys.call(reset, obj{"reason": "手机丢失"}).want(t, "the system administrator may not", 403, "web.denied")
		sec.call(reset, obj{}).want(t, "without a reason", 422, "")
		sec.call(strings.Replace(reset, zhang, e.account(t, "secadmin"), 1), obj{"reason": "手机丢失"}).want(t, "his own", 403, "identity.not_yourself")
		sec.call(reset, obj{"reason": "手机丢失"}).want(t, "reset", 204, "")
		b.call("GET /api/identity/sessions", nil).want(t, "open sessions end", 401, "identity.session_factor")
		n := e.browser(t)
		if a := n.signIn("zhang", pw1).want(t, "password", 200, ""); a.next() != "enroll" { // though the rules do not ask it of him
			t.Fatal(a.body)
		}
		if _, next := n.enroll(); next != "done" {
			t.Error(next)
		}
		sec.call(strings.Replace(reset, zhang, e.account(t, "auditadmin"), 1), obj{"reason": "手机丢失"}).want(t, "another administrator's", 204, "")
	})
}

func TestChangeOfFactor(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.in(t, "zhang")
		codes, _ := b.enroll()
		b.call("POST /api/identity/enroll", nil).want(t, "replaced without the old one", 422, "identity.show_old_factor")
		b.call("POST /api/identity/enroll", obj{"code": "000000"}).want(t, "with a wrong code", 422, "identity.wrong_code")
		a := b.call("POST /api/identity/enroll", obj{"code": b.code()}).want(t, "with the old one", 200, "")
		old := b.secret
		b.secret = a.str("secret")
		e.move(time.Minute)
		b.call("POST /api/identity/enroll/confirm", obj{"code": b.code()}).want(t, "confirmed", 200, "")
		e.move(time.Minute)
		n := e.browser(t)
		n.signIn("zhang", pw1)
		n.secret = old
		n.call("POST /api/identity/totp", obj{"code": n.code()}).want(t, "the old app", 422, "identity.wrong_code")
		n.call("POST /api/identity/totp", obj{"recovery": codes[0]}).want(t, "the old recovery codes", 422, "identity.wrong_code")
		n.secret = b.secret
		n.call("POST /api/identity/totp", obj{"code": n.code()}).want(t, "the new app", 200, "")
		e.move(time.Minute)
		n.call("POST /api/identity/totp/remove", obj{"code": n.code()}).want(t, "removed", 204, "")
		n.call("POST /api/identity/totp/remove", obj{"code": n.code()}).want(t, "nothing to remove", 409, "identity.no_factor")
		if a := n.signIn("zhang", pw1); a.next() != "done" {
			t.Error(a.body)
		}
	})
}

func TestWhoNeedsAFactor(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		e.user(t, "li")
		sys, _, _ := e.administrators(t)
		sys.call("POST /api/identity/totp/remove", obj{"code": sys.code()}).want(t, "an administrator may not go without", 403, "identity.factor_required")
		if a := e.browser(t).signIn("zhang", pw1); a.next() != "done" {
			t.Error("admins:", a.body)
		}
		e.set(t, "totp_required", `"all"`)
		b := e.browser(t)
		if a := b.signIn("zhang", pw1); a.next() != "enroll" {
			t.Error("all:", a.body)
		}
		b.enroll()
		e.move(time.Minute)
		b.call("POST /api/identity/totp/remove", obj{"code": b.code()}).want(t, "required of all", 403, "identity.factor_required")
	})
}
