package identity_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
)

func TestWrongPasswordSixTimes(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		b := e.browser(t)
		for n := range 4 {
			b.signIn("zhang", "wrong").want(t, fmt.Sprint("try ", n+1), 401, "identity.wrong")
		}
		if a := b.signIn("zhang", "wrong").want(t, "fifth", 429, "identity.locked"); !strings.Contains(a.body, "30 分钟") {
			t.Error(a.body)
		}
		before := e.hasher.count()
		b.signIn("zhang", pw1).want(t, "sixth, though right", 429, "identity.locked")
		if e.hasher.count() != before {
			t.Error("a locked account's password was looked at")
		}
		e.move(29 * time.Minute)
		b.signIn("ZHANG", pw1).want(t, "other case, still locked", 429, "identity.locked")
		e.move(time.Minute)
		if a := b.signIn(" Zhang ", pw1).want(t, "released by the clock", 200, ""); a.next() != "done" {
			t.Error(a.body)
		}
		b.call("GET /api/probe", nil).want(t, "signed in", 200, "")
		if fails, locks, ins := e.audited(t, "identity.signin", "failed"), e.audited(t, "identity.lock", "ok"), e.audited(t, "identity.signin", "ok"); fails != 7 || locks != 1 || ins != 1 {
			t.Error("records:", fails, locks, ins)
		}
	})
}

func TestFailuresAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		b := e.browser(t)
		for range 4 {
			b.signIn("zhang", "wrong").want(t, "wrong", 401, "identity.wrong")
		}
		b.signIn("zhang", pw1).want(t, "right in between", 200, "")
		for range 4 {
			b.signIn("zhang", "wrong").want(t, "counted anew", 401, "identity.wrong")
		}
		e.move(10 * time.Minute)
		b.signIn("zhang", "wrong").want(t, "after the window", 401, "identity.wrong")
		b.signIn("zhang", pw1).want(t, "right", 200, "")
	})
}

func TestAdministratorsWaitForTheSecurityAdministrator(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		_, sec, _ := e.administrators(t)
		b := e.browser(t)
		b.signIn("sysadmin", "wrong").want(t, "1", 401, "identity.wrong")
		b.signIn("sysadmin", "wrong").want(t, "2", 401, "identity.wrong")
		b.signIn("sysadmin", "wrong").want(t, "3", 403, "identity.locked_manual")
		e.move(10 * time.Minute)
		sec.call("GET /api/identity/me", nil).want(t, "still there", 200, "")
		e.move(10 * time.Minute)
		b.signIn("sysadmin", admins[0].Password).want(t, "no clock frees him", 403, "identity.locked_manual")
		sec.call("POST /api/identity/accounts/"+e.account(t, "secadmin")+"/unlock", nil).want(t, "oneself", 403, "identity.not_yourself")
		sec.call("POST /api/identity/accounts/"+e.account(t, "sysadmin")+"/unlock", nil).want(t, "unlock", 204, "")
		if a := b.signIn("sysadmin", admins[0].Password).want(t, "free", 200, ""); a.next() != "totp" {
			t.Error(a.body)
		}
		for range 3 {
			b.signIn("sysadmin", "wrong")
		}
		if err := e.id.Unlock(t.Context(), "SysAdmin"); err != nil {
			t.Fatal(err)
		}
		b.signIn("sysadmin", admins[0].Password).want(t, "freed at the machine", 200, "")
	})
}

