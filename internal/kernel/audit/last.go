package audit

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Last returns when the newest entry was written, the zero time when there is none.
func (l *Log) Last(ctx context.Context) (time.Time, error) {
	at, err := store.Value[store.Time](ctx, l.db, `SELECT at FROM audit ORDER BY at DESC, id DESC LIMIT 1`)
	if errs.Is(err, errs.Missing) {
		return time.Time{}, nil
	}
	return at.Time, err
}
