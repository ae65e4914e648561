package sealed_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/click"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/warehouse/sealed"
	"qushu/internal/base/warehouse/warehousetest"
)

// house is a sealed store, the engine behind it, and the keys.
type house struct {
	warehouse.Store
	inner warehouse.Store
	ring  *secret.Ring
	dir   string // of the engine's files, "" where they are a server's
}

func ring(t testing.TB) *secret.Ring {
	t.Helper()
	r, err := secret.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func embedded(t testing.TB) house {
	t.Helper()
	dir := t.TempDir()
	s, err := duck.Open(t.Context(), duck.Options{Dir: dir, Memory: 256 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := ring(t)
	return house{sealed.New(s, r), s, r, dir}
}

// each runs fn on every engine there is.
func each(t *testing.T, fn func(t *testing.T, h house)) {
	t.Run("duckdb", func(t *testing.T) { fn(t, embedded(t)) })
	t.Run("clickhouse", func(t *testing.T) {
		url := os.Getenv("QUSHU_TEST_CLICKHOUSE")
		if url == "" {
			t.Skip("no ClickHouse to test against: scripts/with-clickhouse sets QUSHU_TEST_CLICKHOUSE")
		}
		s, err := click.Open(t.Context(), click.Options{URL: url + "/w_" + id.New(), Owner: "o", Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		r := ring(t)
		fn(t, house{sealed.New(s, r), s, r, ""})
	})
}

// A store with nothing to seal is what it was.
func TestSuiteOfPlainTables(t *testing.T) {
	warehousetest.Suite(t, func(t *testing.T, now func() time.Time) warehouse.Store {
		s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 512 << 20, Threads: 2, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return sealed.New(s, ring(t))
	})
}

func text(name, realm string, keep warehouse.Keep, key bool) warehouse.Column {
	return warehouse.Column{Name: name, Type: warehouse.Type{Kind: warehouse.KindText}, Key: key, Keep: keep, Realm: realm}
}

// people are n persons: identity number (the key), mobile number (every tenth has none), name, street.
func people(keep warehouse.Keep) warehouse.Spec {
	return warehouse.Spec{Table: "people", Columns: []warehouse.Column{text("sfzh", "id", keep, true), text("sjh", "mobile", keep, false), text("xm", "", warehouse.Plain, false),
		{Name: "n", Type: warehouse.Type{Kind: warehouse.KindInteger}}}}
}

func number(i int) string { return fmt.Sprintf("4201111985%08d", i) }
func mobile(i int) any {
	if i%10 == 0 {
		return nil
	}
	return fmt.Sprintf("138%08d", i/2)
}

func rows(n int) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		values := make([]any, 4)
		for i := range n {
			values[0], values[1], values[2], values[3] = number(i), mobile(i), "张三", int64(i)
			if !yield(warehouse.Row{Values: values}, nil) {
				return
			}
			if values[0] != number(i) {
				panic("the caller's row was written to")
			}
		}
	}
}

func load(t testing.TB, s warehouse.Store, spec warehouse.Spec, all iter.Seq2[warehouse.Row, error]) warehouse.Version {
	t.Helper()
	l, err := s.Load(context.Background(), spec, all)
	if err != nil {
		t.Fatal(err)
	}
	return l.Version
}

func ask(t testing.TB, s warehouse.Store, q warehouse.Query) string {
	t.Helper()
	res, err := s.Query(t.Context(), q)
	if err != nil {
		return errs.KeyOf(err)
	}
	all, err := res.All()
	if err != nil {
		return errs.KeyOf(err)
	}
	return fmt.Sprint(all)
}

func TestQueries(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		v := load(t, h, people(warehouse.Sealed), rows(3000))
		if under := v.Columns[0].Under; under != h.ring.Current(secret.Identifier) || v.Columns[2].Under != "" {
			t.Error("the version says its key:", under)
		}
		list := make([]string, 2500)
		for i := range list {
			list[i] = number(i + 2000)
		}
		sel := []warehouse.Item{{Col: "sfzh"}, {Col: "sjh"}, {Col: "n"}}
		for _, c := range []struct {
			q    warehouse.Query
			want string
		}{
			{warehouse.Query{Select: sel, Where: warehouse.Eq("sfzh", number(7))}, `[[420111198500000007 13800000003 7]]`},
			{warehouse.Query{Select: sel, Where: warehouse.Eq("sfzh", "420111198500000007X")}, `[]`},
			{warehouse.Query{Select: sel, Where: warehouse.And(warehouse.Eq("sjh", "13800000010"), warehouse.Ne("sfzh", number(20)))}, `[[420111198500000021 13800000010 21]]`},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count}}, Where: warehouse.In("sfzh", list...)}, ``},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}, Where: warehouse.In("sfzh", list...)}, `[[1000]]`},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}, Where: warehouse.IsNull("sjh")}, `[[300]]`},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}, Where: warehouse.Not(warehouse.Or(warehouse.IsNull("sjh"), warehouse.Eq("sjh", "13800000000")))}, `[[2699]]`},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Count, Col: "sjh", As: "a"}, {Agg: warehouse.CountDistinct, Col: "sjh", As: "b"}}}, `[[2700 1500]]`},
			{warehouse.Query{Select: []warehouse.Item{{Col: "sjh"}, {Agg: warehouse.Count, As: "c"}}, Where: warehouse.In("n", 2, 3), Group: []string{"sjh"}}, `[[13800000001 2]]`},
			{warehouse.Query{Select: sel, Where: warehouse.Lt("sfzh", number(7))}, `warehouse.sealed_op`},
			{warehouse.Query{Select: sel, Where: warehouse.Prefix("sfzh", "420111")}, `warehouse.sealed_op`},
			{warehouse.Query{Select: sel, Where: warehouse.Not(warehouse.And(warehouse.Contains("sjh", "138")))}, `warehouse.sealed_op`},
			{warehouse.Query{Select: []warehouse.Item{{Agg: warehouse.Min, Col: "sfzh"}}}, `warehouse.sealed_op`},
		} {
			c.q.From = v.ID
			if got := ask(t, h, c.q); c.want != "" && got != c.want {
				t.Errorf("%+.200v:\n got %s\nwant %s", c.q, got, c.want)
			}
		}
		if got, err := warehouse.Get(t.Context(), h, v.ID, number(11)); err != nil || fmt.Sprint(got) != `[[420111198500000011 13800000005 张三 11]]` {
			t.Error(got, err)
		}
	})
}

