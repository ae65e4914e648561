package library

import (
	"cmp"
	"math/big"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/datahub/library/internal/merge"
	"qushu/internal/datahub/library/internal/schedule"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// Source is where data is collected from.
type Source struct {
	ID        string
	Name      string
	Spec      source.Spec
	Secret    string // sealed
	Owner     string
	OwnerName string
	Unit      string
	Street    string
	At        store.Time
	Version   int64
}

// placeOf names the place a source's secret is bound to.
func placeOf(id string) string { return "library_source.secret/" + id }

// moved reports whether a change leads the secret to another place than it was given for.
func moved(a, b source.Spec) bool {
	return a.Kind != b.Kind || a.Host != b.Host || a.Port != b.Port || a.User != b.User || a.API.URL != b.API.URL || a.API.Header != b.API.Header || a.HostKey != b.HostKey ||
		a.TLS == "verify" && b.TLS != "verify"
}

// The states of a feed, besides draft.
const (
	feedDraft  = "draft"  // not confirmed yet
	feedOn     = "on"     // runs when it is due
	feedPaused = "paused" // runs by hand only
	feedDecide = "decide" // what comes differs from what was agreed; its owner decides
)

// The modes.
const (
	full      = "full"      // every row, each time
	watermark = "watermark" // the rows whose column has grown past what was seen
	changes   = "changes"   // rows that say what became of their key
)

// What to do when columns change.
const (
	driftStop   = "stop"   // nothing is loaded
	driftAccept = "accept" // new columns are taken, anything else is asked
	driftAsk    = "ask"    // the owner decides
)

// Mode says which rows a run collects.
type Mode struct {
	Kind    string   `json:"kind" enum:"full,watermark,changes"`
	Column  string   `json:"column,omitempty" required:"false" maxLength:"200" doc:"column of the source that grows: a time of change, a running number"`
	Overlap int      `json:"overlap,omitempty" required:"false" minimum:"0" maximum:"100000" doc:"how far to go back behind what was seen: minutes of a time, days of a date, else units"`
	Op      string   `json:"op,omitempty" required:"false" maxLength:"200" doc:"of changes: column that says what became of the row"`
	Deletes []string `json:"deletes,omitempty" required:"false" nullable:"false" maxItems:"20" doc:"of changes: what it says of one that is gone"`
}

// Way is how a feed is collected.
type Way struct {
	Mode     Mode              `json:"mode"`
	Schedule schedule.Schedule `json:"schedule"`
	Drift    string            `json:"drift" enum:"stop,accept,ask" doc:"when columns change: load nothing, take new ones, or ask"`
}

// usualDeletes are the words change files have for rows that are gone.
var usualDeletes = [...]string{"D", "DELETE", "DEL", "删除", "注销"}

// Mark is how far a feed has come.
type Mark struct {
	Value   string `json:"value,omitempty"`   // greatest value of the mode's column
	Print   string `json:"print,omitempty"`   // what all rows come to, in any order
	Version string `json:"version,omitempty"` // warehouse version its last run published
}

// Outcome is what a run came to.
type Outcome struct {
	merge.Counts
	Mode      string          `json:"mode,omitempty"`
	ByHand    bool            `json:"byHand,omitempty"`
	Whole     bool            `json:"whole,omitempty" doc:"every row was collected, though the feed collects changes"`
	Unchanged bool            `json:"unchanged,omitempty" doc:"nothing differed, so nothing was published"`
	Changes   []intake.Change `json:"changes,omitempty" nullable:"false" doc:"how the columns differ from what was agreed"`
	Fetched   int64           `json:"fetched,omitempty" doc:"rows read from the source"`
}

// Feed is one table of a source on its way into a dataset, time and again.
type Feed struct {
	ID        string
	Source    string
	Object    string
	State     string
	Plan      Plan
	Way       Way
	Mark      Mark
	Fault     Reason
	Fails     int64
	Next      store.Time
	Good      store.Time
	Load      string
	Lang      string
	Owner     string
	OwnerName string
	Unit      string
	Street    string
	At        store.Time
	Version   int64
}

// check says what is wrong with a feed as it is to run.
func (f *Feed) check() error {
	if err := f.Plan.check(); err != nil {
		return err
	}
	if err := f.Way.Schedule.Check(); err != nil {
		return err
	}
	m := f.Way.Mode
	if m.Kind == full {
		return nil
	}
	bad := func(name, key string) error {
		return errs.New(errs.Invalid, "library.plan").With(errs.Field{Name: name, Key: key})
	}
	keyed := slices.ContainsFunc(intake.Kept(f.Plan.Columns), func(c dataset.Column) bool { return c.Key })
	switch {
	case !keyed:
		return bad("mode", "library.mode_key")
	case f.Plan.Repeats:
		return bad("mode", "library.mode_repeats")
	case m.Kind == watermark && m.Column == "":
		return bad("column", "library.mode_column")
	case m.Kind == changes && m.Op == "":
		return bad("op", "library.mode_op")
	}
	return nil
}

// settle takes over what was decided. What was seen of the columns stays, and a feed whose mode changes begins anew.
func (f *Feed) settle(s Choice, w Way) error {
	l := Load{Plan: f.Plan}
	was := f.Plan.Dataset
	if f.State == feedDraft && s.Dataset != "" {
		was = s.Dataset
	}
	for i := range s.Columns {
		if at := s.Columns[i].At; at < len(f.Plan.Columns) && f.Plan.Columns[at].Native == "binary" {
			s.Columns[i].Skip = true
		}
	}
	err := l.settle(s)
	l.Plan.Dataset = was
	if was != "" && f.State != feedDraft {
		l.Plan.Name = f.Plan.Name
	}
	if f.Way.Mode.Kind != w.Mode.Kind || f.Way.Mode.Column != w.Mode.Column || f.Way.Mode.Op != w.Mode.Op {
		f.Mark = Mark{}
	}
	if w.Mode.Kind == changes && len(w.Mode.Deletes) == 0 {
		w.Mode.Deletes = slices.Clone(usualDeletes[:])
	}
	if w.Mode.Kind == full {
		w.Mode = Mode{Kind: full}
	}
	f.Plan, f.Way = l.Plan, w
	if err != nil {
		return err
	}
	return f.check()
}

// actor is who a feed acts as: the person who set it up, in the unit it is of.
func (f *Feed) actor() *room.Actor {
	return &room.Actor{Person: f.Owner, Name: f.OwnerName, Unit: f.Unit, Home: f.Unit, Street: f.Street, IsJob: true}
}

// backOff is how long after a failure another run begins, by how many have failed before.
var backOff = [...]time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}

