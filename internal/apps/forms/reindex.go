package forms

import (
	"context"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

// reindexJob counts the entries of an application anew after a version was published, from After on.
type reindexJob struct {
	Key   string `json:"key"`
	After string `json:"after"`
}

// reindex goes through the entries, a hundred in a transaction: a statistic that was declared today counts what was
// filed last year. Done twice it does the same twice.
func (f *Forms) reindex(ctx context.Context, j reindexJob) error {
	ctx = room.BySystem(ctx)
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ids, err := store.Column[string](ctx, tx, `SELECT e.id FROM forms_entry e WHERE e.app = $1 AND e.state <> 'draft' AND e.id > $2 ORDER BY e.id LIMIT 100`, j.Key, j.After)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := store.Lock(ctx, tx, "forms_entry", id); err != nil {
				return err
			}
			e, err := findEntry(ctx, tx, store.C("e.id = $1", id))
			if err != nil {
				return err
			}
			c, err := f.of(ctx, tx, &e)
			if err != nil {
				return err
			}
			data, err := f.open(c, &e)
			if err != nil {
				return err
			}
			if err := f.index(ctx, tx, c, &e, data); err != nil {
				return err
			}
		}
		j.After = ids[len(ids)-1]
		return f.jobs.Enqueue(ctx, tx, "forms.reindex", j)
	})
}

// index writes what an entry is filtered, sorted and counted by: as the version that serves says, so that lists and
// figures of old and new entries are alike; as its own says where that can make nothing of it.
func (f *Forms) index(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data) error {
	facts := f.facts(e)
	blind := func(field, value string) string { return f.ring.Index("forms_index."+c.Key+"."+field, value) }
	serves, err := f.serving(ctx, tx, c)
	if err != nil {
		return err
	}
	rows, err := serves.Index(data, facts, blind)
	if err != nil && serves != c {
		rows, err = c.Index(data, facts, blind)
	}
	if err != nil {
		return err
	}
	return saveIndex(ctx, tx, e, rows)
}

// serving is the published version of an application, c itself where there is none.
func (f *Forms) serving(ctx context.Context, q store.Queryer, c *app.Compiled) (*app.Compiled, error) {
	n, err := store.Value[int64](ctx, q, `SELECT coalesce(max(number), 0) FROM forms_app WHERE key = $1 AND state = 'published'`, c.Key)
	if err != nil || n == 0 {
		return c, err
	}
	f.mu.Lock()
	ready := f.compiled[ref{c.Key, n}]
	f.mu.Unlock()
	if ready != nil {
		return ready, nil
	}
	out, _, err := f.published(ctx, q, c.Key)
	if errs.Is(err, errs.Missing) {
		return c, nil
	}
	return out, err
}
