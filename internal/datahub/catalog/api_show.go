package catalog

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/authz"
)

// VersionLine is one version in the history of an entry.
type VersionLine struct {
	Number    int64      `json:"number"`
	State     string     `json:"state" enum:"work,published,replaced"`
	Reason    string     `json:"reason" doc:"why it was changed"`
	ByName    string     `json:"byName"`
	At        store.Time `json:"at"`
	Published store.Time `json:"publishedAt"`
}

// MayDo is what the caller may do with an entry now.
type MayDo struct {
	Edit    bool `json:"edit" doc:"the draft may be changed"`
	Submit  bool `json:"submit"`
	Change  bool `json:"change" doc:"a new version may be begun"`
	Offline bool `json:"offline"`
	Restore bool `json:"restore"`
	Archive bool `json:"archive"`
	Mount   bool `json:"mount" doc:"data may be bound, or proposed to be"`
	Direct  bool `json:"direct" doc:"binding needs no check by the centre: the caller is who checks"`
}

// EntryBody is an entry with all that the caller may see of it.
type EntryBody struct {
	EntryLine
	Body     entry.Body    `json:"body" doc:"of the version that serves; of the draft while none has"`
	Draft    *entry.Body   `json:"draft,omitempty" doc:"the version in work, to those at work on it"`
	Reason   string        `json:"reason" doc:"why the version in work is made"`
	Versions []VersionLine `json:"versions" nullable:"false"`
	Mounts   []MountLine   `json:"mounts" nullable:"false"`
	Related  []RelatedLine `json:"related" nullable:"false" doc:"entries linked to this one, either way"`
	Case     string        `json:"case" doc:"id of the last case, to those at work on it"`
	CaseKind string        `json:"caseKind"`
	Running  bool          `json:"running" doc:"that case has not ended"`
	Due      store.Time    `json:"dueAt"`
	Watching bool          `json:"watching"`
	Watchers int64         `json:"watchers"`
	May      MayDo         `json:"may"`
}

// RelatedLine is an entry linked to another.
type RelatedLine struct {
	ID   string `json:"id"`
	Code string `json:"code"`
	Name string `json:"name"`
}

type entryIn struct {
	ID string `path:"id" maxLength:"40"`
}
type entryOut struct{ Body EntryBody }

// seen returns an entry the actor may see, and whether he is at work on it.
func (c *Catalog) seen(ctx context.Context, q store.Queryer, id string) (Entry, bool, error) {
	e, err := findEntry(ctx, q, store.C("c.id = $1", id))
	if err != nil {
		return e, false, err
	}
	works, err := c.works(ctx, q, &e)
	if err == nil && !works && e.State != Published {
		err = errs.New(errs.Missing, "catalog.missing")
	}
	return e, works, err
}

func (c *Catalog) show(ctx context.Context, in *entryIn) (*entryOut, error) {
	e, works, err := c.seen(ctx, c.db, in.ID)
	if err != nil {
		return nil, err
	}
	return c.shown(ctx, &e, works)
}

// shown is an entry as the actor may see it.
func (c *Catalog) shown(ctx context.Context, e *Entry, works bool) (*entryOut, error) {
	out := &entryOut{EntryBody{Versions: []VersionLine{}, Mounts: []MountLine{}, Related: []RelatedLine{}}}
	b := &out.Body
	n, err := c.names(ctx, c.db, []string{e.Unit})
	if err != nil {
		return nil, err
	}
	b.EntryLine = c.line(e, n)
	all, err := versionsOf(ctx, c.db, e.ID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		v := &all[i]
		v.Body.V.Tidy()
		if v.Number == e.Serving || e.Serving == 0 && v.Number == e.Working {
			b.Body = v.Body.V
		}
		if v.State == "work" {
			if !works {
				continue
			}
			b.Draft, b.Reason = &v.Body.V, v.Reason
		}
		b.Versions = append(b.Versions, VersionLine{v.Number, v.State, v.Reason, v.ByName, v.At, v.Published})
	}
	if b.Mounts, err = c.mountsOf(ctx, c.db, e, works); err != nil {
		return nil, err
	}
	if err := c.linked(ctx, e, b); err != nil {
		return nil, err
	}
	if works {
		b.Case, b.CaseKind, b.Running, b.Due = e.Case, e.CaseKind, e.CaseState == "open" || e.CaseState == "suspended", e.Due
	} else {
		b.Number, b.Step, b.Holder, b.Work, b.Working = "", "", "", "", 0
	}
	me := authz.From(ctx).Person
	if b.Watchers, err = store.Value[int64](ctx, c.db, `SELECT count(*) FROM catalog_watch WHERE entry = $1`, e.ID); err != nil {
		return nil, err
	}
	mine, err := store.Value[int64](ctx, c.db, `SELECT count(*) FROM catalog_watch WHERE entry = $1 AND person = $2`, e.ID, me)
	b.Watching = mine > 0
	if err != nil {
		return nil, err
	}
	b.May, err = c.may(ctx, c.db, e)
	return out, err
}

