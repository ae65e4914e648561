package library

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

type startIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Confirm bool  `json:"confirm" required:"false" doc:"the columns may differ from those of the dataset that is replaced"`
		Version int64 `json:"version"`
	}
}

// start queues the load. A dataset whose columns would change is only replaced once that has been confirmed.
func (l *Library) start(ctx context.Context, in *startIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	if err := ld.startable(); err != nil {
		return nil, err
	}
	ds, err := l.replaced(ctx, ld.Plan.Dataset)
	if err != nil {
		return nil, err
	}
	ld.Expect = 0
	if ds != nil {
		ld.Expect = ds.Version
		if err := drifted(dataset.Compare(ds.Columns, intake.Kept(ld.Plan.Columns))); err != nil && !in.Body.Confirm {
			return nil, err
		}
	}
	if err := l.mayKeep(ctx, intake.Kept(ld.Plan.Columns), ds); err != nil {
		return nil, err
	}
	old := ld.Reject
	ld.State, ld.Run, ld.Version, ld.Started, ld.Lang = Queued, ld.Run+1, ld.Version+1, store.At(l.now()), web.From(ctx).Lang
	ld.Rows, ld.Bytes, ld.BytesAll, ld.Rejected, ld.Reject, ld.Fault, ld.Ended = 0, 0, 0, 0, "", Reason{}, store.Time{}
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveStart(ctx, tx, &ld, time.Now()); err != nil {
			return err
		}
		if old != "" {
			if err := l.files.Remove(ctx, tx, old, "library"); err != nil {
				return err
			}
		}
		if err := l.jobs.Enqueue(ctx, tx, "library.load", job{ld.ID, ld.Run}); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.start", Object: "library_load", ID: ld.ID, Title: ld.Plan.Title,
			Detail: map[string]any{"file": ld.File, "replaces": ld.Plan.Dataset, "columns": columnsSaid(intake.Kept(ld.Plan.Columns)), "onBad": ld.Plan.OnBad, "confirmed": in.Body.Confirm}})
	})
	if err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

// columnsSaid tells the auditor what columns are said to hold.
func columnsSaid(cols []dataset.Column) []map[string]any {
	out := make([]map[string]any, len(cols))
	for i, c := range cols {
		out[i] = map[string]any{"name": c.Name, "type": c.Type.String(), "kind": string(c.Kind), "level": string(c.Level), "masked": c.Masked, "key": c.Key, "keep": string(c.Keep)}
	}
	return out
}

// cancel stops a load. Whoever may load for the unit may stop one of it.
func (l *Library) cancel(ctx context.Context, in *loadIn) (*loadOut, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if !ld.State.busy() {
		return nil, errs.New(errs.Conflict, "library.not_running")
	}
	ld.State, ld.Ended = Cancelled, store.At(l.now())
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_load", ld.ID); err != nil {
			return err
		}
		if err := saveEnd(ctx, tx, &ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.cancel", Object: "library_load", ID: ld.ID, Title: ld.Plan.Title})
	})
	if err != nil {
		return nil, err
	}
	ld.Version++
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

// discard forgets a load that has become nothing, and its files.
func (l *Library) discard(ctx context.Context, in *loadIn) (*struct{}, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if err := ld.editable(authz.From(ctx).Person); err != nil {
		return nil, err
	}
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.removeFiles(ctx, tx, ld.ID); err != nil {
			return err
		}
		if err := deleteLoad(ctx, tx, &ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.discard", Object: "library_load", ID: ld.ID, Title: ld.FileName})
	})
}

func (l *Library) removeFiles(ctx context.Context, tx *store.Tx, id string) error {
	all, err := l.files.Of(ctx, tx, "library", id)
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := l.files.Remove(ctx, tx, f.ID, "library"); err != nil {
			return err
		}
	}
	return nil
}

// previewed is how many refused rows are shown; the file has them all.
const previewed = 200

type rejectedOut struct {
	Body struct {
		Header []string          `json:"header" nullable:"false"`
		Rows   []intake.Rejected `json:"rows" nullable:"false"`
		Total  int64             `json:"total"`
	}
}

// rejected shows the first refused rows to the person who uploaded the file they stand in.
func (l *Library) rejected(ctx context.Context, in *loadIn) (*rejectedOut, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if ld.Owner != authz.From(ctx).Person {
		return nil, errs.New(errs.Denied, "library.not_yours", ld.OwnerName)
	}
	out := &rejectedOut{}
	out.Body.Header, out.Body.Rows, out.Body.Total = []string{}, []intake.Rejected{}, ld.Rejected
	if ld.Reject == "" {
		return out, nil
	}
	_, r, err := l.files.Open(ctx, l.db, ld.Reject)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out.Body.Header, out.Body.Rows, err = intake.ReadCSV(r, previewed)
	return out, err
}

// mayReadFile lets a person download what he uploaded and the list of its refused rows.
func (l *Library) mayReadFile(ctx context.Context, object string) error {
	_, err := findLoad(ctx, l.db, object, store.C("owner = $1", authz.From(ctx).Person))
	return err
}
