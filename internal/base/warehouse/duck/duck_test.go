package duck

import (
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/warehousetest"
)

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Threads == 0 {
		o.Threads = 2
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func refused(t *testing.T, what string, err error, kind errs.Kind, key string) {
	t.Helper()
	if !errs.Is(err, kind) || errs.KeyOf(err) != key {
		t.Errorf("%s: got %v, want %s %s", what, err, kind, key)
	}
}

func count(t *testing.T, s *Store, id string) int64 {
	t.Helper()
	n, err := warehouse.CountRows(t.Context(), s, warehouse.Query{From: id, Where: warehouse.Not(warehouse.IsNull("文"))})
	if err != nil {
		t.Error(err)
	}
	return n
}

var texts = warehouse.Spec{Table: "文本", Columns: []warehouse.Column{
	{Name: "号", Type: warehouse.Type{Kind: warehouse.KindInteger}, Key: true}, {Name: "文", Type: warehouse.Type{Kind: warehouse.KindText}}}}

// heavy feeds n rows of texts, each a hundred bytes the engine cannot press together.
func heavy(n int) iter.Seq2[warehouse.Row, error] {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte('!' + r.IntN(90))
	}
	noise := string(b)
	return func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			at := i * 7919 % (len(noise) - 100)
			if !yield(warehouse.Row{Values: []any{i, noise[at : at+100]}}, nil) {
				return
			}
		}
	}
}

func TestSuite(t *testing.T) {
	warehousetest.Suite(t, func(t *testing.T, now func() time.Time) warehouse.Store { return open(t, Options{Now: now}) })
}

// The engine must reach no file and no network but its own, and nobody may let it.
func TestFences(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's 数据")
	s := open(t, Options{Dir: dir})
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"SELECT * FROM read_csv(" + quote(outside) + ")",
		"SELECT * FROM read_text(" + quote(outside) + ")",
		"SELECT * FROM " + quote(outside),
		"SELECT * FROM glob(" + quote(filepath.Dir(outside)+"/*") + ")",
		"SELECT * FROM read_csv(" + quote(filepath.Join(s.transfer(), "../../../etc/passwd")) + ")",
		"COPY (SELECT 1) TO " + quote(outside+".out"),
		"EXPORT DATABASE " + quote(t.TempDir()),
		"ATTACH " + quote(outside+".db"),
		"INSTALL httpfs",
		"LOAD httpfs",
		"SELECT * FROM read_parquet('https://example.org/a.parquet')",
		"SET enable_external_access = true",
		"SET autoinstall_known_extensions = true",
		"SET memory_limit = '1TB'",
		"RESET lock_configuration",
	} {
		if _, err := s.db.ExecContext(t.Context(), q); err == nil {
			t.Errorf("the engine did: %s", q)
		}
	}
	for _, set := range []string{"autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access", "allow_community_extensions"} {
		var v string
		if err := s.db.QueryRowContext(t.Context(), "SELECT value FROM duckdb_settings() WHERE name = $1", set).Scan(&v); err != nil || v != "false" {
			t.Errorf("%s is %q, %v", set, v, err)
		}
	}
}

// What a run left behind in the temporary folders is gone when the next one opens.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	for _, d := range []string{s.temp(), s.transfer()} {
		if err := errors.Join(os.MkdirAll(d, 0o700), os.WriteFile(filepath.Join(d, "left.tmp"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	for _, d := range []string{s.temp(), s.transfer()} {
		if _, err := os.Stat(filepath.Join(d, "left.tmp")); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	newer := t.TempDir()
	s := open(t, Options{Dir: newer})
	if _, err := s.db.ExecContext(t.Context(), "UPDATE format SET n = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, "warehouse.duckdb"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{newer, garbage} {
		_, err := Open(t.Context(), Options{Dir: dir})
		refused(t, dir, err, errs.Internal, "warehouse.unreadable")
	}
	_, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "a?b")})
	refused(t, "a path the driver misreads", err, errs.Invalid, "warehouse.bad_path")
}

// A second store on the same file would keep its own list of versions.
func TestOneStoreAFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	_, err := Open(t.Context(), Options{Dir: dir})
	refused(t, "the second", err, errs.Busy, "warehouse.locked")
	if _, err := s.Load(t.Context(), texts, heavy(10)); err != nil {
		t.Error("the first must go on:", err)
	}
}

// Versions are there after a restart, and so is what they hold.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	l, err := s.Load(t.Context(), texts, heavy(1000))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	v, err := s.Version(t.Context(), l.ID)
	if err != nil || v.Hash != l.Hash || !v.Made.Equal(l.Made) || count(t, s, l.ID) != 1000 {
		t.Errorf("%+v, %v", v, err)
	}
}

// With little memory, loading and sorting spill to disk; with little disk too, they say so and leave the store whole.
func TestLittleMemory(t *testing.T) {
	s := open(t, Options{Memory: 96 << 20})
	l, err := s.Load(t.Context(), texts, heavy(300_000))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Query(t.Context(), warehouse.Query{From: l.ID, Order: []warehouse.Sort{{By: "文"}, {By: "号"}}})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, err := range res.Rows {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != l.Rows {
		t.Errorf("%d of %d rows", n, l.Rows)
	}

	s = open(t, Options{Memory: 32 << 20, Temp: 1 << 20})
	_, err = s.Load(t.Context(), texts, heavy(400_000))
	refused(t, "load", err, errs.Busy, "warehouse.memory_full")
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left %v, %v", all, err)
	}
	if l, err = s.Load(t.Context(), texts, heavy(1000)); err != nil || count(t, s, l.ID) != 1000 {
		t.Errorf("the next load: %+v, %v", l, err)
	}
}

// Space of what was dropped or never finished is used again.
func TestSpaceComesBack(t *testing.T) {
	s := open(t, Options{})
	size := func() int64 {
		st, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.File - st.Free
	}
	for range 2 {
		l, err := s.Load(t.Context(), texts, heavy(50_000))
		if err == nil {
			_, err = s.Sweep(t.Context(), func(string) bool { return false }, l.Made.Add(time.Hour))
		}
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		_, err = s.Load(t.Context(), texts, func(yield func(warehouse.Row, error) bool) {
			for r, err := range heavy(150_000) {
				if !yield(r, err) {
					return
				}
			}
			yield(warehouse.Row{}, broken)
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if got := size(); got > 2<<20 {
		t.Errorf("an empty warehouse takes %d bytes", got)
	}
	var tables int
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM duckdb_tables()").Scan(&tables); err != nil || tables != 2 {
		t.Errorf("%d tables, %v", tables, err)
	}
}
