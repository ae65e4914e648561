package codes

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mask hides what of value may not be shown to a reader without the right to it; by kind it keeps
//
//	name       the first letter, and the last of three or more        张三→张*  欧阳小三→欧**三
//	id         6 + 4, an old 15-digit number 6 + 3                     420111********2036
//	id_strict  1 + 1                                                   4****************6
//	mobile     3 + 4                                                   138****5678
//	phone      area code + 4, a mobile as above, each of several       027-****1234
//	address    down to the street, town or township                    武汉市洪山区狮子山街****
//	bank       4                                                       **** **** **** 1234
//	email      the first letter and the domain                         z***@hs.gov.cn
//	plate      province, letter and 2                                  鄂A***12
//	birth      the year                                                1985-**-**
//	uscc       all of a valid code: it is public                       91350100M000100Y43
//	household  like other, an address down to the street          4201****0034
//	other      a quarter at each end, 4 at most
//
// A value that has not the shape of its kind is masked like other. Masking what is masked changes nothing, so it is
// safe at every layer. The value is normalised first. An unknown kind is masked like other.
func Mask(k Kind, value string) string {
	if s, ok := maskPlain(k, value); ok {
		return s
	}
	v := Normalise(k, value)
	if v == "" {
		return ""
	}
	switch k {
	case KindName:
		return maskName(v)
	case KindID:
		return maskID(v, 6, 4)
	case KindIDStrict:
		return maskID(v, 1, 1)
	case KindMobile, KindPhone:
		return maskPhones(v)
	case KindAddress:
		return maskAddress(v)
	case KindBank:
		if maskedCard.MatchString(v) {
			return "**** **** **** " + v[len(v)-4:]
		}
	case KindEmail:
		return maskEmail(v)
	case KindPlate:
		return maskPlate(v)
	case KindBirth:
		return maskBirth(v)
	case KindUSCC:
		return maskCredit(v)
	case KindHousehold: // districts without numbers of households go by the address
		if strings.ContainsFunc(v, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			return maskAddress(v)
		}
	}
	return maskOther(v, 4)
}

// maskPlain masks what is written as it is kept, which nearly everything is, without looking at it twice.
func maskPlain(k Kind, s string) (string, bool) {
	switch {
	case k == KindID && len(s) == 18 && allDigits(s[:17]) && (s[17] == 'X' || allDigits(s[17:])):
		return s[:6] + "********" + s[14:], true
	case (k == KindMobile || k == KindPhone) && isMobile(s):
		return s[:3] + "****" + s[7:], true
	case k == KindBirth && len(s) == 10 && s[4] == '-' && s[7] == '-' && allDigits(s[:4]) && allDigits(s[5:7]) && allDigits(s[8:]) && (s[:2] == "20" || s[:2] == "19"):
		return s[:4] + "-**-**", true
	}
	return "", false
}

// keep shows the first and the last characters of r and a star for each between.
func keep(r []rune, first, last int) string {
	return string(r[:first]) + strings.Repeat("*", len(r)-first-last) + string(r[len(r)-last:])
}

// widest bounds how long a masked text is, so that its length tells little.
const widest = 32

// maskOther keeps a quarter at each end, most characters at most; nothing of three characters or fewer.
func maskOther(s string, most int) string {
	r := []rune(s)
	n := min(len(r)/4, most)
	if len(r) > widest {
		r = append(r[:widest-n:widest-n], r[len(r)-n:]...)
	}
	return keep(r, n, n)
}

// maskName counts letters only, so that blanks and marks put between two characters do not lay both open. Characters
// of the private use area count: registers write rare names with them.
func maskName(s string) string {
	r := []rune(strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || c == '*' || unicode.Is(unicode.Co, c) {
			return c
		}
		return -1
	}, s))
	if len(r) > widest {
		r = append(r[:widest-1:widest-1], r[len(r)-1])
	}
	switch {
	case len(r) == 0: // a number, which is nobody's name
		return strings.Repeat("*", min(utf8.RuneCountInString(s), widest))
	case len(r) == 1:
		return "*"
	case len(r) == 2:
		return keep(r, 1, 0)
	}
	return keep(r, 1, 1)
}

func maskID(s string, first, last int) string {
	if !maskedID.MatchString(s) {
		return maskOther(s, last)
	}
	if len(s) == 15 { // whose sequence is the last three
		last = min(last, 3)
	}
	return keep([]rune(s), first, last)
}

// maskPhones masks every number of a cell that lists several.
func maskPhones(s string) string {
	const separators = ",，;；/、|"
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, separators)
		if i < 0 {
			i = len(s)
		}
		b.WriteString(maskPhone(s[:i]))
		s = s[i:]
		if s != "" {
			_, n := utf8.DecodeRuneInString(s)
			b.WriteString(s[:n])
			s = s[n:]
		}
	}
	return b.String()
}

