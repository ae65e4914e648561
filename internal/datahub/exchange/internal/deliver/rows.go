package deliver

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"qushu/internal/base/errs"
)

// OpenRows opens the database a table of the receiver is in.
func OpenRows(ctx context.Context, t Target, secret string) (*sql.DB, error) {
	port := t.Port
	var db *sql.DB
	switch t.Kind {
	case "postgres":
		if port == 0 {
			port = 5432
		}
		u := url.URL{Scheme: "postgres", User: url.UserPassword(t.User, secret), Host: net.JoinHostPort(t.Host, strconv.Itoa(port)), Path: "/" + t.Database, RawQuery: "connect_timeout=20"}
		config, err := pgx.ParseConfig(u.String())
		if err != nil {
			return nil, errs.New(errs.Invalid, "exchange.target_host") // the error may hold the password
		}
		db = stdlib.OpenDB(*config)
	default:
		if port == 0 {
			port = 3306
		}
		config := mysql.NewConfig()
		config.User, config.Passwd, config.Net, config.Addr, config.DBName = t.User, secret, "tcp", net.JoinHostPort(t.Host, strconv.Itoa(port)), t.Database
		config.Timeout = 20 * time.Second
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return nil, errs.New(errs.Invalid, "exchange.target_host")
		}
		db = sql.OpenDB(connector)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, errs.Wrap(err, errs.Busy, "exchange.unreachable", net.JoinHostPort(t.Host, strconv.Itoa(port)))
	}
	return db, nil
}

// perStatement is how many values one INSERT carries at most.
const perStatement = 5000

// Writer writes rows into the receiver's table, those with a known key over the old ones.
type Writer struct {
	tx      *sql.Tx
	t       Target
	columns []string
	args    []any
	rows    int
}

// NewWriter writes rows of columns in a transaction.
func NewWriter(tx *sql.Tx, t Target, columns []string) *Writer {
	return &Writer{tx: tx, t: t, columns: columns}
}

// Write adds a row.
func (w *Writer) Write(ctx context.Context, row []any) error {
	w.args = append(w.args, row...)
	w.rows++
	if len(w.args)+len(w.columns) > perStatement {
		return w.Flush(ctx)
	}
	return nil
}

// Flush sends what was added.
func (w *Writer) Flush(ctx context.Context) error {
	if w.rows == 0 {
		return nil
	}
	_, err := w.tx.ExecContext(ctx, Upsert(w.t, w.columns, w.rows), w.args...)
	w.args, w.rows = w.args[:0], 0
	return err
}

// Upsert is the statement for a number of rows in the words of the database.
func Upsert(t Target, columns []string, rows int) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	mark := func(n int) string { return "$" + strconv.Itoa(n) }
	if t.Kind == "mysql" {
		quote = func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
		mark = func(int) string { return "?" }
	}
	list := func(all []string) string {
		out := make([]string, len(all))
		for i, s := range all {
			out[i] = quote(s)
		}
		return strings.Join(out, ", ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", strings.ReplaceAll(list(strings.Split(t.Table, ".")), ", ", "."), list(columns))
	n := 0
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j := range columns {
			if j > 0 {
				b.WriteString(", ")
			}
			n++
			b.WriteString(mark(n))
		}
		b.WriteByte(')')
	}
	var sets []string
	for _, c := range columns {
		if slices.Contains(t.Keys, c) {
			continue
		}
		if t.Kind == "mysql" {
			sets = append(sets, quote(c)+" = VALUES("+quote(c)+")")
		} else {
			sets = append(sets, quote(c)+" = excluded."+quote(c))
		}
	}
	switch {
	case t.Kind == "mysql" && len(sets) == 0:
		sets = []string{quote(t.Keys[0]) + " = VALUES(" + quote(t.Keys[0]) + ")"}
		fallthrough
	case t.Kind == "mysql":
		b.WriteString(" ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", "))
	case len(sets) == 0:
		b.WriteString(" ON CONFLICT (" + list(t.Keys) + ") DO NOTHING")
	default:
		b.WriteString(" ON CONFLICT (" + list(t.Keys) + ") DO UPDATE SET " + strings.Join(sets, ", "))
	}
	return b.String()
}
