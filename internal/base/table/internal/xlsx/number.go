package xlsx

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// kind is how a number is shown.
type kind byte

const (
	plain kind = iota
	date
	clock
	dateClock
	elapsed
	zeros // padded to width digits
)

type format struct {
	kind  kind
	width int
}

// days1904 is the serial of 1904-01-01 in the 1900 system; workbooks made on old Macs count from there (§18.17.4.1).
const days1904 = 1462

const maxSerial = 2958465 // 9999-12-31

// builtin gives the implied formats, those of the Chinese language pack included. §18.8.30.
func builtin(id int) format {
	switch {
	case id >= 14 && id <= 17, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return format{kind: date}
	case id == 22:
		return format{kind: dateClock}
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id == 45, id == 47, id == 55, id == 56:
		return format{kind: clock}
	case id == 46:
		return format{kind: elapsed}
	}
	return format{}
}

// parseFormat reads the first section of a number format code (§18.8.31): y, d, m, a (weekday) and e (year) show a
// date, h and s a time, and a code of zeros alone pads.
func parseFormat(code string) format {
	code, _, _ = strings.Cut(code, ";")
	if len(code) > 1 && len(code) <= 32 && strings.Trim(code, "0") == "" {
		return format{zeros, len(code)}
	}
	var day, month, hour, elapse bool
	low := strings.ToLower(code)
	if strings.HasPrefix(low, "general") {
		return format{}
	}
	low = strings.NewReplacer("am/pm", "", "a/p", "").Replace(low)
	for i := 0; i < len(low); i++ {
		switch c := low[i]; c {
		case '"', '[':
			stop := byte('"')
			if c == '[' {
				stop = ']'
			}
			n := strings.IndexByte(low[i+1:], stop)
			if n < 0 {
				n = len(low) - i - 1
			}
			if in := low[i+1 : i+1+n]; c == '[' && in != "" && strings.Trim(in, in[:1]) == "" && strings.Contains("hms", in[:1]) {
				elapse = true
			}
			i += n + 1
		case '\\', '_', '*':
			i++
		case 'y', 'd', 'a', 'e': // the e of 0.0E+00 is never reached
			day = true
		case 'm':
			month = true
		case 'h', 's':
			hour = true
		case '0', '#', '?':
			if !hour && !elapse { // after seconds it is their fraction
				return format{}
			}
		}
	}
	switch {
	case elapse:
		return format{kind: elapsed}
	case day && hour:
		return format{kind: dateClock}
	case day, month && !hour:
		return format{kind: date}
	case hour:
		return format{kind: clock}
	}
	return format{}
}

// number gives the text of a numeric cell, or the key of why there is none or it cannot be trusted.
// Dates come as 2006-01-02, 2006-01-02 15:04:05 or 15:04:05; other numbers without exponent, to Excel's 15 digits.
func number(raw string, f format, base int) (text, key string) {
	if f.kind == plain && short(raw) {
		return raw, ""
	}
	v, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return raw, "table.cell_broken"
	}
	switch f.kind {
	case plain:
		return decimal(v)
	case zeros:
		text, key = decimal(v)
		if neg := strings.HasPrefix(text, "-"); neg || strings.Contains(text, ".") || key != "" {
			return text, key
		}
		return strings.Repeat("0", max(0, f.width-len(text))) + text, ""
	case elapsed:
		s := int64(math.Round(v * 86400))
		if s < 0 || v > maxSerial {
			return raw, "table.cell_date"
		}
		return strconv.FormatInt(s/3600, 10) + time.Unix(s%3600, 0).UTC().Format(":04:05"), ""
	}
	return moment(raw, v, f.kind, base)
}

// moment turns a serial into a date or time. In the 1900 system day 60 is a 29 February that never was (§18.17.4.1).
func moment(raw string, v float64, k kind, base int) (text, key string) {
	secs := int64(math.Round((v - math.Floor(v)) * 86400))
	day := math.Floor(v) + float64(base)
	if v < 0 || day > maxSerial {
		return raw, "table.cell_date"
	}
	if k == clock {
		return time.Unix(secs, 0).UTC().Format("15:04:05"), ""
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case day < 1 || day == 60:
		return raw, "table.cell_date"
	case day < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	at := epoch.AddDate(0, 0, int(day))
	if k == date {
		return at.Format(time.DateOnly), ""
	}
	return at.Add(time.Duration(secs) * time.Second).Format(time.DateTime), ""
}

// decimal writes v without exponent. Excel keeps 15 digits: of a whole number with more, such as an 18-digit
// identity number typed into a numeric cell, the last ones are lost for good, so it must not be loaded.
func decimal(v float64) (text, key string) {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64), "table.digits_lost"
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
	if r == 0 {
		return "0", ""
	}
	return strconv.FormatFloat(r, 'f', -1, 64), ""
}

// short reports whether raw is a number that needs no rewriting: at most 15 digits, perhaps a sign and a point.
func short(raw string) bool {
	digits, point := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '-' && i == 0 && len(raw) > 1:
		case c == '.' && !point && digits > 0 && i < len(raw)-1:
			point = true
		default:
			return false
		}
	}
	return digits > 0 && digits <= 15
}
