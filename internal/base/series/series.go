// Package series keeps samples: numbers measured over time, apart from rows, because there are so many of them.
//
// Samples of one month lie together: in an SQLite file of their own on one machine, in tables of their own on PostgreSQL, so
// that a month that is no longer kept goes at once. What Append has returned nil for is on disk; one sample of a series at one
// time is kept, the first, so that sending again is harmless.
//
// Beside the samples stand rollups of a minute, an hour and a day (+08:00) with count, sum, least, greatest, last and a sketch of
// quantiles whose relative error is at most Accuracy. A sample marks its minute; Roll makes the rollups of marked minutes anew
// from the samples, so that late samples count too. Readers make what is still marked themselves: an answer is always that
// of the samples there are, as long as these are kept.
package series

import (
	"context"
	"embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Text holds the words of this package's errors.
//
//go:embed text/*.json
var Text embed.FS

// Accuracy is the greatest relative error of a quantile of a rollup (DDSketch, VLDB 2019).
const Accuracy = 0.01

// Flag says what is odd about a sample.
type Flag int

// The flags.
const (
	Good    Flag = 0
	Odd     Flag = 1 // outside of what the sensor can measure: kept, and left out of rollups
	Arrival Flag = 2 // the sender's clock was wrong: the time is that of its arrival
)

// Sample is one number of a series.
type Sample struct {
	Series int64     // number of the series
	At     time.Time // kept in microseconds
	Value  float64   // finite
	Flag   Flag
}

// Options say where samples are.
type Options struct {
	Rows *store.DB // on PostgreSQL they lie beside the rows
	Dir  string    // on SQLite they lie here
	Now  func() time.Time
}

// Store keeps samples. It is safe for concurrent use.
type Store struct {
	rows *store.DB // nil on SQLite
	dir  string
	now  func() time.Time

	mu     sync.Mutex
	months map[string]*month
	listed bool

	in   chan *batch
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// month is where the samples of one month lie.
type month struct {
	name string // "202306"
	db   *store.DB
	bare bool // its samples are gone, its rollups stand

	// turn keeps unmarking (Roll) and marking (write) apart.
	turn sync.Mutex
	// marked are the minutes this process has marked and not rolled since: on SQLite nobody else marks.
	marked map[mark]bool
}

// mark is a minute of a series with samples its rollups do not know.
type mark struct {
	series int64
	minute int64 // its beginning, microseconds
}

// Open returns the store; files and tables are made when they are first needed.
func Open(o Options) *Store {
	s := &Store{dir: o.Dir, now: o.Now, months: map[string]*month{}, in: make(chan *batch, 1024), stop: make(chan struct{}), done: make(chan struct{})}
	if o.Rows != nil && o.Rows.Engine() == store.Postgres {
		s.rows = o.Rows
	}
	if s.now == nil {
		s.now = time.Now
	}
	go s.commit()
	return s
}

// Close writes what waits and closes the files.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.stop) })
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.rows == nil {
		for _, m := range s.months {
			if e := m.db.Close(); e != nil {
				err = e
			}
		}
	}
	s.months = map[string]*month{}
	return err
}

// civil is the time of the district, by which days and months begin.
var civil = time.FixedZone("+08:00", 8*3600)

func monthOf(at time.Time) string { return at.In(civil).Format("200601") }

// begins is the beginning of a month.
func begins(name string) time.Time {
	t, _ := time.ParseInLocation("200601", name, civil)
	return t
}

// Possible years of a sample. What lies outside was sent by a clock that never was set.
const (
	firstYear = 2000
	lastYear  = 2100
)

// check says why a sample cannot be kept.
func check(x Sample) error {
	if math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
		return errs.New(errs.Invalid, "series.not_a_number")
	}
	if y := x.At.In(civil).Year(); y < firstYear || y > lastYear {
		return errs.New(errs.Invalid, "series.year", y)
	}
	return nil
}

