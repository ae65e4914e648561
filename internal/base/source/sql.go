package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// dialect is what differs from database to database.
type dialect struct {
	begin   sql.TxOptions // one consistent state where there is one, and nothing may be written
	prepare []string      // statements of the transaction's beginning
	tables  string        // name, comment, whether a view, rows; parameters: the text as a pattern, the limit
	columns string        // name, native type, precision, scale, comment, whether key; parameters: schema, table
	types   func(native string, precision, scale int) Column
	quote   func(name string) string
	expr    func(c Column, quoted string) string // what is selected of a column, nil for the column itself
	after   func(c Column, quoted string) string // the condition of a Mark with one parameter
	first   func(query string, n int) string     // the query cut to n rows
	explain func(err error) error                // the driver's error in words, nil when it has none
}

// database is a Conn over database/sql.
type database struct {
	db *sql.DB
	tx *sql.Tx
	of dialect
}

// begin connects and opens the one transaction everything is read in.
func begin(ctx context.Context, db *sql.DB, of dialect, s Spec) (Conn, error) {
	db.SetMaxOpenConns(1)
	d := &database{db: db, of: of}
	dialling, cancel := context.WithTimeout(ctx, 2*dialFor)
	defer cancel()
	if err := db.PingContext(dialling); err != nil {
		db.Close()
		return nil, d.unreached(ctx, err, s)
	}
	// Not bound to ctx: a cancelled statement is rolled back by Close.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), &of.begin)
	if err != nil {
		db.Close()
		return nil, d.unreached(ctx, err, s)
	}
	d.tx = tx
	for _, q := range of.prepare {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(d.words(err), d.Close())
		}
	}
	return d, nil
}

func (d *database) unreached(ctx context.Context, err error, s Spec) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e
	}
	if e := d.of.explain(err); e != nil {
		return e
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.Wrap(err, errs.Busy, "source.unreachable", s.address())
}

// words turns the driver's error of a statement into one for people.
func (d *database) words(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if e := d.of.explain(err); e != nil {
		return e
	}
	return errs.Wrap(err, errs.Busy, "source.broken_off", clip(err.Error()))
}

// clip keeps a foreign message readable.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// Close implements Conn.
func (d *database) Close() error {
	if d.tx != nil {
		_ = d.tx.Rollback() // nothing was written
	}
	return d.db.Close()
}

// metaFor is how long a question about the catalogue may take.
const metaFor = 30 * time.Second

// Tables implements Conn.
func (d *database) Tables(ctx context.Context, text string, limit int) ([]Table, error) {
	ctx, cancel := context.WithTimeout(ctx, metaFor)
	defer cancel()
	rows, err := d.tx.QueryContext(ctx, d.of.tables, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text))+"%", limit)
	if err != nil {
		return nil, d.words(err)
	}
	defer rows.Close()
	out := []Table{}
	for rows.Next() {
		var schema, name string
		var comment sql.NullString
		var view, n sql.NullInt64
		if err := rows.Scan(&schema, &name, &comment, &view, &n); err != nil {
			return nil, d.words(err)
		}
		t := Table{Name: schema + "." + name, Comment: strings.TrimSpace(comment.String), View: view.Int64 != 0, Rows: -1}
		if n.Valid && n.Int64 >= 0 && !t.View {
			t.Rows = n.Int64
		}
		out = append(out, t)
	}
	return out, d.words(rows.Err())
}

// split parts an object's name into schema and table.
func split(object string) (schema, table string, err error) {
	schema, table, ok := strings.Cut(object, ".")
	if !ok || schema == "" || table == "" || !utf8.ValidString(object) || strings.ContainsRune(object, 0) {
		return "", "", errs.New(errs.Missing, "source.no_table", object)
	}
	return schema, table, nil
}

// Columns implements Conn.
func (d *database) Columns(ctx context.Context, object string) ([]Column, error) {
	schema, table, err := split(object)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, metaFor)
	defer cancel()
	rows, err := d.tx.QueryContext(ctx, d.of.columns, schema, table)
	if err != nil {
		return nil, d.words(err)
	}
	defer rows.Close()
	var out []Column
	for rows.Next() {
		var name, native string
		var precision, scale, key sql.NullInt64
		var comment sql.NullString
		if err := rows.Scan(&name, &native, &precision, &scale, &comment, &key); err != nil {
			return nil, d.words(err)
		}
		p, s := int(precision.Int64), int(scale.Int64)
		if !scale.Valid {
			s = -1
		}
		c := d.of.types(strings.ToLower(native), p, s)
		c.Name, c.Native, c.Comment, c.Key = name, native, strings.TrimSpace(comment.String), key.Int64 != 0
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, d.words(err)
	}
	if len(out) == 0 {
		return nil, errs.New(errs.Missing, "source.no_table", object)
	}
	return out, nil
}

