package identity

import (
	"context"
	"encoding/base64"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// aad is the place a sealed second factor stands in.
func aad(account string) string { return "identity.totp/" + account }

// proof is what shows the second factor: a code of the app, or a recovery code.
type proof struct{ code, recovery string }

// check verifies a proof against an account. A code's step is kept and works once, a recovery code is
// struck out. field names what was wrong.
func (i *Identity) check(ctx context.Context, tx *store.Tx, a *account, p proof) (ok bool, err error) {
	if p.recovery != "" {
		hashes, err := recoveryHashes(ctx, tx, a.ID)
		if err != nil {
			return false, err
		}
		n := i.Ring.MatchRecoveryCode(a.ID, p.recovery, hashes)
		if n < 0 {
			return false, nil
		}
		if err := dropRecovery(ctx, tx, a.ID, hashes[n]); err != nil {
			return false, err
		}
		return true, i.Log.Record(ctx, tx, audit.Entry{Action: "identity.recovery", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: a.actor(""),
			Detail: map[string]any{"left": len(hashes) - 1}})
	}
	plain, err := i.Ring.Unseal(aad(a.ID), a.TOTP)
	if err != nil {
		return false, err
	}
	step, ok := secret.VerifyTOTP(string(plain), p.code, i.Now())
	if !ok || step <= a.TOTPStep { // RFC 6238 §5.2: a code is accepted once
		return false, nil
	}
	a.TOTPStep = step
	return true, nil
}

// prove checks the caller's second factor and, when it is right, runs then in the same transaction. Wrong
// codes count like wrong passwords and lock the account.
func (i *Identity) prove(ctx context.Context, c *caller, p proof, then func(context.Context, *store.Tx, *account, *session, rules) error) error {
	r := i.rules(ctx)
	var refused error
	err := i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, s *session) error {
		t := &attempt{login: a.Login, a: *a, rules: r}
		if refused = a.reserve(i.Now(), r); refused != nil {
			return i.failure(ctx, tx, t, "locked")
		}
		ok, err := i.check(ctx, tx, a, p)
		if err != nil {
			return err
		}
		if ok {
			a.release()
			return then(ctx, tx, a, s, r)
		}
		return i.wrongCode(ctx, tx, c, a, t, &refused)
	})
	return orFirst(err, refused)
}

func (i *Identity) wrongCode(ctx context.Context, tx *store.Tx, c *caller, a *account, t *attempt, refused *error) error {
	*refused = errs.New(errs.Invalid, "identity.wrong_code")
	isLocked, told := a.fails(i.Now(), t.rules)
	if err := i.failure(ctx, tx, t, "code"); err != nil {
		return err
	}
	if isLocked {
		*refused = told
		if err := i.end(ctx, tx, c, reasonLocked, "", nil); err != nil {
			return err
		}
		if err := i.Log.Record(ctx, tx, audit.Entry{Action: "identity.lock", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: a.actor(c.ID),
			Detail: map[string]any{"manual": a.ManualLock}}); err != nil {
			return err
		}
	}
	return saveAccount(ctx, tx, a)
}

// showFactor is the step after the password.
func (i *Identity) showFactor(ctx context.Context, p proof) (e entry, err error) {
	c, err := outstanding(ctx, StepTOTP)
	if err != nil {
		return e, err
	}
	err = i.prove(ctx, c, p, func(ctx context.Context, tx *store.Tx, a *account, s *session, r rules) error {
		s.Proved = true
		e, err = i.advance(ctx, tx, a, s, r)
		return err
	})
	return e, err
}

// enrolment is a second factor waiting for its first code.
type enrolment struct{ secret, uri, qr string }

// beginEnrol makes a second factor for the caller. Nothing is bound until its first code is shown. Whoever
// has one already shows it first.
func (i *Identity) beginEnrol(ctx context.Context, p proof) (n enrolment, err error) {
	c, err := outstanding(ctx, StepEnroll, StepDone)
	if err != nil {
		return n, err
	}
	if n.secret, n.uri, err = secret.NewTOTP(i.opts.Issuer, c.Login); err != nil {
		return n, err
	}
	png, err := secret.QRCode(n.uri, 400)
	if err != nil {
		return n, err
	}
	n.qr = "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
	keep := func(ctx context.Context, tx *store.Tx, a *account, s *session, _ rules) error {
		s.Enroll = i.Ring.Seal(aad(a.ID), []byte(n.secret))
		return orFirst(saveSession(ctx, tx, *s), saveAccount(ctx, tx, a))
	}
	has := false
	err = i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, s *session) error {
		if has = a.TOTP != ""; has {
			return nil
		}
		return keep(ctx, tx, a, s, rules{})
	})
	if err != nil || !has {
		return n, err
	}
	if p == (proof{}) {
		return enrolment{}, errs.New(errs.Invalid, "identity.show_old_factor").With(errs.Field{Name: "code", Key: "web.v.required"})
	}
	return n, i.prove(ctx, c, p, keep)
}

