// Package scope reads the tree the engine makes of a reader's SQL and writes it anew, letting through what it knows and
// refusing all else by name. What it writes holds nothing of the text but what it understood: names in quotes, literals,
// the functions of a list, and in the place of each table a slot for what the caller lets the reader see of it.
package scope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/warehouse"
)

// Bounds of a tree.
const (
	maxNodes = 5000
	maxDepth = 100
	maxSets  = 32 // of GROUPING SETS, so that CUBE stays small
)

// Tree is a text that was read and may be run.
type Tree struct {
	Tables []warehouse.Named
	Params []string
	parts  []part
	raw    []byte // as the engine gave it
	source string // the text
}

// part is a piece of the statement: text, a table or a parameter.
type part struct {
	text  string
	table int // index + 1, 0 for none
	param int
	now   string // the type the time is asked as
}

// Write returns the statement with tables and parameters put in; both are called in the order of the text. now is what
// the clock says, as wall time.
func (t *Tree) Write(table, param func(i int) string, now time.Time) string {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.table > 0:
			b.WriteString(table(p.table - 1))
		case p.param > 0:
			b.WriteString(param(p.param - 1))
		case p.now == "DATE":
			b.WriteString("DATE '" + now.Format(time.DateOnly) + "'")
		case p.now != "":
			b.WriteString("TIMESTAMP '" + now.Format("2006-01-02 15:04:05") + "'")
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// Parse reads the engine's answer to json_serialize_sql(text, skip_null, skip_default). What may not be run is Invalid, with
// its place.
func Parse(text string, tree []byte) (*Tree, error) {
	var root node
	if strings.Contains(text, "\x00") || bytes.Contains(tree, []byte(`\u0000`)) { // they mark our slots
		return nil, Refuse(text, -1, "warehouse.sql_syntax", "NUL")
	}
	d := json.NewDecoder(bytes.NewReader(tree))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("scope: %w", err)
	}
	if root.flag("error") {
		return nil, unread(text, root)
	}
	all := root.list("statements")
	if len(all) == 0 {
		return nil, Refuse(text, -1, "warehouse.sql_empty")
	}
	if len(all) > 1 {
		return nil, Refuse(text, -1, "warehouse.sql_one")
	}
	statement, _ := all[0].(map[string]any)
	w := &writer{source: text, growth: 1, env: map[string]string{}}
	out := w.query(node(statement).child("node"))
	if w.err != nil {
		return nil, w.err
	}
	if w.growth > maxGrowth {
		return nil, Refuse(text, -1, "warehouse.sql_growth")
	}
	return &Tree{Tables: w.mentions(), Params: w.params, parts: parts(out), raw: tree, source: text}, nil
}

// unread is the error of a text the engine cannot read, or that is no SELECT.
func unread(text string, root node) error {
	if root.text("error_type") == "not implemented" {
		return Refuse(text, -1, "warehouse.sql_one")
	}
	at, err := strconv.Atoi(root.text("position"))
	if err != nil {
		at = -1
	}
	at = bytesOf(text, at)
	message := root.text("error_message")
	if strings.Contains(message, "at end of input") {
		return Refuse(text, len(text), "warehouse.sql_end")
	}
	if strings.HasPrefix(message, "Max expression depth") {
		return Refuse(text, -1, "warehouse.sql_deep")
	}
	if _, near, ok := strings.Cut(message, `at or near "`); ok {
		return Refuse(text, at, "warehouse.sql_near", strings.TrimSuffix(near, `"`))
	}
	return Refuse(text, at, "warehouse.sql_syntax", message)
}

// bytesOf turns a number of characters, as the engine counts in its messages, into one of bytes, as it counts in its trees.
func bytesOf(text string, characters int) int {
	n := 0
	for at := range text {
		if n == characters {
			return at
		}
		n++
	}
	return min(characters, len(text))
}

// Slots stand in the text between two NULs, which no text the engine reads can hold.
func slot(kind string, i int) string { return "\x00" + kind + strconv.Itoa(i) + "\x00" }

func parts(s string) []part {
	var out []part
	for i, piece := range strings.Split(s, "\x00") {
		if i%2 == 0 {
			if piece != "" {
				out = append(out, part{text: piece})
			}
			continue
		}
		n, _ := strconv.Atoi(piece[1:])
		switch piece[0] {
		case 't':
			out = append(out, part{table: n + 1})
		case 'p':
			out = append(out, part{param: n + 1})
		case 'd':
			out = append(out, part{now: "DATE"})
		default:
			out = append(out, part{now: "TIMESTAMP"})
		}
	}
	return out
}

// writer walks a tree. The first refusal is kept; after it what is written no longer matters.
type writer struct {
	source string
	err    error
	nodes  int
	depth  int
	refs   int // tables in FROM, each time it stands there
	heavy  int
	growth int // of texts, over the whole statement
	add    int // and in the query at hand: lengths added,
	times  int // and multiplied

	env     map[string]string // names of CTEs in sight, folded, to what they are called now
	ctes    int
	tables  []table
	local   []local // tables in the FROM of the SELECT at hand
	columns []column
	params  []string
}

