package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"qushu/internal/base/errs"
)

// Options are what a Server needs.
type Options struct {
	Version    string
	Catalog    *errs.Catalog
	Site       fs.FS          // the built front end
	TrustProxy []netip.Prefix // whose X-Forwarded-For is believed
	Rate       float64        // requests a second of one person, 0 for no limit; an address may send 20 times as many
	Burst      int
	TLS        bool // adds HSTS
	Trace      bool // OpenTelemetry spans
	// Authenticate puts who is calling into the context; nobody is fine, a bad token is an error.
	Authenticate func(w http.ResponseWriter, r *http.Request) (context.Context, error)
	// Ready tells whether requests can be served (database reachable).
	Ready func(context.Context) error
}

// Server is the chain with the API in it.
type Server struct {
	Words
	API   huma.API
	Mux   *http.ServeMux
	opts  Options
	stats *metrics
	room  string // being mounted: unnamed schemas take its name
}

// New builds the chain. Rooms mount on API and Mux before Handler is first used.
func New(o Options) *Server {
	s := &Server{Words: Words{o.Catalog}, Mux: http.NewServeMux(), opts: o, stats: newMetrics()}
	s.adopt()
	cfg := huma.DefaultConfig("Qushu 区枢", o.Version)
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", s.schemaName)
	cfg.CreateHooks = nil // no $schema fields and Link headers in answers
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/openapi", "", ""
	cfg.RejectUnknownQueryParameters = true
	s.API = humago.New(s.Mux, cfg)
	s.Mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.Mux.HandleFunc("GET /readyz", s.ready)
	s.Mux.Handle("GET /metrics", s.loopback(s.stats.handler()))
	s.Mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { s.Write(w, r, errs.New(errs.Missing, "web.no_route")) })
	s.Mux.Handle("/", newSPA(o.Site, s.Words))
	return s
}

// Mounting tells whose operations are added next.
func (s *Server) Mounting(room string) { s.room = room }

// schemaName names a schema <Room><Type>, <Room><Type>Listed for a page of them. A body without a type
// of its own is named after its request or answer.
func (s *Server) schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return title(s.room) + huma.DefaultSchemaNamer(t, hint)
	}
	pkg := t.PkgPath()
	if outer, inner, ok := strings.Cut(name, "["); ok {
		in := strings.TrimSuffix(inner, "]")
		dot := strings.LastIndex(in, ".")
		return schemaPart(in[:max(dot, 0)]) + title(in[dot+1:]) + title(outer)
	}
	return schemaPart(pkg) + title(name)
}

// schemaPart is the room's part of a schema name: the package's last element, capital first.
func schemaPart(pkg string) string {
	if !strings.HasPrefix(pkg, "qushu/internal/") {
		return ""
	}
	return title(pkg[strings.LastIndex(pkg, "/")+1:])
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Handler is the whole chain.
func (s *Server) Handler() http.Handler {
	csrf := http.NewCrossOriginProtection() // Sec-Fetch-Site and Origin; cookies are SameSite besides
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Write(w, r, errs.New(errs.Denied, "web.cross_origin"))
	}))
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ExceptContentTypes([]string{"image/png", "image/jpeg", "application/zip", "application/octet-stream", "text/event-stream"}))
	if err != nil {
		panic(err) // options are constants
	}
	h := http.Handler(s.authenticate(s.limitPerson(s.Mux)))
	h = csrf.Handler(h)
	h = s.limit(h)
	h = zip(h)
	h = s.headers(h)
	h = s.recover(h)
	h = s.observe(h)
	h = s.identify(h)
	if s.opts.Trace {
		h = otelhttp.NewHandler(h, "http")
	}
	return h
}

func (s *Server) authenticate(next http.Handler) http.Handler {
	if s.opts.Authenticate == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/realtime/") {
			next.ServeHTTP(w, r)
			return
		}
		ctx, err := s.opts.Authenticate(w, r)
		if err != nil {
			s.Write(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// headers are set on everything. The API's answers are never stored by a browser.
func (s *Server) headers(next http.Handler) http.Handler {
	csp := strings.Join([]string{"default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
		"font-src 'self' data:", "connect-src 'self'", "media-src 'self' blob:", "worker-src 'self' blob:", "object-src 'none'", "base-uri 'self'",
		"form-action 'self'", "frame-ancestors 'self'"}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(self), payment=(), usb=()")
		if s.opts.TLS {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// recover answers a panic as a problem and logs its stack; the user sees a trace id only.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			slog.ErrorContext(r.Context(), "panic", "trace", From(r.Context()).Trace, "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			s.Write(w, r, fmt.Errorf("panic: %v", v))
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if s.opts.Ready != nil {
		if err := s.opts.Ready(ctx); err != nil {
			s.Write(w, r, errs.Wrap(err, errs.Busy, "web.not_ready"))
			return
		}
	}
	fmt.Fprintln(w, "ready")
}

// loopback lets only this machine in: metrics tell more than the public should know.
func (s *Server) loopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ip := net.ParseIP(From(r.Context()).IP)
		forwarded := r.Header.Get("X-Forwarded-For")+r.Header.Get("Forwarded") != "" // a proxy here that is not listed in trust_proxy
		if ip == nil || !ip.IsLoopback() || forwarded {
			s.Write(w, r, errs.New(errs.Missing, "web.no_route"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Serve answers on l until ctx ends, then lets running requests finish for up to grace.
func Serve(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
		return fmt.Errorf("web: some requests did not finish in %s: %w", grace, err)
	}
	return nil
}
