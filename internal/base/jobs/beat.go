package jobs

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
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

// Again gives work whose worker fell silent to another one, each piece in a transaction of its own: take counts its next try and
// enqueues it. A piece that its worker or somebody else has moved on meanwhile (Conflict) is passed over.
func Again[T any](ctx context.Context, db *store.DB, silent []T, take func(ctx context.Context, tx *store.Tx, one T) error) error {
	for _, one := range silent {
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return take(ctx, tx, one) })
		if err != nil && !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}
