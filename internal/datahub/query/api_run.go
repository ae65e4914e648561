package query

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// question is a text on its way to an answer.
type question struct {
	sql     string
	params  []Param
	asOf    store.Time
	purpose string
	origin  string
	saved   string
	perm    string
	mode    dataset.Mode
	rows    int
	then    func(ctx context.Context, tx *store.Tx, r *Run) error // more to write with its end, nil for nothing
}

// Head is one column of an answer.
type Head struct {
	Name  string         `json:"name" doc:"what the question calls it"`
	Title string         `json:"title"`
	Kind  warehouse.Kind `json:"kind" enum:"text,integer,decimal,date,datetime,boolean"`
}

// Answer is what a question came to.
type Answer struct {
	Run      string     `json:"run" doc:"id of the run in the history"`
	Columns  []Head     `json:"columns" nullable:"false"`
	Rows     [][]string `json:"rows" nullable:"false" doc:"values as text in the order of columns, empty for none"`
	More     bool       `json:"more" doc:"there are more rows than were asked for"`
	Millis   int64      `json:"millis" doc:"how long the engine took"`
	Sources  []Source   `json:"sources" nullable:"false"`
	Personal bool       `json:"personal" doc:"columns were used that are masked for others"`
	SQL      string     `json:"sql" doc:"the text that was asked"`
	At       store.Time `json:"at"`
}

// answer asks a question for the actor: his slot, his rights, the limits, and his record, whatever comes of it.
func (x *Query) answer(ctx context.Context, q question) (*Answer, error) {
	me := authz.From(ctx)
	limit := time.Duration(x.settings.Int(ctx, "query.seconds")) * time.Second
	r := &Run{ID: id.New(), Origin: q.origin, Saved: q.saved, State: Running, Digest: digest(q.sql), Sources: []Source{}, Person: me.Person, PersonName: me.Name, Unit: me.Unit, At: store.At(x.now())}
	kept, err := json.Marshal(said{q.sql, q.params, q.asOf})
	if err != nil {
		return nil, err
	}
	r.sealed = x.ring.Seal(placeOf(r.ID), kept)
	asked, err := x.read(ctx, &q, r)
	if err != nil {
		return nil, x.refused(ctx, r, err)
	}
	args, err := values(q.params)
	if err != nil {
		return nil, err
	}
	dead := store.At(r.At.Add(-limit - stale))
	if err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return begin(ctx, tx, r, dead) }); err != nil {
		return nil, err
	}
	running, done := x.slot(ctx, me.Person)
	began := time.Now()
	a, err := x.datasets.Answer(running, asked, args, warehouse.Limits{Rows: q.rows, Time: limit, Now: x.now()})
	r.Millis = time.Since(began).Milliseconds()
	done()
	if err != nil {
		return nil, x.failed(ctx, r, err)
	}
	r.State, r.Rows = Done, int64(len(a.Rows))
	if err := x.succeeded(ctx, q, r, asked); err != nil {
		return nil, x.failed(ctx, r, err)
	}
	out := &Answer{Run: r.ID, Columns: heads(a, asked), Rows: make([][]string, len(a.Rows)), More: a.More, Millis: r.Millis, Sources: r.Sources, Personal: r.Personal, SQL: q.sql, At: r.At}
	for i, row := range a.Rows {
		out.Rows[i] = make([]string, len(row))
		for j, v := range row {
			out.Rows[i][j] = warehouse.Format(v)
		}
	}
	return out, nil
}

// read reads the text with the actor's rights and notes in r what it is about.
func (x *Query) read(ctx context.Context, q *question, r *Run) (*dataset.Question, error) {
	asked, err := x.datasets.QuestionAt(ctx, x.db, q.perm, "query.reveal", q.mode, q.sql, q.asOf.Time)
	if err != nil {
		return nil, err
	}
	for _, f := range asked.Faces {
		r.Personal = r.Personal || f.Personal()
		s, err := x.source(ctx, f)
		if err != nil {
			return nil, err
		}
		r.Sources = append(r.Sources, s)
	}
	if r.Personal {
		if q.purpose, err = why(q.purpose); err != nil {
			return nil, err
		}
	}
	r.Purpose = q.purpose
	return asked, nil
}

