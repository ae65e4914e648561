package cascade

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/room"
)

// A node shows its code and the shared token; what it brings is signed besides. All of it may be said twice: a batch is known
// by its number and the hash of its manifest, a chunk by its place, so a repeated call changes nothing.
const (
	headNode  = "X-Qushu-Node"
	headToken = "X-Qushu-Node-Token"
)

// Standing is how far a batch is at the receiver.
type Standing struct {
	State string          `json:"state"`
	Have  []int           `json:"have"` // chunks, from 0
	Want  int64           `json:"want"` // number that is applied next
	Ack   *batch.Envelope `json:"ack,omitempty"`
}

const own = "what a peer brings is recorded when it is applied, refused or acknowledged"

// wire declares the routes a peer calls.
func (c *Cascade) wire() []room.Raw {
	return []room.Raw{
		{Method: "POST", Path: "/v1/batches", Perm: room.Open, Doc: "a peer's signed manifest; answers which chunks are there. Authentication: " + headNode + " and " + headToken, Unaudited: own, Serve: c.serveBatch},
		{Method: "PUT", Path: "/v1/batches/{seq}/chunks/{n}", Perm: room.Open, Doc: "one chunk of a peer's batch", Unaudited: own, Serve: c.serveChunk},
		{Method: "POST", Path: "/v1/acks", Perm: room.Open, Doc: "a peer's signed statement about a batch of this node", Unaudited: own, Serve: c.serveAck},
		{Method: "POST", Path: "/v1/pull", Perm: room.Open, Doc: "a peer that can only go out asks for what waits for it, and says what it has got", Unaudited: own, Serve: c.servePull},
		{Method: "GET", Path: "/v1/out/{seq}/chunks/{n}", Perm: room.Open, Doc: "one chunk of a batch that waits for the peer that asks", Serve: c.serveOut},
	}
}

// caller is the peer behind a request. Whoever is not known, or shows a wrong token, learns no more than that.
func (c *Cascade) caller(r *http.Request) (Node, error) {
	refused := errs.New(errs.Unsigned, "cascade.unknown_node")
	n, err := findNode(r.Context(), c.db, store.C("n.code = $1", r.Header.Get(headNode)))
	if errs.Is(err, errs.Missing) {
		return n, refused
	}
	if err != nil {
		return n, err
	}
	token, err := c.ring.Unseal(tokenPlace(n.ID), n.Token)
	if err != nil {
		return n, err
	}
	if subtle.ConstantTimeCompare(token, []byte(r.Header.Get(headToken))) != 1 {
		return n, refused
	}
	if n.State != active {
		return n, errs.New(errs.Denied, "cascade.paused")
	}
	return n, nil
}

func (c *Cascade) serveBatch(w http.ResponseWriter, r *http.Request) error {
	n, e, err := c.letter(w, r)
	if err != nil {
		return err
	}
	ctx := room.BySystem(r.Context())
	b, _, err := c.accept(ctx, n, e)
	if err != nil {
		return c.complain(ctx, n, err)
	}
	if n, err = findNode(ctx, c.db, store.C("n.id = $1", n.ID)); err != nil {
		return err
	}
	out := Standing{State: b.State, Have: []int{}, Want: n.RecvSeq + 1}
	have, err := chunkFiles(ctx, c.db, b.ID)
	if err != nil {
		return err
	}
	for i := range have {
		out.Have = append(out.Have, i)
	}
	slices.Sort(out.Have)
	if b.Ack != "" && (b.State == stateApplied || b.State == stateRefused) {
		e, err := envelope(b.Ack, b.AckSig)
		if err != nil {
			return err
		}
		out.Ack = &e
	}
	if b.State == stateReceived { // also of a batch without chunks
		if err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.soon(ctx, tx, n.ID) }); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}

// meant is the batch, and the place of the chunk in it, that a peer's address names; way is in or out, as seen from here.
func (c *Cascade) meant(r *http.Request, way string) (b Batch, i int, err error) {
	n, err := c.caller(r)
	if err != nil {
		return b, 0, err
	}
	seq, _ := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if i, err = strconv.Atoi(r.PathValue("n")); err != nil {
		return b, 0, errs.New(errs.Missing, "cascade.missing")
	}
	all, err := batches(r.Context(), c.db, store.C("b.node = $1 AND b.way = $2 AND b.seq = $3", n.ID, way, seq))
	if err != nil {
		return b, 0, err
	}
	if len(all) == 0 {
		return b, 0, errs.New(errs.Missing, "cascade.missing")
	}
	return all[0], i, nil
}

