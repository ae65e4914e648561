package app

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
)

// Data are the values of one entry by the keys of its fields.
type Data map[string]any

// World is what values are checked against. Each function reports false for what is not there.
type World struct {
	Now      time.Time
	Lang     string
	Person   func(id string) (name string, ok bool, err error)
	Unit     func(id string) (name string, ok bool, err error)
	Resource func(kind, id string) (title string, ok bool, err error)
	// File returns the name of a file that hangs on a field of the entry, claiming it when it does not yet.
	File func(field, id string) (name string, ok bool, err error)
	// Me signs.
	Me, MyName string
}

// cleaner brings one input into the one form that is kept.
type cleaner struct {
	*World
	bad []errs.Field
	err error // of the world
}

func (c *cleaner) fail(path, key string, args ...any) any {
	c.bad = append(c.bad, errs.Field{Name: path, Key: key, Args: args})
	return nil
}

// value returns v as it is kept, nil for nothing. old is what was kept before.
func (c *cleaner) value(f *Field, path string, v, old any) any {
	if empty(v) {
		return nil
	}
	switch f.Type {
	case Text, LongText, IDCard, Phone:
		return c.text(f, path, v, old)
	case Num, Money:
		return c.number(f, path, v)
	case Date, DateTime:
		return c.moment(f.Type, path, v)
	case Period:
		return c.period(path, v)
	case Choice:
		return c.choice(f, path, v)
	case Person, Unit, Booked:
		return c.party(f, path, v, old)
	case Place:
		return c.place(path, v)
	case Photo, File:
		return c.files(f, path, v)
	case Signature:
		return c.signature(path, v, old)
	case Table:
		return c.table(f, path, v, old)
	}
	return nil // computed
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func (c *cleaner) text(f *Field, path string, v, old any) any {
	s, ok := v.(string)
	if !ok {
		return c.fail(path, "web.v.string")
	}
	before, _ := old.(string)
	if f.Masked() && before != "" && s == codes.Mask(f.Kind(), before) {
		return before // it was shown masked and comes back as it was
	}
	switch f.Type {
	case IDCard, Phone:
		s = codes.Normalise(f.Kind(), s)
		if err := codes.Check(f.Kind(), s, c.Now); err != nil {
			e := err.(*errs.Error)
			return c.fail(path, e.Key, e.Args...)
		}
		return s
	case Text:
		s = strings.Join(strings.Fields(s), " ")
	default:
		s = strings.TrimSpace(s)
	}
	if n := f.longest(); utf8.RuneCountInString(s) > n {
		return c.fail(path, "web.v.max_length", n)
	}
	return s
}

func (f *Field) longest() int {
	switch {
	case f.Longest > 0:
		return f.Longest
	case f.Type == LongText:
		return 5000
	}
	return 200
}

// Kind is the sort of personal data a masked field holds.
func (f *Field) Kind() codes.Kind {
	switch f.Type {
	case IDCard:
		return codes.KindID
	case Phone:
		return codes.KindPhone
	}
	return codes.Kind(f.Personal)
}

func (c *cleaner) number(f *Field, path string, v any) any {
	n, ok := v.(float64)
	if !ok || math.IsNaN(n) || math.Abs(n) > 1e12 {
		return c.fail(path, "web.v.number")
	}
	digits := f.Digits
	if f.Type == Money {
		digits = 0
	}
	scale := math.Pow(10, float64(digits))
	if r := math.Round(n*scale) / scale; math.Abs(r-n) > 1e-9*math.Max(1, math.Abs(n)) {
		return c.fail(path, "forms.v_digits", digits)
	}
	shown := func(x float64) string {
		if f.Type == Money {
			return strconv.FormatFloat(x/100, 'f', 2, 64)
		}
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	if f.Min != nil && n < *f.Min {
		return c.fail(path, "web.v.min", shown(*f.Min))
	}
	if f.Max != nil && n > *f.Max {
		return c.fail(path, "web.v.max", shown(*f.Max))
	}
	return n
}

func (c *cleaner) moment(t Type, path string, v any) any {
	s, ok := v.(string)
	if !ok {
		return c.fail(path, "web.v.string")
	}
	if t == Date {
		d, err := when.ParseDate(s)
		if err != nil || d.Year() < 1900 || d.Year() > 2200 {
			return c.fail(path, "web.v.date")
		}
		return when.FormatDate(d)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.Year() < 1900 || at.Year() > 2200 {
		return c.fail(path, "web.v.datetime")
	}
	return at.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func (c *cleaner) period(path string, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return c.fail(path, "web.v.object")
	}
	from, until := c.moment(DateTime, path+".from", m["from"]), c.moment(DateTime, path+".until", m["until"])
	if from == nil || until == nil {
		return nil
	}
	if from.(string) >= until.(string) {
		return c.fail(path, "forms.v_period")
	}
	return map[string]any{"from": from, "until": until}
}

func (c *cleaner) choice(f *Field, path string, v any) any {
	one := func(v any) bool {
		s, ok := v.(string)
		_, known := f.Option(s)
		return ok && known
	}
	if !f.Many {
		if !one(v) {
			return c.fail(path, "forms.v_choice")
		}
		return v
	}
	all, ok := v.([]any)
	if !ok || !all1(all, one) {
		return c.fail(path, "forms.v_choice")
	}
	var out []any
	for _, o := range f.Options { // in their order, each once
		if slices.Contains(all, any(o.Key)) {
			out = append(out, o.Key)
		}
	}
	return out
}

func all1(all []any, ok func(any) bool) bool {
	return !slices.ContainsFunc(all, func(v any) bool { return !ok(v) })
}

// party is a person, a unit or a resource: {id}, or the id alone.
func (c *cleaner) party(f *Field, path string, v, old any) any {
	id, ok := v.(string)
	if m, is := v.(map[string]any); is {
		id, ok = m["id"].(string)
	}
	if !ok || id == "" {
		return c.fail(path, "forms.v_party")
	}
	if m, is := old.(map[string]any); is && m["id"] == id {
		return old // the name of then stays
	}
	var name string
	var err error
	switch f.Type {
	case Person:
		name, ok, err = c.Person(id)
	case Unit:
		name, ok, err = c.Unit(id)
	default:
		name, ok, err = c.Resource(f.Resource, id)
	}
	if err != nil {
		c.err = err
		return nil
	}
	if !ok {
		return c.fail(path, "forms.v_party")
	}
	return map[string]any{"id": id, "name": name}
}

func (c *cleaner) place(path string, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return c.fail(path, "web.v.object")
	}
	out := map[string]any{}
	for key, most := range map[string]float64{"lon": 180, "lat": 90} {
		if m[key] == nil {
			continue
		}
		n, ok := m[key].(float64)
		if !ok || math.Abs(n) > most {
			return c.fail(path+"."+key, "forms.v_point")
		}
		out[key] = math.Round(n*1e6) / 1e6
	}
	if (out["lon"] == nil) != (out["lat"] == nil) {
		return c.fail(path, "forms.v_point")
	}
	for key, most := range map[string]int{"text": 200, "community": 12, "street": 9} {
		s, _ := m[key].(string)
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if utf8.RuneCountInString(s) > most || key != "text" && strings.Trim(s, "0123456789") != "" {
			return c.fail(path+"."+key, "forms.v_place")
		}
		out[key] = s
	}
	if s, _ := out["community"].(string); len(s) == 12 { // a community's code begins with its street's, GB/T 10114
		out["street"] = s[:9]
	}
	return out
}

func (c *cleaner) files(f *Field, path string, v any) any {
	all, ok := v.([]any)
	if !ok {
		return c.fail(path, "web.v.array")
	}
	if n := f.most(); len(all) > n {
		return c.fail(path, "web.v.max_items", n)
	}
	var out []any
	for i, v := range all {
		at := path + "[" + strconv.Itoa(i) + "]"
		m, ok := v.(map[string]any)
		id, _ := m["id"].(string)
		if !ok || id == "" {
			return c.fail(at, "forms.v_file")
		}
		name, ok, err := c.File(top(path), id)
		if err != nil {
			c.err = err
			return nil
		}
		if !ok {
			return c.fail(at, "forms.v_file")
		}
		one := map[string]any{"id": id, "name": name}
		if f.Type == Photo {
			if place := c.place(at, pick(m, "lon", "lat")); place != nil {
				for k, v := range place.(map[string]any) {
					one[k] = v
				}
			}
			if !empty(m["at"]) {
				one["at"] = c.moment(DateTime, at+".at", m["at"])
			}
		}
		out = append(out, one)
	}
	return out
}

// top is the field of the form that a path lies in.
func top(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}

func pick(m map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		out[k] = m[k]
	}
	return out
}

func (f *Field) most() int {
	switch {
	case f.Most > 0:
		return f.Most
	case f.Type == Table:
		return 100
	}
	return 20
}

// signature is the drawn name of who acts; nobody signs for another.
func (c *cleaner) signature(path string, v, old any) any {
	m, ok := v.(map[string]any)
	id, _ := m["file"].(string)
	if !ok || id == "" {
		return c.fail(path, "forms.v_file")
	}
	if was, is := old.(map[string]any); is && was["file"] == id {
		return old
	}
	if _, ok, err := c.File(top(path), id); err != nil || !ok {
		c.err = err
		return c.fail(path, "forms.v_file")
	}
	return map[string]any{"file": id, "person": c.Me, "name": c.MyName, "at": c.Now.UTC().Truncate(time.Second).Format(time.RFC3339)}
}

func (c *cleaner) table(f *Field, path string, v, old any) any {
	all, ok := v.([]any)
	if !ok {
		return c.fail(path, "web.v.array")
	}
	if n := f.most(); len(all) > n {
		return c.fail(path, "web.v.max_items", n)
	}
	was, _ := old.([]any)
	var out []any
	for i, v := range all {
		at := path + "[" + strconv.Itoa(i) + "]"
		m, ok := v.(map[string]any)
		if !ok {
			return c.fail(at, "web.v.object")
		}
		var before map[string]any
		if i < len(was) {
			before, _ = was[i].(map[string]any)
		}
		row := map[string]any{}
		for j := range f.Fields {
			sub := &f.Fields[j]
			if x := c.value(sub, at+"."+sub.Key, m[sub.Key], before[sub.Key]); x != nil {
				row[sub.Key] = x
			}
		}
		if len(row) > 0 {
			out = append(out, row)
		}
	}
	return out
}

// Each calls fn with every value of data that is a text of a field for which which holds, those in tables too, and keeps
// what it returns.
func (a *App) Each(data Data, which func(*Field) bool, fn func(f *Field, path, text string) (string, error)) error {
	return each(a.Fields, data, "", which, fn)
}

func each(fields []Field, data map[string]any, path string, which func(*Field) bool, fn func(f *Field, path, text string) (string, error)) error {
	for i := range fields {
		f := &fields[i]
		at := path + f.Key
		if rows, ok := data[f.Key].([]any); ok && f.Type == Table {
			for n, r := range rows {
				if m, ok := r.(map[string]any); ok {
					if err := each(f.Fields, m, at+"["+strconv.Itoa(n)+"].", which, fn); err != nil {
						return err
					}
				}
			}
			continue
		}
		s, ok := data[f.Key].(string)
		if !ok || !which(f) {
			continue
		}
		t, err := fn(f, at, s)
		if err != nil {
			return err
		}
		data[f.Key] = t
	}
	return nil
}

// Mask hides personal data.
func (a *App) Mask(data Data) {
	_ = a.Each(data, (*Field).Masked, func(f *Field, _, s string) (string, error) { return codes.Mask(f.Kind(), s), nil })
}

// Clone copies data whole, through JSON, which it came from.
func Clone(d Data) Data {
	b, err := json.Marshal(d)
	out := Data{}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic("app: data is no JSON: " + err.Error())
	}
	return out
}
