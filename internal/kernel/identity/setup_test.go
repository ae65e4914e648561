package identity_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/kernel/identity"
)

func three(change func([]obj)) []obj {
	var out []obj
	for _, a := range admins {
		out = append(out, obj{"kind": string(a.Kind), "account": a.Account, "name": a.Name, "password": a.Password})
	}
	if change != nil {
		change(out)
	}
	return out
}

func TestSetup(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		b := e.browser(t)
		if a := b.call("GET /api/identity/setup", nil).want(t, "needed", 200, ""); a.json["needed"] != true {
			t.Error(a.body)
		}
		if a := b.call("GET /api/identity/rules", nil); a.json["minLength"] != 12.0 {
			t.Error("the rules before set-up are the administrators':", a.body)
		}
		old, needed, err := e.id.SetupToken(t.Context())
		if err != nil || !needed {
			t.Fatal(needed, err)
		}
		token, _, err := e.id.SetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		post := func(token string, all []obj) answer {
			return b.call("POST /api/identity/setup", obj{"token": token, "admins": all})
		}
		before := e.hasher.count()
		post("setup_guess", three(nil)).want(t, "a guessed token", 403, "identity.bad_setup_token")
		post(old, three(nil)).want(t, "the token of an earlier start", 403, "identity.bad_setup_token")
		if e.hasher.count() != before {
			t.Error("work was done for a stranger")
		}
		for _, c := range []struct {
			name   string
			change func([]obj)
			want   string
		}{
			{"a kind twice", func(o []obj) { o[0]["kind"] = "audit" }, "各有一名"},
			{"an unknown kind", func(o []obj) { o[0]["kind"] = "root" }, "system"},
			{"a login twice", func(o []obj) { o[0]["account"] = " SECADMIN" }, `"name":"admins[1].account"`},
			{"a person twice", func(o []obj) { o[1]["name"] = o[0]["name"] }, "不同的人"},
			{"a password twice", func(o []obj) { o[1]["password"] = o[0]["password"] }, "密码不能相同"},
			{"a short password", func(o []obj) { o[2]["password"] = "Aa1#short" }, `"name":"admins[2].password"`},
			{"a bad login", func(o []obj) { o[2]["account"] = "a b" }, `"name":"admins[2].account"`},
		} {
			if a := post(token, three(c.change)).want(t, c.name, 422, ""); !strings.Contains(a.body, c.want) {
				t.Errorf("%s: %s", c.name, a.body)
			}
		}
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_account`); err != nil || n != 0 {
			t.Fatal("not all or nothing:", n, err)
		}
		post(token, three(nil)).want(t, "done", 204, "")
		post(token, three(nil)).want(t, "a second time", 409, "identity.setup_done")
		if a := b.call("GET /api/identity/setup", nil); a.json["needed"] != false {
			t.Error(a.body)
		}
		if _, needed, err := e.id.SetupToken(t.Context()); err != nil || needed {
			t.Error("a token after set-up", err)
		}
		if err := e.id.CreateAdministrators(t.Context(), admins); err == nil {
			t.Error("administrators were made twice")
		}
		// Whoever filled in the page knows three passwords, so each is changed first.
		if a := b.signIn("sysadmin", admins[0].Password).want(t, "first sign-in", 200, ""); a.next() != "change" {
			t.Error(a.body)
		}
		if a := b.call("POST /api/identity/password", obj{"new": "Other#Lantian-2023"}); a.next() != "enroll" {
			t.Error(a.body)
		}
	})
}

// Ten browsers with the right token race: one set-up, three administrators.
func TestSetupRace(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		token, _, err := e.id.SetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var done atomic.Int32
		for n := range 10 {
			wg.Go(func() {
				all := three(func(o []obj) {
					for _, a := range o {
						a["account"] = fmt.Sprint(a["account"], n)
					}
				})
				if a := e.browser(t).call("POST /api/identity/setup", obj{"token": token, "admins": all}); a.status == 204 {
					done.Add(1)
				}
			})
		}
		wg.Wait()
		if n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM identity_account`); done.Load() != 1 || err != nil || n != 3 {
			t.Error(done.Load(), n, err)
		}
	})
}

func TestCreateAdministratorsKeep(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		list := append([]identity.NewAdmin(nil), admins...)
		list[1].Keep = false
		if err := e.id.CreateAdministrators(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		for n, want := range []string{"enroll", "change", "enroll"} {
			if a := e.browser(t).signIn(list[n].Account, list[n].Password); a.next() != want {
				t.Error(list[n].Account, a.body)
			}
		}
	})
}
