package signal

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
)

// Reading is one value of a signal.
type Reading struct {
	Signal string    // id
	At     time.Time // zero for now
	Value  float64
}

// Refusal is a reading that was not kept.
type Refusal struct {
	Index int
	Why   error // with words
}

// Outcome is what became of readings.
type Outcome struct {
	Kept    int
	Refused []Refusal
	Odd     int           // kept, but outside of what the sensor can measure
	Skew    time.Duration // how far the sender's clock is ahead, where its time was replaced by that of arrival
}

// Bounds of a sender's clock. What is further ahead has the time of its arrival; what is further behind is kept as history and
// not judged: nobody is called at night for what was yesterday.
const (
	ahead  = 2 * time.Minute
	behind = 24 * time.Hour
)

// live is a signal as this process judges it.
type live struct {
	mu      sync.Mutex // one sample at a time
	def     Signal
	state   State
	formula *rule.Rule // of a derived one
	loaded  bool
}

// forgetLive drops what is known of a signal: its row has changed.
func (s *Signals) forgetLive(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, id)
	s.whole = false
}

// live returns a signal by its id, read when it is not known.
func (s *Signals) live(ctx context.Context, id string) (*live, error) {
	s.mu.Lock()
	l := s.known[id]
	if l == nil {
		l = &live{}
		s.known[id] = l
	}
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded {
		return l, nil
	}
	x, err := find(ctx, s.DB, id, store.C("s.retired = FALSE"))
	if err != nil {
		s.mu.Lock()
		if s.known[id] == l {
			delete(s.known, id)
		}
		s.mu.Unlock()
		return nil, err
	}
	l.def, l.state = x.Signal, x.State
	if l.def.Formula != "" {
		if l.formula, err = l.def.compile(); err != nil {
			return nil, err
		}
	}
	if err := s.catchUp(ctx, l); err != nil {
		return nil, err
	}
	l.loaded = true
	return l, nil
}

// mostBehind is how many samples are judged again after a crash.
const mostBehind = 10_000

// catchUp judges the samples since the state that was written last.
func (s *Signals) catchUp(ctx context.Context, l *live) error {
	if s.Series == nil || l.state.At == 0 {
		return nil
	}
	xs, err := s.Series.Samples(ctx, l.def.Num, time.UnixMicro(l.state.At+1), s.Now().Add(ahead), mostBehind)
	if err != nil {
		return err
	}
	return s.judge(ctx, l, xs)
}

// Ingest keeps readings and judges them. When it returns nil what was kept is on disk; a reading that is refused is named with its
// reason and does not hold up the others.
func (s *Signals) Ingest(ctx context.Context, rs []Reading) (Outcome, error) {
	var out Outcome
	if s.Series == nil {
		return out, errors.New("signal: there is nowhere to keep samples")
	}
	now := s.Now()
	samples := make([]series.Sample, 0, len(rs))
	of := map[*live][]series.Sample{}
	for i, r := range rs {
		l, x, err := s.sample(ctx, r, now, &out)
		if errs.Is(err, errs.Busy) {
			return out, err
		}
		if err != nil {
			out.Refused = append(out.Refused, Refusal{i, err})
			continue
		}
		samples = append(samples, x)
		of[l] = append(of[l], x)
	}
	if len(samples) == 0 {
		return out, nil
	}
	if err := s.Series.Append(ctx, samples); err != nil {
		return out, err
	}
	out.Kept = len(samples)
	var bad []error
	for l, xs := range of {
		bad = append(bad, s.arrived(ctx, l, xs, now, 0))
	}
	return out, errors.Join(bad...)
}