// Choosing is what is decided about one difference.
type Choosing struct {
	Header string `json:"header" maxLength:"200" doc:"column of the difference"`
	Do     string `json:"do" enum:"map,drop,empty,take,skip,retype,keep" doc:"map: it goes on under the new name; drop: the dataset loses it; empty: it stays without values; take and skip a new column; retype: take the new type; keep the old one"`
	To     string `json:"to" required:"false" maxLength:"200" doc:"of map: the new name"`
}

// decide changes the plan as was decided about every difference.
func (f *Feed) decide(differ []intake.Change, said []Choosing) error {
	cols := slices.Clone(f.Plan.Columns)
	find := func(header string) int {
		return slices.IndexFunc(cols, func(c intake.Column) bool { return c.Header == header })
	}
	used := map[string]bool{}
	for _, d := range differ {
		i := slices.IndexFunc(said, func(c Choosing) bool { return c.Header == d.Header })
		if i < 0 {
			return errs.New(errs.Invalid, "library.undecided", d.Header)
		}
		s, at := said[i], find(d.Header)
		switch {
		case d.What == "added" && s.Do == "take" && d.Column != nil, d.What == "added" && s.Do == "skip" && d.Column != nil:
			continue
		case at < 0:
			return errs.New(errs.Invalid, "library.undecided", d.Header)
		case d.What == "retyped" && s.Do == "retype":
			cols[at].Native = d.Is
			if t := typeOf(d.Is); t.Kind != "" {
				cols[at].Type = t
			} else {
				cols[at].Type = warehouse.Type{Kind: warehouse.KindText}
			}
		case d.What == "retyped" && s.Do == "keep":
			cols[at].Native = d.Is
		case d.What != "added" && s.Do == "map" && s.To != "" && find(s.To) < 0 && !used[s.To]:
			to := slices.IndexFunc(differ, func(x intake.Change) bool {
				return x.What == "added" && x.Header == s.To || x.What == "renamed" && x.To == s.To
			})
			if to < 0 {
				return errs.New(errs.Invalid, "library.undecided", d.Header)
			}
			used[s.To] = true
			cols[at].Header, cols[at].Native = s.To, differ[to].Is
		case d.What != "added" && s.Do == "drop":
			cols = slices.Delete(cols, at, at+1)
		case d.What != "added" && s.Do == "empty":
			if cols[at].Key {
				return errs.New(errs.Invalid, "library.key_gone", cols[at].Title)
			}
			cols[at].Gone = true
		default:
			return errs.New(errs.Invalid, "library.undecided", d.Header)
		}
	}
	for _, d := range differ { // what is new comes last; one that a lost column goes on under is not new
		header, take := d.Header, false
		if d.What == "renamed" {
			header = d.To
		} else if d.What != "added" {
			continue
		}
		if used[header] || d.Column == nil {
			continue
		}
		for _, s := range said {
			take = take || s.Header == header && s.Do == "take"
		}
		cols = append(cols, fresh(*d.Column, cols, !take))
	}
	for i := range cols {
		cols[i].At = i
	}
	f.Plan.Columns = cols
	return f.check()
}