// Pages by a sealed key have an order that stays, and leave nothing out.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		v := load(t, h, people(warehouse.Sealed), rows(500))
		seen := map[string]bool{}
		var last any
		for page := 0; ; page++ {
			q := warehouse.Query{From: v.ID, Select: []warehouse.Item{{Col: "sfzh"}}, Order: []warehouse.Sort{{By: "sfzh"}}, Limit: 60}
			if last != nil {
				q.Where, q.Offset = warehouse.Or(warehouse.From("sfzh", last), warehouse.IsNull("sfzh")), 1
			}
			res, err := h.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			all, err := res.All()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range all {
				seen[row[0].(string)] = true
				last = row[0]
			}
			if len(all) < 60 {
				break
			}
		}
		if len(seen) != 500 || !seen[number(499)] {
			t.Error(len(seen))
		}
	})
}

func TestMatch(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		v := load(t, h, people(warehouse.Sealed), rows(3000))
		keys := []any{number(9), "nobody", number(2999)}
		for i := range 12_000 { // enough for all processors to seal
			keys = append(keys, fmt.Sprint("x", i))
		}
		m := warehouse.Matching{From: v.ID, Column: "sfzh", Keys: keys, Select: []string{"sjh", "sfzh", "xm"}, Where: warehouse.Ne("sjh", "13800000009")}
		found, err := h.Match(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for m, err := range found {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(m.Key, m.Rows, m.Texts))
		}
		if want := `[0 1 [13800000004 420111198500000009 张三] 2 1 [13800001499 420111198500002999 张三]]`; fmt.Sprint(got) != want {
			t.Errorf("%v\nwant %s", got, want)
		}
		m.Column, m.Keys, m.Select = "sjh", []any{"13800000001"}, []string{"n"}
		if found, err = h.Match(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for m, err := range found {
			if err != nil || m.Rows != 2 || m.Texts[0] == "" {
				t.Error(m, err)
			}
		}
	})
}

