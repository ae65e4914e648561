package identity

import (
	"context"
	"crypto/subtle"
	"strings"
	"unicode"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// vet says what is wrong with a new password for an account, as reasons of the form field named field: the policy's
// faults, or that it was used before. It hashes up to history+1 times, outside any transaction.
func (i *Identity) vet(ctx context.Context, a *account, r rules, password, field string) error {
	var p Person
	if a.Person != "" {
		var err error
		if p, err = i.People.Person(ctx, i.DB, a.Person); err != nil && !errs.Is(err, errs.Missing) {
			return err
		}
	}
	faults := r.Faults(password, a.subject(p))
	for n := range faults {
		faults[n].Name = field
	}
	if len(faults) > 0 {
		return errs.New(errs.Invalid, "identity.bad_password").With(faults...)
	}
	old := []string{a.Hash}
	if a.ID != "" && r.history > 0 {
		more, err := passwords(ctx, i.DB, a.ID, r.history)
		if err != nil {
			return err
		}
		old = append(old, more...)
	}
	for n, hash := range old {
		if hash == "" || n > 0 && hash == a.Hash {
			continue
		}
		same, _, err := i.Hasher.Check(ctx, hash, password)
		if err != nil {
			return err
		}
		if same {
			return errs.New(errs.Invalid, "identity.bad_password").With(errs.Field{Name: field, Key: "identity.password_reused", Args: []any{max(1, r.history)}})
		}
	}
	return nil
}

// setPassword gives an account a new password, already vetted and hashed.
func (i *Identity) setPassword(ctx context.Context, tx *store.Tx, a *account, hash string) error {
	now := i.Now()
	a.Hash, a.MustChange, a.ChangedAt, a.ActiveAt, a.Code, a.CodeUntil = hash, false, store.At(now), store.At(now), "", store.Time{}
	a.unask() // its owner is there
	return keepPassword(ctx, tx, a.ID, hash, now)
}

// changePassword changes the caller's own: in the way in, where the old one was just shown, or signed in, against the
// old one. Every other session of the account ends.
func (i *Identity) changePassword(ctx context.Context, old, fresh string) (e entry, err error) {
	c, err := outstanding(ctx, StepChange, StepDone)
	if err != nil {
		return e, err
	}
	if c.State == stateFull {
		if err := i.checkOld(ctx, c, old); err != nil {
			return e, err
		}
	}
	a, err := findAccount(ctx, i.DB, c.Account)
	if err != nil {
		return e, err
	}
	r := i.rules(ctx)
	if err := i.vet(ctx, &a, r, fresh, "new"); err != nil {
		return e, err
	}
	hash, err := i.Hasher.Hash(ctx, fresh)
	if err != nil {
		return e, err
	}
	before := a.Hash
	err = i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, s *session) error {
		if a.Hash != before {
			return errs.New(errs.Conflict, "store.changed")
		}
		a.unlock() // he has just shown the old one
		if err := i.setPassword(ctx, tx, a, hash); err != nil {
			return err
		}
		if err := i.endOthers(ctx, tx, a, s.ID, reasonPassword, a.actor(s.ID)); err != nil {
			return err
		}
		if err := i.Log.Record(ctx, tx, audit.Entry{Action: "identity.password", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: a.actor(s.ID)}); err != nil {
			return err
		}
		if s.State == stateFull {
			e, err = i.rotate(ctx, tx, a, s)
			return err
		}
		e, err = i.advance(ctx, tx, a, s, r)
		return err
	})
	return e, err
}

// checkOld checks the caller's present password; wrong ones count and lock as in signing in.
func (i *Identity) checkOld(ctx context.Context, c *caller, old string) error {
	if old == "" {
		return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "old", Key: "web.v.required"})
	}
	t, err := i.reserve(ctx, c.Login)
	if err != nil {
		return err
	}
	ok, _, err := i.Hasher.Check(ctx, t.a.Hash, old)
	if err == nil && !ok {
		return i.fail(context.WithoutCancel(ctx), t, "old password", errs.New(errs.Invalid, "identity.wrong_old").With(errs.Field{Name: "old", Key: "identity.wrong_old"}))
	}
	return orFirst(i.release(context.WithoutCancel(ctx), t), err)
}

// activate gives an account its first password, or a new one after a reset, against the one-time code an
// administrator handed over.
func (i *Identity) activate(ctx context.Context, login, code, password string) (entry, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signing)
	defer cancel()
	t, err := i.reserve(ctx, login)
	if err != nil {
		return entry{}, err
	}
	kept := t.a.Code
	if !i.isCode(t.a.ID, kept, code) {
		return entry{}, i.fail(ctx, t, "activation code", errs.New(errs.Unsigned, "identity.wrong_activation"))
	}
	err = nil
	if !t.a.CodeUntil.After(i.Now()) {
		err = errs.New(errs.Denied, "identity.code_expired")
	} else {
		err = i.vet(ctx, &t.a, t.rules, password, "password")
	}
	hash := ""
	if err == nil {
		hash, err = i.Hasher.Hash(ctx, password)
	}
	if err != nil {
		return entry{}, orFirst(i.release(ctx, t), err)
	}
	return i.enter(ctx, t, func(ctx context.Context, tx *store.Tx) error {
		if t.a.Code != kept {
			return errs.New(errs.Unsigned, "identity.wrong_activation")
		}
		if err := i.setPassword(ctx, tx, &t.a, hash); err != nil {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.activate", Object: "identity_account", ID: t.a.ID, Title: t.a.Login, Actor: t.a.actor("")})
	})
}

// newCode makes an activation code of 60 random bits ("7k2m-9xqd-4t0f") and what is kept of it.
func (i *Identity) newCode(account string) (plain, hash string) {
	token, _ := i.Ring.NewToken("a")
	code := token[2 : 2+12]
	return code[:4] + "-" + code[4:8] + "-" + code[8:], i.codeHashes(account, code)[0]
}

func (i *Identity) codeHashes(account, code string) []string {
	return i.Ring.TokenHashes("activation\x00" + account + "\x00" + code)
}

// isCode reports whether a typed code is the one kept; case, spaces, dashes and look-alikes do not matter.
func (i *Identity) isCode(account, kept, typed string) bool {
	code := strings.Map(func(c rune) rune {
		switch c = unicode.ToLower(c); {
		case c == 'o':
			return '0'
		case c == 'i', c == 'l':
			return '1'
		case c == '-', unicode.IsSpace(c):
			return -1
		}
		return c
	}, typed)
	ok := false
	for _, h := range i.codeHashes(account, code) {
		ok = subtle.ConstantTimeCompare([]byte(h), []byte(kept)) == 1 || ok
	}
	return ok && kept != ""
}
