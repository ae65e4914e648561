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
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// format is the layout of the file described above. A program refuses a file with a higher one.
const format = 1

// Options say where the warehouse is and what it may take.
type Options struct {
	Dir     string           // made when missing; the file in it is warehouse.duckdb
	Memory  int64            // bytes the engine may hold, 0 for 1 GiB
	Temp    int64            // bytes it may spill to disk, 0 for what the disk has
	Threads int              // 0 for one a processor
	Now     func() time.Time // nil for time.Now
}

// Store is a warehouse.Archive on DuckDB. One Store a file: a second one, in this process or another, is refused.
type Store struct {
	db       *sql.DB
	dir      string
	now      func() time.Time
	write    chan struct{} // holds one token while somebody writes
	mu       sync.RWMutex
	versions map[string]warehouse.Version // as in the table of that name
}

var _ warehouse.Archive = (*Store)(nil)

// Open opens the warehouse in o.Dir, or makes one. A file held by another process is Busy, an unreadable one Internal
// with words for people.
func Open(ctx context.Context, o Options) (*Store, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("duck: %w", err)
	}
	if strings.ContainsAny(dir, "?%") { // the driver reads its path as a URL
		return nil, errs.New(errs.Invalid, "warehouse.bad_path", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("duck: %w", err)
	}
	s := &Store{dir: dir, now: o.Now, write: make(chan struct{}, 1), versions: map[string]warehouse.Version{}}
	if s.now == nil {
		s.now = time.Now
	}
	c, err := duckdb.NewConnector(s.file(), nil)
	if err != nil {
		return nil, s.unopened(err)
	}
	s.db = sql.OpenDB(c)
	if err := s.prepare(ctx, o); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) file() string     { return filepath.Join(s.dir, "warehouse.duckdb") }
func (s *Store) temp() string     { return filepath.Join(s.dir, "temp") }
func (s *Store) transfer() string { return filepath.Join(s.dir, "transfer") }

// unopened puts the engine's reason for not opening into words.
func (s *Store) unopened(err error) error {
	if strings.Contains(err.Error(), "Could not set lock") || strings.Contains(err.Error(), "different configuration") {
		return errs.Wrap(err, errs.Busy, "warehouse.locked", s.file())
	}
	if e := explain(err); errs.KindOf(e) != errs.Internal {
		return e
	}
	return errs.Wrap(err, errs.Internal, "warehouse.unreadable", s.file())
}

// prepare sets limits and fences, empties the temporary folders and reads which versions there are.
func (s *Store) prepare(ctx context.Context, o Options) error {
	if o.Memory <= 0 {
		o.Memory = 1 << 30
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	settings := []string{
		fmt.Sprintf("memory_limit = '%dB'", o.Memory),
		fmt.Sprintf("threads = %d", o.Threads),
		"temp_directory = " + quote(s.temp()),
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"allowed_directories = [" + quote(s.transfer()) + "]",
		"enable_external_access = false",
		"lock_configuration = true",
	}
	if o.Temp > 0 {
		settings = append([]string{fmt.Sprintf("max_temp_directory_size = '%dB'", o.Temp)}, settings...)
	}
	for _, set := range settings {
		if _, err := s.db.ExecContext(ctx, "SET GLOBAL "+set); err != nil {
			if strings.Contains(err.Error(), "configuration has been locked") { // by a Store of this process
				return errs.Wrap(err, errs.Busy, "warehouse.locked", s.file())
			}
			return fmt.Errorf("duck: %s: %w", set, err)
		}
	}
	for _, dir := range []string{s.temp(), s.transfer()} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("duck: %w", err)
		}
	}
	return s.catalog(ctx)
}

func (s *Store) catalog(ctx context.Context) error {
	for _, q := range []string{
		`CREATE TABLE IF NOT EXISTS format (n INTEGER)`,
		fmt.Sprintf(`INSERT INTO format SELECT %d WHERE NOT EXISTS (SELECT 1 FROM format)`, format),
		`CREATE TABLE IF NOT EXISTS version (id VARCHAR, meta VARCHAR)`,
	} {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return explain(err)
		}
	}
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT max(n) FROM format`).Scan(&n); err != nil {
		return explain(err)
	}
	if n > format {
		return errs.New(errs.Internal, "warehouse.unreadable", s.file())
	}
	rows, err := s.db.QueryContext(ctx, `SELECT meta FROM version`)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var meta string
		var v warehouse.Version
		if err := rows.Scan(&meta); err != nil {
			return explain(err)
		}
		if err := json.Unmarshal([]byte(meta), &v); err != nil || !id.Valid(v.ID) {
			return errs.Wrap(err, errs.Internal, "warehouse.unreadable", s.file())
		}
		s.versions[v.ID] = v
	}
	return explain(rows.Err())
}

// Close implements warehouse.Store.
func (s *Store) Close() error {
	s.write <- struct{}{}
	defer func() { <-s.write }()
	return explain(s.db.Close())
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
	err = s.db.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT),
		CAST(coalesce(sum(temporary_storage_bytes), 0) AS BIGINT) FROM duckdb_memory()`).Scan(&st.Memory, &st.Temp)
	if err == nil {
		err = s.db.QueryRowContext(ctx, `SELECT block_size * free_blocks FROM pragma_database_size()`).Scan(&st.Free)
	}
	if err != nil {
		return st, explain(err)
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
	err := s.transact(ctx, fn)
	if err != nil {
		s.checkpoint(context.WithoutCancel(ctx)) // gives back what the failed attempt wrote
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return explain(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done()
	return nil
}

func (s *Store) transact(ctx context.Context, fn func(tx *sql.Tx, conn *sql.Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
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
	_, _ = s.db.ExecContext(ctx, `CHECKPOINT`)
}

// explain turns the engine's errors that people can do something about into words; the others stay as they are.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	text := err.Error()
	kind := duckdb.ErrorTypeInvalid
	if e, ok := errors.AsType[*duckdb.Error](err); ok {
		kind = e.Type
	}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("No space left on device", "File too large", "Disk quota exceeded", "not enough space on the disk"):
		return errs.Wrap(err, errs.Busy, "warehouse.disk_full")
	case kind == duckdb.ErrorTypeOutOfMemory, has("Out of Memory Error", "max_temp_directory_size", "could not allocate block"):
		return errs.Wrap(err, errs.Busy, "warehouse.memory_full")
	case kind == duckdb.ErrorTypeFatal, has("database has been invalidated"):
		return errs.Wrap(err, errs.Busy, "warehouse.broken")
	case kind == duckdb.ErrorTypeConversion, kind == duckdb.ErrorTypeOutOfRange:
		return errs.Wrap(err, errs.Invalid, "warehouse.overflow")
	case errors.Is(err, sql.ErrConnDone), has("database is closed"):
		return errs.Wrap(err, errs.Busy, "warehouse.closed")
	}
	return fmt.Errorf("duck: %w", err)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// table names the engine's table of a version. Only ids that id.Valid knows reach it.
func table(id string) string { return "t_" + id }