func (c *Cascade) serveChunk(w http.ResponseWriter, r *http.Request) error {
	b, i, err := c.meant(r, "in")
	if err != nil {
		return err
	}
	ctx := room.BySystem(r.Context())
	m, err := batch.ParseManifest([]byte(b.Manifest))
	if err != nil {
		return err
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, batch.MaxChunk+1))
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_chunk", i+1)
	}
	if err := c.take(ctx, &b, m, i, content); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Cascade) serveAck(w http.ResponseWriter, r *http.Request) error {
	n, e, err := c.letter(w, r)
	if err != nil {
		return err
	}
	ctx := room.BySystem(r.Context())
	if err := c.acknowledge(ctx, n, e); err != nil {
		return c.complain(ctx, n, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// complain keeps on the node why something of it was not taken: that a signature does not fit is for people to know.
func (c *Cascade) complain(ctx context.Context, n Node, why error) error {
	if !errs.Is(why, errs.Invalid) && !errs.Is(why, errs.Conflict) {
		return why
	}
	return firstOf(store.Exec(ctx, c.db, `UPDATE cascade_node SET damage = $1 WHERE id = $2`, faultOf(why).json(), n.ID), why)
}

// letter reads a signed text a peer posts.
func (c *Cascade) letter(w http.ResponseWriter, r *http.Request) (Node, batch.Envelope, error) {
	var e batch.Envelope
	n, err := c.caller(r)
	if err != nil {
		return n, e, err
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, batch.MaxManifest*2)).Decode(&e); err != nil {
		return n, e, errs.Wrap(err, errs.Invalid, "cascade.bad_manifest", "envelope")
	}
	return n, e, nil
}

// overWire calls a peer over HTTPS.
type overWire struct {
	*Cascade
	node Node
	http *http.Client
}

func (o *overWire) send(ctx context.Context, b *Batch, m *batch.Manifest) error {
	e, err := envelope(b.Manifest, b.Sig)
	if err != nil {
		return err
	}
	var s Standing
	if err := o.call(ctx, "POST", "/v1/batches", e, &s); err != nil {
		return err
	}
	if s.Ack != nil {
		return o.acknowledge(ctx, o.node, *s.Ack)
	}
	if s.State != stateReceiving {
		return nil
	}
	files, err := chunkFiles(ctx, o.db, b.ID)
	if err != nil {
		return err
	}
	done := int64(len(s.Have))
	for i := range m.Chunks {
		if slices.Contains(s.Have, i) {
			continue
		}
		content, err := o.chunk(ctx, files[i], i)
		if err != nil {
			return err
		}
		if err := o.call(ctx, "PUT", "/v1/batches/"+text(b.Seq)+"/chunks/"+strconv.Itoa(i), content, nil); err != nil {
			return err
		}
		if done++; done%16 == 0 {
			if err := store.Exec(ctx, o.db, `UPDATE cascade_batch SET have = $1 WHERE id = $2`, done, b.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *overWire) end() {
	if o.http != nil {
		o.http.CloseIdleConnections()
	}
}

func (o *overWire) tell(ctx context.Context, b *Batch) error {
	e, err := envelope(b.Ack, b.AckSig)
	if err != nil {
		return err
	}
	return o.call(ctx, "POST", "/v1/acks", e, nil)
}

// client believes the peer as the administrator said (see trust.go), and follows no redirect.
func (o *overWire) client() *http.Client {
	if o.http != nil {
		return o.http
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = tlsOf(&o.node)
	o.http = &http.Client{Transport: t, Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return o.http
}

// call sends in (bytes as they are, else JSON) to the peer and reads the answer.
func (o *overWire) call(ctx context.Context, method, path string, in, out any) error {
	body, raw := in.([]byte)
	if !raw {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	self, err := findSelf(ctx, o.db)
	if err != nil {
		return err
	}
	token, err := o.ring.Unseal(tokenPlace(o.node.ID), o.node.Token)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(o.node.URL, "/")+"/api/cascade"+path, bytes.NewReader(body))
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_url")
	}
	q.Header.Set(headNode, self.Code)
	q.Header.Set(headToken, string(token))
	q.Header.Set("Content-Type", "application/octet-stream")
	r, err := o.client().Do(q)
	if err != nil {
		return unreachable(err, hostOf(o.node.URL))
	}
	defer r.Body.Close()
	if r.StatusCode/100 != 2 {
		var p struct{ Detail string }
		_ = json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&p) // a gateway's answer is no problem of ours
		kind := errs.Busy
		if r.StatusCode == http.StatusConflict {
			kind = errs.Conflict
		}
		return errs.New(kind, "cascade.answered", r.StatusCode, p.Detail)
	}
	if out == nil {
		return nil
	}
	if content, ok := out.(*[]byte); ok {
		if *content, err = bytesOf(r.Body); err != nil {
			return errs.Wrap(err, errs.Busy, "cascade.unreachable", hostOf(o.node.URL))
		}
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 4*batch.MaxManifest)).Decode(out); err != nil {
		return errs.Wrap(err, errs.Busy, "cascade.answered", r.StatusCode, "")
	}
	return nil
}

func hostOf(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Host
	}
	return s
}
