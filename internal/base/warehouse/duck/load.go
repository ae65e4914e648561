package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

// load is one run of Load: rows go to a stage in the order they come, are looked through for duplicates there, and
// are copied, sorted, to the version's table.
type load struct {
	spec  warehouse.Spec
	id    string
	keyed bool
	feed  *warehouse.Feed
	out   warehouse.Loaded
	gone  []string // statements that remove what the stage stands on, nil when it is a table
}

// Load implements warehouse.Store.
func (s *Store) Load(ctx context.Context, spec warehouse.Spec, rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
	if err := spec.Check(); err != nil {
		return warehouse.Loaded{}, err
	}
	l := &load{spec: spec, id: id.New(), keyed: len(warehouse.KeyColumns(spec.Columns)) > 0, feed: warehouse.NewFeed(spec)}
	var source error // the feed's own error is the caller's, and not ours to explain
	watched := func(yield func(warehouse.Row, error) bool) {
		for r, err := range rows {
			source = err
			if !yield(r, err) {
				return
			}
		}
	}
	err := s.change(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		if err := l.fill(ctx, tx, conn, watched); err != nil {
			return err
		}
		if err := l.repeats(ctx, tx); err != nil {
			return err
		}
		if err := l.cluster(ctx, tx); err != nil {
			return err
		}
		l.out.Version = l.feed.Version(l.id, spec, l.out.Duplicates, s.options.Now())
		return register(ctx, tx, l.out.Version)
	}, func() { s.versions[l.id] = l.out.Version })
	if source != nil {
		err = source
	}
	if err != nil {
		return warehouse.Loaded{}, err
	}
	return l.out, nil
}

func register(ctx context.Context, tx *sql.Tx, v warehouse.Version) error {
	meta, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO version VALUES ($1, $2)`, v.ID, string(meta))
	return err
}

func (l *load) stage() string { return "s_" + l.id }
func (l *load) again() string { return "d_" + l.id }

// names lists the physical columns of the version, definitions their types too.
func (l *load) names() string {
	var out []string
	if l.keyed {
		out = append(out, "_k")
	}
	for i := range l.spec.Columns {
		out = append(out, column(i))
	}
	return strings.Join(out, ", ")
}

func definitions(cols []warehouse.Column, keyed bool) string {
	var out []string
	if keyed {
		out = append(out, "_k BIGINT")
	}
	for i, c := range cols {
		out = append(out, column(i)+" "+physical(c.Type))
	}
	return strings.Join(out, ", ")
}

func column(i int) string { return fmt.Sprintf("c%d", i) }

// physical returns the engine's type. Datetimes are civil time without zone.
func physical(t warehouse.Type) string {
	switch t.Kind {
	case warehouse.KindInteger:
		return "BIGINT"
	case warehouse.KindDecimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case warehouse.KindDate:
		return "DATE"
	case warehouse.KindDatetime:
		return "TIMESTAMP"
	case warehouse.KindBoolean:
		return "BOOLEAN"
	default:
		return "VARCHAR"
	}
}

// fill appends all rows to the stage. The engine writes full row groups to disk as they come, so memory is bounded.
func (l *load) fill(ctx context.Context, tx *sql.Tx, conn *sql.Conn, rows iter.Seq2[warehouse.Row, error]) error {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE "+l.stage()+" (_n BIGINT, "+definitions(l.spec.Columns, l.keyed)+")"); err != nil {
		return err
	}
	return conn.Raw(func(dc any) error {
		a, err := duckdb.NewAppenderFromConn(dc.(driver.Conn), "", l.stage())
		if err != nil {
			return err
		}
		err = l.append(ctx, a, rows)
		if err != nil {
			_ = a.Clear() // what is buffered must not be written any more
			_ = a.Close()
			return err
		}
		return a.CloseWithCancel(ctx)
	})
}

func (l *load) append(ctx context.Context, a *duckdb.Appender, rows iter.Seq2[warehouse.Row, error]) error {
	first := 1
	if l.keyed {
		first = 2
	}
	out := make([]driver.Value, first+len(l.spec.Columns))
	n := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, key, values, err := l.feed.Take(r)
		if err != nil {
			return err
		}
		out[0] = line
		if l.keyed {
			out[1] = key
		}
		for i, v := range values {
			out[first+i] = appended(v)
		}
		if err := a.AppendRow(out...); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// civil is how far the engine's clock, which shows +08:00 without knowing it, is ahead of UTC.
const civil = 8 * time.Hour

// appended returns v as the appender takes it.
func appended(v any) driver.Value {
	switch v := v.(type) {
	case warehouse.Decimal:
		n, _ := v.Unscaled()
		if n.IsInt64() {
			return n.Int64()
		}
		return n
	case warehouse.Date:
		return v.Time()
	case time.Time:
		return v.Add(civil).UTC()
	}
	return v
}

// repeats finds rows whose key came before: equal hashes first, then equal keys among those.
func (l *load) repeats(ctx context.Context, tx *sql.Tx) error {
	if !l.keyed || l.spec.OnDuplicate == warehouse.KeepAll {
		return nil
	}
	key := "_k"
	for _, i := range warehouse.KeyColumns(l.spec.Columns) {
		key += ", " + column(i)
	}
	if _, err := tx.ExecContext(ctx, "CREATE TEMP TABLE "+l.again()+" AS SELECT _n, f FROM (SELECT _n, min(_n) OVER (PARTITION BY "+key+
		") AS f FROM "+l.stage()+" WHERE _k IN (SELECT _k FROM "+l.stage()+" GROUP BY _k HAVING count(*) > 1)) WHERE _n <> f"); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+l.again()).Scan(&l.out.Duplicates); err != nil || l.out.Duplicates == 0 {
		return err
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT _n, f FROM %s ORDER BY _n LIMIT %d", l.again(), l.spec.Listing()))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r warehouse.Repeat
		if err := rows.Scan(&r.Line, &r.First); err != nil {
			return err
		}
		l.out.Listed = append(l.out.Listed, r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if l.spec.OnDuplicate == warehouse.Reject {
		return warehouse.Duplicates(l.out.Duplicates, l.out.Listed)
	}
	return nil
}

// cluster copies the stage to the version's table, sorted by the key's hash, and drops the stage.
func (l *load) cluster(ctx context.Context, tx *sql.Tx) error {
	q := "CREATE TABLE " + table(l.id) + " AS SELECT " + l.names() + " FROM " + l.stage()
	if l.out.Duplicates > 0 {
		q += " WHERE _n NOT IN (SELECT _n FROM " + l.again() + ")"
	}
	if l.keyed {
		q += " ORDER BY _k, _n"
	}
	steps := []string{q, "DROP TABLE " + l.stage()}
	if l.gone != nil {
		steps = append([]string{q}, l.gone...)
	}
	if l.keyed && l.spec.OnDuplicate != warehouse.KeepAll {
		steps = append(steps, "DROP TABLE "+l.again())
	}
	for _, step := range steps {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	return nil
}
