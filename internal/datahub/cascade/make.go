package cascade

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
)

// making is a batch under construction: its chunks are kept first, its row comes last.
type making struct {
	*Cascade
	node  Node
	man   batch.Manifest
	title string
	kept  []string // files of its chunks
	w     *batch.Writer
}

// begin starts a batch of a kind for a node. schema describes how its lines are built.
func (c *Cascade) begin(ctx context.Context, n Node, kind batch.Kind, title string, schema any) *making {
	now := c.now().UTC().Truncate(time.Second).Format(time.RFC3339)
	m := &making{Cascade: c, node: n, title: title,
		man: batch.Manifest{Format: batch.Format, ID: id.New(), Kind: kind, To: n.Code, Made: now, Watermark: now, Schema: batch.SchemaHash(schema)}}
	m.w = batch.NewWriter(c.settings.Int(ctx, "cascade.chunk_kb")<<10, func(i int, content []byte) error {
		f, err := c.files.Keep(ctx, "cascade", "out-"+m.man.ID, "chunk", bytes.NewReader(content))
		m.kept = append(m.kept, f.ID)
		return err
	})
	return m
}

// add writes one line.
func (m *making) add(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return m.w.Add(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// end gives the batch its number, signs it and writes its row; also does the rest in the same transaction. What has been kept
// goes again when that fails.
func (m *making) end(ctx context.Context, also func(ctx context.Context, tx *store.Tx, id string) error) error {
	err := m.w.Close(&m.man)
	if err == nil {
		err = m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			b, err := m.number(ctx, tx)
			if err != nil {
				return err
			}
			if err := insertBatch(ctx, tx, b); err != nil {
				return err
			}
			for i, f := range m.kept {
				if err := insertChunk(ctx, tx, b.ID, i, f); err != nil {
					return err
				}
			}
			if err := also(ctx, tx, b.ID); err != nil {
				return err
			}
			return m.audit.Record(ctx, tx, audit.Entry{Action: "cascade.made", Object: "cascade_batch", ID: b.ID, Title: b.Title, Personal: m.man.Kind == batch.Data,
				Detail: map[string]any{"to": m.node.Code, "seq": b.Seq, "kind": b.Kind, "rows": b.Rows, "root": b.Root}})
		})
	}
	if err != nil {
		return errors.Join(err, m.drop(context.WithoutCancel(ctx)))
	}
	return nil
}

// number gives the next number of the direction and signs.
func (m *making) number(ctx context.Context, tx *store.Tx) (*Batch, error) {
	n, err := lockNode(ctx, tx, m.node.ID)
	if err != nil {
		return nil, err
	}
	self, err := findSelf(ctx, tx)
	if err != nil {
		return nil, err
	}
	m.man.From, m.man.Seq, m.man.Prev = self.Code, n.SentSeq+1, n.SentHash
	text, err := m.man.Text()
	if err != nil {
		return nil, err
	}
	if _, err := batch.ParseManifest(text); err != nil { // what the other side would refuse does not leave
		return nil, err
	}
	_, sig, err := m.ring.Sign(text)
	if err != nil {
		return nil, err
	}
	now := store.At(m.now())
	b := &Batch{ID: "out-" + m.man.ID, Node: n.ID, Way: "out", Seq: m.man.Seq, Kind: string(m.man.Kind), Title: m.title, State: stateMade, Manifest: string(text),
		Sig: base64.StdEncoding.EncodeToString(sig), Hash: batch.Hash(text), Rows: m.man.Rows, Bytes: m.man.Bytes(), Chunks: int64(len(m.man.Chunks)), Root: m.man.Root, Mark: now, Made: now}
	if m.man.Feed != nil {
		b.Feed = m.man.Feed.ID
	}
	return b, store.ExecOne(ctx, tx, `UPDATE cascade_node SET sent_seq = $1, sent_hash = $2 WHERE id = $3`, b.Seq, b.Hash, n.ID)
}

// drop removes what was kept for a batch that did not come to be.
func (m *making) drop(ctx context.Context) error {
	return m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, f := range m.kept {
			if f == "" {
				continue
			}
			if err := m.Cascade.files.Remove(ctx, tx, f, "cascade"); err != nil {
				return err
			}
		}
		return nil
	})
}

// gather makes batches of all that is to be told to a node.
func (c *Cascade) gather(ctx context.Context, n Node) error {
	self, err := findSelf(ctx, c.db)
	if err != nil || self.Code == "" {
		return err
	}
	if n.Role == Upper {
		return c.gatherLinks(ctx, n)
	}
	return errors.Join(c.gatherReceipts(ctx, n), c.gatherFeeds(ctx, n))
}

const perBatch = 2000 // entries or receipts of one batch

// lineShape says how lines of the catalogue and of receipts are built, for their schema hash.
var lineShape = map[batch.Kind]string{batch.Catalogue: "entry/1", batch.Receipt: "receipt/1"}

