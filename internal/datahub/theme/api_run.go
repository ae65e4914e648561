package theme

import (
	"context"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// RunLine is a run in a list.
type RunLine struct {
	ID         string     `json:"id"`
	Library    string     `json:"library"`
	Number     int64      `json:"number"`
	State      State      `json:"state" enum:"queued,running,done,failed,cancelled"`
	Why        string     `json:"why" enum:"hand,input,daily" doc:"what started it"`
	Rows       int64      `json:"rows" doc:"of all datasets made so far"`
	Steps      int        `json:"steps"`
	Made       int        `json:"made" doc:"steps that are done"`
	Failing    int        `json:"failing" doc:"tests that failed"`
	Error      string     `json:"error"`
	PersonName string     `json:"personName"`
	At         store.Time `json:"at"`
	Started    store.Time `json:"startedAt"`
	Ended      store.Time `json:"endedAt"`
	Millis     int64      `json:"millis" doc:"from its beginning to its end, or to now"`
}

// RunBody is a run step by step.
type RunBody struct {
	RunLine
	Results []StepLine `json:"results" nullable:"false"`
}

// StepLine is what became of one step.
type StepLine struct {
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	State   State      `json:"state" enum:"queued,running,done,failed,cancelled"`
	Rows    int64      `json:"rows"`
	Millis  int64      `json:"millis"`
	Dataset string     `json:"dataset" doc:"id, once published"`
	Number  int64      `json:"number" doc:"of the version"`
	Tests   []TestLine `json:"tests" nullable:"false"`
}

// TestLine is what a test came to.
type TestLine struct {
	Title    string     `json:"title"`
	Kind     string     `json:"kind"`
	Blocking bool       `json:"blocking"`
	Passed   bool       `json:"passed"`
	Failing  int64      `json:"failing" doc:"rows that fail; of a test on the number of rows how many there are"`
	More     bool       `json:"more" doc:"there are more than were counted"`
	Before   int64      `json:"before" doc:"rows of the version before, of a test on that"`
	Columns  []string   `json:"columns" nullable:"false"`
	Rows     [][]string `json:"rows" nullable:"false" doc:"the first rows that fail, masked"`
}

func (x *Themes) runLine(ctx context.Context, r *Run) RunLine {
	out := RunLine{ID: r.ID, Library: r.Theme, Number: r.Number, State: r.State, Why: r.Why, Rows: r.Rows, Steps: len(r.Results), Error: x.sentence(web.From(ctx).Lang, r.Fault),
		PersonName: r.PersonName, At: r.At, Started: r.Started, Ended: r.Ended}
	for _, one := range r.Results {
		if one.State == Done {
			out.Made++
		}
		out.Failing += int(advised(one.Tests))
	}
	switch {
	case r.Started.IsZero():
	case r.Ended.IsZero():
		out.Millis = max(0, x.now().Sub(r.Started.Time).Milliseconds())
	default:
		out.Millis = r.Ended.Sub(r.Started.Time).Milliseconds()
	}
	return out
}

func (x *Themes) runBody(ctx context.Context, r *Run) RunBody {
	b := RunBody{RunLine: x.runLine(ctx, r), Results: []StepLine{}}
	for _, one := range r.Results {
		s := StepLine{Name: one.Name, Title: one.Title, State: one.State, Rows: one.Rows, Millis: one.Millis, Dataset: one.Dataset, Number: one.Number, Tests: []TestLine{}}
		var step Step
		if i := slices.IndexFunc(r.Steps.Steps, func(s Step) bool { return s.Name == one.Name }); i >= 0 {
			step = r.Steps.Steps[i]
		}
		for _, o := range one.Tests {
			s.Tests = append(s.Tests, TestLine{Title: x.testTitle(web.From(ctx).Lang, o.Test, step), Kind: o.Test.Kind, Blocking: o.Test.Blocking, Passed: o.Passed, Failing: o.Failing, More: o.More, Before: o.Before,
				Columns: append([]string{}, o.Columns...), Rows: append([][]string{}, o.Rows...)})
		}
		b.Results = append(b.Results, s)
	}
	return b
}

type runOut struct{ Body RunBody }

// run starts what is in force at once.
func (x *Themes) run(ctx context.Context, in *idIn) (*runOut, error) {
	var r Run
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := x.hold(ctx, tx, in.ID, "theme.build", 0)
		if err != nil {
			return err
		}
		if t.Release == 0 {
			return errs.New(errs.Conflict, "theme.not_released")
		}
		me := authz.From(ctx)
		if r, err = x.queue(ctx, tx, &t, "hand", me.Person, me.Name, web.From(ctx).Lang); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.run", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"run": r.ID, "number": r.Number, "why": "hand"}})
	})
	if err != nil {
		return nil, err
	}
	return &runOut{x.runBody(ctx, &r)}, nil
}

