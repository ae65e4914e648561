package scope

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/warehouse"
)

func (w *writer) exprs(all []any) string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = w.expr(v)
	}
	return strings.Join(out, ", ")
}

// expr writes an expression: one term, in brackets where it needs them.
func (w *writer) expr(v any) string {
	defer w.enter()()
	m, ok := v.(map[string]any)
	if !ok {
		return w.refuse(-1, "warehouse.sql_unknown", "expression")
	}
	if w.err != nil {
		return ""
	}
	n := node(m)
	at := n.place()
	n.text("alias")
	class, kind := n.text("class"), n.text("type")
	var out string
	switch class {
	case "COLUMN_REF":
		out = w.column(n, at)
	case "CONSTANT":
		out = w.constant(n.child("value"), at)
	case "FUNCTION":
		out = w.function(n, at)
	case "WINDOW":
		out = w.window(n, kind, at)
	case "OPERATOR":
		out = w.operator(n, kind, at)
	case "COMPARISON":
		sign, known := comparisons[kind]
		if !known {
			return w.refuse(at, "warehouse.sql_unknown", kind)
		}
		out = "(" + w.expr(n.take("left")) + " " + sign + " " + w.expr(n.take("right")) + ")"
	case "CONJUNCTION":
		out = w.conjunction(n, kind, at)
	case "BETWEEN":
		out = "(" + w.expr(n.take("input")) + " BETWEEN " + w.expr(n.take("lower")) + " AND " + w.expr(n.take("upper")) + ")"
	case "CASE":
		out = w.cases(n)
	case "CAST":
		out = w.cast(n, at)
	case "SUBQUERY":
		out = w.subquery(n, at)
	case "STAR":
		out = w.star(n, at)
	case "PARAMETER":
		out = w.parameter(n, at)
	default:
		return w.refuse(at, "warehouse.sql_unknown", class)
	}
	w.done(n)
	return out
}

func (w *writer) column(n node, at int) string {
	path, ok := n.texts("column_names")
	switch {
	case !ok || len(path) == 0 || len(path) > 2:
		return w.refuse(at, "warehouse.sql_schema", strings.Join(path, "."))
	case len(path) == 1:
		if kind, ok := clock[fold(path[0])]; ok {
			return w.clock(kind)
		}
		w.columns = append(w.columns, column{name: path[0]})
		return identifier(path[0])
	}
	w.columns = append(w.columns, column{of: path[0], name: path[1]})
	return identifier(path[0]) + "." + identifier(path[1])
}

func (w *writer) clock(kind string) string {
	if kind == "DATE" {
		return slot("d", 0)
	}
	return slot("n", 0)
}

func (w *writer) star(n node, at int) string {
	if n.flag("columns") {
		return w.refuse(at, "warehouse.sql_star")
	}
	of := n.text("relation_name")
	without, ok := n.texts("exclude_list")
	if !ok {
		return w.refuse(at, "warehouse.sql_star")
	}
	for _, l := range w.local {
		if of == "" || fold(of) == l.alias {
			w.tables[l.table].star(without)
		}
	}
	out := "*"
	if of != "" {
		out = identifier(of) + ".*"
	}
	if len(without) > 0 {
		out += " EXCLUDE (" + identifiers(without) + ")"
	}
	return out
}

// star notes that all columns but some were asked for.
func (t *table) star(without []string) {
	left := func(c string) bool { return slices.ContainsFunc(without, func(o string) bool { return fold(o) == c }) }
	if t.all {
		t.except = slices.DeleteFunc(t.except, func(c string) bool { return !left(c) })
		return
	}
	t.all = true
	for _, c := range without {
		t.except = append(t.except, fold(c))
	}
}

