package jobs

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
)

// Beat writes down, at once and then once a second, that a worker lives and how far it is, until stop is called, which waits for the last
// one. A write that finds the row no longer the worker's (Conflict) cancels the work with the cause gone; any other
// fault is logged under what, and the next second tries again.
func Beat(ctx context.Context, cancel context.CancelCauseFunc, gone error, what string, write func(ctx context.Context, now time.Time) error) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			err := write(ctx, time.Now())
			if errs.Is(err, errs.Conflict) {
				cancel(gone)
				return
			}
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "jobs: progress not written", "of", what, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { end(); <-ended }
}
