// Package sheet reads a table whose columns are known by their headings, whatever their order, and
// collects what is wrong with it row by row.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// Column is one column: the heading of the template first, then others people write for it.
type Column struct {
	Key   string
	Names []string
	Need  bool   // every row must have it
	Hint  string // an example, for the template's second row
}

// Row is one row by column key. Number is that Excel shows.
type Row struct {
	Number int
	cells  map[string]string
}

// Get returns a cell, trimmed; "" when it is blank or the file has no such column.
func (r Row) Get(key string) string { return strings.TrimSpace(r.cells[key]) }

// Limits of a file: people fill these in by hand.
const (
	MaxBytes = 20 << 20
	MaxRows  = 50_000
)

// Reasons collects what is wrong with a file. Only the first ones are kept, all are counted by row.
type Reasons struct {
	columns []Column
	fields  []errs.Field
	rows    map[int]bool
}

// maxReasons is how many are shown; nobody reads more before mending these.
const maxReasons = 300

// NewReasons starts a collection for a file with columns.
func NewReasons(columns []Column) *Reasons {
	return &Reasons{columns: columns, rows: map[int]bool{}}
}

// Add notes that the cell of row in the column key is wrong; key "" is the whole row.
func (r *Reasons) Add(row int, column, key string, args ...any) {
	r.rows[row] = true
	if len(r.fields) < maxReasons {
		r.fields = append(r.fields, errs.Field{Row: row, Name: r.heading(column), Key: key, Args: args})
	}
}

// AddError is Add with the words of err; an error without words is returned.
func (r *Reasons) AddError(row int, column string, err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return err
	}
	r.Add(row, column, e.Key, e.Args...)
	return nil
}

// Bad reports whether row has a reason already.
func (r *Reasons) Bad(row int) bool { return r.rows[row] }

func (r *Reasons) heading(key string) string {
	for _, c := range r.columns {
		if c.Key == key {
			return c.Names[0]
		}
	}
	return ""
}

// Err is nil when nothing is wrong; otherwise an Invalid error with the text key, how many rows are
// wrong as {0} and the reasons in the order of the rows.
func (r *Reasons) Err(key string) error {
	if len(r.rows) == 0 {
		return nil
	}
	slices.SortStableFunc(r.fields, func(a, b errs.Field) int { return a.Row - b.Row })
	return errs.New(errs.Invalid, key, len(r.rows)).With(r.fields...)
}

// Read reads the table in body. Errors are about the file as a whole; what is wrong with single rows
// goes to why, and such rows are left out of the result.
func Read(body []byte, name string, columns []Column, why *Reasons) ([]Row, error) {
	t, err := table.Open(bytes.NewReader(body), int64(len(body)), name, table.Limits{MaxBytes: MaxBytes, MaxRows: MaxRows, MaxColumns: 200})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	head, err := t.Head(0)
	if err != nil {
		return nil, err
	}
	if err := head.Err(); err != nil {
		return nil, err
	}
	at, err := match(head.Names, columns)
	if err != nil {
		return nil, err
	}
	var out []Row
	for row, err := range t.Rows(head) {
		if err != nil {
			return nil, err
		}
		for _, f := range row.Reasons {
			why.rows[row.Number] = true
			why.fields = append(why.fields, f)
		}
		if len(row.Reasons) > 0 {
			continue
		}
		r := Row{row.Number, map[string]string{}}
		for i, key := range at {
			if key != "" {
				r.cells[key] = row.Cells[i]
			}
		}
		if isHint(r, columns) {
			continue
		}
		for _, c := range columns {
			if c.Need && r.Get(c.Key) == "" {
				why.Add(r.Number, c.Key, "org.cell_needed", c.Names[0])
			}
		}
		out = append(out, r)
	}
	if len(out) == 0 && len(why.rows) == 0 {
		return nil, errs.New(errs.Invalid, "org.import_empty")
	}
	return out, nil
}

// match finds the key of each column of the file, "" for one we do not know.
func match(names []string, columns []Column) ([]string, error) {
	at := make([]string, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		for _, c := range columns {
			if slices.Contains(c.Names, plain(name)) && !seen[c.Key] {
				at[i] = c.Key
				seen[c.Key] = true
			}
		}
	}
	var missing []string
	for _, c := range columns {
		if c.Need && !seen[c.Key] {
			missing = append(missing, c.Names[0])
		}
	}
	if len(missing) > 0 {
		return nil, errs.New(errs.Invalid, "org.columns_missing", strings.Join(missing, "、"))
	}
	return at, nil
}

// plain takes the marks off a heading: 姓名*, 姓名（必填）.
func plain(s string) string {
	s, _, _ = strings.Cut(s, "（")
	s, _, _ = strings.Cut(s, "(")
	return strings.Trim(strings.Join(strings.Fields(s), ""), "*＊")
}

// isHint reports whether r is the template's example row, left in the file.
func isHint(r Row, columns []Column) bool {
	for _, c := range columns {
		if c.Hint != "" && r.Get(c.Key) != c.Hint {
			return false
		}
	}
	return true
}

// Template writes an empty table with the headings and one example row, which Read passes over.
func Template(w io.Writer, name string, columns []Column) error {
	x, err := table.NewXLSX(w, name)
	if err != nil {
		return err
	}
	var heads, hints []any
	for _, c := range columns {
		head := c.Names[0]
		if c.Need {
			head += "*"
		}
		heads, hints = append(heads, head), append(hints, c.Hint)
	}
	if err := x.Write(heads...); err != nil {
		return err
	}
	if err := x.Write(hints...); err != nil {
		return err
	}
	if err := x.Close(); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return nil
}
