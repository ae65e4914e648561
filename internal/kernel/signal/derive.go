package signal

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
)

// readers returns the ids of the derived signals that read a code.
func (s *Signals) readers(ctx context.Context, code string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.whole {
		return s.fed[code], nil
	}
	all, err := store.All(ctx, s.DB, scan, `SELECT `+columns+` FROM signal s WHERE s.kind = 'derived' AND s.retired = FALSE`)
	if err != nil {
		return nil, err
	}
	s.fed = map[string][]string{}
	for _, x := range all {
		seen := map[string]bool{}
		for _, c := range x.Inputs {
			if !seen[c] {
				seen[c] = true
				s.fed[c] = append(s.fed[c], x.ID)
			}
		}
	}
	s.whole = true
	return s.fed[code], nil
}

// derive reckons the signals that read a code anew. One that cannot be reckoned (an input is missing or silent, a division by
// zero) has no sample then, and falls silent if its rule says so.
func (s *Signals) derive(ctx context.Context, code string, now time.Time, deep int) error {
	if deep > depth {
		return nil
	}
	ids, err := s.readers(ctx, code)
	if err != nil {
		return err
	}
	var bad []error
	for _, id := range ids {
		bad = append(bad, s.reckon(ctx, id, now, deep))
	}
	return errors.Join(bad...)
}

func (s *Signals) reckon(ctx context.Context, id string, now time.Time, deep int) error {
	l, err := s.live(ctx, id)
	if err != nil {
		return err
	}
	found, err := byCodes(ctx, s.DB, values(l.def.Inputs))
	if err != nil {
		return err
	}
	vars, latest := map[string]any{}, int64(0)
	for name, code := range l.def.Inputs {
		in, err := s.live(ctx, found[code].ID)
		if err != nil {
			return nil // retired meanwhile
		}
		in.mu.Lock()
		st, cadence := in.state, in.def.Cadence
		in.mu.Unlock()
		if st.Good == 0 || st.Silent || now.Sub(time.UnixMicro(st.Good)) > 3*time.Duration(cadence)*time.Second+time.Minute {
			return nil
		}
		vars[name] = st.Last
		latest = max(latest, st.Good)
	}
	v, err := l.formula.Number(vars)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	l.mu.Lock()
	latest = max(latest, l.state.At+1) // two inputs of one moment: the second knows more
	l.mu.Unlock()
	x := series.Sample{Series: l.def.Num, At: time.UnixMicro(latest), Value: v}
	if err := s.Series.Append(ctx, []series.Sample{x}); err != nil {
		if errs.Is(err, errs.Invalid) {
			slog.WarnContext(ctx, "signal: derived sample not kept", "signal", l.def.Code, "error", err)
			return nil
		}
		return err
	}
	return s.arrived(ctx, l, []series.Sample{x}, now, deep+1)
}

func values(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
