package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// NewAdmin is one of the three administrators to be made.
type NewAdmin struct {
	Kind     room.Admin `json:"kind" enum:"system,security,audit"`
	Account  string     `json:"account" minLength:"2" maxLength:"64"`
	Name     string     `json:"name" minLength:"1" maxLength:"40"`
	Password string     `json:"password" minLength:"1" maxLength:"1024"`
	// Keep lets him keep the password at his first sign-in: for a demonstration, where nobody else typed it.
	Keep bool `json:"-"`
}

func (i *Identity) setupNeeded(ctx context.Context) (bool, error) {
	if i.ready.Load() {
		return false, nil
	}
	have, err := anyAdmin(ctx, i.DB)
	if have {
		i.ready.Store(true) // administrators never become none
	}
	return !have, err
}

// SetupToken returns the one-time token that lets its reader create the three administrators on the set-up page, and
// whether one is needed. The program prints it on the terminal of its first start; a later start makes it void by a new one.
func (i *Identity) SetupToken(ctx context.Context) (plain string, needed bool, err error) {
	needed, err = i.setupNeeded(ctx)
	if err != nil || !needed {
		return "", false, err
	}
	plain, hash := i.Ring.NewToken("setup")
	return plain, true, i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `DELETE FROM identity_setup`); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `INSERT INTO identity_setup (id, hash, at) VALUES ($1, $2, $3)`, "setup", hash, store.At(i.Now()))
	})
}

// CreateAdministrators makes the three administrators of an installation that has none: one of each kind, three
// different people, all or nothing. Errors: identity.setup_done (Conflict), and Invalid with reasons by field
// ("admins[0].password").
func (i *Identity) CreateAdministrators(ctx context.Context, admins []NewAdmin) error {
	return i.setUp(ctx, admins, func(context.Context, *store.Tx) error { return nil })
}

// setUp is CreateAdministrators with a last word inside the transaction.
func (i *Identity) setUp(ctx context.Context, admins []NewAdmin, allow func(context.Context, *store.Tx) error) error {
	if needed, err := i.setupNeeded(ctx); err != nil || !needed {
		return orFirst(err, errs.New(errs.Conflict, "identity.setup_done"))
	}
	if faults := three(admins); len(faults) > 0 {
		return errs.New(errs.Invalid, "identity.bad_setup").With(faults...)
	}
	now, r := store.At(i.Now()), i.rules(ctx)
	rows := make([]account, len(admins))
	for n, d := range admins {
		a := account{ID: id.New(), Login: strings.TrimSpace(d.Account), Name: strings.TrimSpace(d.Name), Admin: d.Kind, MustChange: !d.Keep, ChangedAt: now, CreatedAt: now}
		a.Find = findText(a.Login, a.Name, nil)
		if err := i.vet(ctx, &a, r, d.Password, fmt.Sprintf("admins[%d].password", n)); err != nil {
			return err
		}
		rows[n] = a
	}
	for n, d := range admins { // after all are good: a hash is dear
		hash, err := i.Hasher.Hash(ctx, d.Password)
		if err != nil {
			return err
		}
		rows[n].Hash = hash
	}
	err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "identity", "setup"); err != nil {
			return err
		}
		if have, err := anyAdmin(ctx, tx); err != nil || have {
			return orFirst(err, errs.New(errs.Conflict, "identity.setup_done"))
		}
		if err := allow(ctx, tx); err != nil {
			return err
		}
		if err := insertAccounts(ctx, tx, rows); err != nil {
			return taken(err)
		}
		for _, a := range rows {
			if err := keepPassword(ctx, tx, a.ID, a.Hash, i.Now()); err != nil {
				return err
			}
			if err := i.Log.Record(ctx, tx, audit.Entry{Action: "identity.setup", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: byProgram(ctx), Detail: map[string]any{"admin": a.Admin}}); err != nil {
				return err
			}
		}
		return store.Exec(ctx, tx, `DELETE FROM identity_setup`)
	})
	if err == nil {
		i.ready.Store(true)
	}
	return err
}

// three says what is wrong with the three administrators as a whole: GB/T 22239-2019 8.1.5 wants three kinds in three hands.
func three(admins []NewAdmin) []errs.Field {
	var out []errs.Field
	fault := func(n int, field, key string) {
		out = append(out, errs.Field{Name: fmt.Sprintf("admins[%d].%s", n, field), Key: key})
	}
	var kinds []room.Admin
	seen := map[string]bool{}
	twice := func(what, v string) bool {
		k := what + strings.ToLower(strings.TrimSpace(v))
		was := seen[k]
		seen[k] = true
		return was
	}
	for n, a := range admins {
		kinds = append(kinds, a.Kind)
		if checkLogin(a.Account) != nil {
			fault(n, "account", "identity.bad_login_field")
		}
		if strings.TrimSpace(a.Name) == "" {
			fault(n, "name", "web.v.required")
		}
		if twice("login ", a.Account) {
			fault(n, "account", "identity.same_login")
		}
		if twice("name ", a.Name) {
			fault(n, "name", "identity.same_person")
		}
		if twice("password ", a.Password) {
			fault(n, "password", "identity.same_password")
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []room.Admin{room.Auditor, room.Security, room.System}) {
		out = append(out, errs.Field{Name: "admins", Key: "identity.three_kinds"})
	}
	return out
}

// taken gives a duplicate its words.
func taken(err error) error {
	if store.IsDuplicate(err) {
		return errs.Wrap(err, errs.Conflict, "identity.login_taken")
	}
	return err
}

// byProgram is who acts when nobody is signed in: the person at the machine's terminal.
func byProgram(ctx context.Context) *room.Actor {
	if a := room.ActorOf(ctx); a != nil {
		return a
	}
	return &room.Actor{Account: "qushu", Name: "qushu"}
}

// SetupNeeded says whether the administrators are still to be made.
type SetupNeeded struct {
	Needed bool `json:"needed"`
}

type setupOut struct{ Body SetupNeeded }

func (i *Identity) getSetup(ctx context.Context, _ *struct{}) (*setupOut, error) {
	needed, err := i.setupNeeded(ctx)
	return &setupOut{SetupNeeded{needed}}, err
}

type setupIn struct {
	Body struct {
		Token  string     `json:"token" minLength:"1" maxLength:"128"`
		Admins []NewAdmin `json:"admins" nullable:"false" minItems:"3" maxItems:"3"`
	}
}

func (i *Identity) postSetup(ctx context.Context, in *setupIn) (*struct{}, error) {
	bad := errs.New(errs.Denied, "identity.bad_setup_token").With(errs.Field{Name: "token", Key: "identity.bad_setup_token"})
	fits := func(ctx context.Context, q store.Queryer) error {
		hashes := store.In("hash", i.Ring.TokenHashes(strings.TrimSpace(in.Body.Token)))
		n, err := store.Value[int](ctx, q, `SELECT count(*) FROM identity_setup WHERE `+hashes.SQL, hashes.Args...)
		if err == nil && n == 0 {
			err = bad
		}
		return err
	}
	if needed, err := i.setupNeeded(ctx); err != nil || !needed {
		return nil, orFirst(err, errs.New(errs.Conflict, "identity.setup_done"))
	}
	if err := fits(ctx, i.DB); err != nil { // before any password is hashed for a stranger
		return nil, err
	}
	return nil, i.setUp(ctx, in.Body.Admins, func(ctx context.Context, tx *store.Tx) error { return fits(ctx, tx) })
}
