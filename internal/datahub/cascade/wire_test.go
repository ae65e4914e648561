package cascade_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade"
)

// say calls a route for peers as the district would.
func (n *node) say(method, path, token string, body []byte) (int, string) {
	n.t.Helper()
	q, err := http.NewRequestWithContext(n.t.Context(), method, n.URL+"/api/cascade/v1"+path, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	q.Header.Set("X-Qushu-Node", "420111")
	q.Header.Set("X-Qushu-Node-Token", token)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		n.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

type letter struct{ text, sig string }

func (l letter) body(t *testing.T) []byte {
	t.Helper()
	sig, err := base64.StdEncoding.DecodeString(l.sig)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string][]byte{"text": []byte(l.text), "sig": sig})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a line does to a batch on its way: a byte of the manifest, of the signature, of a chunk; a cut; the same twice; a stranger.
func TestOnTheWire(t *testing.T) {
	both(t, func(inLow, _ map[string]any) { inLow["url"] = "http://127.0.0.1:1" }, func(t *testing.T, low, up *node) {
		for i := range 3 {
			low.entry(fmt.Sprintf("w%d", i), fmt.Sprintf("线上目录%d", i), 1, func(e *cascade.Entry) {
				for j := range 200 { // more than one chunk
					e.Items = append(e.Items, cascade.Item{Name: fmt.Sprintf("信息项%d", j), Share: "conditional", Level: "L1"})
				}
			})
		}
		low.eventually("GET /api/cascade/batches", `"state":"made"`, "连不上")
		made, err := store.All(t.Context(), low.Kit.DB, func(l *letter) []any { return []any{&l.text, &l.sig} }, `SELECT manifest, sig FROM cascade_batch WHERE way = 'out' ORDER BY seq`)
		if err != nil || len(made) == 0 {
			t.Fatal(made, err)
		}
		files, err := store.Column[string](t.Context(), low.Kit.DB, `SELECT k.file FROM cascade_chunk k JOIN cascade_batch b ON b.id = k.batch WHERE b.seq = 1 ORDER BY k.n`)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		_, r, err := low.Kit.Files.Open(t.Context(), low.Kit.DB, files[0])
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		first := made[0]
		bentText, bentSig := first, first
		bentText.text = strings.Replace(first.text, `"rows":`, `"rows":1`, 1)
		sig, _ := base64.StdEncoding.DecodeString(first.sig)
		sig[len(sig)/2] ^= 1
		bentSig.sig = base64.StdEncoding.EncodeToString(sig)
		bentChunk := slices.Clone(chunk)
		bentChunk[len(chunk)/2] ^= 1
		for _, c := range []struct {
			name, method, path, token string
			body                      []byte
			status                    int
			want                      string
		}{
			{"a stranger", "POST", "/batches", "node_guess", first.body(t), 401, "cascade.unknown_node"},
			{"no letter", "POST", "/batches", "node_shared", []byte("{"), 422, "cascade.bad_manifest"},
			{"a byte of the manifest", "POST", "/batches", "node_shared", bentText.body(t), 422, "cascade.bad_signature"},
			{"a byte of the signature", "POST", "/batches", "node_shared", bentSig.body(t), 422, "cascade.bad_signature"},
			{"a chunk before its manifest", "PUT", "/batches/1/chunks/0", "node_shared", chunk, 404, "cascade.missing"},
			{"the manifest", "POST", "/batches", "node_shared", first.body(t), 200, `"have":[]`},
			{"a byte of a chunk", "PUT", "/batches/1/chunks/0", "node_shared", bentChunk, 422, "cascade.bad_chunk"},
			{"a cut chunk", "PUT", "/batches/1/chunks/0", "node_shared", chunk[:len(chunk)-1], 422, "cascade.bad_chunk"},
			{"a chunk that is none", "PUT", "/batches/1/chunks/99", "node_shared", chunk, 404, "cascade.no_chunk"},
			{"the manifest again", "POST", "/batches", "node_shared", first.body(t), 200, `"state":"receiving"`},
			{"the chunk", "PUT", "/batches/1/chunks/0", "node_shared", chunk, 204, ""},
			{"the chunk again", "PUT", "/batches/1/chunks/0", "node_shared", chunk, 204, ""},
			{"a manifest as an ack", "POST", "/acks", "node_shared", first.body(t), 422, "cascade.bad_manifest"},
		} {
			if status, body := up.say(c.method, c.path, c.token, c.body); status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s: %d %s", c.name, status, body)
			}
		}
		up.eventually("GET /api/cascade/entries", "线上目录")
		// The district comes back and sends all of it: what is there is not taken twice.
		form := map[string]any{"code": "420100", "name": "武汉市", "role": "upper", "publicKey": up.card().Self.PublicKey, "transport": "https", "url": up.URL, "unit": "u9", "version": 1}
		low.do(low.admin, "PUT /api/cascade/nodes/"+low.peer, form, nil)
		low.eventually("GET /api/cascade/links?state=accepted", "线上目录0", "线上目录1", "线上目录2")
		low.eventually(low.account(), whole)
		n, err := store.Value[int](t.Context(), up.Kit.DB, `SELECT count(*) FROM cascade_entry`)
		if err != nil || n != 3 {
			t.Error("entries at the city:", n, err)
		}
	})
}
