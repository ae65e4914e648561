package flow

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/paper"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
)

// Printed is one value of a case's form as its reader may have it on paper.
type Printed struct {
	Name  string      `json:"name"`
	Value string      `json:"value"`
	Files []file.File `json:"files,omitempty"` // that hang on it
}

// record is a case with all that was done to it: what is printed, and what an evidence pack holds.
type record struct {
	Case      *Case       `json:"case"`
	KindTitle string      `json:"kindTitle"`
	Level     string      `json:"levelName"`
	UnitName  string      `json:"unitName"`
	FromName  string      `json:"fromUnitName"`
	Clock     *spent      `json:"clock"`
	Tasks     []Item      `json:"tasks"`
	Steps     []Trace     `json:"steps"`
	Values    []Printed   `json:"values"`
	Files     []file.File `json:"files"` // every file, those of the values too

	outcomes map[string]string // words of an outcome, by task and key
}

// spent is the limit of a case and how much of it is used.
type spent struct {
	Due   store.Time `json:"dueAt"`
	Unit  string     `json:"unit"`
	Limit float64    `json:"limit"`
	Used  float64    `json:"used"`
	Over  float64    `json:"over"` // 0 when in time
}

// whole reads a case the actor may read with all that belongs to it, of one moment: what somebody did meanwhile is read again.
func (f *Flow) whole(ctx context.Context, caseID string) (*record, error) {
	for tries := 0; ; tries++ {
		c, err := f.readable(ctx, f.db, caseID)
		if err != nil {
			return nil, err
		}
		r, err := f.record(ctx, f.db, c)
		if err != nil {
			return nil, err
		}
		now, err := findCase(ctx, f.db, caseID)
		if err != nil {
			return nil, err
		}
		if now.Version == c.Version {
			return r, nil
		}
		if tries == 5 {
			return nil, errs.New(errs.Conflict, "flow.moving", c.Number)
		}
	}
}

// record reads it as the actor may have it.
func (f *Flow) record(ctx context.Context, q store.Queryer, c *Case) (*record, error) {
	_, p, err := f.drawing(ctx, q, c.Kind, c.def)
	if err != nil {
		return nil, err
	}
	r := &record{Case: c, KindTitle: p.Name, Clock: f.spent(c), Values: []Printed{}, outcomes: map[string]string{}}
	units, err := f.org.UnitNames(ctx, q, []string{c.Unit, c.FromUnit})
	if err != nil {
		return nil, err
	}
	r.UnitName, r.FromName = units[c.Unit], units[c.FromUnit]
	if r.Steps, err = stepsOf(ctx, q, c.ID); err != nil {
		return nil, err
	}
	if r.Tasks, err = tasksOf(ctx, q, c.ID); err != nil {
		return nil, err
	}
	for _, k := range r.Tasks {
		for _, o := range f.task(p, k.Node).Outcomes {
			r.outcomes[k.ID+"/"+o.Key] = o.Name
		}
	}
	h := f.hosts[c.Room]
	if r.Level = c.Level; h.Level != nil && c.Level != "" {
		if r.Level, err = h.Level(ctx, q, c); err != nil {
			return nil, err
		}
	}
	if h.Paper != nil {
		if r.Values, err = h.Paper(ctx, q, c); err != nil {
			return nil, err
		}
	}
	for _, v := range r.Values {
		r.Files = append(r.Files, v.Files...)
	}
	own, err := f.files.Of(ctx, q, "flow", c.ID)
	r.Files = append(r.Files, own...)
	return r, err
}

// spent reads the business clock: at this moment, or at that when the case closed or was suspended.
func (f *Flow) spent(c *Case) *spent {
	if c.Due.IsZero() {
		return nil
	}
	at := f.now()
	for _, t := range []store.Time{c.Paused, c.ClosedAt} {
		if !t.IsZero() {
			at = t.Time
		}
	}
	count := func(from, to time.Time) float64 {
		return f.days().Count(f.days().Elapsed(from, to, c.dueUnit), c.dueUnit)
	}
	return &spent{Due: c.Due, Unit: string(c.dueUnit), Limit: count(c.Begun.Time, c.Due.Time), Used: count(c.Begun.Time, at), Over: max(0, count(c.Due.Time, at))}
}

