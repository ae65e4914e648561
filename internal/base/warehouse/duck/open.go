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
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// format is the layout of the file. A program refuses a file with a higher one.
const format = 1

// Options say where the warehouse is and what it may take.
type Options struct {
	Dir     string           // made when missing; the file in it is warehouse.duckdb
	Memory  int64            // bytes the engine may hold, 0 for 1 GiB
	Temp    int64            // bytes it may spill to disk, 0 for what the disk has
	Threads int              // 0 for one a processor
	Now     func() time.Time // nil for time.Now
}

// Open opens the warehouse in o.Dir, or makes one. A file held by another process or Store is Busy, an unreadable one
// Internal with words for people.
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
	if o.Memory <= 0 {
		o.Memory = 1 << 30
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{options: o, dir: dir, write: make(chan struct{}, 1)}
	if s.db, err = s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Store) file() string     { return filepath.Join(s.dir, "warehouse.duckdb") }
func (s *Store) temp() string     { return filepath.Join(s.dir, "temp") }
func (s *Store) transfer() string { return filepath.Join(s.dir, "transfer") }

// use runs fn on a connection and explains its error, which is noted before the connection is given back.
func (s *Store) use(ctx context.Context, fn func(conn *sql.Conn) error) error {
	db, err := s.engine(ctx)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer conn.Close()
	return s.explain(fn(conn))
}

// engine returns the running engine. When an error has ended it, it is started again first: the file is as of the last
// commit, which is all that was ever acknowledged.
func (s *Store) engine(ctx context.Context) (*sql.DB, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.closed {
		return nil, errs.New(errs.Busy, "warehouse.closed")
	}
	if s.broken.Load() {
		_ = s.db.Close()
		if s.db.Stats().InUse > 0 { // opening would wait for the readers of the ended engine, and we may be one
			return nil, errs.New(errs.Busy, "warehouse.broken")
		}
		db, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		s.db = db
		s.broken.Store(false)
	}
	return s.db, nil
}

// start opens the file, sets limits and fences, empties the temporary folders and reads which versions there are.
func (s *Store) start(ctx context.Context) (*sql.DB, error) {
	c, err := duckdb.NewConnector(s.file(), nil)
	if err != nil {
		return nil, s.unopened(err)
	}
	db := sql.OpenDB(c)
	if err := s.prepare(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// unopened puts the engine's reason for not opening into words.
func (s *Store) unopened(err error) error {
	if strings.Contains(err.Error(), "Could not set lock") || strings.Contains(err.Error(), "different configuration") {
		return errs.Wrap(err, errs.Busy, "warehouse.locked", s.file())
	}
	if e := s.explain(err); errs.KindOf(e) != errs.Internal {
		return e
	}
	return errs.Wrap(err, errs.Internal, "warehouse.unreadable", s.file())
}

func (s *Store) prepare(ctx context.Context, db *sql.DB) error {
	settings := []string{
		fmt.Sprintf("memory_limit = '%dB'", s.options.Memory),
		fmt.Sprintf("threads = %d", s.options.Threads),
		"temp_directory = " + quote(s.temp()),
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"allowed_directories = [" + quote(s.transfer()) + "]",
		"enable_external_access = false",
		"lock_configuration = true",
	}
	if s.options.Temp > 0 {
		settings = append([]string{fmt.Sprintf("max_temp_directory_size = '%dB'", s.options.Temp)}, settings...)
	}
	for _, set := range settings {
		if _, err := db.ExecContext(ctx, "SET GLOBAL "+set); err != nil {
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
	versions, err := s.catalog(ctx, db)
	if err != nil {
		return s.explain(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions = versions
	return nil
}

// catalog makes our own tables in a new file and reads the versions.
func (s *Store) catalog(ctx context.Context, db *sql.DB) (map[string]warehouse.Version, error) {
	for _, q := range []string{
		`CREATE TABLE IF NOT EXISTS format (n INTEGER)`,
		fmt.Sprintf(`INSERT INTO format SELECT %d WHERE NOT EXISTS (SELECT 1 FROM format)`, format),
		`CREATE TABLE IF NOT EXISTS version (id VARCHAR, meta VARCHAR)`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return nil, err
		}
	}
	var n int
	if err := db.QueryRowContext(ctx, `SELECT max(n) FROM format`).Scan(&n); err != nil {
		return nil, err
	}
	if n > format {
		return nil, errs.New(errs.Internal, "warehouse.unreadable", s.file())
	}
	rows, err := db.QueryContext(ctx, `SELECT meta FROM version`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	versions := map[string]warehouse.Version{}
	for rows.Next() {
		var meta string
		var v warehouse.Version
		if err := rows.Scan(&meta); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(meta), &v); err != nil || !id.Valid(v.ID) {
			return nil, errs.Wrap(err, errs.Internal, "warehouse.unreadable", s.file())
		}
		versions[v.ID] = v
	}
	return versions, rows.Err()
}

// explain turns the engine's errors that people can do something about into words; the others stay as they are. It
// notes when the engine has ended itself.
func (s *Store) explain(err error) error {
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
	fatal := kind == duckdb.ErrorTypeFatal || has("database has been invalidated")
	if fatal {
		s.broken.Store(true)
	}
	switch {
	case has("No space left on device", "File too large", "Disk quota exceeded", "not enough space on the disk"):
		return errs.Wrap(err, errs.Busy, "warehouse.disk_full")
	case kind == duckdb.ErrorTypeOutOfMemory, has("Out of Memory Error", "max_temp_directory_size", "could not allocate block"):
		return errs.Wrap(err, errs.Busy, "warehouse.memory_full")
	case fatal:
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
