// Package click is the warehouse on ClickHouse: several processes, on several machines, use one server.
//
// A version is a table t_<id> with the columns _k, the 64-bit hash of the key (when there is one), _n, the line in the
// source, and c0, c1 …, the values. It is sorted by (_k, _n), which is its primary index, in small granules: a look-up
// by key reads one of them.
//
// The engine has no transactions. The table "version" says which versions there are: its row is written when the table
// is whole, and is the first thing to go. A table without a row is no version; it is dropped when nobody reads it any
// more, or, after a process died in the middle of a load, a day later.
//
// Everything is said in what every release since 18.16 knows: own types where the engine's begin in 1970 or are
// younger, one join of two sub-selects at a time, conditions that are never NULL, long lists as external tables.
package click

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Store is a warehouse.Archive on ClickHouse. Any number of them may use one database.
type Store struct {
	options Options
	addr    string // for words
	db      driver.Conn
	write   chan struct{} // holds one token while this process loads
	closed  atomic.Bool

	reading chan struct{} // holds one token while the table "version" is read
	mu      sync.RWMutex
	known   map[string]warehouse.Version // as in the table "version" at the time below
	asOf    time.Time
	loading map[string]bool // ids whose tables this process is filling
	waiting map[string]bool // ids dropped by this process whose tables were still read
}

var _ warehouse.Archive = (*Store)(nil)

// Close implements warehouse.Store.
func (s *Store) Close() error {
	s.write <- struct{}{} // a load under way ends first
	defer func() { <-s.write }()
	if s.closed.Swap(true) {
		return nil
	}
	return s.explain(s.db.Close())
}

// Version implements warehouse.Store.
func (s *Store) Version(ctx context.Context, id string) (warehouse.Version, error) {
	find, err := s.finder(ctx, id)
	if err != nil {
		return warehouse.Version{}, err
	}
	if v, ok := find(id); ok {
		return v, nil
	}
	return warehouse.Version{}, errs.New(errs.Missing, "warehouse.no_version", id)
}

// Versions implements warehouse.Store.
func (s *Store) Versions(ctx context.Context) ([]warehouse.Version, error) {
	known, err := s.catalog(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	out := make([]warehouse.Version, 0, len(known))
	for _, v := range known {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b warehouse.Version) int {
		if c := a.Made.Compare(b.Made); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// Drop implements warehouse.Store.
func (s *Store) Drop(ctx context.Context, id string) error {
	if err := s.forget(ctx, id); err != nil {
		return err
	}
	s.collect(ctx) // what is still read goes later
	return nil
}

// forget takes the version out of the catalogue.
func (s *Store) forget(ctx context.Context, id string) error {
	if _, err := s.Version(ctx, id); err != nil {
		return err
	}
	if err := s.exec(ctx, "ALTER TABLE version DROP PARTITION '"+id+"'"); err != nil {
		return err
	}
	s.learn(func(known map[string]warehouse.Version) {
		delete(known, id)
		s.waiting[id] = true
	})
	return nil
}

// Sweep implements warehouse.Store.
func (s *Store) Sweep(ctx context.Context, live func(id string) bool, before time.Time) ([]string, error) {
	all, err := s.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, v := range all {
		if !v.Made.Before(before) || live(v.ID) {
			continue
		}
		if err := s.forget(ctx, v.ID); err != nil && !errs.Is(err, errs.Missing) { // another process was faster
			return gone, err
		}
		gone = append(gone, v.ID)
	}
	s.collect(ctx)
	return gone, nil
}

// Stats implements warehouse.Store. What the server holds for others counts as memory too.
func (s *Store) Stats(ctx context.Context) (warehouse.Stats, error) {
	var st warehouse.Stats
	all, err := s.Versions(ctx)
	if err != nil {
		return st, err
	}
	for _, v := range all {
		st.Versions++
		st.Rows += v.Rows
	}
	if err := s.one(ctx, "SELECT toInt64(sum(bytes_on_disk)), toInt64(sumIf(bytes_on_disk, NOT active)) FROM system.parts WHERE database = currentDatabase()", &st.File, &st.Free); err != nil {
		return st, err
	}
	err = s.one(ctx, "SELECT toInt64(sum(value)) FROM system.metrics WHERE metric = 'MemoryTracking'", &st.Memory)
	return st, err
}
