// Package app is the declaration of an application: what is filled in, by which rules, along which steps,
// listed and counted how. It reads one from YAML or JSON by one schema, says what is wrong with it by path
// and line, and evaluates its expressions. It stores nothing and knows nobody.
package app

import (
	"encoding/json"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"qushu/internal/base/when"
)

// Words are a text in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en,omitempty"`
}

// In returns the text in lang, Chinese where there is none.
func (w Words) In(lang string) string {
	if lang == "en" && w.EN != "" {
		return w.EN
	}
	return w.ZH
}

// UnmarshalJSON reads both languages, or Chinese alone from a plain string.
func (w *Words) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		w.EN = ""
		return json.Unmarshal(b, &w.ZH)
	}
	type plain Words
	return json.Unmarshal(b, (*plain)(w))
}

// Schema tells what UnmarshalJSON reads.
func (Words) Schema(huma.Registry) *huma.Schema {
	most, least := 500, 1
	text := func() *huma.Schema { return &huma.Schema{Type: "string", MinLength: &least, MaxLength: &most} }
	both := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"zh": text(), "en": {Type: "string", MaxLength: &most}},
		Required: []string{"zh"}, AdditionalProperties: false}
	return &huma.Schema{AnyOf: []*huma.Schema{text(), both}, Description: "a text in both languages: {zh, en}, or Chinese alone"}
}

// App is one application.
type App struct {
	Key       string     `json:"key" pattern:"^[a-z][a-z0-9]{1,23}$" doc:"unique; part of addresses, numbers of roles and flows"`
	Title     Words      `json:"title"`
	Summary   Words      `json:"summary" doc:"what it is for, one sentence"`
	Icon      string     `json:"icon,omitempty" maxLength:"30"`
	Group     Words      `json:"group" doc:"heading under which it is shown"`
	Rank      int        `json:"rank,omitempty" doc:"order within its group"`
	Start     Start      `json:"start,omitempty" doc:"who may file an entry"`
	Private   bool       `json:"private,omitempty" doc:"read by nobody but its own roles and those who take part"`
	Subject   string     `json:"subject" minLength:"1" maxLength:"500" doc:"expression: the title of an entry"`
	Place     string     `json:"place,omitempty" doc:"field that says where it is"`
	Unit      string     `json:"unit,omitempty" doc:"field that says which unit is in charge; the starter's when empty"`
	Level     string     `json:"level,omitempty" maxLength:"1000" doc:"expression: key of a level"`
	Levels    []Level    `json:"levels,omitempty" maxItems:"10"`
	Number    Number     `json:"number"`
	Limit     []Limit    `json:"limit,omitempty" maxItems:"10" doc:"of the whole case: the first whose when holds"`
	Fields    []Field    `json:"fields" minItems:"1" maxItems:"120"`
	List      List       `json:"list"`
	Steps     []Step     `json:"steps" minItems:"1" maxItems:"60"`
	Roles     []Role     `json:"roles,omitempty" maxItems:"20"`
	Resources []Resource `json:"resources,omitempty" maxItems:"10"`
	Stats     []Stat     `json:"stats,omitempty" maxItems:"40"`
	Print     Print      `json:"print,omitempty"`
	Reminders []Reminder `json:"reminders,omitempty" maxItems:"10"`
}

// Start says who may file an entry; nothing means everybody.
type Start struct {
	Roles []string `json:"roles,omitempty" maxItems:"20" doc:"keys of roles of its own or built in"`
}

// Level is how grave an entry is.
type Level struct {
	Key    string `json:"key" pattern:"^[a-z][a-z0-9_]{0,29}$"`
	Title  Words  `json:"title"`
	Colour string `json:"colour,omitempty" enum:"green,blue,yellow,orange,red"`
}

// Number is how entries are numbered: prefix, period, serial. Serials have no gaps.
type Number struct {
	Prefix string `json:"prefix" pattern:"^[A-Z]{1,8}$"`
	Per    string `json:"per,omitempty" enum:"year,month,day" default:"year" doc:"the serial begins anew each"`
	Digits int    `json:"digits,omitempty" minimum:"3" maximum:"8" default:"5"`
	Street bool   `json:"street,omitempty" doc:"each street has serials of its own, with the last three digits of its code behind the prefix"`
}

// Limit is a time limit in one of the four units.
type Limit struct {
	N    float64   `json:"n" exclusiveMinimum:"0" maximum:"10000"`
	Unit when.Unit `json:"unit" enum:"urgent_hour,work_hour,work_day,day"`
	When string    `json:"when,omitempty" maxLength:"500" doc:"expression, always when empty"`
}

// Type is what a field holds.
type Type string

