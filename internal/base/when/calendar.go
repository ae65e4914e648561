package when

import (
	_ "embed" // the workday calendar
	"maps"
	"slices"
	"sort"
	"time"

	"qushu/internal/base/errs"
)

//go:embed data/workdays.json
var workdays []byte

// Calendar tells workdays from days off and reckons time limits. It never changes once made, so any number of
// goroutines may share one.
type Calendar struct {
	hours  Hours
	years  map[int]map[int]special // by year of the notice, then by day
	days   map[int]special         // all years laid over each other
	shifts []shift
}

// special is a day that a holiday notice names: a day off, or a weekend day that is worked.
type special struct {
	off  bool
	name string
}

// shift says that up to and with day, sum more days are worked than weekends alone would give.
type shift struct{ day, sum int }

// Load returns the calendar the program carries (2018–2026) with DefaultHours.
func Load() (*Calendar, error) { return Parse(workdays) }

// Days gives the calendar that is in force now: a year's notice is entered while the program runs.
type Days func() *Calendar

// Always gives the same calendar for ever.
func Always(c *Calendar) Days { return func() *Calendar { return c } }

func build(years map[int]map[int]special, hours Hours) *Calendar {
	c := &Calendar{hours: hours, years: years, days: map[int]special{}}
	// In order of years: a later notice may move the last days of the year before it.
	for _, y := range slices.Sorted(maps.Keys(years)) {
		maps.Copy(c.days, years[y])
	}
	sum := 0
	for _, day := range slices.Sorted(maps.Keys(c.days)) {
		weekend := weekday(day) >= 5
		switch off := c.days[day].off; {
		case off && !weekend:
			sum--
		case !off && weekend:
			sum++
		default:
			continue
		}
		c.shifts = append(c.shifts, shift{day, sum})
	}
	return c
}

// WithHours returns a copy of c with other working hours; the zero Hours changes nothing.
func (c *Calendar) WithHours(h Hours) *Calendar {
	if h.total == 0 {
		return c
	}
	other := *c
	other.hours = h
	return &other
}

// Merge returns a copy of c to which the years of other are added; a year in both is taken from other.
func (c *Calendar) Merge(other *Calendar) *Calendar {
	years := maps.Clone(c.years)
	maps.Copy(years, other.years)
	return build(years, c.hours)
}

// Hours returns the working hours in force.
func (c *Calendar) Hours() Hours { return c.hours }

// Years returns the years whose holiday notice is known, ascending.
func (c *Calendar) Years() []int { return slices.Sorted(maps.Keys(c.years)) }

// Notice returns what the notice for a year names: date → name of the days off, and of the weekend days that are worked.
// Both are empty for a year that is not known.
func (c *Calendar) Notice(year int) (holidays, workdays map[string]string) {
	holidays, workdays = map[string]string{}, map[string]string{}
	for day, s := range c.years[year] {
		date := FormatDate(time.Unix(int64(day)*86400, 0).Add(-8 * time.Hour))
		if s.off {
			holidays[date] = s.name
		} else {
			workdays[date] = s.name
		}
	}
	return holidays, workdays
}

// IsWorkday reports whether the civil day of t is worked: Monday to Friday, less the days off and plus the make-up
// workdays (调休上班) of the yearly notice. In a year that is not covered only weekends are off; see Covers.
func (c *Calendar) IsWorkday(t time.Time) bool {
	day, _ := dayOf(t)
	return c.works(day)
}

func (c *Calendar) works(day int) bool {
	if s, ok := c.days[day]; ok {
		return !s.off
	}
	return weekday(day) < 5
}

// Name returns the holiday (春节, 国庆节 …) because of which the civil day of t is off or, on a weekend, worked;
// "" for every other day.
func (c *Calendar) Name(t time.Time) string {
	day, _ := dayOf(t)
	return c.days[day].name
}

// Covers reports whether the holidays of t's civil year are known.
func (c *Calendar) Covers(t time.Time) bool {
	_, ok := c.years[t.In(Zone).Year()]
	return ok
}

// Check returns nil when the holidays of all years from the one of from to the one of to are known, else an Invalid
// error, when.uncovered, that names the first missing year and the known ones. Use it where a figure must be right
// and not merely helpful.
func (c *Calendar) Check(from, to time.Time) error {
	known := c.Years()
	for y := from.In(Zone).Year(); y <= to.In(Zone).Year(); y++ {
		if _, ok := c.years[y]; !ok {
			return errs.New(errs.Invalid, "when.uncovered", y, known[0], known[len(known)-1])
		}
	}
	return nil
}

// workdaysBefore counts the workdays from 1970-01-01 up to but without day; negative for days before that.
func (c *Calendar) workdaysBefore(day int) int {
	monday := day + 3 // days since Monday, 1969-12-29
	weeks := monday / 7
	if monday%7 < 0 {
		weeks--
	}
	n := 5*weeks + min(monday-7*weeks, 5) - 3 // 29, 30 and 31 December 1969 were weekdays
	if i := sort.Search(len(c.shifts), func(i int) bool { return c.shifts[i].day >= day }); i > 0 {
		n += c.shifts[i-1].sum
	}
	return n
}

// The civil days a Calendar reckons with: 0001-01-01 to 9999-12-31.
const firstDay, lastDay = -719162, 2932896

// workday returns the day D with workdaysBefore(D) == n that is worked, the inverse of workdaysBefore.
func (c *Calendar) workday(n int) int {
	past := sort.Search(lastDay-firstDay, func(i int) bool { return c.workdaysBefore(firstDay+i+1) > n })
	return firstDay + past
}