// query writes the statement an Ask is.
func (d *database) query(ask Ask) (string, []any, error) {
	schema, table, err := split(ask.Object)
	if err != nil {
		return "", nil, err
	}
	var what []string
	for _, c := range ask.Columns {
		q := d.of.quote(c.Name)
		if d.of.expr != nil {
			q = d.of.expr(c, q)
		}
		what = append(what, q)
	}
	q := "SELECT " + strings.Join(what, ", ") + " FROM " + d.of.quote(schema) + "." + d.of.quote(table)
	var args []any
	if c := ask.After.Column; c.Name != "" {
		q += " WHERE " + d.of.after(c, d.of.quote(c.Name))
		args = append(args, ask.After.Value)
	}
	if ask.Order != "" {
		q += " ORDER BY " + d.of.quote(ask.Order)
	}
	if ask.Limit > 0 {
		q = d.of.first(q, ask.Limit)
	}
	return q, args, nil
}

// Rows implements Conn.
func (d *database) Rows(ctx context.Context, ask Ask) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		q, args, err := d.query(ask)
		if err != nil {
			yield(nil, err)
			return
		}
		rows, err := d.tx.QueryContext(ctx, q, args...)
		if err != nil {
			yield(nil, d.words(err))
			return
		}
		defer rows.Close()
		values, into, out := make([]any, len(ask.Columns)), make([]any, len(ask.Columns)), make([]string, len(ask.Columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				yield(nil, d.words(err))
				return
			}
			for i, v := range values {
				out[i] = cell(ask.Columns[i].Type, v)
			}
			if !yield(out, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, d.words(err))
		}
	}
}

// cell writes a driver's value as text.
func cell(t warehouse.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return number(t, v)
	case []byte:
		return number(t, string(v))
	case int64:
		if t.Kind == warehouse.KindBoolean {
			return strconv.FormatBool(v != 0)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return number(warehouse.DecimalType(38, 10), strconv.FormatFloat(v, 'f', -1, 64))
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return clock(t, v)
	}
	return fmt.Sprint(v)
}

// clock writes a time as it stands in a column without zone; the dialects see to it that those with one come as civil time.
func clock(t warehouse.Type, v time.Time) string {
	if t.Kind == warehouse.KindDate {
		return v.Format(time.DateOnly)
	}
	return v.Format("2006-01-02 15:04:05.999999")
}

// number takes the exponent out of a number; other texts, and bytes that are no text, are put in order.
func number(t warehouse.Type, s string) string {
	switch t.Kind {
	case warehouse.KindDecimal, warehouse.KindInteger:
		if strings.ContainsAny(s, "eE") {
			if r, ok := new(big.Rat).SetString(s); ok && len(s) < 40 {
				return strings.TrimSuffix(strings.TrimRight(r.FloatString(20), "0"), ".")
			}
		}
		if strings.HasPrefix(s, ".") { // Oracle writes .5
			return "0" + s
		}
		if strings.HasPrefix(s, "-.") {
			return "-0" + s[1:]
		}
	case warehouse.KindDate, warehouse.KindDatetime:
		if strings.HasPrefix(s, "0000-00-00") { // MySQL's way to say none
			return ""
		}
	case warehouse.KindBoolean:
		switch s {
		case "1", "\x01":
			return "true"
		case "0", "\x00":
			return "false"
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// decimalOf maps a decimal of so many digits in all and after the point; those the warehouse cannot hold are left to the values.
func decimalOf(precision, scale int) Column {
	switch {
	case precision <= 0 || scale < 0 || precision > 38 || scale > precision:
		return Column{}
	case scale == 0 && precision <= 18:
		return Column{Type: warehouse.Type{Kind: warehouse.KindInteger}}
	}
	return Column{Type: warehouse.DecimalType(precision, scale)}
}

// plain makes a Column of a warehouse kind.
func plain(k warehouse.Kind) Column { return Column{Type: warehouse.Type{Kind: k}} }
