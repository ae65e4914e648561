package identity

import (
	"context"
	"net/http"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// CookieName is the session's cookie. Its value is 256 random bits of which only a keyed hash is kept.
const CookieName = "qushu_session"

// tokenPrefix begins every token a program presents as "Authorization: Bearer qs_…".
const tokenPrefix = "qs"

type heldKey struct{}

// held returns the session this request came with, full or not; nil for none and for a token.
func held(ctx context.Context) *caller {
	c, _ := ctx.Value(heldKey{}).(*caller)
	return c
}

// Authenticate puts who is calling into the context; it is web.Options.Authenticate. A request without
// cookie or token is nobody's. Whoever comes with a session that has ended is told why, once: the
// cookie is taken back with the answer. Two indexed queries; the session's last use is written behind.
func (i *Identity) Authenticate(w http.ResponseWriter, r *http.Request) (context.Context, error) {
	ctx := r.Context()
	if bearsSecret(r.URL.Path) {
		web.From(ctx).Key = ""
	}
	if plain := presented(r); strings.HasPrefix(plain, tokenPrefix+"_") {
		return i.byToken(ctx, plain)
	}
	cookie, err := r.Cookie(CookieName)
	if err != nil || cookie.Value == "" {
		return ctx, nil
	}
	c, err := findCaller(ctx, i.DB, i.Ring.TokenHashes(cookie.Value))
	if errs.Is(err, errs.Missing) {
		http.SetCookie(w, i.cookie(""))
		return ctx, nil
	}
	if err != nil {
		return ctx, err
	}
	if err := i.alive(ctx, &c); err != nil {
		if errs.KindOf(err) != errs.Unsigned {
			return ctx, err
		}
		http.SetCookie(w, i.cookie(""))
		if i.isOpen(r) {
			return ctx, nil
		}
		return ctx, err
	}
	ctx = context.WithValue(ctx, heldKey{}, &c)
	if c.State != stateFull {
		return ctx, nil
	}
	a, err := i.actor(ctx, &c)
	if err != nil {
		return ctx, err
	}
	i.marks.used(i, c.ID, false, c.Seen.Time, i.Now())
	web.From(ctx).Who = a.Person
	return room.Acting(ctx, a), nil
}

// presented is the token a program shows: as a bearer's (RFC 6750 §2.1) or, as clients of CKAN do, bare or under their own name.
func presented(r *http.Request) string {
	if said := r.Header.Get("Authorization"); said != "" {
		return strings.TrimPrefix(said, "Bearer ")
	}
	return r.Header.Get("X-CKAN-API-Key")
}

// bearsSecret tells the routes whose body holds a password or a code. Their Idempotency-Key is not heeded: with it a
// digest of the body would be kept, from which a password is soon guessed.
func bearsSecret(path string) bool {
	switch strings.TrimPrefix(path, "/api/identity") {
	case "/signin", "/totp", "/totp/remove", "/enroll", "/enroll/confirm", "/recovery", "/password", "/activate", "/setup":
		return true
	}
	return false
}

// alive ends a session that has run out and returns, as an Unsigned error, why it is no longer good.
func (i *Identity) alive(ctx context.Context, c *caller) error {
	now := i.Now()
	if c.Ended.IsZero() {
		reason := ""
		if c.Shut {
			reason = reasonDisabled
		} else {
			c.Seen = store.At(i.marks.last(c.ID, c.Seen.Time))
			reason = c.expiry(i.lifetimes(ctx, room.Admin(c.Admin)), now)
		}
		if reason == "" {
			return nil
		}
		if err := i.runOut(ctx, c, reason); err != nil {
			return err
		}
		c.Reason, c.Ended = reason, store.At(now)
	}
	switch c.Reason {
	case reasonSignout, reasonReplaced:
		return errs.New(errs.Unsigned, "web.unsigned")
	case reasonElsewhere:
		return errs.New(errs.Unsigned, "identity.session_elsewhere", c.Ended.In(civil).Format("15:04"), c.Note)
	}
	return errs.New(errs.Unsigned, "identity.session_"+c.Reason)
}

// civil is the time zone people read.
var civil = time.FixedZone("+08:00", 8*3600)

func (i *Identity) lifetimes(ctx context.Context, admin room.Admin) lifetimes {
	idle := "identity.idle_minutes"
	if admin != "" {
		idle = "identity.admin_idle_minutes"
	}
	return lifetimes{time.Duration(i.Settings.Int(ctx, idle)) * time.Minute, time.Duration(i.Settings.Int(ctx, "identity.absolute_hours")) * time.Hour}
}

// runOut ends a session by itself and leaves a record, as a sign-out does.
func (i *Identity) runOut(ctx context.Context, c *caller, reason string) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return i.end(ctx, tx, c, reason, "", nil) })
}

