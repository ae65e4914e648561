package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/errs"
)

// Tx is one transaction, or on SQLite one savepoint of a shared one.
type Tx struct {
	sql    *sql.Tx
	engine Engine
	after  []func()
	db     *DB        // of SQLite
	g      *group     // of SQLite
	conn   *sql.Conn  // of PostgreSQL
	later  *pgx.Batch // of PostgreSQL: what was left for Later
	wrote  bool       // of PostgreSQL
}

// SQL returns the driver's transaction, for base packages that insert through a library of their own.
func (tx *Tx) SQL() *sql.Tx { tx.wrote = true; return tx.sql }

// After runs fn once the transaction is on disk; never when it is not.
func (tx *Tx) After(fn func()) { tx.after = append(tx.after, fn) }

// QueryContext reads inside the transaction.
func (tx *Tx) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if err := tx.flush(ctx); err != nil {
		return nil, err
	}
	tx.wrote = tx.wrote || !strings.HasPrefix(q, "SELECT")
	rows, err := tx.sql.QueryContext(tx.ctx(ctx), positional(tx.engine, q, args), args...)
	return rows, mapped(err)
}

// ExecContext writes inside the transaction.
func (tx *Tx) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	if err := tx.flush(ctx); err != nil {
		return nil, err
	}
	tx.wrote = true
	if s := tx.ready(ctx, q, args); s != nil {
		res, err := s.ExecContext(tx.ctx(ctx), args...)
		return res, mapped(err)
	}
	res, err := tx.sql.ExecContext(tx.ctx(ctx), positional(tx.engine, q, args), args...)
	return res, mapped(err)
}

// Later runs q before the next statement of the transaction that is not for later, or before its end: for writes whose fault
// nobody puts words to. On PostgreSQL those that wait go to the server together, in one message; a deed of a case writes some ten
// rows, and a message each cost more than the rows. A fault is told by what comes next.
func Later(ctx context.Context, tx *Tx, q string, args ...any) error {
	if tx.engine != Postgres {
		return Exec(ctx, tx, q, args...)
	}
	if tx.later == nil {
		tx.later, tx.wrote = &pgx.Batch{}, true
	}
	plain := make([]any, len(args))
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil { // the driver may know the type
			v = a
		}
		plain[i] = v
	}
	tx.later.Queue(q, plain...)
	return nil
}

// flush runs what was left for later.
func (tx *Tx) flush(ctx context.Context) error {
	b := tx.later
	if b == nil {
		return nil
	}
	tx.later = nil
	return mapped(tx.conn.Raw(func(dc any) error { return dc.(*stdlib.Conn).Conn().SendBatch(ctx, b).Close() }))
}

// ready is the statement of a text as this transaction may use it, nil when it is to be run as it is.
func (tx *Tx) ready(ctx context.Context, q string, args []any) *sql.Stmt {
	if tx.db == nil {
		return nil
	}
	q = positional(tx.engine, q, args)
	if s := tx.g.ready[q]; s != nil {
		return s
	}
	s, wanted := tx.db.writes.get(q)
	if wanted {
		tx.db.writes.ask(q)
	}
	if s == nil {
		return nil
	}
	own := tx.sql.StmtContext(tx.ctx(ctx), s)
	tx.g.ready[q] = own
	return own
}

// ctx drops cancellation on SQLite: interrupting a statement there rolls back the whole shared
// transaction, the neighbours' work included (sqlite3_interrupt).
func (tx *Tx) ctx(ctx context.Context) context.Context {
	if tx.engine == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

type ctxKey int

const (
	keyTx ctxKey = iota
	keyFirst
)

func inTx(ctx context.Context) bool { return ctx.Value(keyTx) != nil }

type first struct {
	done bool
	fn   func(context.Context, *Tx) error
}

// WithFirst returns a context whose first Tx begins with fn. The web layer uses it to keep an
// Idempotency-Key in the transaction of the change itself.
func WithFirst(ctx context.Context, fn func(context.Context, *Tx) error) context.Context {
	return context.WithValue(ctx, keyFirst, &first{fn: fn})
}

// ErrNested is returned when a Tx is begun inside a Tx.
var ErrNested = errors.New("store: a Tx inside a Tx; pass the Tx on instead")

// Tx runs fn in a transaction and commits when fn returns nil. The context given to fn marks the
// transaction: reading the DB or beginning another Tx with it is an error.
func (db *DB) Tx(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if inTx(ctx) {
		return ErrNested
	}
	if f, ok := ctx.Value(keyFirst).(*first); ok && !f.done {
		inner := fn
		fn = func(ctx context.Context, tx *Tx) error {
			if err := f.fn(ctx, tx); err != nil {
				return err
			}
			f.done = true // a later Tx of the same request belongs to the same key
			if err := inner(ctx, tx); err != nil {
				f.done = false
				return err
			}
			return nil
		}
	}
	marked := context.WithValue(ctx, keyTx, true)
	if db.engine == Postgres {
		return db.plain(ctx, marked, fn)
	}
	return db.grouped(marked, fn)
}

func (db *DB) plain(ctx, marked context.Context, fn func(context.Context, *Tx) error) error {
	conn, err := db.w.Conn(ctx)
	if err != nil {
		return mapped(err)
	}
	defer conn.Close()
	raw, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return mapped(err)
	}
	defer raw.Rollback() // after Commit it does nothing
	tx := &Tx{sql: raw, engine: db.engine, conn: conn}
	if err := fn(marked, tx); err != nil {
		return err
	}
	if err := tx.flush(ctx); err != nil {
		return err
	}
	if err := raw.Commit(); err != nil {
		return mapped(err)
	}
	if db.disk != nil && tx.wrote {
		conn.Close() // others need it meanwhile
		if err := db.disk.wait(); err != nil {
			return err
		}
	}
	tx.ran()
	return nil
}

