package cascade

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/room"
)

// job is one turn with a node.
type job struct {
	Node string `json:"node"`
}

// soon asks in tx for a turn with a node.
func (c *Cascade) soon(ctx context.Context, tx *store.Tx, node string) error {
	return c.jobs.Enqueue(ctx, tx, "cascade.turn", job{node})
}

// tick asks for a turn with every node whose time has come: what failed is tried again, folders are looked into, new versions of
// what is offered are found.
func (c *Cascade) tick(ctx context.Context) error {
	due, err := nodes(ctx, c.db, store.C("n.state = 'active' AND n.next_at <= $1", store.At(c.now())))
	if err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, n := range due {
			if err := c.soon(ctx, tx, n.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// work takes one turn with a node. Two at once would only do the same twice: the second asks the first to go round again.
func (c *Cascade) work(ctx context.Context, j job) error {
	c.mu.Lock()
	_, runs := c.busy[j.Node]
	c.busy[j.Node] = runs // true asks the turn that runs to go round again
	c.mu.Unlock()
	if runs {
		return nil
	}
	ctx = room.BySystem(ctx)
	for {
		err := c.turn(ctx, j.Node)
		c.mu.Lock()
		again := c.busy[j.Node] && err == nil
		if c.busy[j.Node] = false; !again {
			delete(c.busy, j.Node)
		}
		c.mu.Unlock()
		if !again {
			return err
		}
	}
}

// turn makes what is due, sends what is made, and applies what has come. What fails at the peer is kept on the node and tried
// again later; it fails no job, for a peer that is down for two days is no fault of this node.
func (c *Cascade) turn(ctx context.Context, id string) error {
	n, err := findNode(ctx, c.db, store.C("n.id = $1", id))
	if errs.Is(err, errs.Missing) || err == nil && n.State != active {
		return nil
	}
	if err != nil {
		return err
	}
	var out carrier = &overWire{Cascade: c, node: n}
	if n.Transport == overFolder {
		out = &throughFolder{c, n}
	}
	defer out.end()
	failed := out.fetch(ctx)
	own := errors.Join(c.apply(ctx, id), c.gather(ctx, n))
	if n.Transport != overWait { // that one comes and asks
		failed = firstOf(failed, c.deliver(ctx, n, out))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if own != nil {
		slog.WarnContext(ctx, "cascade: a turn", "node", n.Code, "error", own)
		failed = firstOf(failed, own)
	}
	n.Tried, n.Next, n.Fault = store.At(c.now()), store.Time{}, Fault{}
	if failed == nil {
		n.Failures = 0
		return saveContact(ctx, c.db, &n)
	}
	n.Failures++
	n.Fault, n.Next = faultOf(failed), store.At(c.now().Add(wait(n.Failures)))
	return saveContact(ctx, c.db, &n)
}

// carrier is a way to a peer.
type carrier interface {
	// fetch brings in what the peer has left for this node, where the peer does not come by itself.
	fetch(ctx context.Context) error
	// send delivers a batch wholly. It is called again with the same batch after a failure.
	send(ctx context.Context, b *Batch, m *batch.Manifest) error
	// tell delivers an ack.
	tell(ctx context.Context, b *Batch) error
	// end lets go of what the turn held.
	end()
}

// deliver sends acks, then what has been made, in order. The first failure ends it: later numbers are of no use to the peer.
func (c *Cascade) deliver(ctx context.Context, n Node, out carrier) error {
	due, err := batches(ctx, c.db, store.C("b.node = $1 AND b.way = 'in' AND b.ack_due", n.ID))
	if err != nil {
		return err
	}
	for i := range due {
		if err := out.tell(ctx, &due[i]); err != nil && !errs.Is(err, errs.Conflict) { // a peer that knows of no such batch any more never will
			return err
		}
		if err := store.Exec(ctx, c.db, `UPDATE cascade_batch SET ack_due = FALSE WHERE id = $1 AND ack = $2`, due[i].ID, due[i].Ack); err != nil {
			return err
		}
	}
	made, err := batches(ctx, c.db, store.C("b.node = $1 AND b.way = 'out' AND b.state = 'made'", n.ID))
	if err != nil {
		return err
	}
	for i := range made {
		b := &made[i]
		m, err := batch.ParseManifest([]byte(b.Manifest))
		if err == nil {
			err = out.send(ctx, b, m)
		}
		if err != nil {
			return c.note(ctx, b, err)
		}
		if err := c.delivered(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// delivered notes that a batch is wholly with the peer, unless its ack was quicker.
func (c *Cascade) delivered(ctx context.Context, b *Batch) error {
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := store.At(c.now())
		if err := store.Exec(ctx, tx, `UPDATE cascade_batch SET state = 'sent', sent_at = $1, have = chunks, fault = $2 WHERE id = $3 AND state = 'made'`, now, Fault{}.json(), b.ID); err != nil {
			return err
		}
		return store.Exec(ctx, tx, `UPDATE cascade_link SET state = 'sent', synced_at = $1 WHERE batch = $2 AND state = 'pending'`, now, b.ID)
	})
}

func envelope(text, sig string) (batch.Envelope, error) {
	s, err := base64.StdEncoding.DecodeString(sig)
	return batch.Envelope{Text: []byte(text), Sig: s}, err
}

// forget removes the chunks of batches that ended long ago; what they said, and who signed it, stays.
func (c *Cascade) forget(ctx context.Context) error {
	before := store.At(c.now().Add(-time.Duration(c.settings.Int(ctx, "cascade.keep_days")) * 24 * time.Hour))
	old, err := store.Column[string](ctx, c.db, `SELECT b.id FROM cascade_batch b WHERE b.ended_at > 0 AND b.ended_at < $1 AND EXISTS (SELECT 1 FROM cascade_chunk k WHERE k.batch = b.id) ORDER BY b.id LIMIT 1000`, before)
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.dropChunks(ctx, tx, id) }); err != nil {
			return err
		}
	}
	return nil
}

// Told is the event of an entry that was published or went offline, as far as it is read here.
type Told struct {
	Entry string `json:"entry"`
}

// published notes that an entry is to go up.
func (c *Cascade) published(ctx context.Context, t Told) error { return c.mark(ctx, t.Entry, opPut) }

func (c *Cascade) withdrawn(ctx context.Context, t Told) error {
	return c.mark(ctx, t.Entry, opOffline)
}

// mark notes for every upper node that an entry changed.
func (c *Cascade) mark(ctx context.Context, entry, op string) error {
	ctx = room.BySystem(ctx)
	upper, err := nodes(ctx, c.db, store.C("n.role = 'upper'"))
	if err != nil || len(upper) == 0 {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, ok, err := c.catalog.Entry(ctx, tx, entry)
		if err != nil || op == opPut && !ok {
			return err
		}
		for _, n := range upper {
			l := Link{ID: n.ID + "/" + entry, Node: n.ID, Entry: entry, LocalCode: e.Code, Name: e.Name, Unit: e.Provider, Op: op, Number: e.Number, At: store.At(c.now())}
			if op == opOffline {
				err = goneLink(ctx, tx, &l)
			} else {
				err = putLink(ctx, tx, &l)
			}
			if err != nil {
				return err
			}
			if err := c.soon(ctx, tx, n.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
