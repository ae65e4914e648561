// Package web is the floor of everything spoken over HTTP: one chain of headers, limits, traces and
// words around huma's typed operations, plain handlers and the single-page application.
package web

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Text holds the words of this package's errors.
//
//go:embed text/*.json
var Text embed.FS

// Request is what the chain knows of a request; handlers reach it by From.
type Request struct {
	Trace string // 32 hex digits, W3C trace id
	Lang  string // "zh" or "en"
	IP    string // of the client, behind trusted proxies
	Agent string
	Key   string // Idempotency-Key
	Who   string // subject of the session or token, set by the authenticator, "" for nobody
}

type ctxKey struct{}

// From returns the request ctx belongs to, never nil.
func From(ctx context.Context) *Request {
	if r, ok := ctx.Value(ctxKey{}).(*Request); ok {
		return r
	}
	return &Request{Lang: "zh"}
}

// With returns ctx with r; for jobs and tests.
func With(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, ctxKey{}, r)
}

func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &Request{Lang: language(r.Header.Get("Accept-Language")), Agent: cut(r.UserAgent(), 300), IP: s.clientIP(r), Key: cut(r.Header.Get("Idempotency-Key"), 100)}
		if sc := trace.SpanContextFromContext(r.Context()); sc.HasTraceID() {
			q.Trace = sc.TraceID().String()
		} else {
			var b [16]byte
			rand.Read(b[:])
			q.Trace = hex.EncodeToString(b[:])
		}
		w.Header().Set("X-Trace-Id", q.Trace)
		next.ServeHTTP(w, r.WithContext(With(r.Context(), q)))
	})
}

// language picks the first language we have from an Accept-Language header; Chinese otherwise.
func language(header string) string {
	for part := range strings.SplitSeq(header, ",") {
		tag := strings.ToLower(strings.TrimSpace(strings.SplitN(part, ";", 2)[0]))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return "zh"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "zh"
}

// clientIP walks X-Forwarded-For from the right over trusted proxies; what lies left of an untrusted
// hop was written by the client and means nothing.
func (s *Server) clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(host); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = hop.Unmap().String()
	}
	return host
}

func (s *Server) trusted(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range s.opts.TrustProxy {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
