package duck

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// traceTables are what the texts of the trace tests read.
var traceTables = map[string][]string{"p": {"id", "xm", "jd", "nl", "je"}, "s": {"jd", "mj", "qu"}, "t": {"a", "b"}}

// told writes a trace as a line: "name=how(table.column …)" for each column, then what decides about rows.
func told(r *warehouse.Reading, x *warehouse.Trace) string {
	list := func(all []warehouse.Origin) string {
		var out []string
		for _, o := range all {
			out = append(out, r.Tables[o.Table].Name+"."+o.Column)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	var out []string
	for _, c := range x.Outputs {
		out = append(out, fmt.Sprintf("%s=%s(%s)", c.Name, c.How, list(c.From)))
	}
	return strings.Join(out, " ") + " | " + list(x.Conditions)
}

func traced(t testing.TB, s *Store, r *warehouse.Reading) *warehouse.Trace {
	t.Helper()
	names := make([][]string, len(r.Tables))
	for i, one := range r.Tables {
		names[i] = traceTables[strings.ToLower(one.Name)]
	}
	x, err := s.Trace(r, names)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTrace(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	for _, c := range []struct{ sql, want string }{
		{`SELECT id, xm AS 姓名 FROM p`, `id=copy(p.id) 姓名=copy(p.xm) | `},
		{`SELECT * FROM s`, `jd=copy(s.jd) mj=copy(s.mj) qu=copy(s.qu) | `},
		{`SELECT * EXCLUDE (je, XM) FROM p WHERE je > 1`, `id=copy(p.id) jd=copy(p.jd) nl=copy(p.nl) | p.je`},
		{`SELECT upper(xm) || '1' AS x, 1 AS one FROM p`, `x=derived(p.xm) one=derived() | `},
		{`SELECT jd, count(*) AS n, sum(je) FILTER (WHERE nl > 60) AS s FROM p GROUP BY jd HAVING max(nl) > 3`, `jd=copy(p.jd) n=aggregate() s=aggregate(p.je p.nl) | p.jd p.nl`},
		{`SELECT p.id, s.mj FROM p JOIN s ON p.jd = s.jd`, `id=copy(p.id) mj=copy(s.mj) | p.jd s.jd`},
		{`SELECT * FROM p LEFT JOIN s USING (jd)`, `id=copy(p.id) xm=copy(p.xm) jd=copy(p.jd s.jd) nl=copy(p.nl) je=copy(p.je) mj=copy(s.mj) qu=copy(s.qu) | p.jd s.jd`},
		{`SELECT mj, jd FROM p NATURAL JOIN s`, `mj=copy(s.mj) jd=copy(p.jd s.jd) | p.jd s.jd`},
		{`SELECT a.* FROM t a, t c WHERE a.a = c.b`, `a=copy(t.a) b=copy(t.b) | t.a t.b`},
		{`SELECT a.xm, p.id FROM p a AT (VERSION => 3) JOIN p USING (jd)`, `xm=copy(p.xm) id=copy(p.id) | p.jd p.jd`},
		{`SELECT xm FROM p AT (TIMESTAMP => '2023-05-01') WHERE nl > 1`, `xm=copy(p.xm) | p.nl`},
		{`SELECT x.xm FROM p x SEMI JOIN s ON x.jd = s.jd`, `xm=copy(p.xm) | p.jd s.jd`},
		{`WITH w AS (SELECT jd AS k, sum(je) AS v FROM p WHERE nl > 1 GROUP BY 1) SELECT k, v * 2 AS d FROM w`, `k=copy(p.jd) d=aggregate(p.je) | p.nl`},
		{`WITH w(x, y) AS (SELECT id, nl FROM p), v AS (SELECT x FROM w WHERE y > 1) SELECT x FROM v`, `x=copy(p.id) | p.nl`},
		{`WITH p AS (SELECT a AS id FROM t) SELECT id FROM p`, `id=copy(t.a) | `},
		{`WITH unused AS (SELECT id FROM p WHERE je > 1) SELECT a FROM t`, `a=copy(t.a) | `},
		{`SELECT id FROM p UNION ALL SELECT jd || qu FROM s WHERE mj > 0`, `id=derived(p.id s.jd s.qu) | s.mj`},
		{`SELECT jd, nl FROM p UNION BY NAME SELECT mj, jd FROM s`, `jd=copy(p.jd s.jd) nl=copy(p.nl) mj=copy(s.mj) | `},
		{`SELECT id FROM p EXCEPT SELECT a FROM t WHERE b = 1`, `id=copy(p.id) | t.a t.b`},
		{`SELECT q.n FROM (SELECT jd, count(DISTINCT id) AS n FROM p GROUP BY jd) q`, `n=aggregate(p.id) | p.jd`},
		{`SELECT xm, (SELECT max(mj) FROM s WHERE s.jd = p.jd) AS m FROM p`, `xm=copy(p.xm) m=aggregate(s.mj) | p.jd s.jd`},
		{`SELECT xm FROM p WHERE EXISTS (SELECT 1 FROM s WHERE s.jd = p.jd AND qu = 'x') AND id IN (SELECT a FROM t)`, `xm=copy(p.xm) | p.id p.jd s.jd s.qu t.a`},
		{`SELECT row_number() OVER (PARTITION BY jd ORDER BY je) AS r, sum(nl) OVER (ORDER BY id) AS s FROM p`, `r=derived(p.jd p.je) s=aggregate(p.id p.nl) | `},
		{`SELECT CASE WHEN nl >= 60 THEN '老年' ELSE xm END AS c, coalesce(jd, id) AS d, CAST(je AS VARCHAR) AS e FROM p`, `c=derived(p.nl p.xm) d=derived(p.id p.jd) e=derived(p.je) | `},
		{`SELECT nl + 1 AS x, x * 2 AS y FROM p WHERE x > 3`, `x=derived(p.nl) y=derived(p.nl) | p.nl`},
		{`SELECT xm FROM p ORDER BY je DESC LIMIT 10`, `xm=copy(p.xm) | p.je`},
		{`SELECT xm, je FROM p ORDER BY 2 LIMIT 1`, `xm=copy(p.xm) je=copy(p.je) | p.je`},
		{`SELECT xm FROM p ORDER BY je`, `xm=copy(p.xm) | `},
		{`SELECT DISTINCT ON (jd) xm FROM p`, `xm=copy(p.xm) | p.jd`},
		{`SELECT xm FROM p QUALIFY row_number() OVER (PARTITION BY id ORDER BY je) = 1`, `xm=copy(p.xm) | p.id p.je`},
		{`SELECT v.x, p.xm FROM (VALUES (1, 'a'), (2, 'b')) v(x, y) JOIN p ON p.nl = v.x`, `x=derived() xm=copy(p.xm) | p.nl`},
		{`SELECT count(*) AS n FROM (SELECT count(*), max(je) FROM p GROUP BY jd)`, `n=aggregate() | p.jd`},
		{`SELECT m FROM (SELECT jd, l.m FROM p, (SELECT max(s.mj) AS m FROM s WHERE s.jd = p.jd) l)`, `m=aggregate(s.mj) | p.jd s.jd`},
		{`SELECT XM, P.NL FROM P`, `XM=copy(P.xm) NL=copy(P.nl) | `},
	} {
		r, err := s.Read(t.Context(), c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := told(r, traced(t, s, r)); got != c.want {
			t.Errorf("%s\n  told %s\n  want %s", c.sql, got, c.want)
		}
	}
}

// The shape is what an answer would have, and nobody's row is needed to know it.
func TestShape(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	r, err := s.Read(t.Context(), `SELECT 街道, count(*) AS n, avg(n) 均, sum(je) s, max(d) d, now() AS at, NULL AS x, true b FROM t GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	cols, err := s.Shape(t.Context(), r, [][]warehouse.Column{readerColumns}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cols {
		got = append(got, c.Name+" "+c.Type.String())
	}
	if want := "街道 text, n integer, 均 decimal(38,6), s decimal(38,2), d date, at datetime, x integer, b boolean"; strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
	r, err = s.Read(t.Context(), `SELECT nothing FROM t`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Shape(t.Context(), r, [][]warehouse.Column{readerColumns}, time.Now()); errs.KeyOf(err) != "warehouse.no_column" {
		t.Error(err)
	}
}

// made asks for a version of what sql gives.
func made(t testing.TB, s *Store, ctx context.Context, sql, version, key string, dup warehouse.Duplicate, l warehouse.Limits) (warehouse.Loaded, error) {
	t.Helper()
	r, err := s.Read(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	tables := make([][]warehouse.Column, len(r.Tables))
	for i := range tables {
		tables[i] = readerColumns[1:]
	}
	cols, err := s.Shape(t.Context(), r, tables, l.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cols {
		cols[i].Key = cols[i].Name == key
	}
	return s.Make(ctx, warehouse.Spec{Table: "made", Columns: cols, OnDuplicate: dup}, r, faces(r, version), l)
}

func TestMake(t *testing.T) {
	s := open(t, Options{Memory: 256 << 20})
	v := readerTable(t, s)
	l := warehouse.Limits{Now: time.Date(2023, 6, 1, 1, 30, 0, 0, warehouse.Zone())}
	ctx := t.Context()
	got, err := made(t, s, ctx, `SELECT n, 街道, je * 2 AS je, avg(n) OVER () AS 均, d FROM t WHERE n < 900`, v.ID, "n", warehouse.Reject, l)
	if err != nil || got.Rows != 900 || got.Columns[3].Type != floating || got.Hash == "" || got.Bytes == 0 {
		t.Fatal(got, err)
	}
	// It is a version like any other: found by its key, read, matched, kept over a restart.
	res, err := s.Query(ctx, warehouse.Query{From: got.ID, Where: warehouse.Eq("n", int64(7))})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := res.All()
	if err != nil || fmt.Sprint(rows) != "[[7 珞南 2.50 449.500000 2023-01-02]]" {
		t.Fatal(rows, err)
	}
	again, err := made(t, s, ctx, `SELECT n, 街道, je * 2 AS je, avg(n) OVER () AS 均, d FROM t WHERE n < 900 ORDER BY n DESC`, v.ID, "n", warehouse.Reject, l)
	if err != nil || again.Hash != got.Hash || again.ID == got.ID {
		t.Error("equal rows, another hash:", again.Hash, got.Hash, err)
	}
	other, err := made(t, s, ctx, `SELECT n, 街道, je * 2 AS je, avg(n) OVER () AS 均, d FROM t WHERE n < 899`, v.ID, "n", warehouse.Reject, l)
	if err != nil || other.Hash == got.Hash {
		t.Error("other rows, the same hash", err)
	}
	// What is made can be read by the next statement, in part too.
	if next, err := made(t, s, ctx, `SELECT 街道, count(*) AS n FROM t GROUP BY 街道`, got.ID, "街道", warehouse.Reject, l); err != nil || next.Rows != 2 {
		t.Error(next, err)
	}
	if p, err := made(t, s, ctx, `SELECT count(*) AS n, max(n) AS m FROM part`, v.ID, "", warehouse.Reject, l); err != nil || p.Rows != 1 {
		t.Error(p, err)
	}
	if dup, err := made(t, s, ctx, `SELECT 街道, n FROM t`, v.ID, "街道", warehouse.KeepAll, l); err != nil || dup.Rows != 1000 {
		t.Error(dup, err)
	}
	before, _ := s.Versions(ctx)
	for _, c := range []struct {
		sql, key string
		dup      warehouse.Duplicate
		limits   warehouse.Limits
		want     string
	}{
		{`SELECT 街道, n FROM t`, "街道", warehouse.Reject, l, "warehouse.duplicate_keys"},
		{`SELECT nullif(n, 3) AS k FROM t`, "k", warehouse.Reject, l, "warehouse.made_key"},
		{`SELECT n FROM t`, "", warehouse.Reject, warehouse.Limits{Rows: 10, Now: l.Now}, "warehouse.made_rows"},
		{`SELECT CAST(街道 AS INTEGER) AS k FROM t`, "", warehouse.Reject, l, "warehouse.sql_convert"},
		{`SELECT sum(a.n * b.n * c.n * e.n) AS k FROM t a, t b, t c, t e`, "", warehouse.Reject, warehouse.Limits{Time: 100 * time.Millisecond, Now: l.Now}, "warehouse.sql_time"},
	} {
		if _, err := made(t, s, ctx, c.sql, v.ID, c.key, c.dup, c.limits); errs.KeyOf(err) != c.want {
			t.Errorf("%s: %v, want %s", c.sql, err, c.want)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := made(t, s, stopped, `SELECT n FROM t`, v.ID, "", warehouse.Reject, l); err != context.Canceled {
		t.Error(err)
	}
	if after, _ := s.Versions(ctx); len(after) != len(before) {
		t.Error("a failed making left something:", len(after), len(before))
	}
	var left int
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM duckdb_tables() WHERE table_name NOT LIKE 't\_%' ESCAPE '\' AND table_name NOT IN ('version', 'format')`).Scan(&left)
	if err != nil || left != 0 {
		t.Error(left, "tables left behind,", err)
	}
}

// FuzzTrace: whatever is written, its lineage names only columns the text holds, of the tables it names.
func FuzzTrace(f *testing.F) {
	for _, text := range []string{
		`SELECT id, count(*) FROM p GROUP BY 1`, `SELECT * FROM p JOIN s USING (jd)`, `WITH w AS (SELECT * EXCLUDE (xm) FROM p) SELECT nl FROM w UNION SELECT mj FROM s`,
		`SELECT (SELECT max(mj) FROM s WHERE s.jd = p.jd) FROM p ORDER BY nl LIMIT 3`, `SELECT a.a FROM t a, t b WHERE a.b IN (SELECT b FROM t)`, `SELECT x FROM (SELECT count(*) FROM p) q`,
		`SELECT p.id, v.* FROM p, (VALUES (1, nl)) v(x, y)`, `SELECT sum(nl) OVER (PARTITION BY jd) FROM p QUALIFY nl > 3`, `SELECT id FROM p NATURAL JOIN s`, `SELECT A.A FROM t`, `WITH w AS (SELECT p AS x FROM p) SELECT x.xm FROM w`,
	} {
		f.Add(text)
	}
	s, err := Open(f.Context(), Options{Dir: f.TempDir(), Memory: 128 << 20, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.Read(t.Context(), text)
		if err != nil {
			return
		}
		x := traced(t, s, r)
		holds := func(o warehouse.Origin) bool {
			n := r.Tables[o.Table]
			is := func(name string) bool { return strings.EqualFold(name, o.Column) }
			if n.All && !slices.ContainsFunc(n.Except, is) || slices.ContainsFunc(n.Columns, is) || strings.Contains(strings.ToLower(text), o.Column) || strings.Contains(strings.ToUpper(text), "NATURAL") {
				return true
			}
			return slices.ContainsFunc(n.Columns, func(c string) bool { // a whole row, by the name of its table
				return !slices.Contains(traceTables[strings.ToLower(n.Name)], strings.ToLower(c))
			})
		}
		all := slices.Clone(x.Conditions)
		for _, c := range x.Outputs {
			all = append(all, c.From...)
		}
		for _, o := range all {
			if o.Table >= len(r.Tables) || !slices.Contains(traceTables[strings.ToLower(r.Tables[o.Table].Name)], o.Column) || !holds(o) {
				t.Fatalf("%q: lineage names %v of %v", text, o, r.Tables)
			}
		}
	})
}
