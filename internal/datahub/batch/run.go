package batch

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// State is how far a run is.
type State string

// The states. A run that failed or was cancelled may be corrected and started again.
const (
	Draft     State = "draft"
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

func (s State) busy() bool { return s == Queued || s == Running }

// Mode is what a run answers with.
type Mode string

// The modes.
const (
	Exists  Mode = "exists"  // 是否存在: whether there is a record
	Changed Mode = "changed" // 变化比对: what differs from the values in the list
	Fields  Mode = "fields"  // 授权字段: columns of the record
	Count   Mode = "counts"  // 分组统计: how many are in each group, small groups hidden
)

// Pair holds a column of the file against one of the dataset.
type Pair struct {
	At     int    `json:"at" minimum:"0" doc:"place of the column in the file, from 0"`
	Column string `json:"column" maxLength:"64" doc:"name of the dataset's column"`
}

// Plan is what is asked of a list.
type Plan struct {
	Sheet   string   `json:"sheet" required:"false" maxLength:"100"`
	First   int      `json:"first" required:"false" minimum:"0" doc:"rows of the header as Excel shows them, 0 to find it"`
	Last    int      `json:"last" required:"false" minimum:"0"`
	At      int      `json:"at" minimum:"-1" doc:"place of the column with the keys in the file, from 0; -1 while nobody has said"`
	Key     string   `json:"key" maxLength:"64" doc:"name of the dataset's key column"`
	Mode    Mode     `json:"mode" enum:"exists,changed,fields,counts"`
	Columns []string `json:"columns" required:"false" nullable:"false" maxItems:"500" doc:"with fields: names to be given out"`
	Clear   []string `json:"clear" required:"false" nullable:"false" maxItems:"500" doc:"of these, names to be given out in clear"`
	Reason  string   `json:"reason" required:"false" maxLength:"200" doc:"why in clear; stands in the ledger"`
	Compare []Pair   `json:"compare" required:"false" nullable:"false" maxItems:"50" doc:"with changed: what to compare"`
	Group   string   `json:"group" required:"false" maxLength:"64" doc:"with counts: name of the column to group by"`
}

// asked are the columns of the dataset the run needs beside the key.
func (p Plan) asked() []string {
	out := []string{}
	switch p.Mode {
	case Fields:
		out = append(out, p.Columns...)
	case Changed:
		for _, c := range p.Compare {
			out = append(out, c.Column)
		}
	case Count:
		out = append(out, p.Group)
	}
	return out
}

// clear are the columns given out in clear.
func (p Plan) clear() []string {
	if p.Mode != Fields && p.Mode != Changed {
		return nil
	}
	return p.Clear
}

// check says what is missing in a plan.
func (p Plan) check(ds dataset.Dataset) error {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "batch." + key, Args: args})
	}
	if p.At < 0 {
		fail("at", "no_column")
	}
	switch {
	case p.Mode == Fields && len(p.Columns) == 0:
		fail("columns", "no_fields")
	case p.Mode == Changed && len(p.Compare) == 0:
		fail("compare", "no_compare")
	case p.Mode == Count && p.Group == "":
		fail("group", "no_group")
	}
	seen := map[string]bool{p.Key: p.Mode == Changed || p.Mode == Count}
	for _, name := range p.asked() {
		c, ok := ds.Column(name)
		switch {
		case name == "":
		case !ok:
			fail("columns", "gone_column", name)
		case seen[name]:
			fail("columns", "twice", c.Title)
		case p.Mode == Count && (c.Masked || c.Level >= dataset.L3):
			fail("group", "group_level", c.Title)
		}
		seen[name] = true
	}
	for _, name := range p.clear() {
		if !slices.Contains(p.asked(), name) {
			fail("clear", "clear_what", name)
		}
	}
	if bad != nil {
		return errs.New(errs.Invalid, "batch.plan").With(bad...)
	}
	return nil
}

// Reason is a reason as kept: arguments are texts, so that they come back as they were.
type Reason struct {
	Key   string   `json:"key,omitempty"`
	Args  []string `json:"args,omitempty"`
	Count int64    `json:"count,omitempty"`
}

func texts(args []any) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = fmt.Sprint(a)
	}
	return out
}

