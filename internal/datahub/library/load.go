package library

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// State is how far a load is.
type State string

// The states. A load that failed or was cancelled may be corrected and started again.
const (
	Draft     State = "draft"
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Decide    State = "decide" // of a feed: what came differs from what was agreed
)

// busy reports whether a worker has it, or soon will.
func (s State) busy() bool { return s == Queued || s == Running }

// What to do with rows that cannot be loaded.
const (
	rejectRows = "reject" // leave them out and list them
	failAll    = "fail"   // load nothing and list them
)

// Plan is what is to become of a file.
type Plan struct {
	Dataset string          `json:"dataset"` // id of the one it replaces, "" for a new one
	Name    string          `json:"name"`
	Title   string          `json:"title"`
	Summary string          `json:"summary"`
	Sheet   string          `json:"sheet"`
	First   int             `json:"first"`
	Last    int             `json:"last"`
	Columns []intake.Column `json:"columns"`
	OnBad   string          `json:"onBad"`
	Repeats bool            `json:"repeats"` // several rows may have the same key
}

// Reason is a reason as kept: arguments are texts, so that they come back as they were.
type Reason struct {
	Row  int      `json:"row,omitempty"`
	Name string   `json:"name,omitempty"`
	Key  string   `json:"key,omitempty"`
	Args []string `json:"args,omitempty"`
}

func reasons(fields []errs.Field) []Reason {
	out := make([]Reason, len(fields))
	for i, f := range fields {
		out[i] = Reason{Row: f.Row, Name: f.Name, Key: f.Key, Args: texts(f.Args)}
	}
	return out
}

func texts(args []any) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = fmt.Sprint(a)
	}
	return out
}

// finding is what was seen at the beginning of the file, without any cell of it.
type finding struct {
	Format    string        `json:"format"`
	Encoding  string        `json:"encoding"`
	Delimiter string        `json:"delimiter"`
	Sheets    []table.Sheet `json:"sheets"`
	Problems  []Reason      `json:"problems"`
	Notes     []Reason      `json:"notes"`
	Faulty    int           `json:"faulty"`
	Seen      int           `json:"seen"`
}

// Load is one file, or one run of a feed, on its way into a dataset.
type Load struct {
	ID        string
	State     State
	File      string
	FileName  string
	FileSize  int64
	Plan      Plan
	Finding   finding
	Run       int64
	Expect    int64
	Rows      int64
	Bytes     int64
	BytesAll  int64
	Rejected  int64
	Reject    string
	Fault     Reason
	Dataset   string
	Number    int64
	Lang      string
	Owner     string
	OwnerName string
	Unit      string
	Street    string
	At        store.Time
	Started   store.Time
	Ended     store.Time
	Feed      string // whose run it is, "" for an upload
	Outcome   Outcome
	Version   int64
}

// found takes over what a look at the file has shown.
func (l *Load) found(f intake.Finding) {
	l.Finding = finding{Format: f.Format, Encoding: f.Encoding, Delimiter: f.Delimiter, Sheets: f.Sheets,
		Problems: reasons(f.Problems), Notes: reasons(f.Notes), Faulty: f.Faulty, Seen: f.Seen}
	l.Plan.Sheet, l.Plan.First, l.Plan.Last, l.Plan.Columns = f.Sheet, f.First, f.Last, f.Columns
}

// aim sets which dataset the load makes or replaces. What replaces goes on with the names and the classification
// there are.
func (l *Load) aim(ds *dataset.Dataset) {
	if ds == nil {
		title := strings.TrimSuffix(l.FileName, path.Ext(l.FileName))
		if r := []rune(title); len(r) > 100 {
			title = string(r[:100])
		}
		l.Plan.Dataset, l.Plan.Title, l.Plan.Name = "", title, intake.Code(title)
		return
	}
	l.Plan.Dataset, l.Plan.Title, l.Plan.Name, l.Plan.Summary = ds.ID, ds.Title, ds.Name, ds.Summary
	intake.Inherit(l.Plan.Columns, ds.Columns)
}

// Choice is what a person decides about a load.
type Choice struct {
	Dataset string          `json:"dataset" required:"false" maxLength:"40" doc:"id of the dataset it replaces, empty for a new one"`
	Name    string          `json:"name" maxLength:"50" doc:"of a new dataset: lower-case letters, digits, underscores"`
	Title   string          `json:"title" maxLength:"100"`
	Summary string          `json:"summary" required:"false" maxLength:"1000"`
	Columns []intake.Column `json:"columns" nullable:"false" maxItems:"2000"`
	OnBad   string          `json:"onBad" enum:"reject,fail" doc:"rows that cannot be loaded: leave them out, or load nothing"`
	Repeats bool            `json:"repeats" required:"false" doc:"several rows may have the same key"`
}

