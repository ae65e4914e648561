package identity

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

func (i *Identity) jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Periodic("identity.sweep", jobs.Every(5*time.Minute), i.Sweep),
		jobs.Periodic("identity.daily", jobs.Daily{Hour: 2, Minute: 30}, i.Daily),
	}
}

// robot is who a job acts as.
func robot() *room.Actor { return &room.Actor{Account: "qushu", Name: "qushu", IsJob: true} }

// Sweep ends sessions that have run out and were not met since. It waits two minutes longer than the rule: a
// replica may know a later use than the table.
func (i *Identity) Sweep(ctx context.Context) error {
	const slack = 2 * time.Minute
	now := i.Now().Add(-slack)
	shortest := min(pendingLife, i.rules(ctx).idle, i.rules(ctx).adminIdle)
	for {
		old, err := staleSessions(ctx, i.DB, now.Add(-shortest))
		if err != nil {
			return err
		}
		ended := 0
		for _, c := range old {
			c.Seen = store.At(i.marks.last(c.ID, c.Seen.Time))
			reason := c.expiry(i.lifetimes(ctx, room.Admin(c.Admin)), now)
			if reason == "" {
				continue
			}
			if err := i.runOut(ctx, &c, reason); err != nil {
				return err
			}
			ended++
		}
		if ended == 0 {
			return nil
		}
	}
}

// Times after which rows that only look back go.
const (
	keepSessions = 30 * 24 * time.Hour // the audit keeps the sign-ins themselves
	keepFailures = 24 * time.Hour
)

// Daily disables dormant accounts and drops what is old.
func (i *Identity) Daily(ctx context.Context) error {
	if err := i.disableDormant(ctx); err != nil {
		return err
	}
	now := i.Now()
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `DELETE FROM identity_session WHERE ended > 0 AND ended < $1`, store.At(now.Add(-keepSessions))); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `DELETE FROM identity_failure WHERE failed_at < $1 AND locked_until < $2`, store.At(now.Add(-keepFailures)), store.At(now))
	})
}

// disableDormant shuts accounts nobody has used for so long, neither by signing in nor by a token (8.1.4.2 c). The last administrator
// of a kind stays.
func (i *Identity) disableDormant(ctx context.Context) error {
	days := i.rules(ctx).dormant
	if days == 0 {
		return nil
	}
	before := store.At(i.Now().AddDate(0, 0, -days))
	ids, err := store.Column[string](ctx, i.DB, `SELECT id FROM identity_account WHERE disabled = FALSE AND waiting = FALSE AND service = FALSE AND hash <> '' AND active_at < $1
		AND NOT EXISTS (SELECT 1 FROM identity_token t WHERE t.account = identity_account.id AND t.used >= $2) ORDER BY id`, before, before)
	if err != nil {
		return err
	}
	for _, accountID := range ids {
		err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			a, err := lockAccount(ctx, tx, accountID)
			if err != nil {
				return err
			}
			if err := i.shutDown(ctx, tx, &a, i.words.Text("zh", "identity.dormant", days), robot()); err != nil {
				return err
			}
			if err := saveAccount(ctx, tx, &a); err != nil {
				return err
			}
			return i.Log.Record(ctx, tx, audit.Entry{Action: "identity.dormant", Object: "identity_account", ID: a.ID, Title: a.Login, Actor: robot(), Detail: map[string]any{"days": days}})
		})
		if errs.KeyOf(err) == "identity.last_admin" {
			slog.WarnContext(ctx, "a dormant administrator is the last of his kind and stays enabled", "account", accountID)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
