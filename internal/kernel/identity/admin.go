package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// Permissions of administration. The system administrator makes accounts and hands out activation codes but
// grants nothing; the security administrator unlocks, resets second factors, ends sessions and approves new
// administrators but makes no account (GB/T 22239-2019 8.1.4.2 d, 8.1.5).
const (
	permManage   = "identity.manage"      // system administrator
	permUnit     = "identity.unit_manage" // a unit's administrator, for the people of his units; authz gives it to the system administrator too
	permSecurity = "identity.security"    // security administrator
)

// NewAccount is an account to be made for a person.
type NewAccount struct {
	ID     string // filled in when empty
	Person string
	Login  string
	Name   string
	Unit   string   // of the main post
	Words  []string // pinyin and aliases the list finds him by
}

// CreateAccounts makes accounts for people in tx, ten thousand in a moment: none has a password until its owner
// activates it. Errors: identity.bad_login, identity.login_taken (a login or a person twice).
func (i *Identity) CreateAccounts(ctx context.Context, tx *store.Tx, list []NewAccount) error {
	return i.createAccounts(ctx, tx, list, nil)
}

func (i *Identity) createAccounts(ctx context.Context, tx *store.Tx, list []NewAccount, detail map[string]any) error {
	rows := make([]account, len(list))
	now := store.At(i.Now())
	for n := range list {
		d := &list[n]
		if err := checkLogin(d.Login); err != nil {
			return err
		}
		if d.ID == "" {
			d.ID = id.New()
		}
		rows[n] = account{ID: d.ID, Login: d.Login, Name: d.Name, Find: findText(d.Login, d.Name, d.Words), Person: d.Person, Unit: d.Unit, CreatedAt: now}
	}
	if err := insertAccounts(ctx, tx, rows); err != nil {
		return taken(err)
	}
	e := audit.Entry{Action: "identity.create", Object: "identity_account", Personal: true, Subjects: len(list), Actor: byProgram(ctx), Detail: detail}
	if len(list) == 1 {
		e.ID, e.Title = rows[0].ID, rows[0].Login
	}
	return i.Log.Record(ctx, tx, e)
}

// CreateAccount makes one account for a person of the org and returns its id.
func (i *Identity) CreateAccount(ctx context.Context, person, login string) (string, error) {
	return i.createAccount(ctx, person, login, false)
}

// createAccount makes an account of a person, or of a program that acts in a person's post. The latter waits for the security
// administrator as a new administrator does: whoever makes accounts would otherwise have anybody's rights by a token.
func (i *Identity) createAccount(ctx context.Context, person, login string, service bool) (string, error) {
	if err := checkLogin(login); err != nil {
		return "", err
	}
	a := account{ID: id.New(), Login: login, Person: person, Service: service, Waiting: service, CreatedAt: store.At(i.Now())}
	return a.ID, i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := i.People.Person(ctx, tx, person)
		if err != nil {
			return err
		}
		posts, err := i.People.Posts(ctx, tx, person)
		if err != nil {
			return err
		}
		if m := acting(posts, ""); m != nil {
			a.Unit = m.Unit
		}
		a.Name, a.Find = p.Name, findText(login, p.Name, p.Words)
		if err := insertAccounts(ctx, tx, []account{a}); err != nil {
			return taken(err)
		}
		if service {
			if err := i.tell(ctx, tx, &a, "identity.told_service", authz.From(ctx).Name, login); err != nil {
				return err
			}
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.create", Object: "identity_account", ID: a.ID, Title: a.Login, Personal: true, Subjects: 1,
			Actor: byProgram(ctx), Detail: map[string]any{"person": person, "service": service}})
	})
}

// proposeAdmin makes an account for another administrator. It can do nothing until the security administrator approves it.
func (i *Identity) proposeAdmin(ctx context.Context, kind room.Admin, login, name string) (string, error) {
	if err := checkLogin(login); err != nil {
		return "", err
	}
	a := account{ID: id.New(), Login: login, Name: name, Find: findText(login, name, nil), Admin: kind, Waiting: true, CreatedAt: store.At(i.Now())}
	return a.ID, i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertAccounts(ctx, tx, []account{a}); err != nil {
			return taken(err)
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.create", Object: "identity_account", ID: a.ID, Title: a.Login, Detail: map[string]any{"admin": kind}})
	})
}

