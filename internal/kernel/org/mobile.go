package org

import (
	"context"
	"strconv"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
)

// mobileColumn names the blind index of mobile numbers.
const mobileColumn = "org_person.mobile"

// aad binds a sealed number to its row: moved to another person it does not open.
func aad(person string) string { return mobileColumn + "/" + person }

// seal returns what is kept of a number: sealed, and its blind index. Both are "" for none.
func (o *Org) seal(person, mobile string) (sealed, index string) {
	if mobile == "" {
		return "", ""
	}
	return o.ring.Seal(aad(person), []byte(mobile)), o.ring.Index(mobileColumn, mobile)
}

// open returns the number in the clear.
func (o *Org) open(p Person) (string, error) {
	if p.sealed == "" {
		return "", nil
	}
	b, err := o.ring.Unseal(aad(p.ID), p.sealed)
	return string(b), err
}

// sight is how far the caller sees mobile numbers: masked ones of everybody but leaders, whole ones
// within org.phone_full, leaders' only within org.phone_leader.
type sight struct{ full, leaders authz.Reached }

func (o *Org) sight(ctx context.Context, q store.Queryer) (s sight, err error) {
	if s.full, err = authz.Reach(ctx, q, "org.phone_full"); err != nil {
		return s, err
	}
	s.leaders, err = authz.Reach(ctx, q, "org.phone_leader")
	return s, err
}

// hidden reports whether not even a masked number of p may be shown: p is a leader, not the caller himself.
func (s sight) hidden(me string, p Person) bool {
	return p.Leader && p.ID != me && !s.leaders.Has(p.Unit, p.street, p.ID)
}

// whole reports whether the number of p may be shown unmasked.
func (s sight) whole(me string, p Person) bool {
	return !s.hidden(me, p) && s.full.Has(p.Unit, p.street, p.ID)
}

// masked returns the number of p with its middle hidden, "" when there is none or it is hidden.
func (o *Org) masked(ctx context.Context, s sight, p Person) (string, error) {
	if s.hidden(authz.From(ctx).Person, p) {
		return "", nil
	}
	number, err := o.open(p)
	if err != nil || number == "" {
		return "", err
	}
	return codes.Mask(codes.KindMobile, number), nil
}

func itoa(n int) string { return strconv.Itoa(n) }
