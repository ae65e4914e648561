package identity

import (
	"context"
	"strings"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
)

type bulkIn struct {
	Body struct {
		Unit string `json:"unit" required:"false" maxLength:"40" doc:"everybody in it and below, empty for everybody in the caller's reach"`
	}
}

// Skipped is somebody who was given no account.
type Skipped struct {
	Person string `json:"person"`
	Name   string `json:"name"`
	Reason string `json:"reason" doc:"in the caller's language"`
}

type bulkOut struct {
	Body struct {
		Made    int       `json:"made"`
		Skipped []Skipped `json:"skipped" nullable:"false"`
	}
}

// postBulk gives an account to everybody in a unit and below who has none, in one transaction. The login is the staff
// number in lower case; nobody can sign in before he is handed an activation code.
func (i *Identity) postBulk(ctx context.Context, in *bulkIn) (*bulkOut, error) {
	out := &bulkOut{}
	err := i.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if in.Body.Unit != "" {
			if err := authz.MayUnit(ctx, tx, permUnit, in.Body.Unit); err != nil {
				return err
			}
		}
		if err := store.Lock(ctx, tx, "identity.bulk", ""); err != nil {
			return err
		}
		list, skipped, err := i.without(ctx, tx, in.Body.Unit)
		if err != nil {
			return err
		}
		out.Body.Made, out.Body.Skipped = len(list), skipped
		return i.createAccounts(ctx, tx, list, map[string]any{"unit": in.Body.Unit, "skipped": len(skipped)})
	})
	return out, err
}

// without lists the accounts to be made for who has none, and who cannot be given one.
func (i *Identity) without(ctx context.Context, tx *store.Tx, unit string) (list []NewAccount, skipped []Skipped, err error) {
	reach, err := authz.Reach(ctx, tx, permUnit)
	if err != nil {
		return nil, nil, err
	}
	people, err := i.People.Members(ctx, tx, unit)
	if err != nil {
		return nil, nil, err
	}
	has, used, err := accountsThere(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	skipped = []Skipped{}
	for _, p := range people {
		if has[p.ID] || !reach.Has(p.Unit, "", "") {
			continue
		}
		login := strings.ToLower(p.StaffNo)
		var why string
		switch {
		case login == "":
			why = "identity.bulk_no_staff_no"
		case used[loginKey(login)]:
			why = "identity.bulk_login_taken"
		case checkLogin(login) != nil:
			why = "identity.bad_login"
		default:
			used[loginKey(login)] = true
			list = append(list, NewAccount{Person: p.ID, Login: login, Name: p.Name, Unit: p.Unit, Words: p.Words})
			continue
		}
		skipped = append(skipped, Skipped{p.ID, p.Name, i.words.Text(web.From(ctx).Lang, why, login)})
	}
	return list, skipped, nil
}

// accountsThere returns who has an account of his own, and the logins in use.
func accountsThere(ctx context.Context, q store.Queryer) (has, used map[string]bool, err error) {
	type row struct {
		person, key string
		service     bool
	}
	all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.person, &r.key, &r.service} }, `SELECT person, login_key, service FROM identity_account`)
	has, used = map[string]bool{}, map[string]bool{}
	for _, r := range all {
		used[r.key] = true
		if r.person != "" && !r.service {
			has[r.person] = true
		}
	}
	return has, used, err
}
