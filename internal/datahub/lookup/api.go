package lookup

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Key is a column a dataset is looked up by.
type Key struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Type  string `json:"type"`
	Kind  string `json:"kind"`
}

// Source is a dataset the actor may look something up in.
type Source struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Summary   string     `json:"summary"`
	UnitName  string     `json:"unitName" doc:"who answers for it"`
	Rows      int64      `json:"rows" doc:"0 of a live one"`
	Live      bool       `json:"live" doc:"answered by a room, of now, instead of a stored table"`
	UpdatedAt store.Time `json:"updatedAt"`
	Keys      []Key      `json:"keys" nullable:"false" doc:"columns it may be looked up by; none when the caller may see none of them"`
	Owned     bool       `json:"owned" doc:"of a unit in the caller's reach"`
	Purpose   string     `json:"purpose" doc:"what it was granted for"`
	Until     store.Time `json:"until" doc:"when the grant ends, null when it is owned"`
}

type listIn struct {
	store.Page
	Text string `query:"text" maxLength:"100"`
}

type listOut struct{ Body store.Listed[Source] }

func (l *Lookup) list(ctx context.Context, in *listIn) (*listOut, error) {
	scope, err := l.datasets.Readable(ctx, l.db, "lookup.find", dataset.Look)
	if err != nil {
		return nil, err
	}
	all, err := l.datasets.List(ctx, l.db, scope, in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, d := range all.Items {
		units = append(units, d.Unit)
	}
	names, err := l.names.Units(ctx, l.db, units)
	if err != nil {
		return nil, err
	}
	out := &listOut{store.Listed[Source]{Items: []Source{}, Next: all.Next}}
	for _, d := range all.Items {
		right, err := l.datasets.Right(ctx, l.db, d, "lookup.find", "", dataset.Look)
		if err != nil {
			return nil, err
		}
		s := Source{ID: d.ID, Title: d.Title, Summary: d.Summary, UnitName: names[d.Unit], Rows: d.Rows, Live: d.IsLive(), UpdatedAt: d.Updated, Keys: []Key{}, Owned: right.Owned}
		for _, c := range d.Keys() {
			if right.MaySee(c.Name) {
				s.Keys = append(s.Keys, Key{c.Name, c.Title, c.Type.String(), string(c.Kind)})
			}
		}
		if !right.Owned && len(right.Grants) > 0 {
			s.Purpose = right.Grants[0].Purpose
			for _, g := range right.Grants {
				if g.Until.After(s.Until.Time) {
					s.Until = g.Until
				}
			}
		}
		out.Body.Items = append(out.Body.Items, s)
	}
	return out, nil
}

// Past is a version of a dataset one may look in.
type Past struct {
	Number   int64      `json:"number"`
	Rows     int64      `json:"rows"`
	At       store.Time `json:"at" doc:"since when it served"`
	Replaced store.Time `json:"replacedAt" doc:"null while it serves"`
}

type pastIn struct {
	ID string `path:"id" maxLength:"40"`
}
type pastOut struct {
	Body struct {
		Items []Past `json:"items" nullable:"false" doc:"newest first"`
	}
}

// past lists the versions of a dataset that are still kept.
func (l *Lookup) past(ctx context.Context, in *pastIn) (*pastOut, error) {
	ds, _, err := l.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := l.datasets.Versions(ctx, l.db, ds.ID)
	if err != nil {
		return nil, err
	}
	out := &pastOut{}
	out.Body.Items = []Past{}
	for _, v := range all {
		out.Body.Items = append(out.Body.Items, Past{v.Number, v.Rows, v.At, v.Replaced})
	}
	return out, nil
}

type findIn struct {
	Body struct {
		Dataset string `json:"dataset" maxLength:"40" doc:"id"`
		Column  string `json:"column" maxLength:"64" doc:"name of one of its keys"`
		Value   string `json:"value" minLength:"1" maxLength:"200"`
		Purpose string `json:"purpose" maxLength:"200" doc:"what it is needed for; stands in the ledger"`
		Basis   string `json:"basis" required:"false" maxLength:"200" doc:"matter or law it rests on"`
		Matter  string `json:"matter" required:"false" maxLength:"60" doc:"number of the case it is for"`
		Version int64  `json:"version" required:"false" minimum:"0" doc:"number of an older version to look in; 0 for the one that serves"`
	}
}

type findOut struct {
	Body struct {
		Look    string     `json:"look" doc:"to be given when a field is revealed"`
		Title   string     `json:"title"`
		Number  int64      `json:"number" doc:"version that answered"`
		At      store.Time `json:"at"`
		Until   store.Time `json:"until" doc:"until when a field may be revealed"`
		Columns []Shown    `json:"columns" nullable:"false"`
		Rows    [][]string `json:"rows" nullable:"false" doc:"values in the order of columns; nothing was found when empty"`
		More    bool       `json:"more" doc:"there are more rows than are shown"`
	}
}

// find shows the records with a key, masked. The ledger and the audit have the look before the answer leaves.
func (l *Lookup) find(ctx context.Context, in *findIn) (*findOut, error) {
	me, b := authz.From(ctx), in.Body
	ds, right, err := l.open(ctx, b.Dataset)
	if err == nil && b.Version != 0 {
		ds, err = l.datasets.AsOf(ctx, l.db, ds, "", b.Version)
	}
	if err != nil {
		return nil, err
	}
	col, ok := ds.Column(b.Column)
	if !ok || !col.Key || !right.MaySee(col.Name) {
		return nil, errs.New(errs.Invalid, "dataset.no_key", b.Column)
	}
	value, err := col.Value(b.Value)
	if err == nil && value == nil {
		err = errs.New(errs.Invalid, "warehouse.null_value")
	}
	if err != nil {
		return nil, err
	}
	key := col.Show(value, true)
	if b.Purpose, err = cleanReason("purpose", b.Purpose, key); err != nil {
		return nil, err
	}
	if b.Basis != "" {
		if b.Basis, err = cleanReason("basis", b.Basis, key); err != nil {
			return nil, err
		}
	}
	rows, more, err := l.datasets.Lookup(ctx, ds, col.Name, value, mostRows)
	if err != nil {
		return nil, err
	}
	rows = reached(ds, right, rows)
	look := Look{ID: id.New(), Dataset: ds.ID, Title: ds.Title, Store: ds.Current, OwnerUnit: ds.Unit, OwnerStreet: ds.Street, Column: col.Name,
		Index: l.ring.Index(indexOf(ds, col.Name), key), Purpose: b.Purpose, Basis: b.Basis, Person: me.Person, PersonName: me.Name, Unit: me.Unit, Home: me.Home, At: store.At(l.now()), Hits: len(rows),
		IndexName: indexOf(ds, col.Name), Matter: strings.TrimSpace(b.Matter)}
	seen, err := l.related(ctx, &look, ds, rows)
	if err != nil {
		return nil, err
	}
	if look.Marks, err = l.detect(ctx, l.db, look, seen); err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		look.sealed = l.ring.Seal(look.place(), []byte(key))
	}
	if err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return l.enter(ctx, tx, look) }); err != nil {
		return nil, err
	}
	v := viewOf(ds, right)
	out := &findOut{}
	out.Body.Look, out.Body.Title, out.Body.Number, out.Body.At, out.Body.Until = look.ID, ds.Title, ds.Number, look.At, store.At(look.At.Add(revealFor))
	out.Body.Columns, out.Body.Rows, out.Body.More = v.columns, v.rows(ds, rows), more
	return out, nil
}

