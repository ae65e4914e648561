package library

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

const (
	maxRun   = 6 * time.Hour // of one load
	silence  = time.Minute   // without one the worker is taken for dead
	lateRows = 20_000        // rows with a repeated key that are listed
)

// job is one run of a load. A run that is no longer the load's has nothing to do.
type job struct {
	Load string `json:"load"`
	Run  int64  `json:"run"`
}

// run is a load under way.
type run struct {
	*Library
	load    Load
	in      intake.Input
	seen    atomic.Pointer[intake.Input] // in, for who counts
	feed    *fetched                     // nil for an upload
	conv    *intake.Converter
	spool   *intake.Spool
	begun   atomic.Bool
	rows    atomic.Int64
	refused atomic.Int64
}

var (
	errGone = errors.New("library: the load was cancelled or given to another worker")
	errBad  = errors.New("library: a row that cannot be loaded")
)

// work runs a load to its end: done, failed, or left for another try when the program stops.
func (l *Library) work(ctx context.Context, j job) error {
	ld, err := findLoad(ctx, l.db, j.Load, store.C("run = $1 AND state IN ('queued', 'running')", j.Run))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = room.Acting(ctx, ld.actor())
	r := &run{Library: l, load: ld}
	r.spool = intake.NewSpool("", func(f errs.Field) string { return l.words.Text(ld.Lang, f.Key, f.Args...) })
	defer r.spool.Close()
	err = r.do(ctx)
	switch {
	case err == nil:
		r.taken(ctx, "")
		return nil
	case errors.Is(err, errGone):
		return nil
	case errors.Is(err, errSame) || errors.Is(err, errDecide):
		return r.rest(ctx, err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return r.fail(context.WithoutCancel(ctx), errs.New(errs.Busy, "library.too_long", int(maxRun.Hours())))
	case ctx.Err() != nil: // the program stops; another try begins anew
		return ctx.Err()
	}
	return r.fail(ctx, err)
}

func (r *run) do(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stop := r.beating(ctx, cancel)
	defer stop()
	err := r.all(ctx)
	if cause := context.Cause(ctx); cause != nil && parent.Err() == nil {
		return cause
	}
	return err
}

// all loads the rows and publishes what they became.
func (r *run) all(ctx context.Context) error {
	var err error
	if r.load.Feed == "" {
		r.in, err = r.file(ctx)
	} else {
		r.in, err = r.fetch(ctx)
	}
	if err != nil {
		return err
	}
	defer r.in.Close()
	intake.Settle(r.load.Plan.Columns, func(cols []dataset.Column) []dataset.Column { return r.datasets.Settled(ctx, cols) })
	r.in.Rewind()
	r.seen.Store(&r.in)
	r.rows.Store(0)
	load := r.into
	if r.feed != nil && r.feed.partly {
		load = r.merge
	}
	loaded, err := load(ctx)
	if err != nil {
		return err
	}
	if loaded.Rows == 0 {
		return errors.Join(errs.New(errs.Invalid, "library.nothing_left", r.spool.Count), r.wh.Drop(ctx, loaded.ID))
	}
	if err := r.keepList(ctx); err != nil {
		return err
	}
	if err := r.datasets.Check(ctx, r.db, r.load.Plan.Dataset, intake.Kept(r.load.Plan.Columns), loaded.ID); err != nil {
		return errors.Join(err, r.wh.Drop(context.WithoutCancel(ctx), loaded.ID))
	}
	return r.publish(ctx, loaded)
}

// file opens an uploaded file, its sheet and its header as they were when the plan was made.
func (r *run) file(ctx context.Context) (intake.Input, error) {
	_, tab, done, err := r.open(ctx, &r.load, false)
	if err != nil {
		return nil, err
	}
	head, err := r.ready(tab)
	if err != nil {
		done()
		return nil, err
	}
	return &intake.Sheet{Reader: tab.Reader, Src: tab.src, Head: head}, nil
}

func (r *run) ready(tab *opened) (table.Head, error) {
	p := r.load.Plan
	if p.Sheet != "" {
		if err := tab.Use(p.Sheet); err != nil {
			return table.Head{}, err
		}
	}
	head, err := intake.Head(tab.Reader, p.First, p.Last)
	if err == nil {
		err = head.Err()
	}
	if err == nil && len(head.Names) != len(p.Columns) {
		err = errs.New(errs.Conflict, "library.other_columns")
	}
	r.conv = intake.NewConverter(p.Columns, r.now())
	return head, err
}

// into loads the rows into a new version of the warehouse.
func (r *run) into(ctx context.Context) (warehouse.Loaded, error) {
	p := r.load.Plan
	spec := warehouse.Spec{Table: "library." + p.Name, Columns: dataset.Physical(intake.Kept(p.Columns)), OnDuplicate: warehouse.KeepFirst, ListAtMost: lateRows}
	switch {
	case p.Repeats:
		spec.OnDuplicate = warehouse.KeepAll
	case p.OnBad == failAll:
		spec.OnDuplicate = warehouse.Reject
	}
	loaded, err := r.wh.Load(ctx, spec, r.good(ctx))
	switch {
	case errors.Is(err, errBad):
		if err := r.listBad(ctx); err != nil {
			return loaded, err
		}
		return loaded, errs.New(errs.Invalid, "library.bad_rows", r.spool.Count)
	case errs.KeyOf(err) == "warehouse.duplicate_keys":
		return loaded, r.repeated(err)
	case err != nil:
		return loaded, err
	}
	why := make(map[int]errs.Field, len(loaded.Listed))
	for _, d := range loaded.Listed {
		why[int(d.Line)] = errs.Field{Row: int(d.Line), Key: "warehouse.duplicate_of", Args: []any{d.First}}
	}
	r.refused.Add(loaded.Duplicates)
	return loaded, r.spool.Late(loaded.Duplicates, why, r.in.Rows())
}

// repeated lists the rows a load was refused for, whose key came before.
func (r *run) repeated(err error) error {
	e, _ := errors.AsType[*errs.Error](err)
	why := make(map[int]errs.Field, len(e.Fields))
	for _, f := range e.Fields {
		why[f.Row] = f
	}
	count, ok := e.Args[0].(int64)
	if !ok {
		count = int64(len(e.Fields))
	}
	r.refused.Store(count)
	if err := r.spool.Late(count, why, r.in.Rows()); err != nil {
		return err
	}
	return errs.New(errs.Invalid, "library.bad_rows", count)
}

// good gives the warehouse the good rows and keeps the bad ones.
func (r *run) good(ctx context.Context) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		n := 0
		for row, err := range r.in.Rows() {
			r.begun.Store(true)
			if n++; err == nil && n%1024 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				yield(warehouse.Row{}, err)
				return
			}
			values, why := r.conv.Row(row)
			switch {
			case why == nil:
				r.rows.Add(1)
				if r.feed != nil {
					r.feed.add(values)
				}
				if !yield(warehouse.Row{Line: int64(row.Number), Values: values}, nil) {
					return
				}
				continue
			case r.load.Plan.OnBad == failAll:
				yield(warehouse.Row{}, errBad)
				return
			}
			if err := r.refuse(row, why); err != nil {
				yield(warehouse.Row{}, err)
				return
			}
		}
		if r.feed != nil && r.feed.same(r.refused.Load()) {
			yield(warehouse.Row{}, errSame)
		}
	}
}

