package profile

import (
	"fmt"
	"math"
	"testing"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

func TestProfile(t *testing.T) {
	text := warehouse.Type{Kind: warehouse.KindText}
	p := New([]dataset.Column{{Name: "id", Type: text, Kind: codes.KindID, Masked: true}, {Name: "street", Type: text}, {Name: "n", Type: warehouse.Type{Kind: warehouse.KindInteger}}})
	const rows = 50_000
	for i := range rows {
		var n any = int64(i % 1000)
		if i%10 == 0 {
			n = nil
		}
		p.Add([]any{fmt.Sprintf("42019919850615%04d", i), []string{"关山街道", "洪山街道", "天兴乡"}[i%3], n})
	}
	got := p.Done()
	id, street, n := got[0], got[1], got[2]
	if id.Least != "" || len(id.Values) != 0 || id.Exact || math.Abs(float64(id.Distinct)/rows-1) > 0.05 {
		t.Errorf("a masked column: %+v", id)
	}
	if id.Shapes[0].Value != "9{18}" && id.Shapes[0].Value != "9{19}" {
		t.Errorf("shapes: %+v", id.Shapes)
	}
	if street.Distinct != 3 || !street.Exact || street.Shortest != 3 || street.Longest != 4 || street.Values[0].N != 16667 {
		t.Errorf("%+v", street)
	}
	if n.Empty != rows/10 || n.Least != "1" || n.Greatest != "999" || n.Rows != rows {
		t.Errorf("%+v", n)
	}
}

func TestShape(t *testing.T) {
	for in, want := range map[string]string{"": "", "鄂A12345": "汉A9{5}", "2024-01-05": "9{4}-9{2}-9{2}", "洪山区": "汉{3}", "a  b": "A {2}A"} {
		if got := Shape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
