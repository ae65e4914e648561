package quality

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/datahub/quality/internal/check"
	"qushu/internal/datahub/quality/internal/profile"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
)

type listIn struct {
	Text  string `query:"text" maxLength:"100"`
	Grade string `query:"grade" enum:",best,good,fair,poor,none"`
	Unit  string `query:"unit" maxLength:"40"`
	store.Page
}
type listOut struct{ Body store.Listed[Line] }

// list shows how datasets stand, the worst first.
func (q *Quality) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	switch in.Grade {
	case "":
	case "none":
		where = append(where, store.C("s.grade = ''"))
	default:
		where = append(where, store.C("s.grade = $1", in.Grade))
	}
	if in.Unit != "" {
		where = append(where, store.C("s.unit_id = $1", in.Unit))
	}
	if in.Text != "" {
		where = append(where, store.C(`lower(s.title) LIKE lower($1) ESCAPE '!'`, store.Anywhere(in.Text)))
	}
	all, err := store.List(ctx, q.db, store.Query[Line]{Select: `SELECT ` + lineColumns + ` FROM quality s`, Scope: lineScope(ctx, "quality.read"), Where: where,
		Keys: []string{"s.score", "s.dataset_id"}, Page: in.Page, Scan: scanLine, Cursor: func(l *Line) []any { return []any{l.Score, l.Dataset} }})
	if err != nil {
		return nil, err
	}
	return &listOut{all}, q.name(ctx, all.Items)
}

func (q *Quality) name(ctx context.Context, all []Line) error {
	units := make([]string, len(all))
	for i, l := range all {
		units[i] = l.Unit
	}
	names, err := q.org.UnitNames(ctx, q.db, units)
	for i := range all {
		all[i].UnitName = names[all[i].Unit]
	}
	return err
}

// Figures head the page, counted from the rows.
type Figures struct {
	Datasets int64 `json:"datasets"`
	Assessed int64 `json:"assessed"`
	Mean     int64 `json:"mean" doc:"hundredths, over what could be assessed; 0 for none"`
	Best     int64 `json:"best"`
	Good     int64 `json:"good"`
	Fair     int64 `json:"fair"`
	Poor     int64 `json:"poor"`
	Tickets  int64 `json:"tickets" doc:"open"`
	Late     int64 `json:"late" doc:"open tickets beyond their limit"`
}
type figuresOut struct{ Body Figures }

func (q *Quality) figures(ctx context.Context, _ *struct{}) (*figuresOut, error) {
	scope := lineScope(ctx, "quality.read").Cond()
	f, err := store.One(ctx, q.db, func(f *Figures) []any {
		return []any{&f.Datasets, &f.Assessed, &f.Mean, &f.Best, &f.Good, &f.Fair, &f.Poor}
	}, `SELECT count(*), count(*) FILTER (WHERE s.grade <> ''), CAST(coalesce(sum(s.score) FILTER (WHERE s.grade <> ''), 0) AS BIGINT), count(*) FILTER (WHERE s.grade = 'best'), count(*) FILTER (WHERE s.grade = 'good'),
		count(*) FILTER (WHERE s.grade = 'fair'), count(*) FILTER (WHERE s.grade = 'poor') FROM quality s WHERE `+scope.SQL, scope.Args...)
	if err != nil {
		return nil, err
	}
	if f.Assessed > 0 {
		f.Mean /= f.Assessed
	}
	open := store.And(store.C("t.case_state = 'open'"), ticketScope(ctx).Cond())
	type pair struct{ n, late int64 }
	n, err := store.One(ctx, q.db, func(p *pair) []any { return []any{&p.n, &p.late} }, `SELECT count(*), count(*) FILTER (WHERE t.late) FROM quality_ticket t WHERE `+open.SQL, open.Args...)
	f.Tickets, f.Late = n.n, n.late
	return &figuresOut{f}, err
}

// Field is a column of a dataset, for the author of a rule.
type Field struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Kind   string `json:"kind"`
	Masked bool   `json:"masked"`
}

// Body is all that is known of the quality of a dataset.
type Body struct {
	Line
	Name     string           `json:"name"`
	Fields   []Field          `json:"fields" nullable:"false"`
	Profile  []profile.Column `json:"profile" nullable:"false" doc:"of the newest check that is done"`
	Newest   *Check           `json:"newest" doc:"that is done; null when there is none"`
	Running  *Check           `json:"running" doc:"that waits or runs; null when there is none"`
	History  []Check          `json:"history" nullable:"false" doc:"newest first"`
	RuleList []Rule           `json:"ruleList" nullable:"false"`
	Manage   bool             `json:"manage" doc:"the caller may change rules"`
}

