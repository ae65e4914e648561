package flow

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
)

// The dimensions sums are kept by.
const (
	dimCase   = "case"
	dimPlace  = "place"
	dimStep   = "step"
	dimPerson = "person"
)

// growth of the buckets of durations: the middle of one is within 1 % of everything in it.
const growth = 1.02

// bucket is that of a duration in seconds.
func bucket(seconds int64) int {
	if seconds < 1 {
		return 0
	}
	return int(math.Ceil(math.Log(float64(seconds))/math.Log(growth))) + 1
}

// middle is the duration a bucket stands for, in seconds.
func middle(b int) float64 {
	if b == 0 {
		return 0
	}
	return math.Pow(growth, float64(b-1)-0.5)
}

// sumKey is the place of a figure: what it counts, of when and whose.
type sumKey struct {
	Month      int64
	Kind, Unit string
	Street     string
	Dim, Key   string
}

// sum is what was counted: how many, of them late, how often returned, how long together and how spread.
type sum struct {
	N, Late, Returned, Took int64
	Spread                  map[int]int64
}

func (s *sum) add(n, late, returned, took int64) {
	s.N, s.Late, s.Returned, s.Took = s.N+n, s.Late+late, s.Returned+returned, s.Took+took
	if n == 0 {
		return
	}
	if s.Spread == nil {
		s.Spread = map[int]int64{}
	}
	b := bucket(took / n) // of one that is taken out, n and took are both negative
	if s.Spread[b] += n; s.Spread[b] == 0 {
		delete(s.Spread, b)
	}
}

func (s *sum) join(o *sum) {
	s.N, s.Late, s.Returned, s.Took = s.N+o.N, s.Late+o.Late, s.Returned+o.Returned, s.Took+o.Took
	if s.Spread == nil {
		s.Spread = map[int]int64{}
	}
	for b, n := range o.Spread {
		if s.Spread[b] += n; s.Spread[b] == 0 {
			delete(s.Spread, b)
		}
	}
}

// quantile is the duration in seconds that a share of what was counted does not exceed, within 1 %.
func (s *sum) quantile(share float64) float64 {
	all, n := make([]int, 0, len(s.Spread)), int64(0)
	for b, k := range s.Spread {
		all, n = append(all, b), n+k
	}
	slices.Sort(all)
	rank, seen := int64(math.Ceil(share*float64(n))), int64(0)
	for _, b := range all {
		if seen += s.Spread[b]; seen >= max(rank, 1) {
			return middle(b)
		}
	}
	return 0
}

func monthOf(t time.Time) int64 {
	l := t.In(when.Zone)
	return int64(l.Year()*100 + int(l.Month()))
}

