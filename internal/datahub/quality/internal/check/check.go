// Package check judges the rows of a table by rules of GB/T 36344-2018, and makes scores of what it found. It is pure:
// rows go in, figures come out.
package check

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Kind is a sort of rule.
type Kind string

// The kinds.
const (
	Required    Kind = "required"             // the column is filled
	Conditional Kind = "conditional_required" // it is filled where another column has one of Values
	Unique      Kind = "unique"               // no value stands twice
	Pattern     Kind = "pattern"              // the whole text matches Pattern
	Length      Kind = "length"               // Min to Max characters
	Range       Kind = "range"                // Min to Max, as the column's type
	Allowed     Kind = "allowed"              // one of Values
	Dictionary  Kind = "dictionary"           // in the dictionary named Other
	CheckDigit  Kind = "check_digit"          // a right identifier of the column's kind
	Compare     Kind = "compare"              // stands to column Other as Op says
	Reference   Kind = "reference"            // the value is a key of the dataset named Other
	Expression  Kind = "expression"           // Expr holds
	Freshness   Kind = "freshness"            // the dataset was renewed within Days
	RowCount    Kind = "row_count"            // Min to Max rows
)

// kinds lists them with the indicator each measures unless a rule says another. GB/T 36344-2018 §6.
var kinds = map[Kind]string{
	Required: "0201", Conditional: "0201", Unique: "0304", Pattern: "0302", Length: "0101", Range: "0101", Allowed: "0105", Dictionary: "0105",
	CheckDigit: "0301", Compare: "0402", Reference: "0402", Expression: "0104", Freshness: "0502", RowCount: "0202",
}

// Indicators are those of the standard a rule may measure, by their codes: two digits dimension, two indicator.
var Indicators = []string{"0101", "0102", "0103", "0104", "0105", "0106", "0201", "0202", "0301", "0302", "0303", "0304", "0305", "0401", "0402", "0501", "0502", "0503", "0601", "0602"}

// Rule is one rule over a table.
type Rule struct {
	Kind      Kind         `json:"kind" enum:"required,conditional_required,unique,pattern,length,range,allowed,dictionary,check_digit,compare,reference,expression,freshness,row_count"`
	Column    string       `json:"column" required:"false" maxLength:"64" doc:"name; none with expression, freshness and row_count"`
	Indicator string       `json:"indicator" required:"false" maxLength:"4" doc:"GB/T 36344 code; that of the kind when empty"`
	Pattern   string       `json:"pattern" required:"false" maxLength:"500"`
	Min       string       `json:"min" required:"false" maxLength:"40"`
	Max       string       `json:"max" required:"false" maxLength:"40"`
	Values    []string     `json:"values" required:"false" nullable:"false" maxItems:"500"`
	Other     string       `json:"other" required:"false" maxLength:"64" doc:"column compared with, or the condition stands on; dictionary; dataset referred to"`
	Op        warehouse.Op `json:"op" required:"false" enum:",eq,ne,lt,le,gt,ge" doc:"of compare"`
	Expr      string       `json:"expr" required:"false" maxLength:"2000" doc:"over the columns by name: true where the row is good"`
	Days      int          `json:"days" required:"false" minimum:"0" maximum:"3660"`
}

// Measures is the indicator the rule measures.
func (r Rule) Measures() string {
	if r.Indicator != "" {
		return r.Indicator
	}
	return kinds[r.Kind]
}

// ByRow reports whether the rule is judged row by row; the others are judged over the whole table.
func (r Rule) ByRow() bool { return r.Kind != Unique && r.Kind != Freshness && r.Kind != RowCount }

// Judge is a rule ready to judge rows. It reads the columns named in Needs, in their order.
type Judge struct {
	Needs []string
	// Row reports whether the rule has anything to say about a row, and whether the row is good.
	Row func(row []any) (counts, good bool)
}

