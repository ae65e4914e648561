package library

import (
	"context"
	"errors"
	"log/slog"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
)

// goOn takes over what the dataset is called and how it is classified today: the feed only brings rows.
func (r *run) goOn(ctx context.Context, tx *store.Tx, to *dataset.Publication) error {
	if r.feed == nil || to.ID == "" {
		return nil
	}
	ds, err := r.datasets.Get(ctx, tx, to.ID, store.Unscoped("a feed goes on with the dataset its unit chose"))
	if err != nil {
		return err
	}
	if r.feed.partly && ds.Current != r.feed.ds.Current { // somebody published or went back meanwhile
		return errs.New(errs.Busy, "dataset.changed", ds.Title)
	}
	to.Expect, to.Title, to.Summary = ds.Version, ds.Title, ds.Summary
	for i, c := range to.Columns {
		if o, ok := ds.Column(c.Name); ok {
			to.Columns[i].Title, to.Columns[i].Kind, to.Columns[i].Level, to.Columns[i].Masked = o.Title, o.Kind, o.Level, o.Masked
		}
	}
	return nil
}

// outcome writes into ld what a run of a feed came to.
func (r *run) outcome(ld *Load) { ld.Outcome = r.load.Outcome }

// served tells the feed that a run of it went well.
func (r *run) served(ctx context.Context, tx *store.Tx, ds dataset.Dataset, loaded warehouse.Loaded) error {
	if r.feed == nil {
		return nil
	}
	return r.note(ctx, tx, func(f *Feed) {
		f.Plan, f.Mark = r.load.Plan, r.feed.mark
		f.Plan.Dataset, f.Plan.Title = ds.ID, ds.Title
		f.Mark.Version = loaded.ID
		f.well(store.At(r.now()))
	})
}

// note changes the feed, which others may have changed since the run began.
func (r *run) note(ctx context.Context, tx *store.Tx, change func(f *Feed)) error {
	if err := store.Lock(ctx, tx, "library_feed", r.load.Feed); err != nil {
		return err
	}
	f, err := findFeed(ctx, tx, r.load.Feed, store.C("TRUE"))
	if errs.Is(err, errs.Missing) { // removed meanwhile
		return errGone
	}
	if err != nil {
		return err
	}
	change(&f)
	f.Version++
	return saveFeed(ctx, tx, &f)
}

// well notes that a run went well.
func (f *Feed) well(at store.Time) { f.Good, f.Fails, f.Fault = at, 0, Reason{} }

// failed tells the feed that a run failed, and whether somebody is to be told: what another try may mend is tried again
// first.
func (r *run) failed(ctx context.Context, tx *store.Tx, mends bool) (alarm bool, err error) {
	if r.load.Feed == "" {
		return true, nil
	}
	err = r.note(ctx, tx, func(f *Feed) {
		now := r.now()
		f.Fails++
		f.Fault = r.load.Fault
		next := f.Way.Schedule.Next(now, r.settings.Days())
		alarm = !mends || r.load.Outcome.ByHand || f.Fails > int64(len(backOff)) || next.IsZero()
		if !alarm {
			if again := now.Add(backOff[f.Fails-1]); again.Before(next) {
				next = again
			}
		}
		if f.State == feedOn {
			f.Next = store.At(next)
		}
	})
	if errors.Is(err, errGone) {
		err = nil
	}
	return alarm, err
}

// rest ends a run that has nothing to publish: nothing has changed, or somebody has to decide.
func (r *run) rest(ctx context.Context, why error) error {
	ld := &r.load
	r.figures(ld)
	ld.Rows, ld.Ended = 0, store.At(r.now())
	f := r.feed
	decide := errors.Is(why, errDecide)
	if decide {
		ld.State, ld.Fault = Decide, Reason{Key: "library.drifted", Args: []string{named(ld.Outcome.Changes)}}
	} else {
		ld.State, ld.Dataset, ld.Number, ld.Outcome.Unchanged = Done, f.ds.ID, f.ds.Number, true
		if err := r.keepList(ctx); err != nil {
			slog.WarnContext(ctx, "library: refused rows not listed", "load", ld.ID, "error", err)
		}
	}
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveEnd(ctx, tx, ld); err != nil {
			return err
		}
		if err := r.note(ctx, tx, func(feed *Feed) {
			if decide {
				feed.State = feedDecide
				return
			}
			feed.Mark.Value, feed.Mark.Print = f.mark.Value, f.mark.Print
			good := feed.Good
			if feed.well(ld.Ended); f.empty {
				feed.Good = good // nothing came
			}
		}); err != nil {
			return err
		}
		action := "library.same"
		if decide {
			action = "library.differs"
			if err := r.tell(ctx, tx, notify.Task, "library.told_decide", ld.Plan.Title, named(ld.Outcome.Changes)); err != nil {
				return err
			}
		}
		return r.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "library_feed", ID: ld.Feed, Title: ld.Plan.Title,
			Detail: map[string]any{"load": ld.ID, "columns": named(ld.Outcome.Changes), "rows": ld.Outcome.Fetched}})
	})
	if errs.Is(err, errs.Conflict) || errors.Is(err, errGone) {
		return nil
	}
	if err == nil && !decide {
		r.taken(ctx, "")
	}
	return err
}

// taken moves the files of a run that has ended away; those that could not be used with the reason. A file that cannot be
// moved is read again by the next run.
func (r *run) taken(ctx context.Context, failed string) {
	if r.feed == nil || len(r.feed.files) == 0 {
		return
	}
	conn, err := r.connect(ctx, r.feed.source)
	if err == nil {
		defer conn.Close()
		if t, ok := conn.(source.Taker); ok {
			err = t.Taken(ctx, r.feed.files, failed)
		}
	}
	if err != nil {
		slog.WarnContext(ctx, "library: files taken in stay where they are", "feed", r.load.Feed, "error", err)
	}
}