// confirmEnrol binds the second factor by its first code, and returns new recovery codes, which are shown once.
func (i *Identity) confirmEnrol(ctx context.Context, code string) (e entry, codes []string, err error) {
	c, err := outstanding(ctx, StepEnroll, StepDone)
	if err != nil {
		return e, nil, err
	}
	r := i.rules(ctx)
	err = i.mine(ctx, c, func(ctx context.Context, tx *store.Tx, a *account, s *session) error {
		if s.Enroll == "" {
			return errs.New(errs.Conflict, "identity.enroll_again")
		}
		plain, err := i.Ring.Unseal(aad(a.ID), s.Enroll)
		if err != nil {
			return err
		}
		step, ok := secret.VerifyTOTP(string(plain), code, i.Now())
		if !ok {
			return errs.New(errs.Invalid, "identity.wrong_code")
		}
		a.TOTP, a.TOTPStep, a.TOTPWanted = s.Enroll, step, true
		s.Enroll, s.Proved = "", true
		if codes, err = i.newRecovery(ctx, tx, a); err != nil {
			return err
		}
		if err := i.Log.Record(ctx, tx, audit.Entry{Action: "identity.factor_bound", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: a.actor(s.ID)}); err != nil {
			return err
		}
		if s.State == stateFull {
			e, err = i.rotate(ctx, tx, a, s)
			return err
		}
		e, err = i.advance(ctx, tx, a, s, r)
		return err
	})
	return e, codes, err
}

// rotate gives a full session a new cookie value, since its holder is proved anew.
func (i *Identity) rotate(ctx context.Context, tx *store.Tx, a *account, s *session) (entry, error) {
	value, hash := i.newCookie()
	s.Hash = hash
	return entry{StepDone, value}, orFirst(saveSession(ctx, tx, *s), saveAccount(ctx, tx, a))
}

func (i *Identity) newRecovery(ctx context.Context, tx *store.Tx, a *account) ([]string, error) {
	plain, hashes := i.Ring.NewRecoveryCodes(a.ID)
	return plain, setRecovery(ctx, tx, a.ID, hashes)
}

// renewRecovery replaces the caller's recovery codes against a code of the app.
func (i *Identity) renewRecovery(ctx context.Context, code string) (codes []string, err error) {
	c, err := i.bound(ctx)
	if err != nil {
		return nil, err
	}
	err = i.prove(ctx, c, proof{code: code}, func(ctx context.Context, tx *store.Tx, a *account, s *session, _ rules) error {
		if codes, err = i.newRecovery(ctx, tx, a); err != nil {
			return err
		}
		if err := saveAccount(ctx, tx, a); err != nil {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.recovery_renewed", Object: "identity_account", ID: a.ID, Title: a.Login})
	})
	return codes, err
}

// unbind removes the caller's second factor where the rules let him go without.
func (i *Identity) unbind(ctx context.Context, p proof) error {
	c, err := i.bound(ctx)
	if err != nil {
		return err
	}
	return i.prove(ctx, c, p, func(ctx context.Context, tx *store.Tx, a *account, s *session, r rules) error {
		a.TOTPWanted = false
		if a.needsTOTP(r) {
			return errs.New(errs.Denied, "identity.factor_required")
		}
		return i.dropFactor(ctx, tx, a, "identity.factor_removed", "")
	})
}

// dropFactor takes second factor and recovery codes off an account.
func (i *Identity) dropFactor(ctx context.Context, tx *store.Tx, a *account, action, why string) error {
	a.TOTP, a.TOTPStep = "", 0
	if err := setRecovery(ctx, tx, a.ID, nil); err != nil {
		return err
	}
	if err := saveAccount(ctx, tx, a); err != nil {
		return err
	}
	return i.Log.Record(ctx, tx, audit.Entry{Action: action, Object: "identity_account", ID: a.ID, Title: a.Login, Purpose: why})
}

// bound returns the caller's full session when his account has a second factor.
func (i *Identity) bound(ctx context.Context) (*caller, error) {
	c, err := ownSession(ctx)
	if err != nil {
		return nil, err
	}
	a, err := findAccount(ctx, i.DB, c.Account)
	if err == nil && a.TOTP == "" {
		err = errs.New(errs.Conflict, "identity.no_factor")
	}
	return c, err
}

// ownSession returns the caller's full session; a program with a token has none and may not do what needs one.
func ownSession(ctx context.Context) (*caller, error) {
	if c := held(ctx); c != nil && c.State == stateFull {
		return c, nil
	}
	return nil, errs.New(errs.Denied, "identity.session_only")
}
