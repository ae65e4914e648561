package find

import (
	"context"

	"qushu/internal/base/store"
)

// batch is how many things are entered in one transaction.
const batch = 200

type buildJob struct {
	Kind string `json:"kind"`
}

// begin starts filling the index with each kind it holds nothing of: a district that is older than the index or than
// a room that has just been installed, or one that has moved to another engine and left its index behind.
func (f *Find) begin(ctx context.Context) error {
	for _, s := range f.sources {
		if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM find_build WHERE kind = $1 AND done_at = 0`, s.Kind)
			if err != nil || n > 0 { // its job goes on
				return err
			}
			if n, err = store.Value[int](ctx, tx, `SELECT count(*) FROM find_build WHERE kind = $1`, s.Kind); err != nil {
				return err
			}
			if empty, err := f.index.Empty(ctx, tx, s.Kind); err != nil || n > 0 && !empty {
				return err
			}
			return f.start(ctx, tx, s)
		}); err != nil {
			return err
		}
	}
	return nil
}

// start makes s be filled from its first row on. Where there is none, nothing has to run.
func (f *Find) start(ctx context.Context, tx *store.Tx, s Source) error {
	ids, err := s.IDs(ctx, tx, "", 1)
	if err != nil {
		return err
	}
	var done store.Time
	if len(ids) == 0 {
		done = store.At(f.now())
	}
	if err := store.Exec(ctx, tx, `INSERT INTO find_build (kind, after_id, done_at) VALUES ($1, '', $2)
		ON CONFLICT (kind) DO UPDATE SET after_id = excluded.after_id, done_at = excluded.done_at`, s.Kind, done); err != nil || len(ids) == 0 {
		return err
	}
	return f.jobs.Enqueue(ctx, tx, "find.build", buildJob{s.Kind})
}

// build fills the index with one kind, from where the last try stopped.
func (f *Find) build(ctx context.Context, j buildJob) error {
	s, ok := f.source(j.Kind)
	if !ok { // the room has been taken out since
		return nil
	}
	for more := true; more; {
		if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := store.Lock(ctx, tx, "find_build", s.Kind); err != nil {
				return err
			}
			after, err := store.Value[string](ctx, tx, `SELECT after_id FROM find_build WHERE kind = $1`, s.Kind)
			if err != nil {
				return err
			}
			ids, err := s.IDs(ctx, tx, after, batch)
			if err != nil {
				return err
			}
			if more = len(ids) == batch; len(ids) > 0 {
				after = ids[len(ids)-1]
			}
			docs, err := s.Docs(ctx, tx, ids)
			if err != nil {
				return err
			}
			for _, d := range docs { // an entry made by a change since is newer than what was read here
				if err := f.index.Add(ctx, tx, entry(s.Kind, d)); err != nil {
					return err
				}
			}
			var done store.Time
			if !more {
				done = store.At(f.now())
			}
			return store.Exec(ctx, tx, `UPDATE find_build SET after_id = $1, done_at = $2 WHERE kind = $3`, after, done, s.Kind)
		}); err != nil {
			return err
		}
	}
	return nil
}
