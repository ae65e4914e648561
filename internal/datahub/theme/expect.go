package theme

import (
	"fmt"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Kinds of tests.
const (
	testFilled     = "not_null"    // Columns are filled
	testUnique     = "unique"      // no combination of Columns stands twice
	testValues     = "values"      // the column holds one of Values
	testDictionary = "dictionary"  // it holds a code or a name of the code list Dictionary
	testBetween    = "between"     // it lies between Low and High
	testRows       = "rows_min"    // there are Rows rows at least
	testChange     = "rows_change" // there are as many rows as in the version that serves, give or take Percent
	testSQL        = "sql"         // SQL gives no row
)

// Test is what must hold of what a step made before it is published.
type Test struct {
	Kind       string   `json:"kind" enum:"not_null,unique,values,dictionary,between,rows_min,rows_change,sql"`
	Columns    []string `json:"columns" required:"false" nullable:"false" maxItems:"20"`
	Values     []string `json:"values" required:"false" nullable:"false" maxItems:"1000"`
	Dictionary string   `json:"dictionary" required:"false" maxLength:"40"`
	Low        string   `json:"low" required:"false" maxLength:"40"`
	High       string   `json:"high" required:"false" maxLength:"40"`
	Rows       int64    `json:"rows" required:"false" minimum:"0"`
	Percent    int64    `json:"percent" required:"false" minimum:"0" maximum:"1000"`
	SQL        string   `json:"sql" required:"false" maxLength:"20000"`
	Title      string   `json:"title" required:"false" maxLength:"100" doc:"of SQL: what it looks for"`
	Blocking   bool     `json:"blocking" required:"false" doc:"nothing is published when it fails; else it is only told"`
}

// asked is a test ready to be made: a condition rows fail by, or SQL that gives them; neither for one about all rows.
type asked struct {
	cond warehouse.Cond
	sql  string
}

// ready checks a test against the columns of its step. What does not fit is Invalid.
func (x Test) ready(step Step, dicts *codes.Dictionaries) (asked, error) {
	cols := make([]dataset.Column, len(x.Columns))
	for i, name := range x.Columns {
		at := slices.IndexFunc(step.Columns, func(c Column) bool { return c.Name == name })
		if at < 0 {
			return asked{}, errs.New(errs.Invalid, "theme.test_column", name)
		}
		cols[i] = step.Columns[at].Column
	}
	wants := map[string]int{testValues: 1, testDictionary: 1, testBetween: 1}[x.Kind]
	if wants == 1 && len(cols) != 1 || (x.Kind == testFilled || x.Kind == testUnique) && len(cols) == 0 {
		return asked{}, errs.New(errs.Invalid, "theme.test_columns")
	}
	switch x.Kind {
	case testFilled:
		return asked{cond: unfilled(cols)}, nil
	case testUnique:
		return asked{sql: repeated(step.Name, cols)}, nil
	case testValues:
		return among(cols[0], x.Values)
	case testDictionary:
		d, ok := dicts.Get(x.Dictionary)
		if !ok || cols[0].Type.Kind != warehouse.KindText {
			return asked{}, errs.New(errs.Invalid, "theme.test_dictionary", x.Dictionary)
		}
		var all []string
		for _, i := range d.Items {
			all = append(append(all, i.Code, i.Name), i.Aliases...)
		}
		return among(cols[0], all)
	case testBetween:
		return outside(cols[0], x.Low, x.High)
	case testRows, testChange:
		if x.Kind == testRows && x.Rows < 1 || x.Kind == testChange && x.Percent < 1 {
			return asked{}, errs.New(errs.Invalid, "theme.test_number")
		}
		return asked{}, nil
	case testSQL:
		switch "" {
		case strings.TrimSpace(x.Title):
			return asked{}, errs.New(errs.Invalid, "theme.test_title")
		case strings.TrimSpace(x.SQL):
			return asked{}, errs.New(errs.Invalid, "warehouse.sql_empty")
		}
		return asked{sql: x.SQL}, nil
	}
	return asked{}, errs.New(errs.Invalid, "theme.test_kind", x.Kind)
}

func unfilled(cols []dataset.Column) warehouse.Cond {
	var any []warehouse.Cond
	for _, c := range cols {
		any = append(any, warehouse.IsNull(c.Name))
		if c.Type.Kind == warehouse.KindText {
			any = append(any, warehouse.Eq(c.Name, ""))
		}
	}
	return warehouse.Or(any...)
}

// repeated is SQL that gives what stands more than once, as people may write it.
func repeated(table string, columns []dataset.Column) string {
	quoted, filled := make([]string, len(columns)), make([]string, len(columns))
	n := free(columns)
	order := []string{`"` + n + `" DESC`} // what is sealed has none
	for i, c := range columns {
		quoted[i] = `"` + strings.ReplaceAll(c.Name, `"`, `""`) + `"`
		filled[i] = quoted[i] + " IS NOT NULL"
		if !c.Keep.Closed() {
			order = append(order, quoted[i])
		}
	}
	if len(order) > len(columns) {
		order = quoted
	}
	by := strings.Join(quoted, ", ")
	return fmt.Sprintf(`SELECT %s, count(*) AS "%s" FROM "%s" WHERE %s GROUP BY %s HAVING count(*) > 1 ORDER BY %s`, by, n, table, strings.Join(filled, " AND "), by, strings.Join(order, ", "))
}

// free is a name for the count that no column has.
func free(columns []dataset.Column) string {
	name := "n"
	for slices.ContainsFunc(columns, func(c dataset.Column) bool { return strings.EqualFold(c.Name, name) }) {
		name += "_"
	}
	return name
}

// among is true of rows whose value is none of those allowed; empty ones are another test's.
func among(c dataset.Column, texts []string) (asked, error) {
	if len(texts) == 0 {
		return asked{}, errs.New(errs.Invalid, "theme.test_values")
	}
	var all []any
	for _, s := range texts {
		v, err := c.Value(s)
		if err != nil || v == nil {
			return asked{}, errs.New(errs.Invalid, "theme.test_value", c.Title, s)
		}
		all = append(all, v)
	}
	return asked{cond: warehouse.Not(warehouse.In(c.Name, all...))}, nil
}

// outside is true of rows whose value lies beyond one of two bounds, either of which may be "".
func outside(c dataset.Column, low, high string) (asked, error) {
	var beyond []warehouse.Cond
	if c.Keep.Closed() {
		return asked{}, errs.New(errs.Invalid, "warehouse.sealed_op", c.Title)
	}
	for _, b := range []struct {
		text string
		cond func(string, any) warehouse.Cond
	}{{low, warehouse.Lt}, {high, warehouse.Gt}} {
		if strings.TrimSpace(b.text) == "" {
			continue
		}
		v, err := c.Value(b.text)
		if err != nil || v == nil {
			return asked{}, errs.New(errs.Invalid, "theme.test_value", c.Title, b.text)
		}
		beyond = append(beyond, b.cond(c.Name, v))
	}
	if beyond == nil || c.Type.Kind == warehouse.KindBoolean {
		return asked{}, errs.New(errs.Invalid, "theme.test_bounds")
	}
	return asked{cond: warehouse.Or(beyond...)}, nil
}

// within reports whether rows are within percent of before.
func within(rows, before, percent int64) bool {
	d := rows - before
	if d < 0 {
		d = -d
	}
	return d*100 <= percent*before
}
