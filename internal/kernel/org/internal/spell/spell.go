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
	"单": "shan", "解": "xie", "查": "zha", "仇": "qiu", "曾": "zeng", "区": "ou", "盖": "ge", "朴": "piao", "任": "ren", "华": "hua",
	"缪": "miao", "翟": "zhai", "乐": "yue", "召": "shao", "冼": "xian", "覃": "qin", "宓": "mi", "黑": "he", "员": "yun", "祭": "zhai",
	"种": "chong", "能": "nai", "句": "gou", "秘": "bi", "谌": "chen", "逄": "pang", "燕": "yan", "折": "she", "粘": "nian", "繁": "po",
	"尉": "wei", "重": "chong", "洗": "xian", "柏": "bai", "卜": "bu", "车": "che", "晁": "chao", "褚": "chu", "哈": "ha", "郝": "hao",
	"纪": "ji", "隗": "wei", "牟": "mu", "宁": "ning", "戚": "qi", "瞿": "qu", "阚": "kan", "盛": "sheng", "石": "shi", "隋": "sui",
	"佟": "tong", "万": "wan", "冯": "feng", "郗": "xi", "幸": "xing", "於": "yu", "臧": "zang", "笪": "da", "訾": "zi", "俞": "yu",
	"尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun", "澹台": "tantai", "单于": "chanyu", "鲜于": "xianyu", "令狐": "linghu", "夏侯": "xiahou", "诸葛": "zhuge",
	"欧阳": "ouyang", "上官": "shangguan", "司马": "sima", "皇甫": "huangfu", "宇文": "yuwen", "慕容": "murong", "呼延": "huyan", "濮阳": "puyang", "太叔": "taishu",
}

// words are those of unit names that are read otherwise than character by character.
var words = map[string][]string{
	"银行": {"yin", "hang"}, "会计": {"kuai", "ji"}, "重庆": {"chong", "qing"}, "长江": {"chang", "jiang"}, "调查": {"diao", "cha"},
	"征调": {"zheng", "diao"}, "调解": {"tiao", "jie"}, "行业": {"hang", "ye"}, "都市": {"du", "shi"}, "乐园": {"le", "yuan"},
	"校对": {"jiao", "dui"}, "长春": {"chang", "chun"}, "长山": {"chang", "shan"}, "重建": {"chong", "jian"}, "市长": {"shi", "zhang"},
	"区长": {"qu", "zhang"}, "局长": {"ju", "zhang"}, "科长": {"ke", "zhang"}, "处长": {"chu", "zhang"}, "校长": {"xiao", "zhang"}, "院长": {"yuan", "zhang"},
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
			rest, ri := Text(string(runes[n:]))
			return s + rest, surnameInitials(runes[:n], s) + ri
		}
	}
	return Text(name)
}

// surnameInitials of a double surname are two letters: its first, and that of its second character.
func surnameInitials(surname []rune, spelled string) string {
	if len(surname) == 1 {
		return spelled[:1]
	}
	if surname[0] == '万' || surname[0] == '单' || surname[0] == '澹' || surname[0] == '尉' { // the second syllable as spelled
		return map[rune]string{'万': "mq", '单': "cy", '澹': "tt", '尉': "yc"}[surname[0]]
	}
	_, second := Text(string(surname[1:]))
	return spelled[:1] + second
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
