package click

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// format is the layout of the database. A program refuses one with a higher.
const format = 1

const (
	// patience is how long a connection may take to be made, and how long one waits for a free one.
	patience = 10 * time.Second
	// spill is how many bytes of a sort or of groups the engine holds before it goes on on its disk.
	spill = 256 << 20
	// maxText is how long a statement may be: long lists go beside it, long texts stand in it.
	maxText = 64 << 20
)

// Options say where the warehouse is.
type Options struct {
	// URL is clickhouse://user:password@host:9000/database; the driver's options (secure=true for TLS) follow a "?". The
	// database is made when missing; without one it is "default".
	URL string
	// Owner names the installation. A database is one installation's: Sweep of another would drop what it does not know.
	Owner string
	Now   func() time.Time // nil for time.Now
}

// plainName is a database name that needs no quoting.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Open connects to the server and makes our own tables in the database when they are missing. A server that does not
// answer is Busy, one that refuses us or holds what a newer program wrote Internal, all in words for people.
func Open(ctx context.Context, o Options) (*Store, error) {
	opt, err := clickhouse.ParseDSN(o.URL)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "warehouse.bad_url")
	}
	if opt.Auth.Database == "" {
		opt.Auth.Database = "default"
	}
	if !plainName.MatchString(opt.Auth.Database) {
		return nil, errs.New(errs.Invalid, "warehouse.bad_database", opt.Auth.Database)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	opt.DialTimeout = patience
	opt.ReadTimeout = 24 * time.Hour // of a whole statement; a dead peer is noticed by the keep-alive of TCP
	opt.MaxOpenConns, opt.MaxIdleConns = 48, 16
	opt.BlockBufferSize = 2
	if opt.Compression == nil {
		opt.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	s := &Store{options: o, addr: strings.Join(opt.Addr, ","), write: make(chan struct{}, 1), reading: make(chan struct{}, 1),
		loading: map[string]bool{}, waiting: map[string]bool{}}
	if err := s.start(ctx, opt); err != nil {
		if s.db != nil {
			_ = s.db.Close()
		}
		return nil, err
	}
	return s, nil
}

// start makes the database and our own tables where they are missing, and reads the catalogue.
func (s *Store) start(ctx context.Context, opt *clickhouse.Options) (err error) {
	if s.db, err = clickhouse.Open(opt); err != nil {
		return s.explain(err)
	}
	err = s.db.Ping(ctx)
	if code(err) == unknownDatabase {
		if err = s.makeDatabase(ctx, opt); err == nil {
			err = s.db.Ping(ctx)
		}
	}
	if err != nil {
		return s.explain(err)
	}
	for _, q := range []string{
		"CREATE TABLE IF NOT EXISTS format (n Int32, owner String) ENGINE = MergeTree ORDER BY (n, owner)",
		// A partition for each version, because a partition can go at once and for good.
		"CREATE TABLE IF NOT EXISTS version (id String, meta String) ENGINE = MergeTree PARTITION BY id ORDER BY id",
	} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	_, err = s.catalog(ctx, time.Now())
	return err
}

// settle writes into an empty database whose it is, and refuses one of somebody else or of a newer program.
func (s *Store) settle(ctx context.Context) error {
	for range 2 {
		var rows, n int64
		var owner string
		if err := s.one(ctx, "SELECT toInt64(count()), toInt64(max(n)), min(owner) FROM format", &rows, &n, &owner); err != nil {
			return err
		}
		switch {
		case n > format:
			return errs.New(errs.Internal, "warehouse.newer", s.addr)
		case rows > 0 && owner != s.options.Owner:
			return errs.New(errs.Internal, "warehouse.taken", s.addr)
		case rows > 0:
			return nil
		}
		b, err := s.db.PrepareBatch(with(ctx), "INSERT INTO format (n, owner)")
		if err == nil {
			if err = b.Append(int32(format), s.options.Owner); err == nil {
				err = b.Send()
			}
		}
		if err != nil {
			return s.failed(ctx, err)
		} // and read again: another process may have been as fast
	}
	return nil
}

func (s *Store) makeDatabase(ctx context.Context, opt *clickhouse.Options) error {
	other := *opt
	other.Auth.Database = "default"
	db, err := clickhouse.Open(&other)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+opt.Auth.Database)
}

// with adds our settings, all of them numbers that every release has, and external tables to ctx.
func with(ctx context.Context, lists ...*ext.Table) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_query_size": maxText, "max_bytes_before_external_sort": spill,
		"max_bytes_before_external_group_by": spill}), clickhouse.WithExternalTable(lists...))
}

