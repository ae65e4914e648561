package series

import (
	"context"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// batch is what one caller waits for.
type batch struct {
	samples []Sample
	done    chan error
}

// Bounds of one commit: enough to share the fsync, short enough not to be felt.
const mostAtOnce = 20_000

// Append keeps samples and returns when they are on disk. A sample that is there already stays as it is. Nothing of a call is
// kept when one of its samples cannot be: not a finite number (series.not_a_number), a year nobody means (series.year), a
// month whose samples are no longer kept (series.too_old).
func (s *Store) Append(ctx context.Context, samples []Sample) error {
	if len(samples) == 0 {
		return nil
	}
	for _, x := range samples {
		if err := check(x); err != nil {
			return err
		}
		if m, err := s.month(ctx, monthOf(x.At)); err != nil {
			return err
		} else if m.bare {
			return errs.New(errs.Invalid, "series.too_old", x.At.In(civil).Format("2006-01-02"))
		}
	}
	b := &batch{samples: samples, done: make(chan error, 1)}
	select {
	case s.in <- b:
	case <-s.stop:
		return errs.New(errs.Busy, "series.closed")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-b.done:
		return err
	case <-s.done:
		select { // the last commit may have been ours
		case err := <-b.done:
			return err
		default:
			return errs.New(errs.Busy, "series.closed")
		}
	}
}

// commit writes what callers wait for, everybody who came meanwhile together.
func (s *Store) commit() {
	defer close(s.done)
	for {
		select {
		case b := <-s.in:
			s.write(s.gather(b))
		case <-s.stop:
			for {
				select {
				case b := <-s.in:
					s.write(s.gather(b))
				default:
					return
				}
			}
		}
	}
}

func (s *Store) gather(b *batch) []*batch {
	out, n := []*batch{b}, len(b.samples)
	for n < mostAtOnce {
		select {
		case b := <-s.in:
			out, n = append(out, b), n+len(b.samples)
		default:
			return out
		}
	}
	return out
}

// write commits batches together; where that fails each is tried alone, so that one caller's trouble stays his.
func (s *Store) write(all []*batch) {
	var samples []Sample
	for _, b := range all {
		samples = append(samples, b.samples...)
	}
	err := s.put(samples)
	if err == nil || len(all) == 1 || errs.Is(err, errs.Busy) {
		for _, b := range all {
			b.done <- err
		}
		return
	}
	for _, b := range all {
		b.done <- s.put(b.samples)
	}
}

// put writes samples, a transaction for each month.
func (s *Store) put(samples []Sample) error {
	ctx := context.Background()
	byMonth := map[string][]Sample{}
	name, until := "", int64(0) // most samples are of the month of the one before
	from := int64(0)
	for _, x := range samples {
		if at := x.At.UnixMicro(); name == "" || at < from || at >= until {
			name = monthOf(x.At)
			b := begins(name)
			from, until = b.UnixMicro(), b.AddDate(0, 1, 0).UnixMicro()
		}
		byMonth[name] = append(byMonth[name], x)
	}
	for name, xs := range byMonth {
		m, err := s.month(ctx, name)
		if err != nil {
			return err
		}
		if err := m.put(ctx, xs); err != nil {
			return err
		}
	}
	return nil
}

func (m *month) put(ctx context.Context, xs []Sample) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	var fresh []mark
	seen := map[mark]bool{}
	args := make([]any, 0, 4*len(xs))
	for _, x := range xs {
		at := x.At.UnixMicro()
		args = append(args, x.Series, at, x.Value, int64(x.Flag))
		if k := (mark{x.Series, floor(Minute, at)}); !seen[k] && !m.marked[k] {
			seen[k] = true
			fresh = append(fresh, k)
		}
	}
	err := m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insert(ctx, tx, m.db.Engine(), `INSERT INTO series_raw_`+m.name+` (series, at, value, flag) VALUES `, 4, args, ` ON CONFLICT (series, at) DO NOTHING`); err != nil {
			return err
		}
		marks := make([]any, 0, 3*len(fresh))
		for _, k := range fresh {
			marks = append(marks, k.series, k.minute, int64(1))
		}
		return insert(ctx, tx, m.db.Engine(), `INSERT INTO series_dirty_`+m.name+` (series, minute, gen) VALUES `, 3, marks, ` ON CONFLICT (series, minute) DO UPDATE SET gen = series_dirty_`+m.name+`.gen + 1`)
	})
	if err == nil && m.marked != nil {
		for _, k := range fresh {
			m.marked[k] = true
		}
	}
	return err
}

// insert writes rows of width columns, many to a statement.
func insert(ctx context.Context, tx *store.Tx, e store.Engine, head string, width int, args []any, tail string) error {
	for _, rows := range []int{256, 16, 1} {
		q := ""
		for len(args) >= rows*width {
			if q == "" {
				q = head + values(e, rows, width) + tail
			}
			if err := store.Exec(ctx, tx, q, args[:rows*width]...); err != nil {
				return err
			}
			args = args[rows*width:]
		}
	}
	return nil
}

// values is "($1, $2), ($3, $4)", with question marks for SQLite, which looks the others up by name.
func values(e store.Engine, rows, width int) string {
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range width {
			if c > 0 {
				b.WriteByte(',')
			}
			if e == store.SQLite {
				b.WriteByte('?')
			} else {
				b.WriteString("$" + strconv.Itoa(r*width+c+1))
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}
