package spell

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPerson(t *testing.T) {
	for _, c := range []struct{ name, full, initials string }{
		{"张伟", "zhangwei", "zw"},
		{"吕布", "lvbu", "lb"},
		{"曾小明", "zengxiaoming", "zxm"},
		{"单雄信", "shanxiongxin", "sxx"},
		{"解晓东", "xiexiaodong", "xxd"},
		{"任重", "renzhong", "rz"},
		{"欧阳修", "ouyangxiu", "oyx"},
		{"万俟卨", "moqixie", "mqx"},
		{"尉迟恭", "yuchigong", "ycg"},
		{"单于夜", "chanyuye", "cyy"},
		{"阿依古丽·买买提", "ayigulimaimaiti", "ayglmmt"},
		{"John Smith", "johnsmith", "johnsmith"},
		{" 李 明 ", "liming", "lm"},
		{"单", "dan", "d"}, // one character is no surname with a name
		{"", "", ""},
	} {
		full, initials := Person(c.name)
		if full != c.full || initials != c.initials {
			t.Errorf("%s: %s %s, want %s %s", c.name, full, initials, c.full, c.initials)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, full, initials string }{
		{"区行政审批局", "quxingzhengshenpiju", "qxzspj"},
		{"中国银行洪山支行", "zhongguoyinhanghongshanzhixing", "zgyhhszx"},
		{"会计科", "kuaijike", "kjk"},
		{"5G 办公室（筹）", "5gbangongshichou", "5gbgsc"},
		{"IT中心", "itzhongxin", "itzx"},
		{"——", "", ""},
	} {
		if full, initials := Text(c.name); full != c.full || initials != c.initials {
			t.Errorf("%s: %s %s, want %s %s", c.name, full, initials, c.full, c.initials)
		}
	}
}

// Whatever the name, the result is what a keyboard types: lower case letters and digits.
func FuzzPerson(f *testing.F) {
	for _, s := range []string{"张伟", "万俟卨", "欧阳", "John", "a·b", "𠮷野", "\xff单", "ẞ", "Ⅳ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		full, initials := Person(s)
		for _, out := range []string{full, initials} {
			if strings.Trim(out, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				t.Errorf("%q: %q", s, out)
			}
		}
		if utf8.RuneCountInString(initials) > len(s) {
			t.Errorf("%q: more initials than characters: %q", s, initials)
		}
	})
}
