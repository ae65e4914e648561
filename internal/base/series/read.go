package series

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"qushu/internal/base/store"
)

// samples are those of [from, until), oldest first, at most limit when it is not 0.
func (m *month) samples(ctx context.Context, q store.Queryer, series, from, until int64, limit int) ([]Sample, error) {
	type row struct{ at, flag int64 }
	var r row
	text := `SELECT at, value, flag FROM series_raw_` + m.name + ` WHERE series = $1 AND at >= $2 AND at < $3 ORDER BY at`
	args := []any{series, from, until}
	if limit > 0 {
		text, args = text+` LIMIT $4`, append(args, limit)
	}
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Sample
	for rows.Next() {
		x := Sample{Series: series}
		if err := rows.Scan(&r.at, &x.Value, &r.flag); err != nil {
			return nil, err
		}
		x.At, x.Flag = time.UnixMicro(r.at), Flag(r.flag)
		out = append(out, x)
	}
	return out, rows.Err()
}

// Samples returns the samples of a series in [from, until), oldest first, at most limit when it is not 0. Months whose samples
// are no longer kept have none.
func (s *Store) Samples(ctx context.Context, series int64, from, until time.Time, limit int) ([]Sample, error) {
	months, err := s.between(ctx, from, until)
	if err != nil {
		return nil, err
	}
	var out []Sample
	for _, m := range months {
		if m.bare {
			continue
		}
		left := 0
		if limit > 0 {
			if left = limit - len(out); left <= 0 {
				break
			}
		}
		xs, err := m.samples(ctx, m.db, series, from.UnixMicro(), until.UnixMicro(), left)
		if err != nil {
			return nil, err
		}
		out = append(out, xs...)
	}
	return out, nil
}

// Buckets returns what is known of a series in [from, until) at one level, oldest first; of Raw each sample is one. from is
// taken down to the beginning of its bucket.
func (s *Store) Buckets(ctx context.Context, l Level, series int64, from, until time.Time) ([]Bucket, error) {
	if l == Raw {
		xs, err := s.Samples(ctx, series, from, until, 0)
		out := make([]Bucket, 0, len(xs))
		for _, x := range xs {
			if x.Flag != Odd {
				out = append(out, Bucket{At: x.At, N: 1, Sum: x.Value, Least: x.Value, Most: x.Value, Last: x.Value, LastAt: x.At})
			}
		}
		return out, err
	}
	begin := floor(l, from.UnixMicro())
	months, err := s.between(ctx, time.UnixMicro(begin), until)
	if err != nil {
		return nil, err
	}
	var out []Bucket
	for _, m := range months {
		bs, err := m.buckets(ctx, m.db, l, series, begin, until.UnixMicro())
		if err != nil {
			return nil, err
		}
		out = append(out, bs...)
	}
	return out, nil
}

// Chart returns a stretch of a series in about as many points as a chart is wide, and of which level they are: samples where
// there are few, rollups where there are many.
func (s *Store) Chart(ctx context.Context, series int64, from, until time.Time, width int) (Level, []Bucket, error) {
	width = min(max(width, 10), 4000)
	span := until.Sub(from)
	few := 2 * width
	kept, err := s.keptSince(ctx, from)
	if err != nil {
		return Raw, nil, err
	}
	if kept && span <= 40*24*time.Hour {
		xs, err := s.Samples(ctx, series, from, until, few+1)
		if err != nil {
			return Raw, nil, err
		}
		if len(xs) <= few {
			xs = slices.DeleteFunc(xs, func(x Sample) bool { return x.Flag == Odd })
			out := make([]Bucket, len(xs))
			for i, x := range xs {
				out[i] = Bucket{At: x.At, N: 1, Sum: x.Value, Least: x.Value, Most: x.Value, Last: x.Value, LastAt: x.At}
			}
			return Raw, out, nil
		}
	}
	for _, l := range []Level{Minute, Hour} {
		if span/l.Width() <= time.Duration(few) {
			out, err := s.Buckets(ctx, l, series, from, until)
			return l, out, err
		}
	}
	out, err := s.Buckets(ctx, Day, series, from, until)
	return Day, out, err
}

// keptSince reports whether samples since a time are kept.
func (s *Store) keptSince(ctx context.Context, from time.Time) (bool, error) {
	months, err := s.between(ctx, from, s.now())
	return !slices.ContainsFunc(months, func(m *month) bool { return m.bare }), err
}

// Months lists the months there are, for backups and for people, oldest first.
func (s *Store) Months(ctx context.Context) ([]string, error) {
	all, err := s.between(ctx, time.Time{}, time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, civil))
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.name
	}
	return out, err
}

// Snapshot writes the months of SQLite into a folder, each in one consistent state; on PostgreSQL they are rows, and dumped with them.
func (s *Store) Snapshot(ctx context.Context, dir string) (int, error) {
	if s.rows != nil {
		return 0, nil
	}
	all, err := s.between(ctx, time.Time{}, time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, civil))
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		if err := m.snapshot(ctx, dir); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

func (m *month) snapshot(ctx context.Context, dir string) error {
	part := filepath.Join(dir, m.name)
	if err := os.MkdirAll(part, 0o700); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	if err := m.db.Snapshot(ctx, part); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(part, store.SnapshotFile), part+".db"); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	return os.Remove(part)
}