type table struct {
	name    string
	at      warehouse.At
	aliases []string // folded
	all     bool
	except  []string // what every "*" over it leaves out, folded
}

// whole notes that any column of the table may be used, though the text names none of them so.
func (t *table) whole() { t.all, t.except = true, nil }

// local is one table where it stands.
type local struct {
	table int
	alias string // folded
}

// column is a name that stands where a column's may.
type column struct{ of, name string }

func (w *writer) refuse(at int, key string, args ...any) string {
	if w.err == nil {
		w.err = Refuse(w.source, at, key, args...)
	}
	return ""
}

// enter counts a node; leave it by the function returned.
func (w *writer) enter() func() {
	w.nodes++
	w.depth++
	if w.nodes > maxNodes || w.depth > maxDepth {
		w.refuse(-1, "warehouse.sql_deep")
	}
	return func() { w.depth-- }
}

// done refuses what of a node was not taken and is not empty.
func (w *writer) done(n node) {
	at := n.place()
	delete(n, "query_location")
	for name, v := range n {
		switch v := v.(type) {
		case []any:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		case string:
			if v == "" {
				continue
			}
		}
		w.refuse(at, "warehouse.sql_unknown", name)
	}
}

// mentions tells the names that may be columns of each table.
func (w *writer) mentions() []warehouse.Named {
	out := make([]warehouse.Named, len(w.tables))
	for i, t := range w.tables {
		if slices.ContainsFunc(w.columns, func(c column) bool { return c.of == "" && slices.Contains(t.aliases, fold(c.name)) }) {
			t.whole() // the name of a table stands for its row
		}
		out[i].Name, out[i].At, out[i].All, out[i].Except = t.name, t.at, t.all, t.except
		for _, c := range w.columns {
			switch {
			case c.of != "" && !slices.Contains(t.aliases, fold(c.of)):
			case !slices.Contains(out[i].Columns, c.name):
				out[i].Columns = append(out[i].Columns, c.name)
			}
		}
	}
	return out
}

// query writes a SELECT or a set operation, without brackets around it.
func (w *writer) query(n node) string {
	defer w.enter()()
	if w.err != nil {
		return ""
	}
	outer := w.env
	add, times := w.add, w.times
	w.add, w.times = 1, 1
	w.env = map[string]string{}
	for k, v := range outer {
		w.env[k] = v
	}
	kind := n.text("type")
	out := w.with(n.child("cte_map"))
	switch kind {
	case "SELECT_NODE":
		out += w.selects(n)
	case "SET_OPERATION_NODE":
		out += w.sets(n)
	case "RECURSIVE_CTE_NODE":
		return w.refuse(-1, "warehouse.sql_recursive")
	default:
		return w.refuse(-1, "warehouse.sql_unknown", kind)
	}
	out += w.modifiers(n.list("modifiers"))
	w.done(n)
	w.growth = min(w.growth*w.add*w.times, maxGrowth+1)
	w.env, w.add, w.times = outer, add, times
	return out
}

// with writes the CTEs of a query and brings their names in sight, each after its own text.
func (w *writer) with(n node) string {
	var all []string
	for _, v := range n.list("map") {
		entry, _ := v.(map[string]any)
		one := node(entry)
		name, body := one.text("key"), one.child("value")
		body.text("materialized")
		aliases, _ := body.texts("aliases")
		text := w.query(body.child("query").child("node"))
		w.done(body)
		w.ctes++
		as := "w" + strconv.Itoa(w.ctes)
		w.env[fold(name)] = as
		if len(aliases) > 0 {
			as += " (" + identifiers(aliases) + ")"
		}
		all = append(all, as+" AS ("+text+")")
	}
	w.done(n)
	if len(all) == 0 {
		return ""
	}
	return "WITH " + strings.Join(all, ", ") + " "
}

func (w *writer) selects(n node) string {
	outer := w.local
	w.local = nil
	defer func() { w.local = outer }()
	distinct := w.distinct(n)
	from := w.from(n.child("from_table")) // first, so that tables stand in the order of FROM
	var items []string
	for _, v := range n.list("select_list") {
		items = append(items, w.item(v))
	}
	out := "SELECT " + distinct + strings.Join(items, ", ")
	if from != "" {
		out += " FROM " + from
	}
	if v := n.take("where_clause"); v != nil {
		out += " WHERE " + w.expr(v)
	}
	out += w.group(n)
	if v := n.take("having"); v != nil {
		out += " HAVING " + w.expr(v)
	}
	if v := n.take("qualify"); v != nil {
		out += " QUALIFY " + w.expr(v)
	}
	return out
}

