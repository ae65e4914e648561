package quality

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/quality/internal/check"
	"qushu/internal/datahub/quality/internal/profile"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

const (
	mostRun  = 2 * time.Hour
	beat     = 20_000          // rows between two signs of life
	silence  = 3 * time.Minute // after which another worker takes over
	mostKeys = 2_000_000       // of a dataset that is referred to
	noted    = 40              // proposals for one dataset at most
)

var everything = store.Unscoped("the room itself judges data")

type job struct {
	Check string `json:"check"`
}

// served asks for a check of what begins to serve.
func (q *Quality) served(ctx context.Context, e struct {
	Dataset string `json:"dataset"`
}) error {
	err := q.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.datasets.Get(ctx, tx, e.Dataset, everything)
		if err != nil {
			return err
		}
		_, err = q.ask(ctx, tx, ds)
		return err
	})
	if errs.Is(err, errs.Missing) { // removed meanwhile
		return nil
	}
	return err
}

// ask begins a check of the version that serves; the one that waits or runs for an older one ends.
func (q *Quality) ask(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (Check, error) {
	if err := store.Lock(ctx, tx, "quality", ds.ID); err != nil {
		return Check{}, err
	}
	now := store.At(q.now())
	if err := store.Exec(ctx, tx, `UPDATE quality_check SET state = 'cancelled', ended_at = $1 WHERE dataset_id = $2 AND ended_at = 0`, now, ds.ID); err != nil {
		return Check{}, err
	}
	k := Check{ID: id.New(), dataset: ds.ID, version: ds.Current, Number: ds.Number, Rows: ds.Rows, At: now, State: "queued"}
	if err := insertCheck(ctx, tx, k); err != nil {
		return k, err
	}
	if err := q.stand(ctx, tx, ds); err != nil {
		return k, err
	}
	return k, q.jobs.Enqueue(ctx, tx, "quality.check", job{k.ID})
}

// stand makes the line of a dataset that has none.
func (q *Quality) stand(ctx context.Context, tx *store.Tx, ds dataset.Dataset) error {
	return store.Exec(ctx, tx, `INSERT INTO quality (dataset_id, title, unit_id, street, owner, rows_n) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset_id) DO NOTHING`,
		ds.ID, ds.Title, ds.Unit, ds.Street, ds.Owner, ds.Rows)
}

// removed forgets what is known of a dataset.
func (q *Quality) removed(ctx context.Context, e struct {
	Dataset string `json:"dataset"`
}) error {
	return q.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		for _, sql := range []string{`DELETE FROM quality WHERE dataset_id = $1`, `DELETE FROM quality_rule WHERE dataset_id = $1`, `DELETE FROM quality_check WHERE dataset_id = $1`} {
			if err := store.Exec(ctx, tx, sql, e.Dataset); err != nil {
				return err
			}
		}
		return nil
	})
}

// errGone ends a check that is no longer wanted.
var errGone = errors.New("quality: the check is no longer wanted")

// work makes one check, whole.
func (q *Quality) work(ctx context.Context, j job) error {
	ctx = room.BySystem(ctx)
	q.turn.Lock()
	defer q.turn.Unlock()
	k, err := findCheck(ctx, q.db, j.Check)
	if errs.Is(err, errs.Missing) || err == nil && !k.Ended.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	ds, err := q.datasets.Get(ctx, q.db, k.dataset, everything)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	rules, err := rulesOf(ctx, q.db, ds.ID)
	if err != nil {
		return err
	}
	first := len(rules) == 0
	p := profile.New(ds.Columns)
	found, err := q.judge(ctx, ds, k.version, force(rules), p, func(done int64) error {
		k.Done = done
		if err := beatCheck(ctx, q.db, k.ID, done); errs.Is(err, errs.Conflict) {
			return errGone
		} else if err != nil {
			return err
		}
		return ctx.Err()
	})
	switch {
	case errors.Is(err, errGone):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return q.failed(ctx, k, err)
	}
	k.State, k.Found, k.Profile, k.Done = "done", found, p.Done(), k.Rows
	total := check.Sum(found, q.weights(ctx))
	k.Parts, k.Score, k.Grade = total.Parts, total.Score, total.Grade
	if k.Grade == "" {
		k.Score = -1
	}
	k.Ended = store.At(q.now())
	return q.finish(ctx, ds, k, rules, first)
}

