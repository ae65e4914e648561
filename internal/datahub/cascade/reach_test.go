package cascade_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/kernel/kerneltest"
)

// What was published before the nodes knew each other goes up when they are paired, page by page, once.
func TestToldAfterPairing(t *testing.T) {
	books.stand(t, 1203)
	both(t, nil, func(t *testing.T, low, up *node) {
		low.eventually("GET /api/cascade/nodes", `"state":"done","total":1203,"done":1203`)
		low.eventually(low.account(), `"accepted":1203`, whole)
		up.eventually("GET /api/cascade/entries?text=配对前的目录1202", `"state":"accepted"`)
		sent := func() int64 {
			n, err := store.Value[int64](t.Context(), low.Kit.DB, `SELECT CAST(sum(row_count) AS BIGINT) FROM cascade_batch WHERE way = 'out'`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := sent()
		low.Run(t, []kerneltest.Case{
			{Name: "not by who only reads", As: kerneltest.Actor("reader", "u1", "all", "cascade.read"), Call: "POST /api/cascade/nodes/" + low.peer + "/sync", Status: 403},
			{Name: "not downwards", As: low.clerk, Call: "POST /api/cascade/nodes/" + low.peer + "/sync", Status: 200, Want: []string{`"state":"running"`}},
		})
		up.Run(t, []kerneltest.Case{{Name: "a lower node is told nothing", As: up.clerk, Call: "POST /api/cascade/nodes/" + up.peer + "/sync", Status: 422}})
		low.eventually("GET /api/cascade/nodes", `"state":"done","total":1203,"done":1203`)
		low.run()
		low.eventually(low.account(), whole)
		if sent() != before {
			t.Error("what had been told was told again:", sent()-before)
		}
		// A worker that was killed in the middle goes on where it was: the place and the count were one transaction with what they say.
		if err := store.Exec(t.Context(), low.Kit.DB, `UPDATE cascade_sync SET state = 'running', place = 'before0499', done = 500`); err != nil {
			t.Fatal(err)
		}
		if err := low.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return low.Kit.Jobs.Enqueue(ctx, tx, "cascade.sync", map[string]string{"node": low.peer})
		}); err != nil {
			t.Fatal(err)
		}
		low.eventually("GET /api/cascade/nodes", `"state":"done","total":1203,"done":1203`)
	})
}

// authority is a CA of the operator's own with a certificate it signed for a host.
type authority struct {
	pem  string
	cert tls.Certificate
}

func (a authority) pin() string {
	sum := sha256.Sum256(a.cert.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// signs makes a CA and a certificate for host, good from now for a time.
func signs(t *testing.T, host string, good time.Duration) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	make := func(of, by *x509.Certificate) []byte {
		der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	from := time.Now().Add(-48 * time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "武汉市政务外网 CA"}, NotBefore: from, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root := make(ca, ca)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: from, NotAfter: time.Now().Add(good), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	return authority{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})), tls.Certificate{Certificate: [][]byte{make(leaf, ca)}, PrivateKey: key}}
}

// behind puts a server with a certificate before a node and returns its address.
func (n *node) behind(a authority) string {
	n.t.Helper()
	to, err := url.Parse(n.URL)
	if err != nil {
		n.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.cert}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	n.t.Cleanup(s.Close)
	return s.URL
}

// A peer's certificate is believed by the operator's CA or by its fingerprint. A wrong one is said in words, and nothing is sent.
func TestCertificates(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			low, up := start(t, engine, "420111", "洪山区"), start(t, engine, "420100", "武汉市")
			good, other, old, elsewhere := signs(t, "127.0.0.1", time.Hour), signs(t, "127.0.0.1", time.Hour), signs(t, "127.0.0.1", -time.Hour), signs(t, "city.example", time.Hour)
			pair(t, low, up, func(inLow, _ map[string]any) { inLow["url"] = up.behind(good) })
			low.entry("t1", "证书不对时的目录", 1, nil)
			form := map[string]any{"code": "420100", "name": "武汉市", "role": "upper", "publicKey": up.card().Self.PublicKey, "transport": "https", "unit": "u9"}
			version := 0
			save := func(at, ca, pin string) {
				t.Helper()
				version++
				form["url"], form["ca"], form["pin"], form["version"] = at, ca, pin, version
				low.do(low.admin, "PUT /api/cascade/nodes/"+low.peer, form, nil)
			}
			nothing := func(want ...string) {
				t.Helper()
				low.eventually("GET /api/cascade/batches", append([]string{`"state":"made"`, "没有发送任何数据"}, want...)...)
				low.eventually(low.account(), want...)
				up.eventually("GET /api/cascade/batches", `"items":[]`)
			}
			nothing("不是由可信的机构签发的", good.pin())
			save(up.behind(good), other.pem, "")
			nothing("不是由可信的机构签发的")
			save(up.behind(old), old.pem, "")
			nothing("不在有效期内")
			save(up.behind(elsewhere), elsewhere.pem, "")
			nothing("不是签发给这个地址的", "city.example")
			save(up.behind(other), "", good.pin())
			nothing("与登记的指纹不符", other.pin())
			save(up.behind(other), other.pem, good.pin())
			nothing("与登记的指纹不符")
			save("https"+strings.TrimPrefix(up.URL, "http"), good.pem, "")
			nothing("没有用 HTTPS 应答")
			form["url"], form["version"] = up.behind(good), version
			for name, bad := range map[string][2]string{"ca": {"not a certificate", ""}, "pin": {"", "abc"}} {
				form["ca"], form["pin"] = bad[0], bad[1]
				low.Run(t, []kerneltest.Case{{Name: "a bad " + name, As: low.admin, Call: "PUT /api/cascade/nodes/" + low.peer, Body: said(t, form), Status: 422, Want: []string{`"name":"` + name + `"`}}})
			}
			save(up.behind(good), "", strings.ToUpper(good.pin()[:2])+":"+good.pin()[2:])
			low.eventually("GET /api/cascade/links?state=accepted", "证书不对时的目录")
			low.entry("t2", "本地 CA 签发的证书", 1, nil)
			save(up.behind(good), good.pem, "")
			low.eventually("GET /api/cascade/links?state=accepted", "本地 CA 签发的证书")
			low.eventually(low.account(), whole)
		})
	}
}

