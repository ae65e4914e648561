package scope

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// node is one object of the engine's tree. Every field is taken by name; what is left over is something this package does
// not know, and refuses.
type node map[string]any

// place is where a node stands in the text, -1 when the engine does not say.
func (n node) place() int {
	v, _ := n["query_location"].(json.Number)
	if at, err := strconv.Atoi(v.String()); err == nil {
		return at
	}
	return -1
}

func (n node) take(name string) any {
	v := n[name]
	delete(n, name)
	return v
}

func (n node) text(name string) string {
	s, _ := n.take(name).(string)
	return s
}

func (n node) flag(name string) bool {
	b, _ := n.take(name).(bool)
	return b
}

func (n node) child(name string) node {
	m, _ := n.take(name).(map[string]any)
	return m
}

func (n node) list(name string) []any {
	l, _ := n.take(name).([]any)
	return l
}

// texts is a list of texts; ok is false when something else stands in it.
func (n node) texts(name string) (out []string, ok bool) {
	for _, v := range n.list(name) {
		s, isText := v.(string)
		if !isText {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// names makes a set of the words of a text.
func names(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(text) {
		out[w] = true
	}
	return out
}

// identifier writes a name so that it is read as that name and nothing else.
func identifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func identifiers(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = identifier(s)
	}
	return strings.Join(out, ", ")
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// fold is how the engine compares names: by ASCII letters.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Refuse is the error of a text that may not be run; at is the byte it is about, -1 for the whole.
func Refuse(text string, at int, key string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = Short(s)
		}
	}
	err := errs.New(errs.Invalid, key, args...)
	if at < 0 || at > len(text) {
		return err
	}
	before := text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return err.With(errs.Field{Row: line, Name: "sql", Key: "warehouse.sql_place", Args: []any{line, column}})
}

// Short cuts what a reader wrote to what a message may hold of it.
func Short(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
