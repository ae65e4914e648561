package codes

import "strings"

// CreditCode is what a unified social credit code says of the organisation that bears it.
type CreditCode struct {
	Code         string // 18 characters, upper case
	Authority    string // registration authority, item of the dictionary credit_authority
	Category     string // authority and category, two characters, item of credit_category; not every one in use is listed
	Area         string // six digits, GB/T 2260
	Organisation string // nine characters, GB 11714
}

// creditSymbols are the 31 characters of GB 32100-2015 in order of value: no I, O, S, V, Z.
const creditSymbols = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// ParseCreditCode reads a 统一社会信用代码 (GB 32100-2015): 1 authority, 1 category, 6 area, 9 organisation code with
// its own check character (GB 11714), 1 check character. Small letters are accepted. Errors are Invalid:
// codes.scientific, uscc_old (the 15-digit registration number), uscc_length, uscc_chars, uscc_check, uscc_org.
func ParseCreditCode(s string) (CreditCode, error) {
	switch {
	case len(s) == 15 && allDigits(s):
		return CreditCode{}, invalid("uscc_old")
	case scientific(s):
		return CreditCode{}, invalid("scientific")
	case len([]rune(s)) != 18:
		return CreditCode{}, invalid("uscc_length", len([]rune(s)))
	}
	s = strings.ToUpper(s)
	if len(s) != 18 || strings.Trim(s, creditSymbols) != "" || !allDigits(s[2:8]) {
		return CreditCode{}, invalid("uscc_chars")
	}
	check, ok := creditCheck(s[:17])
	if !ok || check != s[17] {
		return CreditCode{}, invalid("uscc_check")
	}
	if check, ok = organisationCheck(s[8:16]); !ok || check != s[16] {
		return CreditCode{}, invalid("uscc_org")
	}
	return CreditCode{Code: s, Authority: s[:1], Category: s[:2], Area: s[2:8], Organisation: s[8:17]}, nil
}

// MakeCreditCode makes a valid code for demonstrations from two characters of authority and category, six digits of
// area and eight characters of organisation code (without its check character). The error is that of ParseCreditCode.
func MakeCreditCode(category, area, organisation string) (string, error) {
	s := strings.ToUpper(category + area + organisation)
	if len(category) != 2 || len(area) != 6 || len(s) != 16 {
		return "", invalid("uscc_length", len(s)+2)
	}
	inner, ok := organisationCheck(s[8:])
	if !ok {
		return "", invalid("uscc_chars")
	}
	s += string(inner)
	outer, ok := creditCheck(s)
	if !ok {
		return "", invalid("uscc_chars")
	}
	c, err := ParseCreditCode(s + string(outer))
	return c.Code, err
}

// creditCheck is the check character of 17 characters (GB 32100-2015): weights are the powers of 3 modulo 31.
func creditCheck(s string) (byte, bool) {
	sum, weight := 0, 1
	for i := range len(s) {
		v := strings.IndexByte(creditSymbols, s[i])
		if v < 0 {
			return 0, false
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	return creditSymbols[(31-sum%31)%31], true
}

// organisationCheck is the check character of an organisation code's eight characters (GB 11714-1997).
func organisationCheck(s string) (byte, bool) {
	sum := 0
	for i := range len(s) {
		v := strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", s[i])
		if v < 0 {
			return 0, false
		}
		sum += v * int("\x03\x07\x09\x0a\x05\x08\x04\x02"[i%8])
	}
	return "0123456789X0"[11-sum%11], true
}
