package codes

import (
	"strings"
	"testing"

	"qushu/internal/base/errs"
)

func TestParseDivision(t *testing.T) {
	for _, x := range []struct {
		in, code string
		level    Level
		parent   string
		form     string
	}{
		{"420000", "420000", Province, "", ""},
		{"420100", "420100", City, "420000", ""},
		{"420111", "420111", County, "420100", ""},
		{"420111000000", "420111", County, "420100", ""},
		{"420100000000", "420100", City, "420000", ""},
		{"420111003", "420111003", Street, "420111", "street"},
		{"420111003000", "420111003", Street, "420111", "street"},
		{"420117102", "420117102", Street, "420117", "town"},
		{"420111205", "420111205", Street, "420111", "township"},
		{"420111460", "420111460", Street, "420111", "special"},
		{"420111001002", "420111001002", Community, "420111001", "committee"},
		{"420111205203", "420111205203", Community, "420111205", "village"},
		{"441900003000", "441900003", Street, "441900", "street"}, // 东莞 has no counties
	} {
		code, level, err := ParseDivision(x.in)
		if err != nil || code != x.code || level != x.level || Parent(x.in) != x.parent || FormOf(x.in) != x.form {
			t.Errorf("%s: %s, %v, %v, parent %q, form %q", x.in, code, level, err, Parent(x.in), FormOf(x.in))
		}
	}
	for _, bad := range []string{"", "42", "4201", "4201110", "42011100300", "020111", "920111", "42011A", "420111000001", "420011", "420000003", "４２０１１１"} {
		if code, _, err := ParseDivision(bad); errs.KeyOf(err) != "codes.division" || Parent(bad) != "" || FormOf(bad) != "" {
			t.Errorf("%q: %s, %v", bad, code, err)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, x := range []struct {
		code, area string
		in         bool
	}{
		{"420111003001", "420111003", true}, {"420111003001", "420111", true}, {"420111003", "420100", true}, {"420111", "420000", true},
		{"420111", "420111000000", true}, {"420111000000", "420111", true}, {"420112001", "420111", false}, {"420111", "420111003", false},
		{"420111", "", false}, {"", "420111", false}, {"420100", "420111", false},
	} {
		if Within(x.code, x.area) != x.in {
			t.Errorf("%s in %s: %v", x.code, x.area, !x.in)
		}
	}
}

func divisions(t *testing.T) *Divisions {
	t.Helper()
	d, err := LoadDivisions()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDivisionsTree(t *testing.T) {
	d := divisions(t)
	if top := d.Children(""); len(top) != 1 || top[0].Name != "湖北省" {
		t.Error(top)
	}
	if n := len(d.Children("420100")); n != 13 {
		t.Error("districts of Wuhan:", n)
	}
	streets, communities, own := d.Children("420111000000"), 0, 0
	for _, s := range streets {
		communities += len(d.Children(s.Code))
		if s.ManagedBy == "" {
			own++
		}
	}
	if len(streets) != 17 || communities != 327 || own != 10 {
		t.Errorf("Hongshan: %d streets, %d communities, %d run by itself", len(streets), communities, own)
	}
	for code, x := range d.byCode {
		if parent, ok := d.Get(Parent(code)); !ok && x.Level != Province || ok && parent.Level >= x.Level {
			t.Errorf("%s %s hangs on %q", code, x.Name, Parent(code))
		}
	}
	x, ok := d.Get("420111003000")
	if !ok || x.Name != "狮子山街道" || x.Short != "狮子山" || x.Level != Street {
		t.Errorf("%+v, %v", x, ok)
	}
	if _, ok := d.Get("420111999"); ok {
		t.Error("no such street")
	}
	if got := d.FullName("420111001001"); got != "湖北省武汉市洪山区珞南街道石牌园社区居民委员会" {
		t.Error(got)
	}
	if d.FullName("110101") != "" || len(d.Path("")) != 0 || len(d.Children("999")) != 0 {
		t.Error("unknown codes have nothing")
	}
	children := d.Children("420111")
	children[0].Name = "x"
	if d.Children("420111")[0].Name == "x" {
		t.Error("the tree may not be changed from outside")
	}
}

func TestFind(t *testing.T) {
	d := divisions(t)
	for _, x := range []struct{ area, name, want string }{
		{"", "洪山街街道", "420111007"},
		{"", "洪山街", "420111007"},
		{"", "洪山街道", "420111007"},
		{"", "洪山街道办事处", "420111007"},
		{"", "洪山街街道办", "420111007"},
		{"", "洪山区", "420111"},
		{"", "洪山", "420111 420111007 420111007002"},
		{"", " 狮子山 街 ", "420111003"},
		{"", "狮子山", "420111003"},
		{"", "天兴乡", "420111205"},
		{"420111", "天兴", "420111205 420111205202"},
		{"", "东湖风景区街道（洪山）", "420111491"},
		{"", "东湖风景区街道(洪山)", "420111491"},
		{"", "东湖风景区街道", "420106490 420111491"},
		{"420111", "东湖风景区", "420111491"},
		{"", "武汉", "420100"},
		{"", "湖北", "420000"},
		{"", "石牌园社区居民委员会", "420111001001"},
		{"", "石牌园社区", "420111001001"},
		{"", "石牌园居委会", "420111001001"},
		{"", "石牌园", "420111001001"},
		{"", "白浒村村委会", "420111081201"},
		{"", "白浒村", "420111081201"},
		{"", "白浒社区", "420111082004"},
		{"", "建强社区", "420111491006"},
		{"", "工业港村", "420111061201"},
		{"420111061", "建设", "420111061001 420111061213"},
		{"420111061", "建设村", "420111061213"},
		{"", "李集街道", "420116010 420117005"},
		{"420117", "李集街", "420117005"},
		{"", "街道", ""},
		{"", "", ""},
		{"", "朝阳区", ""},
		{"110000", "洪山区", ""},
	} {
		var got []string
		for _, f := range d.Find(x.area, x.name) {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%q in %q: %v, want %s", x.name, x.area, got, x.want)
		}
	}
	if got := d.Find("", "南湖社区居民委员会"); len(got) != 2 {
		t.Error("two communities of one name:", got)
	}
	for code, x := range d.byCode { // every name finds itself
		found := false
		for _, f := range d.Find("", x.Name) {
			found = found || f.Code == code
		}
		if !found || x.Short == "" {
			t.Errorf("%s %s is not found by its name (short %q)", code, x.Name, x.Short)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"洪山街", "街街街道", "(", "村村委会", "\xff"} {
		f.Add(s)
	}
	d, err := LoadDivisions()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, x := range d.Find("420100", s) {
			if !Within(x.Code, "420100") {
				t.Fatal(x)
			}
		}
	})
}

func TestDictionaries(t *testing.T) {
	d, err := LoadDictionaries()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{"sex": 4, "marital": 5, "nation": 56, "education": 8, "politics": 13, "credit_authority": 12, "credit_category": 36}
	if len(d.All()) != len(sizes) {
		t.Error(len(d.All()))
	}
	for _, dict := range d.All() {
		if len(dict.Items) != sizes[dict.Name] || dict.Title == "" || dict.TitleEn == "" || dict.Source == "" {
			t.Errorf("%s has %d items", dict.Name, len(dict.Items))
		}
		for _, x := range dict.Items {
			if x.Code == "" || x.Name == "" || x.En == "" {
				t.Errorf("%s: %+v", dict.Name, x)
			}
		}
	}
	for _, x := range []struct{ dict, value, code string }{
		{"sex", "1", "1"}, {"sex", "女性", "2"}, {"sex", "f", "2"}, {"sex", "Not stated", "9"}, {"sex", "3", ""},
		{"marital", "已婚", "20"}, {"marital", "离异", "40"},
		{"nation", "汉", "01"}, {"nation", "汉族", "01"}, {"nation", "1", "01"}, {"nation", "ha", "01"}, {"nation", "ＨＡ", "01"},
		{"nation", "土家", "15"}, {"nation", "土", "30"}, {"nation", "基诺族", "56"}, {"nation", "57", ""}, {"nation", "Tibetan", "04"},
		{"education", "本科", "20"}, {"education", "大专", "30"}, {"education", "高中", "60"}, {"education", "硕士", "10"},
		{"politics", "群众", "13"}, {"politics", "党员", "01"}, {"politics", "九三学社社员", "10"}, {"politics", "", ""},
		{"credit_authority", "9", "9"}, {"credit_category", "A1", "A1"}, {"credit_category", "个体工商户", "92"},
	} {
		dict, ok := d.Get(x.dict)
		if !ok {
			t.Fatal(x.dict)
		}
		if got, ok := dict.Find(x.value); got.Code != x.code || ok != (x.code != "") {
			t.Errorf("%s %q: %+v", x.dict, x.value, got)
		}
	}
	if _, ok := d.Get("none"); ok {
		t.Error("no such dictionary")
	}
	category, _ := d.Get("credit_category")
	authority, _ := d.Get("credit_authority")
	for _, x := range category.Items {
		if _, ok := authority.Find(x.Code[:1]); !ok {
			t.Error("no authority for", x.Code)
		}
	}
}
