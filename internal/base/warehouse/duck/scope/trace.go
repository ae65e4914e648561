package scope

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/warehouse"
)

// Trace tells where the columns of the answer come from when the tables of the text have columns of these names. It walks
// the tree Parse has let through; what it cannot tell apart it takes for a source, so that it names too many rather than
// too few.
func (t *Tree) Trace(tables [][]string) (*warehouse.Trace, error) {
	var root struct {
		Statements []struct{ Node map[string]any }
	}
	if err := json.Unmarshal(t.raw, &root); err != nil || len(root.Statements) != 1 {
		return nil, fmt.Errorf("scope: a tree that was read is gone: %w", err)
	}
	w := &tracer{names: t.Tables, columns: tables}
	r := w.query(root.Statements[0].Node, map[string]result{}, nil)
	out := &warehouse.Trace{Outputs: make([]warehouse.Output, len(r.cols)), Conditions: r.conds.sorted()}
	for i, c := range r.cols {
		out.Outputs[i] = warehouse.Output{Name: c.name, How: ways[c.how], From: c.from.sorted()}
	}
	return out, nil
}

var ways = [...]warehouse.How{warehouse.Copied, warehouse.Derived, warehouse.Aggregated}

// places in ways.
const (
	copied = iota
	derived
	aggregated
)

// sources is a set of columns of tables.
type sources map[warehouse.Origin]bool

func (s sources) add(all ...sources) {
	for _, one := range all {
		maps.Copy(s, one)
	}
}

func (s sources) sorted() []warehouse.Origin {
	out := slices.Collect(maps.Keys(s))
	slices.SortFunc(out, func(a, b warehouse.Origin) int {
		if a.Table != b.Table {
			return a.Table - b.Table
		}
		return strings.Compare(a.Column, b.Column)
	})
	return out
}

// field is a column of something on the way.
type field struct {
	name string // "" where only the engine knows it
	how  int
	from sources

	col    *warehouse.Column // the column kept otherwise than plain whose values it holds, for a binder
	within *warehouse.Column // one that is among what it is made of
	node   map[string]any    // the literal it is
}

func (f *field) take(o field) {
	if f.within == nil {
		f.within = cmp.Or(o.col, o.within)
	}
	f.how = max(f.how, o.how)
	f.from.add(o.from)
}

// result is what a query gives, and what decided about its rows.
type result struct {
	cols  []field
	conds sources
}

// relation is something in FROM.
type relation struct {
	alias  string // folded
	cols   []field
	hidden map[string]bool // columns "*" leaves out, being those of USING
}

func (r *relation) column(name string) (field, bool) {
	i := slices.IndexFunc(r.cols, func(c field) bool { return c.name != "" && fold(c.name) == name })
	if i < 0 {
		return field{}, false
	}
	return r.cols[i], true
}

// frame is the FROM of one SELECT, within that of another.
type frame struct {
	outer   *frame
	rels    []*relation
	merged  map[string]field // columns of USING, folded
	aliases []field          // of the select list so far
}

// tracer walks one tree.
type tracer struct {
	names   []warehouse.Named
	columns [][]string
}

// sight is what an expression sees.
type sight struct {
	env   map[string]result // CTEs, folded
	frame *frame
	conds sources
}

