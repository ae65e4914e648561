package burden

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/org"
)

// mostRows bounds the rows of one sheet.
const mostRows = 5000

// about is the field that says whom a row of a list is about; nil where none does.
func about(fields []Field) *Field {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.RowKey })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

// listed is the rows of a list by whom they are about.
type listed struct {
	about *Field
	rows  []Row
	at    map[string]Row
}

func newListed(about *Field) *listed { return &listed{about: about, at: map[string]Row{}} }

// row returns the row about somebody, begun with what is known of the recipient where there is none yet.
func (l *listed) row(whom string, start Row) Row {
	whom = tidied(l.about, whom)
	if r, ok := l.at[whom]; ok || whom == "" || len(l.rows) == mostRows {
		return r
	}
	r := Row{}
	for k, c := range start {
		r[k] = c
	}
	r[l.about.Key] = Cell{Value: whom} // the recipient's to strike or to correct
	l.at[whom] = r
	l.rows = append(l.rows, r)
	return r
}

// lists are the first rows of the sheets of a list: whom other departments were told of by the same recipient, and, where rows is
// said, whom the data that is held knows of it. starts is what is known of every recipient.
func (b *Burden) lists(ctx context.Context, r *report, all []org.Unit, starts []Row, rows bool) ([][]Row, *filler, error) {
	x := &filler{b: b}
	out := make([][]Row, len(all))
	key := about(r.Fields.V)
	if key == nil {
		return out, x, nil
	}
	books := make([]*listed, len(all))
	for i := range all {
		books[i] = newListed(key)
	}
	if err := b.toldLists(ctx, r, all, starts, books); err != nil {
		return nil, nil, err
	}
	if rows {
		if err := x.whom(ctx, b.db, r, all, starts, books); err != nil {
			return nil, nil, err
		}
	}
	for i, l := range books {
		subjects := make([]subject, len(l.rows))
		for j, row := range l.rows {
			subjects[j] = subject{row, map[string][]string{key.Key: {row[key.Key].Value}}}
		}
		if len(subjects) > 0 {
			if err := x.fill(ctx, b.db, r, []string{r.Unit}, subjects); err != nil {
				return nil, nil, err
			}
		}
		out[i] = l.rows
	}
	return out, x, nil
}

// toldLists takes the rows recipients told another department whose collection is shared, the newest sheet of each.
func (b *Burden) toldLists(ctx context.Context, r *report, all []org.Unit, starts []Row, books []*listed) error {
	at := map[string]int{}
	for i, u := range all {
		at[u.ID] = i
	}
	for _, other := range sharedFrom(r.Fields.V) {
		o, err := findReport(ctx, b.db, store.C("a.id = $1", other))
		if errs.Is(err, errs.Missing) {
			continue
		}
		if err != nil {
			return err
		}
		whom := about(o.Fields.V)
		if !o.List || whom == nil {
			continue
		}
		sheets, err := store.All(ctx, b.db, scanSheet, `SELECT `+sheetColumns+` FROM burden_sheet s WHERE s.report = $1 AND s.state = 'submitted' ORDER BY s.submitted_at DESC, s.id DESC`, other)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, s := range sheets {
			i, ok := at[s.Unit]
			if !ok || seen[s.Unit] {
				continue
			}
			seen[s.Unit] = true
			for _, theirs := range s.Body.V {
				row := books[i].row(theirs[whom.Key].Value, starts[i])
				for _, f := range r.Fields.V {
					if c := theirs[f.OtherKey]; f.Final == fromForm && f.Other == other && c.Value != "" && row != nil {
						row[f.Key] = Cell{Value: c.Value, From: s.Title, At: s.Submitted}
					}
				}
			}
		}
	}
	return nil
}

// sharedFrom are the reports whose collections a report uses, each once.
func sharedFrom(fields []Field) []string {
	var out []string
	for _, f := range fields {
		if f.Final == fromForm && !slices.Contains(out, f.Other) {
			out = append(out, f.Other)
		}
	}
	return out
}

