package batch

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

func langOf(ctx context.Context) string { return web.From(ctx).Lang }

type startIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

// start checks the one grant the list may be run under, and what is left of its quota, and queues the run. Clear columns
// need a grant that reveals them and a reason.
func (b *Batch) start(ctx context.Context, in *startIn) (*runOut, error) {
	r, err := b.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	ds, right, err := b.openDataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	if err := r.startable(ds); err != nil {
		return nil, err
	}
	if right, err = b.settle(ctx, &r, ds, right); err != nil {
		return nil, err
	}
	r.State, r.Run, r.Version, r.Started, r.Lang = Queued, r.Run+1, r.Version+1, store.At(b.now()), langOf(ctx)
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "batch", r.Owner); err != nil {
			return err
		}
		busy, err := busyOf(ctx, tx, r.Owner, r.ID)
		if err != nil {
			return err
		}
		if busy > 0 {
			return errs.New(errs.Conflict, "batch.one_at_once")
		}
		if err := saveStart(ctx, tx, &r, time.Now()); err != nil {
			return err
		}
		if err := b.jobs.Enqueue(ctx, tx, "batch.run", job{r.ID, r.Run}); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.start", Object: "batch_run", ID: r.ID, Title: r.Title, Purpose: r.Purpose,
			Detail: map[string]any{"dataset": r.Dataset, "mode": r.Plan.Mode, "columns": r.Plan.asked(), "clear": r.Plan.clear(), "reason": r.Plan.Reason, "grant": r.Grant, "owned": right.Owned,
				"basis": r.Basis, "valid": r.Counts.Valid, "rows": r.Counts.Rows}})
	})
	if err != nil {
		return nil, err
	}
	return b.shown(ctx, &r)
}

// settle chooses what the run stands on. A quota that cannot hold even a tenth of the list is told now rather than after
// the match.
func (b *Batch) settle(ctx context.Context, r *Run, ds dataset.Dataset, right dataset.Right) (dataset.Right, error) {
	var err error
	if len(r.Plan.clear()) > 0 {
		if r.Plan.Reason, err = cleanReason("reason", r.Plan.Reason, 4); err != nil {
			return right, err
		}
	}
	one, err := right.One(ds, append([]string{r.Plan.Key}, r.Plan.asked()...), r.Plan.clear())
	if err != nil {
		return right, err
	}
	r.Grant, r.Bare = "", one.Bare
	if len(one.Grants) == 0 {
		return one, nil
	}
	g := one.Grants[0]
	r.Grant = g.ID
	if g.Quota == 0 {
		return one, nil
	}
	spent, err := b.datasets.Spent(ctx, b.db, g.ID)
	if err == nil && spent >= g.Quota {
		err = errs.New(errs.Limited, "dataset.quota", g.Quota, 0, r.Counts.Valid)
	}
	return one, err
}

// cancel stops a run. Whoever may run lists for the unit may stop one of it.
func (b *Batch) cancel(ctx context.Context, in *runIn) (*runOut, error) {
	r, err := findRun(ctx, b.db, in.ID, authz.Where(ctx, "batch.run").Cond())
	if err != nil {
		return nil, err
	}
	if !r.State.busy() {
		return nil, errs.New(errs.Conflict, "batch.not_running")
	}
	r.State, r.Ended = Cancelled, store.At(b.now())
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "batch_run", r.ID); err != nil {
			return err
		}
		if err := saveEnd(ctx, tx, &r); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.cancel", Object: "batch_run", ID: r.ID, Title: r.Title})
	})
	if err != nil {
		return nil, err
	}
	r.Version++
	return b.shown(ctx, &r)
}

// discard forgets a run that has come to nothing, and its list. One that is done stays: it is the history.
func (b *Batch) discard(ctx context.Context, in *runIn) (*struct{}, error) {
	r, err := findRun(ctx, b.db, in.ID, authz.Where(ctx, "batch.run").Cond())
	if err != nil {
		return nil, err
	}
	if err := r.editable(authz.From(ctx).Person); err != nil {
		return nil, err
	}
	return nil, b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := b.removeFiles(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := deleteRun(ctx, tx, &r); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.discard", Object: "batch_run", ID: r.ID, Title: r.FileName})
	})
}

func (b *Batch) removeFiles(ctx context.Context, tx *store.Tx, id string) error {
	for _, object := range []string{id, "result/" + id} {
		all, err := b.files.Of(ctx, tx, "batch", object)
		if err != nil {
			return err
		}
		for _, f := range all {
			if err := b.files.Remove(ctx, tx, f.ID, "batch"); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayReadFile lets a person download the list he uploaded. A sealed result is for nobody: copies are made of it.
func (b *Batch) mayReadFile(ctx context.Context, object string) error {
	_, err := findRun(ctx, b.db, object, store.C("owner = $1", authz.From(ctx).Person))
	return err
}
