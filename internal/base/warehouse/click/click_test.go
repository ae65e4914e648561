package click

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/warehouse/mirror"
	"qushu/internal/base/warehouse/warehousetest"
)

// server returns the address of the server tests use, with a database of the test's own.
func server(t testing.TB) string {
	t.Helper()
	url := os.Getenv("QUSHU_TEST_CLICKHOUSE")
	if url == "" {
		t.Skip("no ClickHouse to test against: scripts/with-clickhouse sets QUSHU_TEST_CLICKHOUSE")
	}
	return url + "/w_" + id.New()
}

func open(t testing.TB, url string, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: url, Now: now})
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

func TestSuite(t *testing.T) {
	server(t)
	warehousetest.Suite(t, func(t *testing.T, now func() time.Time) warehouse.Store { return open(t, server(t), now) })
}

// Readers' SQL goes over copies: what the engines keep differently comes back the same.
func TestReaders(t *testing.T) {
	server(t)
	warehousetest.Readers(t, func(t *testing.T, now func() time.Time) warehouse.Store {
		far, err := Open(t.Context(), Options{URL: server(t), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		s, err := mirror.Open(t.Context(), far, mirror.Options{Dir: t.TempDir(), Memory: 256 << 20, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

var people = warehouse.Spec{Table: "人口", Columns: []warehouse.Column{{Name: "号", Type: warehouse.Type{Kind: warehouse.KindInteger}, Key: true},
	{Name: "名", Type: warehouse.Type{Kind: warehouse.KindText}}}}

func rows(n int) func(yield func(warehouse.Row, error) bool) {
	return func(yield func(warehouse.Row, error) bool) {
		for i := range n {
			if !yield(warehouse.Row{Values: []any{i, fmt.Sprint("人", i)}}, nil) {
				return
			}
		}
	}
}

func count(t *testing.T, s warehouse.Store, version string) int64 {
	t.Helper()
	n, err := warehouse.CountRows(t.Context(), s, warehouse.Query{From: version})
	if err != nil {
		t.Error(err)
	}
	return n
}

func tables(t *testing.T, s *Store) (out []string) {
	t.Helper()
	all, err := s.names(t.Context(), "SELECT name FROM system.tables WHERE database = currentDatabase()")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if name != "version" && name != "format" {
			out = append(out, name)
		}
	}
	return out
}

// What one process makes or drops, another sees.
func TestTwoProcesses(t *testing.T) {
	url := server(t)
	a, b := open(t, url, nil), open(t, url, nil)
	made, err := a.Load(t.Context(), people, rows(1000))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.Version(t.Context(), made.ID); err != nil || v.Hash != made.Hash || !v.Made.Equal(made.Made) {
		t.Errorf("%+v, %v", v, err)
	}
	got, err := warehouse.Get(t.Context(), b, made.ID, 7)
	if err != nil || len(got) != 1 || got[0][1] != "人7" {
		t.Errorf("%v, %v", got, err)
	}
	// Both load at once, and both read what the other made.
	var both sync.WaitGroup
	ids := make([]string, 2)
	for i, s := range []*Store{a, b} {
		both.Go(func() {
			l, err := s.Load(t.Context(), people, rows(20_000))
			if err != nil {
				t.Error(err)
			}
			ids[i] = l.ID
		})
	}
	both.Wait()
	for i, s := range []*Store{b, a} {
		if n := count(t, s, ids[i]); n != 20_000 {
			t.Errorf("%d rows", n)
		}
	}
	// One drops what the other reads; the reader goes on to the end, and then the table goes too.
	res, err := b.Query(t.Context(), warehouse.Query{From: ids[0], Order: []warehouse.Sort{{By: "号"}}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range res.Rows {
		if n++; n == 1 {
			err = errors.Join(err, a.Drop(t.Context(), ids[0]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n != 20_000 {
		t.Errorf("read %d rows", n)
	}
	if all, err := b.Versions(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	_, err = b.Version(t.Context(), ids[0])
	refused(t, "dropped by the other", err, errs.Missing, "warehouse.no_version")
	err = b.Drop(t.Context(), ids[0])
	refused(t, "dropped by the other", err, errs.Missing, "warehouse.no_version")
	// A version dropped by the other while its catalogue is still believed.
	res, err = b.Query(t.Context(), warehouse.Query{From: ids[1]})
	if err == nil {
		if err = a.Drop(t.Context(), ids[1]); err == nil {
			_, err = res.All()
		}
	}
	refused(t, "dropped between plan and run", err, errs.Missing, "warehouse.no_version")
}

// What a process that died in the middle of a load left behind is no version, and goes when it is a day old.
func TestLeftovers(t *testing.T) {
	s := open(t, server(t), nil)
	kept, err := s.Load(t.Context(), people, rows(10))
	if err != nil {
		t.Fatal(err)
	}
	const old = "05ngyy86wxqqz8y1t0yw0f3a2r" // of 2019
	if !id.Valid(old) || time.Since(id.Time(old)) < abandoned {
		t.Fatal(id.Time(old))
	}
	young := id.New()
	for _, name := range []string{stage(old), again(old), table(old), stage(young), table(young)} {
		if err := s.exec(t.Context(), create(name, people.Columns)); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := s.Sweep(t.Context(), func(string) bool { return true }, time.Now()); err != nil {
		t.Error(err)
	}
	left := strings.Join(tables(t, s), " ")
	if strings.Contains(left, old) || strings.Count(left, young) != 2 || !strings.Contains(left, table(kept.ID)) {
		t.Error(left)
	}
}

// Failed loads leave no table behind.
func TestNothingStays(t *testing.T) {
	s := open(t, server(t), nil)
	broken := errors.New("broken")
	twice := func(yield func(warehouse.Row, error) bool) {
		_ = yield(warehouse.Row{Values: []any{1, "一"}}, nil) && yield(warehouse.Row{Values: []any{1, "二"}}, nil)
	}
	_, err := s.Load(t.Context(), people, twice)
	refused(t, "twice", err, errs.Invalid, "warehouse.duplicate_keys")
	_, err = s.Load(t.Context(), people, func(yield func(warehouse.Row, error) bool) {
		for r := range rows(200_000) {
			if !yield(r, nil) {
				return
			}
		}
		yield(warehouse.Row{}, broken)
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if left := tables(t, s); len(left) != 0 {
		t.Error(left)
	}
}

// The same input has the same hash in both engines, and a snapshot of one is restored by the other.
func TestBesideTheEmbeddedEngine(t *testing.T) {
	s := open(t, server(t), nil)
	d, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 128 << 20, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	kind := func(name string, typ warehouse.Type) warehouse.Column { return warehouse.Column{Name: name, Type: typ} }
	spec := warehouse.Spec{Table: "全", Columns: []warehouse.Column{{Name: "号", Type: warehouse.Type{Kind: warehouse.KindText}, Key: true}, {Name: "日", Type: warehouse.Type{Kind: warehouse.KindDate}, Key: true},
		kind("文", warehouse.Type{Kind: warehouse.KindText}), kind("数", warehouse.Type{Kind: warehouse.KindInteger}), kind("小", warehouse.DecimalType(4, 2)), kind("中", warehouse.DecimalType(9, 3)),
		kind("额", warehouse.DecimalType(18, 2)), kind("大", warehouse.DecimalType(38, 10)), kind("时", warehouse.Type{Kind: warehouse.KindDatetime}), kind("否", warehouse.Type{Kind: warehouse.KindBoolean}),
		kind("又", warehouse.Type{Kind: warehouse.KindText}), kind("再", warehouse.Type{Kind: warehouse.KindText}), kind("末", warehouse.Type{Kind: warehouse.KindInteger})}}
	feed := func(yield func(warehouse.Row, error) bool) {
		for i := range 3000 {
			at := time.Date(1911, 10, 10, 0, 0, i, 1000*i, warehouse.Zone())
			row := []any{fmt.Sprint(i / 2), warehouse.DateOf(at.AddDate(0, 0, i%2)), "汉字\x00'", i, warehouse.Decimal(fmt.Sprintf("-%d.%02d", i%99, i%100)), warehouse.Decimal(fmt.Sprintf("%d.125", i)),
				warehouse.Decimal(fmt.Sprintf("%d.5", -i)), warehouse.Decimal(fmt.Sprintf("-%d234567890123456789.0123456789", i)), at, i%3 == 0, nil, "再", i * 2}
			if i%7 == 0 {
				row = append(row[:2:2], make([]any, 11)...)
			}
			if !yield(warehouse.Row{Values: row}, nil) {
				return
			}
		}
	}
	a, err := s.Load(t.Context(), spec, feed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Load(t.Context(), spec, feed)
	if err != nil || a.Hash != b.Hash || a.Bytes != b.Bytes || a.Rows != b.Rows {
		t.Fatalf("%+v\n%+v\n%v", a, b, err)
	}
	want := contents(t, d, b.ID)
	for _, c := range []struct {
		from, to warehouse.Archive
		id       string
	}{{d, s, b.ID}, {s, d, a.ID}} {
		dir := t.TempDir()
		if err := c.from.Snapshot(t.Context(), dir, []string{c.id}); err != nil {
			t.Fatal(err)
		}
		if back, err := c.to.Restore(t.Context(), dir); err != nil || len(back) != 1 || back[0].Hash != a.Hash {
			t.Fatalf("%T: %v, %v", c.to, back, err)
		}
		if got := contents(t, c.to, c.id); got != want {
			t.Errorf("%T gives\n%.2000s\nwant\n%.2000s", c.to, got, want)
		}
	}
	if got := contents(t, s, a.ID); got != want {
		t.Errorf("loaded\n%.2000s\nwant\n%.2000s", got, want)
	}
}

func contents(t *testing.T, s warehouse.Store, version string) string {
	t.Helper()
	res, err := s.Query(t.Context(), warehouse.Query{From: version, Order: []warehouse.Sort{{By: "号"}, {By: "日"}}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for row, err := range res.Rows {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range row {
			b.WriteString(warehouse.Format(v) + "|")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Sums that leave their type are refused, also where the engine would go round without a word.
func TestOverflow(t *testing.T) {
	s := open(t, server(t), nil)
	spec := warehouse.Spec{Table: "大", Columns: []warehouse.Column{{Name: "数", Type: warehouse.DecimalType(38, 0)}}}
	nines := warehouse.Decimal(strings.Repeat("9", 38))
	for n, key := range map[int]string{1: "", 2: "warehouse.overflow", 10: "warehouse.overflow"} {
		l, err := s.Load(t.Context(), spec, func(yield func(warehouse.Row, error) bool) {
			for range n {
				if !yield(warehouse.Row{Values: []any{nines}}, nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Query(t.Context(), warehouse.Query{From: l.ID, Select: []warehouse.Item{{Agg: warehouse.Sum, Col: "数"}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := res.All()
		if errs.KeyOf(err) != key || key == "" && got[0][0] != nines {
			t.Errorf("%d: %v, %v", n, got, err)
		}
	}
}

// A server that is away is Busy in words, and used again when it is back.
func TestAway(t *testing.T) {
	url := server(t)
	host := strings.TrimPrefix(url[:strings.LastIndex(url, "/")], "clickhouse://default@")
	gate := newGate(t, host)
	s := open(t, strings.Replace(url, host, gate.addr, 1), nil)
	l, err := s.Load(t.Context(), people, rows(100))
	if err != nil {
		t.Fatal(err)
	}
	gate.shut()
	_, err = s.Versions(t.Context())
	refused(t, "versions", err, errs.Busy, "warehouse.away")
	_, err = s.Load(t.Context(), people, rows(100))
	refused(t, "load", err, errs.Busy, "warehouse.away")
	_, err = Open(t.Context(), Options{URL: strings.Replace(url, host, gate.addr, 1)})
	refused(t, "open", err, errs.Busy, "warehouse.away")
	gate.open()
	if n := count(t, s, l.ID); n != 100 {
		t.Errorf("%d rows", n)
	}
	// It goes away in the middle of a load, and of a question.
	_, err = s.Load(t.Context(), people, func(yield func(warehouse.Row, error) bool) {
		for r := range rows(300_000) {
			if r.Values[0] == 100_000 {
				gate.shut()
			}
			if !yield(r, nil) {
				return
			}
		}
	})
	refused(t, "in a load", err, errs.Busy, "warehouse.away")
	gate.open()
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	big, err := s.Load(t.Context(), people, func(yield func(warehouse.Row, error) bool) { // more than lies on the way
		for i := range 150_000 {
			text := make([]byte, 200)
			for j := range text {
				text[j] = byte('!' + noise.IntN(90))
			}
			if !yield(warehouse.Row{Values: []any{i, string(text)}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Query(t.Context(), warehouse.Query{From: big.ID})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range res.Rows {
		if n++; n == 1 {
			gate.shut()
		}
		err = e
	}
	refused(t, "in a question", err, errs.Busy, "warehouse.away")
	_, err = res.All()
	refused(t, "asked again", err, errs.Busy, "warehouse.away")
	gate.open()
	if all, err := res.All(); err != nil || len(all) != 150_000 {
		t.Errorf("%d rows, %v", len(all), err)
	}
}

// gate is a way to the server that can be shut.
type gate struct {
	addr, to string
	mu       sync.Mutex
	shutNow  bool
	conns    []net.Conn
}

func newGate(t *testing.T, to string) *gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: l.Addr().String(), to: to}
	t.Cleanup(func() { l.Close(); g.shut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			g.pass(in)
		}
	}()
	return g
}

func (g *gate) pass(in net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out, err := net.Dial("tcp", g.to)
	if err == nil && g.shutNow {
		out.Close()
	}
	if err != nil || g.shutNow {
		in.Close()
		return
	}
	g.conns = append(g.conns, in, out)
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			b := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(b)
				if _, werr := way[1].Write(b[:n]); err != nil || werr != nil {
					way[0].Close()
					way[1].Close()
					return
				}
			}
		}()
	}
}

func (g *gate) shut() { g.set(true) }
func (g *gate) open() { g.set(false) }

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shutNow = shut
	for _, c := range g.conns {
		if shut {
			c.Close()
		}
	}
}

func TestRefused(t *testing.T) {
	url := server(t)
	_, err := Open(t.Context(), Options{URL: strings.Replace(url, "default@", "nobody:wood-Lamp-7@", 1)})
	refused(t, "an unknown user", err, errs.Internal, "warehouse.forbidden")
	if err == nil || strings.Contains(err.Error(), "wood-Lamp-7") {
		t.Error("a password in words:", err)
	}
	_, err = Open(t.Context(), Options{URL: url + "-x;y"})
	refused(t, "a database name", err, errs.Invalid, "warehouse.bad_database")
	s := open(t, url, nil)
	_, err = Open(t.Context(), Options{URL: url, Owner: "another"})
	refused(t, "another's database", err, errs.Internal, "warehouse.taken")
	if err := s.exec(t.Context(), "INSERT INTO format (n, owner) SELECT toInt32(99), ''"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{URL: url})
	refused(t, "a newer layout", err, errs.Internal, "warehouse.newer")
}
