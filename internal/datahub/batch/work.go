package batch

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/batch/internal/parcel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

const (
	maxRun  = 2 * time.Hour
	silence = time.Minute     // without one the worker is taken for dead
	wait    = 3 * time.Second // for a turn when enough runs are under way
)

// job is one run of a list. A run that is no longer the list's has nothing to do.
type job struct {
	ID  string `json:"id"`
	Run int64  `json:"run"`
}

// worker is a run under way.
type worker struct {
	*Batch
	run   Run
	ds    dataset.Dataset
	right dataset.Right
	list  *list
	stage atomic.Value // string
	rows  atomic.Int64
}

var errGone = errors.New("batch: the run was cancelled or given to another worker")

// work runs a list to its end: done, failed, or left for another try when the program stops.
func (b *Batch) work(ctx context.Context, j job) error {
	r, err := findRun(ctx, b.db, j.ID, store.C("run = $1 AND state IN ('queued', 'running')", j.Run))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = room.Acting(ctx, r.actor())
	turn, err := b.turn(ctx, &r, j)
	if err != nil || !turn {
		return err
	}
	w := &worker{Batch: b, run: r}
	w.stage.Store("read")
	err = w.watched(ctx)
	switch {
	case err == nil || errors.Is(err, errGone):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return w.fail(context.WithoutCancel(ctx), errs.New(errs.Busy, "batch.too_long", int(maxRun.Hours())))
	case ctx.Err() != nil: // the program stops; another try begins anew
		return ctx.Err()
	}
	return w.fail(ctx, err)
}

// turn takes one of the places there are for runs, or comes back later.
func (b *Batch) turn(ctx context.Context, r *Run, j job) (ours bool, err error) {
	most := b.settings.Int(ctx, "batch.at_once")
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "batch", "places"); err != nil {
			return err
		}
		n, err := working(ctx, tx, r.ID, time.Now().Add(-silence))
		if err != nil {
			return err
		}
		state := Running
		if ours = n < most; !ours {
			state = Queued
			if err := b.jobs.Enqueue(ctx, tx, "batch.run", j, time.Now().Add(wait)); err != nil {
				return err
			}
		}
		return saveBeat(ctx, tx, r, state, "", 0, time.Now())
	})
	if errs.Is(err, errs.Conflict) { // cancelled meanwhile
		return false, nil
	}
	return ours, err
}

// watched does the run and stops it when it is no longer the worker's.
func (w *worker) watched(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stop := w.beating(ctx, cancel)
	defer stop()
	err := w.all(ctx)
	if cause := context.Cause(ctx); cause != nil && parent.Err() == nil {
		return cause
	}
	return err
}

// all reads the list, holds it against the dataset and writes the result.
func (w *worker) all(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	index := w.index()
	key := parcel.NewKey()
	out, err := w.answer(ctx, key)
	subjects := <-index
	if err != nil {
		return err
	}
	return w.publish(ctx, out, key, subjects)
}

// prepare finds what the run stands on as it is now: the dataset, the grant, the list.
func (w *worker) prepare(ctx context.Context) error {
	r := &w.run
	var err error
	if w.ds, err = w.datasets.Get(ctx, w.db, r.Dataset, dataset.Reach(ctx, "batch.run")); err != nil {
		return err
	}
	if w.right, err = w.stands(ctx, r, w.ds); err != nil {
		return err
	}
	tab, done, err := w.open(ctx, r, false)
	if err != nil {
		return err
	}
	defer done()
	if w.list, err = w.read(ctx, tab, w.ds, &r.Plan, &w.rows); err != nil {
		return err
	}
	r.Counts = w.list.counts()
	if r.Counts.Valid == 0 {
		return errs.New(errs.Invalid, "batch.nothing_valid")
	}
	return nil
}