// source tells where the rows of a dataset came from.
func (x *Query) source(ctx context.Context, f dataset.Face) (Source, error) {
	ds := f.Dataset
	s := Source{ID: ds.ID, Name: ds.Name, Title: ds.Title, Unit: ds.Unit, Number: ds.Number, Version: ds.Current, Rows: ds.Rows, Updated: ds.Updated, Columns: []string{}, Part: len(f.Filter) > 0}
	for _, c := range f.Used {
		s.Columns = append(s.Columns, c.Title)
	}
	all, err := x.datasets.Versions(ctx, x.db, ds.ID)
	for _, v := range all {
		if v.ID == ds.Current {
			s.File, s.LoadedBy, s.Loaded, s.Past = v.Source, v.Person, v.At, !v.Replaced.IsZero()
		}
	}
	return s, err
}

// slot lets the person's question be ended by himself from another request.
func (x *Query) slot(ctx context.Context, person string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running[person] = cancel
	return ctx, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.running, person)
		cancel()
	}
}

// entry is the audit record of a run. Neither the text nor a value stands in it.
func (r *Run) entry() audit.Entry {
	sources := make([]map[string]any, len(r.Sources))
	title := ""
	for i, s := range r.Sources {
		sources[i] = map[string]any{"dataset": s.ID, "version": s.Version, "columns": s.Columns, "part": s.Part}
		if title += s.Title; i < len(r.Sources)-1 {
			title += ", "
		}
	}
	e := audit.Entry{Action: "query.run", Object: "query_run", ID: r.ID, Title: title, Personal: r.Personal, Purpose: r.Purpose,
		Detail: map[string]any{"digest": r.Digest, "origin": r.Origin, "saved": r.Saved, "sources": sources, "rows": r.Rows, "millis": r.Millis}}
	if r.Personal {
		e.Subjects = int(r.Rows)
	}
	return e
}

// succeeded writes the end of a run, and what its grants gave out.
func (x *Query) succeeded(ctx context.Context, q question, r *Run, asked *dataset.Question) error {
	return x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, f := range asked.Faces {
			for _, g := range f.Grants {
				if err := x.datasets.Spend(ctx, tx, g, r.Rows); err != nil {
					return err
				}
			}
		}
		if err := end(ctx, tx, r); err != nil {
			return err
		}
		if q.then != nil {
			if err := q.then(ctx, tx, r); err != nil {
				return err
			}
		}
		return x.audit.Record(ctx, tx, r.entry())
	})
}

// failed writes that a run came to nothing, and returns why. It is written though the caller may have gone.
func (x *Query) failed(ctx context.Context, r *Run, cause error) error {
	if errors.Is(cause, context.Canceled) {
		cause = errs.New(errs.Conflict, "query.cancelled")
	}
	r.State, r.Rows, r.Fault = Failed, 0, reason(cause)
	if r.Fault.Key == "query.cancelled" {
		r.State = Cancelled
	}
	e := r.entry()
	e.Subjects, e.Result = 0, result(cause)
	e.Detail["reason"] = r.Fault.Key
	err := x.db.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		if err := end(ctx, tx, r); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, e)
	})
	return errors.Join(cause, err)
}

// refused writes that a text was not run at all, and returns why.
func (x *Query) refused(ctx context.Context, r *Run, cause error) error {
	r.State, r.Fault = Failed, reason(cause)
	e := r.entry()
	e.Result = result(cause)
	e.Detail["reason"] = r.Fault.Key
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := begin(ctx, tx, r, store.Time{}); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, e)
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

func result(err error) audit.Result {
	switch errs.KindOf(err) {
	case errs.Denied, errs.Invalid:
		return audit.Denied
	}
	return audit.Failed
}

// heads names the columns of an answer: by their titles where one dataset has a column of the name.
func heads(a *warehouse.Answer, asked *dataset.Question) []Head {
	out := make([]Head, len(a.Columns))
	for i, c := range a.Columns {
		out[i] = Head{Name: c.Name, Title: c.Name, Kind: c.Type.Kind}
		for _, f := range asked.Faces {
			if col, ok := f.Dataset.Column(c.Name); ok {
				out[i].Title = col.Title
				break
			}
		}
	}
	return out
}

type runIn struct {
	Body struct {
		SQL     string     `json:"sql" maxLength:"20000" doc:"one SELECT over datasets by their codes"`
		Params  []Param    `json:"params" required:"false" nullable:"false" maxItems:"30"`
		AsOf    store.Time `json:"asOf" required:"false" doc:"ask the datasets as they stood at this moment; a table that says AT itself is asked as it says"`
		Purpose string     `json:"purpose" required:"false" maxLength:"200" doc:"needed when columns are used that are masked for others"`
	}
}

type answerOut struct{ Body Answer }

// run answers SQL.
func (x *Query) run(ctx context.Context, in *runIn) (*answerOut, error) {
	return x.show(ctx, question{sql: in.Body.SQL, params: in.Body.Params, asOf: in.Body.AsOf, purpose: in.Body.Purpose, origin: "sql"})
}

