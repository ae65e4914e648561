package exchange

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// mostKeys bounds the keys of a grant that are not revoked: one a program, and another while it changes over.
const mostKeys = 20

// key is one row of exchange_key.
type key struct {
	ID, Grant, Program, sealed string
	Addresses                  store.JSON[[]string]
	By, ByName                 string
	At, Used, Revoked          store.Time
	RevokedBy                  string
}

const keyColumns = `k.id, k.grant_id, k.program, k.sealed, k.addresses, k.by_id, k.by_name, k.at, k.used_at, k.revoked_at, k.revoked_by`

func scanKey(k *key) []any {
	return []any{&k.ID, &k.Grant, &k.Program, &k.sealed, &k.Addresses, &k.By, &k.ByName, &k.At, &k.Used, &k.Revoked, &k.RevokedBy}
}

func keyPlace(id string) string { return "exchange_key.sealed/" + id }

// networks reads addresses and networks, "10.1.2.3" and "10.1.0.0/16".
func networks(all []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range all {
		s = strings.TrimSpace(s)
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, single := netip.ParseAddr(s)
			if single != nil {
				return nil, errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "addresses", Key: "exchange.bad_address", Args: []any{s}})
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// from reports whether a program may use the key from an address.
func (k *key) from(ip string) bool {
	if len(k.Addresses.V) == 0 {
		return true
	}
	a, err := netip.ParseAddr(ip)
	nets, bad := networks(k.Addresses.V)
	return err == nil && bad == nil && slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// KeyLine is a key in a list. Its secret is shown but once.
type KeyLine struct {
	ID        string     `json:"id" doc:"sent with every call"`
	Program   string     `json:"program"`
	Addresses []string   `json:"addresses" nullable:"false" doc:"addresses and networks it may be used from, everywhere when empty"`
	ByName    string     `json:"byName"`
	At        store.Time `json:"at"`
	Used      store.Time `json:"usedAt" doc:"to the minute"`
	Revoked   store.Time `json:"revokedAt"`
	RevokedBy string     `json:"revokedBy"`
}

func keyLine(k *key) KeyLine {
	l := KeyLine{ID: k.ID, Program: k.Program, Addresses: k.Addresses.V, ByName: k.ByName, At: k.At, Used: k.Used, Revoked: k.Revoked, RevokedBy: k.RevokedBy}
	if l.Addresses == nil {
		l.Addresses = []string{}
	}
	return l
}

// usable returns a grant the actor may use.
func (x *Exchange) usable(ctx context.Context, q store.Queryer, id string) (grant, error) {
	return findGrant(ctx, q, store.And(store.C("a.id = $1", id), authz.WhereCols(ctx, "exchange.use", ownCols).Cond()))
}

// inUse makes sure that a grant stands and may be used in a mode.
func (x *Exchange) inUse(ctx context.Context, q store.Queryer, g *grant, m dataset.Mode) (dataset.Grant, error) {
	given, err := x.datasets.Given(ctx, q, []string{g.Held})
	if err != nil {
		return dataset.Grant{}, err
	}
	held := given[g.Held]
	if s := g.state(held, x.now()); s != standing {
		return held, errs.New(errs.Denied, "exchange.grant_"+s, g.Title)
	}
	if !held.May(m) {
		return held, errs.New(errs.Denied, "exchange.no_mode_"+string(m), g.Title)
	}
	return held, nil
}

type keysOut struct {
	Body struct {
		Items []KeyLine `json:"items" nullable:"false"`
	}
}

func (x *Exchange) listKeys(ctx context.Context, in *grantIn) (*keysOut, error) {
	g, err := x.usable(ctx, x.db, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := store.All(ctx, x.db, scanKey, `SELECT `+keyColumns+` FROM exchange_key k WHERE k.grant_id = $1 ORDER BY k.at DESC, k.id DESC`, g.ID)
	out := &keysOut{}
	out.Body.Items = []KeyLine{}
	for i := range all {
		out.Body.Items = append(out.Body.Items, keyLine(&all[i]))
	}
	return out, err
}

type makeKeyIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Program   string   `json:"program" minLength:"2" maxLength:"60" doc:"the program that is to use it"`
		Addresses []string `json:"addresses" required:"false" nullable:"false" maxItems:"50"`
	}
}
type makeKeyOut struct {
	Body struct {
		KeyLine
		Secret string `json:"secret" doc:"shown this once"`
	}
}

// makeKey makes a key for a program. Several stand beside each other, so that one can take over from another.
func (x *Exchange) makeKey(ctx context.Context, in *makeKeyIn) (*makeKeyOut, error) {
	me, b := authz.From(ctx), in.Body
	if _, err := networks(b.Addresses); err != nil {
		return nil, err
	}
	k := &key{ID: id.New(), Program: strings.TrimSpace(b.Program), By: me.Person, ByName: me.Name, At: store.At(x.now())}
	k.Addresses.V = append([]string{}, b.Addresses...)
	plain, _ := x.ring.NewToken("qx")
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := x.usable(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if _, err := x.inUse(ctx, tx, &g, dataset.API); err != nil {
			return err
		}
		if err := store.Lock(ctx, tx, "exchange_grant", g.ID); err != nil {
			return err
		}
		n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM exchange_key WHERE grant_id = $1 AND revoked_at = 0`, g.ID)
		if err != nil {
			return err
		}
		if n >= mostKeys {
			return errs.New(errs.Conflict, "exchange.too_many_keys", mostKeys)
		}
		k.Grant = g.ID
		if err := store.Exec(ctx, tx, `INSERT INTO exchange_key (id, grant_id, program, sealed, addresses, by_id, by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			k.ID, k.Grant, k.Program, x.ring.Seal(keyPlace(k.ID), []byte(plain)), k.Addresses, k.By, k.ByName, k.At); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.key", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"key": k.ID, "program": k.Program, "addresses": k.Addresses.V}})
	})
	if err != nil {
		return nil, err
	}
	out := &makeKeyOut{}
	out.Body.KeyLine, out.Body.Secret = keyLine(k), plain
	return out, nil
}

