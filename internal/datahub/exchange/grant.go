package exchange

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// How a grant stands.
const (
	standing  = "standing"  // 使用中
	suspended = "suspended" // 暂停
	revoked   = "revoked"   // 已撤销
	over      = "ended"     // 已到期
)

// Told is what is told when a grant begins, is suspended or revoked, or ends.
type Told struct {
	Grant       string `json:"grant"`
	Application string `json:"application"`
	Dataset     string `json:"dataset"`
	Unit        string `json:"unit"`
	State       string `json:"state"`
}

func told(g *grant) Told {
	return Told{Grant: g.ID, Application: g.Application, Dataset: g.Dataset, Unit: g.Unit, State: g.State}
}

// heldGrant returns a grant nobody else decides on until the transaction ends.
func heldGrant(ctx context.Context, tx *store.Tx, id string) (grant, error) {
	if err := store.Lock(ctx, tx, "exchange_grant", id); err != nil {
		return grant{}, err
	}
	return findGrant(ctx, tx, store.C("a.id = $1", id))
}

// grantsSeen is which grants the actor sees: his unit's, and those of data his unit provides.
func grantsSeen(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(asking(ctx), providing(ctx)))
}

// decidable returns a grant the actor decides on: of data his unit provides, or as the platform.
func (x *Exchange) decidable(ctx context.Context, tx *store.Tx, id string, version int64) (grant, error) {
	if _, err := findGrant(ctx, tx, store.And(store.C("a.id = $1", id), grantsSeen(ctx).Cond())); err != nil {
		return grant{}, err
	}
	g, err := heldGrant(ctx, tx, id)
	if err != nil {
		return g, err
	}
	if _, err := findGrant(ctx, tx, store.And(store.C("a.id = $1", id), providing(ctx))); err != nil {
		if errs.Is(err, errs.Missing) {
			err = errs.New(errs.Denied, "exchange.not_provider")
		}
		return g, err
	}
	if g.Version != version {
		return g, errs.New(errs.Conflict, "exchange.changed")
	}
	return g, nil
}

// stop takes the kernel's grant away: the next use is refused already.
func (x *Exchange) stop(ctx context.Context, tx *store.Tx, g *grant) error {
	ds, err := x.datasets.Get(ctx, tx, g.Dataset, everyDataset)
	if err == nil {
		_, err = x.datasets.Revoke(ctx, tx, ds, g.Held)
	}
	if errs.Is(err, errs.Missing) { // it was taken away outright, or the dataset is gone
		return nil
	}
	return err
}

type decideIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"300"`
		Version int64  `json:"version"`
	}
}

// suspend takes a grant away until it is given back (暂停).
func (x *Exchange) suspend(ctx context.Context, in *decideIn) (*grantOut, error) {
	return x.decide(ctx, in, "exchange.suspend", func(ctx context.Context, tx *store.Tx, g *grant) error {
		if g.State != standing {
			return errs.New(errs.Conflict, "exchange.not_standing")
		}
		g.State = suspended
		return x.stop(ctx, tx, g)
	})
}

// revoke ends a grant for good (撤销).
func (x *Exchange) revoke(ctx context.Context, in *decideIn) (*grantOut, error) {
	return x.decide(ctx, in, "exchange.revoke", func(ctx context.Context, tx *store.Tx, g *grant) error {
		was := g.State
		if was != standing && was != suspended {
			return errs.New(errs.Conflict, "exchange.not_standing")
		}
		if g.State = revoked; was == suspended {
			return nil
		}
		return x.stop(ctx, tx, g)
	})
}

// resume gives back what was suspended, on the same terms and to the same end.
func (x *Exchange) resume(ctx context.Context, in *decideIn) (*grantOut, error) {
	return x.decide(ctx, in, "exchange.resume", func(ctx context.Context, tx *store.Tx, g *grant) error {
		if g.State != suspended {
			return errs.New(errs.Conflict, "exchange.not_suspended")
		}
		ds, err := x.datasets.Get(ctx, tx, g.Dataset, everyDataset)
		if err != nil {
			return err
		}
		had, err := x.datasets.Given(ctx, tx, []string{g.Held})
		if err != nil {
			return err
		}
		held, err := x.datasets.Grant(ctx, tx, ds, g.kernel(had[g.Held].Case))
		if err != nil {
			return err
		}
		g.State, g.Past.V, g.Held = standing, append(g.Past.V, g.Held), held.ID
		return nil
	})
}

// decide runs fn on a grant, keeps and records it, and tells those who use it.
func (x *Exchange) decide(ctx context.Context, in *decideIn, action string, fn func(context.Context, *store.Tx, *grant) error) (*grantOut, error) {
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := x.decidable(ctx, tx, in.ID, in.Body.Version)
		if err != nil {
			return err
		}
		if err := fn(ctx, tx, &g); err != nil {
			return err
		}
		g.Reason, g.ByName, g.StoppedAt = in.Body.Reason, authz.From(ctx).Name, store.At(x.now())
		if g.State == standing {
			g.StoppedAt = store.Time{}
		}
		if err := saveGrant(ctx, tx, &g); err != nil {
			return err
		}
		if g.State != standing {
			if err := x.bus.Emit(ctx, tx, "exchange.stopped", told(&g)); err != nil {
				return err
			}
		}
		if err := x.tell(ctx, tx, []string{g.Owner}, notify.Alarm, "exchange.told_"+g.State, []any{g.Title, g.Reason}, "/exchange/grants/"+g.ID); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: g.said()})
	})
	if err != nil {
		return nil, err
	}
	return x.showGrant(ctx, &grantIn{in.ID})
}

// remind tells both sides of grants that come to an end, and ends those whose time has come.
func (x *Exchange) remind(ctx context.Context) error {
	ctx = room.BySystem(ctx)
	now := x.now()
	first, last := x.number(ctx, "remind_first"), x.number(ctx, "remind_last")
	due, err := store.All(ctx, x.db, scanGrant, `SELECT `+grantColumns+` FROM exchange_grant a WHERE a.state IN ('standing', 'suspended') AND a.until_at <= $1 ORDER BY a.until_at, a.id LIMIT 1000`,
		store.At(now.AddDate(0, 0, max(first, last))))
	if err != nil {
		return err
	}
	for _, one := range due {
		if mark := nearing(&one, now, first, last); mark == one.Reminded {
			continue
		}
		err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return x.near(ctx, tx, one.ID, first, last) })
		if err != nil {
			return err
		}
	}
	return nil
}

// ended marks a grant whose time has come, among the days of reminders.
const ended = -1

// nearing is which reminder is due for a grant: the days of it, ended, or the one it had. A term that is no longer than a
// reminder's days has none of it.
func nearing(g *grant, now time.Time, first, last int) int64 {
	left, whole := g.Until.Sub(now), g.Until.Sub(g.From.Time)
	day := 24 * time.Hour
	if left <= 0 {
		return ended
	}
	for _, n := range []int{min(first, last), max(first, last)} {
		if span := time.Duration(n) * day; left <= span && whole > span {
			return int64(n)
		}
	}
	return g.Reminded
}

func (x *Exchange) near(ctx context.Context, tx *store.Tx, id string, first, last int) error {
	g, err := heldGrant(ctx, tx, id)
	if err != nil {
		return err
	}
	mark := nearing(&g, x.now(), first, last)
	if mark == g.Reminded || g.State != standing && g.State != suspended {
		return nil
	}
	g.Reminded = mark
	key, args := "exchange.told_nearing", []any{g.Title, mark}
	if mark == ended {
		g.State, g.StoppedAt = over, store.At(x.now())
		key, args = "exchange.told_ended", []any{g.Title}
		if err := x.bus.Emit(ctx, tx, "exchange.ended", told(&g)); err != nil {
			return err
		}
		if err := x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.ended", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: g.said()}); err != nil {
			return err
		}
	}
	if err := saveGrant(ctx, tx, &g); err != nil {
		return err
	}
	providers, err := x.providers(ctx, tx, g.Provider)
	if err != nil {
		return err
	}
	return x.tell(ctx, tx, append(providers, g.Owner), notify.Info, key, args, "/exchange/grants/"+g.ID)
}

// providers are who decides for a unit.
func (x *Exchange) providers(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	below, err := x.org.Sections(ctx, q, unit)
	if err != nil {
		return nil, err
	}
	return x.authz.RoleHolders(ctx, q, "exchange_provider", append([]string{unit}, below...))
}

// state is how a grant stands in truth: it may have been revoked outright, or have ended since the last turn.
func (g *grant) state(held dataset.Grant, now time.Time) string {
	switch {
	case g.State != standing:
		return g.State
	case !held.Revoked.IsZero() || held.ID == "":
		return revoked
	case !now.Before(g.Until.Time):
		return over
	}
	return standing
}
