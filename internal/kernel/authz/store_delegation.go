package authz

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const delegationColumns = `id, from_person, from_post, from_name, to_person, to_name, reason, from_at, until_at, made_at, revoked_at, revoked_by`

func scanDelegation(d *Delegation) []any {
	return []any{&d.ID, &d.FromPerson, &d.FromPost, &d.FromName, &d.ToPerson, &d.ToName, &d.Reason, &d.From, &d.Until, &d.Made, &d.Revoked, &d.RevokedBy}
}

// delegationsTo returns what is lent to person now or will be.
func delegationsTo(ctx context.Context, q store.Queryer, person string, now time.Time) ([]Delegation, error) {
	all, err := store.All(ctx, q, scanDelegation, `SELECT `+delegationColumns+` FROM authz_delegation
		WHERE to_person = $1 AND until_at > $2 AND revoked_at = 0 ORDER BY id`, person, store.At(now))
	if err != nil {
		return nil, err
	}
	return all, fillPerms(ctx, q, all)
}

// fillPerms reads the permissions of each of all.
func fillPerms(ctx context.Context, q store.Queryer, all []Delegation) error {
	if len(all) == 0 {
		return nil
	}
	at := map[string]int{}
	ids := make([]string, len(all))
	for i, d := range all {
		at[d.ID], ids[i] = i, d.ID
	}
	type row struct{ id, perm string }
	in := store.In("delegation_id", ids)
	rows, err := store.All(ctx, q, func(r *row) []any { return []any{&r.id, &r.perm} },
		`SELECT delegation_id, perm FROM authz_delegation_perm WHERE `+in.SQL+` ORDER BY delegation_id, perm`, in.Args...)
	for _, r := range rows {
		i := at[r.id]
		all[i].perms = append(all[i].perms, r.perm)
	}
	return err
}

func findDelegation(ctx context.Context, q store.Queryer, id string) (Delegation, error) {
	d, err := store.One(ctx, q, scanDelegation, `SELECT `+delegationColumns+` FROM authz_delegation WHERE id = $1`, id)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "authz.no_delegation")
	}
	return d, err
}

func insertDelegation(ctx context.Context, q store.Queryer, d Delegation) error {
	err := store.Exec(ctx, q, `INSERT INTO authz_delegation (`+delegationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		d.ID, d.FromPerson, d.FromPost, d.FromName, d.ToPerson, d.ToName, d.Reason, d.From, d.Until, d.Made, d.Revoked, d.RevokedBy)
	for _, perm := range d.perms {
		if err == nil {
			err = store.Exec(ctx, q, `INSERT INTO authz_delegation_perm (delegation_id, perm) VALUES ($1, $2)`, d.ID, perm)
		}
	}
	return err
}

// revoke ends a delegation that is not over at now; a Conflict otherwise.
func revoke(ctx context.Context, q store.Queryer, id, by string, now time.Time) error {
	return store.ExecOne(ctx, q, `UPDATE authz_delegation SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at = 0 AND until_at > $4`,
		store.At(now), by, id, store.At(now))
}

func listDelegations(ctx context.Context, q store.Queryer, s store.Scope, page store.Page, conds ...store.Cond) (store.Listed[Delegation], error) {
	l, err := store.List(ctx, q, store.Query[Delegation]{Select: `SELECT ` + delegationColumns + ` FROM authz_delegation`, Scope: s, Where: conds, Page: page,
		Keys: []string{"id"}, Desc: true, Scan: scanDelegation, Cursor: func(d *Delegation) []any { return []any{d.ID} }})
	if err != nil {
		return l, err
	}
	return l, fillPerms(ctx, q, l.Items)
}