func kid(m map[string]any, name string) map[string]any { k, _ := m[name].(map[string]any); return k }
func kids(m map[string]any, name string) []any         { k, _ := m[name].([]any); return k }
func word(m map[string]any, name string) string        { s, _ := m[name].(string); return s }
func words(m map[string]any, name string) (out []string) {
	for _, v := range kids(m, name) {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func rename(cols []field, aliases []string) []field {
	out := slices.Clone(cols)
	for i, a := range aliases {
		if i < len(out) {
			out[i].name = a
		}
	}
	return out
}

func (w *tracer) query(n map[string]any, env map[string]result, outer *frame) result {
	env = maps.Clone(env)
	for _, v := range kids(kid(n, "cte_map"), "map") {
		entry, _ := v.(map[string]any)
		body := kid(entry, "value")
		r := w.query(kid(kid(body, "query"), "node"), env, outer)
		r.cols = rename(r.cols, words(body, "aliases"))
		env[fold(word(entry, "key"))] = r
	}
	if word(n, "type") == "SET_OPERATION_NODE" {
		return w.sets(n, env, outer)
	}
	return w.selects(n, env, outer)
}

func (w *tracer) selects(n map[string]any, env map[string]result, outer *frame) result {
	f := &frame{outer: outer, merged: map[string]field{}}
	s := sight{env, f, sources{}}
	w.from(kid(n, "from_table"), s)
	var out []field
	for _, v := range kids(n, "select_list") {
		m, _ := v.(map[string]any)
		if word(m, "class") == "STAR" {
			out = append(out, f.star(word(m, "relation_name"), words(m, "exclude_list"))...)
			continue
		}
		c := w.expr(m, s)
		if alias := word(m, "alias"); alias != "" {
			c.name = alias
		}
		out = append(out, c)
		f.aliases = append(f.aliases, c)
	}
	for _, part := range []string{"where_clause", "having", "qualify"} {
		w.gather(n[part], s, &field{from: s.conds})
	}
	w.gather(n["group_expressions"], s, &field{from: s.conds})
	w.modifiers(n, out, s)
	return result{out, s.conds}
}

func (w *tracer) sets(n map[string]any, env map[string]result, outer *frame) result {
	sides := []any{n["left"], n["right"]}
	if all := kids(n, "children"); all != nil {
		sides = all
	}
	kind := word(n, "setop_type")
	out := result{conds: sources{}}
	for i, v := range sides {
		side, _ := v.(map[string]any)
		r := w.query(side, env, outer)
		out.conds.add(r.conds)
		for j, c := range r.cols {
			at := j
			if kind == "UNION_BY_NAME" {
				at = slices.IndexFunc(out.cols, func(o field) bool { return fold(o.name) == fold(c.name) })
			}
			switch {
			case i > 0 && !strings.HasPrefix(kind, "UNION"): // rows of EXCEPT and INTERSECT only decide
				out.conds.add(c.from)
			case at < 0 || at >= len(out.cols):
				out.cols = append(out.cols, field{name: c.name, how: c.how, from: maps.Clone(c.from)})
			default:
				out.cols[at].take(c)
			}
		}
	}
	w.modifiers(n, out.cols, sight{env, &frame{outer: outer, aliases: out.cols}, out.conds})
	return out
}

// modifiers adds what decides about rows when only some are given.
func (w *tracer) modifiers(n map[string]any, out []field, s sight) {
	all := kids(n, "modifiers")
	kind := func(v any) string { m, _ := v.(map[string]any); return word(m, "type") }
	limited := slices.ContainsFunc(all, func(v any) bool { return kind(v) == "LIMIT_MODIFIER" })
	for _, v := range all {
		m, _ := v.(map[string]any)
		switch kind(v) {
		case "DISTINCT_MODIFIER":
			w.gather(m["distinct_on_targets"], s, &field{from: s.conds})
		case "ORDER_MODIFIER":
			if !limited {
				continue
			}
			for _, o := range kids(m, "orders") {
				by, _ := o.(map[string]any)
				e := kid(by, "expression")
				if at, ok := ordinal(e); ok && at >= 1 && at <= len(out) {
					s.conds.add(out[at-1].from)
					continue
				}
				w.gather(e, s, &field{from: s.conds})
			}
		}
	}
}

// ordinal is the number an order names a column of the answer by.
func ordinal(e map[string]any) (int, bool) {
	if word(e, "class") != "CONSTANT" {
		return 0, false
	}
	n, err := strconv.Atoi(fmt.Sprint(kid(e, "value")["value"]))
	return n, err == nil
}

// add puts what stands at n in FROM into the frame, under its alias or else its name.
func (f *frame) add(n map[string]any, name string, cols []field) []*relation {
	if alias := word(n, "alias"); alias != "" {
		name = alias
	}
	r := &relation{alias: fold(name), cols: rename(cols, words(n, "column_name_alias")), hidden: map[string]bool{}}
	f.rels = append(f.rels, r)
	return []*relation{r}
}

// from adds what stands in FROM to the frame, and returns it.
func (w *tracer) from(n map[string]any, s sight) []*relation {
	f := s.frame
	switch word(n, "type") {
	case "BASE_TABLE":
		name := word(n, "table_name")
		if cte, ok := s.env[fold(name)]; ok {
			s.conds.add(cte.conds)
			return f.add(n, name, cte.cols)
		}
		return f.add(n, name, w.table(name, atOf(n)))
	case "SUBQUERY":
		r := w.query(kid(kid(n, "subquery"), "node"), s.env, f)
		s.conds.add(r.conds)
		return f.add(n, "", r.cols)
	case "JOIN":
		return w.join(n, s)
	case "EXPRESSION_LIST":
		var cols []field
		for _, v := range kids(n, "values") {
			row, _ := v.([]any)
			for i, e := range row {
				if i == len(cols) {
					cols = append(cols, field{name: "col" + strconv.Itoa(i), how: derived, from: sources{}})
				}
				w.gather(e, s, &cols[i])
			}
		}
		return f.add(n, "valueslist", cols)
	}
	return nil
}

// place is where a table that is no CTE stands among those of the text: a name may stand there in several versions.
func (w *tracer) place(name string, at warehouse.At) int {
	return slices.IndexFunc(w.names, func(t warehouse.Named) bool { return fold(t.Name) == fold(name) && t.At == at })
}

// table is a table that is no CTE.
func (w *tracer) table(name string, at warehouse.At) []field {
	i := w.place(name, at)
	if i < 0 || i >= len(w.columns) {
		return nil
	}
	out := make([]field, len(w.columns[i]))
	for j, c := range w.columns[i] {
		out[j] = field{name: c, how: copied, from: sources{{Table: i, Column: c}: true}}
	}
	return out
}

func (w *tracer) join(n map[string]any, s sight) []*relation {
	left := w.from(kid(n, "left"), s)
	before := len(s.frame.rels)
	right := w.from(kid(n, "right"), s)
	s.frame.using(n, left, right, func(name string, l, r field) field {
		s.conds.add(l.from, r.from)
		both := field{name: name, how: max(l.how, r.how), from: maps.Clone(l.from)}
		both.from.add(r.from)
		return both
	})
	w.gather(n["condition"], s, &field{from: s.conds})
	return s.frame.joined(n, left, right, before)
}

// using merges the columns two sides of a join share by USING or NATURAL.
func (f *frame) using(n map[string]any, left, right []*relation, merge func(name string, l, r field) field) {
	using := words(n, "using_columns")
	if word(n, "ref_type") == "NATURAL" {
		using = common(left, right)
	}
	for _, name := range using {
		key := fold(name)
		l, ok := f.merged[key]
		if !ok {
			l, ok = lookup(left, key)
		}
		r, also := lookup(right, key)
		if !ok || !also {
			continue
		}
		f.merged[key] = merge(name, l, r)
		for _, one := range right {
			one.hidden[key] = true
		}
	}
}

// joined is what a join gives. Of a side that only decides about rows nothing can be named; it stands in the frame after before.
func (f *frame) joined(n map[string]any, left, right []*relation, before int) []*relation {
	if kind := word(n, "join_type"); kind == "SEMI" || kind == "ANTI" {
		f.rels = f.rels[:before]
		return left
	}
	return append(slices.Clone(left), right...)
}

func lookup(rels []*relation, name string) (field, bool) {
	for _, r := range rels {
		if c, ok := r.column(name); ok && !r.hidden[name] {
			return c, true
		}
	}
	return field{}, false
}

// common are the names two sides of a NATURAL join share.
func common(left, right []*relation) []string {
	var out []string
	for _, r := range right {
		for _, c := range r.cols {
			if _, ok := lookup(left, fold(c.name)); ok && c.name != "" {
				out = append(out, c.name)
			}
		}
	}
	return out
}

// star are the columns "*" stands for.
func (f *frame) star(of string, without []string) []field {
	var out []field
	seen := map[string]bool{} // merged columns already given
	for _, r := range f.rels {
		if of != "" && fold(of) != r.alias {
			continue
		}
		for _, c := range r.cols {
			name := fold(c.name)
			if c.name != "" && slices.ContainsFunc(without, func(o string) bool { return fold(o) == name }) || of == "" && r.hidden[name] {
				continue
			}
			if m, ok := f.merged[name]; ok && of == "" && !seen[name] {
				seen[name], c = true, m
			}
			out = append(out, c)
		}
	}
	return out
}

// expr is what one expression is made of.
func (w *tracer) expr(m map[string]any, s sight) field {
	if word(m, "class") == "COLUMN_REF" {
		c := w.resolve(words(m, "column_names"), s.frame)
		if path := words(m, "column_names"); len(path) > 0 {
			c.name = path[len(path)-1]
		}
		return c
	}
	out := field{how: derived, from: sources{}}
	w.gather(m, s, &out)
	return out
}

// gather adds every column below v.
func (w *tracer) gather(v any, s sight, to *field) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			w.gather(one, s, to)
		}
	case map[string]any:
		switch word(v, "class") {
		case "COLUMN_REF":
			to.take(w.resolve(words(v, "column_names"), s.frame))
			return
		case "STAR":
			for _, c := range s.frame.star(word(v, "relation_name"), words(v, "exclude_list")) {
				to.take(c)
			}
			return
		case "CONSTANT":
			return
		case "SUBQUERY":
			r := w.query(kid(kid(v, "subquery"), "node"), s.env, s.frame)
			s.conds.add(r.conds)
			for _, c := range r.cols {
				to.take(c)
			}
			w.gather(v["child"], s, to)
			return
		case "FUNCTION":
			if name := fold(word(v, "function_name")); aggregates[name] || heavy[name] {
				to.how = aggregated
			}
		case "WINDOW":
			if word(v, "type") == "WINDOW_AGGREGATE" {
				to.how = aggregated
			}
		}
		for _, one := range v {
			w.gather(one, s, to)
		}
	}
}

