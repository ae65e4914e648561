package theme

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/when"
	"qushu/internal/kernel/dataset"
)

// Bounds of a library.
const (
	maxSteps = 40
	maxTests = 50 // of a step
)

// engine is the dialect steps are written in; it stands with each of them.
const engine = "duckdb"

// Column is a column of what a step makes: how it is shown and classified, and where it comes from.
type Column struct {
	dataset.Column
	Floor  dataset.Level `json:"floor" required:"false" doc:"level by what it comes from; a lower one needs a reason"`
	Reason string        `json:"reason" required:"false" maxLength:"200" doc:"why it is classified lower, or not masked"`
	How    warehouse.How `json:"how" required:"false" enum:",copy,derived,aggregate"`
	From   []string      `json:"from" required:"false" nullable:"false" doc:"dataset.column it comes from"`
}

// Step makes one dataset.
type Step struct {
	Name    string   `json:"name" maxLength:"50" doc:"of the dataset; other steps name it so"`
	Title   string   `json:"title" maxLength:"100"`
	Summary string   `json:"summary" required:"false" maxLength:"1000"`
	Engine  string   `json:"engine" required:"false" enum:"duckdb" default:"duckdb" doc:"whose SQL it is"`
	SQL     string   `json:"sql" maxLength:"20000"`
	Repeats bool     `json:"repeats" required:"false" doc:"several rows may have the same key"`
	Columns []Column `json:"columns" required:"false" nullable:"false" maxItems:"1000"`
	Tests   []Test   `json:"tests" required:"false" nullable:"false" maxItems:"50"`
}

// columns as a dataset catalogues them.
func (s Step) columns() []dataset.Column {
	out := make([]dataset.Column, len(s.Columns))
	for i, c := range s.Columns {
		out[i] = c.Column
	}
	return out
}

// Schedule is when a library runs by itself.
type Schedule struct {
	Every string `json:"every" required:"false" enum:",input,daily" doc:"empty: by hand; input: when something it reads has a new version"`
	At    string `json:"at" required:"false" maxLength:"5" doc:"of daily: 02:30, civil time"`
}

// next is the first moment after t at which it is due by the clock, the zero time for none.
func (s Schedule) next(t time.Time) time.Time {
	if s.Every != "daily" {
		return time.Time{}
	}
	at, err := time.Parse("15:04", s.At)
	if err != nil {
		return time.Time{}
	}
	t = t.In(when.Zone)
	out := time.Date(t.Year(), t.Month(), t.Day(), at.Hour(), at.Minute(), 0, 0, when.Zone)
	if !out.After(t) {
		out = out.AddDate(0, 0, 1)
	}
	return out
}

// Definition is what a library does.
type Definition struct {
	Steps    []Step   `json:"steps" nullable:"false" maxItems:"40"`
	Schedule Schedule `json:"schedule" required:"false"`
}

// Theme is a library.
type Theme struct {
	ID           string
	Name         string
	Title        string
	Kind         string
	Summary      string
	Unit         string
	Street       string
	Owner        string
	OwnerName    string
	Draft        Definition
	Changed      bool
	Released     Definition
	Release      int64
	ReleasedBy   string
	ReleasedName string
	ReleasedAt   store.Time
	Next         store.Time
	Run          string
	State        State
	Good         store.Time
	Fails        int64
	Warned       int64
	Fault        Reason
	Lang         string
	At           store.Time
	Version      int64
}

func (t *Theme) link() string { return "/theme/" + t.ID }

// Reason is what is wrong, as kept: arguments are texts.
type Reason struct {
	Step string   `json:"step,omitempty"` // title of the step it is about
	Name string   `json:"name,omitempty"` // its name
	Part string   `json:"part,omitempty"` // sql, columns, tests or step
	Row  int      `json:"row,omitempty"`  // line of the SQL, from 1
	Col  int      `json:"col,omitempty"`  // and its character
	Key  string   `json:"key,omitempty"`
	Args []string `json:"args,omitempty"`
}

func texts(args []any) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = fmt.Sprint(a)
	}
	return out
}