// whom finds whom the data of entries knows of each recipient: its dataset must hold, beside the column rows are about, a key that
// says where they belong. Whom rows are about is used in clear or not at all.
func (x *filler) whom(ctx context.Context, q store.Queryer, r *report, all []org.Unit, starts []Row, books []*listed) error {
	for _, w := range byEntry(r.Fields.V) {
		set, _, err := x.b.catalogue.Bound(ctx, q, w.entry)
		if err != nil || set == "" {
			if err != nil {
				return err
			}
			continue // said when the fields are filled in
		}
		ds, err := x.b.datasets.Get(ctx, q, set, store.Unscoped("what a published entry is bound to; the grant decides what of it is used"))
		if errs.Is(err, errs.Missing) {
			continue
		}
		if err != nil {
			return err
		}
		join, place := x.join(r, w, ds), placed(r, ds)
		if join == nil || place == nil || join.By != about(r.Fields.V).Key {
			continue
		}
		rights, err := x.rights(ctx, q, ds, []string{r.Unit})
		if err != nil {
			return err
		}
		if err := x.of(ctx, r, w, ds, rights, join, place, all, starts, books); err != nil {
			return err
		}
	}
	return nil
}

// of puts the rows of one dataset into the lists of the recipients they belong to.
func (x *filler) of(ctx context.Context, r *report, w wanted, ds dataset.Dataset, rights []dataset.Right, join, place *Join, all []org.Unit, starts []Row, books []*listed) error {
	column, _ := ds.Column(place.Column)
	for i, u := range all {
		for _, word := range of(u, nil).words[place.By] {
			v, err := column.Value(word)
			if err != nil || v == nil {
				continue
			}
			found, more, err := x.anyOf(ctx, ds, rights, place.Column, v, join.Column)
			if errs.Is(err, errs.Denied) {
				x.lackOf(r, w, join.By, "masked")
				return nil
			}
			if err != nil {
				return err
			}
			for _, whom := range found {
				books[i].row(whom, starts[i])
			}
			if more {
				x.lackOf(r, w, join.By, "many")
			}
		}
	}
	return nil
}

// lackOf says of an entry why the field rows are about could not be taken from it; the entry is named by its own fields.
func (x *filler) lackOf(r *report, w wanted, key, why string) {
	x.lack(r, wanted{w.entry, []string{key}}, why)
	f, _ := field(r.Fields.V, w.keys[0])
	for i := range x.lacks {
		if x.lacks[i].Entry == w.entry && x.lacks[i].Why == why {
			x.lacks[i].Name = f.EntryName
		}
	}
}

// anyOf asks under the first of rights that allows it.
func (x *filler) anyOf(ctx context.Context, ds dataset.Dataset, rights []dataset.Right, key string, value any, column string) (found []string, more bool, err error) {
	err = errs.New(errs.Denied, "dataset.no_grant")
	for _, right := range rights {
		if right.Owned { // one's own data in clear is for one's own reveal; what is sent on is what a list needs
			right.Bare = true
		}
		if found, more, err = x.b.datasets.Rows(ctx, ds, right, key, value, column, mostRows); !errs.Is(err, errs.Denied) {
			return found, more, err
		}
	}
	return nil, false, err
}

// placed is how rows of a dataset are known to belong to a recipient: by a key of its division code, or its name.
func placed(r *report, ds dataset.Dataset) *Join {
	place := map[string]string{"community": "社区", "street": "街道"}[r.Level]
	for _, c := range ds.Keys() {
		title := c.Title + c.Name
		switch {
		case strings.Contains(title, "代码") && (strings.Contains(title, place) || strings.Contains(title, "区划")), strings.Contains(title, place+"编码"):
			return &Join{c.Name, "code"}
		case strings.Contains(title, place):
			return &Join{c.Name, "unit"}
		}
	}
	return nil
}