// Counts sums a list up.
type Counts struct {
	Rows     int64    `json:"rows" doc:"with anything in them"`
	Valid    int64    `json:"valid" doc:"that ask for a key, each once"`
	Invalid  int64    `json:"invalid" doc:"that cannot be used"`
	Repeated int64    `json:"repeated" doc:"whose key came before"`
	Upgraded int64    `json:"upgraded" doc:"of 15 digits, made 18"`
	Distinct int64    `json:"-"`
	Why      []Reason `json:"why" nullable:"false"`
}

// finding is what a look at the file has shown, without any cell of it.
type finding struct {
	Format    string        `json:"format"`
	Encoding  string        `json:"encoding"`
	Delimiter string        `json:"delimiter"`
	Sheets    []table.Sheet `json:"sheets"`
	Columns   []FileColumn  `json:"columns"`
	Problems  []Reason      `json:"problems"`
	Notes     []Reason      `json:"notes"`
}

// FileColumn is one column of the list.
type FileColumn struct {
	At     int        `json:"at"`
	Header string     `json:"header"`
	Kind   codes.Kind `json:"kind" doc:"what it seems to hold"`
}

// Run is one list on its way through.
type Run struct {
	ID          string
	State       State
	File        string
	FileName    string
	FileSize    int64
	Plan        Plan
	Finding     finding
	Counts      Counts
	Purpose     string
	Basis       string
	Dataset     string
	Title       string
	OwnerUnit   string
	OwnerStreet string
	Store       string
	Number      int64
	Fresh       store.Time
	Grant       string
	Bare        bool
	Run         int64
	Stage       string
	Done        int64
	Hits        int64
	Missed      int64
	Changed     int64
	Result      string
	Header      []string
	Groups      []Group
	sealed      string
	Root        string
	Expires     store.Time
	Copies      int64
	Fault       Reason
	Lang        string
	Owner       string
	OwnerName   string
	PostUnit    string
	Unit        string
	Street      string
	At          store.Time
	Started     store.Time
	Ended       store.Time
	Version     int64
}

// place names where the key of a result stands, so that it opens nowhere else.
func placeOf(run string) string { return "batch_run.sealed/" + run }

// copyPlace names where the password of a copy stands.
func copyPlace(code string) string { return "batch_copy.sealed/" + code }

// startable says why the run cannot be started, nil when it can.
func (r *Run) startable(ds dataset.Dataset) error {
	switch {
	case r.State.busy():
		return errs.New(errs.Conflict, "batch.running")
	case r.State == Done:
		return errs.New(errs.Conflict, "batch.done")
	case r.File == "":
		return errs.New(errs.Conflict, "batch.cleaned")
	}
	if err := r.Plan.check(ds); err != nil {
		return err
	}
	switch {
	case len(r.Finding.Problems) > 0:
		p := r.Finding.Problems[0]
		return errs.New(errs.Invalid, "batch.has_problems").With(errs.Field{Name: "at", Key: p.Key, Args: anys(p.Args)})
	case r.Counts.Valid == 0:
		return errs.New(errs.Invalid, "batch.nothing_valid")
	}
	return nil
}

func anys(args []string) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
	}
	return out
}

// editable says why the run cannot be changed by the person, nil when it can.
func (r *Run) editable(person string) error {
	switch {
	case r.Owner != person:
		return errs.New(errs.Denied, "batch.not_yours", r.OwnerName)
	case r.State.busy():
		return errs.New(errs.Conflict, "batch.running")
	case r.State == Done:
		return errs.New(errs.Conflict, "batch.done")
	}
	return nil
}

// actor is the person who started the run, in whose name its worker acts.
func (r *Run) actor() *room.Actor {
	return &room.Actor{Person: r.Owner, Name: r.OwnerName, Unit: r.PostUnit, Home: r.Unit, Street: r.Street, IsJob: true}
}

// cleanReason trims what a person gives as purpose, basis or reason, and refuses what says nothing, and what holds an
// identity number: the ledger and the audit are read by people who may not see it.
func cleanReason(field, text string, least int) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	if utf8.RuneCountInString(text) < least || len(different) < min(least, 3) {
		return "", errs.New(errs.Invalid, "batch.why").With(errs.Field{Name: field, Key: "batch.too_short", Args: []any{least}})
	}
	plain := codes.Normalise(codes.KindID, text)
	digits := 0
	for _, r := range plain {
		if r >= '0' && r <= '9' {
			if digits++; digits >= 15 {
				return "", errs.New(errs.Invalid, "batch.why").With(errs.Field{Name: field, Key: "batch.holds_number"})
			}
			continue
		}
		digits = 0
	}
	return text, nil
}