// stands returns the right a run was started under, if it still stands.
func (b *Batch) stands(ctx context.Context, r *Run, ds dataset.Dataset) (dataset.Right, error) {
	if r.Grant == "" {
		return dataset.Right{Owned: true, Bare: r.Bare}, nil
	}
	all, err := b.datasets.Grants(ctx, b.db, ds.ID)
	if err != nil {
		return dataset.Right{}, err
	}
	for _, g := range all {
		if g.ID == r.Grant && g.Active(b.now()) && g.May(dataset.Batch) {
			return dataset.Right{Grants: []dataset.Grant{g}}, nil
		}
	}
	return dataset.Right{}, errs.New(errs.Denied, "batch.grant_ended", ds.Title)
}

// index makes the blind indexes of every key that is asked for, beside the match.
func (w *worker) index() <-chan []uint64 {
	of := w.ledger.Indexer(w.ds.Name, w.run.Plan.Key)
	out := make(chan []uint64, 1)
	go func() {
		all := make([]uint64, len(w.list.texts))
		for i, t := range w.list.texts {
			all[i] = of(t)
		}
		slices.Sort(all)
		out <- all
	}()
	return out
}

// answer matches the list and keeps the result sealed under key; "" when only groups were asked for.
func (w *worker) answer(ctx context.Context, key []byte) (fileID string, err error) {
	p := w.run.Plan
	w.stage.Store("match")
	w.rows.Store(0)
	rows, err := w.datasets.Match(ctx, w.ds, w.right, dataset.Matching{Key: p.Key, Values: w.list.values, Columns: p.asked(), Clear: p.clear()})
	if err != nil {
		return "", err
	}
	if p.Mode == Count {
		return "", w.count(ctx, rows)
	}
	pr, pw := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		pw.CloseWithError(w.write(pw, key, rows))
	}()
	f, err := w.files.Keep(ctx, "batch", "result/"+w.run.ID, w.run.ID+".box", pr)
	pr.CloseWithError(err)
	<-written
	return f.ID, err
}

// write seals the rows of the result on their way to to.
func (w *worker) write(to io.Writer, key []byte, rows func(func(dataset.Found, error) bool)) error {
	box, err := parcel.NewBox(to, key)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(box, 256<<10)
	s := newSheet(w, buf)
	w.run.Header = s.header()
	for f, err := range rows {
		if err != nil {
			return err
		}
		w.stage.Store("write")
		if err := s.until(f.Place); err != nil {
			return err
		}
		if err := s.hit(f); err != nil {
			return err
		}
	}
	if err := s.until(len(w.list.texts)); err != nil {
		return err
	}
	w.run.Hits, w.run.Missed, w.run.Changed = s.hits, s.missed, s.changed
	if err := buf.Flush(); err != nil {
		return err
	}
	return box.Close()
}

// count sums the hits up by the group's column.
func (w *worker) count(ctx context.Context, rows func(func(dataset.Found, error) bool)) error {
	by := map[string]int64{}
	for f, err := range rows {
		if err != nil {
			return err
		}
		w.rows.Add(1)
		w.run.Hits++
		by[f.Texts[0]]++
	}
	w.run.Missed = w.run.Counts.Valid - w.run.Hits
	w.run.Groups = suppress(by, int64(w.settings.Int(ctx, "batch.small_cell")))
	if len(w.run.Groups) > maxGroups {
		return errs.New(errs.Invalid, "batch.many_groups", maxGroups)
	}
	return nil
}

// apart refuses a count whose list differs from that of an earlier count of the same body in fewer people than a small group: the
// difference of both answers would tell the group of each of them.
// Counts of one body take turns here: two at once would not see each other.
func (w *worker) apart(ctx context.Context, tx *store.Tx, e Entry) error {
	r := &w.run
	if r.Plan.Mode != Count {
		return nil
	}
	if err := store.Lock(ctx, tx, "batch_counts", r.Unit+" "+r.Dataset); err != nil {
		return err
	}
	before, err := counted(ctx, tx, r, store.At(w.now().AddDate(0, 0, -remembers)))
	if err != nil || len(before) == 0 {
		return err
	}
	least := w.settings.Int(ctx, "batch.small_cell")
	near, err := w.notices.Differs(ctx, e, before, least)
	if err == nil && near {
		r.Groups, r.Hits, r.Missed = nil, 0, 0
		err = errs.New(errs.Denied, "batch.counts_near", least)
	}
	return err
}

