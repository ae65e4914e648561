package scope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"qushu/internal/base/warehouse"
)

// Bind readies a tree for tables with these columns, some of which are sealed or hashed: see warehouse.Reader. It walks the
// tree Parse has let through and knows of every expression which such column's values it holds, if any. Where one is compared for
// equality with a literal or a parameter, that is replaced by what stands for it on disk; where it is only counted, grouped,
// joined with its like or passed on, nothing is changed; everything else would see texts that mean nothing, and is refused.
func (t *Tree) Bind(tables [][]warehouse.Column, args map[string]any, seal func(c warehouse.Column, value string) (string, error)) (*Tree, []warehouse.Column, error) {
	var root map[string]any
	d := json.NewDecoder(bytes.NewReader(t.raw))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, nil, fmt.Errorf("scope: a tree that was read is gone: %w", err)
	}
	all := kids(root, "statements")
	if len(all) != 1 {
		return nil, nil, fmt.Errorf("scope: a tree of %d statements", len(all))
	}
	statement, _ := all[0].(map[string]any)
	b := &binder{tracer: tracer{names: t.Tables}, text: t.source, tables: tables, args: args, seal: seal}
	out := b.query(kid(statement, "node"), map[string]result{}, nil)
	if b.err != nil {
		return nil, nil, b.err
	}
	cols, some := make([]warehouse.Column, len(out)), false
	for i, f := range out {
		if f.within != nil {
			return nil, nil, b.refuse(nil, f.within, "ROW")
		}
		if f.col != nil {
			cols[i], some = *f.col, true
		}
	}
	if !b.touched && !some {
		return nil, nil, nil
	}
	if !b.touched {
		return t, cols, nil
	}
	raw, err := json.Marshal(root)
	if err != nil {
		return nil, nil, err
	}
	bound, err := Parse(t.source, raw)
	return bound, cols, err
}

// binder walks one tree and changes it. The first refusal is kept.
type binder struct {
	tracer
	text    string
	tables  [][]warehouse.Column
	args    map[string]any
	seal    func(c warehouse.Column, value string) (string, error)
	err     error
	touched bool // a literal was replaced
}

// value is what an expression holds: values of a kept column, a literal that may become one, or anything else.
type value struct {
	col     *warehouse.Column
	literal map[string]any
}

// refuse says that an operation cannot be done on a kept column.
func (b *binder) refuse(n map[string]any, c *warehouse.Column, what string) error {
	return b.wrong(n, "warehouse.sealed_sql", c.Called(), what)
}

func (b *binder) wrong(n map[string]any, key string, args ...any) error {
	if b.err == nil {
		b.err = Refuse(b.text, node(n).place(), key, args...)
	}
	return b.err
}

// plain refuses a value that would have to be seen.
func (b *binder) plain(v value, n map[string]any, what string) {
	if v.col != nil {
		b.refuse(n, v.col, what)
	}
}

// alike makes values comparable: literals become what stands for them on disk. It returns the column they are of.
func (b *binder) alike(n map[string]any, what string, all ...value) *warehouse.Column {
	i := slices.IndexFunc(all, func(v value) bool { return v.col != nil })
	if i < 0 {
		return nil
	}
	col := all[i].col
	for _, v := range all {
		switch {
		case v.col != nil && !v.col.Comparable(*col):
			if v.col.Keep == col.Keep && v.col.Realm == col.Realm {
				b.wrong(n, "warehouse.sealed_keys", col.Called(), v.col.Called())
			} else {
				b.wrong(n, "warehouse.sealed_join", col.Called(), v.col.Called())
			}
		case v.col != nil:
		case v.literal != nil:
			b.put(v.literal, col)
		default:
			b.wrong(n, "warehouse.sealed_mix", col.Called(), what)
		}
	}
	return col
}

