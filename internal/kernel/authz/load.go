package authz

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/room"
)

// Holder is a person in one of his posts, whose rights are asked for. All but Person may be "".
type Holder struct {
	Person string
	Post   string
	Unit   string // of the post, a section maybe
	Home   string // the nearest unit at or above that is no section: what the scopes unit and below begin at
	Street string // 9-digit division code the unit answers for
}

// Holding is a Holder with the names shown in lists.
type Holding struct {
	Holder
	PersonName string
	UnitName   string
	Title      string
}

// Posts is what this package asks of whoever keeps people and posts.
type Posts interface {
	// Holdings returns who holds each of the posts now; a post that has ended is left out.
	Holdings(ctx context.Context, q store.Queryer, posts []string) (map[string]Holding, error)
	// PersonName returns the name of a person who has not left; Missing otherwise.
	PersonName(ctx context.Context, q store.Queryer, person string) (string, error)
}

// Epoch is a number that rises with every change of what anybody may do. One cheap read.
func (z *Authz) Epoch(ctx context.Context, q store.Queryer) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT epoch FROM authz_epoch WHERE one = 1`)
}

// Touch makes every cached right be read again once tx is committed. Whoever changes what rights
// follow from (a post ends, a unit moves) calls it in the transaction of the change.
func (z *Authz) Touch(ctx context.Context, tx *store.Tx) error {
	return store.ExecOne(ctx, tx, `UPDATE authz_epoch SET epoch = epoch + 1 WHERE one = 1`)
}

// Grants returns what h may do: by the permissions' defaults, the roles of his post, and delegations to
// the person whose giver still holds what he lent. The map is shared: read it, never write it.
func (z *Authz) Grants(ctx context.Context, q store.Queryer, h Holder) (map[string][]room.Grant, error) {
	epoch, err := z.Epoch(ctx, q)
	if err != nil {
		return nil, err
	}
	return z.GrantsAt(ctx, q, h, epoch)
}

// GrantsAt is Grants for a caller who has read the epoch already in this request.
func (z *Authz) GrantsAt(ctx context.Context, q store.Queryer, h Holder, epoch int64) (map[string][]room.Grant, error) {
	_, inTx := q.(*store.Tx)
	now := z.now()
	if !inTx {
		if g := z.cache.get(h, epoch, now); g != nil {
			return g, nil
		}
	}
	g, until, err := z.load(ctx, q, h, now)
	if err == nil && !inTx { // what a transaction sees may never be committed
		z.cache.put(h, epoch, now, until, g)
	}
	return g, err
}

// AdminGrants returns what one of the three administrators may do, over all rows: the permissions
// reserved for him; those that everybody holds over all rows; and with "<room>.manage" also
// "<room>.unit_manage", since what a unit's administrator does in his unit he does everywhere.
func (z *Authz) AdminGrants(kind room.Admin) map[string][]room.Grant {
	out := map[string][]room.Grant{}
	if kind == "" {
		return out
	}
	all := []room.Grant{{Scope: room.All}}
	for _, p := range z.order {
		if p.Admin == kind || p.Admin == "" && p.Default == room.All {
			out[p.Name] = all
		}
		if own, ok := strings.CutSuffix(p.Name, ".manage"); ok && p.Admin == kind && z.perms[own+".unit_manage"].Name != "" {
			out[own+".unit_manage"] = all
		}
	}
	return out
}

// load reads the rights of h and until when they hold as long as the epoch stays.
func (z *Authz) load(ctx context.Context, q store.Queryer, h Holder, now time.Time) (map[string][]room.Grant, time.Time, error) {
	until := now.Add(cacheAge)
	lent, err := delegationsTo(ctx, q, h.Person, now)
	if err != nil {
		return nil, until, err
	}
	posts := []string{}
	if h.Post != "" {
		posts = append(posts, h.Post)
	}
	for _, d := range lent {
		posts = append(posts, d.FromPost)
	}
	roles, err := permsOfPosts(ctx, q, posts)
	if err != nil {
		return nil, until, err
	}
	out := z.own(h, roles[h.Post])
	if len(lent) == 0 {
		return out, until, nil
	}
	givers, err := z.posts.Holdings(ctx, q, posts)
	if err != nil {
		return nil, until, err
	}
	for _, d := range lent {
		change := d.Until.Time
		if d.From.After(now) {
			change = d.From.Time
		}
		if change.Before(until) {
			until = change
		}
		if giver, ok := givers[d.FromPost]; ok && !d.From.After(now) && giver.Person == d.FromPerson {
			theirs := z.own(giver.Holder, roles[d.FromPost]) // not what was lent to him: a delegation is not passed on
			for _, perm := range d.perms {
				if z.delegable(perm) {
					add(out, perm, theirs[perm]...)
				}
			}
		}
	}
	return out, until, nil
}

// own is what a person holds by himself: defaults, and the roles of his post.
func (z *Authz) own(h Holder, roles []RolePerm) map[string][]room.Grant {
	out := map[string][]room.Grant{}
	grant := func(perm string, s room.Scope) {
		add(out, perm, room.Grant{Scope: s, Person: h.Person, Unit: h.Home, Street: h.Street})
	}
	for _, p := range z.order {
		if p.Default != "" && p.Admin == "" {
			grant(p.Name, p.Default)
		}
	}
	for _, r := range roles {
		if z.grantable(r) == nil { // a room may be gone, or have become an administrator's
			grant(r.Perm, r.Scope)
		}
	}
	return out
}

func add(out map[string][]room.Grant, perm string, grants ...room.Grant) {
	for _, g := range grants {
		if !slices.Contains(out[perm], g) {
			out[perm] = append(out[perm], g)
		}
	}
}

// cacheAge bounds how long an entry is used without being read again, and cacheSize how many are kept.
const (
	cacheAge  = time.Hour
	cacheSize = 20_000
)

// cache keeps the rights of one epoch. Correctness across replicas comes from the epoch, which every request reads.
type cache struct {
	mu    sync.Mutex
	epoch int64
	kept  map[Holder]cached
}

type cached struct {
	from, until time.Time
	grants      map[string][]room.Grant
}

func (c *cache) get(h Holder, epoch int64, now time.Time) map[string][]room.Grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.kept[h]; ok && c.epoch == epoch && !now.Before(e.from) && now.Before(e.until) {
		return e.grants
	}
	return nil
}

func (c *cache) put(h Holder, epoch int64, now, until time.Time, g map[string][]room.Grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch < c.epoch {
		return
	}
	if epoch > c.epoch || len(c.kept) >= cacheSize {
		c.epoch, c.kept = epoch, map[Holder]cached{}
	}
	if c.kept == nil {
		c.kept = map[Holder]cached{}
	}
	c.kept[h] = cached{now, until, g}
}