// names are those of the columns that came.
func (r *run) names() []string {
	if r.in == nil {
		return nil
	}
	return r.in.Names()
}

func (r *run) refuse(row table.Row, why []errs.Field) error {
	r.refused.Add(1)
	return r.spool.Add(row.Number, row.Cells, why)
}

// listBad goes through the whole file for every row that cannot be loaded, so that all can be mended at once.
func (r *run) listBad(ctx context.Context) error {
	n := 0
	for row, err := range r.in.Rows() {
		if n++; err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if _, why := r.conv.Row(row); why != nil {
			if err := r.refuse(row, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepList makes a file of the refused rows, for the person to mend them.
func (r *run) keepList(ctx context.Context) error {
	if r.spool.Count == 0 {
		return nil
	}
	text := func(key string) string { return r.words.Text(r.load.Lang, key) }
	pr, pw := io.Pipe()
	go func() {
		pw.CloseWithError(r.spool.WriteCSV(pw, text("library.csv_row"), text("library.csv_why"), r.names()))
	}()
	f, err := r.files.Keep(ctx, "library", r.load.ID, r.load.Plan.Title+"-"+text("library.csv_name")+".csv", pr)
	pr.CloseWithError(err)
	r.load.Reject = f.ID
	return err
}

// publish makes what was loaded serve. The load's own row is taken first: when it was cancelled, nothing happens.
func (r *run) publish(ctx context.Context, loaded warehouse.Loaded) error {
	ld, p := &r.load, r.load.Plan
	rolledBack := false
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		to := dataset.Publication{ID: p.Dataset, Expect: ld.Expect, Name: p.Name, Title: p.Title, Summary: p.Summary, Room: "library",
			Unit: ld.Unit, Street: ld.Street, Owner: ld.Owner, Columns: intake.Kept(p.Columns), Loaded: loaded.Version, Source: ld.FileName, Person: ld.Owner}
		err := r.goOn(ctx, tx, &to)
		if err == nil {
			err = r.serve(ctx, tx, loaded, to)
		}
		rolledBack = err != nil
		return err
	})
	if rolledBack { // otherwise the commit may have happened, and the sweep judges by the rows
		if e := r.wh.Drop(context.WithoutCancel(ctx), loaded.ID); e != nil {
			slog.WarnContext(ctx, "library: a version nobody names stays until the sweep", "version", loaded.ID, "error", e)
		}
	}
	return err
}

func (r *run) serve(ctx context.Context, tx *store.Tx, loaded warehouse.Loaded, p dataset.Publication) error {
	ld := &r.load
	if err := store.Lock(ctx, tx, "library_load", ld.ID); err != nil {
		return err
	}
	ds, err := r.datasets.Publish(ctx, tx, p)
	if err != nil {
		return err
	}
	r.figures(ld)
	r.outcome(ld)
	ld.State, ld.Rows, ld.Dataset, ld.Number, ld.Ended = Done, loaded.Rows, ds.ID, ds.Number, store.At(r.now())
	if err := saveEnd(ctx, tx, ld); err != nil {
		if errs.Is(err, errs.Conflict) {
			return errGone
		}
		return err
	}
	e := audit.Entry{Action: "library.load", Object: "dataset", ID: ds.ID, Title: ds.Title, Personal: ld.Plan.personal(),
		Detail: map[string]any{"load": ld.ID, "version": ds.Current, "number": ds.Number, "rows": loaded.Rows, "rejected": ld.Rejected, "hash": loaded.Hash}}
	if e.Personal {
		e.Subjects = int(loaded.Rows)
	}
	if err := r.served(ctx, tx, ds, loaded); err != nil {
		return err
	}
	if ld.Feed == "" || ld.Outcome.ByHand {
		if err := r.tell(ctx, tx, notify.Info, "library.told_done", ld.Plan.Title, loaded.Rows, ld.Rejected); err != nil {
			return err
		}
	}
	return r.audit.Record(ctx, tx, e)
}

// tell lets the person who started the load know how it ended.
func (r *run) tell(ctx context.Context, tx *store.Tx, kind notify.Kind, key string, args ...any) error {
	return r.notify.Send(ctx, tx, notify.Notice{To: []string{r.load.Owner}, Kind: kind, Key: key, Args: args, Link: r.load.link(), Object: "library_load", ID: r.load.ID})
}

// figures writes into ld how far the run is.
func (r *run) figures(ld *Load) {
	ld.Rows, ld.Rejected = r.rows.Load(), r.refused.Load()
	if in := r.seen.Load(); in != nil {
		ld.Bytes, ld.BytesAll = (*in).Read()
	}
}

// fail ends the load with the reason, and with the list of what was refused if there is one. What is ours is parked for
// an administrator.
func (r *run) fail(ctx context.Context, cause error) error {
	ld := &r.load
	ld.Fault = Reason{Key: "library.broken"}
	e, ours := errors.AsType[*errs.Error](cause)
	if ours && e.Kind != errs.Internal {
		ld.Fault = Reason{Key: e.Key, Args: texts(e.Args)}
		if len(e.Fields) > 0 {
			ld.Fault.Row, ld.Fault.Name = e.Fields[0].Row, e.Fields[0].Name
		}
	}
	if ld.Reject == "" {
		if err := r.keepList(ctx); err != nil {
			slog.WarnContext(ctx, "library: refused rows not listed", "load", ld.ID, "error", err)
		}
	}
	r.figures(ld)
	r.outcome(ld)
	ld.Rows = 0
	ld.State, ld.Ended, ld.Dataset, ld.Number = Failed, store.At(r.now()), "", 0
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveEnd(ctx, tx, ld); err != nil {
			return err
		}
		alarm, err := r.failed(ctx, tx, errs.Is(cause, errs.Busy))
		if err != nil {
			return err
		}
		if alarm {
			if err := r.tell(ctx, tx, notify.Alarm, "library.told_failed", ld.Plan.Title); err != nil {
				return err
			}
		}
		return r.audit.Record(ctx, tx, audit.Entry{Action: "library.load", Object: "library_load", ID: ld.ID, Title: ld.Plan.Title, Result: audit.Failed,
			Detail: map[string]any{"reason": ld.Fault.Key, "rejected": ld.Rejected}})
	})
	switch {
	case errs.Is(err, errs.Conflict): // cancelled meanwhile
		return nil
	case err != nil:
		return err
	case ld.Fault.Key == "library.broken":
		return jobs.Final(cause)
	case !errs.Is(cause, errs.Busy): // what another try may mend stays to be tried
		r.taken(ctx, r.sentence(ld.Lang, ld.Fault))
	}
	return nil
}

