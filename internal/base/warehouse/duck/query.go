package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

const (
	// small is a number of rows that may be in memory at once outside the engine's limit: the driver holds the whole
	// answer of a statement. Larger answers are read in slices.
	small = 50_000
	// slice is how many rows of a table one slice looks at: four of the engine's row groups.
	slice = 4 * 122_880
)

// Query implements warehouse.Store. A long answer is read in slices of one snapshot, so its memory is bounded: a plain
// scan straight from the table, anything sorted, joined or grouped from a temporary table that may spill to disk.
func (s *Store) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	p, err := warehouse.NewPlan(q, s.find)
	if err != nil {
		return nil, err
	}
	return &warehouse.Result{Columns: p.Columns(), Rows: func(yield func([]any, error) bool) {
		err := s.use(ctx, func(conn *sql.Conn) error { return run(ctx, conn, p, yield) })
		switch {
		case err == nil || errors.Is(err, errStop):
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
		default:
			yield(nil, s.vanished(p, err))
		}
	}}, nil
}

// errStop ends a run whose reader has seen enough.
var errStop = errors.New("duck: enough")

// vanished says so when a version was dropped between the plan and its run.
func (s *Store) vanished(p *warehouse.Plan, err error) error {
	if e, ok := errors.AsType[*duckdb.Error](err); ok && e.Type == duckdb.ErrorTypeCatalog {
		for _, src := range p.Sources {
			if _, ok := s.find(src.Version.ID); !ok {
				return errs.Wrap(err, errs.Missing, "warehouse.no_version", src.Version.ID)
			}
		}
	}
	return err
}

func run(ctx context.Context, conn *sql.Conn, p *warehouse.Plan, yield func([]any, error) bool) error {
	w := write(p, "")
	for i, l := range w.lists {
		name := fmt.Sprintf("l%d", i)
		defer drop(ctx, conn, name)
		if err := give(ctx, conn, name, l); err != nil {
			return err
		}
	}
	r := &reader{plan: p, yield: yield, left: -1}
	plain := len(p.Sources) == 1 && !p.Grouped && len(p.Order) == 0 && p.Offset == 0 && len(w.lists) == 0
	switch {
	case p.Key != nil, p.Limit > 0 && p.Limit <= small, p.Grouped && len(p.Group) == 0, plain && p.Sources[0].Version.Rows <= small:
		return r.read(ctx, conn, w.text.String(), w.args)
	case plain:
		return scan(ctx, conn, r)
	default:
		return spool(ctx, conn, w, r)
	}
}

// scan reads a plain plan slice by slice.
func scan(ctx context.Context, conn *sql.Conn, r *reader) error {
	whole := *r.plan
	if whole.Limit > 0 {
		r.left, whole.Limit = whole.Limit, 0
	}
	tx, err := conn.BeginTx(ctx, nil) // a version dropped meanwhile stays readable here
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for at := int64(0); at < whole.Sources[0].Version.Rows; at += slice {
		w := write(&whole, fmt.Sprintf("s0.rowid >= %d AND s0.rowid < %d", at, at+slice))
		if err := r.read(ctx, tx, w.text.String(), w.args); err != nil {
			return err
		}
	}
	return nil
}

// spool has the engine write the answer to a temporary table of the connection and reads that slice by slice.
func spool(ctx context.Context, conn *sql.Conn, w *statement, r *reader) error {
	defer drop(ctx, conn, "answer")
	if _, err := conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE answer AS "+w.text.String(), w.args...); err != nil {
		return err
	}
	var n int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM answer").Scan(&n); err != nil {
		return err
	}
	for at := int64(0); at < n; at += slice {
		text := fmt.Sprintf("SELECT * FROM answer WHERE rowid >= %d AND rowid < %d", at, at+slice)
		if err := r.read(ctx, conn, text, nil); err != nil {
			return err
		}
	}
	return nil
}

// give puts a long list of values into a temporary table of the connection.
func give(ctx context.Context, conn *sql.Conn, name string, l list) error {
	if _, err := conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE "+name+" (v "+physical(l.of)+")"); err != nil {
		return err
	}
	return conn.Raw(func(dc any) error {
		a, err := duckdb.NewAppender(dc.(driver.Conn), "temp", "main", name)
		if err != nil {
			return err
		}
		for _, v := range l.values {
			if err := a.AppendRow(appended(v)); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.CloseWithCancel(ctx)
	})
}

// drop forgets a temporary table; failing, it goes with the connection.
func drop(ctx context.Context, conn *sql.Conn, name string) {
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS temp."+name)
}

// reader turns the driver's rows into ours.
type reader struct {
	plan  *warehouse.Plan
	yield func([]any, error) bool
	left  int64 // rows still wanted, -1 for all
}

type queryer interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

func (r *reader) read(ctx context.Context, db queryer, text string, args []any) error {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	into := make([]any, len(r.plan.Out))
	for rows.Next() {
		row := make([]any, len(into))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, o := range r.plan.Out {
			row[i] = value(o.Type, row[i])
		}
		if r.left == 0 || !r.yield(row, nil) {
			return errStop
		}
		r.left--
	}
	return rows.Err()
}

// value returns what the driver gave as the warehouse keeps it.
func value(t warehouse.Type, v any) any {
	switch v := v.(type) {
	case duckdb.Decimal:
		return warehouse.FromUnscaled(v.Value, t.Scale)
	case time.Time:
		if t.Kind == warehouse.KindDate {
			return warehouse.Date(v.Format(time.DateOnly))
		}
		return v.Add(-civil).In(warehouse.Zone())
	}
	return v
}
