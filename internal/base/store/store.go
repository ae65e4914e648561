// Package store runs one SQL text on SQLite and PostgreSQL.
//
// On SQLite there is one writer connection at synchronous=FULL and a pool of readers; concurrent
// transactions share one commit (and so one fsync), each in a savepoint of its own. On PostgreSQL they
// share the wait for the disk (flusher). What Tx has returned nil for is on disk on both engines.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the embedded engine

	"qushu/internal/base/errs"
)

// Text holds the words of this package's errors.
//
//go:embed text/*.json
var Text embed.FS

// Engine is the database behind a DB.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Queryer is a DB or a Tx.
type Queryer interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

// DB is the one database of rows.
type DB struct {
	writes, reads *prepared // of SQLite

	engine Engine
	w, r   *sql.DB       // writer and readers; the same pool on PostgreSQL
	pool   *pgxpool.Pool // PostgreSQL only, for LISTEN
	aside  *sql.DB       // PostgreSQL only, see Aside
	disk   *flusher      // PostgreSQL only, nil when commits wait for the disk themselves
	path   string        // SQLite file

	turn    sync.Mutex // SQLite: who may use the writer
	waiting atomic.Int64
	group   *group
}

// Open opens url: "" or a file path means SQLite at file, postgres://… means PostgreSQL.
func Open(ctx context.Context, dbURL, file string) (*DB, error) {
	if strings.HasPrefix(dbURL, "postgres://") || strings.HasPrefix(dbURL, "postgresql://") {
		return openPostgres(ctx, dbURL)
	}
	if dbURL != "" {
		file = strings.TrimPrefix(dbURL, "sqlite://")
	}
	return openSQLite(ctx, file)
}

func openSQLite(ctx context.Context, file string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	dsn := func(pragmas ...string) string {
		q := url.Values{"_txlock": {"immediate"}}
		for _, p := range append(pragmas, "busy_timeout(10000)", "foreign_keys(1)", "cache_size(-16000)", "temp_store(2)") {
			q.Add("_pragma", p)
		}
		return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
	}
	w, err := sql.Open("sqlite", dsn("journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)"))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		w.Close()
		return nil, mapped(err)
	}
	r, err := sql.Open("sqlite", dsn("query_only(1)"))
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	n := max(4, 2*runtime.NumCPU())
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n)
	return &DB{engine: SQLite, w: w, r: r, path: file, writes: newPrepared(w), reads: newPrepared(r)}, nil
}

func openPostgres(ctx context.Context, dbURL string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(dbURL)
	if err != nil {
		return nil, errors.New("store: the database url is not a PostgreSQL url") // the parse error may quote the password
	}
	cfg.MaxConns = max(cfg.MaxConns, int32(8*runtime.NumCPU()))
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	aside := stdlib.OpenDB(*cfg.ConnConfig)
	aside.SetMaxOpenConns(2)
	aside.SetConnMaxIdleTime(time.Minute)
	if err := aside.PingContext(ctx); err != nil {
		aside.Close()
		return nil, mapped(err)
	}
	var disk *flusher
	if relaxed(ctx, aside) {
		disk = &flusher{db: stdlib.OpenDB(*cfg.ConnConfig)}
		disk.db.SetMaxOpenConns(1)
		cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, `SET synchronous_commit TO off`)
			return err
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxIdleConns(0) // pgxpool keeps the idle ones
	return &DB{engine: Postgres, w: db, r: db, pool: pool, aside: aside, disk: disk}, nil
}

// Engine tells which database is behind.
func (db *DB) Engine() Engine { return db.engine }

// Aside reads on connections of its own, for what a transaction must know from outside itself, such as the settings. Were it
// to wait for one of the others, and transactions held all of those, each would wait for what none can give.
func (db *DB) Aside() Queryer {
	if db.aside != nil {
		return db.aside
	}
	return db
}

// Pool returns PostgreSQL's own pool, nil on SQLite; only base packages may need it.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Writer returns the pool that may write. Only base packages (jobs, migrations) may need it.
func (db *DB) Writer() *sql.DB { return db.w }

// Path returns the SQLite file, "" on PostgreSQL.
func (db *DB) Path() string { return db.path }

// Close closes every connection.
func (db *DB) Close() error {
	err := db.w.Close()
	if db.r != db.w {
		err = errors.Join(db.r.Close(), err)
	}
	if db.pool != nil {
		err = errors.Join(db.aside.Close(), err)
		if db.disk != nil {
			err = errors.Join(db.disk.db.Close(), err)
		}
		db.pool.Close()
	}
	return err
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return mapped(db.r.QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// QueryContext reads outside a transaction. Inside one it is an error: the reader would see older rows.
func (db *DB) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if inTx(ctx) {
		return nil, errors.New("store: read the transaction, not the database, inside a Tx")
	}
	rows, err := db.r.QueryContext(ctx, positional(db.engine, q, args), args...)
	return rows, mapped(err)
}

// ExecContext writes one statement in a transaction of its own.
func (db *DB) ExecContext(ctx context.Context, q string, args ...any) (res sql.Result, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		res, err = tx.ExecContext(ctx, q, args...)
		return err
	})
	return res, err
}

// whole asks for rows that are read to their end before anything else is asked: a statement kept ready serves one at a time.
func whole(ctx context.Context, db Queryer, q string, args []any) (*sql.Rows, error) {
	switch db := db.(type) {
	case *Tx:
		if s := db.ready(ctx, q, args); s != nil {
			rows, err := s.QueryContext(db.ctx(ctx), args...)
			return rows, mapped(err)
		}
	case *DB:
		if db.reads != nil && !inTx(ctx) {
			rows, err := db.reads.read(ctx, positional(db.engine, q, args), args)
			return rows, mapped(err)
		}
	}
	return db.QueryContext(ctx, q, args...)
}

// All returns every row of q, read by scan.
func All[T any](ctx context.Context, db Queryer, scan func(*T) []any, q string, args ...any) ([]T, error) {
	rows, err := whole(ctx, db, q, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var t T
		if err := rows.Scan(scan(&t)...); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		out = append(out, t)
	}
	return out, mapped(rows.Err())
}

// One returns the only row of q, or a Missing error.
func One[T any](ctx context.Context, db Queryer, scan func(*T) []any, q string, args ...any) (T, error) {
	all, err := All(ctx, db, scan, q, args...)
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "store.missing")
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return all[0], nil
}

// Value returns the first column of the only row of q, or a Missing error.
func Value[T any](ctx context.Context, db Queryer, q string, args ...any) (T, error) {
	return One(ctx, db, func(t *T) []any { return []any{t} }, q, args...)
}

// Column returns the first column of every row of q.
func Column[T any](ctx context.Context, db Queryer, q string, args ...any) ([]T, error) {
	return All(ctx, db, func(t *T) []any { return []any{t} }, q, args...)
}

// Exec runs q.
func Exec(ctx context.Context, db Queryer, q string, args ...any) error {
	_, err := db.ExecContext(ctx, q, args...)
	return err
}

// ExecOne runs q and says Conflict (somebody else changed it meanwhile) when no row was affected.
// It is how a find-then-save with `WHERE id = $1 AND version = $2` ends.
func ExecOne(ctx context.Context, db Queryer, q string, args ...any) error {
	res, err := db.ExecContext(ctx, q, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "store.changed")
	}
	return nil
}

// slow logs a statement-holding transaction that kept the writer for long, since everybody else waited.
func slow(since time.Time) {
	if d := time.Since(since); d > 2*time.Second {
		slog.Warn("store: long transaction held the writer", "took", d.Round(time.Millisecond))
	}
}
