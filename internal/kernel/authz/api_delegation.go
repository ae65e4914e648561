package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// DelegatedPerm is one permission of a delegation. Held says that its giver still holds it; a
// delegation of what the giver lost gives nothing.
type DelegatedPerm struct {
	Perm  string `json:"perm"`
	Title string `json:"title"`
	Held  bool   `json:"held"`
}

// DelegationItem is a delegation as lists show it.
type DelegationItem struct {
	Delegation
	Perms []DelegatedPerm `json:"perms" nullable:"false"`
	State string          `json:"state" enum:"planned,valid,ended,revoked"`
}

type delegationsOut struct {
	Body store.Listed[DelegationItem]
}

// items adds titles, state and whether the giver still holds what he lent.
func (z *Authz) items(ctx context.Context, l store.Listed[Delegation]) (*delegationsOut, error) {
	now := z.now()
	var posts []string
	for _, d := range l.Items {
		posts = append(posts, d.FromPost)
	}
	held, err := z.posts.Holdings(ctx, z.db, posts)
	if err != nil {
		return nil, err
	}
	perms, err := permsOfPosts(ctx, z.db, posts)
	if err != nil {
		return nil, err
	}
	out := &delegationsOut{store.Listed[DelegationItem]{Items: []DelegationItem{}, Next: l.Next}}
	for _, d := range l.Items {
		item := DelegationItem{Delegation: d, Perms: []DelegatedPerm{}, State: d.State(now)}
		theirs := map[string][]room.Grant{}
		if h, ok := held[d.FromPost]; ok && h.Person == d.FromPerson {
			theirs = z.own(h.Holder, perms[d.FromPost])
		}
		for _, p := range d.perms {
			item.Perms = append(item.Perms, DelegatedPerm{p, z.title(ctx, p), z.delegable(p) && len(theirs[p]) > 0})
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

type myDelegationsIn struct {
	store.Page
	Side string `query:"side" enum:"given,received" default:"given"`
}

func (z *Authz) myDelegations(ctx context.Context, in *myDelegationsIn) (*delegationsOut, error) {
	column := "from_person"
	if in.Side == "received" {
		column = "to_person"
	}
	l, err := listDelegations(ctx, z.db, WhereCols(ctx, "authz.delegate", Cols{Owner: column}), in.Page)
	if err != nil {
		return nil, err
	}
	return z.items(ctx, l)
}

type allDelegationsIn struct {
	store.Page
	Valid bool `query:"valid" doc:"only those neither ended nor revoked"`
}

func (z *Authz) allDelegations(ctx context.Context, in *allDelegationsIn) (*delegationsOut, error) {
	var conds []store.Cond
	if in.Valid {
		conds = append(conds, store.C("revoked_at = 0 AND until_at > $1", store.At(z.now())))
	}
	l, err := listDelegations(ctx, z.db, store.Unscoped("the security administrator watches over every delegation"), in.Page, conds...)
	if err != nil {
		return nil, err
	}
	return z.items(ctx, l)
}

type optionsOut struct {
	Body struct {
		Items   []permItem `json:"items" nullable:"false" doc:"what the caller may delegate"`
		MaxDays int        `json:"maxDays"`
	}
}

func (z *Authz) delegationOptions(ctx context.Context, _ *struct{}) (*optionsOut, error) {
	own, err := z.ownOf(ctx, z.db, From(ctx))
	out := &optionsOut{}
	out.Body.Items, out.Body.MaxDays = []permItem{}, int(MaxDelegation.Hours()/24)
	for _, p := range z.order {
		if z.delegable(p.Name) && len(own[p.Name]) > 0 {
			out.Body.Items = append(out.Body.Items, permItem{Name: p.Name, Title: z.title(ctx, p.Name), Default: p.Default})
		}
	}
	return out, err
}

type delegateIn struct {
	Body struct {
		To     string    `json:"to" minLength:"1" maxLength:"40" doc:"the person who receives"`
		Perms  []string  `json:"perms" minItems:"1" maxItems:"100"`
		From   time.Time `json:"from" required:"false" doc:"now when missing or past"`
		Until  time.Time `json:"until"`
		Reason string    `json:"reason" minLength:"2" maxLength:"200"`
	}
}

type delegateOut struct {
	Body struct {
		ID string `json:"id"`
	}
}

func (z *Authz) delegate(ctx context.Context, in *delegateIn) (*delegateOut, error) {
	me, now := From(ctx), z.now()
	d := Delegation{ID: id.New(), FromPerson: me.Person, FromPost: me.Post, ToPerson: in.Body.To, Reason: strings.TrimSpace(in.Body.Reason),
		From: store.At(in.Body.From), Until: store.At(in.Body.Until), Made: store.At(now), perms: slices.Compact(slices.Sorted(slices.Values(in.Body.Perms)))}
	if d.From.Before(now) {
		d.From = store.At(now)
	}
	if len([]rune(d.Reason)) < 2 {
		return nil, errs.New(errs.Invalid, "authz.reason")
	}
	err := z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		held, err := z.posts.Holdings(ctx, tx, []string{me.Post})
		if err != nil {
			return err
		}
		giver, ok := held[me.Post]
		if !ok || giver.Person != me.Person {
			return errs.New(errs.Denied, "authz.no_post")
		}
		own, err := z.ownOf(ctx, tx, me)
		if err != nil {
			return err
		}
		if err := z.mayDelegate(me, own, d, now); err != nil {
			if e, ok := errors.AsType[*errs.Error](err); ok && e.Key == "authz.not_held" {
				return z.titled(ctx, err, fmt.Sprint(e.Args...))
			}
			return err
		}
		if d.ToName, err = z.posts.PersonName(ctx, tx, d.ToPerson); err != nil {
			return err
		}
		d.FromName = giver.PersonName
		if err := insertDelegation(ctx, tx, d); err != nil {
			return err
		}
		return z.changed(ctx, tx, "delegation", delegationEntry("authz.delegate", d))
	})
	out := &delegateOut{}
	out.Body.ID = d.ID
	return out, err
}

func delegationEntry(action string, d Delegation) audit.Entry {
	return audit.Entry{Action: action, Object: "authz_delegation", ID: d.ID, Title: d.FromName + " → " + d.ToName,
		Detail: map[string]any{"from": d.FromPerson, "post": d.FromPost, "to": d.ToPerson, "perms": d.perms, "fromAt": d.From, "untilAt": d.Until, "reason": d.Reason}}
}

type delegationIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (z *Authz) revokeMine(ctx context.Context, in *delegationIn) (*struct{}, error) {
	return nil, z.revoke(ctx, in.ID, From(ctx).Person)
}

func (z *Authz) revokeAny(ctx context.Context, in *delegationIn) (*struct{}, error) {
	return nil, z.revoke(ctx, in.ID, "")
}

// revoke ends a delegation; of giver only, when giver is not "".
func (z *Authz) revoke(ctx context.Context, id, giver string) error {
	return z.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := findDelegation(ctx, tx, id)
		if err != nil {
			return err
		}
		if giver != "" && d.FromPerson != giver {
			return errs.New(errs.Missing, "authz.no_delegation")
		}
		if err := revoke(ctx, tx, id, From(ctx).Person, z.now()); err != nil {
			if errs.Is(err, errs.Conflict) {
				return errs.New(errs.Conflict, "authz.delegation_over")
			}
			return err
		}
		return z.changed(ctx, tx, "delegation", delegationEntry("authz.revoke", d))
	})
}