type idIn struct {
	ID string `path:"id" maxLength:"40"`
}
type showOut struct{ Body Body }

// of returns a dataset a permission of the actor reaches; Missing otherwise.
func (q *Quality) of(ctx context.Context, db store.Queryer, id, perm string) (dataset.Dataset, error) {
	ds, err := q.datasets.Get(ctx, db, id, dataset.Reach(ctx, perm))
	if err == nil && ds.IsLive() {
		err = errs.New(errs.Invalid, "quality.live", ds.Title)
	}
	return ds, err
}

func (q *Quality) show(ctx context.Context, in *idIn) (*showOut, error) {
	ds, err := q.of(ctx, q.db, in.ID, "quality.read")
	if err != nil {
		return nil, err
	}
	line, err := store.One(ctx, q.db, scanLine, `SELECT `+lineColumns+` FROM quality s WHERE s.dataset_id = $1`, ds.ID)
	if errs.Is(err, errs.Missing) {
		line, err = Line{Dataset: ds.ID, Title: ds.Title, Unit: ds.Unit, Score: -1, Rows: ds.Rows}, nil
	}
	if err != nil {
		return nil, err
	}
	b := Body{Line: line, Name: ds.Name, Fields: []Field{}, Profile: []profile.Column{}}
	one := []Line{b.Line}
	if err := q.name(ctx, one); err != nil {
		return nil, err
	}
	b.Line = one[0]
	for _, c := range ds.Columns {
		b.Fields = append(b.Fields, Field{c.Name, c.Title, c.Type.String(), string(c.Kind), c.Masked})
	}
	if b.History, err = checksOf(ctx, q.db, ds.ID, 30); err != nil {
		return nil, err
	}
	lang := web.From(ctx).Lang
	for i := range b.History {
		k := &b.History[i]
		if k.Why != "" {
			k.Why = q.words.Text(lang, k.Why)
		}
		switch {
		case k.Ended.IsZero():
			b.Running = k
		case k.State == "done" && b.Newest == nil:
			b.Newest = k
			whole, err := findCheck(ctx, q.db, k.ID)
			if err != nil && !errs.Is(err, errs.Missing) {
				return nil, err
			}
			b.Profile = append(b.Profile, whole.Profile...)
		}
	}
	if b.RuleList, err = rulesOf(ctx, q.db, ds.ID); err != nil {
		return nil, err
	}
	if b.RuleList == nil {
		b.RuleList = []Rule{}
	}
	_, err = q.of(ctx, q.db, ds.ID, "quality.manage")
	b.Manage = err == nil
	if errs.Is(err, errs.Missing) {
		err = nil
	}
	return &showOut{b}, err
}

// begin checks the version that serves once more.
func (q *Quality) begin(ctx context.Context, in *idIn) (*showOut, error) {
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.of(ctx, tx, in.ID, "quality.manage")
		if err != nil {
			return err
		}
		k, err := q.ask(ctx, tx, ds)
		if err != nil {
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.check", Object: "dataset", ID: ds.ID, Title: ds.Title, Detail: map[string]any{"asked": k.ID}})
	})
	if err != nil {
		return nil, err
	}
	return q.show(ctx, in)
}

