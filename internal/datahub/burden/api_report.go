package burden

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
)

// ReportLine is a report in a list.
type ReportLine struct {
	ID         string     `json:"id"`
	Number     string     `json:"number"`
	Title      string     `json:"title"`
	Unit       string     `json:"unit"`
	UnitName   string     `json:"unitName"`
	OwnerName  string     `json:"ownerName"`
	Period     string     `json:"period" enum:"once,monthly,quarterly,halfyear,yearly"`
	Level      string     `json:"level" enum:"community,street"`
	State      State      `json:"state" enum:"draft,review,returned,approved,refused,stopped"`
	Ended      bool       `json:"ended" doc:"approved, but the approval has run out"`
	Recipients int64      `json:"recipients"`
	Fields     int        `json:"fieldCount"`
	Asked      int64      `json:"askedSeconds" doc:"of one recipient, one time, before the check"`
	Left       int64      `json:"leftSeconds" doc:"that stay"`
	Times      int64      `json:"timesAYear"`
	Step       string     `json:"step"`
	Holder     string     `json:"holder"`
	Due        store.Time `json:"dueAt" doc:"of the check"`
	Late       bool       `json:"late"`
	At         store.Time `json:"at"`
	Until      store.Time `json:"until" doc:"of the approval"`
}

// ReportBody is a report with all it says.
type ReportBody struct {
	ReportLine
	Form      Form     `json:"form"`
	Reason    string   `json:"reason" doc:"why it was returned or refused"`
	Prefilled int64    `json:"prefilledSeconds"`
	Shared    int64    `json:"sharedSeconds"`
	Struck    int64    `json:"struckSeconds"`
	Case      string   `json:"case"`
	Steps     []string `json:"steps" nullable:"false" doc:"nodes the caller holds now"`
	MayEdit   bool     `json:"mayEdit"`
	MaySend   bool     `json:"maySend"`
	Version   int64    `json:"version" doc:"to be sent back with a change"`
}

func (b *Burden) line(r *report, names map[string]string) ReportLine {
	l := ReportLine{ID: r.ID, Number: r.Number, Title: r.Title, Unit: r.Unit, UnitName: names[r.Unit], OwnerName: r.OwnerName, Period: r.Period, Level: r.Level, State: r.State, Recipients: r.Recipients,
		Fields: len(r.Fields.V), Asked: r.Asked, Left: r.left(), Times: times[r.Period], Due: r.DueAt, Late: r.Late, At: r.At, Until: r.Until}
	l.Ended = r.State == Approved && !r.Until.After(b.now())
	if r.State == Review || r.State == Returned {
		l.Step, l.Holder = r.Step, r.Holder
	}
	if r.State == Refused {
		l.Left = 0
	}
	return l
}

type listIn struct {
	View  string `query:"view" enum:",mine,check,admitted" doc:"mine: of the caller's unit; check: waits for the check; admitted: may be sent now, open to everybody"`
	State string `query:"state" enum:",draft,review,returned,approved,refused,stopped"`
	Text  string `query:"text" maxLength:"100" doc:"in title or number"`
	Unit  string `query:"unit" maxLength:"40"`
	store.Page
}
type listOut struct{ Body store.Listed[ReportLine] }

func (b *Burden) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	switch in.View {
	case "mine":
		where = append(where, drafting(ctx))
	case "check":
		where = append(where, store.C("a.state = 'review'"))
	case "admitted":
		where = append(where, store.C("a.state = 'approved' AND a.until_at > $1", store.At(b.now())))
	}
	if in.State != "" {
		where = append(where, store.C("a.state = $1", in.State))
	}
	if in.Unit != "" {
		where = append(where, store.C("a.unit_id = $1", in.Unit))
	}
	if t := strings.TrimSpace(in.Text); t != "" {
		like := store.Anywhere(t)
		where = append(where, store.C(`lower(a.title) LIKE lower($1) ESCAPE '!' OR lower(a.number) LIKE lower($2) ESCAPE '!'`, like, like))
	}
	all, err := store.List(ctx, b.db, store.Query[report]{Select: `SELECT ` + reportColumns + ` FROM burden a`, Scope: visible(ctx), Where: where,
		Keys: []string{"a.at", "a.id"}, Desc: true, Page: in.Page, Scan: scanReport, Cursor: func(r *report) []any { return []any{r.At, r.ID} }})
	if err != nil {
		return nil, err
	}
	var units []string
	for _, r := range all.Items {
		units = append(units, r.Unit)
	}
	names, err := b.org.UnitNames(ctx, b.db, units)
	out := &listOut{store.Listed[ReportLine]{Items: []ReportLine{}, Next: all.Next}}
	for i := range all.Items {
		out.Body.Items = append(out.Body.Items, b.line(&all.Items[i], names))
	}
	return out, err
}

