package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"
)

// SnapshotFile is the file of rows in a snapshot of SQLite.
const SnapshotFile = "rows.db"

// tablesFile lists a snapshot of PostgreSQL: its tables in the order they can be filled.
const tablesFile = "tables.json"

type dumped struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// Snapshot writes every row as of one moment into dir, also while others write. A snapshot goes back
// into the engine it came from.
func (db *DB) Snapshot(ctx context.Context, dir string) error {
	if db.engine == SQLite {
		return db.snapshotSQLite(ctx, filepath.Join(dir, SnapshotFile))
	}
	return db.snapshotPostgres(ctx, dir)
}

func (db *DB) snapshotSQLite(ctx context.Context, file string) error {
	own, err := sql.Open("sqlite", "file:"+db.path) // a connection of its own: the pools' are read-only or taken
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer own.Close()
	if _, err := own.ExecContext(ctx, `VACUUM INTO ?`, file); err != nil {
		return mapped(err)
	}
	return os.Chmod(file, 0o600)
}

func (db *DB) snapshotPostgres(ctx context.Context, dir string) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return mapped(err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return mapped(err)
	}
	defer tx.Rollback(ctx)
	tables, err := pgTables(ctx, tx)
	if err != nil {
		return err
	}
	for i, t := range tables {
		f, err := os.OpenFile(filepath.Join(dir, t.Name+".copy"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		w := bufio.NewWriterSize(f, 1<<20)
		tag, err := tx.Conn().PgConn().CopyTo(ctx, w, "COPY "+t.list()+" TO STDOUT (FORMAT binary)")
		if err := errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
			return mapped(err)
		}
		tables[i].Rows = tag.RowsAffected()
	}
	b, err := json.MarshalIndent(tables, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, tablesFile), b, 0o600)
}

// list is the table with its columns, quoted; names come from the catalogue.
func (t dumped) list() string {
	s := pgx.Identifier{t.Name}.Sanitize() + " ("
	for i, c := range t.Columns {
		if i > 0 {
			s += ", "
		}
		s += pgx.Identifier{c}.Sanitize()
	}
	return s + ")"
}

// pgTables returns the ordinary tables with their stored columns, referenced ones first.
func pgTables(ctx context.Context, tx pgx.Tx) ([]dumped, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		GROUP BY c.relname ORDER BY c.relname`)
	if err != nil {
		return nil, mapped(err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t dumped, err error) { return t, r.Scan(&t.Name, &t.Columns) })
	if err != nil {
		return nil, mapped(err)
	}
	rows, err = tx.Query(ctx, `SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid`)
	if err != nil {
		return nil, mapped(err)
	}
	needs := map[string][]string{}
	var from, to string
	if _, err := pgx.ForEachRow(rows, []any{&from, &to}, func() error { needs[from] = append(needs[from], to); return nil }); err != nil {
		return nil, mapped(err)
	}
	return inOrder(all, needs), nil
}

// inOrder puts tables behind those they refer to. A circle, which no room has, would stay as it is.
func inOrder(all []dumped, needs map[string][]string) []dumped {
	var out []dumped
	placed := map[string]bool{}
	for len(out) < len(all) {
		before := len(out)
		for _, t := range all {
			if !placed[t.Name] && !slices.ContainsFunc(needs[t.Name], func(n string) bool { return !placed[n] }) {
				placed[t.Name] = true
				out = append(out, t)
			}
		}
		if len(out) == before {
			return append(out, slices.DeleteFunc(slices.Clone(all), func(t dumped) bool { return placed[t.Name] })...)
		}
	}
	return out
}

// Fill puts a snapshot of PostgreSQL into this migrated database, replacing what the migrations wrote.
// SQLite's snapshot is a file that is put in place before Open.
func (db *DB) Fill(ctx context.Context, dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, tablesFile))
	if err != nil {
		return fmt.Errorf("store: the snapshot holds no rows of PostgreSQL: %w", err)
	}
	var tables []dumped
	if err := json.Unmarshal(b, &tables); err != nil {
		return fmt.Errorf("store: %s: %w", tablesFile, err)
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return mapped(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return mapped(err)
	}
	defer tx.Rollback(ctx)
	for i := len(tables) - 1; i >= 0; i-- {
		if _, err := tx.Exec(ctx, "TRUNCATE "+pgx.Identifier{tables[i].Name}.Sanitize()+" CASCADE"); err != nil {
			return mapped(err)
		}
	}
	for _, t := range tables {
		if err := fillTable(ctx, tx, dir, t); err != nil {
			return fmt.Errorf("store: table %s: %w", t.Name, err)
		}
	}
	if err := setSequences(ctx, tx); err != nil {
		return err
	}
	return mapped(tx.Commit(ctx))
}

func fillTable(ctx context.Context, tx pgx.Tx, dir string, t dumped) error {
	f, err := os.Open(filepath.Join(dir, filepath.Base(t.Name)+".copy"))
	if err != nil {
		return err
	}
	defer f.Close()
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, io.Reader(bufio.NewReaderSize(f, 1<<20)), "COPY "+t.list()+" FROM STDIN (FORMAT binary)")
	if err != nil {
		return mapped(err)
	}
	if tag.RowsAffected() != t.Rows {
		return fmt.Errorf("%d rows came back of %d", tag.RowsAffected(), t.Rows)
	}
	return nil
}

// setSequences moves every sequence of a column behind the column's highest value.
func setSequences(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL`)
	if err != nil {
		return mapped(err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s [3]string, err error) { return s, r.Scan(&s[0], &s[1], &s[2]) })
	if err != nil {
		return mapped(err)
	}
	for _, s := range all {
		q := fmt.Sprintf(`SELECT setval($1::regclass, coalesce((SELECT max(%s) FROM %s), 1))`, pgx.Identifier{s[1]}.Sanitize(), pgx.Identifier{s[0]}.Sanitize())
		if _, err := tx.Exec(ctx, q, s[2]); err != nil {
			return mapped(err)
		}
	}
	return nil
}
