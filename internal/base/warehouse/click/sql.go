package click

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"qushu/internal/base/warehouse"
)

const (
	// few is how many values of an In stand in the statement; more go beside it.
	few = 1000
	// short is how long they may be together.
	short = 64 << 10
	// all is more rows than there are.
	all = int64(1) << 60
)

// table names the engine's table of a version, stage the one its rows are first put into, again the one that lists its
// duplicates. Only ids that id.Valid knows reach them.
func table(id string) string { return "t_" + id }
func stage(id string) string { return "s_" + id }
func again(id string) string { return "d_" + id }

func field(i int) string { return "c" + strconv.Itoa(i) }

// statement is a plan as SQL. It holds nothing a caller wrote but digits: names are positions, texts are hexadecimal,
// long lists go beside it.
type statement struct {
	plan   *warehouse.Plan
	text   strings.Builder
	lists  []*ext.Table
	checks int // outputs after those of the plan: sums in double precision, to see what 128 bits did not hold
	err    error
}

// write returns the SELECT of p with outputs named o0, o1 ….
func write(p *warehouse.Plan) *statement {
	w := &statement{plan: p}
	w.text.WriteString("SELECT ")
	for i, o := range p.Out {
		if i > 0 {
			w.text.WriteString(", ")
		}
		fmt.Fprintf(&w.text, "%s AS o%d", w.expression(o), i)
	}
	for _, o := range p.Out {
		if unsure(o) {
			fmt.Fprintf(&w.text, ", sum(toFloat64(%s)) AS x%d", w.place(o.Field), w.checks)
			w.checks++
		}
	}
	w.text.WriteString(" FROM " + w.from() + " WHERE ")
	if p.Key != nil && len(p.Sources) == 1 {
		w.text.WriteString(keyed(p) + " AND ")
	}
	w.test(p.Where, true)
	for i, g := range p.Group {
		w.text.WriteString([]string{" GROUP BY ", ", "}[min(i, 1)] + w.place(g))
	}
	w.order()
	if p.Limit > 0 || p.Offset > 0 {
		fmt.Fprintf(&w.text, " LIMIT %d, %d", p.Offset, cmp.Or(p.Limit, all))
	}
	return w
}

func (w *statement) order() {
	p := w.plan
	for i, b := range p.Order {
		by := fmt.Sprintf("o%d", b.Out)
		if b.Out < 0 {
			by = w.place(b.Field)
		}
		w.text.WriteString([]string{" ORDER BY ", ", "}[min(i, 1)] + by)
		if b.Desc {
			w.text.WriteString(" DESC")
		}
		w.text.WriteString(" NULLS LAST")
	}
	if p.Key != nil && len(p.Order) == 0 && len(p.Sources) == 1 && !p.Grouped {
		w.text.WriteString(" ORDER BY _n") // rows of one key as they came, on however many threads they are read
	}
}

// keyed leads the engine to the granules of the key.
func keyed(p *warehouse.Plan) string {
	return "_k = " + strconv.FormatInt(warehouse.KeyHash(p.Key), 10)
}

// unsure reports whether a sum may be more than 128 bits hold, which the engine does not tell.
func unsure(o warehouse.Out) bool { return o.Agg == warehouse.Sum && !small(o.Field.Type) }

// place names a column where the statement reads it.
func (w *statement) place(f warehouse.Field) string {
	if len(w.plan.Sources) == 1 {
		return field(f.Column)
	}
	return fmt.Sprintf("s%d_c%d", f.Source, f.Column)
}

// from returns what the statement reads: the table, or for a join sub-selects in one another, one join a level, because
// older releases know no more.
func (w *statement) from() string {
	p := w.plan
	if len(p.Sources) == 1 {
		return table(p.Sources[0].Version.ID)
	}
	used := w.used()
	within := ""
	if p.Key != nil {
		within = " WHERE " + keyed(p)
	}
	left := "SELECT " + list(w.columns(used, 0, false)) + " FROM " + table(p.Sources[0].Version.ID) + within
	var names []string
	for i, src := range p.Sources {
		if i > 0 {
			// What both sides are equal in has a name of its own on both, and is Nullable on both: NULL equals nothing.
			before, behind, using := slices.Clone(names), w.columns(used, i, src.Outer), []string(nil)
			for m, on := range src.On {
				j := fmt.Sprintf("j%d_%d", i, m)
				before = append(before, "toNullable("+w.place(on[0])+") AS "+j)
				behind = append(behind, "toNullable("+field(on[1].Column)+") AS "+j)
				using = append(using, j)
			}
			kind := "INNER"
			if src.Outer {
				kind = "LEFT"
			}
			left = fmt.Sprintf("SELECT %s FROM (SELECT %s FROM (%s)) ALL %s JOIN (SELECT %s FROM %s) USING (%s)",
				list(slices.Concat(names, w.names(used, i), using)), list(before), left, kind, list(behind), table(src.Version.ID), list(using))
		}
		names = append(names, w.names(used, i)...)
	}
	return "(" + left + ")"
}

func list(s []string) string { return strings.Join(s, ", ") }

// used returns the columns each source must give, in order.
func (w *statement) used() map[int][]int {
	out := map[int][]int{}
	add := func(f warehouse.Field) {
		if at, found := slices.BinarySearch(out[f.Source], f.Column); !found {
			out[f.Source] = slices.Insert(out[f.Source], at, f.Column)
		}
	}
	var tests func(t warehouse.Test)
	tests = func(t warehouse.Test) {
		if len(t.Kids) == 0 && t.Op != warehouse.OpAnd && t.Op != warehouse.OpOr {
			add(t.Field)
		}
		for _, k := range t.Kids {
			tests(k)
		}
	}
	p := w.plan
	tests(p.Where)
	for _, o := range p.Out {
		if !o.Rows {
			add(o.Field)
		}
	}
	for _, g := range p.Group {
		add(g)
	}
	for _, b := range p.Order {
		if b.Out < 0 {
			add(b.Field)
		}
	}
	for _, src := range p.Sources {
		for _, on := range src.On {
			add(on[0])
		}
	}
	return out
}