// put replaces a literal, or a parameter, by what stands for it in a column.
func (b *binder) put(n map[string]any, col *warehouse.Column) {
	text := ""
	if word(n, "class") == "PARAMETER" {
		v, ok := b.args[word(n, "identifier")]
		if !ok { // nobody asks for rows yet, or whoever runs it says what is missing
			return
		}
		if text = warehouse.Format(v); v == nil {
			return
		}
	} else {
		v := kid(n, "value")
		id := word(kid(v, "type"), "id")
		switch x := v["value"].(type) {
		case string:
			text = x
		case json.Number:
			text = x.String()
		}
		if null, _ := v["is_null"].(bool); null || id == "NULL" || id == "SQLNULL" {
			return
		}
		if id != "VARCHAR" && !strings.HasSuffix(id, "INT") && id != "INTEGER" {
			b.wrong(n, "warehouse.sealed_mix", col.Called(), id)
			return
		}
		if whole, ok := integer(v["value"]); ok && id != "VARCHAR" {
			text = whole.String()
		}
	}
	sealed, err := b.seal(*col, text)
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return
	}
	b.touched = true
	maps.DeleteFunc(n, func(k string, _ any) bool { return k != "query_location" && k != "alias" })
	n["class"], n["type"] = "CONSTANT", "VALUE_CONSTANT"
	n["value"] = map[string]any{"type": map[string]any{"id": "VARCHAR"}, "is_null": false, "value": sealed}
}

func (b *binder) query(n map[string]any, env map[string]result, outer *frame) []field {
	env = maps.Clone(env)
	for _, v := range kids(kid(n, "cte_map"), "map") {
		entry, _ := v.(map[string]any)
		body := kid(entry, "value")
		cols := b.query(kid(kid(body, "query"), "node"), env, outer)
		env[fold(word(entry, "key"))] = result{cols: rename(settled(cols), words(body, "aliases"))}
	}
	if word(n, "type") == "SET_OPERATION_NODE" {
		return b.sets(n, env, outer)
	}
	return b.selects(n, env, outer)
}

// settled are columns whose literals stay what they are.
func settled(cols []field) []field {
	out := slices.Clone(cols)
	for i := range out {
		out[i].node = nil
	}
	return out
}

func (b *binder) selects(n map[string]any, env map[string]result, outer *frame) []field {
	f := &frame{outer: outer, merged: map[string]field{}}
	s := sight{env: env, frame: f}
	b.from(kid(n, "from_table"), s)
	var out []field
	for _, v := range kids(n, "select_list") {
		m, _ := v.(map[string]any)
		if word(m, "class") == "STAR" {
			out = append(out, f.star(word(m, "relation_name"), words(m, "exclude_list"))...)
			continue
		}
		got := b.expr(m, s)
		c := field{name: word(m, "alias"), col: got.col, node: got.literal}
		if path := words(m, "column_names"); c.name == "" && word(m, "class") == "COLUMN_REF" && len(path) > 0 {
			c.name = path[len(path)-1]
		}
		out = append(out, c)
		c.node = nil
		f.aliases = append(f.aliases, c)
	}
	for _, part := range []string{"where_clause", "having", "qualify"} {
		b.condition(n[part], s)
	}
	b.each(n["group_expressions"], s)
	b.modifiers(n, out, s)
	return out
}

// condition is what holds or does not.
func (b *binder) condition(v any, s sight) {
	if m, ok := v.(map[string]any); ok {
		b.plain(b.expr(m, s), m, "WHERE")
	}
}

func (b *binder) each(v any, s sight) []value {
	all, _ := v.([]any)
	out := make([]value, len(all))
	for i, one := range all {
		m, _ := one.(map[string]any)
		out[i] = b.expr(m, s)
	}
	return out
}

func (b *binder) sets(n map[string]any, env map[string]result, outer *frame) []field {
	sides := []any{n["left"], n["right"]}
	if all := kids(n, "children"); all != nil {
		sides = all
	}
	var out []field
	var values [][]value
	for _, v := range sides {
		side, _ := v.(map[string]any)
		for j, c := range b.query(side, env, outer) {
			at := j
			if word(n, "setop_type") == "UNION_BY_NAME" {
				at = slices.IndexFunc(out, func(o field) bool { return fold(o.name) == fold(c.name) })
			}
			if at < 0 || at >= len(out) {
				out, values, at = append(out, c), append(values, nil), len(out)
			}
			values[at] = append(values[at], value{c.col, c.node})
		}
	}
	for i := range out {
		out[i].col, out[i].node = b.alike(nil, strings.TrimSuffix(word(n, "setop_type"), "_BY_NAME"), values[i]...), nil
	}
	b.modifiers(n, out, sight{env: env, frame: &frame{outer: outer, aliases: out}})
	return out
}

