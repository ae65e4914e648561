package burden

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
)

// State is how a report stands.
type State string

// The states.
const (
	Draft    State = "draft"    // 草稿
	Review   State = "review"   // 审查中
	Returned State = "returned" // 退回修改
	Approved State = "approved" // 准予下发
	Refused  State = "refused"  // 不予下发
	Stopped  State = "stopped"  // 终止
)

// times is how often a year a report of a period is filled in.
var times = map[string]int64{"once": 1, "monthly": 12, "quarterly": 4, "halfyear": 2, "yearly": 1}

// kinds are the sorts of fields, in the order they are offered. The last three are known of every recipient.
var kinds = []string{"text", "number", "date", "choice", "id", "phone", "uscc", "name", "address", "unit", "street", "code"}

// automatic reports whether the platform knows the value of each recipient itself.
func automatic(kind string) bool { return kind == "unit" || kind == "street" || kind == "code" }

// What a department says of a field.
const (
	prefill = "prefill" // it is what an item holds: filled in from there
	exempt  = "exempt"  // it is held, but is to be asked all the same, for a reason
	none    = "none"    // none of the proposals is meant, for a reason
	share   = "share"   // another report collects it
)

// What became of a field.
const (
	byHand   = "hand"
	fromData = "prefill"
	fromForm = "share"
	struck   = "struck"
)

// Join says by which column of the data behind an entry rows are found, and by what of the report.
type Join struct {
	Column string `json:"column" maxLength:"64" doc:"a key column of the dataset"`
	By     string `json:"by" maxLength:"40" doc:"code: the recipient's division code; unit: its name; else the key of a field"`
}

// Field is one question of a report.
type Field struct {
	Key      string   `json:"key" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"unique in the report"`
	Group    string   `json:"group" required:"false" maxLength:"60" doc:"heading above it"`
	Name     string   `json:"name" minLength:"1" maxLength:"100"`
	Code     string   `json:"code" required:"false" maxLength:"64" doc:"identifier of the data element, where there is one"`
	Kind     string   `json:"kind" enum:"text,number,date,choice,id,phone,uscc,name,address,unit,street,code"`
	Measure  string   `json:"measure" required:"false" maxLength:"20" doc:"unit of measure"`
	Required bool     `json:"required" required:"false"`
	RowKey   bool     `json:"rowKey" required:"false" doc:"of a list: it says whom a row is about"`
	Note     string   `json:"note" required:"false" maxLength:"300"`
	Choices  []string `json:"choices" required:"false" nullable:"false" maxItems:"100"`
	Who      string   `json:"who" required:"false" maxLength:"40" doc:"who at the recipient fills it in"`
	Seconds  int64    `json:"seconds" required:"false" minimum:"0" maximum:"36000" doc:"to fill it in, 0 for what is usual of its kind"`

	Decide string `json:"decide" required:"false" enum:",prefill,exempt,none,share" doc:"what the department says of the proposals"`
	Entry  string `json:"entry" required:"false" maxLength:"40" doc:"that holds it"`
	Item   string `json:"item" required:"false" maxLength:"128"`
	Why    string `json:"why" required:"false" maxLength:"300" doc:"of exempt and none"`
	Join   *Join  `json:"join,omitempty" doc:"of prefill; guessed when left out"`

	EntryName string `json:"entryName" readOnly:"true" required:"false"`
	Final     string `json:"final" readOnly:"true" required:"false" enum:",hand,prefill,share,struck" doc:"what became of it"`
	Refusal   string `json:"refusal" readOnly:"true" required:"false" doc:"why it was struck, or not exempted"`
	Other     string `json:"other" readOnly:"true" required:"false" doc:"id of the report whose collection is shared"`
	OtherKey  string `json:"otherKey" readOnly:"true" required:"false"`
}

// Form is what a department writes down.
type Form struct {
	Title    string   `json:"title" maxLength:"100"`
	Purpose  string   `json:"purpose" required:"false" maxLength:"500"`
	Basis    string   `json:"basis" required:"false" maxLength:"300" doc:"legal basis"`
	Period   string   `json:"period" enum:"once,monthly,quarterly,halfyear,yearly"`
	Level    string   `json:"level" enum:"community,street" doc:"who fills it in"`
	List     bool     `json:"list" required:"false" doc:"many rows a recipient"`
	Expected int64    `json:"expected" required:"false" minimum:"0" maximum:"100000" doc:"rows a recipient is thought to fill in"`
	Due      string   `json:"due" required:"false" maxLength:"10" doc:"YYYY-MM-DD"`
	Targets  []string `json:"targets" required:"false" nullable:"false" maxItems:"500" doc:"ids of units"`
	Fields   []Field  `json:"fields" required:"false" nullable:"false" maxItems:"200"`
}

func (f *Form) tidy() {
	for _, s := range []*string{&f.Title, &f.Purpose, &f.Basis, &f.Due} {
		*s = strings.TrimSpace(*s)
	}
	f.Targets, f.Fields = append([]string{}, f.Targets...), append([]Field{}, f.Fields...)
	if !f.List || f.Expected < 1 {
		f.Expected = 1
	}
	for i := range f.Fields {
		x := &f.Fields[i]
		x.Name, x.Why, x.Group = strings.TrimSpace(x.Name), strings.TrimSpace(x.Why), strings.TrimSpace(x.Group)
		x.Choices = append([]string{}, x.Choices...)
		x.Final, x.Refusal, x.EntryName, x.Other, x.OtherKey = "", "", "", "", ""
		if x.Decide != prefill {
			x.Join = nil
		}
		if !f.List {
			x.RowKey = false
		}
	}
}