// settle takes over what the person decided. Places, headers and figures of the columns stay as they were found.
func (l *Load) settle(s Choice) error {
	cols := make([]intake.Column, len(l.Plan.Columns))
	seen := make([]bool, len(cols))
	for _, c := range s.Columns {
		if c.At >= len(cols) || seen[c.At] {
			return errs.New(errs.Invalid, "library.other_columns")
		}
		was := l.Plan.Columns[c.At]
		seen[c.At] = true
		c.Header, c.Sure, c.Empty, c.Native, c.Gone = was.Header, was.Sure, was.Empty, was.Native, was.Gone
		c.Title = strings.TrimSpace(c.Title)
		cols[c.At] = c
	}
	if len(s.Columns) != len(cols) {
		return errs.New(errs.Invalid, "library.other_columns")
	}
	l.Plan.Dataset, l.Plan.Name, l.Plan.Title, l.Plan.Summary = s.Dataset, strings.TrimSpace(s.Name), strings.TrimSpace(s.Title), strings.TrimSpace(s.Summary)
	l.Plan.Columns, l.Plan.OnBad, l.Plan.Repeats = cols, s.OnBad, s.Repeats
	return l.Plan.check()
}

// check says what is wrong with a plan.
func (p Plan) check() error {
	if utf8.RuneCountInString(p.Title) < 2 {
		return errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: "title", Key: "library.no_title"})
	}
	if err := dataset.CheckName(p.Name); err != nil && p.Dataset == "" {
		return err
	}
	kept := intake.Kept(p.Columns)
	if len(kept) == 0 {
		return errs.New(errs.Invalid, "library.no_columns")
	}
	for _, c := range kept {
		if c.Title == "" {
			return errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: c.Name, Key: "library.no_column_title"})
		}
	}
	return dataset.CheckColumns(kept)
}

// startable says why the load cannot be started, nil when it can.
func (l *Load) startable() error {
	switch {
	case l.State.busy():
		return errs.New(errs.Conflict, "library.running")
	case l.State == Done:
		return errs.New(errs.Conflict, "library.done")
	case l.File == "":
		return errs.New(errs.Conflict, "library.cleaned")
	case len(l.Finding.Problems) > 0:
		return errs.New(errs.Invalid, "library.has_problems")
	}
	return l.Plan.check()
}

// editable says why the load cannot be changed by the person, nil when it can.
func (l *Load) editable(person string) error {
	switch {
	case l.Feed != "":
		return errs.New(errs.Conflict, "library.of_feed")
	case l.Owner != person:
		return errs.New(errs.Denied, "library.not_yours", l.OwnerName)
	case l.State.busy():
		return errs.New(errs.Conflict, "library.running")
	case l.State == Done:
		return errs.New(errs.Conflict, "library.done")
	}
	return nil
}

// drifted words the difference to the dataset that is replaced as a refusal, nil when there is none.
func drifted(d dataset.Drift) error {
	if d.None() {
		return nil
	}
	e := errs.New(errs.Conflict, "library.drift")
	for _, part := range []struct {
		key   string
		names []string
	}{{"library.drift_added", d.Added}, {"library.drift_removed", d.Removed}, {"library.drift_retyped", d.Retyped},
		{"library.drift_rekeyed", d.Rekeyed}, {"library.drift_opened", d.Opened}} {
		for _, name := range part.names {
			e = e.With(errs.Field{Name: name, Key: part.key, Args: []any{name}})
		}
	}
	return e
}

// actor is the person who started the load, in whose name its worker acts.
func (l *Load) actor() *room.Actor {
	return &room.Actor{Person: l.Owner, Name: l.OwnerName, Unit: l.Unit, Home: l.Unit, Street: l.Street, IsJob: true}
}

// link is the page a load is looked at on.
func (l *Load) link() string {
	if l.Feed != "" {
		return "/library/sources/feeds/" + l.Feed
	}
	return "/library/loads/" + l.ID
}

// personal reports whether what is loaded tells of persons.
func (p Plan) personal() bool {
	for _, c := range intake.Kept(p.Columns) {
		if c.Masked {
			return true
		}
	}
	return false
}
