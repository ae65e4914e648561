package warehousetest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// matches: a list against a table comes back in the order of the list, with how often each key stands there.
func matches(t *testing.T, open Open) {
	s := fresh(t, open)
	l, err := s.Load(t.Context(), warehouse.Spec{Table: "名单", Columns: []warehouse.Column{col("!id", warehouse.KindText), col("name", warehouse.KindText), col("n", warehouse.KindInteger), col("at", warehouse.KindDate), money("m"), col("yes", warehouse.KindBoolean), col("when", warehouse.KindDatetime)},
		OnDuplicate: warehouse.KeepAll}, feed(
		[]any{"b", "乙", int64(1), warehouse.Date("2023-05-01"), warehouse.Decimal("12.50"), true, time.Date(2023, 5, 1, 8, 0, 0, 500_000_000, warehouse.Zone())},
		[]any{"a", "甲", int64(2), nil, warehouse.Decimal("-0.05"), false, time.Date(2023, 5, 1, 0, 0, 0, 0, warehouse.Zone())},
		[]any{"b", "乙二", int64(3), nil, nil, nil, nil}, []any{"c", "丙\x1f丙", nil, nil, nil, nil, nil}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ask  warehouse.Matching
		want string
	}{
		{"in the order of the list", warehouse.Matching{Column: "id", Keys: []any{"c", "x", "b", "a"}, Select: []string{"name", "n", "at"}}, "0×1 丙 丙 · ·; 2×2 乙 1 2023-05-01; 3×1 甲 2 ·"},
		{"as people read them", warehouse.Matching{Column: "id", Keys: []any{"a", "b", "c"}, Select: []string{"m", "yes", "when"}}, "0×1 -0.05 false 2023-05-01 00:00:00; 1×2 12.50 true 2023-05-01 08:00:00.5; 2×1 · · ·"},
		{"narrowed", warehouse.Matching{Column: "id", Keys: []any{"b", "c"}, Select: []string{"n"}, Where: warehouse.And(warehouse.Ge("n", int64(2)))}, "0×1 3"},
		{"no columns", warehouse.Matching{Column: "id", Keys: []any{"a", "b"}}, "0×1; 1×2"},
		{"another column", warehouse.Matching{Column: "n", Keys: []any{int64(3), int64(1)}, Select: []string{"id"}}, "0×1 b; 1×1 b"},
		{"nothing wanted", warehouse.Matching{Column: "id", Select: []string{"n"}}, ""},
	} {
		c.ask.From = l.ID
		rows, err := s.Match(t.Context(), c.ask)
		if err != nil {
			t.Fatal(c.name, err)
		}
		var got []string
		for r, err := range rows {
			if err != nil {
				t.Fatal(c.name, err)
			}
			text := fmt.Sprintf("%d×%d", r.Key, r.Rows)
			for _, v := range r.Texts {
				text += " " + cmp.Or(v, "·")
			}
			got = append(got, text)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
	_, err = s.Match(t.Context(), warehouse.Matching{From: l.ID, Column: "id", Keys: []any{"a"}, Select: []string{"money"}})
	wants(t, "no such column", err, errs.Invalid, "warehouse.no_column")
	_, err = s.Match(t.Context(), warehouse.Matching{From: l.ID, Column: "id", Keys: []any{nil}})
	wants(t, "no key", err, errs.Invalid, "warehouse.null_value")
	rows, err := s.Match(t.Context(), warehouse.Matching{From: l.ID, Column: "id", Keys: []any{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	for range rows {
		break // a reader that has seen enough
	}
}
