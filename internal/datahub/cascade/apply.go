package cascade

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
)

// apply applies what has come from a node, in order, as far as it is there.
func (c *Cascade) apply(ctx context.Context, id string) error {
	for {
		n, err := findNode(ctx, c.db, store.C("n.id = $1", id))
		if err != nil {
			return err
		}
		next, err := batches(ctx, c.db, store.C("b.node = $1 AND b.way = 'in' AND b.seq = $2 AND b.state IN ('received', 'verified')", n.ID, n.RecvSeq+1))
		if err != nil || len(next) == 0 {
			return err
		}
		if err := c.applyOne(ctx, n, &next[0]); err != nil {
			return err
		}
	}
}

// applyOne verifies one batch and takes it, or refuses it. A reason of this node alone (no unit to answer, the disk is full) is
// kept on the batch and it waits; any other makes it refused for good, and nothing of it is taken.
func (c *Cascade) applyOne(ctx context.Context, n Node, b *Batch) error {
	m, err := c.verify(ctx, n, b)
	if err == nil {
		switch m.Kind {
		case batch.Catalogue:
			err = c.applyCatalogue(ctx, n, b, m)
		case batch.Receipt:
			err = c.applyReceipts(ctx, n, b, m)
		default:
			err = c.applyData(ctx, n, b, m)
		}
	}
	switch key := errs.KeyOf(err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case key == "cascade.bad_chunk" || key == "cascade.no_chunk":
		return c.lost(ctx, n, b, err)
	case !errs.Is(err, errs.Invalid) || key == "cascade.no_unit":
		return c.note(ctx, b, err)
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.close(ctx, tx, n, b, err) })
}

// verify holds a batch against its manifest once more: the chain of manifests, every chunk, the count and the root.
func (c *Cascade) verify(ctx context.Context, n Node, b *Batch) (*batch.Manifest, error) {
	m, err := batch.ParseManifest([]byte(b.Manifest))
	if err != nil {
		return nil, err
	}
	if m.Prev != n.RecvHash {
		return nil, errs.New(errs.Invalid, "cascade.chain", m.Seq)
	}
	if want := lineShape[m.Kind]; want != "" && m.Schema != batch.SchemaHash(want) {
		return nil, errs.New(errs.Invalid, "cascade.schema")
	}
	var tree batch.Tree
	var rows int64
	if err := c.content(ctx, b.ID, m, func(line []byte) error { tree.Add(line); rows++; return nil }); err != nil {
		return nil, err
	}
	if b.Applied, b.AppRoot = rows, tree.Root(); rows != m.Rows || b.AppRoot != m.Root {
		return nil, errs.New(errs.Invalid, "cascade.root", m.Rows, rows)
	}
	if b.State == stateReceived {
		b.State = stateVerified
		return m, saveBatch(ctx, c.db, b, stateReceived)
	}
	return m, nil
}

// close ends an incoming batch in tx: applied, or refused for a reason. Its signed ack waits to be told.
func (c *Cascade) close(ctx context.Context, tx *store.Tx, n Node, b *Batch, why error) error {
	now, err := lockNode(ctx, tx, n.ID)
	if err != nil {
		return err
	}
	if now.RecvSeq+1 != b.Seq {
		return errs.New(errs.Conflict, "store.changed")
	}
	self, err := findSelf(ctx, tx)
	if err != nil {
		return err
	}
	at := c.now()
	before := b.State
	a := batch.Ack{Format: batch.AckFormat, Batch: b.ID, Manifest: b.Hash, From: self.Code, To: n.Code, Seq: b.Seq, State: batch.Applied, Rows: b.Applied, Root: b.AppRoot, Args: []string{},
		At: at.UTC().Format(time.RFC3339), Want: b.Seq + 1}
	action, result := "cascade.applied", audit.OK
	b.State, b.Fault, b.Ended, b.AckDue = stateApplied, Fault{}, store.At(at), true
	if why != nil {
		b.State, b.Fault, action, result = stateRefused, faultOf(why), "cascade.refused", audit.Failed
		a.State, a.Key, a.Args = batch.Refused, b.Fault.Key, b.Fault.Args
	}
	if b.Ack, b.AckSig, err = c.signed(&a); err != nil {
		return err
	}
	if err := saveBatch(ctx, tx, b, before); err != nil {
		return err
	}
	if err := store.ExecOne(ctx, tx, `UPDATE cascade_node SET recv_seq = $1, recv_hash = $2, damage = $3 WHERE id = $4`, b.Seq, b.Hash, Fault{}.json(), n.ID); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "cascade_batch", ID: b.ID, Title: b.Title, Result: result, Personal: b.Kind == string(batch.Data),
		Detail: map[string]any{"from": n.Code, "seq": b.Seq, "kind": b.Kind, "rows": b.Applied, "root": b.AppRoot, "key": a.Key}})
}

