package warehousetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

var readerColumns = []warehouse.Column{
	{Name: "id", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true}, {Name: "街道", Type: warehouse.Type{Kind: warehouse.KindText}},
	{Name: "n", Type: warehouse.Type{Kind: warehouse.KindInteger}}, {Name: "d", Type: warehouse.Type{Kind: warehouse.KindDate}},
	{Name: "je", Type: warehouse.DecimalType(18, 2)},
}

// Readers runs what a warehouse.Maker must answer, refuse and make, on stores made by open.
func Readers(t *testing.T, open Open) {
	t.Run("answers", func(t *testing.T) { readersAnswers(t, open) })
	t.Run("refusals", func(t *testing.T) { readersRefusals(t, open) })
	t.Run("making", func(t *testing.T) { readersMaking(t, open) })
}

func readerStore(t *testing.T, open Open) (warehouse.Maker, warehouse.Store, warehouse.Version) {
	t.Helper()
	s := fresh(t, open)
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
	m, ok := s.(warehouse.Maker)
	if !ok {
		t.Fatalf("%T answers no readers", s)
	}
	return m, s, l.Version
}

// readerFaces lets a reader see all but the key, and of the table called "part" ten rows.
func readerFaces(r *warehouse.Reading, version string) []warehouse.Face {
	out := make([]warehouse.Face, len(r.Tables))
	for i, t := range r.Tables {
		out[i] = warehouse.Face{Version: version, Columns: []string{"街道", "n", "d", "je"}}
		if t.Name == "part" {
			out[i].Where = warehouse.Lt("n", 10)
		}
	}
	return out
}

func readersAnswers(t *testing.T, open Open) {
	s, _, v := readerStore(t, open)
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
		a, err := s.Ask(t.Context(), r, readerFaces(r, v.ID), map[string]any{"p": int64(5)}, warehouse.Limits{Rows: 100, Time: time.Minute, Now: now})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := strings.ReplaceAll(fmt.Sprint(a.Rows), "2023-01-01 00:00:00 +0800 +08:00", "2023-01-01"); got != c.want {
			t.Errorf("%s\n  gave %s\n  want %s", c.sql, got, c.want)
		}
	}
}

// readersRefusals asks for what is not there for the reader, or for nobody.
func readersRefusals(t *testing.T, open Open) {
	s, store, v := readerStore(t, open)
	ask := func(sql, version string, l warehouse.Limits) (*warehouse.Answer, error) {
		r, err := s.Read(t.Context(), sql)
		if err != nil {
			return nil, err
		}
		return s.Ask(t.Context(), r, readerFaces(r, version), nil, l)
	}
	few := warehouse.Limits{Rows: 7, Time: time.Minute}
	for sql, key := range map[string]string{
		"SELECT id FROM t": "warehouse.no_column", "SELECT * FROM read_csv('/etc/passwd')": "warehouse.sql_table_function", "DROP TABLE t": "warehouse.sql_one",
		"SELECT * FROM '/etc/passwd'": "warehouse.sql_file", "SELECT getenv('HOME') FROM t": "warehouse.sql_function", "SELECT n FROM system.parts": "warehouse.sql_schema",
		"SELECT n FROM t AT (VERSION => n)": "warehouse.sql_at", "SELECT $x FROM t": "warehouse.sql_param_missing", "SELECT n FROM t WHERE": "warehouse.sql_end",
	} {
		if a, err := ask(sql, v.ID, few); errs.KeyOf(err) != key {
			t.Errorf("%s: %v %v, want %s", sql, a, err, key)
		}
	}
	if r, err := s.Read(t.Context(), "SELECT a.n FROM t a AT (VERSION => 3), T b, t c AT (TIMESTAMP => '2023-05-01 08:00:00'), t AT (TIMESTAMP => DATE '2023-05-01')"); err != nil || len(r.Tables) != 4 || r.Tables[0].At.Number != 3 ||
		!r.Tables[1].At.Zero() || !r.Tables[2].At.Time.Equal(time.Date(2023, 5, 1, 8, 0, 0, 0, warehouse.Zone())) || r.Tables[3].At.Time.Hour() != 0 {
		t.Errorf("versions: %+v %v", r, err)
	}
	if a, err := ask("SELECT n FROM t", v.ID, few); err != nil || len(a.Rows) != 7 || !a.More {
		t.Errorf("cut at the limit: %v %v", a, err)
	}
	if _, err := ask("SELECT n FROM t", "nix", few); !errs.Is(err, errs.Missing) {
		t.Errorf("a version there is not: %v", err)
	}
	if err := store.Drop(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	if a, err := ask("SELECT n FROM t", v.ID, few); !errs.Is(err, errs.Missing) {
		t.Errorf("a version that has been dropped still answers: %v %v", a, err)
	}
}

// readersMaking makes a version of an answer, which is one as any other.
func readersMaking(t *testing.T, open Open) {
	s, store, v := readerStore(t, open)
	r, err := s.Read(t.Context(), "SELECT 街道, count(*) AS 户, sum(je) AS 金额, min(d) AS 起 FROM t GROUP BY 街道")
	if err != nil {
		t.Fatal(err)
	}
	cols, err := s.Shape(t.Context(), r, [][]warehouse.Column{readerColumns}, start)
	if err != nil || len(cols) != 4 {
		t.Fatal(cols, err)
	}
	cols[0].Key = true
	trace, err := s.Trace(r, [][]string{{"id", "街道", "n", "d", "je"}})
	if err != nil || trace.Outputs[2].How != warehouse.Aggregated || trace.Outputs[2].From[0].Column != "je" {
		t.Errorf("%+v %v", trace, err)
	}
	made, err := s.Make(t.Context(), warehouse.Spec{Table: "sums", Columns: cols}, r, readerFaces(r, v.ID), warehouse.Limits{Rows: 100, Time: time.Minute, Now: start})
	if err != nil || made.Rows != 2 {
		t.Fatal(made, err)
	}
	res, err := store.Query(t.Context(), warehouse.Query{From: made.ID, Order: []warehouse.Sort{{By: "户"}, {By: "街道"}}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := res.All()
	if got := fmt.Sprint(rows); err != nil || got != "[[关山 500 625.00 2023-01-02] [珞南 500 625.00 2023-01-02]]" {
		t.Error(got, err)
	}
	if all, err := store.Versions(t.Context()); err != nil || len(all) != 2 {
		t.Error("versions beside the two:", all, err)
	}
}
