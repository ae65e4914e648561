package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// entry is where a step of signing in led: the next step, and the cookie's new value.
type entry struct {
	next  Step
	value string
}

// signIn checks a login with its password. Whatever is wrong, and whether or not there is such a login,
// it costs one password hash and answers the same.
func (i *Identity) signIn(ctx context.Context, login, password string) (entry, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signing)
	defer cancel()
	t, err := i.reserve(ctx, login)
	if err != nil {
		return entry{}, err
	}
	hash := t.a.Hash
	ok, rehash, err := i.Hasher.Check(ctx, hash, password)
	if err != nil {
		return entry{}, orFirst(i.release(ctx, t), err)
	}
	if !ok {
		return entry{}, i.fail(ctx, t, "password", errs.New(errs.Unsigned, "identity.wrong"))
	}
	fresh := ""
	if rehash { // the costs were raised since; what was right is kept at today's
		if fresh, err = i.Hasher.Hash(ctx, password); err != nil {
			return entry{}, orFirst(i.release(ctx, t), err)
		}
	}
	return i.enter(ctx, t, func(context.Context, *store.Tx) error {
		if t.a.Hash != hash { // changed while this was being checked
			return errs.New(errs.Unsigned, "identity.wrong")
		}
		if fresh != "" {
			t.a.Hash = fresh
		}
		return nil
	})
}

// orFirst is first unless it is nil.
func orFirst(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// enter makes the session of an attempt that was right. proof has the last word, on the account as it is now.
func (i *Identity) enter(ctx context.Context, t *attempt, proof func(context.Context, *store.Tx) error) (e entry, err error) {
	var refused error
	err = i.again(ctx, t, func(ctx context.Context, tx *store.Tx) error {
		t.a.release()
		if refused = t.a.shut(); refused != nil {
			if err := i.failure(ctx, tx, t, "disabled"); err != nil {
				return err
			}
			return saveAccount(ctx, tx, &t.a)
		}
		if err := proof(ctx, tx); err != nil {
			return err
		}
		if before := held(ctx); before != nil { // the same browser: its old session is over
			if err := i.end(ctx, tx, before, reasonReplaced, "", nil); err != nil {
				return err
			}
		}
		q, now := web.From(ctx), store.At(i.Now())
		s := session{ID: id.New(), Account: t.a.ID, Kind: kindOf(q.Agent), Created: now, Seen: now, IP: q.IP, Agent: q.Agent, Device: deviceOf(q.Agent)}
		e, err = i.advance(ctx, tx, &t.a, &s, t.rules)
		return err
	})
	return e, orFirst(err, refused)
}

// advance takes a session to its next step, under a new cookie value, so that one known from before is
// worth nothing. At the last step the session becomes full.
func (i *Identity) advance(ctx context.Context, tx *store.Tx, a *account, s *session, r rules) (entry, error) {
	isNew := s.Hash == ""
	value, hash := i.newCookie()
	e := entry{a.next(r, s.Proved, i.Now()), value}
	s.Hash, s.State = hash, string(e.next)
	action := "identity.signin_step"
	if e.next == StepDone {
		action = "identity.signin"
		if err := i.finish(ctx, tx, a, s, r); err != nil {
			return e, err
		}
	}
	save := saveSession
	if isNew {
		save = insertSession
	}
	if err := save(ctx, tx, *s); err != nil {
		return e, err
	}
	if err := saveAccount(ctx, tx, a); err != nil {
		return e, err
	}
	return e, i.Log.Record(ctx, tx, audit.Entry{Action: action, Object: "identity_account", ID: a.ID, Title: a.Login, Actor: a.actor(s.ID),
		Detail: map[string]any{"next": string(e.next), "device": s.Device, "proved": s.Proved}})
}

// finish makes a session full: it forgets the failures, and lets the oldest session go when there are too
// many of the kind.
func (i *Identity) finish(ctx context.Context, tx *store.Tx, a *account, s *session, r rules) error {
	now := i.Now()
	s.State, s.Created, s.Seen = stateFull, store.At(now), store.At(now)
	a.unlock()
	a.LastAt, a.ActiveAt = store.At(now), store.At(now)
	if a.Person != "" {
		posts, err := i.People.Posts(ctx, tx, a.Person)
		if err != nil {
			return err
		}
		if p := acting(posts, ""); p != nil {
			a.Unit = p.Unit
		}
	}
	others, err := liveSessions(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	most := r.maxPC
	if s.Kind == "mobile" {
		most = r.maxMobile
	}
	var same []session
	for _, o := range others {
		if o.Kind == s.Kind && o.State == stateFull && o.ID != s.ID {
			same = append(same, o)
		}
	}
	for len(same) >= most {
		c := a.caller(same[0])
		if err := i.end(ctx, tx, &c, reasonElsewhere, s.Device+" · "+s.IP, nil); err != nil {
			return err
		}
		same = same[1:]
	}
	return nil
}

// caller is the account with one of its sessions.
func (a *account) caller(s session) caller {
	return caller{session: s, Login: a.Login, Name: a.Name, Person: a.Person, Admin: string(a.Admin)}
}

// actor is the account's holder, for records.
func (a *account) actor(session string) *room.Actor {
	return &room.Actor{Person: a.who(), Account: a.Login, Name: a.Name, Admin: a.Admin, Session: session}
}

// newCookie makes a value of 256 random bits and what is kept of it.
func (i *Identity) newCookie() (value, hash string) {
	var b [32]byte
	rand.Read(b[:])
	value = base64.RawURLEncoding.EncodeToString(b[:])
	return value, i.Ring.TokenHashes(value)[0]
}

// endOthers ends every session of an account but one.
func (i *Identity) endOthers(ctx context.Context, tx *store.Tx, a *account, but, reason string, by *room.Actor) error {
	all, err := liveSessions(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID == but {
			continue
		}
		c := a.caller(s)
		if err := i.end(ctx, tx, &c, reason, "", by); err != nil {
			return err
		}
	}
	return nil
}

// outstanding returns the session that waits for a step, Unsigned when the way in must begin anew.
func outstanding(ctx context.Context, steps ...Step) (*caller, error) {
	c := held(ctx)
	if c != nil {
		for _, s := range steps {
			if c.State == string(s) || s == StepDone && c.State == stateFull {
				return c, nil
			}
		}
	}
	return nil, errs.New(errs.Unsigned, "identity.start_over")
}

// mine runs fn over the caller's session and account as they are now, locked for the transaction. A session that has
// taken another step meanwhile is over.
func (i *Identity) mine(ctx context.Context, c *caller, fn func(context.Context, *store.Tx, *account, *session) error) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockAccount(ctx, tx, c.Account)
		if err != nil {
			return err
		}
		s, err := liveSession(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if s.State != c.State || s.Hash != c.Hash {
			return errs.New(errs.Unsigned, "identity.start_over")
		}
		if err := a.shut(); err != nil {
			return err
		}
		return fn(ctx, tx, &a, &s)
	})
}

// signOut ends the caller's own session; without one there is nothing to end.
func (i *Identity) signOut(ctx context.Context) error {
	c := held(ctx)
	if c == nil {
		room.MarkAudited(ctx)
		return nil
	}
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return i.end(ctx, tx, c, reasonSignout, "", nil) })
}
