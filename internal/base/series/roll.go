package series

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/store"
)

// mostMarks is how many marked minutes are rolled in one transaction.
const mostMarks = 500

type dirty struct {
	mark
	gen int64
}

// Roll makes the rollups of minutes that are over and have new samples, and reports how many minutes it did. It may be broken off
// at any moment and run again.
func (s *Store) Roll(ctx context.Context) (int, error) {
	months, err := s.between(ctx, time.Time{}, s.now().AddDate(1, 0, 0))
	if err != nil {
		return 0, err
	}
	over, all := floor(Minute, s.now().UnixMicro()), 0
	for _, m := range months {
		for !m.bare && ctx.Err() == nil {
			n, err := s.roll(ctx, m, over)
			if err != nil {
				return all, err
			}
			if all += n; n < mostMarks {
				break
			}
		}
	}
	return all, ctx.Err()
}

// roll does some of a month's marked minutes that began before a time.
func (s *Store) roll(ctx context.Context, m *month, before int64) (int, error) {
	todo, err := store.All(ctx, m.db, func(d *dirty) []any { return []any{&d.series, &d.minute, &d.gen} },
		`SELECT series, minute, gen FROM series_dirty_`+m.name+` WHERE minute < $1 ORDER BY series, minute LIMIT $2`, before, mostMarks)
	if err != nil || len(todo) == 0 {
		return 0, err
	}
	// From here on whoever adds a sample marks its minute again; what was added before is seen by what reads below.
	m.turn.Lock()
	for _, d := range todo {
		delete(m.marked, d.mark)
	}
	m.turn.Unlock()
	return len(todo), m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "series_roll", m.name); err != nil {
			return err
		}
		if err := m.rollMarks(ctx, tx, todo); err != nil {
			return err
		}
		for _, d := range todo {
			if err := store.Later(ctx, tx, `DELETE FROM series_dirty_`+m.name+` WHERE series = $1 AND minute = $2 AND gen = $3`, d.series, d.minute, d.gen); err != nil {
				return err
			}
		}
		return nil
	})
}

// rollMarks makes the minutes anew from samples, then their hours from minutes and their days from hours.
func (m *month) rollMarks(ctx context.Context, tx *store.Tx, todo []dirty) error {
	hours, days := map[mark]bool{}, map[mark]bool{}
	for _, d := range todo {
		b, err := m.ofSamples(ctx, tx, d.series, d.minute, d.minute+Minute.Width().Microseconds())
		if err != nil {
			return err
		}
		if err := m.keep(ctx, tx, Minute, d.series, d.minute, b); err != nil {
			return err
		}
		hours[mark{d.series, floor(Hour, d.minute)}] = true
	}
	for _, step := range []struct {
		level, from Level
		all         map[mark]bool
	}{{Hour, Minute, hours}, {Day, Hour, days}} {
		for k := range step.all {
			parts, err := m.rolled(ctx, tx, step.from, k.series, k.minute, k.minute+step.level.Width().Microseconds())
			if err != nil {
				return err
			}
			whole, err := merged(k.minute, parts)
			if err != nil {
				return err
			}
			if err := m.keep(ctx, tx, step.level, k.series, k.minute, whole); err != nil {
				return err
			}
			days[mark{k.series, floor(Day, k.minute)}] = true
		}
	}
	return nil
}

// merged makes one bucket of several.
func merged(at int64, parts []Bucket) (Bucket, error) {
	whole := Bucket{At: time.UnixMicro(at)}
	for i := range parts {
		if err := whole.merge(&parts[i]); err != nil {
			return whole, err
		}
	}
	return whole, nil
}

// keep writes one rollup; of nothing there is none.
func (m *month) keep(ctx context.Context, tx *store.Tx, l Level, series, at int64, b Bucket) error {
	if b.N == 0 {
		return store.Later(ctx, tx, `DELETE FROM series_roll_`+m.name+` WHERE level = $1 AND series = $2 AND at = $3`, int64(l), series, at)
	}
	return store.Exec(ctx, tx, `INSERT INTO series_roll_`+m.name+` (level, series, at, n, total, least, most, last, last_at, sketch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (level, series, at) DO UPDATE SET n = excluded.n, total = excluded.total, least = excluded.least, most = excluded.most, last = excluded.last, last_at = excluded.last_at, sketch = excluded.sketch`,
		int64(l), series, at, b.N, b.Sum, b.Least, b.Most, b.Last, b.LastAt.UnixMicro(), b.kept())
}

// ofSamples is the bucket of the samples in [from, until).
func (m *month) ofSamples(ctx context.Context, q store.Queryer, series, from, until int64) (Bucket, error) {
	b := Bucket{At: time.UnixMicro(from)}
	xs, err := m.samples(ctx, q, series, from, until, 0)
	for _, x := range xs {
		if x.Flag != Odd {
			b.add(x.At, x.Value)
		}
	}
	return b, err
}

// rolled are the kept buckets of a level that begin in [from, until), oldest first.
func (m *month) rolled(ctx context.Context, q store.Queryer, l Level, series, from, until int64) ([]Bucket, error) {
	type row struct {
		b          Bucket
		at, lastAt int64
		sketch     []byte
	}
	all, err := store.All(ctx, q, func(r *row) []any {
		return []any{&r.at, &r.b.N, &r.b.Sum, &r.b.Least, &r.b.Most, &r.b.Last, &r.lastAt, &r.sketch}
	}, `SELECT at, n, total, least, most, last, last_at, sketch FROM series_roll_`+m.name+` WHERE level = $1 AND series = $2 AND at >= $3 AND at < $4 ORDER BY at`, int64(l), series, from, until)
	out := make([]Bucket, len(all))
	for i, r := range all {
		r.b.At, r.b.LastAt = time.UnixMicro(r.at), time.UnixMicro(r.lastAt)
		if e := r.b.read(r.sketch); e != nil {
			return nil, e
		}
		out[i] = r.b
	}
	return out, err
}

// buckets are those of a level in [from, until), also where samples are newer than the rollups: what is marked is made anew from
// the level below.
func (m *month) buckets(ctx context.Context, q store.Queryer, l Level, series, from, until int64) ([]Bucket, error) {
	if m.bare {
		return m.rolled(ctx, q, l, series, from, until)
	}
	// Marks are read first: what is rolled meanwhile is made twice, never left out.
	marks, err := store.Column[int64](ctx, q, `SELECT minute FROM series_dirty_`+m.name+` WHERE series = $1 AND minute >= $2 AND minute < $3 ORDER BY minute`, series, from, until+l.Width().Microseconds())
	if err != nil {
		return nil, err
	}
	out, err := m.rolled(ctx, q, l, series, from, until)
	if err != nil || len(marks) == 0 {
		return out, err
	}
	stale := map[int64]bool{}
	for _, at := range marks {
		if b := floor(l, at); b >= from && b < until {
			stale[b] = true
		}
	}
	out = slices.DeleteFunc(out, func(b Bucket) bool { return stale[b.At.UnixMicro()] })
	for at := range stale {
		var b Bucket
		if l == Minute {
			b, err = m.ofSamples(ctx, q, series, at, at+l.Width().Microseconds())
		} else {
			var parts []Bucket
			if parts, err = m.buckets(ctx, q, l-1, series, at, at+l.Width().Microseconds()); err == nil {
				b, err = merged(at, parts)
			}
		}
		if err != nil {
			return nil, err
		}
		if b.N > 0 {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b Bucket) int { return a.At.Compare(b.At) })
	return out, nil
}