// runScope is the scope of runs, which belong to the unit of their library.
func runScope(ctx context.Context, perm string) store.Scope {
	return authz.WhereCols(ctx, perm, authz.Cols{Unit: "unit_id", Street: "street", Owner: "person"})
}

type runsIn struct {
	ID string `path:"id" maxLength:"40"`
	store.Page
}
type runsOut struct{ Body store.Listed[RunLine] }

func (x *Themes) runs(ctx context.Context, in *runsIn) (*runsOut, error) {
	t, err := x.find(ctx, x.db, in.ID, "theme.read")
	if err != nil {
		return nil, err
	}
	all, err := listRuns(ctx, x.db, runScope(ctx, "theme.read"), t.ID, in.Page)
	out := &runsOut{store.Listed[RunLine]{Items: []RunLine{}, Next: all.Next}}
	for i := range all.Items {
		out.Body.Items = append(out.Body.Items, x.runLine(ctx, &all.Items[i]))
	}
	return out, err
}

func (x *Themes) getRun(ctx context.Context, in *idIn) (*runOut, error) {
	r, err := findRun(ctx, x.db, in.ID, runScope(ctx, "theme.read").Cond())
	if err != nil {
		return nil, err
	}
	return &runOut{x.runBody(ctx, &r)}, nil
}

// cancel ends a run; its worker hears of it within a second and leaves nothing.
func (x *Themes) cancel(ctx context.Context, in *idIn) (*runOut, error) {
	var r Run
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if r, err = findRun(ctx, tx, in.ID, runScope(ctx, "theme.build").Cond()); err != nil {
			return err
		}
		if err := store.Lock(ctx, tx, "theme", r.Theme); err != nil {
			return err
		}
		if r, err = findRun(ctx, tx, in.ID, store.C("TRUE")); err != nil {
			return err
		}
		if !r.State.busy() {
			return errs.New(errs.Conflict, "theme.not_running")
		}
		r.State, r.Ended, r.Rows = Cancelled, store.At(x.now()), 0
		for i := range r.Results {
			if r.Results[i].State != Done {
				r.Results[i].State = Cancelled
			}
		}
		if err := saveEnd(ctx, tx, &r); err != nil {
			return err
		}
		t, err := findTheme(ctx, tx, r.Theme, store.C("TRUE"))
		if err != nil {
			return err
		}
		t.Run, t.State = r.ID, Cancelled
		if err := saveOutcome(ctx, tx, &t); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.cancel", Object: "theme", ID: r.Theme, Title: t.Title, Detail: map[string]any{"run": r.ID, "number": r.Number}})
	})
	if err != nil {
		return nil, err
	}
	return &runOut{x.runBody(ctx, &r)}, nil
}

const (
	mostPreviewed = 20
	previewTime   = 30 * time.Second
)

type previewIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Step string `json:"step" maxLength:"50" doc:"name of a step of the saved draft"`
	}
}
type previewOut struct {
	Body struct {
		Columns []PreviewColumn `json:"columns" nullable:"false"`
		Rows    [][]string      `json:"rows" nullable:"false" doc:"masked by what each column comes from, whatever was decided about it"`
		More    bool            `json:"more"`
	}
}

// PreviewColumn is a column of a preview.
type PreviewColumn struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Masked bool   `json:"masked"`
}