// Whether a login exists does not show: the same answers, the same lock, and one password hash each.
func TestUnknownLoginLooksTheSame(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		if _, err := e.id.CreateAccount(t.Context(), "li", "li"); err != nil { // never activated
			t.Fatal(err)
		}
		for n := range 7 {
			var seen []answer
			for _, login := range []string{"zhang", "nobody", "li"} {
				before := e.hasher.count()
				a := e.browser(t).signIn(login, "wrong")
				if hashed := e.hasher.count() - before; hashed != 1 && n < 5 || hashed != 0 && n >= 5 {
					t.Errorf("try %d of %s: %d hashes", n, login, hashed)
				}
				delete(a.json, "trace")
				seen = append(seen, a)
			}
			for _, a := range seen[1:] {
				if fmt.Sprint(a.status, a.json) != fmt.Sprint(seen[0].status, seen[0].json) {
					t.Errorf("try %d tells them apart: %v / %v", n, seen[0].json, a.json)
				}
			}
		}
		titles, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT title FROM audit WHERE action = $1 AND object_id = ''`, "identity.signin")
		if err != nil || len(titles) == 0 {
			t.Fatal(titles, err)
		}
		for _, s := range titles {
			if s == "nobody" { // people type passwords there
				t.Error("a login nobody has was kept in full")
			}
		}
	})
}

// However many tries are made at once, no more passwords are looked at than the limit allows.
func TestParallelGuesses(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		before := e.hasher.count()
		var wg sync.WaitGroup
		for n := range 40 {
			wg.Go(func() { e.browser(t).signIn("zhang", fmt.Sprint("guess", n)) })
		}
		wg.Wait()
		if n := e.hasher.count() - before; n > 5 {
			t.Errorf("%d guesses were checked", n)
		}
		e.browser(t).signIn("zhang", pw1).want(t, "locked", 429, "identity.locked")
	})
}

func TestAddressThrottle(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user(t, "zhang")
		e.set(t, "ip_failures", "10")
		b := e.browser(t)
		for n := range 10 {
			b.signIn(fmt.Sprint("guess", n), "wrong").want(t, "guess", 401, "identity.wrong")
		}
		b.signIn("zhang", pw1).want(t, "from that address", 429, "identity.address_locked")
		b.call("POST /api/identity/activate", obj{"account": "zhang", "code": "x", "password": pw2}).want(t, "activation counts too", 429, "identity.address_locked")
		e.move(10 * time.Minute)
		b.signIn("zhang", pw1).want(t, "after the window", 200, "")
	})
}

// Signing in never goes on with a cookie value that was known before it.
func TestSessionFixation(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.administrators(t)
		b, evil := e.browser(t), e.browser(t)
		b.cookie = "planted-by-somebody-else"
		b.signIn("sysadmin", admins[0].Password).want(t, "password", 200, "")
		if b.cookie == "planted-by-somebody-else" || len(b.cookie) != 43 {
			t.Fatal("cookie:", b.cookie)
		}
		pending := b.cookie
		b.secret = e.secretOf(t, "sysadmin")
		b.call("POST /api/identity/totp", obj{"code": b.code()}).want(t, "code", 200, "")
		if b.cookie == pending {
			t.Error("the cookie was not changed with the second factor")
		}
		evil.cookie = pending
		evil.call("GET /api/identity/sessions", nil).want(t, "the value from before the second factor", 401, "web.unsigned")
		full := b.cookie
		b.signIn("sysadmin", admins[0].Password).want(t, "again", 200, "")
		evil.cookie = full
		evil.call("GET /api/identity/sessions", nil).want(t, "the value from before signing in again", 401, "web.unsigned")
	})
}

// secretOf unseals a second factor, as the owner's app knows it.
func (e *env) secretOf(t *testing.T, login string) string {
	t.Helper()
	sealed, err := store.Value[string](t.Context(), e.Kit.DB, `SELECT totp FROM identity_account WHERE login_key = $1`, login)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := e.Kit.Ring.Unseal("identity.totp/"+e.account(t, login), sealed)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestCookie(t *testing.T) {
	e := start(t, store.SQLite, identity.Options{Secure: true})
	e.user(t, "zhang")
	b := e.browser(t)
	head := b.rawCookie("zhang", pw1)
	for _, want := range []string{"qushu_session=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not in %s", want, head)
		}
	}
	if strings.Contains(head, "Max-Age") || strings.Contains(head, "Expires") || strings.Contains(head, "Domain") {
		t.Error("the cookie outlives the browser or the host:", head)
	}
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_session WHERE hash = $1`, b.cookie)
	if err != nil || n != 0 {
		t.Error("the value itself is at rest", n, err)
	}
}
