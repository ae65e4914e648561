package app

import (
	"strconv"
	"strings"

	"qushu/internal/base/when"
)

// Show is a value as a person reads it.
func Show(f *Field, v any, lang string) string {
	m, _ := v.(map[string]any)
	text := func(key string) string { s, _ := m[key].(string); return s }
	switch f.Type {
	case Money:
		return yuan(v)
	case Num:
		return figure(v, f.Digits)
	case Date:
		s, _ := v.(string)
		return s
	case DateTime:
		return clock(v)
	case Period:
		if m == nil {
			return ""
		}
		return clock(m["from"]) + " – " + clock(m["until"])
	case Choice:
		return chosen(f, v, lang)
	case Person, Unit, Booked, Signature:
		return text("name")
	case Place:
		return text("text")
	case Photo, File, Table:
		if n := len(list(v)); n > 0 {
			return strconv.Itoa(n)
		}
		return ""
	case Computed:
		if f.Gives == Money {
			return yuan(v)
		}
		if s, ok := v.(string); ok {
			return s
		}
		return figure(v, 4)
	}
	s, _ := v.(string)
	return s
}

// Cell is a value for a table: a number stays one.
func Cell(f *Field, v any, lang string) any {
	n, ok := v.(float64)
	switch {
	case !ok:
		return Show(f, v, lang)
	case f.Type == Money || f.Type == Computed && f.Gives == Money:
		return n / 100
	}
	return n
}

func yuan(v any) string {
	n, ok := v.(float64)
	if !ok {
		return ""
	}
	return strconv.FormatFloat(n/100, 'f', 2, 64)
}

func figure(v any, digits int) string {
	n, ok := v.(float64)
	if !ok {
		return ""
	}
	s := strconv.FormatFloat(n, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func clock(v any) string {
	t := moment(v)
	if t.IsZero() {
		return ""
	}
	return t.In(when.Zone).Format("2006-01-02 15:04")
}

func chosen(f *Field, v any, lang string) string {
	all := list(v)
	if s, ok := v.(string); ok {
		all = []any{s}
	}
	var out []string
	for _, k := range all {
		key, _ := k.(string)
		if w, ok := f.Option(key); ok {
			out = append(out, w.In(lang))
		}
	}
	return strings.Join(out, "、")
}
