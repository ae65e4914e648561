package intake

import (
	"errors"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
)

// Converter turns rows of the file into values.
type Converter struct {
	cols   []Column
	today  time.Time
	values []any
}

// NewConverter returns one for the columns that are not left out. today bounds birth dates.
func NewConverter(cols []Column, today time.Time) *Converter {
	c := &Converter{today: today}
	for _, col := range cols {
		if !col.Skip {
			c.cols = append(c.cols, col)
		}
	}
	c.values = make([]any, len(c.cols))
	return c
}

// Row returns the values of a row, in a slice used again for the next, or every reason why it is refused.
func (c *Converter) Row(r table.Row) ([]any, []errs.Field) {
	if len(r.Reasons) > 0 {
		return nil, r.Reasons
	}
	var why []errs.Field
	for i := range c.cols {
		col := &c.cols[i]
		cell := ""
		if col.At >= 0 { // otherwise nothing comes for it any more
			cell = r.Cells[col.At]
		}
		v, err := col.value(cell, c.today)
		if err != nil {
			e, ok := errors.AsType[*errs.Error](err)
			if !ok {
				e = errs.New(errs.Invalid, "library.bad_cell")
			}
			why = append(why, errs.Field{Row: r.Number, Name: col.Title, Key: e.Key, Args: e.Args})
			continue
		}
		c.values[i] = v
	}
	if why != nil {
		return nil, why
	}
	return c.values, nil
}

func (c *Column) value(cell string, today time.Time) (any, error) {
	s := strings.TrimSpace(cell)
	if s == "" || slices.Contains(c.Nulls, s) {
		return c.none()
	}
	v, err := c.Value(cell)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return c.none()
	}
	if v, err = c.Type.Coerce(v); err != nil {
		return nil, err
	}
	if c.Strict {
		err = codes.Check(c.Kind, warehouse.Format(v), today)
	}
	return v, err
}

func (c *Column) none() (any, error) {
	if c.Key {
		return nil, errs.New(errs.Invalid, "warehouse.key_empty")
	}
	return nil, nil
}