// fresh is a new column with a name of its own.
func fresh(c intake.Column, beside []intake.Column, skip bool) intake.Column {
	taken := map[string]bool{}
	for _, b := range beside {
		taken[strings.ToLower(b.Name)] = true
	}
	c.Name, c.Skip, c.Key = intake.Identifier(c.Header, taken), skip, false
	return c
}

// typeOf reads a column's family back, the zero Type when the values must tell.
func typeOf(family string) warehouse.Type {
	var t warehouse.Type
	if err := t.UnmarshalText([]byte(family)); err != nil || t.Kind == warehouse.KindText {
		return warehouse.Type{}
	}
	return t
}

// least is the value from which on rows are wanted: what was seen, less the overlap.
func (m Mode) least(seen string, t warehouse.Type) string {
	if seen == "" || m.Overlap == 0 {
		return seen
	}
	switch t.Kind {
	case warehouse.KindInteger:
		if n, err := strconv.ParseInt(seen, 10, 64); err == nil {
			return strconv.FormatInt(n-int64(m.Overlap), 10)
		}
	case warehouse.KindDate:
		if d, err := time.Parse(time.DateOnly, seen); err == nil {
			return d.AddDate(0, 0, -m.Overlap).Format(time.DateOnly)
		}
	case warehouse.KindDatetime:
		if at, err := time.Parse(time.DateTime, seen); err == nil {
			return at.Add(-time.Duration(m.Overlap) * time.Minute).Format("2006-01-02 15:04:05.999999")
		}
	}
	return seen
}

// later reports whether value a of a growing column comes after b.
func later(a, b string, t warehouse.Type) bool {
	if b == "" || a == "" {
		return a != ""
	}
	if t.Kind == warehouse.KindInteger || t.Kind == warehouse.KindDecimal {
		x, ok1 := new(big.Rat).SetString(a)
		y, ok2 := new(big.Rat).SetString(b)
		return ok1 && (!ok2 || x.Cmp(y) > 0)
	}
	return a > b // times stand in an order that texts sort by
}

// titleOf makes a title of an object's name: of a file its name without ending and pattern, of a table what stands behind its
// last point.
func titleOf(object string) string {
	file := slices.Contains([]string{".csv", ".txt", ".tsv", ".xlsx", ".json", ".jsonl", ".parquet"}, strings.ToLower(path.Ext(object)))
	if i := strings.LastIndex(object, "/"); i >= 0 || file {
		return cmp.Or(strings.TrimRight(strings.TrimSuffix(object[i+1:], path.Ext(object)), "*_- "), object[i+1:])
	}
	if i := strings.LastIndex(object, "."); i >= 0 && i < len(object)-1 {
		return object[i+1:]
	}
	return object
}
