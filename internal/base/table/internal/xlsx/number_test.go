package xlsx

import "testing"

func TestParseFormat(t *testing.T) {
	for code, want := range map[string]format{
		"General": {}, "0.00": {}, "#,##0": {}, "0%": {}, "@": {}, "0.00E+00": {}, "# ?/?": {}, `0"天"`: {}, "[Red]0": {}, "0": {},
		"000000": {zeros, 6}, "00": {zeros, 2},
		"yyyy-mm-dd": {kind: date}, "m/d/yy": {kind: date}, "mmm": {kind: date}, `yyyy"年"m"月"d"日"`: {kind: date}, "[$-804]aaaa": {kind: date},
		"[DBNum1][$-804]yyyy\"年\"": {kind: date}, "[$-804]e/m/d": {kind: date}, "yyyy\\-mm\\-dd;@": {kind: date},
		"h:mm": {kind: clock}, "mm:ss.0": {kind: clock}, "h:mm AM/PM": {kind: clock}, "[h]:mm:ss": {kind: elapsed}, "[mm]:ss": {kind: elapsed},
		"yyyy-mm-dd hh:mm:ss.000": {kind: dateClock}, "m/d/yy h:mm": {kind: dateClock}, `"unclosed`: {}, "": {},
	} {
		if got := parseFormat(code); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		raw  string
		f    format
		want string
		key  string
	}{
		{"12", format{}, "12", ""},
		{"-0.5", format{}, "-0.5", ""},
		{"1e3", format{}, "1000", ""},
		{"0.30000000000000004", format{}, "0.3", ""},
		{"123456789012345", format{}, "123456789012345", ""},
		{"1234567890123456", format{}, "1234567890123456", "table.digits_lost"},
		{"-1E+20", format{}, "-100000000000000000000", "table.digits_lost"},
		{"1E-20", format{}, "0.00000000000000000001", ""},
		{"-", format{}, "-", "table.cell_broken"},
		{".5", format{}, "0.5", ""},
		{"1e999", format{}, "1e999", "table.cell_broken"},
		{"NaN", format{}, "NaN", "table.cell_broken"},
		{"7", format{zeros, 6}, "000007", ""},
		{"1234567", format{zeros, 6}, "1234567", ""},
		{"-7", format{zeros, 6}, "-7", ""},
		{"1", format{kind: date}, "1900-01-01", ""},
		{"59", format{kind: date}, "1900-02-28", ""},
		{"60", format{kind: date}, "60", "table.cell_date"},
		{"61", format{kind: date}, "1900-03-01", ""},
		{"45296.999999", format{kind: date}, "2024-01-05", ""},
		{"45296.9999999", format{kind: dateClock}, "2024-01-06 00:00:00", ""},
		{"45296.354340278", format{kind: dateClock}, "2024-01-05 08:30:15", ""},
		{"0", format{kind: date}, "0", "table.cell_date"},
		{"-1", format{kind: date}, "-1", "table.cell_date"},
		{"1e300", format{kind: date}, "1e300", "table.cell_date"},
		{"0.5", format{kind: clock}, "12:00:00", ""},
		{"1.5", format{kind: elapsed}, "36:00:00", ""},
		{"1e300", format{kind: elapsed}, "1e300", "table.cell_date"},
	} {
		if got, key := number(c.raw, c.f, 0); got != c.want || key != c.key {
			t.Errorf("%s %v: %s %s, want %s %s", c.raw, c.f, got, key, c.want, c.key)
		}
	}
}
