package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// DatasetLine is a dataset in a list.
type DatasetLine struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	Summary   string        `json:"summary"`
	Unit      string        `json:"unit"`
	UnitName  string        `json:"unitName" doc:"who answers for it"`
	Level     dataset.Level `json:"level" enum:"L1,L2,L3,L4"`
	Rows      int64         `json:"rows"`
	Bytes     int64         `json:"bytes"`
	Width     int           `json:"columnCount"`
	Number    int64         `json:"number" doc:"of the version that serves, 0 of a live one"`
	Live      string        `json:"live" doc:"name of the room's function that answers, empty for a stored table"`
	UpdatedAt store.Time    `json:"updatedAt"`
}

type datasetsIn struct {
	store.Page
	Text string `query:"text" maxLength:"100" doc:"in the title or the code"`
}

type datasetsOut struct {
	Body store.Listed[DatasetLine]
}

// listDatasets lists what the actor may read: of the units in his reach, and what is granted to him.
func (l *Library) listDatasets(ctx context.Context, in *datasetsIn) (*datasetsOut, error) {
	scope, err := l.datasets.Readable(ctx, l.db, "library.read", "")
	if err != nil {
		return nil, err
	}
	all, err := l.datasets.List(ctx, l.db, scope, in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, d := range all.Items {
		ids = append(ids, d.Unit)
	}
	names, err := l.names.Units(ctx, l.db, ids)
	out := &datasetsOut{store.Listed[DatasetLine]{Items: []DatasetLine{}, Next: all.Next}}
	for _, d := range all.Items {
		out.Body.Items = append(out.Body.Items, datasetLine(d, names))
	}
	return out, err
}

func datasetLine(d dataset.Dataset, names map[string]string) DatasetLine {
	return DatasetLine{ID: d.ID, Name: d.Name, Title: d.Title, Summary: d.Summary, Unit: d.Unit, UnitName: names[d.Unit], Level: d.Level, Rows: d.Rows, Bytes: d.Bytes,
		Width: len(d.Columns), Number: d.Number, Live: d.Live, UpdatedAt: d.Updated}
}

// VersionLine is one version in a dataset's history.
type VersionLine struct {
	ID         string     `json:"id"`
	Number     int64      `json:"number"`
	Rows       int64      `json:"rows"`
	Source     string     `json:"source" doc:"name of the file it was made from"`
	PersonName string     `json:"personName"`
	At         store.Time `json:"at"`
	Current    bool       `json:"current"`
}

// GrantLine is one grant of a dataset.
type GrantLine struct {
	dataset.Grant
	Whom   string `json:"whom" doc:"name of the unit or person"`
	ByName string `json:"byName"`
	Active bool   `json:"active" doc:"holds now"`
}

// DatasetBody is a dataset as the actor may see it: who is only granted it sees the columns he is granted, and
// neither history nor other grants.
type DatasetBody struct {
	DatasetLine
	Owned    bool             `json:"owned" doc:"of a unit in the caller's reach"`
	MayLoad  bool             `json:"mayLoad" doc:"the caller may replace, correct, roll back and delete it"`
	MayGrant bool             `json:"mayGrant"`
	Columns  []dataset.Column `json:"columns" nullable:"false"`
	Versions []VersionLine    `json:"versions" nullable:"false"`
	Grants   []GrantLine      `json:"grants" nullable:"false"`
	Version  int64            `json:"version" doc:"to be sent back with a change"`
}

type datasetIn struct {
	ID string `path:"id" maxLength:"40"`
}

type datasetOut struct{ Body DatasetBody }

func (l *Library) getDataset(ctx context.Context, in *datasetIn) (*datasetOut, error) {
	scope, err := l.datasets.Readable(ctx, l.db, "library.read", "")
	if err != nil {
		return nil, err
	}
	ds, err := l.datasets.Get(ctx, l.db, in.ID, scope)
	if err != nil {
		return nil, err
	}
	return l.shown(ctx, ds)
}

// shown is ds as the actor may see it.
func (l *Library) shown(ctx context.Context, ds dataset.Dataset) (*datasetOut, error) {
	right, err := l.datasets.Right(ctx, l.db, ds, "library.read", "", "")
	if err != nil {
		return nil, err
	}
	out := &datasetOut{DatasetBody{Owned: right.Owned, Columns: right.Clean(ds).Columns, Versions: []VersionLine{}, Grants: []GrantLine{}, Version: ds.Version}}
	b := &out.Body
	if b.MayLoad, err = l.reaches(ctx, ds.ID, "library.load"); err != nil {
		return nil, err
	}
	if b.MayGrant, err = l.reaches(ctx, ds.ID, "library.grant"); err != nil {
		return nil, err
	}
	var versions []dataset.Version
	var grants []dataset.Grant
	if right.Owned {
		if versions, err = l.datasets.Versions(ctx, l.db, ds.ID); err != nil {
			return nil, err
		}
		if grants, err = l.datasets.Grants(ctx, l.db, ds.ID); err != nil {
			return nil, err
		}
	}
	units, people, err := l.called(ctx, ds, versions, grants)
	if err != nil {
		return nil, err
	}
	b.DatasetLine = datasetLine(ds, units)
	for _, v := range versions {
		b.Versions = append(b.Versions, VersionLine{v.ID, v.Number, v.Rows, v.Source, people[v.Person], v.At, v.ID == ds.Current})
	}
	for _, g := range grants {
		whom := units[g.Unit]
		if g.Person != "" {
			whom = people[g.Person]
		}
		b.Grants = append(b.Grants, GrantLine{g, whom, people[g.By], g.Active(l.now())})
	}
	return out, nil
}

func (l *Library) reaches(ctx context.Context, id, perm string) (bool, error) {
	if !authz.From(ctx).Can(perm) {
		return false, nil
	}
	_, err := l.datasets.Get(ctx, l.db, id, dataset.Reach(ctx, perm))
	if errs.Is(err, errs.Missing) {
		return false, nil
	}
	return err == nil, err
}

// called returns the names of every unit and person of a dataset.
func (l *Library) called(ctx context.Context, ds dataset.Dataset, versions []dataset.Version, grants []dataset.Grant) (units, people map[string]string, err error) {
	unitIDs, personIDs := []string{ds.Unit}, []string{}
	for _, v := range versions {
		personIDs = append(personIDs, v.Person)
	}
	for _, g := range grants {
		personIDs = append(personIDs, g.By)
		if g.Unit != "" {
			unitIDs = append(unitIDs, g.Unit)
		} else {
			personIDs = append(personIDs, g.Person)
		}
	}
	if units, err = l.names.Units(ctx, l.db, unitIDs); err != nil {
		return nil, nil, err
	}
	people, err = l.names.People(ctx, l.db, personIDs)
	return units, people, err
}

// change runs fn on a dataset perm reaches, in a transaction, records what it did and answers with the dataset.
func (l *Library) change(ctx context.Context, id, perm, action string, fn func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (map[string]any, error)) (*datasetOut, error) {
	err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := l.datasets.Get(ctx, tx, id, dataset.Reach(ctx, perm))
		if err != nil {
			return err
		}
		detail, err := fn(ctx, tx, ds)
		if err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "dataset", ID: ds.ID, Title: ds.Title, Detail: detail})
	})
	if err != nil {
		return nil, err
	}
	ds, err := l.datasets.Get(ctx, l.db, id, dataset.Reach(ctx, perm))
	if err != nil {
		return nil, err
	}
	return l.shown(ctx, ds)
}

type describeIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		dataset.Description
		Version int64 `json:"version"`
	}
}

// describe corrects titles and what columns are said to hold, without loading anything again.
func (l *Library) describe(ctx context.Context, in *describeIn) (*datasetOut, error) {
	return l.change(ctx, in.ID, "library.load", "library.describe", func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (map[string]any, error) {
		after, err := l.datasets.Describe(ctx, tx, in.ID, in.Body.Version, in.Body.Description)
		return map[string]any{"before": columnsSaid(ds.Columns), "after": columnsSaid(after.Columns)}, err
	})
}

type rollbackIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		To      string `json:"to" maxLength:"40" doc:"id of the version that is to serve again"`
		Reason  string `json:"reason" minLength:"2" maxLength:"200"`
		Version int64  `json:"version"`
	}
}

func (l *Library) rollback(ctx context.Context, in *rollbackIn) (*datasetOut, error) {
	return l.change(ctx, in.ID, "library.load", "library.rollback", func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (map[string]any, error) {
		after, err := l.datasets.Rollback(ctx, tx, in.ID, in.Body.Version, in.Body.To)
		return map[string]any{"from": ds.Number, "to": after.Number, "reason": in.Body.Reason}, err
	})
}

type removeIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

func (l *Library) remove(ctx context.Context, in *removeIn) (*struct{}, error) {
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := l.datasets.Get(ctx, tx, in.ID, dataset.Reach(ctx, "library.load")); err != nil {
			return err
		}
		ds, err := l.datasets.Remove(ctx, tx, in.ID, in.Version)
		if err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.remove", Object: "dataset", ID: ds.ID, Title: ds.Title,
			Detail: map[string]any{"name": ds.Name, "number": ds.Number, "rows": ds.Rows, "hash": ds.Hash}})
	})
}

type grantIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Unit    string     `json:"unit" required:"false" maxLength:"40" doc:"id of the unit it is shared with, with all below it"`
		Person  string     `json:"person" required:"false" maxLength:"40" doc:"or id of one person"`
		Columns []string   `json:"columns" minItems:"1" maxItems:"1000" doc:"names that may be shown, masked where the column is"`
		Reveal  []string   `json:"reveal" required:"false" nullable:"false" maxItems:"1000" doc:"of these, names that may be revealed one field at a time"`
		Purpose string     `json:"purpose" minLength:"4" maxLength:"200"`
		Basis   string     `json:"basis" minLength:"2" maxLength:"200" doc:"legal basis"`
		From    store.Time `json:"from" required:"false" doc:"now when null"`
		Until   store.Time `json:"until"`

		Modes  []dataset.Mode `json:"modes" required:"false" nullable:"false" maxItems:"4" enum:"look,batch,api,push" doc:"ways it may be used; look when none is given"`
		Filter dataset.Filter `json:"filter" required:"false" nullable:"false" maxItems:"20" doc:"rows it reaches, all when empty"`
		Quota  int64          `json:"quota" required:"false" minimum:"0" doc:"records a civil day, 0 without limit"`
	}
}

// grant shares a dataset with a unit or a person.
func (l *Library) grant(ctx context.Context, in *grantIn) (*datasetOut, error) {
	b := in.Body
	names, err := l.names.Units(ctx, l.db, one(b.Unit))
	if b.Person != "" && err == nil {
		names, err = l.names.People(ctx, l.db, one(b.Person))
	}
	if err != nil {
		return nil, err
	}
	if b.Unit+b.Person != "" && len(names) == 0 {
		return nil, errs.New(errs.Invalid, "dataset.grant").With(errs.Field{Name: "unit", Key: "library.no_grantee"})
	}
	return l.change(ctx, in.ID, "library.grant", "library.grant", func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (map[string]any, error) {
		g, err := l.datasets.Grant(ctx, tx, ds, dataset.Grant{Unit: b.Unit, Person: b.Person, Columns: b.Columns, Reveal: b.Reveal, Purpose: b.Purpose, Basis: b.Basis, From: b.From, Until: b.Until,
			Modes: b.Modes, Filter: b.Filter, Quota: b.Quota})
		return said(g), err
	})
}

func one(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// said tells the auditor of a grant.
func said(g dataset.Grant) map[string]any {
	return map[string]any{"grant": g.ID, "unit": g.Unit, "person": g.Person, "columns": g.Columns, "reveal": g.Reveal, "purpose": g.Purpose, "basis": g.Basis,
		"from": g.From, "until": g.Until, "modes": g.Modes, "rules": len(g.Filter), "quota": g.Quota}
}

type revokeIn struct {
	ID    string `path:"id" maxLength:"40"`
	Grant string `path:"grant" maxLength:"40"`
}

// revoke ends a grant; the next look is refused already.
func (l *Library) revoke(ctx context.Context, in *revokeIn) (*datasetOut, error) {
	return l.change(ctx, in.ID, "library.grant", "library.revoke", func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (map[string]any, error) {
		g, err := l.datasets.Revoke(ctx, tx, ds, in.Grant)
		return said(g), err
	})
}
