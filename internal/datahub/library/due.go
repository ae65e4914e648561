package library

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/system"
	"qushu/internal/room"
)

// queue makes a run of a feed wait for a worker. Conflict when one is under way: two never are.
func (l *Library) queue(ctx context.Context, tx *store.Tx, f *Feed, from string, byHand, whole bool) (Load, error) {
	ld := Load{ID: id.New(), State: Queued, FileName: from + " " + f.Object, Plan: f.Plan, Run: 1, Feed: f.ID, Outcome: Outcome{ByHand: byHand, Whole: whole, Mode: f.Way.Mode.Kind},
		Lang: f.Lang, Owner: f.Owner, OwnerName: f.OwnerName, Unit: f.Unit, Street: f.Street, At: store.At(l.now()), Started: store.At(l.now()), Version: 1}
	if err := insertRun(ctx, tx, &ld, store.At(time.Now())); err != nil {
		return ld, err
	}
	return ld, l.jobs.Enqueue(ctx, tx, "library.load", job{ld.ID, ld.Run})
}

// due starts the feeds whose time has come. What was missed while the program was down runs once; a feed whose last run
// is still under way waits for its next turn.
func (l *Library) due(ctx context.Context) error {
	all, err := due(ctx, l.db, store.At(l.now()))
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := l.begin(room.Acting(ctx, f.actor()), f); err != nil && !errs.Is(err, errs.Conflict) {
			slog.ErrorContext(ctx, "library: a feed that is due was not started", "feed", f.ID, "error", err)
		}
	}
	return nil
}

func (l *Library) begin(ctx context.Context, f Feed) error {
	return l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_feed", f.ID); err != nil {
			return err
		}
		src, err := findSource(ctx, tx, f.Source, store.C("TRUE"))
		if err != nil {
			return err
		}
		busy, err := busyFeed(ctx, tx, f.ID)
		if err != nil {
			return err
		}
		if !busy {
			ld, err := l.queue(ctx, tx, &f, src.Name, false, false)
			if err != nil {
				return err
			}
			f.Load = ld.ID
		}
		f.Next = store.At(f.Way.Schedule.Next(l.now(), l.settings.Days()))
		f.Version++
		return saveFeed(ctx, tx, &f)
	})
}

// health says whether feeds bring what they should, for the administrators.
func (l *Library) health(ctx context.Context) system.Finding {
	all, err := feedsOfAll(ctx, l.db)
	if err != nil {
		return system.Finding{State: system.Bad, Key: "library.feeds_unknown", Args: []any{err}}
	}
	var failing, late, waiting int
	for _, f := range all {
		switch {
		case f.State == feedDecide:
			waiting++
		case f.Fails > int64(len(backOff)):
			failing++
		case l.late(f):
			late++
		}
	}
	if failing+late+waiting > 0 {
		return system.Finding{State: system.Warn, Key: "library.feeds_some", Args: []any{failing, late, waiting}}
	}
	return system.Finding{State: system.OK, Key: "library.feeds_ok", Args: []any{len(all)}}
}

// late reports whether what a feed brings is older than its schedule allows.
func (l *Library) late(f Feed) bool {
	since := f.Good.Time
	if f.Good.IsZero() {
		since = f.At.Time
	}
	return f.State == feedOn && f.Way.Schedule.Late(since, l.now(), l.settings.Days())
}
