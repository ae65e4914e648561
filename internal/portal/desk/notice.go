package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Notice is one notice as kept, with the reader's own marks.
type Notice struct {
	Line
	Body         string     `json:"body" doc:"Markdown"`
	By           string     `json:"by" doc:"name of who published it"`
	EditedAt     store.Time `json:"editedAt"`
	EditedBy     string     `json:"editedBy"`
	WithdrawnBy  string     `json:"withdrawnBy"`
	WithdrawnWhy string     `json:"withdrawnWhy"`
	All          bool       `json:"all" doc:"addressed to everybody"`
	To           []Unit     `json:"to" nullable:"false" doc:"addressed to these units and all below them"`
	Mine         bool       `json:"mine" doc:"whether the caller may edit and withdraw it"`
	Version      int64      `json:"version" doc:"to be sent back with a change"`

	units []string // addressed, none for everybody
}

// Line is a notice in a list.
type Line struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Unit        Unit       `json:"unit" doc:"who published it"`
	PublishedAt store.Time `json:"publishedAt"`
	PinnedUntil store.Time `json:"pinnedUntil"`
	WithdrawnAt store.Time `json:"withdrawnAt"`
	Must        bool       `json:"must" doc:"asks for a receipt"`
	Seen        bool       `json:"seen" doc:"the caller has opened it"`
	Read        bool       `json:"read" doc:"the caller has given a receipt that counts"`

	asked store.Time
}

// mark sets the reader's flags from his row of receipts. A receipt from before the notice was asked for
// again does not count.
func (l *Line) mark(seen, read store.Time) {
	l.Seen, l.Read = !seen.IsZero(), counts(read, l.asked)
}

// counts reports whether a receipt given at read answers what was asked at asked.
func counts(read, asked store.Time) bool { return !read.IsZero() && !read.Before(asked.Time) }

// topFirst orders notices for the workbench: those pinned at now first, then the newest.
func topFirst(a, b Line, now time.Time) int {
	low := func(l Line) int {
		if l.PinnedUntil.After(now) {
			return 0
		}
		return 1
	}
	return cmp.Or(low(a)-low(b), b.PublishedAt.Compare(a.PublishedAt.Time), cmp.Compare(b.ID, a.ID))
}

// Draft is what a publisher writes.
type Draft struct {
	Title       string     `json:"title" minLength:"2" maxLength:"100"`
	Body        string     `json:"body" minLength:"1" maxLength:"50000" doc:"Markdown"`
	Must        bool       `json:"must" required:"false" doc:"asks everybody addressed for a receipt"`
	PinnedUntil store.Time `json:"pinnedUntil" required:"false" doc:"stays on top until then, at most 90 days"`
	All         bool       `json:"all" required:"false" doc:"address everybody"`
	Units       []string   `json:"units" required:"false" maxItems:"200" doc:"address these units and all below them"`
}

// pinMost is how long a notice may stay on top.
const pinMost = 90 * 24 * time.Hour

// clean trims the texts, sorts the units and says what is wrong with the draft. old is the pin as it was, which
// may have run out since.
func (d *Draft) clean(now time.Time, old store.Time) error {
	d.Title, d.Body = strings.Join(strings.Fields(d.Title), " "), strings.TrimSpace(d.Body)
	d.PinnedUntil = store.At(d.PinnedUntil.Time)
	d.Units = slices.Clone(d.Units)
	slices.Sort(d.Units)
	d.Units = slices.Compact(d.Units)
	var bad []errs.Field
	if len([]rune(d.Title)) < 2 {
		bad = append(bad, errs.Field{Name: "title", Key: "desk.no_title"})
	}
	if d.Body == "" {
		bad = append(bad, errs.Field{Name: "body", Key: "desk.no_body"})
	}
	if d.All == (len(d.Units) > 0) || slices.Contains(d.Units, "") {
		bad = append(bad, errs.Field{Name: "units", Key: "desk.whom"})
	}
	if p := d.PinnedUntil; !p.IsZero() && !p.Equal(old.Time) && (!p.After(now) || p.Sub(now) > pinMost) {
		bad = append(bad, errs.Field{Name: "pinnedUntil", Key: "desk.pin", Args: []any{int(pinMost.Hours() / 24)}})
	}
	if bad != nil {
		return errs.New(errs.Invalid, "desk.draft").With(bad...)
	}
	return nil
}

// changed names the fields in which the draft differs from the notice, for the record.
func (d *Draft) changed(n *Notice) []string {
	var out []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"title", d.Title == n.Title}, {"body", d.Body == n.Body}, {"must", d.Must == n.Must},
		{"pinnedUntil", d.PinnedUntil.Equal(n.PinnedUntil.Time)}, {"units", slices.Equal(d.Units, n.units)},
	} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	return out
}

// Reading is how far a notice has been read.
type Reading struct {
	People int `json:"people" doc:"how many are addressed"`
	Seen   int `json:"seen" doc:"how many have opened it"`
	Read   int `json:"read" doc:"how many have given a receipt that counts"`
}

// UnitReading is Reading in one unit.
type UnitReading struct {
	Unit Unit `json:"unit"`
	Reading
}

// Reader is one person addressed.
type Reader struct {
	Person string     `json:"person"`
	Name   string     `json:"name"`
	Unit   Unit       `json:"unit"`
	SeenAt store.Time `json:"seenAt"`
	ReadAt store.Time `json:"readAt" doc:"null unless the receipt counts"`
}

// State is unread, opened or read.
func (r Reader) State() string {
	switch {
	case !r.ReadAt.IsZero():
		return "read"
	case !r.SeenAt.IsZero():
		return "opened"
	}
	return "unread"
}

func (g *Reading) add(r Reader) {
	g.People++
	if !r.SeenAt.IsZero() {
		g.Seen++
	}
	if !r.ReadAt.IsZero() {
		g.Read++
	}
}

// tally sums readers by unit, those units first in which most have not answered: no receipt when the notice asks for
// one, not opened when it does not.
func tally(readers []Reader, must bool) (Reading, []UnitReading) {
	var all Reading
	at := map[string]int{}
	units := []UnitReading{}
	for _, r := range readers {
		all.add(r)
		i, ok := at[r.Unit.ID]
		if !ok {
			i = len(units)
			at[r.Unit.ID] = i
			units = append(units, UnitReading{Unit: r.Unit})
		}
		units[i].add(r)
	}
	open := func(u UnitReading) int {
		if must {
			return u.People - u.Read
		}
		return u.People - u.Seen
	}
	slices.SortFunc(units, func(a, b UnitReading) int {
		return cmp.Or(open(b)-open(a), cmp.Compare(a.Unit.Name, b.Unit.Name), cmp.Compare(a.Unit.ID, b.Unit.ID))
	})
	return all, units
}