// finish keeps what a check found, proposes rules after the first, and tells the owner of what fails anew.
func (q *Quality) finish(ctx context.Context, ds dataset.Dataset, k Check, rules []Rule, first bool) error {
	var failing int64
	for _, f := range k.Found {
		if f.Passed < f.Checked {
			failing++
		}
	}
	before, err := store.One(ctx, q.db, scanLine, `SELECT `+lineColumns+` FROM quality s WHERE s.dataset_id = $1`, ds.ID)
	if err != nil && !errs.Is(err, errs.Missing) {
		return err
	}
	err = q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "quality", ds.ID); err != nil {
			return err
		}
		if err := endCheck(ctx, tx, k); err != nil {
			return err
		}
		if first {
			for _, r := range propose(ds, k.Profile, noted) {
				r.ID, r.dataset, r.At, r.Title = id.New(), ds.ID, k.Ended, q.titleOf(r.Body, ds)
				if err := insertRule(ctx, tx, r); err != nil {
					return err
				}
			}
		}
		if err := saveLine(ctx, tx, ds, k, int64(len(force(rules))), failing); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `DELETE FROM quality_check WHERE dataset_id = $1 AND id NOT IN (SELECT id FROM (SELECT id FROM quality_check WHERE dataset_id = $2 ORDER BY at DESC, id DESC LIMIT $3) AS newest)`,
			ds.ID, ds.ID, q.settings.Int(ctx, "quality.keep_checks")); err != nil {
			return err
		}
		if worse(before, k) {
			n := notify.Notice{To: []string{ds.Owner}, Kind: notify.Alarm, Key: "quality.told_worse", Args: []any{ds.Title, points(before.Score), points(k.Score)}, Link: "/quality/" + ds.ID, Object: "quality", ID: ds.ID}
			if err := q.notify.Send(ctx, tx, n); err != nil {
				return err
			}
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.check", Object: "dataset", ID: ds.ID, Title: ds.Title,
			Detail: map[string]any{"check": k.ID, "number": k.Number, "rows": k.Rows, "score": k.Score, "rules": len(k.Found), "failing": failing}})
	})
	if errs.Is(err, errs.Conflict) { // called off in the last moment
		return nil
	}
	return err
}

// worse reports whether a score fell by a point or more.
func worse(before Line, k Check) bool {
	return before.Score >= 0 && k.Score >= 0 && before.Score-k.Score >= 100
}

func points(hundredths int64) string { return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100) }

// failed ends a check with the reason; what is ours is parked for an administrator.
func (q *Quality) failed(ctx context.Context, k Check, cause error) error {
	k.State, k.Ended, k.Why = "failed", store.At(q.now()), "quality.broken"
	if e, ok := errors.AsType[*errs.Error](cause); ok && e.Kind != errs.Internal {
		k.Why = e.Key
	}
	k.Parts, k.Found, k.Profile, k.Score = []check.Part{}, []check.Found{}, []profile.Column{}, -1
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := endCheck(ctx, tx, k); err != nil {
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.check", Object: "dataset", ID: k.dataset, Result: audit.Failed, Detail: map[string]any{"check": k.ID, "reason": k.Why}})
	})
	if err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	if k.Why == "quality.broken" {
		return jobs.Final(cause)
	}
	return nil
}

// force are the rules that are in force.
func force(rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.State != "active" })
}

// judged is one rule on its way through the rows.
type judged struct {
	rule  Rule
	judge *check.Judge
	at    []int // places of what it needs in a row
	row   []any
	found check.Found
}

