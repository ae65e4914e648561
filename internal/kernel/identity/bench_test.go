package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/identity"
	"qushu/internal/room"
)

// BenchmarkAuthenticate is what a session costs each request, among ten thousand accounts with a session each.
func BenchmarkAuthenticate(b *testing.B) {
	e := start(b, store.SQLite, identity.Options{})
	value := e.fill(b, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		q := httptest.NewRequest("GET", "/api/probe", nil)
		q.AddCookie(&http.Cookie{Name: identity.CookieName, Value: value})
		q = q.WithContext(web.With(q.Context(), &web.Request{}))
		for pb.Next() {
			ctx, err := e.id.Authenticate(httptest.NewRecorder(), q)
			if a := room.ActorOf(ctx); err != nil || a == nil || !a.Can("probe.read") {
				b.Fatal(a, err)
			}
		}
	})
}

// BenchmarkToken is the same for a token.
func BenchmarkToken(b *testing.B) {
	e := start(b, store.SQLite, identity.Options{})
	e.fill(b, 1000)
	plain, hash := e.Kit.Ring.NewToken("qs")
	if err := store.Exec(b.Context(), e.Kit.DB, `INSERT INTO identity_token (id, hash, account, name, perms, made_by, created, expires) VALUES ('t', $1, 'a0', 'x', $2, '', 0, $3)`,
		hash, `["probe.read"]`, store.At(e.time().AddDate(1, 0, 0))); err != nil {
		b.Fatal(err)
	}
	q := httptest.NewRequest("GET", "/api/probe", nil)
	q.Header.Set("Authorization", "Bearer "+plain)
	q = q.WithContext(web.With(q.Context(), &web.Request{}))
	for b.Loop() {
		if _, err := e.id.Authenticate(httptest.NewRecorder(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// fill makes n accounts with a full session each and returns the cookie of one, who is zhang.
func (e *env) fill(b *testing.B, n int) (value string) {
	b.Helper()
	tx, err := e.Kit.DB.Writer().Begin()
	if err != nil {
		b.Fatal(err)
	}
	now := e.time().UnixMicro()
	for k := range n {
		person, hash := fmt.Sprint("person", k), fmt.Sprint("hash", k)
		if k == 0 {
			person, value = "zhang", "bench-cookie"
			hash = e.Kit.Ring.TokenHashes(value)[0]
		}
		id := fmt.Sprint("a", k)
		if _, err := tx.Exec(`INSERT INTO identity_account (id, login, login_key, name, find, person, created_at) VALUES ($1, $2, $3, '某', '', $4, 0)`, id, id, id, person); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Exec(`INSERT INTO identity_session (id, hash, account, kind, state, created, seen, ip, agent, device) VALUES ($1, $2, $3, 'pc', 'full', $4, $5, '', '', '')`,
			"s"+id, hash, id, now, now); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return value
}
