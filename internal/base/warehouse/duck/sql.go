package duck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/warehouse"
)

// few is how many values an In may have and still go as one argument; binding a list costs microseconds a value.
const few = 1000

// statement is a plan as SQL. It holds nothing a caller wrote but bound arguments: names are positions.
type statement struct {
	plan  *warehouse.Plan
	text  strings.Builder
	args  []any
	lists []list // what the temporary tables l0, l1 … must hold in their column v
}

// list is a long list of values for an In.
type list struct {
	of     warehouse.Type
	values []any
}

// write returns the SELECT of p with outputs named o0, o1 …; within, when not "", is one more condition, ours.
func write(p *warehouse.Plan, within string) *statement {
	w := &statement{plan: p}
	w.text.WriteString("SELECT ")
	for i, o := range p.Out {
		if i > 0 {
			w.text.WriteString(", ")
		}
		fmt.Fprintf(&w.text, "%s AS o%d", expression(o), i)
	}
	w.from()
	w.text.WriteString(" WHERE ")
	if within != "" {
		w.text.WriteString(within + " AND ")
	}
	if p.Key != nil {
		w.text.WriteString("s0._k = " + strconv.FormatInt(warehouse.KeyHash(p.Key), 10) + " AND ")
	}
	w.test(p.Where)
	for i, g := range p.Group {
		w.text.WriteString([]string{" GROUP BY ", ", "}[min(i, 1)] + place(g))
	}
	for i, b := range p.Order {
		by := fmt.Sprintf("o%d", b.Out)
		if b.Out < 0 {
			by = place(b.Field)
		}
		w.text.WriteString([]string{" ORDER BY ", ", "}[min(i, 1)] + by)
		if b.Desc {
			w.text.WriteString(" DESC")
		}
		w.text.WriteString(" NULLS LAST")
	}
	if p.Limit > 0 {
		fmt.Fprintf(&w.text, " LIMIT %d", p.Limit)
	}
	if p.Offset > 0 {
		fmt.Fprintf(&w.text, " OFFSET %d", p.Offset)
	}
	return w
}

func (w *statement) from() {
	for i, src := range w.plan.Sources {
		if i == 0 {
			fmt.Fprintf(&w.text, " FROM %s AS s0", table(src.Version.ID))
			continue
		}
		kind := " JOIN"
		if src.Outer {
			kind = " LEFT JOIN"
		}
		fmt.Fprintf(&w.text, "%s %s AS s%d ON ", kind, table(src.Version.ID), i)
		for j, on := range src.On {
			if j > 0 {
				w.text.WriteString(" AND ")
			}
			w.text.WriteString(place(on[0]) + " = " + place(on[1]))
		}
	}
}

func place(f warehouse.Field) string { return fmt.Sprintf("s%d.c%d", f.Source, f.Column) }

func expression(o warehouse.Out) string {
	f := place(o.Field)
	switch o.Agg {
	case warehouse.Count:
		if o.Rows {
			return "count(*)"
		}
		return "count(" + f + ")"
	case warehouse.CountDistinct:
		return "count(DISTINCT " + f + ")"
	case warehouse.Sum, warehouse.Avg:
		return "CAST(" + string(o.Agg) + "(" + f + ") AS " + physical(o.Type) + ")"
	case warehouse.Min, warehouse.Max:
		return string(o.Agg) + "(" + f + ")"
	}
	return f
}

// test writes a condition, always in brackets or as one term.
func (w *statement) test(t warehouse.Test) {
	switch t.Op {
	case warehouse.OpAnd, warehouse.OpOr:
		if len(t.Kids) == 0 {
			w.text.WriteString(map[warehouse.Op]string{warehouse.OpAnd: "TRUE", warehouse.OpOr: "FALSE"}[t.Op])
			return
		}
		for i, kid := range t.Kids {
			w.text.WriteString([]string{"(", " " + strings.ToUpper(string(t.Op)) + " "}[min(i, 1)])
			w.test(kid)
		}
		w.text.WriteString(")")
	case warehouse.OpNot:
		w.text.WriteString("(NOT ")
		w.test(t.Kids[0])
		w.text.WriteString(")")
	case warehouse.OpIsNull:
		w.text.WriteString("(" + place(t.Field) + " IS NULL)")
	case warehouse.OpPrefix:
		w.text.WriteString("starts_with(" + place(t.Field) + ", " + w.bind(t.Field.Type, t.Values[0]) + ")")
	case warehouse.OpContains:
		w.text.WriteString("contains(" + place(t.Field) + ", " + w.bind(t.Field.Type, t.Values[0]) + ")")
	case warehouse.OpIn:
		if len(t.Values) == 0 {
			w.text.WriteString("FALSE")
			return
		}
		w.text.WriteString("(" + place(t.Field) + " IN (SELECT " + w.bindList(t.Field.Type, t.Values) + "))")
	default:
		sign := map[warehouse.Op]string{warehouse.OpEq: "=", warehouse.OpNe: "<>", warehouse.OpLt: "<", warehouse.OpLe: "<=",
			warehouse.OpGt: ">", warehouse.OpGe: ">="}[t.Op]
		w.text.WriteString("(" + place(t.Field) + " " + sign + " " + w.bind(t.Field.Type, t.Values[0]) + ")")
	}
}

// bind adds an argument and returns the expression that stands for it.
func (w *statement) bind(t warehouse.Type, v any) string {
	w.args = append(w.args, argument(v))
	return fmt.Sprintf("CAST($%d AS %s)", len(w.args), physical(t))
}

// bindList adds many values and returns what to select them by.
func (w *statement) bindList(t warehouse.Type, values []any) string {
	if len(values) > few {
		w.lists = append(w.lists, list{t, values})
		return fmt.Sprintf("v FROM l%d", len(w.lists)-1)
	}
	as := "VARCHAR" // in lists the driver converts nothing by itself
	switch t.Kind {
	case warehouse.KindInteger:
		as = physical(t)
		w.args = append(w.args, typed[int64](values))
	case warehouse.KindBoolean:
		as = physical(t)
		w.args = append(w.args, typed[bool](values))
	default:
		w.args = append(w.args, typed[string](values))
	}
	return fmt.Sprintf("unnest(CAST(CAST($%d AS %s[]) AS %s[]))", len(w.args), as, physical(t))
}

func typed[T any](values []any) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = argument(v).(T)
	}
	return out
}

// argument returns v as the driver binds it; what it cannot bind exactly goes as text.
func argument(v any) any {
	switch v := v.(type) {
	case warehouse.Decimal:
		return string(v)
	case warehouse.Date:
		return string(v)
	case time.Time:
		return v.Add(civil).UTC().Format("2006-01-02 15:04:05.000000")
	}
	return v
}
