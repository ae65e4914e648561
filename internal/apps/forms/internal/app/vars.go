package app

import (
	"strings"
	"time"

	"qushu/internal/base/rule"
	"qushu/internal/base/when"
)

// Facts are what expressions may ask of an entry beside its fields.
type Facts struct {
	Number      string
	State       string // open, suspended, closed, stopped, merged
	Step        string // key of the step
	Outcome     string // of the last step
	Level       string
	Starter     string // person id
	StarterName string
	StarterUnit string // unit id
	Begun       time.Time
	Closed      time.Time
	Late        bool
	Now         time.Time
	Item        any // inside a step that is done for each of several
}

// factTypes are the names of Facts in expressions.
func factTypes() map[string]rule.Type {
	return map[string]rule.Type{"number": rule.Words, "state": rule.Words, "step": rule.Words, "outcome": rule.Words, "level": rule.Words, "starter": rule.Words,
		"starter_name": rule.Words, "starter_unit": rule.Words, "begun": rule.Time, "closed": rule.Time, "late": rule.Bool, "item": rule.Any, "hour": rule.Number, rule.Now: rule.Time}
}

func (f Facts) vars() map[string]any {
	return map[string]any{"number": f.Number, "state": f.State, "step": f.Step, "outcome": f.Outcome, "level": f.Level, "starter": f.Starter,
		"starter_name": f.StarterName, "starter_unit": f.StarterUnit, "begun": f.Begun, "closed": f.Closed, "late": f.Late, "item": f.Item, "hour": float64(f.Now.In(when.Zone).Hour()), rule.Now: f.Now}
}

// Names are the names expressions of the application may use. A period x is also x_from and x_until, a place x is its
// text and also x_community and x_street, a person or unit x is its id and also x_name.
func (a *App) Names() map[string]rule.Type {
	out := factTypes()
	for i := range a.Fields {
		addNames(out, &a.Fields[i])
	}
	return out
}

func addNames(out map[string]rule.Type, f *Field) {
	switch f.Type {
	case Num:
		out[f.Key] = rule.Number
	case Money:
		out[f.Key] = rule.Number
	case Date, DateTime:
		out[f.Key] = rule.Time
	case Period:
		out[f.Key] = rule.Bool // given or not
		out[f.Key+"_from"], out[f.Key+"_until"] = rule.Time, rule.Time
	case Choice:
		out[f.Key] = rule.Words
		if f.Many {
			out[f.Key] = rule.List
		}
	case Person, Unit, Booked:
		out[f.Key], out[f.Key+"_name"] = rule.Words, rule.Words
	case Place:
		out[f.Key], out[f.Key+"_community"], out[f.Key+"_street"] = rule.Words, rule.Words, rule.Words
	case Photo, File, Table:
		out[f.Key] = rule.List
	case Signature:
		out[f.Key] = rule.Bool
	case Computed:
		out[f.Key] = rule.Number
		switch f.Gives {
		case Text:
			out[f.Key] = rule.Words
		case Date:
			out[f.Key] = rule.Time
		}
	default:
		out[f.Key] = rule.Words
	}
}

// Vars are the values of those names. What was not filled in is "", 0, false, no time or an empty list.
func (a *App) Vars(data Data, facts Facts) map[string]any {
	out := facts.vars()
	addVars(out, a.Fields, data)
	return out
}

func addVars(out map[string]any, fields []Field, data map[string]any) {
	for i := range fields {
		addVar(out, &fields[i], data[fields[i].Key])
	}
}

func addVar(out map[string]any, f *Field, v any) {
	m, _ := v.(map[string]any)
	text := func(key string) string { s, _ := m[key].(string); return s }
	switch f.Type {
	case Date, DateTime:
		out[f.Key] = moment(v)
	case Period:
		out[f.Key] = m != nil
		out[f.Key+"_from"], out[f.Key+"_until"] = moment(m["from"]), moment(m["until"])
	case Person, Unit, Booked:
		out[f.Key], out[f.Key+"_name"] = text("id"), text("name")
	case Place:
		out[f.Key], out[f.Key+"_community"], out[f.Key+"_street"] = text("text"), text("community"), text("street")
	case Signature:
		out[f.Key] = m != nil
	case Table:
		out[f.Key] = tableVar(f, v)
	case Photo, File:
		out[f.Key] = list(v)
	case Num, Money:
		n, _ := v.(float64)
		out[f.Key] = n
		if f.Type == Money {
			out[f.Key] = int64(n)
		}
	case Choice:
		if f.Many {
			out[f.Key] = list(v)
			return
		}
		s, _ := v.(string)
		out[f.Key] = s
	case Computed:
		computedVar(out, f, v)
	default:
		s, _ := v.(string)
		out[f.Key] = s
	}
}

func computedVar(out map[string]any, f *Field, v any) {
	switch f.Gives {
	case Text:
		s, _ := v.(string)
		out[f.Key] = s
	case Date:
		out[f.Key] = moment(v)
	default:
		n, _ := v.(float64)
		out[f.Key] = n
	}
}

// tableVar gives rows whose every column is there, so that sum and the like never meet a hole.
func tableVar(f *Field, v any) []any {
	out := []any{}
	for _, r := range list(v) {
		m, _ := r.(map[string]any)
		row := map[string]any{}
		addVars(row, f.Fields, m)
		out = append(out, row)
	}
	return out
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{}
}

// moment reads a date or time as kept, no time for nothing.
func moment(v any) time.Time {
	s, _ := v.(string)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(when.Zone)
	}
	if t, err := when.ParseDate(s); err == nil {
		return t
	}
	return time.Time{}
}

// Moment reads a date, datetime or the beginning of a period, no time for nothing.
func Moment(v any) time.Time {
	if m, ok := v.(map[string]any); ok {
		v = m["from"]
	}
	return moment(v)
}

// base is the field a name of an expression comes from: trip of trip_from.
func (a *App) base(name string) string {
	if a.Field(name) != nil {
		return name
	}
	for _, end := range [...]string{"_from", "_until", "_name", "_community", "_street"} {
		if key, ok := strings.CutSuffix(name, end); ok && a.Field(key) != nil {
			return key
		}
	}
	return ""
}
