package flow

import (
	"context"
	"log/slog"

	"qushu/internal/base/store"
)

// lost is the condition of an open case that nothing would ever move again: nothing to do by anybody or by the program, no
// moment it waits for, no other case. There is never one; the daily check proves it.
const lost = `c.state = 'open' AND NOT EXISTS (SELECT 1 FROM flow_task k WHERE k.case_id = c.id AND k.state = 'open' AND (k.box = 'do' OR k.box = 'auto'))
	AND NOT EXISTS (SELECT 1 FROM flow_timer t WHERE t.case_id = c.id AND t.kind = 'boundary')`

// StuckCount is how many cases nobody can act on.
type StuckCount struct {
	Nobody int // steps no one holds
	Failed int // automatic steps whose last try failed
	Lost   int // cases that stand nowhere
}

// Stuck counts what does not move by itself.
func (f *Flow) Stuck(ctx context.Context) (StuckCount, error) {
	return store.One(ctx, f.db, func(s *StuckCount) []any { return []any{&s.Nobody, &s.Failed, &s.Lost} }, `SELECT
		(SELECT count(*) FROM flow_task k JOIN flow_case c ON c.id = k.case_id WHERE k.state = 'open' AND k.box = 'do' AND c.state = 'open' AND NOT EXISTS (SELECT 1 FROM flow_todo t WHERE t.task_id = k.id)),
		(SELECT count(*) FROM flow_task k WHERE k.state = 'open' AND k.box = 'auto' AND k.note <> ''),
		(SELECT count(*) FROM flow_case c WHERE `+lost+`)`)
}

// checkStuck looks every morning whether anything stands still unseen, and says so where an administrator looks.
func (f *Flow) checkStuck(ctx context.Context) error {
	n, err := f.Stuck(ctx)
	if err == nil && n != (StuckCount{}) {
		slog.WarnContext(ctx, "flow: cases that do not move by themselves", "nobody", n.Nobody, "failed", n.Failed, "lost", n.Lost)
	}
	return err
}