// cancel ends the check that waits or runs.
func (q *Quality) cancel(ctx context.Context, in *idIn) (*showOut, error) {
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.of(ctx, tx, in.ID, "quality.manage")
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE quality_check SET state = 'cancelled', ended_at = $1 WHERE dataset_id = $2 AND ended_at = 0`, store.At(q.now()), ds.ID); err != nil {
			if errs.Is(err, errs.Conflict) {
				err = errs.New(errs.Conflict, "quality.not_running")
			}
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.cancel", Object: "dataset", ID: ds.ID, Title: ds.Title})
	})
	if err != nil {
		return nil, err
	}
	return q.show(ctx, in)
}

// Failing is a row that fails a rule.
type Failing struct {
	Row    int64    `json:"row" doc:"its place in the version, from 1"`
	Values []string `json:"values" nullable:"false" doc:"of the columns shown, masked where they are"`
}

type failingIn struct {
	ID   string `path:"id" maxLength:"40"`
	Rule string `path:"rule" maxLength:"40"`
}
type failingOut struct {
	Body struct {
		Columns []Field   `json:"columns" nullable:"false" doc:"keys first, then what the rule looks at"`
		Rows    []Failing `json:"rows" nullable:"false"`
		More    bool      `json:"more"`
		Number  int64     `json:"number" doc:"of the version looked at"`
	}
}

const mostFailing = 200

// failing lists the rows of the version that serves which fail a rule, masked.
func (q *Quality) failing(ctx context.Context, in *failingIn) (*failingOut, error) {
	ds, err := q.of(ctx, q.db, in.ID, "quality.read")
	if err != nil {
		return nil, err
	}
	r, err := findRule(ctx, q.db, ds.ID, in.Rule)
	if err != nil {
		return nil, err
	}
	all, err := q.ready(ctx, ds, []Rule{r})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.New(errs.Conflict, "quality.no_fit")
	}
	out := &failingOut{}
	out.Body.Columns, out.Body.Rows, out.Body.Number = []Field{}, []Failing{}, ds.Number
	j := all[0]
	if j.judge.Row == nil && r.Body.Kind != check.Unique {
		return out, nil
	}
	show := shownOf(ds, j.judge.Needs)
	query := warehouse.Query{From: ds.Current}
	for _, c := range ds.Columns {
		query.Select = append(query.Select, warehouse.Item{Col: c.Name})
	}
	fails := func(row []any) bool { return !j.take(row) }
	if r.Body.Kind == check.Unique {
		if fails, err = q.repeats(ctx, ds, r.Body.Column); err != nil {
			return nil, err
		}
	}
	res, err := q.wh.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	for _, at := range show {
		c := ds.Columns[at]
		out.Body.Columns = append(out.Body.Columns, Field{c.Name, c.Title, c.Type.String(), string(c.Kind), c.Masked})
	}
	var n int64
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		n++
		if !fails(row) {
			continue
		}
		if len(out.Body.Rows) == mostFailing {
			out.Body.More = true
			break
		}
		f := Failing{Row: n}
		for _, at := range show {
			f.Values = append(f.Values, ds.Columns[at].Show(row[at], false))
		}
		out.Body.Rows = append(out.Body.Rows, f)
	}
	return out, q.audit.Note(ctx, audit.Entry{Action: "quality.failing", Object: "dataset", ID: ds.ID, Title: ds.Title, Personal: personal(ds, show), Subjects: len(out.Body.Rows),
		Purpose: q.words.Text("zh", "quality.purpose_failing"), Detail: map[string]any{"rule": r.Title, "rows": len(out.Body.Rows)}})
}

// shownOf are the places of the keys and of what a rule looks at.
func shownOf(ds dataset.Dataset, needs []string) []int {
	var out []int
	for i, c := range ds.Columns {
		if c.Key {
			out = append(out, i)
		}
	}
	for i, c := range ds.Columns {
		for _, n := range needs {
			if n == c.Name && !c.Key {
				out = append(out, i)
			}
		}
	}
	return out
}

func personal(ds dataset.Dataset, at []int) bool {
	for _, i := range at {
		if ds.Columns[i].Kind != "" {
			return true
		}
	}
	return false
}

// repeats tells rows whose value of a column stands more than once.
func (q *Quality) repeats(ctx context.Context, ds dataset.Dataset, column string) (func(row []any) bool, error) {
	at := -1
	for i, c := range ds.Columns {
		if c.Name == column {
			at = i
		}
	}
	res, err := q.wh.Query(ctx, warehouse.Query{From: ds.Current, Select: []warehouse.Item{{Col: column, As: "v"}, {Agg: warehouse.Count, As: "n"}}, Group: []string{column},
		Order: []warehouse.Sort{{By: "n", Desc: true}}, Limit: mostFailing})
	if err != nil {
		return nil, err
	}
	rows, err := res.All()
	twice := map[string]bool{}
	for _, r := range rows {
		if n, _ := r[1].(int64); n > 1 && r[0] != nil {
			twice[warehouse.Format(r[0])] = true
		}
	}
	return func(row []any) bool { return row[at] != nil && twice[warehouse.Format(row[at])] }, err
}

// Dict is a dictionary a rule may refer to.
type Dict struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}
type dictsOut struct {
	Body struct {
		Items []Dict `json:"items" nullable:"false"`
	}
}

func (q *Quality) dictionaries(ctx context.Context, _ *struct{}) (*dictsOut, error) {
	out := &dictsOut{}
	out.Body.Items = []Dict{}
	for _, d := range q.dicts.All() {
		title := d.Title
		if web.From(ctx).Lang == "en" {
			title = d.TitleEn
		}
		out.Body.Items = append(out.Body.Items, Dict{d.Name, title})
	}
	return out, nil
}
