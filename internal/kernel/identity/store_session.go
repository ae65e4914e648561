package identity

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// session is one row of identity_session.
type session struct {
	ID, Hash, Account, Kind string
	State                   string // stateFull, or the step that is outstanding
	Proved                  bool   // the second factor was shown
	Created, Seen           store.Time
	IP, Agent, Device       string
	Post                    string // id of the acting post, "" for the main one
	Enroll                  string // sealed secret of a second factor being bound
	Ended                   store.Time
	Reason, Note            string
}

// stateFull is the state of a session whose every step is done.
const stateFull = "full"

// pendingLife is how long the steps of signing in may take.
const pendingLife = 10 * time.Minute

const sessionColumns = `s.id, s.hash, s.account, s.kind, s.state, s.proved, s.created, s.seen, s.ip, s.agent, s.device, s.post, s.enroll, s.ended, s.reason, s.note`

func scanSession(s *session) []any {
	return []any{&s.ID, &s.Hash, &s.Account, &s.Kind, &s.State, &s.Proved, &s.Created, &s.Seen, &s.IP, &s.Agent, &s.Device, &s.Post, &s.Enroll, &s.Ended, &s.Reason, &s.Note}
}

// expiry says why a session has run out, "" when it has not.
func (s *session) expiry(r lifetimes, now time.Time) string {
	switch {
	case s.State != stateFull && now.Sub(s.Created.Time) >= pendingLife:
		return reasonStale
	case s.State == stateFull && now.Sub(s.Seen.Time) >= r.idle:
		return reasonIdle
	case s.State == stateFull && now.Sub(s.Created.Time) >= r.absolute:
		return reasonAbsolute
	}
	return ""
}

// lifetimes bound one session.
type lifetimes struct{ idle, absolute time.Duration }

// Reasons a session ends for. Those with a text "identity.session_<reason>" are told to whoever comes with it.
const (
	reasonSignout   = "signout"
	reasonReplaced  = "replaced"  // he signed in anew in the same browser
	reasonStale     = "stale"     // the steps of signing in took too long
	reasonIdle      = "idle"      // unused for too long
	reasonAbsolute  = "absolute"  // signed in for too long
	reasonElsewhere = "elsewhere" // another device took its place
	reasonRevoked   = "revoked"   // ended by himself on another device, or by the security administrator
	reasonPassword  = "password"  // the password was changed or reset
	reasonFactor    = "factor"    // the second factor was reset
	reasonDisabled  = "disabled"  // the account was disabled
	reasonLocked    = "locked"    // too many wrong codes
)

func insertSession(ctx context.Context, q store.Queryer, s session) error {
	return store.Exec(ctx, q, `INSERT INTO identity_session (id, hash, account, kind, state, proved, created, seen, ip, agent, device, post) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, s.ID, s.Hash, s.Account, s.Kind, s.State, s.Proved, s.Created, s.Seen, s.IP, s.Agent, s.Device, s.Post)
}

// saveSession writes a step of signing in.
func saveSession(ctx context.Context, q store.Queryer, s session) error {
	return store.ExecOne(ctx, q, `UPDATE identity_session SET hash = $1, state = $2, proved = $3, created = $4, seen = $5, enroll = $6, post = $7 WHERE id = $8 AND ended = 0`,
		s.Hash, s.State, s.Proved, s.Created, s.Seen, s.Enroll, s.Post, s.ID)
}

// liveSession returns a session that has not ended.
func liveSession(ctx context.Context, q store.Queryer, id string) (session, error) {
	s, err := store.One(ctx, q, scanSession, `SELECT `+sessionColumns+` FROM identity_session s WHERE s.id = $1 AND s.ended = 0`, id)
	if errs.Is(err, errs.Missing) {
		return s, errs.New(errs.Unsigned, "web.unsigned")
	}
	return s, err
}

// liveSessions returns the sessions of an account that have not ended, oldest first.
func liveSessions(ctx context.Context, q store.Queryer, account string) ([]session, error) {
	return store.All(ctx, q, scanSession, `SELECT `+sessionColumns+` FROM identity_session s WHERE s.account = $1 AND s.ended = 0 ORDER BY s.created, s.id`, account)
}

// endSession reports whether the session was still alive.
func endSession(ctx context.Context, q store.Queryer, id, reason, note string, now time.Time) (bool, error) {
	res, err := q.ExecContext(ctx, `UPDATE identity_session SET ended = $1, reason = $2, note = $3, enroll = '' WHERE id = $4 AND ended = 0`, store.At(now), reason, note, id)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// caller is what one request's cookie leads to: the session with what it needs of its account.
type caller struct {
	session
	Login, Name, Person string
	Admin               string
	Shut                bool // the account is disabled or waits
}

func scanCaller(c *caller) []any {
	return append(scanSession(&c.session), &c.Login, &c.Name, &c.Person, &c.Admin, &c.Shut)
}

// callers finds the session behind a cookie; hashes are the ways it may be kept, one for each key.
func findCaller(ctx context.Context, q store.Queryer, hashes []string) (caller, error) {
	in := store.In("s.hash", hashes)
	return store.One(ctx, q, scanCaller, `SELECT `+sessionColumns+`, a.login, a.name, a.person, a.admin, a.disabled OR a.waiting
		FROM identity_session s JOIN identity_account a ON a.id = s.account WHERE `+in.SQL, in.Args...)
}

// staleSessions returns sessions not used since before, for the sweep.
func staleSessions(ctx context.Context, q store.Queryer, before time.Time) ([]caller, error) {
	return store.All(ctx, q, scanCaller, `SELECT `+sessionColumns+`, a.login, a.name, a.person, a.admin, a.disabled OR a.waiting
		FROM identity_session s JOIN identity_account a ON a.id = s.account WHERE s.ended = 0 AND s.seen < $1 ORDER BY s.seen, s.id LIMIT 500`, store.At(before))
}
