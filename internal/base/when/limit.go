package when

import (
	"math"
	"time"

	"qushu/internal/base/errs"
)

// Unit is the unit a time limit is written in.
type Unit string

// The four units of city management (GB/T 30428.1). The first and the last run on the wall clock, the other two
// only while work is done: on workdays, in working hours.
const (
	UrgentHour Unit = "urgent_hour" // 紧急工作时: an hour, nights and holidays included
	WorkHour   Unit = "work_hour"   // 工作时: an hour of working time
	WorkDay    Unit = "work_day"    // 工作日: the working time of one workday, 8 hours by default, not a date
	Day        Unit = "day"         // 自然日: 24 hours
)

// Units lists the units from the shortest limit to the longest.
func Units() []Unit { return []Unit{UrgentHour, WorkHour, WorkDay, Day} }

// Valid reports whether u is one of the four units.
func (u Unit) Valid() bool { return u == UrgentHour || u == WorkHour || u == WorkDay || u == Day }

// Key is the text key of the unit's name.
func (u Unit) Key() string { return "when." + string(u) }

func (u Unit) working() bool { return u == WorkHour || u == WorkDay }

// Length returns how long one u lasts on u's own clock, working time for WorkHour and WorkDay.
func (c *Calendar) Length(u Unit) time.Duration {
	switch u {
	case WorkDay:
		return c.hours.total
	case Day:
		return 24 * time.Hour
	}
	return time.Hour
}

// Count turns a duration on u's clock, as Elapsed gives it, into a number of units.
func (c *Calendar) Count(d time.Duration, u Unit) float64 { return float64(d) / float64(c.Length(u)) }

// longest limit: 100 years of wall clock.
const longest = 100 * 366 * 24 * time.Hour

// Deadline returns the instant at which n units have passed since start; n may be a fraction and is taken to the
// second. A limit that ends with the working time of a day ends there, not at the opening of the next.
// Errors are Invalid: when.unit for an unknown unit, when.amount for an n that is negative, not a number or longer
// than a century. Holidays of a year that is not covered do not count; see Covers.
func (c *Calendar) Deadline(start time.Time, n float64, u Unit) (time.Time, error) {
	if !u.Valid() {
		return time.Time{}, errs.New(errs.Invalid, "when.unit", clip(string(u)))
	}
	seconds := math.Round(n * c.Length(u).Seconds())
	if !(seconds >= 0 && seconds <= longest.Seconds()) {
		return time.Time{}, errs.New(errs.Invalid, "when.amount", n)
	}
	return c.Add(start, time.Duration(seconds)*time.Second, u), nil
}

// Add moves t by d on u's clock: forward to the earliest instant with Elapsed(t, x, u) == d, or for a negative d back
// to the latest one. A pause (挂账) prolongs a limit by what passed of it:
//
//	due = c.Add(due, c.Elapsed(paused, resumed, u), u)
//
// Results are kept within the years 1 to 9999. An unknown unit runs on the wall clock.
func (c *Calendar) Add(t time.Time, d time.Duration, u Unit) time.Time {
	if d == 0 {
		return t.In(Zone)
	}
	if !u.working() {
		return t.Add(d).In(Zone)
	}
	day, clock := dayOf(t)
	var done time.Duration
	if c.works(day) {
		done = c.hours.worked(clock)
	}
	before := c.workdaysBefore(day)
	if d > 0 {
		// done ≤ 24 h cannot overflow against d: what does not fit in whole days is added last.
		whole, rest := int(d/c.hours.total), d%c.hours.total+done
		for rest > c.hours.total {
			whole, rest = whole+1, rest-c.hours.total
		}
		if rest == 0 { // exactly at the close of the day before
			whole, rest = whole-1, c.hours.total
		}
		return instant(c.workday(before+whole), c.hours.reached(rest))
	}
	whole, rest := int(d/c.hours.total), d%c.hours.total+done
	for rest < 0 {
		whole, rest = whole-1, rest+c.hours.total
	}
	if rest == c.hours.total { // exactly at the opening of the day after
		whole, rest = whole+1, 0
	}
	return instant(c.workday(before+whole), c.hours.left(rest))
}

// Elapsed returns how much of u's clock passed from one instant to another, negative when to lies before from. It is
// the inverse of Add: Elapsed(t, Add(t, d, u), u) == d. Beyond 292 years it stays at the longest Duration.
func (c *Calendar) Elapsed(from, to time.Time, u Unit) time.Duration {
	if !u.working() {
		return to.Sub(from)
	}
	whole := c.position(to) - c.position(from)
	if most := int(math.MaxInt64/c.hours.total) - 1; whole > most {
		return math.MaxInt64
	} else if whole < -most {
		return math.MinInt64
	}
	return time.Duration(whole)*c.hours.total + c.today(to) - c.today(from)
}

// Remaining returns what is left at now of a limit that ends at due, on u's clock; negative when it is overdue.
func (c *Calendar) Remaining(now, due time.Time, u Unit) time.Duration { return c.Elapsed(now, due, u) }

func (c *Calendar) position(t time.Time) int {
	day, _ := dayOf(t)
	return c.workdaysBefore(day)
}

// today returns the time worked on t's day up to t.
func (c *Calendar) today(t time.Time) time.Duration {
	day, clock := dayOf(t)
	if !c.works(day) {
		return 0
	}
	return c.hours.worked(clock)
}
