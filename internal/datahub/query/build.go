package query

import (
	"fmt"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

// Build is a question put together in a form.
type Build struct {
	Dataset  string         `json:"dataset" maxLength:"50" doc:"code of the dataset"`
	Version  int64          `json:"version" required:"false" minimum:"0" doc:"number of an older version to ask; 0 for the one that serves"`
	Where    dataset.Filter `json:"where" required:"false" nullable:"false" maxItems:"50" doc:"conditions that all hold"`
	Columns  []string       `json:"columns" required:"false" nullable:"false" maxItems:"200" doc:"to list; not together with group and measures"`
	Group    []Group        `json:"group" required:"false" nullable:"false" maxItems:"5"`
	Measures []Measure      `json:"measures" required:"false" nullable:"false" maxItems:"10"`
	Sort     []Sort         `json:"sort" required:"false" nullable:"false" maxItems:"5"`
	Limit    int            `json:"limit" required:"false" minimum:"0" maximum:"50000" doc:"most rows, 0 for as many as are shown"`
}

// Group is a column rows are grouped by.
type Group struct {
	Column string `json:"column" maxLength:"64"`
	By     string `json:"by" required:"false" enum:",year,quarter,month,day" doc:"part of a date, the whole value when empty"`
}

// Measure is a figure worked out over each group.
type Measure struct {
	Agg    warehouse.Agg `json:"agg" enum:"count,count_distinct,sum,avg,min,max"`
	Column string        `json:"column" required:"false" maxLength:"64" doc:"empty with count, for rows"`
}

// Sort orders the answer by one of its columns.
type Sort struct {
	By   int  `json:"by" minimum:"1" maximum:"200" doc:"place of the column in the answer, from 1"`
	Desc bool `json:"desc" required:"false"`
}

// call is what the columns of an answer are called, in the reader's language.
type call func(key string, args ...any) string

// SQL writes the question as a SELECT over ds. Wrong columns, conditions and places are Invalid, by field.
func (b Build) SQL(ds dataset.Dataset, say call) (string, error) {
	where, err := b.Where.Cond(ds)
	if err != nil {
		return "", err
	}
	w := &builder{ds: ds, say: say, names: map[string]bool{}}
	grouped := len(b.Group)+len(b.Measures) > 0
	switch {
	case grouped && len(b.Columns) > 0:
		return "", errs.New(errs.Invalid, "query.list_or_group")
	case grouped:
		for _, g := range b.Group {
			w.group(g)
		}
		for _, m := range b.Measures {
			w.measure(m)
		}
	default:
		for _, c := range b.Columns {
			if col, ok := w.column(c); ok {
				w.add(quote(c), col.Title)
			}
		}
	}
	if w.err != nil {
		return "", w.err
	}
	out := "SELECT " + strings.Join(w.items, ",\n       ")
	if len(w.items) == 0 {
		out = "SELECT *"
	}
	out += "\nFROM " + ds.Name
	if b.Version != 0 {
		out += fmt.Sprintf(" AT (VERSION => %d)", b.Version)
	}
	if len(where.Kids) > 0 {
		tests := make([]string, len(where.Kids))
		for i, k := range where.Kids {
			tests[i] = test(k)
		}
		out += "\nWHERE " + strings.Join(tests, "\n  AND ")
	}
	if len(b.Group) > 0 {
		places := make([]string, len(b.Group))
		for i := range places {
			places[i] = strconv.Itoa(i + 1)
		}
		out += "\nGROUP BY " + strings.Join(places, ", ")
	}
	return b.sorted(out, len(w.items), len(w.items) == 0)
}

func (b Build) sorted(out string, n int, all bool) (string, error) {
	var by []string
	for _, s := range b.Sort {
		if s.By > n && !all {
			return "", errs.New(errs.Invalid, "query.bad_sort", s.By)
		}
		text := strconv.Itoa(s.By)
		if s.Desc {
			text += " DESC"
		}
		by = append(by, text)
	}
	if len(by) > 0 {
		out += "\nORDER BY " + strings.Join(by, ", ")
	}
	if b.Limit > 0 {
		out += "\nLIMIT " + strconv.Itoa(b.Limit)
	}
	return out, nil
}

// builder collects the columns of an answer.
type builder struct {
	ds    dataset.Dataset
	say   call
	items []string
	names map[string]bool
	err   error
}

func (w *builder) column(name string) (dataset.Column, bool) {
	c, ok := w.ds.Column(name)
	if !ok && w.err == nil {
		w.err = errs.New(errs.Invalid, "dataset.no_column", name)
	}
	return c, ok
}

// add puts an expression into the answer under a name no other column has.
func (w *builder) add(expr, title string) {
	name := title
	for n := 2; w.names[name]; n++ {
		name = title + " " + strconv.Itoa(n)
	}
	w.names[name] = true
	w.items = append(w.items, expr+" AS "+quote(name))
}

var parts = map[string]string{"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}

func (w *builder) group(g Group) {
	c, ok := w.column(g.Column)
	switch {
	case !ok:
	case g.By == "":
		w.add(quote(g.Column), c.Title)
	case c.Type.Kind != warehouse.KindDate && c.Type.Kind != warehouse.KindDatetime:
		w.err = errs.New(errs.Invalid, "query.not_date", c.Title)
	case g.By == "quarter":
		w.add("year("+quote(g.Column)+") || '-Q' || quarter("+quote(g.Column)+")", w.say("query.by_quarter", c.Title))
	default:
		w.add("strftime("+quote(g.Column)+", '"+parts[g.By]+"')", w.say("query.by_"+g.By, c.Title))
	}
}

func (w *builder) measure(m Measure) {
	if m.Agg == warehouse.Count && m.Column == "" {
		w.add("count(*)", w.say("query.measure_rows"))
		return
	}
	c, ok := w.column(m.Column)
	if !ok {
		return
	}
	number := c.Type.Kind == warehouse.KindInteger || c.Type.Kind == warehouse.KindDecimal
	if (m.Agg == warehouse.Sum || m.Agg == warehouse.Avg) && !number {
		w.err = errs.New(errs.Invalid, "warehouse.bad_aggregate", c.Title)
		return
	}
	expr := string(m.Agg) + "(" + quote(m.Column) + ")"
	if m.Agg == warehouse.CountDistinct {
		expr = "count(DISTINCT " + quote(m.Column) + ")"
	}
	w.add(expr, w.say("query.measure_"+string(m.Agg), c.Title))
}

var signs = map[warehouse.Op]string{warehouse.OpEq: "=", warehouse.OpNe: "<>", warehouse.OpLt: "<", warehouse.OpLe: "<=", warehouse.OpGt: ">", warehouse.OpGe: ">="}

// test writes a condition on one column.
func test(c warehouse.Cond) string {
	col := quote(c.Col)
	switch c.Op {
	case warehouse.OpIsNull:
		return col + " IS NULL"
	case warehouse.OpPrefix:
		return "starts_with(" + col + ", " + literal(c.Values[0]) + ")"
	case warehouse.OpContains:
		return "contains(" + col + ", " + literal(c.Values[0]) + ")"
	case warehouse.OpIn:
		all := make([]string, len(c.Values))
		for i, v := range c.Values {
			all[i] = literal(v)
		}
		return col + " IN (" + strings.Join(all, ", ") + ")"
	}
	return col + " " + signs[c.Op] + " " + literal(c.Values[0])
}

// literal writes a value so that it is read as that value.
func literal(v any) string {
	text := warehouse.Format(v)
	switch v.(type) {
	case int64, warehouse.Decimal:
		return text
	case bool:
		return strings.ToUpper(text)
	case warehouse.Date:
		return "DATE '" + text + "'"
	case string:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return "TIMESTAMP '" + text + "'"
}

// quote writes a name so that it is read as that name.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
