package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
)

func start(t *testing.T, o web.Options) string {
	t.Helper()
	cat, err := errs.NewCatalog(web.Text, store.Text)
	if err != nil {
		t.Fatal(err)
	}
	o.Catalog = cat
	o.Site = fstest.MapFS{"index.html": {Data: []byte("<!doctype html>page")}, "assets/app-1a2b.js": {Data: []byte("plain")},
		"assets/app-1a2b.js.gz": {Data: []byte("zipped")}, "assets/app-1a2b.js.br": {Data: []byte("brotli")}}
	s := web.New(o)
	s.Mux.HandleFunc("GET /api/x/ip", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, web.From(r.Context()).IP) })
	s.Mux.HandleFunc("POST /api/x/change", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "changed") })
	s.Mux.HandleFunc("GET /api/x/panic", func(http.ResponseWriter, *http.Request) { panic("xyzzy") })
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}

func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	r, err := (&http.Transport{DisableCompression: true}).RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

func TestSite(t *testing.T) {
	url := start(t, web.Options{})
	for _, c := range []struct {
		name, path, accept string
		status             int
		body, cache        string
	}{
		{"the page", "/", "", 200, "page", "no-cache"},
		{"a route of the page", "/org/people/1", "", 200, "page", "no-cache"},
		{"an asset", "/assets/app-1a2b.js", "", 200, "plain", "public, max-age=31536000, immutable"},
		{"an asset in gzip", "/assets/app-1a2b.js", "gzip", 200, "zipped", "public, max-age=31536000, immutable"},
		{"an asset in brotli", "/assets/app-1a2b.js", "gzip, br", 200, "brotli", "public, max-age=31536000, immutable"},
		{"a missing asset is never the page", "/assets/gone.js", "", 404, "404", ""},
		{"climbing out", "/..%2f..%2fetc%2fpasswd", "", 200, "page", "no-cache"},
		{"no such interface", "/api/none", "", 404, "没有这个", "no-store"},
	} {
		r, body := ask(t, "GET", url+c.path, "Accept-Encoding", c.accept)
		if r.StatusCode != c.status || !strings.Contains(body, c.body) || (c.cache != "" && r.Header.Get("Cache-Control") != c.cache) {
			t.Errorf("%s: %d %q %s", c.name, r.StatusCode, body, r.Header.Get("Cache-Control"))
		}
		if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", c.name, r.Header)
		}
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	url := start(t, web.Options{})
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"our page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a program", nil, 200},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another site, old browser", []string{"Origin", "https://elsewhere.example"}, 403},
	} {
		if r, body := ask(t, "POST", url+"/api/x/change", c.header...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, body)
		}
	}
}

// What lies left of an untrusted hop was written by the client.
func TestClientAddress(t *testing.T) {
	for _, c := range []struct{ name, trust, forwarded, want string }{
		{"no proxy is believed", "", "203.0.113.7", "127.0.0.1"},
		{"the proxy is believed", "127.0.0.0/8", "203.0.113.7", "203.0.113.7"},
		{"a forged hop is not", "127.0.0.0/8", "10.1.1.1, 203.0.113.7", "203.0.113.7"},
		{"two proxies", "127.0.0.0/8,10.0.0.0/8", "203.0.113.7, 10.1.1.1", "203.0.113.7"},
		{"nonsense", "127.0.0.0/8", "<script>", "127.0.0.1"},
	} {
		var o web.Options
		for p := range strings.SplitSeq(c.trust, ",") {
			if p != "" {
				o.TrustProxy = append(o.TrustProxy, netip.MustParsePrefix(p))
			}
		}
		if _, got := ask(t, "GET", start(t, o)+"/api/x/ip", "X-Forwarded-For", c.forwarded); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	url := start(t, web.Options{Rate: 0.0001, Burst: 1}) // an address may send twenty at once
	limited := 0
	for range 40 {
		if r, body := ask(t, "GET", url+"/api/x/ip"); r.StatusCode == 429 {
			limited++
			if r.Header.Get("Retry-After") == "" || !strings.Contains(body, "操作过于频繁") {
				t.Error(r.Header, body)
			}
		}
	}
	if limited != 20 {
		t.Error(limited)
	}
}

func TestPanicAndMetrics(t *testing.T) {
	url := start(t, web.Options{Ready: func(context.Context) error { return errs.New(errs.Busy, "store.away") }})
	if r, body := ask(t, "GET", url+"/api/x/panic"); r.StatusCode != 500 || strings.Contains(body, "xyzzy") || !strings.Contains(body, r.Header.Get("X-Trace-Id")) {
		t.Error(r.StatusCode, body)
	}
	if r, _ := ask(t, "GET", url+"/readyz"); r.StatusCode != 503 {
		t.Error("ready without a database:", r.StatusCode)
	}
	if r, body := ask(t, "GET", url+"/metrics"); r.StatusCode != 200 || !strings.Contains(body, `qushu_http_seconds_count{method="GET",room="x",status="500"} 1`) {
		t.Error(r.StatusCode)
	}
	if r, _ := ask(t, "GET", url+"/metrics", "X-Forwarded-For", "203.0.113.7"); r.StatusCode != 404 {
		t.Error("metrics through a proxy:", r.StatusCode)
	}
}

// A server that is told to stop finishes what it is doing.
func TestServeFinishesRequests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan bool), make(chan bool)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		entered <- true
		<-leave
		io.WriteString(w, "whole")
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, l, h, 10*time.Second) }()
	body := make(chan string, 1)
	go func() { _, b := ask(t, "GET", "http://"+l.Addr().String()); body <- b }()
	<-entered
	stop()
	close(leave)
	if b := <-body; b != "whole" {
		t.Error(b)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