func TestJoinsAndRotation(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		a := load(t, h, people(warehouse.Sealed), rows(200))
		b := load(t, h, people(warehouse.Sealed), rows(100))
		plain := load(t, h, people(warehouse.Plain), rows(100))
		join := func(from, to string, on [2]string) string {
			return ask(t, h, warehouse.Query{From: from, As: "a", Join: []warehouse.Join{{Version: to, As: "b", On: [][2]string{{"a." + on[0], on[1]}}}}, Select: []warehouse.Item{{Agg: warehouse.Count, As: "n"}}})
		}
		same := [2]string{"sfzh", "sfzh"}
		if got := join(a.ID, b.ID, same); got != "[[100]]" {
			t.Error("one realm, one key:", got)
		}
		if got := join(a.ID, b.ID, [2]string{"sfzh", "sjh"}); got != "warehouse.sealed_join" {
			t.Error("two realms:", got)
		}
		if got := join(a.ID, plain.ID, same); got != "warehouse.sealed_join" {
			t.Error("sealed and plain:", got)
		}
		if _, err := h.ring.Rotate(secret.Identifier); err != nil {
			t.Fatal(err)
		}
		c := load(t, h, people(warehouse.Sealed), rows(50))
		if a.Columns[0].Under == c.Columns[0].Under {
			t.Error("a new key seals what is loaded after it")
		}
		for _, v := range []string{a.ID, b.ID, c.ID, plain.ID} { // all four are found by the same value
			if got := ask(t, h, warehouse.Query{From: v, Select: []warehouse.Item{{Col: "n"}}, Where: warehouse.Eq("sfzh", number(33))}); got != "[[33]]" {
				t.Error(v, got)
			}
		}
		if got := join(a.ID, c.ID, same); got != "warehouse.sealed_keys" {
			t.Error("two keys:", got)
		}
		// kept anew they meet again
		res, err := h.Query(t.Context(), warehouse.Query{From: a.ID})
		if err != nil {
			t.Fatal(err)
		}
		again := load(t, h, people(warehouse.Sealed), func(yield func(warehouse.Row, error) bool) {
			for row, err := range res.Rows {
				if !yield(warehouse.Row{Values: row}, err) {
					return
				}
			}
		})
		if got := join(again.ID, c.ID, same); got != "[[50]]" {
			t.Error("kept anew:", got)
		}
		old := a.Columns[0].Under
		if err := h.ring.Retire(old); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, h, warehouse.Query{From: a.ID, Where: warehouse.Eq("sfzh", number(33))}); got != "secret.key_unknown" {
			t.Error("what a retired key sealed is gone:", got)
		}
		if got := ask(t, h, warehouse.Query{From: again.ID, Select: []warehouse.Item{{Col: "sjh"}}, Where: warehouse.Eq("sfzh", number(33))}); got != "[[13800000016]]" {
			t.Error(got)
		}
	})
}

func TestHashed(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		v := load(t, h, people(warehouse.Hashed), rows(100))
		got := ask(t, h, warehouse.Query{From: v.ID, Select: []warehouse.Item{{Col: "sfzh"}, {Col: "n"}}, Where: warehouse.Eq("sfzh", number(5))})
		if !strings.HasPrefix(got, "[[#"+v.Columns[0].Under) || !strings.HasSuffix(got, " 5]]") || strings.Contains(got, number(5)) {
			t.Error(got)
		}
		res, err := h.Query(t.Context(), warehouse.Query{From: v.ID})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ring.Rotate(secret.Identifier); err != nil {
			t.Fatal(err)
		}
		spec := people(warehouse.Hashed) // a hash goes on as it is, under its own key
		spec.Columns[0].Under, spec.Columns[1].Under = v.Columns[0].Under, v.Columns[1].Under
		again := load(t, h, spec, func(yield func(warehouse.Row, error) bool) {
			for row, err := range res.Rows {
				if !yield(warehouse.Row{Values: row}, err) {
					return
				}
			}
		})
		if g := ask(t, h, warehouse.Query{From: again.ID, Select: []warehouse.Item{{Col: "n"}}, Where: warehouse.Eq("sfzh", number(5))}); g != "[[5]]" {
			t.Error(g)
		}
	})
}

