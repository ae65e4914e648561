package bpmn

import (
	"regexp"
	"strconv"
	"strings"

	"qushu/internal/base/when"
)

// iso is a duration of ISO 8601 whose length does not depend on the calendar: no years, no months.
var iso = regexp.MustCompile(`^P(?:([0-9.]+)W)?(?:([0-9.]+)D)?(?:T(?:([0-9.]+)H)?(?:([0-9.]+)M)?(?:([0-9.]+)S)?)?$`)

// cycle is a repetition of ISO 8601: R3/PT1H, or R/PT1H without an end.
var cycle = regexp.MustCompile(`^R([0-9]{0,4})/(P.*)$`)

// limitOf turns PT4H into hours and P3D into days; days with hours become hours.
func limitOf(s string) (Limit, bool) {
	m := iso.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "T") || s == "P" {
		return Limit{}, false
	}
	var n [5]float64
	for i := range n {
		if m[i+1] == "" {
			continue
		}
		f, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil || f > 1e6 {
			return Limit{}, false
		}
		n[i] = f
	}
	if m[3] == "" && m[4] == "" && m[5] == "" {
		return Limit{N: n[0]*7 + n[1], Unit: when.Day}, true
	}
	return Limit{N: (n[0]*7+n[1])*24 + n[2] + n[3]/60 + n[4]/3600, Unit: when.UrgentHour}, true
}

// duration is a limit in ISO 8601, for other tools; "" for units of working time, which ISO 8601 does not know.
func duration(l Limit) string {
	switch {
	case l.When != "" || l.N <= 0 || l.N > 1e6:
		return ""
	case l.Unit == when.Day:
		return "P" + number(l.N) + "D"
	case l.Unit == when.UrgentHour:
		return "PT" + number(l.N) + "H"
	}
	return ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