// The types of fields.
const (
	Text      Type = "text"
	LongText  Type = "longtext"
	Num       Type = "number"
	Money     Type = "money" // integer 分
	Date      Type = "date"
	DateTime  Type = "datetime"
	Period    Type = "period" // {from, until}, [from, until)
	Choice    Type = "choice"
	Person    Type = "person" // {id, name}
	Unit      Type = "unit"   // {id, name}
	Place     Type = "place"  // {lon, lat, text, community, street}
	Photo     Type = "photo"  // [{id, name, at, lon, lat}]
	File      Type = "file"   // [{id, name}]
	Table     Type = "table"
	Signature Type = "signature" // {file, person, name, at}
	Computed  Type = "computed"
	Booked    Type = "resource" // {id, name}
	IDCard    Type = "idcard"
	Phone     Type = "phone"
)

// Field is one thing to fill in.
type Field struct {
	Key      string   `json:"key" pattern:"^[a-z][a-z0-9_]{0,39}$"`
	Title    Words    `json:"title"`
	Type     Type     `json:"type" enum:"text,longtext,number,money,date,datetime,period,choice,person,unit,place,photo,file,table,signature,computed,resource,idcard,phone"`
	Hint     *Words   `json:"hint,omitempty"`
	Section  *Words   `json:"section,omitempty" doc:"heading that begins here"`
	Required bool     `json:"required,omitempty"`
	Need     string   `json:"need,omitempty" maxLength:"500" doc:"required when this expression holds"`
	Show     string   `json:"show,omitempty" maxLength:"500" doc:"visible when this expression holds; what is not visible is not kept"`
	Valid    []Valid  `json:"valid,omitempty" maxItems:"10"`
	Default  string   `json:"default,omitempty" maxLength:"500" doc:"expression evaluated when an entry begins"`
	Options  []Option `json:"options,omitempty" maxItems:"200"`
	Many     bool     `json:"many,omitempty" doc:"of choice: several"`
	Min      *float64 `json:"min,omitempty" doc:"of number and money (分)"`
	Max      *float64 `json:"max,omitempty"`
	Digits   int      `json:"digits,omitempty" minimum:"0" maximum:"4" doc:"of number: decimals"`
	Unit     *Words   `json:"unit,omitempty" doc:"of number: shown behind it"`
	Longest  int      `json:"longest,omitempty" minimum:"1" maximum:"20000" doc:"of texts: most characters"`
	Most     int      `json:"most,omitempty" minimum:"1" maximum:"500" doc:"of photo, file, table: most items"`
	Least    int      `json:"least,omitempty" minimum:"0" maximum:"500" doc:"of photo, file, table: least items when required"`
	Expr     string   `json:"expr,omitempty" maxLength:"2000" doc:"of computed"`
	Gives    Type     `json:"gives,omitempty" enum:"text,number,money,date" doc:"of computed: what the expression gives, number when empty"`
	Resource string   `json:"resource,omitempty" doc:"of resource: key of what is reserved"`
	Period   string   `json:"period,omitempty" doc:"of resource: the field that says for how long"`
	Fields   []Field  `json:"fields,omitempty" maxItems:"30" doc:"of table: its columns"`
	Personal string   `json:"personal,omitempty" enum:"name,address,plate,email,bank,birth,other" doc:"of text: personal data of that kind, masked as idcard and phone are"`
}

// Masked reports whether the value is shown in clear only with a record of it.
func (f *Field) Masked() bool { return f.Type == IDCard || f.Type == Phone || f.Personal != "" }

// Valid is one condition a value must meet.
type Valid struct {
	When    string `json:"when" minLength:"1" maxLength:"1000" doc:"expression that must hold"`
	Message Words  `json:"message" doc:"what is said when it does not"`
}

// Option is one value of a choice.
type Option struct {
	Key   string `json:"key" pattern:"^[a-z0-9][a-z0-9_]{0,39}$"`
	Title Words  `json:"title"`
}

// List is what a list of entries shows.
type List struct {
	Columns []string `json:"columns" minItems:"1" maxItems:"12" doc:"keys of fields"`
	Filters []string `json:"filters,omitempty" maxItems:"12" doc:"keys of fields"`
	Sorts   []string `json:"sorts,omitempty" maxItems:"8" doc:"keys of fields beside the time of filing"`
}

