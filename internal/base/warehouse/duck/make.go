package duck

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck/scope"
)

var _ warehouse.Maker = (*Store)(nil)

// Shape implements warehouse.Maker. It asks the engine that only reads texts, which holds no row of anybody.
func (s *Store) Shape(ctx context.Context, r *warehouse.Reading, tables [][]warehouse.Column, now time.Time) ([]warehouse.Column, error) {
	tree, ok := r.Tree.(*scope.Tree)
	if !ok || len(tables) != len(r.Tables) {
		return nil, errors.New("duck: not a reading of this store, or tables that do not fit it")
	}
	db, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	text := tree.Write(func(i int) string { return empty(tables[i]) }, func(int) string { return "NULL" }, now.In(warehouse.Zone()))
	rows, err := db.QueryContext(ctx, "SELECT * FROM ("+text+") AS answer LIMIT 0")
	if err != nil {
		return nil, worded(err)
	}
	defer rows.Close()
	heads, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := make([]warehouse.Column, len(heads))
	for i, h := range heads {
		t, ok := kindOf(h.DatabaseTypeName())
		if !ok {
			return nil, errs.New(errs.Invalid, "warehouse.sql_answer_type", h.Name(), h.DatabaseTypeName())
		}
		out[i] = warehouse.Column{Name: h.Name(), Type: t}
	}
	return out, worded(rows.Err())
}

// empty is a table with columns and no rows.
func empty(cols []warehouse.Column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = "CAST(NULL AS " + physical(c.Type) + ") AS " + name(c.Name)
	}
	return "(SELECT " + strings.Join(out, ", ") + " WHERE FALSE)"
}

// Trace implements warehouse.Maker.
func (s *Store) Trace(r *warehouse.Reading, tables [][]string) (*warehouse.Trace, error) {
	tree, ok := r.Tree.(*scope.Tree)
	if !ok || len(tables) != len(r.Tables) {
		return nil, errors.New("duck: not a reading of this store, or tables that do not fit it")
	}
	return tree.Trace(tables)
}

// Make implements warehouse.Maker. What the reader wrote is run under his limits; laying the result out by its key is the
// program's own work, as after a load.
func (s *Store) Make(ctx context.Context, spec warehouse.Spec, r *warehouse.Reading, faces []warehouse.Face, l warehouse.Limits) (warehouse.Loaded, error) {
	tree, ok := r.Tree.(*scope.Tree)
	if !ok || len(faces) != len(r.Tables) || len(tree.Params) > 0 {
		return warehouse.Loaded{}, errors.New("duck: not a reading of this store without parameters, or faces that do not fit it")
	}
	if err := spec.Check(); err != nil {
		return warehouse.Loaded{}, err
	}
	for _, f := range faces {
		if _, err := s.Version(ctx, f.Version); err != nil {
			return warehouse.Loaded{}, err
		}
	}
	m := &making{load: load{spec: spec, id: id.New(), keyed: len(warehouse.KeyColumns(spec.Columns)) > 0}}
	err := s.change(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		err := s.watched(ctx, l, func(ctx context.Context) error { return m.answer(ctx, s, conn, tree, faces, l) })
		if err != nil {
			return err
		}
		if err := m.check(ctx, tx, l); err != nil {
			return err
		}
		if err := m.number(ctx, tx, conn); err != nil {
			return err
		}
		if err := m.repeats(ctx, tx); err != nil {
			return err
		}
		if err := m.cluster(ctx, tx); err != nil {
			return err
		}
		if err := m.figures(ctx, tx, s.options.Now()); err != nil {
			return err
		}
		return register(ctx, tx, m.out.Version)
	}, func() { s.versions[m.id] = m.out.Version })
	if err != nil {
		return warehouse.Loaded{}, err
	}
	return m.out, nil
}

// making is one run of Make: the rows of the answer are numbered and keyed into a stage, and from there on it is a load like
// any other.
type making struct{ load }