// Numbers as they come and as they look once masked.
var (
	maskedID     = regexp.MustCompile(`^[\d*]{14}(?:[\d*]|[\d*]{3}[\dX*])$`)
	maskedMobile = regexp.MustCompile(`^1\d\d(\d{4}|\*{4})\d{4}$`)
	maskedLine   = regexp.MustCompile(`^(0(?:10|2\d|[3-9]\d\d))?-?(\d{7,8}|\*{4}\d{4})(-(?:\d{1,6}|\*{4}))?$`)
	maskedCard   = regexp.MustCompile(`^(\d{8,26}|\*{12})\d{4}$`)
)

func maskPhone(s string) string {
	if m := normalisePhone(s); maskedMobile.MatchString(m) {
		return keep([]rune(m), 3, 4)
	}
	m := maskedLine.FindStringSubmatch(s)
	if m == nil {
		return maskOther(s, 4)
	}
	masked := "****" + m[2][len(m[2])-4:]
	if m[1] != "" {
		masked = m[1] + "-" + masked
	}
	if m[3] != "" {
		masked += "-****"
	}
	return masked
}

func maskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !domain.MatchString(s[at+1:]) {
		return maskOther(s, 4)
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == '*' || n == at { // a mailbox of one letter would stand there in full
		return "***" + s[at:]
	}
	return s[:n] + "***" + s[at:]
}

var maskedPlate = regexp.MustCompile(`^\p{Han}[A-Z][A-Z0-9*]{4,5}[A-Z0-9挂学警港澳*]$`)

func maskPlate(s string) string {
	if !maskedPlate.MatchString(s) {
		return maskOther(s, 4)
	}
	return keep([]rune(s), 2, 2)
}

var birthYear = regexp.MustCompile(`^((?:1[89]|20)\d\d)(?:\d{4}$|[-/.年]|$)`)

func maskBirth(s string) string {
	if m := birthYear.FindStringSubmatch(s); m != nil {
		return m[1] + "-**-**"
	}
	return "****-**-**"
}

// maskCredit shows what is a credit code and nothing else: individual businesses were once registered under their
// owner's resident ID.
func maskCredit(s string) string {
	if _, err := ParseCreditCode(s); err == nil && !residentShape(s) {
		return s
	}
	return maskID(s, 6, 4)
}

// residentShape reports whether s is a resident ID by everything but today's date.
func residentShape(s string) bool {
	_, err := ParseResidentID(s, farAway())
	return err == nil
}

// maskAddress keeps an address down to its street, town or township, or as far as it is sure of. Only Chinese
// characters are ever kept: what follows a house number, a letter or a road is gone.
func maskAddress(s string) string {
	r := []rune(without(s, " "))
	end := 0
	for _, step := range addressSteps {
		end = step.take(r, end)
	}
	return string(r[:end]) + "****"
}

// step is one level of an address: a word that ends in one of the suffixes, the longer first.
type step struct {
	suffixes    []string
	least, most int    // characters before the suffix
	stop        string // characters that end the search: a lower level has begun
	notBefore   string // characters before the suffix that make another word of it: 小区, 超市
	notAfter    string // characters after the suffix that do: 街道口, 街坊
}

var addressSteps = []step{
	{suffixes: []string{"省", "自治区", "特别行政区"}, least: 2, most: 8, stop: "区县街路号村"},
	{suffixes: []string{"自治州", "地区", "市", "盟"}, least: 2, most: 12, stop: "区县街路号村", notBefore: "超夜门股"},
	{suffixes: []string{"区", "县", "市", "旗"}, least: 1, most: 14, stop: "街路号村", notBefore: "小社园校厂片景院库营矿辖宅墅活属业舍城作超夜门股"},
	{suffixes: []string{"街道办事处", "街道", "街", "镇", "乡"}, least: 1, most: 6, stop: "号栋幢弄巷室", notAfter: "口坊角头"},
}

// take returns the end of the word of step t that begins at start, or start when there is none.
func (t step) take(r []rune, start int) int {
	for i := start; i < len(r) && i-start <= t.most; i++ {
		if !unicode.Is(unicode.Han, r[i]) {
			return start
		}
		k := slices.IndexFunc(t.suffixes, func(s string) bool { return begins(r[i:], s) })
		if k < 0 {
			if strings.ContainsRune(t.stop, r[i]) {
				return start
			}
			continue
		}
		end := i + utf8.RuneCountInString(t.suffixes[k])
		if i-start < t.least {
			continue
		}
		if strings.ContainsRune(t.notBefore, r[i-1]) || t.suffixes[k] == "街" && !t.sure(r[:i], start) {
			return start
		}
		if end < len(r) && strings.ContainsRune(t.notAfter, r[end]) {
			continue
		}
		return end
	}
	return start
}

// begins reports whether r begins with the word.
func begins(r []rune, word string) bool {
	n := 0
	for _, c := range word {
		if n == len(r) || r[n] != c {
			return false
		}
		n++
	}
	return true
}

// sure tells a street office written short (洪山区狮子山街) from a road (学府街, 珞瑜路光谷步行街): it follows a
// district, and no road leads to it.
func (t step) sure(before []rune, start int) bool {
	return start > 0 && !slices.Contains(before[start:], '路')
}