func (b *binder) modifiers(n map[string]any, out []field, s sight) {
	for _, v := range kids(n, "modifiers") {
		m, _ := v.(map[string]any)
		switch word(m, "type") {
		case "DISTINCT_MODIFIER":
			b.each(m["distinct_on_targets"], s)
		case "ORDER_MODIFIER":
			b.orders(m["orders"], out, s)
		}
	}
}

// orders refuses to sort by what has no order; out is what a number or a name may mean.
func (b *binder) orders(v any, out []field, s sight) {
	all, _ := v.([]any)
	for _, o := range all {
		by, _ := o.(map[string]any)
		e := kid(by, "expression")
		if at, ok := ordinal(e); ok {
			if at >= 1 && at <= len(out) {
				b.plain(value{col: out[at-1].col}, e, "ORDER BY")
			}
			continue
		}
		if path := words(e, "column_names"); len(path) == 1 && word(e, "class") == "COLUMN_REF" {
			if i := slices.IndexFunc(out, func(f field) bool { return fold(f.name) == fold(path[0]) }); i >= 0 {
				b.plain(value{col: out[i].col}, e, "ORDER BY")
				continue
			}
		}
		b.plain(b.expr(e, s), e, "ORDER BY")
	}
}

func (b *binder) from(n map[string]any, s sight) []*relation {
	f := s.frame
	switch word(n, "type") {
	case "BASE_TABLE":
		name := word(n, "table_name")
		if cte, ok := s.env[fold(name)]; ok {
			return f.add(n, name, cte.cols)
		}
		return f.add(n, name, b.table(name, atOf(n)))
	case "SUBQUERY":
		return f.add(n, "", settled(b.query(kid(kid(n, "subquery"), "node"), s.env, f)))
	case "JOIN":
		return b.join(n, s)
	case "EXPRESSION_LIST":
		var cols []field
		for _, v := range kids(n, "values") {
			for i, e := range b.each(v, s) {
				b.plain(e, n, "VALUES")
				if i == len(cols) {
					cols = append(cols, field{name: fmt.Sprintf("col%d", i)})
				}
			}
		}
		return f.add(n, "valueslist", cols)
	}
	return nil
}

func (b *binder) table(name string, at warehouse.At) []field {
	i := b.place(name, at)
	if i < 0 || i >= len(b.tables) {
		return nil
	}
	out := make([]field, len(b.tables[i]))
	for j := range b.tables[i] {
		c := &b.tables[i][j]
		if out[j].name = c.Name; c.Keep != warehouse.Plain {
			out[j].col = c
		}
	}
	return out
}

func (b *binder) join(n map[string]any, s sight) []*relation {
	left := b.from(kid(n, "left"), s)
	before := len(s.frame.rels)
	right := b.from(kid(n, "right"), s)
	s.frame.using(n, left, right, func(name string, l, r field) field {
		return field{name: name, col: b.alike(n, "USING", value{col: l.col}, value{col: r.col})}
	})
	b.condition(n["condition"], s)
	return s.frame.joined(n, left, right, before)
}