// Compile checks a rule against the columns of a table. has says whether a value is a key of the dataset a reference
// names; nil where that cannot be asked now. Errors are Invalid with words for the author.
func Compile(r Rule, ds dataset.Dataset, dicts *codes.Dictionaries, today time.Time, has func(string) bool) (*Judge, error) {
	if _, ok := kinds[r.Kind]; !ok {
		return nil, errs.New(errs.Invalid, "quality.no_kind", string(r.Kind))
	}
	if r.Indicator != "" && !slices.Contains(Indicators, r.Indicator) {
		return nil, errs.New(errs.Invalid, "quality.no_indicator", r.Indicator)
	}
	switch r.Kind {
	case Expression:
		return expression(r, ds)
	case Freshness:
		if r.Days < 1 {
			return nil, errs.New(errs.Invalid, "quality.no_days")
		}
		return &Judge{}, nil
	case RowCount:
		_, _, err := Bounds(r, warehouse.Type{Kind: warehouse.KindInteger})
		return &Judge{}, err
	}
	col, ok := ds.Column(r.Column)
	if !ok {
		return nil, errs.New(errs.Invalid, "dataset.no_column", r.Column)
	}
	one := func(good func(v any) bool) *Judge {
		return &Judge{[]string{col.Name}, func(row []any) (bool, bool) { return row[0] != nil, row[0] != nil && good(row[0]) }}
	}
	switch r.Kind {
	case Required:
		return &Judge{[]string{col.Name}, func(row []any) (bool, bool) { return true, filled(row[0]) }}, nil
	case Unique:
		return &Judge{Needs: []string{col.Name}}, nil
	case Conditional:
		return conditional(r, col, ds)
	case Pattern:
		re, err := regexp.Compile(`^(?:` + r.Pattern + `)$`)
		if err != nil || r.Pattern == "" {
			return nil, errs.New(errs.Invalid, "quality.bad_pattern", r.Pattern)
		}
		return one(func(v any) bool { return re.MatchString(warehouse.Format(v)) }), nil
	case Length:
		low, high, err := Bounds(r, warehouse.Type{Kind: warehouse.KindInteger})
		return one(func(v any) bool { return within(int64(utf8.RuneCountInString(warehouse.Format(v))), low, high) }), err
	case Range:
		low, high, err := Bounds(r, col.Type)
		return one(func(v any) bool { return within(v, low, high) }), err
	case Allowed:
		set := map[string]bool{}
		for _, v := range r.Values {
			set[strings.TrimSpace(v)] = true
		}
		if len(set) == 0 {
			return nil, errs.New(errs.Invalid, "quality.no_values")
		}
		return one(func(v any) bool { return set[warehouse.Format(v)] }), nil
	case Dictionary:
		d, ok := dicts.Get(r.Other)
		if !ok {
			return nil, errs.New(errs.Invalid, "quality.no_dictionary", r.Other)
		}
		return one(func(v any) bool { _, ok := d.Find(warehouse.Format(v)); return ok }), nil
	case CheckDigit:
		if col.Kind == "" || col.Kind == codes.KindName || col.Kind == codes.KindAddress || col.Kind == codes.KindHousehold || col.Kind == codes.KindOther {
			return nil, errs.New(errs.Invalid, "quality.no_digit", col.Title)
		}
		return one(func(v any) bool { return codes.Check(col.Kind, warehouse.Format(v), today) == nil }), nil
	case Compare:
		return compare(r, col, ds)
	case Reference:
		if r.Other == "" {
			return nil, errs.New(errs.Invalid, "quality.no_other")
		}
		return one(func(v any) bool { return has == nil || has(warehouse.Format(v)) }), nil
	}
	return nil, errors.New("quality: a kind without a judge: " + string(r.Kind))
}

func filled(v any) bool { return v != nil && strings.TrimSpace(warehouse.Format(v)) != "" }

func conditional(r Rule, col dataset.Column, ds dataset.Dataset) (*Judge, error) {
	other, ok := ds.Column(r.Other)
	if !ok {
		return nil, errs.New(errs.Invalid, "dataset.no_column", r.Other)
	}
	if len(r.Values) == 0 {
		return nil, errs.New(errs.Invalid, "quality.no_values")
	}
	return &Judge{[]string{col.Name, other.Name}, func(row []any) (bool, bool) {
		return row[1] != nil && slices.Contains(r.Values, warehouse.Format(row[1])), filled(row[0])
	}}, nil
}