type reportIn struct {
	ID string `path:"id" maxLength:"40"`
}
type reportOut struct{ Body ReportBody }

func (b *Burden) show(ctx context.Context, in *reportIn) (*reportOut, error) {
	r, err := b.seen(ctx, b.db, in.ID)
	if err != nil {
		return nil, err
	}
	names, err := b.org.UnitNames(ctx, b.db, []string{r.Unit})
	if err != nil {
		return nil, err
	}
	x := ReportBody{ReportLine: b.line(&r, names), Form: r.form(), Reason: r.Reason, Prefilled: r.Prefilled, Shared: r.Shared, Struck: r.Struck, Case: r.Case, Steps: []string{}, Version: r.Version}
	if r.Case != "" {
		steps, _, err := b.flow.Holds(ctx, b.db, r.Case, authz.From(ctx).Person)
		if err != nil {
			return nil, err
		}
		x.Steps = append(x.Steps, steps...)
	}
	mine, err := b.drafts(ctx, b.db, r.ID)
	x.MayEdit = r.Owner == authz.From(ctx).Person && (r.State == Draft || r.State == Returned)
	x.MaySend = mine && r.State == Approved && !x.Ended
	return &reportOut{x}, err
}

// drafts reports whether the actor may send a report of his unit.
func (b *Burden) drafts(ctx context.Context, q store.Queryer, id string) (bool, error) {
	where := store.And(store.C("a.id = $1", id), drafting(ctx))
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM burden a WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

type matchesOut struct {
	Body struct {
		Items []Match `json:"items" nullable:"false" doc:"one of each field, in their order"`
	}
}

func (b *Burden) matches(ctx context.Context, in *reportIn) (*matchesOut, error) {
	r, err := b.seen(ctx, b.db, in.ID)
	if err != nil {
		return nil, err
	}
	out := &matchesOut{}
	out.Body.Items, err = b.matched(ctx, b.db, &r)
	return out, err
}

type createIn struct{ Body Form }

// create keeps a draft. What is missing is said when it is filed.
func (b *Burden) create(ctx context.Context, in *createIn) (*reportOut, error) {
	me := authz.From(ctx)
	if me.Person == "" || me.Home == "" {
		return nil, errs.New(errs.Denied, "burden.no_person")
	}
	now := store.At(b.now())
	r := &report{ID: id.New(), State: Draft, Unit: me.Home, Street: me.Street, Owner: me.Person, OwnerName: me.Name, At: now, Changed: now, Version: 1}
	if err := b.write(ctx, b.db, r, in.Body); err != nil {
		return nil, err
	}
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertReport(ctx, tx, r); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.draft", Object: "burden", ID: r.ID, Title: r.Title})
	})
	if err != nil {
		return nil, err
	}
	return b.show(ctx, &reportIn{r.ID})
}

// write takes a form into a report and counts who receives it and how long it takes.
func (b *Burden) write(ctx context.Context, q store.Queryer, r *report, f Form) error {
	f.tidy()
	if len([]rune(f.Title)) < 2 {
		return errs.New(errs.Invalid, "burden.not_ready", 1).With(errs.Field{Name: "title", Key: "burden.need_title"})
	}
	shared, err := sharesOf(ctx, q, r.ID)
	if err != nil {
		return err
	}
	for i := range f.Fields {
		if s, ok := shared[f.Fields[i].Key]; ok && f.Fields[i].Decide == share && s.State == agreed {
			f.Fields[i].Other, f.Fields[i].OtherKey = s.Other, s.OtherField
		}
	}
	r.take(f)
	if _, err := b.settle(ctx, q, r.Fields.V); err != nil {
		return err
	}
	all, err := b.recipients(ctx, q, r)
	if err != nil {
		return err
	}
	r.Recipients = int64(len(all))
	r.sum(b.seconds(ctx))
	return nil
}

