package exchange

import (
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/dataset"
)

// State is how an application stands.
type State string

// The states.
const (
	Draft    State = "draft"    // 草稿
	Review   State = "review"   // 办理中
	Returned State = "returned" // 退回修改
	Granted  State = "granted"  // 已授权
	Refused  State = "refused"  // 不同意
	Stopped  State = "stopped"  // 终止
)

// How data is shared (共享类型).
const (
	unconditional = "unconditional"
	conditional   = "conditional"
	refused       = "refused"
)

// strictness orders the types of sharing.
var strictness = map[string]int{unconditional: 0, conditional: 1, refused: 2}

func stricter(a, b string) string {
	if strictness[b] > strictness[a] {
		return b
	}
	return a
}

// Terms are what is shared, and how.
type Terms struct {
	Columns []string       `json:"columns" nullable:"false" maxItems:"1000" doc:"columns of the dataset; names of items while the entry is bound to none"`
	Reveal  []string       `json:"reveal" required:"false" nullable:"false" maxItems:"1000" doc:"of these, masked ones that are given in clear"`
	Filter  dataset.Filter `json:"filter" required:"false" nullable:"false" maxItems:"20" doc:"rows, all when empty"`
	Modes   []dataset.Mode `json:"modes" nullable:"false" maxItems:"4" enum:"look,batch,api,push"`
	Days    int64          `json:"days" minimum:"0" maximum:"1096" doc:"how long, from the day it is granted"`
	Quota   int64          `json:"quota" required:"false" minimum:"0" doc:"records a civil day, 0 without limit"`
}

// Wish is what an applicant writes down (共享申请表).
type Wish struct {
	Terms
	Purpose   string `json:"purpose" maxLength:"200" doc:"the duty it is needed for"`
	Basis     string `json:"basis" maxLength:"200" doc:"legal basis of that duty"`
	Matter    string `json:"matter" required:"false" maxLength:"120" doc:"the matter handled with it"`
	Scenario  string `json:"scenario" required:"false" maxLength:"1000" doc:"who uses it where, how"`
	Frequency string `json:"frequency" required:"false" enum:",once,realtime,daily,weekly,monthly,irregular"`
	Contact   string `json:"contact" required:"false" maxLength:"40"`
	Pledge    bool   `json:"pledge" doc:"the security commitment is made: used for this purpose alone, kept safe, deleted at the end"`
}

// tidy trims texts and leaves no list nil.
func (w *Wish) tidy() {
	for _, s := range []*string{&w.Purpose, &w.Basis, &w.Matter, &w.Scenario, &w.Contact} {
		*s = strings.TrimSpace(*s)
	}
	w.Terms.tidy()
}

func (t *Terms) tidy() {
	t.Columns, t.Reveal, t.Modes = append([]string{}, t.Columns...), append([]string{}, t.Reveal...), append([]dataset.Mode{}, t.Modes...)
	t.Filter = append(dataset.Filter{}, t.Filter...)
}

// faults says what a wish lacks before it may be filed for a source.
func (w *Wish) faults(s *Source, phone string) []errs.Field {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "exchange." + key, Args: args})
	}
	for _, f := range []struct {
		name, value string
		least       int
	}{{"purpose", w.Purpose, 4}, {"basis", w.Basis, 2}, {"scenario", w.Scenario, 4}, {"contact", w.Contact, 2}, {"phone", phone, 5}} {
		if len([]rune(f.value)) < f.least {
			fail(f.name, "need_"+f.name)
		}
	}
	if len(w.Modes) == 0 {
		fail("modes", "need_modes")
	}
	if w.Days < 1 {
		fail("days", "need_days")
	}
	if !w.Pledge {
		fail("pledge", "need_pledge")
	}
	return append(bad, w.Terms.fit(s)...)
}

// fit says what of the terms the source has not.
func (t *Terms) fit(s *Source) []errs.Field {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "exchange." + key, Args: args})
	}
	if len(t.Columns) == 0 {
		fail("columns", "need_columns")
	}
	for _, name := range t.Columns {
		switch c, ok := s.column(name); {
		case !ok:
			fail("columns", "no_item", name)
		case c.Share == refused:
			fail("columns", "item_refused", c.Title)
		}
	}
	for _, name := range t.Reveal {
		if !slices.Contains(t.Columns, name) {
			fail("reveal", "reveal_unknown", name)
		}
	}
	for _, r := range t.Filter {
		if _, ok := s.column(r.Column); !ok {
			fail("filter", "no_item", r.Column)
		}
	}
	for _, m := range t.Modes {
		if !slices.Contains(dataset.Modes[:], m) {
			fail("modes", "need_modes")
		}
	}
	return bad
}

// share is how what is wanted is shared: by the strictest of the entry and its items; in clear never without the provider.
func (t *Terms) share(s *Source) string {
	out := s.Share
	for _, name := range t.Columns {
		if c, ok := s.column(name); ok {
			out = stricter(out, c.Share)
		}
	}
	if len(t.Reveal) > 0 {
		out = stricter(out, conditional)
	}
	return out
}

// within says where terms go beyond others: a provider may narrow what is asked for, not widen it.
func (t *Terms) within(w *Terms) []errs.Field {
	var bad []errs.Field
	fail := func(name string) {
		bad = append(bad, errs.Field{Name: name, Key: "exchange.wider"})
	}
	beyond := func(have, most []string) bool {
		return slices.ContainsFunc(have, func(s string) bool { return !slices.Contains(most, s) })
	}
	if beyond(t.Columns, w.Columns) {
		fail("columns")
	}
	if beyond(t.Reveal, w.Reveal) {
		fail("reveal")
	}
	for _, r := range w.Filter {
		if !slices.ContainsFunc(t.Filter, func(o dataset.Rule) bool {
			return o.Column == r.Column && o.Op == r.Op && slices.Equal(o.Values, r.Values)
		}) {
			fail("filter")
			break
		}
	}
	if slices.ContainsFunc(t.Modes, func(m dataset.Mode) bool { return !slices.Contains(w.Modes, m) }) {
		fail("modes")
	}
	if t.Days > w.Days || t.Days < 1 {
		fail("days")
	}
	if w.Quota > 0 && (t.Quota == 0 || t.Quota > w.Quota) {
		fail("quota")
	}
	return bad
}

// rename gives the terms the columns that items turned out to be; names of items without one are returned.
func (t *Terms) rename(columns map[string]string) (missing []string) {
	to := func(all []string) {
		for i, name := range all {
			if c := columns[name]; c != "" {
				all[i] = c
			} else if !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	to(t.Columns)
	to(t.Reveal)
	for i, r := range t.Filter {
		if c := columns[r.Column]; c != "" {
			t.Filter[i].Column = c
		}
	}
	return missing
}

// application is one row.
type application struct {
	ID, Title, Entry, Code, Dataset, Provider, ProviderStreet, Share string
	State                                                            State
	Wish                                                             store.JSON[Wish]
	Phone                                                            string // sealed
	Terms                                                            store.JSON[Terms]
	Verdict, Decider, Reason, Grant, Renews                          string
	Unit, Street, Owner, OwnerName                                   string
	At, Filed, Changed                                               store.Time
	Version                                                          int64
	Case, Number, Step, CaseState, Holder                            string
	Due, Closed                                                      store.Time
	Late                                                             bool
}

func phonePlace(id string) string { return "exchange_application.phone/" + id }
