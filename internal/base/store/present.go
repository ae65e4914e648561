package store

import (
	"context"
	"database/sql"
	"hash/fnv"
	"strings"
)

// Presence is a sign of life of one replica.
type Presence struct {
	conn *sql.Conn // nil on SQLite
	key  int64
}

// Present lets the other replicas see that this one lives under name, until it is ended. On PostgreSQL it is a session's advisory
// lock, which ends with a replica that dies; on SQLite serve is alone.
func (db *DB) Present(ctx context.Context, name string) (*Presence, error) {
	if db.engine == SQLite {
		return &Presence{}, nil
	}
	return db.hold(ctx, presence(name))
}

// hold waits for a lock of PostgreSQL that stands as long as its session.
func (db *DB) hold(ctx context.Context, key int64) (*Presence, error) {
	conn, err := db.w.Conn(ctx)
	if err != nil {
		return nil, mapped(err)
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
		conn.Close()
		return nil, mapped(err)
	}
	return &Presence{conn, key}, nil
}

// Lives reports whether the sign still stands: it goes with its connection.
func (p *Presence) Lives(ctx context.Context) error {
	if p.conn == nil {
		return nil
	}
	_, err := p.conn.ExecContext(ctx, `SELECT 1`)
	return mapped(err)
}

// End takes the sign down.
func (p *Presence) End(ctx context.Context) {
	if p.conn != nil {
		p.conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, p.key)
		p.conn.Close()
	}
}

// Absent reports whether no replica lives under name. Of itself a replica does not ask.
func (db *DB) Absent(ctx context.Context, name string) (bool, error) {
	if db.engine == SQLite {
		return true, nil
	}
	free := false
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) (err error) { // the lock goes with the transaction
		free, err = Value[bool](ctx, tx, `SELECT pg_try_advisory_xact_lock($1)`, presence(name))
		return err
	})
	return free, err
}

func presence(name string) int64 { return lockKey("present", name) }

// lockKey is what PostgreSQL's locks call a name of parts.
func lockKey(parts ...string) int64 {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(parts, "\x00")))
	return int64(h.Sum64())
}
