package library

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

const maxRekeep = 48 * time.Hour // of one run over everything that is stored

// Rekeep is one run that keeps every stored version anew. It can be broken off and begun again at any time: a version is
// replaced whole, and what is done needs nothing.
type Rekeep struct {
	ID     string     `json:"id"`
	State  State      `json:"state" enum:"queued,running,done,failed,cancelled"`
	Total  int64      `json:"total" doc:"versions to be kept anew"`
	Done   int64      `json:"done"`
	Rows   int64      `json:"rows" doc:"rows written so far"`
	Failed int64      `json:"failed" doc:"versions that could not be; they stay as they were"`
	Error  string     `json:"error" doc:"why the first of them could not"`
	Name   string     `json:"name" doc:"who started it"`
	At     store.Time `json:"at"`
	Ended  store.Time `json:"endedAt"`

	run    int64
	fault  Reason
	person string
}

const rekeepColumns = `id, state, run, total, done, rows_done, failed, fault, person, name, at, ended_at`

func scanRekeep(r *Rekeep) []any {
	return []any{&r.ID, &r.State, &r.run, &r.Total, &r.Done, &r.Rows, &r.Failed, store.Into[Reason]{&r.fault}, &r.person, &r.Name, &r.At, &r.Ended}
}

func rekeeps(ctx context.Context, q store.Queryer, which store.Cond) ([]Rekeep, error) {
	return store.All(ctx, q, scanRekeep, `SELECT `+rekeepColumns+` FROM library_rekeep WHERE `+which.SQL+` ORDER BY at DESC, id DESC LIMIT 10`, which.Args...)
}

// saveRekeep writes how far r's worker is; Conflict when the run is no longer its.
func saveRekeep(ctx context.Context, q store.Queryer, r *Rekeep, now time.Time) error {
	return store.ExecOne(ctx, q, `UPDATE library_rekeep SET state = $1, total = $2, done = $3, rows_done = $4, failed = $5, fault = $6, ended_at = $7, beat_at = $8 WHERE id = $9 AND run = $10 AND ended_at = 0`,
		string(r.State), r.Total, r.Done, r.Rows, r.Failed, store.JSON[Reason]{V: r.fault}, r.Ended, store.At(now), r.ID, r.run)
}

type rekeepJob struct {
	ID  string `json:"id"`
	Run int64  `json:"run"`
}

