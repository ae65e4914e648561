package identity

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// Whoever holds an activation code becomes the account's owner as far as the program can tell. Where a second
// factor stands behind the code, or the account was never used, one administrator may hand it out. Everywhere
// else two must act: one asks with a reason, a security administrator releases the code and hands it over, and the
// owner is told and may refuse. GB/T 22239-2019 8.1.4.2 d asks that nobody can do it alone. Only the security
// administrator releases: whoever asks makes accounts, their first codes and programs' tokens, and could be a unit's
// administrator a second time with one of them, but no security administrator.

// askedFor is how long a request waits for its second person.
const askedFor = 24 * time.Hour

// needsSecond reports whether a new code for a takes two.
func (a *account) needsSecond() bool { return a.Admin == "" && a.TOTP == "" && !a.ChangedAt.IsZero() }

// isAsked reports whether a request stands.
func (a *account) isAsked(now time.Time) bool {
	return !a.AskedAt.IsZero() && now.Sub(a.AskedAt.Time) < askedFor
}

func (a *account) unask() { a.AskedBy, a.AskedName, a.AskedWhy, a.AskedAt = "", "", "", store.Time{} }

// issue makes a one-time activation code: for the first password, or instead of a forgotten one, which is then
// void at once. A second factor stays. Where a code takes two persons it is only asked for: code is "" then, and
// nothing of the account changes. An administrator's code is given here only when his second factor stands
// between the code and his account; else the program's own command does it at the machine.
func (i *Identity) issue(ctx context.Context, accountID, why string) (code string, until store.Time, err error) {
	err = i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if err := i.mayIssue(ctx, tx, &a); err != nil {
			return err
		}
		if a.needsSecond() {
			return i.request(ctx, tx, &a, why)
		}
		if !a.ChangedAt.IsZero() {
			if err := i.tell(ctx, tx, &a, "identity.told_issued", authz.From(ctx).Name); err != nil {
				return err
			}
		}
		code, until, err = i.hand(ctx, tx, &a, "identity.issue", why)
		return err
	})
	return code, until, err
}

func (i *Identity) mayIssue(ctx context.Context, tx *store.Tx, a *account) error {
	me := authz.From(ctx)
	switch {
	case a.Service:
		return errs.New(errs.Denied, "identity.service_no_password")
	case a.Admin != "" && me.Admin != room.System:
		return errs.New(errs.Denied, "identity.admin_by_system")
	case a.who() == me.Person:
		return errs.New(errs.Denied, "identity.not_yourself")
	case a.Admin != "" && a.TOTP == "":
		return errs.New(errs.Denied, "identity.admin_without_factor")
	}
	if err := i.reaches(ctx, tx, a); err != nil {
		return err
	}
	if a.shut() != nil {
		return errs.New(errs.Conflict, "identity.enable_first")
	}
	return nil
}

// hand voids the password, ends the sessions and makes the code.
func (i *Identity) hand(ctx context.Context, tx *store.Tx, a *account, action, why string) (code string, until store.Time, err error) {
	a.Hash, a.MustChange = "", false
	a.unask()
	code, until = i.newActivation(ctx, a)
	if err := i.endOthers(ctx, tx, a, "", reasonPassword, authz.From(ctx)); err != nil {
		return "", until, err
	}
	return code, until, i.saveNoted(ctx, tx, a, action, why)
}

func (i *Identity) saveNoted(ctx context.Context, tx *store.Tx, a *account, action, why string) error {
	if err := saveAccount(ctx, tx, a); err != nil {
		return err
	}
	return i.Log.Record(ctx, tx, audit.Entry{Action: action, Object: "identity_account", ID: a.ID, Title: a.Login, Purpose: why, Detail: map[string]any{"state": a.state(i.Now())}})
}

// request notes that somebody wants a new code for the account, and tells its owner.
func (i *Identity) request(ctx context.Context, tx *store.Tx, a *account, why string) error {
	me, now := authz.From(ctx), i.Now()
	why = strings.TrimSpace(why)
	switch {
	case len([]rune(why)) < 2:
		return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "reason", Key: "identity.why_new_code"})
	case a.isAsked(now) && a.AskedBy != me.Person:
		return errs.New(errs.Conflict, "identity.asked_already", a.AskedName)
	}
	a.AskedBy, a.AskedName, a.AskedWhy, a.AskedAt = me.Person, me.Name, why, store.At(now)
	if err := i.tell(ctx, tx, a, "identity.told_asked", me.Name, why); err != nil {
		return err
	}
	return i.saveNoted(ctx, tx, a, "identity.ask", why)
}

// confirm is the second person's yes: he, not who asked, is given the code and hands it over.
func (i *Identity) confirm(ctx context.Context, accountID string) (code string, until store.Time, err error) {
	me := authz.From(ctx)
	err = i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := i.asked(ctx, tx, accountID)
		if err != nil {
			return err
		}
		by, why := a.AskedName, a.AskedWhy
		switch {
		case a.AskedBy == me.Person:
			return errs.New(errs.Denied, "identity.second_person")
		case !me.Can(permSecurity) && a.who() != me.Person:
			return errs.New(errs.Denied, "identity.security_confirms")
		case a.who() == me.Person:
			return errs.New(errs.Denied, "identity.not_yourself")
		case a.shut() != nil:
			return errs.New(errs.Conflict, "identity.enable_first")
		}
		if err := i.tell(ctx, tx, &a, "identity.told_confirmed", by, me.Name); err != nil {
			return err
		}
		code, until, err = i.hand(ctx, tx, &a, "identity.confirm", why)
		return err
	})
	return code, until, err
}

// refuse ends a request: by the owner, by who asked, or by whoever could release it.
func (i *Identity) refuse(ctx context.Context, accountID, why string) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := i.asked(ctx, tx, accountID)
		if err != nil {
			return err
		}
		a.unask()
		return i.saveNoted(ctx, tx, &a, "identity.refuse", why)
	})
}

// asked finds an account whose request the caller may decide on; for anybody else it is not there.
func (i *Identity) asked(ctx context.Context, tx *store.Tx, accountID string) (account, error) {
	a, err := lockAccount(ctx, tx, accountID)
	if err != nil {
		return a, err
	}
	me := authz.From(ctx)
	if a.who() != me.Person && !me.Can(permSecurity) {
		if !me.Can(permUnit) {
			return a, errs.New(errs.Missing, "identity.no_account")
		}
		if err := i.reaches(ctx, tx, &a); err != nil {
			return a, err
		}
	}
	if !a.isAsked(i.Now()) {
		return a, errs.New(errs.Conflict, "identity.not_asked")
	}
	return a, nil
}

// tell notes something for the owner, who reads it in the portal.
func (i *Identity) tell(ctx context.Context, tx *store.Tx, a *account, key string, args ...any) error {
	if i.Tell == nil || a.Person == "" {
		return nil
	}
	return i.Tell(ctx, tx, a.Person, key, args...)
}
