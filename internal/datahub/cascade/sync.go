package cascade

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

// Sync is the first telling of all that is published to an upper node (首次同步): entries are marked page by page, and go up in
// batches like any that change. How many were accepted is what their receipts say.
type Sync struct {
	State string     `json:"state" enum:",running,done" doc:"empty where there was none"`
	Total int64      `json:"total" doc:"published entries when it began"`
	Done  int64      `json:"done" doc:"marked to go up"`
	At    store.Time `json:"at"`
	Ended store.Time `json:"endedAt"`

	place string
}

func scanSync(s *Sync) []any { return []any{&s.State, &s.place, &s.Total, &s.Done, &s.At, &s.Ended} }

func syncOf(ctx context.Context, q store.Queryer, node string) (Sync, error) {
	s, err := store.One(ctx, q, scanSync, `SELECT state, place, total, done, at, ended_at FROM cascade_sync WHERE node = $1`, node)
	if errs.Is(err, errs.Missing) {
		return Sync{}, nil
	}
	return s, err
}

type syncJob struct {
	Node string `json:"node"`
}

// perPage is how many entries are marked in one transaction.
const perPage = 100

// beginSync starts to tell an upper node all that is published; from its beginning when it was done before. What the node
// has been told already is not told twice.
func (c *Cascade) beginSync(ctx context.Context, tx *store.Tx, n *Node) error {
	total, err := c.catalog.Count(ctx, tx)
	if err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `INSERT INTO cascade_sync (node, state, total, at) VALUES ($1, 'running', $2, $3)
		ON CONFLICT (node) DO UPDATE SET state = 'running', place = '', total = excluded.total, done = 0, at = excluded.at, ended_at = 0 WHERE cascade_sync.state = 'done'`, n.ID, total, store.At(c.now())); err != nil {
		return err
	}
	return c.jobs.Enqueue(ctx, tx, "cascade.sync", syncJob{n.ID})
}

// sync marks what is published for a node. Each page moves the place on in its own transaction, so after a kill it goes on there.
func (c *Cascade) sync(ctx context.Context, j syncJob) error {
	ctx = room.BySystem(ctx)
	for {
		ended := false
		err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			ended, err = c.syncPage(ctx, tx, j.Node)
			return err
		})
		if err != nil || ended {
			return err
		}
	}
}

func (c *Cascade) syncPage(ctx context.Context, tx *store.Tx, node string) (ended bool, err error) {
	n, err := lockNode(ctx, tx, node)
	if errs.Is(err, errs.Missing) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s, err := syncOf(ctx, tx, node)
	if err != nil || s.State != "running" {
		return true, err
	}
	ids, err := c.catalog.After(ctx, tx, s.place, perPage)
	if err != nil {
		return false, err
	}
	now := store.At(c.now())
	for _, id := range ids {
		e, ok, err := c.catalog.Entry(ctx, tx, id)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		if err := putLink(ctx, tx, &Link{ID: n.ID + "/" + id, Node: n.ID, Entry: id, LocalCode: e.Code, Name: e.Name, Unit: e.Provider, Op: opPut, Number: e.Number, At: now}); err != nil {
			return false, err
		}
		s.place = id
	}
	s.Done += int64(len(ids))
	if ended = len(ids) < perPage; ended {
		s.State, s.Ended = "done", now
	}
	if err := store.ExecOne(ctx, tx, `UPDATE cascade_sync SET state = $1, place = $2, done = $3, ended_at = $4 WHERE node = $5`, s.State, s.place, s.Done, s.Ended, node); err != nil {
		return false, err
	}
	return ended, c.soon(ctx, tx, node)
}

type syncOut struct{ Body Sync }

// syncNow tells an upper node all that is published, once more or for the first time.
func (c *Cascade) syncNow(ctx context.Context, in *nodeID) (*syncOut, error) {
	out := &syncOut{}
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := lockNode(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		switch {
		case n.Role != Upper:
			return errs.New(errs.Invalid, "cascade.only_up")
		case n.State != active:
			return errs.New(errs.Conflict, "cascade.paused")
		}
		if err := c.beginSync(ctx, tx, &n); err != nil {
			return err
		}
		if out.Body, err = syncOf(ctx, tx, n.ID); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.sync", Object: "cascade_node", ID: n.ID, Title: n.Name, Detail: map[string]any{"entries": out.Body.Total}})
	})
	return out, err
}
