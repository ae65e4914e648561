package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// engineOwn are the tables whose shape is the engine's own: the index of search is made anew, River's jobs are handed
// over by base/jobs, and goose's notes say what was migrated here.
func engineOwn(table string) bool {
	return strings.HasPrefix(table, "search_") || strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "goose_")
}

// Take fills this migrated PostgreSQL database with the rows of an SQLite one migrated by the same program, in one
// transaction, and returns how many there were. What the migrations wrote here is replaced. A table that is not there
// on one side is an error: rows would be lost.
func (db *DB) Take(ctx context.Context, from *DB) (rows int64, err error) {
	if db.engine != Postgres || from.engine != SQLite {
		return 0, errors.New("store: rows move from SQLite to PostgreSQL only")
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return 0, mapped(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, mapped(err)
	}
	defer tx.Rollback(ctx)
	tables, err := pgTables(ctx, tx)
	if err != nil {
		return 0, err
	}
	if tables, err = same(ctx, from, tables); err != nil {
		return 0, err
	}
	for i := len(tables) - 1; i >= 0; i-- {
		if _, err := tx.Exec(ctx, "TRUNCATE "+pgx.Identifier{tables[i].Name}.Sanitize()+" CASCADE"); err != nil {
			return 0, mapped(err)
		}
	}
	for _, t := range tables {
		n, err := takeTable(ctx, tx, from, t)
		if err != nil {
			return 0, fmt.Errorf("store: table %s: %w", t.Name, err)
		}
		rows += n
	}
	if err := setSequences(ctx, tx); err != nil {
		return 0, err
	}
	return rows, mapped(tx.Commit(ctx))
}

// same leaves out what is the engine's own and makes sure that both sides have the rest.
func same(ctx context.Context, from *DB, here []dumped) ([]dumped, error) {
	here = slices.DeleteFunc(here, func(t dumped) bool { return engineOwn(t.Name) })
	there, err := Column[string](ctx, from, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	there = slices.DeleteFunc(there, engineOwn)
	for _, t := range here {
		if !slices.Contains(there, t.Name) {
			return nil, fmt.Errorf("store: the table %s is not in the rows that come in", t.Name)
		}
	}
	for _, name := range there {
		if !slices.ContainsFunc(here, func(t dumped) bool { return t.Name == name }) {
			return nil, fmt.Errorf("store: there is no table %s here for the rows that come in", name)
		}
	}
	return here, nil
}

func takeTable(ctx context.Context, tx pgx.Tx, from *DB, t dumped) (int64, error) {
	kinds, err := columnKinds(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	rows, err := from.QueryContext(ctx, "SELECT "+strings.Join(quoted, ", ")+" FROM "+pgx.Identifier{t.Name}.Sanitize())
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	return tx.CopyFrom(ctx, pgx.Identifier{t.Name}, t.Columns, &moving{rows: rows, kinds: kinds})
}

// columnKinds returns the type of each column.
func columnKinds(ctx context.Context, tx pgx.Tx, t dumped) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT a.attname::text, a.atttypid::regtype::text FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`, pgx.Identifier{t.Name}.Sanitize())
	if err != nil {
		return nil, mapped(err)
	}
	of := map[string]string{}
	var name, kind string
	if _, err := pgx.ForEachRow(rows, []any{&name, &kind}, func() error { of[name] = kind; return nil }); err != nil {
		return nil, mapped(err)
	}
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = of[c]
	}
	return out, nil
}

// moving reads SQLite's rows as PostgreSQL's COPY wants them.
type moving struct {
	rows  *sql.Rows
	kinds []string
}

func (m *moving) Next() bool { return m.rows.Next() }
func (m *moving) Err() error { return m.rows.Err() }

func (m *moving) Values() ([]any, error) {
	out := make([]any, len(m.kinds))
	into := make([]any, len(out))
	for i := range out {
		into[i] = &out[i]
	}
	if err := m.rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, kind := range m.kinds {
		switch v := out[i].(type) {
		case int64:
			if kind == "boolean" {
				out[i] = v != 0
			}
		case []byte:
			if kind != "bytea" {
				out[i] = string(v)
			}
		}
	}
	return out, nil
}