// blind are functions that count values without looking at them; passing hand on values of their first argument.
var (
	blind   = names(`count count_star approx_count_distinct`)
	passing = names(`any_value first last arg_min arg_max max_by min_by first_value last_value lead lag nth_value`)
	either  = names(`nullif ifnull`)
	spoken  = map[string]string{"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}
)

// expr tells what an expression holds.
func (b *binder) expr(m map[string]any, s sight) value {
	if m == nil || b.err != nil {
		return value{}
	}
	kind := word(m, "type")
	switch word(m, "class") {
	case "COLUMN_REF":
		f := b.resolve(words(m, "column_names"), s.frame)
		if f.within != nil {
			b.refuse(m, f.within, "ROW")
		}
		return value{col: f.col}
	case "CONSTANT", "PARAMETER":
		return value{literal: m}
	case "STAR":
		for _, c := range s.frame.star(word(m, "relation_name"), words(m, "exclude_list")) {
			b.plain(value{col: c.col}, m, "*")
		}
		return value{}
	case "FUNCTION":
		return b.function(m, s)
	case "WINDOW":
		return b.window(m, kind, s)
	case "COMPARISON":
		l, r := b.expr(kid(m, "left"), s), b.expr(kid(m, "right"), s)
		return b.compare(m, kind, l, r)
	case "OPERATOR":
		return b.operator(m, kind, s)
	case "CASE":
		return b.cases(m, s)
	case "CAST":
		v := b.expr(kid(m, "child"), s)
		if word(kid(m, "cast_type"), "id") != "VARCHAR" {
			b.plain(v, m, "CAST")
			return value{}
		}
		return v
	case "SUBQUERY":
		return b.subquery(m, s)
	case "CONJUNCTION":
		for _, v := range b.each(m["children"], s) {
			b.plain(v, m, "AND")
		}
	case "BETWEEN":
		for _, part := range []string{"input", "lower", "upper"} {
			b.plain(b.expr(kid(m, part), s), m, "BETWEEN")
		}
	}
	return value{}
}

var equalities = names(`COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM`)

func (b *binder) compare(m map[string]any, kind string, l, r value) value {
	if equalities[kind] {
		b.alike(m, comparisons[kind], l, r)
		return value{}
	}
	b.plain(l, m, comparisons[kind])
	b.plain(r, m, comparisons[kind])
	return value{}
}

func (b *binder) operator(m map[string]any, kind string, s sight) value {
	all := b.each(m["children"], s)
	switch kind {
	case "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL":
		return value{}
	case "OPERATOR_COALESCE":
		return value{col: b.alike(m, "coalesce", all...)}
	case "COMPARE_IN", "COMPARE_NOT_IN":
		b.alike(m, "IN", all...)
		return value{}
	}
	for _, v := range all {
		b.plain(v, m, strings.TrimPrefix(kind, "OPERATOR_"))
	}
	return value{}
}

func (b *binder) cases(m map[string]any, s sight) value {
	var all []value
	for _, v := range kids(m, "case_checks") {
		check, _ := v.(map[string]any)
		b.condition(check["when_expr"], s)
		all = append(all, b.expr(kid(check, "then_expr"), s))
	}
	if e := kid(m, "else_expr"); e != nil {
		all = append(all, b.expr(e, s))
	}
	return value{col: b.alike(m, "CASE", all...)}
}

func (b *binder) subquery(m map[string]any, s sight) value {
	cols := b.query(kid(kid(m, "subquery"), "node"), s.env, s.frame)
	var first value
	if len(cols) > 0 {
		first = value{cols[0].col, cols[0].node}
	}
	switch word(m, "subquery_type") {
	case "SCALAR":
		return value{col: first.col}
	case "ANY":
		return b.compare(m, word(m, "comparison_type"), b.expr(kid(m, "child"), s), first)
	}
	return value{}
}

func (b *binder) function(m map[string]any, s sight) value {
	name := fold(word(m, "function_name"))
	args := b.each(m["children"], s)
	b.condition(m["filter"], s)
	b.orders(kid(m, "order_bys")["orders"], nil, s)
	return b.call(m, name, args)
}

// call tells what a function gives of its arguments.
func (b *binder) call(m map[string]any, name string, args []value) value {
	switch {
	case blind[name]:
		return value{}
	case either[name]:
		return value{col: b.alike(m, name, args...)}
	case passing[name] && len(args) > 0:
		for _, v := range args[1:] {
			b.plain(v, m, name)
		}
		return value{col: args[0].col}
	}
	if word := spoken[name]; word != "" {
		name = word
	}
	for _, v := range args {
		b.plain(v, m, name)
	}
	return value{}
}

func (b *binder) window(m map[string]any, kind string, s sight) value {
	name := fold(word(m, "function_name"))
	if known := windows[kind]; known != "" {
		name = known
	}
	args := b.each(m["children"], s)
	for _, more := range []string{"offset_expr", "start_expr", "end_expr"} {
		b.plain(b.expr(kid(m, more), s), m, name)
	}
	b.condition(m["filter_expr"], s)
	b.each(m["partitions"], s)
	b.orders(m["orders"], nil, s)
	out := b.call(m, name, args)
	if e := kid(m, "default_expr"); e != nil {
		out.col = b.alike(m, name, out, b.expr(e, s))
	}
	return out
}