// beating writes down how far the run is and stops it when the load is no longer its, until stop is called.
func (r *run) beating(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ld := r.load // the worker goes on changing its own
	return jobs.Beat(ctx, cancel, errGone, "load "+ld.ID, func(ctx context.Context, now time.Time) error {
		state := Queued // other loads go first
		if r.begun.Load() {
			state = Running
		}
		r.figures(&ld)
		return saveBeat(ctx, r.db, &ld, state, now)
	})
}

// watch gives loads whose worker died to a new one. It goes by the machine's clock, as the workers do.
func (l *Library) watch(ctx context.Context) error {
	dead, err := silent(ctx, l.db, time.Now().Add(-silence))
	if err != nil {
		return err
	}
	err = jobs.Again(ctx, l.db, dead, func(ctx context.Context, tx *store.Tx, ld Load) error {
		if err := again(ctx, tx, ld, time.Now()); err != nil {
			return err
		}
		return l.jobs.Enqueue(ctx, tx, "library.load", job{ld.ID, ld.Run + 1})
	})
	if err != nil {
		return err
	}
	return l.watchRekeep(ctx)
}

// purge removes files that have been kept long enough: GB/T 22239-2019 §8.1.4.10, nothing personal is kept beyond need.
func (l *Library) purge(ctx context.Context) error {
	before := store.At(l.now().AddDate(0, 0, -l.settings.Int(ctx, "library.keep_days")))
	for {
		loads, err := old(ctx, l.db, before)
		if err != nil || len(loads) == 0 {
			return err
		}
		for _, ld := range loads {
			err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := l.removeFiles(ctx, tx, ld.ID); err != nil {
					return err
				}
				return forgetFiles(ctx, tx, ld.ID)
			})
			if err != nil {
				return err
			}
		}
	}
}
