package table

import (
	"strconv"
	"strings"
	"time"
)

// civil is the one time zone of the country (GB/T 7408, +08:00); it has no summer time.
func civil() *time.Location { return time.FixedZone("+08:00", 8*3600) }

// Parse turns a cell into a value of type t (see the types), nil when it is blank. key names the text of why it
// cannot, "" when it can; the text's {0} is the cell. Text keeps its spaces; the others are trimmed.
func Parse(t Type, text string) (value any, key string) {
	s := strings.TrimSpace(text)
	if s == "" {
		return nil, ""
	}
	switch t {
	case TypeInteger:
		if v, ok := parseDecimal(s); ok && !strings.Contains(v, ".") {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n, ""
			}
		}
		return nil, "table.not_integer"
	case TypeDecimal:
		if v, ok := parseDecimal(s); ok {
			return v, ""
		}
		return nil, "table.not_decimal"
	case TypeDate:
		if d, ok := parseDate(s); ok {
			return d, ""
		}
		if at, ok := parseDateTime(s); ok && at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
			return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC), ""
		}
		return nil, "table.not_date"
	case TypeDateTime:
		if at, ok := parseDateTime(s); ok {
			return at, ""
		}
		return nil, "table.not_datetime"
	case TypeBoolean:
		switch strings.ToLower(s) {
		case "是", "true", "t", "yes", "y", "真", "√":
			return true, ""
		case "否", "false", "f", "no", "n", "假", "×":
			return false, ""
		}
		return nil, "table.not_boolean"
	}
	return text, ""
}

// parseDecimal reads a number with optional sign and thousands commas into sign, digits, point, digits: no leading
// zeros or plus, nothing like "1." or ".5", no exponent, at most 38 digits.
func parseDecimal(s string) (string, bool) {
	sign := ""
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	if strings.Contains(whole, ",") {
		groups := strings.Split(whole, ",")
		for i, g := range groups {
			if len(g) > 3 || len(g) == 0 || i > 0 && len(g) != 3 {
				return "", false
			}
		}
		whole = strings.Join(groups, "")
	}
	if !digits(whole) || point && !digits(frac) || len(whole)+len(frac) > 38 {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if point {
		whole += "." + frac
	}
	if strings.Trim(whole, "0.") == "" {
		sign = ""
	}
	return sign + whole, true
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// parseDate reads 2024-01-05, 2024/1/5, 2024.1.5, 2024年1月5日, years 1800 to 9999 (9999-12-31 is how systems write "for
// good"), and 20240105, years 1800 to 2199.
func parseDate(s string) (time.Time, bool) {
	if len(s) > 20 {
		return time.Time{}, false
	}
	if len(s) == 8 && digits(s) {
		d, ok := makeDate(s[:4], s[4:6], s[6:])
		return d, ok && d.Year() < 2200
	}
	for _, sep := range []string{"-", "/", "."} {
		if p := strings.Split(s, sep); len(p) == 3 {
			return makeDate(p[0], p[1], p[2])
		}
	}
	y, rest, ok1 := strings.Cut(s, "年")
	m, rest, ok2 := strings.Cut(rest, "月")
	d, rest, ok3 := strings.Cut(rest, "日")
	if !ok1 || !ok2 || !ok3 || rest != "" {
		return time.Time{}, false
	}
	return makeDate(y, strings.TrimSpace(m), strings.TrimSpace(d))
}

func makeDate(y, m, d string) (time.Time, bool) {
	if len(y) != 4 || len(m) > 2 || len(d) > 2 || !digits(y) || !digits(m) || !digits(d) {
		return time.Time{}, false
	}
	yy, _ := strconv.Atoi(y)
	mm, _ := strconv.Atoi(m)
	dd, _ := strconv.Atoi(d)
	t := time.Date(yy, time.Month(mm), dd, 0, 0, 0, 0, time.UTC)
	return t, yy >= 1800 && int(t.Month()) == mm && t.Day() == dd
}

// parseDateTime reads a date, then optionally a time 8:30, 08:30:15, 08:30:15.123, 8时30分15秒, with Z or an offset
// when it is not at +08:00.
func parseDateTime(s string) (time.Time, bool) {
	day, clock := s, ""
	if i := strings.IndexAny(s, " T"); i > 0 {
		day, clock = s[:i], strings.TrimSpace(s[i+1:])
	} else if i := strings.Index(s, "日"); i > 0 {
		day, clock = s[:i+len("日")], s[i+len("日"):]
	}
	d, ok := parseDate(day)
	if !ok {
		return time.Time{}, false
	}
	zone := civil()
	if i := strings.IndexAny(clock, "Z+-"); i > 0 {
		off, err := time.Parse("Z07:00", clock[i:])
		if err != nil {
			return time.Time{}, false
		}
		zone, clock = off.Location(), strings.TrimSpace(clock[:i])
	}
	h, m, sec, ok := parseClock(clock)
	if !ok {
		return time.Time{}, false
	}
	at := time.Date(d.Year(), d.Month(), d.Day(), h, m, 0, 0, zone).Add(sec)
	return at.In(civil()), true
}

// parseClock reads hours, minutes and seconds; nothing is midnight.
func parseClock(s string) (h, m int, sec time.Duration, ok bool) {
	if s == "" {
		return 0, 0, 0, true
	}
	s = strings.TrimSuffix(strings.NewReplacer("时", ":", "分", ":", "秒", "").Replace(s), ":")
	p := strings.Split(s, ":")
	if len(p) < 2 || len(p) > 3 {
		return 0, 0, 0, false
	}
	for _, x := range p[:2] {
		if len(x) > 2 || !digits(x) {
			return 0, 0, 0, false
		}
	}
	h, _ = strconv.Atoi(p[0])
	m, _ = strconv.Atoi(p[1])
	if len(p) == 3 {
		whole, frac, point := strings.Cut(p[2], ".")
		if len(whole) > 2 || !digits(whole) || point && (len(frac) > 9 || !digits(frac)) {
			return 0, 0, 0, false
		}
		var err error
		if sec, err = time.ParseDuration(p[2] + "s"); err != nil || sec >= time.Minute {
			return 0, 0, 0, false
		}
	}
	return h, m, sec, h < 24 && m < 60
}
