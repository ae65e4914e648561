package identity

import (
	"context"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

const accountColumns = `id, login, name, find, person, unit_id, admin, service, hash, must_change, changed_at, failed, failed_at, locked_until, manual_lock,
	disabled, disabled_for, waiting, last_at, active_at, created_at, totp, totp_step, totp_wanted, code, code_until, asked_by, asked_name, asked_why, asked_at, version`

func scanAccount(a *account) []any {
	return []any{&a.ID, &a.Login, &a.Name, &a.Find, &a.Person, &a.Unit, &a.Admin, &a.Service, &a.Hash, &a.MustChange, &a.ChangedAt, &a.Failed, &a.FailedAt, &a.LockedUntil, &a.ManualLock,
		&a.Disabled, &a.DisabledFor, &a.Waiting, &a.LastAt, &a.ActiveAt, &a.CreatedAt, &a.TOTP, &a.TOTPStep, &a.TOTPWanted, &a.Code, &a.CodeUntil, &a.AskedBy, &a.AskedName, &a.AskedWhy, &a.AskedAt, &a.Version}
}

func findAccount(ctx context.Context, q store.Queryer, id string) (account, error) {
	a, err := store.One(ctx, q, scanAccount, `SELECT `+accountColumns+` FROM identity_account WHERE id = $1`, id)
	if errs.Is(err, errs.Missing) {
		return a, errs.New(errs.Missing, "identity.no_account")
	}
	return a, err
}

func findLogin(ctx context.Context, q store.Queryer, login string) (account, error) {
	a, err := store.One(ctx, q, scanAccount, `SELECT `+accountColumns+` FROM identity_account WHERE login_key = $1`, loginKey(login))
	if errs.Is(err, errs.Missing) {
		return a, errs.New(errs.Missing, "identity.no_login", login)
	}
	return a, err
}

// lockAccount finds an account and keeps others from changing it until the transaction ends.
func lockAccount(ctx context.Context, tx *store.Tx, id string) (account, error) {
	if err := store.Lock(ctx, tx, "identity", id); err != nil {
		return account{}, err
	}
	return findAccount(ctx, tx, id)
}

// saveAccount writes what may change of an account; Conflict when another transaction did so since it was found.
func saveAccount(ctx context.Context, q store.Queryer, a *account) error {
	err := store.ExecOne(ctx, q, `UPDATE identity_account SET name = $1, find = $2, unit_id = $3, hash = $4, must_change = $5, changed_at = $6, failed = $7, failed_at = $8,
		locked_until = $9, manual_lock = $10, disabled = $11, disabled_for = $12, waiting = $13, last_at = $14, active_at = $15, totp = $16, totp_step = $17,
		totp_wanted = $18, code = $19, code_until = $20, asked_by = $21, asked_name = $22, asked_why = $23, asked_at = $24, version = version + 1 WHERE id = $25 AND version = $26`,
		a.Name, a.Find, a.Unit, a.Hash, a.MustChange, a.ChangedAt, a.Failed, a.FailedAt, a.LockedUntil, a.ManualLock, a.Disabled, a.DisabledFor, a.Waiting, a.LastAt, a.ActiveAt,
		a.TOTP, a.TOTPStep, a.TOTPWanted, a.Code, a.CodeUntil, a.AskedBy, a.AskedName, a.AskedWhy, a.AskedAt, a.ID, a.Version)
	if err == nil {
		a.Version++
	}
	return err
}

// insertAccounts writes new accounts, ten rows a statement: SQLite looks up each $n by name, so a long statement costs
// the square of its length (measured: 10 000 accounts in 0.5 s by tens, in 20 s by five hundreds).
func insertAccounts(ctx context.Context, q store.Queryer, all []account) error {
	const columns, chunk = 16, 10
	for len(all) > 0 {
		n := min(chunk, len(all))
		var b strings.Builder
		b.WriteString(`INSERT INTO identity_account (id, login, login_key, name, find, person, unit_id, admin, service, hash, must_change, changed_at, created_at, waiting, disabled, active_at) VALUES `)
		args := make([]any, 0, n*columns)
		for i, a := range all[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(places(i*columns, columns))
			args = append(args, a.ID, strings.TrimSpace(a.Login), loginKey(a.Login), a.Name, a.Find, a.Person, a.Unit, string(a.Admin), a.Service, a.Hash, a.MustChange, a.ChangedAt,
				a.CreatedAt, a.Waiting, a.Disabled, a.ChangedAt)
		}
		if err := store.Exec(ctx, q, b.String(), args...); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// places is "($from+1, …, $from+n)".
func places(from, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = "$" + strconv.Itoa(from+i+1)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// unaskBy takes back the new codes somebody asked for.
func unaskBy(ctx context.Context, tx *store.Tx, person string) error {
	return store.Exec(ctx, tx, `UPDATE identity_account SET asked_by = '', asked_name = '', asked_why = '', asked_at = 0, version = version + 1 WHERE asked_by = $1`, person)
}

// countAdmins counts the administrators of a kind who can act: not disabled, not waiting for approval.
func countAdmins(ctx context.Context, q store.Queryer, kind room.Admin) (int, error) {
	return store.Value[int](ctx, q, `SELECT count(*) FROM identity_account WHERE admin = $1 AND disabled = FALSE AND waiting = FALSE`, string(kind))
}

func anyAdmin(ctx context.Context, q store.Queryer) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM identity_account WHERE admin <> ''`)
	return n > 0, err
}

// passwords returns the hashes used before, newest first.
func passwords(ctx context.Context, q store.Queryer, account string, n int) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT hash FROM identity_password WHERE account = $1 ORDER BY id DESC LIMIT `+strconv.Itoa(n), account)
}

// maxHistory is how many old hashes are kept, the most a setting can ask for.
const maxHistory = 24

func keepPassword(ctx context.Context, q store.Queryer, account, hash string, now time.Time) error {
	if err := store.Exec(ctx, q, `INSERT INTO identity_password (id, account, hash, at) VALUES ($1, $2, $3, $4)`, id.New(), account, hash, store.At(now)); err != nil {
		return err
	}
	return store.Exec(ctx, q, `DELETE FROM identity_password WHERE account = $1 AND id NOT IN
		(SELECT id FROM identity_password WHERE account = $2 ORDER BY id DESC LIMIT `+strconv.Itoa(maxHistory)+`)`, account, account)
}

func recoveryHashes(ctx context.Context, q store.Queryer, account string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT hash FROM identity_recovery WHERE account = $1 ORDER BY hash`, account)
}

func setRecovery(ctx context.Context, q store.Queryer, account string, hashes []string) error {
	if err := store.Exec(ctx, q, `DELETE FROM identity_recovery WHERE account = $1`, account); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := store.Exec(ctx, q, `INSERT INTO identity_recovery (account, hash) VALUES ($1, $2)`, account, h); err != nil {
			return err
		}
	}
	return nil
}

func dropRecovery(ctx context.Context, q store.Queryer, account, hash string) error {
	return store.ExecOne(ctx, q, `DELETE FROM identity_recovery WHERE account = $1 AND hash = $2`, account, hash)
}

// findTries returns the failures of an address or of a login nobody has.
func findTries(ctx context.Context, q store.Queryer, key string) (tries, error) {
	t, err := store.One(ctx, q, func(t *tries) []any { return []any{&t.Failed, &t.FailedAt, &t.LockedUntil} },
		`SELECT failed, failed_at, locked_until FROM identity_failure WHERE key = $1`, key)
	if errs.Is(err, errs.Missing) {
		return tries{}, nil
	}
	return t, err
}

func saveTries(ctx context.Context, q store.Queryer, key string, t tries) error {
	return store.Exec(ctx, q, `INSERT INTO identity_failure (key, failed, failed_at, locked_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failed = excluded.failed, failed_at = excluded.failed_at, locked_until = excluded.locked_until`, key, t.Failed, t.FailedAt, t.LockedUntil)
}
