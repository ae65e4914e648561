// Package spell writes Chinese names in pinyin without tones, for sorting and for search by what is
// typed on a keyboard without an input method.
package spell

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// surnames are those read otherwise as a surname than the character's commonest reading.
// 通用规范汉字字典 and 现代汉语词典, entries marked 姓.
var surnames = map[string]string{
	"单": "shan", "解": "xie", "查": "zha", "仇": "qiu", "曾": "zeng", "区": "ou", "盖": "ge", "朴": "piao", "缪": "miao", "翟": "zhai",
	"乐": "yue", "召": "shao", "覃": "qin", "黑": "he", "员": "yun", "祭": "zhai", "种": "chong", "能": "nai", "句": "gou", "秘": "bi",
	"折": "she", "粘": "nian", "繁": "po", "重": "chong", "洗": "xian", "卜": "bu", "隗": "wei", "牟": "mu", "阚": "kan", "尉迟": "yu chi",
	"万俟": "mo qi", "澹台": "tan tai", "单于": "chan yu",
}

// words are those of unit names that are read otherwise than character by character.
var words = map[string][]string{
	"银行": {"yin", "hang"}, "会计": {"kuai", "ji"}, "重庆": {"chong", "qing"}, "长江": {"chang", "jiang"}, "调解": {"tiao", "jie"}, "行业": {"hang", "ye"}, "都市": {"du", "shi"}, "校对": {"jiao", "dui"}, "长春": {"chang", "chun"}, "长山": {"chang", "shan"}, "重建": {"chong", "jian"},
}

// Person returns a person's name in pinyin, "zengxiaoming", and its initials, "zxm". The surname is read as one.
func Person(name string) (full, initials string) {
	name = strings.Join(strings.Fields(name), "")
	runes := []rune(name)
	for _, n := range []int{2, 1} {
		if len(runes) <= n {
			continue
		}
		if s, ok := surnames[string(runes[:n])]; ok {
			full, initials = Text(string(runes[n:]))
			first := ""
			for syllable := range strings.FieldsSeq(s) {
				first += syllable[:1]
			}
			return strings.ReplaceAll(s, " ", "") + full, first + initials
		}
	}
	return Text(name)
}

// Text returns any text in pinyin and its initials, lower case; letters and digits stand for
// themselves and everything else is left out.
func Text(s string) (full, initials string) {
	var f, i strings.Builder
	args := pinyin.NewArgs()
	runes := []rune(s)
	for at := 0; at < len(runes); at++ {
		if at+1 < len(runes) {
			if w, ok := words[string(runes[at:at+2])]; ok {
				f.WriteString(w[0] + w[1])
				i.WriteString(w[0][:1] + w[1][:1])
				at++
				continue
			}
		}
		r := unicode.ToLower(runes[at])
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			f.WriteRune(r)
			i.WriteRune(r)
			continue
		}
		if p := pinyin.SinglePinyin(r, args); len(p) > 0 && p[0] != "" {
			f.WriteString(p[0])
			i.WriteString(p[0][:1])
		}
	}
	return f.String(), i.String()
}
