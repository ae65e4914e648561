package signal

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func p(v float64) *float64 { return &v }

// culvert is the rule of a culvert: 5, 15, 27, 40 cm.
var culvert = Rule{Above: Lines{p(5), p(15), p(27), p(40)}, Hysteresis: 2, Low: p(0), High: p(600)}

var start = time.Date(2023, 6, 1, 9, 0, 0, 0, time.FixedZone("+08:00", 8*3600))

// run judges values a minute apart and returns the levels after each and all changes.
func run(r Rule, s State, values ...float64) (State, []Level, []Change) {
	var levels []Level
	var all []Change
	at := start
	if s.At != 0 {
		at = time.UnixMicro(s.At)
	}
	for _, v := range values {
		at = at.Add(time.Minute)
		var cs []Change
		s, cs = r.Next(s, at, v)
		levels, all = append(levels, s.Level), append(all, cs...)
	}
	return s, levels, all
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   Rule
		values []float64
		want   []Level
	}{
		{"two in a row raise", culvert, []float64{3, 28, 28}, []Level{0, 0, Orange}},
		{"one does not", culvert, []float64{28, 3, 28, 3}, []Level{0, 0, 0, 0}},
		{"two of different lines raise the milder", culvert, []float64{16, 41, 41, 41}, []Level{0, Yellow, Yellow, Red}},
		{"wavering about the line keeps it", culvert, []float64{27, 27, 26.9, 27.1, 25.5, 25.1, 26}, []Level{0, Orange, Orange, Orange, Orange, Orange, Orange}},
		{"back over the line by the hysteresis lets go", culvert, []float64{28, 28, 24.9, 24.9, 2, 2}, []Level{0, Orange, Orange, Yellow, Yellow, Normal}},
		{"impossible values neither raise nor clear", culvert, []float64{28, 28, 6000, 6000, -4, 28}, []Level{0, Orange, Orange, Orange, Orange, Orange}},
		{"downwards", Rule{Below: Lines{Blue: p(20), Yellow: p(10)}, Hysteresis: 3}, []float64{50, 19, 19, 9, 9, 12, 12, 14, 14, 24, 24}, []Level{0, 0, Blue, Blue, Yellow, Yellow, Yellow, Yellow, Blue, Blue, Normal}},
		{"a band", Rule{Above: Lines{Yellow: p(0.4)}, Below: Lines{Yellow: p(0.2), Red: p(0.14)}, Hysteresis: 0.01, Count: 1}, []float64{0.3, 0.41, 0.3, 0.19, 0.1, 0.3}, []Level{0, Yellow, Normal, Yellow, Red, Normal}},
		{"at once", Rule{Above: Lines{Red: p(50)}, Count: 1}, []float64{50, 10}, []Level{Red, Normal}},
		{"it must last", Rule{Above: Lines{Red: p(50)}, Persist: 180}, []float64{60, 60, 60, 60, 10}, []Level{0, 0, 0, Red, Red}},
	} {
		_, got, _ := run(c.rule, State{}, c.values...)
		for i := range c.want {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v after %v, want %v", c.name, got, c.values, c.want)
				break
			}
		}
	}
}

// The farthest value is remembered while a line is crossed, also where no level changes.
func TestTop(t *testing.T) {
	s, _, cs := run(culvert, State{}, 28, 29, 33.5, 30, 2)
	if s.Top != 33.5 || len(cs) != 1 || cs[0].Top != 29 {
		t.Errorf("%+v %+v", s, cs)
	}
	s, _, cs = run(culvert, s, 2)
	if s.Top != 0 || len(cs) != 1 || cs[0].Top != 33.5 {
		t.Errorf("%+v %+v", s, cs)
	}
	if s, _, _ := run(Rule{Below: Lines{Yellow: p(10)}, Count: 1}, State{}, 9, 4, 7); s.Top != 4 {
		t.Errorf("%+v", s)
	}
}

func TestRateSilenceAndOddValues(t *testing.T) {
	r := culvert
	r.Rate, r.Stale = 4, 180
	s, _, cs := run(r, State{}, 1, 2, 3, 9, 15.5)
	if !s.Fast || len(cs) != 2 || cs[0].Kind != Fast { // the second is the blue line
		t.Errorf("%+v %+v", s, cs)
	}
	s, _, cs = run(r, State{}, 1, 900, 900)
	if !s.Odd || s.Level != Normal || len(cs) != 1 || cs[0].Kind != Absurd {
		t.Errorf("%+v %+v", s, cs)
	}
	if s, cs := r.Quiet(State{}, start); len(cs) != 0 || s.Silent {
		t.Error("a source that has never spoken is not silent")
	}
	s, _, _ = run(r, State{}, 1)
	last := time.UnixMicro(s.At)
	if _, cs := r.Quiet(s, last.Add(179*time.Second)); len(cs) != 0 {
		t.Error("too early")
	}
	s, cs = r.Quiet(s, last.Add(180*time.Second))
	if !s.Silent || len(cs) != 1 || s.Worst() != Blue {
		t.Errorf("%+v %+v", s, cs)
	}
	if _, again := r.Quiet(s, last.Add(time.Hour)); len(again) != 0 {
		t.Error("silence is raised once")
	}
	if s, _, cs := run(r, s, 1); s.Silent || len(cs) != 1 || cs[0].To != Normal {
		t.Errorf("%+v %+v", s, cs)
	}
}