// lost begins a batch anew whose chunks are no longer what came: its maker is asked for them again.
func (c *Cascade) lost(ctx context.Context, n Node, b *Batch, why error) error {
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockNode(ctx, tx, n.ID); err != nil {
			return err
		}
		self, err := findSelf(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.dropChunks(ctx, tx, b.ID); err != nil {
			return err
		}
		before := b.State
		b.State, b.Have, b.Fault, b.AckDue = stateReceiving, 0, faultOf(why), true
		a := batch.Ack{Format: batch.AckFormat, Batch: b.ID, Manifest: b.Hash, From: self.Code, To: n.Code, Seq: b.Seq, State: batch.Damaged, Root: "", Key: b.Fault.Key, Args: b.Fault.Args,
			At: c.now().UTC().Format(time.RFC3339), Want: b.Seq}
		if b.Ack, b.AckSig, err = c.signed(&a); err != nil {
			return err
		}
		if err := saveBatch(ctx, tx, b, before); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.damaged", Object: "cascade_batch", ID: b.ID, Title: b.Title, Result: audit.Failed, Detail: map[string]any{"from": n.Code, "seq": b.Seq, "key": a.Key}})
	})
}

// dropChunks forgets the chunks of a batch with their files.
func (c *Cascade) dropChunks(ctx context.Context, tx *store.Tx, id string) error {
	files, err := chunkFiles(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := c.files.Remove(ctx, tx, f, "cascade"); err != nil {
			return err
		}
	}
	return store.Exec(ctx, tx, `DELETE FROM cascade_chunk WHERE batch = $1`, id)
}

func (c *Cascade) signed(a *batch.Ack) (text, sig string, err error) {
	t, err := a.Text()
	if err != nil {
		return "", "", err
	}
	_, s, err := c.ring.Sign(t)
	return string(t), base64.StdEncoding.EncodeToString(s), err
}

