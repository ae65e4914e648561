package dataset

import (
	"context"
	"fmt"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// Reach is the scope of the datasets that perm reaches through who answers for them.
func Reach(ctx context.Context, perm string) store.Scope {
	return authz.WhereCols(ctx, perm, authz.Cols{Unit: "d.unit_id", Street: "d.street", Owner: "d.owner"})
}

// Readable is the scope of the datasets the actor may read with perm: those in its reach, and those granted to him,
// his unit or a unit above it for a mode ("" for any), as long as the grant holds.
func (d *Datasets) Readable(ctx context.Context, q store.Queryer, perm string, m Mode) (store.Scope, error) {
	me := authz.From(ctx)
	if me.IsJob || !me.Can(perm) {
		return Reach(ctx, perm), nil
	}
	mine, err := d.mine(ctx, q, me, m)
	if err != nil {
		return store.Scope{}, err
	}
	granted := store.Cond{SQL: `EXISTS (SELECT 1 FROM dataset_grant g WHERE g.dataset_id = d.id AND ` + mine.SQL + `)`, Args: mine.Args}
	return store.Scoped(store.Or(Reach(ctx, perm).Cond(), granted)), nil
}

// mine is true of the grants g that hold for the actor in a mode now.
func (d *Datasets) mine(ctx context.Context, q store.Queryer, me *room.Actor, m Mode) (store.Cond, error) {
	var units []string
	if me.Unit != "" {
		var err error
		if units, err = d.above(ctx, q, me.Unit); err != nil {
			return store.Cond{}, err
		}
		units = append(units, me.Unit)
	}
	return store.And(modeOf(m), holds(units, me.Person, store.At(d.now()))), nil
}

// Get returns the dataset with an id when scope shows it; Missing otherwise.
func (d *Datasets) Get(ctx context.Context, q store.Queryer, id string, scope store.Scope) (Dataset, error) {
	ds, err := one(ctx, q, store.And(store.C("d.id = $1", id), scope.Cond()))
	return d.fresh(ds), err
}

// Named is Get by name.
func (d *Datasets) Named(ctx context.Context, q store.Queryer, name string, scope store.Scope) (Dataset, error) {
	ds, err := one(ctx, q, store.And(store.C("d.name = $1", name), scope.Cond()))
	return d.fresh(ds), err
}

// Taken reports whether a dataset, of any unit, has the name.
func (d *Datasets) Taken(ctx context.Context, q store.Queryer, name string) (bool, error) {
	if _, live := d.live[name]; live {
		return true, nil
	}
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM dataset WHERE name = $1`, name)
	return n > 0, err
}

// List returns the datasets scope shows, last updated first; text narrows them by title or name.
func (d *Datasets) List(ctx context.Context, q store.Queryer, scope store.Scope, text string, page store.Page) (store.Listed[Dataset], error) {
	var where []store.Cond
	if text != "" {
		like := store.Anywhere(text)
		where = append(where, store.C(`lower(d.title) LIKE lower($1) ESCAPE '!' OR lower(d.name) LIKE lower($2) ESCAPE '!'`, like, like))
	}
	all, err := store.List(ctx, q, store.Query[Dataset]{Select: `SELECT ` + columns + ` FROM dataset d`, Scope: scope, Where: where,
		Keys: []string{"d.updated_at", "d.id"}, Desc: true, Page: page, Scan: scan, Cursor: func(d *Dataset) []any { return []any{d.Updated, d.ID} }})
	for i, ds := range all.Items {
		all.Items[i] = d.fresh(ds)
	}
	return all, err
}

// Versions returns the history of a dataset, newest first.
func (d *Datasets) Versions(ctx context.Context, q store.Queryer, dataset string) ([]Version, error) {
	return versions(ctx, q, dataset)
}

// AsOf is a dataset as one of its versions was, by id or, where id is empty, by number: its columns then, guarded as they
// are now. Missing when the version has been cleaned up.
func (d *Datasets) AsOf(ctx context.Context, q store.Queryer, ds Dataset, id string, number int64) (Dataset, error) {
	if id == ds.Current || id == "" && number == ds.Number {
		return ds, nil
	}
	all, err := versions(ctx, q, ds.ID)
	if err != nil {
		return ds, err
	}
	i := slices.IndexFunc(all, func(v Version) bool { return v.ID == id || id == "" && v.Number == number })
	if i < 0 {
		return ds, errs.New(errs.Missing, "dataset.version_gone", ds.Title)
	}
	v := all[i]
	ds.Columns, ds.Current, ds.Number, ds.Rows, ds.Bytes, ds.Hash, ds.Updated = keepClass(v.Columns, ds.Columns), v.ID, v.Number, v.Rows, v.Bytes, v.Hash, v.At
	return ds, nil
}

// Publish makes a dataset, or the next version of one, of what has been loaded into the warehouse; from the commit on
// it serves. Conflict when the name is taken, or the dataset has changed since the caller looked.
func (d *Datasets) Publish(ctx context.Context, tx *store.Tx, p Publication) (Dataset, error) {
	if err := CheckColumns(p.Columns); err != nil {
		return Dataset{}, err
	}
	for i, c := range Physical(p.Columns) {
		if i >= len(p.Loaded.Columns) || c.Name != p.Loaded.Columns[i].Name || c.Type != p.Loaded.Columns[i].Type {
			return Dataset{}, fmt.Errorf("dataset: column %s is not what was loaded", c.Name)
		}
	}
	p.Columns = keptAs(p.Columns, p.Loaded.Columns)
	at := store.At(d.now())
	ds, err := d.target(ctx, tx, p)
	if err != nil {
		return ds, err
	}
	ds.newest++
	v := Version{ID: p.Loaded.ID, Number: ds.newest, Columns: p.Columns, Rows: p.Loaded.Rows, Bytes: p.Loaded.Bytes, Hash: p.Loaded.Hash, Source: p.Source, Person: p.Person, At: at}
	ds.Title, ds.Summary, ds.Version = p.Title, p.Summary, ds.Version+1
	ds.show(v, at)
	if p.ID == "" {
		err = insert(ctx, tx, ds)
	} else {
		err = save(ctx, tx, ds)
	}
	if err != nil {
		return ds, err
	}
	if err := insertVersion(ctx, tx, ds.ID, v); err != nil {
		return ds, err
	}
	if err := d.find.Touch(ctx, tx, kind, ds.ID); err != nil {
		return ds, err
	}
	if err := serve(ctx, tx, ds.ID, v.ID, at); err != nil {
		return ds, err
	}
	return ds, d.served(ctx, tx, ds)
}

// target is the dataset a publication goes on with, or a new one.
func (d *Datasets) target(ctx context.Context, tx *store.Tx, p Publication) (Dataset, error) {
	if p.ID != "" {
		ds, err := d.hold(ctx, tx, p.ID, p.Expect)
		if err == nil && ds.IsLive() {
			err = errs.New(errs.Conflict, "dataset.live_fixed", ds.Title)
		}
		return ds, err
	}
	ds := Dataset{ID: id.New(), Name: p.Name, Room: p.Room, Unit: p.Unit, Street: p.Street, Owner: p.Owner}
	if err := CheckName(p.Name); err != nil {
		return ds, err
	}
	taken, err := d.Taken(ctx, tx, p.Name)
	if err == nil && taken {
		err = errs.New(errs.Conflict, "dataset.name_taken", p.Name)
	}
	return ds, err
}

// show makes v the version that serves.
func (ds *Dataset) show(v Version, at store.Time) {
	ds.Columns, ds.Level = v.Columns, highest(v.Columns)
	ds.Current, ds.Number, ds.Rows, ds.Bytes, ds.Hash, ds.Updated = v.ID, v.Number, v.Rows, v.Bytes, v.Hash, at
}

// hold locks a dataset for a change and returns it; Conflict when it is no longer as the caller saw it.
func (d *Datasets) hold(ctx context.Context, tx *store.Tx, id string, expect int64) (Dataset, error) {
	if err := store.Lock(ctx, tx, "dataset", id); err != nil {
		return Dataset{}, err
	}
	ds, err := one(ctx, tx, store.C("d.id = $1", id))
	if err == nil && ds.Version != expect {
		err = errs.New(errs.Conflict, "dataset.changed", ds.Title)
	}
	return ds, err
}

// Rollback makes an older version serve again. The caller has checked that the actor may.
func (d *Datasets) Rollback(ctx context.Context, tx *store.Tx, id string, expect int64, version string) (Dataset, error) {
	ds, err := d.hold(ctx, tx, id, expect)
	if err != nil {
		return ds, err
	}
	v, err := findVersion(ctx, tx, id, version)
	if err != nil {
		return ds, err
	}
	if v.ID == ds.Current {
		return ds, errs.New(errs.Conflict, "dataset.serves_already", v.Number)
	}
	at := store.At(d.now())
	v.Columns = keepClass(v.Columns, ds.Columns)
	ds.show(v, at)
	ds.Version++
	if err := save(ctx, tx, ds); err != nil {
		return ds, err
	}
	if err := d.find.Touch(ctx, tx, kind, id); err != nil {
		return ds, err
	}
	if err := serve(ctx, tx, id, v.ID, at); err != nil {
		return ds, err
	}
	return ds, d.served(ctx, tx, ds)
}

// Description is what may be corrected about a dataset without loading it again.
type Description struct {
	Title   string   `json:"title" minLength:"2" maxLength:"100"`
	Summary string   `json:"summary" maxLength:"1000"`
	Columns []Column `json:"columns" maxItems:"1000" doc:"titles, kinds, levels and masks; name, type and key stay"`
}

// Describe corrects titles and classification. Columns are matched by name; those not given stay as they are.
func (d *Datasets) Describe(ctx context.Context, tx *store.Tx, id string, expect int64, to Description) (Dataset, error) {
	ds, err := d.hold(ctx, tx, id, expect)
	if err != nil {
		return ds, err
	}
	ds.Columns = keepClass(ds.Columns, to.Columns)
	if err := CheckColumns(ds.Columns); err != nil {
		return ds, err
	}
	ds.Title, ds.Summary, ds.Level, ds.Version = to.Title, to.Summary, highest(ds.Columns), ds.Version+1
	if err := save(ctx, tx, ds); err != nil {
		return ds, err
	}
	return ds, d.find.Touch(ctx, tx, kind, id)
}

// Remove forgets a dataset with its history and grants; its versions are collected a day later.
func (d *Datasets) Remove(ctx context.Context, tx *store.Tx, id string, expect int64) (Dataset, error) {
	ds, err := d.hold(ctx, tx, id, expect)
	if err != nil {
		return ds, err
	}
	if err := store.ExecOne(ctx, tx, `DELETE FROM dataset WHERE id = $1`, id); err != nil {
		return ds, err
	}
	if d.bus != nil {
		if err := d.bus.Emit(ctx, tx, "dataset.removed", Removed{ds.ID, ds.Name}); err != nil {
			return ds, err
		}
	}
	return ds, d.find.Touch(ctx, tx, kind, id)
}

// Grants returns all grants of a dataset, newest first, those that ended included.
func (d *Datasets) Grants(ctx context.Context, q store.Queryer, dataset string) ([]Grant, error) {
	return grants(ctx, q, store.C("g.dataset_id = $1", dataset))
}

// Grant shares ds. The caller has checked that the actor may and that the unit or person exists.
func (d *Datasets) Grant(ctx context.Context, tx *store.Tx, ds Dataset, g Grant) (Grant, error) {
	now := d.now()
	g.ID, g.dataset, g.By, g.At = id.New(), ds.ID, authz.From(ctx).Person, store.At(now)
	if g.From.IsZero() {
		g.From = g.At
	}
	g.Reveal, g.Filter = append([]string{}, g.Reveal...), append(Filter{}, g.Filter...)
	if len(g.Modes) == 0 {
		g.Modes = []Mode{Look}
	}
	if err := g.check(ds, now); err != nil {
		return g, err
	}
	return g, insertGrant(ctx, tx, g)
}

// Revoke ends a grant at once; Missing when ds has no such grant that still stands.
func (d *Datasets) Revoke(ctx context.Context, tx *store.Tx, ds Dataset, grant string) (Grant, error) {
	all, err := grants(ctx, tx, store.C("g.dataset_id = $1 AND g.id = $2 AND g.revoked_at = 0", ds.ID, grant))
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "dataset.no_grant")
	}
	if err != nil {
		return Grant{}, err
	}
	g := all[0]
	g.RevokedBy, g.Revoked = authz.From(ctx).Person, store.At(d.now())
	return g, store.ExecOne(ctx, tx, `UPDATE dataset_grant SET revoked_by = $1, revoked_at = $2 WHERE id = $3 AND revoked_at = 0`, g.RevokedBy, g.Revoked, g.ID)
}

// Spend counts records given out by a grant today, in the transaction that records it; Limited, and the transaction is
// to fall, when the grant's quota does not hold so many.
func (d *Datasets) Spend(ctx context.Context, tx *store.Tx, g Grant, records int64) error {
	if g.ID == "" {
		return nil
	}
	sum, err := spend(ctx, tx, g.ID, string(warehouse.DateOf(d.now())), records)
	if err == nil && g.Quota > 0 && sum > g.Quota {
		err = errs.New(errs.Limited, "dataset.quota", g.Quota, max(0, g.Quota-sum+records), records)
	}
	return err
}

// Spent is what a grant gave out today.
func (d *Datasets) Spent(ctx context.Context, q store.Queryer, grant string) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT CAST(coalesce(sum(records), 0) AS BIGINT) FROM dataset_spent WHERE grant_id = $1 AND day = $2`, grant, string(warehouse.DateOf(d.now())))
}

