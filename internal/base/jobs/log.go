package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"qushu/internal/base/errs"
)

func missing() error { return errs.New(errs.Missing, "store.missing") }

// again is how long a line of River's that came before is counted instead of written: while the database is away its
// fetching fails five times a second.
const again = time.Minute

// quiet drops River's information lines, which tell of every start and leadership term, and writes what it repeats once
// in a while.
type quiet struct {
	slog.Handler
	said *said
}

// said is what was written of each line, and when.
type said struct {
	mu   sync.Mutex
	at   map[string]time.Time
	left map[string]int
}

func newQuiet(h slog.Handler) quiet {
	return quiet{h, &said{at: map[string]time.Time{}, left: map[string]int{}}}
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	left, write := q.said.now(r.Message, r.Time)
	if !write {
		return nil
	}
	if left > 0 {
		r.AddAttrs(slog.Int("times_before", left))
	}
	return q.Handler.Handle(ctx, r)
}

// now reports whether a line is to be written, and how often it was not since.
func (s *said) now(line string, at time.Time) (left int, write bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.at[line]; ok && at.Sub(last) < again {
		s.left[line]++
		return 0, false
	}
	left = s.left[line]
	s.at[line], s.left[line] = at, 0
	return left, true
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a), q.said} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(n string) slog.Handler { return quiet{q.Handler.WithGroup(n), q.said} }