// linesOf reads every line of a batch as T.
func linesOf[T any](ctx context.Context, c *Cascade, b *Batch, m *batch.Manifest) ([]T, error) {
	if m.Rows > 100_000 {
		return nil, errs.New(errs.Invalid, "cascade.too_many", m.Rows)
	}
	out := make([]T, 0, m.Rows)
	err := c.content(ctx, b.ID, m, func(line []byte) error {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return errs.Wrap(err, errs.Invalid, "cascade.bad_line", len(out)+1)
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// applyCatalogue takes the entries of a lower node, all of the batch in one transaction. An entry that cannot be accepted is
// rejected with its reason, and the version accepted before stays.
func (c *Cascade) applyCatalogue(ctx context.Context, n Node, b *Batch, m *batch.Manifest) error {
	if n.Role != Lower {
		return errs.New(errs.Invalid, "cascade.wrong_way", string(m.Kind))
	}
	all, err := linesOf[Line](ctx, c, b, m)
	if err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := lockNode(ctx, tx, n.ID)
		if err != nil {
			return err
		}
		seq := now.EntrySeq
		for _, l := range all {
			if err := c.hold(ctx, tx, &now, b, l); err != nil {
				return err
			}
		}
		if now.EntrySeq != seq {
			if err := store.ExecOne(ctx, tx, `UPDATE cascade_node SET entry_seq = $1 WHERE id = $2`, now.EntrySeq, n.ID); err != nil {
				return err
			}
		}
		return c.close(ctx, tx, n, b, nil)
	})
}

// hold writes one entry of a lower node.
func (c *Cascade) hold(ctx context.Context, tx *store.Tx, n *Node, b *Batch, l Line) error {
	if l.ID == "" || len(l.ID) > 64 || l.Op != opPut && l.Op != opOffline {
		return errs.New(errs.Invalid, "cascade.bad_line", l.ID)
	}
	all, err := entries(ctx, tx, store.C("e.node = $1 AND e.local_id = $2", n.ID, l.ID), 1)
	if err != nil {
		return err
	}
	h := Held{ID: n.ID + "/" + l.ID, Node: n.ID, LocalID: l.ID, Entry: Entry{Items: []Item{}}}
	if len(all) > 0 {
		h = all[0]
	}
	h.Last, h.Told, h.Batch, h.At, h.Fault = l.Number, false, b.ID, store.At(c.now()), Fault{}
	if l.Op == opOffline {
		if h.State = stateOffline; h.UpperCode == "" {
			h.Entry = l.Entry
		}
		return writeHeld(ctx, tx, &h)
	}
	if err := l.Entry.check(); err != nil {
		if h.State, h.Fault = stateRejected, faultOf(err); h.UpperCode == "" {
			h.Entry = l.Entry
		}
		return writeHeld(ctx, tx, &h)
	}
	if h.UpperCode == "" {
		n.EntrySeq++
		h.UpperCode = upperCode(l.Entry.Code, n.Code, n.EntrySeq)
	}
	if l.Entry.Items == nil {
		l.Entry.Items = []Item{}
	}
	h.Entry, h.Number, h.State = l.Entry, l.Number, stateAccepted
	return writeHeld(ctx, tx, &h)
}

// applyReceipts writes what became of the own entries at the upper node. A receipt for a version that has changed since leaves
// the entry pending.
func (c *Cascade) applyReceipts(ctx context.Context, n Node, b *Batch, m *batch.Manifest) error {
	if n.Role != Upper {
		return errs.New(errs.Invalid, "cascade.wrong_way", string(m.Kind))
	}
	all, err := linesOf[Answer](ctx, c, b, m)
	if err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockNode(ctx, tx, n.ID); err != nil {
			return err
		}
		for _, a := range all {
			state := stateAccepted
			if !a.OK {
				state = stateRejected
			}
			now := store.At(c.now())
			if err := store.Exec(ctx, tx, `UPDATE cascade_link SET upper_code = $1, synced_at = $2 WHERE node = $3 AND entry = $4`, a.Code, now, n.ID, a.ID); err != nil {
				return err
			}
			if err := store.Exec(ctx, tx, `UPDATE cascade_link SET state = $1, fault = $2 WHERE node = $3 AND entry = $4 AND number = $5 AND batch <> ''`, state, a.Why.json(), n.ID, a.ID, a.Number); err != nil {
				return err
			}
		}
		return c.close(ctx, tx, n, b, nil)
	})
}