func (m *making) keys() string { return "k_" + m.id }

// raw is where the answer goes: the stage itself when no key is to be added.
func (m *making) raw() string {
	if !m.keyed {
		return m.stage()
	}
	return "a_" + m.id
}

// answer works the answer out, in the types the version keeps.
func (m *making) answer(ctx context.Context, s *Store, conn *sql.Conn, tree *scope.Tree, faces []warehouse.Face, l warehouse.Limits) error {
	tables := make([]string, len(faces))
	for i, f := range faces {
		text, done, err := s.face(ctx, conn, i, f)
		defer done()
		if err != nil {
			return err
		}
		tables[i] = text
	}
	text := tree.Write(func(i int) string { return tables[i] }, func(int) string { return "NULL" }, l.Now.In(warehouse.Zone()))
	names, values := make([]string, len(m.spec.Columns)), make([]string, len(m.spec.Columns))
	for i, c := range m.spec.Columns {
		names[i] = fmt.Sprintf("x%d", i)
		values[i] = kept(c.Type, names[i]) + " AS " + column(i)
	}
	q := "CREATE TABLE " + m.raw() + " AS SELECT row_number() OVER () AS _n, " + strings.Join(values, ", ") + " FROM (" + text + ") AS answer(" + strings.Join(names, ", ") + ")"
	if l.Rows > 0 {
		q += fmt.Sprintf(" LIMIT %d", l.Rows+1)
	}
	_, err := conn.ExecContext(ctx, q)
	return worded(err)
}

// kept is a value of an answer as a version keeps it. What is no finite number, and no day of the calendar, is NULL.
func kept(t warehouse.Type, x string) string {
	switch t.Kind {
	case warehouse.KindDecimal:
		return "TRY_CAST(" + x + " AS " + physical(t) + ")"
	case warehouse.KindDate, warehouse.KindDatetime:
		return "CAST(CASE WHEN isfinite(" + x + ") THEN " + x + " END AS " + physical(t) + ")"
	}
	return "CAST(" + x + " AS " + physical(t) + ")"
}

// check refuses what is too long, or has rows without a key.
func (m *making) check(ctx context.Context, tx *sql.Tx, l warehouse.Limits) error {
	none := []string{"FALSE"}
	for _, i := range warehouse.KeyColumns(m.spec.Columns) {
		none = append(none, column(i)+" IS NULL")
		if m.spec.Columns[i].Type.Kind == warehouse.KindText {
			none = append(none, column(i)+" = ''")
		}
	}
	var rows, without int64
	err := tx.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE "+strings.Join(none, " OR ")+") FROM "+m.raw()).Scan(&rows, &without)
	switch {
	case err != nil:
		return err
	case l.Rows > 0 && rows > int64(l.Rows):
		return errs.New(errs.Invalid, "warehouse.made_rows", l.Rows)
	case without > 0:
		return errs.New(errs.Invalid, "warehouse.made_key", without)
	}
	return nil
}

// number makes the stage of a keyed version: a view of the answer beside the hash of each key, which only this program
// works out.
func (m *making) number(ctx context.Context, tx *sql.Tx, conn *sql.Conn) error {
	if !m.keyed {
		return nil
	}
	if err := m.hash(ctx, tx, conn); err != nil {
		return err
	}
	m.gone = []string{"DROP VIEW temp." + m.stage(), "DROP TABLE temp." + m.keys(), "DROP TABLE " + m.raw()}
	_, err := tx.ExecContext(ctx, "CREATE TEMP VIEW "+m.stage()+" AS SELECT k._k, a.* FROM "+m.raw()+" AS a JOIN temp."+m.keys()+" AS k ON k._n = a._n")
	return err
}

