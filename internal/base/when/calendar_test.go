package when

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

func load(t testing.TB) *Calendar {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at reads "2023-06-01 09:00" or a date as civil time.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	if len(s) == len(dateLayout) {
		s += " 00:00"
	}
	got, err := time.ParseInLocation("2006-01-02 15:04", s, Zone)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestIsWorkday(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		date string
		work bool
		name string
	}{
		{"2023-06-21", true, ""},
		{"2023-06-22", false, "端午"},
		{"2023-06-23", false, "端午"},
		{"2023-06-24", false, "端午"},
		{"2023-06-25", true, "端午"}, // a Sunday, worked
		{"2023-06-26", true, ""},
		{"2018-12-29", true, "元旦"}, // a Saturday, by the notice for 2019
		{"2018-12-31", false, "元旦"},
		{"2024-02-09", true, ""}, // New Year's Eve was not off in 2024
		{"2024-02-10", false, "春节"},
		{"2026-02-14", true, "春节"},
		{"2026-02-15", false, "春节"},
		{"2026-10-10", true, "国庆节"},
		{"2026-12-26", false, ""}, // an ordinary Saturday
		{"2027-01-01", true, ""},  // a Friday, not covered: only weekends are off
		{"2027-01-02", false, ""},
		{"1999-10-01", true, ""},
		{"1969-12-31", true, ""},
	} {
		if d := at(t, x.date); c.IsWorkday(d) != x.work || c.Name(d) != x.name {
			t.Errorf("%s: workday %v, name %q", x.date, c.IsWorkday(d), c.Name(d))
		}
	}
	if noon := time.Date(2023, 6, 25, 16, 0, 0, 0, time.UTC); c.Name(noon) != "" {
		t.Error("16:00 UTC is already the next civil day")
	}
}

// Statutory days that fall on a weekend are made good, so a year has its weekdays less the statutory days: 11 of them,
// 13 from 2025. In 2020 the epidemic prolonged 春节: 31 January fell away and 1 February was no longer made up.
func TestWorkdaysOfAYear(t *testing.T) {
	c := load(t)
	if got := c.Years(); !slices.Equal(got, []int{2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026}) {
		t.Fatal(got)
	}
	want := map[int]int{2018: 261 - 11, 2019: 261 - 11, 2020: 262 - 11 - 2, 2021: 261 - 11, 2022: 260 - 11, 2023: 260 - 11,
		2024: 262 - 11, 2025: 261 - 13, 2026: 261 - 13}
	for y, n := range want {
		got := 0
		for d := time.Date(y, 1, 1, 0, 0, 0, 0, Zone); d.Year() == y; d = d.AddDate(0, 0, 1) {
			if c.IsWorkday(d) {
				got++
			}
		}
		if got != n {
			t.Errorf("%d: %d workdays, want %d", y, got, n)
		}
		if by := c.workdaysBefore(first(y+1)) - c.workdaysBefore(first(y)); by != got {
			t.Errorf("%d: counted %d, summed %d", y, got, by)
		}
	}
}

func first(y int) int {
	day, _ := dayOf(time.Date(y, 1, 1, 0, 0, 0, 0, Zone))
	return day
}

func TestWorkdaysBefore(t *testing.T) {
	c := load(t)
	if c.workdaysBefore(0) != 0 {
		t.Error("counts from 1970-01-01")
	}
	n := c.workdaysBefore(first(1960))
	for day := first(1960); day < first(2040); day++ {
		if c.workdaysBefore(day) != n {
			t.Fatalf("day %d: %d, want %d", day, c.workdaysBefore(day), n)
		}
		if c.works(day) {
			if got := c.workday(n); got != day {
				t.Fatalf("workday(%d) is %d, want %d", n, got, day)
			}
			n++
		}
	}
}

func TestCoversAndCheck(t *testing.T) {
	c := load(t)
	if !c.Covers(at(t, "2026-12-31 23:59")) || c.Covers(at(t, "2027-01-01")) || c.Covers(at(t, "2017-12-31")) {
		t.Error("covers 2018 to 2026")
	}
	if err := c.Check(at(t, "2018-01-01"), at(t, "2026-12-31")); err != nil {
		t.Error(err)
	}
	err := c.Check(at(t, "2026-12-30"), at(t, "2028-01-05"))
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Kind != errs.Invalid || e.Key != "when.uncovered" || fmt.Sprint(e.Args) != "[2027 2018 2026]" {
		t.Error(err)
	}
}

const year2027 = `{"years": {"2027": {
	"holidays": {"2026-12-31": "元旦", "2027-01-01": "元旦", "2027-02-08": "春节"},
	"workdays": {"2027-02-14": "春节"},
	"in_lieu": {"2027-02-08": "春节"}}}}`

