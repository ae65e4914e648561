package codes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/when"
)

// Sexes as the resident ID tells them, GB/T 2261.1.
const (
	Male   = "1"
	Female = "2"
)

// Holder is what a resident ID number says of the person who bears it.
type Holder struct {
	Number string    // 18 characters, a final x made X
	Area   string    // six digits, GB/T 2260 at the first registration; may be a code that no longer exists
	Birth  time.Time // the day's first instant, +08:00
	Sex    string    // Male or Female
}

// ParseResidentID reads a 公民身份号码 (GB 11643-1999): 6 area, 8 birth date, 3 sequence, 1 check character. Permits
// for Hong Kong, Macao and Taiwan residents (8…) and for foreigners (9…) have the same form. It checks, in this order,
// length and characters, the birth date (real, from 1800 to today), the check character; the area is not looked up.
// Errors are Invalid: codes.scientific, id_old (15 digits), id_length, id_chars, id_birth, id_future, id_check.
func ParseResidentID(s string, today time.Time) (Holder, error) {
	switch {
	case len(s) == 15 && allDigits(s):
		return Holder{}, invalid("id_old")
	case scientific(s):
		return Holder{}, invalid("scientific")
	case len([]rune(s)) != 18:
		return Holder{}, invalid("id_length", len([]rune(s)))
	case len(s) != 18 || !allDigits(s[:17]) || s[0] == '0' || !strings.Contains("0123456789Xx", s[17:]):
		return Holder{}, invalid("id_chars")
	}
	birth, ok := date(s[6:10], s[10:12], s[12:14])
	switch {
	case !ok || birth.Year() < 1800:
		return Holder{}, invalid("id_birth")
	case birth.After(today):
		return Holder{}, invalid("id_future")
	case s[17]&^0x20 != checkDigit(s[:17])&^0x20: // the bit cleared is the case of x
		return Holder{}, invalid("id_check")
	}
	h := Holder{Number: strings.ToUpper(s), Area: s[:6], Birth: birth, Sex: Female}
	if (s[16]-'0')%2 == 1 {
		h.Sex = Male
	}
	return h, nil
}

// checkDigit is ISO 7064 MOD 11-2 over the first 17 digits (GB 11643-1999).
func checkDigit(digits string) byte {
	sum := 0
	for i := range 17 {
		sum += int(digits[i]-'0') * int("\x07\x09\x0a\x05\x08\x04\x02\x01\x06\x03\x07\x09\x0a\x05\x08\x04\x02"[i])
	}
	return "10X98765432"[sum%11]
}

// Upgrade turns a 15-digit number of before 1999 into the 18-character one: 19 before the year, a check character at
// the end (GB 11643-1999). New records should not hold 15 digits; this is for joining old ones. The error is Invalid,
// codes.id_old_bad.
func Upgrade(old string) (string, error) {
	if len(old) != 15 || !allDigits(old) || old[0] == '0' {
		return "", invalid("id_old_bad")
	}
	if _, ok := date("19"+old[6:8], old[8:10], old[10:12]); !ok {
		return "", invalid("id_old_bad")
	}
	s := old[:6] + "19" + old[6:]
	return s + string(checkDigit(s)), nil
}

// FictionalArea is an area code no real person bears: Wuhan has no district 99.
const FictionalArea = "420199"

// ResidentID makes the number of area (six digits), birth date and sequence (0–999, odd for men), with the right check
// character. Errors name a bad argument; they are the caller's fault, not a user's.
func ResidentID(area string, birth time.Time, sequence int) (string, error) {
	birth = birth.In(when.Zone)
	if len(area) != 6 || !allDigits(area) || area[0] == '0' || sequence < 0 || sequence > 999 || birth.Year() < 1800 || birth.Year() > 9999 {
		return "", fmt.Errorf("codes: no resident ID for area %q, sequence %d", area, sequence)
	}
	s := fmt.Sprintf("%s%s%03d", area, birth.Format("20060102"), sequence)
	return s + string(checkDigit(s)), nil
}

// The births of fictional people: 1940-01-01 and the 30 000 days from there, to 2022-02-18.
const (
	fictionalDays  = 30000
	fictionalCount = fictionalDays * 999
)

// Fictional returns the n-th fictional resident ID: valid, area FictionalArea, always the same for the same n and
// different for every n in [0, 29 970 000); beyond, it starts again. Births and sexes are spread evenly.
func Fictional(n int) string {
	n = ((n % fictionalCount) + fictionalCount) % fictionalCount
	day := n % fictionalDays * 7919 % fictionalDays // 7919 is prime to 30 000: every day once
	order := (n/fictionalDays+day*37)%999 + 1
	birth := time.Date(1940, 1, 1+day, 0, 0, 0, 0, when.Zone)
	s := fmt.Sprintf("%s%s%03d", FictionalArea, birth.Format("20060102"), order)
	return s + string(checkDigit(s))
}

// IsFictional reports whether a number was made for a demonstration.
func IsFictional(number string) bool { return strings.HasPrefix(number, FictionalArea) }

// ParseBirth reads a birth date as people write it: 1985-06-15, 1985/6/15, 1985.6.15, 19850615, 1985年6月15日, with
// or without 00:00:00 behind. The result is the day's first instant, +08:00. Errors are Invalid: codes.birth for what
// is no date from 1800 on, codes.birth_future for one after today.
func ParseBirth(s string, today time.Time) (time.Time, error) {
	y, m, d, ok := splitDate(s)
	if !ok {
		return time.Time{}, invalid("birth")
	}
	t, ok := date(y, m, d)
	switch {
	case !ok || t.Year() < 1800:
		return time.Time{}, invalid("birth")
	case t.After(today):
		return time.Time{}, invalid("birth_future")
	}
	return t, nil
}

// date returns the civil day of decimal year, month and day, and whether there is such a day.
func date(year, month, day string) (time.Time, bool) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, when.Zone)
	return t, t.Year() == y && int(t.Month()) == m && t.Day() == d
}

// splitDate finds the digits of year, month and day; whether they make a date is for date to say.
func splitDate(s string) (y, m, d string, ok bool) {
	for _, midnight := range [...]string{" 00:00:00", " 0:00:00", " 0:00", "T00:00:00"} {
		s = strings.TrimSuffix(s, midnight)
	}
	if len(s) == 8 && allDigits(s) {
		return s[:4], s[4:6], s[6:], true
	}
	if rest, chinese := strings.CutSuffix(s, "日"); chinese {
		s = strings.NewReplacer("年", "-", "月", "-").Replace(rest)
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(parts) != 3 || len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 ||
		len(s) != len(parts[0])+len(parts[1])+len(parts[2])+2 {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], allDigits(parts[0] + parts[1] + parts[2])
}

func writeDate(y, m, d string) string { return fmt.Sprintf("%s-%02s-%02s", y, m, d) }
