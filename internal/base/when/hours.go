package when

import (
	"fmt"
	"strings"
	"time"

	"qushu/internal/base/errs"
)

// DefaultHours are the working hours when nothing else is set: 08:00–12:00 and 14:00–18:00.
const DefaultHours = "08:00-12:00,14:00-18:00"

// Hours are the working hours of a workday: spans of the day in order, which do not touch each other.
type Hours struct {
	spans []span
	total time.Duration
}

type span struct{ from, to time.Duration } // since midnight

// ParseHours reads working hours written like "08:00-12:00,14:00-18:00", as an administrator types them: full-width
// punctuation and spaces are fine, 24:00 may end the last span. They last an hour at least and never pass midnight.
// The error is Invalid, when.hours.
func ParseHours(s string) (Hours, error) {
	bad := errs.New(errs.Invalid, "when.hours", clip(s))
	plain := strings.NewReplacer("，", ",", "、", ",", "：", ":", "－", "-", "–", "-", "—", "-", "～", "-", "~", "-", "至", "-", " ", "").Replace(s)
	var h Hours
	last := time.Duration(-1)
	for part := range strings.SplitSeq(plain, ",") {
		from, to, ok := strings.Cut(part, "-")
		a, okA := parseClock(from)
		b, okB := parseClock(to)
		if !ok || !okA || !okB || a <= last || b <= a {
			return Hours{}, bad
		}
		h.spans = append(h.spans, span{a, b})
		h.total += b - a
		last = b
	}
	if h.total < time.Hour {
		return Hours{}, bad
	}
	return h, nil
}

// parseClock reads H:MM or HH:MM from 0:00 to 24:00.
func parseClock(s string) (time.Duration, bool) {
	hour, minute, ok := strings.Cut(s, ":")
	if !ok || len(hour) < 1 || len(hour) > 2 || len(minute) != 2 {
		return 0, false
	}
	n := [2]int{}
	for i, part := range [2]string{hour, minute} {
		for _, c := range []byte(part) {
			if c < '0' || c > '9' {
				return 0, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	d := time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute
	return d, n[1] < 60 && d <= 24*time.Hour
}

// String writes h the way ParseHours reads it.
func (h Hours) String() string {
	var parts []string
	for _, s := range h.spans {
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d",
			s.from/time.Hour, s.from%time.Hour/time.Minute, s.to/time.Hour, s.to%time.Hour/time.Minute))
	}
	return strings.Join(parts, ",")
}

// Total is how long a workday is worked.
func (h Hours) Total() time.Duration { return h.total }

// worked returns the time worked between midnight and clock.
func (h Hours) worked(clock time.Duration) time.Duration {
	var sum time.Duration
	for _, s := range h.spans {
		if clock > s.from {
			sum += min(clock, s.to) - s.from
		}
	}
	return sum
}

// reached returns the earliest clock at which work has been worked, 0 < work ≤ total.
func (h Hours) reached(work time.Duration) time.Duration {
	for _, s := range h.spans {
		if work <= s.to-s.from {
			return s.from + work
		}
		work -= s.to - s.from
	}
	return h.spans[len(h.spans)-1].to
}

// left returns the latest clock at which no more than work has been worked, 0 ≤ work < total.
func (h Hours) left(work time.Duration) time.Duration {
	for _, s := range h.spans {
		if work < s.to-s.from {
			return s.from + work
		}
		work -= s.to - s.from
	}
	return h.spans[len(h.spans)-1].to
}