// linked finds the published entries whose codes this one names, and those that name its code.
func (c *Catalog) linked(ctx context.Context, e *Entry, b *EntryBody) error {
	if len(b.Body.Related) == 0 {
		return nil
	}
	where := store.And(store.In("c.code", b.Body.Related), visible(ctx).Cond())
	all, err := store.All(ctx, c.db, func(r *RelatedLine) []any { return []any{&r.ID, &r.Code, &r.Name} }, `SELECT c.id, c.code, c.name FROM catalog c WHERE `+where.SQL+` ORDER BY c.code`, where.Args...)
	b.Related = append(b.Related, all...)
	return err
}

// may says what the actor may do with an entry now.
func (c *Catalog) may(ctx context.Context, q store.Queryer, e *Entry) (MayDo, error) {
	var m MayDo
	edit, err := c.reaches(ctx, q, e.ID, "catalog.edit")
	if err != nil {
		return m, err
	}
	if m.Direct, err = c.reaches(ctx, q, e.ID, "catalog.mount"); err != nil {
		return m, err
	}
	manage, err := c.reaches(ctx, q, e.ID, "catalog.manage")
	m.Edit = edit && e.Working > 0 && e.Work == workDraft
	m.Submit = m.Edit
	m.Change = edit && e.Working == 0 && e.Work == "" && (e.State == Published || e.State == Offline)
	m.Offline = edit && e.Working == 0 && e.Work == "" && e.State == Published
	m.Restore = manage && e.State == Offline && e.Work == ""
	m.Archive = manage && e.State == Offline && e.Work == ""
	m.Mount = (edit || m.Direct) && e.State == Published
	return m, err
}

type versionIn struct {
	ID     string `path:"id" maxLength:"40"`
	Number int64  `path:"number" minimum:"1"`
}
type versionOut struct {
	Body struct {
		VersionLine
		Body entry.Body `json:"body"`
	}
}

// version returns one version of an entry as far as the actor may see it: the one in work to those at work on it.
func (c *Catalog) version(ctx context.Context, id string, number int64) (version, error) {
	_, works, err := c.seen(ctx, c.db, id)
	if err != nil {
		return version{}, err
	}
	v, err := findVersion(ctx, c.db, id, number)
	if err == nil && v.State == "work" && !works {
		err = errs.New(errs.Missing, "catalog.no_version", number)
	}
	return v, err
}

func (c *Catalog) showVersion(ctx context.Context, in *versionIn) (*versionOut, error) {
	v, err := c.version(ctx, in.ID, in.Number)
	out := &versionOut{}
	out.Body.VersionLine, out.Body.Body = VersionLine{v.Number, v.State, v.Reason, v.ByName, v.At, v.Published}, v.Body.V
	return out, err
}

type diffIn struct {
	ID   string `path:"id" maxLength:"40"`
	From int64  `query:"from" minimum:"1"`
	To   int64  `query:"to" minimum:"1"`
}
type diffOut struct {
	Body struct {
		Changes  []entry.Change `json:"changes" nullable:"false"`
		Narrowed bool           `json:"narrowed" doc:"less is shared, opened or offered than before"`
	}
}

// diff tells how two versions of an entry differ.
func (c *Catalog) diff(ctx context.Context, in *diffIn) (*diffOut, error) {
	a, err := c.version(ctx, in.ID, in.From)
	if err != nil {
		return nil, err
	}
	b, err := c.version(ctx, in.ID, in.To)
	if err != nil {
		return nil, err
	}
	out := &diffOut{}
	out.Body.Changes, out.Body.Narrowed = entry.Diff(&a.Body.V, &b.Body.V), entry.Narrowed(&a.Body.V, &b.Body.V)
	if a.Body.V.Unit != b.Body.V.Unit { // people read names
		n, err := c.org.UnitNames(ctx, c.db, []string{a.Body.V.Unit, b.Body.V.Unit})
		if err != nil {
			return nil, err
		}
		for i, ch := range out.Body.Changes {
			if ch.Field == "unit" && ch.Item == "" {
				out.Body.Changes[i].Before, out.Body.Changes[i].After = n[ch.Before], n[ch.After]
			}
		}
	}
	return out, nil
}
