package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"

	"qushu/internal/base/web"
)

// MaxBytes is the largest declaration.
const MaxBytes = 1 << 20

// Finding is one thing that is wrong with a declaration, with a text key.
type Finding struct {
	Path string // "fields[3].show"
	Line int    // of the YAML, 0 where there is none
	Key  string
	Args []any
}

// Source is a declaration as it was written.
type Source struct{ root *yaml.Node }

// Schema is the JSON Schema of a declaration.
type Schema struct {
	reg huma.Registry
	top *huma.Schema
}

// NewSchema makes the schema from the types of this package.
func NewSchema() *Schema {
	reg := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	return &Schema{reg, reg.Schema(reflect.TypeFor[App](), true, "App")}
}

// MarshalJSON writes the schema to be published.
func (s *Schema) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Qushu application", "$ref": s.top.Ref, "$defs": s.reg.Map()})
}

// Parse reads a declaration. When it does not fit the schema, what is wrong is named and the application is nil.
func (s *Schema) Parse(text []byte) (*App, *Source, []Finding) {
	if len(text) > MaxBytes {
		return nil, nil, []Finding{{Key: "forms.f_large", Args: []any{MaxBytes >> 10}}}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil || len(doc.Content) != 1 {
		return nil, nil, []Finding{syntax(err)}
	}
	src := &Source{doc.Content[0]}
	var more yaml.Node
	if d.Decode(&more) == nil {
		return nil, src, []Finding{{Line: more.Line, Key: "forms.f_two"}}
	}
	w := &walker{}
	plain := w.value(src.root, "")
	if len(w.bad) > 0 {
		return nil, src, w.bad
	}
	app, bad := s.read(plain)
	for i := range bad {
		bad[i].Line = src.Line(bad[i].Path)
	}
	return app, src, bad
}

// ParseJSON reads a declaration that a browser drew.
func (s *Schema) ParseJSON(text []byte) (*App, []Finding) {
	if len(text) > MaxBytes {
		return nil, []Finding{{Key: "forms.f_large", Args: []any{MaxBytes >> 10}}}
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, []Finding{{Key: "forms.f_json"}}
	}
	return s.read(plain)
}

// read fits a plain value to the schema. It takes the way over JSON, so that numbers are what JSON makes of them.
func (s *Schema) read(plain any) (*App, []Finding) {
	b, err := json.Marshal(plain)
	if err == nil {
		err = json.Unmarshal(b, &plain)
	}
	if err != nil {
		return nil, []Finding{{Key: "forms.f_json"}}
	}
	res := &huma.ValidateResult{}
	huma.Validate(s.reg, s.top, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, plain, res)
	var bad []Finding
	for _, e := range res.Errors {
		var d huma.ErrorDetailer
		if !errors.As(e, &d) {
			continue
		}
		det := d.ErrorDetail()
		f := web.Explain(det.Location, det.Message)
		bad = append(bad, Finding{Path: indexed(f.Name), Key: f.Key, Args: f.Args})
	}
	if len(bad) > 0 {
		return nil, bad
	}
	var app App
	if err := json.Unmarshal(b, &app); err != nil {
		return nil, []Finding{{Key: "forms.f_json"}}
	}
	return &app, nil
}

// YAML writes a declaration as YAML.
func YAML(a *App) ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	var node yaml.Node // JSON is YAML; its order of keys is kept
	if err := yaml.Unmarshal(b, &node); err != nil {
		return nil, err
	}
	loose(&node)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err = errors.Join(e.Encode(&node), e.Close())
	return out.Bytes(), err
}

// loose takes JSON's braces and quotes out; pairs of words stay on one line.
func loose(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.MappingNode && len(n.Content) <= 4 && len(n.Content) > 0 && n.Content[0].Value == "zh" {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		loose(c)
	}
}

// indexed writes huma's "fields.3.show" or "fields[3].show" the second way.
func indexed(path string) string {
	parts := strings.Split(path, ".")
	var b strings.Builder
	for i, p := range parts {
		if _, err := strconv.Atoi(p); err == nil && i > 0 {
			b.WriteString("[" + p + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

var lineOf = regexp.MustCompile(`line (\d+)`)

func syntax(err error) Finding {
	f := Finding{Key: "forms.f_yaml"}
	if err != nil {
		if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
			f.Line, _ = strconv.Atoi(m[1])
		}
	}
	return f
}

// walker makes a plain value of a tree. Anchors are refused: they can make much of little. So are keys that stand twice.
type walker struct {
	bad   []Finding
	depth int
}

func (w *walker) value(n *yaml.Node, path string) any {
	if w.depth++; w.depth > 40 {
		w.bad = append(w.bad, Finding{path, n.Line, "forms.f_deep", nil})
		return nil
	}
	defer func() { w.depth-- }()
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			at := strings.TrimPrefix(path+"."+k.Value, ".")
			if _, twice := out[k.Value]; twice {
				w.bad = append(w.bad, Finding{at, k.Line, "forms.f_twice", []any{k.Value}})
			}
			out[k.Value] = w.value(n.Content[i+1], at)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = w.value(c, fmt.Sprintf("%s[%d]", path, i))
		}
		return out
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			w.bad = append(w.bad, Finding{path, n.Line, "forms.f_yaml", nil})
			return nil
		}
		switch v.(type) {
		case nil, bool, string, int, int64, uint64, float64:
			return v
		}
		return n.Value // a date is a text
	}
	w.bad = append(w.bad, Finding{path, n.Line, "forms.f_anchor", nil})
	return nil
}

// Line returns where a path stands, the nearest thing around it when it does not, 0 without a source.
func (s *Source) Line(path string) int {
	if s == nil || s.root == nil {
		return 0
	}
	n, line := s.root, s.root.Line
	for _, p := range steps(path) {
		next, at := child(n, p)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// child returns what is below n under a key or number, and the line on which that begins.
func child(n *yaml.Node, name string) (*yaml.Node, int) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	}
	return nil, 0
}