// Step is one thing somebody does.
type Step struct {
	Key      string     `json:"key" pattern:"^[a-z][a-z0-9_]{0,39}$"`
	Title    Words      `json:"title"`
	Who      []Who      `json:"who,omitempty" maxItems:"10" doc:"who may act: the first that names anybody; the first step is the starter's"`
	Share    string     `json:"share,omitempty" enum:"any,each,ratio,turn" default:"any"`
	Percent  int        `json:"percent,omitempty" minimum:"1" maximum:"100" doc:"of ratio"`
	Each     string     `json:"each,omitempty" maxLength:"500" doc:"expression: a list; the step is done once for each of its values at once"`
	When     string     `json:"when,omitempty" maxLength:"500" doc:"expression: passed over when it does not hold"`
	Outcomes []Outcome  `json:"outcomes,omitempty" maxItems:"12"`
	Limit    []Limit    `json:"limit,omitempty" maxItems:"10"`
	Warn     []int      `json:"warn,omitempty" maxItems:"5" doc:"percent of the limit at which holders are warned"`
	Escalate []Escalate `json:"escalate,omitempty" maxItems:"5"`
	Copy     []Who      `json:"copy,omitempty" maxItems:"10"`
	Opinion  bool       `json:"opinion,omitempty" doc:"an opinion is required"`
	Batch    bool       `json:"batch,omitempty" doc:"may be finished from a list"`
	Phrases  []string   `json:"phrases,omitempty" maxItems:"20"`
	Deny     []string   `json:"deny,omitempty" maxItems:"20" doc:"verbs not allowed"`
	Write    []string   `json:"write,omitempty" maxItems:"120"`
	Need     []string   `json:"need,omitempty" maxItems:"120" doc:"fields to write that must be given"`
	Hide     []string   `json:"hide,omitempty" maxItems:"120"`
	Next     string     `json:"next,omitempty" doc:"key of the step after it, end to end; the next in order when empty"`
}

// Who names people by how they stand to the entry.
type Who struct {
	Kind  string `json:"kind" enum:"starter,person,post,role,leader,staff,chosen,doer,group"`
	ID    string `json:"id,omitempty" maxLength:"60" doc:"of role: key; of chosen and doer: key of a step; of person, post, group: id"`
	Of    string `json:"of,omitempty" maxLength:"60" doc:"the unit meant: starter, place, case, field:<key>, unit:<id or code>, doer:<step>; empty is the whole district"`
	Level string `json:"level,omitempty" enum:"community,street,department,district" doc:"the nearest unit at or above of that kind"`
}

// Outcome is one way to finish a step.
type Outcome struct {
	Key    string `json:"key" pattern:"^[a-z][a-z0-9_]{0,29}$"`
	Title  Words  `json:"title"`
	Agree  bool   `json:"agree,omitempty"`
	Reason bool   `json:"reason,omitempty"`
	Choose string `json:"choose,omitempty" doc:"key of the step whose people are chosen here"`
	To     string `json:"to,omitempty" doc:"key of a step, or end"`
	// Need are fields of the step's write that must be filled in for this outcome, while another can do without.
	Need []string `json:"need,omitempty" maxItems:"50" doc:"of the step's write: what must be filled in for this outcome"`
}

// Escalate tells or moves a late task.
type Escalate struct {
	Percent int    `json:"percent" minimum:"1" maximum:"1000"`
	To      []Who  `json:"to" minItems:"1" maxItems:"10"`
	Do      string `json:"do" enum:"tell,add,move"`
}

// Role is a role of the application's own. Posts carry it as any other.
type Role struct {
	Key   string `json:"key" pattern:"^[a-z][a-z0-9]{0,23}$"`
	Title Words  `json:"title"`
	Read  string `json:"read,omitempty" enum:"self,unit,below,street,all" doc:"which entries it reads, none when empty"`
	Clear bool   `json:"clear,omitempty" doc:"may show a masked value, with a reason"`
}

// Resource is a kind of thing that is reserved.
type Resource struct {
	Key   string `json:"key" pattern:"^[a-z][a-z0-9_]{0,29}$"`
	Title Words  `json:"title"`
	Hold  string `json:"hold,omitempty" maxLength:"500" doc:"expression: the reservation stands while it holds; not refused and not stopped when empty"`
	Items []Item `json:"items,omitempty" maxItems:"500" doc:"what there is at first; administered afterwards"`
	Free  *Free  `json:"free,omitempty" doc:"when nobody comes"`
}

// Free lets go of a reservation nobody uses.
type Free struct {
	Step    string `json:"step" doc:"key of the step at which somebody would have come"`
	Minutes int    `json:"minutes" minimum:"1" maximum:"10000" doc:"after the reserved time has begun"`
}

// Item is one thing to reserve.
type Item struct {
	Key   string `json:"key" pattern:"^[a-z0-9][a-z0-9_]{0,39}$"`
	Title string `json:"title" minLength:"1" maxLength:"60"`
	Note  string `json:"note,omitempty" maxLength:"200"`
	Seats int    `json:"seats,omitempty" minimum:"0" maximum:"10000"`
}

