package identity

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// attempt is one try at a login's password or activation code, counted as failed before it is made.
// For a login nobody has it goes the same way at the same cost, and locks after as many failures:
// the answer tells nobody which logins exist.
type attempt struct {
	login string
	key   string  // of identity_failure, for a login nobody has
	a     account // zero for a login nobody has
	rules rules
}

func (t *attempt) known() bool { return t.a.ID != "" }

// signing bounds a sign-in from reserve to its end. It does not stop when the client goes away, or the failure
// would not be counted.
const signing = 30 * time.Second

// reserve begins an attempt. It refuses an address with too many failures and a locked account.
func (i *Identity) reserve(ctx context.Context, login string) (*attempt, error) {
	t := &attempt{login: login, rules: i.rules(ctx)}
	t.key = "login:" + i.Ring.Index("identity_failure.key", loginKey(login))
	var refused error
	err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if refused, err = i.addressFull(ctx, tx, t.rules); err != nil || refused != nil {
			return err
		}
		if t.a, err = findLogin(ctx, tx, login); err == nil {
			t.a, err = lockAccount(ctx, tx, t.a.ID)
		}
		if err != nil && !errs.Is(err, errs.Missing) {
			return err
		}
		if err := i.count(ctx, tx, t, func(a *account, tr *tries) {
			if a != nil {
				refused = a.reserve(i.Now(), t.rules)
				return
			}
			refused = tr.reserve(i.Now(), t.rules.failures, t.rules.window)
		}); err != nil || refused == nil {
			return err
		}
		return i.failure(ctx, tx, t, "locked")
	})
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, refused
	}
	return t, nil
}

// count changes the tries of the attempt's login by fn and saves them.
func (i *Identity) count(ctx context.Context, tx *store.Tx, t *attempt, fn func(*account, *tries)) error {
	if t.known() {
		before := t.a.tries
		locked := t.a.ManualLock
		fn(&t.a, nil)
		if before == t.a.tries && locked == t.a.ManualLock {
			return nil
		}
		return saveAccount(ctx, tx, &t.a)
	}
	if err := store.Lock(ctx, tx, "identity_failure", t.key); err != nil {
		return err
	}
	tr, err := findTries(ctx, tx, t.key)
	if err != nil {
		return err
	}
	fn(nil, &tr)
	return saveTries(ctx, tx, t.key, tr)
}

// again runs fn over the attempt's account as it is now, locked for the transaction.
func (i *Identity) again(ctx context.Context, t *attempt, fn func(context.Context, *store.Tx) error) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t.known() {
			a, err := lockAccount(ctx, tx, t.a.ID)
			if err != nil {
				return err
			}
			t.a = a
		}
		return fn(ctx, tx)
	})
}

// fail ends an attempt that was wrong: it locks the account when it was the last allowed, counts for the
// address and leaves a record. It returns what the caller is told: wrong, or that the account is locked now.
func (i *Identity) fail(ctx context.Context, t *attempt, why string, wrong error) error {
	told := wrong
	err := i.again(ctx, t, func(ctx context.Context, tx *store.Tx) error {
		now, isLocked := i.Now(), false
		if err := i.count(ctx, tx, t, func(a *account, tr *tries) {
			var err error
			if a != nil {
				isLocked, err = a.fails(now, t.rules)
			} else if isLocked = tr.failed(now, t.rules.failures, t.rules.lock); isLocked {
				err = locked(t.rules.lock)
			}
			if isLocked {
				told = err
			}
		}); err != nil {
			return err
		}
		if err := i.failure(ctx, tx, t, why); err != nil || !isLocked {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.lock", Object: "identity_account", ID: t.a.ID, Title: t.shown(), Actor: t.actor(),
			Detail: map[string]any{"manual": t.a.ManualLock}})
	})
	if err != nil {
		return err
	}
	return told
}

// release takes the attempt back: it could not be made, or what was asked was right and is not yet all.
func (i *Identity) release(ctx context.Context, t *attempt) error {
	return i.again(ctx, t, func(ctx context.Context, tx *store.Tx) error {
		return i.count(ctx, tx, t, func(a *account, tr *tries) {
			if a != nil {
				tr = &a.tries
			}
			tr.release()
		})
	})
}

// failure counts for the address and leaves a record.
func (i *Identity) failure(ctx context.Context, tx *store.Tx, t *attempt, why string) error {
	if err := i.addressFailed(ctx, tx, t.rules); err != nil {
		return err
	}
	return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.signin", Object: "identity_account", ID: t.a.ID, Title: t.shown(), Actor: t.actor(), Result: audit.Failed,
		Detail: map[string]any{"why": why}})
}

// actor is whom the attempt pretended to be.
func (t *attempt) actor() *room.Actor {
	if !t.known() {
		return &room.Actor{Account: t.shown()}
	}
	return &room.Actor{Person: t.a.who(), Account: t.a.Login, Name: t.a.Name, Admin: t.a.Admin}
}

// shown is the login for the record. Of one that nobody has only the ends are kept: people type passwords there.
func (t *attempt) shown() string {
	if t.known() {
		return t.a.Login
	}
	r := []rune(t.login)
	if len(r) < 4 {
		return "***"
	}
	return string(r[:1]) + "***" + string(r[len(r)-1:])
}

// addressFull refuses an address whose failures reach the limit within the window.
func (i *Identity) addressFull(ctx context.Context, q store.Queryer, r rules) (refused, err error) {
	t, err := findTries(ctx, q, i.addressKey(ctx))
	if err != nil {
		return nil, err
	}
	if left := t.FailedAt.Add(r.window).Sub(i.Now()); t.Failed >= r.ipFailures && left > 0 {
		return errs.New(errs.Limited, "identity.address_locked", max(1, int(left/time.Minute)+1)), nil
	}
	return nil, nil
}

func (i *Identity) addressKey(ctx context.Context) string { return "ip:" + web.From(ctx).IP }

func (i *Identity) addressFailed(ctx context.Context, tx *store.Tx, r rules) error {
	key := i.addressKey(ctx)
	if err := store.Lock(ctx, tx, "identity_failure", key); err != nil {
		return err
	}
	t, err := findTries(ctx, tx, key)
	if err != nil {
		return err
	}
	if now := i.Now(); now.Sub(t.FailedAt.Time) >= r.window {
		t = tries{FailedAt: store.At(now)}
	}
	t.Failed++
	return saveTries(ctx, tx, key, t)
}