func random(r *rand.Rand) Rule {
	out := Rule{Count: 1 + r.IntN(3), Persist: r.IntN(3) * 60, Hysteresis: 1 + r.Float64()*3}
	if r.IntN(2) == 0 {
		out.Above = Lines{p(10), p(20), p(30), p(40)}
	}
	if r.IntN(2) == 0 {
		out.Below = Lines{p(-10), p(-20), p(-30), p(-40)}
	}
	if r.IntN(3) == 0 {
		out.Rate = 5
	}
	return out
}

// What holds for every rule and every walk: late samples and duplicates change nothing; a change has its streak behind it; a value that
// stays raises at most once for each level; a state survives being written down; alarms and clears of a kind take turns.
func TestProperties(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		rule := random(r)
		s, v, at := State{}, 0.0, start
		lastChange := -1000
		open := map[Kind]bool{}
		for i := range 400 {
			at = at.Add(time.Duration(20+r.IntN(80)) * time.Second)
			v += r.NormFloat64() * 4
			next, cs := rule.Next(s, at, v)
			for _, late := range []time.Time{at, at.Add(-time.Hour)} {
				if again, more := rule.Next(next, late, v+100); again != next || len(more) != 0 {
					t.Fatal("a late sample was judged")
				}
			}
			b, err := json.Marshal(next)
			var back State
			if err != nil || json.Unmarshal(b, &back) != nil || back != next {
				t.Fatalf("%s: %+v is not %+v", b, back, next)
			}
			for _, c := range cs {
				if c.Kind == Crossed {
					if rule.Count > 1 && i-lastChange < rule.Count {
						t.Fatalf("seed %d: two changes of level within %d samples", seed, rule.Count)
					}
					lastChange = i
					if c.From == c.To || c.From != s.Level || c.To != next.Level {
						t.Fatalf("%+v between %v and %v", c, s.Level, next.Level)
					}
				} else if (c.To != Normal) == open[c.Kind] {
					t.Fatalf("seed %d: %s did not take turns", seed, c.Kind)
				}
				open[c.Kind] = c.To != Normal
			}
			s = next
		}
		// It settles: a value that stays is judged in the end as its level says, and then nothing changes any more.
		n := 0
		for range 50 {
			at = at.Add(time.Minute)
			var cs []Change
			s, cs = rule.Next(s, at, v)
			for _, c := range cs {
				if c.Kind == Crossed {
					n++
				}
			}
		}
		if n > 4 || s.Level != rule.level(v, s.Level) || s.Level < rule.level(v, Normal) {
			t.Fatalf("seed %d: %d changes, at %v for %v", seed, n, s.Level, v)
		}
	}
}

// A value that swings about a line by less than the hysteresis raises once, however long it swings.
func TestNoFlapping(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	s, n := State{}, 0
	for i := range 5000 {
		var cs []Change
		s, cs = culvert.Next(s, start.Add(time.Duration(i)*time.Minute), 27+r.Float64()*1.9-0.95)
		n += len(cs)
	}
	if n > 2 { // yellow perhaps, then orange
		t.Errorf("%d changes", n)
	}
}

func TestCheck(t *testing.T) {
	for name, r := range map[string]Rule{
		"order":  {Above: Lines{Blue: p(5), Yellow: p(4)}},
		"below":  {Below: Lines{Blue: p(5), Yellow: p(6)}},
		"cross":  {Above: Lines{Yellow: p(1)}, Below: Lines{Yellow: p(2)}},
		"nan":    {Above: Lines{Yellow: p(math.NaN())}},
		"bounds": {Low: p(3), High: p(3)},
		"rate":   {Rate: math.Inf(1)},
	} {
		if r.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := culvert.Check(); err != nil {
		t.Error(err)
	}
}

func FuzzNext(f *testing.F) {
	f.Add(27.0, 26.0, 1.0, int64(60), int64(60))
	f.Add(math.MaxFloat64, -math.MaxFloat64, 0.0, int64(1), int64(-1))
	f.Fuzz(func(t *testing.T, a, b, c float64, d1, d2 int64) {
		r := culvert
		r.Rate, r.Count, r.Low, r.High = 3, 1, nil, nil
		s, at := State{}, start
		for i, v := range []float64{a, b, c, a} {
			at = at.Add(time.Duration([]int64{d1, d2, 1, d1}[i]%1e6) * time.Second)
			s, _ = r.Next(s, at, v)
			if s.Level < Normal || s.Level > Red {
				t.Fatal(s)
			}
		}
	})
}