// wall lets the district call the city and spoils what is asked of it; nobody calls the district.
type wall struct {
	flip atomic.Int64 // chunks that come with a byte flipped
	cut  atomic.Int64 // chunks of which half comes
	got  sync.Map     // chunks that were asked for → how often
}

func (w *wall) before(t *testing.T, to string) string {
	at, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(at)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/v1/out/") {
			proxy.ServeHTTP(rw, r)
			return
		}
		n, _ := w.got.LoadOrStore(r.URL.Path, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		in := httptest.NewRecorder()
		proxy.ServeHTTP(in, r)
		body := in.Body.Bytes()
		if w.flip.Add(-1) >= 0 && len(body) > 0 {
			body[len(body)/2] ^= 1
		}
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		rw.WriteHeader(in.Code)
		if w.cut.Add(-1) >= 0 {
			_, _ = rw.Write(body[:len(body)/2])
			_ = http.NewResponseController(rw).Flush() // else nothing has come, and the caller tries again by itself
			panic(http.ErrAbortHandler)
		}
		_, _ = rw.Write(body)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s.URL
}

// A district that can only go out reports, gets its receipts and the data of the city, though the line is cut in the middle of a
// batch and a byte is flipped on it: until all of it is right both sides say so, and then what was there is not asked for again.
func TestOnlyGoesOut(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			low, up := start(t, engine, "420111", "洪山区"), start(t, engine, "420100", "武汉市")
			w := &wall{}
			pair(t, low, up, func(inLow, inUp map[string]any) {
				inLow["transport"], inLow["url"] = "pull", w.before(t, up.URL)
				inUp["transport"] = "wait"
				delete(inUp, "url")
			})
			up.Get(t, up.Administrator("system"), "PUT /api/settings/cascade.chunk_kb", `{"value":16,"reason":"试验","version":0}`, nil)
			low.entry("o1", "只能主动外联的目录", 1, nil)
			up.eventually("GET /api/cascade/entries?state=accepted", "只能主动外联的目录")
			low.until("GET /api/cascade/links?state=accepted", "只能主动外联的目录", `"upperCode":"3064`)

			// The city makes a batch; nobody fetches it for two days. Both sides say what is so.
			up.offer(up.library("", 0, 5000))
			up.eventually("GET /api/cascade/batches?kind=data", `"state":"made"`)
			up.Move(48 * time.Hour)
			up.eventually("GET /api/cascade/batches?kind=data", `"state":"made"`, `"overdue":true`)
			up.eventually("GET /api/cascade/nodes", `"waiting":`, `"failures":0`)

			w.flip.Store(1)
			low.run()
			low.eventually("GET /api/cascade/batches?way=in&kind=data", `"state":"receiving"`, "与清单")
			low.eventually(low.account(), "与清单")
			if _, err := low.held(); err == nil {
				t.Fatal("half a batch serves")
			}
			up.eventually("GET /api/cascade/batches?kind=data", `"state":"made"`)
			w.cut.Store(1)
			low.run()
			low.eventually("GET /api/cascade/nodes", "连不上")
			low.until("GET /api/cascade/sources", "人口库", `"rows":5000`)
			if got, err := low.held(); err != nil || got.Rows != 5000 {
				t.Fatal(got, err)
			}
			up.eventually("GET /api/cascade/batches?kind=data", `"state":"acknowledged"`, `"applied":5000`)
			chunks, twice := 0, 0
			w.got.Range(func(_, n any) bool {
				chunks++
				if n.(*atomic.Int64).Load() > 2 {
					twice++
				}
				return true
			})
			if chunks < 3 || twice > 1 { // the one that was flipped, and may be cut then
				t.Error("chunks that were asked for, and again:", chunks, twice)
			}
			low.until(low.account(), whole)
			up.eventually(up.account(), whole)
			up.Run(t, []kerneltest.Case{
				{Name: "no stranger asks", Call: "POST /api/cascade/v1/pull", Body: `{}`, Status: 401},
				{Name: "nor fetches", Call: "GET /api/cascade/v1/out/1/chunks/0", Status: 401},
			})
		})
	}
}

// until takes turns until the answer holds all of want: a clock would.
func (n *node) until(call string, want ...string) {
	n.t.Helper()
	for range 500 {
		n.run()
		_, body := n.Call(n.t, kerneltest.Case{As: n.clerk, Call: call})
		missing := false
		for _, w := range want {
			missing = missing || !strings.Contains(body, w)
		}
		if !missing {
			return
		}
		n.idle()
	}
	n.t.Fatalf("%s never held %q", call, want)
}

// idle waits until no turn is queued or runs.
func (n *node) idle() {
	n.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		left, err := store.Value[int](n.t.Context(), n.Kit.DB, `SELECT count(*) FROM river_job WHERE kind = 'cascade.turn' AND CAST(state AS TEXT) IN ('available', 'running')`)
		if err != nil {
			n.t.Fatal(err)
		}
		if left == 0 {
			return
		}
		<-tick.C
	}
	n.t.Fatal("a turn does not end")
}

func said(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