// own runs on the actor's own report, at the version he read, while it may still be edited.
func (b *Burden) own(ctx context.Context, tx *store.Tx, id string, version int64) (report, error) {
	r, err := locked(ctx, tx, id)
	if err != nil {
		return r, err
	}
	switch {
	case r.Owner != authz.From(ctx).Person:
		if _, err := b.seen(ctx, tx, id); err != nil {
			return r, err
		}
		return r, errs.New(errs.Denied, "burden.not_yours")
	case r.State != Draft && r.State != Returned:
		return r, errs.New(errs.Conflict, "burden.not_draft")
	case r.Version != version:
		return r, errs.New(errs.Conflict, "burden.changed")
	}
	return r, nil
}

type saveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Form    Form  `json:"form"`
		Version int64 `json:"version"`
	}
}

func (b *Burden) save(ctx context.Context, in *saveIn) (*reportOut, error) {
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := b.own(ctx, tx, in.ID, in.Body.Version)
		if err != nil {
			return err
		}
		if err := b.write(ctx, tx, &r, in.Body.Form); err != nil {
			return err
		}
		r.Changed = store.At(b.now())
		if err := saveReport(ctx, tx, &r); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.save", Object: "burden", ID: r.ID, Title: r.Title})
	})
	if err != nil {
		return nil, err
	}
	return b.show(ctx, &reportIn{in.ID})
}

type dropIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

