package signal

import (
	"math"
	"time"
)

// Kind is what an alarm is about.
type Kind string

// The kinds.
const (
	Crossed Kind = "level"  // a line is crossed
	Fast    Kind = "rate"   // it changes faster than it may
	Absurd  Kind = "odd"    // the sensor cannot have measured that: wrong unit, broken
	Silence Kind = "silent" // no sample for too long
)

// Streak counts samples in a row that ask for the same change.
type Streak struct {
	N     int   `json:"n,omitempty"`
	Since int64 `json:"since,omitempty"` // time of the first, microseconds
	Hold  Level `json:"hold,omitempty"`  // the level all of them allow
}

// State is what a signal remembers between samples. It is a value: Next gives a new one.
type State struct {
	Level  Level   `json:"level,omitempty"`
	Fast   bool    `json:"fast,omitempty"`
	Odd    bool    `json:"odd,omitempty"`
	Silent bool    `json:"silent,omitempty"`
	At     int64   `json:"at,omitempty"` // of the latest sample, microseconds; 0 before the first
	Value  float64 `json:"value,omitempty"`
	Good   int64   `json:"good,omitempty"` // time of the latest possible sample
	Last   float64 `json:"last,omitempty"` // its value
	Top    float64 `json:"top,omitempty"`  // farthest value since a line was crossed

	Up   Streak `json:"up,omitzero"`
	Down Streak `json:"down,omitzero"`
	Rate Streak `json:"rate,omitzero"`
	Calm Streak `json:"calm,omitzero"`
	Wild Streak `json:"wild,omitzero"`
	Tame Streak `json:"tame,omitzero"`
}

// Worst is the gravest level of whatever is wrong: a change that is too fast is yellow, an impossible value and silence are blue.
func (s State) Worst() Level {
	out := s.Level
	if s.Fast {
		out = max(out, Yellow)
	}
	if s.Odd || s.Silent {
		out = max(out, Blue)
	}
	return out
}

// Change is what a sample, or the lack of one, has changed.
type Change struct {
	Kind     Kind
	From, To Level
	Value    float64 // that settled it
	Top      float64 // of a line: the farthest value since it was crossed
	At       time.Time
}

// Next judges one sample. A sample that is not newer than the latest changes nothing: late ones and duplicates are kept, not judged.
// Every change needs Count samples in a row, over at least Persist, so a value that wavers about a line raises once.
func (r Rule) Next(s State, at time.Time, v float64) (State, []Change) {
	t := at.UnixMicro()
	if s.At != 0 && t <= s.At {
		return s, nil
	}
	var out []Change
	s.At, s.Value = t, v
	if s.Silent {
		s.Silent = false
		out = append(out, Change{Kind: Silence, From: Blue, Value: v, At: at})
	}
	possible := r.possible(v)
	s.Odd, out = r.latch(s.Odd, !possible, &s.Wild, &s.Tame, Change{Kind: Absurd, To: Blue, Value: v, At: at}, out)
	if !possible {
		return s, out
	}
	if r.Rate > 0 && s.Good != 0 {
		perMinute := math.Abs(v-s.Last) / (float64(t-s.Good) / float64(time.Minute.Microseconds()))
		s.Fast, out = r.latch(s.Fast, perMinute > r.Rate, &s.Rate, &s.Calm, Change{Kind: Fast, To: Yellow, Value: v, At: at}, out)
	} else if r.Rate == 0 && s.Fast {
		s.Fast, s.Rate, s.Calm = false, Streak{}, Streak{}
		out = append(out, Change{Kind: Fast, From: Yellow, Value: v, At: at})
	}
	s.Good, s.Last = t, v
	return r.step(s, at, v, out)
}

// step moves the level.
func (r Rule) step(s State, at time.Time, v float64, out []Change) (State, []Change) {
	before := s.Level
	s, out = r.move(s, at, v, out)
	switch {
	case s.Level > Normal && (before == Normal || farther(r, s.Level, v, s.Top)):
		s.Top = v
	}
	for i := range out {
		if out[i].Kind == Crossed {
			out[i].Top = s.Top
		}
	}
	if s.Level == Normal {
		s.Top = 0
	}
	return s, out
}

func (r Rule) move(s State, at time.Time, v float64, out []Change) (State, []Change) {
	want := r.level(v, s.Level)
	switch {
	case want > s.Level:
		s.Down = Streak{}
		s.Up.more(at.UnixMicro(), want, milder)
		if r.ripe(s.Up, at) {
			out = append(out, Change{Kind: Crossed, From: s.Level, To: s.Up.Hold, Value: v, At: at})
			s.Level, s.Up = s.Up.Hold, Streak{}
		}
	case want < s.Level:
		s.Up = Streak{}
		s.Down.more(at.UnixMicro(), want, graver)
		if r.ripe(s.Down, at) {
			out = append(out, Change{Kind: Crossed, From: s.Level, To: s.Down.Hold, Value: v, At: at})
			s.Level, s.Down = s.Down.Hold, Streak{}
		}
	default:
		s.Up, s.Down = Streak{}, Streak{}
	}
	return s, out
}

// latch turns a yes or no that must last on both ways.
func (r Rule) latch(is, want bool, on, off *Streak, c Change, out []Change) (bool, []Change) {
	run, other := on, off
	if !want {
		run, other = off, on
	}
	*other = Streak{}
	if is == want {
		*run = Streak{}
		return is, out
	}
	run.more(c.At.UnixMicro(), Blue, milder)
	if !r.ripe(*run, c.At) {
		return is, out
	}
	*run = Streak{}
	if !want {
		c.From, c.To = c.To, c.From
	}
	return want, append(out, c)
}

func milder(a, b Level) Level { return min(a, b) }
func graver(a, b Level) Level { return max(a, b) }

func (k *Streak) more(at int64, want Level, join func(a, b Level) Level) {
	if k.N == 0 {
		k.Since, k.Hold = at, want
	}
	k.N++
	k.Hold = join(k.Hold, want)
}

// ripe reports whether a streak has lasted.
func (r Rule) ripe(k Streak, at time.Time) bool {
	return k.N >= r.count() && at.Sub(time.UnixMicro(k.Since)) >= r.persist()
}

// Quiet judges the lack of samples.
func (r Rule) Quiet(s State, now time.Time) (State, []Change) {
	if r.Stale == 0 || s.At == 0 || s.Silent || now.Sub(time.UnixMicro(s.At)) < time.Duration(r.Stale)*time.Second {
		return s, nil
	}
	s.Silent = true
	return s, []Change{{Kind: Silence, To: Blue, Value: s.Value, At: now}}
}
