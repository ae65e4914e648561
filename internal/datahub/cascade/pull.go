package cascade

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/room"
)

// A node behind a firewall that lets it only go out asks its peer for what waits there (主动取回): the letters it has not got
// yet, then the chunks of batches. The peer calls nobody. What travels, and who signs it, is what travels when both call.

// Waiting is what waits for a peer that asks.
type Waiting struct {
	Acks    []batch.Envelope `json:"acks"`
	Batches []batch.Envelope `json:"batches"` // in order of their numbers
}

// Taken is what a peer that asks has got since it last did.
type Taken struct {
	Acks    []string `json:"acks"`    // SM3 of their texts
	Batches []string `json:"batches"` // SM3 of manifests whose chunks are all there
}

// perPull is how many letters of each sort one answer holds.
const perPull = 20

// servePull answers a peer that asks what waits for it, and notes what it has got.
func (c *Cascade) servePull(w http.ResponseWriter, r *http.Request) error {
	n, err := c.caller(r)
	if err != nil {
		return err
	}
	var got Taken
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&got); err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_manifest", "taken")
	}
	ctx := room.BySystem(r.Context())
	if err := heard(ctx, c.db, n.ID, store.At(c.now())); err != nil {
		return err
	}
	due, err := batches(ctx, c.db, store.C("b.node = $1 AND b.way = 'in' AND b.ack_due", n.ID))
	if err != nil {
		return err
	}
	out := Waiting{Acks: []batch.Envelope{}, Batches: []batch.Envelope{}}
	for _, b := range due {
		if slices.Contains(got.Acks, batch.Hash([]byte(b.Ack))) {
			if err := store.Exec(ctx, c.db, `UPDATE cascade_batch SET ack_due = FALSE WHERE id = $1 AND ack = $2`, b.ID, b.Ack); err != nil {
				return err
			}
		} else if len(out.Acks) < perPull {
			if err := add(&out.Acks, b.Ack, b.AckSig); err != nil {
				return err
			}
		}
	}
	made, err := batches(ctx, c.db, store.C("b.node = $1 AND b.way = 'out' AND b.state = 'made'", n.ID))
	if err != nil {
		return err
	}
	size := 0
	for i := range made {
		if slices.Contains(got.Batches, made[i].Hash) {
			if err := c.delivered(ctx, &made[i]); err != nil {
				return err
			}
		} else if size += len(made[i].Manifest); len(out.Batches) < perPull && size < batch.MaxManifest/2 || len(out.Batches) == 0 {
			if err := add(&out.Batches, made[i].Manifest, made[i].Sig); err != nil {
				return err
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}

func add(to *[]batch.Envelope, text, sig string) error {
	e, err := envelope(text, sig)
	*to = append(*to, e)
	return err
}

// serveOut gives one chunk of a batch for the peer that asks.
func (c *Cascade) serveOut(w http.ResponseWriter, r *http.Request) error {
	b, i, err := c.meant(r, "out")
	if err != nil {
		return err
	}
	ctx := room.BySystem(r.Context())
	files, err := chunkFiles(ctx, c.db, b.ID)
	if err != nil {
		return err
	}
	if files[i] == "" {
		return errs.New(errs.Missing, "cascade.no_chunk", i+1)
	}
	content, err := c.chunk(ctx, files[i], i)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, err = w.Write(content)
	return err
}

// fetch asks a peer that calls nobody for what waits there, until nothing does. What came is applied by the turn that asked.
func (o *overWire) fetch(ctx context.Context) error {
	if o.node.Transport != overPull {
		return nil // the peer comes by itself
	}
	got := Taken{Acks: []string{}, Batches: []string{}}
	for {
		var w Waiting
		if err := o.call(ctx, "POST", "/v1/pull", got, &w); err != nil {
			return err
		}
		if len(w.Acks)+len(w.Batches) == 0 {
			return nil
		}
		got = Taken{Acks: []string{}, Batches: []string{}}
		for _, e := range w.Acks {
			if err := o.acknowledge(ctx, o.node, e); err != nil && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Missing) {
				return o.complain(ctx, o.node, err)
			}
			got.Acks = append(got.Acks, batch.Hash(e.Text))
		}
		for _, e := range w.Batches {
			if err := o.bring(ctx, e); err != nil {
				return o.complain(ctx, o.node, err)
			}
			got.Batches = append(got.Batches, batch.Hash(e.Text))
		}
	}
}

// bring takes one batch with all its chunks; those that are here are not asked for again.
func (o *overWire) bring(ctx context.Context, e batch.Envelope) error {
	b, m, err := o.accept(ctx, o.node, e)
	if err != nil || b.State != stateReceiving {
		return err
	}
	have, err := chunkFiles(ctx, o.db, b.ID)
	if err != nil {
		return err
	}
	for i := range m.Chunks {
		if have[i] != "" {
			continue
		}
		var content []byte
		if err := o.call(ctx, "GET", "/v1/out/"+text(b.Seq)+"/chunks/"+strconv.Itoa(i), []byte{}, &content); err != nil {
			return o.note(ctx, &b, err)
		}
		if err := o.take(ctx, &b, m, i, content); err != nil {
			return err
		}
	}
	return nil
}

// bytesOf reads an answer of bytes, at most those of a chunk.
func bytesOf(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, batch.MaxChunk+1)) }
