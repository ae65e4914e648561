// Package when keeps civil time: the one zone of the country, which days are worked, and the four units in which
// a case's time limit is written. It holds no clock: callers pass the times in.
package when

import (
	"embed"
	"time"

	"qushu/internal/base/errs"
)

// Text holds the words of this package's errors and units, zh and en.
//
//go:embed text/*.json
var Text embed.FS

const zoneSeconds = 8 * 60 * 60

// Zone is civil time, +08:00 without summer time. It is fixed so that the program needs no zone database.
var Zone = time.FixedZone("+08:00", zoneSeconds)

const dateLayout = "2006-01-02"

// FormatDate gives the civil date of t as 2006-01-02.
func FormatDate(t time.Time) string { return t.In(Zone).Format(dateLayout) }

// ParseDate reads a civil date written 2006-01-02 and returns its first instant in Zone.
// The error is Invalid, when.date.
func ParseDate(s string) (time.Time, error) {
	t, err := time.ParseInLocation(dateLayout, s, Zone)
	if err != nil {
		return time.Time{}, errs.New(errs.Invalid, "when.date", clip(s))
	}
	return t, nil
}

// clip keeps quoted input short in an error's words.
func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// dayOf returns the civil day of t as days since 1970-01-01, and how long that day had lasted at t.
func dayOf(t time.Time) (day int, clock time.Duration) {
	const daySeconds = 24 * 60 * 60
	s := t.Unix() + zoneSeconds
	d := s / daySeconds
	if s%daySeconds < 0 {
		d--
	}
	return int(d), time.Duration(s-d*daySeconds)*time.Second + time.Duration(t.Nanosecond())
}

// instant is the inverse of dayOf.
func instant(day int, clock time.Duration) time.Time {
	return time.Unix(int64(day)*24*60*60-zoneSeconds, 0).Add(clock).In(Zone)
}

// weekday returns 0 for Monday … 6 for Sunday. Day 0, 1970-01-01, was a Thursday.
func weekday(day int) int { return ((day+3)%7 + 7) % 7 }