// A sealed value that was altered is stated, not served.
func TestAltered(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		good, err := h.ring.Identifiers("", "id")
		if err != nil {
			t.Fatal(err)
		}
		other, err := h.ring.Identifiers("", "mobile")
		if err != nil {
			t.Fatal(err)
		}
		cut := good.Seal(number(1))
		for _, bad := range []string{cut[:len(cut)-1], other.Seal(number(1)), "420111198500000001", "zzzzzzzz" + cut[8:], strings.ToUpper(cut)} {
			spec := people(warehouse.Sealed)
			spec.Columns[0].Under, spec.Columns[1].Under = good.Key(), good.Key()
			v := load(t, h.inner, spec, func(yield func(warehouse.Row, error) bool) {
				yield(warehouse.Row{Values: []any{bad, nil, "张三", int64(1)}}, nil)
			})
			if got := ask(t, h, warehouse.Query{From: v.ID}); got != "warehouse.sealed_broken" {
				t.Errorf("%s: %s", bad, got)
			}
			if got := ask(t, h, warehouse.Query{From: v.ID, Select: []warehouse.Item{{Col: "n"}}}); got != "[[1]]" {
				t.Error("the rest is there:", got)
			}
		}
	})
}

// Nothing of an identifier stands in the engine's files, nor in a snapshot of them.
func TestAtRest(t *testing.T) {
	h := embedded(t)
	v := load(t, h, people(warehouse.Sealed), rows(20_000))
	plain := load(t, h, people(warehouse.Plain), rows(10)) // the search finds what is there to be found
	dir := t.TempDir()
	if err := h.Store.(warehouse.Archive).Snapshot(t.Context(), dir, []string{v.ID}); err != nil {
		t.Fatal(err)
	}
	if err := h.Drop(t.Context(), plain.ID); err != nil {
		t.Fatal(err)
	}
	found := func(dir string, what string) (n int) {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			n += bytes.Count(b, []byte(what))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{h.dir, dir} {
		for _, what := range []string{"42011119850001", "13800009", number(19_999), mobile(19_999).(string)} {
			if n := found(d, what); n > 0 {
				t.Errorf("%s stands %d times in %s", what, n, d)
			}
		}
	}
}

// sql answers a text over tables p (sealed), q (sealed, fewer rows) and o (plain).
func sql(t *testing.T, h house, versions map[string]string, text string, args map[string]any) string {
	t.Helper()
	rd := h.Store.(warehouse.Reader)
	r, err := rd.Read(t.Context(), text)
	if err != nil {
		return errs.KeyOf(err)
	}
	faces := make([]warehouse.Face, len(r.Tables))
	for i, n := range r.Tables {
		name := n.Name
		if !n.At.Zero() {
			name += fmt.Sprint("@", n.At.Number)
		}
		faces[i] = warehouse.Face{Version: versions[name], Columns: []string{"sfzh", "sjh", "xm", "n"}}
		if n.Name == "q" {
			faces[i].Where = warehouse.Ne("sfzh", number(0))
		}
	}
	a, err := rd.Ask(t.Context(), r, faces, args, warehouse.Limits{Rows: 100, Now: time.Now()})
	if err != nil {
		return errs.KeyOf(err)
	}
	return fmt.Sprint(a.Rows)
}

func TestSQL(t *testing.T) {
	h := embedded(t)
	of := map[string]string{"p": load(t, h, people(warehouse.Sealed), rows(100)).ID, "q": load(t, h, people(warehouse.Sealed), rows(3)).ID, "o": load(t, h, people(warehouse.Plain), rows(3)).ID}
	args := map[string]any{"who": number(5), "none": nil, "n": int64(5)}
	const a, b = "420111198500000005", "420111198500000007"
	for _, c := range []struct{ sql, want string }{
		{`SELECT sfzh, n FROM p WHERE sfzh = '` + a + `'`, `[[` + a + ` 5]]`},
		{`SELECT n FROM p WHERE '` + a + `' = p.sfzh`, `[[5]]`},
		{`SELECT n FROM p WHERE sfzh = 420111198500000005`, `[[5]]`},
		{`SELECT n FROM p WHERE sfzh = $who AND n = $n`, `[[5]]`},
		{`SELECT n FROM p WHERE sfzh = CAST($who AS VARCHAR)`, `[[5]]`},
		{`SELECT n, $who FROM p WHERE sfzh = $who`, `[[5 ` + a + `]]`}, // once sealed, once not
		{`SELECT n FROM p WHERE sfzh IN ($who, '` + b + `') ORDER BY n`, `[[5] [7]]`},
		{`SELECT count(*) FROM p WHERE sfzh NOT IN ('` + a + `') AND sjh <> '13800000001'`, `[[87]]`},
		{`SELECT count(*) FROM p WHERE sjh IS NULL`, `[[10]]`},
		{`SELECT count(sjh), count(DISTINCT sjh) FROM p`, `[[90 50]]`},
		{`SELECT sjh, count(*) FROM p WHERE n IN (2, 3) GROUP BY sjh`, `[[13800000001 2]]`},
		{`SELECT sjh FROM p WHERE n < 10 GROUP BY 1 HAVING count(*) > 1 AND sjh = '13800000002'`, `[[13800000002]]`},
		{`SELECT DISTINCT sjh FROM p WHERE n IN (2, 3)`, `[[13800000001]]`},
		{`SELECT count(*) FROM p JOIN q ON p.sfzh = q.sfzh`, `[[2]]`},
		{`SELECT q.sfzh, n FROM p JOIN q USING (sfzh, n) WHERE n = 2`, `[[420111198500000002 2]]`},
		{`SELECT * EXCLUDE (sjh) FROM q WHERE sfzh = '420111198500000002'`, `[[420111198500000002 张三 2]]`},
		{`SELECT count(*) FROM p WHERE sfzh IN (SELECT sfzh FROM q)`, `[[2]]`},
		{`SELECT count(*) FROM p WHERE EXISTS (SELECT 1 FROM q WHERE q.sfzh = p.sfzh)`, `[[2]]`},
		{`WITH w AS (SELECT sfzh AS id, sjh FROM p WHERE n < 4) SELECT w.id FROM w JOIN q ON w.id = q.sfzh WHERE w.id <> '420111198500000001'`, `[[420111198500000002]]`},
		{`SELECT id FROM (SELECT sfzh FROM q) AS s(id) WHERE id = '420111198500000002'`, `[[420111198500000002]]`},
		{`SELECT sfzh FROM p WHERE n = 1 UNION ALL SELECT sfzh FROM q WHERE n = 1 UNION ALL SELECT '` + a + `'`, `[[420111198500000001] [420111198500000001] [` + a + `]]`},
		{`SELECT coalesce(sjh, '无') FROM p WHERE n IN (0)`, `[[无]]`},
		{`SELECT CASE WHEN n = 0 THEN sfzh ELSE NULL END FROM p WHERE n = 0`, `[[420111198500000000]]`},
		{`SELECT any_value(sfzh), count(*) FROM p WHERE n = 5`, `[[` + a + ` 1]]`},
		{`SELECT n, lag(n) OVER (PARTITION BY sjh ORDER BY n) FROM p WHERE n IN (2, 3) ORDER BY n`, `[[2 <nil>] [3 2]]`},
		{`SELECT (SELECT sfzh FROM p WHERE n = 5) AS x`, `[[` + a + `]]`},
		{`SELECT xm || 'x', sfzh FROM p WHERE n = 5 AND xm LIKE '张%'`, `[[张三x ` + a + `]]`},
		{`SELECT o.sfzh FROM o WHERE o.sfzh LIKE '%2'`, `[[420111198500000002]]`}, // what is plain is free

		{`SELECT n FROM p WHERE sfzh LIKE '420111%'`, `warehouse.sealed_sql`},
		{`SELECT substr(sfzh, 1, 6) FROM p`, `warehouse.sealed_sql`},
		{`SELECT length(sfzh) FROM p`, `warehouse.sealed_sql`},
		{`SELECT sfzh || xm FROM p`, `warehouse.sealed_sql`},
		{`SELECT n FROM p WHERE sfzh < '5'`, `warehouse.sealed_sql`},
		{`SELECT n FROM p WHERE sfzh BETWEEN '1' AND '5'`, `warehouse.sealed_sql`},
		{`SELECT max(sfzh) FROM p`, `warehouse.sealed_sql`},
		{`SELECT sfzh FROM p ORDER BY sfzh`, `warehouse.sealed_sql`},
		{`SELECT sfzh AS a FROM p ORDER BY 1`, `warehouse.sealed_sql`},
		{`SELECT row_number() OVER (ORDER BY sfzh) FROM p`, `warehouse.sealed_sql`},
		{`SELECT CAST(sfzh AS BIGINT) FROM p`, `warehouse.sealed_sql`},
		{`WITH w AS (SELECT sfzh AS id FROM p) SELECT left(id, 2) FROM w`, `warehouse.sealed_sql`},
		{`SELECT p FROM p`, `warehouse.sealed_sql`},
		{`SELECT count(*) FROM p JOIN o ON p.sfzh = o.sfzh`, `warehouse.sealed_mix`},
		{`SELECT n FROM p WHERE sfzh = xm`, `warehouse.sealed_mix`},
		{`SELECT n FROM p WHERE sfzh = upper('` + a + `')`, `warehouse.sealed_mix`},
		{`SELECT n FROM p WHERE sfzh = sjh`, `warehouse.sealed_join`},
		{`SELECT sfzh FROM p UNION SELECT sjh FROM q`, `warehouse.sealed_join`},
		{`SELECT sfzh FROM p UNION SELECT xm FROM q`, `warehouse.sealed_mix`},
	} {
		if got := sql(t, h, of, c.sql, args); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
	if _, err := h.ring.Rotate(secret.Identifier); err != nil {
		t.Fatal(err)
	}
	of["q"] = load(t, h, people(warehouse.Sealed), rows(3)).ID
	if got := sql(t, h, of, `SELECT count(*) FROM p JOIN q USING (sfzh)`, nil); got != "warehouse.sealed_keys" {
		t.Error(got)
	}
	if got := sql(t, h, of, `SELECT p.n, q.n FROM p, q WHERE p.sfzh = '`+number(2)+`' AND q.sfzh = '`+number(2)+`'`, nil); got != "[[2 2]]" {
		t.Error("each by its own key:", got)
	}
	of["q@1"] = of["p"] // a table beside an older version of itself, which stands on the key before
	if got := sql(t, h, of, `SELECT a.sfzh, q.sfzh FROM q a AT (VERSION => 1), q WHERE a.sfzh = '`+number(2)+`' AND q.sfzh = '`+number(2)+`'`, nil); got != "[["+number(2)+" "+number(2)+"]]" {
		t.Error("each version by its own key:", got)
	}
	if got := sql(t, h, of, `SELECT count(*) FROM q a AT (VERSION => 1) JOIN q USING (sfzh)`, nil); got != "warehouse.sealed_keys" {
		t.Error(got)
	}
}

// A version made of others keeps sealed what it took over.
func TestMake(t *testing.T) {
	h := embedded(t)
	p := load(t, h, people(warehouse.Sealed), rows(100))
	mk := h.Store.(warehouse.Maker)
	read := func(text string) *warehouse.Reading {
		r, err := mk.Read(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := read(`SELECT sfzh AS id, xm, count(*) AS c FROM p WHERE sfzh IN ('` + number(4) + `', '` + number(6) + `') GROUP BY 1, 2`)
	shape, err := mk.Shape(t.Context(), r, [][]warehouse.Column{p.Columns}, time.Now())
	if err != nil || shape[0].Keep != warehouse.Sealed || shape[0].Realm != "id" || shape[1].Keep != warehouse.Plain {
		t.Fatal(shape, err)
	}
	if _, err := mk.Shape(t.Context(), read(`SELECT left(sfzh, 6) FROM p`), [][]warehouse.Column{p.Columns}, time.Now()); errs.KeyOf(err) != "warehouse.sealed_sql" {
		t.Error(err)
	}
	shape[0].Key = true
	shape[0].Keep, shape[0].Realm = warehouse.Plain, "" // whatever is said
	made, err := mk.Make(t.Context(), warehouse.Spec{Table: "made", Columns: shape}, r, []warehouse.Face{{Version: p.ID, Columns: []string{"sfzh", "sjh", "xm", "n"}}}, warehouse.Limits{Rows: 100, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if c := made.Columns[0]; c.Keep != warehouse.Sealed || c.Under != p.Columns[0].Under {
		t.Error(c)
	}
	if got := ask(t, h, warehouse.Query{From: made.ID, Where: warehouse.Eq("id", number(6))}); got != `[[420111198500000006 张三 1]]` {
		t.Error(got)
	}
	raw, err := h.inner.Query(t.Context(), warehouse.Query{From: made.ID})
	if err != nil {
		t.Fatal(err)
	}
	all, err := raw.All()
	if err != nil || slices.ContainsFunc(all, func(row []any) bool { return strings.Contains(row[0].(string), "420111") }) {
		t.Error(all, err)
	}
}
