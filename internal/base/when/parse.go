package when

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// maxFile bounds a calendar file; a year takes about a kilobyte.
const maxFile = 1 << 20

// maxReasons bounds how many mistakes of one file are listed.
const maxReasons = 50

type file struct {
	Source string          `json:"SOURCE"`
	Years  map[string]year `json:"years"`
}

type year struct {
	Holidays map[string]string `json:"holidays"`
	Workdays map[string]string `json:"workdays"`
	InLieu   map[string]string `json:"in_lieu"` // in the published file; says nothing the other two do not
}

// Parse reads a workday calendar, as an operator adds a year once the State Council's notice is out:
//
//	{"years": {"2027": {"holidays": {"2027-01-01": "元旦", …}, "workdays": {"2027-02-07": "春节", …}}}}
//
// holidays are all days off incl. the weekend days within a holiday, workdays the weekend days worked instead. A
// notice may also name days of the December before its year. The error is Invalid, when.file, with one Field per
// mistake (Name is the date or year), or when.json, or TooLarge. The result has DefaultHours.
func Parse(b []byte) (*Calendar, error) {
	if len(b) > maxFile {
		return nil, errs.New(errs.TooLarge, "when.too_large", maxFile>>20)
	}
	var f file
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "when.json")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "when.json")
	}
	if len(f.Years) == 0 {
		return nil, errs.New(errs.Invalid, "when.no_years")
	}
	var bad []errs.Field
	years := map[int]map[int]special{}
	for _, name := range slices.Sorted(maps.Keys(f.Years)) {
		n, err := strconv.Atoi(name)
		if err != nil || len(name) != 4 || n < 1949 || n > 2200 {
			bad = append(bad, errs.Field{Name: clip(name), Key: "when.year"})
			continue
		}
		var reasons []errs.Field
		years[n], reasons = f.Years[name].days(n)
		bad = append(bad, reasons...)
	}
	if len(bad) > 0 {
		return nil, errs.New(errs.Invalid, "when.file", len(bad)).With(bad[:min(len(bad), maxReasons)]...)
	}
	hours, err := ParseHours(DefaultHours)
	if err != nil {
		return nil, err
	}
	return build(years, hours), nil
}

// days checks and gathers the days of the notice for year n.
func (y year) days(n int) (map[int]special, []errs.Field) {
	out := map[int]special{}
	var bad []errs.Field
	if len(y.Holidays) == 0 {
		bad = append(bad, errs.Field{Name: strconv.Itoa(n), Key: "when.empty_year"})
	}
	add := func(from map[string]string, off bool) {
		for _, date := range slices.Sorted(maps.Keys(from)) {
			day, key := check(date, from[date], n, off)
			if _, twice := out[day]; twice && key == "" {
				key = "when.both"
			}
			if key != "" {
				bad = append(bad, errs.Field{Name: clip(date), Key: key, Args: []any{clip(date)}})
				continue
			}
			out[day] = special{off, from[date]}
		}
	}
	add(y.Holidays, true)
	add(y.Workdays, false)
	return out, bad
}

// check returns the day of one entry, or the text key of what is wrong with it.
func check(date, name string, n int, off bool) (day int, key string) {
	t, err := ParseDate(date)
	if err != nil {
		return 0, "when.date"
	}
	day, _ = dayOf(t)
	switch {
	case t.Year() != n && !(t.Year() == n-1 && t.Month() == time.December):
		return day, "when.other_year"
	case name == "" || utf8.RuneCountInString(name) > 20:
		return day, "when.name"
	case !off && weekday(day) < 5:
		return day, "when.not_weekend"
	}
	return day, ""
}