// show asks a question of a person who looks.
func (x *Query) show(ctx context.Context, q question) (*answerOut, error) {
	q.perm, q.mode, q.rows = "query.use", dataset.Look, x.settings.Int(ctx, "query.rows")
	a, err := x.answer(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := x.nameLoaders(ctx, a.Sources); err != nil {
		return nil, err
	}
	return &answerOut{*a}, nil
}

// nameLoaders puts the names of persons in the place of their ids.
func (x *Query) nameLoaders(ctx context.Context, sources []Source) error {
	var ids []string
	for _, s := range sources {
		ids = append(ids, s.LoadedBy)
	}
	names, err := x.names.People(ctx, x.db, ids)
	for i := range sources {
		sources[i].LoadedBy = names[sources[i].LoadedBy]
	}
	return err
}

type cancelOut struct {
	Body struct {
		Cancelled bool `json:"cancelled" doc:"something ran and was ended"`
	}
}

// cancel ends the actor's running question at once.
func (x *Query) cancel(ctx context.Context, _ *struct{}) (*cancelOut, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := &cancelOut{}
	if end, ok := x.running[authz.From(ctx).Person]; ok {
		end()
		out.Body.Cancelled = true
	}
	return out, nil
}

// Line is a run as the history shows it.
type Line struct {
	ID         string     `json:"id"`
	Origin     string     `json:"origin" enum:"sql,build,saved,api,export"`
	State      State      `json:"state" enum:"running,done,failed,cancelled"`
	SQL        string     `json:"sql"`
	Digest     string     `json:"digest" doc:"SHA-256 of the text"`
	Sources    []Source   `json:"sources" nullable:"false"`
	Personal   bool       `json:"personal"`
	Purpose    string     `json:"purpose"`
	Rows       int64      `json:"rows"`
	Millis     int64      `json:"millis"`
	Error      string     `json:"error" doc:"why it failed"`
	Person     string     `json:"person"`
	PersonName string     `json:"personName"`
	UnitName   string     `json:"unitName"`
	At         store.Time `json:"at"`
}

type mineIn struct{ store.Page }

type historyIn struct {
	store.Page
	Person   string     `query:"person" maxLength:"40" doc:"id"`
	State    string     `query:"state" enum:",running,done,failed,cancelled"`
	Personal bool       `query:"personal" doc:"only those that used columns masked for others"`
	From     store.Time `query:"from"`
	Until    store.Time `query:"until"`
}

type linesOut struct{ Body store.Listed[Line] }

// mine lists what the actor asked.
func (x *Query) mine(ctx context.Context, in *mineIn) (*linesOut, error) {
	return x.lines(ctx, store.Scoped(store.C("person = $1", authz.From(ctx).Person)), nil, in.Page)
}

// history lists what everybody asked, for the auditor.
func (x *Query) history(ctx context.Context, in *historyIn) (*linesOut, error) {
	var where []store.Cond
	if in.Person != "" {
		where = append(where, store.C("person = $1", in.Person))
	}
	if in.State != "" {
		where = append(where, store.C("state = $1", in.State))
	}
	if in.Personal {
		where = append(where, store.C("personal"))
	}
	if !in.From.IsZero() {
		where = append(where, store.C("at >= $1", in.From))
	}
	if !in.Until.IsZero() {
		where = append(where, store.C("at < $1", in.Until))
	}
	return x.lines(ctx, store.Unscoped("the audit administrator sees what everybody asked"), where, in.Page)
}

func (x *Query) lines(ctx context.Context, scope store.Scope, where []store.Cond, page store.Page) (*linesOut, error) {
	all, err := listRuns(ctx, x.db, scope, where, page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, r := range all.Items {
		units = append(units, r.Unit)
	}
	names, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	out := &linesOut{store.Listed[Line]{Items: []Line{}, Next: all.Next}}
	for i := range all.Items {
		r := &all.Items[i]
		s, err := x.unseal(r)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, Line{ID: r.ID, Origin: r.Origin, State: r.State, SQL: s.SQL, Digest: r.Digest, Sources: r.Sources, Personal: r.Personal,
			Purpose: r.Purpose, Rows: r.Rows, Millis: r.Millis, Error: x.sentence(ctx, r.Fault), Person: r.Person, PersonName: r.PersonName, UnitName: names[r.Unit], At: r.At})
	}
	return out, nil
}

func (x *Query) unseal(r *Run) (said, error) {
	var out said
	b, err := x.ring.Unseal(placeOf(r.ID), r.sealed)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}