// open returns a dataset the actor may look something up in, and what he may see of it.
func (l *Lookup) open(ctx context.Context, id string) (dataset.Dataset, dataset.Right, error) {
	scope, err := l.datasets.Readable(ctx, l.db, "lookup.find", dataset.Look)
	if err != nil {
		return dataset.Dataset{}, dataset.Right{}, err
	}
	ds, err := l.datasets.Get(ctx, l.db, id, scope)
	if err != nil {
		return ds, dataset.Right{}, err
	}
	right, err := l.datasets.Right(ctx, l.db, ds, "lookup.find", "lookup.reveal", dataset.Look)
	return ds, right, err
}

// enter writes a look into the ledger and the audit, unless the person has made too many this hour.
func (l *Lookup) enter(ctx context.Context, tx *store.Tx, k Look) error {
	if err := store.Lock(ctx, tx, "lookup", k.Person); err != nil {
		return err
	}
	most := l.settings.Int(ctx, "lookup.per_hour")
	n, first, err := since(ctx, tx, k.Person, k.At.Add(-time.Hour))
	if err != nil {
		return err
	}
	if n >= most {
		wait := int(first.Add(time.Hour).Sub(k.At.Time).Minutes()) + 1
		return errs.New(errs.Limited, "lookup.too_many", most, wait)
	}
	if err := insertLook(ctx, tx, k); err != nil {
		return err
	}
	if err := l.warn(ctx, tx, k); err != nil {
		return err
	}
	if k.moved {
		if err := store.Exec(ctx, tx, `UPDATE lookup_kin SET home_id = $1 WHERE person = $2`, k.Home, k.Person); err != nil {
			return err
		}
	}
	return l.audit.Record(ctx, tx, audit.Entry{Action: "lookup.find", Object: "dataset", ID: k.Dataset, Title: k.Title, Personal: true, Subjects: k.Hits, Purpose: k.Purpose,
		Detail: map[string]any{"look": k.ID, "version": k.Store, "column": k.Column, "keyIndex": k.Index, "basis": k.Basis, "unit": k.OwnerUnit, "matter": k.Matter, "marks": k.Marks}})
}

