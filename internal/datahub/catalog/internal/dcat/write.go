package dcat

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// JSONLD writes the catalogue as JSON-LD 1.1.
func (c *Catalog) JSONLD(w io.Writer) error {
	context := map[string]any{}
	for _, p := range prefixes {
		context[p[0]] = p[1]
	}
	graph := []any{}
	for _, n := range c.graph() {
		graph = append(graph, n.object())
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(map[string]any{"@context": context, "@graph": graph})
}

func (n *node) object() map[string]any {
	out := map[string]any{"@type": n.types}
	if n.iri != "" {
		out["@id"] = escapeIRI(n.iri)
	}
	for _, p := range n.says {
		have, _ := out[p.name].([]any)
		for _, v := range p.values {
			have = append(have, v.object())
		}
		out[p.name] = have
	}
	return out
}

func (v value) object() any {
	switch {
	case v.node != nil:
		return v.node.object()
	case v.iri != "":
		return map[string]any{"@id": escapeIRI(v.iri)}
	case v.lang != "":
		return map[string]any{"@value": v.text, "@language": v.lang}
	case v.datatype != "":
		return map[string]any{"@value": v.text, "@type": v.datatype}
	}
	return map[string]any{"@value": v.text}
}

// Turtle writes the catalogue as RDF 1.1 Turtle.
func (c *Catalog) Turtle(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, p := range prefixes {
		fmt.Fprintf(out, "@prefix %s: <%s> .\n", p[0], p[1])
	}
	for _, n := range c.graph() {
		fmt.Fprintf(out, "\n<%s>", escapeIRI(n.iri))
		n.turtle(out, 1)
		fmt.Fprint(out, " .\n")
	}
	return out.Flush()
}

// turtle writes what is said of a node.
func (n *node) turtle(w io.Writer, depth int) {
	indent := "\n" + strings.Repeat("  ", depth)
	fmt.Fprintf(w, " a %s", strings.Join(n.types, ", "))
	for _, p := range n.says {
		fmt.Fprintf(w, " ;%s%s ", indent, p.name)
		for i, v := range p.values {
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			v.turtle(w, depth)
		}
	}
}

func (v value) turtle(w io.Writer, depth int) {
	switch {
	case v.node != nil:
		fmt.Fprint(w, "[")
		v.node.turtle(w, depth+1)
		fmt.Fprint(w, " ]")
	case v.iri != "":
		fmt.Fprintf(w, "<%s>", escapeIRI(v.iri))
	case v.lang != "":
		fmt.Fprintf(w, `"%s"@%s`, escape(v.text), v.lang)
	case v.datatype != "":
		fmt.Fprintf(w, `"%s"^^%s`, escape(v.text), v.datatype)
	default:
		fmt.Fprintf(w, `"%s"`, escape(v.text))
	}
}

// escape writes a text inside quotes (Turtle §6.4).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}

// escapeIRI writes what an IRI may not hold as percent-encoded.
func escapeIRI(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r <= ' ' || slices.Contains([]rune("<>\"{}|^`\\"), r) {
			fmt.Fprintf(&b, "%%%02X", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