// exec runs a statement that gives no rows.
func (s *Store) exec(ctx context.Context, text string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.db.Exec(with(ctx), text); err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

// one reads the only row of an answer.
func (s *Store) one(ctx context.Context, text string, into ...any) error {
	return s.each(ctx, text, nil, into, func() error { return nil })
}

// each runs a question and calls got after each row has been put where into points. Errors of got come back as they are
// and end the run; it does not read to the end then.
func (s *Store) each(ctx context.Context, text string, lists []*ext.Table, into []any, got func() error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.db.Query(with(inner, lists...), text)
	if err != nil {
		return s.failed(ctx, err)
	}
	defer rows.Close()
	defer cancel() // first: a run that ends early must not be read to its end
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return s.failed(ctx, err)
		}
		if err := got(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed(ctx, err)
	}
	return ctx.Err()
}

func (s *Store) ready(ctx context.Context) error {
	if s.closed.Load() {
		return errs.New(errs.Busy, "warehouse.closed")
	}
	return ctx.Err()
}

// failed is ctx's error when that is why, else err in words.
func (s *Store) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.explain(err)
}

// Codes of the server's errors, src/Common/ErrorCodes.cpp of ClickHouse.
const (
	unknownTable    = 60
	unknownDatabase = 81
	droppedTable    = 218
)

// kinds says what the server's errors are that people can do something about.
var kinds = map[int32]struct {
	kind errs.Kind
	key  string
}{
	241: {errs.Busy, "warehouse.memory_full"},   // MEMORY_LIMIT_EXCEEDED
	173: {errs.Busy, "warehouse.memory_full"},   // CANNOT_ALLOCATE_MEMORY
	243: {errs.Busy, "warehouse.disk_full"},     // NOT_ENOUGH_SPACE
	202: {errs.Busy, "warehouse.crowded"},       // TOO_MANY_SIMULTANEOUS_QUERIES
	252: {errs.Busy, "warehouse.crowded"},       // TOO_MANY_PARTS
	159: {errs.Busy, "warehouse.crowded"},       // TIMEOUT_EXCEEDED
	209: {errs.Busy, "warehouse.away"},          // SOCKET_TIMEOUT
	210: {errs.Busy, "warehouse.away"},          // NETWORK_ERROR
	192: {errs.Internal, "warehouse.forbidden"}, // UNKNOWN_USER
	193: {errs.Internal, "warehouse.forbidden"}, // WRONG_PASSWORD
	194: {errs.Internal, "warehouse.forbidden"}, // REQUIRED_PASSWORD
	195: {errs.Internal, "warehouse.forbidden"}, // IP_ADDRESS_NOT_ALLOWED
	291: {errs.Internal, "warehouse.forbidden"}, // DATABASE_ACCESS_DENIED
	497: {errs.Internal, "warehouse.forbidden"}, // ACCESS_DENIED
	516: {errs.Internal, "warehouse.forbidden"}, // AUTHENTICATION_FAILED
	164: {errs.Internal, "warehouse.forbidden"}, // READONLY
}

func code(err error) int32 {
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return e.Code
	}
	return 0
}

// explain turns the engine's errors that people can do something about into words; the others stay as they are.
func (s *Store) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if strings.Contains(err.Error(), "No space left on device") {
		return errs.Wrap(err, errs.Busy, "warehouse.disk_full")
	}
	if k, ok := kinds[code(err)]; ok {
		return errs.Wrap(err, k.kind, k.key, s.addr)
	}
	if code(err) != 0 {
		return fmt.Errorf("click: %w", err)
	}
	_, network := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, clickhouse.ErrConnectionClosed) && s.closed.Load():
		return errs.Wrap(err, errs.Busy, "warehouse.closed")
	case errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		return errs.Wrap(err, errs.Busy, "warehouse.crowded", s.addr)
	case network, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		strings.Contains(err.Error(), "closed connection"):
		return errs.Wrap(err, errs.Busy, "warehouse.away", s.addr)
	}
	return fmt.Errorf("click: %w", err)
}

// vanished says so when a version was dropped between the plan and its run.
func (s *Store) vanished(ctx context.Context, p *warehouse.Plan, err error) error {
	if c := code(err); c != unknownTable && c != droppedTable {
		return err
	}
	known, again := s.catalog(ctx, time.Now())
	for _, src := range p.Sources {
		if _, ok := known[src.Version.ID]; !ok && again == nil {
			return errs.Wrap(err, errs.Missing, "warehouse.no_version", src.Version.ID)
		}
	}
	return err
}