func compare(r Rule, col dataset.Column, ds dataset.Dataset) (*Judge, error) {
	other, ok := ds.Column(r.Other)
	if !ok {
		return nil, errs.New(errs.Invalid, "dataset.no_column", r.Other)
	}
	if other.Type.Kind != col.Type.Kind {
		return nil, errs.New(errs.Invalid, "quality.other_type", col.Title, other.Title)
	}
	if !slices.Contains([]warehouse.Op{warehouse.OpEq, warehouse.OpNe, warehouse.OpLt, warehouse.OpLe, warehouse.OpGt, warehouse.OpGe}, r.Op) {
		return nil, errs.New(errs.Invalid, "dataset.filter_op", string(r.Op))
	}
	return &Judge{[]string{col.Name, other.Name}, func(row []any) (bool, bool) {
		if row[0] == nil || row[1] == nil {
			return false, false
		}
		return true, dataset.Holds(r.Op, row[0], row[1])
	}}, nil
}

// expression is a rule over all columns; what is NULL is "" to a text, 0 to a number and the zero time to a date.
func expression(r Rule, ds dataset.Dataset) (*Judge, error) {
	names, err := rule.Names(r.Expr)
	if err != nil {
		return nil, err
	}
	types := map[string]rule.Type{}
	var cols []dataset.Column
	for _, n := range names {
		c, ok := ds.Column(n)
		if !ok {
			continue // the compiler says it in its own words
		}
		cols = append(cols, c)
		types[n] = typeOf(c.Type)
	}
	expr, err := rule.Compile(r.Expr, types)
	if err != nil {
		return nil, err
	}
	if t := expr.Type(); t != rule.Bool && t != rule.Any {
		return nil, errs.New(errs.Invalid, "rule.not_bool")
	}
	j := &Judge{}
	for _, c := range cols {
		j.Needs = append(j.Needs, c.Name)
	}
	j.Row = func(row []any) (bool, bool) {
		vars := map[string]any{}
		for i, c := range cols {
			vars[c.Name] = plain(types[c.Name], row[i])
		}
		ok, err := expr.Bool(vars)
		return true, err == nil && ok
	}
	return j, nil
}

func typeOf(t warehouse.Type) rule.Type {
	switch t.Kind {
	case warehouse.KindInteger, warehouse.KindDecimal:
		return rule.Number
	case warehouse.KindDate, warehouse.KindDatetime:
		return rule.Time
	case warehouse.KindBoolean:
		return rule.Bool
	}
	return rule.Words
}

func plain(t rule.Type, v any) any {
	switch t {
	case rule.Number:
		switch n := v.(type) {
		case int64:
			return float64(n)
		case warehouse.Decimal:
			return number(n)
		}
		return 0.0
	case rule.Time:
		switch at := v.(type) {
		case time.Time:
			return at
		case warehouse.Date:
			return at.Time()
		}
		return time.Time{}
	case rule.Bool:
		b, _ := v.(bool)
		return b
	}
	return warehouse.Format(v)
}

// Bounds reads the limits of a rule as values of a type; nil where there is none. One at least is needed.
func Bounds(r Rule, t warehouse.Type) (low, high any, err error) {
	read := func(s string) (any, error) {
		if strings.TrimSpace(s) == "" {
			return nil, nil
		}
		return t.Parse(strings.TrimSpace(s))
	}
	if low, err = read(r.Min); err != nil {
		return nil, nil, err
	}
	if high, err = read(r.Max); err != nil {
		return nil, nil, err
	}
	if low == nil && high == nil || low != nil && high != nil && dataset.Holds(warehouse.OpGt, low, high) {
		return nil, nil, errs.New(errs.Invalid, "quality.no_bounds")
	}
	return low, high, nil
}

func within(v, low, high any) bool {
	return (low == nil || dataset.Holds(warehouse.OpGe, v, low)) && (high == nil || dataset.Holds(warehouse.OpLe, v, high))
}
