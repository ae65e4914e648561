package bpmn

import (
	"errors"
	"slices"

	"qushu/internal/base/errs"
)

// Grade says what a finding means for the drawing.
type Grade string

// The grades.
const (
	Error   Grade = "error"   // it cannot be published so
	Warning Grade = "warning" // it runs, but look at it
	Dropped Grade = "dropped" // something of the file was not taken over, and it runs without
)

// Finding is one thing to say about one element, in words of the catalogue.
type Finding struct {
	Element string `json:"element"` // id, that of the process for what concerns all of it
	Name    string `json:"name,omitempty"`
	Kind    Grade  `json:"kind"`
	Key     string `json:"key"`
	Args    []any  `json:"args,omitempty"`
	Cause   error  `json:"-"` // what was said about an expression
}

// Text is the finding in words, without the element.
func (f Finding) Text(c *errs.Catalog, lang string) string {
	text := c.Text(lang, f.Key, f.Args...)
	if e, ok := errors.AsType[*errs.Error](f.Cause); ok {
		return text + " " + c.Text(lang, e.Key, e.Args...)
	}
	if f.Cause != nil {
		return text + " " + f.Cause.Error()
	}
	return text
}

// Bad reports whether a finding forbids to publish.
func Bad(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.Kind == Error })
}

// Read takes a file in: parsed, drawn where it has no diagram, and checked. expr says what is wrong with an expression.
func Read(xml []byte, expr func(src string) error) (*Process, []Finding, error) {
	p, out, err := Parse(xml)
	if err != nil {
		return nil, nil, err
	}
	if !p.Drawn() {
		Layout(p)
	}
	for _, f := range Check(p, expr) {
		if !slices.ContainsFunc(out, func(o Finding) bool { return o.Element == f.Element && o.Key == f.Key }) {
			out = append(out, f)
		}
	}
	return p, out, nil
}

// Drawn reports whether every node has a place.
func (p *Process) Drawn() bool {
	for _, n := range p.Nodes {
		if _, ok := p.Shapes[n.ID]; !ok {
			return false
		}
	}
	return true
}