// field finds a field by its key.
func field(all []Field, key string) (*Field, bool) {
	i := slices.IndexFunc(all, func(f Field) bool { return f.Key == key })
	if i < 0 {
		return nil, false
	}
	return &all[i], true
}

// report is one row.
type report struct {
	ID, Title, Purpose, Basis, Period, Level, Due string
	List                                          bool
	Expected                                      int64
	Targets                                       store.JSON[[]string]
	Recipients                                    int64
	Fields                                        store.JSON[[]Field]
	State                                         State
	Verdict, Reason                               string
	Asked, Prefilled, Shared, Struck              int64
	Unit, Street, Owner, OwnerName                string
	At, Filed, Changed, ApprovedAt, Until         store.Time
	Version                                       int64
	Case, Number, Step, CaseState, Holder         string
	DueAt, Closed                                 store.Time
	Late                                          bool
}

// take writes a form into a report.
func (r *report) take(f Form) {
	r.Title, r.Purpose, r.Basis, r.Period, r.Level, r.List, r.Expected, r.Due = f.Title, f.Purpose, f.Basis, f.Period, f.Level, f.List, f.Expected, f.Due
	r.Targets.V, r.Fields.V = f.Targets, f.Fields
}

// form is what a report says.
func (r *report) form() Form {
	return Form{Title: r.Title, Purpose: r.Purpose, Basis: r.Basis, Period: r.Period, Level: r.Level, List: r.List, Expected: r.Expected, Due: r.Due, Targets: r.Targets.V, Fields: r.Fields.V}
}

// left are the seconds that stay with a recipient.
func (r *report) left() int64 { return r.Asked - r.Prefilled - r.Shared - r.Struck }

// sum counts what the report asks of one recipient once, and what is taken off it. usual is how long a kind takes.
func (r *report) sum(usual func(kind string) int64) {
	r.Asked, r.Prefilled, r.Shared, r.Struck = 0, 0, 0, 0
	for _, f := range r.Fields.V {
		n := f.Seconds
		if n == 0 {
			n = usual(f.Kind)
		}
		if n *= r.Expected; n == 0 {
			continue
		}
		r.Asked += n
		switch f.becomes() {
		case fromData:
			r.Prefilled += n
		case fromForm:
			r.Shared += n
		case struck:
			r.Struck += n
		}
	}
}

// becomes is what a field is, or would be if it were decided as the department wishes.
func (f *Field) becomes() string {
	switch {
	case f.Final != "":
		return f.Final
	case automatic(f.Kind) || f.Decide == prefill:
		return fromData
	case f.Decide == share && f.Other != "":
		return fromForm
	}
	return byHand
}

// faults says what a report lacks before it may be filed. Rules of sharing are checked elsewhere.
func (f *Form) faults(now time.Time) []errs.Field {
	var bad []errs.Field
	fail := func(name, key string, args ...any) {
		bad = append(bad, errs.Field{Name: name, Key: "burden." + key, Args: args})
	}
	for _, x := range []struct {
		name, value string
		least       int
	}{{"title", f.Title, 4}, {"purpose", f.Purpose, 4}, {"basis", f.Basis, 2}} {
		if len([]rune(x.value)) < x.least {
			fail(x.name, "need_"+x.name)
		}
	}
	if due, err := when.ParseDate(f.Due); err != nil || due.AddDate(0, 0, 1).Before(now) {
		fail("due", "need_due")
	}
	if len(f.Targets) == 0 {
		fail("targets", "need_targets")
	}
	if len(f.Fields) == 0 {
		fail("fields", "need_fields")
	}
	return append(bad, f.wrong()...)
}

// wrong says what is wrong with the fields themselves; a draft is kept without it.
func (f *Form) wrong() []errs.Field {
	var bad []errs.Field
	keys, names := map[string]bool{}, map[string]bool{}
	for i, x := range f.Fields {
		fail := func(key string, args ...any) {
			bad = append(bad, errs.Field{Name: "fields." + x.Key, Row: i + 1, Key: "burden." + key, Args: append([]any{x.Name}, args...)})
		}
		whole := x.Group + "/" + x.Name
		switch {
		case x.Name == "":
			fail("field_name", i+1)
		case keys[x.Key]:
			fail("field_key", x.Key)
		case names[whole]:
			fail("field_twice")
		case x.Kind == "choice" && len(x.Choices) < 2:
			fail("field_choices")
		case (x.Decide == exempt || x.Decide == none) && len([]rune(x.Why)) < 4:
			fail("field_why")
		case x.Decide == prefill && (x.Entry == "" || x.Item == "") && !automatic(x.Kind):
			fail("field_item")
		}
		keys[x.Key], names[whole] = true, true
	}
	return bad
}

// period is the title of the round a day falls into: 2023年, 2023年上半年, 2023年第2季度, 2023年6月.
func period(kind string, day time.Time) string {
	day = day.In(when.Zone)
	y, m := strconv.Itoa(day.Year())+"年", int(day.Month())
	switch kind {
	case "monthly":
		return y + strconv.Itoa(m) + "月"
	case "quarterly":
		return y + "第" + strconv.Itoa((m+2)/3) + "季度"
	case "halfyear":
		if m <= 6 {
			return y + "上半年"
		}
		return y + "下半年"
	case "yearly":
		return y
	}
	return y + strconv.Itoa(m) + "月" + strconv.Itoa(day.Day()) + "日"
}