// Right returns what the actor may see of ds in a mode: everything when perm reaches it, and in clear when bare does too;
// else what is granted. A bare of "" reaches nothing.
func (d *Datasets) Right(ctx context.Context, q store.Queryer, ds Dataset, perm, bare string, m Mode) (Right, error) {
	var r Right
	var err error
	if r.Owned, err = d.reaches(ctx, q, ds.ID, perm); err != nil {
		return r, err
	}
	if r.Owned && bare != "" {
		if r.Bare, err = d.reaches(ctx, q, ds.ID, bare); err != nil {
			return r, err
		}
	}
	mine, err := d.mine(ctx, q, authz.From(ctx), m)
	if err != nil {
		return r, err
	}
	r.Grants, err = grants(ctx, q, store.And(store.C("g.dataset_id = $1", ds.ID), mine))
	return r, err
}

func (d *Datasets) reaches(ctx context.Context, q store.Queryer, id, perm string) (bool, error) {
	where := store.And(store.C("d.id = $1", id), Reach(ctx, perm).Cond())
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM dataset d WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

// Clean drops columns a reader may not see from a copy of the dataset.
func (r Right) Clean(ds Dataset) Dataset {
	ds.Columns = slices.DeleteFunc(slices.Clone(ds.Columns), func(c Column) bool { return !r.MaySee(c.Name) })
	return ds
}