// drop throws a draft away that was never filed.
func (b *Burden) drop(ctx context.Context, in *dropIn) (*struct{}, error) {
	return nil, b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := b.own(ctx, tx, in.ID, in.Version)
		if err == nil && r.State != Draft {
			err = errs.New(errs.Conflict, "burden.not_draft")
		}
		if err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `DELETE FROM burden_share WHERE report = $1`, r.ID); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM burden WHERE id = $1`, r.ID); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.drop", Object: "burden", ID: r.ID, Title: r.Title})
	})
}

type handIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

// hand files a report for its check: a case begins, or the one it was returned in goes on.
func (b *Burden) hand(ctx context.Context, in *handIn) (*reportOut, error) {
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := b.own(ctx, tx, in.ID, in.Body.Version)
		if err != nil {
			return err
		}
		r.Filed = store.At(b.now())
		found, err := b.ready(ctx, tx, &r)
		if err != nil {
			return err
		}
		returned := r.State == Returned
		if err := saveReport(ctx, tx, &r); err != nil {
			return err
		}
		if returned {
			err = b.again(ctx, tx, &r)
		} else {
			var unit string
			if unit, err = b.reviewer(ctx, tx); err == nil {
				_, err = b.flow.Begin(ctx, tx, flow.NewCase{Kind: checkKind, Object: r.ID, Title: r.Title, Unit: unit, Street: r.Street})
			}
		}
		if err != nil {
			return err
		}
		if err := b.tellSame(ctx, tx, &r, found); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "burden.file", Object: "burden", ID: r.ID, Title: r.Title, Purpose: r.Purpose,
			Detail: map[string]any{"fields": len(r.Fields.V), "recipients": r.Recipients, "asked": r.Asked, "left": r.left()}})
	})
	if err != nil {
		return nil, err
	}
	return b.show(ctx, &reportIn{in.ID})
}

// ready checks a report strictly, against the catalogue as it is now.
func (b *Burden) ready(ctx context.Context, q store.Queryer, r *report) ([]Match, error) {
	f := r.form()
	bad := f.faults(b.now())
	gone, err := b.settle(ctx, q, r.Fields.V)
	if err != nil {
		return nil, err
	}
	if bad = append(bad, gone...); r.Recipients == 0 && len(f.Targets) > 0 {
		bad = append(bad, errs.Field{Name: "targets", Key: "burden.no_recipient"})
	}
	found, err := b.matched(ctx, q, r)
	if err != nil {
		return nil, err
	}
	b.fallback(ctx, r.Fields.V, found)
	held := b.against(ctx, r.Fields.V, found)
	switch {
	case len(held) > 0:
		return nil, errs.New(errs.Invalid, "burden.against_rule", len(held), b.settings.String(ctx, "burden.rule")).With(append(held, bad...)...)
	case len(bad) > 0:
		return nil, errs.New(errs.Invalid, "burden.not_ready", len(bad)).With(bad...)
	}
	return found, nil
}

// tellSame tells the owners of reports that ask the same, so that each department knows of the other.
func (b *Burden) tellSame(ctx context.Context, tx *store.Tx, r *report, found []Match) error {
	names := map[string][]string{}
	for i, m := range found {
		for _, s := range m.Same {
			names[s.Report] = append(names[s.Report], r.Fields.V[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	unit, err := b.org.UnitNames(ctx, tx, []string{r.Unit})
	if err != nil {
		return err
	}
	for other, fields := range names {
		o, err := findReport(ctx, tx, store.C("a.id = $1", other))
		if err != nil {
			return err
		}
		if err := b.tell(ctx, tx, []string{o.Owner}, notify.Info, "burden.told_same", []any{unit[r.Unit], r.Title, strings.Join(fields[:min(3, len(fields))], "、"), o.Title}, "/burden/reports/"+o.ID, o.ID); err != nil {
			return err
		}
	}
	return nil
}

func (b *Burden) tell(ctx context.Context, tx *store.Tx, to []string, kind notify.Kind, key string, args []any, link, id string) error {
	return b.notify.Send(ctx, tx, notify.Notice{To: to, Kind: kind, Key: key, Args: args, Link: link, Object: "burden", ID: id})
}

// Target is a street or another unit above recipients, with those below it.
type Target struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Kind     org.Kind `json:"kind"`
	Children []Target `json:"children,omitempty"`
}

type targetsOut struct {
	Body struct {
		Items []Target `json:"items" nullable:"false" doc:"streets in the order of the tree, with their communities"`
	}
}

// targets lists whom a report may be sent to.
func (b *Burden) targets(ctx context.Context, _ *struct{}) (*targetsOut, error) {
	all, err := b.areas(ctx, b.db)
	if err != nil {
		return nil, err
	}
	out := &targetsOut{}
	out.Body.Items = []Target{}
	at := map[string]int{}
	for _, u := range all {
		if u.Kind == org.Street {
			at[u.ID] = len(out.Body.Items)
			out.Body.Items = append(out.Body.Items, Target{ID: u.ID, Name: u.Name, Kind: u.Kind})
		}
	}
	for _, u := range all {
		if i, ok := at[u.Parent]; ok && u.Kind == org.Community {
			out.Body.Items[i].Children = append(out.Body.Items[i].Children, Target{ID: u.ID, Name: u.Name, Kind: u.Kind})
		}
	}
	return out, nil
}

// areas are the open streets and communities of the district, in the tree's order.
func (b *Burden) areas(ctx context.Context, q store.Queryer) ([]org.Unit, error) {
	return b.org.Areas(ctx, q)
}

// recipients are the units that receive a report: those of its level in or below its targets.
func (b *Burden) recipients(ctx context.Context, q store.Queryer, r *report) ([]org.Unit, error) {
	if len(r.Targets.V) == 0 {
		return nil, nil
	}
	inside := map[string]bool{}
	for _, t := range r.Targets.V {
		below, err := b.org.Below(ctx, q, t)
		if err != nil {
			return nil, err
		}
		for _, u := range below {
			inside[u] = true
		}
	}
	all, err := b.areas(ctx, q)
	var out []org.Unit
	for _, u := range all {
		if inside[u.ID] && string(u.Kind) == r.Level {
			out = append(out, u)
		}
	}
	return out, err
}