type revealIn struct {
	Body struct {
		Look   string `json:"look" maxLength:"40"`
		Row    int    `json:"row" minimum:"0" maximum:"19" doc:"which row of the answer, from 0"`
		Column string `json:"column" maxLength:"64"`
		Reason string `json:"reason" maxLength:"200"`
	}
}

type revealOut struct {
	Body struct {
		Value string `json:"value"`
	}
}

// reveal shows one field of a look in clear, to the one who looked and as long as the grant stands.
func (l *Lookup) reveal(ctx context.Context, in *revealIn) (*revealOut, error) {
	b, now := in.Body, l.now()
	look, err := findLook(ctx, l.db, b.Look, authz.From(ctx).Person)
	if err != nil {
		return nil, err
	}
	if look.Hits == 0 || b.Row >= look.Hits {
		return nil, errs.New(errs.Invalid, "lookup.no_row")
	}
	if look.sealed == "" || now.Sub(look.At.Time) >= revealFor {
		return nil, errs.New(errs.Conflict, "lookup.expired", int(revealFor.Minutes()))
	}
	ds, right, err := l.open(ctx, look.Dataset)
	if err != nil {
		return nil, err
	}
	if ds, err = l.datasets.AsOf(ctx, l.db, ds, look.Store, 0); errs.Is(err, errs.Missing) {
		err = errs.New(errs.Conflict, "lookup.replaced")
	}
	if err != nil {
		return nil, err
	}
	col, ok := ds.Column(b.Column)
	if !ok || !right.MaySee(b.Column) {
		return nil, errs.New(errs.Invalid, "dataset.no_column", b.Column)
	}
	e := audit.Entry{Action: "lookup.reveal", Object: "dataset", ID: ds.ID, Title: ds.Title, Personal: true, Subjects: 1,
		Detail: map[string]any{"look": look.ID, "column": col.Name, "row": b.Row, "purpose": look.Purpose}}
	if !right.MayReveal(col.Name) {
		e.Result, e.Subjects = audit.Denied, 0
		if err := l.audit.Note(ctx, e); err != nil {
			return nil, err
		}
		return nil, errs.New(errs.Denied, "lookup.not_granted", col.Title)
	}
	key, err := l.ring.Unseal(look.place(), look.sealed)
	if err != nil {
		return nil, err
	}
	if b.Reason, err = cleanReason("reason", b.Reason, string(key)); err != nil {
		return nil, err
	}
	value, err := l.again(ctx, ds, right, look, string(key), b.Row, col)
	if err != nil {
		return nil, err
	}
	e.Purpose = b.Reason
	r := Reveal{id: id.New(), look: look.ID, Column: col.Name, Title: col.Title, Row: b.Row, Reason: b.Reason, At: store.At(now)}
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertReveal(ctx, tx, r); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, e)
	})
	if err != nil {
		return nil, err
	}
	out := &revealOut{}
	out.Body.Value = value
	return out, nil
}

// again finds the field of an earlier look once more, in the same version and the same order.
func (l *Lookup) again(ctx context.Context, ds dataset.Dataset, right dataset.Right, look Look, key string, row int, col dataset.Column) (string, error) {
	by, _ := ds.Column(look.Column)
	value, err := by.Value(key)
	if err != nil {
		return "", err
	}
	rows, _, err := l.datasets.Lookup(ctx, ds, by.Name, value, mostRows)
	if err != nil {
		return "", err
	}
	rows = reached(ds, right, rows)
	if ds.IsLive() && len(rows) != look.Hits { // they are no longer those that were shown
		return "", errs.New(errs.Conflict, "lookup.replaced")
	}
	for i, c := range ds.Columns {
		if c.Name == col.Name && row < len(rows) {
			if !right.At(ds, rows[row]).MayReveal(col.Name) {
				return "", errs.New(errs.Denied, "lookup.not_granted", col.Title)
			}
			return col.Show(rows[row][i], true), nil
		}
	}
	return "", errs.New(errs.Conflict, "lookup.replaced")
}
