package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck/scope"
)

var _ warehouse.Reader = (*Store)(nil)

// parser is an engine in memory that only reads texts: it holds no table, reads no file and cannot be told otherwise.
func parser(ctx context.Context) (*sql.DB, error) {
	c, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	for _, set := range []string{
		"memory_limit = '64MB'", "threads = 1", "max_expression_depth = 200",
		"autoinstall_known_extensions = false", "autoload_known_extensions = false", "allow_community_extensions = false",
		"enable_external_access = false", "lock_configuration = true",
	} {
		if _, err := db.ExecContext(ctx, "SET GLOBAL "+set); err != nil {
			db.Close()
			return nil, fmt.Errorf("duck: %s: %w", set, err)
		}
	}
	return db, nil
}

// maxNesting keeps the engine's own recursion far from the end of its stack.
const maxNesting = 100

// Read implements warehouse.Reader.
func (s *Store) Read(ctx context.Context, text string) (*warehouse.Reading, error) {
	text = strings.TrimSpace(text)
	depth, deepest := 0, 0
	for _, r := range text {
		switch r {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		}
	}
	switch {
	case text == "":
		return nil, errs.New(errs.Invalid, "warehouse.sql_empty")
	case len(text) > warehouse.MaxSQL:
		return nil, errs.New(errs.Invalid, "warehouse.sql_long", warehouse.MaxSQL)
	case deepest > maxNesting:
		return nil, errs.New(errs.Invalid, "warehouse.sql_deep")
	}
	db, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	var tree string
	err = db.QueryRowContext(ctx, `SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR), skip_null := true, skip_default := true) AS VARCHAR)`, text).Scan(&tree)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errs.Wrap(err, errs.Invalid, "warehouse.sql_unreadable")
	}
	t, err := scope.Parse(text, []byte(tree))
	if err != nil {
		return nil, err
	}
	return &warehouse.Reading{Tables: t.Tables, Params: t.Params, Tree: t}, nil
}

