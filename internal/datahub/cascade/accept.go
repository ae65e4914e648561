package cascade

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/kernel/audit"
)

// States of a batch.
const (
	stateMade      = "made"         // out: not yet wholly with the peer
	stateSent      = "sent"         // out: wholly with the peer, or in the folder
	stateAcked     = "acknowledged" // out: the peer states that it is applied
	stateReceiving = "receiving"    // in: the manifest is here, chunks are missing
	stateReceived  = "received"     // in: all chunks are here, waiting for its turn
	stateVerified  = "verified"     // in: what it says of itself is true
	stateApplied   = "applied"      // in
	stateRefused   = "refused"      // in and out: whole, but not acceptable; nothing of it was taken
)

// accept takes the manifest of a batch of node n: signed by it, meant for this node, and the one with its number. The same
// again is answered with where it stands.
func (c *Cascade) accept(ctx context.Context, n Node, e batch.Envelope) (b Batch, m *batch.Manifest, err error) {
	if len(e.Text) > batch.MaxManifest {
		return b, nil, errs.New(errs.Invalid, "cascade.bad_manifest", "too_long")
	}
	if err := secret.VerifyWith([]byte(n.PublicKey), e.Text, e.Sig); err != nil {
		return b, nil, errs.Wrap(err, errs.Invalid, "cascade.bad_signature", n.Name)
	}
	if m, err = batch.ParseManifest(e.Text); err != nil {
		return b, nil, err
	}
	err = c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		self, err := findSelf(ctx, tx)
		if err != nil {
			return err
		}
		if m.From != n.Code || m.To != self.Code {
			return errs.New(errs.Invalid, "cascade.not_ours", m.From, m.To)
		}
		if n, err = lockNode(ctx, tx, n.ID); err != nil {
			return err
		}
		now := store.At(c.now())
		if err := heard(ctx, tx, n.ID, now); err != nil {
			return err
		}
		old, err := batches(ctx, tx, store.C("b.node = $1 AND b.way = 'in' AND b.seq = $2", n.ID, m.Seq))
		if err != nil {
			return err
		}
		if len(old) > 0 {
			if b = old[0]; b.Hash != batch.Hash(e.Text) {
				return errs.New(errs.Conflict, "cascade.other_batch", m.Seq)
			}
			return nil
		}
		if m.Seq <= n.RecvSeq {
			return errs.New(errs.Conflict, "cascade.other_batch", m.Seq)
		}
		mark, _ := time.Parse(time.RFC3339, m.Watermark)
		b = Batch{ID: "in-" + n.ID + "-" + m.ID, Node: n.ID, Way: "in", Seq: m.Seq, Kind: string(m.Kind), State: stateReceiving, Manifest: string(e.Text), Sig: base64.StdEncoding.EncodeToString(e.Sig),
			Hash: batch.Hash(e.Text), Rows: m.Rows, Bytes: m.Bytes(), Chunks: int64(len(m.Chunks)), Root: m.Root, Mark: store.At(mark), Made: now, Got: now}
		if m.Feed != nil {
			b.Feed, b.Title = m.Feed.ID, m.Feed.Title
		}
		if b.Chunks == 0 {
			b.State = stateReceived
		}
		return insertBatch(ctx, tx, &b)
	})
	return b, m, err
}

// take keeps chunk i of an incoming batch. One that is there already is not taken twice.
func (c *Cascade) take(ctx context.Context, b *Batch, m *batch.Manifest, i int, content []byte) error {
	if err := m.CheckChunk(i, content); err != nil {
		return c.note(ctx, b, err)
	}
	have, err := chunkFiles(ctx, c.db, b.ID)
	if err != nil || have[i] != "" {
		return err
	}
	f, err := c.files.Keep(ctx, "cascade", b.ID, "chunk", bytes.NewReader(content))
	if err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockNode(ctx, tx, b.Node); err != nil {
			return err
		}
		now, err := batches(ctx, tx, store.C("b.id = $1", b.ID))
		if err != nil || len(now) == 0 || now[0].State != stateReceiving {
			return firstOf(err, c.files.Remove(ctx, tx, f.ID, "cascade"))
		}
		have, err := chunkFiles(ctx, tx, b.ID)
		if err != nil || have[i] != "" {
			return firstOf(err, c.files.Remove(ctx, tx, f.ID, "cascade"))
		}
		if err := insertChunk(ctx, tx, b.ID, i, f.ID); err != nil {
			return err
		}
		*b = now[0]
		b.Have, b.Fault = int64(len(have))+1, Fault{}
		if b.Have == b.Chunks {
			b.State = stateReceived
		}
		if err := saveBatch(ctx, tx, b, stateReceiving); err != nil || b.State != stateReceived {
			return err
		}
		return c.soon(ctx, tx, b.Node)
	})
}

func firstOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// note keeps the reason why something of a batch could not be taken, and returns it.
func (c *Cascade) note(ctx context.Context, b *Batch, why error) error {
	b.Fault = faultOf(why)
	return firstOf(store.Exec(ctx, c.db, `UPDATE cascade_batch SET fault = $1 WHERE id = $2`, b.Fault.json(), b.ID), why)
}

