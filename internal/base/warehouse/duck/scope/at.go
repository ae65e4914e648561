package scope

import (
	"bytes"
	"encoding/json"
	"time"

	"qushu/internal/base/warehouse"
)

// moment reads which version of a table is meant: a whole number from 1, a day or a moment in civil time, each as it stands in
// the text and nothing to be worked out. A day is its first moment.
func moment(n node) (at warehouse.At, wrong bool) {
	if len(n) == 0 {
		return at, false
	}
	unit, expr := n.text("unit"), n.child("expr")
	if len(n) > 0 {
		return at, true
	}
	if expr.text("class") == "CAST" { // DATE '2023-05-01'
		expr = expr.child("child")
		expr.take("class")
	}
	v := expr.child("value").take("value")
	switch unit {
	case "VERSION":
		number, ok := v.(json.Number)
		i, err := number.Int64()
		return warehouse.At{Number: i}, !ok || err != nil || i < 1
	case "TIMESTAMP":
		s, _ := v.(string)
		for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime} {
			if t, err := time.ParseInLocation(layout, s, warehouse.Zone()); err == nil {
				return warehouse.At{Time: t}, false
			}
		}
	}
	return at, true
}

// atOf is moment of a tree that has been let through.
func atOf(n map[string]any) warehouse.At {
	b, err := json.Marshal(kid(n, "at_clause")) // moment takes what it has read out of a node: it reads a copy
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var own node
	if err != nil || d.Decode(&own) != nil {
		return warehouse.At{}
	}
	at, _ := moment(own)
	return at
}