// approve lets a proposed administrator in, and returns the activation code, which the approver hands over: nobody
// makes an administrator alone. A program's account has no code: code is "".
func (i *Identity) approve(ctx context.Context, accountID string) (code string, until store.Time, err error) {
	err = i.change(ctx, accountID, "identity.approve", "", func(ctx context.Context, tx *store.Tx, a *account) error {
		if !a.Waiting {
			return errs.New(errs.Conflict, "identity.not_waiting")
		}
		a.Waiting = false
		if a.Service {
			return nil
		}
		code, until = i.newActivation(ctx, a)
		return nil
	})
	return code, until, err
}

func (i *Identity) newActivation(ctx context.Context, a *account) (code string, until store.Time) {
	code, a.Code = i.newCode(a.ID)
	a.CodeUntil = store.At(i.Now().Add(i.rules(ctx).activation))
	return code, a.CodeUntil
}

// change finds an account, changes it by fn, saves it and leaves a record.
func (i *Identity) change(ctx context.Context, accountID, action, why string, fn func(context.Context, *store.Tx, *account) error) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if err := fn(ctx, tx, &a); err != nil {
			return err
		}
		if err := saveAccount(ctx, tx, &a); err != nil {
			return err
		}
		return i.Log.Record(ctx, tx, audit.Entry{Action: action, Object: "identity_account", ID: a.ID, Title: a.Login, Purpose: why, Actor: byProgram(ctx), Detail: map[string]any{"state": a.state(i.Now())}})
	})
}

// reaches reports whether the caller may manage a person's account: by any of the units he has a post in.
func (i *Identity) reaches(ctx context.Context, tx *store.Tx, a *account) error {
	me := authz.From(ctx)
	for _, g := range me.Reach(permUnit) {
		if g.Scope == room.All {
			return nil
		}
	}
	posts, err := i.People.Posts(ctx, tx, a.Person)
	if err != nil {
		return err
	}
	err = errs.New(errs.Denied, "authz.other_unit")
	for _, p := range posts {
		if err = authz.MayUnit(ctx, tx, permUnit, p.Unit); !errs.Is(err, errs.Denied) {
			return err
		}
	}
	return err
}

// disable shuts an account at once. The last administrator of a kind stays: nobody could undo it.
func (i *Identity) disable(ctx context.Context, accountID, why string) error {
	me := authz.From(ctx)
	return i.change(ctx, accountID, "identity.disable", why, func(ctx context.Context, tx *store.Tx, a *account) error {
		if a.who() == me.Person {
			return errs.New(errs.Denied, "identity.not_yourself")
		}
		return i.shutDown(ctx, tx, a, why, me)
	})
}

func (i *Identity) shutDown(ctx context.Context, tx *store.Tx, a *account, why string, by *room.Actor) error {
	if a.Admin != "" && !a.Waiting && !a.Disabled {
		if err := store.Lock(ctx, tx, "identity_admins", string(a.Admin)); err != nil {
			return err
		}
		n, err := countAdmins(ctx, tx, a.Admin)
		if err != nil {
			return err
		}
		if n <= 1 {
			return errs.New(errs.Conflict, "identity.last_admin")
		}
	}
	a.Disabled, a.DisabledFor, a.Code = true, why, ""
	// What he asked for falls with him.
	if err := unaskBy(ctx, tx, a.who()); err != nil {
		return err
	}
	return i.endOthers(ctx, tx, a, "", reasonDisabled, by)
}

func (i *Identity) enable(ctx context.Context, accountID string) error {
	return i.change(ctx, accountID, "identity.enable", "", func(ctx context.Context, tx *store.Tx, a *account) error {
		if !a.Disabled {
			return errs.New(errs.Conflict, "identity.not_disabled")
		}
		a.Disabled, a.DisabledFor = false, ""
		a.ActiveAt = store.At(i.Now()) // or tonight's job takes it for dormant again
		return nil
	})
}

func (i *Identity) unlock(ctx context.Context, accountID string) error {
	return i.change(ctx, accountID, "identity.unlock", "", func(ctx context.Context, tx *store.Tx, a *account) error {
		if a.who() == authz.From(ctx).Person {
			return errs.New(errs.Denied, "identity.not_yourself")
		}
		a.unlock()
		return nil
	})
}

