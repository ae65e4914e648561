package app

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
)

// Scale is by how much a number is kept larger in the index, so that it is whole.
const Scale = 10000

// Row is one value by which entries are filtered, sorted or counted.
type Row struct {
	Field string
	N     int
	Text  string
	Num   int64
}

// Figure is the name under which the index keeps a figure of a statistic; over is what it is divided by.
func Figure(stat string, over bool) string {
	if over {
		return "=" + stat + "/"
	}
	return "=" + stat
}

// Index returns the rows of an entry. blind makes of personal data what can be compared and not read.
func (c *Compiled) Index(data Data, facts Facts, blind func(field, value string) string) ([]Row, error) {
	var out []Row
	for _, key := range c.indexed() {
		f := c.Field(key)
		if f == nil {
			if text := c.divided(key, data, facts); text != "" || key == divLevel {
				out = append(out, Row{Field: key, Text: text})
			}
			continue
		}
		for i, v := range values(f, data[key]) {
			out = append(out, row(f, i, v, blind))
		}
	}
	out = append(out, c.identities(data, blind)...)
	vars := c.Vars(data, facts)
	for i := range c.Stats {
		rows, err := c.figure(i, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// What a statistic may be divided by beside fields: the level, the month of filing; and the street of a place.
const (
	divLevel  = "level"
	divMonth  = "month"
	divStreet = "_street"
)

// Division says what a statistic is divided by where that is no field: "level", "month", or "street" for <place>_street.
func (a *App) Division(by string) (what string, ok bool) {
	if a.Field(by) != nil {
		return "", false
	}
	if by == divLevel || by == divMonth {
		return by, true
	}
	key, is := strings.CutSuffix(by, divStreet)
	f := a.Field(key)
	return "street", is && f != nil && f.Type == Place
}

// divided is the value of a division of an entry, "" for none.
func (c *Compiled) divided(by string, data Data, facts Facts) string {
	switch what, _ := c.Division(by); what {
	case divLevel:
		return facts.Level
	case divMonth:
		if !facts.Begun.IsZero() {
			return facts.Begun.In(when.Zone).Format("2006-01")
		}
	case "street":
		m, _ := data[strings.TrimSuffix(by, divStreet)].(map[string]any)
		s, _ := m["street"].(string)
		return s
	}
	return ""
}

// indexed lists the fields that are in the index.
func (c *Compiled) indexed() []string {
	var out []string
	add := func(key string) {
		if key != "" && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	for _, k := range c.List.Filters {
		add(k)
	}
	for _, k := range c.List.Sorts {
		add(k)
	}
	for _, s := range c.Stats {
		add(s.By)
	}
	return out
}

// Identities are the names under which the index keeps identity numbers, those of tables too.
func (a *App) Identities() []string {
	var out []string
	for _, f := range a.Fields {
		if f.Type == IDCard {
			out = append(out, "#"+f.Key)
		}
		for _, sub := range f.Fields {
			if sub.Type == IDCard {
				out = append(out, "#"+f.Key+"."+sub.Key)
			}
		}
	}
	return out
}

// identities are the rows of those numbers.
func (c *Compiled) identities(data Data, blind func(field, value string) string) []Row {
	var out []Row
	add := func(name string, v any) {
		if s, ok := v.(string); ok && s != "" {
			out = append(out, Row{Field: name, N: len(out), Text: blind(name, codes.Normalise(codes.KindID, s))})
		}
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Type == IDCard {
			add("#"+f.Key, data[f.Key])
		}
		for _, r := range list(data[f.Key]) {
			m, _ := r.(map[string]any)
			for j := range f.Fields {
				if f.Fields[j].Type == IDCard {
					add("#"+f.Key+"."+f.Fields[j].Key, m[f.Fields[j].Key])
				}
			}
		}
	}
	return out
}

func values(f *Field, v any) []any {
	switch {
	case v == nil:
		return nil
	case f.Type == Choice && f.Many:
		return list(v)
	}
	return []any{v}
}

func row(f *Field, n int, v any, blind func(field, value string) string) Row {
	r := Row{Field: f.Key, N: n}
	m, _ := v.(map[string]any)
	text := func(key string) string { s, _ := m[key].(string); return s }
	switch f.Type {
	case Person, Unit, Booked:
		r.Text = text("id")
	case Place:
		r.Text = text("community")
	case Date, DateTime, Period:
		r.Num = stamp(Moment(v))
	default:
		switch v := v.(type) {
		case string:
			r.Text = shorter(strings.ToLower(v))
			if f.Type == Computed && f.Gives == Date {
				r.Text, r.Num = "", stamp(moment(v))
			}
			if f.Masked() {
				r.Text = blind(f.Key, codes.Normalise(f.Kind(), v))
			}
		case float64:
			r.Num = whole(v)
		}
	}
	return r
}

func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func whole(v float64) int64 {
	if math.IsNaN(v) || math.Abs(v) > 1e13 {
		return 0
	}
	return int64(math.Round(v * Scale))
}

func shorter(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}

// figure returns what one entry adds to a statistic.
func (c *Compiled) figure(i int, vars map[string]any) ([]Row, error) {
	s := &c.Stats[i]
	path := fmt.Sprintf("stats[%d]", i)
	over, err := c.Truth(path+".over", vars, true)
	if err != nil || !over {
		return nil, err
	}
	one := func(n int64) []Row { return []Row{{Field: Figure(s.Key, false), Num: n}} }
	switch s.Kind {
	case "sum", "mean":
		n, err := c.rules[path+".of"].Number(vars)
		if err != nil {
			return nil, err
		}
		return one(whole(n)), nil
	}
	of, err := c.Truth(path+".of", vars, true)
	if err != nil {
		return nil, err
	}
	var out []Row
	if of {
		out = one(1)
	}
	if s.Kind == "rate" {
		out = append(out, Row{Field: Figure(s.Key, true), Num: 1})
	}
	return out, nil
}