func (w *statement) names(used map[int][]int, source int) (out []string) {
	for _, c := range used[source] {
		out = append(out, w.place(warehouse.Field{Source: source, Column: c}))
	}
	return out
}

// columns gives the columns of a source their names in the join. Those that may find no partner are made Nullable.
func (w *statement) columns(used map[int][]int, source int, outer bool) (out []string) {
	for _, c := range used[source] {
		from := field(c)
		if outer {
			from = "toNullable(" + from + ")"
		}
		out = append(out, from+" AS "+w.place(warehouse.Field{Source: source, Column: c}))
	}
	return out
}

func (w *statement) expression(o warehouse.Out) string {
	f := w.place(o.Field)
	switch o.Agg {
	case warehouse.Count:
		if o.Rows {
			return "toInt64(count())"
		}
		return "toInt64(count(" + f + "))"
	case warehouse.CountDistinct:
		return "toInt64(uniqExact(" + f + "))"
	case warehouse.Sum: // 128 bits hold what 64 do not
		if small(o.Field.Type) {
			f = "toDecimal128(" + f + ", 0)"
		}
		return "sum(toNullable(" + f + "))"
	case warehouse.Avg:
		return "avg(toNullable(toFloat64(" + f + ")))"
	case warehouse.Min, warehouse.Max:
		return string(o.Agg) + "(toNullable(" + f + "))"
	}
	return f
}

// signs are the comparisons, opposites what holds where they do not and nothing is NULL.
var (
	signs = map[warehouse.Op]string{warehouse.OpEq: "=", warehouse.OpNe: "<>", warehouse.OpLt: "<", warehouse.OpLe: "<=", warehouse.OpGt: ">", warehouse.OpGe: ">=",
		warehouse.OpIn: "IN"}
	opposites = map[string]string{"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "IN": "NOT IN"}
)

// test writes the condition under which t holds or, with want false, under which its opposite does. Both are false where
// a NULL decides, and neither is ever NULL itself: what becomes of NULL in an IN differs from release to release. It is
// always in brackets or one term.
func (w *statement) test(t warehouse.Test, want bool) {
	switch t.Op {
	case warehouse.OpNot:
		w.test(t.Kids[0], !want)
		return
	case warehouse.OpAnd, warehouse.OpOr:
		and := (t.Op == warehouse.OpAnd) == want
		if len(t.Kids) == 0 {
			w.text.WriteString(map[bool]string{true: "1", false: "0"}[and])
			return
		}
		between := map[bool]string{true: " AND ", false: " OR "}[and]
		for i, kid := range t.Kids {
			w.text.WriteString([]string{"(", between}[min(i, 1)])
			w.test(kid, want)
		}
		w.text.WriteString(")")
		return
	case warehouse.OpIn:
		if len(t.Values) == 0 {
			w.text.WriteString(map[bool]string{true: "0", false: "1"}[want])
			return
		}
	}
	f := w.place(t.Field)
	switch t.Op {
	case warehouse.OpIsNull:
		w.text.WriteString(map[bool]string{true: "isNull(", false: "isNotNull("}[want] + f + ")")
		return
	case warehouse.OpPrefix, warehouse.OpContains:
		w.text.WriteString("(isNotNull(" + f + ") AND " + within(t, f, want) + ")")
		return
	}
	sign := signs[t.Op]
	if !want {
		sign = opposites[sign]
	}
	value := ""
	if t.Op == warehouse.OpIn {
		value = w.values(t.Field.Type, t.Values)
	} else {
		value = literal(t.Field.Type, t.Values[0])
	}
	w.text.WriteString("(isNotNull(" + f + ") AND " + f + " " + sign + " " + value + ")")
}

// within is a look for a text in a text, byte by byte.
func within(t warehouse.Test, f string, want bool) string {
	s := t.Values[0].(string)
	look := "position(" + f + ", " + literal(t.Field.Type, s) + ") > 0"
	switch {
	case s == "":
		look = "1"
	case t.Op == warehouse.OpPrefix:
		look = fmt.Sprintf("substring(%s, 1, %d) = %s", f, len(s), literal(t.Field.Type, s))
	}
	if want {
		return look
	}
	return "NOT (" + look + ")"
}

// values returns what stands after IN: the values, or a sub-select from an external table that holds them.
func (w *statement) values(t warehouse.Type, values []any) string {
	var b strings.Builder
	if len(values) <= few && !(t.Kind == warehouse.KindDecimal && !small(t)) { // a list of wide decimals is misread by 18.16
		for i, v := range values {
			b.WriteString([]string{"(", ", "}[min(i, 1)] + literal(t, v))
		}
		if b.Len() <= short {
			return b.String() + ")"
		}
	}
	name := fmt.Sprintf("l%d", len(w.lists))
	l, err := ext.NewTable(name, ext.Column("v", column.Type(physical(t))))
	for i := 0; err == nil && i < len(values); i++ {
		err = l.Append(given(t, values[i]))
	}
	if err != nil {
		w.err = fmt.Errorf("click: %w", err)
	}
	w.lists = append(w.lists, l)
	return "(SELECT v FROM " + name + ")"
}
