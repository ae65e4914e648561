// Package schedule says when a feed runs next, in civil time.
package schedule

import (
	"fmt"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

// Schedule is how often something is done. The zero Schedule is by hand.
type Schedule struct {
	Every string `json:"every" required:"false" enum:",minutes,hours,daily,workdays,weekly,monthly" doc:"empty: by hand only"`
	N     int    `json:"n,omitempty" required:"false" minimum:"0" maximum:"1440" doc:"of minutes and hours: how many"`
	At    string `json:"at,omitempty" required:"false" maxLength:"5" doc:"time of day, 02:30; of hours its minutes count"`
	Day   int    `json:"day,omitempty" required:"false" minimum:"0" maximum:"31" doc:"of weekly 1 Monday … 7 Sunday, of monthly the day, the last one in a shorter month"`
}

// least is how close together two runs may be, in minutes.
const least = 5

// Check says what is wrong with s.
func (s Schedule) Check() error {
	ok := true
	switch s.Every {
	case "":
		return nil
	case "minutes":
		ok = s.N >= least && s.N <= 1440
	case "hours":
		ok = s.N >= 1 && s.N <= 24
	case "weekly":
		ok = s.Day >= 1 && s.Day <= 7
	case "monthly":
		ok = s.Day >= 1 && s.Day <= 31
	case "daily", "workdays":
	default:
		ok = false
	}
	if _, _, fine := clock(s.At); !ok || s.Every != "minutes" && !fine {
		return errs.New(errs.Invalid, "library.bad_schedule").With(errs.Field{Name: "schedule", Key: "library.bad_schedule"})
	}
	return nil
}

// clock reads hh:mm; "" is midnight.
func clock(s string) (h, m int, ok bool) {
	if s == "" {
		return 0, 0, true
	}
	n, err := fmt.Sscanf(s, "%2d:%2d", &h, &m)
	return h, m, err == nil && n == 2 && h >= 0 && h < 24 && m >= 0 && m < 60 && len(s) == 5
}

// Next returns the first moment after t at which s is due, the zero time when it is by hand. days tells the workdays.
func (s Schedule) Next(t time.Time, days *when.Calendar) time.Time {
	t = t.In(when.Zone)
	h, m, _ := clock(s.At)
	day := func(offset int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+offset, h, m, 0, 0, when.Zone)
	}
	switch s.Every {
	case "minutes":
		return t.Truncate(time.Minute).Add(time.Duration(s.N) * time.Minute)
	case "hours": // counted from midnight, so that the hours are the same every day
		for n := 0; ; n += s.N {
			at := time.Date(t.Year(), t.Month(), t.Day(), n, m, 0, 0, when.Zone)
			if n >= 24 {
				at = time.Date(t.Year(), t.Month(), t.Day()+1, 0, m, 0, 0, when.Zone)
			}
			if at.After(t) || n >= 24 {
				return at
			}
		}
	case "daily":
		if at := day(0); at.After(t) {
			return at
		}
		return day(1)
	case "workdays":
		for i := 0; i < 40; i++ { // no row of days off is longer
			if at := day(i); at.After(t) && days.IsWorkday(at) {
				return at
			}
		}
		return day(1)
	case "weekly":
		for i := 0; ; i++ {
			if at := day(i); at.After(t) && (int(at.Weekday())+6)%7+1 == s.Day {
				return at
			}
		}
	case "monthly":
		for i := 0; ; i++ {
			first := time.Date(t.Year(), t.Month()+time.Month(i), 1, h, m, 0, 0, when.Zone)
			last := first.AddDate(0, 1, -1).Day()
			if at := first.AddDate(0, 0, min(s.Day, last)-1); at.After(t) {
				return at
			}
		}
	}
	return time.Time{}
}

// Late reports whether what last went well at last should have been done again by now, with one turn let go by.
func (s Schedule) Late(last, now time.Time, days *when.Calendar) bool {
	next := s.Next(last, days)
	return !next.IsZero() && now.After(s.Next(next, days).Add(time.Hour))
}
