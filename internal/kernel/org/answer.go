package org

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

// What org answers for other packages.

// Person returns one person, left or not; Missing when unknown.
func (o *Org) Person(ctx context.Context, q store.Queryer, id string) (Person, error) {
	return onePerson(ctx, q, store.C("e.id = $1", id))
}

// PersonByStaffNo returns the person with a staff number; Missing when unknown.
func (o *Org) PersonByStaffNo(ctx context.Context, q store.Queryer, no string) (Person, error) {
	if no == "" {
		return Person{}, missingPerson()
	}
	return onePerson(ctx, q, store.C("e.staff_no = $1 AND e.staff_no <> ''", no))
}

// People returns the persons of ids by id; unknown ones are left out.
func (o *Org) People(ctx context.Context, q store.Queryer, ids []string) (map[string]Person, error) {
	out := map[string]Person{}
	for part := range chunks(ids, 500) {
		all, err := people(ctx, q, store.In("e.id", part))
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			out[p.ID] = p
		}
	}
	return out, nil
}

// PersonName returns the name of a person who has not left; Missing otherwise.
func (o *Org) PersonName(ctx context.Context, q store.Queryer, id string) (string, error) {
	p, err := o.Person(ctx, q, id)
	if err == nil && !p.Active() {
		err = errs.New(errs.Missing, "org.person_left", p.Name)
	}
	return p.Name, err
}

// Mobile returns a person's number in the clear, "" for none. It is personal data: the caller leaves
// an audit record of the look.
func (o *Org) Mobile(ctx context.Context, q store.Queryer, person string) (string, error) {
	p, err := o.Person(ctx, q, person)
	if err != nil {
		return "", err
	}
	return o.open(p)
}

// PeopleByMobile returns who has a mobile number and has not left, found by its blind index.
func (o *Org) PeopleByMobile(ctx context.Context, q store.Queryer, number string) ([]Person, error) {
	number, err := mobileNo(number)
	if err != nil || number == "" {
		return nil, err
	}
	return people(ctx, q, store.And(store.C("e.left_at = 0"), store.In("e.mobile_idx", o.ring.Indexes(mobileColumn, number))))
}

// Posts returns a person's current posts, the main one first.
func (o *Org) Posts(ctx context.Context, q store.Queryer, person string) ([]Post, error) {
	return posts(ctx, q, store.C("p.person = $1 AND p.until_at = 0", person))
}

// Post returns one post, ended or not; Missing when unknown.
func (o *Org) Post(ctx context.Context, q store.Queryer, id string) (Post, error) {
	all, err := posts(ctx, q, store.C("p.id = $1", id))
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "org.no_post")
	}
	if err != nil {
		return Post{}, err
	}
	return all[0], nil
}

// Holdings returns who holds each of the posts now, for authz.
func (o *Org) Holdings(ctx context.Context, q store.Queryer, ids []string) (map[string]authz.Holding, error) {
	return holdings(ctx, q, ids)
}

// Unit returns one unit, closed or not; Missing when unknown.
func (o *Org) Unit(ctx context.Context, q store.Queryer, id string) (Unit, error) {
	return oneUnit(ctx, q, store.C("u.id = $1", id))
}

// Units returns the units of ids by id; unknown ones are left out.
func (o *Org) Units(ctx context.Context, q store.Queryer, ids []string) (map[string]Unit, error) {
	out := map[string]Unit{}
	for part := range chunks(ids, 500) {
		all, err := units(ctx, q, store.In("u.id", part))
		if err != nil {
			return nil, err
		}
		for _, u := range all {
			out[u.ID] = u
		}
	}
	return out, nil
}

// UnitNames returns the names of the units of ids by id; unknown ones are left out.
func (o *Org) UnitNames(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	all, err := o.Units(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for id, u := range all {
		out[id] = u.Name
	}
	return out, nil
}

// UnitByCode returns the open unit with a credit or division code; Missing when there is none.
func (o *Org) UnitByCode(ctx context.Context, q store.Queryer, code string) (Unit, error) {
	if code = strings.ToUpper(strings.TrimSpace(code)); code == "" {
		return Unit{}, missingUnit()
	}
	return oneUnit(ctx, q, store.C("u.code = $1 AND u.closed_at = 0", code))
}

// Areas returns the open streets and communities that have a division code, in the tree's order.
func (o *Org) Areas(ctx context.Context, q store.Queryer) ([]Unit, error) {
	return units(ctx, q, store.And(store.C("u.closed_at = 0 AND u.code <> ''"), store.In("u.kind", []Kind{Street, Community})))
}

// UnitPath returns the units from the top of the tree down to unit, itself last.
func (o *Org) UnitPath(ctx context.Context, q store.Queryer, unit string) ([]Unit, error) {
	return unitPath(ctx, q, unit)
}

// Below returns the ids of unit and of every unit below it, closed ones too, in the tree's order.
func (o *Org) Below(ctx context.Context, q store.Queryer, unit string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT u.id FROM org_below b JOIN org_unit u ON u.id = b.below WHERE b.unit = $1 ORDER BY u.path, u.id`, unit)
}

// SearchPeople returns up to limit persons who have not left, found by name, pinyin or initials:
// those that begin with text first, then those whose name holds it.
func (o *Org) SearchPeople(ctx context.Context, q store.Queryer, text string, limit int) ([]Person, error) {
	return searchPeople(ctx, q, text, limit)
}

// SearchUnits returns up to limit open units found by name, short name, alias, pinyin or initials.
func (o *Org) SearchUnits(ctx context.Context, q store.Queryer, text string, limit int) ([]Unit, error) {
	return searchUnits(ctx, q, text, limit)
}