// sample makes the sample of a reading.
func (s *Signals) sample(ctx context.Context, r Reading, now time.Time, out *Outcome) (*live, series.Sample, error) {
	x := series.Sample{At: r.At, Value: r.Value}
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return nil, x, errs.New(errs.Invalid, "series.not_a_number")
	}
	l, err := s.live(ctx, r.Signal)
	if err != nil {
		return nil, x, err
	}
	x.Series = l.def.Num
	if x.At.IsZero() {
		x.At = now
	} else if skew := x.At.Sub(now); skew > ahead {
		x.At, x.Flag, out.Skew = now, series.Arrival, max(out.Skew, skew)
	}
	if oldest := now.AddDate(0, 1-s.Settings.Int(ctx, "signal.raw_months"), 0); x.At.Before(oldest) {
		return nil, x, errs.New(errs.Invalid, "series.too_old", x.At.Format("2006-01-02"))
	}
	if !l.def.Rule.possible(r.Value) {
		x.Flag = series.Odd
		out.Odd++
	}
	return l, x, nil
}

// arrived judges samples that are on disk and reckons what is derived from them.
func (s *Signals) arrived(ctx context.Context, l *live, xs []series.Sample, now time.Time, deep int) error {
	slices.SortStableFunc(xs, func(a, b series.Sample) int { return a.At.Compare(b.At) })
	l.mu.Lock()
	err := s.judge(ctx, l, slices.DeleteFunc(slices.Clone(xs), func(x series.Sample) bool { return now.Sub(x.At) > behind }))
	code, id := l.def.Code, l.def.ID
	l.mu.Unlock()
	s.mu.Lock()
	s.fresh[id] = true
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.derive(ctx, code, now, deep)
}

// judge moves a signal's state on; l is locked. Where nothing changes nothing is written; what changes is, and only then does
// the state move: what could not be written is judged again with the next sample.
func (s *Signals) judge(ctx context.Context, l *live, xs []series.Sample) error {
	for _, x := range xs {
		next, changes := l.def.Rule.Next(l.state, x.At, x.Value)
		if len(changes) > 0 {
			if err := s.changed(ctx, l, next, changes); err != nil {
				return err
			}
		}
		l.state = next
	}
	return nil
}

// flushing writes states behind and tells browsers, until ctx ends.
func (s *Signals) flushing(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.flush(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// mostHints is how many signals are named to browsers at once.
const mostHints = 200

func (s *Signals) flush(ctx context.Context) error {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = map[string]bool{}
	type row struct {
		num int64
		st  State
	}
	var ids []string
	var lives []*live
	for id := range fresh {
		ids = append(ids, id)
		if l := s.known[id]; l != nil {
			lives = append(lives, l)
		}
	}
	s.mu.Unlock()
	if err := s.renew(ctx); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []row
	for _, l := range lives {
		l.mu.Lock()
		if l.loaded {
			rows = append(rows, row{l.def.Num, l.state})
		}
		l.mu.Unlock()
	}
	slices.SortFunc(rows, func(a, b row) int { return int(a.num - b.num) })
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, r := range rows {
			if err := saveState(ctx, tx, r.num, r.st); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // they are written with the next
		s.mu.Lock()
		for _, id := range ids {
			s.fresh[id] = true
		}
		s.mu.Unlock()
		return err
	}
	slices.Sort(ids)
	h := Hint{Signals: ids}
	if len(ids) > mostHints {
		h = Hint{All: true}
	}
	s.hint(h)
	return nil
}

func (s *Signals) hint(h Hint) {
	if s.Hub != nil {
		_ = s.Hub.Publish(Channel, h) // a page asks again by itself
	}
}

// renew forgets signals whose rows another replica has changed.
func (s *Signals) renew(ctx context.Context) error {
	type row struct {
		id string
		at store.Time
	}
	s.mu.Lock()
	since := s.seen
	s.mu.Unlock()
	all, err := store.All(ctx, s.DB, func(r *row) []any { return []any{&r.id, &r.at} }, `SELECT id, changed_at FROM signal WHERE changed_at >= $1 ORDER BY changed_at`, store.At(since.Add(-time.Minute)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range all {
		if l := s.known[r.id]; l != nil && l.mu.TryLock() { // whoever holds it is judging; the next turn looks again
			if l.loaded && l.def.Changed.Before(r.at.Time) {
				delete(s.known, r.id)
				s.whole = false
			}
			l.mu.Unlock()
		}
		if r.at.After(s.seen.Time) {
			s.seen = r.at
		}
	}
	return nil
}
