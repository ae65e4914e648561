package dataset

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/room"
)

// Live is a dataset a room answers for with a function instead of a stored table (实时资源). A unit takes it up; from then on
// it is a dataset like any other, catalogued, looked up, granted and delivered by the same code, but it has no versions: what
// is asked is asked of now. Why it is so: docs/adr/0017-live-datasets.md.
type Live struct {
	Name    string // what programs call it; a unit that takes it up may choose another
	Title   string
	Summary string
	Room    string // that declares it
	Columns []Column
	// Perm is a permission of the room. Rows acts as the unit that took the dataset up, which holds it over itself and all
	// below, so authz.Where gives the rows that unit answers for. Who asks the unit may see is settled before, by grants.
	Perm string
	// Rows gives them: one value a column, as its Type.Coerce takes it, in an order that does not change by itself. It may
	// leave out what Wanted rules out, and must not what it does not; more than MostLive rows are refused.
	Rows func(ctx context.Context, q store.Queryer, w Wanted) iter.Seq2[[]any, error]
}

// MostLive bounds the rows of a live dataset that are read for one question; what is larger is to be stored.
const MostLive = 200_000

// Wanted is what of a live dataset is wanted.
type Wanted struct {
	columns []Column
	where   warehouse.Test
	keys    []any // of a list, for the column key
	key     int
}

// Only returns the values one of which a column must have, none nil; false when any will do.
func (w Wanted) Only(column string) ([]any, bool) {
	at := slices.IndexFunc(w.columns, func(c Column) bool { return c.Name == column })
	if w.keys != nil && at == w.key {
		return w.keys, true
	}
	return w.where.Only(at)
}

// Texts is Only of a column of texts, as a condition on an SQL expression; true of all when any will do.
func (w Wanted) Texts(column, expr string) store.Cond {
	all, ok := w.Only(column)
	if !ok || len(all) > 500 {
		return store.C("TRUE")
	}
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = warehouse.Format(v)
	}
	return store.In(expr, texts)
}

// Declare adds a live dataset. A room calls it once when it is made.
func (d *Datasets) Declare(l Live) error {
	if err := CheckName(l.Name); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := CheckColumns(l.Columns); err != nil {
		return fmt.Errorf("dataset: %s: %w", l.Name, err)
	}
	if _, twice := d.live[l.Name]; twice || l.Rows == nil {
		return fmt.Errorf("dataset: live dataset %s is declared twice or answers nothing", l.Name)
	}
	d.live[l.Name] = l
	return nil
}

// AllDeclared returns every live dataset there is to be taken up, by name.
func (d *Datasets) AllDeclared() []Live {
	out := make([]Live, 0, len(d.live))
	for _, name := range slices.Sorted(maps.Keys(d.live)) {
		out = append(out, d.live[name])
	}
	return out
}

// OfLive returns the live datasets units have taken up, as far as scope shows them, by title.
func (d *Datasets) OfLive(ctx context.Context, q store.Queryer, scope store.Scope) ([]Dataset, error) {
	where := store.And(store.C("d.live <> ''"), scope.Cond())
	return store.All(ctx, q, scan, `SELECT `+columns+` FROM dataset d WHERE `+where.SQL+` ORDER BY d.title, d.id`, where.Args...)
}

// WithVersions is a scope of datasets without the live ones, for what needs versions.
func WithVersions(s store.Scope) store.Scope {
	return store.Scoped(store.And(s.Cond(), store.C("d.live = ''")))
}

// IsLive reports whether a function of a room answers for it.
func (d Dataset) IsLive() bool { return d.Live != "" }

// TakenUp says for whom a live dataset is taken up, and under which name; "" is the declared one.
type TakenUp struct{ Name, Title, Unit, Street, Owner string }

// TakeUp makes a declared live dataset one of a unit. The caller has checked that the actor may. Missing when no room
// declares it, Conflict when the unit has it already or the name is taken.
func (d *Datasets) TakeUp(ctx context.Context, tx *store.Tx, declared string, t TakenUp) (Dataset, error) {
	l, ok := d.live[declared]
	if !ok {
		return Dataset{}, errs.New(errs.Missing, "dataset.live_gone", declared)
	}
	if t.Name == "" {
		t.Name = l.Name
	}
	if t.Title == "" {
		t.Title = l.Title
	}
	if err := CheckName(t.Name); err != nil {
		return Dataset{}, err
	}
	if err := store.Lock(ctx, tx, "dataset_live", declared); err != nil {
		return Dataset{}, err
	}
	held, err := store.Value[int](ctx, tx, `SELECT count(*) FROM dataset WHERE live = $1 AND unit_id = $2`, declared, t.Unit)
	if err == nil && held > 0 {
		err = errs.New(errs.Conflict, "dataset.live_taken", l.Title)
	}
	if err != nil {
		return Dataset{}, err
	}
	if _, other := d.live[t.Name]; other && t.Name != declared {
		return Dataset{}, errs.New(errs.Conflict, "dataset.name_taken", t.Name)
	}
	ds := Dataset{ID: id.New(), Name: t.Name, Title: t.Title, Summary: l.Summary, Room: l.Room, Unit: t.Unit, Street: t.Street, Owner: t.Owner, Live: declared,
		Columns: l.Columns, Level: highest(l.Columns), Current: "live:" + declared, Updated: store.At(d.now()), Version: 1}
	if err := insert(ctx, tx, ds); err != nil {
		return ds, err
	}
	return ds, d.find.Touch(ctx, tx, kind, ds.ID)
}

