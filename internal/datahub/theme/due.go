package theme

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/system"
	"qushu/internal/room"
)

// queue makes a run of what is released wait for a worker. Conflict when one is under way: two never are.
func (x *Themes) queue(ctx context.Context, tx *store.Tx, t *Theme, why, person, name, lang string) (Run, error) {
	r := Run{ID: id.New(), Theme: t.ID, State: Queued, Why: why, Try: 1, Steps: t.Released, Results: waiting(t.Released), Lang: lang, Person: person, PersonName: name,
		Unit: t.Unit, Street: t.Street, At: store.At(x.now())}
	if err := insertRun(ctx, tx, &r); err != nil {
		return r, err
	}
	return r, x.jobs.Enqueue(ctx, tx, "theme.run", job{r.ID, r.Try})
}

// served hears that a dataset has a new version. What reads it runs a little later, so that several that come together
// make one run.
func (x *Themes) served(ctx context.Context, e struct {
	Dataset string `json:"dataset"`
}) error {
	return x.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		all, err := readersOf(ctx, tx, e.Dataset)
		if err != nil {
			return err
		}
		at := store.At(x.now().Add(time.Duration(x.settings.Int(ctx, "theme.settle_minutes")) * time.Minute))
		for _, t := range all {
			if err := saveNext(ctx, tx, t.ID, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// rekept hears that a version of a dataset has another id: what was made of it, and what it was made of, is still so.
func (x *Themes) rekept(ctx context.Context, e struct {
	Dataset string `json:"dataset"`
	Old     string `json:"old"`
	New     string `json:"new"`
}) error {
	return x.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `UPDATE theme_made SET version_id = $1 WHERE version_id = $2`, e.New, e.Old); err != nil {
			return err
		}
		ids, err := madeFrom(ctx, tx, []string{e.Dataset})
		if err != nil {
			return err
		}
		in := store.In("m.dataset_id", ids)
		all, err := store.All(ctx, tx, scanMade, `SELECT `+madeColumns+` FROM theme_made m WHERE `+in.SQL, in.Args...)
		if err != nil {
			return err
		}
		for _, m := range all {
			changed := false
			for i := range m.Lineage.Inputs {
				if one := &m.Lineage.Inputs[i]; one.Version == e.Old {
					one.Version, changed = e.New, true
				}
			}
			if !changed {
				continue
			}
			if err := store.Exec(ctx, tx, `UPDATE theme_made SET lineage = $1 WHERE version_id = $2`, store.JSON[Lineage]{V: m.Lineage}, m.Version); err != nil {
				return err
			}
		}
		return nil
	})
}

// due starts the libraries whose time has come. What was missed while the program was down runs once.
func (x *Themes) due(ctx context.Context) error {
	all, err := dueThemes(ctx, x.db, store.At(x.now()))
	if err != nil {
		return err
	}
	for _, t := range all {
		if err := x.begin(room.BySystem(ctx), t); err != nil {
			slog.ErrorContext(ctx, "theme: a library that is due was not started", "theme", t.ID, "error", err)
		}
	}
	return nil
}

// begin starts a library that is due. One still under way stays due: it began before what it is to see.
func (x *Themes) begin(ctx context.Context, t Theme) error {
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "theme", t.ID); err != nil {
			return err
		}
		if _, err := busyRun(ctx, tx, t.ID); !errs.Is(err, errs.Missing) {
			return errors.Join(err, errBusy)
		}
		why := t.Released.Schedule.Every
		r, err := x.queue(ctx, tx, &t, why, t.ReleasedBy, t.ReleasedName, t.Lang)
		if err != nil {
			return err
		}
		if err := saveNext(ctx, tx, t.ID, store.At(t.Released.Schedule.next(x.now()))); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.run", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"run": r.ID, "number": r.Number, "why": why}})
	})
	if errors.Is(err, errBusy) {
		return nil
	}
	return err
}

var errBusy = errors.New("theme: a run is under way")

// watch gives runs whose worker died to a new one. It goes by the machine's clock, as the workers do.
func (x *Themes) watch(ctx context.Context) error {
	dead, err := silent(ctx, x.db, time.Now().Add(-silence))
	if err != nil {
		return err
	}
	return jobs.Again(ctx, x.db, dead, func(ctx context.Context, tx *store.Tx, r Run) error {
		if err := again(ctx, tx, r); err != nil {
			return err
		}
		return x.jobs.Enqueue(ctx, tx, "theme.run", job{r.ID, r.Try + 1})
	})
}

// health says whether libraries are made as they should, for the administrators.
func (x *Themes) health(ctx context.Context) system.Finding {
	type figures struct{ all, failing int64 }
	f, err := store.One(ctx, x.db, func(f *figures) []any { return []any{&f.all, &f.failing} }, `SELECT count(*), count(*) FILTER (WHERE fails > 0) FROM theme WHERE release > 0`)
	switch {
	case err != nil:
		return system.Finding{State: system.Bad, Key: "theme.health_unknown", Args: []any{err}}
	case f.failing > 0:
		return system.Finding{State: system.Warn, Key: "theme.health_some", Args: []any{f.failing}}
	}
	return system.Finding{State: system.OK, Key: "theme.health_ok", Args: []any{f.all}}
}
