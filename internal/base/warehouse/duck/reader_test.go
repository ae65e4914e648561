package duck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck/scope"
)

var readerColumns = []warehouse.Column{
	{Name: "id", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true}, {Name: "街道", Type: warehouse.Type{Kind: warehouse.KindText}},
	{Name: "n", Type: warehouse.Type{Kind: warehouse.KindInteger}}, {Name: "d", Type: warehouse.Type{Kind: warehouse.KindDate}},
	{Name: "je", Type: warehouse.DecimalType(18, 2)},
}

func readerTable(t testing.TB, s *Store) warehouse.Version {
	t.Helper()
	l, err := s.Load(t.Context(), warehouse.Spec{Table: "t", Columns: readerColumns}, func(yield func(warehouse.Row, error) bool) {
		for i := range 1000 {
			if !yield(warehouse.Row{Values: []any{fmt.Sprint("k", i), []string{"关山", "珞南"}[i%2], i, warehouse.Date("2023-01-02"), warehouse.Decimal("1.25")}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.Version
}

// faces lets a reader see all but the key, and of the table called "part" ten rows.
func faces(r *warehouse.Reading, version string) []warehouse.Face {
	out := make([]warehouse.Face, len(r.Tables))
	for i, t := range r.Tables {
		out[i] = warehouse.Face{Version: version, Columns: []string{"街道", "n", "d", "je"}}
		if t.Name == "part" {
			out[i].Where = warehouse.Lt("n", 10)
		}
	}
	return out
}

func TestReader(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	v := readerTable(t, s)
	now := time.Date(2023, 6, 1, 1, 30, 0, 0, warehouse.Zone())
	for _, c := range []struct{ sql, want string }{
		{`SELECT 街道, count(*) AS 数量, sum(n), avg(n), min(d) FROM t GROUP BY 街道 ORDER BY 2, 1 DESC`, `[[珞南 500 250000 500.000000 2023-01-02] [关山 500 249500 499.000000 2023-01-02]]`},
		{`SELECT n FROM t WHERE n > $p AND d <= current_date ORDER BY n DESC LIMIT 2 OFFSET 1`, `[[998] [997]]`},
		{`SELECT current_date, now(), today()`, `[[2023-06-01 2023-06-01 01:30:00 +0800 +08:00 2023-06-01]]`},
		{`SELECT count(*), max(n) FROM part`, `[[10 9]]`},
		{`WITH w AS (SELECT 街道 a, n FROM t), version AS (SELECT a, sum(n) s FROM w GROUP BY ALL) SELECT v.a, rank() OVER (ORDER BY s) FROM version v ORDER BY 2`, `[[关山 1] [珞南 2]]`},
		{`SELECT n / 0, n // 0, 街道 || n, sum(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY n LIMIT 2 OFFSET 4`, `[[<nil> <nil> 关山4 7] [<nil> <nil> 珞南5 9]]`},
		{`SELECT date_trunc('month', d), extract(year FROM d), d - DATE '2023-01-01', strftime(d, '%Y年') FROM t LIMIT 1`, `[[2023-01-01 2023 1 2023年]]`},
		{`SELECT x FROM (VALUES (1), (2)) v(x) WHERE x NOT IN (SELECT n FROM t) UNION ALL SELECT -1.5`, `[[-1.5]]`},
		{`SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 2`, `[[1] [1] [2]]`},
		{`SELECT count(*) FROM (SELECT 1 UNION SELECT 1)`, `[[1]]`},
		{`(SELECT n FROM part UNION ALL SELECT n FROM part) EXCEPT ALL SELECT n FROM part ORDER BY 1 LIMIT 2`, `[[0] [1]]`},
		{`SELECT count(*) FILTER (WHERE n > 3) k, 街道 FROM t GROUP BY ROLLUP(街道) HAVING count(*) > 0 ORDER BY k, 街道 NULLS FIRST`, `[[498 关山] [498 珞南] [996 <nil>]]`},
		{`SELECT DISTINCT t.街道 FROM t LEFT JOIN part USING (n) WHERE EXISTS (SELECT 1 FROM part g WHERE g.n = t.n) AND t.街道 LIKE '关%' AND t.n BETWEEN 1 AND 5`, `[[关山]]`},
		{`SELECT CASE 街道 WHEN '关山' THEN 1 ELSE 0 END c, median(n), count(DISTINCT d) FROM t GROUP BY c ORDER BY c`, `[[0 500.000000 1] [1 499.000000 1]]`},
		{`SELECT TRUE, FALSE, NULL, 1e3, 12345678901234567890123, -3, 0, 0.0, '', 'it''s', "街道" FROM "t" LIMIT 1`, `[[true false <nil> 1000.000000 12345678901234567890123 -3 0 0.0  it's 关山]]`},
		{`SELECT sum(je), je + 1, TRY_CAST(街道 AS INTEGER), CAST(n AS DECIMAL(10,1)) FROM t GROUP BY je, 街道, n ORDER BY n LIMIT 1`, `[[1.25 2.25 <nil> 0.0]]`},
		{`SELECT nullif(n, 0), coalesce(NULL, n), n IS NULL, n IN (1, 0), NOT n = 1, lag(n, 1, 7) OVER (ORDER BY n) FROM t ORDER BY n LIMIT 1`, `[[<nil> 0 false true true 7]]`},
		{`FROM t SELECT count(*)`, `[[1000]]`},
		{`SELECT a.n FROM t a SEMI JOIN part b ON a.n = b.n EXCEPT SELECT n FROM t WHERE n > 0`, `[[0]]`},
	} {
		r, err := s.Read(t.Context(), c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		a, err := s.Ask(t.Context(), r, faces(r, v.ID), map[string]any{"p": int64(5)}, warehouse.Limits{Rows: 100, Now: now})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := strings.ReplaceAll(fmt.Sprint(a.Rows), "2023-01-01 00:00:00 +0800 +08:00", "2023-01-01"); got != c.want {
			t.Errorf("%s\n  gave %s\n  want %s", c.sql, got, c.want)
		}
	}
}

// Where an error is, in characters of the line.
func TestReaderPlace(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	for sql, want := range map[string]string{
		"SELECT 街道, count(*) AS 户数\nFORM t":                        "warehouse.sql_near 2 1",
		"SELECT 街道 FROM t\nWHERE 街道 = '关山' AND repeat(街道, 2) = ''": "warehouse.sql_function 2 21",
		"SELECT 街道 FROM t WHERE":                                   "warehouse.sql_end 1 23",
	} {
		_, err := s.Read(t.Context(), sql)
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || len(e.Fields) != 1 {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got := fmt.Sprint(e.Key, " ", e.Fields[0].Args[0], " ", e.Fields[0].Args[1]); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

func TestReaderLimits(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	v := readerTable(t, s)
	ask := func(ctx context.Context, sql string, l warehouse.Limits) (*warehouse.Answer, error) {
		r, err := s.Read(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return s.Ask(ctx, r, faces(r, v.ID), nil, l)
	}
	if a, err := ask(t.Context(), `SELECT n FROM t`, warehouse.Limits{Rows: 7}); err != nil || len(a.Rows) != 7 || !a.More {
		t.Errorf("%+v, %v", a, err)
	}
	const long = `SELECT count(*) FROM t a, t b, t c, t d WHERE a.n + b.n + c.n = d.n`
	if _, err := ask(t.Context(), long, warehouse.Limits{Rows: 7, Time: 50 * time.Millisecond}); errs.KeyOf(err) != "warehouse.sql_time" {
		t.Errorf("beyond its time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	context.AfterFunc(t.Context(), cancel)
	go cancel()
	if _, err := ask(ctx, long, warehouse.Limits{Rows: 7}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := ask(t.Context(), `SELECT a.n, b.n, c.n FROM t a, t b, t c ORDER BY a.n * 7 % 13, b.n, c.n`, warehouse.Limits{Rows: 10_000_000, Time: time.Minute}); errs.KeyOf(err) != "warehouse.memory_full" {
		t.Errorf("beyond its memory: %v", err)
	}
	if a, err := ask(t.Context(), `SELECT count(*) FROM t`, warehouse.Limits{Rows: 7}); err != nil || len(a.Rows) != 1 {
		t.Errorf("the warehouse after it: %+v, %v", a, err)
	}
}

// An answer is kept for the same question over the same rows and columns alone.
func TestAnswersKept(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	v := readerTable(t, s)
	r, err := s.Read(t.Context(), `SELECT count(*), max(n) FROM t WHERE n <= $p`)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(f warehouse.Face, p any) string {
		t.Helper()
		a, err := s.Ask(t.Context(), r, []warehouse.Face{f}, map[string]any{"p": p}, warehouse.Limits{Rows: 10})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(a.Rows)
	}
	whole := warehouse.Face{Version: v.ID, Columns: []string{"n"}}
	part := whole
	part.Where = warehouse.Lt("n", 10)
	for range 2 {
		if got := ask(whole, int64(500)); got != "[[501 500]]" {
			t.Errorf("whole: %s", got)
		}
		if got := ask(whole, int64(5)); got != "[[6 5]]" {
			t.Errorf("another value: %s", got)
		}
		if got := ask(part, int64(500)); got != "[[10 9]]" {
			t.Errorf("fewer rows: %s", got)
		}
	}
	if n := s.answers.used.Len(); n != 3 {
		t.Errorf("%d answers kept, want 3", n)
	}
	if err := s.Drop(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(t.Context(), r, []warehouse.Face{whole}, map[string]any{"p": int64(5)}, warehouse.Limits{Rows: 10}); errs.KindOf(err) != errs.Missing {
		t.Errorf("of a dropped version: %v", err)
	}
}

// FuzzReader: whatever is written, what is run touches only the tables given and of those only the columns given, and
// reading it again gives the same statement.
func FuzzReader(f *testing.F) {
	b, err := os.ReadFile("../../../datahub/query/testdata/hostile.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(b), "\n--! ")[1:] {
		_, text, _ := strings.Cut(block, "\n")
		f.Add(text)
		f.Add(strings.NewReplacer("population", "t", "secrets", "part", "jd", "街道", "nl", "n").Replace(text))
	}
	f.Add(`SELECT 街道, count(*) AS n FROM t AS x WHERE d = DATE '2023-01-02' GROUP BY GROUPING SETS ((街道), ()) HAVING count(*) > 1 ORDER BY 2 DESC NULLS LAST LIMIT 5`)
	s, err := Open(f.Context(), Options{Dir: f.TempDir(), Memory: 128 << 20, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	const granted = "t_granted"
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.Read(t.Context(), text)
		if err != nil {
			if k := errs.KindOf(err); k != errs.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		write := func(tree *scope.Tree) string {
			return tree.Write(func(i int) string { return "(SELECT c1, c2 FROM " + granted + ")" }, func(i int) string { return "$" + tree.Params[i] }, time.Time{})
		}
		written := write(r.Tree.(*scope.Tree))
		var tree string
		err = s.parser.QueryRowContext(t.Context(), `SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)`, written).Scan(&tree)
		if err != nil || strings.HasPrefix(tree, `{"error":true`) {
			t.Fatalf("%q was written as %q, which is not read: %s %v", text, written, tree, err)
		}
		var root any
		if err := json.Unmarshal([]byte(tree), &root); err != nil {
			t.Fatal(err)
		}
		touches(t, written, root, granted)
		again, err := s.Read(t.Context(), strings.ReplaceAll(written, granted, "granted"))
		if err != nil { // bounds may be met on the way: brackets nest deeper than the text did
			if key := errs.KeyOf(err); key != "warehouse.sql_deep" && key != "warehouse.sql_long" && key != "warehouse.sql_sources" {
				t.Fatalf("%q was written as %q, which is refused: %v", text, written, err)
			}
			return
		}
		_ = again
	})
}

var ownName = regexp.MustCompile(`^w\d+$`)

// touches walks a tree of the engine and fails on any table but the granted one and the CTEs the writer named.
func touches(t *testing.T, text string, v any, granted string) {
	switch v := v.(type) {
	case []any:
		for _, kid := range v {
			touches(t, text, kid, granted)
		}
	case map[string]any:
		switch v["type"] {
		case "TABLE_FUNCTION", "SHOW_REF", "RECURSIVE_CTE_NODE", "PIVOT", "COLUMN_DATA", "DELIM_GET":
			t.Fatalf("%q holds a %s", text, v["type"])
		case "BASE_TABLE":
			name, _ := v["table_name"].(string)
			if v["schema_name"] != "" || v["catalog_name"] != "" || name != granted && !ownName.MatchString(name) {
				t.Fatalf("%q reads %v.%v.%v", text, v["catalog_name"], v["schema_name"], name)
			}
		}
		for _, kid := range v {
			touches(t, text, kid, granted)
		}
	}
}

// What a text uses of a table without naming its columns counts as all of them: who may not use one is told, who may is noted.
func TestUsedWithoutName(t *testing.T) {
	s := open(t, Options{Memory: 128 << 20})
	for text, want := range map[string]string{
		`SELECT n FROM t NATURAL JOIN part`:                            "t all, part all",
		`SELECT f.a FROM t AS f(a, b)`:                                 "t all",
		`SELECT count(t) FROM t`:                                       "t all",
		`SELECT count(x) FROM t x`:                                     "t all",
		`SELECT * EXCLUDE (n) FROM t`:                                  "t all but n",
		`SELECT * EXCLUDE (n) FROM t NATURAL JOIN part`:                "t all, part all",
		`SELECT n FROM t WHERE EXISTS (SELECT 1 FROM part p(a, b, c))`: "t, part all",
		`SELECT t.n FROM t JOIN part USING (n)`:                        "t, part",
	} {
		r, err := s.Read(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, n := range r.Tables {
			word := n.Name
			if n.All {
				word += " all"
			}
			if len(n.Except) > 0 {
				word += " but " + strings.Join(n.Except, " ")
			}
			got = append(got, word)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", text, strings.Join(got, ", "), want)
		}
	}
}