// remembers is for how many days a count is held against those before it.
const remembers = 90

// maxGroups bounds what a count may answer with: more groups than that is a list of people in disguise.
const maxGroups = 1000

// publish lets the result be fetched, in the transaction that spends the quota and enters the run into the ledger.
func (w *worker) publish(ctx context.Context, fileID string, key []byte, subjects []uint64) error {
	r, now := &w.run, store.At(w.now())
	r.State, r.Store, r.Number, r.Fresh, r.Ended, r.Result = Done, w.ds.Current, w.ds.Number, w.ds.Updated, now, fileID
	r.Done = r.Counts.Rows
	r.Expires = store.At(now.Add(time.Duration(w.settings.Int(ctx, "batch.keep_hours")) * time.Hour))
	if fileID != "" {
		r.sealed = w.ring.Seal(placeOf(r.ID), key)
	}
	grant := dataset.Grant{}
	if len(w.right.Grants) > 0 {
		grant = w.right.Grants[0]
	}
	entry := w.entry(now, subjects)
	var err error
	if entry.Marks, err = w.notices.Related(ctx, entry); err != nil {
		return err
	}
	err = w.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "batch_run", r.ID); err != nil {
			return err
		}
		if err := w.apart(ctx, tx, entry); err != nil {
			return err
		}
		if err := w.datasets.Spend(ctx, tx, grant, r.Hits); err != nil {
			return err
		}
		var err error
		if r.Root, err = w.ledger.Enter(ctx, tx, entry); err != nil {
			return err
		}
		if err := saveEnd(ctx, tx, r); err != nil {
			if errs.Is(err, errs.Conflict) {
				return errGone
			}
			return err
		}
		if err := w.tell(ctx, tx, notify.Info, "batch.told_done", r.Title, r.Counts.Valid, r.Hits); err != nil {
			return err
		}
		return w.audit.Record(ctx, tx, w.record())
	})
	if err != nil && fileID != "" {
		w.dropFile(context.WithoutCancel(ctx), fileID)
	}
	return err
}

func (w *worker) entry(at store.Time, subjects []uint64) Entry {
	r := &w.run
	return Entry{ID: r.ID, Dataset: r.Dataset, DatasetName: w.ds.Name, Title: r.Title, Store: r.Store, OwnerUnit: w.ds.Unit, OwnerStreet: w.ds.Street, Column: r.Plan.Key, Purpose: r.Purpose, Basis: r.Basis,
		Person: r.Owner, PersonName: r.OwnerName, Unit: r.PostUnit, Home: r.Unit, At: at, Hits: r.Hits, Clear: len(r.Plan.clear()), Matter: r.Matter, Subjects: subjects}
}

func (w *worker) record() audit.Entry {
	r := &w.run
	return audit.Entry{Action: "batch.run", Object: "dataset", ID: r.Dataset, Title: r.Title, Personal: true, Subjects: int(r.Hits), Purpose: r.Purpose,
		Detail: map[string]any{"run": r.ID, "version": r.Store, "mode": r.Plan.Mode, "columns": r.Plan.asked(), "clear": r.Plan.clear(), "basis": r.Basis, "grant": r.Grant,
			"asked": r.Counts.Valid, "invalid": r.Counts.Invalid, "repeated": r.Counts.Repeated, "hits": r.Hits, "root": r.Root, "matter": r.Matter, "unit": r.OwnerUnit}}
}

