package series

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"qushu/internal/base/store"
)

// Prepare makes the tables of months on PostgreSQL without noting them, for a dump that is about to be filled in and has the note itself.
func (s *Store) Prepare(ctx context.Context, months []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		return nil
	}
	if err := s.list(ctx); err != nil {
		return err
	}
	for _, name := range months {
		for _, q := range ddl(store.Postgres, name) {
			if err := store.Exec(ctx, s.rows, q); err != nil {
				return err
			}
		}
	}
	s.listed = false
	return nil
}

// takeAtOnce is how many samples are moved in one call of Append.
const takeAtOnce = 10_000

// Take brings in the months another store's Snapshot has written, where this one keeps its own elsewhere. It may be broken off and run
// again: samples that are there stay. It returns how many samples it read.
func (s *Store) Take(ctx context.Context, dir string) (int64, error) {
	files, err := filepath.Glob(filepath.Join(dir, "??????.db"))
	if err != nil {
		return 0, fmt.Errorf("series: %w", err)
	}
	all := int64(0)
	for _, f := range files {
		n, err := s.takeMonth(ctx, f)
		if all += n; err != nil {
			return all, err
		}
	}
	return all, nil
}

func (s *Store) takeMonth(ctx context.Context, file string) (int64, error) {
	name := strings.TrimSuffix(filepath.Base(file), ".db")
	from, err := store.Open(ctx, "", file)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	raw, err := from.HasTable(ctx, "series_raw_"+name)
	if err != nil {
		return 0, err
	}
	to, err := s.month(ctx, name)
	if err != nil {
		return 0, err
	}
	if !raw {
		return 0, s.takeRollups(ctx, from, to)
	}
	all, series, at := int64(0), int64(math.MinInt64), int64(0)
	for {
		type row struct {
			x        Sample
			at, flag int64
		}
		rows, err := store.All(ctx, from, func(r *row) []any { return []any{&r.x.Series, &r.at, &r.x.Value, &r.flag} },
			`SELECT series, at, value, flag FROM series_raw_`+name+` WHERE (series, at) > ($1, $2) ORDER BY series, at LIMIT $3`, series, at, takeAtOnce)
		if err != nil || len(rows) == 0 {
			return all, err
		}
		xs := make([]Sample, len(rows))
		for i, r := range rows {
			r.x.At, r.x.Flag = time.UnixMicro(r.at), Flag(r.flag)
			xs[i] = r.x
		}
		if err := s.Append(ctx, xs); err != nil {
			return all, err
		}
		last := rows[len(rows)-1]
		all, series, at = all+int64(len(rows)), last.x.Series, last.at
	}
}

// takeRollups moves the rollups of a month whose samples are no longer kept.
func (s *Store) takeRollups(ctx context.Context, from *store.DB, to *month) error {
	for _, l := range []Level{Minute, Hour, Day} {
		all, err := store.Column[int64](ctx, from, `SELECT DISTINCT series FROM series_roll_`+to.name+` WHERE level = $1 ORDER BY series`, int64(l))
		if err != nil {
			return err
		}
		source := &month{name: to.name, db: from, bare: true}
		for _, series := range all {
			bs, err := source.rolled(ctx, from, l, series, math.MinInt64, math.MaxInt64)
			if err != nil {
				return err
			}
			err = to.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				for _, b := range bs {
					if err := to.keep(ctx, tx, l, series, b.At.UnixMicro(), b); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	if to.bare { // moved before
		return nil
	}
	return s.strip(ctx, to)
}
