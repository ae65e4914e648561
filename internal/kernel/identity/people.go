package identity

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/org"
)

// FromOrg is the org as identity asks it.
func FromOrg(o *org.Org) People { return fromOrg{o} }

type fromOrg struct{ org *org.Org }

func (f fromOrg) Posts(ctx context.Context, q store.Queryer, person string) ([]Post, error) {
	all, err := f.org.Posts(ctx, q, person)
	out := make([]Post, 0, len(all))
	for _, p := range all {
		out = append(out, Post{ID: p.ID, Title: p.Title, Unit: p.Unit, UnitName: p.UnitName, Home: p.Home, HomeName: p.HomeName, Street: p.Street, Main: p.Main})
	}
	return out, err
}

// Person reads the mobile number too. It is compared with a password and shown to nobody, so that no look is recorded.
func (f fromOrg) Person(ctx context.Context, q store.Queryer, id string) (Person, error) {
	p, err := f.org.Person(ctx, q, id)
	if err != nil {
		return Person{}, err
	}
	out := Person{ID: p.ID, Name: p.Name, Words: []string{p.Pinyin, p.Initials}}
	if out.Phone, err = f.org.Mobile(ctx, q, id); err != nil {
		return out, err
	}
	posts, err := f.org.Posts(ctx, q, id)
	for _, post := range posts {
		out.Units = append(out.Units, post.UnitName)
	}
	return out, err
}

func (f fromOrg) UnitNames(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	return f.org.UnitNames(ctx, q, ids)
}

func (f fromOrg) Members(ctx context.Context, q store.Queryer, unit string) ([]Member, error) {
	all, err := f.org.Staff(ctx, q, unit)
	out := make([]Member, len(all))
	for n, p := range all {
		out[n] = Member{ID: p.ID, Name: p.Name, StaffNo: p.StaffNo, Unit: p.Unit, Words: []string{p.Pinyin, p.Initials}}
	}
	return out, err
}
