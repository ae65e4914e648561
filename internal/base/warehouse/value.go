package warehouse

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// Decimal is an exact number as text: an optional minus, digits, and after a point exactly as many digits as the
// column's scale: "-12.50", "0.00", "7".
type Decimal string

// Date is a day as text, "1949-10-01", years 0001 to 9999. Dates sort as their text does.
type Date string

// zone is civil time in China, GB/T 7408.1-2023 "+08:00". Datetimes are stored as its wall clock.
var zone = time.FixedZone("+08:00", 8*60*60)

// Zone returns the zone datetimes come back in: +08:00.
func Zone() *time.Location { return zone }

// DateOf returns the day t falls on in +08:00.
func DateOf(t time.Time) Date { return Date(t.In(zone).Format(time.DateOnly)) }

// Time returns the first moment of d in UTC; the zero time when d is no day.
func (d Date) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Unscaled returns d without its point: "12.50" is 1250. ok is false when d is not a canonical Decimal.
func (d Decimal) Unscaled() (n *big.Int, ok bool) {
	return new(big.Int).SetString(strings.Replace(string(d), ".", "", 1), 10)
}

// FromUnscaled is the inverse of Unscaled.
func FromUnscaled(n *big.Int, scale int) Decimal { return pointed(n.String(), scale) }

// pointed puts the point into the text of an integer.
func pointed(s string, scale int) Decimal {
	if scale == 0 {
		return Decimal(s)
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	return Decimal(sign + s[:len(s)-scale] + "." + s[len(s)-scale:])
}

// Coerce returns v as t keeps it: text takes string, integer takes int and int64, decimal takes Decimal, int and int64,
// date takes Date and time.Time, datetime takes time.Time, boolean takes bool; nil stays nil. Anything else, or a value
// that does not fit without loss, is Invalid. Datetimes lose what is below a microsecond.
func (t Type) Coerce(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch t.Kind {
	case KindText:
		if s, ok := v.(string); ok {
			if !utf8.ValidString(s) {
				return nil, errs.New(errs.Invalid, "warehouse.bad_encoding")
			}
			return s, nil
		}
	case KindInteger:
		switch n := v.(type) {
		case int64:
			return n, nil
		case int:
			return int64(n), nil
		}
	case KindDecimal:
		switch n := v.(type) {
		case Decimal:
			return t.decimal(string(n))
		case int64:
			return t.decimal(strconv.FormatInt(n, 10))
		case int:
			return t.decimal(strconv.Itoa(n))
		}
	case KindDate:
		switch d := v.(type) {
		case Date:
			return t.date(string(d))
		case time.Time:
			return t.date(string(DateOf(d)))
		}
	case KindDatetime:
		if at, ok := v.(time.Time); ok {
			at = at.In(zone).Truncate(time.Microsecond)
			if at.Year() < 1 || at.Year() > 9999 {
				return nil, t.refuse(at.Format(time.RFC3339))
			}
			return at, nil
		}
	case KindBoolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	}
	return nil, t.refuse(fmt.Sprint(v))
}

// Parse reads a value of type t from text in its canonical writing: an integer, a decimal without exponent or
// thousands marks, "2006-01-02", "2006-01-02 15:04:05" with an optional fraction (civil time) or RFC 3339, "true" or
// "false". Text is itself. Anything else is Invalid. It guesses nothing: reading people's spreadsheets is base/table's.
func (t Type) Parse(s string) (any, error) {
	switch t.Kind {
	case KindText:
		return t.Coerce(s)
	case KindInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, t.refuse(s)
		}
		return n, nil
	case KindDecimal:
		return t.Coerce(Decimal(s))
	case KindDate:
		return t.Coerce(Date(s))
	case KindDatetime:
		at, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
		if err != nil {
			at, err = time.Parse(time.RFC3339, s)
		}
		if err != nil {
			return nil, t.refuse(s)
		}
		return t.Coerce(at)
	case KindBoolean:
		if s == "true" || s == "false" {
			return s == "true", nil
		}
	}
	return nil, t.refuse(s)
}

// Format writes v, a value as rows hold it, in the form Parse reads. NULL is "".
func Format(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case Decimal:
		return string(v)
	case Date:
		return string(v)
	case time.Time:
		return v.In(zone).Format("2006-01-02 15:04:05.999999")
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// refuse says that s is no value of type t. Long values are cut, so that a log stays a log.
func (t Type) refuse(s string) error {
	keys := map[Kind]string{KindText: "warehouse.no_text", KindInteger: "warehouse.no_integer", KindDecimal: "warehouse.no_decimal",
		KindDate: "warehouse.no_date", KindDatetime: "warehouse.no_datetime", KindBoolean: "warehouse.no_boolean"}
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return errs.New(errs.Invalid, keys[t.Kind], s)
}

// decimal brings s to exactly t.Scale digits after the point, without rounding.
func (t Type) decimal(s string) (any, error) {
	rest := strings.TrimPrefix(s, "-")
	whole, frac, point := strings.Cut(rest, ".")
	kept := strings.TrimRight(frac, "0")
	if !digits(whole) || point && !digits(frac) {
		return nil, t.refuse(s)
	}
	whole = strings.TrimLeft(whole, "0")
	if len(kept) > t.Scale || len(whole) > t.Precision-t.Scale {
		return nil, errs.New(errs.Invalid, "warehouse.does_not_fit", s, t.Precision-t.Scale, t.Scale)
	}
	if whole == "" {
		whole = "0"
	}
	var b strings.Builder
	if len(rest) < len(s) && (whole != "0" || kept != "") {
		b.WriteByte('-')
	}
	b.WriteString(whole)
	if t.Scale > 0 {
		b.WriteByte('.')
		b.WriteString(kept)
		for range t.Scale - len(kept) {
			b.WriteByte('0')
		}
	}
	return Decimal(b.String()), nil
}

func (t Type) date(s string) (any, error) {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil || at.Year() < 1 {
		return nil, t.refuse(s)
	}
	return Date(s), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