// resetFactor takes a lost second factor off somebody else's account, whose holder binds a new one at his next sign-in.
func (i *Identity) resetFactor(ctx context.Context, accountID, why string) error {
	me := authz.From(ctx)
	return i.change(ctx, accountID, "identity.factor_reset", why, func(ctx context.Context, tx *store.Tx, a *account) error {
		if a.who() == me.Person {
			return errs.New(errs.Denied, "identity.not_yourself")
		}
		if a.TOTP == "" {
			return errs.New(errs.Conflict, "identity.no_factor")
		}
		return i.clearFactor(ctx, tx, a, me)
	})
}

func (i *Identity) clearFactor(ctx context.Context, tx *store.Tx, a *account, by *room.Actor) error {
	a.TOTP, a.TOTPStep, a.TOTPWanted = "", 0, true
	if err := setRecovery(ctx, tx, a.ID, nil); err != nil {
		return err
	}
	return i.endOthers(ctx, tx, a, "", reasonFactor, by)
}

// ResetPassword voids an account's password and returns a one-time activation code instead; with factor the second
// factor goes too. For the program's own command: who sits at the machine may reset an administrator.
func (i *Identity) ResetPassword(ctx context.Context, login string, factor bool) (code string, until time.Time, err error) {
	found, err := findLogin(ctx, i.DB, login)
	if err != nil {
		return "", until, err
	}
	var u store.Time
	err = i.change(ctx, found.ID, "identity.reset", "", func(ctx context.Context, tx *store.Tx, a *account) error {
		if a.Service {
			return errs.New(errs.Denied, "identity.service_no_password")
		}
		if err := a.shut(); err != nil {
			return err
		}
		a.Hash, a.MustChange = "", false
		a.unlock()
		code, u = i.newActivation(ctx, a)
		if factor && a.TOTP != "" {
			return i.clearFactor(ctx, tx, a, byProgram(ctx))
		}
		return i.endOthers(ctx, tx, a, "", reasonPassword, byProgram(ctx))
	})
	return code, u.Time, err
}

// Unlock lets a locked account try again. For the program's own command.
func (i *Identity) Unlock(ctx context.Context, login string) error {
	a, err := findLogin(ctx, i.DB, login)
	if err != nil {
		return err
	}
	return i.unlock(ctx, a.ID)
}

// SetPassword gives an account a password through the same rules as its owner's own choice; keep lets him keep it at his
// first sign-in. For a demonstration's accounts.
func (i *Identity) SetPassword(ctx context.Context, login, password string, keep bool) error {
	found, err := findLogin(ctx, i.DB, login)
	if err != nil {
		return err
	}
	if err := i.vet(ctx, &found, i.rules(ctx), password, "password"); err != nil {
		return err
	}
	hash, err := i.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return i.change(ctx, found.ID, "identity.password", "", func(ctx context.Context, tx *store.Tx, a *account) error {
		if err := i.setPassword(ctx, tx, a, hash); err != nil {
			return err
		}
		a.MustChange = !keep
		return i.endOthers(ctx, tx, a, "", reasonPassword, byProgram(ctx))
	})
}

// endAny ends somebody's session, for the security administrator.
func (i *Identity) endAny(ctx context.Context, sessionID string) error {
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := liveSession(ctx, tx, sessionID)
		if errs.Is(err, errs.Unsigned) {
			return errs.New(errs.Missing, "identity.no_session")
		}
		if err != nil {
			return err
		}
		a, err := findAccount(ctx, tx, s.Account)
		if err != nil {
			return err
		}
		c := a.caller(s)
		return i.end(ctx, tx, &c, reasonRevoked, "", authz.From(ctx))
	})
}

// DisablePerson shuts the account of a person who has left; without one there is nothing to do.
func (i *Identity) DisablePerson(ctx context.Context, tx *store.Tx, person, why string) error {
	ids, err := store.Column[string](ctx, tx, `SELECT id FROM identity_account WHERE person = $1 AND disabled = FALSE`, person)
	if err != nil {
		return err
	}
	for _, accountID := range slices.Sorted(slices.Values(ids)) {
		a, err := lockAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if err := i.shutDown(ctx, tx, &a, why, byProgram(ctx)); err != nil {
			return err
		}
		if err := saveAccount(ctx, tx, &a); err != nil {
			return err
		}
		if err := i.Log.Record(ctx, tx, audit.Entry{Action: "identity.disable", Object: "identity_account", ID: a.ID, Title: a.Login, Purpose: why, Actor: byProgram(ctx)}); err != nil {
			return err
		}
	}
	return nil
}

// likeText makes a pattern that finds q anywhere; ! escapes.
func likeText(q string) string {
	return store.Anywhere(strings.ToLower(strings.TrimSpace(q)))
}
