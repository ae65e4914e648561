package when

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

// The vectors of GB/T 30428.1 practice: 08:00–12:00, 14:00–18:00, the dragon-boat holiday of 2023.
func TestDeadline(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		start string
		n     float64
		unit  Unit
		due   string
	}{
		{"2023-06-01 09:00", 4, WorkHour, "2023-06-01 15:00"},
		{"2023-06-01 16:30", 2, WorkHour, "2023-06-02 08:30"},
		{"2023-06-02 17:00", 4, WorkHour, "2023-06-05 11:00"},
		{"2023-06-02 12:30", 2, WorkHour, "2023-06-02 16:00"},
		{"2023-06-03 10:00", 2, WorkHour, "2023-06-05 10:00"},
		{"2023-06-21 17:00", 4, WorkHour, "2023-06-25 11:00"},
		{"2023-06-21 17:00", 2, WorkDay, "2023-06-26 17:00"},
		{"2023-06-21 17:00", 16, WorkHour, "2023-06-26 17:00"},

		{"2023-06-21 17:00", 4, UrgentHour, "2023-06-21 21:00"},
		{"2023-06-21 22:00", 24, UrgentHour, "2023-06-22 22:00"},
		{"2023-06-21 17:00", 2, Day, "2023-06-23 17:00"},
		{"2024-02-28 10:00", 2, Day, "2024-03-01 10:00"},
		{"2023-06-01 09:00", 0.25, WorkHour, "2023-06-01 09:15"},
		{"2023-06-01 09:00", 0.5, WorkDay, "2023-06-01 15:00"},

		// A limit that ends with the working time ends there.
		{"2023-06-01 09:00", 3, WorkHour, "2023-06-01 12:00"},
		{"2023-06-01 08:00", 1, WorkDay, "2023-06-01 18:00"},
		{"2023-06-02 18:00", 1, WorkDay, "2023-06-05 18:00"},
		{"2023-06-02 23:00", 1, WorkDay, "2023-06-05 18:00"},
		{"2023-06-03 00:00", 5, WorkDay, "2023-06-09 18:00"},
		{"2023-06-01 06:00", 1, WorkHour, "2023-06-01 09:00"},

		{"2023-06-03 10:00", 0, WorkDay, "2023-06-03 10:00"},
		{"2026-12-31 17:00", 2, WorkHour, "2027-01-01 09:00"}, // 2027 is not covered
		{"2023-09-28 17:00", 1, WorkDay, "2023-10-07 17:00"},  // eight days off, then a worked Saturday
	} {
		start := at(t, x.start)
		due, err := c.Deadline(start, x.n, x.unit)
		if err != nil || !due.Equal(at(t, x.due)) {
			t.Errorf("%s + %v %s = %v, %v; want %s", x.start, x.n, x.unit, due, err, x.due)
		}
		if got := c.Count(c.Elapsed(start, due, x.unit), x.unit); got != x.n {
			t.Errorf("%s → %s: %v %s, want %v", x.start, x.due, got, x.unit, x.n)
		}
		if due.Location() != Zone {
			t.Errorf("%s: result in %v", x.start, due.Location())
		}
	}
}

func TestDeadlineRefuses(t *testing.T) {
	c := load(t)
	start := at(t, "2023-06-01 09:00")
	for _, x := range []struct {
		n    float64
		unit Unit
		key  string
	}{
		{1, "", "when.unit"},
		{1, "week", "when.unit"},
		{-1, WorkDay, "when.amount"},
		{math.NaN(), WorkHour, "when.amount"},
		{math.Inf(1), Day, "when.amount"},
		{1e300, WorkDay, "when.amount"},
		{40_000, Day, "when.amount"},
	} {
		if _, err := c.Deadline(start, x.n, x.unit); errs.KeyOf(err) != x.key {
			t.Errorf("%v %q: %v", x.n, x.unit, err)
		}
	}
}