// Stat is one figure over entries.
type Stat struct {
	Key   string `json:"key" pattern:"^[a-z][a-z0-9_]{0,29}$"`
	Title Words  `json:"title"`
	Kind  string `json:"kind" enum:"count,sum,mean,rate"`
	Of    string `json:"of,omitempty" maxLength:"1000" doc:"expression: of sum and mean a number; of count and rate what is counted, everything when empty"`
	Over  string `json:"over,omitempty" maxLength:"1000" doc:"of rate: what counts in full; of sum and mean: which entries; everything when empty"`
	By    string `json:"by,omitempty" doc:"a choice, unit, person, place (its community), <place>_street, resource, level or month of filing: one figure for each"`
	Chart string `json:"chart,omitempty" enum:"bar,column,line,pie" doc:"how the figures of by are drawn, bars when empty"`
	Gives Type   `json:"gives,omitempty" enum:"number,money" doc:"of sum and mean"`
}

// Print is the printed form.
type Print struct {
	Title *Words      `json:"title,omitempty"`
	Note  *Words      `json:"note,omitempty" doc:"at the foot"`
	Cells []PrintCell `json:"cells,omitempty" maxItems:"120" doc:"the fields that stand on it, in their order; all that are filled in when empty"`
	Signs []Sign      `json:"signs,omitempty" maxItems:"10" doc:"whose opinion stands in its own box"`
}

// PrintCell is a field on the printed form. Cells that fit beside each other stand in one row.
type PrintCell struct {
	Field   string   `json:"field"`
	Width   string   `json:"width,omitempty" enum:"full,half,third" default:"full"`
	Columns []string `json:"columns,omitempty" maxItems:"30" doc:"of a table: the columns in their order, all when empty"`
}

// Sign is a box of the printed form for what was said at a step.
type Sign struct {
	Step  string `json:"step"`
	Title Words  `json:"title"`
}

// Reminder tells people before or after a moment of the entry.
type Reminder struct {
	Key   string   `json:"key" pattern:"^[a-z][a-z0-9_]{0,29}$"`
	Field string   `json:"field" doc:"a date, datetime or period field, closed, due (of the whole entry), or step:<key> (the limit of that step while somebody has it)"`
	Hours float64  `json:"hours" minimum:"-9000" maximum:"9000" doc:"after it; before it when negative"`
	When  string   `json:"when,omitempty" maxLength:"500"`
	To    []string `json:"to,omitempty" maxItems:"5" doc:"starter, holder, leader or staff of the unit in charge, role:<key>, or keys of person fields; the starter when empty"`
	Text  Words    `json:"text" doc:"{key} stands for the value of a field, {number} {title} {step} {due} for those of the entry"`
}

// OfLimit reports whether a reminder goes by the limit of the whole entry: due, unless a field is called so.
func (r *Reminder) OfLimit(a *App) bool { return r.Field == "due" && a.Field("due") == nil }

// Field returns the field of a key, nil when there is none.
func (a *App) Field(key string) *Field { return field(a.Fields, key) }

func field(all []Field, key string) *Field {
	if i := slices.IndexFunc(all, func(f Field) bool { return f.Key == key }); i >= 0 {
		return &all[i]
	}
	return nil
}

// Step returns the step of a key, nil when there is none.
func (a *App) Step(key string) *Step {
	if i := slices.IndexFunc(a.Steps, func(s Step) bool { return s.Key == key }); i >= 0 {
		return &a.Steps[i]
	}
	return nil
}

// Role returns the role of a key, nil when there is none.
func (a *App) Role(key string) *Role {
	if i := slices.IndexFunc(a.Roles, func(r Role) bool { return r.Key == key }); i >= 0 {
		return &a.Roles[i]
	}
	return nil
}

// RoleKey is the key a role of the application has among all roles of the installation; a key that is none of its own
// means a built-in role.
func (a *App) RoleKey(key string) string {
	if a.Role(key) != nil {
		return a.Key + "_" + key
	}
	return key
}

// Resource returns the kind of thing of a key, nil when there is none.
func (a *App) Resource(key string) *Resource {
	if i := slices.IndexFunc(a.Resources, func(r Resource) bool { return r.Key == key }); i >= 0 {
		return &a.Resources[i]
	}
	return nil
}

// Option returns what a value of the choice is called.
func (f *Field) Option(key string) (Words, bool) {
	for _, o := range f.Options {
		if o.Key == key {
			return o.Title, true
		}
	}
	return Words{}, false
}