// revokeKey ends a key; the next call with it is refused already.
func (x *Exchange) revokeKey(ctx context.Context, in *grantIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		k, err := store.One(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM exchange_key k WHERE k.id = $1`, in.ID)
		if errs.Is(err, errs.Missing) {
			return errs.New(errs.Missing, "exchange.no_key")
		}
		if err != nil {
			return err
		}
		g, err := x.usable(ctx, tx, k.Grant)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE exchange_key SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at = 0`, store.At(x.now()), authz.From(ctx).Name, k.ID); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.key_revoke", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"key": k.ID, "program": k.Program}})
	})
}

// forget drops nonces that are too old to be said again.
func (x *Exchange) forget(ctx context.Context) error {
	return store.Exec(ctx, x.db, `DELETE FROM exchange_nonce WHERE at < $1`, store.At(x.now().Add(-2*x.window(ctx))))
}

// rates bounds each key on this replica: what is answered, and how many refusals are written down.
type rates struct {
	mu    sync.Mutex
	calls map[string]*bucket
}

type bucket struct {
	good, bad *rate.Limiter
	used      time.Time
}

func newRates() *rates { return &rates{calls: map[string]*bucket{}} }

// allow takes one from the bucket of a key. Buckets nobody used for a while are full again, and forgotten.
func (r *rates) allow(key string, good bool, perSecond int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.calls[key]
	if b == nil {
		if len(r.calls) > 10_000 {
			for k, old := range r.calls {
				if now.Sub(old.used) > time.Minute {
					delete(r.calls, k)
				}
			}
		}
		b = &bucket{good: rate.NewLimiter(rate.Limit(perSecond), 2*perSecond), bad: rate.NewLimiter(1, 20)}
		r.calls[key] = b
	}
	b.used = now
	if !good {
		return b.bad.AllowN(now, 1)
	}
	if b.good.Limit() != rate.Limit(perSecond) {
		b.good.SetLimitAt(now, rate.Limit(perSecond))
		b.good.SetBurstAt(now, 2*perSecond)
	}
	return b.good.AllowN(now, 1)
}