func values(args []string) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
	}
	return out
}

// about is a reason of a step, from an error with words; with a field each where it has some.
func (s Step) about(part string, e *errs.Error) []Reason {
	one := func(key string, args []any) Reason {
		return Reason{Step: s.called(), Name: s.Name, Part: part, Key: key, Args: texts(args)}
	}
	if len(e.Fields) == 0 {
		return []Reason{one(e.Key, e.Args)}
	}
	var out []Reason
	for _, f := range e.Fields {
		if f.Key != "warehouse.sql_place" {
			out = append(out, one(f.Key, f.Args))
			continue
		}
		r := one(e.Key, e.Args)
		r.Row, _ = f.Args[0].(int)
		r.Col, _ = f.Args[1].(int)
		out = append(out, r)
	}
	return out
}

func (s Step) called() string {
	if s.Title != "" {
		return s.Title
	}
	return s.Name
}

// shape says what is wrong with a definition before any SQL is read.
func (d Definition) shape() []Reason {
	var out []Reason
	seen := map[string]bool{}
	for _, s := range d.Steps {
		bad := func(key string, args ...any) {
			out = append(out, s.about("step", errs.New(errs.Invalid, key, args...))...)
		}
		if dataset.CheckName(s.Name) != nil {
			bad("theme.bad_name", s.Name)
		} else if seen[s.Name] {
			bad("theme.name_twice", s.Name)
		}
		seen[s.Name] = true
		if utf8.RuneCountInString(strings.TrimSpace(s.Title)) < 2 {
			bad("theme.no_title", s.Name)
		}
		if s.Engine != engine {
			bad("theme.engine", s.Engine)
		}
	}
	if _, err := time.Parse("15:04", d.Schedule.At); d.Schedule.Every == "daily" && err != nil {
		out = append(out, Reason{Part: "schedule", Key: "theme.bad_time", Args: []string{d.Schedule.At}})
	}
	return out
}

// order returns the places of steps so that each comes after what it reads, or the chain of names that comes back to its
// beginning. reads tells which steps a step names.
func order(steps []Step, reads map[string][]string) (out []int, chain []string) {
	const open, done = 1, 2
	state := map[string]int{}
	at := map[string]int{}
	for i, s := range steps {
		if _, twice := at[s.Name]; !twice {
			at[s.Name] = i
		}
	}
	var path []string
	var visit func(name string) bool
	visit = func(name string) bool {
		switch state[name] {
		case done:
			return true
		case open:
			chain = append(path[slices.Index(path, name):len(path):len(path)], name)
			return false
		}
		state[name] = open
		path = append(path, name)
		for _, r := range reads[name] {
			if _, is := at[r]; is && !visit(r) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[name] = done
		out = append(out, at[name])
		return true
	}
	for _, s := range steps {
		if !visit(s.Name) {
			return nil, chain
		}
	}
	return out, nil
}

// settle puts what a person decided about a column over what follows from where it comes from. At a run nobody is there to
// decide: what has become more sensitive since the reason was given is raised.
func settle(given *Column, c Column, run bool) (Column, []Reason) {
	if given == nil {
		return c, nil
	}
	least, masked := c.Floor, c.Masked
	if given.Title != "" {
		c.Title = given.Title
	}
	c.Key = given.Key
	if c.How != warehouse.Copied {
		c.Kind = given.Kind
	}
	if given.Level == "" {
		return c, nil
	}
	c.Level, c.Masked, c.Reason = given.Level, given.Masked, strings.TrimSpace(given.Reason)
	lower := c.Level < least || masked && !c.Masked
	switch {
	case !lower:
		c.Reason = ""
	case run && (c.Reason == "" || given.Floor < least):
		c.Level, c.Masked = max(c.Level, least), c.Masked || masked
	case utf8.RuneCountInString(c.Reason) < 4:
		return c, []Reason{{Key: "theme.level_reason", Args: []string{c.Title, string(least)}}}
	}
	c.Masked = c.Masked || c.Level >= dataset.L3
	return c, nil
}
