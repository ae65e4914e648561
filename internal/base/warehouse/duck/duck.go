// Package duck is the warehouse on DuckDB, in one file of one process.
//
// A version is a table t_<id> with columns c0, c1 … and, when there is a key, _k: the 64-bit hash of the key. The table
// is sorted by _k, so the engine's zone maps lead a look-up straight to its rows, where an index would cost minutes and
// a gigabyte to build. The table "version" says which versions there are; it and the version's table are written in one
// transaction, so a crash leaves neither.
//
// The engine may not read or write any file but its own, those in the folder for snapshots, and its temporary ones; it
// may not load extensions, and these settings are locked.
package duck

import (
	"context"
	"database/sql"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Store is a warehouse.Archive on DuckDB. One Store a file: a second one, in this process or another, is refused.
type Store struct {
	options Options
	dir     string
	write   chan struct{} // holds one token while somebody writes

	starting sync.Mutex // guards db, parser and closed
	db       *sql.DB
	parser   *sql.DB // reads texts, nil until the first
	closed   bool
	broken   atomic.Bool // the engine ended itself and must be started again

	mu       sync.RWMutex
	versions map[string]warehouse.Version // as in the table of that name

	answers answers
}

var _ warehouse.Archive = (*Store)(nil)

// Close implements warehouse.Store.
func (s *Store) Close() error {
	s.write <- struct{}{} // a load under way ends first
	defer func() { <-s.write }()
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.parser != nil {
		_ = s.parser.Close()
	}
	return s.explain(s.db.Close())
}

// Version implements warehouse.Store.
func (s *Store) Version(_ context.Context, id string) (warehouse.Version, error) {
	if v, ok := s.find(id); ok {
		return v, nil
	}
	return warehouse.Version{}, errs.New(errs.Missing, "warehouse.no_version", id)
}

func (s *Store) find(id string) (warehouse.Version, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.versions[id]
	return v, ok
}

// Versions implements warehouse.Store.
func (s *Store) Versions(context.Context) ([]warehouse.Version, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]warehouse.Version, 0, len(s.versions))
	for _, v := range s.versions {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Made.Before(out[j].Made) || out[i].Made.Equal(out[j].Made) && out[i].ID < out[j].ID
	})
	return out, nil
}

// Drop implements warehouse.Store.
func (s *Store) Drop(ctx context.Context, id string) error {
	if _, err := s.Version(ctx, id); err != nil {
		return err
	}
	return s.change(ctx, func(tx *sql.Tx, _ *sql.Conn) error {
		if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+table(id)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM version WHERE id = $1`, id)
		return err
	}, func() { delete(s.versions, id) })
}

// Sweep implements warehouse.Store.
func (s *Store) Sweep(ctx context.Context, live func(id string) bool, before time.Time) ([]string, error) {
	all, err := s.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, v := range all {
		if !v.Made.Before(before) || live(v.ID) {
			continue
		}
		if err := s.Drop(ctx, v.ID); err != nil {
			return gone, err
		}
		gone = append(gone, v.ID)
	}
	if len(gone) > 0 {
		s.checkpoint(ctx)
	}
	return gone, nil
}

// Stats implements warehouse.Store.
func (s *Store) Stats(ctx context.Context) (warehouse.Stats, error) {
	var st warehouse.Stats
	all, err := s.Versions(ctx)
	if err != nil {
		return st, err
	}
	for _, v := range all {
		st.Versions++
		st.Rows += v.Rows
	}
	err = s.use(ctx, func(conn *sql.Conn) error {
		err := conn.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT),
			CAST(coalesce(sum(temporary_storage_bytes), 0) AS BIGINT) FROM duckdb_memory()`).Scan(&st.Memory, &st.Temp)
		if err != nil {
			return err
		}
		return conn.QueryRowContext(ctx, `SELECT block_size * free_blocks FROM pragma_database_size()`).Scan(&st.Free)
	})
	if err != nil {
		return st, err
	}
	for _, f := range []string{s.file(), s.file() + ".wal"} {
		if info, err := os.Stat(f); err == nil {
			st.File += info.Size()
		}
	}
	return st, nil
}

// change runs fn in a transaction, alone among writers, and then done under the lock of the versions.
func (s *Store) change(ctx context.Context, fn func(tx *sql.Tx, conn *sql.Conn) error, done func()) error {
	select {
	case s.write <- struct{}{}:
		defer func() { <-s.write }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.use(ctx, func(conn *sql.Conn) error { return transact(ctx, conn, fn) })
	if err != nil {
		if !errs.Is(err, errs.Busy) { // a checkpoint that finds the disk full ends the engine
			s.checkpoint(context.WithoutCancel(ctx)) // gives back what the failed attempt wrote
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done()
	return nil
}

func transact(ctx context.Context, conn *sql.Conn, fn func(tx *sql.Tx, conn *sql.Conn) error) error {
	// Not cancelled from behind: the appender works on the bare connection, and a rollback must not cut in.
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx, conn); err != nil {
		return err
	}
	return tx.Commit()
}

// checkpoint folds the log into the file and frees dropped blocks, if no long reader stands in the way. The engine does
// it again by itself, so failing is no error.
func (s *Store) checkpoint(ctx context.Context) {
	_ = s.use(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `CHECKPOINT`)
		return err
	})
}
