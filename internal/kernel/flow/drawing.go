package flow

import (
	"qushu/internal/base/errs"
	"qushu/internal/kernel/flow/internal/bpmn"
)

// ReadXML reads a drawing as BPMN 2.0 XML. What is not supported is named by its element; what is dropped without harm is not an error.
func ReadXML(src []byte) (*Process, error) {
	p, found, err := bpmn.Parse(src)
	if err != nil {
		return nil, err
	}
	bad := errs.New(errs.Invalid, "flow.bad_drawing", 0)
	for _, b := range found {
		if b.Kind == bpmn.Error {
			bad = bad.With(errs.Field{Name: b.Element, Key: b.Key, Args: b.Args})
		}
	}
	if n := len(bad.Fields); n > 0 {
		bad.Args = []any{n}
		return nil, bad
	}
	return p, nil
}
