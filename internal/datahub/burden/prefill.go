package burden

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/org"
	"qushu/internal/room"
)

// Lack is an entry whose data could not be used, and why.
type Lack struct {
	Entry  string   `json:"entry"`
	Name   string   `json:"name"`
	Fields []string `json:"fields" nullable:"false" doc:"names"`
	Why    string   `json:"why" enum:"unbound,no_grant,no_key,no_column,masked,many" doc:"unbound: no data is mounted; no_grant: no grant of the sender's or the recipient's lets it in; no_key: nothing says which row is whose; no_column: an item has no column; masked: whom rows are about is not granted in clear; many: more rows than a sheet holds"`
}

// filler fills rows in from the data behind entries.
type filler struct {
	b     *Burden
	spent []spending
	lacks []Lack
}

type spending struct {
	grant dataset.Grant
	n     int64
}

// wanted are the fields to be filled in from one entry.
type wanted struct {
	entry string
	keys  []string // of the fields
}

// byEntry lists the fields that come from data, entry by entry.
func byEntry(fields []Field) []wanted {
	var out []wanted
	for _, f := range fields {
		if f.Final != fromData || automatic(f.Kind) || f.Entry == "" {
			continue
		}
		i := slices.IndexFunc(out, func(w wanted) bool { return w.entry == f.Entry })
		if i < 0 {
			out, i = append(out, wanted{entry: f.Entry}), len(out)
		}
		out[i].keys = append(out[i].keys, f.Key)
	}
	return out
}

// subject is one row with the words its rows may be found by, by the way of a join.
type subject struct {
	row   Row
	words map[string][]string
}

// of makes the subject of a recipient.
func of(u org.Unit, row Row) subject {
	return subject{row, map[string][]string{"code": {u.Code}, "unit": append([]string{u.Name, u.Short}, u.Aliases...)}}
}

// fill fills the rows of subjects in, as far as the grants of units let it: those of the sender and of who fills in. Nothing is changed but the rows; the caller spends.
func (x *filler) fill(ctx context.Context, q store.Queryer, r *report, units []string, all []subject) error {
	for _, w := range byEntry(r.Fields.V) {
		if err := x.entry(ctx, q, r, w, units, all); err != nil {
			return err
		}
	}
	return nil
}

func (x *filler) lack(r *report, w wanted, why string) {
	i := slices.IndexFunc(x.lacks, func(l Lack) bool { return l.Entry == w.entry && l.Why == why })
	if i < 0 {
		i = len(x.lacks)
		x.lacks = append(x.lacks, Lack{Entry: w.entry, Why: why, Fields: []string{}})
	}
	l := &x.lacks[i]
	for _, k := range w.keys {
		f, _ := field(r.Fields.V, k)
		if l.Name == "" {
			l.Name = f.EntryName
		}
		if !slices.Contains(l.Fields, f.Name) {
			l.Fields = append(l.Fields, f.Name)
		}
	}
}

// entry fills in what one entry holds.
func (x *filler) entry(ctx context.Context, q store.Queryer, r *report, w wanted, units []string, all []subject) error {
	set, columns, err := x.b.catalogue.Bound(ctx, q, w.entry)
	if err != nil {
		return err
	}
	if set == "" {
		x.lack(r, w, "unbound")
		return nil
	}
	ds, err := x.b.datasets.Get(ctx, q, set, store.Unscoped("what a published entry is bound to; the grant decides what of it is used"))
	if errs.Is(err, errs.Missing) {
		x.lack(r, w, "unbound")
		return nil
	}
	if err != nil {
		return err
	}
	join := x.join(r, w, ds)
	if join == nil {
		x.lack(r, w, "no_key")
		return nil
	}
	var names, keys []string
	for _, k := range w.keys {
		f, _ := field(r.Fields.V, k)
		if c := columns[f.Item]; c != "" {
			names, keys = append(names, c), append(keys, k)
		} else {
			x.lack(r, wanted{w.entry, []string{k}}, "no_column")
		}
	}
	rights, err := x.rights(ctx, q, ds, units)
	if err != nil || len(names) == 0 {
		return err
	}
	return x.match(ctx, r, ds, rights, join, names, keys, all)
}