// gatherLinks makes a batch of the entries that changed.
func (c *Cascade) gatherLinks(ctx context.Context, n Node) error {
	for {
		due, err := links(ctx, c.db, store.C("l.node = $1 AND l.state = 'pending' AND l.batch = ''", n.ID), perBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		m := c.begin(ctx, n, batch.Catalogue, "", lineShape[batch.Catalogue])
		for i := range due {
			e, err := c.lineOf(ctx, &due[i])
			if err != nil {
				return errors.Join(err, m.drop(ctx))
			}
			if err := m.add(e); err != nil {
				return errors.Join(err, m.drop(ctx))
			}
		}
		if err := m.end(ctx, func(ctx context.Context, tx *store.Tx, id string) error {
			for _, l := range due {
				if err := store.Exec(ctx, tx, `UPDATE cascade_link SET batch = $1 WHERE id = $2 AND turn = $3`, id, l.ID, l.Turn); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(due) < perBatch {
			return nil
		}
	}
}

// lineOf is what is told of an entry now. One that went meanwhile is told as offline.
func (c *Cascade) lineOf(ctx context.Context, l *Link) (Line, error) {
	line := Line{Op: opOffline, ID: l.Entry, Number: l.Number, Entry: Entry{Code: l.LocalCode, Name: l.Name, Items: []Item{}}}
	if l.Op == opOffline {
		return line, nil
	}
	e, ok, err := c.catalog.Entry(ctx, c.db, l.Entry)
	if err != nil || !ok {
		return line, err
	}
	units, err := c.names.Units(ctx, c.db, []string{e.Provider})
	if err != nil {
		return line, err
	}
	e.Provider = units[e.Provider]
	return Line{Op: opPut, ID: l.Entry, Number: l.Number, Entry: e}, nil
}

// gatherReceipts makes a batch of what became of the entries of a lower node.
func (c *Cascade) gatherReceipts(ctx context.Context, n Node) error {
	for {
		due, err := entries(ctx, c.db, store.C("e.node = $1 AND NOT e.told", n.ID), perBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		m := c.begin(ctx, n, batch.Receipt, "", lineShape[batch.Receipt])
		for _, e := range due {
			if err := m.add(Answer{ID: e.LocalID, Number: e.Last, Code: e.UpperCode, OK: e.State != stateRejected, Why: e.Fault}); err != nil {
				return errors.Join(err, m.drop(ctx))
			}
		}
		if err := m.end(ctx, func(ctx context.Context, tx *store.Tx, _ string) error {
			for _, e := range due {
				if err := store.Exec(ctx, tx, `UPDATE cascade_entry SET told = TRUE WHERE id = $1 AND batch = $2`, e.ID, e.Batch); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(due) < perBatch {
			return nil
		}
	}
}

// gatherFeeds makes a batch of every dataset offered to a node that has a new version. One that cannot be made says why and
// holds nothing else up.
func (c *Cascade) gatherFeeds(ctx context.Context, n Node) error {
	all, err := feeds(ctx, c.db, store.C("f.node = $1 AND f.state = 'active'", n.ID))
	if err != nil {
		return err
	}
	for _, f := range all {
		ds, err := c.datasets.Get(ctx, c.db, f.Dataset, store.Unscoped("the feed was allowed by who may offer the dataset"))
		if err == nil && ds.Current == f.Sent {
			continue
		}
		if err == nil {
			err = c.makeData(ctx, n, f, ds)
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := errors.AsType[*errs.Error](err); !ok {
			return err
		}
		if err := store.Exec(ctx, c.db, `UPDATE cascade_feed SET fault = $1 WHERE id = $2`, faultOf(err).json(), f.ID); err != nil {
			return err
		}
	}
	return nil
}

// rekept hears that a version has another id: what was sent of it need not be sent again.
func (c *Cascade) rekept(ctx context.Context, e struct {
	Old string `json:"old"`
	New string `json:"new"`
}) error {
	return store.Exec(ctx, c.db, `UPDATE cascade_feed SET sent = $1 WHERE sent = $2`, e.New, e.Old)
}

// makeData puts the version that serves into a batch: whole, each time.
func (c *Cascade) makeData(ctx context.Context, n Node, f Feed, ds dataset.Dataset) error {
	cols, err := f.columns(ds)
	if err != nil {
		return err
	}
	where, err := f.Filter.Cond(ds)
	if err != nil {
		return err
	}
	q := warehouse.Query{From: ds.Current, Where: where}
	for _, col := range cols {
		q.Select = append(q.Select, warehouse.Item{Col: col.Name})
	}
	res, err := c.wh.Query(ctx, q)
	if err != nil {
		return err
	}
	cols = slices.Clone(cols)
	for i := range cols { // values go as they are; how they are kept there is the receiver's to decide
		cols[i].Keep = dataset.KeepByRule
	}
	m := c.begin(ctx, n, batch.Data, ds.Title, cols)
	raw, err := json.Marshal(cols)
	if err != nil {
		return err
	}
	m.man.Watermark = ds.Updated.UTC().Truncate(time.Second).Format(time.RFC3339)
	m.man.Feed = &batch.Feed{ID: f.ID, Name: ds.Name, Title: ds.Title, Summary: ds.Summary, Number: ds.Number, Columns: raw}
	line := make([]*string, len(cols))
	for row, err := range res.Rows {
		if err != nil {
			return errors.Join(err, m.drop(ctx))
		}
		for i, v := range row {
			if line[i] = nil; v != nil {
				s := warehouse.Format(v)
				line[i] = &s
			}
		}
		if err := m.add(line); err != nil {
			return errors.Join(err, m.drop(ctx))
		}
	}
	return m.end(ctx, func(ctx context.Context, tx *store.Tx, id string) error {
		return store.Exec(ctx, tx, `UPDATE cascade_feed SET sent = $1, batch = $2, fault = $3 WHERE id = $4`, ds.Current, id, Fault{}.json(), f.ID)
	})
}
