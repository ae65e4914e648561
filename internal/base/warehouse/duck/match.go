package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/warehouse"
)

// Match implements warehouse.Store. The keys go into a temporary table with the hash tables are clustered by, so that
// the join compares integers and looks at texts only where those are equal.
func (s *Store) Match(ctx context.Context, m warehouse.Matching) (iter.Seq2[warehouse.Match, error], error) {
	p, key, keys, err := warehouse.PlanMatch(m, s.find)
	if err != nil {
		return nil, err
	}
	return func(yield func(warehouse.Match, error) bool) {
		err := s.use(ctx, func(conn *sql.Conn) error { return match(ctx, conn, p, key, keys, yield) })
		switch {
		case err == nil || errors.Is(err, errStop):
		case ctx.Err() != nil:
			yield(warehouse.Match{}, ctx.Err())
		default:
			yield(warehouse.Match{}, s.vanished(p, err))
		}
	}, nil
}

func match(ctx context.Context, conn *sql.Conn, p *warehouse.Plan, key warehouse.Field, keys []any, yield func(warehouse.Match, error) bool) error {
	version := p.Sources[0].Version
	only := warehouse.KeyColumns(version.Columns)
	hashed := len(only) == 1 && only[0] == key.Column
	for _, name := range []string{"wanted", "answer"} {
		defer drop(ctx, conn, name)
	}
	if err := want(ctx, conn, key, keys, hashed); err != nil {
		return err
	}
	w := &statement{plan: p}
	w.text.WriteString("CREATE OR REPLACE TEMP TABLE answer AS SELECT w.n, " + joined(p.Out[1:]) + " AS t")
	fmt.Fprintf(&w.text, " FROM %s AS s0 JOIN wanted AS w ON ", table(version.ID))
	if hashed {
		w.text.WriteString("s0._k = w.k AND ")
	}
	w.text.WriteString(place(key) + " = w.v WHERE ")
	w.test(p.Where)
	w.text.WriteString(" ORDER BY w.n, s0.rowid")
	for i, l := range w.lists {
		name := fmt.Sprintf("l%d", i)
		defer drop(ctx, conn, name)
		if err := give(ctx, conn, name, l); err != nil {
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, w.text.String(), w.args...); err != nil {
		return err
	}
	return matched(ctx, conn, len(p.Out)-1, yield)
}

// want puts the keys into a temporary table of the connection.
func want(ctx context.Context, conn *sql.Conn, key warehouse.Field, keys []any, hashed bool) error {
	if _, err := conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE wanted (n BIGINT, k BIGINT, v "+physical(key.Type)+")"); err != nil {
		return err
	}
	return conn.Raw(func(dc any) error {
		a, err := duckdb.NewAppender(dc.(driver.Conn), "temp", "main", "wanted")
		if err != nil {
			return err
		}
		one := make([]any, 1)
		for n, v := range keys {
			var k int64
			if hashed {
				one[0] = v
				k = warehouse.KeyHash(one)
			}
			if err := a.AppendRow(int64(n), k, appended(v)); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.CloseWithCancel(ctx)
	})
}

// joined is one text of all outputs with the separator between: the driver then makes one value a row instead of dozens,
// and the engine writes them on all its threads.
func joined(out []warehouse.Out) string {
	if len(out) == 0 {
		return "''"
	}
	parts := make([]string, len(out))
	for i, o := range out {
		f := expression(o)
		if o.Type.Kind == warehouse.KindText {
			parts[i] = "coalesce(replace(" + f + ", chr(31), ' '), '')"
		} else {
			parts[i] = "coalesce(CAST(" + f + " AS VARCHAR), '')"
		}
	}
	return strings.Join(parts, " || chr(31) || ")
}

// separator stands between values; no text of a table is left with it.
const separator = "\x1f"

// matched reads the answer slice by slice and joins the rows of one key to one match. It takes the driver's rows as they
// come: database/sql would copy every value once more.
func matched(ctx context.Context, conn *sql.Conn, width int, yield func(warehouse.Match, error) bool) error {
	var n int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM answer").Scan(&n); err != nil {
		return err
	}
	f := &folding{yield: yield, texts: make([]string, width)}
	for at := int64(0); at < n; at += slice {
		text := fmt.Sprintf("SELECT * FROM answer WHERE rowid >= %d AND rowid < %d ORDER BY rowid", at, min(at+slice, n))
		if err := conn.Raw(func(dc any) error { return f.read(ctx, dc, text) }); err != nil {
			return err
		}
	}
	return f.end()
}

// folding joins rows of one key.
type folding struct {
	yield func(warehouse.Match, error) bool
	row   [2]driver.Value
	texts []string
	cur   warehouse.Match
}

func (f *folding) read(ctx context.Context, dc any, text string) error {
	rows, err := dc.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		switch err := rows.Next(f.row[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		key := int(f.row[0].(int64))
		if f.cur.Rows > 0 && f.cur.Key == key {
			f.cur.Rows++
			continue
		}
		if err := f.end(); err != nil {
			return err
		}
		rest, _ := f.row[1].(string)
		for i := range f.texts {
			f.texts[i], rest, _ = strings.Cut(rest, separator)
		}
		f.cur = warehouse.Match{Key: key, Rows: 1, Texts: f.texts}
	}
}

// end gives the key that has been read to the reader.
func (f *folding) end() error {
	if f.cur.Rows > 0 && !f.yield(f.cur, nil) {
		return errStop
	}
	f.cur = warehouse.Match{}
	return nil
}