// servePaper prints a case (办理单).
func (f *Flow) servePaper(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rec, err := f.whole(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := f.set(ctx, rec)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", "inline; filename*=UTF-8''"+url.PathEscape(rec.Case.Number+".pdf"))
	h.Set("Cache-Control", "private, no-store")
	_, err = s.WriteTo(w)
	return err
}

// sheet is a paper being set in one language.
type sheet struct {
	*paper.Doc
	text func(key string, args ...any) string
}

// set sets the paper of a record: it says who printed it and when, for the reader's rights decide what is on it.
func (f *Flow) set(ctx context.Context, r *record) (io.WriterTo, error) {
	lang := web.From(ctx).Lang
	s := sheet{text: func(key string, args ...any) string { return f.words.Text(lang, "flow.paper_"+key, args...) }}
	now := f.now()
	page := func(n int, of string) string { return s.text("page", n, of) }
	var err error
	if s.Doc, err = paper.New(r.Case.Number+" "+r.Case.Title, lang, s.text("by", authz.From(ctx).Name, moment(store.At(now))), page, now); err != nil {
		return nil, err
	}
	over := ""
	if f.District != nil {
		over = f.District(ctx)
	}
	s.Heading(over, s.text("title", r.KindTitle))
	s.head(r, f.words.Text(lang, "flow.state_"+string(r.Case.State)))
	if len(r.Values) > 0 {
		s.Section(s.text("values"))
		for _, v := range r.Values {
			s.Row([]float64{1, 3.6}, evens, v.Name, v.Value)
		}
	}
	s.steps(r, func(verb string) string { return f.words.Text(lang, "flow.verb_"+verb) })
	s.files(r.Files)
	return s, nil
}

// evens says that every other cell names the one after it.
func evens(i int) bool { return i%2 == 0 }

func (s sheet) head(r *record, state string) {
	c := r.Case
	four := func(cells ...string) { s.Row([]float64{1, 2, 1, 2}, evens, cells...) }
	s.Row([]float64{1, 5}, evens, s.text("case"), c.Title)
	four(s.text("number"), c.Number, s.text("state"), state)
	four(s.text("level"), r.Level, s.text("unit"), r.UnitName)
	four(s.text("owner"), c.OwnerName, s.text("from"), r.FromName)
	four(s.text("begun"), moment(c.Begun), s.text("closed"), moment(c.ClosedAt))
	if c.running() {
		four(s.text("at"), c.Step, s.text("holder"), c.Holder)
	}
	if c.Place != "" {
		s.Row([]float64{1, 5}, evens, s.text("place"), c.Place)
	}
	if k := r.Clock; k != nil {
		unit := func(n float64) string { return s.text("unit_"+k.Unit, fmt.Sprintf("%.1f", n)) }
		late := s.text("in_time")
		if k.Over > 0 {
			late = s.text("over", unit(k.Over))
		}
		four(s.text("limit"), s.text("limit_is", moment(k.Due), unit(k.Limit)), s.text("used"), unit(k.Used)+"\n"+late)
	}
}

func (s sheet) steps(r *record, verb func(string) string) {
	s.Section(s.text("steps"))
	widths := []float64{12, 30, 37, 26, 20, 49}
	s.Row(widths, func(int) bool { return true }, s.text("no"), s.text("step"), s.text("who"), s.text("time"), s.text("took"), s.text("said"))
	for _, t := range r.Steps {
		took := ""
		if t.Took > 0 {
			took = s.took(time.Duration(t.Took) * time.Second)
		}
		if t.Late {
			took = strings.TrimPrefix(took+"\n"+s.text("late"), "\n")
		}
		var said []string
		for _, one := range []struct{ key, text string }{{"outcome", cmp.Or(r.outcomes[t.Task+"/"+t.Outcome], t.Outcome)}, {"opinion", t.Opinion}, {"reason", t.Reason}, {"onto", t.Onto}} {
			if one.text != "" {
				said = append(said, s.text(one.key, one.text))
			}
		}
		s.Row(widths, func(int) bool { return false }, fmt.Sprint(t.Seq), strings.TrimSpace(verb(t.Verb)+"\n"+t.Step), strings.TrimSpace(t.Name+"\n"+t.UnitName+" "+t.Post), moment(t.At), took, strings.Join(said, "\n"))
	}
}

func (s sheet) files(all []file.File) {
	if len(all) == 0 {
		return
	}
	s.Section(s.text("files"))
	widths := []float64{12, 57, 22, 83}
	s.Row(widths, func(int) bool { return true }, s.text("no"), s.text("file"), s.text("size"), "SHA-256")
	for i, it := range all {
		s.Row(widths, func(int) bool { return false }, fmt.Sprint(i+1), it.Name, bytesOf(it.Size), it.Hash)
	}
}

// took is a span of time as it passed, nights too.
func (s sheet) took(d time.Duration) string {
	switch {
	case d < 90*time.Minute:
		return s.text("minutes", fmt.Sprintf("%.0f", max(1, d.Minutes())))
	case d < 36*time.Hour:
		return s.text("hours", fmt.Sprintf("%.1f", d.Hours()))
	}
	return s.text("days", fmt.Sprintf("%.1f", d.Hours()/24))
}

func moment(t store.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(when.Zone).Format("2006-01-02 15:04:05")
}

func bytesOf(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