// ddl makes the tables of one month.
func ddl(e store.Engine, m string) []string {
	tail := ""
	if e == store.SQLite {
		tail = " WITHOUT ROWID"
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS series_raw_` + m + ` (series BIGINT NOT NULL, at BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL, flag SMALLINT NOT NULL, PRIMARY KEY (series, at))` + tail,
		`CREATE TABLE IF NOT EXISTS series_roll_` + m + ` (level SMALLINT NOT NULL, series BIGINT NOT NULL, at BIGINT NOT NULL, n BIGINT NOT NULL, total DOUBLE PRECISION NOT NULL,
			least DOUBLE PRECISION NOT NULL, most DOUBLE PRECISION NOT NULL, last DOUBLE PRECISION NOT NULL, last_at BIGINT NOT NULL, sketch BYTEA NOT NULL, PRIMARY KEY (level, series, at))` + tail,
		`CREATE TABLE IF NOT EXISTS series_dirty_` + m + ` (series BIGINT NOT NULL, minute BIGINT NOT NULL, gen BIGINT NOT NULL, PRIMARY KEY (series, minute))` + tail,
	}
}

// list learns which months there are.
func (s *Store) list(ctx context.Context) error {
	if s.listed {
		return nil
	}
	if s.rows != nil {
		return s.listRows(ctx)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "??????.db"))
	if err != nil {
		return fmt.Errorf("series: %w", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".db")
		if begins(name).IsZero() || s.months[name] != nil {
			continue
		}
		db, err := store.Open(ctx, "", f)
		if err != nil {
			return err
		}
		raw, err := db.HasTable(ctx, "series_raw_"+name)
		if err != nil {
			return err
		}
		s.months[name] = &month{name: name, db: db, bare: !raw, marked: map[mark]bool{}}
	}
	s.listed = true
	return nil
}

func (s *Store) listRows(ctx context.Context) error {
	if err := s.rows.Locked(ctx, func() error {
		return store.Exec(ctx, s.rows, `CREATE TABLE IF NOT EXISTS series_month (name TEXT PRIMARY KEY, bare BOOLEAN NOT NULL)`)
	}); err != nil {
		return err
	}
	if err := s.again(ctx); err != nil {
		return err
	}
	s.listed = true
	return nil
}

// again reads the months other replicas may have begun.
func (s *Store) again(ctx context.Context) error {
	type row struct {
		name string
		bare bool
	}
	all, err := store.All(ctx, s.rows, func(r *row) []any { return []any{&r.name, &r.bare} }, `SELECT name, bare FROM series_month`)
	for _, r := range all {
		if m := s.months[r.name]; m != nil {
			m.bare = r.bare
		} else {
			s.months[r.name] = &month{name: r.name, db: s.rows, bare: r.bare}
		}
	}
	return err
}

// month returns the place of a month, making it when it is missing.
func (s *Store) month(ctx context.Context, name string) (*month, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	if m := s.months[name]; m != nil {
		return m, nil
	}
	db := s.rows
	if db == nil {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, fmt.Errorf("series: %w", err)
		}
		var err error
		if db, err = store.Open(ctx, "", filepath.Join(s.dir, name+".db")); err != nil {
			return nil, err
		}
	}
	m := &month{name: name, db: db}
	if s.rows == nil {
		m.marked = map[mark]bool{}
	}
	err := db.Locked(ctx, func() error {
		return db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, q := range ddl(db.Engine(), name) {
				if err := store.Exec(ctx, tx, q); err != nil {
					return err
				}
			}
			if s.rows == nil {
				return nil
			}
			return store.Exec(ctx, tx, `INSERT INTO series_month (name, bare) VALUES ($1, FALSE) ON CONFLICT (name) DO NOTHING`, name)
		})
	})
	if err != nil {
		return nil, err
	}
	s.months[name] = m
	return m, nil
}

// between returns the months there are that hold anything of [from, until), oldest first.
func (s *Store) between(ctx context.Context, from, until time.Time) ([]*month, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	if s.rows != nil {
		if err := s.again(ctx); err != nil {
			return nil, err
		}
	}
	var out []*month
	for _, m := range s.months {
		at := begins(m.name)
		if at.Before(until) && at.AddDate(0, 1, 0).After(from) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *month) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// Forget drops the samples of months that ended before raw, and everything of months that ended before all. Rollups are brought
// up to date first; from then on they stand for themselves.
func (s *Store) Forget(ctx context.Context, raw, all time.Time) error {
	months, err := s.between(ctx, time.Time{}, s.now().AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	for _, m := range months {
		end := begins(m.name).AddDate(0, 1, 0)
		switch {
		case !end.After(all):
			err = s.drop(ctx, m)
		case !end.After(raw) && !m.bare:
			err = s.strip(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// strip drops the samples of a month whose rollups are whole.
func (s *Store) strip(ctx context.Context, m *month) error {
	for {
		n, err := s.roll(ctx, m, math.MaxInt64)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	err := m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `DROP TABLE series_raw_`+m.name); err != nil || s.rows == nil {
			return err
		}
		return store.Exec(ctx, tx, `UPDATE series_month SET bare = TRUE WHERE name = $1`, m.name)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	m.bare = true
	s.mu.Unlock()
	if s.rows == nil { // the file gives its room back
		_, err = m.db.Writer().ExecContext(ctx, `VACUUM`)
	}
	return err
}

func (s *Store) drop(ctx context.Context, m *month) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		delete(s.months, m.name)
		if err := m.db.Close(); err != nil {
			return err
		}
		path := filepath.Join(s.dir, m.name+".db")
		for _, f := range []string{path + "-wal", path + "-shm", path} {
			if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("series: %w", err)
			}
		}
		return nil
	}
	err := m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, t := range []string{`series_raw_`, `series_roll_`, `series_dirty_`} {
			if err := store.Exec(ctx, tx, `DROP TABLE IF EXISTS `+t+m.name); err != nil {
				return err
			}
		}
		return store.Exec(ctx, tx, `DELETE FROM series_month WHERE name = $1`, m.name)
	})
	if err == nil {
		delete(s.months, m.name)
	}
	return err
}
