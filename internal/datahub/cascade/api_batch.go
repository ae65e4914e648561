package cascade

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// BatchItem is a batch in a list.
type BatchItem struct {
	ID        string     `json:"id"`
	Node      string     `json:"node"`
	Way       string     `json:"way" enum:"out,in"`
	Seq       int64      `json:"seq"`
	Kind      string     `json:"kind" enum:"catalogue,receipt,data"`
	Title     string     `json:"title" doc:"of the dataset, empty for the catalogue"`
	State     string     `json:"state" enum:"made,sent,acknowledged,receiving,received,verified,applied,refused"`
	Rows      int64      `json:"rows" doc:"that the manifest states"`
	Bytes     int64      `json:"bytes"`
	Chunks    int64      `json:"chunks"`
	Have      int64      `json:"have" doc:"chunks the receiver has"`
	Root      string     `json:"root" doc:"Merkle root the maker signed"`
	Applied   int64      `json:"applied" doc:"rows the receiver counted"`
	AppRoot   string     `json:"appliedRoot" doc:"root the receiver worked out"`
	Hash      string     `json:"hash" doc:"SM3 of the manifest"`
	Mark      store.Time `json:"watermark" doc:"the content holds everything up to then"`
	Why       string     `json:"why"`
	Overdue   bool       `json:"overdue" doc:"its answer should have come"`
	Made      store.Time `json:"madeAt"`
	Sent      store.Time `json:"sentAt"`
	Ended     store.Time `json:"endedAt"`
	Signature string     `json:"signature" doc:"SM2 over the manifest, base 64"`
}

func (c *Cascade) item(ctx context.Context, b *Batch, late store.Time) BatchItem {
	return BatchItem{ID: b.ID, Node: b.Node, Way: b.Way, Seq: b.Seq, Kind: b.Kind, Title: b.Title, State: b.State, Rows: b.Rows, Bytes: b.Bytes, Chunks: b.Chunks, Have: b.Have, Root: b.Root,
		Applied: b.Applied, AppRoot: b.AppRoot, Hash: b.Hash, Mark: b.Mark, Why: c.say(ctx, b.Fault), Overdue: b.Ended.IsZero() && b.Made.Before(late.Time), Made: b.Made, Sent: b.Sent, Ended: b.Ended, Signature: b.Sig}
}

type batchesIn struct {
	store.Page
	Node  string `query:"node" maxLength:"40"`
	Way   string `query:"way" enum:",out,in"`
	State string `query:"state" enum:",made,sent,acknowledged,receiving,received,verified,applied,refused"`
	Kind  string `query:"kind" enum:",catalogue,receipt,data"`
}

type batchesOut struct{ Body store.Listed[BatchItem] }

func (c *Cascade) listBatches(ctx context.Context, in *batchesIn) (*batchesOut, error) {
	all, err := store.List(ctx, c.db, store.Query[Batch]{Select: `SELECT ` + batchColumns + ` FROM cascade_batch b`,
		Scope: store.Unscoped("batches belong to the node; who may read the exchange sees all of it, and none of the data"),
		Where: only(map[string]string{"b.node": in.Node, "b.way": in.Way, "b.state": in.State, "b.kind": in.Kind}),
		Keys:  []string{"b.made_at", "b.id"}, Desc: true, Page: in.Page, Scan: scanBatch, Cursor: func(b *Batch) []any { return []any{b.Made, b.ID} }})
	out := store.Listed[BatchItem]{Items: []BatchItem{}, Next: all.Next}
	late := c.late(ctx)
	for i := range all.Items {
		out.Items = append(out.Items, c.item(ctx, &all.Items[i], late))
	}
	return &batchesOut{out}, err
}

// only are the conditions of the columns a value is asked of.
func only(want map[string]string) []store.Cond {
	var out []store.Cond
	for col, v := range want {
		if v != "" {
			out = append(out, store.C(col+" = $1", v))
		}
	}
	return out
}

type nodeID struct {
	ID string `path:"id" maxLength:"40"`
}

// runNow asks for a turn with a node at once.
func (c *Cascade) runNow(ctx context.Context, in *nodeID) (*struct{}, error) {
	return nil, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := lockNode(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if n.State != active {
			return errs.New(errs.Conflict, "cascade.paused")
		}
		if err := c.soon(ctx, tx, n.ID); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.run", Object: "cascade_node", ID: n.ID, Title: n.Name})
	})
}

type resendIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		From int64 `json:"from" minimum:"1" doc:"number of the first batch"`
	}
}

type resendOut struct {
	Body struct {
		Again int64 `json:"again" doc:"batches that are sent once more as they are"`
		Anew  int64 `json:"anew" doc:"refused ones whose content goes into a new batch"`
	}
}

// resend sends batches again from a number: those without an answer as they are, so that the receiver sees them twice at most; the
// content of refused ones in new batches. What is acknowledged is there.
func (c *Cascade) resend(ctx context.Context, in *resendIn) (*resendOut, error) {
	out := &resendOut{}
	return out, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := lockNode(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		all, err := batches(ctx, tx, store.C("b.node = $1 AND b.way = 'out' AND b.seq >= $2", n.ID, in.Body.From))
		if err != nil {
			return err
		}
		for i := range all {
			b := &all[i]
			switch b.State {
			case stateSent:
				b.State, b.Tries = stateMade, 0
				if err := saveBatch(ctx, tx, b, stateSent); err != nil {
					return err
				}
				out.Body.Again++
			case stateRefused:
				if b.Tries < 0 {
					continue
				}
				if err := c.anew(ctx, tx, b); err != nil {
					return err
				}
				out.Body.Anew++
			}
		}
		if out.Body.Again+out.Body.Anew == 0 {
			return errs.New(errs.Conflict, "cascade.nothing_to_send", in.Body.From)
		}
		if err := c.soon(ctx, tx, n.ID); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.resend", Object: "cascade_node", ID: n.ID, Title: n.Name, Detail: map[string]any{"from": in.Body.From, "again": out.Body.Again, "anew": out.Body.Anew}})
	})
}

// anew lets the content of a refused batch go into the next one.
func (c *Cascade) anew(ctx context.Context, tx *store.Tx, b *Batch) error {
	if err := store.Exec(ctx, tx, `UPDATE cascade_link SET state = 'pending', batch = '', turn = turn + 1 WHERE batch = $1 AND state = 'rejected'`, b.ID); err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `UPDATE cascade_feed SET sent = '' WHERE batch = $1`, b.ID); err != nil {
		return err
	}
	return store.Exec(ctx, tx, `UPDATE cascade_batch SET tries = -1 WHERE id = $1`, b.ID) // made up for: the account speaks of it no more
}
