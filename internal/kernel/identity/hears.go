package identity

import (
	"context"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

// hears keeps accounts in step with the org: a leaver's account is shut at once (GB/T 22239-2019 8.1.4.2 c), and
// accounts are listed under the unit and the name their person has today. Each looks at how things stand now, so
// that it may run twice or late.
func (i *Identity) hears() []bus.Listener {
	return []bus.Listener{
		bus.On("org.left", func(ctx context.Context, e struct {
			Person string `json:"person"`
		}) error {
			return i.personLeft(ctx, e.Person)
		}),
		bus.On("org.post_changed", func(ctx context.Context, e struct {
			People []string `json:"people"`
		}) error {
			return i.refresh(ctx, e.People)
		}),
		bus.On("org.person_changed", func(ctx context.Context, e struct {
			People []string `json:"people"`
		}) error {
			return i.refresh(ctx, e.People)
		}),
	}
}

func (i *Identity) personLeft(ctx context.Context, person string) error {
	ctx = room.Acting(ctx, robot())
	return i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		posts, err := i.People.Posts(ctx, tx, person)
		if err != nil || len(posts) > 0 { // back already
			return err
		}
		return i.DisablePerson(ctx, tx, person, i.words.Text("zh", "identity.left"))
	})
}

// refresh brings name and unit of people's accounts up to date, a hundred in a transaction.
func (i *Identity) refresh(ctx context.Context, people []string) error {
	for len(people) > 0 {
		part := people[:min(100, len(people))]
		people = people[len(part):]
		err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			in := store.In("person", part)
			all, err := store.All(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM identity_account WHERE `+in.SQL+` ORDER BY id`, in.Args...)
			if err != nil {
				return err
			}
			for n := range all {
				if err := i.refreshOne(ctx, tx, all[n].ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *Identity) refreshOne(ctx context.Context, tx *store.Tx, accountID string) error {
	a, err := lockAccount(ctx, tx, accountID)
	if err != nil {
		return err
	}
	p, err := i.People.Person(ctx, tx, a.Person)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	posts, err := i.People.Posts(ctx, tx, a.Person)
	if err != nil {
		return err
	}
	unit := ""
	if m := acting(posts, ""); m != nil {
		unit = m.Unit
	}
	find := findText(a.Login, p.Name, p.Words)
	if a.Name == p.Name && a.Find == find && a.Unit == unit {
		return nil
	}
	a.Name, a.Find, a.Unit = p.Name, find, unit
	return saveAccount(ctx, tx, &a)
}
