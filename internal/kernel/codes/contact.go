package codes

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// isMobile reports whether s is a mainland mobile number: 1, 3–9, nine digits.
func isMobile(s string) bool { return len(s) == 11 && allDigits(s) && s[0] == '1' && s[1] >= '3' }

// CheckMobile accepts a mobile number of 11 digits. Errors are Invalid: codes.mobile_length, codes.mobile.
func CheckMobile(s string) error {
	switch {
	case isMobile(s):
		return nil
	case utf8.RuneCountInString(s) != 11:
		return invalid("mobile_length", utf8.RuneCountInString(s))
	}
	return invalid("mobile")
}

var (
	fixedLine = regexp.MustCompile(`^(?:0(?:10|2\d|[3-9]\d\d)-?)?[2-8]\d{6,7}(?:-\d{1,6})?$`)
	hotline   = regexp.MustCompile(`^(?:[48]00-?\d{3}-?\d{4}|1[12]\d{1,3}|9\d{4,5})$`)
	plate     = regexp.MustCompile(`^[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z](?:` +
		`[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK])$`)
	domain  = regexp.MustCompile(`^[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}$`)
	mailbox = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$`)
)

// CheckPhone accepts a fixed line with or without area code and extension (027-87654321-801), a 400 or 800 number, a
// short service number (12345) and every mobile number. The error is Invalid, codes.phone.
func CheckPhone(s string) error {
	if isMobile(s) || fixedLine.MatchString(s) || hotline.MatchString(s) {
		return nil
	}
	return invalid("phone")
}

// CheckPlate accepts a civil vehicle plate (GA 36-2018): province, letter, then five characters, or six for new
// energy. The error is Invalid, codes.plate.
func CheckPlate(s string) error {
	if plate.MatchString(s) {
		return nil
	}
	return invalid("plate")
}

// CheckEmail accepts an address with an ASCII mailbox and a domain of two labels or more. The error is Invalid,
// codes.email.
func CheckEmail(s string) error {
	if len(s) <= 254 && mailbox.MatchString(s) {
		return nil
	}
	return invalid("email")
}

// CheckBankCard accepts a card number: 13 to 19 digits whose Luhn sum fits (ISO/IEC 7812-1 annex B). Errors are
// Invalid: codes.scientific, bank_length, bank_check.
func CheckBankCard(s string) error {
	switch {
	case scientific(s):
		return invalid("scientific")
	case len(s) < 13 || len(s) > 19 || !allDigits(s):
		return invalid("bank_length")
	case !luhn(s) || strings.Trim(s, "0") == "":
		return invalid("bank_check")
	}
	return nil
}

// luhn reports whether the digits of s have a right last one: every second from the right is doubled, its digits are
// summed, and the whole sum is a multiple of ten.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
