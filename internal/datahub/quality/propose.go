package quality

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/quality/internal/check"
	"qushu/internal/datahub/quality/internal/profile"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// dictionaryOf names the dictionary a column's title speaks of.
var dictionaryOf = map[string]string{"性别": "sex", "民族": "nation", "婚姻": "marital", "学历": "education", "文化程度": "education", "政治面貌": "politics"}

// propose makes rules of what a column is and of how it looks: proposals, which count for nothing until somebody puts them
// in force. Nothing is proposed that most rows fail: that is no rule of this table.
func propose(ds dataset.Dataset, seen []profile.Column, most int) []Rule {
	var out []Rule
	add := func(weight int64, blocking bool, r check.Rule) {
		if len(out) < most {
			out = append(out, Rule{Body: r, Weight: weight, Blocking: blocking, State: "proposed", Origin: "program"})
		}
	}
	for i, c := range ds.Columns {
		if i >= len(seen) || seen[i].Rows == 0 {
			continue
		}
		p := seen[i]
		filled := p.Rows - p.Empty
		if p.Empty*20 < p.Rows { // filled in all but one of twenty
			add(10, c.Key, check.Rule{Kind: check.Required, Column: c.Name})
		}
		if filled == 0 {
			continue
		}
		switch c.Kind {
		case codes.KindID, codes.KindIDStrict, codes.KindUSCC, codes.KindMobile, codes.KindPhone, codes.KindBank, codes.KindEmail, codes.KindPlate, codes.KindBirth:
			add(10, false, check.Rule{Kind: check.CheckDigit, Column: c.Name})
		}
		if (c.Kind == codes.KindID || c.Kind == codes.KindIDStrict || c.Kind == codes.KindUSCC) && p.Distinct*100 >= filled*97 {
			add(10, false, check.Rule{Kind: check.Unique, Column: c.Name})
		}
		for _, word := range slices.Sorted(maps.Keys(dictionaryOf)) {
			if strings.Contains(c.Title, word) {
				add(5, false, check.Rule{Kind: check.Dictionary, Column: c.Name, Other: dictionaryOf[word]})
			}
		}
		if c.Kind != "" || c.Masked {
			continue
		}
		if r, ok := look(c, p, filled); ok {
			add(5, false, r)
		}
	}
	for i, from := range ds.Columns { // a beginning comes before its end
		for _, until := range ds.Columns[i+1:] {
			if begins(from.Title, until.Title) && from.Type == until.Type && (from.Type.Kind == warehouse.KindDate || from.Type.Kind == warehouse.KindDatetime) {
				add(10, false, check.Rule{Kind: check.Compare, Column: from.Name, Op: warehouse.OpLe, Other: until.Name})
			}
		}
	}
	return out
}

// look makes a rule of how the values of a column look: the few values it has, or the one shape of its texts.
func look(c dataset.Column, p profile.Column, filled int64) (check.Rule, bool) {
	switch {
	case c.Type.Kind != warehouse.KindText:
		return check.Rule{}, false
	case p.Exact && p.Distinct > 1 && p.Distinct <= 10 && filled >= 200:
		r := check.Rule{Kind: check.Allowed, Column: c.Name}
		for _, v := range p.Values {
			if v.N*200 >= filled { // what one row in two hundred has; the rest may be slips
				r.Values = append(r.Values, v.Value)
			}
		}
		return r, len(r.Values) > 1
	case len(p.Shapes) > 0 && p.Shapes[0].N*100 >= filled*98 && p.Shapes[0].Value != "…" && !strings.Contains(p.Shapes[0].Value, "汉") && filled >= 50:
		return check.Rule{Kind: check.Pattern, Column: c.Name, Pattern: patternOf(p.Shapes[0].Value)}, true
	case p.Longest > 0 && p.Longest <= 200 && filled >= 50:
		return check.Rule{Kind: check.Length, Column: c.Name, Min: "1", Max: strconv.Itoa(p.Longest + p.Longest/2 + 1)}, true
	}
	return check.Rule{}, false
}

// patternOf is the regular expression of a shape: 9{4}-9{2} is \d{4}-\d{2}.
func patternOf(shape string) string {
	var b strings.Builder
	for i, r := range shape {
		counts := strings.LastIndexByte(shape[:i], '{') > strings.LastIndexByte(shape[:i], '}')
		switch {
		case counts || r == '{':
			b.WriteRune(r)
		case r == '9':
			b.WriteString(`\d`)
		case r == 'A':
			b.WriteString(`\p{L}`)
		case strings.ContainsRune(`\.+*?()|[]^$`, r):
			b.WriteRune('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func begins(from, until string) bool {
	for _, pair := range [][2]string{{"开始", "结束"}, {"开始", "截止"}, {"起始", "终止"}, {"生效", "失效"}, {"成立", "注销"}, {"入职", "离职"}, {"受理", "办结"}, {"签发", "到期"}, {"发证", "有效期"}} {
		if strings.Contains(from, pair[0]) && strings.Contains(until, pair[1]) {
			return true
		}
	}
	return false
}