// dropFile removes a result nobody can fetch; failing, its key is known to nobody.
func (b *Batch) dropFile(ctx context.Context, id string) {
	if err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return b.files.Remove(ctx, tx, id, "batch") }); err != nil {
		slog.WarnContext(ctx, "batch: a sealed result nobody can open stays", "file", id, "error", err)
	}
}

// tell lets the person who started the run know how it ended.
func (w *worker) tell(ctx context.Context, tx *store.Tx, kind notify.Kind, key string, args ...any) error {
	return w.notify.Send(ctx, tx, notify.Notice{To: []string{w.run.Owner}, Kind: kind, Key: key, Args: args, Link: "/batch/" + w.run.ID, Object: "batch_run", ID: w.run.ID})
}

// fail ends the run with the reason. What is ours is parked for an administrator.
func (w *worker) fail(ctx context.Context, cause error) error {
	r := &w.run
	r.Fault = Reason{Key: "batch.broken"}
	e, ours := errors.AsType[*errs.Error](cause)
	if ours && e.Kind != errs.Internal {
		r.Fault = Reason{Key: e.Key, Args: texts(e.Args)}
	}
	r.State, r.Ended, r.Result, r.sealed, r.Root, r.Groups, r.Header, r.Expires = Failed, store.At(w.now()), "", "", "", nil, nil, store.Time{}
	r.Hits, r.Missed, r.Changed = 0, 0, 0
	err := w.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveEnd(ctx, tx, r); err != nil {
			return err
		}
		if err := w.tell(ctx, tx, notify.Alarm, "batch.told_failed", r.Title); err != nil {
			return err
		}
		return w.audit.Record(ctx, tx, audit.Entry{Action: "batch.run", Object: "batch_run", ID: r.ID, Title: r.Title, Purpose: r.Purpose, Result: audit.Failed, Detail: map[string]any{"reason": r.Fault.Key}})
	})
	switch {
	case errs.Is(err, errs.Conflict): // cancelled meanwhile
		return nil
	case err != nil:
		return err
	case r.Fault.Key == "batch.broken":
		return jobs.Final(cause)
	}
	return nil
}

// beating writes down how far the run is and stops it when it is no longer its, until stop is called.
func (w *worker) beating(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	r := w.run // the worker goes on changing its own
	return jobs.Beat(ctx, cancel, errGone, "run "+r.ID, func(ctx context.Context, now time.Time) error {
		return saveBeat(ctx, w.db, &r, Running, w.stage.Load().(string), w.rows.Load(), now)
	})
}

// watch gives runs whose worker died to a new one. It goes by the machine's clock, as the workers do.
func (b *Batch) watch(ctx context.Context) error {
	dead, err := silent(ctx, b.db, time.Now().Add(-silence))
	if err != nil {
		return err
	}
	return jobs.Again(ctx, b.db, dead, func(ctx context.Context, tx *store.Tx, r Run) error {
		if err := again(ctx, tx, r, time.Now()); err != nil {
			return err
		}
		return b.jobs.Enqueue(ctx, tx, "batch.run", job{r.ID, r.Run + 1})
	})
}

// expire removes lists and results that have been kept long enough, and the keys that open them: GB/T 22239-2019
// §8.1.4.10, nothing personal is kept beyond need.
func (b *Batch) expire(ctx context.Context) error {
	now := store.At(b.now())
	if err := dropPasswords(ctx, b.db, store.At(now.Add(-fetchFor))); err != nil {
		return err
	}
	before := store.At(now.Add(-time.Duration(b.settings.Int(ctx, "batch.keep_hours")) * time.Hour))
	for {
		runs, err := over(ctx, b.db, now, before)
		if err != nil {
			return err
		}
		for _, r := range runs {
			err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := b.removeFiles(ctx, tx, r.ID, "result/"+r.ID); err != nil {
					return err
				}
				return forget(ctx, tx, r.ID)
			})
			if err != nil {
				return err
			}
		}
		if len(runs) < 200 {
			break
		}
	}
	return b.expireAsks(ctx, before)
}