// applyData makes the next version of the dataset a feed fills. It serves from the commit on, or never.
func (c *Cascade) applyData(ctx context.Context, n Node, b *Batch, m *batch.Manifest) error {
	if n.Role != Upper {
		return errs.New(errs.Invalid, "cascade.wrong_way", string(m.Kind))
	}
	if n.Unit == "" {
		return errs.New(errs.Invalid, "cascade.no_unit")
	}
	var cols []dataset.Column
	if err := json.Unmarshal(m.Feed.Columns, &cols); err != nil || m.Schema != batch.SchemaHash(cols) {
		return errs.New(errs.Invalid, "cascade.schema")
	}
	if err := dataset.CheckColumns(cols); err != nil {
		return err
	}
	src := Source{ID: n.ID + "/" + m.Feed.ID, Node: n.ID, Feed: m.Feed.ID}
	if all, err := sources(ctx, c.db, store.C("s.id = $1", src.ID)); err != nil {
		return err
	} else if len(all) > 0 {
		src = all[0]
	}
	cols = c.datasets.Settled(ctx, cols) // sealed under the keys of this node, by its rule
	loaded, err := c.load(ctx, b, m, cols)
	if err != nil {
		return err
	}
	err = c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := c.publish(ctx, tx, n, m, &src, cols, loaded); err != nil {
			return err
		}
		src.Title, src.Number, src.Rows, src.Root, src.Batch, src.Mark, src.At = m.Feed.Title, m.Feed.Number, m.Rows, m.Root, b.ID, b.Mark, store.At(c.now())
		if err := writeSource(ctx, tx, &src); err != nil {
			return err
		}
		return c.close(ctx, tx, n, b, nil)
	})
	if err != nil {
		return errors.Join(err, c.wh.Drop(context.WithoutCancel(ctx), loaded.ID))
	}
	return nil
}

// publish lets a loaded version serve as the dataset of a source; the first time it makes one.
func (c *Cascade) publish(ctx context.Context, tx *store.Tx, n Node, m *batch.Manifest, src *Source, cols []dataset.Column, loaded warehouse.Version) error {
	p := dataset.Publication{ID: src.Dataset, Title: m.Feed.Title, Summary: m.Feed.Summary, Room: "cascade", Unit: n.Unit, Columns: cols, Loaded: loaded, Source: n.Name}
	if src.Dataset != "" {
		ds, err := c.datasets.Get(ctx, tx, src.Dataset, store.Unscoped("the dataset of the source"))
		if errs.Is(err, errs.Missing) {
			p.ID = ""
		} else if err != nil {
			return err
		}
		p.Expect = ds.Version
	}
	if p.ID == "" {
		p.Name = m.Feed.Name
		for i := 0; ; i++ {
			taken, err := c.datasets.Taken(ctx, tx, p.Name)
			if err != nil {
				return err
			}
			if !taken {
				break
			}
			p.Name = m.Feed.Name[:min(len(m.Feed.Name), 30)] + "_up" + text(i+1)
		}
	}
	ds, err := c.datasets.Publish(ctx, tx, p)
	src.Dataset, src.Name = ds.ID, ds.Name
	return err
}

var errStop = errors.New("cascade: the reader stopped")

// load writes the rows of a batch as a new version of the warehouse.
func (c *Cascade) load(ctx context.Context, b *Batch, m *batch.Manifest, cols []dataset.Column) (warehouse.Version, error) {
	var rows iter.Seq2[warehouse.Row, error] = func(yield func(warehouse.Row, error) bool) {
		values := make([]any, len(cols))
		err := c.content(ctx, b.ID, m, func(line []byte) error {
			var cells []*string
			if err := json.Unmarshal(line, &cells); err != nil || len(cells) != len(cols) {
				return errs.Wrap(err, errs.Invalid, "cascade.bad_line", m.Rows)
			}
			for i, s := range cells {
				if values[i] = nil; s == nil {
					continue
				}
				v, err := cols[i].Type.Parse(*s)
				if err != nil {
					return err
				}
				values[i] = v
			}
			if !yield(warehouse.Row{Values: slices.Clone(values)}, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(warehouse.Row{}, err)
		}
	}
	loaded, err := c.wh.Load(ctx, warehouse.Spec{Table: "cascade." + m.Feed.Name, Columns: dataset.Physical(cols), OnDuplicate: warehouse.KeepAll}, rows)
	if err == nil && loaded.Rows != m.Rows {
		err = errors.Join(errs.New(errs.Invalid, "cascade.root", m.Rows, loaded.Rows), c.wh.Drop(ctx, loaded.ID))
	}
	return loaded.Version, err
}