// judge passes every row of a version by the rules, and by the profile when there is one. sign is called now and then with
// the rows so far; its error ends the run.
func (q *Quality) judge(ctx context.Context, ds dataset.Dataset, version string, rules []Rule, p *profile.Profile, sign func(int64) error) ([]check.Found, error) {
	all, err := q.ready(ctx, ds, rules)
	if err != nil {
		return nil, err
	}
	query := warehouse.Query{From: version}
	for _, c := range ds.Columns {
		query.Select = append(query.Select, warehouse.Item{Col: c.Name})
	}
	rowwise := slices.DeleteFunc(slices.Clone(all), func(j *judged) bool { return j.judge.Row == nil })
	var n int64
	if p != nil || len(rowwise) > 0 {
		res, err := q.wh.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for row, err := range res.Rows {
			if err != nil {
				return nil, err
			}
			if n++; n%beat == 0 {
				if err := sign(n); err != nil {
					return nil, err
				}
			}
			if p != nil {
				p.Add(row)
			}
			for _, j := range rowwise {
				j.take(row)
			}
		}
	}
	out := []check.Found{}
	for _, j := range all {
		if j.judge.Row == nil {
			if err := q.whole(ctx, ds, version, j); err != nil {
				return nil, err
			}
		}
		out = append(out, j.found)
	}
	return out, sign(n)
}

func (j *judged) take(row []any) bool {
	for i, at := range j.at {
		j.row[i] = row[at]
	}
	counts, good := j.judge.Row(j.row)
	if !counts {
		return true
	}
	j.found.Checked++
	if good {
		j.found.Passed++
	}
	return good
}

// ready compiles rules. One that fits its dataset no more measures nothing, rather than stopping the others.
func (q *Quality) ready(ctx context.Context, ds dataset.Dataset, rules []Rule) ([]*judged, error) {
	var out []*judged
	for _, r := range rules {
		var has func(string) bool
		if r.Body.Kind == check.Reference {
			keys, err := q.keysOf(ctx, r.Body.Other)
			if errs.Is(err, errs.Missing) || errs.Is(err, errs.Invalid) {
				continue
			}
			if err != nil {
				return nil, err
			}
			has = func(s string) bool { return keys[s] }
		}
		j, err := check.Compile(r.Body, ds, q.dicts, q.now(), has)
		if errs.Is(err, errs.Invalid) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one := &judged{rule: r, judge: j, row: make([]any, len(j.Needs)), found: check.Found{Rule: r.ID, Weight: float64(r.Weight), Measure: r.Body.Measures()}}
		for _, name := range j.Needs {
			one.at = append(one.at, slices.IndexFunc(ds.Columns, func(c dataset.Column) bool { return c.Name == name }))
		}
		out = append(out, one)
	}
	return out, nil
}

// keysOf reads the keys of a dataset that is referred to.
func (q *Quality) keysOf(ctx context.Context, name string) (map[string]bool, error) {
	ds, err := q.datasets.Named(ctx, q.db, name, everything)
	if err != nil {
		return nil, err
	}
	keys := ds.Keys()
	if len(keys) != 1 || ds.Rows > mostKeys {
		return nil, errs.New(errs.Invalid, "quality.bad_reference", ds.Title, mostKeys)
	}
	res, err := q.wh.Query(ctx, warehouse.Query{From: ds.Current, Select: []warehouse.Item{{Col: keys[0].Name}}})
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, ds.Rows)
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		out[warehouse.Format(row[0])] = true
	}
	return out, nil
}