// acknowledge takes the statement of node n about a batch of ours.
func (c *Cascade) acknowledge(ctx context.Context, n Node, e batch.Envelope) error {
	if err := secret.VerifyWith([]byte(n.PublicKey), e.Text, e.Sig); err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_signature", n.Name)
	}
	a, err := batch.ParseAck(e.Text)
	if err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		self, err := findSelf(ctx, tx)
		if err != nil {
			return err
		}
		if a.From != n.Code || a.To != self.Code {
			return errs.New(errs.Invalid, "cascade.not_ours", a.From, a.To)
		}
		if n, err = lockNode(ctx, tx, n.ID); err != nil {
			return err
		}
		if err := heard(ctx, tx, n.ID, store.At(c.now())); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `UPDATE cascade_node SET want = $1 WHERE id = $2 AND want < $3`, a.Want, n.ID, a.Want); err != nil {
			return err
		}
		if a.State == batch.Damaged {
			return c.damaged(ctx, tx, n, a)
		}
		return c.settled(ctx, tx, n, a, e)
	})
}

// settled writes what the peer states of one batch. A statement about another manifest than ours is not believed.
func (c *Cascade) settled(ctx context.Context, tx *store.Tx, n Node, a *batch.Ack, e batch.Envelope) error {
	all, err := batches(ctx, tx, store.C("b.node = $1 AND b.way = 'out' AND b.seq = $2", n.ID, a.Seq))
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].Hash != a.Manifest {
		return errs.New(errs.Conflict, "cascade.ack_unknown", a.Seq)
	}
	b := all[0]
	if b.State != stateMade && b.State != stateSent {
		return nil // heard before
	}
	before := b.State
	now := store.At(c.now())
	b.State, b.Ended, b.Applied, b.AppRoot, b.Ack, b.AckSig, b.Have = stateAcked, now, a.Rows, a.Root, string(e.Text), base64.StdEncoding.EncodeToString(e.Sig), b.Chunks
	b.Fault = Fault{}
	if b.Sent.IsZero() {
		b.Sent = now
	}
	action := "cascade.acknowledged"
	switch {
	case a.State == batch.Refused:
		b.State, b.Fault, action = stateRefused, Fault{a.Key, a.Args}, "cascade.refused"
		if err := c.undo(ctx, tx, &b); err != nil {
			return err
		}
	case a.Rows != b.Rows || a.Root != b.Root:
		b.Fault = Fault{"cascade.roots_differ", []string{text(b.Rows), text(a.Rows)}}
	}
	if err := saveBatch(ctx, tx, &b, before); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "cascade_batch", ID: b.ID, Title: b.Title,
		Detail: map[string]any{"by": n.Code, "seq": b.Seq, "rows": a.Rows, "root": a.Root, "key": a.Key}})
}

// undo gives back what a refused batch carried: entries are rejected for its reason.
func (c *Cascade) undo(ctx context.Context, tx *store.Tx, b *Batch) error {
	return store.Exec(ctx, tx, `UPDATE cascade_link SET state = 'rejected', fault = $1, synced_at = $2 WHERE batch = $3`, b.Fault.json(), store.At(c.now()), b.ID)
}

const autoResends = 5 // times a batch is sent again by itself because it arrived damaged

// damaged sends again what did not arrive whole: everything from the number the peer waits for.
func (c *Cascade) damaged(ctx context.Context, tx *store.Tx, n Node, a *batch.Ack) error {
	all, err := batches(ctx, tx, store.C("b.node = $1 AND b.way = 'out' AND b.seq >= $2 AND b.state = 'sent'", n.ID, a.Want))
	if err != nil {
		return err
	}
	for i := range all {
		b := &all[i]
		hit := a.Manifest == b.Hash || a.Manifest == "" && b.Seq == a.Want
		if !hit {
			continue
		}
		b.Tries++
		b.Fault = Fault{a.Key, a.Args}
		if b.Tries <= autoResends {
			b.State = stateMade
		}
		if err := saveBatch(ctx, tx, b, stateSent); err != nil {
			return err
		}
	}
	if err := c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.damaged", Object: "cascade_node", ID: n.ID, Title: n.Name, Result: audit.Failed, Detail: map[string]any{"want": a.Want, "key": a.Key}}); err != nil {
		return err
	}
	return c.soon(ctx, tx, n.ID)
}

// content calls fn with every line of a batch, after its chunk was found whole.
func (c *Cascade) content(ctx context.Context, id string, m *batch.Manifest, fn func(line []byte) error) error {
	files, err := chunkFiles(ctx, c.db, id)
	if err != nil {
		return err
	}
	for i := range m.Chunks {
		content, err := c.chunk(ctx, files[i], i)
		if err != nil {
			return err
		}
		if err := m.CheckChunk(i, content); err != nil {
			return err
		}
		if err := m.Lines(i, content, fn); err != nil {
			return err
		}
	}
	return nil
}

// chunk reads one chunk.
func (c *Cascade) chunk(ctx context.Context, file string, i int) ([]byte, error) {
	if file == "" {
		return nil, errs.New(errs.Missing, "cascade.no_chunk", i+1)
	}
	_, r, err := c.files.Open(ctx, c.db, file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, batch.MaxChunk+1))
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "cascade.bad_chunk", i+1)
	}
	return content, nil
}