func (tx *Tx) ran() {
	for _, fn := range tx.after {
		fn()
	}
}

// group is one SQLite transaction shared by the savepoints of several callers.
type group struct {
	tx    *sql.Tx
	n     int
	begun time.Time
	ready map[string]*sql.Stmt
	done  chan struct{}
	err   error
}

// Bounds of one shared transaction: enough to share the fsync, short enough not to be felt.
const (
	groupMax = 128
	groupAge = 4 * time.Millisecond
)

// grouped runs fn in a savepoint of the current shared transaction. The last one with nobody
// waiting behind it commits for all; the others wait for that commit, so that returning means
// on disk.
func (db *DB) grouped(ctx context.Context, fn func(context.Context, *Tx) error) error {
	db.waiting.Add(1)
	db.turn.Lock()
	db.waiting.Add(-1)
	if err := ctx.Err(); err != nil {
		db.leave(db.group)
		return err
	}
	if db.group == nil {
		db.writes.catchUp(ctx)
		raw, err := db.w.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			db.turn.Unlock()
			return mapped(err)
		}
		db.group = &group{tx: raw, begun: time.Now(), ready: map[string]*sql.Stmt{}, done: make(chan struct{})}
	}
	g := db.group
	tx := &Tx{sql: g.tx, engine: SQLite, db: db, g: g}
	if err := db.savepoint(ctx, g, tx, fn); err != nil {
		return err
	}
	<-g.done
	if g.err != nil {
		return g.err
	}
	tx.ran()
	return nil
}

// savepoint holds the turn on entry and gives it up on every way out, a panic included.
func (db *DB) savepoint(ctx context.Context, g *group, tx *Tx, fn func(context.Context, *Tx) error) (err error) {
	bg := context.WithoutCancel(ctx)
	g.n++
	started := time.Now()
	ok := false
	defer func() {
		if !ok {
			if _, e := g.tx.ExecContext(bg, `ROLLBACK TO one`); e == nil {
				_, e = g.tx.ExecContext(bg, `RELEASE one`)
				if e != nil {
					db.abort(g, lost(err, e))
				}
			} else {
				db.abort(g, lost(err, e))
			}
		}
		slow(started)
		db.leave(g)
	}()
	if _, err := g.tx.ExecContext(bg, `SAVEPOINT one`); err != nil {
		return mapped(err)
	}
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if _, err := g.tx.ExecContext(bg, `RELEASE one`); err != nil {
		return mapped(err)
	}
	ok = true
	return nil
}

// lost is why a group is lost: what the engine said first. After a full disk there is no savepoint to go back to, but nobody wants to
// hear of savepoints.
func lost(first, then error) error {
	if errs.Is(first, errs.Busy) {
		return first
	}
	return then
}

// abort ends a group whose transaction the engine has thrown away (disk full, I/O error): everyone in it is told.
func (db *DB) abort(g *group, cause error) {
	if db.group != g {
		return
	}
	db.group = nil
	g.tx.Rollback()
	g.err = mapped(fmt.Errorf("store: transaction lost: %w", cause))
	close(g.done)
}

// leave gives the turn to the next one waiting, after committing when nobody is, or the group is full or old.
func (db *DB) leave(g *group) {
	if g != nil && db.group == g && (db.waiting.Load() == 0 || g.n >= groupMax || time.Since(g.begun) > groupAge) {
		db.group = nil
		if err := g.tx.Commit(); err != nil {
			g.tx.Rollback()
			g.err = mapped(err)
		}
		close(g.done)
	}
	db.turn.Unlock()
}

// Lock makes the transactions that lock the same kind and id run one after the other. Every verb
// that decides on shared state takes it first. SQLite's one writer is the lock there.
func Lock(ctx context.Context, tx *Tx, kind, id string) error {
	if tx.engine == SQLite {
		return nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey(kind, id))
	if err != nil {
		return err
	}
	return rows.Close()
}

// Skip is the clause that lets several workers take different rows: "FOR UPDATE SKIP LOCKED" on
// PostgreSQL, nothing on SQLite's one writer.
func (db *DB) Skip() string {
	if db.engine == Postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// positional rewrites a long statement's $1, $2 … for SQLite, which looks each of them up by name and
// so takes the square of their number. Placeholders that repeat or jump stay as they are.
func positional(e Engine, q string, args []any) string {
	if e != SQLite || len(args) < 64 {
		return q
	}
	var b strings.Builder
	b.Grow(len(q))
	last, at := 0, 0
	for _, loc := range placeholder.FindAllStringIndex(q, -1) {
		n, err := strconv.Atoi(q[loc[0]+1 : loc[1]])
		if err != nil || n != last+1 {
			return q
		}
		b.WriteString(q[at:loc[0]])
		b.WriteByte('?')
		last, at = n, loc[1]
	}
	b.WriteString(q[at:])
	return b.String()
}
