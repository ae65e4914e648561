package click

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"qushu/internal/base/warehouse"
)

// atOnce is how many keys one statement looks for: its join holds them in the server's memory.
const atOnce = 200_000

// Match implements warehouse.Store. The keys go beside the statement with the hash tables are sorted by: the index leads
// to the granules that may hold them, and only those are joined.
func (s *Store) Match(ctx context.Context, m warehouse.Matching) (iter.Seq2[warehouse.Match, error], error) {
	find, err := s.finder(ctx, m.From)
	if err != nil {
		return nil, err
	}
	p, key, keys, err := warehouse.PlanMatch(m, find)
	if err != nil {
		return nil, err
	}
	return func(yield func(warehouse.Match, error) bool) {
		err := s.stands(ctx, p)
		for at := 0; err == nil && at < len(keys); at += atOnce {
			err = s.match(ctx, p, key, keys[at:min(at+atOnce, len(keys))], at, yield)
		}
		s.read(ctx)
		switch {
		case err == nil || errors.Is(err, errStop):
		case ctx.Err() != nil:
			yield(warehouse.Match{}, ctx.Err())
		default:
			yield(warehouse.Match{}, s.vanished(ctx, p, err))
		}
	}, nil
}

// match looks for keys, the first of which is the at-th of the list.
func (s *Store) match(ctx context.Context, p *warehouse.Plan, key warehouse.Field, keys []any, at int, yield func(warehouse.Match, error) bool) error {
	only := warehouse.KeyColumns(p.Sources[0].Version.Columns)
	hashed := len(only) == 1 && only[0] == key.Column
	wanted, err := want(key, keys, at, hashed)
	if err != nil {
		return err
	}
	w := &statement{plan: p}
	out := p.Out[1:]
	names := make([]string, len(out))
	inner := []string{"_n", "assumeNotNull(" + field(key.Column) + ") AS j"}
	for i, o := range out {
		names[i] = fmt.Sprintf("o%d", i)
		inner = append(inner, w.expression(o)+" AS "+names[i])
	}
	fmt.Fprintf(&w.text, "SELECT %s FROM (SELECT %s FROM %s WHERE ", list(append([]string{"w"}, names...)), list(inner), table(p.Sources[0].Version.ID))
	if hashed {
		w.text.WriteString("_k IN (SELECT k FROM wanted) AND ")
	}
	w.text.WriteString("isNotNull(" + field(key.Column) + ") AND ")
	w.test(p.Where, true)
	w.text.WriteString(") ALL INNER JOIN (SELECT w, v AS j FROM wanted) USING (j) ORDER BY w, _n")
	if w.err != nil {
		return w.err
	}
	f := &folding{yield: yield, texts: make([]string, len(out)), cells: make([]cell, len(out))}
	into := []any{&f.key}
	for i, o := range out {
		f.cells[i].out = o
		into = append(into, f.cells[i].into())
	}
	if err := s.each(ctx, w.text.String(), append(w.lists, wanted), into, f.row); err != nil {
		return err
	}
	return f.end()
}

// want makes the external table of the keys: their place, their hash where the table is sorted by it, themselves.
func want(key warehouse.Field, keys []any, at int, hashed bool) (*ext.Table, error) {
	t, err := ext.NewTable("wanted", ext.Column("w", "Int64"), ext.Column("k", "Int64"), ext.Column("v", column.Type(physical(key.Type))))
	one := make([]any, 1)
	for i := 0; err == nil && i < len(keys); i++ {
		var k int64
		if hashed {
			one[0] = keys[i]
			k = warehouse.KeyHash(one)
		}
		err = t.Append(int64(at+i), k, given(key.Type, keys[i]))
	}
	if err != nil {
		return nil, fmt.Errorf("click: %w", err)
	}
	return t, nil
}

// folding joins rows of one key to one match.
type folding struct {
	yield func(warehouse.Match, error) bool
	key   int64
	cells []cell
	texts []string
	cur   warehouse.Match
}

func (f *folding) row() error {
	if f.cur.Rows > 0 && f.cur.Key == int(f.key) {
		f.cur.Rows++
		return nil
	}
	if err := f.end(); err != nil {
		return err
	}
	for i := range f.cells {
		v, err := f.cells[i].value()
		if err != nil {
			return err
		}
		f.texts[i] = strings.ReplaceAll(warehouse.Format(v), separator, " ")
	}
	f.cur = warehouse.Match{Key: int(f.key), Rows: 1, Texts: f.texts}
	return nil
}

// separator is left in no text, because callers keep the texts of a match in one.
const separator = "\x1f"

// end gives the key that has been read to the reader.
func (f *folding) end() error {
	if f.cur.Rows > 0 && !f.yield(f.cur, nil) {
		return errStop
	}
	f.cur = warehouse.Match{}
	return nil
}