func TestAddBackwards(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		from string
		d    time.Duration
		unit Unit
		to   string
	}{
		{"2023-06-05 09:00", -2 * time.Hour, WorkHour, "2023-06-02 17:00"},
		{"2023-06-05 09:00", -time.Hour, WorkHour, "2023-06-05 08:00"},
		{"2023-06-05 15:00", -time.Hour, WorkHour, "2023-06-05 14:00"},
		{"2023-06-04 15:00", -8 * time.Hour, WorkDay, "2023-06-02 08:00"},
		{"2023-06-02 20:00", -8 * time.Hour, WorkDay, "2023-06-02 08:00"},
		{"2023-06-25 11:00", -4 * time.Hour, WorkHour, "2023-06-21 17:00"},
		{"2023-06-25 11:00", -4 * time.Hour, UrgentHour, "2023-06-25 07:00"},
	} {
		if got := c.Add(at(t, x.from), x.d, x.unit); !got.Equal(at(t, x.to)) {
			t.Errorf("%s %v %s = %v, want %s", x.from, x.d, x.unit, got, x.to)
		}
	}
}

func TestElapsedAndRemaining(t *testing.T) {
	c := load(t)
	from, to := at(t, "2023-06-21 17:00"), at(t, "2023-06-25 11:00")
	if got := c.Elapsed(from, to, WorkHour); got != 4*time.Hour {
		t.Error(got)
	}
	if got := c.Elapsed(to, from, WorkHour); got != -4*time.Hour {
		t.Error("signed:", got)
	}
	if got := c.Remaining(at(t, "2023-06-24 09:00"), to, WorkHour); got != 3*time.Hour {
		t.Error("during a holiday nothing passes:", got)
	}
	if got := c.Remaining(at(t, "2023-06-26 08:30"), to, WorkHour); got != -5*time.Hour-30*time.Minute {
		t.Error("overdue is negative:", got)
	}
	if got := c.Elapsed(from, to, Day); got != 90*time.Hour {
		t.Error(got)
	}
	if got := c.Elapsed(time.Time{}, to, WorkDay); got <= 0 {
		t.Error("the zero time is far away, not before:", got)
	}
	if got := c.Elapsed(time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, Zone), WorkDay); got != math.MaxInt64 {
		t.Error(got)
	}
	if got := c.Add(from, math.MaxInt64, WorkDay); got.Year() < 2300 || got.Year() > 9999 {
		t.Error(got)
	}
}

func TestPause(t *testing.T) {
	c := load(t)
	due, _ := c.Deadline(at(t, "2023-06-20 09:00"), 2, WorkDay)
	paused, resumed := at(t, "2023-06-21 15:00"), at(t, "2023-06-25 09:00")
	due = c.Add(due, c.Elapsed(paused, resumed, WorkDay), WorkDay)
	// Left at the pause: 2 h to 17:00 and 1 h of the morning before; all of it is left at the resumption.
	if got := c.Remaining(resumed, due, WorkDay); got != c.Remaining(paused, at(t, "2023-06-25 09:00"), WorkDay) {
		t.Error(got)
	}
	if !due.Equal(at(t, "2023-06-25 15:00")) {
		t.Error(due)
	}
}

