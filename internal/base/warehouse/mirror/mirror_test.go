package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/warehouse/warehousetest"
)

// far is the store that is mirrored: any Archive will do, and what a DuckDB of its own could answer itself is never asked.
func far(t *testing.T, now func() time.Time) warehouse.Archive {
	t.Helper()
	s, err := duck.Open(t.Context(), duck.Options{Dir: t.TempDir(), Memory: 256 << 20, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, of warehouse.Archive, o Options) *Store {
	t.Helper()
	o.Dir, o.Memory = t.TempDir(), 256<<20
	s, err := Open(t.Context(), of, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestReaders(t *testing.T) {
	warehousetest.Readers(t, func(t *testing.T, now func() time.Time) warehouse.Store {
		return open(t, far(t, now), Options{Now: now})
	})
}

// counted counts what is asked of a store, and holds it back as long as hold is not closed.
type counted struct {
	warehouse.Archive
	asked []string
	hold  chan struct{}
	fail  error
}

func (c *counted) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	var cols []string
	for _, i := range q.Select {
		cols = append(cols, i.Col)
	}
	c.asked = append(c.asked, strings.Join(cols, " "))
	if c.hold != nil {
		select {
		case <-c.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if c.fail != nil {
		return nil, c.fail
	}
	return c.Archive.Query(ctx, q)
}

func load(t *testing.T, s *Store, table string) warehouse.Version {
	t.Helper()
	text := warehouse.Type{Kind: warehouse.KindText}
	l, err := s.Load(t.Context(), warehouse.Spec{Table: table, Columns: []warehouse.Column{{Name: "id", Type: text, Key: true}, {Name: "a", Type: text}, {Name: "b", Type: text}}}, func(yield func(warehouse.Row, error) bool) {
		for i := range 100 {
			if !yield(warehouse.Row{Values: []any{fmt.Sprint(i), fmt.Sprint("a", i%3), fmt.Sprint("b", i%5)}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.Version
}

func ask(t *testing.T, s *Store, sql string, v warehouse.Version, l warehouse.Limits) (*warehouse.Answer, error) {
	t.Helper()
	r, err := s.Read(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	faces := make([]warehouse.Face, len(r.Tables))
	for i := range faces {
		faces[i] = warehouse.Face{Version: v.ID, Columns: []string{"a", "b"}, Where: warehouse.Ne("id", "7")}
	}
	l.Rows = 10
	return s.Ask(t.Context(), r, faces, nil, l)
}

// A column is fetched once for all who ask, only those that are named, and goes when its version does or the room is needed.
func TestCopies(t *testing.T) {
	of := &counted{Archive: far(t, time.Now)}
	s := open(t, of, Options{})
	v := load(t, s, "t")
	for _, sql := range []string{"SELECT count(*) FROM t WHERE a = 'a1'", "SELECT a, count(*) FROM t GROUP BY a", "SELECT * FROM t", "SELECT b FROM t", "SELECT count(*) FROM t"} {
		if _, err := ask(t, s, sql, v, warehouse.Limits{}); err != nil {
			t.Error(sql, err)
		}
	}
	if got := strings.Join(of.asked, ", "); got != "id a, id a b" {
		t.Error("fetched:", got)
	}
	if a, err := ask(t, s, "SELECT count(*) FROM t", v, warehouse.Limits{}); err != nil || fmt.Sprint(a.Rows) != "[[99]]" {
		t.Error("rows he may not see:", a, err)
	}
	if err := s.Drop(t.Context(), v.ID); err != nil || len(s.copies) != 0 {
		t.Error("copies of what is gone:", len(s.copies), err)
	}
	if left, err := s.local.Versions(t.Context()); err != nil || len(left) != 0 {
		t.Error("in the file:", left, err)
	}
	s.options.Bytes = 1
	one, two := load(t, s, "t"), load(t, s, "t")
	for _, v := range []warehouse.Version{one, two} {
		if _, err := ask(t, s, "SELECT a FROM t", v, warehouse.Limits{}); err != nil {
			t.Error(err)
		}
	}
	s.prune(t.Context())
	if len(s.copies) != 0 {
		t.Error("copies beyond the room:", len(s.copies))
	}
}

// A question whose copy takes too long says how far it is and finds it later; one that fails is tried again; what is too long is
// not begun.
func TestCopying(t *testing.T) {
	of := &counted{Archive: far(t, time.Now), hold: make(chan struct{})}
	s := open(t, of, Options{})
	v := load(t, s, "t")
	if _, err := ask(t, s, "SELECT a FROM t", v, warehouse.Limits{Time: 10 * time.Millisecond}); errs.KeyOf(err) != "warehouse.copying" || !errs.Is(err, errs.Busy) {
		t.Error("while it is copied:", err)
	}
	close(of.hold)
	if a, err := ask(t, s, "SELECT a FROM t", v, warehouse.Limits{Time: time.Minute}); err != nil || len(a.Rows) != 10 || len(of.asked) != 1 {
		t.Error("when it is there:", a, err, of.asked)
	}
	broken := errors.New("the server went away")
	of.fail = broken
	if _, err := ask(t, s, "SELECT b FROM t", v, warehouse.Limits{}); !errors.Is(err, broken) {
		t.Error("a copy that failed:", err)
	}
	of.fail = nil
	if _, err := ask(t, s, "SELECT b FROM t", v, warehouse.Limits{}); err != nil {
		t.Error("the next try:", err)
	}
	s.options.Rows = 99
	if _, err := ask(t, s, "SELECT a, b FROM t", v, warehouse.Limits{}); errs.KeyOf(err) != "warehouse.copy_rows" {
		t.Error("too many rows:", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.take(v, nil); !errs.Is(err, errs.Busy) {
		t.Error("after the end:", err)
	}
}