// reading returns the engine that reads texts, made when first needed.
func (s *Store) reading(ctx context.Context) (*sql.DB, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.closed {
		return nil, errs.New(errs.Busy, "warehouse.closed")
	}
	if s.parser == nil {
		db, err := parser(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		s.parser = db
	}
	return s.parser, nil
}

// Ask implements warehouse.Reader. A face with a condition is first copied into a temporary table: the engine may work
// out a reader's expression before our condition, and an error in it would tell of rows he may not see.
func (s *Store) Ask(ctx context.Context, r *warehouse.Reading, faces []warehouse.Face, args map[string]any, l warehouse.Limits) (*warehouse.Answer, error) {
	tree, ok := r.Tree.(*scope.Tree)
	if !ok || len(faces) != len(r.Tables) {
		return nil, errors.New("duck: not a reading of this store, or faces that do not fit it")
	}
	for _, f := range faces {
		if _, err := s.Version(ctx, f.Version); err != nil {
			return nil, err
		}
	}
	key, err := askedKey(tree, faces, args, l)
	if err != nil {
		return nil, err
	}
	if a := s.answers.get(key); a != nil {
		return a, nil
	}
	var out *warehouse.Answer
	err = s.watched(ctx, l, func(ctx context.Context) error {
		return s.use(ctx, func(conn *sql.Conn) error {
			var err error
			out, err = s.ask(ctx, conn, tree, faces, args, l)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	s.answers.put(key, out)
	return out, nil
}

// watched runs what a reader asked within his time and memory.
func (s *Store) watched(ctx context.Context, l warehouse.Limits, fn func(ctx context.Context) error) error {
	inner, cancel := ctx, context.CancelFunc(func() {})
	if l.Time > 0 {
		inner, cancel = context.WithTimeout(ctx, l.Time)
	}
	defer cancel()
	inner, full, stop := s.guard(inner)
	defer stop()
	err := fn(inner)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case full():
		return errs.New(errs.Busy, "warehouse.memory_full")
	case inner.Err() != nil:
		return errs.New(errs.Busy, "warehouse.sql_time", int(l.Time.Seconds()))
	}
	return err
}

func (s *Store) ask(ctx context.Context, conn *sql.Conn, tree *scope.Tree, faces []warehouse.Face, given map[string]any, l warehouse.Limits) (*warehouse.Answer, error) {
	tables := make([]string, len(faces))
	for i, f := range faces {
		text, done, err := s.face(ctx, conn, i, f)
		defer done()
		if err != nil {
			return nil, err
		}
		tables[i] = text
	}
	var args []any
	var wrong error
	param := func(i int) string {
		v, ok := given[tree.Params[i]]
		if !ok && wrong == nil {
			wrong = errs.New(errs.Invalid, "warehouse.sql_param_missing", tree.Params[i])
		}
		args = append(args, argument(v))
		return fmt.Sprintf("CAST($%d AS %s)", len(args), physicalOf(v))
	}
	text := tree.Write(func(i int) string { return tables[i] }, param, l.Now.In(warehouse.Zone()))
	if wrong != nil {
		return nil, wrong
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT * FROM (%s) AS answer LIMIT %d", text, l.Rows+1), args...)
	if err != nil {
		return nil, worded(err)
	}
	defer rows.Close()
	return collect(rows, l.Rows)
}

// face returns what stands in the place of a table, and how to forget what was made for it.
func (s *Store) face(ctx context.Context, conn *sql.Conn, i int, f warehouse.Face) (text string, done func(), err error) {
	done = func() {}
	q := warehouse.Query{From: f.Version, Where: f.Where}
	for _, c := range f.Columns {
		q.Select = append(q.Select, warehouse.Item{Col: c})
	}
	p, err := warehouse.NewPlan(q, s.find)
	if err != nil {
		return "", done, err
	}
	if len(f.Columns) == 0 {
		return "", done, errors.New("duck: a face without columns")
	}
	columns := make([]string, len(p.Out))
	if f.Where.Op == "" {
		for j, o := range p.Out {
			columns[j] = fmt.Sprintf("c%d AS %s", o.Field.Column, name(f.Columns[j]))
		}
		return "(SELECT " + strings.Join(columns, ", ") + " FROM " + table(f.Version) + ")", done, nil
	}
	for j := range p.Out {
		columns[j] = fmt.Sprintf("o%d AS %s", j, name(f.Columns[j]))
	}
	w := write(p, "")
	for j, list := range w.lists {
		name := fmt.Sprintf("l%d", j)
		defer drop(ctx, conn, name)
		if err := give(ctx, conn, name, list); err != nil {
			return "", done, err
		}
	}
	as := fmt.Sprintf("f%d", i)
	done = func() { drop(ctx, conn, as) }
	_, err = conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE "+as+" AS SELECT "+strings.Join(columns, ", ")+" FROM ("+w.text.String()+")", w.args...)
	return "(SELECT * FROM temp.main." + as + ")", done, err
}

func name(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// physicalOf is the engine's type for a value of a parameter.
func physicalOf(v any) string {
	switch v.(type) {
	case int64:
		return "BIGINT"
	case warehouse.Decimal:
		return "DECIMAL(38,6)"
	case warehouse.Date:
		return "DATE"
	case time.Time:
		return "TIMESTAMP"
	case bool:
		return "BOOLEAN"
	}
	return "VARCHAR"
}

// collect reads an answer of at most n rows and one more.
func collect(rows *sql.Rows, n int) (*warehouse.Answer, error) {
	heads, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := &warehouse.Answer{Rows: [][]any{}}
	for _, h := range heads {
		t, ok := kindOf(h.DatabaseTypeName())
		if !ok {
			return nil, errs.New(errs.Invalid, "warehouse.sql_answer_type", h.Name(), h.DatabaseTypeName())
		}
		out.Columns = append(out.Columns, warehouse.Column{Name: h.Name(), Type: t})
	}
	into := make([]any, len(heads))
	for rows.Next() {
		row := make([]any, len(heads))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if len(out.Rows) == n {
			out.More = true
			continue
		}
		for i, c := range out.Columns {
			row[i] = answered(c.Type, row[i])
		}
		out.Rows = append(out.Rows, row)
	}
	return out, worded(rows.Err())
}

// floating is how a number worked out in double precision is given: as Avg is.
var floating = warehouse.DecimalType(38, 6)

// kindOf returns the type an answer's column is given as.
func kindOf(engine string) (warehouse.Type, bool) {
	var p, s int
	if n, _ := fmt.Sscanf(engine, "DECIMAL(%d,%d)", &p, &s); n == 2 {
		return warehouse.DecimalType(p, s), true
	}
	switch engine {
	case "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UTINYINT", "USMALLINT", "UINTEGER":
		return warehouse.Type{Kind: warehouse.KindInteger}, true
	case "HUGEINT", "UBIGINT", "UHUGEINT":
		return warehouse.DecimalType(38, 0), true
	case "DOUBLE", "FLOAT":
		return floating, true
	case "VARCHAR", "TIME", "INTERVAL", "SQLNULL", "NULL", `"NULL"`:
		return warehouse.Type{Kind: warehouse.KindText}, true
	case "DATE":
		return warehouse.Type{Kind: warehouse.KindDate}, true
	case "TIMESTAMP":
		return warehouse.Type{Kind: warehouse.KindDatetime}, true
	case "BOOLEAN":
		return warehouse.Type{Kind: warehouse.KindBoolean}, true
	}
	return warehouse.Type{}, false
}

// answered returns what the driver gave as its type keeps it. What is no finite number is NULL.
func answered(t warehouse.Type, v any) any {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	case int8:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		return warehouse.FromUnscaled(new(big.Int).SetUint64(v), 0)
	case *big.Int:
		return warehouse.FromUnscaled(v, 0)
	case float32:
		return double(float64(v))
	case float64:
		return double(v)
	case duckdb.Interval:
		return interval(v)
	case time.Time:
		if t.Kind == warehouse.KindText {
			return v.Format("15:04:05")
		}
	}
	return value(t, v)
}

func double(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) >= 1e32 {
		return nil
	}
	exact := new(big.Float).SetPrec(200).SetFloat64(f)
	exact.Mul(exact, big.NewFloat(1e6))
	n, _ := exact.Add(exact, big.NewFloat(math.Copysign(0.5, f))).Int(nil) // half away from zero
	return warehouse.FromUnscaled(n, 6)
}

func interval(v duckdb.Interval) string {
	var out []string
	for _, p := range []struct {
		n    int64
		unit string
	}{{int64(v.Months) / 12, "year"}, {int64(v.Months) % 12, "month"}, {int64(v.Days), "day"}} {
		if p.n != 0 {
			out = append(out, fmt.Sprintf("%d %s", p.n, p.unit))
		}
	}
	if v.Micros != 0 || out == nil {
		out = append(out, (time.Duration(v.Micros) * time.Microsecond).String())
	}
	return strings.Join(out, " ")
}

var (
	quotedName = regexp.MustCompile(`"((?:[^"]|"")+)"`)
	bareName   = regexp.MustCompile(`^Referenced column (\S+) not found`)
)

// worded puts what the engine says of a reader's statement into words. Its own words may hold values, and a log is not
// the place for them either, so they are passed on only where they are about names and types.
func worded(err error) error {
	e, ok := errors.AsType[*duckdb.Error](err)
	if err == nil || !ok {
		return err
	}
	first, _, _ := strings.Cut(e.Msg, "\n")
	_, after, found := strings.Cut(first, "Error: ")
	if found {
		first = after
	}
	named := ""
	if m := quotedName.FindStringSubmatch(first); m != nil {
		named = scope.Short(m[1])
	}
	if m := bareName.FindStringSubmatch(first); m != nil && named == "" {
		named = scope.Short(m[1])
	}
	switch e.Type {
	case duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog, duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax:
		switch {
		case strings.HasPrefix(first, "Referenced column"), strings.Contains(first, "does not have a column named"):
			if strings.Contains(first, "does not have a column named") {
				if m := quotedName.FindAllStringSubmatch(first, 2); len(m) == 2 {
					named = scope.Short(m[1][1])
				}
			}
			return errs.New(errs.Invalid, "warehouse.no_column", named)
		case strings.HasPrefix(first, "Referenced table"):
			return errs.New(errs.Invalid, "warehouse.sql_no_alias", named)
		case strings.HasPrefix(first, "Ambiguous reference"):
			return errs.New(errs.Invalid, "warehouse.ambiguous_column", named)
		case strings.HasPrefix(first, "No function matches"):
			if _, call, ok := strings.Cut(first, "types '"); ok {
				call, _, _ = strings.Cut(call, "'")
				return errs.New(errs.Invalid, "warehouse.sql_args", call)
			}
		case strings.Contains(first, "must appear in the GROUP BY"):
			return errs.New(errs.Invalid, "warehouse.not_grouped", named)
		}
		return errs.New(errs.Invalid, "warehouse.sql_bind", scope.Short(strings.TrimSuffix(first, ".")))
	case duckdb.ErrorTypeConversion, duckdb.ErrorTypeMismatchType:
		return errs.New(errs.Invalid, "warehouse.sql_convert")
	case duckdb.ErrorTypeInvalidInput, duckdb.ErrorTypeExpression, duckdb.ErrorTypeNotImplemented, duckdb.ErrorTypeDivideByZero, duckdb.ErrorTypeInvalidType:
		return errs.New(errs.Invalid, "warehouse.sql_failed")
	}
	return err
}