// preview shows the first rows a step of the draft would make, masked. What it reads of other steps is what they made last.
func (x *Themes) preview(ctx context.Context, in *previewIn) (*previewOut, error) {
	t, err := x.find(ctx, x.db, in.ID, "theme.build")
	if err != nil {
		return nil, err
	}
	c, err := x.check(ctx, x.db, &t, t.Draft, false)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(c.steps, func(p planned) bool { return p.step.Name == in.Body.Step })
	if at < 0 {
		for _, r := range c.faults {
			if r.Name == in.Body.Step || r.Name == "" {
				return nil, errs.New(errs.Invalid, "theme.not_ready", x.sentence(web.From(ctx).Lang, r))
			}
		}
		return nil, errs.New(errs.Invalid, "theme.no_step", in.Body.Step)
	}
	p := c.steps[at]
	var own []dataset.Table
	for _, before := range c.steps[:at] {
		if !slices.ContainsFunc(p.question.Faces, func(f dataset.Face) bool { return f.Own && f.Dataset.Name == before.step.Name }) {
			continue
		}
		if before.dataset.ID == "" || slices.ContainsFunc(before.step.Columns, func(c Column) bool { o, ok := before.dataset.Column(c.Name); return !ok || o.Type != c.Type }) {
			return nil, errs.New(errs.Conflict, "theme.preview_first", before.step.called())
		}
		own = append(own, dataset.Table{Name: before.step.Name, Title: before.step.Title, Version: before.dataset.Current, Columns: before.step.columns()})
	}
	question, err := x.read(ctx, x.db, &t, p.step.SQL, own)
	if err != nil {
		return nil, err
	}
	cols, rows, more, err := x.shown(ctx, question, mostPreviewed, previewTime)
	if err != nil {
		return nil, err
	}
	out := &previewOut{}
	out.Body.Columns, out.Body.Rows, out.Body.More = []PreviewColumn{}, rows, more
	for _, c := range cols {
		out.Body.Columns = append(out.Body.Columns, PreviewColumn{c.Name, c.Title, c.Masked})
	}
	e := audit.Entry{Action: "theme.preview", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"step": p.step.Name, "rows": len(rows)}}
	if slices.ContainsFunc(question.Faces, dataset.Face.Personal) {
		e.Personal, e.Subjects, e.Purpose = true, len(rows), x.words.Text("zh", "theme.purpose_preview", t.Title)
	}
	return out, x.audit.Note(ctx, e)
}

// Source is a dataset the steps of a library may read.
type SourceLine struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Title    string         `json:"title"`
	UnitName string         `json:"unitName"`
	Rows     int64          `json:"rows"`
	Columns  []SourceColumn `json:"columns" nullable:"false" doc:"open to the library's unit"`
}

// SourceColumn is a column of it.
type SourceColumn struct {
	Name   string         `json:"name"`
	Title  string         `json:"title"`
	Kind   warehouse.Kind `json:"kind" enum:"text,integer,decimal,date,datetime,boolean"`
	Masked bool           `json:"masked"`
	Key    bool           `json:"key"`
}

type sourcesOut struct{ Body store.Listed[SourceLine] }

// sources lists what the steps of a library may read, with the columns open to its unit.
func (x *Themes) sources(ctx context.Context, in *runsIn) (*sourcesOut, error) {
	t, err := x.find(ctx, x.db, in.ID, "theme.build")
	if err != nil {
		return nil, err
	}
	unit := asUnit(ctx, &t)
	scope, err := x.datasets.Readable(unit, x.db, "theme.build", dataset.Batch)
	if err != nil {
		return nil, err
	}
	all, err := x.datasets.List(unit, x.db, dataset.WithVersions(scope), "", in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, d := range all.Items {
		units = append(units, d.Unit)
	}
	called, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	out := &sourcesOut{store.Listed[SourceLine]{Items: []SourceLine{}, Next: all.Next}}
	for _, d := range all.Items {
		open, err := x.datasets.Open(unit, x.db, d, "theme.build", "theme.build", dataset.Batch)
		if err != nil {
			return nil, err
		}
		l := SourceLine{ID: d.ID, Name: d.Name, Title: d.Title, UnitName: called[d.Unit], Rows: d.Rows, Columns: []SourceColumn{}}
		for _, c := range open {
			l.Columns = append(l.Columns, SourceColumn{c.Name, c.Title, c.Type.Kind, c.Masked, c.Key})
		}
		out.Body.Items = append(out.Body.Items, l)
	}
	return out, nil
}

// Dict is a code list a test may refer to.
type Dict struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}
type dictsOut struct {
	Body struct {
		Items []Dict `json:"items" nullable:"false"`
	}
}

func (x *Themes) dictionaries(ctx context.Context, _ *struct{}) (*dictsOut, error) {
	out := &dictsOut{}
	out.Body.Items = []Dict{}
	for _, d := range x.dicts.All() {
		title := d.Title
		if strings.HasPrefix(web.From(ctx).Lang, "en") {
			title = d.TitleEn
		}
		out.Body.Items = append(out.Body.Items, Dict{d.Name, title})
	}
	return out, nil
}
