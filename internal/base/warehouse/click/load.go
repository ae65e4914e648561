package click

import (
	"context"
	"fmt"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

const (
	// granule is how many rows of a table with a key one entry of its index stands for: what a look-up reads.
	granule = 256
	// blockRows and blockBytes bound what is sent to the server at once.
	blockRows  = 65_536
	blockBytes = 16 << 20
)

// load is one run of Load: rows go to a stage in the order they come, are looked through for duplicates there, and
// become the version's table, by name where all of them stay and by a copy where some are left out.
type load struct {
	s     *Store
	spec  warehouse.Spec
	id    string
	keyed bool
	feed  *warehouse.Feed
	out   warehouse.Loaded
}

// Load implements warehouse.Store.
func (s *Store) Load(ctx context.Context, spec warehouse.Spec, rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
	if err := spec.Check(); err != nil {
		return warehouse.Loaded{}, err
	}
	l := &load{s: s, spec: spec, id: id.New(), keyed: len(warehouse.KeyColumns(spec.Columns)) > 0, feed: warehouse.NewFeed(spec)}
	var source error // the feed's own error is the caller's, and not ours to explain
	err := s.build(ctx, l.id, func() error {
		source = nil
		return l.run(ctx, func(yield func(warehouse.Row, error) bool) {
			for r, err := range rows {
				source = err
				if !yield(r, err) {
					return
				}
			}
		})
	})
	if source != nil {
		err = source
	}
	if err != nil {
		return warehouse.Loaded{}, err
	}
	return l.out, nil
}

// build runs work, which fills and registers the tables of a version, alone among this process's loads. When it fails
// nothing of them stays.
func (s *Store) build(ctx context.Context, of string, work func() error) error {
	select {
	case s.write <- struct{}{}:
		defer func() { <-s.write }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.claim(of, true)
	defer s.claim(of, false)
	err := work()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 6*patience)
	defer cancel()
	for _, name := range []string{stage(of), again(of), table(of)} {
		_ = s.exec(rest, "DROP TABLE IF EXISTS "+name) // where the server is away, it is collected later
	}
	return err
}

// claim says that this process is, or is no longer, filling the tables of a version.
func (s *Store) claim(of string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loading[of] = on; !on {
		delete(s.loading, of)
	}
}

func (l *load) run(ctx context.Context, rows iter.Seq2[warehouse.Row, error]) error {
	if err := l.s.exec(ctx, create(stage(l.id), l.spec.Columns)); err != nil {
		return err
	}
	if err := l.fill(ctx, rows); err != nil {
		return err
	}
	if err := l.repeats(ctx); err != nil {
		return err
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.out.Version = l.feed.Version(l.id, l.spec, l.out.Duplicates, l.s.options.Now())
	return l.s.register(ctx, l.out.Version)
}

// create returns the statement that makes a table for rows of cols. Columns of the key are never NULL.
func create(name string, cols []warehouse.Column) string {
	keyed := len(warehouse.KeyColumns(cols)) > 0
	defs, order, settings := []string{"_n Int64"}, "_n", ""
	if keyed {
		defs, order, settings = []string{"_k Int64", "_n Int64"}, "(_k, _n)", fmt.Sprintf(" SETTINGS index_granularity = %d", granule)
	}
	for i, c := range cols {
		typ := physical(c.Type)
		if !c.Key {
			typ = "Nullable(" + typ + ")"
		}
		defs = append(defs, field(i)+" "+typ)
	}
	return "CREATE TABLE " + name + " (" + list(defs) + ") ENGINE = MergeTree ORDER BY " + order + settings
}

// columns lists the columns of a table for rows of cols.
func columns(cols []warehouse.Column) []string {
	names := []string{"_n"}
	if len(warehouse.KeyColumns(cols)) > 0 {
		names = []string{"_k", "_n"}
	}
	for i := range cols {
		names = append(names, field(i))
	}
	return names
}

// fill sends all rows to the stage.
func (l *load) fill(ctx context.Context, rows iter.Seq2[warehouse.Row, error]) error {
	b, err := l.s.begin(ctx, stage(l.id), l.spec.Columns)
	if err != nil {
		return err
	}
	defer b.abort()
	n := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, key, values, err := l.feed.Take(r)
		if err != nil {
			return err
		}
		if err := b.add(ctx, line, key, values); err != nil {
			return err
		}
	}
	return b.end(ctx)
}

// batch sends rows to a table, block by block.
type batch struct {
	s      *Store
	cols   []warehouse.Column
	keyed  bool
	batch  driver.Batch
	values []any
	bytes  int
}

func (s *Store) begin(ctx context.Context, name string, cols []warehouse.Column) (*batch, error) {
	b := &batch{s: s, cols: cols, keyed: len(warehouse.KeyColumns(cols)) > 0}
	var err error
	if b.batch, err = s.db.PrepareBatch(with(ctx), "INSERT INTO "+name+" ("+list(columns(cols))+")"); err != nil {
		return nil, s.failed(ctx, err)
	}
	return b, nil
}

func (b *batch) add(ctx context.Context, line, key int64, values []any) error {
	b.values = b.values[:0]
	if b.keyed {
		b.values = append(b.values, key)
	}
	b.values = append(b.values, line)
	for i, v := range values {
		if text, ok := v.(string); ok {
			b.bytes += len(text)
		}
		b.values = append(b.values, given(b.cols[i].Type, v))
	}
	if err := b.batch.Append(b.values...); err != nil {
		return b.s.failed(ctx, err)
	}
	b.bytes += 8 * len(b.values)
	if b.batch.Rows() < blockRows && b.bytes < blockBytes {
		return nil
	}
	b.bytes = 0
	return b.s.failed(ctx, b.batch.Flush())
}

// end sends what is left and waits until the server has all of it.
func (b *batch) end(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return b.s.failed(ctx, b.batch.Send())
}

// abort leaves the server with an insert that never ends, and so with no row of its last block. After end it does nothing.
func (b *batch) abort() {
	if !b.batch.IsSent() {
		_ = b.batch.Abort()
	}
}

// repeats finds rows whose key came before: equal hashes first, then equal keys among those.
func (l *load) repeats(ctx context.Context) error {
	if !l.keyed || l.spec.OnDuplicate == warehouse.KeepAll {
		return nil
	}
	twice := "SELECT _k FROM " + stage(l.id) + " GROUP BY _k HAVING count() > 1"
	var n int64
	if err := l.s.one(ctx, "SELECT toInt64(count()) FROM ("+twice+")", &n); err != nil || n == 0 {
		return err
	}
	key := []string{"_k"}
	for _, i := range warehouse.KeyColumns(l.spec.Columns) {
		key = append(key, field(i))
	}
	for _, q := range []string{
		"CREATE TABLE " + again(l.id) + " (_n Int64, f Int64) ENGINE = MergeTree ORDER BY _n",
		"INSERT INTO " + again(l.id) + " (_n, f) SELECT n, f FROM (SELECT min(_n) AS f, groupArray(_n) AS ns FROM " + stage(l.id) +
			" WHERE _k IN (" + twice + ") GROUP BY " + list(key) + " HAVING count() > 1) ARRAY JOIN ns AS n WHERE n <> f",
	} {
		if err := l.s.exec(ctx, q); err != nil {
			return err
		}
	}
	if err := l.s.one(ctx, "SELECT toInt64(count()) FROM "+again(l.id), &l.out.Duplicates); err != nil || l.out.Duplicates == 0 {
		return err
	}
	var r warehouse.Repeat
	err := l.s.each(ctx, fmt.Sprintf("SELECT _n, f FROM %s ORDER BY _n LIMIT %d", again(l.id), l.spec.Listing()), nil, []any{&r.Line, &r.First}, func() error {
		l.out.Listed = append(l.out.Listed, r)
		return nil
	})
	if err == nil && l.spec.OnDuplicate == warehouse.Reject {
		err = warehouse.Duplicates(l.out.Duplicates, l.out.Listed)
	}
	return err
}

// settle makes the version's table of the stage and lets the engine bring its parts into one, so that a look-up reads
// one granule and not one in each part.
func (l *load) settle(ctx context.Context) error {
	steps := []string{"RENAME TABLE " + stage(l.id) + " TO " + table(l.id)}
	if l.out.Duplicates > 0 {
		names := list(columns(l.spec.Columns))
		steps = []string{create(table(l.id), l.spec.Columns),
			"INSERT INTO " + table(l.id) + " (" + names + ") SELECT " + names + " FROM " + stage(l.id) + " WHERE _n NOT IN (SELECT _n FROM " + again(l.id) + ")",
			"DROP TABLE " + stage(l.id)}
	}
	steps = append(steps, "DROP TABLE IF EXISTS "+again(l.id))
	for _, step := range steps {
		if err := l.s.exec(ctx, step); err != nil {
			return err
		}
	}
	return l.s.unite(ctx, l.id)
}

// unite brings the parts of a version's table into one. A server that will not, for want of space, is as good, only slower.
func (s *Store) unite(ctx context.Context, of string) error {
	var parts int64
	err := s.one(ctx, "SELECT toInt64(count()) FROM system.parts WHERE database = currentDatabase() AND table = '"+table(of)+"' AND active", &parts)
	if err != nil || parts < 2 {
		return err
	}
	_ = s.exec(ctx, "OPTIMIZE TABLE "+table(of)+" FINAL")
	return ctx.Err()
}
