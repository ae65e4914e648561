package scope

import (
	"slices"
	"strings"

	"qushu/internal/base/warehouse"
)

// from writes what stands after FROM; "" for nothing.
func (w *writer) from(n node) string {
	defer w.enter()()
	if w.err != nil || n == nil {
		return ""
	}
	at := n.place()
	switch kind := n.text("type"); kind {
	case "EMPTY", "":
		w.done(n)
		return ""
	case "BASE_TABLE":
		return w.base(n, at)
	case "SUBQUERY":
		text := w.query(n.child("subquery").child("node"))
		return w.named("("+text+")", n, "")
	case "JOIN":
		return w.join(n, at)
	case "EXPRESSION_LIST":
		return w.values(n, at)
	case "TABLE_FUNCTION":
		return w.refuse(at, "warehouse.sql_table_function", n.child("function").text("function_name"))
	case "SHOW_REF":
		return w.refuse(at, "warehouse.sql_one")
	default:
		return w.refuse(at, "warehouse.sql_unknown", kind)
	}
}

// base writes a table: a CTE by the name it has now, or a slot for what may be seen of it.
func (w *writer) base(n node, at int) string {
	name := n.text("table_name")
	for _, outer := range []string{n.text("catalog_name"), n.text("schema_name")} {
		if outer != "" {
			return w.refuse(at, "warehouse.sql_schema", outer+"."+name)
		}
	}
	if strings.ContainsAny(name, `/\.:*?`) {
		return w.refuse(at, "warehouse.sql_file", name)
	}
	version, err := moment(n.child("at_clause"))
	if err {
		return w.refuse(at, "warehouse.sql_at")
	}
	if w.refs++; w.refs > warehouse.MaxSources {
		return w.refuse(at, "warehouse.sql_sources", warehouse.MaxSources)
	}
	if cte, ok := w.env[fold(name)]; ok {
		if !version.Zero() {
			return w.refuse(at, "warehouse.sql_at")
		}
		return w.named(cte, n, name)
	}
	alias, _ := n["alias"].(string)
	if alias == "" {
		alias = name
	}
	i := slices.IndexFunc(w.tables, func(t table) bool { return fold(t.name) == fold(name) && t.at == version })
	if i < 0 {
		i = len(w.tables)
		w.tables = append(w.tables, table{name: name, at: version})
	}
	w.tables[i].aliases = append(w.tables[i].aliases, fold(alias))
	w.local = append(w.local, local{i, fold(alias)})
	if names, _ := n["column_name_alias"].([]any); len(names) > 0 {
		w.tables[i].whole()
	}
	return w.named(slot("t", i), n, name)
}

// named writes the alias of a table, and what its columns are called; fallback is the alias it has by itself.
func (w *writer) named(text string, n node, fallback string) string {
	alias := n.text("alias")
	columns, ok := n.texts("column_name_alias")
	if !ok {
		return w.refuse(-1, "warehouse.sql_unknown", "column_name_alias")
	}
	if alias == "" {
		alias = fallback
	}
	if alias != "" {
		text += " AS " + identifier(alias)
		if len(columns) > 0 {
			text += " (" + identifiers(columns) + ")"
		}
	}
	w.done(n)
	return text
}

func (w *writer) join(n node, at int) string {
	left, right := w.from(n.child("left")), w.from(n.child("right"))
	kind, ref := n.text("join_type"), n.text("ref_type")
	n.flag("delim_flipped")
	using, ok := n.texts("using_columns")
	word, known := joins[kind]
	if kind == "" {
		word, known = joins["INNER"], true
	}
	on := n.take("condition")
	switch {
	case !ok || !known || left == "" || right == "":
		return w.refuse(at, "warehouse.sql_join", kind)
	case ref == "CROSS":
		word, on, using = "CROSS JOIN", nil, nil
	case ref == "NATURAL":
		word, on, using = "NATURAL "+word, nil, nil
		for i := range w.tables { // by whichever columns they share
			w.tables[i].whole()
		}
	case ref != "REGULAR" && ref != "":
		return w.refuse(at, "warehouse.sql_join", ref)
	}
	out := left + " " + word + " " + right
	if on != nil {
		out += " ON " + w.expr(on)
	}
	if len(using) > 0 {
		out += " USING (" + identifiers(using) + ")"
		for _, c := range using {
			w.columns = append(w.columns, column{name: c})
		}
	}
	w.done(n)
	return "(" + out + ")"
}

// values writes a list of rows that stand in the text.
func (w *writer) values(n node, at int) string {
	var rows []string
	for _, v := range n.list("values") {
		row, ok := v.([]any)
		if !ok || len(row) == 0 {
			return w.refuse(at, "warehouse.sql_unknown", "VALUES")
		}
		rows = append(rows, "("+w.exprs(row)+")")
	}
	n.list("expected_names")
	n.list("expected_types")
	return w.named("(VALUES "+strings.Join(rows, ", ")+")", n, "valueslist")
}
