package signal

import (
	"math"
	"time"

	"qushu/internal/base/errs"
)

// Level is how bad a signal is: the colours of warnings, Ⅳ to Ⅰ (突发事件应对法 第四十二条).
type Level int

// The levels, mild to grave.
const (
	Normal Level = 0
	Blue   Level = 1 // 一般
	Yellow Level = 2 // 较大
	Orange Level = 3 // 重大
	Red    Level = 4 // 特别重大
)

// levelNames are how levels stand in rows and answers.
var levelNames = [...]string{"", "blue", "yellow", "orange", "red"}

// String is "" for Normal, else the colour.
func (l Level) String() string { return levelNames[l] }

// LevelOf reads a colour, Normal of any other text.
func LevelOf(s string) Level {
	for l, name := range levelNames {
		if name == s {
			return Level(l)
		}
	}
	return Normal
}

// Lines are the values at which each level begins; nil is no such line.
type Lines struct {
	Blue   *float64 `json:"blue,omitempty"`
	Yellow *float64 `json:"yellow,omitempty"`
	Orange *float64 `json:"orange,omitempty"`
	Red    *float64 `json:"red,omitempty"`
}

func (l Lines) at(level Level) *float64 {
	return [...]*float64{nil, l.Blue, l.Yellow, l.Orange, l.Red}[level]
}

// Rule is when a signal raises an alarm.
type Rule struct {
	Above Lines `json:"above" doc:"lines that are crossed upwards: a value at or over one has its level"`
	Below Lines `json:"below" doc:"lines that are crossed downwards: a value at or under one has its level"`
	// Hysteresis is how far back over its line a value must come until the level falls.
	Hysteresis float64 `json:"hysteresis,omitempty" minimum:"0" doc:"in the signal's unit; 0 is a twentieth of the line"`
	Count      int     `json:"count,omitempty" minimum:"0" maximum:"100" doc:"samples in a row that must say the same, 2 when 0"`
	Persist    int     `json:"persist,omitempty" minimum:"0" maximum:"86400" doc:"seconds it must last"`
	Rate       float64 `json:"rate,omitempty" minimum:"0" doc:"greatest change a minute, 0 for none: faster raises a yellow alarm"`
	Stale      int     `json:"stale,omitempty" minimum:"0" maximum:"31536000" doc:"seconds without a sample after which the source is silent, 0 for never"`
	// What the sensor can measure at all. Values outside are kept apart: they neither raise nor clear.
	Low  *float64 `json:"low,omitempty" doc:"least possible value"`
	High *float64 `json:"high,omitempty" doc:"greatest possible value"`
}

// Check says what cannot be right about the rule.
func (r Rule) Check() error {
	bad := func(field, key string, args ...any) error {
		return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: field, Key: key, Args: args})
	}
	for _, side := range []struct {
		name  string
		lines Lines
		sign  float64
	}{{"above", r.Above, 1}, {"below", r.Below, -1}} {
		last := math.Inf(-1)
		for l := Blue; l <= Red; l++ {
			p := side.lines.at(l)
			if p == nil {
				continue
			}
			if math.IsNaN(*p) || math.IsInf(*p, 0) {
				return bad(side.name, "signal.line_number")
			}
			if v := *p * side.sign; v <= last {
				return bad(side.name, "signal.lines_order_"+side.name)
			} else {
				last = v
			}
		}
	}
	if lo, hi := r.lowest(r.Above), r.lowest(r.Below); lo != nil && hi != nil && *lo <= *hi {
		return bad("below", "signal.lines_cross")
	}
	if r.Low != nil && r.High != nil && *r.Low >= *r.High {
		return bad("low", "signal.possible_order")
	}
	for _, v := range []float64{r.Hysteresis, r.Rate} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return bad("hysteresis", "signal.line_number")
		}
	}
	return nil
}

// lowest is the mildest line there is.
func (r Rule) lowest(l Lines) *float64 {
	for at := Blue; at <= Red; at++ {
		if p := l.at(at); p != nil {
			return p
		}
	}
	return nil
}

// possible reports whether the sensor can have measured v.
func (r Rule) possible(v float64) bool {
	return !(r.Low != nil && v < *r.Low || r.High != nil && v > *r.High)
}

func (r Rule) count() int {
	if r.Count > 0 {
		return r.Count
	}
	return 2
}

// slack is the hysteresis of one line.
func (r Rule) slack(line float64) float64 {
	if r.Hysteresis > 0 {
		return r.Hysteresis
	}
	return math.Abs(line) / 20
}

// level is how bad v is while the signal stands at held: a level once reached is kept until v has come back over its line by
// the hysteresis.
func (r Rule) level(v float64, held Level) Level {
	out := Normal
	for l := Blue; l <= Red; l++ {
		slack := func(line float64) float64 {
			if l <= held {
				return r.slack(line)
			}
			return 0
		}
		if p := r.Above.at(l); p != nil && (v >= *p || l <= held && v > *p-slack(*p)) {
			out = l
		}
		if p := r.Below.at(l); p != nil && (v <= *p || l <= held && v < *p+slack(*p)) {
			out = l
		}
	}
	return out
}

// line is the line whose crossing gives a value its level, and whether it was crossed upwards.
func (r Rule) line(l Level, v float64) (line float64, up, ok bool) {
	a, b := r.Above.at(l), r.Below.at(l)
	switch {
	case a != nil && (b == nil || v > (*a+*b)/2):
		return *a, true, true
	case b != nil:
		return *b, false, true
	}
	return 0, false, false
}

// persist is how long a change must last.
func (r Rule) persist() time.Duration { return time.Duration(r.Persist) * time.Second }

// farther reports whether v is beyond w as seen from the line of a level.
func farther(r Rule, l Level, v, w float64) bool {
	if _, up, ok := r.line(l, v); ok && !up {
		return v < w
	}
	return v > w
}
