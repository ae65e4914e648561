package codes

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// farAway is a day no birth date lies behind, for checks that have no today.
func farAway() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// Guess suggests which kind of personal data a column holds, by its header (Chinese, English or pinyin initials) and
// some of its values, a few hundred at most. Confidence runs from 0 to 1: from 0.5 up the column is worth asking about,
// from 0.8 up it is all but sure. No suspicion is ("", 0). KindUSCC is suggested too, though it is public.
func Guess(header string, samples []string) (Kind, float64) {
	named, sure := guessHeader(header)
	seen, share, n := guessValues(samples)
	fit := 0.0
	if named != "" && n > 0 {
		fit = shareOf(named, samples)
	}
	switch {
	case named == "" && seen == "":
		return "", 0
	case named == "": // the values alone
		return seen, share * valueWeight(seen, n)
	case n == 0: // the header alone
		return named, sure
	case fit >= 0.6:
		return named, max(sure, 0.98*fit)
	case seen != "" && share >= 0.6 && valueWeight(seen, n) > 0.7: // the values say otherwise
		return seen, share * valueWeight(seen, n)
	case sure < 0.6:
		return "", 0
	case fit > 0: // dirty, or only partly filled
		return named, max(0.6, sure*fit)
	case named == KindName || named == KindAddress: // which have little shape to fail by
		return named, 0.6
	}
	return named, 0.5
}

// guessHeader returns the kind a header names and how sure that is: 0.85 for a plain word, 0.55 for one that has other
// uses as well.
func guessHeader(header string) (Kind, float64) {
	words := headerWords(header)
	joined := strings.Join(words, "")
	for _, no := range notPersonal {
		if strings.Contains(joined, no) {
			return "", 0
		}
	}
	tails := make([]string, len(words)) // the header, then what is left of it without leading words
	for i, w := range words {
		if listed(notPersonalWords, w) {
			return "", 0
		}
		tails[i] = strings.Join(words[i:], "")
	}
	for _, rule := range headerRules {
		if rule.names(joined, tails) && !rule.refused(joined) {
			return rule.kind, 0.85
		}
	}
	for _, rule := range headerRules {
		if rule.hints(tails) && !rule.refused(joined) {
			return rule.kind, 0.55
		}
	}
	return "", 0
}

// headerWords folds a header and parts it at _, -, blanks and inner capitals; what stands in brackets goes.
func headerWords(header string) []string {
	if utf8.RuneCountInString(header) > 60 {
		return nil
	}
	var b strings.Builder
	depth, before := 0, ' '
	for _, r := range fold(header) {
		switch {
		case strings.ContainsRune("([【〔", r):
			depth++
		case strings.ContainsRune(")]】〕", r):
			depth = max(0, depth-1)
		case depth > 0:
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if unicode.IsUpper(r) && unicode.IsLower(before) {
				b.WriteByte(' ')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
		before = r
	}
	return strings.Fields(b.String())
}

// guessValues returns the kind most of the filled samples have, its share of them and how many are filled.
func guessValues(samples []string) (Kind, float64, int) {
	count := map[Kind]int{}
	n := 0
	for _, s := range samples {
		if s = fold(s); s == "" {
			continue
		}
		n++
		if k := guessValue(s); k != "" {
			count[k]++
		}
	}
	best := Kind("")
	for _, k := range Kinds() { // in a fixed order, so that a tie has one answer
		if count[k] > count[best] || best == "" && count[k] > 0 {
			best = k
		}
	}
	if best == "" {
		return "", 0, n
	}
	share := float64(count[best]) / float64(n)
	if share < leastShare(best) {
		return "", 0, n
	}
	return best, share, n
}

// leastShare is how many of the values must be of a kind for the column to be suspected without a header. A third of
// resident IDs, whose check characters do not fit by chance, is enough; names and Luhn sums prove little by themselves.
func leastShare(k Kind) float64 {
	switch k {
	case KindID:
		return 0.3
	case KindBank, KindName:
		return 0.9
	}
	return 0.6
}

// guessValue returns the kind one value has by itself, the surest first; "" when it may be anything.
func guessValue(s string) Kind {
	if len(s) > 300 {
		return ""
	}
	for _, k := range [...]Kind{KindID, KindUSCC, KindMobile, KindEmail, KindPlate, KindBank, KindAddress, KindName} {
		if hasShape(k, s) {
			return k
		}
	}
	return ""
}

// hasShape reports whether s is a plausible value of kind k.
func hasShape(k Kind, s string) bool {
	s = Normalise(k, s)
	switch k {
	case KindID:
		if len(s) == 15 {
			_, err := Upgrade(s)
			return err == nil
		}
		return residentShape(s)
	case KindName:
		return looksLikeName(s)
	case KindAddress:
		return looksLikeAddress(s)
	case KindBank:
		return len(s) >= 16 && CheckBankCard(s) == nil
	}
	return Check(k, s, farAway()) == nil
}

// shareOf returns how many of the filled samples have the shape of k.
func shareOf(k Kind, samples []string) float64 {
	n, fit := 0, 0
	for _, s := range samples {
		if s = fold(s); s == "" {
			continue
		}
		n++
		if len(s) <= 300 && hasShape(k, s) {
			fit++
		}
	}
	return float64(fit) / float64(max(n, 1))
}

// valueWeight is how much n values of a kind say without a header. A Luhn sum fits one number in ten by chance, and a
// short Chinese word may begin with a surname.
func valueWeight(k Kind, n int) float64 {
	weight := 0.95
	switch k {
	case KindAddress:
		weight = 0.8
	case KindBank:
		weight = 0.75
	case KindName:
		weight = 0.65
	}
	if n < 5 {
		weight *= 0.8
	}
	return weight
}

// looksLikeName accepts two to four Chinese characters that begin with a common surname and end in nothing a place,
// an office or a thing would.
func looksLikeName(s string) bool {
	r := []rune(s)
	if len(r) < 2 || len(r) > 4 {
		return false
	}
	for _, c := range r {
		if !unicode.Is(unicode.Han, c) {
			return false
		}
	}
	if strings.ContainsRune("区街路市县省村镇乡族局院校部处室科厂店所站队组社会中专学园户式型类级年月日元", r[len(r)-1]) {
		return false
	}
	if len(r) > 2 && strings.Contains(doubleSurnames, " "+string(r[:2])+" ") {
		return true
	}
	return len(r) < 4 && strings.ContainsRune(surnames, r[0])
}

// looksLikeAddress accepts a text of six characters or more that names both an area and something in it.
func looksLikeAddress(s string) bool {
	return utf8.RuneCountInString(s) >= 6 && strings.ContainsAny(s, "省市区县镇乡街村") && strings.ContainsAny(s, "路街道巷号栋幢楼室村组苑园湾") &&
		!strings.ContainsAny(s, "，。；") && !strings.HasSuffix(s, "公司")
}

// The most frequent surnames, some nine in ten people.
const surnames = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧萧肖程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"

const doubleSurnames = " 欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐 司徒 东方 独孤 南宫 长孙 宇文 "