// whole judges a rule over the whole table.
func (q *Quality) whole(ctx context.Context, ds dataset.Dataset, version string, j *judged) error {
	f, r := &j.found, j.rule.Body
	switch r.Kind {
	case check.Unique:
		res, err := q.wh.Query(ctx, warehouse.Query{From: version, Select: []warehouse.Item{{Agg: warehouse.Count, Col: r.Column, As: "n"}, {Agg: warehouse.CountDistinct, Col: r.Column, As: "d"}}})
		if err != nil {
			return err
		}
		rows, err := res.All()
		if err != nil {
			return err
		}
		f.Checked, f.Passed = rows[0][0].(int64), rows[0][1].(int64)
	case check.RowCount:
		low, high, err := check.Bounds(r, warehouse.Type{Kind: warehouse.KindInteger})
		if err != nil {
			return err
		}
		n, err := warehouse.CountRows(ctx, q.wh, warehouse.Query{From: version})
		if err != nil {
			return err
		}
		f.Checked = 1
		if (low == nil || n >= low.(int64)) && (high == nil || n <= high.(int64)) {
			f.Passed = 1
		}
	case check.Freshness:
		f.Checked = 1
		if q.now().Sub(ds.Updated.Time) <= time.Duration(r.Days)*24*time.Hour {
			f.Passed = 1
		}
	}
	return nil
}

func (q *Quality) weights(ctx context.Context) check.Weights {
	w := check.Weights{}
	for _, d := range check.Dimensions {
		w[d] = float64(q.settings.Int(ctx, "quality.weight_"+d))
	}
	return w
}

// Gate judges what is about to be published by the rules that block. Invalid, with a reason for each rule that fails, and
// then it must not be published. ds is the dataset as it will be; one that is new has no rules.
func (q *Quality) Gate(ctx context.Context, ds dataset.Dataset, version string) error {
	if ds.ID == "" {
		return nil
	}
	rules, err := rulesOf(ctx, q.db, ds.ID)
	if err != nil {
		return err
	}
	rules = slices.DeleteFunc(force(rules), func(r Rule) bool { return !r.Blocking || r.Body.Kind == check.Freshness })
	if len(rules) == 0 {
		return nil
	}
	found, err := q.judge(ctx, ds, version, rules, nil, func(int64) error { return ctx.Err() })
	if err != nil {
		return err
	}
	var why []string
	var bad []errs.Field
	for _, f := range found {
		if f.Passed < f.Checked {
			i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == f.Rule })
			why = append(why, fmt.Sprintf("%s（%d）", rules[i].Title, f.Checked-f.Passed))
			bad = append(bad, errs.Field{Name: rules[i].Body.Column, Key: "quality.blocked_by", Args: []any{rules[i].Title, f.Checked - f.Passed, f.Checked}})
		}
	}
	if bad == nil {
		return nil
	}
	return errs.New(errs.Invalid, "quality.blocked", ds.Title, strings.Join(why, "、")).With(bad...)
}

// watch gives checks whose worker died to another one. It goes by the machine's clock, as workers do.
func (q *Quality) watch(ctx context.Context) error {
	silent, err := store.Column[string](ctx, q.db, `SELECT id FROM quality_check WHERE ended_at = 0 AND state = 'running' AND beat_at < $1`, store.At(time.Now().Add(-silence)))
	if err != nil {
		return err
	}
	return jobs.Again(ctx, q.db, silent, func(ctx context.Context, tx *store.Tx, one string) error {
		if err := store.ExecOne(ctx, tx, `UPDATE quality_check SET beat_at = $1 WHERE id = $2 AND ended_at = 0`, store.At(time.Now()), one); err != nil {
			return err
		}
		return q.jobs.Enqueue(ctx, tx, "quality.check", job{one})
	})
}

// fresh checks again what has a rule on freshness: it grows old without a new version.
func (q *Quality) fresh(ctx context.Context) error {
	ids, err := store.Column[string](ctx, q.db, `SELECT DISTINCT dataset_id FROM quality_rule WHERE state = 'active' AND body ->> 'kind' = 'freshness'`)
	for _, one := range ids {
		if err := q.served(ctx, struct {
			Dataset string `json:"dataset"`
		}{one}); err != nil {
			slog.WarnContext(ctx, "quality: not checked again", "dataset", one, "error", err)
		}
	}
	return err
}

// actor is who decides, by name.
func actor(ctx context.Context) string { return authz.From(ctx).Name }