// rights are what each of the units may see of a dataset: all of its own data, else what is granted for looks and lists.
func (x *filler) rights(ctx context.Context, q store.Queryer, ds dataset.Dataset, units []string) ([]dataset.Right, error) {
	var out []dataset.Right
	for _, u := range units {
		if ds.Unit == u {
			out = append(out, dataset.Right{Owned: true})
			continue
		}
		as := room.Acting(ctx, &room.Actor{Unit: u, Home: u}) // what is granted to the unit, whoever of it acts
		for _, m := range []dataset.Mode{dataset.Batch, dataset.Look} {
			right, err := x.b.datasets.Right(as, q, ds, "burden.draft", "", m)
			if err != nil {
				return nil, err
			}
			out = append(out, right)
		}
	}
	return out, nil
}

// join is how rows of a dataset are found: as the department says, else by what its key columns are called.
func (x *filler) join(r *report, w wanted, ds dataset.Dataset) *Join {
	for _, k := range w.keys {
		if f, _ := field(r.Fields.V, k); f.Join != nil && f.Join.Column != "" {
			return f.Join
		}
	}
	for _, c := range ds.Keys() {
		for _, f := range r.Fields.V {
			if r.List && f.RowKey && (f.Kind == "id" && (c.Kind == codes.KindID || c.Kind == codes.KindIDStrict) || f.Kind == "uscc" && c.Kind == codes.KindUSCC) {
				return &Join{c.Name, f.Key}
			}
		}
	}
	if r.List {
		return nil
	}
	return placed(r, ds)
}

// match holds the subjects against a dataset under the first of rights that shows the columns; columns none shows together are tried one by one.
func (x *filler) match(ctx context.Context, r *report, ds dataset.Dataset, rights []dataset.Right, join *Join, names, keys []string, all []subject) error {
	var one dataset.Right
	found := false
	for _, right := range rights {
		if narrow, denied := right.One(ds, append([]string{join.Column}, names...), nil); denied == nil {
			one, found = narrow, true
			break
		}
	}
	if !found {
		if len(names) > 1 {
			for i := range names {
				if err := x.match(ctx, r, ds, rights, join, names[i:i+1], keys[i:i+1], all); err != nil {
					return err
				}
			}
			return nil
		}
		if len(keys) == 1 {
			f, _ := field(r.Fields.V, keys[0])
			x.lack(r, wanted{f.Entry, keys}, "no_grant")
		}
		return nil
	}
	column, ok := ds.Column(join.Column)
	if !ok || !column.Key {
		f, _ := field(r.Fields.V, keys[0])
		x.lack(r, wanted{f.Entry, keys}, "no_key")
		return nil
	}
	m := dataset.Matching{Key: join.Column, Columns: names}
	var rows []int
	at := map[string]bool{}
	for i, s := range all {
		for _, word := range s.words[join.By] {
			v, bad := column.Value(word)
			if bad != nil || v == nil || at[warehouse.Format(v)] {
				continue
			}
			at[warehouse.Format(v)] = true
			m.Values, rows = append(m.Values, v), append(rows, i)
		}
	}
	if len(m.Values) == 0 {
		return nil
	}
	answer, failed := x.b.datasets.Match(ctx, ds, one, m)
	if failed != nil {
		return failed
	}
	n := int64(0)
	for hit, failed := range answer {
		if failed != nil {
			return failed
		}
		n++
		for j, k := range keys {
			f, _ := field(r.Fields.V, k)
			all[rows[hit.Place]].row[k] = Cell{Value: strings.Clone(hit.Texts[j]), From: f.EntryName, Entry: f.Entry, At: ds.Updated}
		}
	}
	if len(one.Grants) > 0 && n > 0 {
		if i := slices.IndexFunc(x.spent, func(s spending) bool { return s.grant.ID == one.Grants[0].ID }); i >= 0 {
			x.spent[i].n += n
		} else {
			x.spent = append(x.spent, spending{one.Grants[0], n})
		}
	}
	return nil
}

// spend counts what was given out against the quotas of the grants.
func (x *filler) spend(ctx context.Context, tx *store.Tx) error {
	for _, s := range x.spent {
		if err := x.b.datasets.Spend(ctx, tx, s.grant, s.n); err != nil {
			return err
		}
	}
	return nil
}

// records is how many records were looked at.
func (x *filler) records() int {
	n := int64(0)
	for _, s := range x.spent {
		n += s.n
	}
	return int(n)
}