func TestHours(t *testing.T) {
	for in, want := range map[string]string{
		DefaultHours:              DefaultHours,
		"8:30－12：00，14：00至17：30":  "08:30-12:00,14:00-17:30",
		"09:00 - 17:00":           "09:00-17:00",
		"00:00-24:00":             "00:00-24:00",
		"08:00-12:00、14:30–18:00": "08:00-12:00,14:30-18:00",
	} {
		if h, err := ParseHours(in); err != nil || h.String() != want {
			t.Errorf("%q: %v, %v", in, h, err)
		}
	}
	for _, bad := range []string{"", "8-12", "08:00", "08:00-", "12:00-08:00", "08:00-12:00,11:00-18:00", "08:00-24:01", "08:60-12:00",
		"22:00-06:00", "08:00-08:30", "14:00-18:00,08:00-12:00", "08:00-12:00,", "a:bc-d:ef", "-8:00-12:00", "008:00-12:00"} {
		if _, err := ParseHours(bad); errs.KeyOf(err) != "when.hours" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	h, _ := ParseHours("09:00-12:00,13:00-17:00")
	c := load(t).WithHours(h)
	if c.Hours().Total() != 7*time.Hour || c.Length(WorkDay) != 7*time.Hour {
		t.Error("a workday is as long as its hours")
	}
	if due, err := c.Deadline(at(t, "2023-06-02 16:00"), 1, WorkDay); err != nil || !due.Equal(at(t, "2023-06-05 16:00")) {
		t.Error(due, err)
	}
	if load(t).WithHours(Hours{}).Hours().String() != DefaultHours {
		t.Error("no hours, no change")
	}
}

// slowly reckons working time minute by minute, as a check on the arithmetic.
func slowly(c *Calendar, from, to time.Time) time.Duration {
	var n time.Duration
	for m := from; m.Before(to); m = m.Add(time.Minute) {
		civil := m.In(Zone)
		if hour := civil.Hour(); c.IsWorkday(civil) && (hour >= 8 && hour < 12 || hour >= 14 && hour < 18) {
			n += time.Minute
		}
	}
	return n
}

func TestElapsedAgainstCounting(t *testing.T) {
	c := load(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		from := time.Date(2017, 12, 1, 0, rnd.IntN(10*365*24*60), 0, 0, Zone)
		to := from.Add(time.Duration(rnd.IntN(20*24*60)) * time.Minute)
		if got, want := c.Elapsed(from, to, WorkHour), slowly(c, from, to); got != want {
			t.Fatalf("%v to %v: %v, want %v", from, to, got, want)
		}
	}
}

func FuzzLimit(f *testing.F) {
	f.Add(int64(1685581200), int64(4*3600), int64(60), byte(0))
	f.Add(int64(1687338000), int64(16*3600), int64(0), byte(2))
	f.Add(int64(1798700400), int64(2*3600), int64(1<<40), byte(1))
	f.Add(int64(-62135596800), int64(1), int64(1), byte(3))
	f.Add(int64(1685581200), int64(-28800), int64(28800), byte(2))
	c := load(f)
	f.Fuzz(func(t *testing.T, unix, seconds, more int64, unit byte) {
		u := Units()[int(unit)%len(Units())]
		start := time.Unix(unix%(1<<35), 0) // years 881 to 3058
		d := time.Duration(seconds%(1<<32)) * time.Second
		x := c.Add(start, d, u)
		if got := c.Elapsed(start, x, u); got != d {
			t.Fatalf("%v + %v %s = %v, which is %v away", start, d, u, x, got)
		}
		if d >= 0 == x.Before(start) && d != 0 {
			t.Fatalf("%v + %v %s = %v goes the wrong way", start, d, u, x)
		}
		if d > 0 && c.Elapsed(start, x.Add(-1), u) >= d || d < 0 && c.Elapsed(start, x.Add(1), u) <= d {
			t.Fatalf("%v + %v %s = %v is not the nearest", start, d, u, x)
		}
		further := d + time.Duration(more&(1<<30))*time.Second
		if c.Add(start, further, u).Before(x) {
			t.Fatalf("%v: %v %s comes after %v", start, d, u, further)
		}
		if later := start.Add(time.Duration(more&(1<<24)) * time.Second); c.Add(later, d, u).Before(x) {
			t.Fatalf("starting later than %v ends earlier", start)
		}
	})
}

func FuzzParseHours(f *testing.F) {
	for _, s := range []string{DefaultHours, "8:30－12：00，14：00至17：30", "22:00-06:00", "-,:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHours(s)
		if err != nil {
			return
		}
		again, err := ParseHours(h.String())
		if err != nil || again.String() != h.String() || h.Total() < time.Hour || h.Total() > 24*time.Hour {
			t.Fatalf("%q: %v, %v", s, h, err)
		}
	})
}

func BenchmarkDeadline(b *testing.B) {
	c := load(b)
	start := at(b, "2023-06-21 17:00")
	for b.Loop() {
		if _, err := c.Deadline(start, 7, WorkDay); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkElapsed(b *testing.B) {
	c := load(b)
	from, to := at(b, "2023-06-21 17:00"), at(b, "2024-02-01 09:00")
	for b.Loop() {
		c.Elapsed(from, to, WorkHour)
	}
}