// hash works out the hash of every key, slice by slice.
func (m *making) hash(ctx context.Context, tx *sql.Tx, conn *sql.Conn) error {
	if _, err := tx.ExecContext(ctx, "CREATE TEMP TABLE "+m.keys()+" (_n BIGINT, _k BIGINT)"); err != nil {
		return err
	}
	var n int64
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+m.raw()).Scan(&n); err != nil {
		return err
	}
	var names []string
	var types []warehouse.Type
	for _, i := range warehouse.KeyColumns(m.spec.Columns) {
		names, types = append(names, column(i)), append(types, m.spec.Columns[i].Type)
	}
	for at := int64(0); at < n; at += slice {
		text := fmt.Sprintf("SELECT _n, %s FROM %s WHERE _n > %d AND _n <= %d", strings.Join(names, ", "), m.raw(), at, at+slice)
		numbers, hashes, err := keysOf(ctx, tx, text, types)
		if err != nil {
			return err
		}
		err = conn.Raw(func(dc any) error {
			a, err := duckdb.NewAppender(dc.(driver.Conn), "temp", "main", m.keys())
			if err != nil {
				return err
			}
			for i := range numbers {
				if err := a.AppendRow(numbers[i], hashes[i]); err != nil {
					return errors.Join(err, a.Close())
				}
			}
			return a.CloseWithCancel(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keysOf reads the keys of one slice.
func keysOf(ctx context.Context, tx *sql.Tx, text string, types []warehouse.Type) (numbers, hashes []int64, err error) {
	rows, err := tx.QueryContext(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var n int64
	key := make([]any, len(types))
	into := []any{&n}
	for i := range key {
		into = append(into, &key[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, nil, err
		}
		for i, t := range types {
			key[i] = value(t, key[i])
		}
		numbers, hashes = append(numbers, n), append(hashes, warehouse.KeyHash(key))
	}
	return numbers, hashes, rows.Err()
}

// figures counts rows and bytes and sums the values up. The sum does not depend on the order of rows, which an answer has
// none of: equal rows, equal hash.
func (m *making) figures(ctx context.Context, tx *sql.Tx, now time.Time) error {
	var length, row []string
	for i := range m.spec.Columns {
		text := "CAST(" + column(i) + " AS VARCHAR)"
		length = append(length, "coalesce(strlen("+text+"), 0)")
		row = append(row, "coalesce(strlen("+text+") || ':' || "+text+", '-')")
	}
	var rows, bytes int64
	var sum string
	q := "SELECT count(*), CAST(coalesce(sum(" + strings.Join(length, " + ") + "), 0) AS BIGINT), CAST(coalesce(sum(CAST(md5_number(" + strings.Join(row, " || ") + ") >> 32 AS HUGEINT)), 0) AS VARCHAR) FROM " + table(m.id)
	if err := tx.QueryRowContext(ctx, q).Scan(&rows, &bytes, &sum); err != nil {
		return err
	}
	h := sha256.New()
	for _, c := range m.spec.Columns {
		fmt.Fprintf(h, "%s %s %t\n", c.Name, c.Type, c.Key)
	}
	fmt.Fprintf(h, "%d %s", rows, sum)
	m.out.Version = warehouse.Version{ID: m.id, Table: m.spec.Table, Columns: append([]warehouse.Column(nil), m.spec.Columns...), Rows: rows, Bytes: bytes,
		Hash: hex.EncodeToString(h.Sum(nil)), Made: now.UTC().Truncate(time.Microsecond)}
	return nil
}

// Bind implements warehouse.Reader.
func (s *Store) Bind(r *warehouse.Reading, tables [][]warehouse.Column, args map[string]any, seal func(c warehouse.Column, value string) (string, error)) (*warehouse.Reading, []warehouse.Column, error) {
	tree, ok := r.Tree.(*scope.Tree)
	if !ok || len(tables) != len(r.Tables) {
		return nil, nil, errors.New("duck: not a reading of this store, or tables that do not fit it")
	}
	bound, cols, err := tree.Bind(tables, args, seal)
	if err != nil || bound == nil {
		return nil, nil, err
	}
	return &warehouse.Reading{Tables: bound.Tables, Params: bound.Params, Tree: bound}, cols, nil
}
