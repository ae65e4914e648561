// Package codes knows the identifiers of people, organisations and places: it normalises, checks and masks them,
// suggests which columns hold them, and makes fictional ones for demonstrations. All of it is pure; the divisions and
// dictionaries it carries are read once by LoadDivisions and LoadDictionaries.
package codes

import (
	"embed"
	"strings"
	"time"
	"unicode"

	"qushu/internal/base/errs"
)

// Text holds the words of this package: reasons why a value is refused, and the names of kinds and levels.
//
//go:embed text/*.json
var Text embed.FS

//go:embed data/*.json
var data embed.FS

// Kind says what sort of identifier or personal data a value is. It decides how the value is normalised, checked and
// masked. The text key of its name is Kind.Key.
type Kind string

// The kinds. Birth is a birth date; Other is any personal text without a shape of its own.
const (
	KindName      Kind = "name"      // 姓名
	KindID        Kind = "id"        // 公民身份号码, GB 11643-1999
	KindIDStrict  Kind = "id_strict" // the same, masked down to one character at each end
	KindMobile    Kind = "mobile"    // 手机号
	KindPhone     Kind = "phone"     // 固定电话, or a column that mixes both
	KindAddress   Kind = "address"   // 住址
	KindBank      Kind = "bank"      // 银行卡号
	KindEmail     Kind = "email"     // 电子邮箱
	KindPlate     Kind = "plate"     // 车牌号
	KindBirth     Kind = "birth"     // 出生日期
	KindUSCC      Kind = "uscc"      // 统一社会信用代码, GB 32100-2015
	KindHousehold Kind = "household" // 户号: equal values are one household; declared, never guessed
	KindOther     Kind = "other"
)

// Kinds lists every kind in the order a person picks from.
func Kinds() []Kind {
	return []Kind{KindName, KindID, KindIDStrict, KindMobile, KindPhone, KindAddress, KindBank, KindEmail, KindPlate,
		KindBirth, KindUSCC, KindHousehold, KindOther}
}

// Key is the text key of the kind's name.
func (k Kind) Key() string { return "codes.kind_" + string(k) }

// Check reports why s is not a value of kind k, as an Invalid error whose key tells a person what to correct; nil when
// it is one. s is taken as it stands: Normalise first. today bounds birth dates. Kinds without a shape of their own
// (name, address, other) accept anything.
func Check(k Kind, s string, today time.Time) error {
	switch k {
	case KindID, KindIDStrict:
		_, err := ParseResidentID(s, today)
		return err
	case KindUSCC:
		_, err := ParseCreditCode(s)
		return err
	case KindMobile:
		return CheckMobile(s)
	case KindPhone:
		return CheckPhone(s)
	case KindBank:
		return CheckBankCard(s)
	case KindEmail:
		return CheckEmail(s)
	case KindPlate:
		return CheckPlate(s)
	case KindBirth:
		_, err := ParseBirth(s, today)
		return err
	}
	return nil
}

// invalid is an error of this package. The value itself is never an argument: errors are logged, and the value may be
// somebody's identity.
func invalid(key string, args ...any) error { return errs.New(errs.Invalid, "codes."+key, args...) }

// allDigits reports whether s is not empty and nothing but ASCII digits.
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// scientific reports whether a spreadsheet has turned a long number into 4.20111E+17, which loses its last digits.
func scientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(s), "E+")
	return ok && allDigits(exponent) && allDigits(strings.Replace(mantissa, ".", "", 1))
}

// Normalise writes s the one way values of kind k are stored and compared: full-width letters and digits become
// ASCII, invisible characters go, and by kind spaces, hyphens, a country prefix and the case of letters are evened
// out. A value it cannot make sense of comes back trimmed. Normalising twice changes nothing.
func Normalise(k Kind, s string) string {
	s = fold(s)
	switch k {
	case KindID, KindIDStrict, KindUSCC:
		return strings.ToUpper(without(s, " -'"))
	case KindPlate:
		return strings.ToUpper(without(s, " -·.'"))
	case KindMobile, KindPhone:
		return normalisePhone(s)
	case KindBank:
		return without(s, " -'")
	case KindEmail:
		s = without(s, " ")
		if at := strings.LastIndexByte(s, '@'); at >= 0 && domain.MatchString(s[at+1:]) {
			s = s[:at] + strings.ToLower(s[at:])
		}
		return s
	case KindName:
		return normaliseName(s)
	case KindBirth:
		if y, m, d, ok := splitDate(s); ok {
			return writeDate(y, m, d)
		}
	}
	return s
}

// fold brings full-width forms, spaces, dashes and middle dots to one form each, drops control and zero-width
// characters and the apostrophe a spreadsheet puts before text, and trims.
func fold(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '\'' {
			plain = false
			break
		}
	}
	if !plain {
		s = strings.Map(foldRune, s)
		s = strings.TrimLeft(s, "' ")
	}
	return strings.TrimSpace(s)
}

func foldRune(r rune) rune {
	if r > ' ' && r < 0x7f || r >= 0x4E00 && r <= 0x9FFF { // ASCII and common Chinese: nearly everything
		return r
	}
	if r >= 0xFF01 && r <= 0xFF5E { // ！ to ～
		r -= 0xFF01 - '!'
	}
	switch {
	case unicode.IsSpace(r):
		return ' '
	case strings.ContainsRune("‐‑‒–—―−－", r):
		return '-'
	case strings.ContainsRune("•・‧∙⋅･", r):
		return '·'
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector) || r == unicode.ReplacementChar:
		return -1
	}
	return r
}

// without drops the characters of set from s.
func without(s, set string) string {
	if !strings.ContainsAny(s, set) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(set, r) {
			return -1
		}
		return r
	}, s)
}

// normalisePhone keeps the hyphens of a fixed line, which part area code, number and extension.
func normalisePhone(s string) string {
	s = strings.Trim(without(s, " '"), "-")
	if rest, ok := strings.CutPrefix(s, "("); ok { // (027)87654321
		if area, number, ok := strings.Cut(rest, ")"); ok && allDigits(area) {
			s = strings.Trim(area+"-"+strings.TrimLeft(number, "-"), "-")
		}
	}
	bare := without(s, "-")
	for _, country := range [...]string{"+86", "0086", "86", ""} {
		if mobile, ok := strings.CutPrefix(bare, country); ok && isMobile(mobile) {
			return mobile
		}
	}
	return s
}

// normaliseName takes out the spaces that pad Chinese names (张　三); those between Latin words stay, one each.
func normaliseName(s string) string {
	words := strings.Fields(s)
	var b strings.Builder
	for i, w := range words {
		if i > 0 && !(endsHan(words[i-1]) && startsHan(w)) {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

func startsHan(s string) bool {
	for _, r := range s {
		return unicode.Is(unicode.Han, r)
	}
	return false
}

func endsHan(s string) bool {
	r := []rune(s)
	return len(r) > 0 && unicode.Is(unicode.Han, r[len(r)-1])
}
