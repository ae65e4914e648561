package dataset

import (
	"context"
	"slices"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
)

// Keep is how the values of a column are to lie on disk, and of a column that was loaded how they do. See docs/adr/0017.
type Keep string

// The ways.
const (
	KeepByRule Keep = ""       // as Settled decides at the next load
	KeepPlain  Keep = "plain"  // as they are
	KeepSealed Keep = "sealed" // encrypted; found and joined by whole values
	KeepHashed Keep = "hashed" // a keyed hash: found by whole values, and never read again
)

// Closed reports whether values are not there to be read on disk.
func (k Keep) Closed() bool { return k == KeepSealed || k == KeepHashed }

// closeness orders the ways.
func (k Keep) closeness() int { return slices.Index([]Keep{KeepPlain, KeepSealed, KeepHashed}, k) }

// realm is what columns of a kind identify: values of one realm are sealed alike, so that tables can be joined by them.
func realm(kind codes.Kind) string {
	switch kind {
	case "":
		return string(codes.KindOther)
	case codes.KindIDStrict:
		return string(codes.KindID)
	}
	return string(kind)
}

// Identifiers are the kinds whose columns are sealed unless somebody who may says otherwise: what identifies a person or
// opens an account (GB/T 35273-2020 §6.3: such data is encrypted where it is kept).
func Identifiers() []codes.Kind {
	return slices.DeleteFunc(codes.Kinds(), func(k codes.Kind) bool { return !guarded(k) })
}

// rule is how a column is kept when nobody decides.
func (d *Datasets) rule(ctx context.Context, c Column) Keep {
	if guarded(c.Kind) && c.Type.Kind == warehouse.KindText && d.Seal(ctx) {
		return KeepSealed
	}
	return KeepPlain
}

// Settled returns the columns with how each is kept decided.
func (d *Datasets) Settled(ctx context.Context, cols []Column) []Column {
	out := slices.Clone(cols)
	for i, c := range out {
		if c.Keep == KeepByRule && d.rule(ctx, c) == KeepSealed {
			out[i].Keep = KeepSealed
		}
	}
	return out
}

// InClear reports whether one of columns would be sealed by the rule and is not.
func (d *Datasets) InClear(ctx context.Context, cols []Column) bool {
	return slices.ContainsFunc(cols, func(c Column) bool { return !c.Keep.Closed() && d.rule(ctx, c) == KeepSealed })
}

// Weaker returns the columns that are to be kept less closely than the rule, or than was, says: the version that serves, if
// any. To decide so takes a right of its own.
func (d *Datasets) Weaker(ctx context.Context, cols, was []Column) []Column {
	var out []Column
	for _, c := range d.Settled(ctx, cols) {
		least := d.rule(ctx, c)
		for _, o := range was {
			if o.Name != c.Name {
				continue
			}
			if o.Keep == KeepPlain { // decided before
				least = KeepPlain
			} else if o.Keep.closeness() > least.closeness() && c.Kind == o.Kind {
				least = o.Keep
			}
		}
		if max(c.Keep.closeness(), 0) < least.closeness() {
			out = append(out, c)
		}
	}
	return out
}

// keptAs says of columns how they were kept in the end.
func keptAs(cols []Column, loaded []warehouse.Column) []Column {
	out := slices.Clone(cols)
	for i := range out {
		switch {
		case i >= len(loaded):
		case loaded[i].Keep != warehouse.Plain:
			out[i].Keep = Keep(loaded[i].Keep)
		case out[i].Keep.Closed():
			out[i].Keep = KeepByRule
		}
	}
	return out
}

// Stored is one version of a dataset as it is kept.
type Stored struct {
	Dataset string // id
	Serves  bool
	Version Version // with its columns as they are guarded today
}

// AllStored lists every version a dataset names, those that serve first.
func (d *Datasets) AllStored(ctx context.Context, q store.Queryer) ([]Stored, error) {
	all, err := store.All(ctx, q, scan, `SELECT `+columns+` FROM dataset d ORDER BY d.id`)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Dataset, len(all))
	for _, ds := range all {
		byID[ds.ID] = ds
	}
	out, err := store.All(ctx, q, func(s *Stored) []any { return append([]any{&s.Dataset}, scanVersion(&s.Version)...) },
		`SELECT dataset_id, `+versionColumns+` FROM dataset_version ORDER BY CASE WHEN replaced_at = 0 THEN 0 ELSE 1 END, dataset_id, number DESC`)
	for i := range out {
		s := &out[i]
		ds := byID[s.Dataset]
		s.Serves = s.Version.ID == ds.Current
		s.Version.Columns = keepClass(s.Version.Columns, ds.Columns)
	}
	return out, err
}

// Behind tells how a version should be kept: by what is decided of its columns and under a key. differs says that it is
// not. What was hashed stays as it is.
func (d *Datasets) Behind(ctx context.Context, s Stored, have []warehouse.Column, key string) (want []warehouse.Column, differs bool) {
	want = Physical(d.Settled(ctx, s.Version.Columns))
	for i := range want {
		if i >= len(have) || have[i].Name != want[i].Name {
			return nil, false // not what was loaded: nothing is touched
		}
		switch {
		case have[i].Keep == warehouse.Hashed:
			want[i].Keep, want[i].Realm, want[i].Under = have[i].Keep, have[i].Realm, have[i].Under
		case want[i].Keep != have[i].Keep || want[i].Realm != have[i].Realm:
			differs = true
		case want[i].Keep == warehouse.Sealed && have[i].Under != key:
			differs = true
		}
	}
	return want, differs
}

// Rekept is told as dataset.rekept: a version was kept anew under another id. Its rows are the same.
type Rekept struct {
	Dataset string `json:"dataset"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// Replace lets a version of the same rows, kept otherwise, stand in the place of another. Missing when that has gone meanwhile.
func (d *Datasets) Replace(ctx context.Context, tx *store.Tx, s Stored, by warehouse.Version) error {
	if err := store.Lock(ctx, tx, "dataset", s.Dataset); err != nil {
		return err
	}
	v, err := findVersion(ctx, tx, s.Dataset, s.Version.ID)
	if err != nil {
		return err
	}
	ds, err := one(ctx, tx, store.C("d.id = $1", s.Dataset))
	if err != nil {
		return err
	}
	cols := store.JSON[[]Column]{V: keptAs(v.Columns, by.Columns)}
	if err := store.ExecOne(ctx, tx, `UPDATE dataset_version SET id = $1, columns = $2, byte_count = $3, hash = $4 WHERE id = $5`, by.ID, cols, by.Bytes, by.Hash, v.ID); err != nil {
		return err
	}
	if ds.Current == v.ID {
		cols.V = keptAs(ds.Columns, by.Columns)
		if err := store.ExecOne(ctx, tx, `UPDATE dataset SET current = $1, columns = $2, byte_count = $3, hash = $4 WHERE id = $5`, by.ID, cols, by.Bytes, by.Hash, ds.ID); err != nil {
			return err
		}
	}
	if d.bus == nil {
		return nil
	}
	return d.bus.Emit(ctx, tx, "dataset.rekept", Rekept{ds.ID, v.ID, by.ID})
}