// fresh gives a live dataset the only time its data has: now.
func (d *Datasets) fresh(ds Dataset) Dataset {
	if ds.IsLive() {
		ds.Updated = store.At(d.now())
	}
	return ds
}

// align brings the columns of live datasets to what the rooms of this program declare: new ones come as they are declared,
// those that are no more go, and what people have said of the others stays.
func (d *Datasets) align(ctx context.Context) error {
	all, err := among(ctx, d.db, store.C("d.live <> ''"))
	if err != nil {
		return err
	}
	for _, ds := range all {
		l, ok := d.live[ds.Live]
		if !ok || same(l.Columns, ds.Columns) {
			continue
		}
		err := d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			ds, err := d.hold(ctx, tx, ds.ID, ds.Version)
			if err != nil {
				return err
			}
			ds.Columns = keepClass(l.Columns, ds.Columns)
			ds.Level, ds.Version = highest(ds.Columns), ds.Version+1
			return save(ctx, tx, ds)
		})
		if err != nil && !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}

func same(a, b []Column) bool {
	return slices.EqualFunc(a, b, func(a, b Column) bool { return a.Name == b.Name && a.Type == b.Type && a.Key == b.Key })
}

// asker answers trees about a dataset: the warehouse, or a function of a room.
type asker interface {
	Version(ctx context.Context, id string) (warehouse.Version, error)
	Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error)
	Match(ctx context.Context, m warehouse.Matching) (iter.Seq2[warehouse.Match, error], error)
}

// over is who answers for a dataset.
func (d *Datasets) over(ds Dataset) (asker, error) {
	if !ds.IsLive() {
		return d.store()
	}
	l, ok := d.live[ds.Live]
	if !ok {
		return nil, errs.New(errs.Missing, "dataset.live_gone", ds.Title)
	}
	return &function{d.db, l, ds}, nil
}

// function answers for a live dataset.
type function struct {
	db *store.DB
	Live
	ds Dataset
}

func (f *function) find(id string) (warehouse.Version, bool) {
	return warehouse.Version{ID: f.ds.Current, Table: f.ds.Name, Columns: Physical(f.ds.Columns)}, id == f.ds.Current
}

// Version is the shape of the dataset; it has no rows of its own.
func (f *function) Version(_ context.Context, id string) (warehouse.Version, error) {
	v, ok := f.find(id)
	if !ok {
		return v, errs.New(errs.Missing, "warehouse.no_version", id)
	}
	return v, nil
}

// Query answers a tree from the rows of now.
func (f *function) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	p, err := warehouse.NewPlan(q, f.find)
	if err != nil {
		return nil, err
	}
	return &warehouse.Result{Columns: p.Columns(), Rows: p.Over(f.rows(ctx, Wanted{columns: f.ds.Columns, where: p.Where}))}, nil
}

// Match holds a list against the rows of now.
func (f *function) Match(ctx context.Context, m warehouse.Matching) (iter.Seq2[warehouse.Match, error], error) {
	p, key, keys, err := warehouse.PlanMatch(m, f.find)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(keys))
	for i, k := range keys {
		at[warehouse.Format(k)] = i
	}
	return func(yield func(warehouse.Match, error) bool) {
		found := map[int]*warehouse.Match{}
		for row, err := range p.Over(f.rows(ctx, Wanted{columns: f.ds.Columns, where: p.Where, keys: keys, key: key.Column})) {
			if err != nil {
				yield(warehouse.Match{}, err)
				return
			}
			i, asked := at[warehouse.Format(row[0])]
			if row[0] == nil || !asked {
				continue
			}
			if one := found[i]; one != nil {
				one.Rows++
				continue
			}
			one := &warehouse.Match{Key: i, Rows: 1}
			for _, v := range row[1:] {
				one.Texts = append(one.Texts, warehouse.Format(v))
			}
			found[i] = one
		}
		for _, i := range slices.Sorted(maps.Keys(found)) {
			if !yield(*found[i], nil) {
				return
			}
		}
	}, nil
}

// rows asks the room as the unit that took the dataset up, and gives each row the columns the dataset has.
func (f *function) rows(ctx context.Context, w Wanted) iter.Seq2[[]any, error] {
	acting := room.Acting(ctx, &room.Actor{Name: "live", Unit: f.ds.Unit, Home: f.ds.Unit, Street: f.ds.Street,
		Grants: map[string][]room.Grant{f.Perm: {{Scope: room.Below, Unit: f.ds.Unit, Street: f.ds.Street}}}})
	at := make([]int, len(f.ds.Columns))
	for i, c := range f.ds.Columns {
		at[i] = slices.IndexFunc(f.Columns, func(o Column) bool { return o.Name == c.Name && o.Type == c.Type })
	}
	return func(yield func([]any, error) bool) {
		if slices.Contains(at, -1) {
			yield(nil, errs.New(errs.Missing, "dataset.live_gone", f.ds.Title))
			return
		}
		n := 0
		for row, err := range f.Rows(acting, f.db, w) {
			if n++; err == nil && n > MostLive {
				err = errs.New(errs.Invalid, "dataset.live_many", f.ds.Title, MostLive)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			out := make([]any, len(at))
			for i, from := range at {
				c := f.ds.Columns[i]
				v, err := c.Type.Coerce(row[from])
				if err != nil {
					yield(nil, fmt.Errorf("dataset: %s.%s: %w", f.Name, c.Name, err))
					return
				}
				if s, text := v.(string); text { // as a stored table keeps it
					if c.Kind != "" || c.Key {
						s = codes.Normalise(c.Kind, s)
					}
					if v = s; s == "" {
						v = nil
					}
				}
				out[i] = v
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}