var paramName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]{0,39}$`)

func (w *writer) parameter(n node, at int) string {
	name := n.text("identifier")
	if !paramName.MatchString(name) {
		return w.refuse(at, "warehouse.sql_param", name)
	}
	i := slices.Index(w.params, name)
	if i < 0 {
		i = len(w.params)
		w.params = append(w.params, name)
	}
	return slot("p", i)
}

// constant writes a literal.
func (w *writer) constant(n node, at int) string {
	kind := n.child("type")
	id, info := kind.text("id"), kind.child("type_info")
	v := n.take("value")
	if n.flag("is_null") || id == "NULL" || id == "SQLNULL" {
		return "NULL"
	}
	switch id {
	case "VARCHAR":
		s, _ := v.(string)
		return literal(s)
	case "BOOLEAN":
		if b, _ := v.(bool); b {
			return "TRUE"
		}
		return "FALSE"
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "UBIGINT", "UINTEGER":
		whole, ok := integer(v)
		if !ok {
			break
		}
		scale := 0
		if id == "DECIMAL" {
			number, _ := info.take("scale").(json.Number)
			scale, _ = strconv.Atoi(number.String())
		}
		out := string(warehouse.FromUnscaled(whole, scale))
		if out[0] == '-' {
			out = "(" + out + ")"
		}
		return out
	case "DOUBLE", "FLOAT":
		if number, ok := v.(json.Number); ok {
			if f, err := number.Float64(); err == nil {
				return "(" + strconv.FormatFloat(f, 'e', -1, 64) + ")"
			}
		}
	}
	return w.refuse(at, "warehouse.sql_type", id)
}

// integer reads a number as the tree has it: as it is or in two halves, and 0 as nothing at all.
func integer(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case nil:
		return new(big.Int), true
	case json.Number:
		return new(big.Int).SetString(v.String(), 10)
	case map[string]any:
		high, ok1 := integer(v["upper"])
		low, ok2 := integer(v["lower"])
		if ok1 && ok2 {
			return high.Lsh(high, 64).Add(high, low), true
		}
	}
	return nil, false
}

func (w *writer) conjunction(n node, kind string, at int) string {
	word := strings.TrimPrefix(kind, "CONJUNCTION_")
	if word != "AND" && word != "OR" {
		return w.refuse(at, "warehouse.sql_unknown", kind)
	}
	var all []string
	for _, v := range n.list("children") {
		all = append(all, w.expr(v))
	}
	return "(" + strings.Join(all, " "+word+" ") + ")"
}

func (w *writer) operator(n node, kind string, at int) string {
	all := n.list("children")
	one := len(all) == 1
	switch {
	case kind == "OPERATOR_NOT" && one:
		return "(NOT " + w.expr(all[0]) + ")"
	case kind == "OPERATOR_IS_NULL" && one:
		return "(" + w.expr(all[0]) + " IS NULL)"
	case kind == "OPERATOR_IS_NOT_NULL" && one:
		return "(" + w.expr(all[0]) + " IS NOT NULL)"
	case kind == "OPERATOR_COALESCE" && len(all) > 0:
		return "coalesce(" + w.exprs(all) + ")"
	case kind == "COMPARE_IN" && len(all) > 1:
		return "(" + w.expr(all[0]) + " IN (" + w.exprs(all[1:]) + "))"
	case kind == "COMPARE_NOT_IN" && len(all) > 1:
		return "(" + w.expr(all[0]) + " NOT IN (" + w.exprs(all[1:]) + "))"
	}
	return w.refuse(at, "warehouse.sql_unknown", strings.TrimPrefix(kind, "OPERATOR_"))
}

func (w *writer) cases(n node) string {
	out := "CASE"
	for _, v := range n.list("case_checks") {
		m, _ := v.(map[string]any)
		check := node(m)
		out += " WHEN " + w.expr(check.take("when_expr")) + " THEN " + w.expr(check.take("then_expr"))
		w.done(check)
	}
	if v := n.take("else_expr"); v != nil {
		out += " ELSE " + w.expr(v)
	}
	return "(" + out + " END)"
}

func (w *writer) cast(n node, at int) string {
	to := n.child("cast_type")
	id, info := to.text("id"), to.child("type_info")
	name := id
	switch {
	case id == "DECIMAL":
		width, ok1 := integer(info.take("width"))
		scale, ok2 := integer(info.take("scale"))
		if !ok1 || !ok2 || width.Sign() <= 0 {
			return w.refuse(at, "warehouse.sql_type", id)
		}
		name = "DECIMAL(" + width.String() + "," + scale.String() + ")"
	case !types[id]:
		if s := info.text("name"); s != "" {
			id = s
		}
		return w.refuse(at, "warehouse.sql_type", id)
	}
	word := "CAST("
	if n.flag("try_cast") {
		word = "TRY_CAST("
	}
	return word + w.expr(n.take("child")) + " AS " + name + ")"
}

func (w *writer) subquery(n node, at int) string {
	kind, sign := n.text("subquery_type"), n.text("comparison_type")
	text := "(" + w.query(n.child("subquery").child("node")) + ")"
	switch kind {
	case "SCALAR":
		return text
	case "EXISTS":
		return "(EXISTS " + text + ")"
	case "NOT_EXISTS":
		return "(NOT EXISTS " + text + ")"
	case "ANY":
		word, ok := comparisons[sign]
		if !ok {
			break
		}
		return "(" + w.expr(n.take("child")) + " " + word + " ANY " + text + ")"
	}
	return w.refuse(at, "warehouse.sql_unknown", kind)
}

func (w *writer) function(n node, at int) string {
	name, schema := fold(n.text("function_name")), n.text("schema")
	sign, distinct := n.flag("is_operator"), n.flag("distinct")
	children := n.list("children")
	filter := n.take("filter")
	order := n.child("order_bys")
	order.text("type")
	by := order.list("orders")
	switch {
	case schema != "" && schema != "main" || n.text("catalog") != "":
		return w.refuse(at, "warehouse.sql_schema", schema+"."+name)
	case n.flag("export_state"):
		return w.refuse(at, "warehouse.sql_unknown", "EXPORT_STATE")
	case clock[name] != "" && len(children) == 0:
		return w.clock(clock[name])
	case operators[name] && (sign || name == "~" || name == "!~"):
		return w.signed(name, children, at)
	}
	aggregate := aggregates[name] || heavy[name]
	if !aggregate && !scalars[name] {
		return w.refuse(at, "warehouse.sql_function", name)
	}
	if !aggregate && (distinct || filter != nil || len(by) > 0) {
		return w.refuse(at, "warehouse.sql_function", name)
	}
	w.bounded(name, children, at)
	args := w.exprs(children)
	if distinct {
		args = "DISTINCT " + args
	}
	if len(by) > 0 {
		args += " ORDER BY " + w.orders(by)
	}
	out := name + "(" + args + ")"
	if filter != nil {
		out += " FILTER (WHERE " + w.expr(filter) + ")"
	}
	return out
}

// signed writes an operator between its operands, or before the one.
func (w *writer) signed(name string, children []any, at int) string {
	w.bounded(name, children, at)
	switch len(children) {
	case 1:
		if name != "-" && name != "+" {
			return w.refuse(at, "warehouse.sql_function", name)
		}
		return "(" + name + " " + w.expr(children[0]) + ")"
	case 2:
		return "(" + w.expr(children[0]) + " " + name + " " + w.expr(children[1]) + ")"
	}
	return w.refuse(at, "warehouse.sql_function", name)
}

// bounded counts what a call adds to the length of texts, and refuses arguments that must stand in the text and do not.
func (w *writer) bounded(name string, children []any, at int) {
	if heavy[name] {
		if w.heavy++; w.heavy > 1 {
			w.refuse(at, "warehouse.sql_heavy", name)
		}
	}
	for i, most := range constant[name] {
		if i < len(children) && !plain(children[i], most) {
			w.refuse(at, "warehouse.sql_constant", name, i+1, most)
		}
	}
	switch name {
	case "||", "concat":
		w.add += max(0, len(children)-1)
	case "concat_ws":
		w.add += 2 * max(0, len(children)-1)
	case "replace", "regexp_replace":
		if len(children) > 2 {
			w.times = min(w.times*(1+length(children[2])), maxGrowth+1)
		}
	}
	w.add = min(w.add, maxGrowth+1)
}

// plain reports whether an argument stands in the text and is no longer, or larger, than most.
func plain(v any, most int) bool {
	m, _ := v.(map[string]any)
	if m["class"] != "CONSTANT" {
		return false
	}
	value, _ := m["value"].(map[string]any)
	switch x := value["value"].(type) {
	case string:
		return utf8.RuneCountInString(x) <= most
	case json.Number:
		kind, _ := value["type"].(map[string]any)
		if kind["id"] == "DECIMAL" { // unscaled: quantiles are between 0 and 1
			return len(x) <= 9
		}
		f, err := x.Float64()
		return err == nil && f >= 0 && f <= float64(most)
	case nil:
		return true
	}
	return false
}

// length is that of a text in the text.
func length(v any) int {
	m, _ := v.(map[string]any)
	value, _ := m["value"].(map[string]any)
	s, _ := value["value"].(string)
	return utf8.RuneCountInString(s)
}

// bounds of a window's frame, by the engine's words.
var bounds = map[string]string{
	"UNBOUNDED_PRECEDING": "UNBOUNDED PRECEDING", "UNBOUNDED_FOLLOWING": "UNBOUNDED FOLLOWING",
	"CURRENT_ROW_RANGE": "CURRENT ROW", "CURRENT_ROW_ROWS": "CURRENT ROW",
	"EXPR_PRECEDING_ROWS": "PRECEDING", "EXPR_FOLLOWING_ROWS": "FOLLOWING",
}

func (w *writer) window(n node, kind string, at int) string {
	name := fold(n.text("function_name"))
	if n.text("schema") != "" || n.text("catalog") != "" {
		return w.refuse(at, "warehouse.sql_function", name)
	}
	switch known := windows[kind]; {
	case known != "":
		name = known
	case kind != "WINDOW_AGGREGATE" || !aggregates[name]:
		return w.refuse(at, "warehouse.sql_function", name)
	}
	args := n.list("children")
	for _, more := range []string{"offset_expr", "default_expr"} {
		if v := n.take(more); v != nil {
			args = append(args, v)
		}
	}
	text := w.exprs(args)
	if n.flag("distinct") {
		text = "DISTINCT " + text
	}
	if n.flag("ignore_nulls") {
		text += " IGNORE NULLS"
	}
	out := name + "(" + text + ")"
	if v := n.take("filter_expr"); v != nil {
		out += " FILTER (WHERE " + w.expr(v) + ")"
	}
	over := ""
	if by := w.exprs(n.list("partitions")); by != "" {
		over = "PARTITION BY " + by + " "
	}
	if by := w.orders(n.list("orders")); by != "" {
		over += "ORDER BY " + by + " "
	}
	return "(" + out + " OVER (" + over + w.frame(n, at) + "))"
}

// frame writes which rows a window function looks at.
func (w *writer) frame(n node, at int) string {
	start, end := n.text("start"), n.text("end")
	if exclude := n.text("exclude_clause"); exclude != "" && exclude != "NO_OTHER" {
		return w.refuse(at, "warehouse.sql_unknown", exclude)
	}
	if start == "" || start == "UNBOUNDED_PRECEDING" && (end == "" || end == "CURRENT_ROW_RANGE") {
		return ""
	}
	mode := "RANGE"
	if strings.HasSuffix(start, "_ROWS") || strings.HasSuffix(end, "_ROWS") {
		mode = "ROWS"
	}
	from, ok1 := bounds[start]
	to, ok2 := bounds[end]
	if !ok1 || !ok2 {
		return w.refuse(at, "warehouse.sql_unknown", start)
	}
	if v := n.take("start_expr"); v != nil {
		from = w.expr(v) + " " + from
	}
	if v := n.take("end_expr"); v != nil {
		to = w.expr(v) + " " + to
	}
	return mode + " BETWEEN " + from + " AND " + to
}