// distinct takes DISTINCT from among the modifiers: it stands first.
func (w *writer) distinct(n node) string {
	all, _ := n["modifiers"].([]any)
	for i, v := range all {
		one, _ := v.(map[string]any)
		if one["type"] != "DISTINCT_MODIFIER" {
			continue
		}
		n["modifiers"] = slices.Delete(slices.Clone(all), i, i+1)
		m := node(one)
		m.text("type")
		on := w.exprs(m.list("distinct_on_targets"))
		w.done(m)
		if on == "" {
			return "DISTINCT "
		}
		return "DISTINCT ON (" + on + ") "
	}
	return ""
}

func (w *writer) item(v any) string {
	m, _ := v.(map[string]any)
	alias := node(m).text("alias")
	text := w.expr(v)
	if alias != "" {
		text += " AS " + identifier(alias)
	}
	return text
}

func (w *writer) group(n node) string {
	by := n.list("group_expressions")
	sets := n.list("group_sets")
	switch handling := n.text("aggregate_handling"); handling {
	case "", "STANDARD_HANDLING":
	case "FORCE_AGGREGATES":
		if len(by) == 0 {
			return " GROUP BY ALL"
		}
	default:
		return w.refuse(-1, "warehouse.sql_unknown", handling)
	}
	if len(by) == 0 && len(sets) == 0 {
		return ""
	}
	texts := make([]string, len(by))
	for i, v := range by {
		texts[i] = w.expr(v)
	}
	if len(sets) > maxSets {
		return w.refuse(-1, "warehouse.sql_sets", maxSets)
	}
	var written []string
	for _, v := range sets {
		set, _ := v.([]any)
		var in []string
		for _, place := range set {
			number, _ := place.(json.Number)
			i, err := strconv.Atoi(number.String())
			if err != nil || i < 0 || i >= len(texts) {
				return w.refuse(-1, "warehouse.sql_unknown", "group_sets")
			}
			in = append(in, texts[i])
		}
		written = append(written, strings.Join(in, ", "))
	}
	if len(written) == 1 && written[0] != "" {
		return " GROUP BY " + written[0]
	}
	return " GROUP BY GROUPING SETS ((" + strings.Join(written, "), (") + "))"
}

var setOperations = map[string]string{"UNION": "UNION", "UNION_BY_NAME": "UNION", "EXCEPT": "EXCEPT", "INTERSECT": "INTERSECT"}

func (w *writer) sets(n node) string {
	kind := n.text("setop_type")
	word, ok := setOperations[kind]
	if !ok {
		return w.refuse(-1, "warehouse.sql_unknown", kind)
	}
	if all, said := n.take("setop_all").(bool); all || !said { // the engine leaves out what is true
		word += " ALL"
	}
	if kind == "UNION_BY_NAME" {
		word += " BY NAME"
	}
	sides := []any{n.take("left"), n.take("right")}
	if all := n.list("children"); all != nil {
		sides = all
	}
	if len(sides) > maxSets {
		return w.refuse(-1, "warehouse.sql_deep")
	}
	var out []string
	for _, p := range sides {
		q, ok := p.(map[string]any)
		if !ok {
			return w.refuse(-1, "warehouse.sql_unknown", kind)
		}
		out = append(out, "("+w.query(q)+")")
	}
	return strings.Join(out, " "+word+" ")
}

func (w *writer) modifiers(all []any) string {
	out := ""
	for _, v := range all {
		one, _ := v.(map[string]any)
		m := node(one)
		switch kind := m.text("type"); kind {
		case "ORDER_MODIFIER":
			if by := w.orders(m.list("orders")); by != "" {
				out += " ORDER BY " + by
			}
		case "LIMIT_MODIFIER":
			if limit := m.take("limit"); limit != nil {
				out += " LIMIT " + w.expr(limit)
			}
			if offset := m.take("offset"); offset != nil {
				out += " OFFSET " + w.expr(offset)
			}
		default:
			return w.refuse(-1, "warehouse.sql_unknown", strings.TrimSuffix(kind, "_MODIFIER"))
		}
		w.done(m)
	}
	return out
}

var directions = map[string]string{"ASCENDING": " ASC", "DESCENDING": " DESC", "ORDER_DEFAULT": "", "": ""}
var nulls = map[string]string{"NULLS FIRST": " NULLS FIRST", "NULLS LAST": " NULLS LAST", "ORDER_DEFAULT": "", "": ""}

func (w *writer) orders(all []any) string {
	var out []string
	for _, v := range all {
		one, _ := v.(map[string]any)
		o := node(one)
		dir, known := directions[o.text("type")]
		null, also := nulls[o.text("null_order")]
		if !known || !also {
			return w.refuse(-1, "warehouse.sql_unknown", "ORDER BY")
		}
		out = append(out, w.expr(o.take("expression"))+dir+null)
		w.done(o)
	}
	return strings.Join(out, ", ")
}
