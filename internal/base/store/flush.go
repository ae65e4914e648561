package store

import (
	"context"
	"database/sql"
	"sync"
)

// flusher puts PostgreSQL's commits on disk, those of several transactions with one wait. The connections commit without waiting
// for the disk, so that locks end when a commit is decided and not when it is written: a counter without gaps, which one transaction
// at a time may hold, would otherwise allow one case for each turn of the disk. What Tx then waits for is a commit of the
// flusher's own, made after: the log is written in order. Who saw a change that is not on disk yet and acts on it commits later,
// so that nothing stays of which the ground is lost.
type flusher struct {
	db *sql.DB // commits as the server is set up to

	mu    sync.Mutex
	next  *turn // of those who wait for a turn that has not begun
	turns bool
}

type turn struct {
	over chan struct{}
	err  error
}

// flush is a commit that leaves nothing but an empty line in the log.
const flush = `SELECT pg_logical_emit_message(TRUE, 'qushu', '')`

// wait returns when everything committed before it is on disk. It does not end with a context: what is committed cannot be taken
// back, and its caller must not be told so.
func (f *flusher) wait() error {
	f.mu.Lock()
	if f.next == nil {
		f.next = &turn{over: make(chan struct{})}
	}
	t := f.next
	if !f.turns {
		f.turns = true
		go f.run()
	}
	f.mu.Unlock()
	<-t.over
	return t.err
}

func (f *flusher) run() {
	for {
		f.mu.Lock()
		t := f.next
		f.next, f.turns = nil, t != nil
		f.mu.Unlock()
		if t == nil {
			return
		}
		_, err := f.db.ExecContext(context.Background(), flush)
		t.err = mapped(err)
		close(t.over)
	}
}

// relaxed reports whether a server can do this: others that speak PostgreSQL's language commit as they are set up to.
func relaxed(ctx context.Context, db *sql.DB) bool {
	if _, err := db.ExecContext(ctx, flush); err != nil {
		return false
	}
	_, err := db.ExecContext(ctx, `SET SESSION synchronous_commit TO DEFAULT`)
	return err == nil
}
