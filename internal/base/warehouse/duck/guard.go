package duck

import (
	"context"
	"sync/atomic"
	"time"
)

// guardEvery is how often the memory of a running question is looked at.
const guardEvery = 50 * time.Millisecond

// guard ends a reader's question when what the engine holds for answers in the making, and not as a copy of the file,
// passes half of what the engine was granted: loads and the questions of the program go on beside it. full tells whether it did.
func (s *Store) guard(ctx context.Context) (inner context.Context, full func() bool, stop func()) {
	inner, cancel := context.WithCancel(ctx)
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(guardEvery)
		defer tick.Stop()
		for {
			select {
			case <-inner.Done():
				return
			case <-tick.C:
			}
			if n, err := s.working(inner); err == nil && n > s.options.Memory/2 {
				over.Store(true)
				cancel()
				return
			}
		}
	}()
	return inner, over.Load, func() { cancel(); <-done }
}

// working is the memory the engine holds beyond pages of the file.
func (s *Store) working(ctx context.Context) (n int64, err error) {
	db, err := s.engine(ctx)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT) FROM duckdb_memory() WHERE tag NOT IN ('BASE_TABLE', 'METADATA', 'ART_INDEX', 'CSV_READER', 'PARQUET_READER')`).Scan(&n)
	return n, err
}