// tally notes in tx what a deed adds to the statistics.
func (w *work) tally(ctx context.Context, month int64, dim, key string, n, late, returned, took int64) error {
	return store.Later(ctx, w.tx, `INSERT INTO flow_tally (id, month, kind, unit_id, street, dim, key, n, late, returned, took) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id.New(), month, w.c.Kind, w.c.Unit, w.c.Street, dim, key, n, late, returned, took)
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// counted notes a case that has come to its end, or with by -1 one that is taken up again.
func (w *work) counted(ctx context.Context, by int64) error {
	if w.c.State != Closed && by > 0 { // what was stopped or merged was not done
		return nil
	}
	if by > 0 {
		w.c.took = int64(w.now.Sub(w.c.Begun.Time) / time.Second)
	}
	month := monthOf(w.c.ClosedAt.Time)
	for _, at := range [][2]string{{dimCase, ""}, {dimPlace, w.c.Community}} {
		if err := w.tally(ctx, month, at[0], at[1], by, by*one(w.c.Late), by*one(w.c.returned > 0), by*w.c.took); err != nil {
			return err
		}
	}
	return nil
}

// stepped notes a task somebody has done, by step and by person.
func (w *work) stepped(ctx context.Context, k *Item, person string) error {
	month, took := monthOf(w.now.Time), max(0, int64(w.now.Sub(k.Begun.Time)/time.Second))
	late := one(!k.Due.IsZero() && w.now.After(k.Due.Time))
	for _, at := range [][2]string{{dimStep, k.Name}, {dimPerson, person}} {
		if err := w.tally(ctx, month, at[0], at[1], 1, late, 0, took); err != nil {
			return err
		}
	}
	return nil
}

// sentBack notes that a step was returned to, and to whom who had done it.
func (w *work) sentBack(ctx context.Context, node string) error {
	w.c.returned++
	month := monthOf(w.now.Time)
	note := func(dim, key string) error {
		if err := store.Later(ctx, w.tx, `INSERT INTO flow_return (case_id, at, dim, key) VALUES ($1, $2, $3, $4)`, w.c.ID, w.now, dim, key); err != nil {
			return err
		}
		return w.tally(ctx, month, dim, key, 0, 0, 1, 0)
	}
	if err := note(dimStep, w.called(node)); err != nil {
		return err
	}
	for _, p := range w.run().Doers[node] {
		if err := note(dimPerson, p); err != nil {
			return err
		}
	}
	return nil
}

type tallied struct {
	id string
	at sumKey
	sum
}

func scanTally(t *tallied) []any {
	return []any{&t.id, &t.at.Month, &t.at.Kind, &t.at.Unit, &t.at.Street, &t.at.Dim, &t.at.Key, &t.N, &t.Late, &t.Returned, &t.Took}
}

const tallyColumns = `s.id, s.month, s.kind, s.unit_id, s.street, s.dim, s.key, s.n, s.late, s.returned, s.took`

// keepSums folds what was noted into the sums, until ctx ends. What is not folded yet is counted all the same.
func (f *Flow) keepSums(ctx context.Context) error {
	if err := f.firstSums(ctx); err != nil {
		return err
	}
	return each(ctx, 2*time.Second, f.fold)
}

// fold takes up to 5000 notes at a time into the sums, both in one transaction.
func (f *Flow) fold(ctx context.Context) error {
	ctx = bySystem(ctx)
	for {
		n := 0
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := store.Lock(ctx, tx, "flow_sum", ""); err != nil {
				return err
			}
			all, err := store.All(ctx, tx, scanTally, `SELECT `+tallyColumns+` FROM flow_tally s ORDER BY s.id LIMIT 5000`)
			if err != nil || len(all) == 0 {
				return err
			}
			n = len(all)
			sums, ids := map[sumKey]*sum{}, []string{}
			for _, t := range all {
				if sums[t.at] == nil {
					sums[t.at] = &sum{}
				}
				sums[t.at].add(t.N, t.Late, t.Returned, t.Took)
				ids = append(ids, t.id)
			}
			if err := joinSums(ctx, tx, sums); err != nil {
				return err
			}
			if err := writeSums(ctx, tx, sums); err != nil {
				return err
			}
			for part := range slices.Chunk(ids, 500) {
				in := store.In("id", part)
				if err := store.Exec(ctx, tx, `DELETE FROM flow_tally WHERE `+in.SQL, in.Args...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < 5000 {
			return err
		}
	}
}

// joinSums adds what the rows hold already; the caller holds their lock.
func joinSums(ctx context.Context, tx *store.Tx, sums map[sumKey]*sum) error {
	for k, s := range sums {
		old, err := store.All(ctx, tx, scanSum, `SELECT `+sumColumns+` FROM flow_sum s WHERE s.dim = $1 AND s.month = $2 AND s.kind = $3 AND s.unit_id = $4 AND s.street = $5 AND s.key = $6`, k.Dim, k.Month, k.Kind, k.Unit, k.Street, k.Key)
		if err != nil {
			return err
		}
		if len(old) > 0 {
			old[0].into(s)
		}
	}
	return nil
}

// writeSums puts rows in the place of those there are; the caller holds their lock.
func writeSums(ctx context.Context, tx *store.Tx, sums map[sumKey]*sum) error {
	for k, s := range sums {
		if err := store.Exec(ctx, tx, `INSERT INTO flow_sum (month, kind, unit_id, street, dim, key, n, late, returned, took, spread) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (dim, month, kind, unit_id, street, key) DO UPDATE SET n = excluded.n, late = excluded.late, returned = excluded.returned, took = excluded.took, spread = excluded.spread`,
			k.Month, k.Kind, k.Unit, k.Street, k.Dim, k.Key, s.N, s.Late, s.Returned, s.Took, store.JSON[map[string]int64]{V: written(s.Spread)}); err != nil {
			return err
		}
	}
	return nil
}

func written(spread map[int]int64) map[string]int64 {
	out := make(map[string]int64, len(spread))
	for b, n := range spread {
		out[strconv.Itoa(b)] = n
	}
	return out
}

type sumRow struct {
	at                      sumKey
	n, late, returned, took int64
	spread                  string // JSON, "" of a single one: its bucket follows from took
}

const sumColumns = `s.month, s.kind, s.unit_id, s.street, s.dim, s.key, s.n, s.late, s.returned, s.took, CASE WHEN s.n = 1 THEN '' ELSE CAST(s.spread AS TEXT) END`

func scanSum(r *sumRow) []any {
	return []any{&r.at.Month, &r.at.Kind, &r.at.Unit, &r.at.Street, &r.at.Dim, &r.at.Key, &r.n, &r.late, &r.returned, &r.took, &r.spread}
}

// into adds the row to a sum. Half a million rows of one task each are read for one answer, so those cost no table of buckets.
func (r *sumRow) into(s *sum) {
	if r.n == 1 {
		s.add(1, r.late, r.returned, r.took)
		return
	}
	s.join(&sum{N: r.n, Late: r.late, Returned: r.returned, Took: r.took, Spread: spreadOf(r.spread)})
}

// spreadOf reads {"bucket": how many, …}: its numbers in pairs; encoding/json took most of the time of an answer.
func spreadOf(text string) map[int]int64 {
	out := make(map[int]int64, strings.Count(text, ":"))
	n, in, b, isCount := int64(0), false, 0, false
	for i := range len(text) {
		if c := text[i]; c >= '0' && c <= '9' {
			n, in = n*10+int64(c-'0'), true
			continue
		}
		if !in {
			continue
		}
		if isCount {
			out[b] = n
		} else {
			b = int(n)
		}
		n, in, isCount = 0, false, !isCount
	}
	return out
}

// firstSums counts what an installation did before there were sums.
func (f *Flow) firstSums(ctx context.Context) error {
	n, err := store.Value[int](ctx, f.db, `SELECT (SELECT count(*) FROM (SELECT 1 FROM flow_sum LIMIT 1) AS a) + (SELECT count(*) FROM (SELECT 1 FROM flow_tally LIMIT 1) AS b)`)
	if err != nil || n > 0 {
		return err
	}
	return f.Recount(ctx)
}

// Recount makes the sums anew from the cases, tasks and returns themselves.
func (f *Flow) Recount(ctx context.Context) error {
	ctx = bySystem(ctx)
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "flow_sum", ""); err != nil {
			return err
		}
		for _, q := range []string{`UPDATE flow_case SET took = (closed_at - begun_at) / 1000000 WHERE state = 'closed' AND took = 0 AND closed_at > begun_at`, `DELETE FROM flow_sum`, `DELETE FROM flow_tally`} {
			if err := store.Exec(ctx, tx, q); err != nil {
				return err
			}
		}
		sums, err := f.counts(ctx, tx, time.Time{}, time.Time{}, allDims, store.C("TRUE"))
		if err != nil {
			return err
		}
		return writeSums(ctx, tx, sums)
	})
}

var allDims = []string{dimCase, dimPlace, dimStep, dimPerson}

// counts reads figures from the records themselves, of what ended from a moment until another; zero is no bound.
func (f *Flow) counts(ctx context.Context, q store.Queryer, from, until time.Time, dims []string, reach store.Cond) (map[sumKey]*sum, error) {
	out := map[sumKey]*sum{}
	add := func(t tallied) {
		if out[t.at] == nil {
			out[t.at] = &sum{}
		}
		out[t.at].add(t.N, t.Late, t.Returned, t.Took)
	}
	type ended struct {
		at                            store.Time
		kind, unit, street, community string
		late                          bool
		returned, took                int64
		name, person                  string
	}
	span := func(column string) store.Cond {
		c := store.And(store.C(column+" > 0"), reach)
		if !from.IsZero() {
			c = store.And(c, store.C(column+" >= $1", store.At(from)))
		}
		if !until.IsZero() {
			c = store.And(c, store.C(column+" < $1", store.At(until)))
		}
		return c
	}
	if slices.Contains(dims, dimCase) || slices.Contains(dims, dimPlace) {
		where := span("c.closed_at")
		all, err := store.All(ctx, q, func(e *ended) []any {
			return []any{&e.at, &e.kind, &e.unit, &e.street, &e.community, &e.late, &e.returned, &e.took}
		},
			`SELECT c.closed_at, c.kind, c.unit_id, c.street, c.community, c.late, c.returned, c.took FROM flow_case c WHERE c.state = 'closed' AND `+where.SQL, where.Args...)
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			for _, at := range [][2]string{{dimCase, ""}, {dimPlace, e.community}} {
				if slices.Contains(dims, at[0]) {
					add(tallied{at: sumKey{monthOf(e.at.Time), e.kind, e.unit, e.street, at[0], at[1]}, sum: sum{N: 1, Late: one(e.late), Returned: one(e.returned > 0), Took: e.took}})
				}
			}
		}
	}
	if !slices.Contains(dims, dimStep) && !slices.Contains(dims, dimPerson) {
		return out, nil
	}
	where := span("k.done_at")
	all, err := store.All(ctx, q, func(e *ended) []any {
		return []any{&e.at, &e.kind, &e.unit, &e.street, &e.late, &e.took, &e.name, &e.person}
	},
		`SELECT k.done_at, c.kind, c.unit_id, c.street, k.due_at > 0 AND k.done_at > k.due_at, (k.done_at - k.begun_at) / 1000000, k.name, k.done_by FROM flow_task k JOIN flow_case c ON c.id = k.case_id
		WHERE k.box = 'do' AND k.state = 'done' AND k.outcome <> 'return' AND `+where.SQL, where.Args...)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		for _, at := range [][2]string{{dimStep, e.name}, {dimPerson, e.person}} {
			if slices.Contains(dims, at[0]) {
				add(tallied{at: sumKey{monthOf(e.at.Time), e.kind, e.unit, e.street, at[0], at[1]}, sum: sum{N: 1, Late: one(e.late), Took: max(0, e.took)}})
			}
		}
	}
	back := store.And(span("r.at"), store.In("r.dim", dims))
	returns, err := store.All(ctx, q, func(e *ended) []any { return []any{&e.at, &e.kind, &e.unit, &e.street, &e.name, &e.person} },
		`SELECT r.at, c.kind, c.unit_id, c.street, r.dim, r.key FROM flow_return r JOIN flow_case c ON c.id = r.case_id WHERE `+back.SQL, back.Args...)
	if err != nil {
		return nil, err
	}
	for _, e := range returns {
		add(tallied{at: sumKey{monthOf(e.at.Time), e.kind, e.unit, e.street, e.name, e.person}, sum: sum{Returned: 1}})
	}
	return out, nil
}