// startRekeep makes a run wait for its worker; Conflict when one is under way.
func (l *Library) startRekeep(ctx context.Context, tx *store.Tx) (Rekeep, error) {
	me := authz.From(ctx)
	r := Rekeep{ID: id.New(), State: Queued, run: 1, person: me.Person, Name: me.Name, At: store.At(l.now())}
	err := store.Exec(ctx, tx, `INSERT INTO library_rekeep (id, state, run, person, name, at, beat_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, string(r.State), r.run, r.person, r.Name, r.At, store.At(time.Now()))
	if store.IsDuplicate(err) {
		return r, errs.New(errs.Conflict, "library.rekeep_running")
	}
	if err != nil {
		return r, err
	}
	if err := l.jobs.Enqueue(ctx, tx, "library.rekeep", rekeepJob{r.ID, r.run}); err != nil {
		return r, err
	}
	return r, l.audit.Record(ctx, tx, audit.Entry{Action: "library.rekeep", Object: "library_rekeep", ID: r.ID, Detail: map[string]any{"key": l.ring.Current(secret.Identifier)}})
}

// behind is a version that is to be kept anew, and how.
type behind struct {
	dataset.Stored
	have warehouse.Version
	want []warehouse.Column
}

// lagging lists the versions that are not kept as decided, or not under the current key.
func (l *Library) lagging(ctx context.Context, q store.Queryer) ([]behind, error) {
	all, err := l.datasets.AllStored(ctx, q)
	if err != nil {
		return nil, err
	}
	key := l.ring.Current(secret.Identifier)
	var out []behind
	for _, s := range all {
		have, err := l.wh.Version(ctx, s.Version.ID)
		if errs.Is(err, errs.Missing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if want, differs := l.datasets.Behind(ctx, s, have.Columns, key); differs {
			out = append(out, behind{s, have, want})
		}
	}
	return out, nil
}

// rekeep runs to its end, or until it is cancelled or the program stops.
func (l *Library) rekeep(ctx context.Context, j rekeepJob) error {
	all, err := rekeeps(ctx, l.db, store.C("id = $1 AND run = $2 AND ended_at = 0", j.ID, j.Run))
	if err != nil || len(all) == 0 {
		return err
	}
	r := all[0]
	ctx = room.Acting(ctx, &room.Actor{Person: r.person, Name: r.Name, IsJob: true})
	k := &rekeeping{Library: l, of: r}
	err = k.do(ctx)
	switch {
	case errors.Is(err, errGone):
		return nil
	case ctx.Err() != nil: // another try goes on where this one stopped
		return ctx.Err()
	}
	return k.end(ctx, err)
}

// rekeeping is a run under way.
type rekeeping struct {
	*Library
	mu sync.Mutex // of of, which the beating reads
	of Rekeep
}

func (k *rekeeping) change(fn func(r *Rekeep)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fn(&k.of)
}

func (k *rekeeping) seen() (r Rekeep) {
	k.change(func(of *Rekeep) { r = *of })
	return r
}

func (k *rekeeping) do(parent context.Context) error {
	todo, err := k.lagging(parent, k.db)
	if err != nil {
		return err
	}
	k.change(func(r *Rekeep) {
		r.State, r.Total, r.Failed, r.fault = Running, r.Done+int64(len(todo)), 0, Reason{}
	})
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stop := jobs.Beat(ctx, cancel, errGone, "rekeep "+k.of.ID, func(ctx context.Context, now time.Time) error {
		r := k.seen()
		return saveRekeep(ctx, k.db, &r, now)
	})
	defer stop()
	for _, b := range todo {
		err := k.one(ctx, b)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one keeps one version anew. What cannot be stays as it was, and the others go on.
func (k *rekeeping) one(ctx context.Context, b behind) error {
	before := k.seen().Rows
	err := k.write(ctx, b)
	e, ours := errors.AsType[*errs.Error](err)
	switch {
	case err == nil:
		k.change(func(r *Rekeep) { r.Done, r.Rows = r.Done+1, before+b.have.Rows })
	case errs.Is(err, errs.Missing): // cleaned up meanwhile
		k.change(func(r *Rekeep) { r.Total, r.Rows = r.Total-1, before })
	case !ours || e.Kind == errs.Internal:
		return err
	default:
		slog.WarnContext(ctx, "library: a version could not be kept anew", "dataset", b.Dataset, "version", b.have.ID, "error", err)
		k.change(func(r *Rekeep) {
			if r.Failed, r.Rows = r.Failed+1, before; r.fault.Key == "" {
				r.fault = Reason{Key: e.Key, Args: texts(e.Args)}
			}
		})
	}
	return nil
}

// end writes how the run ended.
func (k *rekeeping) end(ctx context.Context, cause error) error {
	r := k.seen()
	r.State, r.Ended = Done, store.At(k.now())
	if cause != nil {
		r.fault = Reason{Key: "library.broken"}
	}
	if cause != nil || r.Failed > 0 {
		r.State = Failed
	}
	err := k.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveRekeep(ctx, tx, &r, time.Now()); err != nil {
			return err
		}
		e := audit.Entry{Action: "library.rekept", Object: "library_rekeep", ID: r.ID, Detail: map[string]any{"versions": r.Done, "rows": r.Rows, "failed": r.Failed, "reason": r.fault.Key}}
		if r.State == Failed {
			e.Result = audit.Failed
		}
		return k.audit.Record(ctx, tx, e)
	})
	if errs.Is(err, errs.Conflict) { // cancelled in the last moment
		return nil
	}
	if err == nil && cause != nil {
		return jobs.Final(cause)
	}
	return err
}

// write writes a version anew and lets it stand in the place of the old one, which goes with the next sweep.
func (k *rekeeping) write(ctx context.Context, b behind) error {
	res, err := k.wh.Query(ctx, warehouse.Query{From: b.have.ID})
	if err != nil {
		return err
	}
	rows := func(yield func(warehouse.Row, error) bool) {
		for row, err := range res.Rows {
			k.change(func(r *Rekeep) { r.Rows++ })
			if !yield(warehouse.Row{Values: row}, err) || err != nil {
				return
			}
		}
	}
	loaded, err := k.wh.Load(ctx, warehouse.Spec{Table: b.have.Table, Columns: b.want, OnDuplicate: warehouse.KeepAll}, rows)
	if err != nil {
		return err
	}
	if loaded.Rows != b.have.Rows {
		err = errs.New(errs.Conflict, "library.rekeep_rows", b.have.Rows, loaded.Rows)
	} else {
		err = k.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := k.datasets.Replace(ctx, tx, b.Stored, loaded.Version); err != nil {
				return err
			}
			return markRekept(ctx, tx, b.have.ID, loaded.ID)
		})
	}
	if err != nil {
		if drop := k.wh.Drop(context.WithoutCancel(ctx), loaded.ID); drop != nil {
			slog.WarnContext(ctx, "library: a version nobody names stays until the sweep", "version", loaded.ID, "error", drop)
		}
	}
	return err
}

// markRekept lets feeds go on from the version they made.
func markRekept(ctx context.Context, tx *store.Tx, old, now string) error {
	feeds, err := store.All(ctx, tx, scanFeed, `SELECT `+feedColumns+` FROM library_feed WHERE CAST(mark ->> 'version' AS TEXT) = $1`, old)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		f.Mark.Version = now
		if err := store.ExecOne(ctx, tx, `UPDATE library_feed SET mark = $1 WHERE id = $2`, store.JSON[Mark]{V: f.Mark}, f.ID); err != nil {
			return err
		}
	}
	return nil
}

// watchRekeep gives a run whose worker fell silent to another one.
func (l *Library) watchRekeep(ctx context.Context) error {
	dead, err := rekeeps(ctx, l.db, store.C("ended_at = 0 AND beat_at < $1", store.At(time.Now().Add(-silence))))
	if err != nil {
		return err
	}
	return jobs.Again(ctx, l.db, dead, func(ctx context.Context, tx *store.Tx, r Rekeep) error {
		if err := store.ExecOne(ctx, tx, `UPDATE library_rekeep SET state = 'queued', run = run + 1, beat_at = $1 WHERE id = $2 AND run = $3 AND ended_at = 0`, store.At(time.Now()), r.ID, r.run); err != nil {
			return err
		}
		return l.jobs.Enqueue(ctx, tx, "library.rekeep", rekeepJob{r.ID, r.run + 1})
	})
}
