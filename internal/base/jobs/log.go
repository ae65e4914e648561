package jobs

import (
	"context"
	"log/slog"

	"qushu/internal/base/errs"
)

func missing() error { return errs.New(errs.Missing, "store.missing") }

// quiet drops River's information lines: they tell of every start and leadership term.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(n string) slog.Handler      { return quiet{q.Handler.WithGroup(n)} }
