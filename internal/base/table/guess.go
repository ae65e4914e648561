package table

import (
	"slices"
	"strings"
)

// Type is the kind of value a column holds.
type Type string

// The types, with the Go value Parse gives.
const (
	TypeText     Type = "text"     // string, as it stands
	TypeInteger  Type = "integer"  // int64
	TypeDecimal  Type = "decimal"  // string: sign, digits, point, digits; exact, at most 38 digits
	TypeDate     Type = "date"     // time.Time, midnight UTC
	TypeDateTime Type = "datetime" // time.Time at +08:00
	TypeBoolean  Type = "boolean"  // bool
)

// Types lists all types in the order they are offered.
func Types() []Type {
	return []Type{TypeText, TypeInteger, TypeDecimal, TypeDate, TypeDateTime, TypeBoolean}
}

// nullTexts are what people write for "nothing".
var nullTexts = [...]string{"无", "-", "/", "--", "—", "——", "空", "NULL", "null", "N/A"}

// Column is a column as guessed, for the user to correct.
type Column struct {
	Name  string
	Type  Type
	Nulls []string // the texts that count as no value here, as they occurred; blanks always do
}

// Guess proposes a type for each column from its sample values: the narrowest that fits every one. Codes stay text:
// leading zeros, a plus sign, more than 15 digits (what Excel keeps). A column without values is text.
func Guess(names []string, samples []Row) []Column {
	out := make([]Column, len(names))
	for i, name := range names {
		c := Column{Name: name}
		fit := Types()[1:]
		values := 0
		for _, row := range samples {
			if len(row.Reasons) > 0 || i >= len(row.Cells) {
				continue
			}
			s := strings.TrimSpace(row.Cells[i])
			if s == "" {
				continue
			}
			if slices.Contains(nullTexts[:], s) {
				if !slices.Contains(c.Nulls, s) {
					c.Nulls = append(c.Nulls, s)
				}
				continue
			}
			values++
			fit = slices.DeleteFunc(fit, func(t Type) bool { return !fits(t, s) })
		}
		c.Type = choose(fit, values)
		out[i] = c
	}
	return out
}

// choose takes the narrowest of the types that fit. Eight digits that are all dates are dates, not numbers.
func choose(fit []Type, values int) Type {
	if values == 0 || len(fit) == 0 {
		return TypeText
	}
	if slices.Contains(fit, TypeDate) {
		return TypeDate
	}
	return fit[0]
}

// fits reports whether s is a value of t that loses nothing by being stored as one.
func fits(t Type, s string) bool {
	if (t == TypeInteger || t == TypeDecimal) && code(s) {
		return false
	}
	_, key := Parse(t, s)
	return key == ""
}

// code reports whether s looks like a number but is a name: 00731, 420106199001011234, +8613800138000.
func code(s string) bool {
	if strings.HasPrefix(s, "+") {
		return true
	}
	s = strings.TrimPrefix(s, "-")
	if len(s) > 1 && s[0] == '0' && s[1] != '.' {
		return true
	}
	digits := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits > 15
}

// Parse turns a cell into the column's value, nil when it is blank or one of the column's Nulls; otherwise see Parse.
func (c Column) Parse(text string) (value any, key string) {
	if s := strings.TrimSpace(text); s == "" || slices.Contains(c.Nulls, s) {
		return nil, ""
	}
	return Parse(c.Type, text)
}
