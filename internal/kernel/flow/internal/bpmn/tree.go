package bpmn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"qushu/internal/base/errs"
)

// Bounds of a file.
const (
	maxSize     = 2 << 20
	maxDepth    = 64
	maxElements = 40_000
	maxNodes    = 500
	maxFlows    = 1500
)

// element is one XML element with its namespace resolved, whatever prefix the file gives it.
type element struct {
	space, name string
	attrs       []xml.Attr
	kids        []*element
	text        string // character data, trimmed
}

// attr returns an attribute without a namespace.
func (e *element) attr(name string) string { return e.in("", name) }

// own returns an attribute of our namespace.
func (e *element) own(name string) string { return e.in(OwnNS, name) }

func (e *element) in(space, name string) string {
	for _, a := range e.attrs {
		if a.Name.Space == space && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// is reports whether the element is one of BPMN's of that name.
func (e *element) is(name string) bool { return e.space == ModelNS && e.name == name }

// kid returns the first child of BPMN's of that name, nil when there is none.
func (e *element) kid(name string) *element {
	for _, k := range e.kids {
		if k.is(name) {
			return k
		}
	}
	return nil
}

// say returns the text of a child of BPMN's, "" when there is none.
func (e *element) say(name string) string {
	if k := e.kid(name); k != nil {
		return k.text
	}
	return ""
}

// tree reads a file into memory within the bounds. There are no entities but XML's five: a document type is refused.
func tree(src []byte) (*element, error) {
	if len(src) > maxSize {
		return nil, errs.New(errs.Invalid, "flow.bpmn_too_big", maxSize>>20)
	}
	d := xml.NewDecoder(bytes.NewReader(src))
	var root *element
	var open []*element
	var texts []*strings.Builder
	count := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, _ := d.InputPos()
			return nil, errs.Wrap(err, errs.Invalid, "flow.bpmn_not_xml", line)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, errs.New(errs.Invalid, "flow.bpmn_doctype")
		case xml.StartElement:
			if count++; count > maxElements || len(open) >= maxDepth || len(t.Attr) > 200 {
				return nil, errs.New(errs.Invalid, "flow.bpmn_too_deep")
			}
			e := &element{space: t.Name.Space, name: t.Name.Local, attrs: t.Copy().Attr}
			if len(open) > 0 {
				up := open[len(open)-1]
				up.kids = append(up.kids, e)
			} else if root == nil {
				root = e
			}
			open, texts = append(open, e), append(texts, &strings.Builder{})
		case xml.EndElement:
			last := len(open) - 1
			open[last].text = strings.TrimSpace(texts[last].String())
			open, texts = open[:last], texts[:last]
		case xml.CharData:
			if len(texts) > 0 {
				texts[len(texts)-1].Write(t)
			}
		}
	}
	if root == nil {
		return nil, errs.New(errs.Invalid, "flow.bpmn_not_xml", 1)
	}
	if !root.is("definitions") {
		return nil, errs.New(errs.Invalid, "flow.bpmn_not_bpmn")
	}
	return root, nil
}
