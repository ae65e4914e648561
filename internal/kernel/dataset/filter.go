package dataset

import (
	"errors"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Rule is one condition on rows, as people write it.
type Rule struct {
	Column string       `json:"column" maxLength:"64"`
	Op     warehouse.Op `json:"op" enum:"eq,ne,lt,le,gt,ge,in,isnull,prefix,contains"`
	Values []string     `json:"values" required:"false" nullable:"false" maxItems:"1000" doc:"one; several with in, none with isnull; read as the column's type"`
}

// Filter is which rows are meant: those every rule holds of. An empty one means all.
type Filter []Rule

// Cond is the filter as the warehouse asks it. Invalid, with every wrong rule by its place, when a column is not there, or
// a value is none of its type: a filter that no longer fits its dataset lets nothing through.
func (f Filter) Cond(ds Dataset) (warehouse.Cond, error) {
	out := warehouse.And()
	var bad []errs.Field
	for i, r := range f {
		c, err := r.cond(ds)
		if err != nil {
			f := errs.Field{Row: i + 1, Name: r.Column, Key: errs.KeyOf(err)}
			if e, ok := errors.AsType[*errs.Error](err); ok {
				f.Args = e.Args
			}
			bad = append(bad, f)
		}
		out.Kids = append(out.Kids, c)
	}
	if bad != nil {
		return out, errs.New(errs.Invalid, "dataset.filter").With(bad...)
	}
	return out, nil
}

func (r Rule) cond(ds Dataset) (warehouse.Cond, error) {
	out := warehouse.Cond{Op: r.Op, Col: r.Column}
	col, ok := ds.Column(r.Column)
	if !ok {
		return out, errs.New(errs.Invalid, "dataset.no_column", r.Column)
	}
	text := r.Op == warehouse.OpPrefix || r.Op == warehouse.OpContains
	most := 1
	switch r.Op {
	case warehouse.OpEq, warehouse.OpNe, warehouse.OpLt, warehouse.OpLe, warehouse.OpGt, warehouse.OpGe, warehouse.OpPrefix, warehouse.OpContains:
	case warehouse.OpIsNull:
		most = 0
	case warehouse.OpIn:
		most = max(1, len(r.Values))
	default:
		return out, errs.New(errs.Invalid, "dataset.filter_op", string(r.Op))
	}
	if exact := r.Op == warehouse.OpEq || r.Op == warehouse.OpNe || r.Op == warehouse.OpIn || r.Op == warehouse.OpIsNull; col.Keep.Closed() && !exact {
		return out, errs.New(errs.Invalid, "warehouse.sealed_op", col.Title)
	}
	if len(r.Values) != most {
		return out, errs.New(errs.Invalid, "dataset.filter_values", col.Title, most)
	}
	if text && col.Type.Kind != warehouse.KindText {
		return out, errs.New(errs.Invalid, "dataset.filter_text", col.Title)
	}
	for _, s := range r.Values {
		var v any = strings.TrimSpace(s)
		if !text {
			var err error
			if v, err = col.Value(s); err != nil {
				return out, err
			}
		}
		if v == nil || v == "" {
			return out, errs.New(errs.Invalid, "warehouse.null_value")
		}
		out.Values = append(out.Values, v)
	}
	return out, nil
}

// holds reports whether every rule holds of one row with all columns of ds, by the rules of the warehouse: nothing is
// known of NULL but that it is.
func (f Filter) holds(ds Dataset, row []any) bool {
	for _, r := range f {
		c, err := r.cond(ds)
		at := slices.IndexFunc(ds.Columns, func(c Column) bool { return c.Name == r.Column })
		if err != nil || at < 0 || at >= len(row) || !fits(c, row[at]) {
			return false
		}
	}
	return true
}

// fits reports whether a condition on one column holds of a value of it.
func fits(c warehouse.Cond, v any) bool {
	if c.Op == warehouse.OpIsNull || v == nil {
		return c.Op == warehouse.OpIsNull && v == nil
	}
	switch c.Op {
	case warehouse.OpIn:
		return slices.ContainsFunc(c.Values, func(w any) bool { return warehouse.Compare(v, w) == 0 })
	case warehouse.OpPrefix:
		return strings.HasPrefix(warehouse.Format(v), c.Values[0].(string))
	case warehouse.OpContains:
		return strings.Contains(warehouse.Format(v), c.Values[0].(string))
	}
	return Holds(c.Op, v, c.Values[0])
}

// Holds reports whether op (eq, ne, lt, le, gt, ge) holds between two values of one column, neither of them nil.
func Holds(op warehouse.Op, v, w any) bool {
	n := warehouse.Compare(v, w)
	switch op {
	case warehouse.OpEq:
		return n == 0
	case warehouse.OpNe:
		return n != 0
	case warehouse.OpLt:
		return n < 0
	case warehouse.OpLe:
		return n <= 0
	case warehouse.OpGt:
		return n > 0
	case warehouse.OpGe:
		return n >= 0
	}
	return false
}
