package match

import "testing"

var items = []Item{
	{Of: "grid", Name: "社区代码", Code: "SQDM", Type: "C"},
	{Of: "grid", Name: "网格员数", Type: "I"},
	{Of: "people", Name: "公民身份号码", Type: "C", Kind: "id"},
	{Of: "people", Name: "出生日期", Type: "D"},
	{Of: "firms", Name: "统一社会信用代码", Type: "C", Kind: "uscc"},
	{Of: "low", Name: "低保户数（户）", Type: "I"},
	{Of: "low", Name: "联系电话", Type: "C", Kind: "mobile"},
}

var groups = [][]string{{"社区代码", "社区"}, {"公民身份号码", "身份证号", "身份证号码", "证件号码"}, {"联系电话", "电话", "手机号"}, {"低保户数", "最低生活保障户数"}}

func TestFind(t *testing.T) {
	s := New(items, groups)
	for _, c := range []struct {
		name  string
		f     Field
		to    string // name of the first item, "" for none
		why   string
		least int
	}{
		{"identifier", Field{Name: "编码", Code: "sqdm"}, "社区代码", ByCode, 100},
		{"exact title", Field{Name: "网格员数", Kind: "number"}, "网格员数", ByTitle, 100},
		{"signs and brackets do not count", Field{Name: "＊低保户数 (户)", Kind: "number"}, "低保户数（户）", ByTitle, 100},
		{"a synonym", Field{Name: "身份证号", Kind: "id"}, "公民身份号码", BySynonym, 95},
		{"a synonym inside", Field{Name: "最低生活保障户数", Kind: "number"}, "低保户数（户）", BySynonym, 95},
		{"the longer synonym first", Field{Name: "手机号", Kind: "phone"}, "联系电话", BySynonym, 95},
		{"a part", Field{Name: "社区网格员数", Kind: "number"}, "网格员数", ByPart, 75},
		{"an identity number is no credit code", Field{Name: "统一社会信用代码", Kind: "id"}, "统一社会信用代码", ByTitle, 60},
		{"a short synonym counts as a whole", Field{Name: "社区"}, "社区代码", BySynonym, 95},
		{"but not inside", Field{Name: "是否智慧社区", Kind: "choice"}, "", "", 0},
		{"nothing", Field{Name: "垃圾分类投放点个数", Kind: "number"}, "", "", 0},
		{"empty", Field{}, "", "", 0},
	} {
		got := s.Find(c.f, 60, 5)
		if c.to == "" {
			if len(got) > 0 {
				t.Errorf("%s: %v", c.name, got)
			}
			continue
		}
		if len(got) == 0 || items[got[0].At].Name != c.to || got[0].Why != c.why || got[0].Score < c.least {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"身份证号", "（", "", "a", "联系 电话 ", "\x00\xff", "（（）"} {
		f.Add(s, "id")
	}
	shelf := New(items, groups)
	f.Fuzz(func(t *testing.T, name, kind string) {
		last := 101
		for _, c := range shelf.Find(Field{Name: name, Kind: kind}, 1, 10) {
			if c.Score < 1 || c.Score > last || c.At < 0 || c.At >= len(items) {
				t.Fatalf("%q: %+v", name, c)
			}
			last = c.Score
		}
		if n := Norm(name); Norm(n) != n {
			t.Fatalf("%q is normalised to %q and that to %q", name, n, Norm(n))
		}
	})
}
