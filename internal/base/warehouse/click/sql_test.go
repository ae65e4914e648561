package click

import (
	"regexp"
	"strings"
	"testing"

	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// A statement holds nothing a caller wrote but digits, whatever he writes.
func FuzzStatement(f *testing.F) {
	for _, s := range []string{`'; DROP TABLE version; --`, `\`, "a\x00b", "", "区枢", `') OR 1 = 1 --`, `unhex('00')`} {
		f.Add(s, int64(-7))
	}
	v := warehouse.Version{ID: id.New(), Columns: []warehouse.Column{{Name: "文", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true},
		{Name: "数", Type: warehouse.Type{Kind: warehouse.KindInteger}}, {Name: "额", Type: warehouse.DecimalType(38, 2)}}}
	plain := regexp.MustCompile(`^[A-Za-z0-9_ ,()=<>*-]*$`)
	texts := regexp.MustCompile(`unhex\('[0-9a-f]*'\)|toDecimal128\('-?[0-9]+', 0\)`)
	f.Fuzz(func(t *testing.T, s string, n int64) {
		w := warehouse.And(warehouse.Eq("文", s), warehouse.Not(warehouse.Or(warehouse.Prefix("文", s), warehouse.Contains("文", s), warehouse.Lt("数", n))), warehouse.In("文", s, s+"x"), warehouse.Ge("额", n))
		for _, q := range []warehouse.Query{
			{From: v.ID, Where: w, Order: []warehouse.Sort{{By: "数", Desc: true}}, Limit: 5, Offset: 2},
			{From: v.ID, As: "a", Join: []warehouse.Join{{Version: v.ID, As: "b", On: [][2]string{{"a.文", "b.文"}}, Outer: true}}, Where: warehouse.Ne("b.文", s),
				Group: []string{"b.文"}, Select: []warehouse.Item{{Col: "b.文"}, {Agg: warehouse.Sum, Col: "a.额", As: "和"}}},
		} {
			p, err := warehouse.NewPlan(q, func(string) (warehouse.Version, bool) { return v, true })
			if err != nil {
				return // text that is no UTF-8
			}
			st := write(p)
			if rest := texts.ReplaceAllString(st.text.String(), ""); !plain.MatchString(rest) || strings.Count(rest, "(") != strings.Count(rest, ")") {
				t.Errorf("%q gives %s", s, st.text.String())
			}
		}
	})
}