// end ends one session, tells the listeners and leaves a record; by is who did it, the session's own person when nil.
func (i *Identity) end(ctx context.Context, tx *store.Tx, c *caller, reason, note string, by *room.Actor) error {
	ended, err := endSession(ctx, tx, c.ID, reason, note, i.Now())
	if err != nil || !ended {
		return err
	}
	if by == nil {
		by = c.plainActor()
	}
	if err := i.Bus.Emit(ctx, tx, "identity.session_ended", SessionEnded{c.ID, c.who(), reason}); err != nil {
		return err
	}
	return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.session_end", Object: "identity_session", ID: c.ID, Title: c.Login, Actor: by,
		Detail: map[string]any{"reason": reason, "device": c.Device, "state": c.State}})
}

func (c *caller) who() string {
	if c.Person != "" {
		return c.Person
	}
	return c.Account
}

// plainActor is who holds the session, without rights: for records.
func (c *caller) plainActor() *room.Actor {
	return &room.Actor{Person: c.who(), Account: c.Login, Name: c.Name, Admin: room.Admin(c.Admin), Session: c.ID}
}

// actor is the caller of a full session in the post he acts in.
func (i *Identity) actor(ctx context.Context, c *caller) (*room.Actor, error) {
	a := c.plainActor()
	if a.Admin != "" {
		a.Grants = i.Rights.AdminGrants(a.Admin)
		return a, nil
	}
	return a, i.inPost(ctx, a, c.Post)
}

// inPost puts a person into one of his posts, the main one unless another is asked for, and gives him
// what he may do there. One query while nothing has changed.
func (i *Identity) inPost(ctx context.Context, a *room.Actor, post string) error {
	epoch, err := i.Rights.Epoch(ctx, i.DB)
	if err != nil {
		return err
	}
	posts, err := i.postsAt(ctx, a.Person, epoch)
	if err != nil {
		return err
	}
	if p := acting(posts, post); p != nil {
		a.Post, a.Unit, a.Home, a.Street = p.ID, p.Unit, p.Home, p.Street
	}
	a.Grants, err = i.Rights.GrantsAt(ctx, i.DB, authz.Holder{Person: a.Person, Post: a.Post, Unit: a.Unit, Home: a.Home, Street: a.Street}, epoch)
	return err
}

// acting picks the post asked for, else the main one, else the first.
func acting(posts []Post, want string) *Post {
	var found *Post
	for n := range posts {
		p := &posts[n]
		if p.ID == want {
			return p
		}
		if found == nil || p.Main && !found.Main {
			found = p
		}
	}
	return found
}

func (i *Identity) byToken(ctx context.Context, plain string) (context.Context, error) {
	now := i.Now()
	b, err := findBearer(ctx, i.DB, i.Ring.TokenHashes(plain))
	if errs.Is(err, errs.Missing) || err == nil && (!b.Revoked.IsZero() || b.Shut) {
		return ctx, errs.New(errs.Unsigned, "identity.bad_token")
	}
	if err != nil {
		return ctx, err
	}
	if !b.Expires.After(now) {
		return ctx, errs.New(errs.Unsigned, "identity.token_expired", b.Name, b.Expires.In(civil).Format(time.DateOnly))
	}
	a := &room.Actor{Person: b.Person, Account: b.Login, Name: b.AccountName, Session: b.ID, Limits: b.Perms.V}
	if a.Limits == nil {
		a.Limits = []string{}
	}
	if err := i.inPost(ctx, a, ""); err != nil {
		return ctx, err
	}
	i.marks.used(i, b.ID, true, b.Used.Time, now)
	web.From(ctx).Who = a.Person
	return room.Acting(ctx, a), nil
}

// cookie carries a session's value, or takes the cookie back when value is "".
func (i *Identity) cookie(value string) *http.Cookie {
	c := &http.Cookie{Name: CookieName, Value: value, Path: "/", HttpOnly: true, Secure: i.opts.Secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// isOpen reports whether a request goes to a route everybody may call, so that a dead cookie is no reason to refuse it.
func (i *Identity) isOpen(r *http.Request) bool {
	i.onceMux.Do(func() {
		mux := http.NewServeMux()
		serve := func(http.ResponseWriter, *http.Request) {}
		for _, m := range i.rooms {
			for _, t := range m.Routes {
				if t.Perm == room.Open {
					mux.HandleFunc(t.Method+" /api/"+m.Name+t.Path, serve)
				}
			}
			for _, raw := range m.Raws {
				if raw.Perm == room.Open {
					mux.HandleFunc(strings.TrimSpace(raw.Method+" "+raw.Address(m.Name)), serve)
				}
			}
		}
		for _, p := range [...]string{"/api/web/", "/api/openapi.json", "/api/openapi.yaml"} {
			mux.HandleFunc(p, serve)
		}
		i.open = mux
	})
	_, pattern := i.open.Handler(r)
	return pattern != ""
}