func TestMerge(t *testing.T) {
	c := load(t)
	next, err := Parse([]byte(year2027))
	if err != nil {
		t.Fatal(err)
	}
	both := c.Merge(next)
	if !both.Covers(at(t, "2027-06-01")) || !both.Covers(at(t, "2018-06-01")) || c.Covers(at(t, "2027-06-01")) {
		t.Error("merge adds a year and leaves its operands alone")
	}
	if both.IsWorkday(at(t, "2027-01-01")) || !both.IsWorkday(at(t, "2027-02-14")) {
		t.Error("2027 is as the file says")
	}
	if !c.IsWorkday(at(t, "2026-12-31")) || both.IsWorkday(at(t, "2026-12-31")) {
		t.Error("a notice may move the last days of the year before")
	}
	if again := both.Merge(c); again.IsWorkday(at(t, "2026-12-31")) {
		t.Error("the notice for 2027 still holds when 2026 is replaced")
	}
	if h, _ := ParseHours("9:00-17:00"); c.WithHours(h).Merge(next).Hours().String() != "09:00-17:00" {
		t.Error("merge keeps the hours")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, x := range []struct{ name, in, key, fields string }{
		{"empty", ``, "when.json", ""},
		{"not JSON", `years`, "when.json", ""},
		{"two documents", `{"years":{}} {}`, "when.json", ""},
		{"misspelt key", `{"years":{"2027":{"holiday":{"2027-01-01":"元旦"}}}}`, "when.json", ""},
		{"no years", `{"years":{}}`, "when.no_years", ""},
		{"year", `{"years":{"27":{"holidays":{"2027-01-01":"元旦"}}}}`, "when.file", "27 when.year"},
		{"no day off", `{"years":{"2027":{}}}`, "when.file", "2027 when.empty_year"},
		{"no such date", `{"years":{"2027":{"holidays":{"2027-02-29":"春节"}}}}`, "when.file", "2027-02-29 when.date"},
		{"other year", `{"years":{"2027":{"holidays":{"2028-01-01":"元旦","2026-11-30":"元旦"}}}}`, "when.file",
			"2026-11-30 when.other_year; 2028-01-01 when.other_year"},
		{"both", `{"years":{"2027":{"holidays":{"2027-02-14":"春节"},"workdays":{"2027-02-14":"春节"}}}}`, "when.file", "2027-02-14 when.both"},
		{"no name", `{"years":{"2027":{"holidays":{"2027-01-01":""}}}}`, "when.file", "2027-01-01 when.name"},
		{"worked Monday", `{"years":{"2027":{"holidays":{"2027-01-01":"元旦"},"workdays":{"2027-01-04":"元旦"}}}}`, "when.file",
			"2027-01-04 when.not_weekend"},
		{"huge", strings.Repeat(" ", maxFile+1), "when.too_large", ""},
	} {
		_, err := Parse([]byte(x.in))
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Key != x.key {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		var fields []string
		for _, f := range e.Fields {
			fields = append(fields, f.Name+" "+f.Key)
		}
		if got := strings.Join(fields, "; "); got != x.fields {
			t.Errorf("%s: %q", x.name, got)
		}
	}
}

func TestTexts(t *testing.T) {
	c, err := errs.NewCatalog(Text)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range Units() {
		if !c.Has(u.Key()) {
			t.Error(u.Key())
		}
	}
	for _, key := range []string{"when.date", "when.unit", "when.amount", "when.hours", "when.uncovered", "when.too_large", "when.json",
		"when.no_years", "when.file", "when.year", "when.empty_year", "when.both", "when.other_year", "when.name", "when.not_weekend"} {
		if !c.Has(key) {
			t.Error(key)
		}
	}
}

func TestParseDate(t *testing.T) {
	got, err := ParseDate("2024-02-29")
	if err != nil || got.Format(time.RFC3339) != "2024-02-29T00:00:00+08:00" || FormatDate(got.UTC()) != "2024-02-29" {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "2023-02-29", "2024-2-9", "20240229", strings.Repeat("二", 1000)} {
		if _, err := ParseDate(bad); errs.KeyOf(err) != "when.date" || len(err.Error()) > 300 {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(year2027))
	f.Add(workdays[:2000])
	f.Add([]byte(`{"years":{"2027":{"holidays":{"2027-01-01":"元旦"}}}}`))
	f.Add([]byte(`{"years":{"2027":null,"2026":{"workdays":{"2026-01-03":"x"}}}}`))
	base := load(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := Parse(in)
		if err != nil {
			if errs.KindOf(err) == errs.Internal {
				t.Fatal("a bad file is the user's matter:", err)
			}
			return
		}
		for _, c := range []*Calendar{c, base.Merge(c)} {
			for _, y := range c.Years() {
				start := time.Date(y, 12, 31, 17, 0, 0, 0, Zone)
				due, err := c.Deadline(start, 3, WorkDay)
				if err != nil || c.Elapsed(start, due, WorkDay) != 24*time.Hour {
					t.Fatalf("%d: %v, %v", y, due, err)
				}
			}
		}
	})
}
