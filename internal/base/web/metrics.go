package web

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct {
	reg      *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{reg: prometheus.NewRegistry(), requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "qushu_http_seconds", Help: "Time of requests.", Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 30},
	}, []string{"room", "method", "status"})}
	m.reg.MustRegister(m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler { return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{}) }

// Metrics is the registry rooms add their own figures to.
func (s *Server) Metrics() prometheus.Registerer { return s.stats.reg }

// seen remembers the status for the log.
type seen struct {
	http.ResponseWriter
	status int
}

func (w *seen) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *seen) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack lets WebSockets through.
func (w *seen) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Flush lets streams through.
func (w *seen) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		sw := &seen{ResponseWriter: w}
		next.ServeHTTP(sw, r)
		if sw.status == 0 {
			sw.status = 200
		}
		took := time.Since(start)
		s.stats.requests.WithLabelValues(roomOf(r.URL.Path), r.Method, strconv.Itoa(sw.status)).Observe(took.Seconds())
		q := From(r.Context())
		level := slog.LevelDebug
		if sw.status >= 500 {
			level = slog.LevelWarn
		}
		slog.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", sw.status, "took", took, "trace", q.Trace, "who", q.Who, "ip", q.IP)
	})
}

// roomOf keeps the label's values few: an API path's room, or "site".
func roomOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return "site"
	}
	room, _, _ := strings.Cut(rest, "/")
	if len(room) > 20 || strings.ContainsFunc(room, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return "other"
	}
	return room
}