// resolve finds the column a name means: in the nearest FROM, among the names given in the select list, then further out.
func (w *tracer) resolve(path []string, f *frame) field {
	for ; f != nil && len(path) > 0; f = f.outer {
		if len(path) == 2 {
			for _, r := range f.rels {
				if r.alias != fold(path[0]) {
					continue
				}
				if c, ok := r.column(fold(path[1])); ok {
					return c
				}
				if c, ok := unnamed(r); ok {
					return c
				}
			}
		}
		if c, ok := f.find(fold(path[0])); ok {
			return c
		}
	}
	return field{how: copied, from: sources{}}
}

func (f *frame) find(name string) (field, bool) {
	if c, ok := f.merged[name]; ok {
		return c, true
	}
	if c, ok := lookup(f.rels, name); ok {
		return c, true
	}
	for i := len(f.aliases) - 1; i >= 0; i-- {
		if fold(f.aliases[i].name) == name {
			return f.aliases[i], true
		}
	}
	for _, r := range f.rels { // a whole row
		if r.alias == name {
			all := field{how: derived, from: sources{}}
			for _, c := range r.cols {
				all.take(c)
			}
			return all, true
		}
	}
	for _, r := range f.rels {
		if c, ok := unnamed(r); ok {
			return c, true
		}
	}
	return field{}, false
}

// unnamed are the columns of a relation only the engine has a name for, taken together.
func unnamed(r *relation) (field, bool) {
	out, found := field{how: derived, from: sources{}}, false
	for _, c := range r.cols {
		if c.name == "" {
			out.take(c)
			found = true
		}
	}
	return out, found
}
