// Package mirror answers readers' SQL for a warehouse whose engine is not trusted with texts of people, or knows another
// SQL: it keeps copies of what questions name in a DuckDB of its own beside the program, and answers them there.
//
// A version never changes, so a copy is either whole or not there. It holds the columns questions have named, of every
// row, for as long as there is room and the version stands in the warehouse. It is no archive: the folder is emptied at
// every start. What is read, let through, masked by leaving out, bounded and refused is what duck reads, lets through and
// refuses: one scope for all engines, and texts that are kept go on working when a district changes its engine.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck"
)

// Options say where the copies are and what they may take.
type Options struct {
	Dir     string // emptied when opened
	Memory  int64  // bytes the engine may hold, 0 for 1 GiB
	Threads int    // 0 for one a processor
	Bytes   int64  // values of all copies as text, 0 for 8 GiB; what nobody asks goes first
	Rows    int64  // a version of more is not copied, 0 for 50 million
	Now     func() time.Time
}

// Store is an Archive whose readers' SQL is answered from copies.
type Store struct {
	warehouse.Archive
	local   *duck.Store
	options Options
	ctx     context.Context // of copies under way: they outlive the question that began them
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	copies []*held
	clock  int64 // counts uses
}

var _ warehouse.Maker = (*Store)(nil)

// held is a copy, or one that is being made.
type held struct {
	of      warehouse.Version
	columns []string
	ready   chan struct{} // closed when it is whole, or has failed
	done    atomic.Int64  // rows so far

	// Guarded by Store.mu, and settled once ready is closed.
	local warehouse.Version
	err   error
	used  int64
	users int
}

// Open makes a mirror of a store. Close closes both.
func Open(ctx context.Context, of warehouse.Archive, o Options) (*Store, error) {
	if o.Bytes <= 0 {
		o.Bytes = 8 << 30
	}
	if o.Rows <= 0 {
		o.Rows = 50_000_000
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		return nil, fmt.Errorf("mirror: %w", err)
	}
	local, err := duck.Open(ctx, duck.Options{Dir: o.Dir, Memory: o.Memory, Threads: o.Threads, Now: o.Now})
	if err != nil {
		return nil, err
	}
	s := &Store{Archive: of, local: local, options: o}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close implements warehouse.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.work.Wait()
	return errors.Join(s.local.Close(), s.Archive.Close())
}

// Drop implements warehouse.Store. The copy goes with the version.
func (s *Store) Drop(ctx context.Context, id string) error {
	err := s.Archive.Drop(ctx, id)
	s.prune(ctx)
	return err
}

// Sweep implements warehouse.Store. Copies go with their versions, those another process has dropped too.
func (s *Store) Sweep(ctx context.Context, live func(id string) bool, before time.Time) ([]string, error) {
	gone, err := s.Archive.Sweep(ctx, live, before)
	s.prune(ctx)
	return gone, err
}

// Read implements warehouse.Reader.
func (s *Store) Read(ctx context.Context, text string) (*warehouse.Reading, error) {
	return s.local.Read(ctx, text)
}

// Bind implements warehouse.Reader. Copies hold what is sealed as it is sealed.
func (s *Store) Bind(r *warehouse.Reading, tables [][]warehouse.Column, args map[string]any, seal func(c warehouse.Column, value string) (string, error)) (*warehouse.Reading, []warehouse.Column, error) {
	return s.local.Bind(r, tables, args, seal)
}

// Shape implements warehouse.Maker.
func (s *Store) Shape(ctx context.Context, r *warehouse.Reading, tables [][]warehouse.Column, now time.Time) ([]warehouse.Column, error) {
	return s.local.Shape(ctx, r, tables, now)
}

// Trace implements warehouse.Maker.
func (s *Store) Trace(r *warehouse.Reading, tables [][]string) (*warehouse.Trace, error) {
	return s.local.Trace(r, tables)
}

// Ask implements warehouse.Reader. Where a copy is not there yet and does not come in l.Time, the question is Busy with how far
// the copy is; it goes on being made, and the next question finds it.
func (s *Store) Ask(ctx context.Context, r *warehouse.Reading, faces []warehouse.Face, args map[string]any, l warehouse.Limits) (*warehouse.Answer, error) {
	began := time.Now()
	mine, free, err := s.faces(ctx, r, faces, l.Time)
	defer free()
	if err != nil {
		return nil, err
	}
	if l.Time > 0 {
		l.Time = max(l.Time-time.Since(began), l.Time/4)
	}
	return s.local.Ask(ctx, r, mine, args, l)
}

// Make implements warehouse.Maker: the result is made here and loaded into the store.
func (s *Store) Make(ctx context.Context, spec warehouse.Spec, r *warehouse.Reading, faces []warehouse.Face, l warehouse.Limits) (warehouse.Loaded, error) {
	mine, free, err := s.faces(ctx, r, faces, 0) // a step waits for what it is made of
	defer free()
	if err != nil {
		return warehouse.Loaded{}, err
	}
	made, err := s.local.Make(ctx, spec, r, mine, l)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	defer func() { _ = s.local.Drop(context.WithoutCancel(ctx), made.ID) }() // failing, it goes at the next start
	res, err := s.local.Query(ctx, warehouse.Query{From: made.ID})
	if err != nil {
		return warehouse.Loaded{}, err
	}
	return s.Archive.Load(ctx, spec, func(yield func(warehouse.Row, error) bool) {
		for row, err := range res.Rows {
			if !yield(warehouse.Row{Values: row}, err) {
				return
			}
		}
	})
}

// faces puts copies in the place of versions; free lets them go.
func (s *Store) faces(ctx context.Context, r *warehouse.Reading, faces []warehouse.Face, wait time.Duration) (mine []warehouse.Face, free func(), err error) {
	var taken []*held
	free = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, h := range taken {
			h.users--
		}
	}
	if len(faces) != len(r.Tables) {
		return nil, free, errors.New("mirror: faces that do not fit the reading")
	}
	var late <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		late = t.C
	}
	mine = slices.Clone(faces)
	for i, f := range faces {
		v, err := s.Version(ctx, f.Version)
		if err != nil {
			s.prune(ctx)
			return nil, free, err
		}
		mine[i].Columns = named(r.Tables[i], f.Columns)
		h, err := s.take(v, tested(f.Where, slices.Clone(mine[i].Columns)))
		if err != nil {
			return nil, free, err
		}
		taken = append(taken, h)
	}
	for i, h := range taken { // all are on their way before the first is waited for
		select {
		case <-h.ready:
		case <-ctx.Done():
			return nil, free, ctx.Err()
		case <-late:
			return nil, free, errs.New(errs.Busy, "warehouse.copying", int(100*h.done.Load()/max(h.of.Rows, 1)))
		}
		if h.err != nil {
			return nil, free, h.err
		}
		mine[i].Version = h.local.ID
	}
	return mine, free, nil
}

// named are the columns of a face that a text needs, at least one.
func named(t warehouse.Named, open []string) []string {
	has := func(in []string, c string) bool {
		return slices.ContainsFunc(in, func(n string) bool { return strings.EqualFold(n, c) })
	}
	var out []string
	for _, c := range open {
		if t.All && !has(t.Except, c) || has(t.Columns, c) {
			out = append(out, c)
		}
	}
	if out == nil && len(open) > 0 {
		out = open[:1]
	}
	return out
}

// tested adds the columns of a condition.
func tested(c warehouse.Cond, to []string) []string {
	if c.Col != "" && !slices.Contains(to, c.Col) {
		to = append(to, c.Col)
	}
	for _, k := range c.Kids {
		to = tested(k, to)
	}
	return to
}
